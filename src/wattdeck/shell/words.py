"""Exit codes, words on stderr, and the options many commands share."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from datetime import datetime

import click

from wattdeck.core.errors import CommandRefused, ConfigError, SourceError, UsageError, WattdeckError
from wattdeck.core.language import tr
from wattdeck.core.system import SimulatorOptions

EXIT_PROBLEM, EXIT_USAGE, EXIT_NOTHING, EXIT_REFUSED, EXIT_UNCONFIRMED, EXIT_INTERRUPTED = 1, 2, 3, 4, 5, 130
EXIT_INTERNAL = 70
EXIT_NO_READER = 141
"""What a shell reports for a command whose pipe was closed."""


def say(words: str) -> None:
    """Words for the person, on stderr, safe to print. A terminal that is gone reads nothing, and that is no error."""
    from wattdeck.core.redact import redact
    from wattdeck.core.text import clean

    with contextlib.suppress(OSError):
        for line in words.splitlines() or [""]:
            click.echo(f"wattdeck: {clean(redact(line), 2000)}", err=True)


def code_of(error: WattdeckError) -> int:
    """The exit code an error deserves."""
    if isinstance(error, (ConfigError, UsageError)):
        return EXIT_USAGE
    if isinstance(error, CommandRefused):
        return EXIT_REFUSED
    return EXIT_NOTHING if isinstance(error, SourceError) else EXIT_PROBLEM


def simulator_options(
    seed: int, speed: float, start: str | None, faults: Sequence[str] = (), api: str = "", serial: str = ""
) -> SimulatorOptions:
    """The options of a simulator from the command line.

    Raises:
        UsageError: the time cannot be read.
    """
    named: dict[str, str | None] = {}
    for fault in faults:
        name, sign, value = fault.partition("=")
        named[name] = value if sign else None
    return SimulatorOptions(seed, speed, parse_time(start) if start else None, named, api, serial)


def parse_time(text: str) -> datetime:
    """A time in ISO 8601; without an offset it is local.

    Raises:
        UsageError: it is no such time.
    """
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError) as error:
        raise UsageError(tr("{text!r} is no time; write it like 2026-11-20T17:00:00Z", text=text)) from error


def parse_duration(text: str) -> float:
    """A duration such as `90`, `90s`, `15m`, `8h`, `1h30m`, in seconds.

    Raises:
        UsageError: it is none.
    """
    match = re.fullmatch(r"(?:(\d{1,3})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,8}(?:\.\d{1,6})?)s?)?", text.strip())
    numbers = [float(each or 0) for each in match.groups()] if match is not None else []
    if not any(numbers):
        raise UsageError(tr("{text} is no duration; write it like 90s, 15m, 8h or 1h30m", text=repr(text[:40])))
    days, hours, minutes, seconds = numbers
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds
