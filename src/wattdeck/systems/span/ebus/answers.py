"""What a v2 panel answers over REST: models, and what its refusals mean (span-v2.md 2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from wattdeck.core.answers import Answer, json_body, status_error
from wattdeck.core.errors import AuthError, BadAnswer, SourceError, StatusError
from wattdeck.core.language import tr
from wattdeck.core.redact import redact, register_secret
from wattdeck.core.text import clean
from wattdeck.systems.span.ebus import tls
from wattdeck.systems.span.ebus.stream import MQTTS_PORT, WS_PORT, WSS_PORT
from wattdeck.systems.span.models import DataModel

CLIENTS_MAX = 1000

_SERIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_VERSION = re.compile(r"(\d{1,3})(?:\.\d{1,5}){0,3}")
_SPACES = re.compile(r"\d{0,3}:(\d{1,3})(?::\d{0,3})?")


class UnknownDataModel(SourceError):
    """The panel speaks a data model that is newer than this program, or says no version one can read."""


class Refusal(StrEnum):
    """Why a panel does not register us."""

    WRONG_PROOF = "wrong-proof"
    """The passphrase is not this panel's."""
    NAME_TAKEN = "name-taken"
    NO_DOOR_PROOF = "no-door-proof"
    """Nobody has pressed the door switch, or that was used up already."""
    NO_DASHBOARD = "no-dashboard"
    """The panel has no dashboard password that could be a proof (r202639)."""
    OTHER = "other"


class RegistrationRefused(AuthError):
    """The panel does not register us."""

    def __init__(self, message: str, status_code: int, refusal: Refusal) -> None:
        super().__init__(message, status_code)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class V2Status:
    """Who the panel is."""

    serial: str
    firmware: str
    proximity_proven: bool | None
    """The door switch was pressed within the last 15 minutes, and nobody registered on it; None before r202609."""
    hardware: str = ""


@dataclass(frozen=True, slots=True)
class Schema:
    """Which data model the panel speaks."""

    model: DataModel
    version: str
    """`1.0`; empty for flat."""
    spaces: int | None
    """Size of the panel, where the schema says it: in flat."""
    firmware: str


@dataclass(frozen=True, slots=True)
class Registration:
    """What a panel gives for a successful registration."""

    token: str = field(repr=False)
    issued_at_ms: int
    """Unix ms, by the panel's clock."""
    serial: str
    hostname: str
    broker_user: str
    broker_password: str | None = field(repr=False)
    """None: the panel keeps it to itself (r202639)."""
    passphrase: str | None = field(repr=False)
    """The panel's passphrase, also if we did not send it; None: it keeps that to itself."""
    broker_host: str
    mqtts_port: int
    ws_port: int
    wss_port: int


def is_serial(text: str) -> bool:
    """Whether this can be a serial number: it becomes part of topics and of a file's name."""
    return _SERIAL.fullmatch(text) is not None


def parse_status(data: Any, what: str) -> V2Status:
    """Raises BadAnswer if the serial number is missing or none."""
    body = _object(data, what)
    serial = body.get("serialNumber")
    if not isinstance(serial, str) or not is_serial(serial):
        raise BadAnswer(tr("{what}: the answer holds no serial number; is this a SPAN panel?", what=what))
    proven = body.get("proximityProven")
    return V2Status(
        serial,
        _text(body.get("firmwareVersion")),
        proven if isinstance(proven, bool) else None,
        _text(body.get("hardwareVersion")),
    )


def parse_schema(data: Any, what: str) -> Schema:
    """Which model it is (span-v2.md 2.2).

    Raises:
        BadAnswer: it is no schema.
        UnknownDataModel: another major number than 1, or no number at all. Never taken for flat.
    """
    body = _object(data, what)
    firmware = _text(body.get("firmwareVersion"))
    if "dataModelVersion" not in body and "deviceClasses" not in body:
        types = body.get("types")
        if not isinstance(types, Mapping) or not types:
            raise BadAnswer(tr("{what}: the answer is no schema of a panel", what=what))
        return Schema(DataModel.FLAT, "", _spaces(types), firmware)
    version = body.get("dataModelVersion")
    shown = str(version) if isinstance(version, str | int | float) and not isinstance(version, bool) else ""
    found = _VERSION.fullmatch(shown.strip())
    if found is None or int(found[1]) != 1:
        words = {"what": what, "version": clean(redact(shown), 40) or "?", "firmware": firmware or "?"}
        raise UnknownDataModel(
            tr(
                "{what}: the panel (firmware {firmware}) speaks data model {version}, which this version of wattdeck "
                "does not know; update wattdeck",
                **words,
            )
        )
    return Schema(DataModel.TREE, shown.strip(), None, firmware)


def parse_ca(answer: Answer, what: str) -> str:
    """The authority's certificate, and nothing else of what was sent.

    Raises:
        BadAnswer: it is not exactly one certificate. With two, one would be shown and both be trusted.
    """
    try:
        return tls.bare(answer.body.decode("ascii", "replace"))
    except BadAnswer:
        raise BadAnswer(tr("{what}: the answer is not one certificate in PEM form", what=what)) from None


def parse_registration(answer: Answer, what: str) -> Registration:
    """Raises BadAnswer, without a word of the answer, if it is no registration: it may echo what we sent."""
    try:
        body = _object(json_body(answer, what), what)
    except BadAnswer:
        body = {}
    token, serial = body.get("accessToken"), body.get("serialNumber")
    if not isinstance(token, str) or not _is_token(token) or not isinstance(serial, str) or not is_serial(serial):
        words = tr(
            "{what}: the panel said yes, but its answer cannot be read; it may have registered us. Register again "
            "under another name",
            what=what,
        )
        raise BadAnswer(words)
    for secret in (token, body.get("ebusBrokerPassword"), body.get("hopPassphrase")):
        register_secret(secret if isinstance(secret, str) else None)
    issued, user = body.get("iatMs"), body.get("ebusBrokerUsername")
    hostname = _host(body.get("hostname"))
    return Registration(
        token=token,
        issued_at_ms=issued if isinstance(issued, int) and 0 <= issued < 10**15 else 0,
        serial=serial,
        hostname=hostname,
        broker_user=user if isinstance(user, str) and is_serial(user) else serial,
        broker_password=_secret(body.get("ebusBrokerPassword")),
        passphrase=_secret(body.get("hopPassphrase")),
        broker_host=_host(body.get("ebusBrokerHost")) or hostname,
        mqtts_port=_port(body.get("ebusBrokerMqttsPort"), MQTTS_PORT),
        ws_port=_port(body.get("ebusBrokerWsPort"), WS_PORT),
        wss_port=_port(body.get("ebusBrokerWssPort"), WSS_PORT),
    )


def parse_clients(data: Any, what: str) -> tuple[str, ...]:
    """The names under which somebody registered."""
    clients = _object(data, what).get("clients")
    if not isinstance(clients, Mapping):
        raise BadAnswer(tr("{what}: the answer holds no list of clients", what=what))
    return tuple(clean(str(name)) for name in list(clients)[:CLIENTS_MAX])


def refusal(answer: Answer, what: str, name: str, *, with_passphrase: bool) -> SourceError:
    """The error for a registration that got another status than 200.

    The panel's own words are read and never repeated: older firmware echoes what was sent (span-v2.md 2.1).
    """
    status = answer.status_code
    if status not in (400, 401, 403, 412, 422):
        return plain_error(answer, what)
    said = answer.body[:20_000].decode("utf-8", "replace").casefold()
    words = {"what": what, "status": status, "name": repr(clean(name, 80))}
    if "name already" in said or ("already" in said and "regist" in said):
        sentence = tr(
            "{what}: the panel already knows a client {name} ({status}); register under another name", **words
        )
        return RegistrationRefused(sentence, status, Refusal.NAME_TAKEN)
    if "dashboard password is not" in said:
        sentence = tr("{what}: the panel has no dashboard password ({status}); use its passphrase or the door", **words)
        return RegistrationRefused(sentence, status, Refusal.NO_DASHBOARD)
    if status == 400:
        return RegistrationRefused(
            tr("{what}: the panel did not understand the registration ({status})", **words), status, Refusal.OTHER
        )
    if with_passphrase:
        sentence = tr(
            "{what}: the panel does not accept this passphrase ({status}); the SPAN app shows the right one under its "
            "on-premise settings",
            **words,
        )
        return RegistrationRefused(sentence, status, Refusal.WRONG_PROOF)
    sentence = tr(
        "{what}: the panel has no valid proof that somebody was at its door ({status}): one lets in once, for 15 "
        "minutes, and also a failed attempt uses it up",
        **words,
    )
    return RegistrationRefused(sentence, status, Refusal.NO_DOOR_PROOF)


def plain_error(answer: Answer, what: str, *, retry_after_s: float | None = None) -> SourceError:
    """The error for any other call's status, without the panel's own words."""
    bare = Answer(answer.status_code, b"", answer.headers)
    if answer.status_code == 404:
        return StatusError(tr("{what}: the panel does not know this (404)", what=what), 404)
    return status_error(bare, what, retry_after_s=retry_after_s)


def _object(data: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise BadAnswer(tr("{what}: the answer is not a JSON object", what=what))
    return data


def _spaces(types: Mapping[str, Any]) -> int | None:
    """The upper bound of the format of a circuit's `space`: `1:32:1`."""
    found: Any = types
    for key in ("energy.ebus.device.circuit", "space", "format"):
        found = found.get(key) if isinstance(found, Mapping) else None
    match = _SPACES.fullmatch(found) if isinstance(found, str) else None
    return int(match[1]) if match is not None else None


def _text(value: Any) -> str:
    return clean(redact(value), 80).strip() if isinstance(value, str) else ""


def _host(value: Any) -> str:
    """A host name or address; empty for anything else."""
    return value if isinstance(value, str) and re.fullmatch(r"[\w.:-]{1,253}", value, re.ASCII) else ""


def _is_token(text: str) -> bool:
    return re.fullmatch(r"[!-~]{1,8192}", text) is not None


def _secret(value: Any) -> str | None:
    return value if isinstance(value, str) and 0 < len(value) <= 1024 and value.isprintable() else None


def _port(value: Any, usual: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65_536 else usual
