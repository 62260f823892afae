"""A seat in front of the eBus client: a panel told by hand what to say, on a broker in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from random import Random
from typing import Any, TypeVar

from deck_app import HandClock
from ebus_examples import SERIAL, flat_topics, tree_topics
from turns import come_to_rest
from wattdeck.core.errors import SourceError
from wattdeck.systems.span.ebus.client import EbusClient
from wattdeck.systems.span.ebus.credentials import Credentials, Privilege
from wattdeck.systems.span.ebus.local import LocalBroker
from wattdeck.systems.span.models import DataModel

T = TypeVar("T")

ROOT = f"ebus/5/{SERIAL}"
PASSWORD = "broker-password"
FLAT_FIRMWARE, TREE_FIRMWARE = "spanos2/r202627/06", "spanos3/r202639/03"


def credentials(**changes: Any) -> Credentials:
    """What a registration at the example's panel leaves."""
    known: dict[str, Any] = {
        "serial": SERIAL,
        "address": "127.0.0.1",
        "client_name": "wattdeck-test",
        "token": "tok-3f9a",
        "issued_at_ms": 0,
        "privilege": Privilege.FULL,
        "broker_user": SERIAL,
        "broker_password": PASSWORD,
        "broker_host": "127.0.0.1",
        "hostname": f"span-{SERIAL}.local",
        "mqtts_port": 8883,
        "ws_port": 9001,
        "wss_port": 9002,
        "ca_pem": "",
        "ca_sha256": "aa:bb",
    }
    return Credentials(**{**known, **changes})


class ScriptedBootstrap:
    """The panel's REST side: says what it is told to, or fails as it is told to."""

    def __init__(self) -> None:
        self.serial = SERIAL
        self.firmware = FLAT_FIRMWARE
        self.model: DataModel = DataModel.FLAT
        self.status_error: SourceError | None = None
        self.schema_error: SourceError | None = None
        self.schemas = 0

    async def status(self) -> Any:
        if self.status_error is not None:
            raise self.status_error
        from wattdeck.systems.span.ebus.bootstrap import V2Status

        return V2Status(self.serial, self.firmware, None, "")

    async def schema(self) -> Any:
        self.schemas += 1
        if self.schema_error is not None:
            raise self.schema_error
        from wattdeck.systems.span.ebus.bootstrap import Schema

        version, spaces = ("1.0", None) if self.model is DataModel.TREE else ("", 32)
        return Schema(self.model, version, spaces, self.firmware)

    async def ca(self) -> str:
        raise SourceError("none here")


class Seat:
    """One client before one scripted panel."""

    def __init__(self, topics: Mapping[str, bytes] | None = None, *, model: DataModel = DataModel.FLAT) -> None:
        self.clock = HandClock()
        self.broker = LocalBroker(self.clock)
        self.broker.passwords = {SERIAL: PASSWORD}
        self.broker.on_set = lambda topic, payload: self.sets.append((topic, payload))
        self.sets: list[tuple[str, bytes]] = []
        self.rest = ScriptedBootstrap()
        self.urgent = 0
        self.speak(model)
        if topics is not None:
            self.broker.retained = dict(topics)
        self.client = EbusClient(
            self.rest,  # type: ignore[arg-type]
            credentials(),
            self.broker.connector,
            host="127.0.0.1",
            on_urgent=self._count,
            clock=self.clock,
            random=Random(1),
        )

    def speak(self, model: DataModel) -> None:
        """Hold the example's topics of that model, and say so by REST."""
        flat = model is DataModel.FLAT
        self.broker.retained = flat_topics() if flat else tree_topics()
        self.rest.model, self.rest.firmware = model, FLAT_FIRMWARE if flat else TREE_FIRMWARE

    def say(self, topic: str, payload: str | bytes) -> None:
        """Publish below the panel's root."""
        self.broker.publish(f"ebus/5/{topic}" if topic.count("/") > 2 else f"{ROOT}/{topic}", payload)

    def describe(self, device: str = SERIAL, **changes: Any) -> None:
        """Publish a device's description with changes, a version on."""
        topic = f"ebus/5/{device}/$description"
        known = json.loads(self.broker.retained[topic])
        self.broker.publish(topic, json.dumps({**known, "version": known["version"] + 1, **changes}))

    async def run(self, work: Coroutine[Any, Any, T], limit_s: float = 120.0) -> T:
        """Let some work come to its end, moving the clock as far as it needs."""
        task = asyncio.ensure_future(work)
        try:
            while not task.done():
                await self.settle()
                if not task.done():
                    assert limit_s > 0, "it does not end"
                    self.clock.advance(0.25)
                    limit_s -= 0.25
            return task.result()
        finally:
            task.cancel()

    async def pass_time(self, seconds: float) -> None:
        """Let time pass in small steps, everyone doing what is due."""
        for _ in range(round(seconds / 0.25)):
            self.clock.advance(0.25)
            await self.settle()

    async def settle(self) -> None:
        """Let every task do what it can without time passing."""
        await come_to_rest()

    def _count(self) -> None:
        self.urgent += 1
