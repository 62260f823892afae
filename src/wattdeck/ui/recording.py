"""Recording from the app, and the keys of a replay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from wattdeck.core.errors import UsageError, WattdeckError
from wattdeck.core.language import tr
from wattdeck.core.replaytime import read_place, time_words
from wattdeck.ui.dialogs import Words
from wattdeck.ui.themed import ThemedApp

if TYPE_CHECKING:
    from wattdeck.core.deck import Deck
    from wattdeck.core.lines import Line
    from wattdeck.core.replay import ReplayHub


class RecordingApp(ThemedApp):
    """Records what the deck reads, and moves through what was recorded."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R", "record", "Record", id="deck.record", show=False,
                tooltip="Record all readings into a file, or stop recording"),
        Binding("N", "replay_step(1)", "Step", id="replay.step",
                tooltip="Go to the next recorded reading and stand there"),
        Binding("B", "replay_step(-1)", "Step back", id="replay.step_back", show=False,
                tooltip="Go back to the last recorded reading and stand there"),
        Binding("i", "replay_go(-60)", "Back 1 min", id="replay.minute_back", show=False, tooltip="Go back a minute"),
        Binding("o", "replay_go(60)", "On 1 min", id="replay.minute_on", show=False, tooltip="Go on a minute"),
        Binding("left_parenthesis", "replay_go(-600)", "Back 10 min", id="replay.ten_minutes_back", show=False,
                tooltip="Go back ten minutes"),
        Binding("right_parenthesis", "replay_go(600)", "On 10 min", id="replay.ten_minutes_on", show=False,
                tooltip="Go on ten minutes"),
        Binding("at", "replay_time", "Time", id="replay.time", tooltip="Go to a time of the recording"),
        Binding("X", "replay_turn(-1)", "Change before", id="replay.change_before", show=False,
                tooltip="Go back to where a link changed"),
        Binding("C", "replay_turn(1)", "Change", id="replay.next_change", tooltip="Go on to where a link changes"),
        Binding("F", "replay_speed(1)", "Faster", id="replay.faster", show=False, tooltip="Replay faster"),
        Binding("W", "replay_speed(-1)", "Slower", id="replay.slower", show=False, tooltip="Replay slower"),
    ]  # fmt: skip

    deck: Deck | None = None

    # What the header says

    @property
    def replay(self) -> ReplayHub | None:
        """The hub of a replay; None where sources are asked, and until the engine is up."""
        return None if self.deck is None else self.deck.replay

    @property
    def replay_words(self) -> str:
        """How a replay runs; empty where there is none."""
        replay = self.replay
        if replay is None:
            return ""
        if replay.at_end:
            return tr("at its end")
        return f"{replay.replay_clock.speed:g}x" if replay.playing else tr("paused")

    @property
    def is_recording(self) -> bool:
        """Readings go into a file."""
        return self.deck is not None and self.deck.recorder is not None and self.deck.recorder.recording

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the keys of a replay only there."""
        if action.startswith("replay_"):
            return self.replay is not None
        return super().check_action(action, parameters)

    # Recording

    @work(exclusive=True, group="record")
    async def action_record(self) -> None:
        """Record all readings into a file, or stop recording."""
        deck = self.deck
        if deck is None:
            return
        if deck.recorder is not None:
            await self._stop_recording(deck)
            return
        path = Path.cwd() / f"wattdeck-{self.clock.now().astimezone():%Y%m%d-%H%M%S}.jsonl.gz"
        try:
            await deck.start_recording(path)
        except WattdeckError as error:
            self.say(str(error), trouble=True)
        else:
            self.say(tr("Recording into {path}, readable by you alone: it holds documents and addresses whole. "
                        "R stops.", path=path))  # fmt: skip
        self.paint()

    async def _stop_recording(self, deck: Deck) -> None:
        recorder = await deck.stop_recording()
        if recorder is not None:
            self.say(recorder.problem or recorder.words(), trouble=bool(recorder.problem or recorder.missed))
        self.paint()

    @work(exclusive=True, group="record")
    async def end_broken_recording(self) -> None:
        """Say why a recording has stopped by itself. Called when it has."""
        if self.deck is not None:
            await self._stop_recording(self.deck)

    def look_at_recording(self) -> None:
        """Call it once a tick."""
        if self.deck is not None and self.deck.recorder is not None and self.deck.recorder.problem:
            self.end_broken_recording()

    # Replay

    def take_up_replay(self) -> None:
        """Follow the replay, if this is one."""
        replay = self.replay
        if replay is not None:
            replay.moved.append(self._replay_moved)

    def _replay_moved(self) -> None:
        replay = self.replay
        while replay is not None and replay.told:
            self.say(replay.told.pop(0))
        self.paint()

    def pause_replay(self) -> bool:
        """Let a replay stand, or play; False if this is none."""
        replay = self.replay
        if replay is not None:
            replay.pause(replay.playing and not replay.at_end)
        return replay is not None

    def action_replay_step(self, direction: int) -> None:
        """Go to the next or last reading and stand."""
        if self.replay is not None:
            self.replay.step(direction)

    def action_replay_go(self, seconds: int) -> None:
        """Go on or back."""
        if self.replay is not None:
            self.replay.go_by(seconds)

    def action_replay_turn(self, direction: int) -> None:
        """Go to where a link changed."""
        if self.replay is not None:
            self.replay.turn(direction)

    def action_replay_speed(self, direction: int) -> None:
        """Faster or slower."""
        if self.replay is not None:
            self.replay.faster(direction)

    @work(exclusive=True, group="replay")
    async def action_replay_time(self) -> None:
        """Ask for a time and go there."""
        replay = self.replay
        if replay is None:
            return
        clock = replay.replay_clock
        text = await self.push_screen_wait(TimeDialog(clock.first_us, clock.last_us))
        if not text:
            return
        try:
            replay.go(read_place(text, clock.first_us, clock.last_us, clock.now_us()))
        except UsageError as error:
            self.say(str(error), trouble=True)


class TimeDialog(ModalScreen[str | None]):
    """Asks for a place in a recording; None: nowhere."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel", id="dialog.cancel", tooltip="Do nothing and go back"),
    ]

    def __init__(self, first_us: int, last_us: int) -> None:
        super().__init__()
        self._first_us, self._last_us = first_us, last_us

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Words(id="words")
            yield Input(placeholder=tr("14:05, 15m, +90s, -10m"), id="place", max_length=40)

    def on_mount(self) -> None:
        first, last = time_words(self._first_us), time_words(self._last_us)
        lines: list[Line] = [
            ((tr("Go to a time"), "heading"),),
            (),
            ((tr("from {first} to {last}", first=first, last=last), "normal"),),
            ((tr("A time, or a duration from the beginning; + and - go from here."), "muted"),),
        ]
        self.query_one("#words", Words).show_lines(lines)
        self.query_one("#place", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take what was typed."""
        event.stop()
        self.dismiss(event.value.strip() or None)
