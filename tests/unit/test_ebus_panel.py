"""From topics to the one panel model, in both data models (span-v2.md 5, 6, 8, 10)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebus_examples import CHARGER, HEAT_PUMP, OFFICE, ROUTER, SERIAL, SOLAR, flat_topics, tree_topics
from fakes import ManualClock
from wattdeck.systems.span.ebus.firmware import NEWEST, firmware_build, release
from wattdeck.systems.span.ebus.panel import PanelView
from wattdeck.systems.span.ebus.store import EbusStore
from wattdeck.systems.span.ebus.stream import Message
from wattdeck.systems.span.models import DataModel, Door, PanelSnapshot, Relay
from wattdeck.systems.span.partwords import model_words

ROOT = f"ebus/5/{SERIAL}"
BATTERY = f"{SERIAL}-tg12"


def filled(topics: Mapping[str, bytes]) -> EbusStore:
    """A store that was told everything, each device's topics once it is known."""
    store = EbusStore(SERIAL, ManualClock().monotonic)
    asked = [SERIAL]
    while asked:
        for topic, payload in topics.items():
            if topic.split("/")[2] in asked:
                store.apply(Message(topic, payload, retained=True))
        asked = store.new_children()
    return store


def shown(model: DataModel, changes: Mapping[str, str | None] | None = None) -> PanelSnapshot:
    """The example's panel with topics changed, or left out where None."""
    topics = flat_topics() if model is DataModel.FLAT else tree_topics()
    for topic, text in (changes or {}).items():
        if text is None:
            topics.pop(topic)
        else:
            topics[topic] = text.encode()
    store = filled(topics)
    assert store.evidence is model
    return PanelView(store, model, ManualClock()).snapshot()


def test_both_models_of_one_panel_give_the_same_picture_where_the_table_says_so() -> None:
    flat, tree = shown(DataModel.FLAT), shown(DataModel.TREE)
    differ = {field.name for field in fields(flat) if getattr(flat, field.name) != getattr(tree, field.name)}
    said_by_one_alone = {"firmware", "data_model", "data_model_version", "door", "cloud", "forecast", "pcs"}
    named_otherwise = {"batteries", "inverters", "chargers", "circuits"}
    assert differ == said_by_one_alone | named_otherwise
    for one, other in zip(flat.circuits, tree.circuits, strict=True):
        locked_now = {"controllable", "priority_settable"} if one.circuit_id == SOLAR else set()
        alike = {name: getattr(one, name) for name in {"sheddable", "never_backup", *locked_now}}
        assert replace(other, **alike) == one


@pytest.mark.parametrize("model", [DataModel.FLAT, DataModel.TREE])
def test_numbers_of_the_example(model: DataModel) -> None:
    panel = shown(model)
    assert (panel.grid_power_w, panel.feed_power_w, panel.house_load_w) == (-348.4, -348.4, 2046.1)
    assert (panel.solar_w, panel.battery_power_w, panel.feedthrough_power_w) == (2394.5, 0.0, 10.0)
    assert (panel.main_consumed_wh, panel.main_produced_wh) == (1510000.0, 820500.5)
    assert (panel.leg_voltage_v, panel.leg_current_a, panel.main_rating_a) == ((121.8, 122.1), (2.0, 3.1), 200.0)
    assert (panel.islanded, panel.dominant_source, panel.off_grid) == (False, "grid", False)
    assert (panel.spaces, panel.battery_percent, panel.main_relay) == (32, 81, Relay.CLOSED)
    pump = panel.circuit(HEAT_PUMP)
    assert pump is not None
    assert (pump.name, pump.tabs, pump.power_w, pump.current_a, pump.rating_a) == ("Heat Pump", (2, 4), 1846.0, 7.7, 30)
    assert (pump.energy_consumed_wh, pump.energy_produced_wh) == (1804490.3, 78.5)
    assert (pump.relay, pump.priority, pump.controllable, pump.priority_settable) == (
        Relay.CLOSED, "non_essential", True, True,
    )  # fmt: skip
    sun = panel.circuit(SOLAR)
    assert sun is not None and (sun.power_w, sun.feeds, sun.tabs) == (-2394.5, "pv", (6, 8))
    car = panel.circuit(CHARGER)
    assert car is not None and (car.feeds, panel.chargers[0].circuit_id) == ("evse", CHARGER)
    assert panel.inverters[0].circuit_id == SOLAR
    # The identity of 8.3 holds in our signs too: what comes in is used here or goes to the sub-panel.
    used = sum(circuit.power_w or 0.0 for circuit in panel.circuits)
    assert panel.feed_power_w is not None and panel.feedthrough_power_w is not None
    assert panel.feed_power_w == pytest.approx(used + panel.feedthrough_power_w)


@pytest.mark.parametrize("model", [DataModel.FLAT, DataModel.TREE])
def test_locked_circuits_are_not_controllable(model: DataModel) -> None:
    router = shown(model).circuit(ROUTER)
    assert router is not None
    assert (router.controllable, router.priority_settable, router.requester) == (False, False, "configuration")


def test_either_no_of_the_tree_locks_a_relay() -> None:
    locked = shown(DataModel.TREE, {f"ebus/5/{HEAT_PUMP}/switch/relay-controllable": "false"}).circuit(HEAT_PUMP)
    assert locked is not None and not locked.controllable and locked.priority_settable
    silent = shown(DataModel.TREE, {f"ebus/5/{HEAT_PUMP}/switch/relay-controllable": None}).circuit(HEAT_PUMP)
    assert silent is not None and silent.controllable


@pytest.mark.parametrize("model", [DataModel.FLAT, DataModel.TREE])
def test_what_is_not_reported_is_unknown_and_never_zero(model: DataModel) -> None:
    topics = flat_topics() if model is DataModel.FLAT else tree_topics()
    bare = {topic: payload for topic, payload in topics.items() if "$" in topic or topic.endswith("data-model-version")}
    panel = PanelView(filled(bare), model, ManualClock()).snapshot()
    numbers = [value for value in (getattr(panel, field.name) for field in fields(panel)) if isinstance(value, float)]
    assert numbers == [0.0], "only the offset of a counter that never fell may be zero"
    assert len(panel.circuits) == 6
    for circuit in panel.circuits:
        assert circuit.power_w is circuit.energy_consumed_wh is circuit.energy_produced_wh is circuit.current_a is None
        assert circuit.relay is Relay.UNKNOWN and circuit.name
    assert panel.door is Door.UNKNOWN and panel.islanded is None


@pytest.mark.parametrize("payload", ["(null)", "NaN", "inf", "-inf", "1e999", "", " ", "12,5", "0x10", "٣", "1_000"])
def test_a_power_that_is_no_number_is_unknown(payload: str) -> None:
    circuit = shown(DataModel.TREE, {f"ebus/5/{OFFICE}/meter/active-power": payload}).circuit(OFFICE)
    assert circuit is not None and circuit.power_w is None


def test_a_negative_zero_is_zero() -> None:
    circuit = shown(DataModel.FLAT, {f"{ROOT}/{OFFICE}/active-power": "-0.0"}).circuit(OFFICE)
    assert circuit is not None and str(circuit.power_w) == "0.0"


def test_a_value_of_a_megabyte_is_none() -> None:
    circuit = shown(DataModel.TREE, {f"ebus/5/{OFFICE}/info/name": "x" * 1_000_000}).circuit(OFFICE)
    assert circuit is not None and circuit.name == "Office Outlets"  # as its description calls it


def test_names_are_made_harmless() -> None:
    hostile = "\x1b[31mred\u202e [bold]x[/] \x00" + "y" * 500
    circuit = shown(DataModel.TREE, {f"ebus/5/{OFFICE}/info/name": hostile}).circuit(OFFICE)
    assert circuit is not None and circuit.name.isprintable() and len(circuit.name) <= 200


def test_flows_that_are_missing_are_unknown_and_the_grid_is_the_feed_unless_fed_by_another() -> None:
    flows = {f"{ROOT}/power-flows/{name}": None for name in ("grid", "pv", "battery", "site")}
    fed_by_battery = shown(DataModel.TREE, flows)
    assert fed_by_battery.grid_power_w is None and fed_by_battery.house_load_w is None
    alone = shown(DataModel.TREE, {**flows, f"ebus/5/{SERIAL}-lugs-up/connection/fed-by-device-id": None})
    assert alone.grid_power_w == alone.feed_power_w == -348.4
    assert alone.solar_w == 2394.5, "from the circuit the inverter hangs on"


@pytest.mark.parametrize(
    ("firmware", "meter_w", "discharge_w"),
    [("spanos3/r202633/01", "700.0", -700.0), ("spanos3/r202639/03", "700.0", 700.0), ("odd", "-60.0", -60.0)],
)
def test_a_batterys_own_meter_turned_its_sign_with_r202639(firmware: str, meter_w: str, discharge_w: float) -> None:
    changes = {
        f"{ROOT}/info/firmware-version": firmware,
        f"{ROOT}/power-flows/battery": None,
        f"ebus/5/{BATTERY}/meter/active-power": meter_w,
    }
    assert shown(DataModel.TREE, changes).battery_power_w == discharge_w
    changes[f"{ROOT}/power-flows/battery"] = "-250.0"
    assert shown(DataModel.TREE, changes).battery_power_w == 250.0, "the balance counts more than the meter"


def test_downstream_lugs_are_believed_from_r202621_on() -> None:
    before = {f"{ROOT}/core/software-version": "spanos2/r202615/02", f"{ROOT}/lugs-downstream/active-power": "512.0"}
    assert shown(DataModel.FLAT, before).feedthrough_power_w == pytest.approx(10.0)
    after = {**before, f"{ROOT}/core/software-version": "spanos2/r202621/02"}
    assert shown(DataModel.FLAT, after).feedthrough_power_w == 512.0


@pytest.mark.parametrize(
    ("asserted", "islanding", "former", "islanded", "dominant"),
    [
        ("NONE", "ON_GRID", "GRID", False, "grid"),
        ("NONE", "OFF_GRID", BATTERY, True, "battery"),
        ("NONE", "OFF_GRID", f"{SERIAL}-iq7plus-72-x-us", True, "pv"),
        ("NONE", "OFF_GRID", "somebody", True, "unknown"),
        ("OFF_GRID", "ON_GRID", BATTERY, True, "battery"),
        ("ON_GRID", "OFF_GRID", BATTERY, False, "grid"),
        ("NONE", "UNKNOWN", "GRID", None, ""),
        ("NONE", "SIDEWAYS", "GRID", None, ""),
    ],
)
def test_islanding_of_the_tree(
    asserted: str, islanding: str, former: str, islanded: bool | None, dominant: str
) -> None:
    switch = f"ebus/5/{BATTERY}-mid/grid"
    panel = shown(
        DataModel.TREE,
        {
            f"{ROOT}/shed/asserted-islanding-state": asserted,
            f"{switch}/islanding-state": islanding,
            f"{switch}/grid-forming-entity": former,
        },
    )
    assert (panel.islanded, panel.dominant_source) == (islanded, dominant)


def test_islanding_of_the_flat_model() -> None:
    assert shown(DataModel.FLAT, {f"{ROOT}/bess/grid-state": "OFF_GRID"}).off_grid is True
    unsaid = {f"{ROOT}/bess/grid-state": "UNKNOWN"}
    assert shown(DataModel.FLAT, {**unsaid, f"{ROOT}/core/dominant-power-source": "BATTERY"}).islanded is True
    assert shown(DataModel.FLAT, {**unsaid, f"{ROOT}/core/dominant-power-source": "UNKNOWN"}).islanded is None


def test_tandem_circuits_share_a_space() -> None:
    spaces = {f"ebus/5/{each}/info/spaces": "44" for each in (OFFICE, HEAT_PUMP)}
    panel = shown(DataModel.TREE, spaces)
    assert [circuit.tabs for circuit in panel.circuits if circuit.circuit_id in (OFFICE, HEAT_PUMP)] == [(44,), (44,)]


@pytest.mark.parametrize(
    ("text", "tabs"),
    [
        ("2,4", (2, 4)),
        ("43,45", (43, 45)),
        (" 9 ", (9,)),
        ("4,2,4", (2, 4)),
        ("", ()),
        ("x,-3,0,9999", ()),
        ("1 3", (1, 3)),
    ],
)
def test_spaces_of_the_tree(text: str, tabs: tuple[int, ...]) -> None:
    circuit = shown(DataModel.TREE, {f"ebus/5/{OFFICE}/info/spaces": text}).circuit(OFFICE)
    assert circuit is not None and circuit.tabs == tabs


@pytest.mark.parametrize(
    ("model", "said", "version", "words"),
    [
        (DataModel.TREE, "1.0", "1.0", "v2, data model 1.0 (tree)"),
        (DataModel.TREE, "1.12", "1.12", "v2, data model 1.12 (tree)"),
        (DataModel.TREE, "", "", "v2, data model 1.x (tree)"),
        (DataModel.TREE, "1." + "9" * 400, "1." + "9" * 17 + "…", ""),
        (DataModel.FLAT, "1.0", "", "v2, first data model (flat)"),
    ],
)
def test_the_data_models_version_is_told_whole(model: DataModel, said: str, version: str, words: str) -> None:
    topics = flat_topics() if model is DataModel.FLAT else tree_topics()
    topics[f"ebus/5/{SERIAL}/info/data-model-version"] = said.encode()
    panel = PanelView(filled(topics), model, ManualClock()).snapshot()
    assert panel.data_model_version == version and model_words(panel).startswith(words)


def test_a_group_behind_one_meter_counts_once() -> None:
    group = json.dumps([OFFICE, SOLAR])
    changes = {f"ebus/5/{each}/meter/shared-with-device-ids": group for each in (OFFICE, SOLAR)}
    changes |= {f"ebus/5/{each}/meter/active-power": "500.0" for each in (OFFICE, SOLAR)}
    panel = shown(DataModel.TREE, changes)
    office = panel.circuit(OFFICE)
    assert office is not None and office.shared_with == (SOLAR,)
    assert panel.generation_w == 500.0


def test_a_remote_meter_has_power_and_nothing_to_switch() -> None:
    topics = tree_topics()
    described = json.loads(topics[f"ebus/5/{OFFICE}/$description"])
    described |= {"name": OFFICE, "nodes": {"meter": described["nodes"]["meter"]}}
    topics[f"ebus/5/{OFFICE}/$description"] = json.dumps(described).encode()
    for name in ("info/name", "info/spaces", "switch/relay"):
        topics.pop(f"ebus/5/{OFFICE}/{name}", None)
    circuit = PanelView(filled(topics), DataModel.TREE, ManualClock()).snapshot().circuit(OFFICE)
    assert circuit is not None and circuit.meter_only and not circuit.controllable
    assert circuit.power_w == 117.8 and circuit.tabs == () and circuit.relay is Relay.UNKNOWN


@pytest.mark.parametrize(
    ("name", "build", "short"),
    [("spanos2/r202627/06", 202627, "r202627"), ("spanos3/r202639/03", 202639, "r202639"), ("new", NEWEST, "new")],
)
def test_firmware_names(name: str, build: int, short: str) -> None:
    assert (firmware_build(name), release(name)) == (build, short)


@pytest.mark.parametrize("model", [DataModel.FLAT, DataModel.TREE])
def test_circuits_nothing_was_said_of_are_the_same_objects(model: DataModel) -> None:
    topics = flat_topics() if model is DataModel.FLAT else tree_topics()
    store = filled(topics)
    view = PanelView(store, model, ManualClock())
    before = view.snapshot()
    path = f"{ROOT}/{OFFICE}/active-power" if model is DataModel.FLAT else f"ebus/5/{OFFICE}/meter/active-power"
    store.apply(Message(path, b"-900.0"))
    after = view.snapshot()
    changed = {one.circuit_id for one, other in zip(before.circuits, after.circuits, strict=True) if one is not other}
    assert changed == {OFFICE}


@given(st.data())
def test_any_payload_anywhere_gives_a_picture(data: st.DataObject) -> None:
    model = data.draw(st.sampled_from([DataModel.FLAT, DataModel.TREE]))
    topics = flat_topics() if model is DataModel.FLAT else tree_topics()
    odd = st.one_of(
        st.binary(max_size=60), st.sampled_from([b"(null)", b"NaN", b"\0", b"true", b"OPEN", b"1e400", b"{}"])
    )
    for topic in data.draw(st.lists(st.sampled_from(sorted(topics)), max_size=12)):
        topics[topic] = data.draw(odd)
    panel = PanelView(filled(topics), model, ManualClock()).snapshot()
    for circuit in panel.circuits:
        assert circuit.name.isprintable()
        assert all(1 <= tab <= 512 for tab in circuit.tabs)


# Rules of the sheet, one by one


def with_flat_nodes(changes: Mapping[str, Mapping[str, str]], renamed: Mapping[str, str]) -> dict[str, bytes]:
    """The flat example with node ids and types changed."""
    topics = {}
    for topic, payload in flat_topics().items():
        parts = topic.split("/")
        topics["/".join([*parts[:3], renamed.get(parts[3], parts[3]), *parts[4:]])] = payload
    described = json.loads(topics[f"{ROOT}/$description"])
    nodes = {renamed.get(node, node): each for node, each in described["nodes"].items()}
    for node, more in changes.items():
        nodes[node] = {**nodes.get(node, {}), **more}
    topics[f"{ROOT}/$description"] = json.dumps({**described, "nodes": nodes}).encode()
    return topics


@pytest.mark.parametrize(
    ("up", "down", "types", "directions"),
    [
        ("upstream-lugs", "downstream-lugs", ("", ""), ("", "")),
        ("a", "b", (".upstream", ".downstream"), ("", "")),
        ("a", "b", ("", ""), ("UPSTREAM", "DOWNSTREAM")),
        ("b", "a", ("", ""), ("upstream", "downstream")),
        ("downstream-1", "upstream-1", ("", ""), ("UPSTREAM", "DOWNSTREAM")),
    ],
)
def test_lugs_of_flat_are_told_apart_by_type_then_report_then_id(
    up: str, down: str, types: tuple[str, str], directions: tuple[str, str]
) -> None:
    kinds = [{"type": f"energy.ebus.device.lugs{each}"} for each in types]
    topics = with_flat_nodes({up: kinds[0], down: kinds[1]}, {"lugs-upstream": up, "lugs-downstream": down})
    for node, said in zip((up, down), directions, strict=True):
        topics[f"{ROOT}/{node}/direction"] = said.encode()
    panel = PanelView(filled(topics), DataModel.FLAT, ManualClock()).snapshot()
    assert (panel.feed_power_w, panel.feedthrough_power_w) == (-348.4, 10.0)


@pytest.mark.parametrize("model", [DataModel.FLAT, DataModel.TREE])
def test_lugs_that_say_their_direction_late_are_told_apart_then(model: DataModel) -> None:
    if model is DataModel.FLAT:
        topics = with_flat_nodes({}, {"lugs-upstream": "two", "lugs-downstream": "one"})
        late = [f"{ROOT}/{each}/direction" for each in ("one", "two")]
    else:
        ids = {f"{SERIAL}-lugs-up": "two", f"{SERIAL}-lugs-dn": "one"}
        topics = {}
        for topic, payload in tree_topics().items():
            for old, new in ids.items():
                topic, payload = topic.replace(old, new), payload.replace(old.encode(), new.encode())
            topics[topic] = payload
        late = [f"ebus/5/{each}/info/direction" for each in ("one", "two")]
    said = [topics.pop(each) for each in late]
    store = filled(topics)
    view = PanelView(store, model, ManualClock())
    view.snapshot()
    for topic, payload in zip(late, said, strict=True):
        store.apply(Message(topic, payload))
    panel = view.snapshot()
    assert (panel.feed_power_w, panel.feedthrough_power_w) == (-348.4, 10.0)


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        ("NONE", "none"),
        ("BACKUP", "load_shed"),
        ("USER", "user"),
        ("PCS", "pcs"),
        ("PCS_FAIL_SAFE", "pcs"),
        ("INVERTER", "pcs"),
        ("ALWAYS_ON", "configuration"),
        ("NEVER_BACKUP", "configuration"),
        ("FAULT", "fault"),
        ("MOONLIGHT", "moonlight"),
        ("", ""),
    ],
)
def test_who_holds_a_relay_in_the_words_of_the_tree(said: str, ours: str) -> None:
    circuit = shown(DataModel.FLAT, {f"{ROOT}/{OFFICE}/relay-requester": said}).circuit(OFFICE)
    assert circuit is not None and circuit.requester == ours


@pytest.mark.parametrize(
    ("said", "ours"),
    [("NEVER", "must_have"), ("OFF_GRID", "non_essential"), ("SOC_THRESHOLD", "nice_to_have"), ("UNKNOWN", "unknown")],
)
@pytest.mark.parametrize("model", [DataModel.FLAT, DataModel.TREE])
def test_priorities_in_our_words(model: DataModel, said: str, ours: str) -> None:
    flat, tree = f"{ROOT}/{OFFICE}/shed-priority", f"ebus/5/{OFFICE}/load-shed/priority"
    circuit = shown(model, {flat if model is DataModel.FLAT else tree: said}).circuit(OFFICE)
    assert circuit is not None and circuit.priority == ours


@pytest.mark.parametrize(
    ("name", "spaces"), [("MAIN_32", 32), ("MLO_48", 48), ("MAIN_16", 16), ("UNKNOWN", 15), ("", 15)]
)
def test_the_size_of_a_tree_is_in_its_models_name_or_the_highest_space(name: str, spaces: int) -> None:
    assert shown(DataModel.TREE, {f"{ROOT}/info/model": name}).spaces == spaces


@pytest.mark.parametrize(("said", "link"), [("true", "ok"), ("false", "lost"), ("TRUE", ""), ("", "")])
def test_the_link_to_a_battery_of_flat(said: str, link: str) -> None:
    assert shown(DataModel.FLAT, {f"{ROOT}/bess/connected": said}).batteries[0].link == link


@pytest.mark.parametrize(("limit", "shown_a"), [("32", 32.0), ("48", None), ("", None), ("nonsense", None)])
def test_a_chargers_ceiling_is_one_only_where_a_person_set_it(limit: str, shown_a: float | None) -> None:
    charger = shown(DataModel.FLAT, {f"{ROOT}/evse/user-max-charge-current": limit}).chargers[0]
    assert (charger.user_limit_a, charger.most_a) == (shown_a, 48.0)


def test_a_link_that_is_declared_and_not_said_is_none() -> None:
    circuit = shown(DataModel.TREE).circuit(OFFICE)
    assert circuit is not None and circuit.feeds == ""
    alone = shown(DataModel.TREE, {f"ebus/5/{SOLAR}/connection/feeds-device-id": ""})
    assert alone.inverters[0].circuit_id == ""


def test_descriptions_without_properties_are_enough_to_read_and_to_set_by() -> None:
    topics = flat_topics()
    described = json.loads(topics[f"{ROOT}/$description"])
    for node in described["nodes"].values():
        del node["properties"]
    bare = filled({**topics, f"{ROOT}/$description": json.dumps(described).encode()})
    assert PanelView(bare, DataModel.FLAT, ManualClock()).snapshot() == shown(DataModel.FLAT)


@pytest.mark.parametrize("payload", ["TRUE", "True", "1", "yes", "true ", "\x00"])
def test_only_true_and_false_are_booleans(payload: str) -> None:
    assert shown(DataModel.FLAT, {f"{ROOT}/core/ethernet": payload}).ethernet is None


def test_a_zero_byte_is_an_empty_text() -> None:
    circuit = shown(DataModel.FLAT, {f"{ROOT}/{OFFICE}/name": "\x00"}).circuit(OFFICE)
    assert circuit is not None and circuit.name == "Circuit 3"


def test_what_a_hardware_without_relay_and_breaker_does_not_say_is_unknown() -> None:
    panel = shown(DataModel.TREE, {f"{ROOT}/status/relay": None, f"{ROOT}/breaker/rating": None})
    assert (panel.main_relay, panel.main_rating_a) == (Relay.UNKNOWN, None)


def test_sub_panel_lugs_that_are_silent_or_absent_are_unknown() -> None:
    silent = shown(DataModel.TREE, {f"ebus/5/{SERIAL}-lugs-dn/meter/active-power": None})
    assert silent.feedthrough_power_w is None and silent.feed_power_w == -348.4
