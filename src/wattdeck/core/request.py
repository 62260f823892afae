"""Requests to one origin: one method, one set of errors. httpx is loaded with the first request, not before."""

from __future__ import annotations

import json as jsonlib
import logging
import random as randomlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode, urlsplit

import anyio

import wattdeck
from wattdeck.core.answers import BUSY_STATUSES, Answer, status_error
from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.errors import BadAnswer, SourceError, Unreachable
from wattdeck.core.language import tr
from wattdeck.core.redact import redact
from wattdeck.core.retry import NO_RETRY, REPEATABLE_ERRORS, RetryPolicy, repeat

if TYPE_CHECKING:
    import httpx

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 5_000_000


class BusyError(Protocol):
    """Makes an error of an answer with status 429, 502, 503 or 504."""

    def __call__(self, answer: Answer, what: str, /, *, retry_after_s: float | None) -> SourceError: ...


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long to wait for one attempt, seconds."""

    connect_s: float = 10.0
    """Name lookup, TCP and TLS."""
    read_s: float = 30.0
    """Silence between two pieces of the answer."""


class Http:
    """Requests to one origin over its pool."""

    def __init__(
        self,
        origin: str,
        open_transport: Callable[[], httpx.AsyncBaseTransport],
        *,
        clock: Clock = SYSTEM_CLOCK,
        random: Callable[[], float] = randomlib.random,
    ) -> None:
        self.origin = origin
        self.host = urlsplit(origin).hostname or origin
        self._open_transport = open_transport
        self._clock = clock
        self._random = random
        self._transport: httpx.AsyncBaseTransport | None = None
        self._urls: dict[str, httpx.URL] = {}
        self._headers: dict[tuple[object, ...], httpx.Headers] = {}
        self._kept_connection = False

    async def aclose(self) -> None:
        """Close the pool. The next request opens a new one."""
        transport, self._transport = self._transport, None
        self._kept_connection = False
        if transport is not None:
            await transport.aclose()

    def what(self, method: str, path: str) -> str:
        """How errors name a request: host, method and path, without the query."""
        return redact(f"{self.origin.partition('://')[2]} ({method} {path.partition('?')[0][:200]})")

    async def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        form: Sequence[tuple[str, str]] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool,
        deadline_s: float = 30.0,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy = NO_RETRY,
        max_body_bytes: int = MAX_BODY_BYTES,
        busy: BusyError = status_error,
    ) -> Answer:
        """Send one request and return its whole answer, whatever the status except those that mean "not now".

        Redirects are not followed. A repeatable request that finds its kept connection dead is sent once more
        at once; that is not counted as a repetition.

        Args:
            path: Absolute, already percent-encoded, with the query if any.
            json: Sent as compact JSON unless None.
            form: Sent as a web form's fields, in this order, unless None. Instead of `json`.
            repeatable: Sending it twice does no harm. If False it is sent once, whatever `retry` says.
            deadline_s: Total for one attempt, from connecting to the last byte; repetitions come on top.
            timeouts: None: both as long as the deadline.
            busy: Makes the error of an answer that means "not now".

        Raises:
            Unreachable: no connection; if not repeatable, nothing was sent.
            TimedOut: no complete answer in time; if not repeatable, the outcome is unknown.
            BadAnswer: the answer was cut short, too large or not HTTP; if not repeatable, the outcome is
                unknown (also when the connection was closed without an answer).
            Busy: 429, 502, 503 or 504; what `busy` makes of them.
        """
        timeouts = timeouts or Timeouts(deadline_s, deadline_s)
        content = None if json is None else compact_json(json)
        headers = headers or {}
        if form is not None:
            content = urlencode(form).encode()
            headers = {**headers, "Content-Type": "application/x-www-form-urlencoded"}

        async def attempt() -> Answer:
            answer = await self._attempt(
                method, path, content, headers, repeatable, deadline_s, timeouts, max_body_bytes
            )
            if answer.status_code in BUSY_STATUSES:
                after_s = _retry_after_s(answer.headers.get("retry-after", ""), self._clock)
                raise busy(answer, self.what(method, path), retry_after_s=after_s)
            return answer

        try:
            return await attempt()
        except REPEATABLE_ERRORS as error:
            if not repeatable or not retry.retries:
                raise
            return await repeat(attempt, error, retry, sleep=self._clock.sleep, random=self._random)

    async def _attempt(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str] | None,
        repeatable: bool,
        deadline_s: float,
        timeouts: Timeouts,
        max_body_bytes: int,
    ) -> Answer:
        from wattdeck.core import transport as wire

        if self._transport is None:
            self._transport = self._open_transport()
        try:
            with anyio.fail_after(deadline_s):
                request = self._build(method, path, content, headers, timeouts)
                kept, self._kept_connection = self._kept_connection, False
                try:
                    answer = await wire.exchange(self._transport, request, max_body_bytes=max_body_bytes)
                except wire.ConnectionBrokenError:
                    if not (kept and repeatable):
                        raise
                    answer = await wire.exchange(self._transport, request, max_body_bytes=max_body_bytes)
        except (TimeoutError, BadAnswer, *wire.FAULTS) as error:
            raise wire.in_words(error, self.host, self.what(method, path), repeatable=repeatable) from error
        self._kept_connection = True
        if log.isEnabledFor(logging.DEBUG):  # naming the request costs more than asking whether anybody wants to know
            log.debug("%s: %d, %d bytes", self.what(method, path), answer.status_code, len(answer.body))
        return answer

    def _build(
        self,
        method: str,
        path: str,
        content: bytes | None,
        headers: Mapping[str, str] | None,
        timeouts: Timeouts,
    ) -> httpx.Request:
        import httpx

        url = self._urls.get(path)
        if url is None:
            # Paths are few and repeat with every poll; parsing one costs as much as building the rest.
            if len(self._urls) >= 64:
                self._urls.clear()
            try:
                url = self._urls[path] = httpx.URL(self.origin + path)
            except httpx.InvalidURL:
                raise Unreachable(
                    tr("{what}: not a possible host name or path", what=self.what(method, path))
                ) from None
        fields = self._fields(headers, has_body=content is not None)
        patience = {
            "connect": timeouts.connect_s,
            "read": timeouts.read_s,
            "write": timeouts.read_s,
            "pool": timeouts.connect_s,
        }
        return httpx.Request(method, url, headers=fields, content=content, extensions={"timeout": patience})

    def _fields(self, headers: Mapping[str, str] | None, *, has_body: bool) -> httpx.Headers:
        """All request headers, in a form httpx copies instead of checking them again."""
        import httpx

        key = (has_body, *(headers or {}).items())
        fields = self._headers.get(key)
        if fields is None:
            if len(self._headers) >= 8:
                self._headers.clear()
            host = {"Host": self.origin.partition("://")[2]}
            body = {"Content-Type": "application/json"} if has_body else {}
            fields = self._headers[key] = httpx.Headers({**host, **_HEADERS, **body, **(headers or {})})
        return fields


_HEADERS = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "Connection": "keep-alive",
    "User-Agent": f"wattdeck/{wattdeck.__version__}",
}


def compact_json(value: Any) -> bytes:
    """JSON without spaces, UTF-8."""
    return jsonlib.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _retry_after_s(value: str, clock: Clock) -> float | None:
    """Seconds asked for by a `Retry-After` header, in either of its forms; None if it says nothing usable."""
    if value.isdecimal():
        return float(value[:9])
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, (parsedate_to_datetime(value) - clock.now()).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None
