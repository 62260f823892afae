"""The rules of the trade, as data: deadlines, notices, ages, and what deserves attention.

Days are days in Brasília. What each rule rests on stands in `EVIDENCE`, with the tags of ccee.md: D regulation or
press, S seen on CCEE's sandbox, C our own convention. None of them was checked against CCEE itself, so none stops
a command: they only speak.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Literal

from wattdeck.core.dates import date_text
from wattdeck.core.language import plural, tr
from wattdeck.core.text import clean
from wattdeck.systems.ccee.bizdays import Calendar
from wattdeck.systems.ccee.documents import format_unit_code
from wattdeck.systems.ccee.models import BRASILIA, MODALITIES, NO, Migration, Status
from wattdeck.systems.ccee.months import add_months, first_day, month_of

__all__ = [
    "AGE_BUCKETS",
    "EVIDENCE",
    "Alert",
    "Calendar",
    "Evidence",
    "Rules",
    "age_bucket",
    "age_business_days",
    "alerts",
    "answer_deadline",
    "brasilia_date",
    "deadline_words",
    "earliest_month",
    "next_possible_month",
]

Severity = Literal["high", "medium", "low"]
DUE_SOON_BUSINESS_DAYS = 2
MONTH_NEAR_DAYS = 15
AGE_BUCKETS = ("0-2", "3-5", ">5")
"""Ages in business days."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a rule rests on."""

    tag: Literal["D", "S", "C"]
    """D regulation or press, S seen on CCEE's sandbox, C our own convention."""
    basis: str


EVIDENCE: Mapping[str, Evidence] = MappingProxyType(
    {
        "answer_business_days": Evidence(
            "D", "PdC submodule 1.8: the utility answers within 5 business days, the day of the request not counted"
        ),
        "business_day": Evidence("C", "national holidays only; optional days and local holidays are business days"),
        "notice_days": Evidence(
            "D", "REN 1.000/2021: 180 days; whether the 90 days of public consultation 7/2025 are in force is not known"
        ),
        "cut_off_day": Evidence(
            "D", "circular 567/25: CCEE publishes the last day for each month; the dates are not known here"
        ),
        "next_possible_month": Evidence("C", "the month after this one, or the one after that past the cut-off day"),
        "age_buckets": Evidence("C", "0-2, 3-5 and more than 5 business days, after the utility's 5"),
        "duplicate_unit": Evidence("S", "a unit has at most one migration that is CRIADA or CONCLUIDA"),
        "answer_due": Evidence("C", f"the utility's answer is due within {DUE_SOON_BUSINESS_DAYS} business days"),
        "answer_overdue": Evidence(
            "D", "without an answer CCEE completes the migration at the last chance for its month"
        ),
        "month_near": Evidence("C", f"still open {MONTH_NEAR_DAYS} days before its month, or after it began"),
        "before_notice": Evidence(
            "D", "a month that does not match the notice is CCEE's first cause of refusals (2025)"
        ),
        "not_formalized": Evidence("C", "regular notice that was not given through the utility, still open"),
        "rejected": Evidence("C", "refused by the utility since the last look"),
    }
)
"""By name of the rule; the kinds of `Alert` are among the names."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers that a user can set."""

    answer_business_days: int = 5
    notice_days: int = 180
    cut_off_day: int | None = None
    """Day of the month after which a migration no longer makes the next month; None: not reckoned with."""
    extra_holidays: frozenset[date] = frozenset()
    month_near_days: int = MONTH_NEAR_DAYS


@dataclass(frozen=True, slots=True)
class Alert:
    """Something about one migration that a person should look at."""

    kind: str
    """A name of `EVIDENCE`."""
    severity: Severity
    sentence: str


def brasilia_date(moment: datetime) -> date:
    """The day it was in Brasília; a time without a zone is taken to be Brasília's."""
    if moment.tzinfo is None:
        return moment.date()
    try:
        return moment.astimezone(BRASILIA).date()
    except OverflowError:  # within hours of the first or last day there is
        return moment.date()


def answer_deadline(requested_at: datetime | None, rules: Rules, calendar: Calendar) -> date | None:
    """The last day for the utility's answer; None if the request's day is not known."""
    if requested_at is None:
        return None
    try:
        return calendar.add_business_days(brasilia_date(requested_at), rules.answer_business_days)
    except OverflowError:
        return None


def age_business_days(requested_at: datetime | None, today: date, calendar: Calendar) -> int | None:
    """Business days since the request, its own day not counted; None if that day is not known."""
    return None if requested_at is None else calendar.business_days_between(brasilia_date(requested_at), today)


def age_bucket(age: int | None) -> str:
    """Which of `AGE_BUCKETS` an age is in; empty if it is not known."""
    if age is None:
        return ""
    return AGE_BUCKETS[0] if age <= 2 else AGE_BUCKETS[1] if age <= 5 else AGE_BUCKETS[2]


def earliest_month(denunciation: date, notice_days: int) -> str:
    """The first month whose first day is not before the notice is over: 2026-03-02 and 180 days give 2026-09.

    Raises:
        ValueError: it would be after year 9999.
    """
    try:
        over = denunciation + timedelta(days=notice_days)
    except OverflowError:
        raise ValueError(f"the notice of {denunciation} ends after the year 9999") from None
    return month_of(over) if over.day == 1 else add_months(month_of(over), 1)


def next_possible_month(today: date, rules: Rules) -> str:
    """The first month a migration that is created today can be for, the consumer's notice apart."""
    missed = rules.cut_off_day is not None and today.day > rules.cut_off_day
    return add_months(month_of(today), 2 if missed else 1)


def deadline_words(deadline: date | None, today: date, calendar: Calendar) -> str:
    """How long until a deadline, in business days: "2 business days", "today", "overdue 1 day"; empty without one.

    "overdue" alone means that no business day has passed since.
    """
    if deadline is None:
        return ""
    if deadline == today:
        return tr("today")
    days = calendar.business_days_between(today, deadline)
    if deadline > today:
        return tr("less than 1 business day") if days == 0 else _business_days(days)
    if days == 0:
        return tr("overdue")
    return plural("overdue {count} day", "overdue {count} days", -days, count=-days)


def alerts(
    migration: Migration,
    today: date,
    rules: Rules,
    calendar: Calendar,
    duplicate_units: Collection[str] = frozenset(),
    newly_rejected: Collection[str] = frozenset(),
) -> tuple[Alert, ...]:
    """What deserves attention about a migration, worst first.

    Args:
        duplicate_units: consumer units that have more than one active migration (`models.duplicates`).
        newly_rejected: ids of migrations refused since the last look (`chronicle.newly_rejected`).
    """
    found: list[Alert] = []
    if migration.status == Status.REJECTED and migration.migration_id in newly_rejected:
        why = clean(migration.justification, 160) or tr("no reason given")
        sentence = tr("The utility has refused it: {why}. Correct that and create it again.", why=why)
        found.append(Alert("rejected", "high", sentence))
    if migration.active and migration.consumer_unit_code in duplicate_units:
        unit = clean(format_unit_code(migration.consumer_unit_code), 40)
        sentence = tr(
            "Unit {unit} has more than one active migration; CCEE allows one. Cancel the wrong one.", unit=unit
        )
        found.append(Alert("duplicate_unit", "high", sentence))
    if migration.status == Status.CREATED:
        found.extend(_answer_alerts(migration, today, rules, calendar))
        found.extend(_month_alerts(migration, today, rules))
        if migration.utility_formalized == NO and migration.modality == MODALITIES[0]:
            sentence = tr("Regular notice that the utility has not formalised: it may refuse. Ask it for its protocol.")
            found.append(Alert("not_formalized", "low", sentence))
    order = ("high", "medium", "low")
    return tuple(sorted(found, key=lambda alert: order.index(alert.severity)))


def _answer_alerts(migration: Migration, today: date, rules: Rules, calendar: Calendar) -> Iterator[Alert]:
    """The utility's answer: late, or soon to be."""
    deadline = migration.deadline or answer_deadline(migration.requested_at, rules, calendar)
    if deadline is None:
        return
    if deadline < today:
        words = deadline_words(deadline, today, calendar)
        sentence = tr("The utility's answer was due on {day} ({words}). CCEE may complete the migration without it.",
                      day=date_text(deadline), words=words)  # fmt: skip
        yield Alert("answer_overdue", "high", sentence)
        return
    left = calendar.business_days_between(today, deadline)
    if left <= DUE_SOON_BUSINESS_DAYS:
        sentence = tr("The utility's answer is due today. Remind it.") if deadline == today else tr(
            "The utility's answer is due in {days}, on {day}. Remind it.",
            days=_business_days(left), day=date_text(deadline),
        )  # fmt: skip
        yield Alert("answer_due", "medium", sentence)


def _month_alerts(migration: Migration, today: date, rules: Rules) -> Iterator[Alert]:
    """The month asked for: near or begun while nothing is decided, or earlier than the notice allows."""
    month = migration.reference_month
    try:
        days = (first_day(month) - today).days
    except ValueError:
        # Not known, or of a recording that somebody wrote by hand: nothing can be said of it.
        return
    if days <= 0:
        if month < month_of(today):
            words = tr("Month {month} is over and the utility has not answered.", month=month)
        else:
            words = tr("Month {month} has begun and the utility has not answered.", month=month)
        sentence = f"{words} {tr('Move the migration to a later month.')}"
        yield Alert("month_near", "high", sentence)
    elif days <= rules.month_near_days:
        sentence = plural(
            "Month {month} begins in {count} day and the utility has not answered.",
            "Month {month} begins in {count} days and the utility has not answered.", days, month=month,
        )  # fmt: skip
        yield Alert("month_near", "medium", sentence)
    if migration.denunciation_date is not None:
        earliest = _earliest(migration.denunciation_date, rules)
        if month < earliest:
            sentence = tr(
                "Month {month} is before the end of the {days}-day notice of {day}: {earliest} is the first possible "
                "one. The utility may refuse.",
                month=month, days=rules.notice_days, day=date_text(migration.denunciation_date), earliest=earliest,
            )  # fmt: skip
            yield Alert("before_notice", "medium", sentence)


def _earliest(denunciation: date, rules: Rules) -> str:
    """`earliest_month`, or the empty text, before all months, for a date no calendar reaches."""
    try:
        return earliest_month(denunciation, rules.notice_days)
    except ValueError:
        return ""


def _business_days(count: int) -> str:
    return plural("{count} business day", "{count} business days", count)
