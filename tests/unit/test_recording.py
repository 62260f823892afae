"""Recordings on the disk: what goes in comes out, whatever happened to the file on the way."""

from __future__ import annotations

import errno
import gzip
import json
import os
import stat
import zlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wattdeck.core.continued import open_again
from wattdeck.core.reading import Link, Reading
from wattdeck.core.recorded import Recording, _Scan
from wattdeck.core.recorder import Recorder, RecordingFile, open_new
from wattdeck.core.recording import (
    MAX_LINE_BYTES,
    SCHEMA,
    Header,
    NoRecording,
    change_between,
    changed,
    microseconds,
    parsed,
    reading_of,
    same,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOME, SHOP = ("span/home", "panel"), ("span/shop", "panel")
PLAIN = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=8)
DOCUMENTS = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=5)
)
MOMENTS = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
READINGS = st.builds(
    Reading,
    source=st.sampled_from([HOME[0], SHOP[0]]),
    feed=st.just("panel"),
    snapshot=DOCUMENTS,
    link=st.sampled_from(Link),
    taken_at=st.none() | MOMENTS,
    problem=st.text(max_size=20),
    good_polls=st.integers(0, 10**6),
    failures=st.integers(0, 10**6),
    next_poll_at=st.none() | MOMENTS,
    interval_s=st.floats(0, 1e6),
    restored=st.booleans(),
)


def record(path: Path, readings: list[Reading[Any]], *, end: bool = True, again: bool = False) -> RecordingFile:
    """A recording of readings a second apart."""
    file = RecordingFile(open_again(path) if again else open_new(path, force=True), Header((HOME, SHOP)))
    file.begin(NOON)
    for at, reading in enumerate(readings):
        file.add(NOON + timedelta(seconds=at), reading)
    if end:
        file.end()
    return file


def played(path: Path) -> list[Reading[Any]]:
    """The readings of a recording, put together from whole data and changes."""
    recording = Recording(path)
    data: dict[tuple[str, str], Any] = {}
    out = []
    for number in range(len(recording)):
        feed = recording.feed(number)
        document = parsed(recording.line(number))
        data[feed] = document["data"] if "data" in document else changed(data[feed], document.get("change", {}))
        out.append(replace(reading_of(feed, document), snapshot=data[feed]))
    recording.close()
    return out


def counted(count: int, **more: Any) -> list[Reading[Any]]:
    """Readings of a panel that counts."""
    return [
        Reading(*HOME, snapshot={"power_w": number / 7, "rows": [number, {"deep": number // 3}], "name": "é\x1b"},
                link=Link.LIVE, taken_at=NOON + timedelta(seconds=number), good_polls=number + 1, **more)
        for number in range(count)
    ]  # fmt: skip


# Changes


@given(DOCUMENTS, DOCUMENTS)
@example({"a": 1}, {"a": 1.0})
@example({"a": 0.0}, {"a": -0.0})
@example([1, 2, 3], [1])
@example({"a": [], "#": 2}, {"a": {}, "#": [3]})
@example([True], [1])
def test_a_change_turns_one_document_into_the_other(before: Any, after: Any) -> None:
    change = json.loads(json.dumps(change_between(before, after)))
    kept = json.dumps(before)
    assert same(changed(before, change), after)
    assert json.dumps(before) == kept, "what was before has been changed"


def test_equal_documents_differ_by_nothing() -> None:
    assert change_between({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}) == {}


@pytest.mark.parametrize(
    "change",
    [{"#": 10**9}, {"#": -1}, {"#": True}, {"#": "1"}, {"7": 1}, {"x": 1}, {"٣": 1}, [1, 2], {"0": {"deep": 1}}],
    ids=str,
)
def test_a_change_that_does_not_fit_is_an_error_not_a_crash(change: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        changed([1, 2], change)


# The file


@given(st.lists(READINGS, max_size=12))
@settings(max_examples=60)
def test_any_readings_come_back_as_they_were(tmp_path_factory: pytest.TempPathFactory, readings: list[Any]) -> None:
    path = tmp_path_factory.mktemp("recording") / "a.jsonl.gz"
    record(path, readings)
    found = played(path)
    assert len(found) == len(readings)
    for one, other in zip(found, readings, strict=True):
        assert same(one.snapshot, other.snapshot)
        assert replace(one, snapshot=None) == replace(other, snapshot=None)


def test_the_file_is_gzip_of_json_lines_as_documented_and_private(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    record(path, counted(3))
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    assert lines[0] == {"mark": 10}
    assert (lines[1]["schema"], lines[1]["feeds"]) == (SCHEMA, [list(HOME), list(SHOP)])
    assert [line["i"] for line in lines[2:]] == [0, 1, 2]
    assert lines[3]["change"] == {"power_w": 1 / 7, "rows": {"0": 1}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_many_blocks_are_entered_at_their_marks(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    noise = [os.urandom(20_000).hex() for _ in range(60)]
    readings = [replace(each, snapshot=noise[at]) for at, each in enumerate(counted(60))]
    record(path, readings)
    recording = Recording(path)
    assert len(recording._marks) > 5
    for number in (59, 0, 31, 17, 58):
        assert parsed(recording.line(number)) != {} and noise[number] in recording.line(number).decode()
    assert len(recording._kept) <= 4
    recording.close()


def test_cut_off_anywhere_a_recording_loses_its_end_and_nothing_else(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.jsonl.gz", tmp_path / "cut.jsonl.gz"
    readings = counted(8)
    record(whole, readings)
    data = whole.read_bytes()
    ends = [at + 4 for at in range(len(data)) if data[at : at + 4] == b"\x00\x00\xff\xff"]
    assert len(ends) >= 9, "each line is flushed"
    for size in range(len(data)):
        cut.write_bytes(data[:size])
        complete = sum(end <= size for end in ends) - 1
        if complete < 0 and size < ends[0] - 12:
            with pytest.raises(NoRecording):
                Recording(cut)
        if size < ends[0]:
            continue
        # What ends a flush adds no text: a line may be known before its last byte is there.
        recording = Recording(cut)
        assert complete <= len(recording) <= complete + 1
        assert recording.torn
        recording.close()
        assert played(cut) == readings[: len(recording)]


@pytest.mark.parametrize("lost", [1, 3, 8, 9, 20, 60])
def test_a_torn_recording_is_mended_and_continued(tmp_path: Path, lost: int) -> None:
    path = tmp_path / "a.jsonl.gz"
    record(path, counted(20))
    path.write_bytes(path.read_bytes()[:-lost])
    path.chmod(0o644)
    before = played(path)
    record(path, counted(3), again=True)
    assert len(gzip.decompress(path.read_bytes()).splitlines()) == len(before) + 3 + 4, "gzip tools read all of it"
    assert played(path) == [*before, *counted(3)]
    recording = Recording(path)
    assert (recording.problems(), len(recording.headers)) == ([], 2)
    recording.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_is_read_while_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    file = record(path, counted(5), end=False)
    recording = Recording(path)
    assert (len(recording), recording.torn) == (5, True)
    for at, reading in enumerate(counted(400)):
        file.add(NOON + timedelta(seconds=10 + at), replace(reading, snapshot=os.urandom(2000).hex()))
        if at % 50 == 49:
            assert recording.grow() == 50
            assert b'"at"' in recording.line(len(recording) - 1)
    file.end()
    assert (recording.grow(), len(recording), recording.torn) == (0, 405, False)
    recording.close()


def test_a_clock_set_back_does_not_disorder_the_index(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    file = RecordingFile(open_new(path), Header((HOME,)))
    file.begin(NOON)
    for second in (0, 5, 2, 6):
        file.add(NOON + timedelta(seconds=second), counted(1)[0])
    file.end()
    recording = Recording(path)
    assert [at - microseconds(NOON) for at in recording.times_us] == [0, 5_000_000, 5_000_000, 6_000_000]
    recording.close()


# Files that are no recordings, or were made to harm


def written(path: Path, *lines: bytes) -> Path:
    """A file with these lines after a right beginning."""
    header = Header((HOME,)).line(NOON)
    path.write_bytes(gzip.compress(b'{"mark":10}\n' + header + b"".join(line + b"\n" for line in lines), mtime=0))
    return path


GOOD = b'{"at":"2026-11-20T12:00:00.000000Z","of":0,"i":%d,"link":"live","every":1.0,"data":{"power_w":1}}'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty or no gzip"),
        (b"hello", "empty or no gzip"),
        (gzip.compress(b""), "empty or no gzip"),
        (gzip.compress(b"hello\nworld\nagain\n"), "line 1"),
        (gzip.compress(b'{"mark": 10}\n{"schema": "wattdeck.recording/7"}\n'), "wattdeck.recording/7"),
        (gzip.compress(b'{"schema": "wattdeck.recording/1", "feeds": 7}\n'), "line 1: `feeds`"),
        (gzip.compress(b'{"schema":"wattdeck.recording/1","sources":{},"feeds":[["../../etc","x"]]}\n'), "no source"),
        (gzip.compress(b'{"schema": ["wattdeck"], "feeds": []}\n'), SCHEMA),
        (gzip.compress(b"[" * 100_000 + b"\n"), "line 1: nested too deep"),
        (
            gzip.compress(b'{"schema":"wattdeck.recording/1","sources":{},"feeds":[["span/\\u202ehome","panel"]]}\n'),
            "shown",
        ),
        (
            gzip.compress(b'{"schema":"wattdeck.recording/1","sources":{},"feeds":[["span/\\ud800","panel"]]}\n'),
            "shown",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_recording_is_refused_with_the_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(NoRecording, match=words) as caught:
        Recording(path)
    assert str(path) in str(caught.value) and "wattdeck record" in str(caught.value)


@pytest.mark.parametrize(
    "bad",
    [
        b"not json",
        b'{"at": "yesterday", "of": 0, "i": 0, "link": "live"}',
        b'{"at": "2026-11-20T12:00:00Z", "of": -1, "i": 0, "link": "live"}',
        b'{"at":"2026-11-20T12:00:00.000000Z","of":9,"i":0,"link":"live"}',
        b'{"at":"2026-11-20T12:00:00.000000Z","of":0,"i":7,"link":"live","change":{}}',
        b'{"at":"2026-99-20T12:00:00.000000Z","of":0,"i":0,"link":"live"}',
        b'{"at":"2026-11-20T12:00:00.000000Z","of":0,"i":0,"link":"weird"}',
        b'{"mark": 99999999999}',
        b'{"mark": 5}',
        b'{"schema": "wattdeck.recording/2"}',
        b"[" * 50_000,
        b"\xff\xfe\x00",
        b'{"at":"9999-12-31T23:59:59.999999Z","of":0,"i":0,"link":"live"}',
        b'{"at":"0001-01-01T00:00:00.000000Z","of":0,"i":0,"link":"live"}',
        b"x" * (MAX_LINE_BYTES + 10),
    ],
    ids=lambda bad: bad[:60].decode("latin-1"),
)
def test_a_bad_line_is_passed_over_and_said(tmp_path: Path, bad: bytes) -> None:
    recording = Recording(written(tmp_path / "a.jsonl.gz", GOOD % 0, bad, GOOD % 0))
    assert len(recording) == 2
    assert recording.unread == 1 and "line 4" in recording.problems()[0]
    recording.close()


def test_lines_of_a_later_version_are_passed_over(tmp_path: Path) -> None:
    recording = Recording(written(tmp_path / "a.jsonl.gz", b'{"alarm": "door open", "new": 1}', GOOD % 0))
    assert (len(recording), recording.problems()) == (1, [])
    recording.close()


def test_after_a_lost_line_only_whole_data_counts(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl.gz", GOOD % 0, GOOD % 1, GOOD % 3, GOOD % 4, GOOD % 0, GOOD % 1)
    recording = Recording(path)
    assert (len(recording), recording.unread) == (4, 2)
    recording.close()


def test_a_file_damaged_in_its_middle_shows_what_comes_before(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    record(path, counted(40))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :] = b"\xff" * (len(data) - len(data) // 2)
    path.write_bytes(data)
    recording = Recording(path)
    assert 5 < len(recording) < 35
    assert "damaged" in recording.problems()[0]
    recording.close()


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe"])
def test_a_place_that_holds_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.jsonl.gz"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(NoRecording, match=str(path)):
        Recording(path)


# Making one


def test_no_file_is_overwritten_unless_asked(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_text("precious")
    with pytest.raises(NoRecording, match="--force"):
        open_new(path)
    assert path.read_text() == "precious"
    os.close(open_new(path, force=True))
    assert path.read_bytes() == b""
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NoRecording):
        open_new(link, force=True)
    with pytest.raises(NoRecording, match="no recording can be made there"):
        open_new(tmp_path / "missing" / "a.jsonl.gz")


def test_only_an_own_recording_is_continued_and_by_one_session(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_text("precious")
    with pytest.raises(NoRecording):
        open_again(path)
    assert path.read_text() == "precious"
    file = record(path, counted(2), end=False)
    with pytest.raises(NoRecording, match="another session"):
        open_again(path)
    file.end()


def recorder(path: Path) -> Recorder:
    """A recorder that has been started."""
    made = Recorder(path, open_new(path), Header((HOME,)), NOON)
    made.start((), NOON)
    return made


def test_a_recorder_writes_what_it_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    made = recorder(path)
    for reading in counted(50):
        made.take(reading, NOON)
    made.stop()
    assert played(path) == counted(50)
    assert (made.problem, made.missed, made.readings, made.recording) == ("", 0, 50, False)
    assert "50 readings" in made.words()


def test_a_full_disk_stops_the_recording_and_leaves_what_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.jsonl.gz"
    left = 2000
    real = os.write

    def full(handle: int, data: Any) -> int:
        nonlocal left
        if left <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        done = real(handle, bytes(data)[:left])
        left -= done
        return done

    monkeypatch.setattr("wattdeck.core.recorder.os.write", full)
    made = recorder(path)
    for reading in counted(400):
        made.take(replace(reading, snapshot=os.urandom(40).hex()), NOON)
    made._thread.join(10)
    assert "No space left on device" in made.problem and str(path) in made.problem
    assert not made.recording
    made.take(counted(1)[0], NOON)
    made.stop()
    found = Recording(path)
    assert 5 < len(found) < 400 and found.unread == 0
    found.close()


def test_a_slow_disk_loses_readings_and_counts_them(tmp_path: Path) -> None:
    made = Recorder(tmp_path / "a.jsonl.gz", open_new(tmp_path / "a.jsonl.gz"), Header((HOME,)), NOON)
    for reading in counted(600):
        made.take(reading, NOON)
    assert made.missed == 600 - 512
    assert "88 readings are missing" in made.words()
    made.start((), NOON)
    made.stop()
    assert played(made.path) == counted(512)


def test_what_cannot_be_written_is_counted_and_stops_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    made = recorder(path)
    made.take(Reading(*SHOP), NOON)
    made.take(Reading(*HOME, snapshot=object()), NOON)
    made.take(Reading(*HOME, snapshot={"a": 1}), NOON)
    made.stop()
    assert (made.missed, made.problem, len(played(path))) == (2, "", 1)


def test_a_panel_at_one_hertz_takes_little_room(tmp_path: Path) -> None:
    """A bound, not a benchmark: gzip's window over the lines before makes a line a tenth as long."""
    path = tmp_path / "a.jsonl.gz"
    rows = [{"circuit_id": f"{at:032x}", "name": f"Circuit {at}", "power_w": 0.0, "power_at": ""} for at in range(32)]
    readings = [
        replace(each, snapshot={"circuits": [
            {**row, "power_w": ((at * 37 + number * 11) % 999) / 16, "power_at": f"2026-11-20T12:{number:04}Z"}
            for at, row in enumerate(rows)]})
        for number, each in enumerate(counted(120))
    ]  # fmt: skip
    record(path, readings)
    assert path.stat().st_size / 120 < 600
    assert zlib.decompressobj(31).decompress(path.read_bytes())


def test_a_line_without_an_end_is_refused_before_all_of_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wattdeck.core.recorded.MAX_LINE_BYTES", 1000)
    monkeypatch.setattr("wattdeck.core.recorded.CHUNK_BYTES", 5000)
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(b"x" * 10_000_000))
    unpacked = 0
    cut = _Scan._cut

    def counted_cut(self: _Scan, text: bytes) -> Any:
        nonlocal unpacked
        unpacked += len(text)
        return cut(self, text)

    monkeypatch.setattr(_Scan, "_cut", counted_cut)
    with pytest.raises(NoRecording, match="longer than 1000"):
        Recording(path)
    assert unpacked <= 10_000


@pytest.mark.parametrize(
    "more", [{"every": 1e400}, {"every": float("nan")}, {"every": -1.0}, {"taken": "9999-12-31T23:59:59Z"}]
)
def test_numbers_and_times_that_nobody_can_reckon_with_are_no_reading(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"cadence|no year"):
        reading_of(HOME, {"link": "live", **more})


def test_force_does_not_advise_force(tmp_path: Path) -> None:
    with pytest.raises(NoRecording, match="folder, a link or a device") as caught:
        open_new(tmp_path, force=True)
    assert "--force" not in str(caught.value)


def test_sources_beyond_the_queue_all_begin(tmp_path: Path) -> None:
    feeds = [(f"span/s{number}", "panel") for number in range(700)]
    path = tmp_path / "a.jsonl.gz"
    made = Recorder(path, open_new(path), Header(feeds), NOON)
    for feed in feeds:
        made.take(Reading(*feed), NOON)
    assert made.missed == 0
    made.start([], NOON)
    made.stop()
    assert len(played(path)) == 700
