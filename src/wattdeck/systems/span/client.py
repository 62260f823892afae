"""The SPAN v1 REST client: one panel, frozen models, one tree of errors. Usable alone, as a library.

Works as `async with SpanClient(host) as panel`, or long-lived with `aclose` at the end; a call after `aclose`
opens a new connection. v1 is announced to end with 2026 (span.md 0.1).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar
from urllib.parse import quote

from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.errors import AuthError, BadAnswer, UsageError
from wattdeck.core.http import (
    Answer,
    HttpClients,
    RetryPolicy,
    Timeouts,
    json_body,
    origin_of,
    register_secret,
)
from wattdeck.core.kept import Kept
from wattdeck.core.language import tr
from wattdeck.systems.span import wire
from wattdeck.systems.span.models import PRIORITIES, Circuit, PanelState, PanelStatus, Relay
from wattdeck.systems.span.refusal import DOOR_PROCEDURE, not_registered, refusal
from wattdeck.systems.span.wire import Registration

__all__ = ["DOOR_PROCEDURE", "Registration", "SpanClient"]

STATUS = "/api/v1/status"
REGISTER = "/api/v1/auth/register"
PANEL = "/api/v1/panel"
CIRCUITS = "/api/v1/circuits"
STORAGE = "/api/v1/storage/soe"

WRITE_TIMEOUTS = Timeouts(connect_s=2.0, read_s=5.0)
"""A command that takes longer is not waited for: its outcome is read back instead."""

N = TypeVar("N", int, float)
T = TypeVar("T")


class Setting(Generic[N]):
    """A number that can be changed at run time and is checked when it is."""

    def __init__(self, least: N) -> None:
        self.least: N = least

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, client: SpanClient, owner: type) -> N:
        value: N = client.__dict__[self.name]
        return value

    def __set__(self, client: SpanClient, value: N) -> None:
        if not self.least <= value < math.inf:
            raise ValueError(f"{self.name} is {value}; it must be at least {self.least}")
        client.__dict__[self.name] = value


class SpanClient:
    """One panel over v1 REST.

    Reads are repeated as configured and kept for `cache_window_s`, per endpoint; who asks while a read is
    under way shares it. Writes are sent once and make the panel's circuits and state forgotten.

    All reads raise SourceError: Unreachable, TimedOut and Busy may pass; AuthError asks for a new token;
    ServerFailure, StatusError and BadAnswer say what is wrong.
    """

    timeout_s = Setting(0.001)
    retries = Setting(0)
    retry_timeout_s = Setting(0.0)
    retry_backoff_multiplier = Setting(1.0)
    cache_window_s = Setting(0.0)

    def __init__(
        self,
        host: str,
        *,
        port: int | None = None,
        timeout_s: float = 30.0,
        use_ssl: bool = False,
        ca_file: Path | None = None,
        retries: int = 0,
        retry_timeout_s: float = 0.5,
        retry_backoff_multiplier: float = 2.0,
        cache_window_s: float = 1.0,
        token: str | None = None,
        clients: HttpClients | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Nothing is opened yet.

        Args:
            host: Name or address, without scheme and port; IPv6 with or without brackets.
            port: None = 80, or 443 with `use_ssl`.
            timeout_s: Most seconds one attempt of a read may take in all.
            ca_file: PEM file of the panel's own authority; only with `use_ssl`.
            retries, retry_timeout_s, retry_backoff_multiplier: See `RetryPolicy`. Settable later, like
                `timeout_s` and `cache_window_s`.
            cache_window_s: How long an answer is given again without asking, seconds; 0 = never.
            clients: Connections to share, closed by their owner; None makes our own.

        Raises:
            ValueError: an argument is out of range.
            ConfigError: the CA file cannot be used.
        """
        if ca_file is not None and not use_ssl:
            raise ValueError("ca_file is of no use without use_ssl=True")
        origin = origin_of(host, port if port is not None else (443 if use_ssl else 80), tls=use_ssl)
        self.host = host
        self._name = origin.partition("://")[2]
        self._closes_clients = clients is None
        self._clients = clients or HttpClients(clock=clock)
        self._http = self._clients.get(origin, ca_file=ca_file)
        self.timeout_s = timeout_s
        self.retries = retries
        self.retry_timeout_s = retry_timeout_s
        self.retry_backoff_multiplier = retry_backoff_multiplier
        self.cache_window_s = cache_window_s
        self._status: Kept[PanelStatus] = Kept(clock)
        self._panel: Kept[PanelState] = Kept(clock)
        self._circuits: Kept[tuple[Circuit, ...]] = Kept(clock)
        self._storage: Kept[int | None] = Kept(clock)
        self._token: str | None = None
        self.set_token(token)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close our own connections; those of shared `clients` are left to their owner."""
        if self._closes_clients:
            await self._clients.aclose()

    def set_token(self, token: str | None) -> None:
        """Use this bearer token from now on; None or empty = none.

        Answers got with another one are forgotten.

        Raises:
            ValueError: it cannot be a token (spaces, control characters, not ASCII).
        """
        if token and not wire.is_token(token):
            raise ValueError(tr("the token holds spaces or characters that no token has; was it copied whole?"))
        if (token or None) != self._token:
            self._token = token or None
            register_secret(self._token)
            self._forget(self._status, self._panel, self._circuits, self._storage)

    async def status(self) -> PanelStatus:
        """Who the panel is and how it is connected. Needs no token."""
        return await self._status.get(
            lambda: self._read(STATUS, _json(wire.parse_status), public=True), self.cache_window_s
        )

    async def panel(self) -> PanelState:
        """The panel's own meters and switches, and each space's raw meter."""
        return await self._panel.get(lambda: self._read(PANEL, wire.read_panel), self.cache_window_s)

    async def circuits(self, unmapped: bool = True) -> tuple[Circuit, ...]:
        """The circuits in the panel's order, then a virtual one for each space no circuit owns.

        Asks for `/circuits`, then for `/panel` unless its answer is still kept.

        Args:
            unmapped: Add the virtual circuits; False spares the second request.
        """
        circuits = await self._circuits.get(lambda: self._read(CIRCUITS, wire.read_circuits), self.cache_window_s)
        if not unmapped:
            return circuits
        return circuits + wire.virtual_circuits(circuits, (await self.panel()).branches)

    async def storage_percent(self) -> int | None:
        """Charge of the battery, percent. Panels without one answer a plausible number too (span.md 4.5)."""
        return await self._storage.get(lambda: self._read(STORAGE, _json(wire.parse_storage)), self.cache_window_s)

    async def register(self, name: str, description: str = "", passphrase: str | None = None) -> Registration:
        """Get a token; it is returned, not put to use. Sent once, without the token in use.

        Args:
            name: Must be new to the panel; each registration leaves an entry there for good.
            passphrase: The panel's passphrase, which newer firmware takes instead of the door procedure.

        Raises:
            AuthError: refused; the message says the door procedure.
        """
        if not name.strip():
            raise UsageError(tr("a registration needs a name; nothing was sent"))
        register_secret(passphrase)
        body = {"name": name, "description": description}
        if passphrase:
            body["hopPassphrase"] = passphrase
        answer = await self._http.request("POST", REGISTER, json=body, repeatable=False, deadline_s=self.timeout_s)
        what = self._http.what("POST", REGISTER)
        if answer.status_code in (401, 403, 412, 422):
            raise not_registered(answer, what, name)
        if answer.status_code != 200:
            raise refusal(answer, what)
        registration = wire.parse_registration(json_body(answer, what), what)
        register_secret(registration.token)
        return registration

    async def set_relay(self, circuit_id: str, relay: Relay) -> Circuit | None:
        """Ask for a relay position, once.

        Returns:
            The circuit as the panel answered, or None if that answer could not be read: the panel said yes,
            and the switch may have happened.

        Raises:
            UsageError: the circuit is virtual or the position is not one; nothing was sent.
            Unreachable: nothing was sent.
            AuthError, StatusError: the panel refused.
            TimedOut, BadAnswer: the outcome is unknown; read the state back.
        """
        if relay not in (Relay.OPEN, Relay.CLOSED):
            raise UsageError(
                tr("a relay can be set to open or closed, not to {wanted}; nothing was sent", wanted=relay)
            )
        return await self._write(circuit_id, {"relayStateIn": {"relayState": relay.upper()}})

    async def set_priority(self, circuit_id: str, priority: str) -> Circuit | None:
        """Ask for a load priority, one of `PRIORITIES`, once. Real panels often answer 500 (span.md 4.4).

        Returns and raises as `set_relay`.
        """
        if priority.lower() not in PRIORITIES:
            words = {"known": ", ".join(PRIORITIES), "wanted": priority}
            raise UsageError(tr("a priority is one of {known}, not {wanted}; nothing was sent", **words))
        return await self._write(circuit_id, {"priorityIn": {"priority": priority.upper()}})

    async def _read(self, path: str, parse: Callable[[Answer, str], T], *, public: bool = False) -> T:
        if self._token is None and not public:
            raise AuthError(tr("no token for {host}; register first, or configure the token", host=self.host))
        answer = await self._http.request(
            "GET",
            path,
            headers=self._credentials(),
            repeatable=True,
            deadline_s=self.timeout_s,
            retry=RetryPolicy(self.retries, self.retry_timeout_s, self.retry_backoff_multiplier),
        )
        # Our own paths hold no secrets; `what` would search each for some.
        what = f"{self._name} (GET {path})"
        if answer.status_code != 200:
            raise refusal(answer, what)
        return parse(answer, what)

    async def _write(self, circuit_id: str, body: dict[str, Any]) -> Circuit | None:
        path = f"{CIRCUITS}/{_segment(circuit_id)}"
        if self._token is None:
            raise AuthError(tr("no token for {host}; nothing was sent", host=self.host))
        try:
            answer = await self._http.request(
                "POST",
                path,
                json=body,
                headers=self._credentials(),
                repeatable=False,
                deadline_s=WRITE_TIMEOUTS.connect_s + WRITE_TIMEOUTS.read_s,
                timeouts=WRITE_TIMEOUTS,
            )
        finally:
            # Also after a failure: what happened is not known then.
            self._forget(self._circuits, self._panel)
        what = self._http.what("POST", path)
        if answer.status_code != 200:
            raise refusal(answer, what)
        try:
            return wire.parse_written_circuit(json_body(answer, what), circuit_id, what)
        except BadAnswer:
            return None

    def _credentials(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"} if self._token else {}

    @staticmethod
    def _forget(*kept: Kept[Any]) -> None:
        for each in kept:
            each.forget()


def _json(parse: Callable[[Any, str], T]) -> Callable[[Answer, str], T]:
    return lambda answer, what: parse(json_body(answer, what), what)


def _segment(circuit_id: str) -> str:
    """The id as one segment of a path."""
    if circuit_id.startswith(wire.VIRTUAL_PREFIX):
        raise UsageError(tr("{id}: no circuit owns this space, so nothing can be set; nothing was sent", id=circuit_id))
    if not wire.is_circuit_id(circuit_id):
        raise UsageError(tr("{id} cannot be the id of a circuit; nothing was sent", id=repr(circuit_id[:80])))
    return quote(circuit_id, safe="")
