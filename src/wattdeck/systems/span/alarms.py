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
from wattdeck.systems.span.models import Circuit, Door, PanelSnapshot, Relay, counted_once, metered_with, voltage_v

if TYPE_CHECKING:
    from wattdeck.systems.span.config import SpanAlarms, SpanConfig

OVER_LIMIT = "span.over-limit"
SPIKE = "span.spike"
OFF_GRID = "span.off-grid"
BATTERY_LOW = "span.battery-low"
DOOR_OPEN = "span.door-open"
METER_FALLS = "span.meter-falls"

MAIN = "main"
"""Object id of the main breaker, looked at where its rating is known. Where the current of each leg is measured,
`main-l1` and `main-l2` are looked at instead."""
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
        on_delay_s=900.0,
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
    volts: int | None
    """None: unknown; then only a measured current can be judged."""
    assumed: bool
    """Nobody said the rating; it is what such a breaker usually has at most."""

    @property
    def rated_w(self) -> float | None:
        return None if self.volts is None else self.rating_a * self.volts

    def share_words(self, share_of_rating: float) -> str:
        """How much of the rating it carries."""
        share, amps = percent(share_of_rating), number(self.rating_a)
        if self.assumed:
            return tr("{share} of {amps} A (assumed rating)", share=share, amps=amps)
        return tr("{share} of {amps} A", share=share, amps=amps)


@dataclass(frozen=True, slots=True)
class Load:
    """What a breaker carries, in either direction."""

    object_id: str
    name: str
    power_w: float | None
    current_a: float | None
    """Measured. None: it is not, and the power stands for it."""
    breaker: Breaker | None
    own_limit_w: float | None = None


class SpanWatch:
    """Looks at one panel. Remembers the main meter's counter, because it must not fall."""

    def __init__(self, config: SpanConfig) -> None:
        self._settings: SpanAlarms = config.alarms
        self._battery = config.battery
        self._main_rating_a = config.main_rating_a
        self._legs_measured = False
        self._meter = MainMeter()

    def look(self, readings: Sequence[Reading[Any]], now: datetime) -> Sequence[Condition]:
        reading = cast("Reading[PanelSnapshot] | None", next(iter(readings), None))
        if reading is None or reading.snapshot is None:
            return ()
        # v2 panels tell of theirs; one that was seen is there, whatever its state.
        self._battery = self._battery or bool(reading.snapshot.batteries)
        found = list(self._conditions(reading.snapshot, now))
        if reading.link is Link.LIVE:
            return found
        # An old snapshot says nothing about now: what was the case stays.
        return [replace(condition, active=None, holds=False, words="") for condition in found]

    def _conditions(self, panel: PanelSnapshot, now: datetime) -> Iterator[Condition]:
        yield self._off_grid(panel)
        for load in (*self._circuits(panel), *self._mains(panel)):
            yield from self._judged(load)
        if self._battery and self._settings.battery_low_percent > 0:
            yield self._battery_low(panel.battery_percent)
        yield self._door_open(panel.door)
        # What is shown never falls; what the panel counts does.
        told_wh = panel.main_consumed_wh
        if told_wh is not None:
            told_wh -= max(0.0, panel.main_offset_wh)
        yield self._meter.look(panel.serial, told_wh, now)

    def _off_grid(self, panel: PanelSnapshot) -> Condition:
        words = ""
        if panel.off_grid:
            opened = panel.main_relay is Relay.OPEN
            words = tr("the main relay is open") if opened else tr("the grid is away")
            if self._battery and panel.battery_percent is not None:
                words += tr(", battery at {percent}", percent=percent(panel.battery_percent / 100))
        return Condition(OFF_GRID, active=panel.off_grid, words=words, on_delay_s=self._settings.grid_lost_s)

    def _circuits(self, panel: PanelSnapshot) -> Iterator[Load]:
        """The circuits, those behind one meter as one load on all their breakers."""
        for circuit in counted_once(panel.circuits):
            # A space that no circuit owns may be half of something: its breaker is anyone's guess.
            if circuit.virtual:
                continue
            breaker, name = self._breaker(circuit), circuit.name
            if others := metered_with(circuit, panel.circuits):
                breaker = _together([breaker, *map(self._breaker, others)])
                name = " + ".join(each.name for each in (circuit, *others))
            power_w, current_a = (circuit.power_w, circuit.current_a) if circuit.live else (None, None)
            limit_w = _of(circuit, self._settings.limits_w)
            yield Load(circuit.circuit_id, name, power_w, current_a, breaker, limit_w)

    def _breaker(self, circuit: Circuit) -> Breaker | None:
        """Its rating by the settings, else as the panel reports it, else what is usual."""
        volts = voltage_v(circuit.tabs)
        said_a = _of(circuit, self._settings.breaker_a) or circuit.rating_a
        if said_a:
            return Breaker(said_a, volts, assumed=False)
        if volts is None:
            return None
        single = len(circuit.tabs) == 1
        usual_a = self._settings.one_space_breaker_a if single else self._settings.two_space_breaker_a
        return Breaker(usual_a, volts, assumed=True) if usual_a > 0 else None

    def _mains(self, panel: PanelSnapshot) -> Iterator[Load]:
        """The main breaker: each leg where its current is measured, else the whole by its power."""
        rating_a = self._main_rating_a or panel.main_rating_a
        if not rating_a:
            return
        legs_a = panel.leg_current_a
        self._legs_measured |= any(current_a is not None for current_a in legs_a)
        if self._legs_measured:
            breaker = Breaker(rating_a, None, assumed=False)
            for leg, current_a in zip(("L1", "L2"), legs_a, strict=True):
                name = tr("Main breaker {leg}", leg=leg)
                yield Load(f"{MAIN}-{leg.lower()}", name, None, current_a, breaker)
            return
        power_w = panel.grid_power_w if panel.feed_power_w is None else panel.feed_power_w
        breaker = Breaker(rating_a, MAIN_VOLTS, assumed=False)
        yield Load(MAIN, tr("Main breaker"), power_w, None, breaker)

    def _judged(self, load: Load) -> Iterator[Condition]:
        """Whether a load is above its limit, and above its breaker."""
        settings, breaker = self._settings, load.breaker
        by_current = breaker is not None and (load.current_a is not None or breaker.volts is None)
        value = load.current_a if by_current else load.power_w
        value = None if value is None else abs(value)
        rated = None if breaker is None else breaker.rating_a if by_current else breaker.rated_w

        def judged(
            rule: str, value: float | None, most: float, whole: float, delay_s: float | None, unit: str
        ) -> Condition:
            active, holds = above(value, most, whole * settings.dead_band_percent / 100)
            words = ""
            if value is not None and (active or holds):
                told = [power(value), power(most)] if unit == "W" else [_amps(value), _amps(most)]
                words = tr("{power}, limit {limit}", power=told[0], limit=told[1])
                if breaker is not None:
                    rating = breaker.rating_a if unit == "A" else breaker.rated_w
                    words += f", {breaker.share_words(value / rating)}" if rating else ""
            return Condition(rule, load.object_id, load.name, active, holds, words, delay_s)

        unit = "A" if by_current else "W"
        if load.own_limit_w is not None:
            used_w = None if load.power_w is None else abs(load.power_w)
            yield judged(OVER_LIMIT, used_w, load.own_limit_w, load.own_limit_w, settings.over_limit_s, "W")
        elif rated is not None:
            limit = rated * settings.over_limit_percent / 100
            yield judged(OVER_LIMIT, value, limit, rated, settings.over_limit_s, unit)
        if rated is not None:
            yield judged(SPIKE, value, rated * settings.spike_percent / 100, rated, None, unit)

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


def _together(breakers: Sequence[Breaker | None]) -> Breaker | None:
    """The breakers behind one meter as one: nobody knows how its current spreads, so that only their sum counts."""
    known = [breaker for breaker in breakers if breaker is not None]
    if len(known) < len(breakers):
        return None
    volts = {breaker.volts for breaker in known}
    return Breaker(
        sum(breaker.rating_a for breaker in known),
        volts.pop() if len(volts) == 1 else None,
        any(breaker.assumed for breaker in known),
    )


def _amps(current_a: float) -> str:
    return f"{number(current_a, 1)} A"


def _of(circuit: Circuit, named: Mapping[str, float]) -> float | None:
    """What settings say of a circuit by id, or by name in any case."""
    if not named or circuit.circuit_id in named:
        return named.get(circuit.circuit_id)
    name = circuit.name.casefold()
    return next((value for key, value in named.items() if key.casefold() == name), None)
