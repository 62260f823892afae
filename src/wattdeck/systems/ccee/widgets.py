"""Widgets of the CCEE screen that are more than the shared ones: the table, the pane beside it, the summary page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from wattdeck.core.language import later, tr
from wattdeck.core.lines import Line, Row
from wattdeck.systems.ccee import present
from wattdeck.ui.page import Page
from wattdeck.ui.pane import Pane
from wattdeck.ui.table import DeckTable


class MigrationTable(DeckTable):
    """The migrations of one source. Asks for changes; makes none."""

    HELP = later(
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
        super().__init__(present.COLUMNS, empty=tr("Waiting for CCEE's first answer."), id="migrations")
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


class SummaryPage(Page):
    """What there is to say of the whole list: counts by status and month, ages, refusals, demand, utilities."""

    KEYS = (("esc", later("Back")), ("J K", later("Scroll")))
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
