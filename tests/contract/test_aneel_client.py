"""The ANEEL client against recorded answers: what it sends, how often, and what it makes of silence."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from fakes import ManualClock
from wattdeck.core.errors import BadAnswer, SourceError, TimedOut, Unreachable, UsageError
from wattdeck.core.http import HttpClients
from wattdeck.systems.aneel.client import AneelClient
from wattdeck.systems.aneel.codes import CHANNELS, TYPOLOGIES
from wattdeck.systems.aneel.errors import (
    AneelError,
    AuthRefused,
    Broken,
    NoAnswer,
    NoData,
    NotReached,
    RateLimited,
    UnexpectedStatus,
)
from wattdeck.systems.aneel.models import SLOT
from wattdeck.systems.aneel.pace import WINDOW_S
from wattdeck.systems.aneel.places import check_digit_ok, state_of
from wattdeck.systems.aneel.times import slot_of
from wattdeck.systems.aneel.wire import PATHS, PAYLOADS, read_demand, read_demands, read_outages

pytestmark = pytest.mark.anyio

FIXTURES = Path(__file__).parent.parent / "fixtures" / "aneel"
ORIGIN = "https://api.distribuidora.example"
KEY = "k3y-of-the-distributor"
PROTOCOL = "RR0020260000431"


class RecordedServer:
    """Plays the recorded answers; `faults` are used up first, one by one."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.requests: list[httpx.Request] = []
        self.at_s: list[float] = []
        self.faults: list[Any] = []
        self.takes_s = 0.5
        self.gate: anyio.Event | None = None
        self.at_once = self.most_at_once = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.at_s.append(self.clock.monotonic())
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.gate is not None:
                await self.gate.wait()
            await anyio.lowlevel.checkpoint()
            self.clock.advance(self.takes_s)
            return self._answer(request)
        finally:
            self.at_once -= 1

    def _answer(self, request: httpx.Request) -> httpx.Response:
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Exception):
            raise fault
        if isinstance(fault, httpx.Response):
            return fault
        if request.headers.get("x-api-key") != KEY:
            return httpx.Response(401, content=body("detail_401"))
        route = next(route for route, path in PATHS.items() if request.url.path == f"/radar/{path}")
        return httpx.Response(200, content=body(route), headers={"X-Server": "A"})

    def sent(self) -> list[str]:
        return [request.url.raw_path.decode() for request in self.requests]


def body(name: str) -> bytes:
    return (FIXTURES / f"{name}.json").read_bytes()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def server(clock: ManualClock) -> RecordedServer:
    return RecordedServer(clock)


@pytest.fixture
def client(server: RecordedServer, clock: ManualClock) -> AneelClient:
    return connect(server, clock)


def connect(
    server: RecordedServer, clock: ManualClock, key: Callable[[], str] = lambda: KEY, **more: Any
) -> AneelClient:
    clients = HttpClients(mounts={ORIGIN: httpx.MockTransport(server)}, clock=clock, only_mounted=True)
    return AneelClient(f"{ORIGIN}/radar", key, clients=clients, clock=clock, random=lambda: 0.5, **more)


# The contract: recorded answers and simulator alike


def recorded(clock: ManualClock) -> tuple[AneelClient, str]:
    return connect(RecordedServer(clock), clock), PROTOCOL


def simulated(clock: ManualClock, **faults: str) -> tuple[AneelClient, str]:
    from wattdeck.core.asgi import SimulatedTransport
    from wattdeck.core.system import SimulatorOptions
    from wattdeck.systems.aneel.simulator import KEY as SIMULATORS_KEY
    from wattdeck.systems.aneel.simulator import AneelSimulator

    options = SimulatorOptions(seed=3, start=clock.now(), faults=dict(faults))
    simulator = AneelSimulator(options, monotonic=clock.monotonic, sleep=clock.sleep)
    clients = HttpClients(mounts={ORIGIN: SimulatedTransport(simulator.app)}, clock=clock, only_mounted=True)
    client = AneelClient(ORIGIN, lambda: SIMULATORS_KEY, clients=clients, clock=clock)
    return client, simulator.protocols()[0]


@pytest.mark.parametrize("backend", [recorded, simulated])
class TestContract:
    """What must hold whoever answers."""

    async def test_outages_now_and_earlier_are_read(self, backend: Any, clock: ManualClock) -> None:
        client, _ = backend(clock)
        for at in (None, slot_of(clock.now()) - SLOT):
            found = read_outages(await client.outages(at))
            assert found.rows and found.skipped == 0 and "@" in found.email
            for row in found.rows:
                assert row.customers_served is not None and row.out > 0 and row.planned_out <= row.customers_served
                assert state_of(row.municipality_code) == "RR" and check_digit_ok(row.municipality_code)

    async def test_demands_are_read(self, backend: Any, clock: ManualClock) -> None:
        counts = read_demands(await backend(clock)[0].demands())
        assert counts and all(count.typology in TYPOLOGIES and count.channel in CHANNELS for count in counts)

    async def test_a_demand_is_read_by_its_protocol(self, backend: Any, clock: ManualClock) -> None:
        client, protocol = backend(clock)
        found = read_demand(await client.demand(protocol))
        assert found is not None and found.protocol == protocol
        assert found.opened_at is not None and found.document_number and found.holder_name and found.consumer_unit

    async def test_ten_requests_in_a_row_are_all_answered(self, backend: Any, clock: ManualClock) -> None:
        client, _ = backend(clock)
        assert [(await client.outages()).status_code for _ in range(12)] == [200] * 12


async def test_an_unknown_protocol_is_none_at_the_simulators(clock: ManualClock) -> None:
    assert read_demand(await simulated(clock)[0].demand("0")) is None


# What is asked, and what comes back


async def test_the_three_routes_are_read(client: AneelClient, server: RecordedServer) -> None:
    assert read_outages(await client.outages()).rows[0].out == 155
    assert read_demands(await client.demands())[0].ongoing == 41
    demand = read_demand(await client.demand(PROTOCOL))
    assert demand is not None and demand.municipality_code == 1400472
    assert server.sent() == [
        "/radar/quantitativointerrupcoesativas",
        "/radar/quantitativodemandasdiversas",
        "/radar/dadosdemanda?numProtocolo=RR0020260000431",
    ]
    assert all(request.method == "GET" and request.headers["x-api-key"] == KEY for request in server.requests)
    assert {request.headers["accept"] for request in server.requests} == {"application/json"}


async def test_a_past_moment_is_asked_for_in_brasilias_time_with_an_encoded_space(
    client: AneelClient, server: RecordedServer
) -> None:
    exchange = await client.outages(datetime(2025, 12, 10, 17, 30, tzinfo=UTC))
    assert server.sent() == ["/radar/quantitativointerrupcoesativas?dthRecuperacao=10/12/2025%2014:30"]
    assert exchange.asked == {"dthRecuperacao": "10/12/2025 14:30"}
    assert exchange.url == ORIGIN + server.sent()[0]


async def test_an_exchange_is_the_whole_answer(client: AneelClient, clock: ManualClock) -> None:
    exchange = await client.outages()
    assert (exchange.route, exchange.status_code, exchange.elapsed_s) == ("outages", 200, 0.5)
    assert exchange.headers["x-server"] == "A" and exchange.body == body("outages")
    assert exchange.at == clock.now()


@pytest.mark.parametrize("status", [200, 307, 400, 401, 404, 429, 500, 502, 503, 504])
async def test_an_answer_of_any_status_is_given_back_for_the_reader(
    client: AneelClient, server: RecordedServer, status: int
) -> None:
    server.faults = [httpx.Response(status, content=body("error"), headers={"Location": "https://elsewhere.example/"})]
    exchange = await client.outages()
    assert (exchange.status_code, exchange.body, len(server.requests)) == (status, body("error"), 1)
    with pytest.raises(AneelError):
        read_outages(exchange)


async def test_a_redirect_is_not_followed(client: AneelClient, server: RecordedServer) -> None:
    server.faults = [httpx.Response(301, headers={"Location": "https://elsewhere.example/"})]
    with pytest.raises(UnexpectedStatus, match="not followed"):
        read_outages(await client.outages())
    assert len(server.requests) == 1


async def test_a_wrong_key_is_refused_in_words(server: RecordedServer, clock: ManualClock) -> None:
    with pytest.raises(AuthRefused, match="the key is not accepted"):
        read_outages(await connect(server, clock, lambda: "an-old-key").outages())


@pytest.mark.parametrize("key", ["", "two words", "k\r\nX-Evil: 1", "chave-ç", "k" * 1001])
async def test_a_key_that_fits_no_header_is_refused_before_anything_is_sent(
    server: RecordedServer, clock: ManualClock, key: str
) -> None:
    with pytest.raises(AuthRefused, match="nothing was sent") as caught:
        await connect(server, clock, lambda: key).outages()
    assert server.requests == [] and (not key or key not in str(caught.value))


@pytest.mark.parametrize("protocol", ["", "1" * 31, "a b", "1&x=2", "../x", "１２", "a\n"])
async def test_a_protocol_that_can_be_none_is_refused_before_anything_is_sent(
    client: AneelClient, server: RecordedServer, protocol: str
) -> None:
    with pytest.raises(UsageError, match="nothing was sent"):
        await client.demand(protocol)
    assert server.requests == []


@pytest.mark.parametrize(
    "url", ["ftp://a.example", "https://a.example/x?y=1", "https://u:p@a.example", "https://", "x"]
)
def test_what_is_no_base_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"URL|http|origin"):
        AneelClient(url, lambda: KEY)


# What keeps an answer from coming


@pytest.mark.parametrize(
    ("fault", "kind", "of_core", "words"),
    [
        (httpx.ReadTimeout("x"), NoAnswer, TimedOut, "a firewall that lets only ANEEL in"),
        (httpx.ConnectTimeout("x"), NotReached, Unreachable, "a firewall that lets only ANEEL in"),
        (httpx.ConnectError("x"), NotReached, Unreachable, "no connection"),
        (httpx.ReadError("x"), NotReached, Unreachable, "closed without an answer"),
        (httpx.RemoteProtocolError("garbage"), Broken, BadAnswer, "does not speak HTTP"),
        (httpx.Response(200, content=b" " * 5_000_001), Broken, BadAnswer, "larger than 5 MB"),
    ],
)
async def test_faults_on_the_way_are_said_in_words(
    client: AneelClient,
    server: RecordedServer,
    fault: Any,
    kind: type[AneelError],
    of_core: type[SourceError],
    words: str,
) -> None:
    server.faults = [fault]
    with pytest.raises(kind, match=words) as caught:
        await client.demand(PROTOCOL)
    assert isinstance(caught.value, of_core) and type(caught.value) is kind
    assert PROTOCOL not in str(caught.value) and len(server.requests) == 1


async def test_an_answer_of_just_under_5_mb_is_read(client: AneelClient, server: RecordedServer) -> None:
    padded = body("outages").ljust(4_999_999)
    server.faults = [httpx.Response(200, content=padded)]
    assert len(read_outages(await client.outages()).rows) == 2


async def test_a_poll_asks_once_more_after_half_a_minute_where_that_is_wanted(
    client: AneelClient, server: RecordedServer
) -> None:
    server.faults = [httpx.ReadTimeout("x")]
    assert (await client.outages(retry=True)).status_code == 200
    assert server.at_s[1] - server.at_s[0] == pytest.approx(30.5)
    server.faults = [httpx.ConnectError("x"), httpx.ConnectError("x")]
    with pytest.raises(NotReached):
        await client.demands(retry=True)
    assert len(server.requests) == 4


async def test_an_answer_that_says_no_is_not_asked_for_again(client: AneelClient, server: RecordedServer) -> None:
    server.faults = [httpx.Response(200, content=body("error"))]
    with pytest.raises(NoData):
        read_outages(await client.outages(retry=True))
    assert len(server.requests) == 1


# Pace


async def test_no_minute_has_more_than_ten_requests(
    client: AneelClient, server: RecordedServer, clock: ManualClock
) -> None:
    for _ in range(35):
        await client.outages()
    assert len(server.at_s) == 35
    for first, eleventh in zip(server.at_s, server.at_s[10:], strict=False):
        assert eleventh - first >= WINDOW_S > 60
    assert server.at_s[9] - server.at_s[0] < 10


async def test_probes_and_repetitions_count_as_well(server: RecordedServer, clock: ManualClock) -> None:
    client = connect(server, clock, requests_per_minute=2)
    server.faults = [httpx.ReadTimeout("x")]
    await client.outages(retry=True)
    await client.raw(PATHS["demands"], method="POST", route="demands")
    assert server.at_s[2] - server.at_s[0] >= WINDOW_S


async def test_two_requests_are_never_under_way_at_once(client: AneelClient, server: RecordedServer) -> None:
    server.gate = anyio.Event()
    async with anyio.create_task_group() as group:
        for ask in (client.outages, client.demands, client.outages):
            group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        assert len(server.requests) == 1
        server.gate.set()
    assert (len(server.requests), server.most_at_once) == (3, 1)


async def test_who_gives_up_waiting_does_not_stop_the_others(client: AneelClient, server: RecordedServer) -> None:
    server.gate = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(client.outages)
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0):
            await client.demands()
        server.gate.set()
    await client.demands()
    assert len(server.requests) == 2


@pytest.mark.parametrize(("headers", "wait_s"), [({"Retry-After": "42"}, 42), ({}, 60), ({"Retry-After": "soon"}, 60)])
async def test_after_a_429_nothing_is_asked_until_the_server_wants_to_be_asked(
    client: AneelClient, server: RecordedServer, headers: dict[str, str], wait_s: float
) -> None:
    server.faults = [httpx.Response(429, content=body("error"), headers=headers)]
    with pytest.raises(RateLimited):
        read_outages(await client.outages())
    await client.demands()
    assert [later - earlier for earlier, later in pairwise(server.at_s)] == [pytest.approx(wait_s + 0.5)]


async def test_a_long_silence_is_kept_without_waiting_for_its_end(
    client: AneelClient, server: RecordedServer, clock: ManualClock
) -> None:
    server.faults = [httpx.Response(429, headers={"Retry-After": "600"})]
    await client.outages()
    before_s = clock.elapsed_s
    with pytest.raises(RateLimited, match="another 600 s; nothing was sent") as caught:
        await client.outages()
    assert caught.value.retry_after_s == 600 and clock.elapsed_s == before_s and len(server.requests) == 1
    clock.advance(600)
    await client.outages()
    assert len(server.requests) == 2


@pytest.mark.parametrize("rate", [0, -1])
def test_a_rate_of_none_is_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        AneelClient(ORIGIN, lambda: KEY, requests_per_minute=rate)


# Probes


async def test_probes_can_change_path_query_method_and_key(client: AneelClient, server: RecordedServer) -> None:
    await client.raw("/health", with_key=False)
    await client.raw(PATHS["outages"], "dthRecuperacao=10/12/2025+14:30", headers={"X-API-Key": "wrong"})
    server.faults = [httpx.Response(405)] * 2
    exchange = await client.raw("DadosDemanda", {"foo": "a b&c"}, method="POST", route="demand")
    keys = [request.headers.get_list("x-api-key") for request in server.requests]
    assert keys == [[], ["wrong"], [KEY]]
    assert [request.method for request in server.requests] == ["GET", "GET", "POST"]
    assert server.sent() == [
        "/health",
        "/radar/quantitativointerrupcoesativas?dthRecuperacao=10/12/2025+14:30",
        "/radar/DadosDemanda?foo=a%20b%26c",
    ]
    assert (exchange.status_code, exchange.asked) == (405, {"foo": "a b&c"})


async def test_a_query_sent_as_it_is_is_known_decoded(client: AneelClient) -> None:
    exchange = await client.raw(PATHS["outages"], "dthRecuperacao=10%2F12%2F2025+14%3A30")
    assert exchange.asked == {"dthRecuperacao": "10/12/2025 14:30"}


# Secrets and personal data


async def test_the_key_is_in_no_exchange_no_error_and_no_log(
    client: AneelClient, server: RecordedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = httpx.Response(500, text=f"bad x-api-key: {KEY}", headers={"X-Echo": KEY})
    server.faults = [echo, httpx.ReadTimeout(KEY)]
    exchange = await client.raw(PATHS["outages"], {"api_key": KEY})
    said = [repr(exchange), str(exchange.asked), exchange.url, str(dict(exchange.headers))]
    for ask in (lambda: read_outages(exchange), None):
        with pytest.raises(SourceError) as caught:
            await client.outages() if ask is None else ask()
        said += [str(caught.value), repr(caught.value)]
    assert KEY not in "\n".join([*said, caplog.text])


async def test_no_log_line_and_no_error_tells_whose_demand_it_is(
    client: AneelClient, server: RecordedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    leak = b'{"idcStatusRequisicao":2,"mensagem":"CPF 123.456.789-09 de a.b@c.example","demanda":{}}'
    server.faults = [httpx.Response(200, content=leak)]
    with pytest.raises(NoData) as caught:
        read_demand(await client.demand(PROTOCOL))
    exchange = await client.demand(PROTOCOL)
    said = "\n".join([str(caught.value), caplog.text, repr(exchange), repr(read_demand(exchange))])
    for secret in ("123.456.789-09", "a.b@c.example", "00000000191", "Titular", "812345"):
        assert secret not in said


# Connections


async def test_shared_connections_are_left_to_their_owner(server: RecordedServer, clock: ManualClock) -> None:
    closed = []

    class Watched(httpx.MockTransport):
        async def aclose(self) -> None:
            closed.append(True)

    clients = HttpClients(mounts={ORIGIN: Watched(server)}, clock=clock)
    async with AneelClient(f"{ORIGIN}/radar/", lambda: KEY, clients=clients, clock=clock) as client:
        await client.outages()
    assert closed == []
    await clients.aclose()
    assert closed == [True]


async def test_a_client_of_its_own_names_what_is_wrong_with_the_address() -> None:
    async with AneelClient("http://127.0.0.1:9", lambda: KEY) as client:
        with pytest.raises(NotReached, match="refused"):
            await client.outages()


def test_every_route_has_a_path_and_a_payload() -> None:
    assert set(PATHS) == set(PAYLOADS) == {"outages", "demands", "demand"}
