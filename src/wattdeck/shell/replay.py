"""`wattdeck replay`: the live app on a recording."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wattdeck.core.errors import ConfigError, UsageError
from wattdeck.core.language import tr
from wattdeck.core.paths import config_path
from wattdeck.core.screens import OVERVIEW, check_screen
from wattdeck.shell.context import AppContext

if TYPE_CHECKING:
    from wattdeck.core.config import UiConfig
    from wattdeck.core.deck import Deck
    from wattdeck.core.replay import ReplayHub
    from wattdeck.ui.app import AppOptions


def replay(
    app: AppContext, path: Path, *, speed: float, start: str | None, end: str | None, paused: bool, screen: str | None
) -> int:
    """Show a recording until the person leaves.

    Raises:
        NoRecording: the file cannot be shown.
        UsageError: a time or a screen does not fit.
    """
    from wattdeck.shell.first_frame import FirstFrame
    from wattdeck.shell.live import on_terminal, run_session

    check_screen(screen, app.systems)
    hub = open_part(app, path, speed, start, end)
    if not on_terminal():
        hub.discard()
        return 2
    if not paused:
        hub.replay_clock.play(True)
    frame = FirstFrame(app.systems, screen=screen or OVERVIEW, clock=hub.clock, replay="...")
    ui, warnings = settings_of(app)

    def make() -> Deck:
        from wattdeck.core.deck import Deck

        return Deck.replayed(hub, ui, warnings=warnings)

    def options() -> AppOptions:
        from wattdeck.ui.app import AppOptions

        return AppOptions(
            app.systems,
            theme=app.theme,
            screen=screen,
            user_themes=config_path(app.config_path).parent / "themes",
            configured_theme=ui.theme,
            low_bandwidth=ui.low_bandwidth is True,
            ascii=ui.ascii or None,
            clock=hub.clock,
        )

    return run_session(frame, (), make, options, ui.mouse).code


def open_part(app: AppContext, path: Path, speed: float, start: str | None, end: str | None) -> ReplayHub:
    """A hub on a part of a recording.

    Raises:
        NoRecording, UsageError: as `replay`.
    """
    from wattdeck.core.recording import NoRecording
    from wattdeck.core.replay import open_replay
    from wattdeck.core.replaytime import read_place

    hub = open_replay(path, app.systems, speed=speed)
    try:
        clock = hub.replay_clock
        first_us = None if start is None else read_place(start, clock.first_us, clock.last_us)
        last_us = None if end is None else read_place(end, clock.first_us, clock.last_us)
        if None not in (first_us, last_us) and first_us >= last_us:  # type: ignore[operator]
            raise UsageError(tr("--from has to be before --to"))
        if not hub.sources:
            raise NoRecording(tr("{path}: none of its systems is installed", path=path))
        hub.between(first_us, last_us)
    except BaseException:
        hub.discard()
        raise
    return hub


def settings_of(app: AppContext) -> tuple[UiConfig, tuple[str, ...]]:
    """How the app should look; a configuration that cannot be read is said, and no obstacle."""
    from wattdeck.core.config import UiConfig

    try:
        return app.settings.ui, ()
    except ConfigError as error:
        return UiConfig(), (str(error).splitlines()[0],)
