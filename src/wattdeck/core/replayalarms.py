"""Alarms of a replay: raised by recorded readings at recorded times, and gone with the replay."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattdeck.core.alarm_memory import AlarmMemory
from wattdeck.core.alarms import Alarms
from wattdeck.core.clock import Clock
from wattdeck.core.config import AlarmsConfig
from wattdeck.core.reading import Reading, SourceId

if TYPE_CHECKING:
    from wattdeck.core.replay import ReplayHub
    from wattdeck.core.sources import Pairs

_NOWHERE = Path("/dev/null")
"""No file of events is ever opened."""


class _Here(AlarmMemory):
    """A memory without a file."""

    def save(self, *, loading: bool = False) -> None:
        """Keep what happened."""
        del loading
        ours, self._pending = self._pending, []
        self._listed.extend(ours)
        self._kept = self._book.copy()
        self._owner.settled(ours, ())

    async def sync(self) -> None:
        """The same."""
        self.save()


class ReplayedAlarms(Alarms):
    """Nothing is read from the disk or written there: the deck's own alarms stay as they are."""

    def __init__(self, pairs: Pairs, clock: Clock) -> None:
        """Alarms of these sources by their recorded settings."""
        super().__init__(pairs, _NOWHERE, clock, AlarmsConfig())

    def _new_memory(self) -> AlarmMemory:
        return _Here(_NOWHERE, self._clock, self.session, self._cool_down, self)

    def tick(self, now: datetime) -> None:
        """Once a second, by the clock of the recording."""
        super().tick(now)
        self.save()

    def begin_again(self) -> None:
        """Another time was gone to: nothing has happened yet."""
        self._begin()

    def follow(self, hub: ReplayHub) -> None:
        """Look at each reading of a replay, and at those that lead to a time that was gone to."""
        newest: dict[SourceId, dict[str, Reading[Any]]] = {}

        def arrived(reading: Reading[Any], at: datetime) -> None:
            source = reading.source
            known = newest.setdefault(source, {feed.name: Reading(source, feed.name) for feed in hub.feeds_of(source)})
            known[reading.feed] = reading
            self.look(source, list(known.values()), at)

        def begin_again() -> None:
            newest.clear()
            self.begin_again()

        hub.jumped.append(begin_again)
        hub.led.append(arrived)
        hub.subscribe(lambda reading: arrived(reading, hub.shown_at))
