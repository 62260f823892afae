"""One answer kept for a moment, and fetched once however many ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import anyio

from wattdeck.core.clock import Clock

T = TypeVar("T")


class Kept(Generic[T]):
    """Holds the newest successful answer of one endpoint.

    Who asks while a fetch is under way gets that fetch's outcome, error or not. `forget` makes every answer
    begun before it worthless: it is neither kept nor shared afterwards.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = anyio.Lock(fast_acquire=True)
        self._asking = 0
        self._epoch = 0
        self._fetches_done = 0
        self._outcome: tuple[T] | Exception | None = None
        self._outcome_epoch = -1
        self._value: tuple[T] | None = None
        self._kept_since_s = 0.0

    def forget(self) -> None:
        """What is known, and what is being fetched now, no longer counts."""
        self._epoch += 1
        self._value = None

    def fresh(self, window_s: float) -> tuple[T] | None:
        """The kept answer in a tuple of one, if it is at most that old; a window of 0 keeps nothing."""
        if self._value is None or window_s <= 0:
            return None
        if self._clock.monotonic() - self._kept_since_s > window_s:
            self._value = None
        return self._value

    async def get(self, fetch: Callable[[], Awaitable[T]], window_s: float) -> T:
        """The kept answer if fresh, else what `fetch` returns.

        Raises:
            Exception: whatever `fetch` raised, for all who waited for it.
        """
        if (kept := self.fresh(window_s)) is not None:
            return kept[0]
        done_before = self._fetches_done
        self._asking += 1
        try:
            async with self._lock:
                shared = self._outcome
                if shared is None or self._fetches_done == done_before or self._outcome_epoch != self._epoch:
                    return await self._fetch(fetch)
                if isinstance(shared, Exception):
                    raise shared
                return shared[0]
        finally:
            self._asking -= 1
            if not self._asking:
                # Nobody waits for it any more; an error would keep its frames alive.
                self._outcome = None

    async def _fetch(self, fetch: Callable[[], Awaitable[T]]) -> T:
        # A cancelled fetch leaves no outcome: the next in line asks for itself.
        epoch = self._epoch
        try:
            value = await fetch()
        except Exception as error:
            self._finish(error, epoch)
            raise
        self._finish((value,), epoch)
        return value

    def _finish(self, outcome: tuple[T] | Exception, epoch: int) -> None:
        self._fetches_done += 1
        self._outcome_epoch = epoch
        self._outcome = outcome
        if isinstance(outcome, tuple) and epoch == self._epoch:
            self._value = outcome
            self._kept_since_s = self._clock.monotonic()
