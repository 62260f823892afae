"""The last day of one value in means of a quarter of an hour: what the overview's sparklines are made of."""

from __future__ import annotations

from array import array

SLICE_S = 900
SLICES = 96
DAY_S = float(SLICE_S * SLICES)


class DayTrend:
    """Measured values of one source over the last 24 hours, in slices. Takes the same room for ever.

    Times are Unix seconds. Which value it follows may change; the memory then starts anew.
    """

    def __init__(self) -> None:
        self.key = ""
        """The value that is followed, as the system names it; empty: none yet."""
        self.first_s: float | None = None
        """Time of the first value there is any memory of, at most a day ago; None: there is none."""
        self._slot = -1
        self._sums = array("d", bytes(8 * SLICES))
        self._counts = array("L", [0]) * SLICES

    def due(self, time_s: float) -> bool:
        """A new slice begins, or nothing is followed yet: time to ask what to follow."""
        return not self.key or int(time_s // SLICE_S) != self._slot

    def follow(self, key: str) -> None:
        """Follow this value from now on; another one than before starts anew."""
        if key != self.key:
            self.key = key
            self._forget()

    def add(self, time_s: float, value: float | None) -> None:
        """Count a value in; None is a gap. A clock that was set back by more than a slice starts anew."""
        if value is None or value != value:
            return
        slot = int(time_s // SLICE_S)
        if slot < self._slot - 1:
            self._forget()
        if slot > self._slot:
            for passed in range(max(self._slot + 1, slot - SLICES + 1), slot + 1):
                self._sums[passed % SLICES] = 0.0
                self._counts[passed % SLICES] = 0
            self._slot = slot
        self._sums[slot % SLICES] += value
        self._counts[slot % SLICES] += 1
        oldest_s = float((self._slot - SLICES + 1) * SLICE_S)
        self.first_s = time_s if self.first_s is None else max(self.first_s, oldest_s)

    def recent(self, count: int, span_s: float, end_s: float) -> list[float | None]:
        """Means of `count` equal parts of the last `span_s` (at most a day), whole slices; None = nothing known."""
        slices = max(1, min(SLICES, round(span_s / SLICE_S)))
        first = int(end_s // SLICE_S) - slices + 1
        return [
            self._mean(first + at * slices // count, first + max(at * slices // count + 1, (at + 1) * slices // count))
            for at in range(count)
        ]

    def _mean(self, start: int, end: int) -> float | None:
        kept = [slot % SLICES for slot in range(start, end) if self._slot - SLICES < slot <= self._slot]
        count = sum(self._counts[at] for at in kept)
        return sum(self._sums[at] for at in kept) / count if count else None

    def _forget(self) -> None:
        self.first_s = None
        self._slot = -1
        for at in range(SLICES):
            self._sums[at], self._counts[at] = 0.0, 0
