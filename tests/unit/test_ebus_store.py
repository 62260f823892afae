"""What a store keeps of a panel, whatever a broker says: bounded, and never more than was said (span-v2.md 4, 6, 9)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ebus_examples import OFFICE, SERIAL, flat_topics, tree_topics
from fakes import ManualClock
from wattdeck.core.errors import Unreachable
from wattdeck.systems.span.ebus import homie, store
from wattdeck.systems.span.ebus.homie import DeviceState
from wattdeck.systems.span.ebus.panel import PanelView
from wattdeck.systems.span.ebus.ready import REPLAY_OVER_S, Settling, trouble
from wattdeck.systems.span.ebus.store import Change, EbusStore
from wattdeck.systems.span.ebus.stream import Message
from wattdeck.systems.span.models import DataModel, PanelSnapshot

ROOT = f"ebus/5/{SERIAL}"
FLAT, TREE = DataModel.FLAT, DataModel.TREE
BOTH = pytest.mark.parametrize("model", [FLAT, TREE])
CIRCUIT = "energy.ebus.device.circuit"


def topics_of(model: DataModel) -> dict[str, bytes]:
    return flat_topics() if model is FLAT else tree_topics()


def told(messages: Mapping[str, bytes] | Iterable[tuple[str, bytes]]) -> EbusStore:
    """A store that follows every device the root names, told these in this order."""
    made = EbusStore(SERIAL, ManualClock().monotonic)
    pairs = list(messages.items() if isinstance(messages, Mapping) else messages)
    asked = {SERIAL}
    while asked:
        for topic, payload in pairs:
            if topic.split("/")[2] in asked:
                made.apply(Message(topic, payload))
        asked = set(made.new_children())
    return made


def picture(made: EbusStore, model: DataModel) -> PanelSnapshot:
    return PanelView(made, model, ManualClock()).snapshot()


def complete(made: EbusStore) -> bool:
    return made.complete_s is not None


def evidence(made: EbusStore) -> DataModel | None:
    return made.evidence


def described(**more: Any) -> bytes:
    return json.dumps({"type": CIRCUIT, "nodes": {"meter": {"type": "energy.ebus.capability.meter"}}, **more}).encode()


# Bounds


def test_topics_without_end_take_bounded_room(caplog: pytest.LogCaptureFixture) -> None:
    made = EbusStore(SERIAL, ManualClock().monotonic)
    payload = b"x" * homie.VALUE_BYTES_MAX
    for number in range(3000):
        made.apply(Message(f"{ROOT}/n{number}/p", payload))
    assert made.held_bytes == made.root.held_bytes <= store.HELD_BYTES_MAX
    assert sum(map(len, made.root.values.values())) <= store.HELD_BYTES_MAX
    # What is known may still change and go, and what went makes room.
    assert made.apply(Message(f"{ROOT}/n0/p", b"7")) is Change.VALUE
    assert made.apply(Message(f"{ROOT}/late/p", b"7")) is Change.VALUE
    for topic in [*made.root.values]:
        made.apply(Message(f"{ROOT}/{topic}", b""))
    assert made.held_bytes == 0 and not made.root.values
    assert len([record for record in caplog.records if "more than is kept" in record.message]) == 1, "said once"


@pytest.mark.parametrize("payloads", [[b""], [b"x" * 17_000], [b"1", b""], [b"1", b"x" * 17_000]])
def test_nodes_that_come_and_go_leave_nothing_behind(payloads: list[bytes]) -> None:
    made = EbusStore(SERIAL, ManualClock().monotonic)
    for number in range(5000):
        for payload in payloads:
            made.apply(Message(f"{ROOT}/n{number}/p", payload))
    assert not made.root.values and made.held_bytes == 0
    assert len(made.root.touched_s) <= store.NODES_MAX and len(made.root.dirty) <= store.NODES_MAX + 1


def test_a_value_that_does_not_fit_any_more_is_unknown_and_not_the_old_one() -> None:
    made = EbusStore(SERIAL, ManualClock().monotonic)
    made.apply(Message(f"{ROOT}/meter/power", b"1"))
    made.apply(Message(f"{ROOT}/meter/power", b"2" * 17_000))
    assert "meter/power" not in made.root.values


def test_families_without_end_are_followed_to_a_bound() -> None:
    made = EbusStore(SERIAL, ManualClock().monotonic)
    made.apply(Message(f"{ROOT}/$state", b"ready"))
    made.apply(Message(f"{ROOT}/$description", described(children=[f"c{number}" for number in range(10_000)])))
    asked = made.new_children()
    for child in asked:
        children = [f"{child}-{number}" for number in range(200)]
        made.apply(Message(f"ebus/5/{child}/$description", described(children=[*children, SERIAL, child])))
        asked += made.new_children()
    assert len(made.asked) <= store.DEVICES_MAX and len(made.devices) <= store.DEVICES_MAX
    assert len(list(made.tree_ids())) <= store.DEVICES_MAX


def test_descriptions_count_against_the_room_and_give_it_back() -> None:
    made = EbusStore(SERIAL, ManualClock().monotonic)
    long = {f"n{number}": {"type": "t" * 180} for number in range(250)}
    children = [f"c{number}" for number in range(200)]
    made.apply(Message(f"{ROOT}/$description", described(children=children)))
    for child in made.new_children():
        made.apply(Message(f"ebus/5/{child}/$description", described(nodes=long)))
    assert made.held_bytes <= store.HELD_BYTES_MAX
    assert made.held_bytes == sum(device.held_bytes for device in made.devices.values())
    made.apply(Message(f"{ROOT}/$description", described(children=[])))
    assert made.held_bytes == made.root.held_bytes < 1000 and set(made.devices) == {SERIAL}


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * 300_000,
        b"[" + b"[]," * 120_000 + b"[]]",
        b'{"nodes":' * 40_000,
        b'{"version":' + b"9" * 200_000 + b"}",
        b'{"children":[' + b",".join(b'"c%d"' % n for n in range(30_000)) + b"]}",
        json.dumps({"nodes": {f"n{n}": {"properties": {f"p{m}": {} for m in range(90)}} for n in range(400)}}).encode(),
        json.dumps({"nodes": {f"n{n}": {"type": "\u202e" * 400} for n in range(280)}}, ensure_ascii=False).encode(),
        "\ud800\udfff".encode("utf-16", "surrogatepass"),
    ],
    ids=["deep", "wide", "nested", "digits", "children", "properties", "invisible", "surrogates"],
)
def test_a_monstrous_description_is_none_or_a_small_one(payload: bytes) -> None:
    found = homie.parse_description(payload)
    if found is None:
        return
    listed = sum(len(node.properties or ()) for node in found.nodes.values())
    assert len(found.nodes) <= homie.NODES_MAX and listed <= homie.PROPERTIES_IN_ALL_MAX
    assert len(found.children) <= homie.CHILDREN_MAX
    assert all(len(node.type) <= homie.TEXT_CHARS and node.type.isprintable() for node in found.nodes.values())


def test_links_of_many_parts_are_found_without_looking_at_each_pair() -> None:
    # Each look at a link cleans its text: 128 inverters times 127 circuits took minutes.
    circuits, inverters = [f"c{number}" for number in range(127)], [f"p{number}" for number in range(128)]
    messages = [(f"{ROOT}/$state", b"ready"), (f"{ROOT}/$description", described(children=circuits + inverters))]
    for number, child in enumerate(circuits + inverters):
        kind = CIRCUIT if child in circuits else "energy.ebus.device.pv"
        messages.append((f"ebus/5/{child}/$description", described(type=kind)))
        messages.append((f"ebus/5/{child}/connection/feeds-device-id", f"p{number}".encode()))
    view = PanelView(told(messages), TREE, ManualClock())
    looked = 0
    text = homie.text

    def counted(payload: bytes | None) -> str | None:
        nonlocal looked
        looked += 1
        return text(payload)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(homie, "text", counted)
        panel = view.snapshot()
    assert panel.inverters[5].circuit_id == "c5"
    assert looked < 30 * len(circuits + inverters)


# Topics that are none of ours


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "/",
        "ebus/5",
        f"{ROOT}",
        f"{ROOT}/",
        f"{ROOT}//",
        f"{ROOT}/a//",
        f"{ROOT}/a/b/c",
        f"{ROOT}/a/b/$target/x",
        f"{ROOT}/$state/x",
        f"{ROOT}/a/b/set",
        f"{ROOT}/+/power",
        f"{ROOT}/#",
        f"{ROOT}/a/b\x00",
        f"{ROOT}/ä/power",
        f"{ROOT}/a/{'p' * 700}",
        f"EBUS/5/{SERIAL}/$state",
        f"ebus/6/{SERIAL}/$state",
        "ebus/5/$broadcast/alert",
        "ebus/5/nt-0000-other/$state",
        f"ebus/5/{SERIAL.upper()}/$state",
        f"ebus/5/{SERIAL} /$state",
        f"ebus/5/{OFFICE}/$state",
        f"$SYS/ebus/5/{SERIAL}/$state",
    ],
)
def test_a_topic_that_is_none_of_the_panels_changes_nothing(topic: str) -> None:
    made = EbusStore(SERIAL, ManualClock().monotonic)
    assert made.apply(Message(topic, b"ready")) is Change.NOTHING
    assert made.heard_s is None and set(made.devices) == {SERIAL} and made.root.state is DeviceState.UNKNOWN


def test_a_foreign_device_and_another_panel_are_not_taken_in() -> None:
    other = {topic.replace(SERIAL, "nt-0000-other"): payload for topic, payload in flat_topics().items()}
    made = told(list(other.items()) + list(tree_topics().items()) + list(other.items()))
    assert replace_stamps(picture(made, TREE)) == replace_stamps(picture(told(tree_topics()), TREE))


# What is live, and which model it is


@BOTH
@pytest.mark.parametrize("state", ["init", "lost", "disconnected", "sleeping", "", "READY!", "(null)"])
def test_only_a_ready_root_is_complete(model: DataModel, state: str) -> None:
    made = told(topics_of(model))
    assert complete(made)
    made.apply(Message(f"{ROOT}/$state", state.encode()))
    assert not complete(made) and not made.settled
    made.apply(Message(f"{ROOT}/$state", b"ready"))
    assert complete(made), "a retained description stays valid"


@BOTH
def test_a_root_without_a_description_that_tells_its_model_is_not_complete(model: DataModel) -> None:
    topics = topics_of(model) | {f"{ROOT}/$description": b'{"nodes": {}}'}
    made = told(topics)
    assert not complete(made)
    made.apply(Message(f"{ROOT}/$description", topics_of(model)[f"{ROOT}/$description"]))
    assert complete(made) and evidence(made) is model


def test_the_description_of_the_old_model_is_not_enough_for_the_new_one() -> None:
    # Retained leftovers of flat beside the first word of the tree: a tree without circuits is not shown.
    made = told({**flat_topics(), f"{ROOT}/info/data-model-version": b"1.0"})
    assert evidence(made) is TREE and not complete(made)
    for topic, payload in tree_topics().items():
        made.apply(Message(topic, payload))
    assert complete(made)


def test_a_version_that_is_taken_back_leaves_what_the_description_says() -> None:
    made = told(tree_topics())
    made.apply(Message(f"{ROOT}/info/data-model-version", b""))
    assert evidence(made) is TREE and complete(made)
    other = told(flat_topics())
    other.apply(Message(f"{ROOT}/info/data-model-version", b"1.0"))
    assert evidence(other) is TREE
    other.apply(Message(f"{ROOT}/info/data-model-version", b""))
    assert evidence(other) is FLAT and complete(other)


def test_a_child_that_is_ready_below_a_root_that_is_lost_makes_nothing_live() -> None:
    made = told(tree_topics())
    made.apply(Message(f"{ROOT}/$state", b"lost"))
    made.apply(Message(f"ebus/5/{OFFICE}/$state", b"init"))
    made.apply(Message(f"ebus/5/{OFFICE}/$state", b"ready"))
    away = trouble(PanelView(made, TREE, ManualClock()), 1e9)
    assert not complete(made) and isinstance(away, Unreachable) and "lost" in str(away)


@pytest.mark.parametrize("late", [f"ebus/5/{SERIAL}-tg12-mid/grid/islanding-state", f"{ROOT}/info/firmware-version"])
def test_what_the_panel_has_is_waited_for_while_values_still_come(late: str) -> None:
    topics = tree_topics()
    payload = topics.pop(late)
    made = told(topics)
    view = PanelView(made, TREE, ManualClock())
    now_s = ManualClock().monotonic()
    assert isinstance(trouble(view, now_s), Settling)
    made.apply(Message(late, payload))
    assert trouble(view, now_s) is None


def test_what_never_comes_is_not_waited_for_when_no_value_comes_any_more() -> None:
    topics = tree_topics()
    del topics[f"ebus/5/{SERIAL}-tg12-mid/grid/islanding-state"]
    view = PanelView(told(topics), TREE, ManualClock())
    assert trouble(view, ManualClock().monotonic() + REPLAY_OVER_S) is None
    assert view.snapshot().islanded is None


# Values


def test_a_group_of_many_behind_one_meter_is_whole() -> None:
    # Eight ids are longer than any text that is shown.
    group = [f"{number:032x}" for number in range(8)]
    panel = picture(
        told({**tree_topics(), f"ebus/5/{OFFICE}/meter/shared-with-device-ids": json.dumps(group).encode()}), TREE
    )
    circuit = panel.circuit(OFFICE)
    assert circuit is not None and circuit.shared_with == tuple(group)


@pytest.mark.parametrize("capacities", [("5", "-5"), ("0", "0"), ("-1", "-1"), ("1e-320", "1e-320"), ("", "13.5")])
def test_charge_of_batteries_with_odd_capacities(capacities: tuple[str, str]) -> None:
    topics = flat_topics()
    description = json.loads(topics[f"{ROOT}/$description"])
    description["nodes"]["bess-2"] = description["nodes"]["bess"]
    topics[f"{ROOT}/$description"] = json.dumps(description).encode()
    for node, capacity in zip(("bess", "bess-2"), capacities, strict=True):
        topics[f"{ROOT}/{node}/nameplate-capacity"] = capacity.encode()
        topics[f"{ROOT}/{node}/soc"] = b"80"
    assert picture(told(topics), FLAT).battery_percent == 80


@pytest.mark.parametrize("payload", [b"9" * 100, b"0" * 100, b"-1." + b"0" * 100, b"OPEN" + b" " * 100])
def test_a_number_or_word_that_is_far_too_long_is_none(payload: bytes) -> None:
    assert (homie.number(payload), homie.integer(payload), homie.word(payload)) == (None, None, "")
    assert homie.state(payload) is DeviceState.UNKNOWN


# Any sequence of messages


ODD = [b"", b"(null)", b"NaN", b"\0", b"true", b"false", b"OPEN", b"CLOSED", b"ready", b"lost", b"-12.5", b"1e400"]
ODD += [b"{}", b'{"nodes": {}}', b"x" * 17_000, "\u202e\x1b[0m".encode(), b"nt-2143-c1akc", b"2.0", b"1.0"]


@st.composite
def said(draw: st.DrawFn) -> list[tuple[str, bytes]]:
    """What a broker might say: the example of either model, with holes, repeats, mixed orders and odd payloads."""
    topics = topics_of(draw(st.sampled_from([FLAT, TREE])))
    other = list({**flat_topics(), **tree_topics()}.items())
    messages = list(topics.items())
    if draw(st.booleans()):
        messages = draw(st.permutations(messages))
    for _ in range(draw(st.integers(0, 12))):
        at = draw(st.integers(0, len(messages)))
        topic, payload = draw(st.sampled_from(other))
        messages.insert(at, (topic, draw(st.one_of(st.just(payload), st.sampled_from(ODD), st.binary(max_size=40)))))
    return messages[draw(st.integers(0, 20)) :]


def replace_stamps(panel: PanelSnapshot) -> PanelSnapshot:
    return replace(panel, circuits=tuple(replace(circuit, reported_at=None) for circuit in panel.circuits))


def numbers_of(panel: PanelSnapshot) -> set[float]:
    """Numbers of a picture that are payloads as they came, but for their sign."""
    found = [panel.feed_power_w, panel.main_consumed_wh, panel.main_produced_wh, *panel.leg_voltage_v]
    found += [panel.house_load_w, *panel.leg_current_a]
    for circuit in panel.circuits:
        found += [circuit.power_w, circuit.energy_consumed_wh, circuit.energy_produced_wh, circuit.current_a]
        found += [circuit.rating_a]
    for battery in panel.batteries:
        found += [battery.soc_percent, battery.energy_kwh, battery.capacity_kwh]
    return {abs(each) for each in found if each is not None}


@given(said())
def test_any_sequence_leaves_what_a_picture_can_be_made_of(messages: list[tuple[str, bytes]]) -> None:
    made = EbusStore(SERIAL, ManualClock().monotonic)
    retained: dict[str, bytes] = {}
    ready = False
    for topic, payload in messages:
        retained.pop(topic, None)
        retained[topic] = payload
        made.apply(Message(topic, payload))
        for child in made.new_children():
            for kept in [each for each in retained if each.startswith(f"ebus/5/{child}/")]:
                made.apply(Message(kept, retained[kept]))
        if topic == f"{ROOT}/$state":
            ready = payload.strip().lower() == b"ready"
        assert ready or not complete(made), "nothing is live that the root does not call ready"
    assert len(made.devices) <= store.DEVICES_MAX and made.held_bytes <= store.HELD_BYTES_MAX
    assert made.held_bytes == sum(device.held_bytes for device in made.devices.values())
    sent = {abs(number) for _, payload in messages if (number := homie.number(payload)) is not None}
    for model in (FLAT, TREE):
        panel = PanelView(made, model, ManualClock()).snapshot()
        assert numbers_of(panel) <= sent, "a number that nobody said"
        assert PanelView(made, model, ManualClock()).snapshot() == panel


@given(said())
def test_what_is_retained_in_the_end_gives_the_same_picture_to_whoever_comes_then(
    messages: list[tuple[str, bytes]],
) -> None:
    # As a broker keeps them: the last of each topic, none for an emptied one.
    retained: dict[str, bytes] = {}
    descriptions: dict[str, set[bytes]] = {}
    for topic, payload in messages:
        retained.pop(topic, None)
        if payload:
            retained[topic] = payload
        if topic.endswith("$description"):
            descriptions.setdefault(topic, set()).add(payload)
    # What one description lets go of stays gone although the next names it again; who comes then never saw that.
    assume(all(len(each) == 1 for each in descriptions.values()))
    made, fresh = told(messages), told(retained)
    assert complete(made) is complete(fresh)
    for model in (FLAT, TREE):
        assert replace_stamps(picture(made, model)) == replace_stamps(picture(fresh, model))
