"""Five-minute energy of a consumer unit that is not there: a small business, the same each time (ccee.md 4.2).

Values are a pure function of seed, unit and day. A stamp is the end of its interval. A day's values are there from
eight in the morning of the next.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import overload

from wattdeck.systems.ccee.exchange import Row
from wattdeck.systems.ccee.lifecycle import is_business_day
from wattdeck.systems.ccee.models import BRASILIA
from wattdeck.systems.ccee.records import MigrationRecord

STEP = timedelta(minutes=5)
_TICK = timedelta(microseconds=1)
STEPS = 288
"""Intervals of a day."""
USUAL_MUSD = 60.0
_OPEN = (22, 21, 21, 21, 22, 27, 44, 68, 84, 91, 95, 93, 82, 89, 96, 98, 94, 85, 70, 52, 38, 30, 26, 23)
"""Mean load of each hour of a business day, percent of the highest."""
_SHUT = (22, 21, 21, 21, 21, 22, 24, 27, 30, 32, 33, 33, 32, 31, 31, 30, 30, 30, 31, 30, 28, 26, 24, 23)


def published_until(now: datetime) -> date:
    """The last day whose values are there."""
    return now.date() - timedelta(days=1 if now.timetz().replace(tzinfo=None) >= time(8) else 2)


class Series(Sequence[Row]):
    """The intervals of a unit that begin from `start` to `end`, none of a day before `first`, made day by day."""

    def __init__(
        self, record: MigrationRecord, seed: int, start: datetime, end: datetime, first: date, now: datetime
    ) -> None:
        self._record, self._seed = record, seed
        self._first = max(_step(start + STEP - _TICK), first.toordinal() * STEPS)
        last = min(_step(end), (published_until(now).toordinal() + 1) * STEPS - 1)
        self._length = max(0, last - self._first + 1)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> list[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | list[Row]:
        if isinstance(place, int):
            return self[place : place + 1][0]
        start, stop, _ = place.indices(self._length)
        begin, end = self._first + start, self._first + max(start, stop)
        found: list[Row] = []
        for ordinal in range(begin // STEPS, -(-end // STEPS)):
            day = list(_day(self._record, self._seed, date.fromordinal(ordinal)))
            found += day[max(0, begin - ordinal * STEPS) : end - ordinal * STEPS]
        return found


def _step(moment: datetime) -> int:
    """The number of the interval a moment is in, counted from the first day there is."""
    local = moment.astimezone(BRASILIA)
    return local.toordinal() * STEPS + (local.hour * 60 + local.minute) // 5


def _day(record: MigrationRecord, seed: int, day: date) -> Iterator[Row]:
    """Each interval's row."""
    luck = random.Random(f"{seed}/{record.unit}/{day}")  # noqa: S311
    midnight = datetime.combine(day, time(), BRASILIA)
    updated = datetime.combine(day + timedelta(days=1), time(8), BRASILIA).isoformat()
    hours = _OPEN if is_business_day(day) else _SHUT
    season = 1 + 0.12 * math.cos((day.timetuple().tm_yday - 20) / 365 * math.tau)
    highest_kwh = (record.musd or USUAL_MUSD) * 0.8 * season * luck.uniform(0.93, 1.05) / 12
    estimated_from = luck.randrange(STEPS) if luck.random() < 0.1 else STEPS
    rejected = luck.randrange(STEPS) if luck.random() < 0.2 else None
    for place in range(STEPS):
        hour, part = divmod(place, 12)
        share = (hours[hour] * (12 - part) + hours[(hour + 1) % 24] * part) / 1200
        kwh = highest_kwh * share * luck.uniform(0.9, 1.1)
        estimated = estimated_from <= place < estimated_from + 24
        begin = midnight + place * STEP
        yield {
            "identificadorMedicaoConsumo": f"{record.unit}-{day:%Y%m%d}-{place + 1:03d}",
            "codigoUnidadeConsumidora": record.unit,
            "codigoAgenteConcessionaria": record.utility,
            "diaReferencia": day.isoformat(),
            "dataReferenciaConsumo": (begin + STEP).isoformat(),
            "consumo": round(kwh, 4),
            "tipoConsumo": "ESTIMADO" if estimated else "MEDIDO",
            "dataAtualizacao": updated,
            "situacaoMedicao": "REJEITADA" if place == rejected else "CONSISTIDA",
        }
