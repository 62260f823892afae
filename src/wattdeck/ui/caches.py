"""Textual's memory of rectangles, kept small."""

from __future__ import annotations

from textual.geometry import Region

ENTRIES = 128
"""More answers than this are mostly about stretches of cells that changed once."""
_REMEMBERED = (
    Region.contains_region,
    Region.grow,
    Region.intersection,
    Region.overlaps,
    Region.shrink,
    Region.split,
    Region.split_horizontal,
    Region.split_vertical,
    Region.translate,
    Region.union,
)


def trim_caches() -> None:
    """Forget remembered sums of rectangles that have become many.

    Each changed stretch of cells is another rectangle, and Textual remembers thousands of sums of them, one by one over
    days: memory that grows for nothing.
    """
    for remembered in _REMEMBERED:
        if remembered.cache_info().currsize > ENTRIES:
            remembered.cache_clear()
