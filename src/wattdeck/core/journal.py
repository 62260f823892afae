"""The append-only record of every command (control.md rule 23).

Any number of sessions of one host write one file. A record is on the disk before `append` returns; if it cannot
be put there, nothing may be sent. What a line looks like and how lines hang together is in `chain`.
"""

from __future__ import annotations

import errno
import getpass
import hashlib
import json
import math
import os
import re
import secrets
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path

from anyio import to_thread

from wattdeck import __version__
from wattdeck.core.appended import lock
from wattdeck.core.chain import (
    GENESIS,
    REPAIRED,
    Field,
    Problem,
    Record,
    check,
    hash_of,
    intact,
    record,
    seal,
)
from wattdeck.core.clock import Clock
from wattdeck.core.errors import WattdeckError
from wattdeck.core.language import tr

MAX_LINE_BYTES = 64 * 1024
MAX_TEXT_LENGTH = 1000
LOCK_WAIT_S = 2.0
"""How long to wait for another session that is writing."""

_SECRET = re.compile(r"(?i)\b(bearer\s+|token[\"'=: ]+|password[\"'=: ]+)\S+|\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?")
_SECRET_FIELDS = re.compile(r"(?i)token|secret|password|passphrase|authorization|api_?key")


class JournalUnwritable(WattdeckError):
    """A record could not be put safely on disk, so the command it describes must not be sent."""


class JournalUnreadable(WattdeckError):
    """The journal exists and cannot be read."""


def new_session() -> str:
    """A name for this run, unlike any other's."""
    return secrets.token_hex(4)


def who(session: str) -> dict[str, Field]:
    """Session, user, host, SSH connection and terminal of this process; None where there is none."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return {
        "session": session,
        "user": user,
        "host": socket.gethostname(),
        "ssh_connection": os.environ.get("SSH_CONNECTION") or None,
        "tty": _tty(),
        "pid": os.getpid(),
    }


class Journal:
    """One journal file, shared by any number of sessions on one host."""

    def __init__(self, path: Path, clock: Clock, session: str | None = None) -> None:
        self.path = path
        self.clock = clock
        self.session = session or new_session()
        self.who = who(self.session)

    def append(self, event: str, **fields: Field) -> Record:
        """Write one record and return when it is on the disk. Blocks; on the event loop use `write`.

        Raises:
            JournalUnwritable: it is not safely on the disk; the words say what to do.
        """
        body: dict[str, Field] = {
            "at": self.clock.now().isoformat(),
            "monotonic": round(self.clock.monotonic(), 3),
            "event": event,
            **self.who,
            "version": __version__,
        }
        if taken := fields.keys() & {*body, "prev", "hash"}:
            raise ValueError(f"the journal itself fills in {', '.join(sorted(taken))}")
        body.update((name, _storable(name, value)) for name, value in fields.items())
        try:
            with self._locked() as fd:
                line = self._append_locked(fd, body)
        except OSError as error:
            raise JournalUnwritable(_unwritable_words(self.path, error)) from error
        return record(json.loads(line), 0, 0)

    async def write(self, event: str, **fields: Field) -> Record:
        """`append` in a thread. A cancelled caller waits until the record is complete."""
        return await to_thread.run_sync(partial(self.append, event, **fields), abandon_on_cancel=False)

    def records(self, since: datetime | None = None, offset: int = 0) -> Iterator[Record]:
        """Read the intact records in order, one line in memory at a time.

        Args:
            since: leave out what is older.
            offset: start at this byte, an earlier `Record.end_offset`; line numbers then count from there.

        Raises:
            JournalUnreadable: the file exists and cannot be read.
        """
        for number, end_offset, raw in self._lines(offset):
            body = intact(raw)
            if body is None:
                continue
            found = record(body, number, end_offset)
            if since is None or found.at >= since:
                yield found

    def verify(self) -> list[Problem]:
        """Check every line and the chain between them; an empty list means that all is well."""
        return list(check((number, raw) for number, _, raw in self._lines(0)))

    def size(self) -> int:
        """Bytes in the file; 0 if there is none."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0

    def _lines(self, offset: int) -> Iterator[tuple[int, int, bytes]]:
        """Line number, end offset and bytes of each line, in pieces where one is far too long."""
        try:
            with self.path.open("rb") as file:
                file.seek(offset)
                number, end, whole = 0, offset, True
                while raw := file.readline(MAX_LINE_BYTES):
                    number, end = number + whole, end + len(raw)
                    whole = raw.endswith(b"\n")
                    yield number, end, raw
        except FileNotFoundError:
            return
        except OSError as error:
            raise JournalUnreadable(
                tr(
                    "The journal {file} cannot be read: {reason}. Check its owner and permissions.",
                    file=self.path,
                    reason=error.strerror,
                )
            ) from error

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Open the file, alone among all sessions of this host."""
        _make_private_directory(self.path.parent)
        deadline = time.monotonic() + LOCK_WAIT_S
        while True:
            new = not self.path.exists()
            fd = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                lock(fd, deadline)
                # The file may have been moved away while this session waited for the lock.
                if os.path.samestat(os.fstat(fd), self.path.stat()):
                    if new:
                        _sync_directory(self.path.parent)
                    yield fd
                    return
            finally:
                os.close(fd)

    def _append_locked(self, fd: int, body: dict[str, Field]) -> bytes:
        """Chain the record to the last intact one, write it, and flush it to the disk."""
        status = os.fstat(fd)
        if stat.S_ISREG(status.st_mode) and status.st_mode & 0o077:
            os.fchmod(fd, 0o600)
        previous, damage, unended = _tail(fd, status.st_size)
        data = b"\n" if unended else b""
        if damage:
            note = {name: body[name] for name in ("at", "monotonic", "session", "user", "host", "version")}
            note |= {"event": REPAIRED, "damaged_bytes": len(damage)}
            note["damaged_sha256"] = hashlib.sha256(damage.removesuffix(b"\n")).hexdigest()
            data = b"" if damage.endswith(b"\n") else b"\n"
            data += seal(note, previous)
            previous = hash_of(data.removesuffix(b"\n"))
        line = seal(body, previous)
        _write_all(fd, data + line, status.st_size)
        os.fsync(fd)
        return line


def _tail(fd: int, size: int) -> tuple[str, bytes, bool]:
    """The hash of the last intact record, the bytes after it that are no record, whether only its end is missing."""
    start, tail = size, b""
    while start:
        step = min(start, MAX_LINE_BYTES)
        start -= step
        tail = os.pread(fd, step, start) + tail
        # A line cut by the start of the block is complete only when the block begins the file.
        first = 0 if start == 0 else tail.find(b"\n") + 1
        end = len(tail)
        while end > first:
            begin = max(tail.rfind(b"\n", first, end - 1) + 1, first)
            line = tail[begin:end]
            if intact(ended := line.removesuffix(b"\n") + b"\n") is not None:
                return hash_of(ended[:-1]), tail[end:], line != ended
            end = begin
        if size - start >= 16 * MAX_LINE_BYTES:
            raise OSError(errno.EILSEQ, tr("no intact record in its last megabyte"))
    return GENESIS, tail, False


def _write_all(fd: int, data: bytes, size: int) -> None:
    """Write all of it, or take back what was written so that no half record stays."""
    written = 0
    try:
        while written < len(data):
            written += os.write(fd, data[written:])
    except OSError:
        if written:
            # If this fails too, the next append finds the half record and notes it.
            with suppress(OSError):
                os.ftruncate(fd, size)
        raise


def _make_private_directory(path: Path) -> None:
    """Make the directory for its owner only; an existing one is left as it is."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _sync_directory(path: Path) -> None:
    """Flush a new name to the disk, so that the file is still there after a power cut."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _storable(name: str, value: Field) -> Field:
    """A value fit for the journal: bounded, finite, and never a secret."""
    if _SECRET_FIELDS.search(name):
        raise ValueError(f"the journal takes no secrets; {name} must not be recorded")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return _SECRET.sub("[removed]", value[:MAX_TEXT_LENGTH])
    return value


def _unwritable_words(path: Path, error: OSError) -> str:
    """What is wrong and what to do, for a person."""
    advice = {
        errno.ENOSPC: tr("Free some space on that disk and try again."),
        errno.EDQUOT: tr("Free some of your disk quota and try again."),
        errno.EROFS: tr("The disk is mounted read-only; remount it for writing or put the journal elsewhere."),
        errno.EACCES: tr("Check the owner and permissions of the file and its directory."),
        errno.EPERM: tr("Check the owner and permissions of the file and its directory."),
        errno.ETIMEDOUT: tr("Close or continue the other session and try again."),
        errno.EILSEQ: tr("Run `wattdeck journal --verify`, then move the file away to start a new one."),
    }.get(error.errno or 0, tr("Check the disk and the directory and try again."))
    reason = error.strerror or str(error)
    return tr(
        "The journal {path} cannot be written: {reason}. Nothing may be sent without it. {advice}",
        path=path,
        reason=reason,
        advice=advice,
    )


def _tty() -> str | None:
    """The terminal this process talks to, if any."""
    for fd in (0, 1, 2):
        try:
            return os.ttyname(fd)
        except OSError:
            continue
    return None
