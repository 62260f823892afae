"""The overview: every source as a tile, trouble first, and below them what came since somebody last looked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from wattdeck.core.language import later, tr
from wattdeck.core.news import News, news_lines, news_of, news_title
from wattdeck.core.overview import FOLD_OVER, Entry, Fold, Tile, counts, entries, matching, ordered, span_of
from wattdeck.core.overview_lines import Look, board_height, counts_words, cursor_lines, shows_alarms, span_name, wish
from wattdeck.core.reading import Link, SourceId
from wattdeck.core.tiles import TileMaker
from wattdeck.ui.board import TileBoard
from wattdeck.ui.deck_screen import DeckScreen
from wattdeck.ui.paint import Painted
from wattdeck.ui.region import Region

if TYPE_CHECKING:
    from textual.widgets import Input

    from wattdeck.core.alarm_view import Alarm

FULL_CADENCE = 8
"""So many sources are all polled at full cadence while they are on show; of more, the one under the cursor."""
FILTER_LENGTH = 60


class OverviewScreen(DeckScreen):
    """Level one: is anything wrong, where, and since when."""

    AUTO_FOCUS: ClassVar[str | None] = "TileBoard"
    OFFERS: ClassVar[tuple[type[Widget], ...]] = (TileBoard,)
    DEFAULT_CSS = """
    OverviewScreen #tiles { height: 2; }
    OverviewScreen #under { height: 1; display: none; }
    OverviewScreen #news { height: 1fr; }
    """
    HELP = later("Every source, trouble first. **Enter** opens one; **/** shows those that say your words.")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "Open", id="overview.open", tooltip="Show the source under the cursor"),
        Binding("slash", "filter", "Filter", id="overview.filter",
                tooltip="Show only sources that say these words: a name, a state, an alarm"),
        Binding("s", "sort", "Sort", id="overview.sort", tooltip="Trouble first, or as configured"),
        Binding("v", "view", "View", id="overview.view", tooltip="Show a list, or a grid where there is room"),
        Binding("escape", "back", "Back", id="overview.back", show=False,
                tooltip="Clear the filter, fold what was opened"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._maker: TileMaker | None = None
        self._tiles: dict[SourceId, Tile] = {}
        self._words = ""
        self._opened: frozenset[str] = frozenset()
        self._trouble_first = True

    @property
    def looked_at(self) -> Sequence[SourceId]:
        sources = self.deck_app.sources
        if len(sources) <= FULL_CADENCE:
            return sources
        cursor = self.query_one(TileBoard).cursor_id
        return [cursor] if cursor in self._tiles else ()

    def body(self) -> Iterable[Widget]:
        yield TileBoard(id="tiles")
        yield Painted(id="under")
        yield Region(id="news")

    # Paint

    def paint_body(self, now: datetime) -> None:
        app, board = self.deck_app, self.query_one(TileBoard)
        tiles, span_s = self._make_tiles(now)
        found = ordered(matching(tiles, self._words, now), trouble_first=self._trouble_first)
        shown: list[Entry] = entries(found, self._opened, fold=not self._words and self._trouble_first)
        # A row that joins or leaves those that are folded moves nothing below.
        rows = min(len(tiles), max(len(shown), FOLD_OVER))
        self._set_height(board, board_height(rows, (self.size.width, self.size.height), wish(shown, board.grid)))
        look = Look(
            now,
            self.marks,
            span_name(span_s),
            blink=app.blink(now),
            trends=not app.low_bandwidth,
        )
        settled = bool(tiles) and all(tile.reading.link is not Link.WAITING for tile in tiles)
        board.show(shown, look, settled=settled)
        self._paint_under(look)
        self._paint_news(self.query_one("#news", Region), tiles, now)

    def _make_tiles(self, now: datetime) -> tuple[list[Tile], float]:
        app = self.deck_app
        if self._maker is None:
            self._maker = TileMaker(app.systems)
        hub = app.deck.hub if app.deck is not None else None
        days = hub.days if hub is not None else {}
        span_s = span_of(days, now.timestamp())
        alarms: dict[SourceId, list[Alarm]] = {}
        for alarm in app.open_alarms:
            alarms.setdefault(alarm.source, []).append(alarm)
        tiles = [
            self._maker.make(
                source,
                app.readings(source),
                now,
                alarms=alarms.get(source, ()),
                trend=app.trend(source),
                day=days.get(source),
                span_s=span_s,
            )
            for source in app.sources
        ]
        self._tiles = {tile.source: tile for tile in tiles}
        return tiles, span_s

    def _paint_under(self, look: Look) -> None:
        """What is wrong with the source under the cursor, where the list has no room for it."""
        board, under = self.query_one(TileBoard), self.query_one("#under", Painted)
        wanted = any(tile.alarms or tile.reading.problem for tile in self._tiles.values())
        self._set_display(under, wanted and not board.shape.grid and not shows_alarms(self.size.width))
        if under.display:
            under.paint(cursor_lines(self._tiles.get(board.cursor_id), self.size.width, look, 1))

    def _paint_news(self, news: Region, tiles: Sequence[Tile], now: datetime) -> None:
        app = self.deck_app
        hint = counts_words(counts(tiles))
        if self._words:
            hint = tr("filter: {words} (escape clears)", words=self._words)
        looked = app.looked.since if app.looked is not None else None
        came: list[News] = []
        if app.deck is not None:
            alarms = app.deck.alarms
            came = news_of(alarms.events(looked), alarms.open, alarms.shelved, max(1, news.size.height - 1))
        lines = news_lines(came, now, news.size.width, blink=app.blink(now))
        news.paint_titled(news_title(looked, now), hint, lines)

    # Keys

    def on_tile_board_cursor_moved(self) -> None:
        if len(self.deck_app.sources) > FULL_CADENCE:
            self.deck_app.show_sources(self.looked_at)
        self.paint()

    def on_tile_board_opened(self, message: TileBoard.Opened) -> None:
        entry = next((each for each in self.query_one(TileBoard).entries if each.id == message.entry_id), None)
        if isinstance(entry, Fold):
            self._opened ^= {entry.system}
            self.paint()
        elif entry is not None:
            self.deck_app.navigation.open_source(entry.source)

    def action_open(self) -> None:
        """Show the source under the cursor."""
        self.query_one(TileBoard).action_open()

    def action_sort(self) -> None:
        """Trouble first, or as configured."""
        self._trouble_first = not self._trouble_first
        self.deck_app.say(tr("Trouble first") if self._trouble_first else tr("As configured"))
        self.paint()

    def action_view(self) -> None:
        """A list, or a grid."""
        board = self.query_one(TileBoard)
        board.grid = not board.shape.grid
        self.paint()

    def action_back(self) -> None:
        """Clear the filter; fold what was opened."""
        if self._words:
            self._words = ""
        else:
            self._opened = frozenset()
        self.paint()

    def action_filter(self) -> None:
        """Type words to filter by; every key narrows the overview."""
        from wattdeck.ui.prompt import open_prompt

        open_prompt(self, tr("filter"), self._words)

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.input.id == "prompt":
            self._words = event.value[:FILTER_LENGTH]
            self.paint()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        from wattdeck.ui.prompt import close_prompt

        if event.input.id == "prompt":
            close_prompt(self)
            self.query_one(TileBoard).focus()
