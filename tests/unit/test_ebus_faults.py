"""Every fault of the simulated panel on its broker, by name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from ebus_bench import HOME, NOON, Bench
from wattdeck.core.errors import TimedOut, Unreachable
from wattdeck.core.faultboard import Kind
from wattdeck.systems.span.ebus import homie
from wattdeck.systems.span.ebus.local import LocalStream
from wattdeck.systems.span.ebus.stream import Endpoint
from wattdeck.systems.span.simulated import faults

BARN = "nt-2609-demo3"
ENDPOINT = Endpoint("127.0.0.1", 8883, HOME, "demo-broker-password", "")


def on(bench: Bench, name: str, value: str | None = None) -> None:
    """Switch a fault on."""
    bench.simulator.set_fault(name, value)


def refused(bench: Bench) -> str:
    """Why nobody may come in; empty: one may."""
    return str(bench.broker.refusal or "")


def first(bench: Bench) -> str:
    return next(iter(bench.house.circuits))


def states(heard: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(topic.split("/")[2], text) for topic, text in heard if topic.endswith("/$state")]


# states


@pytest.mark.parametrize("word", ["lost", "disconnected", "sleeping"])
def test_a_panel_that_is_not_there_says_its_state_and_no_more(word: str) -> None:
    bench = Bench("tree")
    on(bench, "device-state", word)
    assert bench.wait() == [(f"ebus/5/{HOME}/$state", word)]
    assert bench.wait() == []
    bench.set(f"{first(bench)}/switch/relay", "OPEN")
    bench.wait(2)
    bench.simulator.clear_faults("device-state")
    heard = bench.wait()
    assert heard[-1] == (f"ebus/5/{HOME}/$state", "ready")
    assert not [topic for topic, _ in heard if topic.endswith("$description")]
    assert bench.value(f"{first(bench)}/switch/relay") == "CLOSED"


def test_a_panel_that_updates_goes_on_reporting() -> None:
    bench = Bench("flat")
    on(bench, "device-state", "init")
    heard = bench.wait()
    assert states(heard) == [(HOME, "init")] and len(heard) > 10


def test_a_child_may_be_lost_alone() -> None:
    bench = Bench("tree", "barn")
    on(bench, "device-state", "tg27:lost")
    bench.wait()
    assert bench.value(f"{BARN}-tg27/$state") == "lost" and bench.value(f"{BARN}/$state") == "ready"
    assert not [topic for topic, _ in bench.wait() if topic.startswith(f"ebus/5/{BARN}-tg27/")]
    bench.simulator.clear_faults("device-state")
    bench.wait()
    assert bench.value(f"{BARN}-tg27/$state") == "ready"


def test_a_panel_may_be_lost_from_the_start_with_everything_it_said() -> None:
    bench = Bench("flat", faults={"device-state": "lost"})
    assert bench.value(f"{HOME}/$state") == "lost" and len(bench.broker.retained) > 300


def test_names_come_late() -> None:
    bench = Bench("tree", faults={"names-late": "4"})
    place = f"ebus/5/{first(bench)}/info/name"
    assert place not in bench.broker.retained and bench.value(f"{HOME}/$state") == "ready"
    bench.wait(3)
    assert place not in bench.broker.retained
    assert (place, "Kitchen Lights") in bench.wait(1)


def test_names_switched_late_while_connected_go_and_come_back() -> None:
    bench = Bench("flat")
    on(bench, "names-late", "4")
    heard = bench.wait()
    assert states(heard) == [(HOME, "init"), (HOME, "ready")]
    assert (f"ebus/5/{HOME}/{first(bench)}/name", "") in heard
    bench.wait(4)
    assert bench.value(f"{HOME}/{first(bench)}/name") == "Kitchen Lights"


# descriptions


@pytest.mark.parametrize("device", ["panel", "lugs-up", "Heat Pump"])
def test_a_description_may_be_missing(device: str) -> None:
    bench = Bench("tree", faults={"no-description": device})
    undescribed = {
        topic.split("/")[2]
        for topic in bench.broker.retained
        if topic.endswith("/$state") and topic.replace("$state", "$description") not in bench.broker.retained
    }
    known = {"panel": HOME, "lugs-up": f"{HOME}-lugs-up", "Heat Pump": bench.circuit("Heat Pump")}
    assert undescribed == {known[device]}
    bench.simulator.clear_faults()
    bench.wait()
    assert f"ebus/5/{known[device]}/$description" in bench.broker.retained


def test_a_description_that_was_there_goes() -> None:
    bench = Bench("flat")
    on(bench, "no-description")
    bench.wait()
    assert f"ebus/5/{HOME}/$description" not in bench.broker.retained


@pytest.mark.parametrize("api", ["flat", "tree"])
def test_a_bare_description_names_types_alone(api: str) -> None:
    bench = Bench(api)
    on(bench, "bare-description")
    bench.wait()
    nodes = bench.description(HOME).nodes.values()
    assert nodes and all(node.type and node.properties is None for node in nodes)


def test_children_may_be_missing() -> None:
    bench = Bench("tree", "barn", faults={"missing-children": "2"})
    children = bench.description(BARN).children
    absent = [each for each in children if f"ebus/5/{each}/$state" not in bench.broker.retained]
    assert absent == list(children[-2:])
    bench.simulator.clear_faults()
    assert (f"ebus/5/{absent[0]}/$state", "ready") in bench.wait()


def test_children_may_go_round_in_circles() -> None:
    bench = Bench("tree")
    on(bench, "children-cycle")
    bench.wait()
    lugs = f"{HOME}-lugs-up"
    assert set(bench.description(lugs).children) == {HOME, lugs}


# releases


def test_an_upgrade_drops_everybody_and_comes_back_as_a_tree() -> None:
    bench = Bench("flat")
    on(bench, "upgrade", "30")
    assert bench.value(f"{HOME}/$state") == "lost" and ("", "connection lost") in bench.ear.heard
    assert refused(bench) == "the connection to the broker was lost"
    assert bench.wait(29) == []
    heard = bench.wait(1)
    assert not refused(bench)
    assert bench.description(HOME).has_children
    assert bench.value(f"{HOME}/info/data-model-version") == "1.0"
    assert not [topic for topic in bench.broker.retained if topic.startswith(f"ebus/5/{HOME}/core/")]
    assert states(heard)[0] == (HOME, "init") and states(heard)[-1] == (HOME, "ready")


def test_an_upgrade_may_bring_a_new_authority() -> None:
    bench = Bench("flat")
    assert bench.simulator.panel is not None
    refusals: list[str] = []
    bench.simulator.panel.on_new_authority = lambda: refusals.append(refused(bench))
    on(bench, "upgrade", "5")
    bench.wait(5)
    assert refusals == []
    on(bench, "upgrade", "5:ca")
    bench.wait(5)
    on(bench, "new-ca")
    assert refusals == ["the connection to the broker was lost", ""]


def test_an_upgrade_without_a_drop_happens_on_the_open_connection() -> None:
    bench = Bench("flat")
    on(bench, "upgrade", "0")
    heard = bench.wait(0)
    assert ("", "connection lost") not in heard and not refused(bench)
    root = states([each for each in heard if each[0] == f"ebus/5/{HOME}/$state"])
    assert [word for _, word in root] == ["init", "init", "ready"]
    circuit = bench.circuit("Office Outlets")
    assert bench.value(f"{circuit}/info/name") == "Office Outlets"
    assert f"ebus/5/{HOME}/{circuit}/name" not in bench.broker.retained
    bench.set(f"{circuit}/switch/relay", "OPEN")
    bench.wait()
    assert bench.value(f"{circuit}/switch/relay") == "OPEN"


def test_a_downgrade_leads_back() -> None:
    bench = Bench("tree")
    on(bench, "downgrade", "30")
    assert bench.value(f"{HOME}/$state") == "disconnected"
    bench.wait(30)
    assert not bench.description(HOME).has_children
    assert {topic.split("/")[2] for topic in bench.broker.retained} == {HOME}
    assert bench.value(f"{HOME}/core/software-version") == "spanos2/r202627/06"


def test_the_old_topics_may_stay_behind() -> None:
    bench = Bench("flat")
    on(bench, "leftovers")
    on(bench, "upgrade", "0")
    bench.wait(0)
    assert bench.value(f"{HOME}/core/software-version") == "spanos2/r202627/06"
    assert bench.value(f"{HOME}/info/firmware-version") == "spanos3/r202639/03"


def test_relays_and_counters_survive_an_upgrade() -> None:
    bench = Bench("flat")
    circuit = bench.circuit("Office Outlets")
    bench.set(f"{HOME}/{circuit}/relay", "OPEN")
    bench.wait()
    used = bench.number(f"{HOME}/{circuit}/exported-energy")
    on(bench, "upgrade", "60")
    bench.wait(60)
    assert bench.value(f"{circuit}/switch/relay") == "OPEN"
    assert bench.number(f"{circuit}/meter/exported-energy") == pytest.approx(used, abs=1)


def test_a_reboot_is_an_absence_of_the_same_model() -> None:
    bench = Bench("tree")
    bench.simulator.set_fault("reboot", "20")
    assert bench.value(f"{HOME}/$state") == "disconnected" and refused(bench)
    bench.wait(20)
    assert bench.value(f"{HOME}/$state") == "ready" and bench.value(f"{HOME}/door/state") == "UNKNOWN"


def test_clearing_all_faults_ends_an_absence() -> None:
    bench = Bench("flat")
    bench.simulator.set_fault("upgrade", "600")
    bench.simulator.clear_faults()
    assert not refused(bench)
    bench.wait()
    assert bench.description(HOME).has_children


@pytest.mark.parametrize(("release", "shown"), [("r202633", "spanos3/r202633/03"), ("spanos3/r202645/01",) * 2])
def test_another_release_can_be_chosen(release: str, shown: str) -> None:
    bench = Bench("tree", faults={"firmware": release})
    assert bench.value(f"{HOME}/info/firmware-version") == shown


def test_an_upgrade_ends_the_choice_of_a_release() -> None:
    bench = Bench("flat", faults={"firmware": "r202603"})
    on(bench, "upgrade", "0")
    bench.wait(0)
    assert bench.value(f"{HOME}/info/firmware-version") == "spanos3/r202639/03"


def test_r202633_counts_charging_as_positive() -> None:
    old, new = Bench("tree", faults={"firmware": "r202633"}), Bench("tree")
    battery = f"{HOME}-tg12/meter/active-power"
    assert old.number(battery) == -new.number(battery) == old.number(f"{HOME}/power-flows/battery") > 0


# the broker


def test_a_frozen_broker_says_nothing_and_keeps_its_connections() -> None:
    bench = Bench("flat")
    on(bench, "broker-frozen")
    bench.now_s += 5
    assert bench.after(bench.broker.move_on) == []
    bench.simulator.clear_faults("broker-frozen")
    assert bench.after(bench.broker.move_on) != []


def test_a_broker_refuses_and_lets_in_again() -> None:
    bench = Bench("flat")
    on(bench, "broker-refuse")
    assert "password" in refused(bench) and ("", "connection lost") in bench.ear.heard
    bench.simulator.clear_faults()
    assert not refused(bench)


def test_connections_drop_now_and_every_few_seconds() -> None:
    bench = Bench("flat")
    assert bench.after(lambda: on(bench, "drop"))[0] == ("", "connection lost")
    on(bench, "drop-every", "3")
    bench.wait(0)
    drops = [("", "connection lost") in bench.wait() for _ in range(7)]
    assert drops == [False, False, True, False, False, True, False]


# messages


def test_older_firmware_repeats_what_it_measures() -> None:
    def measured(bench: Bench) -> set[str]:
        bench.wait(0)
        return {topic.rpartition("/")[2] for topic, _ in bench.wait(0)}

    bench = Bench("flat")
    assert "active-power" in measured(bench) and "name" not in measured(bench)
    on(bench, "equal", "withheld")
    assert measured(bench) == set()
    new = Bench("tree")
    assert measured(new) == set()
    on(new, "equal", "all")
    assert {"name", "relay", "active-power"} <= measured(new)


def test_messages_come_twice() -> None:
    bench = Bench("tree")
    on(bench, "copies")
    heard = bench.wait()
    assert heard and heard[::2] == heard[1::2]


def test_messages_come_in_any_order() -> None:
    ordered, mixed = Bench("tree"), Bench("tree", faults={"disorder": None})
    assert sorted(ordered.ear.heard) == sorted(mixed.ear.heard) != ordered.ear.heard != mixed.ear.heard


def test_the_last_word_counts_whatever_the_order() -> None:
    for seed in range(5):
        bench = Bench("tree", seed=seed, faults={"disorder": None})
        states = [text for topic, text in bench.broker.retained.items() if topic.endswith("/$state")]
        assert set(states) == {b"ready"} and bench.ear.heard[0][0] != f"ebus/5/{HOME}-lugs-up/$state"


def test_a_burst_is_everything_many_times() -> None:
    bench = Bench("tree")
    heard = bench.after(lambda: on(bench, "burst", "5"))
    values = [topic for topic in bench.broker.retained if "$" not in topic]
    assert len(heard) == 5 * len(values)


@pytest.mark.parametrize("text", ["(null)", "NaN", "TRIPPED", "", "x" * 300, "1e999", "-0.0"])
def test_a_property_says_anything(text: str) -> None:
    bench = Bench("tree")
    circuit = first(bench)
    on(bench, "payload", f"{circuit}/meter/active-power:{text}")
    heard = bench.wait()
    assert (f"ebus/5/{circuit}/meter/active-power", text) in heard
    assert bench.number(f"{bench.circuit('Heat Pump')}/meter/active-power") <= 0
    bench.simulator.clear_faults("payload")
    bench.wait()
    assert bench.number(f"{circuit}/meter/active-power") <= 0


@pytest.mark.parametrize(
    ("api", "name", "place", "text"),
    [
        ("flat", "null-power", "active-power", "(null)"),
        ("tree", "null-power", "meter/active-power", "(null)"),
        ("tree", "null-name", "info/name", "(null)"),
        ("flat", "nan", "active-power", "NaN"),
        ("tree", "negative-zero", "meter/active-power", "-0.0"),
        ("tree", "null-energy", "meter/exported-energy", "(null)"),
        ("flat", "unknown-enum", "relay", "TRIPPED"),
        ("tree", "unknown-enum", "load-shed/priority", "TRIPPED"),
    ],
)
def test_the_lies_of_v1_are_told_in_messages_too(api: str, name: str, place: str, text: str) -> None:
    bench = Bench(api)
    head = f"{HOME}/" if api == "flat" else ""
    one, other = f"{head}{first(bench)}/{place}", f"{head}{bench.circuit('Heat Pump')}/{place}"
    bench.simulator.set_fault(name)
    bench.wait()
    assert bench.value(one) == text != bench.value(other)
    bench.simulator.set_fault(name, "all*1")
    bench.wait()
    assert bench.value(one) == bench.value(other) == text
    bench.wait()
    assert bench.value(other) != text


def test_the_house_faults_act_on_both_models() -> None:
    for api, door, relay in (("flat", "core/door", "core/relay"), ("tree", "door/state", "status/relay")):
        bench = Bench(api)
        for name in ("door-open", "main-relay-open", "hostile-names"):
            bench.simulator.set_fault(name)
        bench.wait()
        assert bench.value(f"{HOME}/{door}") == "OPEN" and bench.value(f"{HOME}/{relay}") == "OPEN"
        place = f"{HOME}/{first(bench)}/name" if api == "flat" else f"{first(bench)}/info/name"
        assert bench.value(place).startswith("[bold red]")
        bench.simulator.set_fault("door-unknown")
        bench.simulator.set_fault("main-relay-unknown")
        bench.wait()
        assert bench.value(f"{HOME}/{door}") == bench.value(f"{HOME}/{relay}") == "UNKNOWN"


def test_an_empty_name_is_homies_empty_text_and_no_deletion() -> None:
    bench = Bench("tree")
    bench.simulator.set_fault("renamed", f"{first(bench)}:")
    bench.wait()
    assert bench.value(f"{first(bench)}/info/name") == "\0"


def test_counters_dip_and_come_back() -> None:
    bench = Bench("tree")
    place = f"{first(bench)}/meter/exported-energy"
    before = bench.number(place)
    bench.simulator.set_fault("counter-dip", "0.5:2")
    bench.wait()
    assert bench.number(place) == pytest.approx(before / 2, rel=0.01)
    bench.wait()
    bench.wait()
    assert bench.number(place) >= before


def test_a_name_may_have_a_megabyte() -> None:
    for api, place in (("flat", f"{HOME}/{{}}/name"), ("tree", "{}/info/name")):
        bench = Bench(api)
        on(bench, "huge-payload")
        bench.wait()
        assert len(bench.value(place.format(first(bench)))) == 1_000_000


@pytest.mark.parametrize("api", ["flat", "tree"])
def test_what_real_panels_leave_out_may_be_absent(api: str) -> None:
    bench = Bench(api)
    before = set(bench.broker.retained)
    on(bench, "sparse")
    bench.wait()
    gone = {topic.split("/", 3)[3] for topic in before - bench.broker.retained.keys()}
    assert gone >= ({"core/relay", "bess/soc"} if api == "flat" else {"status/relay", "soc/soc", "breaker/rating"})
    door = "core/door" if api == "flat" else "door/state"
    assert bench.value(f"{HOME}/{door}") == "UNKNOWN"
    version = "core/software-version" if api == "flat" else "info/firmware-version"
    assert bench.value(f"{HOME}/{version}").startswith("spanos")


def test_the_lower_lugs_may_be_silent() -> None:
    for api, place in (
        ("flat", f"{BARN}/lugs-downstream/active-power"),
        ("tree", f"{BARN}-lugs-dn/meter/active-power"),
    ):
        bench = Bench(api, "barn")
        assert bench.number(place) > 0
        on(bench, "silent-feedthrough")
        bench.wait()
        assert f"ebus/5/{place}" not in bench.broker.retained
        assert (
            f"ebus/5/{place.replace('lugs-dn', 'lugs-up').replace('downstream', 'upstream')}" in bench.broker.retained
        )


@pytest.mark.parametrize("api", ["flat", "tree"])
def test_others_live_on_the_same_broker(api: str) -> None:
    bench = Bench(api)
    alone = set(bench.broker.retained)
    on(bench, "foreign")
    bench.wait()
    devices = {topic.split("/")[2] for topic in bench.broker.retained.keys() - alone}
    assert {"greenhouse-7", "nt-1999-other"} <= devices
    assert bench.description("nt-1999-other").type == bench.description(HOME).type
    assert not set(bench.description("nt-1999-other").children) & set(bench.description(HOME).children)
    bench.simulator.clear_faults("foreign")
    bench.wait()
    assert set(bench.broker.retained) == alone


# commands


def test_commands_vanish() -> None:
    bench = Bench("tree")
    relay = f"{first(bench)}/switch/relay"
    on(bench, "swallow-sets", "*1")
    bench.set(relay, "OPEN")
    bench.wait()
    assert bench.value(relay) == "CLOSED"
    bench.set(relay, "OPEN")
    bench.wait()
    assert bench.value(relay) == "OPEN"


def test_the_power_control_system_opens_again() -> None:
    bench = Bench("tree")
    relay = f"{first(bench)}/switch/relay"
    on(bench, "pcs-reopen", "2")
    for word in ("OPEN", "CLOSED"):
        bench.set(relay, word)
        bench.wait(0.5)
        assert bench.value(relay) == word and bench.value(f"{relay}-requester") == "USER"
    bench.wait(2)
    assert bench.value(relay) == "OPEN" and bench.value(f"{relay}-requester") == "PCS"


def test_relays_lag_and_bounce_as_in_v1() -> None:
    bench = Bench("tree")
    relay = f"{first(bench)}/switch/relay"
    bench.simulator.set_fault("relay-lag", "3")
    bench.simulator.set_fault("relay-bounce", "2")
    bench.set(relay, "OPEN")
    words = []
    for _ in range(6):
        bench.wait()
        words.append(bench.value(relay))
    assert words == ["CLOSED", "CLOSED", "OPEN", "OPEN", "CLOSED", "CLOSED"]


@pytest.mark.parametrize("api", ["flat", "tree"])
def test_a_target_precedes_the_value(api: str) -> None:
    bench = Bench(api)
    on(bench, "target")
    place = f"{HOME}/{first(bench)}/relay" if api == "flat" else f"{first(bench)}/switch/relay"
    bench.set(place, "OPEN")
    assert (f"ebus/5/{place}/$target", "OPEN") in bench.wait(0.1)
    assert bench.value(place) == "CLOSED"
    bench.wait(0.4)
    assert bench.value(place) == bench.value(f"{place}/$target") == "OPEN"
    bench.simulator.clear_faults("target")
    bench.wait()
    assert f"ebus/5/{place}/$target" not in bench.broker.retained


def test_a_command_that_is_refused_has_no_target() -> None:
    bench = Bench("tree")
    on(bench, "target")
    place = f"{bench.circuit('Router and Alarm')}/switch/relay"
    bench.set(place, "OPEN")
    bench.wait()
    assert f"ebus/5/{place}/$target" not in bench.broker.retained


# how they are written


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("device-state", "asleep"),
        ("upgrade", "soon"),
        ("upgrade", "5:cheese"),
        ("payload", "no-colon"),
        ("payload", None),
        ("firmware", "202639"),
        ("copies", "0"),
        ("burst", "1001"),
        ("equal", "sometimes"),
        ("drop-every", None),
    ],
)
def test_what_a_fault_does_not_take_is_refused(name: str, value: str | None) -> None:
    bench = Bench("flat")
    if (name, value) == ("drop-every", None):
        bench.simulator.set_fault(name, value)
        assert bench.simulator.state()["faults"][-1] == name
        return
    with pytest.raises(ValueError, match=name):
        bench.simulator.set_fault(name, value)


@pytest.mark.parametrize("kind", faults.KINDS, ids=lambda kind: kind.name)
def test_a_panel_of_v1_takes_no_fault_of_v2(kind: Kind) -> None:
    from wattdeck.core.system import SimulatorOptions
    from wattdeck.systems.span.simulator import SpanSimulator

    value = "a:b" if kind.name == "payload" else None
    refused = f"{kind.name} is a fault of v2; this panel speaks v1"
    with pytest.raises(ValueError, match=refused):
        SpanSimulator(SimulatorOptions(start=NOON, faults={kind.name: value}))
    simulator = SpanSimulator(SimulatorOptions(start=NOON))
    with pytest.raises(ValueError, match=refused):
        simulator.set_fault(kind.name, value)
    simulator.set_fault(kind.name, "off")
    assert simulator.broker is None and not any(kind.name in each for each in simulator.state()["faults"])


def test_every_fault_has_a_test() -> None:
    here = Path(__file__).read_text("utf-8")
    tested = set(re.findall(r'on\(bench, "([a-z-]+)"', here)) | set(re.findall(r'faults=\{"([a-z-]+)"', here))
    tested |= set(re.findall(r'on\(new, "([a-z-]+)"', here)) | {"null-passwords"}  # of test_ebus_registration.py
    assert {kind.name for kind in faults.KINDS} <= tested


# on a stream


@pytest.mark.anyio
async def test_a_stream_sees_an_upgrade_from_both_sides() -> None:
    bench = Bench("flat")
    stream = LocalStream(bench.broker, ENDPOINT)
    await stream.connect()
    await stream.subscribe([f"ebus/5/{HOME}/#"])
    bench.simulator.set_fault("upgrade", "30")
    with pytest.raises(Unreachable):
        await _read(stream, 10_000)
    late = LocalStream(bench.broker, ENDPOINT)
    with pytest.raises(Unreachable, match="was lost"):
        await late.connect()
    bench.now_s += 30
    bench.broker._ticked_s = float("-inf")
    await late.connect()
    await late.subscribe([f"ebus/5/{HOME}/#"])
    messages = await _read(late, 40)
    version = next(payload for topic, payload in messages if topic.endswith("/info/data-model-version"))
    assert version == b"1.0"
    await late.aclose()


@pytest.mark.anyio
async def test_a_frozen_broker_confirms_nothing() -> None:
    bench = Bench("flat")

    async def at_once(_: float) -> None:
        return

    bench.broker.clock = _Clock(lambda: bench.now_s, at_once)  # type: ignore[assignment]
    stream = LocalStream(bench.broker, ENDPOINT)
    await stream.connect()
    bench.simulator.set_fault("broker-frozen")
    with pytest.raises(TimedOut):
        await stream.publish(f"ebus/5/{HOME}/{first(bench)}/relay/set", "OPEN")


class _Clock:
    def __init__(self, monotonic: Callable[[], float], sleep: object) -> None:
        self.monotonic = monotonic
        self.sleep = sleep


async def _read(stream: LocalStream, most: int) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    async for message in stream:
        found.append((message.topic, message.payload))
        if len(found) >= most:
            break
    return found


def test_a_description_is_valid_json_with_a_version_that_grows() -> None:
    bench = Bench("tree")
    place = f"ebus/5/{first(bench)}/$description"
    before = json.loads(bench.broker.retained[place])
    bench.simulator.set_fault("renamed", "Larder")
    heard = bench.wait(0)
    after = json.loads(bench.broker.retained[place])
    assert after["version"] > before["version"] and after["name"] == "Larder"
    assert states(heard) == [(first(bench), "init"), (first(bench), "ready")]
    assert homie.parse_description(bench.broker.retained[place]) is not None


def test_the_readme_names_every_fault_of_v2() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    named = set(re.findall(r"`([a-z-]+)(?:=[^`]*)?`", readme))
    assert {kind.name for kind in faults.KINDS} <= named
