"""Who a simulated panel is: its secrets, and where its broker is when it is on a port."""

from __future__ import annotations

from dataclasses import dataclass

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
