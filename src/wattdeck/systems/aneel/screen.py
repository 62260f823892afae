"""The ANEEL screen: what is out above, where it is worst in the table, map and charts beside it, time below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import work
from textual.binding import Binding, BindingType
from textual.widget import Widget

from wattdeck.core.language import later, tr, tr_as
from wattdeck.core.lines import MUTED, TEXT, Line, justify, wrap
from wattdeck.core.text import clean
from wattdeck.systems.aneel import charts, findingwords, present
from wattdeck.systems.aneel.models import Finding, OutagesSnapshot
from wattdeck.systems.aneel.outagetable import moment_words
from wattdeck.systems.aneel.pages import PAGES, Pages, newest_snapshot
from wattdeck.systems.aneel.question import HalfHour, LookUp, Question
from wattdeck.systems.aneel.tableview import TableView
from wattdeck.systems.aneel.times import slot_of
from wattdeck.systems.aneel.widgets import FindingTable, PlaceTable
from wattdeck.ui.beside import Beside
from wattdeck.ui.frame import Footer, Header, footer_line, header_line
from wattdeck.ui.paint import Painted
from wattdeck.ui.system_screen import SystemScreen
from wattdeck.ui.table import DeckTable

if TYPE_CHECKING:
    from textual.widgets import Input

    from wattdeck.core.reading import Reading
    from wattdeck.systems.aneel.source import AneelSource

TALL = 30
"""From this height on all figures stand above the table."""
PROTOCOL_CHARACTERS = 30


class AneelScreen(SystemScreen):
    """Watches one distributor's outages."""

    SYSTEM = "aneel"
    OFFERS: ClassVar[tuple[type[Widget], ...]] = (PlaceTable, FindingTable)
    """Widgets with keys of their own, for the help page and the key map."""
    DEFAULT_CSS = Path(__file__).with_name("screen.tcss").read_text(encoding="utf-8")
    HELP = later("One distributor's outages, as ANEEL's RADAR sees them. Half hours and days are Brasília's.")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("less_than_sign,comma", "walk(-1)", "Earlier", id="aneel.earlier", tooltip="Show the half hour before"),
        Binding("greater_than_sign,full_stop", "walk(1)", "Later", id="aneel.later", show=False,
                tooltip="Show the half hour after"),
        Binding("left_curly_bracket", "walk(-48)", "Day before", id="aneel.day_before", show=False,
                tooltip="Show the same time a day before"),
        Binding("right_curly_bracket", "walk(48)", "Day after", id="aneel.day_after", show=False,
                tooltip="Show the same time a day after"),
        Binding("n", "now", "Now", id="aneel.now", show=False, tooltip="Show the newest half hour again"),
        Binding("s", "order", "Order", id="aneel.order", tooltip="Order by percent, customers, name or change"),
        Binding("slash", "filter", "Filter", id="aneel.filter", tooltip="Show only municipalities with these words"),
        Binding("c", "findings", "Check", id="aneel.check", tooltip="Show what is against ANEEL's format, or outages"),
        Binding("f", "find", "Find", id="aneel.find", show=False, tooltip="Look a demand up by its protocol"),
        Binding("right_square_bracket", "page(1)", "Page", id="aneel.next_page",
                tooltip="Next page of the pane: map, day, week, demands, figures"),
        Binding("left_square_bracket", "page(-1)", "Page before", id="aneel.previous_page", show=False,
                tooltip="Page of the pane before"),
        Binding("d", "detail", "Detail", id="aneel.detail", show=False, tooltip="Show or hide the pane"),
        Binding("J", "scroll(5)", "Scroll", id="aneel.scroll_down", show=False, tooltip="Scroll the pane down"),
        Binding("K", "scroll(-5)", "Scroll up", id="aneel.scroll_up", show=False, tooltip="Scroll the pane up"),
        Binding("m", "mask", "Mask", id="aneel.mask", show=False,
                tooltip="Show personal data of a demand whole, or masked"),
        Binding("escape", "back", "Back", id="aneel.back", show=False, tooltip="Close what was opened last"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.view = TableView()
        self.page = PAGES[0]
        self.half_hour = HalfHour()
        self.look_up = LookUp()
        self._checking = False
        """Findings are shown instead of outages."""
        self._pages = Pages()
        self._cursor_wanted: str | None = None
        """Where the cursor goes with the next rows: out of the sets it comes back to their municipality."""
        self._looking_up = False
        """The prompt takes a protocol, not a filter."""

    def body(self) -> Iterable[Widget]:
        yield Painted(id="notice")
        yield Painted(id="totals")
        yield Painted(id="looking")
        yield Beside(PlaceTable(), FindingTable())
        yield Painted(id="slider")

    # What is shown

    @property
    def distributor(self) -> AneelSource | None:
        """The source on show; None until the engine is up."""
        deck = self.deck_app.deck
        source = deck.hub.sources.get(self.source) if deck is not None else None
        return cast("AneelSource | None", source)

    def _snapshot(self) -> OutagesSnapshot | None:
        """What was out in the half hour on show."""
        return self.half_hour.snapshot(self.source, newest_snapshot(self.readings()))

    def _findings(self) -> Sequence[Finding]:
        distributor = self.distributor
        if distributor is None:
            return ()
        found = distributor.findings
        # Many a rule looks at every answer: which one it was belongs to where.
        return self._pages.kept("found", found, lambda: findingwords.worst_first(
            replace(each, where=findingwords.of_route(route, each.where))
            for route, some in found.items() for each in some
        ))  # fmt: skip

    # Paint

    def paint_frame(self, now: datetime) -> None:
        """As everywhere, but the link is that of the outages: demands are not answered at night, and that is well."""
        outages: Reading[Any] | None = present.outages_reading(self.readings())
        state = replace(self.deck_app.header_state(self.source), reading=outages)
        header, footer = self.query_one(Header), self.query_one(Footer)
        header.paint([header_line(state, now, header.size.width, self.marks)])
        footer.paint([footer_line(self.footer_bindings(), footer.size.width)])

    def paint_body(self, now: datetime) -> None:
        readings, distributor = self.readings(), self.distributor
        snapshot = self._snapshot()
        self._set_lines(self.query_one("#notice", Painted), present.trouble(readings, now, self.size.width, self.marks))
        self._arrange()
        if distributor is None:
            self._set_lines(self.query_one("#looking", Painted), [((tr(" Starting."), MUTED),)])
            return
        if question := self.half_hour.begin(distributor):
            self._ask_for_half_hour(question, distributor)
        self._paint_totals(snapshot, distributor)
        self._paint_tables(snapshot)
        self._paint_pane(snapshot, distributor)
        newest = slot_of(now) if distributor.slots.newest is None else distributor.slots.newest
        slider = self.query_one("#slider", Painted)
        slot, busy = self.half_hour.slot, self.half_hour.busy(self.source)
        slider.paint([charts.slider_line(slot, newest, now, slider.size.width, self.marks, busy=busy)])

    def _paint_totals(self, snapshot: OutagesSnapshot | None, distributor: AneelSource) -> None:
        totals = self.query_one("#totals", Painted)
        lines: list[Line] = []
        if snapshot is not None:
            series = self._pages.trend(newest_snapshot(self.readings()), snapshot, distributor.slots)
            lines = present.total_lines(snapshot, series, self.size.width, self.marks)
        self._set_lines(totals, lines if self.size.height >= TALL else lines[:2])

    def _paint_tables(self, snapshot: OutagesSnapshot | None) -> None:
        if self._checking:
            self._paint_findings()
        else:
            self._paint_places(snapshot)

    def _paint_findings(self) -> None:
        findings = self._findings()
        made = self._pages.kept("findings", (findings, self.marks), lambda: findingwords.rows(findings, self.marks))
        self.query_one(FindingTable).show(made)
        hint = ((tr(" c goes back "), MUTED),)
        counts = findingwords.counts_line(findings, self.size.width, self.marks)
        self._set_lines(self.query_one("#looking", Painted), [justify(counts, hint, self.size.width)])

    def _paint_places(self, snapshot: OutagesSnapshot | None) -> None:
        table, width = self.query_one(PlaceTable), self.size.width
        table.columns_are(self.view.columns(snapshot, self.marks), self._empty_words(snapshot))
        lines: list[Line] = [()]
        if snapshot is not None:
            lines = [self.view.heading(snapshot, width, self.marks)]
        elif present.outages_reading(self.readings()) is not None and self.half_hour.slot is not None:
            said = wrap(self.half_hour.words(self.source), width - 2, "severity-medium")
            lines = [((" ", TEXT), *line) for line in said[:3]]
        table.show(self.view.rows(snapshot, self.marks))
        if self._cursor_wanted is not None:
            table.go_to(self._cursor_wanted)
            self._cursor_wanted = None
        self._set_lines(self.query_one("#looking", Painted), lines)

    def _empty_words(self, snapshot: OutagesSnapshot | None) -> str:
        if snapshot is None and self.half_hour.slot is not None:
            moment = moment_words(self.half_hour.slot)
            return tr("{moment} is not known. < > walk on, n goes back to now.", moment=moment)
        if snapshot is not None and self.view.municipality is not None:
            return tr("No set has customers out here now.")
        if snapshot is not None and not self.view.filter and not snapshot.municipalities:
            return tr("Nothing is out: the distributor reported no outage.")
        return present.no_rows_words(present.outages_reading(self.readings()), self.view.filter)

    def _paint_pane(self, snapshot: OutagesSnapshot | None, distributor: AneelSource) -> None:
        pane = self.beside.pane
        if not pane.display or not pane.size:
            return
        self.beside.paint_divider(self.marks)
        back = [("esc", tr_as("key", "table"))] if self.beside.folded else []
        if (found := self.look_up.found) is not None:
            masks = [("m", tr_as("key", "mask"))] if found.demand is not None else []
            keys = [("esc", tr_as("key", "back")), *masks]
            title = tr("Demand")
            lines = self.look_up.lines(self.deck_app.now(), pane.room[0])
            pane.paint_page((title,), title, lines, found.protocol, keys)
            return
        if self._checking:
            finding = findingwords.finding_of(self._findings(), self.query_one(FindingTable).cursor_id)
            lines = findingwords.finding_lines(finding, pane.room[0], self.marks) if finding else []
            title = tr("Finding")
            pane.paint_page((title,), title, lines, finding, [*back, ("c", tr_as("key", "outages"))])
            return
        place = self.view.place(snapshot, self.query_one(PlaceTable).cursor_id)
        chosen = None if place is None else (place.code, clean(place.name, 30))
        lines = self._pages.lines(
            self.page, self.readings(), snapshot, distributor.slots, chosen, distributor.config.state, pane.room,
            self.marks,
        )  # fmt: skip
        titles = [tr(page) for page in PAGES]
        keys = [("[ ]", tr_as("key", "page")), *back]
        pane.paint_page(titles, tr(self.page), lines, (self.page, self.source), keys)

    # Layout

    @property
    def beside(self) -> Beside:
        """The tables and the pane."""
        return self.query_one(Beside)

    def _arrange(self) -> None:
        places, findings = self.query_one(PlaceTable), self.query_one(FindingTable)
        self._set_display(places, not self._checking)
        self._set_display(findings, self._checking)
        front: DeckTable = findings if self._checking else places
        self.beside.lay_out(front, needed=self.look_up.found is not None)
        if self.focused is None or not self.focused.display:
            front.focus()

    # Time

    def action_walk(self, steps: int) -> None:
        """Show another half hour."""
        distributor = self.distributor
        if distributor is None or distributor.slots.newest is None:
            self.deck_app.say(tr("No half hour is known yet, so there is none to walk to."))
            return
        self.half_hour.walk(steps, distributor.slots.newest)
        self.paint()

    def action_now(self) -> None:
        """Show the newest half hour again."""
        self.half_hour.slot = None
        self.paint()

    @work(group="aneel.past", exclusive=True, exit_on_error=False)
    async def _ask_for_half_hour(self, question: Question, distributor: AneelSource) -> None:
        await self.half_hour.answer(question, distributor, self.deck_app.clock)
        self.paint()

    # Keys

    def watch_source(self) -> None:
        """Nothing of one distributor is shown, or looked for, under another one's name."""
        self.workers.cancel_group(self, "aneel.past")
        self.workers.cancel_group(self, "aneel.demand")
        self.half_hour.leave()
        self.look_up.found = None
        self.view.leave()
        self._cursor_wanted = ""
        super().watch_source()

    def on_deck_table_cursor_moved(self, message: DeckTable.CursorMoved) -> None:
        del message
        self.paint()

    def on_deck_table_opened(self, message: DeckTable.Opened) -> None:
        """Drill down into a municipality; a finding is read in the pane."""
        if self._checking:
            if not self.beside.wide:
                self.action_detail()
        elif self.view.municipality is None:
            self.view.municipality, self._cursor_wanted = int(message.row_id), ""
        self.paint()

    def action_order(self) -> None:
        """Walk through the orders."""
        self.view.order = self.view.order.next_order
        self.paint()

    def action_findings(self) -> None:
        """Show findings, or outages again."""
        self._checking = not self._checking
        self.look_up.found = None
        self._arrange()
        (self.query_one(FindingTable) if self._checking else self.query_one(PlaceTable)).focus()
        self.paint()

    def action_page(self, step: int) -> None:
        """Another page of the pane, which is opened if it is not."""
        if not self.beside.pane.display:
            self.beside.wanted = True
        else:
            self.page = PAGES[(PAGES.index(self.page) + step) % len(PAGES)]
        self.paint()

    def action_detail(self) -> None:
        """Show or hide the pane."""
        self.beside.toggle()
        self.paint()

    def action_scroll(self, rows: int) -> None:
        """Scroll the pane."""
        self.beside.pane.scroll_by(rows)
        self.paint()

    def hide_personal_data(self) -> None:
        """Mask a demand: personal data is shown to whoever asks for it, and saved nowhere."""
        self.look_up.masked = True
        self.paint()

    def action_mask(self) -> None:
        """Show personal data whole, or masked."""
        self.look_up.masked = not self.look_up.masked
        self.paint()

    def action_back(self) -> None:
        """Close what was opened last."""
        if self.look_up.found is not None:
            self.look_up.found = None
        elif self.beside.folded:
            self.beside.wanted = None
        elif self._checking:
            self.action_findings()
        elif self.view.municipality is not None:
            self.view.municipality, self._cursor_wanted = None, str(self.view.municipality)
        elif self.view.filter:
            self.view.filter = ""
        elif self.half_hour.slot is not None:
            self.half_hour.slot = None
        else:
            self.beside.wanted = None
        self.paint()

    # Filter and look-up

    def action_filter(self) -> None:
        """Type words to filter by; every key narrows the table."""
        from wattdeck.ui.prompt import open_prompt

        self._looking_up = False
        open_prompt(self, tr("filter"), self.view.filter)

    def action_find(self) -> None:
        """Ask for a protocol."""
        from wattdeck.ui.prompt import open_prompt

        self._looking_up = True
        open_prompt(self, tr("protocol of a demand (protocolo)"), "", most=PROTOCOL_CHARACTERS)

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "prompt" and not self._looking_up:
            self.view.filter = event.value
            self.paint()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        from wattdeck.ui.prompt import close_prompt

        if event.input.id != "prompt":
            return
        close_prompt(self)
        distributor = self.distributor
        if self._looking_up and event.value.strip() and distributor is not None:
            self.look_up.masked = True
            self._look_up(distributor, event.value.strip())
        self._looking_up = False
        (self.query_one(FindingTable) if self._checking else self.query_one(PlaceTable)).focus()
        self.paint()

    @work(group="aneel.demand", exclusive=True, exit_on_error=False)
    async def _look_up(self, distributor: AneelSource, protocol: str) -> None:
        """Read one demand."""
        asking = self.look_up.begin(protocol)
        self.paint()
        await self.look_up.answer(asking, distributor)
        self.paint()
