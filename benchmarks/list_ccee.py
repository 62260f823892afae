"""The CCEE client beside voltarium 1.1.1: lists, concurrent creates, memory while streaming, imports.

Run it with a Python that has wattdeck, and name the Python that has voltarium; both 3.13 for a fair comparison:

    python3.13 -m venv .voltarium && .voltarium/bin/pip install voltarium==1.1.1
    python benchmarks/list_ccee.py --voltarium-python .voltarium/bin/python

Without `--voltarium-python` ours is measured alone. The simulator runs in a process of its own, each client in a new
one for each round; the sides alternate. CPU is user and system time of the client's process alone. What a side did is
counted at the server: bodies without headers. A list of another length, or a create that is not stored once, ends the
run.
"""

from __future__ import annotations

import argparse
import asyncio
import compileall
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SERVE = """
import asyncio, json, sys
from wattdeck.core.serve import serve
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.ccee.simulator import CceeSimulator
simulator = CceeSimulator(SimulatorOptions(seed=7, faults=json.loads(sys.argv[1])))
bodies = 0
async def app(scope, receive, send):
    global bodies
    async def counted(message):
        global bodies
        bodies += len(message.get("body", b""))
        await send(message)
    if scope["path"] != "/_bytes":
        return await simulator.app(scope, receive, counted)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(bodies).encode()})
asyncio.run(serve(app, "127.0.0.1", 0, lambda url: print(json.dumps({"url": url}), flush=True)))
"""
OURS, THEIRS = "wattdeck", "voltarium 1.1.1"
RETAILER, PROFILE, UTILITY = 200000, 200100, 100000
LISTED, STREAMED, CREATED = 10_000, 100_000, 30
PAGE_ROWS = (50, 500)
GOAL = 2.0
"""Items per CPU second, beside voltarium."""
MARKS = (10_000, 50_000, 100_000)
"""Of the items streamed: where memory is looked at."""
IMPORTS = {
    OURS: {
        "import wattdeck.systems.ccee.client": "import wattdeck.systems.ccee.client",
        "  and what the first list loads": (
            "import wattdeck.systems.ccee.client, wattdeck.core.transport, pydantic_core, h11"
        ),
    },
    THEIRS: {"import voltarium": "import conformance_ccee"},
}
MEASURE = """
import json, time
started_s = time.process_time()
{code}
used_s = time.process_time() - started_s
rss = next(line for line in open("/proc/self/status") if line.startswith("VmRSS"))
print(json.dumps([used_s * 1e3, int(rss.split()[1]) * 1024 / 1e6]))
"""


# One client in a process of its own


class Ours:
    """Our client."""

    def __init__(self, url: str) -> None:
        from wattdeck.systems.ccee.client import CceeClient

        secret = f"sim-secret-{RETAILER}"
        self.client: Any = CceeClient(
            f"VAREJISTA_{RETAILER}", lambda: secret, agent_code=RETAILER, url=url, concurrency=CREATED
        )

    def list(self, months: Sequence[str]) -> AsyncIterator[Any]:
        """All migrations of some months."""
        found: AsyncIterator[Any] = self.client.list_migrations(*months, PROFILE)
        return found

    async def create(self, fields: dict[str, str]) -> str:
        """The id of a new migration."""
        from wattdeck.systems.ccee.models import MigrationDraft

        draft = MigrationDraft(
            fields["unit"], UTILITY, "CNPJ", RETAILER, fields["month"], PROFILE, "uc@example.com",
            fields["document"], "A4", "NAO", modality="REGULAR",
        )  # fmt: skip
        return str((await self.client.create_migration(draft)).migration_id)


class Theirs:
    """The client of voltarium, imported the way Python 3.13 can."""

    def __init__(self, url: str) -> None:
        from conformance_ccee import voltarium

        name, secret = f"VAREJISTA_{RETAILER}", f"sim-secret-{RETAILER}"
        self.client: Any = voltarium.VoltariumClient(base_url=url, client_id=name, client_secret=secret)

    def list(self, months: Sequence[str]) -> AsyncIterator[Any]:
        """All migrations of some months."""
        found: AsyncIterator[Any] = self.client.list_migrations(*months, RETAILER, PROFILE)
        return found

    async def create(self, fields: dict[str, str]) -> str:
        """The id of a new migration."""
        from voltarium.models import migration

        request = migration.CreateMigrationRequestV2(
            consumer_unit_code=fields["unit"],
            utility_agent_code=UTILITY,
            document_type="CNPJ",
            document_number=fields["document"],
            retailer_agent_code=RETAILER,
            reference_month=fields["month"],
            retailer_profile_code=PROFILE,
            consumer_unit_email="uc@example.com",
            consumer_unit_tariff_subgroup="A4",
            utility_formalized="NAO",
            migration_modality="REGULAR",
        )
        return str((await self.client.create_migration(request, RETAILER, PROFILE)).migration_id)


def rss_mb() -> float:
    """Memory of this process, MB of 10^6 bytes."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024 / 1e6


async def do_list(side: Ours | Theirs, job: dict[str, Any]) -> dict[str, Any]:
    """List everything, after a short list that loads and compiles what is needed."""
    async with side.client:
        async for _ in side.list(job["short"]):
            break
        cpu_s, wall_s, count = time.process_time(), time.monotonic(), 0
        async for _ in side.list(job["months"]):
            count += 1
        used_s, took_s = time.process_time() - cpu_s, time.monotonic() - wall_s
    return {"count": count, "cpu_s": used_s, "wall_s": took_s, "process_s": time.process_time()}


async def do_create(side: Ours | Theirs, job: dict[str, Any]) -> dict[str, Any]:
    """Create at once; nothing was asked before."""
    async with side.client:
        cpu_s, wall_s = time.process_time(), time.monotonic()
        made = await asyncio.gather(*map(side.create, job["drafts"]))
        return {"ids": made, "cpu_s": time.process_time() - cpu_s, "wall_s": time.monotonic() - wall_s}


async def do_stream(side: Ours | Theirs, job: dict[str, Any]) -> dict[str, Any]:
    """Memory at some items of a long list of which nothing is kept."""
    found, count = {}, 0
    async with side.client:
        async for _ in side.list(job["months"]):
            count += 1
            if count in MARKS:
                found[str(count)] = rss_mb()
    return {"count": count, "rss_mb": found}


def client(name: str, url: str) -> None:
    """Do the job that comes on stdin, and print what it took."""
    job = json.load(sys.stdin)
    does = {"list": do_list, "create": do_create, "stream": do_stream}[job["do"]]

    async def work() -> dict[str, Any]:
        return await does(Ours(url) if name == OURS else Theirs(url), job)

    print(json.dumps(asyncio.run(work())))


# The rounds


class Server:
    """A simulator in a process of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        today = self._get("/_sim/state")["time"]
        self._this = int(today[:4]) * 12 + int(today[5:7]) - 1

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path) as answer:
            return json.load(answer)

    def counts(self) -> dict[str, int]:
        """What was asked and answered so far."""
        state = self._get("/_sim/state")
        stored = sum(state["migrations"].values()) if isinstance(state["migrations"], dict) else state["migrations"]
        return {
            "requests": state["requests"],
            "tokens": state["tokens"],
            "stored": stored,
            "bytes": self._get("/_bytes"),
        }

    def month(self, offset: int) -> str:
        """A month, so many after this one."""
        year, index = divmod(self._this + offset, 12)
        return f"{year:04d}-{index + 1:02d}"


@contextlib.contextmanager
def server(**faults: str) -> Iterator[Server]:
    """A simulator with these faults."""
    named = json.dumps({name.replace("_", "-"): value for name, value in faults.items()})
    with subprocess.Popen([sys.executable, "-c", SERVE, named], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Server(json.loads(process.stdout.readline())["url"])
        finally:
            process.terminate()


class Bench:
    """Who is measured, how often, and what came of it."""

    def __init__(self, pythons: dict[str, str], runs: int) -> None:
        self.pythons, self.runs = pythons, runs
        self.values: dict[tuple[str, str], list[float]] = {}

    def run(self, name: str, at: Server, job: dict[str, Any]) -> tuple[dict[str, Any], dict[str, int]]:
        """One client does one job: what it says, and what the server saw."""
        before = at.counts()
        command = [self.pythons[name], str(HERE / "list_ccee.py"), "--client", name, at.url]
        done = subprocess.run(command, input=json.dumps(job), capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{name} failed at {job['do']}:\n{done.stderr[-2000:]}")
        after = at.counts()
        return json.loads(done.stdout), {key: after[key] - before[key] for key in after}

    def add(self, name: str, **figures: float) -> None:
        """One more value of each figure."""
        for words, value in figures.items():
            self.values.setdefault((words, name), []).append(value)

    def median(self, words: str, name: str) -> float:
        """The figure; NaN if it was not measured."""
        found = self.values.get((words, name))
        return statistics.median(found) if found else float("nan")

    def line(self, words: str, key: str, form: str = ",.0f", goal: str = "", of: str = "") -> None:
        """Print a figure of each side, median (lowest-highest), and how many times one is the other."""
        cells, medians = [], []
        for name in self.pythons:
            found = self.values.get((key, f"{name} {of}".strip()), [])
            medians.append(statistics.median(found) if found else float("nan"))
            shown = f"{medians[-1]:{form}} ({min(found):{form}}-{max(found):{form}})" if found else "-"
            cells.append(f"{shown:>34}")
        times = f"{medians[0] / medians[1]:8.2f}x" if len(medians) == 2 and medians[1] else ""
        print(f"{words:46}{''.join(cells)}{times:>10}  {goal}".rstrip(), flush=True)


def lists(bench: Bench) -> None:
    """10,000 migrations, in pages of the simulator's usual size and in large ones: nobody knows CCEE's."""
    for size in PAGE_ROWS:
        with server(many=str(LISTED), page_size=str(size)) as at:
            job = {"do": "list", "months": (at.month(-2), at.month(9)), "short": (at.month(0), at.month(0))}
            for _ in range(bench.runs):
                for name in bench.pythons:
                    found, seen = bench.run(name, at, job)
                    if found["count"] != LISTED:
                        raise SystemExit(f"{name} listed {found['count']} of {LISTED}")
                    # The token and the short list, which is broken off after its first page, are not measured.
                    pages = seen["requests"] - 2
                    bench.add(
                        f"{name} {size}",
                        rate=LISTED / found["cpu_s"],
                        page_us=found["cpu_s"] / pages * 1e6,
                        wall=found["wall_s"],
                        pages=pages,
                        bytes=seen["bytes"] / 1e6,
                        list_tokens=seen["tokens"],
                        process=found["process_s"],
                    )
        times = bench.median("rate", f"{OURS} {size}") / bench.median("rate", f"{THEIRS} {size}")
        verdict = f"goal >= {GOAL:g}x: {'met' if times >= GOAL else 'MISSED'}" if times == times else ""
        bench.line(f"list {LISTED:,}, {size} to a page: items per CPU s", "rate", goal=verdict, of=str(size))
        bench.line("  CPU of a page, us", "page_us", of=str(size))
        bench.line("  CPU of the process, imports and all, s", "process", ".2f", of=str(size))
        bench.line("  wall, s (mostly the simulator's)", "wall", ".2f", of=str(size))
        bench.line("  pages asked for", "pages", of=str(size))
        bench.line("  tokens", "list_tokens", of=str(size))
        bench.line("  MB of answers, the short list's among them", "bytes", ".2f", of=str(size))


def creates(bench: Bench) -> None:
    """30 creates at once, each client a new one."""
    from wattdeck.systems.ccee.numbering import cnpj, unit_code

    serial = 7_000_000_000
    with server() as at:
        for _ in range(bench.runs):
            for name in bench.pythons:
                serial += CREATED
                drafts = [
                    {"unit": unit_code(f"{serial + n:010d}001"), "document": cnpj(f"{10_000_000 + n}0001"),
                     "month": at.month(8)}
                    for n in range(CREATED)
                ]  # fmt: skip
                found, seen = bench.run(name, at, {"do": "create", "drafts": drafts})
                if len(set(found["ids"])) != CREATED or seen["stored"] != CREATED:
                    raise SystemExit(f"{name} made {len(set(found['ids']))}, of which {seen['stored']} are stored")
                bench.add(name, create_wall=found["wall_s"] * 1e3, create_cpu=found["cpu_s"] * 1e3,
                          create_requests=seen["requests"], tokens=seen["tokens"])  # fmt: skip
    bench.line(f"{CREATED} creates at once, each stored once: wall, ms", "create_wall")
    bench.line("  CPU, ms", "create_cpu")
    bench.line("  requests", "create_requests")
    bench.line("  tokens", "tokens")


def streams(bench: Bench) -> None:
    """100,000 migrations of which none is kept; once for each side."""
    with server(many=str(STREAMED), page_size="500") as at:
        job = {"do": "stream", "months": (at.month(-2), at.month(9))}
        for name in bench.pythons:
            found, _ = bench.run(name, at, job)
            if found["count"] != STREAMED:
                raise SystemExit(f"{name} streamed {found['count']} of {STREAMED}")
            bench.add(name, **{f"rss_{mark}": found["rss_mb"][str(mark)] for mark in MARKS})
    for mark in MARKS:
        bench.line(f"streaming: RSS after {mark:,}, MB", f"rss_{mark}", ".1f")


def imports(bench: Bench) -> None:
    """Import time and memory."""
    for name, codes in IMPORTS.items():
        if name not in bench.pythons:
            continue
        for words, code in codes.items():
            found = []
            for number in range(bench.runs + 1):
                done = subprocess.run(
                    [bench.pythons[name], "-c", MEASURE.format(code=code)],
                    capture_output=True, text=True, check=True, cwd=HERE,
                )  # fmt: skip
                if number:  # The first one warms the disk cache.
                    found.append(json.loads(done.stdout))
            cpu_ms, mb = (statistics.median(values) for values in zip(*found, strict=True))
            print(f"{words:46}{cpu_ms:8.0f} ms CPU, RSS {mb:6.1f} MB", flush=True)


JOBS = {"list": lists, "create": creates, "stream": streams, "import": imports}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voltarium-python", help="the Python that has voltarium 1.1.1")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--only", action="append", choices=list(JOBS), default=[], help="measure only this")
    parser.add_argument("--client", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.client:
        client(*chosen.client)
        return
    pythons = {OURS: sys.executable, **({THEIRS: chosen.voltarium_python} if chosen.voltarium_python else {})}
    # As an installation leaves it: without this, where writing byte code is switched off, every start compiles.
    compileall.compile_dir(HERE.parent / "src", quiet=1)
    bench = Bench(pythons, chosen.runs)
    load = os.getloadavg()[0]
    for name, python in pythons.items():
        version = subprocess.run([python, "-V"], capture_output=True, text=True, check=True).stdout.strip()
        print(f"{name}: {version}")
    print(f"{'median (lowest-highest)':46}{''.join(f'{name:>34}' for name in pythons)}")
    for name, measure in JOBS.items():
        if not chosen.only or name in chosen.only:
            measure(bench)
    print(f"{chosen.runs} runs, {os.cpu_count()} cores, load before {load:.1f}, after {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
