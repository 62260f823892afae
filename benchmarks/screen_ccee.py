"""The CCEE screen in a real terminal, over a list of 10,000 migrations from a simulator in another process.

    python benchmarks/screen_ccee.py

Measured in each run: the first page's arrival at an app that waits for it to its rows on the terminal, while the
second page is held back; how
long callbacks block the event loop while the rest arrives, and how long that takes; key to paint; CPU while the screen
stands still; memory. A pseudo-terminal of 120x40 is read at once and interpreted afterwards, as in `run.py`. Then,
with `--only start`, the first live data of the demo with the CCEE system in it and without, in U.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pty_run
from pty_run import Pty, cpu_of, environment, key_to_paint, percentile, rss_mb

HERE = Path(__file__).resolve().parent
PYTHON = sys.executable
ROWS = 10_000
CURSOR, LIVE = "▸", "● live"
HEAD = "Consumer unit"
SERVE = """
import asyncio, json, sys, time
from wattdeck.core.serve import serve
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.ccee.simulator import CceeSimulator
simulator = CceeSimulator(SimulatorOptions(seed=7, faults={"many": sys.argv[1]}))
pages = []
async def app(scope, receive, send):
    if scope["path"] in ("/_first", "/_rest"):
        gates[scope["path"]].set()
    if scope["path"].startswith("/_") and not scope["path"].startswith("/_sim"):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": json.dumps(pages).encode()})
        return
    if b"mesReferenciaInicial" in scope["query_string"]:
        await gates["/_rest" if b"indexProximaPagina" in scope["query_string"] else "/_first"].wait()
    await simulator.app(scope, receive, send)
    if b"mesReferenciaInicial" in scope["query_string"]:
        pages.append(time.monotonic())
async def main():
    global gates
    gates = {"/_first": asyncio.Event(), "/_rest": asyncio.Event()}
    await serve(app, "127.0.0.1", 0, lambda url: print(json.dumps({"url": url}), flush=True))
asyncio.run(main())
"""
WITHOUT = """
import sys
import wattdeck.discovery as found
real = found.discover
def discover():
    return {name: system for name, system in real().items() if name != "ccee"}
found.discover = discover
sys.argv = ["wattdeck", "demo"]
from wattdeck.__main__ import main
sys.exit(main())
"""


class Bench:
    """What was found."""

    def __init__(self, quick: bool) -> None:
        self.quick = quick
        self.values: dict[str, list[float]] = {}
        self.long: list[str] = []

    def add(self, key: str, *values: float) -> None:
        """More values of a figure."""
        self.values.setdefault(key, []).extend(values)

    def median(self, key: str) -> float:
        """The figure; NaN if it was not measured."""
        found = self.values.get(key)
        return statistics.median(found) if found else float("nan")


# The screen


@contextlib.contextmanager
def simulator() -> Iterator[str]:
    """A simulator that holds every first page back until `/_first` is asked for, and the others until `/_rest` is."""
    with subprocess.Popen([PYTHON, "-c", SERVE, str(ROWS)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.kill()


def told(url: str, path: str) -> list[float]:
    """When pages were sent so far, monotonic."""
    with urllib.request.urlopen(url + path) as answer:
        return [float(at_s) for at_s in json.load(answer)]


def configure(home: Path, url: str) -> None:
    """One retailer with one profile."""
    place = Path(pty_run.directories(home)["XDG_CONFIG_HOME"]) / "wattdeck"
    place.mkdir(mode=0o700, exist_ok=True)
    file = place / "config.toml"
    file.write_text(
        f'[[ccee]]\nname = "many"\nagent_code = 200000\nprofiles = [200100]\nclient_id = "VAREJISTA_200000"\n'
        f'client_secret = "sim-secret-200000"\nurl = "{url}"\n'
    )
    file.chmod(0o600)


def measure_screen(bench: Bench) -> None:
    """One run of the app."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, simulator() as url:
        home = Path(name)
        configure(home, url)
        ticks = home / "ticks.json"
        with Pty([PYTHON, str(HERE / "deck_probe.py"), "--ticks", str(ticks), "--"], folder=home) as pty:
            pty.wait_for("Refresh")
            pty.key("1")
            pty.wait_for(HEAD)
            pty.read_for(4.0 + random.random())  # Wherever between two ticks of the clock.
            told(url, "/_first")
            row = pty.wait_for(CURSOR)
            sent_s = told(url, "/_pages")
            if len(sent_s) != 1:
                raise SystemExit(f"{len(sent_s)} pages had come when the first row was seen")
            bench.add("first_row", (row.at_s - sent_s[0]) * 1e3)
            pty.read_for(2.0)
            told(url, "/_rest")
            go_s = time.monotonic()
            live = pty.wait_for(LIVE)
            bench.add("arrived", live.at_s - go_s)
            pty.read_for(3.0)
            bench.add("rss", rss_mb(pty.pid))
            calm_s = time.monotonic()
            if not bench.quick:
                window = pty.window(60.0)
                bench.add("still_cpu", window.cpu_percent * 0.6)
                bench.add("still_bytes", window.bytes_per_s)
            keys_s = time.monotonic()
            measure_keys(bench, pty)
            end_s = time.monotonic()
            pty.end()
        weigh_ticks(
            bench, ticks, {"arriving": (go_s, live.at_s + 1.0), "still": (calm_s, keys_s), "keys": (keys_s, end_s)}
        )


def weigh_ticks(bench: Bench, file: Path, spans: dict[str, tuple[float, float]]) -> None:
    """The longest callbacks of each span of time."""
    document = json.loads(file.read_text())
    for name, (start_s, end_s) in spans.items():
        took = [ms for at_s, ms in zip(document["at_s"], document["ms"], strict=True) if start_s <= at_s <= end_s]
        long = [item for item in document["long"] if start_s <= item["at_s"] <= end_s]
        bench.add(f"{name}_tick", max(took, default=float("nan")))
        bench.add(f"{name}_tick_cpu", max((item["cpu_ms"] for item in long), default=0.0))
        longest = sorted(long, key=lambda item: -item["cpu_ms"])[:4]
        bench.long.append(
            f"{name}: "
            + "; ".join(f"{item['ms']:.0f} ms ({item['cpu_ms']:.0f} CPU) {item['what']}" for item in longest)
        )


def measure_keys(bench: Bench, pty: Pty) -> None:
    """Key to paint of each kind of key."""
    count = 10 if bench.quick else 40
    walks: dict[str, tuple[Sequence[str], Callable[[Any], str]]] = {
        "down": (["\x1b[B"] * count, cursor_row),
        "page": (["\x1b[6~"] * (count // 2), cursor_row),
        "edge": (["G", "g"] * (count // 4), cursor_row),
        "sort": (["s"] * 6 * (count // 10), head),
        "turn": (["S"] * (count // 2), head),
        "filter": (["/", *(["5", "0", "0", "\x7f", "\x7f", "\x7f"] * (count // 6))], words),
        "walk_sorted": (["\x1b", *["\x1b[B"] * count], cursor_row),
    }
    for name, (keys, look) in walks.items():
        presses = []
        for key in keys:
            presses.append(pty.key(key))
            pty.read_for(0.317)
        pty.read_for(0.5)
        # What opens or closes the filter is no key of its own kind.
        opening = name in ("filter", "walk_sorted")
        bench.add(name, *key_to_paint(pty, presses[1:] if opening else presses, look))


def cursor_row(screen: Any) -> str:
    """The row under the cursor, and where it stands."""
    return next((f"{y} {line[:60]}" for y, line in enumerate(screen.display) if line.startswith(CURSOR)), "")


def head(screen: Any) -> str:
    """The titles with their mark, and the first row."""
    lines = list(screen.display)
    return next(("\n".join(lines[y : y + 2]) for y, line in enumerate(lines) if HEAD in line[:40]), "")


def words(screen: Any) -> str:
    """The line above the titles: the filter in words."""
    lines = list(screen.display)
    return next((lines[y - 1] for y, line in enumerate(lines) if HEAD in line[:40]), "")


# The start of the demo


def measure_start(bench: Bench) -> None:
    """First live data of the demo's first screen, with the CCEE system and without, and U."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        home = Path(name)
        used_s, _, _, _ = cpu_of([PYTHON, "-c", "from textual.app import App"], environment(home), home)
        bench.add("u", used_s * 1e3)
    for key, command in (("with", [PYTHON, "-m", "wattdeck", "demo"]), ("without", [PYTHON, "-c", WITHOUT])):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, Pty(command, folder=Path(name)) as pty:
            seen = pty.wait_for(LIVE)
            bench.add(f"{key}_cpu", seen.cpu_s * 1e3)
            bench.add(f"{key}_wall", seen.wall_s * 1e3)
            pty.read_for(3.0)
            bench.add(f"{key}_settled", pty_run.cpu_s(pty.pid) * 1e3)
            pty.end()


# The table

LINES = (
    ("first row on the terminal after its page, ms", "first_row", 0.0),
    ("10,000 rows: from the second page to live, s", "arrived", 0.0),
    ("  longest callback meanwhile, ms", "arriving_tick", 0.0),
    ("    its CPU, ms", "arriving_tick_cpu", 30.0),
    ("RSS with them, MB", "rss", 0.0),
    ("CPU of a minute of standing still, s", "still_cpu", 0.0),
    ("  bytes a second", "still_bytes", 0.0),
    ("  longest callback, CPU, ms", "still_tick_cpu", 0.0),
)
KEYS = (
    ("cursor down", "down", 15.0),
    ("page down", "page", 15.0),
    ("G and g", "edge", 15.0),
    ("sort (s)", "sort", 60.0),
    ("reverse (S)", "turn", 60.0),
    ("one character of a filter", "filter", 60.0),
    ("cursor down after that", "walk_sorted", 15.0),
)


def verdict(found: float, goal: float) -> str:
    """Whether a goal is met."""
    return f"  goal <= {goal:g}: {'met' if found <= goal else 'MISSED'}" if goal else ""


def show(bench: Bench) -> None:
    """Print what was found."""
    for title, key, goal in LINES:
        if found := bench.values.get(key):
            spread = f"({min(found):.1f}-{max(found):.1f})"
            print(f"{title:48}{bench.median(key):10.1f} {spread:20}{verdict(bench.median(key), goal)}")
    for title, key, goal in KEYS:
        if found := bench.values.get(key):
            p50, p95 = percentile(found, 50), percentile(found, 95)
            words = f"p50 {p50:.1f}, p95 {p95:.1f}, worst {max(found):.1f} ms of {len(found)} keys"
            print(f"key to paint, {title:34}{words}{verdict(p95, goal)}")
    if u := bench.median("u"):
        for key in ("without", "with"):
            if found := bench.values.get(f"{key}_cpu"):
                cpu, wall = bench.median(f"{key}_cpu"), bench.median(f"{key}_wall")
                settled = bench.median(f"{key}_settled")
                spread = f"({min(found):.0f}-{max(found):.0f})"
                print(
                    f"demo {key} CCEE: first data {cpu:.0f} ms CPU {spread} = {cpu / u:.2f} U, {wall:.0f} ms wall, "
                    f"CPU 3 s later {settled:.0f} ms (U {u:.0f} ms)"
                )
    for line in bench.long:
        print(f"note: longest callbacks, {line}")


GROUPS = {"screen": measure_screen, "start": measure_start}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="few keys and no minute of standing still")
    parser.add_argument("--only", choices=list(GROUPS))
    chosen = parser.parse_args()
    compileall.compile_dir(HERE.parent / "src", quiet=1)
    bench, load = Bench(chosen.quick), os.getloadavg()[0]
    for _ in range(chosen.runs):
        for name, measure in GROUPS.items():
            if chosen.only in (None, name):
                measure(bench)
    show(bench)
    after = os.getloadavg()[0]
    print(f"{chosen.runs} runs, Python {platform.python_version()}, load before {load:.1f}, after {after:.1f}")


if __name__ == "__main__":
    main()
