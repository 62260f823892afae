"""Text that came over the wire, made safe to show.

Names are chosen by strangers: they may hold escape sequences, bidi overrides, line ends or half a surrogate
pair. Markup is never interpreted here; a widget must show the result as plain text.
"""

from __future__ import annotations

import unicodedata

ELLIPSIS = "…"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def clean(text: str, limit: int = 200) -> str:
    """Make text harmless for a terminal and at most `limit` characters long.

    Control characters (C0, C1, ESC) and invisible format characters (bidi controls, zero-width) are dropped,
    line ends, tabs and odd spaces become one space each, unpaired surrogates become U+FFFD. Cleaning twice
    changes nothing.
    """
    if limit < 1:
        raise ValueError("limit must be at least 1 character")
    if not text.isprintable():
        # Ten times the limit leaves room for what is dropped and still bounds the work.
        text = "".join(_shown(character) for character in text[: 10 * limit])
    return text if len(text) <= limit else text[: limit - 1] + ELLIPSIS


def _shown(character: str) -> str:
    """What one character becomes: itself, a space, U+FFFD or nothing."""
    if character.isprintable():
        return character
    if character.isspace() and character not in "\x1c\x1d\x1e\x1f":
        return " "
    match unicodedata.category(character):
        case "Cc" | "Cf":
            return ""
        case _:
            return REPLACEMENT
