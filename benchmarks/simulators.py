"""Any number of simulated SPAN panels on loopback ports, in one process.

Prints one line of JSON, `[{"port", "token"}, ...]`, when all accept connections; serves until it is killed.
With `--log FILE` the monotonic time of each read of `/panel` is written there. With `--full` a panel has 32 circuits
of one space each whose power changes every second: the most there can be to draw.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any, TextIO

import anyio

from wattdeck.core.asgi import AsgiApp
from wattdeck.core.serve import serve
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span.household import HOUSEHOLDS, Household
from wattdeck.systems.span.loads import NICE_TO_HAVE, OUTLETS, Load
from wattdeck.systems.span.simulator import SpanSimulator

FULL = Household(
    serial="nt-2143-bench",
    loads=tuple(Load(f"Circuit of room {tab}", (tab,), OUTLETS, NICE_TO_HAVE) for tab in range(1, 33)),
)


def noted(app: AsgiApp, log: TextIO) -> AsgiApp:
    """The same app, with the time of each read of the panel written down."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"] == "/api/v1/panel":
            log.write(f"{time.monotonic()}\n")
        await app(scope, receive, send)

    return answer


async def run(count: int, household: str, log: TextIO | None) -> None:
    """Serve them all."""
    simulators = [SpanSimulator(SimulatorOptions(seed=seed), household=household) for seed in range(1, count + 1)]
    urls: dict[int, str] = {}

    def ready(index: int, url: str) -> None:
        urls[index] = url
        if len(urls) == count:
            panels = [
                {"port": int(urls[at].rpartition(":")[2]), "token": simulators[at].issue_token()} for at in range(count)
            ]
            print(json.dumps(panels), flush=True)

    async with anyio.create_task_group() as group:
        for index, simulator in enumerate(simulators):
            app = simulator.app if log is None else noted(simulator.app, log)
            group.start_soon(_serve, app, index, ready)


async def _serve(app: AsgiApp, index: int, ready: Any) -> None:
    # Kept longer than the slowest poll: a panel's own 5 s would close the connections that are counted.
    await serve(app, "127.0.0.1", 0, lambda url: ready(index, url), keep_alive_s=30.0)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", type=int)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--full", action="store_true")
    chosen = parser.parse_args()
    HOUSEHOLDS["full"] = FULL  # type: ignore[index]
    household = "full" if chosen.full else "home"
    if chosen.log is None:
        anyio.run(run, chosen.count, household, None)
    else:
        with chosen.log.open("w", buffering=1) as log:
            anyio.run(run, chosen.count, household, log)


if __name__ == "__main__":
    main()
