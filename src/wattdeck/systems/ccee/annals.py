"""The file a chronicle is kept in: lines are only added, by any number of sessions, until it is written anew.

Each write holds the file's lock, so that none is mixed with another's and none is lost when a session replaces the
file by a shorter one.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wattdeck.core.paths import private_dir, read_bounded
from wattdeck.systems.ccee.traces import CHANGES_MAX, Trace, newest, replay, trace_line

COMPACT_BYTES = 4_000_000
"""A larger file is written anew, unless that was done already and it has not doubled since."""
COMPACTED_BYTES_MAX = 24_000_000
"""Where everything known is more than this, fewer changes are kept of each migration."""
READ_BYTES_MAX = 64_000_000
LINE_BYTES_MAX = 64 * 1024
LOCK_WAIT_S = 2.0


def load(path: Path) -> dict[str, Trace]:
    """What the file says; nothing if there is none or it cannot be read."""
    try:
        data, _ = read_bounded(path, READ_BYTES_MAX)
    except OSError:
        return {}
    return _traces(data)


def append(path: Path, data: bytes) -> int:
    """Add whole lines, all of them or none. Blocks while another session writes.

    Returns:
        The file's size now, bytes.

    Raises:
        OSError: nothing was added.
        ConfigError: the directory cannot be made.
    """
    private_dir(path.parent)
    with _locked(path) as handle:
        size = os.fstat(handle).st_size
        if size and os.pread(handle, 1, size - 1) != b"\n":
            data = b"\n" + data
        _write(handle, data, size)
        return size + len(data)


def compact(path: Path) -> int:
    """Write the file anew with one line for each migration. What other sessions have added is kept.

    Returns:
        The file's size now, bytes.

    Raises:
        OSError: it is as it was.
    """
    with _locked(path) as handle:
        with open(handle, "rb", closefd=False) as file:
            file.seek(0)
            traces = _traces(file.read(READ_BYTES_MAX))
        data = b""
        for changes_max in (CHANGES_MAX, 20, 5, 1):
            data = b"".join(trace_line(migration_id, trace, changes_max) for migration_id, trace in traces.items())
            if len(data) <= COMPACTED_BYTES_MAX:
                break
        _replace(path, data)
        return len(data)


def _traces(data: bytes) -> dict[str, Trace]:
    traces: dict[str, Trace] = {}
    for line in data.split(b"\n"):
        if line and len(line) <= LINE_BYTES_MAX:
            replay(traces, line)
    return newest(traces)


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file, open for adding, alone among all sessions of this host."""
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        try:
            _lock(handle, deadline)
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, "not a regular file")
            # Another session may have replaced the file while this one waited for the lock.
            if _is_at(path, status):
                if status.st_mode & 0o077:
                    os.fchmod(handle, 0o600)
                yield handle
                return
        finally:
            os.close(handle)


def _is_at(path: Path, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(status, path.stat())
    except FileNotFoundError:
        return False


def _lock(handle: int, deadline: float) -> None:
    """Take the lock, or give up at the deadline: a stopped session must not hang this one."""
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError(errno.ETIMEDOUT, "another session has kept it locked") from None
            time.sleep(0.01)
        else:
            return


def _write(handle: int, data: bytes, size: int) -> None:
    """Write all of it in one call; where the disk takes only a part, take that back."""
    try:
        if os.write(handle, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(handle, size)
        raise


def _replace(path: Path, data: bytes) -> None:
    """Put a new file in the place of the old one, whole or not at all."""
    target = Path(os.path.realpath(path))
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(target)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
