"""Pages of lines beside a table: one in front, named above, scrolled by the screen's keys."""

from __future__ import annotations

from collections.abc import Sequence

from wattdeck.core.language import tr
from wattdeck.core.lines import Line, Span, cell_width, clip, justify
from wattdeck.ui.paint import Painted


class Pane(Painted):
    """Lines under a row of page names, scrolled by the screen's keys."""

    _top = 0
    _shown_of: object = None

    @property
    def room(self) -> tuple[int, int]:
        """Columns and rows for a page, below its name and above the keys."""
        return max(1, self.size.width - 1), max(1, self.size.height - 2)

    def paint_page(
        self,
        pages: Sequence[str],
        page: str,
        lines: Sequence[Line],
        of: object,
        keys: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Show a page and what keys do here. Where it was scrolled to stays as long as it is about the same thing."""
        if of != self._shown_of:
            self._shown_of, self._top = of, 0
        _, room = self.room
        self._top = max(0, min(self._top, len(lines) - room))
        shown = list(lines[self._top : self._top + room])
        below = len(lines) - room - self._top
        hint = self._hint([*keys, *([("J K", tr("scroll"))] if len(lines) > room else [])], below)
        self.paint([self._titles(pages, page), *shown, *[()] * (room - len(shown)), hint])

    def scroll_by(self, rows: int) -> None:
        """Move the window; the next paint keeps it within the page."""
        self._top = max(0, self._top + rows)

    def _titles(self, pages: Sequence[str], page: str) -> Line:
        """The page in front in brackets; the others where there is room."""
        if len(pages) == 1:
            return clip(((f" {page}", "heading"),), self.size.width)
        here: Span = (f"[{page}]", "heading")
        spans: list[Span] = []
        for name in pages:
            spans += [(" ", "normal"), here if name == page else (name, "muted")]
        if sum(cell_width(text) for text, _ in spans) > self.size.width:
            spans = [
                (" ", "normal"),
                here,
                (" " + tr("{number} of {count}", number=pages.index(page) + 1, count=len(pages)), "muted"),
            ]
        return clip(tuple(spans), self.size.width)

    def _hint(self, keys: Sequence[tuple[str, str]], below: int) -> Line:
        spans: list[Span] = []
        for key, words in keys:
            spans += [(f" {key}", "key"), (f" {words} ", "label")]
        more: Line = ((tr("{count} more", count=below) + " ", "muted"),) if below > 0 else ()
        return justify(tuple(spans), more, self.size.width - 1)
