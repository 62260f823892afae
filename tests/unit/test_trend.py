"""Short memory of values: holes stay holes, the past is let go of, and slices hold what a naive model says."""

from __future__ import annotations

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattdeck.core.trend import SET_BACK_S, Trend

Sample = tuple[float, float | None]


def stored(value: float) -> float:
    """A value as four bytes hold it."""
    return array("f", [value])[0]


def filled(samples: list[Sample], key: str = "grid", keep_s: float = 3600.0) -> Trend:
    trend = Trend(keep_s)
    for time_s, value in samples:
        trend.add(time_s, {key: value})
    return trend


def test_an_empty_trend_knows_nothing() -> None:
    trend = Trend()
    assert (len(trend), trend.span_s) == (0, 0.0)
    assert trend.columns("grid", 0, 10, 3) == [None, None, None]
    assert trend.recent("grid", 2, 30, 100) == [None, None]


def test_a_gap_leaves_a_hole_and_not_a_bridge() -> None:
    trend = filled([(0, 1.0), (20, 3.0)])
    assert trend.columns("grid", 0, 30, 3) == [(1.0, 1.0), None, (3.0, 3.0)]
    trend.gap(30)
    assert trend.columns("grid", 0, 40, 4) == [(1.0, 1.0), None, (3.0, 3.0), None]
    assert (len(trend), trend.span_s) == (3, 30)


def test_a_gap_before_the_first_value_takes_no_room() -> None:
    trend = Trend()
    trend.gap(1)
    assert len(trend) == 0


def test_a_column_that_starts_late_or_stops_has_holes_there() -> None:
    trend = Trend()
    trend.add(0, {"grid": 1.0})
    trend.add(1, {"grid": 2.0, "solar": 5.0})
    trend.add(2, {"solar": 6.0})
    assert trend.columns("grid", 0, 3, 3) == [(1.0, 1.0), (2.0, 2.0), None]
    assert trend.columns("solar", 0, 3, 3) == [None, (5.0, 5.0), (6.0, 6.0)]


@pytest.mark.parametrize("time_s", [10.0, 9.0, -5.0])
def test_a_time_not_after_the_last_one_is_ignored(time_s: float) -> None:
    trend = filled([(10, 1.0), (time_s, 2.0)])
    assert len(trend) == 1 and trend.columns("grid", -10, 20, 1) == [(1.0, 1.0)]


def test_a_sample_that_is_no_number_changes_nothing() -> None:
    trend = filled([(0, 1.0)])
    with pytest.raises(ValueError, match="could not convert"):
        trend.add(1, {"solar": 2.0, "grid": "x"})  # type: ignore[dict-item]
    trend.add(2, {"grid": 3.0})
    assert trend.columns("grid", 0, 3, 3) == [(1.0, 1.0), None, (3.0, 3.0)]


def test_a_value_too_large_for_four_bytes_breaks_nothing() -> None:
    trend = filled([(0, 1e300), (1, 2.0)])
    assert len(trend) == 2 and trend.columns("grid", 1, 2, 1) == [(2.0, 2.0)]


def test_slices_that_make_no_sense_are_empty() -> None:
    trend = filled([(0, 1.0)])
    assert trend.columns("grid", 0, 10, 0) == []
    assert trend.columns("grid", 10, 0, 2) == [None, None]
    assert trend.columns("grid", 5, 5, 1) == [None]


def test_the_end_of_the_last_slice_is_not_in_it() -> None:
    assert filled([(0, 1.0), (10, 9.0)]).columns("grid", 0, 10, 2) == [(1.0, 1.0), None]


def test_recent_gives_means_of_whole_steps_the_last_one_still_running() -> None:
    trend = filled([(59, 100.0), (60, 10.0), (89, 20.0), (90, 6.0), (95, 8.0)])
    assert trend.recent("grid", 3, 30, 95) == [100.0, 15.0, 7.0]
    assert trend.recent("grid", 3, 30, 119.9) == [100.0, 15.0, 7.0]
    assert trend.recent("grid", 3, 30, 120) == [15.0, 7.0, None]
    assert trend.recent("nobody", 2, 30, 95) == [None, None]


def test_values_older_than_asked_for_are_let_go_of_and_the_newest_are_all_there() -> None:
    trend = Trend(keep_s=1000)
    for second in range(5000):
        trend.add(second, {"grid": float(second)})
    assert 1000 <= len(trend) <= 1000 + 2 * 256
    assert trend.columns("grid", 4000, 5000, 1) == [(4000.0, 4999.0)]


def test_a_circuit_that_is_gone_takes_no_room_for_ever() -> None:
    trend = Trend(keep_s=100)
    trend.add(0, {"grid": 1.0, "old": 1.0})
    for second in range(1, 1000):
        trend.add(second, {"grid": 1.0})
    assert trend.columns("old", 0, 1000, 1) == [None] and "old" not in trend._columns


SAMPLES = st.lists(
    st.tuples(
        st.floats(0, 5000, allow_nan=False),
        st.none() | st.floats(-1e6, 1e6, allow_nan=False, width=32),
    ),
    max_size=60,
)


def accepted(samples: list[Sample]) -> list[Sample]:
    kept: list[Sample] = []
    for time_s, value in samples:
        if kept and time_s < kept[-1][0] - SET_BACK_S:
            kept.clear()
        if not kept or time_s > kept[-1][0]:
            kept.append((time_s, value))
    return kept


@given(SAMPLES, st.floats(0, 5000), st.floats(0.5, 5000), st.integers(1, 40))
def test_columns_hold_the_lowest_and_highest_of_each_slice(
    samples: list[Sample], start_s: float, width_s: float, count: int
) -> None:
    end_s = start_s + width_s
    slices: list[list[float]] = [[] for _ in range(count)]
    for time_s, value in accepted(samples):
        if value is not None and start_s <= time_s < end_s:
            slices[min(count - 1, int((time_s - start_s) * (count / (end_s - start_s))))].append(value)
    expected = [(min(values), max(values)) if values else None for values in slices]
    assert filled(samples, keep_s=math.inf).columns("grid", start_s, end_s, count) == expected


@given(SAMPLES, st.floats(0, 6000), st.integers(1, 20), st.sampled_from([1.0, 7.5, 30.0]))
def test_recent_holds_the_mean_of_each_slice(samples: list[Sample], end_s: float, count: int, step_s: float) -> None:
    first = math.floor(end_s / step_s) - count + 1
    expected: list[float | None] = []
    for number in range(first, first + count):
        low_s, high_s = number * step_s, (number + 1) * step_s
        values = [value for time_s, value in accepted(samples) if value is not None and low_s <= time_s < high_s]
        expected.append(sum(values) / len(values) if values else None)
    found = filled(samples, keep_s=math.inf).recent("grid", count, step_s, end_s)
    assert found == [None if value is None else pytest.approx(value, rel=1e-9, abs=1e-6) for value in expected]


@given(SAMPLES)
def test_asking_often_changes_no_answer(samples: list[Sample]) -> None:
    asked = Trend(math.inf)
    for number, (time_s, value) in enumerate(samples, 1):
        asked.add(time_s, {"grid": value})
        unasked = filled(samples[:number], keep_s=math.inf)
        for end_s in (time_s, time_s - 30, time_s - 60):
            assert asked.recent("grid", 5, 30.0, end_s) == unasked.recent("grid", 5, 30.0, end_s)


def test_a_clock_that_was_set_back_starts_a_new_history() -> None:
    trend = filled([(5000, 1.0), (5001, 2.0)])
    trend.add(1400, {"grid": 3.0})
    assert trend.columns("grid", 0, 6000, 1) == [(3.0, 3.0)]


def test_values_are_kept_to_seven_digits() -> None:
    assert filled([(0, 1846.1234567)]).columns("grid", 0, 1, 1) == [(stored(1846.1234567), stored(1846.1234567))]
