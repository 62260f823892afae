"""CCEE's dates, instants and months as text, in all the forms they come in (ccee.md 5.1).

Year, month and day are those of the text's own offset, never of a converted instant: `2026-10-01T00:00:00Z` is October,
though it is September still in Brasília. What names no offset is Brasília's. None and the empty text are unknown, and
so are the first and the last year there are: programs write them for "never", and no calendar goes beyond them.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

from wattdeck.systems.ccee.models import BRASILIA

CHARS_MAX = 40
YEARS = range(2, 9999)
"""Outside of them days and offsets could not be added or taken away."""
_ISO = re.compile(
    r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})"
    r"(?:[T ]+([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]{1,9}))?)?\s*(Z|z|[+-][0-9]{2}(?::?[0-9]{2})?)?)?"
)
_BRAZILIAN = re.compile(r"(?:([0-9]{1,2})/)?([0-9]{1,2})/([0-9]{4})")
_MONTH = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})")


def instant(value: object) -> datetime | None:
    """An instant, aware; a plain date is midnight in Brasília."""
    return _instant(value) if type(value) is str and len(value) <= CHARS_MAX else None


def day(value: object) -> date | None:
    """A calendar day as the text has it."""
    return _day(value) if type(value) is str and len(value) <= CHARS_MAX else None


def month(value: object) -> str:
    """A month `YYYY-MM` as the text has it, from a date, an instant or a month alone; empty if unreadable."""
    return _month(value) if type(value) is str and len(value) <= CHARS_MAX else ""


@lru_cache(maxsize=4096)
def _instant(text: str) -> datetime | None:
    text = text.strip()
    if (match := _ISO.fullmatch(text)) is None:
        plain = _brazilian(text)
        return None if plain is None else datetime(plain.year, plain.month, plain.day, tzinfo=BRASILIA)
    year, number, of_month, hour, minute, second, fraction, offset = match.groups()
    if int(year) not in YEARS:
        return None
    try:
        return datetime(
            int(year),
            int(number),
            int(of_month),
            int(hour or 0),
            int(minute or 0),
            int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")),
            _zone(offset),
        )
    except ValueError:  # 30 February, hour 25
        return None


@lru_cache(maxsize=4096)
def _day(text: str) -> date | None:
    found = _instant(text)
    return None if found is None else found.date()


@lru_cache(maxsize=1024)
def _month(text: str) -> str:
    if (found := _day(text)) is not None:
        return f"{found.year:04d}-{found.month:02d}"
    text = text.strip()
    if match := _MONTH.fullmatch(text):
        year, number = int(match[1]), int(match[2])
    elif (match := _BRAZILIAN.fullmatch(text)) and match[1] is None:
        year, number = int(match[3]), int(match[2])
    else:
        return ""
    return f"{year:04d}-{number:02d}" if year in YEARS and 1 <= number <= 12 else ""


def _brazilian(text: str) -> date | None:
    """Day, month and year in this order, as people in Brazil write them."""
    match = _BRAZILIAN.fullmatch(text)
    if match is None or match[1] is None or int(match[3]) not in YEARS:
        return None
    try:
        return date(int(match[3]), int(match[2]), int(match[1]))
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _zone(offset: str | None) -> timezone:
    """The zone of an offset's text; None is Brasília.

    Raises:
        ValueError: 24 hours or more.
    """
    if offset is None:
        return BRASILIA
    if offset in "Zz":
        return UTC
    digits = offset[1:].replace(":", "").ljust(4, "0")
    if int(digits[2:]) > 59:
        raise ValueError("minutes of an offset")
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return BRASILIA if offset[0] == "-" and span == -BRASILIA_OFFSET else timezone(-span if offset[0] == "-" else span)


BRASILIA_OFFSET = timedelta(hours=-3)
