"""The header line of every screen: where one is, how the source stands, who is in control, what time it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wattdeck.core.language import manner, plural, tr
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
    replay: str = ""
    """How a replay runs, in words; empty: this is none."""
    recording: bool = False
    clock: bool = True
    """Show the time; a page without a source does not tick."""


def header_line(state: HeaderState, now: datetime, width: int, marks: Glyphs) -> Line:
    """Screens by number, source, link in words, alarms, modes in words, clock with its zone."""
    roomy = width >= 100
    link: list[Span] = []
    if state.source:
        link.append((f" {cut(state.source, 24)} ", TEXT))
    if state.reading is not None:
        link.append(link_span(state.reading, now, marks))
    right_side: list[Span] = []
    if state.recording:
        right_side += [(f" {tr('REC')} ", "mode-control"), (" ", TEXT)]
    if state.replay:
        right_side += [(f"{state.replay} ", "heading")]
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
        time = clock_time(now, seconds=roomy or bool(state.replay))
        if state.replay:
            time = f"{now.astimezone():{manner().date if roomy else manner().day}} {time}"
        place = "" if state.replay and not roomy else f"{zone(now)} "
        right_side += [(f"{time} {place}", "label")]
    room = width - line_width(tuple(right_side)) - bool(state.replay)
    left = _screens(state, titles=roomy)
    if roomy and line_width((*left, *link)) > room:
        left = _screens(state, titles=False)
    while left and line_width((*left, *link)) > room and len(left) > 1:
        left.pop()
    return justify((*left, *link), tuple(right_side), width)


def _screens(state: HeaderState, *, titles: bool) -> list[Span]:
    """The screens by number, with their titles where there is room."""
    # What is on show is not now: that comes before the name.
    left: list[Span] = [(f" {tr('REPLAY')} ", "mode-control") if state.replay else (" wattdeck ", "heading")]
    if len(state.systems) == 1:
        return [*left, *((f"[{tr(title)}] ", "heading") for _, title, _ in state.systems)]
    for key, title, current in state.systems:
        words = f"{key} {tr(title)}" if titles else key
        left.append((f"[{words}]" if current else f" {words} ", "heading" if current else "label"))
    return left
