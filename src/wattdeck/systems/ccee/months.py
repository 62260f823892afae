"""Reference months as text, `YYYY-MM`, and the windows CCEE wants ranges in (ccee.md 2, 3.2, 4.2, 4.3).

Texts of this form sort as the months do.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from wattdeck.core.language import tr
from wattdeck.core.text import clean

WINDOW_MONTHS = 12
"""Most months, both ends counted, that one list request may ask for."""
_FORM = re.compile(r"([0-9]{4})-([0-9]{1,2})")
_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)


def month_of(day: date | datetime) -> str:
    """The month as the value itself has it, in its own offset: never converted first (ccee.md 5.1)."""
    return f"{day.year:04d}-{day.month:02d}"


def parse_month(text: str) -> str:
    """A month somebody wrote, with the month in two digits.

    Raises:
        ValueError: it is none, in a sentence.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        words = tr("“{text}” is not a month; write year and month, such as 2026-10", text=clean(text, 40))
        raise ValueError(words)
    year, month = int(match[1]), int(match[2])
    if not 1 <= month <= 12:
        words = tr("{text}: there is no month {month}; months go from 01 to 12", text=match[0], month=match[2])
        raise ValueError(words)
    if year < 1:
        raise ValueError(tr("{text}: there is no year {year}", text=match[0], year=match[1]))
    return f"{year:04d}-{month:02d}"


def add_months(month: str, count: int) -> str:
    """The month that many months later, or earlier.

    Raises:
        ValueError: the month is none, or the result is before year 1 or after year 9999.
    """
    return _text(_number(month) + count)


def first_day(month: str) -> date:
    """The first day of a month."""
    year, index = divmod(_number(month), 12)
    return date(year, index + 1, 1)


def months_between(first: str, last: str) -> int:
    """How many months a range holds, both ends counted; zero or less if it ends before it starts."""
    return _number(last) - _number(first) + 1


def month_windows(first: str, last: str) -> list[tuple[str, str]]:
    """The range in windows of 12 months at most, in order, without gap or overlap.

    Raises:
        ValueError: the range ends before it starts, or an end is no month.
    """
    start, end = _number(first), _number(last)
    if start > end:
        words = tr("the range of months ends ({last}) before it starts ({first}); swap the two",
                   last=_text(end), first=_text(start))  # fmt: skip
        raise ValueError(words)
    return [
        (_text(month), _text(min(month + WINDOW_MONTHS - 1, end))) for month in range(start, end + 1, WINDOW_MONTHS)
    ]


def date_windows(first: date, last: date) -> list[tuple[date, date]]:
    """The range of days in windows of 12 months at most: 2025-01-31 to 2026-01-30, then on.

    Raises:
        ValueError: the range ends before it starts.
    """
    if first > last:
        words = tr("the range of days ends ({last}) before it starts ({first}); swap the two", last=last, first=first)
        raise ValueError(words)
    windows: list[tuple[date, date]] = []
    start = first
    while True:
        following = _same_day_next_year(start, first.day)
        if following is None or following > last:
            return [*windows, (start, last)]
        windows.append((start, following - _DAY))
        start = following


def same_month_windows(start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The range in windows that stay within one month each, to the second (ccee.md 4.2).

    A window that is not the last ends at 23:59:59 of its month, the next begins a second later. All are in the
    offset of `start`; parts of a second are dropped.

    Raises:
        ValueError: the range ends before it starts, or one end has an offset and the other none.
    """
    if (start.utcoffset() is None) != (end.utcoffset() is None):
        raise ValueError(tr("one end of the range has a time zone and the other none; give both, or neither"))
    start = start.replace(microsecond=0)
    end = (end if end.tzinfo is None else end.astimezone(start.tzinfo)).replace(microsecond=0)
    if start > end:
        words = tr("the range ends ({last}) before it starts ({first}); swap the two",
                   last=end.isoformat(), first=start.isoformat())  # fmt: skip
        raise ValueError(words)
    windows: list[tuple[datetime, datetime]] = []
    while (start.year, start.month) != (end.year, end.month):
        following = datetime.combine(first_day(add_months(month_of(start), 1)), datetime.min.time(), start.tzinfo)
        windows.append((start, following - _SECOND))
        start = following
    return [*windows, (start, end)]


def _number(month: str) -> int:
    """Months since year 0."""
    year, _, rest = parse_month(month).partition("-")
    return int(year) * 12 + int(rest) - 1


def _text(number: int) -> str:
    year, index = divmod(number, 12)
    if not 1 <= year <= 9999:
        raise ValueError(tr("the year {year} is out of range", year=year))
    return f"{year:04d}-{index + 1:02d}"


def _same_day_next_year(day: date, wanted_day: int) -> date | None:
    """The day a year later, or the last one of its month; None after year 9999."""
    if day.year == 9999:
        return None
    try:
        return date(day.year + 1, day.month, wanted_day)
    except ValueError:  # 29 February
        return date(day.year + 1, day.month, 28)
