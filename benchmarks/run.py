"""Every figure of the deck's speed and size, beside what it is compared with: one run, one table.

    python benchmarks/run.py [--quick] [--only NAME ...] [--runs 5]

README.md in this folder says what each group measures and how.
"""

from __future__ import annotations

import argparse
import compileall
import contextlib
import itertools
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pty_run
from pty_run import Pty, cpu_of, cpu_s, environment, key_to_paint, percentile, press_for, rss_mb

HERE = Path(__file__).resolve().parent
PYTHON = sys.executable
WATTDECK = (PYTHON, "-m", "wattdeck")
PROBE = (PYTHON, str(HERE / "deck_probe.py"))
CURSOR = "▸"
LIVE = "● live"
NAN = float("nan")


@dataclass
class Bench:
    """One run of the benchmarks: how long to watch, where to put files, what was found."""

    quick: bool
    tools: Path
    install: bool
    newer_python: str = ""
    values: dict[str, list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def watch_s(self) -> float:
        """How long CPU and bytes are watched."""
        return 6.0 if self.quick else 20.0

    def add(self, key: str, value: float) -> None:
        """One more value of a figure."""
        self.values.setdefault(key, []).append(value)

    def note(self, words: str) -> None:
        """Something the reader of the table has to know; once."""
        if words not in self.notes:
            self.notes.append(words)

    def median(self, key: str) -> float:
        """The figure; NaN if it was not measured."""
        found = self.values.get(key)
        return statistics.median(found) if found else NAN


# Helpers of the groups


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A new home for one program."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextlib.contextmanager
def simulators(
    count: int = 1, *, full: bool = False, log: Path | None = None
) -> Iterator[tuple[list[dict[str, Any]], subprocess.Popen[str]]]:
    """Simulated panels in a process of their own."""
    command = [PYTHON, str(HERE / "simulators.py"), str(count)]
    command += ["--full"] if full else []
    command += ["--log", str(log)] if log is not None else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline()), process
        finally:
            process.kill()


@contextlib.contextmanager
def simulate_command(home: Path) -> Iterator[list[dict[str, Any]]]:
    """`wattdeck simulate span`, with a client registered the way a person would."""
    import httpx

    command = [*WATTDECK, "simulate", "span", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment(home)) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().split()[-1]
            with httpx.Client(trust_env=False, base_url=url) as client:
                client.post("/_sim/door", json={"presses": 3}).raise_for_status()
                body = {"name": "benchmark", "description": "a benchmark"}
                token = client.post("/api/v1/auth/register", json=body).raise_for_status().json()["accessToken"]
            yield [{"port": int(url.rpartition(":")[2]), "token": token}]
        finally:
            process.kill()


def configure(home: Path, panels: Sequence[Mapping[str, Any]], *, low_bandwidth: bool = False) -> None:
    """Write a configuration: these panels, read once a second."""
    place = Path(pty_run.directories(home)["XDG_CONFIG_HOME"]) / "wattdeck"
    place.mkdir(mode=0o700, exist_ok=True)
    text = f"[ui]\nlow_bandwidth = {'true' if low_bandwidth else 'false'}\n"
    for index, panel in enumerate(panels, 1):
        text += f'[[span]]\nname = "panel-{index:03}"\nhost = "127.0.0.1"\nport = {panel["port"]}\n'
        text += f'token = "{panel["token"]}"\ncontrol = true\npoll_s = 1.0\n'
    file = place / "config.toml"
    file.write_text(text)
    file.chmod(0o600)


def ticks_between(file: Path, start_s: float, end_s: float) -> tuple[float, float, list[dict[str, Any]]]:
    """The longest callback on the event loop, the 99th percentile, and the long ones, longest first."""
    document = json.loads(file.read_text())
    took = [ms for at_s, ms in zip(document["at_s"], document["ms"], strict=True) if start_s <= at_s <= end_s]
    long = sorted((item for item in document["long"] if start_s <= item["at_s"] <= end_s), key=lambda item: -item["ms"])
    return max(took, default=NAN), percentile(took, 99), long


def venv_python(bench: Bench, name: str, packages: Sequence[str], python: str = PYTHON) -> Path | None:
    """The Python of an environment with these packages, made the first time; None if that fails or is not wanted."""
    place = bench.tools / name
    found = place / "bin" / "python"
    if (place / "complete").exists():
        return found
    if not bench.install:
        return None
    try:
        if python == PYTHON:
            venv.create(place, clear=True, with_pip=True)
        else:
            subprocess.run([python, "-m", "venv", "--clear", str(place)], check=True, capture_output=True)
        subprocess.run([str(found), "-m", "pip", "install", "-q", *packages], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        bench.note(f"{name}: could not be installed ({type(error).__name__}); its columns are empty")
        return None
    (place / "complete").touch()
    return found


# The groups: each measures once; run.py calls it once a round


def measure_commands(bench: Bench) -> None:
    """U, --version, --help, and one snapshot of one panel."""
    with folder() as home, simulators(full=True) as (panels, _):
        configure(home, panels)
        env = environment(home)
        commands = {
            "u": [PYTHON, "-c", "from textual.app import App"],
            "version": [*WATTDECK, "--version"],
            "help": [*WATTDECK, "--help"],
            "snapshot": [*WATTDECK, "snapshot", "--format", "json"],
        }
        for repeat in range(4):
            for key, command in commands.items():
                used_s, took_s, code, output = cpu_of(command, env, home)
                if code or (key != "u" and not output):
                    bench.note(f"`{' '.join(command[2:])}` ended with {code}: its figure means nothing")
                if repeat:  # The first one warms the disk cache and writes byte code.
                    bench.add(key, used_s * 1e3)
                    bench.add(f"{key}_wall", took_s * 1e3)


def open_panel(pty: Pty) -> None:
    """Go from the overview, on which wattdeck starts, to the first panel."""
    pty.wait_for(LIVE)
    pty.wait_for("Refresh")
    pty.key("1")
    pty.wait_for("Circuit")


def measure_start(bench: Bench) -> None:
    """First frame and first live data: the demo, a panel on loopback, and the least Textual app."""
    with folder() as home, Pty([PYTHON, str(HERE / "trivial_app.py")], folder=home) as pty:
        seen = pty.wait_for("trivial")
        bench.add("trivial_wall", seen.wall_s * 1e3)
        bench.add("trivial_cpu", seen.cpu_s * 1e3)
        pty.end()
    for kind in ("demo", "live"):
        with folder() as home, simulators(full=True) as (panels, _):
            configure(home, panels)
            command = [*WATTDECK, "demo"] if kind == "demo" else WATTDECK
            with Pty(command, folder=home) as pty:  # Leaves what was last known behind.
                pty.wait_for(LIVE)
                pty.read_for(2.0)
                pty.end()
            with Pty(command, folder=home) as pty:
                frame = pty.wait_for("Overview")
                data = pty.wait_for(LIVE)
                pty.read_for(0.5)
                for key, seen in (("frame", frame), ("data", data)):
                    bench.add(f"{kind}_{key}_cpu", seen.cpu_s * 1e3)
                    bench.add(f"{kind}_{key}_wall", seen.wall_s * 1e3)
                if kind == "live":
                    # The frame is written in pieces: all of it is there 20 ms later, and nothing else yet.
                    text = pty.screen_text(min(frame.at_s + 0.02, data.at_s - 0.001))
                    header = text.partition("\n")[0]
                    bench.add("last_known", float(bool(re.search(r"\d W\b", text))))
                    marked = bool(re.search(r"kept \d|last known|waiting", "".join(text.split("\n")[:3])))
                    bench.add("last_known_marked", float(marked and "live" not in header))
                    if " wattdeck " not in header:
                        bench.note("the first frame over last known values has no header line: the mark is missing")
                pty.end()


def measure_screen(bench: Bench) -> None:
    """The whole live screen in its states, and what it is compared with."""
    with folder() as home, simulators(full=True) as (panels, _):
        configure(home, panels)
        with Pty([*PROBE, "--hour", "--"], folder=home) as pty:
            open_panel(pty)
            pty.read_for(8.0)
            _watch(bench, pty, "screen")
            bench.add("rss_one", rss_mb(pty.pid))
            latencies = key_to_paint(pty, press_for(pty, 8.0, turn=20), pty_run.row_with_glyph(CURSOR))
            bench.add("screen_key_p50", percentile(latencies, 50))
            bench.add("screen_key_p95", percentile(latencies, 95))
            pty.key("v")
            pty.read_for(0.5)
            pty.key("d")
            pty.read_for(3.0)
            _watch(bench, pty, "no_plot")
            pty.key("?")
            pty.read_for(3.0)
            bench.add("hidden_bytes", pty.window(5.0).bytes)
            pty.key("\x1b")
            pty.read_for(2.0)
            pty.key("p")
            pty.read_for(3.0)
            bench.add("paused_bytes", pty.window(5.0).bytes)
            pty.end()
        configure(home, panels, low_bandwidth=True)
        with Pty([*PROBE, "--hour", "--"], folder=home) as pty:
            open_panel(pty)
            pty.read_for(8.0)
            _watch(bench, pty, "low", seconds=30.0 if not bench.quick else 10.0)
            pty.end()
    with folder() as home, simulate_command(home) as panels:
        configure(home, panels)
        with Pty([*PROBE, "--hour", "--"], folder=home) as pty:
            open_panel(pty)
            pty.read_for(6.0)
            _watch(bench, pty, "house")
            pty.end()
    measure_others(bench)


def measure_others(bench: Bench) -> None:
    """A bare DataTable, top and glances, on the same terminal."""
    glances = venv_python(bench, "glances", ["glances"])
    others: dict[str, list[str] | None] = {
        "bare": [PYTHON, str(HERE / "bare_datatable.py")],
        "top": [path, "-d", "1"] if (path := shutil.which("top")) else None,
        "glances": glances and [str(glances.with_name("glances")), "-t", "1", "--disable-check-update"],  # type: ignore[dict-item]
        "btop": [path] if (path := shutil.which("btop")) else None,
    }
    for key, command in others.items():
        if command is None:
            bench.note(f"{key} is not there: nothing to compare with")
            continue
        with folder() as home, Pty(command, folder=home) as pty:
            pty.read_for(8.0 if key == "glances" else 4.0)
            _watch(bench, pty, key)
            if key == "bare":
                latencies = key_to_paint(pty, press_for(pty, 8.0, turn=20), pty_run.row_with_background(3))
                bench.add("bare_key_p50", percentile(latencies, 50))
                bench.add("bare_key_p95", percentile(latencies, 95))
            pty.end()


def _watch(bench: Bench, pty: Pty, key: str, seconds: float | None = None) -> None:
    window = pty.window(seconds or bench.watch_s)
    bench.add(f"{key}_cpu", window.cpu_percent)
    bench.add(f"{key}_bytes", window.bytes_per_s / 1e3)


def measure_table(bench: Bench) -> None:
    """wattdeck's table alone, 1,000 and 32 rows."""
    for rows in (1000, 32):
        with folder() as home, Pty([PYTHON, str(HERE / "live_table.py"), str(rows)], folder=home) as pty:
            pty.read_for(4.0)
            _watch(bench, pty, f"table{rows}")
            presses = press_for(pty, 10.0 if bench.quick else 20.0, turn=50 if rows == 1000 else 20)
            latencies = key_to_paint(pty, presses, pty_run.row_with_glyph(CURSOR))
            bench.add(f"table{rows}_key_p50", percentile(latencies, 50))
            bench.add(f"table{rows}_key_p95", percentile(latencies, 95))
            pty.end()


def measure_parse(bench: Bench) -> None:
    """Bytes to frozen models beside span-panel-api; see parse_span.py."""
    python = bench.tools / "span-panel-api" / "bin" / "python"
    if not (python.parent.parent / "complete").exists():
        names = (bench.newer_python, "python3.13", "python3.12", PYTHON if sys.version_info >= (3, 12) else "")
        newer = next((path for name in names if name and (path := _runs(name))), None)
        project = tomllib.loads((HERE.parent / "pyproject.toml").read_text())["project"]
        packages = ["span-panel-api==1.1.3", *project["dependencies"]]
        made = newer and venv_python(bench, "span-panel-api", packages, newer)
        if not made:
            bench.note("no Python 3.12 or 3.13 with span-panel-api 1.1.3: parsing is measured without it")
            python = Path(PYTHON)
    output = subprocess.run(
        [str(python), str(HERE / "parse_span.py")],
        env={**os.environ, "PYTHONPATH": str(HERE.parent / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    if output.returncode:
        bench.note(f"parse_span.py failed: {output.stderr.strip().splitlines()[-1:]}")
        return
    block = ""
    for line in output.stdout.splitlines():
        block = line.split(":")[0] if not line.startswith(" ") else block
        found = re.match(r"  (wattdeck|span-panel-api 1\.1\.3|json\.loads alone)\s+(\d+)", line)
        if found and block in ("parse", "call"):
            bench.add(f"{block}_{found[1].split()[0]}", float(found[2]))


def _runs(name: str) -> str | None:
    path = shutil.which(name)
    if path is None:
        return None
    works = subprocess.run([path, "-c", "import venv"], capture_output=True, check=False).returncode == 0
    return path if works else None


def measure_hub(bench: Bench) -> None:
    """10 and 100 panels in one hub without a screen, all at 1 Hz, then one at 1 Hz and the rest every 10 s."""
    for count in (10, 100):
        for shown in ("all", "one"):
            with folder() as home, simulators(count) as (panels, simulator):
                file = home / "panels.json"
                file.write_text(json.dumps(panels))
                ports = {panel["port"] for panel in panels}
                _measure_hub(bench, f"hub{count}_{shown}", file, shown, ports, simulator.pid)


def _measure_hub(bench: Bench, key: str, file: Path, shown: str, ports: set[int], simulator: int) -> None:
    command = [PYTHON, str(HERE / "many_panels.py"), str(file), shown]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as hub:
        assert hub.stdin is not None and hub.stdout is not None
        try:
            hub.stdout.readline()
            watch_s = bench.watch_s if shown == "all" else max(bench.watch_s, 20.0)
            before_s, start_s, beside_s = cpu_s(hub.pid), time.monotonic(), cpu_s(simulator)
            most = 0
            while time.monotonic() - start_s < watch_s:
                time.sleep(1.0)
                most = max(most, connections_to(ports))
            took_s = time.monotonic() - start_s
            bench.add(f"{key}_cpu", (cpu_s(hub.pid) - before_s) / took_s * 100)
            bench.add(f"{key}_beside", (cpu_s(simulator) - beside_s) / took_s * 100)
            bench.add(f"{key}_connections", most)
            hub.stdin.write("\n")
            hub.stdin.flush()
            found = json.loads(hub.stdout.readline())
            bench.add(f"{key}_late", percentile(found["late_ms"], 95))
            due = took_s * (len(ports) if shown == "all" else 1 + (len(ports) - 1) / 10)
            bench.add(f"{key}_made", len(found["late_ms"]) / due * 100)
            if found["failed"]:
                bench.note(f"{key}: {found['failed']} panels did not answer at the end")
        finally:
            hub.kill()


def connections_to(ports: set[int]) -> int:
    """Established TCP connections to these ports of this machine, counted at the client's end."""
    count = 0
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        count += fields[3] == "01" and int(fields[2].rpartition(":")[2], 16) in ports
    return count


def measure_memory(bench: Bench) -> None:
    """The live app with 100 panels and an hour of history each. One panel: see the screen."""
    for key, count in (("rss_one_alone", 1), ("rss_hundred", 100)):
        with folder() as home, simulators(count, full=True) as (panels, _):
            configure(home, panels)
            with Pty([*PROBE, "--hour", "--"], folder=home) as pty:
                open_panel(pty)
                pty.read_for(10.0 if count == 1 else 25.0)
                bench.add(key, rss_mb(pty.pid))
                pty.end()


def measure_days(bench: Bench) -> None:
    """Memory over 72 simulated hours; once, whatever the number of runs: it has twelve samples."""
    if "days_growth" in bench.values:
        return
    hours = "6" if bench.quick else "72"
    with folder() as home:
        output = subprocess.run(
            [PYTHON, str(HERE / "hours.py"), hours], env=environment(home), capture_output=True, text=True, check=False
        )
    if output.returncode:
        bench.note(f"hours.py failed: {output.stderr.strip().splitlines()[-1:]}")
        return
    samples = json.loads(output.stdout)
    for _, size_mb in samples:
        bench.add("days", size_mb)
    first, last = samples[:3], samples[-3:]
    bench.add("days_growth", statistics.median(mb for _, mb in last) - statistics.median(mb for _, mb in first))
    bench.note(f"memory after {hours} simulated hours: " + ", ".join(f"{at:g} h {mb:.1f} MB" for at, mb in samples))


def measure_hang(bench: Bench) -> None:
    """A terminal that does not read: what the panel notices, and what comes when it reads again."""
    hang_s = 10.0 if bench.quick else 60.0
    with folder() as home:
        log, ticks = home / "polls.txt", home / "ticks.json"
        with simulators(full=True, log=log) as (panels, _):
            configure(home, panels)
            with Pty([*PROBE, "--hour", "--ticks", str(ticks), "--"], folder=home) as pty:
                open_panel(pty)
                pty.read_for(6.0)
                start_s = time.monotonic()
                time.sleep(hang_s)
                end_s = time.monotonic()
                bench.add("hang_replayed", pty.read_for(2.5) / 1e3)
                pty.key("p")
                pty.read_for(2.5)
                before = pty.screen_text()
                pty.key("\x0c")
                pty.read_for(1.5)
                bench.add("hang_right", float(pty.screen_text() == before))
                pty.end()
                polls = [float(line) for line in log.read_text().split() if start_s - 2 <= float(line) <= end_s + 2]
        gaps = [after - before for before, after in itertools.pairwise(polls)]
        bench.add("hang_pause", max(gaps, default=NAN) - 1.0)
        bench.add("hang_tick", ticks_between(ticks, start_s, end_s + 2)[0])


def measure_ticks(bench: Bench) -> None:
    """The longest callback on the event loop after start-up: a panel on loopback, and the demo."""
    for kind in ("live", "demo"):
        with folder() as home, simulators(full=True) as (panels, _):
            configure(home, panels)
            ticks = home / "ticks.json"
            with Pty(
                [*PROBE, "--hour", "--ticks", str(ticks), "--", *(["demo"] if kind == "demo" else [])], folder=home
            ) as pty:
                open_panel(pty)
                pty.read_for(4.0)
                start_s = time.monotonic()
                pty.read_for(bench.watch_s)
                end_s = time.monotonic()
                pty.end()
            longest, p99, names = ticks_between(ticks, start_s, end_s)
            bench.add(f"{kind}_tick_max", longest)
            bench.add(f"{kind}_tick_p99", p99)
            bench.add(f"{kind}_tick_busy", max((item["cpu_ms"] for item in names), default=NAN))


GROUPS: Mapping[str, Callable[[Bench], None]] = {
    "commands": measure_commands,
    "start": measure_start,
    "screen": measure_screen,
    "table": measure_table,
    "parse": measure_parse,
    "hub": measure_hub,
    "memory": measure_memory,
    "days": measure_days,
    "hang": measure_hang,
    "ticks": measure_ticks,
}


# The table


@dataclass(frozen=True)
class Line:
    """One figure of the table: which value, in what unit, beside what, and how good it has to be."""

    words: str
    key: str
    unit: str
    beside: Sequence[tuple[str, str]] = ()
    """(words, key) of what it is compared with, in the same unit."""
    goals: Sequence[tuple[str, Callable[[Bench], float], float]] = ()
    """(words, the figure, what it may be at most)."""


def value(key: str) -> Callable[[Bench], float]:
    """The figure itself."""
    return lambda bench: bench.median(key)


def ratio(key: str, to: str) -> Callable[[Bench], float]:
    """The figure as a share of another."""
    return lambda bench: bench.median(key) / bench.median(to)


def at_most(key: str, limit: float, unit: str) -> tuple[str, Callable[[Bench], float], float]:
    """A goal on the figure itself."""
    return f"<= {limit:g} {unit}", value(key), limit


def share(key: str, limit: float, to: str, name: str) -> tuple[str, Callable[[Bench], float], float]:
    """A goal on a share."""
    return f"<= {limit:g} {name}", ratio(key, to), limit


U = (("U", "u"),)
OTHERS_CPU = (("bare DataTable", "bare_cpu"), ("top", "top_cpu"), ("glances", "glances_cpu"))
OTHERS_BYTES = (
    ("bare DataTable", "bare_bytes"), ("top", "top_bytes"), ("glances", "glances_bytes"), ("btop", "btop_bytes"),
)  # fmt: skip
LINES: Sequence[Line] = (
    Line("U: import of textual.app.App, CPU", "u", "ms"),
    Line("whole live SPAN screen, CPU", "screen_cpu", "%", OTHERS_CPU, (
        at_most("screen_cpu", 1.5, "%"),
        share("screen_cpu", 0.35, "glances_cpu", "glances"),
        share("screen_cpu", 0.25, "bare_cpu", "DataTable"),
    )),
    Line("  without the plots (v, d)", "no_plot_cpu", "%"),
    Line("  18 circuits: `wattdeck simulate span`", "house_cpu", "%"),
    Line("  low-bandwidth mode", "low_cpu", "%"),
    Line("bytes to the terminal, plots and trends", "screen_bytes", "kB/s", OTHERS_BYTES,
         (at_most("screen_bytes", 8, "kB/s"),)),
    Line("  without the plots (v, d)", "no_plot_bytes", "kB/s", (), (at_most("no_plot_bytes", 4, "kB/s"),)),
    Line("  18 circuits: `wattdeck simulate span`", "house_bytes", "kB/s"),
    Line("  low-bandwidth mode", "low_bytes", "kB/s", (), (at_most("low_bytes", 0.6, "kB/s"),)),
    Line("  paused, 5 s", "paused_bytes", "B", (), (at_most("paused_bytes", 0, "B"),)),
    Line("  hidden behind the help page, 5 s", "hidden_bytes", "B", (), (at_most("hidden_bytes", 0, "B"),)),
    Line("  key to paint on that screen, p50", "screen_key_p50", "ms"),
    Line("  key to paint on that screen, p95", "screen_key_p95", "ms"),
    Line("live table of 1,000 rows, CPU", "table1000_cpu", "%", (("bare DataTable, 32 rows", "bare_cpu"),),
         (at_most("table1000_cpu", 3, "%"),)),
    Line("  key to paint p50", "table1000_key_p50", "ms", (("bare DataTable, 32 rows", "bare_key_p50"),)),
    Line("  key to paint p95", "table1000_key_p95", "ms", (("bare DataTable, 32 rows", "bare_key_p95"),),
         (at_most("table1000_key_p95", 35, "ms"),)),
    Line("live table of 32 rows, CPU", "table32_cpu", "%", (("bare DataTable", "bare_cpu"),)),
    Line("  bytes", "table32_bytes", "kB/s", (("bare DataTable", "bare_bytes"),)),
    Line("  key to paint p50", "table32_key_p50", "ms", (("bare DataTable", "bare_key_p50"),),
         (at_most("table32_key_p50", 5, "ms"),)),
    Line("  key to paint p95", "table32_key_p95", "ms", (("bare DataTable", "bare_key_p95"),),
         (at_most("table32_key_p95", 15, "ms"),)),
    Line("first frame, panel: CPU", "live_frame_cpu", "ms", (*U, ("trivial Textual app", "trivial_cpu")),
         (share("live_frame_cpu", 1.3, "u", "U"),)),
    Line("first frame, panel: wall", "live_frame_wall", "ms",
         (("U, wall", "u_wall"), ("trivial Textual app", "trivial_wall"))),
    Line("first frame, demo: CPU", "demo_frame_cpu", "ms", U, (share("demo_frame_cpu", 1.3, "u", "U"),)),
    Line("first frame, demo: wall", "demo_frame_wall", "ms", (("U, wall", "u_wall"),)),
    Line("first live data, panel on loopback: CPU", "live_data_cpu", "ms", U,
         (share("live_data_cpu", 1.9, "u", "U"),)),
    Line("first live data, panel on loopback: wall", "live_data_wall", "ms", (("U, wall", "u_wall"),)),
    Line("first live data, demo: CPU", "demo_data_cpu", "ms", U, (share("demo_data_cpu", 1.5, "u", "U"),)),
    Line("first live data, demo: wall", "demo_data_wall", "ms", (("U, wall", "u_wall"),)),
    Line("last known values in the first frame", "last_known", "of 1", (),
         (("always", lambda bench: -min(bench.values.get("last_known", [NAN])), -1.0),)),
    Line("  and marked as not live", "last_known_marked", "of 1", (),
         (("always", lambda bench: -min(bench.values.get("last_known_marked", [NAN])), -1.0),)),
    Line("--version, CPU", "version", "ms", U, (share("version", 0.15, "u", "U"),)),
    Line("--help, CPU", "help", "ms", U, (share("help", 0.15, "u", "U"),)),
    Line("snapshot --format json, one panel, CPU", "snapshot", "ms", U, (share("snapshot", 1.1, "u", "U"),)),
    Line("circuits + panel, bytes to models, CPU", "parse_wattdeck", "us",
         (("span-panel-api 1.1.3", "parse_span-panel-api"), ("json.loads alone", "parse_json.loads")),
         (share("parse_wattdeck", 0.2, "parse_span-panel-api", "span-panel-api"),)),
    Line("  the whole client call", "call_wattdeck", "us", (("span-panel-api 1.1.3", "call_span-panel-api"),)),
    *(
        line
        for count, all_percent, one_percent in ((10, 5, 2), (100, 35, 6))
        for line in (
            Line(f"{count} panels in one hub at 1 Hz, CPU", f"hub{count}_all_cpu", "%",
                 (("the simulators", f"hub{count}_all_beside"),),
                 (at_most(f"hub{count}_all_cpu", all_percent, "%"),)),
            Line("  lateness of polls p95", f"hub{count}_all_late", "ms", (),
                 (at_most(f"hub{count}_all_late", 50, "ms"),)),
            Line("  polls made of those due", f"hub{count}_all_made", "%"),
            Line("  connections", f"hub{count}_all_connections", "", (),
                 (at_most(f"hub{count}_all_connections", count, ""),)),
            Line("  shown one at 1 Hz, rest every 10 s, CPU", f"hub{count}_one_cpu", "%",
                 (("the simulators", f"hub{count}_one_beside"),),
                 (at_most(f"hub{count}_one_cpu", one_percent, "%"),)),
            Line("    lateness of polls p95", f"hub{count}_one_late", "ms", (),
                 (at_most(f"hub{count}_one_late", 50, "ms"),)),
            Line("    connections", f"hub{count}_one_connections", "", (),
                 (at_most(f"hub{count}_one_connections", count, ""),)),
        )
    ),
    Line("RSS, one panel, an hour of history", "rss_one_alone", "MB", (), (at_most("rss_one_alone", 60, "MB"),)),
    Line("  after plots, keys and sizes were used", "rss_one", "MB"),
    Line("RSS, 100 panels, an hour of history each", "rss_hundred", "MB", (), (at_most("rss_hundred", 75, "MB"),)),
    Line("RSS over simulated days (headless app)", "days", "MB"),
    Line("  its growth from the first to the last quarter", "days_growth", "MB", (),
         (("flat: <= 1 MB", value("days_growth"), 1.0),)),
    Line("terminal not reading: longest pause of polls", "hang_pause", "s", (), (at_most("hang_pause", 0.5, "s"),)),
    Line("  longest tick meanwhile (control)", "hang_tick", "ms", (), (at_most("hang_tick", 500, "ms"),)),
    Line("  sent when it reads again", "hang_replayed", "kB", (), (at_most("hang_replayed", 64, "kB"),)),
    Line("  screen equal to a full redraw then", "hang_right", "of 1", (),
         (("always", lambda bench: -min(bench.values.get("hang_right", [NAN])), -1.0),)),
    Line("longest tick on the event loop, panel", "live_tick_max", "ms",
         (("its CPU", "live_tick_busy"), ("p99", "live_tick_p99")),
         (at_most("live_tick_max", 30, "ms"),)),
    Line("longest tick on the event loop, demo", "demo_tick_max", "ms",
         (("its CPU", "demo_tick_busy"), ("p99", "demo_tick_p99")),
         (at_most("demo_tick_max", 30, "ms"),)),
)  # fmt: skip


def table(bench: Bench) -> str:
    """All that was measured, as text."""
    rows = [("figure", "median (min-max)", "compared with, same run", "goal", "ok")]
    for line in LINES:
        if line.key not in bench.values:
            continue
        beside = []
        for words, key in line.beside:
            if key in bench.values:
                other = bench.median(key)
                beside.append(f"{words} {short(other)} ({short(bench.median(line.key) / (other or NAN))}x)")
        verdicts = [found <= limit for _, measure, limit in line.goals if (found := measure(bench)) == found]
        verdict = ("yes" if all(verdicts) else "NO") if verdicts else ""
        goal = ", ".join(words for words, _, _ in line.goals)
        rows.append((line.words, _spread(bench.values[line.key], line.unit), "; ".join(beside), goal, verdict))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    rows.insert(1, tuple("-" * width for width in widths))  # type: ignore[arg-type]
    return "\n".join(" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def _spread(values: Sequence[float], unit: str) -> str:
    return f"{short(statistics.median(values))} {unit} ({short(min(values))}-{short(max(values))})"


def short(number: float) -> str:
    """Three digits."""
    if number != number:
        return "?"
    return f"{number:.0f}" if abs(number) >= 100 else f"{number:.3g}"


def missed(bench: Bench) -> list[str]:
    """The goals that were not met, each with what was found."""
    found = []
    for line in LINES:
        for words, measure, limit in line.goals:
            reached = measure(bench)
            if reached == reached and reached > limit:
                found.append(f"{line.words.strip()}: {words}, measured {short(abs(reached))}")
    return found


def main() -> int:
    """Measure, print, and say what was missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="short windows, two runs: to see that it works")
    parser.add_argument("--only", action="append", choices=list(GROUPS), default=[], help="measure only this group")
    parser.add_argument("--runs", type=int, default=None, help="rounds; 5 unless --quick")
    parser.add_argument("--tools", type=Path, default=Path.home() / ".cache" / "wattdeck-benchmarks",
                        help="where the programs to compare with are installed")  # fmt: skip
    parser.add_argument("--newer-python", default="", metavar="PATH",
                        help="a Python 3.12 or 3.13 for span-panel-api, if none is on the path")  # fmt: skip
    parser.add_argument("--no-install", action="store_true", help="install nothing; compare with what is there")
    parser.add_argument("--json", type=Path, help="write every value there as well")
    chosen = parser.parse_args()
    runs = chosen.runs or (2 if chosen.quick else 5)
    bench = Bench(chosen.quick, chosen.tools, not chosen.no_install, chosen.newer_python)
    # As an installation leaves it: without this, where writing byte code is switched off, every start compiles.
    compileall.compile_dir(HERE.parent / "src", quiet=1)
    started_s, load_before = time.monotonic(), os.getloadavg()
    groups = [name for name in GROUPS if not chosen.only or name in chosen.only]
    if "commands" not in groups and "start" in groups:
        groups.insert(0, "commands")
    for number in range(1, runs + 1):
        for name in groups:
            print(f"round {number} of {runs}: {name}", file=sys.stderr, flush=True)
            try:
                GROUPS[name](bench)
            except (TimeoutError, OSError, ValueError, IndexError) as error:
                bench.note(f"{name}, round {number}: {str(error).splitlines()[0]}")
                print(error, file=sys.stderr)
    print(table(bench))
    took_min = (time.monotonic() - started_s) / 60
    load = ", ".join(f"{value:.1f}" for value in load_before)
    quick = "; QUICK: windows too short to trust" if chosen.quick else ""
    print(
        f"\n{runs} runs in {took_min:.0f} min; Python {platform.python_version()}, {os.cpu_count()} cores, "
        f"load before {load}, after {os.getloadavg()[0]:.1f}{quick}"
    )
    for words in bench.notes:
        print(f"note: {words}")
    for words in missed(bench):
        print(f"MISSED {words}")
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(bench.values, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
