"""Measured values over time, kept so that nothing is asked for twice.

A *series* is what was measured (`system/source/object`), a *period* how long one value lasts (`hour`, `day`). Times
are Unix seconds of the period's start. All calls block and may come from any thread; on the event loop use
`anyio.to_thread`. The stores are in `history_memory`, `history_sqlite`, `history_sql` and `history_csv`, loaded when
one is opened.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from wattdeck.core.errors import ConfigError, WattdeckError
from wattdeck.core.language import tr
from wattdeck.core.paths import private_dir
from wattdeck.core.text import clean

FILE_NAME = "history.sqlite3"
IN_MEMORY = "memory://"
"""What to open for a history that is gone when it is closed."""
MAX_SERIES_BYTES = 80
"""UTF-8 length of a series' name: even percent-encoded it is a file name."""
MAX_SECONDS = 10**11
"""The year 5138. What is beyond are milliseconds taken for seconds."""

_PERIOD = re.compile(r"[a-z][a-z0-9]{0,19}")


class HistoryError(WattdeckError):
    """The history could not be read or written: the disk, a lock, a damaged file, a value that is none."""


@dataclass(frozen=True, slots=True)
class Value:
    """One measured period."""

    start_s: int
    """Unix seconds of the period's start."""
    value: float | None
    """In the unit of the series; None: asked for, and the source had none."""
    checked_s: int
    """Unix seconds when the source was last asked."""


class History(Protocol):
    """A store of measured values. Every call raises `HistoryError` when the store cannot do it."""

    def write(self, series: str, period: str, values: Sequence[Value]) -> int:
        """Keep values and return how many are new or changed.

        An unchanged value only gets its `checked_s` renewed. None never replaces a measured value: a source that
        shows nothing today does not undo what it showed. Of two values with one start the later in line counts.
        """
        ...

    def read(self, series: str, period: str, start_s: int, end_s: int) -> list[Value]:
        """The values from `start_s` to before `end_s`, ascending; empty for a series nobody wrote."""
        ...

    def span(self, series: str, period: str) -> tuple[int, int] | None:
        """The earliest and the latest start that were asked for, measured or not; None if there is none."""
        ...

    def series(self) -> list[tuple[str, str]]:
        """Every series and period there is, sorted."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


def history_path(state_dir: Path) -> Path:
    """Where the history is kept unless the configuration says otherwise."""
    return state_dir / FILE_NAME


def place_of(setting: bool | str | Path, state_dir: Path) -> Path | str:
    """Where a source's history is by its setting `history`, as `open_history` takes it."""
    if setting is False:
        return IN_MEMORY
    return history_path(state_dir) if setting is True else setting


def open_history(path_or_url: Path | str) -> History:
    """Open a history, made if it is not there yet.

    Args:
        path_or_url: `IN_MEMORY`; a folder, or a name that ends in `.csv`: one CSV file per series; a URL of
            SQLAlchemy: that database (`sqlite://` alone: one in memory); any other path: an SQLite file.

    Raises:
        ConfigError: it is something else, of a newer version, or needs a driver that is not installed. It was
            not changed.
        HistoryError: the disk does not let it be opened or made.
    """
    if path_or_url == IN_MEMORY:
        from wattdeck.core.history_memory import MemoryHistory

        return MemoryHistory()
    if isinstance(path_or_url, str) and "://" in path_or_url:
        from wattdeck.core.history_sql import open_url

        return open_url(path_or_url)
    path = Path(path_or_url)
    if path.suffix == ".csv" or path.is_dir():
        from wattdeck.core.history_csv import CsvHistory

        return CsvHistory(path)
    from wattdeck.core.history_sqlite import SqliteHistory

    return SqliteHistory(path)


def gaps(values: Iterable[Value], start_s: int, end_s: int, step_s: int) -> list[int]:
    """The starts from `start_s` to before `end_s`, every `step_s`, for which no measured value is known."""
    known = {one.start_s for one in values if one.value is not None}
    return [start for start in range(start_s, end_s, step_s) if start not in known]


def due(
    values: Iterable[Value], wanted_starts: Iterable[int], now_s: float, fresh_s: float, settled_s: float
) -> list[int]:
    """Which of the wanted periods the source must be asked for, in the order given (usms.md 5).

    Never asked for, or begun less than `settled_s` ago and not checked within `fresh_s`. What is older is never
    asked for again if it has a value; if it has none, once every `settled_s`: it may have come late, or a page was
    short.
    What has not begun is not due.
    """
    known = {one.start_s: one for one in values}
    return [
        start
        for start in wanted_starts
        if start <= now_s and ((one := known.get(start)) is None or _outdated(one, now_s, fresh_s, settled_s))
    ]


def _outdated(one: Value, now_s: float, fresh_s: float, settled_s: float) -> bool:
    # A check in the future comes from a clock that was wrong; it proves nothing.
    if 0 <= now_s - one.checked_s < fresh_s:
        return False
    if now_s - one.start_s < settled_s:
        return True
    asked_in_time = one.start_s + settled_s <= one.checked_s <= now_s and now_s - one.checked_s < settled_s
    return one.value is None and not asked_in_time


# What the stores share.


def require_names(series: str, period: str) -> None:
    """Refuse what can be no name of a series or period.

    Raises:
        HistoryError: empty, too long, or with characters that cannot be shown.
    """
    size = len(series.encode("utf-8", "replace"))
    if not 0 < size <= MAX_SERIES_BYTES or not series.isprintable() or not _PERIOD.fullmatch(period):
        raise HistoryError(
            tr(
                "{series}, {period}: no name of a series and period. Expected 1 to {most} visible bytes "
                "and a word such as hour or day.",
                series=repr(clean(series, 40)),
                period=repr(clean(period, 20)),
                most=MAX_SERIES_BYTES,
            )
        )


def in_order(series: str, period: str, values: Iterable[Value]) -> list[Value]:
    """The values to write: checked, ascending, the last of each start.

    Raises:
        HistoryError: a name, a time or a value that cannot be kept; nothing was written.
    """
    require_names(series, period)
    found: dict[int, Value] = {}
    for one in values:
        if abs(one.start_s) > MAX_SECONDS or abs(one.checked_s) > MAX_SECONDS:
            raise HistoryError(
                tr(
                    "{series}, {period}: {start}, {checked} are no Unix seconds; nothing kept.",
                    series=series,
                    period=period,
                    start=one.start_s,
                    checked=one.checked_s,
                )
            )
        if one.value is not None and not math.isfinite(one.value):
            raise HistoryError(
                tr(
                    "{series}, {period}: the value at {start} is no finite number; nothing kept.",
                    series=series,
                    period=period,
                    start=one.start_s,
                )
            )
        earlier = found.get(one.start_s)
        found[one.start_s] = one if earlier is None else merged(earlier, one)
    return [found[start] for start in sorted(found)]


def merged(known: Value, new: Value) -> Value:
    """What is kept of a period when it is written again."""
    return replace(new, value=known.value) if new.value is None else new


def make_folder(path: Path) -> None:
    """Make a private folder for a history.

    Raises:
        HistoryError: it cannot be made.
    """
    try:
        private_dir(path)
    except ConfigError as error:
        raise HistoryError(str(error)) from None


def cannot_words(place: object, done: str, reason: str) -> str:
    """That a history cannot be `opened`, `made`, `read` or `written`, and why."""
    said = {"place": place, "reason": reason}
    match done:
        case "opened":
            return tr("{place}: the history cannot be opened: {reason}", **said)
        case "made":
            return tr("{place}: the history cannot be made: {reason}", **said)
        case "read":
            return tr("{place}: the history cannot be read: {reason}", **said)
        case _:
            return tr("{place}: the history cannot be written: {reason}", **said)
