"""An httpx transport to an ASGI app in this process that fails the way a network does.

`httpx.ASGITransport` lets an app answer or raise; it cannot be slow, silent or cut off. This one keeps the
client's read time-out, and turns the two exceptions below into the errors httpx raises for a real connection.
On a real port `wattdeck.core.serve` gives them the same meaning.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio

from wattdeck.core.lazy_httpx import prepare_httpx

prepare_httpx()

import httpx  # noqa: E402

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class ConnectionDropped(Exception):
    """Raised by an app to close the connection here and now, with the answer unfinished or not begun."""


class ConnectionRefused(Exception):
    """Raised by an app that is to look as if nothing listened on its port."""

    def __init__(self, duration_s: float) -> None:
        super().__init__(f"refusing connections for {duration_s:g} s")
        self.duration_s = duration_s
        """How long a real port stays closed, seconds."""


class SimulatedTransport(httpx.AsyncBaseTransport):
    """Carries requests to one ASGI app, whatever origin they name."""

    def __init__(self, app: AsgiApp) -> None:
        self.app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Run the app to its end and return what it sent.

        Raises:
            httpx.ReadTimeout: nothing came from the app for as long as the request's read time-out.
            httpx.RemoteProtocolError: the app dropped the connection.
            httpx.ConnectError: the app refused the connection.
        """
        body = await request.aread()
        exchange = _Exchange(body, request.extensions.get("timeout", {}).get("read"))
        try:
            with exchange.patience:
                await self.app(_scope(request), exchange.receive, exchange.send)
        except ConnectionRefused:
            if not exchange.complete:
                raise httpx.ConnectError("All connection attempts failed", request=request) from None
        except ConnectionDropped:
            if not exchange.complete:
                raise httpx.RemoteProtocolError(exchange.cut_off(), request=request) from None
        if not exchange.complete:
            if exchange.patience.cancelled_caught:
                raise httpx.ReadTimeout("", request=request)
            raise httpx.RemoteProtocolError(exchange.cut_off(), request=request)
        return httpx.Response(
            exchange.status_code, headers=exchange.headers, content=bytes(exchange.body), request=request
        )


class _Exchange:
    """One request and its answer."""

    def __init__(self, request_body: bytes, read_timeout_s: float | None) -> None:
        self._request_body: bytes | None = request_body
        self._read_timeout_s = read_timeout_s
        self.patience = anyio.CancelScope()
        self._listen_again()
        self.status_code = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = bytearray()
        self.complete = False

    def _listen_again(self) -> None:
        if self._read_timeout_s is not None:
            self.patience.deadline = anyio.current_time() + self._read_timeout_s

    async def receive(self) -> Message:
        """The request's body once, then silence: a client in this process never hangs up on its own."""
        if self._request_body is None:
            await anyio.sleep_forever()
        body, self._request_body = self._request_body, None
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(self, message: Message) -> None:
        self._listen_again()
        if message["type"] == "http.response.start":
            self.status_code = message["status"]
            self.headers = list(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self.body += message.get("body", b"")
            self.complete = not message.get("more_body", False)

    def cut_off(self) -> str:
        """What httpx says of a connection closed at this point."""
        if not self.status_code:
            return "Server disconnected without sending a response."
        received = f"(received {len(self.body)} bytes)"
        return f"peer closed connection without sending complete message body {received}"


def _scope(request: httpx.Request) -> dict[str, Any]:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.split(b"?")[0],
        "query_string": url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "server": (url.host, url.port),
        "client": ("127.0.0.1", 1),
    }
