"""The simulated panel's REST interface of v2: who may come in, its authority, its schema (span-v2.md 2)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from wattdeck.systems.span.disturbance import json_response
from wattdeck.systems.span.ebus.firmware import firmware_build
from wattdeck.systems.span.ebus.stream import MQTTS_PORT, WS_PORT, WSS_PORT
from wattdeck.systems.span.endpoints import Handler, Refusal, client_document
from wattdeck.systems.span.faults import FaultBoard
from wattdeck.systems.span.registry import Client, Registry
from wattdeck.systems.span.simulated.identity import BrokerAddress
from wattdeck.systems.span.simulated.spelling import Json

PROXIMITY_SINCE, HARDWARE_SINCE, FQDN_SINCE = 202609, 202639, 202615
"""Builds that brought these (span-v2.md 1)."""
REUSABLE_NAME = "dashboard"
_WITHOUT_BROKER = BrokerAddress("127.0.0.1", MQTTS_PORT, WS_PORT, WSS_PORT, "")


class Panel(Protocol):
    """What the endpoints ask of the panel's application."""

    address: BrokerAddress | None

    @property
    def serial(self) -> str: ...

    @property
    def firmware(self) -> str: ...

    def schema(self) -> Json: ...

    def set_password(self, password: str) -> None: ...


class EndpointsV2:
    """Handlers of one simulated panel.

    Args:
        panel: Its application.
        registry: Who may ask.
        faults: What goes wrong.
        settle: Called before each answer: brings the state up to the present.
        wall_s: What the panel takes for Unix time.
        hardware: What it says of its hardware.
    """

    def __init__(
        self,
        panel: Panel,
        registry: Registry,
        faults: FaultBoard,
        settle: Callable[[], None],
        wall_s: Callable[[], int],
        hardware: str,
    ) -> None:
        self._panel = panel
        self._registry = registry
        self._faults = faults
        self._settle = settle
        self._wall_s = wall_s
        self._hardware = hardware
        self._fqdn = ""

    def routes(self) -> list[Route]:
        """Every path of span-v2.md 2.1."""
        opened = (
            ("GET", "status", self._status),
            ("POST", "auth/register", self._register),
            ("GET", "certificate/ca", self._authority),
            ("GET", "homie/schema", self._schema),
        )
        any_token = (("GET", "dns/fqdn", self._get_fqdn), ("POST", "dns/fqdn", self._set_fqdn))
        full_token = (
            ("GET", "auth/clients", self._clients),
            ("GET", "auth/clients/{name}", self._client),
            ("DELETE", "auth/clients/{name}", self._delete_client),
            ("PUT", "auth/passphrase", self._rotate),
            ("DELETE", "dns/fqdn", self._delete_fqdn),
        )
        table = [
            *opened,
            *((method, path, self._guarded(handler, full=False)) for method, path, handler in any_token),
            *((method, path, self._guarded(handler, full=True)) for method, path, handler in full_token),
        ]
        return [Route(f"/api/v2/{path}", handler, methods=[method]) for method, path, handler in table]

    def _guarded(self, handler: Handler, *, full: bool) -> Handler:
        async def guarded(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            client = self._registry.client_of(token.strip()) if scheme.lower() == "bearer" else None
            if client is None:
                raise Refusal(401, "Invalid authentication token")
            if full and not client.full:
                raise Refusal(403, "Insufficient privileges")
            return await handler(request)

        return guarded

    async def _status(self, _: Request) -> Response:
        self._settle()
        number = firmware_build(self._panel.firmware)
        body: Json = {"serialNumber": self._panel.serial, "firmwareVersion": self._panel.firmware}
        if number >= PROXIMITY_SINCE:
            body["proximityProven"] = self._registry.unlocked
        if number >= HARDWARE_SINCE:
            body["hardwareVersion"] = self._hardware
        return json_response(body)

    async def _schema(self, _: Request) -> Response:
        self._settle()
        return json_response(self._panel.schema())

    async def _authority(self, _: Request) -> Response:
        address = self._panel.address
        if address is None or not address.ca_pem:
            return json_response({"error": "the panel has no certificate"}, 500)
        headers = {"Cache-Control": "max-age=3600"}
        return Response(address.ca_pem, headers=headers, media_type="application/x-pem-file")

    async def _register(self, request: Request) -> Response:
        self._settle()
        body = await _object(request)
        proofs = [key for key in ("otp", "dashboardPassword", "hopPassphrase") if body.get(key) is not None]
        at_the_door = not proofs and self._registry.unlocked
        if at_the_door:
            self._registry.lock()
        name = body.get("name")
        if not isinstance(name, str) or not name:
            raise Refusal(422, "name: field required")
        if any(not isinstance(body[key], str) for key in proofs) or len(proofs) > 1:
            raise Refusal(422, "exactly one proof is expected")
        self._check_proof(proofs, body, at_the_door=at_the_door)
        if name in self._registry.clients and name != REUSABLE_NAME:
            raise Refusal(422, "Name already exists")
        description = body.get("description")
        client = self._registry.issue(
            name,
            description if isinstance(description, str) else "",
            self._wall_s(),
            full=proofs == ["hopPassphrase"],
        )
        return json_response(self._welcome(client))

    def _check_proof(self, proofs: list[str], body: Json, *, at_the_door: bool) -> None:
        if not proofs and not at_the_door:
            raise Refusal(401, "Proximity not proven")
        if proofs == ["dashboardPassword"]:
            raise Refusal(422, "Dashboard password is not available")
        if proofs == ["otp"] or (proofs and body["hopPassphrase"] != self._registry.passphrase):
            raise Refusal(422, "Invalid proof")

    def _welcome(self, client: Client) -> Json:
        address = self._panel.address or _WITHOUT_BROKER
        hostname = address.hostname or f"span-{self._panel.serial}.local"
        hidden = self._faults.strike("null-passwords", "register") is not None
        return {
            "accessToken": client.token,
            "tokenType": "bearer",
            "iatMs": 1000 * client.issued_at_s + 123,
            "hostname": hostname,
            "serialNumber": self._panel.serial,
            "ebusBrokerUsername": self._panel.serial,
            "ebusBrokerPassword": None if hidden else self._registry.broker_password,
            "hopPassphrase": None if hidden else self._registry.passphrase,
            "ebusBrokerHost": hostname,
            "ebusBrokerMqttsPort": address.mqtts_port,
            "ebusBrokerWsPort": address.ws_port,
            "ebusBrokerWssPort": address.wss_port,
        }

    async def _clients(self, _: Request) -> Response:
        clients = self._registry.clients.values()
        return json_response({"clients": {each.name: _document(each) for each in clients}})

    async def _client(self, request: Request) -> Response:
        return json_response(_document(self._known(request)))

    async def _delete_client(self, request: Request) -> Response:
        client = self._known(request)
        del self._registry.clients[client.name]
        return json_response(_document(client))

    def _known(self, request: Request) -> Client:
        client = self._registry.clients.get(request.path_params["name"])
        if client is None:
            raise Refusal(404, "Client not found")
        return client

    async def _rotate(self, _: Request) -> Response:
        self._registry.rotate()
        self._panel.set_password(self._registry.broker_password)
        return json_response(
            {"ebusBrokerPassword": self._registry.broker_password, "hopPassphrase": self._registry.passphrase}
        )

    async def _get_fqdn(self, _: Request) -> Response:
        return json_response({"ebusTlsFqdn": self._fqdn})

    async def _set_fqdn(self, request: Request) -> Response:
        if firmware_build(self._panel.firmware) < FQDN_SINCE:
            raise Refusal(403, "Insufficient privileges")
        name = (await _object(request)).get("ebusTlsFqdn")
        if not isinstance(name, str) or not name:
            raise Refusal(422, "ebusTlsFqdn: field required")
        self._fqdn = name
        return await self._get_fqdn(request)

    async def _delete_fqdn(self, request: Request) -> Response:
        self._fqdn = ""
        return await self._get_fqdn(request)


async def _object(request: Request) -> Json:
    try:
        body: Any = json.loads(await request.body())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refusal(422, "a JSON object is expected")
    return body


def _document(client: Client) -> Json:
    document = client_document(client)
    document["allowed_endpoint_groups"]["patch"] = []
    return document
