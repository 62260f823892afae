"""An ASGI app on a real port: what `wattdeck simulate` runs. Loads uvicorn: import it where it is needed."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import signal
import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from wattdeck.core.asgi import AsgiApp, ConnectionDropped, ConnectionRefused, Message, Receive, Send
from wattdeck.core.errors import UsageError
from wattdeck.core.language import tr

KEEP_ALIVE_S = 5.0
"""Idle connections are closed after this, as a SPAN panel does (span.md 2)."""

STOP_WITHIN_S = 1
"""Requests still open at the end get this long."""


async def serve(
    app: AsgiApp,
    host: str,
    port: int,
    on_ready: Callable[..., None],
    *,
    keep_alive_s: float = KEEP_ALIVE_S,
    https: tuple[ssl.SSLContext, int] | None = None,
) -> None:
    """Serve until SIGINT, SIGTERM or cancellation.

    Args:
        app: May raise `ConnectionDropped` and `ConnectionRefused` instead of answering.
        host: Name or address to bind, IPv6 without brackets.
        port: 0 takes any free port.
        on_ready: Called once with the address in use, `http://host:port`, when connections are accepted; then with
            `https://host:port` as well if there is one.
        keep_alive_s: Idle connections are closed after this.
        https: Context and port to serve the same over TLS.

    Raises:
        UsageError: an address cannot be bound.
    """
    host = host.removeprefix("[").removesuffix("]")
    shown_host = f"[{host}]" if ":" in host else host
    servers: list[_Server] = []
    ready: list[str] = []

    def stop() -> None:
        for server in servers:
            server.stop()

    def up() -> None:
        if all(server.started for server in servers):
            on_ready(*ready)

    with contextlib.ExitStack() as sockets, _stop_signals(stop):
        for scheme, wanted, context in (("http", port, None), *([("https", https[1], https[0])] if https else [])):
            sock = sockets.enter_context(contextlib.closing(_bind(host, wanted)))
            servers.append(_Server(app, sock, keep_alive_s=keep_alive_s, context=context, together=servers, on_up=up))
            ready.append(f"{scheme}://{shown_host}:{sock.getsockname()[1]}")
        serving = [asyncio.ensure_future(server.serve(sockets=[server.sock])) for server in servers]
        try:
            await asyncio.gather(*serving)
        finally:
            for server, task in zip(servers, serving, strict=True):
                server.end()
                task.cancel()


class _Server(uvicorn.Server):
    """uvicorn, silent, without its signal handling, and able to be away for a while."""

    def __init__(
        self,
        app: AsgiApp,
        sock: socket.socket,
        *,
        keep_alive_s: float,
        context: ssl.SSLContext | None,
        together: Sequence[_Server],
        on_up: Callable[[], None],
    ) -> None:
        def connection(*args: Any, **kwargs: Any) -> _Connection:
            return _Connection(*args, keep_alive_s=keep_alive_s, refuse=self._refuse_all, **kwargs)

        config = uvicorn.Config(
            app,
            http=connection,  # type: ignore[arg-type]
            ws="none",
            lifespan="off",
            interface="asgi3",
            access_log=False,
            log_config=None,
            log_level=60,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=STOP_WITHIN_S,
        )
        config.load()
        config.ssl = context
        super().__init__(config)
        self.sock = sock
        self._on_up: Callable[[], None] | None = on_up
        self._address = sock.getsockname()
        self._together = together
        self._away: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._on_up is not None:
            self._on_up()
            self._on_up = None

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()

    def stop(self) -> None:
        """Ask the server to end."""
        self.should_exit = True

    def _refuse_all(self, duration_s: float) -> None:
        for server in self._together:
            server.refuse(duration_s)

    def refuse(self, duration_s: float) -> None:
        """Close the port and every connection; listen again after `duration_s`."""
        if self._away is None or self._away.done():
            self._away = asyncio.get_running_loop().create_task(self._be_away(duration_s))

    async def _be_away(self, duration_s: float) -> None:
        for server in self.servers:
            server.close()
        self.hang_up()
        await asyncio.sleep(duration_s)
        if not self.should_exit:
            await super().startup([_bind(self._address[0], self._address[1])])

    def hang_up(self) -> None:
        """Close every connection."""
        for connection in list(self.server_state.connections):
            if isinstance(connection, _Connection):
                connection.transport.close()

    def end(self) -> None:
        """Close what a cancelled server left open."""
        self.should_exit = True
        if self._away is not None:
            self._away.cancel()
        for server in getattr(self, "servers", ()):
            server.close()
        self.hang_up()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._away is not None:
            self._away.cancel()
        await super().shutdown(sockets)


class _Connection(H11Protocol):
    """One connection whose app may drop it."""

    def __init__(self, *args: Any, keep_alive_s: float, refuse: Callable[[float], None], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.timeout_keep_alive = keep_alive_s  # type: ignore[assignment]
        self._refuse = refuse
        self._answer = self.app
        self.app = self._run

    async def _run(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        try:
            await self._answer(scope, receive, send)
        except ConnectionRefused as refusal:
            self._refuse(refusal.duration_s)
            await self._drop(receive)
        except ConnectionDropped:
            await self._drop(receive)

    async def _drop(self, receive: Receive) -> None:
        """Close after what was sent, and wait until it is closed: uvicorn would answer 500 on an open one."""
        self.transport.close()
        message: Message = {}
        while message.get("type") != "http.disconnect":
            message = await receive()


def _bind(host: str, port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise UsageError(tr("cannot listen on port {port}: ports go from 0 to 65535", port=port))
    try:
        family, kind, proto, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError, OverflowError) as error:
        raise UsageError(
            tr("cannot listen on {host} port {port}: {error}", host=host, port=port, error=error)
        ) from None
    sock = socket.socket(family, kind, proto)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        # Two sockets may be bound to one port; only one of them may listen.
        sock.listen()
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        raise UsageError(_why_not_bound(error, host, port)) from None
    return sock


def _why_not_bound(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return tr(
            "port {port} on {host} is taken already; choose another, or 0 for any free one",
            port=port,
            host=host,
        )
    if error.errno == errno.EACCES:
        return tr(
            "port {port} on {host} needs rights this user does not have; choose one above 1023", port=port, host=host
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return tr("{host} is not an address of this machine", host=host)
    return tr("cannot listen on {host} port {port}: {reason}", host=host, port=port, reason=error.strerror or error)


@contextlib.contextmanager
def _stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` on SIGINT and SIGTERM where signals can be taken (main thread); restore them afterwards."""
    loop = asyncio.get_running_loop()
    taken: list[tuple[signal.Signals, Any]] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        before = signal.getsignal(number)
        with contextlib.suppress(ValueError, RuntimeError, NotImplementedError):
            loop.add_signal_handler(number, stop)
            taken.append((number, before))
    try:
        yield
    finally:
        for number, before in taken:
            loop.remove_signal_handler(number)
            signal.signal(number, before)
