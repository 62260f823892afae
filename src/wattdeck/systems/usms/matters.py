"""An account in the few numbers that matter: credit, how long it lasts, what is used. Knows no widget."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from wattdeck.core.language import plural, tr, tr_as
from wattdeck.core.matters import Figure, Matters
from wattdeck.core.reading import Reading
from wattdeck.core.text import clean
from wattdeck.core.units import number
from wattdeck.systems.usms.costs import FAR, LOW_DAYS, VERY_LOW_DAYS, days_left, money
from wattdeck.systems.usms.models import BRUNEI, Kind, Meter, Period
from wattdeck.systems.usms.present import Account, status_words
from wattdeck.systems.usms.walk import kind_words, unit_words


def matters(readings: Sequence[Reading[Any]], now: datetime) -> Matters:
    """The meter worst off in credit, days, consumption; then one number of each other meter.

    What is not known is left out. Worst is a meter that is not in use, then the one whose credit ends first.
    """
    account = Account.of(readings)
    snapshot = account.snapshot
    if snapshot is None or not snapshot.meters:
        return Matters()
    first, *others = sorted(snapshot.meters, key=lambda meter: _rank(meter, account, now))
    figures = [*_of(first, account, now, alone=not others), *(_beside(meter, account, now) for meter in others)]
    return Matters(tuple(figures), trend_key=first.number)


def _name_words(meter: Meter, account: Sequence[Meter]) -> str:
    """What tells a meter from the others of its account: `water`; with its number where a kind has several."""
    kind = kind_words(meter.kind)
    alike = sum(other.kind is meter.kind for other in account)
    return kind if alike < 2 else f"{kind} {clean(meter.number, 20)}"


def _rank(meter: Meter, account: Account, now: datetime) -> tuple[bool, float, float]:
    days = _days(meter, account, now)
    credit = meter.credit_bnd
    return not _out_of_use(meter), math.inf if days is None else days, math.inf if credit is None else credit


def _out_of_use(meter: Meter) -> bool:
    return bool(meter.status) and not meter.active


def _days(meter: Meter, account: Account, now: datetime) -> int | None:
    month = account.month(meter.number)
    return days_left(meter, month.projection if month else None, now)


def _of(meter: Meter, account: Account, now: datetime, *, alone: bool) -> Iterable[Figure]:
    """Credit, days left, consumption of today and of the month; before them a status that is no good one."""
    snapshot = account.snapshot
    if _out_of_use(meter):
        yield Figure(tr("Status"), status_words(meter), meaning="severity-medium")
    if meter.credit_bnd is not None:
        meters = snapshot.meters if snapshot else ()
        label = tr("Credit") if alone else tr("Credit {meter}", meter=_name_words(meter, meters))
        yield Figure(label, money(meter.credit_bnd), meaning="severity-high" if meter.credit_bnd <= 0 else "normal")
    days = _days(meter, account, now)
    if days is not None:
        value = _days_words(days)
        yield Figure(tr_as("credit", "Left"), value, tr("{days} left", days=value), _hurry(days))
    unit = unit_words(meter.unit)
    today = _today(meter, account, now)
    if today is not None:
        yield Figure(tr("Today"), f"{number(today, 1)} {unit}")
    month = account.month(meter.number)
    this_month = now.astimezone(BRUNEI).date().replace(day=1)
    if month is not None and month.consumption is not None and month.start == this_month:
        value = f"{number(month.consumption, 1)} {unit}"
        yield Figure(tr("This month"), value, tr("{amount} this month", amount=value))


def _beside(meter: Meter, account: Account, now: datetime) -> Figure:
    """Another meter of the account in one number: its credit, and how long it lasts."""
    meters = account.snapshot.meters if account.snapshot else ()
    name = _name_words(meter, meters)
    days = _days(meter, account, now)
    credit = money(meter.credit_bnd)
    if _out_of_use(meter):
        return Figure(name, status_words(meter), f"{name} {status_words(meter)}", "severity-medium")
    value = credit if days is None else f"{credit}, {_days_words(days)}"
    return Figure(name, value, f"{name} {credit}", "normal" if days is None else _hurry(days))


def _days_words(days: int) -> str:
    if days > FAR.days:
        return tr("> 2 years")
    return plural("{count} day", "{count} days", days, count=number(days))


def _hurry(days: int) -> str:
    return "severity-high" if days < VERY_LOW_DAYS else "severity-medium" if days < LOW_DAYS else "normal"


def _today(meter: Meter, account: Account, now: datetime) -> float | None:
    """What the hours known of today add up to; None for water, which is counted once a day."""
    reading = account.consumption
    if meter.kind is Kind.WATER or reading is None or reading.snapshot is None:
        return None
    midnight = now.astimezone(BRUNEI).replace(hour=0, minute=0, second=0, microsecond=0)
    hours = reading.snapshot.points(meter.number, Period.HOUR)
    known = [
        point.value
        for point in hours
        if point.value is not None and midnight <= point.start < midnight + timedelta(days=1)
    ]
    return math.fsum(known) if known else None
