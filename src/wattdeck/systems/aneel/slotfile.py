"""The file half hours are kept in: one line each, only added, until it is written anew without what is too old.

A line ends in ` .`, so that one cut short is known and left out. Of a half hour that is there twice the later line
counts. Each write holds the file's lock: several sessions may write, and none loses what another has written.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from wattdeck.core import appended
from wattdeck.core.appended import append

__all__ = ["Kept", "append", "compact", "load", "pairs", "past_line", "replay", "slot_line"]

SLOTS_MAX = 8 * 48
"""Half hours of eight days: the seven a distributor has to answer for, and one more."""
ROWS_MAX = 1_000_000
"""Rows of all half hours together, 20 MB; the oldest give way."""
PAST_MAX = 40_000
"""Sets in municipalities whose customers are remembered from half hours that are not kept any more."""
FIELDS = 5
"""Integers of a row: set, municipality, customers served or -1, planned out, unplanned out."""
INDEX_MAX = 10_000_000
"""Half hours since 1970, up to the year 2540."""
COMPACT_BYTES = 1_000_000
READ_BYTES_MAX = 128_000_000

Numbers: TypeAlias = "array[int]"
"""The rows of one half hour, field after field."""


@dataclass(slots=True)
class Kept:
    """What is known of half hours, by their number since 1970 (UTC)."""

    slots: dict[int, Numbers] = field(default_factory=dict)
    past: dict[tuple[int, int], tuple[int, int, int]] = field(default_factory=dict)
    """Set and municipality -> half hour, customers served or -1, most ever out: of what is not kept any more."""
    rows: int = 0

    def put(self, index: int, numbers: Numbers) -> None:
        """Take the rows of a half hour in place of what was known of it. Too much drops the oldest."""
        self.rows += len(numbers) // FIELDS - len(self.slots.get(index, ())) // FIELDS
        self.slots[index] = numbers
        while len(self.slots) > SLOTS_MAX or (self.rows > ROWS_MAX and len(self.slots) > 1):
            self._drop(min(self.slots))

    def _drop(self, index: int) -> None:
        numbers = self.slots.pop(index)
        self.rows -= len(numbers) // FIELDS
        for pair, served, out in pairs(numbers):
            self.remember(pair, (index, served, out))

    def remember(self, pair: tuple[int, int], seen: tuple[int, int, int]) -> None:
        """Keep the newest number of customers and the most ever out."""
        index, served, most_out = seen
        old = self.past.get(pair)
        if old is None and len(self.past) >= PAST_MAX:
            return
        if old is not None:
            most_out = max(most_out, old[2])
            if served < 0 or (old[0] > index and old[1] >= 0):
                index, served = old[0], old[1]
        self.past[pair] = index, served, most_out


def pairs(numbers: Numbers) -> Iterator[tuple[tuple[int, int], int, int]]:
    """Set and municipality, customers served, customers out, of each row."""
    columns = [numbers[at::FIELDS] for at in range(FIELDS)]
    for set_code, municipality, served, planned, unplanned in zip(*columns, strict=True):
        yield (set_code, municipality), served, planned + unplanned


def slot_line(index: int, numbers: Numbers) -> bytes:
    """One half hour."""
    return _line(b"s", index, len(numbers) // FIELDS, numbers)


def past_line(kept: Kept) -> bytes:
    """What is remembered of half hours that are not kept; nothing if there is none."""
    numbers = [number for pair, seen in kept.past.items() for number in (*pair, *seen)]
    return _line(b"p", 0, len(kept.past), array("i", numbers)) if numbers else b""


def _line(kind: bytes, index: int, count: int, numbers: Numbers) -> bytes:
    body = ",".join(map(str, numbers)).encode() or b"-"
    return b"%s %d %d %s .\n" % (kind, index, count, body)


def replay(data: bytes) -> Kept:
    """What the lines of a file say; a line that cannot be read says nothing."""
    kept = Kept()
    for line in data.split(b"\n"):
        read = _read_line(line)
        if read is None:
            continue
        kind, index, numbers = read
        if kind == b"s":
            kept.put(index, numbers)
            continue
        for at in range(0, len(numbers), FIELDS):
            set_code, municipality, seen, served, most_out = numbers[at : at + FIELDS]
            kept.remember((set_code, municipality), (seen, served, most_out))
    return kept


def _read_line(line: bytes) -> tuple[bytes, int, Numbers] | None:
    parts = line.split(b" ")
    if len(parts) != 5 or parts[0] not in (b"s", b"p") or parts[4] != b".":
        return None
    try:
        index, count = int(parts[1]), int(parts[2])
        numbers = array("i", map(int, parts[3].split(b","))) if parts[3] != b"-" else array("i")
    except (ValueError, OverflowError):
        return None
    if not 0 <= index <= INDEX_MAX or len(numbers) != FIELDS * count or min(numbers, default=0) < -1:
        return None
    return parts[0], index, numbers


def load(path: Path) -> Kept:
    """What the file says; nothing if there is none or it cannot be read."""
    return replay(appended.read(path, READ_BYTES_MAX))


def compact(path: Path) -> int:
    """Write the file anew without what is too old or there twice. What other sessions have added is kept.

    Returns:
        The file's size now, bytes.

    Raises:
        OSError: it is as it was.
    """
    return appended.rewrite(path, READ_BYTES_MAX, _compacted)


def _compacted(data: bytes) -> bytes:
    kept = replay(data)
    return b"".join([past_line(kept), *(slot_line(index, kept.slots[index]) for index in sorted(kept.slots))])
