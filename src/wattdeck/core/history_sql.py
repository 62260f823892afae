"""The history in a database, through SQLAlchemy Core. Importing this module costs 200 ms: do so in a thread.

One schema with one version row. Older databases are brought forward step by step in one transaction; newer ones
are refused before anything in them changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from wattdeck.core.errors import ConfigError
from wattdeck.core.history import History, HistoryError, Value, cannot_words, in_order, merged, require_names
from wattdeck.core.language import tr
from wattdeck.core.text import clean

BATCH_ROWS = 1000
"""Rows of one transaction: more than a month of hours, and short enough that another session hardly waits."""
ATTEMPTS = 3
"""How often a batch is tried when another session wrote the same rows between our look and our write."""
WRITES = "history_writes"
"""Execution option of a connection whose transaction will write."""

Migration = Callable[[sa.Connection], None]


def _tables(metadata: sa.MetaData) -> tuple[sa.Table, sa.Table, sa.Table]:
    """The tables of version 1. What a later version changes it changes in a migration of its own."""
    version = sa.Table("history_version", metadata, sa.Column("version", sa.Integer, nullable=False))
    series = sa.Table(
        "history_series",
        metadata,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("series", sa.String(80), nullable=False),
        sa.Column("period", sa.String(20), nullable=False),
        sa.UniqueConstraint("series", "period", name="history_series_once"),
    )
    value = sa.Table(
        "history_value",
        metadata,
        sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("start_s", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("value", sa.Double),
        sa.Column("checked_s", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    return version, series, value


VERSION, SERIES, VALUE = _tables(sa.MetaData())


def _make_tables(connection: sa.Connection) -> None:
    metadata = sa.MetaData()
    _tables(metadata)
    metadata.create_all(connection)


MIGRATIONS: tuple[Migration, ...] = (_make_tables,)
"""Step n brings version n - 1 to n; 0 is an empty database."""

_KEEP = sa.insert(VALUE)
_RENEW = (
    sa.update(VALUE)
    .where(VALUE.c.series_id == sa.bindparam("of_series"), VALUE.c.start_s == sa.bindparam("at"))
    .values(value=sa.bindparam("to_value"), checked_s=sa.bindparam("to_checked"))
)


class SqlHistory:
    """A history in any database that SQLAlchemy knows."""

    def __init__(self, engine: sa.Engine, place: str, migrations: Sequence[Migration] = MIGRATIONS) -> None:
        self._engine = engine
        self._place = place
        self._migrations = migrations

    def migrate(self) -> None:
        """Bring the database to this version.

        Raises:
            ConfigError: it is newer, or no history.
            HistoryError: it cannot be reached or written.
        """
        with self._errors("opened"):
            with self._reading() as connection:
                if self._version(connection) == len(self._migrations):
                    return
            with self._writing() as connection:
                # Another session may have done it while this one waited for its turn.
                known = self._version(connection)
                for step in self._migrations[known:]:
                    step(connection)
                if known < len(self._migrations):
                    connection.execute(sa.delete(VERSION))
                    connection.execute(sa.insert(VERSION).values(version=len(self._migrations)))

    def write(self, series: str, period: str, values: Sequence[Value]) -> int:
        """See `History.write`. Batches of `BATCH_ROWS` are kept whole or not at all, in ascending order."""
        rows = in_order(series, period, values)
        changed = 0
        for first in range(0, len(rows), BATCH_ROWS):
            changed += self._write_batch(series, period, rows[first : first + BATCH_ROWS])
        return changed

    def read(self, series: str, period: str, start_s: int, end_s: int) -> list[Value]:
        """See `History.read`."""
        require_names(series, period)
        wanted = (
            sa.select(VALUE.c.start_s, VALUE.c.value, VALUE.c.checked_s)
            .join(SERIES, SERIES.c.id == VALUE.c.series_id)
            .where(SERIES.c.series == series, SERIES.c.period == period)
            .where(VALUE.c.start_s >= start_s, VALUE.c.start_s < end_s)
            .order_by(VALUE.c.start_s)
        )
        with self._errors("read"), self._reading() as connection:
            return [Value(start, value, checked) for start, value, checked in connection.execute(wanted)]

    def span(self, series: str, period: str) -> tuple[int, int] | None:
        """See `History.span`."""
        require_names(series, period)
        with self._errors("read"), self._reading() as connection:
            series_id = _series_id(connection, series, period)
            of_series = VALUE.c.series_id == series_id
            # One question each: together they would walk the whole series.
            earliest = connection.scalar(sa.select(sa.func.min(VALUE.c.start_s)).where(of_series))
            latest = connection.scalar(sa.select(sa.func.max(VALUE.c.start_s)).where(of_series))
        return None if earliest is None or latest is None else (earliest, latest)

    def series(self) -> list[tuple[str, str]]:
        """See `History.series`."""
        with self._errors("read"), self._reading() as connection:
            return sorted(
                (name, period) for name, period in connection.execute(sa.select(*SERIES.c["series", "period"]))
            )

    def close(self) -> None:
        """See `History.close`."""
        self._engine.dispose()

    def _write_batch(self, series: str, period: str, rows: Sequence[Value]) -> int:
        with self._errors("written"):
            for attempt in range(ATTEMPTS):
                try:
                    with self._writing() as connection:
                        self._require_version(connection)
                        return _keep(connection, series, period, rows)
                except exc.IntegrityError:
                    if attempt == ATTEMPTS - 1:
                        raise
        raise AssertionError("an attempt either returns or raises")

    @contextmanager
    def _reading(self) -> Iterator[sa.Connection]:
        """One transaction that only reads."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """One transaction that writes."""
        with self._engine.connect() as connection:
            connection = connection.execution_options(**{WRITES: True})
            with connection.begin():
                yield connection

    def _version(self, connection: sa.Connection) -> int:
        """The version of the schema, 0 for none yet.

        Raises:
            ConfigError: it is newer than this wattdeck, or makes no sense.
        """
        if not sa.inspect(connection).has_table(VERSION.name):
            return 0
        found = connection.scalars(sa.select(VERSION.c.version).limit(2)).all()
        if len(found) != 1 or not isinstance(found[0], int) or found[0] < 1:
            raise ConfigError(
                tr("{place}: this history does not say its version; it is damaged. Restore a copy.", place=self._place)
            )
        if found[0] > len(self._migrations):
            raise ConfigError(
                tr(
                    "{place}: this history is of version {version}, made by a newer wattdeck; this one knows "
                    "up to {most}. Nothing was changed. Update wattdeck, or name another file.",
                    place=self._place,
                    version=found[0],
                    most=len(self._migrations),
                )
            )
        return found[0]

    def _require_version(self, connection: sa.Connection) -> None:
        """A newer wattdeck may have brought the database forward while this one ran."""
        found = connection.scalar(sa.select(VERSION.c.version))
        if found != len(self._migrations):
            raise HistoryError(
                tr(
                    "{place}: another wattdeck brought this history to version {found}; nothing was written. "
                    "Start this wattdeck again.",
                    place=self._place,
                    found=found,
                )
            )

    def _reason(self, error: exc.SQLAlchemyError) -> str:
        """What went wrong and what to do, in words."""
        words = str(getattr(error, "orig", None) or error).partition("\n")[0]
        return tr("{words}. Check that the database runs and lets wattdeck in.", words=clean(words))

    @contextmanager
    def _errors(self, done: str) -> Iterator[None]:
        """Turn what the library raises into a sentence."""
        try:
            yield
        except exc.SQLAlchemyError as error:
            # Not chained: the library's own words may hold the URL with its password.
            raise HistoryError(cannot_words(self._place, done, self._reason(error))) from None


def _series_id(connection: sa.Connection, series: str, period: str) -> int | None:
    return connection.scalar(sa.select(SERIES.c.id).where(SERIES.c.series == series, SERIES.c.period == period))


def _keep(connection: sa.Connection, series: str, period: str, rows: Sequence[Value]) -> int:
    """Write ascending rows within a transaction; how many are new or changed."""
    series_id = _series_id(connection, series, period)
    if series_id is None:
        connection.execute(sa.insert(SERIES).values(series=series, period=period))
        series_id = _series_id(connection, series, period)
    known = {
        start: Value(start, value, checked)
        for start, value, checked in connection.execute(
            sa.select(VALUE.c.start_s, VALUE.c.value, VALUE.c.checked_s)
            .where(VALUE.c.series_id == series_id)
            .where(VALUE.c.start_s.between(rows[0].start_s, rows[-1].start_s))
        )
    }
    new: list[dict[str, Any]] = []
    renewed: list[dict[str, Any]] = []
    changed = 0
    for one in rows:
        before = known.get(one.start_s)
        if before is None:
            new.append({"series_id": series_id, "start_s": one.start_s, "value": one.value, "checked_s": one.checked_s})
            continue
        after = merged(before, one)
        changed += after.value != before.value
        if after != before:
            renewed.append(
                {"of_series": series_id, "at": one.start_s, "to_value": after.value, "to_checked": after.checked_s}
            )
    if new:
        connection.execute(_KEEP, new)
    if renewed:
        connection.execute(_RENEW, renewed)
    return len(new) + changed


def open_url(text: str) -> History:
    """Open the database a URL of SQLAlchemy names.

    Raises:
        ConfigError: it is no URL, or its driver is not installed or works only asynchronously.
        HistoryError: the database cannot be reached.
    """
    try:
        url = sa.make_url(text)
    except (exc.ArgumentError, ValueError):
        raise ConfigError(
            tr(
                "the history's URL cannot be read; expected dialect://user:password@host/database, such as "
                "postgresql+psycopg://wattdeck@db/energy"
            )
        ) from None
    # The query may hold a password as well.
    place = url.set(query={}).render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite":
        return _open_sqlite_url(url, place)
    try:
        if url.get_dialect().is_async:
            raise ConfigError(
                tr(
                    "{place}: {driver} works only asynchronously; name a synchronous driver",
                    place=place,
                    driver=url.drivername,
                )
            )
        engine = sa.create_engine(url, pool_pre_ping=True, pool_size=2, hide_parameters=True)
    except exc.NoSuchModuleError:
        raise ConfigError(
            tr("{place}: {driver} is no database that SQLAlchemy knows here", place=place, driver=url.drivername)
        ) from None
    except ModuleNotFoundError as error:
        raise ConfigError(
            tr(
                "{place}: the Python package {package} is needed beside wattdeck for this database",
                place=place,
                package=error.name,
            )
        ) from None
    except (exc.ArgumentError, TypeError) as error:
        raise ConfigError(
            tr("{place}: this URL cannot be used: {error}; check its options", place=place, error=type(error).__name__)
        ) from None
    history = SqlHistory(engine, place)
    history.migrate()
    return history


def _open_sqlite_url(url: sa.URL, place: str) -> History:
    from pathlib import Path

    from wattdeck.core.history_sqlite import MemoryHistory, SqliteHistory

    if url.query or (url.database or "").startswith("file:"):
        raise ConfigError(
            tr("{place}: expected the plain path of a file, such as sqlite:////srv/history.sqlite3", place=place)
        )
    if not url.database or url.database == ":memory:":
        return MemoryHistory()
    return SqliteHistory(Path(url.database))
