"""What a command that needs no terminal runs on: a hub or a session, and the sources it was told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wattdeck.core.errors import ConfigError, UsageError
from wattdeck.core.language import tr
from wattdeck.core.paths import state_dir
from wattdeck.core.reading import SourceId
from wattdeck.shell.context import AppContext

if TYPE_CHECKING:
    from wattdeck.core.deck import Deck
    from wattdeck.core.hub import Hub
    from wattdeck.core.settings import Settings
    from wattdeck.core.sources import Pairs


def open_hub(
    app: AppContext,
    use_demo: bool,
    simulation: tuple[int, str | None] = (1, None),
    poll_s: float | None = None,
    *,
    system: str | None = None,
) -> Hub:
    """A hub on the configuration or on the demo.

    Args:
        system: The one system whose sources are opened; None: all.

    Raises:
        ConfigError: there is no configuration, or it cannot be used, or it has no source.
    """
    from wattdeck.core.hub import Hub
    from wattdeck.core.sources import demo_sources

    if use_demo:
        from wattdeck.core.clock import clock_from
        from wattdeck.shell.words import simulator_options

        options = simulator_options(simulation[0], 1.0, simulation[1])
        systems = app.systems if system is None else {system: app.systems[system]}
        pairs, apps = demo_sources(systems, options, poll_s)
        clock = clock_from(options.start)
        return Hub(
            pairs, state_dir=state_dir() / "demo", clock=clock, demo_apps=apps, keep_last=False, keep_trends=False
        )
    opened = [pair for pair in configured(app)[1] if system in (None, pair[0].name)]
    return Hub(opened, state_dir=state_dir(), keep_last=False, keep_trends=False)


def configured(app: AppContext) -> tuple[Settings, Pairs]:
    """The settings, with their warnings said, and the sources in them.

    Raises:
        ConfigError: there is no configuration, or it cannot be used, or it has no source.
    """
    from wattdeck.core.sources import sources_of
    from wattdeck.shell.words import say

    settings = app.settings
    if not settings.exists:
        raise ConfigError(
            tr("there is no configuration at {path}; `wattdeck config init` writes one", path=settings.path)
        )
    for warning in settings.warnings:
        say(tr("warning: {words}", words=warning))
    pairs = sources_of(settings, app.systems)
    if not pairs:
        raise ConfigError(tr("{path}: there is no source in it; add a table like [[span]]", path=settings.path))
    return settings, pairs


def open_deck(app: AppContext, use_demo: bool) -> Deck:
    """A session for one shell command.

    Raises:
        ConfigError: there is no configuration, or it cannot be used, or it has no source.
    """
    from wattdeck.core.deck import Deck
    from wattdeck.core.system import SimulatorOptions

    if use_demo:
        deck = Deck.demo(app.systems, SimulatorOptions(), None, read_only=app.read_only)
    else:
        deck = Deck.from_settings(app.settings, app.systems, keep_last=False)
    deck.alarms.watches = False
    return deck


def choose(known: Sequence[SourceId], names: Sequence[str]) -> list[SourceId]:
    """The sources that were named: `span/home`, or `span` for all of a system; all if none was.

    Raises:
        UsageError: a name fits nothing; says what there is.
    """
    if not names:
        return list(known)
    chosen: list[SourceId] = []
    for name in names:
        found = [source for source in known if name in (source, source.partition("/")[0])]
        if not found:
            raise UsageError(tr("there is no source {name!r}; there are: {known}", name=name, known=", ".join(known)))
        chosen += [source for source in found if source not in chosen]
    return chosen
