"""Where the alarms of a meter begin and end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from wattdeck.core.alarm import Condition, Priority
from wattdeck.core.reading import Link, Reading
from wattdeck.systems.usms.alarms import RULES, UsmsWatch, days_of_credit, oddness, silent_for_h, whole_days
from wattdeck.systems.usms.config import UsmsAlarms
from wattdeck.systems.usms.models import (
    BRUNEI,
    AccountSnapshot,
    ConsumptionSnapshot,
    Kind,
    Meter,
    MonthCost,
    Period,
    Point,
    Projection,
    Series,
)
from wattdeck.systems.usms.present import Account

NOW = datetime(2026, 10, 14, 7, 0, tzinfo=UTC)
"""15:00 in Brunei."""
YESTERDAY = date(2026, 10, 13)
HOUSE = Meter("12345678", Kind.ELECTRICITY, "ACTIVE", 400.0, "kWh", 32.0, NOW - timedelta(hours=1))


def account(
    meter: Meter = HOUSE,
    rate_per_day: float | None = 40.0,
    link: Link = Link.LIVE,
    taken_at: datetime = NOW,
    series: tuple[Series, ...] = (),
) -> Account:
    ahead = None if rate_per_day is None else Projection(1240.0, 57.2, rate_per_day, None)
    month = MonthCost(meter.number, date(2026, 10, 1), 520.0, 13, 5.2, (), ahead)
    return Account.of(
        [
            Reading("usms/contoh", "meters", AccountSnapshot("", (meter,)), link, taken_at),
            Reading("usms/contoh", "consumption", ConsumptionSnapshot(series, month, (month,)), link, taken_at),
        ]
    )


def judged(rule: str, found: Account, **settings: float) -> Condition:
    watch = UsmsWatch(UsmsAlarms.model_validate(settings))
    readings = [reading for reading in (found.meters, found.consumption) if reading is not None]
    return next(one for one in watch.look(readings, NOW) if one.rule == rule)


@pytest.mark.parametrize(
    ("remaining_unit", "active", "holds"),
    [
        (40.0 * 2.99, True, False),
        (40.0 * 3.0, False, True),
        (40.0 * 3.99, False, True),
        (40.0 * 4.0, False, False),
        (None, None, False),
    ],
)
def test_credit_is_low_below_the_limit_and_well_again_a_day_above(
    remaining_unit: float | None, active: bool | None, holds: bool
) -> None:
    found = judged("usms.credit-low", account(replace(HOUSE, remaining_unit=remaining_unit)), credit_days=3.0)
    assert (found.active, found.holds) == (active, holds)


def test_how_long_credit_lasts() -> None:
    assert days_of_credit(HOUSE, account(), NOW) == 10.0
    assert days_of_credit(HOUSE, account(), NOW + timedelta(days=2)) == 8.0, "what was used since is gone"
    assert days_of_credit(HOUSE, account(), NOW + timedelta(days=200)) == 0.0
    assert days_of_credit(HOUSE, account(rate_per_day=0.0), NOW) == math.inf
    assert days_of_credit(HOUSE, account(rate_per_day=None), NOW) is None
    assert days_of_credit(replace(HOUSE, credit_bnd=0.0, remaining_unit=None), account(), NOW) == 0.0
    assert days_of_credit(HOUSE, Account.of([]), NOW) is None
    assert judged("usms.credit-low", account(rate_per_day=0.0)).active is False
    topped_up = replace(HOUSE, remaining_unit=4000.0)
    assert days_of_credit(topped_up, account(topped_up), NOW) == 100.0


@pytest.mark.parametrize(("credit_bnd", "active"), [(0.01, False), (0.0, True), (-5.0, True), (None, None)])
def test_credit_is_out_at_nothing(credit_bnd: float | None, active: bool | None) -> None:
    assert judged("usms.credit-out", account(replace(HOUSE, credit_bnd=credit_bnd))).active is active


@pytest.mark.parametrize(
    ("hours", "active", "holds"), [(24.1, True, False), (24.0, False, True), (23.1, False, True), (23.0, False, False)]
)
def test_an_update_is_missed_after_the_limit(hours: float, active: bool, holds: bool) -> None:
    meter = replace(HOUSE, updated_at=NOW - timedelta(hours=hours))
    found = judged("usms.no-update", account(meter))
    assert (found.active, found.holds) == (active, holds)


def test_silence_is_counted_by_the_portals_own_time_until_it_was_asked() -> None:
    def reading(taken_at: datetime | None) -> Reading[AccountSnapshot]:
        return Reading("usms/contoh", "meters", None, Link.STALE, taken_at)

    assert silent_for_h(HOUSE, reading(NOW)) == 1.0
    assert silent_for_h(HOUSE, reading(None)) is None
    assert silent_for_h(replace(HOUSE, updated_at=None), reading(NOW)) is None
    assert silent_for_h(replace(HOUSE, updated_at=NOW + timedelta(hours=3)), reading(NOW)) == 0.0
    bare = replace(HOUSE, updated_at=datetime(2026, 10, 12, tzinfo=BRUNEI), updated_date_only=True)
    assert silent_for_h(bare, reading(NOW)) == 39.0, "15:00 on the 14th, from the end of the 12th"
    lost = account(replace(HOUSE, updated_at=NOW - timedelta(hours=20)), taken_at=NOW - timedelta(hours=19))
    assert judged("usms.no-update", lost).active is False, "a lost link is no silence of the meter"


@pytest.mark.parametrize(("status", "active"), [("ACTIVE", False), ("SUSPENDED", True), ("active", True), ("", None)])
def test_a_status_other_than_active_is_an_alarm_and_none_is_unknown(status: str, active: bool | None) -> None:
    assert judged("usms.not-active", account(replace(HOUSE, status=status))).active is active


@pytest.mark.parametrize("link", [Link.DOWN, Link.REFUSED, Link.WAITING])
def test_nothing_is_known_of_an_account_that_does_not_answer(link: Link) -> None:
    found = account(replace(HOUSE, credit_bnd=-5.0, status="SUSPENDED"), link=link)
    assert {judged(rule.name, found).active for rule in RULES} == {None}


# An unusual day


def ago(*values: float) -> dict[date, float]:
    """Days before yesterday, the latest first."""
    return {YESTERDAY - timedelta(days=index): value for index, value in enumerate(values, 1)}


def odd(before: Mapping[date, float], value: float, kind: Kind = Kind.ELECTRICITY, percent: float = 60.0) -> bool:
    found = oddness({**before, YESTERDAY: value}, kind, percent, NOW)
    assert found is not None
    return abs(found.value - found.norm) > found.limit


STEADY = ago(*[40.0, 41.0, 39.0, 40.0] * 7)


@pytest.mark.parametrize(
    ("value", "unusual"), [(40.0, False), (63.9, False), (64.1, True), (16.1, False), (15.9, True), (0.0, True)]
)
def test_a_day_is_unusual_far_from_the_median_to_either_side(value: float, unusual: bool) -> None:
    assert odd(STEADY, value) is unusual


def test_one_odd_day_before_does_not_bend_the_norm() -> None:
    assert odd({**STEADY, YESTERDAY - timedelta(days=1): 900.0}, 90.0)
    assert not odd({**STEADY, YESTERDAY - timedelta(days=1): 900.0}, 45.0)


def test_a_weekday_is_judged_by_its_own_kind() -> None:
    """Every Tuesday the kiln burns."""
    before = {day: 120.0 if day.weekday() == YESTERDAY.weekday() else value for day, value in STEADY.items()}
    assert not odd(before, 120.0)
    assert odd(before, 40.0), "the kiln stood still"
    assert odd(ago(*[40.0] * 14), 120.0), "two weeks do not make a habit"


def test_a_household_whose_days_differ_much_has_fewer_unusual_ones() -> None:
    assert not odd(ago(*[10.0, 70.0, 40.0] * 9), 100.0)
    assert odd(STEADY, 100.0)


def test_next_to_nothing_is_nobodys_trouble() -> None:
    empty = ago(*[0.0] * 28)
    assert not odd(empty, 1.9) and odd(empty, 2.1)
    assert not odd(empty, 0.19, Kind.WATER) and odd(empty, 0.21, Kind.WATER)


def test_too_little_known_says_nothing() -> None:
    assert oddness({}, Kind.WATER, 60, NOW) is None
    assert oddness({**ago(*[40.0] * 6), YESTERDAY: 400.0}, Kind.ELECTRICITY, 60, NOW) is None
    assert oddness({**ago(*[40.0] * 7), YESTERDAY: 400.0}, Kind.ELECTRICITY, 60, NOW) is not None
    assert oddness({**STEADY, YESTERDAY: 400.0}, Kind.ELECTRICITY, 60, NOW + timedelta(days=2)) is not None
    assert oddness({**STEADY, YESTERDAY: 400.0}, Kind.ELECTRICITY, 60, NOW + timedelta(days=3)) is None, "no news"


def test_only_days_that_are_over_and_complete_are_judged() -> None:
    midnight = datetime(2026, 10, 14, tzinfo=BRUNEI)

    def point(days: int, value: float | None, hours: int = 0) -> Point:
        return Point(midnight + timedelta(days=days, hours=hours), value)

    days = (point(-3, 40.0), point(-2, None), point(-1, 5.0), point(0, 20.0), point(-4, math.nan))
    hours = tuple(point(-1, 2.5 if hour < 2 else None, hour) for hour in range(24))
    torn = ConsumptionSnapshot((Series("12345678", Period.DAY, days), Series("12345678", Period.HOUR, hours)), None)
    assert whole_days(torn, HOUSE, NOW) == {date(2026, 10, 11): 40.0}
    assert whole_days(replace(torn, series=torn.series[:1]), HOUSE, NOW) == {
        date(2026, 10, 11): 40.0,
        YESTERDAY: 5.0,
    }


def test_what_is_usual_is_remembered_but_not_for_ever() -> None:
    watch = UsmsWatch(UsmsAlarms())
    for month in range(1, 10):
        start = datetime(2026, month, 1, tzinfo=BRUNEI)
        series = Series("12345678", Period.DAY, tuple(Point(start + timedelta(days=n), 40.0) for n in range(28)))
        found = account(series=(series,))
        assert found.meters is not None and found.consumption is not None
        watch.look([found.meters, found.consumption], NOW)
    assert len(watch._days["12345678"]) == 29


# The rules


def test_few_rules_are_high_and_each_says_what_happens_and_what_to_do() -> None:
    assert [rule.name for rule in RULES if rule.priority is Priority.HIGH] == ["usms.credit-out"]
    for rule in RULES:
        assert rule.title and rule.consequence.endswith(".") and rule.action.endswith("."), rule.name
        assert len(rule.title) <= 24, "it stands in a line of 80"
