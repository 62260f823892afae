"""What the portal writes in its cells, made into numbers and times; whatever is not understood is unknown (None)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from wattdeck.systems.usms.models import BRUNEI, Kind

NUMBER_MAX = 1e12
"""No amount is beyond this; whatever is counts as unknown."""
YEAR_MIN = 1990
"""An earlier year is a placeholder, such as 01/01/0001."""

_NUMBER = r"(?P<number>(?:\d{1,3}(?:,\d{3}){1,5}|\d{1,18})(?:\.\d{0,12})?|\.\d{1,12})"
_PLAIN = re.compile(rf"(?P<sign>[-+]?)\s?{_NUMBER}", re.ASCII)
_MONEY = re.compile(
    rf"(?P<open>\()?\s?(?P<sign>[-+])?\s?(?:B\s?\$|BND\s?\$?|\$)?\s?(?P<inner>[-+])?\s?{_NUMBER}\s?(?:BND)?\s?(?P<close>\))?",
    re.ASCII | re.IGNORECASE,
)
_UNIT = re.compile(r"(?P<electricity>kwh)|(?P<water>(?:m\s?\^?(?:3|³)|cu\.?\s?m))(?![0-9a-z])", re.IGNORECASE)
_DAY = (
    r"(?:(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})|(?P<iso_year>\d{4})-(?P<iso_month>\d\d)-(?P<iso_day>\d\d))"
)
_TIME = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d{1,9})?)?\s?(?P<half>[ap]\.?m\.?)?"
_ZONE = r"(?P<zone>Z|[-+]\d\d:?\d\d)?"
_MOMENT = re.compile(rf"{_DAY}(?:[T ,]\s?{_TIME}\s?{_ZONE})?", re.ASCII | re.IGNORECASE)


def money_bnd(*texts: str) -> float | None:
    """The first of the texts that is an amount: `$1,234.56`, `B$ 12.30`, `-$5.00`, `$-5.00` and `($5.00)`."""
    for text in texts:
        match = _MONEY.fullmatch(_straight(text))
        if match is None or bool(match["open"]) != bool(match["close"]):
            continue
        signs = [sign for sign in (match["open"], match["sign"], match["inner"]) if sign]
        if len(signs) <= 1:
            return _signed(match["number"], negative=signs in (["("], ["-"]))
    return None


def quantity(*texts: str) -> tuple[float | None, Kind | None]:
    """The first of the texts with a number or a unit in it: `1,971.317 kWh`, `228.625 m³`, `- kWh`, `6.514`.

    A number with a word that is no known unit is unknown: nobody can say what it counts.
    """
    for text in texts:
        straight = _straight(text)
        match = _PLAIN.match(straight)
        rest = straight[match.end() :] if match else straight.removeprefix("-")
        unit = _UNIT.match(rest.lstrip())
        kind = None if unit is None else Kind.ELECTRICITY if unit["electricity"] else Kind.WATER
        if match is not None and (kind is not None or not rest.strip()):
            return _signed(match["number"], negative=match["sign"] == "-"), kind
        if kind is not None:
            return None, kind
    return None, None


def number(text: str) -> float | None:
    """A consumption: a plain number, with or without its unit."""
    return quantity(text)[0]


def moment(text: str) -> tuple[datetime | None, bool]:
    """A time in Brunei and whether it is a bare date: `13/10/2026 17:30:00`, `13/10/2026`, 12-hour and ISO forms."""
    match = _MOMENT.fullmatch(_straight(text))
    if match is None:
        return None, False
    try:
        found = datetime(
            int(match["year"] or match["iso_year"]),
            int(match["month"] or match["iso_month"]),
            int(match["day"] or match["iso_day"]),
            _hour(match["hour"], match["half"]),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            tzinfo=_zone(match["zone"]),
        ).astimezone(BRUNEI)
    except (ValueError, OverflowError):
        return None, False
    return (found, match["hour"] is None) if found.year >= YEAR_MIN else (None, False)


def _signed(digits: str, *, negative: bool) -> float | None:
    value = float(digits.replace(",", ""))
    if value > NUMBER_MAX:
        return None
    return -value if negative and value else value


def _straight(text: str) -> str:
    """One kind of blank, one kind of minus."""
    return " ".join(text[:200].replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "-").split())


def _hour(hour: str | None, half: str | None) -> int:
    """The hour of 24.

    Raises:
        ValueError: there is no such hour on a 12-hour clock.
    """
    if half is None:
        return int(hour or 0)
    if not hour or not 1 <= int(hour) <= 12:
        raise ValueError(hour)
    return int(hour) % 12 + (12 if half[0] in "pP" else 0)


def _zone(text: str | None) -> timezone:
    if not text:
        return BRUNEI
    if text in "Zz":
        return timezone.utc  # noqa: UP017 - the type of BRUNEI
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)
