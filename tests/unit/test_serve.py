"""The simulator on a real loopback port: what only a socket can show."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import httpx
import pytest

from wattdeck.core.asgi import AsgiApp, ConnectionDropped, Message, Receive, Send
from wattdeck.core.errors import UsageError
from wattdeck.core.serve import serve
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span.simulator import SpanSimulator

pytestmark = pytest.mark.anyio
IMPATIENT = httpx.Timeout(30, read=0.05)


@asynccontextmanager
async def served(app: AsgiApp, *, host: str = "127.0.0.1", keep_alive_s: float = 5.0) -> AsyncIterator[str]:
    """Serve an app on a free port; yields its address."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(app, host, 0, ready.set_result, keep_alive_s=keep_alive_s))
    task.add_done_callback(lambda _: ready.done() or ready.cancel())
    try:
        yield await ready
    finally:
        task.cancel()
        await asyncio.wait({task})


def span(**faults: str | None) -> SpanSimulator:
    return SpanSimulator(SimulatorOptions(faults=faults))


async def _ask(connection: socket.socket, path: str = "/api/v1/status") -> bytes:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, f"GET {path} HTTP/1.1\r\nHost: panel\r\n\r\n".encode())
    return await loop.sock_recv(connection, 65536)


async def _connect(url: httpx.URL) -> socket.socket:
    connection = socket.socket()
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, (url.host, url.port or 0))
    return connection


async def test_the_address_reported_is_the_one_that_answers() -> None:
    async with served(span().app) as url, httpx.AsyncClient(base_url=url) as http:
        answer = await http.get("/api/v1/status")
        assert answer.status_code == 200 and answer.headers["x-wattdeck-simulator"] == "span"
        assert "server" not in answer.headers


async def test_an_ipv6_host_is_bracketed_in_the_address() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.skip("no IPv6 loopback here")
    for host in ("::1", "[::1]"):
        async with served(span().app, host=host) as url, httpx.AsyncClient() as http:
            assert url.startswith("http://[::1]:")
            assert (await http.get(f"{url}/api/v1/status")).status_code == 200


async def test_a_taken_port_and_a_foreign_address_are_said_in_words() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} on 127.0.0.1 is taken"):
            await serve(span().app, "127.0.0.1", port, print)
    with pytest.raises(UsageError, match="not an address of this machine"):
        await serve(span().app, "192.0.2.1", 0, print)
    with pytest.raises(UsageError, match="cannot listen"):
        await serve(span().app, "127.0.0.1", 99999, print)


async def test_one_port_for_http_and_https_is_said_in_words() -> None:
    with socket.socket() as held:
        # Bound and not listening: nobody else gets this port, and a server may.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        https = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), port)
        with pytest.raises(UsageError, match=f"port {port} on 127.0.0.1 is taken"):
            await serve(span().app, "127.0.0.1", port, print, https=https)


async def test_requests_share_a_connection_until_it_idles_too_long() -> None:
    async with served(span().app, keep_alive_s=0.05) as url:
        connection = await _connect(httpx.URL(url))
        with connection:
            assert (await _ask(connection)).startswith(b"HTTP/1.1 200")
            assert (await _ask(connection)).startswith(b"HTTP/1.1 200")
            with anyio.fail_after(5):
                assert await asyncio.get_running_loop().sock_recv(connection, 1) == b"", "closed by the server"


async def test_close_ends_the_connection_without_a_byte() -> None:
    async with served(span(close=None).app) as url:
        connection = await _connect(httpx.URL(url))
        with connection, anyio.fail_after(5):
            assert await _ask(connection) == b""
        async with httpx.AsyncClient(base_url=url) as http:
            with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
                await http.get("/api/v1/status")
            await http.post("/_sim/clear")
            assert (await http.get("/api/v1/status")).status_code == 200


async def test_cut_short_ends_the_connection_inside_the_body() -> None:
    simulator = SpanSimulator(SimulatorOptions(faults={"cut-short": None}))
    async with served(simulator.app) as url, httpx.AsyncClient(base_url=url) as http:
        with pytest.raises(httpx.RemoteProtocolError, match=r"incomplete|without sending complete"):
            await http.get("/api/v1/status")


async def test_hang_lasts_until_the_client_gives_up_and_does_not_hold_up_the_end() -> None:
    async with served(span(hang=None).app) as url, httpx.AsyncClient(base_url=url, timeout=IMPATIENT) as http:
        with pytest.raises(httpx.ReadTimeout):
            await http.get("/api/v1/status")


async def test_drip_sends_the_body_byte_by_byte() -> None:
    async with served(span(drip="0").app) as url, httpx.AsyncClient(base_url=url) as http:
        async with http.stream("GET", "/api/v1/status") as answer:
            pieces = [piece async for piece in answer.aiter_raw()]
        assert len(pieces) > 1 and b"".join(pieces).startswith(b'{"software"')


async def test_refuse_closes_the_port_and_opens_it_again() -> None:
    async with served(span().app) as url, httpx.AsyncClient(base_url=url) as http:
        set_fault = await http.post("/_sim/fault", json={"name": "refuse", "value": 1.0})
        assert set_fault.status_code == 200
        with pytest.raises(httpx.ConnectError):
            await http.get("/api/v1/status")
        with anyio.fail_after(10):
            while True:
                try:
                    answer = await http.get("/api/v1/status")
                except httpx.ConnectError:
                    await asyncio.sleep(0.02)
                else:
                    break
        assert answer.status_code == 200


async def test_connection_close_is_honoured() -> None:
    simulator = SpanSimulator(SimulatorOptions(faults={"connection-close": None}))
    async with served(simulator.app) as url:
        connection = await _connect(httpx.URL(url))
        with connection, anyio.fail_after(5):
            assert b"connection: close" in (await _ask(connection)).lower()
            assert await asyncio.get_running_loop().sock_recv(connection, 1) == b""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_serving_and_the_old_handler_returns(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with anyio.fail_after(10):
        await serve(span().app, "127.0.0.1", 0, lambda _: os.kill(os.getpid(), number))
    assert signal.getsignal(number) is before


async def test_an_app_may_drop_a_connection_after_the_head() -> None:
    async def app(scope: Message, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
        raise ConnectionDropped

    async with served(app) as url, httpx.AsyncClient() as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get(url)
