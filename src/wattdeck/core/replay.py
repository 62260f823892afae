"""Replay: a hub whose sources are those of a recording. Asks nobody, writes nothing, commands nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.daytrend import DayTrend
from wattdeck.core.feed import Feed
from wattdeck.core.hub import Hub
from wattdeck.core.language import tr
from wattdeck.core.player import Measured, Place, Player
from wattdeck.core.reading import Link, Reading, SourceId
from wattdeck.core.recorded import Recording
from wattdeck.core.recordedsource import not_asked_words, open_recorded
from wattdeck.core.recording import Feed as FeedName
from wattdeck.core.recording import NoRecording
from wattdeck.core.replayclock import SPEEDS, ReplayClock, moment
from wattdeck.core.system import Context, System
from wattdeck.core.trend import Trend

FAST = 4.0
"""From this speed on readings are shown a few times a second instead of one by one."""
FAST_S, LEAST_S = 0.25, 0.02
GROW_S = 1.0
"""How often the end of a recording that is being written is looked for more, s."""
AHEAD_S = 3600
"""So far ahead the way there is read; further off it is gone to directly."""


class ReplayHub(Hub):
    """The hub of a replay, with the same face. `run` plays; the keys' wishes are done in order, in its task."""

    def __init__(self, recording: Recording, systems: Mapping[str, System], clock: ReplayClock) -> None:
        from wattdeck.core.http import HttpClients

        times = recording.times_us
        if not times:
            raise NoRecording(tr("{path}: nothing is recorded in it yet", path=recording.path))
        clock.first_us, clock.last_us = times[0], times[-1]
        clock.set(times[0])
        self._temporary = tempfile.TemporaryDirectory(prefix="wattdeck-replay-")
        folder = Path(self._temporary.name)
        super().__init__((), state_dir=folder, clock=clock, demo_apps={}, keep_last=False)
        self._http = HttpClients(only_mounted=True, refusal=not_asked_words(), clock=clock)
        self.demo = recording.headers[0].demo
        self.recording = recording
        self.replay_clock = clock
        opened = open_recorded(recording, systems, Context(self._http, folder, clock, True))
        self.warnings: list[str] = [*recording.problems(), *opened.warnings]
        self.jumped: list[Callable[[], None]] = []
        """Called when a time was gone to, before its readings are published."""
        self.led: list[Callable[[Reading[Any], datetime], None]] = []
        """Called then with readings that lead there and when they came; they are not shown."""
        self.moved: list[Callable[[], None]] = []
        """Called when what is to be painted has changed by a wish."""
        self.configs = opened.configs
        """Settings as recorded, of the sources that have some; alarms go by them."""
        self.systems.update(opened.systems)
        self.sources.update(opened.sources)
        self._known: dict[FeedName, Feed[Any]] = {
            (source, feed.name): feed for source in self.sources for feed in self.feeds_of(source)
        }
        self.trends = {source: Trend() for source in self.sources}
        self.days = {source: DayTrend() for source in self.sources}
        self.player = Player(recording, self._kinds(), self._values)
        self._wishes: list[Callable[[], Awaitable[None]]] = []
        self._sleep: anyio.CancelScope | None = None
        self._shown: Sequence[SourceId] = ()
        self._at_s = 0.0
        """Unix time of the reading that is being published."""
        self._trending = True
        """What is published makes the trends longer; not where they have just been made."""
        self.told: list[str] = []
        """What is to be said of wishes that came to nothing."""
        self.to_us: int | None = None
        """Where it ends earlier than the recording."""

    def _kinds(self) -> dict[FeedName, type[Any]]:
        return {
            feed: self.system_of(feed[0]).snapshot_types()[feed[1]]
            for feed in self._known
            if feed[1] in self.system_of(feed[0]).snapshot_types()
        }

    def _values(self, feed: str, snapshot: Any) -> Mapping[str, float | None]:
        source, _, name = feed.partition(" ")
        return self.system_of(source).trend_values(name, snapshot)

    # What the hub's callers ask for

    def refresh(self, source: SourceId | None = None) -> None:
        """Nothing: a recording is as new as it is."""

    def show(self, shown: Sequence[SourceId]) -> None:
        """Whose readings a step goes through."""
        self._shown = shown

    def pause(self, paused: bool, source: SourceId | None = None) -> None:
        """Let time stand, or play; at the end, play from the beginning."""
        del source
        clock = self.replay_clock
        if not paused and clock.now_us() >= clock.last_us:
            self.go(clock.first_us)
        clock.play(not paused)
        self._wish(self._nothing)

    async def once(self, sources: Sequence[SourceId] | None = None, *, timeout_s: float = 30.0) -> None:
        """Show what there is at the present time."""
        del sources, timeout_s
        await self._seek(self.player.number_at(self.replay_clock.now_us()))

    async def run(self) -> None:
        """Play for ever: stand at the end, and go on where the recording grows."""
        await self.once()
        while True:
            while self._wishes:
                await self._wishes.pop(0)()
            await self._catch_up()
            if not self._wishes:
                await self._rest()

    # What a person asks for

    @property
    def shown_at(self) -> datetime:
        """When the reading came that is being published, UTC."""
        return moment(round(self._at_s * 1e6))

    def feeds_of(self, source: SourceId) -> Sequence[Feed[Any]]:
        """A source's feeds, in their order."""
        return self.sources[source].feeds

    @property
    def playing(self) -> bool:
        return self.replay_clock.playing

    @property
    def at_end(self) -> bool:
        """There is nothing after this."""
        return self.replay_clock.now_us() >= self.replay_clock.last_us

    def between(self, from_us: int | None, to_us: int | None) -> None:
        """Show a part of the recording; call it before `run`."""
        clock = self.replay_clock
        if to_us is not None:
            self.to_us = clock.last_us = min(clock.last_us, to_us)
        if from_us is not None:
            clock.first_us = max(clock.first_us, from_us)
        clock.set(clock.first_us)

    def go(self, at_us: int) -> None:
        """Go to a time, or as near as the recording comes."""
        self._wish(partial(self._go, at_us))

    def go_by(self, seconds: float) -> None:
        """Go on or back by recorded seconds."""
        self._wish(partial(self._go_by, seconds))

    def step(self, direction: int) -> None:
        """Stand, at the next or the last reading of what is on show."""
        self._wish(partial(self._step, direction))

    def turn(self, direction: int) -> None:
        """Go to where a link became another one, next or last."""
        self._wish(partial(self._turn, direction))

    def faster(self, direction: int) -> None:
        """The next speed up or down."""
        clock = self.replay_clock
        at = min(range(len(SPEEDS)), key=lambda each: abs(SPEEDS[each] - clock.speed))
        clock.run_at(SPEEDS[max(0, min(len(SPEEDS) - 1, at + direction))])
        self._wish(self._nothing)

    def _wish(self, wish: Callable[[], Awaitable[None]]) -> None:
        self._wishes.append(wish)
        if self._sleep is not None:
            self._sleep.cancel()

    async def _nothing(self) -> None:
        self._tell()

    async def _go_by(self, seconds: float) -> None:
        await self._go(self.replay_clock.now_us() + round(seconds * 1e6))

    async def _go(self, at_us: int) -> None:
        clock = self.replay_clock
        at_us = max(clock.first_us, min(clock.last_us, at_us))
        number = self.player.number_at(at_us)
        ahead_us = at_us - clock.now_us()
        clock.set(at_us)
        if number >= self.player.position and 0 <= ahead_us <= AHEAD_S * 1_000_000:
            await self._advance(number)
        else:
            await self._seek(number)
        self._tell()

    async def _step(self, direction: int) -> None:
        clock = self.replay_clock
        clock.play(False)
        number = self.player.step([each for each in self._shown if each in self.sources], direction)
        if number is not None and self._within(number):
            clock.set(self.recording.times_us[number])
            await (self._advance(number) if direction > 0 else self._seek(number))
        self._tell()

    async def _turn(self, direction: int) -> None:
        number = await to_thread.run_sync(self.player.turn, direction)
        if number is not None and self._within(number):
            await self._go(self.recording.times_us[number])
        else:
            self.told.append(tr("No link changed after this.") if direction > 0 else tr("No link changed before this."))
            self._tell()

    def _within(self, number: int) -> bool:
        return self.replay_clock.first_us <= self.recording.times_us[number] <= self.replay_clock.last_us

    def _tell(self) -> None:
        for listener in self.moved:
            listener()

    # Playing

    async def _catch_up(self) -> None:
        number = self.player.number_at(self.replay_clock.now_us())
        if number > self.player.position:
            await self._advance(number)
        elif self.recording.torn and self.at_end and self.to_us is None:
            await self._grow()

    async def _grow(self) -> None:
        """Look for what has been recorded since."""
        clock = self.replay_clock
        if await to_thread.run_sync(self.recording.grow):
            at_us = clock.now_us()
            clock.last_us = self.recording.times_us[-1]
            clock.set(at_us)
            self.player.look()

    async def _rest(self) -> None:
        """Sleep until the next reading is due, or a wish comes."""
        clock, next_us = self.replay_clock, self.player.next_us()
        wait_s: float | None = None
        if clock.playing and next_us is not None and next_us <= clock.last_us:
            wait_s = max((next_us - clock.now_us()) / 1e6 / clock.speed, FAST_S if clock.speed > FAST else LEAST_S)
        elif self.recording.torn and self.to_us is None:
            wait_s = GROW_S
        with anyio.CancelScope() as self._sleep:
            await (anyio.sleep_forever() if wait_s is None else clock.sleep(wait_s))
        self._sleep = None

    async def _advance(self, number: int) -> None:
        for each, reading in await to_thread.run_sync(self.player.advance, number):
            self._show(reading, self.recording.times_us[each] / 1e6)

    async def _seek(self, number: int) -> None:
        day, lead, (readings, trends) = await to_thread.run_sync(self._read_place, number)
        self.trends.update(trends)
        for listener in self.jumped:
            listener()
        for each, reading in lead:
            for follow in self.led:
                follow(reading, moment(self.recording.times_us[each]))
        at_s = self.replay_clock.now_us() / 1e6
        self._trending = False
        try:
            for reading in readings:
                self._show(reading, at_s)
        finally:
            self._trending = True
        # Which value it is depends on the readings that are shown by now.
        self.days.update({source: DayTrend() for source in self.sources})
        for source, time_s, values in day:
            self._remember_day(source, time_s, values)

    def _read_place(self, number: int) -> tuple[list[Measured], list[tuple[int, Reading[Any]]], Place]:
        # The newest last: the tracks go on from there.
        return self.player.day(number), self.player.lead(number), self.player.seek(number)

    def _show(self, reading: Reading[Any], at_s: float) -> None:
        feed = self._known[reading.source, reading.feed]
        feed.reading = reading
        self._at_s = at_s
        take = getattr(self.sources[reading.source], "take_recorded", None)
        if take is not None:
            take(reading)
        self.publish(reading)

    def _remember(self, reading: Reading[Any]) -> None:
        if not self._trending:
            return
        trend = self.trends[reading.source]
        if reading.link is Link.LIVE and reading.snapshot is not None and reading.taken_at is not None:
            system = self.system_of(reading.source)
            values = system.trend_values(reading.feed, reading.snapshot)
            trend.add(reading.taken_at.timestamp(), values, partial(system.earlier_trends, reading.snapshot))
            self._remember_day(reading.source, reading.taken_at.timestamp(), values)
        elif reading.link is not Link.WAITING:
            trend.gap(self._at_s)

    async def aclose(self) -> None:
        """Close the file, and forget what sources have kept meanwhile."""
        await super().aclose()
        self.discard()

    def discard(self) -> None:
        """Close the file and forget what was kept, of a hub that was never used or is closed."""
        self.recording.close()
        self._temporary.cleanup()


def open_replay(
    path: Path, systems: Mapping[str, System], *, speed: float = 1.0, base: Clock = SYSTEM_CLOCK
) -> ReplayHub:
    """A hub on a recording, at its beginning. What sources would keep goes to a folder that disappears.

    Raises:
        NoRecording: the file is none, or nothing is in it yet.
    """
    recording = Recording(path)
    try:
        return ReplayHub(recording, systems, ReplayClock(base, speed))
    except BaseException:
        recording.close()
        raise
