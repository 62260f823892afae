"""What is remembered of half hours, whatever the order, the file and the clock do."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aneel_checks import exchange, outages, row
from fakes import ManualClock
from wattdeck.systems.aneel import slotfile
from wattdeck.systems.aneel.backfill import Backfill
from wattdeck.systems.aneel.exchange import Exchange
from wattdeck.systems.aneel.models import BRASILIA, SLOT, Row
from wattdeck.systems.aneel.slots import Slots
from wattdeck.systems.aneel.universe import Universe

AT = datetime(2026, 3, 3, 14, tzinfo=BRASILIA)
BOA_VISTA, CARACARAI = 1400100, 1400209
KEY = (16101, CARACARAI)

ROW = st.builds(
    Row, st.integers(1, 99_999), st.sampled_from([BOA_VISTA, CARACARAI]), st.none() | st.integers(0, 10**6),
    st.integers(0, 2**31 - 1), st.integers(0, 9),
)  # fmt: skip


def out(customers: int, set_code: int = KEY[0], municipality: int = KEY[1]) -> Row:
    return Row(set_code, municipality, 5120, 0, customers)


def filled(*outs: int | None) -> Slots:
    """The last half hours up to AT, with so many out in one set; None is a gap."""
    slots = Slots()
    for back, customers in enumerate(reversed(outs)):
        if customers is not None:
            slots.put(AT - back * SLOT, [out(customers)] if customers else [])
    return slots


@settings(max_examples=30, deadline=None)
@given(st.dictionaries(st.integers(0, 300), st.lists(ROW, max_size=4), max_size=6), st.randoms())
def test_what_was_put_comes_back_from_memory_and_file_in_whatever_order(
    tmp_path_factory: pytest.TempPathFactory, told: dict[int, list[Row]], random: Random
) -> None:
    path = tmp_path_factory.mktemp("slots") / "one.slots"
    order = list(told)
    random.shuffle(order)
    slots = Slots(path)
    for back in order:
        slots.put(AT - back * SLOT, told[back])
    assert slots.save() == ""
    again = Slots(path)
    again.load()
    for each in (slots, again):
        assert each.known() == [AT - back * SLOT for back in sorted(told, reverse=True)]
        assert all(each.get(AT - back * SLOT) == tuple(rows) for back, rows in told.items())
        assert each.since() == slots.since()


def test_a_moment_counts_as_the_half_hour_it_lies_in() -> None:
    slots = Slots()
    slots.put(datetime(2026, 3, 3, 17, 29, 59, tzinfo=UTC), [out(5)])
    assert slots.newest == AT
    assert slots.get(AT + SLOT) is None


def test_a_half_hour_that_is_put_twice_keeps_the_newer_answer(tmp_path: Path) -> None:
    path = tmp_path / "one.slots"
    slots = Slots(path)
    slots.put(AT, [out(5)])
    slots.save()
    slots.put(AT, [out(7)])
    slots.save()
    again = Slots(path)
    again.load()
    assert slots.get(AT) == again.get(AT) == (out(7),)


def test_an_answer_without_rows_is_known_and_a_half_hour_without_answer_is_not() -> None:
    slots = filled(0, None, 4)
    assert slots.get(AT - 2 * SLOT) == ()
    assert slots.get(AT - SLOT) is None
    assert slots.missing(AT - 3 * SLOT, AT) == [AT - 3 * SLOT, AT - SLOT]
    assert slots.missing(AT - 3 * SLOT + timedelta(minutes=1), AT) == [AT - SLOT]


def test_of_a_long_time_only_the_last_eight_days_are_missing() -> None:
    missing = Slots().missing(AT - timedelta(days=4000), AT)
    assert (len(missing), missing[-1]) == (384, AT)
    assert Slots().missing(AT, AT - SLOT) == []


def test_eight_days_are_kept_and_the_customers_of_older_half_hours_are_remembered(tmp_path: Path) -> None:
    path = tmp_path / "one.slots"
    slots = Slots(path)
    slots.put(AT - 384 * SLOT, [out(9, set_code=16999)])
    for back in range(383, -1, -1):
        slots.put(AT - back * SLOT, [out(1)])
    slots.put(AT - 500 * SLOT, [out(2)])
    slots.save()
    slotfile.compact(path)
    again = Slots(path)
    again.load()
    for each in (slots, again):
        assert len(each.known()) == 384
        assert each.get(AT - 384 * SLOT) is None
        universe = Universe()
        each.teach(universe)
        assert universe.customers_of_pair(16999, CARACARAI) == 5120


def test_of_what_is_not_kept_the_newest_number_of_customers_and_the_most_ever_out_are_remembered() -> None:
    kept = slotfile.Kept()
    for index, served, most_out in ((5, 300, 10), (7, -1, 90), (3, 200, 20), (2, -1, 1)):
        kept.remember(KEY, (index, served, most_out))
    assert kept.past == {KEY: (5, 300, 90)}
    kept.remember(KEY, (8, 310, 4))
    assert kept.past == {KEY: (8, 310, 90)}


def test_so_many_rows_at_most_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slotfile, "ROWS_MAX", 10)
    slots = Slots()
    for back in range(5):
        slots.put(AT - back * SLOT, [out(1, set_code=code) for code in range(1, 5)])
    assert slots.known() == [AT - SLOT, AT]


@pytest.mark.parametrize("cut", [1, 2, 5, 20])
def test_a_line_cut_short_is_left_out_and_what_follows_it_is_not_lost(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "one.slots"
    slots = Slots(path)
    slots.put(AT - SLOT, [out(5)])
    slots.put(AT, [out(1204)])
    slots.save()
    path.write_bytes(path.read_bytes()[:-cut])
    slots.put(AT + SLOT, [out(6)])
    slots.save()
    again = Slots(path)
    again.load()
    # Without its line end alone a line is whole.
    assert again.known() == [AT - SLOT, *([AT] if cut == 1 else []), AT + SLOT]


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60) | st.text("sp 0123456789,.-\n", max_size=60).map(str.encode))
def test_whatever_a_file_holds_it_is_read_without_harm(data: bytes) -> None:
    kept = slotfile.replay(data)
    assert all(len(numbers) % slotfile.FIELDS == 0 for numbers in kept.slots.values())


def test_two_sessions_write_one_file_and_neither_loses_what_the_other_has_put(tmp_path: Path) -> None:
    path = tmp_path / "one.slots"
    one, other = Slots(path), Slots(path)
    one.put(AT - SLOT, [out(5)])
    one.save()
    other.put(AT, [out(6)])
    other.save()
    slotfile.compact(path)
    one.put(AT + SLOT, [out(7)])
    one.save()
    again = Slots(path)
    again.load()
    assert [rows[0].out for slot in again.known() if (rows := again.get(slot))] == [5, 6, 7]


def test_a_file_that_grows_is_shortened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slotfile, "COMPACT_BYTES", 300)
    path = tmp_path / "one.slots"
    slots = Slots(path)
    for customers in range(1, 100):
        slots.put(AT, [out(customers)])
        assert slots.save() == ""
    assert path.stat().st_size < 600
    again = Slots(path)
    again.load()
    assert again.get(AT) == (out(99),)


def test_what_cannot_be_written_is_said_and_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "one.slots"
    path.parent.write_text("in the way")
    slots = Slots(path)
    slots.put(AT, [out(5)])
    assert "cannot be written" in slots.save()
    path.parent.unlink()
    assert slots.save() == ""
    again = Slots(path)
    again.load()
    assert again.get(AT) == (out(5),)


def test_a_file_that_is_none_gives_nothing(tmp_path: Path) -> None:
    slots = Slots(tmp_path)
    slots.load()
    assert slots.known() == []


def test_what_was_put_before_the_file_was_read_stays(tmp_path: Path) -> None:
    path = tmp_path / "one.slots"
    first = Slots(path)
    first.put(AT, [out(5)])
    first.put(AT - SLOT, [out(4)])
    first.save()
    slots = Slots(path)
    slots.put(AT, [out(9)])
    slots.load()
    assert slots.get(AT) == (out(9),)
    assert slots.get(AT - SLOT) == (out(4),)


# Runs


@pytest.mark.parametrize(
    ("outs", "back", "at_least"),
    [
        ((0, 5, 5, 5), 2, False),
        ((5, 5, 5), 2, True),
        ((0, 5, 0, 5), 0, False),
        ((0, 5, None, None, 5), 3, False),
        ((0, 5, None, None, None, 5), 0, True),
        ((0, None, 5), 0, False),
        ((5, None, None, None, 0, 5, 5), 1, False),
    ],
)
def test_an_outage_lasts_since_its_run_began_and_an_hour_unknown_does_not_break_it(
    outs: tuple[int | None, ...], back: int, at_least: bool
) -> None:
    slots = filled(*outs)
    assert slots.since() == {KEY: AT - back * SLOT}
    assert slots.at_least() == ({KEY} if at_least else set())


def test_what_is_not_out_has_no_start_and_nothing_known_has_none_either() -> None:
    assert filled(5, 0).since() == {}
    assert Slots().since() == {}
    assert Slots().at_least() == frozenset()


def test_a_gap_that_is_filled_later_joins_the_runs() -> None:
    slots = filled(0, 5, None, None, None, 5)
    assert slots.since() == {KEY: AT}
    slots.put(AT - 2 * SLOT, [out(3)])
    assert slots.since() == {KEY: AT - 4 * SLOT}


def test_looking_back_shows_how_long_it_had_lasted_then() -> None:
    slots = filled(0, 5, 5, 0, 5)
    assert slots.since(AT - 2 * SLOT) == {KEY: AT - 3 * SLOT}
    assert slots.since() == {KEY: AT}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.none() | st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=14))
def test_runs_followed_step_by_step_are_those_found_by_walking_back(story: list[list[bool] | None]) -> None:
    followed = Slots()
    for number, sets in enumerate(story):
        if sets is None:
            continue
        slot = AT + number * SLOT
        followed.put(slot, [out(5, set_code=code) for code, is_out in enumerate(sets, 1) if is_out])
        anew = Slots()
        for known in followed.known():
            anew.put(known, followed.get(known) or ())
        assert followed.since() == anew.since()
        assert followed.at_least() == anew.at_least()


# Series


def test_a_series_has_every_half_hour_gaps_as_none_and_can_be_of_one_place() -> None:
    slots = Slots()
    slots.put(AT - 2 * SLOT, [out(5), out(3, set_code=2), out(9, set_code=2, municipality=BOA_VISTA)])
    slots.put(AT, [])
    moments = [AT - 2 * SLOT, AT - SLOT, AT]
    assert slots.series() == list(zip(moments, [17, None, 0], strict=True))
    assert [value for _, value in slots.series(CARACARAI)] == [8, None, 0]
    assert [value for _, value in slots.series(set_code=2)] == [12, None, 0]
    assert [value for _, value in slots.series(CARACARAI, set_code=2)] == [3, None, 0]
    assert slots.series(last=AT + SLOT)[-1] == (AT + SLOT, None)
    assert slots.series(last=AT - SLOT) == [(moments[0], 17), (moments[1], None)]
    assert Slots().series() == []


def test_customer_hours_of_a_day_leave_out_gaps() -> None:
    slots = filled(10, None, 20, 1000)
    reckoned = slots.chi()
    assert (reckoned.customer_h, reckoned.missing_h) == (15.0, 23.0)
    assert slots.chi_customer_h(AT) == 15.0
    assert Slots().chi().customer_h is None


# Clocks and strange rows


def test_half_hours_of_a_clock_that_was_wrong_drive_out_no_others_and_can_be_left_out() -> None:
    slots = filled(5, 5, 5)
    slots.put(AT + timedelta(days=4000), [out(1)])
    assert slots.get(AT) == (out(5),)
    assert slots.since(AT) == {KEY: AT - 2 * SLOT}
    slots.forget_after(AT)
    assert slots.newest == AT
    assert slots.since() == {KEY: AT - 2 * SLOT}


def test_numbers_beyond_the_protocol_are_cut_and_codes_beyond_it_left_out() -> None:
    slots = Slots()
    slots.put(AT, [Row(1, CARACARAI, 2**40, -3, 2**40), Row(2**40, CARACARAI, 1, 1, 1), Row(-1, 1, 1, 1, 1)])
    assert slots.get(AT) == (Row(1, CARACARAI, 2**31 - 1, 0, 2**31 - 1),)


class Distributor:
    """Answers about the past, from what was out in each half hour."""

    def __init__(self, rows: Callable[[datetime], list[dict[str, Any]]]) -> None:
        self.clock, self.slots, self.asked = ManualClock(AT), Slots(), 0
        self._rows = rows
        self.past = Backfill(self.slots, Universe(), self._ask, self.clock)

    async def _ask(self, moment: datetime) -> Exchange:
        self.asked += 1
        return exchange(outages(*self._rows(moment)))


@pytest.mark.anyio
async def test_nothing_out_is_no_proof_that_a_server_has_a_past() -> None:
    now: list[dict[str, Any]] = []
    ignoring = Distributor(lambda _: now)

    assert [await ignoring.past.fill(2) for _ in range(2)] == [0, 0]
    assert ignoring.asked == 4
    now.append(row())

    assert await ignoring.past.fill(2) == 0
    assert ignoring.past.has_no_past
    assert ignoring.slots.known() == []


@pytest.mark.anyio
async def test_quiet_half_hours_are_believed_once_the_server_is_seen_to_have_a_past() -> None:
    noisy = {AT - 4 * SLOT: [row()]}
    true = Distributor(lambda moment: noisy.get(moment, []))

    assert await true.past.fill(3) == 0
    assert await true.past.fill(1) == 5

    assert true.asked == 6
    assert true.slots.get(AT - SLOT) == ()
    assert true.slots.get(AT - 4 * SLOT) != ()


@pytest.mark.anyio
async def test_present_that_moves_between_two_questions_is_not_taken_for_a_past() -> None:
    served = itertools.count(1)
    moving = Distributor(lambda _: [row(qtdUCsAtendidas=500_000 + next(served))])

    assert await moving.past.fill(3) == 0

    assert moving.past.has_no_past and moving.slots.known() == []
