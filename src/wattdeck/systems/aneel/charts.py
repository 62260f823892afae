"""Customers out over a day or a week, and the walk through its half hours. Knows no widget and no plotting.

A `Chart` has the fields of `ui.bars.Bars`; the screen hands it over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattdeck.core.language import later, tr, tr_as
from wattdeck.core.lines import MUTED, TEXT, Line, Span, clip, line_width
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, Glyphs, number
from wattdeck.systems.aneel.models import BRASILIA, KEPT, SLOT
from wattdeck.systems.aneel.outagetable import moment_words, month_word

DAY, WEEK = 48, 336
"""Half hours."""
TOGETHER = (1, 2, 4, 6, 8, 12, 16, 24, 48)
"""So many half hours may share a bar."""
WEEKDAYS = (later("Mon"), later("Tue"), later("Wed"), later("Thu"), later("Fri"), later("Sat"), later("Sun"))
LEAST_TRACK = 8

Series = Sequence[tuple[datetime, int | None]]
"""Half hours in their order without a jump, each with customers out; None is a gap."""


@dataclass(frozen=True, slots=True)
class Chart:
    """What there is to draw, and to say of it."""

    label: str
    unit: str
    values: tuple[float | None, ...]
    names: tuple[str, ...]
    boundary: float | None
    marks: frozenset[int]
    """The bar of the half hour on show."""
    before: tuple[float | None, ...]
    """The same time the day before; of a week nothing."""
    sentence: str
    """The chart in words, for exports and screen readers."""


def day(series: Series, slot: datetime | None, columns: int, place: str = "") -> Chart:
    """The last 24 h, or those around a half hour further back, in at most `columns` bars."""
    return _chart(series, slot, DAY, columns, tr("{place}, 24 h", place=place or tr("All")))


def week(series: Series, slot: datetime | None, columns: int, place: str = "") -> Chart:
    """The last seven days; a bar is the highest of the half hours it stands for."""
    return _chart(series, slot, WEEK, columns, tr("{place}, 7 days", place=place or tr("All")))


def _chart(series: Series, slot: datetime | None, span: int, columns: int, label: str) -> Chart:
    label = clean(label, 80)
    if not series:
        words = tr("{label}: no half hours known yet.", label=label)
        return Chart(label, tr_as("axis", "out"), (), (), None, frozenset(), (), words)
    known = {moment: out for moment, out in series if out is not None}
    end = series[-1][0]
    if slot is not None and slot <= end - span * SLOT:
        end = min(end, slot + span // 2 * SLOT)
    start = end - (span - 1) * SLOT
    together = next((each for each in TOGETHER if span <= each * max(1, columns)), TOGETHER[-1])
    moments = [start + number * SLOT for number in range(span)]
    groups = [moments[at : at + together] for at in range(0, span, together)]
    shown = slot if slot is not None else end
    marked = frozenset(index for index, group in enumerate(groups) if group[0] <= shown <= group[-1])
    back = timedelta(days=1)
    before = tuple(_highest(known, group, back) for group in groups) if span == DAY else ()
    return Chart(
        label,
        tr_as("axis", "out"),
        tuple(_highest(known, group) for group in groups),
        tuple(_name(group[0], span) for group in groups),
        None,
        marked,
        before if any(value is not None for value in before) else (),
        _sentence(label, known, moments),
    )


def _highest(known: dict[datetime, int], group: Sequence[datetime], back: timedelta = timedelta()) -> float | None:
    return max((float(known[moment - back]) for moment in group if moment - back in known), default=None)


def _name(moment: datetime, span: int) -> str:
    local = moment.astimezone(BRASILIA)
    return f"{local:%H:%M}" if span == DAY else f"{tr(WEEKDAYS[local.weekday()])} {local:%H}h"


def _sentence(label: str, known: dict[datetime, int], moments: Sequence[datetime]) -> str:
    found = [(known[moment], moment) for moment in moments if moment in known]
    if not found:
        return tr("{label}: no half hours known yet.", label=label)
    (low, low_at), (high, high_at) = min(found), max(found)
    words = tr(
        "{label}: last {last} out, lowest {low} ({low_at}), highest {high} ({high_at})",
        label=label,
        last=number(found[-1][0]),
        low=number(low),
        low_at=moment_words(low_at),
        high=number(high),
        high_at=moment_words(high_at),
    )
    gaps = len(moments) - len(found)
    if not gaps:
        return f"{words}."
    counts = {"gaps": number(gaps), "all": number(len(moments))}
    return tr("{words}; {gaps} of {all} half hours not known.", words=words, **counts)


# The walk through time


def walked(slot: datetime | None, steps: int, newest: datetime) -> datetime | None:
    """The half hour so many steps later (or earlier, if negative); None follows the newest one."""
    there = (newest if slot is None else slot) + steps * SLOT
    return None if there >= newest else max(there, newest - KEPT + SLOT)


def slider_line(
    slot: datetime | None,
    newest: datetime,
    now: datetime,
    width: int,
    marks: Glyphs = UNICODE,
    *,
    busy: bool = False,
) -> Line:
    """`◀ Tue 13 Oct 14:00 ────●──── now ▶  2 h 30 min ago`: where in the last seven days the screen looks.

    Args:
        slot: The half hour on show; None is the newest.
        newest: The newest half hour that is known.
        busy: The half hour on show is still being asked for.
    """
    plain = marks.spark.isascii()
    at = newest if slot is None else min(slot, newest)
    words = f" {'<' if plain else '◀'} {date_words(at)} {moment_words(at, at)} "
    live = at >= newest
    ago = f"  {tr('asking') + (' ...' if plain else ' …') if busy else ago_words(at, now)} "
    end: list[Span] = [(f" {tr('now')} ", "key" if live else MUTED), (">" if plain else "▶", MUTED if live else "key")]
    room = width - line_width(((words, TEXT), *end, (ago, TEXT)))
    if room < LEAST_TRACK:
        return clip(((words, "heading"), *end, (ago, "label")), width)
    share = 1.0 - (newest - at) / (KEPT - SLOT)
    place = round(max(0.0, min(1.0, share)) * (room - 1))
    left, right = marks.rule * place, marks.rule * (room - 1 - place)
    return ((words, "heading"), (left, "rule"), ("o" if plain else marks.closed, "key"), (right, "rule"), *end,
            (ago, "label"))  # fmt: skip


def date_words(moment: datetime) -> str:
    """`Tue 13 Oct`, by Brasília's calendar."""
    local = moment.astimezone(BRASILIA)
    return f"{tr(WEEKDAYS[local.weekday()])} {local.day} {month_word(local.month)}"


def ago_words(slot: datetime, now: datetime) -> str:
    """`12 min ago`, `2 h 30 min ago`, `3 d 4 h ago`; a moment to come is said to be so."""
    minutes = (now - slot) // timedelta(minutes=1)
    if minutes < 0:
        return tr("ahead of this clock")
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [(days, "d"), (hours, "h"), (rest if not days else 0, "min")]
    if not minutes:
        return tr("just now")
    return tr("{time} ago", time=" ".join(f"{count} {unit}" for count, unit in parts if count))
