"""Makes the overview's tiles of the newest readings. What did not change is not asked for again."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from wattdeck.core.alarm_view import Alarm
from wattdeck.core.daytrend import DayTrend
from wattdeck.core.matters import Matters
from wattdeck.core.overview import Spark, Tile, no_trend, spark_of
from wattdeck.core.reading import Reading, SourceId
from wattdeck.core.system import System
from wattdeck.core.trend import Trend

log = logging.getLogger(__name__)

HOLD_INTERVALS = 1.5
"""How many intervals a measured value stands for in a sparkline."""


class TileMaker:
    """Tiles of any number of sources."""

    def __init__(self, systems: Mapping[str, System]) -> None:
        self._systems = systems
        self._known: dict[SourceId, tuple[tuple[Reading[Any], ...], int, str, Matters]] = {}

    def make(
        self,
        source: SourceId,
        readings: Sequence[Reading[Any]],
        now: datetime,
        *,
        alarms: Sequence[Alarm] = (),
        trend: Trend | None = None,
        day: DayTrend | None = None,
        span_s: float = 0.0,
    ) -> Tile:
        """The tile of one source."""
        system = self._systems.get(source.partition("/")[0])
        title = system.title if system is not None else ""
        matters = self._matters(system, source, readings, now) if system is not None else Matters()
        spark: Spark = no_trend
        if trend is not None and day is not None:
            hold_s = HOLD_INTERVALS * (readings[0].interval_s if readings else 0.0)
            spark = spark_of(trend, day, matters.trend_key, span_s, now.timestamp(), hold_s)
        return Tile(source, title, readings, matters, alarms, spark)

    def _matters(self, system: System, source: SourceId, readings: Sequence[Reading[Any]], now: datetime) -> Matters:
        """What the system says that matters; asked again when a reading came, and each minute: some of it ages.

        Before the first answer there is nothing to say, and nothing of the system has to be loaded to say it.
        """
        if all(reading.snapshot is None for reading in readings):
            return Matters()
        from wattdeck.core import language

        minute, held = int(now.timestamp() // 60), tuple(readings)
        known = self._known.get(source)
        if known is not None and _same(known[0], held) and known[1:3] == (minute, language.current()):
            return known[3]
        try:
            matters = system.matters(readings, now)
        except Exception:
            log.exception("%s cannot say what matters of %s", system.name, source)
            matters = Matters()
        self._known[source] = (held, minute, language.current(), matters)
        return matters


def _same(one: Sequence[Reading[Any]], other: Sequence[Reading[Any]]) -> bool:
    """The very same readings: comparing what they hold would cost more than asking."""
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))
