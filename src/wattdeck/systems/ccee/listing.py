"""Lists of the simulated CCEE: which months, which page, and where the next one begins (ccee.md 2)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol, TypeVar, overload

from wattdeck.systems.ccee.exchange import Listing, Row, wrong
from wattdeck.systems.ccee.faults import FaultBoard
from wattdeck.systems.ccee.months import add_months, months_between, parse_month

PAGE_ROWS = 50
WINDOW_MONTHS = 12
TOO_LONG = "ERR_MES_REFERENCIA_INICIAL_DIFERENCA"
CURSOR = "indexProximaPagina"
YEARS = (1900, 2300)
"""Dates are between these."""
T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Pageable(Protocol[T_co]):
    """Rows of which a page can be had without the others."""

    def __len__(self) -> int: ...

    @overload
    def __getitem__(self, place: int, /) -> T_co: ...
    @overload
    def __getitem__(self, place: slice, /) -> Sequence[T_co]: ...


def month_window(query: Mapping[str, str]) -> tuple[str, str]:
    """The reference months asked for, both ends counted.

    Raises:
        Refusal: an end is missing or no month, or the range is longer than twelve months.
    """
    first, last = (_month(query, name) for name in ("mesReferenciaInicial", "mesReferenciaFinal"))
    if first > last:
        raise wrong("mesReferenciaFinal", "anterior ao mes inicial")
    if months_between(first, last) > WINDOW_MONTHS:
        raise wrong("mesReferenciaInicial", "diferenca maior que 12 meses", TOO_LONG)
    return first, last


def _month(query: Mapping[str, str], name: str) -> str:
    text = needed(query, name)
    try:
        return parse_month(text)
    except ValueError:
        raise wrong(name, "formato invalido") from None


def date_window(query: Mapping[str, str], first_name: str, last_name: str) -> tuple[date, date]:
    """The days asked for, both ends counted.

    Raises:
        Refusal: an end is missing or no date, or the range is longer than twelve months.
    """
    first, last = (day_of(name, needed(query, name)) for name in (first_name, last_name))
    if first > last:
        raise wrong(last_name, "anterior a data inicial")
    if (f"{last:%Y-%m}", last.day) >= (add_months(f"{first:%Y-%m}", WINDOW_MONTHS), first.day):
        raise wrong(first_name, "diferenca maior que 12 meses", TOO_LONG)
    return first, last


def day_of(name: str, text: object) -> date:
    """A date `YYYY-MM-DD`; digits may be fewer, as old clients send them.

    Raises:
        Refusal: it is none.
    """
    try:
        day = datetime.strptime(str(text), "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError:
        raise wrong(name, "formato invalido") from None
    if not YEARS[0] < day.year < YEARS[1]:
        raise wrong(name, "ano invalido")
    return day


def needed(query: Mapping[str, str], name: str) -> str:
    """A parameter that must be there.

    Raises:
        Refusal: it is not.
    """
    text = query.get(name, "")
    if not text:
        raise wrong(name, "campo obrigatorio")
    return text


def page(
    rows: Pageable[T],
    key: str,
    query: Mapping[str, str],
    faults: FaultBoard,
    shown: Callable[[T], Row],
    size: int | None = None,
) -> Listing:
    """The page a request asks for, with what is wrong with its cursor.

    Raises:
        Refusal: the cursor is none of ours.
    """
    start = _offset(query.get(CURSOR, ""))
    configured = faults.value("page-size")
    size = configured if isinstance(configured, int) else size or PAGE_ROWS
    if faults.strike("huge-page"):
        size = max(1, len(rows))
    stop = start + size
    following: int | None = stop if stop < len(rows) else None
    if following is not None and faults.strike("shifting-pages"):
        following = max(start + 1, stop - 1)
    loop = faults.strike("cursor-loop")
    if loop is not None:
        following = start if loop.value == "own" else min(size, max(0, len(rows) - 1))
    numbered = following is not None and faults.strike("cursor-number")
    cursor = None if following is None else following if numbered else _cursor(following)
    return Listing(key, [shown(row) for row in rows[start:stop]], cursor)


def _cursor(offset: int) -> str:
    return base64.b64encode(json.dumps({"p": offset}, separators=(",", ":")).encode()).decode()


def _offset(cursor: str) -> int:
    """Where a page begins. An empty cursor is none."""
    if not cursor:
        return 0
    try:
        offset = int(cursor) if cursor.isdecimal() else json.loads(base64.b64decode(cursor, validate=True))["p"]
    except (ValueError, TypeError, KeyError, RecursionError):
        raise wrong(CURSOR, "indice invalido") from None
    if not isinstance(offset, int) or not 0 <= offset < 1_000_000_000:
        raise wrong(CURSOR, "indice invalido")
    return offset
