"""Who may talk to a simulated panel: the door switch, client names and tokens (span.md 3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wattdeck.systems.span.loads import salt_of
from wattdeck.systems.span.simulated.identity import BROKER_PASSWORD, PASSPHRASE

PRESSES_TO_UNLOCK = 3
PRESSES_WITHIN_S = 10.0
UNLOCKED_FOR_S = 900.0


@dataclass(frozen=True, slots=True)
class Client:
    """One registration. A panel keeps it for ever."""

    name: str
    description: str
    issued_at_s: int
    """Unix seconds."""
    token: str
    full: bool = True
    """May see and drop clients and change the passphrase: not one that registered at the door (span-v2.md 2.4)."""


class Registry:
    """Clients by name, and the lock in front of them.

    Args:
        seed: Same seed, same tokens; differs from panel to panel.
        elapsed_s: Seconds a person standing at the panel would count; not accelerated.
    """

    def __init__(self, seed: int, elapsed_s: Callable[[], float]) -> None:
        self._seed = seed
        self._elapsed_s = elapsed_s
        self._presses_s: list[float] = []
        self._unlocked_until_s = float("-inf")
        self._issued = 0
        self._rotated = 0
        self.passphrase, self.broker_password = PASSPHRASE, BROKER_PASSWORD
        self.clients: dict[str, Client] = {}

    @property
    def unlocked(self) -> bool:
        """Registration is open: what the wire calls `proximityProven`."""
        return self._elapsed_s() < self._unlocked_until_s

    def press_door(self) -> None:
        """Press the door switch once; three within 10 s unlock registration for 15 minutes."""
        now_s = self._elapsed_s()
        self._presses_s = [at_s for at_s in self._presses_s if now_s - at_s <= PRESSES_WITHIN_S] + [now_s]
        if len(self._presses_s) >= PRESSES_TO_UNLOCK:
            self._presses_s.clear()
            self._unlocked_until_s = now_s + UNLOCKED_FOR_S

    def lock(self) -> None:
        """Close registration, as a reboot does."""
        self._presses_s.clear()
        self._unlocked_until_s = float("-inf")

    def issue(self, name: str, description: str, issued_at_s: int, *, full: bool = True) -> Client:
        """Register a client, whatever the lock says. A name in use is replaced: ask `clients` first."""
        self._issued += 1
        token = f"demo-{salt_of('token', self._seed, self._issued, name):016x}"
        client = Client(name, description, issued_at_s, token, full)
        self.clients[name] = client
        return client

    def knows(self, token: str) -> bool:
        """Whether a token was issued here and is still good."""
        return self.client_of(token) is not None

    def client_of(self, token: str) -> Client | None:
        """Whose token this is; None: nobody's."""
        return next((client for client in self.clients.values() if client.token == token), None)

    def rotate(self) -> None:
        """Change the passphrase and the broker's password. Tokens stay good."""
        self._rotated += 1
        self.passphrase = f"{PASSPHRASE}-{self._rotated}"
        self.broker_password = f"{BROKER_PASSWORD}-{self._rotated}"

    def revoke_all(self) -> None:
        """Forget every client."""
        self.clients.clear()
