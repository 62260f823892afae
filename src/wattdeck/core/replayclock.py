"""The clock of a replay: the recording's time, which stands, runs fast, or is set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from wattdeck.core.clock import Clock

SPEEDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0)
"""What the keys walk through."""
MIN_SPEED, MAX_SPEED = 0.1, 3600.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ReplayClock:
    """Gives the recording's time for `now`; `monotonic` and `sleep` stay those of the person at the screen."""

    def __init__(self, base: Clock, speed: float = 1.0) -> None:
        self._base = base
        self._at_us = 0
        self._since_s = base.monotonic()
        self.speed = speed
        """Recorded seconds per second."""
        self.playing = False
        self.first_us = self.last_us = 0
        """It shows no time before or after these."""

    def now(self) -> datetime:
        return moment(self.now_us())

    def now_us(self) -> int:
        """The recording's time, microseconds since 1970."""
        at_us = self._at_us
        if self.playing:
            at_us += round((self._base.monotonic() - self._since_s) * self.speed * 1e6)
        return max(self.first_us, min(self.last_us, at_us))

    def monotonic(self) -> float:
        return self._base.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._base.sleep(seconds)

    def set(self, at_us: int) -> None:
        """Go to a time; play goes on from there."""
        self._at_us = max(self.first_us, min(self.last_us, at_us))
        self._since_s = self._base.monotonic()

    def play(self, playing: bool) -> None:
        """Let it run, or stand."""
        self.set(self.now_us())
        self.playing = playing

    def run_at(self, speed: float) -> None:
        """Run faster or slower from now on."""
        self.set(self.now_us())
        self.speed = max(MIN_SPEED, min(MAX_SPEED, speed))


def moment(at_us: int) -> datetime:
    """A time from microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=at_us)
