"""The circuit table: its columns, its rows, their order, and what each cell says. Knows no widget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from wattdeck.core.language import later, tr, tr_as
from wattdeck.core.lines import MUTED, TEXT, Column, Row, Span
from wattdeck.core.link import link_word
from wattdeck.core.reading import Link, Reading
from wattdeck.core.trend import Trend
from wattdeck.core.units import UNICODE, Glyphs, age, bar, energy, number, percent, spark
from wattdeck.systems.span.models import Circuit, PanelSnapshot, Relay
from wattdeck.systems.span.spaces import empty_spaces, tandem_spaces
from wattdeck.systems.span.words import (
    feeds_words,
    held_words,
    holder_words,
    name_words,
    priority_words,
    relay_words,
    space,
    space_words,
)

SORTS = ("space", "power", "name", "today")
"""Orders of the circuit table, in the order a key walks through them."""

SPARK_STEP_S = 30.0
"""One cell of a trend, s: long enough that a line of it changes twice a minute and not every second."""
SPARK_CELLS = 8


@dataclass(frozen=True, slots=True)
class Pending:
    """A command on its way: what is wanted and how far it has come."""

    kind: str
    wanted: str
    words: str


@dataclass(frozen=True, slots=True)
class TableView:
    """How a person wants the circuits shown."""

    sort: str = SORTS[0]
    descending: bool = False
    filter: str = ""
    unmapped: bool = False
    sparks: bool = True
    """There is a trend column."""
    draw_sparks: bool = True
    """There is room for it, so that its trends are worth working out."""
    locked: frozenset[str] = frozenset()
    """Ids of circuits that are locked out."""
    fed: bool = False
    """The panel says what hangs on some circuits, so that the space column has room for it."""


def columns(view: TableView, marks: Glyphs = UNICODE) -> tuple[Column, ...]:
    """The circuit table's columns, the sorted one marked."""
    sign = marks.down_sort if view.descending else marks.up

    def title(key: str, words: str) -> str:
        # Titles are translated where they are drawn; with a mark behind it this one would not be found.
        return f"{tr(words)}{sign}" if view.sort == key else words

    shown = [
        Column("name", title("name", later("Circuit")), 18, flex=True, keep=10),
        Column("space", title("space", later("Space")), 9 if view.fed else 7, keep=6),
        Column("power", title("power", later("Power W")), 8, right=True, keep=9),
        Column("bar", "", 10, keep=3),
        Column("share", "Share", 6, right=True, keep=4),
        Column("trend", "4 min", SPARK_CELLS, keep=1),
        Column("today", title("today", later("Today kWh")), 10, right=True, keep=5),
        Column("relay", "Relay", 11, keep=8),
        Column("priority", "Priority", 13, keep=2),
        Column("age", "Age", 6, right=True, keep=0),
    ]
    return tuple(column for column in shown if view.sparks or column.key != "trend")


def view_of(view: TableView, snapshot: PanelSnapshot) -> TableView:
    """The view with the room this panel's circuits need."""
    fed = any(circuit.feeds for circuit in snapshot.circuits)
    return view if view.fed is fed else replace(view, fed=fed)


def relay_span(circuit: Circuit, pending: Pending | None, marks: Glyphs = UNICODE) -> Span:
    """Measured position, and beside it what is wanted. The wish alone is never shown as the position."""
    if circuit.virtual or circuit.meter_only:
        return "–", MUTED
    wanted = _wanted(circuit, pending)
    if wanted:
        now = {Relay.OPEN: marks.open, Relay.CLOSED: marks.closed}.get(circuit.relay, "?")
        return f"{now} {marks.arrow} {relay_words(wanted)}", "relay-pending"
    if not circuit.live:
        return f"{marks.stale} {link_word(Link.STALE)}", "link-stale"
    if circuit.relay is Relay.OPEN:
        words = holder_words(circuit) or relay_words(Relay.OPEN)
        return f"{marks.open} {words}", "severity-high" if circuit.requester == "fault" else "relay-open"
    if circuit.relay is Relay.CLOSED:
        words = relay_words(Relay.CLOSED) if circuit.controllable else tr_as("relay", "always")
        return f"{marks.closed} {words}", "relay-closed"
    return f"{marks.pending} {relay_words(Relay.UNKNOWN)}", "link-stale"


def _wanted(circuit: Circuit, pending: Pending | None) -> str:
    """The position asked for and not reported yet, by us or, as the panel says, by somebody else."""
    if pending is not None and pending.kind == "relay":
        return pending.wanted
    target = circuit.relay_target
    return "" if target is None or target is circuit.relay else target.value


def locked_span(span: Span, locked: bool, marks: Glyphs) -> Span:
    """A padlock behind the position of a circuit that is locked out."""
    return (f"{span[0]} {marks.lock}", span[1]) if locked else span


def priority_span(circuit: Circuit, pending: Pending | None, marks: Glyphs = UNICODE) -> Span:
    """Reported priority, and beside it what was asked for."""
    if circuit.virtual or circuit.meter_only:
        return "", MUTED
    words = priority_words(circuit.priority)
    if pending is not None and pending.kind == "priority":
        return f"{words} {marks.arrow} {priority_words(pending.wanted)}", "relay-pending"
    return words, "label"


def visible(snapshot: PanelSnapshot, view: TableView) -> list[Circuit]:
    """The circuits the view lets through, in its order. Unknown values sort last either way."""
    words = view.filter.casefold().split()
    everything = (*snapshot.circuits, *empty_spaces(snapshot)) if view.unmapped else snapshot.circuits
    chosen = [
        circuit
        for circuit in everything
        if (view.unmapped or not circuit.virtual) and all(word in _haystack(circuit) for word in words)
    ]
    keyed = [(_sort_key(circuit, view.sort), circuit) for circuit in chosen]
    known = [(key, circuit) for key, circuit in keyed if key is not None]
    known.sort(key=lambda pair: pair[0], reverse=view.descending)
    return [circuit for _, circuit in known] + [circuit for key, circuit in keyed if key is None]


def _sort_key(circuit: Circuit, sort: str) -> Any:
    match sort:
        case "power":
            return circuit.power_w
        case "name":
            return name_words(circuit).casefold()
        case "today":
            return circuit.energy_today_wh
        case _:
            return min(circuit.tabs, default=999)


def _haystack(circuit: Circuit) -> str:
    words = [
        name_words(circuit),
        space(circuit.tabs),
        relay_words(circuit.relay),
        priority_words(circuit.priority),
        "" if circuit.controllable else tr_as("relay", "always"),
        tr("unmapped") if circuit.virtual else "",
        feeds_words(circuit),
        held_words(circuit),
        "" if circuit.live else link_word(Link.STALE),
    ]
    return " ".join(words).casefold()


def rows(
    reading: Reading[PanelSnapshot],
    trend: Trend,
    pending: Mapping[str, Pending],
    view: TableView,
    now: datetime,
    marks: Glyphs = UNICODE,
) -> list[Row]:
    """The circuit table."""
    snapshot = reading.snapshot
    if snapshot is None:
        return []
    scale = _Scale(
        total_w=snapshot.house_load_w or 0.0,
        largest_w=max((abs(circuit.power_w or 0.0) for circuit in snapshot.circuits), default=0.0),
        tandem=tandem_spaces(snapshot),
        sparks_end_s=now.timestamp() - SPARK_STEP_S,
    )
    newest = newest_power_at(snapshot)
    rows = []
    for circuit in visible(snapshot, view):
        age_s = measured_age_s(circuit, reading, newest, now)
        cells = _cells(circuit, scale, trend, pending.get(circuit.circuit_id), view, age_s, marks)
        rows.append(Row(circuit.circuit_id, cells))
    return rows


@dataclass(frozen=True, slots=True)
class _Scale:
    """What the rows of one table are measured against."""

    total_w: float
    largest_w: float
    tandem: frozenset[int]
    sparks_end_s: float


def _cells(
    circuit: Circuit,
    scale: _Scale,
    trend: Trend,
    pending: Pending | None,
    view: TableView,
    age_s: float | None,
    marks: Glyphs,
) -> tuple[Span, ...]:
    power_w, total_w, largest_w = circuit.power_w, scale.total_w, scale.largest_w
    producing = power_w is not None and power_w < 0
    share = tr("gen") if producing else percent(power_w / total_w if power_w is not None and total_w > 0 else None)
    plain = TEXT if circuit.live else MUTED
    quiet = MUTED if power_w is not None and round(power_w) == 0 else plain
    cells: list[Span] = [
        (name_words(circuit), MUTED if circuit.virtual else plain),
        (space_words(circuit, scale.tandem, marks), "label" if circuit.live else MUTED),
        (number(power_w), quiet),
        (
            bar(power_w / largest_w if power_w and largest_w else None, 10, marks),
            MUTED if not circuit.live else "bar-generation" if producing else "bar-load",
        ),
        (share, quiet),
    ]
    if view.sparks:
        values = (
            trend.recent(circuit.circuit_id, SPARK_CELLS, SPARK_STEP_S, scale.sparks_end_s) if view.draw_sparks else []
        )
        cells.append((spark(values, marks), MUTED))
    cells += [
        (energy(circuit.energy_today_wh), plain),
        locked_span(relay_span(circuit, pending, marks), circuit.circuit_id in view.locked, marks),
        priority_span(circuit, pending, marks),
        (coarse_age(age_s), MUTED),
    ]
    return tuple(cells)


def newest_power_at(snapshot: PanelSnapshot) -> datetime | None:
    """The latest measurement of a snapshot, by the panel's clock."""
    real = [circuit.power_at for circuit in snapshot.circuits if not circuit.virtual]
    return max((moment for moment in real if moment is not None), default=None)


def measured_age_s(
    circuit: Circuit, reading: Reading[PanelSnapshot], newest: datetime | None, now: datetime
) -> float | None:
    """Age of a circuit's power, s: how old the reading is, and how far the circuit lags behind its newest neighbour.

    The panel's clock is only compared with itself, because it may be wrong.
    """
    age_s = reading.age_s(now)
    if age_s is None or circuit.power_at is None or newest is None or circuit.virtual:
        return age_s
    return age_s + (newest - circuit.power_at).total_seconds()


def coarse_age(age_s: float | None) -> str:
    """Age in steps, so that a column of ages does not repaint every second: `<5 s`, then tens."""
    if age_s is None:
        return "–"
    if age_s < 5:
        return "<5 s"
    return f"{int(age_s // 10 * 10) or 5} s" if age_s < 90 else age(age_s)
