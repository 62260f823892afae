"""A table of settings while somebody types into it: a text for each key, and what the texts mean.

A secret that stands in the file is never loaded into a text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from wattdeck.core.config_check import Problem
from wattdeck.core.language import later, tr
from wattdeck.core.settings_fields import NO, YES, Kind, SettingField, fields_of, meant, typed
from wattdeck.core.text import clean

SAVE, TEST = "save", "test"
"""The lines at the end, which are no fields."""
HERE = "here"
"""A secret that is typed into the configuration itself."""
SECRET_KINDS = ("env", "file", "keyring", HERE)
KIND_WORDS = {
    "env": later("environment variable"),
    "file": later("a file of its own"),
    "keyring": later("the desktop's keyring"),
    HERE: later("in this configuration"),
}
MOST_CHARACTERS = 4000
WHOLE = ""
"""Stands for the whole table where a problem is that of no line."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One line to type into."""

    id: str
    label: str
    field: SettingField
    kind: Kind
    choices: tuple[str, ...] = ()
    section: str = ""
    """The heading it stands below; empty for keys of the table itself."""
    part: str = ""
    """Of a secret: `kind` or `value`. Of a list of tables: `more`."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """What was found wrong, and with what."""

    texts: Mapping[str, str]
    rows: Mapping[str, int]
    table: Mapping[str, Any]
    problems: dict[str, str]


class SettingsTexts:
    """The texts of one table, and the line that has the focus."""

    def __init__(
        self,
        fields: Sequence[SettingField],
        table: Mapping[str, Any],
        check: Callable[[Mapping[str, Any]], Sequence[Problem]],
        *,
        ends: Sequence[str] = (TEST, SAVE),
        fixed: bool = False,
    ) -> None:
        """Args:
        fields: What can be set.
        table: What is written now.
        check: The problems of a table, with places inside it.
        ends: The lines below the fields.
        fixed: Nothing can be typed.
        """
        self.table_before = deepcopy(dict(table))
        self._fields = fields
        self._check = check
        self._ends = tuple(ends)
        self.fixed = fixed
        self._rows: dict[str, int] = {}
        """Entries of each list of tables, by the field's key."""
        self.texts: dict[str, str] = {}
        self._first: dict[str, str] = {}
        self.wanted = ""
        """What the last Enter at the end asked for."""
        self.tried = False
        self._typed = ""
        self._known: _Checked | None = None
        self._made: tuple[object, list[Slot]] | None = None
        self._load()
        self.focus = self._slots[0].id
        self.caret = len(self.text(self.focus))

    # What it means

    @property
    def table(self) -> dict[str, Any]:
        """The table that is meant. A line nobody touched keeps its value as it was written."""
        table = deepcopy(self.table_before)
        for field in self._fields:
            value = self._value(field)
            _put(table, field.path, value, keep=self.table_before)
        return table

    @property
    def changed(self) -> bool:
        """Something else stands there than at the beginning."""
        return self.texts != self._first

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong, by line. Each line drawn asks: a table is made only if another text stands somewhere."""
        known = self._known
        if known is None:
            table = self.table
            return self._keep(table, self.by_line(self._check(table)))
        if known.texts == self.texts and known.rows == self._rows:
            return known.problems
        table = self.table
        return self._keep(table, known.problems if known.table == table else self.by_line(self._check(table)))

    def _keep(self, table: Mapping[str, Any], problems: dict[str, str]) -> dict[str, str]:
        self._known = _Checked(dict(self.texts), dict(self._rows), table, problems)
        return problems

    def by_line(self, problems: Sequence[Problem]) -> dict[str, str]:
        """Sentences by line; what belongs to none of them is said for the whole."""
        found: dict[str, str] = {}
        ids = {slot.id for slot in self._slots}
        for problem in problems:
            line = self._line_of(problem.place, ids)
            words = problem.reason if line else problem.words
            found[line] = f"{found[line]}; {words}" if line in found else words
        return found

    def refuse(self, problems: Sequence[Problem]) -> None:
        """Show problems of the whole file, and go to the first line that has one."""
        self.tried = True
        self._keep(self.table, self.by_line(problems))
        self._go_to_problem()

    def start_from(self, table: Mapping[str, Any]) -> None:
        """Another table is what is written now; lines that were typed into keep what was typed."""
        typed_in = {key: text for key, text in self.texts.items() if text != self._first.get(key, "")}
        rows = dict(self._rows)
        self.table_before = deepcopy(dict(table))
        self._load()
        self.texts |= typed_in
        self._rows = {key: max(count, rows.get(key, 0)) for key, count in self._rows.items()}
        self._known = None
        self._go_to(self.focus if self.focus in self._ids else self._ids[0])

    def text(self, slot_id: str) -> str:
        """What stands in a line."""
        return self.texts.get(slot_id, "")

    def typed_secrets(self) -> list[str]:
        """Secrets that were typed here; they are not to reach a log."""
        return [self.text(slot.id) for slot in self._slots if self.hidden(slot) and self.text(slot.id)]

    # What keys do

    @property
    def at_end(self) -> bool:
        """The focus is on one of the last lines, or on one that adds a table."""
        slot = self._slot(self.focus)
        return slot is None or slot.part == "more"

    def move(self, step: int) -> None:
        """To the line below (+1) or above (-1); at either end it stays."""
        ids = self._ids
        self._go_to(ids[max(0, min(len(ids) - 1, self._at + step))])

    def go_to_end(self) -> None:
        """To the last line, which saves."""
        self._go_to(self._ids[-1])

    def turn(self, step: int) -> None:
        """Another choice, or the caret one character on."""
        slot = self._slot(self.focus)
        if slot is None:
            return
        if slot.choices:
            self._typed = ""
            offered = ("", *slot.choices)
            now = self.text(slot.id)
            at = offered.index(now) if now in offered else 0
            self._put_text(slot, offered[(at + step) % len(offered)])
        else:
            self.caret = max(0, min(len(self.text(slot.id)), self.caret + step))

    def edge(self, end: int) -> None:
        """The caret to the start (-1) or the end (+1) of the text."""
        self.caret = 0 if end < 0 else len(self.text(self.focus))

    def insert(self, text: str) -> None:
        """Type or paste text; into a choice, its first letters or all of it."""
        slot = self._slot(self.focus)
        if slot is None or slot.part == "more":
            if text == " " and slot is not None:
                self._one_more(slot.field)
            return
        if slot.choices:
            self._choose(slot, text)
            return
        now = self.text(slot.id)
        before, after = now[: self.caret], now[self.caret :]
        # What is copied often brings a line's end along.
        new = clean(text if len(text) == 1 else text.strip(), 10 * MOST_CHARACTERS)
        new = new[: max(0, MOST_CHARACTERS - len(now))]
        self._put_text(slot, before + new + after)
        self.caret = len(before) + len(new)

    def delete(self, step: int) -> None:
        """Take away the character before (-1) or under (+1) the caret; of a choice, the choice."""
        slot = self._slot(self.focus)
        if slot is None:
            return
        if slot.choices:
            self._put_text(slot, "")
            return
        at = self.caret - 1 if step < 0 else self.caret
        text = self.text(slot.id)
        if 0 <= at < len(text):
            self._put_text(slot, text[:at] + text[at + 1 :])
            self.caret = at

    def clear(self) -> None:
        """Empty the line: the default holds."""
        slot = self._slot(self.focus)
        if slot is not None:
            self._put_text(slot, "")

    def finish(self) -> str | None:
        """What was asked for at the end: `save` or `test`; None while anything is wrong, and the focus goes there."""
        slot = self._slot(self.focus)
        if slot is not None:
            self._one_more(slot.field)
            return None
        self.wanted = ""
        if self.fixed:
            return None
        self.tried = True
        if self.problems:
            self._go_to_problem()
            return None
        self.wanted = self.focus
        return self.focus

    # Inside

    def _load(self) -> None:
        for field in self._fields:
            value = _get(self.table_before, field.path)
            if field.kind is Kind.SECRET:
                self._load_secret(field, value)
            elif field.kind is Kind.TABLES and field.model is not None:
                entries = value if isinstance(value, list) else []
                self._rows[field.key] = len(entries)
                for index, entry in enumerate(entries):
                    for inner in fields_of(field.model):
                        found = _get(entry, inner.path) if isinstance(entry, Mapping) else None
                        self.texts[_entry_id(field, index, inner)] = "" if found is None else typed(inner, found)
            else:
                self.texts[field.key] = "" if value is None else typed(field, value)
        self._first = dict(self.texts)

    def _load_secret(self, field: SettingField, value: Any) -> None:
        kind, target = "", ""
        if isinstance(value, str):
            kind = HERE
        elif isinstance(value, Mapping) and len(value) == 1:
            kind, target = (str(each) for each in next(iter(value.items())))
        self.texts[f"{field.key}@kind"] = kind if kind in SECRET_KINDS else ""
        self.texts[field.key] = target

    @property
    def _slots(self) -> list[Slot]:
        """The lines there are now: a secret has a second one when it is known where it is kept."""
        shape = (*self._rows.items(), *(key for key, text in self.texts.items() if text and key.endswith("@kind")))
        if self._made is None or self._made[0] != shape:
            self._made = (shape, self._make_slots())
        return self._made[1]

    def _make_slots(self) -> list[Slot]:
        found: list[Slot] = []
        for field in self._fields:
            section = ".".join(field.path[:-1])
            label = field.path[-1]
            if field.kind is Kind.SECRET:
                kind_id = f"{field.key}@kind"
                found.append(Slot(kind_id, label, field, Kind.CHOICE, SECRET_KINDS, section, "kind"))
                if self.text(kind_id):
                    found.append(Slot(field.key, "", field, Kind.TEXT, (), section, "value"))
            elif field.kind is Kind.TABLES and field.model is not None:
                for index in range(self._rows[field.key]):
                    found += [
                        _slot_of(inner, _entry_id(field, index, inner), f"{field.key}  {index + 1}")
                        for inner in fields_of(field.model)
                    ]
                found.append(Slot(f"{field.key}@more", label, field, Kind.TABLES, (), section, "more"))
            else:
                found.append(_slot_of(field, field.key, section))
        return found

    @property
    def _ids(self) -> list[str]:
        return [*(slot.id for slot in self._slots), *self._ends]

    @property
    def _at(self) -> int:
        ids = self._ids
        return ids.index(self.focus) if self.focus in ids else 0

    def _slot(self, slot_id: str) -> Slot | None:
        return next((slot for slot in self._slots if slot.id == slot_id), None)

    def _value(self, field: SettingField) -> Any:
        """What a field's lines mean; None: nothing is written."""
        before = _get(self.table_before, field.path)
        if field.kind is Kind.SECRET:
            return self._secret(field, before)
        if field.kind is Kind.TABLES and field.model is not None:
            return self._entries(field, before)
        text = self.text(field.key)
        if text == self._first.get(field.key):
            return before
        return meant(field, text) if text else None

    def _secret(self, field: SettingField, before: Any) -> Any:
        kind, text = self.text(f"{field.key}@kind"), self.text(field.key)
        if not kind:
            return None if self._first[f"{field.key}@kind"] else before
        if kind == HERE:
            return before if isinstance(before, str) and not text else text
        return {kind: text}

    def _entries(self, field: SettingField, before: Any) -> Any:
        assert field.model is not None
        inner_fields = fields_of(field.model)
        ids = [_entry_id(field, index, inner) for index in range(self._rows[field.key]) for inner in inner_fields]
        mine = {each: self.text(each) for each in ids}
        if mine == {key: text for key, text in self._first.items() if key.startswith(f"{field.key}[")}:
            return before
        entries = []
        for index in range(self._rows[field.key]):
            entry: dict[str, Any] = {}
            for inner in inner_fields:
                text = self.text(_entry_id(field, index, inner))
                if text:
                    _put(entry, inner.path, meant(inner, text), keep={})
            if entry:
                entries.append(entry)
        return entries or None

    def _line_of(self, place: Sequence[int | str], ids: set[str]) -> str:
        """The line a place inside the table is typed into; empty if there is none."""
        text = ""
        found = WHOLE
        filled = self._filled_entries()
        for part in place:
            if isinstance(part, int):
                rows = filled.get(text, [])
                text += f"[{rows[part] if part < len(rows) else part}]"
            else:
                text = f"{text}.{part}" if text else str(part)
            for candidate in (text, f"{text}@kind", f"{text}@more"):
                if candidate in ids:
                    found = candidate
                    break
        return found

    def _filled_entries(self) -> dict[str, list[int]]:
        """Which lines' entries are written, by list: empty ones are not."""
        return {
            key: [index for index in range(rows) if any(
                text for each, text in self.texts.items() if each.startswith(f"{key}[{index}]."))]
            for key, rows in self._rows.items()
        }  # fmt: skip

    def _one_more(self, field: SettingField) -> None:
        """Another entry of a list of tables; the focus goes to its first line."""
        if self.fixed or field.model is None:
            return
        index = self._rows[field.key]
        self._rows[field.key] = index + 1
        for inner in fields_of(field.model):
            self.texts[_entry_id(field, index, inner)] = ""
        self._go_to(_entry_id(field, index, fields_of(field.model)[0]))

    def _choose(self, slot: Slot, text: str) -> None:
        """Take the choice that begins with what was typed so far."""
        if text == " ":
            self.turn(1)
            return
        for so_far in (self._typed + text, text):
            wanted = clean(so_far, 60).strip().casefold()
            begin = [each for each in slot.choices if shown_choice(slot, each).casefold().startswith(wanted)]
            begin = begin or [each for each in slot.choices if each.casefold().startswith(wanted)]
            if wanted and begin:
                self._typed = so_far
                self._put_text(slot, begin[0])
                return

    def _put_text(self, slot: Slot, text: str) -> None:
        if self.fixed:
            return
        if slot.part == "kind" and text != self.text(slot.id):
            # A name of a variable is no path, and a secret is neither.
            self.texts[slot.field.key] = ""
        self.texts[slot.id] = text
        self.caret = min(self.caret, len(text))
        self._known = None

    def _go_to(self, slot_id: str) -> None:
        self.focus = slot_id
        self._typed = ""
        self.caret = len(self.text(slot_id))

    def _go_to_problem(self) -> None:
        first = next((each for each in self._ids if each in self.problems), None)
        if first is not None:
            self._go_to(first)

    def hidden(self, slot: Slot) -> bool:
        return slot.part == "value" and self.text(f"{slot.field.key}@kind") == HERE


def shown_choice(slot: Slot, value: str) -> str:
    """A choice in words."""
    if slot.part == "kind":
        return tr(KIND_WORDS[value])
    return {YES: tr("yes"), NO: tr("no")}.get(value, value)


def _slot_of(field: SettingField, slot_id: str, section: str) -> Slot:
    choices = (YES, NO) if field.kind is Kind.BOOL else field.choices if field.kind is Kind.CHOICE else ()
    return Slot(slot_id, field.path[-1], field, field.kind, choices, section)


def _entry_id(field: SettingField, index: int, inner: SettingField) -> str:
    return f"{field.key}[{index}].{inner.key}"


def _get(table: Any, path: Sequence[str]) -> Any:
    for key in path:
        if not isinstance(table, Mapping) or key not in table:
            return None
        table = table[key]
    return table


def _put(table: dict[str, Any], path: Sequence[str], value: Any, *, keep: Mapping[str, Any]) -> None:
    """Set a value, or take it out; a table inside that is empty stays only if it was there."""
    *above, key = path
    if not above:
        if value is None:
            table.pop(key, None)
        else:
            table[key] = value
        return
    inner = table.get(above[0])
    if not isinstance(inner, dict):
        if value is None:
            return
        inner = table[above[0]] = {}
    before = keep.get(above[0])
    _put(inner, path[1:], value, keep=before if isinstance(before, Mapping) else {})
    if not inner and before is None:
        del table[above[0]]
