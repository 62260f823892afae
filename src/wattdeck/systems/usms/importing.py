"""Hourly values from the files of the public `usms` package into the history (usms.md 7).

The package keeps hours alone, as SQLite (table `consumption`) or CSV, with the same four columns: meter number, Unix
seconds of the hour's start, consumption in the meter's unit, Unix seconds of the last check. The file is only read.
Which version wrote it is not recorded: what 0.9 stored is an hour early (usms.md 4), and is taken as it stands.
"""

from __future__ import annotations

import csv
import math
import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from wattdeck.core.errors import UsageError
from wattdeck.core.history import MAX_SECONDS, History, Value
from wattdeck.core.language import tr
from wattdeck.core.reading import SourceId
from wattdeck.core.text import clean
from wattdeck.systems.usms.models import Period

COLUMNS = ("meter_no", "timestamp", "consumption", "last_checked")
HOUR_S = 3600
MAX_CONSUMPTION = 1e6
"""More in an hour, in kWh or m³, is no reading of a household."""
BATCH_ROWS = 50_000
MAX_ROWS = 20_000_000
MAX_LINE_LENGTH = 1000
SHOWN_PROBLEMS = 20

_SQLITE_MAGIC = b"SQLite format 3\0"
_METER = re.compile(r"[0-9]{1,20}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?", re.ASCII)

Problem = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What became of a file's rows."""

    rows: int
    """Rows that could be read."""
    written: int
    """Hours the history did not have a value for."""
    known: int
    """Hours it had one for; they were left as they are."""
    damaged: int
    """Rows that could not be read."""
    meters: tuple[str, ...]
    """Meters met, in the file's order."""
    problems: tuple[str, ...]
    """The first damaged rows, in words."""


def read_usms_file(path: Path, on_problem: Problem | None = None) -> Iterator[tuple[str, Value]]:
    """The meter number and value of each row, in the file's order; None of them is unknown.

    Args:
        path: an SQLite or CSV file of the package, told apart by what is in it.
        on_problem: told of each damaged row, which is left out.

    Raises:
        UsageError: it cannot be opened, or is neither.
    """
    tell = on_problem or _ignore
    try:
        if not path.is_file():
            words = tr("{path}: there is no such file. Name the package's file, usms.db or usms.csv.", path=path)
            raise UsageError(words)
        with path.open("rb") as file:
            is_sqlite = file.read(len(_SQLITE_MAGIC)) == _SQLITE_MAGIC
    except OSError as error:
        words = tr("{path}: cannot be read: {reason}", path=path, reason=error.strerror or error)
        raise UsageError(words) from None
    rows = _sqlite_rows(path, tell) if is_sqlite else _csv_rows(path, tell)
    for place, cells in rows:
        try:
            yield _row(cells)
        except ValueError as error:
            tell(tr("{path}, {place}: {problem}; left out", path=path, place=place, problem=error))


def import_usms(path: Path, history: History, source: SourceId) -> ImportCounts:
    """Put the hours of a file into the history of an account, as series `source/meter`.

    An hour that the history has a value for stays as it is: it was read from the portal itself.

    Raises:
        UsageError: the file cannot be opened, or is none of the package's.
        HistoryError: the history cannot be written; running it again goes on where it stopped.
    """
    tally = _Tally()
    rows = written = 0
    held: dict[str, list[Value]] = {}
    for number, value in read_usms_file(path, tally):
        held.setdefault(number, []).append(value)
        rows += 1
        if rows % BATCH_ROWS == 0:
            written += _flush(held, history, source)
    written += _flush(held, history, source)
    return ImportCounts(rows, written, rows - written, tally.damaged, tuple(held), tuple(tally.problems))


class _Tally:
    """Counts damaged rows and keeps the words of the first."""

    def __init__(self) -> None:
        self.damaged = 0
        self.problems: list[str] = []

    def __call__(self, words: str) -> None:
        self.damaged += 1
        if self.damaged <= SHOWN_PROBLEMS:
            self.problems.append(words)


def _flush(held: dict[str, list[Value]], history: History, source: SourceId) -> int:
    """Write what the history lacks of the values held, and hold none; how many were written."""
    written = 0
    for number, values in held.items():
        if not values:
            continue
        series, period = f"{source}/{number}", Period.HOUR.value
        starts = [one.start_s for one in values]
        before = history.read(series, period, min(starts), max(starts) + 1)
        known = {one.start_s for one in before if one.value is not None}
        written += history.write(series, period, [one for one in values if one.start_s not in known])
        held[number] = []
    return written


def _ignore(words: str) -> None:
    """Nobody wants to know."""


def _row(cells: Sequence[object]) -> tuple[str, Value]:
    """Raises ValueError with the cell that is wrong."""
    meter, timestamp, consumption, last_checked = cells
    number = str(meter).strip() if isinstance(meter, (str, int)) else ""
    if not _METER.fullmatch(number):
        raise ValueError(tr("{value} is no meter number", value=_shown(meter)))
    start = _number(timestamp)
    if start is None or start % HOUR_S or not 0 < start <= MAX_SECONDS:
        raise ValueError(tr("{value} is not the Unix time of a full hour", value=_shown(timestamp)))
    value = _number(consumption)
    if value is None or abs(value) > MAX_CONSUMPTION:
        raise ValueError(tr("{value} is no consumption", value=_shown(consumption)))
    checked = _number(last_checked)
    if checked is None or not 0 <= checked <= MAX_SECONDS:
        raise ValueError(tr("{value} is not the Unix time of a check", value=_shown(last_checked)))
    return number, Value(int(start), value, int(checked))


def _number(cell: object) -> float | None:
    """A finite number, or None."""
    if isinstance(cell, str):
        cell = cell.strip()
        if not _NUMBER.fullmatch(cell):
            return None
    elif not isinstance(cell, (int, float)):
        return None
    value = float(cell)
    return value if math.isfinite(value) else None


def _shown(cell: object) -> str:
    return repr(clean(str(cell), 40))


def _sqlite_rows(path: Path, tell: Problem) -> Iterator[tuple[str, Sequence[object]]]:
    """The place and cells of each row of the table; stops at a page that is damaged."""
    with closing(_open_table(path)) as connection:
        number = 0
        try:
            # No ORDER BY: sorting would read everything before the first row comes.
            for number, cells in enumerate(connection.execute(f"SELECT {', '.join(COLUMNS)} FROM consumption"), 1):  # noqa: S608
                if number > MAX_ROWS:
                    tell(tr("{path}: more than {count} rows; the rest is left out", path=path, count=MAX_ROWS))
                    return
                yield tr("row {number}", number=number), cells
        except sqlite3.Error as error:
            tell(tr("{path}, after row {number}: {problem}; the rest cannot be read", path=path, number=number,
                    problem=clean(str(error))))  # fmt: skip


def _open_table(path: Path) -> sqlite3.Connection:
    """The database, for reading only, with the package's table in it.

    Raises:
        UsageError: it cannot be opened, or has no such table.
    """
    words = tr("it cannot be opened")
    # On a read-only disk a write-ahead log can only be passed over.
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)
        try:
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            schema = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'consumption'"
            tables = connection.execute(schema).fetchone()[0]
            columns = {row[1] for row in connection.execute("PRAGMA table_info(consumption)")}
        except sqlite3.Error as error:
            connection.close()
            words = clean(str(error))
            continue
        if tables and columns.issuperset(COLUMNS):
            return connection
        connection.close()
        raise UsageError(
            tr("{path}: no file of the usms package; expected a table consumption ({columns}).", path=path,
               columns=", ".join(COLUMNS))
        )  # fmt: skip
    raise UsageError(
        tr("{path}: this database cannot be read: {reason}. Close the program that writes it, or try a copy.",
           path=path, reason=words)
    )  # fmt: skip


def _csv_rows(path: Path, tell: Problem) -> Iterator[tuple[str, Sequence[object]]]:
    """The place and cells of each line after the header."""
    try:
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
            header = [name.strip() for name in _cells(file.readline(MAX_LINE_LENGTH))]
            if not set(COLUMNS).issubset(header):
                words = tr("{path}: no file of the usms package; expected the header {columns}.", path=path,
                           columns=",".join(COLUMNS))  # fmt: skip
                raise UsageError(words)
            places = [header.index(name) for name in COLUMNS]
            for number, line in _lines(file):
                if number > MAX_ROWS:
                    tell(tr("{path}: more than {count} lines; the rest is left out", path=path, count=MAX_ROWS))
                    return
                cells = _cells(line)
                if len(cells) == len(header) and len(line) <= MAX_LINE_LENGTH:
                    yield tr("line {number}", number=number), [cells[place] for place in places]
                elif cells:
                    tell(tr("{path}, line {number}: {value} has not the {count} columns; left out", path=path,
                            number=number, value=_shown(line.strip()), count=len(header)))  # fmt: skip
    except OSError as error:
        words = tr("{path}: cannot be read: {reason}", path=path, reason=error.strerror or error)
        raise UsageError(words) from None


def _lines(file: TextIO) -> Iterator[tuple[int, str]]:
    """Lines from the second on with their number, each cut one past `MAX_LINE_LENGTH`."""
    number = 1
    while line := file.readline(MAX_LINE_LENGTH + 1):
        number += 1
        yield number, line
        while line and not line.endswith("\n"):
            line = file.readline(MAX_LINE_LENGTH + 1)


def _cells(line: str) -> list[str]:
    """The cells of one line; a quote that is never closed ends with it."""
    try:
        return next(csv.reader([line.rstrip("\r\n")]), [])
    except csv.Error:
        return [line]
