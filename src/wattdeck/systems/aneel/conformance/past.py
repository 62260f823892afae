"""Answers about the past against each other and against what was seen live: H01, H05, H07 (aneel.md 2.3)."""

from __future__ import annotations

from datetime import datetime, timedelta

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance import shown
from wattdeck.systems.aneel.conformance.examination import Examination
from wattdeck.systems.aneel.conformance.outages import Good
from wattdeck.systems.aneel.conformance.tally import Tally
from wattdeck.systems.aneel.models import SLOT
from wattdeck.systems.aneel.times import parse_recovery, slot_of
from wattdeck.systems.aneel.wording import said

KEPT_MAX = 400
"""Half hours of a week, and some."""
IGNORED_MIN, IGNORED_SPREAD = 3, timedelta(hours=24)
"""So many different moments, so far apart, that are all answered alike one after the other."""
HOUR = timedelta(hours=1)

Rows = frozenset[Good]


class Past:
    """What was told of each half hour: live, and later on request."""

    def __init__(self) -> None:
        self._live: dict[datetime, int] = {}
        """Half hour -> digest of what was answered then."""
        self._told: dict[datetime, int] = {}
        """Moment asked for -> digest of its first answer."""
        self._now: int | None = None
        """Digest of the newest answer about the present."""
        self._last: int | None = None
        """Digest of the newest answer about the past."""
        self._alike: set[datetime] = set()
        """Moments in a row that were answered like that."""
        self.repeated = False
        """Whether any moment was asked for twice."""
        self.looked: set[str] = set()

    def now(self, at: datetime, seen: Examination) -> None:
        """Take an answer about the present."""
        rows = _rows(seen)
        if rows is None:
            return
        self._now = hash(rows)
        _keep(self._live, slot_of(at), self._now)

    def look_back(self, tally: Tally, text: str, seen: Examination) -> None:
        """Take an answer about a moment of the past."""
        rows = _rows(seen)
        try:
            moment = parse_recovery(text)
        except ValueError:
            return
        if rows is None or moment > seen.exchange.at - SLOT:
            return
        digest, where = hash(rows), f"dthRecuperacao={shown.key(text)}"
        if moment in self._told:
            self.repeated = True
            if self._told[moment] != digest:
                tally.add("H07", where, said(later("{count} rows that differ from the first answer"), count=len(rows)))
        else:
            _keep(self._told, moment, digest)
        if not self._ignored(tally, where, moment, digest, bool(rows)):
            self._shifted(tally, where, moment, digest, bool(rows))

    def _ignored(self, tally: Tally, where: str, moment: datetime, digest: int, anybody: bool) -> bool:
        """Whether one moment after the other is answered alike, which is the present if that is asked for as well."""
        if digest != self._last or not anybody:
            if self._last is not None:
                self.looked.add("H01")
            self._last, self._alike = digest, {moment} if anybody else set()
            return False
        self._alike.add(moment)
        newest, oldest = max(self._alike), min(self._alike)
        if len(self._alike) < IGNORED_MIN or newest - oldest < IGNORED_SPREAD:
            return False
        self._alike = {newest, oldest, moment}
        present = digest == self._now
        found = later("the present, as for other moments") if present else later("the same, as for other moments")
        tally.add("H01", where, found)
        return True

    def _shifted(self, tally: Tally, where: str, moment: datetime, digest: int, anybody: bool) -> None:
        """Not what was seen live at that time, but what was seen an hour before or after."""
        slot = slot_of(moment)
        near = [self._live[at] for at in (slot - SLOT, slot, slot + SLOT) if at in self._live]
        if not anybody or slot not in self._live or digest in near or digest == self._now:
            if slot in self._live:
                self.looked.add("H05")
            return
        before, after = later("what was seen an hour before"), later("what was seen an hour after")
        for words, at in ((before, slot - HOUR), (after, slot + HOUR)):
            if self._live.get(at) == digest:
                tally.add("H05", where, words)
                return


def _rows(seen: Examination) -> Rows | None:
    return None if seen.outages is None else frozenset(seen.outages)


def _keep(kept: dict[datetime, int], moment: datetime, digest: int) -> None:
    if moment not in kept and len(kept) >= KEPT_MAX:
        del kept[min(kept)]
    kept[moment] = digest
