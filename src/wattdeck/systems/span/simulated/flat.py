"""The panel as one Homie device: the flat model of r202603 to r202627 (span-v2.md 5)."""

from __future__ import annotations

from dataclasses import dataclass

from wattdeck.systems.span.house import House
from wattdeck.systems.span.simulated.flatparts import BESS, CIRCUIT, CORE, EVSE, FLOWS, KINDS, LUGS, PCS, PV
from wattdeck.systems.span.simulated.spelling import DEVICE, Device, Json, NodeKind, number, text, truth
from wattdeck.systems.span.simulated.view import CHARGING_W, CircuitView, LugsView, PanelView


@dataclass(frozen=True, slots=True)
class Facts:
    """What a panel says of itself that is not in its house."""

    firmware: str
    door: str
    user_max_a: int | None = None
    """The ceiling a person has set for the charger; None: none."""


def devices(house: House, seen: PanelView, facts: Facts) -> list[Device]:
    """The one device of the flat model, as it should be on the broker now."""
    equipment = house.household.equipment
    serial = house.household.serial
    kinds: dict[str, tuple[NodeKind, dict[str, str | None]]] = {
        "core": (CORE, _core(house, seen, facts)),
        "lugs-upstream": (LUGS, _lugs("UPSTREAM", seen.upstream, seen)),
        "lugs-downstream": (LUGS, _lugs("DOWNSTREAM", seen.downstream, seen)),
    }
    for circuit in seen.circuits:
        if not circuit.meter_only and (not circuit.shared_with or circuit.circuit_id in house.circuits):
            kinds[circuit.circuit_id] = (CIRCUIT, _circuit(circuit))
    feeds = {each.feeds: each for each in seen.circuits if each.feeds}
    if equipment.storage is not None:
        kinds["bess"] = (BESS, _bess(house, seen, feeds.get("bess")))
    if equipment.solar is not None:
        kinds["pv"] = (PV, _pv(house, feeds.get("pv")))
    if equipment.charger is not None:
        kinds["evse"] = (EVSE, _evse(house, feeds.get("evse"), facts))
    kinds["pcs"] = (PCS, _pcs(house))
    flows = {"pv": seen.solar_w, "battery": seen.battery_w, "grid": seen.grid_w, "site": seen.site_w}
    kinds["power-flows"] = (FLOWS, {name: number(value) for name, value in flows.items()})
    space_format = f"{house.household.first_space}:{house.household.spaces}:1"
    nodes: Json = {
        node: kind.described(space=space_format) if kind is CIRCUIT else kind.described()
        for node, (kind, _) in kinds.items()
    }
    description = {
        "homie": "5.0",
        "type": f"{DEVICE}.distribution-enclosure",
        "name": "Demo Panel",
        "nodes": nodes,
    }
    values = {
        f"{node}/{prop}": text for node, (_, props) in kinds.items() for prop, text in props.items() if text is not None
    }
    return [Device(serial, description, values)]


def schema(house: House, firmware: str) -> Json:
    """`GET /homie/schema` in the form of the flat model (span-v2.md 2.6)."""
    types = {
        kind.type: {name: {"name": name.replace("-", " ")} | prop for name, prop in kind.properties.items()}
        for kind in KINDS
    }
    types[CIRCUIT.type]["space"]["format"] = f"{house.household.first_space}:{house.household.spaces}:1"
    return {
        "firmwareVersion": firmware,
        "homieDomain": "ebus",
        "homieVersion": 5,
        "types": types,
        "typesSchemaHash": "sha256:51a7e0c94b3d2f68",
    }


def _core(house: House, seen: PanelView, facts: Facts) -> dict[str, str | None]:
    equipment = house.household.equipment
    rating_a = equipment.main_rating_a
    return {
        "vendor-name": "SPAN",
        "model": equipment.model,
        "serial-number": house.household.serial,
        "hardware-version": equipment.hardware,
        "software-version": facts.firmware,
        "door": facts.door,
        "grid-islandable": truth(equipment.storage is not None),
        "dominant-power-source": power_source(house),
        "relay": "OPEN" if house.main_relay_open else "CLOSED",
        "l1-voltage": number(seen.voltages_v[0]),
        "l2-voltage": number(seen.voltages_v[1]),
        "breaker-rating": None if rating_a is None else str(rating_a),
        "ethernet": "true",
        "wifi": "true",
        "wifi-ssid": house.household.wifi[0],
        "vendor-cloud": "CONNECTED",
        "postal-code": "94103",
        "time-zone": "America/Los_Angeles",
    }


def power_source(house: House) -> str:
    """What carries the house."""
    if not house.islanded:
        return "GRID"
    return "NONE" if house.household.battery is None else "BATTERY"


def _lugs(direction: str, lugs: LugsView, seen: PanelView) -> dict[str, str | None]:
    return {
        "direction": direction,
        "l1-current": number(seen.currents_a[0]),
        "l2-current": number(seen.currents_a[1]),
        "active-power": number(lugs.power_w),
        "imported-energy": number(lugs.imported_wh),
        "exported-energy": number(lugs.exported_wh),
    }


def _circuit(circuit: CircuitView) -> dict[str, str | None]:
    requester = circuit.requester
    if circuit.locked:
        requester = "ALWAYS_ON"
    elif circuit.shed:
        requester = "BACKUP"
    return {
        "name": text(circuit.name),
        "relay": "OPEN" if circuit.opened else "CLOSED",
        "relay-requester": requester,
        "breaker-rating": None if circuit.rating_a is None else str(circuit.rating_a),
        "current": number(circuit.current_a),
        "active-power": number(circuit.power_w),
        "imported-energy": number(circuit.imported_wh),
        "exported-energy": number(circuit.exported_wh),
        "space": str(min(circuit.spaces)),
        "dipole": truth(len(circuit.spaces) == 2),
        "shed-priority": circuit.priority,
        "pcs-managed": truth(circuit.rank is not None),
        "pcs-priority": str(circuit.rank or 0),
        "sheddable": truth(not circuit.locked and circuit.priority in ("OFF_GRID", "SOC_THRESHOLD")),
        "never-backup": truth(circuit.never_backup),
        "always-on": truth(circuit.locked),
    }


def _bess(house: House, seen: PanelView, circuit: CircuitView | None) -> dict[str, str | None]:
    plate, storage = house.household.equipment.storage, house.household.battery
    assert plate is not None and storage is not None and seen.charge_percent is not None
    return {
        "vendor-name": plate.vendor,
        "product-name": plate.product,
        "model": plate.part_number,
        "serial-number": plate.serial,
        "software-version": plate.firmware,
        "nameplate-capacity": number(storage.capacity_wh / 1000),
        "relative-position": "UPSTREAM" if circuit is None else "IN_PANEL",
        "feed": None if circuit is None else circuit.circuit_id,
        "soc": number(seen.charge_percent),
        "soe": number(seen.charge_kwh),
        "connected": "true",
        "grid-state": "OFF_GRID" if house.islanded else "ON_GRID",
    }


def _pv(house: House, circuit: CircuitView | None) -> dict[str, str | None]:
    plate = house.household.equipment.solar
    assert plate is not None
    return {
        "vendor-name": plate.vendor,
        "product-name": plate.product,
        "serial-number": plate.serial,
        "nameplate-capacity": str(plate.rated_w),
        "relative-position": "UPSTREAM" if circuit is None else "IN_PANEL",
        "feed": None if circuit is None else circuit.circuit_id,
    }


def charger_status(circuit: CircuitView | None) -> str:
    """What a charger says of itself."""
    return "CHARGING" if circuit is not None and circuit.power_w < -CHARGING_W else "AVAILABLE"


def _evse(house: House, circuit: CircuitView | None, facts: Facts) -> dict[str, str | None]:
    plate = house.household.equipment.charger
    assert plate is not None
    status = charger_status(circuit)
    offered_a = facts.user_max_a or plate.most_a
    return {
        "vendor-name": plate.vendor,
        "product-name": plate.product,
        "part-number": plate.part_number,
        "serial-number": plate.serial,
        "software-version": plate.firmware,
        "feed": None if circuit is None else circuit.circuit_id,
        "lock-state": "UNLOCKED",
        "status": status,
        "advertised-current": number(offered_a if status == "CHARGING" else 0.0),
        "user-max-charge-current": str(offered_a),
        "max-charge-current": str(plate.most_a),
    }


def _pcs(house: House) -> dict[str, str | None]:
    enabled = bool(house.household.equipment.managed)
    return {
        "enabled": truth(enabled),
        "active": "false",
        "import-limit": "160.0",
        "feed-import-limit": "160.0",
        "feed-import-limit-enablement": "ENABLED" if enabled else "DISABLED",
        "feed-import-limit-active": truth(enabled),
        "grid-import-limit": "0.0",
        "grid-import-limit-enablement": "UNCONFIGURED",
        "grid-import-limit-active": "false",
    }
