"""Decks before one scripted v2 panel: the sheet's example on a broker, which does with commands what a test says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from deck_app import HandClock
from ebus_examples import HEAT_PUMP, SERIAL, flat_topics, tree_topics
from ebus_seat import PASSWORD, credentials
from turns import come_to_rest
from wattdeck.core.command import Outcome, Request, Selection
from wattdeck.core.config import SafetyConfig, UiConfig
from wattdeck.core.deck import Deck, make_deck, running
from wattdeck.core.hub import Hub
from wattdeck.core.operable import Facts
from wattdeck.core.reading import Reading
from wattdeck.systems.span import SYSTEM
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.ebus.local import LocalBroker, StandIn
from wattdeck.systems.span.models import Circuit, DataModel

T = TypeVar("T")

HOME = "span/home"
FLAT, TREE = DataModel.FLAT, DataModel.TREE
PLACES = {
    "relay": ("relay", "switch/relay"),
    "requester": ("relay-requester", "switch/relay-requester"),
    "power": ("active-power", "meter/active-power"),
    "priority": ("shed-priority", "load-shed/priority"),
}
LAG_S = 0.4
"""How long a panel of these tests takes to report."""
STEP_S = 0.1


class Panel:
    """The example's panel. `answers` says what it does with a command; at first it obeys."""

    def __init__(self, model: DataModel, clock: HandClock) -> None:
        self.clock = clock
        self.broker = LocalBroker(clock)
        self.broker.passwords = {SERIAL: PASSWORD}
        self.broker.on_set = self._hear
        self.heard: list[tuple[str, str]] = []
        self.answers: Callable[[str, str], None] = self.obey
        self._later: list[tuple[float, Callable[[], None]]] = []
        self.speak(model)

    def speak(self, model: DataModel) -> None:
        """Hold the example in that model."""
        self.model = model
        self.broker.retained = flat_topics() if model is FLAT else tree_topics()

    def topic(self, name: str, circuit: str = HEAT_PUMP) -> str:
        """Where something of a circuit is published."""
        flat, tree = PLACES[name]
        return f"ebus/5/{SERIAL}/{circuit}/{flat}" if self.model is FLAT else f"ebus/5/{circuit}/{tree}"

    def say(self, circuit: str = HEAT_PUMP, **values: str) -> None:
        """Publish values of a circuit."""
        for name, payload in values.items():
            self.broker.publish(self.topic(name, circuit), payload)

    def state(self, state: str, device: str = SERIAL) -> None:
        """Publish a device's state."""
        self.broker.publish(f"ebus/5/{device}/$state", state)

    def describe(self, device: str, change: Callable[[Any], None]) -> None:
        """Publish a device's description with a change, a version on."""
        topic = f"ebus/5/{device}/$description"
        known = json.loads(self.broker.retained[topic])
        known["version"] += 1
        change(known)
        self.broker.publish(topic, json.dumps(known))

    def lock(self, circuit: str = HEAT_PUMP) -> None:
        """Take back that a circuit's relay may be set."""
        device, node = (SERIAL, circuit) if self.model is FLAT else (circuit, "switch")

        def change(known: Any) -> None:
            known["nodes"][node]["properties"]["relay"].pop("settable", None)

        self.state("init", device)
        self.describe(device, change)
        self.state("ready", device)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something after some time."""
        self._later.append((self.clock.elapsed_s + seconds, action))

    def move_on(self) -> None:
        """Do what is due."""
        due = [entry for entry in self._later if entry[0] <= self.clock.elapsed_s + 1e-6]
        self._later = [entry for entry in self._later if entry not in due]
        for _, action in due:
            action()

    def obey(self, topic: str, payload: str) -> None:
        """Report the value after a moment, as a person's wish."""
        value = topic.removesuffix("/set")

        def report() -> None:
            self.broker.publish(value, payload)
            if value == self.topic("relay"):
                self.say(requester="USER", power="0.0" if payload == "OPEN" else "-1846.0")

        self.later(LAG_S, report)

    def ignore(self, topic: str, payload: str) -> None:
        """Say nothing, as for anything it does not allow."""

    def _hear(self, topic: str, payload: bytes) -> None:
        self.heard.append((topic, payload.decode()))
        self.answers(topic, payload.decode())


@dataclass
class Session:
    """One deck on the panel, as its app runs it."""

    deck: Deck
    dropped: list[str] = field(default_factory=list)

    @property
    def circuit(self) -> Circuit:
        snapshot = self.deck.hub.readings(HOME)[0].snapshot
        assert snapshot is not None
        found: Circuit | None = snapshot.circuit(HEAT_PUMP)
        assert found is not None
        return found

    def facts(self, kind: str = "relay", object_id: str = HEAT_PUMP) -> Facts:
        operable = self.deck.hub.sources[HOME].operable
        assert operable is not None
        found = operable.facts(kind, object_id)
        assert found is not None
        return found

    def records(self, event: str) -> list[dict[str, Any]]:
        return [dict(record.fields) for record in self.deck.journal.records() if record.event == event]

    async def select(self, wanted: str, kind: str = "relay", object_id: str = HEAT_PUMP) -> Selection:
        if not self.deck.control.armed:
            await self.deck.control.arm()
        return await self.deck.control.select(Request(HOME, kind, object_id, wanted))

    async def command(self, wanted: str, kind: str = "relay", object_id: str = HEAT_PUMP) -> Outcome:
        return await self.deck.control.operate(await self.select(wanted, kind, object_id))


class Rig:
    """A panel, a clock moved by hand, and any number of decks."""

    def __init__(self, folder: Path, model: DataModel) -> None:
        self.folder = folder
        self.clock = HandClock()
        self.panel = Panel(model, self.clock)

    @asynccontextmanager
    async def session(self, host: str = "here") -> AsyncIterator[Session]:
        """A deck on some host; those of one host share its files."""
        # The heat pump is critical by its name; these tests are about other things than typing it.
        safety = SafetyConfig(type_name_patterns=())
        config = SpanConfig(name="home", host="127.0.0.1", control=True, safety=safety)
        stand_in = StandIn(self.panel.broker, credentials())
        hub = Hub([(SYSTEM, config)], state_dir=self.folder / host, clock=self.clock,
                  demo_apps={"mqtts://127.0.0.1:8883": stand_in})  # fmt: skip
        for feed in hub.feeds:
            feed._random = Random(1)
        deck = make_deck(hub, [(SYSTEM, config)], UiConfig(), self.folder / host, demo=True, clock=self.clock)
        session = Session(deck)
        tasks: set[asyncio.Task[None]] = set()

        def arrived(reading: Reading[Any]) -> None:
            async def look() -> None:
                if why := await deck.control.on_reading(reading.source):
                    session.dropped.append(why)

            task = asyncio.ensure_future(look())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        hub.subscribe(arrived)
        async with running(deck):
            await self.wait(3)
            yield session

    async def settle(self) -> None:
        """Let every task do what it can without time passing."""
        await come_to_rest()

    async def wait(self, seconds: float) -> None:
        """Let time pass in small steps, everyone doing what is due."""
        for _ in range(round(seconds / STEP_S)):
            await self.settle()
            self.clock.advance(STEP_S)
            self.panel.move_on()
        await self.settle()

    async def run(self, work: Coroutine[Any, Any, T], limit_s: float = 60.0) -> T:
        """Let some work come to its end, moving the clock as far as it needs."""
        task = asyncio.ensure_future(work)
        try:
            while True:
                await self.settle()
                if task.done():
                    return task.result()
                assert limit_s > 0, "it does not end"
                limit_s -= STEP_S
                self.clock.advance(STEP_S)
                self.panel.move_on()
        finally:
            task.cancel()
