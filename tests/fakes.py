"""Stand-ins shared by the tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import anyio.lowlevel

START = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


class ManualClock:
    """Time that moves only when told to; sleeping moves it at once."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self.elapsed_s = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.elapsed_s)

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.elapsed_s += seconds

    async def sleep(self, seconds: float) -> None:
        """Advance by `seconds` and let other tasks run once."""
        self.advance(seconds)
        await anyio.lowlevel.checkpoint()
