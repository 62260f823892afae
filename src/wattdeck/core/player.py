"""A recording's readings at any of its times, and the trends that led there. No screen, no clock of its own."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from wattdeck.core.codec import decode
from wattdeck.core.daytrend import DAY_S
from wattdeck.core.language import tr
from wattdeck.core.reading import Link, Reading, SourceId
from wattdeck.core.recorded import Recording, Rows
from wattdeck.core.recording import Feed, changed, parsed, reading_of
from wattdeck.core.text import clean
from wattdeck.core.trend import KEEP_S, Trend

TREND_SAMPLES = 500
"""So many readings of a feed make the trend of the hour before a time that was gone to."""
AT_ONCE = 20
"""So many readings of a feed are shown of a stretch that passes at once; the rest only leads to them."""
DAY_SAMPLES = 200
"""So many readings of a feed make the day's sparkline."""
LEAD_S, LEAD_READINGS = 900.0, 60
"""How far before a time that was gone to alarms begin to look, s, and at how many readings of a feed."""
SAMPLES_KEPT = 8192

Values = Mapping[str, float | None]
TrendValues = Callable[[str, Any], Values]
"""Feed and snapshot -> what a trend takes of it."""
Measured = tuple[SourceId, float, Values]
"""Source, Unix time, values."""
Place = tuple[list[Reading[Any]], dict[SourceId, Trend]]
"""Each feed's newest reading at a time, and the trends that led there."""
Sample = tuple[float, Values | None]
"""Unix time, and the values; None: nothing is known then."""


class Track:
    """One feed of a recording: the data as it is after some reading of it."""

    def __init__(self, recording: Recording, rows: Rows, kind: type[Any]) -> None:
        self._recording = recording
        self.rows = rows
        self._kind = kind
        self._row = -1
        """Which of its readings `_data` belongs to; -1: none."""
        self._data: Any = None
        self._document: Mapping[str, Any] = {}
        self.unreadable = ""
        """Why a reading's data could not be shown, the first time."""

    def row_at(self, number: int) -> int:
        """The newest of its readings up to one of all; -1 if there is none yet."""
        return bisect_right(self.rows.at, number) - 1

    def reading(self, row: int) -> Reading[Any]:
        """One of its readings. What cannot be read is a reading without data that says why."""
        try:
            self._go(row)
        except (ValueError, RecursionError) as error:
            self._row = -1
            self.unreadable = self.unreadable or str(error)
            problem = tr("this reading cannot be read from the recording: {error}", error=error)
            return Reading(*self.rows.feed, link=Link.DOWN, problem=problem, failures=1)
        told = reading_of(self.rows.feed, self._document)
        if self._data is None:
            return told
        try:
            return replace(told, snapshot=decode(self._kind, self._data))
        except (ValueError, OverflowError, RecursionError) as error:
            self.unreadable = self.unreadable or str(error)
            problem = tr("recorded by a wattdeck whose data this one does not know: {error}", error=error)
            return Reading(*self.rows.feed, link=Link.DOWN, problem=problem, failures=1)

    def _go(self, row: int) -> None:
        """Bring the data to a reading, from where it is or from the last whole one."""
        whole = row - self.rows.since_whole[row]
        start = self._row + 1 if whole <= self._row <= row else whole
        for each in range(start, row + 1):
            line = self._recording.line(self.rows.at[each])
            # Whoever wrote the file need not have cleaned what the sources said; nearly every line is clean.
            document = parsed(line) if line.isascii() and b"\\" not in line else _cleaned(parsed(line))
            reading_of(self.rows.feed, document)
            if self.rows.since_whole[each] == 0:
                self._data = document.get("data")
            elif "change" in document:
                self._data = changed(self._data, document["change"])
            self._document = document
            self._row = each


class Player:
    """All feeds of a recording together. Used by one caller at a time; it reads the file, so call it in a thread."""

    def __init__(self, recording: Recording, kinds: Mapping[Feed, type[Any]], values: TrendValues) -> None:
        """Args:
        kinds: What each feed's data is; feeds that are not in it are left out.
        """
        self.recording = recording
        self._values = values
        self._kinds = kinds
        self.tracks: dict[Feed, Track] = {}
        self.position = -1
        """The newest reading that is shown, by its number; -1: none yet."""
        self._samples: OrderedDict[int, Sample] = OrderedDict()
        self.look()

    def look(self) -> None:
        """Take in what has been recorded since."""
        for feed, rows in self.recording.rows.items():
            if feed in self._kinds and feed not in self.tracks:
                self.tracks[feed] = Track(self.recording, rows, self._kinds[feed])

    def number_at(self, at_us: int) -> int:
        """The newest reading up to a time; -1 if there is none yet."""
        return bisect_right(self.recording.times_us, at_us) - 1

    def next_us(self) -> int | None:
        """When the next reading came; None: there is none."""
        times = self.recording.times_us
        return times[self.position + 1] if self.position + 1 < len(times) else None

    def advance(self, number: int) -> list[tuple[int, Reading[Any]]]:
        """Go on to a reading; gives those on the way with their numbers, of a long way some of each feed."""
        out: list[tuple[int, Reading[Any]]] = []
        for track in self.tracks.values():
            first, last = track.row_at(self.position) + 1, track.row_at(number)
            out += [(track.rows.at[row], track.reading(row)) for row in self._some(track, first, last, AT_ONCE)]
        self.position = max(self.position, number)
        out.sort(key=lambda each: each[0])
        for each, reading in out:
            self._keep(each, reading)
        return out

    def seek(self, number: int) -> Place:
        """Go to a reading, wherever it is: each feed's newest then, and the trends of the hour before."""
        self.position = number
        trends = self._trends(number)
        readings = []
        for feed, track in self.tracks.items():
            row = track.row_at(number)
            readings.append(Reading(*feed) if row < 0 else track.reading(row))
        return readings, trends

    def lead(self, number: int) -> list[tuple[int, Reading[Any]]]:
        """Readings of the minutes before one, some of each feed, oldest first: what alarms wait for began there."""
        if number < 0:
            return []
        first = bisect_left(self.recording.times_us, self.recording.times_us[number] - int(LEAD_S * 1e6))
        out: list[tuple[int, Reading[Any]]] = []
        for track in self.tracks.values():
            begin, end = track.row_at(first - 1) + 1, track.row_at(number)
            out += [(track.rows.at[row], track.reading(row)) for row in self._some(track, begin, end, LEAD_READINGS)]
        return sorted(out, key=lambda each: each[0])

    def step(self, sources: Collection[SourceId], direction: int) -> int | None:
        """The reading of these sources (none: of any) before or after the present one; None: there is no other."""
        found = [near for feed, track in self.tracks.items() if not sources or feed[0] in sources
                 if (near := _near(track.rows.at, self.position, direction)) is not None]  # fmt: skip
        return None if not found else min(found) if direction > 0 else max(found)

    def turn(self, direction: int) -> int | None:
        """The next or last reading with which a link became another one; None: there is none."""
        at = self.position + direction
        while 0 <= at < len(self.recording):
            if self.recording.turns(at) and self.recording.feed(at) in self.tracks:
                return at
            at += direction
        return None

    def day(self, number: int) -> list[Measured]:
        """What was measured in the day before a reading, a few values an hour, oldest first: for sparklines."""
        if number < 0:
            return []
        first = bisect_left(self.recording.times_us, self.recording.times_us[number] - int(DAY_S * 1e6))
        out: list[Measured] = []
        for feed, track in self.tracks.items():
            for row in self._some(track, track.row_at(first - 1) + 1, track.row_at(number), DAY_SAMPLES):
                time_s, values = self._sample(track, row)
                out += [(feed[0], time_s, values)] if values is not None else []
        return sorted(out, key=lambda each: each[1])

    def _trends(self, number: int) -> dict[SourceId, Trend]:
        trends: dict[SourceId, Trend] = {feed[0]: Trend() for feed in self.tracks}
        if number < 0:
            return trends
        oldest_us = self.recording.times_us[number] - int(KEEP_S * 1e6)
        first = bisect_left(self.recording.times_us, oldest_us)
        samples: list[tuple[int, SourceId, Sample]] = []
        for feed, track in self.tracks.items():
            begin, end = track.row_at(first - 1) + 1, track.row_at(number)
            rows = self._some(track, begin, end, TREND_SAMPLES)
            samples += [(track.rows.at[row], feed[0], self._sample(track, row)) for row in rows]
        samples.sort(key=lambda each: each[0])
        for _, source, (time_s, values) in samples:
            if values is None:
                trends[source].gap(time_s)
            else:
                trends[source].add(time_s, values)
        return trends

    def _some(self, track: Track, first: int, last: int, most: int) -> Iterator[int]:
        """Rows of a stretch: all of a short one; of a long one every so many, the last, and where the link turns.

        Which ones are taken does not depend on where the stretch begins, so that those once read serve again.
        """
        every = 1
        while (last - first + 1) // every > most:
            every *= 2
        for row in range(first, last + 1):
            if row % every == 0 or row == last or self.recording.turns(track.rows.at[row]):
                yield row

    def _sample(self, track: Track, row: int) -> Sample:
        number = track.rows.at[row]
        if number not in self._samples:
            self._keep(number, track.reading(row))
        return self._samples[number]

    def _keep(self, number: int, reading: Reading[Any]) -> None:
        at_s = self.recording.times_us[number] / 1e6
        values: Values | None = None
        if reading.link is Link.LIVE and reading.snapshot is not None and reading.taken_at is not None:
            at_s = reading.taken_at.timestamp()
            values = self._values(f"{reading.source} {reading.feed}", reading.snapshot)
        self._samples[number] = at_s, values
        while len(self._samples) > SAMPLES_KEPT:
            self._samples.popitem(last=False)


def _cleaned(value: Any) -> Any:
    """A document whose texts are harmless for a terminal, and can be written as UTF-8."""
    if isinstance(value, dict):
        return {_cleaned(key): _cleaned(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    return clean(value, max(1, len(value))) if isinstance(value, str) else value


def _near(numbers: Sequence[int], position: int, direction: int) -> int | None:
    """The nearest of ascending numbers after or before a position."""
    at = bisect_right(numbers, position) if direction > 0 else bisect_left(numbers, position) - 1
    return numbers[at] if 0 <= at < len(numbers) else None
