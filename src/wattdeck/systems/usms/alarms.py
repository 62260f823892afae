"""What is alarming about a prepaid meter: credit that ends, silence, a day unlike others, a meter out of use.

Judged by what the portal says, and by its own times: what it does not show is unknown, and unknown changes no alarm.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from statistics import median
from typing import TYPE_CHECKING, Any

from wattdeck.core.alarm import AlarmRule, Condition, Priority, above, below
from wattdeck.core.dates import day_words
from wattdeck.core.language import later, tr
from wattdeck.core.reading import Link, Reading
from wattdeck.core.text import clean
from wattdeck.core.units import age, number
from wattdeck.systems.usms.costs import money
from wattdeck.systems.usms.models import BRUNEI, ConsumptionSnapshot, Kind, Meter, Period
from wattdeck.systems.usms.present import Account, status_words
from wattdeck.systems.usms.walk import kind_words, unit_words

if TYPE_CHECKING:
    from wattdeck.systems.usms.config import UsmsAlarms

RULES = (
    AlarmRule(
        "usms.credit-out",
        Priority.HIGH,
        later("Credit used up"),
        later("A prepaid meter without credit cuts the supply off."),
        later("Top up this meter now; T on its screen shows what is owed."),
    ),
    AlarmRule(
        "usms.credit-low",
        Priority.MEDIUM,
        later("Credit runs out soon"),
        later("When the credit is used up, the meter cuts the supply off."),
        later("Top up this meter before then; T on its screen shows what is owed."),
    ),
    AlarmRule(
        "usms.not-active",
        Priority.MEDIUM,
        later("Meter not active"),
        later("There may be no supply through this meter, and its figures may not go on."),
        later("Ask USMS for the reason; they want the number of the meter."),
    ),
    AlarmRule(
        "usms.no-update",
        Priority.LOW,
        later("No update of the meter"),
        later("Credit and consumption are those of long ago: less may be left than is shown."),
        later("Read the meter itself; if it works, tell USMS that it does not report."),
    ),
    AlarmRule(
        "usms.unusual-day",
        Priority.LOW,
        later("Unusual day"),
        later("Something may run, leak or stand still unnoticed, and the credit may end sooner than reckoned."),
        later("Look at the hours of that day, and for what ran, leaks or is switched off."),
    ),
)
DAY_S = 86_400.0
CREDIT_BAND_DAYS = 1.0
"""Credit has to last this much longer than the limit for its alarm to clear."""
UPDATE_BAND_H = 1.0
NORM_DAYS = 28
"""Days before the one judged that say what is usual: four of each weekday."""
LEAST_DAYS = 7
"""With fewer of them known nothing is usual yet."""
SAME_WEEKDAYS = 3
"""From so many known days of the same weekday on, they are the norm; else all days are."""
SPREADS = 3.0
"""A day must be this many times as far off as days usually are, in robust standard deviations."""
MAD_TO_DEVIATION = 1.4826
"""Median absolute deviation to standard deviation, where values are normally distributed."""
LEAST_OFF = {Kind.ELECTRICITY: 2.0, Kind.WATER: 0.2}
"""Less than this off, in the meter's unit, is nobody's trouble: an empty house uses next to nothing."""
NEWS_DAYS = 3
"""A last known day older than this says nothing about now."""


@dataclass(frozen=True, slots=True)
class Oddness:
    """A day beside what is usual, in the meter's unit."""

    day: date
    value: float
    norm: float
    limit: float
    """So far off the norm is still usual."""


@dataclass(slots=True)
class UsmsWatch:
    """Looks at the meters of one account.

    Remembers the days it saw: at the beginning of a month the feed holds few of them.
    """

    settings: UsmsAlarms
    _days: dict[str, dict[date, float]] = field(default_factory=dict)

    def look(self, readings: Sequence[Reading[Any]], now: datetime) -> Sequence[Condition]:
        """Every rule on every meter of the account."""
        account = Account.of(readings)
        snapshot = account.snapshot
        if snapshot is None:
            return ()
        self._days = {meter.number: self._days.get(meter.number, {}) for meter in snapshot.meters}
        return [found for meter in snapshot.meters for found in self._of(meter, account, now)]

    def _of(self, meter: Meter, account: Account, now: datetime) -> Iterable[Condition]:
        if account.meters is None or not _trusted(account.meters):
            yield from (_condition(rule.name, meter, None) for rule in RULES)
            return
        credit = meter.credit_bnd
        yield _condition("usms.credit-out", meter, None if credit is None else credit <= 0, _credit_words(meter))
        yield self._credit(meter, account, now)
        status = tr("the portal's status of the meter is: {status}", status=status_words(meter))
        yield _condition("usms.not-active", meter, not meter.active if meter.status else None, status)
        yield self._update(meter, account.meters)
        yield self._unusual(meter, account, now)

    def _credit(self, meter: Meter, account: Account, now: datetime) -> Condition:
        days = days_of_credit(meter, account, now)
        active, holds = below(days, self.settings.credit_days, CREDIT_BAND_DAYS)
        words = _credit_words(meter)
        if days is not None and math.isfinite(days) and (meter.credit_bnd is None or meter.credit_bnd > 0):
            words = tr("{credit} left, enough for {days} days at this pace", credit=money(meter.credit_bnd),
                       days=number(days, 1))  # fmt: skip
        return _condition("usms.credit-low", meter, active, words, holds)

    def _update(self, meter: Meter, reading: Reading[Any]) -> Condition:
        silent_h = silent_for_h(meter, reading)
        active, holds = above(silent_h, self.settings.no_update_h, UPDATE_BAND_H)
        words = ""
        if silent_h is not None and meter.updated_at is not None:
            words = tr("last heard of {age} ago, on {day}", age=age(silent_h * 3600),
                       day=day_words(meter.updated_at.astimezone(BRUNEI).date()))  # fmt: skip
        return _condition("usms.no-update", meter, active, words, holds)

    def _unusual(self, meter: Meter, account: Account, now: datetime) -> Condition:
        reading = account.consumption
        if reading is None or reading.snapshot is None or not _trusted(reading):
            return _condition("usms.unusual-day", meter, None)
        days = self._days[meter.number] = _newest(self._days[meter.number] | whole_days(reading.snapshot, meter, now))
        odd = oddness(days, meter.kind, self.settings.unusual_percent, now)
        if odd is None:
            return _condition("usms.unusual-day", meter, None)
        active, holds = above(abs(odd.value - odd.norm), odd.limit, odd.limit / 10)
        unit = unit_words(meter.unit)
        words = tr("{day}: {amount}, usually {norm}", day=day_words(odd.day),
                   amount=f"{number(odd.value, 1)} {unit}", norm=f"{number(odd.norm, 1)} {unit}")  # fmt: skip
        return _condition("usms.unusual-day", meter, active, words, holds)


def days_of_credit(meter: Meter, account: Account, now: datetime) -> float | None:
    """How long what the meter has left lasts at the pace of the projection, days; infinite if nothing is used.

    From the meter itself, which shows a top-up before the projection has heard of it.
    """
    if meter.credit_bnd is not None and meter.credit_bnd <= 0:
        return 0.0
    month, reading = account.month(meter.number), account.consumption
    if month is None or month.projection is None or reading is None or not _trusted(reading):
        return None
    rate = month.projection.rate_per_day
    if meter.remaining_unit is None or account.meters is None or not math.isfinite(rate):
        return None
    if rate <= 0:
        return math.inf
    passed_s = account.meters.age_s(now) or 0.0
    return max(0.0, meter.remaining_unit / rate - passed_s / DAY_S)


def silent_for_h(meter: Meter, reading: Reading[Any]) -> float | None:
    """Hours the portal had not heard of a meter for when it was asked; None if it does not say.

    A bare date may mean any moment of that day, so that its end counts.
    """
    if meter.updated_at is None or reading.taken_at is None:
        return None
    heard = meter.updated_at + timedelta(days=1) if meter.updated_date_only else meter.updated_at
    return max(0.0, (reading.taken_at - heard).total_seconds() / 3600)


def whole_days(snapshot: ConsumptionSnapshot, meter: Meter, now: datetime) -> dict[date, float]:
    """Days that are over and complete: one with hours missing looks like a day of little use."""
    hours: dict[date, int] = {}
    for point in snapshot.points(meter.number, Period.HOUR):
        day = point.start.astimezone(BRUNEI).date()
        hours[day] = hours.get(day, 0) + (point.value is not None)
    found = {}
    for point in snapshot.points(meter.number, Period.DAY):
        day = point.start.astimezone(BRUNEI).date()
        whole = point.start + timedelta(days=1) <= now and hours.get(day, 24) >= 24
        if whole and point.value is not None and math.isfinite(point.value):
            found[day] = point.value
    return found


def oddness(days: Mapping[date, float], kind: Kind, percent: float, now: datetime) -> Oddness | None:
    """The last day known beside the norm: the median of the same weekday in the four weeks before, or of all days.

    Medians, so that one odd day before does not bend the norm. The limit is so many percent of the norm, but not less
    than three times the usual spread: a household whose days differ much has fewer unusual ones.

    Returns:
        None if no day is known that is news, or too few before it.
    """
    if not days:
        return None
    last = max(days)
    if (now.astimezone(BRUNEI).date() - last).days > NEWS_DAYS:
        return None
    before = {day: value for day, value in days.items() if 0 < (last - day).days <= NORM_DAYS}
    if len(before) < LEAST_DAYS:
        return None
    middle = median(before.values())
    alike = [value for day, value in before.items() if day.weekday() == last.weekday()]
    norm = median(alike) if len(alike) >= SAME_WEEKDAYS else middle
    spread = MAD_TO_DEVIATION * median(abs(value - middle) for value in before.values())
    return Oddness(last, days[last], norm, max(norm * percent / 100, SPREADS * spread, LEAST_OFF[kind]))


def _newest(days: dict[date, float]) -> dict[date, float]:
    return {day: days[day] for day in sorted(days)[-NORM_DAYS - 1 :]}


def _trusted(reading: Reading[Any]) -> bool:
    """What was read still says something about now."""
    return reading.link in (Link.LIVE, Link.STALE)


def _condition(rule: str, meter: Meter, active: bool | None, words: str = "", holds: bool = False) -> Condition:
    name = f"{kind_words(meter.kind)} {clean(meter.number, 20)}"
    return Condition(rule, meter.number, name, active, holds, words)


def _credit_words(meter: Meter) -> str:
    credit = meter.credit_bnd
    if credit is None:
        return ""
    if credit < 0:
        return tr("{amount} are owed", amount=money(-credit))
    return tr("{amount} left", amount=money(credit))
