"""Continue a recording that is there already, also one whose writer was killed."""

from __future__ import annotations

import fcntl
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wattdeck.core.language import tr
from wattdeck.core.recorded import Recording
from wattdeck.core.recording import NoRecording

CHUNK_BYTES = 256 * 1024
_FLUSHED = b"\x00\x00\xff\xff"
"""What zlib writes at the end of a line."""
_LAST_BLOCK = b"\x03\x00"
"""An empty last block of deflate's, on a whole byte."""


@dataclass
class _End:
    """Where whole lines end in gzip's data, and what its trailer has to say there."""

    at: int = 0
    checksum: int = 0
    plain_bytes: int = 0


def open_again(path: Path) -> int:
    """Open a recording to add to it; an end that was torn off is mended first. Gives the descriptor.

    Raises:
        NoRecording: it is none, another session records into it, or it cannot be written.
    """
    Recording(path).close()
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise NoRecording(tr("{path}: cannot be written: {reason}", path=path, reason=error.strerror)) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.fchmod(handle, 0o600)
        _mend(handle)
    except BlockingIOError:
        os.close(handle)
        raise NoRecording(tr("{path}: another session is recording into it", path=path)) from None
    except PermissionError as error:
        os.close(handle)
        raise NoRecording(tr("{path}: cannot be written: {reason}", path=path, reason=error.strerror)) from error
    except (OSError, zlib.error) as error:
        os.close(handle)
        reason = tr("its end is damaged ({error}); record into another file", error=error)
        raise NoRecording(f"{path}: {reason}") from error
    return handle


def _mend(handle: int) -> None:
    """Cut off a torn line and give gzip's data its trailer.

    Raises:
        OSError, zlib.error: it cannot be done.
    """
    end = _whole_lines(handle)
    if end is None:
        return
    trailer = struct.pack("<II", end.checksum, end.plain_bytes & 0xFFFFFFFF)
    os.ftruncate(handle, end.at)
    os.pwrite(handle, _LAST_BLOCK + trailer, end.at)


def _whole_lines(handle: int) -> _End | None:
    """Where the last whole line ends in gzip's data that has no trailer; None if it has one."""
    inflate = zlib.decompressobj(31)
    at, good, now = 0, _End(), _End()
    ended = b""
    """The last byte of the text."""
    carried = b""
    while data := os.pread(handle, CHUNK_BYTES, at + len(carried)):
        data = carried + data
        while True:
            cut = data.find(_FLUSHED)
            piece = data[: cut + 4] if cut >= 0 else data[:-3]
            data = data[len(piece) :]
            while piece:
                if inflate.eof:
                    inflate, now, ended = zlib.decompressobj(31), _End(at), b""
                text = inflate.decompress(piece)
                at += len(piece) - len(inflate.unused_data)
                piece = inflate.unused_data
                now = _End(at, zlib.crc32(text, now.checksum), now.plain_bytes + len(text))
                ended = text[-1:] or ended
            if cut < 0:
                break
            if ended == b"\n":
                good = now
        carried = data
    if _ends(inflate, carried):
        return None
    if not good.at:
        raise zlib.error("no whole line")
    return good


def _ends(inflate: Any, last: bytes) -> bool:
    """Whether gzip's data is complete with its last bytes, and nothing follows it."""
    if inflate.eof:
        return not last
    inflate.decompress(last)
    return bool(inflate.eof)
