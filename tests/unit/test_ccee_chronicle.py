"""What a chronicle remembers, and that neither broken lines nor another session make it forget."""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core import appended
from wattdeck.systems.ccee import annals, chronicle, traces
from wattdeck.systems.ccee.chronicle import Chronicle, newly_rejected
from wattdeck.systems.ccee.models import BRASILIA, Migration
from wattdeck.systems.ccee.traces import FIELDS, KEYS

AT = datetime(2026, 3, 3, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ONE = Migration(
    "m1", "000000123400159", 100000, 200000, 200100, "2026-10", "CRIADA", datetime(2026, 3, 2, tzinfo=BRASILIA),
    document_type="CNPJ", document_number="11222333000181", email="uc@example.com",
)  # fmt: skip
DONE = replace(ONE, status="CONCLUIDA", musd_value=320.0, validated_at=datetime(2026, 3, 6, tzinfo=BRASILIA))


def told(changes: Any) -> list[tuple[str, str, str, str]]:
    return [(change.kind, change.field, change.old, change.new) for change in changes]


def saved(path: Path, *steps: tuple[Migration, ...]) -> Chronicle:
    """A chronicle that has noted lists, an hour apart, and has written them."""
    kept = Chronicle(path)
    for count, migrations in enumerate(steps):
        kept.note(migrations, AT + count * HOUR)
        assert kept.save() == ""
    return kept


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ccee" / "loja.history.jsonl"


def test_the_first_sight_is_a_change_and_the_same_again_is_none() -> None:
    kept = Chronicle(None)
    assert told(kept.note([ONE], AT)) == [("seen", "status", "", "CRIADA")]
    assert kept.note([ONE], AT + HOUR) == kept.note([replace(ONE)], AT + HOUR) == ()
    assert kept.note([replace(ONE, deadline=date(2026, 3, 9))], AT + HOUR) == ()
    assert kept.save() == ""


def test_every_changed_field_is_told_with_what_it_was_and_is_when_it_was_noticed() -> None:
    kept = Chronicle(None)
    kept.note([ONE], AT)
    changes = kept.note([DONE], AT + HOUR)
    assert told(changes) == [
        ("changed", "status", "CRIADA", "CONCLUIDA"),
        ("changed", "musd_value", "", "320.0"),
        ("changed", "validated_at", "", "2026-03-06T00:00:00-03:00"),
    ]
    assert {(change.migration_id, change.at) for change in changes} == {("m1", AT + HOUR)}
    assert kept.history("m1")[1:] == changes and kept.history("m2") == ()


def test_times_are_utc() -> None:
    (change,) = Chronicle(None).note([ONE], datetime(2026, 3, 3, 9, tzinfo=BRASILIA))
    assert change.at == AT and change.at.tzinfo is UTC


def test_what_is_missing_from_a_list_is_no_change_until_it_is_said_to_be_gone() -> None:
    kept = Chronicle(None)
    kept.note([ONE], AT)
    assert kept.note([], AT) == ()
    assert told(kept.gone(["m1", "m2"], AT)) == [("gone", "status", "CRIADA", "")]
    assert kept.gone(["m1"], AT) == ()
    assert told(kept.note([ONE], AT + HOUR)) == [("seen", "status", "", "CRIADA")]
    assert [change.kind for change in kept.history("m1")] == ["seen", "gone", "seen"]


def test_a_field_that_a_single_record_lacks_does_not_come_and_go() -> None:
    kept = Chronicle(None)
    kept.note([replace(ONE, supplier_agent_code=7)], AT)
    assert told(kept.note([replace(ONE, connected_type="X")], AT)) == [("changed", "connected_type", "", "X")]
    assert kept.note([replace(ONE, supplier_agent_code=7)], AT) == ()
    assert told(kept.note([replace(ONE, supplier_agent_code=8)], AT)) == [("changed", "supplier_agent_code", "7", "8")]


def test_numbers_and_addresses_are_masked_and_still_told_apart(path: Path) -> None:
    kept = saved(path, (ONE,), (replace(ONE, document_number="99888777000181", email="ux@example.com"),))
    (_, number, email) = kept.history("m1")
    assert number.old.startswith("**.***.***/0001-81 (") and number.new.startswith("**.***.***/0001-")
    assert number.old != number.new and email.old != email.new and email.old.startswith("u***@example.com (")
    for secret in (b"11222333", b"99888777", b"uc@", b"ux@"):
        assert secret not in path.read_bytes()


def test_text_from_the_wire_is_harmless_and_bounded() -> None:
    kept = Chronicle(None)
    kept.note([ONE], AT)
    (change,) = kept.note([replace(ONE, justification="\x1b[31m" + "x" * 5000)], AT)
    assert change.new.isprintable() and len(change.new) == 200


def test_a_restart_knows_everything_and_notices_what_happened_meanwhile(path: Path) -> None:
    before = saved(path, (ONE,), (DONE,)).history("m1")
    again = Chronicle(path)
    assert again.history("m1") == before
    assert again.note([DONE], AT + 9 * HOUR) == ()
    assert told(Chronicle(path).note([replace(DONE, status="ENCERRADA")], AT + 9 * HOUR)) == [
        ("changed", "status", "CONCLUIDA", "ENCERRADA")
    ]
    assert told(Chronicle(path).note([replace(DONE, email="ub@example.com")], AT))[0][1] == "email"


def test_what_is_gone_stays_gone_over_a_restart(path: Path) -> None:
    kept = saved(path, (ONE,))
    kept.gone(["m1"], AT + HOUR)
    kept.save()
    again = Chronicle(path)
    assert [change.kind for change in again.history("m1")] == ["seen", "gone"]
    assert told(again.note([ONE], AT + 2 * HOUR)) == [("seen", "status", "", "CRIADA")]
    again.save()
    assert [change.kind for change in Chronicle(path).history("m1")] == ["seen", "gone", "seen"]


def test_making_one_and_noting_touches_no_disk_and_saving_makes_a_private_file(path: Path) -> None:
    kept = Chronicle(path)
    kept.note([ONE], AT)
    assert not path.parent.exists()
    assert kept.save() == ""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    size = path.stat().st_size
    kept.note([ONE], AT + HOUR)
    assert kept.save() == "" and path.stat().st_size == size


def test_a_file_that_others_could_read_is_made_private(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"")
    path.chmod(0o644)
    saved(path, (ONE,))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_a_cut_last_line_costs_that_line_alone(path: Path, cut: int) -> None:
    saved(path, (ONE,), (DONE,))
    path.write_bytes(path.read_bytes()[:-cut])
    again = Chronicle(path)
    again.note([DONE], AT + 5 * HOUR)
    assert again.save() == ""
    assert [change.new for change in Chronicle(path).history("m1") if change.field == "status"] == [
        "CRIADA",
        "CONCLUIDA",
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b"\xff\xfe",
        b"{}",
        b'{"i":1,"t":"2026-03-03T12:00:00+00:00","s":{}}',
        b'{"i":"","t":"2026-03-03T12:00:00+00:00","s":{}}',
        b'{"i":"m9","t":"2026-03-03T12:00:00","s":{}}',
        b'{"i":"m9","t":"yesterday","s":{}}',
        b'{"i":"m9","t":"2026-03-03T12:00:00+00:00","s":[]}',
        b'{"i":"m9","t":"2026-03-03T12:00:00+00:00","s":{"st":7}}',
        b'{"i":"m9","t":"2026-03-03T12:00:00+00:00","s":{},"h":[["x"]]}',
        b'{"i":"m9","t":"2026-03-03T12:00:00+00:00","c":[["status","","X"]]}',
        b'{"i":"m1","t":"2026-03-03T12:00:00+00:00","c":[["no_field","","X"]]}',
        b'{"i":"m1","t":"2026-03-03T12:00:00+00:00","c":[["status","",7]]}',
        b'{"i":"m1","t":"2026-03-03T12:00:00+00:00","c":7}',
        b"[" * 60_000,
        b'"' + b"x" * 70_000 + b'"',
    ],
)
def test_a_foreign_line_says_nothing(path: Path, line: bytes) -> None:
    expected = saved(path, (ONE,)).history("m1")
    path.write_bytes(line + b"\n" + path.read_bytes() + line + b"\n")
    kept = Chronicle(path)
    assert kept.history("m1") == expected and kept.history("m9") == ()


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_without_an_error(data: bytes) -> None:
    found: dict[str, traces.Trace] = {}
    for line in data.split(b"\n"):
        traces.replay(found, line)
    assert found == {}


def test_a_stranger_s_line_is_harmless_when_shown(path: Path) -> None:
    saved(path, (ONE,))
    with path.open("ab") as file:
        file.write(
            b'{"i":"m1","t":"2026-03-03T12:00:00+00:00","c":[["comment","","\\u001b[31m' + b"x" * 999 + b'"]]}\n'
        )
    change = Chronicle(path).history("m1")[-1]
    assert change.new.isprintable() and len(change.new) == 200


def test_the_first_sight_and_the_newest_changes_are_kept(path: Path) -> None:
    kept = Chronicle(path)
    kept.note([ONE], AT)
    for count in range(70):
        kept.note([replace(ONE, comment=str(count))], AT + count * HOUR)
    kept.save()
    for each in (kept, Chronicle(path)):
        history = each.history("m1")
        assert len(history) == 50 and history[0].kind == "seen"
        assert [change.new for change in history[1:]] == [str(count) for count in range(21, 70)]


def many(count: int) -> Iterator[Migration]:
    return (replace(ONE, migration_id=f"n{number}") for number in range(count))


def test_when_there_are_too_many_those_not_listed_for_a_day_give_way_and_others_do_not(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traces, "MIGRATIONS_MAX", 10)
    kept = Chronicle(path)
    assert len(kept.note(many(12), AT)) == 10
    assert kept.note(many(12), AT + HOUR) == ()
    kept.note(many(9), AT + timedelta(days=2))
    assert [change.migration_id for change in kept.note([ONE], AT + timedelta(days=2))] == ["m1"]
    assert kept.history("n9") == () and kept.history("n8")
    kept.save()
    assert sum(bool(Chronicle(path).history(f"n{number}")) for number in range(12)) == 9


def test_a_large_file_is_written_anew_and_says_the_same(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annals, "COMPACT_BYTES", 3000)
    kept = Chronicle(path)
    for count in range(60):
        kept.note([replace(ONE, comment=f"{count}"), replace(ONE, migration_id="m2")], AT + count * HOUR)
        assert kept.save() == ""
    size = path.stat().st_size
    kept.gone(["m2"], AT + 60 * HOUR)
    assert kept.save() == ""
    annals.compact(path)
    assert path.stat().st_size < 12_000 and size < 16_000
    again = Chronicle(path)
    assert again.history("m1") == kept.history("m1") and again.history("m2") == kept.history("m2")
    assert told(again.note([replace(ONE, migration_id="m2")], AT + 99 * HOUR)) == [("seen", "status", "", "CRIADA")]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert set(os.listdir(path.parent)) == {path.name, path.with_suffix(".key").name}


def test_a_file_that_stays_large_is_not_written_anew_each_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(annals, "COMPACT_BYTES", 100)
    kept = saved(path, (ONE,))
    place = path.stat().st_ino
    kept.note([DONE], AT)
    kept.save()
    assert path.stat().st_ino == place


def test_where_everything_is_too_much_fewer_changes_are_kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Chronicle(path)
    for count in range(40):
        kept.note([replace(ONE, comment=f"{count}")], AT + count * HOUR)
    kept.save()
    monkeypatch.setattr(annals, "COMPACTED_BYTES_MAX", 1000)
    annals.compact(path)
    history = Chronicle(path).history("m1")
    assert [change.new for change in history] == ["CRIADA", "36", "37", "38", "39"]


def test_two_sessions_that_notice_the_same_write_it_twice_and_read_it_once(path: Path) -> None:
    first, second = saved(path, (ONE,)), Chronicle(path)
    second.load()
    for kept in (first, second):
        kept.note([DONE], AT + HOUR)
        kept.save()
    assert Chronicle(path).history("m1") == first.history("m1") == second.history("m1")


def test_two_sessions_that_both_see_it_first_make_one_first_sight(path: Path) -> None:
    first, second = Chronicle(path), Chronicle(path)
    first.note([ONE], AT)
    second.note([DONE], AT + HOUR)
    first.save()
    second.save()
    assert told(Chronicle(path).history("m1"))[:2] == [
        ("seen", "status", "", "CRIADA"), ("changed", "status", "CRIADA", "CONCLUIDA")
    ]  # fmt: skip


def test_no_session_loses_a_line_of_another_that_writes_the_file_anew(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annals, "COMPACT_BYTES", 2000)
    said: list[str] = []

    def work(name: str) -> None:
        kept = Chronicle(path)
        for count in range(25):
            kept.note([replace(ONE, migration_id=f"{name}{count}")], AT)
            said.append(kept.save())

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    again = Chronicle(path)
    assert set(said) == {""}
    assert all(len(again.history(f"{name}{count}")) == 1 for name in "abc" for count in range(25))


def test_a_locked_file_is_left_for_the_next_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    monkeypatch.setattr(appended, "LOCK_WAIT_S", 0.0)
    kept = saved(path, (ONE,))
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        kept.note([DONE], AT + HOUR)
        assert "another session has kept it locked" in kept.save()
    assert kept.save() == "" and len(Chronicle(path).history("m1")) == 4


@pytest.mark.parametrize("place", ["directory", "fifo", "file as directory"])
def test_a_place_that_takes_no_file_is_told_in_a_sentence(path: Path, place: str) -> None:
    path.parent.mkdir()
    if place == "directory":
        path.mkdir()
    elif place == "fifo":
        os.mkfifo(path)
    else:
        path.write_text("")
        path = path / "below.jsonl"
    kept = Chronicle(path)
    assert kept.note([ONE], AT) and kept.history("m1")
    assert kept.save().startswith(f"The history {path} cannot be written: ")


def test_a_disk_that_takes_a_part_keeps_none_of_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = saved(path, (ONE,))
    before = path.read_bytes()
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, data[:5]))
    kept.note([DONE], AT + HOUR)
    assert "No space left" in kept.save() and path.read_bytes() == before
    monkeypatch.undo()
    assert kept.save() == "" and len(Chronicle(path).history("m1")) == 4


def test_what_waits_for_a_disk_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chronicle, "PENDING_MAX", 3)
    path.mkdir(parents=True)
    kept = Chronicle(path)
    for _ in range(2):
        kept.note(many(10), AT)
        kept.gone([f"n{number}" for number in range(10)], AT)
        assert kept.save()
    path.rmdir()
    assert kept.save() == "" and path.read_bytes().count(b"\n") == 3


def test_every_field_of_a_migration_has_a_short_name_of_its_own() -> None:
    assert set(KEYS) == set(FIELDS) == {each.name for each in fields(Migration)} - {"migration_id", "deadline"}
    assert len(set(KEYS.values())) == len(KEYS)


def test_only_a_refusal_after_the_first_sight_is_news() -> None:
    kept = Chronicle(None)
    refused = replace(ONE, status="REPROVADA")
    assert newly_rejected(kept.note([replace(refused, migration_id="old"), ONE], AT)) == frozenset()
    assert newly_rejected(kept.note([replace(refused, migration_id="old"), refused], AT)) == {"m1"}


def test_ten_thousand_unchanged_migrations_cost_little() -> None:
    kept = Chronicle(None)
    kept.note(many(10_000), AT)
    best = 1.0
    for again in [list(many(10_000)) for _ in range(3)]:
        started = time.thread_time()
        assert kept.note(again, AT + HOUR) == ()
        best = min(best, time.thread_time() - started)
    assert best < 0.05, f"{best * 1000:.1f} ms"


def test_a_mask_and_its_fingerprint_do_not_name_the_value_without_the_key(path: Path) -> None:
    first, second = saved(path, (ONE,)), Chronicle(path.with_name("other.jsonl"))
    second.note([ONE], AT)
    second.save()
    key = path.with_suffix(".key")
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    again = Chronicle(path)
    assert again.note([ONE], AT + HOUR) == () and first is not None, "the same key in the next session"
    one, other = path.read_text(), path.with_name("other.jsonl").read_text()
    assert one != other and len(one) == len(other), "another key gives the same value another fingerprint"


@pytest.mark.parametrize("content", ["", "zz", "00ff", "\x00" * 200])
def test_a_key_that_is_none_is_replaced(path: Path, content: str) -> None:
    path.parent.mkdir()
    path.with_suffix(".key").write_text(content)
    saved(path, (ONE,))
    assert len(bytes.fromhex(path.with_suffix(".key").read_text().strip())) == 32
