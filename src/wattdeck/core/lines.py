"""Text for the eye before it has a colour: spans of (text, meaning), cut and padded by terminal cells.

A meaning is a name from the theme (`relay-open`, `muted`); what it looks like is the theme's business alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Span = tuple[str, str]
"""Text and the name of its meaning."""
Line = tuple[Span, ...]

TEXT = "normal"
MUTED = "muted"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a live table: how wide, on which side its text stands, and when it gives way."""

    key: str
    title: str
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


def cell_width(text: str) -> int:
    """Terminal cells a text takes: wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
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


def justify(left: Line, right_side: Line, width: int) -> Line:
    """One line with something at each end; the left end gives way when it gets tight."""
    room = width - line_width(right_side)
    if room <= 0:
        return clip(right_side, width)
    left = clip(left, room)
    gap = room - line_width(left)
    return (*left, (" " * gap, TEXT), *right_side) if gap else (*left, *right_side)


def wrap(text: str, width: int, token: str = TEXT) -> list[Line]:
    """A sentence over as many lines as it needs, broken at spaces."""
    import textwrap

    return [((row, token),) for row in textwrap.wrap(text, max(8, width))] or [()]


def plain(lines: Sequence[Line]) -> str:
    """The text alone, for exports and screen readers."""
    return "\n".join("".join(text for text, _ in line).rstrip() for line in lines)
