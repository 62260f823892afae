"""An app on a terminal that may stop reading, hang up, shrink to nothing, or know no colours.

Owns the paint tick, dropped frames, signals, suspension and the end of the process. What is painted is not its
business: it asks `paint`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import threading
from collections.abc import Sequence
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.color import Color
from textual.filter import ANSIToTruecolor, LineFilter
from textual.screen import Screen
from textual.worker import WorkerFailed

from wattdeck.core.clock import Clock
from wattdeck.core.language import later, tr
from wattdeck.core.units import UNICODE, Glyphs
from wattdeck.ui.driver import DeckDriver
from wattdeck.ui.update import ExactUpdate, Shown

log = logging.getLogger(__name__)

LOW_BANDWIDTH_PAINT_S = 5.0
BEHIND_TICKS = 3
"""Ticks in a row on which the terminal was behind before the low-bandwidth mode comes on by itself."""
KEPT_UP_TICKS = 12
"""Ticks in a row, of the slow kind, on which it kept up before that mode goes off again."""
LAST_RESORT_S = 2.0
"""An end that takes longer is made short: a thread that hangs must not keep a session open that nobody sees."""


class NoColour(LineFilter):
    """Takes every colour away and leaves weight: bold, reverse, underline."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [Segment(text, None if style is None else _weight(style), control) for text, style, control in segments]


def _weight(style: Style) -> Style:
    return Style(bold=style.bold, reverse=style.reverse, underline=style.underline, italic=style.italic)


class TerminalApp(App[int]):
    """The terminal's side of the deck. Subclasses say what to paint and what to finish before the end."""

    glyphs: Glyphs = UNICODE
    """What is drawn with; with those of ASCII nothing else goes to the terminal."""

    def __init__(self, clock: Clock, *, low_bandwidth: bool) -> None:
        self._no_colour_wanted = "NO_COLOR" in os.environ
        super().__init__(driver_class=DeckDriver if os.name == "posix" else None)
        self.animation_level = "none"
        self.clock = clock
        self._ticker: asyncio.TimerHandle | None = None
        self._shown = Shown()
        self._missed_frames = False
        self._size_known = False
        self._behind_ticks = 0
        self._kept_up_ticks = 0
        self._slowed_down = False
        self._last_resort: threading.Timer | None = None
        self._owns_process = False
        self._ending = False
        self._suspending = False
        self.low_bandwidth = low_bandwidth
        self.low_bandwidth_auto = False
        self.paint_s = 1.0
        self.paused = False
        self.exit_message = ""
        self.starts_again = False
        """The app has ended to be started anew."""
        self.last_screen = ""
        """Which screen was in front then."""
        self.frames_dropped = 0

    # What a subclass brings

    def paint(self) -> None:
        """Show the newest data."""

    def on_tick(self) -> None:
        """Do what is due once a tick, painted or not."""

    async def finish_commands(self) -> None:
        """Write the outcome of what was sent; the session is ending."""

    async def give_up_control(self, reason: str) -> None:
        """No command may be given until a person takes control again."""

    # The end

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM) if os.name == "posix" else ():
            with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
                loop.add_signal_handler(number, self._end_soon, 128 + number, f"{signal.Signals(number).name} received")

    @property
    def ending(self) -> bool:
        """The session is ending: nothing is worth painting any more."""
        return self._ending

    def terminal_gone(self) -> None:
        """Nobody can type any more: end in order, and soon."""
        self._end_soon(129, later("the terminal is gone"))

    def _end_soon(self, code: int, reason: str) -> None:
        """End without asking; the first reason counts."""
        if self._ending:
            return
        self._ending = True
        log.info("ending: %s", reason)
        self._limit_the_end(code)
        self.run_worker(self._end(code), name="end", exit_on_error=True)

    async def _end(self, code: int) -> None:
        await self.finish_commands()
        self.leave(code, "")

    async def run_as_process(self, *, mouse: bool) -> None:
        """Run as the only purpose of this process, which is then also ended if anything hangs at the end."""
        self._owns_process = True
        await self.run_async(mouse=mouse)

    def _limit_the_end(self, code: int) -> None:
        """From now on the process has so long to end by itself. The thread dies with it."""
        if self._owns_process and self._last_resort is None:
            self._last_resort = threading.Timer(LAST_RESORT_S, os._exit, (code,))
            self._last_resort.daemon = True
            self._last_resort.start()

    def start_again(self) -> None:
        """End the app so that whoever runs it starts it anew, on the settings as they are then."""
        self._ending = True
        self.starts_again = True
        self.last_screen = self.current_mode
        self.exit(0, return_code=0)

    def leave(self, code: int, message: str) -> None:
        """End the app with an exit code and, if there is something to say, words for stderr."""
        self._ending = True
        self.exit_message = message
        self._limit_the_end(code)
        self.exit(code, return_code=code)

    def _handle_exception(self, error: Exception) -> None:
        """A fault of ours: the log gets the traceback, the person one sentence."""
        if self.is_headless:
            super()._handle_exception(error)
            return
        cause = error.error if isinstance(error, WorkerFailed) else error
        log.critical("internal error", exc_info=cause)
        # What breaks while the screen is taken down does not change why it is.
        if not self._ending:
            self.leave(
                70,
                tr("internal error ({what}). --log-file keeps the details.", what=f"{type(cause).__name__}: {cause}"),
            )

    # Frames

    @property
    def terminal_behind(self) -> bool:
        """The terminal is not reading what it is sent."""
        return isinstance(self._driver, DeckDriver) and self._driver.behind

    @property
    def frame_s(self) -> float:
        """Time between paints, s. After dropped frames it looks often, to be right soon when the terminal reads."""
        slow = self.low_bandwidth and not self._missed_frames
        return max(self.paint_s, LOW_BANDWIDTH_PAINT_S) if slow else self.paint_s

    def _schedule_tick(self) -> None:
        """The next tick, on the whole second and a little after: every widget changes in one frame."""
        now_s = self.clock.now().timestamp()
        wait_s = self.frame_s - now_s % self.frame_s + 0.15
        if wait_s > self.frame_s:
            wait_s -= self.frame_s
        if self._ticker is not None:
            self._ticker.cancel()
        # A message to itself, so that the tick runs where every handler runs, in turn.
        self._ticker = asyncio.get_running_loop().call_later(max(0.05, wait_s), self.call_later, self._tick)

    def _tick(self) -> None:
        self._schedule_tick()
        self.on_tick()
        if isinstance(self._driver, DeckDriver) and self._driver.gone:
            self.terminal_gone()
            return
        behind = self.terminal_behind
        self._weigh_bandwidth(behind)
        if behind:
            self.frames_dropped += 1
            return
        if self._missed_frames:
            self._missed_frames = False
            self.action_redraw()
        if not self.paused:
            self.paint()

    def on_resize(self) -> None:
        """Draw everything at the next tick: a size that came and went is no change here, but it is to the terminal."""
        self._shown.forget()
        self._missed_frames = self._size_known
        self._size_known = True
        if self._missed_frames:
            # A slow tick may be far off.
            self._schedule_tick()

    def _weigh_bandwidth(self, behind: bool) -> None:
        """Ask less of a terminal that cannot keep up, and more again when it can."""
        self._behind_ticks = self._behind_ticks + 1 if behind else 0
        self._kept_up_ticks = 0 if behind else self._kept_up_ticks + 1
        if self.low_bandwidth_auto and not self.low_bandwidth and self._behind_ticks >= BEHIND_TICKS:
            self.low_bandwidth = self._slowed_down = True
        elif self._slowed_down and self._kept_up_ticks >= KEPT_UP_TICKS:
            self.low_bandwidth = self._slowed_down = False

    def _display(self, screen: Screen[Any], renderable: Any) -> None:
        """Drop the frame if the terminal has not taken the last one; the next tick draws everything anew."""
        if self.terminal_behind:
            self._missed_frames = True
            self.post_display_hook()
            return
        update: Any = renderable
        if isinstance(renderable, ChopsUpdate | LayoutUpdate):
            update = ExactUpdate(renderable, self._shown)
        super()._display(screen, update)

    def get_line_filters(self) -> Sequence[LineFilter]:
        if self._no_colour_wanted:
            return [NoColour()]
        # The terminal knows its 16 colours better than a table of guesses, which costs a pass over every line drawn.
        return [found for found in super().get_line_filters() if not isinstance(found, ANSIToTruecolor)]

    def action_redraw(self) -> None:
        """Draw every cell again."""
        self._shown.forget()
        self.refresh()

    # Suspension

    def suspend_session(self) -> None:
        """Give up control, give the terminal back, and stop until told to go on."""
        if not self._suspending:
            self._suspending = True
            self.run_worker(self._suspend(), name="suspend", exit_on_error=True)

    async def _suspend(self) -> None:
        await self.give_up_control(tr("the session was suspended"))
        if self._driver is not None:
            self._driver.suspend_application_mode()
        self._suspending = False
        os.kill(os.getpid(), signal.SIGSTOP)

    def continue_session(self) -> None:
        """Take the terminal again after a stop, which may have come without a warning."""
        self.run_worker(self.give_up_control(tr("the session was suspended")), name="disarm", exit_on_error=True)
        if isinstance(self._driver, DeckDriver):
            self._driver.restart()
        self.action_redraw()
