"""Consumption that was read once: from history where it is settled, from the portal where it is due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from wattdeck.core.clock import Clock
from wattdeck.systems.usms.client import UsmsClient, midnight
from wattdeck.systems.usms.models import BRUNEI, Kind, Meter, Period, Point, Report

if TYPE_CHECKING:
    from wattdeck.core.history import History, Value
    from wattdeck.systems.usms.importing import ImportCounts

FRESH_S = 15 * 60
"""The portal is not asked again for the same figures within this time (usms.md 5)."""
SETTLED_S = {Period.HOUR: 3 * 86_400, Period.DAY: 34 * 86_400}
"""Figures younger than this may still be filled in or corrected (usms.md 5)."""
STEP = {Period.HOUR: timedelta(hours=1), Period.DAY: timedelta(days=1)}


def month_of(day: date) -> date:
    """The first day of its month."""
    return day.replace(day=1)


def next_month(day: date) -> date:
    """The first day of the month after."""
    return (month_of(day) + timedelta(days=31)).replace(day=1)


class Archive:
    """The history of one account's meters, filled from the portal as it is asked for."""

    def __init__(self, client: UsmsClient, source: str, where: Path | str, clock: Clock) -> None:
        """`where`: as `open_history` takes it; it is opened with the first question."""
        self._client = client
        self._source = source
        self._where = where
        self._clock = clock
        self._history: History | None = None
        self._opening = anyio.Lock()
        self.asked = 0
        """Reports the portal was asked for."""

    async def aclose(self) -> None:
        """Close the database."""
        history, self._history = self._history, None
        if history is not None:
            await to_thread.run_sync(history.close)

    async def points(self, meter: Meter, period: Period, day: date) -> tuple[Point, ...]:
        """As `UsmsSource.points`."""
        if period is Period.MONTH:
            return await self._months(meter, day)
        if period is Period.HOUR and meter.kind is Kind.WATER:
            return ()
        first, end = (day, day + timedelta(days=1)) if period is Period.HOUR else (month_of(day), next_month(day))
        values = await self._read(meter, period, first, end)
        if self._is_due(period, values, first, end):
            report = await self._ask(meter, period, day)
            await self._write(meter, period, first, end, report)
            values = await self._read(meter, period, first, end)
        return _points(values)

    async def take_in(self, file: Path) -> ImportCounts:
        """Put the hours of a file of the public `usms` package into the history.

        Raises:
            UsageError: the file cannot be opened, or is none of the package's.
            HistoryError: the history cannot be written.
        """
        from wattdeck.systems.usms.importing import import_usms

        return await to_thread.run_sync(import_usms, file, await self._open(), self._source)

    async def _months(self, meter: Meter, day: date) -> tuple[Point, ...]:
        """Sums of the months of a year; None where a month has no day at all."""
        today = self._client.today
        out = []
        for number in range(1, 13):
            first = date(day.year, number, 1)
            if first > today:
                break
            points = await self.points(meter, Period.DAY, first)
            known = [point.value for point in points if point.value is not None]
            out.append(Point(midnight(first), round(sum(known), 3) if known else None))
        return tuple(out)

    async def _ask(self, meter: Meter, period: Period, day: date) -> Report:
        self.asked += 1
        if period is Period.HOUR:
            return await self._client.hours(meter, day)
        return await self._client.days(meter, day)

    def _is_due(self, period: Period, values: Sequence[Value], first: date, end: date) -> bool:
        from wattdeck.core.history import due

        now = self._clock.now()
        if midnight(first) > now:
            return False
        last = min(midnight(end), now.astimezone(BRUNEI))
        wanted, at = [], midnight(first)
        # The hour that runs has no value yet, and neither has the day.
        while at + STEP[period] <= last:
            wanted.append(int(at.timestamp()))
            at += STEP[period]
        return bool(due(values, wanted, int(now.timestamp()), FRESH_S, SETTLED_S[period]))

    async def _write(self, meter: Meter, period: Period, first: date, end: date, report: Report) -> None:
        """Keep what the portal said, and of what it did not say that it was asked."""
        from wattdeck.core.history import Value

        now = self._clock.now()
        now_s = int(now.timestamp())
        values = {int(point.start.timestamp()): point.value for point in report.points}
        at, last = midnight(first), min(midnight(end), now)
        while at + STEP[period] <= last:
            values.setdefault(int(at.timestamp()), None)
            at += STEP[period]
        rows = [Value(start_s, value, now_s) for start_s, value in sorted(values.items())]
        history = await self._open()
        await to_thread.run_sync(history.write, self._series(meter), str(period), rows)

    async def _read(self, meter: Meter, period: Period, first: date, end: date) -> Sequence[Value]:
        history = await self._open()
        start_s, end_s = int(midnight(first).timestamp()), int(midnight(end).timestamp())
        return await to_thread.run_sync(history.read, self._series(meter), str(period), start_s, end_s)

    async def _open(self) -> History:
        async with self._opening:
            if self._history is None:
                self._history = await to_thread.run_sync(_open_history, self._where)
            return self._history

    def _series(self, meter: Meter) -> str:
        return f"{self._source}/{meter.number}"


def _open_history(where: Path | str) -> History:
    # The database library takes longer to load than a frame may.
    from wattdeck.core.history import open_history

    return open_history(where)


def _points(values: Sequence[Value]) -> tuple[Point, ...]:
    return tuple(Point(datetime.fromtimestamp(one.start_s, BRUNEI), one.value) for one in values)
