"""What a registration at a panel left us with: one private file per panel (span-v2.md 2.8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Privilege(StrEnum):
    """What our token may do. The panel never says; it follows from how we came by it (span-v2.md 2.4)."""

    FULL = "full"
    """Registered with the passphrase."""
    REDUCED = "reduced"
    """Registered at the door: no list of clients, no rotation."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Everything needed to come back to one panel. Secrets never show in a `repr`."""

    serial: str
    address: str
    """As the user typed it."""
    client_name: str
    token: str = field(repr=False)
    issued_at_ms: int
    privilege: Privilege
    broker_user: str
    """The serial, exactly as topics carry it."""
    broker_password: str = field(repr=False)
    broker_host: str
    """The name the panel gives its broker; the typed address wins over it."""
    hostname: str
    mqtts_port: int
    ws_port: int
    wss_port: int
    ca_pem: str = field(repr=False)
    ca_sha256: str
    """Fingerprint of the pinned authority: lower-case hex pairs with colons."""
    passphrase: str | None = field(default=None, repr=False)
    """Only if the user agreed to keep it."""
    firmware: str = ""
    """As last seen."""
    data_model: str = ""
    """`flat`, `tree`, or empty: as last seen."""
