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
    quiet = right_side
    if state.alarms or roomy:
        right_side = [(alarms, state.alarm_meaning if state.alarms else "muted"), ("  ", TEXT), *right_side]
    time: list[Span] = []
    if state.clock:
        moment = clock_time(now, seconds=roomy or bool(state.replay))
        if state.replay:
            moment = f"{now.astimezone():{manner().date if roomy else manner().day}} {moment}"
        place = "" if state.replay and not roomy else f"{zone(now)} "
        time.append((f"{moment} {place}", "label"))
    own = {0, len(state.systems) - 1}
    current = {at for at, (_, _, here) in enumerate(state.systems) if here}
    among = set(range(len(state.systems)))
    # Where it gets tight, titles give way to numbers: first those of the deck's own screens, which never change.
    tries = [(among, right_side), (among - own | current, right_side)]
    tries += [] if state.alarms else [(among - own | current, quiet)]
    tries += [(current, right_side), (set[int](), right_side)]
    # One cell stays free between the two sides.
    spare = width - 1
    for named, side in tries if roomy or len(state.systems) == 1 else tries[-1:]:
        left, right_side = _screens(state, named), side
        if line_width((*left, *link, *right_side, *time)) <= spare:
            break
    right_side = [*right_side, *time]
    room = spare - line_width(tuple(right_side))
    while len(left) > 2 and line_width((*left, *link)) > room:
        # The screen in front goes last.
        del left[-1 if left[-1][1] != "heading" else -2]
    return justify((*left, *link), tuple(right_side), width)


def _screens(state: HeaderState, named: set[int]) -> list[Span]:
    """The screens by number, those at these places by title too."""
    # What is on show is not now: that comes before the name.
    left: list[Span] = [(f" {tr('REPLAY')} ", "mode-control") if state.replay else (" wattdeck ", "heading")]
    if len(state.systems) == 1:
        return [*left, *((f"[{tr(title)}] ", "heading") for _, title, _ in state.systems)]
    for at, (key, title, current) in enumerate(state.systems):
        words = f"{key} {tr(title)}" if at in named else key
        left.append((f"[{words}]" if current else f" {words} ", "heading" if current else "label"))
    return left
