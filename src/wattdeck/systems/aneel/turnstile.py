"""Who gets in to the simulated distributor's routes, how often, and what proxies say in its place."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response

from wattdeck.core.faultboard import FaultBoard
from wattdeck.systems.aneel import KEY
from wattdeck.systems.aneel.bending import OTHER_EMAIL, answer
from wattdeck.systems.aneel.exchange import Route
from wattdeck.systems.aneel.mangling import STAMP, html_response, json_response, response
from wattdeck.systems.aneel.responses import error_response

EMAIL = "plantao.radar@distribuidora.example"
REQUESTS_A_MINUTE = 10
EARLY = 2
"""Requests a minute that a server answers which limits too early."""
WINDOW_S = 60.0
NO_KEY = "API Key ausente."
WRONG_KEY = "API Key inválida."
TOO_MANY = "Limite de requisições excedido. Tente novamente mais tarde."


class Turnstile:
    """Keys and the rate limit.

    Args:
        faults: What is wrong.
        elapsed_s: Seconds of real time, pushes included: simulated time may run faster than people ask.
    """

    def __init__(self, faults: FaultBoard, elapsed_s: Callable[[], float]) -> None:
        self._faults, self._elapsed_s = faults, elapsed_s
        self._since_s, self._asked = 0.0, 0
        self.refused = 0
        """Requests refused for their key or their number."""

    def instead(self, request: Request, route: Route) -> Response | None:
        """What a proxy or firewall answers in the server's place, or None."""
        if self._faults.strike("html-502", route):
            return html_response(502, "502 Bad Gateway")
        if self._faults.strike("denied-html", route):
            return html_response(403, "403 Forbidden")
        if self._faults.strike("redirect", route):
            return Response(status_code=307, headers=STAMP | {"Location": f"/moved{request.scope['path']}"})
        return None

    def refusal(self, request: Request, route: Route) -> Response | None:
        """401 or 429, or None: the request is to be answered."""
        refused = self._of_key(request, route) or self._of_number(route)
        self.refused += refused is not None
        return refused

    def email(self) -> str:
        """The address that refusals and errors name."""
        return OTHER_EMAIL if "other-email" in self._faults else EMAIL

    def _of_key(self, request: Request, route: Route) -> Response | None:
        if "no-auth" in self._faults:
            return None
        if "key-in-query" in self._faults:
            key = request.query_params.get("api_key", "")
        else:
            key = request.headers.get("x-api-key", "")
        if key and "any-key" in self._faults:
            return None
        if secrets.compare_digest(key.encode("utf-8", "replace"), KEY.encode()):
            return None
        message = WRONG_KEY if key else NO_KEY
        if key and "leaky-key" in self._faults:
            message = f"API Key inválida: esperado {KEY}, recebido outro valor."
        if "text-401" in self._faults:
            return Response("Invalid API key", 401, STAMP, "text/plain")
        content = error_response(route, message, self.email())
        if "detail-wrapper" in self._faults:
            return json_response({"detail": content}, 401)
        return response(route, answer(route, content, self._faults), self._faults, 401)

    def _of_number(self, route: Route) -> Response | None:
        now_s = self._elapsed_s()
        if now_s >= self._since_s + WINDOW_S:
            self._since_s, self._asked = now_s, 0
        self._asked += 1
        limit = EARLY if "limit-early" in self._faults or "no-retry-after" in self._faults else REQUESTS_A_MINUTE
        wait_s = max(1, int(self._since_s + WINDOW_S - now_s + 0.999))
        busy = self._faults.strike("busy", route)
        if busy is not None:
            wait_s = max(1, int(str(busy.value)))
        elif self._asked <= limit or "no-limit" in self._faults:
            return None
        headers = {"Retry-After": str(wait_s), "X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": "0"}
        if "no-retry-after" in self._faults:
            del headers["Retry-After"]
        content = answer(route, error_response(route, TOO_MANY, self.email()), self._faults)
        return response(route, content, self._faults, 429, headers)
