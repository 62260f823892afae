"""Text for the eye before it has a colour: spans of (text, meaning), cut and padded by terminal cells.

A meaning is a name from the theme (`relay-open`, `muted`); what it looks like is the theme's business alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import overload

from wattdeck.core.language import tr

Span = tuple[str, str]
"""Text and the name of its meaning."""
Line = tuple[Span, ...]

_BREAKS = re.compile(r"[^\S\u00a0\u202f]+")
"""Where a line may be broken: not inside a number, which a no-break space holds together."""
TEXT = "normal"
MUTED = "muted"
CURSOR = "@"
"""Before a meaning: the same on the cursor's background."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a live table: how wide, on which side its text stands, and when it gives way."""

    key: str
    title: str
    """In English; translated where it is drawn."""
    width: int
    """Cells; the least it needs if `flex`."""
    flex: bool = False
    """Takes the room left over. One column at most."""
    right: bool = False
    """Numbers stand at the right."""
    keep: int = 0
    """Columns with the lowest value go first when there is no room."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a live table, known by its id wherever it stands."""

    id: str
    cells: tuple[Span, ...]
    """One (text, meaning) for each column of the table, shown or not."""


class LazyRows(Sequence[Row]):
    """Rows that are made when they are looked at: a table shows a few dozen of ten thousand.

    Args:
        ids: The rows' ids in their order.
        make: Makes the row of an index. Called again each time, so that it should remember what it made.
    """

    def __init__(self, ids: Sequence[str], make: Callable[[int], Row]) -> None:
        self.ids = ids
        self._make = make

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._make(index % len(self))

    def __iter__(self) -> Iterator[Row]:
        return map(self._make, range(len(self)))


Place = tuple[int, Column, int, int]
"""A column with its place: index among all columns, the column, first cell, cells."""


def arrange(columns: Sequence[Column], width: int) -> list[Place]:
    """The columns there is room for, each with its place; first and last cell stay free for cursor and scroll mark."""
    room = width - 2
    chosen = list(enumerate(columns))
    while len(chosen) > 1 and sum(column.width + 1 for _, column in chosen) - 1 > room:
        chosen.remove(min(chosen, key=lambda item: (item[1].keep, -item[0])))
    spare = max(0, room - (sum(column.width + 1 for _, column in chosen) - 1))
    places: list[Place] = []
    x = 1
    for index, column in chosen:
        cells = min(column.width + (spare if column.flex else 0), max(1, room))
        places.append((index, column, x, cells))
        x += cells + 1
    return places


def titles(places: Sequence[Place]) -> str:
    """The header of a table."""
    return " " + " ".join(
        (right if column.right else fit)(column.title and tr(column.title), cells) for _, column, _, cells in places
    )


def cells_line(cells: Sequence[Span], places: Sequence[Place]) -> Line:
    """The cells of one row, cut and padded to their places, the first cell left out.

    Neighbours of one meaning become one span: every span costs, in each frame that shows it.
    """
    spans: list[Span] = []
    used = 1
    for index, column, x, width in places:
        text, token = cells[index]
        if x > used:
            spans.append((" " * (x - used), TEXT))
        spans.append((right(text, width) if column.right else fit(text, width), token))
        used = x + width
    return joined(spans)


def joined(spans: Sequence[Span]) -> Line:
    """The same line with neighbours of one meaning as one span."""
    out: list[Span] = []
    text, meaning = spans[0] if spans else ("", TEXT)
    for more, token in spans[1:]:
        if token == meaning:
            text += more
        else:
            out.append((text, meaning))
            text, meaning = more, token
    out.append((text, meaning))
    return tuple(out)


def cell_width(text: str) -> int:
    """Terminal cells a text takes: wide characters take two, combining ones none."""
    return len(text) if text.isascii() else _cell_width(text)


@lru_cache(maxsize=1024)
def _cell_width(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def fit(text: str, width: int) -> str:
    """Exactly `width` cells: cut with an ellipsis, or padded at the right."""
    have = cell_width(text)
    if have <= width:
        return text + " " * (width - have)
    return cut(text, width) + " " * (width - cell_width(cut(text, width)))


def right(text: str, width: int) -> str:
    """Exactly `width` cells, text at the right. A number that does not fit shows as `#`, never cut to a wrong one."""
    have = cell_width(text)
    return " " * (width - have) + text if have <= width else "#" * width


def cut(text: str, width: int) -> str:
    """At most `width` cells, ending in an ellipsis if something was lost."""
    if cell_width(text) <= width:
        return text
    if width <= 0:
        return ""
    if text.isascii():
        return text[: width - 1] + "…"
    from rich.cells import set_cell_size

    return set_cell_size(text, width - 1).rstrip() + "…"


def line_width(line: Line) -> int:
    """Cells of a whole line."""
    return sum(cell_width(text) for text, _ in line)


def clip(line: Line, width: int) -> Line:
    """The line cut to `width` cells."""
    out: list[Span] = []
    left = width
    for text, token in line:
        have = cell_width(text)
        if have >= left:
            out.append((cut(text, left), token))
            break
        out.append((text, token))
        left -= have
    return tuple(out)


def padded(line: Line, width: int) -> Line:
    """Exactly `width` cells."""
    line = clip(line, width)
    room = width - line_width(line)
    return (*line, (" " * room, TEXT)) if room else line


def justify(left: Line, right_side: Line, width: int) -> Line:
    """One line with something at each end; the left end gives way when it gets tight."""
    room = width - line_width(right_side)
    if room <= 0:
        return clip(right_side, width)
    left = clip(left, room)
    gap = room - line_width(left)
    return (*left, (" " * gap, TEXT), *right_side) if gap else (*left, *right_side)


def wrap(text: str, width: int, token: str = TEXT) -> list[Line]:
    """A sentence over as many lines of at most `width` cells (8 or more) as it needs, broken at spaces."""
    width = max(8, width)
    if text.isascii():
        import textwrap

        rows = textwrap.wrap(text, width)
    else:
        rows = _wrap_cells(text, width)
    return [((row, token),) for row in rows] or [()]


def _wrap_cells(text: str, width: int) -> list[str]:
    """Words over lines by cells; a word longer than a line is broken."""
    from rich.cells import chop_cells

    rows: list[str] = []
    for word in filter(None, _BREAKS.split(text)):
        if rows and cell_width(f"{rows[-1]} {word}") <= width:
            rows[-1] += f" {word}"
        else:
            rows += chop_cells(word, width) if cell_width(word) > width else [word]
    return rows


def plain(lines: Sequence[Line]) -> str:
    """The text alone, for exports and screen readers."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)
