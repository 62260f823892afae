"""Interruptions and demands of the simulated Roraima, by themselves: at any moment they are what could be true."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.systems.aneel import events
from wattdeck.systems.aneel.codes import TYPOLOGIES
from wattdeck.systems.aneel.events import Outage
from wattdeck.systems.aneel.history import KEPT_S, SLOT_S, History
from wattdeck.systems.aneel.models import BRASILIA
from wattdeck.systems.aneel.places import RORAIMA_CUSTOMERS, check_digit_ok
from wattdeck.systems.aneel.scenarios import SCENARIOS
from wattdeck.systems.aneel.simdemands import CASES_A_DAY, Cases, Counts, cpf
from wattdeck.systems.aneel.territory import LATITUDES, PLACES, SETS, Place

START = datetime(2026, 11, 20, 14, 0, tzinfo=BRASILIA)
START_S = START.timestamp()
HOUR_S = 3600.0
SERVED = {(place.set_code, place.municipality_code): place.customers for place in PLACES}
scenarios = st.sampled_from(SCENARIOS)
minutes = st.integers(-8 * 1440, 4 * 1440)


def out(history: History, hours: float) -> int:
    return sum(row.out for row in history.rows(START_S + hours * HOUR_S))


# the territory


def test_customers_of_the_sets_add_up_to_those_of_each_municipality() -> None:
    total: Counter[int] = Counter()
    for place in PLACES:
        total[place.municipality_code] += place.customers
    assert dict(total) == dict(RORAIMA_CUSTOMERS)
    assert set(LATITUDES) == set(RORAIMA_CUSTOMERS)
    assert all(check_digit_ok(code) for code in LATITUDES)


def test_about_two_sets_in_five_serve_more_than_one_municipality() -> None:
    assert 20 <= len(SETS) <= 30
    assert 0.35 <= sum(len(served) > 1 for served in SETS.values()) / len(SETS) <= 0.45


# rows


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 3), scenarios, minutes)
def test_rows_are_conformant_at_any_moment(seed: int, scenario: str, minute: int) -> None:
    rows = History(seed, START_S, scenario).rows(START_S + minute * 60)
    keys = [(row.set_code, row.municipality_code) for row in rows]
    assert len(keys) == len(set(keys))
    for row, key in zip(rows, keys, strict=True):
        assert row.customers_served == SERVED[key]
        assert row.planned_out >= 0 and row.unplanned_out >= 0
        assert 0 < row.out <= SERVED[key]


def test_customers_hit_twice_are_counted_once() -> None:
    place = Place(16112, 1400100, 800)
    twice = [Outage(place, False, 0, 100, 500), Outage(place, False, 0, 100, 500), Outage(place, True, 0, 100, 200)]
    row = events.rows(twice, 50)[0]
    assert (row.planned_out, row.unplanned_out) == (200, 600)
    assert events.rows(twice, 100) == ()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 2), scenarios, st.integers(0, 50))
def test_an_interruption_only_gets_smaller_and_ends_when_it_ends(seed: int, scenario: str, day: int) -> None:
    found = list(History(seed, START_S, scenario).outages(START_S + day * 86400, START_S + day * 86400))
    assert found
    for outage in found:
        assert 0 < outage.end_s - outage.start_s <= events.LONGEST_S
    for outage in found[day % 17 :: 17]:
        lasts_s = outage.end_s - outage.start_s
        counts = [outage.out(outage.start_s + lasts_s * part / 20) for part in range(20)]
        assert counts[0] == outage.customers <= outage.place.customers
        assert all(before >= after >= 1 for before, after in pairwise(counts))
        assert outage.out(outage.start_s - 1) == outage.out(outage.end_s) == 0


def test_the_same_seed_and_start_give_the_same_past_in_whatever_order_it_is_asked() -> None:
    moments = [START_S + hours * HOUR_S for hours in (-100, -2, 0, 5)]
    one, two = History(1, START_S, "storm"), History(1, START_S, "storm")
    assert [one.rows(moment) for moment in moments] == [two.rows(moment) for moment in reversed(moments)][::-1]
    assert one.rows(START_S) != History(2, START_S, "storm").rows(START_S)


# scenarios


def test_open_faults_of_each_scenario_are_as_many_as_the_sheet_has_them() -> None:
    calm, storm, severe = (History(1, START_S, name) for name in SCENARIOS)
    hours = [START_S + hour * HOUR_S for hour in range(-24, 48, 3)]
    assert all(0 < calm.open_faults(at_s) <= 50 for at_s in hours)
    assert 50 <= max(storm.open_faults(at_s) for at_s in hours) <= 220
    assert 500 <= max(severe.open_faults(at_s) for at_s in hours) <= 900


def test_figures_move_within_two_hours_even_on_a_calm_night() -> None:
    for seed in (1, 2):
        calm = History(seed, START_S, "calm")
        told = [calm.rows(START_S - number * SLOT_S) for number in range(7 * 48)]
        assert all(len(set(told[first : first + 4])) > 1 for first in range(len(told) - 3))


def test_totals_are_plausible_at_the_start_and_days_before() -> None:
    storm = History(1, START_S, "storm")
    assert 10_000 < out(storm, 0) < 40_000
    for hours in (-160, -72, -40):
        assert 10 < out(storm, hours) < 10_000
    assert all(5 < out(History(1, START_S, "calm"), hours) < 3_000 for hours in range(-72, 72, 8))


def test_the_front_crosses_the_state_from_north_to_south() -> None:
    history = History(1, START_S, "storm")
    hit: dict[int, list[float]] = {}
    for outage in events.front(1, "storm", 0, START_S):
        hit.setdefault(outage.place.municipality_code, []).append(outage.start_s - START_S)
    middle = {code: sorted(times)[len(times) // 2] / HOUR_S for code, times in hit.items()}
    assert middle[1400456] < middle[1400100] < middle[1400472]
    assert middle[1400472] - middle[1400456] > 3
    assert out(history, -3.5) < 2_000 < out(history, 0.5)


def test_crews_restore_the_large_ones_first_and_all_is_over_in_the_end() -> None:
    broken = events.front(1, "storm", 0, START_S)
    largest = sorted(broken, key=lambda outage: outage.customers)[-20:]
    smallest = sorted(broken, key=lambda outage: outage.customers)[:20]
    assert max(o.end_s - o.start_s for o in largest) < min(o.end_s - o.start_s for o in smallest[:5]) * 2
    assert sum(o.end_s - o.start_s for o in largest) < sum(o.end_s - o.start_s for o in smallest) / 2
    storm = History(1, START_S, "storm")
    assert out(storm, 1) > out(storm, 6) > out(storm, 16)
    assert storm.rows(START_S + 40 * HOUR_S) == History(1, START_S, "calm").rows(START_S + 40 * HOUR_S)


def test_another_scenario_leaves_the_past_and_the_repairs_alone() -> None:
    history, untouched = History(1, START_S, "storm"), History(1, START_S, "storm")
    history.change("calm", START_S)
    assert [history.rows(START_S - n * SLOT_S) for n in range(10)] == [
        untouched.rows(START_S - n * SLOT_S) for n in range(10)
    ]
    assert history.rows(START_S + HOUR_S) != untouched.rows(START_S + HOUR_S)
    assert out(history, 1) > 0
    history.change("severe", START_S + 30 * HOUR_S)
    assert history.scenario == "severe"
    assert out(history, 34) > 20_000


# what is kept


def test_a_minute_gets_the_half_hour_before_it_for_seven_days() -> None:
    history = History(1, START_S, "storm")
    now_s = START_S + 17 * 60
    assert history.recalled(START_S - 60, now_s) == history.rows(START_S - SLOT_S)
    assert history.recalled(START_S + 600, now_s) == history.rows(START_S)
    assert history.recalled(now_s + 60, now_s) is None
    assert history.recalled(now_s - KEPT_S, now_s) is not None
    assert history.recalled(now_s - KEPT_S - SLOT_S, now_s) is None


# demands


@settings(max_examples=25, deadline=None)
@given(scenarios, st.integers(0, 6), st.integers(0, 1438), st.integers(0, 1439))
def test_no_counter_of_a_day_falls(scenario: str, day: int, first: int, second: int) -> None:
    midnight_s = datetime(2026, 11, 18, tzinfo=BRASILIA).timestamp() + day * 86400
    counts = Counts(1, History(1, START_S, scenario).hit)
    moments = sorted((first, second))
    early, late = (
        {(c.level, c.channel, c.typology): c for c in counts.at(midnight_s + minute * 60)} for minute in moments
    )
    for key, before in early.items():
        after = late.get(key)
        todays = (before.opened_today, before.unfounded_today, before.founded_today, before.no_verdict_today)
        if after is None:
            assert todays == (0, 0, 0, 0), key
            continue
        assert after.opened_today >= before.opened_today
        assert after.unfounded_today >= before.unfounded_today
        assert after.founded_today >= before.founded_today
        assert after.no_verdict_today >= before.no_verdict_today


def test_a_day_begins_with_zero_opened_and_has_levels_channels_and_types() -> None:
    counts = Counts(1, History(1, START_S, "calm").hit)
    midnight = counts.at(datetime(2026, 11, 20, tzinfo=BRASILIA).timestamp())
    assert sum(count.opened_today for count in midnight) == 0 < sum(count.ongoing for count in midnight)
    evening = counts.at(START_S + 6 * HOUR_S)
    assert {count.level for count in evening} == {1, 2}
    assert {1, 2, 3, 4, 5, 6, 12} <= {count.channel for count in evening}
    assert {count.typology for count in evening} <= set(TYPOLOGIES)
    assert 200 < len(evening) < 2808
    assert len({(count.level, count.channel, count.typology) for count in evening}) == len(evening)


def test_a_storm_brings_complaints_about_outages() -> None:
    def opened(scenario: str) -> int:
        rows = Counts(1, History(1, START_S, scenario).hit).at(START_S + HOUR_S)
        return sum(count.opened_today for count in rows if count.typology == "1020901")

    assert opened("storm") > 5 * opened("calm")


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 365), st.integers(1, CASES_A_DAY), st.integers(0, 365 * 24))
def test_a_case_is_what_could_be_true_at_any_time(day: int, number: int, hour: int) -> None:
    now = datetime(2026, 1, 1, tzinfo=BRASILIA) + timedelta(hours=hour)
    case = Cases(1).find(f"RR2026{(day - 1) * CASES_A_DAY + number:07d}", now)
    if case is None:
        return
    assert case.opened_at is not None and case.opened_at <= now
    assert case.typology in TYPOLOGIES
    assert (case.closed_at is None) == (case.status == 0) == (case.verdict == 2)
    assert case.closed_at is None or case.opened_at <= case.closed_at <= now
    assert case.document_number == cpf(int(case.document_number[:8]))


def test_protocols_match_exactly() -> None:
    cases = Cases(1)
    protocols = cases.recent(START)
    assert len(protocols) >= 8
    for protocol in protocols:
        case = cases.find(protocol, START)
        assert case is not None and case.protocol == protocol
        for other in (protocol.lower(), "0" + protocol, protocol + " ", protocol[:-1], protocol.replace("RR", "rR")):
            assert cases.find(other, START) is None
    for nobody in ("RR20260000000", "RR20269999999", "RR00000000001", "RR20270000001", "", "RR2026０００0001"):
        assert cases.find(nobody, START) is None


def test_closed_cases_are_forgotten_after_six_months_and_open_ones_never() -> None:
    cases = Cases(1)
    protocol = next(p for p in cases.recent(START) if (case := cases.find(p, START)) and case.status == 1)
    case = cases.find(protocol, START)
    assert case is not None and case.closed_at is not None
    assert cases.find(protocol, case.closed_at + timedelta(days=182)) == case
    assert cases.find(protocol, case.closed_at + timedelta(days=184)) is None


def test_check_digits_of_a_cpf_are_right() -> None:
    """52998224725 is the example everyone uses; its ninth digit is 7, so the rule is checked by its own arithmetic."""
    for number in (0, 1, 12345678, 99999999):
        digits = [int(digit) for digit in cpf(number)]
        for place in (9, 10):
            total = sum(digit * (place + 1 - index) for index, digit in enumerate(digits[:place]))
            assert digits[place] == (total * 10 % 11) % 10
    assert cpf(12345678)[:9] == "123456782"
