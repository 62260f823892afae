"""Memory over simulated days: the real app, hub, feeds and trends on a clock turned by hand, without waiting.

    python benchmarks/hours.py [HOURS]

One simulated panel, polled every 15 simulated seconds, its screen painted after each poll. Prints one line of JSON:
`[[hours, MB], ...]`.
"""

from __future__ import annotations

import gc
import heapq
import itertools
import json
import os
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import anyio.lowlevel

from pty_run import rss_mb
from wattdeck.core.config import UiConfig
from wattdeck.core.deck import Deck, made_running, make_deck
from wattdeck.core.hub import Hub
from wattdeck.core.secrets import SecretRef
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span import SYSTEM
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.simulator import SpanSimulator
from wattdeck.ui.app import AppOptions, DeckApp

POLL_S = 15.0
START = datetime(2026, 11, 20, tzinfo=UTC)
SAMPLES = 12


class HandClock:
    """A clock that moves when told to, and wakes who waits."""

    def __init__(self) -> None:
        self._s = 0.0
        self._waiting: list[tuple[float, int, anyio.Event]] = []
        self._numbers = itertools.count()

    def now(self) -> datetime:
        return START + timedelta(seconds=self._s)

    def monotonic(self) -> float:
        return self._s

    async def sleep(self, seconds: float) -> None:
        event = anyio.Event()
        heapq.heappush(self._waiting, (self._s + seconds, next(self._numbers), event))
        await event.wait()

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._s += seconds
        while self._waiting and self._waiting[0][0] <= self._s:
            heapq.heappop(self._waiting)[2].set()


async def run(hours: float) -> list[tuple[float, float]]:
    """Let so many hours pass; memory at as many moments as `SAMPLES` says, after a first hour that fills it."""
    clock = HandClock()
    simulator = SpanSimulator(SimulatorOptions(start=START), monotonic=clock.monotonic)
    config = SpanConfig(
        name="home", host="127.0.0.1", token=SecretRef(plain=simulator.issue_token()), control=True, poll_s=POLL_S
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)

        def make() -> Deck:
            pairs = [(SYSTEM, config)]
            hub = Hub(pairs, state_dir=folder, clock=clock, demo_apps={"http://127.0.0.1": simulator.app})
            return make_deck(hub, pairs, UiConfig(), folder, demo=True, clock=clock)

        app = DeckApp(made_running(make), AppOptions({"span": SYSTEM}, demo=True, clock=clock, screen="span"))
        samples: list[tuple[float, float]] = []
        async with app.run_test(size=(120, 40)) as pilot:
            await until(lambda: app.deck is not None and bool(app.deck.hub.feeds[0].reading.good_polls))
            assert app.deck is not None
            feed = app.deck.hub.feeds[0]
            steps = int(hours * 3600 / POLL_S)
            wanted = [3600 / POLL_S + (steps - 3600 / POLL_S) * at / (SAMPLES - 1) for at in range(SAMPLES)]
            for step in range(1, steps + 1):
                polls = feed.reading.good_polls
                clock.advance(POLL_S)
                await until(lambda polls=polls: feed.reading.good_polls > polls)
                app.paint()
                if step % 4 == 0:
                    await pilot.pause()
                if len(samples) < len(wanted) and step >= int(wanted[len(samples)]):
                    gc.collect()
                    samples.append((round(step * POLL_S / 3600, 2), round(rss_mb(os.getpid()), 2)))
            app.exit(0)
    return samples


async def until(condition: object) -> None:
    """Let the others run until a condition holds."""
    assert callable(condition)
    for _ in range(100_000):
        if condition():
            return
        await anyio.lowlevel.checkpoint()
    raise TimeoutError("the poll did not come")


if __name__ == "__main__":
    print(json.dumps(anyio.run(run, float(sys.argv[1]) if len(sys.argv) > 1 else 72.0)))
