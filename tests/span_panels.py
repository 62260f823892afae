"""Panels made by hand, one of each protocol, for tests of what people see: the same house, as each of them tells it.

The house is the example of span-v2.md 5.2 and 6.3, grown by what only some panels have: a tandem pair, a remote
meter, circuits that shedding, the PCS or a fault has opened, one that fell silent, and a name that means harm.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from deck_app import START, Bench
from wattdeck.core.errors import SourceError
from wattdeck.core.text import clean
from wattdeck.systems.span.models import (
    Battery,
    Charger,
    Circuit,
    DataModel,
    Door,
    Inverter,
    PanelSnapshot,
    PowerControl,
    Relay,
    ShedForecast,
)

SERIAL = "nt-2143-c1akc"
HALL, HEAT, OFFICE, ROUTER, SUN, CAR = (f"{number:032x}" for number in range(1, 7))
TWIN_A, TWIN_B, REMOTE, SILENT, FAULTY, HARM, BACKUP = (f"{number:032x}" for number in range(7, 14))
HOSTILE = clean("[bold red]=cmd|'/c'!A1\u202e\x1b[2J" + "\N{FLAG IN HOLE}宽" * 12, 64)


def _circuit(
    circuit_id: str, name: str, tabs: tuple[int, ...], power_w: float | None, used_wh: float, **fields: Any
) -> Circuit:
    made = Circuit(circuit_id, name, tabs, power_w, used_wh, 3.2, Relay.CLOSED, "non_essential", True)
    return replace(made, **{"energy_today_wh": used_wh / 1000, **fields})


_SHARED: dict[str, Any] = {
    "serial": SERIAL,
    "door": Door.CLOSED,
    "main_relay": Relay.CLOSED,
    "grid_power_w": -348.4,
    "feedthrough_power_w": 10.0,
    "house_load_w": 2046.1,
    "generation_w": 2394.5,
    "main_consumed_wh": 1_510_000.0,
    "main_produced_wh": 820_500.5,
    "ethernet": True,
    "wifi": False,
    "spaces": 32,
    "today_since": START.replace(hour=0, minute=0),
}


def v1_panel(**fields: Any) -> PanelSnapshot:
    """As v1 tells it: the inverter is two spaces without a circuit; nobody measures a current."""
    virtual = {"relay": Relay.UNKNOWN, "priority": "unknown", "controllable": False, "virtual": True}
    circuits = (
        _circuit(HALL, "Hallway Lights", (1,), 41.8, 150_242.9, priority="nice_to_have"),
        _circuit(HEAT, "Heat Pump", (2, 4), 1846.0, 1_804_490.3),
        _circuit(OFFICE, "Office Outlets", (3,), 117.8, 87_191.0),
        _circuit(ROUTER, "Router and Alarm", (5,), 30.5, 260_394.8, priority="must_have", controllable=False),
        _circuit(CAR, "EV Charger", (13, 15), 0.0, 0.0),
        *(_circuit(f"unmapped_tab_{tab}", f"Unmapped Tab {tab}", (tab,), watts, 304.2, **virtual)
          for tab, watts in ((6, -1197.0), (7, 0.4), (8, -1197.5))),
    )  # fmt: skip
    firmware = {"firmware": "spanos2/r202342/04", "model": "00200", "battery_percent": 81, "circuits": circuits}
    return PanelSnapshot(**{**_SHARED, **firmware, "cellular": False, "grid_state": "DSM_GRID_UP", **fields})


def flat_panel(**fields: Any) -> PanelSnapshot:
    """As the first data model of v2 tells it: the inverter is one named circuit, currents are measured."""
    told = {
        "firmware": "spanos2/r202627/06",
        "model": "MAIN_32",
        "hardware": "1.2",
        "data_model": DataModel.FLAT,
        "battery_percent": None,
        "solar_w": 2394.5,
        "main_rating_a": 200.0,
        "feed_power_w": -348.4,
        "battery_power_w": 0.0,
        "leg_voltage_v": (121.8, 122.1),
        "leg_current_a": (2.0, 3.1),
        "islanded": False,
        "dominant_source": "grid",
        "cloud": True,
        "circuits": _measured(),
        "batteries": (_battery(),),
        "inverters": (Inverter("pv", "", "Enphase Energy", "IQ7PLUS-72-x-US", 4640.0, "in_panel", SUN),),
        "chargers": (Charger("evse", "dt-01", "SPAN", "SPAN Drive", "available", "unlocked", 0.0, 32.0, 48.0, CAR),),
        "pcs": PowerControl(enabled=True, active=False, import_limit_a=160.0, constraint="feed"),
    }
    return PanelSnapshot(**{**_SHARED, **told, **fields})


def tree_panel(**fields: Any) -> PanelSnapshot:
    """As data model 1.0 tells it, with everything that only some panels have."""
    told: dict[str, Any] = {
        "firmware": "spanos3/r202639/03",
        "data_model": DataModel.TREE,
        "data_model_version": "1.0",
        "door": Door.UNKNOWN,
        "feed_power_w": 851.6,
        "battery_power_w": 1200.0,
        "month_since": START.replace(day=1, hour=0, minute=0),
        "circuits": (*(replace(each, energy_month_wh=31_400.0) for each in _measured()), *_odd()),
        "chargers": (Charger("dt", "dt-01", "SPAN", "", "charging", "unlocked", 24.0, 32.0, 48.0, CAR),),
        "pcs": PowerControl(enabled=True, active=True, import_limit_a=160.0, constraint="fsr"),
        "forecast": ShedForecast(total_min=4320, to_shed_min=3037, confidence="high"),
    }
    return flat_panel(**{**told, **fields})


def _battery() -> Battery:
    return Battery("bess", "tg12", "Tesla", "Powerwall 2 AC", 81.0, 10.9, 13.5, "ok")


def _measured() -> tuple[Circuit, ...]:
    """The six circuits of the example with what v2 measures."""
    told: dict[str, Any] = {"requester": "none", "priority_settable": True, "reported_at": START}
    found = {circuit.circuit_id: circuit for circuit in v1_panel().circuits if not circuit.virtual}
    more: dict[str, dict[str, Any]] = {
        HALL: {"current_a": 0.3, "rating_a": 15.0},
        HEAT: {"current_a": 7.7, "rating_a": 30.0, "reported_at": START - timedelta(minutes=12)},
        OFFICE: {"current_a": 1.0, "rating_a": 15.0},
        ROUTER: {"current_a": 0.3, "rating_a": 15.0, "requester": "configuration", "priority_settable": False},
        CAR: {"current_a": 0.0, "rating_a": 60.0, "feeds": "evse"},
    }
    sun = _circuit(SUN, "Commissioned PV System", (6, 8), -2394.5, 608.5, energy_produced_wh=1_621_500.0,
                   energy_today_wh=-9_870.0, current_a=9.8, feeds="pv", controllable=False, priority="must_have",
                   priority_settable=False)  # fmt: skip
    usual = [replace(found[circuit_id], **{**told, **fields}) for circuit_id, fields in more.items()]
    return (*usual[:4], replace(sun, requester="none", reported_at=START), usual[4])


def _odd() -> tuple[Circuit, ...]:
    """Circuits as only some panels have them."""
    far = {"relay": Relay.UNKNOWN, "priority": "unknown", "controllable": False, "meter_only": True}
    return (
        _circuit(TWIN_A, "Attic Lights", (17,), 12.0, 900.0, current_a=0.1, rating_a=15.0, priority="must_have"),
        _circuit(TWIN_B, "Attic Fan", (17,), 0.0, 50.0, rating_a=15.0, relay=Relay.OPEN, requester="load_shed"),
        _circuit(SILENT, "Well Pump", (18, 20), 730.0, 61_000.0, current_a=3.0, rating_a=20.0, live=False,
                 relay_target=None, reported_at=START - timedelta(hours=2)),
        _circuit(FAULTY, "Hot Tub", (19, 21), 0.0, 700.0, rating_a=50.0, relay=Relay.OPEN, requester="fault"),
        _circuit(HARM, HOSTILE, (22,), 5.0, 10.0, relay=Relay.OPEN, requester="pcs", rating_a=15.0),
        _circuit(BACKUP, "Freezer", (24,), 96.0, 40_000.0, relay_target=Relay.OPEN, rating_a=15.0,
                 shared_with=(OFFICE, HARM)),
        _circuit(REMOTE, "Barn Feed", (), 310.0, 2_000.0, current_a=2.6, **far),
    )  # fmt: skip


@dataclass
class Puppet:
    """What a panel on the bench tells from now on, instead of what its simulator would."""

    snapshot: PanelSnapshot
    problem: str = ""
    """Not empty: reading it fails with this."""

    async def fetch(self) -> PanelSnapshot:
        if self.problem:
            raise SourceError(self.problem)
        return self.snapshot


def puppet(bench: Bench, snapshot: PanelSnapshot, household: str = "home") -> Puppet:
    """Let a panel of the bench tell this from the start of the next deck on."""
    made, open_deck = Puppet(snapshot), bench.deck

    def deck(ui: Any) -> Any:
        opened = open_deck(ui)
        opened.hub.sources[f"span/{household}"].feeds[0]._fetch = made.fetch
        return opened

    bench.deck = deck  # type: ignore[method-assign]
    return made
