"""What one session knows of alarms: the file's word first, then what happened here and is not written yet."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import anyio
from anyio import to_thread

from wattdeck.core.alarm_events import AlarmEvent, Book, Memory
from wattdeck.core.alarm_file import AlarmFile, Synced
from wattdeck.core.clock import Clock
from wattdeck.core.errors import ConfigError
from wattdeck.core.language import tr
from wattdeck.core.reading import SourceId

log = logging.getLogger(__name__)

EVENTS_KEPT = 2000
PENDING_MOST = 500
"""Events that wait for a disk that cannot be written."""
RETRY_S = 10.0
"""Time between two tries to write to such a disk, s."""


class Owner(Protocol):
    """Who is told what the file brings."""

    def heard(self, event: AlarmEvent) -> None:
        """Another session did this, and it was news."""
        ...

    def settled(self, ours: Sequence[AlarmEvent], dropped: Sequence[AlarmEvent]) -> None:
        """These of ours count; these were done by another session before."""
        ...

    def troubled(self, words: str) -> None:
        """The file cannot be used, or not all of it."""
        ...


class AlarmMemory:
    """The book of alarms in memory, and its way to the file and back."""

    def __init__(self, path: Path, clock: Clock, session: str, cool_down: timedelta, owner: Owner) -> None:
        self.session = session
        self.remembers = True
        """What happens here is written down. Else the file is only read."""
        self.trouble = ""
        """Why alarms are not remembered or were remembered badly, in words; empty when all is well."""
        self._owner = owner
        self._clock = clock
        self._file = AlarmFile(path)
        self._kept = Book(cool_down)
        self._book = Book(cool_down)
        self._listed: deque[AlarmEvent] = deque(maxlen=EVENTS_KEPT)
        self._pending: list[AlarmEvent] = []
        self._retry_at_s = 0.0
        self._wake = anyio.Event()
        self._one_at_a_time = anyio.Lock()

    def get(self, alarm: str) -> Memory | None:
        """What is known of an alarm."""
        return self._book.alarms.get(alarm)

    def all(self) -> list[Memory]:
        """What is known of every alarm."""
        return list(self._book.alarms.values())

    def of(self, source: SourceId) -> list[Memory]:
        """What is known of a source's alarms."""
        return [memory for memory in self._book.alarms.values() if memory.source == source]

    def is_on(self, alarm: str) -> bool:
        """The alarm's condition holds, as far as is known."""
        memory = self.get(alarm)
        return memory is not None and memory.active

    def events(self) -> list[AlarmEvent]:
        """The newest events, oldest first."""
        return [*self._listed, *self._pending]

    @property
    def unsaved(self) -> bool:
        """Something happened that is not written down yet."""
        return bool(self._pending)

    def happen(self, event: AlarmEvent) -> bool:
        """Something happened here: it counts at once, and is written as soon as can be. False: it changes nothing."""
        if not self._book.apply(event):
            return False
        self._pending.append(event)
        self._wake.set()
        return True

    def tick(self, now: datetime) -> None:
        """Let go of what is over, and look what others did."""
        self._book.forget(now)
        self._kept.forget(now)
        self._wake.set()

    def save(self, *, loading: bool = False) -> None:
        """Write what happened and read what others wrote, at once. Blocks.

        Args:
            loading: Nothing that is read is news.
        """
        pending = self._to_write()
        try:
            done = self._file.sync(self._kept, pending)
        except (OSError, ConfigError) as error:
            self._failed(error)
        else:
            self._saved(done, len(pending), loading=loading)

    async def sync(self) -> None:
        """The same beside the event loop."""
        async with self._one_at_a_time:
            pending = self._to_write()
            try:
                done = await to_thread.run_sync(self._file.sync, self._kept.copy(), pending)
            except (OSError, ConfigError) as error:
                self._failed(error)
            else:
                self._saved(done, len(pending))

    async def keep(self) -> None:
        """Do that for ever, whenever there is a reason to."""
        while True:
            await self._wake.wait()
            self._wake = anyio.Event()
            if self._clock.monotonic() >= self._retry_at_s:
                await self.sync()

    def _to_write(self) -> Sequence[AlarmEvent]:
        return tuple(self._pending) if self.remembers else ()

    def _saved(self, done: Synced, count: int, *, loading: bool = False) -> None:
        """What the file says comes first, then what happened here since."""
        before = self._book
        taken, self._pending = self._pending[:count], self._pending[count:]
        self._kept, self._book = done.book, done.book.copy()
        for event in self._pending:
            self._book.apply(event)
        if done.fresh:
            self._listed.clear()
        self._listed.extend(done.events)
        if done.damaged:
            self._say(tr("{count} lines of {path} cannot be read and are passed over; alarms in them may be missing",
                         count=done.damaged, path=self._file.path))  # fmt: skip
        elif self._retry_at_s:
            self.trouble = ""
        self._retry_at_s = 0.0
        if not loading:
            self._hear(done.events, before)
        written = set(done.written)
        self._owner.settled(done.written, [event for event in taken if event not in written])

    def _hear(self, events: Sequence[AlarmEvent], before: Book) -> None:
        """Take note of what other sessions did, where it is news."""
        for event in events:
            old, new = before.alarms.get(event.alarm), self._book.alarms.get(event.alarm)
            if event.session != self.session and new is not None and old != new:
                self._owner.heard(event)

    def _failed(self, error: OSError | ConfigError) -> None:
        """Alarms are shown and told all the same, and it is tried again."""
        self._retry_at_s = self._clock.monotonic() + RETRY_S
        reason = getattr(error, "strerror", None) or str(error)
        self._say(tr("Alarms are shown but not remembered: {path}: {reason}", path=self._file.path, reason=reason))
        self._owner.settled(self._pending, ())
        while len(self._pending) > PENDING_MOST:
            event = self._pending.pop(0)
            self._kept.apply(event)
            self._listed.append(event)

    def _say(self, trouble: str) -> None:
        """Say once what is wrong."""
        if trouble != self.trouble:
            self.trouble = trouble
            log.warning("%s", trouble)
            self._owner.troubled(trouble)
