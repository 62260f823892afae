"""An alarm as people see it: its state, its rule, since when, who has seen it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from wattdeck.core.alarm import AlarmRule, Priority
from wattdeck.core.alarm_events import AlarmEvent, Memory, What
from wattdeck.core.language import tr_as
from wattdeck.core.reading import SourceId


class AlarmState(StrEnum):
    """How an alarm stands (ISA-18.2)."""

    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED = "returned"
    """The condition is gone, and nobody has acknowledged the alarm."""
    NORMAL = "normal"
    """Only of a shelved alarm: nothing is the matter now."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm that is not normal, or is shelved."""

    id: str
    """The same in every run: `span/home:span.over-limit:4c1d`."""
    source: SourceId
    rule: AlarmRule
    object_id: str
    name: str
    """What people call the object; empty for the source itself."""
    state: AlarmState
    words: str
    """What is the case, or was when it was last: one line."""
    since: datetime
    """When the condition last became an alarm."""
    changed_at: datetime
    acknowledged_by: str
    shelved_until: datetime | None
    shelved_reason: str
    count: int
    """Times it was raised since it was last normal; chatter is counted, not repeated."""
    first_out: bool
    """The first of several alarms of its source."""


@dataclass(frozen=True, slots=True)
class AlarmChanged:
    """Something to repaint, or to ring for."""

    event: AlarmEvent | None
    """What happened; None: only `trouble` is said."""
    alarm: Alarm | None
    """The alarm as it is now."""
    rings: bool
    """Somebody should be told: it is new, unacknowledged and not shelved."""
    trouble: str = ""
    """Why alarms cannot be remembered, in words."""


PRIORITY_MARKS = {Priority.HIGH: "!!!", Priority.MEDIUM: "!!", Priority.LOW: "!"}
PRIORITY_MEANINGS = {
    Priority.HIGH: "severity-high",
    Priority.MEDIUM: "severity-medium",
    Priority.LOW: "severity-low",
}
"""Names from the theme."""
_STATE_ORDER = (AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED, AlarmState.RETURNED, AlarmState.NORMAL)
_PRIORITY_ORDER = tuple(Priority)


def priority_word(priority: Priority) -> str:
    """`high`, `medium` or `low`, in the language in use."""
    match priority:
        case Priority.HIGH:
            return tr_as("priority", "high")
        case Priority.MEDIUM:
            return tr_as("priority", "medium")
        case Priority.LOW:
            return tr_as("priority", "low")


def state_word(state: AlarmState) -> str:
    """The state in the language in use."""
    match state:
        case AlarmState.UNACKNOWLEDGED:
            return tr_as("alarm", "unacknowledged")
        case AlarmState.ACKNOWLEDGED:
            return tr_as("alarm", "acknowledged")
        case AlarmState.RETURNED:
            return tr_as("alarm", "returned")
        case AlarmState.NORMAL:
            return tr_as("alarm", "normal")


def event_word(what: What) -> str:
    """What happened, in the language in use."""
    match what:
        case What.RAISED:
            return tr_as("alarm", "raised")
        case What.RETURNED:
            return tr_as("alarm", "returned")
        case What.CLEARED:
            return tr_as("alarm", "cleared")
        case What.ACKNOWLEDGED:
            return tr_as("alarm", "acknowledged")
        case What.SHELVED:
            return tr_as("alarm", "shelved")
        case What.UNSHELVED:
            return tr_as("alarm", "unshelved")


def view(memory: Memory, rule: AlarmRule, words: str) -> Alarm:
    """What is remembered of an alarm, for people. `first_out` is settled among the others, by `in_order`."""
    if memory.active:
        state = AlarmState.ACKNOWLEDGED if memory.acknowledged else AlarmState.UNACKNOWLEDGED
    else:
        state = AlarmState.NORMAL if memory.acknowledged else AlarmState.RETURNED
    return Alarm(
        memory.alarm, memory.source, rule, memory.object_id, memory.name, state, words, memory.since,
        memory.changed_at, memory.acknowledged_by, memory.shelved_until, memory.shelved_reason, memory.count,
        memory.first,
    )  # fmt: skip


def in_order(alarms: Sequence[Alarm]) -> list[Alarm]:
    """Worst first: by state, by priority, newest first. The first of a source is marked where there are several."""
    of_source = Counter(alarm.source for alarm in alarms)
    marked = [
        replace(alarm, first_out=False) if alarm.first_out and of_source[alarm.source] == 1 else alarm
        for alarm in alarms
    ]
    return sorted(
        marked,
        key=lambda alarm: (
            _STATE_ORDER.index(alarm.state),
            _PRIORITY_ORDER.index(alarm.rule.priority),
            -alarm.since.timestamp(),
            alarm.id,
        ),
    )
