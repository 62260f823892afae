"""Text in ASCII, cell for cell, for terminals and fonts that have nothing else."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from wattdeck.core.lines import cell_width

_OTHER = re.compile(r"[^\x00-\x7f]+")
_LIKE = dict(zip(
    "−–—‐‑…·•°½×÷≈≤≥≠±µμ‘’“”«»←→↑↓◀▶▲▼▸◂●○◌◐✓✕✗⚠ßøØæÆđłı",
    "-----..*o/x:~<>#~uu''\"\"<><>^v<>^v><*o.~vxx!soOeEdli",
    strict=True,
))  # fmt: skip
_LEVELS = "_.-=+*%#"
"""The eight heights of a block."""
_BRAILLE = range(0x2800, 0x2900)
_LINES = range(0x2500, 0x2580)
_LOWER_BLOCKS = range(0x2581, 0x2589)
_BLOCKS = range(0x2580, 0x25A0)
_HORIZONTAL = frozenset("─━┄┅┈┉╌╍═╴╶╸╺╼╾")
_VERTICAL = frozenset("│┃┆┇┊┋╎╏║╵╷╹╻╽╿")


def ascii_cells(text: str) -> str:
    """The text with every other character replaced by ASCII that takes the same number of cells.

    Letters lose their marks, lines and blocks become what is drawn on typewriters, and what nothing stands for is `?`.
    """
    return text if text.isascii() else _OTHER.sub(_run, text)


def _run(match: re.Match[str]) -> str:
    return _replaced(match[0])


@lru_cache(maxsize=2048)
def _replaced(run: str) -> str:
    """Characters that stand together; their width is that of the run, as marks may join them."""
    cells = cell_width(run)
    return "".join(map(_replacement, run))[:cells].ljust(cells, "?")


def _replacement(character: str) -> str:
    like = _LIKE.get(character) or _drawn(character, ord(character))
    if like:
        return like
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
    cells = cell_width(character)
    return plain if len(plain) == cells and plain.isprintable() else "?" * cells


def _drawn(character: str, code: int) -> str:
    """Lines, blocks and dots; empty: it is none."""
    if code in _BRAILLE:
        return " .:"[(dots := (code - _BRAILLE.start).bit_count()) and 1 + (dots > 3)]
    if code in _LINES:
        return "-" if character in _HORIZONTAL else "|" if character in _VERTICAL else "+"
    if code in _LOWER_BLOCKS:
        return _LEVELS[code - _LOWER_BLOCKS.start]
    if code in _BLOCKS:
        return "|" if character in "▏▎▐▕" else "#"
    return ""
