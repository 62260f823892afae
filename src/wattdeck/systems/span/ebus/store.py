"""What the broker has said so far: devices, their states, descriptions and values (span-v2.md 4, 6.1, 9.3).

A store belongs to one session and one panel: after a reconnect a new one is filled, so that what is not said again is
not believed. It only keeps; what the values mean is `flat`'s, `tree`'s and `panel`'s to say.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Flag, auto

from wattdeck.systems.span.ebus import homie
from wattdeck.systems.span.ebus.homie import Description, DeviceState
from wattdeck.systems.span.ebus.leftover import Leftover
from wattdeck.systems.span.ebus.stream import Message
from wattdeck.systems.span.models import DataModel

log = logging.getLogger(__name__)

DEVICES_MAX = 256
"""The largest panel seen has about 60."""
HELD_BYTES_MAX = 16_000_000
"""All that one panel says, as kept in memory, about; the largest panel seen takes a tenth."""
ENTRY_BYTES = 200
"""What keeping one value costs besides its bytes."""
NODES_MAX = 1024
"""Of one device, reported on."""
DESCRIPTION_FACTOR = 4
"""What keeping one byte of a description costs, about."""
QUIET_S = 90.0
"""A healthy panel moves some value every second; without any for so long its application hangs (span-v2.md 9.4)."""
DEPTH_MAX = 4
"""A panel's parts are two levels deep: battery, and its islanding switch."""

URGENT = frozenset(
    {
        "relay",
        "relay-requester",
        "shed-priority",
        "priority",
        "door",
        "state",
        "grid-state",
        "islanding-state",
        "asserted-islanding-state",
        "dominant-power-source",
    }
)
"""Properties whose change is shown at once (span-v2.md 9.3)."""
MODEL_VERSION = "info/data-model-version"
FLAT_ALONE = (".core", "device.circuit")
"""How types of nodes end that no root of a tree has."""
STRUCTURAL = frozenset({"data-model-version", "direction"})
"""Values that say what something is, and not how it is: which model, which lugs."""


class Change(Flag):
    """What a message changed."""

    NOTHING = 0
    VALUE = auto()
    URGENT = auto()
    STRUCTURE = auto()
    """A description or a state: what there is, or whether it is live."""


@dataclass(slots=True)
class Device:
    """One Homie device as reported so far."""

    id: str
    state: DeviceState = DeviceState.UNKNOWN
    description: Description | None = None
    values: dict[str, bytes] = field(default_factory=dict)
    """`node/property` -> payload."""
    targets: dict[str, bytes] = field(default_factory=dict)
    """The same for `$target`: a command the panel has taken and not carried out yet."""
    touched_s: dict[str, float] = field(default_factory=dict)
    """Node -> when it was last reported, monotonic."""
    dirty: set[str] = field(default_factory=set)
    """Nodes reported since the last picture."""
    held_bytes: int = 0
    """What keeping its values and its description costs, about."""
    described_bytes: int = 0
    """Of that, the description."""

    @property
    def live(self) -> bool:
        return self.state is DeviceState.READY and self.description is not None


class EbusStore:
    """Everything of one panel in one session.

    Args:
        serial: The panel's device id.
        monotonic: Seconds that never jump.
        leftover: Where the schema says flat although topics had shown a tree; else a version is believed.
    """

    def __init__(self, serial: str, monotonic: Callable[[], float], leftover: Leftover | None = None) -> None:
        self.serial = serial
        self._leftover = leftover
        self._monotonic = monotonic
        self.root = Device(serial)
        self.devices: dict[str, Device] = {serial: self.root}
        self.asked: set[str] = {serial}
        """Devices whose topics were subscribed to."""
        self.waiting_s = monotonic()
        """Since when the root has not been ready and described."""
        self.heard_s: float | None = None
        """When anything came last."""
        self.news_s: float | None = None
        """When something was last reported that had not been before: while retained topics come, all is."""
        self.complete_s: float | None = None
        """Since when the root is ready and described; None while it is not."""
        self.settled = False
        """Everything a picture needs has come since then, or was waited for long enough."""
        self._descended = False
        """Descriptions name other children than when they were last followed."""
        self.structure = 0
        """Grows with every change of what there is."""
        self.held_bytes = 0
        """What keeping all this costs, about."""
        self._full = False

    def apply(self, message: Message) -> Change:
        """Take one message in."""
        topic = homie.parse_topic(message.topic)
        if topic is None or topic.device not in self.asked:
            return Change.NOTHING
        now_s, heard_s = self._monotonic(), self.heard_s
        self.heard_s = now_s
        device = self.devices.get(topic.device)
        if device is None:
            device = self.devices[topic.device] = Device(topic.device)
        if topic.attribute == "$state":
            change = self._take_state(device, message.payload)
        elif topic.attribute == "$description":
            change = self._take_description(device, message.payload)
        elif topic.node:
            change = self._take_value(device, topic, message.payload, now_s)
        else:
            change = Change.NOTHING
        if self._leftover is not None and not message.retained and topic.device == self.serial and topic.node:
            change |= self._weigh(self._leftover, topic, now_s)
        spoke_again = heard_s is not None and now_s - heard_s >= QUIET_S
        return change | Change.URGENT if spoke_again else change

    def new_children(self) -> list[str]:
        """Devices that descriptions name and that are not subscribed to yet; they count as subscribed from now on."""
        if not self._descended:
            return []
        self._descended = False
        found = [child for child in self.tree_ids() if child not in self.asked]
        self.asked.update(found)
        return found

    def tree_ids(self) -> Iterator[str]:
        """Ids of the devices the descriptions name, parents first, each once, whatever circles they name."""
        seen, level = {self.serial}, [self.serial]
        yield self.serial
        for _ in range(DEPTH_MAX):
            below: list[str] = []
            for device_id in level:
                device = self.devices.get(device_id)
                for child in device.description.children if device and device.description else ():
                    if child not in seen:
                        if len(seen) >= DEVICES_MAX:
                            return
                        seen.add(child)
                        below.append(child)
                        yield child
            level = below

    @property
    def evidence(self) -> DataModel | None:
        """Which data model the topics show; None: too little has come (span-v2.md 11)."""
        described, leftover = self.described, self._leftover
        if not homie.text(self.root.values.get(MODEL_VERSION)):
            return described
        if leftover is None or described is DataModel.TREE:
            return DataModel.TREE
        return described if leftover.proven else None

    @property
    def in_doubt(self) -> bool:
        """A version is kept that may be of before a downgrade."""
        return self._leftover is not None and self.evidence is None

    @property
    def described(self) -> DataModel | None:
        """Which data model the root's description is one of; None: of none, or there is none."""
        description = self.root.description
        if description is None:
            return None
        types = {node.type for node in description.nodes.values()}
        if any(each.endswith(FLAT_ALONE) for each in types) or "core" in description.nodes:
            return DataModel.FLAT
        return DataModel.TREE if description.has_children else None

    def _weigh(self, leftover: Leftover, topic: homie.Topic, now_s: float) -> Change:
        """What something said just now of the root's own nodes means for a version that was kept."""
        if f"{topic.node}/{topic.prop}" == MODEL_VERSION:
            self._leftover = None
            return self._restructured(self.root)
        node = None if self.root.description is None else self.root.description.nodes.get(topic.node)
        if leftover.proven or node is None or not node.type.endswith(FLAT_ALONE) or not self.root.live:
            return Change.NOTHING
        return self._restructured(self.root) if leftover.reported(now_s) else Change.NOTHING

    def _take_state(self, device: Device, payload: bytes) -> Change:
        state = homie.state(payload)
        if state is device.state:
            return Change.NOTHING
        device.state = state
        return self._restructured(device)

    def _take_description(self, device: Device, payload: bytes) -> Change:
        description = homie.parse_description(payload)
        if description is None and payload:
            # What cannot be read does not undo what could.
            return Change.NOTHING
        if description == device.description:
            return Change.NOTHING
        cost = DESCRIPTION_FACTOR * len(payload)
        if not self._has_room(cost - device.described_bytes):
            return Change.NOTHING
        known = device.description
        self._hold(device, cost - device.described_bytes)
        device.description, device.described_bytes = description, cost
        if description is not None and known is not None:
            self._forget_missing_nodes(device, description)
        children = () if description is None else description.children
        if children != (() if known is None else known.children):
            self._descended = True
            if known is not None:
                self._forget_strays()
        return self._restructured(device)

    def _restructured(self, device: Device) -> Change:
        self.structure += 1
        device.dirty.add("")
        if self._leftover is not None and not (self.root.live and self.described is DataModel.FLAT):
            self._leftover.begin_anew()
        if not self.root.live or self.described is None or self.described is not self.evidence:
            if self.complete_s is not None:
                self.waiting_s = self._monotonic()
            self.complete_s, self.settled = None, False
        elif self.complete_s is None:
            self.complete_s = self._monotonic()
        return Change.STRUCTURE | Change.URGENT

    def _forget_strays(self) -> None:
        """Let go of devices that no description names any more; should one come back it is asked for anew."""
        named = set(self.tree_ids())
        for device_id in [each for each in self.devices if each not in named]:
            self.held_bytes -= self.devices.pop(device_id).held_bytes
        self.asked &= named

    def _take_value(self, device: Device, topic: homie.Topic, payload: bytes, now_s: float) -> Change:
        path = f"{topic.node}/{topic.prop}"
        kept = device.targets if topic.attribute else device.values
        known = kept.get(path)
        if known == payload and known is not None:
            _touch(device, topic.node, now_s)
            return Change.NOTHING
        # Far too long for a value, or too much in all: what it was before is not true any more.
        cost = 0 if len(payload) > homie.VALUE_BYTES_MAX else _cost(path, payload)
        before = 0 if known is None else _cost(path, known)
        wanted = cost > 0 and self._has_room(cost - before)
        if not wanted and known is None:
            return Change.NOTHING
        kept.pop(path, None)
        if wanted:
            kept[path] = payload
            if known is None:
                self.news_s = now_s
        self._hold(device, (cost if wanted else 0) - before)
        _touch(device, topic.node, now_s)
        device.dirty.add(topic.node if len(device.dirty) < NODES_MAX else "")
        if topic.prop in STRUCTURAL:
            return self._restructured(device)
        urgent = topic.attribute or topic.prop in URGENT
        return Change.VALUE | Change.URGENT if urgent else Change.VALUE

    def _has_room(self, more: int) -> bool:
        """Whether so many bytes more may be kept."""
        fits = more <= 0 or self.held_bytes + more <= HELD_BYTES_MAX
        if not fits and not self._full:
            self._full = True
            log.warning("a panel says more than is kept of one; what does not fit counts as unknown")
        return fits

    def _hold(self, device: Device, more: int) -> None:
        device.held_bytes += more
        self.held_bytes += more

    def _forget_missing_nodes(self, device: Device, description: Description) -> None:
        """Values of nodes the new description does not have are leftovers."""
        for kept in (device.values, device.targets):
            for path in [each for each in kept if each.partition("/")[0] not in description.nodes]:
                self._hold(device, -_cost(path, kept.pop(path)))
        for node in [each for each in device.touched_s if each not in description.nodes]:
            del device.touched_s[node]


def _cost(path: str, payload: bytes) -> int:
    """Bytes it takes to keep a value; none for one that is emptied."""
    return ENTRY_BYTES + len(path) + len(payload) if payload else 0


def _touch(device: Device, node: str, now_s: float) -> None:
    """Note when a node was last reported on."""
    if node in device.touched_s or len(device.touched_s) < NODES_MAX:
        device.touched_s[node] = now_s
