"""Short memory of measured values for sparklines and plots: typed arrays, bounded, gaps as NaN."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence

KEEP_S = 3600.0
"""How far back values are kept, s."""
SET_BACK_S = 60.0
"""A sample this far before the last one means that the clock was set back, s."""
_TRIM = 256
"""Values dropped from the front at once, so that trimming is rare."""

Earlier = Callable[[str], Sequence[str]]
"""Key -> the keys under which its value was known before: it is their sum."""


class Trend:
    """Values of one source over the last hour: one time axis, one column per key.

    Times are Unix seconds, ascending. A column that starts late or misses a sample holds NaN there.
    """

    def __init__(self, keep_s: float = KEEP_S) -> None:
        self._keep_s = keep_s
        self._times = array("d")
        self._columns: dict[str, array[float]] = {}
        self._recent: dict[tuple[str, int, float], tuple[int, list[float | None]]] = {}
        """Answers about slices that have ended: they stay as they are."""

    def __len__(self) -> int:
        return len(self._times)

    @property
    def span_s(self) -> float:
        """Seconds from the first to the last value kept."""
        return self._times[-1] - self._times[0] if self._times else 0.0

    def add(self, time_s: float, values: Mapping[str, float | None], earlier: Earlier | None = None) -> None:
        """Add one sample. A time not after the last one is ignored; a clock that was set back starts anew.

        Args:
            earlier: Where a key that is new takes its past from; None: it has none.
        """
        if self._times and time_s < self._times[-1] - SET_BACK_S:
            self._times = array("d")
            self._columns.clear()
            self._recent.clear()
        elif self._times and time_s <= self._times[-1]:
            return
        numbers = {key: math.nan if value is None else float(value) for key, value in values.items()}
        self._times.append(time_s)
        count = len(self._times)
        for key, value in numbers.items():
            column = self._columns.get(key)
            if column is None:
                column = self._columns[key] = self._past(earlier(key) if earlier is not None else (), count - 1)
            column.append(value)
        for column in self._columns.values():
            if len(column) < count:
                column.append(math.nan)
        self._trim(time_s)

    def _past(self, keys: Sequence[str], count: int) -> array[float]:
        """The sum of columns, as long as `count`; nothing where one of them is not there."""
        columns = [self._columns[key] for key in keys if key in self._columns]
        if not columns or len(columns) < len(keys):
            return array("f", [math.nan]) * count
        return array("f", map(sum, zip(*(column[:count] for column in columns), strict=True)))

    def gap(self, time_s: float) -> None:
        """Mark that nothing is known at this time, so that a plot shows a hole and not a bridge."""
        if self._columns:
            self.add(time_s, {})

    def _trim(self, now_s: float) -> None:
        if len(self._times) <= _TRIM or self._times[_TRIM] >= now_s - self._keep_s:
            return
        del self._times[:_TRIM]
        for key, column in list(self._columns.items()):
            del column[:_TRIM]
            if all(map(math.isnan, column)):
                del self._columns[key]
                self._recent = {asked: kept for asked, kept in self._recent.items() if asked[0] != key}

    def columns(self, key: str, start_s: float, end_s: float, count: int) -> list[tuple[float, float] | None]:
        """Lowest and highest value in each of `count` equal slices of [start_s, end_s); None = nothing known."""
        out: list[tuple[float, float] | None] = [None] * count
        column = self._columns.get(key)
        if column is None or count < 1 or end_s <= start_s:
            return out
        times = self._times
        scale = count / (end_s - start_s)
        for index in range(bisect_left(times, start_s), bisect_left(times, end_s)):
            value = column[index]
            if value != value:
                continue
            slot = min(count - 1, int((times[index] - start_s) * scale))
            held = out[slot]
            if held is None:
                out[slot] = (value, value)
            elif value < held[0]:
                out[slot] = (value, held[1])
            elif value > held[1]:
                out[slot] = (held[0], value)
        return out

    def recent(self, key: str, count: int, step_s: float, end_s: float) -> list[float | None]:
        """Means of the last `count` slices of `step_s` seconds, aligned to whole steps; None = nothing known."""
        column = self._columns.get(key)
        if column is None:
            return [None] * count
        last = math.floor(end_s / step_s)
        asked = (key, count, step_s)
        kept = self._recent.get(asked)
        if kept is not None and kept[0] == last:
            return kept[1]
        first_s = (last - count + 1) * step_s
        sums = [0.0] * count
        hits = [0] * count
        times = self._times
        for index in range(bisect_left(times, first_s), len(times)):
            value = column[index]
            slot = int((times[index] - first_s) // step_s)
            if value == value and 0 <= slot < count:
                sums[slot] += value
                hits[slot] += 1
        means = [total / hit if hit else None for total, hit in zip(sums, hits, strict=True)]
        if times and times[-1] >= (last + 1) * step_s:
            self._recent[asked] = (last, means)
        return means
