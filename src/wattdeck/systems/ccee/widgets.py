"""Widgets of the CCEE screen that are more than the shared ones: the table, the pane beside it, the summary page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from wattdeck.core.lines import Line, Row, Span, cell_width, clip, justify
from wattdeck.systems.ccee import present
from wattdeck.ui.page import Page
from wattdeck.ui.paint import Painted
from wattdeck.ui.table import DeckTable


class MigrationTable(DeckTable):
    """The migrations of one source. Asks for changes; makes none."""

    HELP = (
        "The migrations of one source. **/** filters (words, status:criada, month:2026-10..2027-03, "
        "utility:100000, alert:yes), **v** shows a saved view, **n** creates a migration, **E** edits and **x** "
        "cancels one that waits for the utility. Age bd: business days since the request."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "ask('new')", "New", id="ccee.new", tooltip="Create a migration"),
        Binding("E", "ask('edit')", "Edit", id="ccee.edit", tooltip="Change the migration under the cursor"),
        Binding("x", "ask('cancel')", "Cancel", id="ccee.cancel", tooltip="Withdraw the migration under the cursor"),
    ]

    def __init__(self) -> None:
        super().__init__(present.COLUMNS, empty="Waiting for CCEE's first answer.", id="migrations")
        self._chosen = ""
        """The row a person went to; empty while nobody has moved the cursor."""

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows. Until a person has moved the cursor it stands on the first, whatever still arrives.

        Once moved it comes back to its row whenever that is shown again: a filter that is half typed may hide it.
        That row stays on its line of the terminal, however many rows come or go above it.
        """
        line = self._index.get(self.cursor_id, -1) - self._top
        super().show(rows)
        if self._chosen in self._index:
            self.cursor_id = self._chosen
            if 0 <= line < self._page:
                self._turn_to(self._index[self.cursor_id] - line)
        elif not self._chosen and self.rows:
            self._place_cursor(0)

    def begin_again(self) -> None:
        """Stand on the first row of another list until a person moves the cursor."""
        self._chosen = ""
        self._turn_to(0)

    def follow_cursor(self) -> None:
        """Scroll to where the cursor's row has gone, because a person asked for another order or filter."""
        index = self._index.get(self.cursor_id)
        if index is not None:
            self._bring_into_view(index)

    def _go(self, index: int) -> None:
        super()._go(index)
        self._chosen = self.cursor_id if self._chosen or index > 0 else ""

    @dataclass
    class Requested(Message):
        """A person wants to create, edit or cancel."""

        what: str
        """`new`, `edit` or `cancel`."""
        migration_id: str
        """The migration under the cursor; empty without one."""

    def action_ask(self, what: str) -> None:
        """Say what the person wants."""
        self.post_message(self.Requested(what, self.cursor_id))


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
        hint = self._hint([*keys, *([("J K", "scroll")] if len(lines) > room else [])], below)
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
            spans = [(" ", "normal"), here, (f" {pages.index(page) + 1} of {len(pages)}", "muted")]
        return clip(tuple(spans), self.size.width)

    def _hint(self, keys: Sequence[tuple[str, str]], below: int) -> Line:
        spans: list[Span] = []
        for key, words in keys:
            spans += [(f" {key}", "key"), (f" {words} ", "label")]
        more: Line = ((f"{below} more ", "muted"),) if below > 0 else ()
        return justify(tuple(spans), more, self.size.width - 1)


class SummaryPage(Page):
    """What there is to say of the whole list: counts by status and month, ages, refusals, demand, utilities."""

    KEYS = (("esc", "Back"), ("J K", "Scroll"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,b", "dismiss", "Back", id="ccee.summary_back", tooltip="Go back to the table"),
        Binding("J,j,down", "scroll(1)", "Down", id="ccee.summary_down", show=False, tooltip="Scroll down"),
        Binding("K,k,up", "scroll(-1)", "Up", id="ccee.summary_up", show=False, tooltip="Scroll up"),
        Binding("pagedown", "scroll(15)", "Page down", id="ccee.summary_page_down", show=False,
                tooltip="Scroll down by a page"),
        Binding("pageup", "scroll(-15)", "Page up", id="ccee.summary_page_up", show=False,
                tooltip="Scroll up by a page"),
    ]  # fmt: skip

    def __init__(self, title: str, make: Callable[[int], Sequence[Line]]) -> None:
        """`make` gives the lines for a width."""
        super().__init__()
        self._title = title
        self._make = make

    def body(self) -> Iterable[Widget]:
        yield Pane(id="summary", classes="page")

    def paint(self, now: datetime) -> None:
        super().paint(now)
        pane = self.query_one(Pane)
        pane.paint_page([self._title], self._title, self._make(max(20, pane.size.width)), self._title)

    def action_scroll(self, rows: int) -> None:
        """Move through the page."""
        self.query_one(Pane).scroll_by(rows)
        self.paint(self.deck_app.clock.now())
