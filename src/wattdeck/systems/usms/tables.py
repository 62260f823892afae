"""What the shell commands print: rows for JSON and CSV, lines for a person."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from wattdeck.core.codec import encode
from wattdeck.core.dates import day_words, month_words
from wattdeck.core.language import current, plural, tr
from wattdeck.core.units import age, in_manner
from wattdeck.shell.output import Row
from wattdeck.systems.usms.costs import too_low_words
from wattdeck.systems.usms.models import BRUNEI, AccountSnapshot, Meter, MonthCost, Period, Point, TierCost
from wattdeck.systems.usms.walk import kind_words

if TYPE_CHECKING:
    from wattdeck.systems.usms.tariff import Tariff

SYMBOLS = {"kWh": "kWh", "m3": "m³"}


def cost_row(tariff: Tariff, quantity: str, after: str) -> Row:
    """One quantity with its cost and tiers.

    Raises:
        ValueError: the quantity is no number, negative, or absurd.
    """
    cost_bnd, tiers = tariff.cost(quantity, after), tariff.breakdown(quantity, after)
    return {"quantity": float(quantity), "cost_bnd": float(cost_bnd), "tiers": encode(tiers)}


def cost_lines(rows: Sequence[Row], unit: str) -> list[str]:
    """Each quantity with its cost, and the tiers below it."""
    out = []
    for row in rows:
        out.append(f"{_units(row['quantity']):>14} {unit:<4} B$ {in_shape(row['cost_bnd'], 2):>10}")
        out += [f"    {_tier(tier, unit)}" for tier in row["tiers"]]
    return out


def _tier(tier: Mapping[str, Any], unit: str) -> str:
    rate, cost = tier["rate_bnd"], tier["cost_bnd"]
    name = tr("tier {tier}", tier=tier["tier"])
    amount = f"{_units(tier['quantity']):>12} {unit}"
    return f"{name}  {tr('{amount} at B$ {rate}', amount=amount, rate=in_shape(rate, 2))}  B$ {in_shape(cost, 2):>10}"


def _units(quantity: float) -> str:
    """With three places at most, and none that say nothing."""
    whole, point, places = f"{quantity:,.3f}".partition(".")
    places = places.rstrip("0")
    return _in_manner(f"{whole}{point}{places}" if places else whole)


def in_shape(value: float, places: int) -> str:
    """A number with so many places; in English with commas for thousands, as shells are used to."""
    return _in_manner(f"{value:,.{places}f}")


def _in_manner(text: str) -> str:
    return text if current() == "en" else in_manner(text)


def meter_row(meter: Meter) -> Row:
    """Everything known of a meter."""
    row: Row = encode(meter)
    return row


def meter_lines(account: AccountSnapshot, now: datetime) -> list[str]:
    """The account and a line for each meter."""
    out = [account.account_name or tr("(no name shown)")]
    for meter in account.meters:
        old = tr("age unknown")
        if meter.updated_at is not None:
            old = tr("{age} old", age=age((now - meter.updated_at).total_seconds()))
        left = "-" if meter.remaining_unit is None else in_shape(meter.remaining_unit, 3)
        kind = kind_words(meter.kind)
        out.append(
            f"  {meter.number:<12} {kind:<12} {meter.status or '-':<10} {left:>12} {SYMBOLS[meter.unit]:<4}"
            f"  {money(meter.credit_bnd):>12}  {old}"
        )
    return out


def money(value: float | None) -> str:
    """`B$ 174.10`; a dash if unknown."""
    return "-" if value is None else f"B$ {in_shape(value, 2)}"


def amount(value: float, field: str, meter: Meter) -> str:
    """One value with its unit."""
    return money(value) if field == "credit_bnd" else f"{in_shape(value, 3)} {SYMBOLS[meter.unit]}"


def point_row(meter: Meter, period: Period, point: Point) -> Row:
    """One period of a meter."""
    return {"meter": meter.number, "period": str(period), "start": encode(point.start), "value": point.value,
            "unit": meter.unit}  # fmt: skip


def point_lines(meter: Meter, period: Period, points: Sequence[Point]) -> list[str]:
    """A line for each period, and their sum."""
    pattern = "%d/%m/%Y %H:%M" if period is Period.HOUR else "%d/%m/%Y"
    unit = SYMBOLS[meter.unit]
    out = []
    for point in points:
        value = "-" if point.value is None else in_shape(point.value, 3)
        out.append(f"{point.start.astimezone(BRUNEI):{pattern}}  {value:>10} {unit}")
    known = [point.value for point in points if point.value is not None]
    missing = len(points) - len(known)
    if not known:
        return [*out, tr("no readings for meter {number} then", number=meter.number)]
    note = tr("  ({count} unknown)", count=missing) if missing else ""
    return [*out, tr("total  {amount}", amount=f"{in_shape(math.fsum(known), 3)} {unit}") + note]


def month_row(month: MonthCost) -> Row:
    """Everything reckoned of a month."""
    row: Row = encode(month)
    return row


def month_lines(meter: Meter, month: MonthCost, now: datetime) -> list[str]:
    """The month in words: sum, tiers, projection."""
    unit = SYMBOLS[meter.unit]
    when = month_words(month.start)
    if month.consumption is None:
        return [tr("{month}: no readings for meter {number}", month=when, number=meter.number)]
    days = plural("{count} day known", "{count} days known", month.days_known)
    out = [f"{when}  {in_shape(month.consumption, 3)} {unit}  {money(month.cost_bnd)}  ({days})"]
    out += [f"    {_tier(encode(tier), unit)}" for tier in _tiers(month)]
    if month.projection is not None:
        ahead = month.projection
        doubt = too_low_words(month, now)
        expected = f"{in_shape(ahead.total, 1)} {unit}  {money(ahead.cost_bnd)}"
        out.append(tr("expected for the month  {amount}", amount=expected) + doubt)
        if ahead.runs_out_at is not None:
            last = ahead.runs_out_at.astimezone(BRUNEI).date()
            out.append(tr("at this pace the credit lasts until {day}", day=day_words(last, year=True)))
    return out


def _tiers(month: MonthCost) -> Sequence[TierCost]:
    return [tier for tier in month.tiers if tier.quantity]
