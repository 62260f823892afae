"""Business days in Brazil: Monday to Friday, without national holidays and the days a user adds.

Days that are left to each employer (*pontos facultativos*: Carnival, Corpus Christi) are business days, and so are
holidays of one state or town: whoever's utility closes on them names them as extra holidays.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date, timedelta

FIRST_YEAR, LAST_YEAR = 2000, 2100
"""Other years have weekends and no holidays: what comes from the wire may name any year, and each costs time."""
_DAY = timedelta(days=1)
_REMEMBERED = 4096
"""Most sums kept: a list has thousands of migrations and few different days."""


class Calendar:
    """Which days are business days. Years are looked up when first needed, then kept."""

    def __init__(self, extra_holidays: Iterable[date] = ()) -> None:
        self._extra = frozenset(day.toordinal() for day in extra_holidays)
        self._years: dict[int, tuple[int, ...]] = {}
        self._sums: dict[tuple[int, int], date] = {}

    def prepare(self, years: Iterable[int]) -> None:
        """Look years up now. The first call loads the holidays library, about 0.2 s of work: for a worker thread."""
        for year in years:
            self._holidays(year)

    def is_business_day(self, day: date) -> bool:
        """It is no Saturday, no Sunday and no holiday."""
        if day.weekday() >= 5:
            return False
        return day.toordinal() not in self._holidays(day.year)

    def add_business_days(self, day: date, count: int) -> date:
        """The business day that many business days later, or earlier; the day itself is not counted.

        Zero gives the day itself, or the next business day if it is none.

        Raises:
            OverflowError: it would be before year 1 or after year 9999.
        """
        key = (day.toordinal(), count)
        if (known := self._sums.get(key)) is not None:
            return known
        found = date.fromordinal(key[0])
        if count == 0:
            while not self.is_business_day(found):
                found += _DAY
        step = _DAY if count > 0 else -_DAY
        for _ in range(abs(count)):
            found += step
            while not self.is_business_day(found):
                found += step
        if len(self._sums) >= _REMEMBERED:
            self._sums.clear()
        self._sums[key] = found
        return found

    def business_days_between(self, first: date, last: date) -> int:
        """Business days after `first` up to and with `last`; negative, counted the other way, if `last` is earlier."""
        if last < first:
            return -self.business_days_between(last, first)
        start, end = first.toordinal(), last.toordinal()
        holidays = 0
        for year in range(max(first.year, FIRST_YEAR), min(last.year, LAST_YEAR) + 1):
            days = self._holidays(year)
            holidays += bisect_right(days, end) - bisect_right(days, start)
        return _weekdays(end) - _weekdays(start) - holidays

    def _holidays(self, year: int) -> tuple[int, ...]:
        """The holidays of a year that are no Saturday or Sunday, as ordinals in order."""
        if not FIRST_YEAR <= year <= LAST_YEAR:
            return ()
        known = self._years.get(year)
        if known is None:
            # Loading the country's class alone and by way of `holidays.country_holidays` cost the same.
            from holidays.countries.brazil import Brazil

            days = {day.toordinal() for day in Brazil(years=year)}
            days |= {day for day in self._extra if date.fromordinal(day).year == year}
            # Ordinal 1 is a Monday.
            known = self._years[year] = tuple(sorted(day for day in days if (day - 1) % 7 < 5))
        return known


def _weekdays(ordinal: int) -> int:
    """How many Mondays to Fridays there were from year 1 to a day, that day included."""
    weeks, rest = divmod(ordinal, 7)
    return weeks * 5 + min(rest, 5)
