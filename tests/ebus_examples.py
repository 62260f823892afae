"""The examples of span-v2.md 5 and 6 as the retained topics a broker holds: one panel, in both data models.

The sheet prints one circuit in full and the others as rows; here the rows are filled in the same way for both models.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

FIXTURES = Path(__file__).parent / "fixtures" / "span"
SERIAL = "nt-2143-c1akc"
HALLWAY, HEAT_PUMP, OFFICE = (
    "3f9a0c5be1d24f7a8c60b2d7e4915a01",
    "7b21d8e0c4a94c1fb3e5a6f09d872c02",
    "c05e7719a2bb4d3e9f18d64077ab3e03",
)
ROUTER, SOLAR, CHARGER = (
    "e8d4412f60c54b7ba17c3390fe5d6d04",
    "91c4e27d05fa4b0c9a36d8517be2f005",
    "d03b66a1f7e84295b0c7194e2a5d8f06",
)
CIRCUITS = (HALLWAY, HEAT_PUMP, OFFICE, ROUTER, SOLAR, CHARGER)
LOCKED = (ROUTER, SOLAR)
"""Circuits of the tree whose relay and priority nobody may set."""

Json = dict[str, Any]


def flat_topics() -> dict[str, bytes]:
    """Every retained topic of the flat example, in the order a panel first publishes them."""
    example = _read("ebus_flat.json")
    description, values = example["description"], example["values"]
    for circuit_id in CIRCUITS:
        description["nodes"][circuit_id] = description["nodes"][HEAT_PUMP]
    for circuit_id, row in example["other_circuits"].items():
        values[circuit_id] = _flat_circuit(row)
    root = f"ebus/5/{SERIAL}"
    topics = {f"{root}/$state": "ready", f"{root}/$description": json.dumps(description)}
    topics |= {f"{root}/{node}/{prop}": text for node, props in values.items() for prop, text in props.items()}
    return {topic: text.encode() for topic, text in topics.items()}


def tree_topics() -> dict[str, bytes]:
    """Every retained topic of the parent/child example, children before their parents, the root last."""
    example = _read("ebus_tree.json")
    descriptions, values = example["descriptions"], example["values"]
    downstream = copy.deepcopy(descriptions[f"{SERIAL}-lugs-up"])
    downstream["name"] = "lugs-dn"
    descriptions[f"{SERIAL}-lugs-dn"] = downstream
    for circuit_id, row in example["other_circuits"].items():
        values[circuit_id] = _tree_circuit(row) | values.get(circuit_id, {})
    charger = f"{SERIAL}-dt-01"
    values[CHARGER] |= {
        "connection/feeds-device-id": charger,
        "connection/feeds-device-type": "energy.ebus.device.evse",
        "connection/feeds-device-status": "OK",
    }
    for circuit_id in CIRCUITS:
        descriptions[circuit_id] = _tree_description(descriptions[HEAT_PUMP], values[circuit_id], circuit_id in LOCKED)
    topics: dict[str, str] = {}
    for device in [*(each for each in descriptions if each != SERIAL), SERIAL]:
        topics[f"ebus/5/{device}/$state"] = "ready"
        topics[f"ebus/5/{device}/$description"] = json.dumps(descriptions[device])
        topics |= {f"ebus/5/{device}/{place}": text for place, text in values[device].items()}
    return {topic: text.encode() for topic, text in topics.items()}


def _read(name: str) -> Json:
    found: Json = json.loads((FIXTURES / name).read_text("utf-8"))
    return found


def _flat_circuit(row: Json) -> dict[str, str]:
    first, _, second = row["spaces"].partition(",")
    priority = row["priority"]
    values = {
        "name": row["name"],
        "relay": "CLOSED",
        "relay-requester": "NONE",
        "breaker-rating": row.get("breaker-rating"),
        "current": row["current"],
        "active-power": row["active-power"],
        "imported-energy": row["imported-energy"],
        "exported-energy": row["exported-energy"],
        "space": first,
        "dipole": "true" if second else "false",
        "shed-priority": priority,
        "pcs-managed": "false",
        "pcs-priority": "0",
        "sheddable": "false" if priority == "NEVER" else "true",
        "never-backup": "false",
        "always-on": "false",
    }
    return {prop: text for prop, text in values.items() if text is not None}


def _tree_circuit(row: Json) -> dict[str, str]:
    values = {
        "info/name": row["name"],
        "info/spaces": row["spaces"],
        "switch/relay": "CLOSED",
        "switch/relay-requester": "NONE",
        "switch/relay-controllable": "true",
        "breaker/rating": row.get("breaker-rating"),
        "breaker/poles": str(1 + row["spaces"].count(",")),
        "meter/current": row["current"],
        "meter/active-power": row["active-power"],
        "meter/imported-energy": row["imported-energy"],
        "meter/exported-energy": row["exported-energy"],
        "load-shed/priority": row["priority"],
        "pcs/managed": "false",
    }
    return {place: text for place, text in values.items() if text is not None}


def _tree_description(shown: Json, values: dict[str, str], locked: bool) -> Json:
    """The printed circuit's description for another one; a locked one has no `settable` at all."""
    description = copy.deepcopy(shown)
    description["name"] = values["info/name"]
    if locked:
        del description["nodes"]["switch"]["properties"]["relay"]["settable"]
        del description["nodes"]["load-shed"]["properties"]["priority"]["settable"]
    return description
