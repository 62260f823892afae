"""A 48-space panel with 989 topics: over the broker in this process, and over a real one with TLS (span-v2.md 13 d)."""

from __future__ import annotations

import anyio
import pytest

from broker import PASSWORD, SERIAL, PanelBroker
from deck_app import HandClock
from ebus_seat import ScriptedBootstrap, Seat, credentials
from wattdeck.core.errors import Unreachable
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span.ebus.client import EbusClient
from wattdeck.systems.span.ebus.mqtt import connector
from wattdeck.systems.span.models import DataModel, PanelSnapshot
from wattdeck.systems.span.simulator import SpanSimulator

pytestmark = pytest.mark.anyio


def retained() -> tuple[str, dict[str, bytes]]:
    """The panel's serial, and all it has to say."""
    clock = HandClock()
    simulator = SpanSimulator(SimulatorOptions(api="tree"), household="large", monotonic=clock.monotonic)
    assert simulator.broker is not None
    simulator.broker.move_on()
    return simulator.house.household.serial, dict(simulator.broker.retained)


def check(panel: PanelSnapshot) -> None:
    """Everything is there."""
    assert (panel.data_model, panel.spaces, panel.model) == (DataModel.TREE, 48, "MLO_48")
    assert len(panel.circuits) == 43, "five of them have two poles"
    assert {tab for circuit in panel.circuits for tab in circuit.tabs} <= set(range(1, 49))
    assert all(circuit.power_w is not None and circuit.name for circuit in panel.circuits)
    assert panel.main_rating_a is None, "a main-lug panel has no main breaker"


async def test_it_is_complete_in_the_first_picture() -> None:
    serial, topics = retained()
    assert 970 <= len(topics) <= 1000
    seat = Seat(topics, model=DataModel.TREE)
    seat.rest.serial = serial
    seat.broker.passwords = {}
    client = EbusClient(
        seat.rest,  # type: ignore[arg-type]
        credentials(serial=serial, broker_user=serial),
        seat.broker.connector,
        host="127.0.0.1",
        clock=seat.clock,
    )
    check(await seat.run(client.snapshot(), limit_s=1))
    await client.aclose()


async def test_it_comes_whole_over_a_real_broker(panel_broker: PanelBroker) -> None:
    serial, topics = retained()
    endpoint = panel_broker.endpoint
    rest = ScriptedBootstrap()
    rest.status_error = Unreachable("only the broker is there")
    known = credentials(
        serial=SERIAL, broker_user=SERIAL, broker_password=PASSWORD, mqtts_port=endpoint.port, ca_pem=endpoint.ca_pem
    )
    panel_broker.mosquitto.restart()
    async with panel_broker.panel() as panel:
        for topic, payload in topics.items():
            await panel.publish(topic.replace(serial, SERIAL), payload.replace(serial.encode(), SERIAL.encode()))
        client = EbusClient(rest, known, connector, host=endpoint.host)  # type: ignore[arg-type]
        async with client:
            with anyio.fail_after(30):
                check(await client.snapshot())
    panel_broker.mosquitto.restart()  # and nothing of it is left for others
