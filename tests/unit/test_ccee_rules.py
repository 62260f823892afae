"""Deadlines, notices, ages and alerts, on the days of Brazil's calendar."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.systems.ccee.bizdays import Calendar
from wattdeck.systems.ccee.models import BRASILIA, Migration
from wattdeck.systems.ccee.rules import (
    AGE_BUCKETS,
    EVIDENCE,
    Rules,
    age_bucket,
    age_business_days,
    alerts,
    answer_deadline,
    brasilia_date,
    deadline_words,
    earliest_month,
    next_possible_month,
)

CALENDAR = Calendar()
RULES = Rules()
DAYS = st.dates(date(2022, 1, 1), date(2029, 12, 31))
MONDAY = date(2026, 3, 2)
OPEN = Migration(
    "m1", "000000123400159", 100000, 200000, 200100, "2026-10", "CRIADA", datetime(2026, 3, 2, tzinfo=BRASILIA)
)


@pytest.mark.parametrize(
    "day",
    [
        date(2026, 1, 1), date(2026, 4, 3), date(2026, 4, 21), date(2026, 5, 1), date(2026, 9, 7), date(2026, 10, 12),
        date(2026, 11, 2), date(2026, 11, 20), date(2026, 12, 25),
    ],
)  # fmt: skip
def test_national_holidays_on_weekdays_are_no_business_days(day: date) -> None:
    assert day.weekday() < 5 and not CALENDAR.is_business_day(day)


@pytest.mark.parametrize(
    ("day", "why"),
    [
        (date(2026, 2, 17), "Carnival Tuesday is optional"),
        (date(2026, 6, 4), "Corpus Christi is optional"),
        (date(2026, 10, 28), "the day of public servants is optional"),
        (date(2026, 7, 9), "a holiday of one state"),
        (date(2023, 11, 20), "national since 2024"),
    ],
)
def test_optional_and_local_days_are_business_days_unless_the_user_adds_them(day: date, why: str) -> None:
    assert CALENDAR.is_business_day(day), why
    assert not Calendar([day]).is_business_day(day)


def test_a_saturday_and_a_sunday_are_no_business_days() -> None:
    assert [CALENDAR.is_business_day(MONDAY + timedelta(days=count)) for count in range(7)] == [True] * 5 + [False] * 2


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (MONDAY, 5, date(2026, 3, 9)),
        (date(2026, 3, 7), 1, date(2026, 3, 9)),
        (date(2026, 4, 2), 1, date(2026, 4, 6)),
        (date(2026, 4, 17), 5, date(2026, 4, 27)),
        (date(2026, 12, 24), 5, date(2027, 1, 4)),
        (MONDAY, 0, MONDAY),
        (date(2026, 4, 3), 0, date(2026, 4, 6)),
        (date(2026, 3, 9), -5, MONDAY),
    ],
)
def test_business_days_are_added_without_the_day_itself(day: date, count: int, expected: date) -> None:
    assert CALENDAR.add_business_days(day, count) == expected


def test_extra_holidays_move_the_deadline() -> None:
    assert Calendar([date(2026, 3, 4), date(2026, 3, 7)]).add_business_days(MONDAY, 5) == date(2026, 3, 10)


@settings(max_examples=50)
@given(DAYS, st.integers(-40, 40))
def test_what_was_added_is_counted_again(day: date, count: int) -> None:
    end = CALENDAR.add_business_days(day, count)
    assert CALENDAR.is_business_day(end)
    if count > 0 or CALENDAR.is_business_day(day):
        assert CALENDAR.business_days_between(day, end) == count


@settings(max_examples=50)
@given(DAYS, st.integers(0, 400))
def test_business_days_are_counted_as_one_by_one_and_backwards_the_same(first: date, length: int) -> None:
    last = first + timedelta(days=length)
    counted = sum(CALENDAR.is_business_day(first + timedelta(days=count)) for count in range(1, length + 1))
    assert CALENDAR.business_days_between(first, last) == counted
    assert CALENDAR.business_days_between(last, first) == -counted


def test_years_before_2000_and_after_2100_have_weekends_alone() -> None:
    assert CALENDAR.is_business_day(date(2101, 4, 21)) and CALENDAR.is_business_day(date(1, 1, 1))
    assert CALENDAR.business_days_between(date(1, 1, 1), date(9999, 12, 31)) > 2_600_000
    with pytest.raises(OverflowError):
        CALENDAR.add_business_days(date(9999, 12, 31), 1)


def test_the_holidays_library_is_not_loaded_before_a_day_is_looked_up() -> None:
    code = (
        "import sys, datetime\n"
        "from wattdeck.systems.ccee import drafts, rules\n"
        "calendar = rules.Calendar()\n"
        "assert 'holidays' not in sys.modules and 'pydantic' not in sys.modules and 'httpx' not in sys.modules\n"
        "assert not calendar.is_business_day(datetime.date(2026, 9, 7)) and 'holidays' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)


@pytest.mark.parametrize(
    ("requested_at", "deadline"),
    [
        (None, None),
        (datetime(2026, 3, 2, tzinfo=BRASILIA), date(2026, 3, 9)),
        (datetime(2026, 3, 2, 2, 59, tzinfo=UTC), date(2026, 3, 6)),
        (datetime(2026, 3, 2, 3, 0, tzinfo=UTC), date(2026, 3, 9)),
        (datetime(9999, 12, 31, tzinfo=BRASILIA), None),
        (datetime(1, 1, 1, tzinfo=UTC), date(1, 1, 8)),
    ],
)
def test_the_utility_has_five_business_days_from_the_day_of_the_request_in_brasilia(
    requested_at: datetime | None, deadline: date | None
) -> None:
    assert answer_deadline(requested_at, RULES, CALENDAR) == deadline


def test_a_time_without_a_zone_is_of_brasilia() -> None:
    assert brasilia_date(datetime(2026, 3, 2, 0, 30)) == MONDAY  # noqa: DTZ001


def test_the_age_counts_business_days_and_falls_into_three_buckets() -> None:
    requested = datetime(2026, 3, 2, 15, tzinfo=BRASILIA)
    ages = [age_business_days(requested, MONDAY + timedelta(days=count), CALENDAR) for count in (0, 2, 3, 5, 6, 7, 8)]
    assert ages == [0, 2, 3, 4, 4, 5, 6]
    assert [age_bucket(age) for age in ages] == ["0-2", "0-2", "3-5", "3-5", "3-5", "3-5", ">5"]
    assert age_business_days(None, MONDAY, CALENDAR) is None and age_bucket(None) == ""
    assert {age_bucket(age) for age in range(-3, 30)} == set(AGE_BUCKETS)


@pytest.mark.parametrize(
    ("notice", "days", "month"),
    [
        (date(2026, 3, 2), 180, "2026-09"),
        (date(2026, 3, 5), 180, "2026-09"),
        (date(2026, 3, 6), 180, "2026-10"),
        (date(2026, 7, 5), 180, "2027-01"),
        (date(2026, 3, 1), 0, "2026-03"),
        (date(2026, 3, 2), 90, "2026-06"),
    ],
)
def test_the_first_month_is_the_one_whose_first_day_is_not_before_the_end_of_the_notice(
    notice: date, days: int, month: str
) -> None:
    assert earliest_month(notice, days) == month


@pytest.mark.parametrize("day", [date(9999, 12, 31), date(9999, 6, 5)])
def test_a_notice_that_no_calendar_reaches_is_said_to_be_so(day: date) -> None:
    with pytest.raises(ValueError, match="year"):
        earliest_month(day, 180)


@pytest.mark.parametrize(
    ("today", "cut_off_day", "month"),
    [
        (date(2026, 3, 31), None, "2026-04"),
        (date(2026, 12, 1), None, "2027-01"),
        (date(2026, 3, 10), 10, "2026-04"),
        (date(2026, 3, 11), 10, "2026-05"),
        (date(2026, 11, 11), 10, "2027-01"),
    ],
)
def test_the_next_possible_month_heeds_the_cut_off(today: date, cut_off_day: int | None, month: str) -> None:
    assert next_possible_month(today, Rules(cut_off_day=cut_off_day)) == month


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (MONDAY, "5 business days"),
        (date(2026, 3, 5), "2 business days"),
        (date(2026, 3, 6), "1 business day"),
        (date(2026, 3, 7), "1 business day"),
        (date(2026, 3, 9), "today"),
        (date(2026, 3, 10), "overdue 1 day"),
        (date(2026, 3, 14), "overdue 4 days"),
        (date(2026, 3, 17), "overdue 6 days"),
    ],
)
def test_a_deadline_is_told_in_business_days(today: date, words: str) -> None:
    assert deadline_words(date(2026, 3, 9), today, CALENDAR) == words


def test_words_for_a_deadline_at_a_weekend_and_for_none() -> None:
    assert deadline_words(date(2026, 3, 6), date(2026, 3, 7), CALENDAR) == "overdue"
    assert deadline_words(date(2026, 3, 7), date(2026, 3, 6), CALENDAR) == "less than 1 business day"
    assert deadline_words(None, MONDAY, CALENDAR) == ""


def kinds(
    migration: Migration, today: date, units: frozenset[str] = frozenset(), new: frozenset[str] = frozenset()
) -> list[tuple[str, str]]:
    return [(alert.kind, alert.severity) for alert in alerts(migration, today, RULES, CALENDAR, units, new)]


@pytest.mark.parametrize(
    ("today", "expected"),
    [
        (date(2026, 3, 4), []),
        (date(2026, 3, 5), [("answer_due", "medium")]),
        (date(2026, 3, 9), [("answer_due", "medium")]),
        (date(2026, 3, 10), [("answer_overdue", "high")]),
        (date(2026, 9, 15), [("answer_overdue", "high")]),
        (date(2026, 9, 16), [("answer_overdue", "high"), ("month_near", "medium")]),
        (date(2026, 10, 1), [("answer_overdue", "high"), ("month_near", "high")]),
        (date(2026, 12, 1), [("answer_overdue", "high"), ("month_near", "high")]),
    ],
)
def test_an_open_migration_warns_of_its_answer_and_of_its_month(today: date, expected: list[tuple[str, str]]) -> None:
    assert kinds(OPEN, today) == expected


def test_sentences_say_the_day_and_what_to_do() -> None:
    said = [alert.sentence for alert in alerts(OPEN, date(2026, 10, 1), RULES, CALENDAR)]
    assert said == [
        "The utility's answer was due on 2026-03-09 (overdue 144 days). CCEE may complete the migration without it.",
        "Month 2026-10 has begun and the utility has not answered. Move the migration to a later month.",
    ]
    (alert,) = alerts(OPEN, date(2026, 3, 6), RULES, CALENDAR)
    assert alert.sentence == "The utility's answer is due in 1 business day, on 2026-03-09. Remind it."


def test_a_deadline_that_is_known_already_is_not_reckoned_again() -> None:
    assert kinds(replace(OPEN, deadline=date(2026, 4, 1)), date(2026, 3, 10)) == []


@pytest.mark.parametrize("status", ["CONCLUIDA", "REPROVADA", "ENCERRADA", "CANCELADA", "EXPIRADA", "NOVA"])
def test_a_migration_that_no_longer_waits_warns_of_no_deadline(status: str) -> None:
    late = replace(
        OPEN, status=status, denunciation_date=date(2026, 9, 1), utility_formalized="NAO", modality="REGULAR"
    )
    assert kinds(late, date(2026, 12, 1)) == []


def test_a_month_before_the_end_of_the_notice_is_told() -> None:
    early = replace(OPEN, denunciation_date=MONDAY, reference_month="2026-08")
    (alert,) = alerts(early, MONDAY, RULES, CALENDAR)
    assert (alert.kind, alert.severity) == (
        "before_notice",
        "medium",
    ) and "2026-09 is the first possible" in alert.sentence
    assert kinds(replace(early, reference_month="2026-09"), MONDAY) == []
    assert kinds(replace(early, denunciation_date=date(9999, 12, 31)), MONDAY) == []


def test_an_open_regular_migration_that_is_not_formalised_is_told_low() -> None:
    plain = replace(OPEN, utility_formalized="NAO", modality="REGULAR")
    assert kinds(plain, MONDAY) == [("not_formalized", "low")]
    assert kinds(replace(plain, modality="ANTECIPADA"), MONDAY) == []


@pytest.mark.parametrize(("status", "told"), [("CRIADA", True), ("CONCLUIDA", True), ("CANCELADA", False)])
def test_the_unit_of_two_active_migrations_is_told_at_the_active_ones(status: str, told: bool) -> None:
    found = kinds(replace(OPEN, status=status), MONDAY, units=frozenset({OPEN.consumer_unit_code}))
    assert found == ([("duplicate_unit", "high")] if told else [])


def test_a_refusal_is_told_when_it_is_new_with_its_reason_made_harmless() -> None:
    refused = replace(OPEN, status="REPROVADA", justification="carta \x1b[31mdivergente")
    assert kinds(refused, MONDAY) == []
    (alert,) = alerts(refused, MONDAY, RULES, CALENDAR, newly_rejected={"m1"})
    assert alert.kind == "rejected" and "carta [31mdivergente" in alert.sentence


def test_missing_values_give_no_alert() -> None:
    assert kinds(replace(OPEN, requested_at=None, reference_month=""), date(2026, 12, 1)) == []


def test_every_kind_of_alert_and_every_setting_says_what_it_rests_on() -> None:
    everything = replace(OPEN, denunciation_date=MONDAY, utility_formalized="NAO", modality="REGULAR")
    found = set(kinds(everything, date(2026, 10, 1), units=frozenset({OPEN.consumer_unit_code})))
    found |= set(kinds(OPEN, date(2026, 3, 9)))
    assert {kind for kind, _ in found} <= EVIDENCE.keys()
    assert {
        "answer_business_days",
        "notice_days",
        "cut_off_day",
        "duplicate_unit",
        "rejected",
        "before_notice",
    } <= EVIDENCE.keys()
    assert all(evidence.tag in "DSC" and evidence.basis for evidence in EVIDENCE.values())


@pytest.mark.parametrize("month", ["", "soon", "2026-13", "0000-01", "2026-10-01", "99999-01"])
def test_a_month_that_is_none_warns_of_nothing_and_stops_nothing(month: str) -> None:
    said = [alert.kind for alert in alerts(replace(OPEN, reference_month=month), date(2026, 3, 9), RULES, CALENDAR)]
    assert said == ["answer_due"]
