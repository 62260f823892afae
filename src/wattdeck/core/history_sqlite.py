"""The history in an SQLite file: private, shared by any number of sessions of one host, safe against `kill -9`.

What `write` has returned for is on the disk (write-ahead log, synchronous FULL); a batch that was being written when
the process or the machine stopped is gone whole. A file is first looked at for reading only: one that is of a newer
version, or no history, is refused without a byte of it changing.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.pool import QueuePool, StaticPool

from wattdeck.core.errors import ConfigError
from wattdeck.core.history import HistoryError, cannot_words, make_folder
from wattdeck.core.history_sql import MIGRATIONS, VERSION, WRITES, Migration, SqlHistory
from wattdeck.core.language import later, tr
from wattdeck.core.text import clean

BUSY_S = 10.0
"""How long to wait for another session that is writing."""

WRITABLE = "mode=rw"
READ_ONLY = "mode=ro"
FROZEN = "mode=ro&immutable=1"
"""On a read-only disk, where SQLite could not make its shared memory beside the file."""

_CANNOT_WRITE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR}
_REASONS = {
    sqlite3.SQLITE_READONLY: later("the file or its folder is read-only. Make both writable for this user."),
    sqlite3.SQLITE_CANTOPEN: later("the file or its folder cannot be opened. Check owner and permissions of both."),
    sqlite3.SQLITE_PERM: later("the file's permissions do not allow it. Check its owner and permissions."),
    sqlite3.SQLITE_FULL: later("the disk is full. Free some space."),
    sqlite3.SQLITE_BUSY: later("another session kept it locked for {seconds} s. Try again, or close that session."),
    sqlite3.SQLITE_IOERR: later("the disk does not read or write it. Check the disk."),
    sqlite3.SQLITE_CORRUPT: later("the file is damaged. Move it away, or restore a copy."),
    sqlite3.SQLITE_NOTADB: later("the file is no longer a database. Move it away, or restore a copy."),
}


class SqliteHistory(SqlHistory):
    """A history in one file. Where the disk is read-only it can be read, and each write first tries anew."""

    def __init__(self, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        """Open the file, made with its folder if it is not there.

        Raises:
            ConfigError: it is no history, or one of a newer version. It was not changed.
            HistoryError: it can neither be made nor read.
        """
        self._path = path.absolute()
        self._mode = READ_ONLY
        self._opening = threading.Lock()
        engine = sa.create_engine(
            "sqlite://", creator=self._connect, poolclass=QueuePool, pool_size=1, max_overflow=9, hide_parameters=True
        )
        sa.event.listen(engine, "begin", _begin)
        super().__init__(engine, str(path), migrations)
        _make_file(self._path)
        self._look()
        try:
            if self._can_write():
                self.migrate()
            else:
                self._require_readable()
        except BaseException:
            self.close()
            raise

    def _connect(self) -> sqlite3.Connection:
        return _connect(self._path, self._mode)

    def _look(self) -> None:
        """Find out how the file can be read, and refuse a newer version or no history, without writing to it."""
        try:
            self._mode, tables = _tables_of(self._path)
        except sqlite3.DatabaseError as error:
            if _code(error) == sqlite3.SQLITE_NOTADB:
                raise ConfigError(
                    tr(
                        "{file}: this file is no SQLite database; expected a history of wattdeck. Nothing was changed. "
                        "Move the file away, or name another.",
                        file=self._path,
                    )
                ) from None
            raise HistoryError(cannot_words(self._path, "opened", _words(error))) from None
        if tables and VERSION.name not in tables:
            raise ConfigError(
                tr(
                    "{file}: this database belongs to another program; expected a history of wattdeck. "
                    "Nothing was changed. Name another file.",
                    file=self._path,
                )
            )
        try:
            with self._errors("opened"), self._reading() as connection:
                self._version(connection)
        finally:
            self._engine.dispose()

    def _can_write(self) -> bool:
        """Whether the file can be written now; if so, it is from now on opened for that."""
        try:
            with closing(_connect(self._path, WRITABLE)) as connection:
                _use_wal(connection)
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
        except sqlite3.DatabaseError as error:
            if _code(error) in _CANNOT_WRITE:
                return False
            raise HistoryError(cannot_words(self._path, "opened", _words(error))) from None
        self._mode = WRITABLE
        self._engine.dispose()
        return True

    def _require_readable(self) -> None:
        """An older schema cannot be brought forward on a read-only disk."""
        with self._errors("opened"), self._reading() as connection:
            if self._version(connection) < len(self._migrations):
                raise HistoryError(cannot_words(self._path, "made", tr(_REASONS[sqlite3.SQLITE_READONLY])))

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self._opening:
            if self._mode != WRITABLE and not self._can_write():
                raise HistoryError(cannot_words(self._path, "written", tr(_REASONS[sqlite3.SQLITE_READONLY])))
        with super()._writing() as connection:
            yield connection

    def _reason(self, error: exc.SQLAlchemyError) -> str:
        original = getattr(error, "orig", None)
        return _words(original) if isinstance(original, sqlite3.Error) else super()._reason(error)


class MemoryHistory(SqlHistory):
    """A history that is gone when it is closed. Its one connection goes from thread to thread, one at a time."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        engine = sa.create_engine(
            "sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False, "isolation_level": None}
        )
        sa.event.listen(engine, "begin", _begin)
        super().__init__(engine, tr("the history in memory"))
        self.migrate()

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        with self._turn, super()._reading() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        with self._turn, super()._writing() as connection:
            yield connection


def _begin(connection: sa.Connection) -> None:
    """A transaction that will write takes its turn at once: one that first read could not wait for it later."""
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    # Transactions are begun by `_begin`, not guessed from the statement.
    connection = sqlite3.connect(
        f"{path.as_uri()}?{mode}", uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _make_file(path: Path) -> None:
    """An empty private file, unless there is one; SQLite gives the files beside it the same mode."""
    try:
        if path.exists():
            if not path.is_file():
                raise ConfigError(
                    tr("{path}: expected a file for the history, found something else. Name another.", path=path)
                )
            return
        make_folder(path.parent)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise HistoryError(
            tr(
                "{path}: the history cannot be made: {reason}. Check the folder, or name another.",
                path=path,
                reason=error.strerror or error,
            )
        ) from None


def _tables_of(path: Path) -> tuple[str, set[str]]:
    """How the file can be read, and the names of its tables."""
    for mode in (READ_ONLY, FROZEN):
        try:
            with closing(_connect(path, mode)) as connection:
                return mode, {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
        except sqlite3.DatabaseError as error:
            if mode == FROZEN or _code(error) not in _CANNOT_WRITE:
                raise
    raise AssertionError("the last mode either returns or raises")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turn on the write-ahead log, once in a file's life. SQLite does not wait for others here, so this does."""
    deadline = time.monotonic() + BUSY_S
    while connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            # A file system without shared memory keeps its rollback journal, which is as safe and slower.
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _code(error: BaseException) -> int:
    """SQLite's primary result code; 0 if the error came from elsewhere."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _words(error: BaseException) -> str:
    """What went wrong and what to do."""
    known = _REASONS.get(_code(error))
    if known is not None:
        return tr(known).format(seconds=f"{BUSY_S:g}")
    return tr("{error}. Check the file, or name another.", error=clean(str(error)))
