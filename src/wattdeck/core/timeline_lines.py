"""The timeline as rows, and an entry in full: what it means, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from wattdeck.core.alarm import AlarmRule
from wattdeck.core.alarm_events import What
from wattdeck.core.alarm_view import PRIORITY_MARKS, Alarm, AlarmState, priority_word, state_word
from wattdeck.core.language import tr
from wattdeck.core.lines import MUTED, TEXT, Column, Line, Row, Span, cell_width, wrap
from wattdeck.core.text import clean
from wattdeck.core.timeline import Happening, Kind, kind_word
from wattdeck.core.units import since

COLUMNS = (
    Column("time", "Time", 14, keep=8),
    Column("mark", "", 3, keep=9),
    Column("what", "Event", 12, keep=7),
    Column("source", "Source", 14, keep=5),
    Column("object", "Object", 16, keep=3),
    Column("words", "What", 20, flex=True, keep=6),
    Column("who", "Who", 10, keep=1),
)
SHOWN_FIELDS = ("power_w", "priority", "controllable", "outcome", "cause", "ssh_connection")
"""Of a command's record, beside what stands in its row."""


def row_of(each: Happening, alarm: Alarm | None, *, blink: bool) -> Row:
    """One entry as a row. The mark of an alarm nobody has acknowledged stands out."""
    fresh = alarm is not None and alarm.state is not AlarmState.ACKNOWLEDGED
    on = fresh and each.what == What.RAISED
    mark: Span = ("", TEXT)
    if each.priority is not None:
        meaning = f"alarm-{each.priority}" if alarm is not None else MUTED
        mark = (PRIORITY_MARKS[each.priority], f"{meaning}-new" if on and blink else meaning)
    return Row(
        each.id,
        (
            (f"{each.at.astimezone():%m-%d %H:%M:%S}", "label"),
            mark,
            (each.word, "heading" if on or each.kind is Kind.COMMAND else TEXT),
            (each.source, TEXT),
            (each.object, TEXT),
            (each.words, TEXT),
            (each.who, "label"),
        ),
    )


def detail_lines(
    each: Happening, alarm: Alarm | None, rules: Mapping[str, AlarmRule], now: datetime, width: int
) -> list[Line]:
    """An entry in full."""
    lines = wrap(each.words, width) if each.words else []
    if each.kind is Kind.COMMAND:
        said = [f"{name} {clean(str(each.fields[name]), 120)}" for name in SHOWN_FIELDS if each.fields.get(name)]
        return [*lines, *wrap("  ".join(said), width, MUTED)] if said else lines
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
    room = max(cell_width(label) for label in (tr("Consequence"), tr("What to do"))) + 2
    lines: list[Line] = []
    for label, sentence in pairs:
        if not sentence:
            continue
        rows = wrap(sentence, width - room)
        pad = " " * (room - cell_width(label))
        lines += [((label, MUTED), (pad, TEXT), *rows[0]), *(((" " * room, TEXT), *row) for row in rows[1:])]
    return lines
