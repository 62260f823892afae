"""Hooks of alarms: what they are given, how they are bounded, and that their secrets go nowhere."""

from __future__ import annotations

import json
import logging
import os
import select
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import anyio
import pytest
from test_alarms import HOUSE, House

from fakes import START, ManualClock
from wattdeck.core import alarm_hooks
from wattdeck.core.alarm_hooks import AlarmHooks
from wattdeck.core.config import AlarmsConfig
from wattdeck.core.journal import Journal
from wattdeck.core.redact import redact

pytestmark = pytest.mark.anyio
WRITE_IT_DOWN = """
import json, os, sys
told = {name: value for name, value in os.environ.items() if name.startswith('WATTDECK') or 'SECRET' in name}
open(sys.argv[1], 'w').write(json.dumps([json.load(sys.stdin), told]))
"""


class Heard(Journal):
    """A journal that tells when something was written."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, ManualClock())
        self.outcomes: list[Mapping[str, Any]] = []
        self.more = anyio.Event()

    async def write(self, event: str, **fields: Any) -> Any:
        found = await super().write(event, **fields)
        self.outcomes.append({"event": event, **fields})
        self.more.set()
        return found

    async def after(self, count: int) -> list[Mapping[str, Any]]:
        """The outcomes when there are so many."""
        with anyio.fail_after(20):
            while len(self.outcomes) < count:
                self.more = anyio.Event()
                await self.more.wait()
        return self.outcomes


class Bench:
    """A house whose alarms go to hooks."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.journal = Heard(folder / "journal.jsonl")
        self.hooks = AlarmHooks(AlarmsConfig.model_validate(settings), self.journal, ManualClock())
        self.house = House(folder / "alarms.jsonl", settings=settings, hooks=self.hooks)

    def raise_one(self, door: str = "door") -> None:
        doors: dict[str, Any] = {door: True}
        self.house.reads(**doors)
        self.house.alarms.save()

    @asynccontextmanager
    async def running(self) -> Any:
        async with anyio.create_task_group() as group:
            group.start_soon(self.hooks.run)
            yield
            group.cancel_scope.cancel()


async def test_a_command_gets_the_alarm_and_no_secret_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PANEL_SECRET", "hunter2")
    target = tmp_path / "out.json"
    bench = Bench(tmp_path, command=[sys.executable, "-c", WRITE_IT_DOWN, str(target)])
    async with bench.running():
        bench.raise_one()
        (outcome,) = await bench.journal.after(1)
    assert outcome == {"event": "hook", "object_id": "thermo/house:thermo.open:door", "kind": "command",
                       "outcome": "done"}  # fmt: skip
    told, variables = json.loads(target.read_text())
    assert (told["event"], told["id"], told["priority"]) == ("raised", "thermo/house:thermo.open:door", "low")
    assert (told["words"], told["action"], told["state"]) == ("door is open", "Close it.", "unacknowledged")
    assert variables["WATTDECK_ALARM_WORDS"] == "door is open" and "PANEL_SECRET" not in variables


@pytest.mark.parametrize(
    ("command", "limit_s", "sentence"),
    [
        (["/nowhere/to/be/found"], 30.0, "The command cannot be run: No such file or directory."),
        ([sys.executable, "-c", "raise SystemExit(3)"], 30.0, "The command ended with exit code 3."),
        (["/bin/sh", "-c", "sleep 600 & wait"], 0.3, "The command was ended after 0.3 s."),
    ],
)
async def test_a_command_that_does_not_do_it_is_ended_and_noted(
    tmp_path: Path, command: list[str], limit_s: float, sentence: str
) -> None:
    bench = Bench(tmp_path, command=command, hook_timeout_s=limit_s)
    async with bench.running():
        bench.raise_one()
        (outcome,) = await bench.journal.after(1)
    assert outcome["outcome"] == "failed" and outcome["sentence"] == sentence


def has_ended(pid: int) -> bool:
    """The process comes to its end: one that was killed may still be on its way out."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], 10)[0])
    finally:
        os.close(handle)


async def test_what_a_command_started_ends_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = f"sleep 600 & echo $! > {note}; wait"
    bench = Bench(tmp_path, command=["/bin/sh", "-c", script], hook_timeout_s=1.0)
    async with bench.running():
        bench.raise_one()
        await bench.journal.after(1)
    assert has_ended(int(note.read_text()))


async def test_only_what_was_asked_for_is_told(tmp_path: Path) -> None:
    target = tmp_path / "out"
    told = ["/bin/sh", "-c", f"echo $WATTDECK_ALARM_EVENT $WATTDECK_ALARM_STATE >> {target}"]
    bench = Bench(tmp_path, command=told, hook_on=["raised", "cleared", "acknowledged"], least_priority="medium")
    house = bench.house
    async with bench.running():
        house.gets_hot()
        house.alarms.save()
        house.reads(attic=35.0, door=True)
        house.alarms.acknowledge(["thermo/house:thermo.hot:attic"])
        house.alarms.save()
        house.waits(1000)
        house.reads(attic=20.0, door=True)
        house.waits(10)
        house.alarms.save()
        await bench.journal.after(3)
    assert target.read_text().splitlines() == [
        "raised unacknowledged", "acknowledged acknowledged", "cleared normal",
    ]  # fmt: skip


async def test_a_shelved_alarm_and_chatter_are_not_told(tmp_path: Path) -> None:
    bench = Bench(tmp_path, command=["/bin/true"])
    house = bench.house
    bench.raise_one()
    for _ in range(3):
        house.reads(door=False)
        bench.raise_one()
    house.alarms.shelve("thermo/house:thermo.open:door", house.clock.now() + timedelta(days=1), "moving")
    house.reads(door=False)
    house.waits(1000)
    bench.raise_one()
    bench.raise_one("gate")
    async with bench.running():
        outcomes = await bench.journal.after(2)
    assert [outcome["object_id"] for outcome in outcomes] == [
        "thermo/house:thermo.open:door", "thermo/house:thermo.open:gate",
    ]  # fmt: skip


async def test_a_flood_waits_its_turn_and_what_is_too_much_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alarm_hooks, "WAITING_MOST", 5)
    bench = Bench(tmp_path, command=["/bin/true"], hooks_per_minute=2)
    for number in range(8):
        bench.raise_one(f"door{number}")
    clock = bench.hooks._clock
    assert isinstance(clock, ManualClock)
    async with bench.running():
        outcomes = await bench.journal.after(6)
    assert [outcome["sentence"] for outcome in outcomes if "sentence" in outcome] == [
        "3 alarms were left out: too many in too short a time.",
    ]  # fmt: skip
    assert clock.elapsed_s >= 120, "two a minute"


async def test_only_the_session_that_raised_it_tells(tmp_path: Path) -> None:
    bench = Bench(tmp_path, command=["/bin/true"])
    other = Bench(tmp_path, command=["/bin/true"])
    settings = {"command": ["/bin/true"]}
    other.house = House(bench.house.path, bench.house.clock, session="two", settings=settings, hooks=other.hooks)
    for each in (bench, other):
        each.house.reads(after_s=0, door=True)
    for each in (other, bench):
        each.house.alarms.save()
    assert len(other.hooks._waiting) == 1 and not bench.hooks._waiting


class Server:
    """A server that notes what it is sent."""

    def __init__(self, status: int) -> None:
        self.got: list[tuple[str, Mapping[str, str], Any]] = []
        got = self.got

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                got.append((self.path, dict(self.headers), json.loads(body)))
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: Any) -> None:
                """Not on the tests' output."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    found = Server(getattr(request, "param", 200))
    yield found
    found.close()


async def test_a_webhook_gets_the_alarm_with_its_header(tmp_path: Path, server: Server) -> None:
    bench = Bench(tmp_path, webhook=f"{server.url}/hook/abc?x=1", webhook_authorization="Bearer a-secret-word")
    async with bench.running():
        bench.raise_one()
        (outcome,) = await bench.journal.after(1)
    assert outcome["outcome"] == "done" and outcome["kind"] == "webhook"
    ((path, headers, body),) = server.got
    assert path == "/hook/abc?x=1" and headers["Authorization"] == "Bearer a-secret-word"
    assert body["id"] == "thermo/house:thermo.open:door" and body["source"] == HOUSE
    assert body["at"] == (START + timedelta(seconds=1)).isoformat()


@pytest.mark.parametrize("server", [500, 503, 302, 401], indirect=True)
async def test_a_webhook_that_is_refused_is_noted_and_not_repeated(
    tmp_path: Path, server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bench = Bench(tmp_path, webhook=f"{server.url}/services/T0p/S3cr3t")
    async with bench.running():
        bench.raise_one()
        (outcome,) = await bench.journal.after(1)
    assert outcome["sentence"].startswith("The webhook was answered with status") and len(server.got) == 1
    assert "S3cr3t" not in bench.journal.path.read_text() + bench.house.path.read_text()
    assert "S3cr3t" not in redact(caplog.text)


async def test_a_webhook_nobody_hears_is_noted(tmp_path: Path, server: Server) -> None:
    server.close()
    bench = Bench(tmp_path, webhook=f"{server.url}/x")
    async with bench.running():
        bench.raise_one()
        (outcome,) = await bench.journal.after(1)
    assert outcome["sentence"] == "The webhook could not be delivered: the other side cannot be reached."
    server._server.socket.close()


async def test_a_secret_that_is_not_there_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_HOOK", raising=False)
    bench = Bench(tmp_path, webhook={"env": "NO_SUCH_HOOK"})
    async with bench.running():
        bench.raise_one()
        (outcome,) = await bench.journal.after(1)
    assert outcome["sentence"] == "The webhook cannot be sent: environment variable NO_SUCH_HOOK is not set."


@pytest.mark.parametrize("address", ["ftp://me.net/x", "https:///x", "https://a b/x", "http://user:pw@host/x"])
def test_what_is_no_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(ValueError, match="expected an address") as error:
        AlarmsConfig.model_validate({"webhook": address})
    assert address not in str(error.value)
