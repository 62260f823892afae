"""What faults make of the devices a panel is about to publish."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence

from wattdeck.systems.span.faults import FaultBoard
from wattdeck.systems.span.simulated.spelling import CAPABILITY, DEVICE, Device, Json, number

MESSAGES = "mqtt"
"""The endpoint of faults that lie in messages: one second of messages is one answer."""
HUGE_CHARS = 1_000_000
_LIES: dict[str, tuple[tuple[str, ...], str]] = {
    "null-name": (("name",), "(null)"),
    "null-power": (("active-power",), "(null)"),
    "null-energy": (("imported-energy", "exported-energy"), "(null)"),
    "negative-zero": (("active-power",), "-0.0"),
    "nan": (("active-power",), "NaN"),
    "unknown-enum": (("relay", "priority", "shed-priority"), "TRIPPED"),
}
"""Faults of circuits: which properties, and what they say."""
_LEFT_OUT = frozenset(
    {"status/relay", "breaker/rating", "status/wifi-ssid", "soc/soc", "info/model", "info/firmware-version"}
    | {"core/relay", "core/breaker-rating", "core/wifi-ssid", "bess/soc", "bess/software-version", "evse/part-number"}
)
"""Properties that a panel declares and may never publish (span-v2.md 6.4)."""
_NOT_KNOWN = frozenset(
    {"door/state", "status/cloud-connection", "core/door", "core/vendor-cloud", "load-shed/priority"}
)


def bend(devices: list[Device], faults: FaultBoard, *, named: bool) -> list[Device]:
    """The devices as they go out.

    Args:
        devices: As they should be, the root last; changed in place.
        faults: What is wrong.
        named: Whether names are there yet.
    """
    circuits = _circuits(devices)
    if not named:
        for device, head in circuits:
            _remove(device, _places(device, head, "name"))
    _lie(circuits, faults)
    if faults.strike("door-unknown", MESSAGES):
        _overwrite(devices, lambda place: place in ("core/door", "door/state"), "UNKNOWN")
    if faults.strike("main-relay-unknown", MESSAGES):
        _overwrite(devices, lambda place: place in ("core/relay", "status/relay"), "UNKNOWN")
    _dip(devices, faults)
    _thin_out(devices, faults)
    fault = faults.standing("payload")
    if fault is not None and isinstance(fault.value, tuple):
        _put(devices, *fault.value)
    return _bend_structure(devices, faults)


def _circuits(devices: Sequence[Device]) -> list[tuple[Device, str]]:
    """Where each circuit is: its device, and what stands before the names of its properties."""
    found = []
    for device in devices:
        if device.description["type"] == f"{DEVICE}.circuit":
            found.append((device, ""))
        for node, kind in device.description["nodes"].items():
            if kind["type"] == f"{DEVICE}.circuit":
                found.append((device, f"{node}/"))
    return found


def _places(device: Device, head: str, prop: str) -> list[str]:
    """A property of a circuit: of its node in the flat model, of any node of its device in the other."""
    if head:
        return [head + prop] if head + prop in device.values else []
    return [place for place in device.values if place.endswith(f"/{prop}")]


def _lie(circuits: Sequence[tuple[Device, str]], faults: FaultBoard) -> None:
    for name, fault in faults.strikes(_LIES, MESSAGES).items():
        props, words = _LIES[name]
        for device, head in circuits if fault.value == "all" else circuits[:1]:
            for prop in props:
                for place in _places(device, head, prop):
                    device.values[place] = words
    if faults.standing("huge-payload") and circuits:
        device, head = circuits[0]
        for place in _places(device, head, "name"):
            device.values[place] = "x" * HUGE_CHARS


def _dip(devices: Sequence[Device], faults: FaultBoard) -> None:
    dip = faults.strike("counter-dip", MESSAGES)
    if dip is None or not isinstance(dip.value, tuple):
        return
    share, answers = dip.value
    if answers is not None and dip.struck[MESSAGES] > answers:
        return
    for device in devices:
        for place, text in device.values.items():
            if place.endswith(("imported-energy", "exported-energy")):
                device.values[place] = number(float(text) * (1 - share))


def _thin_out(devices: Sequence[Device], faults: FaultBoard) -> None:
    if faults.standing("sparse"):
        for device in devices:
            root = device is devices[-1]
            kept = {"info/firmware-version", "info/model"} if root else set()
            _remove(device, _LEFT_OUT - kept)
        _overwrite(devices, lambda place: place in _NOT_KNOWN, "UNKNOWN")
    if faults.standing("silent-feedthrough"):
        for device in devices:
            head = "meter/" if device.values.get("info/direction") == "DOWNSTREAM" else "lugs-downstream/"
            _remove(device, [head + prop for prop in ("active-power", "imported-energy", "exported-energy")])


def _remove(device: Device, places: Collection[str]) -> None:
    for place in list(device.values):
        if place in places:
            del device.values[place]


def _overwrite(devices: Sequence[Device], chosen: Callable[[str], bool], words: str) -> None:
    for device in devices:
        for place in device.values:
            if chosen(place):
                device.values[place] = words


def _put(devices: Sequence[Device], place: str, words: str) -> None:
    """Say this wherever a topic below `ebus/5` ends so; delete it if there is nothing to say."""
    for device in devices:
        for own in list(device.values):
            if f"/{device.device_id}/{own}".endswith(f"/{place}"):
                if words:
                    device.values[own] = words
                else:
                    del device.values[own]


def _bend_structure(devices: list[Device], faults: FaultBoard) -> list[Device]:
    root = devices[-1]
    if faults.standing("bare-description"):
        for device in devices:
            nodes: Json = device.description["nodes"]
            device.description["nodes"] = {node: {"type": kind["type"]} for node, kind in nodes.items()}
    if faults.standing("children-cycle"):
        for device in devices[:-1]:
            device.description["children"] = [root.device_id, device.device_id]
    missing = faults.value("missing-children")
    if isinstance(missing, int):
        gone = set(root.description.get("children", ())[-missing:])
        devices = [device for device in devices if device.device_id not in gone]
    undescribed = faults.standing("no-description")
    if undescribed is not None:
        for device in devices:
            device.described = not is_called(device, root, str(undescribed.value))
    state = faults.standing("device-state")
    if state is not None and isinstance(state.value, tuple):
        name, word = state.value
        for device in devices:
            if is_called(device, root, name or "panel"):
                device.state = word
    return devices


def is_called(device: Device, root: Device, name: str) -> bool:
    """Whether a person means this device: by its id, the end of its id, its name, or `panel` for the root."""
    if name == "panel":
        return device is root
    return name in (device.device_id, device.description["name"]) or device.device_id.endswith(f"-{name}")


OTHER_SERIAL = "nt-1999-other"
FOREIGN_DEVICE = "greenhouse-7"


def foreigners(devices: Sequence[Device]) -> list[Device]:
    """Somebody else's panel, a copy of ours under other ids, and a device that is no panel at all."""
    serial = devices[-1].device_id
    ids = {device.device_id: device.device_id[::-1] for device in devices if not device.device_id.startswith(serial)}

    def other(text: str) -> str:
        for own, theirs in ids.items():
            text = text.replace(own, theirs)
        return text.replace(serial, OTHER_SERIAL)

    panel = [
        Device(
            other(device.device_id),
            json.loads(other(json.dumps(device.description))),
            {place: other(text) for place, text in device.values.items()},
        )
        for device in devices
    ]
    nodes = {"climate": {"type": f"{CAPABILITY}.climate", "properties": {"temperature": {"datatype": "float"}}}}
    description = {"homie": "5.0", "type": "greenhouse", "name": "Greenhouse", "nodes": nodes}
    return [Device(FOREIGN_DEVICE, description, {"climate/temperature": "21.5"}), *panel]
