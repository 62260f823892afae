"""What happened to alarms, and what is remembered of each: events are facts, the memory is what they add up to.

Any order in which sessions hear of the same events ends in the same memory, because all of them take the file's.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from wattdeck.core.alarm import Priority
from wattdeck.core.reading import SourceId
from wattdeck.core.text import clean

WORDS_MAX = 300
NAME_MAX = 120
ID_MAX = 300
COUNT_MAX = 1_000_000
FIRST_YEAR, LAST_YEAR = 1970, 2999


class What(StrEnum):
    """What happened to an alarm."""

    RAISED = "raised"
    RETURNED = "returned"
    """The condition is gone, and nobody has acknowledged the alarm."""
    CLEARED = "cleared"
    """Normal again."""
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"


@dataclass(frozen=True, slots=True)
class AlarmEvent:
    """One thing that happened to one alarm."""

    at: datetime
    what: What
    alarm: str
    """Id of the alarm: `span/home:span.over-limit:4c1d`."""
    source: SourceId
    rule: str
    priority: Priority
    object_id: str = ""
    name: str = ""
    """What people call the object; empty for the source itself."""
    words: str = ""
    who: str = ""
    """Who acknowledged, shelved or unshelved it; empty where nobody did."""
    reason: str = ""
    """Why it was shelved, or why it is normal without having returned."""
    until: datetime | None = None
    """End of the shelving."""
    again: bool = False
    """Raised within the cool-down: counted, not announced."""
    first: bool = False
    """Raised while no other alarm of its source was on."""
    scope: str = ""
    """The configuration the session runs on."""
    session: str = ""


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered of one alarm that is not normal, is shelved, or was on a moment ago."""

    alarm: str
    source: SourceId
    rule: str
    priority: Priority
    object_id: str
    name: str
    words: str
    since: datetime
    changed_at: datetime
    rung_at: datetime
    """When it was last announced."""
    active: bool = True
    acknowledged: bool = False
    acknowledged_by: str = ""
    shelved_until: datetime | None = None
    shelved_reason: str = ""
    count: int = 1
    first: bool = False
    scope: str = ""

    @property
    def normal(self) -> bool:
        """Nothing is the matter, though it may still be shelved."""
        return not self.active and self.acknowledged

    def rang_within(self, cool_down: timedelta, now: datetime) -> bool:
        """It was announced so short a time ago. A time to come is none: the clock was set back, or is a demo's."""
        return timedelta(0) <= now - self.rung_at < cool_down


@dataclass
class Book:
    """Every alarm that is remembered, by id."""

    cool_down: timedelta = timedelta(0)
    """How long after its announcement an alarm that is normal again is remembered."""
    alarms: dict[str, Memory] = field(default_factory=dict)

    def copy(self) -> Book:
        """A book that can be written on without changing this one."""
        return Book(self.cool_down, dict(self.alarms))

    def apply(self, event: AlarmEvent) -> bool:
        """Remember what happened. False: it changes nothing, because it is so already."""
        old = self.alarms.get(event.alarm)
        if old is not None and self._is_over(old, event.at):
            # Whether or not it was let go of already.
            old = None
        new = _raised(old, event) if event.what is What.RAISED else _changed(old, event)
        if new is None:
            return False
        self.alarms[event.alarm] = new
        return True

    def forget(self, now: datetime) -> None:
        """Let go of what is over."""
        for alarm in [memory.alarm for memory in self.alarms.values() if self._is_over(memory, now)]:
            del self.alarms[alarm]

    def _is_over(self, memory: Memory, now: datetime) -> bool:
        """It is normal, not shelved, and was not announced a moment ago."""
        return memory.normal and memory.shelved_until is None and not memory.rang_within(self.cool_down, now)


def _raised(old: Memory | None, event: AlarmEvent) -> Memory | None:
    if old is not None and old.active:
        return None
    continues = old is not None and (event.again or not old.normal)
    memory = Memory(
        event.alarm, event.source, event.rule, event.priority, event.object_id, event.name, event.words,
        since=event.at, changed_at=event.at, rung_at=event.at, first=event.first, scope=event.scope,
    )  # fmt: skip
    if old is None:
        return memory
    memory = replace(
        memory,
        count=old.count + 1 if continues else 1,
        first=old.first if continues else event.first,
        shelved_until=old.shelved_until,
        shelved_reason=old.shelved_reason,
    )
    if not event.again:
        return memory
    return replace(
        memory, rung_at=old.rung_at, acknowledged=old.acknowledged, acknowledged_by=old.acknowledged_by
    )  # fmt: skip


def _changed(old: Memory | None, event: AlarmEvent) -> Memory | None:
    """The memory after anything but a raise; None if that changes nothing."""
    if old is None:
        return None
    # What was written late may have happened before what was written first.
    at = max(event.at, old.changed_at)
    match event.what:
        case What.RETURNED if old.active:
            return replace(old, active=False, changed_at=at)
        case What.CLEARED if not old.normal:
            return replace(old, active=False, acknowledged=True, changed_at=at)
        case What.ACKNOWLEDGED if not old.acknowledged:
            return replace(old, acknowledged=True, acknowledged_by=event.who, changed_at=at)
        case What.SHELVED if event.until is not None and event.until != old.shelved_until:
            return replace(old, shelved_until=event.until, shelved_reason=event.reason)
        case What.UNSHELVED if old.shelved_until is not None:
            return replace(old, shelved_until=None, shelved_reason="")
        case _:
            return None


# Lines of the file


def event_line(event: AlarmEvent, *, history: bool = False) -> bytes:
    """One line, ASCII alone. `history`: only to be listed, because a line of memory holds what it led to."""
    return _line({"kind": "history" if history else "event", **_fields(event)})


def memory_line(memory: Memory) -> bytes:
    """One line that stands for all events of an alarm so far."""
    return _line({"kind": "memory", **_fields(memory)})


def parse_lines(data: bytes) -> tuple[list[AlarmEvent | Memory], list[AlarmEvent], int]:
    """What a piece of the file says.

    Returns:
        What the memory is made of, in order; every event, for a list of them; and how many lines are damaged.
    """
    made_of: list[AlarmEvent | Memory] = []
    listed: list[AlarmEvent] = []
    damaged = 0
    for line in data.split(b"\n"):
        if not line.strip():
            continue
        try:
            raw = json.loads(line)
            kind = raw["kind"]
            if kind == "memory":
                made_of.append(_memory(raw))
                continue
            event = _event(raw)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            damaged += 1
            continue
        listed.append(event)
        if kind == "event":
            made_of.append(event)
    return made_of, listed, damaged


def fold(book: Book, made_of: Iterable[AlarmEvent | Memory]) -> None:
    """Put what a piece of the file says into a book."""
    for each in made_of:
        if isinstance(each, Memory):
            book.alarms[each.alarm] = each
        else:
            book.apply(each)


def _line(fields: Mapping[str, Any]) -> bytes:
    return json.dumps(fields, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def _fields(item: AlarmEvent | Memory) -> dict[str, Any]:
    """The fields that say something, times in ISO 8601."""
    out: dict[str, Any] = {}
    for name in type(item).__dataclass_fields__:
        value = getattr(item, name)
        if isinstance(value, datetime):
            out[name] = value.isoformat()
        elif value not in ("", None) and value is not False:
            out[name] = str(value) if isinstance(value, StrEnum) else value
    if isinstance(item, Memory):
        out["active"] = item.active
    return out


def _event(raw: Mapping[str, Any]) -> AlarmEvent:
    return AlarmEvent(
        at=_time(raw["at"]),
        what=What(raw["what"]),
        alarm=_text(raw, "alarm", ID_MAX),
        source=_text(raw, "source", ID_MAX),
        rule=_text(raw, "rule", NAME_MAX),
        priority=Priority(raw["priority"]),
        **_common(raw),
        who=_text(raw, "who", NAME_MAX),
        reason=_text(raw, "reason", WORDS_MAX),
        until=_time(raw["until"]) if "until" in raw else None,
        again=raw.get("again") is True,
        session=_text(raw, "session", NAME_MAX),
    )


def _memory(raw: Mapping[str, Any]) -> Memory:
    return Memory(
        alarm=_text(raw, "alarm", ID_MAX),
        source=_text(raw, "source", ID_MAX),
        rule=_text(raw, "rule", NAME_MAX),
        priority=Priority(raw["priority"]),
        **_common(raw),
        since=_time(raw["since"]),
        changed_at=_time(raw["changed_at"]),
        rung_at=_time(raw["rung_at"]),
        active=raw["active"] is True,
        acknowledged=raw.get("acknowledged") is True,
        acknowledged_by=_text(raw, "acknowledged_by", NAME_MAX),
        shelved_until=_time(raw["shelved_until"]) if "shelved_until" in raw else None,
        shelved_reason=_text(raw, "shelved_reason", WORDS_MAX),
        count=min(COUNT_MAX, max(1, int(raw.get("count", 1)))),
    )


def _common(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "object_id": _text(raw, "object_id", ID_MAX),
        "name": _text(raw, "name", NAME_MAX),
        "words": _text(raw, "words", WORDS_MAX),
        "first": raw.get("first") is True,
        "scope": _text(raw, "scope", 1000),
    }


def _text(raw: Mapping[str, Any], name: str, limit: int) -> str:
    """A text of the file, which anybody who can write there may have put there."""
    value = raw.get(name, "")
    if not isinstance(value, str):
        raise TypeError(name)
    return clean(value, limit)


def _time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone")
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError("a time that local clocks do not have")
    return moment.astimezone(UTC)
