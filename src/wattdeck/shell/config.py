"""`wattdeck config`: write a configuration to start from, check it, show what it comes to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from wattdeck.core.errors import ConfigError
from wattdeck.core.language import tr
from wattdeck.core.paths import config_path
from wattdeck.shell.context import AppContext

if TYPE_CHECKING:
    from wattdeck.core.settings import Settings

EXAMPLE_NAME = "config.example.toml"
EXIT_CONFIG = 2


@click.group("config")
def config_group() -> None:
    """Write, check and show the configuration."""


@config_group.command("path")
@click.pass_obj
def print_path(app: AppContext) -> None:
    """Print where the configuration is, or would be."""
    click.echo(config_path(app.config_path))


@config_group.command("init")
@click.option("--force", is_flag=True, help="Replace a configuration that is already there.")
@click.pass_obj
def write_example(app: AppContext, force: bool) -> None:
    """Write a configuration to start from: every setting, explained."""
    from wattdeck.core.settings import write_config

    path = config_path(app.config_path)
    if os.path.lexists(path) and not force:
        _fail(tr("{path}: there is a configuration already; --force replaces it", path=path))
    try:
        write_config(path, example_text())
    except ConfigError as error:
        _fail(*error.problems)
    click.echo(path)
    _say(tr("written; set the host of your panel in it, then run `wattdeck config check`"))


@config_group.command("check")
@click.option("--no-secrets", is_flag=True, help="Do not look up what secret references point at.")
@click.pass_obj
def check(app: AppContext, no_secrets: bool) -> None:
    """Say whether the configuration can be used, or everything that is wrong with it."""
    settings = _settings(app)
    if not settings.exists:
        _fail(tr("{path}: there is no configuration; `wattdeck config init` writes one", path=settings.path))
    problems = [] if no_secrets else _unresolved(settings)
    if problems:
        _fail(*problems)
    names = ", ".join(settings.by_id) or tr("no sources")
    click.echo(f"ok: {settings.path}: {names}")


@config_group.command("show")
@click.pass_obj
def show(app: AppContext) -> None:
    """Print every setting in force as TOML, defaults included, secrets masked."""
    from wattdeck.core.settings import dump_settings

    settings = _settings(app)
    if not settings.exists:
        _say(tr("{path}: there is no configuration; these are the defaults", path=settings.path))
    tables = {system: sources for system, sources in settings.sources.items() if sources}
    click.echo(_printable(dump_settings({"ui": settings.ui, "alarms": settings.alarms, **tables})), nl=False)


def example_text() -> str:
    """The example configuration: inside the installed package, or at the top of a source tree.

    Raises:
        ConfigError: this installation lacks it.
    """
    here = Path(__file__).parents[1]
    for folder in (here, here.parents[1]):
        try:
            return (folder / EXAMPLE_NAME).read_text(encoding="utf-8")
        except OSError:
            continue
    raise ConfigError(tr("{name} is missing from this installation; install wattdeck again", name=EXAMPLE_NAME))


def _settings(app: AppContext) -> Settings:
    """The settings, with their warnings said; the end of the command if they cannot be used."""
    try:
        settings = app.settings
    except ConfigError as error:
        _fail(*error.problems)
    for warning in settings.warnings:
        _say(tr("warning: {words}", words=warning))
    return settings


def _unresolved(settings: Settings) -> list[str]:
    """What is wrong with the secrets that are referred to, in words."""
    from wattdeck.core.config import secrets_of

    problems = []
    for place, table in {"[alarms]": settings.alarms, **settings.by_id}.items():
        for key, secret in secrets_of(table).items():
            try:
                secret.reveal()
            except ConfigError as error:
                problems.append(f"{settings.path}: {place}: `{key}`: {error}")
    return problems


def _printable(toml: str) -> str:
    """The same TOML with characters that a terminal may act on written as escapes."""
    return "".join(
        character if character.isprintable() or character == "\n" else f"\\U{ord(character):08x}" for character in toml
    )


def _say(sentence: str) -> None:
    click.echo(f"wattdeck: {sentence}", err=True)


def _fail(*problems: str) -> NoReturn:
    for problem in problems:
        _say(problem)
    raise click.exceptions.Exit(EXIT_CONFIG)
