"""What people read of a panel: rows, lines and sentences, with meanings instead of colours. Knows no widget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wattdeck.core.language import later, plural, tr, tr_as
from wattdeck.core.lines import (
    MUTED,
    TEXT,
    Column,
    Line,
    Row,
    Span,
    arrange,
    cell_width,
    cells_line,
    fit,
    line_width,
    titles,
    wrap,
)
from wattdeck.core.link import link_lines
from wattdeck.core.reading import Link, Reading
from wattdeck.core.trend import Trend
from wattdeck.core.units import UNICODE, Glyphs, age, bar, energy, number, percent, power, since, spark
from wattdeck.systems.span.models import (
    Circuit,
    Door,
    PanelSnapshot,
    Relay,
    current_a,
    leg,
    voltage_v,
)
from wattdeck.systems.span.words import (
    door_words,
    name_words,
    place_words,
    priority_words,
    relay_words,
    space,
    why_not_controllable,
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


def columns(view: TableView, marks: Glyphs = UNICODE) -> tuple[Column, ...]:
    """The circuit table's columns, the sorted one marked."""
    sign = marks.down_sort if view.descending else marks.up

    def title(key: str, words: str) -> str:
        # Titles are translated where they are drawn; with a mark behind it this one would not be found.
        return f"{tr(words)}{sign}" if view.sort == key else words

    shown = [
        Column("name", title("name", later("Circuit")), 18, flex=True, keep=10),
        Column("space", title("space", later("Space")), 7, keep=6),
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


def relay_span(circuit: Circuit, pending: Pending | None, marks: Glyphs = UNICODE) -> Span:
    """Measured position, and beside it what is wanted. The wish alone is never shown as the position."""
    if circuit.virtual:
        return "–", MUTED
    if pending is not None and pending.kind == "relay":
        now = {Relay.OPEN: marks.open, Relay.CLOSED: marks.closed}.get(circuit.relay, "?")
        return f"{now} {marks.arrow} {relay_words(pending.wanted)}", "relay-pending"
    if circuit.relay is Relay.OPEN:
        return f"{marks.open} {relay_words(Relay.OPEN)}", "relay-open"
    if circuit.relay is Relay.CLOSED:
        words = relay_words(Relay.CLOSED) if circuit.controllable else tr_as("relay", "always")
        return f"{marks.closed} {words}", "relay-closed"
    return f"{marks.pending} {relay_words(Relay.UNKNOWN)}", "link-stale"


def locked_span(span: Span, locked: bool, marks: Glyphs) -> Span:
    """A padlock behind the position of a circuit that is locked out."""
    return (f"{span[0]} {marks.lock}", span[1]) if locked else span


def priority_span(circuit: Circuit, pending: Pending | None, marks: Glyphs = UNICODE) -> Span:
    """Reported priority, and beside it what was asked for."""
    if circuit.virtual:
        return "", MUTED
    words = priority_words(circuit.priority)
    if pending is not None and pending.kind == "priority":
        return f"{words} {marks.arrow} {priority_words(pending.wanted)}", "relay-pending"
    return words, "label"


def visible(snapshot: PanelSnapshot, view: TableView) -> list[Circuit]:
    """The circuits the view lets through, in its order. Unknown values sort last either way."""
    words = view.filter.casefold().split()
    chosen = [
        circuit
        for circuit in snapshot.circuits
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
            return circuit.name.casefold()
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
    total_w = snapshot.house_load_w or 0.0
    largest_w = max((abs(circuit.power_w or 0.0) for circuit in snapshot.circuits), default=0.0)
    newest = newest_power_at(snapshot)
    rows = []
    for circuit in visible(snapshot, view):
        shares = (total_w, largest_w)
        age_s = measured_age_s(circuit, reading, newest, now)
        cells = _cells(circuit, shares, trend, pending.get(circuit.circuit_id), view, age_s, now.timestamp(), marks)
        rows.append(Row(circuit.circuit_id, cells))
    return rows


def _cells(
    circuit: Circuit,
    shares: tuple[float, float],
    trend: Trend,
    pending: Pending | None,
    view: TableView,
    age_s: float | None,
    now_s: float,
    marks: Glyphs,
) -> tuple[Span, ...]:
    total_w, largest_w = shares
    power_w = circuit.power_w
    producing = power_w is not None and power_w < 0
    share = tr("gen") if producing else percent(power_w / total_w if power_w is not None and total_w > 0 else None)
    quiet = MUTED if power_w is not None and round(power_w) == 0 else TEXT
    cells: list[Span] = [
        (name_words(circuit), MUTED if circuit.virtual else TEXT),
        (space(circuit.tabs, marks), "label"),
        (number(power_w), quiet),
        (
            bar(power_w / largest_w if power_w and largest_w else None, 10, marks),
            "bar-generation" if producing else "bar-load",
        ),
        (share, quiet),
    ]
    if view.sparks:
        end_s = now_s - SPARK_STEP_S
        values = trend.recent(circuit.circuit_id, SPARK_CELLS, SPARK_STEP_S, end_s) if view.draw_sparks else []
        cells.append((spark(values, marks), MUTED))
    cells += [
        (energy(circuit.energy_today_wh), TEXT),
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


def unmapped_line(snapshot: PanelSnapshot, shown: bool) -> str:
    """What is not in the table, in words: `Not mapped: 9 spaces, 3 W (u shows them)`."""
    virtual = [circuit for circuit in snapshot.circuits if circuit.virtual]
    if not virtual:
        return ""
    powers = [circuit.power_w for circuit in virtual]
    sum_w = None if None in powers else sum(value for value in powers if value is not None)
    spaces = plural("{count} space", "{count} spaces", len(virtual))
    if shown:
        return tr("Not mapped: {spaces}, {power} (u hides them)", spaces=spaces, power=power(sum_w))
    return tr("Not mapped: {spaces}, {power} (u shows them)", spaces=spaces, power=power(sum_w))


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the summary with its trend."""

    label: str
    value: str
    note: str = ""
    key: str = ""
    """Trend key; empty = no trend."""


def figures(snapshot: PanelSnapshot) -> list[Figure]:
    """The panel's own numbers, most wanted first."""
    grid_w = snapshot.grid_power_w
    note = ""
    if grid_w is not None and round(grid_w) != 0:
        note = tr_as("flow", "import") if grid_w > 0 else tr_as("flow", "export")
    found = [
        Figure(tr("Grid"), power(grid_w, plus=True), note, "grid"),
        Figure(tr("House"), power(snapshot.house_load_w), key="house"),
    ]
    if snapshot.solar_w is not None:
        found.append(Figure(tr("Solar"), power(snapshot.solar_w), key="solar"))
    elif snapshot.generation_w is not None and round(snapshot.generation_w) > 0:
        found.append(Figure(tr("Generation"), power(snapshot.generation_w), key="generation"))
    if snapshot.battery_percent is not None:
        found.append(Figure(tr("Battery"), f"{snapshot.battery_percent} %"))
    if snapshot.feedthrough_power_w is not None and round(snapshot.feedthrough_power_w) != 0:
        found.append(Figure(tr("Sub-panel"), power(snapshot.feedthrough_power_w), tr_as("flow", "out")))
    return found


def state_spans(snapshot: PanelSnapshot) -> Line:
    """Main relay, door and grid in words; only what is out of the ordinary carries weight."""
    main, door = snapshot.main_relay, snapshot.door
    spans: list[Span] = [
        (f"{tr('Main')} ", "label"),
        (relay_words(main), "relay-closed" if main is Relay.CLOSED else "severity-high"),
        (f" · {tr('Door')} ", "label"),
        (door_words(door), "severity-medium" if door is Door.OPEN else "relay-closed"),
    ]
    if snapshot.off_grid:
        spans.append((f"  {tr('OFF GRID')}", "severity-high"))
    return tuple(spans)


def summary(reading: Reading[PanelSnapshot], trend: Trend, now: datetime, width: int, marks: Glyphs) -> list[Line]:
    """One line of figures on a wide screen, two on a narrow one; the second says what is wrong when something is."""
    snapshot = reading.snapshot
    if snapshot is None:
        return link_lines(reading, now, width, marks)
    wide = width >= 110
    state: Line = ((" ", TEXT), *state_spans(snapshot))
    room = width - line_width(state) if wide else 0
    spans = figure_spans(snapshot, trend, now, room, marks)
    trouble = link_lines(reading, now, width, marks, most=2) if reading.problem else []
    if wide:
        return [(*spans, *state), *trouble]
    return [spans, *(trouble or [state])]


def figure_spans(snapshot: PanelSnapshot, trend: Trend, now: datetime, room: int, marks: Glyphs) -> Line:
    """The figures in a row, each with its trend as long as there is room for the trend too."""
    spans: list[Span] = []
    found = figures(snapshot)
    plain = sum(len(f" {figure.label} {figure.value}  ") + len(figure.note) + bool(figure.note) for figure in found)
    for figure in found:
        spans += [(f" {figure.label} ", "label"), (figure.value, "heading")]
        if figure.note:
            spans.append((f" {figure.note}", "label"))
        values = trend.recent(figure.key, SPARK_CELLS, SPARK_STEP_S, now.timestamp() - SPARK_STEP_S)
        if figure.key and plain + SPARK_CELLS + 1 <= room and any(value is not None for value in values):
            spans.append((" " + spark(values, marks), MUTED))
            plain += SPARK_CELLS + 1
        spans.append(("  ", TEXT))
    return tuple(spans)


def no_circuits_words(reading: Reading[PanelSnapshot], view: TableView) -> str:
    """What an empty table says: why it is empty, and what to do."""
    if reading.snapshot is None:
        match reading.link:
            case Link.REFUSED:
                return tr("No data: the panel does not accept our token. `wattdeck span register` gets a new one.")
            case Link.DOWN:
                return tr("No data: the panel does not answer. wattdeck keeps trying.")
            case _:
                return tr("Waiting for the panel's first answer.")
    if view.filter:
        return tr("No circuit has {words}. Escape shows all.", words=repr(view.filter))
    return tr("The panel has no circuits.")


def detail(
    reading: Reading[PanelSnapshot],
    circuit: Circuit,
    pending: Pending | None,
    notes: Sequence[str],
    last_command: str,
    now: datetime,
    width: int,
    marks: Glyphs = UNICODE,
) -> list[Line]:
    """Everything known of one circuit. `notes` are sentences from outside the panel, such as a lockout's."""
    volts, amps = voltage_v(circuit.tabs), current_a(circuit)
    legs = "+".join(dict.fromkeys(leg(tab) for tab in circuit.tabs))
    about = f"  {marks.about} {number(amps, 1)} A" if amps is not None else ""
    lines: list[Line] = [
        ((name_words(circuit), "heading"),),
        ((f"{place_words(circuit.tabs, marks)} · {volts or '?'} V · {legs or '?'}", "label"),),
        ((power(circuit.power_w), TEXT), (about, MUTED)),
        (relay_span(circuit, pending, marks), (f"  {pending.words}" if pending else "", "relay-pending")),
    ]

    facts = _facts(reading, circuit, now)
    width_of_labels = max(10, *(cell_width(label) + 1 for label, _ in facts))
    lines += [((fit(label, width_of_labels), "label"), (value, TEXT)) for label, value in facts]
    if reading.restored:
        lines.append(((tr("kept from an earlier run"), "link-stale"),))
    for note in filter(None, (why_not_controllable(circuit), *notes)):
        lines += wrap(note, width, MUTED)
    if last_command:
        return [*lines, ((tr("last command"), "label"),), *wrap(last_command, width)]
    return [*lines, ((f"{tr('last command')}  ", "label"), (tr_as("command", "none"), MUTED))]


def _facts(reading: Reading[PanelSnapshot], circuit: Circuit, now: datetime) -> list[tuple[str, str]]:
    """What is known of a circuit besides its power and position: label and value."""
    today = f"{energy(circuit.energy_today_wh)} kWh"
    if reading.snapshot is not None and reading.snapshot.today_since is not None:
        today = tr("{energy} since {time}", energy=today, time=since(reading.snapshot.today_since, now))
    facts = [
        (tr("priority"), "–" if circuit.virtual else priority_words(circuit.priority)),
        (tr("today"), today),
        (tr("consumed"), f"{energy(circuit.energy_consumed_wh)} kWh"),
        (tr("produced"), f"{energy(circuit.energy_produced_wh)} kWh"),
    ]
    newest = newest_power_at(reading.snapshot) if reading.snapshot is not None else None
    if circuit.energy_at is not None and newest is not None and not circuit.virtual:
        behind_s = max(0.0, (newest - circuit.energy_at).total_seconds())
        facts.append((tr("counters"), tr("{age} behind", age=age(behind_s))))
    measured = tr("{age} ago", age=age(measured_age_s(circuit, reading, newest, now)))
    return [*facts, (tr("measured"), measured)]


def first_lines(reading: Reading[PanelSnapshot], now: datetime, width: int, marks: Glyphs) -> list[Line]:
    """Summary and circuits as the screen will show them, without trends: there are none yet."""
    view = TableView(sparks=False)
    trend = Trend()
    places = arrange(columns(view, marks), width)
    lines = summary(reading, trend, now, width, marks)
    lines += [((marks.rule * width, "rule"),), ((titles(places), "label"),)]
    if reading.snapshot is None:
        return [*lines, ((f"  {no_circuits_words(reading, view)}", MUTED),)]
    lines += [((" ", TEXT), *cells_line(row.cells, places)) for row in rows(reading, trend, {}, view, now, marks)]
    return lines
