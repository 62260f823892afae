"""Whether a person has allowed commands in this session, and for how long (control.md rule 1)."""

from __future__ import annotations

from wattdeck.core.clock import Clock
from wattdeck.core.command import ControlChanged, Request
from wattdeck.core.errors import Cause, CommandRefused
from wattdeck.core.journal import Journal, JournalUnwritable
from wattdeck.core.language import tr
from wattdeck.core.notices import Notices
from wattdeck.core.text import clean


class Arming:
    """Begun by a person; ended by time without a command, by the link of what is in control, or by a wish."""

    def __init__(self, journal: Journal, notices: Notices, clock: Clock, limit_s: float) -> None:
        self._journal = journal
        self._notices = notices
        self._clock = clock
        self._limit_s = limit_s
        self._armed_at: float | None = None
        self.in_control: Request | None = None
        """The command that was made last."""

    @property
    def armed(self) -> bool:
        """A person has allowed commands in this session, and it is not too long ago."""
        armed_at = self._armed_at
        return armed_at is not None and self._clock.monotonic() - armed_at < self._limit_s

    @property
    def run_out(self) -> bool:
        """It was begun too long ago, and nobody has ended it yet."""
        return self._armed_at is not None and not self.armed

    async def begin(self) -> None:
        """A person allows commands.

        Raises:
            CommandRefused: the journal cannot be written.
        """
        try:
            await self._journal.write("arm")
        except JournalUnwritable as error:
            raise CommandRefused(Cause.BLOCKED_BY_MODE, str(error)) from error
        self._armed_at = self._clock.monotonic()
        self._notices.tell(ControlChanged("armed", tr("Control is armed for this session.")))

    async def end(self, reason: str) -> str:
        """No more commands. Returns what was said of it; empty if none were allowed."""
        if self._armed_at is None:
            return ""
        self._armed_at = None
        words = tr("Control is disarmed: {reason}.", reason=clean(reason))
        self._notices.tell(ControlChanged("disarmed", words))
        await self._notices.note("disarm", reason=reason)
        return words

    def touch(self, request: Request) -> None:
        """A command is made: arming lasts from now, as long as the link to its source."""
        self.in_control = request
        if self._armed_at is not None:
            self._armed_at = self._clock.monotonic()
