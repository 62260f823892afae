"""What was last known: kept privately, read back as kept, and no broken file ever stops a start."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from test_codec import PANEL, as_before_v2

from fakes import START
from wattdeck.core import lastknown
from wattdeck.core.reading import Link, Reading
from wattdeck.systems.span import SYSTEM as SPAN
from wattdeck.systems.span.models import PanelSnapshot

READING = Reading("span/home", "panel", PANEL, Link.LIVE, START, good_polls=9, interval_s=1.0)
FILE = Path("last") / "span.home.panel.json"


def load(state_dir: Path) -> Reading[Any] | None:
    return lastknown.load(state_dir, "span/home", "panel", PanelSnapshot)


def test_a_reading_comes_back_waiting_and_marked_as_kept(tmp_path: Path) -> None:
    lastknown.save(tmp_path, READING)
    assert load(tmp_path) == Reading("span/home", "panel", PANEL, taken_at=START, restored=True)


def test_what_was_kept_before_v2_still_fills_the_first_frame(tmp_path: Path) -> None:
    lastknown.save(tmp_path, READING)
    document = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps({**document, "data": as_before_v2(PANEL)}))
    assert load(tmp_path) == Reading("span/home", "panel", PANEL, taken_at=START, restored=True)


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    lastknown.save(tmp_path, READING)
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "last").stat().st_mode) == 0o700


def test_nothing_is_kept_of_a_source_that_never_answered(tmp_path: Path) -> None:
    lastknown.save(tmp_path, Reading("span/home", "panel"))
    assert not (tmp_path / "last").exists() and load(tmp_path) is None


def test_the_newest_one_takes_the_place_of_the_one_before_and_leaves_no_other_file(tmp_path: Path) -> None:
    lastknown.save(tmp_path, READING)
    lastknown.save(tmp_path, replace(READING, snapshot=replace(PANEL, serial="nt-2")))
    found = load(tmp_path)
    assert found is not None and found.snapshot is not None and found.snapshot.serial == "nt-2"
    assert [path.name for path in (tmp_path / "last").iterdir()] == [FILE.name]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '{"source": "span/home"}',
        '{"taken_at": "2026-11-20T17:00:00Z", "data": {}}',
        '{"taken_at": "2026-11-20T17:00:00Z", "data": {"serial": 1}}',
        "\x00\x01",
        '"\udcff"',
    ],
)
def test_a_file_that_cannot_be_understood_is_as_good_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "last").mkdir()
    (tmp_path / FILE).write_text(content, encoding="utf-8", errors="surrogateescape")
    assert load(tmp_path) is None


@pytest.mark.parametrize("taken_at", [None, 7, "yesterday", "2026-11-20T17:00:00"])
def test_a_reading_without_a_time_is_as_good_as_none(tmp_path: Path, taken_at: Any) -> None:
    lastknown.save(tmp_path, READING)
    document = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps({**document, "taken_at": taken_at}))
    assert load(tmp_path) is None


def test_a_file_of_absurd_size_is_not_read(tmp_path: Path) -> None:
    lastknown.save(tmp_path, READING)
    with (tmp_path / FILE).open("ab") as stream:
        stream.truncate(lastknown.MAX_BYTES + 1)
    assert load(tmp_path) is None


def test_a_disk_that_takes_nothing_is_no_error_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json, "dumps", full)
    lastknown.save(tmp_path, READING)
    assert list((tmp_path / "last").iterdir()) == []


def test_all_that_is_kept_is_found_without_the_configuration(tmp_path: Path) -> None:
    lastknown.save(tmp_path, READING)
    lastknown.save(tmp_path, replace(READING, source="span/shop.2"))
    for name in ("gone.home.panel.json", "span.home.weather.json", "span.json", "x.json"):
        (tmp_path / "last" / name).write_text("{}")
    found = lastknown.load_all(tmp_path, {"span": SPAN})
    assert [reading.source for reading in found] == ["span/home", "span/shop.2"]
    assert all(reading.restored for reading in found)
    assert lastknown.load_all(tmp_path / "nowhere", {"span": SPAN}) == []
