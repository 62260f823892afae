"""Numbers as people in the field read them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattdeck.core.dates import local_midnight, next_local_midnight
from wattdeck.core.units import (
    ASCII,
    UNICODE,
    age,
    bar,
    clock_time,
    energy,
    glyphs,
    number,
    percent,
    power,
    since,
    spark,
    zone,
)


@pytest.fixture(params=["America/Sao_Paulo", "Europe/Berlin", "Pacific/Auckland", "UTC"])
def any_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (None, 0, "–"),
        (0.0, 0, "0"),
        (-0.0, 0, "0"),
        (-0.4, 0, "0"),
        (-0.004, 2, "0.00"),
        (1846.0, 0, "1 846"),
        (-1449.6, 0, "−1 450"),
        (1234567.891, 1, "1 234 567.9"),
        (999.6, 0, "1 000"),
    ],
)
def test_numbers_are_grouped_and_zero_has_no_sign(value: float | None, decimals: int, text: str) -> None:
    assert number(value, decimals) == text


def test_a_plus_is_shown_where_direction_matters_and_never_on_zero() -> None:
    assert [number(value, plus=True) for value in (5.0, -5.0, 0.2, -0.2, None)] == ["+5", "−5", "0", "0", "–"]
    assert power(5.0, plus=True) == "+5 W"


def test_every_number_carries_its_unit_and_the_unknown_none() -> None:
    assert (power(812.4), power(None)) == ("812 W", "–")
    assert (energy(12_410.0), energy(None), energy(-50.0)) == ("12.41", "–", "−0.05")
    assert (percent(0.48), percent(None), percent(0.0)) == ("48 %", "–", "0 %")


@given(st.floats(-1e12, 1e12), st.integers(0, 3))
def test_a_shown_number_reads_back_as_the_rounded_value(value: float, decimals: int) -> None:
    text = number(value, decimals)
    plain = "".join(character for character in text if character.isdigit() or character == ".")
    sign = -1 if text.startswith("−") else 1
    assert sign * float(plain) == pytest.approx(round(value, decimals), abs=0.5 * 10**-decimals + abs(value) * 1e-12)
    assert "-" not in text


@pytest.mark.parametrize(
    ("age_s", "text"),
    [
        (None, "never"),
        (0.0, "0 s"),
        (89.9, "89 s"),
        (90.0, "1 min"),
        (5399.0, "89 min"),
        (5400.0, "1 h"),
        (172_799.0, "47 h"),
        (172_800.0, "2 d"),
    ],
)
def test_an_age_is_in_one_unit_and_rounded_down(age_s: float | None, text: str) -> None:
    assert age(age_s) == text


@given(st.none() | st.floats(-2, 2), st.integers(-1, 40))
def test_a_bar_never_leaves_its_cells_and_something_is_never_nothing(share: float | None, width: int) -> None:
    text = bar(share, width)
    assert len(text) <= max(0, width)
    assert bool(text) == (bool(share) and width > 0)
    assert not text.endswith(" ")


def test_a_full_bar_fills_its_cells() -> None:
    assert (bar(1.0, 4), bar(-1.0, 4), bar(0.5, 4), bar(0.001, 4)) == ("████", "████", "██", "▏")
    assert bar(1.0, 2, ASCII) == "##"


@given(st.lists(st.none() | st.floats(-1e6, 1e6), max_size=20))
def test_a_trend_has_one_cell_for_each_value(values: list[float | None]) -> None:
    text = spark(values)
    assert len(text) == len(values)
    assert [character == " " for character in text] == [value is None for value in values]


def test_a_trend_is_scaled_from_zero_so_that_noise_is_no_mountain() -> None:
    assert spark([100.0, 101.0, 100.0]) == "▇█▇" or spark([100.0, 101.0, 100.0]) == "███"
    assert spark([0.0, 0.0]) == "▁▁"
    assert spark([-10.0, 0.0]) == "▁█"
    assert spark([None, 5.0, None]) == " █ "
    assert spark([0.0, 8.0], ASCII) == "_#"


def test_glyphs_fall_back_to_ascii_where_the_locale_cannot_show_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        encoding = "iso-8859-1"

    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    assert glyphs(True) is ASCII and glyphs(False) is UNICODE
    monkeypatch.setattr("sys.stdout", Terminal())
    assert glyphs() is ASCII
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    assert glyphs() is UNICODE


@pytest.mark.parametrize(
    ("moment", "start", "hours"),
    [
        (datetime(2026, 3, 29, 12, tzinfo=UTC), "2026-03-29T00:00:00+01:00", 23),
        (datetime(2026, 10, 25, 12, tzinfo=UTC), "2026-10-25T00:00:00+02:00", 25),
        (datetime(2026, 7, 1, 21, 59, tzinfo=UTC), "2026-07-01T00:00:00+02:00", 24),
        (datetime(2026, 7, 1, 22, 0, tzinfo=UTC), "2026-07-02T00:00:00+02:00", 24),
    ],
)
@pytest.mark.usefixtures("berlin")
def test_a_local_day_has_as_many_hours_as_it_has(moment: datetime, start: str, hours: int) -> None:
    midnight = local_midnight(moment)
    assert midnight.isoformat() == start
    assert next_local_midnight(moment) - midnight == timedelta(hours=hours)


@pytest.mark.usefixtures("any_zone")
@given(st.integers(1_577_836_800, 2_051_222_400).map(lambda second: datetime.fromtimestamp(second, UTC)))
def test_every_moment_lies_in_its_local_day(moment: datetime) -> None:
    midnight, following = local_midnight(moment), next_local_midnight(moment)
    assert midnight <= moment < following
    assert 22 <= (following - midnight).total_seconds() / 3600 <= 26
    assert local_midnight(midnight) == midnight


@pytest.mark.usefixtures("berlin")
def test_times_are_local_and_carry_the_date_when_it_is_not_today() -> None:
    now = datetime(2026, 11, 20, 17, 4, 31, tzinfo=UTC)
    assert (clock_time(now), clock_time(now, seconds=False), zone(now)) == ("18:04:31", "18:04", "CET")
    assert since(now - timedelta(hours=9), now) == "09:04"
    assert since(now - timedelta(days=1), now) == "2026-11-19 18:04"
    assert since(None, now) == "–"
