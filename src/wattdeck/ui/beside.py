"""A pane beside a table. Where the screen is narrow it stands in the table's place, if a person asks for it."""

from __future__ import annotations

from textual.containers import Horizontal
from textual.widget import Widget

from wattdeck.core.units import Glyphs
from wattdeck.ui.paint import Painted
from wattdeck.ui.pane import Pane
from wattdeck.ui.table import DeckTable

WIDE = 110
"""From this width of the screen on the pane stands beside the table."""


class Beside(Horizontal):
    """Tables, of which one is in front, and the pane that tells of its rows."""

    wanted: bool | None = None
    """Whether a person wants the pane; None: where it stands beside the table."""

    def __init__(self, *tables: DeckTable) -> None:
        pane, divider = Pane(id="pane"), Painted(id="divider")
        super().__init__(*tables, divider, pane, id="middle")
        self.pane = pane
        self._divider = divider

    @property
    def wide(self) -> bool:
        """There is room for both."""
        return self.screen.size.width >= WIDE

    @property
    def folded(self) -> bool:
        """The pane stands in the table's place."""
        return not self.wide and self.pane.display

    def lay_out(self, front: DeckTable, *, needed: bool = False) -> None:
        """Show the pane or not, beside the table in front or instead of it.

        Args:
            needed: The pane holds what was asked for, whatever the room.
        """
        wide = self.wide
        shown = needed or (wide if self.wanted is None else self.wanted)
        self.pane.set_class(not wide, "-full")
        _set_display(self.pane, shown)
        _set_display(self._divider, shown and wide)
        # Folded, the table keeps the keys: the cursor still walks while its row is read in full.
        front.styles.width = "1fr" if wide or not shown else 0

    def toggle(self) -> None:
        """Show the pane if it is hidden, and the other way round; with the next `lay_out`."""
        self.wanted = not self.pane.display

    def paint_divider(self, marks: Glyphs) -> None:
        """The line between table and pane."""
        self._divider.paint([((f"{marks.divider} ", "rule"),)] * self._divider.size.height)


def _set_display(widget: Widget, shown: bool) -> None:
    if widget.display is not shown:
        widget.display = shown
