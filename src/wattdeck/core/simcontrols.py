"""The `/_sim/` controls every simulator has: faults, the clock, its state.

Loads starlette: only simulators import it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

MOST_SPEED = 1e6
MOST_ADVANCE_S = 1e9

Body = dict[str, Any]
Action = Callable[[Body], None]


class Controlled(Protocol):
    """A simulator, as its controls see it."""

    def set_fault(self, name: str, value: str | None = None) -> None:
        """Switch a fault on, or off with the value `off`."""

    def clear_faults(self, name: str | None = None) -> None:
        """Switch off one fault, or all."""

    def speed(self) -> float:
        """Simulated seconds per second."""

    def turn_clock(self, advance_s: float, speed: float) -> None:
        """Push the time forward, and run at another speed from now on."""

    def state(self) -> dict[str, Any]:
        """What the simulator is up to; no secret is in it."""


def controls(
    simulator: Controlled, more: Mapping[str, Action] | None = None, headers: Mapping[str, str] | None = None
) -> list[Route]:
    """The routes of the controls: `POST` each, and `GET /_sim/state`.

    Args:
        simulator: What they act on. Each answers with its state.
        more: Controls only this simulator has, by the name behind `/_sim/`. They raise ValueError, TypeError or
            KeyError when the body is not what they need.
        headers: Put on every answer.
    """

    def set_fault(body: Body) -> None:
        value = body.get("value")
        simulator.set_fault(str(body["name"]), None if value is None else str(value))

    def clear(body: Body) -> None:
        name = body.get("name")
        simulator.clear_faults(None if name is None else str(name))

    def clock(body: Body) -> None:
        advance_s, speed = float(body.get("advance_s", 0)), float(body.get("speed", simulator.speed()))
        if not 0 <= advance_s < MOST_ADVANCE_S:
            raise ValueError(f"advance_s must be from 0 to {MOST_ADVANCE_S:g}: time does not go back")
        if not 0 <= speed <= MOST_SPEED:
            raise ValueError(f"speed must be from 0 to {MOST_SPEED:g}")
        simulator.turn_clock(advance_s, speed)

    actions: dict[str, Action] = {"fault": set_fault, "clear": clear, "clock": clock, **(more or {})}
    routes = [
        Route(f"/_sim/{name}", _handler(simulator, action, headers), methods=["POST"])
        for name, action in actions.items()
    ]
    return [*routes, Route("/_sim/state", _handler(simulator, lambda _: None, headers), methods=["GET"])]


def _handler(
    simulator: Controlled, action: Action, headers: Mapping[str, str] | None
) -> Callable[[Request], Awaitable[Response]]:
    """Does something with the body and answers with the simulator's state, or 422 and why not."""

    async def handler(request: Request) -> Response:
        try:
            body: Any = await request.json() if await request.body() else {}
            if not isinstance(body, dict):
                raise TypeError("the body must be a JSON object")
            action(body)
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
            words = f"the body lacks {error}" if isinstance(error, KeyError) else str(error)
            return JSONResponse({"detail": words}, 422, headers)
        return JSONResponse(simulator.state(), headers=headers)

    return handler
