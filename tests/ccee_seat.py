"""The CCEE screen on a simulated CCEE in this process, with time that moves only when told to: keys in, text out."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from textual import events
from textual.screen import ModalScreen
from textual.strip import Strip

from deck_app import HandClock, Message, press, resize, send, settle
from wattdeck.core.asgi import AsgiApp, ConnectionRefused, SimulatedTransport
from wattdeck.core.config import SourceConfig, UiConfig
from wattdeck.core.deck import Deck, made_running, make_deck
from wattdeck.core.http import HttpClients
from wattdeck.core.hub import Hub
from wattdeck.core.reading import Reading
from wattdeck.core.secrets import SecretRef
from wattdeck.core.system import Context, SimulatorOptions, System
from wattdeck.systems.ccee.config import CceeConfig
from wattdeck.systems.ccee.models import (
    BRASILIA,
    ChangeRequest,
    Contract,
    Measurement,
    Migration,
    MigrationsSnapshot,
    counted,
)
from wattdeck.systems.ccee.registry import client_id_of, secret_of
from wattdeck.systems.ccee.screen import CceeScreen
from wattdeck.systems.ccee.simulator import CceeSimulator
from wattdeck.systems.ccee.source import CceeSource
from wattdeck.systems.ccee.tableview import TableView
from wattdeck.systems.ccee.widgets import MigrationTable
from wattdeck.ui.app import AppOptions, DeckApp
from wattdeck.ui.dialogs import OperateDialog
from wattdeck.ui.frame import Footer, Header
from wattdeck.ui.paint import Painted
from wattdeck.ui.pane import Pane

START = datetime(2026, 10, 14, 13, 0, tzinfo=UTC)
"""Ten in the morning in Brasília, a Wednesday."""
WIDE = (120, 24)
"""Room for the table and the pane beside it, and few lines to draw."""
AGENT, PROFILE, OTHER_PROFILE = 200000, 200100, 200101
ORIGIN = "http://127.0.0.4"
UNIT, CNPJ = "000000123400159", "11222333000181"
"""Of a migration to be created; nobody has it."""
TYPED = {"document_number": CNPJ, "email": "uc@example.com", "tariff_subgroup": "A4", "utility_formalized": "NAO",
         "modality": "REGULAR"}  # fmt: skip


class Wire:
    """The line to the simulator: remembers what went over it, and can be cut or held up."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self.cut = False
        """Nothing listens at the other end."""
        self.pages_before_hold: int | None = None
        """So many pages of migrations come; those after it wait for `release`."""
        self.hold_writes = False
        """What is to be created waits for `release`."""
        self._gate = asyncio.Event()
        self.requests: list[str] = []
        """Method, path and query of each, tokens left out."""

    async def __call__(self, scope: Message, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        path = scope["path"]
        if not path.endswith("/token"):
            self.requests.append(f"{scope['method']} {path}?{scope['query_string'].decode()}".rstrip("?"))
        if self.cut:
            raise ConnectionRefused(0.0)
        if self.hold_writes and scope["method"] == "POST" and path.endswith("/migracoes"):
            await self._gate.wait()
        if scope["method"] == "GET" and path.endswith("/migracoes"):
            while self.pages_before_hold == 0:
                await self._gate.wait()
            if self.pages_before_hold is not None:
                self.pages_before_hold -= 1
        await self._app(scope, receive, send)

    def release(self, pages: int | None = None) -> None:
        """Let so many more pages through, or everything again."""
        self.pages_before_hold = pages
        self._gate.set()
        self._gate.clear()

    def asked(self, part: str) -> list[str]:
        """The requests that have this in them."""
        return [request for request in self.requests if part in request]


def energy() -> list[Measurement]:
    """Two weeks of a unit, in hours."""
    begin = datetime(2026, 10, 1, tzinfo=BRASILIA)
    return [
        Measurement(f"m-{hour}", UNIT, 100000, begin + timedelta(hours=hour + 1),
                    round(120 + 90 * math.sin((hour % 24 - 7) / 4) - 25 * (hour // 24 % 7 in (2, 3)), 1), "MEDIDO",
                    "CONSISTIDA")
        for hour in range(13 * 24)
    ]  # fmt: skip


@dataclass
class Script:
    """What a source answers instead of asking anybody: for states no CCEE is known to be in."""

    answer: Sequence[Migration] | Exception | None = None
    """Of the list; None asks the simulator."""
    complete: bool = True
    contracts: Sequence[Contract] | Exception | None = None
    measurements: Sequence[Measurement] | Exception | None = None
    requests: Sequence[ChangeRequest] | Exception | None = None


class ScriptedSource(CceeSource):
    """The real source, but for what is in its script."""

    script = Script()

    async def fetch(self) -> MigrationsSnapshot:
        answer = self.script.answer
        if answer is None:
            return await super().fetch()
        await self._prepare()
        rows = tuple(map(self.dated, _given(answer)))
        snapshot = MigrationsSnapshot(*self.window, rows, counted(rows), self.script.complete)
        await self._remember(snapshot)
        return snapshot

    async def contracts(self, migration: Migration) -> tuple[Contract, ...]:
        given = self.script.contracts
        return await super().contracts(migration) if given is None else _given(given)

    async def measurements(self, migration: Migration, *days: Any) -> tuple[Measurement, ...]:
        given = self.script.measurements
        return await super().measurements(migration, *days) if given is None else _given(given)

    async def change_requests(self, migration: Migration) -> tuple[ChangeRequest, ...]:
        given = self.script.requests
        return await super().change_requests(migration) if given is None else _given(given)


def _given(answer: Sequence[Any] | Exception) -> tuple[Any, ...]:
    if isinstance(answer, Exception):
        raise answer
    return tuple(answer)


class ScriptedSystem(System):
    """CCEE with such sources."""

    name, title, summary = "ccee", "CCEE", "retail migrations"

    def __init__(self, script: Script, http: HttpClients | None) -> None:
        """`http`, what sources ask through outside the demo."""
        self.script = script
        self.http = http
        self.opened: list[ScriptedSource] = []

    def config_model(self) -> type[SourceConfig]:
        return CceeConfig

    def open(self, config: SourceConfig, context: Context) -> ScriptedSource:
        assert isinstance(config, CceeConfig)
        if self.http is not None:
            context = Context(self.http, context.state_dir, context.clock, demo=False)
        source = ScriptedSource(config, context)
        source.script = self.script
        source.feed._random = Random(1)
        self.opened.append(source)
        return source

    def text_lines(self, readings: Sequence[Reading[Any]], now: datetime) -> list[str]:
        return []

    def screen(self) -> type[CceeScreen]:
        return CceeScreen


class Seat:
    """The app as the person before it sees it."""

    def __init__(self, app: DeckApp, pilot: Any, bench: Bench, script: Script, system: ScriptedSystem) -> None:
        self.app, self.pilot, self.bench, self.script = app, pilot, bench, script
        self.source = system.opened[0]
        self.clock, self.simulator, self.wire = bench.clock, bench.simulator, bench.wire

    # What a person does

    async def press(self, *keys: str) -> None:
        """Press keys one after the other; the same one often as if it were held."""
        await (self.burst(*keys) if len(set(keys)) == 1 else press(self.pilot, *keys))

    async def burst(self, *keys: str) -> None:
        """All keys at once, as a slow line hands them over."""
        send(self.pilot, *keys)
        await settle(self.app)

    async def confirm(self) -> None:
        """Answer yes to whatever is asked, and wait until the command is over."""
        for _ in range(4):
            if not self.dialog:
                break
            await self.wait(0.5)
            await self.press("y")
        for _ in range(2):
            await self.wait(0.5)

    async def fill(self, *texts: str) -> None:
        """Type one text into each line of a form from here on; an empty one leaves the line as it is."""
        keys = (("space" if each == " " else each for each in text) for text in texts)
        await self.burst(*(key for line in keys for key in (*line, "tab")))

    async def filter(self, text: str) -> None:
        """Type a filter and keep it."""
        await self.press("slash", "ctrl+u")
        await self.burst(*("space" if each == " " else each for each in text), "enter")

    async def write(self, text: str) -> None:
        await self.burst(*("space" if character == " " else character for character in text))

    async def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)
        await settle(self.app)
        await self.tick()

    async def rest(self) -> None:
        """Leave the cursor where it is until everything about its row has come."""
        await self.wait(0.4)

    async def refresh(self) -> None:
        """Read the list again."""
        self.clock.advance(1)
        await self.press("r")
        await self.tick()

    async def tick(self) -> None:
        if not self.app.is_running:
            return
        with self.app._context():
            self.app._tick()
            if isinstance(self.app.screen, OperateDialog):
                self.app.screen.show_now()
        await settle(self.app)

    async def resize(self, width: int, height: int) -> None:
        await resize(self.pilot, width, height)
        await self.tick()

    async def paste(self, text: str) -> None:
        event = events.Paste(text)
        event.set_sender(self.app)
        assert self.app._driver is not None
        self.app._driver.send_message(event)
        await settle(self.app)

    # What a person sees

    def text_of(self, selector: str) -> str:
        return self.app.screen_stack[0].query_one(selector, Painted).text

    @property
    def table(self) -> MigrationTable:
        return self.app.screen_stack[0].query_one(MigrationTable)

    @property
    def header(self) -> str:
        return self.app.screen_stack[0].query_one(Header).text

    @property
    def footer(self) -> str:
        return self.app.screen_stack[0].query_one(Footer).text

    @property
    def counts(self) -> str:
        return self.text_of("#counts")

    @property
    def looking(self) -> str:
        """The line above the table."""
        return self.text_of("#looking")

    @property
    def pane(self) -> str:
        widget = self.app.screen_stack[0].query_one(Pane)
        return widget.text if widget.display else ""

    @property
    def notice(self) -> str:
        widget = self.app.screen_stack[0].query_one("#notice", Painted)
        return widget.text if widget.display else ""

    @property
    def screen_view(self) -> TableView:
        """What the screen shows of the list."""
        screen = self.app.screen_stack[0]
        assert isinstance(screen, CceeScreen)
        return screen.view

    @property
    def cursor(self) -> int:
        """The row the cursor is on, from 0."""
        return self.ids.index(self.table.cursor_id)

    @property
    def ids(self) -> list[str]:
        return [row.id for row in self.table.rows]

    @property
    def titles(self) -> str:
        """The table's header."""
        return self.table.text.splitlines()[0]

    @property
    def row(self) -> str:
        """The row under the cursor as the table shows it."""
        return next((line for line in self.table.text.splitlines() if line[:1] in ("▸", ">")), "")

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


class Bench:
    """A simulated CCEE, a clock and a folder; apps can be opened on them one after the other."""

    def __init__(
        self,
        folder: Path,
        *faults: str,
        start: datetime = START,
        seed: int = 1,
        profiles: Sequence[tuple[int, ...]] = ((PROFILE,),),
        **settings: Any,
    ) -> None:
        """`faults` as `NAME` or `NAME=VALUE`; `profiles`, those of each source; `settings`, further ones of each."""
        self.folder = folder
        self.clock = HandClock(start)
        wanted = {name: value or None for name, _, value in (fault.partition("=") for fault in faults)}
        self.simulator = CceeSimulator(
            SimulatorOptions(seed=seed, start=start, speed=1.0, faults=wanted),
            monotonic=self.clock.monotonic, sleep=self.clock.sleep,
        )  # fmt: skip
        self.wire = Wire(self.simulator.app)
        self.configs = [
            CceeConfig.model_validate({
                "name": f"varejo-{'abc'[index]}", "agent_code": AGENT, "profiles": codes,
                "client_id": client_id_of(AGENT), "client_secret": SecretRef(plain=secret_of(AGENT)), "url": ORIGIN,
                "control": True, **settings,
            })
            for index, codes in enumerate(profiles)
        ]  # fmt: skip


@asynccontextmanager
async def at_bench(
    bench: Bench,
    script: Script | None = None,
    *,
    size: tuple[int, int] = WIDE,
    demo: bool = True,
    ready: bool = True,
    ui: UiConfig | None = None,
    **options: Any,
) -> AsyncIterator[Seat]:
    """The app on a bench; `ready`, after its first list and the page in front. Outside the demo it keeps its files."""
    script = script or Script()
    http = None if demo else HttpClients(mounts={ORIGIN: SimulatedTransport(bench.wire)}, clock=bench.clock)
    system = ScriptedSystem(script, http)

    def deck() -> Deck:
        bench.folder.mkdir(parents=True, exist_ok=True)
        pairs: list[tuple[System, SourceConfig]] = [(system, config) for config in bench.configs]
        apps = {ORIGIN: bench.wire} if demo else None
        hub = Hub(pairs, state_dir=bench.folder, clock=bench.clock, demo_apps=apps)
        return make_deck(hub, pairs, ui or UiConfig(), bench.folder, demo=demo, clock=bench.clock)

    given: dict[str, Any] = {
        "demo": demo,
        "picture": True,
        "ascii": False,
        "clock": bench.clock,
        "screen": "ccee",
    } | options
    app = DeckApp(made_running(deck), AppOptions({"ccee": system}, **given))
    app._schedule_tick = lambda: None  # type: ignore[method-assign]
    async with app.run_test(size=size) as pilot:
        await settle(app)
        seat = Seat(app, pilot, bench, script, system)
        if ready:
            await seat.wait(0.4)
        try:
            yield seat
        finally:
            bench.wire.release()
    if http is not None:
        await http.aclose()


@asynccontextmanager
async def seated(
    folder: Path,
    *faults: str,
    script: Script | None = None,
    size: tuple[int, int] = WIDE,
    demo: bool = True,
    ready: bool = True,
    prepare: Callable[[Bench], None] = lambda bench: None,
    bench: dict[str, Any] | None = None,
    **options: Any,
) -> AsyncIterator[Seat]:
    """The app on a bench of its own."""
    made = Bench(folder, *faults, **(bench or {}))
    prepare(made)
    async with at_bench(made, script, size=size, demo=demo, ready=ready, **options) as seat:
        yield seat
