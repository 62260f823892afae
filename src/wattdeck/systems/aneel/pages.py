"""The pages beside the table: the state as tiles, the day, the week, figures, demands. Lines only; nothing is asked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from wattdeck.core.language import current, later, tr
from wattdeck.core.lines import MUTED, TEXT, Line, wrap
from wattdeck.core.units import UNICODE, Glyphs
from wattdeck.systems.aneel import charts, demandwords, places, tiles
from wattdeck.systems.aneel.models import DemandsSnapshot, OutagesSnapshot
from wattdeck.systems.aneel.present import cannot_answer_words, demands_reading, no_rows_words, outages_reading
from wattdeck.systems.aneel.totallines import TREND_CELLS, figure_lines

if TYPE_CHECKING:
    from wattdeck.core.reading import Reading
    from wattdeck.systems.aneel.slots import Slots

T = TypeVar("T")

MAP, DAY, WEEK, FIGURES, DEMANDS = later("Map"), later("Day"), later("Week"), later("Figures"), later("Demands")
PAGES = (MAP, DAY, WEEK, FIGURES, DEMANDS)
LEAST_BARS, MOST_BARS = 8, 18
"""Rows of a chart of bars."""
_BETWEEN_DIGITS = re.compile(r"(?<=\d) (?=\d{3}\b)")
BOTH = 38
"""From so many rows on the day and the week are shown together."""
NOTE_ROWS = 3


@dataclass
class Pages:
    """Makes what is shown, and keeps what was dear to make until something else is to be shown."""

    _made: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def kept(self, name: str, asked: Any, make: Callable[[], T]) -> T:
        """What was made for the same question before, or is made now."""
        asked = (current(), asked)
        known = self._made.get(name)
        if known is None or known[0] != asked:
            known = self._made[name] = asked, make()
        made: T = known[1]
        return made

    def trend(
        self, newest: OutagesSnapshot | None, shown: OutagesSnapshot, slots: Slots
    ) -> Sequence[tuple[datetime, int | None]]:
        """The half hours that lead to the one on show."""
        asked = (slots, newest, shown.slot, len(slots.known()))
        return self.kept("trend", asked, lambda: slots.series(last=shown.slot)[-TREND_CELLS[0] :])

    def lines(
        self,
        page: str,
        readings: Sequence[Reading[Any]],
        snapshot: OutagesSnapshot | None,
        slots: Slots,
        place: tuple[int, str] | None,
        state: str,
        size: tuple[int, int],
        marks: Glyphs = UNICODE,
    ) -> list[Line]:
        """The page for a width and height.

        Args:
            snapshot: What is out in the half hour on show.
            place: IBGE code and name of the municipality under the cursor; None for all together.
        """
        reading = outages_reading(readings)
        match page:
            case "Map":
                asked: Any = (snapshot, state, place, size, marks)
                return self.kept(page, asked, lambda: _map(snapshot, state, place, size, marks))
            case "Figures":
                if snapshot is None:
                    return _words(no_rows_words(reading), size[0])
                return self.kept(page, (snapshot, size, marks), lambda: figure_lines(snapshot, size[0], marks))
            case "Demands":
                demands = demands_reading(readings)
                asked = (None if demands is None else (demands.snapshot, demands.problem), size, marks)
                return self.kept(page, asked, lambda: demand_lines(demands, size[0], marks))
        newest = None if reading is None else reading.snapshot
        asked = (slots, place, snapshot, newest, len(slots.known()), size, marks)
        return self.kept(page, asked, lambda: _charts(page, slots, snapshot, place, size, marks))


def _map(
    snapshot: OutagesSnapshot | None, state: str, place: tuple[int, str] | None, size: tuple[int, int], marks: Glyphs
) -> list[Line]:
    names, positions = places.municipalities_of(state), places.positions(state)
    selected = None if place is None else place[0]
    drawn = tiles.draw(names, positions, snapshot, *size, selected=selected, marks=marks)
    return list(drawn.lines)


def _charts(
    page: str,
    slots: Slots,
    snapshot: OutagesSnapshot | None,
    place: tuple[int, str] | None,
    size: tuple[int, int],
    marks: Glyphs,
) -> list[Line]:
    """The day or the week; in a high window the other one below it."""
    series = slots.series(None if place is None else place[0])
    slot = None if snapshot is None else snapshot.slot
    name = "" if place is None else place[1]
    wanted = (page, WEEK if page == DAY else DAY) if size[1] >= BOTH else (page,)
    height = (size[1] - len(wanted) + 1) // len(wanted)
    lines: list[Line] = []
    for each in wanted:
        lines += [*([()] if lines else []), *_chart(each, series, slot, name, (size[0], height), marks)]
    return lines


def _chart(
    page: str,
    series: Sequence[tuple[datetime, int | None]],
    slot: datetime | None,
    name: str,
    size: tuple[int, int],
    marks: Glyphs,
) -> list[Line]:
    from wattdeck.ui import bars

    width, height = size
    make = charts.day if page == DAY else charts.week
    chart = make(series, slot, max(8, width - bars.AXIS_CELLS), name)
    notes = _words(chart.sentence, width, "label")[:NOTE_ROWS]
    rows = max(LEAST_BARS, min(MOST_BARS, height - len(notes) - 1))
    data = bars.Bars(chart.label, chart.unit, chart.values, chart.names, chart.boundary, chart.marks, chart.before)
    return [((f" {chart.label}", "heading"),), *bars.draw(data, width, rows, marks=marks), *notes]


def demand_lines(reading: Reading[DemandsSnapshot] | None, width: int, marks: Glyphs = UNICODE) -> list[Line]:
    """The day's demands, or why there are none."""
    if reading is None:
        return _words(tr("Demands are not asked for: demands = false in the configuration."), width)
    if reading.snapshot is None:
        hours = tr("Servers answer on working days, 6 to 24 h.")
        words = cannot_answer_words(reading.problem, hours) or reading.problem
        words = words or tr("Waiting for the first answer. {hours}", hours=hours)
        return _words(words, width)
    said = cannot_answer_words(reading.problem, tr("Its last good answer was:")) or reading.problem
    old = [*_words(said, width, "link-stale"), ()] if said else []
    return [*old, *demandwords.demands_lines(reading.snapshot, width, marks=marks)]


def _words(words: str, width: int, meaning: str = MUTED) -> list[Line]:
    """A sentence over some lines; a number stays on one."""
    held = _BETWEEN_DIGITS.sub("\u00a0", words)
    return [
        ((" ", TEXT), *((text.replace("\u00a0", " "), token) for text, token in line))
        for line in wrap(held, width - 2, meaning)
    ]


def newest_snapshot(readings: Sequence[Reading[Any]]) -> OutagesSnapshot | None:
    """What is out now, as far as is known."""
    reading = outages_reading(readings)
    return None if reading is None else reading.snapshot
