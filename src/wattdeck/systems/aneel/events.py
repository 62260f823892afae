"""Interruptions of the simulated Roraima: when they begin, whom they hit, and how customers come back in stages.

Everything is a pure function of the seed and a day, or a front: however often and in whatever order anyone looks,
the past is the same. Durations and sizes: aneel.md 8 and 13.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from wattdeck.systems.aneel.models import Row
from wattdeck.systems.aneel.scenarios import HOUR_S, WEATHER
from wattdeck.systems.aneel.territory import LATITUDES, PLACES, Place

DAY_S = 86_400.0
BRASILIA_OFFSET_S = -3 * 3600
MINUTE_S = 60.0
LONGEST_S = 4 * DAY_S
"""No interruption lasts longer."""
_NORTH, _SOUTH = max(LATITUDES.values()), min(LATITUDES.values())
_WEIGHTS = [place.customers**0.6 for place in PLACES]
"""Long lines to few customers fail more often than their customers' number would say."""
_DAILY_FAULTS, _DAILY_PLANS = 34, (1, 2, 2, 3, 3, 4)
_MEDIAN_S, _DURATION_SIGMA = 200 * MINUTE_S, 1.136
"""Median 200 min, 95th percentile 21.6 h."""
_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Outage:
    """One interruption. Times are Unix seconds."""

    place: Place
    planned: bool
    start_s: float
    end_s: float
    customers: int
    stages: tuple[tuple[float, float], ...] = ()
    """(from when, share of the customers still out), ascending; before the first everyone is out."""

    def out(self, at_s: float) -> int:
        """Customers out at a moment; at least one from start to end."""
        if not self.start_s <= at_s < self.end_s:
            return 0
        share = 1.0
        for since_s, left in self.stages:
            if since_s > at_s:
                break
            share = left
        return max(1, int(self.customers * share))


def day_of(at_s: float) -> int:
    """The day in Brasília, counted from 1970-01-01."""
    return int((at_s + BRASILIA_OFFSET_S) // DAY_S)


def midnight_s(day: int) -> float:
    """When a day begins in Brasília, Unix seconds."""
    return day * DAY_S - BRASILIA_OFFSET_S


def is_weekend(day: int) -> bool:
    """Whether a day is a Saturday or Sunday."""
    return (_EPOCH_ORDINAL + day) % 7 in (6, 0)


@lru_cache(64)
def quiet_day(seed: int, day: int) -> tuple[Outage, ...]:
    """What begins on a day whatever the weather: some faults, and planned works in working hours."""
    luck = random.Random(f"{seed}/day/{day}")  # noqa: S311
    begin_s = midnight_s(day)
    found = []
    for _ in range(max(8, round(luck.gauss(_DAILY_FAULTS, 6)))):
        place = luck.choices(PLACES, _WEIGHTS)[0]
        minute = luck.triangular(0, 1440, 960) if luck.random() < 0.7 else luck.uniform(0, 1440)
        start_s = begin_s + min(1439, int(minute)) * MINUTE_S
        lasts_s = luck.lognormvariate(math.log(_MEDIAN_S), _DURATION_SIGMA)
        end_s = start_s + min(LONGEST_S, max(10 * MINUTE_S, lasts_s))
        customers = _some(luck, place, 5, 1.9)
        found.append(Outage(place, False, start_s, end_s, customers, _stages(luck, customers, start_s, end_s)))
    found += _fuses(luck, begin_s)
    for _ in range(luck.choice((0, 1, 1, 2)) if is_weekend(day) else luck.choice(_DAILY_PLANS)):
        place = luck.choices(PLACES, _WEIGHTS)[0]
        start_s = begin_s + luck.randrange(16, 29) * 1800
        customers = _some(luck, place, 90, 0.9)
        found.append(Outage(place, True, start_s, start_s + luck.randrange(4, 13) * 1800, customers))
    return tuple(found)


def _fuses(luck: random.Random, begin_s: float) -> Iterable[Outage]:
    """A fuse for a few customers every hour, seen at one half hour at least: figures never stand still for long."""
    for hour in range(24):
        place = luck.choices(PLACES, _WEIGHTS)[0]
        start_s = begin_s + hour * HOUR_S + luck.randrange(60) * MINUTE_S
        yield Outage(place, False, start_s, start_s + luck.uniform(35, 80) * MINUTE_S, luck.randint(1, 12))


@lru_cache(16)
def front(seed: int, scenario: str, number: int, reaches_s: float) -> tuple[Outage, ...]:
    """What a front breaks on its way from north to south, and when crews have repaired it: the largest first."""
    weather = WEATHER[scenario]
    if weather is None:
        return ()
    luck = random.Random(f"{seed}/{scenario}/{number}/{int(reaches_s)}")  # noqa: S311
    strength = 1.0 if number == 0 else luck.uniform(0.3, 0.7)
    hits: list[tuple[float, int, Place]] = []
    for _ in range(round(weather.faults * strength)):
        place = luck.choices(PLACES, _WEIGHTS)[0]
        way = (_NORTH - LATITUDES[place.municipality_code]) / (_NORTH - _SOUTH)
        after_s = luck.gauss(0, 25 * MINUTE_S) + luck.expovariate(1 / (40 * MINUTE_S))
        start_s = reaches_s + max(0.0, way * weather.crossing_s + after_s)
        if luck.random() < weather.feeders:
            customers = max(2, int(place.customers * luck.uniform(0.12, 0.4)))
        else:
            customers = _some(luck, place, weather.customers, 1.5)
        hits.append((start_s // MINUTE_S * MINUTE_S, customers, place))
    hits.sort(key=lambda hit: (hit[0], hit[1], hit[2].set_code, hit[2].municipality_code))
    return tuple(_repaired(luck, hits, max(3, round(weather.crews * strength))))


def _repaired(luck: random.Random, hits: list[tuple[float, int, Place]], crews: int) -> Iterable[Outage]:
    """Send each crew that is free to the largest fault that waits."""
    free_s = [hits[0][0] + 20 * MINUTE_S] * crews
    waiting: list[tuple[int, int]] = []
    known, begin_s = 0, -math.inf
    for _ in hits:
        # A crew that was idle does not begin before the fault that another one was sent to before it.
        begin_s = max(begin_s, heapq.heappop(free_s))
        if not waiting:
            begin_s = max(begin_s, hits[known][0] + 10 * MINUTE_S)
        while known < len(hits) and hits[known][0] <= begin_s:
            heapq.heappush(waiting, (-hits[known][1], known))
            known += 1
        start_s, customers, place = hits[heapq.heappop(waiting)[1]]
        end_s = begin_s + (luck.uniform(40, 115) + min(110.0, customers / 15)) * MINUTE_S
        heapq.heappush(free_s, end_s)
        end_s = min(end_s, start_s + LONGEST_S)
        yield Outage(place, False, start_s, end_s, customers, _stages(luck, customers, start_s, end_s))


def _some(luck: random.Random, place: Place, median: float, sigma: float) -> int:
    """Customers of one interruption: many small ones, few large ones, never most of the place."""
    drawn = luck.lognormvariate(math.log(median), sigma)
    return max(1, int(min(drawn, place.customers * 0.35, 3000.0)))


def _stages(luck: random.Random, customers: int, start_s: float, end_s: float) -> tuple[tuple[float, float], ...]:
    """Switching brings some of many customers back before the repair is done."""
    if customers < 60 or end_s - start_s < HOUR_S:
        return ()
    lasts_s = end_s - start_s
    first_s = start_s + min(lasts_s * 0.5, luck.uniform(25, 70) * MINUTE_S)
    first = (first_s, luck.uniform(0.45, 0.8))
    if customers < 250:
        return (first,)
    second_s = max(first_s, end_s - luck.uniform(0.15, 0.4) * lasts_s)
    return (first, (second_s, first[1] * luck.uniform(0.25, 0.6)))


def rows(outages: Iterable[Outage], at_s: float) -> tuple[Row, ...]:
    """The rows of a moment (aneel.md 7.1), by municipality and set; those without anyone out are not there.

    Customers hit twice are counted once: no more are out than are served.
    """
    out: dict[Place, list[int]] = {}
    for outage in outages:
        customers = outage.out(at_s)
        if customers:
            out.setdefault(outage.place, [0, 0])[0 if outage.planned else 1] += customers
    found = []
    for place, (planned, unplanned) in out.items():
        planned = min(planned, place.customers)
        unplanned = min(unplanned, place.customers - planned)
        found.append(Row(place.set_code, place.municipality_code, place.customers, planned, unplanned))
    return tuple(sorted(found, key=lambda row: (row.municipality_code, row.set_code)))
