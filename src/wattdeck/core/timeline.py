"""Alarms and commands in one timeline: what happened, newest first, and what is shown of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from wattdeck.core.alarm import Priority
from wattdeck.core.alarm_events import AlarmEvent
from wattdeck.core.alarm_view import event_word, priority_word
from wattdeck.core.chain import Record
from wattdeck.core.codec import iso
from wattdeck.core.command import state_words
from wattdeck.core.export import safe_cell
from wattdeck.core.language import tr, tr_as
from wattdeck.core.text import clean

MOST = 5000
"""Entries kept in view; `wattdeck journal` and `wattdeck alarms` know the rest."""
FIELDS = ("at", "kind", "what", "priority", "source", "object", "words", "who", "alarm")
SAID = ("sentence", "reason", "outcome", "cause")
"""Fields of a journal record that say how it ended, best first."""


class Kind(StrEnum):
    """What an entry is about."""

    ALARM = "alarm"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened. Every text is cleaned and bounded."""

    id: str
    at: datetime
    kind: Kind
    what: str
    """Name of the event: `raised`, `confirm`."""
    source: str = ""
    object: str = ""
    words: str = ""
    who: str = ""
    priority: Priority | None = None
    alarm: str = ""
    """Id of the alarm it is about; empty for a command."""
    rule: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """The record of a command."""

    @property
    def word(self) -> str:
        """What happened, in the language in use; the journal's names stay as they are."""
        if self.kind is Kind.ALARM:
            return event_word(self.what)  # type: ignore[arg-type]
        return tr_as("command event", "not sent") if self.fields.get("sent") is False else command_word(self.what)

    @property
    def shown(self) -> str:
        """The words in the language in use; those of an export and of the journal stay as they are."""
        return _command_words(self.fields, translated=True) if self.kind is Kind.COMMAND else self.words

    @property
    def text(self) -> str:
        """All that can be searched for, in lower case."""
        kind = kind_word(self.kind)
        priority = priority_word(self.priority) if self.priority is not None else ""
        parts = (kind, self.kind, self.word, self.what, self.source, self.object, self.words, self.shown, self.who,
                 priority, self.priority or "", self.rule)  # fmt: skip
        return " ".join(parts).casefold()


def kind_word(kind: Kind) -> str:
    """What an entry is about, in the language in use."""
    return tr_as("kind", "alarm") if kind is Kind.ALARM else tr_as("kind", "command")


def command_word(event: str) -> str:
    """An event of the command journal in the language in use; one that is not known stays as it is."""
    words = {
        "arm": tr_as("command event", "arm"),
        "disarm": tr_as("command event", "disarm"),
        "select": tr_as("command event", "select"),
        "cancel": tr_as("command event", "cancel"),
        "refuse": tr_as("command event", "refuse"),
        "send": tr_as("command event", "send"),
        "ack": tr_as("command event", "ack"),
        "confirm": tr_as("command event", "confirm"),
        "fail": tr_as("command event", "fail"),
        "time-out": tr_as("command event", "time-out"),
        "settle": tr_as("command event", "settle"),
        "hook": tr_as("command event", "hook"),
    }
    return words.get(event, event)


def of_alarms(events: Iterable[AlarmEvent]) -> list[Happening]:
    """What happened to alarms, in the same order."""
    return [
        Happening(
            f"a:{event.at.isoformat()}:{event.what}:{event.alarm}", event.at, Kind.ALARM, event.what, event.source,
            event.name, event.words if not event.reason else f"{event.words} ({event.reason})", event.who,
            event.priority, event.alarm, event.rule,
        )
        for event in events
    ]  # fmt: skip


def of_command(record: Record) -> Happening:
    """One record of the journal."""
    fields = record.fields
    return Happening(
        f"j:{record.end_offset}", record.at, Kind.COMMAND, clean(record.event, 30), _text(fields, "source"),
        _text(fields, "name", "object_id"), _command_words(fields), _text(fields, "user"), fields=fields,
    )  # fmt: skip


def _text(fields: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that says something."""
    return next((clean(str(fields[name]), 300) for name in names if fields.get(name)), "")


def _command_words(fields: Mapping[str, Any], *, translated: bool = False) -> str:
    """From what to what, and how it ended."""
    states = [_text(fields, name) for name in ("from_state", "to_state")]
    if translated:
        states = [state_words(_text(fields, "kind"), state, 300) for state in states]
    moves = " -> ".join(states) if states[1] else ""
    said = _text(fields, *SAID)
    # Why a command was given up is a fixed sentence of the journal; others were said in the language of their time.
    return ": ".join(filter(None, (moves, tr(said) if translated and said else said)))


def merged(alarms: Iterable[Happening], commands: Iterable[Happening], most: int = MOST) -> list[Happening]:
    """Both, newest first, at most so many. Of what happened at once, what was told last comes first."""
    found = [*alarms, *commands]
    found.reverse()
    found.sort(key=lambda each: each.at, reverse=True)
    return list({each.id: each for each in found[:most]}.values())


def matching(happenings: Sequence[Happening], words: str, kind: Kind | None = None) -> list[Happening]:
    """Those of a kind that say every one of these words: a source, a priority, an event, a name."""
    wanted = words.casefold().split()
    of_kind = [each for each in happenings if kind is None or each.kind is kind]
    return [each for each in of_kind if all(word in each.text for word in wanted)] if wanted else of_kind


def documents(happenings: Sequence[Happening]) -> Mapping[str, str]:
    """File suffix -> what is shown as JSON, CSV and text. Names of fields, kinds and events never change."""
    rows = [
        {
            "at": iso(each.at), "kind": str(each.kind), "what": str(each.what),
            "priority": str(each.priority) if each.priority is not None else None, "source": each.source,
            "object": each.object, "words": each.words, "who": each.who, "alarm": each.alarm,
        }
        for each in happenings
    ]  # fmt: skip
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    writer.writerows([safe_cell("" if row[name] is None else row[name]) for name in FIELDS] for row in rows)
    text = "".join(
        f"{each.at.astimezone():%Y-%m-%d %H:%M:%S}  {each.kind:<7} {each.what:<12} {each.priority or '':<6} "
        f"{each.source}  {each.object}  {each.words}  {each.who}".rstrip()
        + "\n"
        for each in happenings
    )
    return {".json": json.dumps(rows, ensure_ascii=False, indent=2) + "\n", ".csv": out.getvalue(), ".txt": text}
