"""What `wattdeck doctor` says of v2: which API, registered or not, whose authority is trusted, is the broker there."""

from __future__ import annotations

import contextlib
import ssl

import anyio

from wattdeck.core.errors import BadAnswer, ConfigError, SourceError
from wattdeck.core.finding import Finding, Verdict
from wattdeck.core.language import tr
from wattdeck.core.paths import others_can_read
from wattdeck.core.system import Context
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.ebus import credentials as kept
from wattdeck.systems.span.ebus import tls
from wattdeck.systems.span.ebus.bootstrap import Bootstrap
from wattdeck.systems.span.ebus.credentials import Credentials, Privilege
from wattdeck.systems.span.ebus.detect import Api, Detected, detect

AUTHORITY_S = BROKER_S = 5.0
"""How long each is asked."""


async def findings(config: SpanConfig, context: Context, way_in: str) -> list[Finding]:
    """What was found, in the order of asking. Nothing is sent that holds a secret.

    Args:
        way_in: What to do to get registered.
    """
    bootstrap = Bootstrap.of(config, context.http, context.clock)
    found = await detect(bootstrap)
    told = [_api(found, config)]
    if config.api == "v1":
        return told
    try:
        credentials = _kept(found, config, context)
    except ConfigError as error:
        return [*told, _finding("registered", Verdict.PROBLEM, str(error))]
    if credentials is None:
        return told if found.api is not Api.V2 and config.api == "auto" else [*told, _unregistered(config, way_in)]
    told += [_registered(credentials, context), await _authority(bootstrap, found, credentials, config)]
    told.append(await _broker(credentials, config))
    return told


def _api(found: Detected, config: SpanConfig) -> Finding:
    match found.api:
        case Api.V2:
            return _finding("api", Verdict.OK, found.reason)
        case Api.V1 if config.api != "v2":
            words = tr("{reason}: v1, which SPAN takes out of the firmware at the end of 2026", reason=found.reason)
            return _finding("api", Verdict.OK, words)
        case Api.V1:
            advice = tr('Set api = "auto" or "v1", or update the panel.')
            return _finding("api", Verdict.PROBLEM, found.reason, advice)
        case Api.BOOTING:
            return _finding("api", Verdict.NOTE, found.reason, tr("Try again in some minutes."))
        case _:
            words = tr("which API it speaks is unknown: {reason}", reason=found.reason)
            stranger = isinstance(found.error, BadAnswer)
            advice = tr("Is this the panel's address and port?") if stranger else ""
            return _finding("api", Verdict.PROBLEM if stranger else Verdict.NOTE, words, advice)


def _kept(found: Detected, config: SpanConfig, context: Context) -> Credentials | None:
    """Of the panel that answers; of the address if none does."""
    if found.status is not None:
        return kept.load(context.state_dir, found.status.serial)
    return kept.find(context.state_dir, kept.typed(config.host, config.port))


def _unregistered(config: SpanConfig, way_in: str) -> Finding:
    verdict = Verdict.PROBLEM if config.api == "v2" else Verdict.NOTE
    return _finding("registered", verdict, tr("not registered for v2"), way_in)


def _registered(credentials: Credentials, context: Context) -> Finding:
    path = kept.path_of(context.state_dir, credentials.serial)
    if path.exists() and others_can_read(path.stat()):
        words = tr("{secret} can be read by other users; chmod 600 it", secret=path)
        return _finding("registered", Verdict.PROBLEM, words)
    words = tr(
        "for v2, at panel {serial} as {name}, with {token}",
        serial=credentials.serial, name=credentials.client_name, token=kept.token_words(credentials.privilege),
    )  # fmt: skip
    advice = ""
    if credentials.privilege is not Privilege.FULL:
        advice = tr("A reduced token is enough to read and to switch; it cannot list or remove the panel's clients.")
    return _finding("registered", Verdict.OK, words, advice)


async def _authority(bootstrap: Bootstrap, found: Detected, credentials: Credentials, config: SpanConfig) -> Finding:
    """The pinned authority, beside the one that the panel shows now."""
    pinned, shown = credentials.ca_sha256, None
    # A panel that asks for patience is not waited for here.
    with anyio.move_on_after(AUTHORITY_S), contextlib.suppress(SourceError):
        shown = tls.fingerprint(await bootstrap.ca()) if found.api is Api.V2 else None
    if shown is None:
        return _finding("authority", Verdict.NOTE, tr("trusted is {pinned}; the panel shows none now", pinned=pinned))
    if shown == pinned:
        return _finding("authority", Verdict.OK, tr("trusted is {pinned}, as the panel shows it", pinned=pinned))
    words = tr("the panel shows {shown}, trusted is {pinned}", shown=shown, pinned=pinned)
    return _finding("authority", Verdict.PROBLEM, words, _trust_again(config))


async def _broker(credentials: Credentials, config: SpanConfig) -> Finding:
    """Name, port and TLS of the broker; nobody logs in."""
    from wattdeck.core.transport import why_no_connection

    endpoint = credentials.endpoint(config.host, config.mqtt_port, websocket=config.websocket)
    place = kept.typed(endpoint.host, endpoint.port)
    try:
        context = tls.context(endpoint.ca_pem, (endpoint.host, *endpoint.names))
        with anyio.fail_after(BROKER_S):
            stream = await anyio.connect_tcp(
                endpoint.host, endpoint.port, tls=True, ssl_context=context, tls_standard_compatible=False
            )
            await stream.aclose()
    except TimeoutError:
        return _finding("broker", Verdict.PROBLEM, tr("nothing answers at {place}", place=place))
    except ssl.SSLCertVerificationError as error:
        words = {"place": place, "reason": error.verify_message}
        sentence = tr("{place} shows a certificate that is not of the trusted authority ({reason})", **words)
        return _finding("broker", Verdict.PROBLEM, sentence, _trust_again(config))
    except OSError as error:
        reason = why_no_connection(error, endpoint.host)
        advice = tr("Is the port open towards this machine? `mqtt_port` and `websocket` say which one is used.")
        return _finding("broker", Verdict.PROBLEM, f"{place}: {reason}", advice)
    return _finding("broker", Verdict.OK, tr("{place} shows a certificate of the trusted authority", place=place))


def _trust_again(config: SpanConfig) -> str:
    return tr("Run `wattdeck span trust --source {name}`; it shows both and asks.", name=config.name)


def _finding(subject: str, verdict: Verdict, words: str, advice: str = "") -> Finding:
    return Finding("source", verdict, words, subject, advice)
