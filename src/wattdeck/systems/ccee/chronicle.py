"""Every migration's fields and how they came about since wattdeck first saw it.

CCEE tells only how a migration is now. What is kept here is told apart by comparing lists; what happened while
wattdeck was off is noticed at the next one, under that time.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wattdeck.core.errors import ConfigError
from wattdeck.core.paths import read_bounded
from wattdeck.core.secrets import store_private
from wattdeck.systems.ccee import annals, traces
from wattdeck.systems.ccee.models import Migration, Status
from wattdeck.systems.ccee.traces import Change, Trace

__all__ = ["Change", "Chronicle", "newly_rejected"]

KEY_BYTES = 32
PENDING_MAX = 100_000
"""Most lines that wait for a disk which takes none."""
_FORGOTTEN_AFTER = timedelta(days=1)
"""What has not been listed for that long gives way to new migrations, once there are too many."""


class Chronicle:
    """What is known of one agent's migrations. May be used from several threads.

    `load` and `save` touch the disk and belong in a worker thread; the others load by themselves if need be.
    """

    def __init__(self, path: Path | None) -> None:
        """`path` is the file it is kept in; None keeps it in memory alone."""
        self._path = path
        self._lock = threading.Lock()
        self._traces: dict[str, Trace] | None = None
        self._pending: list[bytes] = []
        self._compact_at = annals.COMPACT_BYTES
        self._key_is_new = False
        self._key = b""
        """What masked values are told apart by: without it a mask and its fingerprint would name the value."""

    def load(self) -> None:
        """Read the file, if that has not been done."""
        with self._lock:
            self._loaded()

    def note(self, migrations: Iterable[Migration], at: datetime) -> tuple[Change, ...]:
        """Remember how migrations are now, and tell what changed since they were last noted.

        The first sight of one is a change of the kind `seen`. One that is missing is no change: lists are windows.

        Args:
            at: the time of the list, aware.
        """
        at = at.astimezone(UTC)
        found: list[Change] = []
        new: list[Migration] = []
        with self._lock:
            known = self._loaded()
            for migration in migrations:
                trace = known.get(migration.migration_id)
                if trace is None:
                    new.append(migration)
                    continue
                trace.last = at
                if trace.migration is migration:
                    continue
                values = traces.values_of(migration)
                if values != trace.values:
                    found.extend(self._changes(trace, migration.migration_id, values, at))
                    trace.values = values
                trace.migration = migration
            if new:
                found.extend(self._first_sights(known, new, at))
        return tuple(found)

    def gone(self, ids: Iterable[str], at: datetime) -> tuple[Change, ...]:
        """Remember that migrations exist no more: withdrawn ones may vanish from the list (ccee.md 8)."""
        at = at.astimezone(UTC)
        found = []
        with self._lock:
            known = self._loaded()
            for migration_id in ids:
                trace = known.get(migration_id)
                if trace is None or trace.gone:
                    continue
                change = Change(migration_id, at, "gone", "status", traces.status_of(trace.state), "")
                trace.take([change])
                # Without them the next sight of it is compared, and told.
                trace.gone, trace.migration, trace.values = True, None, None
                self._keep(traces.gone_line(migration_id, at))
                found.append(change)
        return tuple(found)

    def history(self, migration_id: str) -> tuple[Change, ...]:
        """All that is known of one migration, oldest first; empty if it was never seen."""
        with self._lock:
            trace = self._loaded().get(migration_id)
            return () if trace is None else tuple(trace.changes)

    def save(self) -> str:
        """Write what is new to the file.

        Returns:
            Why that failed, as a sentence; empty if all is well. What could not be written is tried again next time.
        """
        if self._path is None:
            return ""
        with self._lock:
            pending, self._pending = self._pending, []
        if not pending:
            return ""
        try:
            if self._key_is_new:
                store_private(self._path.with_suffix(".key"), self._key.hex() + "\n")
                self._key_is_new = False
            size = annals.append(self._path, b"".join(pending))
        except (OSError, ConfigError) as error:
            with self._lock:
                self._pending = [*pending, *self._pending][-PENDING_MAX:]
            return f"The history {self._path} cannot be written: {_reason(error)}. Check the disk and the directory."
        if size > self._compact_at:
            try:
                size = annals.compact(self._path)
            except OSError as error:
                self._compact_at = 2 * size
                return f"The history {self._path} cannot be shortened: {_reason(error)}. Check the disk."
            self._compact_at = max(annals.COMPACT_BYTES, 2 * size)
        return ""

    def _loaded(self) -> dict[str, Trace]:
        if self._traces is None:
            self._key = b"" if self._path is None else _kept_key(self._path)
            self._key_is_new = not self._key
            self._key = self._key or secrets.token_bytes(KEY_BYTES)
            self._traces = {} if self._path is None else annals.load(self._path)
        return self._traces

    def _changes(self, trace: Trace, migration_id: str, values: tuple[object, ...], at: datetime) -> tuple[Change, ...]:
        """Compare a migration with what is known of it, and remember the difference."""
        state = traces.state_of(values, self._key)
        changes: tuple[Change, ...]
        if trace.gone:
            trace.gone, trace.state = False, state
            changes = (Change(migration_id, at, "seen", "status", "", traces.status_of(state)),)
            self._keep(traces.seen_line(migration_id, at, state))
        else:
            changes = tuple(traces.differences(migration_id, at, trace.state, state))
            if not changes:
                return ()
            trace.state = traces.changed_state(trace.state, changes)
            self._keep(traces.change_line(migration_id, at, changes))
        trace.take(changes)
        return changes

    def _first_sights(self, known: dict[str, Trace], new: Iterable[Migration], at: datetime) -> Iterable[Change]:
        """Remember migrations nobody has seen yet, as many as there is room for."""
        stale: list[str] | None = None
        for migration in new:
            migration_id = migration.migration_id
            if migration_id in known or not 0 < len(migration_id) <= traces.ID_LENGTH_MAX:
                continue
            if len(known) >= traces.MIGRATIONS_MAX:
                stale = _stale(known, at) if stale is None else stale
                if not stale:
                    return
                del known[stale.pop()]
            values = traces.values_of(migration)
            trace = known[migration_id] = Trace(traces.state_of(values, self._key), at)
            trace.migration, trace.values = migration, values
            change = Change(migration_id, at, "seen", "status", "", traces.status_of(trace.state))
            trace.take([change])
            self._keep(traces.seen_line(migration_id, at, trace.state))
            yield change

    def _keep(self, line: bytes) -> None:
        if self._path is not None:
            self._pending.append(line)


def newly_rejected(changes: Iterable[Change]) -> frozenset[str]:
    """The migrations that the utility has refused, as changes tell. First sights are no news."""
    return frozenset(
        change.migration_id
        for change in changes
        if change.kind == "changed" and change.field == "status" and change.new == Status.REJECTED
    )


def _stale(known: dict[str, Trace], at: datetime) -> list[str]:
    """What may be forgotten, the first to go last: gone ones, and those not listed for a day."""
    found = [migration_id for migration_id, trace in known.items() if trace.gone or at - trace.last > _FORGOTTEN_AFTER]
    return sorted(found, key=lambda migration_id: known[migration_id].last, reverse=True)


def _reason(error: OSError | ConfigError) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)


def _kept_key(path: Path) -> bytes:
    """The key beside a chronicle's file; empty if there is none."""
    try:
        key = bytes.fromhex(read_bounded(path.with_suffix(".key"), 4 * KEY_BYTES)[0].decode().strip())
    except (OSError, ValueError):
        return b""
    return key if len(key) == KEY_BYTES else b""
