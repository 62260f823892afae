"""Energy counters that are believed with care: a panel that restarts, is updated or errs tells lower or absurd ones.

Pure arithmetic, no clock and no file. What is *shown* is what the panel says plus an offset, and rises only, but for
an offset that is taken back (span.md 8.4, span-v2.md 8.3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import isfinite
from typing import Any, Self

FALL_WH = 1.0
"""A counter that is lower by this has fallen; less is rounding, and shown as no change."""
CONFIRM_READINGS = 3
"""So many further readings must agree before an offset counts for good: dips last one or two (span.md 8.4) ..."""
CONFIRM_S = 300.0
"""... and for so long, because a panel that pushes sends several a minute."""
STEP_S = 900.0
"""Counters of circuits move in steps of ten minutes and more (span.md 4.3): what such a step may hold is no jump."""
UNKNOWN_RATING_A = 200.0
"""Of a meter whose breaker nobody knows: the largest panel's. Only what is absurd is beyond it."""

_WH_PER_A_S = 240 * 1.5 / 3600
"""The most that passes a breaker in a second, Wh for each A of rating: at 240 V, half as much again as it is rated."""


def most_wh(rating_a: float | None, seconds: float) -> float:
    """The most energy that a meter behind such a breaker can count in that time, Wh."""
    rating = rating_a if rating_a is not None and rating_a > 0 else UNKNOWN_RATING_A
    return rating * _WH_PER_A_S * max(seconds, STEP_S)


@dataclass(slots=True)
class Counter:
    """One counter over time.

    It leaves its track when it falls by `FALL_WH` or more, or rises by more than its breaker can carry. An offset
    then keeps what is shown where it was. The offset is *provisional*: it is taken back as soon as the counter is
    on the track it left again. After `CONFIRM_READINGS` further readings over `CONFIRM_S` it stays for good.
    """

    raw_wh: float | None = None
    """Highest reading on the present track; None: never read."""
    moved_s: float = 0.0
    """When it was last seen to rise, Unix seconds."""
    offset_wh: float = 0.0
    """Confirmed."""
    provisional_wh: float = 0.0
    before_wh: float | None = None
    """Where it left the track it may come back to; None: nothing is provisional."""
    before_s: float = 0.0
    left_s: float = 0.0
    """When it came onto the present, unconfirmed track."""
    agreed: int = 0
    """Readings that went on with that track."""
    turns: int = 0
    """How often an offset was made, confirmed or taken back: changes when there is something to keep."""

    @property
    def added_wh(self) -> float:
        """What is shown above the panel's own number; below it after an absurd jump."""
        return self.offset_wh + self.provisional_wh

    def read(self, raw_wh: float | None, now_s: float, rating_a: float | None = None) -> float | None:
        """What to show for a reading. An absent one is not 0: it shows nothing and changes nothing."""
        if raw_wh is None or not isfinite(raw_wh):
            return None
        top_wh = self.raw_wh
        if top_wh is None:
            self.raw_wh, self.moved_s = raw_wh, now_s
            return raw_wh + self.added_wh
        if self.before_wh is None and raw_wh == top_wh:
            return top_wh + self.offset_wh
        if self._is_back(raw_wh, now_s, rating_a):
            self._take_back(raw_wh, now_s)
        elif not -FALL_WH < raw_wh - top_wh <= most_wh(rating_a, now_s - self.moved_s):
            self._leave(top_wh, raw_wh, now_s)
        else:
            if raw_wh > top_wh:
                self.raw_wh, self.moved_s = raw_wh, now_s
            self._agree(now_s)
        return (self.raw_wh or 0.0) + self.added_wh

    def _is_back(self, raw_wh: float, now_s: float, rating_a: float | None) -> bool:
        if self.before_wh is None:
            return False
        return -FALL_WH < raw_wh - self.before_wh <= most_wh(rating_a, now_s - self.before_s)

    def _take_back(self, raw_wh: float, now_s: float) -> None:
        self.raw_wh, self.moved_s = max(raw_wh, self.before_wh or raw_wh), now_s
        self.provisional_wh, self.before_wh = 0.0, None
        self.turns += 1

    def _leave(self, top_wh: float, raw_wh: float, now_s: float) -> None:
        if self.before_wh is None:
            self.before_wh, self.before_s = top_wh, self.moved_s
        self.provisional_wh += top_wh - raw_wh
        self.raw_wh, self.moved_s = raw_wh, now_s
        self.left_s, self.agreed = now_s, 0
        self.turns += 1

    def _agree(self, now_s: float) -> None:
        if self.before_wh is None:
            return
        self.agreed += 1
        # A clock that was set back does not hold the offset in suspense for ever.
        self.left_s = min(self.left_s, now_s)
        if self.agreed >= CONFIRM_READINGS and now_s - self.left_s >= CONFIRM_S:
            self.offset_wh += self.provisional_wh
            self.provisional_wh, self.before_wh = 0.0, None
            self.turns += 1

    def kept(self) -> list[float | None]:
        """Everything of it in plain data."""
        return [getattr(self, field.name) for field in fields(self)]

    @classmethod
    def again(cls, data: Any) -> Self:
        """From what `kept` gave.

        Raises:
            ValueError: it is not that.
        """
        names = [field.name for field in fields(cls)]
        if not isinstance(data, list) or len(data) != len(names):
            raise ValueError("not a counter")
        may_be_none = {"raw_wh", "before_wh"}
        for name, value in zip(names, data, strict=True):
            number = isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
            if not number and not (value is None and name in may_be_none):
                raise ValueError(f"{name}: {value!r}")
        return cls(*data)

    @classmethod
    def of_sum(cls, parts: Sequence[Self]) -> Self:
        """The counter that goes on where several ended, as one that counts all they did."""
        raws = [part.raw_wh for part in parts if part.raw_wh is not None]
        return cls(
            sum(raws) if raws and len(raws) == len(parts) else None,
            max(part.moved_s for part in parts),
            sum(part.added_wh for part in parts),
        )


def net_wh(consumed_wh: float | None, produced_wh: float | None) -> float | None:
    """Consumed minus produced, of counters as shown: the offsets of both are in it. None while either is unknown."""
    return None if consumed_wh is None or produced_wh is None else consumed_wh - produced_wh
