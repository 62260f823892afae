"""The present from poll to poll: X01 frozen, X02 sudden zero, X03 availability, I16 jumps, I18 the planned share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance.model import Context
from wattdeck.systems.aneel.conformance.outages import Good
from wattdeck.systems.aneel.conformance.tally import Tally
from wattdeck.systems.aneel.models import BRASILIA
from wattdeck.systems.aneel.wording import said

POLLS_ALIKE = 4
DROP_MIN = 1000
FALLING = 0.75
"""A poll with less than this share of the one before announces the end."""
AVAILABLE_PERCENT = 99.5
AVAILABLE_DAYS = 30
AVAILABLE_POLLS_MIN = 200
"""Fewer cannot tell 99.5 % from less."""
JUMP = 0.2
KEYS_MAX = 20_000
PLANNED_SHARE_MAX = 0.95
PLANNED_ROWS_MIN = 20
PLANNED_POLLS_MIN = 12
PLANNED_HOURS_MIN = 6


class Polls:
    """Answers about what is out now, oldest first."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._served: dict[tuple[int, int], int] = {}
        self._days: dict[date, list[int]] = {}
        """Polls and failures of the last 30 days."""
        self._told: date | None = None
        self.looked: set[str] = set()
        self.start_anew()

    def start_anew(self) -> None:
        """Forget what depends on the order of answers."""
        self._rows: frozenset[Good] = frozenset()
        self._same_since: datetime | None = None
        self._same = 0
        self._out: list[int] = []
        self._day: date | None = None
        self._planned: list[int] = [0, 0, 0]
        """Rows with customers out, those with planned outages only, polls; of the day."""
        self._day_began: datetime | None = None
        self._split_told = False

    @property
    def sets(self) -> frozenset[int]:
        """Sets seen so far."""
        return frozenset(set_code for set_code, _ in self._served)

    def add(self, tally: Tally, at: datetime, rows: Sequence[Good]) -> None:
        """Take a good answer, newer than those before."""
        out = sum(row[3] + row[4] for row in rows)
        self._frozen(tally, at, frozenset(rows), out)
        self._drop(tally, out)
        self._jumps(tally, rows)
        self._split(tally, at, rows)

    def count(self, tally: Tally, at: datetime, *, answered: bool) -> None:
        """One more poll, answered or not, for the availability of 30 days."""
        day = at.astimezone(BRASILIA).date()
        kept = self._days.setdefault(day, [0, 0])
        kept[0] += 1
        kept[1] += not answered
        newest = max(self._days)
        for old in [known for known in self._days if newest - known >= timedelta(days=AVAILABLE_DAYS)]:
            del self._days[old]
        polls = sum(counts[0] for counts in self._days.values())
        failures = sum(counts[1] for counts in self._days.values())
        if polls < AVAILABLE_POLLS_MIN:
            return
        self.looked.add("X03")
        percent = 100 * (polls - failures) / polls
        if percent < AVAILABLE_PERCENT and self._told != day:
            self._told = day
            where = said(later("{polls} polls in {days} days"), polls=polls, days=len(self._days))
            tally.add("X03", where, f"{percent:.1f} %")

    def _frozen(self, tally: Tally, at: datetime, rows: frozenset[Good], out: int) -> None:
        if rows != self._rows or not out or self._same_since is None:
            if self._rows and self._same_since is not None:
                self.looked.add("X01")
            self._rows, self._same_since, self._same = rows, at, 1
            return
        self._same += 1
        alike_s = (at - self._same_since).total_seconds()
        if self._same >= POLLS_ALIKE and alike_s >= self._context.frozen_after_s:
            self.looked.add("X01")
            hours = f"{alike_s / 3600:.1f} h" if alike_s >= 3600 else f"{alike_s:.0f} s"
            words = later("the same {rows} rows in {polls} polls over {time}")
            found = said(words, rows=len(rows), polls=self._same, time=hours)
            tally.add("X01", "interrupcaoFornecimento", found)

    def _drop(self, tally: Tally, out: int) -> None:
        before, self._out = self._out, [*self._out[-1:], out]
        if not before:
            return
        self.looked.add("X02")
        announced = len(before) > 1 and before[-1] < FALLING * before[-2]
        if out == 0 and before[-1] > DROP_MIN and not announced:
            found = said(later("{before}, then {after}"), before=before[-1], after=0)
            tally.add("X02", later("customers out"), found)

    def _jumps(self, tally: Tally, rows: Sequence[Good]) -> None:
        """Numbers served that change by more than a fifth from one answer to the next."""
        known = self._served
        for set_code, municipality, served, _, _ in rows:
            key = (set_code, municipality)
            before = known.get(key)
            if before is None and len(known) >= KEYS_MAX:
                del known[next(iter(known))]
            known[key] = served
            if before and abs(served - before) > JUMP * before:
                says = later("The number served jumped. Unless sets were rearranged, look for what it is counted over.")
                where = said(later("set {code} in {municipality}"), code=set_code, municipality=municipality)
                tally.add("I16", where, said(later("{before}, then {after}"), before=before, after=served), says)

    def _split(self, tally: Tally, at: datetime, rows: Sequence[Good]) -> None:
        day = at.astimezone(BRASILIA).date()
        if day != self._day or self._day_began is None:
            self._day, self._day_began, self._planned, self._split_told = day, at, [0, 0, 0], False
        counts = self._planned
        counts[0] += sum(1 for row in rows if row[3] or row[4])
        counts[1] += sum(1 for row in rows if row[3] and not row[4])
        counts[2] += 1
        enough = counts[2] >= PLANNED_POLLS_MIN and at - self._day_began >= timedelta(hours=PLANNED_HOURS_MIN)
        if not enough or counts[0] < PLANNED_ROWS_MIN:
            return
        self.looked.add("I18")
        if counts[1] > PLANNED_SHARE_MAX * counts[0] and not self._split_told:
            self._split_told = True
            where = said(later("{count} answers of {day}"), count=counts[2], day=f"{day:%d/%m/%Y}")
            found = said(later("{count} of {total} rows only planned"), count=counts[1], total=counts[0])
            tally.add("I18", where, found)
