"""Not asking too often: one request at a time, so many a minute, silence when the server wants it (aneel.md 2.4)."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from wattdeck.core.clock import Clock

WINDOW_S = 61.0
"""A minute and a second: servers count what arrives, which is not as evenly spaced as what is sent."""


class TooSoonError(Exception):
    """The server wants to be left alone for longer than anybody should wait here."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s


class Pace:
    """Turns at asking one distributor, in the order in which they were asked for."""

    def __init__(self, per_minute: int, clock: Clock, *, patience_s: float = 90.0) -> None:
        """Args:
        per_minute: Most requests in any minute.
        patience_s: Longest wait for the end of a silence the server asked for.
        """
        if per_minute < 1:
            raise ValueError(f"{per_minute} requests a minute are none; expected at least 1")
        self._clock = clock
        self._patience_s = patience_s
        self._sent: deque[float] = deque(maxlen=per_minute)
        self._silent_until = float("-inf")
        self._one_at_a_time = anyio.Lock()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until it is our turn; nobody else's comes before the end of the block.

        Raises:
            TooSoonError: the server asked for a longer silence than `patience_s`.
        """
        async with self._one_at_a_time:
            # Again after each wait: a system clock's sleep may end early.
            while (wait_s := self.wait_s()) > 0:
                if self.silence_s() > self._patience_s:
                    raise TooSoonError(self.silence_s())
                await self._clock.sleep(wait_s)
            self._sent.append(self._clock.monotonic())
            yield

    def keep_silent(self, seconds: float) -> None:
        """Ask nothing for so long, as the server wants."""
        self._silent_until = max(self._silent_until, self._clock.monotonic() + seconds)

    def silence_s(self) -> float:
        """How long the silence still lasts, s; 0 if there is none."""
        return max(0.0, self._silent_until - self._clock.monotonic())

    def wait_s(self) -> float:
        """How long the next request would have to wait if nobody else waited, s."""
        full = len(self._sent) == self._sent.maxlen
        next_s = self._sent[0] + WINDOW_S - self._clock.monotonic() if full else 0.0
        return max(0.0, next_s, self.silence_s())
