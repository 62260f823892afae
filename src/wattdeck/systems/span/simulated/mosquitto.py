"""A real mosquitto as a simulated panel's broker: TLS and WSS, one panel, its client, rights as span-v2.md 3.4."""

from __future__ import annotations

import atexit
import base64
import contextlib
import ctypes
import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import IO, Self

from wattdeck.core.errors import UsageError
from wattdeck.core.language import tr
from wattdeck.systems.span.ebus.homie import PREFIX
from wattdeck.systems.span.ebus.stream import Endpoint
from wattdeck.systems.span.simulated.authority import Authority, ServerCertificate
from wattdeck.systems.span.simulated.folder import PrivateFolder, sweep

LOOPBACK = "127.0.0.1"
PUBLISHER = "panel-software"
"""The user as which the panel itself publishes."""
READY_WITHIN_S = 10.0
STOP_WITHIN_S = 3.0
LOG_LINES = 200
PORT_TRIES = 5

_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
_RUNNING = " running"
_DIES_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux."""


def find_mosquitto() -> str:
    """Where mosquitto is.

    Raises:
        UsageError: it is not installed.
    """
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), *_FOLDERS))
    found = shutil.which("mosquitto", path=places)
    if found is None:
        raise UsageError(
            tr(
                "a simulated panel of v2 needs the broker mosquitto, which is not installed; on Debian and Ubuntu: "
                "`{command}`",
                command="apt install mosquitto",
            )
        )
    return found


class Mosquitto:
    """One broker process, never older than whoever started it.

    Nothing is kept on disk by it. Its log is kept as its last lines.

    Args:
        certificate: What it shows on both listeners.
        users: Who may come in as the panel's client: user -> password. They read `ebus/#` and write commands; what
            else they publish is dropped without a word.
        host: Address to listen on.
        port: For TLS; 0 takes any free one.
        wss_port: For MQTT over secure web sockets; 0 takes any free one.

    Raises:
        UsageError: mosquitto is not installed.
    """

    def __init__(
        self,
        certificate: ServerCertificate,
        users: Mapping[str, str],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        wss_port: int = 0,
    ) -> None:
        self._program = find_mosquitto()
        self.host = host
        self._asked_ports = (port, wss_port)
        self.port, self.wss_port = port, wss_port
        self._inner_port = 0
        self._inner_authority = Authority(PUBLISHER)
        self._inner_certificate = self._inner_authority.issue((LOOPBACK,))
        self._publisher_password = secrets.token_urlsafe(16)
        self._users = dict(users)
        self._certificate = certificate
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._frozen = False
        self._lines: deque[str] = deque(maxlen=LOG_LINES)
        sweep()
        self._private = PrivateFolder()
        self._folder = self._private.path
        atexit.register(self.close)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def publisher(self) -> Endpoint:
        """Where the panel's own software comes in, whatever is wrong with what clients are shown."""
        return Endpoint(LOOPBACK, self._inner_port, PUBLISHER, self._publisher_password, self._inner_authority.pem)

    @property
    def frozen(self) -> bool:
        """Whether it hangs, by `freeze`."""
        return self._frozen

    @property
    def running(self) -> bool:
        """Whether the process is there; a frozen one is."""
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """The last lines it said; all of them have come once it has ended."""
        return "\n".join(self._lines)

    def start(self) -> None:
        """Start it and wait until it can be connected to. Ports once taken stay.

        To be called in a thread that lives as long as the broker should: the kernel ends it with that thread.

        Raises:
            UsageError: a port is taken, or mosquitto does not come up; its own words are in the message.
        """
        if self.running:
            return
        for _ in range(PORT_TRIES):
            self._choose_ports()
            if self._come_up():
                self._asked_ports = (self.port, self.wss_port)
                return
            self._inner_port = 0
            if "Address already in use" not in self.log or 0 not in self._asked_ports:
                break
        raise UsageError(
            tr(
                "mosquitto does not start on {host} port {port}: {words}",
                host=self.host,
                port=self.port,
                words=(self._lines[-1] if self._lines else tr("it says nothing")),
            )
        )

    def stop(self) -> None:
        """End it in order; clients see their connections close."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """End it in order and start it again on the same ports, empty."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Let it hang: connections stay up and nothing is answered."""
        if self.running and self._process is not None:
            self._process.send_signal(signal.SIGSTOP)
            self._frozen = True

    def thaw(self) -> None:
        """Let it go on after `freeze`."""
        if self.running and self._process is not None:
            self._process.send_signal(signal.SIGCONT)
        self._frozen = False

    def present(self, certificate: ServerCertificate) -> None:
        """Show another certificate from the next start on."""
        self._certificate = certificate

    def admit(self, users: Mapping[str, str]) -> None:
        """Let these in as clients, and nobody else, from the next start on."""
        self._users = dict(users)

    def close(self) -> None:
        """End it at once and take its files away."""
        self._end(signal.SIGKILL)
        self._private.close()
        atexit.unregister(self.close)

    def _choose_ports(self) -> None:
        with contextlib.ExitStack() as held:
            self.port, self.wss_port = (
                port or held.enter_context(_free_port(self.host)).getsockname()[1] for port in self._asked_ports
            )
            self._inner_port = self._inner_port or held.enter_context(_free_port(LOOPBACK)).getsockname()[1]

    def _come_up(self) -> bool:
        self._write_files()
        self._lines.clear()
        up = threading.Event()
        # Not through a shell, no inherited input, and nothing of it outlives this process.
        self._process = subprocess.Popen(  # noqa: S603
            [self._program, "-c", str(self._folder / "mosquitto.conf")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=_dying_with_parent(),
        )
        if self._process.stderr is not None:
            self._reader = threading.Thread(target=self._listen, args=(self._process.stderr, up), daemon=True)
            self._reader.start()
        up.wait(READY_WITHIN_S)
        if self.running and any(line.endswith(_RUNNING) for line in self._lines):
            return True
        self.kill()
        return False

    def _listen(self, stream: IO[bytes], up: threading.Event) -> None:
        """Keep what it says, until it ends."""
        with stream:
            for raw in stream:
                line = raw.decode("utf-8", "replace").strip()[:500]
                self._lines.append(line.partition(": ")[2] or line)
                if line.endswith(_RUNNING):
                    up.set()
        up.set()

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
            if self._frozen:
                process.send_signal(signal.SIGCONT)
        self._frozen = False
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._reader is not None:
            self._reader.join(STOP_WITHIN_S)

    def _write_files(self) -> None:
        """What it is configured by, readable for its user alone: itself, since it drops no rights."""
        readers = "".join(f"user {name}\ntopic read ebus/#\ntopic write {PREFIX}/+/+/+/set\n" for name in self._users)
        passwords = {**self._users, PUBLISHER: self._publisher_password}
        files = {
            "server.pem": self._certificate.certificate_pem,
            "server.key": self._certificate.key_pem,
            "inner.pem": self._inner_certificate.certificate_pem,
            "inner.key": self._inner_certificate.key_pem,
            "passwords": "".join(f"{name}:{_hashed(password)}\n" for name, password in passwords.items()),
            "rights": f"user {PUBLISHER}\ntopic readwrite #\n{readers}",
            "mosquitto.conf": self._configuration(),
        }
        for name, text in files.items():
            path = self._folder / name
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)

    def _configuration(self) -> str:
        listeners = "".join(
            f"listener {port} {host}\nprotocol {protocol}\n"
            f"certfile {self._folder / f'{served}.pem'}\nkeyfile {self._folder / f'{served}.key'}\n"
            for host, port, protocol, served in (
                (self.host, self.port, "mqtt", "server"),
                (self.host, self.wss_port, "websockets", "server"),
                (LOOPBACK, self._inner_port, "mqtt", "inner"),
            )
        )
        return (
            "per_listener_settings false\nallow_anonymous false\npersistence false\nset_tcp_nodelay true\n"
            f"sys_interval 0\nlog_dest stderr\nlog_timestamp true\nuser {_own_name()}\n"
            f"password_file {self._folder / 'passwords'}\nacl_file {self._folder / 'rights'}\n{listeners}"
        )


def _free_port(host: str) -> socket.socket:
    """A socket that holds a free port; closing it gives the port back."""
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM)[0]
        held = socket.socket(family, kind, proto)
        held.bind(address)
    except OSError as error:
        raise UsageError(
            tr("cannot listen on {host} port {port}: {reason}", host=host, port=0, reason=error.strerror or error)
        ) from None
    return held


def _hashed(password: str) -> str:
    """A password as mosquitto keeps it: PBKDF2 of SHA-512."""
    salt, rounds = secrets.token_bytes(12), 101
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _own_name() -> str:
    """Who mosquitto runs as: ourselves, or it could not read its files."""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:  # a number without a name; mosquitto changes nothing unless it is root
        return "root"


def _dying_with_parent() -> Callable[[], None] | None:
    """What a child does so that the kernel ends it with its parent; None where there is no such call."""
    if not sys.platform.startswith("linux"):
        return None
    # Looked up now: between fork and exec nothing but the call itself is safe.
    prctl = ctypes.CDLL(None).prctl

    def ask() -> None:
        prctl(_DIES_WITH_PARENT, signal.SIGKILL, 0, 0, 0)

    return ask
