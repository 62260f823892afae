"""A v2 panel over REST: which it is, which data model it speaks, its authority, and registering (span-v2.md 2).

Status, schema and authority are read over plain HTTP, before there is anything to trust. What holds a secret goes
over HTTPS, with the panel's own authority as the only one that counts.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import quote

from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.errors import BadAnswer, Busy, CutShort, SourceError, Unreachable, UsageError
from wattdeck.core.http import Answer, Http, HttpClients, Timeouts, json_body, origin_of, register_secret
from wattdeck.core.language import tr
from wattdeck.systems.span.ebus import answers, tls
from wattdeck.systems.span.ebus.answers import Registration, Schema, UnknownDataModel, V2Status
from wattdeck.systems.span.ebus.stream import CertificateRefused

if TYPE_CHECKING:
    from wattdeck.systems.span.config import SpanConfig
    from wattdeck.systems.span.models import PanelStatus

__all__ = ["Bootstrap", "Registration", "Schema", "UnknownDataModel", "V2Status"]

STATUS = "/api/v2/status"
SCHEMA = "/api/v2/homie/schema"
CA = "/api/v2/certificate/ca"
REGISTER = "/api/v2/auth/register"
CLIENTS = "/api/v2/auth/clients"
V1_STATUS = "/api/v1/status"

SMALL_BYTES_MAX = 64_000
SCHEMA_BYTES_MAX = 2_000_000
REGISTER_S = 20.0
"""A registration makes the panel work; giving up early would leave a client there that nobody uses."""
CA_ATTEMPTS = 3
CA_WAIT_S, CA_WAIT_MAX_S = 6.0, 60.0
"""One address is given the authority ten times a minute; without `Retry-After` we wait this long, then twice that."""

T = TypeVar("T")


class Bootstrap:
    """One panel over v2 REST.

    All calls raise SourceError: Unreachable and TimedOut tell nothing about the panel; Busy means that it is starting
    (502, 503, 504, an answer cut short) or asks for patience (429); StatusError 404 that it has no such thing.
    """

    def __init__(
        self,
        host: str,
        *,
        port: int = 80,
        https_port: int = 443,
        use_ssl: bool = False,
        ca_file: Path | None = None,
        clients: HttpClients,
        clock: Clock = SYSTEM_CLOCK,
        timeout_s: float = 5.0,
    ) -> None:
        """Nothing is opened yet.

        Args:
            host: Name or address, without scheme and port; IPv6 with or without brackets.
            port: Of what needs no secret.
            use_ssl, ca_file: That one is HTTPS as well, checked with this file.
            clients: Connections to share, closed by their owner.
            timeout_s: Most seconds a read may take in all.

        Raises:
            ValueError: an argument is out of range.
            ConfigError: the CA file cannot be used.
        """
        self.host = host
        self.timeout_s = timeout_s
        self._clock = clock
        self._clients = clients
        self._http = clients.get(origin_of(host, port, tls=use_ssl), ca_file=ca_file if use_ssl else None)
        self._https_port = https_port
        self._https_origin = origin_of(host, https_port, tls=True)
        self._https: Http | None = None
        self._trusts: tuple[str, tuple[str, ...]] | None = None

    @classmethod
    def of(cls, config: SpanConfig, clients: HttpClients, clock: Clock = SYSTEM_CLOCK) -> Self:
        """The panel of a `[[span]]` table, asked the way its settings say. Raises as the constructor."""
        return cls(
            config.host,
            port=config.port,
            https_port=config.https_port,
            use_ssl=config.use_ssl,
            ca_file=config.ca_file,
            clients=clients,
            clock=clock,
        )

    async def aclose(self) -> None:
        """Close our own connection, that of HTTPS."""
        https, self._https, self._trusts = self._https, None, None
        if https is not None:
            await https.aclose()

    async def status(self) -> V2Status:
        """Who the panel is. Does not use up the door's proof."""
        return await self._read(STATUS, SMALL_BYTES_MAX, answers.parse_status)

    async def v1_status(self) -> PanelStatus:
        """Who the panel is by v1, which needs no token for that.

        Raises:
            BadAnswer: something answers, and not as a panel.
        """
        from wattdeck.systems.span.wire import parse_status

        status = await self._read(V1_STATUS, SMALL_BYTES_MAX, parse_status)
        if not status.serial:
            raise BadAnswer(tr("{what}: no panel says its serial there", what=self._http.what("GET", V1_STATUS)))
        return status

    async def schema(self) -> Schema:
        """Which data model the panel speaks.

        Raises:
            UnknownDataModel: one we do not know. Never to be taken for another.
        """
        return await self._read(SCHEMA, SCHEMA_BYTES_MAX, answers.parse_schema)

    async def ca(self) -> str:
        """The certificate of the panel's own authority, PEM. Nothing vouches for it but its fingerprint."""
        for attempt in range(1, CA_ATTEMPTS + 1):
            try:
                answer = await self._get(CA, SMALL_BYTES_MAX)
            except Busy as error:
                if error.status_code != 429 or attempt == CA_ATTEMPTS:
                    raise
                asked_s = error.retry_after_s
                wait_s = attempt * CA_WAIT_S if asked_s is None else asked_s
                await self._clock.sleep(min(max(wait_s, 1.0), CA_WAIT_MAX_S))
            else:
                break
        return answers.parse_ca(answer, self._http.what("GET", CA))

    async def register(
        self, name: str, *, passphrase: str | None = None, ca_pem: str, names: Sequence[str] = ()
    ) -> Registration:
        """Become a client, over HTTPS. Sent once; each leaves an entry on the panel for good.

        Args:
            name: Must be new to the panel.
            passphrase: The panel's; None: the door switch has just been pressed. Also an attempt that fails uses
                that up.
            ca_pem: The authority that has to vouch for whoever answers.
            names: Names its certificate may bear instead of the host.

        Raises:
            RegistrationRefused: with the reason.
            Busy: the panel does not know its serial number yet; try again after some seconds.
            CertificateRefused, Unreachable: nothing was sent.
            TimedOut, BadAnswer: whether it registered us is not known.
        """
        if not name.strip():
            raise UsageError(tr("a registration needs a name; nothing was sent"))
        register_secret(passphrase)
        body = {"name": name, "description": "wattdeck"}
        if passphrase is not None:
            body["hopPassphrase"] = passphrase
        https = await self._trusting(ca_pem, names)
        what = https.what("POST", REGISTER)
        answer = await self._secretly(https, "POST", REGISTER, json=body, deadline_s=max(REGISTER_S, self.timeout_s))
        if answer.status_code != 200:
            raise answers.refusal(answer, what, name, with_passphrase=passphrase is not None)
        return answers.parse_registration(answer, what)

    async def vouched(self, serial: str, *, ca_pem: str, names: Sequence[str] = ()) -> V2Status:
        """The status over HTTPS: whether the authority vouches for whoever answers there. Uses nothing up.

        Raises:
            CertificateRefused: it does not.
            BadAnswer: another panel answers.
        """
        https = await self._trusting(ca_pem, names)
        answer = await self._secretly(https, "GET", STATUS, deadline_s=self.timeout_s)
        what = https.what("GET", STATUS)
        if answer.status_code != 200:
            raise answers.plain_error(answer, what)
        status = answers.parse_status(json_body(answer, what), what)
        if status.serial.lower() != serial.lower():
            words = {"what": what, "found": status.serial, "wanted": serial}
            raise BadAnswer(tr("{what}: panel {found} answers in place of panel {wanted}", **words))
        return status

    async def clients(self, token: str, *, ca_pem: str, names: Sequence[str] = ()) -> tuple[str, ...]:
        """Who is registered.

        Raises:
            AuthError: the token is a reduced one (403), or none of this panel (401).
        """
        https = await self._trusting(ca_pem, names)
        answer = await self._secretly(https, "GET", CLIENTS, headers=_bearer(token), deadline_s=self.timeout_s)
        what = https.what("GET", CLIENTS)
        if answer.status_code != 200:
            raise answers.plain_error(answer, what)
        return answers.parse_clients(json_body(answer, what), what)

    async def drop_client(self, name: str, token: str, *, ca_pem: str, names: Sequence[str] = ()) -> None:
        """Take a registration off the panel; one that is not there is no error.

        Raises:
            AuthError: as `clients`.
        """
        https = await self._trusting(ca_pem, names)
        path = f"{CLIENTS}/{quote(name, safe='')}"
        answer = await self._secretly(https, "DELETE", path, headers=_bearer(token), deadline_s=self.timeout_s)
        if answer.status_code not in (200, 204, 404):
            raise answers.plain_error(answer, https.what("DELETE", path))

    async def _read(self, path: str, max_bytes: int, parse: Callable[[Any, str], T]) -> T:
        answer = await self._get(path, max_bytes)
        what = self._http.what("GET", path)
        try:
            return parse(json_body(answer, what), what)
        except CutShort as error:
            raise _starting(what) from error

    async def _get(self, path: str, max_bytes: int) -> Answer:
        what = self._http.what("GET", path)
        try:
            answer = await self._http.request(
                "GET", path, repeatable=True, deadline_s=self.timeout_s, max_body_bytes=max_bytes, busy=_busy
            )
        except CutShort as error:
            raise _starting(what) from error
        if answer.status_code != 200:
            raise answers.plain_error(answer, what)
        return answer

    async def _secretly(self, https: Http, method: str, path: str, *, deadline_s: float, **more: Any) -> Answer:
        """One request over HTTPS, sent once."""
        try:
            return await https.request(
                method, path, repeatable=False, deadline_s=deadline_s, timeouts=Timeouts(self.timeout_s, deadline_s),
                max_body_bytes=SCHEMA_BYTES_MAX, busy=_busy, **more,
            )  # fmt: skip
        except Unreachable as error:
            reason = _certificate_fault(error)
            if reason is None:
                words = {"problem": error, "port": self._https_port}
                raise Unreachable(tr("{problem} (HTTPS on port {port}; `https_port` sets another)", **words)) from error
            raise CertificateRefused(
                tr(
                    "{what}: the certificate is not one of the panel's own authority ({reason}); nothing was sent",
                    what=https.what(method, path), reason=reason,
                )
            ) from error  # fmt: skip

    async def _trusting(self, ca_pem: str, names: Sequence[str]) -> Http:
        """The connection that trusts this authority alone."""
        wanted = (ca_pem, tuple(names))
        if self._https is None or self._trusts != wanted:
            await self.aclose()
            context = tls.context(ca_pem, (self.host, *names))
            self._https, self._trusts = self._clients.pinned(self._https_origin, context), wanted
        return self._https


def _bearer(token: str) -> Mapping[str, str]:
    register_secret(token)
    return {"Authorization": f"Bearer {token}"}


def _busy(answer: Answer, what: str, /, *, retry_after_s: float | None) -> SourceError:
    """The error of a panel that is there but not now, without its own words."""
    if answer.status_code == 429:
        return answers.plain_error(answer, what, retry_after_s=retry_after_s)
    words = {"what": what, "status": answer.status_code}
    sentence = tr("{what}: the panel is starting or being updated ({status}); it takes some minutes", **words)
    return Busy(sentence, answer.status_code, retry_after_s=retry_after_s)


def _starting(what: str) -> Busy:
    return Busy(tr("{what}: the answer was cut short; the panel is starting or being updated", what=what), 200)


def _certificate_fault(error: BaseException) -> str | None:
    """What is wrong with the other side's certificate, if that is what went wrong."""
    from wattdeck.core.transport import causes

    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
    return None
