"""What a simulated panel says: the JSON of span.md 4 from the state of a house, and the lies faults add."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from wattdeck.systems.span.faults import Fault, FaultBoard
from wattdeck.systems.span.house import House, counter_wh
from wattdeck.systems.span.power_flow import PER_UNIT, CircuitState

Json = dict[str, Any]

HOSTILE_NAMES = (
    "[bold red]Kitchen[/] [link=http://example.invalid]x[/link]",
    "\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b[2J",
    "Pump \u202etfel ot thgir\u202c \u2066x\u2069 \u200f",
    "👩‍👩‍👧‍👦 🏠🔌 e\u0301 ｆｕｌｌ \u200b\ufeff",
    "x" * 200,
    "tab\tnew\nline\rreturn\0null",
    "=1+1",
    " ",
    "",
    "[/]",
    "${jndi:x} %s {0} <b>html</b> & \"quotes\" 'single'",
)
_CIRCUIT_LIES = ("null-name", "null-power", "null-energy", "negative-zero", "nan", "unknown-enum")
_BRANCH_LIES = (*_CIRCUIT_LIES[1:], "no-measure", "invalid-measure")


class Answers:
    """Reads one house; every answer brings it up to the present first.

    Args:
        house: What is true.
        faults: What is said instead.
    """

    def __init__(self, house: House, faults: FaultBoard) -> None:
        self._house = house
        self._faults = faults
        self.firmware: Callable[[], str] = lambda: house.household.firmware
        """The release the panel runs."""

    @property
    def wall_s(self) -> int:
        """What the panel takes for Unix time."""
        jump = self._faults.standing("clock-jump")
        return self._house.second + int(float(str(jump.value)) if jump else 0)

    def status(self, *, proximity_proven: bool) -> Json:
        """`GET /status` (span.md 4.1)."""
        house = self._house
        door = "OPEN" if self._faults.standing("door-open") else house.door
        return {
            "software": {"firmwareVersion": self.firmware(), "updateStatus": "idle", "env": "prod"},
            "system": {
                "manufacturer": "Span",
                "serial": house.household.serial,
                "model": "00200",
                "doorState": "UNKNOWN" if self._faults.strike("door-unknown", "status") else door,
                "proximityProven": proximity_proven,
                "uptime": house.second - house.booted_s,
            },
            "network": {"eth0Link": True, "wlanLink": True, "wwanLink": False},
        }

    def panel(self) -> Json:
        """`GET /panel` (span.md 4.2)."""
        house = self._house
        kept = self._kept("panel")
        uptime_ms = 1000 * (house.second - house.booted_s) + 112
        open_tabs = house.open_tabs()
        branches: list[Json] = []
        imported_wh = exported_wh = 0.0
        for index, tabs in enumerate(self._tabs_by_space()):
            power = sum(house.flow.spaces[tab - 1] for tab in tabs)
            branch_in_wh = sum(kept(house.meters[tab - 1].into_panel_wh) for tab in tabs)
            branch_out_wh = sum(kept(house.meters[tab - 1].out_of_panel_wh) for tab in tabs)
            imported_wh += branch_in_wh
            exported_wh += branch_out_wh
            branches.append(
                {
                    "id": index + 1,
                    "relayState": "OPEN" if index + 1 in open_tabs else "CLOSED",
                    "instantPowerW": power / PER_UNIT,
                    "importedActiveEnergyWh": branch_in_wh,
                    "exportedActiveEnergyWh": branch_out_wh,
                    "measureStartTsMs": uptime_ms - 62 * (16 - index // 2),
                    "measureDurationMs": 22 + (index // 2 * 5) % 7,
                    "isMeasureValid": True,
                }
            )
        consumed_wh = kept(house.main_meter.into_panel_wh)
        produced_wh = kept(house.main_meter.out_of_panel_wh)
        document = {
            "mainRelayState": "OPEN" if house.main_relay_open else "CLOSED",
            "mainMeterEnergy": _energy(produced_wh, consumed_wh),
            "instantGridPowerW": house.flow.grid / PER_UNIT,
            "feedthroughPowerW": house.flow.feedthrough / PER_UNIT,
            "feedthroughEnergy": _energy(exported_wh - produced_wh, consumed_wh - imported_wh),
            "gridSampleStartMs": uptime_ms,
            "gridSampleEndMs": uptime_ms + 26,
            "dsmGridState": "DSM_GRID_UP" if house.grid_up else "DSM_GRID_DOWN",
            "dsmState": "DSM_OFF_GRID" if house.islanded else "DSM_ON_GRID",
            "currentRunConfig": house.run_config,
            "branches": branches,
        }
        self._distort_panel(document)
        return document

    def circuits(self) -> Json:
        """`GET /circuits` (span.md 4.3)."""
        if self._faults.strike("empty-circuits", "circuits"):
            return {"circuits": {}}
        kept = self._kept("circuits")
        documents = [self._circuit(circuit, kept) for circuit in self._house.circuits.values()]
        hit = self._faults.strikes(_CIRCUIT_LIES, "circuits")
        for number, document in enumerate(documents):
            for name, fault in hit.items():
                if number == 0 or fault.value == "all":
                    _lie(document, name)
        return {"circuits": {document["id"]: document for document in documents}}

    def circuit(self, circuit_id: str) -> Json:
        """`GET` and `POST /circuits/{id}`: the full circuit."""
        document = self._circuit(self._house.circuits[circuit_id], self._kept("circuit"))
        for name in self._faults.strikes(_CIRCUIT_LIES, "circuit"):
            _lie(document, name)
        return document

    def _circuit(self, circuit: CircuitState, kept: Callable[[float], float]) -> Json:
        house = self._house
        return {
            "id": circuit.circuit_id,
            "name": shown_name(house, self._faults, circuit),
            "relayState": "OPEN" if circuit.is_open else "CLOSED",
            "instantPowerW": house.power_w(circuit),
            "instantPowerUpdateTimeS": self.wall_s,
            "producedEnergyWh": kept(circuit.produced_wh),
            "consumedEnergyWh": kept(circuit.consumed_wh),
            "energyAccumUpdateTimeS": self.wall_s - house.second + house.energy_at_s,
            "tabs": list(house.household.spaces_of(circuit.tabs)),
            "priority": circuit.priority,
            "isUserControllable": circuit.controllable,
            "isSheddable": circuit.sheddable,
            "isNeverBackup": circuit.never_backup,
        }

    def _tabs_by_space(self) -> list[list[int]]:
        """The tabs of each space of the panel, the first space at index 0."""
        household = self._house.household
        by_space = [[space] for space in range(1, household.spaces + 1)]
        for tab, space in household.tandems.items():
            by_space[space - 1].append(tab)
        return by_space

    def _kept(self, endpoint: str) -> Callable[[float], float]:
        """What becomes of a counter on its way out: shown in whole steps, lower during a dip."""
        dip = self._faults.strike("counter-dip", endpoint)
        if dip is None or not isinstance(dip.value, tuple):
            return counter_wh
        share, answers = dip.value
        if answers is not None and dip.struck[endpoint] > answers:
            return counter_wh
        return lambda energy_wh: counter_wh(energy_wh * (1 - share))

    def _distort_panel(self, document: Json) -> None:
        hit = self._faults.strikes(_BRANCH_LIES, "panel")
        branches: list[Json] = document["branches"]
        for number, branch in enumerate(branches):
            for name, fault in hit.items():
                if number == 0 or fault.value in ("all", ""):
                    _lie(branch, name)
        _distort_grid(document, hit)
        if self._faults.strike("feedthrough-zero", "panel"):
            document["feedthroughEnergy"] = _energy(0.0, 0.0)
        if self._faults.strike("shuffled-branches", "panel"):
            random.Random(len(branches)).shuffle(branches)  # noqa: S311
        if self._faults.strike("main-relay-unknown", "panel"):
            document["mainRelayState"] = "UNKNOWN"
            for part in (document, document["mainMeterEnergy"], document["feedthroughEnergy"], *branches):
                part.update({key: 0.0 for key, value in part.items() if isinstance(value, float)})


def shown_name(house: House, faults: FaultBoard, circuit: CircuitState) -> str:
    """What a circuit is called on the wire."""
    ids = list(house.circuits)
    if faults.standing("hostile-names"):
        return HOSTILE_NAMES[ids.index(circuit.circuit_id) % len(HOSTILE_NAMES)]
    renamed = faults.standing("renamed")
    if renamed is not None:
        head, _, name = str(renamed.value).partition(":")
        circuit_id, name = (head, name) if head in house.circuits else (ids[0], str(renamed.value))
        if circuit.circuit_id == circuit_id:
            return name
    return circuit.name


def _energy(produced_wh: float, consumed_wh: float) -> Json:
    return {"producedEnergyWh": produced_wh, "consumedEnergyWh": consumed_wh}


def _distort_grid(document: Json, hit: dict[str, Fault]) -> None:
    for name, power in (("null-power", None), ("nan", float("nan")), ("negative-zero", -0.0)):
        if name in hit and hit[name].value == "all":
            document["instantGridPowerW"] = document["feedthroughPowerW"] = power
    if "null-energy" in hit and hit["null-energy"].value == "all":
        document["mainMeterEnergy"] = document["feedthroughEnergy"] = {
            "producedEnergyWh": None,
            "consumedEnergyWh": None,
        }
    if "unknown-enum" in hit:
        document["dsmState"] = "DSM_UNHEARD_OF"
        if hit["unknown-enum"].value == "all":
            document["mainRelayState"] = "TRIPPED"


def _lie(part: Json, name: str) -> None:
    """Put one lie into a circuit or a branch."""
    if name == "null-name":
        part["name"] = None
    elif name == "null-power":
        part["instantPowerW"] = None
    elif name == "nan":
        part["instantPowerW"] = float("nan")
    elif name == "negative-zero":
        part["instantPowerW"] = -0.0
    elif name == "null-energy":
        part.update({key: None for key in part if key.endswith("EnergyWh")})
    elif name == "unknown-enum":
        part["relayState"] = "TRIPPED"
        if "priority" in part:
            part["priority"] = "SOMETIMES"
    elif name == "no-measure":
        for key in ("measureStartTsMs", "measureDurationMs", "isMeasureValid"):
            part.pop(key, None)
    elif name == "invalid-measure" and "isMeasureValid" in part:
        part["isMeasureValid"] = False
