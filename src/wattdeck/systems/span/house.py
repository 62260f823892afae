"""The energy engine of the SPAN simulator: one state, one clock, no HTTP.

Signs are the wire's: positive watts flow into the panel, so loads are negative (span.md 0.3). Powers are
whole multiples of 1/64 W and counters of 1/64 Wh, which binary floats add without rounding: the balance
identities of span.md 4.2 hold to the last digit for any reader, in any order of addition.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from wattdeck.core.simulated import SimulatedClock
from wattdeck.systems.span.household import Household
from wattdeck.systems.span.loads import NICE_TO_HAVE, NON_ESSENTIAL, chance, salt_of
from wattdeck.systems.span.power_flow import PER_UNIT, CircuitState, Flow, Moment, solve

EASY_STEPS, LONGEST_STEP_S, MOST_STEPS = 100, 300, 1000
"""A read integrates in `EASY_STEPS` steps of a second or more; in more of them to keep each below `LONGEST_STEP_S`;
never in more than about `MOST_STEPS`, however much time passed."""
IDLE_W = 2.0
"""Circuits below this report exactly 0.0; their branches do not (span.md 4.3)."""
NO_BATTERY_PERCENT = 95
"""What panels without a battery were seen to answer (span.md 4.5)."""
PAST_H = 14_000
"""Hours of use already on the counters at the start."""


@dataclass(slots=True)
class Meter:
    """A two-way counter, Wh: of a space, or of the main meter."""

    into_panel_wh: float = 0.0
    """A space's `imported`, the main meter's `consumed`."""
    out_of_panel_wh: float = 0.0
    """A space's `exported`, the main meter's `produced`."""

    def count(self, power: int, hours: float) -> None:
        """Add a power in 1/64 W, positive into the panel, over a time."""
        if power > 0:
            self.into_panel_wh += power / PER_UNIT * hours
        else:
            self.out_of_panel_wh -= power / PER_UNIT * hours

    def shrink(self, kept: float) -> None:
        """Lose part of what was counted."""
        self.into_panel_wh *= kept
        self.out_of_panel_wh *= kept


@dataclass
class House:
    """A panel, what hangs on it, and the grid.

    Reading is `advance()` and then the attributes; everything between two reads is made up in that call.

    Args:
        household: What hangs on the panel.
        clock: Simulated time.
        seed: Same seed, same start and same reads: same numbers.
        utc_offset_s: Wall clock of the house minus UTC.
        circuit_energy_period_s: How often circuit counters are published; 0 = at every read.
    """

    household: Household
    clock: SimulatedClock
    seed: int = 1
    utc_offset_s: float = 0.0
    circuit_energy_period_s: float = 600.0
    grid_up: bool = True
    main_relay_open: bool = False
    low_soe_percent: float = 30.0
    high_soe_percent: float = 50.0
    door: str = "CLOSED"
    held_charge_percent: float | None = None
    """What the battery's charge stays at; None: it charges and discharges."""
    circuits: dict[str, CircuitState] = field(init=False, default_factory=dict)
    meters: list[Meter] = field(init=False)
    """By tab, the first at index 0."""
    main_meter: Meter = field(init=False)
    flow: Flow = field(init=False)
    """The powers of this second."""

    def __post_init__(self) -> None:
        self.second = int(self.clock.now_s())
        self._salt = salt_of(self.seed, self.household.serial)
        self.booted_s = self.second - 86400 * 3 - int(chance(self._salt, 1) * 86400 * 20)
        for load in self.household.loads:
            circuit_id = f"{salt_of(self.household.serial, load.name):016x}{salt_of(load.name):016x}"
            salt = salt_of(self.seed, self.household.serial, load.name)
            self.circuits[circuit_id] = CircuitState(
                circuit_id, load.name, load.tabs, load, salt, load.priority, load.controllable
            )
            self.circuits[circuit_id].never_backup = load.never_backup
        battery = self.household.battery
        self._charge_before_wh = 0.0
        self.charge_wh = battery.capacity_wh * (0.55 + 0.3 * chance(self._salt, 3)) if battery else 0.0
        self._fill_counters()
        self._publish_energies()
        self.energy_at_s = self.second - int(chance(self._salt, 2) * self.circuit_energy_period_s)
        self._refresh()

    @property
    def islanded(self) -> bool:
        """No grid reaches the panel."""
        return self.main_relay_open or not self.grid_up

    @property
    def soe_percent(self) -> int:
        """What `/storage/soe` says; a plausible number even without a battery."""
        battery = self.household.battery
        if battery is None:
            return NO_BATTERY_PERCENT
        return max(0, min(100, round(100 * self.charge_wh / battery.capacity_wh)))

    @property
    def run_config(self) -> str:
        """`PANEL_ON_GRID`, or how the panel lives without it."""
        if not self.islanded:
            return "PANEL_ON_GRID"
        return "PANEL_OFF_GRID" if self.household.battery is None else "PANEL_BACKUP"

    def open_tabs(self) -> set[int]:
        """Spaces behind an open relay."""
        return {tab for circuit in self.circuits.values() if circuit.is_open for tab in circuit.tabs}

    def power_w(self, circuit: CircuitState) -> float:
        """A circuit's power as the panel filters it: open is 0.0, and so is next to nothing."""
        if circuit.is_open:
            return 0.0
        power_w = sum(self.flow.spaces[tab - 1] for tab in circuit.tabs) / PER_UNIT
        return power_w if abs(power_w) >= IDLE_W else 0.0

    def advance(self) -> None:
        """Bring everything up to now."""
        now = int(self.clock.now_s())
        if now <= self.second:
            return
        passed_s = now - self.second
        step_s = min(math.ceil(passed_s / EASY_STEPS), LONGEST_STEP_S)
        step_s = max(step_s, math.ceil(passed_s / MOST_STEPS))
        period_s = self.circuit_energy_period_s
        while self.second < now:
            target = min(now, self.second + step_s)
            due_s = math.ceil(self.energy_at_s + period_s)
            if step_s < period_s and self.second < due_s < target:
                target = due_s
            self._integrate(target - self.second)
            self.second = target
            self._refresh()
            if period_s > 0 and self.second >= due_s:
                self._publish_energies()
        if period_s <= 0:
            self._publish_energies()

    def switch(self, circuit_id: str, *, opened: bool, by: str = "USER") -> None:
        """Move a relay by hand. A person's word counts more than shedding."""
        self.advance()
        circuit = self.circuits[circuit_id]
        circuit.opened, circuit.requester = opened, by
        if not opened:
            circuit.kept_closed, circuit.shed = circuit.shed or circuit.kept_closed, False
        self._refresh()

    def set_priority(self, circuit_id: str, priority: str) -> None:
        """Give a circuit another priority; what follows for shedding follows at once."""
        self.advance()
        self.circuits[circuit_id].priority = priority
        self._refresh()

    def limit(self, circuit_id: str, most_w: float | None) -> None:
        """Set how much a circuit may draw at most, W; None: as much as it wants."""
        self.advance()
        self.circuits[circuit_id].most_w = most_w
        self._refresh()

    def set_main_relay(self, *, opened: bool) -> None:
        """Connect the panel to the grid or cut it off."""
        self.advance()
        self.main_relay_open = opened
        self._refresh()

    def set_grid(self, *, up: bool) -> None:
        """Take the grid away or bring it back."""
        self.advance()
        self.grid_up = up
        self._refresh()

    def set_charge(self, percent: float) -> None:
        """Set the battery's charge; nothing without a battery."""
        self.advance()
        if self.household.battery is not None:
            self.charge_wh = self.household.battery.capacity_wh * max(0.0, min(100.0, percent)) / 100
        self._refresh()

    def hold_charge(self, percent: float | None) -> None:
        """Keep the battery at a charge, or let it go on with the one it had before."""
        if percent == self.held_charge_percent:
            return
        self.advance()
        if self.held_charge_percent is None:
            self._charge_before_wh = self.charge_wh
        self.held_charge_percent = percent
        if percent is not None:
            self.set_charge(percent)
        else:
            self.charge_wh = self._charge_before_wh
            self._refresh()

    def force_loads(self, loads_w: Mapping[str, float]) -> None:
        """Let these circuits draw that much, and every other one what its load does."""
        self.advance()
        for circuit in self.circuits.values():
            circuit.forced_w = loads_w.get(circuit.circuit_id)
        self._refresh()

    def rewire(self, moves: Mapping[str, tuple[int, ...]]) -> None:
        """Put these circuits on other spaces, and every other one back where it was built."""
        self.advance()
        for circuit in self.circuits.values():
            circuit.tabs = moves.get(circuit.circuit_id, circuit.load.tabs)
        self._refresh()

    def reboot(self) -> None:
        """Start the uptime anew; the door's position is unknown until it moves."""
        self.advance()
        self.booted_s = self.second
        self.door = "UNKNOWN"

    def lose_energy(self, share: float) -> None:
        """Drop every counter for good, as a firmware update can (span.md 8.4)."""
        self.advance()
        for meter in [*self.meters, self.main_meter]:
            meter.shrink(1 - share)
        self._publish_energies()

    def _fill_counters(self) -> None:
        """Give every counter the past it would have had, balanced like the powers."""
        household, salt = self.household, self._salt
        self.meters = [
            Meter(100 * chance(salt, 100 + tab), 60 * chance(salt, 200 + tab)) for tab in range(household.tabs)
        ]
        for circuit in self.circuits.values():
            mean_w = 0.25 * circuit.load.template.typical_w * (0.6 + chance(circuit.salt, 1))
            for tab in circuit.tabs:
                self.meters[tab - 1].out_of_panel_wh += PAST_H * mean_w / len(circuit.tabs)
        for tab in household.solar_tabs:
            self.meters[tab - 1].into_panel_wh += PAST_H * 0.16 * household.solar_peak_w / 2
        for tab in household.battery.tabs if household.battery else ():
            self.meters[tab - 1].into_panel_wh += 1_800_000.0
            self.meters[tab - 1].out_of_panel_wh += 2_000_000.0
        made_wh = sum(meter.into_panel_wh for meter in self.meters)
        used_wh = sum(meter.out_of_panel_wh for meter in self.meters)
        if household.sub_panel is not None:
            used_wh += PAST_H * 0.6 * household.sub_panel.typical_w
        self.main_meter = Meter(0.4 * made_wh + used_wh - made_wh, 0.4 * made_wh)

    def _integrate(self, seconds: int) -> None:
        hours = seconds / 3600
        still = self.open_tabs()
        for tab, (meter, power) in enumerate(zip(self.meters, self.flow.spaces, strict=True), 1):
            if tab not in still:
                meter.count(power, hours)
        self.main_meter.count(self.flow.grid, hours)
        battery = self.household.battery
        if battery is not None and self.held_charge_percent is None:
            out_wh = self.flow.battery / PER_UNIT * hours
            self.charge_wh -= out_wh / battery.efficiency if out_wh > 0 else out_wh * battery.efficiency
            self.charge_wh = max(0.0, min(battery.capacity_wh, self.charge_wh))

    def _publish_energies(self) -> None:
        """Copy the branch counters to the circuits: their slow clock (span.md 4.3)."""
        self.energy_at_s = self.second
        for circuit in self.circuits.values():
            owned = [self.meters[tab - 1] for tab in circuit.tabs]
            circuit.consumed_wh = sum(counter_wh(meter.out_of_panel_wh) for meter in owned)
            circuit.produced_wh = sum(counter_wh(meter.into_panel_wh) for meter in owned)

    def _refresh(self) -> None:
        """Work out every power of this second."""
        self._shed()
        battery = self.household.battery
        charge = self.charge_wh / battery.capacity_wh if battery else 0.0
        moment = Moment(self.second, self.second + self.utc_offset_s, self.islanded, charge)
        self.flow = solve(self.household, self._salt, self.circuits.values(), moment)

    def _shed(self) -> None:
        """Open what the house can do without while the grid is away (span.md 8.2)."""
        islanded, percent = self.islanded, self.soe_percent
        for circuit in self.circuits.values():
            if not islanded:
                circuit.shed = circuit.kept_closed = False
            elif circuit.controllable and not circuit.kept_closed:
                if circuit.priority == NON_ESSENTIAL:
                    circuit.shed = True
                elif circuit.priority != NICE_TO_HAVE or percent > self.high_soe_percent:
                    circuit.shed = False
                elif percent < self.low_soe_percent:
                    circuit.shed = True


def counter_wh(energy_wh: float) -> float:
    """An energy as a meter shows it: whole 1/64 Wh, never more than was counted."""
    return math.floor(energy_wh * PER_UNIT) / PER_UNIT
