"""Opens the sources, owns what they share, runs their feeds, and tells who listens."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio

from wattdeck.core import lastknown
from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.daytrend import DayTrend
from wattdeck.core.reading import Link, Reading, SourceId
from wattdeck.core.system import Context, Source, System
from wattdeck.core.trend import Trend

if TYPE_CHECKING:
    from wattdeck.core.config import SourceConfig
    from wattdeck.core.feed import Feed

log = logging.getLogger(__name__)

Listener = Callable[[Reading[Any]], None]


class Hub:
    """All configured sources, opened.

    `run` polls for ever; `once` asks each feed a single time. Neither raises a source's error. Listeners are called
    on the event loop, once per outcome of a poll, and must be quick.
    """

    def __init__(
        self,
        sources: Sequence[tuple[System, SourceConfig]],
        *,
        state_dir: Path,
        clock: Clock = SYSTEM_CLOCK,
        demo_apps: Mapping[str, Any] | None = None,
        keep_last: bool = True,
        keep_trends: bool = True,
    ) -> None:
        """Args:
        demo_apps: What answers in place of the network, by origin; None: the network itself.
        keep_last: Keep the last readings for the next session.
        keep_trends: Remember values for sparklines and plots. Without a screen nobody asks for them.
        """
        from wattdeck.core.http import HttpClients

        self.clock = clock
        self.demo = demo_apps is not None
        self.state_dir = state_dir
        self._keep_last = keep_last and not self.demo
        self._keep_trends = keep_trends
        self._http = HttpClients(mounts=_transports(demo_apps), only_mounted=self.demo, clock=clock)
        context = Context(self._http, state_dir, clock, self.demo, _stand_ins(demo_apps))
        self.systems: dict[str, System] = {system.name: system for system, _ in sources}
        self.sources: dict[SourceId, Source] = {}
        self.trends: dict[SourceId, Trend] = {}
        self.days: dict[SourceId, DayTrend] = {}
        """What the sparklines of the overview are made of."""
        self.recorded_settings: dict[SourceId, Mapping[str, Any]] = {}
        """What a recording needs to know of each source's settings."""
        for system, config in sources:
            source = system.open(config, context)
            self.sources[source.id] = source
            self.trends[source.id] = Trend()
            self.days[source.id] = DayTrend()
            self.recorded_settings[source.id] = config.for_recording()
        self._listeners: list[Listener] = []
        self._saved_s: dict[tuple[SourceId, str], float] = {}
        self._unkept = {(feed.source, feed.name) for feed in self.feeds if not feed.keep_last}
        if self._keep_last:
            self._restore()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Keep what was last known and close every connection."""
        for feed in self.feeds:
            if self._keep_last and feed.keep_last and feed.reading.link in (Link.LIVE, Link.STALE):
                lastknown.save(self.state_dir, feed.reading)
        for source in self.sources.values():
            with contextlib.suppress(Exception):
                await source.aclose()
        await self._http.aclose()

    @property
    def feeds(self) -> list[Feed[Any]]:
        return [feed for source in self.sources.values() for feed in source.feeds]

    def system_of(self, source: SourceId) -> System:
        """The system a source belongs to."""
        return self.systems[source.partition("/")[0]]

    def readings(self, source: SourceId) -> list[Reading[Any]]:
        """The newest reading of each of the source's feeds, in their order."""
        return [feed.reading for feed in self.sources[source].feeds]

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Be told of each outcome of each poll. Returns how to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def refresh(self, source: SourceId | None = None) -> None:
        """Poll one source, or all, as soon as possible."""
        for feed in self._feeds_of(source):
            feed.refresh()

    def pause(self, paused: bool, source: SourceId | None = None) -> None:
        """Stop or resume polling."""
        for feed in self._feeds_of(source):
            feed.pause(paused)

    def show(self, shown: Sequence[SourceId]) -> None:
        """Full cadence for these sources, the slower one for the rest."""
        for feed in self.feeds:
            feed.show(feed.source in shown)

    async def run(self) -> None:
        """Poll every feed for ever, starts spread over the cadence."""
        feeds = self.feeds
        async with anyio.create_task_group() as group:
            for index, feed in enumerate(feeds):
                phase_s = index / len(feeds) * min(feed.interval_s, 1.0)
                group.start_soon(self._run_feed, feed, phase_s)
            await anyio.sleep_forever()

    async def once(self, sources: Sequence[SourceId] | None = None, *, timeout_s: float = 30.0) -> None:
        """Ask each feed of the named sources (None: all) a single time; after `timeout_s` print what there is."""
        with anyio.move_on_after(timeout_s):
            async with anyio.create_task_group() as group:
                for feed in self.feeds:
                    if sources is None or feed.source in sources:
                        group.start_soon(self._poll_feed, feed)

    def publish(self, reading: Reading[Any]) -> None:
        """Remember a reading and tell everyone of it. One listener's fault is logged and stops nobody else."""
        for listener in (self._remember, *self._listeners):
            try:
                listener(reading)
            except Exception:
                log.exception("a listener failed on %s %s", reading.source, reading.feed)

    def _feeds_of(self, source: SourceId | None) -> list[Feed[Any]]:
        return [feed for feed in self.feeds if source is None or feed.source == source]

    async def _run_feed(self, feed: Feed[Any], phase_s: float) -> None:
        await feed.run(self.publish, phase_s=phase_s)

    async def _poll_feed(self, feed: Feed[Any]) -> None:
        self.publish(await feed.poll())

    def _remember(self, reading: Reading[Any]) -> None:
        measured = reading.link is Link.LIVE and reading.snapshot is not None and reading.taken_at is not None
        if self._keep_trends:
            if measured:
                self._add_to_trends(reading)
            else:
                self.trends[reading.source].gap(self.clock.now().timestamp())
        if not measured:
            return
        key = (reading.source, reading.feed)
        now_s = self.clock.monotonic()
        if self._keep_last and key not in self._unkept and now_s - self._saved_s.get(key, -1e9) >= 60:
            self._saved_s[key] = now_s
            lastknown.save(self.state_dir, reading)

    def _add_to_trends(self, reading: Reading[Any]) -> None:
        assert reading.taken_at is not None
        taken_s = reading.taken_at.timestamp()
        system = self.system_of(reading.source)
        values = system.trend_values(reading.feed, reading.snapshot)
        self.trends[reading.source].add(taken_s, values, partial(system.earlier_trends, reading.snapshot))
        self._remember_day(reading.source, taken_s, values)

    def _remember_day(self, source: SourceId, taken_s: float, values: Mapping[str, float | None]) -> None:
        """Count the one value in that the source's sparkline shows."""
        day = self.days[source]
        if not values:
            return
        if day.due(taken_s):
            matters = self.system_of(source).matters(self.readings(source), self.clock.now())
            day.follow(matters.trend_key)
        if day.key in values:
            day.add(taken_s, values[day.key])

    def _restore(self) -> None:
        for feed in self.feeds:
            kind = self.system_of(feed.source).snapshot_types().get(feed.name)
            reading = lastknown.load(self.state_dir, feed.source, feed.name, kind) if kind is not None else None
            if reading is not None:
                feed.restore(reading)


def _stand_ins(apps: Mapping[str, Any] | None) -> Mapping[str, Any]:
    return {origin: other for origin, other in (apps or {}).items() if not origin.startswith("http")}


def _transports(apps: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if apps is None:
        return None
    from wattdeck.core.asgi import SimulatedTransport

    return {origin: SimulatedTransport(app) for origin, app in apps.items() if origin.startswith("http")}
