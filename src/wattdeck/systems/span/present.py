"""What people read of a panel first: its figures, its state, and why a table is empty. Knows no widget."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from wattdeck.core.language import tr, tr_as
from wattdeck.core.lines import MUTED, TEXT, Line, Span, arrange, cell_width, cells_line, line_width, titles
from wattdeck.core.link import link_lines
from wattdeck.core.reading import Link, Reading, SourceId
from wattdeck.core.trend import Trend
from wattdeck.core.units import Glyphs, number, power, spark
from wattdeck.systems.span.circuits import SPARK_CELLS, SPARK_STEP_S, TableView, columns, rows, view_of
from wattdeck.systems.span.ebus.firmware import release
from wattdeck.systems.span.models import Door, PanelSnapshot, Relay
from wattdeck.systems.span.parts import battery_percent
from wattdeck.systems.span.partwords import IDLE_W, flow_words, model_words, source_words
from wattdeck.systems.span.words import door_words, relay_words


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the summary with its trend."""

    label: str
    value: str
    note: str = ""
    key: str = ""
    """Trend key; empty = no trend, and less wanted than the others."""
    short: str = ""
    """What is left of the note where there is little room."""


def figures(snapshot: PanelSnapshot) -> list[Figure]:
    """The panel's own numbers, most wanted first."""
    grid_w = snapshot.grid_power_w
    note = ""
    if grid_w is not None and round(grid_w) != 0:
        note = tr_as("flow", "import") if grid_w > 0 else tr_as("flow", "export")
    found = [
        Figure(tr("Grid"), power(grid_w, plus=True), note, "grid", note),
        Figure(tr("House"), power(snapshot.house_load_w), key="house"),
    ]
    if snapshot.solar_w is not None:
        found.append(Figure(tr("Solar"), power(snapshot.solar_w), key="solar"))
    elif snapshot.generation_w is not None and round(snapshot.generation_w) > 0:
        found.append(Figure(tr("Generation"), power(snapshot.generation_w), key="generation"))
    if (figure := _battery(snapshot)) is not None:
        found.append(figure)
    if snapshot.feedthrough_power_w is not None and round(snapshot.feedthrough_power_w) != 0:
        found.append(Figure(tr("Sub-panel"), power(snapshot.feedthrough_power_w), tr_as("flow", "out")))
    return found


def _battery(snapshot: PanelSnapshot) -> Figure | None:
    """How full the battery is, and what it does; None where there is none."""
    charge, power_w = battery_percent(snapshot), snapshot.battery_power_w
    if charge is None and power_w is None:
        return None
    flow = flow_words(power_w)
    note = f"{flow} {power(abs(power_w))}" if power_w is not None and abs(power_w) >= IDLE_W else flow
    return Figure(tr("Battery"), f"{number(charge)} %" if charge is not None else "–", note, "battery", flow)


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
        if snapshot.dominant_source in ("battery", "pv", "generator"):
            source = source_words(snapshot.dominant_source)
            spans.append((f" {tr('on {source}', source=source)}", "severity-medium"))
    if snapshot.pcs is not None and snapshot.pcs.active:
        spans.append((f"  {tr('PCS SHEDS')}", "severity-medium"))
    return tuple(spans)


def summary(reading: Reading[PanelSnapshot], trend: Trend, now: datetime, width: int, marks: Glyphs) -> list[Line]:
    """The figures and the state in one line where both fit, else in two.

    What is wrong has lines of its own on a wide screen; on a narrow one it stands in place of the state.
    """
    snapshot = reading.snapshot
    if snapshot is None:
        return link_lines(reading, now, width, marks)
    state: Line = ((" ", TEXT), *state_spans(snapshot))
    wide = width >= 110
    room = width - line_width(state) if wide else width
    spans = figure_spans(snapshot, trend, now, room, marks, sparks=wide)
    trouble = link_lines(reading, now, width, marks, most=2) if reading.problem else []
    if wide and sum(map(_width, figures(snapshot))) <= room:
        return [(*spans, *state), *trouble]
    found = figure_spans(snapshot, trend, now, width, marks, sparks=wide)
    return [found, state, *trouble] if wide else [found, *(trouble or [state])]


def figure_spans(
    snapshot: PanelSnapshot, trend: Trend, now: datetime, room: int, marks: Glyphs, *, sparks: bool = True
) -> Line:
    """The figures in a row, each with its trend as long as there is room for the trend too.

    Where there is little room notes become shorter, the sub-panel goes, the sign has to do for the grid, and at last
    the last figures go.
    """
    spans: list[Span] = []
    found = _fitting(figures(snapshot), room)
    used = sum(map(_width, found))
    for figure in found:
        spans += [(f" {figure.label} ", "label"), (figure.value, "heading")]
        if figure.note:
            spans.append((f" {figure.note}", "label"))
        values = trend.recent(figure.key, SPARK_CELLS, SPARK_STEP_S, now.timestamp() - SPARK_STEP_S)
        fits = sparks and used + SPARK_CELLS + 1 <= room
        if figure.key and fits and any(value is not None for value in values):
            spans.append((" " + spark(values, marks), MUTED))
            used += SPARK_CELLS + 1
        spans.append(("  ", TEXT))
    return tuple(spans)


def _fitting(found: list[Figure], room: int) -> list[Figure]:
    """The figures as long as they may be in so many cells; at least the first two."""
    short = [replace(figure, note=figure.short) for figure in found]
    few = [figure for figure in short if figure.key]
    terse = [replace(figure, note="") if figure.key == "grid" else figure for figure in few]
    for kept in (found, short, few, terse):
        if sum(map(_width, kept)) <= room:
            return kept
    kept = [replace(figure, note="") for figure in few]
    while len(kept) > 2 and sum(map(_width, kept)) > room:
        kept.pop()
    return kept


def _width(figure: Figure) -> int:
    return cell_width(f" {figure.label} {figure.value}  ") + cell_width(figure.note) + bool(figure.note)


def changed_words(source: SourceId, before: PanelSnapshot, after: PanelSnapshot) -> str:
    """That a panel runs another firmware or speaks another protocol than before; empty if it does not."""
    if before.serial != after.serial or (before.firmware, before.data_model) == (after.firmware, after.data_model):
        return ""
    names = {"firmware": release(after.firmware), "protocol": model_words(after)}
    return tr("{source}: panel firmware {firmware}, {protocol}", source=source, **names)


def no_circuits_words(reading: Reading[PanelSnapshot], view: TableView) -> str:
    """What an empty table says: why it is empty, and what to do."""
    if reading.snapshot is None:
        match reading.link:
            case Link.REFUSED if "`wattdeck " in reading.problem:
                return tr("No data. The line above says why, and what to do.")
            case Link.REFUSED:
                return tr("No data: not let in. `wattdeck span register` asks the panel for it.")
            case Link.DOWN:
                return tr("No data. The line above says why; wattdeck keeps trying.")
            case _:
                return tr("Waiting for the panel's first answer.")
    if view.filter:
        return tr("No circuit has {words}. Escape shows all.", words=repr(view.filter))
    return tr("The panel has no circuits.")


def first_lines(reading: Reading[PanelSnapshot], now: datetime, width: int, marks: Glyphs) -> list[Line]:
    """Summary and circuits as the screen will show them, without trends: there are none yet."""
    view = TableView(sparks=False)
    if reading.snapshot is not None:
        view = view_of(view, reading.snapshot)
    trend = Trend()
    places = arrange(columns(view, marks), width)
    lines = summary(reading, trend, now, width, marks)
    lines += [((marks.rule * width, "rule"),), ((titles(places), "label"),)]
    if reading.snapshot is None:
        return [*lines, ((f"  {no_circuits_words(reading, view)}", MUTED),)]
    lines += [((" ", TEXT), *cells_line(row.cells, places)) for row in rows(reading, trend, {}, view, now, marks)]
    return lines
