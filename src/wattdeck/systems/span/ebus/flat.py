"""The flat data model: one device, a node for each part (span-v2.md 5)."""

from __future__ import annotations

from wattdeck.systems.span.ebus.homie import Node
from wattdeck.systems.span.ebus.parts import DEVICE, Part, Parts
from wattdeck.systems.span.ebus.store import EbusStore

PANEL = {
    "firmware": "software-version",
    "model": "model",
    "hardware": "hardware-version",
    "serial": "serial-number",
    "door": "door",
    "main_relay": "relay",
    "ethernet": "ethernet",
    "wifi": "wifi",
    "cloud": "vendor-cloud",
    "main_rating": "breaker-rating",
    "voltage_a": "l1-voltage",
    "voltage_b": "l2-voltage",
    "dominant": "dominant-power-source",
}
CIRCUIT = {
    "name": "name",
    "relay": "relay",
    "requester": "relay-requester",
    "rating": "breaker-rating",
    "current": "current",
    "power": "active-power",
    "imported": "imported-energy",
    "exported": "exported-energy",
    "space": "space",
    "dipole": "dipole",
    "priority": "shed-priority",
    "sheddable": "sheddable",
    "never_backup": "never-backup",
    "always_on": "always-on",
}
LUGS = {
    "direction": "direction",
    "current_a": "l1-current",
    "current_b": "l2-current",
    "power": "active-power",
    "imported": "imported-energy",
    "exported": "exported-energy",
}
BATTERY = {
    "vendor": "vendor-name",
    "model": "product-name",
    "part_number": "model",
    "serial": "serial-number",
    "capacity": "nameplate-capacity",
    "position": "relative-position",
    "feed": "feed",
    "soc": "soc",
    "energy": "soe",
    "connected": "connected",
    "grid_state": "grid-state",
}
INVERTER = {
    "vendor": "vendor-name",
    "model": "product-name",
    "serial": "serial-number",
    "rated": "nameplate-capacity",
    "position": "relative-position",
    "feed": "feed",
}
CHARGER = {
    "vendor": "vendor-name",
    "model": "product-name",
    "part_number": "part-number",
    "serial": "serial-number",
    "feed": "feed",
    "lock": "lock-state",
    "status": "status",
    "offered": "advertised-current",
    "user_limit": "user-max-charge-current",
    "most": "max-charge-current",
}
PCS = {"enabled": "enabled", "active": "active", "limit": "import-limit"}
FLOWS = {"pv": "pv", "battery": "battery", "grid": "grid", "site": "site"}


def find(store: EbusStore) -> Parts:
    """The parts a flat panel's description names, by type, never by id."""
    root = store.root
    nodes = root.description.nodes if root.description is not None else {}
    parts = Parts(Part("core", root, PANEL, node=_core(nodes)))
    for node_id, node in nodes.items():
        kind = node.type.removeprefix(DEVICE) if node.type.startswith(DEVICE) else ""
        match kind.partition(".")[0]:
            case "circuit":
                parts.circuits.append(Part(node_id, root, CIRCUIT, node=node_id))
            case "lugs":
                lugs = Part(node_id, root, LUGS, node=node_id)
                if _downstream(lugs, kind):
                    parts.sub_panel = parts.sub_panel or lugs
                else:
                    parts.feed = parts.feed or lugs
            case "bess":
                parts.batteries.append(Part(node_id, root, BATTERY, node=node_id))
            case "pv":
                parts.inverters.append(Part(node_id, root, INVERTER, node=node_id))
            case "evse":
                parts.chargers.append(Part(node_id, root, CHARGER, node=node_id))
            case "pcs":
                parts.pcs = parts.pcs or Part(node_id, root, PCS, node=node_id)
            case "power-flows":
                parts.flows = parts.flows or Part(node_id, root, FLOWS, node=node_id)
    return parts


def _core(nodes: dict[str, Node] | object) -> str:
    if isinstance(nodes, dict):
        for node_id, node in nodes.items():
            if node.type.endswith(".core"):
                return str(node_id)
    return "core"


def _downstream(lugs: Part, kind: str) -> bool:
    """Which way lugs face: by the type's suffix, what they report, then by id (span-v2.md 5)."""
    suffix = kind.partition(".")[2]
    said = suffix or lugs.word("direction")
    return (said or lugs.id).lower().find("down") >= 0
