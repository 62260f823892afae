"""The overview before it is drawn: one tile per source, trouble first, the many that are well folded into one row."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from wattdeck.core.alarm import Priority
from wattdeck.core.alarm_view import Alarm, AlarmState, priority_word
from wattdeck.core.daytrend import DAY_S, DayTrend
from wattdeck.core.language import tr
from wattdeck.core.link import link_words
from wattdeck.core.matters import Matters
from wattdeck.core.reading import Link, Reading, SourceId
from wattdeck.core.trend import Trend

FOLD_OVER = 24
"""More sources than this are not shown one by one: what is well of a system becomes one row."""
FOLD_LEAST = 4
"""So few of a system are not worth a fold."""
SHORT_S = 3600.0
"""Up to here a sparkline comes from the fine memory, beyond it from the day's, s."""
SPANS_S = (60.0, 300.0, 900.0, SHORT_S, 4 * 3600.0, 12 * 3600.0, DAY_S)
"""What a sparkline may span: the least of them that holds all there is."""
CALM, WAITING = 8, 6
"""Ranks of trouble; the lower, the sooner somebody should look."""
_PRIORITIES = {Priority.HIGH: 0, Priority.MEDIUM: 2, Priority.LOW: 4}
Spark = Callable[[int], list[float | None]]
"""Cells -> as many values, the newest last; None = nothing known."""


def is_fresh(alarm: Alarm) -> bool:
    """Nobody has acknowledged it."""
    return alarm.state is not AlarmState.ACKNOWLEDGED


def no_trend(count: int) -> list[float | None]:
    """A sparkline of nothing."""
    return [None] * count


@dataclass(frozen=True, slots=True)
class Tile:
    """One source."""

    source: SourceId
    title: str
    """Of its system."""
    readings: Sequence[Reading[Any]]
    matters: Matters = field(default_factory=Matters)
    alarms: Sequence[Alarm] = ()
    """What is open, worst first."""
    spark: Spark = no_trend

    @property
    def id(self) -> str:
        return self.source

    @property
    def reading(self) -> Reading[Any]:
        """The reading of its first feed, which tells how the source stands: the others may rest, and that is well."""
        return self.readings[0] if self.readings else Reading(self.source, "")

    @property
    def rank(self) -> int:
        """How soon somebody should look: the worst of its alarms, its link and its numbers."""
        ranks = [_PRIORITIES[alarm.rule.priority] + (not is_fresh(alarm)) for alarm in self.alarms]
        return min([_link_rank(self.reading), *map(_meaning_rank, self._meanings), *ranks])

    @property
    def system(self) -> str:
        """Name of its system."""
        return self.source.partition("/")[0]

    @property
    def is_well(self) -> bool:
        """It is live, and nobody has to look."""
        return self.rank == CALM and self.reading.link is Link.LIVE

    @property
    def _meanings(self) -> Sequence[str]:
        live = self.reading.link is Link.LIVE
        return [figure.meaning for figure in self.matters.figures] if live else ()

    def words(self, now: datetime) -> str:
        """All that can be searched for, in lower case."""
        figures = " ".join(f"{figure.label} {figure.value} {figure.short}" for figure in self.matters.figures)
        alarms = " ".join(
            f"{alarm.words} {tr(alarm.rule.title)} {priority_word(alarm.rule.priority)}" for alarm in self.alarms
        )
        reading = self.reading
        link = f"{reading.link} {link_words(reading, now)}"
        return f"{self.source} {self.title} {link} {reading.problem} {figures} {alarms}".casefold()


@dataclass(frozen=True, slots=True)
class Fold:
    """The sources of a system that are well, as one row."""

    system: str
    title: str
    count: int
    opened: bool

    @property
    def id(self) -> str:
        """No source is called so."""
        return f"{self.system}/*"


Entry = Tile | Fold


def _link_rank(reading: Reading[Any]) -> int:
    """One missed poll is no trouble yet: a row must not jump for it."""
    if reading.link in (Link.REFUSED, Link.DOWN):
        return 1
    if reading.link is Link.STALE:
        return 3 if reading.failures > 1 else CALM
    return WAITING if reading.link is Link.WAITING else CALM


def _meaning_rank(meaning: str) -> int:
    return {"normal": CALM, "muted": CALM, "severity-high": 3}.get(meaning, 5)


def ordered(tiles: Sequence[Tile], *, trouble_first: bool = True) -> list[Tile]:
    """Trouble first; otherwise, and among equals, as configured."""
    return sorted(tiles, key=lambda tile: tile.rank) if trouble_first else list(tiles)


def matching(tiles: Sequence[Tile], words: str, now: datetime) -> list[Tile]:
    """The tiles that say every one of these words."""
    wanted = words.casefold().split()
    return [tile for tile in tiles if all(word in tile.words(now) for word in wanted)] if wanted else list(tiles)


def entries(tiles: Sequence[Tile], opened: frozenset[str] = frozenset(), *, fold: bool = True) -> list[Entry]:
    """What the overview lists: the tiles in their order, the calm ones of a large system under a fold.

    Args:
        tiles: In the order to show.
        opened: Systems whose fold was opened.
        fold: Whether many may be folded at all; not while somebody filters.
    """
    if not fold or len(tiles) <= FOLD_OVER:
        return list(tiles)
    calm: dict[str, list[Tile]] = {}
    for tile in tiles:
        if tile.is_well:
            calm.setdefault(tile.system, []).append(tile)
    folds = {system: group for system, group in calm.items() if len(group) >= FOLD_LEAST}
    out: list[Entry] = [tile for tile in tiles if not (tile.is_well and tile.system in folds)]
    for system, group in folds.items():
        out.append(Fold(system, group[0].title, len(group), system in opened))
        if system in opened:
            out.extend(group)
    return out


def span_of(days: Mapping[SourceId, DayTrend], now_s: float) -> float:
    """What every sparkline spans, s: one for all, so that they can be compared."""
    starts = [day.first_s for day in days.values() if day.first_s is not None]
    age_s = now_s - min(starts) if starts else 0.0
    return next((span_s for span_s in SPANS_S if span_s >= age_s), DAY_S)


def spark_of(trend: Trend, day: DayTrend, key: str, span_s: float, now_s: float, hold_s: float) -> Spark:
    """Cells of a source's sparkline, parts of the span that have ended. A value stands until the next is due.

    Args:
        trend: The fine memory.
        day: The coarse one.
        key: The value.
        span_s: What all cells together span.
        now_s: Unix seconds.
        hold_s: How long a measured value stands for what follows; 0: it does not.
    """

    def cells(count: int) -> list[float | None]:
        if not key or count < 1:
            return no_trend(count)
        step_s = span_s / count
        if span_s > SHORT_S:
            return held(day.recent(count, span_s, now_s), math.ceil(hold_s / max(step_s, 900.0)))
        return held(trend.recent(key, count, step_s, now_s - step_s), math.ceil(hold_s / step_s))

    return cells


def held(values: Sequence[float | None], most: int) -> list[float | None]:
    """The values with gaps of up to `most` filled by what was measured before."""
    out: list[float | None] = []
    last, gap = None, 0
    for value in values:
        last, gap = (value, 0) if value is not None else (last, gap + 1)
        out.append(last if gap <= most else None)
    return out


def counts(tiles: Sequence[Tile]) -> Mapping[Link, int]:
    """How many sources stand how, worst first."""
    found = [tile.reading.link for tile in tiles]
    order = (Link.REFUSED, Link.DOWN, Link.STALE, Link.WAITING, Link.LIVE)
    return {link: found.count(link) for link in order if link in found}
