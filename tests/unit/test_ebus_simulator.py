"""The simulated panel on a broker: what it publishes, and what it does with commands."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebus_bench import HOME, NOON, Bench
from ebus_examples import HEAT_PUMP, flat_topics, tree_topics
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span.ebus import homie
from wattdeck.systems.span.household import HOUSEHOLDS
from wattdeck.systems.span.simulator import SpanSimulator

SHEET = "nt-2143-c1akc"


@pytest.mark.anyio
@pytest.mark.parametrize("api", ["flat", "tree"])
@pytest.mark.parametrize(("serial", "wanted"), [("", HOME), ("nt-2143-demo7", "nt-2143-demo7")])
async def test_several_panels_can_be_told_apart(api: str, serial: str, wanted: str) -> None:
    simulator = SpanSimulator(SimulatorOptions(start=NOON, api=api, serial=serial))
    assert simulator.broker is not None
    simulator.broker.tick()
    assert f"ebus/5/{wanted}/$state" in simulator.broker.retained and set(simulator.broker.passwords) == {wanted}
    assert simulator.state()["serial"] == wanted
    for path, key in (("v1", "system"), ("v2", "")):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(simulator.app), base_url="http://panel") as client:
            said = (await client.get(f"/api/{path}/status")).json()
        assert (said[key]["serial"] if key else said["serialNumber"]) == wanted
    other = [topic for topic in simulator.broker.retained if wanted != HOME and HOME in topic]
    assert other == []


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


def assert_tree_balances(bench: Bench) -> None:
    """The same for a device for each part; a group behind one meter counts once, a remote meter not at all."""
    serial = bench.house.household.serial
    children = bench.description(serial).children
    circuits = [each for each in children if bench.description(each).type.endswith(".circuit")]
    circuits = [each for each in circuits if "info" in bench.description(each).nodes]
    counted = [each for each in circuits if not set(circuits[: circuits.index(each)]) & set(shared_with(bench, each))]
    sum_w = sum(bench.number(f"{each}/meter/active-power") for each in counted)
    up_w, down_w = bench.number(f"{serial}-lugs-up/meter/active-power"), 0.0
    if f"{serial}-lugs-dn" in children:
        down_w = bench.number(f"{serial}-lugs-dn/meter/active-power")
    assert round(up_w + sum_w - down_w, 3) == 0
    flow_w = {each: bench.number(f"{serial}/power-flows/{each}") for each in ("grid", "pv", "battery", "site")}
    assert round(sum(flow_w.values()), 3) == 0
    fed = f"ebus/5/{serial}-lugs-up/connection/fed-by-device-id" in bench.broker.retained
    assert round(flow_w["grid"] + up_w + (flow_w["battery"] if fed else 0.0), 3) == 0
    for each in children:
        if bench.description(each).type.endswith(".bess"):
            assert bench.number(f"{each}/meter/active-power") == -flow_w["battery"]


def shared_with(bench: Bench, circuit: str) -> list[str]:
    return bench.broker.retained.get(f"ebus/5/{circuit}/meter/shared-with-device-ids", b"").decode().split(",")


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    start_s=st.integers(0, 100_000_000),
    household=st.sampled_from(sorted(HOUSEHOLDS)),
    grid_up=st.booleans(),
    api=st.sampled_from(["flat", "tree"]),
)
def test_published_values_balance_to_the_last_digit(
    seed: int, start_s: int, household: str, grid_up: bool, api: str
) -> None:
    bench = Bench(api, household, seed=seed, start=NOON + timedelta(seconds=start_s))
    bench.house.set_grid(up=grid_up)
    for _ in range(3):
        bench.wait(7)
        (assert_flat_balances if api == "flat" else assert_tree_balances)(bench)
        if not grid_up:
            assert bench.number(f"{bench.house.household.serial}/power-flows/grid") == 0


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


# the parent/child model


def test_tree_declares_what_the_sheet_declares() -> None:
    sheet = {}
    for topic, payload in tree_topics().items():
        if topic.endswith("/$description"):
            found = homie.parse_description(payload)
            assert found is not None
            if found.name not in ("Router and Alarm", "Commissioned PV System"):
                sheet[found.type] = found
    bench = Bench("tree")
    seen = set()
    for device in (*bench.description(HOME).children, f"{HOME}-tg12-mid"):
        ours = bench.description(device)
        if bench.broker.retained.get(f"ebus/5/{device}/switch/relay-controllable") != b"false":
            assert ours.nodes == sheet[ours.type].nodes, device
            seen.add(ours.type.rpartition(".")[2])
        assert ours.root == HOME and ours.has_children
    assert bench.description(HOME).nodes == sheet["energy.ebus.device.distribution-enclosure"].nodes
    assert seen == {"lugs", "circuit", "bess", "mid", "pv", "evse"}


def test_tree_publishes_what_the_sheet_publishes() -> None:
    bench = Bench("tree")
    serial = bench.house.household.serial

    def generic(topics: Any) -> set[str]:
        return {topic.split("/", 3)[3] for topic in topics}

    assert generic(tree_topics()) - generic(bench.broker.retained) <= {
        "connection/fed-by-device-id",
        "connection/fed-by-device-type",
        "connection/fed-by-device-status",
    }
    assert bench.value(f"{serial}/info/data-model-version") == "1.0"
    assert bench.value(f"{serial}/info/firmware-version") == "spanos3/r202639/03"


def test_every_value_of_the_tree_is_declared() -> None:
    for household in HOUSEHOLDS:
        bench = Bench("tree", household)
        for topic in bench.broker.retained:
            place = homie.parse_topic(topic)
            assert place is not None
            if place.node:
                listed = bench.description(place.device).nodes[place.node].properties
                assert listed is not None and place.prop in listed, topic


def test_children_are_ready_before_the_root_appears() -> None:
    bench = Bench("tree", "barn")
    serial = bench.house.household.serial
    states = [(topic.split("/")[2], text) for topic, text in bench.ear.heard if topic.endswith("/$state")]
    assert states[-2:] == [(serial, "init"), (serial, "ready")]
    assert [text for _, text in states] == ["init", "ready"] * (len(states) // 2)
    assert states.index((f"{serial}-tg27-mid", "ready")) < states.index((f"{serial}-tg27", "init"))
    reached = {serial} | set(bench.description(serial).children) | set(bench.description(f"{serial}-tg27").children)
    assert reached == {device for device, _ in states}


def test_both_models_say_the_same_of_one_house() -> None:
    flat, tree = Bench("flat"), Bench("tree")
    for circuit in flat.house.circuits:
        for ours, theirs in (
            ("active-power", "meter/active-power"),
            ("exported-energy", "meter/exported-energy"),
            ("name", "info/name"),
            ("shed-priority", "load-shed/priority"),
        ):
            assert flat.value(f"{HOME}/{circuit}/{ours}") == tree.value(f"{circuit}/{theirs}")
    for flow in ("grid", "pv", "battery", "site"):
        assert flat.value(f"{HOME}/power-flows/{flow}") == tree.value(f"{HOME}/power-flows/{flow}")


def test_locked_circuits_have_no_settable_key_at_all() -> None:
    bench = Bench("tree")
    router = bench.circuit("Router and Alarm")
    described = bench.value(f"{router}/$description")
    assert "settable" not in described and "settable" in bench.value(f"{bench.circuit('Heat Pump')}/$description")
    assert bench.value(f"{router}/switch/relay-controllable") == "false"
    assert bench.value(f"{router}/switch/relay-requester") == "CONFIGURATION"


def test_a_circuit_that_is_never_backed_up_has_a_relay_and_no_choice_of_priority() -> None:
    bench = Bench("tree", "barn")
    sauna = bench.circuit("Sauna")
    description = bench.description(sauna)
    assert description.settable("switch", "relay") and not description.settable("load-shed", "priority")
    bench.set(f"{sauna}/load-shed/priority", "NEVER")
    bench.wait()
    assert bench.value(f"{sauna}/load-shed/priority") == "OFF_GRID"


def test_the_barn_has_everything_odd() -> None:
    bench = Bench("tree", "barn")
    serial = bench.house.household.serial
    spaces = [bench.broker.retained.get(f"ebus/5/{each}/info/spaces") for each in bench.description(serial).children]
    assert spaces.count(b"14") == 2
    remote = [
        each
        for each in bench.description(serial).children
        if bench.description(each).type.endswith("circuit") and set(bench.description(each).nodes) == {"meter"}
    ]
    assert len(remote) == 1 and bench.number(f"{remote[0]}/meter/active-power") < 0
    lights = bench.circuit("Stable Lights")
    (fans,) = shared_with(bench, lights)
    assert shared_with(bench, fans) == [lights] and bench.value(f"{fans}/info/name") == "Stable Fans"
    assert bench.value(f"{fans}/meter/active-power") == bench.value(f"{lights}/meter/active-power")
    assert bench.value(f"{serial}-lugs-up/connection/fed-by-device-id") == f"{serial}-tg27"
    assert bench.number(f"{serial}-lugs-dn/meter/active-power") > 0


def test_one_relay_moves_the_whole_group() -> None:
    bench = Bench("tree", "barn")
    lights = bench.circuit("Stable Lights")
    (fans,) = shared_with(bench, lights)
    bench.set(f"{fans}/switch/relay", "OPEN")
    bench.wait()
    assert bench.value(f"{lights}/switch/relay") == bench.value(f"{fans}/switch/relay") == "OPEN"


def test_panels_come_in_sizes() -> None:
    small, large = Bench("tree", "small"), Bench("tree", "large")
    assert 950 < len(large.broker.retained) < 1050
    spaces = set()
    for each in small.house.circuits:
        spaces |= set(small.value(f"{each}/info/spaces").split(","))
    assert spaces == {str(number) for number in range(9, 25)}
    assert "breaker" not in large.description("nt-2611-large").nodes


def test_without_the_grid_the_panel_sheds_and_says_so() -> None:
    for api, place, word in (
        ("flat", f"{HOME}/{{}}/relay-requester", "BACKUP"),
        ("tree", "{}/switch/relay-requester", "LOAD_SHED"),
    ):
        bench = Bench(api)
        bench.simulator.set_fault("grid-down")
        bench.wait()
        assert bench.value(place.format(bench.circuit("Pool Pump"))) == word
        assert bench.value(place.format(bench.circuit("Refrigerator"))) == "NONE"
    assert bench.value(f"{HOME}-tg12-mid/grid/islanding-state") == "OFF_GRID"
    assert bench.value(f"{HOME}-tg12-mid/grid/grid-forming-entity") == f"{HOME}-tg12"


def test_a_priority_is_real() -> None:
    bench = Bench("tree")
    pump = bench.circuit("Pool Pump")
    bench.set(f"{pump}/load-shed/priority", "NEVER")
    bench.wait(0)
    assert bench.value(f"{pump}/load-shed/priority") == "NEVER"
    bench.simulator.set_fault("grid-down")
    bench.wait()
    assert bench.value(f"{pump}/switch/relay") == "CLOSED"
    bench.set(f"{pump}/load-shed/priority", "UNKNOWN")
    bench.set(f"{pump}/load-shed/priority", "never")
    bench.wait()
    assert bench.value(f"{pump}/load-shed/priority") == "NEVER"


def test_the_chargers_ceiling_is_clamped_and_kept() -> None:
    bench = Bench("tree")
    charger = f"{HOME}-dt-01/config/user-max-charge-current"
    assert f"ebus/5/{charger}" not in bench.broker.retained
    for sent, shown in (("99", "48"), ("1", "6"), ("-5", "6"), ("16", "16"), ("many", "16"), ("20.5", "16")):
        bench.set(charger, sent)
        bench.wait(0)
        assert bench.value(charger) == shown, sent
    bench.simulator.set_fault("load", "EV Charger:9000")
    bench.wait()
    assert bench.number(f"{bench.circuit('EV Charger')}/meter/active-power") == pytest.approx(-16 * 240, abs=1)
    assert bench.value(f"{HOME}-dt-01/status/status") == "CHARGING"


def test_equal_values_are_not_sent_again() -> None:
    bench = Bench("tree")
    assert bench.wait(0) == []
    heard = bench.wait(1)
    assert 0 < len(heard) < 120 and not [topic for topic, _ in heard if "$" in topic]
