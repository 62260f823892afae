"""The header line of every screen: where one is, how the source stands, who is in control, what time it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wattdeck.core.language import plural, tr
from wattdeck.core.lines import TEXT, Line, Span, cut, justify, line_width
from wattdeck.core.link import link_span
from wattdeck.core.reading import Reading
from wattdeck.core.units import Glyphs, clock_time, zone


@dataclass(frozen=True, slots=True)
class HeaderState:
    """What the header says."""

    systems: Sequence[tuple[str, str, bool]] = ()
    """(key, title, current) of each screen."""
    source: str = ""
    reading: Reading[object] | None = None
    alarms: int = 0
    alarm_meaning: str = "severity-high"
    """A name from the theme."""
    demo: bool = False
    armed: bool = False
    read_only: bool = False
    paused: bool = False
    clock: bool = True
    """Show the time; a page without a source does not tick."""


def header_line(state: HeaderState, now: datetime, width: int, marks: Glyphs) -> Line:
    """Screens by number, source, link in words, alarms, modes in words, clock with its zone."""
    roomy = width >= 100
    left: list[Span] = [(" wattdeck ", "heading")]
    if len(state.systems) > 1:
        for key, title, current in state.systems:
            words = f"{key} {tr(title)}" if roomy else key
            left.append((f"[{words}]" if current else f" {words} ", "heading" if current else "label"))
    else:
        left += [(f"[{tr(title)}] ", "heading") for _, title, _ in state.systems]
    link: list[Span] = []
    if state.source:
        link.append((f" {cut(state.source, 24)} ", TEXT))
    if state.reading is not None:
        link.append(link_span(state.reading, now, marks))
    right_side: list[Span] = []
    if state.paused:
        right_side += [(f" {tr('PAUSED')} ", "mode-control"), (" ", TEXT)]
    if state.demo:
        right_side += [(tr("DEMO"), "mode-demo"), (" ", TEXT)]
    if state.read_only:
        right_side += [(f" {tr('READ-ONLY')} ", "mode-read-only"), (" ", TEXT)]
    elif state.armed:
        right_side += [(f" {tr('CONTROL')} ", "mode-control"), (" ", TEXT)]
    alarms = plural("{count} alarm", "{count} alarms", state.alarms) if state.alarms else tr("no alarms")
    if state.alarms or roomy:
        right_side = [(alarms, state.alarm_meaning if state.alarms else "muted"), ("  ", TEXT), *right_side]
    if state.clock:
        time = clock_time(now, seconds=roomy)
        right_side += [(f"{time} {zone(now)} ", "label")]
    room = width - line_width(tuple(right_side))
    while left and line_width((*left, *link)) > room and len(left) > 1:
        left.pop()
    return justify((*left, *link), tuple(right_side), width)
