"""The timeline as rows, and an entry in full: what it means, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from wattdeck.core.alarm import AlarmRule
from wattdeck.core.alarm_events import What
from wattdeck.core.alarm_view import PRIORITY_MARKS, Alarm, AlarmState, priority_word, state_word
from wattdeck.core.command import State, outcome_word
from wattdeck.core.errors import Cause
from wattdeck.core.language import later, manner, tr
from wattdeck.core.lines import MUTED, TEXT, Column, Line, Row, Span, cell_width, wrap
from wattdeck.core.text import clean
from wattdeck.core.timeline import Happening, Kind, kind_word
from wattdeck.core.units import power, since

COLUMNS = (
    Column("time", "Time", 14, keep=8),
    Column("mark", "", 3, keep=9),
    Column("what", "Event", 12, keep=7),
    Column("source", "Source", 14, keep=5),
    Column("object", "Object", 23, keep=3),
    Column("words", "What", 20, flex=True, keep=6),
    Column("who", "Who", 10, keep=1),
)
SHOWN_FIELDS = {
    "power_w": later("Power"),
    "priority": later("Priority"),
    "outcome": later("Outcome"),
    "cause": later("Cause"),
    "ssh_connection": later("Came from"),
}
"""Of a command's record, beside what stands in its row."""


def row_of(each: Happening, alarm: Alarm | None, *, blink: bool, objects: bool = True) -> Row:
    """One entry as a row. The mark of an alarm nobody has acknowledged stands out.

    Without a column of `objects` the words of a command begin with its object: an alarm's say it anyway.
    """
    fresh = alarm is not None and alarm.state is not AlarmState.ACKNOWLEDGED
    on = fresh and each.what == What.RAISED
    mark: Span = ("", TEXT)
    if each.priority is not None:
        meaning = f"alarm-{each.priority}" if alarm is not None else MUTED
        mark = (PRIORITY_MARKS[each.priority], f"{meaning}-new" if on and blink else meaning)
    named = each.kind is Kind.COMMAND and not objects
    words = ": ".join(filter(None, (each.object, each.shown))) if named else each.shown
    return Row(
        each.id,
        (
            (f"{each.at.astimezone():{manner().day} %H:%M:%S}", "label"),
            mark,
            (each.word, "heading" if on or each.kind is Kind.COMMAND else TEXT),
            (each.source, TEXT),
            (each.object, TEXT),
            (words, TEXT),
            (each.who, "label"),
        ),
    )


def detail_lines(
    each: Happening, alarm: Alarm | None, rules: Mapping[str, AlarmRule], now: datetime, width: int
) -> list[Line]:
    """An entry in full."""
    lines = wrap(each.shown, width) if each.words else []
    if each.kind is Kind.COMMAND:
        return [*lines, *_labelled([(tr(label), _field(each, name)) for name, label in SHOWN_FIELDS.items()], width)]
    rule = alarm.rule if alarm is not None else rules.get(each.rule)
    if rule is not None:
        lines += _labelled(
            [
                (tr("Cause"), tr(rule.title)),
                (tr("Consequence"), tr(rule.consequence)),
                (tr("What to do"), tr(rule.action)),
            ],
            width,
        )
    lines += _labelled([(tr("Now"), _state(alarm, now))], width)
    return lines


def title_of(each: Happening) -> str:
    """What an entry is, in a few words."""
    priority = priority_word(each.priority) if each.priority is not None else ""
    parts = (f"{kind_word(each.kind)} {each.word}", priority, each.source, each.object)
    return " · ".join(filter(None, parts))


def _field(each: Happening, name: str) -> str:
    """One field of a command's record for a person; empty: it says nothing."""
    value = each.fields.get(name)
    if name == "power_w" and isinstance(value, float | int) and not isinstance(value, bool):
        return power(value)
    text = clean(str(value), 120) if value and value != Cause.NONE else ""
    return outcome_word(State(text)) if name == "outcome" and text in State.__members__.values() else text


def _state(alarm: Alarm | None, now: datetime) -> str:
    if alarm is None:
        return tr("normal again")
    words = [tr("{state} since {time}", state=state_word(alarm.state), time=since(alarm.since, now))]
    if alarm.acknowledged_by:
        words.append(tr("acknowledged by {who}", who=alarm.acknowledged_by))
    if alarm.count > 1:
        words.append(tr("came {count} times", count=alarm.count))
    if alarm.first_out:
        words.append(tr("the first of its source"))
    if alarm.shelved_until is not None:
        time = since(alarm.shelved_until, now)
        words.append(tr("shelved until {time}: {reason}", time=time, reason=alarm.shelved_reason))
    return "; ".join(words)


def _labelled(pairs: Sequence[tuple[str, str]], width: int) -> list[Line]:
    """Sentences, each with a label before its first line."""
    room = max(cell_width(label) for label in (tr("Consequence"), tr("What to do"), *(label for label, _ in pairs))) + 2
    lines: list[Line] = []
    for label, sentence in pairs:
        if not sentence:
            continue
        rows = wrap(sentence, width - room)
        pad = " " * (room - cell_width(label))
        lines += [((label, MUTED), (pad, TEXT), *rows[0]), *(((" " * room, TEXT), *row) for row in rows[1:])]
    return lines
