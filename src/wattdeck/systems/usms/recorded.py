"""An account in a replay: what was recorded of its meters, and nobody who could be asked for more."""

from __future__ import annotations

from datetime import date

from wattdeck.core.errors import SourceError
from wattdeck.core.language import tr
from wattdeck.core.recordedsource import not_asked_words
from wattdeck.systems.usms.archive import month_of
from wattdeck.systems.usms.models import BRUNEI, Meter, Period, Point, TopUp, TopUpPage
from wattdeck.systems.usms.session import Solver
from wattdeck.systems.usms.source import UsmsSource


class RecordedUsms(UsmsSource):
    """Knows the hours and days that its recorded readings hold."""

    async def points(self, meter: Meter, period: Period, day: date) -> tuple[Point, ...]:
        """The hours of a day or the days of a month, as far as they were recorded.

        Raises:
            SourceError: they were not.
        """
        snapshot = self.consumption_feed.reading.snapshot
        for series in () if snapshot is None else snapshot.series:
            if (series.meter, series.period) == (meter.number, period):
                found = tuple(point for point in series.points if _in(period, point, day))
                if found:
                    return found
        raise SourceError(tr("these values were not recorded; {reason}", reason=not_asked_words()))

    async def top_ups(self, meter: Meter) -> tuple[TopUp, ...]:
        """Raises:
        SourceError: always; purchases are in no recording.
        """
        del meter
        raise SourceError(not_asked_words())

    async def top_up_page(self, meter: Meter) -> TopUpPage:
        """Raises:
        SourceError: always; that page is in no recording.
        """
        del meter
        raise SourceError(not_asked_words())

    async def login(self, solver: Solver) -> None:
        """Raises:
        SourceError: always; a recording needs no login.
        """
        del solver
        raise SourceError(not_asked_words())


def _in(period: Period, point: Point, day: date) -> bool:
    start = point.start.astimezone(BRUNEI).date()
    return start == day if period is Period.HOUR else month_of(start) == month_of(day)
