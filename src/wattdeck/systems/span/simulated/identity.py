"""What a simulated panel tells about its broker on a port, and what it does to it: the seam to a real broker."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

PASSPHRASE = "demo-passphrase"  # noqa: S105
BROKER_PASSWORD = "demo-broker-password"  # noqa: S105


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the panel's broker listens, and the authority that vouches for it."""

    host: str
    mqtts_port: int
    ws_port: int
    wss_port: int
    ca_pem: str
    hostname: str = ""
    """The panel's own name; empty: `span-<serial>.local`."""


class BrokerHost(Protocol):
    """A broker outside of this process that stands for the panel's, as faults need it."""

    def freeze(self, *, frozen: bool) -> None:
        """Let it hang, connections up; or let it go on."""

    def drop(self) -> None:
        """End every connection; clients may come back at once."""

    def refuse(self, *, refused: bool) -> None:
        """Accept no password; or those it did before. Connections end."""

    def set_password(self, password: str) -> None:
        """The panel's clients come in with this password from now on."""

    def renew_authority(self) -> None:
        """Take a new authority and certificate, and set the panel's `address` anew; while away, for the return."""

    def be_away(self, *, away: bool) -> None:
        """Be gone, as while the panel boots; or be there again, empty."""
