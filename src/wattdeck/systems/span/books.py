"""The days of a panel's circuits in the history: how far each had counted when the local day began."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2s
from pathlib import Path

from anyio import to_thread

from wattdeck.core.errors import ConfigError
from wattdeck.core.history import IN_MEMORY, MAX_SERIES_BYTES, History, HistoryError, Value, open_history

log = logging.getLogger(__name__)

DAY = "day"

Entry = tuple[str, float, float]
"""A circuit's key, its net counter when the day began for us, Wh, and when that was read, Unix seconds."""
Found = Mapping[str, Sequence[tuple[float, float, float]]]
"""By key, ascending: start of the day, when the counter was read, both Unix seconds, and the counter, Wh."""


class Books:
    """One series for each circuit: the net counter at the start of each day, `checked_s` says when it was read."""

    def __init__(self, source: str, where: Path | str) -> None:
        self._source = source
        self._where = where
        self._history: History | None = None
        self._lock = threading.Lock()
        self._warned = False
        self._closed = False

    async def exchange(self, entries: Sequence[Entry], day: datetime, ours_from_s: float) -> Found | None:
        """The days of this month that are known, this one among them: written where nobody did. None: not now.

        Args:
            entries: What to write for the day.
            day: The local midnight it began at.
            ours_from_s: Values read before that are of another panel.
        """
        if self._where == IN_MEMORY:
            return self._exchange(entries, day, ours_from_s)
        # Given up waiting for, the thread still writes what it can; asked again, it finds it there.
        return await to_thread.run_sync(self._exchange, entries, day, ours_from_s, abandon_on_cancel=True)

    async def aclose(self) -> None:
        """Close the history, for good: also one that a thread nobody waits for any more is only opening."""
        self._closed = True
        if self._history is not None or self._lock.locked():
            await to_thread.run_sync(self._close, abandon_on_cancel=True)

    def _close(self) -> None:
        with self._lock:
            history, self._history = self._history, None
            if history is not None:
                history.close()

    def series(self, key: str) -> str:
        """The name of a circuit's series; what would be too long for one is shortened to a digest."""
        name = f"{self._source}/{key}/net"
        if len(name.encode()) <= MAX_SERIES_BYTES:
            return name
        return f"span/{blake2s(name.encode(), digest_size=16).hexdigest()}/net"

    def _exchange(self, entries: Sequence[Entry], day: datetime, ours_from_s: float) -> Found | None:
        try:
            with self._lock:
                if self._closed:
                    return None
                history = self._history = self._history or open_history(self._where)
                return {entry[0]: self._days(history, entry, day, ours_from_s) for entry in entries}
        except (HistoryError, ConfigError) as error:
            if not self._warned:
                log.warning("%s: %s Energy of the month is counted without the history meanwhile.", self._source, error)
            self._warned = True
            return None

    def _days(
        self, history: History, entry: Entry, day: datetime, ours_from_s: float
    ) -> list[tuple[float, float, float]]:
        key, value_wh, read_s = entry
        series, day_s = self.series(key), int(day.timestamp())
        first = datetime(day.year, day.month, 1).astimezone()
        rows = [
            (float(one.start_s), float(one.checked_s), one.value)
            for one in history.read(series, DAY, int(first.timestamp()), day_s + 1)
            if one.value is not None and one.checked_s >= ours_from_s
        ]
        if not rows or rows[-1][0] != day_s:
            history.write(series, DAY, [Value(day_s, value_wh, int(read_s))])
            rows.append((float(day_s), read_s, value_wh))
        return rows
