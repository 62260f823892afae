"""A file of lines that any number of sessions add to, until one of them writes it anew.

Each write holds the file's lock, so that none is mixed with another's and none is lost when a session replaces the
file by a shorter one. Everything here blocks: use a thread on the event loop.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wattdeck.core.language import tr
from wattdeck.core.paths import private_dir, read_bounded

LOCK_WAIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Place:
    """How far a session has read a file that may be replaced by another at any time."""

    file: tuple[int, int] | None = None
    """Device and inode; None: there was no file."""
    offset: int = 0


def read(path: Path, most_bytes: int) -> bytes:
    """What the file holds, or its first `most_bytes`; nothing if there is none or it cannot be read."""
    try:
        return read_bounded(path, most_bytes)[0]
    except OSError:
        return b""


def append(path: Path, data: bytes) -> int:
    """Add whole lines, all of them or none. Waits while another session writes.

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


def rewrite(path: Path, most_bytes: int, make: Callable[[bytes], bytes]) -> int:
    """Put what `make` makes of the file's content in its place, with what other sessions have added meanwhile.

    Returns:
        The file's size now, bytes.

    Raises:
        OSError: it is as it was.
    """
    with _locked(path) as handle:
        with open(handle, "rb", closefd=False) as file:
            # The newest, if it is too long: what was said last counts.
            start = max(0, os.fstat(handle).st_size - most_bytes)
            file.seek(start)
            data = make(_whole_lines(file.read(most_bytes), cut=start > 0))
        _replace(path, data)
        return len(data)


def added(path: Path, place: Place, most_bytes: int) -> tuple[bytes, bool, Place]:
    """The whole lines that were added since `place`, without a lock.

    Returns:
        The lines; whether this is another file than before, so that they are all of it; and the place now.

    Raises:
        OSError: there is a file and it cannot be read.
    """
    try:
        # Without O_NONBLOCK opening a named pipe would wait for ever.
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return b"", place.file is not None, Place()
    try:
        data, fresh, start = _news(handle, place, most_bytes)
        # A line without its end may be on its way.
        data = data[: data.rfind(b"\n") + 1]
        return data, fresh, Place(_identity(handle), start + len(data))
    finally:
        os.close(handle)


def exchange(path: Path, place: Place, most_bytes: int, answer: Callable[[bytes, bool], bytes]) -> Place:
    """Read what was added since `place` and add what `answer` makes of it, with no other session in between.

    Args:
        answer: Takes the lines and whether this is another file than before; gives whole lines, or nothing.

    Raises:
        OSError: nothing was added.
        ConfigError: the directory cannot be made.
    """
    private_dir(path.parent)
    with _locked(path) as handle:
        news, fresh, start = _news(handle, place, most_bytes)
        data, size = answer(news, fresh), start + len(news)
        if data and size and os.pread(handle, 1, size - 1) != b"\n":
            data = b"\n" + data
        if data:
            _write(handle, data, size)
        return Place(_identity(handle), size + len(data))


def _identity(handle: int) -> tuple[int, int]:
    status = os.fstat(handle)
    return status.st_dev, status.st_ino


def _news(handle: int, place: Place, most_bytes: int) -> tuple[bytes, bool, int]:
    """What stands after a place, at most so much of its end; whether it is another file; and where it starts."""
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    fresh = place.file != _identity(handle) or status.st_size < place.offset
    start = max(0 if fresh else place.offset, status.st_size - most_bytes)
    with open(handle, "rb", closefd=False) as file:
        file.seek(start)
        return file.read(status.st_size - start), fresh, start


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file, open for adding, alone among all sessions of this host."""
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        # Without O_NONBLOCK opening a named pipe would wait for ever.
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        try:
            lock(handle, deadline)
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise OSError(errno.EINVAL, tr("not a regular file"))
            # Another session may have replaced the file while this one waited for the lock.
            if _is_at(path, status):
                if status.st_mode & 0o077:
                    os.fchmod(handle, 0o600)
                yield handle
                return
        finally:
            os.close(handle)


def lock(handle: int, deadline: float) -> None:
    """Take an open file's lock, or give up at the deadline: a stopped session must not hang this one.

    Raises:
        TimeoutError: another session has kept it.
    """
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise TimeoutError(errno.ETIMEDOUT, tr("another session has kept it locked")) from None
            time.sleep(0.01)
        else:
            return


def _is_at(path: Path, status: os.stat_result) -> bool:
    try:
        return os.path.samestat(status, path.stat())
    except FileNotFoundError:
        return False


def _write(handle: int, data: bytes, size: int) -> None:
    """Write all of it in one call; where the disk takes only a part, take that back."""
    try:
        if os.write(handle, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        with contextlib.suppress(OSError):
            os.ftruncate(handle, size)
        raise


def _whole_lines(data: bytes, *, cut: bool) -> bytes:
    """The lines of a piece of a file; the first is not whole where something before it was cut off."""
    return data[data.find(b"\n") + 1 :] if cut else data


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
