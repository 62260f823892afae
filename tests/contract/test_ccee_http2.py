"""HTTP/2 where TLS settles on it, HTTP/1.1 everywhere else: the CCEE client against a tiny server on the loopback."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
import trustme

from ccee_other import example, page
from wattdeck.systems.ccee.client import CceeClient
from wattdeck.systems.ccee.errors import AnswerError

h2_connection = pytest.importorskip("h2.connection")
h2_config = pytest.importorskip("h2.config")
h2_events = pytest.importorskip("h2.events")

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


class TinyServer:
    """Answers tokens and one page of migrations, in whichever protocol TLS settled on."""

    def __init__(self) -> None:
        self.protocols: list[str] = []
        """Of each connection."""
        self.headers: list[dict[str, str]] = []
        self.goodbye_after = 10**6
        """Close a connection, without a word, after that many answers; a DELETE closes it at once."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        protocol = writer.get_extra_info("ssl_object").selected_alpn_protocol() or "none"
        self.protocols.append(protocol)
        try:
            await (self._http2(reader, writer) if protocol == "h2" else self._http1(reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _http1(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:-2])}
            await reader.readexactly(int(headers.get("content-length", "0")))
            body = self._answer({":path": lines[0].split()[1], **headers})
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            await writer.drain()

    async def _http2(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = h2_connection.H2Connection(h2_config.H2Configuration(client_side=False, header_encoding="utf-8"))
        connection.initiate_connection()
        writer.write(connection.data_to_send())
        asked: dict[int, dict[str, str]] = {}
        answered = 0
        while answered < self.goodbye_after and (data := await reader.read(65_536)):
            for event in connection.receive_data(data):
                if isinstance(event, h2_events.RequestReceived):
                    asked[event.stream_id] = dict(event.headers)
                elif isinstance(event, h2_events.StreamEnded):
                    if asked[event.stream_id][":method"] == "DELETE":
                        return
                    body = self._answer(asked[event.stream_id])
                    connection.send_headers(event.stream_id, [(":status", "200")])
                    connection.send_data(event.stream_id, body, end_stream=True)
                    answered += 1
            writer.write(connection.data_to_send())
            await writer.drain()

    def _answer(self, headers: dict[str, str]) -> bytes:
        self.headers.append(headers)
        answer: Any = example("token") if headers[":path"].endswith("/token") else page("m1")
        return json.dumps(answer).encode()


@asynccontextmanager
async def served(
    server: TinyServer, authority: trustme.CA, tmp_path: Path, *protocols: str
) -> AsyncIterator[CceeClient]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    if protocols:
        context.set_alpn_protocols([*protocols])
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=context)
    url = f"https://localhost:{listener.sockets[0].getsockname()[1]}"
    client = CceeClient("CID", lambda: "sesame", agent_code=200000, url=url, ca_file=ca_file, timeout_s=5)
    try:
        yield client
    finally:
        await client.aclose()
        listener.close()
        await listener.wait_closed()


async def ids(client: CceeClient) -> list[str]:
    return [each.migration_id async for each in client.list_migrations("2026-01", "2026-12", 200100)]


async def test_http2_is_spoken_when_offered_over_one_connection(authority: trustme.CA, tmp_path: Path) -> None:
    server = TinyServer()
    async with served(server, authority, tmp_path, "h2", "http/1.1") as client:
        assert await ids(client) == ["m1"]
        async with anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(ids, client)
    assert server.protocols == ["h2"]
    assert len(server.headers) == 10
    assert server.headers[-1]["codigoagente"] == "200000"
    assert server.headers[-1]["codigoperfil"] == "200100"
    assert server.headers[-1]["accept"] == "application/json"


@pytest.mark.parametrize(("offered", "spoken"), [(["http/1.1"], "http/1.1"), ([], "none")])
async def test_http1_is_spoken_where_nothing_better_is_offered(
    authority: trustme.CA, tmp_path: Path, offered: list[str], spoken: str
) -> None:
    server = TinyServer()
    async with served(server, authority, tmp_path, *offered) as client:
        assert await ids(client) == ["m1"]
    assert server.protocols == [spoken]


async def test_without_h2_installed_http1_is_spoken(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "h2" else find(name, *rest))
    server = TinyServer()
    async with served(server, authority, tmp_path, "h2", "http/1.1") as client:
        assert await ids(client) == ["m1"]
    assert server.protocols == ["http/1.1"]


async def test_a_kept_connection_found_dead_is_replaced_for_reads(authority: trustme.CA, tmp_path: Path) -> None:
    server = TinyServer()
    server.goodbye_after = 2
    async with served(server, authority, tmp_path, "h2") as client:
        assert await ids(client) == ["m1"]
        assert await ids(client) == ["m1"]
    assert server.protocols == ["h2", "h2"]


async def test_a_write_on_a_connection_cut_before_the_answer_is_unknown(authority: trustme.CA, tmp_path: Path) -> None:
    server = TinyServer()
    async with served(server, authority, tmp_path, "h2") as client:
        with pytest.raises(AnswerError, match="read the state back"):
            await client.cancel_migration("m1", 200100)
