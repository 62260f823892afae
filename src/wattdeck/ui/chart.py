"""Charts. The one module that knows the plotting library.

The library cannot take values that are not finite, draws slowly, and keeps one global figure: so it is asked only when
a column has ended, from here alone, and for axes and labels alone. The curve is rasterised here and handed over as
finished cells: its own braille costs ten times as much.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from wattdeck.core.language import later, tr
from wattdeck.core.lines import Line, cell_width, cut, fit
from wattdeck.core.trend import Trend
from wattdeck.core.units import MINUS, clock_time, number
from wattdeck.ui.paint import Painted

AXIS_CELLS = 7
"""Room for the numbers and the axis at the left."""
AXIS_ROWS = 2
"""Rows for the axis and the times below it."""
_BRAILLE = 0x2800
_DOTS = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""Bits of a braille cell: left and right column, from the bottom up."""
SPANS_S = (60, 300, 900, 1800, 3600)
"""Widths of the time window to zoom through, s."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which stretch of time a plot shows."""

    span_s: float = 900.0
    back_s: float = 0.0
    """How far its right end lies before now, s; 0 follows the present."""

    def zoom(self, step: int) -> Window:
        """A narrower (+1) or wider (-1) window."""
        at = min(range(len(SPANS_S)), key=lambda index: abs(SPANS_S[index] - self.span_s))
        return replace(self, span_s=float(SPANS_S[max(0, min(len(SPANS_S) - 1, at - step))]))

    def walk(self, step: int, kept_s: float) -> Window:
        """Half a window earlier (-1) or later (+1), within what is kept."""
        back_s = self.back_s - step * self.span_s / 2
        return replace(self, back_s=max(0.0, min(back_s, max(0.0, kept_s - self.span_s / 2))))

    @property
    def words(self) -> str:
        """`15 min`, and how long ago if it is not the present."""
        words = f"{int(self.span_s // 60)} min"
        return tr("{words}, {minutes} min back", words=words, minutes=int(self.back_s // 60)) if self.back_s else words


@dataclass(frozen=True, slots=True)
class Series:
    """What to plot: one value a column, None = gap."""

    label: str
    unit: str
    lows: tuple[float | None, ...]
    highs: tuple[float | None, ...]
    start_s: float
    end_s: float
    bridge: int = 0
    """So many columns without a value in a row are the cadence, not a gap."""

    @property
    def known(self) -> list[float]:
        return [value for value in (*self.lows, *self.highs) if value is not None and math.isfinite(value)]


def series(
    trend: Trend, key: str, label: str, unit: str, window: Window, width: int, now_s: float, hold_s: float = 0.0
) -> Series:
    """The key's values as columns of a plot `width` cells wide; shown when it has ended, it stays as it is.

    Values up to `hold_s` apart are joined; a longer silence is a gap.
    """
    count = max(1, width - AXIS_CELLS - 1)
    step_s = window.span_s / count
    end_s = math.floor((now_s - window.back_s) / step_s) * step_s
    start_s = end_s - count * step_s
    pairs = trend.columns(key, start_s, end_s, count)
    lows = tuple(None if pair is None else round(pair[0]) for pair in pairs)
    highs = tuple(None if pair is None else round(pair[1]) for pair in pairs)
    return Series(label, unit, lows, highs, start_s, end_s, math.ceil(hold_s / step_s))


def summary(data: Series) -> str:
    """The plot as a sentence, for exports and screen readers: last, lowest, highest, mean, with units."""
    known = data.known
    if not known:
        return tr("{what}: no readings.", what=data.label)
    last = next(value for value in reversed(data.highs) if value is not None)
    mean = sum(known) / len(known)
    return tr(
        "{what}: last {last} {unit}, lowest {low}, highest {high}, mean {mean} {unit}.",
        what=data.label,
        last=number(last),
        unit=data.unit,
        low=number(min(known)),
        high=number(max(known)),
        mean=number(mean),
    )


def draw(data: Series, width: int, height: int, meaning: str = "series-1") -> list[Line]:
    """The plot as lines of exactly that many cells and rows; a sentence if there is nothing to draw or no room."""
    if not data.known or width < 24 or height < 4:
        words = tr("no readings yet") if not data.known else summary(data)
        return [((cut(f" {data.label} {data.unit}: {words}", width), "muted"),)]
    ticks = _ticks(min(data.known), max(data.known), height)
    text = _plot(data, width, height, ticks)
    lines: list[Line] = []
    for row in text:
        row = fit(row, width)
        lines.append(((row[:AXIS_CELLS], "label"), (row[AXIS_CELLS:], meaning)))
    for index in range(len(lines) - 2, len(lines)):
        lines[index] = ((text[index][:width], "label"),)
    return lines


def _plot(data: Series, width: int, height: int, ticks: Sequence[float]) -> list[str]:
    import plotext as plt

    count = len(data.highs)
    plt.clear_figure()
    # The library would cut the plot to the size of a terminal that may not be there.
    plt.limit_size(False, False)
    plt.theme("clear")
    plt.plot_size(width - _pad(ticks), height)
    columns, rows = width - AXIS_CELLS, height - AXIS_ROWS
    cells = _cells(data, columns, rows, ticks[0], ticks[-1])
    plt.scatter(
        [column * count / (columns - 1) for column, _ in cells],
        [ticks[0] + row * (ticks[-1] - ticks[0]) / (rows - 1) for _, row in cells],
        marker=[chr(_BRAILLE + dots) for dots in cells.values()],
    )
    plt.xlim(0, count)
    plt.ylim(ticks[0], ticks[-1])
    plt.yticks(list(ticks), [_label(tick) for tick in ticks])
    # Of labels that come too close the library keeps now one, now the other.
    parts = max(1, min(4, count // 12))
    positions = [round(count * part / parts) for part in range(parts + 1)]
    plt.xticks(positions, [_time(data, position) for position in positions])
    plt.xaxes(True, False)
    plt.yaxes(True, False)
    pad = " " * _pad(ticks)
    return [pad + line.replace("\x1b[0m", "") for line in plt.build().splitlines()][:height]


def _pad(ticks: Sequence[float]) -> int:
    """Cells to add at the left so that the axis stands at the same place whatever its numbers."""
    return max(0, AXIS_CELLS - 1 - max(len(_label(tick)) for tick in ticks))


def _cells(data: Series, columns: int, rows: int, bottom: float, top: float) -> dict[tuple[int, int], int]:
    """The curve as braille dots: (column, row from below) -> bits of that cell."""
    cells: dict[tuple[int, int], int] = {}
    # Multiplied before divided: half a dot is then exactly half a dot.
    across_dots, up_dots = 2 * columns - 1, 4 * rows - 1
    count, spread = len(data.highs), top - bottom
    for xs, ys in _runs(data):
        before: tuple[int, int] | None = None
        for x, y in zip(xs, ys, strict=True):
            dot = math.floor(0.5 + x * across_dots / count), math.floor(0.5 + (y - bottom) * up_dots / spread)
            for across, up in _between(before or dot, dot):
                cell = across >> 1, up >> 2
                cells[cell] = cells.get(cell, 0) | _DOTS[across & 1][up & 3]
            before = dot
    return cells


def _between(start: tuple[int, int], end: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """The dots of a straight line, both ends included."""
    across, up = end[0] - start[0], end[1] - start[1]
    steps = max(abs(across), abs(up), 1)
    for step in range(steps + 1):
        yield start[0] + round(across * step / steps), start[1] + round(up * step / steps)


def _runs(data: Series) -> list[tuple[list[float], list[float]]]:
    """Unbroken stretches of points; a gap ends one. A column with a spread gives both of its ends."""
    runs: list[tuple[list[float], list[float]]] = []
    missing = data.bridge + 1
    for index, (low, high) in enumerate(zip(data.lows, data.highs, strict=True)):
        if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
            missing += 1
            continue
        if missing > data.bridge:
            runs.append(([], []))
        missing = 0
        xs, ys = runs[-1]
        xs.append(index + 0.5)
        ys.append(low)
        if high != low:
            xs.append(index + 0.5)
            ys.append(high)
    return runs


def _ticks(low: float, high: float, height: int) -> list[float]:
    """Round numbers from below the lowest to above the highest value, zero among them."""
    low, high = min(low, 0.0), max(high, 0.0)
    spread = max(high - low, 10.0)
    wanted = max(1, min(4, height // 3))
    step = 10 ** math.floor(math.log10(spread / wanted))
    step = next(step * factor for factor in (1, 2, 5, 10) if spread / (step * factor) <= wanted)
    first, last = math.floor(low / step), math.ceil(high / step)
    if first == last:
        last += 1
    return [step * index for index in range(first, last + 1)]


def _label(value: float) -> str:
    text = f"{value / 1000:g}k" if abs(value) >= 1000 else f"{value:g}"
    return text.replace("-", MINUS)


def _time(data: Series, position: int) -> str:
    count = len(data.highs)
    moment_s = data.start_s + (data.end_s - data.start_s) * position / count
    return clock_time(datetime.fromtimestamp(moment_s, UTC), seconds=data.end_s - data.start_s < 300)


def ready() -> bool:
    """Whether the plotting library is loaded; loading it takes longer than a frame may."""
    return "plotext" in sys.modules


def load() -> None:
    """Load the plotting library. Call it in a thread while a screen is up."""
    import plotext  # noqa: F401


@dataclass(frozen=True, slots=True)
class Question:
    """What a plot shows: change any of it and it is drawn anew."""

    source: str
    key: str
    label: str
    unit: str
    window: Window
    width: int
    height: int
    hold_s: float = 0.0


class Drawing:
    """A plot as lines, kept until one of its columns has ended or something else is asked."""

    def __init__(self) -> None:
        self._question: Question | None = None
        self._end_s = 0.0
        self._data: Series | None = None
        self._lines: list[Line] = []

    def lines(
        self, question: Question, trend: Trend, now_s: float, *, may_draw: bool = True
    ) -> tuple[Sequence[Line], bool]:
        """The lines, and whether they were drawn just now.

        With `may_draw` off, or while the library is not there, an older picture (or none) is good enough.
        """
        step_s = question.window.span_s / max(1, question.width - AXIS_CELLS - 1)
        end_s = math.floor((now_s - question.window.back_s) / step_s) * step_s
        if question == self._question and end_s == self._end_s:
            return self._lines, False
        if not (may_draw and ready()):
            return (self._lines if question == self._question else []), False
        data = series(
            trend, question.key, question.label, question.unit, question.window, question.width, now_s, question.hold_s
        )
        drawn = question != self._question or data != self._data
        if drawn:
            self._lines = draw(data, question.width, question.height)
        self._question, self._end_s, self._data = question, end_s, data
        return self._lines, drawn

    @property
    def summary(self) -> str:
        """The plot as a sentence."""
        return summary(self._data) if self._data is not None else ""


class Plot(Painted):
    """A live plot under its title."""

    HELP = later("A plot of power over time. **+ -** zoom, **< >** walk through what is kept.")

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.drawing = Drawing()

    def plot(self, lines: Sequence[Line], title: str, unit: str) -> None:
        """Show a drawing."""
        width = self.size.width
        words = cut(f" {unit:<5} {title} ", width)
        rule = self.app.glyphs.rule * (width - cell_width(words))  # type: ignore[attr-defined]
        self.paint([((words, "label"), (rule, "rule")), *lines])
