"""A configuration that is changed and written: what was not meant stays, comments above all."""

from __future__ import annotations

import copy
import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deck_app import HandClock
from wattdeck.core.errors import ConfigError
from wattdeck.core.settings import load_settings
from wattdeck.core.settings_file import ChangedMeanwhile, SettingsFile
from wattdeck.core.toml_edit import UnusualTextError, comments, edited, same, table_lines
from wattdeck.discovery import discover

SYSTEMS = discover()
EXAMPLE = (Path(__file__).parents[2] / "config.example.toml").read_text(encoding="utf-8")
HOME: dict[str, Any] = {"name": "home", "host": "192.168.1.100"}
TEXT = """\
# mine
[ui]
theme = "wattdeck-dark"  # for the night

# the house
[[span]]
name = "home"
host = "192.168.1.100" # in the cellar
# poll_s = 15.0
solar_tabs = [
  30, # left
  32,
]

[span.safety]
motors = ["Pump"]  # cellar

# the shop
[[span]]
name = "shop"
host = "shop.local"
"""


def file_of(folder: Path, text: str | None = TEXT) -> SettingsFile:
    path = folder / "config.toml"
    if text is not None:
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
    return SettingsFile(path, SYSTEMS)


def test_a_changed_value_changes_its_line_alone(tmp_path: Path) -> None:
    file = file_of(tmp_path)
    table = file.sources("span")[0]
    table["host"] = 'ho"st'
    table["poll_s"] = 30.0
    del table["safety"]["motors"]
    table["safety"]["motor_rest_s"] = 60.0
    change = file.with_source("span", 0, table)
    lines = TEXT.splitlines()
    lines[lines.index('host = "192.168.1.100" # in the cellar')] = 'host = "ho\\"st"  # in the cellar'
    lines.insert(lines.index("# poll_s = 15.0") + 1, "poll_s = 30.0")
    lines[lines.index('motors = ["Pump"]  # cellar')] = "motor_rest_s = 60.0"
    assert sorted(change.text.splitlines()) == sorted(lines) and change.comments_lost == 1
    assert [each.place for each in change.problems] == [("span", 0, "host")]


def test_sources_come_last_and_go_whole(tmp_path: Path) -> None:
    file = file_of(tmp_path)
    more = file.with_source(
        "span", None, {"name": "barn", "host": "barn", "safety": {"motors": ["a"], "motor_rest_s": 1.0}}
    )
    assert more.text.startswith(TEXT) and more.comments_lost == 0 and not more.problems
    fewer = file.without_source("span", 0)
    assert tomllib.loads(fewer.text)["span"] == [{"name": "shop", "host": "shop.local"}]
    assert "# the shop" in fewer.text and "# the house" in fewer.text and fewer.comments_lost == 4
    file.write(fewer, HandClock())
    last = file.without_source("span", 0)
    assert "span" not in tomllib.loads(last.text) and "# mine" in last.text


def test_a_first_source_makes_a_private_file(tmp_path: Path) -> None:
    file = SettingsFile(tmp_path / "new" / "config.toml", SYSTEMS)
    assert not file.exists
    assert file.write(file.with_source("span", None, HOME), HandClock()) is None
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert list(load_settings(file.path, SYSTEMS).by_id) == ["span/home"]


@pytest.mark.parametrize(
    "text",
    [
        'span = [{ name = "home", host = "a" }]  # short\n',
        '[[span]]\n"na\\u006de" = "home"\nhost = "a"\n# lost\n',
        '[[span]]\nname = "home"\nhost = "a"\n# lost\nsafety.motors = ["x"]\n[[span.safety.lockouts]]\ncircuit = "a"\n'
        'reason = "r"\nowner = "o"\nsince = 2026-01-01\n',
    ],
)
def test_a_text_too_unusual_to_edit_is_written_anew_and_says_what_is_lost(tmp_path: Path, text: str) -> None:
    file = file_of(tmp_path, text)
    table = file.sources("span")[0]
    table |= {"name": "other", "safety": {"motor_rest_s": 3.0, "lockouts": []}}
    change = file.with_source("span", 0, table)
    assert same(tomllib.loads(change.text)["span"], [table])
    if "#" in text and "#" not in change.text:
        assert change.comments_lost
        kept = file.write(change, HandClock())
        assert kept is not None and kept.read_text() == text and stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert kept.name == "config.toml.bak-20261120-113000"


def test_nothing_is_written_while_anything_is_wrong(tmp_path: Path) -> None:
    file = file_of(tmp_path)
    change = file.with_source("span", None, {"name": "HOME", "host": "http://x", "port": 0, "colour": 1})
    assert {each.place for each in change.problems} == {
        ("span", 2, "name"), ("span", 2, "host"), ("span", 2, "port"), ("span", 2, "colour"),
    }  # fmt: skip
    assert next(each for each in change.problems if each.place[-1] == "port").reason == "must be at least 1, not 0"
    with pytest.raises(ConfigError):
        file.write(change, HandClock())
    assert file.path.read_text() == TEXT


def test_a_file_changed_meanwhile_is_left_alone(tmp_path: Path) -> None:
    file = file_of(tmp_path)
    change = file.with_table("ui", {"theme": "wattdeck-light"})
    file.path.write_text(TEXT + "# hello\n")
    with pytest.raises(ChangedMeanwhile):
        file.write(change, HandClock())
    assert file.path.read_text() == TEXT + "# hello\n"
    file.path.unlink()
    with pytest.raises(ChangedMeanwhile):
        file.write(change, HandClock())


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = file_of(tmp_path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match="No space left on device"):
        file.write(file.with_table("ui", {}), HandClock())
    assert file.path.read_text() == TEXT and [each.name for each in tmp_path.iterdir()] == ["config.toml"]


def test_windows_line_ends_stay(tmp_path: Path) -> None:
    text = TEXT.replace("\n", "\r\n")
    table = tomllib.loads(text)["span"][1] | {"port": 81}
    new = copy.deepcopy(tomllib.loads(text))
    new["span"][1] = table
    assert edited(text, tomllib.loads(text), new) == text + "port = 81\r\n"


def test_the_example_loses_nothing(tmp_path: Path) -> None:
    file = file_of(tmp_path, EXAMPLE)
    table = file.sources("span")[0] | {"control": True, "safety": {"motors": ["Pump"]}}
    change = file.with_source("span", 0, table)
    assert change.comments_lost == 0 and not change.problems
    assert "# control = false\ncontrol = true\n" in change.text and 'safety.motors = ["Pump"]' in change.text
    assert len(change.text.splitlines()) == len(EXAMPLE.splitlines()) + 2


def test_a_value_with_hashes_is_no_comment() -> None:
    text = 'a = "x # y"  # z "#"\n'
    assert comments(text) == ['# z "#"'] and edited(text, {"a": "x # y"}, {"a": "#"}) == 'a = "#"  # z "#"\n'


SCALARS = st.one_of(st.booleans(), st.integers(-(2**60), 2**60), st.floats(-1e9, 1e9, allow_nan=False),
                    st.text(st.characters(codec="utf-8"), max_size=12), st.dates())  # fmt: skip
KEYS = st.sampled_from(["name", "host", "a b", "x.y", 'q"', "ünï", "safety", "keys"])
INNER = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(KEYS, SCALARS, max_size=3))
TABLES = st.dictionaries(KEYS, INNER, max_size=5)
LISTS = st.lists(TABLES, min_size=1, max_size=3)
DOCUMENTS = st.fixed_dictionaries({}, optional={"ui": TABLES, "span": LISTS, "usms": LISTS})


@given(DOCUMENTS, DOCUMENTS)
def test_an_edit_means_what_was_meant_or_says_that_it_cannot(old: dict[str, Any], new: dict[str, Any]) -> None:
    lines = ["# top"]
    if "ui" in old:
        lines += table_lines("ui", old["ui"])
        lines[1] = "[ui]"
    for name in ("span", "usms"):
        for table in old.get(name, ()):
            lines += [f"# a {name}", *table_lines(name, table), "# after"]
    text = "\n".join(lines) + "\n"
    assert same(tomllib.loads(text), old)
    try:
        reached = edited(text, old, new)
    except UnusualTextError:
        return
    assert same(tomllib.loads(reached), new) and "# top" in reached
