"""Plots: gaps stay gaps, nothing that is not finite reaches the library, and no more points than columns show."""

from __future__ import annotations

import math
from typing import Any

import plotext
import pytest

from wattdeck.core.lines import line_width
from wattdeck.core.trend import Trend
from wattdeck.ui.chart import AXIS_CELLS, Series, Window, draw, series

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


def test_library_gets_finite_values_and_at_most_two_points_a_column(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[list[float], list[float]]] = []
    plot = plotext.plot

    def spy(xs: list[float], ys: list[float], **options: Any) -> None:
        seen.append((xs, ys))
        plot(xs, ys, **options)

    monkeypatch.setattr(plotext, "plot", spy)
    highs = (1.0, None, math.nan, math.inf, 5.0, 6.0, -math.inf, 2.0)
    lows = (0.0, None, math.nan, math.inf, 5.0, 4.0, -math.inf, 2.0)
    draw(Series("Grid", "W", lows, highs, NOW_S - 60, NOW_S), 60, 10)
    values = [value for xs, ys in seen for value in (*xs, *ys)]
    assert values and all(map(math.isfinite, values))
    assert len(seen) == 3
    assert [len(xs) for xs, _ in seen] == [2, 3, 1]
    for xs, _ in seen:
        assert all(xs.count(x) <= 2 for x in xs)


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
