"""The simulated panel on a broker: what it publishes, and what it does with commands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebus_examples import HEAT_PUMP, flat_topics
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span.ebus import homie
from wattdeck.systems.span.ebus.stream import Message
from wattdeck.systems.span.household import HOUSEHOLDS
from wattdeck.systems.span.simulator import SpanSimulator

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
HOME = "nt-2143-demo1"
SHEET = "nt-2143-c1akc"


class Ear:
    """Hears everything a broker publishes."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def offer(self, message: Message) -> None:
        self.heard.append((message.topic, message.payload.decode()))

    def stir(self) -> None:
        pass

    def lose(self) -> None:
        self.heard.append(("", "connection lost"))


class Bench:
    """A simulated panel, a clock moved by hand, and an ear on its broker."""

    def __init__(
        self,
        api: str,
        household: str = "home",
        *,
        start: datetime = NOON,
        seed: int = 1,
        faults: Mapping[str, str | None] | None = None,
    ) -> None:
        self.now_s = 1000.0
        self.simulator = SpanSimulator(
            SimulatorOptions(start=start, seed=seed, api=api, faults=faults or {}),
            household=household,
            monotonic=lambda: self.now_s,
        )
        assert self.simulator.broker is not None
        self.broker = self.simulator.broker
        self.house = self.simulator.house
        self.ear = Ear()
        self.broker._streams.add(self.ear)  # type: ignore[arg-type]
        self.broker.tick()

    def wait(self, seconds: float = 1.0) -> list[tuple[str, str]]:
        """Let time pass in one go, tick, and return what was published."""
        self.now_s += seconds
        return self.after(self.broker.tick)

    def after(self, action: Any) -> list[tuple[str, str]]:
        """What is published while something is done."""
        del self.ear.heard[:]
        action()
        return list(self.ear.heard)

    def set(self, place: str, payload: str) -> list[tuple[str, str]]:
        """Send a command, and return what follows at once."""
        return self.after(lambda: self.broker.take(f"ebus/5/{place}/set", payload.encode()))

    def value(self, place: str) -> str:
        return self.broker.retained[f"ebus/5/{place}"].decode()

    def number(self, place: str) -> float:
        found = homie.number(self.broker.retained.get(f"ebus/5/{place}"))
        assert found is not None, place
        return found

    def description(self, device: str) -> homie.Description:
        found = homie.parse_description(self.broker.retained[f"ebus/5/{device}/$description"])
        assert found is not None
        return found

    def circuit(self, name: str) -> str:
        return next(each.circuit_id for each in self.house.circuits.values() if each.name == name)


def assert_flat_balances(bench: Bench) -> None:
    """The identities of span-v2.md 8.3, to the last digit."""
    serial = bench.house.household.serial
    nodes = bench.description(serial).nodes
    circuits = [f"{serial}/{node}" for node, kind in nodes.items() if kind.type.endswith(".circuit")]
    up, down, flows = f"{serial}/lugs-upstream", f"{serial}/lugs-downstream", f"{serial}/power-flows"
    sum_w = sum(bench.number(f"{each}/active-power") for each in circuits)
    assert round(bench.number(f"{up}/active-power") + sum_w - bench.number(f"{down}/active-power"), 3) == 0
    flow_w = {each: bench.number(f"{flows}/{each}") for each in ("grid", "pv", "battery", "site")}
    assert round(sum(flow_w.values()), 3) == 0
    bess = nodes.get("bess")
    if bess is None or f"ebus/5/{serial}/bess/feed" in bench.broker.retained:
        assert flow_w["grid"] == -bench.number(f"{up}/active-power")
    imported_wh = sum(bench.number(f"{each}/imported-energy") for each in circuits)
    exported_wh = sum(bench.number(f"{each}/exported-energy") for each in circuits)
    up_in_wh, up_out_wh = bench.number(f"{up}/imported-energy"), bench.number(f"{up}/exported-energy")
    assert round(bench.number(f"{down}/imported-energy") - (up_in_wh - imported_wh), 3) == 0
    assert round(bench.number(f"{down}/exported-energy") - (exported_wh - up_out_wh), 3) == 0


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    start_s=st.integers(0, 100_000_000),
    household=st.sampled_from(sorted(HOUSEHOLDS)),
    grid_up=st.booleans(),
)
def test_flat_values_balance_to_the_last_digit(seed: int, start_s: int, household: str, grid_up: bool) -> None:
    bench = Bench("flat", household, seed=seed, start=NOON + timedelta(seconds=start_s))
    bench.house.set_grid(up=grid_up)
    for _ in range(5):
        bench.wait(7)
        assert_flat_balances(bench)


def test_flat_declares_what_the_sheet_declares() -> None:
    sheet = homie.parse_description(flat_topics()[f"ebus/5/{SHEET}/$description"])
    ours = Bench("flat").description(HOME)
    assert sheet is not None
    assert ours.type == sheet.type and not ours.has_children
    by_type = {node.type: node.properties for node in sheet.nodes.values()}
    assert {node.type: node.properties for node in ours.nodes.values()} == by_type


def test_flat_publishes_what_the_sheet_publishes() -> None:
    bench = Bench("flat")
    pump = bench.circuit("Heat Pump")
    sheet = {topic.replace(SHEET, HOME).replace(HEAT_PUMP, pump) for topic in flat_topics()}
    missing = {topic for topic in sheet - bench.broker.retained.keys() if len(topic.split("/")[3]) != 32}
    assert missing == set()
    assert bench.value(f"{HOME}/{pump}/space") == "2" and bench.value(f"{HOME}/{pump}/dipole") == "true"


def test_flat_starts_with_init_and_ends_with_ready() -> None:
    bench = Bench("flat")
    topics = [topic.removeprefix(f"ebus/5/{HOME}/") for topic, _ in bench.ear.heard]
    assert topics[:2] == ["$state", "$description"] and topics[-1] == "$state"
    assert bench.ear.heard[0][1] == "init" and bench.ear.heard[-1][1] == "ready"
    assert topics.count("$state") == 2


def test_loads_are_negative_and_flows_are_turned_round() -> None:
    bench = Bench("flat")
    assert bench.number(f"{HOME}/{bench.circuit('Router and Alarm')}/active-power") < -30
    assert bench.number(f"{HOME}/power-flows/pv") < -1000 and bench.number(f"{HOME}/power-flows/site") > 0
    solar = bench.value(f"{HOME}/pv/feed")
    assert bench.value(f"{HOME}/{solar}/name") == "Commissioned PV System"
    assert bench.number(f"{HOME}/{solar}/active-power") == -bench.number(f"{HOME}/power-flows/pv")


def test_circuit_ids_are_those_of_v1() -> None:
    bench = Bench("flat")
    circuits = {node for node, kind in bench.description(HOME).nodes.items() if kind.type.endswith(".circuit")}
    assert circuits - bench.house.circuits.keys() == {bench.value(f"{HOME}/pv/feed")}


def test_a_relay_is_reported_after_its_lag() -> None:
    bench = Bench("flat")
    pump = f"{HOME}/{bench.circuit('Office Outlets')}"
    assert bench.set(f"{pump}/relay", "OPEN") == []
    bench.wait(0.3)
    assert bench.value(f"{pump}/relay") == "CLOSED"
    bench.wait(0.1)
    assert bench.value(f"{pump}/relay") == "OPEN" and bench.value(f"{pump}/relay-requester") == "USER"
    assert bench.value(f"{pump}/active-power") == "0.0"


@pytest.mark.parametrize("word", ["open", "SIDEWAYS", "", "UNKNOWN", "true"])
def test_a_relay_word_that_is_none_is_ignored_without_a_word(word: str) -> None:
    bench = Bench("flat")
    place = f"{HOME}/{bench.circuit('Office Outlets')}/relay"
    bench.set(place, word)
    bench.wait(2)
    assert bench.value(place) == "CLOSED"


def test_a_locked_circuit_ignores_commands() -> None:
    bench = Bench("flat")
    router = f"{HOME}/{bench.circuit('Router and Alarm')}"
    bench.set(f"{router}/relay", "OPEN")
    bench.set(f"{router}/shed-priority", "OFF_GRID")
    bench.wait(2)
    assert bench.value(f"{router}/relay") == "CLOSED" and bench.value(f"{router}/shed-priority") == "NEVER"
    assert bench.value(f"{router}/always-on") == "true"
