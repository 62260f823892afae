"""What hangs on the circuits of a simulated panel: load templates, and what a load draws at a moment.

Everything here is a pure function of the load, a salt and the time, so that the same seed and start time
give the same watts however often a reader looks. Typical values and ranges: span.md 8.2.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

MUST_HAVE, NICE_TO_HAVE, NON_ESSENTIAL = "MUST_HAVE", "NICE_TO_HAVE", "NON_ESSENTIAL"

_MASK = (1 << 64) - 1


def scramble(salt: int, number: int) -> int:
    """64 repeatable random bits: the same for the same salt and number."""
    mixed = (number * 0x9E3779B97F4A7C15 + salt) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)


def chance(salt: int, number: int) -> float:
    """A repeatable draw from 0 (included) to 1 (excluded)."""
    return (scramble(salt, number) >> 11) / (1 << 53)


@lru_cache(1024)
def lasting_chance(salt: int, number: int) -> float:
    """The same draw, kept for who asks for it each second."""
    return chance(salt, number)


def salt_of(*parts: object) -> int:
    """A number that differs for every combination of parts."""
    return int.from_bytes(hashlib.sha256("/".join(map(str, parts)).encode()).digest()[:8], "big")


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """A use of an appliance on a day: starts near an hour, ends before the next noon, not every day."""

    start_h: float
    spread_h: float
    length_min: float
    likelihood: float = 1.0

    def running(self, salt: int, local_s: float) -> bool:
        """Whether today's session (or yesterday's, past midnight) covers this local time."""
        today, second = divmod(local_s, 86400)
        start_s, end_s = _window_s(self, salt, int(today))
        if start_s <= second < end_s:
            return True
        return second < 43200 and second + 86400 < _window_s(self, salt, int(today) - 1)[1]


@lru_cache(1024)
def _window_s(session: Session, salt: int, day: int) -> tuple[float, float]:
    """Start and end of a session, seconds from that day's midnight; empty when it does not happen."""
    if chance(salt, 3 * day) >= session.likelihood:
        return 0.0, 0.0
    start_s = 3600 * (session.start_h + session.spread_h * (chance(salt, 3 * day + 1) - 0.5))
    return start_s, start_s + 60 * session.length_min * (0.8 + 0.4 * chance(salt, 3 * day + 2))


@dataclass(frozen=True, slots=True)
class Template:
    """How a kind of load behaves."""

    typical_w: float
    low_w: float
    high_w: float
    noise: float = 0.02
    """Second-to-second wobble, share of the level."""
    cycle_s: tuple[int, int] | None = None
    """On and off durations, seconds."""
    hours: tuple[float, ...] | None = None
    """Share of the typical power at each hour of the day, 24 values; interpolated."""
    sessions: tuple[Session, ...] = ()
    """When it runs at all; empty = whenever the rest says."""
    standby_w: float = 0.0
    """What it draws while it does not run."""
    bursts: float = 0.0
    """Likelihood that something extra is plugged in for a quarter of an hour."""


_AWAKE = (0.1,) * 6 + (0.9, 1.2, 0.7, 0.4) + (0.3,) * 6 + (0.5, 0.9, 1.5, 1.8, 1.8, 1.6, 1.0, 0.4)
_OPENING = (0.05,) * 7 + (0.6,) + (1.0,) * 11 + (0.7, 0.3, 0.1, 0.05, 0.05)
_DARK = (1.0,) * 6 + (0.6, 0.1) + (0.0,) * 9 + (0.1, 0.7) + (1.0,) * 5
_WARM = (0.45,) * 6 + (
    0.7,
    0.8,
    0.8,
    0.8,
    0.8,
    0.9,
    1.0,
    1.1,
    1.2,
    1.2,
    1.2,
    1.2,
    1.1,
    1.0,
    0.9,
    0.8,
    0.7,
    0.6,
)

LIGHTING = Template(25, 1, 50, noise=0.03, hours=_AWAKE)
OUTDOOR_LIGHTING = Template(40, 0, 50, hours=_DARK)
ALWAYS_ON = Template(60, 40, 100, noise=0.04)
OUTLETS = Template(110, 15, 1800, noise=0.05, hours=_AWAKE, bursts=0.2)
REFRIGERATOR = Template(120, 0, 400, cycle_s=(600, 1200), standby_w=3)
HVAC = Template(1500, 0, 3000, cycle_s=(900, 1800), hours=_WARM, standby_w=12)
RANGE = Template(
    2000, 0, 8000, cycle_s=(40, 20), standby_w=2, sessions=(Session(7.2, 1, 20, 0.6), Session(18.5, 1.5, 60))
)
DRYER = Template(3000, 0, 5000, cycle_s=(300, 60), sessions=(Session(15, 5, 55, 0.5), Session(20, 2, 50, 0.3)))
WATER_HEATER = Template(2000, 0, 4500, sessions=(Session(6.8, 0.5, 40), Session(13, 2, 15), Session(20.5, 1, 45)))
EV = Template(7200, 0, 11000, noise=0.004, standby_w=4, sessions=(Session(19.5, 2, 200, 0.85),))
POOL_PUMP = Template(800, 0, 2000, noise=0.015, sessions=(Session(10, 0.5, 300),))
WASHER = Template(450, 0, 2200, noise=0.2, cycle_s=(40, 15), standby_w=1, sessions=(Session(14, 5, 50, 0.6),))
DISHWASHER = Template(1200, 0, 1800, noise=0.05, cycle_s=(400, 300), standby_w=1, sessions=(Session(20.3, 1, 80, 0.8),))
SHOP_LIGHTING = Template(320, 10, 500, noise=0.01, hours=_OPENING)
DISPLAY_FRIDGE = Template(380, 0, 900, cycle_s=(420, 300), standby_w=45)
WALK_IN_COOLER = Template(2100, 0, 4000, cycle_s=(700, 500), standby_w=120)
COFFEE_MACHINE = Template(2800, 0, 4500, noise=0.03, cycle_s=(25, 35), hours=_OPENING, standby_w=60)
SHOP_HVAC = Template(2600, 0, 5000, cycle_s=(800, 600), hours=_OPENING, standby_w=20)
SHOP_OUTLETS = Template(200, 10, 1800, noise=0.05, hours=_OPENING, bursts=0.25)
OVEN = Template(3600, 0, 6000, cycle_s=(90, 60), standby_w=5, sessions=(Session(6, 0.5, 180), Session(12, 1, 60)))
INVERTER = Template(0, 0, 0)
"""A battery's breaker: its power is decided by the whole house, not by a profile."""
SUB_PANEL = Template(350, 80, 900, noise=0.03, hours=_OPENING)


@dataclass(frozen=True, slots=True)
class Load:
    """One circuit as an electrician would list it."""

    name: str
    tabs: tuple[int, ...]
    template: Template
    priority: str = NON_ESSENTIAL
    controllable: bool = True
    never_backup: bool = False
    """Off the grid it is always shed; nobody may choose otherwise."""


def demand_w(template: Template, salt: int, local_s: float) -> float:
    """What a load of this kind draws at a local time, W, never negative.

    Args:
        salt: Tells loads of one kind apart.
        local_s: Seconds since 1970-01-01 on the wall clock of the house.
    """
    second = int(local_s)
    level = template.typical_w
    if template.hours is not None:
        level *= _interpolated(template.hours, local_s) * (0.7 + 0.6 * lasting_chance(salt, 0))
    if template.sessions and not any(
        session.running(salt + number, local_s) for number, session in enumerate(template.sessions)
    ):
        level = template.standby_w
    elif template.cycle_s is not None:
        on_s, off_s = template.cycle_s
        position_s = (second + salt % 100_000) % (on_s + off_s)
        if position_s >= on_s:
            level = template.standby_w
        elif position_s < 2:
            level *= 1.6
    if template.bursts and lasting_chance(salt, -(second // 900)) < template.bursts:
        level += (template.high_w - level) * lasting_chance(salt, second // 900) ** 3
    drift = math.sin(local_s / 97 + salt % 7) + math.sin(local_s / 23 + salt % 11)
    level *= 1 + template.noise * (drift / 2 + 2 * chance(salt, second) - 1)
    return max(template.low_w, min(level, template.high_w))


def solar_w(peak_w: float, salt: int, local_s: float, latitude: float = 37.8) -> float:
    """What the inverter feeds in, W: sin(elevation)^1.2, clouds, and noise (span.md 8.1)."""
    day_of_year = (local_s / 86400) % 365.25
    declination = math.radians(23.45) * math.sin(math.radians(360 * (284 + day_of_year) / 365))
    hour_angle = math.radians(15 * ((local_s / 3600) % 24 - 12))
    sin_elevation = math.sin(math.radians(latitude)) * math.sin(declination) + math.cos(
        math.radians(latitude)
    ) * math.cos(declination) * math.cos(hour_angle)
    if sin_elevation <= 0:
        return 0.0
    clouds = 0.86 + 0.1 * math.sin(local_s / 611 + salt % 13) * math.sin(local_s / 173)
    flicker = 1 + 0.02 * (chance(salt, int(local_s)) - 0.5)
    return float(peak_w * sin_elevation**1.2 * clouds * flicker)


def _interpolated(hours: Sequence[float], local_s: float) -> float:
    hour = (local_s / 3600) % 24
    left = int(hour)
    share = hour - left
    return hours[left] * (1 - share) + hours[(left + 1) % 24] * share
