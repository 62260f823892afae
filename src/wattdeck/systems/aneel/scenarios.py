"""Weather over the simulated Roraima: how many faults a front brings, how fast it crosses, how many crews repair.

Open faults at a moment (aneel.md 13): calm 0-50, storm 50-200, severe 200-500 and more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

HOUR_S = 3600.0
CALM, STORM, SEVERE = "calm", "storm", "severe"


@dataclass(frozen=True, slots=True)
class Weather:
    """One kind of front."""

    faults: int
    """Interruptions a front of full strength causes."""
    customers: float
    """Median of an interruption, customers."""
    feeders: float
    """Share of faults that take a whole feeder."""
    crossing_s: float
    """From the northern border to the southern end of the state."""
    crews: int
    period_s: float
    """Until the next front, which is weaker."""


WEATHER: dict[str, Weather | None] = {
    CALM: None,
    STORM: Weather(225, 30, 0.04, 5 * HOUR_S, 13, 62 * HOUR_S),
    SEVERE: Weather(780, 30, 0.025, 6 * HOUR_S, 24, 110 * HOUR_S),
}
"""Scenario -> the fronts it brings; None = none."""
SCENARIOS = tuple(WEATHER)

AHEAD_S = 3 * HOUR_S
"""A front that is there from the start reached the north this long before: it has just passed the capital."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A time in which one scenario is on."""

    scenario: str
    front_s: float
    """Unix seconds at which its strongest front reaches the north."""
    from_s: float = -math.inf
    """It changes nothing before."""
    until_s: float = math.inf


def fronts(spell: Spell, first_s: float, last_s: float) -> list[tuple[int, float]]:
    """The fronts of a spell that reach the north within a time, by number: 0 is the strongest, others are weaker."""
    weather = WEATHER[spell.scenario]
    if weather is None:
        return []
    first = math.ceil((max(first_s, spell.from_s) - spell.front_s) / weather.period_s)
    last = math.floor((min(last_s, spell.until_s) - spell.front_s) / weather.period_s)
    return [(number, spell.front_s + number * weather.period_s) for number in range(first, last + 1)]
