"""The overview's tiles: a list or a grid, drawn line by line, with a cursor that stays on its source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from wattdeck.core.language import later
from wattdeck.core.lines import CURSOR, TEXT, Line, padded
from wattdeck.core.overview import Entry
from wattdeck.core.overview_lines import CARD_HEIGHT, Look, Shape, body_lines, shape_of, wish
from wattdeck.ui.paint import Painted
from wattdeck.ui.table import DeckTable


class TileBoard(Painted, can_focus=True):
    """Entries by id. Nothing scrolls or moves the cursor but a person; another order moves the row, not the cursor."""

    HELP = later("Arrows or **h j k l** move, **Enter** opens the source, **v** changes between list and grid.")
    BINDINGS: ClassVar[list[BindingType]] = [
        *DeckTable.BINDINGS,
        Binding("left,h", "aside(-1)", "Left", id="table.left", show=False, tooltip="Move to the tile at the left"),
        Binding("right,l", "aside(1)", "Right", id="table.right", show=False, tooltip="Move to the tile at the right"),
    ]

    cursor_id: reactive[str] = reactive("", repaint=False)
    """Id of the entry the cursor is on; empty without entries."""
    grid: bool | None = None
    """A person wants a grid, or a list; None: what the size suggests."""

    @dataclass
    class CursorMoved(Message):
        """The cursor is on another entry."""

        entry_id: str

    @dataclass
    class Opened(Message):
        """Enter was pressed on an entry."""

        entry_id: str

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._entries: Sequence[Entry] = ()
        self._index: dict[str, int] = {}
        self._look: Look | None = None
        self._shape = Shape(1, 1)
        self._top = 0
        self._touched = False
        """A person has moved the cursor."""
        self._settled = False

    @property
    def entries(self) -> Sequence[Entry]:
        """What is listed, in the order shown."""
        return self._entries

    @property
    def shape(self) -> Shape:
        """How it is laid out."""
        return self._shape

    def show(self, entries: Sequence[Entry], look: Look, *, settled: bool = True) -> None:
        """Show these entries in this order. The cursor stays on its entry; if that is gone, on its place.

        Args:
            settled: Every source has answered. Before, the cursor is on the first entry until a person moves it.
        """
        if not (self._settled or self._touched):
            self.set_reactive(TileBoard.cursor_id, "")
        self._settled = self._settled or settled
        before = self._index.get(self.cursor_id, 0)
        self._entries = entries
        self._index = {entry.id: at for at, entry in enumerate(entries)}
        self._look = look
        if self.cursor_id not in self._index:
            at = min(before, len(entries) - 1)
            self.set_reactive(TileBoard.cursor_id, entries[at].id if at >= 0 else "")
        self._draw()

    def watch_cursor_id(self, new: str) -> None:
        if self.is_mounted:
            self._bring_into_view()
            self._draw()
            self.post_message(self.CursorMoved(new))

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""
        self._go(self._at + step * self._shape.across, within_rows=True)

    def action_aside(self, step: int) -> None:
        """Move the cursor to the neighbour."""
        self._go(self._at + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by pages."""
        self._go(self._at + step * max(1, self._shape.rows - 1) * self._shape.across)

    def action_edge(self, end: int) -> None:
        """Move the cursor to the first or the last entry."""
        self._go(0 if end < 0 else len(self._entries) - 1)

    def action_open(self) -> None:
        """Say that the entry under the cursor was opened."""
        if self.cursor_id:
            self.post_message(self.Opened(self.cursor_id))

    def on_click(self, event: events.Click) -> None:
        shape = self._shape
        row = event.y // CARD_HEIGHT if shape.grid else event.y - 1
        at = (self._top + row) * shape.across + min(shape.across - 1, event.x // max(1, shape.cell))
        if row >= 0 and at < len(self._entries):
            self._go(at)

    def on_mouse_scroll_down(self) -> None:
        self._turn_to(self._top + (1 if self._shape.grid else 3))

    def on_mouse_scroll_up(self) -> None:
        self._turn_to(self._top - (1 if self._shape.grid else 3))

    @property
    def _at(self) -> int:
        return self._index.get(self.cursor_id, 0)

    @property
    def _rows(self) -> int:
        """Rows of entries there are, seen or not."""
        return -(-len(self._entries) // self._shape.across)

    def _go(self, at: int, *, within_rows: bool = False) -> None:
        self._touched = True
        if not self._entries:
            return
        if within_rows and at < 0:
            return
        self.cursor_id = self._entries[max(0, min(at, len(self._entries) - 1))].id

    def _bring_into_view(self) -> None:
        row = self._at // self._shape.across
        if row < self._top:
            self._turn_to(row)
        elif row >= self._top + self._shape.rows:
            self._turn_to(row - self._shape.rows + 1)

    def _turn_to(self, top: int) -> None:
        top = max(0, min(top, self._rows - self._shape.rows))
        if top != self._top:
            self._top = top
            self._draw()

    def _draw(self) -> None:
        if self._look is None or not self.size:
            return
        width, height = self.size
        screen = (self.screen.size.width, self.screen.size.height)
        shape = shape_of(len(self._entries), width, height, screen=screen, grid=wish(self._entries, self.grid))
        if shape != self._shape:
            self._shape = shape
            self._bring_into_view()
        self._top = max(0, min(self._top, self._rows - shape.rows))
        look = replace(self._look, cursor_id=self.cursor_id, top=self._top)
        lines = body_lines(self._entries, shape, look)
        hidden = len(self._entries) - (self._top + shape.rows) * shape.across
        self.paint(_with_scroll_mark(lines, shape, self._top, self._rows, look) if hidden > 0 or self._top else lines)

    def strip(self, line: Line, width: int, cursor: bool = False) -> Strip:
        """One line as a strip; a meaning on the cursor's background says so itself."""
        del cursor
        style = self.palette.style
        segments = [
            Segment(text, style(token.removeprefix(CURSOR), token.startswith(CURSOR))) for text, token in line if text
        ]
        return Strip(segments).adjust_cell_length(width, style(TEXT))


def _with_scroll_mark(lines: Sequence[Line], shape: Shape, top: int, rows: int, look: Look) -> list[Line]:
    """The last column shows which part of a long overview is in view."""
    first = 0 if shape.grid else 1
    page = shape.height - first
    start = top * page // max(1, rows)
    end = max(start + 1, (top + shape.rows) * page // max(1, rows))
    out = list(lines[:first])
    for y, line in enumerate(lines[first:]):
        mark = look.marks.thumb if start <= y < end else " "
        out.append((*padded(line, shape.width - 1), (mark, "rule")))
    return out
