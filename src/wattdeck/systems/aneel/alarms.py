"""The alarms of a distributor: a municipality in the dark, an incredible zero, answers against the format or frozen.

All of it is reckoned from readings; that none come any more is an alarm that every source has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from wattdeck.core.alarm import AlarmRule, Condition, Priority, above
from wattdeck.core.language import later, tr
from wattdeck.core.reading import Link, Reading
from wattdeck.core.text import clean
from wattdeck.core.units import number
from wattdeck.systems.aneel.config import AneelConfig
from wattdeck.systems.aneel.models import Finding, Level, OutagesSnapshot, PlaceOutage
from wattdeck.systems.aneel.outagetable import percent_words
from wattdeck.systems.aneel.wording import drawn

MUNICIPALITY, ZERO, FORMAT, FROZEN = (
    "aneel.municipality-out",
    "aneel.sudden-zero",
    "aneel.conformance",
    "aneel.frozen",
)
RULES = (
    AlarmRule(
        MUNICIPALITY,
        Priority.MEDIUM,
        later("Municipality without power"),
        later("Many customers of one municipality have no power, hospitals and waterworks perhaps among them."),
        later("See on the ANEEL screen (Enter) which sets it is, and ask the operation centre about the repair."),
    ),
    AlarmRule(
        ZERO,
        Priority.MEDIUM,
        later("Outages gone from one half hour to the next"),
        later("ANEEL and the public are told that all are back; more likely data are broken than lines repaired."),
        later("Ask the operation centre whether the customers are back; if not, have the server's data checked."),
    ),
    AlarmRule(
        FORMAT,
        Priority.LOW,
        later("Answer against ANEEL's format"),
        later("ANEEL may refuse the answer, which counts as none, or read wrong figures out of it."),
        later("Read the finding on the ANEEL screen (c), and hand it to whoever runs the distributor's server."),
    ),
    AlarmRule(
        FROZEN,
        Priority.LOW,
        later("Outage data do not move"),
        later("What is on show is older than it says; new outages are not seen."),
        later("Ask the distributor whether its server still gets data; it should answer status 2 when it does not."),
    ),
)
MUNICIPALITIES_MAX, FINDINGS_MAX = 20, 20
"""Most alarms of one rule at a time: the worst say enough."""
REPEATED = "X01"
"""The rule of the check that names answers which do not move: old data passed off as new."""
SOON = timedelta(minutes=70)
"""Two half hours, and the few minutes within which everybody asks for them."""
WORDS = 120


class AneelWatch:
    """Looks at one distributor's readings. Remembers how many were out last."""

    def __init__(self, config: AneelConfig) -> None:
        self._settings = config.alarms
        self._told: set[int] = set()
        """Municipalities found too high last: among many as bad they are not given up for others."""
        self._last: tuple[datetime, int] | None = None
        """Half hour and customers out of the last answer with anyone out."""
        self._unlikely: bool | None = None
        """The newest answer has nobody out, and should not; None if nothing is known of before."""

    def look(self, readings: Sequence[Reading[Any]], now: datetime) -> Sequence[Condition]:
        """What is the case now, as far as readings are live; of the others nothing is known."""
        del now
        outages = next((reading for reading in readings if reading.feed == "outages"), None)
        found = [*self._formats(readings)]
        if outages is None:
            return found
        snapshot = outages.snapshot
        found.append(self._frozen(outages))
        if isinstance(snapshot, OutagesSnapshot):
            live = outages.link is Link.LIVE
            found.append(self._zero(snapshot, live=live))
            found += self._municipalities(snapshot, live=live)
        return found

    def _municipalities(self, snapshot: OutagesSnapshot, *, live: bool) -> Iterator[Condition]:
        """Those that are too high, or were and have not fallen far enough: the worst, and what was among them stays."""
        limit, band = self._settings.municipality_percent, self._settings.municipality_dead_band_percent
        found = []
        for place in snapshot.municipalities:
            active, holds = above(place.percent_out if self._watched(place) else None, limit, band)
            if active or holds:
                found.append((place.code not in self._told, not active, -(place.percent_out or 0.0), place))
        found.sort(key=lambda each: each[:3])
        chosen = [place for *_, place in found[:MUNICIPALITIES_MAX]]
        if live:
            self._told = {place.code for place in chosen}
        for place in chosen:
            active, holds = above(place.percent_out, limit, band)
            # What customers served have just jumped to may be wrong, and so may the share be.
            known = live and not place.reconfigured
            yield Condition(MUNICIPALITY, str(place.code), clean(place.name, 80), active if known else None,
                            holds and known, _place_words(place, limit))  # fmt: skip

    def _watched(self, place: PlaceOutage) -> bool:
        served = place.customers_served
        enough = served is not None and served >= self._settings.municipality_customers_min
        return enough and not place.estimated and place.percent_out is not None

    def _zero(self, snapshot: OutagesSnapshot, *, live: bool) -> Condition:
        if live and snapshot.slot is not None and not snapshot.unreadable_rows:
            self._take(snapshot.slot, snapshot)
        out = self._last[1] if self._last is not None else snapshot.totals.restored or 0
        words = ""
        if self._unlikely:
            words = tr("nobody out, right after {count} customers were", count=number(out))
        return Condition(ZERO, active=self._unlikely if live else None, words=words)

    def _take(self, slot: datetime, snapshot: OutagesSnapshot) -> None:
        """Judge a good answer. After an unlikely zero only an outage proves that data come again."""
        if snapshot.totals.out:
            self._last, self._unlikely = (slot, snapshot.totals.out), False
        elif not self._unlikely:
            least = self._settings.zero_after_out
            if self._last is not None:
                self._unlikely = self._last[1] > least and slot - self._last[0] <= SOON
            elif snapshot.totals.restored is not None and snapshot.totals.restored > least:
                self._unlikely = True

    def _formats(self, readings: Iterable[Reading[Any]]) -> Iterator[Condition]:
        """Errors of the check, each rule once, by rule."""
        errors: dict[str, Finding] = {}
        counts: Counter[str] = Counter()
        live: dict[str, bool] = {}
        for reading in readings:
            for each in getattr(reading.snapshot, "findings", ()) if reading.snapshot is not None else ():
                if each.level is Level.ERROR:
                    errors.setdefault(each.rule, each)
                    counts[each.rule] += 1
                    live[each.rule] = live.get(each.rule, False) or reading.link is Link.LIVE
        for rule in sorted(errors)[:FINDINGS_MAX]:
            words = _finding_words(errors[rule], counts[rule])
            yield Condition(FORMAT, rule, rule, True if live[rule] else None, words=words)

    def _frozen(self, reading: Reading[Any]) -> Condition:
        """Whether the check has found the newest answers all alike for hours: the data are older than they say."""
        repeated = next((each for each in _findings(reading) if each.rule == REPEATED), None)
        words = clean(drawn(repeated.found), WORDS) if repeated is not None else ""
        return Condition(FROZEN, active=repeated is not None if reading.link is Link.LIVE else None, words=words)


def _findings(reading: Reading[Any]) -> Iterable[Finding]:
    found: Iterable[Finding] = getattr(reading.snapshot, "findings", ()) if reading.snapshot is not None else ()
    return found


def _place_words(place: PlaceOutage, limit: float) -> str:
    return tr(
        "{count} customers out, {percent} % of {served}; limit {limit} %",
        count=number(place.out),
        percent=percent_words(place.percent_out),
        served=number(place.customers_served),
        limit=number(limit, 1),
    )


def _finding_words(finding: Finding, count: int) -> str:
    values = {"where": clean(drawn(finding.where), WORDS), "found": clean(drawn(finding.found), WORDS)}
    if count == 1:
        return tr("{where}: found {found}", **values)
    return tr("{where}: found {found}, and {count} more", count=number(count - 1), **values)
