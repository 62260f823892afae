"""Months and the windows that ranges are split into: no gap, no overlap, and nothing lost in another offset."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.systems.ccee.models import BRASILIA
from wattdeck.systems.ccee.months import (
    add_months,
    date_windows,
    first_day,
    month_of,
    month_windows,
    months_between,
    parse_month,
    same_month_windows,
)

months = st.dates(date(1990, 1, 1), date(2090, 12, 31)).map(month_of)
days = st.dates(date(1990, 1, 1), date(2090, 12, 31))


@pytest.mark.parametrize(
    ("text", "month"), [("2026-10", "2026-10"), ("2026-1", "2026-01"), (" 2026-12 ", "2026-12"), ("0001-01", "0001-01")]
)
def test_a_month_is_read_with_and_without_its_zero(text: str, month: str) -> None:
    assert parse_month(text) == month


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2026-13", "there is no month 13"),
        ("2026-0", "there is no month 0"),
        ("0000-01", "there is no year 0000"),
        ("2026-10-01", "not a month"),
        ("10/2026", "not a month"),
        ("٢٠٢٦-٠١", "not a month"),
        ("", "not a month"),
        ("2026-10\x1b[31m", "not a month"),
    ],
)
def test_what_is_no_month_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        parse_month(text)
    assert str(refused.value).isprintable()


def test_a_month_is_that_of_the_values_own_offset() -> None:
    assert month_of(datetime(2026, 10, 1, tzinfo=UTC)) == "2026-10"
    assert month_of(datetime(2026, 10, 1, tzinfo=BRASILIA)) == "2026-10"
    assert month_of(date(987, 1, 31)) == "0987-01"


def test_a_month_outside_the_calendar_is_refused() -> None:
    with pytest.raises(ValueError, match="out of range"):
        add_months("9999-12", 1)


def test_ranges_are_split_as_the_sheet_shows() -> None:
    assert month_windows("2025-11", "2027-2") == [("2025-11", "2026-10"), ("2026-11", "2027-02")]
    assert date_windows(date(2025, 1, 31), date(2026, 3, 5)) == [
        (date(2025, 1, 31), date(2026, 1, 30)),
        (date(2026, 1, 31), date(2026, 3, 5)),
    ]
    start, end = datetime(2026, 2, 27, tzinfo=BRASILIA), datetime(2026, 3, 1, 23, 59, 59, tzinfo=BRASILIA)
    assert same_month_windows(start, end) == [
        (start, datetime(2026, 2, 28, 23, 59, 59, tzinfo=BRASILIA)),
        (datetime(2026, 3, 1, tzinfo=BRASILIA), end),
    ]


@pytest.mark.parametrize(
    "split",
    [
        lambda: month_windows("2026-02", "2026-01"),
        lambda: date_windows(date(2026, 1, 2), date(2026, 1, 1)),
        lambda: same_month_windows(datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_range_that_ends_before_it_starts_is_refused(split: object) -> None:
    assert callable(split)
    with pytest.raises(ValueError, match="before it starts"):
        split()


def test_a_range_with_one_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="one end of the range has a time zone"):
        same_month_windows(datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None), datetime(2026, 1, 2, tzinfo=UTC))


def test_windows_reach_the_end_of_the_calendar() -> None:
    assert date_windows(date(9999, 1, 1), date.max) == [(date(9999, 1, 1), date.max)]
    assert month_windows("9999-01", "9999-12") == [("9999-01", "9999-12")]


@given(months, st.integers(-500, 500))
def test_adding_months_can_be_undone_and_counted(month: str, count: int) -> None:
    later = add_months(month, count)
    assert add_months(later, -count) == month
    assert months_between(month, later) == count + 1
    assert (later >= month) == (count >= 0)
    assert month_of(first_day(later)) == later


@settings(max_examples=50)
@given(months, st.integers(0, 300))
def test_windows_of_months_cover_the_range_exactly(first: str, count: int) -> None:
    windows = month_windows(first, add_months(first, count))
    covered = [add_months(start, n) for start, end in windows for n in range(months_between(start, end))]
    assert covered == [add_months(first, n) for n in range(count + 1)]
    assert all(1 <= months_between(start, end) <= 12 for start, end in windows)


@settings(max_examples=50)
@given(days, st.integers(0, 3000))
def test_windows_of_days_cover_the_range_exactly(first: date, count: int) -> None:
    last = first + timedelta(days=count)
    windows = date_windows(first, last)
    assert (windows[0][0], windows[-1][1]) == (first, last)
    for (_, end), (start, _) in itertools.pairwise(windows):
        assert start - end == timedelta(days=1)
    for start, end in windows:
        assert start <= end
        following = end + timedelta(days=1)
        assert (following.year - start.year) * 12 + following.month - start.month <= 12
        assert (following - start).days <= 366


@settings(max_examples=50)
@given(
    st.datetimes(datetime.fromisoformat("1990-01-01"), datetime.fromisoformat("2080-01-01")),
    st.timedeltas(timedelta(0), timedelta(days=700)),
    st.sampled_from([None, BRASILIA, UTC, timezone(timedelta(hours=14))]),
    st.sampled_from([BRASILIA, UTC]),
)
def test_windows_of_one_month_cover_the_range_to_the_second(
    start: datetime, length: timedelta, zone: timezone | None, other: timezone
) -> None:
    start = start.replace(tzinfo=zone)
    end = start + length
    windows = same_month_windows(start, end if zone is None else end.astimezone(other))
    assert windows[0][0] == start.replace(microsecond=0)
    assert windows[-1][1] == end.replace(microsecond=0)
    for (_, before), (after, _) in itertools.pairwise(windows):
        assert after - before == timedelta(seconds=1)
    for first, last in windows:
        assert first <= last
        assert month_of(first) == month_of(last)
        assert first.tzinfo is last.tzinfo is zone
