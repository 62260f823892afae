"""The ANEEL screen on a simulated distributor in this process, with time that moves only when told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs

from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Input

from deck_app import HandClock, Message, press, resize, send, settle
from wattdeck.core.asgi import AsgiApp, ConnectionRefused, SimulatedTransport
from wattdeck.core.config import SourceConfig, UiConfig
from wattdeck.core.deck import Deck, made_running, make_deck
from wattdeck.core.http import HttpClients
from wattdeck.core.hub import Hub
from wattdeck.core.reading import Reading
from wattdeck.core.secrets import SecretRef
from wattdeck.core.system import Context, SimulatorOptions, System
from wattdeck.systems.aneel.config import AneelConfig
from wattdeck.systems.aneel.history import History
from wattdeck.systems.aneel.models import BRASILIA, KEPT, SLOT, Row
from wattdeck.systems.aneel.screen import AneelScreen
from wattdeck.systems.aneel.simulator import KEY, AneelSimulator
from wattdeck.systems.aneel.source import AneelSource
from wattdeck.systems.aneel.times import slot_of
from wattdeck.systems.aneel.widgets import FindingTable, PlaceTable
from wattdeck.ui.app import AppOptions, DeckApp
from wattdeck.ui.frame import Footer, Header
from wattdeck.ui.paint import Painted
from wattdeck.ui.pane import Pane
from wattdeck.ui.table import DeckTable

START = datetime(2026, 10, 14, 17, 40, tzinfo=UTC)
"""Twenty to three in the afternoon in Brasília, a Wednesday: the front has just passed the capital."""
MIDDLE = (120, 30)
"""Room for the table, the pane beside it and all figures above."""
SEED = 1
PARTS = {"outages": "quantitativointerrupcoesativas", "demands": "quantitativodemandasdiversas",
         "demand": "dadosdemanda"}  # fmt: skip


class Wire:
    """The line to the simulator: remembers what went over it, and can be cut or held up."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self.cut = False
        """Nothing listens at the other end."""
        self.held: set[str] = set()
        """Of these no answer comes until `release`: `outages`, `past`, `demands`, `demand`."""
        self._gate = asyncio.Event()
        self.requests: list[str] = []
        """What was asked for, in the same words; of the past with its moment: `past 14/10/2026 13:00`."""

    async def __call__(self, scope: Message, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        query = parse_qs(scope["query_string"].decode())
        kind = next((kind for kind, part in PARTS.items() if scope["path"].endswith(part)), "")
        past = query.get("dthRecuperacao", [""])[0]
        self.requests.append(f"past {past}" if past else kind)
        if self.cut:
            raise ConnectionRefused(0.0)
        while ("past" if past else kind) in self.held:
            await self._gate.wait()
        await self._app(scope, receive, send)

    def release(self) -> None:
        """Let everything through again."""
        self.held.clear()
        self._gate.set()
        self._gate.clear()

    def asked(self, kind: str) -> list[str]:
        """The requests of one kind."""
        return [request for request in self.requests if request.startswith(kind)]


@lru_cache(8)
def week_of(scenario: str, start: datetime) -> Mapping[datetime, tuple[Row, ...]]:
    """What a simulated distributor would tell of the seven days before its start, by half hour."""
    history = History(SEED, start.timestamp(), scenario)
    slot = slot_of(start)
    moments = [slot - number * SLOT for number in range(1, KEPT // SLOT)]
    return {moment: history.recalled(moment.timestamp(), start.timestamp()) or () for moment in moments}


class SeatSystem(System):
    """ANEEL, with sources that may know the week before already."""

    name, title, summary = "aneel", "ANEEL", "outages"

    def __init__(self, http: HttpClients | None, known: Mapping[datetime, tuple[Row, ...]]) -> None:
        """`http`, what sources ask through outside the demo."""
        self.http, self.known = http, known
        self.opened: list[AneelSource] = []

    def config_model(self) -> type[SourceConfig]:
        return AneelConfig

    def open(self, config: SourceConfig, context: Context) -> AneelSource:
        assert isinstance(config, AneelConfig)
        if self.http is not None:
            context = Context(self.http, context.state_dir, context.clock, demo=False)
        source = AneelSource(config, context)
        for slot, rows in self.known.items():
            source.slots.put(slot, rows)
            source.universe.learn(rows, slot)
        source.backfill_feed._random = Random(1)
        self.opened.append(source)
        return source

    def text_lines(self, readings: Sequence[Reading[Any]], now: datetime) -> list[str]:
        return []

    def screen(self) -> type[AneelScreen]:
        return AneelScreen


class Bench:
    """Simulated distributors, a clock and a folder; apps can be opened on them one after the other."""

    def __init__(
        self,
        folder: Path,
        *faults: str,
        start: datetime = START,
        names: Sequence[str] = ("roraima",),
        scenario: str = "storm",
        week: bool = True,
        backfill: bool = False,
        demands: bool = False,
        **settings: Any,
    ) -> None:
        """Args:
        faults: Of the first distributor, as `NAME` or `NAME=VALUE`.
        week: The seven days before are known from the start.
        backfill: They are asked for one by one, as in the demo.
        demands: The day's are asked for.
        settings: Further ones of each distributor.
        """
        self.folder = folder
        self.clock = HandClock(start)
        self.known = week_of(scenario, start) if week else {}
        self.simulators: list[AneelSimulator] = []
        self.wires: list[Wire] = []
        self.configs: list[AneelConfig] = []
        for index, name in enumerate(names):
            simulator = AneelSimulator(
                SimulatorOptions(seed=SEED + index, start=start, speed=1.0, faults={"scenario": scenario}),
                monotonic=self.clock.monotonic, sleep=self.clock.sleep,
            )  # fmt: skip
            simulator.set_fault("no-limit")
            self.simulators.append(simulator)
            self.wires.append(Wire(simulator.app))
            self.configs.append(AneelConfig.model_validate({
                "name": name, "url": self.origin(index), "key": SecretRef(plain=KEY), "state": "RR",
                "requests_per_minute": 6000, "backfill": backfill, "demands": demands,
                **settings,
            }))  # fmt: skip
        for fault in faults:
            self.fault(fault)

    @staticmethod
    def origin(index: int) -> str:
        """Where a distributor answers."""
        return f"http://127.0.0.{5 + index}"

    def fault(self, text: str) -> None:
        """Switch a fault of the first distributor on, as `NAME` or `NAME=VALUE`."""
        name, _, value = text.partition("=")
        self.simulators[0].set_fault(name, value or None)


class Seat:
    """The app as the person before it sees it."""

    def __init__(self, app: DeckApp, pilot: Any, bench: Bench, system: SeatSystem) -> None:
        self.app, self.pilot, self.bench = app, pilot, bench
        self.source = system.opened[0]
        self.clock, self.simulator, self.wire = bench.clock, bench.simulators[0], bench.wires[0]

    # What a person does

    async def press(self, *keys: str) -> None:
        """Press keys one after the other, and let the app come to rest after each."""
        await press(self.pilot, *keys)

    async def burst(self, *keys: str) -> None:
        """All keys at once, as a slow line hands them over."""
        send(self.pilot, *keys)
        await settle(self.app)

    async def write(self, text: str) -> None:
        """Type text into what has the focus."""
        await self.burst(*("space" if character == " " else character for character in text))

    async def look_up(self, protocol: str) -> None:
        """Ask for a demand."""
        await self.press("f")
        await self.write(protocol)
        await self.press("enter")

    async def turn_to(self, page: str) -> None:
        """Walk through the pane's pages to one."""
        for _ in range(7):
            if f"[{page}]" in self.pane:
                return
            await self.press("right_square_bracket")
        raise AssertionError(f"no page is called {page!r}")

    async def go_to(self, name: str) -> None:
        """Move the cursor to the row of a municipality."""
        await self.press("g")
        for _ in self.names:
            if name in self.row:
                return
            await self.press("down")
        raise AssertionError(f"no row is called {name!r}")

    async def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await settle(self.app)
        await self.tick()

    async def next_slot(self) -> None:
        """Let half an hour go by; the distributor is asked again."""
        await self.wait(SLOT.total_seconds())

    async def refresh(self) -> None:
        """Ask again now."""
        await self.press("r")
        await self.tick()

    def well(self) -> None:
        """Switch every fault off."""
        self.simulator.clear_faults()
        self.bench.fault("no-limit")

    async def fail(self) -> None:
        """Let the waits between the tries of one request go by."""
        for _ in range(4):
            await self.wait(5)

    async def tick(self) -> None:
        with self.app._context():
            self.app._tick()
        await settle(self.app)

    async def resize(self, width: int, height: int) -> None:
        await resize(self.pilot, width, height)
        await self.tick()

    # What a person sees

    def shown(self, selector: str) -> str:
        """The text of a region; empty if it is not shown."""
        widget = self.app.screen_stack[0].query_one(selector, Painted)
        return widget.text if widget.display else ""

    @property
    def places(self) -> PlaceTable:
        return self.app.screen_stack[0].query_one(PlaceTable)

    @property
    def table(self) -> DeckTable:
        """The table in front."""
        found = self.app.screen_stack[0].query_one(FindingTable)
        return found if found.display else self.places

    @property
    def header(self) -> str:
        return self.app.screen_stack[0].query_one(Header).text

    @property
    def footer(self) -> str:
        return self.app.screen_stack[0].query_one(Footer).text

    @property
    def totals(self) -> str:
        return self.shown("#totals")

    @property
    def looking(self) -> str:
        """The line above the table."""
        return self.shown("#looking")

    @property
    def notice(self) -> str:
        return self.shown("#notice")

    @property
    def slider(self) -> str:
        return self.shown("#slider")

    @property
    def pane(self) -> str:
        widget = self.app.screen_stack[0].query_one(Pane)
        return widget.text if widget.display else ""

    @property
    def prompt(self) -> Input | None:
        """The line to type into, if it is shown."""
        return next((each for each in self.app.screen_stack[0].query(Input) if each.has_class("-shown")), None)

    @property
    def titles(self) -> str:
        """The table's header."""
        return self.table.text.splitlines()[0]

    @property
    def row(self) -> str:
        """The row under the cursor as the table shows it."""
        return next((line for line in self.table.text.splitlines() if line[:1] in ("▸", ">")), "")

    @property
    def names(self) -> list[str]:
        """The first column, row by row, seen or not."""
        return [row.cells[0][0] for row in self.table.rows]

    def column(self, key: str) -> list[str]:
        """What one column says, row by row, seen or not."""
        at = next(index for index, column in enumerate(self.table._columns) if column.key == key)
        return [row.cells[at][0] for row in self.table.rows]

    @property
    def dialog(self) -> str:
        """The words of the dialog in front; empty if there is none."""
        if not isinstance(self.app.screen, ModalScreen):
            return ""
        return "\n".join(widget.text for widget in self.app.screen.query(Painted))

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


def squeezed(text: str) -> str:
    """Text with one blank where there were many, or the end of a line, or a space that holds a number together."""
    return " ".join(text.split())


def brasilia(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of October 2026."""
    return datetime(2026, 10, day, hour, minute, tzinfo=BRASILIA)


@asynccontextmanager
async def at_bench(
    bench: Bench,
    *,
    size: tuple[int, int] = MIDDLE,
    demo: bool = True,
    ready: bool = True,
    ui: UiConfig | None = None,
    **options: Any,
) -> AsyncIterator[Seat]:
    """The app on a bench; `ready`, after the first answers. Outside the demo it keeps its files."""
    mounts = {bench.origin(index): SimulatedTransport(wire) for index, wire in enumerate(bench.wires)}
    http = None if demo else HttpClients(mounts=mounts, clock=bench.clock)
    system = SeatSystem(http, bench.known)

    def deck() -> Deck:
        bench.folder.mkdir(parents=True, exist_ok=True)
        pairs: list[tuple[System, SourceConfig]] = [(system, config) for config in bench.configs]
        apps = {bench.origin(index): wire for index, wire in enumerate(bench.wires)} if demo else None
        hub = Hub(pairs, state_dir=bench.folder, clock=bench.clock, demo_apps=apps)
        return make_deck(hub, pairs, ui or UiConfig(), bench.folder, demo=demo, clock=bench.clock)

    given: dict[str, Any] = {
        "demo": demo,
        "picture": True,
        "ascii": False,
        "clock": bench.clock,
        "screen": "aneel",
    } | options
    app = DeckApp(made_running(deck), AppOptions({"aneel": system}, **given))
    app._schedule_tick = lambda: None  # type: ignore[method-assign]
    async with app.run_test(size=size) as pilot:
        await settle(app)
        seat = Seat(app, pilot, bench, system)
        if ready:
            await seat.wait(1)
        try:
            yield seat
        finally:
            for wire in bench.wires:
                wire.release()
    if http is not None:
        await http.aclose()


@asynccontextmanager
async def seated(
    folder: Path,
    *faults: str,
    size: tuple[int, int] = MIDDLE,
    demo: bool = True,
    ready: bool = True,
    prepare: Callable[[Bench], None] = lambda bench: None,
    bench: dict[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[Seat]:
    """The app on a bench of its own."""
    made = Bench(folder, *faults, **(bench or {}))
    prepare(made)
    async with at_bench(made, size=size, demo=demo, ready=ready, **options) as seat:
        yield seat
