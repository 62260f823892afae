"""One second of a simulated house: who draws, who feeds, and what the grid or the battery makes up.

Powers are integers in 1/64 W, positive into the panel, so that they add without rounding (see `house`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wattdeck.systems.span.household import Battery, Household
from wattdeck.systems.span.loads import INVERTER, Load, demand_w, lasting_chance, scramble, solar_w

PER_UNIT = 64
"""Steps in a watt and in a watt-hour."""
BRANCH_NOISE = 24
"""What a raw meter shows by itself, at most, 1/64 W."""
OPEN_NOISE = 120
"""The same behind an open relay: within 2 W (span.md 8.2)."""
BATTERY_NOISE = 380
NOISE_SCALE = 1 << 15


@dataclass(slots=True)
class CircuitState:
    """One circuit as it is now."""

    circuit_id: str
    name: str
    tabs: tuple[int, ...]
    load: Load
    salt: int
    priority: str
    controllable: bool
    sheddable: bool = False
    never_backup: bool = False
    opened: bool = False
    """By a person."""
    shed: bool = False
    """By the panel, because the grid is away."""
    kept_closed: bool = False
    """A person closed it again during this outage; the panel leaves it alone."""
    consumed_wh: float = 0.0
    """Counter as last published, see `House.energy_at_s`."""
    produced_wh: float = 0.0
    forced_w: float | None = None
    """What it draws whatever its load would; None: as its load does."""
    most_w: float | None = None
    """A ceiling somebody has set for it; None: none."""
    requester: str = "NONE"
    """Who moved the relay last, in the words of v2: `NONE`, `USER`, `PCS`."""

    @property
    def is_open(self) -> bool:
        return self.opened or self.shed


@dataclass(frozen=True, slots=True)
class Moment:
    """What a solution depends on besides the circuits."""

    second: int
    """Simulated Unix seconds."""
    local_s: float
    """The same on the wall clock of the house."""
    islanded: bool
    """No grid reaches the panel."""
    charge: float
    """Battery charge, share of its capacity."""


@dataclass(frozen=True, slots=True)
class Flow:
    """All powers of one second, 1/64 W, balanced: grid + spaces = feedthrough."""

    spaces: Sequence[int]
    """By tab, the first at index 0; positive = into the panel."""
    feedthrough: int
    """Positive = out to the sub-panel."""
    battery: int
    """Positive = discharging."""

    @property
    def grid(self) -> int:
        """At the panel's main meter, positive = import: the grid's, or a battery's upstream of the panel."""
        return self.feedthrough - sum(self.spaces)


def solve(household: Household, salt: int, circuits: Iterable[CircuitState], moment: Moment) -> Flow:
    """Work out one second. Nothing is remembered: same arguments, same flow."""
    noise = _noise(salt, moment.second, household.tabs)
    spaces = [share * BRANCH_NOISE // NOISE_SCALE for share in noise]
    battery = household.battery
    for circuit in circuits:
        if circuit.is_open:
            for tab in circuit.tabs:
                spaces[tab - 1] = noise[tab - 1] * OPEN_NOISE // NOISE_SCALE
            if circuit.load.template is INVERTER:
                battery = None
        else:
            demand = circuit.forced_w
            if demand is None:
                demand = demand_w(circuit.load.template, circuit.salt, moment.local_s)
            if circuit.most_w is not None:
                demand = min(demand, circuit.most_w)
            _add(spaces, circuit.tabs, -round(PER_UNIT * demand), circuit.salt)
    feedthrough = sun = stored = 0
    if household.sub_panel is not None:
        feedthrough = round(PER_UNIT * demand_w(household.sub_panel, salt, moment.local_s))
    if household.solar_tabs:
        sun = round(PER_UNIT * solar_w(household.solar_peak_w, salt, moment.local_s))
    need = feedthrough - sum(spaces)
    if moment.islanded:
        alone = _carry_alone(battery, need, sun, moment.charge)
        if alone is None:
            return Flow([0] * household.tabs, 0, 0)
        sun, stored = alone
    elif battery is not None:
        idle = noise[battery.tabs[0] - 1 if battery.tabs else 0] * BATTERY_NOISE // NOISE_SCALE
        stored = _trade(battery, need - sun, idle, moment)
    _add(spaces, household.solar_tabs, sun, salt)
    if battery is not None:
        _add(spaces, battery.tabs, stored, salt)
    return Flow(spaces, feedthrough, stored)


def _noise(salt: int, second: int, count: int) -> list[int]:
    """One number for each tab, from -NOISE_SCALE to NOISE_SCALE."""
    noise: list[int] = []
    for block in range((count + 3) // 4):
        bits = scramble(salt + block, second)
        noise += [((bits >> shift) & 0xFFFF) - NOISE_SCALE for shift in (0, 16, 32, 48)]
    return noise[:count]


def _add(spaces: list[int], tabs: Sequence[int], total: int, salt: int) -> None:
    """Share a power among spaces, equal to about 1 %, to the last step."""
    if not tabs:
        return
    left = total
    if len(tabs) > 1:
        part = round(total / len(tabs) * (1 + 0.02 * (lasting_chance(salt, 7) - 0.5)))
        for tab in tabs[:-1]:
            spaces[tab - 1] += part
            left -= part
    spaces[tabs[-1] - 1] += left


def _trade(battery: Battery, need: int, idle: int, moment: Moment) -> int:
    """On grid: charge from most of the surplus, discharge into most of the evening's demand, else idle."""
    most = round(PER_UNIT * battery.max_power_w)
    hour = (moment.local_s / 3600) % 24
    if need < 0 and moment.charge < 1:
        return -min(most, round(-0.7 * need))
    if need > 0 and (hour >= 17 or hour < 1) and moment.charge > battery.reserve:
        return min(most, round(0.8 * need))
    return idle


def _carry_alone(battery: Battery | None, need: int, sun: int, charge: float) -> tuple[int, int] | None:
    """Off grid: what the sun may give and the battery must, or None when the lights go out."""
    if battery is None:
        return None
    room = round(PER_UNIT * battery.max_power_w) if charge < 1 else 0
    sun = max(0, min(sun, need + room))
    stored = need - sun
    if stored > 0 and (charge <= 0 or stored > PER_UNIT * battery.surge_power_w):
        return None
    return sun, stored
