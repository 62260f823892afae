"""One session of this host at a time commands a source: its lock file, beside the event loop (control.md rule 17)."""

from __future__ import annotations

import logging

import anyio
from anyio import to_thread

from wattdeck.core.command import Request
from wattdeck.core.errors import Cause, CommandRefused
from wattdeck.core.locks import LockedByOther, Locks, LockUnavailable
from wattdeck.core.reading import SourceId

_LOG = logging.getLogger(__name__)


class DeviceLock:
    """Takes sources for commands and gives them back, one call after the other."""

    def __init__(self, locks: Locks) -> None:
        self._locks = locks
        self._lock_files = anyio.Lock()

    async def take(self, request: Request, name: str, limit_s: float) -> None:
        """Take the source of a command, or take it again.

        Raises:
            CommandRefused: another session has it, or that cannot be told.
        """
        try:
            async with self._lock_files:
                await to_thread.run_sync(self._locks.acquire, request.source, request.object_id, name, limit_s)
        except LockedByOther as error:
            raise CommandRefused(Cause.LOCKED_BY_OTHER_CLIENT, str(error)) from error
        except LockUnavailable as error:
            raise CommandRefused(Cause.BLOCKED_BY_INTERLOCKING, str(error)) from error

    async def give_back(self, source: SourceId) -> None:
        """Let other sessions have the source. If that fails it is logged: the lock runs out by itself."""
        try:
            # In order, so that an older release never undoes a newer selection.
            async with self._lock_files:
                await to_thread.run_sync(self._locks.release, source)
        except LockUnavailable as error:
            _LOG.warning("%s", error)
