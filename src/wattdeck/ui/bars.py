"""Bar charts: one bar a period, a boundary as a line, the period before as a second mark.

Bars, axis and names are put into cells here, because each cell needs a meaning of its own (bar, beyond the boundary,
mark, hole) that finished text of the plotting library no longer has. Knows no widget.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from wattdeck.core.language import tr
from wattdeck.core.lines import MUTED, TEXT, Line, Span, cell_width, cut, joined
from wattdeck.core.units import UNICODE, Glyphs, number

AXIS_CELLS = 6
"""Room for the numbers and the axis at the left."""
AXIS_ROWS = 2
"""Rows for the axis and the names below it."""
LEAST_WIDTH, LEAST_HEIGHT = 16, 4
WIDEST_SLOT = 8
"""Cells of one bar with its gap, at most: a few bars need not fill a wide screen."""
REACH = 3.0
"""A boundary up to so many times the highest value is worth the room it takes."""
SMALLEST, LARGEST = 1e-9, 1e14
"""What an axis can name. A larger value is no measurement and counts as a hole."""
BEYOND = "series-3"
"""Meaning of the part of a bar that lies above the boundary."""
LINE = "severity-medium"
"""Meaning of the boundary and of marks."""


@dataclass(frozen=True, slots=True)
class Bars:
    """What to draw: one value a bar, from zero up; None = a hole."""

    label: str
    unit: str
    values: tuple[float | None, ...]
    names: tuple[str, ...] = ()
    """Below the bars, as many as there is room for; one for each value."""
    boundary: float | None = None
    """A horizontal line, in the unit."""
    marks: frozenset[int] = frozenset()
    """Bars at which something happens, such as the step into the next tier."""
    before: tuple[float | None, ...] = ()
    """The values of the period before, bar by bar; shown as a dash at the right of each bar."""

    @property
    def known(self) -> list[float]:
        """The values there are."""
        return [value for value in self.values if value is not None and _drawable(value)]


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where things stand: columns and rows of the field of bars, and what its top means."""

    columns: int
    rows: int
    slot: int
    """Cells from one bar to the next."""
    wide: int
    """Cells of a bar."""
    step: float
    """Between two numbers of the axis."""
    top: float
    """Value at the upper edge: a whole number of half steps."""

    def row_of(self, value: float) -> int:
        """The row, from 0 at the bottom, whose upper edge is nearest to a value; -1 is the axis."""
        return round(value * self.rows / self.top) - 1


def summary(bars: Bars) -> str:
    """The chart as a sentence, for exports and screen readers: total, lowest, highest, holes, with units."""
    known = bars.known
    if not known:
        return tr("{what}: no values.", what=bars.label)
    decimals = _decimals(max(map(abs, known)))
    named = [(value, index) for index, value in enumerate(bars.values) if value is not None and _drawable(value)]
    (low, low_at), (high, high_at) = min(named), max(named)
    words = tr(
        "{what}: {total} {unit} in all, lowest {low}, highest {high}",
        what=bars.label,
        total=number(sum(known), decimals),
        unit=bars.unit,
        low=number(low, decimals) + _at(bars, low_at),
        high=number(high, decimals) + _at(bars, high_at),
    )
    holes = len(bars.values) - len(known)
    if not holes:
        return f"{words}."
    return tr("{words}, {holes} of {count} without a value.", words=words, holes=holes, count=len(bars.values))


def _at(bars: Bars, index: int) -> str:
    return f" ({bars.names[index]})" if index < len(bars.names) else ""


def draw(bars: Bars, width: int, height: int, meaning: str = "series-1", marks: Glyphs = UNICODE) -> list[Line]:
    """The chart as `height` lines of `width` cells; a sentence if there is nothing to draw or no room.

    More values than columns are drawn as the highest of each column. A value below zero is marked at the axis.
    """
    if width <= 0 or height <= 0:
        return []
    if not bars.known or width < LEAST_WIDTH or height < LEAST_HEIGHT:
        words = summary(bars) if bars.known else tr("{what}: no values yet.", what=bars.label)
        return _sized([((" " + cut(words, width - 1), MUTED),)] if width > 1 else [], width, height)
    columns, rows = width - AXIS_CELLS, height - AXIS_ROWS
    bars = _reduced(bars, columns)
    plan = _plan(bars, columns, rows)
    field = _Field(plan, marks)
    field.boundary(bars.boundary)
    for index, value in enumerate(bars.values):
        field.before(index, bars.before[index] if index < len(bars.before) else None)
        if index in bars.marks:
            field.mark(index)
        field.bar(index, value, meaning, bars.boundary)
    labels = _labels(plan, bars.boundary)
    side = "|" if _plain(marks) else "┤"
    lines: list[Line] = []
    for row in range(rows - 1, -1, -1):
        label = labels.get(row, "")
        edge = side if label else marks.divider
        lines.append(joined([(f"{label:>{AXIS_CELLS - 1}}{edge}", "label"), *field.row(row)]))
    corner = "+" if _plain(marks) else "└"
    zero = f"{labels.get(-1, ''):>{AXIS_CELLS - 1}}{corner}"
    lines.append(joined([(zero, "label"), *field.axis(bars)]))
    lines.append(((f"{cut(bars.unit, AXIS_CELLS - 1):>{AXIS_CELLS - 1}} {_names(bars, plan)}", "label"),))
    return _sized(lines, width, height)


def before_glyph(marks: Glyphs = UNICODE) -> str:
    """The dash that stands for the period before, for legends."""
    return "=" if _plain(marks) else "╴"


def _plain(marks: Glyphs) -> bool:
    return marks.spark.isascii()


class _Field:
    """The cells above the axis, one character and one meaning each."""

    def __init__(self, plan: _Plan, marks: Glyphs) -> None:
        self.plan = plan
        self.marks = marks
        blank: Span = (" ", TEXT)
        self.cells: list[list[Span]] = [[blank] * plan.columns for _ in range(plan.rows)]

    def boundary(self, value: float | None) -> None:
        """The line, behind everything else."""
        if value is None or not 0 < value <= self.plan.top:
            return
        row = max(0, self.plan.row_of(value))
        self.cells[row] = [("-" if _plain(self.marks) else "╌", LINE)] * self.plan.columns

    def before(self, index: int, value: float | None) -> None:
        """A dash in the gap at the right of a bar."""
        x = index * self.plan.slot + self.plan.wide
        if value is None or self.plan.slot < 2 or not 0 <= value <= self.plan.top or x >= self.plan.columns:
            return
        self.cells[max(0, self.plan.row_of(value))][x] = (before_glyph(self.marks), MUTED)

    def mark(self, index: int) -> None:
        """A line from a bar up to the top."""
        x = index * self.plan.slot + (self.plan.wide - 1) // 2
        for row in self.cells:
            row[x] = (":" if _plain(self.marks) else "┊", LINE)

    def bar(self, index: int, value: float | None, meaning: str, boundary: float | None) -> None:
        """One bar in eighths of a cell; whatever is not zero shows at least a sliver."""
        if value is None or value <= 0:
            return
        eighths = max(1, round(value / self.plan.top * self.plan.rows * 8))
        full, part = divmod(eighths, 8)
        beyond = self.plan.row_of(boundary) + 1 if boundary is not None and value > boundary else self.plan.rows
        x = index * self.plan.slot
        for y in range(min(self.plan.rows, full + bool(part))):
            glyph = self.marks.spark[-1] if y < full else self.marks.spark[part - 1]
            self.cells[y][x : x + self.plan.wide] = [(glyph, BEYOND if y >= beyond else meaning)] * self.plan.wide

    def row(self, y: int) -> list[Span]:
        return list(joined(self.cells[y]))

    def axis(self, bars: Bars) -> list[Span]:
        """The axis: broken where a value is missing, pointed where there is a mark."""
        plan, marks = self.plan, self.marks
        spans: list[Span] = []
        for index, value in enumerate(bars.values):
            under = " " if value is None else marks.rule
            cells = [(under, "label")] * plan.slot
            middle = (plan.wide - 1) // 2
            if index in bars.marks:
                cells[middle] = (marks.up, LINE)
            elif value is not None and value < 0:
                cells[middle] = (marks.down_sort, LINE)
            spans += cells
        return list(joined(spans[: plan.columns]))


def _plan(bars: Bars, columns: int, rows: int) -> _Plan:
    slot = max(1, min(WIDEST_SLOT, columns // len(bars.values)))
    high = max(0.0, *bars.known, *(value for value in bars.before if value is not None))
    if bars.boundary is not None and high < bars.boundary <= high * REACH:
        high = bars.boundary
    high = max(high, SMALLEST) if high else 1.0
    step = _step(high, max(1, min(5, rows // 2)))
    half = step / 2
    return _Plan(columns, rows, slot, max(1, slot - 1), step, half * max(1, math.ceil(high / half - 1e-9)))


def _step(high: float, wanted: int) -> float:
    """The smallest round number of which `wanted` reach as high."""
    power = math.floor(math.log10(high / wanted))
    rounds = (factor * 10.0**power if power >= 0 else factor / 10.0**-power for factor in (1, 2, 5, 10))
    return next((step for step in rounds if high / step <= wanted + 1e-9), 10.0 ** (power + 1))


def _labels(plan: _Plan, boundary: float | None) -> dict[int, str]:
    """Row -> number at the axis. The boundary's own number comes before the others."""
    labels: dict[int, str] = {}
    count = math.floor(plan.top / plan.step + 1e-9)
    for index in range(count + 1):
        labels[plan.row_of(index * plan.step)] = _label(index * plan.step)
    if boundary is not None and 0 < boundary <= plan.top:
        row = max(0, plan.row_of(boundary))
        # A number right above or below would read as the same.
        labels = {at: text for at, text in labels.items() if abs(at - row) > 1 or at < 0}
        labels[row] = _label(boundary)
    return labels


def _label(value: float) -> str:
    """A number of the axis, in at most five cells; never cut to a wrong one."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if value >= size:
            scaled = value / (1e3 if letter == "k" else size)
            text = f"{scaled:.3g}{letter}"
            return text if len(text) < AXIS_CELLS else f"{scaled:.0f}{letter}"
    text = f"{value:.4g}"
    return text if len(text) < AXIS_CELLS else f"{value:.0e}"


def _names(bars: Bars, plan: _Plan) -> str:
    """Names under their bars; every one, or every second, third, fifth, tenth where there is no room."""
    if not bars.names:
        return ""
    longest = max(map(cell_width, bars.names))
    every = next((n for n in (1, 2, 3, 5, 6, 10, 15) if n * plan.slot > longest), 0)
    every = every or math.ceil((longest + 1) / plan.slot)
    out = ""
    used = 0
    for index in range(0, min(len(bars.names), len(bars.values)), every):
        name = bars.names[index]
        x = index * plan.slot + max(0, (plan.wide - cell_width(name)) // 2)
        if x >= used and x + cell_width(name) <= plan.columns:
            out += " " * (x - used) + name
            used = x + cell_width(name)
    return out


def _reduced(bars: Bars, columns: int) -> Bars:
    """Not more bars than columns: the highest value of each column, a mark if one of its bars has one."""
    count = len(bars.values)
    values = _clean(bars.values)
    if count <= columns:
        return replace(bars, values=values, before=_clean(bars.before))
    edges = [column * count // columns for column in range(columns + 1)]
    pairs = list(pairwise(edges))
    highest = tuple(max((v for v in values[a:b] if v is not None), default=None) for a, b in pairs)
    names = tuple(bars.names[a] if a < len(bars.names) else "" for a, _ in pairs) if bars.names else ()
    pointed = frozenset(column for column, (a, b) in enumerate(pairs) if any(a <= at < b for at in bars.marks))
    return Bars(bars.label, bars.unit, highest, names, bars.boundary, pointed)


def _clean(values: Sequence[float | None]) -> tuple[float | None, ...]:
    """What cannot be drawn is a hole."""
    return tuple(value if value is not None and _drawable(value) else None for value in values)


def _drawable(value: float) -> bool:
    """Finite, and not so large that an axis could not name it."""
    return abs(value) <= LARGEST


def _sized(lines: list[Line], width: int, height: int) -> list[Line]:
    """Exactly `height` lines of exactly `width` cells."""
    out: list[Line] = []
    for line in lines[:height]:
        have = sum(cell_width(text) for text, _ in line)
        out.append((*line, (" " * (width - have), TEXT)) if have < width else line)
    blank: Line = ((" " * width, TEXT),)
    return out + [blank] * (height - len(out))


def _decimals(highest: float) -> int:
    return 0 if highest >= 1000 else 1 if highest >= 100 else 2
