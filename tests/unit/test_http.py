"""The shared HTTP layer: one request method, its faults in words, its retries, and what never gets into a log."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import trustme

from wattdeck.core.errors import (
    BadAnswer,
    Busy,
    ConfigError,
    SourceError,
    TimedOut,
    Unreachable,
)
from wattdeck.core.http import (
    NO_RETRY,
    Answer,
    Http,
    HttpClients,
    RetryPolicy,
    Timeouts,
    origin_of,
    register_secret,
)

pytestmark = pytest.mark.anyio

ORIGIN = "http://panel.test"
Handler = Callable[[httpx.Request], httpx.Response]


class FakeClock:
    """Time that passes only when slept."""

    def __init__(self) -> None:
        self.time_s = 1000.0
        self.slept_s: list[float] = []

    def now(self) -> datetime:
        return datetime(2026, 5, 1, 12, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.time_s

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.time_s += seconds


class Script:
    """Plays one outcome per request: an exception is raised, a response returned; the last one repeats."""

    def __init__(self, *outcomes: Exception | httpx.Response | int) -> None:
        self.outcomes = list(outcomes)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return httpx.Response(outcome, json={}) if isinstance(outcome, int) else outcome


def http_for(handler: Handler, clock: FakeClock | None = None) -> Http:
    mounts = {ORIGIN: httpx.MockTransport(handler)}
    return HttpClients(mounts=mounts, clock=clock or FakeClock(), random=lambda: 0.5).get(ORIGIN)


async def read(http: Http, path: str = "/x", *, retry: RetryPolicy = NO_RETRY, deadline_s: float = 5) -> Answer:
    return await http.request("GET", path, repeatable=True, retry=retry, deadline_s=deadline_s)


async def write(http: Http, *, retry: RetryPolicy = NO_RETRY, deadline_s: float = 5) -> Answer:
    return await http.request("POST", "/x", json={"a": 1}, repeatable=False, retry=retry, deadline_s=deadline_s)


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def served(serve: Serve, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A loopback server; `serve` plays one connection."""

    async def play(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(play, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def head(reader: asyncio.StreamReader) -> bytes:
    return await reader.readuntil(b"\r\n\r\n")


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def http_to(port: int, *, tls: bool = False, ca_file: Path | None = None) -> AsyncIterator[Http]:
    clients = HttpClients(clock=FakeClock())
    try:
        yield clients.get(origin_of("127.0.0.1", port, tls=tls), ca_file=ca_file)
    finally:
        await clients.aclose()


# What is sent


async def test_a_request_carries_compact_json_and_the_given_headers() -> None:
    script = Script(200)
    http = http_for(script)
    await http.request("POST", "/a/b%2Fc?d=1", json={"a": "ü", "b": [1, 2]}, headers={"X-Y": "z"}, repeatable=False)
    sent = script.requests[0]
    assert sent.method == "POST"
    assert sent.url.raw_path == b"/a/b%2Fc?d=1"
    assert sent.content == '{"a":"ü","b":[1,2]}'.encode()
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["x-y"] == "z"
    assert sent.headers["host"] == "panel.test"
    assert sent.headers["accept-encoding"] == "gzip, deflate"


async def test_redirects_are_handed_back_and_not_followed() -> None:
    script = Script(httpx.Response(302, headers={"Location": "http://elsewhere.test/"}))
    assert (await read(http_for(script))).status_code == 302
    assert len(script.requests) == 1


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(OK)
        await writer.drain()

    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    async with served(serve) as port, http_to(port) as http:
        assert (await read(http)).body == b"{}"


async def test_one_connection_serves_many_requests_and_closing_then_asking_opens_another() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await head(reader)
            writer.write(OK)
            await writer.drain()

    async with served(serve) as port, http_to(port) as http:
        for _ in range(3):
            await read(http)
        assert connections == 1
        await http.aclose()
        assert (await read(http)).status_code == 200
        assert connections == 2


# Clients


def test_one_http_per_origin_however_it_is_spelt() -> None:
    clients = HttpClients()
    assert clients.get("http://Panel.test:80/") is clients.get("http://panel.test")
    assert clients.get("http://panel.test:8080") is not clients.get("http://panel.test")


async def test_with_only_mounted_no_other_origin_can_be_reached() -> None:
    clients = HttpClients(mounts={ORIGIN: httpx.MockTransport(Script(200))}, only_mounted=True)
    assert (await read(clients.get(ORIGIN + ":80"))).status_code == 200
    with pytest.raises(Unreachable, match="not part of the demo"):
        await read(clients.get("http://127.0.0.1:9"))


# Faults, in words


async def test_a_refused_connection_is_named() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    async with http_to(port) as http:
        with pytest.raises(Unreachable, match=rf"127\.0\.0\.1:{port} \(GET /x\): the connection was refused"):
            await read(http, "/x?token=sesame")


async def test_a_name_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    async def lookup(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr("anyio._core._sockets.getaddrinfo", lookup)
    http = HttpClients().get("http://no-such-panel.test")
    with pytest.raises(Unreachable, match=r"the name no-such-panel\.test was not found"):
        await read(http)
    await http.aclose()


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "try again"), "DNS work"),
        (OSError(113, "No route to host"), "no route to host"),
        (OSError(101, "Network is unreachable"), "network cannot be reached"),
        (ExceptionGroup("two", [OSError(113, "x"), OSError(113, "y")]), "no route to host"),
        (ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] x"), "does that port speak TLS"),
        (None, "no connection could be made"),
    ],
)
async def test_the_reason_behind_a_failed_connection_is_told(cause: BaseException | None, words: str) -> None:
    error = httpx.ConnectError("All connection attempts failed")
    error.__cause__ = cause
    for send in (read, write):
        with pytest.raises(Unreachable, match=words):
            await send(http_for(Script(error)))


async def test_an_impossible_host_name_is_named() -> None:
    with pytest.raises(Unreachable, match="not a possible host name"):
        await read(HttpClients().get("http://xn--a" + "a" * 80 + "é.test"))


@pytest.mark.parametrize(
    ("fault", "for_a_read", "for_a_write"),
    [
        (httpx.ConnectError("x"), Unreachable, Unreachable),
        (httpx.ConnectTimeout("x"), Unreachable, Unreachable),
        (httpx.PoolTimeout("x"), Unreachable, Unreachable),
        (httpx.ReadTimeout("x"), TimedOut, TimedOut),
        (httpx.WriteTimeout("x"), TimedOut, TimedOut),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), Unreachable, BadAnswer),
        (httpx.ReadError("x"), Unreachable, BadAnswer),
        (httpx.WriteError("x"), Unreachable, BadAnswer),
        (httpx.CloseError("x"), Unreachable, BadAnswer),
        (httpx.RemoteProtocolError("illegal status line"), BadAnswer, BadAnswer),
        (httpx.LocalProtocolError("x"), Unreachable, BadAnswer),
    ],
)
async def test_unreachable_on_a_write_means_that_nothing_was_sent(
    fault: Exception, for_a_read: type[SourceError], for_a_write: type[SourceError]
) -> None:
    with pytest.raises(SourceError) as caught:
        await read(http_for(Script(fault)))
    assert type(caught.value) is for_a_read
    with pytest.raises(SourceError) as caught:
        await write(http_for(Script(fault)))
    assert type(caught.value) is for_a_write
    if for_a_write is not Unreachable:
        assert "whether it acted is not known" in str(caught.value)


async def test_silence_is_timed_out() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        await reader.read()

    async with served(serve) as port, http_to(port) as http:
        with pytest.raises(TimedOut, match="no complete answer in time"):
            await http.request("GET", "/x", repeatable=True, timeouts=Timeouts(1, 0.05), deadline_s=1)


async def test_a_body_dripped_slower_than_the_deadline_is_timed_out() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with served(serve) as port, http_to(port) as http:
        with pytest.raises(TimedOut):
            await read(http, deadline_s=0.15)


async def test_a_body_cut_short_is_a_bad_answer_and_not_repeated() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await head(reader)
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"a":')
        await writer.drain()

    async with served(serve) as port, http_to(port) as http:
        with pytest.raises(BadAnswer, match="cut short after 5 bytes"):
            await read(http, retry=RetryPolicy(3))
    assert connections == 1


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_over_the_cap_is_refused_and_the_connection_closed(announced: bool) -> None:
    closed = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        size = b"Content-Length: 6000000\r\n" if announced else b"Connection: close\r\n"
        writer.write(b"HTTP/1.1 200 OK\r\n" + size + b"\r\n")
        try:
            for _ in range(6000):
                writer.write(b"x" * 1000)
                await writer.drain()
            await reader.read()
        finally:
            closed.set()

    async with served(serve) as port, http_to(port) as http:
        with pytest.raises(BadAnswer, match="larger than 5 MB"):
            await read(http)
        await asyncio.wait_for(closed.wait(), 2)


async def test_a_small_body_that_unpacks_to_more_than_the_cap_is_refused() -> None:
    bomb = gzip.compress(b"0" * 5_000_001, mtime=0)
    response = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(bomb))
    with pytest.raises(BadAnswer, match="larger than 5 MB"):
        await read(http_for(Script(response)))


@pytest.mark.parametrize(
    ("packing", "body", "plain"),
    [
        ("gzip", gzip.compress(b'{"a":1}', mtime=0), b'{"a":1}'),
        ("deflate", __import__("zlib").compress(b"{}"), b"{}"),
        ("identity", b"{}", b"{}"),
        ("gzip", gzip.compress(b'{"a":1}' * 9, mtime=0)[:-12], None),
        ("gzip", b"not gzip", None),
        ("br", b"x", None),
    ],
)
async def test_packed_answers(packing: str, body: bytes, plain: bytes | None) -> None:
    response = httpx.Response(200, headers={"Content-Encoding": packing}, stream=httpx.ByteStream(body))
    http = http_for(Script(response))
    if plain is None:
        with pytest.raises(BadAnswer):
            await read(http)
    else:
        assert (await read(http)).body == plain


async def test_what_does_not_speak_http_is_a_bad_answer() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        await writer.drain()

    async with served(serve) as port, http_to(port) as http:
        with pytest.raises(BadAnswer, match="does not speak HTTP"):
            await read(http)


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


async def test_a_private_authority_is_trusted_through_its_ca_file(authority: trustme.CA, tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(OK)
        await writer.drain()

    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    other_file = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other_file))
    async with served(serve, server) as port:
        async with http_to(port, tls=True, ca_file=ca_file) as http:
            assert (await read(http)).body == b"{}"
        for wrong in (None, other_file):
            async with http_to(port, tls=True, ca_file=wrong) as http:
                with pytest.raises(Unreachable, match="certificate is not trusted"):
                    await write(http)


async def test_tls_to_a_plain_port_is_named(authority: trustme.CA) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with served(serve) as port, http_to(port, tls=True) as http:
        with pytest.raises(Unreachable, match="TLS failed"):
            await read(http)


def test_one_ssl_context_per_ca_file(authority: trustme.CA, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    clients = HttpClients()
    clients.get("https://a.test", ca_file=ca_file)
    clients.get("https://b.test", ca_file=ca_file)
    assert len(clients._contexts) == 1


@pytest.mark.parametrize(("text", "words"), [(None, "No such file"), ("not pem", "no PEM certificate")])
def test_an_unusable_ca_file_is_a_configuration_error(text: str | None, words: str, tmp_path: Path) -> None:
    ca_file = tmp_path / "ca.pem"
    if text is not None:
        ca_file.write_text(text)
    with pytest.raises(ConfigError, match=words):
        HttpClients().get("https://a.test", ca_file=ca_file)


# Repeating


@pytest.mark.parametrize(
    "fault",
    [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.ReadTimeout("x"), 502, 503, 504, 429],
)
async def test_what_may_pass_is_repeated_with_growing_delays(fault: Exception | int) -> None:
    clock, script = FakeClock(), Script(fault, fault, fault, 200)
    answer = await read(http_for(script, clock), retry=RetryPolicy(3, 0.1, 3.0))
    assert answer.status_code == 200
    assert clock.slept_s == pytest.approx([0.1, 0.3, 0.9])


async def test_the_last_error_is_raised_when_repetitions_run_out() -> None:
    clock, script = FakeClock(), Script(httpx.ConnectError("x"), 502, 503)
    with pytest.raises(Busy) as caught:
        await read(http_for(script, clock), retry=RetryPolicy(2))
    assert caught.value.status_code == 503
    assert len(script.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 404, 412, 422, 500, 501])
async def test_other_statuses_are_answers_and_not_repeated(status: int) -> None:
    script = Script(status)
    assert (await read(http_for(script), retry=RetryPolicy(3))).status_code == status
    assert len(script.requests) == 1


@pytest.mark.parametrize("fault", [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.ReadError("x"), 503])
async def test_a_write_is_sent_once_whatever_the_policy_says(fault: Exception | int) -> None:
    clock, script = FakeClock(), Script(200, fault)
    http = http_for(script, clock)
    await write(http)
    with pytest.raises(SourceError):
        await write(http, retry=RetryPolicy(5))
    assert len(script.requests) == 2
    assert clock.slept_s == []


@pytest.mark.parametrize(
    ("header", "slept_s"),
    [("7", 7.0), ("9999", 30.0), ("Fri, 01 May 2026 12:00:12 GMT", 12.0), ("soon", 0.5), ("0", 0.5)],
)
async def test_retry_after_is_honoured_up_to_the_cap(header: str, slept_s: float) -> None:
    clock = FakeClock()
    script = Script(httpx.Response(503, headers={"Retry-After": header}), 200)
    await read(http_for(script, clock), retry=RetryPolicy(1))
    assert clock.slept_s == pytest.approx([slept_s])


def test_delays_vary_with_jitter_and_never_exceed_the_cap() -> None:
    policy = RetryPolicy(9, 1.0, 2.0, cap_s=5.0, jitter=0.2)
    assert policy.delay_s(0, lambda: 0.0) == pytest.approx(0.8)
    assert policy.delay_s(0, lambda: 1.0) == pytest.approx(1.2)
    assert policy.delay_s(8, lambda: 1.0) == 5.0
    assert policy.delay_s(10_000, lambda: 0.5) == 5.0


@pytest.mark.parametrize("wrong", [(-1,), (0, -0.1), (0, 0.5, 0.9), (0, 0.5, 2.0, -1.0), (0, 0.5, 2.0, 1.0, 2.0)])
def test_an_impossible_policy_is_refused(wrong: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="must be"):
        RetryPolicy(*wrong)  # type: ignore[arg-type]


# Kept connections


@pytest.mark.parametrize(
    "fault",
    [
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
        httpx.ReadError("x"),
        httpx.WriteError("x"),
        httpx.CloseError("x"),
    ],
)
async def test_a_dead_kept_connection_is_replaced_at_once_and_not_counted(fault: Exception) -> None:
    clock, script = FakeClock(), Script(200, fault, 200)
    http = http_for(script, clock)
    await read(http)
    assert (await read(http)).status_code == 200
    assert len(script.requests) == 3
    assert clock.slept_s == []


async def test_a_new_connection_that_breaks_is_an_error() -> None:
    script = Script(httpx.ReadError("x"), 200)
    with pytest.raises(Unreachable, match="closed without an answer"):
        await read(http_for(script))
    assert len(script.requests) == 1


async def test_replacing_happens_once() -> None:
    script = Script(200, httpx.ReadError("x"))
    http = http_for(script)
    await read(http)
    with pytest.raises(Unreachable):
        await read(http)
    assert len(script.requests) == 3


async def test_a_server_that_closes_idle_connections_is_never_noticed() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await head(reader)
        writer.write(OK)
        await writer.drain()
        if connections > 1:
            await head(reader)  # the second connection dies when it is used again

    async with served(serve) as port, http_to(port) as http:
        for _ in range(3):
            assert (await read(http)).status_code == 200
            await asyncio.sleep(0.02)
    assert connections == 3


async def test_errors_name_host_and_path_but_no_query_and_no_token() -> None:
    register_secret("sesame-open")
    with pytest.raises(TimedOut) as caught:
        await read(http_for(Script(httpx.ReadTimeout("x"))), "/a/sesame-open/b?key=sesame")
    assert str(caught.value).startswith("panel.test (GET /a/***/b): ")
    assert "sesame" not in str(caught.value)


# Loading


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_httpx_is_loaded_without_its_command_line_and_leaves_no_trace() -> None:
    code = (
        "import sys; from wattdeck.core.lazy_httpx import prepare_httpx; prepare_httpx(); import httpx;"
        "assert not {'rich', 'pygments', 'click', 'httpx._main'} & set(sys.modules), sorted(sys.modules);"
        "import httpx._main; assert callable(httpx._main.main); prepare_httpx(); print(httpx.__version__)"
    )
    assert run_python(code) == httpx.__version__


def test_connections_are_opened_without_http2_until_one_settles_on_it() -> None:
    code = (
        "import ssl, sys; from wattdeck.core.transport import open_transport;"
        "open_transport(ssl.create_default_context(), http2=True, connections=1);"
        "assert 'httpcore' in sys.modules and 'h2' not in sys.modules, sorted(sys.modules);"
        "from httpcore._async.http2 import AsyncHTTP2Connection; print('h2' in sys.modules)"
    )
    assert run_python(code) == "True"


def test_the_http_layer_loads_httpx_with_the_first_request_only() -> None:
    code = (
        "import sys; import wattdeck.core.http, wattdeck.systems.span.client as c; c.SpanClient('127.0.0.1');"
        "print(sorted({'httpx', 'tenacity', 'textual', 'pydantic'} & set(sys.modules)))"
    )
    assert run_python(code) == "[]"
