"""The journal: on the disk before it returns, chained, shared, and readable after anything (rule 23)."""

from __future__ import annotations

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fakes import START, ManualClock
from wattdeck.core import journal as journal_module
from wattdeck.core.chain import REPAIRED, seal
from wattdeck.core.clock import SYSTEM_CLOCK
from wattdeck.core.journal import Journal, JournalUnreadable, JournalUnwritable, who

WRITER = """
import sys
from pathlib import Path
from wattdeck.core.clock import SYSTEM_CLOCK
from wattdeck.core.journal import Journal
journal = Journal(Path(sys.argv[1]), SYSTEM_CLOCK)
print("ready", flush=True)
for number in range(int(sys.argv[2])):
    journal.append("arm", number=number, filler="x" * 900)
"""


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "state" / "journal.jsonl", ManualClock())


def spawn(path: Path, records: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(records)], stdout=subprocess.PIPE)


def test_rule_23_a_record_holds_who_when_and_what(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 50000 192.0.2.1 22")
    journal.who = who(journal.session)
    journal.append("select", source="span/home", object_id="c1", power_w=812.5, reason="")
    line = json.loads(journal.path.read_text())
    assert line["event"] == "select"
    assert line["at"] == "2026-11-20T17:00:00+00:00"
    assert line["monotonic"] == 1000.0
    assert line["session"] == journal.session
    assert line["ssh_connection"] == "192.0.2.7 50000 192.0.2.1 22"
    assert {"user", "host", "tty", "pid", "version", "prev", "hash"} <= line.keys()
    assert line["power_w"] == 812.5


def test_rule_23_only_the_owner_may_read_it(journal: Journal) -> None:
    journal.append("arm")
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700
    journal.path.chmod(0o644)
    journal.append("disarm")
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600


def test_rule_23_it_is_flushed_before_append_returns(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    real_write, real_fsync = os.write, os.fsync

    def write(fd: int, data: bytes) -> int:
        calls.append("write")
        return real_write(fd, data)

    def fsync(fd: int) -> None:
        calls.append("fsync")
        real_fsync(fd)

    monkeypatch.setattr(os, "write", write)
    monkeypatch.setattr(os, "fsync", fsync)
    journal.append("arm")
    assert calls[-2:] == ["write", "fsync"]


@pytest.mark.parametrize("field", ["token", "access_token", "password", "Authorization", "api_key"])
def test_rule_23_no_secret_is_ever_recorded(journal: Journal, field: str) -> None:
    with pytest.raises(ValueError, match="no secrets"):
        journal.append("send", **{field: "x"})
    journal.append("fail", sentence="401 for Bearer abc.def and eyJhbGciOi.eyJzdWIi.c2ln")
    text = journal.path.read_text()
    assert "abc.def" not in text
    assert "eyJ" not in text


def test_the_journal_fills_in_its_own_fields(journal: Journal) -> None:
    with pytest.raises(ValueError, match="itself fills in"):
        journal.append("arm", session="forged")


def test_hostile_names_cannot_steer_a_terminal_that_shows_the_file(journal: Journal) -> None:
    name = "\x1b[2J\x9b1m\u202eKüche\ud800\x7f\n"
    journal.append("select", name=name)
    raw = journal.path.read_bytes()
    assert all(byte == 0x0A or 0x20 <= byte <= 0x7E for byte in raw)
    assert raw.count(b"\n") == 1
    assert next(journal.records()).fields["name"] == name


def test_numbers_that_are_none_are_null_and_long_text_is_cut(journal: Journal) -> None:
    record = journal.append("select", power_w=float("nan"), name="x" * 5000)
    assert record.fields["power_w"] is None
    assert len(record.fields["name"]) == 1000


def test_records_since_a_moment_and_from_an_offset(tmp_path: Path) -> None:
    clock = ManualClock()
    journal = Journal(tmp_path / "j", clock)
    for number in range(4):
        journal.append("arm", number=number)
        clock.advance(60)
    assert [r.fields["number"] for r in journal.records(since=START + timedelta(seconds=120))] == [2, 3]
    second = list(journal.records())[1]
    assert second.line == 2
    assert [r.fields["number"] for r in journal.records(offset=second.end_offset)] == [2, 3]


def test_no_file_is_an_empty_journal(journal: Journal) -> None:
    assert list(journal.records()) == []
    assert journal.verify() == []
    assert journal.size() == 0


def test_an_unreadable_journal_says_so(tmp_path: Path) -> None:
    with pytest.raises(JournalUnreadable, match="Check its owner"):
        list(Journal(tmp_path, ManualClock()).records())


# --- the chain ---


def written(directory: Path, count: int) -> tuple[Journal, list[bytes]]:
    journal = Journal(directory / "j", ManualClock())
    for number in range(count):
        journal.append("arm", number=number)
    return journal, journal.path.read_bytes().splitlines(keepends=True)


def test_an_untouched_chain_is_whole(tmp_path: Path) -> None:
    journal, lines = written(tmp_path, 5)
    assert journal.verify() == []
    assert len(lines) == 5


@given(st.data())
def test_any_changed_byte_is_found(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as directory:
        journal, lines = written(Path(directory), 4)
        raw = bytearray(b"".join(lines))
        position = data.draw(st.integers(0, len(raw) - 1))
        byte = data.draw(st.integers(0, 255))
        assume(byte != raw[position])
        raw[position] = byte
        journal.path.write_bytes(raw)
        assert journal.verify()


@given(st.data())
def test_any_removed_line_but_the_last_is_found(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as directory:
        journal, lines = written(Path(directory), 5)
        gone = data.draw(st.sets(st.integers(0, 3), min_size=1))
        journal.path.write_bytes(b"".join(line for number, line in enumerate(lines) if number not in gone))
        assert journal.verify()


@given(st.data())
def test_any_inserted_or_repeated_line_is_found(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as directory:
        journal, lines = written(Path(directory), 4)
        extra = data.draw(st.binary(max_size=60).map(lambda b: b + b"\n") | st.sampled_from(lines))
        lines.insert(data.draw(st.integers(0, len(lines))), extra)
        journal.path.write_bytes(b"".join(lines))
        assert journal.verify()


@given(st.permutations(range(4)))
def test_any_other_order_is_found(order: list[int]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        journal, lines = written(Path(directory), 4)
        journal.path.write_bytes(b"".join(lines[number] for number in order))
        assert bool(journal.verify()) is (order != sorted(order))


def test_problems_name_the_line_and_what_happened(tmp_path: Path) -> None:
    journal, lines = written(tmp_path, 6)
    journal.path.write_bytes(b"".join([*lines[:1], lines[1].replace(b'"number":1', b'"number":9'), *lines[2:]]))
    first, second = journal.verify()
    assert (first.line, first.kind) == (2, "altered")
    assert "was altered" in first.words
    assert (second.line, second.kind) == (3, "broken")
    journal.path.write_bytes(b"".join(lines[2:]))
    (only,) = journal.verify()
    assert (only.line, only.kind) == (1, "removed")
    journal.path.write_bytes(b"".join(lines[:2] + lines[3:]))
    (only,) = journal.verify()
    assert (only.line, only.kind) == (3, "broken")
    assert "removed" in only.words
    journal.path.write_bytes(b"".join(lines) + b"hello\n")
    (only,) = journal.verify()
    assert (only.line, only.kind) == (7, "unreadable")


def test_writing_goes_on_after_an_altered_last_line_and_the_alteration_still_shows(tmp_path: Path) -> None:
    journal, lines = written(tmp_path, 3)
    journal.path.write_bytes(b"".join([*lines[:2], lines[2].replace(b'"number":2', b'"number":7')]))
    journal.append("arm", number=3)
    problems = journal.verify()
    assert [problem.kind for problem in problems] == ["altered"]
    assert problems[0].serious


def test_a_torn_last_line_is_noted_and_the_chain_goes_on(tmp_path: Path) -> None:
    journal, lines = written(tmp_path, 3)
    journal.path.write_bytes(b"".join(lines) + b'{"prev":"00","at":"2026-11')
    (torn,) = journal.verify()
    assert (torn.line, torn.kind, torn.serious) == (4, "torn", True)
    journal.append("arm", number=3)
    assert [record.event for record in journal.records()] == ["arm", "arm", "arm", REPAIRED, "arm"]
    (torn,) = journal.verify()
    assert (torn.line, torn.kind, torn.serious) == (4, "torn", False)


def test_a_last_line_that_only_lacks_its_end_is_ended(tmp_path: Path) -> None:
    journal, lines = written(tmp_path, 2)
    journal.path.write_bytes(b"".join(lines)[:-1])
    assert [problem.kind for problem in journal.verify()] == ["torn"]
    journal.append("arm", number=2)
    assert journal.verify() == []
    assert [record.fields["number"] for record in journal.records()] == [0, 1, 2]


@given(st.integers(0, 2000), st.integers(1, 3))
def test_a_write_cut_anywhere_never_breaks_the_chain(cut: int, times: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        journal, _ = written(Path(directory), 3)
        for _ in range(times):
            raw = journal.path.read_bytes()
            journal.append("arm")
            due = journal.path.read_bytes()[len(raw) :]
            journal.path.write_bytes(raw + due[: cut % len(due)])
            journal.append("arm")
        assert not [problem for problem in journal.verify() if problem.serious]


def test_a_file_of_garbage_is_not_built_upon_without_end(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j", ManualClock())
    journal.path.write_bytes(b"x" * (2 * 1024 * 1024))
    with pytest.raises(JournalUnwritable, match="move the file away"):
        journal.append("arm")
    assert journal.verify()[0].kind in ("torn", "unreadable")


# --- other processes, kills and full disks ---


def test_two_processes_append_to_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "j"
    writers = [spawn(path, 40) for _ in range(2)]
    for writer in writers:
        with writer:
            assert writer.wait(30) == 0
    journal = Journal(path, SYSTEM_CLOCK)
    records = list(journal.records())
    assert len(records) == 80
    assert len({record.fields["session"] for record in records}) == 2
    assert journal.verify() == []


def test_a_writer_killed_at_any_moment_leaves_a_journal_others_can_go_on_with(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = Journal(path, SYSTEM_CLOCK)
    for delay_s in (0.0, 0.02, 0.05):
        with spawn(path, 100_000) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            deadline = time.monotonic() + 20
            while journal.size() == 0 and time.monotonic() < deadline:
                time.sleep(0.005)
            time.sleep(delay_s)
            writer.send_signal(signal.SIGKILL)
        journal.append("arm")
        assert not [problem for problem in journal.verify() if problem.serious]


def test_disk_full_is_refused_in_words(tmp_path: Path) -> None:
    full = tmp_path / "journal"
    full.symlink_to("/dev/full")
    with pytest.raises(JournalUnwritable, match=r"No space left on device.*Free some space"):
        Journal(full, ManualClock()).append("send")


def test_a_half_written_record_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, lines = written(tmp_path, 2)
    real, calls = os.write, 0

    def half_then_full(fd: int, data: bytes) -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            return real(fd, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", half_then_full)
    with pytest.raises(JournalUnwritable):
        journal.append("arm")
    monkeypatch.undo()
    assert journal.path.read_bytes() == b"".join(lines)
    journal.append("arm", number=2)
    assert journal.verify() == []


@pytest.mark.parametrize(
    ("number", "advice"), [(errno.EROFS, "mounted read-only"), (errno.EACCES, "owner and permissions")]
)
def test_a_journal_that_cannot_be_opened_says_what_to_do(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    def refuse(*args: object, **kwargs: object) -> int:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(JournalUnwritable, match=advice):
        journal.append("send")


def test_a_failing_fsync_is_a_failure(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(JournalUnwritable, match="Input/output error"):
        journal.append("send")


def test_a_stopped_session_that_keeps_the_file_locked_does_not_hang_this_one(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    journal.append("arm")
    monkeypatch.setattr(journal_module, "LOCK_WAIT_S", 0.05)
    with journal.path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(JournalUnwritable, match="another session"):
            journal.append("arm")
    journal.append("arm")


def test_a_journal_moved_away_is_begun_anew(tmp_path: Path) -> None:
    journal, _ = written(tmp_path, 2)
    journal.path.rename(tmp_path / "old")
    journal.append("arm")
    assert len(list(journal.records())) == 1
    assert journal.verify() == []


@pytest.mark.anyio
async def test_writing_does_not_hold_up_the_event_loop(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    import anyio

    monkeypatch.setattr(os, "fsync", lambda fd: time.sleep(0.05))
    steps = 0
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(journal.write, "arm")
        while journal.size() == 0 or not list(journal.records()):
            steps += 1
            await anyio.sleep(0.001)
    assert steps > 1


def test_the_tty_and_ssh_connection_may_be_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_CONNECTION", raising=False)

    def no_terminal(fd: int) -> str:
        raise OSError(errno.ENOTTY, "no terminal")

    monkeypatch.setattr(os, "ttyname", no_terminal)
    found = who("s1")
    assert found["ssh_connection"] is None
    assert found["tty"] is None
    assert found["session"] == "s1"


@pytest.mark.parametrize("at", ["2026-11-20T17:00:00", "9999-12-31T23:59:59+00:00"])
def test_a_record_with_a_time_that_cannot_be_put_in_order_is_none(journal: Journal, at: str) -> None:
    journal.append("arm")
    body = json.loads(journal.path.read_bytes())
    with journal.path.open("ab") as file:
        file.write(seal({"at": at, "event": "arm"}, body["hash"]))
    assert [record.event for record in journal.records()] == ["arm"]
