"""Who may come in at the simulated CCEE: agents, their profiles and secrets, and tokens (ccee.md 1 and 9)."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from urllib.parse import parse_qs

RETAILERS = (*range(200000, 200010), *range(200030, 200050))
UTILITIES = (*range(100000, 100010), *range(400000, 400020))
TOKEN_LASTS_S = 300
MOST_TOKENS = 5000
"""The oldest go first."""


def profiles_of(agent: int) -> tuple[int, ...]:
    """The profile codes of an agent; none for an agent that does not exist."""
    if agent in UTILITIES:
        return (agent,)
    if agent not in RETAILERS:
        return ()
    number = agent - 200000
    first = 200100 + 10 * number if number < 10 else 200000 + 10 * number
    return first, first + 1


def client_id_of(agent: int) -> str:
    """What an agent calls itself when it asks for a token."""
    return f"{'CONCESSIONARIA' if agent in UTILITIES else 'VAREJISTA'}_{agent}"


def secret_of(agent: int) -> str:
    """The made-up secret of an agent."""
    return f"sim-secret-{agent}"


_AGENTS = {client_id_of(agent): agent for agent in (*RETAILERS, *UTILITIES)}


class Registry:
    """Tokens, and whose they are.

    Args:
        elapsed_s: Seconds that never jump back.
    """

    def __init__(self, elapsed_s: Callable[[], float]) -> None:
        self._elapsed_s = elapsed_s
        self._tokens: dict[str, tuple[int, float]] = {}
        self.issued = 0
        """Tokens given out since the start."""

    def identify(self, form: str) -> int | None:
        """The agent a token request comes from, or None if its name or secret is wrong."""
        try:
            fields = parse_qs(form, keep_blank_values=True, max_num_fields=20)
        except ValueError:
            return None
        client_id, secret = (fields.get(name, [""])[-1] for name in ("client_id", "client_secret"))
        agent = _AGENTS.get(client_id)
        if agent is None or fields.get("grant_type", ["client_credentials"]) != ["client_credentials"]:
            return None
        return agent if hmac.compare_digest(secret.encode(), secret_of(agent).encode()) else None

    def issue(self, agent: int, lasts_s: float = TOKEN_LASTS_S) -> str:
        """A new token."""
        token = f"sim-{secrets.token_urlsafe(24)}"
        self._tokens[token] = (agent, self._elapsed_s() + lasts_s)
        self.issued += 1
        while len(self._tokens) > MOST_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        return token

    def agent_of(self, authorization: str) -> int | None:
        """Whose token a request carries; None without one that is known and has not expired."""
        scheme, _, token = authorization.partition(" ")
        agent, until_s = self._tokens.get(token, (None, 0.0))
        if scheme.lower() != "bearer" or agent is None:
            return None
        if self._elapsed_s() >= until_s:
            del self._tokens[token]
            return None
        return agent

    def expire(self, authorization: str) -> None:
        """Let the token of a request expire now."""
        self._tokens.pop(authorization.partition(" ")[2], None)
