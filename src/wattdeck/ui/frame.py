"""The frame every screen has: one header line, one footer line, always at the same place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from textual.binding import Binding
from textual.screen import Screen

from wattdeck.core.lines import TEXT, Line, Span, cut, justify, line_width
from wattdeck.core.link import link_span
from wattdeck.core.reading import Reading
from wattdeck.core.units import Glyphs, clock_time, zone
from wattdeck.ui.paint import Painted

FOOTER_KEYS = 7
"""At most so many entries in the footer; the rest is in the palette and the help."""


@dataclass(frozen=True, slots=True)
class HeaderState:
    """What the header says."""

    systems: Sequence[tuple[str, str, bool]] = ()
    """(key, title, current) of each screen."""
    source: str = ""
    reading: Reading[object] | None = None
    alarms: int = 0
    demo: bool = False
    armed: bool = False
    read_only: bool = False
    paused: bool = False
    clock: bool = True


def header_line(state: HeaderState, now: datetime, width: int, marks: Glyphs) -> Line:
    """Screens by number, source, link in words, alarms, modes in words, clock with its zone."""
    roomy = width >= 100
    left: list[Span] = [(" wattdeck ", "heading")]
    if len(state.systems) > 1:
        for key, title, current in state.systems:
            words = f"{key} {title}" if roomy else key
            left.append((f"[{words}]" if current else f" {words} ", "heading" if current else "label"))
    else:
        left += [(f"[{title}] ", "heading") for _, title, _ in state.systems]
    link: list[Span] = []
    if state.source:
        link.append((f" {cut(state.source, 24)} ", TEXT))
    if state.reading is not None:
        link.append(link_span(state.reading, now, marks))
    right_side: list[Span] = []
    if state.paused:
        right_side += [(" PAUSED ", "mode-control"), (" ", TEXT)]
    if state.demo:
        right_side += [("DEMO", "mode-demo"), (" ", TEXT)]
    if state.read_only:
        right_side += [(" READ-ONLY ", "mode-read-only"), (" ", TEXT)]
    elif state.armed:
        right_side += [(" CONTROL ", "mode-control"), (" ", TEXT)]
    alarms = f"{state.alarms} alarm{'s' * (state.alarms != 1)}" if state.alarms else "no alarms"
    if state.alarms or roomy:
        right_side = [(alarms, "severity-high" if state.alarms else "muted"), ("  ", TEXT), *right_side]
    if state.clock:
        time = clock_time(now, seconds=roomy)
        right_side += [(f"{time} {zone(now)} ", "label")]
    room = width - line_width(tuple(right_side))
    while left and line_width((*left, *link)) > room and len(left) > 1:
        left.pop()
    return justify((*left, *link), tuple(right_side), width)


class Header(Painted):
    """The header line."""

    DEFAULT_CSS = "Header { height: 1; dock: top; }"


class Footer(Painted):
    """The footer line: at most seven keys with a word each."""

    DEFAULT_CSS = "Footer { height: 1; dock: bottom; }"


def footer_line(bindings: Sequence[tuple[str, str]], width: int, notice: str = "") -> Line:
    """Keys and words, as many as fit; a notice instead of the words when there is one."""
    if notice:
        return ((f" {cut(notice, width - 2)}", "severity-medium"),)
    spans: list[Span] = []
    for key, label in bindings[:FOOTER_KEYS]:
        piece: list[Span] = [(f" {key}", "key"), (f" {label} ", "label")]
        if line_width((*spans, *piece)) > width:
            break
        spans += piece
    return tuple(spans)


KEY_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "plus": "+",
    "equals_sign": "=",
    "colon": ":",
    "up": "↑",
    "down": "↓",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "minus": "-",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "escape": "esc",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
}


def key_name(key: str) -> str:
    """A key as printed on a keyboard."""
    return KEY_NAMES.get(key, key)


def shown_bindings(screen: Screen[Any]) -> list[tuple[str, str]]:
    """Key and label of the bindings the footer may show, in the order of the screen, then of the app."""
    found: dict[str, tuple[str, str]] = {}
    for active in screen.active_bindings.values():
        binding: Binding = active.binding
        if binding.show and active.enabled and binding.action not in found:
            found[binding.action] = (key_name(active.binding.key), binding.description)
    return list(found.values())
