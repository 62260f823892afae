"""A relay commanded through a real broker with TLS: the whole way, and a restart in the middle (span-v2.md 7.3)."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from broker import PASSWORD, SERIAL, PanelBroker
from broker import Panel as WirePanel
from ebus_examples import HEAT_PUMP, tree_topics
from ebus_examples import SERIAL as EXAMPLE
from ebus_seat import credentials
from wattdeck.core.command import Outcome, Request, Selection, State
from wattdeck.core.config import SafetyConfig, UiConfig
from wattdeck.core.deck import Deck, make_deck, running
from wattdeck.core.hub import Hub
from wattdeck.core.reading import Link
from wattdeck.systems.span import SYSTEM
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.ebus import session
from wattdeck.systems.span.ebus.credentials import save, typed
from wattdeck.systems.span.ebus.tls import fingerprint

pytestmark = pytest.mark.anyio
HOME = "span/home"
RELAY = f"ebus/5/{HEAT_PUMP}/switch/relay"
POWER = f"ebus/5/{HEAT_PUMP}/meter/active-power"


def topics() -> dict[str, bytes]:
    """The example's tree under the serial that the broker lets in."""
    ours, theirs = SERIAL.encode(), EXAMPLE.encode()
    return {topic.replace(EXAMPLE, SERIAL): payload.replace(theirs, ours) for topic, payload in tree_topics().items()}


async def publish(panel: WirePanel, **changes: bytes) -> None:
    for topic, payload in topics().items():
        await panel.publish(topic, changes.get(topic, payload))


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@asynccontextmanager
async def deck_on(panel_broker: PanelBroker, folder: Path) -> AsyncIterator[tuple[Deck, WirePanel]]:
    """A session that shows the panel live, and the panel's own side."""
    panel_broker.mosquitto.restart()
    port, pem = closed_port(), panel_broker.authority.pem
    known = credentials(
        serial=SERIAL, broker_user=SERIAL, broker_password=PASSWORD, address=typed("127.0.0.1", port),
        hostname=panel_broker.authority.host_name, mqtts_port=panel_broker.mosquitto.port, ca_pem=pem,
        ca_sha256=fingerprint(pem),
    )  # fmt: skip
    save(folder, known)
    config = SpanConfig(
        name="home", host="127.0.0.1", port=port, control=True, safety=SafetyConfig(type_name_patterns=())
    )
    hub = Hub([(SYSTEM, config)], state_dir=folder)
    deck = make_deck(hub, [(SYSTEM, config)], UiConfig(), folder)
    ready = anyio.Event()
    hub.subscribe(lambda reading: ready.set() if reading.link is Link.LIVE and reading.good_polls > 1 else None)
    with anyio.fail_after(30):
        async with running(deck), panel_broker.panel() as panel:
            await publish(panel)
            await ready.wait()
            yield deck, panel


async def select(deck: Deck) -> Selection:
    await deck.control.arm()
    return await deck.control.select(Request(HOME, "relay", HEAT_PUMP, "open"))


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_relay_is_opened_once_and_confirmed_whether_or_not_the_broker_restarts(
    panel_broker: PanelBroker, deck_home: Path, restarts: bool
) -> None:
    outcomes: list[Outcome] = []
    ended = anyio.Event()
    async with deck_on(panel_broker, deck_home) as (deck, panel), anyio.create_task_group() as group:

        async def operate() -> None:
            outcomes.append(await deck.control.operate(await select(deck)))
            ended.set()

        group.start_soon(operate)
        assert await panel.until_heard(1) == [(f"{RELAY}/set", b"OPEN")]
        if not restarts:
            await panel.publish(RELAY, "OPEN")
            await panel.publish(POWER, "0.0")
        else:
            panel_broker.mosquitto.restart()
            async with panel_broker.panel() as again:
                await publish(again, **{RELAY: b"OPEN", POWER: b"0.0"})
                await ended.wait()
                assert again.heard == [], "nothing is sent again"
    (outcome,) = outcomes
    assert outcome.state is State.CONFIRMED and outcome.alarm == ""
    assert outcome.facts is not None and outcome.facts.state == "open"
    sent = [record for record in deck.journal.records() if record.event == "send"]
    assert len(sent) == 1 and sent[0].fields["protocol"] == "v2 tree"


async def test_a_broker_that_hangs_is_given_no_command(
    panel_broker: PanelBroker, deck_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PROOF_WITHIN_S", 0.2)
    async with deck_on(panel_broker, deck_home) as (deck, panel):
        selection = await select(deck)
        panel_broker.mosquitto.freeze()
        outcome = await deck.control.operate(selection)
        panel_broker.mosquitto.thaw()
        assert (outcome.state, outcome.sent) == (State.FAILED, False) and "does not answer" in outcome.sentence
        # What the broker had been given would be heard before this.
        await panel.publish(f"{RELAY}/set", "CLOSED", retain=False)
        assert await panel.until_heard(1) == [(f"{RELAY}/set", b"CLOSED")]
