"""What a line of the journal looks like, and the hash chain between lines (control.md rule 23).

One JSON object per line, ASCII only, so that showing the file cannot steer a terminal. Every line ends with
its own hash and holds the hash of the line before in `prev`: an edited, removed or inserted line shows. A chain
alone cannot show that lines were cut off at the very end, nor that someone able to write the file made a whole
new chain; for that, keep a copy of the newest hash elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wattdeck.core.language import tr

Field = str | int | float | bool | None

GENESIS = "0" * 64
"""What the first record holds as the hash of the one before."""
REPAIRED = "journal-repaired"
"""Event noting that bytes before it are no record: a write was cut short, or the file was tampered with."""

_HASH_MARK = b',"hash":"'
_HASH_TAIL_LENGTH = len(_HASH_MARK) + 64 + len(b'"}')


@dataclass(frozen=True, slots=True)
class Record:
    """One line of the journal."""

    line: int
    """Line number, from 1; 0 for a record that was just written."""
    at: datetime
    event: str
    fields: Mapping[str, Any]
    """Everything in the line, with `at` and `event`, without the hashes."""
    hash: str
    end_offset: int
    """Where the next line starts, bytes."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the chain."""

    line: int
    kind: str
    """`altered`, `broken`, `removed`, `torn` or `unreadable`."""
    words: str
    serious: bool = True
    """False for a write that was cut short and noted by the next session: nothing was tampered with."""


def seal(body: Mapping[str, Field], previous: str) -> bytes:
    """The line for a record: the hash of the one before first, its own last."""
    text = json.dumps({"prev": previous, **body}, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    sealed = text.encode("ascii")[:-1]
    return sealed + _HASH_MARK + hashlib.sha256(sealed).hexdigest().encode() + b'"}\n'


def hash_of(line: bytes) -> str:
    """The hash a sealed line says it has."""
    return line[-66:-2].decode("ascii", "replace")


def intact(raw: bytes) -> dict[str, Any] | None:
    """The object of a whole line whose hash is right, else None."""
    if not raw.endswith(b'"}\n'):
        return None
    line = raw[:-1]
    sealed, tail = line[:-_HASH_TAIL_LENGTH], line[-_HASH_TAIL_LENGTH:]
    if tail != _HASH_MARK + hashlib.sha256(sealed).hexdigest().encode() + b'"}':
        return None
    try:
        body = json.loads(line)
        # Only a time with its offset can be put in order with others, and local clocks end at both ends.
        at = datetime.fromisoformat(body["at"])
        if at.tzinfo is None or not 1 < at.year < 9999:
            return None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return body if isinstance(body.get("event"), str) and isinstance(body.get("prev"), str) else None


def record(body: dict[str, Any], line: int, end_offset: int) -> Record:
    """A record from the object of an intact line."""
    digest = body.pop("hash")
    body.pop("prev")
    return Record(line, datetime.fromisoformat(body["at"]), body["event"], body, digest, end_offset)


def check(lines: Iterable[tuple[int, bytes]]) -> Iterator[Problem]:
    """Yield what is wrong with the numbered lines of a journal, in order of line."""
    previous, last_good = GENESIS, 0
    damaged: list[tuple[int, bytes]] = []
    for number, raw in lines:
        body = intact(raw)
        if body is None:
            damaged.append((number, raw))
            continue
        noted = body["event"] == REPAIRED and body.get("damaged_sha256") == _digest(damaged)
        yield from _damage(damaged, noted)
        if body["prev"] != previous:
            yield _gap(number, last_good, bool(damaged))
        damaged, previous, last_good = [], body["hash"], number
    yield from _damage(damaged, noted=False)


def _digest(damaged: list[tuple[int, bytes]]) -> str:
    """The hash a repair note holds of the bytes before it."""
    return hashlib.sha256(b"".join(raw for _, raw in damaged).removesuffix(b"\n")).hexdigest()


def _damage(damaged: list[tuple[int, bytes]], noted: bool) -> Iterator[Problem]:
    """The problems of lines that are no intact records."""
    for number, raw in damaged:
        if raw.endswith(b'"}\n') and raw.startswith(b'{"prev":"'):
            yield Problem(
                number, "altered", tr("Line {number} was altered: its hash does not fit its content.", number=number)
            )
        elif noted:
            words = tr(
                "Line {number} is torn: a session ended while writing it. The next line notes it.", number=number
            )
            yield Problem(number, "torn", words, serious=False)
        elif not raw.endswith(b"\n"):
            words = tr("Line {number} is torn: a session ended while writing it, or it was cut off.", number=number)
            yield Problem(number, "torn", words)
        else:
            yield Problem(number, "unreadable", tr("Line {number} is no record of this journal.", number=number))


def _gap(number: int, last_good: int, damaged: bool) -> Problem:
    """The problem of a record that does not follow the one before it."""
    if last_good == 0 and not damaged:
        words = tr("Line {number} is not the start of the journal: records before it were removed.", number=number)
        return Problem(number, "removed", words)
    if damaged:
        words = tr(
            "Line {number} does not follow line {last_good}: records between them were altered or removed.",
            number=number,
            last_good=last_good,
        )
        return Problem(number, "broken", words)
    words = tr(
        "Line {number} does not follow line {last_good}: records were removed, moved or inserted.",
        number=number,
        last_good=last_good,
    )
    return Problem(number, "broken", words)
