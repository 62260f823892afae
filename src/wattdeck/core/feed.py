"""Keep one kind of data of one source fresh."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Generic, Protocol

import anyio

from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.errors import AuthError, Stale, WattdeckError
from wattdeck.core.language import tr
from wattdeck.core.reading import Link, Reading, S, SourceId

log = logging.getLogger(__name__)

BACK_OFF_CAP_S = 60.0
DOWN_AFTER_S = 60.0
"""A snapshot older than this (or than ten intervals, if longer) says nothing about now."""
MENDED_LOOK_S = 5.0
"""How often a refused source is asked whether what was refused has been changed."""

_JITTER = Random()  # noqa: S311  jitter, not secrecy


class Session(Protocol):
    """What a source that reports by itself keeps up between two fetches."""

    def heard_at(self) -> datetime | None:
        """When it last heard anything, UTC; None: nothing yet."""
        ...

    def next_try_at(self) -> datetime | None:
        """When it connects again, UTC; None: it is connected, or nobody knows."""
        ...

    def hurry(self) -> None:
        """A person wants it connected now, whatever its back-off says."""
        ...


Publish = Callable[[Reading[S]], None]
Schedule = Callable[[datetime, int], datetime]
"""The time now and the failed polls in a row -> when to ask next."""


class Feed(Generic[S]):
    """Polls at a cadence, never overlaps itself, backs off, and never raises a source's error.

    A failure keeps the last snapshot and its age. The feed recovers by itself from everything but refused
    credentials, for ever; after those it waits until it is woken (a person's refresh) or they have been changed.
    """

    def __init__(
        self,
        source: SourceId,
        name: str,
        fetch: Callable[[], Awaitable[S]],
        *,
        interval_s: float,
        hidden_interval_s: float | None = None,
        clock: Clock = SYSTEM_CLOCK,
        random: Random | None = None,
        keep_last: bool = True,
        schedule: Schedule | None = None,
        fade: Callable[[S], S] | None = None,
        fade_after_s: float = 0.0,
        session: Callable[[], Session | None] | None = None,
        mended: Callable[[], bool] | None = None,
    ) -> None:
        """Args:
        mended: Whether other credentials are there than those that were refused. Must be quick.
        session: Gives what the source keeps up by itself, if it does now.
        fade: What is left of a snapshot that nobody has confirmed for `fade_after_s`, without what says nothing then.
        schedule: When to ask next, where that goes by the clock on the wall; None: at the cadence.
        keep_last: The newest snapshot may be written to the disk for the next start. Not for much data, nor for
            personal data.
        """
        self.source = source
        self.name = name
        self.keep_last = keep_last
        self._fetch = fetch
        self._schedule = schedule
        self._fade = fade
        self._fade_after_s = fade_after_s
        self._session = session or _no_session
        self._mended = mended
        self._shown_interval_s = interval_s
        self._hidden_interval_s = hidden_interval_s or interval_s
        self._clock = clock
        self._random = random or _JITTER
        self._hidden = False
        self._paused = False
        self._due_s = 0.0
        self._woken = False
        self._sleep: anyio.CancelScope | None = None
        self._polling: anyio.Event | None = None
        self._publish: Publish[S] | None = None
        self.reading: Reading[S] = Reading(source, name, interval_s=interval_s)

    @property
    def interval_s(self) -> float:
        """Cadence in force, s: slower while nobody looks."""
        return self._hidden_interval_s if self._hidden else self._shown_interval_s

    def set_interval(self, interval_s: float, hidden_interval_s: float | None = None) -> None:
        """Another cadence from the next turn on: the source is asked in another way now."""
        self._shown_interval_s = interval_s
        self._hidden_interval_s = hidden_interval_s or interval_s

    @property
    def paused(self) -> bool:
        return self._paused

    def restore(self, reading: Reading[S]) -> None:
        """Start from what was last known in an earlier run; it stays marked until the first good poll."""
        if self.reading.snapshot is None:
            self.reading = replace(reading, link=Link.WAITING, restored=True, interval_s=self.interval_s)

    def show(self, shown: bool) -> None:
        """Use the full cadence while shown; the slower one while hidden."""
        if self._hidden is shown:
            self._hidden = not shown
            if shown and self._hidden_interval_s > self._shown_interval_s:
                # It was asked less often meanwhile; one that was not is as fresh as ever.
                self.wake()

    def pause(self, paused: bool) -> None:
        """Stop polling, or go on at once."""
        self._paused = paused
        if not paused:
            self.wake()

    def wake(self) -> None:
        """Poll as soon as the poll in flight, if any, is over."""
        self._due_s = self._clock.monotonic()
        self._woken = True
        if self._sleep is not None:
            self._sleep.cancel()

    def refresh(self) -> None:
        """A person wants to see how things are: as `wake`, and a session that waits to connect does so now."""
        session = self._session()
        if session is not None:
            session.hurry()
        self.wake()

    def show_arriving(self, snapshot: S) -> None:
        """Hand over what has come so far of a fetch that goes on. Link, age and problem stay as they are."""
        self.reading = replace(self.reading, snapshot=snapshot)
        if self._publish is not None:
            self._publish(self.reading)

    async def poll(self) -> Reading[S]:
        """Ask once and return the new reading. A poll already in flight is joined, not repeated."""
        if self._polling is not None:
            await self._polling.wait()
            return self.reading
        self._polling = anyio.Event()
        try:
            self.reading = await self._ask()
        finally:
            self._polling.set()
            self._polling = None
        return self.reading

    async def poll_fresh(self) -> Reading[S]:
        """Ask once, with a poll that starts now: one in flight is waited for, not joined. Everyone is told.

        A success after failures ends the back-off.
        """
        while self._polling is not None:
            await self._polling.wait()
        failed_before, next_poll_at = self.reading.failures > 0, self.reading.next_poll_at
        await self.poll()
        self.reading = replace(self.reading, next_poll_at=next_poll_at)
        if failed_before and not self.reading.failures:
            self.wake()
        if self._publish is not None:
            self._publish(self.reading)
        return self.reading

    async def run(self, publish: Publish[S], *, phase_s: float = 0.0) -> None:
        """Poll for ever, handing over each outcome. `phase_s` staggers feeds of one cadence."""
        self._publish = publish
        self._due_s = self._clock.monotonic() + phase_s
        while True:
            await self._until_due()
            self._woken = False
            started_s = self._clock.monotonic()
            reading = await self.poll()
            self._due_s = self._clock.monotonic() if self._woken else self._next_due_s(started_s)
            wait_s = max(0.0, self._due_s - self._clock.monotonic())
            next_at = None if wait_s == float("inf") else self._clock.now() + timedelta(seconds=wait_s)
            session = self._session()
            if session is not None and reading.failures:
                next_at = session.next_try_at()
            self.reading = replace(reading, next_poll_at=next_at)
            publish(self.reading)

    async def _until_due(self) -> None:
        while (wait_s := self._due_s - self._clock.monotonic()) > 0 or self._paused:
            fades_s = self._fades_in_s()
            looks = self._mended is not None and self.reading.link is Link.REFUSED and not self._paused
            with anyio.CancelScope() as self._sleep:
                if self._paused or wait_s > fades_s:
                    wait_s = fades_s
                if looks:
                    wait_s = min(wait_s, MENDED_LOOK_S)
                if wait_s == float("inf"):
                    await anyio.sleep_forever()
                await self._clock.sleep(wait_s)
            self._sleep = None
            if looks and self._mended is not None and self._mended():
                self.wake()
            if fades_s != float("inf"):
                self._publish_faded()

    def _fades_in_s(self) -> float:
        """When the snapshot fades with nothing asked meanwhile, s from now: of one that is live or gone, never."""
        reading = self.reading
        age_s = reading.age_s(self._clock.now())
        if self._fade is None or reading.snapshot is None or age_s is None or reading.link is Link.LIVE:
            return float("inf")
        if self._fade(reading.snapshot) == reading.snapshot:
            return float("inf")
        return max(0.0, self._fade_after_s - age_s)

    def _publish_faded(self) -> None:
        faded = self._faded(self.reading)
        if faded is not self.reading:
            self.reading = faded
            if self._publish is not None:
                self._publish(faded)

    def _faded(self, reading: Reading[S]) -> Reading[S]:
        """A reading nobody confirmed, without what is too old in it."""
        age_s = reading.age_s(self._clock.now())
        if self._fade is None or reading.snapshot is None or age_s is None or age_s < self._fade_after_s:
            return reading
        return replace(reading, snapshot=self._fade(reading.snapshot))

    def _next_due_s(self, started_s: float) -> float:
        """When to poll next: on the grid while good, backed off with jitter after failures."""
        if self.reading.link is Link.REFUSED:
            return float("inf")
        failures = self.reading.failures
        if self._schedule is not None:
            now = self._clock.now()
            return self._clock.monotonic() + max(0.0, (self._schedule(now, failures) - now).total_seconds())
        if failures:
            # A slow feed tries again long before its next turn, and backs off to its own cadence.
            first_s, longest_s = min(self.interval_s, BACK_OFF_CAP_S), max(self.interval_s, BACK_OFF_CAP_S)
            delay_s: float = min(first_s * 2.0 ** min(failures - 1, 16), longest_s)
            return self._clock.monotonic() + delay_s * self._random.uniform(0.8, 1.2)
        due_s = max(self._due_s, started_s - self.interval_s) + self.interval_s
        now_s = self._clock.monotonic()
        if due_s < now_s:
            missed = (now_s - due_s) // self.interval_s + 1
            due_s += missed * self.interval_s
        return due_s

    async def _ask(self) -> Reading[S]:
        before = self.reading
        try:
            snapshot = await self._fetch()
        except AuthError as error:
            return self._failed(Link.REFUSED, str(error))
        except Stale as error:
            held = before.snapshot is not None and not before.restored
            return self._failed(Link.STALE if held else None, str(error))
        except WattdeckError as error:
            return self._failed(None, str(error))
        except Exception as error:
            log.exception("%s %s: poll failed for a reason that is not the source's", self.source, self.name)
            return self._failed(
                None, tr("internal error ({error}); the log has the details", error=type(error).__name__)
            )
        session = self._session()
        return Reading(
            self.source,
            self.name,
            snapshot,
            Link.LIVE,
            self._clock.now(),
            good_polls=before.good_polls + 1,
            interval_s=self.interval_s,
            heard_at=None if session is None else session.heard_at(),
        )

    def _failed(self, link: Link | None, problem: str) -> Reading[S]:
        before = self.reading
        log.info("%s %s: %s", self.source, self.name, problem)
        if link is None:
            age_s = before.age_s(self._clock.now())
            limit_s = max(DOWN_AFTER_S, 10 * self.interval_s)
            link = Link.DOWN if age_s is None or before.restored or age_s > limit_s else Link.STALE
        return replace(
            self._faded(before),
            link=link,
            problem=problem or tr("no reason given"),
            good_polls=0,
            failures=before.failures + 1,
            interval_s=self.interval_s,
            next_poll_at=None,
        )


def _no_session() -> None:
    return None
