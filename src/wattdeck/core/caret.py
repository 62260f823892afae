"""A line of text while somebody types into it: the part around the caret."""

from __future__ import annotations

from wattdeck.core.lines import TEXT, Line, cell_width

CARET = "mode-read-only"
"""Meaning of the character the caret is on: reverse video, so that it needs no colour."""


def with_caret(text: str, caret: int, room: int) -> Line:
    """The part of a text around the caret, the character under it marked."""
    start = 0
    while start < caret and cell_width(text[start : caret + 1]) > room - 1:
        start += 1
    under = text[caret : caret + 1] or " "
    left = room - cell_width(text[start:caret]) - cell_width(under)
    after = text[caret + 1 :]
    while cell_width(after) > left:
        after = after[: max(0, min(len(after) - 1, left))]
    return ((text[start:caret], TEXT), (under, CARET), (after, TEXT))
