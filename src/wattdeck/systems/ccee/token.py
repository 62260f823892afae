"""The bearer token: asked for once however many wait for it, kept, renewed before it ends (ccee.md 1)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import anyio

from wattdeck.core.answers import Answer, json_body
from wattdeck.core.clock import Clock
from wattdeck.core.errors import SourceError
from wattdeck.core.http import Http, Timeouts, register_secret
from wattdeck.core.language import tr
from wattdeck.systems.ccee.errors import (
    AuthenticationError,
    CceeError,
    again,
    bad_answer,
    masked,
    of_transport,
    status_error,
)

PATH = "/sso/oauth/token"
EARLY_S = 30.0
"""A token is not used in the last seconds of its life: a request on its way must not outlive it."""
TOKEN_CHARS_MAX = 16_384


@dataclass(frozen=True, slots=True)
class Token:
    """One access token."""

    text: str = field(repr=False)
    usable_until_s: float
    """On the monotonic clock; in the past already if it lives 30 s or less."""


class TokenKeeper:
    """Holds the newest token. Never sleeps, and asks again only when somebody needs one."""

    def __init__(
        self, http: Http, prefix: str, client_id: str, secret: Callable[[], str], *, timeouts: Timeouts, clock: Clock
    ) -> None:
        """Args:
        prefix: Path before the API's own.
        secret: Read at each request for a token, so that a changed one is found.
        """
        self._http = http
        self._path = prefix + PATH
        self._client_id = client_id
        self._secret = secret
        self._timeouts = timeouts
        self._clock = clock
        self._lock = anyio.Lock(fast_acquire=True)
        self._token: Token | None = None
        self._failure: CceeError | None = None
        self._fetches = 0

    async def get(self, refused: str = "") -> str:
        """A token to use now. Who asks while one is being fetched gets that one, or the same error.

        Args:
            refused: The token that CCEE did not take; another one is got.

        Raises:
            AuthenticationError: the client id or the secret is wrong.
            CceeError: the token could not be got, in words.
        """
        if (token := self._usable(refused)) is not None:
            return token.text
        fetches = self._fetches
        async with self._lock:
            if self._fetches != fetches:
                # Fetched while we waited: good for us too, even if it lives only for a moment.
                if self._failure is not None:
                    raise again(self._failure)
                if self._token is not None:
                    return self._token.text
            elif (token := self._usable(refused)) is not None:
                return token.text
            return await self._renew()

    def _usable(self, refused: str) -> Token | None:
        token = self._token
        if token is None or token.text == refused or self._clock.monotonic() >= token.usable_until_s:
            return None
        return token

    async def _renew(self) -> str:
        self._token = self._failure = None
        try:
            self._token = await self._fetch()
        except CceeError as error:
            self._failure = again(error)
            raise
        finally:
            self._fetches += 1
        return self._token.text

    async def _fetch(self) -> Token:
        secret = self._secret()
        register_secret(secret)
        try:
            answer = await self._http.request(
                "POST",
                self._path,
                form=[("client_id", self._client_id), ("client_secret", secret)],
                # Asking twice does no harm: a connection found dead is replaced at once.
                repeatable=True,
                deadline_s=self._timeouts.read_s,
                timeouts=self._timeouts,
                busy=status_error,
            )
        except SourceError as error:
            raise of_transport(error) from error
        what = self._http.what("POST", self._path)
        if not 200 <= answer.status_code < 300:
            raise _refusal(answer, what)
        return self._parsed(answer, what)

    def _parsed(self, answer: Answer, what: str) -> Token:
        try:
            body = json_body(answer, what)
        except SourceError as error:
            raise _unusable(answer, tr("{reason}; no token was got", reason=masked(str(error), 400))) from None
        fields: dict[str, Any] = body if isinstance(body, dict) else {}
        text, kind = fields.get("access_token"), fields.get("token_type", "Bearer")
        if not isinstance(text, str) or not _is_token(text):
            raise _unusable(answer, tr("{what}: the answer holds no usable access_token", what=what))
        register_secret(text)
        lifetime_s = _seconds(fields.get("expires_in"))
        if lifetime_s is None:
            words = tr("{what}: the answer does not say how long the token lives (expires_in)", what=what)
            raise _unusable(answer, words)
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise _unusable(answer, tr("{what}: the token is not of the kind Bearer (token_type)", what=what))
        return Token(text, self._clock.monotonic() + lifetime_s - EARLY_S)


def _unusable(answer: Answer, words: str) -> CceeError:
    error = bad_answer(answer, words)
    error.excerpt = ""  # a part of the answer may be a token nobody has registered
    return error


def _refusal(answer: Answer, what: str) -> CceeError:
    """400 and 401 are about the credentials, and so is a 403 that is not a gateway's."""
    error = status_error(answer, what)
    about_us = answer.status_code in (400, 401) or isinstance(error, AuthenticationError)
    if not about_us:
        return error
    named = f"{answer.status_code}, {error.code}" if error.code else str(answer.status_code)
    words = tr("{what}: client id and secret are not accepted ({status}); check client_id, client_secret and the URL",
               what=what, status=named)  # fmt: skip
    return AuthenticationError(words, **error.facts())


def _seconds(value: object) -> float | None:
    """A lifetime: a number, or one as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value[:20] if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        return None
    return min(seconds, 86_400.0) if math.isfinite(seconds) else None


def _is_token(text: str) -> bool:
    """Fit for an Authorization header: visible ASCII, no spaces, not empty."""
    return bool(text) and len(text) <= TOKEN_CHARS_MAX and text.isascii() and text.isprintable() and " " not in text
