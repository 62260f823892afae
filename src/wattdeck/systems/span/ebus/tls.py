"""TLS towards a panel: its own authority and nothing else, and one of the names the panel goes by (span-v2.md 3.2)."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import ipaddress
import re
import socket
import ssl
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wattdeck.core.errors import BadAnswer
from wattdeck.core.language import tr
from wattdeck.core.text import clean

PEM_CHARS_MAX = 65_536
RECEIVE_BYTES_MAX = 4_000_000
"""A message that announces more ends the connection: the largest of a panel is a description of some tens of kB."""
HOST_MISMATCH = 62
"""X509_V_ERR_HOSTNAME_MISMATCH."""

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----")


def context(ca_pem: str, names: Iterable[str] = ()) -> PanelContext:
    """What checks a panel's certificates: TLS 1.2 or newer, issued by `ca_pem` alone.

    Args:
        ca_pem: The panel's authority: one certificate in PEM.
        names: What the certificate may name instead of the host that is connected to; typed host, host name, broker
            host. A panel reached by an address that is not in its certificate is known by them.

    Raises:
        BadAnswer: `ca_pem` is not one certificate in PEM.
    """
    made = PanelContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    # OpenSSL compares one name only: ours, after the handshake and before anything is sent, compares them all.
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    # Python 3.13 asks for key identifiers, which a panel's certificates may lack.
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    made.names = frozenset(_normal(name) for name in names if name)
    try:
        made.load_verify_locations(cadata=_der(ca_pem))
    except (ssl.SSLError, ValueError):
        raise _no_certificate() from None
    return made


def fingerprint(ca_pem: str) -> str:
    """SHA-256 of the certificate in a PEM: lower-case hex pairs with colons.

    Raises:
        BadAnswer: the text is not one certificate in PEM.
    """
    context(ca_pem)
    return hashlib.sha256(_der(ca_pem)).digest().hex(":")


def bare(text: str) -> str:
    """The one certificate in a text as PEM, without what else stands there.

    Raises:
        BadAnswer: there is none that can be used, or more than one.
    """
    pem = ssl.DER_cert_to_PEM_cert(_der(text))
    context(pem)
    return pem


class PanelContext(ssl.SSLContext):
    """A client's context whose host check accepts any of some names. Made by `context`."""

    names: frozenset[str] = frozenset()
    abandoned = False
    """Nothing is wrapped any more."""
    on_close: Callable[[], None] | None = None
    """If set, closing a socket only breaks its connection and calls this, in whatever thread that happens; `close`
    then closes it. So its number is not given to another socket while a loop still watches it."""

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        if self.abandoned:
            sock.close()
            raise OSError(errno.ECANCELED, "given up while connecting")
        wrapped = super().wrap_socket(sock, *args, **kwargs)
        self._wrapped = [each for each in self._open_sockets() if each.fileno() >= 0] + [wrapped]
        return wrapped

    def abandon(self) -> None:
        """Break off: whoever waits on a socket it has wrapped, in another thread, ends and may then be closed."""
        self.abandoned = True
        for wrapped in self._open_sockets():
            _break(wrapped)

    def reset(self) -> None:
        """Break off, and let go of what is on its way out: it is not delivered later."""
        self.abandoned = True
        for wrapped in self._open_sockets():
            with contextlib.suppress(OSError):  # not open any more
                wrapped.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                # Its reader ends and closes it; ending the other direction too would send the rest first.
                socket.socket.shutdown(wrapped, socket.SHUT_RD)

    def close(self, forget: Callable[[int], object] = lambda _: None) -> None:
        """Close every socket it has wrapped.

        Args:
            forget: Called with the number of each, before.
        """
        self.on_close = None
        for wrapped in self._open_sockets():
            if wrapped.fileno() >= 0:
                forget(wrapped.fileno())
            wrapped.close()
        self._wrapped = []

    def _open_sockets(self) -> list[ssl.SSLSocket]:
        return getattr(self, "_wrapped", [])


class _Socket(ssl.SSLSocket):
    """A connection that is not used before its name is checked, and takes no message without bounds."""

    def do_handshake(self, block: bool = False) -> None:
        try:
            super().do_handshake(block)
            _require_name(self)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError:
            # Whoever asked for the handshake has no use for the socket, and not all close it.
            self.close()
            raise

    def close(self) -> None:
        told = self.context.on_close if isinstance(self.context, PanelContext) else None
        if told is None:
            super().close()
        else:
            _break(self)
            told()

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        if buflen > RECEIVE_BYTES_MAX:
            raise OSError(errno.EMSGSIZE, "a message is announced that is far too large")
        return super().recv(buflen, flags)


class _Object(ssl.SSLObject):
    """The same for a connection that somebody else carries (asyncio, httpx)."""

    def do_handshake(self) -> None:
        super().do_handshake()
        _require_name(self)


PanelContext.sslsocket_class = _Socket
PanelContext.sslobject_class = _Object


def _break(wrapped: ssl.SSLSocket) -> None:
    """End a connection so that whoever waits on it wakes."""
    with contextlib.suppress(OSError):  # not connected any more
        socket.socket.shutdown(wrapped, socket.SHUT_RDWR)


def _require_name(connection: ssl.SSLSocket | ssl.SSLObject) -> None:
    """Refuse a certificate that bears none of the accepted names."""
    checked = connection.context
    accepted = set(checked.names) if isinstance(checked, PanelContext) else set()
    if connection.server_hostname:
        accepted.add(_normal(str(connection.server_hostname)))
    named = _named(connection.getpeercert() or {})
    if accepted & named:
        return
    reason = f"it is for {clean(', '.join(sorted(named)[:5]), 200) or 'no host'}"
    error = ssl.SSLCertVerificationError(1, f"certificate verify failed: {reason}")
    error.verify_code, error.verify_message = HOST_MISMATCH, reason
    raise error


def _named(certificate: Mapping[str, Any]) -> set[str]:
    """The names and addresses a certificate is for. A wildcard stands for nothing: a panel's bears none."""
    listed = certificate.get("subjectAltName", ())
    return {_normal(str(value)) for kind, value in listed if kind in ("DNS", "IP Address")}


def _normal(name: str) -> str:
    """A name or an address as it is compared."""
    bare = name.strip().removeprefix("[").removesuffix("]").removesuffix(".").lower()
    try:
        return str(ipaddress.ip_address(bare.partition("%")[0]))
    except ValueError:
        return bare


def _der(pem: str) -> bytes:
    """The one certificate in a PEM. More would be trusted without being in the fingerprint."""
    found = _PEM.findall(pem) if len(pem) <= PEM_CHARS_MAX else []
    if len(found) != 1:
        raise _no_certificate()
    try:
        return ssl.PEM_cert_to_DER_cert(found[0])
    except ValueError:
        raise _no_certificate() from None


def _no_certificate() -> BadAnswer:
    return BadAnswer(
        tr("the panel's certificate authority is not one certificate in PEM form; nothing can be checked with it")
    )
