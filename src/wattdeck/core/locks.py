"""Who has selected what, told to the other sessions of this host (control.md rule 17).

One small file per source in the runtime directory, read and rewritten only under `flock` and never deleted, so
that two sessions can never both believe they hold it. What it says counts only while its process lives and its
time has not run out. Sessions of other users or hosts do not see it: there, only a change of state can be seen.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from wattdeck.core.chain import Field
from wattdeck.core.clock import Clock
from wattdeck.core.errors import WattdeckError
from wattdeck.core.language import tr
from wattdeck.core.reading import SourceId
from wattdeck.core.text import clean

MAX_FILE_BYTES = 16 * 1024
GUARD_WAIT_S = 0.5
"""How long to wait for a session that is rewriting the file."""


class LockUnavailable(WattdeckError):
    """It cannot be told whether another session is at work, because the lock file cannot be used."""


@dataclass(frozen=True, slots=True)
class Holder:
    """The session that has selected something of a source."""

    session: str
    user: str
    tty: str
    pid: int
    process_started: str
    """Start time of the process as the kernel gives it, so that a reused pid is not taken for it."""
    object_id: str
    name: str
    since: str
    """ISO 8601, UTC."""
    expires_at: str
    """ISO 8601, UTC."""

    def words(self) -> str:
        """The holder for a person: user, terminal, object, time."""
        place = tr(" on {tty}", tty=clean(self.tty, 40)) if self.tty else ""
        moment = datetime.fromisoformat(self.since).strftime("%H:%M:%S UTC")
        return tr(
            "selected by {user}{place} (process {process}) since {moment}",
            user=clean(self.user, 40),
            place=place,
            process=self.pid,
            moment=moment,
        )


class LockedByOther(WattdeckError):
    """Another session has selected something of this source."""

    def __init__(self, source: SourceId, holder: Holder) -> None:
        super().__init__(
            tr(
                "{name} of {source} is {holder}. Wait until that session is done, then select again.",
                name=clean(holder.name),
                source=source,
                holder=holder.words(),
            )
        )
        self.holder = holder


class Locks:
    """The lock files of one session. All calls are short but do I/O; on the event loop use a thread."""

    def __init__(self, directory: Path, clock: Clock, who: Mapping[str, Field]) -> None:
        self._directory = directory
        self._clock = clock
        self._who = who

    def acquire(self, source: SourceId, object_id: str, name: str, limit_s: float) -> Holder:
        """Take the source for one object of it, or take it again.

        Raises:
            LockedByOther: a live session holds it.
            LockUnavailable: the lock file cannot be used.
        """
        with self._open(source) as fd:
            self._refuse_if_taken(source, fd)
            now = self._clock.now()
            holder = Holder(
                session=str(self._who["session"]),
                user=str(self._who.get("user") or ""),
                tty=str(self._who.get("tty") or ""),
                pid=os.getpid(),
                process_started=_process_started(os.getpid()),
                object_id=object_id,
                name=name[:200],
                since=now.isoformat(),
                expires_at=(now + timedelta(seconds=limit_s)).isoformat(),
            )
            _rewrite(fd, json.dumps(asdict(holder)).encode())
        return holder

    def release(self, source: SourceId) -> None:
        """Give the source back if this session holds it.

        Raises:
            LockUnavailable: the lock file cannot be used; it runs out by itself.
        """
        with self._open(source) as fd:
            holder = _read(fd)
            if holder is not None and self._is_ours(holder):
                _rewrite(fd, b"")

    def other(self, source: SourceId) -> Holder | None:
        """The other live session that holds the source, if any.

        Raises:
            LockUnavailable: the lock file cannot be used.
        """
        with self._open(source) as fd:
            holder = _read(fd)
        return None if holder is None or self._is_ours(holder) or self._is_stale(holder) else holder

    def _refuse_if_taken(self, source: SourceId, fd: int) -> None:
        holder = _read(fd)
        if holder is not None and not self._is_ours(holder) and not self._is_stale(holder):
            raise LockedByOther(source, holder)

    def _is_ours(self, holder: Holder) -> bool:
        return holder.pid == os.getpid() and holder.session == self._who["session"]

    def _is_stale(self, holder: Holder) -> bool:
        """Its time has run out, or its process is gone."""
        if datetime.fromisoformat(holder.expires_at) <= self._clock.now():
            return True
        return not _alive(holder.pid) or _process_started(holder.pid) != holder.process_started

    @contextmanager
    def _open(self, source: SourceId) -> Iterator[int]:
        """Open the source's file, alone among the sessions of this user."""
        path = self._directory / _file_name(source)
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                _guard(fd)
                yield fd
            finally:
                os.close(fd)
        except OSError as error:
            raise LockUnavailable(
                tr(
                    "The lock file {path} cannot be used: {reason}. Check the runtime directory, or close "
                    "the session that keeps the file locked.",
                    path=path,
                    reason=error.strerror or error,
                )
            ) from error


def _file_name(source: SourceId) -> str:
    """A safe file name, different for every source."""
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{re.sub(r'[^A-Za-z0-9_-]+', '-', source)[:60]}-{digest}.lock"


def _guard(fd: int) -> None:
    """Take the file's lock, or give up soon: a stopped session must not hang this one."""
    deadline = time.monotonic() + GUARD_WAIT_S
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.005)
        else:
            return


def _read(fd: int) -> Holder | None:
    """What the file says; None if it is empty or is no lock file of ours."""
    try:
        content = json.loads(os.pread(fd, MAX_FILE_BYTES, 0))
        pid = content.pop("pid")
        texts = {name: str(value) for name, value in content.items()}
        holder = Holder(pid=int(pid), **texts)
        moments = (datetime.fromisoformat(holder.since), datetime.fromisoformat(holder.expires_at))
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    sane = 0 < holder.pid < 2**31 and all(moment.tzinfo is not None for moment in moments)
    return holder if sane else None


def _rewrite(fd: int, content: bytes) -> None:
    os.ftruncate(fd, 0)
    if content:
        os.pwrite(fd, content, 0)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _process_started(pid: int) -> str:
    """The kernel's start time of a process; empty where it cannot be known."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return ""
    # The command name, in parentheses, may itself hold spaces and parentheses.
    return line.rpartition(")")[2].split()[19]
