"""When a person last looked at the deck: what came after that is news."""

from __future__ import annotations

import contextlib
import os
from datetime import datetime, timedelta
from pathlib import Path

from wattdeck.core.codec import read_time

AWAY = timedelta(minutes=10)
"""Without a key for so long, nobody is looking."""
SAVE_EVERY = timedelta(minutes=1)
MAX_BYTES = 100


class Looked:
    """The time since which things are news, over sessions too.

    It is when the last key before a pause was pressed, in this session or in the one before.
    """

    def __init__(self, path: Path) -> None:
        """`path` is a small file of this session's state folder; one that cannot be used is no fault."""
        self._path = path
        self.since: datetime | None = None
        """None: nobody ever looked before."""
        self._last: datetime | None = None
        self._saved: datetime | None = None
        with contextlib.suppress(OSError, ValueError, TypeError):
            if path.stat().st_size <= MAX_BYTES:
                self.since = read_time(path.read_text(encoding="ascii").strip())

    def touch(self, now: datetime) -> None:
        """A key was pressed."""
        if self._last is not None and now - self._last >= AWAY:
            self.since = self._last
        self._last = now
        if self._saved is None or now - self._saved >= SAVE_EVERY:
            self._saved = now
            self.save()

    def save(self) -> None:
        """Keep the time of the last key for the next session."""
        if self._last is None:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(self._last.isoformat() + "\n")
