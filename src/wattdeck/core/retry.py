"""When a request is sent again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from wattdeck.core.errors import Busy, SourceError, TimedOut, Unreachable

T = TypeVar("T")

REPEATABLE_ERRORS = (Unreachable, TimedOut, Busy)
"""What may be gone the next moment. 500 is not among them: repeating does not mend it."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """When a repeatable request is sent again after Unreachable, TimedOut or Busy."""

    retries: int = 0
    """Repetitions after the first attempt."""
    retry_timeout_s: float = 0.5
    """Delay before the first repetition, seconds."""
    multiplier: float = 2.0
    """Each delay is the one before times this."""
    cap_s: float = 30.0
    """No delay is longer, whatever `Retry-After` asks for."""
    jitter: float = 0.2
    """Delays vary by up to this fraction either way, so that many decks do not ask in step."""

    def __post_init__(self) -> None:
        if self.retries < 0 or self.retry_timeout_s < 0 or self.multiplier < 1 or self.cap_s < 0:
            raise ValueError("retries, retry_timeout_s and cap_s must be at least 0, multiplier at least 1")
        if not 0 <= self.jitter <= 1:
            raise ValueError("jitter must be between 0 and 1")

    def delay_s(self, repetition: int, random: Callable[[], float], retry_after_s: float | None = None) -> float:
        """Seconds to wait before the repetition of that number, counted from 0."""
        delay_s = min(self.cap_s, self.retry_timeout_s * self.multiplier ** min(repetition, 64))
        delay_s *= 1 + self.jitter * (2 * random() - 1)
        return min(self.cap_s, max(delay_s, retry_after_s or 0.0))


NO_RETRY = RetryPolicy()


async def repeat(
    attempt: Callable[[], Awaitable[T]],
    first: SourceError,
    policy: RetryPolicy,
    *,
    sleep: Callable[[float], Awaitable[None]],
    random: Callable[[], float],
) -> T:
    """Go on after a first attempt that failed with one of `REPEATABLE_ERRORS`.

    Raises:
        SourceError: the last attempt's error.
    """
    from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

    failed: SourceError | None = first

    async def next_attempt() -> T:
        nonlocal failed
        if failed is not None:
            error, failed = failed, None
            raise error
        return await attempt()

    def wait_s(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        after_s = error.retry_after_s if isinstance(error, Busy) else None
        return policy.delay_s(state.attempt_number - 1, random, after_s)

    retrying = AsyncRetrying(
        sleep=sleep,
        stop=stop_after_attempt(policy.retries + 1),
        wait=wait_s,
        retry=retry_if_exception_type(REPEATABLE_ERRORS),
        reraise=True,
    )
    return await retrying(next_attempt)
