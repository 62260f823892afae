"""From rows to what a control room reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.systems.aneel.aggregate import chi, severity_of, snapshot
from wattdeck.systems.aneel.models import BRASILIA, SLOT, OutagesSnapshot, Row, Severity
from wattdeck.systems.aneel.universe import Universe

AT = datetime(2026, 3, 3, 14, tzinfo=BRASILIA)
HOUR = timedelta(hours=1)
BOA_VISTA, CARACARAI = 1400100, 1400209


def seen(
    rows: Sequence[Row],
    before: Sequence[Row] | None = None,
    since: Mapping[tuple[int, int], datetime] | None = None,
    seeds: Mapping[int, int] | None = None,
) -> OutagesSnapshot:
    universe = Universe(seeds)
    universe.learn(before or (), AT - SLOT)
    universe.learn(rows, AT)
    return snapshot(rows, slot=AT, email="", universe=universe, names=lambda code: f"M{code}", before=before,
                    since=since or {}, chi_customer_h=None)  # fmt: skip


@pytest.mark.parametrize(
    ("percent", "severity"),
    [
        (None, Severity.UNKNOWN),
        (0.0, Severity.NORMAL),
        (0.999, Severity.NORMAL),
        (1.0, Severity.ATTENTION),
        (4.999, Severity.ATTENTION),
        (5.0, Severity.ALERT),
        (9.999, Severity.ALERT),
        (10.0, Severity.CRITICAL),
        (100.0, Severity.CRITICAL),
    ],
)
def test_severity_bands_are_closed_below_and_open_above(percent: float | None, severity: Severity) -> None:
    assert severity_of(percent) is severity


@pytest.mark.parametrize(
    ("out", "customers", "percent", "severity"),
    [
        (600, 120_000, 0.5, "normal"),
        (300, 5000, 6.0, "alert"),
        (400, 2000, 20.0, "critical"),
        (310, 300, 100.0, "critical"),
    ],
)
def test_percent_is_of_the_customers_served_and_never_above_100(
    out: int, customers: int, percent: float, severity: str
) -> None:
    made = seen([Row(1, CARACARAI, customers, 0, out)])
    assert (made.rows[0].percent_out, made.rows[0].severity) == (percent, severity)
    assert made.municipalities[0].percent_out == percent
    assert made.municipalities[0].out == out


def test_without_customers_there_is_no_percent_of_a_row_and_no_severity_from_a_guess() -> None:
    made = seen([Row(1, CARACARAI, None, 0, 5)])
    assert made.rows[0].percent_out is None
    assert made.rows[0].severity is Severity.UNKNOWN
    place = made.municipalities[0]
    assert (place.customers_served, place.estimated, place.severity) == (5, True, Severity.UNKNOWN)


def test_a_row_without_its_customers_takes_what_was_told_before() -> None:
    made = seen([Row(1, CARACARAI, None, 0, 50)], before=[Row(1, CARACARAI, 500, 0, 5)])
    assert made.rows[0].percent_out == 10.0


def test_municipalities_come_worst_first_and_those_nobody_can_judge_after_them() -> None:
    rows = [Row(1, 1, 100, 0, 2), Row(1, 2, 1000, 0, 70), Row(2, 3, None, 0, 900), Row(2, 4, 10, 0, 0)]
    assert [place.code for place in seen(rows).municipalities] == [2, 1, 3, 4]


def test_restored_and_newly_out_are_net_by_row_and_a_key_that_is_gone_is_restored() -> None:
    before = [Row(1, BOA_VISTA, 1000, 0, 100), Row(2, BOA_VISTA, 1000, 0, 30), Row(3, CARACARAI, 500, 0, 60)]
    made = seen([Row(1, BOA_VISTA, 1000, 20, 50), Row(2, BOA_VISTA, 1000, 0, 45)], before)
    assert (made.totals.restored, made.totals.newly_out, made.totals.change_out) == (90, 15, -75)
    assert [row.change_out for row in made.rows] == [-30, 15]
    changes = {place.code: (place.out, place.change_out, place.rows) for place in made.municipalities}
    assert changes == {BOA_VISTA: (115, -15, 2), CARACARAI: (0, -60, 0)}
    assert (made.totals.municipalities_affected, made.totals.sets_affected) == (1, 2)


def test_without_the_half_hour_before_no_change_is_known() -> None:
    made = seen([Row(1, CARACARAI, 500, 0, 5)])
    assert made.rows[0].change_out is made.municipalities[0].change_out is made.totals.change_out is None
    assert made.totals.restored is made.totals.newly_out is None


def test_nothing_out_is_zero_percent_of_the_customers_that_are_known() -> None:
    made = seen([], before=[], seeds={CARACARAI: 5000})
    assert (made.totals.out, made.totals.percent_out, made.totals.severity) == (0, 0.0, Severity.NORMAL)
    assert (made.municipalities, made.rows) == ((), ())


def test_ages_fall_into_bands_open_above_and_more_than_a_day_is_told() -> None:
    hours = (0, 1, 3, 6, 12, 24, 24.5, 48, 49)
    rows = [Row(number, BOA_VISTA, None, 0, 10**number) for number in range(1, len(hours) + 1)]
    since = {(number, BOA_VISTA): AT - hour * HOUR for number, hour in enumerate(hours, 1)}
    made = seen(rows, since=since)
    assert [band.out for band in made.bands] == [10, 10**2, 10**3, 10**4, 10**5, 10**6 + 10**7, 10**8 + 10**9]
    assert made.totals.over_24h_out == 10**7 + 10**8 + 10**9
    assert made.totals.over_48h_out == 10**9
    assert made.municipalities[0].out_since == AT - 49 * HOUR


def test_what_has_no_known_age_is_in_no_band() -> None:
    made = seen([Row(1, CARACARAI, 500, 0, 5)])
    assert sum(band.out for band in made.bands) == 0


def test_what_was_out_already_at_the_first_look_is_not_said_to_be_new() -> None:
    pair, older = (1, CARACARAI), (2, CARACARAI)
    universe = Universe()
    rows = [Row(*pair, 500, 0, 5), Row(*older, 500, 0, 7)]
    universe.learn(rows, AT)

    made = snapshot(rows, slot=AT, email="", universe=universe, names=str, before=None,
                    since={pair: AT, older: AT - HOUR}, at_least={pair, older}, chi_customer_h=None)  # fmt: skip

    assert [band.out for band in made.bands] == [0, 7, 0, 0, 0, 0, 0]


def test_a_municipality_is_flagged_when_its_denominator_has_jumped() -> None:
    made = seen([Row(1, CARACARAI, 500, 0, 5)], before=[Row(1, CARACARAI, 5000, 0, 5)])
    assert made.municipalities[0].reconfigured
    assert made.sets[0].reconfigured


def test_customer_hours_are_a_step_function_and_gaps_count_nothing_and_are_said() -> None:
    outs = {AT - 3 * SLOT: 100, AT - SLOT: 40, AT: 1000, AT - 60 * SLOT: 7}
    reckoned = chi(outs, AT)
    assert (reckoned.customer_h, reckoned.known_h, reckoned.missing_h) == (70.0, 1.0, 23.0)
    assert chi(outs, AT + SLOT / 2).customer_h == 320.0
    assert chi({}, AT).customer_h is None


@st.composite
def answers(draw: st.DrawFn) -> list[Row]:
    keys = draw(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), max_size=8, unique=True))
    counts = st.integers(0, 500)
    return [Row(one, other, draw(st.none() | counts), draw(counts), draw(counts)) for one, other in keys]


@settings(max_examples=50, deadline=None)
@given(answers(), st.none() | answers())
def test_sums_agree_and_percents_stay_within_bounds(rows: list[Row], before: list[Row] | None) -> None:
    made = seen(rows, before)
    totals = made.totals
    for places in (made.municipalities, made.sets):
        assert sum(place.out for place in places) == totals.out == sum(row.out for row in rows)
        assert sum(place.planned_out for place in places) == totals.planned_out
        assert sum(place.unplanned_out for place in places) == totals.unplanned_out
        assert sum(place.rows for place in places) == sum(row.out > 0 for row in rows)
    percents = [row.percent_out for row in made.rows] + [place.percent_out for place in made.municipalities]
    percents += [place.percent_out for place in made.sets] + [totals.percent_out]
    assert all(percent is None or 0 <= percent <= 100 for percent in percents)
    if before is not None:
        change = totals.out - sum(row.out for row in before)
        assert totals.change_out == change == sum(place.change_out or 0 for place in made.municipalities)
        assert (totals.newly_out or 0) - (totals.restored or 0) == change
        assert (totals.newly_out or 0) >= 0 <= (totals.restored or 0)
