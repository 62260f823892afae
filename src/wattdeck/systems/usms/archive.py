"""Consumption that was read once: from history where it is settled, from the portal where it is due."""

from __future__ import annotations

import logging
import math
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

log = logging.getLogger(__name__)

FRESH_S = 15 * 60
"""The portal is not asked again for the same figures within this time (usms.md 5)."""
SETTLED_S = {Period.HOUR: 3 * 86_400, Period.DAY: 34 * 86_400}
"""Figures younger than this may still be filled in or corrected (usms.md 5)."""
MISSING_MAX = 0.1
"""A month that has ended and lacks a greater share of its days than this has no sum."""
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
            values = await self._keep(meter, period, first, end, report, values)
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
        """Sums of the months of a year. None where too many days are missing: a partial sum looks like a saving."""
        today = self._client.today
        out = []
        for number in range(1, 13):
            first = date(day.year, number, 1)
            if first > today:
                break
            points = await self.points(meter, Period.DAY, first)
            known = [point.value for point in points if point.value is not None]
            days = (next_month(first) - first).days
            enough = known and (next_month(first) > today or len(known) >= days * (1 - MISSING_MAX))
            out.append(Point(midnight(first), round(math.fsum(known), 3) if enough else None))
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

    async def _keep(
        self, meter: Meter, period: Period, first: date, end: date, report: Report, known: Sequence[Value]
    ) -> Sequence[Value]:
        """Keep what the portal said, and of what is missing between that it was asked; returns all there is now.

        A report without a single value proves nothing, and is not kept (usms.md 4). A history that cannot be written
        is no reason to show nothing.
        """
        from wattdeck.core.history import HistoryError, Value, merged

        now = self._clock.now()
        now_s = int(now.timestamp())
        values = {int(point.start.timestamp()): point.value for point in report.points}
        if all(value is None for value in values.values()):
            return known
        at, last = midnight(first), min(midnight(end), now)
        while at + STEP[period] <= last:
            values.setdefault(int(at.timestamp()), None)
            at += STEP[period]
        rows = [Value(start_s, value, now_s) for start_s, value in sorted(values.items())]
        history = await self._open()
        try:
            await to_thread.run_sync(history.write, self._series(meter), str(period), rows)
        except HistoryError as error:
            log.warning("%s: %s", self._source, error)
        before = {one.start_s: one for one in known}
        now_known = before | {one.start_s: merged(before.get(one.start_s, one), one) for one in rows}
        return [now_known[start_s] for start_s in sorted(now_known)]

    async def _read(self, meter: Meter, period: Period, first: date, end: date) -> Sequence[Value]:
        history = await self._open()
        start_s, end_s = int(midnight(first).timestamp()), int(midnight(end).timestamp())
        return await to_thread.run_sync(history.read, self._series(meter), str(period), start_s, end_s)

    async def _open(self) -> History:
        async with self._opening:
            if self._history is None:
                self._history = await to_thread.run_sync(_open_history, self._where, self._source)
            return self._history

    def _series(self, meter: Meter) -> str:
        return f"{self._source}/{meter.number}"


def _open_history(where: Path | str, source: str) -> History:
    """Open it, or one in memory if the disk does not let it be opened."""
    # The database library takes longer to load than a frame may.
    from wattdeck.core.history import IN_MEMORY, HistoryError, open_history

    try:
        return open_history(where)
    except HistoryError as error:
        log.warning("%s: %s Values are kept in memory meanwhile.", source, error)
        return open_history(IN_MEMORY)


def _points(values: Sequence[Value]) -> tuple[Point, ...]:
    return tuple(Point(datetime.fromtimestamp(one.start_s, BRUNEI), one.value) for one in values)
