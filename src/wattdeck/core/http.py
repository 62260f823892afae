"""HTTP for every system: one persistent pool per origin, and what each trusts.

Proxies, `.netrc` and certificate variables of the environment are not used: panels and meters are reached directly,
and the configuration says what is trusted. Requests themselves are in `request`.
"""

from __future__ import annotations

import random as randomlib
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from wattdeck.core.answers import Answer, detail_of, json_body, status_error
from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.errors import ConfigError, Unreachable
from wattdeck.core.language import tr
from wattdeck.core.origin import normal_origin, origin_of
from wattdeck.core.redact import RedactingFilter, redact, register_secret
from wattdeck.core.request import MAX_BODY_BYTES, Http, Timeouts, compact_json
from wattdeck.core.retry import NO_RETRY, RetryPolicy

if TYPE_CHECKING:
    import httpx

__all__ = [
    "MAX_BODY_BYTES",
    "NO_RETRY",
    "Answer",
    "Http",
    "HttpClients",
    "RedactingFilter",
    "RetryPolicy",
    "Timeouts",
    "compact_json",
    "detail_of",
    "json_body",
    "normal_origin",
    "origin_of",
    "redact",
    "register_secret",
    "status_error",
]

CONNECTIONS = 2
"""Per origin: one that is kept, and one more so that a command need not wait for a slow poll."""


class HttpClients:
    """All HTTP connections of one hub, or of one client used alone.

    One pool per origin, one SSL context per CA file and set of protocols.

    Nothing is opened before the first request. After `aclose` a request opens anew.
    """

    def __init__(
        self,
        *,
        mounts: Mapping[str, httpx.AsyncBaseTransport] | None = None,
        only_mounted: bool = False,
        refusal: str = "",
        clock: Clock = SYSTEM_CLOCK,
        random: Callable[[], float] = randomlib.random,
    ) -> None:
        """Args:
        mounts: Origin -> transport to use for it instead of the network.
        only_mounted: Refuse every other origin, so that nothing leaves the machine (demo, replay).
        refusal: Why it is refused; empty: the demo's reason.
        random: A number from 0 to 1, for the jitter.
        """
        self._mounts = {normal_origin(origin): transport for origin, transport in (mounts or {}).items()}
        self._only_mounted = only_mounted
        self._refusal = refusal
        self._clock = clock
        self._random = random
        self._open: dict[tuple[str, Path | None, bool, int], Http] = {}
        self._contexts: dict[tuple[Path | None, bool], ssl.SSLContext] = {}

    def get(
        self, origin: str, *, ca_file: Path | None = None, http2: bool = False, connections: int = CONNECTIONS
    ) -> Http:
        """The one `Http` of an origin; the same for everyone who asks for the same.

        Args:
            ca_file: PEM file of the only authority to trust; None trusts the public ones.
            http2: Speak HTTP/2 where the server offers it over TLS and h2 is installed; else HTTP/1.1.
            connections: Most of them open at once.

        Raises:
            ValueError: the origin is none.
            ConfigError: the CA file cannot be used.
        """
        origin = normal_origin(origin)
        key = (origin, ca_file, http2, connections)
        if key not in self._open:
            if ca_file is not None:
                self._context(ca_file, http2)
            self._open[key] = Http(
                origin,
                lambda: self._transport(origin, lambda: self._context(ca_file, http2), connections, http2=http2),
                clock=self._clock,
                random=self._random,
            )
        return self._open[key]

    def pinned(self, origin: str, context: ssl.SSLContext) -> Http:
        """An `Http` that checks certificates as this context says. Shared with nobody; who asked for it closes it.

        Raises:
            ValueError: the origin is none.
        """
        origin = normal_origin(origin)
        return Http(
            origin,
            lambda: self._transport(origin, lambda: context, CONNECTIONS),
            clock=self._clock,
            random=self._random,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        for http in self._open.values():
            await http.aclose()

    def _transport(
        self, origin: str, context: Callable[[], ssl.SSLContext], connections: int, *, http2: bool = False
    ) -> httpx.AsyncBaseTransport:
        if origin in self._mounts:
            return self._mounts[origin]
        if self._only_mounted and self._refusal:
            raise Unreachable(self._refusal)
        if self._only_mounted:
            raise Unreachable(
                tr("{origin} is not part of the demo, and the demo opens no network connection", origin=origin)
            )
        from wattdeck.core.transport import open_transport

        if not origin.startswith("https:"):
            return open_transport(_NO_TLS, connections=connections)
        return open_transport(context(), http2=http2, connections=connections)

    def _context(self, ca_file: Path | None, http2: bool) -> ssl.SSLContext:
        # One for each set of protocols: what is offered is written into the context.
        key = (ca_file, http2)
        if key not in self._contexts:
            self._contexts[key] = trusting(ca_file)
        return self._contexts[key]


_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For plain HTTP: trusts nothing, and spares loading the public authorities (20 ms)."""


def trusting(ca_file: Path | None) -> ssl.SSLContext:
    """What checks certificates: with the one authority in the file, or with the public ones.

    Raises:
        ConfigError: the file cannot be used.
    """
    if ca_file is None:
        import certifi

        return ssl.create_default_context(cafile=certifi.where())
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # ssl.SSLError is one
        reason = tr("it holds no PEM certificate") if isinstance(error, ssl.SSLError) else error.strerror
        raise ConfigError(tr("CA file {ca_file} cannot be used: {reason}", ca_file=ca_file, reason=reason)) from None
    # From Python 3.13 on the default asks for RFC 5280 extensions that few private authorities provide.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
