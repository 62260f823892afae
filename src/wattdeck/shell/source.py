"""What the shell commands of one source share: its options, and finding the source that was meant."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from wattdeck.core.errors import ConfigError, UsageError
from wattdeck.core.language import tr
from wattdeck.shell.speech import form_option

if TYPE_CHECKING:
    from wattdeck.core.hub import Hub
    from wattdeck.core.system import Source

T = TypeVar("T")

formatted = form_option("text", "json", "csv")


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options every command of one source has."""
    command = click.option(
        "--source", metavar="NAME", help="Which source, where more than one is configured."
    )(command)  # fmt: skip
    return click.option("--demo", "use_demo", is_flag=True, help="Use the embedded simulators.")(command)


def one_source(hub: Hub, system: str, name: str | None, what: str) -> Source:
    """The source that was meant.

    Args:
        what: One of them in words, such as `SPAN panel`.

    Raises:
        ConfigError: none of the system is configured.
        UsageError: there is none of that name, or several and none was named.
    """
    return one_of(hub.sources, system, name, what)


def one_of(sources: Mapping[str, T], system: str, name: str | None, what: str) -> T:
    """The same among anything that is kept by a source's id."""
    known = [source for source in sources if source.startswith(f"{system}/")]
    noun = what.rpartition(" ")[2]
    if not known:
        raise ConfigError(tr("no {what} is configured; add a [[{system}]] table", what=what, system=system))
    if name is None:
        if len(known) > 1:
            raise UsageError(tr("which {noun}? Name one with --source: {known}", noun=noun, known=", ".join(known)))
        return sources[known[0]]
    wanted = name if name.startswith(f"{system}/") else f"{system}/{name}"
    if wanted not in known:
        raise UsageError(
            tr("there is no {noun} {name!r}; there are: {known}", noun=noun, name=name, known=", ".join(known))
        )
    return sources[wanted]
