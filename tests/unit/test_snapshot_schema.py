"""The JSON Schema that `--json-schema` prints holds for what `snapshot` prints, well or broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from fakes import START, ManualClock
from wattdeck.core.export import to_json
from wattdeck.core.hub import Hub
from wattdeck.core.secrets import SecretRef
from wattdeck.core.snapshot import document, exit_code, json_schema
from wattdeck.core.sources import demo_sources
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span import SYSTEM as SPAN
from wattdeck.systems.span.config import SpanConfig

pytestmark = pytest.mark.anyio

SCHEMA = json.loads(to_json(json_schema({"span": SPAN})))
FAULTS = [
    "null-name",
    "null-power=all",
    "null-energy=all",
    "nan=all",
    "negative-zero=all",
    "unknown-enum=first",
    "unknown-enum=all",
    "no-measure",
    "invalid-measure",
    "door-unknown",
    "hostile-names",
    "grid-down",
    "counter-dip",
    "clock-jump=-86400",
    "shuffled-branches",
    "empty-circuits",
    "main-relay-unknown",
    "html-200",
    "truncated",
    "html-502",
    "revoke",
    "sunset",
]


def check(found: dict[str, Any]) -> None:
    """Validate a document as a script would get it."""
    validator = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())
    validator.validate(json.loads(to_json(found)))


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["title"] == "wattdeck.snapshot/1"


def open_panel(state_dir: Path, *faults: str) -> Hub:
    named = dict((*fault.partition("=")[::2],) for fault in faults)
    options = SimulatorOptions(start=START, faults={name: value or None for name, value in named.items()})
    pairs, apps = demo_sources({"span": SPAN}, options, None)
    return Hub(pairs, state_dir=state_dir, clock=ManualClock(), demo_apps=apps)


async def test_the_demo_is_as_the_schema_says(tmp_path: Path) -> None:
    async with open_panel(tmp_path) as hub:
        await hub.once()
        found = document(hub, list(hub.sources), START)
    assert [source["link"] for source in found["sources"]] == ["live", "live", "live"]
    check(found)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_broken_panel_is_as_the_schema_says(tmp_path: Path, fault: str) -> None:
    async with open_panel(tmp_path, fault) as hub:
        await hub.once(["span/shop"])
        check(document(hub, list(hub.sources), START))


async def test_a_panel_that_went_away_is_as_the_schema_says(tmp_path: Path) -> None:
    pairs, apps = demo_sources({"span": SPAN}, SimulatorOptions(start=START), None)
    async with Hub(pairs[:1], state_dir=tmp_path, clock=ManualClock(), demo_apps=apps) as hub:
        await hub.once()
        del hub.sources["span/home"].client._http._transport.app  # type: ignore[attr-defined]
        await hub.once()
        found = document(hub, ["span/home"], START)
        assert exit_code(hub, ["span/home"]) == 3
    assert (found["sources"][0]["link"], found["sources"][0]["feeds"]["panel"]["data"]["serial"]) == (
        "stale",
        "nt-2143-demo1",
    )
    check(found)


async def test_a_source_nobody_answers_for_is_as_the_schema_says(tmp_path: Path) -> None:
    config = SpanConfig(name="home", host="192.0.2.1", token=SecretRef(plain="t"), retries=0)
    async with Hub([(SPAN, config)], state_dir=tmp_path, demo_apps={}) as hub:
        check(document(hub, ["span/home"], START))
        await hub.once()
        check(document(hub, ["span/home"], hub.clock.now()))


async def test_no_source_at_all_is_as_the_schema_says(tmp_path: Path) -> None:
    async with Hub([], state_dir=tmp_path, demo_apps={}) as hub:
        check(document(hub, [], START))


@pytest.mark.parametrize(
    "change",
    [{"schema": "wattdeck.snapshot/2"}, {"taken_at": None}, {"sources": [{}]}, {"sources": None}, {"demo": "no"}],
)
async def test_the_schema_refuses_what_is_no_snapshot(tmp_path: Path, change: dict[str, Any]) -> None:
    async with Hub([], state_dir=tmp_path, demo_apps={}) as hub:
        found = document(hub, [], START)
    with pytest.raises(jsonschema.ValidationError):
        check({**found, **change})


async def test_the_schema_knows_the_fields_the_interface_promises(tmp_path: Path) -> None:
    panel, circuit = SCHEMA["$defs"]["PanelSnapshot"], SCHEMA["$defs"]["Circuit"]
    assert set(panel["properties"]) >= {
        "serial", "firmware", "model", "door", "main_relay", "grid_power_w", "feedthrough_power_w", "house_load_w",
        "generation_w", "battery_percent", "main_consumed_wh", "main_produced_wh", "circuits",
    }  # fmt: skip
    assert set(circuit["properties"]) >= {
        "circuit_id", "name", "tabs", "power_w", "energy_consumed_wh", "energy_produced_wh", "relay", "relay_target",
        "priority", "controllable", "virtual",
    }  # fmt: skip
