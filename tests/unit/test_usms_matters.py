"""An account in a few numbers: what the overview says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from wattdeck.core.lines import cell_width
from wattdeck.core.matters import Matters
from wattdeck.core.reading import Link, Reading
from wattdeck.systems.usms import SYSTEM
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

NOW = datetime(2026, 10, 14, 7, 0, tzinfo=UTC)
"""15:00 in Brunei."""
HOUSE = Meter("12345678", Kind.ELECTRICITY, "ACTIVE", 1971.317, "kWh", 174.10, NOW)
WATER = Meter("2402007817", Kind.WATER, "ACTIVE", 228.625, "m3", 25.14, NOW, updated_date_only=True)
MIDNIGHT = datetime(2026, 10, 14, tzinfo=BRUNEI)
HOURS = Series(
    "12345678",
    Period.HOUR,
    (
        *(Point(MIDNIGHT + timedelta(hours=hour - 24), 9.0) for hour in range(24)),
        *(Point(MIDNIGHT + timedelta(hours=hour), 1.3) for hour in range(14)),
        Point(MIDNIGHT + timedelta(hours=14), None),
    ),
)


def month(meter: Meter, days: float | None, consumption: float | None = 688.5) -> MonthCost:
    ahead = None if days is None else Projection(1484.0, 76.72, 48.5, NOW + timedelta(days=days, hours=5))
    return MonthCost(meter.number, date(2026, 10, 1), consumption, 13, 13.08, (), ahead, meter.unit)


def said(
    meters: Sequence[Meter], *months: MonthCost, series: Sequence[Series] = (HOURS,), now: datetime = NOW
) -> Matters:
    consumption = ConsumptionSnapshot(tuple(series), months[0] if months else None, months)
    readings = (
        Reading("usms/contoh", "meters", AccountSnapshot("AWANG CONTOH", tuple(meters)), Link.LIVE, NOW),
        Reading("usms/contoh", "consumption", consumption, Link.LIVE, NOW),
    )
    return SYSTEM.matters(readings, now)


def line(found: Matters, count: int = 9) -> str:
    return " · ".join(figure.short or figure.value for figure in [*found.figures][:count])


def test_one_meter_reads_like_the_sketch() -> None:
    found = said([HOUSE], month(HOUSE, 24))
    assert line(found, 3) == "B$174.10 · 24 days left · 18.2 kWh"
    assert [figure.label for figure in found.figures] == ["Credit", "Left", "Today", "This month"]
    assert found.figures[3].value == "688.5 kWh" and found.trend_key == "12345678"
    assert {figure.meaning for figure in found.figures} == {"normal"}


def test_of_several_meters_the_one_whose_credit_ends_first_comes_first() -> None:
    found = said([HOUSE, WATER], month(HOUSE, 24), month(WATER, 5, 31.25))
    assert line(found) == "B$25.14 · 5 days left · 31.2 m³ this month · electricity B$174.10"
    assert found.trend_key == "2402007817" and found.figures[0].label == "Credit water"
    assert found.figures[1].meaning == "severity-medium" and found.figures[3].value == "B$174.10, 24 days"


def test_meters_of_one_kind_are_told_apart_by_their_number() -> None:
    annex = replace(HOUSE, number="12345690", credit_bnd=3.0)
    found = said([HOUSE, annex], month(HOUSE, 24), month(annex, 1))
    assert found.figures[0].label == "Credit electricity 12345690"
    assert line(found) == "B$3.00 · 1 day left · 688.5 kWh this month · electricity 12345678 B$174.10"
    assert found.figures[1].meaning == "severity-high"


def test_what_is_not_known_is_left_out_and_never_zero() -> None:
    bare = replace(HOUSE, credit_bnd=None, remaining_unit=None)
    assert line(said([bare], month(bare, None, None), series=())) == ""
    assert line(said([bare], series=())) == ""
    assert said([]) == Matters() == SYSTEM.matters((), NOW)
    both = said([HOUSE, replace(WATER, credit_bnd=None)], month(HOUSE, 24))
    assert line(both).endswith("water –")


def test_yesterday_is_not_taken_for_today_nor_last_month_for_this_one() -> None:
    tomorrow = said([HOUSE], month(HOUSE, 24), now=NOW + timedelta(days=1))
    assert "Today" not in [figure.label for figure in tomorrow.figures]
    november = said([HOUSE], month(HOUSE, 24), now=NOW + timedelta(days=20))
    assert "This month" not in [figure.label for figure in november.figures]
    assert line(november) == "B$174.10 · 4 days left"


@pytest.mark.parametrize(("credit_bnd", "words"), [(0.0, "B$0.00 · 0 days left"), (-5.0, "−B$5.00 · 0 days left")])
def test_no_credit_is_said_loudly(credit_bnd: float, words: str) -> None:
    found = said([replace(HOUSE, credit_bnd=credit_bnd)], month(HOUSE, None))
    assert line(found, 2) == words
    assert [figure.meaning for figure in found.figures[:2]] == ["severity-high", "severity-high"]


def test_a_meter_that_is_out_of_use_comes_first_with_its_status() -> None:
    off = replace(WATER, status="\x1b[31mSUSPENDED")
    found = said([HOUSE, off], month(HOUSE, 1))
    assert found.figures[0].meaning == "severity-medium" and found.trend_key == off.number
    assert "suspended" in found.figures[0].value and "\x1b" not in line(found)
    assert said([HOUSE, replace(off, status="")], month(HOUSE, 1)).trend_key == HOUSE.number, "not shown is no fault"


def test_credit_that_lasts_for_years_says_no_number_of_days() -> None:
    assert "> 2 years left" in line(said([HOUSE], month(HOUSE, 5000)))


def test_the_line_fits_where_the_overview_is_narrowest() -> None:
    assert cell_width(line(said([HOUSE, WATER], month(HOUSE, 24), month(WATER, 30)), 3)) <= 40
