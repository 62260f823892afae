"""Between a simulated panel's own broker and a mosquitto: what the panel says goes out, commands come in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from contextlib import aclosing

import aiomqtt
import anyio

from wattdeck.core.errors import AuthError, SourceError, Unreachable, UsageError
from wattdeck.systems.span.ebus.homie import PREFIX
from wattdeck.systems.span.ebus.local import LocalBroker
from wattdeck.systems.span.ebus.mqtt import MqttStream
from wattdeck.systems.span.ebus.stream import Endpoint
from wattdeck.systems.span.simulated.mosquitto import Mosquitto

COMMANDS = f"{PREFIX}/+/+/+/set"
LOOK_S = 0.1
"""How often it looks whether mosquitto is as the panel's broker should be."""
IN_A_ROW_MAX = 200

LOGGER = logging.getLogger("wattdeck.span.bridge")
LOGGER.setLevel(logging.WARNING)


class Bridge:
    """Makes a mosquitto what a `LocalBroker` is: its topics, its users, and what is wrong with it.

    A broker that ended is started again and told everything. One whose connections the panel drops is restarted.

    Args:
        broker: The panel's.
        mosquitto: Started or not.
        root: The panel's serial: what the broker calls lost if this process dies and it does not.
    """

    def __init__(self, broker: LocalBroker, mosquitto: Mosquitto, root: str) -> None:
        self._broker = broker
        self._mosquitto = mosquitto
        self._root = root
        self._users: dict[str, str] | None = None
        self._outgoing: deque[tuple[str, bytes]] = deque()
        self._news = asyncio.Event()
        self._said: set[str] = set()
        self._scope: anyio.CancelScope | None = None

    async def run(self, ready: Callable[[], None] | None = None) -> None:
        """Carry messages until cancelled, or ended.

        Args:
            ready: Called once, when all the panel has to say is on the mosquitto.

        Raises:
            UsageError: mosquitto does not start.
        """
        self._broker.move_on()
        self.bring_in_line()
        # A scope asks again until it is obeyed: a task's own cancellation is lost where a connection ends just then.
        with anyio.CancelScope() as self._scope:
            async with anyio.create_task_group() as group:
                group.start_soon(self._keep_in_line)
                group.start_soon(self._listen)
                await self._carry_for_ever(ready)

    def end(self) -> None:
        """Have `run` return."""
        if self._scope is not None:
            self._scope.cancel()

    async def _keep_in_line(self) -> None:
        while True:
            await anyio.sleep(LOOK_S)
            self._broker.move_on()
            try:
                self.bring_in_line()
            except UsageError as error:
                LOGGER.warning("%s", error)

    def bring_in_line(self) -> None:
        """Freeze, refuse, be away or come back as the panel's broker does; start if it is not running.

        Raises:
            UsageError: mosquitto does not start.
        """
        broker, mosquitto = self._broker, self._mosquitto
        if broker.frozen != mosquitto.frozen:
            (mosquitto.freeze if broker.frozen else mosquitto.thaw)()
        if broker.frozen:
            return
        if broker.refusal is not None and not isinstance(broker.refusal, AuthError):
            mosquitto.stop()
            return
        users = {} if broker.refusal is not None else dict(broker.passwords)
        if users != self._users:
            self._users = users
            mosquitto.admit(users)
            mosquitto.stop()
        if not mosquitto.running:
            self._said.clear()
            mosquitto.start()

    async def _listen(self) -> None:
        """Take what the panel says; when it drops its connections, drop the mosquitto's."""
        while True:
            user, password = next(iter(self._broker.passwords.items()), ("", ""))
            stream = self._broker.connector(Endpoint("", 0, user, password, ""))
            dropped = False
            with contextlib.suppress(SourceError):
                await stream.connect()
                dropped = True
                await stream.subscribe([f"{PREFIX}/#"])
                async for message in stream:
                    # What is kept is said to each new mosquitto as a whole.
                    if not message.retained:
                        self._outgoing.append((message.topic, message.payload))
                        self._news.set()
            await stream.aclose()
            if dropped:
                self._mosquitto.stop()
            await anyio.sleep(LOOK_S)

    async def _carry_for_ever(self, ready: Callable[[], None] | None) -> None:
        while True:
            try:
                async with aclosing(_Panel(self._mosquitto.publisher, self._root)) as panel:
                    await panel.connect()
                    await self._say_everything(panel)
                    if ready is not None:
                        ready()
                        ready = None
                    async with anyio.create_task_group() as group:
                        group.start_soon(self._take_commands, panel)
                        await self._say_what_comes(panel)
            except* SourceError as gone:
                LOGGER.info("no connection to mosquitto: %s", gone.exceptions[0])
            await anyio.sleep(LOOK_S)

    async def _say_everything(self, panel: _Panel) -> None:
        """Bring a mosquitto that knows nothing, or yesterday's things, to what the panel says now."""
        self._outgoing.clear()
        kept = dict(self._broker.retained)
        self._outgoing.extend((topic, b"") for topic in self._said - kept.keys())
        self._outgoing.extend(kept.items())
        await self._send(panel)
        # Its answer comes after all that went before it.
        await panel.subscribe([COMMANDS])

    async def _say_what_comes(self, panel: _Panel) -> None:
        while True:
            await self._news.wait()
            self._news.clear()
            await self._send(panel)

    async def _send(self, panel: _Panel) -> None:
        sent = 0
        while self._outgoing and not self._mosquitto.frozen:
            topic, payload = self._outgoing.popleft()
            await panel.say(topic, payload)
            (self._said.add if payload else self._said.discard)(topic)
            sent += 1
            if sent % IN_A_ROW_MAX == 0:
                await asyncio.sleep(0)

    async def _take_commands(self, panel: _Panel) -> None:
        async for message in panel:
            self._broker.take(message.topic, message.payload)


class _Panel(MqttStream):
    """The panel's own connection, which may do what its clients may not."""

    def __init__(self, endpoint: Endpoint, root: str) -> None:
        super().__init__(endpoint)
        self._root = root

    def will(self) -> aiomqtt.Will:
        return aiomqtt.Will(f"{PREFIX}/{self._root}/$state", "lost", qos=1, retain=True)

    async def say(self, topic: str, payload: bytes) -> None:
        """Publish, to be kept."""
        try:
            await self.client().publish(topic, payload, retain=True)
        except aiomqtt.MqttError as error:
            raise Unreachable(str(error)) from error
