"""One short TLS connection to see what a server offers (rule T01)."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import anyio
from anyio.streams.tls import TLSAttribute

from wattdeck.core.language import later
from wattdeck.core.text import clean
from wattdeck.systems.aneel.wording import said

PATIENCE_S = 10.0
GOOD = ("TLSv1.2", "TLSv1.3")


@dataclass(frozen=True, slots=True)
class Offer:
    """What came of the connection."""

    version: str = ""
    """`TLSv1.3`; empty if there was no agreement."""
    problem: str = ""
    """Why there was none: the chain, the name or the version."""


async def look(host: str, port: int, context: ssl.SSLContext | None = None) -> Offer:
    """Connect, shake hands, hang up.

    Raises:
        OSError: there is no connection at all.
        TimeoutError: nothing happened for ten seconds.
    """
    if context is None:
        import certifi

        context = ssl.create_default_context(cafile=certifi.where())
    try:
        with anyio.fail_after(PATIENCE_S):
            stream = await anyio.connect_tcp(
                host, port, ssl_context=context, tls_hostname=host, tls_standard_compatible=False
            )
            async with stream:
                return Offer(version=stream.extra_attributes[TLSAttribute.tls_version]())
    except ssl.SSLCertVerificationError as error:
        return Offer(
            problem=said(later("certificate: {problem}"), problem=clean(error.verify_message or "not valid", 60))
        )
    except ssl.SSLError as error:
        return Offer(problem=said(later("no handshake: {problem}"), problem=clean(str(error.reason or error), 60)))
