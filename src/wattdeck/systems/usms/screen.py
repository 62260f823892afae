"""The USMS screen: meters at the left, a walk through their consumption at the right, what it costs below."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widget import Widget

from wattdeck.core.language import later, tr, tr_as
from wattdeck.core.lines import MUTED, Line
from wattdeck.systems.usms import costs, drawing, present
from wattdeck.systems.usms.models import BRUNEI, Meter
from wattdeck.systems.usms.question import Points, Purchases, Question
from wattdeck.systems.usms.walk import Stretch, View
from wattdeck.systems.usms.widgets import LoginDialog, MeterTable
from wattdeck.ui import bars
from wattdeck.ui.bars import Bars
from wattdeck.ui.paint import Painted
from wattdeck.ui.region import Region
from wattdeck.ui.system_screen import SystemScreen
from wattdeck.ui.table import DeckTable

if TYPE_CHECKING:
    from wattdeck.systems.usms.source import UsmsSource

WIDE, ROOMY = 110, 170
"""From these widths on the meters stand beside the chart, and show all their columns there."""
MOST_METERS = 6
"""Rows of the meter table above a chart; more scroll."""
LEAST_CHART = 11
"""Rows the chart keeps before the costs may spread."""


class UsmsScreen(SystemScreen):
    """Watches the meters of one account."""

    SYSTEM = "usms"
    OFFERS: ClassVar[tuple[type[Widget], ...]] = (MeterTable,)
    """Widgets with keys of their own, for the help page and the key map."""
    DEFAULT_CSS = Path(__file__).with_name("screen.tcss").read_text(encoding="utf-8")
    HELP = later("One account's prepaid meters: what is left, how fast it goes, what it costs. Times are Brunei's.")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "walk(-1)", "Earlier", id="usms.earlier", tooltip="Show the day, month or year before"),
        Binding("right", "walk(1)", "Later", id="usms.later", show=False,
                tooltip="Show the day, month or year after"),
        Binding("left_square_bracket,plus", "zoom(-1)", "Closer", id="usms.closer",
                tooltip="Look closer: from months to days to hours"),
        Binding("right_square_bracket,minus", "zoom(1)", "Wider", id="usms.wider",
                tooltip="Look wider: from hours to days to months"),
        Binding("T", "top_ups", "Top-ups", id="usms.top_ups", tooltip="Show what was bought and what is owed"),
        Binding("l", "login", "Log in", id="usms.login", tooltip="Log in to the portal by its image"),
        Binding("d", "detail", "Detail", id="usms.detail", show=False,
                tooltip="Show or hide everything known of the meter"),
        Binding("c", "costs", "Costs", id="usms.costs", show=False, tooltip="Show or hide the costs"),
        Binding("escape", "back", "Back", id="usms.back", show=False, tooltip="Close what was opened last"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.view = View()
        self._points = Points()
        self._purchases = Purchases()
        self._top_ups_shown = False
        self._detail_wanted: bool | None = None
        self._costs_wanted = True
        self._drawn: tuple[object, list[Line]] | None = None

    def body(self) -> Iterable[Widget]:
        yield Painted(id="notice")
        with Container(id="middle"):
            with Vertical(id="left"):
                yield MeterTable()
                yield Painted(id="about")
            yield Painted(id="divider")
            with Vertical(id="right"):
                yield Region(id="chart")
                yield Region(id="costs")
                yield Region(id="topup_words")
                yield DeckTable(present.TOP_UP_COLUMNS, empty=later("Reading ..."), id="topups")

    # Paint

    def paint_body(self, now: datetime) -> None:
        account = present.Account.of(self.readings())
        self._paint_notice(account, now)
        table = self.query_one(MeterTable)
        table.columns_are(present.COLUMNS, tr("No meter.") if account.snapshot is not None else tr("No data yet."))
        table.show(present.meter_rows(account, now, self.marks))
        meter = account.meter(table.cursor_id)
        self._arrange(len(table.rows), self._progress())
        divider = self.query_one("#divider", Painted)
        divider.paint([((f"{self.marks.divider} ", "rule"),)] * divider.size.height)
        about = self.query_one("#about", Painted)
        page = self._purchases.of(self.source, meter).page if meter else None
        about.paint(present.about_lines(meter, account, page, self._progress(), about.size.width, self.marks))
        if meter is None:
            self._paint_no_meter(account)
        elif self._top_ups_shown:
            self._paint_top_ups(meter, account)
        else:
            self._paint_costs(meter, account, now)
            self._paint_chart(meter, account, now)

    def _paint_notice(self, account: present.Account, now: datetime) -> None:
        notice = self.query_one("#notice", Painted)
        self._set_lines(notice, present.trouble(account, now, self.size.width, self.marks))

    def _paint_no_meter(self, account: present.Account) -> None:
        region = self.query_one("#chart", Region)
        lines = costs.wrap_lines(present.no_meters_words(account), region.size.width, 4, MUTED)
        region.paint_titled(self.source, "", lines)
        self.query_one("#costs", Region).paint([])

    def _paint_chart(self, meter: Meter, account: present.Account, now: datetime) -> None:
        region = self.query_one("#chart", Region)
        if not region.display or not region.size:
            return
        stretch = self._stretch(now)
        question = Question(self.source, meter.number, stretch)
        self._ask_points(question, meter, account, now)
        points = self._points.of(question)
        points = account.kept(meter.number, stretch) if points is None else points
        asking = self._points.asking(question) or (stretch.running(now) and account.awaits_consumption)
        before = self._points.of(question.before) or account.kept(meter.number, stretch.before)
        steps = drawing.tier_steps(meter.kind, stretch.first)
        chart = drawing.chart(stretch, meter, points, before, steps, now, self.marks)
        failed = self._points.problem(question)
        width, height = region.size.width, region.size.height - 1
        if any(value is not None for value in chart.values):
            said = [*([failed] if failed else []), *chart.sentences]
            notes = [line for words in said for line in costs.wrap_lines(words, width, 2, "label")]
            notes = notes[: max(1, min(5, height // 3))]
            lines = [*self._bars(chart, width, height - len(notes)), *notes]
        else:
            words = present.chart_words(meter, stretch, failed, asking, account.refused, now)
            lines = costs.wrap_lines(words, width, 4, MUTED)
        known = any(value is not None for value in chart.before)
        compared = f"   {bars.before_glyph(self.marks)} {stretch.before.short}" if known else ""
        title = drawing.title(stretch, meter, compared, width)
        region.paint_titled(title, tr("reading ...") if asking else tr("left right walk, [ ] zoom"), lines)

    def _bars(self, chart: drawing.Chart, width: int, height: int) -> list[Line]:
        """The drawing, kept until something else is to be drawn."""
        data = Bars(chart.label, chart.unit, chart.values, chart.names, chart.boundary, chart.marks, chart.before)
        asked = (data, width, height, self.marks)
        if self._drawn is None or self._drawn[0] != asked:
            self._drawn = asked, bars.draw(data, width, height, marks=self.marks)
        return self._drawn[1]

    def _paint_costs(self, meter: Meter, account: present.Account, now: datetime) -> None:
        region = self.query_one("#costs", Region)
        if not region.display:
            return
        width, room = self.query_one("#right").size.width, self.query_one("#right").size.height
        month = account.month(meter.number)
        lines = costs.cost_lines(meter, month, now, width, self.marks)
        if len(lines) + 1 + LEAST_CHART > room:
            lines = costs.cost_lines(meter, month, now, width, self.marks, compact=True)
        self._set_height(region, len(lines) + 1)
        region.paint_titled(tr_as("title", "Costs"), "", lines)

    def _paint_top_ups(self, meter: Meter, account: present.Account) -> None:
        del account
        words, table = self.query_one("#topup_words", Region), self.query_one("#topups", DeckTable)
        found, asking = self._purchases.of(self.source, meter), self._purchases.asking(self.source, meter)
        width = self.query_one("#right").size.width
        lines = costs.wrap_lines(found.problem, width, 3, "severity-medium") if found.problem else []
        said = " ".join(present.page_words(found.page))
        lines += costs.wrap_lines(said, width, 3) if said else []
        self._set_height(words, len(lines) + 1)
        title = tr("Top-ups of {number}", number=meter.number)
        words.paint_titled(title, tr("reading ...") if asking else tr("escape goes back"), lines)
        empty = tr("No purchase in the last year.") if found.rows is not None else tr("Not read.")
        table.columns_are(present.TOP_UP_COLUMNS, tr("Reading ...") if asking else empty)
        table.show(present.top_up_rows(found.rows or ()))

    # What is asked of the account

    @property
    def account_source(self) -> UsmsSource | None:
        """The account beside its feeds; None until the engine is up."""
        deck = self.deck_app.deck
        source = deck.hub.sources.get(self.source) if deck is not None else None
        return cast("UsmsSource | None", source)

    def _progress(self) -> tuple[int, int] | None:
        source = self.account_source
        return None if source is None else source.progress

    def _today(self, now: datetime) -> date:
        return now.astimezone(BRUNEI).date()

    def _stretch(self, now: datetime) -> Stretch:
        return self.view.stretch(self._today(now))

    def _ask_points(self, question: Question, meter: Meter, account: present.Account, now: datetime) -> None:
        source = self.account_source
        run = None if source is None else self._points.begin(question, meter, account, now)
        if source is not None and run is not None:
            reading = self._points.answer(run, source, meter, self.paint)
            self.run_worker(reading, group="usms.points", exclusive=True, exit_on_error=False)

    async def _read_top_ups(self, source: UsmsSource, meter: Meter) -> None:
        await self._purchases.answer(source, meter)
        self.paint()

    # Layout

    def _arrange(self, meters: int, progress: tuple[int, int] | None) -> None:
        """Meters beside the chart where it is wide, above it where it is not; fold what a key brings back."""
        size = self.size
        wide = size.width >= WIDE
        detail = wide if self._detail_wanted is None else self._detail_wanted
        middle, left = self.query_one("#middle"), self.query_one("#left")
        middle.set_class(not wide, "-stacked")
        left.set_class(size.width >= ROOMY, "-roomy")
        self._set_display(self.query_one("#divider"), wide)
        self._set_display(self.query_one("#about"), detail)
        folded = detail and not wide
        self._set_display(self.query_one("#right"), not folded)
        most = max(MOST_METERS, size.height // 3) if wide else MOST_METERS if size.height > 24 else 4
        table = self.query_one(MeterTable)
        note = "" if detail else present.progress_words(progress)
        table.note(note)
        self._set_height(table, max(2, min(meters, most) + 1) + bool(note))
        for name, shown in (
            ("#chart", not self._top_ups_shown),
            ("#costs", not self._top_ups_shown and self._costs_wanted),
            ("#topup_words", self._top_ups_shown),
            ("#topups", self._top_ups_shown),
        ):
            self._set_display(self.query_one(name), shown)
        if self.focused is None:
            # A widget that is hidden loses the focus.
            self.query_one(MeterTable).focus()

    # Keys

    def _meter(self) -> Meter | None:
        account = present.Account.of(self.readings())
        return account.meter(self.query_one(MeterTable).cursor_id)

    def on_deck_table_cursor_moved(self, message: DeckTable.CursorMoved) -> None:
        del message
        self.paint()

    def on_deck_table_opened(self, message: DeckTable.Opened) -> None:
        del message
        if not self._top_ups_shown and self.size.width < WIDE:
            self.action_detail()

    def action_walk(self, step: int) -> None:
        """Show the stretch before or after."""
        self.view = self.view.walk(step, self._today(self.deck_app.now()))
        self.paint()

    def action_zoom(self, step: int) -> None:
        """Look closer or wider."""
        self.view = self.view.zoom(step)
        self.paint()

    def action_detail(self) -> None:
        """Show or hide everything known of the meter."""
        self._detail_wanted = not self.query_one("#about").display
        self.paint()

    def action_costs(self) -> None:
        """Show or hide the costs."""
        self._costs_wanted = not self._costs_wanted
        self.paint()

    def action_top_ups(self) -> None:
        """Show the top-ups of the meter under the cursor, or the chart again."""
        meter, source = self._meter(), self.account_source
        if self._top_ups_shown:
            self._close_top_ups()
            return
        if meter is None or source is None:
            self.deck_app.say(tr("No meter has been read yet, so there are no top-ups to show."))
            return
        self._top_ups_shown = True
        if self.size.width < WIDE:
            self._detail_wanted = None
        self._purchases.begin(self.source, meter)
        reading = self._read_top_ups(source, meter)
        self.run_worker(reading, group="usms.top_ups", exclusive=True, exit_on_error=False)
        self.paint()
        self.query_one("#topups").focus()

    def _close_top_ups(self) -> None:
        self._top_ups_shown = False
        self.query_one(MeterTable).focus()
        self.paint()

    def action_login(self) -> None:
        """Log in by the portal's image."""
        source, deck = self.account_source, self.deck_app.deck
        if source is None or deck is None:
            self.deck_app.say(tr("wattdeck is still starting; press l again in a moment."))
            return
        name = self.source

        def done(worked: bool | None) -> None:
            if worked:
                self._points.forget_failures()
                deck.hub.refresh(name)
                self.deck_app.say(tr("Logged in to {source}.", source=name))
            self.paint()

        self.app.push_screen(LoginDialog(name, source, deck.hub.state_dir), done)

    def action_back(self) -> None:
        """Close what was opened last: top-ups, folded regions, the walk through time."""
        if self._top_ups_shown:
            self._close_top_ups()
        elif self._detail_wanted is not None or not self._costs_wanted:
            self._detail_wanted, self._costs_wanted = None, True
        else:
            self.view = View()
        self.paint()
