"""The portal's grids: consumption by the labels of its rows, purchases of credit by column (usms.md 2.5, 2.7, 4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from wattdeck.core.errors import BadAnswer
from wattdeck.core.language import tr
from wattdeck.systems.usms import markup
from wattdeck.systems.usms.models import BRUNEI, Period, Point, Report, TopUp
from wattdeck.systems.usms.values import moment, money_bnd, number

ROWS_MAX = 5000
HOURS_IN_DAY = 24

_MAIN = "_grid_DXMainTable"
_DATA = "_grid_DXDataRow"
_FOOTER = "_grid_DXFooterRow"
_HEADER = "_grid_DXHeadersRow"

_CELL = r"<td(?:\s[^<>]*+)?+>([^<]*+)</td>\s*+"
_MAIN_TABLE = re.compile(rf'<table(?=[^<>]*\sid="[\w$]*{_MAIN}")', re.ASCII)
_ROW = re.compile(rf'<tr(?=[^<>]*\sid="[\w$]*{_DATA}\d+")[^<>]*+>\s*+{_CELL}{_CELL}</tr>', re.ASCII)
_SUM = re.compile(rf'<tr(?=[^<>]*\sid="[\w$]*{_FOOTER}")[^<>]*+>\s*+{_CELL}{_CELL}</tr>', re.ASCII)
_TOTAL = re.compile(r"total units?\s*:\s*(\S{1,40})", re.ASCII | re.IGNORECASE)
_ID = re.compile(rf"(?:{_DATA}|{_FOOTER}|{_HEADER})\d*$", re.ASCII)

Cells = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """The texts of a grid's cells, as shown."""

    header: Cells
    rows: tuple[Cells, ...]
    footer: Cells
    message: str
    """What the page complains about."""


def read_report(html: str, period: Period, day: date, what: str) -> Report:
    """Consumption of the hours of `day`, of the days of its month, or of the months of its year, by label.

    A label outside that time is ignored, of two rows with one label the later counts, and rows win over the page's
    words that there are none.

    Raises:
        BadAnswer: the page is no report, or not one of that time.
    """
    grid = _ordinary_grid(html) or _grid(html)
    if grid is None:
        raise BadAnswer(
            tr(
                "{page}: this page is no report{said}; is the portal under maintenance?",
                page=what,
                said=_said(markup.complaint(html)),
            )
        )
    start_of = _STARTS[period]
    points: dict[datetime, Point] = {}
    for row in grid.rows:
        start = start_of(row[0], day) if row else None
        if start is not None:
            points[start] = Point(start, number(row[1]) if len(row) > 1 else None)
    if grid.rows and not points:
        shown = next((row[0] for row in grid.rows if row), "")
        raise BadAnswer(_elsewhere(period, what, day, shown))
    return Report(tuple(points[start] for start in sorted(points)), _total(grid.footer), grid.message)


def _elsewhere(period: Period, page: str, day: date, shown: str) -> str:
    about = f"{day:%d/%m/%Y}"
    if period is Period.HOUR:
        return tr("{page}: expected the hours around {day}, but the rows are for “{shown}”", page=page, day=about,
                  shown=shown)  # fmt: skip
    if period is Period.DAY:
        return tr("{page}: expected the days around {day}, but the rows are for “{shown}”", page=page, day=about,
                  shown=shown)  # fmt: skip
    return tr("{page}: expected the months around {day}, but the rows are for “{shown}”", page=page, day=about,
              shown=shown)  # fmt: skip


def read_transactions(html: str, what: str) -> tuple[TopUp, ...]:
    """The purchases of credit that the page lists, in its order. Columns are known by their headers.

    Raises:
        BadAnswer: the page is no list of purchases.
    """
    grid = _grid(html)
    if grid is None:
        raise BadAnswer(
            tr(
                "{page}: this page lists no top-ups{said}; is the portal under maintenance?",
                page=what,
                said=_said(markup.complaint(html)),
            )
        )
    columns = _columns(grid.header)
    if grid.rows and not {"amount", "recharge", "transaction"} & columns.keys():
        headers = ", ".join(grid.header) or tr("none has a header")
        raise BadAnswer(tr("{page}: the columns of the top-ups are not known: {headers}", page=what, headers=headers))
    return tuple(_top_up(row, columns) for row in grid.rows)


def _top_up(row: Cells, columns: dict[str, int]) -> TopUp:
    def cell(column: str) -> str:
        index = columns.get(column, len(row))
        return row[index] if index < len(row) and row[index] != "-" else ""

    return TopUp(
        at=moment(cell("date"))[0],
        transaction=cell("transaction"),
        meter=cell("meter"),
        amount_bnd=money_bnd(cell("amount")),
        cleared_debt_bnd=money_bnd(cell("debt")),
        recharge_bnd=money_bnd(cell("recharge")),
        units=number(cell("unit")),
        mode=cell("mode"),
        site=cell("site"),
        source=cell("source"),
    )


_COLUMN_WORDS = ("date", "transaction", "meter", "debt", "recharge", "unit", "mode", "site", "source", "amount")
"""What tells a header; the first that is in it counts, so that `Actual Recharge Amount` is no plain amount."""


def _columns(header: Cells) -> dict[str, int]:
    """Where each known column is."""
    found: dict[str, int] = {}
    for index, title in enumerate(header):
        lowered = title.lower()
        word = next((word for word in _COLUMN_WORDS if word in lowered), "")
        if word:
            found.setdefault(word, index)
    return found


def _hour(label: str, day: date) -> datetime | None:
    """Label h is the hour that ends at h:00 (usms.md 4)."""
    if not (label.isascii() and label.isdigit() and len(label) <= 2 and 1 <= int(label) <= HOURS_IN_DAY):
        return None
    return _midnight(day) + timedelta(hours=int(label) - 1)


def _day(label: str, day: date) -> datetime | None:
    found = moment(label)[0]
    if found is None or (found.year, found.month) != (day.year, day.month):
        return None
    return _midnight(found.date())


def _month(label: str, day: date) -> datetime | None:
    found = moment(f"01/{label}")[0]
    return None if found is None or found.year != day.year else _midnight(found.date())


_STARTS: dict[Period, Callable[[str, date], datetime | None]] = {
    Period.HOUR: _hour,
    Period.DAY: _day,
    Period.MONTH: _month,
}


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=BRUNEI)


def _total(footer: Cells) -> float | None:
    match = _TOTAL.search(" ".join(footer))
    return None if match is None else number(match[1])


def _said(message: str) -> str:
    return tr(" and says “{message}”", message=message) if message else ""


def _ordinary_grid(html: str) -> Grid | None:
    """The grid of a page in exactly the documented markup; None leaves it to the tolerant way."""
    plain = markup.ordinary(html)
    if plain is None or plain.count(f'{_MAIN}"') != 1 or _MAIN_TABLE.search(plain) is None:
        return None
    rows, sums = _ROW.findall(plain), _SUM.findall(plain)
    if len(rows) != plain.count(_DATA) or len(sums) != plain.count(_FOOTER) or len(sums) > 1 or len(rows) > ROWS_MAX:
        return None
    message = markup.ordinary_complaint(plain)
    texts = [markup.unescaped(cell) for row in (*rows, *sums) for cell in row]
    if message is None or None in texts:
        return None
    shown = [markup.text(markup.pieces((cell,))) for cell in texts if cell is not None]
    pairs = tuple(zip(shown[::2], shown[1::2], strict=True))
    return Grid((), pairs[: len(rows)], pairs[-1] if sums else (), message)


def _grid(html: str) -> Grid | None:
    """The grid of any page; None if there is none."""
    parts: dict[str, list[Cells]] = {_DATA: [], _FOOTER: [], _HEADER: []}
    soup = markup.soup(html, "table", "tr")
    if not any(markup.attribute(table, "id").endswith(_MAIN) for table in soup.find_all("table")):
        return None
    for row in soup.find_all("tr"):
        match = _ID.search(markup.attribute(row, "id"))
        if match is None:
            continue
        same = parts[match[0].rstrip("0123456789")]
        if len(same) < ROWS_MAX:
            same.append(_shown(markup.cells(row)))
    header, footer = parts[_HEADER][:1], parts[_FOOTER][:1]
    return Grid(header[0] if header else (), tuple(parts[_DATA]), footer[0] if footer else (), markup.complaint(html))


def _shown(row: Iterable[Sequence[str]]) -> Cells:
    return tuple(markup.text(parts) for parts in row)
