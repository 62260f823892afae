"""A CCEE that is not there: the migration API of ccee.md over made-up agents, with switches for what fails.

Runs in process through `wattdeck.core.asgi.SimulatedTransport` or on a port through `wattdeck.core.serve`.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from wattdeck.core.asgi import AsgiApp, ConnectionDropped, Message, Receive, Send
from wattdeck.core.simcontrols import controls
from wattdeck.core.simulated import SimulatedClock
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.ccee import bending
from wattdeck.systems.ccee.beginning import LAST_YEAR, start_of
from wattdeck.systems.ccee.endpoints import Endpoints
from wattdeck.systems.ccee.exchange import File, Listing, Nothing, Outcome, Refusal, Single
from wattdeck.systems.ccee.faults import BOARD, FaultBoard
from wattdeck.systems.ccee.gateway import STAMP, Gateway, body_of, html_response, json_response
from wattdeck.systems.ccee.lifecycle import ACCEPT, LAPSE, REJECT
from wattdeck.systems.ccee.models import BRASILIA
from wattdeck.systems.ccee.registry import Registry, client_id_of, profiles_of, secret_of
from wattdeck.systems.ccee.store import Store

__all__ = ["CceeSimulator", "client_id_of", "profiles_of", "secret_of"]

TOKEN_PATH = "/sso/oauth/token"  # noqa: S105


class CceeSimulator:
    """One simulated CCEE with thirty retailers and thirty utilities.

    Args:
        options: Seed, speed, start, faults. A start without offset is a wall clock in Brasília.
        monotonic: Seconds that never jump.
        sleep: Waits some seconds.

    Raises:
        ValueError: no such fault, a value a fault does not take, or a start too long ago or too far ahead.
    """

    def __init__(
        self,
        options: SimulatorOptions,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        start = start_of(options)
        self.clock = SimulatedClock(start.timestamp(), options.speed, monotonic)
        self._sleep = sleep
        self.faults = FaultBoard(BOARD, options.seed)
        self.registry = Registry(self.clock.elapsed_s)
        self._gateway = Gateway(self.registry, self.faults)
        self.store = Store(options.seed, start, self.now, self.faults)
        self._endpoints = Endpoints(self.store, self.faults)
        self.requests = 0
        """Requests to the API since the start, tokens among them, its own controls not."""
        self._controls = Starlette(routes=controls(self, {"migration": self._act}, STAMP))
        for name, value in options.faults.items():
            self.set_fault(name, value)

    @property
    def app(self) -> AsgiApp:
        """The ASGI application."""
        return self._run

    def now(self) -> datetime:
        """Simulated time in Brasília; it ends with the last year."""
        last_s = datetime(LAST_YEAR + 1, 1, 1, tzinfo=BRASILIA).timestamp() - 1
        return datetime.fromtimestamp(min(last_s, self.clock.now_s()), BRASILIA)

    def approve(self, migration_id: str) -> None:
        """Let the utility accept a migration now.

        Raises:
            ValueError: no such migration, or it does not wait.
        """
        self.store.carry_out(migration_id, ACCEPT)

    def reject(self, migration_id: str, justification: str = "") -> None:
        """Let the utility refuse a migration now; without a justification it finds one itself.

        Raises:
            ValueError: no such migration, or it does not wait.
        """
        self.store.carry_out(migration_id, REJECT, justification)

    def lapse(self, migration_id: str) -> None:
        """Let the utility's silence end now: completed by CCEE, or expired if the month is over.

        Raises:
            ValueError: no such migration, or it does not wait.
        """
        self.store.carry_out(migration_id, LAPSE)

    def advance_clock(self, seconds: float) -> None:
        """Push simulated time forward."""
        self.turn_clock(seconds, self.clock.speed)

    def set_fault(self, name: str, value: str | None = None) -> None:
        """Switch a fault on, or off with the value `off`.

        Raises:
            ValueError: no such fault, or a value it does not take; the message lists what is known.
        """
        self.faults.set(name, value)

    def clear_faults(self, name: str | None = None) -> None:
        """Switch off one fault, or all.

        Raises:
            ValueError: no fault of that name exists.
        """
        self.faults.clear(name)

    # the API

    async def _run(self, scope: Message, receive: Receive, send: Send) -> None:
        """The API is not behind Starlette's own answer to errors: a dropped connection must stay one."""
        if scope["type"] != "http":
            return
        if scope["path"].startswith("/_sim/"):
            await self._controls(scope, receive, send)
            return
        response = await self._serve(Request(scope, receive))
        await response(scope, receive, send)

    async def _serve(self, request: Request) -> Response:
        path = request.scope["path"]
        if path == "/":
            return html_response(200, "wattdeck: CCEE simulator")
        self.requests += 1
        number = self.requests
        slow = self.faults.strike("slow")
        if slow is not None:
            await self._sleep(float(str(slow.value)))
        try:
            body = await body_of(request)
            if path == TOKEN_PATH:
                response = self._gateway.token(request.method, body)
            else:
                response = await self._answer(request, path, body)
        except Refusal as refusal:
            response = self._gateway.refuse(refusal)
        response.headers["X-Request-Id"] = f"sim-{number:06d}"
        return response

    async def _answer(self, request: Request, path: str, body: bytes) -> Response:
        if self.faults.strike("drop"):
            raise ConnectionDropped
        instead = self._gateway.instead(request)
        if instead is not None:
            return instead
        self.store.settle()
        handler = self._endpoints.handler(request.method, path)
        outcome = handler(self._gateway.call(request, path, body))
        if isinstance(outcome, Single) and outcome.status == 201:
            await self._lose(request)
        return self._shown(outcome, request)

    async def _lose(self, request: Request) -> None:
        """Do not tell the client what was stored, if a fault says so.

        Raises:
            ConnectionDropped: the connection is to be closed.
            Refusal: 500.
        """
        if self.faults.strike("create-500-after"):
            raise Refusal(500, "ERR_INTERNO", "erro interno")
        lost = self.faults.strike("create-lost")
        if lost is not None:
            while lost.value == "hang" and (await request.receive())["type"] != "http.disconnect":
                pass
            raise ConnectionDropped

    def _shown(self, outcome: Outcome, request: Request) -> Response:
        """What comes of a request, as bytes."""
        if isinstance(outcome, Nothing):
            return Response(status_code=204, headers=STAMP)
        if isinstance(outcome, File):
            name = {"Content-Disposition": f'attachment; filename="{outcome.name}"'}
            return Response(outcome.content, 200, STAMP | name, "application/pdf")
        if isinstance(outcome, Listing):
            if self._gateway.is_expired(request):
                raise Refusal(401, "ERR_TOKEN_INVALIDO", "token expirado")
            if not outcome.rows and "compat-052" not in self.faults:
                return Response(status_code=204, headers=STAMP)
            return self._whole(json_response(bending.page(outcome, self.faults)))
        if self.faults.strike("no-content-get"):
            return Response(status_code=204, headers=STAMP)
        return self._whole(json_response(bending.single(outcome, self.faults), outcome.status))

    def _whole(self, response: Response) -> Response:
        if self.faults.strike("truncated"):
            response.body = bytes(response.body)[: len(response.body) // 2]
            response.headers["content-length"] = str(len(response.body))
        return response

    # the controls

    def speed(self) -> float:
        """Simulated seconds per second."""
        return self.clock.speed

    def turn_clock(self, advance_s: float, speed: float) -> None:
        """Push the time forward, and run at another speed from now on."""
        self.clock.set_speed(speed)
        self.clock.advance(advance_s)
        self.store.settle()

    def _act(self, body: dict[str, Any]) -> None:
        self.store.settle()
        self.store.carry_out(str(body["id"]), str(body["action"]), str(body.get("justification") or ""))

    def state(self) -> dict[str, Any]:
        """What the simulator is up to; no token or secret is in it."""
        self.store.settle()
        return {
            "simulator": "ccee",
            "time": self.now().isoformat(timespec="seconds"),
            "speed": self.clock.speed,
            "faults": list(self.faults),
            "requests": self.requests,
            "tokens": self.registry.issued,
            "migrations": self.store.counts(),
        }
