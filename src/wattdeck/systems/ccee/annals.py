"""The file a chronicle is kept in: lines are only added, until it has grown enough to be written anew."""

from __future__ import annotations

from pathlib import Path

from wattdeck.core import appended
from wattdeck.core.appended import append
from wattdeck.systems.ccee.traces import CHANGES_MAX, Trace, newest, replay, trace_line

__all__ = ["COMPACT_BYTES", "append", "compact", "load"]

COMPACT_BYTES = 4_000_000
"""A larger file is written anew, unless that was done already and it has not doubled since."""
COMPACTED_BYTES_MAX = 24_000_000
"""Where everything known is more than this, fewer changes are kept of each migration."""
READ_BYTES_MAX = 64_000_000
LINE_BYTES_MAX = 64 * 1024


def load(path: Path) -> dict[str, Trace]:
    """What the file says; nothing if there is none or it cannot be read."""
    return _traces(appended.read(path, READ_BYTES_MAX))


def compact(path: Path) -> int:
    """Write the file anew with one line for each migration. What other sessions have added is kept.

    Returns:
        The file's size now, bytes.

    Raises:
        OSError: it is as it was.
    """
    return appended.rewrite(path, READ_BYTES_MAX, _compacted)


def _compacted(data: bytes) -> bytes:
    traces, lines = _traces(data), b""
    for changes_max in (CHANGES_MAX, 20, 5, 1):
        lines = b"".join(trace_line(migration_id, trace, changes_max) for migration_id, trace in traces.items())
        if len(lines) <= COMPACTED_BYTES_MAX:
            break
    return lines


def _traces(data: bytes) -> dict[str, Trace]:
    traces: dict[str, Trace] = {}
    for line in data.split(b"\n"):
        if line and len(line) <= LINE_BYTES_MAX:
            replay(traces, line)
    return newest(traces)
