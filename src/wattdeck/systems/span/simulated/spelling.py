"""How v2 writes things: values as text, and property lists from a compact notation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

Json = dict[str, Any]

CAPABILITY = "energy.ebus.capability"
DEVICE = "energy.ebus.device"


@dataclass(slots=True)
class Device:
    """One Homie device as it should be: the publisher brings the broker there."""

    device_id: str
    description: Json
    """Without `version`, which the publisher adds."""
    values: dict[str, str]
    """`node/property` -> payload."""
    state: str = "ready"
    described: bool = True
    """False: its description never comes."""


def number(value: float) -> str:
    """A measured value: one decimal, never -0.0."""
    return f"{round(value, 1) + 0.0:.1f}"


def text(value: str) -> str:
    """A text; Homie's word for an empty one, as an empty payload would delete."""
    return value or "\0"


def truth(value: bool) -> str:
    """A boolean."""
    return "true" if value else "false"


def declared(*lines: str) -> dict[str, Json]:
    """A node's properties, one a line: `name datatype [unit=W] [format=A,B] [settable]`."""
    properties: dict[str, Json] = {}
    for line in lines:
        name, datatype, *more = line.split(" ")
        prop: Json = {"datatype": datatype}
        for word in more:
            key, _, value = word.partition("=")
            prop[key] = value or True
        properties[name] = prop
    return properties


@dataclass(frozen=True, eq=False)
class NodeKind:
    """A kind of node: its type and what it declares."""

    type: str
    properties: Mapping[str, Json] = field(default_factory=dict)

    @cache  # noqa: B019
    def described(self, *, without_set: bool = False, **formats: str) -> Json:
        """Its part of a `$description`; made once, so not to be changed.

        Args:
            without_set: Nothing of it may be set here: the key is absent, not false.
            formats: Formats of this instance, by property with `_` for `-`.
        """
        properties: dict[str, Json] = {}
        for name, prop in self.properties.items():
            own = {key: value for key, value in prop.items() if key != "settable" or not without_set}
            given = formats.get(name.replace("-", "_"))
            properties[name] = own if given is None else own | {"format": given}
        return {"type": self.type, "properties": properties}
