"""SPAN v1 JSON into models: signs, odd values, wrong shapes."""

from __future__ import annotations

import copy
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.errors import BadAnswer
from wattdeck.core.http import Answer, json_body
from wattdeck.systems.span import fast, wire
from wattdeck.systems.span.models import Branch, Circuit, Door, PanelState, Relay

FIXTURES = Path(__file__).parent.parent / "fixtures" / "span"
HALLWAY = "3f9a0c5be1d24f7a8c60b2d7e4915a01"
HEAT_PUMP = "7b21d8e0c4a94c1fb3e5a6f09d872c02"


def fixture(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def circuits(**changes: Any) -> tuple[Circuit, ...]:
    """The example circuits, the first one changed; a value of `...` removes the field."""
    data = fixture("circuits")
    change(data["circuits"][HALLWAY], changes)
    return wire.parse_circuits(data, "panel")


def first(**changes: Any) -> Circuit:
    return circuits(**changes)[0]


def panel(**changes: Any) -> PanelState:
    data = fixture("panel")
    change(data, changes)
    return wire.parse_panel(data, "panel")


def change(target: dict[str, Any], changes: dict[str, Any]) -> None:
    for name, value in changes.items():
        if value is ...:
            del target[name]
        else:
            target[name] = value


# The examples of the sheet


def test_the_example_circuits_with_loads_positive() -> None:
    hallway, heat_pump, _, router = circuits()
    assert hallway == Circuit(
        circuit_id=HALLWAY,
        name="Hallway Lights",
        tabs=(1,),
        power_w=41.75,
        energy_consumed_wh=150242.9,
        energy_produced_wh=12.5,
        relay=Relay.CLOSED,
        priority="nice_to_have",
        controllable=True,
        sheddable=False,
        never_backup=False,
        energy_at=datetime(2025, 7, 13, 18, 13, 20, tzinfo=UTC),
    )
    assert hallway.power_at == datetime(2025, 7, 13, 18, 23, 20, tzinfo=UTC)
    assert (heat_pump.tabs, heat_pump.power_w, heat_pump.priority) == ((2, 4), 1846.0, "non_essential")
    assert (router.priority, router.controllable) == ("must_have", False)


def test_the_example_panel() -> None:
    state = panel()
    assert (state.main_relay, state.grid_power_w, state.feedthrough_power_w) == (Relay.CLOSED, -342.55, 10.0)
    assert (state.main_consumed_wh, state.main_produced_wh) == (1510000.0, 820500.5)
    assert (state.feedthrough_consumed_wh, state.feedthrough_produced_wh) == (-111597.25, 1482813.5)
    assert (state.grid_state, state.dsm_state, state.run_config) == (
        "DSM_GRID_UP",
        "DSM_ON_GRID",
        "PANEL_ON_GRID",
    )
    assert state.branches[0] == Branch(1, 42.5, 150250.0, 12.5, Relay.CLOSED, True)
    assert state.branches[5] == Branch(6, -1200.5, 310.5, 812000.0, Relay.CLOSED, True)


def test_the_example_panel_keeps_the_balance_of_the_sheet() -> None:
    state = panel()
    assert state.grid_power_w is not None and state.feedthrough_power_w is not None
    load = sum(branch.power_w or 0.0 for branch in state.branches)
    assert state.grid_power_w - load == pytest.approx(state.feedthrough_power_w)


def test_the_example_status() -> None:
    status = wire.parse_status(fixture("status"), "panel")
    assert (status.serial, status.firmware, status.model) == ("nt-2143-c1akc", "spanos2/r202525/05", "00200")
    assert (status.door, status.proximity_proven, status.unlock_presses_left) == (Door.CLOSED, False, None)
    assert (status.ethernet, status.wifi, status.cellular, status.uptime_s) == (True, True, False, 912345)


@pytest.mark.parametrize("name", ["register", "register_v2"])
def test_the_example_registrations_hide_their_token(name: str) -> None:
    registration = wire.parse_registration(fixture(name), "panel")
    assert registration.token == fixture(name)["accessToken"]
    assert registration.issued_at is not None
    assert registration.token not in repr(registration)


def test_the_example_storage() -> None:
    assert wire.parse_storage(fixture("soe"), "panel") == 87


# Odd values (section 5, 4.1 to 4.3)


@pytest.mark.parametrize(
    ("sent", "power_w"),
    [
        (None, None),
        (math.nan, None),
        (math.inf, None),
        (-math.inf, None),
        (..., None),
        (True, None),
        ("off", None),
        ([1], None),
        ({}, None),
        (1e300, None),
        (10**400, None),
        ("9" * 5000, None),
        ("-12", 12.0),
        (" -12.5 ", 12.5),
        (-12, 12.0),
        (5.5, -5.5),
    ],
)
def test_odd_powers(sent: Any, power_w: float | None) -> None:
    assert first(instantPowerW=sent).power_w == power_w


@pytest.mark.parametrize("zero", [0, 0.0, -0.0, "0", "-0.0"])
def test_zero_is_never_negative(zero: Any) -> None:
    circuit = first(instantPowerW=zero, consumedEnergyWh=zero, producedEnergyWh=zero)
    for value in (circuit.power_w, circuit.energy_consumed_wh, circuit.energy_produced_wh):
        assert value == 0.0
        assert math.copysign(1, value or 0.0) == 1


def test_nan_in_the_body_is_unknown() -> None:
    body = (FIXTURES / "circuits.json").read_bytes().replace(b"-41.75", b"NaN").replace(b"-1846.0", b"-1e999")
    hallway, heat_pump, *_ = wire.parse_circuits(json_body(Answer(200, body, {}), "panel"), "panel")
    assert hallway.power_w is None
    assert heat_pump.power_w is None


@pytest.mark.parametrize("name", [None, ..., "", "  ", 7])
def test_a_circuit_without_a_name_is_called_by_its_spaces(name: Any) -> None:
    assert first(name=name).name == "Circuit 1"
    assert first(name=name, tabs=[4, 2]).name == "Circuit 2·4"
    assert first(name=name, tabs=None).name == "Circuit"


def test_names_are_made_harmless_and_nothing_is_interpreted() -> None:
    assert first(name="\x1b[31m[red]Pump[/]\u202e\n🔥").name == "[31m[red]Pump[/] 🔥"
    assert len(first(name="x" * 1000).name) == 200


@pytest.mark.parametrize(
    ("sent", "tabs"),
    [
        ([4, 2], (2, 4)),
        (7, (7,)),
        (None, ()),
        (..., ()),
        ([], ()),
        ([2, 2, "3", None, True, -1, 0, 1.0, 2.5, 10**9], (1, 2, 3)),
        ({"a": 1}, ()),
        (list(range(1000)), tuple(range(1, 64))),
    ],
)
def test_tabs_may_be_a_list_a_number_or_nothing(sent: Any, tabs: tuple[int, ...]) -> None:
    assert first(tabs=sent).tabs == tabs


@pytest.mark.parametrize(
    ("sent", "priority"),
    [
        ("MUST_HAVE", "must_have"),
        ("UNKNOWN", "unknown"),
        ("NOT_ESSENTIAL", "not_essential"),
        (None, "unknown"),
        (..., "unknown"),
        ("", "unknown"),
        (3, "unknown"),
        ("\x1b", "unknown"),
    ],
)
def test_a_new_priority_is_kept_in_the_panels_words(sent: Any, priority: str) -> None:
    assert first(priority=sent).priority == priority


@pytest.mark.parametrize(
    ("sent", "relay"),
    [
        ("OPEN", Relay.OPEN),
        ("CLOSED", Relay.CLOSED),
        ("closed", Relay.CLOSED),
        ("UNKNOWN", Relay.UNKNOWN),
        ("TRIPPED", Relay.UNKNOWN),
        (None, Relay.UNKNOWN),
        (..., Relay.UNKNOWN),
        ([], Relay.UNKNOWN),
    ],
)
def test_a_new_relay_word_is_unknown_and_not_fatal(sent: Any, relay: Relay) -> None:
    assert first(relayState=sent).relay is relay
    assert panel(mainRelayState=sent).main_relay is relay


@pytest.mark.parametrize("sent", [None, ..., 1, "true", []])
def test_a_circuit_is_controllable_only_if_the_panel_says_so_plainly(sent: Any) -> None:
    assert first(isUserControllable=sent).controllable is False


@pytest.mark.parametrize("sent", [None, ..., "soon", 1e300, -1e14, True, math.nan])
def test_times_that_are_none(sent: Any) -> None:
    assert first(instantPowerUpdateTimeS=sent).power_at is None


def test_the_map_key_is_the_id_and_an_unusable_one_cannot_be_commanded() -> None:
    assert first(id="another").circuit_id == HALLWAY
    entry = fixture("circuits")["circuits"][HALLWAY]
    for key in ("", "..", "x" * 300, "a\x1bb", "\ud800"):
        (circuit,) = wire.parse_circuits({"circuits": {key: entry}}, "panel")
        assert circuit.controllable is False
        assert circuit.circuit_id.isprintable()


def test_an_empty_map_of_circuits_is_no_error() -> None:
    assert wire.parse_circuits({"circuits": {}}, "panel") == ()


def test_branches_go_by_id_and_not_by_position() -> None:
    data = fixture("panel")["branches"]
    assert panel(branches=data[::-1]) == panel()


def test_a_branch_that_does_not_say_whose_it_is_is_left_out() -> None:
    data = fixture("panel")["branches"]
    for wrong in (None, "x", 0, -3, 10**9, True, 1.5):
        odd = [{**data[0], "id": wrong}, *data[1:]]
        assert [branch.tab for branch in panel(branches=odd).branches] == [2, 3, 4, 5, 6, 7, 8]
    twice = panel(branches=[data[0], {**data[1], "id": 1}])
    assert [branch.power_w for branch in twice.branches] == [42.5]


def test_branches_of_old_firmware_have_no_measure_fields() -> None:
    data = fixture("panel")["branches"]
    for branch in data:
        change(branch, dict.fromkeys(("measureStartTsMs", "measureDurationMs", "isMeasureValid"), ...))
    assert [branch.measure_valid for branch in panel(branches=data).branches] == [None] * 8


def test_a_panel_without_data_says_so() -> None:
    assert panel(mainRelayState="UNKNOWN", instantGridPowerW=0.0, branches=[]).empty
    assert not panel(mainRelayState="UNKNOWN").empty, "a new word for the main relay is not the end of the data"
    assert not panel().empty


def test_missing_halves_of_a_panel_are_unknown() -> None:
    state = panel(branches=..., mainMeterEnergy=..., feedthroughEnergy=None, dsmState=..., instantGridPowerW=...)
    assert state.branches == ()
    assert (state.main_consumed_wh, state.feedthrough_consumed_wh, state.grid_power_w) == (None, None, None)
    assert state.dsm_state == ""


def test_a_status_of_old_firmware_counts_presses() -> None:
    data = fixture("status")
    change(data["system"], {"proximityProven": ..., "remainingAuthUnlockButtonPresses": 2})
    status = wire.parse_status(data, "panel")
    assert (status.proximity_proven, status.unlock_presses_left) == (None, 2)


def test_a_status_may_lack_anything() -> None:
    status = wire.parse_status({"system": {"doorState": "AJAR"}}, "panel")
    assert status.door is Door.UNKNOWN
    assert (status.serial, status.ethernet, status.uptime_s) == ("", None, None)


@pytest.mark.parametrize(
    ("sent", "percent"),
    [(87, 87), (86.6, 87), ("40", 40), (None, None), (101, None), (-1, None), (0, 0), (..., None), (math.nan, None)],
)
def test_charge_is_a_whole_percentage_or_unknown(sent: Any, percent: int | None) -> None:
    soe: dict[str, Any] = {} if sent is ... else {"percentage": sent}
    assert wire.parse_storage({"soe": soe}, "panel") == percent
    assert wire.parse_storage({"soe": None}, "panel") is None


# Wrong shapes


@pytest.mark.parametrize(
    ("parse", "data", "words"),
    [
        (wire.parse_status, [], "the answer holds a list where an object was due"),
        (wire.parse_status, {"system": 3}, "field system holds a number"),
        (wire.parse_panel, None, "the answer holds nothing"),
        (wire.parse_panel, {"branches": {}}, "field branches holds an object where a list was due"),
        (wire.parse_panel, {"branches": [{"id": 1}, 2]}, r"field branches\[1\] holds a number"),
        (wire.parse_panel, {"mainMeterEnergy": [1]}, "field mainMeterEnergy holds a list"),
        (wire.parse_panel, {"branches": [{}] * 513}, "513 entries; at most 512"),
        (wire.parse_circuits, {}, "field circuits holds nothing where an object was due"),
        (wire.parse_circuits, {"circuits": []}, "field circuits holds a list"),
        (wire.parse_circuits, {"circuits": {"abc": "x"}}, r"field circuits\.abc holds text"),
        (wire.parse_circuits, {"circuits": {str(n): {} for n in range(513)}}, "513 entries"),
        (wire.parse_storage, {"soe": 3}, "field soe holds a number"),
        (wire.parse_registration, {}, "accessToken"),
        (wire.parse_registration, {"accessToken": ""}, "accessToken"),
        (wire.parse_registration, {"accessToken": "a b"}, "accessToken"),
        (wire.parse_registration, {"accessToken": 3}, "accessToken"),
    ],
)
def test_a_wrong_shape_is_a_bad_answer_that_names_the_field(parse: Any, data: Any, words: str) -> None:
    with pytest.raises(BadAnswer, match=f"^panel: .*{words}"):
        parse(data, "panel")


@pytest.mark.parametrize("data", [{}, None, [], {"id": "other", "relayState": "OPEN"}, {"id": HALLWAY}])
def test_a_written_circuit_must_be_that_circuit(data: Any) -> None:
    with pytest.raises(BadAnswer):
        wire.parse_written_circuit(data, HALLWAY, "panel")


def test_a_written_circuit_is_parsed_like_any_other() -> None:
    assert wire.parse_written_circuit(fixture("circuits")["circuits"][HALLWAY], HALLWAY, "panel") == first()


# Virtual circuits (section 7.1)


def test_spaces_no_circuit_owns_become_virtual_circuits_in_ascending_order() -> None:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    branches = panel().branches
    made = wire.virtual_circuits(circuits(), branches[::-1], at)
    assert [circuit.circuit_id for circuit in made] == ["unmapped_tab_6", "unmapped_tab_7", "unmapped_tab_8"]
    assert made[0] == Circuit(
        circuit_id="unmapped_tab_6",
        name="Unmapped Tab 6",
        tabs=(6,),
        power_w=-1200.5,
        energy_consumed_wh=310.5,
        energy_produced_wh=812000.0,
        relay=Relay.UNKNOWN,
        priority="unknown",
        controllable=False,
        virtual=True,
        sheddable=False,
        never_backup=False,
    )
    assert made[0].power_at == at


def test_no_branches_means_no_virtual_circuits() -> None:
    assert wire.virtual_circuits(circuits(), ()) == ()


def test_spaces_beyond_the_branches_are_ignored() -> None:
    assert len(wire.virtual_circuits(circuits(tabs=[1, 40]), panel().branches)) == 3


def test_a_bare_number_maps_its_space() -> None:
    assert [circuit.tabs for circuit in wire.virtual_circuits(circuits(tabs=6), panel().branches)] == [
        (1,),
        (7,),
        (8,),
    ]


# Anything at all

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(["OPEN", "-0.0", "NaN", "1e400"])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=12), inner, max_size=4)),
    max_leaves=12,
)
PARSERS = {
    "status": wire.parse_status,
    "panel": wire.parse_panel,
    "circuits": wire.parse_circuits,
    "soe": wire.parse_storage,
    "register": wire.parse_registration,
}


def paths(data: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place of a JSON value."""
    found = [path]
    entries = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in entries:
        found += paths(value, (*path, key))
    return found


def put(data: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    data = copy.deepcopy(data)
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return data


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(sorted(PARSERS)), ANYTHING)
def test_any_value_in_any_field_is_parsed_or_a_bad_answer(data: st.DataObject, name: str, value: Any) -> None:
    example = fixture(name)
    spoilt = put(example, data.draw(st.sampled_from(paths(example))), value)
    try:
        result: Any = PARSERS[name](spoilt, "panel")
    except BadAnswer as error:
        result = error
    assert not isinstance(result, BadAnswer) or str(result).isprintable()
    for entry in result if isinstance(result, tuple) else getattr(result, "branches", ()):
        for number in (entry.power_w, entry.energy_consumed_wh, entry.energy_produced_wh):
            assert number is None or math.isfinite(number)


READERS = {"panel": (wire.read_panel, wire.parse_panel), "circuits": (wire.read_circuits, wire.parse_circuits)}


def outcome(parse: Any, *arguments: Any) -> Any:
    """What comes out, times included, or the error's words."""
    try:
        result = parse(*arguments)
    except BadAnswer as error:
        return str(error)
    return repr(result)


def test_infinity_in_place_of_an_object_is_unknown_and_no_mistake() -> None:
    body = json.dumps({**fixture("panel"), "feedthroughEnergy": math.inf}).encode()
    assert wire.read_panel(Answer(200, body, {}), "panel").feedthrough_consumed_wh is None


@pytest.mark.parametrize("name", READERS)
def test_the_quick_way_is_taken_for_ordinary_answers_and_means_the_same(name: str) -> None:
    answer = Answer(200, (FIXTURES / f"{name}.json").read_bytes(), {})
    assert getattr(fast, name)(answer.body) is not None
    read, parse = READERS[name]
    assert outcome(read, answer, "panel") == outcome(parse, fixture(name), "panel")


@settings(max_examples=500, deadline=None)
@given(st.data(), st.sampled_from(sorted(READERS)), ANYTHING)
def test_the_quick_way_means_the_same_for_any_value_in_any_field(data: st.DataObject, name: str, value: Any) -> None:
    example = fixture(name)
    spoilt = put(example, data.draw(st.sampled_from(paths(example))), value)
    answer = Answer(200, json.dumps(spoilt).encode(), {})
    read, parse = READERS[name]
    assert outcome(read, answer, "panel") == outcome(lambda: parse(json_body(answer, "panel"), "panel"))


@pytest.mark.parametrize("name", READERS)
def test_the_quick_way_declines_broken_bytes(name: str) -> None:
    whole = (FIXTURES / f"{name}.json").read_bytes()
    for broken in (b"", whole[:-9], b"\xff" + whole, b"[" * 5000, b"<html>", b"1" * 6000):
        with pytest.raises(BadAnswer):
            READERS[name][0](Answer(200, broken, {}), "panel")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_json_or_a_bad_answer(body: bytes) -> None:
    assert outcome(json_body, Answer(200, body, {}), "panel").isprintable()
