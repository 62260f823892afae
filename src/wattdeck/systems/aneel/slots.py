"""The half hours of the last eight days as they were reported: what trends, ages and the walk through time are made of.

A half hour is known or not; one that is not known is a gap, never zero. Answers may come in any order: those asked
for later (dthRecuperacao) fill gaps.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from wattdeck.core.errors import ConfigError
from wattdeck.systems.aneel import slotfile
from wattdeck.systems.aneel.aggregate import Chi, chi
from wattdeck.systems.aneel.models import BRASILIA, SLOT, Row
from wattdeck.systems.aneel.slotfile import FIELDS, SLOTS_MAX, Kept, Numbers
from wattdeck.systems.aneel.universe import Pair

if TYPE_CHECKING:
    from wattdeck.systems.aneel.universe import Universe

BRIDGED = 2
"""So many unknown half hours in a row do not end an outage that was there before and after."""
COUNT_MAX = 2**31 - 1
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Series = list[tuple[datetime, int | None]]
"""Half hours in their order, each with the customers out; None where that is not known."""


@dataclass(slots=True)
class _Runs:
    """Since when each set in each municipality has been out without a break, up to one half hour."""

    index: int
    starts: dict[Pair, int] = field(default_factory=dict)
    at_least: set[Pair] = field(default_factory=set)
    """Those that may have begun earlier."""


class Slots:
    """What one distributor has reported, by half hour. May be used from several threads.

    `load` and `save` touch the disk and belong in a worker thread; the others never do.
    """

    def __init__(self, path: Path | None = None) -> None:
        """`path` is the file it is kept in; None keeps it in memory alone."""
        self._path = path
        self._lock = threading.Lock()
        self._kept = Kept()
        self._pending: dict[int, bytes] = {}
        self._runs: _Runs | None = None
        self._compact_at = slotfile.COMPACT_BYTES

    def load(self) -> None:
        """Read the file. What was put before keeps its place."""
        if self._path is None:
            return
        read = slotfile.load(self._path)
        with self._lock:
            own, self._kept, self._runs = self._kept, read, None
            for index, numbers in own.slots.items():
                self._kept.put(index, numbers)

    def save(self) -> str:
        """Write what is new to the file.

        Returns:
            Why that failed, as a sentence; empty if all is well. What could not be written is tried again next time.
        """
        if self._path is None:
            return ""
        with self._lock:
            pending, self._pending = self._pending, {}
        if not pending:
            return ""
        try:
            size = slotfile.append(self._path, b"".join(pending.values()))
        except (OSError, ConfigError) as error:
            with self._lock:
                merged = pending | self._pending
                self._pending = {index: line for index, line in merged.items() if index in self._kept.slots}
            return (
                f"The half hours in {self._path} cannot be written: {_reason(error)}. Check the disk and the directory."
            )
        if size > self._compact_at:
            try:
                size = slotfile.compact(self._path)
            except OSError as error:
                self._compact_at = 2 * size
                return f"The half hours in {self._path} cannot be shortened: {_reason(error)}. Check the disk."
            self._compact_at = max(slotfile.COMPACT_BYTES, 2 * size)
        return ""

    def put(self, slot: datetime, rows: Iterable[Row]) -> None:
        """Take what a good answer says of a half hour, in place of what was known of it.

        `slot` is aware; the half hour it lies in counts. What is older than everything kept is left out when there is
        no room.
        """
        index, numbers = _index(slot), _numbers(rows)
        with self._lock:
            known = self._kept.slots
            if known.get(index) == numbers:
                return
            if index <= max(known, default=-1):
                self._runs = None
            self._kept.put(index, numbers)
            if self._path is not None and index in known:
                self._pending.pop(index, None)
                self._pending[index] = slotfile.slot_line(index, numbers)

    def forget_after(self, slot: datetime) -> None:
        """Leave out, until the next start, what lies after a half hour: a clock that was wrong put it there."""
        index = _index(slot)
        with self._lock:
            for wrong in [each for each in self._kept.slots if each > index]:
                self._kept.rows -= len(self._kept.slots.pop(wrong)) // FIELDS
                self._pending.pop(wrong, None)
            self._runs = None

    # What is known

    def get(self, slot: datetime) -> tuple[Row, ...] | None:
        """The rows of a half hour; None if it is not known."""
        with self._lock:
            numbers = self._kept.slots.get(_index(slot))
        return None if numbers is None else _rows(numbers)

    def known(self) -> list[datetime]:
        """The half hours that are known, oldest first."""
        with self._lock:
            return [_slot(index) for index in sorted(self._kept.slots)]

    @property
    def newest(self) -> datetime | None:
        """The last half hour that is known."""
        with self._lock:
            return _slot(max(self._kept.slots)) if self._kept.slots else None

    def missing(self, first: datetime, last: datetime) -> list[datetime]:
        """Half hours from `first` to `last` that are not known, oldest first; of a longer time the last eight days."""
        end = _index(last)
        start = max(-((EPOCH - first) // SLOT), end - SLOTS_MAX + 1)
        with self._lock:
            known = self._kept.slots
            return [_slot(index) for index in range(start, end + 1) if index not in known]

    def teach(self, universe: Universe) -> None:
        """Tell all that is known of customers, also from half hours that are not kept any more."""
        with self._lock:
            past, slots = dict(self._kept.past), dict(self._kept.slots)
        for (set_code, municipality), (index, served, most_out) in past.items():
            row = Row(set_code, municipality, served if served >= 0 else None, 0, most_out)
            universe.learn((row,), _slot(index))
        for index in sorted(slots):
            universe.learn(_rows(slots[index]), _slot(index))

    # What follows from it

    def series(
        self, municipality: int | None = None, *, set_code: int | None = None, last: datetime | None = None
    ) -> Series:
        """Customers out by half hour: all, of a municipality, or of a set; gaps are None.

        From the first known half hour within eight days up to `last`, which is the last known one unless given.
        """
        with self._lock:
            known = dict(self._kept.slots)
        end = _index(last) if last is not None else max(known, default=-1)
        within = [index for index in known if end - SLOTS_MAX < index <= end]
        if not within:
            return []
        outs = {index: _out(known[index], municipality, set_code) for index in within}
        return [(_slot(index), outs.get(index)) for index in range(min(within), end + 1)]

    def since(self, slot: datetime | None = None) -> Mapping[Pair, datetime]:
        """Since when each set in each municipality that is out has been so, up to a half hour (the last known one).

        An hour that is not known does not break a run; of those in `at_least` more is not known.
        """
        runs = self._runs_to(slot)
        return {pair: _slot(start) for pair, start in runs.starts.items()} if runs is not None else {}

    def at_least(self, slot: datetime | None = None) -> frozenset[Pair]:
        """What may have been out for longer than `since` says, because nothing is known of the time before."""
        runs = self._runs_to(slot)
        return frozenset(runs.at_least) if runs is not None else frozenset()

    def chi(self, end: datetime | None = None) -> Chi:
        """Customer-hours in the 24 h before a moment: the last known half hour unless given (an estimate)."""
        with self._lock:
            known = dict(self._kept.slots)
        if not known:
            return Chi(None, 0.0, 24.0)
        until = _slot(max(known)) if end is None else end
        at = _index(until)
        outs = {_slot(index): _out(numbers) for index, numbers in known.items() if at - 48 <= index <= at}
        return chi(outs, until)

    def chi_customer_h(self, end: datetime | None = None) -> float | None:
        """The number of `chi` alone."""
        return self.chi(end).customer_h

    def _runs_to(self, slot: datetime | None) -> _Runs | None:
        with self._lock:
            known = sorted(self._kept.slots)
            if slot is not None:
                at = _index(slot)
                known = [index for index in known if index <= at]
            if not known:
                return None
            runs, newest = self._runs, known[-1]
            if runs is None or runs.index != newest:
                if runs is not None and len(known) > 1 and runs.index == known[-2]:
                    runs = _extended(runs, newest, self._kept.slots[newest])
                else:
                    runs = _walked(known, self._kept.slots)
                if newest == max(self._kept.slots):
                    self._runs = runs
            return runs


def _extended(before: _Runs, index: int, numbers: Numbers) -> _Runs:
    """The runs one half hour further on."""
    now = _pairs_out(numbers)
    if index - before.index - 1 > BRIDGED:
        return _Runs(index, dict.fromkeys(now, index), now)
    return _Runs(index, {pair: before.starts.get(pair, index) for pair in now}, now & before.at_least)


def _walked(known: Sequence[int], slots: Mapping[int, Numbers]) -> _Runs:
    """The runs up to the last half hour known, looked for from there backwards."""
    newest = known[-1]
    going = _pairs_out(slots[newest])
    runs = _Runs(newest, dict.fromkeys(going, newest))
    later = newest
    for index in reversed(known[:-1]):
        if not going or later - index - 1 > BRIDGED:
            break
        going = going & _pairs_out(slots[index])
        for pair in going:
            runs.starts[pair] = index
        later = index
    runs.at_least = going
    return runs


def _pairs_out(numbers: Numbers) -> set[Pair]:
    return {pair for pair, _, out in slotfile.pairs(numbers) if out > 0}


def _out(numbers: Numbers, municipality: int | None = None, set_code: int | None = None) -> int:
    if municipality is None and set_code is None:
        return sum(numbers[3::FIELDS]) + sum(numbers[4::FIELDS])
    return sum(
        out
        for pair, _, out in slotfile.pairs(numbers)
        if set_code in (None, pair[0]) and municipality in (None, pair[1])
    )


def _numbers(rows: Iterable[Row]) -> Numbers:
    """Rows as integers. One whose codes cannot be right is left out; a count too large for the protocol is cut."""
    numbers: Numbers = array("i")
    for row in rows:
        if not (0 <= row.set_code <= COUNT_MAX and 0 <= row.municipality_code <= COUNT_MAX):
            continue
        served = -1 if row.customers_served is None else _count(row.customers_served)
        numbers.extend(
            (row.set_code, row.municipality_code, served, _count(row.planned_out), _count(row.unplanned_out))
        )
    return numbers


def _count(value: int) -> int:
    return max(0, min(COUNT_MAX, value))


def _rows(numbers: Numbers) -> tuple[Row, ...]:
    columns = [numbers[at::FIELDS] for at in range(FIELDS)]
    return tuple(
        Row(set_code, municipality, served if served >= 0 else None, planned, unplanned)
        for set_code, municipality, served, planned, unplanned in zip(*columns, strict=True)
    )


def _index(moment: datetime) -> int:
    """Half hours since 1970. Those of Brasília begin when those of UTC do."""
    return max(0, min(slotfile.INDEX_MAX, (moment - EPOCH) // SLOT))


def _slot(index: int) -> datetime:
    return (EPOCH + timedelta(minutes=30) * index).astimezone(BRASILIA)


def _reason(error: OSError | ConfigError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
