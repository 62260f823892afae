"""The energy of a unit as bars: five-minute values summed to hours of a day or days of a month.

The stamp of a value is taken as the end of its interval (ccee.md 4.2), by the clock the stamp itself is written in.
Rejected values are left out. A bar that lacks more than a tenth of its intervals is a gap: a partial sum would look
like a saving.
"""

from __future__ import annotations

import math
from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise

from wattdeck.core.language import plural, tr
from wattdeck.core.text import clean
from wattdeck.core.units import number
from wattdeck.systems.ccee.documents import format_unit_code
from wattdeck.systems.ccee.filters import month_words, short_month
from wattdeck.systems.ccee.models import Measurement
from wattdeck.systems.ccee.months import first_day, month_of

REJECTED = "REJEITADA"
ESTIMATED = frozenset({"ESTIMADO", "AJUSTADO"})
INTERVAL = timedelta(minutes=5)
"""The usual one; the data's own is used where it differs."""
INTERVALS = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=30), timedelta(hours=1))
MOST_MISSING = 0.1
"""Share of its intervals a bar may lack."""
_EPSILON = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Curve:
    """Bars of energy, kWh; None = a gap."""

    label: str
    unit: str
    values: tuple[float | None, ...]
    names: tuple[str, ...]
    """Below the bars: hours 0 to 23, or days of the month."""
    sentences: tuple[str, ...] = ()
    """What the bars do not say: sum, gaps, what was left out."""
    rejected: int = 0
    """Values the utility's check rejected, left out."""
    estimated: int = 0
    """Values that were estimated or adjusted, counted in."""

    @property
    def known(self) -> list[float]:
        """The values there are."""
        return [value for value in self.values if value is not None]


@dataclass(frozen=True, slots=True)
class _Value:
    """One accepted value with the moment its interval begins, without a zone."""

    start: datetime
    energy_kwh: float


@dataclass(slots=True)
class _Sorted:
    """Measurements as they count."""

    values: list[_Value]
    interval: timedelta
    rejected: int = 0
    estimated: int = 0
    unreadable: int = 0
    repeated: int = 0


def hours_of(measurements: Iterable[Measurement], day: date) -> Curve:
    """The hours of one day."""
    edges = [datetime(day.year, day.month, day.day, hour) for hour in range(24)]  # noqa: DTZ001  the stamp's own clock
    label = tr("Energy on {day} {month} {year}", day=day.day, month=short_month(day.month), year=day.year)
    return _curve(label, measurements, edges, timedelta(hours=1), tuple(map(str, range(24))))


def days_of(measurements: Iterable[Measurement], month: str) -> Curve:
    """The days of one month, `YYYY-MM`."""
    first = first_day(month)
    count = monthrange(first.year, first.month)[1]
    edges = [datetime(first.year, first.month, day) for day in range(1, count + 1)]  # noqa: DTZ001  the stamp's own clock
    names = tuple(str(day) for day in range(1, count + 1))
    return _curve(tr("Energy in {month}", month=month_words(month)), measurements, edges, timedelta(days=1), names)


def months_of(measurements: Iterable[Measurement]) -> tuple[str, ...]:
    """The months there are values of, in order."""
    return tuple(sorted({month_of(start) for start in map(_start, measurements) if start is not None}))


def days_known(measurements: Iterable[Measurement]) -> tuple[date, ...]:
    """The days there are values of, in order."""
    return tuple(sorted({start.date() for start in map(_start, measurements) if start is not None}))


def no_measurements_words(unit_code: str, *, asking: bool = False, problem: str = "") -> str:
    """What stands in place of a chart without values: why there is none, and what to do."""
    unit = clean(format_unit_code(unit_code), 40)
    if asking:
        return tr("Reading the energy of {unit} ...", unit=unit)
    if problem:
        reason = clean(problem, 200).rstrip(".")
        return tr("The energy of {unit} could not be read: {reason}. r tries again.", unit=unit, reason=reason)
    return tr(
        "CCEE has no measurements of {unit} for this time. The utility sends them once the unit has migrated.",
        unit=unit,
    )


def _curve(
    label: str,
    measurements: Iterable[Measurement],
    edges: Sequence[datetime],
    width: timedelta,
    names: tuple[str, ...],
) -> Curve:
    found = _sorted(measurements, edges[0], edges[-1] + width)
    bins: list[list[float]] = [[] for _ in edges]
    for value in found.values:
        bins[(value.start - edges[0]) // width].append(value.energy_kwh)
    due = width // found.interval
    values = tuple(math.fsum(each) if each and len(each) >= due * (1 - MOST_MISSING) else None for each in bins)
    partial = sum(1 for each, value in zip(bins, values, strict=True) if each and value is None)
    sentences = tuple(_sentences(values, partial, found, hours=width < timedelta(days=1)))
    return Curve(label, "kWh", values, names, sentences, found.rejected, found.estimated)


def _sorted(measurements: Iterable[Measurement], start: datetime, end: datetime) -> _Sorted:
    """The values of a stretch of time, each interval once: the one that was updated last counts."""
    found = _Sorted([], INTERVAL)
    newest: dict[datetime, Measurement] = {}
    for each in measurements:
        began = _start(each)
        if began is None:
            found.unreadable += 1
            continue
        if not start <= began < end:
            continue
        if each.status == REJECTED:
            found.rejected += 1
        elif each.consumption_kwh is None or not math.isfinite(each.consumption_kwh):
            found.unreadable += 1
        elif began in newest:
            found.repeated += 1
            newest[began] = max(newest[began], each, key=_updated)
        else:
            newest[began] = each
    for began in sorted(newest):
        each = newest[began]
        found.estimated += each.kind in ESTIMATED
        found.values.append(_Value(began, each.consumption_kwh or 0.0))
    found.interval = _interval([value.start for value in found.values])
    return found


def _start(measurement: Measurement) -> datetime | None:
    """Just before the end of the interval, so that a stamp of midnight belongs to the day that ends."""
    at = measurement.at
    if at is None:
        return None
    try:
        return at.replace(tzinfo=None) - _EPSILON
    except OverflowError:
        return None


def _updated(measurement: Measurement) -> float:
    return measurement.updated_at.timestamp() if measurement.updated_at is not None else float("-inf")


def _interval(starts: Sequence[datetime]) -> timedelta:
    """The commonest distance between two values, if it can be one."""
    steps = Counter(later - earlier for earlier, later in pairwise(starts))
    step = steps.most_common(1)[0][0] if steps else INTERVAL
    return step if step in INTERVALS else INTERVAL


def _sentences(values: Sequence[float | None], partial: int, found: _Sorted, *, hours: bool) -> Iterable[str]:
    known = [value for value in values if value is not None]
    if known:
        energy, count = number(math.fsum(known), 1), number(len(known))
        yield (
            tr("{energy} kWh in {count} hours.", energy=energy, count=count)
            if hours
            else tr("{energy} kWh in {count} days.", energy=energy, count=count)
        )
    if partial:
        count = number(partial)
        yield (
            plural("{count} hour left out: not all values are there.",
                   "{count} hours left out: not all values are there.", partial, count=count)
            if hours
            else plural("{count} day left out: not all values are there.",
                        "{count} days left out: not all values are there.", partial, count=count)
        )  # fmt: skip
    if found.rejected:
        yield plural("{count} rejected value left out.", "{count} rejected values left out.", found.rejected,
                     count=number(found.rejected))  # fmt: skip
    if found.estimated:
        yield plural("{count} value estimated or adjusted.", "{count} values estimated or adjusted.", found.estimated,
                     count=number(found.estimated))  # fmt: skip
    if found.repeated:
        yield plural("{count} value came twice; the newest counts.", "{count} values came twice; the newest counts.",
                     found.repeated, count=number(found.repeated))  # fmt: skip
    if found.unreadable:
        yield plural("{count} value could not be read.", "{count} values could not be read.", found.unreadable,
                     count=number(found.unreadable))  # fmt: skip
