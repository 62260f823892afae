"""Plots: gaps stay gaps, nothing that is not finite reaches the library, and every value has its dot."""

from __future__ import annotations

import math
from itertools import pairwise

import plotext
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from wattdeck.core.lines import line_width
from wattdeck.core.trend import Trend
from wattdeck.ui.chart import _DOTS, AXIS_CELLS, AXIS_ROWS, Series, Window, _between, _cells, draw, series

NOW_S = 1_000_000.0


def filled(seconds: int = 600) -> Trend:
    trend = Trend()
    for second in range(seconds):
        trend.add(NOW_S - seconds + second, {"grid": 1000 * math.sin(second / 40)})
    return trend


def text(data: Series, width: int = 60, height: int = 10) -> list[str]:
    return ["".join(part for part, _ in line) for line in draw(data, width, height)]


@pytest.mark.parametrize(("width", "height"), [(24, 4), (60, 10), (120, 12), (200, 24)])
def test_plot_is_exactly_as_large_as_asked(width: int, height: int) -> None:
    data = series(filled(), "grid", "Grid", "W", Window(), width, NOW_S)
    lines = draw(data, width, height)
    assert len(lines) == height
    assert all(line_width(line) <= width for line in lines)
    assert max(len("".join(part for part, _ in line).rstrip()) for line in lines) >= width - 8


def test_no_readings_is_a_sentence() -> None:
    data = series(Trend(), "grid", "Grid", "W", Window(), 60, NOW_S)
    assert text(data) == [" Grid W: no readings yet"]


def test_no_room_is_no_plot() -> None:
    data = series(filled(), "grid", "Grid", "W", Window(), 60, NOW_S)
    for width, height in ((23, 10), (60, 3), (1, 1), (0, 0)):
        assert len(draw(data, width, height)) == 1


def test_library_gets_finite_values_and_each_cell_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[float], list[float], list[str]]] = []
    scatter = plotext.scatter

    def spy(xs: list[float], ys: list[float], *, marker: list[str]) -> None:
        seen.append((xs, ys, marker))
        scatter(xs, ys, marker=marker)

    monkeypatch.setattr(plotext, "scatter", spy)
    highs = (1.0, None, math.nan, math.inf, 5.0, 6.0, -math.inf, 2.0)
    lows = (0.0, None, math.nan, math.inf, 5.0, 4.0, -math.inf, 2.0)
    draw(Series("Grid", "W", lows, highs, NOW_S - 60, NOW_S), 60, 10)
    [(xs, ys, marker)] = seen
    assert xs and len(xs) == len(ys) == len(marker) == len(set(zip(xs, ys, strict=True)))
    assert all(map(math.isfinite, (*xs, *ys))) and all("⠀" < dots <= "⣿" for dots in marker)


@given(values=st.lists(st.none() | st.floats(-1e6, 1e6), min_size=2, max_size=90), height=st.integers(4, 20))
@example(values=[*[None] * 14, 0.0, *[None] * 14], height=4)
def test_every_value_has_its_dot_where_the_axis_says(values: list[float | None], height: int) -> None:
    known = tuple(value if value is None else float(round(value)) for value in values)
    data = Series("Grid", "W", known, known, NOW_S - 60, NOW_S)
    if not data.known:
        return
    bottom, top = min(*data.known, 0.0) - 1, max(*data.known, 0.0) + 1
    columns, rows = len(known) + 1, height - AXIS_ROWS
    cells = _cells(data, columns, rows, bottom, top)
    for index, value in enumerate(known):
        if value is not None:
            across = math.floor(0.5 + (index + 0.5) * (2 * columns - 1) / len(known))
            up = math.floor(0.5 + (value - bottom) * (4 * rows - 1) / (top - bottom))
            assert cells[across // 2, up // 4] & _DOTS[across % 2][up % 4]
    assert all(0 <= column < columns and 0 <= row < rows for column, row in cells)


def test_two_dots_are_joined_by_a_line_without_holes() -> None:
    line = list(_between((0, 0), (3, 9)))
    assert line[0] == (0, 0) and line[-1] == (3, 9)
    assert all(max(abs(one[0] - two[0]), abs(one[1] - two[1])) == 1 for one, two in pairwise(line))


def test_gap_stays_a_gap() -> None:
    whole = Series("Grid", "W", (5.0,) * 52, (5.0,) * 52, NOW_S - 60, NOW_S)
    values = tuple(None if 20 <= column < 30 else 5.0 for column in range(52))
    torn = Series("Grid", "W", values, values, NOW_S - 60, NOW_S)

    def drawn(data: Series) -> int:
        return sum("⠀" < character <= "⣿" for line in text(data) for character in line)

    assert drawn(whole) - drawn(torn) >= 8


def test_columns_stay_put_until_one_ends() -> None:
    trend = filled()
    first = series(trend, "grid", "Grid", "W", Window(900), 98, NOW_S)
    assert first == series(trend, "grid", "Grid", "W", Window(900), 98, NOW_S + 0.01)
    assert len(first.highs) == 98 - AXIS_CELLS - 1


def test_window_zooms_within_bounds_and_walks_within_what_is_kept() -> None:
    window = Window()
    assert window.zoom(1).span_s == 300 and window.zoom(-1).span_s == 1800
    for _ in range(9):
        window = window.zoom(1)
    assert window.span_s == 60
    assert window.walk(-1, 3600).back_s == 30
    assert window.walk(1, 3600).back_s == 0
    assert window.walk(-1, 0).back_s == 0


def test_window_words() -> None:
    assert Window().words == "15 min"
    assert "back" in Window(900, 600).words
