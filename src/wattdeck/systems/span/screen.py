"""The SPAN screen: one panel's figures, its circuits, one circuit in detail, and what the power did."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget

from wattdeck.core.language import later, tr
from wattdeck.core.lines import Line, cut
from wattdeck.core.reading import Reading, SourceId
from wattdeck.systems.span import circuits, fleet, present
from wattdeck.systems.span.asking import Asking
from wattdeck.systems.span.detail import detail
from wattdeck.systems.span.models import Circuit, PanelSnapshot
from wattdeck.systems.span.parts import section_lines, sections
from wattdeck.systems.span.regions import WIDE
from wattdeck.systems.span.spaces import empty_spaces, heir, unmapped_line
from wattdeck.systems.span.widgets import CircuitTable, Ruled, Summary
from wattdeck.systems.span.words import name_words
from wattdeck.ui import chart
from wattdeck.ui.chart import Drawing, Plot, Question, Window
from wattdeck.ui.table import DeckTable

if TYPE_CHECKING:
    from textual.widgets import Input


class SpanScreen(Asking):
    """Watches one SPAN panel, or all of them in a summary."""

    SYSTEM = "span"
    OFFERS: ClassVar[tuple[type[Widget], ...]] = (CircuitTable,)
    """Widgets with keys of their own, for the help page and the key map."""
    # As default style: Textual parses every stylesheet anew for a screen that brings a file of its own.
    DEFAULT_CSS = Path(__file__).with_name("screen.tcss").read_text(encoding="utf-8")
    HELP = later("One SPAN panel. **Tab** shows the next panel, **a** all of them.")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="span.filter", tooltip="Show only circuits with these words"),
        Binding("s", "sort", "Sort", id="span.sort", tooltip="Sort by space, power, name or energy today"),
        Binding("S", "reverse", "Reverse", id="span.reverse", show=False, tooltip="Turn the order round"),
        Binding("u", "unmapped", "Unmapped", id="span.unmapped", show=False,
                tooltip="Show or hide spaces that belong to no circuit"),
        Binding("a", "all_panels", "Panels", id="span.panels", tooltip="Show all panels, or one"),
        Binding("d", "detail", "Detail", id="span.detail", show=False, tooltip="Show or hide the detail pane"),
        Binding("I", "facts", "Panel", id="span.facts", show=False,
                tooltip="Show the panel itself, or the circuit again"),
        Binding("J", "scroll(5)", "Scroll", id="span.scroll_down", show=False, tooltip="Scroll the pane down"),
        Binding("K", "scroll(-5)", "Scroll up", id="span.scroll_up", show=False, tooltip="Scroll the pane up"),
        Binding("v", "plot", "Plot", id="span.plot", show=False, tooltip="Show or hide the plot"),
        Binding("plus,equals_sign", "zoom(1)", "Zoom in", id="span.zoom_in", show=False,
                tooltip="Plot a shorter time"),
        Binding("minus", "zoom(-1)", "Zoom out", id="span.zoom_out", show=False, tooltip="Plot a longer time"),
        Binding("less_than_sign,left_square_bracket", "walk(-1)", "Earlier", id="span.earlier", show=False,
                tooltip="Move the plot back in time"),
        Binding("greater_than_sign,right_square_bracket", "walk(1)", "Later", id="span.later", show=False,
                tooltip="Move the plot towards now"),
        Binding("escape", "back", "Back", id="span.back", show=False, tooltip="Close what was opened last"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.view = circuits.TableView()
        self.window = Window()
        self._circuit_drawing = Drawing()
        self._known: dict[SourceId, PanelSnapshot] = {}
        """Each panel as it was last seen, to tell when it has become another."""
        self._plots_asked = False

    @property
    def looked_at(self) -> Sequence[SourceId]:
        return self.sources if self.all_panels else [self.source]

    def body(self) -> Iterable[Widget]:
        yield Summary(id="summary")
        with Horizontal(id="middle"):
            yield CircuitTable(self.view, self.marks)
            yield DeckTable(fleet.PANEL_COLUMNS, empty=tr("No panels."), id="panels")
            yield Ruled(id="detail")
        yield Plot(id="plot")

    # Paint

    def paint_body(self, now: datetime) -> None:
        self._tell_of_changes()
        self.lay_out()
        summary = self.query_one("#summary", Summary)
        table = self.query_one(CircuitTable)
        reading = self.panel_reading()
        width = summary.size.width
        rule: Line = ((self.marks.rule * width, "rule"),)
        if reading is None:
            summary.paint([((f" {tr('Starting.')}", "muted"),), rule])
            return
        lines = present.summary(reading, self.trend(), now, width, self.marks)
        self._set_height(summary, len(lines) + 1)
        summary.paint([*lines, rule])
        if self.all_panels:
            self._paint_panels(now)
        else:
            self._paint_circuits(reading, table, now)
        if reading.snapshot is not None and not self._plots_asked:
            # Data first: loading the plotting library takes longer than a frame may.
            self._plots_asked = True
            self.run_worker(chart.load, thread=True, exit_on_error=False)
        drawn = self._paint_detail(reading, now)
        self._paint_plot(reading, now, may_draw=not drawn)

    def _tell_of_changes(self) -> None:
        """Say once that a panel has another firmware or protocol, whichever panel is on show."""
        for source in self.sources:
            for reading in self.deck_app.readings(source):
                if reading.snapshot is None:
                    continue
                words = present.changed_words(source, self._known.get(source, reading.snapshot), reading.snapshot)
                self._known[source] = reading.snapshot
                if words:
                    self.notify(words, markup=False)

    def _paint_circuits(self, reading: Reading[PanelSnapshot], table: CircuitTable, now: datetime) -> None:
        snapshot = reading.snapshot
        view = replace(self.view, sparks=not self.deck_app.low_bandwidth, locked=frozenset(self.lockouts()))
        if snapshot is not None:
            view = circuits.view_of(view, snapshot)
            # A space may have become part of a named circuit: the cursor goes with it.
            table.cursor_id = heir(snapshot, table.cursor_id) or table.cursor_id
        table.columns_are(circuits.columns(view, self.marks), present.no_circuits_words(reading, view))
        shown = replace(view, draw_sparks="trend" in table.shown_columns)
        table.show(circuits.rows(reading, self.trend(), self.pending_commands(), shown, now, self.marks))
        words = unmapped_line(snapshot, view.unmapped) if snapshot is not None else ""
        if view.filter:
            words = f"{tr('Filter: {words} (escape clears)', words=view.filter)}   {words}"
        table.note(words)

    def _paint_panels(self, now: datetime) -> None:
        from wattdeck.core.lines import Row

        table = self.query_one("#panels", DeckTable)
        rows = []
        for source in self.sources:
            reading = next(iter(self.deck_app.readings(source)), None)
            if reading is not None:
                rows.append(Row(source, fleet.panel_cells(reading, self.trend(source), now, self.marks)))
        table.show(rows)

    def _paint_detail(self, reading: Reading[PanelSnapshot], now: datetime) -> bool:
        """The detail pane; returns whether its plot was drawn anew."""
        pane = self.query_one("#detail", Ruled)
        if not pane.display or not pane.size:
            return False
        width, height = pane.size.width - 2, pane.size.height
        if self.facts_shown and reading.snapshot is not None:
            pane.paint_ruled(section_lines(sections(reading.snapshot), width), self.marks.divider, self.source)
            return False
        circuit = self._circuit(reading)
        if circuit is None:
            pane.paint_ruled([((tr("Nothing selected."), "muted"),)], self.marks.divider)
            return False
        pending = self.pending_commands().get(circuit.circuit_id)
        desk = self.deck_app.desk
        last = desk.last_command(self.source, circuit.circuit_id) if desk is not None else ""
        lockout = self.lockouts().get(circuit.circuit_id)
        notes = [lockout.words] if lockout is not None else []
        lines = detail(reading, circuit, pending, notes, last, now, width, self.marks)
        room = min(12, height - len(lines) - 2)
        drawn = False
        if room >= 5 and circuit.name and not self.deck_app.low_bandwidth:
            question = self._question(reading, circuit.circuit_id, cut(name_words(circuit), 20), width, room)
            plot, drawn = self._circuit_drawing.lines(question, self.trend(), now.timestamp())
            lines = [*lines, (), ((f"W  {self.window.words}", "label"),), *plot]
        pane.paint_ruled(lines, self.marks.divider, circuit.circuit_id)
        return drawn

    def _paint_plot(self, reading: Reading[PanelSnapshot], now: datetime, *, may_draw: bool) -> None:
        """The grid's plot; at most one plot is drawn in a frame."""
        plot = self.query_one(Plot)
        if not plot.display or not plot.size:
            return
        question = self._question(reading, "grid", tr("Grid"), plot.size.width, plot.size.height - 1)
        lines, _ = plot.drawing.lines(question, self.trend(), now.timestamp(), may_draw=may_draw)
        plot.plot(lines, tr("grid, {window}   (+ - zoom, < > walk)", window=self.window.words), "W")

    def _question(self, reading: Reading[PanelSnapshot], key: str, label: str, width: int, height: int) -> Question:
        """What to plot. Values up to three polls apart are joined."""
        hold_s = 3 * reading.interval_s
        return Question(self.source, key, label, "W", self.window, width, height, hold_s)

    def _circuit(self, reading: Reading[PanelSnapshot]) -> Circuit | None:
        if reading.snapshot is None:
            return None
        wanted = self.query_one(CircuitTable).cursor_id
        everything = (*reading.snapshot.circuits, *empty_spaces(reading.snapshot))
        return next((circuit for circuit in everything if circuit.circuit_id == wanted), None)

    # Keys

    def on_deck_table_cursor_moved(self) -> None:
        reading = self.panel_reading()
        if reading is not None:
            self._paint_detail(reading, self.deck_app.now())

    def on_deck_table_opened(self, message: DeckTable.Opened) -> None:
        if self.all_panels:
            self.all_panels = False
            self.source = message.row_id
            self.deck_app.show_sources(self.looked_at)
            self.query_one(CircuitTable).focus()
            self.paint()
        elif self.size.width < WIDE:
            self.action_detail()

    def action_sort(self) -> None:
        """Walk through the orders; power and energy start with the largest."""
        at = circuits.SORTS.index(self.view.sort)
        sort = circuits.SORTS[(at + 1) % len(circuits.SORTS)]
        self.view = replace(self.view, sort=sort, descending=sort in ("power", "today"))
        self.paint()

    def action_reverse(self) -> None:
        """Turn the order round."""
        self.view = replace(self.view, descending=not self.view.descending)
        self.paint()

    def action_unmapped(self) -> None:
        """Show or hide unmapped spaces."""
        self.view = replace(self.view, unmapped=not self.view.unmapped)
        self.paint()

    def action_zoom(self, step: int) -> None:
        """Plot a shorter or longer time."""
        self.window = self.window.zoom(step)
        self.paint()

    def action_walk(self, step: int) -> None:
        """Move the plot through what is kept."""
        self.window = self.window.walk(step, self.trend().span_s)
        self.paint()

    def action_back(self) -> None:
        """Close what was opened last: filter, summary, folded regions, the walk through time."""
        if self.view.filter:
            self.view = replace(self.view, filter="")
        elif self.all_panels:
            self.action_all_panels()
        elif self.fold():
            pass
        elif self.window.back_s:
            self.window = replace(self.window, back_s=0.0)
        self.paint()

    def action_filter(self) -> None:
        """Type words to filter by; every key narrows the table."""
        from wattdeck.ui.prompt import open_prompt

        open_prompt(self, "filter", self.view.filter)

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "prompt":
            self.view = replace(self.view, filter=event.value[:60])
            self.paint()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        from wattdeck.ui.prompt import close_prompt

        if event.input.id == "prompt":
            close_prompt(self)
            self.query_one(CircuitTable).focus()
