"""Recordings: what the file looks like. `recorder` writes it, `recorded` reads it, `replay` shows it.

A recording is one file: gzip, inside it JSON Lines (`zcat FILE | head`). Every line is complete in the file before the
next one is begun, so that it can be read while it is being written and after a crash; then only its last line may be
torn, and gzip tools say "unexpected end of file" after printing all the others.

The first line, and each line with `schema`, says whose readings follow; there is one more for each time the recording
was continued:

    {"schema": "wattdeck.recording/1", "wattdeck": "0.1.0", "at": "2026-11-20T11:30:00.000000Z", "demo": false,
     "sources": {"span/home": {"system": "span", "settings": {}}}, "feeds": [["span/home", "panel"]]}

Then one line for each outcome of a poll, oldest first:

| key | meaning |
| --- | --- |
| `at` | when it came, ISO 8601 with offset |
| `of` | whose it is: its place in `feeds` |
| `i` | 0 where `data` holds the whole; else 1, 2, 3 ... lines of this feed since then |
| `link` | `waiting` `live` `stale` `down` `refused` |
| `taken`, `next` | times of the last good fetch and of the next attempt; left out where there is none |
| `problem` | the last error in words; left out when live |
| `good`, `failures` | good and failed polls in a row; left out where 0 |
| `every` | cadence in force, s |
| `kept` | true: the data was kept from an earlier run |
| `data` | the snapshot as in the snapshot document; null: none. Only where `i` is 0 |
| `change` | what differs from the feed's line before; left out where nothing does |

A change is, at each place: a plain value (that is the new value), a list of one (the new value is that list or
object), an empty list (the key is gone), or an object: what changes below, by key, in lists by number. A list that
has become shorter or longer has its new length under `#`.

A line with `mark` holds the byte of the file at which it begins, where gzip's data can be entered: readers go to any
time without reading what is before. Lines and keys that a reader does not know are passed over.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from wattdeck import __version__
from wattdeck.core.codec import encode, read_time
from wattdeck.core.errors import UsageError
from wattdeck.core.language import tr
from wattdeck.core.reading import Link, Reading, SourceId
from wattdeck.core.text import clean

SCHEMA = "wattdeck.recording/1"
SUFFIX = ".jsonl.gz"
MAX_LINE_BYTES = 32 * 1024 * 1024
"""A longer line is written by nobody and read by nobody."""
MOST_INTERVAL_S = 1e9
FIRST_YEAR, LAST_YEAR = 1970, 2999
"""Times of other years are nobody's: a line with one is not taken, for local clocks end not far from there."""
LENGTH = "#"
"""Where a change says how long a list has become."""
_BEGINNING = re.compile(rb'\{"at":"([0-9T:.+Z-]{20,40})","of":(\d{1,5}),"i":(\d{1,9}),"link":"([a-z]{4,10})"')


class NoRecording(UsageError):
    """A file cannot be read as a recording, or none can be made there; the words say why and what to do."""


Feed = tuple[SourceId, str]


@dataclass(frozen=True, slots=True)
class Header:
    """Whose readings follow."""

    feeds: Sequence[Feed]
    settings: Mapping[SourceId, Mapping[str, Any]] = field(default_factory=dict)
    """What a source's screen needs to know of its settings; nothing secret."""
    version: str = __version__
    """The wattdeck that wrote it."""
    demo: bool = False

    def line(self, at: datetime) -> bytes:
        """The header as it stands in the file."""
        sources = {
            source: {"system": source.partition("/")[0], "settings": dict(self.settings.get(source, {}))}
            for source, _ in self.feeds
        }
        document = {"schema": SCHEMA, "wattdeck": self.version, "at": time_text(at), "demo": self.demo,
                    "sources": sources, "feeds": [list(feed) for feed in self.feeds]}  # fmt: skip
        return _line(document)


@dataclass(frozen=True, slots=True)
class Beginning:
    """What an index needs of a reading's line."""

    at_us: int
    """Microseconds since 1970."""
    of: int
    since_whole: int
    """Lines of the feed since its whole data; 0: here it is."""
    link: Link


def read_header(document: Any) -> Header:
    """A header from its line.

    Raises:
        ValueError: it is none of this version's, with what is wrong.
    """
    schema = document.get("schema") if isinstance(document, dict) else None
    if schema != SCHEMA:
        shown = str(schema)[:40] if isinstance(schema, str) else None
        if not shown:
            raise ValueError(tr("there is no {schema!r} in it", schema=SCHEMA))
        raise ValueError(tr("it says {shown!r} where {schema!r} is due", shown=shown, schema=SCHEMA))
    feeds, sources = document.get("feeds"), document.get("sources")
    if not isinstance(feeds, list) or not isinstance(sources, dict) or len(feeds) > 10_000:
        raise ValueError(tr("`feeds` or `sources` is missing"))
    for each in feeds:
        named = isinstance(each, list) and len(each) == 2 and all(isinstance(part, str) for part in each)
        if named and not (each[0] + each[1]).isprintable():
            raise ValueError(tr("`feeds` holds a name that cannot be shown"))
        if not named or not re.fullmatch(r"[\w-]{1,60}/[^/\x00-\x1f\x7f]{1,120}", each[0]) or len(each[1]) > 60:
            raise ValueError(tr("`feeds` holds something that is no source and feed"))
    settings = {}
    for source, said in sources.items():
        values = said.get("settings") if isinstance(said, dict) else None
        settings[source] = values if isinstance(values, dict) else {}
    version = document.get("wattdeck")
    return Header([(each[0], each[1]) for each in feeds], settings,
                  clean(version, 20) if isinstance(version, str) else "?", document.get("demo") is True)  # fmt: skip


def reading_line(reading: Reading[Any], at: datetime, of: int, since_whole: int, body: Mapping[str, Any]) -> bytes:
    """A reading as it stands in the file; `body` holds its `data` or `change`, or neither."""
    document: dict[str, Any] = {"at": time_text(at), "of": of, "i": since_whole, "link": reading.link.value}
    for key, moment in (("taken", reading.taken_at), ("next", reading.next_poll_at)):
        if moment is not None:
            document[key] = time_text(moment)
    said = {"problem": reading.problem, "good": reading.good_polls, "failures": reading.failures,
            "kept": reading.restored}  # fmt: skip
    document.update({key: value for key, value in said.items() if value})
    document["every"] = reading.interval_s
    return _line({**document, **body})


def mark_line(offset: int) -> bytes:
    """A line that says at which byte of the file it begins."""
    return _line({"mark": offset})


def beginning_of(line: bytes) -> Beginning | None:
    """What the index needs of a line; None if it is no reading's.

    Raises:
        ValueError: it can be nothing of ours.
    """
    found = _BEGINNING.match(line)
    if found is not None:
        at_us = microseconds(_time(found[1].decode()))
        return Beginning(at_us, int(found[2]), int(found[3]), Link(found[4].decode()))
    document = parsed(line)
    if "at" not in document or "of" not in document:
        return None
    at, of, since_whole = (document.get(key) for key in ("at", "of", "i"))
    numbers = all(isinstance(each, int) and 0 <= each < 10**9 for each in (of, since_whole))
    if not isinstance(at, str) or not numbers:
        raise ValueError(tr("`at`, `of` or `i` is not what it should be"))
    return Beginning(microseconds(_time(at)), int(of or 0), int(since_whole or 0), Link(str(document.get("link"))))


def parsed(line: bytes) -> dict[str, Any]:
    """A line's object.

    Raises:
        ValueError: it is none.
    """
    try:
        document = json.loads(line)
    except RecursionError as error:
        raise ValueError(tr("nested too deep")) from error
    if not isinstance(document, dict):
        raise ValueError(tr("not an object"))
    return document


def reading_of(feed: Feed, document: Mapping[str, Any]) -> Reading[Any]:
    """All of a reading but its snapshot.

    Raises:
        ValueError: a value is not what it should be.
    """
    try:
        return Reading(
            *feed,
            link=Link(document["link"]),
            taken_at=_moment(document.get("taken")),
            next_poll_at=_moment(document.get("next")),
            problem=_of(str, document.get("problem", "")),
            good_polls=_of(int, document.get("good", 0)),
            failures=_of(int, document.get("failures", 0)),
            interval_s=_number(document.get("every", 0.0)),
            restored=document.get("kept") is True,
        )
    except (TypeError, KeyError, OverflowError) as error:
        raise ValueError(tr("not a reading: {reason}", reason=error)) from error


def change_between(before: Any, after: Any) -> Any:
    """What turns one document into the other; `{}` if nothing does."""
    change = _change(before, after)
    return {} if change is _NOTHING else change


def _change(before: Any, after: Any) -> Any:
    """The change, or `_NOTHING`. Looks at every value once: a panel has hundreds, and is read every second."""
    if type(before) is not type(after):
        return _whole(after)
    changes: dict[str, Any]
    if isinstance(after, dict):
        changes = {}
        for key, value in after.items():
            change = _change(before[key], value) if key in before else _whole(value)
            if change is not _NOTHING:
                changes[key] = change
        if len(before) != len(after) or before.keys() != after.keys():
            changes.update({key: [] for key in before if key not in after})
        return changes or _NOTHING
    if isinstance(after, list):
        found = ((at, _change(old, new)) for at, (old, new) in enumerate(zip(before, after, strict=False)))
        changes = {str(at): change for at, change in found if change is not _NOTHING}
        if len(before) != len(after):
            changes[LENGTH] = len(after)
            changes.update({str(at): _whole(after[at]) for at in range(len(before), len(after))})
        return changes or _NOTHING
    return _NOTHING if same(before, after) else after


def changed(before: Any, change: Any) -> Any:
    """The document that a change makes of another, which stays as it is.

    Raises:
        ValueError: the change does not fit.
    """
    if isinstance(change, list):
        if len(change) != 1:
            raise ValueError(tr("a change that is neither a value nor a place"))
        return change[0]
    if not isinstance(change, dict):
        return change
    if isinstance(before, dict):
        out = dict(before)
        for key, inner in change.items():
            if inner == [] and isinstance(inner, list):
                out.pop(key, None)
            else:
                out[key] = changed(before.get(key), inner)
        return out
    if isinstance(before, list):
        return _changed_list(before, change)
    if change:
        raise ValueError(tr("a change inside of what is no object or list"))
    return before


def _changed_list(before: list[Any], change: Mapping[str, Any]) -> list[Any]:
    length = change.get(LENGTH, len(before))
    if not isinstance(length, int) or isinstance(length, bool) or not 0 <= length <= len(before) + len(change):
        raise ValueError(tr("a list of a length that cannot be"))
    out = before[:length] + [None] * (length - len(before))
    for key, inner in change.items():
        if key == LENGTH:
            continue
        if not key.isdecimal() or len(key) > 9 or int(key) >= length:
            raise ValueError(tr("a change of a place that a list does not have"))
        out[int(key)] = changed(out[int(key)], inner)
    return out


def same(one: Any, other: Any) -> bool:
    """Equal to the last bit and in type: 1, 1.0 and true are three things, 0.0 and -0.0 two."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and one == 0.0 == other:
        return math.copysign(1.0, one) == math.copysign(1.0, other)
    return bool(one == other)


def plain(snapshot: Any) -> Any:
    """A snapshot as the file holds it: what is no list, object or plain value has become one."""
    return encode(snapshot)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, to the last one."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def time_text(moment: datetime) -> str:
    """A time to the microsecond, always as long: an index reads it from the beginning of a line."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


_NOTHING: Any = object()
"""No change."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _whole(value: Any) -> Any:
    return [value] if isinstance(value, (dict, list)) else value


def _moment(text: Any) -> datetime | None:
    return None if text is None else _time(_of(str, text))


def _time(text: str) -> datetime:
    """A time that clocks and local dates can deal with.

    Raises:
        ValueError: it is none.
    """
    moment = read_time(text)
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(
            tr("{time} is in no year from {first} to {last}", time=text[:40], first=FIRST_YEAR, last=LAST_YEAR)
        )
    return moment


def _number(value: Any) -> float:
    """A number that is not too large to reckon with."""
    number = float(value) if isinstance(value, int) and not isinstance(value, bool) else _of(float, value)
    if not 0 <= number <= MOST_INTERVAL_S:
        raise ValueError(tr("{number} is no cadence", number=number))
    return number


def _of(kind: type, value: Any) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{type(value).__name__} where {kind.__name__} is due")
    return value


def _line(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("ascii") + b"\n"
