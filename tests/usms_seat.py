"""The USMS screen on an account that answers as it is told, for tests: keys go in, text comes out."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from textual import events
from textual.strip import Strip

from deck_app import NORMAL, HandClock, press, resize, settle
from wattdeck.core.config import SourceConfig, UiConfig
from wattdeck.core.deck import Deck, made_running, make_deck
from wattdeck.core.errors import SourceError
from wattdeck.core.feed import Feed
from wattdeck.core.hub import Hub
from wattdeck.core.reading import Reading
from wattdeck.core.system import Context, System
from wattdeck.systems.usms.models import (
    BRUNEI,
    AccountSnapshot,
    ConsumptionSnapshot,
    Kind,
    Meter,
    MonthCost,
    Period,
    Point,
    Projection,
    Series,
    TierCost,
    TopUp,
    TopUpPage,
)
from wattdeck.systems.usms.screen import UsmsScreen
from wattdeck.systems.usms.walk import Stretch
from wattdeck.systems.usms.widgets import LoginDialog, MeterTable, Solver
from wattdeck.ui.app import AppOptions, DeckApp
from wattdeck.ui.dialogs import Words
from wattdeck.ui.paint import Painted

T = TypeVar("T")
NOW = datetime(2026, 10, 14, 7, 0, tzinfo=UTC)
"""15:00 in Brunei."""
TODAY = date(2026, 10, 14)
HEARD = datetime(2026, 10, 14, 14, 30, tzinfo=BRUNEI)
ELECTRICITY = Meter("12345678", Kind.ELECTRICITY, "ACTIVE", 1971.317, "kWh", 174.10, HEARD,
                    address="NO 1 SPG 2", kampong="KG CONTOH")  # fmt: skip
WATER = Meter("2402007817", Kind.WATER, "ACTIVE", 228.625, "m3", 25.14,
              datetime(2026, 10, 14, tzinfo=BRUNEI), updated_date_only=True)  # fmt: skip
ACCOUNT = AccountSnapshot("AWANG CONTOH", (ELECTRICITY, WATER))
MONTH = MonthCost(
    "12345678", date(2026, 10, 1), 688.5, 13, 13.08,
    (TierCost(1, 0.01, 600.0, 6.0), TierCost(2, 0.08, 88.5, 7.08)),
    Projection(1484.0, 76.72, 48.5, datetime(2026, 11, 24, 6, 29, tzinfo=BRUNEI)),
)  # fmt: skip


def household(period: Period, day: date) -> tuple[Point, ...]:
    """A plausible consumption, the same in every run."""
    stretch = Stretch.around(period, day)
    scale = {Period.HOUR: 2.0, Period.DAY: 48.0, Period.MONTH: 900.0}[period]
    edges = stretch.edges
    return tuple(
        Point(edge, round(scale * (1 + 0.4 * math.sin(index * 1.7 + day.month)), 3))
        for index, edge in enumerate(edges[:-1])
        if edges[index + 1] <= NOW or (period is Period.MONTH and edge <= NOW)
    )


CONSUMPTION = ConsumptionSnapshot((Series("12345678", Period.DAY, household(Period.DAY, TODAY)),), MONTH, (MONTH,))


class FakeAccount:
    """A source whose answers a test chooses, and holds back."""

    operable = None

    def __init__(self, context: Context) -> None:
        self.id = "usms/contoh"
        self.account: AccountSnapshot | Exception = ACCOUNT
        self.consumption: ConsumptionSnapshot | Exception = CONSUMPTION
        self.answer: Callable[[Meter, Period, date], Iterable[Point]] = lambda meter, period, day: household(
            period, day
        )
        self.asked: list[tuple[str, Period, date]] = []
        self.held: dict[date, asyncio.Event] = {}
        self.deaf = False
        """Goes on when it is cancelled, as a thread would."""
        self.top_up_answer: Sequence[TopUp] | Exception = ()
        self.page: TopUpPage | Exception = TopUpPage("Residential", 0.0, 0.0)
        self.logging_in: Callable[[Solver], Awaitable[None]] = self._no_login
        self.progress: tuple[int, int] | None = None
        self._polls: dict[str, int] = {}
        self._feeds = (
            Feed(self.id, "meters", self._meters, interval_s=900.0, clock=context.clock, random=Random(1)),
            Feed(self.id, "consumption", self._consumption, interval_s=900.0, clock=context.clock, random=Random(1)),
        )

    @property
    def feeds(self) -> Sequence[Feed[Any]]:
        return self._feeds

    async def aclose(self) -> None:
        pass

    async def _meters(self) -> AccountSnapshot:
        return _given(self.account)

    async def _consumption(self) -> ConsumptionSnapshot:
        return _given(self.consumption)

    async def points(self, meter: Meter, period: Period, day: date) -> tuple[Point, ...]:
        self.asked.append((meter.number, period, day))
        if day in self.held:
            try:
                await self.held[day].wait()
            except asyncio.CancelledError:
                if not self.deaf:
                    raise
                await self.held[day].wait()
        return tuple(self.answer(meter, period, day))

    async def top_ups(self, meter: Meter) -> tuple[TopUp, ...]:
        return tuple(_given(self.top_up_answer))

    async def top_up_page(self, meter: Meter) -> TopUpPage:
        return _given(self.page)

    async def login(self, solver: Solver) -> None:
        await self.logging_in(solver)

    async def _no_login(self, solver: Solver) -> None:
        raise SourceError("no login was expected")


def _given(answer: T | Exception) -> T:
    if isinstance(answer, Exception):
        raise answer
    return answer


class FakeSystem(System):
    """USMS with that account."""

    name, title, summary = "usms", "USMS", "prepaid meters"

    def __init__(self, prepare: Callable[[FakeAccount], None]) -> None:
        self.prepare = prepare
        self.opened: list[FakeAccount] = []

    def config_model(self) -> type[SourceConfig]:
        return SourceConfig

    def open(self, config: SourceConfig, context: Context) -> FakeAccount:
        account = FakeAccount(context)
        self.prepare(account)
        self.opened.append(account)
        return account

    def text_lines(self, readings: Sequence[Reading[Any]], now: datetime) -> list[str]:
        return []

    def screen(self) -> type[UsmsScreen]:
        return UsmsScreen


class Seat:
    """The app as the person before it sees it."""

    def __init__(self, app: DeckApp, pilot: Any, account: FakeAccount, clock: HandClock) -> None:
        self.app, self.pilot, self.account, self.clock = app, pilot, account, clock

    async def press(self, *keys: str) -> None:
        await press(self.pilot, *keys)

    async def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await settle(self.app)
        await self.tick()

    async def tick(self) -> None:
        with self.app._context():
            self.app._tick()
        await settle(self.app)

    async def paste(self, text: str) -> None:
        event = events.Paste(text)
        event.set_sender(self.app)
        assert self.app._driver is not None
        self.app._driver.send_message(event)
        await settle(self.app)

    def text_of(self, selector: str) -> str:
        return self.app.screen_stack[0].query_one(selector, Painted).text

    async def resize(self, width: int, height: int) -> None:
        await resize(self.pilot, width, height)
        await self.tick()

    @property
    def chart(self) -> str:
        return self.text_of("#chart")

    @property
    def costs(self) -> str:
        return self.text_of("#costs")

    @property
    def notice(self) -> str:
        widget = self.app.screen_stack[0].query_one("#notice", Painted)
        return widget.text if widget.display else ""

    @property
    def meters(self) -> MeterTable:
        return self.app.screen_stack[0].query_one(MeterTable)

    @property
    def dialog(self) -> str:
        if not isinstance(self.app.screen, LoginDialog):
            return ""
        return "\n".join(widget.text for widget in self.app.screen.query(Words))

    @property
    def notices(self) -> list[str]:
        return [notice.message for notice in self.app._notifications]

    @property
    def strips(self) -> list[Strip]:
        with self.app._context():
            return list(self.app.screen._compositor.render_strips())

    @property
    def lines(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@asynccontextmanager
async def seated(
    folder: Path,
    prepare: Callable[[FakeAccount], None] = lambda account: None,
    size: tuple[int, int] = NORMAL,
    **options: Any,
) -> AsyncIterator[Seat]:
    """The app on one account, after its first polls."""
    clock = HandClock(NOW)
    system = FakeSystem(prepare)

    def deck() -> Deck:
        folder.mkdir(parents=True, exist_ok=True)
        pairs: list[tuple[System, SourceConfig]] = [(system, SourceConfig(name="contoh"))]
        hub = Hub(pairs, state_dir=folder, clock=clock, keep_last=False)
        return make_deck(hub, pairs, UiConfig(), folder, demo=True, clock=clock)

    given: dict[str, Any] = {"picture": True, "ascii": False, "clock": clock, "screen": "usms"} | options
    app = DeckApp(made_running(deck), AppOptions({"usms": system}, **given))
    app._schedule_tick = lambda: None  # type: ignore[method-assign]
    async with app.run_test(size=size) as pilot:
        await settle(app)
        seat = Seat(app, pilot, system.opened[0], clock)
        await seat.wait(1)
        await seat.tick()
        yield seat
