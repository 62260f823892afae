"""The parts of a panel, whichever data model they came in: where each value of section 10's table is found.

In the flat model a part is a node of the one device, in the parent/child model a device of its own. A part answers by
our name of a value (`relay`, `power`), so that everything above reads both models alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from wattdeck.systems.span.ebus import homie
from wattdeck.systems.span.ebus.store import Device

DEVICE = "energy.ebus.device."


@dataclass(slots=True, eq=False)
class Part:
    """One circuit, meter, battery ... of the panel."""

    id: str
    """Node id in the flat model, device id in the tree."""
    device: Device
    paths: Mapping[str, str]
    """Our name of a value -> property (flat), or `node/property` (tree)."""
    node: str = ""
    """The node it is, in the flat model."""

    def path(self, name: str) -> str | None:
        """Where the value of that name is, as `node/property`; None: this model does not have it."""
        found = self.paths.get(name)
        if found is None or not self.node:
            return found
        return f"{self.node}/{found}"

    def raw(self, name: str) -> bytes | None:
        """The payload last reported, or None."""
        path = self.path(name)
        return None if path is None else self.device.values.get(path)

    def target(self, name: str) -> bytes | None:
        """The payload a pending command asked for, or None."""
        path = self.path(name)
        return None if path is None else self.device.targets.get(path)

    def text(self, name: str) -> str:
        return homie.text(self.raw(name)) or ""

    def word(self, name: str) -> str:
        return homie.word(self.raw(name))

    def number(self, name: str) -> float | None:
        return homie.number(self.raw(name))

    def integer(self, name: str) -> int | None:
        return homie.integer(self.raw(name))

    def boolean(self, name: str) -> bool | None:
        return homie.boolean(self.raw(name))

    def ids(self, name: str) -> tuple[str, ...]:
        return homie.ids(self.raw(name))

    def settable(self, name: str) -> bool | None:
        """Whether the live description lets this be set; None: it lists no properties."""
        path = self.path(name)
        if path is None or self.device.description is None:
            return False
        node, _, prop = path.partition("/")
        return self.device.description.settable(node, prop)

    def set_topic(self, name: str) -> str:
        """Where a command for this value goes."""
        return f"{homie.PREFIX}/{self.device.id}/{self.path(name)}/set"

    @property
    def live(self) -> bool:
        return self.device.live

    @property
    def dirty(self) -> bool:
        """Something of it was reported since the last picture."""
        marks = self.device.dirty
        return bool(marks) and (not self.node or self.node in marks or "" in marks)

    @property
    def touched_s(self) -> float | None:
        """When anything of it was last reported, monotonic."""
        touched = self.device.touched_s
        return touched.get(self.node) if self.node else max(touched.values(), default=None)


@dataclass(slots=True)
class Parts:
    """All parts of a panel, by what they are. An absent one is None: the panel does not have it, or not yet."""

    panel: Part
    circuits: list[Part] = field(default_factory=list)
    feed: Part | None = None
    """Upstream lugs."""
    sub_panel: Part | None = None
    """Downstream lugs."""
    flows: Part | None = None
    pcs: Part | None = None
    forecast: Part | None = None
    batteries: list[Part] = field(default_factory=list)
    inverters: list[Part] = field(default_factory=list)
    chargers: list[Part] = field(default_factory=list)
    islanding: list[Part] = field(default_factory=list)
    """Islanding switches (MID)."""
