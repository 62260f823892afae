"""The commands that open the live app.

In this order: the first frame, by hand; the engine, which asks the sources; their first answers, by hand too; and then
the app's library, the dearest part of a start, while later answers are on their way.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from wattdeck.core.clock import clock_from
from wattdeck.core.language import later, tr
from wattdeck.core.paths import config_path, state_dir
from wattdeck.core.screens import OVERVIEW, check_screen
from wattdeck.core.system import SimulatorOptions
from wattdeck.shell.context import AppContext
from wattdeck.shell.first_frame import FirstFrame
from wattdeck.shell.signals import Signals

if TYPE_CHECKING:
    from wattdeck.core.deck import Deck
    from wattdeck.core.hub import Hub
    from wattdeck.core.reading import Reading
    from wattdeck.ui.app import AppOptions

FIRST_ANSWER_S = 0.15
"""How long the app's library waits for the first answer; a later one finds the app up."""

NO_CONFIGURATION = later(
    "wattdeck: there is no configuration at {path}.\n"
    "  wattdeck demo          shows everything on simulated panels, without a network\n"
    "  wattdeck config init   writes a configuration to start from"
)
NO_TERMINAL = later("wattdeck: the live app needs a terminal; `wattdeck snapshot` prints readings without one.")


@dataclass(frozen=True, slots=True)
class Ended:
    """How a session ended."""

    code: int
    message: str = ""
    again: str | None = None
    """Start anew, on the settings as they are now and on this screen; None: it is over."""


def live_app(app: AppContext) -> int:
    """The live app on the configuration; without one, a question what to do, or words where nobody can answer."""
    path = config_path(app.config_path)
    if not path.exists():
        from wattdeck.shell.first_run import first_run

        code = first_run(app, path) if on_terminal(quiet=True) else None
        if code is None:
            print(tr(NO_CONFIGURATION, path=path), file=sys.stderr)  # noqa: T201
            return 2
        if not path.exists():
            return code
    if not on_terminal():
        return 2
    ended = _live_once(app, path, None)
    while ended.again is not None:
        from wattdeck.shell.speech import choose_language

        choose_language(app.config_path)
        # A context remembers the settings it has read.
        app = replace(app)
        ended = _live_once(app, path, ended.again)
    return ended.code


def _live_once(app: AppContext, path: Path, screen: str | None) -> Ended:
    """One session, from the settings as they are now."""
    from wattdeck.core.lastknown import load_all

    ui = peek(path)
    preview = load_all(state_dir(), app.systems)
    frame = FirstFrame(app.systems, ascii_only=ui.get("ascii") or None)

    def make() -> Deck:
        from wattdeck.core.deck import Deck

        return Deck.from_settings(app.settings, app.systems)

    def options() -> AppOptions:
        from wattdeck.ui.app import AppOptions

        return AppOptions(
            app.systems,
            read_only=app.read_only,
            theme=app.theme,
            screen=screen,
            user_themes=path.parent / "themes",
            preview=preview,
            configured_theme=ui.get("theme"),
            low_bandwidth=ui.get("low_bandwidth") is True,
            ascii=ui.get("ascii") or None,
            settings_path=path,
        )

    return run_session(frame, preview, make, options, ui.get("mouse", "auto"))


def peek(path: Path) -> dict[str, Any]:
    """What the first frame needs of the configuration, unchecked: the check comes a moment later and has its say."""
    import tomllib

    try:
        ui = tomllib.loads(path.read_text(encoding="utf-8")).get("ui", {})
    except (OSError, ValueError):
        return {}
    kinds = {"theme": str, "low_bandwidth": bool, "ascii": bool, "mouse": bool}
    return {key: ui[key] for key, kind in kinds.items() if isinstance(ui, dict) and isinstance(ui.get(key), kind)}


def demo_app(
    app: AppContext,
    simulation: SimulatorOptions | None = None,
    poll_s: float = 1.0,
    screen: str | None = None,
    low_bandwidth: bool = False,
) -> int:
    """The live app on embedded simulators."""
    check_screen(screen, app.systems)

    if not on_terminal():
        return 2
    clock = clock_from(simulation.start if simulation is not None else None)
    frame = FirstFrame(app.systems, demo=True, screen=screen or OVERVIEW, clock=clock)

    def make() -> Deck:
        from wattdeck.core.deck import Deck

        return Deck.demo(app.systems, simulation or SimulatorOptions(), poll_s, read_only=app.read_only)

    def options() -> AppOptions:
        from wattdeck.ui.app import AppOptions

        return AppOptions(
            app.systems,
            demo=True,
            read_only=app.read_only,
            theme=app.theme,
            screen=screen,
            user_themes=config_path(app.config_path).parent / "themes",
            low_bandwidth=low_bandwidth,
            clock=clock,
        )

    return run_session(frame, (), make, options).code


def on_terminal(*, quiet: bool = False) -> bool:
    """Whether there is a terminal to run in; says so if there is none."""
    if sys.stdin.isatty() and sys.stderr.isatty():
        return True
    if not quiet:
        print(tr(NO_TERMINAL), file=sys.stderr)  # noqa: T201
    return False


def run_session(
    frame: FirstFrame,
    known: Sequence[Reading[Any]],
    make: Callable[[], Deck],
    options: Callable[[], AppOptions],
    mouse: bool | Literal["auto"] = "auto",
) -> Ended:
    """Show what is known, then run a session on it."""
    if mouse == "auto":
        mouse = not (os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"))
    with Signals() as signals:
        try:
            frame.show(known)
            result = signals.run(lambda: _session(frame, make, options, mouse))
        except BaseException:
            frame.leave()
            if signals.ended:
                return Ended(128 + signals.ended[0])
            raise
    if result.message:
        from wattdeck.shell.words import say

        say(result.message)
    return result


async def _session(
    frame: FirstFrame, make: Callable[[], Deck], options: Callable[[], AppOptions], mouse: bool
) -> Ended:
    """The app on a session that is polling already."""
    deck = make()
    from wattdeck.core.deck import running

    async with running(deck):
        await _show_first_answer(frame, deck.hub)
        from wattdeck.ui.app import DeckApp

        app = DeckApp(nullcontext(deck), options())
        await app.run_as_process(mouse=mouse)
        code = app.return_value if isinstance(app.return_value, int) else app.return_code or 0
        return Ended(code, app.exit_message, app.last_screen if app.starts_again else None)


async def _show_first_answer(frame: FirstFrame, hub: Hub) -> None:
    """Draw what is known as soon as the first source of the first frame has answered, unless that takes long."""
    source = frame.source_of(hub.sources)
    answered = asyncio.Event()

    def listen(reading: Reading[Any]) -> None:
        if reading.source == source:
            answered.set()

    hub.subscribe(listen)
    try:
        await asyncio.wait_for(answered.wait(), FIRST_ANSWER_S)
    except TimeoutError:
        return
    frame.show([reading for each in hub.sources for reading in hub.readings(each)])
