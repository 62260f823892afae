"""Which regions of the SPAN screen are shown: by the room there is, and by the keys that fold and unfold them."""

from __future__ import annotations

from wattdeck.systems.span.widgets import CircuitTable, Ruled
from wattdeck.ui.chart import Plot
from wattdeck.ui.system_screen import SystemScreen

WIDE, TALL, ROOMY = 100, 30, 160
"""From these sizes on there is room for the detail pane and for the plot beside the table."""


class Regions(SystemScreen):
    """Table, summary of all panels, side pane and plot, and what was asked of them."""

    def __init__(self) -> None:
        super().__init__()
        self.all_panels = False
        self.facts_shown = False
        """The side pane shows the panel itself and not the circuit under the cursor."""
        self._detail_wanted: bool | None = None
        self._plot_wanted: bool | None = None

    def lay_out(self) -> None:
        """Show the regions there is room for, or that a key brought back."""
        size = self.size
        wide, tall = size.width >= WIDE, size.height >= TALL
        detail = self.facts_shown or (wide if self._detail_wanted is None else self._detail_wanted)
        detail = detail and not self.all_panels
        plot = tall if self._plot_wanted is None else self._plot_wanted
        table_shown = (wide or not detail) and (tall or not plot)
        middle = self.query_one("#middle")
        self._set_display(middle, tall or not plot)
        self._set_display(self.query_one(CircuitTable), table_shown and not self.all_panels)
        self._set_display(self.query_one("#panels"), table_shown and self.all_panels)
        pane = self.query_one("#detail")
        self._set_display(pane, detail and (tall or not plot))
        pane.set_class(not wide, "-full")
        self._set_display(self.query_one(Plot), plot)
        self._size_plot(tall, size.height)
        pane.set_class(size.width >= ROOMY, "-roomy")
        if table_shown and self.focused is None:
            # A widget that is hidden loses the focus.
            self.query_one("#panels" if self.all_panels else "#circuits").focus()

    def _size_plot(self, tall: bool, height: int) -> None:
        """Give the plot what the circuits leave, within reason."""
        plot = self.query_one(Plot)
        plot.set_class(not tall, "-full")
        rows = len(self.query_one(CircuitTable).rows)
        wanted = max(10, min(24, height - 5 - max(rows + 3, height // 2)))
        if tall and (plot.styles.height is None or plot.styles.height.value != wanted):
            plot.styles.height = wanted
        elif not tall and plot.styles.has_rule("height") and plot.styles.inline.has_rule("height"):
            plot.styles.inline.clear_rule("height")

    def fold(self) -> bool:
        """Take back the last wish for a region; False if there was none."""
        wished = self.facts_shown or self._detail_wanted is not None or self._plot_wanted is not None
        if self.facts_shown:
            self.facts_shown = False
        else:
            self._detail_wanted = self._plot_wanted = None
        return wished

    def action_all_panels(self) -> None:
        """Show all panels, or go back to one."""
        self.all_panels = not self.all_panels
        self.facts_shown = False
        self.deck_app.show_sources(self.looked_at)
        self.lay_out()
        self.query_one("#panels" if self.all_panels else "#circuits").focus()
        self.paint()

    def action_detail(self) -> None:
        """Show or hide the detail pane; where it shows the panel, show the circuit in it."""
        summary, facts = self.all_panels, self.facts_shown
        if summary:
            self.action_all_panels()
        self._detail_wanted = summary or facts or not self.query_one("#detail").display
        self.facts_shown = False
        self.lay_out()
        self.paint()

    def action_facts(self) -> None:
        """Show what is known of the panel itself, or go back."""
        if self.all_panels:
            self.action_all_panels()
        self.facts_shown = not self.facts_shown
        if self._plot_wanted:
            self._plot_wanted = None
        self.lay_out()
        self.paint()

    def action_plot(self) -> None:
        """Show or hide the plot."""
        self._plot_wanted = not self.query_one(Plot).display
        self.lay_out()

    def action_scroll(self, step: int) -> None:
        """Walk through the side pane."""
        self.query_one("#detail", Ruled).turn(step)
        self.paint()
