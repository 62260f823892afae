"""Models to plain data and back: nothing is lost, and what another version wrote is refused."""

from __future__ import annotations

import json
import typing
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattdeck.core.codec import decode, encode, iso
from wattdeck.systems.span.models import Circuit, DataModel, Door, PanelSnapshot, Relay

CIRCUIT = Circuit(
    circuit_id="c1",
    name="Kitchen",
    tabs=(2, 4),
    power_w=812.5,
    energy_consumed_wh=1000.0,
    energy_produced_wh=None,
    relay=Relay.CLOSED,
    priority="must_have",
    controllable=True,
)
PANEL = PanelSnapshot(
    serial="nt-1",
    firmware="spanos2/r202342/04",
    model="00200",
    door=Door.CLOSED,
    main_relay=Relay.CLOSED,
    grid_power_w=-1.5,
    feedthrough_power_w=0.0,
    house_load_w=None,
    generation_w=3.0,
    battery_percent=None,
    main_consumed_wh=1.0,
    main_produced_wh=2.0,
    circuits=(CIRCUIT,),
)

MOMENTS = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001  hypothesis adds the zone
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    float: st.floats(allow_nan=False, allow_infinity=False),
    int: st.integers(-(2**53), 2**53),
    str: st.text(max_size=8),
    bool: st.booleans(),
    datetime: MOMENTS,
    type(None): st.none(),
}


def every(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a type as a model's field may have it; of a model with every field it has."""
    arguments = typing.get_args(kind)
    if kind in PLAIN:
        return PLAIN[kind]
    if typing.get_origin(kind) is tuple:
        if Ellipsis in arguments:
            return st.lists(every(arguments[0]), max_size=3).map(tuple)
        return st.tuples(*map(every, arguments))
    if arguments:
        return st.one_of([every(each) for each in arguments])
    if isinstance(kind, type) and is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{field.name: every(hints[field.name]) for field in fields(kind)})
    return st.sampled_from(kind)


PANELS = every(PanelSnapshot)


@given(PANELS)
def test_a_panel_survives_being_written_as_json_and_read_again(panel: PanelSnapshot) -> None:
    again = decode(PanelSnapshot, json.loads(json.dumps(encode(panel))))
    assert again == panel
    assert again.uptime_s == panel.uptime_s
    for moment in ("power_at", "reported_at"):
        assert [getattr(each, moment) for each in again.circuits] == [getattr(each, moment) for each in panel.circuits]
    assert all(isinstance(circuit.relay, Relay) for circuit in again.circuits)


def test_names_and_values_are_those_the_interface_promises() -> None:
    data = encode(replace(CIRCUIT, power_at=datetime(2026, 11, 20, 17, 0, 1, 500_000, UTC)))
    assert data["relay"] == "closed" and type(data["relay"]) is str
    assert (data["tabs"], data["power_w"], data["energy_produced_wh"]) == ([2, 4], 812.5, None)
    assert data["power_at"] == "2026-11-20T17:00:01.500Z"
    assert list(data)[:4] == ["circuit_id", "name", "tabs", "power_w"]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 11, 20, 17, 0, tzinfo=UTC), "2026-11-20T17:00:00Z"),
        (datetime(2026, 11, 20, 17, 0, 0, 1999, UTC), "2026-11-20T17:00:00.001Z"),
        (datetime(2026, 11, 20, 14, 0, tzinfo=timezone(timedelta(hours=-3))), "2026-11-20T14:00:00-03:00"),
        (datetime(2026, 11, 20, 17, 0, tzinfo=timezone(timedelta())), "2026-11-20T17:00:00Z"),
    ],
)
def test_times_are_iso_8601_with_their_offset(moment: datetime, text: str) -> None:
    assert iso(moment) == text


class Plain(Enum):
    """An enumeration of numbers."""

    ONE = 1


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (Plain.ONE, 1),
        (date(2026, 11, 1), "2026-11-01"),
        (Decimal("1.25"), 1.25),
        ({1: (Relay.OPEN,)}, {"1": ["open"]}),
        ("text", "text"),
        (True, True),
        (None, None),
    ],
)
def test_plain_shapes_become_plain_data(value: Any, data: Any) -> None:
    assert encode(value) == data


@pytest.mark.parametrize("value", [object(), Circuit, {1, 2}, b"bytes"])
def test_what_has_no_place_in_a_snapshot_is_an_error(value: Any) -> None:
    with pytest.raises(TypeError, match="has no place in a snapshot"):
        encode(value)


@pytest.mark.parametrize(
    "change",
    [
        {"door": "ajar"},
        {"door": None},
        {"serial": 7},
        {"grid_power_w": "12"},
        {"grid_power_w": True},
        {"battery_percent": 7.5},
        {"battery_percent": False},
        {"circuits": {}},
        {"circuits": [7]},
        {"circuits": [{"circuit_id": "c1"}]},
        {"circuits": None},
        {"today_since": "yesterday"},
        {"today_since": "2026-11-20T00:00:00"},
        {"today_since": 7},
        {"ethernet": 1},
        {"data_model": "v3"},
        {"leg_voltage_v": [120.0]},
        {"leg_voltage_v": [120.0, 121.0, 122.0]},
        {"leg_current_a": None},
        {"batteries": [{}]},
        {"pcs": []},
    ],
)
def test_what_another_version_wrote_is_a_value_error(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  what is wrong is for the log, the kind is the promise
        decode(PanelSnapshot, {**encode(PANEL), **change})


def test_a_missing_field_is_a_value_error_unless_it_has_a_default() -> None:
    data = encode(PANEL)
    del data["solar_w"]
    assert decode(PanelSnapshot, data) == PANEL
    del data["serial"]
    with pytest.raises(ValueError, match="not a PanelSnapshot"):
        decode(PanelSnapshot, data)


def as_before_v2(panel: PanelSnapshot) -> dict[str, Any]:
    """A v1 panel as versions without v2 wrote it."""
    data = encode(panel)
    data["circuits"] = [{name: circuit[name] for name in V1_CIRCUIT} for circuit in data["circuits"]]
    return {name: data[name] for name in V1_PANEL}


V1_CIRCUIT = [
    "circuit_id", "name", "tabs", "power_w", "energy_consumed_wh", "energy_produced_wh", "relay", "priority",
    "controllable", "virtual", "relay_target", "sheddable", "never_backup", "power_at", "energy_at",
    "energy_today_wh",
]  # fmt: skip
V1_PANEL = [
    "serial", "firmware", "model", "door", "main_relay", "grid_power_w", "feedthrough_power_w", "house_load_w",
    "generation_w", "battery_percent", "main_consumed_wh", "main_produced_wh", "circuits", "feedthrough_consumed_wh",
    "feedthrough_produced_wh", "grid_state", "dsm_state", "run_config", "proximity_proven", "ethernet", "wifi",
    "cellular", "solar_w", "today_since", "uptime_s",
]  # fmt: skip


def test_what_a_version_without_v2_wrote_is_read_as_a_v1_panel() -> None:
    panel = decode(PanelSnapshot, json.loads(json.dumps(as_before_v2(PANEL))))
    assert panel == PANEL and panel.data_model is DataModel.V1
    assert (panel.islanded, panel.leg_voltage_v, panel.batteries) == (None, (None, None), ())
    assert panel.circuits[0].live and panel.circuits[0].priority_settable is None


@pytest.mark.parametrize(("kind", "known"), [(PanelSnapshot, V1_PANEL), (Circuit, V1_CIRCUIT)])
def test_every_field_that_came_later_has_a_default(kind: Any, known: list[str]) -> None:
    later = [field for field in fields(kind) if field.name not in known]
    assert later and not [f.name for f in later if f.default is MISSING and f.default_factory is MISSING]


def test_fields_of_a_later_version_are_left_out() -> None:
    assert decode(PanelSnapshot, {**encode(PANEL), "phase_angle": 7}) == PANEL


@pytest.mark.parametrize("data", [None, 7, "x", [], {}, {"serial": {}}])
def test_data_of_another_kind_is_a_value_error(data: Any) -> None:
    with pytest.raises(ValueError, match="not a PanelSnapshot"):
        decode(PanelSnapshot, data)


@dataclass(frozen=True)
class Ambiguous:
    """A field of two possible kinds."""

    value: int | str


def test_a_model_with_an_ambiguous_field_cannot_be_read_back() -> None:
    with pytest.raises(ValueError, match="ambiguous"):
        decode(Ambiguous, {"value": 1})


def test_whole_numbers_are_read_where_a_float_is_due() -> None:
    panel = decode(PanelSnapshot, {**encode(PANEL), "grid_power_w": 12})
    assert isinstance(panel.grid_power_w, float)


@pytest.mark.parametrize("number", [float("inf"), float("nan"), 1e999])
def test_no_model_holds_what_is_no_finite_number(number: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        decode(Circuit, {**encode(CIRCUIT), "power_w": number})
