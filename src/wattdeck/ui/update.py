"""A partial repaint in as few bytes as it takes: exactly the changed cells, short moves, nothing twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from textual._compositor import ChopsUpdate, CompositorUpdate
from textual.strip import Strip

BRIDGE_CELLS = 4
"""A gap up to this long is cheaper to print over than to jump."""


class ExactUpdate(CompositorUpdate):
    """What a `ChopsUpdate` shows, cropped on both sides.

    Textual's own sends each changed stretch from the left edge of its widget, once per stretch.
    """

    def __init__(self, update: ChopsUpdate) -> None:
        self._chops = update.chops
        self._ends = update.chop_ends
        self._spans = merge(update.spans)

    def render_segments(self, console: Console) -> str:
        """Moves and styled text for the terminal."""
        out: list[str] = []
        at: tuple[int, int] | None = None
        for y, x1, x2 in self._spans:
            for x, strip in self._pieces(y, x1, x2):
                if at != (y, x):
                    out.append(f"\x1b[{x + 1}G" if at is not None and at[0] == y else f"\x1b[{y + 1};{x + 1}H")
                out.append(strip.render(console))
                at = (y, x + strip.cell_length)
        return "".join(out)

    def _pieces(self, y: int, x1: int, x2: int) -> list[tuple[int, Strip]]:
        """Where each widget's part of a stretch starts, and its cells."""
        line: Mapping[int, Strip | None] = self._chops[y]
        pieces = []
        for end, (start, strip) in zip(self._ends[y], line.items(), strict=False):
            if strip is None or start >= x2 or end <= x1:
                continue
            left = max(x1, start)
            piece = strip.crop(left - start, min(x2, end) - start)
            if piece.cell_length:
                pieces.append((left, piece))
        return pieces


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
