"""Widgets of the CCEE screen that are more than the shared ones: the table, the pane beside it, the summary page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from wattdeck.core.lines import Line, Row, Span, cell_width, clip
from wattdeck.systems.ccee import present
from wattdeck.ui.page import Page
from wattdeck.ui.paint import Painted
from wattdeck.ui.table import DeckTable


class MigrationTable(DeckTable):
    """The migrations of one source. Asks for changes; makes none."""

    HELP = (
        "The migrations of one source. **/** filters (words, `status:criada`, `month:2026-10..2027-03`, "
        "`utility:100000`, `alert:yes`), **v** shows a saved view, **n** creates a migration, **E** edits and **x** "
        "cancels one that waits for the utility."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "ask('new')", "New", id="ccee.new", tooltip="Create a migration"),
        Binding("E", "ask('edit')", "Edit", id="ccee.edit", tooltip="Change the migration under the cursor"),
        Binding("x", "ask('cancel')", "Cancel", id="ccee.cancel", tooltip="Withdraw the migration under the cursor"),
    ]

    def __init__(self) -> None:
        super().__init__(present.COLUMNS, empty="Waiting for CCEE's first answer.", id="migrations")
        self._walked = False

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows. Until a person has moved the cursor it stands on the first, whatever still arrives."""
        super().show(rows)
        if not self._walked and self.rows and self._index.get(self.cursor_id) != 0:
            self._go(0)

    def _go(self, index: int) -> None:
        super()._go(index)
        self._walked = self._walked or index > 0

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

    def paint_page(self, pages: Sequence[str], page: str, lines: Sequence[Line], of: object) -> None:
        """Show a page. Where it was scrolled to stays as long as it is about the same thing."""
        if of != self._shown_of:
            self._shown_of, self._top = of, 0
        room = max(1, self.size.height - 1)
        self._top = max(0, min(self._top, len(lines) - room))
        below = len(lines) - room - self._top
        self.paint([self._titles(pages, page, below), *lines[self._top : self._top + room]])

    def scroll_by(self, rows: int) -> None:
        """Move the window; the next paint keeps it within the page."""
        self._top = max(0, self._top + rows)

    def _titles(self, pages: Sequence[str], page: str, below: int) -> Line:
        """The page in front by name; all of them where there is room."""
        spans: list[Span] = []
        for name in pages:
            spans += [(" ", "normal"), (name, "heading" if name == page else "muted")]
        width = self.size.width
        if sum(cell_width(text) for text, _ in spans) > width:
            spans = [(" ", "normal"), (page, "heading"), (f" {pages.index(page) + 1}/{len(pages)}", "muted")]
        more = f" {below} more: J" if below > 0 else ""
        if sum(cell_width(text) for text, _ in spans) + len(more) <= width:
            spans.append((more, "muted"))
        return clip(tuple(spans), width)


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
