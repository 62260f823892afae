"""One exchange over httpx, and transport faults put into words."""

from __future__ import annotations

import errno
import importlib.util
import socket
import ssl
import zlib
from collections.abc import AsyncIterable, Iterator
from typing import cast

from wattdeck.core.answers import Answer
from wattdeck.core.errors import BadAnswer, CutShort, SourceError, TimedOut, Unreachable
from wattdeck.core.language import later, tr
from wattdeck.core.lazy_httpx import prepare_httpcore, prepare_httpx

prepare_httpx()

import httpx  # noqa: E402

KEEPALIVE_S = 300.0
"""Longer than any poll interval. A connection the other side closed meanwhile is noticed and replaced."""

_READ_BACK = later("whether it acted is not known; read the state back")


class ConnectionBrokenError(Exception):
    """The connection ended before the first byte of an answer: usual on one kept for too long."""


FAULTS = (httpx.TransportError, ConnectionBrokenError)


def open_transport(context: ssl.SSLContext, *, http2: bool = False, connections: int) -> httpx.AsyncHTTPTransport:
    """A pool for one origin. Proxies and certificates named in the environment are not used.

    One connection less than there may be is kept. HTTP/2 is spoken where TLS settles on it, and h2 is installed.
    """
    prepare_httpcore()
    limits = httpx.Limits(
        max_connections=connections, max_keepalive_connections=max(1, connections - 1), keepalive_expiry=KEEPALIVE_S
    )
    http2 = http2 and importlib.util.find_spec("h2") is not None
    return httpx.AsyncHTTPTransport(verify=context, limits=limits, http2=http2, trust_env=False)


async def exchange(transport: httpx.AsyncBaseTransport, request: httpx.Request, *, max_body_bytes: int) -> Answer:
    """Send one request and read its whole answer.

    Raises:
        ConnectionBrokenError: no answer at all; the request may have been received.
        BadAnswer: the answer is cut short (`CutShort`), too large, or packed in a way it should not be.
        httpx.TransportError: anything else that went wrong before the answer.
    """
    try:
        response = await transport.handle_async_request(request)
    except httpx.RemoteProtocolError as error:
        if _gone(str(error)):
            raise ConnectionBrokenError from error
        raise BadAnswer(tr("what answers there does not speak HTTP")) from error
    except (httpx.ReadError, httpx.WriteError, httpx.CloseError) as error:
        raise ConnectionBrokenError from error
    try:
        body = await _read_body(response, max_body_bytes)
    finally:
        await response.aclose()
    return Answer(response.status_code, body, response.headers)


def _gone(words: str) -> bool:
    """Whether the other side closed before it answered: HTTP/1.1, HTTP/2, HTTP/2 with a word of goodbye."""
    return words.startswith(("Server disconnected", "<ConnectionTerminated"))


async def _read_body(response: httpx.Response, max_bytes: int) -> bytes:
    """The unpacked body, never holding more than the cap."""
    # Looked up in the raw list: one look into httpx's mapping costs more than all of this.
    headers = {name.lower(): value for name, value in response.headers.raw}
    announced = headers.get(b"content-length", b"")
    if announced.isdigit() and int(announced[:20]) > max_bytes:
        raise _too_large(max_bytes)
    chunks: list[bytes] = []
    size = 0
    try:
        # The stream itself: the response's own iterators refuse answers made in memory (mounted transports).
        async for chunk in cast(AsyncIterable[bytes], response.stream):
            size += len(chunk)
            if size > max_bytes:
                raise _too_large(max_bytes)
            chunks.append(chunk)
    except (httpx.RemoteProtocolError, httpx.ReadError) as error:
        raise CutShort(tr("the answer was cut short after {size} bytes", size=size)) from error
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    packing = headers.get(b"content-encoding", b"").decode("ascii", "replace").strip().lower()
    return body if packing in ("", "identity") else _unpack(body, packing, max_bytes)


def _unpack(body: bytes, packing: str, max_bytes: int) -> bytes:
    """Undo gzip or deflate without ever unpacking more than the cap."""
    if packing not in ("gzip", "x-gzip", "deflate"):
        raise BadAnswer(tr("the answer is packed as {packing}, which was not asked for", packing=repr(packing[:20])))
    raw_deflate = packing == "deflate" and (not body or body[0] & 0x0F != 8)
    unpacker = zlib.decompressobj(-15 if raw_deflate else 47)
    try:
        plain = unpacker.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise BadAnswer(tr("the answer's compression is broken")) from error
    if len(plain) > max_bytes:
        raise _too_large(max_bytes)
    if not unpacker.eof and body:
        raise CutShort(tr("the compressed answer was cut short"))
    return plain


def _too_large(max_bytes: int) -> BadAnswer:
    return BadAnswer(
        tr("the answer is larger than {most} MB; the rest was not read", most=f"{max_bytes / 1000000.0:g}")
    )


def in_words(error: Exception, host: str, what: str, *, repeatable: bool) -> SourceError:
    """A transport fault as one of our errors.

    For a request that must not be repeated, Unreachable means that nothing was sent; a fault after that point
    is TimedOut or BadAnswer, because what the other side did is not known.
    """
    unknown = "" if repeatable else f"; {tr(_READ_BACK)}"
    match error:
        case BadAnswer():
            return type(error)(f"{what}: {error}{unknown}")
        case ConnectionBrokenError() if repeatable:
            return Unreachable(tr("{what}: the connection was closed without an answer", what=what))
        case ConnectionBrokenError():
            return BadAnswer(
                tr(
                    "{what}: the connection was closed without an answer; {read_back}",
                    what=what,
                    read_back=tr(_READ_BACK),
                )
            )
        case httpx.ConnectTimeout():
            return Unreachable(
                tr("{what}: nothing answers at {host}; is it on, and the address right?", what=what, host=host)
            )
        case httpx.PoolTimeout():
            return Unreachable(tr("{what}: earlier requests to it still wait for their answers", what=what))
        case httpx.ConnectError():
            return Unreachable(f"{what}: {why_no_connection(error, host)}")
        case TimeoutError() | httpx.TimeoutException():
            return TimedOut(tr("{what}: no complete answer in time{unknown}", what=what, unknown=unknown))
        case _ if repeatable:
            return Unreachable(
                tr("{what}: the request could not be sent ({error})", what=what, error=type(error).__name__)
            )
        case _:
            return BadAnswer(
                tr(
                    "{what}: the exchange failed ({error}); {read_back}",
                    what=what,
                    error=type(error).__name__,
                    read_back=tr(_READ_BACK),
                )
            )


_ERRNO_WORDS = {
    errno.ECONNREFUSED: later("the connection was refused; is the port right, and the service running?"),
    errno.EHOSTUNREACH: later("no route to host; is it on, and on this network?"),
    errno.ENETUNREACH: later("the network cannot be reached; is this machine connected?"),
    errno.ENETDOWN: later("the network is down"),
    errno.ETIMEDOUT: later("nothing answers; is it on, and the address right?"),
    errno.ECONNRESET: later("the connection was reset while it was being made"),
    errno.EMFILE: later("this machine has no file descriptors left"),
    errno.EACCES: later("this machine's firewall or rights forbid the connection"),
    errno.EPERM: later("this machine's firewall or rights forbid the connection"),
}


def why_no_connection(error: BaseException, host: str) -> str:
    """In words, why a connection could not be made."""
    found = list(causes(error))
    for cause in found:
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = cause.verify_message
            return tr(
                "TLS failed: the certificate is not trusted ({reason}); is the CA file the right one?", reason=reason
            )
        if isinstance(cause, ssl.SSLError):
            return tr(
                "TLS failed ({reason}); does that port speak TLS?",
                reason=getattr(cause, "reason", None) or tr("handshake broken off"),
            )
        if isinstance(cause, socket.gaierror):
            if cause.errno == socket.EAI_AGAIN:
                return tr("the name {host} cannot be looked up now; does this machine's DNS work?", host=host)
            return tr("the name {host} was not found; is it spelt right?", host=host)
    for cause in found:
        if isinstance(cause, OSError) and cause.errno in _ERRNO_WORDS:
            return tr(_ERRNO_WORDS[cause.errno])
    if any(isinstance(cause, UnicodeError) for cause in found):
        return tr("{host} is not a possible host name", host=host)
    return tr("no connection could be made")


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it, groups included."""
    queue: list[BaseException | None] = [error]
    seen: set[int] = set()
    while queue and len(seen) < 50:
        current = queue.pop(0)
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            queue.extend(current.exceptions)
        queue += [current.__cause__, current.__context__]
