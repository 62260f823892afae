"""Where the month is going, what it costs, and when the credit is used up (usms.md 6, "Month projection").

Days are calendar days of Brunei; the host's time zone plays no part. All of it is arithmetic on what is known: no
clock is read here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from math import fsum, isfinite

from wattdeck.systems.usms.models import BRUNEI, Kind, MonthCost, Projection
from wattdeck.systems.usms.tariff import Tariff, brunei_day, tariff_for

TRAILING_DAYS = 7
"""Complete days whose mean speaks for the present pace."""

DAY_LIMIT = 1_000_000.0
"""A day above this, in kWh or m3, is no reading of a household's meter."""


def project(
    days: Mapping[date, float], now: datetime, tariff: Tariff, remaining_unit: float | None
) -> Projection | None:
    """Expected consumption, cost and end of credit, from the totals of single days.

    Coming days, today among them, are expected at half the mean of the last seven complete days plus half the mean of
    the month so far. A day that is missing counts as nothing in the total. Values that cannot be a day's consumption
    (not finite, below zero, beyond `DAY_LIMIT`) count as missing.

    Args:
        days: Consumption of Brunei days; today and later are not looked at.
        now: Any aware time.
        tariff: Of this month.
        remaining_unit: What the portal shows as left, in the meter's unit.

    Returns:
        The projection, its total and rate to three places; None if no complete day is known.

    Raises:
        ValueError: `now` has no time zone.
    """
    today = brunei_day(now)
    complete = {day: value for day, value in sorted(_known(days).items()) if day < today}
    if not complete:
        return None
    month = [value for day, value in complete.items() if day >= today.replace(day=1)]
    trailing = _mean([*complete.values()][-TRAILING_DAYS:])
    per_day = (trailing + (_mean(month) if month else trailing)) / 2
    left_days = (_next_month(today) - today).days
    total = round(fsum(month) + left_days * per_day, 3)
    per_day = round(per_day, 3)
    return Projection(total, float(tariff.cost(total)), per_day, _runs_out(now, remaining_unit, per_day))


def month_cost(
    meter: str,
    kind: Kind,
    days: Mapping[date, float],
    now: datetime,
    remaining_unit: float | None,
    on: date | None = None,
) -> MonthCost:
    """One calendar month of one meter: consumption so far, its cost by tier, and the projection.

    Args:
        meter: Number of the meter.
        kind: What it counts; the residential tariff is used.
        days: Consumption of Brunei days, of other months too; today may be among them, as far as it has come.
        now: Any aware time.
        remaining_unit: What the portal shows as left, in the meter's unit.
        on: Any day of the month wanted; None: the month of `now`. Only that one has a projection.

    Returns:
        The month. Where no tariff is known for it, cost, tiers and projection are unknown too.

    Raises:
        ValueError: `now` has no time zone.
    """
    today = brunei_day(now)
    start = brunei_day(on or now).replace(day=1)
    so_far = {day: value for day, value in days.items() if day <= today}
    month = past_month(meter, kind, start, so_far)
    tariff = _tariff(kind, start)
    if tariff is None or start != today.replace(day=1):
        return month
    return replace(month, projection=project(days, now, tariff, remaining_unit))


def past_month(meter: str, kind: Kind, start: date, days: Mapping[date, float]) -> MonthCost:
    """The month of the day `start` from all its days known, without a projection; the tariff is of its first day.

    Where no tariff is known for it, cost and tiers are unknown too.
    """
    start = brunei_day(start).replace(day=1)
    values = [value for day, value in _known(days).items() if day.replace(day=1) == start]
    if not values:
        return MonthCost(meter, start, None, 0, None, (), None, kind.unit)
    consumption = round(fsum(values), 3)
    tariff = _tariff(kind, start)
    if tariff is None:
        return MonthCost(meter, start, consumption, len(values), None, (), None, kind.unit)
    cost_bnd, tiers = float(tariff.cost(consumption)), tariff.breakdown(consumption)
    return MonthCost(meter, start, consumption, len(values), cost_bnd, tiers, None, kind.unit)


def _known(days: Mapping[date, float]) -> dict[date, float]:
    """The days whose value can be a day's consumption."""
    return {day: value for day, value in days.items() if isfinite(value) and 0 <= value <= DAY_LIMIT}


def _tariff(kind: Kind, start: date) -> Tariff | None:
    """The residential tariff of a month, if there is one: a host without a clock may say 1970."""
    try:
        return tariff_for(kind, start)
    except ValueError:
        return None


def _next_month(day: date) -> date:
    """First day of the month after the one `day` is in."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _mean(values: list[float]) -> float:
    return fsum(values) / len(values)


def _runs_out(now: datetime, remaining_unit: float | None, per_day: float) -> datetime | None:
    """When what is left is used up; None if it is not, is not known, or lies beyond the calendar."""
    if remaining_unit is None or not isfinite(remaining_unit) or remaining_unit < 0 or per_day <= 0:
        return None
    try:
        return now.astimezone(BRUNEI) + timedelta(days=remaining_unit / per_day)
    except OverflowError:
        return None
