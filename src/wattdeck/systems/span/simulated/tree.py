"""The panel as a device for each of its parts: the parent/child model 1.0 of r202633 and later (span-v2.md 6)."""

from __future__ import annotations

import json
from collections.abc import Mapping

from wattdeck.systems.span.ebus.firmware import firmware_build
from wattdeck.systems.span.house import House
from wattdeck.systems.span.simulated.flat import Facts, charger_status
from wattdeck.systems.span.simulated.spelling import DEVICE, Device, Json, number, text, truth
from wattdeck.systems.span.simulated.treeparts import (
    BESS,
    CIRCUIT,
    CLASSES,
    EVSE,
    EXTRAS,
    LUGS,
    MID,
    PANEL,
    PV,
    SHARED,
    Nodes,
)
from wattdeck.systems.span.simulated.view import CircuitView, LugsView, PanelView

DISCHARGE_POSITIVE_SINCE = 202639
"""From this build on the battery's meter counts discharging as positive, before it charging (span-v2.md 8.1)."""
DATA_MODEL_VERSION = "1.0"
Values = dict[str, str | None]


def devices(house: House, seen: PanelView, facts: Facts) -> list[Device]:
    """Every device of the panel as it should be on the broker now: children first, the root last."""
    ids = Ids(house)
    equipment = house.household.equipment
    feeders = {each.feeds: each.circuit_id for each in seen.circuits if each.feeds}
    found = [_lugs(ids.serial, "up", seen.upstream, seen, "" if "bess" in feeders else ids.storage)]
    if house.household.sub_panel is not None:
        found.append(_lugs(ids.serial, "dn", seen.downstream, seen, ""))
    linked = {"bess": ids.storage, "pv": ids.solar, "evse": ids.charger}
    circuits = [_circuit(ids.serial, each, linked.get(each.feeds, "")) for each in seen.circuits]
    if equipment.extras:
        for device in circuits:
            _add_extras(device)
    found += circuits
    children = [each.device_id for each in found]
    if equipment.storage is not None:
        found += [_mid(house, ids), _bess(house, seen, facts, ids)]
        children.append(ids.storage)
    if equipment.solar is not None:
        found.append(_pv(house, ids))
        children.append(ids.solar)
    if equipment.charger is not None:
        found.append(_evse(house, seen, facts, ids))
        children.append(ids.charger)
    return [*found, _panel(house, seen, facts, children)]


def schema(firmware: str) -> Json:
    """`GET /homie/schema` in the form of the parent/child model (span-v2.md 2.6)."""
    return {
        "firmwareVersion": firmware,
        "homieDomain": "ebus",
        "homieVersion": 5,
        "dataModelVersion": DATA_MODEL_VERSION,
        "deviceClasses": {
            name: {capability: dict(kind.properties) for capability, kind in nodes.items()}
            for name, nodes in CLASSES.items()
        },
        "deviceClassesSchemaHash": "sha256:9d40c27be1836fa5",
    }


class Ids:
    """How the devices of a house are called; empty: there is none."""

    def __init__(self, house: House) -> None:
        equipment = house.household.equipment
        self.serial = house.household.serial
        storage, solar, charger = equipment.storage, equipment.solar, equipment.charger
        self.storage = "" if storage is None else f"{self.serial}-{storage.serial.lower()}"
        self.mid = f"{self.storage}-mid" if self.storage else ""
        self.solar = "" if solar is None else f"{self.serial}-{(solar.serial or solar.product).lower()}"
        self.charger = "" if charger is None else f"{self.serial}-{charger.serial.lower()}"


def _device(
    device_id: str, kind: str, name: str, nodes: Json, values: Mapping[str, str | None], root: str, parent: str = ""
) -> Device:
    description: Json = {"homie": "5.0", "type": f"{DEVICE}.{kind}", "name": name}
    if root:
        description |= {"root": root, "parent": parent or root}
    description |= {"children": [], "extensions": [], "nodes": nodes}
    return Device(device_id, description, {place: text for place, text in values.items() if text is not None})


def _described(nodes: Nodes) -> Json:
    return {name: kind.described() for name, kind in nodes.items()}


def _meter(lugs: LugsView | CircuitView) -> Values:
    return {
        "meter/active-power": number(lugs.power_w),
        "meter/imported-energy": number(lugs.imported_wh),
        "meter/exported-energy": number(lugs.exported_wh),
    }


def _lugs(serial: str, end: str, lugs: LugsView, seen: PanelView, fed_by: str) -> Device:
    values: Values = {
        "info/direction": "UPSTREAM" if end == "up" else "DOWNSTREAM",
        "meter/current-a": number(seen.currents_a[0]),
        "meter/current-b": number(seen.currents_a[1]),
        **_meter(lugs),
    }
    if fed_by:
        values["connection/fed-by-device-id"] = fed_by
        values["connection/fed-by-device-type"] = f"{DEVICE}.bess"
        values["connection/fed-by-device-status"] = "OK"
    return _device(f"{serial}-lugs-{end}", "lugs", f"lugs-{end}", _described(LUGS), values, serial)


def _circuit(serial: str, circuit: CircuitView, feeds: str) -> Device:
    if circuit.meter_only:
        nodes = {"meter": CIRCUIT["meter"].described()}
        values = {"meter/current": number(circuit.current_a), **_meter(circuit)}
        return _device(circuit.circuit_id, "circuit", "remote meter", nodes, values, serial)
    fixed = {"switch": circuit.locked, "load-shed": circuit.locked or circuit.never_backup}
    nodes = {name: kind.described(without_set=fixed.get(name, False)) for name, kind in CIRCUIT.items()}
    values = _circuit_values(circuit)
    if feeds:
        values["connection/feeds-device-id"] = feeds
        values["connection/feeds-device-type"] = f"{DEVICE}.{circuit.feeds}"
        values["connection/feeds-device-status"] = "OK"
    if circuit.shared_with:
        for name in ("meter", "switch"):
            nodes[name] = _with(nodes[name], SHARED)
            values[f"{name}/shared-with-device-ids"] = ",".join(circuit.shared_with)
    return _device(circuit.circuit_id, "circuit", circuit.name, nodes, values, serial)


def _add_extras(device: Device) -> None:
    """What only hardware 3.0 says of a circuit."""
    nodes = device.description["nodes"]
    for name, kind in EXTRAS.items():
        nodes[name] = _with(nodes[name], kind.properties)
    device.values |= {
        "info/dedicated": "false",
        "info/locations": "[]",
        "info/feeds-role": "LOAD",
        "info/backed-up": "true",
        "meter/frequency": "60.0",
        "breaker/nominal-voltage": "120",
        "breaker/overcurrent-protection": "THERMAL_MAGNETIC",
    }


def _with(node: Json, properties: Mapping[str, Json]) -> Json:
    """A node's description with more properties."""
    return node | {"properties": node["properties"] | properties}


def _circuit_values(circuit: CircuitView) -> Values:
    requester = circuit.requester
    if circuit.locked:
        requester = "CONFIGURATION"
    elif circuit.shed:
        requester = "LOAD_SHED"
    return {
        "info/name": text(circuit.name),
        "info/spaces": ",".join(map(str, circuit.spaces)),
        "switch/relay": "OPEN" if circuit.opened else "CLOSED",
        "switch/relay-requester": requester,
        "switch/relay-controllable": truth(not circuit.locked),
        "breaker/rating": None if circuit.rating_a is None else str(circuit.rating_a),
        "breaker/poles": str(len(circuit.spaces)),
        "meter/current": number(circuit.current_a),
        **_meter(circuit),
        "load-shed/priority": circuit.priority,
        "pcs/managed": truth(circuit.rank is not None),
        "pcs/priority": None if circuit.rank is None else str(circuit.rank),
    }


def _bess(house: House, seen: PanelView, facts: Facts, ids: Ids) -> Device:
    plate, storage = house.household.equipment.storage, house.household.battery
    assert plate is not None and storage is not None and seen.charge_percent is not None
    sign = -1 if firmware_build(facts.firmware) >= DISCHARGE_POSITIVE_SINCE else 1
    values: Values = {
        "info/vendor-name": plate.vendor,
        "info/model": plate.product,
        "info/part-number": plate.part_number,
        "info/serial-number": plate.serial,
        "info/firmware-version": plate.firmware,
        "info/nameplate-capacity": number(storage.capacity_wh / 1000),
        "soc/soc": number(seen.charge_percent),
        "soc/soe": number(seen.charge_kwh),
        "meter/active-power": number(sign * seen.battery_w),
        "status/communication-state": "OK",
    }
    device = _device(ids.storage, "bess", "Battery", _described(BESS), values, ids.serial)
    device.description["children"] = [ids.mid]
    return device


def _mid(house: House, ids: Ids) -> Device:
    plate = house.household.equipment.storage
    assert plate is not None
    values: Values = {
        "info/vendor-name": plate.vendor,
        "info/serial-number": f"{plate.serial}-mid",
        "grid/islanding-state": "OFF_GRID" if house.islanded else "ON_GRID",
        "grid/grid-state": "UNKNOWN",
        "grid/grid-forming-entity": ids.storage if house.islanded else "GRID",
    }
    return _device(ids.mid, "mid", "MID", _described(MID), values, ids.serial, ids.storage)


def _pv(house: House, ids: Ids) -> Device:
    plate = house.household.equipment.solar
    assert plate is not None
    values: Values = {
        "info/vendor-name": plate.vendor,
        "info/model": plate.product,
        "info/serial-number": plate.serial or None,
        "info/nominal-power": str(plate.rated_w),
    }
    return _device(ids.solar, "pv", "Solar", _described(PV), values, ids.serial)


def _evse(house: House, seen: PanelView, facts: Facts, ids: Ids) -> Device:
    plate = house.household.equipment.charger
    assert plate is not None
    status = charger_status(next((each for each in seen.circuits if each.feeds == "evse"), None))
    offered_a = facts.user_max_a or plate.most_a
    values: Values = {
        "info/vendor-name": plate.vendor,
        "info/part-number": plate.part_number,
        "info/serial-number": plate.serial,
        "info/firmware-version": plate.firmware,
        "switch/lock-state": "UNLOCKED",
        "status/status": status,
        "meter/advertised-current": number(offered_a if status == "CHARGING" else 0.0),
        "config/user-max-charge-current": None if facts.user_max_a is None else str(facts.user_max_a),
        "config/max-charge-current": str(plate.most_a),
    }
    nodes = {
        name: kind.described(user_max_charge_current=f"6:{plate.most_a}") if name == "config" else kind.described()
        for name, kind in EVSE.items()
    }
    return _device(ids.charger, "evse", plate.product, nodes, values, ids.serial)


def _panel(house: House, seen: PanelView, facts: Facts, children: list[str]) -> Device:
    household, equipment = house.household, house.household.equipment
    rating_a = equipment.main_rating_a
    absent = set() if rating_a is not None else {"breaker"}
    if equipment.storage is None:
        absent |= {"shed", "shed-forecast"}
    values: Values = {
        "info/vendor-name": "SPAN",
        "info/model": equipment.model,
        "info/serial-number": household.serial,
        "info/hardware-version": equipment.hardware,
        "info/firmware-version": facts.firmware,
        "info/data-model-version": DATA_MODEL_VERSION,
        "door/state": facts.door,
        "status/relay": "OPEN" if house.main_relay_open else "CLOSED",
        "status/ethernet": "true",
        "status/wifi": "true",
        "status/wifi-ssid": household.wifi[0],
        "status/cloud-connection": "CONNECTED",
        "status/postal-code": "94103",
        "status/time-zone": "America/Los_Angeles",
        "meter/voltage-a": number(seen.voltages_v[0]),
        "meter/voltage-b": number(seen.voltages_v[1]),
        "breaker/rating": None if rating_a is None else str(rating_a),
        "power-flows/pv": number(seen.solar_w),
        "power-flows/battery": number(seen.battery_w),
        "power-flows/grid": number(seen.grid_w),
        "power-flows/site": number(seen.site_w),
        **_pcs(enabled=bool(equipment.managed)),
        **(_shedding(house, seen) if equipment.storage is not None else {}),
    }
    nodes = _described({name: kind for name, kind in PANEL.items() if name not in absent})
    device = _device(household.serial, "distribution-enclosure", "Demo Panel", nodes, values, "")
    device.description["children"] = children
    return device


def _pcs(*, enabled: bool) -> Values:
    return {
        "pcs/enabled": truth(enabled),
        "pcs/active": "false",
        "pcs/import-limit": "160.0",
        "pcs/binding-constraint": "FSR" if enabled else "NONE",
        "pcs/feed-import-limit": "160.0",
        "pcs/feed-import-limit-enablement": "ENABLED" if enabled else "DISABLED",
        "pcs/feed-import-limit-active": truth(enabled),
        "pcs/operator-import-limit": "0.0",
        "pcs/operator-import-limit-enablement": "UNCONFIGURED",
        "pcs/operator-import-limit-active": "false",
        "pcs/requested-import-limit": "200.0",
        "pcs/requested-import-limit-enablement": "UNCONFIGURED",
        "pcs/requested-import-limit-active": "false",
    }


def _shedding(house: House, seen: PanelView) -> Values:
    total, to_shed, full_total, full_to_shed = seen.forecast_min
    thresholds = {
        "soc-threshold-shed": round(house.low_soe_percent),
        "soc-threshold-release": round(house.high_soe_percent),
    }
    return {
        "shed-forecast/total-time-remaining": str(total),
        "shed-forecast/time-to-priority-shed": str(to_shed),
        "shed-forecast/full-charge-total-time-remaining": str(full_total),
        "shed-forecast/full-charge-time-to-priority-shed": str(full_to_shed),
        "shed-forecast/confidence": "HIGH",
        "shed/asserted-islanding-state": "NONE",
        "shed/policy": json.dumps({"algorithm": "soc-priority.v1", "parameters": thresholds}),
    }
