"""What a simulated panel of v2 has beside its HTTP: certificates, and a mosquitto that is its broker on the wire."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
import ssl
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import anyio

from wattdeck.core.errors import UsageError
from wattdeck.core.language import tr
from wattdeck.core.system import Beside
from wattdeck.systems.span.ebus.local import LocalBroker
from wattdeck.systems.span.ebus.tls import fingerprint
from wattdeck.systems.span.simulated.authority import Authority, ServerCertificate
from wattdeck.systems.span.simulated.bridge import Bridge
from wattdeck.systems.span.simulated.identity import PASSPHRASE, BrokerAddress
from wattdeck.systems.span.simulated.mosquitto import Mosquitto
from wattdeck.systems.span.simulated.panel import EbusPanel

PORTS = ("mqtt",)
UP_WITHIN_S = 30.0

LOGGER = logging.getLogger("wattdeck.span.bridge")


@asynccontextmanager
async def on_the_wire(
    panel: EbusPanel, broker: LocalBroker, host: str, ports: Mapping[str, int]
) -> AsyncIterator[Beside]:
    """Put a panel on a real broker while the context is open.

    Raises:
        UsageError: mosquitto or cryptography is not installed, a port is taken or not one of its own, or the broker
            takes nothing.
    """
    unknown = [name for name in ports if name not in PORTS]
    if unknown:
        raise UsageError(tr("this simulator has no use for a port for {name}", name=unknown[0]))
    wire = Wire(panel, broker, host, ports.get("mqtt", 0))
    with closing(wire):
        bridge = Bridge(broker, wire.mosquitto, panel.serial)
        bridge.bring_in_line()
        wire.announce()
        up = asyncio.Event()
        carrying = asyncio.ensure_future(bridge.run(up.set))
        carrying.add_done_callback(_note_the_end)
        try:
            await _until(up, carrying)
            yield Beside(wire.tls, wire.words())
        finally:
            bridge.end()
            with anyio.CancelScope(shield=True):
                await carrying


class Wire:
    """A panel's certificates and its mosquitto."""

    def __init__(self, panel: EbusPanel, broker: LocalBroker, host: str, port: int) -> None:
        self._panel = panel
        self._host = host.removeprefix("[").removesuffix("]")
        self._authority = Authority(panel.serial)
        certificate = self._issue()
        self.mosquitto = Mosquitto(certificate, broker.passwords, host=self._host, port=port)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        _load(self.tls, certificate)
        panel.on_new_authority = self.renew_authority

    def close(self) -> None:
        """End the broker."""
        self._panel.address = None
        self.mosquitto.close()

    def announce(self) -> None:
        """Let the panel say where its broker is."""
        shown, port, wss_port = self._host, self.mosquitto.port, self.mosquitto.wss_port
        # There is no web socket in the clear; whoever asks for one is sent to the one that is not.
        self._panel.address = BrokerAddress(
            shown, port, wss_port, wss_port, self._authority.pem, self._authority.host_name
        )

    def renew_authority(self) -> None:
        """Take a new authority and certificate, and come back with them at once."""
        self._authority = Authority(self._panel.serial)
        certificate = self._issue()
        _load(self.tls, certificate)
        self.mosquitto.present(certificate)
        self.mosquitto.stop()
        self.announce()

    def words(self) -> list[str]:
        """Where the broker is, and how to be let in."""
        return [
            tr(
                "broker on port {mqtt} (MQTT over TLS) and {wss} (over WSS); passphrase {passphrase}",
                mqtt=self.mosquitto.port,
                wss=self.mosquitto.wss_port,
                passphrase=PASSPHRASE,
            ),
            tr("certificate authority, SHA-256: {fingerprint}", fingerprint=fingerprint(self._authority.pem)),
        ]

    def _issue(self) -> ServerCertificate:
        return self._authority.issue((self._authority.host_name, *_addresses(self._host)))


async def _until(up: asyncio.Event, carrying: asyncio.Future[None]) -> None:
    """Wait until all that the panel says is on the broker."""
    waiting = asyncio.ensure_future(up.wait())
    try:
        await asyncio.wait((waiting, carrying), timeout=UP_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    if carrying.done():
        carrying.result()
    if not up.is_set():
        raise UsageError(
            tr(
                "the broker took nothing from the simulated panel within {seconds} s; a fault that freezes it can be "
                "switched on once it runs",
                seconds=f"{UP_WITHIN_S:g}",
            )
        )


def _addresses(host: str) -> list[str]:
    """What a server that listens on a host is reached by."""
    found = ["localhost", "127.0.0.1", "::1"]
    try:
        everywhere = ipaddress.ip_address(host).is_unspecified
    except ValueError:
        everywhere = False
    names = [socket.gethostname()] if everywhere else [host]
    for name in names:
        with suppress(OSError):
            found += [str(each[4][0]).partition("%")[0] for each in socket.getaddrinfo(name, None)]
    return list(dict.fromkeys([*found, *names]))


def _load(context: ssl.SSLContext, certificate: ServerCertificate) -> None:
    """Have a server show a certificate from now on; the standard library takes it from a file alone."""
    with tempfile.TemporaryDirectory(prefix="wattdeck-") as folder:
        path = Path(folder) / "server.pem"
        path.touch(0o600)
        path.write_text(certificate.certificate_pem + certificate.key_pem, encoding="ascii")
        context.load_cert_chain(path)


def _note_the_end(carrying: asyncio.Future[None]) -> None:
    if not carrying.cancelled() and carrying.exception() is not None:
        LOGGER.error("the panel is on the wire no more", exc_info=carrying.exception())
