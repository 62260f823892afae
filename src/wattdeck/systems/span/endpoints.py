"""The simulated panel's REST interface, v1: who may ask, what is valid, what it changes (span.md 3 and 4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wattdeck.systems.span.answers import Answers, Json
from wattdeck.systems.span.disturbance import json_response
from wattdeck.systems.span.faults import FaultBoard
from wattdeck.systems.span.house import House
from wattdeck.systems.span.power_flow import PER_UNIT, CircuitState
from wattdeck.systems.span.registry import Client, Registry

Handler = Callable[[Request], Awaitable[Response]]

RELAY_STATES = ("UNKNOWN", "OPEN", "CLOSED")
PRIORITIES = ("UNKNOWN", "NON_ESSENTIAL", "NICE_TO_HAVE", "MUST_HAVE")
_FLAGS = {"userControllableIn": "controllable", "sheddableIn": "sheddable", "neverBackupIn": "never_backup"}
_LOW, _HIGH = "nice_to_have_threshold_low_soe", "nice_to_have_threshold_high_soe"


class Refusal(Exception):
    """An error answer: `{"detail": ...}`."""

    def __init__(self, status_code: int, detail: str | list[Json]) -> None:
        super().__init__(status_code, detail)
        self.status_code = status_code
        self.detail = detail


async def refusal_response(_: Request, error: Exception) -> Response:
    """The answer to a `Refusal`, or to an error of the web framework itself."""
    status_code: int = getattr(error, "status_code", 500)
    return json_response({"detail": getattr(error, "detail", "Internal Server Error")}, status_code)


class Endpoints:
    """Handlers of one simulated panel.

    Args:
        house: The state behind the answers.
        answers: What is said about it.
        registry: Who may ask.
        faults: What goes wrong.
        settle: Called before each protected answer: brings the state up to the present.
        move_later: Takes a delay in seconds and a relay movement to make after it.
    """

    def __init__(
        self,
        house: House,
        answers: Answers,
        registry: Registry,
        faults: FaultBoard,
        settle: Callable[[], None],
        move_later: Callable[[float, str, bool], None],
    ) -> None:
        self._house = house
        self._answers = answers
        self._registry = registry
        self._faults = faults
        self._settle = settle
        self._move_later = move_later

    def routes(self) -> list[Route]:
        """Every path of span.md 4 that this panel knows; all but two need a token."""
        table: Sequence[tuple[str, str, Handler]] = (
            ("GET", "auth/clients", self._clients),
            ("GET", "auth/clients/{name}", self._client),
            ("DELETE", "auth/clients/{name}", self._delete_client),
            ("GET", "panel", self._panel),
            ("GET", "panel/power", self._panel_power),
            ("GET", "panel/meter", self._panel_meter),
            ("GET", "panel/grid", self._panel_grid),
            ("POST", "panel/grid", self._set_panel_grid),
            ("POST", "panel/emergency-reconnect", self._reconnect),
            ("GET", "islanding-state", self._islanding_state),
            ("GET", "circuits", self._circuits),
            ("GET", "circuits/{circuit_id}", self._circuit),
            ("POST", "circuits/{circuit_id}", self._set_circuit),
            ("GET", "storage/soe", self._soe),
            ("POST", "storage/soe", self._set_soe),
            ("GET", "storage/nice-to-have-thresh", self._thresholds),
            ("POST", "storage/nice-to-have-thresh", self._set_thresholds),
            ("GET", "wifi/scan", self._wifi),
        )
        return [
            Route("/api/v1/status", self._status, methods=["GET"]),
            Route("/api/v1/auth/register", self._register, methods=["POST"]),
            *(Route(f"/api/v1/{path}", self._protected(handler), methods=[method]) for method, path, handler in table),
        ]

    def _protected(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not token:
                raise Refusal(412, "Missing or malformed Authorization header")
            if not self._registry.knows(token.strip()):
                raise Refusal(401, "Invalid authentication token")
            self._settle()
            return await handler(request)

        return guarded

    async def _status(self, _: Request) -> Response:
        self._settle()
        return json_response(self._answers.status(proximity_proven=self._registry.unlocked))

    async def _register(self, request: Request) -> Response:
        self._settle()
        body = await self._object(request)
        name, description = body.get("name"), body.get("description")
        if not isinstance(name, str) or not name:
            raise self._invalid("name", "field required" if name is None else "str type expected")
        if description is not None and not isinstance(description, str):
            raise self._invalid("description", "str type expected")
        if not self._registry.unlocked:
            fault = self._faults.strike("locked-status", "register")
            status_code = int(str(fault.value)) if fault else 422
            raise Refusal(status_code, "Proximity not proven: press the door switch 3 times")
        if name in self._registry.clients:
            raise Refusal(422, "A client of this name is already registered")
        client = self._registry.issue(name, description or "", self._answers.wall_s)
        issued_at_ms = 1000 * client.issued_at_s + 123
        return json_response({"accessToken": client.token, "tokenType": "bearer", "iatMs": issued_at_ms})

    async def _clients(self, _: Request) -> Response:
        return json_response({"clients": {name: client_document(c) for name, c in self._registry.clients.items()}})

    async def _client(self, request: Request) -> Response:
        return json_response(client_document(self._known_client(request)))

    async def _delete_client(self, request: Request) -> Response:
        client = self._known_client(request)
        del self._registry.clients[client.name]
        return json_response(client_document(client))

    def _known_client(self, request: Request) -> Client:
        client = self._registry.clients.get(request.path_params["name"])
        if client is None:
            raise Refusal(404, "Client not found")
        return client

    async def _panel(self, _: Request) -> Response:
        return json_response(self._answers.panel())

    async def _panel_power(self, _: Request) -> Response:
        flow = self._house.flow
        return json_response(
            {"instantGridPowerW": flow.grid / PER_UNIT, "feedthroughPowerW": flow.feedthrough / PER_UNIT}
        )

    async def _panel_meter(self, _: Request) -> Response:
        panel = self._answers.panel()
        meters = {"mainMeter": panel["mainMeterEnergy"], "feedthrough": panel["feedthroughEnergy"]}
        return json_response(meters)

    async def _panel_grid(self, _: Request) -> Response:
        return json_response({"relayState": "OPEN" if self._house.main_relay_open else "CLOSED"})

    async def _set_panel_grid(self, request: Request) -> Response:
        state = self._enum((await self._object(request)).get("relayState"), RELAY_STATES, "relayState")
        if state != "UNKNOWN":
            self._house.set_main_relay(opened=state == "OPEN")
        return await self._panel_grid(request)

    async def _reconnect(self, request: Request) -> Response:
        self._house.set_main_relay(opened=False)
        return await self._panel_grid(request)

    async def _islanding_state(self, _: Request) -> Response:
        return json_response({"islanding_state": "ISLANDED" if self._house.islanded else "ON_GRID"})

    async def _circuits(self, _: Request) -> Response:
        return json_response(self._answers.circuits())

    async def _circuit(self, request: Request) -> Response:
        return json_response(self._answers.circuit(self._known_circuit(request).circuit_id))

    async def _set_circuit(self, request: Request) -> Response:
        circuit = self._known_circuit(request)
        changes = self._changes(await self._object(request))
        if "priority" in changes and self._faults.strike("priority-500", "circuit"):
            return Response("Internal Server Error", 500, media_type="text/plain")
        relay = changes.pop("relay", None)
        if relay is not None:
            self._switch(circuit, relay)
        for name, value in changes.items():
            if value != "UNKNOWN":
                setattr(circuit, name, value)
        return json_response(self._answers.circuit(circuit.circuit_id))

    def _known_circuit(self, request: Request) -> CircuitState:
        circuit = self._house.circuits.get(request.path_params["circuit_id"])
        if circuit is None:
            raise Refusal(404, "Circuit not found")
        return circuit

    def _changes(self, body: Json) -> Json:
        """What a circuit write asks for, checked, by the name of the state it changes."""
        changes: Json = {}
        for wrapper, content in body.items():
            if content is None or wrapper not in {"relayStateIn", "priorityIn", "circuitNameIn", *_FLAGS}:
                continue
            if not isinstance(content, dict):
                raise self._invalid(wrapper, "value is not a valid dict")
            if wrapper == "relayStateIn":
                changes["relay"] = self._enum(content.get("relayState"), RELAY_STATES, wrapper, "relayState")
            elif wrapper == "priorityIn":
                changes["priority"] = self._enum(content.get("priority"), PRIORITIES, wrapper, "priority")
            elif wrapper == "circuitNameIn":
                changes["name"] = self._typed(content.get("name"), str, wrapper, "name")
            else:
                changes[_FLAGS[wrapper]] = self._typed(content.get("value"), bool, wrapper, "value")
        return changes

    def _switch(self, circuit: CircuitState, relay: str) -> None:
        if not circuit.controllable:
            fault = self._faults.strike("always-on-status", "circuit")
            raise Refusal(int(str(fault.value)) if fault else 403, "Circuit is not user controllable")
        refusing = self._faults.strike("relay-refuse", "circuit")
        if refusing is not None:
            raise Refusal(int(str(refusing.value)), "Relay command refused")
        if relay == "UNKNOWN":
            return
        opened = relay == "OPEN"
        lag = self._faults.strike("relay-lag", "circuit")
        if lag is not None:
            self._move_later(float(str(lag.value)), circuit.circuit_id, opened)
            return
        before = circuit.is_open
        self._house.switch(circuit.circuit_id, opened=opened)
        bounce = self._faults.strike("relay-bounce", "circuit")
        if bounce is not None:
            self._move_later(float(str(bounce.value)), circuit.circuit_id, before)

    async def _soe(self, _: Request) -> Response:
        return json_response({"soe": {"percentage": self._house.soe_percent}})

    async def _set_soe(self, request: Request) -> Response:
        self._house.set_charge(self._percentage(await self._object(request), "soe"))
        return await self._soe(request)

    async def _thresholds(self, _: Request) -> Response:
        low, high = self._house.low_soe_percent, self._house.high_soe_percent
        return json_response({_LOW: {"percentage": low}, _HIGH: {"percentage": high}})

    async def _set_thresholds(self, request: Request) -> Response:
        body = await self._object(request)
        low = self._percentage(body, _LOW) if _LOW in body else self._house.low_soe_percent
        high = self._percentage(body, _HIGH) if _HIGH in body else self._house.high_soe_percent
        self._house.low_soe_percent, self._house.high_soe_percent = low, high
        return await self._thresholds(request)

    async def _wifi(self, _: Request) -> Response:
        points = [
            {
                "bssid": f"02:00:00:00:00:{number:02x}",
                "ssid": ssid,
                "signal": -48 - 11 * number,
                "frequency": "2437",
                "encrypted": True,
                "connected": number == 0,
                "error": "",
            }
            for number, ssid in enumerate(self._house.household.wifi)
        ]
        return json_response({"accessPoints": points})

    async def _object(self, request: Request) -> Json:
        try:
            body: Any = await request.json()
        except ValueError:
            raise self._invalid(0, "Expecting value", kind="value_error.jsondecode") from None
        if not isinstance(body, dict):
            raise self._invalid("", "value is not a valid dict")
        return body

    def _enum(self, value: Any, allowed: tuple[str, ...], *place: str) -> str:
        if value not in allowed:
            permitted = ", ".join(f"'{word}'" for word in allowed)
            raise self._invalid(*place, f"value is not a valid enumeration member; permitted: {permitted}")
        return str(value)

    def _typed(self, value: Any, kind: type, *place: str) -> Any:
        if not isinstance(value, kind):
            raise self._invalid(*place, f"{kind.__name__} type expected")
        return value

    def _percentage(self, body: Json, key: str) -> int:
        content = body.get(key)
        value = content.get("percentage") if isinstance(content, dict) else None
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 100:
            raise self._invalid(key, "percentage", "value is not a valid integer from 0 to 100")
        return value

    def _invalid(self, *place_and_message: str | int, kind: str = "value_error") -> Refusal:
        """422 in the shape of this firmware: a list of places, or one string (span.md 3)."""
        *place, message = place_and_message
        if self._faults.strike("string-422", "other"):
            return Refusal(422, str(message))
        loc = ["body", *(part for part in place if part != "")]
        return Refusal(422, [{"loc": loc, "msg": str(message), "type": kind}])


def client_document(client: Client) -> Json:
    """A registration as `GET /auth/clients` shows it."""
    groups: dict[str, list[str]] = {"delete": [], "get": [], "post": [], "push": []}
    return {
        "description": client.description,
        "issued_at": client.issued_at_s,
        "allowed_endpoint_groups": groups,
    }
