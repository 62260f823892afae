"""The day and the week of half hours, and the walk through them."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.lines import line_width, plain
from wattdeck.core.units import ASCII, UNICODE
from wattdeck.systems.aneel import charts
from wattdeck.systems.aneel.models import BRASILIA, SLOT
from wattdeck.ui.bars import Bars, draw

AT = datetime(2026, 10, 13, 14, tzinfo=BRASILIA)
NOW = AT + timedelta(minutes=4)


def series(*outs: int | None) -> list[tuple[datetime, int | None]]:
    """Half hours up to AT."""
    return [(AT - back * SLOT, value) for back, value in zip(range(len(outs) - 1, -1, -1), outs, strict=True)]


def test_a_day_has_48_bars_with_gaps_where_nothing_is_known() -> None:
    chart = charts.day(series(5, None, 7), None, 90)
    assert len(chart.values) == len(chart.names) == 48
    assert chart.values[-3:] == (5.0, None, 7.0)
    assert chart.values[0] is None
    assert chart.names[-1] == "14:00"
    assert chart.marks == {47}


def test_a_chart_is_what_the_bar_chart_takes() -> None:
    chart = charts.day(series(*range(96)), None, 90, "Caracaraí")
    kept = {field.name: getattr(chart, field.name) for field in fields(Bars)}
    text = plain(draw(Bars(**kept), 96, 10))
    assert "14:30" in text
    assert chart.label == "Caracaraí, 24 h"


def test_the_half_hour_on_show_is_marked_and_the_day_before_stands_beside() -> None:
    chart = charts.day(series(*range(96)), AT - 3 * SLOT, 90)
    assert chart.marks == {44}
    assert (chart.values[0], chart.before[0]) == (48.0, 0.0)


def test_a_half_hour_long_ago_brings_its_own_day_along() -> None:
    slot = AT - 200 * SLOT
    chart = charts.day(series(*range(337)), slot, 90)
    (index,) = chart.marks
    assert chart.values[index] == 136.0
    assert chart.names[index] == f"{slot:%H:%M}"
    assert 20 < index < 28


@pytest.mark.parametrize(("columns", "bars"), [(400, 336), (90, 84), (60, 56), (20, 14), (3, 7)])
def test_a_week_puts_as_many_half_hours_together_as_it_must_and_shows_the_highest(columns: int, bars: int) -> None:
    chart = charts.week(series(*([0] * 335), 9), None, columns)
    assert len(chart.values) == bars
    assert chart.values[-1] == 9.0
    assert chart.marks == {bars - 1}
    assert chart.names[0] == "Tue 14h"


def test_the_sentence_says_last_lowest_highest_and_gaps() -> None:
    sentence = charts.day(series(5, None, 1204, 7), None, 90).sentence
    assert sentence == (
        "All, 24 h: last 7 out, lowest 5 (13 Oct 12:30), highest 1 204 (13 Oct 13:30); 45 of 48 half hours not known."
    )


def test_nothing_known_is_said() -> None:
    assert "no half hours known" in charts.day([], None, 90).sentence
    assert "no half hours known" in charts.week(series(None), None, 90).sentence


# The walk through time


def test_steps_stay_within_the_seven_days_that_are_kept() -> None:
    assert charts.walked(None, -1, AT) == AT - SLOT
    assert charts.walked(AT - SLOT, 1, AT) is None
    assert charts.walked(AT - SLOT, 5, AT) is None
    assert charts.walked(None, -9999, AT) == AT - 335 * SLOT


@pytest.mark.parametrize(
    ("back", "words", "place"),
    [(None, "Tue 13 Oct 14:00", 1.0), (5, "Tue 13 Oct 11:30", 0.98), (335, "Tue 6 Oct 14:30", 0)],
)
def test_the_slider_says_where_it_stands_and_how_old_that_is(back: int | None, words: str, place: float) -> None:
    slot = None if back is None else AT - back * SLOT
    text = plain([charts.slider_line(slot, AT, NOW, 100)])
    assert words in text
    track = text[text.index("00 " if "00 " in text[:22] else "30 ") + 3 :]
    track = track[: track.index(" now")]
    assert track.index("●") == pytest.approx(place * (len(track) - 1), abs=1)
    assert text.endswith({None: "4 min ago", 5: "2 h 34 min ago", 335: "6 d 23 h ago"}[back])


def test_the_slider_says_that_it_is_asking() -> None:
    assert "asking" in plain([charts.slider_line(AT - SLOT, AT, NOW, 80, busy=True)])


@settings(max_examples=50, deadline=None)
@given(st.none() | st.integers(-10, 500), st.integers(1, 130), st.booleans())
def test_the_slider_always_fits(back: int | None, width: int, plain_marks: bool) -> None:
    slot = None if back is None else AT - back * SLOT
    line = charts.slider_line(slot, AT, NOW, width, ASCII if plain_marks else UNICODE)
    assert line_width(line) <= width
    if plain_marks:
        assert plain([line]).replace("…", "").isascii()


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "just now"),
        (59, "59 min ago"),
        (60, "1 h ago"),
        (90, "1 h 30 min ago"),
        (1500, "1 d 1 h ago"),
        (-5, "ahead of this clock"),
    ],
)
def test_ages_are_said_in_the_units_that_matter(minutes: int, words: str) -> None:
    assert charts.ago_words(AT, AT + timedelta(minutes=minutes)) == words
