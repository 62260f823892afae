"""The parent/child data model 1.x: a device for each part (span-v2.md 6)."""

from __future__ import annotations

from wattdeck.systems.span.ebus.parts import DEVICE, Part, Parts
from wattdeck.systems.span.ebus.store import EbusStore

PANEL = {
    "firmware": "info/firmware-version",
    "model": "info/model",
    "hardware": "info/hardware-version",
    "serial": "info/serial-number",
    "door": "door/state",
    "main_relay": "status/relay",
    "model_version": "info/data-model-version",
    "ethernet": "status/ethernet",
    "wifi": "status/wifi",
    "cloud": "status/cloud-connection",
    "main_rating": "breaker/rating",
    "voltage_a": "meter/voltage-a",
    "voltage_b": "meter/voltage-b",
    "asserted": "shed/asserted-islanding-state",
}
CIRCUIT = {
    "name": "info/name",
    "spaces": "info/spaces",
    "relay": "switch/relay",
    "requester": "switch/relay-requester",
    "controllable": "switch/relay-controllable",
    "relay_shared": "switch/shared-with-device-ids",
    "rating": "breaker/rating",
    "current": "meter/current",
    "power": "meter/active-power",
    "imported": "meter/imported-energy",
    "exported": "meter/exported-energy",
    "meter_shared": "meter/shared-with-device-ids",
    "priority": "load-shed/priority",
    "feeds": "connection/feeds-device-id",
    "feeds_type": "connection/feeds-device-type",
}
LUGS = {
    "direction": "info/direction",
    "current_a": "meter/current-a",
    "current_b": "meter/current-b",
    "power": "meter/active-power",
    "imported": "meter/imported-energy",
    "exported": "meter/exported-energy",
    "fed_by": "connection/fed-by-device-id",
}
BATTERY = {
    "vendor": "info/vendor-name",
    "model": "info/model",
    "part_number": "info/part-number",
    "serial": "info/serial-number",
    "capacity": "info/nameplate-capacity",
    "soc": "soc/soc",
    "energy": "soc/soe",
    "power": "meter/active-power",
    "link": "status/communication-state",
}
INVERTER = {
    "vendor": "info/vendor-name",
    "model": "info/model",
    "serial": "info/serial-number",
    "rated": "info/nominal-power",
}
CHARGER = {
    "vendor": "info/vendor-name",
    "model": "info/model",
    "part_number": "info/part-number",
    "serial": "info/serial-number",
    "lock": "switch/lock-state",
    "status": "status/status",
    "offered": "meter/advertised-current",
    "user_limit": "config/user-max-charge-current",
    "most": "config/max-charge-current",
}
ISLANDING = {"islanding": "grid/islanding-state", "former": "grid/grid-forming-entity"}
PCS = {
    "enabled": "pcs/enabled",
    "active": "pcs/active",
    "limit": "pcs/import-limit",
    "constraint": "pcs/binding-constraint",
}
FLOWS = {
    "pv": "power-flows/pv",
    "battery": "power-flows/battery",
    "grid": "power-flows/grid",
    "site": "power-flows/site",
}
FORECAST = {
    "total": "shed-forecast/total-time-remaining",
    "to_shed": "shed-forecast/time-to-priority-shed",
    "confidence": "shed-forecast/confidence",
}


def find(store: EbusStore) -> Parts:
    """The parts below the root, by device type, never by id."""
    root = store.root
    parts = Parts(Part(root.id, root, PANEL))
    nodes = root.description.nodes if root.description is not None else {}
    if "pcs" in nodes:
        parts.pcs = Part("pcs", root, PCS)
    if "power-flows" in nodes:
        parts.flows = Part("power-flows", root, FLOWS)
    if "shed-forecast" in nodes:
        parts.forecast = Part("shed-forecast", root, FORECAST)
    for device_id in store.tree_ids():
        device = store.devices.get(device_id)
        if device is None or device is root or device.description is None:
            continue
        kind = device.description.type
        match kind.removeprefix(DEVICE).partition(".")[0] if kind.startswith(DEVICE) else "":
            case "circuit":
                parts.circuits.append(Part(device_id, device, CIRCUIT))
            case "lugs":
                lugs = Part(device_id, device, LUGS)
                if (lugs.word("direction") or device_id.lower()).endswith(("downstream", "dn", "down")):
                    parts.sub_panel = parts.sub_panel or lugs
                else:
                    parts.feed = parts.feed or lugs
            case "bess":
                parts.batteries.append(Part(device_id, device, BATTERY))
            case "pv":
                parts.inverters.append(Part(device_id, device, INVERTER))
            case "evse":
                parts.chargers.append(Part(device_id, device, CHARGER))
            case "mid":
                parts.islanding.append(Part(device_id, device, ISLANDING))
    return parts
