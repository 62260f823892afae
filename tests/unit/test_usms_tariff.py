"""Tariffs to the cent: the sheet's table, both ways, slices, tiers, dated rates, and what is no quantity."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattdeck.systems.usms.models import Kind, TierCost
from wattdeck.systems.usms.tariff import LIMIT, Tariff, TariffBook, commercial, shipped, tariff_for

ELECTRICITY = tariff_for(Kind.ELECTRICITY)
WATER = tariff_for(Kind.WATER)

tariffs = st.sampled_from([ELECTRICITY, WATER, commercial(140), tariff_for(Kind.WATER, households=12)])
quantities = st.decimals(0, 20_000, places=3)
amounts_bnd = st.decimals(0, 5_000, places=2)


@pytest.mark.parametrize(
    ("quantity", "cost_bnd"),
    [
        ("0", "0.00"),
        ("420", "4.20"),
        ("600", "6.00"),
        ("600.5", "6.04"),
        ("735", "16.80"),
        ("1387.5", "69.00"),
        ("2000", "118.00"),
        ("2001", "118.10"),
        ("3100", "228.00"),
        ("4000", "318.00"),
        ("4206.9", "342.83"),
        ("10000", "1038.00"),
    ],
)
def test_a_month_of_electricity_costs_what_the_table_says(quantity: str, cost_bnd: str) -> None:
    assert str(ELECTRICITY.cost(quantity)) == cost_bnd
    assert str(ELECTRICITY.cost(float(quantity))) == cost_bnd, "a float is read by what it says"
    assert str(ELECTRICITY.cost(Decimal(quantity))) == cost_bnd


@pytest.mark.parametrize(
    ("quantity", "cost_bnd"), [("54.54", "6.00"), ("60", "8.40"), ("100", "26.00"), ("228.625", "82.60")]
)
def test_a_month_of_water_costs_what_the_table_says(quantity: str, cost_bnd: str) -> None:
    assert str(WATER.cost(quantity)) == cost_bnd
    assert str(WATER.cost(float(quantity))) == cost_bnd


@pytest.mark.parametrize(
    ("tariff", "cost_bnd", "after", "units"),
    [
        (ELECTRICITY, "6.01", 0, "600.12"),
        (ELECTRICITY, "69", 0, "1387.50"),
        (ELECTRICITY, "342.83", 0, "4206.92"),
        (ELECTRICITY, "1000", 0, "9683.33"),
        (ELECTRICITY, "76.22", "2219.273", "762.20"),
        (ELECTRICITY, "10", 590, "133.75"),
        (ELECTRICITY, "174.10", 0, "2561.00"),
        (ELECTRICITY, "174.10", 600, "2021.00"),
        (ELECTRICITY, "6", 0, "600.00"),
        (ELECTRICITY, "12", 4000, "100.00"),
        (ELECTRICITY, 0, 0, "0.00"),
        (WATER, "25.14", 0, "98.04"),
        (WATER, "25.14", "31.354", "74.53"),
    ],
)
def test_money_buys_what_the_table_says(tariff: Tariff, cost_bnd: str, after: str, units: str) -> None:
    assert str(tariff.units(cost_bnd, after)) == units


def test_a_slice_of_the_month_costs_what_the_table_says() -> None:
    assert ELECTRICITY.cost_between(590, 610) == Decimal("0.90")
    assert ELECTRICITY.cost_between(610, 590) == Decimal("-0.90")
    assert WATER.cost_between(0, "54.54") == Decimal("5.9994"), "slices are not rounded"


def test_consumption_later_in_the_month_is_dearer() -> None:
    assert ELECTRICITY.cost(20, after=590) == Decimal("0.90")
    assert ELECTRICITY.cost(20, after=3990) == Decimal("2.20")


@pytest.mark.parametrize(
    ("quantity", "cost_bnd"), [("0.5", "0.00"), ("1.5", "0.02"), ("2.5", "0.02"), ("2.51", "0.03")]
)
def test_half_a_cent_goes_to_the_even_cent(quantity: str, cost_bnd: str) -> None:
    assert str(ELECTRICITY.cost(quantity)) == cost_bnd


@pytest.mark.parametrize(
    ("kva", "quantity", "cost_bnd"),
    [
        (140, 26880, "1948.80"),
        (27, 6000, "421.50"),
        (1, 10, "2.00"),
        (1, 110, "9.00"),
        (1, 210, "15.00"),
        ("0.5", 5, "1.00"),
    ],
)
def test_tariff_b_goes_by_the_subscribed_kva(kva: int, quantity: int, cost_bnd: str) -> None:
    assert str(commercial(kva).cost(quantity)) == cost_bnd


def test_tariffs_have_names_and_households_and_kva_show_in_them() -> None:
    assert (ELECTRICITY.name, ELECTRICITY.kind) == ("Residential electricity", Kind.ELECTRICITY)
    assert (WATER.name, WATER.kind) == ("Residential water", Kind.WATER)
    assert tariff_for(Kind.WATER, households=20).name == "Residential water, 20 households"
    assert commercial("62.5").name == "Commercial electricity (Tariff B), 62.5 kVA"


def test_households_that_share_a_water_meter_share_the_cheap_tier() -> None:
    three = tariff_for(Kind.WATER, households=3)
    assert [tier.upper for tier in three.tiers] == [Decimal("163.62"), None]
    assert three.cost("163.62") == 3 * WATER.cost("54.54")
    assert three.rate_at(100) == Decimal("0.11") and WATER.rate_at(100) == Decimal("0.44")


@pytest.mark.parametrize(
    ("quantity", "rate_bnd"),
    [(0, "0.01"), (600, "0.01"), ("600.001", "0.08"), (2000, "0.08"), (2001, "0.10"), (4000, "0.10"), (10**9, "0.12")],
)
def test_the_rate_is_of_the_tier_the_month_has_reached(quantity: str, rate_bnd: str) -> None:
    assert ELECTRICITY.rate_at(quantity) == Decimal(rate_bnd)


@pytest.mark.parametrize(
    ("tariff", "credit_bnd", "month_to_date", "units"),
    [
        (ELECTRICITY, "76.2228", "2219.273", "762.228"),
        (WATER, "25.14875", "31.354", "228.625"),
        (ELECTRICITY, "174.10", 0, "17410.000"),
        (ELECTRICITY, "-5.00", 700, "-62.500"),
        (ELECTRICITY, 0, 0, "0.000"),
    ],
)
def test_the_portal_shows_the_credit_at_one_rate(
    tariff: Tariff, credit_bnd: str, month_to_date: str, units: str
) -> None:
    assert str(tariff.portal_units(credit_bnd, month_to_date)) == units


def test_the_breakdown_names_the_tiers_reached() -> None:
    assert ELECTRICITY.breakdown("2001.5") == (
        TierCost(1, 0.01, 600.0, 6.0),
        TierCost(2, 0.08, 1400.0, 112.0),
        TierCost(3, 0.1, 1.5, 0.15),
    )
    assert ELECTRICITY.breakdown(600) == (TierCost(1, 0.01, 600.0, 6.0),), "no tier with nothing in it"
    assert ELECTRICITY.breakdown(0) == (TierCost(1, 0.01, 0.0, 0.0),), "nothing in the tier reached"
    assert ELECTRICITY.breakdown(20, after=590) == (TierCost(1, 0.01, 10.0, 0.1), TierCost(2, 0.08, 10.0, 0.8))
    assert ELECTRICITY.breakdown(20, after=600) == (TierCost(2, 0.08, 20.0, 1.6),), "the first is used up"
    assert ELECTRICITY.breakdown(0, after=700) == (TierCost(2, 0.08, 0.0, 0.0),), "nothing in the tier reached"
    assert WATER.breakdown(60) == (TierCost(1, 0.11, 54.54, 6.0), TierCost(2, 0.44, 5.46, 2.4))


@given(tariffs, quantities, quantities)
def test_the_tiers_add_up_to_the_whole(tariff: Tariff, quantity: Decimal, after: Decimal) -> None:
    tiers = tariff.breakdown(quantity, after)
    assert sum(Decimal(str(tier.cost_bnd)) for tier in tiers) == tariff.cost(quantity, after)
    assert sum(Decimal(str(tier.quantity)) for tier in tiers) == quantity
    assert all(abs(tier.cost_bnd - tier.quantity * tier.rate_bnd) <= 0.01 + 1e-9 for tier in tiers)


@given(tariffs, st.lists(quantities, min_size=2, max_size=8))
def test_slices_add_up_exactly(tariff: Tariff, marks: list[Decimal]) -> None:
    whole = sum((tariff.cost_between(a, b) for a, b in pairwise(marks)), Decimal(0))
    assert whole == tariff.cost_between(marks[0], marks[-1])


@given(tariffs, quantities, quantities)
def test_more_never_costs_less(tariff: Tariff, a: Decimal, b: Decimal) -> None:
    low, high = sorted((a, b))
    assert tariff.cost(low) <= tariff.cost(high)
    assert tariff.cost_between(low, high) >= (high - low) * min(tier.rate_bnd for tier in tariff.tiers)


@given(tariffs, amounts_bnd, quantities)
def test_what_money_buys_costs_that_money(tariff: Tariff, cost_bnd: Decimal, after: Decimal) -> None:
    bought = tariff.units(cost_bnd, after)
    half_a_hundredth = Decimal("0.005") * max(tier.rate_bnd for tier in tariff.tiers)
    assert abs(tariff.cost_between(after, after + bought) - cost_bnd) <= half_a_hundredth


@given(tariffs, quantities, quantities)
def test_a_price_buys_the_quantity_back(tariff: Tariff, quantity: Decimal, after: Decimal) -> None:
    exact_bnd = tariff.cost_between(after, after + quantity)
    assert abs(tariff.units(exact_bnd, after) - quantity) <= Decimal("0.005")


@given(st.sampled_from([ELECTRICITY, WATER]), amounts_bnd, quantities)
def test_credit_never_buys_more_than_the_portal_shows(tariff: Tariff, credit_bnd: Decimal, after: Decimal) -> None:
    assert tariff.units(credit_bnd, after) <= tariff.portal_units(credit_bnd, after) + Decimal("0.0055")


@given(tariffs, st.floats(0, 1e9))
def test_any_float_up_to_the_limit_has_a_price(tariff: Tariff, quantity: float) -> None:
    assert abs(float(tariff.cost(quantity)) - float(tariff.cost_between(0, quantity))) <= 0.005 + 1e-6


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (-5, "consumption '-5' is too low: give a number from 0 to 1000000000"),
        ("-0.001", "too low"),
        (float("nan"), "consumption 'nan' is not a finite number"),
        ("sNaN", "not a finite number"),
        (float("inf"), "not a finite number"),
        ("1e99", "consumption '1e99' is too high"),
        (LIMIT + 1, "too high"),
        pytest.param(10**5000, "consumption with thousands of digits is too high", id="huge"),
        ("1e999999999999999999999", "is not a number"),
        ("", "consumption '' is not a number"),
        ("12,5", "consumption '12,5' is not a number: write digits and at most one point, as 1387.5"),
        ("twelve", "is not a number"),
        ("\x1b[2J" + "9" * 500 + "x", "is not a number"),
    ],
)
@pytest.mark.parametrize(
    "ask", [ELECTRICITY.cost, ELECTRICITY.breakdown, ELECTRICITY.rate_at, lambda value: WATER.cost_between(0, value)]
)
def test_what_is_no_consumption_is_refused_with_a_sentence(
    ask: Callable[[object], object], value: object, words: str
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the words are compared below
        ask(value)
    text = str(caught.value)
    assert words in text and text.startswith("consumption ")
    assert text.isprintable() and len(text) < 160


def test_a_refusal_says_which_of_the_numbers_is_wrong() -> None:
    with pytest.raises(ValueError, match=r"^cost '-1' is too low"):
        ELECTRICITY.units(-1)
    with pytest.raises(ValueError, match=r"^consumption so far '-1' is too low"):
        ELECTRICITY.units(1, after=-1)
    with pytest.raises(ValueError, match=r"^consumption so far 'x' is not a number"):
        ELECTRICITY.cost(1, after="x")
    with pytest.raises(ValueError, match=r"^credit '-2000000000' is too low: give a number from -1000000000 to"):
        ELECTRICITY.portal_units(-2 * 10**9, 0)


@pytest.mark.parametrize("value", ["1e-999999", "-0.0", -0.0, "0." + "0" * 5000 + "1", "  0 "])
def test_next_to_nothing_costs_nothing(value: str | float) -> None:
    assert str(ELECTRICITY.cost(value)) == "0.00"
    assert str(ELECTRICITY.units(value)) == "0.00"


def test_slices_of_absurdly_fine_figures_add_up_too() -> None:
    fine, end = Decimal("700." + "123456789" * 4), Decimal(900_000_000)
    parts = ELECTRICITY.cost_between(0, fine) + ELECTRICITY.cost_between(fine, end)
    assert parts == ELECTRICITY.cost_between(0, end)
    assert ELECTRICITY.cost_between(600, "600.123456789012345") == Decimal("0.00987654312096"), "12 places count"


@pytest.mark.parametrize("households", [0, -1, 10**12])
def test_a_number_of_households_is_a_count(households: int) -> None:
    with pytest.raises(ValueError, match=r"^number of households"):
        tariff_for(Kind.WATER, households=households)


def test_households_mean_nothing_to_an_electricity_meter() -> None:
    with pytest.raises(ValueError, match="the same for any number of households"):
        tariff_for(Kind.ELECTRICITY, households=2)


@pytest.mark.parametrize("kva", [0, -1, "x", float("nan")])
def test_a_subscribed_demand_is_above_zero(kva: float | str) -> None:
    with pytest.raises(ValueError, match=r"^subscribed kVA"):
        commercial(kva)


def test_a_time_before_every_known_rate_has_no_price() -> None:
    with pytest.raises(ValueError, match=r"no residential water tariff is known before 2012-01-01.* on 1970-01-01"):
        tariff_for(Kind.WATER, date(1970, 1, 1))


def entry(valid_from: str, tiers: str, more: str = 'kind = "water"\ncustomer = "residential"') -> str:
    return f'[[tariff]]\nname = "Made up"\n{more}\nvalid_from = {valid_from}\ntiers = [{tiers}]\n'


def test_a_new_rate_is_one_more_entry() -> None:
    book = TariffBook.read(entry("2030-01-01", "{ rate_bnd = 0.50 }") + entry("2020-01-01", "{ rate_bnd = 0.30 }"))
    rates = {
        day: book.find(Kind.WATER, "residential", day).tariff.cost(10)
        for day in (date(2020, 1, 1), date(2029, 12, 31), date(2030, 1, 1))
    }
    assert [*rates.values()] == [Decimal("3.00"), Decimal("3.00"), Decimal("5.00")]
    with pytest.raises(ValueError, match=r"known before 2020-01-01: nothing can be priced on 2019-12-31"):
        book.find(Kind.WATER, "residential", date(2019, 12, 31))
    with pytest.raises(ValueError, match=r"no residential electricity tariff is known: nothing"):
        book.find(Kind.ELECTRICITY, "residential", date(2030, 1, 1))


def test_a_moment_counts_by_its_day_in_brunei() -> None:
    book = TariffBook.read(entry("2030-01-01", "{ rate_bnd = 0.50 }") + entry("2020-01-01", "{ rate_bnd = 0.30 }"))
    new_year = datetime(2029, 12, 31, 16, 0, tzinfo=UTC)
    assert book.find(Kind.WATER, "residential", new_year).tariff.valid_from == date(2030, 1, 1)
    with pytest.raises(ValueError, match="no time zone"):
        book.find(Kind.WATER, "residential", datetime(2030, 1, 1))  # noqa: DTZ001  a naive time is the case


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[tariff", "at end of document"),
        (entry("2020-01-01", ""), "tariff 'Made up': expected tiers"),
        (entry("2020-01-01", "{ up_to = 5, rate_bnd = 1 }"), "tier 1: expected up_to above"),
        (entry("2020-01-01", "{ rate_bnd = 1 }, { rate_bnd = 2 }"), "tier 1: expected up_to above"),
        (entry("2020-01-01", "{ up_to = 0, rate_bnd = 1 }, { rate_bnd = 2 }"), "tier 1: expected up_to above"),
        (
            entry("2020-01-01", "{ up_to = 9, rate_bnd = 1 }, { up_to = 8, rate_bnd = 2 }, { rate_bnd = 3 }"),
            "tier 2: expected up_to above",
        ),
        (entry("2020-01-01", "{ rate_bnd = 0 }"), "tier 1: expected a rate_bnd above zero"),
        (entry("2020-01-01", "{ rate_bnd = -1 }"), "tier 1: rate_bnd '-1' is too low"),
        (entry("2020-01-01", "{ rate_bnd = nan }"), "tier 1: rate_bnd 'NaN' is not a finite number"),
        (entry("2020-01-01", "{ }"), "tier 1: rate_bnd '' is not a number"),
        (entry('"soon"', "{ rate_bnd = 1 }"), "expected valid_from to be a day"),
        (entry("2020-01-01T00:00:00Z", "{ rate_bnd = 1 }"), "expected valid_from to be a day"),
        (entry("2020-01-01", "{ rate_bnd = 1 }", 'kind = "gas"\ncustomer = "residential"'), "expected kind"),
        (entry("2020-01-01", "{ rate_bnd = 1 }", 'kind = "water"'), "expected kind"),
        (
            entry("2020-01-01", "{ rate_bnd = 1 }", 'kind = "water"\ncustomer = "residential"\nper = "cow"'),
            "expected per",
        ),
    ],
)
def test_an_entry_that_makes_no_sense_is_named(text: str, words: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the words are compared below
        TariffBook.read(text)
    assert words in str(caught.value)


def test_the_rates_that_come_with_wattdeck_each_start_once_and_on_the_first_of_a_month() -> None:
    starts = [(one.tariff.kind, one.customer, one.tariff.valid_from) for one in shipped().entries]
    assert len(starts) == len(set(starts)) >= 3
    assert all(start.day == 1 for _, _, start in starts)


def test_pricing_offline_loads_nothing_dear() -> None:
    code = (
        "import sys\n"
        "from wattdeck.systems.usms.tariff import tariff_for\n"
        "print(tariff_for('electricity').cost('1387.5'))\n"
        "print(sorted({'textual', 'bs4', 'sqlalchemy', 'httpx', 'pydantic', 'numpy'} & set(sys.modules)))\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert found.stdout.split("\n")[:2] == ["69.00", "[]"]
