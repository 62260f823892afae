"""Telling whoever shows a panel that something changed, and giving everyone else a turn while much comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from wattdeck.core.clock import Clock

URGENT_GAP_S = 0.1
"""However often a relay moves, pictures are not made faster than this."""
TURN_S = 0.02
"""How long messages are taken in before everyone else has a turn."""


class Telling:
    """Says that something should show at once, however often something does.

    Args:
        on_urgent: Told about it; must be quick. None: nobody.
        clock: Time.
    """

    def __init__(self, on_urgent: Callable[[], None] | None, clock: Clock) -> None:
        self.on_urgent = on_urgent
        self._clock = clock
        self._changed = asyncio.Event()
        self._waiting = 0
        """How many wait for a change now."""
        self._told_s = float("-inf")
        self._later: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Let those who wait look again, and tell nobody else."""
        self._changed.set()

    def tell(self) -> None:
        """Say that something should show at once; soon, if something did a moment ago.

        Whoever waits for a picture has it told by that one alone: asked again at once, a refusal would begin anew.
        """
        self._changed.set()
        if self.on_urgent is None or self._waiting or (self._later is not None and not self._later.done()):
            return
        wait_s = self._told_s + URGENT_GAP_S - self._clock.monotonic()
        if wait_s > 0:
            self._later = asyncio.get_running_loop().create_task(self._tell_later(wait_s))
            return
        self._told_s = self._clock.monotonic()
        self.on_urgent()

    async def _tell_later(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._told_s = self._clock.monotonic()
        if self.on_urgent is not None and not self._waiting:
            self.on_urgent()

    def cancel(self) -> asyncio.Task[None] | None:
        """Tell nobody later; the task that would have, to be waited for."""
        if self._later is not None:
            self._later.cancel()
        return self._later

    async def wait(self, seconds: float) -> None:
        """Wait for the next change, at most so long."""
        self._changed.clear()
        self._waiting += 1
        try:
            await wait_for(self._changed, self._clock, seconds)
        finally:
            self._waiting -= 1


async def wait_for(event: asyncio.Event, clock: Clock, seconds: float) -> None:
    """Wait for an event, at most so long."""
    waiting, sleeping = asyncio.ensure_future(event.wait()), asyncio.ensure_future(clock.sleep(seconds))
    try:
        await asyncio.wait((waiting, sleeping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        sleeping.cancel()


class Turn:
    """Lets everyone else in this process have a turn, however fast messages come."""

    def __init__(self) -> None:
        self._since_s: float | None = None

    async def end_if_long(self) -> None:
        """Give way if nobody else has had a turn for a while."""
        now_s = time.monotonic()
        if self._since_s is None:
            self._since_s = now_s
            asyncio.get_running_loop().call_soon(self._had)
        elif now_s - self._since_s >= TURN_S:
            await asyncio.sleep(0)

    def _had(self) -> None:
        self._since_s = None
