"""The language of the shell: chosen at start, in every help page, and English wherever a machine reads."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattdeck.core import language

if TYPE_CHECKING:
    import click

MACHINE_FORMS = frozenset({"json", "csv", "junit"})
"""Formats whose words never change with the language."""

_written: dict[int, tuple[object, str, str | None]] = {}
"""Help texts as they were written, by what they belong to and the attribute that holds them."""


def choose_language(config: Path | None = None) -> None:
    """Speak the language of the settings, else of the environment. A configuration that cannot be read decides nothing.

    Args:
        config: The configuration named on the command line.
    """
    language.use(language.wanted(_setting(config)))
    _let_the_parser_speak()


def form_option(*forms: str, default: str = "text") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option `--format`, which turns everything said to English where a machine reads it."""
    import click

    def chosen(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
        if value in MACHINE_FORMS:
            language.use("en")
        return value

    return click.option(
        "--format", "form", type=click.Choice(list(forms)), default=default, show_default=True, callback=chosen
    )


def speak(command: click.Command) -> click.Command:
    """The command with its help, and that of what is below it, in the language in use."""
    if language.current() == "en" and not _written:
        return command
    _say(command, "help")
    for parameter in command.params:
        if hasattr(parameter, "help"):
            _say(parameter, "help")
    for below in getattr(command, "commands", {}).values():
        speak(below)
    return command


def _say(owner: Any, attribute: str) -> None:
    """Put the translation where the text was, and keep the text for another language."""
    _, _, text = _written.setdefault(id(owner), (owner, attribute, getattr(owner, attribute)))
    if text:
        setattr(owner, attribute, language.tr(cleandoc(text)))


def _setting(config: Path | None) -> str:
    """`language` of the configuration's `[ui]`, unchecked: the check comes later and has its say."""
    from wattdeck.core.paths import config_path

    path = config_path(config)
    try:
        text = path.read_text(encoding="utf-8")
        if "language" not in text:
            return "auto"
        import tomllib

        said = tomllib.loads(text)["ui"]["language"]
    except (OSError, ValueError, KeyError, TypeError):
        return "auto"
    return said if said in language.LANGUAGES else "auto"


def _let_the_parser_speak() -> None:
    """The command-line library says `Usage` and the like by the process's own gettext."""
    code = language.current()
    if code == "en" and "gettext" not in sys.modules:
        return
    import gettext

    if code == "en":
        gettext.textdomain("messages")
        return
    gettext.bindtextdomain(language.DOMAIN, str(language.FOLDER))
    gettext.textdomain(language.DOMAIN)
    os.environ["LANGUAGE"] = code
