"""The frame every screen has: one header line, one footer line, always at the same place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.binding import Binding
from textual.screen import Screen

from wattdeck.core.header import HeaderState, header_line
from wattdeck.core.language import tr
from wattdeck.core.lines import Line, Span, cut, line_width
from wattdeck.ui.paint import Painted

__all__ = ["Footer", "Header", "HeaderState", "footer_line", "header_line", "key_name", "shown_bindings"]

FOOTER_KEYS = 7
"""At most so many entries in the footer; the rest is in the palette and the help."""
HELP_KEY = "?"
"""Leads to all that has no room, and so never goes itself."""


class Header(Painted):
    """The header line."""

    DEFAULT_CSS = "Header { height: 1; dock: top; }"


class Footer(Painted):
    """The footer line: at most seven keys with a word each."""

    DEFAULT_CSS = "Footer { height: 1; dock: bottom; }"


def footer_line(bindings: Sequence[tuple[str, str]], width: int, notice: str = "") -> Line:
    """Keys and words, as many as fit; a notice instead of the words when there is one. Help is there before others."""
    if notice:
        return ((f" {cut(notice, width - 2)}", "severity-medium"),)
    last = [_piece(*each) for each in bindings if each[0] == HELP_KEY]
    spans: list[Span] = []
    for each in [each for each in bindings if each[0] != HELP_KEY][: FOOTER_KEYS - len(last)]:
        piece = _piece(*each)
        if line_width((*spans, *piece, *sum(last, ()))) > width:
            break
        spans += piece
    return (*spans, *sum(last, ()))


def _piece(key: str, label: str) -> Line:
    return ((f" {key}", "key"), (f" {label} ", "label"))


KEY_NAMES = {
    "at": "@",
    "left_parenthesis": "(",
    "right_parenthesis": ")",
    "question_mark": "?",
    "slash": "/",
    "plus": "+",
    "equals_sign": "=",
    "colon": ":",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "minus": "-",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "escape": "esc",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "comma": ",",
    "full_stop": ".",
}


def key_name(key: str, *, ascii_only: bool = False) -> str:
    """A key as printed on a keyboard, in words where a terminal has no arrows."""
    name = KEY_NAMES.get(key, key)
    return name if name.isascii() or not ascii_only else key


def shown_bindings(screen: Screen[Any], *, ascii_only: bool = False) -> list[tuple[str, str]]:
    """Key and label of the bindings the footer may show, in the order of the screen, then of the app."""
    found: dict[str, tuple[str, str]] = {}
    for active in screen.active_bindings.values():
        binding: Binding = active.binding
        if binding.show and active.enabled and binding.action not in found:
            found[binding.action] = (key_name(active.binding.key, ascii_only=ascii_only), tr(binding.description))
    return list(found.values())
