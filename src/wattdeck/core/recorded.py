"""Read a recording: one pass makes an index, then any line is at hand without the file being loaded."""

from __future__ import annotations

import contextlib
import os
import stat
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wattdeck.core.language import plural, tr
from wattdeck.core.reading import Link
from wattdeck.core.recording import (
    MAX_LINE_BYTES,
    SCHEMA,
    Feed,
    Header,
    NoRecording,
    beginning_of,
    parsed,
    read_header,
)

CHUNK_BYTES = 256 * 1024
MAX_READINGS = 20_000_000
"""More are not opened: the index of so many is 540 MB."""
MAX_BLOCK_BYTES = 2 * MAX_LINE_BYTES
BLOCKS_KEPT = 4
"""Blocks of plain text held at a time."""
GZIP, RAW = 31, -15
_LINKS = tuple(Link)
_FIRST = 1 << 4
"""Marks a reading whose link differs from that of the feed's reading before."""


@dataclass
class Rows:
    """One feed's readings in the index, oldest first."""

    feed: Feed
    number: int
    at: array[int] = field(default_factory=lambda: array("I"))
    """Their numbers among all readings."""
    since_whole: array[int] = field(default_factory=lambda: array("I"))
    link: Link | None = None
    """Of the newest."""
    expected: int = 0
    """What `i` has to be for a change to follow what is known; -1: only whole data will do."""


class Recording:
    """A recording that is open. Its readings are numbered from 0; a file that grows is looked at again by `grow`.

    Memory: 27 bytes for each reading, and four blocks of the file.
    """

    def __init__(self, path: Path) -> None:
        """Open and index a recording.

        Raises:
            NoRecording: it is none, or it cannot be read.
        """
        self.path = path
        self.headers: list[Header] = []
        self.rows: dict[Feed, Rows] = {}
        self.times_us = array("q")
        """When each reading came, microseconds since 1970; never falling."""
        self.unread = 0
        """Lines that could not be read."""
        self.first_unread = ""
        self.torn = False
        """The end of the last line is missing: it is being written, or the writer was killed."""
        self._feed_of = array("H")
        self._flags = array("B")
        self._block_of = array("I")
        self._offset_in = array("I")
        self._marks = array("Q")
        self._feeds: list[Rows] = []
        self._kept: dict[int, bytes] = {}
        self._file = _open(path)
        self._scan = _Scan(self._file)
        self._lines = 0
        self._damaged = False
        self._now: list[Rows] = []
        """What `of` means in the lines that are being read."""
        try:
            self.grow()
            if not self.headers:
                raise NoRecording(self._none_words())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with contextlib.suppress(OSError):
            os.close(self._file)

    def __len__(self) -> int:
        return len(self.times_us)

    @property
    def feeds(self) -> Sequence[Feed]:
        """All that were recorded, in the order of the headers."""
        return list(self.rows)

    def feed(self, number: int) -> Feed:
        """Whose a reading is."""
        return self._feeds[self._feed_of[number]].feed

    def link(self, number: int) -> Link:
        """The link a reading tells of."""
        return _LINKS[self._flags[number] & 7]

    def turns(self, number: int) -> bool:
        """The link is another one than in the feed's reading before."""
        return bool(self._flags[number] & _FIRST)

    def problems(self) -> list[str]:
        """What could not be read, in words."""
        said = []
        if self.unread:
            lines = plural("one line cannot be read", "{count} lines cannot be read", self.unread)
            said.append(f"{self.path}: {lines}: {self.first_unread}")
        if self.torn:
            said.append(tr("{path}: the end is missing: it is still being written, or its writer was stopped hard. "
                           "What is whole is shown.", path=self.path))  # fmt: skip
        return said

    # The index

    def grow(self) -> int:
        """Take in what has been added to the file; gives how many readings those are.

        Raises:
            NoRecording: the file is not what it was any more, or never was a recording.
        """
        before = len(self)
        if self._damaged:
            return 0
        try:
            for offset, line in self._scan.lines():
                self._take(offset, line)
        except zlib.error as error:
            if not self.headers:
                raise NoRecording(self._none_words()) from error
            self._damaged = True
            self._note(tr("from byte {byte} on it is damaged", byte=self._scan.fed))
        except OSError as error:
            raise NoRecording(tr("{path}: cannot be read: {reason}", path=self.path,
                                 reason=error.strerror or str(error))) from error  # fmt: skip
        self.torn = self._scan.torn
        return len(self) - before

    def _none_words(self) -> str:
        said = self.first_unread or tr("it is empty or no gzip file")
        return tr("{path}: this is no recording that wattdeck can read: {said}. It should be a file made by "
                  "`wattdeck record`, whose first line says {schema}.",
                  path=self.path, said=said, schema=SCHEMA)  # fmt: skip

    def _take(self, offset: int, line: bytes | None) -> None:
        """Enter a line into the index. None: it is too long to be one."""
        self._lines += 1
        if line is None:
            self._note(tr("longer than {bytes} bytes", bytes=MAX_LINE_BYTES))
        if not self.headers and (self._lines > 2 or line is None):
            # Two lines were no recording's beginning, or one without an end: nor is what comes after.
            raise NoRecording(self._none_words())
        if line is None:
            return
        try:
            beginning = beginning_of(line)
            if beginning is None:
                self._take_other(offset, line)
                return
            if beginning.of >= len(self._now):
                raise ValueError(tr("of a feed that no header names"))
            rows = self._now[beginning.of]
            fits = beginning.since_whole == 0 or beginning.since_whole == rows.expected
            rows.expected = beginning.since_whole + 1 if fits else -1
            if not fits:
                raise ValueError(tr("the line it follows is missing"))
            self._enter(rows, beginning.at_us, beginning.since_whole, beginning.link, offset)
        except (ValueError, OverflowError) as error:
            self._note(str(error)[:200])

    def _take_other(self, offset: int, line: bytes) -> None:
        """A header or a mark; what else there may be is another version's."""
        document = parsed(line)
        mark = document.get("mark")
        if isinstance(mark, int) and not isinstance(mark, bool):
            if not (self._marks[-1] if self._marks else 0) < mark <= self._scan.fed:
                raise ValueError(tr("a mark of a place that cannot be"))
            self._marks.append(mark)
            self._scan.block_begins(offset)
        elif "schema" in document or not self.headers:
            header = read_header(document)
            self.headers.append(header)
            self._now = [self._rows_of(feed) for feed in header.feeds]
            for rows in self._now:
                rows.expected = -1

    def _rows_of(self, feed: Feed) -> Rows:
        if feed not in self.rows:
            if len(self._feeds) >= 60_000:
                raise ValueError(tr("too many feeds"))
            self.rows[feed] = Rows(feed, len(self._feeds))
            self._feeds.append(self.rows[feed])
        return self.rows[feed]

    def _enter(self, rows: Rows, at_us: int, since_whole: int, link: Link, offset: int) -> None:
        if not self._marks:
            raise ValueError(tr("a reading before the first mark"))
        if len(self) >= MAX_READINGS:
            raise NoRecording(tr("{path}: more than {count} readings; this is too long to be replayed",
                                 path=self.path, count=MAX_READINGS))  # fmt: skip
        within = self._scan.within(offset)
        if within > MAX_BLOCK_BYTES:
            raise ValueError(tr("too far from the mark before it"))
        turned = rows.link is not None and rows.link is not link
        rows.at.append(len(self))
        rows.since_whole.append(since_whole)
        rows.link = link
        # A clock that was set back during the recording must not send the search astray.
        self.times_us.append(max(at_us, self.times_us[-1]) if self.times_us else at_us)
        self._feed_of.append(rows.number)
        self._flags.append(_LINKS.index(link) | (_FIRST if turned else 0))
        self._block_of.append(len(self._marks) - 1)
        self._offset_in.append(within)

    def _note(self, reason: str) -> None:
        self.unread += 1
        self.first_unread = self.first_unread or tr("line {line}: {reason}", line=self._lines, reason=reason)

    # Lines

    def line(self, number: int) -> bytes:
        """The line of a reading.

        Raises:
            ValueError: it cannot be read again.
        """
        text = self._block(self._block_of[number])
        start = self._offset_in[number]
        end = text.find(b"\n", start)
        if end < 0:
            # The file has grown since the block was kept.
            self._kept.pop(self._block_of[number], None)
            text = self._block(self._block_of[number])
            end = text.find(b"\n", start)
            if end < 0:
                raise ValueError("it is not there any more")
        return text[start:end]

    def _block(self, number: int) -> bytes:
        if number not in self._kept:
            while len(self._kept) >= BLOCKS_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[number] = self._read_block(number)
        else:
            # The one used last goes last.
            self._kept[number] = self._kept.pop(number)
        return self._kept[number]

    def _read_block(self, number: int) -> bytes:
        start = self._marks[number]
        end = self._marks[number + 1] if number + 1 < len(self._marks) else self._scan.fed
        out = bytearray()
        inflate = zlib.decompressobj(RAW)
        try:
            while start < end and not inflate.eof and len(out) <= MAX_BLOCK_BYTES:
                data = os.pread(self._file, min(CHUNK_BYTES, end - start), start)
                if not data:
                    break
                start += len(data)
                out += inflate.decompress(data, MAX_BLOCK_BYTES)
        except (OSError, zlib.error) as error:
            raise ValueError(str(error)) from error
        return bytes(out)


class _Scan:
    """Goes through the file once, from wherever it has come to. Holds one line at a time."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._inflate = zlib.decompressobj(GZIP)
        self._rest = bytearray()
        self._skipping = False
        """The line that is being read is too long."""
        self._plain = 0
        """Plain bytes before `_rest`."""
        self._block_at = 0
        self.fed = 0
        """Bytes of the file read."""

    @property
    def torn(self) -> bool:
        return bool(self._rest) or (self.fed > 0 and not self._inflate.eof)

    def block_begins(self, offset: int) -> None:
        self._block_at = offset

    def within(self, offset: int) -> int:
        """Where in its block a line begins."""
        return offset - self._block_at

    def lines(self) -> Iterator[tuple[int, bytes | None]]:
        """Each further whole line with its place in the plain text; None for one that is too long.

        Raises:
            OSError, zlib.error: the file cannot be read or is damaged.
        """
        while data := os.pread(self._handle, CHUNK_BYTES, self.fed):
            self.fed += len(data)
            text = b""
            # zlib may hold back text after it has taken in all data.
            while data or len(text) == CHUNK_BYTES:
                if self._inflate.eof:
                    self._inflate = zlib.decompressobj(GZIP)
                text = self._inflate.decompress(data, CHUNK_BYTES)
                data = self._inflate.unconsumed_tail or self._inflate.unused_data
                yield from self._cut(text)

    def _cut(self, text: bytes) -> Iterator[tuple[int, bytes | None]]:
        *whole, rest = text.split(b"\n")
        for end in whole:
            line = bytes(self._rest + end) if self._rest else end
            self._rest.clear()
            if not self._skipping:
                yield self._plain, line
            self._skipping = False
            self._plain += len(line) + 1
        # A line of many pieces grows in place: put together anew with each piece, a long one would take for ever.
        self._rest += rest
        if len(self._rest) > MAX_LINE_BYTES or (self._skipping and self._rest):
            if not self._skipping:
                # At once: its end may be far away, or never come.
                yield self._plain, None
            self._skipping = True
            self._plain += len(self._rest)
            self._rest.clear()


def _open(path: Path) -> int:
    try:
        # Without O_NONBLOCK opening a named pipe would wait for ever.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise NoRecording(tr("{path}: cannot be read: {reason}", path=path, reason=error.strerror)) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise NoRecording(tr("{path}: cannot be read: {reason}", path=path, reason=tr("not a regular file")))
    return handle
