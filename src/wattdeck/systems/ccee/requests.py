"""One request to the API: token, headers, how many at once, what is sent again and what is not (ccee.md 2, 7, 12)."""

from __future__ import annotations

import random as randomlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import anyio

from wattdeck.core.answers import Answer
from wattdeck.core.clock import Clock
from wattdeck.core.errors import SourceError, UsageError
from wattdeck.core.http import Http, HttpClients, RetryPolicy, Timeouts
from wattdeck.core.language import tr
from wattdeck.core.origin import normal_origin
from wattdeck.core.retry import REPEATABLE_ERRORS
from wattdeck.core.text import clean
from wattdeck.systems.ccee.errors import (
    BAD_CREDENTIALS,
    AuthenticationError,
    CceeError,
    UnreachableError,
    of_transport,
    status_error,
)
from wattdeck.systems.ccee.scalars import ID_CHARS_MAX
from wattdeck.systems.ccee.token import TokenKeeper

CONNECT_S = 5.0
RETRY = RetryPolicy(retries=3, retry_timeout_s=0.5, cap_s=60.0)
"""For reads. Who is asked for more patience than the cap gets the error instead of asking too early."""
BODY_BYTES_MAX = 20_000_000
"""Some 20,000 migrations in one page."""

Query = Sequence[tuple[str, str]]


class Requests:
    """The API as one agent speaks to it."""

    def __init__(
        self,
        clients: HttpClients,
        url: str,
        agent_code: int,
        client_id: str,
        secret: Callable[[], str],
        *,
        timeout_s: float,
        concurrency: int,
        ca_file: Path | None,
        clock: Clock,
        random: Callable[[], float] = randomlib.random,
    ) -> None:
        origin, self._prefix = _split(url)
        self._http: Http = clients.get(origin, ca_file=ca_file, http2=True, connections=concurrency)
        self._agent_code = agent_code
        self._timeouts = Timeouts(min(CONNECT_S, timeout_s), timeout_s)
        self._clock = clock
        self._random = random
        self._at_once = anyio.Semaphore(concurrency)
        self._tokens = TokenKeeper(self._http, self._prefix, client_id, secret, timeouts=self._timeouts, clock=clock)

    def what(self, method: str, path: str) -> str:
        """How errors name a request."""
        return self._http.what(method, self._prefix + path)

    async def read(self, path: str, profile_code: int, query: Query = ()) -> Answer:
        """GET; repeated when the fault may pass.

        Returns:
            The answer, of a 2xx status.

        Raises:
            CceeError: see there.
        """
        target = f"{path}?{urlencode(query)}" if query else path
        repetition = 0
        while True:
            try:
                return await self._authorised("GET", target, profile_code, None, repeatable=True)
            except REPEATABLE_ERRORS as error:
                after_s = getattr(error, "retry_after_s", None)
                if repetition >= RETRY.retries or (after_s or 0.0) > RETRY.cap_s:
                    raise
                await self._clock.sleep(RETRY.delay_s(repetition, self._random, after_s))
            repetition += 1

    async def write(self, method: str, path: str, profile_code: int, body: Any = None) -> Answer:
        """POST, PUT or DELETE: sent once. Only if CCEE refused the token itself, thus did nothing, once more.

        Raises:
            UnreachableError: nothing was sent.
            TimedOutError, AnswerError, ServerError: whether it was done is not known.
            CceeError: refused.
        """
        return await self._authorised(method, path, profile_code, body, repeatable=False)

    async def _authorised(self, method: str, target: str, profile_code: int, body: Any, *, repeatable: bool) -> Answer:
        refused = ""
        while True:
            token = await self._token(refused, writing=not repeatable)
            try:
                return await self._once(method, target, profile_code, body, token, repeatable=repeatable)
            except AuthenticationError as error:
                token_refused = error.status_code == 401 or error.code.startswith(BAD_CREDENTIALS)
                if refused or not token_refused:
                    raise
            refused = token

    async def _token(self, refused: str, *, writing: bool) -> str:
        try:
            return await self._tokens.get(refused)
        except AuthenticationError:
            raise
        except CceeError as error:
            if not writing:
                raise
            # Time-outs and server faults of the token's request leave nothing open about the write.
            raise UnreachableError(str(error), **error.facts()) from error

    async def _once(
        self, method: str, target: str, profile_code: int, body: Any, token: str, *, repeatable: bool
    ) -> Answer:
        headers = {
            "Accept": "application/json",
            "Authorization": f"Bearer {token}",
            "codigoAgente": str(self._agent_code),
            "codigoPerfil": str(profile_code),
        }
        path = self._prefix + target
        async with self._at_once:
            try:
                answer = await self._http.request(
                    method,
                    path,
                    json=body,
                    headers=headers,
                    repeatable=repeatable,
                    deadline_s=self._timeouts.read_s,
                    timeouts=self._timeouts,
                    max_body_bytes=BODY_BYTES_MAX,
                    busy=status_error,
                )
            except SourceError as error:
                raise of_transport(error) from error
        if not 200 <= answer.status_code < 300:
            raise status_error(answer, self._http.what(method, path))
        return answer


def segment(text: str) -> str:
    """An id as one segment of a path.

    Raises:
        UsageError: it cannot be one; nothing was sent.
    """
    if not text or len(text) > ID_CHARS_MAX or not text.isprintable():
        raise UsageError(tr("“{id}” cannot be an id at CCEE; nothing was sent", id=clean(text, 60)))
    # Dots alone would be taken for steps up the path, even percent-encoded.
    if not text.strip("."):
        raise UsageError(tr("“{id}” cannot be an id at CCEE: it is only dots; nothing was sent", id=text[:60]))
    return quote(text, safe="")


def _split(url: str) -> tuple[str, str]:
    """A base URL as its origin and the path in front of the API's own, without a slash at the end.

    Raises:
        ValueError: it is not such a URL.
    """
    parts = urlsplit(url.strip())
    if parts.query or parts.fragment or parts.username or parts.password:
        raise ValueError(tr("the URL may hold scheme, host, port and a path, nothing else"))
    prefix = parts.path.rstrip("/")
    if not prefix.isascii() or not prefix.isprintable() or " " in prefix or "\\" in prefix:
        raise ValueError(tr("the URL's path holds characters that must be percent-encoded"))
    return normal_origin(f"{parts.scheme}://{parts.netloc}"), prefix
