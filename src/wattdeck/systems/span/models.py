"""One SPAN panel as wattdeck sees it, whichever protocol it came over.

Signs, here and everywhere above the clients: a circuit's power is **positive when it consumes**, negative when it
produces (the wire has it the other way round); grid power is positive on import; feedthrough power is positive when
the panel delivers power out to a sub-panel. None is unknown; zero is a measured zero. Source: span.md 0.3, 4, 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Relay(StrEnum):
    """Position of a switch."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Door(StrEnum):
    """The panel's door; unknown after a boot until it is moved (span.md 4.1)."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class DataModel(StrEnum):
    """The protocol a snapshot came over (span-v2.md 0.1)."""

    V1 = "v1"
    """v1 REST."""
    FLAT = "flat"
    """eBus, all in one device (r202603 to r202627)."""
    TREE = "tree"
    """eBus, a device for each part: parent and children, data model 1.x (r202633 and later)."""


PRIORITIES = ("must_have", "nice_to_have", "non_essential")
"""The load priorities a panel knows, highest first (span-v2.md 10).
A panel may report others; they are kept as text."""
V2_PRIORITIES = {"never": "must_have", "soc_threshold": "nice_to_have", "off_grid": "non_essential"}
"""What v2 calls them, in lower case -> ours, which are v1's."""

SPACES = 32
"""Breaker spaces of a MAIN 32 panel."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """A user-named load on one or two breaker spaces, or a virtual one for a space no circuit owns."""

    circuit_id: str
    name: str
    tabs: tuple[int, ...]
    """Breaker spaces, ascending."""
    power_w: float | None
    """Positive = consumption."""
    energy_consumed_wh: float | None
    energy_produced_wh: float | None
    relay: Relay
    priority: str
    """One of PRIORITIES, `unknown`, or the panel's own word in lower case."""
    controllable: bool
    """The panel lets users switch it. False = "always on" in the maker's app."""
    virtual: bool = False
    """No circuit of the panel: made from the raw meter of an unmapped space. Has no relay of its own."""
    relay_target: Relay | None = None
    """Position asked for and not yet reported."""
    sheddable: bool | None = None
    never_backup: bool | None = None
    power_at: datetime | None = field(default=None, compare=False)
    """When the panel measured the power. Not part of equality: a new time alone is no news."""
    energy_at: datetime | None = None
    """When the panel last moved the energy counters; often ten minutes and more behind (span.md 4.3)."""
    energy_today_wh: float | None = None
    """Net consumption (consumed minus produced) since `PanelSnapshot.today_since`, by wattdeck's own baseline."""
    energy_month_wh: float | None = None
    """The same since `PanelSnapshot.month_since`."""
    current_a: float | None = None
    """Measured, without sign; None where the panel does not measure it (v1): see the function `current_a`."""
    rating_a: float | None = None
    """The breaker's rating, as the panel reports it."""
    requester: str = ""
    """Who holds the relay, in the words of v2's tree: `none`, `user`, `load_shed`, `pcs`, `configuration`, `fault`."""
    priority_settable: bool | None = None
    """Whether the panel takes a priority for it. None: it does not say; only trying tells (v1)."""
    feeds: str = ""
    """What hangs on it, where the panel says so: `pv`, `evse`, `bess`; empty: a load like any other."""
    shared_with: tuple[str, ...] = ()
    """Ids of circuits that it says are behind its meter or relay (span-v2.md 6.4). See `siblings`, `metered_with`."""
    meter_only: bool = False
    """A remote current transformer: it has power, and no relay and no space."""
    live: bool = True
    """False: the panel is live, this part of it is not."""
    reported_at: datetime | None = field(default=None, compare=False)
    """When anything of it was last reported (v2). Silence is not staleness: equal values are not sent again."""


@dataclass(frozen=True, slots=True)
class Branch:
    """The raw meter of one breaker space."""

    tab: int
    power_w: float | None
    """Positive = consumption."""
    energy_consumed_wh: float | None
    energy_produced_wh: float | None
    relay: Relay
    measure_valid: bool | None = None


@dataclass(frozen=True, slots=True)
class PanelStatus:
    """Who the panel is and how it is connected."""

    serial: str
    firmware: str
    model: str
    door: Door
    proximity_proven: bool | None
    """The door procedure was done and registration is open. None: this firmware does not say."""
    unlock_presses_left: int | None
    """Older firmware: presses of the door switch still missing."""
    ethernet: bool | None
    wifi: bool | None
    cellular: bool | None
    uptime_s: int | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class PanelState:
    """The panel's own meters and switches at one moment."""

    main_relay: Relay
    grid_power_w: float | None
    """Positive = import."""
    feedthrough_power_w: float | None
    """Positive = out to the sub-panel."""
    main_consumed_wh: float | None
    main_produced_wh: float | None
    feedthrough_consumed_wh: float | None
    """A computed residual: may be negative and fall (span.md 4.2). Never alarm on it."""
    feedthrough_produced_wh: float | None
    grid_state: str
    dsm_state: str
    run_config: str
    branches: tuple[Branch, ...]

    @property
    def empty(self) -> bool:
        """The panel answered without data: main relay unknown and zeros that mean nothing (span.md 4.2)."""
        powers = [self.grid_power_w, *(branch.power_w for branch in self.branches)]
        return self.main_relay is Relay.UNKNOWN and not any(powers)

    @property
    def house_load_w(self) -> float | None:
        """What the spaces of this panel consume, W; None while any meter is unknown."""
        powers = [branch.power_w for branch in self.branches]
        if not powers or None in powers:
            return None
        return sum(power for power in powers if power is not None and power > 0)

    @property
    def generation_w(self) -> float | None:
        """What the spaces of this panel feed in, W, as a positive number; None while any meter is unknown."""
        powers = [branch.power_w for branch in self.branches]
        if not powers or None in powers:
            return None
        return -sum(power for power in powers if power is not None and power < 0) + 0.0


@dataclass(frozen=True, slots=True)
class Battery:
    """A battery the panel knows of (v2). None: not reported."""

    device_id: str
    serial: str = ""
    vendor: str = ""
    model: str = ""
    soc_percent: float | None = None
    energy_kwh: float | None = None
    """What is in it."""
    capacity_kwh: float | None = None
    """What it holds when new and full."""
    link: str = ""
    """How the panel reaches it: `ok`, `degraded`, `lost`, `unknown`, or empty."""
    circuit_id: str = ""
    """The circuit it hangs on; empty: upstream of the panel, or not said."""
    live: bool = True


@dataclass(frozen=True, slots=True)
class Inverter:
    """A solar inverter the panel knows of (v2). Its power is that of its circuit; upstream of the panel it has none."""

    device_id: str
    serial: str = ""
    vendor: str = ""
    model: str = ""
    rated_w: float | None = None
    position: str = ""
    """`upstream`, `downstream`, `in_panel`, or empty."""
    circuit_id: str = ""
    live: bool = True


@dataclass(frozen=True, slots=True)
class Charger:
    """A car charger the panel knows of (v2). Its power is that of its circuit."""

    device_id: str
    serial: str = ""
    vendor: str = ""
    model: str = ""
    status: str = ""
    """`available`, `preparing` (plugged in), `charging`, `unavailable`, or empty."""
    lock: str = ""
    """`locked`, `unlocked`, or empty."""
    offered_a: float | None = None
    """Current offered to the car."""
    user_limit_a: float | None = None
    """The ceiling a person has set; None: none."""
    most_a: float | None = None
    circuit_id: str = ""
    live: bool = True


@dataclass(frozen=True, slots=True)
class PowerControl:
    """The panel's power control system: limits of the current drawn, A (span-v2.md 5.3)."""

    enabled: bool | None = None
    active: bool | None = None
    """It sheds now."""
    import_limit_a: float | None = None
    """The limit in force."""
    constraint: str = ""
    """What sets it, the panel's word in lower case; empty: not said."""


@dataclass(frozen=True, slots=True)
class ShedForecast:
    """How long the battery lasts without the grid, by the panel's own forecast, minutes."""

    total_min: int | None = None
    to_shed_min: int | None = None
    """Until circuits of middle priority are shed."""
    confidence: str = ""


@dataclass(frozen=True, slots=True)
class PanelSnapshot:
    """Everything the `panel` feed knows at one moment: what screens, exports and control look at."""

    serial: str
    firmware: str
    model: str
    door: Door
    main_relay: Relay
    grid_power_w: float | None
    """Positive = import."""
    feedthrough_power_w: float | None
    """Positive = out to the sub-panel."""
    house_load_w: float | None
    generation_w: float | None
    battery_percent: int | None
    """None: no battery configured, or not known. Panels without one answer a plausible number, so it is opt-in."""
    main_consumed_wh: float | None
    main_produced_wh: float | None
    circuits: tuple[Circuit, ...]
    """Real circuits first in the panel's order, then virtual ones by space."""
    feedthrough_consumed_wh: float | None = None
    feedthrough_produced_wh: float | None = None
    grid_state: str = ""
    dsm_state: str = ""
    run_config: str = ""
    proximity_proven: bool | None = None
    ethernet: bool | None = None
    wifi: bool | None = None
    cellular: bool | None = None
    solar_w: float | None = None
    """Production of the spaces configured as solar, W, positive; None: none configured."""
    today_since: datetime | None = None
    """Where `energy_today_wh` starts: local midnight, or later if wattdeck was not running then."""
    month_since: datetime | None = None
    """Where `energy_month_wh` starts: the first of the month, or later if wattdeck was not running then."""
    data_model: DataModel = DataModel.V1
    data_model_version: str = ""
    """`1.0`: as a panel of parent/child says it; empty of others."""
    hardware: str = ""
    spaces: int | None = None
    """Breaker spaces of the panel."""
    main_rating_a: float | None = None
    """The main breaker's rating, where the panel reports it."""
    feed_power_w: float | None = None
    """At the panel's own upstream lugs, positive = in. Differs from the grid where battery or sun are upstream."""
    battery_power_w: float | None = None
    """Positive = discharging."""
    leg_voltage_v: tuple[float | None, float | None] = (None, None)
    leg_current_a: tuple[float | None, float | None] = (None, None)
    """At the service entrance, without sign."""
    islanded: bool | None = None
    """The house is cut off from the grid and carries itself. None: not known."""
    dominant_source: str = ""
    """`grid`, `battery`, `pv`, `generator`, `none`, `unknown`, or empty: not said."""
    cloud: bool | None = None
    """The panel reaches its maker's servers."""
    feedthrough_net_wh: float | None = None
    """Delivered to the sub-panel, by balance of the other counters; only differences mean anything (span-v2.md 8.3)."""
    main_offset_wh: float = 0.0
    """What `main_consumed_wh` was raised by because the panel's counter fell (span.md 8.4)."""
    batteries: tuple[Battery, ...] = ()
    inverters: tuple[Inverter, ...] = ()
    chargers: tuple[Charger, ...] = ()
    pcs: PowerControl | None = None
    forecast: ShedForecast | None = None
    uptime_s: int | None = field(default=None, compare=False)

    @property
    def off_grid(self) -> bool | None:
        """No grid reaches the panel: it is away, or the main relay is open. None: the panel does not say."""
        if self.islanded is not None and self.main_relay is not Relay.OPEN:
            return self.islanded
        grid, dsm = self.grid_state.upper(), self.dsm_state.upper()
        if self.main_relay is Relay.OPEN or "DOWN" in grid or "OFF_GRID" in dsm:
            return True
        return False if "UP" in grid or "ON_GRID" in dsm else None

    def circuit(self, circuit_id: str) -> Circuit | None:
        """The circuit of that id, or None."""
        for circuit in self.circuits:
            if circuit.circuit_id == circuit_id:
                return circuit
        return None


def leg(tab: int) -> str:
    """The supply leg of a space: 1,2 on L1, 3,4 on L2, 5,6 on L1 ... (span.md 7.2)."""
    return "L1" if ((tab - 1) // 2) % 2 == 0 else "L2"


def voltage_v(tabs: tuple[int, ...]) -> int | None:
    """Nominal voltage of a circuit: one space 120 V, two spaces on opposite legs 240 V, else None."""
    if len(tabs) == 1:
        return 120
    if len(tabs) == 2 and leg(tabs[0]) != leg(tabs[1]):
        return 240
    return None


def siblings(circuit: Circuit, circuits: Iterable[Circuit]) -> tuple[str, ...]:
    """Ids of the circuits that may move with this one: it says so or they do, and either is enough to warn of it."""
    own = circuit.circuit_id
    said = [other.circuit_id for other in circuits if own in other.shared_with]
    return tuple(each for each in dict.fromkeys((*circuit.shared_with, *said)) if each != own)


def metered_with(circuit: Circuit, circuits: Iterable[Circuit]) -> tuple[Circuit, ...]:
    """The circuits behind the same meter: both sides say so. A claim of one side hides nobody's load."""
    if not circuit.shared_with:
        return ()
    own = circuit.circuit_id
    return tuple(
        other
        for other in circuits
        if other.circuit_id in circuit.shared_with and own in other.shared_with and other.circuit_id != own
    )


def counted_once(circuits: Iterable[Circuit]) -> Iterator[Circuit]:
    """Circuits for sums: of those behind one meter only the first (span-v2.md 6.4)."""
    every = tuple(circuits)
    seen: set[str] = set()
    for circuit in every:
        if circuit.circuit_id not in seen:
            seen.update(other.circuit_id for other in metered_with(circuit, every))
            yield circuit


def current_a(circuit: Circuit) -> float | None:
    """Current, A: as measured, else estimated from power over nominal voltage (v1 reports neither)."""
    if circuit.current_a is not None:
        return circuit.current_a
    volts = voltage_v(circuit.tabs)
    if volts is None or circuit.power_w is None:
        return None
    return abs(circuit.power_w) / volts
