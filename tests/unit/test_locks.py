"""Two sessions of one host know of each other (control.md rule 17)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fakes import ManualClock
from wattdeck.core import locks as locks_module
from wattdeck.core.locks import LockedByOther, Locks, LockUnavailable


def session(directory: Path, clock: ManualClock, name: str) -> Locks:
    return Locks(directory, clock, {"session": name, "user": name, "tty": f"/dev/pts/{name}"})


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_rule_17_another_session_sees_who_selected_what_and_when(tmp_path: Path, clock: ManualClock) -> None:
    ana, bo = session(tmp_path, clock, "ana"), session(tmp_path, clock, "bo")
    ana.acquire("span/home", "c1", "Kitchen", 10)
    with pytest.raises(LockedByOther) as caught:
        bo.acquire("span/home", "c2", "Garage", 10)
    assert "Kitchen of span/home is selected by ana on /dev/pts/ana" in str(caught.value)
    assert "since 17:00:00 UTC" in str(caught.value)
    assert caught.value.holder.object_id == "c1"
    other = bo.other("span/home")
    assert other is not None
    assert other.user == "ana"
    assert ana.other("span/home") is None


def test_rule_17_release_lets_the_other_in(tmp_path: Path, clock: ManualClock) -> None:
    ana, bo = session(tmp_path, clock, "ana"), session(tmp_path, clock, "bo")
    ana.acquire("span/home", "c1", "Kitchen", 10)
    bo.release("span/home")
    assert bo.other("span/home") is not None
    ana.release("span/home")
    bo.acquire("span/home", "c2", "Garage", 10)


def test_rule_17_sources_do_not_stand_in_each_others_way(tmp_path: Path, clock: ManualClock) -> None:
    ana, bo = session(tmp_path, clock, "ana"), session(tmp_path, clock, "bo")
    ana.acquire("span/home", "c1", "Kitchen", 10)
    bo.acquire("span/barn", "c1", "Pump", 10)
    bo.acquire("span/ho\u2026me/../x", "c1", "Pump", 10)
    assert len(list(tmp_path.iterdir())) == 3


def test_rule_17_a_selection_that_ran_out_is_stale(tmp_path: Path, clock: ManualClock) -> None:
    ana, bo = session(tmp_path, clock, "ana"), session(tmp_path, clock, "bo")
    ana.acquire("span/home", "c1", "Kitchen", 10)
    clock.advance(10)
    assert bo.other("span/home") is None
    bo.acquire("span/home", "c2", "Garage", 10)
    with pytest.raises(LockedByOther):
        ana.acquire("span/home", "c1", "Kitchen", 60)


def test_rule_17_the_same_session_may_extend(tmp_path: Path, clock: ManualClock) -> None:
    ana, bo = session(tmp_path, clock, "ana"), session(tmp_path, clock, "bo")
    ana.acquire("span/home", "c1", "Kitchen", 10)
    clock.advance(9)
    ana.acquire("span/home", "c1", "Kitchen", 60)
    clock.advance(30)
    assert bo.other("span/home") is not None


def test_rule_17_a_lock_of_a_dead_process_is_stale(tmp_path: Path, clock: ManualClock) -> None:
    program = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from fakes import ManualClock
from wattdeck.core.locks import Locks
Locks(Path(sys.argv[1]), ManualClock(), {"session": "ana", "user": "ana"}).acquire("span/home", "c1", "Kitchen", 1e6)
"""
    tests = str(Path(__file__).parent.parent)
    subprocess.run([sys.executable, "-c", program, str(tmp_path), tests], check=True)
    session(tmp_path, clock, "bo").acquire("span/home", "c2", "Garage", 10)


def test_rule_17_a_reused_pid_is_not_taken_for_the_holder(tmp_path: Path, clock: ManualClock) -> None:
    session(tmp_path, clock, "ana").acquire("span/home", "c1", "Kitchen", 10)
    (path,) = tmp_path.iterdir()
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "process_started": "1"}))
    session(tmp_path, clock, "bo").acquire("span/home", "c2", "Garage", 10)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b'{"pid": 1}', b"\xff\xfe", b"[" * 20_000, b'{"pid":1e999}'], ids=repr
)
def test_a_damaged_lock_file_is_no_lock(tmp_path: Path, clock: ManualClock, content: bytes) -> None:
    ana = session(tmp_path, clock, "ana")
    ana.acquire("span/home", "c1", "Kitchen", 10)
    (path,) = tmp_path.iterdir()
    path.write_bytes(content)
    session(tmp_path, clock, "bo").acquire("span/home", "c2", "Garage", 10)


def test_only_one_of_many_gets_it(tmp_path: Path, clock: ManualClock) -> None:
    def attempt(number: int) -> bool:
        try:
            session(tmp_path, clock, f"s{number}").acquire("span/home", "c1", "Kitchen", 10)
        except LockedByOther:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(24))) == 1


def test_hostile_names_are_shown_harmlessly(tmp_path: Path, clock: ManualClock) -> None:
    session(tmp_path, clock, "ana\x1b[2J").acquire("span/home", "c1", "\x1b[31mKitchen\ud800", 10)
    with pytest.raises(LockedByOther) as caught:
        session(tmp_path, clock, "bo").acquire("span/home", "c2", "Garage", 10)
    assert str(caught.value).isprintable()


def test_a_runtime_directory_that_cannot_be_used_says_so(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(LockUnavailable, match="Check the runtime directory"):
        session(tmp_path / "file", clock, "ana").acquire("span/home", "c1", "Kitchen", 10)


def test_a_stopped_session_in_the_middle_of_it_does_not_hang_this_one(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    monkeypatch.setattr(locks_module, "GUARD_WAIT_S", 0.05)
    ana = session(tmp_path, clock, "ana")
    ana.acquire("span/home", "c1", "Kitchen", 10)
    (path,) = tmp_path.iterdir()
    with path.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(LockUnavailable):
            ana.release("span/home")


def test_the_lock_file_is_its_owners(tmp_path: Path, clock: ManualClock) -> None:
    session(tmp_path / "run", clock, "ana").acquire("span/home", "c1", "Kitchen", 10)
    (path,) = (tmp_path / "run").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    assert json.loads(path.read_text())["pid"] == os.getpid()
