"""How many customers there are, as far as answers and configuration tell."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from wattdeck.systems.aneel import universe as module
from wattdeck.systems.aneel.models import BRASILIA, SLOT, Row
from wattdeck.systems.aneel.universe import Universe

AT = datetime(2026, 3, 3, 14, tzinfo=BRASILIA)
BOA_VISTA, CARACARAI = 1400100, 1400209


def test_a_municipality_has_the_customers_of_every_set_ever_seen_in_it() -> None:
    universe = Universe()
    universe.learn([Row(1, CARACARAI, 3000, 0, 5), Row(2, CARACARAI, 500, 0, 5)], AT)
    universe.learn([Row(1, CARACARAI, 3100, 0, 5)], AT + SLOT)
    assert universe.customers_of(CARACARAI) == (3600, False)
    assert universe.customers_of_set(1) == (3100, False)
    assert universe.customers_of_pair(2, CARACARAI) == 500


def test_nothing_is_known_of_a_place_nobody_has_told_of() -> None:
    universe = Universe()
    assert universe.customers_of(CARACARAI) == (None, False)
    assert universe.customers_of_set(1) == (None, False)
    assert universe.customers_of_pair(1, CARACARAI) is None
    assert universe.total is None


def test_a_seed_holds_until_the_sets_seen_have_more_customers() -> None:
    universe = Universe({"1400100": 120_000, "1400209": 5000})
    universe.learn([Row(1, BOA_VISTA, 48_210, 0, 5), Row(1, CARACARAI, 5120, 0, 5)], AT)
    assert universe.customers_of(BOA_VISTA) == (120_000, False)
    assert universe.customers_of(CARACARAI) == (5120, False)
    assert universe.total == 125_120
    assert not universe.total_estimated


@pytest.mark.parametrize("told", [None, 0])
def test_without_a_number_the_most_ever_out_stands_for_it_and_is_said_to_be_an_estimate(told: int | None) -> None:
    universe = Universe()
    for out in (40, 310, 12):
        universe.learn([Row(1, CARACARAI, told, 0, out)], AT)
    assert universe.customers_of(CARACARAI) == (310, True)
    assert universe.total_estimated


def test_a_total_without_seeds_is_an_estimate_because_sets_that_were_never_out_are_missing() -> None:
    universe = Universe()
    universe.learn([Row(1, CARACARAI, 5120, 0, 5)], AT)
    assert universe.total == 5120
    assert universe.total_estimated


def test_an_answer_for_an_older_half_hour_changes_no_denominator() -> None:
    universe = Universe()
    universe.learn([Row(1, CARACARAI, 5120, 0, 5)], AT)
    universe.learn([Row(1, CARACARAI, 4000, 0, 900)], AT - SLOT)
    assert universe.customers_of(CARACARAI) == (5120, False)


def test_an_older_number_is_better_than_none() -> None:
    universe = Universe()
    universe.learn([Row(1, CARACARAI, None, 0, 5)], AT)
    universe.learn([Row(1, CARACARAI, 5120, 0, 5)], AT - SLOT)
    assert universe.customers_of(CARACARAI) == (5120, False)


@pytest.mark.parametrize(("after", "jumps"), [(15_360, False), (15_361, True), (1707, False), (1706, True)])
def test_a_denominator_that_changes_more_than_threefold_is_kept_and_flagged_for_a_day(after: int, jumps: bool) -> None:
    universe = Universe()
    universe.learn([Row(1, CARACARAI, 5120, 0, 5)], AT - SLOT)
    found = universe.learn([Row(1, CARACARAI, after, 0, 5)], AT)
    assert universe.customers_of(CARACARAI) == (after, False)
    assert [(jump.before, jump.after) for jump in found] == ([(5120, after)] if jumps else [])
    assert universe.jumps == found
    assert universe.reconfigured(AT) == ({(1, CARACARAI)} if jumps else set())
    assert not universe.reconfigured(AT + timedelta(days=1))
    assert not universe.reconfigured(AT - SLOT)


def test_only_so_many_pairs_are_remembered_and_the_longest_unseen_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAIRS_MAX", 10)
    universe = Universe()
    for number in range(11):
        universe.learn([Row(number + 1, CARACARAI + number % 2, 100, 0, 5)], AT + number * SLOT)
    assert universe.customers_of_pair(11, CARACARAI) == 100
    assert universe.customers_of_pair(1, CARACARAI) is None
    assert universe.total == 900
    assert universe.customers_of_set(1) == (None, False)
