"""`wattdeck record` and `wattdeck replay` from the shell: words, exit codes, signals, and a writer that is killed."""

from __future__ import annotations

import gzip
import signal
import stat
import subprocess
import time
from pathlib import Path

import pytest

from forked import Forked
from wattdeck.cli import run
from wattdeck.core.recorded import Recording
from wattdeck.core.recording import microseconds
from wattdeck.core.replaytime import read_place
from wattdeck.shell.words import parse_duration, parse_time

pytestmark = pytest.mark.usefixtures("deck_home")

FIRST, LAST = microseconds(parse_time("2026-11-20T23:00:00Z")), microseconds(parse_time("2026-11-22T01:00:00Z"))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell looks often whether it is to stop."""
    monkeypatch.setattr("wattdeck.shell.record.LOOK_S", 0.01)


@pytest.mark.usefixtures("quick")
def test_a_recording_of_the_demo_is_private_and_says_what_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    path = Path("a.jsonl.gz")
    assert run(["record", str(path), "span/home", "--demo", "--for", "0.5s"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "recording span/home into a.jsonl.gz" in said.err and "names and addresses whole" in said.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    recording = Recording(path)
    assert recording.feeds == [("span/home", "panel")] and len(recording) >= 1 and not recording.torn
    recording.close()
    before = path.read_bytes()
    assert run(["record", str(path), "--demo", "--for", "0.5s"]) == 2
    assert "--force" in capsys.readouterr().err and path.read_bytes() == before
    assert run(["record", str(path), "span/home", "--demo", "--for", "0.5s", "--append"]) == 0
    assert len(gzip.decompress(path.read_bytes())) > len(gzip.decompress(before))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["record", "a.jsonl.gz"], "no configuration"),
        (["record", "a.jsonl.gz", "--demo", "--for", "soon"], "'soon' is no duration"),
        (["record", "a.jsonl.gz", "--demo", "--for", "0s"], "'0s' is no duration"),
        (["record", "a.jsonl.gz", "--demo", "--force", "--append"], "give one of them"),
        (["record", "a.jsonl.gz", "span/nowhere", "--demo"], "no source 'span/nowhere'"),
        (["record", "missing/a.jsonl.gz", "--demo"], "no recording can be made there"),
        (["replay", "missing.jsonl.gz"], "missing.jsonl.gz: cannot be read"),
        (["replay", "notes.txt"], "no recording that wattdeck can read"),
        (["replay", "notes.txt", "--screen", "nowhere"], "no screen 'nowhere'"),
    ],
)
def test_what_cannot_be_done_is_said_and_no_file_is_left(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("notes.txt").write_text("buy milk")
    assert run(arguments) == 2
    assert words in capsys.readouterr().err
    assert sorted(path.name for path in Path().iterdir()) == ["notes.txt"]


def started(*arguments: str) -> Forked:
    """`wattdeck record` in a process of its own."""
    return Forked("record", *arguments, stderr=subprocess.PIPE)


def has_readings(path: Path, count: int) -> bool:
    """Whether a recording that is being written has so many readings."""
    try:
        recording = Recording(path)
    except Exception:
        return False
    recording.close()
    return len(recording) >= count


def await_readings(path: Path, process: Forked, count: int) -> None:
    for _ in range(3000):
        if has_readings(path, count):
            return
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        time.sleep(0.01)
    raise AssertionError("nothing was recorded")


def test_a_recording_survives_that_its_writer_is_killed() -> None:
    path = Path("a.jsonl.gz")
    with started(str(path), "--demo") as process:
        await_readings(path, process, 8)
        process.send_signal(signal.SIGKILL)
    recording = Recording(path)
    assert len(recording) >= 8 and recording.unread == 0 and recording.torn
    assert "the end is missing" in recording.problems()[0]
    assert all(recording.line(number).endswith(b"}") for number in range(len(recording)))
    before = len(recording)
    recording.close()
    with started(str(path), "--demo", "--append") as process:
        await_readings(path, process, before + 3)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait(20) == 0 and "readings in a.jsonl.gz" in said
    assert gzip.decompress(path.read_bytes()).count(b'"schema"') == 2, "it ended well, and holds both"


# Times and durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("1.5", 1.5), ("15m", 900), ("8h", 28800), ("1h30m", 5400), ("1d", 86400)],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("2026-11-21T10:00:00Z", "2026-11-21T10:00:00Z"),
        ("2026-11-21 10:00", "2026-11-21T10:00:00Z"),
        ("2026-11-20T23:00:00Z", "2026-11-20T23:00:00Z"),
        ("90", "2026-11-20T23:01:30Z"),
        ("1h30m", "2026-11-21T00:30:00Z"),
        ("1d", "2026-11-21T23:00:00Z"),
        ("+10m", "2026-11-21T12:10:00Z"),
        ("-2h", "2026-11-21T10:00:00Z"),
        ("14:05", "2026-11-21T14:05:00Z"),
        ("23:30:15", "2026-11-21T23:30:15Z"),
    ],
)
def test_places_in_a_recording(text: str, place: str) -> None:
    now_us = microseconds(parse_time("2026-11-21T12:00:00Z"))
    assert read_place(text, FIRST, LAST, now_us) == microseconds(parse_time(place))


def test_a_time_of_day_is_looked_for_on_all_days_of_the_recording() -> None:
    assert read_place("00:30", FIRST, LAST) == microseconds(parse_time("2026-11-21T00:30:00Z"))


@pytest.mark.parametrize(
    "text",
    ["", "soon", "+", "-5m", "25:00", "12:61", "3d", "2026-11-19T00:00", "1e9", "nan", "9" * 50, "2026-99-99T00:00"],
)
def test_what_is_no_place_is_refused_with_words(text: str) -> None:
    with pytest.raises(Exception, match=r"no place in a recording|outside of the recording"):
        read_place(text, FIRST, LAST)
