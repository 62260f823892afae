"""Write a recording: a listener of the hub on one side, a thread that owns the file on the other."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import queue
import stat
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from wattdeck.core.language import plural, tr
from wattdeck.core.reading import Link, Reading
from wattdeck.core.recording import (
    MAX_LINE_BYTES,
    Feed,
    Header,
    NoRecording,
    change_between,
    mark_line,
    plain,
    reading_line,
)

if TYPE_CHECKING:
    from wattdeck.core.hub import Hub

log = logging.getLogger(__name__)

QUEUE = 512
"""Readings that may wait for the disk, beside those it begins with; more are left out, and said to be."""
WHOLE_AFTER_LINES = 300
"""Changes in a row after which a feed's data is written whole again."""
WHOLE_AFTER_TIMES = 32
"""As soon as its changes are together so many times as long as the whole, it is written whole again."""
BLOCK_BYTES = 256 * 1024
"""Plain text after which gzip's data can be entered anew."""
SYNC_LINES = 60
"""Lines after which the file is flushed to the disk: a power cut loses no more."""
STOP_S = 3.0
GZIP = 31
"""zlib's number for gzip's header and trailer around its data."""
_HEADER_BYTES = 10


def open_new(path: Path, *, force: bool = False) -> int:
    """Make the file of a recording, readable by its owner alone; gives its descriptor.

    Raises:
        NoRecording: there is one already and `force` does not say to replace it, or it cannot be made.
    """
    try:
        if force and stat.S_ISREG(path.lstat().st_mode):
            path.unlink()
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _cannot(path, error) from error
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        if force:
            raise NoRecording(
                tr("{path}: no file that could be replaced but a folder, a link or a device; choose another name",
                   path=path)
            ) from None  # fmt: skip
        words = tr("{path}: there is a file already. Choose another name, or give --force to replace it or --append "
                   "to continue a recording.", path=path)  # fmt: skip
        raise NoRecording(words) from None
    except OSError as error:
        raise _cannot(path, error) from error
    # A file system without locks is no obstacle: the file is new, and nobody else has it.
    with contextlib.suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


def _cannot(path: Path, error: OSError) -> NoRecording:
    reason = error.strerror or str(error)
    return NoRecording(tr("{path}: no recording can be made there: {reason}", path=path, reason=reason))


@dataclass
class _Chain:
    """What was last written of a feed."""

    data: Any = None
    lines: int = 0
    whole_bytes: int = 0
    changes_bytes: int = 0

    def body(self, data: Any) -> dict[str, Any]:
        """What is to be written of new data: the whole or what changed."""
        long = self.changes_bytes > WHOLE_AFTER_TIMES * self.whole_bytes
        if self.lines == 0 or data is None or self.data is None or long or self.lines > WHOLE_AFTER_LINES:
            self.lines = 0
            return {"data": data}
        change = change_between(self.data, data)
        return {} if change == {} and isinstance(change, dict) else {"change": change}

    def written(self, data: Any, size: int) -> None:
        """Take note of the line."""
        if self.lines == 0:
            self.whole_bytes, self.changes_bytes = size, 0
        else:
            self.changes_bytes += size
        self.data = data
        self.lines += 1


@dataclass
class RecordingFile:
    """The open file. Every line is complete in it when `add` returns."""

    handle: int
    header: Header
    size: int = 0
    """Bytes of the file."""
    readings: int = 0
    _chains: dict[Feed, _Chain] = field(default_factory=dict)
    _gzip: Any = None
    _block_bytes: int = 0
    _unsynced: int = 0

    def begin(self, at: datetime) -> None:
        """Write the header; in a file that has something already, beside it."""
        self.size = os.lseek(self.handle, 0, os.SEEK_END)
        self._gzip = zlib.compressobj(6, zlib.DEFLATED, GZIP)
        first = mark_line(self.size + _HEADER_BYTES)
        self._write(first + self.header.line(at))
        self._block_bytes = 0

    def add(self, at: datetime, reading: Reading[Any]) -> None:
        """Write a reading.

        Raises:
            OSError: the file does not take it; what was written before is whole.
            ValueError: it is none that can be written.
        """
        feed = (reading.source, reading.feed)
        if feed not in self.header.feeds:
            raise ValueError(f"{reading.source} {reading.feed} is not in the header")
        chain = self._chains.setdefault(feed, _Chain())
        data = None if reading.snapshot is None else plain(reading.snapshot)
        body = chain.body(data)
        line = reading_line(reading, at, list(self.header.feeds).index(feed), chain.lines, body)
        if len(line) > MAX_LINE_BYTES:
            raise ValueError(f"{reading.source} {reading.feed} is {len(line)} bytes long")
        self._write(line)
        chain.written(data, len(line))
        self.readings += 1
        self._block_bytes += len(line)
        if self._block_bytes >= BLOCK_BYTES:
            self._mark()

    def _mark(self) -> None:
        """Let readers in here."""
        self._write(b"", zlib.Z_FULL_FLUSH)
        self._write(mark_line(self.size))
        self._block_bytes = 0

    def _write(self, text: bytes, flush: int = zlib.Z_SYNC_FLUSH) -> None:
        data = self._gzip.compress(text) + self._gzip.flush(flush)
        try:
            _write_all(self.handle, data)
        except OSError:
            # A half line helps nobody; if this fails too, readers pass it over.
            with contextlib.suppress(OSError):
                os.ftruncate(self.handle, self.size)
            raise
        self.size += len(data)
        self._unsynced += 1
        if self._unsynced >= SYNC_LINES:
            self.sync()

    def sync(self) -> None:
        """Flush to the disk. Where a file system cannot, the data is with the system at least."""
        self._unsynced = 0
        with contextlib.suppress(OSError):
            os.fsync(self.handle)

    def end(self, *, whole: bool = True) -> None:
        """Close the file; `whole`: with gzip's trailer, so that gzip tools find nothing missing."""
        try:
            if whole:
                self._write(b"", zlib.Z_FINISH)
            self.sync()
        finally:
            os.close(self.handle)


def _write_all(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        written = os.write(handle, view)
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        view = view[written:]


class Recorder:
    """Records what it is told of. Never waits for the disk, never raises: what goes wrong is said in `problem`."""

    def __init__(self, path: Path, handle: int, header: Header, started_at: datetime) -> None:
        self.path = path
        self.problem = ""
        """Why recording has stopped by itself; empty while it goes on."""
        self.missed = 0
        """Readings that are not in the file: the disk was too slow, or they were too long."""
        self.started_at = started_at
        self.on_stop: Callable[[], None] = lambda: None
        """Called when it is stopped: nothing is to be told any more."""
        self._file = RecordingFile(handle, header)
        self._waiting: queue.Queue[tuple[datetime, Reading[Any]] | None] = queue.Queue(
            max(QUEUE, 2 * len(header.feeds))
        )
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)

    @property
    def size(self) -> int:
        """Bytes of the file so far."""
        return self._file.size

    @property
    def readings(self) -> int:
        """Readings in the file so far."""
        return self._file.readings

    @property
    def recording(self) -> bool:
        """Readings go into the file."""
        return self._thread.is_alive() and not self.problem

    def start(self, newest: Sequence[Reading[Any]], now: datetime) -> None:
        """Begin with what is known already."""
        self._thread.start()
        for reading in newest:
            self.take(reading, now)

    def take(self, reading: Reading[Any], now: datetime) -> None:
        """Record a reading. Quick: the work is done in the thread."""
        if self.problem:
            return
        try:
            self._waiting.put_nowait((now, reading))
        except queue.Full:
            self.missed += 1

    def stop(self) -> None:
        """Write what waits and close the file. Waits for the disk, a few seconds at most."""
        self.on_stop()
        self.on_stop = lambda: None
        if not self._thread.is_alive():
            return
        with contextlib.suppress(queue.Full):
            self._waiting.put(None, timeout=STOP_S)
        self._thread.join(STOP_S)

    def words(self) -> str:
        """How it went, for a person."""
        said = tr("{readings} readings in {path}", readings=self.readings, path=self.path)
        if self.missed:
            said += "; " + plural("{count} reading is missing", "{count} readings are missing", self.missed)
        return said

    def _run(self) -> None:
        whole = True
        try:
            self._file.begin(self.started_at)
            while (waiting := self._waiting.get()) is not None:
                self._add(*waiting)
        except OSError as error:
            whole = False
            reason = error.strerror or str(error)
            self.problem = tr("Recording has stopped: {path}: {reason}", path=self.path, reason=reason)
        except Exception as error:
            whole = False
            log.exception("recording failed for a reason that is not the disk's")
            self.problem = tr("Recording has stopped: internal error ({name}); the log has the details.",
                              name=type(error).__name__)  # fmt: skip
        try:
            self._file.end(whole=whole)
        except OSError as error:
            self.problem = self.problem or tr(
                "Recording has stopped: {path}: {reason}", path=self.path, reason=error.strerror or str(error)
            )

    def _add(self, at: datetime, reading: Reading[Any]) -> None:
        try:
            self._file.add(at, reading)
        except (ValueError, TypeError) as error:
            if not self.missed:
                log.warning("not recorded: %s", error)
            self.missed += 1


async def start_recorder(hub: Hub, path: Path, *, force: bool = False, append: bool = False) -> Recorder:
    """Record what a hub publishes from now on, and what is known already.

    Args:
        force: replace a file that is there.
        append: continue a recording that is there; one that is not is begun.

    Raises:
        NoRecording: that file cannot be made or continued.
    """
    handle = await to_thread.run_sync(partial(_open_file, path, force=force, append=append))
    now = hub.clock.now()
    feeds = tuple((feed.source, feed.name) for feed in hub.feeds)
    recorder = Recorder(path, handle, Header(feeds, hub.recorded_settings, demo=hub.demo), now)
    known = [feed.reading for feed in hub.feeds if feed.reading.link is not Link.WAITING or feed.reading.snapshot]
    recorder.start(known, now)
    recorder.on_stop = hub.subscribe(lambda reading: recorder.take(reading, hub.clock.now()))
    return recorder


def _open_file(path: Path, *, force: bool, append: bool) -> int:
    if append and path.exists():
        from wattdeck.core.continued import open_again

        return open_again(path)
    return open_new(path, force=force)
