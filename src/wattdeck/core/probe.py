"""Can a source be reached, and does it let us in? A look with a hub of its own: no command, nothing stored."""

from __future__ import annotations

import ipaddress
import shutil
import socket
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio
from anyio import to_thread

from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.config import SourceConfig, secrets_of
from wattdeck.core.errors import ConfigError, WattdeckError
from wattdeck.core.finding import Finding, Verdict
from wattdeck.core.hub import Hub
from wattdeck.core.language import tr
from wattdeck.core.link import link_words
from wattdeck.core.paths import credentials_dir, private_dir, token_path
from wattdeck.core.reading import Link, Reading
from wattdeck.core.redact import redact
from wattdeck.core.system import Context
from wattdeck.core.text import clean
from wattdeck.core.units import UNKNOWN, age

if TYPE_CHECKING:
    from anyio.abc import ByteStream

    from wattdeck.core.system import System

STEP_S = 5.0
"""How long one step of the connection may take, s, within the time there is."""
PARTICULAR_STEPS = 4
"""Most steps that what only the system knows to look at may take together."""
CLOCK_AGREES_S = 60.0
"""Clocks that differ by less are called the same."""
GREETING_S = 2.0
GREETING_BYTES_MAX = 8192

Tell = Callable[[Finding], None]


class Probe:
    """One look at one source. `run` tells each finding as it comes, and returns them all."""

    def __init__(
        self,
        system: System,
        config: SourceConfig,
        *,
        state_dir: Path,
        timeout_s: float = 10.0,
        clock: Clock = SYSTEM_CLOCK,
        demo_apps: Mapping[str, Any] | None = None,
        tell: Tell | None = None,
    ) -> None:
        """`demo_apps` takes the place of the network, as in a demo's hub."""
        self._system = system
        self._config = config
        self._state_dir = state_dir
        self._timeout_s = timeout_s
        self._step_s = min(STEP_S, timeout_s)
        self._clock = clock
        self._demo_apps = demo_apps
        self._tell = tell
        self._found: list[Finding] = []
        self._source = f"{system.name}/{config.name}"

    async def run(self) -> list[Finding]:
        """Look, step by step, until something stands in the way or everything was seen."""
        end_s = self._clock.monotonic() + self._timeout_s
        if await self._secrets() and (self._demo_apps is not None or await self._connection()):
            if self._demo_apps is None:
                await self._particulars()
            await self._readings(max(0.1, end_s - self._clock.monotonic()))
        return self._found

    def _add(self, what: str, verdict: Verdict, words: str, advice: str = "") -> None:
        subject = f"{self._source} {what}".strip()
        finding = Finding("source", verdict, clean(redact(words), 500), subject, clean(redact(advice), 500))
        self._found.append(finding)
        if self._tell is not None:
            self._tell(finding)

    async def _secrets(self) -> bool:
        """Whether every secret that is referred to can be looked up."""
        well = True
        for key, secret in secrets_of(self._config).items():
            try:
                with anyio.fail_after(self._step_s):
                    await to_thread.run_sync(secret.reveal, abandon_on_cancel=True)
            except ConfigError as error:
                well = False
                advice = tr("Put the secret there, or change `{key}` in the settings.", key=key)
                self._add(key, Verdict.PROBLEM, str(error), advice)
            except TimeoutError:
                well = False
                self._add(key, Verdict.PROBLEM, tr("the secret could not be looked up in time"))
        return well

    async def _connection(self) -> bool:
        """Name, port, TLS; and what the other side takes the time to be."""
        url = urlsplit(self._config.endpoint)
        host, tls = url.hostname, url.scheme == "https"
        if not host:
            return True
        port = url.port or (443 if tls else 80)
        if not await self._resolved(host, port):
            return False
        return await self._reached(host, port, tls=tls)

    async def _resolved(self, host: str, port: int) -> bool:
        try:
            ipaddress.ip_address(host)
        except ValueError:
            pass
        else:
            self._add("name", Verdict.OK, tr("{host} is an address; nothing to look up", host=host))
            return True
        try:
            with anyio.fail_after(self._step_s):
                found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            words = tr("the name {host} was not found", host=host)
            advice = tr("Check the spelling, or give the address. Is this machine on the right network?")
            self._add("name", Verdict.PROBLEM, words, advice)
        except TimeoutError:
            words = tr("the name {host} could not be looked up in time", host=host)
            self._add("name", Verdict.PROBLEM, words, tr("Does this machine's DNS work?"))
        else:
            self._add("name", Verdict.OK, tr("{host} is {address}", host=host, address=found[0][4][0]))
            return True
        return False

    async def _reached(self, host: str, port: int, *, tls: bool) -> bool:
        from wattdeck.core.transport import why_no_connection

        place = f"{host}:{port}"
        step = "port"
        try:
            with anyio.fail_after(self._step_s):
                stream: ByteStream = await anyio.connect_tcp(host, port)
            self._add("port", Verdict.OK, tr("{place} takes connections", place=place))
            if tls:
                step = "tls"
                await stream.aclose()
                with anyio.fail_after(self._step_s):
                    stream = await anyio.connect_tcp(host, port, tls=True, ssl_context=self._trust())
                self._add("tls", Verdict.OK, tr("the certificate is trusted"))
            async with stream:
                await self._clocks(stream, host)
        except TimeoutError:
            words = tr("nothing answers at {place}", place=place)
            self._add(step, Verdict.PROBLEM, words, tr("Is it on, and is the address right?"))
        except ConfigError as error:
            self._add(step, Verdict.PROBLEM, str(error))
        except OSError as error:
            reason = why_no_connection(error, host)
            self._add(step, Verdict.PROBLEM, f"{place}: {reason}", self._next_step(step))
        else:
            return True
        return False

    def _next_step(self, step: str) -> str:
        if step == "tls":
            return tr("Give the right `ca_file`, or turn TLS off if the source speaks plain HTTP.")
        return tr("Check the address and the port in the settings, and that the source is on.")

    def _trust(self) -> Any:
        from wattdeck.core.http import trusting

        return trusting(getattr(self._config, "ca_file", None))

    async def _clocks(self, stream: ByteStream, host: str) -> None:
        """How far the other side's clock is from ours, if it says what time it is."""
        head = f"HEAD / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        answer = b""
        with anyio.move_on_after(min(GREETING_S, self._step_s)):
            try:
                await stream.send(head.encode())
                while b"\r\n\r\n" not in answer and len(answer) < GREETING_BYTES_MAX:
                    answer += await stream.receive(GREETING_BYTES_MAX)
            except (anyio.EndOfStream, anyio.BrokenResourceError, OSError):
                pass
        theirs = _date_in(answer)
        if theirs is None:
            return
        apart_s = (theirs - self._clock.now()).total_seconds()
        if abs(apart_s) < CLOCK_AGREES_S:
            self._add("clock", Verdict.OK, tr("its clock and ours agree"))
            return
        words = tr("its clock is {age} ahead of ours") if apart_s > 0 else tr("its clock is {age} behind ours")
        self._add(
            "clock",
            Verdict.NOTE,
            words.format(age=age(abs(apart_s))),
            tr("Set this machine's clock, or the other one's."),
        )

    async def _particulars(self) -> None:
        """What only the system knows to look at."""
        from wattdeck.core.http import HttpClients

        clients = HttpClients(clock=self._clock)
        try:
            with anyio.fail_after(PARTICULAR_STEPS * self._step_s):
                for each in await self._system.findings(self._config, Context(clients, self._state_dir, self._clock)):
                    self._add(each.subject, each.verdict, each.words, each.advice)
        except (WattdeckError, TimeoutError) as error:
            self._add("", Verdict.NOTE, str(error) or tr("no answer in time"))
        finally:
            await clients.aclose()

    async def _readings(self, timeout_s: float) -> None:
        """One poll of each feed, in a folder of its own."""
        with tempfile.TemporaryDirectory(prefix="wattdeck-") as folder:
            try:
                self._lend_token(Path(folder))
                hub = Hub(
                    [(self._system, self._config.for_test())], state_dir=Path(folder), clock=self._clock,
                    demo_apps=self._demo_apps, keep_last=False,
                )  # fmt: skip
                async with hub:
                    await hub.once(timeout_s=timeout_s)
                    for feed in hub.feeds:
                        # What was read from a copy is named by its own place.
                        problem = feed.reading.problem.replace(folder, str(self._state_dir))
                        self._judge(replace(feed.reading, problem=problem))
            except WattdeckError as error:
                self._add("", Verdict.PROBLEM, str(error))
            except OSError as error:
                reason = error.strerror or type(error).__name__
                self._add(
                    "", Verdict.PROBLEM, tr("{path} cannot be read: {reason}", path=self._state_dir, reason=reason)
                )

    def _lend_token(self, folder: Path) -> None:
        """What a registration or a login has stored is read from a copy."""
        kept = token_path(self._state_dir, self._system.name, self._config.name)
        if kept.is_file():
            copy = token_path(folder, self._system.name, self._config.name)
            private_dir(copy.parent)
            shutil.copyfile(kept, copy)
        credentials = credentials_dir(self._state_dir, self._system.name)
        if credentials.is_dir():
            shutil.copytree(credentials, credentials_dir(folder, self._system.name))

    def _judge(self, reading: Reading[Any]) -> None:
        state = link_words(reading, self._clock.now())
        if reading.link is Link.LIVE:
            self._add(reading.feed, Verdict.OK, state)
            return
        if reading.link is Link.WAITING:
            advice = tr("Try again with more time: `wattdeck doctor --timeout 60`.")
            self._add(reading.feed, Verdict.PROBLEM, tr("{state}: no answer in time", state=state), advice)
            return
        # A problem that says itself what to run needs no other advice.
        lost = reading.link is Link.REFUSED and "`wattdeck " not in reading.problem
        advice = self._system.way_in(self._config) if lost else ""
        self._add(reading.feed, Verdict.PROBLEM, f"{state}: {reading.problem or UNKNOWN}", advice)


def _date_in(answer: bytes) -> datetime | None:
    """The time in the head of an HTTP answer."""
    from email.utils import parsedate_to_datetime

    for line in answer.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "date":
            try:
                found = parsedate_to_datetime(value.strip())
            except (ValueError, TypeError, OverflowError):
                return None
            return found if found.tzinfo is not None else None
    return None
