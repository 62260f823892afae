"""A distributor's RADAR server: three reads, one at a time, no faster than it allows (aneel.md 2).

Every complete answer is given back as it came, of whatever status, for the reader (`wire`) and the conformance check
to look at. Raised is only what kept an answer from coming.
"""

from __future__ import annotations

import logging
import random as randomlib
from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Self
from urllib.parse import parse_qsl, quote, urlsplit

from wattdeck.core.answers import Answer
from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.errors import SourceError, UsageError
from wattdeck.core.http import HttpClients, Timeouts
from wattdeck.core.language import later, tr
from wattdeck.core.origin import normal_origin
from wattdeck.core.redact import redact, register_secret
from wattdeck.systems.aneel.envelope import retry_after_s
from wattdeck.systems.aneel.errors import AuthRefused, Broken, NoAnswer, NotReached, RateLimited, of_transport
from wattdeck.systems.aneel.exchange import PATHS, Exchange, Route
from wattdeck.systems.aneel.pace import Pace, TooSoonError
from wattdeck.systems.aneel.times import format_recovery

log = logging.getLogger(__name__)

CONNECT_S = 5.0
BODY_BYTES_MAX = 5_000_000
REQUESTS_PER_MINUTE = 10
SILENCE_S = 60.0
"""After a 429 that does not say how long."""
RETRY_S, RETRY_SPREAD_S = 20.0, 20.0
"""A repetition comes 20 to 40 s after what failed (aneel.md 11)."""
HEADERS_MAX, HEADER_CHARS_MAX = 100, 2000
PROTOCOL_CHARS_MAX = 30
PARAMETERS = ("dthRecuperacao", "numProtocolo")
"""What the routes know; anything else in a query may be a probe's key."""


class AneelClient:
    """One distributor. Works as `async with AneelClient(...) as aneel`, or long-lived with `aclose` at the end."""

    def __init__(
        self,
        url: str,
        key: Callable[[], str],
        *,
        timeout_s: float = 45.0,
        requests_per_minute: int = REQUESTS_PER_MINUTE,
        clients: HttpClients | None = None,
        clock: Clock = SYSTEM_CLOCK,
        random: Callable[[], float] = randomlib.random,
    ) -> None:
        """Args:
        url: Where the three routes are: scheme, host and a path without their names.
        key: Gives what stands in `x-api-key`; asked for with every request.
        timeout_s: How long one answer may take.
        requests_per_minute: Repetitions and probes included.
        clients: Connections shared with others, who close them; None: our own.
        random: A number from 0 to 1, for when to repeat.

        Raises:
            ValueError: the URL or the rate is none.
        """
        parts = urlsplit(url.strip())
        if parts.query or parts.fragment or not parts.path.isascii() or not parts.path.isprintable():
            raise ValueError("the URL may hold scheme, host, port and a plain path, nothing else")
        self.origin = normal_origin(f"{parts.scheme}://{parts.netloc}")
        self.base_path = parts.path.rstrip("/")
        self._key = key
        self._clock = clock
        self._random = random
        self._timeouts = Timeouts(min(CONNECT_S, timeout_s), timeout_s)
        self._pace = Pace(requests_per_minute, clock)
        self._closes_clients = clients is None
        self._clients = HttpClients(clock=clock) if clients is None else clients
        self._http = self._clients.get(self.origin)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close our own connections; those of shared `clients` are left to their owner."""
        if self._closes_clients:
            await self._clients.aclose()

    async def outages(self, at: datetime | None = None, *, retry: bool = False) -> Exchange:
        """What is out now, or was at a moment of the last seven days.

        Args:
            retry: Ask once more, 20 to 40 s later, if no answer comes.

        Raises:
            AneelError: no complete answer came; see `raw`.
            ValueError: the moment has no zone.
        """
        query = {} if at is None else {"dthRecuperacao": format_recovery(at)}
        return await self._ask("outages", query, retry=retry)

    async def demands(self, *, retry: bool = False) -> Exchange:
        """Today's demands, counted; as `outages`."""
        return await self._ask("demands", {}, retry=retry)

    async def demand(self, protocol: str) -> Exchange:
        """One consumer's demand: personal data.

        Raises:
            UsageError: the protocol cannot be one; nothing was sent.
            AneelError: no complete answer came; see `raw`.
        """
        if not (protocol.isascii() and protocol.isalnum() and len(protocol) <= PROTOCOL_CHARS_MAX):
            message = later("a protocol is 1 to {count} letters and digits; nothing was sent")
            raise UsageError(tr(message, count=PROTOCOL_CHARS_MAX))
        return await self._ask("demand", {"numProtocolo": protocol}, retry=False)

    async def raw(
        self,
        path: str,
        query: Mapping[str, str] | str = "",
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        with_key: bool = True,
        route: Route = "outages",
    ) -> Exchange:
        """Any request below the base URL, within the pace, for probes.

        Args:
            path: Below the base URL, `dadosdemanda`; with a slash in front below the host, `/health`.
            query: Sent as it is if it is text, `dthRecuperacao=10/12/2025+14:30`; else encoded as ANEEL does.
            headers: Besides the usual ones or instead of them: `{"x-api-key": "wrong"}`.
            with_key: Send the key, unless `headers` has another.
            route: What the answer is read as.

        Raises:
            NotReached: no connection.
            NoAnswer: no complete answer in time; a firewall that denies looks like that.
            Broken: the answer was cut short, larger than 5 MB, or no HTTP.
            RateLimited: the server asked for a silence that is not over for long; nothing was sent.
            AuthRefused: there is no usable key; nothing was sent.
        """
        if isinstance(query, str):
            encoded, asked = query, dict(parse_qsl(query, keep_blank_values=True)[:20])
        else:
            # As in ANEEL's own example: a space is %20, slash and colon stay.
            encoded = "&".join(f"{quote(name, safe='')}={quote(value, safe='/:')}" for name, value in query.items())
            asked = dict(query)
        target = path if path.startswith("/") else f"{self.base_path}/{path}"
        if encoded:
            target = f"{target}?{encoded}"
        fields = {"Accept": "application/json", **(headers or {})}
        if with_key and "x-api-key" not in {name.lower() for name in fields}:
            fields["x-api-key"] = self._usable_key()
        try:
            async with self._pace.turn():
                return await self._send(method, target, fields, route, asked)
        except TooSoonError as error:
            message = later("{what}: the server asked to be left alone for another {seconds} s; nothing was sent")
            raise RateLimited(
                tr(message, what=self._http.what(method, target), seconds=f"{error.wait_s:.0f}"),
                status_code=429,
                retry_after_s=error.wait_s,
            ) from None

    async def _ask(self, route: Route, query: Mapping[str, str], *, retry: bool) -> Exchange:
        try:
            return await self.raw(PATHS[route], query, route=route)
        except (NotReached, NoAnswer, Broken) as error:
            if not retry:
                raise
            wait_s = RETRY_S + RETRY_SPREAD_S * self._random()
            log.info("%s; asking once more in %.0f s", error, wait_s)
        await self._clock.sleep(wait_s)
        return await self.raw(PATHS[route], query, route=route)

    async def _send(
        self, method: str, target: str, fields: Mapping[str, str], route: Route, asked: Mapping[str, str]
    ) -> Exchange:
        begun_s = self._clock.monotonic()
        try:
            answer = await self._http.request(
                method,
                target,
                headers=fields,
                repeatable=method in ("GET", "HEAD"),
                deadline_s=self._timeouts.read_s,
                timeouts=self._timeouts,
                max_body_bytes=BODY_BYTES_MAX,
                busy=_Arrived,
            )
        except _Arrived as arrived:
            answer = arrived.answer
        except SourceError as error:
            raise of_transport(error) from error
        exchange = Exchange(
            route=route,
            status_code=answer.status_code,
            headers=_lower(answer.headers),
            body=answer.body,
            elapsed_s=self._clock.monotonic() - begun_s,
            at=self._clock.now(),
            asked={name: value if name in PARAMETERS else redact(value) for name, value in asked.items()},
            url=redact(self.origin + target),
        )
        if exchange.status_code == 429:
            wanted_s = retry_after_s(exchange.headers, exchange.at)
            self._pace.keep_silent(SILENCE_S if wanted_s is None else wanted_s)
        return exchange

    def _usable_key(self) -> str:
        key = self._key()
        register_secret(key)
        if not key or len(key) > 1000 or not all("!" <= character <= "~" for character in key):
            message = later(
                "{origin}: the key cannot stand in a header: it must be plain letters, digits and signs without "
                "spaces; nothing was sent"
            )
            raise AuthRefused(tr(message, origin=self.origin))
        return key


class _Arrived(SourceError):
    """Brings an answer of status 429, 502, 503 or 504 back whole: it may hold an envelope."""

    def __init__(self, answer: Answer, what: str, /, *, retry_after_s: float | None) -> None:
        super().__init__(what)
        self.answer = answer
        del retry_after_s


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower()[:100]: redact(value[:HEADER_CHARS_MAX]) for name, value in [*headers.items()][:HEADERS_MAX]}
