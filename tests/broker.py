"""A real broker for tests: one mosquitto for each worker, started when the first test asks for it."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import aiomqtt
import anyio
import pytest

from wattdeck.core.errors import UsageError
from wattdeck.systems.span.ebus.stream import Endpoint
from wattdeck.systems.span.ebus.tls import context
from wattdeck.systems.span.simulated.authority import Authority
from wattdeck.systems.span.simulated.mosquitto import Mosquitto, find_mosquitto

SERIAL = "nt-0000-demo1"
PASSWORD = "demo-broker-password"
_numbers = itertools.count()


def require_mosquitto() -> None:
    """Skip where mosquitto is not installed, except in CI, where it must be."""
    try:
        find_mosquitto()
    except UsageError as absent:
        if os.environ.get("CI"):
            pytest.fail(str(absent))
        pytest.skip(str(absent))


def new_device() -> str:
    """A device no other test speaks of: the broker is shared."""
    return f"nt-0000-test{next(_numbers)}"


@dataclass
class PanelBroker:
    """A mosquitto, and how a panel's client gets in."""

    mosquitto: Mosquitto
    authority: Authority

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(
            "127.0.0.1", self.mosquitto.port, SERIAL, PASSWORD, self.authority.pem, (self.authority.host_name,)
        )

    @property
    def web_endpoint(self) -> Endpoint:
        return replace(self.endpoint, port=self.mosquitto.wss_port, websocket=True)

    @asynccontextmanager
    async def panel(self) -> AsyncIterator[Panel]:
        """The panel's own connection: publishes, and hears commands."""
        inner = self.mosquitto.publisher
        client = aiomqtt.Client(
            inner.host,
            inner.port,
            username=inner.user,
            password=inner.password,
            tls_context=context(inner.ca_pem),
            max_inflight_messages=2000,
        )
        async with client, anyio.create_task_group() as group:
            panel = Panel(client)
            await client.subscribe("ebus/5/+/+/+/set")
            group.start_soon(panel.listen)
            yield panel
            group.cancel_scope.cancel()


@dataclass
class Panel:
    """What a panel says and hears."""

    client: aiomqtt.Client
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    _news: anyio.Event = field(default_factory=anyio.Event)

    async def publish(self, topic: str, payload: str | bytes, *, retain: bool = True) -> None:
        await self.client.publish(topic, payload, qos=1, retain=retain)

    async def listen(self) -> None:
        # A broker that a test ends takes the panel's connection with it.
        with suppress(aiomqtt.MqttError):
            async for message in self.client.messages:
                self.heard.append((str(message.topic), bytes(message.payload)))
                self._news.set()
                self._news = anyio.Event()

    async def until_heard(self, count: int) -> list[tuple[str, bytes]]:
        with anyio.fail_after(10):
            while len(self.heard) < count:
                await self._news.wait()
        return self.heard


def start_broker() -> PanelBroker:
    require_mosquitto()
    authority = Authority(SERIAL)
    mosquitto = Mosquitto(authority.issue(("127.0.0.1", authority.host_name)), {SERIAL: PASSWORD})
    mosquitto.start()
    return PanelBroker(mosquitto, authority)
