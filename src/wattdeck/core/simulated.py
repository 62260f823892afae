"""Time in simulators."""

from __future__ import annotations

from collections.abc import Callable

INSTANT_S = 1e-6
"""Two moments closer than this are one."""


class SimulatedClock:
    """Simulated time: starts where it is told, runs at a speed, can be pushed forward.

    Args:
        start_s: Unix seconds at the start.
        speed: Simulated seconds per second.
        monotonic: Seconds that never jump.
    """

    def __init__(self, start_s: float, speed: float, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._origin_s = self._since_s = monotonic()
        self._base_s = start_s
        self._pushed_s = 0.0
        self.speed = speed

    def now_s(self) -> float:
        """Simulated Unix seconds."""
        return self._base_s + (self._monotonic() - self._since_s) * self.speed

    def elapsed_s(self) -> float:
        """Seconds since the start at normal speed, pushes included: the time of people and of switch gear."""
        return self._monotonic() - self._origin_s + self._pushed_s

    def advance(self, seconds: float) -> None:
        """Push the time forward."""
        self._pushed_s += seconds
        self._base_s += seconds

    def set_speed(self, speed: float) -> None:
        """Run faster or slower from now on."""
        self._base_s, self._since_s = self.now_s(), self._monotonic()
        self.speed = speed
