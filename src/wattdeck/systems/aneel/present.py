"""What people read of a distributor's outages: trouble, figures and table. Knows no widget.

The table itself is in `outagetable`, the figures above it are in `totallines`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from wattdeck.core.language import plural, tr
from wattdeck.core.lines import MUTED, TEXT, Line, Span, arrange, cells_line, cut, justify, titles, wrap
from wattdeck.core.link import link_lines, link_span, next_step
from wattdeck.core.reading import Link, Reading
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, Glyphs, number
from wattdeck.systems.aneel.models import DemandsSnapshot, OutagesSnapshot
from wattdeck.systems.aneel.outagetable import (
    COLUMNS,
    SET_COLUMNS,
    Order,
    columns,
    filtered,
    moment_words,
    ordered,
    rows,
    set_columns,
    set_rows,
    severity_span,
)
from wattdeck.systems.aneel.totallines import DISE_WORDS, total_lines

__all__ = [
    "COLUMNS",
    "DISE_WORDS",
    "SET_COLUMNS",
    "Order",
    "columns",
    "filtered",
    "first_lines",
    "ordered",
    "rows",
    "set_columns",
    "set_rows",
    "severity_span",
    "total_lines",
    "trouble",
]

OUTAGES, DEMANDS = "outages", "demands"
"""Names of the feeds."""
ROOM_FOR_NOUN = 70
TROUBLE_ROWS = 4
OWN_WORDS = 100
"""Characters of what is said around the server's own words when it cannot answer."""
FIRST_ROWS = 200
"""More than any terminal shows."""
_STATUS_2 = re.compile(r"\(status 2\)(?:: “(?P<said>.*)”)?", re.DOTALL)


def outages_reading(readings: Sequence[Reading[Any]]) -> Reading[OutagesSnapshot] | None:
    """The reading of outages among those of a source."""
    return next((reading for reading in readings if reading.feed == OUTAGES), None)


def demands_reading(readings: Sequence[Reading[Any]]) -> Reading[DemandsSnapshot] | None:
    """The reading of demands among those of a source."""
    return next((reading for reading in readings if reading.feed == DEMANDS), None)


def cannot_answer_words(problem: str, besides: str = "", most: int = 300) -> str:
    """An answer with status 2 in words, and what else there is to say of it; empty if the problem is another one.

    Args:
        most: Characters of the server's own words.
    """
    found = _STATUS_2.search(problem)
    if found is None:
        return ""
    said = cut(clean(found["said"] or "", 300).strip(" ."), most)
    return tr(
        "The distributor reports that it cannot answer: {reason}. {besides}",
        reason=said or tr("no reason given"),
        besides=besides or tr("This does not mean zero out."),
    )


def trouble(readings: Sequence[Reading[Any]], now: datetime, width: int, marks: Glyphs = UNICODE) -> list[Line]:
    """What is wrong with the outages and what to do about it; nothing while all is well."""
    reading = outages_reading(readings)
    snapshot = None if reading is None else reading.snapshot
    if reading is not None and snapshot is not None and snapshot.unreadable_rows and not reading.problem:
        words = plural(
            "{count} row of the answer cannot be read: the figures are too low. c tells why.",
            "{count} rows of the answer cannot be read: the figures are too low. c tells why.",
            snapshot.unreadable_rows,
            count=number(snapshot.unreadable_rows),
        )
        return [((" ", TEXT), *line) for line in wrap(words, width - 1, "severity-medium")]
    if reading is None or not (reading.problem or (reading.link is not Link.LIVE and reading.snapshot is None)):
        return []
    words, meaning = link_span(reading, now, marks)
    indent = " " * (len(words) + 3)
    room = width - len(indent) - 1
    # What follows from it and what comes next stand at the end, and must not be cut off.
    said = cannot_answer_words(reading.problem, most=max(24, TROUBLE_ROWS * (room - 8) - OWN_WORDS))
    if not said or reading.link is Link.REFUSED:
        return link_lines(reading, now, width, marks, most=TROUBLE_ROWS)
    step = next_step(reading, now)
    text = f"{said} {step.capitalize()}." if step else said
    first, *more = wrap(text, room)[:TROUBLE_ROWS]
    return [((" ", TEXT), (words, meaning), ("  ", TEXT), *first), *(((indent, TEXT), *line) for line in more)]


def no_rows_words(reading: Reading[OutagesSnapshot] | None, words: str = "") -> str:
    """What an empty table says: why it is empty, and what to do.

    Args:
        words: The filter in force.
    """
    if reading is not None and reading.snapshot is not None:
        snapshot = reading.snapshot
        if words.strip() and snapshot.municipalities:
            return tr("Escape shows all: none with an outage matches “{words}”.", words=clean(words, 40))
        if snapshot.slot is None:
            return tr("Nothing is out: the distributor reported no outage.")
        moment = moment_words(snapshot.slot)
        return tr("Nothing is out: the distributor reported no outage at {moment}.", moment=moment)
    if reading is not None and cannot_answer_words(reading.problem):
        return tr("No data: it cannot answer just now. wattdeck keeps asking.")
    link = reading.link if reading is not None else Link.WAITING
    match link:
        case Link.REFUSED:
            return tr("No data: it refuses the key or this address. r tries again.")
        case Link.DOWN:
            return tr("No data: it does not answer. wattdeck keeps trying.")
        case Link.STALE:
            return tr("No data: the last look failed. wattdeck keeps trying.")
    return tr("Waiting for the first answer; it may take up to 45 s.")


def table_line(
    snapshot: OutagesSnapshot, shown: int, order: Order, words: str, width: int, marks: Glyphs = UNICODE
) -> Line:
    """What the table shows, in words: half hour, filter, how many of how many, order."""
    total = len(snapshot.municipalities)
    left: list[Span] = [(" ", TEXT)]
    if snapshot.slot is not None:
        left.append((moment_words(snapshot.slot), "label"))
    if words.strip():
        left += [(f" {marks.dot} ", MUTED), (clean(words, 60), "key")]
    if any(place.estimated for place in snapshot.municipalities):
        left.append((tr(" {dot} ~ of the most ever seen out", dot=marks.dot), MUTED))
    if any(place.reconfigured for place in snapshot.municipalities):
        left.append((tr(" {dot} * customers served have jumped", dot=marks.dot), "severity-low"))
    if not snapshot.totals.out:
        left.append((tr(" {dot} nothing is out", dot=marks.dot), TEXT))
    count = tr("{shown} of {count}", shown=number(shown), count=number(total)) if shown != total else number(total)
    if width >= ROOM_FOR_NOUN:
        count = plural("{count} municipality", "{count} municipalities", total, count=count)
    return justify(tuple(left), ((f"  {count}, {order.words} ", "label"),), width)


def first_lines(readings: Sequence[Reading[Any]], now: datetime, width: int, marks: Glyphs = UNICODE) -> list[Line]:
    """Trouble, figures and table as the screen will show them; the trend comes when the half hours have been read."""
    reading = outages_reading(readings)
    order = Order.PERCENT
    places = arrange(columns(order, marks), width)
    lines = trouble(readings, now, width, marks)
    head: Line = ((titles(places), "label"),)
    snapshot = None if reading is None else reading.snapshot
    if snapshot is None:
        return [*lines, head, ((f"  {no_rows_words(reading)}", MUTED),)]
    found = ordered(snapshot.municipalities, order)[:FIRST_ROWS]
    lines += total_lines(snapshot, (), width, marks)
    lines += [table_line(snapshot, len(snapshot.municipalities), order, "", width, marks), head]
    if not found:
        return [*lines, ((f"  {no_rows_words(reading)}", MUTED),)]
    return [*lines, *(((" ", TEXT), *cells_line(row.cells, places)) for row in rows(found, snapshot.slot, marks))]
