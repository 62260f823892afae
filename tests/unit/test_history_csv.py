"""The history in CSV: files a person can read and mend, whole at any moment."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_history import ENDLESS_S, HOUR_S, METER, hours
from test_history_sql import killed_after, powerless, process

from wattdeck.core import history_csv
from wattdeck.core.errors import ConfigError
from wattdeck.core.history import HistoryError, Value
from wattdeck.core.history_csv import HEADER, CsvHistory

__all__ = ["powerless"]

FILE = "usms%2fcontoh%2f12345678.hour.csv"
WHOLE = f"{HEADER}\n0,1.5,100\n3600,,100\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "history.csv"


@pytest.fixture
def store(folder: Path) -> CsvHistory:
    return CsvHistory(folder)


def test_one_file_a_series_and_period_with_a_header(store: CsvHistory, folder: Path) -> None:
    store.write(METER, "hour", hours(1.5, None))
    assert (folder / FILE).read_text() == WHOLE


def test_a_file_that_went_through_a_spreadsheet_is_read(store: CsvHistory, folder: Path) -> None:
    (folder / FILE).write_bytes(b"\xef\xbb\xbf" + WHOLE.replace("\n", "\r\n").encode() + b"\r\n")
    assert store.read(METER, "hour", 0, ENDLESS_S) == hours(1.5, None)


def test_lines_in_any_order_are_read_ascending(store: CsvHistory, folder: Path) -> None:
    (folder / FILE).write_text(f"{HEADER}\n3600,2,5\n0,1,5\n")
    assert [one.value for one in store.read(METER, "hour", 0, ENDLESS_S)] == [1, 2]


BAD_LINES = [
    "7200,nan,5",
    "7200,inf,5",
    "7200,1e999,5",
    "7200,1",
    "7200,1,5,6",
    "7200,1.5.5,5",
    "7_200,1,5",
    "x",
    "7200,1,",
    "999999999999,1,5",
    "٣,1,5",
    "\udcff\x00",
]


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_line_is_named_with_file_and_line_and_the_rest_is_used(
    line: str, store: CsvHistory, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    content = (WHOLE + line + "\n").encode("utf-8", "surrogateescape")
    (folder / FILE).write_bytes(content)
    assert store.read(METER, "hour", 0, ENDLESS_S) == hours(1.5, None)
    assert store.span(METER, "hour") == (0, HOUR_S)
    assert [one.getMessage().count(f"{FILE}, line 4: ") for one in caplog.records] == [1]
    with pytest.raises(HistoryError, match=rf"{FILE}, line 4: .* Nothing was written\. Mend or delete"):
        store.write(METER, "hour", hours(2))
    assert (folder / FILE).read_bytes() == content


def test_many_bad_lines_are_counted(store: CsvHistory, folder: Path) -> None:
    (folder / FILE).write_text(WHOLE + "x\n" * 10)
    with pytest.raises(HistoryError, match="And 7 more such lines"):
        store.write(METER, "hour", hours(2))


def test_a_mended_file_is_written_again(store: CsvHistory, folder: Path) -> None:
    (folder / FILE).write_text(WHOLE + "x\n")
    with pytest.raises(HistoryError):
        store.write(METER, "hour", hours(2))
    (folder / FILE).write_text(WHOLE)
    assert store.write(METER, "hour", hours(2)) == 1


@pytest.mark.parametrize("content", ["", "meter_no,timestamp,consumption,last_checked\n1,0,1,5\n", "\0"])
def test_a_file_with_another_header_is_refused_and_stays_as_it_is(
    content: str, store: CsvHistory, folder: Path
) -> None:
    (folder / FILE).write_text(content)
    with pytest.raises(HistoryError, match=rf"{FILE}, line 1: expected {HEADER}"):
        store.read(METER, "hour", 0, 1)
    with pytest.raises(HistoryError, match=rf"{FILE}, line 1: expected {HEADER}"):
        store.write(METER, "hour", hours(1))
    assert (folder / FILE).read_text() == content


def test_a_file_that_is_far_too_large_is_not_read(
    store: CsvHistory, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_csv, "MAX_FILE_BYTES", 10)
    (folder / FILE).write_text(WHOLE)
    with pytest.raises(HistoryError, match="this is no history"):
        store.read(METER, "hour", 0, ENDLESS_S)


def test_what_is_no_file_is_not_waited_for(store: CsvHistory, folder: Path) -> None:
    os.mkfifo(folder / FILE)
    with pytest.raises(HistoryError, match="cannot be read"):
        store.read(METER, "hour", 0, ENDLESS_S)


def test_a_file_in_the_place_of_the_folder_is_refused(folder: Path) -> None:
    folder.write_text("")
    with pytest.raises(ConfigError, match="is a folder, but this is a file"):
        CsvHistory(folder)


def test_other_files_in_the_folder_are_no_series(store: CsvHistory, folder: Path) -> None:
    for name in ("notes.txt", "table.csv", ".new-abc"):
        (folder / name).write_text("")
    store.write(METER, "hour", hours(1))
    assert store.series() == [(METER, "hour")]


def test_writing_what_is_there_does_not_touch_the_file(store: CsvHistory, folder: Path) -> None:
    store.write(METER, "hour", hours(1))
    before = (folder / FILE).stat().st_ino
    assert store.write(METER, "hour", hours(1)) == 0
    assert (folder / FILE).stat().st_ino == before


def test_two_stores_that_write_one_series_lose_nothing(store: CsvHistory, folder: Path) -> None:
    other = CsvHistory(folder)

    def write(to: CsvHistory, first: int) -> None:
        for number in range(first, 60, 2):
            to.write(METER, "hour", [Value(number * HOUR_S, number, 0)])

    threads = [threading.Thread(target=write, args=pair) for pair in ((store, 0), (other, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.value for one in store.read(METER, "hour", 0, ENDLESS_S)] == list(range(60))


def test_a_session_that_keeps_the_lock_is_waited_for_and_then_named(
    store: CsvHistory, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_csv, "LOCK_WAIT_S", 0.02)
    with store._alone(), pytest.raises(HistoryError, match="another session kept the history locked"):
        CsvHistory(folder).write(METER, "hour", hours(1))
    assert store.write(METER, "hour", hours(1)) == 1


def test_kill_9_leaves_a_whole_file(folder: Path) -> None:
    code = """
import itertools
for number in itertools.count():
    store.write("usms/contoh/12345678", "hour", [Value(hour * 3600, number, 0) for hour in range(900)])
    print(number, flush=True)
"""
    writer = process(code, folder)
    last = killed_after(writer, 5)
    assert writer.returncode == -signal.SIGKILL
    kept = CsvHistory(folder).read(METER, "hour", 0, ENDLESS_S)
    assert (
        len(kept) == 900 and {one.value for one in kept} <= {last, last + 1} and len({one.value for one in kept}) == 1
    )
    assert CsvHistory(folder).series() == [(METER, "hour")]


def test_on_a_read_only_disk_reading_goes_on_and_writing_says_why(
    store: CsvHistory, folder: Path, powerless: None
) -> None:
    store.write(METER, "hour", hours(1))
    folder.chmod(0o500)
    again = CsvHistory(folder)
    assert again.read(METER, "hour", 0, ENDLESS_S) == hours(1) and again.series() == [(METER, "hour")]
    with pytest.raises(HistoryError, match=r"the history cannot be written: Permission denied\. Check its owner"):
        again.write(METER, "hour", hours(2))
    assert {path.name for path in folder.iterdir()} == {FILE, ".lock"}
    folder.chmod(0o700)
    assert again.write(METER, "hour", hours(2)) == 1


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_a_value_or_none(text: str) -> None:
    one = history_csv._value(text)
    assert one is None or f"{one.start_s}" == str(int(text.partition(",")[0]))
