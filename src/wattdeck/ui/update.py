"""A repaint in as few bytes as it takes: exactly the changed cells, short moves, nothing twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate

from rich.console import Console
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

BRIDGE_CELLS = 4
"""A gap up to this long is cheaper to print over than to jump."""
KNOWN_S = 1.0
"""What was sent longer ago may have been written over by somebody else, such as the system's operator."""


class Shown:
    """What the terminal was sent in the last moments: stretches of its rows.

    Textual paints a screen that comes to the front, a dialog, or a new size two or three times within a tenth of a
    second, each time whole.

    Args:
        now_s: A clock that only goes forward, s.
    """

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._since_s = 0.0
        self._rows: dict[int, dict[int, Strip]] = {}

    def forget(self) -> None:
        """Nothing of it holds any longer: the terminal was cleared, resized, or somebody asks for all of it."""
        self._rows.clear()

    def age(self) -> None:
        """Forget what is too old to be relied upon; asked before each repaint."""
        now_s = self._now_s()
        if now_s - self._since_s >= KNOWN_S:
            self._rows.clear()
            self._since_s = now_s

    def take(self, y: int, x: int, strip: Strip, console: Console) -> bool:
        """Note a stretch that is to be shown; False: it is there already."""
        row = self._rows.setdefault(y, {})
        end = x + strip.cell_length
        under = [start for start, known in row.items() if start < end and start + known.cell_length > x]
        if len(under) == 1:
            start = under[0]
            known = row[start].crop(x - start, end - start)
            if known.cell_length == strip.cell_length and known.render(console) == strip.render(console):
                return False
        for start in under:
            del row[start]
        row[x] = strip
        return True


class ExactUpdate(CompositorUpdate):
    """What an update of Textual's shows, without what the terminal shows already.

    Textual's own sends each changed stretch from the left edge of its widget, once per stretch.
    """

    def __init__(self, update: ChopsUpdate | LayoutUpdate, shown: Shown) -> None:
        self._update = update
        self._shown = shown

    def render_segments(self, console: Console) -> str:
        """Moves and styled text for the terminal."""
        out: list[str] = []
        at: tuple[int, int] | None = None
        self._shown.age()
        update = self._update
        for y, x, strip in _whole(update) if isinstance(update, LayoutUpdate) else _changed(update):
            if not self._shown.take(y, x, strip, console):
                continue
            if at != (y, x):
                out.append(f"\x1b[{x + 1}G" if at is not None and at[0] == y else f"\x1b[{y + 1};{x + 1}H")
            out.append(strip.render(console))
            at = (y, x + strip.cell_length)
        return "".join(out)


def _whole(update: LayoutUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Each widget's part of each line, with where it starts."""
    for y, line in enumerate(update.strips, update.region.y):
        strips = [strip for strip in line if strip.cell_length]
        starts = accumulate((strip.cell_length for strip in strips), initial=update.region.x)
        yield from ((y, x, strip) for x, strip in zip(starts, strips, strict=False))


def _changed(update: ChopsUpdate) -> Iterator[tuple[int, int, Strip]]:
    """Each widget's part of each changed stretch, with where it starts."""
    for y, x1, x2 in merge(update.spans):
        for end, (start, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is None or start >= x2 or end <= x1:
                continue
            left = max(x1, start)
            piece = strip.crop(left - start, min(x2, end) - start)
            if piece.cell_length:
                yield y, left, piece


def merge(spans: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Stretches (y, from, to) in reading order, joined where the gap is not worth a jump."""
    merged: list[tuple[int, int, int]] = []
    for y, x1, x2 in sorted(spans):
        if merged and merged[-1][0] == y and x1 - merged[-1][2] <= BRIDGE_CELLS:
            last_y, first, last = merged[-1]
            merged[-1] = (last_y, first, max(last, x2))
        else:
            merged.append((y, x1, x2))
    return merged
