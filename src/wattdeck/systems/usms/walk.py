"""Walking through time: which stretch of a meter's consumption is shown.

A stretch is one day by hours, one month by days or one year by months, all in Asia/Brunei.
"""

from __future__ import annotations

import math
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from wattdeck.core.dates import MONTHS, day_words, month_words, weekday_words
from wattdeck.core.language import tr, tr_as
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, Glyphs
from wattdeck.systems.usms.models import BRUNEI, Kind, Meter, Period, Point

ZOOM = (Period.HOUR, Period.DAY, Period.MONTH)
"""From the closest look to the widest."""
EARLIEST = date(2000, 1, 1)
"""There were no smart meters before; walking ends here."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What one chart shows."""

    period: Period
    """How long one bar lasts."""
    first: date
    """The day, the first of the month, or the first of January."""

    @classmethod
    def around(cls, period: Period, day: date) -> Stretch:
        """The stretch a day lies in."""
        if period is Period.HOUR:
            return cls(period, day)
        return cls(period, day.replace(day=1) if period is Period.DAY else day.replace(month=1, day=1))

    @property
    def next(self) -> Stretch:
        """The stretch after."""
        days = {Period.HOUR: 1, Period.DAY: 31, Period.MONTH: 366}[self.period]
        return self.around(self.period, self.first + timedelta(days=days))

    @property
    def before(self) -> Stretch:
        """The stretch before."""
        return self.around(self.period, self.first - timedelta(days=1))

    @property
    def edges(self) -> tuple[datetime, ...]:
        """Start of every bar, and the end of the last."""
        start = datetime(self.first.year, self.first.month, self.first.day, tzinfo=BRUNEI)
        if self.period is Period.HOUR:
            return tuple(start + timedelta(hours=hour) for hour in range(25))
        if self.period is Period.DAY:
            days = monthrange(self.first.year, self.first.month)[1]
            return tuple(start + timedelta(days=day) for day in range(days + 1))
        year = self.first.year
        return (*(start.replace(month=month) for month in range(1, 13)), start.replace(year=year + 1))

    @property
    def names(self) -> tuple[str, ...]:
        """A short name for each bar."""
        if self.period is Period.HOUR:
            return tuple(f"{edge.hour:02}" for edge in self.edges[:-1])
        if self.period is Period.DAY:
            return tuple(str(edge.day) for edge in self.edges[:-1])
        return tuple(tr(name)[:3] for name in MONTHS)

    @property
    def words(self) -> str:
        """`Tuesday 13 October 2026`, `October 2026`, `2026`."""
        if self.period is Period.HOUR:
            day = day_words(self.first, year=True)
            return tr("{weekday} {day}", weekday=weekday_words(self.first), day=day)
        return month_words(self.first) if self.period is Period.DAY else f"{self.first.year}"

    @property
    def short(self) -> str:
        """`13 October`, `October`, `2026`."""
        if self.period is Period.HOUR:
            return day_words(self.first)
        return month_name(self.first) if self.period is Period.DAY else f"{self.first.year}"

    def running(self, now: datetime) -> bool:
        """It has not ended yet."""
        return now < self.edges[-1]

    def slot_words(self, index: int) -> str:
        """One bar in words: `03:00`, `4 October`, `March`."""
        start = self.edges[index]
        if self.period is Period.HOUR:
            return f"{start.hour:02}:00"
        return day_words(start.date()) if self.period is Period.DAY else month_name(start)

    def values(self, points: Iterable[Point]) -> tuple[float | None, ...]:
        """The value of each bar; None where there is none."""
        known = {point.start: point.value for point in points}
        found = (known.get(edge) for edge in self.edges[:-1])
        return tuple(value if value is not None and math.isfinite(value) else None for value in found)


@dataclass(frozen=True, slots=True)
class View:
    """Where a person has walked to."""

    period: Period = Period.DAY
    day: date | None = None
    """A day in the stretch shown; None follows today."""

    def stretch(self, today: date) -> Stretch:
        """The stretch on show."""
        return Stretch.around(self.period, self.day or today)

    def walk(self, step: int, today: date) -> View:
        """One stretch earlier (-1) or later (+1); never beyond today."""
        at = self.stretch(today)
        there = at.before if step < 0 else at.next
        if there.first < EARLIEST:
            return self
        return replace(self, day=None if there == Stretch.around(self.period, today) or there.first > today
                       else there.first)  # fmt: skip

    def zoom(self, step: int) -> View:
        """A closer (-1: hours) or wider (+1: months) look at the same place."""
        at = ZOOM.index(self.period) + step
        return replace(self, period=ZOOM[max(0, min(len(ZOOM) - 1, at))])


def month_name(day: date) -> str:
    """`December`."""
    return tr(MONTHS[day.month - 1])


def kind_words(kind: Kind) -> str:
    """What a meter counts, as people say it."""
    return tr_as("meter", "electricity") if kind is Kind.ELECTRICITY else tr_as("meter", "water")


def meter_words(meter: Meter) -> str:
    """`Electricity 12345678`."""
    kind = kind_words(meter.kind)
    return f"{kind[0].upper()}{kind[1:]} {clean(meter.number, 20)}"


def unit_words(unit: str, marks: Glyphs = UNICODE) -> str:
    """A unit as printed: `m³` where the terminal can show it."""
    return "m³" if unit == "m3" and not marks.spark.isascii() else unit
