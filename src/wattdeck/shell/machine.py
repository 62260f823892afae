"""What there is to say of the machine we run on: program, terminal, languages, plug-ins, disk."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from wattdeck import __version__
from wattdeck.core import language
from wattdeck.core.finding import Finding, Verdict
from wattdeck.core.language import tr
from wattdeck.core.text import clean

PACKAGES = ("textual", "httpx", "aiomqtt", "pydantic", "plotext", "anyio", "click", "starlette", "uvicorn")
LEAST_COLUMNS, LEAST_ROWS = 60, 18
"""Below this no command can be confirmed in the live app."""
GOOD_COLUMNS, GOOD_ROWS = 80, 24
LITTLE_ROOM_MB = 100
MULTIPLEXERS = {"TMUX": "tmux", "STY": "screen", "ZELLIJ": "zellij"}


def program() -> Iterator[Finding]:
    """Versions of us, of Python, of what we need."""
    from importlib.metadata import PackageNotFoundError, version

    system = f"{platform.system()} {platform.machine()}"
    words = f"wattdeck {__version__}, Python {platform.python_version()}, {system}"
    yield Finding("program", Verdict.OK, words)
    versions, missing = [], []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            missing.append(package)
    if missing:
        words = tr("missing: {names}", names=", ".join(missing))
        yield Finding("packages", Verdict.PROBLEM, words, advice=tr("Install wattdeck again: pip install wattdeck"))
    yield Finding("packages", Verdict.OK, ", ".join(versions))


def terminal() -> Iterator[Finding]:
    """Size, colours, characters, and what stands between us and the person."""
    if not sys.stdout.isatty():
        yield Finding("terminal", Verdict.NOTE, tr("this is not a terminal; the live app needs one"))
        return
    yield _size(*shutil.get_terminal_size())
    yield _colours(os.environ.get("TERM", ""), os.environ.get("COLORTERM", ""))
    yield _characters(getattr(sys.stdout, "encoding", None) or "")
    between = [name for variable, name in MULTIPLEXERS.items() if os.environ.get(variable)]
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        between.insert(0, "SSH")
    if between:
        yield Finding("terminal", Verdict.NOTE, tr("reached through {names}", names=", ".join(between)))


def _size(columns: int, rows: int) -> Finding:
    words = tr("{columns} columns, {rows} rows", columns=columns, rows=rows)
    if columns < LEAST_COLUMNS or rows < LEAST_ROWS:
        advice = tr("Make the window larger: below 60 by 18 no command can be confirmed.")
        return Finding("terminal", Verdict.PROBLEM, words, advice=advice)
    if columns < GOOD_COLUMNS or rows < GOOD_ROWS:
        return Finding("terminal", Verdict.NOTE, words, advice=tr("80 by 24 shows more."))
    return Finding("terminal", Verdict.OK, words)


def _colours(term: str, colorterm: str) -> Finding:
    name = f"TERM={clean(term, 40)}"
    if "NO_COLOR" in os.environ:
        return Finding("terminal", Verdict.NOTE, tr("{name}; NO_COLOR is set, so that nothing has a colour", name=name))
    if term in ("", "dumb"):
        advice = tr("Set TERM to what the terminal is, for instance xterm-256color.")
        return Finding("terminal", Verdict.PROBLEM, tr("{name}: it can show no screen", name=name), advice=advice)
    if colorterm.lower() in ("truecolor", "24bit"):
        return Finding("terminal", Verdict.OK, tr("{name}, all colours", name=name))
    if "256" in term:
        return Finding("terminal", Verdict.OK, tr("{name}, 256 colours", name=name))
    return Finding("terminal", Verdict.NOTE, tr("{name}, 16 colours or fewer", name=name))


def _characters(encoding: str) -> Finding:
    if encoding.lower().replace("-", "") == "utf8":
        return Finding("terminal", Verdict.OK, tr("characters are UTF-8"))
    words = tr("characters are {encoding}, not UTF-8", encoding=encoding or "?")
    advice = tr("Set LANG to a UTF-8 locale, such as C.UTF-8, or `ascii = true` in [ui].")
    return Finding("terminal", Verdict.PROBLEM, words, advice=advice)


def words() -> Iterator[Finding]:
    """The language in use, and whether there are words in it."""
    code = language.current()
    name = language.LANGUAGES[code]
    if code == "en" or (language.FOLDER / code / "LC_MESSAGES" / f"{language.DOMAIN}.mo").is_file():
        yield Finding("language", Verdict.OK, name)
        return
    said = tr("{name}, but its words are missing", name=name)
    yield Finding("language", Verdict.PROBLEM, said, advice=tr("Install wattdeck again: pip install wattdeck"))


def systems(names: Iterable[str], problems: Iterable[str]) -> Iterator[Finding]:
    """What can be watched, and plug-ins that do not load."""
    yield Finding("systems", Verdict.OK, ", ".join(names))
    for problem in problems:
        advice = tr("Update or remove that package; everything else works without it.")
        yield Finding("systems", Verdict.PROBLEM, clean(problem, 400), advice=advice)


def disk(place: Path) -> Iterator[Finding]:
    """Whether something can be kept, and for how long there is room."""
    try:
        with tempfile.NamedTemporaryFile(dir=place, prefix=".doctor.") as file:
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        words = tr("{path} cannot be written: {reason}", path=place, reason=error.strerror or str(error))
        advice = tr("Free some room, or make the directory writable: without it no command is sent.")
        yield Finding("state", Verdict.PROBLEM, words, advice=advice)
        return
    yield Finding("state", Verdict.OK, str(place))
    free_mb = shutil.disk_usage(place).free // 1_000_000
    if free_mb < LITTLE_ROOM_MB:
        yield Finding("disk", Verdict.NOTE, tr("{free} MB free", free=free_mb), advice=tr("Free some room soon."))
    else:
        yield Finding("disk", Verdict.OK, tr("{free} MB free", free=free_mb))
