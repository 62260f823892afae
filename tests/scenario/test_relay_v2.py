"""Moving a relay of a v2 panel from the screen, with keys alone: the demo's flat and its tree panel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from deck_app import START, Bench, HandClock, Panel, Stage, Wire, confirm, running, said, select
from wattdeck.core.config import UiConfig
from wattdeck.core.deck import Deck, make_deck
from wattdeck.core.hub import Hub
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span import SYSTEM
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.demo import PANELS, stand_in
from wattdeck.systems.span.ebus.local import LocalBroker
from wattdeck.systems.span.ebus.stream import MQTTS_PORT
from wattdeck.systems.span.simulator import SpanSimulator

pytestmark = pytest.mark.anyio

V2 = {api: (household, host) for household, api, host in PANELS if api != "v1"}
LOADS = {"flat": "Oven", "tree": "Sauna"}
BOTH = pytest.mark.parametrize("api", sorted(V2))


@dataclass
class V2Bench(Bench):
    """One v2 panel of the demo, its broker in this process."""

    heard: list[tuple[str, str]] = field(default_factory=list)
    """Commands that reached the panel."""

    @property
    def panel(self) -> Panel:
        return next(iter(self.panels.values()))

    @property
    def broker(self) -> LocalBroker:
        found = self.panel.simulator.broker
        assert found is not None
        return found

    def deck(self, ui: UiConfig) -> Deck:
        pairs = [(SYSTEM, self.panel.config)]
        host = self.panel.config.host
        apps = {
            f"http://{host}": self.panel.wire,
            f"mqtts://{host}:{MQTTS_PORT}": stand_in(self.panel.simulator, host),
        }
        hub = Hub(pairs, state_dir=self.folder, clock=self.clock, demo_apps=apps)
        for feed in hub.feeds:
            feed._random = Random(1)
        return make_deck(hub, pairs, ui, self.folder, demo=True, clock=self.clock)


def make_v2_bench(folder: Path, api: str) -> V2Bench:
    household, host = V2[api]
    clock = HandClock()
    simulator = SpanSimulator(
        SimulatorOptions(seed=1, start=START, api=api),
        household=household,
        monotonic=clock.monotonic,
        sleep=clock.sleep,
    )
    bench = V2Bench(folder, clock)
    config = SpanConfig(name=household, host=host, api="v2", control=True)
    bench.panels[household] = Panel(simulator, Wire(simulator.app), config)
    bench.broker.clock = clock
    take = bench.broker.on_set

    def heard(topic: str, payload: bytes) -> None:
        bench.heard.append((topic, payload.decode()))
        take(topic, payload)

    bench.broker.on_set = heard
    return bench


@asynccontextmanager
async def on_panel(folder: Path, api: str, *faults: str, width: int = 120) -> AsyncIterator[tuple[Stage, V2Bench]]:
    bench = make_v2_bench(folder, api)
    for fault in faults:
        bench.panel.fault(fault)
    async with running(bench, size=(width, 36), polls=4) as deck:
        yield deck, bench


@BOTH
async def test_a_relay_is_opened_and_closed_with_keys_and_confirmed(deck_home: Path, api: str) -> None:
    name = LOADS[api]
    async with on_panel(deck_home, api) as (deck, bench):
        await select(deck, name)
        assert f"Open {name}?" in deck.dialog and "nt-2" in deck.dialog
        await confirm(deck)
        assert deck.cells(name)["relay"] == "● → open", "asked for, and not yet reported"
        await deck.wait(3)
        assert deck.cells(name)["relay"].startswith("○") and bench.panel.circuit(name).is_open
        assert said(deck, f"{name} is open, as read back")
        await select(deck, name)
        assert f"Close {name}?" in deck.dialog and "Moved last or held by: a person" in deck.dialog
        await confirm(deck)
        await deck.wait(3)
        assert deck.cells(name)["relay"] == "● closed"
        assert [payload for _, payload in bench.heard] == ["OPEN", "CLOSED"]
        topic = f"ebus/5/{bench.panel.circuit(name).circuit_id}/switch/relay/set"
        flat = f"ebus/5/{bench.panel.simulator.house.household.serial}/{bench.panel.circuit(name).circuit_id}/relay/set"
        assert {topic for topic, _ in bench.heard} == {flat if api == "flat" else topic}


@BOTH
async def test_a_panel_that_says_nothing_is_an_alarm_and_nothing_is_sent_again(deck_home: Path, api: str) -> None:
    name = LOADS[api]
    async with on_panel(deck_home, api, "swallow-sets") as (deck, bench):
        await select(deck, name)
        await confirm(deck)
        await deck.wait(4)
        assert deck.cells(name)["relay"] == "● → open"
        await deck.wait(4)
        assert said(deck, "It is not sent again") and said(deck, "says nothing when it does not follow")
        await deck.wait(5)
        assert deck.cells(name)["relay"] == "● → open", "it may follow yet"
        await deck.wait(20)
        assert deck.cells(name)["relay"] == "● closed" and len(bench.heard) == 1


@BOTH
async def test_a_relay_that_power_control_opens_again_is_shown_as_it_is(deck_home: Path, api: str) -> None:
    name = LOADS[api]
    async with on_panel(deck_home, api) as (deck, bench):
        bench.panel.simulator.house.switch(bench.panel.circuit(name).circuit_id, opened=True)
        bench.panel.fault("pcs-reopen=2")
        await deck.wait(2)
        await select(deck, name)
        await confirm(deck)
        await deck.wait(6)
        assert deck.cells(name)["relay"] == "○ PCS" and len(bench.heard) == 1
        await deck.press("space")
        assert "Moved last or held by: the power control system" in deck.dialog


@pytest.mark.parametrize(("api", "name"), [("flat", "Oven"), ("tree", "Feed Mill")])
async def test_a_priority_is_picked_read_confirmed(deck_home: Path, api: str, name: str) -> None:
    async with on_panel(deck_home, api, width=200) as (deck, bench):
        await select(deck, name)
        await deck.press("escape", "P", "home", "enter")
        assert "Never shed" in deck.dialog and "to must have" in deck.dialog
        await confirm(deck)
        await deck.wait(3)
        assert deck.cells(name)["priority"] == "must have"
        assert [payload for _, payload in bench.heard] == ["NEVER"]


@pytest.mark.parametrize(
    ("api", "name", "words"),
    [
        ("flat", "Till and Router", "Locked by the panel's set-up"),
        ("tree", "Router and Cameras", "Locked by the panel's set-up"),
        ("tree", "Commissioned PV System", "users cannot switch it"),
        ("tree", "remote meter", "no relay to switch"),
    ],
)
async def test_what_cannot_be_switched_says_why_without_a_dialog(
    deck_home: Path, api: str, name: str, words: str
) -> None:
    async with on_panel(deck_home, api) as (deck, bench):
        await deck.go_to(name)
        await deck.press("space")
        assert deck.dialog == "" and said(deck, words)
        await deck.press("P")
        assert deck.dialog == "" and bench.heard == []


async def test_a_priority_may_be_fixed_where_the_relay_is_not(deck_home: Path) -> None:
    async with on_panel(deck_home, "tree") as (deck, bench):
        await deck.go_to("Sauna")
        await deck.press("P")
        assert deck.dialog == "" and said(deck, "does not let users set the priority")
        await select(deck, "Sauna")
        assert "Open Sauna?" in deck.dialog and bench.heard == []


async def test_the_dialog_names_all_that_one_relay_moves(deck_home: Path) -> None:
    async with on_panel(deck_home, "tree") as (deck, bench):
        await select(deck, "Stable Fans")
        assert "One relay moves these together: Stable Fans, Stable Lights." in deck.dialog
        await confirm(deck)
        await deck.wait(3)
        assert {deck.cells(name)["relay"][0] for name in ("Stable Fans", "Stable Lights")} == {"○"}
        assert len(bench.heard) == 1


@BOTH
async def test_a_panel_that_goes_away_under_the_dialog_closes_it(deck_home: Path, api: str) -> None:
    async with on_panel(deck_home, api) as (deck, bench):
        await select(deck, LOADS[api])
        bench.panel.fault("device-state=disconnected")
        await deck.wait(2)
        assert deck.dialog == "" and "CONTROL" not in deck.header
        await deck.press("space")
        assert deck.dialog == "" and bench.heard == []


async def test_an_upgrade_under_the_dialog_drops_the_selection_with_the_reason(deck_home: Path) -> None:
    async with on_panel(deck_home, "flat") as (deck, bench):
        await select(deck, "Oven")
        bench.panel.fault("upgrade=0")
        await deck.wait(3)
        assert deck.dialog == "" and bench.heard == []
        assert said(deck, "the equipment's identity changed") or said(deck, "The link to span/shop was lost")
        await deck.wait(10)
        await select(deck, "Oven")
        assert "spanos3/r202639/03" in deck.dialog
        await confirm(deck)
        await deck.wait(3)
        assert deck.cells("Oven")["relay"].startswith("○") and len(bench.heard) == 1


def test_what_would_shed_or_shut_out_the_whole_house_has_neither_key_nor_command() -> None:
    from wattdeck.systems.span.screen import SpanScreen
    from wattdeck.systems.span.shell import group
    from wattdeck.systems.span.widgets import CircuitTable

    keys = [str(getattr(binding, "id", binding)) for kind in (SpanScreen, CircuitTable) for binding in kind.BINDINGS]
    words = " ".join([*keys, *group.commands]).lower()
    assert "span.priority" in keys and "relay" in group.commands
    for forbidden in ("island", "assert", "dominant", "source", "rotate", "main"):
        assert forbidden not in words
    assert "passphrase" not in words, "a passphrase is given at registration, and never made anew"
