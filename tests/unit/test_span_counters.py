"""Counters that fall, jump, are absent and recover: what is shown of them, for every sequence of readings."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattdeck.systems.span.counters import CONFIRM_READINGS, CONFIRM_S, FALL_WH, Counter, most_wh, net_wh

MINUTE = 60.0


@dataclass
class Bench:
    """A counter read once a minute."""

    counter: Counter
    now_s: float = 1e9

    def read(self, *readings: float | None, every_s: float = MINUTE, rating_a: float | None = 20.0) -> float | None:
        shown = None
        for raw_wh in readings:
            self.now_s += every_s
            shown = self.counter.read(raw_wh, self.now_s, rating_a)
        return shown


@pytest.fixture
def bench() -> Bench:
    return Bench(Counter())


def test_a_counter_that_only_rises_is_shown_as_it_is(bench: Bench) -> None:
    assert [bench.read(value) for value in (1000.0, 1000.0, 1010.5, 1300.0)] == [1000.0, 1000.0, 1010.5, 1300.0]
    assert (bench.counter.added_wh, bench.counter.turns) == (0, 0)


@pytest.mark.parametrize("low", [998.0, 400.0, 0.0])
def test_a_fall_is_bridged_and_taken_back_when_the_counter_recovers(bench: Bench, low: float) -> None:
    bench.read(1000.0)
    assert bench.read(low) == 1000.0 and bench.counter.provisional_wh == 1000.0 - low
    assert bench.read(low + 0.25) == 1000.25
    assert bench.read(1002.0) == 1002.0 and bench.counter.added_wh == 0


def test_less_than_one_wh_is_no_fall_however_often_it_comes(bench: Bench) -> None:
    bench.read(1000.0)
    assert {bench.read(999.5), bench.read(999.1), bench.read(999.9)} == {1000.0}
    assert bench.counter.turns == 0


def test_a_fall_that_lasts_is_confirmed_and_counted_on(bench: Bench) -> None:
    bench.read(1000.0, 100.0)
    bench.read(*[100.0 + n for n in range(1, 6)])
    assert (bench.counter.offset_wh, bench.counter.before_wh) == (900.0, None)
    assert bench.read(150.0) == 1050.0


def test_readings_in_a_row_are_not_enough_without_the_time_nor_the_time_without_them(bench: Bench) -> None:
    bench.read(1000.0, 100.0)
    bench.read(*[101.0] * 50, every_s=1.0)
    assert bench.counter.before_wh == 1000.0
    other = Bench(Counter())
    other.read(1000.0, 100.0)
    other.read(101.0, every_s=2 * CONFIRM_S)
    assert other.counter.before_wh == 1000.0 and CONFIRM_READINGS > 1


def test_a_second_fall_while_the_first_is_provisional_keeps_the_track_it_may_come_back_to(bench: Bench) -> None:
    bench.read(1000.0, 500.0)
    assert bench.read(0.0) == 1000.0 and bench.counter.before_wh == 1000.0
    assert bench.read(1001.0) == 1001.0 and bench.counter.added_wh == 0


def test_a_jump_beyond_what_the_breaker_carries_is_not_shown(bench: Bench) -> None:
    bench.read(1000.0)
    assert bench.read(2.5e12) == 1000.0
    assert bench.read(1005.0) == 1005.0 and bench.counter.added_wh == 0


def test_a_jump_that_stays_is_never_counted(bench: Bench) -> None:
    bench.read(1000.0)
    bench.read(*[7.8e10 + n for n in range(8)])
    assert bench.counter.before_wh is None
    assert bench.read(7.8e10 + 17) == pytest.approx(1017.0)


def test_a_step_of_ten_minutes_at_full_load_is_no_jump_and_neither_is_a_night_without_us(bench: Bench) -> None:
    bench.read(1000.0)
    bench.read(1000.0, every_s=1.0)
    assert bench.read(1800.0, every_s=1.0) == 1800.0
    assert bench.read(1800.0 + 20 * 240 * 8, every_s=8 * 3600) == 1800.0 + 38_400
    assert bench.counter.turns == 0


@pytest.mark.parametrize("absent", [None, float("nan"), float("inf")])
def test_an_absent_value_shows_nothing_and_changes_nothing(bench: Bench, absent: float | None) -> None:
    assert bench.read(absent) is None
    bench.read(1000.0)
    before = bench.counter.kept()
    assert bench.read(absent, absent) is None and bench.counter.kept() == before
    assert bench.read(1001.0) == 1001.0


def test_net_has_both_offsets_in_it() -> None:
    consumed, produced = Bench(Counter()), Bench(Counter())
    consumed.read(1000.0), produced.read(300.0)
    assert net_wh(consumed.read(10.0), produced.read(4.0)) == 700.0
    assert net_wh(None, 1.0) is net_wh(1.0, None) is None


def test_parts_that_became_one_circuit_go_on_as_their_sum() -> None:
    left, right = Bench(Counter()), Bench(Counter())
    left.read(1000.0, 400.0), right.read(2000.0)
    both = Bench(Counter.of_sum([left.counter, right.counter]), left.now_s)
    assert both.read(2410.0) == 3010.0
    assert Counter.of_sum([left.counter, Counter()]).raw_wh is None


@pytest.mark.parametrize("data", [None, {}, [], [1.0] * 8, [None] * 9, ["x", *[0] * 8], [True, *[0] * 8], [1e999] * 9])
def test_what_is_no_counter_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match=r"counter|_wh|_s|agreed|turns"):
        Counter.again(data)


WH = st.integers(0, 64_000_000).map(lambda n: n / 64)
READINGS = st.lists(st.tuples(st.none() | WH, st.integers(1, 7200)), min_size=1, max_size=40)


def replayed(readings: list[tuple[float | None, int]], counter: Counter | None = None) -> list[tuple[float, bool]]:
    """What was shown, and whether an offset had just been taken back."""
    counter, now_s, out = counter or Counter(), 1e9, []
    for raw_wh, later_s in readings:
        now_s += later_s
        was_held = counter.before_wh is not None
        held = counter.provisional_wh
        offset = counter.offset_wh
        shown = counter.read(raw_wh, now_s)
        if shown is not None:
            taken_back = was_held and counter.before_wh is None and counter.offset_wh == offset and held != 0
            out.append((shown, taken_back))
    return out


@given(READINGS)
def test_what_is_shown_falls_only_when_an_offset_is_taken_back(readings: list[tuple[float | None, int]]) -> None:
    shown = replayed(readings)
    for (before, _), (after, taken_back) in itertools.pairwise(shown):
        assert after >= before or taken_back


@given(READINGS)
def test_absent_readings_could_as_well_not_have_been(readings: list[tuple[float | None, int]]) -> None:
    present, waited_s = [], 0
    for raw_wh, later_s in readings:
        waited_s += later_s
        if raw_wh is not None:
            present.append((raw_wh, waited_s))
            waited_s = 0
    assert replayed(readings) == replayed(list(present))


@given(st.lists(st.integers(0, 6400).map(lambda n: n / 64), min_size=1, max_size=20), st.data())
def test_after_a_dip_of_one_or_two_readings_everything_is_exact_again(steps: list[float], data: st.DataObject) -> None:
    counter, raw_wh, now_s = Counter(), 50_000.0, 1e9
    counter.read(raw_wh, now_s)
    for step_wh in steps:
        raw_wh, now_s = raw_wh + step_wh, now_s + 15
        lost = data.draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
        for answer in range(data.draw(st.integers(0, 2)) if lost else 0):
            shown = counter.read(raw_wh * (1 - lost), now_s + answer)
            assert shown is not None and shown >= raw_wh - step_wh
        assert counter.read(raw_wh, now_s + 5) == raw_wh and counter.added_wh == 0


@given(READINGS, st.integers(0, 39))
def test_a_restart_in_between_changes_nothing(readings: list[tuple[float | None, int]], at: int) -> None:
    counter, kept = Counter(), None
    now_s = 1e9
    for index, (raw_wh, later_s) in enumerate(readings):
        if index == at:
            kept = Counter.again(json.loads(json.dumps(counter.kept())))
            assert kept == counter
        now_s += later_s
        shown = counter.read(raw_wh, now_s)
        assert kept is None or kept.read(raw_wh, now_s) == shown


@given(st.lists(st.tuples(WH, st.integers(1, 86_400)), min_size=2, max_size=40))
def test_no_more_is_counted_than_the_breakers_could_carry(readings: list[tuple[float, int]]) -> None:
    shown = [value for value, _ in replayed(list(readings))]
    most = sum(most_wh(None, later_s) for _, later_s in readings[1:])
    # A return to the old track after a fall may count what went on meanwhile, which the limit allows once more.
    assert shown[-1] - shown[0] <= 2 * most + FALL_WH * len(readings)
