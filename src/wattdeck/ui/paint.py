"""Widgets made of lines: a new picture is compared with the old one, and only the cells that differ are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Self

from rich.segment import Segment
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from wattdeck.core.lines import TEXT, Line, cell_width, line_width

if TYPE_CHECKING:
    from wattdeck.ui.theme import Palette


def changed_span(old: Line, new: Line) -> tuple[int, int] | None:
    """First and one past the last cell that differ between two lines; None if they are equal.

    Cells are compared within spans of single-width characters; spans with others count as a whole.
    """
    if old == new:
        return None
    old_width, new_width = line_width(old), line_width(new)
    start = _common(old, new, 1)
    if old_width != new_width:
        return start, max(old_width, new_width)
    return start, max(start + 1, new_width - _common(old, new, -1))


def _common(old: Line, new: Line, step: int) -> int:
    """Cells that two lines share from the left (step 1) or from the right (step -1)."""
    cells = 0
    for (before, token), (after, token_after) in zip(old[::step], new[::step], strict=False):
        if before == after and token == token_after:
            cells += cell_width(after)
            continue
        if token == token_after and single_width(before) and single_width(after):
            for one, other in zip(before[::step], after[::step], strict=False):
                if one != other:
                    break
                cells += 1
        break
    return cells


def single_width(text: str) -> bool:
    """Whether every character takes exactly one cell."""
    return text.isascii() or _single_width(text)


@lru_cache(maxsize=1024)
def _single_width(text: str) -> bool:
    return all(cell_width(character) == 1 for character in text)


class Painted(Widget):
    """A widget that shows lines of (text, meaning) spans and nothing else.

    Hand it a new picture with `paint`; it works out which cells changed. It holds no data and fetches none.
    """

    DEFAULT_CSS = "Painted { height: 1fr; }"
    BLANK_LINE: ClassVar[Line] = ()

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._lines: list[Line] = []

    @property
    def palette(self) -> Palette:
        """Styles by meaning under the theme in force."""
        palette: Palette = self.app.palette  # type: ignore[attr-defined]
        return palette

    @property
    def lines(self) -> Sequence[Line]:
        """The picture as it stands: what a screen reader or a test sees."""
        return self._lines

    @property
    def text(self) -> str:
        """The picture without colours."""
        return "\n".join("".join(text for text, _ in line).rstrip() for line in self._lines)

    @dataclass
    class Resized(Message):
        """The widget has another size and wants to be painted for it."""

    def on_resize(self) -> None:
        """Ask for a picture of the new size."""
        self.post_message(self.Resized())

    def paint(self, lines: Sequence[Line]) -> None:
        """Show these lines; cells that are the same are not touched."""
        old = self._lines
        new = list(lines)
        self._lines = new
        if not self.is_mounted or not self.size:
            return
        width = self.size.width
        regions = []
        for y in range(min(max(len(old), len(new)), self.size.height)):
            span = changed_span(
                old[y] if y < len(old) else self.BLANK_LINE, new[y] if y < len(new) else self.BLANK_LINE
            )
            if span and span[0] < width:
                regions.append(Region(span[0], y, min(span[1], width) - span[0], 1))
        if regions:
            self.refresh(*regions)

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw these stretches of cells again, or everything.

        Textual forgets which stretches a widget was asked to draw when that renders as a whole. One that is drawn by
        lines never does: it would remember every stretch there ever was.
        """
        super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)
        self._dirty_regions.clear()
        return self

    def render_line(self, y: int) -> Strip:
        line = self._lines[y] if y < len(self._lines) else self.BLANK_LINE
        return self.strip(line, self.size.width)

    def strip(self, line: Line, width: int, cursor: bool = False) -> Strip:
        """One line as a strip of exactly `width` cells."""
        style = self.palette.style
        segments = [Segment(text, style(token, cursor)) for text, token in line if text]
        return Strip(segments).adjust_cell_length(width, style(TEXT, cursor))

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self.refresh()
