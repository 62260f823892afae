"""The live app on embedded panels, with time that moves only when told to. Keys go in, text comes out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from anyio import to_thread
from textual import events
from textual.app import App
from textual.keys import REPLACED_KEYS, _character_to_key, _get_unicode_name_from_key
from textual.notifications import Notifications
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widget import Widget

import sheets
from wattdeck.core.asgi import ConnectionRefused
from wattdeck.core.config import SourceConfig, UiConfig
from wattdeck.core.deck import Deck, made_running, make_deck
from wattdeck.core.hub import Hub
from wattdeck.core.secrets import SecretRef
from wattdeck.core.system import SimulatorOptions, System
from wattdeck.systems.span import SYSTEM
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.power_flow import CircuitState
from wattdeck.systems.span.simulator import SpanSimulator
from wattdeck.systems.span.widgets import CircuitTable
from wattdeck.ui.app import AppOptions, DeckApp
from wattdeck.ui.dialogs import OperateDialog, Words
from wattdeck.ui.frame import Footer, Header
from wattdeck.ui.paint import Painted
from wattdeck.ui.system_screen import SystemScreen
from wattdeck.ui.table import DeckTable

sheets.share()
# What was said stays said, however long a test takes in real time.
Notifications._reap = lambda self: self  # type: ignore[method-assign]
START = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)
"""A bright late morning: the sun feeds in, and something is on."""
SMALL, NORMAL, LARGE = (80, 24), (120, 36), (200, 60)
ROUNDS = 3000
"""Turns of the event loop, times six, after which an app that is still busy never comes to rest."""
LIGHTS = "Kitchen Lights"
W = TypeVar("W", bound=Widget)


class HandClock:
    """Time that stands still; who sleeps wakes when it was moved far enough."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self.elapsed_s = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed_s

    def advance(self, seconds: float) -> None:
        """Let time pass and wake who is due."""
        self.elapsed_s += seconds
        due = [entry for entry in self._sleepers if entry[0] <= self.elapsed_s]
        self._sleepers = [entry for entry in self._sleepers if entry[0] > self.elapsed_s]
        for _, sleeper in sorted(due, key=lambda entry: entry[0]):
            if not sleeper.done():
                sleeper.set_result(None)

    async def sleep(self, seconds: float) -> None:
        """Wait until the time was moved past the end of the sleep."""
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if seconds <= 0:
            sleeper.set_result(None)
        else:
            self._sleepers.append((self.elapsed_s + seconds, sleeper))
        await sleeper


Message = MutableMapping[str, Any]


class Wire:
    """The line to one simulated panel: counts what goes over it, and can be cut or held up."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app
        self.cut = False
        """Nothing listens at the other end."""
        self.held = False
        """Requests wait."""
        self.requests: list[tuple[str, str]] = []

    async def __call__(self, scope: Message, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        self.requests.append((scope["method"], scope["path"]))
        if self.held:
            await asyncio.get_running_loop().create_future()
        if self.cut:
            raise ConnectionRefused(0.0)
        await self._app(scope, receive, send)

    def count(self, method: str) -> int:
        """Requests of one method so far."""
        return sum(found == method for found, _ in self.requests)


@dataclass
class Panel:
    """A simulated panel and the line to it."""

    simulator: SpanSimulator
    wire: Wire
    config: SpanConfig

    def circuit(self, name: str) -> CircuitState:
        """A circuit by its name."""
        return next(circuit for circuit in self.simulator.house.circuits.values() if circuit.name == name)

    def fault(self, text: str) -> None:
        """Switch a fault on, as `NAME` or `NAME=VALUE`."""
        name, _, value = text.partition("=")
        self.simulator.set_fault(name, value or None)


@dataclass
class Bench:
    """Panels, a clock and a folder; any number of apps can be opened on them."""

    folder: Path
    clock: HandClock
    panels: dict[str, Panel] = field(default_factory=dict)

    def deck(self, ui: UiConfig) -> Deck:
        """A session on the panels, as the demo opens it."""
        pairs: list[tuple[System, SourceConfig]] = [(SYSTEM, panel.config) for panel in self.panels.values()]
        apps = {f"http://{panel.config.host}": panel.wire for panel in self.panels.values()}
        hub = Hub(pairs, state_dir=self.folder, clock=self.clock, demo_apps=apps)
        for feed in hub.feeds:
            feed._random = Random(1)
        return make_deck(hub, pairs, ui, self.folder, demo=True, clock=self.clock)


def make_bench(
    folder: Path,
    *,
    households: Sequence[str] = ("home",),
    faults: Sequence[str] = (),
    control: bool = True,
    **safety: Any,
) -> Bench:
    """Panels that answer the same in every run. The faults are those of the first panel."""
    clock = HandClock()
    bench = Bench(folder, clock)
    for index, household in enumerate(households):
        simulator = SpanSimulator(
            SimulatorOptions(seed=1, start=START), household=household, monotonic=clock.monotonic, sleep=clock.sleep
        )
        own = household == "home"
        config = SpanConfig.model_validate(
            {
                "name": household,
                "host": f"127.0.0.{index + 1}",
                "token": SecretRef(plain=simulator.issue_token()),
                "control": control,
                "poll_s": 1.0,
                "retries": 0,
                "battery": own,
                "solar_tabs": (30, 32) if own else (),
                "safety": safety,
            }
        )
        bench.panels[household] = Panel(simulator, Wire(simulator.app), config)
    first = bench.panels[households[0]]
    for fault in faults:
        first.fault(fault)
    return bench


def make_app(bench: Bench, *, ui: UiConfig | None = None, read_only: bool = False, **options: Any) -> DeckApp:
    """The live app on the bench's panels. Its seconds tick by hand."""
    settings = ui or UiConfig(read_only=read_only)
    given: dict[str, Any] = {
        "demo": True,
        "picture": True,
        "ascii": False,
        "clock": bench.clock,
        "screen": "span",
    } | options
    app = DeckApp(
        made_running(lambda: bench.deck(settings)), AppOptions({"span": SYSTEM}, read_only=read_only, **given)
    )
    app._schedule_tick = lambda: None  # type: ignore[method-assign]
    return app


async def settle(app: App[Any]) -> None:
    """Return when nothing can go on by itself: every task waits for a key, a dialog, the clock or the wire."""
    loop = asyncio.get_running_loop()
    quiet = rounds = 0
    while quiet < 4:
        rounds += 1
        assert rounds < ROUNDS, "the app does not come to rest"
        busy = False
        for _ in range(6):
            await asyncio.sleep(0)
            busy = busy or bool(loop._ready)  # type: ignore[attr-defined]
        if to_thread.current_default_thread_limiter().borrowed_tokens:
            # A thread is at work on a file: let it have the processor.
            await asyncio.sleep(0.001)
            busy = True
        if not busy and app.is_running and app.screen_stack:
            # What lies behind a dialog is drawn too, and hands its changes forward.
            for screen in (*app._background_screens, app.screen):
                with app._context():
                    screen._on_timer_update()
                busy = busy or bool(screen._layout_required or screen._dirty_widgets or screen._callbacks)
        quiet = 0 if busy else quiet + 1


@dataclass
class Stage:
    """An app that is running, as the person before it sees it."""

    bench: Bench
    app: DeckApp
    pilot: Pilot[int]

    # What a person does

    async def press(self, *keys: str) -> None:
        """Press keys one after the other and let the app come to rest after each."""
        await press(self.pilot, *keys)

    async def burst(self, *keys: str) -> None:
        """All keys at once, as a slow line hands them over."""
        send(self.pilot, *keys)
        await settle(self.app)

    async def wait(self, seconds: float = 1.0, step_s: float = 1.0) -> None:
        """Let time pass in half steps; panels are polled, and once a step the app ticks."""
        for half in range(round(seconds * 2 / step_s)):
            self.bench.clock.advance(step_s / 2)
            await settle(self.app)
            if half % 2:
                await self.tick()

    async def tick(self) -> None:
        """The app's own second: whatever counts time looks at the clock."""
        if self.app.is_running:
            with self.app._context():
                self.app._tick()
                if isinstance(self.app.screen, OperateDialog):
                    self.app.screen.show_now()
            await settle(self.app)

    async def all_plots(self) -> None:
        """Let as many frames pass as there are plots: each frame draws one."""
        for _ in range(3):
            await self.tick()

    async def redraw(self) -> None:
        """Draw everything anew, also what lies behind a dialog, and each plot."""
        await self.all_plots()
        with self.app._context():
            for screen in self.app.screen_stack:
                screen.refresh(layout=True)
                for widget in screen.query("*"):
                    widget.refresh()
        await settle(self.app)

    async def blink(self, seconds: float = 0.5) -> None:
        """Let a moment pass in which no panel is polled: long enough for a decision."""
        self.bench.clock.advance(seconds)
        await settle(self.app)

    async def send(self, event: events.Event) -> None:
        """Something else than a key comes from the terminal: a paste, the loss of the focus."""
        assert self.app._driver is not None
        event.set_sender(self.app)
        self.app._driver.send_message(event)
        await settle(self.app)

    async def resize(self, width: int, height: int) -> None:
        """Make the terminal larger or smaller, and wait for its plots."""
        await resize(self.pilot, width, height)
        await self.all_plots()

    async def write(self, text: str) -> None:
        """Type text into what has the focus."""
        await self.burst(*("space" if character == " " else character for character in text))

    async def go_to(self, name: str) -> None:
        """Move the cursor of the circuit table to a circuit by its name."""
        assert name in self.names, f"no row is called {name!r}"
        await self.burst("g", *["down"] * self.names.index(name))
        assert self.cursor_name == name

    # What a person sees

    @property
    def screen(self) -> SystemScreen:
        """The system's screen, whatever lies over it."""
        screen = self.app.screen_stack[0]
        assert isinstance(screen, SystemScreen)
        return screen

    def one(self, kind: type[W], selector: str | None = None) -> W:
        """A widget of the system's screen."""
        return self.screen.query_one(selector or kind.__name__, kind)

    @property
    def table(self) -> CircuitTable:
        return self.one(CircuitTable)

    @property
    def header(self) -> str:
        return self.one(Header).text

    @property
    def footer(self) -> str:
        return self.one(Footer).text

    @property
    def summary(self) -> str:
        return self.one(Painted, "#summary").text

    @property
    def detail(self) -> str:
        return self.one(Painted, "#detail").text

    @property
    def plot(self) -> str:
        return self.one(Painted, "#plot").text

    @property
    def panels(self) -> str:
        return self.one(DeckTable, "#panels").text

    @property
    def dialog(self) -> str:
        """The words of the dialog in front; empty if there is none."""
        if not isinstance(self.app.screen, ModalScreen):
            return ""
        return "\n".join(widget.text for widget in self.app.screen.query(Words))

    @property
    def notices(self) -> list[str]:
        """Every notice so far, oldest first."""
        return [notice.message for notice in self.app._notifications]

    @property
    def cursor_name(self) -> str:
        """Name in the row under the cursor."""
        row = self.table.row(self.table.cursor_id)
        return "" if row is None else row.cells[0][0]

    @property
    def names(self) -> list[str]:
        """Names in the circuit table, in the order shown."""
        return [row.cells[0][0] for row in self.table.rows]

    def cells(self, name: str) -> dict[str, str]:
        """What one row of the circuit table says, by column."""
        row = next(row for row in self.table.rows if row.cells[0][0] == name)
        keys = [column.key for column in self.table._columns]
        return {key: text for key, (text, _) in zip(keys, row.cells, strict=True)}

    @property
    def strips(self) -> list[Strip]:
        """The whole terminal, line by line, dialogs and all."""
        with self.app._context():
            return self.app.screen._compositor.render_strips()

    @property
    def lines(self) -> list[str]:
        """The whole terminal as text."""
        return [strip.text.rstrip() for strip in self.strips]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys one after the other and let the app come to rest after each."""
    for key in keys:
        if not pilot.app.is_running:
            return
        send(pilot, key)
        await settle(pilot.app)


async def resize(pilot: Pilot[Any], width: int, height: int) -> None:
    """Make the terminal larger or smaller, now: Textual waits a moment of real time for another size."""
    await pilot.resize_terminal(width, height)
    with pilot.app._context():
        pilot.app._check_resize()
    await settle(pilot.app)


def send(pilot: Pilot[Any], *keys: str) -> None:
    """Let keys come from the terminal."""
    app = pilot.app
    for key in keys:
        name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
        event = events.Key(name, _character(name, key))
        event.set_sender(app)
        assert app._driver is not None
        app._driver.send_message(event)


def _character(name: str, key: str) -> str | None:
    import unicodedata

    try:
        return unicodedata.lookup(_get_unicode_name_from_key(REPLACED_KEYS.get(name, name)))
    except KeyError:
        return key if len(key) == 1 else None


async def select(deck: Stage, name: str = LIGHTS) -> None:
    """Ask for the other position of a circuit; take control if that is asked first."""
    await deck.go_to(name)
    await deck.press("space")
    if "Take control?" in deck.dialog:
        await deck.blink()
        await deck.press("y")


async def confirm(deck: Stage) -> None:
    """Say yes after having read."""
    await deck.blink()
    await deck.press("y")


def said(deck: Stage, words: str) -> bool:
    """Whether a notice told it."""
    return any(words in notice for notice in deck.notices)


@asynccontextmanager
async def running(
    bench: Bench, *, size: tuple[int, int] = NORMAL, polls: int = 3, toasts: bool = False, **options: Any
) -> AsyncIterator[Stage]:
    """The app on the bench, after so many seconds of polls; what is said is only drawn with `toasts`."""
    app = make_app(bench, **options)
    async with app.run_test(size=size, notifications=toasts) as pilot:
        stage = Stage(bench, app, pilot)
        await settle(app)
        await stage.tick()
        await stage.wait(polls)
        yield stage


@asynccontextmanager
async def on_stage(
    folder: Path,
    *,
    size: tuple[int, int] = NORMAL,
    polls: int = 3,
    households: Sequence[str] = ("home",),
    faults: Sequence[str] = (),
    control: bool = True,
    safety: dict[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[Stage]:
    """One app on a bench of its own."""
    bench = make_bench(folder, households=households, faults=faults, control=control, **(safety or {}))
    async with running(bench, size=size, polls=polls, **options) as stage:
        yield stage
