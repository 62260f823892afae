"""What is worth an alarm on a panel, and who looks for it (control.md 24 to 28).

A lost link and a command nobody confirmed are the engine's alarms, not these. What a panel does not report, or a
reading too old to trust, is unknown: it raises nothing and clears nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from wattdeck.core.alarm import AlarmRule, Condition, Priority, above, below
from wattdeck.core.language import later, tr
from wattdeck.core.reading import Link, Reading
from wattdeck.core.units import energy, number, percent, power
from wattdeck.systems.span.models import Circuit, Door, PanelSnapshot, Relay, voltage_v

if TYPE_CHECKING:
    from wattdeck.systems.span.config import SpanAlarms, SpanConfig

OVER_LIMIT = "span.over-limit"
SPIKE = "span.spike"
OFF_GRID = "span.off-grid"
BATTERY_LOW = "span.battery-low"
DOOR_OPEN = "span.door-open"
METER_FALLS = "span.meter-falls"

MAIN = "main"
"""Object id of the main breaker, looked at where its rating is configured."""
MAIN_VOLTS = 240
METER_TOLERANCE_WH = 1.0
"""Counters are shown in steps; less than this is no fall."""
RESET_AFTER_S = 3600.0
"""A counter that stays lower so long was reset, and counts from where it is."""

RULES = (
    AlarmRule(
        OFF_GRID,
        Priority.HIGH,
        later("Off grid"),
        later("The house lives on battery and sun, or is dark; the panel sheds circuits, and the charge runs down."),
        later("Find out whether the outage is the street's or the main breaker's; open what can wait."),
        on_delay_s=10.0,
        off_delay_s=60.0,
    ),
    AlarmRule(
        SPIKE,
        Priority.MEDIUM,
        later("Circuit above its breaker's rating"),
        later("The breaker trips, and what hangs on it stands still; conductors and contacts heat up."),
        later("Switch off a large load on this circuit, or open its relay."),
        off_delay_s=900.0,
    ),
    AlarmRule(
        OVER_LIMIT,
        Priority.LOW,
        later("Circuit above its limit for a time"),
        later("A breaker carries 80 % of its rating for hours; above that it ages, warms up and trips in the end."),
        later("Spread the loads, or have the circuit and its breaker checked; say its rating in the settings."),
        on_delay_s=300.0,
        off_delay_s=60.0,
    ),
    AlarmRule(
        BATTERY_LOW,
        Priority.LOW,
        later("Battery low"),
        later("It carries the house through an outage for a short time only."),
        later("Look why it is not charged: sun, grid, reserve; in an outage open what can wait."),
        off_delay_s=300.0,
    ),
    AlarmRule(
        DOOR_OPEN,
        Priority.LOW,
        later("Panel door open"),
        later("Live parts are within reach, and somebody may be working on them."),
        later("Ask who is at the panel before you switch anything; close the door."),
        on_delay_s=600.0,
    ),
    AlarmRule(
        METER_FALLS,
        Priority.LOW,
        later("Main meter counts backwards"),
        later("Energy figures built on the counter are wrong from here on."),
        later("Note both numbers; if it stays lower, the counter was reset: correct what is counted from it."),
        off_delay_s=60.0,
    ),
)
"""Most urgent first."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """What is known of the breaker of a load."""

    rating_a: float
    volts: int
    assumed: bool
    """Nobody said the rating; it is what such a breaker usually has at most."""

    @property
    def rated_w(self) -> float:
        return self.rating_a * self.volts

    def share_words(self, power_w: float) -> str:
        """A power as a share of the rating."""
        share, amps = percent(power_w / self.rated_w), number(self.rating_a)
        if self.assumed:
            return tr("{share} of {amps} A (assumed rating)", share=share, amps=amps)
        return tr("{share} of {amps} A", share=share, amps=amps)


class SpanWatch:
    """Looks at one panel. Remembers the main meter's counter, because it must not fall."""

    def __init__(self, config: SpanConfig) -> None:
        self._settings: SpanAlarms = config.alarms
        self._battery = config.battery
        rating_a = config.main_rating_a
        self._main = None if rating_a is None else Breaker(rating_a, MAIN_VOLTS, assumed=False)
        self._meter = MainMeter()

    def look(self, readings: Sequence[Reading[Any]], now: datetime) -> Sequence[Condition]:
        reading = cast("Reading[PanelSnapshot] | None", next(iter(readings), None))
        if reading is None or reading.snapshot is None:
            return ()
        found = list(self._conditions(reading.snapshot, now))
        if reading.link is Link.LIVE:
            return found
        # An old snapshot says nothing about now: what was the case stays.
        return [replace(condition, active=None, holds=False, words="") for condition in found]

    def _conditions(self, panel: PanelSnapshot, now: datetime) -> Iterator[Condition]:
        yield self._off_grid(panel)
        for circuit in panel.circuits:
            # A space that no circuit owns may be half of something: its breaker is anyone's guess.
            if not circuit.virtual:
                limit_w, breaker = _of(circuit, self._settings.limits_w), self._breaker(circuit)
                yield from self._load(circuit.circuit_id, circuit.name, circuit.power_w, breaker, limit_w)
        if self._main is not None:
            yield from self._load(MAIN, tr("Main breaker"), panel.grid_power_w, self._main, None)
        if self._battery and self._settings.battery_low_percent > 0:
            yield self._battery_low(panel.battery_percent)
        yield self._door_open(panel.door)
        yield self._meter.look(panel.serial, panel.main_consumed_wh, now)

    def _off_grid(self, panel: PanelSnapshot) -> Condition:
        words = ""
        if panel.off_grid:
            opened = panel.main_relay is Relay.OPEN
            words = tr("the main relay is open") if opened else tr("the grid is away")
            if self._battery and panel.battery_percent is not None:
                words += tr(", battery at {percent}", percent=percent(panel.battery_percent / 100))
        return Condition(OFF_GRID, active=panel.off_grid, words=words, on_delay_s=self._settings.grid_lost_s)

    def _breaker(self, circuit: Circuit) -> Breaker | None:
        volts = voltage_v(circuit.tabs)
        if volts is None:
            return None
        said_a = _of(circuit, self._settings.breaker_a)
        if said_a is not None:
            return Breaker(said_a, volts, assumed=False)
        single = len(circuit.tabs) == 1
        usual_a = self._settings.one_space_breaker_a if single else self._settings.two_space_breaker_a
        return Breaker(usual_a, volts, assumed=True) if usual_a > 0 else None

    def _load(
        self, object_id: str, name: str, power_w: float | None, breaker: Breaker | None, own_limit_w: float | None
    ) -> Iterator[Condition]:
        """Whether a load, in either direction, is above its limit, and above its breaker."""
        settings = self._settings
        load_w = None if power_w is None else abs(power_w)
        rated_w = None if breaker is None else breaker.rated_w
        limit_w = own_limit_w
        if limit_w is None and rated_w is not None:
            limit_w = rated_w * settings.over_limit_percent / 100

        def judged(rule: str, most_w: float, whole_w: float, delay_s: float | None = None) -> Condition:
            active, holds = above(load_w, most_w, whole_w * settings.dead_band_percent / 100)
            words = ""
            if load_w is not None and (active or holds):
                share = "" if breaker is None else f", {breaker.share_words(load_w)}"
                words = tr("{power}, limit {limit}", power=power(load_w), limit=power(most_w)) + share
            return Condition(rule, object_id, name, active, holds, words, delay_s)

        if limit_w is not None:
            yield judged(OVER_LIMIT, limit_w, own_limit_w or rated_w or limit_w, settings.over_limit_s)
        if rated_w is not None:
            yield judged(SPIKE, rated_w * settings.spike_percent / 100, rated_w)

    def _battery_low(self, charge_percent: int | None) -> Condition:
        limit = self._settings.battery_low_percent
        active, holds = below(charge_percent, limit, self._settings.battery_back_percent)
        words = ""
        if charge_percent is not None and (active or holds):
            words = tr(
                "charge {percent}, limit {limit}", percent=percent(charge_percent / 100), limit=percent(limit / 100)
            )
        return Condition(BATTERY_LOW, active=active, holds=holds, words=words)

    def _door_open(self, door: Door) -> Condition:
        active = None if door is Door.UNKNOWN else door is Door.OPEN
        words = tr("the door stands open") if active else ""
        return Condition(DOOR_OPEN, active=active, words=words, on_delay_s=self._settings.door_open_s)


class MainMeter:
    """The counter of what came from the grid, which only ever rises."""

    def __init__(self) -> None:
        self._serial = ""
        self._highest_wh: float | None = None
        self._lower_since: datetime | None = None

    def look(self, serial: str, consumed_wh: float | None, now: datetime) -> Condition:
        """Whether it is lower than it was."""
        if serial != self._serial:
            self._serial, self._highest_wh = serial, None
        if consumed_wh is None:
            return Condition(METER_FALLS, active=None)
        before_wh = self._highest_wh
        if before_wh is None or consumed_wh >= before_wh - METER_TOLERANCE_WH:
            self._highest_wh = consumed_wh if before_wh is None else max(before_wh, consumed_wh)
            self._lower_since = None
            return Condition(METER_FALLS)
        since = self._lower_since = self._lower_since or now
        if (now - since).total_seconds() >= RESET_AFTER_S:
            self._highest_wh, self._lower_since = consumed_wh, None
            return Condition(METER_FALLS)
        words = tr("{after} kWh consumed, was {before} kWh", after=energy(consumed_wh), before=energy(before_wh))
        return Condition(METER_FALLS, active=True, words=words)


def _of(circuit: Circuit, named: Mapping[str, float]) -> float | None:
    """What settings say of a circuit by id, or by name in any case."""
    if not named or circuit.circuit_id in named:
        return named.get(circuit.circuit_id)
    name = circuit.name.casefold()
    return next((value for key, value in named.items() if key.casefold() == name), None)
