"""Homie 5 as far as eBus uses it: topics, descriptions, payloads (span-v2.md 4). Pure, bounded, believes nothing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any

from wattdeck.core.text import clean

PREFIX = "ebus/5"
VALUE_BYTES_MAX = 16_384
"""A value longer than this is none: the longest seen is a JSON policy of some hundred bytes."""
DESCRIPTION_BYTES_MAX = 400_000
"""The largest description of a panel is a few tens of kB; reading one must not hold up everything else."""
NODES_MAX, PROPERTIES_MAX, CHILDREN_MAX = 256, 256, 256
PROPERTIES_IN_ALL_MAX = 8192
"""Of one description: the largest flat panel has about 1,500."""
LISTED_MAX = 64
WORD_BYTES_MAX = 64
"""No number and no enumeration's word is longer."""
NUMBER_MAX = 1e15
"""No watt or watt-hour is beyond this; whatever is counts as unknown."""
TEXT_CHARS = 200
TEXT_BYTES = 4 * TEXT_CHARS
"""More of a payload is not looked at for a text: cleaning it would take longer than reading it."""

_PREFIX = PREFIX.split("/")
_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SEPARATORS = re.compile(r"[\s,;\[\]\"']+")
_INTEGER = re.compile(r"[+-]?[0-9]{1,15}")
_FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")


class DeviceState(StrEnum):
    """`$state` of a device. Only `ready` is live."""

    INIT = "init"
    READY = "ready"
    DISCONNECTED = "disconnected"
    SLEEPING = "sleeping"
    LOST = "lost"
    UNKNOWN = "unknown"
    """A word Homie does not have, or nothing yet."""


@dataclass(frozen=True, slots=True)
class Property:
    """What a description says of one property."""

    datatype: str = ""
    settable: bool = False
    format: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """What a description says of one node."""

    type: str = ""
    name: str = ""
    properties: Mapping[str, Property] | None = None
    """None: the description lists none, and nothing follows from that (span-v2.md 5.1)."""


@dataclass(frozen=True, slots=True)
class Description:
    """A device's `$description`."""

    type: str = ""
    name: str = ""
    version: int | None = None
    children: tuple[str, ...] = ()
    has_children: bool = False
    """The key is there: a device of the parent/child model."""
    root: str = ""
    parent: str = ""
    nodes: Mapping[str, Node] = field(default_factory=dict)

    def settable(self, node: str, prop: str) -> bool | None:
        """Whether the description lets this be set; None: it lists no properties of that node."""
        found = self.nodes.get(node)
        if found is None:
            return False
        if found.properties is None:
            return None
        listed = found.properties.get(prop)
        return listed is not None and listed.settable


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic taken apart: attribute (`$state`), value (`node`, `prop`), or target (`prop/$target`)."""

    device: str
    node: str = ""
    prop: str = ""
    attribute: str = ""
    """`$state`, `$description`, `$target` ...; empty: a value."""


def parse_topic(topic: str) -> Topic | None:
    """A topic below `ebus/5`, or None for one that says nothing about a device."""
    parts = topic.split("/") if len(topic) <= 600 else []
    if len(parts) < 4 or parts[:2] != _PREFIX or parts[2].startswith("$"):
        return None
    device, rest = parts[2], parts[3:]
    if not _ID.fullmatch(device):
        return None
    if len(rest) == 1 and rest[0].startswith("$"):
        return Topic(device, attribute=rest[0])
    if len(rest) < 2 or not _ID.fullmatch(rest[0]) or not _ID.fullmatch(rest[1]):
        return None
    if len(rest) == 2:
        return Topic(device, rest[0], rest[1])
    if len(rest) == 3 and rest[2] == "$target":
        return Topic(device, rest[0], rest[1], rest[2])
    return None


def parse_description(payload: bytes) -> Description | None:
    """A description, or None if it is none. What is odd in it is left out; nothing raises."""
    if not payload or len(payload) > DESCRIPTION_BYTES_MAX:
        return None
    try:
        raw = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(raw, dict):
        return None
    version = raw.get("version")
    children = raw.get("children")
    nodes = raw.get("nodes")
    return Description(
        type=_text(raw.get("type")),
        name=_text(raw.get("name")),
        version=version if isinstance(version, int) and not isinstance(version, bool) else None,
        children=_ids(children),
        has_children=isinstance(children, list),
        root=_text(raw.get("root")),
        parent=_text(raw.get("parent")),
        nodes=_nodes(nodes) if isinstance(nodes, dict) else {},
    )


def text(payload: bytes | None) -> str | None:
    """A payload as text that is safe to show; None for none, for `(null)` and for what is far too long.

    A single zero byte is Homie's empty text.
    """
    if payload is None or len(payload) > VALUE_BYTES_MAX or payload == b"(null)":
        return None
    if payload == b"\0":
        return ""
    return clean(payload[:TEXT_BYTES].decode("utf-8", "replace"), TEXT_CHARS).strip()


def number(payload: bytes | None) -> float | None:
    """A payload as a finite number, -0.0 made 0.0; None for anything else."""
    found = _short(payload)
    if found is None or not _FLOAT.fullmatch(found):
        return None
    value = float(found)
    return value + 0.0 if math.isfinite(value) and abs(value) < NUMBER_MAX else None


def integer(payload: bytes | None) -> int | None:
    """A payload as a whole number; None for anything else. A decimal without fraction counts (`200.0`)."""
    found = _short(payload)
    if found is None:
        return None
    if _INTEGER.fullmatch(found):
        return int(found)
    value = number(payload)
    return int(value) if value is not None and value == int(value) else None


def boolean(payload: bytes | None) -> bool | None:
    """Exactly `true` or `false`; None for anything else."""
    return {b"true": True, b"false": False}.get(payload) if payload is not None else None


def word(payload: bytes | None) -> str:
    """An enumeration's word in lower case; empty for none."""
    return (_short(payload) or "").lower()


def ids(payload: bytes | None) -> tuple[str, ...]:
    """The ids a payload lists, as JSON or with commas, each once; what is no id is left out."""
    if payload is None or len(payload) > VALUE_BYTES_MAX:
        return ()
    listed = _SEPARATORS.split(payload.decode("utf-8", "replace"), 2 * LISTED_MAX)
    return tuple(dict.fromkeys(each for each in listed if _ID.fullmatch(each)))[:LISTED_MAX]


def state(payload: bytes | None) -> DeviceState:
    """A device's `$state`."""
    found = word(payload)
    return DeviceState(found) if found in DeviceState.__members__.values() else DeviceState.UNKNOWN


def _short(payload: bytes | None) -> str | None:
    return None if payload is None or len(payload) > WORD_BYTES_MAX else text(payload)


def _text(value: Any) -> str:
    return clean(value[:TEXT_BYTES], TEXT_CHARS).strip() if isinstance(value, str) else ""


def _plain(value: Any) -> str:
    """A text of which there may be thousands: one that would have to be cleaned is none."""
    return value[:TEXT_CHARS] if isinstance(value, str) and value.isprintable() else ""


def _ids(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ()
    found = (each for each in value[: 4 * CHILDREN_MAX] if isinstance(each, str) and _ID.fullmatch(each))
    return tuple(dict.fromkeys(found))[:CHILDREN_MAX]


def _nodes(raw: Mapping[str, Any]) -> dict[str, Node]:
    nodes: dict[str, Node] = {}
    room = PROPERTIES_IN_ALL_MAX
    for node_id, node in islice(raw.items(), NODES_MAX):
        if not _ID.fullmatch(node_id) or not isinstance(node, dict):
            continue
        listed = node.get("properties")
        properties = _properties(listed, room) if isinstance(listed, dict) and listed else None
        room -= len(properties or ())
        nodes[node_id] = Node(_text(node.get("type")), _text(node.get("name")), properties)
    return nodes


def _properties(raw: Mapping[str, Any], room: int) -> dict[str, Property]:
    return {
        prop_id: Property(
            _plain(prop.get("datatype")),
            prop.get("settable") is True,
            _plain(prop.get("format")),
            _plain(prop.get("unit")),
        )
        for prop_id, prop in islice(raw.items(), min(PROPERTIES_MAX, room))
        if _ID.fullmatch(prop_id) and isinstance(prop, dict)
    }
