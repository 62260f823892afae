"""Consumer demands of the simulated distributor: the counts of a day, and single cases by protocol (aneel.md 3.3, 3.4).

Counts follow the day's routine and, for what storms cause, the customers who lost their supply. Both are running
totals of time alone, so no counter of a day ever falls. Holders and their numbers are made up.
"""

from __future__ import annotations

import bisect
import math
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property, lru_cache

from wattdeck.systems.aneel.codes import TYPOLOGIES
from wattdeck.systems.aneel.events import day_of, is_weekend, midnight_s
from wattdeck.systems.aneel.models import BRASILIA, Demand, DemandCount
from wattdeck.systems.aneel.scenarios import HOUR_S
from wattdeck.systems.aneel.territory import PLACES

CASES_A_DAY = 600
"""Protocols given out every day; the year's number tells the day."""
REMEMBERED = timedelta(days=183)
"""Closed cases are found for six months."""
_ROUTINE = {
    "103": 400, "10106": 120, "10108": 90, "1020901": 60, "10102": 60, "1020403": 45, "10101": 40, "108": 35,
    "10112": 30, "10216": 30, "1020604": 25, "1020402": 25, "10105": 20, "10109": 18, "1020503": 18, "1020407": 15,
    "1020902": 14, "107": 12, "1020603": 10, "1021205": 9, "1020904": 8, "1020903": 6, "105": 3, "106": 2,
}  # fmt: skip
"""Type -> opened on a working day; the others are rare."""
_RARE = 0.9
_OF_STORMS = {
    "1020901": 0.045, "10112": 0.006, "1020902": 0.003, "1021201": 0.003, "1021202": 0.0012, "1021203": 0.0012,
    "1021204": 0.001, "1021205": 0.0015, "1020904": 0.001, "1021001": 0.0012,
}  # fmt: skip
"""Type -> opened for each customer who loses supply."""
_CHANNELS = {2: 0.34, 1: 0.2, 12: 0.18, 5: 0.1, 3: 0.08, 10: 0.04, 11: 0.02, 6: 0.015, 8: 0.008, 4: 0.007, 7: 0.005,
             9: 0.005}  # fmt: skip
_OMBUDSMAN = {2: 0.006, 6: 0.004, 4: 0.003, 1: 0.002}
_DAY_H = (0, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24)
_DAY_SHARE = (0.0, 0.04, 0.11, 0.3, 0.46, 0.6, 0.76, 0.87, 0.94, 0.98, 1.0)
"""Share of a day's routine that has come by these hours."""
_LAGS_H = (2.5, 9.0, 31.0)
"""Until a case is closed, by kind of case."""
_VERDICTS = ((0.1, 0.6, 0.3), (0.3, 0.45, 0.25), (0.45, 0.4, 0.15))
"""Of what is closed: unfounded, founded, without verdict."""
_PROTOCOL = re.compile(r"RR([0-9]{4})([0-9]{7})")
_FIRST_NAMES = ("Ana", "Antônio", "Beatriz", "Carlos", "Cláudia", "Davi", "Edna", "Francisco", "Iara", "João", "Luíza",
                "Marcos", "Maria", "Nara", "Otávio", "Raimunda", "Sebastião", "Tainá")  # fmt: skip
_LAST_NAMES = ("Amazonas", "da Serra", "do Lavrado", "do Rio Branco", "dos Buritis", "Exemplo", "Macuxi", "Monte",
               "Roraima", "Tepequém", "Uraricoera", "Wapixana")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One level, channel and type that consumers use."""

    level: int
    channel: int
    typology: str
    per_day: float
    """Opened on a working day."""
    per_customer: float
    """Opened for each customer who loses supply."""
    pace: int
    """Which of the times until a case is closed."""


@lru_cache(1)
def lines() -> tuple[Line, ...]:
    """All lines, types first."""
    found = []
    for typology in TYPOLOGIES:
        routine, storms = _ROUTINE.get(typology, _RARE), _OF_STORMS.get(typology, 0.0)
        pace = 0 if typology.startswith(("101", "105", "106")) else 1 if storms or typology == "103" else 2
        for level, channels in ((1, _CHANNELS), (2, _OMBUDSMAN)):
            for channel, share in channels.items():
                found.append(Line(level, channel, typology, routine * share, storms * share, 2 if level == 2 else pace))
    return tuple(found)


class Counts:
    """The counts of a moment.

    Args:
        seed: Same seed, same days.
        hit: Customers who lost supply after one moment and until another, Unix seconds.
    """

    def __init__(self, seed: int, hit: Callable[[float, float], float]) -> None:
        self._seed, self._hit = seed, hit

    def at(self, now_s: float) -> tuple[DemandCount, ...]:
        """All counts that are not zero, by level, channel and type."""
        day = day_of(now_s)
        begin_s = midnight_s(day)
        today = self._volume(begin_s, now_s)
        closed = [self._volume(begin_s - lag_h * HOUR_S, now_s - lag_h * HOUR_S) for lag_h in _LAGS_H]
        ongoing = [self._volume(now_s - lag_h * HOUR_S, now_s) for lag_h in _LAGS_H]
        luck = _luck(self._seed, day)
        return tuple(sorted(_counted(today, closed, ongoing, luck), key=lambda count: (count.level, count.channel)))

    def _volume(self, first_s: float, last_s: float) -> tuple[float, float]:
        """Working days' worth of routine between two moments, and customers who lost supply."""
        routine = self._routine(last_s) - self._routine(first_s)
        for day in range(day_of(first_s), day_of(last_s)):
            routine += self._busy(day)
        return routine, self._hit(first_s, last_s)

    def _busy(self, day: int) -> float:
        """How much comes on a day, as a share of a working day."""
        noise = random.Random(f"{self._seed}/busy/{day}").uniform(0.9, 1.1)  # noqa: S311
        return noise * (0.35 if is_weekend(day) else 1.0)

    def _routine(self, at_s: float) -> float:
        """What has come since that day's midnight."""
        day = day_of(at_s)
        return self._busy(day) * _share_of_day((at_s - midnight_s(day)) / HOUR_S)


def _counted(
    today: tuple[float, float],
    closed: list[tuple[float, float]],
    ongoing: list[tuple[float, float]],
    luck: tuple[float, ...],
) -> Iterator[DemandCount]:
    """Whole numbers: each line has its own luck of the day with what is less than one."""
    for place, line in enumerate(lines()):
        chance = luck[5 * place : 5 * place + 5]
        opened = int(line.per_day * today[0] + line.per_customer * today[1] + chance[0])
        now = int(line.per_day * ongoing[line.pace][0] + line.per_customer * ongoing[line.pace][1] + chance[1])
        done = line.per_day * closed[line.pace][0] + line.per_customer * closed[line.pace][1]
        shares = _VERDICTS[line.pace]
        verdicts = [int(done * share + part) for share, part in zip(shares, chance[2:], strict=True)]
        if opened or now or any(verdicts):
            yield DemandCount(line.level, line.channel, line.typology, now, opened, *verdicts)


@lru_cache(4)
def _luck(seed: int, day: int) -> tuple[float, ...]:
    """Five numbers for each line. Below 1: nothing is counted before something came."""
    draw = random.Random(f"{seed}/luck/{day}").random  # noqa: S311
    return tuple(draw() for _ in range(5 * len(lines())))


def _share_of_day(hour: float) -> float:
    place = min(len(_DAY_H) - 2, max(0, bisect.bisect_right(_DAY_H, hour) - 1))
    first_h, last_h = _DAY_H[place], _DAY_H[place + 1]
    part = (hour - first_h) / (last_h - first_h)
    return _DAY_SHARE[place] + part * (_DAY_SHARE[place + 1] - _DAY_SHARE[place])


def _hour_of_share(share: float) -> float:
    """The hour by which this share of a day has come."""
    place = min(len(_DAY_H) - 2, max(0, bisect.bisect_right(_DAY_SHARE, share) - 1))
    low, high = _DAY_SHARE[place], _DAY_SHARE[place + 1]
    return _DAY_H[place] + (share - low) / (high - low) * (_DAY_H[place + 1] - _DAY_H[place])


class Cases:
    """Single cases: every protocol `RR` + year + seven digits that was given out so far.

    Args:
        seed: Same seed, same cases.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def find(self, protocol: str, now: datetime) -> Demand | None:
        """A case by its exact protocol; None if there is none, or it was closed more than six months ago."""
        match = _PROTOCOL.fullmatch(protocol)
        if match is None or not 1 <= int(match[1]) <= now.year:
            return None
        days, number = divmod(int(match[2]) - 1, CASES_A_DAY)
        opened_on = date(int(match[1]), 1, 1)
        if number < 0 or days < 0 or days >= 366 or (opened_on + timedelta(days)).year != opened_on.year:
            return None
        opened_on += timedelta(days)
        hour = _hour_of_share((number + 0.5) / CASES_A_DAY)
        opened = datetime(opened_on.year, opened_on.month, opened_on.day, tzinfo=BRASILIA)
        opened += timedelta(minutes=int(hour * 60))
        if opened > now:
            return None
        case = self._case(protocol, opened, now)
        if case.closed_at is not None and case.closed_at < now - REMEMBERED:
            return None
        return case

    def recent(self, now: datetime) -> tuple[str, ...]:
        """Some protocols that are known now, newest first."""
        found = []
        for hours in (0.3, 1, 3, 6, 12, 24, 49, 97, 240, 700, 2000, 3600):
            moment = now - timedelta(hours=hours)
            share = _share_of_day(moment.hour + moment.minute / 60)
            number = max(1, min(CASES_A_DAY, int(share * CASES_A_DAY)))
            days = moment.timetuple().tm_yday - 1
            found.append(f"RR{moment.year}{days * CASES_A_DAY + number:07d}")
        return tuple(dict.fromkeys(protocol for protocol in found if self.find(protocol, now)))

    @cached_property
    def _types(self) -> tuple[list[str], list[float]]:
        weights = {code: _ROUTINE.get(code, _RARE) + 4000 * _OF_STORMS.get(code, 0.0) for code in TYPOLOGIES}
        return list(weights), list(weights.values())

    def _case(self, protocol: str, opened: datetime, now: datetime) -> Demand:
        luck = random.Random(f"{self._seed}/{protocol}")  # noqa: S311
        place = luck.choices(PLACES, [place.customers for place in PLACES])[0]
        typology = luck.choices(*self._types)[0]
        level = 1 if luck.random() < 0.04 else 0
        channel = luck.choices(list(_CHANNELS), list(_CHANNELS.values()))[0]
        closed: datetime | None = opened + timedelta(minutes=int(60 * luck.lognormvariate(math.log(18), 1.2)))
        status, verdict = 1, luck.choices((0, 1, 3), (0.22, 0.5, 0.28))[0]
        if luck.random() < 0.02:
            status, verdict = 2, 3
        if closed is None or closed > now:
            closed, status, verdict = None, 0, 2
        return Demand(
            protocol=protocol,
            consumer_unit=f"{luck.randrange(10_000, 999_999):015d}",
            document_number=cpf(luck.randrange(10**8)),
            holder_name=f"{luck.choice(_FIRST_NAMES)} {luck.choice(_LAST_NAMES)}",
            channel=channel,
            typology=typology,
            status=status,
            verdict=verdict,
            opened_at=opened,
            closed_at=closed,
            municipality_code=place.municipality_code,
            level=level,
        )


def cpf(number: int) -> str:
    """A made-up CPF of the northern region with right check digits."""
    digits = f"{number:08d}2"
    for _ in range(2):
        total = sum(int(digit) * weight for digit, weight in zip(digits, range(len(digits) + 1, 1, -1), strict=True))
        digits += str(total * 10 % 11 % 10)
    return digits
