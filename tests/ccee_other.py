"""A CCEE that plays what it is told to and remembers what it was asked, for the tests of the client."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx

from fakes import ManualClock
from wattdeck.core.http import HttpClients
from wattdeck.systems.ccee.client import CceeClient

FIXTURES = Path(__file__).parent / "fixtures" / "ccee"
ORIGIN = "http://ccee.test"
SECRET = "sesame/open+now"
TOKEN_PATH = "/sso/oauth/token"

Outcome = httpx.Response | Exception | int | dict[str, Any] | list[Any] | bytes
Play = Callable[[httpx.Request], Outcome]


def example(name: str) -> Any:
    """An example of the sheet's section 13."""
    return json.loads((FIXTURES / f"{name}.json").read_text())


def page(*ids: str, cursor: object = None, **fields: Any) -> dict[str, Any]:
    """A page of migrations with these ids."""
    item = example("migrations")["migracao"][0]
    return {"migracao": [{**item, **fields, "idMigracao": each} for each in ids], "indexProximaPagina": cursor}


@dataclass
class Other:
    """The other side: `plays` are used up one by one, the last one stays; tokens are given by themselves."""

    plays: list[Outcome | Play] = field(default_factory=list)
    tokens: list[Outcome] = field(default_factory=list)
    """Answers of the token endpoint before the ordinary ones."""
    lifetime_s: Any = 300
    requests: list[httpx.Request] = field(default_factory=list)
    token_requests: list[httpx.Request] = field(default_factory=list)
    gate: anyio.Event | None = None
    """Answers wait until it is set."""
    under_way: int = 0
    most_under_way: int = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith(TOKEN_PATH):
            self.token_requests.append(request)
            await anyio.lowlevel.checkpoint()
            return _response(self.tokens.pop(0) if self.tokens else self._token())
        self.requests.append(request)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await (self.gate.wait() if self.gate else anyio.lowlevel.checkpoint())
            play = self.plays.pop(0) if len(self.plays) > 1 else self.plays[0]
            outcome: Outcome = play(request) if callable(play) else play
            return _response(outcome)
        finally:
            self.under_way -= 1

    def _token(self) -> dict[str, Any]:
        number = len(self.token_requests)
        return {**example("token"), "access_token": f"sim-token-{number}", "expires_in": self.lifetime_s}

    def sent(self) -> list[str]:
        """Method, path and query of every request to the API, as on the wire."""
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]

    def used(self) -> list[str]:
        """The token of every request to the API."""
        return [request.headers["authorization"].removeprefix("Bearer ") for request in self.requests]


def _response(outcome: Outcome) -> httpx.Response:
    match outcome:
        case Exception():
            raise outcome
        case int():
            return httpx.Response(outcome)
        case bytes():
            return httpx.Response(200, content=outcome)
        case httpx.Response():
            return outcome
    return httpx.Response(200, content=json.dumps(outcome).encode())


def connect(other: Other, clock: ManualClock, **settings: Any) -> CceeClient:
    """A client of that other side."""
    clients = HttpClients(mounts={ORIGIN: httpx.MockTransport(other)}, only_mounted=True, clock=clock)
    arguments: dict[str, Any] = {
        "client_id": "CID",
        "secret": lambda: SECRET,
        "agent_code": 200000,
        "url": ORIGIN,
        "clients": clients,
        "clock": clock,
    }
    return CceeClient(**(arguments | settings))
