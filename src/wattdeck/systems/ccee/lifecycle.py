"""What time and utilities do to a simulated migration (ccee.md 8), the same each time for the same migration.

Conventions of ours where no source says: a utility's silence ends three business days after its deadline, and a
month has passed when it is over.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from wattdeck.systems.ccee.models import BRASILIA
from wattdeck.systems.ccee.months import add_months, first_day
from wattdeck.systems.ccee.records import MigrationRecord

ANSWER_DAYS = 5
"""Business days a utility has."""
SILENCE_DAYS = 3
"""Business days after the deadline until CCEE completes by itself."""
ACCEPT, REJECT, LAPSE = "approve", "reject", "lapse"
_LIKELY = (ACCEPT,) * 15 + (REJECT,) * 3 + (LAPSE,) * 2
_FIXED = frozenset({(1, 1), (4, 21), (5, 1), (9, 7), (10, 12), (11, 2), (11, 15), (11, 20), (12, 25)})
_DAY = timedelta(days=1)

SUBMARKETS = ("SE", "SE", "S", "NE", "SE", "N", "NE", "S", "SE", "SE")
JUSTIFICATIONS = (
    "Mês de referência diverge da carta de denúncia apresentada",
    "Código da unidade consumidora não corresponde ao titular informado",
    "Prazo de denúncia de 180 dias não atendido",
    "Documento do titular diverge do cadastro da distribuidora",
    "Unidade consumidora com débito vencido junto à distribuidora",
    "Unidade consumidora do grupo B não elegível nesta data",
)
COMPULSORY = "Aceite compulsório: sem manifestação da distribuidora em 5 dias úteis"


@lru_cache(maxsize=64)
def _good_friday(year: int) -> date:
    """Two days before Easter, by the Gregorian computus."""
    golden, century, in_century = year % 19, year // 100, year % 100
    epact = (19 * golden + century - century // 4 - (century - (century + 8) // 25 + 1) // 3 + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (in_century // 4) - epact - in_century % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1) - 2 * _DAY


def is_business_day(day: date) -> bool:
    """Neither a weekend nor a national holiday of Brazil."""
    return day.weekday() < 5 and (day.month, day.day) not in _FIXED and day != _good_friday(day.year)


def add_business_days(day: date, count: int) -> date:
    """The day so many business days later, or earlier."""
    step = _DAY if count >= 0 else -_DAY
    for _ in range(abs(count)):
        day += step
        while not is_business_day(day):
            day += step
    return day


def deadline(requested_on: date) -> date:
    """Last day for the utility's answer."""
    return add_business_days(requested_on, ANSWER_DAYS)


@dataclass(frozen=True, slots=True)
class Plan:
    """What will happen to a migration, and when."""

    action: str
    at: datetime


def plan(record: MigrationRecord, seed: int, since: date) -> Plan:
    """What becomes of a migration nobody interferes with; not before the first business day after `since`."""
    luck = random.Random(f"{seed}/plan/{record.id}")  # noqa: S311
    action = luck.choice(_LIKELY)
    if action == LAPSE:
        return lapse_plan(record, since)
    day = add_business_days(max(since, record.requested_on), luck.randint(1, ANSWER_DAYS - 1))
    return Plan(action, datetime.combine(day, time(9 + luck.randrange(8), luck.randrange(60)), BRASILIA))


def lapse_plan(record: MigrationRecord, since: date) -> Plan:
    """The end of a utility's silence."""
    day = add_business_days(deadline(record.requested_on), SILENCE_DAYS)
    return Plan(LAPSE, datetime.combine(max(day, since + _DAY), time(0, 5), BRASILIA))


def carry_out(record: MigrationRecord, action: str, today: date, seed: int, justification: str = "") -> None:
    """Let a utility approve or reject, or its silence end.

    Raises:
        ValueError: there is no such action, or the migration does not wait for it.
    """
    if action not in (ACCEPT, REJECT, LAPSE):
        raise ValueError(f"no action is called {action!r}; known are {ACCEPT}, {REJECT} and {LAPSE}")
    if record.status != "CRIADA":
        raise ValueError(f"migration {record.id} is {record.status}: only a CRIADA one waits for an answer")
    luck = random.Random(f"{seed}/answer/{record.id}")  # noqa: S311
    if action == ACCEPT:
        _accept(record, today, luck)
    elif action == REJECT:
        record.status, record.validated_on = "REPROVADA", today
        record.justification = justification or luck.choice(JUSTIFICATIONS)
    elif today >= first_day(add_months(record.month, 1)):
        record.status = "EXPIRADA"
    else:
        record.status, record.validated_on = "CONCLUIDA", today
        record.submarket, record.comment = submarket_of(record.utility), COMPULSORY


def _accept(record: MigrationRecord, today: date, luck: random.Random) -> None:
    record.status, record.validated_on = "CONCLUIDA", today
    record.submarket, record.supplier = submarket_of(record.utility), record.utility
    record.musd = float(luck.choice((30, 45, 60, 75, 90, 110, 150, 200, 280, 320, 400, 480)))
    record.dhc = round(record.musd * luck.uniform(2.8, 4.6), 2)
    record.penalty = "SIM" if record.modality == "ANTECIPADA" or luck.random() < 0.08 else "NAO"
    record.utility_unit = str(luck.randrange(100_000, 99_999_999))
    record.connected = "DISTRIBUIDORA"
    if record.version == "v2":
        record.protocol = f"P-{today:%Y}-{luck.randrange(1_000_000):06d}"
        record.intended_month = record.month


def submarket_of(utility: int) -> str:
    """Where a utility's grid is."""
    return SUBMARKETS[utility % 10]
