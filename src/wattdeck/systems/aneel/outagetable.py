"""The tables of municipalities and of sets: rows, order, filter. Knows no widget."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum

from wattdeck.core.language import later, tr, tr_as
from wattdeck.core.lines import MUTED, TEXT, Column, Row, Span
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, UNKNOWN, Glyphs, age, bar, number
from wattdeck.systems.aneel.aggregate import worst_first
from wattdeck.systems.aneel.models import BRASILIA, OutageRow, OutagesSnapshot, PlaceOutage, Severity

COLUMNS = (
    Column("name", "Municipality", 13, flex=True, keep=13),
    Column("bar", "", 7, keep=8),
    Column("percent", "%", 6, right=True, keep=12),
    Column("severity", "Severity", 13, keep=11),
    Column("out", "Out", 9, right=True, keep=10),
    Column("change", "Change", 8, right=True, keep=9),
    Column("lasting", "For", 8, right=True, keep=7),
    Column("planned", "Planned", 9, right=True, keep=5),
    Column("unplanned", "Unplanned", 10, right=True, keep=6),
    Column("customers", "Served", 11, right=True, keep=4),
    Column("sets", "Sets", 5, right=True, keep=3),
    Column("since", "Since", 13, keep=2),
)
"""Of the table of municipalities. `Change` is against the half hour before, `For` how long there have been customers
out without a break, `Served` all customers."""
SET_COLUMNS = (
    Column("name", "Set", 12, flex=True, keep=13),
    *(replace(column, title="") if column.key == "bar" else column for column in COLUMNS[1:-2]),
    COLUMNS[-1],
)
"""Of the table of sets (*conjuntos*) of one municipality."""
FULL_BAR_PERCENT = 10.0
"""A bar is full from here on, unless somewhere more is out."""
SEVERITY_GLYPHS = {
    Severity.ATTENTION: "!",
    Severity.ALERT: "!!",
    Severity.CRITICAL: "!!!",
    Severity.UNKNOWN: "?",
}
SEVERITY_MEANINGS = {
    Severity.NORMAL: "label",
    Severity.ATTENTION: "severity-low",
    Severity.ALERT: "severity-medium",
    Severity.CRITICAL: "severity-high",
    Severity.UNKNOWN: MUTED,
}
BAR_MEANINGS = SEVERITY_MEANINGS | {
    Severity.NORMAL: "bar-load",
    # Reversed, the empty end of a sliver would be the brighter one.
    Severity.CRITICAL: "severity-medium",
}
MONTHS = (
    later("Jan"), later("Feb"), later("Mar"), later("Apr"), "May", later("Jun"),
    later("Jul"), later("Aug"), later("Sep"), later("Oct"), later("Nov"), later("Dec"),
)  # fmt: skip
MAY = 5


class Order(StrEnum):
    """What the table is ordered by."""

    PERCENT = "percent"
    OUT = "out"
    NAME = "name"
    CHANGE = "change"

    @property
    def next_order(self) -> Order:
        """The order after this one, round and round."""
        orders = list(Order)
        return orders[(orders.index(self) + 1) % len(orders)]

    @property
    def words(self) -> str:
        """What comes first."""
        match self:
            case Order.PERCENT:
                return tr("highest percent first")
            case Order.OUT:
                return tr("most customers first")
            case Order.NAME:
                return tr("by name")
            case Order.CHANGE:
                return tr("largest increase first")


def columns(order: Order, marks: Glyphs = UNICODE) -> tuple[Column, ...]:
    """The table's columns, the ordered one marked."""
    return _marked(COLUMNS, order, marks)


def set_columns(order: Order, marks: Glyphs = UNICODE) -> tuple[Column, ...]:
    """The columns of sets, the ordered one marked."""
    return _marked(SET_COLUMNS, order, marks)


def _marked(columns: Sequence[Column], order: Order, marks: Glyphs) -> tuple[Column, ...]:
    mark = marks.up if order is Order.NAME else marks.down_sort
    return tuple(replace(each, title=_title(each) + (mark if each.key == order.value else "")) for each in columns)


def _title(column: Column) -> str:
    """A column's title; `Change` is what something does elsewhere, and here how much."""
    return tr_as("column", "Change") if column.key == "change" else column.title and tr(column.title)


def ordered(places: Iterable[PlaceOutage], order: Order) -> tuple[PlaceOutage, ...]:
    """Municipalities or sets in an order; equal ones by name."""
    if order is Order.PERCENT:
        return worst_first(places)
    named = sorted(places, key=lambda place: (fold(place.name), place.code))
    if order is Order.OUT:
        named.sort(key=lambda place: -place.out)
    elif order is Order.CHANGE:
        named.sort(key=lambda place: (place.change_out is None, -(place.change_out or 0)))
    return tuple(named)


def filtered(places: Iterable[PlaceOutage], words: str) -> tuple[PlaceOutage, ...]:
    """Those in whose name, code or severity every word is found, whatever its case and accents."""
    wanted = fold(words).split()
    named = {severity: f"{severity.value} {fold(severity_word(severity))}" for severity in Severity}
    return tuple(
        place
        for place in places
        for looked_in in [f"{fold(place.name)} {place.code} {named[place.severity]}"]
        if all(word in looked_in for word in wanted)
    )


def fold(text: str) -> str:
    """Lower case without accents, for looking things up."""
    parts = unicodedata.normalize("NFKD", clean(text, 200).casefold())
    return "".join(each for each in parts if not unicodedata.combining(each))


def rows(places: Sequence[PlaceOutage], slot: datetime | None, marks: Glyphs = UNICODE) -> list[Row]:
    """Rows of the table of municipalities, known by their IBGE codes, in the order given."""
    full = _full(place.percent_out for place in places)
    return [
        Row(str(place.code), _cells(place, place.name, place.customers_served, place.estimated, full, slot, marks,
                                    place.rows, place.reconfigured))
        for place in places
    ]  # fmt: skip


def set_rows(
    snapshot: OutagesSnapshot, municipality: int, order: Order = Order.PERCENT, marks: Glyphs = UNICODE
) -> list[Row]:
    """Rows of the sets of one municipality, known by their codes."""
    found = [row for row in snapshot.rows if row.municipality_code == municipality]
    full = _full(row.percent_out for row in found)
    seen: dict[int, int] = {}
    made = []
    for row in sorted(found, key=lambda row: _set_key(row, order)):
        # A set that was reported twice is shown twice.
        seen[row.set_code] = seen.get(row.set_code, 0) + 1
        row_id = str(row.set_code) if seen[row.set_code] == 1 else f"{row.set_code}:{seen[row.set_code]}"
        cells = _cells(
            row, tr("set {code}", code=row.set_code), row.customers_served, False, full, snapshot.slot, marks
        )
        made.append(Row(row_id, cells))
    return made


def _set_key(row: OutageRow, order: Order) -> tuple[float, float, int]:
    if order is Order.NAME:
        return 0, 0, row.set_code
    if order is Order.CHANGE:
        return row.change_out is None, -(row.change_out or 0), row.set_code
    percent = -1.0 if row.percent_out is None or order is Order.OUT else row.percent_out
    return -percent, -row.out, row.set_code


def _full(percents: Iterable[float | None]) -> float:
    return max([FULL_BAR_PERCENT, *(percent for percent in percents if percent is not None)])


def _cells(
    place: PlaceOutage | OutageRow,
    name: str,
    customers: int | None,
    estimated: bool,
    full: float,
    slot: datetime | None,
    marks: Glyphs,
    sets: int | None = None,
    reconfigured: bool = False,
) -> tuple[Span, ...]:
    percent, severity = place.percent_out, place.severity
    quiet = TEXT if place.out else MUTED
    share = 0.0 if percent is None or estimated else percent / full
    width = next(column.width for column in COLUMNS if column.key == "bar")
    cells: list[Span] = [
        (clean(name, 80), quiet),
        (bar(share, width, marks), BAR_MEANINGS[severity]),
        (percent_words(percent, estimated=estimated), quiet),
        severity_span(severity, marks),
        (number(place.out), "heading" if place.out else MUTED),
        change_span(place.change_out),
        (lasting_words(place.out_since, slot, at_least=place.since_at_least, marks=marks), quiet),
        (number(place.planned_out), quiet if place.planned_out else MUTED),
        (number(place.unplanned_out), quiet if place.unplanned_out else MUTED),
        (customers_words(customers, estimated=estimated, reconfigured=reconfigured), "label"),
    ]
    if sets is not None:
        cells.append((number(sets), "label"))
    cells.append((moment_words(place.out_since, slot), MUTED))
    return tuple(cells)


# Words for values


def percent_words(percent: float | None, *, estimated: bool = False) -> str:
    """`6.1`, `<0.1`, `~12.0` if customers served are estimated, `–` if they are not known."""
    if percent is None:
        return UNKNOWN
    words = f"<{number(0.1, 1)}" if 0 < percent < 0.05 else number(percent, 1)
    return f"~{words}" if estimated else words


def severity_span(severity: Severity, marks: Glyphs = UNICODE) -> Span:
    """`!! alert`: marks and word, whatever the colours."""
    return f"{SEVERITY_GLYPHS.get(severity, marks.dot):<3} {severity_word(severity)}", SEVERITY_MEANINGS[severity]


def severity_word(severity: Severity) -> str:
    """How bad it is, for people."""
    match severity:
        case Severity.NORMAL:
            return tr_as("severity", "normal")
        case Severity.ATTENTION:
            return tr_as("severity", "attention")
        case Severity.ALERT:
            return tr_as("severity", "alert")
        case Severity.CRITICAL:
            return tr_as("severity", "critical")
        case Severity.UNKNOWN:
            return tr_as("severity", "unknown")


def change_span(change: int | None) -> Span:
    """`+34`, `−86`, `0`; a dash if the half hour before is not known."""
    if change is None:
        return UNKNOWN, MUTED
    return number(change, plus=True), "severity-low" if change > 0 else TEXT if change else MUTED


def customers_words(customers: int | None, *, estimated: bool = False, reconfigured: bool = False) -> str:
    """`5 120`, `~310` if that is the most ever seen out, `5 120*` if it has just jumped."""
    if customers is None:
        return UNKNOWN
    return f"{'~' if estimated else ''}{number(customers)}{'*' if reconfigured else ''}"


def lasting_words(
    since: datetime | None, slot: datetime | None, *, at_least: bool = False, marks: Glyphs = UNICODE
) -> str:
    """`3 h`, `≥ 2 d` if it may have been longer, `new` in its first half hour."""
    if since is None or slot is None:
        return ""
    lasted_s = (slot - since) / timedelta(seconds=1)
    if lasted_s <= 0:
        return UNKNOWN if at_least else tr_as("outage", "new")
    words = age(lasted_s)
    return f"{'>=' if marks.spark.isascii() else '≥'} {words}" if at_least else words


def moment_words(moment: datetime | None, day: datetime | None = None) -> str:
    """`14:00`, by Brasília's clock; with its day, `12 Oct 14:00`, unless that is the given one's."""
    if moment is None:
        return ""
    local = moment.astimezone(BRASILIA)
    time = f"{local.hour:02}:{local.minute:02}"
    if day is not None and day.astimezone(BRASILIA).date() == local.date():
        return time
    return f"{local.day} {month_word(local.month)} {time}"


def month_word(month: int) -> str:
    """The short name of a month, 1 to 12."""
    # One name of a month is short in English and long elsewhere.
    return tr_as("short", "May") if month == MAY else tr(MONTHS[month - 1])
