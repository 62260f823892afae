"""What an answer of a distributor costs, and what fifty distributors cost together.

    python benchmarks/aneel.py [--rows 5000] [--distributors 50] [--runs 5]

First: one answer of many rows, from bytes to the checked snapshot, in CPU milliseconds, part by part. Then: so many
distributors in one hub, each with its simulator in this process, polled once a second instead of every half hour;
CPU per poll with and without the simulators' own share, which is measured by asking them alone.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio

from wattdeck.core.asgi import SimulatedTransport
from wattdeck.core.hub import Hub
from wattdeck.core.secrets import SecretRef
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.aneel import SYSTEM, aggregate, places
from wattdeck.systems.aneel.config import AneelConfig
from wattdeck.systems.aneel.conformance import Context, examine
from wattdeck.systems.aneel.models import Row
from wattdeck.systems.aneel.responses import outages_response
from wattdeck.systems.aneel.simulator import KEY, AneelSimulator
from wattdeck.systems.aneel.source import municipality_words
from wattdeck.systems.aneel.times import slot_of
from wattdeck.systems.aneel.universe import Universe
from wattdeck.systems.aneel.wire import Exchange, read_outages

AT = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)


def many_rows(count: int) -> list[Row]:
    """Rows over the municipalities of the largest state, each key once."""
    codes = sorted(places.municipalities_of("MG"))
    return [
        Row(12_500 + at // len(codes), codes[at % len(codes)], 400 + at % 900, at % 3, 1 + at % 40)
        for at in range(count)
    ]


def cpu_ms(work: Callable[[], Any], runs: int) -> float:
    """Median CPU time of a piece of work, ms; the first run is not counted."""
    work()
    found = []
    for _ in range(runs):
        began = time.process_time()
        work()
        found.append((time.process_time() - began) * 1000)
    return statistics.median(found)


def one_answer(count: int, runs: int) -> None:
    """Print what each part of one answer costs."""
    rows = many_rows(count)
    body = json.dumps(outages_response(rows, "radar@distribuidora.example"), separators=(",", ":")).encode()
    exchange = Exchange("outages", 200, {"content-type": "application/json"}, body, 0.2, AT, {}, "http://127.0.0.1/x")
    context = Context.of(state="MG")
    universe, slot = Universe({}), slot_of(AT)
    universe.learn(rows, slot)

    def aggregated() -> Any:
        return aggregate.snapshot(
            rows, slot=slot, email="", universe=universe, names=municipality_words, before=rows, since={},
            chi_customer_h=None,
        )  # fmt: skip

    findings = examine(exchange, context).findings
    print(f"{count} rows, {len(body) / 1e6:.2f} MB, {len(findings)} findings; CPU ms, median of {runs}")
    parts = {
        "read": lambda: read_outages(exchange),
        "learn": lambda: universe.learn(rows, slot),
        "aggregate": aggregated,
        "all answer rules": lambda: examine(exchange, context),
    }
    total = 0.0
    for name, work in parts.items():
        spent = cpu_ms(work, runs)
        total += spent
        print(f"  {name:<18} {spent:8.1f}")
    print(f"  {'together':<18} {total:8.1f}")


async def fifty(count: int, seconds: float) -> None:
    """Print what so many distributors cost in one hub."""
    sims = [AneelSimulator(SimulatorOptions(seed=each, faults={"no-limit": None})) for each in range(count)]
    apps = {f"http://127.1.0.{each + 1}": sim.app for each, sim in enumerate(sims)}
    pairs = [
        (SYSTEM, AneelConfig(name=f"d{each}", url=origin, key=SecretRef(plain=KEY), poll_s=1.0, backfill=False,
                             demands=False, requests_per_minute=6000))
        for each, origin in enumerate(apps)
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        async with Hub(pairs, state_dir=Path(folder), demo_apps=apps) as hub:
            polls = 0

            def count_poll(_: Any) -> None:
                nonlocal polls
                polls += 1

            hub.subscribe(count_poll)
            with anyio.move_on_after(2.0):
                await hub.run()
            polls, began, wall = 0, time.process_time(), time.monotonic()
            with anyio.move_on_after(seconds):
                await hub.run()
            spent, took = time.process_time() - began, time.monotonic() - wall
    alone = await simulators_alone(apps)
    print(f"{count} distributors, {polls} polls in {took:.1f} s: {spent / max(1, polls) * 1000:.2f} ms CPU a poll, "
          f"of which about {alone:.2f} the simulators")  # fmt: skip
    share = (spent / max(1, polls) - alone / 1000) * count / 1800
    print(f"  at one poll each half hour: {share * 100:.4f} % of a core")


async def simulators_alone(apps: dict[str, Any]) -> float:
    """CPU ms of one answer asked for without the deck."""
    import httpx

    spent = []
    for origin, app in apps.items():
        async with httpx.AsyncClient(transport=SimulatedTransport(app), base_url=origin) as client:
            began = time.process_time()
            await client.get("/quantitativointerrupcoesativas", headers={"x-api-key": KEY})
            spent.append((time.process_time() - began) * 1000)
    return statistics.median(spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=5000)
    parser.add_argument("--distributors", type=int, default=50)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=15.0)
    given = parser.parse_args()
    one_answer(given.rows, given.runs)
    anyio.run(fifty, given.distributors, given.seconds)


if __name__ == "__main__":
    main()
