"""The family behind the simulated USMS meters: what it uses, what it pays, and that the two agree."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.systems.usms.household import (
    PAST_DAYS,
    Home,
    PortalClock,
    homes,
    is_holiday,
    is_weekend,
)
from wattdeck.systems.usms.ledger import Ledger, _lived_through, next_month
from wattdeck.systems.usms.models import BRUNEI, Kind
from wattdeck.systems.usms.tariff import tariff_for

START = date(2026, 11, 21)
ELECTRICITY, WATER, ANNEX = homes(1, START)
SINCE = START - timedelta(days=PAST_DAYS)

days = st.dates(SINCE, date(2030, 1, 1))
moments = st.datetimes(datetime(2024, 11, 22), datetime(2028, 3, 1), timezones=st.just(BRUNEI))  # noqa: DTZ001
meters = st.sampled_from([ELECTRICITY, WATER, ANNEX])


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), BRUNEI)


def mean(home: Home, chosen: list[date]) -> float:
    return sum(home.day(day) for day in chosen) / len(chosen)


@given(meters, days)
def test_hours_add_up_to_their_day_to_the_last_digit(home: Home, day: date) -> None:
    hours = home.hours(day)
    assert len(hours) == 24 and min(hours) >= 0
    assert sum(hours) == home.day(day)


@given(days)
def test_a_day_of_electricity_is_what_a_family_with_air_conditioning_uses(day: date) -> None:
    assert 25_000 <= ELECTRICITY.day(day) <= 60_001
    hours = ELECTRICITY.hours(day)
    night, midday = sum(hours[:6]), sum(hours[9:15])
    assert night > midday or is_holiday(day), "only feasts are at midday"


def test_weekends_and_holidays_take_more_than_working_days() -> None:
    year = [date(2025, 1, 1) + timedelta(days=n) for n in range(365)]
    feasts = [day for day in year if is_holiday(day)]
    weekends = [day for day in year if is_weekend(day) and not is_holiday(day)]
    working = [day for day in year if not is_weekend(day) and not is_holiday(day)]
    assert 8 <= len(feasts) <= 16
    for home in (ELECTRICITY, WATER):
        assert mean(home, feasts) > mean(home, weekends) > mean(home, working)
    assert {day.weekday() for day in weekends} == {4, 6}, "offices close on Friday and Sunday"


def test_the_hot_months_take_more_than_the_wet_ones() -> None:
    def month(number: int) -> list[date]:
        return [date(2025, number, day) for day in range(1, 29)]

    assert mean(ELECTRICITY, month(4)) > 1.05 * mean(ELECTRICITY, month(11))


def worked_out_anew(home: Home) -> Ledger:
    """A ledger that no other one has lived through the months for."""
    _lived_through.cache_clear()
    return Ledger(home)


def test_the_same_seed_gives_the_same_house_and_another_seed_another() -> None:
    again, other = homes(1, START)[0], homes(2, START)[0]
    chosen = [START - timedelta(days=n) for n in range(50)]
    assert [again.hours(day) for day in chosen] == [ELECTRICITY.hours(day) for day in chosen]
    assert [other.day(day) for day in chosen] != [ELECTRICITY.day(day) for day in chosen]
    assert worked_out_anew(again).at(noon(START)) == worked_out_anew(ELECTRICITY).at(noon(START))


def test_the_seed_alone_decides_what_a_day_takes_wherever_the_start_is() -> None:
    later = homes(1, START + timedelta(days=100))[0]
    assert later.day(START) == ELECTRICITY.day(START)


def test_nothing_was_used_before_the_meter_came() -> None:
    assert ELECTRICITY.day(SINCE - timedelta(days=1)) == 0
    assert not ELECTRICITY.hours_known(SINCE - timedelta(days=1), noon(START))
    assert [day for day, _ in ELECTRICITY.days_known(date(1990, 1, 1), SINCE, noon(START))] == [SINCE]
    assert len(list(WATER.days_known(SINCE, START, noon(START)))) == PAST_DAYS


@pytest.mark.parametrize(
    ("at", "hours"), [("00:00", 0), ("01:04", 0), ("01:05", 1), ("17:59", 17), ("18:04", 17), ("23:59", 23)]
)
def test_hours_reach_the_portal_a_little_after_they_end(at: str, hours: int) -> None:
    now = datetime.fromisoformat(f"2026-11-21T{at}:00+08:00")
    assert ELECTRICITY.hours_known(START, now) == ELECTRICITY.hours(START)[:hours]


def test_water_is_heard_of_once_a_day_and_never_by_the_hour() -> None:
    early, late = (datetime.fromisoformat(f"2026-11-21T{at}+08:00") for at in ("05:59", "06:00"))
    assert WATER.known_until(early).isoformat() == "2026-11-20T00:00:00+08:00"
    assert WATER.known_until(late).isoformat() == "2026-11-21T00:00:00+08:00"
    assert WATER.hours_known(START, late) == ()


def test_the_29th_of_february_is_a_day_like_any_other() -> None:
    leap = homes(1, date(2028, 3, 1))[0]
    known = dict(leap.days_known(date(2028, 2, 1), date(2028, 3, 31), noon(date(2028, 3, 5))))
    assert list(known)[28:30] == [date(2028, 2, 29), date(2028, 3, 1)]
    assert known[date(2028, 2, 29)] > 0


@settings(deadline=None, max_examples=40)
@given(meters, moments)
def test_credit_is_top_ups_minus_what_was_used_at_the_tariff(home: Home, now: datetime) -> None:
    ledger, known = Ledger(home), home.known_until(now)
    paid_bnd = sum((one.recharge_bnd for one in ledger.purchases(SINCE, date(2030, 1, 1), now)), Decimal(0))
    cost_bnd, month = Decimal(0), SINCE.replace(day=1)
    while month <= known.date():
        until = min(datetime.combine(next_month(month), time(), BRUNEI), known)
        cost_bnd += tariff_for(home.kind, month).cost_between(0, Decimal(home.used(month, until)) / 1000)
        month = next_month(month)
    account = ledger.at(now)
    assert account.credit_bnd == paid_bnd - cost_bnd


@settings(deadline=None, max_examples=60)
@given(meters, moments)
def test_credit_never_runs_out_and_buys_at_the_rate_the_month_has_reached(home: Home, now: datetime) -> None:
    account = Ledger(home).at(now)
    assert 0 < account.credit_bnd < 100
    rate_bnd = tariff_for(home.kind).rate_at(account.used_this_month)
    assert 0 <= account.credit_bnd - account.remaining_units * rate_bnd < rate_bnd / 1000


@settings(deadline=None, max_examples=30)
@given(meters, moments, st.timedeltas(timedelta(0), timedelta(days=40)))
def test_top_ups_of_the_past_stay_as_they_were(home: Home, now: datetime, passed: timedelta) -> None:
    before = worked_out_anew(home).purchases(SINCE, date(2030, 1, 1), now)
    after = worked_out_anew(home).purchases(SINCE, date(2030, 1, 1), now + passed)
    assert after[len(after) - len(before) :] == before
    assert all(one.at <= now for one in before)
    assert [one.at for one in after] == sorted((one.at for one in after), reverse=True)


def test_a_debt_shrinks_with_each_top_up_until_it_is_gone() -> None:
    ledger = Ledger(WATER)
    bought = ledger.purchases(SINCE, START, noon(START))[::-1]
    assert bought[0].cleared_bnd == bought[0].amount_bnd / 4
    assert sum(one.cleared_bnd for one in bought) == ledger.at(noon(START)).opening_debt_bnd == 24
    assert ledger.at(noon(SINCE)).debt_bnd > ledger.at(noon(SINCE + timedelta(days=90))).debt_bnd > 0
    assert ledger.at(noon(START)).debt_bnd == 0
    assert not any(one.cleared_bnd for one in Ledger(ELECTRICITY).purchases(SINCE, START, noon(START)))


def test_a_top_up_lists_only_the_days_asked_for() -> None:
    ledger = Ledger(ELECTRICITY)
    everything = ledger.purchases(SINCE, START, noon(START))
    assert len(everything) > 20 and len({one.transaction for one in everything}) == len(everything)
    day = everything[3].at.date()
    assert [one for one in everything if one.at.date() == day] == ledger.purchases(day, day, noon(START))
    assert ledger.purchases(day, day - timedelta(days=1), noon(START)) == []


def test_the_clock_runs_at_its_speed_can_be_pushed_and_ends_with_its_last_year() -> None:
    now_s = 100.0
    clock = PortalClock(datetime(2026, 11, 21, tzinfo=UTC), 60, lambda: now_s)
    now_s += 10
    assert clock.now() == datetime(2026, 11, 21, 0, 10, tzinfo=UTC)
    clock.turn(3600, 1)
    now_s += 10
    assert clock.now() == datetime(2026, 11, 21, 1, 10, 10, tzinfo=UTC)
    assert clock.elapsed_s() == 3620
    clock.turn(9e8, 1e6)
    now_s += 1e9
    assert clock.now().year == 2200


def test_making_the_house_works_nothing_out() -> None:
    before_s = process_time()
    for seed in range(100):
        homes(seed, START)
    assert process_time() - before_s < 0.02


def test_kinds_and_numbers_look_like_the_portals() -> None:
    assert [(len(home.number), home.kind) for home in (ELECTRICITY, WATER)] == [
        (8, Kind.ELECTRICITY),
        (10, Kind.WATER),
    ]
