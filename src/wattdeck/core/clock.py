"""Time, injected: tests drive it by hand and never wait."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> datetime:
        """The time of day, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump; only differences mean anything."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        import anyio

        await anyio.sleep(max(0.0, seconds))


class StartedClock(SystemClock):
    """The machine's clock as if it were another time: for a demo that starts when it is told to."""

    def __init__(self, start: datetime) -> None:
        self._ahead = start - datetime.now(UTC)

    def now(self) -> datetime:
        return super().now() + self._ahead


SYSTEM_CLOCK = SystemClock()


def clock_from(start: datetime | None) -> Clock:
    """The machine's clock, or one that starts at another time; a start without a zone is UTC."""
    if start is None:
        return SYSTEM_CLOCK
    return StartedClock(start if start.tzinfo is not None else start.replace(tzinfo=UTC))
