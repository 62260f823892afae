"""The command `wattdeck`. Answers `--version` and `--help` without loading anything dear."""

from __future__ import annotations

import gc
import sys


def main() -> int:
    """Run the command line and return its exit code."""
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        from wattdeck import __version__

        print(f"wattdeck {__version__}")  # noqa: T201
        return 0
    if arguments in (["--help"], ["-h"]) and _print_kept_help():
        return 0
    # Start-up makes many objects and little garbage: collecting among them costs a fifth of the time to the first
    # frame. The live app switches the collector on again when it is up.
    gc.disable()
    if arguments in ([], ["demo"]):
        return _live(demo=bool(arguments))
    from wattdeck.cli import run

    code = run()
    # What is left dies with the process: looking through it for garbage first takes a tenth of a short command.
    gc.freeze()
    return code


def _live(*, demo: bool) -> int:
    """The live app without options, past the command-line parser: it costs a sixth of the time to the first frame."""
    import logging

    logging.getLogger("wattdeck").addHandler(logging.NullHandler())
    from wattdeck.discovery import discover
    from wattdeck.shell.context import AppContext
    from wattdeck.shell.guard import guarded
    from wattdeck.shell.live import demo_app, live_app
    from wattdeck.shell.speech import choose_language

    choose_language()
    app = AppContext(find_systems=discover)
    return guarded(lambda: demo_app(app) if demo else live_app(app))


def _print_kept_help() -> bool:
    """Print the help page kept beside this file, which a test holds equal to the real one.

    Not used where it could be wrong: a narrow terminal, another language, or a plug-in with a command.
    """
    import os

    try:
        columns = int(os.environ.get("COLUMNS") or os.get_terminal_size().columns)
    except (OSError, ValueError):
        columns = 80
    if columns < 80:
        return False
    try:
        # The built-in calls: loading pathlib costs a third of the whole command.
        with open(f"{os.path.dirname(__file__)}/help.txt", encoding="utf-8") as page:  # noqa: PTH120, PTH123
            text = page.read()
    except OSError:
        return False
    from wattdeck.core.plugins import plugins_installed

    if plugins_installed():
        return False
    if not _surely_english():
        from wattdeck.core import language
        from wattdeck.shell.speech import choose_language

        choose_language()
        if language.current() != "en":
            return False
    sys.stdout.write(text)
    return True


def _surely_english() -> bool:
    """Whether neither the environment nor the configuration asks for another language, as far as is seen at a glance.

    Says no where it would have to look closer: that costs more than printing the page.
    """
    import os

    said = [os.environ.get(name) or "C" for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")]
    if not all(each.startswith(("C", "POSIX", "en")) for each in said):
        return False
    folder = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111  see above
    path = os.environ.get("WATTDECK_CONFIG") or f"{folder}/wattdeck/config.toml"
    if sys.platform != "linux" or not path.startswith("/"):
        return False
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123  see above
            return "language" not in file.read()
    except FileNotFoundError:
        return True
    except (OSError, ValueError):
        return False


if __name__ == "__main__":
    sys.exit(main())
