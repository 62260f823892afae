"""A v2 panel's REST side as a script: what tests of detection and registration talk to."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import trustme

SERIAL = "nt-2143-c1akc"
FIRMWARE = "spanos2/r202627/06"
PASSPHRASE = "demo-passphrase"
BROKER_PASSWORD = "demo-broker-password"
NAME_EXISTS = {"detail": "Name already exists"}
V1_STATUS = {
    "software": {"firmwareVersion": "spanos2/r202342/01"},
    "system": {"serial": SERIAL, "doorState": "CLOSED", "proximityProven": False},
    "network": {"eth0Link": True},
}


@contextlib.contextmanager
def own_logging() -> Iterator[None]:
    """What a command line does to the log ends with the block."""
    log = logging.getLogger("wattdeck")
    before = (log.handlers[:], log.level, log.propagate)
    yield
    for handler in set(log.handlers) - set(before[0]):
        if isinstance(handler, logging.StreamHandler) and isinstance(getattr(handler.stream, "name", ""), int):
            handler.stream.close()
    log.handlers[:], log.propagate = before[0], before[2]
    log.setLevel(before[1])


def authority(name: str = "panel") -> trustme.CA:
    """A panel's own certificate authority."""
    return trustme.CA(organization_name=name)


def pem(ca: trustme.CA) -> str:
    return ca.cert_pem.bytes().decode()


Script = httpx.Response | Exception


@dataclass
class ScriptedPanel:
    """Answers as firmware r202627 does, unless a path's script says otherwise: its next answer, then the usual."""

    ca_pem: str = ""
    proven: bool | None = False
    firmware: str = FIRMWARE
    null_passwords: bool = False
    scripts: dict[str, list[Script]] = field(default_factory=dict)
    registered: dict[str, str] = field(default_factory=dict)
    """Client name -> how it proved itself."""
    requests: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    """Scheme, method with path, body."""

    def becomes_v1(self) -> None:
        """From now on there is no v2, and v1 says who the panel is, twice."""
        self.scripts["status"] = [httpx.Response(404), httpx.Response(404)]
        self.scripts["/api/v1/status"] = [httpx.Response(200, json=V1_STATUS), httpx.Response(200, json=V1_STATUS)]

    def handle(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v2/")
        body = json.loads(request.content) if request.content else {}
        self.requests.append((request.url.scheme, f"{request.method} {path}", body))
        script = self.scripts.get(path)
        if script:
            next_one = script.pop(0)
            if isinstance(next_one, Exception):
                raise next_one
            return next_one
        match path.partition("/"):
            case ("status", *_):
                return self._status()
            case ("homie", *_):
                return httpx.Response(200, json=flat_schema())
            case ("certificate", *_):
                return httpx.Response(200, text=self.ca_pem)
            case ("auth", _, "register"):
                return self._register(body)
            case ("auth", _, clients):
                return self._clients(request, clients)
        return httpx.Response(404, json={"detail": "Not Found"})

    @property
    def calls(self) -> list[str]:
        return [call for _, call, _ in self.requests]

    def _status(self) -> httpx.Response:
        known = {"serialNumber": SERIAL, "firmwareVersion": self.firmware}
        return httpx.Response(200, json=known if self.proven is None else {**known, "proximityProven": self.proven})

    def _register(self, body: Mapping[str, Any]) -> httpx.Response:
        proof = "passphrase" if "hopPassphrase" in body else "door"
        proven, self.proven = bool(self.proven), False if proof == "door" else self.proven
        if body["name"] in self.registered:
            return httpx.Response(422, json=NAME_EXISTS)
        if proof == "door" and not proven:
            return httpx.Response(401, json={"detail": "Proximity not proven"})
        if proof == "passphrase" and body["hopPassphrase"] != PASSPHRASE:
            return httpx.Response(422, json={"detail": [{"loc": ["hopPassphrase"], "input": body["hopPassphrase"]}]})
        self.registered[body["name"]] = proof
        return httpx.Response(200, json=registration(proof, self.null_passwords))

    def _clients(self, request: httpx.Request, path: str) -> httpx.Response:
        if request.headers.get("authorization") != "Bearer token-passphrase":
            return httpx.Response(403, json={"detail": "Forbidden"})
        if request.method == "DELETE":
            self.registered.pop(path.partition("/")[2], None)
            return httpx.Response(200, json={})
        return httpx.Response(200, json={"clients": {name: {} for name in self.registered}})


def registration(proof: str = "passphrase", null_passwords: bool = False) -> dict[str, Any]:
    """AuthOut."""
    return {
        "accessToken": f"token-{proof}",
        "tokenType": "bearer",
        "iatMs": 1774000000000,
        "hostname": f"span-{SERIAL}.local",
        "serialNumber": SERIAL,
        "hopPassphrase": None if null_passwords else PASSPHRASE,
        "ebusBrokerUsername": SERIAL,
        "ebusBrokerPassword": None if null_passwords else BROKER_PASSWORD,
        "ebusBrokerHost": f"span-{SERIAL}.local",
        "ebusBrokerMqttsPort": 8883,
        "ebusBrokerWsPort": 9001,
        "ebusBrokerWssPort": 9002,
    }


def flat_schema() -> dict[str, Any]:
    types = {"energy.ebus.device.circuit": {"space": {"datatype": "integer", "format": "1:32:1"}}}
    return {"firmwareVersion": FIRMWARE, "homieDomain": "ebus", "homieVersion": 5, "types": types}


def tree_schema(version: object = "1.0") -> dict[str, Any]:
    return {
        "firmwareVersion": "spanos2/r202633/01",
        "homieDomain": "ebus",
        "homieVersion": 5,
        "dataModelVersion": version,
        "deviceClasses": {"circuit": {}},
    }
