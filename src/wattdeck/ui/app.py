"""The live app: owns the engine's worker, the paint tick, the terminal's moods, and nothing a screen could own."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from anyio import to_thread
from rich.segment import Segment
from rich.style import Style
from textual import work
from textual._compositor import ChopsUpdate
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.color import Color
from textual.filter import LineFilter
from textual.screen import Screen
from textual.worker import WorkerFailed

from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.errors import WattdeckError
from wattdeck.core.reading import Link, Reading, SourceId
from wattdeck.core.system import System
from wattdeck.core.trend import Trend
from wattdeck.core.units import Glyphs, glyphs
from wattdeck.ui.driver import DeckDriver
from wattdeck.ui.frame import HeaderState
from wattdeck.ui.theme import (
    DEFAULT_THEME,
    LIGHT_ON_THE_LINE,
    Palette,
    all_themes,
    find_theme,
    meaning_defaults,
    theme_folders,
)
from wattdeck.ui.update import ExactUpdate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wattdeck.core.deck import Deck
    from wattdeck.ui.desk import Desk

log = logging.getLogger(__name__)

MIN_WIDTH, MIN_HEIGHT = 60, 18
"""Below this no command can be confirmed: what it says could not be read."""
LOW_BANDWIDTH_PAINT_S = 5.0
BEHIND_TICKS = 3
"""Ticks in a row on which the terminal was behind before the low-bandwidth mode comes on by itself."""
KEPT_UP_TICKS = 12
"""Ticks in a row, of the slow kind, on which it kept up before that mode goes off again."""
LAST_RESORT_S = 4.0
"""An end that takes longer is made short: a thread that hangs must not keep a session open that nobody sees."""


SETTLED_S = 3.0
"""When start-up is over."""


class NoColour(LineFilter):
    """Takes every colour away and leaves weight: bold, reverse, underline."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        del background
        return [Segment(text, None if style is None else _weight(style), control) for text, style, control in segments]


def _weight(style: Style) -> Style:
    return Style(bold=style.bold, reverse=style.reverse, underline=style.underline, italic=style.italic)


@dataclass(frozen=True, slots=True)
class AppOptions:
    """How the app starts. Everything here is known without reading the configuration."""

    systems: Mapping[str, System]
    demo: bool = False
    read_only: bool = False
    theme: str | None = None
    """From the command line; wins over the configuration."""
    screen: str | None = None
    """System to start on."""
    user_themes: Path | None = None
    preview: Sequence[Reading[Any]] = ()
    """Last known readings, for the first frame."""
    low_bandwidth: bool = False
    ascii: bool | None = None
    picture: bool = False
    """Draw for a file, not for a terminal."""
    clock: Clock = SYSTEM_CLOCK
    configured_theme: str | None = None
    """From the configuration, where it could be read early."""


class DeckApp(App[int]):
    """wattdeck, live."""

    TITLE = "wattdeck"
    CSS_PATH = "base.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "refresh_now", "Refresh", id="deck.refresh", tooltip="Read the source on show now"),
        Binding("question_mark", "help", "Help", id="deck.help", tooltip="Show what every key does"),
        Binding("p", "pause", "Pause", id="deck.pause", show=False, tooltip="Stop polling, or go on"),
        Binding("e", "export", "Export", id="deck.export", show=False, tooltip="Save what is shown as files"),
        Binding("t", "next_theme", "Theme", id="deck.theme", show=False, tooltip="Use the next theme"),
        Binding("L", "journal", "Log", id="deck.log", show=False, tooltip="Show alarms and the command journal"),
        Binding("D", "disarm", "Disarm", id="deck.disarm", show=False, tooltip="Give up control for this session"),
        Binding("colon,ctrl+p", "command_palette", "Palette", id="deck.palette", show=False,
                tooltip="Find a command by its name"),
        Binding("ctrl+l", "redraw", "Redraw", id="deck.redraw", show=False, tooltip="Draw the whole screen again"),
        Binding("q", "quit_deck", "Quit", id="deck.quit", show=False, tooltip="Leave wattdeck"),
        Binding("ctrl+c", "quit_deck", "Quit", id="deck.interrupt", show=False, tooltip="Leave wattdeck"),
        *(
            Binding(str(number), f"system({number})", f"Screen {number}", id=f"deck.screen_{number}", show=False,
                    tooltip=f"Show screen {number}")
            for number in range(1, 10)
        ),
    ]  # fmt: skip

    def __init__(self, make: Callable[[], Deck], options: AppOptions) -> None:
        self._options = options
        self._no_colour_wanted = "NO_COLOR" in os.environ
        super().__init__(driver_class=DeckDriver if os.name == "posix" else None)
        self.animation_level = "none"
        self._make_deck = make
        self.clock = options.clock
        self.glyphs: Glyphs = glyphs(options.ascii)
        self.deck: Deck | None = None
        self.desk: Desk | None = None
        """Where commands start; None until the engine is up."""
        self._preview = {reading.source: reading for reading in options.preview}
        self._empty_trend = Trend()
        self._ticker: asyncio.TimerHandle | None = None
        self._missed_frames = False
        self._size_known = False
        self._behind_ticks = 0
        self._kept_up_ticks = 0
        self._slowed_down = False
        self._last_resort: threading.Timer | None = None
        self._owns_process = False
        self._ending = False
        self._suspending = False
        self.low_bandwidth = options.low_bandwidth
        self.low_bandwidth_auto = False
        self.paint_s = 1.0
        self.paused = False
        self.command_alarms: list[str] = []
        """Commands that did not end as they should, until somebody has taken note."""
        self._link_lost: set[SourceId] = set()
        self._palette: Palette | None = None
        self._parsed_variables: dict[str, str] = {}
        self.exit_message = ""
        self.frames_dropped = 0
        self._start_theme(options)

    # What the screens ask for

    @property
    def demo(self) -> bool:
        return self._options.demo

    @property
    def read_only(self) -> bool:
        """No command of any kind is sent in this session."""
        return self._options.read_only or (self.deck is not None and self.deck.read_only)

    @property
    def armed(self) -> bool:
        """A person has taken control in this session."""
        return self.deck is not None and self.deck.control.armed

    @property
    def alarm_count(self) -> int:
        """Lost sources and commands that did not end as they should."""
        return len(self._link_lost) + len(self.command_alarms)

    @property
    def lost_sources(self) -> Sequence[SourceId]:
        """Sources that were live and are not."""
        return sorted(self._link_lost)

    @property
    def palette(self) -> Palette:
        """Styles by meaning under the theme in force."""
        if self._palette is None:
            self._palette = Palette(self.theme_variables, self.current_theme.background or "#121416")
        return self._palette

    def sources_of(self, system: str) -> Sequence[SourceId]:
        """Ids of a system's sources."""
        names = self.deck.hub.sources if self.deck is not None else self._preview
        return [source for source in names if source.partition("/")[0] == system]

    def readings(self, source: SourceId) -> Sequence[Reading[Any]]:
        """The newest readings of a source; from the last run until the engine is up."""
        if self.deck is None:
            return [self._preview[source]] if source in self._preview else []
        return self.deck.hub.readings(source) if source in self.deck.hub.sources else []

    def trend(self, source: SourceId) -> Trend:
        """The short memory of a source."""
        return self._empty_trend if self.deck is None else self.deck.hub.trends.get(source, self._empty_trend)

    def screen_list(self) -> list[tuple[str, str, bool]]:
        """(key, title, current) of each screen there is."""
        return [
            (str(number), self._options.systems[name].title, name == self.current_mode)
            for number, name in enumerate(self._modes_in_use(), 1)
        ]

    def header_state(self, source: SourceId) -> HeaderState:
        """What the header says of the session, and of a source if one is on show."""
        return HeaderState(
            systems=self.screen_list(),
            source=source,
            reading=max(self.readings(source), key=lambda reading: reading.failures, default=None),
            alarms=self.alarm_count,
            demo=self.demo,
            armed=self.armed,
            read_only=self.read_only,
            paused=self.paused,
            clock=bool(source),
        )

    def show_source(self, source: SourceId) -> None:
        """Poll this source at full cadence, the others slowly."""
        if self.deck is not None and source:
            self.deck.hub.show([source])

    def say(self, sentence: str, *, trouble: bool = False) -> None:
        """Tell the person something, literally: no part of it is read as markup."""
        self.notify(sentence, severity="warning" if trouble else "information", timeout=8, markup=False)

    # Life

    def on_mount(self) -> None:
        self._catch_signals()
        modes = self._modes_in_use()
        for name in modes:
            screen = self._options.systems[name].screen()
            if screen is not None:
                self.add_mode(name, screen)
        if modes:
            self.switch_mode(modes[0])
        self._schedule_tick()
        self.set_timer(SETTLED_S, self._settle_memory)
        self.call_after_refresh(self._run_engine)

    def _settle_memory(self) -> None:
        """Free what start-up left behind, and never look at the rest again: it lives as long as the app."""
        if not self.is_headless:
            gc.collect()
            gc.freeze()
            gc.enable()

    def _modes_in_use(self) -> list[str]:
        """Systems with a source, or with the only screen there is; nothing empty is offered."""
        if self.deck is not None:
            used = [name for name in self._options.systems if self.sources_of(name)]
        else:
            used = [name for name in self._options.systems if name == self._options.screen]
        return used or list(self._options.systems)[:1]

    @work(exit_on_error=True, name="engine")
    async def _run_engine(self) -> None:
        """Start the engine after the first frame and run it until the app ends."""
        try:
            deck = await to_thread.run_sync(self._make_deck)
        except WattdeckError as error:
            self.leave(2, str(error))
            return
        async with deck:
            self.deck = deck
            deck.hub.subscribe(self._arrived)
            from wattdeck.ui.desk import Desk

            self.desk = Desk(self, deck.control)
            self._take_settings(deck)
            self._add_missing_modes()
            self.paint()
            await deck.hub.run()

    def _add_missing_modes(self) -> None:
        wanted = self._modes_in_use()
        for name in wanted:
            screen = self._options.systems[name].screen()
            if name not in self._modes and screen is not None:
                self.add_mode(name, screen)
        start = self._options.screen or wanted[0]
        if start in wanted and start != self.current_mode:
            self.switch_mode(start)
        current = self.screen_stack[0]
        if hasattr(current, "source") and current.source:
            self.show_source(current.source)

    def _take_settings(self, deck: Deck) -> None:
        ui = deck.ui
        self.paint_s = ui.paint_s
        if ui.low_bandwidth is True:
            self.low_bandwidth = True
        self.low_bandwidth_auto = ui.low_bandwidth == "auto"
        if ui.ascii:
            self.glyphs = glyphs(True)
        if self._options.theme is None and self._use_theme_of_settings(ui.theme):
            self.theme = ui.theme
        if self.low_bandwidth and self._options.theme is None:
            self._use_theme(LIGHT_ON_THE_LINE)
        if ui.keys:
            self._use_keys(ui.keys)
        for warning in deck.warnings:
            self.say(warning, trouble=True)

    def _use_keys(self, wanted: Mapping[str, str]) -> None:
        from wattdeck.ui.help import bindings_of, screen_widgets
        from wattdeck.ui.keys import checked_keymap

        screens = [system.screen() for system in self._options.systems.values()]
        classes = [kind for screen in screens if screen is not None for kind in (screen, *screen_widgets(screen))]
        keymap, problems = checked_keymap(wanted, bindings_of(type(self), *classes))
        self.set_keymap(keymap)
        for problem in problems:
            self.say(problem, trouble=True)

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM) if os.name == "posix" else ():
            with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
                loop.add_signal_handler(number, self._end_soon, 128 + number, f"{signal.Signals(number).name} received")

    def terminal_gone(self) -> None:
        """Nobody can type any more: end in order, and soon."""
        self._end_soon(129, "the terminal is gone")

    def _end_soon(self, code: int, reason: str) -> None:
        """End without asking; the first reason counts."""
        if self._ending:
            return
        self._ending = True
        log.info("ending: %s", reason)
        self._limit_the_end(code)
        self.run_worker(self._end(code), name="end", exit_on_error=True)

    async def _end(self, code: int) -> None:
        if self.deck is not None:
            await self.deck.control.shutdown(1.5)
        self.leave(code, "")

    def run(self, **options: Any) -> int | None:
        """Run as the only purpose of this process, which is then also ended if anything hangs at the end."""
        self._owns_process = True
        return super().run(**options)

    def _limit_the_end(self, code: int) -> None:
        """From now on the process has so long to end by itself. The thread dies with it."""
        if self._owns_process and self._last_resort is None:
            self._last_resort = threading.Timer(LAST_RESORT_S, os._exit, (code,))
            self._last_resort.daemon = True
            self._last_resort.start()

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
        if not self.exit_message:
            self.leave(70, f"internal error ({type(cause).__name__}: {cause}). --log-file keeps the details.")

    # Data and paint

    def _arrived(self, reading: Reading[Any]) -> None:
        source = reading.source
        if self.desk is not None:
            self.desk.reading_arrived(source)
        if reading.link is Link.LIVE:
            self._link_lost.discard(source)
        elif reading.link is not Link.WAITING:
            self._link_lost.add(source)
        screen = self.screen_stack[0] if self._screen_stacks.get(self.current_mode) else None
        first = reading.good_polls == 1 or reading.failures == 1
        if first and getattr(screen, "source", None) in (source, ""):
            self.paint()

    def paint(self) -> None:
        """Show the newest data, unless the terminal is behind. A page that hides the screen is painted instead."""
        if self.terminal_behind or not self._screen_stacks.get(self.current_mode):
            return
        pages = [screen for screen in self.screen_stack[1:] if screen.has_class("-plain")]
        screen = pages[-1] if pages else self.screen_stack[0]
        paint = getattr(screen, "paint", None)
        if paint is not None:
            paint(self.clock.now())

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
        if self.desk is not None:
            self.desk.tick()
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
        update: Any = ExactUpdate(renderable) if isinstance(renderable, ChopsUpdate) else renderable
        super()._display(screen, update)

    def get_line_filters(self) -> Sequence[LineFilter]:
        if self._no_colour_wanted:
            return [NoColour()]
        return super().get_line_filters()

    # Themes

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return meaning_defaults(self.current_theme)

    def _start_theme(self, options: AppOptions) -> None:
        name = options.theme
        if name is None:
            few = self._few_colours or options.low_bandwidth
            name = LIGHT_ON_THE_LINE if few else options.configured_theme or DEFAULT_THEME
        if not self._use_theme(name):
            self._use_theme(DEFAULT_THEME)

    def _use_theme_of_settings(self, name: str) -> bool:
        return not self._few_colours and self._use_theme(name)

    @property
    def _few_colours(self) -> bool:
        """The terminal has sixteen colours or fewer. Without a terminal, a picture has them all."""
        return not self._options.picture and self.console.color_system in ("standard", None)

    def _use_theme(self, name: str) -> bool:
        if name not in self.available_themes:
            try:
                theme = find_theme(name, theme_folders(self._options.user_themes))
            except ValueError as error:
                self.call_later(self.say, f"{error}. The default theme is used.", trouble=True)
                return False
            if theme is None:
                self.call_later(self.say, f"There is no theme {name!r}. The default theme is used.", trouble=True)
                return False
            self.register_theme(theme)
        self.theme = name
        return True

    def _watch_theme(self, theme_name: str) -> None:
        self._palette = None
        super()._watch_theme(theme_name)

    def refresh_css(self, animate: bool = True) -> None:
        """Parse the stylesheets again only if a colour changed: at the start Textual asks three times for the same."""
        variables = self.get_css_variables()
        if variables != self._parsed_variables:
            self._parsed_variables = variables
            super().refresh_css(animate)

    def action_next_theme(self) -> None:
        """Walk through the shipped themes and the user's own."""
        themes, problems = all_themes(theme_folders(self._options.user_themes))
        for problem in problems:
            self.say(problem, trouble=True)
        for theme in themes:
            self.register_theme(theme)
        names = [theme.name for theme in themes]
        at = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(at + 1) % len(names)]
        self.say(f"Theme {self.theme}")

    # Actions

    def action_refresh_now(self) -> None:
        """Read the source on show now."""
        if self.deck is not None:
            source = getattr(self.screen_stack[0], "source", "")
            self.deck.hub.refresh(source or None)

    def action_pause(self) -> None:
        """Stop polling and painting, or go on."""
        self.paused = not self.paused
        if self.deck is not None:
            self.deck.hub.pause(self.paused)
        self.paint()

    def action_redraw(self) -> None:
        """Draw every cell again."""
        self.refresh()

    def action_system(self, number: int) -> None:
        """Show a system's screen by its number."""
        modes = self._modes_in_use()
        if self.deck is not None and number <= len(modes):
            self.switch_mode(modes[number - 1])

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only screens that there are."""
        if action == "system":
            return len(self._modes_in_use()) > 1 and int(str(parameters[0])) <= len(self._modes_in_use())
        return True

    def action_disarm(self) -> None:
        """Give up control."""
        if self.desk is not None:
            self.desk.disarm("disarmed by the operator")

    def suspend_session(self) -> None:
        """Give up control, give the terminal back, and stop until told to go on."""
        if not self._suspending:
            self._suspending = True
            self.run_worker(self._suspend(), name="suspend", exit_on_error=True)

    async def _suspend(self) -> None:
        if self.deck is not None:
            await self.deck.control.disarm("the session was suspended")
        if self._driver is not None:
            self._driver.suspend_application_mode()
        self._suspending = False
        os.kill(os.getpid(), signal.SIGSTOP)

    def continue_session(self) -> None:
        """Take the terminal again after a stop, which may have come without a warning."""
        if self.desk is not None:
            self.desk.disarm("the session was suspended")
        if isinstance(self._driver, DeckDriver):
            self._driver.restart()
        self.action_redraw()

    def action_help(self) -> None:
        """Show what every key does."""
        from wattdeck.ui.help import HelpScreen

        self.push_screen(HelpScreen(self.screen_stack[-1]))

    def action_journal(self) -> None:
        """Show alarms and the command journal."""
        from wattdeck.ui.log import LogScreen

        self.push_screen(LogScreen())

    @work(exclusive=True, group="export")
    async def action_export(self) -> None:
        """Save what is shown as JSON, CSV, text and a picture."""
        if self.deck is None:
            return
        from wattdeck.ui.saving import save_all

        try:
            folder = await save_all(self, self.deck, Path.cwd())
        except OSError as error:
            self.say(f"Nothing was saved: {error.strerror or error}. Start wattdeck in a folder you can write to.",
                     trouble=True)  # fmt: skip
        else:
            self.say(f"Saved in {folder}")

    @work(exclusive=True, group="quit")
    async def action_quit_deck(self) -> None:
        """Leave; asks only while a command is on its way."""
        if self.desk is not None and self.desk.busy:
            from wattdeck.ui.dialogs import AskDialog

            words = ["A command is still waiting for its confirmation.", "Leaving writes its outcome as unknown."]
            if not await self.push_screen_wait(AskDialog("Leave now?", words, yes="Leave")):
                return
        self.leave(0, "")

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Palette entries: every action that works now, named `area: Verb`."""
        for active in screen.active_bindings.values():
            binding = active.binding
            if active.enabled and binding.id not in (None, "deck.palette") and binding.tooltip and binding.action:
                area = str(binding.id).partition(".")[0]
                callback = self._palette_callback(active.node, binding.action)
                yield SystemCommand(f"{area}: {binding.tooltip}", binding.description, callback)
        for source in self.deck.hub.sources if self.deck is not None else ():
            yield SystemCommand(f"deck: Show {source}", "Source", lambda source=source: self.open_source(source))

    def _palette_callback(self, node: Any, action: str) -> Callable[[], Any]:
        async def run() -> None:
            await self.run_action(action, default_namespace=node)

        return run

    def open_source(self, source: SourceId) -> None:
        """Show a source on its system's screen."""
        system = source.partition("/")[0]
        if system in self._modes:
            if system != self.current_mode:
                self.switch_mode(system)
            screen = self.screen_stack[0]
            if hasattr(screen, "source"):
                screen.source = source

    def picture(self) -> str:
        """The screen as it is, as SVG. Spaces are kept by every viewer, so that columns stay columns."""
        svg = self.export_screenshot(title="wattdeck")
        return svg.replace("<svg ", '<svg xml:space="preserve" ', 1)

    def now(self) -> datetime:
        return self.clock.now()
