"""When what was operated last, read from the journal so that a restart forgets nothing (control.md rule 14)."""

from __future__ import annotations

from datetime import datetime, timedelta

from anyio import to_thread

from wattdeck.core.chain import Record
from wattdeck.core.command import OPEN, RELAY
from wattdeck.core.errors import Cause, CommandRefused
from wattdeck.core.journal import Journal, JournalUnreadable
from wattdeck.core.reading import SourceId

KEPT = timedelta(hours=1)
CLOCK_TOLERANCE = timedelta(hours=1)
"""A record from further in the future was written under a wrong clock and blocks nothing."""

Key = tuple[str, str]
"""Source and object id."""


class Operations:
    """Commands sent in the last hour by any session that writes this journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._offset = 0
        self._sent: dict[Key, dict[str, datetime]] = {}
        self._opened: dict[Key, dict[str, datetime]] = {}

    def refresh(self) -> None:
        """Read what was added to the journal since the last call. Blocks; use a thread on the event loop.

        Raises:
            JournalUnreadable: the file exists and cannot be read.
        """
        if self._journal.size() < self._offset:
            self._offset = 0
            self._sent.clear()
            self._opened.clear()
        now = self._journal.clock.now()
        for record in self._journal.records(offset=self._offset):
            self._offset = record.end_offset
            if now - KEPT < record.at < now + CLOCK_TOLERANCE:
                self._note(record)
        self._forget(now - KEPT)

    async def catch_up(self) -> None:
        """The same beside the event loop, for a command that is about to be made.

        Raises:
            CommandRefused: the file exists and cannot be read.
        """
        try:
            await to_thread.run_sync(self.refresh)
        except JournalUnreadable as error:
            raise CommandRefused(Cause.BLOCKED_BY_INTERLOCKING, str(error)) from error

    def sent(self, source: SourceId, object_id: str) -> list[datetime]:
        """When commands were sent to this object in the last hour, oldest first."""
        return sorted(self._sent.get((source, object_id), {}).values())

    def last_open(self, source: SourceId, object_id: str) -> datetime | None:
        """When this circuit was last opened by a command in the last hour."""
        return max(self._opened.get((source, object_id), {}).values(), default=None)

    def _note(self, record: Record) -> None:
        fields = record.fields
        key = (str(fields.get("source")), str(fields.get("object_id")))
        command = str(fields.get("command"))
        opens = fields.get("kind") == RELAY and fields.get("to_state") == OPEN
        match record.event:
            case "send":
                self._sent.setdefault(key, {})[command] = record.at
                if opens:
                    self._opened.setdefault(key, {})[command] = record.at
            case "confirm" if opens:
                self._opened.setdefault(key, {})[command] = record.at
            case "fail" | "refuse" if fields.get("cause") != Cause.SWITCH_RETURNED:
                # Nothing was switched, so the contacts and the motor know nothing of it.
                self._sent.get(key, {}).pop(command, None)
                self._opened.get(key, {}).pop(command, None)

    def _forget(self, before: datetime) -> None:
        for table in (self._sent, self._opened):
            for key, moments in list(table.items()):
                table[key] = {command: at for command, at in moments.items() if at > before}
                if not table[key]:
                    del table[key]
