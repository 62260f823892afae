"""The captcha drawn in characters, so that a person can read it in a terminal of 80x24 (usms.md 2.2).

The text is cut out, scaled to the cells there are and thresholded at the shade that separates ink from paper best.
A cell of half blocks holds two pixels, one above the other; a terminal without them gets the same cells in `#`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from wattdeck.systems.usms.png import Bitmap, read_png

__all__ = ["Bitmap", "ascii_blocks", "half_blocks", "read_png"]

ENLARGED_MAX = 4.0
"""A tiny picture is not drawn larger than this many times."""
CONTRAST_MIN = 16
"""A picture whose shades differ by less is blank."""
FAINT = 0.25
"""Pixels with less ink are paper when the text's place is looked for."""
INK_SHARE = 0.4
"""A pixel of the drawing is ink if this share of it is: strokes survive, gaps between letters too."""
THIN = 1.2
"""A picture drawn smaller than 1 / THIN has its share lowered with it, so that strokes one pixel thin survive."""

Shades = list[list[float]]
"""Ink of each pixel, 0 to 1, line by line."""

_HALVES = " ▀▄█"
_WORDS = " '.#"


def half_blocks(bitmap: Bitmap, width: int, height: int) -> list[str]:
    """Lines of space, ▀, ▄ and █, at most `height` of at most `width` characters, all of one length.

    The text is surrounded by one empty pixel. A blank picture has no lines.
    """
    return _drawn(bitmap, width, height, _HALVES)


def ascii_blocks(bitmap: Bitmap, width: int, height: int) -> list[str]:
    """The same in space, ', . and # for terminals without block characters."""
    return _drawn(bitmap, width, height, _WORDS)


def _drawn(bitmap: Bitmap, width: int, height: int, characters: str) -> list[str]:
    text = _text(bitmap)
    columns, lines = width - 2, 2 * height - 2
    if not text or columns < 1 or lines < 1:
        return []
    scale = min(columns / len(text[0]), lines / len(text), ENLARGED_MAX)
    share = INK_SHARE * min(1.0, THIN * scale)
    narrow = [_averaged(line, max(1, int(len(line) * scale))) for line in text]
    small = zip(
        *(_averaged(column, max(1, int(len(text) * scale))) for column in zip(*narrow, strict=True)), strict=True
    )
    pixels = [[0, *(int(shade >= share) for shade in line), 0] for line in small]
    empty = [0] * len(pixels[0])
    pixels = [empty, *pixels, *([empty, empty] if len(pixels) % 2 else [empty])]
    return [
        "".join(characters[high + 2 * low] for high, low in zip(upper, lower, strict=True))
        for upper, lower in zip(pixels[::2], pixels[1::2], strict=True)
    ]


def _text(bitmap: Bitmap) -> Shades:
    """The part of the picture that has ink; empty if none has."""
    low, high = min(map(min, bitmap.rows)), max(map(max, bitmap.rows))
    if high - low < CONTRAST_MIN:
        return []
    shades = [[(value - low) / (high - low) for value in row] for row in bitmap.rows]
    if sum(map(sum, shades)) > bitmap.width * bitmap.height / 2:
        # More ink than paper: light text on a dark ground.
        shades = [[1 - shade for shade in row] for row in shades]
    tall = [at for at, row in enumerate(shades) if max(row) >= FAINT]
    wide = [at for at, column in enumerate(zip(*shades, strict=True)) if max(column) >= FAINT]
    return [row[wide[0] : wide[-1] + 1] for row in shades[tall[0] : tall[-1] + 1]]


def _averaged(line: Sequence[float], count: int) -> list[float]:
    """The line as `count` pixels, each the mean of what it covers."""
    # Ink from the start up to each pixel; between two of them it grows evenly.
    sums = [0.0, *accumulate(line)]
    step = len(line) / count

    def up_to(place: float) -> float:
        whole = min(int(place), len(line) - 1)
        return sums[whole] + (place - whole) * line[whole]

    return [(up_to((at + 1) * step) - up_to(at * step)) / step for at in range(count)]
