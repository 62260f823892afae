"""Folders that a killed simulator left are taken away, and nothing else is."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from pathlib import Path

import pytest

from wattdeck.systems.span.simulated.folder import HELD, PREFIX, PrivateFolder, sweep


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The temporary directory."""
    found = tmp_path / "tmp"
    found.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(found))
    return found


def left_behind(place: Path, name: str = "gone", mode: int = 0o700) -> Path:
    """A folder as a process leaves it that was killed."""
    made = place / f"{PREFIX}{name}"
    made.mkdir(mode=mode)
    (made / HELD).touch()
    (made / "server.key").write_text("a key")
    return made


def test_what_nobody_holds_is_taken_away_and_what_is_held_stays(place: Path) -> None:
    left_behind(place)
    mine = PrivateFolder()
    (mine.path / "server.key").write_text("a key")
    sweep()
    assert list(place.iterdir()) == [mine.path] and (mine.path / "server.key").exists()
    mine.close()
    mine.close()
    assert not list(place.iterdir())


def test_a_link_is_not_followed(place: Path, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir(mode=0o700)
    (precious / HELD).touch()
    (precious / "file").write_text("kept")
    (place / f"{PREFIX}link").symlink_to(precious)
    inside = left_behind(place)
    (inside / "link").symlink_to(precious / "file")
    sweep()
    assert (precious / "file").read_text() == "kept" and (precious / HELD).exists()
    assert [each.name for each in place.iterdir()] == [f"{PREFIX}link"]


def test_what_is_not_as_we_make_it_is_left_alone(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for_all = left_behind(place, "for-all", 0o755)
    with_folder = left_behind(place, "with-a-folder")
    (with_folder / "below").mkdir()
    without = place / f"{PREFIX}without-a-lock"
    without.mkdir(mode=0o700)
    other = place / "somebody-else"
    other.mkdir(mode=0o700)
    (other / HELD).touch()
    (place / f"{PREFIX}file").touch()
    sweep()
    assert for_all.exists() and with_folder.exists() and without.exists() and (other / HELD).exists()
    strangers = left_behind(place, "strangers")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    sweep()
    assert (strangers / "server.key").exists()


def test_one_that_is_swept_before_it_is_held_is_made_anew(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    take = fcntl.flock
    quicker = iter([True])

    def taken_away_first(handle: int, how: int) -> None:
        if next(quicker, False):
            (found,) = place.iterdir()
            (found / HELD).unlink()
            found.rmdir()
        take(handle, how)

    monkeypatch.setattr(fcntl, "flock", taken_away_first)
    mine = PrivateFolder()
    assert (mine.path / HELD).exists()
    mine.close()


def test_without_locks_a_folder_is_made_and_none_is_swept(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(handle: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    mine = PrivateFolder()
    sweep()
    assert (mine.path / HELD).exists()
    mine.close()
    assert not list(place.iterdir())
