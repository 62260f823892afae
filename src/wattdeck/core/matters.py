"""What matters of one source, in the fewest words: what a tile of the overview shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that matters."""

    label: str
    """What it is, in a word or two, in the language in use."""
    value: str
    """With its unit."""
    short: str = ""
    """How it reads without its label, in a line with others: `3 861 W house`. Empty: the value alone."""
    meaning: str = "normal"
    """A name from the theme; anything but `normal` and `muted` means that somebody should look."""


@dataclass(frozen=True, slots=True)
class Matters:
    """A source in three or four numbers and a trend."""

    figures: Sequence[Figure] = field(default=())
    """Most important first."""
    trend_key: str = ""
    """Which of the source's trend values the sparkline shows; empty: none."""
