"""Telling other programs of alarms: a command with the alarm on its standard input, and a webhook.

Bounded in number, rate and time; never waited for by anything else; never repeated. How each ended is in the journal.
What they are given is data for machines and always English but for the words a source gave.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
from anyio import to_thread

from wattdeck.core.alarm import Priority
from wattdeck.core.alarm_events import AlarmEvent, What
from wattdeck.core.alarm_view import Alarm
from wattdeck.core.clock import Clock
from wattdeck.core.errors import AuthError, BadAnswer, ConfigError, SourceError, StatusError, TimedOut
from wattdeck.core.http import HttpClients, compact_json
from wattdeck.core.journal import Journal, JournalUnwritable
from wattdeck.core.redact import register_secret
from wattdeck.core.text import clean

if TYPE_CHECKING:
    from anyio.abc import Process

    from wattdeck.core.config import AlarmsConfig

log = logging.getLogger(__name__)

WAITING_MOST = 100
"""Events that may wait for their turn; further ones are left out."""
ANSWER_BYTES_MAX = 65_536
LAST_WORDS_S = 1.0
PASSED_ON = frozenset({
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "TERM", "DISPLAY",
    "WAYLAND_DISPLAY", "XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME",
    "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME",
})  # fmt: skip
"""Variables of the environment that a command gets, with those that begin with `LC_`. Others may hold secrets."""
_HOOK_EVENTS = {
    What.RAISED: "raised",
    What.UNSHELVED: "raised",
    What.RETURNED: "cleared",
    What.CLEARED: "cleared",
    What.ACKNOWLEDGED: "acknowledged",
}


class AlarmHooks:
    """The hooks of one session, one after the other. `offer` never waits; `run` does the work."""

    def __init__(self, settings: AlarmsConfig, journal: Journal, clock: Clock) -> None:
        self._settings = settings
        self._journal = journal
        self._clock = clock
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque()
        self._more = anyio.Event()
        self._started_s: deque[float] = deque()
        self._left_out = 0
        self._least = list(Priority).index(Priority(settings.least_priority))
        self._http: HttpClients | None = None

    def offer(self, event: AlarmEvent, alarm: Alarm) -> None:
        """An event that hooks may have to hear of."""
        name = _HOOK_EVENTS.get(event.what)
        if name not in self._settings.hook_on or list(Priority).index(event.priority) > self._least:
            return
        if event.what is What.UNSHELVED and (alarm.state != "unacknowledged"):
            return
        if len(self._waiting) >= WAITING_MOST:
            self._left_out += 1
            return
        self._waiting.append((event.alarm, payload(name, event, alarm)))
        self._more.set()

    async def run(self) -> None:
        """Run hooks for ever, one event after the other."""
        try:
            while True:
                await self._all_waiting()
                self._more = anyio.Event()
                await self._more.wait()
        finally:
            with anyio.move_on_after(LAST_WORDS_S, shield=True):
                self._left_out += len(self._waiting)
                await self._say_left_out()
                await self._close()

    async def finish(self) -> None:
        """Run the hooks of what was offered, and no more."""
        try:
            await self._all_waiting()
        finally:
            await self._close()

    async def _all_waiting(self) -> None:
        while self._waiting:
            await self._one(*self._waiting.popleft())
            await self._say_left_out()

    async def _say_left_out(self) -> None:
        if self._left_out:
            left_out, self._left_out = self._left_out, 0
            await self._note("", "none", f"{left_out} alarms were left out: too many in too short a time")

    async def _close(self) -> None:
        if self._http is not None:
            await self._http.aclose()

    async def _one(self, alarm: str, data: dict[str, Any]) -> None:
        if self._settings.command:
            await self._turn()
            await self._note(alarm, "command", await self._command(data))
        if self._settings.webhook is not None:
            await self._turn()
            await self._note(alarm, "webhook", await self._webhook(data))

    async def _turn(self) -> None:
        """Wait until one more may start within the minute."""
        while True:
            now_s = self._clock.monotonic()
            while self._started_s and now_s - self._started_s[0] >= 60:
                self._started_s.popleft()
            if len(self._started_s) < self._settings.hooks_per_minute:
                self._started_s.append(now_s)
                return
            await self._clock.sleep(max(0.1, self._started_s[0] + 60 - now_s))

    async def _command(self, data: dict[str, Any]) -> str:
        """Run the command to its end or its time limit; what became of it, empty if all is well."""
        try:
            process = await anyio.open_process(
                list(self._settings.command),
                stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=_environment(data), start_new_session=True,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            return f"cannot be run: {getattr(error, 'strerror', None) or type(error).__name__}"
        try:
            with anyio.move_on_after(self._settings.hook_timeout_s):
                await _feed(process, compact_json(data) + b"\n")
                code = await process.wait()
                return "" if code == 0 else f"ended with exit code {code}"
            return f"was ended after {self._settings.hook_timeout_s:g} s"
        finally:
            with anyio.CancelScope(shield=True):
                await _end(process)

    async def _webhook(self, data: dict[str, Any]) -> str:
        """Send the alarm; what became of it, empty if all is well. Neither address nor header is ever repeated."""
        settings = self._settings
        assert settings.webhook is not None
        try:
            url = await to_thread.run_sync(settings.webhook.reveal)
            secret = settings.webhook_authorization
            headers = {"Authorization": await to_thread.run_sync(secret.reveal)} if secret is not None else {}
            parts = urlsplit(url)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            if len(path) > 1:
                register_secret(path)
            self._http = self._http or HttpClients(clock=self._clock)
            http = self._http.get(f"{parts.scheme}://{parts.netloc}")
            answer = await http.request(
                "POST", path, json=data, headers=headers, repeatable=False,
                deadline_s=settings.hook_timeout_s, max_body_bytes=ANSWER_BYTES_MAX,
            )  # fmt: skip
        except (SourceError, ConfigError, ValueError) as error:
            return _failure(error)
        return "" if 200 <= answer.status_code < 300 else f"was answered with status {answer.status_code}"

    async def _note(self, alarm: str, kind: str, problem: str) -> None:
        fields = {"object_id": alarm, "kind": kind, "outcome": "failed" if problem else "done"}
        if problem:
            fields["sentence"] = f"The {kind} {problem}." if alarm else f"{problem}."
            log.warning("alarm %s: the %s %s", alarm, kind, problem)
        try:
            await self._journal.write("hook", **fields)
        except JournalUnwritable as error:
            log.error("%s", error)


def payload(event: str, happened: AlarmEvent, alarm: Alarm) -> dict[str, Any]:
    """What hooks are given of an alarm."""
    return {
        "event": event,
        "at": happened.at.isoformat(),
        "id": alarm.id,
        "source": alarm.source,
        "rule": alarm.rule.name,
        "priority": str(alarm.rule.priority),
        "object_id": alarm.object_id,
        "name": alarm.name,
        "state": str(alarm.state),
        "title": alarm.rule.title,
        "words": alarm.words,
        "consequence": alarm.rule.consequence,
        "action": alarm.rule.action,
        "since": alarm.since.isoformat(),
        "count": alarm.count,
        "who": happened.who,
    }


def _environment(data: Mapping[str, Any]) -> dict[str, str]:
    """The environment of a command: what programs need, and the alarm in a few variables."""
    kept = {
        name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("LC_")
    }  # fmt: skip
    told = {
        f"WATTDECK_ALARM_{name.upper()}": clean(str(data[name]), 300)
        for name in ("event", "id", "source", "rule", "priority", "name", "state", "words")
    }
    return {**kept, **told}


async def _feed(process: Process, data: bytes) -> None:
    """Give a command its input; one that does not read it is not wrong."""
    assert process.stdin is not None
    try:
        await process.stdin.send(data)
        await process.stdin.aclose()
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError):
        return


async def _end(process: Process) -> None:
    """End a command that still runs, with everything it started."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    await process.aclose()


def _failure(error: Exception) -> str:
    match error:
        case TimedOut():
            return "had no answer in time"
        case AuthError():
            return "was refused"
        case StatusError():
            return f"was answered with status {error.status_code}"
        case BadAnswer():
            return "had an answer that is none"
        case ConfigError():
            return f"cannot be sent: {clean(str(error), 200)}"
        case ValueError():
            return "has an address that cannot be used"
        case _:
            return "could not be delivered: the other side cannot be reached"
