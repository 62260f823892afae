"""The CCEE screen: counts above, the migrations, one of them in full beside the table, and what can be asked for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual import work
from textual.binding import Binding, BindingType
from textual.widget import Widget

from wattdeck.core.errors import WattdeckError
from wattdeck.core.language import later, tr
from wattdeck.core.lines import MUTED, TEXT, Line, fit, wrap
from wattdeck.core.reading import Link, Reading
from wattdeck.systems.ccee import present, summary
from wattdeck.systems.ccee.aside import FIELDS, PAGES, REST_S, Aside, Topic
from wattdeck.systems.ccee.changes import Changes
from wattdeck.systems.ccee.models import Migration, MigrationsSnapshot
from wattdeck.systems.ccee.query import QUERY_CHARACTERS
from wattdeck.systems.ccee.tableview import Basis, TableView
from wattdeck.systems.ccee.views import SavedViews, View, all_views, find_view, title_of, views_path
from wattdeck.systems.ccee.widgets import MigrationTable, SummaryPage
from wattdeck.ui.beside import Beside
from wattdeck.ui.form import FormLines
from wattdeck.ui.paint import Painted
from wattdeck.ui.system_screen import SystemScreen
from wattdeck.ui.table import DeckTable

if TYPE_CHECKING:
    from textual.widgets import Input

    from wattdeck.systems.ccee.progress import Progress
    from wattdeck.systems.ccee.source import CceeSource

ROOMY = 170
"""From this width on the pane has room for both names of a field."""
LONG_PAGES = 6
"""After so many pages a list that is read again is worth a progress bar; shorter ones would only flicker."""


class CceeScreen(SystemScreen):
    """Watches the migrations of one source, and asks for changes of them."""

    SYSTEM = "ccee"
    OFFERS: ClassVar[tuple[type[Widget], ...]] = (MigrationTable, FormLines)
    """Widgets with keys of their own, for the help page and the key map."""
    DEFAULT_CSS = Path(__file__).with_name("screen.tcss").read_text(encoding="utf-8")
    HELP = later("Retail migrations at CCEE. Deadlines are reckoned in business days of Brazil, by Brasília's clock.")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="ccee.filter", tooltip="Show only some migrations; type what"),
        Binding("s", "sort", "Sort", id="ccee.sort", show=False, tooltip="Walk through the orders"),
        Binding("S", "turn", "Reverse", id="ccee.reverse", show=False, tooltip="Turn the order round"),
        Binding("v", "views", "Views", id="ccee.views", show=False, tooltip="Choose a saved view"),
        Binding("V", "save_view", "Save view", id="ccee.save_view", show=False,
                tooltip="Save filter and order under a name; an empty filter and a known name removes it"),
        Binding("d", "detail", "Detail", id="ccee.detail", show=False, tooltip="Show or hide the pane"),
        Binding("right_square_bracket", "page(1)", "Next page", id="ccee.next_page", show=False,
                tooltip="Next page of the pane: fields, history, contracts, energy, requests"),
        Binding("left_square_bracket", "page(-1)", "Page before", id="ccee.previous_page", show=False,
                tooltip="Page of the pane before"),
        Binding("J", "scroll(5)", "Scroll", id="ccee.scroll_down", show=False, tooltip="Scroll the pane down"),
        Binding("K", "scroll(-5)", "Scroll up", id="ccee.scroll_up", show=False, tooltip="Scroll the pane up"),
        Binding("m", "mask", "Mask", id="ccee.mask", show=False,
                tooltip="Show documents and e-mail addresses whole, or masked"),
        Binding("b", "summary", "Summary", id="ccee.summary", show=False,
                tooltip="Show counts by status and month, ages, refusals and demand"),
        Binding("escape", "back", "Back", id="ccee.back", show=False, tooltip="Close what was opened last"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.view = TableView()
        self.page = PAGES[0]
        self._aside = Aside()
        self._front: Topic | None = None
        """What the pane shows."""
        self._resting: Topic | None = None
        """What is asked about next, if the cursor stays."""
        self._problem = ""
        """What is wrong with the filter that is being typed."""
        self._naming = False
        """The prompt asks for the name of a view, not for a filter."""
        self._views: SavedViews | None = None
        self._changes: Changes | None = None
        self._counted: tuple[object, list[Line]] = (None, [])

    def body(self) -> Iterable[Widget]:
        yield Painted(id="notice")
        yield Painted(id="counts")
        yield Painted(id="looking")
        yield Beside(MigrationTable())

    # Paint

    def paint_body(self, now: datetime) -> None:
        reading = present.list_reading(self.readings())
        snapshot = reading.snapshot if reading is not None else None
        agent = self.agent
        self._paint_notice(reading, now)
        self._arrange()
        if agent is None or reading is None:
            self.query_one("#looking", Painted).paint([((f" {tr('Starting.')}", MUTED),)])
            return
        basis = Basis(agent.today, agent.rules, agent.calendar, agent.newly_rejected)
        table = self.query_one(MigrationTable)
        rows = self.view.look(snapshot, basis, self.marks)
        table.columns_are(present.columns(self.view.sort, self.marks), present.no_rows_words(reading, self.view.filter))
        table.show(rows)
        self._paint_counts(snapshot, basis, agent.progress)
        self._paint_looking(snapshot)
        self._paint_pane(reading, agent, basis)

    def _paint_notice(self, reading: Reading[MigrationsSnapshot] | None, now: datetime) -> None:
        notice = self.query_one("#notice", Painted)
        lines = present.trouble([reading], now, self.size.width, self.marks) if reading is not None else []
        desk = self.deck_app.desk
        pending = desk.control.pending(self.source) if desk is not None else {}
        if pending:
            from wattdeck.systems.ccee.changes import pending_lines

            lines = [*lines, *pending_lines(pending, self.view, self.size.width, self.marks)]
        self._set_lines(notice, lines)

    def _paint_counts(self, snapshot: MigrationsSnapshot | None, basis: Basis, progress: Progress | None) -> None:
        """Counts and deadlines of the whole list, whatever the filter; while it arrives, how far it has come.

        What waits is not said of half a list: it would read as if there were no more.
        """
        counts, width = self.query_one("#counts", Painted), self.size.width
        asked = (snapshot, basis, width, self.marks)
        kept = self._counted[0]
        same = isinstance(kept, tuple) and kept[0] is snapshot and kept[1:] == asked[1:]
        if not same:
            lines: list[Line] = []
            if snapshot is not None:
                lines = [
                    summary.counts_line(snapshot.counts, width, self.marks),
                    summary.deadlines_line(snapshot.migrations, basis.today, basis.calendar, width, self.marks),
                ]
            self._counted = asked, lines
        shown = self._counted[1]
        if progress is not None and (snapshot is None or not snapshot.complete or progress.pages >= LONG_PAGES):
            shown = [*shown[:1], present.progress_line(progress.share, progress.words, width, self.marks)]
        self._set_lines(counts, shown)

    def _paint_looking(self, snapshot: MigrationsSnapshot | None) -> None:
        """Filter and order in words; or what is wrong with the filter that is being typed."""
        width = self.size.width
        lines: list[Line] = [()]
        if self._problem:
            lines = [((" ", TEXT), *line) for line in wrap(self._problem, width - 2, "severity-medium")[:2]]
        elif snapshot is not None:
            lines = [
                present.filter_line(
                    self.view.filter, self.view.sort, len(self.view.shown), len(snapshot.migrations), width,
                    self.marks, title_of(self.view.view),
                )
            ]  # fmt: skip
        self._set_lines(self.query_one("#looking", Painted), lines)

    def _paint_pane(self, reading: Reading[MigrationsSnapshot], agent: CceeSource, basis: Basis) -> None:
        pane = self.beside.pane
        self._front = None
        if not pane.display or not pane.size:
            return
        self.beside.paint_divider(self.marks)
        keys = [("[ ]", tr("page")), *([("esc", tr("table"))] if self.beside.folded else [])]
        pages = [tr(each) for each in PAGES]
        migration = self.view.migration(self.query_one(MigrationTable).cursor_id)
        if migration is None:
            pane.paint_page(pages, tr(self.page), [((tr("Nothing selected."), MUTED),)], None, keys)
            return
        topic = self._front = Topic(self.source, self.page, migration.migration_id)
        due = reading.link is not Link.REFUSED and self._aside.due(topic, reading.taken_at)
        if due and topic != self._resting:
            self._resting = topic

            self._ask(topic, agent, migration, reading.taken_at)
        lines = self._aside.lines(topic, migration, agent, self.view, basis, pane.room, self.marks)
        if self.page == FIELDS:
            lines += self._last_command(migration, pane.room[0])
        pane.paint_page(pages, tr(self.page), lines, topic, keys)

    def _last_command(self, migration: Migration, width: int) -> list[Line]:
        """What was last asked for in this session about a migration, and how it ended."""
        desk = self.deck_app.desk
        if desk is None:
            return []
        last = desk.last_command(self.source, migration.migration_id)
        last = last or desk.last_command(self.source, migration.consumer_unit_code)
        return [((fit(tr("Last command"), 17), "label"),), *wrap(last, width)] if last else []

    @work(group="ccee.aside", exclusive=True, exit_on_error=False)
    async def _ask(self, topic: Topic, agent: CceeSource, migration: Migration, beside: object) -> None:
        """Ask what the page in front needs, once the cursor rests."""
        try:
            await self.deck_app.clock.sleep(REST_S)
        finally:
            if self._resting == topic:
                self._resting = None
        if self._front == topic:
            asking = self._aside.ask(topic, agent, migration, beside)
            self.call_later(self.paint)
            await asking
            self.paint()

    @property
    def agent(self) -> CceeSource | None:
        """The source on show; None until the engine is up."""
        deck = self.deck_app.deck
        source = deck.hub.sources.get(self.source) if deck is not None else None
        return cast("CceeSource | None", source)

    def watch_source(self) -> None:
        """Another source is another list: the cursor begins at its top."""
        if self.is_mounted:
            self.query_one(MigrationTable).begin_again()
        super().watch_source()

    # Layout

    @property
    def beside(self) -> Beside:
        """The table and the pane."""
        return self.query_one(Beside)

    def _arrange(self) -> None:
        table = self.query_one(MigrationTable)
        self.beside.pane.set_class(self.size.width >= ROOMY, "-roomy")
        self.beside.lay_out(table)
        if self.focused is None:
            table.focus()

    # Keys

    def on_deck_table_cursor_moved(self, message: DeckTable.CursorMoved) -> None:
        del message
        self.paint()

    def on_deck_table_opened(self, message: DeckTable.Opened) -> None:
        del message
        if not self.beside.wide:
            self.action_detail()

    def action_sort(self) -> None:
        """Walk through the orders."""
        self.view.next_sort()
        self._look_anew()

    def action_turn(self) -> None:
        """Turn the order round."""
        self.view.turn()
        self._look_anew()

    def action_detail(self) -> None:
        """Show or hide the pane."""
        self.beside.toggle()
        self.paint()

    def action_page(self, step: int) -> None:
        """Another page of the pane, which is opened if it is not."""
        if not self.beside.pane.display:
            self.beside.wanted = True
        else:
            self.page = PAGES[(PAGES.index(self.page) + step) % len(PAGES)]
        self.paint()

    def action_scroll(self, rows: int) -> None:
        """Scroll the pane."""
        self.beside.pane.scroll_by(rows)
        self.paint()

    def action_mask(self) -> None:
        """Show documents and addresses whole, or masked."""
        self.view.masked = not self.view.masked
        self.paint()

    def action_summary(self) -> None:
        """Show the figures of the whole list."""
        agent, reading = self.agent, present.list_reading(self.readings())
        if agent is None or reading is None or reading.snapshot is None:
            self.deck_app.say(tr("No list has been read yet, so there is nothing to sum up."))
            return

        def make(width: int) -> list[Line]:
            newest = present.list_reading(self.readings()) or reading
            snapshot = newest.snapshot or reading.snapshot
            assert snapshot is not None
            return summary.summary_lines(
                snapshot.migrations, snapshot.counts, agent.today, agent.calendar, width, self.marks
            )

        self.app.push_screen(SummaryPage(tr("Summary of {source}", source=self.source), make))

    def action_back(self) -> None:
        """Close what lies in front: the pane where it hides the table, then the filter, then the pane beside it."""
        if self.beside.folded:
            self.beside.wanted = None
        elif not self.view.filter.empty or self.view.view:
            self.view.take_query("", self._today())
        elif self.beside.wanted is not None:
            self.beside.wanted = None
        self._problem = ""
        self._look_anew()

    def _look_anew(self) -> None:
        """Show what a person has asked to see, with the cursor's row in view."""
        self.paint()
        self.query_one(MigrationTable).follow_cursor()

    def _today(self) -> date:
        return present.brasilia_day(self.deck_app.now())

    # Filter and views

    def action_filter(self) -> None:
        """Type what to show; every key narrows the table."""
        from wattdeck.ui.prompt import open_prompt

        self._naming = False
        hint = tr("words, status:criada, month:2026-10..2027-03, utility:100000, alert:yes")
        open_prompt(self, hint, self.view.filter.to_text(), most=QUERY_CHARACTERS)
        self.call_after_refresh(self.view.ready_to_search)

    def action_views(self) -> None:
        """Choose a saved view."""
        from wattdeck.ui.dialogs import ChoiceDialog

        views = all_views(self._saved_views().own)
        words = [(each.name, f"{fit(each.title, 24)} {each.filter_text or tr('all migrations')}") for each in views]

        def chosen(name: str | None) -> None:
            view = find_view(views, name) if name else None
            if view is not None:
                self.view.take_view(view, self._today())
                self._look_anew()

        self.app.push_screen(ChoiceDialog(tr("Views"), words, self.view.view), chosen)

    def action_save_view(self) -> None:
        """Ask for the name under which to keep filter and order."""
        from wattdeck.ui.prompt import open_prompt

        self._naming = True
        open_prompt(self, tr("name of the view"), "")

    def _saved_views(self) -> SavedViews:
        if self._views is None:
            deck = self.deck_app.deck
            self._views = SavedViews(None if deck is None or deck.demo_mode else views_path(deck.hub.state_dir))
        return self._views

    def _save_view(self, name: str) -> None:
        view = View(name, self.view.filter.to_text(), self.view.sort.to_text())
        try:
            self.deck_app.say(self._saved_views().save(view))
        except (ValueError, OSError, WattdeckError) as error:
            self.deck_app.say(tr("The view was not saved: {reason}", reason=error), trouble=True)

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "prompt" and not self._naming:
            reading = present.list_reading(self.readings())
            counts = reading.snapshot.counts if reading is not None and reading.snapshot is not None else ()
            known = sorted({each.status for each in counts})
            self._problem = self.view.take_query(event.value, self._today(), known)
            self._look_anew()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        from wattdeck.ui.prompt import close_prompt

        if event.input.id != "prompt":
            return
        close_prompt(self)
        if self._naming:
            self._naming = False
            if event.value.strip():
                self._save_view(event.value.strip())
        self._problem = ""
        self.query_one(MigrationTable).focus()
        self.paint()

    # Changes

    def on_migration_table_requested(self, message: MigrationTable.Requested) -> None:
        """Ask what is wanted, and hand it to control."""
        agent = self.agent
        if agent is None or self.deck_app.desk is None:
            self.deck_app.say(tr("wattdeck is still starting; try again in a moment."))
            return
        if self._changes is None:
            self._changes = Changes(self.deck_app)
        self._changes.ask(agent, message.what, self.view.migration(message.migration_id))
