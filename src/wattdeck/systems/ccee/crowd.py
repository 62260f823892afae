"""So many migrations that none of them is kept: each is made from its number when a page needs it (fault `many`)."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import overload

from wattdeck.systems.ccee.lifecycle import ACCEPT, REJECT, add_business_days, carry_out
from wattdeck.systems.ccee.months import add_months, first_day, month_of
from wattdeck.systems.ccee.numbering import cnpj, is_unit_code, unit_code
from wattdeck.systems.ccee.records import MigrationRecord
from wattdeck.systems.ccee.registry import UTILITIES

MONTHS = 12
STATUSES = ("CONCLUIDA",) * 10 + ("CRIADA", "CRIADA", "REPROVADA", "REPROVADA", "CANCELADA", "EXPIRADA")
PERIOD = MONTHS * len(STATUSES)
"""After so many rows months and statuses come again."""
_SERIAL = 5_000_000_000
_ID = re.compile(r"([0-9a-f]{8})-c0de-4000-8000-([0-9a-f]{12})")


def place_of(migration_id: str) -> tuple[int, int] | None:
    """Number and profile of a migration of a crowd; None for another's id."""
    match = _ID.fullmatch(migration_id)
    return (int(match[1], 16), int(match[2], 16)) if match else None


class Crowd:
    """The crowd of one profile.

    Args:
        seed: Same seed, same migrations.
        today: The day at the start.
        count: How many there are.
        retailer: Whose.
        profile: The profile's code.
        altered: Those that were written to, by id; they stand in for their number.
    """

    def __init__(
        self, seed: int, today: date, count: int, retailer: int, profile: int, altered: dict[str, MigrationRecord]
    ) -> None:
        self._seed, self._today = seed, today
        self._retailer, self._profile = retailer, profile
        self._altered = altered
        self._first = add_months(month_of(today), -2)
        self.count = count

    def migration(self, number: int) -> MigrationRecord:
        """The migration of a number, from 0 to `count`."""
        migration_id = f"{number:08x}-c0de-4000-8000-{self._profile:012x}"
        kept = self._altered.get(migration_id)
        if kept is not None:
            return kept
        month, status = self._month(number), STATUSES[number // MONTHS % len(STATUSES)]
        luck = random.Random(self._seed * 1_000_003 + number)  # noqa: S311
        asked_on = self._today - timedelta(days=luck.randrange(20, 150))
        if status == "CRIADA":
            asked_on = add_business_days(self._today, -luck.randrange(5))
        elif first_day(month) < self._today:
            asked_on = min(asked_on, first_day(month) - timedelta(days=luck.randrange(20, 90)))
        record = MigrationRecord(
            migration_id,
            unit_code(f"{_SERIAL + number:010d}{self._profile % 1000:03d}"),
            UTILITIES[luck.randrange(len(UTILITIES))],
            "CNPJ",
            cnpj(f"{10_000_000 + number % 89_000_000}0001"),
            self._retailer,
            self._profile,
            month,
            asked_on,
            f"unidade{number}@loja.example",
            seeded=True,
            subgroup="A4",
            formalized="SIM",
            formalized_on=asked_on - timedelta(days=3),
        )
        if status in ("CONCLUIDA", "REPROVADA"):
            carry_out(record, ACCEPT if status == "CONCLUIDA" else REJECT, asked_on + timedelta(days=4), self._seed)
        record.status = status
        return record

    def _month(self, number: int) -> str:
        return add_months(self._first, number % MONTHS)

    def window(self, first: str, last: str, unit: str, status: str) -> Sequence[MigrationRecord]:
        """Those of some months, and if asked for of one unit or status, without making them."""
        if unit:
            number = int(unit[:10]) - _SERIAL if is_unit_code(unit) else -1
            found = [self.migration(number)] if 0 <= number < self.count else []
            return [
                each
                for each in found
                if each.unit == unit and first <= each.month <= last and status in ("", each.status)
            ]
        months = {place for place in range(MONTHS) if first <= self._month(place) <= last}
        places = [
            place for place in range(PERIOD) if place % MONTHS in months and status in ("", STATUSES[place // MONTHS])
        ]
        return _Window(self, places)


class _Window(Sequence[MigrationRecord]):
    """The migrations at some places of every period."""

    def __init__(self, crowd: Crowd, places: Sequence[int]) -> None:
        self._crowd, self._places = crowd, places
        periods, rest = divmod(crowd.count, PERIOD)
        self._length = periods * len(places) + sum(place < rest for place in places)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, place: int) -> MigrationRecord: ...
    @overload
    def __getitem__(self, place: slice) -> list[MigrationRecord]: ...
    def __getitem__(self, place: int | slice) -> MigrationRecord | list[MigrationRecord]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(self._length))]
        if not 0 <= place < self._length:
            raise IndexError(place)
        period, within = divmod(place, len(self._places))
        return self._crowd.migration(period * PERIOD + self._places[within])
