"""The commands that open the live app.

In this order: the first frame, by hand; the engine, which asks the sources; their first answers, by hand too; and then
the app's library, the dearest part of a start, while later answers are on their way.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from wattdeck.core.clock import clock_from
from wattdeck.core.language import later, tr
from wattdeck.core.paths import config_path, state_dir
from wattdeck.core.system import SimulatorOptions
from wattdeck.shell.context import AppContext
from wattdeck.shell.first_frame import FirstFrame

if TYPE_CHECKING:
    from wattdeck.core.deck import Deck
    from wattdeck.core.hub import Hub
    from wattdeck.core.reading import Reading
    from wattdeck.ui.app import AppOptions

FIRST_ANSWER_S = 0.15
"""How long the app's library waits for the first answer; a later one finds the app up."""

NO_CONFIGURATION = """\
wattdeck: there is no configuration at {path}.
  wattdeck demo          shows everything on simulated panels, without a network
  wattdeck config init   writes a configuration to start from"""
NO_TERMINAL = later("wattdeck: the live app needs a terminal; `wattdeck snapshot` prints readings without one.")


def live_app(app: AppContext) -> int:
    """The live app on the configuration; without one, words on what to do."""
    path = config_path(app.config_path)
    if not path.exists():
        print(NO_CONFIGURATION.format(path=path), file=sys.stderr)  # noqa: T201
        return 2
    from wattdeck.core.lastknown import load_all

    if not on_terminal():
        return 2
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
            user_themes=path.parent / "themes",
            preview=preview,
            configured_theme=ui.get("theme"),
            low_bandwidth=ui.get("low_bandwidth") is True,
            ascii=ui.get("ascii") or None,
        )

    return _run(frame, preview, make, options, ui.get("mouse", "auto"))


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
    from wattdeck.core.errors import UsageError

    if screen is not None and screen not in app.systems:
        raise UsageError(
            tr("there is no screen {screen!r}; there are: {known}", screen=screen, known=", ".join(app.systems))
        )

    if not on_terminal():
        return 2
    clock = clock_from(simulation.start if simulation is not None else None)
    frame = FirstFrame(app.systems, demo=True, system=screen, clock=clock)

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

    return _run(frame, (), make, options)


def on_terminal() -> bool:
    """Whether there is a terminal to run in; says so if there is none."""
    if sys.stdin.isatty() and sys.stderr.isatty():
        return True
    print(tr(NO_TERMINAL), file=sys.stderr)  # noqa: T201
    return False


def _run(
    frame: FirstFrame,
    known: Sequence[Reading[Any]],
    make: Callable[[], Deck],
    options: Callable[[], AppOptions],
    mouse: bool | Literal["auto"] = "auto",
) -> int:
    """Show what is known, then run a session on it."""
    if mouse == "auto":
        mouse = not (os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"))
    with _signals_end_it() as ended:
        try:
            frame.show(known)
            code, message = asyncio.run(_session(frame, make, options, mouse))
        except BaseException:
            frame.leave()
            if ended:
                return 128 + ended[0]
            raise
    if message:
        from wattdeck.shell.words import say

        say(message)
    return code


@contextmanager
def _signals_end_it() -> Iterator[list[int]]:
    """Signals that come before the app has its own handlers end what is going on; gives their numbers."""
    ended: list[int] = []

    def end(number: int, _: object) -> None:
        ended.append(number)
        raise SystemExit(128 + number)

    numbers = (signal.SIGHUP, signal.SIGTERM) if os.name == "posix" else ()
    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _session(
    frame: FirstFrame, make: Callable[[], Deck], options: Callable[[], AppOptions], mouse: bool
) -> tuple[int, str]:
    """The app on a session that is polling already. Returns the exit code and last words for the person."""
    deck = make()
    from wattdeck.core.deck import running

    async with running(deck):
        await _show_first_answer(frame, deck.hub)
        from wattdeck.ui.app import DeckApp

        app = DeckApp(nullcontext(deck), options())
        await app.run_as_process(mouse=mouse)
        code = app.return_value if isinstance(app.return_value, int) else app.return_code or 0
        return code, app.exit_message


async def _show_first_answer(frame: FirstFrame, hub: Hub) -> None:
    """Draw the source of the first frame as soon as it has answered, unless that takes long."""
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
    frame.show(hub.readings(source))
