"""Everything the portal has of an account, read back to the earliest month: a report at a time, resumable.

What was read is in the history, so that a step that was cut off is the only one that is done again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from wattdeck.systems.usms.archive import Archive, month_of, next_month
from wattdeck.systems.usms.models import BackfillSnapshot, Kind, Meter, MeterBackfill, Period

MONTHS_MAX = 240
"""Twenty years: the portal is younger."""
STEPS_WITHOUT_ASKING = 200
"""Days looked up in the history in one step; then others get their turn."""


@dataclass
class _Way:
    """How far one meter has come."""

    meter: Meter
    day: date
    days_read: int = 0
    earliest: date | None = None
    finished: bool = False


class Backfill:
    """Walks back through every meter, newest first."""

    def __init__(self, archive: Archive, today: Callable[[], date]) -> None:
        self._archive = archive
        self._today = today
        self._ways: dict[str, _Way] = {}

    async def step(self, meters: Sequence[Meter]) -> BackfillSnapshot:
        """Go on until one report was asked for, or all is read.

        Raises:
            SourceError: the portal could not be read; the next step tries again.
        """
        for meter in meters:
            self._ways.setdefault(meter.number, _Way(meter, self._today()))
        known = {meter.number for meter in meters}
        asked = self._archive.asked
        for way in (way for number, way in self._ways.items() if number in known and not way.finished):
            if way.earliest is None:
                way.earliest = await self._earliest_month(way.meter)
            for _ in range(STEPS_WITHOUT_ASKING):
                if way.finished or self._archive.asked != asked:
                    break
                await self._read(way)
            if self._archive.asked != asked or not way.finished:
                break
        return BackfillSnapshot(tuple(self._state(way) for number, way in self._ways.items() if number in known))

    async def _read(self, way: _Way) -> None:
        """One day of an electricity meter, or one month of a water meter; each month its days as well."""
        day, earliest = way.day, way.earliest or way.day
        if day < earliest:
            way.finished = True
            return
        if way.meter.kind is Kind.ELECTRICITY:
            await self._archive.points(way.meter, Period.HOUR, day)
            way.days_read += 1
            way.day = day - timedelta(days=1)
            if day.day > 1:
                return
        else:
            way.days_read += (min(next_month(day), self._today() + timedelta(days=1)) - month_of(day)).days
            way.day = month_of(day) - timedelta(days=1)
        await self._archive.points(way.meter, Period.DAY, day)

    async def _earliest_month(self, meter: Meter) -> date:
        """The first month with values: doubling steps back until there is none, then halving (usms.md 4).

        By months, so that a missing day misleads nobody.
        """
        this = month_of(self._today())
        known, back = 0, 1
        while back <= MONTHS_MAX and await self._has_values(meter, _months_back(this, back)):
            known, back = back, back * 2
        empty = min(back, MONTHS_MAX + 1)
        while empty - known > 1:
            middle = (known + empty) // 2
            if await self._has_values(meter, _months_back(this, middle)):
                known = middle
            else:
                empty = middle
        return _months_back(this, known)

    async def _has_values(self, meter: Meter, month: date) -> bool:
        return any(point.value is not None for point in await self._archive.points(meter, Period.DAY, month))

    def _state(self, way: _Way) -> MeterBackfill:
        in_all = None if way.earliest is None else (self._today() - way.earliest).days + 1
        reached = way.day + timedelta(days=1) if way.days_read else None
        return MeterBackfill(way.meter.number, way.days_read, in_all, reached, way.finished)


def _months_back(month: date, count: int) -> date:
    index = month.year * 12 + month.month - 1 - count
    return date(index // 12, index % 12 + 1, 1)
