"""Where alarms are remembered: a file of events that every session of the host reads and adds to.

A session adds an event only if it still changes something after what the others have added meanwhile: two sessions
that see the same thing raise one alarm. All of it blocks: on the event loop use a thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from wattdeck.core import appended
from wattdeck.core.alarm_events import AlarmEvent, Book, event_line, fold, memory_line, parse_lines

COMPACT_BYTES = 1_000_000
"""A larger file is written anew, with what is remembered and the newest events."""
READ_BYTES_MAX = 16_000_000
EVENTS_KEPT = 1000
"""Events that stay in the file when it is written anew."""


@dataclass
class Synced:
    """How the file stands after a look at it."""

    book: Book
    events: list[AlarmEvent] = field(default_factory=list)
    """Every event in the file, if `fresh`; else those that were added since the last look, our own among them."""
    fresh: bool = False
    """The file was read from its start, because it is another one than before."""
    written: list[AlarmEvent] = field(default_factory=list)
    """Those of our own that were added."""
    damaged: int = 0
    """Lines that say nothing readable."""


class AlarmFile:
    """One session's side of the file. Remembers how far it has been read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place = appended.Place()
        self._compact_at = COMPACT_BYTES

    def sync(self, book: Book, pending: Sequence[AlarmEvent]) -> Synced:
        """Read what others have added since the last look, and add what still has to be said.

        Args:
            book: What was remembered at the last look; it is not changed.
            pending: What happened here since, in order.

        Raises:
            OSError: the file cannot be read or written; nothing was added.
            ConfigError: its directory cannot be made.
        """
        done = Synced(book.copy())
        if not pending:
            news, fresh, place = appended.added(self.path, self._place, READ_BYTES_MAX)
            self._take(done, news, fresh)
            self._place = place
            return done

        def answer(news: bytes, fresh: bool) -> bytes:
            self._take(done, news, fresh)
            for event in pending:
                if done.book.apply(event):
                    done.written.append(event)
                    done.events.append(event)
            return b"".join(event_line(event) for event in done.written)

        self._place = appended.exchange(self.path, self._place, READ_BYTES_MAX, answer)
        if self._place.offset > self._compact_at:
            self._compact_at = max(
                COMPACT_BYTES, 2 * appended.rewrite(self.path, READ_BYTES_MAX, partial(compacted, book.cool_down))
            )
        return done

    @staticmethod
    def _take(done: Synced, news: bytes, fresh: bool) -> None:
        if fresh:
            done.book, done.fresh = Book(done.book.cool_down), True
        made_of, events, damaged = parse_lines(news)
        fold(done.book, made_of)
        done.events += events
        done.damaged += damaged


def compacted(cool_down: timedelta, data: bytes) -> bytes:
    """The same memory in fewer bytes: the newest events to be listed, and a line for each alarm."""
    made_of, events, _ = parse_lines(data)
    book = Book(cool_down)
    fold(book, made_of)
    lines = [event_line(event, history=True) for event in events[-EVENTS_KEPT:]]
    lines += [memory_line(memory) for memory in book.alarms.values()]
    return b"".join(lines)
