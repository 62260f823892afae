"""What a month costs and how long the credit lasts, in lines and sentences."""

from __future__ import annotations

from datetime import datetime, timedelta

from wattdeck.core.dates import day_words
from wattdeck.core.language import tr
from wattdeck.core.lines import MUTED, TEXT, Line, Span, line_width, wrap
from wattdeck.core.units import MINUS, UNICODE, UNKNOWN, Glyphs, number
from wattdeck.systems.usms.models import BRUNEI, Meter, MonthCost, Projection, TierCost
from wattdeck.systems.usms.walk import month_name, unit_words

LOW_DAYS, VERY_LOW_DAYS = 7, 3
"""Credit for fewer days than this is worth a look, and a top-up."""
FAR = timedelta(days=2 * 365)
"""A run-out date further away than this says nothing."""


def cost_lines(
    meter: Meter, month: MonthCost | None, now: datetime, width: int, marks: Glyphs = UNICODE, *, compact: bool = False
) -> list[Line]:
    """Month to date, cost by tier, projection, and the sentence about the credit; fewer lines if `compact`."""
    if month is None:
        return wrap_lines(tr("Not known: the days of this month are not read yet."), width, 2, MUTED)
    unit = unit_words(meter.unit, marks)
    name = month_name(month.start)
    total = f"{number(month.consumption, 2)} {unit}" if month.consumption is not None else UNKNOWN
    so_far = tr("{month} to yesterday", month=name)
    sums: Line = ((f" {so_far}  ", "label"), (total, "heading"), (f"   {money(month.cost_bnd)}", "heading"))
    lines: list[Line] = [(*sums, (too_low_words(month, now), "severity-medium"))]
    lines += _tier_lines(month, unit, width, compact, marks)
    projection = month.projection
    if projection is not None:
        rate = tr("at {amount} a day", amount=f"{number(projection.rate_per_day, 2)} {unit}")
        ahead = tr("{month} expected", month=name)
        expected: Line = ((f" {ahead}  ", "label"), (f"{number(projection.total, 0)} {unit}", TEXT),
                          (f"   {money(projection.cost_bnd)}", TEXT),
                          (f"   {rate}", MUTED),
                          (too_low_words(month, now), "severity-medium"))  # fmt: skip
        lines.append(expected)
    words, meaning = run_out(meter, projection, now)
    return [*lines, *wrap_lines(f" {words}", width, 2, meaning)]


def _tier_lines(month: MonthCost, unit: str, width: int, compact: bool, marks: Glyphs) -> list[Line]:
    parts: list[Line] = []
    for tier in month.tiers:
        amount, rate = f"{number(tier.quantity, 2):>9} {unit}", number(tier.rate_bnd, 2)
        words = tr("{amount} at B${rate}", amount=amount, rate=rate)
        parts.append(((f" {_tier_name(tier)} ", "label"), (f"{words}  {money(tier.cost_bnd):>10}", TEXT)))
    if not compact or len(parts) < 2:
        return parts
    pieces = [f"{_tier_name(tier)} {number(tier.quantity, 2)} {unit} {money(tier.cost_bnd)}" for tier in month.tiers]
    joined: Line = ((" " + f" {marks.dot} ".join(pieces), TEXT),)
    return [joined] if line_width(joined) <= width else parts


def _tier_name(tier: TierCost) -> str:
    return tr("tier {tier}", tier=tier.tier)


def too_low_words(month: MonthCost, now: datetime) -> str:
    """Said only if days are missing, because then sum and projection are too low."""
    passed = (now.astimezone(BRUNEI).date() - month.start).days
    if month.days_known >= passed:
        return ""
    words = tr("{known} of {passed} days known: really more", known=month.days_known, passed=passed)
    return f"   {words}"


def run_out(meter: Meter, projection: Projection | None, now: datetime) -> tuple[str, str]:
    """How long the credit lasts, as a sentence with its meaning: what to do if it is not long."""
    credit = meter.credit_bnd
    if credit is not None and credit < 0:
        return tr("{amount} are owed: top up to have credit again.", amount=money(-credit)), "severity-high"
    if credit == 0:
        return tr("The credit is used up: top up to go on."), "severity-high"
    if projection is None:
        return tr("How long the credit lasts is not known yet: no complete day has been read."), MUTED
    at = projection.runs_out_at
    if at is None:
        if meter.remaining_unit is None:
            return tr("How long the credit lasts is not known: the portal shows no remaining unit just now."), MUTED
        if projection.rate_per_day <= 0:
            return tr("Nothing is used at present, so the credit lasts."), TEXT
        return tr("How long the credit lasts is not known."), MUTED
    if at <= now:
        return tr("At this pace the credit is used up about now: top up."), "severity-high"
    if at - now > FAR:
        return tr("At this pace the credit lasts for more than two years."), TEXT
    local, here = at.astimezone(BRUNEI), now.astimezone(BRUNEI)
    day = day_words(local.date(), year=local.year != here.year)
    days = (at - now).days
    hurry = "severity-high" if days < VERY_LOW_DAYS else "severity-medium" if days < LOW_DAYS else TEXT
    if days < LOW_DAYS:
        return tr("At this pace the credit lasts until {day}. Top up soon.", day=day), hurry
    return tr("At this pace the credit lasts until {day}.", day=day), hurry


def days_left(meter: Meter, projection: Projection | None, now: datetime) -> int | None:
    """Whole days the credit lasts at this pace; None if that is not known or never ends."""
    if meter.credit_bnd is not None and meter.credit_bnd <= 0:
        return 0
    if projection is None or projection.runs_out_at is None:
        return None
    return max(0, (projection.runs_out_at - now).days)


def left_span(meter: Meter, projection: Projection | None, now: datetime) -> Span:
    """`40 d`; with a mark of its own when it is little, so that colour is not needed."""
    days = days_left(meter, projection, now)
    if days is None:
        return UNKNOWN, MUTED
    words = tr("{days} d", days=days)
    if days < VERY_LOW_DAYS:
        return f"!! {words}", "severity-high"
    if days < LOW_DAYS:
        return f"! {words}", "severity-medium"
    return (words if days <= FAR.days else tr(">2 y")), TEXT


def money(value_bnd: float | None) -> str:
    """`B$174.10`, `−B$5.00`."""
    if value_bnd is None:
        return UNKNOWN
    text = f"B${number(abs(value_bnd), 2)}"
    return f"{MINUS}{text}" if round(value_bnd, 2) < 0 else text


def wrap_lines(words: str, width: int, most: int, meaning: str = TEXT) -> list[Line]:
    """A sentence over at most so many lines, each one cell in."""
    return [((" ", TEXT), *line) for line in wrap(words.strip(), max(8, width - 2), meaning)[:most]]
