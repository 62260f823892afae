"""The link of a reading in words: the same words on every screen and in every export."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from wattdeck.core.language import tr, tr_as
from wattdeck.core.lines import TEXT, Line, Span, cell_width, clip, cut, line_width, wrap
from wattdeck.core.reading import Link, Reading
from wattdeck.core.units import UNICODE, Glyphs, age


def link_word(link: Link) -> str:
    """How a link stands, in one word."""
    match link:
        case Link.LIVE:
            return tr_as("link", "live")
        case Link.STALE:
            return tr_as("link", "stale")
        case Link.DOWN:
            return tr_as("link", "down")
        case Link.REFUSED:
            return tr_as("link", "refused")
        case Link.WAITING:
            return tr_as("link", "waiting")


def link_words(reading: Reading[Any], now: datetime) -> str:
    """`live 1 s`, `stale 40 s`, `down 12 min`, `refused`, `waiting`, `kept 3 h` (from an earlier run)."""
    if reading.restored and reading.link is Link.WAITING:
        return tr_as("link", "kept {age}", age=age(reading.age_s(now)))
    if reading.link is Link.WAITING or reading.taken_at is None:
        return link_word(reading.link)
    return f"{link_word(reading.link)} {age(reading.age_s(now))}"


def link_span(reading: Reading[Any], now: datetime, marks: Glyphs = UNICODE) -> Span:
    """Glyph and words with their meaning."""
    glyph = {
        Link.LIVE: marks.live,
        Link.STALE: marks.stale,
        Link.WAITING: marks.waiting,
        Link.DOWN: marks.down,
        Link.REFUSED: marks.down,
    }[reading.link]
    return f"{glyph} {link_words(reading, now)}", f"link-{reading.link}"


def next_step(reading: Reading[Any], now: datetime) -> str:
    """What happens next, or what to do."""
    if reading.link is Link.REFUSED:
        return tr("polling has stopped until there are new credentials; r tries again")
    if reading.next_poll_at is not None and reading.failures:
        wait_s = max(0, round((reading.next_poll_at - now).total_seconds()))
        return tr("next try in {seconds} s", seconds=wait_s)
    return ""


def link_line(reading: Reading[Any], now: datetime, marks: Glyphs = UNICODE) -> Line:
    """A line for a source that is not well: state, reason, next step."""
    words, meaning = link_span(reading, now, marks)
    if reading.link is Link.WAITING and not reading.problem:
        return (
            (" ", TEXT),
            (words, meaning),
            ("  " + tr("asking {source} for the first time", source=reading.source), "muted"),
        )
    step = next_step(reading, now)
    return (
        (" ", TEXT),
        (words, meaning),
        (f"  {reading.problem}", TEXT),
        (f"  {step}" if step else "", "muted"),
    )


def link_lines(reading: Reading[Any], now: datetime, width: int, marks: Glyphs = UNICODE, most: int = 3) -> list[Line]:
    """`link_line` over as many lines as its reason needs, at most `most`."""
    line = link_line(reading, now, marks)
    if line_width(line) <= width:
        return [line]
    words, meaning = link_span(reading, now, marks)
    indent = " " * (cell_width(words) + 3)
    problem, step = reading.problem, next_step(reading, now)
    between = "" if not (problem and step) else " " if problem.endswith(("?", ".")) else "; "
    reason = f"{problem}{between}{step}"
    room = width - len(indent) - 1
    rows = wrap(reason, room)
    steps = wrap(step, room)
    if step and len(rows) > most > len(steps):
        # What to do is not what is cut off.
        *kept, ((last, token),) = wrap(problem, room)[: most - len(steps)]
        rows = [*kept, ((cut(f"{last} …", room), token),), *steps]
    heads = [((" ", TEXT), (words, meaning), ("  ", TEXT)), *[((indent, TEXT),)] * (most - 1)]
    return [clip((*head, *row), width) for head, row in zip(heads, rows, strict=False)]
