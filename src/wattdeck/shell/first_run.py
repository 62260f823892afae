"""The first start, without a configuration: three choices in words, one key each, asked before anything dear loads."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from wattdeck.core.language import later, tr
from wattdeck.shell.context import AppContext

QUESTION = (
    later("There is no configuration yet. What would you like to do?"),
    later("  1  Try the demo: everything on simulated sources, without a network"),
    later("  2  Add a source: a panel, a meter account, an agent, a distributor"),
    later("  3  Show an example configuration"),
    later("  q  Leave"),
)
PROMPT = later("Press 1, 2, 3 or q: ")
EXAMPLE_WORDS = later("`wattdeck config init` puts this example at {path}.")
EXIT_NO_CONFIGURATION = 2
EXIT_INTERRUPTED = 130


def first_run(app: AppContext, path: Path) -> int | None:
    """Ask what to do and do it, until the person leaves or there is a configuration.

    Returns:
        The exit code, if no configuration came of it; None if nobody can answer.
    """
    while True:
        try:
            key = _key()
        except KeyboardInterrupt:
            _print("")
            return EXIT_INTERRUPTED
        _print(key)
        match key:
            case "1":
                from wattdeck.shell.live import demo_app

                return demo_app(app)
            case "2":
                from wattdeck.shell.first_source import add_first_source

                if add_first_source(app, path):
                    return 0
            case "3":
                _show_example(path)
            case "q" | "Q" | "":
                return EXIT_NO_CONFIGURATION


def _show_example(path: Path) -> None:
    """The example, a page at a time."""
    import click

    from wattdeck.shell.config import example_text

    with contextlib.suppress(OSError):
        click.echo_via_pager(example_text())
    _print(tr(EXAMPLE_WORDS, path=path))
    _print("")


def _print(line: str) -> None:
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr)  # noqa: T201


def _key() -> str:
    """One key from the terminal, asked for with the question; empty if nothing more will come."""
    try:
        import termios
        import tty
    except ImportError:
        # No such terminals here: a line will do.
        return sys.stdin.readline()[:1]
    stdin = sys.stdin.fileno()
    before = termios.tcgetattr(stdin)
    # First the mode, then the question: who answers fast is heard.
    tty.setcbreak(stdin, termios.TCSADRAIN)
    try:
        for line in QUESTION:
            _print(tr(line))
        sys.stderr.write(tr(PROMPT))
        sys.stderr.flush()
        typed = os.read(stdin, 64).decode("utf-8", "replace")
    finally:
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)
    if not typed or typed in ("\x04", "\x1b"):
        return ""
    key = typed.rstrip("\r\n")
    return key if len(key) == 1 and key.isprintable() else " "
