"""What a simulated family in Brunei uses: a pure function of the seed and the day, so that nothing is stored.

Quantities are whole thousandths of the meter's unit (Wh, litres): hours add up to their day to the last digit.
Every day and hour is one of Asia/Brunei. Offices close on Friday and Sunday there.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from wattdeck.core.simulated import SimulatedClock
from wattdeck.systems.usms.beginning import LAST_YEAR
from wattdeck.systems.usms.models import BRUNEI, Kind

PAST_DAYS = 731
"""Two years lie behind the start."""
WATER_READ_AT = time(6, 0)
"""Until then the portal has not heard of the day before."""
HOUR_LATE = timedelta(minutes=5)
"""An hour's value reaches the portal this long after its end."""

_WORKDAY = (23, 22, 21, 21, 20, 19, 16, 11, 6, 5, 5, 6, 8, 8, 7, 7, 9, 12, 16, 19, 21, 23, 25, 24)
_WEEKEND = (24, 23, 22, 22, 21, 20, 18, 15, 13, 12, 13, 14, 16, 17, 16, 15, 14, 15, 18, 20, 22, 24, 25, 25)
_FEAST = (24, 23, 22, 22, 21, 20, 19, 18, 19, 22, 25, 26, 26, 25, 23, 21, 19, 18, 19, 20, 22, 24, 25, 25)
_FIXED_HOLIDAYS = ((1, 1), (2, 23), (5, 31), (7, 15), (12, 25))
_LUNAR_YEAR_DAYS = 354.367
_FEASTS = ((date(2024, 4, 10), 3), (date(2024, 6, 17), 1), (date(2024, 7, 7), 1))
"""First day and length of Hari Raya Aidilfitri, Aidiladha and the Hijri new year; they come a lunar year apart."""


class PortalClock(SimulatedClock):
    """Simulated time that ends with the last year."""

    def __init__(self, start: datetime, speed: float, monotonic: Callable[[], float]) -> None:
        """As `SimulatedClock`, from an aware time."""
        super().__init__(start.timestamp(), speed, monotonic)

    def now(self) -> datetime:
        """Simulated time, in UTC."""
        last_s = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC).timestamp() - 1
        return datetime.fromtimestamp(min(last_s, self.now_s()), UTC)

    def turn(self, advance_s: float, speed: float) -> None:
        """Push the time forward, and run at another speed from now on."""
        self.set_speed(speed)
        self.advance(advance_s)


@dataclass(frozen=True, slots=True)
class Home:
    """Who lives behind a meter, as far as a meter can tell."""

    number: str
    kind: Kind
    salt: str
    commissioned: date
    """First day with a value."""
    scale: float = 1.0
    """Size beside a usual family."""
    address: str = "NO 12 SIMPANG 345 JALAN CONTOH"
    kampong: str = "KG CONTOH"
    mukim: str = "MUKIM GADONG A"
    district: str = "BRUNEI MUARA"
    postcode: str = "BE0000"

    def day(self, day: date) -> int:
        """Use of a whole day, in thousandths; 0 before the meter was there."""
        if day < self.commissioned:
            return 0
        if self.kind is Kind.ELECTRICITY:
            return _electricity_wh(self.salt, self.scale, day)
        return _water_litres(self.salt, self.scale, day)

    def hours(self, day: date) -> tuple[int, ...]:
        """Use of each of the 24 hours, in thousandths; they add up to `day`."""
        total = self.day(day)
        return _split(total, _hour_weights(self.salt, day))

    def known_until(self, now: datetime) -> datetime:
        """How far the portal has heard of the meter: to a full hour for electricity, to a midnight for water."""
        now = now.astimezone(BRUNEI)
        if self.kind is Kind.ELECTRICITY:
            return (now - HOUR_LATE).replace(minute=0, second=0, microsecond=0)
        heard = now.date() if now.time() >= WATER_READ_AT else now.date() - timedelta(days=1)
        return datetime.combine(heard, time(), BRUNEI)

    def hours_known(self, day: date, now: datetime) -> tuple[int, ...]:
        """The hours of a day that the portal has heard of, from midnight on."""
        if self.kind is Kind.WATER or day < self.commissioned:
            return ()
        heard = self.known_until(now) - datetime.combine(day, time(), BRUNEI)
        return self.hours(day)[: max(0, heard // timedelta(hours=1))]

    def days_known(self, first: date, last: date, now: datetime) -> Iterator[tuple[date, int]]:
        """Whole days from `first` to `last` that the portal has heard of."""
        day, last = max(first, self.commissioned), min(last, self.known_until(now).date() - timedelta(days=1))
        while day <= last:
            yield day, self.day(day)
            day += timedelta(days=1)

    def used(self, first: date, until: datetime) -> int:
        """Use from the midnight that begins `first` until a full hour, in thousandths."""
        total, day, until = 0, first, until.astimezone(BRUNEI)
        while day < until.date():
            total += self.day(day)
            day += timedelta(days=1)
        return total + (sum(self.hours(day)[: until.hour]) if day == until.date() and until.hour else 0)


def homes(seed: int, start: date) -> tuple[Home, Home, Home]:
    """The electricity and the water meter of the account, and the one that the fault `meter-added` adds."""
    commissioned = start - timedelta(days=PAST_DAYS)
    return (
        Home("12345678", Kind.ELECTRICITY, f"{seed}/house", commissioned),
        Home("2402007817", Kind.WATER, f"{seed}/water", commissioned),
        Home("12345690", Kind.ELECTRICITY, f"{seed}/annex", commissioned, 0.3, "NO 12A SIMPANG 345 JALAN CONTOH"),
    )


def draws(*parts: object) -> bytes:
    """64 repeatable random bytes, others for every combination of parts."""
    return hashlib.blake2b("/".join(map(str, parts)).encode()).digest()


def is_weekend(day: date) -> bool:
    """Friday or Sunday."""
    return day.weekday() in (4, 6)


@lru_cache(1024)
def is_holiday(day: date) -> bool:
    """A public holiday; those of the moon are right to a day or two."""
    if (day.month, day.day) in _FIXED_HOLIDAYS:
        return True
    return any(((day - first).days % _LUNAR_YEAR_DAYS) < length for first, length in _FEASTS)


@lru_cache(4096)
def _electricity_wh(salt: str, scale: float, day: date) -> int:
    """A day's electricity, Wh: 25 to 60 kWh for a usual family, most of it air conditioning."""
    bits = draws(salt, day.toordinal())
    wobble = 0.85 + 0.3 * (bits[0] + bits[1]) / 510
    kind_of_day = 1.25 if is_holiday(day) else 1.12 if is_weekend(day) else 1.0
    level_wh = 38_000 * wobble * kind_of_day * _season(day, warmest=110, swing=0.08) * _weather(salt, day)
    return round(scale * min(60_000.0, max(25_000.0, level_wh)) + 0.001 * bits[2])


@lru_cache(4096)
def _water_litres(salt: str, scale: float, day: date) -> int:
    """A day's water, litres; some days the car is washed or the garden watered."""
    bits = draws(salt, day.toordinal())
    wobble = 0.75 + 0.5 * (bits[0] + bits[1]) / 510
    kind_of_day = 1.4 if is_holiday(day) else 1.2 if is_weekend(day) else 1.0
    level_l = 1400 * wobble * kind_of_day * _season(day, warmest=75, swing=0.15)
    extra_l = 150 + 2 * bits[2] if bits[3] < 40 else 0
    return round(scale * min(3400.0, level_l + extra_l))


def _season(day: date, warmest: int, swing: float) -> float:
    """More around one day of the year, less half a year from it."""
    return 1 + swing * math.cos(2 * math.pi * (day.timetuple().tm_yday - warmest) / 365.25)


def _weather(salt: str, day: date) -> float:
    """A warm or a rainy week, 0.9 to 1.1, going over into the next."""
    week, weekday = divmod(day.toordinal(), 7)
    this, following = draws(salt, "week", week)[0], draws(salt, "week", week + 1)[0]
    return 0.9 + 0.2 * (this + (following - this) * weekday / 7) / 255


def _hour_weights(salt: str, day: date) -> tuple[int, ...]:
    """How a day is shared out over its hours."""
    shape = _FEAST if is_holiday(day) else _WEEKEND if is_weekend(day) else _WORKDAY
    bits = draws(salt, "hours", day.toordinal())
    return tuple(weight * (200 + noise * 110 // 255) for weight, noise in zip(shape, bits, strict=False))


def _split(total: int, weights: tuple[int, ...]) -> tuple[int, ...]:
    """Share a whole number out by weight; the parts are whole and add up to it."""
    whole, before, until, parts = sum(weights), 0, 0, []
    for weight in weights:
        until += weight
        now = total * until // whole
        parts.append(now - before)
        before = now
    return tuple(parts)
