"""What a simulated panel measures at one moment, in v2's terms: the same for both data models.

Every number is rounded as it will be published, and the sums are made of the rounded ones, so that the identities of
span-v2.md 8.3 hold to the last digit for who reads them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from wattdeck.systems.span.house import House, Meter, counter_wh
from wattdeck.systems.span.loads import MUST_HAVE, NICE_TO_HAVE, NON_ESSENTIAL, Load, chance, salt_of
from wattdeck.systems.span.models import leg, voltage_v
from wattdeck.systems.span.power_flow import PER_UNIT, CircuitState

PRIORITIES = {MUST_HAVE: "NEVER", NICE_TO_HAVE: "SOC_THRESHOLD", NON_ESSENTIAL: "OFF_GRID"}
"""v1's word -> v2's (span-v2.md 10)."""
SOLAR_CIRCUIT = "Commissioned PV System"
BREAKERS_A = (15, 20, 25, 30, 40, 50, 60, 80, 100)
LEG_V = 120.0
CHARGING_W = 500.0
FORECAST_MOST_MIN = 4320

Names = Callable[[CircuitState], str]


@dataclass(frozen=True, slots=True)
class CircuitView:
    """A circuit as v2 reports it. Signs are the wire's: loads negative."""

    circuit_id: str
    name: str
    spaces: tuple[int, ...]
    power_w: float
    current_a: float
    imported_wh: float
    """Into the panel: generation."""
    exported_wh: float
    """Out to the load: consumption."""
    rating_a: int | None = None
    opened: bool = False
    shed: bool = False
    requester: str = "NONE"
    """`NONE`, `USER`, `PCS`; shedding and locks are told apart by their own fields."""
    priority: str = "NEVER"
    locked: bool = False
    """Nobody may move its relay or change its priority."""
    never_backup: bool = False
    rank: int | None = None
    """Under the power control system, by rank; None: not managed."""
    feeds: str = ""
    """`pv`, `evse`, `bess`, or empty."""
    shared_with: tuple[str, ...] = ()
    meter_only: bool = False


@dataclass(frozen=True, slots=True)
class LugsView:
    """The meter of a pair of lugs."""

    power_w: float
    imported_wh: float
    exported_wh: float


@dataclass(frozen=True, slots=True)
class PanelView:
    """One panel at one moment."""

    voltages_v: tuple[float, float]
    currents_a: tuple[float, float]
    """At the service entrance, without sign."""
    circuits: tuple[CircuitView, ...]
    upstream: LugsView
    downstream: LugsView
    solar_w: float
    """`power-flows/pv`: negative = generating."""
    battery_w: float
    """`power-flows/battery`: positive = charging."""
    grid_w: float
    """`power-flows/grid`: positive = export."""
    site_w: float
    charge_percent: float | None
    """None: no battery."""
    charge_kwh: float
    forecast_min: tuple[int, int, int, int]
    """Until empty, until priority shedding, and both from a full charge."""


def view(house: House, named: Names) -> PanelView:
    """What the panel would publish now.

    Args:
        house: Brought up to the present by the caller.
        named: What each circuit is called.
    """
    equipment = house.household.equipment
    downstream_w = round(house.flow.feedthrough / PER_UNIT, 1)
    circuits = [_circuit(house, circuit, named(circuit)) for circuit in house.circuits.values()]
    if house.household.solar_tabs:
        circuits.append(_solar(house))
    upstream_battery = equipment.storage is not None and not equipment.storage.circuit
    if house.islanded and not upstream_battery:
        circuits = _balanced(circuits, downstream_w)
    bus_w = round(sum(each.power_w for each in circuits), 1)
    upstream_w = round(downstream_w - bus_w, 1) + 0.0
    solar_w = -sum(each.power_w for each in circuits if each.feeds == "pv") + 0.0
    battery_w = -sum(each.power_w for each in circuits if each.feeds == "bess") + 0.0
    grid_w = -upstream_w + 0.0
    if upstream_battery:
        battery_w = -upstream_w if house.islanded else -round(house.flow.battery / PER_UNIT, 1) + 0.0
        grid_w = round(-upstream_w - battery_w, 1) + 0.0
    site_w = round(-(grid_w + solar_w + battery_w), 1) + 0.0
    upstream, downstream = _lugs(house, circuits, upstream_w, downstream_w)
    currents_a = _currents_a(circuits, downstream_w)
    circuits += _siblings(house, circuits)
    if equipment.remote_share:
        circuits.append(_remote(house, circuits, upstream, downstream_w))
    storage = house.household.battery
    return PanelView(
        _voltages_v(house),
        currents_a,
        tuple(circuits),
        upstream,
        downstream,
        solar_w,
        battery_w,
        grid_w,
        site_w,
        None if storage is None else round(100 * house.charge_wh / storage.capacity_wh, 1),
        house.charge_wh / 1000,
        _forecast(house, site_w),
    )


def solar_id(house: House) -> str:
    """The id of the inverter's circuit, which v1 does not show as one."""
    return _id_of(house, SOLAR_CIRCUIT)


def circuit_named(house: House, name: str) -> CircuitState | None:
    """The circuit an electrician called so."""
    return next((each for each in house.circuits.values() if each.name == name), None)


def breaker_a(load: Load) -> int:
    """The breaker an electrician would put in: a quarter more than the load ever draws."""
    amps = 1.25 * load.template.high_w / (LEG_V * len(load.tabs))
    return next((size for size in BREAKERS_A if size >= amps), BREAKERS_A[-1])


def _id_of(house: House, name: str) -> str:
    return f"{salt_of(house.household.serial, name):016x}{salt_of(name):016x}"


def _circuit(house: House, circuit: CircuitState, name: str) -> CircuitView:
    household = house.household
    equipment = household.equipment
    power_w = round(house.power_w(circuit), 1) + 0.0
    feeds = ""
    if equipment.storage is not None and equipment.storage.circuit == circuit.load.name:
        feeds = "bess"
    elif equipment.charger is not None and equipment.charger.circuit == circuit.load.name:
        feeds = "evse"
    managed = list(equipment.managed)
    shared = equipment.siblings.get(circuit.load.name)
    return CircuitView(
        circuit.circuit_id,
        name,
        household.spaces_of(circuit.tabs),
        power_w,
        _current_a(power_w, circuit.tabs),
        round(circuit.produced_wh, 1),
        round(circuit.consumed_wh, 1),
        breaker_a(circuit.load) if feeds != "bess" else 30,
        circuit.is_open,
        circuit.shed,
        circuit.requester,
        "OFF_GRID" if circuit.never_backup else PRIORITIES.get(circuit.priority, "UNKNOWN"),
        not circuit.controllable,
        circuit.never_backup,
        managed.index(circuit.load.name) + 1 if circuit.load.name in managed else None,
        feeds,
        () if shared is None else (_id_of(house, shared.name),),
    )


def _solar(house: House) -> CircuitView:
    tabs = house.household.solar_tabs
    power_w = round(sum(house.flow.spaces[tab - 1] for tab in tabs) / PER_UNIT, 1)
    power_w = power_w if power_w >= 2 else 0.0
    meters = [house.meters[tab - 1] for tab in tabs]
    return CircuitView(
        solar_id(house),
        SOLAR_CIRCUIT,
        tabs,
        power_w,
        _current_a(power_w, tabs),
        round(sum(counter_wh(meter.into_panel_wh) for meter in meters), 1),
        round(sum(counter_wh(meter.out_of_panel_wh) for meter in meters), 1),
        locked=True,
        feeds="pv",
    )


def _balanced(circuits: list[CircuitView], downstream_w: float) -> list[CircuitView]:
    """Off the grid: nothing flows at the upstream lugs, so the battery's circuit carries what is left over."""
    others_w = sum(each.power_w for each in circuits if each.feeds != "bess")
    carried_w = round(downstream_w - others_w, 1) + 0.0
    return [
        replace(each, power_w=carried_w, current_a=_current_a(carried_w, each.spaces)) if each.feeds == "bess" else each
        for each in circuits
    ]


def _lugs(
    house: House, circuits: list[CircuitView], upstream_w: float, downstream_w: float
) -> tuple[LugsView, LugsView]:
    """Both pairs of lugs; the counters of the lower ones follow the panel's own formula (span-v2.md 8.3)."""
    meter: Meter = house.main_meter
    upstream = LugsView(upstream_w, round(meter.into_panel_wh, 1), round(meter.out_of_panel_wh, 1))
    imported_wh = round(upstream.imported_wh - sum(each.imported_wh for each in circuits), 1)
    exported_wh = round(sum(each.exported_wh for each in circuits) - upstream.exported_wh, 1)
    return upstream, LugsView(downstream_w, imported_wh, exported_wh)


def _siblings(house: House, circuits: list[CircuitView]) -> list[CircuitView]:
    """Circuits behind the meter and the relay of another: each shows the same."""
    found = []
    for first, sibling in house.household.equipment.siblings.items():
        owner = circuit_named(house, first)
        for each in circuits:
            if owner is not None and each.circuit_id == owner.circuit_id:
                own_id = _id_of(house, sibling.name)
                found.append(
                    replace(
                        each,
                        circuit_id=own_id,
                        name=sibling.name,
                        spaces=sibling.spaces,
                        shared_with=(each.circuit_id,),
                    )
                )
    return found


def sibling_owner(house: House, circuit_id: str) -> str:
    """The circuit whose relay moves when this one is told to: itself, unless it is behind another's."""
    for first, sibling in house.household.equipment.siblings.items():
        owner = circuit_named(house, first)
        if owner is not None and circuit_id == _id_of(house, sibling.name):
            return owner.circuit_id
    return circuit_id


def _remote(house: House, circuits: list[CircuitView], upstream: LugsView, downstream_w: float) -> CircuitView:
    """A current transformer somewhere on the sub-panel: part of what the lower lugs deliver, by balance."""
    share = house.household.equipment.remote_share
    counted = [each for each in circuits if not each.shared_with or each.circuit_id in house.circuits]
    delivered_wh = upstream.imported_wh - upstream.exported_wh
    delivered_wh += sum(each.imported_wh - each.exported_wh for each in counted)
    power_w = round(-share * downstream_w, 1) + 0.0
    return CircuitView(
        _id_of(house, "remote meter"),
        "",
        (),
        power_w,
        _current_a(power_w, (1, 3)),
        0.0,
        round(share * max(0.0, delivered_wh), 1),
        meter_only=True,
    )


def _current_a(power_w: float, tabs: tuple[int, ...]) -> float:
    return round(abs(power_w) / (voltage_v(tabs) or LEG_V * max(1, len(tabs))), 1)


def _voltages_v(house: House) -> tuple[float, float]:
    salt = salt_of(house.household.serial, "volts")
    first, second = (round(121.5 + chance(salt, 2 * house.second + each) * 0.8, 1) for each in (0, 1))
    return first, second


def _currents_a(circuits: list[CircuitView], downstream_w: float) -> tuple[float, float]:
    legs = {"L1": downstream_w / 2, "L2": downstream_w / 2}
    for each in circuits:
        for space in each.spaces:
            legs[leg(space)] -= each.power_w / len(each.spaces)
    return round(abs(legs["L1"]) / LEG_V, 1), round(abs(legs["L2"]) / LEG_V, 1)


def _forecast(house: House, site_w: float) -> tuple[int, int, int, int]:
    storage = house.household.battery
    if storage is None:
        return 0, 0, 0, 0
    drain_w = max(site_w, 100.0)

    def minutes(energy_wh: float) -> int:
        return max(0, min(FORECAST_MOST_MIN, round(energy_wh / drain_w * 60)))

    kept_wh = storage.capacity_wh * house.low_soe_percent / 100
    return (
        minutes(house.charge_wh),
        minutes(house.charge_wh - kept_wh),
        minutes(storage.capacity_wh),
        minutes(storage.capacity_wh - kept_wh),
    )
