"""A distributor that is not there: the RADAR routes of aneel.md over a made-up Roraima, with switches for what fails.

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
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as Page

from wattdeck.core.asgi import AsgiApp, ConnectionDropped, Message, Receive, Send
from wattdeck.core.simcontrols import controls
from wattdeck.core.simulated import SimulatedClock
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.aneel import KEY
from wattdeck.systems.aneel.beginning import LAST_YEAR, start_of
from wattdeck.systems.aneel.bending import answer
from wattdeck.systems.aneel.exchange import PATHS, Route
from wattdeck.systems.aneel.faults import BOARD, FaultBoard
from wattdeck.systems.aneel.history import History
from wattdeck.systems.aneel.mangling import STAMP, html_response, json_response, response
from wattdeck.systems.aneel.models import BRASILIA
from wattdeck.systems.aneel.scenarios import SCENARIOS
from wattdeck.systems.aneel.simanswers import Desk
from wattdeck.systems.aneel.simdemands import Cases, Counts
from wattdeck.systems.aneel.turnstile import EMAIL, Turnstile

__all__ = ["EMAIL", "KEY", "AneelSimulator"]

PASCAL = {
    "outages": "QuantitativoInterrupcoesAtivas",
    "demands": "QuantitativoDemandasDiversas",
    "demand": "DadosDemanda",
}
KNOWN_PARAMETERS = {"outages": {"dthRecuperacao"}, "demands": set[str](), "demand": {"numProtocolo"}}


class AneelSimulator:
    """One simulated distributor, Roraima's, in a storm unless told otherwise.

    Args:
        options: Seed, speed, start, faults; `scenario` among these is the weather. A start without offset is a wall
            clock in Brasília.
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
        named = dict(options.faults)
        scenario = str(BOARD.parse("scenario", named.pop("scenario", None)).value)
        self.history = History(options.seed, start.timestamp(), scenario)
        self.cases = Cases(options.seed)
        self._turnstile = Turnstile(self.faults, self.clock.elapsed_s)
        counts = Counts(options.seed, self.history.hit)
        self._desk = Desk(self.history, counts, self.cases, self._turnstile, self.faults, self._now_s)
        self.requests = 0
        """Requests to the three routes since the start, its own controls not."""
        routes = [*controls(self, {"scenario": self._change}, STAMP), Page("/_sim/protocols", self._protocols)]
        self._controls = Starlette(routes=routes)
        for name, value in named.items():
            self.set_fault(name, value)

    @property
    def app(self) -> AsgiApp:
        """The ASGI application."""
        return self._run

    @property
    def scenario(self) -> str:
        """The weather that is on."""
        return self.history.scenario

    def now(self) -> datetime:
        """Simulated time in Brasília; it ends with the last year."""
        return datetime.fromtimestamp(self._now_s(), BRASILIA)

    def _now_s(self) -> float:
        return min(_LAST_S, self.clock.now_s())

    def protocols(self) -> tuple[str, ...]:
        """Some protocols that `dadosdemanda` finds now, newest first."""
        return self.cases.recent(self.now())

    def set_scenario(self, scenario: str) -> None:
        """Another weather from now on. Its front reaches the north now; what is broken is repaired as before.

        Raises:
            ValueError: no such scenario.
        """
        if scenario not in SCENARIOS:
            raise ValueError(f"no scenario is called {scenario!r}; known are {', '.join(SCENARIOS)}")
        self.history.change(scenario, self._now_s())

    def advance_clock(self, seconds: float) -> None:
        """Push simulated time forward."""
        self.clock.advance(seconds)

    def set_fault(self, name: str, value: str | None = None) -> None:
        """Switch a fault on, or off with the value `off`.

        Raises:
            ValueError: no such fault, or a value it does not take; the message lists what is known.
        """
        fault = self.faults.set(name, value)
        if fault is None:
            return
        if fault.kind.name == "scenario":
            self.set_scenario(str(fault.value))
        self._desk.stale_since_s[fault.kind.name] = self._now_s()

    def clear_faults(self, name: str | None = None) -> None:
        """Switch off one fault, or all; the scenario stays.

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
        answered = await self._serve(Request(scope, receive))
        await answered(scope, receive, send)

    async def _serve(self, request: Request) -> Response:
        path = request.scope["path"]
        if path == "/":
            return html_response(200, "wattdeck: ANEEL simulator")
        route = self._route(path)
        if route is None:
            return self._elsewhere(path)
        self.requests += 1
        slow = self.faults.strike("slow", route)
        if slow is not None:
            await self._sleep(float(str(slow.value)))
        if self.faults.strike("drop", route):
            raise ConnectionDropped
        if self.faults.strike("hang", route):
            while (await request.receive())["type"] != "http.disconnect":
                pass
            raise ConnectionDropped
        return self._answer(request, route)

    def _answer(self, request: Request, route: Route) -> Response:
        if request.method != "GET" and not (request.method == "POST" and "accepts-post" in self.faults):
            return json_response({"detail": "Method Not Allowed"}, 405, {"Allow": "GET"})
        instead = self._turnstile.instead(request, route) or self._turnstile.refusal(request, route)
        if instead is not None:
            return instead
        query = request.query_params
        if "strict-query" in self.faults and not KNOWN_PARAMETERS[route].issuperset(query):
            return json_response({"detail": [{"type": "extra_forbidden", "loc": ["query"]}]}, 422)
        status, content = self._desk.answer(route, query, request.url.query)
        if "detail" in content:
            return json_response(content, status)
        return response(route, answer(route, content, self.faults), self.faults, status)

    def _route(self, path: str) -> Route | None:
        names = PASCAL if "pascal-paths" in self.faults else PATHS
        return next((route for route in PATHS if path == f"/{names[route]}"), None)

    def _elsewhere(self, path: str) -> Response:
        """What a framework says of paths that are no route."""
        if "public-docs" in self.faults:
            if path == "/health":
                return json_response({"status": "unhealthy", "database": "ORA-12541 at 10.0.0.8"})
            if path == "/openapi.json":
                return json_response({"openapi": "3.1.0", "info": {"title": "RADAR"}, "paths": {}})
        if path.endswith("/") and self._route(path[:-1]) is not None:
            return Response(status_code=307, headers=STAMP | {"Location": path[:-1]})
        return json_response({"detail": "Not Found"}, 404)

    # the controls

    def speed(self) -> float:
        """Simulated seconds per second."""
        return self.clock.speed

    def turn_clock(self, advance_s: float, speed: float) -> None:
        """Push the time forward, and run at another speed from now on."""
        self.clock.set_speed(speed)
        self.clock.advance(advance_s)

    def _change(self, body: dict[str, Any]) -> None:
        self.set_scenario(str(body["name"]))

    async def _protocols(self, _: Request) -> Response:
        return JSONResponse({"protocols": list(self.protocols())}, headers=STAMP)

    def state(self) -> dict[str, Any]:
        """What the simulator is up to; no key and nothing of any consumer is in it."""
        now_s = self._now_s()
        rows = self.history.rows(now_s)
        return {
            "simulator": "aneel",
            "time": self.now().isoformat(timespec="seconds"),
            "speed": self.clock.speed,
            "scenario": self.scenario,
            "faults": list(self.faults),
            "requests": self.requests,
            "refused": self._turnstile.refused,
            "open_faults": self.history.open_faults(now_s),
            "rows": len(rows),
            "planned_out": sum(row.planned_out for row in rows),
            "unplanned_out": sum(row.unplanned_out for row in rows),
        }


_LAST_S = datetime(LAST_YEAR + 1, 1, 1, tzinfo=BRASILIA).timestamp() - 1
