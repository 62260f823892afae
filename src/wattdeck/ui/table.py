"""The one live table: any number of rows, repaints only cells that changed, cursor and selection by id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from wattdeck.core.language import later, tr
from wattdeck.core.lines import TEXT, Column, LazyRows, Place, Row, arrange, cells_line, cut, titles
from wattdeck.ui.paint import Painted

NOWHERE = Size(-1, -1)
NOTHING = later("Nothing here.")


class DeckTable(Painted, can_focus=True):
    """Rows by id, a header, a cursor that stays on its row whatever the order becomes.

    Rows are handed over whole with `show`; the table finds out what changed. Nothing scrolls or moves the cursor
    but a person.
    """

    HELP = later("Arrows or **j k** move, **PgUp PgDn g G** jump, **Enter** opens what a row offers.")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", id="table.up", show=False, tooltip="Move to the row above"),
        Binding("down,j", "move(1)", "Down", id="table.down", show=False, tooltip="Move to the row below"),
        Binding("pageup", "page(-1)", "Page up", id="table.page_up", show=False, tooltip="Move up one page"),
        Binding("pagedown", "page(1)", "Page down", id="table.page_down", show=False, tooltip="Move down one page"),
        Binding("g,home", "edge(-1)", "First", id="table.first", show=False, tooltip="Move to the first row"),
        Binding("G,end", "edge(1)", "Last", id="table.last", show=False, tooltip="Move to the last row"),
        Binding("enter", "open", "Open", id="table.open", show=False, tooltip="Open the row under the cursor"),
    ]

    cursor_id: reactive[str] = reactive("", repaint=False)
    """Id of the row the cursor is on; empty without rows."""

    @dataclass
    class CursorMoved(Message):
        """The cursor is on another row."""

        row_id: str

    @dataclass
    class Opened(Message):
        """Enter was pressed on a row."""

        row_id: str

    def __init__(self, columns: Sequence[Column], *, empty: str = NOTHING, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._columns = tuple(columns)
        self._rows: Sequence[Row] = []
        self._index: dict[str, int] = {}
        self._top = 0
        self._layout: list[Place] = []
        self._shown_size = NOWHERE
        """What the layout was made for."""
        self._empty = empty
        self._note = ""
        self._strips: dict[int, tuple[Row, bool, str, Strip]] = {}

    @property
    def rows(self) -> Sequence[Row]:
        """The rows in the order shown."""
        return self._rows

    @property
    def text(self) -> str:
        """What is visible, without colours."""
        return "\n".join(self.render_line(y).text.rstrip() for y in range(self.size.height))

    @property
    def shown_columns(self) -> list[str]:
        """Keys of the columns there is room for."""
        self._arrange()
        return [column.key for _, column, _, _ in self._layout]

    def row(self, row_id: str) -> Row | None:
        """The row of that id, or None."""
        index = self._index.get(row_id)
        return None if index is None else self._rows[index]

    def columns_are(self, columns: Sequence[Column], empty: str) -> None:
        """Show other columns, for instance after a change of sort mark; the rows come next."""
        if tuple(columns) != self._columns or empty != self._empty:
            self._columns = tuple(columns)
            self._empty = empty
            self._shown_size = NOWHERE
            self._strips.clear()
            self.refresh()

    def note(self, words: str) -> None:
        """A muted last line below the rows; empty takes it away."""
        if words != self._note:
            appears = bool(words) != bool(self._note)
            self._note = words
            if appears:
                self.refresh()
            else:
                self.refresh(Region(0, self.size.height - 1, self.size.width, 1))

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows in this order. The cursor stays on its row; if that is gone, on its place."""
        old, old_index = self._rows, self._index.get(self.cursor_id, 0)
        if rows is old and isinstance(rows, LazyRows):
            return
        self._rows = rows if isinstance(rows, LazyRows) else list(rows)
        ids = rows.ids if isinstance(rows, LazyRows) else [row.id for row in self._rows]
        self._index = {row_id: index for index, row_id in enumerate(ids)}
        if self.cursor_id not in self._index:
            self._place_cursor(min(old_index, len(self._rows) - 1))
        self._top = max(0, min(self._top, len(self._rows) - self._page))
        if not self.is_mounted or not self.size:
            return
        self._refresh_changed(old)

    def watch_cursor_id(self, old: str, new: str) -> None:
        if not self.is_mounted:
            return
        for row_id in (old, new):
            self._refresh_row(row_id)
        self.post_message(self.CursorMoved(new))

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""
        self._go(self._index.get(self.cursor_id, 0) + step)

    def action_page(self, step: int) -> None:
        """Move the cursor by pages."""
        self._go(self._index.get(self.cursor_id, 0) + step * max(1, self._page - 1))

    def action_edge(self, end: int) -> None:
        """Move the cursor to the first or the last row."""
        self._go(0 if end < 0 else len(self._rows) - 1)

    def action_open(self) -> None:
        """Say that the row under the cursor was opened."""
        if self.cursor_id:
            self.post_message(self.Opened(self.cursor_id))

    def on_click(self, event: events.Click) -> None:
        index = self._top + event.y - 1
        if event.y > 0 and index < len(self._rows):
            self._go(index)

    def on_mouse_scroll_down(self) -> None:
        self._turn_to(self._top + 3)

    def on_mouse_scroll_up(self) -> None:
        self._turn_to(self._top - 3)

    def on_resize(self) -> None:
        super().on_resize()
        self._shown_size = NOWHERE
        self._strips.clear()
        self._top = max(0, min(self._top, len(self._rows) - self._page))
        if self.cursor_id in self._index:
            self._bring_into_view(self._index[self.cursor_id])

    @property
    def _page(self) -> int:
        """Rows that fit below the header and above the note."""
        return self._page_of(self.size.height)

    def _page_of(self, height: int) -> int:
        return max(1, height - 1 - bool(self._note))

    def _go(self, index: int) -> None:
        if not self._rows:
            return
        index = max(0, min(index, len(self._rows) - 1))
        self._place_cursor(index)
        self._bring_into_view(index)

    def _place_cursor(self, index: int) -> None:
        if not 0 <= index < len(self._rows):
            self.cursor_id = ""
        else:
            self.cursor_id = self._rows.ids[index] if isinstance(self._rows, LazyRows) else self._rows[index].id

    def _bring_into_view(self, index: int) -> None:
        if index < self._top:
            self._turn_to(index)
        elif index >= self._top + self._page:
            self._turn_to(index - self._page + 1)

    def _turn_to(self, top: int) -> None:
        top = max(0, min(top, len(self._rows) - self._page))
        if top != self._top:
            self._top = top
            self.refresh()

    def _refresh_row(self, row_id: str) -> None:
        index = self._index.get(row_id)
        if index is not None and self._top <= index < self._top + self._page:
            self.refresh(Region(0, index - self._top + 1, self.size.width, 1))

    def _refresh_changed(self, old: Sequence[Row]) -> None:
        """Mark the cells that differ, row by row in view; whole rows where another row has come."""
        self._arrange()
        regions: list[Region] = []
        width = self.size.width
        for y in range(1, self._page + 1):
            index = self._top + y - 1
            before = old[index] if index < len(old) else None
            after = self._rows[index] if index < len(self._rows) else None
            if before is after or before == after:
                continue
            if before is None or after is None or before.id != after.id:
                regions.append(Region(0, y, width, 1))
                continue
            regions.extend(
                Region(x, y, cells, 1) for at, _, x, cells in self._layout if before.cells[at] != after.cells[at]
            )
        if len(old) != len(self._rows):
            regions = [Region(0, 0, width, self.size.height)]
        if regions:
            self.refresh(*regions)

    def _arrange(self) -> None:
        """Choose the columns there is room for and give each its place."""
        size = self.size
        if size != self._shown_size:
            self._shown_size = size
            self._layout = arrange(self._columns, size.width)
            self._strips.clear()

    def render_line(self, y: int) -> Strip:
        self._arrange()
        width, height = self._shown_size
        if y == 0:
            return self._header()
        index = self._top + y - 1
        if self._note and y == height - 1:
            return self.strip(((f" {cut(self._note, width - 2)}", "muted"),), width)
        if not self._rows and y == 1:
            return self.strip(((f"  {tr(self._empty)}", "muted"),), width)
        if index >= len(self._rows):
            return self.strip((), width)
        row = self._rows[index]
        cursor = row.id == self.cursor_id
        mark = self._scroll_mark(y)
        kept = self._strips.get(y)
        if kept is not None and kept[0] is row and kept[1] is cursor and kept[2] == mark:
            return kept[3]
        strip = self._row_strip(row, cursor, mark)
        self._strips[y] = (row, cursor, mark, strip)
        return strip

    def _header(self) -> Strip:
        return self.strip(((titles(self._layout), "label"),), self._shown_size.width)

    def _row_strip(self, row: Row, cursor: bool, mark: str) -> Strip:
        style = self.palette.style
        width = self._shown_size.width
        glyph = self.app.glyphs.cursor if cursor else " "  # type: ignore[attr-defined]
        blank = style(TEXT, cursor)
        segments = [Segment(glyph, style("key", cursor))]
        segments += [Segment(text, style(token, cursor)) for text, token in cells_line(row.cells, self._layout)]
        _, _, x, cells = self._layout[-1]
        room = " " * (width - x - cells - 1)
        segments.append(Segment(room + mark, style("rule") if mark != " " and not cursor else blank))
        return Strip(segments).adjust_cell_length(width, blank)

    def _scroll_mark(self, y: int) -> str:
        """The last cell of a row: a thumb that shows which part of a long list is in view."""
        total, page = len(self._rows), self._page_of(self._shown_size.height)
        if total <= page:
            return " "
        start = self._top * page // total
        end = max(start + 1, (self._top + page) * page // total)
        return self.app.glyphs.thumb if start <= y - 1 < end else " "  # type: ignore[attr-defined]

    def notify_style_update(self) -> None:
        self._strips.clear()
        super().notify_style_update()
