"""A broker in this process: what the demo and most tests put in place of a real one.

Keeps retained messages, matches filters, and hands what clients may publish (`.../set`) to the panel. Everything else
that a client publishes is dropped without a word, as a panel's broker does (span-v2.md 3.4). Nothing runs by itself:
whoever reads a stream moves the panel on, once a second.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import anyio

from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.errors import AuthError, SourceError, TimedOut, Unreachable
from wattdeck.core.language import tr
from wattdeck.core.simulated import INSTANT_S
from wattdeck.systems.span.ebus.credentials import Credentials
from wattdeck.systems.span.ebus.homie import PREFIX
from wattdeck.systems.span.ebus.stream import PUBLISH_WAIT_S, SUBSCRIBE_WAIT_S, Endpoint, Message

TICK_S = 1.0
"""How often a panel publishes what has changed."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """What the demo has in place of a panel's broker: `Demo.apps` under `mqtts://host:port`."""

    broker: LocalBroker
    credentials: Credentials


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a filter with `+` and `#` covers a topic."""
    if "+" not in topic_filter and topic_filter.find("#") == len(topic_filter) - 1 and topic_filter.endswith("/#"):
        # Nearly all are so.
        return f"{topic}/".startswith(topic_filter[:-1])
    wanted, given = topic_filter.split("/"), topic.split("/")
    for index, part in enumerate(wanted):
        if part == "#":
            return True
        if index >= len(given) or part not in ("+", given[index]):
            return False
    return len(wanted) == len(given)


class LocalBroker:
    """Retained topics and who listens to them.

    Args:
        clock: Waits between two ticks.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self.clock = clock
        self.retained: dict[str, bytes] = {}
        self.passwords: dict[str, str] = {}
        """User -> password; empty: everybody may come in."""
        self.tick: Callable[[], None] = _nothing
        """Called once a second by whoever listens: the panel brings its topics up to date."""
        self.on_set: Callable[[str, bytes], None] = _ignored
        """Called with each message a client may publish."""
        self.refusal: SourceError | None = None
        """Raised to whoever connects, in place of a connection."""
        self.frozen = False
        """Nothing goes in or out, and connections stay up: a broker that hangs."""
        self._streams: set[LocalStream] = set()
        self._ticked_s = float("-inf")
        self._due_s = float("inf")

    def connector(self, endpoint: Endpoint) -> LocalStream:
        """A stream to this broker: a `Connector`."""
        return LocalStream(self, endpoint)

    def publish(self, topic: str, payload: str | bytes, *, retain: bool = True) -> None:
        """What the panel says: kept if asked to, and passed to everyone whose filters cover it."""
        raw = payload.encode() if isinstance(payload, str) else payload
        if retain:
            if raw:
                self.retained[topic] = raw
            else:
                self.retained.pop(topic, None)
        for stream in list(self._streams):
            stream.offer(Message(topic, raw))

    def drop(self) -> None:
        """End every connection, as a broker that restarts does."""
        for stream in list(self._streams):
            stream.lose()

    def move_on(self) -> None:
        """Let the panel tick, if a second has passed since it last did."""
        now_s = self.clock.monotonic()
        if not self.frozen and (now_s - self._ticked_s >= TICK_S or now_s >= self._due_s - INSTANT_S):
            self._ticked_s, self._due_s = now_s, float("inf")
            self.tick()

    def soon(self, delay_s: float) -> None:
        """Have the panel tick that early, though its second is not over."""
        self._due_s = min(self._due_s, self.clock.monotonic() + delay_s)
        for stream in list(self._streams):
            stream.stir()

    def pause_s(self) -> float:
        """How long who waits for messages may sleep before the panel has to move on."""
        return max(INSTANT_S, min(TICK_S, self._due_s - self.clock.monotonic()))

    def take(self, topic: str, payload: bytes) -> None:
        """What a client publishes: commands go to the panel, the rest nowhere."""
        if topic.startswith(f"{PREFIX}/") and topic.endswith("/set"):
            self.on_set(topic, payload)

    def admit(self, stream: LocalStream, user: str, password: str) -> None:
        """Let a client in.

        Raises:
            AuthError: user or password are wrong.
        """
        self.move_on()
        if self.refusal is not None:
            raise self.refusal
        if self.passwords and self.passwords.get(user) != password:
            raise AuthError(tr("{place} does not accept user and password", place=user))
        self._streams.add(stream)

    def leave(self, stream: LocalStream) -> None:
        """A client is gone."""
        self._streams.discard(stream)


class LocalStream:
    """One connection to a `LocalBroker`: a `MessageStream`."""

    def __init__(self, broker: LocalBroker, endpoint: Endpoint) -> None:
        self._broker = broker
        self._endpoint = endpoint
        self._filters: list[str] = []
        self._waiting: deque[Message] = deque()
        self._arrived = anyio.Event()
        self._up = False

    async def connect(self) -> None:
        self._broker.admit(self, self._endpoint.user, self._endpoint.password)
        self._up = True

    async def subscribe(self, filters: Sequence[str]) -> None:
        self._require_up()
        if self._broker.frozen:
            await self._broker.clock.sleep(SUBSCRIBE_WAIT_S)
            raise TimedOut(tr("the panel's broker does not answer"))
        self._broker.move_on()
        self._filters += [each for each in filters if each not in self._filters]
        for topic, payload in list(self._broker.retained.items()):
            if any(matches(each, topic) for each in filters):
                self._waiting.append(Message(topic, payload, retained=True))
        self._arrived.set()

    async def __aiter__(self) -> AsyncIterator[Message]:
        while True:
            while self._waiting and not self._broker.frozen:
                yield self._waiting.popleft()
            self._require_up()
            self._broker.move_on()
            if not self._waiting or self._broker.frozen:
                self._arrived = anyio.Event()
                await self._until_arrival()

    async def publish(self, topic: str, payload: str) -> None:
        self._require_up()
        if self._broker.frozen:
            await self._broker.clock.sleep(PUBLISH_WAIT_S)
            self.lose()
            raise TimedOut(
                tr("the broker did not confirm the message within {seconds} s", seconds=f"{PUBLISH_WAIT_S:g}")
            )
        self._broker.take(topic, payload.encode())

    async def aclose(self) -> None:
        self._up = False
        self._broker.leave(self)
        self._arrived.set()

    def offer(self, message: Message) -> None:
        """A message was published."""
        if any(matches(each, message.topic) for each in self._filters):
            self._waiting.append(message)
            self._arrived.set()

    def stir(self) -> None:
        """Look again at how long to wait."""
        self._arrived.set()

    def lose(self) -> None:
        """The connection breaks."""
        self._up = False
        self._waiting.clear()
        self._broker.leave(self)
        self._arrived.set()

    def _require_up(self) -> None:
        if not self._up:
            raise Unreachable(tr("the connection to the broker was lost"))

    async def _until_arrival(self) -> None:
        """Wait for a message, at most until the next tick."""
        async with anyio.create_task_group() as group:

            async def soon() -> None:
                await self._broker.clock.sleep(self._broker.pause_s())
                group.cancel_scope.cancel()

            group.start_soon(soon)
            await self._arrived.wait()
            group.cancel_scope.cancel()


def _nothing() -> None:
    return


def _ignored(topic: str, payload: bytes) -> None:
    del topic, payload
