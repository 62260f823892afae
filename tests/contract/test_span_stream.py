"""What the eBus client may count on, of a broker on the wire and of the one in this process alike."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Protocol

import anyio
import pytest

from broker import PASSWORD, SERIAL, Panel, PanelBroker, new_device
from fakes import ManualClock
from wattdeck.core.errors import AuthError, TimedOut, Unreachable
from wattdeck.systems.span.ebus.local import LocalBroker
from wattdeck.systems.span.ebus.mqtt import MqttStream
from wattdeck.systems.span.ebus.stream import Endpoint, Message, MessageStream

pytestmark = pytest.mark.anyio


class Line(Protocol):
    """A broker, and the panel behind it."""

    @property
    def endpoint(self) -> Endpoint: ...

    def stream(self, endpoint: Endpoint) -> MessageStream: ...

    async def publish(self, topic: str, payload: str | bytes) -> None: ...

    async def until_heard(self, count: int) -> list[tuple[str, bytes]]: ...

    async def break_off(self) -> None: ...

    def freeze(self) -> None: ...


@dataclass
class LocalLine:
    """The broker in this process."""

    broker: LocalBroker
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    endpoint: Endpoint = field(default_factory=lambda: Endpoint("127.0.0.2", 8883, SERIAL, PASSWORD, ""))

    def __post_init__(self) -> None:
        self.broker.passwords[SERIAL] = PASSWORD
        self.broker.on_set = lambda topic, payload: self.heard.append((topic, payload))

    def stream(self, endpoint: Endpoint) -> MessageStream:
        return self.broker.connector(endpoint)

    async def publish(self, topic: str, payload: str | bytes) -> None:
        self.broker.publish(topic, payload)

    async def until_heard(self, count: int) -> list[tuple[str, bytes]]:
        assert len(self.heard) >= count
        return self.heard

    async def break_off(self) -> None:
        self.broker.drop()

    def freeze(self) -> None:
        self.broker.frozen = True


@dataclass
class WireLine:
    """A mosquitto."""

    server: PanelBroker
    panel: Panel

    @property
    def endpoint(self) -> Endpoint:
        return self.server.endpoint

    def stream(self, endpoint: Endpoint) -> MessageStream:
        return MqttStream(endpoint)

    async def publish(self, topic: str, payload: str | bytes) -> None:
        await self.panel.publish(topic, payload)

    async def until_heard(self, count: int) -> list[tuple[str, bytes]]:
        return await self.panel.until_heard(count)

    async def break_off(self) -> None:
        self.server.mosquitto.kill()

    def freeze(self) -> None:
        self.server.mosquitto.freeze()


@pytest.fixture(params=["local", "wire"])
async def line(request: pytest.FixtureRequest) -> AsyncIterator[Line]:
    if request.param == "local":
        yield LocalLine(LocalBroker(ManualClock()))
        return
    server: PanelBroker = request.getfixturevalue("panel_broker")
    async with server.panel() as panel:
        yield WireLine(server, panel)


@pytest.fixture
def device() -> str:
    return new_device()


@asynccontextmanager
async def listening(line: Line, *filters: str) -> AsyncIterator[MessageStream]:
    """A stream that is connected and has asked for some topics."""
    async with aclosing(line.stream(line.endpoint)) as stream:
        with anyio.fail_after(10):
            await stream.connect()
            await stream.subscribe(filters)
        yield stream


async def next_of(stream: MessageStream, count: int = 1) -> list[Message]:
    """The next messages."""
    found: list[Message] = []
    with anyio.fail_after(10):
        async for message in stream:
            found.append(message)
            if len(found) == count:
                break
    return found


async def test_what_was_kept_comes_first_and_is_told_from_what_is_new(line: Line, device: str) -> None:
    state, power = f"ebus/5/{device}/$state", f"ebus/5/{device}/core/power"
    await line.publish(state, "ready")
    async with listening(line, f"ebus/5/{device}/#") as stream:
        assert await next_of(stream) == [Message(state, b"ready", retained=True)]
        await line.publish(power, b"\x00\xff-1.0")
        assert await next_of(stream) == [Message(power, b"\x00\xff-1.0", retained=False)]


async def test_only_what_was_asked_for_comes(line: Line, device: str) -> None:
    async with listening(line, f"ebus/5/{device}/+/a", f"ebus/5/{device}/$state") as stream:
        for topic in ("x/b", "x/a", "x/y/a", "$description", "$state"):
            await line.publish(f"ebus/5/{device}/{topic}", topic)
        assert [each.payload for each in await next_of(stream, 2)] == [b"x/a", b"$state"]


async def test_nothing_asked_for_is_nothing_asked(line: Line) -> None:
    async with listening(line) as stream:
        await stream.subscribe([])


async def test_equal_and_empty_payloads_come_each_time(line: Line, device: str) -> None:
    topic = f"ebus/5/{device}/a/b"
    async with listening(line, topic) as stream:
        for payload in ("1", "1", "", "2"):
            await line.publish(topic, payload)
        assert [each.payload for each in await next_of(stream, 4)] == [b"1", b"1", b"", b"2"]


async def test_a_taken_back_topic_is_not_kept(line: Line, device: str) -> None:
    await line.publish(f"ebus/5/{device}/a/gone", "1")
    await line.publish(f"ebus/5/{device}/a/gone", "")
    await line.publish(f"ebus/5/{device}/a/there", "1")
    async with listening(line, f"ebus/5/{device}/#") as stream:
        assert [each.topic for each in await next_of(stream)] == [f"ebus/5/{device}/a/there"]


async def test_fifteen_hundred_kept_messages_all_come(line: Line, device: str) -> None:
    topics = [f"ebus/5/{device}/node{number}/value" for number in range(1500)]
    async with anyio.create_task_group() as group:
        for topic in topics:
            group.start_soon(line.publish, topic, "1.0")
    async with listening(line, f"ebus/5/{device}/#") as stream:
        assert {each.topic for each in await next_of(stream, 1500)} == set(topics)


async def test_a_command_reaches_the_panel_once(line: Line, device: str) -> None:
    topic = f"ebus/5/{device}/circuit/relay/set"
    async with listening(line) as stream:
        with anyio.fail_after(10):
            await stream.publish(topic, "OPEN")
            assert await line.until_heard(1) == [(topic, b"OPEN")]
            await stream.publish(topic, "CLOSED")
            assert await line.until_heard(2) == [(topic, b"OPEN"), (topic, b"CLOSED")]


async def test_a_command_is_not_kept(line: Line, device: str) -> None:
    async with listening(line) as stream:
        await stream.publish(f"ebus/5/{device}/circuit/relay/set", "OPEN")
        await line.until_heard(1)
    await line.publish(f"ebus/5/{device}/$state", "ready")
    async with listening(line, f"ebus/5/{device}/#") as late:
        assert [each.topic for each in await next_of(late)] == [f"ebus/5/{device}/$state"]


async def test_what_a_client_may_not_publish_is_dropped_without_a_word(line: Line, device: str) -> None:
    value = f"ebus/5/{device}/circuit/relay"
    async with listening(line, f"ebus/5/{device}/#") as stream:
        with anyio.fail_after(10):
            await stream.publish(value, "forged")
        await line.publish(value, "true")
        assert [each.payload for each in await next_of(stream)] == [b"true"]


@pytest.mark.parametrize(("user", "password"), [(SERIAL, "guessed"), ("somebody", PASSWORD)])
async def test_a_wrong_password_is_said_to_be_one(line: Line, user: str, password: str) -> None:
    stream = line.stream(replace(line.endpoint, user=user, password=password))
    with anyio.fail_after(10), pytest.raises(AuthError, match="does not accept user and password") as refused:
        await stream.connect()
    await stream.aclose()
    assert "guessed" not in str(refused.value)


async def test_a_lost_connection_ends_the_messages_and_sends_nothing_more(line: Line, device: str) -> None:
    async with listening(line, f"ebus/5/{device}/#") as stream:
        await line.publish(f"ebus/5/{device}/$state", "ready")
        await next_of(stream)
        await line.break_off()
        with pytest.raises(Unreachable, match="connection to the broker was lost"):
            await next_of(stream)
        with pytest.raises(Unreachable, match="connection to the broker was lost"):
            await stream.publish(f"ebus/5/{device}/circuit/relay/set", "OPEN")
        with pytest.raises(Unreachable, match="connection to the broker was lost"):
            await stream.subscribe(["ebus/#"])


async def test_whoever_waits_for_messages_hears_of_the_loss(line: Line, device: str) -> None:
    async with listening(line, f"ebus/5/{device}/#") as stream, anyio.create_task_group() as group:
        waiting = anyio.Event()

        async def wait() -> None:
            waiting.set()
            with pytest.raises(Unreachable):
                await next_of(stream)

        group.start_soon(wait)
        await waiting.wait()
        await line.break_off()


async def test_a_closed_stream_is_over(line: Line, device: str) -> None:
    async with listening(line, f"ebus/5/{device}/#") as stream:
        await stream.aclose()
        await stream.aclose()
        with pytest.raises(Unreachable):
            await next_of(stream)
        with pytest.raises(Unreachable):
            await stream.publish(f"ebus/5/{device}/circuit/relay/set", "OPEN")


async def test_a_stream_that_never_connected_can_be_closed(line: Line) -> None:
    stream = line.stream(line.endpoint)
    with pytest.raises(Unreachable):
        await stream.publish("ebus/5/x/y/z/set", "OPEN")
    await stream.aclose()


async def test_a_broker_that_confirms_nothing_leaves_a_command_unknown(line: Line, device: str) -> None:
    async with aclosing(line.stream(line.endpoint)) as stream:
        if isinstance(stream, MqttStream):
            stream = MqttStream(line.endpoint, publish_s=0.05)
        await stream.connect()
        line.freeze()
        with anyio.fail_after(10), pytest.raises(TimedOut, match="did not confirm the message"):
            await stream.publish(f"ebus/5/{device}/circuit/relay/set", "OPEN")
        await stream.aclose()
