"""The history in SQLite: many sessions, sudden ends, read-only disks, and files that are not ours."""

from __future__ import annotations

import ctypes
import os
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from test_history import ENDLESS_S, HOUR_S, METER, hours, in_threads

from forked import Forked
from wattdeck.core import history_sqlite
from wattdeck.core.errors import ConfigError
from wattdeck.core.history import HistoryError, Value
from wattdeck.core.history_sql import BATCH_ROWS, MIGRATIONS, SERIES, VALUE, SqlHistory
from wattdeck.core.history_sqlite import SqliteHistory


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history.sqlite3"


def write_once(path: Path, values: Sequence[Value], series: str = METER) -> None:
    """Open, write, close."""
    store = SqliteHistory(path)
    store.write(series, "hour", values)
    store.close()


def read_once(path: Path, series: str = METER) -> list[Value]:
    """Open, read everything, close."""
    store = SqliteHistory(path)
    try:
        return store.read(series, "hour", 0, ENDLESS_S)
    finally:
        store.close()


def change(path: Path, *statements: str) -> None:
    """What another program did to the file."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def process(code: str, *arguments: object) -> Forked:
    """Another session: a process that has a history open as `store`."""
    opening = (
        "import sys\nfrom pathlib import Path\nfrom wattdeck.core.history import Value, open_history\n"
        "store = open_history(Path(sys.argv[1]))\n"
    )
    return Forked(*map(str, arguments), code=opening + code, stdout=subprocess.PIPE)


# Sessions at once.

WRITE_300 = """
for number in range(300):
    store.write(sys.argv[2], "hour", [Value(number * 3600, number, 0)])
    store.write("both", "hour", [Value(number * 3600, number, 0)])
store.close()
"""


def test_two_decks_write_one_new_file_at_once_and_nothing_is_lost(path: Path) -> None:
    decks = [process(WRITE_300, path, name) for name in ("a", "b")]
    for deck in decks:
        deck.communicate(timeout=50)
        assert deck.returncode == 0
    expected = [float(number) for number in range(300)]
    for series in ("a", "b", "both"):
        assert [one.value for one in read_once(path, series)] == expected


def test_a_file_can_be_made_by_many_at_the_same_moment(path: Path) -> None:
    gate = threading.Barrier(6)
    problems: list[Exception] = []

    def open_and_write(number: int) -> None:
        gate.wait()
        try:
            write_once(path, hours(number, first_s=number * HOUR_S))
        except Exception as error:
            problems.append(error)

    in_threads(open_and_write, 6)
    assert problems == []
    assert [one.value for one in read_once(path)] == [0, 1, 2, 3, 4, 5]


class Impatient(sqlite3.Connection):
    """As SQLite is when two sessions turn on the log of one new file: it does not wait for its turn."""

    refusals = 2

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        if "= WAL" in sql and self.refusals:
            self.refusals -= 1
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return super().execute(sql, parameters)


def test_the_log_is_turned_on_although_another_session_is_doing_the_same(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "new", factory=Impatient)) as connection:
        history_sqlite._use_wal(connection)
        assert connection.refusals == 0
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_who_reads_while_another_writes_sees_whole_batches(path: Path) -> None:
    write_once(path, hours(0, 0, 0))
    reader = SqliteHistory(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("UPDATE history_value SET value = 1")
        assert {one.value for one in reader.read(METER, "hour", 0, ENDLESS_S)} == {0}
        other.execute("COMMIT")
    assert {one.value for one in reader.read(METER, "hour", 0, ENDLESS_S)} == {1}
    reader.close()


def test_a_session_that_keeps_the_file_locked_is_waited_for_and_then_named(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_sqlite, "BUSY_S", 0.05)
    store = SqliteHistory(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HistoryError, match="another session kept it locked"):
            store.write(METER, "hour", hours(1))
        other.execute("ROLLBACK")
    assert store.write(METER, "hour", hours(1)) == 1
    store.close()


# Sudden ends.

WRITE_FOR_EVER = """
import itertools
for number in itertools.count():
    store.write("usms/contoh/12345678", "hour", [Value(number * 3600, number, 0)])
    print(number, flush=True)
"""

WRITE_BATCHES_FOR_EVER = """
import itertools
for number in itertools.count():
    store.write("usms/contoh/12345678", "hour", [Value(hour * 3600, number, 0) for hour in range(900)])
    print(number, flush=True)
"""


def killed_after(writer: Forked, lines: int) -> int:
    """Kill a writer in the middle of its work; the last number it said it had written."""
    assert writer.stdout is not None
    for _ in range(lines):
        writer.stdout.readline()
    writer.send_signal(signal.SIGKILL)
    rest, _ = writer.communicate(timeout=30)
    complete = rest.splitlines(keepends=True)
    said = [int(line) for line in complete if line.endswith("\n")]
    return said[-1] if said else lines - 1


@pytest.mark.parametrize("lines", [1, 37, 150])
def test_kill_9_loses_at_most_the_row_being_written(path: Path, lines: int) -> None:
    last = killed_after(process(WRITE_FOR_EVER, path), lines)
    kept = [one.value for one in read_once(path)]
    assert kept == [float(number) for number in range(len(kept))]
    # One more may be there, written and not yet said.
    assert last + 1 <= len(kept) <= last + 2
    write_once(path, hours(9, first_s=len(kept) * HOUR_S))
    assert len(read_once(path)) == len(kept) + 1


def test_kill_9_leaves_a_batch_whole_or_not_at_all(path: Path) -> None:
    last = killed_after(process(WRITE_BATCHES_FOR_EVER, path), 5)
    kept = read_once(path)
    assert len(kept) == 900 and len({one.value for one in kept}) == 1
    assert kept[0].value in (last, last + 1)


# Files that are not ours.


def test_a_file_of_a_newer_version_is_refused_and_stays_as_it_is(path: Path) -> None:
    write_once(path, hours(1, 2))
    change(path, "UPDATE history_version SET version = 7", "ALTER TABLE history_value ADD COLUMN quality INTEGER")
    before = path.read_bytes()
    with pytest.raises(ConfigError, match=r"version 7, made by a newer wattdeck; this one knows up to 1") as caught:
        SqliteHistory(path)
    assert str(path) in str(caught.value) and "Update wattdeck" in str(caught.value)
    assert path.read_bytes() == before


def test_a_newer_file_that_was_not_closed_stays_as_it_is_too(path: Path) -> None:
    write_once(path, hours(1, 2))
    with closing(sqlite3.connect(path)) as other:
        other.execute("UPDATE history_version SET version = 7")
        other.commit()
        before = path.read_bytes(), path.with_name(path.name + "-wal").read_bytes()
        with pytest.raises(ConfigError, match="version 7"):
            SqliteHistory(path)
        assert (path.read_bytes(), path.with_name(path.name + "-wal").read_bytes()) == before


@pytest.mark.parametrize(
    "content", [b"hello", b"start_s,value,checked_s\n" * 300, b"SQLite format 3\0" + b"?" * 5000, b"\0" * 4096]
)
def test_a_file_that_is_no_database_is_refused_and_stays_as_it_is(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"no SQLite database; expected a history of wattdeck\. Nothing was changed"):
        SqliteHistory(path)
    assert path.read_bytes() == content and list(path.parent.iterdir()) == [path]


def test_a_database_of_another_program_is_refused_and_stays_as_it_is(path: Path) -> None:
    path.parent.mkdir()
    change(path, "CREATE TABLE consumption (meter_no TEXT)")
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="belongs to another program"):
        SqliteHistory(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("statement", ["DELETE FROM history_version", "UPDATE history_version SET version = 'x'"])
def test_a_history_that_does_not_say_its_version_is_refused(path: Path, statement: str) -> None:
    write_once(path, hours(1))
    change(path, statement)
    with pytest.raises(ConfigError, match="does not say its version"):
        SqliteHistory(path)


def test_what_is_no_file_is_refused_without_waiting_for_it(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="expected a file for the history"):
        SqliteHistory(path)


def test_a_file_where_its_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(HistoryError, match="state"):
        SqliteHistory(tmp_path / "state" / "history.sqlite3")


def test_a_file_that_gets_damaged_says_so(path: Path) -> None:
    write_once(path, hours(*range(5000)))
    store = SqliteHistory(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(HistoryError, match="the history cannot be read: the file is damaged"):
        store.read(METER, "hour", 0, ENDLESS_S)
    store.close()


# Versions.


def _add_quality(connection: sa.Connection) -> None:
    connection.execute(sa.text("ALTER TABLE history_value ADD COLUMN quality INTEGER"))


def _stumble(connection: sa.Connection) -> None:
    connection.execute(sa.text("CREATE TABLE half_done (id INTEGER)"))
    connection.execute(sa.text("no statement"))


def test_an_older_file_is_brought_forward_step_by_step_with_its_values(path: Path) -> None:
    write_once(path, hours(1, None))
    store = SqliteHistory(path, (*MIGRATIONS, _add_quality))
    assert store.read(METER, "hour", 0, ENDLESS_S) == hours(1, None)
    store.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT version FROM history_version").fetchall() == [(2,)]
        assert connection.execute("SELECT quality FROM history_value").fetchall() == [(None,), (None,)]
    with pytest.raises(ConfigError, match="version 2"):
        SqliteHistory(path)


def test_a_step_that_fails_leaves_the_file_at_its_version(path: Path) -> None:
    write_once(path, hours(1))
    with pytest.raises(HistoryError, match="cannot be opened"):
        SqliteHistory(path, (*MIGRATIONS, _add_quality, _stumble))
    assert read_once(path) == hours(1)
    with closing(sqlite3.connect(path)) as connection:
        assert "half_done" not in {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}


def test_a_deck_that_runs_stops_writing_when_a_newer_one_brought_the_file_forward(path: Path) -> None:
    old = SqliteHistory(path)
    SqliteHistory(path, (*MIGRATIONS, _add_quality)).close()
    with pytest.raises(HistoryError, match=r"version 2; nothing was written\. Start this wattdeck again"):
        old.write(METER, "hour", hours(1))
    old.close()


# Read-only disks.

PASS_OVER_PERMISSIONS = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""


@pytest.fixture
def powerless() -> Iterator[None]:
    """Permissions hold for root as well, in this thread."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "capset"):
        pytest.skip("permissions cannot be made to hold for root here")
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    powers = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, powers) == 0
    before = powers[0]
    powers[0] = before & ~PASS_OVER_PERMISSIONS
    assert libc.capset(header, powers) == 0
    yield
    powers[0] = before
    assert libc.capset(header, powers) == 0


@pytest.fixture
def read_only(path: Path, powerless: None) -> Iterator[Path]:
    """A history with two values in a folder where nothing can be written."""
    write_once(path, hours(1, 2))
    path.chmod(0o400)
    path.parent.chmod(0o500)
    yield path
    path.parent.chmod(0o700)


def test_on_a_read_only_disk_reading_goes_on_and_writing_says_why(read_only: Path) -> None:
    store = SqliteHistory(read_only)
    assert store.read(METER, "hour", 0, ENDLESS_S) == hours(1, 2)
    assert store.span(METER, "hour") == (0, HOUR_S) and store.series() == [(METER, "hour")]
    with pytest.raises(HistoryError, match="cannot be written: the file or its folder is read-only") as caught:
        store.write(METER, "hour", hours(3))
    assert str(read_only) in str(caught.value)
    assert store.read(METER, "hour", 0, ENDLESS_S) == hours(1, 2)
    store.close()


def test_a_file_that_became_writable_is_written_without_opening_it_again(read_only: Path) -> None:
    store = SqliteHistory(read_only)
    read_only.parent.chmod(0o700)
    read_only.chmod(0o600)
    assert store.write(METER, "hour", hours(3)) == 1
    store.close()
    assert read_once(read_only) == hours(3, 2)


def test_a_read_only_file_in_a_folder_that_can_be_written_is_read(read_only: Path) -> None:
    read_only.parent.chmod(0o700)
    store = SqliteHistory(read_only)
    assert store.read(METER, "hour", 0, ENDLESS_S) == hours(1, 2)
    with pytest.raises(HistoryError, match="read-only"):
        store.write(METER, "hour", hours(3))
    store.close()


def test_an_older_file_on_a_read_only_disk_cannot_be_brought_forward(read_only: Path) -> None:
    with pytest.raises(HistoryError, match="read-only"):
        SqliteHistory(read_only, (*MIGRATIONS, _add_quality))


def test_a_history_that_cannot_be_made_says_where(read_only: Path) -> None:
    for place in (read_only.with_name("new.sqlite3"), read_only.parent / "deeper" / "new.sqlite3"):
        with pytest.raises(HistoryError, match=r"cannot (be )?ma(k|d)e") as caught:
            SqliteHistory(place)
        assert str(read_only.parent) in str(caught.value)


def test_a_full_disk_says_so_and_keeps_what_was_there(path: Path) -> None:
    write_once(path, hours(1))
    store = SqliteHistory(path)
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 8")
    with pytest.raises(HistoryError, match="the disk is full"):
        store.write(METER, "hour", hours(*range(20_000)))
    assert store.read(METER, "hour", 0, 1) == [Value(0, 1, 100)]
    store.close()


# Size, and other databases.


def test_a_hundred_thousand_rows_are_written_renewed_and_read(path: Path) -> None:
    rows = [Value(number * HOUR_S, number / 8, 5) for number in range(100_000)]
    store = SqliteHistory(path)
    assert store.write(METER, "hour", rows) == 100_000
    assert store.read(METER, "hour", 0, ENDLESS_S) == rows
    assert store.write(METER, "hour", [Value(one.start_s, one.value, 6) for one in rows[-24:]]) == 0
    assert store.span(METER, "hour") == (0, 99_999 * HOUR_S)
    store.close()


def test_a_batch_of_many_hours_is_kept_in_several_transactions(path: Path) -> None:
    store = SqliteHistory(path)
    ended: list[object] = []
    sa.event.listen(store._engine, "commit", ended.append)
    store.write(METER, "hour", hours(*range(BATCH_ROWS + 1)))
    assert len(ended) == 2
    store.close()


@pytest.mark.parametrize("name", ["postgresql", "mysql"])
def test_the_tables_can_be_made_elsewhere(name: str) -> None:
    dialect = sa.make_url(f"{name}://").get_dialect()()
    for table in (SERIES, VALUE):
        words = str(sa.schema.CreateTable(table).compile(dialect=dialect))
        assert "WITHOUT ROWID" not in words and table.name in words


def test_another_session_that_wrote_the_same_row_in_between_is_no_error() -> None:
    """Where a transaction does not wait for its turn, the insert fails; the second look finds the row."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool)
    store = SqlHistory(engine, "elsewhere")
    store.migrate()
    store.write(METER, "hour", hours(1))
    failures = ["UNIQUE constraint failed"]

    def fail_once(*arguments: object) -> None:
        if "INSERT INTO history_value" in str(arguments[2]) and failures:
            raise sa.exc.IntegrityError(str(arguments[2]), None, sqlite3.IntegrityError(failures.pop()))

    sa.event.listen(engine, "before_cursor_execute", fail_once)
    assert store.write(METER, "hour", hours(1, 2)) == 1
    assert failures == [] and store.read(METER, "hour", 0, ENDLESS_S) == hours(1, 2)
    store.close()
