"""Files of the public `usms` package into the history: every good row, no bad one, and the file as it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.errors import UsageError
from wattdeck.core.history import History, Value, open_history
from wattdeck.systems.usms import importing
from wattdeck.systems.usms.importing import ImportCounts, import_usms, read_usms_file

SOURCE = "usms/contoh"
ELECTRICITY, WATER = "12345678", "2402007817"
FIRST_S = 1_791_734_400
"""2026-10-12 00:00 in Brunei."""
HOUR_S = 3600
HEADER = "meter_no,timestamp,consumption,last_checked\n"
ENDLESS_S = 10**12

Row = tuple[object, object, object, object]
ROWS: list[Row] = [
    (ELECTRICITY, FIRST_S, 0.512, FIRST_S + 90_000),
    (ELECTRICITY, FIRST_S + HOUR_S, 0.0, FIRST_S + 90_000),
    (WATER, FIRST_S, 0.031, FIRST_S + 90_000),
]


def sqlite_file(path: Path, rows: Sequence[Row], columns: str = "") -> Path:
    """What the package writes, or with other columns what it does not."""
    strict = (
        "meter_no TEXT NOT NULL, timestamp INTEGER NOT NULL, consumption REAL NOT NULL, last_checked INTEGER NOT NULL, "
        "PRIMARY KEY (meter_no, timestamp)"
    )
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE consumption ({columns or strict})")
        connection.executemany("INSERT INTO consumption VALUES (?, ?, ?, ?)", rows)
    return path


def csv_file(path: Path, rows: Sequence[Row]) -> Path:
    """What the package writes."""
    path.write_text(HEADER + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


@pytest.fixture(params=["usms.db", "usms.csv"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    make = sqlite_file if request.param.endswith("db") else csv_file
    return make(tmp_path / request.param, ROWS)


@pytest.fixture
def history() -> Iterator[History]:
    store = open_history("sqlite://")
    yield store
    store.close()


def hours_of(history: History, meter: str) -> list[Value]:
    return history.read(f"{SOURCE}/{meter}", "hour", 0, ENDLESS_S)


def test_each_row_is_a_value_of_its_meter(file: Path) -> None:
    assert list(read_usms_file(file)) == [
        (ELECTRICITY, Value(FIRST_S, 0.512, FIRST_S + 90_000)),
        (ELECTRICITY, Value(FIRST_S + HOUR_S, 0.0, FIRST_S + 90_000)),
        (WATER, Value(FIRST_S, 0.031, FIRST_S + 90_000)),
    ]


def test_the_hours_come_into_the_history_of_the_account(file: Path, history: History) -> None:
    assert import_usms(file, history, SOURCE) == ImportCounts(3, 3, 0, 0, (ELECTRICITY, WATER), ())
    assert [one.value for one in hours_of(history, ELECTRICITY)] == [0.512, 0.0]
    assert history.series() == [(f"{SOURCE}/{ELECTRICITY}", "hour"), (f"{SOURCE}/{WATER}", "hour")]


def test_the_file_and_its_folder_stay_as_they_are(file: Path, history: History) -> None:
    before = file.read_bytes(), file.stat().st_mtime_ns
    import_usms(file, history, SOURCE)
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before and list(file.parent.iterdir()) == [file]


def test_importing_twice_adds_nothing(file: Path, history: History) -> None:
    import_usms(file, history, SOURCE)
    before = hours_of(history, ELECTRICITY)
    counts = import_usms(file, history, SOURCE)
    assert (counts.rows, counts.written, counts.known) == (3, 0, 3) and hours_of(history, ELECTRICITY) == before


def test_what_the_portal_itself_said_stays_and_its_silence_is_filled(file: Path, history: History) -> None:
    asked = [Value(FIRST_S, 0.6, FIRST_S + 10 * HOUR_S), Value(FIRST_S + HOUR_S, None, FIRST_S + 10 * HOUR_S)]
    history.write(f"{SOURCE}/{ELECTRICITY}", "hour", asked)
    counts = import_usms(file, history, SOURCE)
    assert (counts.written, counts.known) == (2, 1)
    assert [one.value for one in hours_of(history, ELECTRICITY)] == [0.6, 0.0]


LOOSE = "meter_no, timestamp, consumption, last_checked"
DAMAGED: list[tuple[Row, str]] = [
    (("", FIRST_S, 1.0, FIRST_S), "no meter number"),
    (("12/../34", FIRST_S, 1.0, FIRST_S), "no meter number"),
    (("١٢٣", FIRST_S, 1.0, FIRST_S), "no meter number"),
    ((ELECTRICITY, "soon", 1.0, FIRST_S), "not the Unix time of a full hour"),
    ((ELECTRICITY, FIRST_S + 60, 1.0, FIRST_S), "not the Unix time of a full hour"),
    ((ELECTRICITY, FIRST_S * 1000, 1.0, FIRST_S), "not the Unix time of a full hour"),
    ((ELECTRICITY, -HOUR_S, 1.0, FIRST_S), "not the Unix time of a full hour"),
    ((ELECTRICITY, FIRST_S, "nan", FIRST_S), "no consumption"),
    ((ELECTRICITY, FIRST_S, "1e400", FIRST_S), "no consumption"),
    ((ELECTRICITY, FIRST_S, 1e300, FIRST_S), "no consumption"),
    ((ELECTRICITY, FIRST_S, "", FIRST_S), "no consumption"),
    ((ELECTRICITY, FIRST_S, "-", FIRST_S), "no consumption"),
    ((ELECTRICITY, FIRST_S, 1.0, "never"), "not the Unix time of a check"),
]


@pytest.mark.parametrize(("row", "words"), DAMAGED)
@pytest.mark.parametrize("name", ["usms.db", "usms.csv"])
def test_a_damaged_row_is_named_and_the_others_come_in(
    name: str, row: Row, words: str, tmp_path: Path, history: History
) -> None:
    rows = [ROWS[0], row, ROWS[2]]
    path = tmp_path / name
    file = csv_file(path, rows) if name.endswith("csv") else sqlite_file(path, rows, LOOSE)
    counts = import_usms(file, history, SOURCE)
    assert (counts.rows, counts.written, counts.damaged) == (2, 2, 1)
    place = "line 3" if name.endswith("csv") else "row 2"
    assert counts.problems[0].startswith(f"{path}, {place}: ") and words in counts.problems[0]


@pytest.mark.parametrize("cell", [None, b"\xff\x00", float("inf")])
def test_cells_that_only_a_database_can_hold_are_damage_too(cell: object, tmp_path: Path, history: History) -> None:
    rows: list[Row] = [(cell, FIRST_S, 1.0, 5), (ELECTRICITY, cell, 1.0, 5), (ELECTRICITY, FIRST_S, cell, 5), ROWS[1]]
    counts = import_usms(sqlite_file(tmp_path / "x.db", rows, LOOSE), history, SOURCE)
    assert (counts.written, counts.damaged) == (1, 3)


@pytest.mark.parametrize(
    "line", ["12345678", "1,2,3,4,5", '"12345678,1,2,3', "\x1b[31m\x00,,,", "7" * 5000, "\ufffd", "x,,,"]
)
def test_a_line_that_is_no_row_is_named_and_passed_over(line: str, tmp_path: Path, history: History) -> None:
    good = ",".join(map(str, ROWS[0]))
    path = tmp_path / "usms.csv"
    path.write_text(f"{HEADER}{line}\n{good}\n")
    counts = import_usms(path, history, SOURCE)
    assert (counts.written, counts.damaged) == (1, 1)
    assert ", line 2: " in counts.problems[0] and "\x1b" not in counts.problems[0] and len(counts.problems[0]) < 400


def test_only_the_first_damaged_rows_are_kept_in_words(tmp_path: Path, history: History) -> None:
    path = tmp_path / "usms.csv"
    path.write_text(HEADER + "bad,,,\n" * 1000)
    counts = import_usms(path, history, SOURCE)
    assert counts.damaged == 1000 and len(counts.problems) == importing.SHOWN_PROBLEMS


def test_columns_in_another_order_and_a_byte_order_mark_are_understood(tmp_path: Path) -> None:
    path = tmp_path / "usms.csv"
    path.write_bytes(
        b"\xef\xbb\xbf,timestamp,meter_no,last_checked,consumption\r\n"
        + f"0,{FIRST_S}.0,{ELECTRICITY},{FIRST_S},1.25\r\n".encode()
    )
    assert list(read_usms_file(path)) == [(ELECTRICITY, Value(FIRST_S, 1.25, FIRST_S))]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "expected the header"),
        (b"start_s,value,checked_s\n", "expected the header"),
        (b"\x89PNG\r\n\x1a\n\0\0", "expected the header"),
        (b"SQLite format 3\0" + b"?" * 5000, "this database cannot be read"),
    ],
)
def test_a_file_of_something_else_is_refused(content: bytes, words: str, tmp_path: Path, history: History) -> None:
    path = tmp_path / "usms.db"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=words):
        import_usms(path, history, SOURCE)
    assert path.read_bytes() == content and history.series() == []


def test_a_database_without_the_table_is_refused(tmp_path: Path) -> None:
    for number, statement in enumerate(("CREATE TABLE other (a)", "CREATE TABLE consumption (meter_no, timestamp)")):
        path = tmp_path / f"{number}.db"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(statement)
        with pytest.raises(UsageError, match="expected a table consumption"):
            list(read_usms_file(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "usms.db", tmp_path):
        with pytest.raises(UsageError, match="there is no such file"):
            list(read_usms_file(path))


def test_a_database_damaged_in_the_middle_gives_what_comes_before(tmp_path: Path, history: History) -> None:
    rows: list[Row] = [(ELECTRICITY, FIRST_S + number * HOUR_S, 1.0, FIRST_S) for number in range(20_000)]
    path = sqlite_file(tmp_path / "usms.db", rows)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 40_000)
    counts = import_usms(path, history, SOURCE)
    assert 0 < counts.written < 20_000 and len(hours_of(history, ELECTRICITY)) == counts.written
    assert "the rest cannot be read" in counts.problems[-1]


def test_a_large_file_comes_in_pieces_and_whole(
    tmp_path: Path, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 70)
    rows: list[Row] = [
        (meter, FIRST_S + number * HOUR_S, number / 8, FIRST_S)
        for number in range(300)
        for meter in (ELECTRICITY, WATER)
    ]
    counts = import_usms(csv_file(tmp_path / "usms.csv", rows), history, SOURCE)
    assert counts.written == 600
    for meter in (ELECTRICITY, WATER):
        assert [one.value for one in hours_of(history, meter)] == [number / 8 for number in range(300)]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=40), max_size=10))
def test_any_text_is_read_without_an_error(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = tmp_path_factory.mktemp("any") / "usms.csv"
    path.write_text(HEADER + "\n".join(lines), encoding="utf-8")
    told: list[str] = []
    for number, value in read_usms_file(path, told.append):
        assert number.isdigit() and value.start_s % HOUR_S == 0
    assert all(one.startswith(str(path)) for one in told)
