"""Where the month goes: the sheet's example to the minute, month and year ends, any host zone, bad days."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattdeck.systems.usms.models import BRUNEI, Kind, Projection, TierCost
from wattdeck.systems.usms.projection import DAY_LIMIT, month_cost, past_month, project
from wattdeck.systems.usms.tariff import tariff_for

TARIFF = tariff_for(Kind.ELECTRICITY)
NOW = datetime(2026, 10, 14, 15, 0, tzinfo=BRUNEI)
EXAMPLE = {date(2026, 9, d): 30.0 for d in range(20, 31)} | {date(2026, 10, d): 40.0 + d for d in range(1, 14)}


@pytest.fixture(params=["UTC", "America/Los_Angeles", "Asia/Brunei"], autouse=True)
def _host_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def flat(first: date, last: date, value: float = 10.0) -> dict[date, float]:
    return {first + timedelta(days=n): value for n in range((last - first).days + 1)}


def at(year: int, month: int, day: int, hour: int = 12, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=BRUNEI)


def projected(days: dict[date, float], now: datetime, remaining_unit: float | None = None) -> Projection:
    found = project(days, now, TARIFF, remaining_unit)
    assert found is not None
    return found


def test_the_example_of_the_sheet_comes_out_to_the_minute() -> None:
    found = projected(EXAMPLE, NOW, 1971.317)
    assert (found.rate_per_day, found.total, found.cost_bnd) == (48.5, 1484.0, 76.72)
    assert found.runs_out_at is not None
    assert found.runs_out_at.isoformat(timespec="minutes") == "2026-11-24T06:29+08:00"


def test_the_same_moment_in_another_zone_gives_the_same_projection() -> None:
    assert projected(EXAMPLE, NOW.astimezone(UTC), 1971.317) == projected(EXAMPLE, NOW, 1971.317)
    assert projected(EXAMPLE, NOW.astimezone(), 1971.317) == projected(EXAMPLE, NOW, 1971.317)


def test_the_day_changes_at_midnight_in_brunei_and_nowhere_else() -> None:
    days = flat(date(2026, 10, 1), date(2026, 10, 13)) | {date(2026, 10, 14): 500.0}
    before = datetime(2026, 10, 14, 15, 59, 59, tzinfo=UTC)
    assert projected(days, before).rate_per_day == 10.0, "the 14th is not over"
    assert projected(days, before + timedelta(seconds=1)).rate_per_day == pytest.approx((80 + 45) / 2, abs=1e-3)


def test_today_and_later_play_no_part() -> None:
    extra = {date(2026, 10, 14): 9_000.0, date(2026, 10, 15): 9_000.0, date(2026, 11, 1): 9_000.0}
    assert project(EXAMPLE | extra, NOW, TARIFF, 100.0) == project(EXAMPLE, NOW, TARIFF, 100.0)


def test_the_order_of_the_days_plays_no_part() -> None:
    backwards = dict(reversed(EXAMPLE.items()))
    assert project(backwards, NOW, TARIFF, 100.0) == project(EXAMPLE, NOW, TARIFF, 100.0)


def test_on_the_first_of_the_month_the_week_before_speaks_alone() -> None:
    found = projected(flat(date(2026, 9, 1), date(2026, 9, 30), 20.0), at(2026, 10, 1, 0, 1))
    assert (found.rate_per_day, found.total) == (20.0, 620.0), "31 days are left, today among them"


def test_on_the_last_of_the_month_today_alone_is_left() -> None:
    found = projected(flat(date(2026, 10, 1), date(2026, 10, 30)), at(2026, 10, 31, 23, 59))
    assert found.total == 310.0


def test_the_week_before_reaches_back_over_the_new_year() -> None:
    days = flat(date(2026, 12, 20), date(2026, 12, 31), 7.0) | {date(2027, 1, 1): 14.0, date(2027, 1, 2): 14.0}
    found = projected(days, at(2027, 1, 3))
    assert found.rate_per_day == 11.5, "half of (5 x 7 + 2 x 14) / 7, half of 14"
    assert found.total == 28 + 29 * 11.5


def test_december_has_a_last_day() -> None:
    assert projected(flat(date(2026, 12, 1), date(2026, 12, 30)), at(2026, 12, 31)).total == 310.0


@pytest.mark.parametrize(("year", "length"), [(2026, 28), (2028, 29), (2000, 29)])
def test_february_is_as_long_as_it_is(year: int, length: int) -> None:
    found = projected(flat(date(year, 2, 1), date(year, 2, 10)), at(year, 2, 11))
    assert found.total == 10.0 * length


def test_29_february_is_a_day_like_any_other() -> None:
    days = flat(date(2028, 2, 1), date(2028, 2, 28)) | {date(2028, 2, 29): 80.0}
    on_the_day = projected(days, at(2028, 2, 29))
    assert (on_the_day.rate_per_day, on_the_day.total) == (10.0, 290.0)
    assert projected(days, at(2028, 3, 1)).rate_per_day == 20.0, "(6 x 10 + 80) / 7"


@pytest.mark.parametrize("days", [{}, {date(2026, 10, 14): 5.0}, {date(2026, 10, 20): 5.0}, {date(2026, 10, 1): -1.0}])
def test_without_a_complete_day_there_is_no_projection(days: dict[date, float]) -> None:
    assert project(days, NOW, TARIFF, 100.0) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, DAY_LIMIT * 2])
def test_a_value_no_day_can_have_counts_as_missing(value: float) -> None:
    spoilt = EXAMPLE | {date(2026, 10, 13): value}
    whole = {day: value for day, value in EXAMPLE.items() if day != date(2026, 10, 13)}
    assert project(spoilt, NOW, TARIFF, 100.0) == project(whole, NOW, TARIFF, 100.0)


def test_a_meter_that_stands_still_lasts_for_ever() -> None:
    found = projected(flat(date(2026, 10, 1), date(2026, 10, 13), 0.0), NOW, 100.0)
    assert found == Projection(0.0, 0.0, 0.0, None)


@pytest.mark.parametrize("remaining_unit", [None, -0.001, float("nan"), float("inf")])
def test_without_a_remainder_there_is_no_last_day(remaining_unit: float | None) -> None:
    assert projected(EXAMPLE, NOW, remaining_unit).runs_out_at is None


def test_nothing_left_runs_out_now() -> None:
    assert projected(EXAMPLE, NOW, 0.0).runs_out_at == NOW


def test_an_end_beyond_the_calendar_is_no_end() -> None:
    drip = flat(date(2026, 10, 1), date(2026, 10, 13), 0.001)
    assert projected(drip, NOW, 1e6).runs_out_at is None
    assert projected(drip, NOW, 1e308).runs_out_at is None


def test_a_time_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 10, 14, 15)  # noqa: DTZ001  the case
    with pytest.raises(ValueError, match="no time zone"):
        project(EXAMPLE, naive, TARIFF, None)
    with pytest.raises(ValueError, match="no time zone"):
        month_cost("12345678", Kind.ELECTRICITY, EXAMPLE, naive, None)


dates = st.dates(date(2023, 12, 1), date(2024, 3, 31))
moments = st.datetimes(datetime(2024, 1, 1), datetime(2024, 3, 31), timezones=st.just(UTC))  # noqa: DTZ001  made aware


@given(st.dictionaries(dates, st.floats(allow_nan=True, allow_infinity=True)), moments, st.none() | st.floats())
def test_whatever_the_days_hold_the_projection_holds_together(
    days: dict[date, float], now: datetime, remaining_unit: float | None
) -> None:
    month = month_cost("12345678", Kind.ELECTRICITY, days, now, remaining_unit)
    found = month.projection
    assert found == project(days, now, TARIFF, remaining_unit)
    if found is not None:
        assert found.total >= 0 and found.rate_per_day >= 0
        assert found.cost_bnd == float(TARIFF.cost(found.total))
        assert found.runs_out_at is None or found.runs_out_at >= now
    if month.cost_bnd is not None:
        assert sum(Decimal(str(tier.cost_bnd)) for tier in month.tiers) == Decimal(str(month.cost_bnd))


def test_the_month_so_far_has_its_sum_its_cost_and_its_tiers() -> None:
    days = EXAMPLE | {date(2026, 10, 14): 12.3456}
    month = month_cost("12345678", Kind.ELECTRICITY, days, NOW, 1971.317)
    assert (month.meter, month.start) == ("12345678", date(2026, 10, 1))
    assert (month.consumption, month.days_known, month.cost_bnd) == (623.346, 14, 7.87)
    assert month.tiers == (TierCost(1, 0.01, 600.0, 6.0), TierCost(2, 0.08, 23.346, 1.87))
    assert month.projection == project(EXAMPLE, NOW, TARIFF, 1971.317)


def test_water_is_priced_as_water() -> None:
    month = month_cost("2402007817", Kind.WATER, flat(date(2026, 10, 1), date(2026, 10, 10)), NOW, None)
    assert (month.consumption, month.cost_bnd) == (100.0, 26.0)


def test_a_month_without_a_day_is_unknown_and_not_free() -> None:
    month = month_cost("12345678", Kind.ELECTRICITY, flat(date(2026, 9, 1), date(2026, 9, 30)), at(2026, 10, 1), 50.0)
    assert (month.consumption, month.days_known, month.cost_bnd, month.tiers) == (None, 0, None, ())
    assert month.projection is not None and month.projection.total == 310.0, "September says what to expect"


def test_a_month_of_zeros_is_measured_and_free() -> None:
    month = month_cost("12345678", Kind.ELECTRICITY, {date(2026, 10, 1): 0.0}, NOW, None)
    assert (month.consumption, month.days_known, month.cost_bnd) == (0.0, 1, 0.0)
    assert month.tiers == (TierCost(1, 0.01, 0.0, 0.0),)


def test_the_month_changes_at_midnight_in_brunei() -> None:
    days = flat(date(2026, 12, 1), date(2026, 12, 31)) | {date(2027, 1, 1): 3.0}
    eve = datetime(2026, 12, 31, 15, 59, tzinfo=UTC)
    old = month_cost("12345678", Kind.ELECTRICITY, days, eve, None)
    new = month_cost("12345678", Kind.ELECTRICITY, days, eve + timedelta(minutes=1), None)
    assert (old.start, old.consumption, old.days_known) == (date(2026, 12, 1), 310.0, 31)
    assert (new.start, new.consumption, new.days_known) == (date(2027, 1, 1), 3.0, 1)


def test_a_month_gone_by_has_a_cost_and_no_projection() -> None:
    month = month_cost("12345678", Kind.ELECTRICITY, EXAMPLE, NOW, 1971.317, on=date(2026, 9, 17))
    assert (month.start, month.consumption, month.days_known) == (date(2026, 9, 1), 330.0, 11)
    assert (month.cost_bnd, month.projection) == (3.3, None)


def test_a_month_gone_by_needs_no_clock() -> None:
    asked = month_cost("12345678", Kind.ELECTRICITY, EXAMPLE, NOW, 1971.317, on=date(2026, 9, 1))
    assert past_month("12345678", Kind.ELECTRICITY, date(2026, 9, 30), EXAMPLE) == asked


def test_days_that_have_not_come_are_not_in_the_sum() -> None:
    days = EXAMPLE | {date(2026, 10, 15): 1.0}
    month = month_cost("12345678", Kind.ELECTRICITY, days, NOW, None)
    assert (month.consumption, month.days_known) == (611.0, 13)


def test_a_month_to_come_has_neither() -> None:
    month = month_cost("12345678", Kind.ELECTRICITY, {date(2026, 11, 1): 5.0}, NOW, 1.0, on=date(9999, 12, 31))
    assert (month.start, month.consumption, month.cost_bnd) == (date(9999, 12, 1), None, None)
    assert month.projection is None


def test_a_month_before_every_known_rate_keeps_its_sum() -> None:
    month = month_cost("12345678", Kind.ELECTRICITY, {date(1970, 1, 1): 5.0}, at(1970, 1, 2), 1.0)
    assert (month.consumption, month.days_known) == (5.0, 1)
    assert (month.cost_bnd, month.tiers, month.projection) == (None, (), None)
