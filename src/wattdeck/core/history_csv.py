"""The history as a folder of CSV files, one per series and period: for those who want to read it with anything.

Header `start_s,value,checked_s`; an empty value is one the source did not have. Every write makes a whole new file
and moves it over the old one, so that a reader, or a crash, meets the old file or the new one. Good for some 100,000
rows per series; beyond that the database is the better place.
"""

from __future__ import annotations

import errno
import fcntl
import logging
import math
import os
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote

from wattdeck.core.errors import ConfigError
from wattdeck.core.history import (
    MAX_SECONDS,
    HistoryError,
    Value,
    cannot_words,
    in_order,
    make_folder,
    merged,
    require_names,
)
from wattdeck.core.language import tr
from wattdeck.core.paths import read_bounded
from wattdeck.core.text import clean

HEADER = "start_s,value,checked_s"
MAX_FILE_BYTES = 64 * 1024 * 1024
LOCK_FILE = ".lock"
LOCK_WAIT_S = 10.0
"""How long to wait for another session that is writing."""
SHOWN_PROBLEMS = 3

_LINE = re.compile(r"(-?\d{1,12}),(-?\d{1,40}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?)?,(-?\d{1,12})", re.ASCII)
_PLAIN = frozenset(b"abcdefghijklmnopqrstuvwxyz0123456789._-")

log = logging.getLogger(__name__)


class CsvHistory:
    """A history in one folder. A line that cannot be read is skipped and logged; writing waits until it is mended."""

    def __init__(self, folder: Path) -> None:
        """Open the folder, made if it is not there.

        Raises:
            ConfigError: a file is in the way.
            HistoryError: it cannot be made.
        """
        if folder.exists() and not folder.is_dir():
            raise ConfigError(
                tr("{folder}: a history in CSV is a folder, but this is a file. Name another.", folder=folder)
            )
        make_folder(folder)
        self._folder = folder
        self._told: set[str] = set()

    def write(self, series: str, period: str, values: Sequence[Value]) -> int:
        """See `History.write`. All of it is kept, or nothing.

        Raises:
            HistoryError: it cannot be written, or the file holds lines that would be lost.
        """
        rows = in_order(series, period, values)
        if not rows:
            return 0
        path = self._path(series, period)
        with self._alone():
            known, problems = _load(path)
            if problems:
                raise HistoryError(
                    tr("{problems} Nothing was written. Mend or delete what is wrong.", problems=_summary(problems))
                )
            kept = dict(known)
            for one in rows:
                before = known.get(one.start_s)
                kept[one.start_s] = one if before is None else merged(before, one)
            if kept != known:
                _replace(path, [kept[start] for start in sorted(kept)])
        return sum(one.start_s not in known or kept[one.start_s].value != known[one.start_s].value for one in rows)

    def read(self, series: str, period: str, start_s: int, end_s: int) -> list[Value]:
        """See `History.read`."""
        known = self._known(series, period)
        return [known[start] for start in sorted(known) if start_s <= start < end_s]

    def span(self, series: str, period: str) -> tuple[int, int] | None:
        """See `History.span`."""
        known = self._known(series, period)
        return (min(known), max(known)) if known else None

    def series(self) -> list[tuple[str, str]]:
        """See `History.series`."""
        try:
            stems = [path.stem.rpartition(".") for path in self._folder.iterdir() if path.suffix == ".csv"]
        except OSError as error:
            raise _cannot(self._folder, "read", error) from None
        return sorted((unquote(series), period) for series, _, period in stems if series)

    def close(self) -> None:
        """See `History.close`. Nothing is held open between calls."""

    def _path(self, series: str, period: str) -> Path:
        require_names(series, period)
        # Capitals are encoded too: some file systems do not tell them apart.
        name = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02x}" for byte in series.encode("utf-8"))
        return self._folder / f"{name}.{period}.csv"

    def _known(self, series: str, period: str) -> dict[int, Value]:
        path = self._path(series, period)
        known, problems = _load(path)
        if problems and (words := _summary(problems)) not in self._told:
            self._told.add(words)
            log.warning("%s The rest is used.", words)
        return known

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """The only writer of this folder, among threads and sessions."""
        path = self._folder / LOCK_FILE
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise _cannot(path, "written", error) from None
        try:
            _take(fd, path)
            yield
        finally:
            os.close(fd)


def _take(fd: int, path: Path) -> None:
    """Take the lock of an open file, or give up: a stopped session must not hang this one."""
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise HistoryError(
                    tr(
                        "{path}: another session kept the history locked for {seconds} s. Try again, or close it.",
                        path=path,
                        seconds=f"{LOCK_WAIT_S:g}",
                    )
                ) from None
            time.sleep(0.005)
        except OSError as error:
            raise _cannot(path, "written", error) from None
        else:
            return


def _load(path: Path) -> tuple[dict[int, Value], list[str]]:
    """What a file holds, by start, and every line that cannot be read, in words.

    Raises:
        HistoryError: the file cannot be read at all, or is no history.
    """
    try:
        raw, _ = read_bounded(path, MAX_FILE_BYTES)
    except FileNotFoundError:
        return {}, []
    except OSError as error:
        raise _cannot(path, "read", error) from None
    if len(raw) > MAX_FILE_BYTES:
        raise HistoryError(
            tr(
                "{path}: larger than {most} MiB; this is no history. Move it away.",
                path=path,
                most=MAX_FILE_BYTES // 2**20,
            )
        )
    lines = raw.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
    if lines[0].rstrip("\r") != HEADER:
        raise HistoryError(
            tr(
                "{path}, line 1: expected {header}, found {found}. Mend it, or move it away.",
                path=path,
                header=HEADER,
                found=repr(clean(lines[0], 60)),
            )
        )
    known: dict[int, Value] = {}
    problems: list[str] = []
    for number, line in enumerate(lines[1:], 2):
        if not (line := line.rstrip("\r")):
            continue
        one = _value(line)
        if one is None:
            problems.append(
                tr(
                    "{path}, line {number}: {found} is no {header}.",
                    path=path,
                    number=number,
                    found=repr(clean(line, 60)),
                    header=HEADER,
                )
            )
        else:
            known[one.start_s] = one
    return known, problems


def _value(line: str) -> Value | None:
    """What a line says, or None."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    start, text, checked = match.groups()
    one = Value(int(start), None if text is None else float(text), int(checked))
    if abs(one.start_s) > MAX_SECONDS or abs(one.checked_s) > MAX_SECONDS:
        return None
    return one if one.value is None or math.isfinite(one.value) else None


def _replace(path: Path, values: Sequence[Value]) -> None:
    """Put a whole new file, which only its owner can read, in the place of the old one."""
    name = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        with os.fdopen(handle, "w", encoding="ascii", newline="\n") as stream:
            stream.write(HEADER + "\n")
            for one in values:
                stream.write(f"{one.start_s},{'' if one.value is None else repr(float(one.value))},{one.checked_s}\n")
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except OSError as error:
        if name is not None:
            Path(name).unlink(missing_ok=True)
        raise _cannot(path, "written", error) from None


def _summary(problems: Sequence[str]) -> str:
    more = len(problems) - SHOWN_PROBLEMS
    return " ".join(problems[:SHOWN_PROBLEMS]) + (tr(" And {more} more such lines.", more=more) if more > 0 else "")


def _cannot(path: Path, done: str, error: OSError) -> HistoryError:
    """A sentence for what the operating system refused."""
    advice = (
        tr("Free some space.")
        if error.errno in (errno.ENOSPC, errno.EDQUOT)
        else tr("Check its owner and permissions.")
    )
    if error.errno == errno.EROFS:
        advice = tr("The disk is mounted read-only.")
    return HistoryError(cannot_words(path, done, f"{error.strerror or error}. {advice}"))
