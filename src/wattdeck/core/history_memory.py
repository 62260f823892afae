"""The history of one session, in memory: for the demo, and for who wants nothing kept on the disk."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from wattdeck.core.history import Value, in_order, merged, require_names


class MemoryHistory:
    """A history that is gone when it is closed. Loads no database library."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], dict[int, Value]] = {}
        self._lock = threading.Lock()

    def write(self, series: str, period: str, values: Sequence[Value]) -> int:
        """See `History.write`."""
        rows = in_order(series, period, values)
        changed = 0
        with self._lock:
            known = self._known.setdefault((series, period), {}) if rows else {}
            for one in rows:
                before = known.get(one.start_s)
                kept = one if before is None else merged(before, one)
                changed += before is None or before.value != kept.value
                known[one.start_s] = kept
        return changed

    def read(self, series: str, period: str, start_s: int, end_s: int) -> list[Value]:
        """See `History.read`."""
        require_names(series, period)
        with self._lock:
            known = self._known.get((series, period), {})
            return [known[start] for start in sorted(known) if start_s <= start < end_s]

    def span(self, series: str, period: str) -> tuple[int, int] | None:
        """See `History.span`."""
        require_names(series, period)
        with self._lock:
            known = self._known.get((series, period))
            return (min(known), max(known)) if known else None

    def series(self) -> list[tuple[str, str]]:
        """See `History.series`."""
        with self._lock:
            return sorted(self._known)

    def close(self) -> None:
        """See `History.close`."""
        self._known.clear()
