"""A table of settings typed into: every line can be reached, and what is typed is what is meant."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from wattdeck.core.config import SINGLE_TABLES
from wattdeck.core.lines import line_width, plain
from wattdeck.core.settings import problems_of
from wattdeck.core.settings_fields import Kind, SettingField, fields_of, typed
from wattdeck.core.settings_file import SettingsFile
from wattdeck.core.units import ASCII, UNICODE
from wattdeck.discovery import discover
from wattdeck.ui.settings_entry import SettingsEntry
from wattdeck.ui.settings_texts import HERE, SAVE

SYSTEMS = discover()
MODELS: dict[str, type[BaseModel]] = dict(SINGLE_TABLES)
MODELS |= {name: system.config_model() for name, system in SYSTEMS.items()}
HERE_PATH = Path("/etc/wattdeck/config.toml")


def entry_of(name: str, table: dict[str, Any] | None = None, **options: Any) -> SettingsEntry:
    model = MODELS[name]
    return SettingsEntry(fields_of(model), table or {}, lambda found: problems_of(model, found, HERE_PATH), **options)


def go_to(entry: SettingsEntry, slot_id: str) -> None:
    ids = entry._ids
    entry.move(ids.index(slot_id) - ids.index(entry.focus))


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("name", MODELS)
def test_every_line_can_be_reached_and_fits(name: str, width: int) -> None:
    entry = entry_of(name)
    labels = {field.path[-1] for field in fields_of(MODELS[name])}
    seen = set()
    for marks in (UNICODE, ASCII):
        while True:
            lines = entry.lines(width - 2, 15, marks)
            assert all(line_width(line) <= width - 2 for line in (*lines, *entry.foot(width - 2)))
            focused = next(line for line in plain(lines).split("\n") if line.startswith(marks.cursor))
            seen.add(focused.removeprefix(marks.cursor).replace(marks.pending, " ").split()[0])
            if entry.focus == SAVE:
                break
            entry.move(1)
        entry.move(-100)
    assert labels <= seen


VALUES: dict[Kind, Any] = {
    Kind.TEXT: st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20),
    Kind.WHOLE: st.integers(-(10**9), 10**9),
    Kind.NUMBER: st.floats(-1e6, 1e6, allow_nan=False).map(lambda value: round(value, 3)),
    Kind.BOOL: st.booleans(),
    Kind.DATE: st.dates(),
}


def value_for(field: SettingField) -> Any:
    if field.kind is Kind.LIST:
        return st.lists(VALUES.get(field.items, st.just("x")), max_size=3)
    if field.kind is Kind.MAP:
        inner = st.sampled_from(field.choices) if field.choices else VALUES[field.items]
        return st.dictionaries(VALUES[Kind.TEXT], inner, max_size=3)
    if field.kind is Kind.CHOICE:
        words = {"true": True, "false": False} if field.items is Kind.BOOL else {}
        return st.sampled_from([words.get(choice, choice) for choice in field.choices])
    return VALUES[field.kind]


@pytest.mark.parametrize("name", MODELS)
@given(data=st.data())
def test_what_is_typed_into_any_line_is_what_the_table_says(name: str, data: Any) -> None:
    entry = entry_of(name)
    fields = [each for each in fields_of(MODELS[name]) if each.kind not in (Kind.SECRET, Kind.TABLES)]
    wanted: dict[str, Any] = {}
    for field in data.draw(st.lists(st.sampled_from(fields), max_size=4, unique_by=lambda each: each.key)):
        value = data.draw(value_for(field))
        text = typed(field, value)
        go_to(entry, field.key)
        entry.insert(text)
        if field.kind is Kind.TEXT and field.choices and text in ("true", "false"):
            value = text == "true"
        inner = wanted
        for key in field.path[:-1]:
            inner = inner.setdefault(key, {})
        inner[field.path[-1]] = value
    assert entry.table == wanted


def test_a_table_of_the_file_that_nobody_touches_stays_as_it_is() -> None:
    lockout = {"circuit": "a", "reason": "r", "owner": "o", "since": date(2026, 1, 2)}
    table = {"name": "home", "host": "h", "poll_s": 30, "token": "old", "odd": {"a": 1}, "solar_tabs": [30, 32],
             "safety": {"lockouts": [lockout]}}  # fmt: skip
    entry = entry_of("span", table)
    assert entry.table == table and not entry.changed
    assert entry.problems == {"": 'unknown key "odd"'}
    go_to(entry, "poll_s")
    entry.clear()
    assert entry.table == {key: value for key, value in table.items() if key != "poll_s"} and entry.changed


def test_an_entry_of_a_list_of_tables_is_added_filled_and_emptied() -> None:
    entry = entry_of("span", {"name": "home", "host": "h"})
    go_to(entry, "safety.lockouts@more")
    assert entry.at_end
    entry.insert(" ")
    assert entry.focus == "safety.lockouts[0].circuit" and "safety" not in entry.table
    for text in ("abc", "wet", "Ana"):
        entry.insert(text)
        entry.move(1)
    assert "safety.lockouts[0].since" in entry.problems
    entry.insert("2026-01-31")
    assert entry.problems == {}
    assert entry.table["safety"] == {
        "lockouts": [{"circuit": "abc", "reason": "wet", "owner": "Ana", "since": date(2026, 1, 31)}]
    }
    go_to(entry, "safety.lockouts@more")
    assert entry.finish() is None and entry.focus == "safety.lockouts[1].circuit"
    entry.insert("second")
    assert set(entry.problems) == {f"safety.lockouts[1].{key}" for key in ("reason", "owner", "since")}
    for key in ("circuit", "reason", "owner", "since"):
        go_to(entry, f"safety.lockouts[0].{key}")
        entry.clear()
    assert entry.table["safety"] == {"lockouts": [{"circuit": "second"}]}
    assert "safety.lockouts[1].reason" in entry.problems


def test_a_plain_secret_is_kept_replaced_or_taken_out_and_never_drawn() -> None:
    entry = entry_of("span", {"name": "home", "host": "h", "token": "old-secret"})
    assert (entry.text("token@kind"), entry.text("token")) == (HERE, "")
    go_to(entry, "token")
    assert entry.table["token"] == "old-secret"
    entry.insert("new-secret\n")
    picture = plain(entry.lines(78, 40)) + plain(entry.foot(78))
    assert "secret" not in picture.replace("secret-", "") or "new-secret" not in picture
    assert entry.table["token"] == "new-secret" and entry.typed_secrets() == ["new-secret"]
    go_to(entry, "token@kind")
    entry.delete(-1)
    assert "token" not in entry.table
    entry.insert("env")
    go_to(entry, "token")
    entry.insert("SPAN_TOKEN")
    assert entry.table["token"] == {"env": "SPAN_TOKEN"}


def test_a_secret_that_is_needed_is_asked_for() -> None:
    entry = entry_of("aneel", {"name": "a", "url": "https://a.example"})
    go_to(entry, SAVE)
    assert entry.finish() is None and entry.focus == "key@kind"


def test_other_problems_of_the_file_are_said_for_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[[span]]\nname = "a"\nhost = 5\n')
    file = SettingsFile(path, SYSTEMS)
    change = file.with_source("span", None, {"name": "b", "host": "b"})
    assert [each.place for each in change.problems] == [("span", 0, "host")]
    assert tomllib.loads(change.text)["span"][1] == {"name": "b", "host": "b"}


def test_a_fixed_table_takes_nothing() -> None:
    entry = entry_of("span", {"name": "home", "host": "h"}, fixed=True)
    entry.insert("x")
    go_to(entry, "control")
    entry.turn(1)
    go_to(entry, "safety.lockouts@more")
    entry.insert(" ")
    go_to(entry, SAVE)
    assert entry.finish() is None and entry.table == {"name": "home", "host": "h"}
