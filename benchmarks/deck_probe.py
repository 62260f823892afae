"""wattdeck itself, with an eye on its event loop or with an hour of history: the command line follows `--`.

    python benchmarks/deck_probe.py [--ticks FILE] [--hour] -- demo

`--ticks` writes one line of JSON when wattdeck ends: how long each callback on the event loop took, and what the
longest ones were. `--hour` fills each panel's short memory with an hour of samples at its first answer (at 1 s for
the first panel, at 10 s for the others), as if it had been running so long.
"""

from __future__ import annotations

import argparse
import asyncio
import atexit
import json
import random
import sys
import time
from array import array
from pathlib import Path
from typing import Any

HOUR_S = 3600
LONG_MS = 4.0


class Ticks:
    """Times each callback of the event loop."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._at_s = array("d")
        self._took_ms = array("d")
        self._long: list[dict[str, Any]] = []

    def install(self) -> None:
        """Begin."""
        run = asyncio.Handle._run
        at, took, long = self._at_s, self._took_ms, self._long

        def timed(handle: asyncio.Handle) -> None:
            callback = handle._callback
            cpu_s, start_s = time.thread_time(), time.monotonic()
            run(handle)
            end_s = time.monotonic()
            took_ms = (end_s - start_s) * 1e3
            at.append(start_s)
            took.append(took_ms)
            if took_ms > LONG_MS:
                busy_ms = (time.thread_time() - cpu_s) * 1e3
                long.append({"at_s": start_s, "ms": took_ms, "cpu_ms": busy_ms, "what": _name(callback)})

        asyncio.Handle._run = timed  # type: ignore[method-assign]
        atexit.register(self.write)

    def write(self) -> None:
        """Write what was found."""
        document = {"at_s": list(self._at_s), "ms": [round(ms, 3) for ms in self._took_ms], "long": self._long}
        self._file.write_text(json.dumps(document))


def _name(callback: Any) -> str:
    task = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        coroutine = task.get_coro()
        return f"{task.get_name()} {getattr(coroutine, '__qualname__', coroutine)}"
    return str(getattr(callback, "__qualname__", callback))


def keep_an_hour() -> None:
    """Fill the short memory of each source when it first answers."""
    from wattdeck.core.hub import Hub
    from wattdeck.core.reading import Link

    remember = Hub._remember
    filled: set[str] = set()

    def with_hour(hub: Hub, reading: Any) -> None:
        if reading.source not in filled and reading.link is Link.LIVE and reading.taken_at is not None:
            step_s = 10 if filled else 1
            filled.add(reading.source)
            values = hub.system_of(reading.source).trend_values(reading.feed, reading.snapshot)
            trend = hub.trends[reading.source]
            end_s = reading.taken_at.timestamp()
            noise = random.Random(1)
            for back_s in range(HOUR_S, 0, -step_s):
                factor = noise.uniform(0.7, 1.3)
                trend.add(end_s - back_s, {key: value and value * factor for key, value in values.items()})
        remember(hub, reading)

    Hub._remember = with_hour  # type: ignore[method-assign]


def main() -> int:
    """Prepare and run wattdeck."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ticks", type=Path)
    parser.add_argument("--hour", action="store_true")
    parser.add_argument("arguments", nargs="*")
    chosen = parser.parse_args()
    if chosen.ticks is not None:
        Ticks(chosen.ticks).install()
    if chosen.hour:
        keep_an_hour()
    sys.argv = ["wattdeck", *chosen.arguments]
    from wattdeck.__main__ import main as wattdeck

    return wattdeck()


if __name__ == "__main__":
    sys.exit(main())
