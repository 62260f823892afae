"""What is installed, configured and reachable, for somebody on the phone. Prints no secret."""

from __future__ import annotations

import os
import platform
import sys
from typing import TYPE_CHECKING

from wattdeck import __version__
from wattdeck.core.errors import ConfigError, WattdeckError
from wattdeck.core.link import link_words
from wattdeck.core.paths import state_dir
from wattdeck.core.reading import Link
from wattdeck.core.text import clean
from wattdeck.shell.context import AppContext

if TYPE_CHECKING:
    from wattdeck.core.config import Settings

PACKAGES = ("textual", "httpx", "pydantic", "plotext", "anyio", "click", "starlette", "uvicorn")


async def examine(app: AppContext, timeout_s: float) -> tuple[list[str], int]:
    """Lines to print, and the exit code: 0 well, 1 something is not, 2 the configuration cannot be used."""
    lines = _machine()
    lines.append(f"systems     {', '.join(app.systems)}")
    try:
        settings = app.settings
    except ConfigError as error:
        return [*lines, *(f"config      PROBLEM {clean(problem, 500)}" for problem in error.problems)], 2
    if not settings.exists:
        return [*lines, f"config      none at {settings.path}; `wattdeck config init` writes one"], 2
    lines.append(f"config      {settings.path}")
    lines += [f"config      WARNING {clean(warning, 500)}" for warning in settings.warnings]
    lines.append(f"state       {state_dir()}{'' if os.access(state_dir(), os.W_OK) else '  PROBLEM not writable'}")
    found, well = await _sources(app, settings, timeout_s)
    journal, whole = _journal()
    return [*lines, *found, journal], 0 if well and whole else 1


def _machine() -> list[str]:
    from importlib.metadata import PackageNotFoundError, version

    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} MISSING")
    terminal = f"TERM={os.environ.get('TERM', '')} COLORTERM={os.environ.get('COLORTERM', '')}"
    where = "over SSH" if os.environ.get("SSH_CONNECTION") else "local"
    return [
        f"wattdeck    {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        f"packages    {', '.join(versions)}",
        f"terminal    {terminal}, {where}, encoding {sys.stdout.encoding}"
        + (", NO_COLOR" if "NO_COLOR" in os.environ else ""),
    ]


async def _sources(app: AppContext, settings: Settings, timeout_s: float) -> tuple[list[str], bool]:
    from wattdeck.core.hub import Hub
    from wattdeck.core.sources import sources_of

    pairs = sources_of(settings, app.systems)
    if not pairs:
        return ["sources     none configured; add a table like [[span]]"], False
    lines, well = [], True
    try:
        async with Hub(pairs, state_dir=state_dir(), keep_last=False) as hub:
            await hub.once(timeout_s=timeout_s)
            for feed in hub.feeds:
                reading = feed.reading
                good = reading.link is Link.LIVE
                well = well and good
                words = link_words(reading, hub.clock.now())
                reason = "" if good else f": {clean(reading.problem or 'no answer in time', 400)}"
                lines.append(f"source      {feed.source} {feed.name}: {'ok' if good else 'PROBLEM'} {words}{reason}")
    except WattdeckError as error:
        return [*lines, f"sources     PROBLEM {clean(str(error), 500)}"], False
    return lines, well


def _journal() -> tuple[str, bool]:
    from wattdeck.core.clock import SYSTEM_CLOCK
    from wattdeck.core.journal import Journal
    from wattdeck.core.paths import journal_path

    path = journal_path(state_dir())
    if not path.exists():
        return f"journal     none yet ({path})", True
    problems = Journal(path, SYSTEM_CLOCK).verify()
    if problems:
        return f"journal     PROBLEM {path}: {problems[0].words} ({len(problems)} in all)", False
    return f"journal     {path}: the chain is whole", True
