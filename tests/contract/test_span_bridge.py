"""A simulated panel on a real broker: the mosquitto is what the panel's own broker is, whatever happens to either."""

from __future__ import annotations

import itertools
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, closing
from dataclasses import dataclass, field, replace
from typing import TypeVar

import anyio
import pytest

from broker import PASSWORD, SERIAL, require_mosquitto
from wattdeck.core.errors import AuthError, SourceError, TimedOut, Unreachable
from wattdeck.systems.span.ebus.local import LocalBroker
from wattdeck.systems.span.ebus.mqtt import MqttStream
from wattdeck.systems.span.ebus.stream import Endpoint
from wattdeck.systems.span.simulated.authority import Authority
from wattdeck.systems.span.simulated.bridge import Bridge
from wattdeck.systems.span.simulated.mosquitto import Mosquitto

pytestmark = pytest.mark.anyio

STATE = f"ebus/5/{SERIAL}/$state"
POWER = f"ebus/5/{SERIAL}/c1/active-power"
RELAY = f"ebus/5/{SERIAL}/c1/relay"


@dataclass
class Bench:
    """A panel's broker, the mosquitto beside it, and who looks at it."""

    broker: LocalBroker
    mosquitto: Mosquitto
    endpoint: Endpoint
    heard: list[tuple[str, bytes]] = field(default_factory=list)

    @asynccontextmanager
    async def looking(self, *filters: str) -> AsyncIterator[MqttStream]:
        async with aclosing(MqttStream(self.endpoint, publish_s=0.3)) as stream:
            with anyio.fail_after(10):
                await stream.connect()
                await stream.subscribe(filters or ("ebus/5/#",))
            yield stream

    async def seen(self) -> dict[str, bytes]:
        """What somebody who connects now is told, up to the state."""
        found = {}
        async with self.looking() as stream:
            with anyio.fail_after(10):
                async for message in stream:
                    found[message.topic] = message.payload
                    if message.topic == STATE:
                        return found
        return found


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    require_mosquitto()
    authority = Authority(SERIAL)
    broker = LocalBroker()
    broker.passwords[SERIAL] = PASSWORD
    broker.publish(POWER, "-10.0")
    broker.publish(RELAY, "CLOSED")
    broker.publish(STATE, "ready")
    with closing(Mosquitto(authority.issue(("127.0.0.1",)), {})) as mosquitto:
        up = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(Bridge(broker, mosquitto, SERIAL).run, up.set)
            with anyio.fail_after(10):
                await up.wait()
            made = Bench(broker, mosquitto, Endpoint("127.0.0.1", mosquitto.port, SERIAL, PASSWORD, authority.pem))
            broker.on_set = lambda topic, payload: made.heard.append((topic, payload))
            yield made
            group.cancel_scope.cancel()


T = TypeVar("T")


async def eventually(attempt: Callable[[], Awaitable[T]], wanted: Callable[[T | SourceError], bool]) -> None:
    """Repeat an attempt until it ends as wanted, by its result or its error."""
    with anyio.fail_after(10):
        for pause_s in itertools.repeat(0.01):
            try:
                ended: T | SourceError = await attempt()
            except SourceError as error:
                ended = error
            if wanted(ended):
                return
            await anyio.sleep(pause_s)


async def until(condition: Callable[[], bool]) -> None:
    async def look() -> bool:
        return condition()

    await eventually(look, lambda found: found is True)


EVERYTHING = {POWER: b"-10.0", RELAY: b"CLOSED", STATE: b"ready"}


async def test_what_the_panel_says_is_kept_and_passed_on(bench: Bench) -> None:
    assert await bench.seen() == EVERYTHING
    async with bench.looking(POWER) as stream:
        bench.broker.publish(POWER, "-11.5")
        with anyio.fail_after(10):
            payloads = []
            async for message in stream:
                payloads.append((message.payload, message.retained))
                if len(payloads) == 2:
                    break
    assert payloads == [(b"-10.0", True), (b"-11.5", False)]
    bench.broker.publish(RELAY, "")
    bench.broker.publish(STATE, "init")
    await eventually(bench.seen, lambda seen: seen == {POWER: b"-11.5", STATE: b"init"})


async def test_commands_come_in_and_nothing_else_does(bench: Bench) -> None:
    async with bench.looking() as stream:
        await stream.publish(STATE, "forged")
        await stream.publish(f"{RELAY}/set", "OPEN")
    await until(lambda: bool(bench.heard))
    assert bench.heard == [(f"{RELAY}/set", b"OPEN")]
    assert await bench.seen() == EVERYTHING


async def test_a_killed_broker_comes_back_on_its_port_and_is_told_everything(bench: Bench) -> None:
    port = bench.mosquitto.port
    async with bench.looking() as stream:
        bench.mosquitto.kill()
        bench.broker.publish(POWER, "-12.0")
        with pytest.raises(Unreachable), anyio.fail_after(10):
            async for _ in stream:
                pass
    await eventually(bench.seen, lambda seen: seen == {**EVERYTHING, POWER: b"-12.0"})
    assert bench.mosquitto.port == port


async def test_connections_the_panel_drops_are_dropped_on_the_wire(bench: Bench) -> None:
    async with bench.looking() as stream:
        bench.broker.drop()
        with pytest.raises(Unreachable), anyio.fail_after(10):
            async for _ in stream:
                pass
    await eventually(bench.seen, lambda seen: seen == EVERYTHING)


async def test_a_frozen_panel_is_a_frozen_broker(bench: Bench) -> None:
    async with bench.looking() as stream:
        bench.broker.frozen = True
        await until(lambda: bench.mosquitto.frozen)
        with pytest.raises(TimedOut):
            await stream.publish(f"{RELAY}/set", "OPEN")
        bench.broker.frozen = False
        await until(lambda: bool(bench.heard))
    assert await bench.seen() == EVERYTHING


async def test_refusals_are_those_of_the_panel(bench: Bench) -> None:
    bench.broker.refusal = AuthError("no")
    await eventually(bench.seen, lambda ended: isinstance(ended, AuthError))
    bench.broker.refusal = Unreachable("away")
    await eventually(bench.seen, lambda ended: type(ended) is Unreachable)
    bench.broker.refusal = None
    bench.broker.passwords[SERIAL] = "rotated"
    await eventually(bench.seen, lambda ended: isinstance(ended, AuthError))
    bench.endpoint = replace(bench.endpoint, password="rotated")
    await eventually(bench.seen, lambda ended: ended == EVERYTHING)


PUBLISHER_THAT_DIES = """
import os, sys, types, anyio
from wattdeck.systems.span.ebus.local import LocalBroker
from wattdeck.systems.span.ebus.stream import Endpoint
from wattdeck.systems.span.simulated.bridge import Bridge

host, port, user, password, authority, serial = sys.argv[1:]
nothing = lambda *_: None
publisher = Endpoint(host, int(port), user, password, authority)
mosquitto = types.SimpleNamespace(
    frozen=False, running=True, publisher=publisher, admit=nothing, stop=nothing, start=nothing
)
broker = LocalBroker()
broker.publish(f"ebus/5/{serial}/$state", "ready")
anyio.run(Bridge(broker, mosquitto, serial).run, lambda: os.kill(os.getpid(), 9))
"""


async def test_the_broker_calls_a_panel_lost_whose_software_is_killed(bench: Bench) -> None:
    dying = "nt-0000-dying"
    async with bench.looking(f"ebus/5/{dying}/$state") as stream:
        own = bench.mosquitto.publisher
        arguments = [own.host, str(own.port), own.user, own.password, own.ca_pem, dying]
        died = await anyio.run_process([sys.executable, "-c", PUBLISHER_THAT_DIES, *arguments], check=False)
        assert died.returncode == -9, died.stderr
        states = []
        with anyio.fail_after(10):
            async for message in stream:
                states.append(message.payload)
                if message.payload == b"lost":
                    break
    assert states == [b"ready", b"lost"]
