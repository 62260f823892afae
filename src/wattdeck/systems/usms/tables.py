"""What the shell commands print: rows for JSON and CSV, lines for a person."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from wattdeck.core.codec import encode
from wattdeck.core.units import age
from wattdeck.shell.output import Row
from wattdeck.systems.usms.costs import too_low_words
from wattdeck.systems.usms.models import BRUNEI, AccountSnapshot, Meter, MonthCost, Period, Point, TierCost

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
        out.append(f"{_units(row['quantity']):>14} {unit:<4} B$ {row['cost_bnd']:>10,.2f}")
        out += [f"    {_tier(tier, unit)}" for tier in row["tiers"]]
    return out


def _tier(tier: Mapping[str, Any], unit: str) -> str:
    rate, cost = tier["rate_bnd"], tier["cost_bnd"]
    return f"tier {tier['tier']}  {_units(tier['quantity']):>12} {unit} at B$ {rate:.2f}  B$ {cost:>10,.2f}"


def _units(quantity: float) -> str:
    """With three places at most, and none that say nothing."""
    return f"{quantity:,.3f}".rstrip("0").rstrip(".")


def meter_row(meter: Meter) -> Row:
    """Everything known of a meter."""
    row: Row = encode(meter)
    return row


def meter_lines(account: AccountSnapshot, now: datetime) -> list[str]:
    """The account and a line for each meter."""
    out = [account.account_name or "(no name shown)"]
    for meter in account.meters:
        old = "age unknown" if meter.updated_at is None else f"{age((now - meter.updated_at).total_seconds())} old"
        left = "-" if meter.remaining_unit is None else f"{meter.remaining_unit:,.3f}"
        out.append(
            f"  {meter.number:<12} {meter.kind:<12} {meter.status or '-':<10} {left:>12} {SYMBOLS[meter.unit]:<4}"
            f"  {money(meter.credit_bnd):>12}  {old}"
        )
    return out


def money(value: float | None) -> str:
    """`B$ 174.10`; a dash if unknown."""
    return "-" if value is None else f"B$ {value:,.2f}"


def amount(value: float, field: str, meter: Meter) -> str:
    """One value with its unit."""
    return money(value) if field == "credit_bnd" else f"{value:,.3f} {SYMBOLS[meter.unit]}"


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
        value = "-" if point.value is None else f"{point.value:,.3f}"
        out.append(f"{point.start.astimezone(BRUNEI):{pattern}}  {value:>10} {unit}")
    known = [point.value for point in points if point.value is not None]
    missing = len(points) - len(known)
    note = f"  ({missing} unknown)" if missing else ""
    return [
        *out,
        f"total  {math.fsum(known):,.3f} {unit}{note}" if known else f"no readings for meter {meter.number} then",
    ]


def month_row(month: MonthCost) -> Row:
    """Everything reckoned of a month."""
    row: Row = encode(month)
    return row


def month_lines(meter: Meter, month: MonthCost, now: datetime) -> list[str]:
    """The month in words: sum, tiers, projection."""
    unit = SYMBOLS[meter.unit]
    if month.consumption is None:
        return [f"{month.start:%B %Y}: no readings for meter {meter.number}"]
    days = f"{month.days_known} day{'s' * (month.days_known != 1)} known"
    out = [f"{month.start:%B %Y}  {month.consumption:,.3f} {unit}  {money(month.cost_bnd)}  ({days})"]
    out += [f"    {_tier(encode(tier), unit)}" for tier in _tiers(month)]
    if month.projection is not None:
        ahead = month.projection
        doubt = too_low_words(month, now)
        out.append(f"expected for the month  {ahead.total:,.1f} {unit}  {money(ahead.cost_bnd)}{doubt}")
        if ahead.runs_out_at is not None:
            out.append(f"at this pace the credit lasts until {ahead.runs_out_at.astimezone(BRUNEI):%d %B %Y}")
    return out


def _tiers(month: MonthCost) -> Sequence[TierCost]:
    return [tier for tier in month.tiers if tier.quantity]
