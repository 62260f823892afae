"""The live app: runs the engine, puts its newest readings on the screen in front, and offers what works everywhere."""

from __future__ import annotations

import gc
import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import anyio
from textual import events, work
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.worker import WorkerError

from wattdeck.core.alarm_view import PRIORITY_MEANINGS, Alarm, AlarmChanged
from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.errors import WattdeckError
from wattdeck.core.language import later, tr
from wattdeck.core.looked import Looked
from wattdeck.core.reading import Link, Reading, SourceId
from wattdeck.core.system import System
from wattdeck.core.trend import Trend
from wattdeck.core.units import Glyphs, glyphs
from wattdeck.ui.attention import Attention
from wattdeck.ui.caches import trim_caches
from wattdeck.ui.frame import HeaderState
from wattdeck.ui.navigation import Navigation
from wattdeck.ui.recording import RecordingApp
from wattdeck.ui.terminal import LAST_RESORT_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wattdeck.core.deck import Deck
    from wattdeck.ui.desk import Desk

log = logging.getLogger(__name__)

ENGINE = "engine"
"""Name of the work that keeps the session open."""
SETTLED_S = 3.0
"""When start-up is over."""
TRIM_FRAMES = 256
"""Frames after which what Textual remembers of old ones is looked through."""


@dataclass(frozen=True, slots=True)
class AppOptions:
    """How the app starts. Everything here is known without reading the configuration."""

    systems: Mapping[str, System]
    demo: bool = False
    read_only: bool = False
    theme: str | None = None
    """From the command line; wins over the configuration."""
    screen: str | None = None
    """Where to start: `overview`, `events`, or a system."""
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
    settings_path: Path | None = None
    """The configuration the settings screen changes; None: what runs does not come from one."""


class DeckApp(RecordingApp):
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
        Binding("L", "journal", "Events", id="deck.log", show=False, tooltip="Show what happened: alarms and commands"),
        Binding("O", "settings", "Settings", id="deck.settings", show=False,
                tooltip="Change sources, looks and keys"),
        Binding("D", "disarm", "Disarm", id="deck.disarm", show=False, tooltip="Give up control for this session"),
        Binding("colon,ctrl+p", "command_palette", "Palette", id="deck.palette", show=False,
                tooltip="Find a command by its name"),
        Binding("ctrl+l", "redraw", "Redraw", id="deck.redraw", show=False, tooltip="Draw the whole screen again"),
        Binding("q", "quit_deck", "Quit", id="deck.quit", show=False, tooltip="Leave wattdeck"),
        Binding("ctrl+c", "quit_deck", "Quit", id="deck.interrupt", show=False, tooltip="Leave wattdeck"),
        *(
            Binding(str(number), f"system({number})", f"Screen {number}", id=f"deck.screen_{number}", show=False,
                    tooltip="Show the screen with this number")
            for number in range(10)
        ),
    ]  # fmt: skip

    def __init__(self, engine: AbstractAsyncContextManager[Deck], options: AppOptions) -> None:
        """An app on a session that polls inside `engine`'s block; it is entered after the first frame."""
        self._options = options
        super().__init__(
            options.clock,
            low_bandwidth=options.low_bandwidth,
            theme=options.theme,
            configured_theme=options.configured_theme,
            user_themes=options.user_themes,
            picture=options.picture,
        )
        self._engine = engine
        self.glyphs: Glyphs = glyphs(options.ascii)
        self.deck: Deck | None = None
        self.desk: Desk | None = None
        """Where commands start; None until the engine is up."""
        self.looked: Looked | None = None
        self._preview: dict[SourceId, list[Reading[Any]]] = {}
        for reading in options.preview:
            self._preview.setdefault(reading.source, []).append(reading)
        self._empty_trend = Trend()
        self._attention: Attention | None = None
        self._frames = 0
        self._early = ""
        """What was asked for before the engine was up."""
        self.navigation = Navigation(self, options.systems, options.screen)

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
    def open_alarms(self) -> Sequence[Alarm]:
        """Every alarm that is not normal and not shelved, worst first; none until the engine is up."""
        return () if self.deck is None else self.deck.alarms.open

    @property
    def systems(self) -> Mapping[str, System]:
        """The installed systems by name."""
        return self._options.systems

    @property
    def sources(self) -> Sequence[SourceId]:
        """Ids of all sources; those of the last run until the engine is up."""
        return list(self.deck.hub.sources if self.deck is not None else self._preview)

    def sources_of(self, system: str) -> Sequence[SourceId]:
        """Ids of a system's sources."""
        return [source for source in self.sources if source.partition("/")[0] == system]

    def readings(self, source: SourceId) -> Sequence[Reading[Any]]:
        """The newest readings of a source; from the last run until the engine is up."""
        if self.deck is None:
            return self._preview.get(source, [])
        return self.deck.hub.readings(source) if source in self.deck.hub.sources else []

    def trend(self, source: SourceId) -> Trend:
        """The short memory of a source."""
        return self._empty_trend if self.deck is None else self.deck.hub.trends.get(source, self._empty_trend)

    def header_state(self, source: SourceId, *, clock: bool = False) -> HeaderState:
        """What the header says of the session, and of a source if one is on show; pages need no clock."""
        return HeaderState(
            systems=self.navigation.titled(),
            source=source,
            reading=max(self.readings(source), key=lambda reading: reading.failures, default=None),
            alarms=len(self.open_alarms),
            alarm_meaning=self._alarm_meaning(),
            demo=self.demo,
            armed=self.armed,
            read_only=self.read_only,
            paused=self.paused,
            replay=self.replay_words,
            recording=self.is_recording,
            clock=clock or bool(source),
        )

    def _alarm_meaning(self) -> str:
        """How alarms are counted in the header: in the style of the worst that nobody has acknowledged."""
        worst = None if self.deck is None else self.deck.alarms.worst
        return "muted" if worst is None else PRIORITY_MEANINGS[worst]

    def blink(self, now: datetime) -> bool:
        """Whether what is unacknowledged stands out in this second; always where nothing may blink."""
        return self.low_bandwidth or int(now.timestamp()) % 2 == 0

    def show_sources(self, sources: Sequence[SourceId]) -> None:
        """Poll these sources at full cadence, the others slowly. A screen that has none yet changes nothing."""
        if self.deck is not None and "" not in sources:
            self.deck.hub.show(sources)

    # Life

    def on_mount(self) -> None:
        self._catch_signals()
        self.navigation.begin()
        self._schedule_tick()
        self.set_timer(SETTLED_S, self._settle_memory)
        self.call_after_refresh(self._run_engine)

    async def on_unmount(self) -> None:
        """Let the engine close in its own order: cancelled once more, it could not write what is still open."""
        for worker in [worker for worker in self.workers if worker.name == ENGINE]:
            with suppress(WorkerError), anyio.move_on_after(LAST_RESORT_S):
                await worker.wait()

    def _settle_memory(self) -> None:
        """Free what start-up left behind, and never look at the rest again: it lives as long as the app."""
        if not self.is_headless:
            gc.collect()
            gc.freeze()
            gc.enable()

    @work(exit_on_error=True, name=ENGINE)
    async def _run_engine(self) -> None:
        """Take the engine up after the first frame and keep it until the app ends."""
        try:
            async with self._engine as deck:
                self._take_up(deck)
                await anyio.sleep_forever()
        except WattdeckError as error:
            self.leave(2, str(error))

    def _take_up(self, deck: Deck) -> None:
        from wattdeck.ui.desk import Desk

        self.deck = deck
        self.desk = Desk(self, deck.control)
        self.looked = Looked(deck.hub.state_dir / "looked")
        self._take_settings(deck)
        wanted = deck.alarms.settings
        self._attention = Attention(wanted.notice, wanted.least_priority, self.clock, self._write_beside)
        deck.alarms.subscribe(self._alarm_changed)
        if deck.alarms.trouble:
            self.say(deck.alarms.trouble, trouble=True)
        deck.hub.subscribe(self._arrived)
        self.take_up_replay()
        self.navigation.take_up()
        self.paint()
        if self._early:
            self.call_later(self.run_action, self._early)

    def _take_settings(self, deck: Deck) -> None:
        ui = deck.ui
        self.paint_s = ui.paint_s
        if ui.low_bandwidth is True:
            self.low_bandwidth = True
        self.low_bandwidth_auto = ui.low_bandwidth == "auto"
        if ui.ascii:
            self.glyphs = glyphs(True)
        self.take_theme_of_settings(ui.theme)
        if ui.keys:
            self._use_keys(ui.keys)
        for warning in deck.warnings:
            self.say(warning, trouble=True)

    def _bindings_there_are(self) -> list[Binding]:
        from wattdeck.ui.help import bindings_of, screen_widgets

        classes = [kind for screen in self.navigation.kinds() for kind in (screen, *screen_widgets(screen))]
        return bindings_of(type(self), *classes)

    def _use_keys(self, wanted: Mapping[str, str]) -> None:
        from wattdeck.ui.keys import checked_keymap

        keymap, problems = checked_keymap(wanted, self._bindings_there_are())
        self.set_keymap(keymap)
        for problem in problems:
            self.say(problem, trouble=True)

    async def on_event(self, event: events.Event) -> None:
        """As ever, and whoever presses a key is looking."""
        if isinstance(event, events.Key) and self.looked is not None:
            self.looked.touch(self.clock.now())
        await super().on_event(event)

    # What the terminal's side asks for

    def on_tick(self) -> None:
        self.look_at_recording()
        if self.desk is not None:
            self.desk.tick()

    async def finish_commands(self) -> None:
        if self.deck is not None:
            await self.deck.control.shutdown(1.5)

    async def give_up_control(self, reason: str) -> None:
        if self.deck is not None:
            await self.deck.control.disarm(reason)

    # Data and paint

    def _arrived(self, reading: Reading[Any]) -> None:
        source = reading.source
        if self.desk is not None:
            self.desk.reading_arrived(source)
        screen = self.screen_stack[0] if self._screen_stacks.get(self.current_mode) else None
        arriving = reading.link is Link.WAITING and reading.snapshot is not None
        first = reading.good_polls == 1 or reading.failures == 1 or arriving
        if first and getattr(screen, "source", None) in (source, ""):
            self.paint()

    def _alarm_changed(self, change: AlarmChanged) -> None:
        if change.trouble:
            self.say(change.trouble, trouble=True)
        if change.rings and change.alarm is not None and self._attention is not None:
            self._attention.call(change.alarm)
        self.call_later(self.paint)

    def _write_beside(self, text: str) -> None:
        """Send the terminal something that is no part of the picture."""
        if self._driver is not None:
            self._driver.write(text)

    def paint(self) -> None:
        """Show the newest data, unless the terminal is behind. A page that hides the screen is painted instead."""
        if self.terminal_behind or not self._screen_stacks.get(self.current_mode):
            return
        pages = [screen for screen in self.screen_stack[1:] if screen.has_class("-plain")]
        screen = pages[-1] if pages else self.screen_stack[0]
        paint = getattr(screen, "paint", None)
        if paint is not None:
            paint(self.clock.now())
        self._frames += 1
        if self._frames % TRIM_FRAMES == 0:
            trim_caches()

    # Actions

    def action_refresh_now(self) -> None:
        """Read the source on show now."""
        if self.replay is not None:
            self.say(tr("This is a replay of a recording; nothing is read anew."))
        elif self.deck is not None:
            source = getattr(self.screen_stack[0], "source", "")
            self.deck.hub.refresh(source or None)

    def action_pause(self) -> None:
        """Stop polling and painting, or go on."""
        if self.pause_replay():
            return
        self.paused = not self.paused
        if self.deck is not None:
            self.deck.hub.pause(self.paused)
        self.paint()

    def _keep_for_engine(self, action: str) -> bool:
        """Whether the engine is still on its way; the newest of what was asked for meanwhile is done when it is up."""
        if self.deck is None:
            self._early = action
        return self.deck is None

    def action_system(self, number: int) -> None:
        """Show a screen by its number."""
        if not self._keep_for_engine(f"system({number})"):
            self.navigation.go(number)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer only screens that there are."""
        if action == "system":
            return self.deck is None or int(str(parameters[0])) in self.navigation.numbered()
        return super().check_action(action, parameters)

    def action_disarm(self) -> None:
        """Give up control."""
        if self.desk is not None:
            self.desk.disarm(later("disarmed by the operator"))

    def action_help(self) -> None:
        """Show what every key does."""
        from wattdeck.ui.help import HelpScreen

        self.push_screen(HelpScreen(self.screen_stack[-1]))

    def action_journal(self) -> None:
        """Show what happened; the second time, go back."""
        if self.navigation.at_events:
            self.navigation.leave_events()
        elif not self._keep_for_engine("journal"):
            self.navigation.show_events()

    @work(exclusive=True, group="settings")
    async def action_settings(self) -> None:
        """Change sources, looks and keys; what was saved is taken into use by starting the session again."""
        if self._keep_for_engine("settings") or self.deck is None:
            return
        from wattdeck.ui.settings_of_deck import change_settings

        if await change_settings(self, self.deck, self._options, self._bindings_there_are(), self._use_keys):
            self.start_again()

    @work(exclusive=True, group="export")
    async def action_export(self) -> None:
        """Save what is shown as JSON, CSV, text and a picture."""
        if self.deck is None:
            return
        from wattdeck.ui.deck_screen import DeckScreen
        from wattdeck.ui.saving import save_all

        screen = self.screen_stack[0]
        if isinstance(screen, DeckScreen):
            screen.hide_personal_data()
        try:
            folder = await save_all(self, self.deck, Path.cwd())
        except OSError as error:
            words = tr("Nothing was saved: {reason}. Start wattdeck in a folder you can write to.",
                       reason=error.strerror or error)  # fmt: skip
            self.say(words, trouble=True)
        else:
            self.say(tr("Saved in {files}", files=folder))

    @work(exclusive=True, group="quit")
    async def action_quit_deck(self) -> None:
        """Leave; asks only while a command is on its way."""
        if self.desk is not None and self.desk.busy:
            from wattdeck.ui.dialogs import AskDialog

            words = [
                tr("A command is still waiting for its confirmation."),
                tr("Leaving writes its outcome as unknown."),
            ]
            if not await self.push_screen_wait(AskDialog(tr("Leave now?"), words, yes=tr("Leave"))):
                return
        self.leave(0, "")

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """Palette entries: every action that works now, and every source."""
        from wattdeck.ui.palette import action_commands, source_commands

        yield from action_commands(self, screen)
        if self.deck is not None:
            yield from source_commands(self.deck.hub.sources, self.navigation.open_source)

    def picture(self) -> str:
        """The screen as it is, as SVG. Spaces are kept by every viewer, so that columns stay columns."""
        svg = self.export_screenshot(title="wattdeck")
        return svg.replace("<svg ", '<svg xml:space="preserve" ', 1)

    def now(self) -> datetime:
        return self.clock.now()
