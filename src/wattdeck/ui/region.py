"""Lines under a rule that carries their title."""

from __future__ import annotations

from collections.abc import Sequence

from wattdeck.core.lines import Line, cell_width, cut
from wattdeck.ui.paint import Painted


class Region(Painted):
    """Lines under a title."""

    def paint_titled(self, title: str, hint: str, lines: Sequence[Line]) -> None:
        """Show the lines below a rule that carries the title, and at its end a hint if there is room."""
        width = self.size.width
        words = cut(f" {title} ", width)
        hint = f" {hint} " if hint and cell_width(words) + len(hint) + 4 <= width else ""
        rule = self.app.glyphs.rule * (width - cell_width(words) - cell_width(hint))  # type: ignore[attr-defined]
        self.paint([((words, "label"), (rule, "rule"), (hint, "muted")), *lines])
