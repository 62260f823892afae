"""The seam between the eBus client and whatever carries its messages: a broker on the wire, or one in this process.

A stream is one connection: connected once, subscribed, read to its end, closed, and never used again, so that no
message of an old connection (a command above all) can be sent on a new one.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from wattdeck.core.errors import Unreachable

MQTTS_PORT, WS_PORT, WSS_PORT = 8883, 9001, 9002
"""Where a panel's broker usually is (span-v2.md 3.1)."""
CONNECT_WITHIN_S = 15.0
"""For name, connection, TLS and log-in together."""
PUBLISH_WAIT_S = 5.0
SUBSCRIBE_WAIT_S = 15.0
"""How long a client waits for a broker to say that it has a message."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message, as it came."""

    topic: str
    payload: bytes
    retained: bool = False
    """Kept by the broker from before we subscribed."""


class CertificateRefused(Unreachable):
    """The broker's certificate does not pass the check against the panel's pinned authority (span-v2.md 3.2)."""


class MessageStream(Protocol):
    """One connection to a broker."""

    async def connect(self) -> None:
        """Connect and log in.

        Raises:
            AuthError: the broker does not accept user and password.
            CertificateRefused: its certificate is not the pinned authority's, or names another host.
            Unreachable, TimedOut: anything else; trying again may help.
        """
        ...

    async def subscribe(self, filters: Sequence[str]) -> None:
        """Ask for these topics with QoS 0, all in one packet. Retained messages follow.

        Raises:
            Unreachable, TimedOut: the connection is lost or does not answer.
        """
        ...

    def __aiter__(self) -> AsyncIterator[Message]:
        """Messages as they come, until the connection ends.

        Raises:
            Unreachable: the connection was lost.
        """
        ...

    async def publish(self, topic: str, payload: str) -> None:
        """Send with QoS 1, not retained, once, and return when the broker has it.

        Raises:
            Unreachable: not connected; nothing was sent.
            TimedOut: it was sent, or partly, and the broker did not say that it has it. The connection is broken then,
                so that what a stalled network still holds does not arrive when nobody expects it any more.
        """
        ...

    async def aclose(self) -> None:
        """End the connection; again does nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a panel's broker is and how to get in."""

    host: str
    """Name or address to connect to."""
    port: int
    user: str
    password: str = field(repr=False)
    ca_pem: str = field(repr=False)
    """The panel's own authority, the only one that counts."""
    names: tuple[str, ...] = ()
    """Names the certificate may bear instead of `host` (span-v2.md 3.2)."""
    websocket: bool = False
    """Over WSS instead of plain TLS."""

    @property
    def origin(self) -> str:
        """`mqtts://host:port`: what embedded simulators are found by."""
        return f"mqtts://{self.host}:{self.port}"


Connector = Callable[[Endpoint], MessageStream]
"""Makes a stream that is not connected yet."""
