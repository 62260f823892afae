"""What there is to draw of a stretch of a meter's consumption, and to say of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from wattdeck.core.dates import day_words
from wattdeck.core.language import plural, tr
from wattdeck.core.lines import cell_width
from wattdeck.core.units import UNICODE, Glyphs, number
from wattdeck.systems.usms.models import Kind, Meter, Period, Point
from wattdeck.systems.usms.walk import Stretch, meter_words, unit_words

NAMED_GAPS = 4
"""So many missing values are named; more are counted."""
LINE_REACH = 3.0
"""A boundary this many times above the highest month is said, not drawn."""


@dataclass(frozen=True, slots=True)
class TierStep:
    """Where a tier of the tariff begins."""

    tier: int
    """The tier that begins here, from 2."""
    at: float
    """Units of the month at which it begins."""
    rate_bnd: float
    """BND per unit from there on."""


def tier_steps(kind: Kind, day: date) -> tuple[TierStep, ...]:
    """The steps of the residential tariff in force on a day; none if no tariff is known for it."""
    from wattdeck.systems.usms.tariff import tariff_for

    try:
        tiers = tariff_for(kind, day).tiers
    except ValueError:
        return ()
    return tuple(TierStep(index, float(tier.lower), float(tier.rate_bnd)) for index, tier in enumerate(tiers[1:], 2))


@dataclass(frozen=True, slots=True)
class Chart:
    """What there is to draw of a stretch, and to say of it."""

    label: str
    unit: str
    values: tuple[float | None, ...]
    names: tuple[str, ...]
    boundary: float | None
    marks: frozenset[int]
    before: tuple[float | None, ...]
    sentences: tuple[str, ...]
    """Total and comparison, tariff, gaps: in this order, those that apply."""


def chart(
    stretch: Stretch,
    meter: Meter,
    points: Sequence[Point],
    before: Sequence[Point],
    steps: Sequence[TierStep],
    now: datetime,
    marks: Glyphs = UNICODE,
) -> Chart:
    """A stretch of one meter's consumption; `before` are the points of the stretch before it, as far as known."""
    unit = unit_words(meter.unit, marks)
    values, earlier = stretch.values(points), stretch.before.values(before)
    crossed = crossings(values, steps) if stretch.period is Period.DAY else {}
    line = month_line(values, steps) if stretch.period is Period.MONTH else None
    sentences = (
        total_words(stretch, values, earlier, unit, now),
        _crossing_words(stretch, values, crossed, steps, unit, now, marks) if stretch.period is Period.DAY else "",
        _line_words(line, steps, unit, marks) if stretch.period is Period.MONTH else "",
        gap_words(stretch, values, now),
    )
    label = f"{meter_words(meter)}, {stretch.words}"
    return Chart(label, unit, values, stretch.names, line.at if line else None, frozenset(crossed), earlier,
                 tuple(filter(None, sentences)))  # fmt: skip


def title(stretch: Stretch, meter: Meter, compared: str, width: int) -> str:
    """The heading of a chart: meter, stretch, and what it is compared with; without the weekday if that is too wide."""
    words = f"{meter_words(meter)}, {stretch.words}{compared}"
    if stretch.period is not Period.HOUR or cell_width(words) + 2 <= width:
        return words
    return f"{meter_words(meter)}, {day_words(stretch.first, year=True)}{compared}"


def crossings(values: Sequence[float | None], steps: Sequence[TierStep]) -> dict[int, TierStep]:
    """The bars in which the sum since the first one goes beyond a step; of two in one bar, the higher."""
    found: dict[int, TierStep] = {}
    total = 0.0
    for index, value in enumerate(values):
        for step in steps:
            if value is not None and total <= step.at < total + value:
                found[index] = step
        total += value or 0.0
    return found


def month_line(values: Sequence[float | None], steps: Sequence[TierStep]) -> TierStep | None:
    """The step worth a line among months: the highest that a month went beyond, else the first if it is in reach."""
    high = max((value for value in values if value is not None), default=0.0)
    passed = [step for step in steps if step.at < high]
    if passed:
        return passed[-1]
    return next((step for step in steps if step.at <= high * LINE_REACH), None)


def total_words(
    stretch: Stretch, values: Sequence[float | None], before: Sequence[float | None], unit: str, now: datetime
) -> str:
    """The sum, and how it compares with the stretch before over what is known of both."""
    known = [value for value in values if value is not None]
    if not known:
        return ""
    total = f"{number(math.fsum(known), 2)} {unit}"
    words = tr("{amount} so far", amount=total) if stretch.running(now) else tr("{amount} in all", amount=total)
    edges = stretch.edges
    ended = [value if edges[index + 1] <= now else None for index, value in enumerate(values)]
    there = stretch.before.short
    if not any(value is not None for value in before) or all(value is None for value in ended):
        return f"{words}."
    if None not in ended and None not in before:
        earlier = math.fsum(value for value in before if value is not None)
        return f"{words}, {_than(math.fsum(known), earlier, there, unit)}."
    pairs = [(a, b) for a, b in zip(ended, before, strict=False) if a is not None and b is not None]
    if not pairs:
        return tr("{words}. {there} has no values to compare with.", words=words, there=there)
    change = _than(math.fsum(a for a, _ in pairs), math.fsum(b for _, b in pairs), there, unit)
    return _known_in_both(stretch.period, len(pairs), words, change)


def _known_in_both(period: Period, count: int, words: str, change: str) -> str:
    if period is Period.HOUR:
        return plural("{words}; over the one hour known in both {change}.",
                      "{words}; over the {count} hours known in both {change}.", count, words=words,
                      change=change)  # fmt: skip
    if period is Period.DAY:
        return plural("{words}; over the one day known in both {change}.",
                      "{words}; over the {count} days known in both {change}.", count, words=words,
                      change=change)  # fmt: skip
    return plural("{words}; over the one month known in both {change}.",
                  "{words}; over the {count} months known in both {change}.", count, words=words,
                  change=change)  # fmt: skip


def _than(value: float, earlier: float, there: str, unit: str) -> str:
    """`12 % more than September (550.00 kWh)`."""
    what = f"{there} ({number(earlier, 2)} {unit})"
    if earlier <= 0:
        return (
            tr("against nothing in {there}", there=there) if value > 0 else tr("as little as in {there}", there=there)
        )
    change = (value - earlier) / earlier
    if abs(change) < 0.005:
        return tr("as much as {what}", what=what)
    if change >= 9.995:
        return tr("{times} times as much as {what}", times=number(value / earlier), what=what)
    percent = number(abs(change) * 100)
    if change > 0:
        return tr("{percent} % more than {what}", percent=percent, what=what)
    return tr("{percent} % less than {what}", percent=percent, what=what)


def _crossing_words(
    stretch: Stretch,
    values: Sequence[float | None],
    crossed: dict[int, TierStep],
    steps: Sequence[TierStep],
    unit: str,
    now: datetime,
    marks: Glyphs,
) -> str:
    """Where the month went into a dearer tier, or how far away that is."""
    if all(value is None for value in values) or not steps:
        return ""
    if crossed:
        parts = []
        for index, step in crossed.items():
            day = stretch.slot_words(index)
            when = tr("{day} at the latest", day=day) if None in values[:index] else day
            past = f"{number(step.at, _places(step.at))} {unit}"
            words = tr("{when}: past {amount}, then B${rate} a {unit}", when=when, amount=past,
                       rate=number(step.rate_bnd, 2), unit=unit)  # fmt: skip
            parts.append(f"{marks.up} {words}")
        return "; ".join(parts) + "."
    first = steps[0]
    step_at = f"{number(first.at, _places(first.at))} {unit}"
    if not stretch.running(now):
        words = tr("The month stayed below {amount}, where tier {tier} begins.", amount=step_at, tier=first.tier)
        return words if None not in values else ""
    left = max(0.0, first.at - math.fsum(value for value in values if value is not None))
    return tr("{left} to go to {amount}, where tier {tier} begins.", left=f"{number(left, 2)} {unit}", amount=step_at,
              tier=first.tier)  # fmt: skip


def _line_words(line: TierStep | None, steps: Sequence[TierStep], unit: str, marks: Glyphs) -> str:
    if not steps:
        return ""
    step = line or steps[0]
    glyph = "" if line is None else "- - " if marks.spark.isascii() else "╌╌ "
    at = f"{number(step.at, _places(step.at))} {unit}"
    return glyph + tr("Tier {tier} begins at {amount} a month.", tier=step.tier, amount=at)


def gap_words(stretch: Stretch, values: Sequence[float | None], now: datetime) -> str:
    """Values that should be there and are not. The newest ones may still come, so they do not count."""
    edges = stretch.edges
    known = [index for index, value in enumerate(values) if value is not None]
    if not known:
        return ""
    last = known[-1] if stretch.running(now) else len(values)
    missing = [
        index for index, value in enumerate(values) if value is None and index < last and edges[index + 1] <= now
    ]
    if not missing:
        return ""
    if len(missing) > NAMED_GAPS:
        count, of = len(missing), min(last, len(values))
        if stretch.period is Period.HOUR:
            return tr("No value for {count} of {of} hours.", count=count, of=of)
        if stretch.period is Period.DAY:
            return tr("No value for {count} of {of} days.", count=count, of=of)
        return tr("No value for {count} of {of} months.", count=count, of=of)
    *names, name = [stretch.slot_words(index) for index in missing]
    if names:
        name = tr("{names} and {name}", names=", ".join(names), name=name)
    return tr("No value for {what}.", what=name)


def _places(value: float) -> int:
    return 0 if value == int(value) else 2
