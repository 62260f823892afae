"""Bar charts: exactly as large as asked, every bar as high as the axis says, holes stay holes."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattdeck.core.lines import Line, line_width
from wattdeck.core.units import ASCII, UNICODE, Glyphs
from wattdeck.ui.bars import AXIS_CELLS, AXIS_ROWS, BEYOND, LINE, Bars, draw, summary

DAYS = tuple(str(day) for day in range(1, 32))


def rows(bars: Bars, width: int = 76, height: int = 14, marks: Glyphs = UNICODE) -> list[str]:
    return ["".join(text for text, _ in line) for line in draw(bars, width, height, marks=marks)]


def field(bars: Bars, width: int = 76, height: int = 14) -> list[str]:
    """The cells above the axis, from the top."""
    return [row[AXIS_CELLS:] for row in rows(bars, width, height)[: height - AXIS_ROWS]]


def eighths(bars: Bars, column: int, width: int = 76, height: int = 14) -> int:
    """How high a bar is drawn, in eighths of a cell."""
    return sum(
        UNICODE.spark.index(row[column]) + 1 for row in field(bars, width, height) if row[column] in UNICODE.spark
    )


def meanings(line: Line, glyph: str) -> set[str]:
    return {meaning for text, meaning in line if glyph in text}


values = st.lists(st.none() | st.floats(-10, 1e7) | st.floats(), min_size=1, max_size=400)


@given(values=values, width=st.integers(-1, 220), height=st.integers(-1, 60), ascii_only=st.booleans())
def test_chart_is_exactly_as_large_as_asked(
    values: list[float | None], width: int, height: int, ascii_only: bool
) -> None:
    bars = Bars("Month", "kWh", tuple(values), tuple(map(str, range(len(values)))), 600.0, frozenset({0, 3}))
    lines = draw(bars, width, height, marks=ASCII if ascii_only else UNICODE)
    assert len(lines) == (max(0, height) if width > 0 else 0)
    assert all(line_width(line) == width for line in lines)
    if ascii_only and height >= 4 and width >= 16 and bars.known:
        assert all(text.isascii() for line in lines for text, _ in line)


@given(values=st.lists(st.floats(0.001, 5000), min_size=1, max_size=31), height=st.integers(4, 50))
def test_a_larger_value_is_never_drawn_lower_and_none_vanishes(values: list[float], height: int) -> None:
    bars = Bars("Month", "kWh", tuple(values), DAYS[: len(values)])
    slot = max(1, min(8, 70 // len(values)))
    drawn = [eighths(bars, index * slot, 76, height) for index in range(len(values))]
    assert all(drawn)
    for (one, high), (other, low) in zip(
        sorted(zip(values, drawn, strict=True)), sorted(zip(values, drawn, strict=True))[1:], strict=False
    ):
        assert one <= other and high <= low


def test_bar_at_a_number_of_the_axis_ends_at_that_number() -> None:
    bars = Bars("Month", "kWh", (100.0, 50.0, 25.0))
    drawn = rows(bars, 40, 10)
    top = next(index for index, row in enumerate(drawn) if row.strip().startswith("100"))
    half = next(index for index, row in enumerate(drawn) if row.strip().startswith("50"))
    assert drawn[top][AXIS_CELLS] == "█" and (top == 0 or drawn[top - 1][AXIS_CELLS] == " ")
    assert drawn[half][AXIS_CELLS + 8] == "█" and drawn[half - 1][AXIS_CELLS + 8] == " "
    assert drawn[8].startswith("    0└")


def test_hole_breaks_the_axis_and_zero_does_not() -> None:
    axis = rows(Bars("Day", "kWh", (1.0, None, 0.0, 2.0)), 38, 8)[-2]
    cells = axis[AXIS_CELLS:]
    assert cells[:8] == "─" * 8 and cells[8:16] == " " * 8 and cells[16:32] == "─" * 16


def test_nothing_known_is_a_sentence() -> None:
    drawn = rows(Bars("October", "kWh", (None, None, math.nan)), 40, 6)
    assert drawn[0].strip() == "October: no values yet." and not any(row.strip() for row in drawn[1:])


def test_no_room_is_a_sentence_with_the_figures() -> None:
    bars = Bars("October", "kWh", (1.0, 3.0))
    assert rows(bars, 76, 3)[0].strip() == summary(bars)
    assert rows(bars, 15, 10)[0].startswith(" October: 4.00")
    assert draw(bars, 0, 5) == [] and draw(bars, 5, 0) == []


def test_boundary_is_a_line_with_its_number_and_what_is_beyond_has_a_meaning_of_its_own() -> None:
    bars = Bars("2026", "kWh", (400.0, 900.0), ("Jan", "Feb"), 600.0)
    drawn = draw(bars, 60, 14)
    line = next(row for row in drawn if row[0][0].strip().startswith("600"))
    assert LINE in meanings(line, "╌")
    assert BEYOND in {meaning for row in drawn for _, meaning in row}
    assert BEYOND not in {
        meaning for row in draw(Bars("2026", "kWh", (400.0, 600.0), (), 600.0), 60, 14) for _, meaning in row
    }


def test_boundary_far_above_everything_does_not_flatten_the_bars() -> None:
    text = "\n".join(rows(Bars("2026", "kWh", (20.0, 30.0), (), 600.0)))
    assert "600" not in text and "╌" not in text
    assert "600" in "\n".join(rows(Bars("2026", "kWh", (300.0, 500.0), (), 600.0)))


def test_mark_points_at_its_bar_from_above_and_below() -> None:
    bars = Bars("October", "kWh", (10.0,) * 31, DAYS, None, frozenset({12}))
    drawn = rows(bars)
    assert drawn[-2][AXIS_CELLS + 24] == "▲" and drawn[-2].count("▲") == 1
    assert drawn[-1][AXIS_CELLS + 24 :].startswith("13")
    taller = rows(Bars("October", "kWh", (*(10.0,) * 30, 20.0), DAYS, None, frozenset({12})))
    assert taller[0][AXIS_CELLS + 24] == "┊"


def test_period_before_is_a_dash_beside_its_bar() -> None:
    bars = Bars("October", "kWh", (10.0, 20.0), ("1", "2"), before=(20.0, 5.0))
    drawn = field(bars, 60, 12)
    assert drawn[0][7] == "╴" and drawn[0][15] == " "
    assert sum(row.count("╴") for row in drawn) == 2


def test_value_below_zero_is_marked_not_drawn() -> None:
    drawn = rows(Bars("Day", "kWh", (5.0, -3.0)), 40, 8)
    assert drawn[-2][AXIS_CELLS + 8 + 3] == "▼"
    assert eighths(Bars("Day", "kWh", (5.0, -3.0)), 8, 40, 8) == 0


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e300])
def test_what_is_not_a_number_to_draw_is_a_hole(bad: float) -> None:
    assert rows(Bars("Day", "kWh", (5.0, bad), before=(bad, 1.0))) == rows(
        Bars("Day", "kWh", (5.0, None), before=(None, 1.0))
    )


@given(high=st.floats(1e-9, 1e14), height=st.integers(4, 60))
def test_axis_numbers_fit_whatever_the_size(high: float, height: int) -> None:
    for row in rows(Bars("x", "kWh", (high, high / 2), boundary=high * 0.77), 40, height)[:-1]:
        assert row[AXIS_CELLS - 1] in "┤│└" and "…" not in row


def test_more_values_than_columns_show_the_highest_of_each_column() -> None:
    spike = [1.0] * 8760
    spike[5000] = 9.0
    bars = Bars("2026", "kWh", tuple(spike), marks=frozenset({5000}))
    drawn = field(bars, 106, 12)
    peak = 5000 * 100 // 8760
    assert drawn[1][peak] == "█" and drawn[1].count("█") == 1
    assert rows(bars, 106, 12)[-2][AXIS_CELLS + peak] == "▲"


def test_a_year_of_hours_takes_less_than_fifty_milliseconds() -> None:
    bars = Bars(
        "2026", "kWh", tuple(1 + math.sin(hour / 24) for hour in range(8760)), tuple(map(str, range(8760))), 1.5
    )
    best = math.inf
    for _ in range(3):
        start = time.process_time()
        draw(bars, 200, 40)
        best = min(best, time.process_time() - start)
    assert best < 0.05


def test_summary_says_total_extremes_units_and_holes() -> None:
    bars = Bars("October", "kWh", (10.0, None, 30.5), ("1", "2", "3"))
    assert summary(bars) == "October: 40.50 kWh in all, lowest 10.00 (1), highest 30.50 (3), 1 of 3 without a value."
    assert summary(Bars("October", "kWh", (None,))) == "October: no values."
