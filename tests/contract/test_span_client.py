"""The SPAN client against recorded answers and against the simulator: one contract, then each rule of the sheet.

Section numbers in the headings are those of the SPAN protocol sheet.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from fakes import ManualClock
from wattdeck.core.errors import (
    AuthError,
    BadAnswer,
    Busy,
    CutShort,
    ServerFailure,
    SourceError,
    StatusError,
    TimedOut,
    Unreachable,
    UsageError,
    ValidationRefused,
    WattdeckError,
)
from wattdeck.core.http import HttpClients, redact
from wattdeck.systems.span.client import SpanClient
from wattdeck.systems.span.models import Circuit, Relay

pytestmark = pytest.mark.anyio

FIXTURES = Path(__file__).parent.parent / "fixtures" / "span"
HALLWAY = "3f9a0c5be1d24f7a8c60b2d7e4915a01"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.ZXhhbXBsZQ.c2ln"
ORIGIN = "http://panel.test"
GETS = {"status": "status", "panel": "panel", "circuits": "circuits", "storage/soe": "soe"}


class RecordedPanel:
    """Plays the recorded answers; `faults` replaces the answer of a path, a list being used up one by one."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.faults: dict[str, Any] = {}
        self.circuits = json.loads(body("circuits"))["circuits"]
        self.gate: anyio.Event | None = None

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.gate is not None:
            await self.gate.wait()
        path = request.url.raw_path.decode()
        fault = self.faults.get(path)
        if isinstance(fault, list):
            fault = fault.pop(0) if fault else None
        if isinstance(fault, Exception):
            raise fault
        if isinstance(fault, int):
            return httpx.Response(fault, json={"detail": f"because {fault}"})
        if isinstance(fault, httpx.Response):
            return fault
        return self._answer(request, path)

    def _answer(self, request: httpx.Request, path: str) -> httpx.Response:
        if path == "/api/v1/auth/register":
            return httpx.Response(200, content=body("register"))
        if path == "/api/v1/circuits":
            return httpx.Response(200, json={"circuits": self.circuits})
        if request.method == "POST":
            return self._write(path.rpartition("/")[2], json.loads(request.content))
        return httpx.Response(200, content=body(GETS[path.removeprefix("/api/v1/")]))

    def _write(self, circuit_id: str, change: dict[str, Any]) -> httpx.Response:
        circuit = self.circuits.get(circuit_id)
        if circuit is None:
            return httpx.Response(404, json={"detail": "Not Found"})
        for wrapper in change.values():
            circuit.update(wrapper)
        return httpx.Response(200, json=circuit)

    def sent(self) -> list[str]:
        return [f"{request.method} {request.url.raw_path.decode()}" for request in self.requests]


def body(name: str) -> bytes:
    return (FIXTURES / f"{name}.json").read_bytes()


@pytest.fixture
def panel() -> RecordedPanel:
    return RecordedPanel()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def client(panel: RecordedPanel, clock: ManualClock) -> SpanClient:
    return connect(panel, clock)


def connect(panel: RecordedPanel, clock: ManualClock, **settings: Any) -> SpanClient:
    clients = HttpClients(mounts={ORIGIN: httpx.MockTransport(panel)}, clock=clock, random=lambda: 0.5)
    arguments: dict[str, Any] = {"token": TOKEN, "clients": clients, "clock": clock} | settings
    return SpanClient("panel.test", **arguments)


# The contract: recorded answers and simulator alike


def recorded(clock: ManualClock) -> tuple[SpanClient, Callable[[], None], Callable[[], str]]:
    panel = RecordedPanel()
    panel.faults["/api/v1/auth/register"] = [422]
    return connect(panel, clock), lambda: None, lambda: TOKEN


def simulator(clock: ManualClock) -> tuple[SpanClient, Callable[[], None], Callable[[], str]]:
    from wattdeck.core.asgi import SimulatedTransport
    from wattdeck.core.system import SimulatorOptions
    from wattdeck.systems.span.simulator import SpanSimulator

    panel = SpanSimulator(SimulatorOptions(seed=3), monotonic=clock.monotonic, sleep=clock.sleep)
    panel.set_fault("priority-500", "off")
    clients = HttpClients(mounts={ORIGIN: SimulatedTransport(panel.app)}, clock=clock, only_mounted=True)
    client = SpanClient("panel.test", token=panel.issue_token(), clients=clients, clock=clock)

    def press_door() -> None:
        for _ in range(3):
            panel.press_door()

    return client, press_door, panel.issue_token


BACKENDS = [recorded, simulator]


@pytest.mark.parametrize("backend", BACKENDS)
class TestContract:
    """What must hold whoever answers."""

    async def test_reads(self, backend: Any, clock: ManualClock) -> None:
        async with backend(clock)[0] as client:
            status = await client.status()
            assert status.serial and status.firmware.startswith("spanos2/") and status.model == "00200"
            state = await client.panel()
            assert [branch.tab for branch in state.branches] == list(range(1, len(state.branches) + 1))
            assert not state.empty
            percent = await client.storage_percent()
            assert percent is not None and 0 <= percent <= 100

    async def test_every_space_is_in_exactly_one_circuit(self, backend: Any, clock: ManualClock) -> None:
        client = backend(clock)[0]
        circuits = await client.circuits()
        tabs = [tab for circuit in circuits for tab in circuit.tabs]
        assert sorted(tabs) == [branch.tab for branch in (await client.panel()).branches]
        assert [circuit.virtual for circuit in circuits] == sorted(circuit.virtual for circuit in circuits)
        assert await client.circuits(unmapped=False) == tuple(c for c in circuits if not c.virtual)

    async def test_the_balance_holds_in_our_signs(self, backend: Any, clock: ManualClock) -> None:
        state = await backend(clock)[0].panel()
        consumed_w = sum(branch.power_w or 0.0 for branch in state.branches)
        assert state.grid_power_w == pytest.approx(consumed_w + (state.feedthrough_power_w or 0.0), abs=1e-6)

    async def test_a_relay_is_switched_and_read_back(self, backend: Any, clock: ManualClock) -> None:
        client = backend(clock)[0]
        wanted = next(c for c in await client.circuits() if c.controllable)
        for relay in (Relay.OPEN, Relay.CLOSED):
            answered = await client.set_relay(wanted.circuit_id, relay)
            assert answered is not None and answered.relay is relay
            clock.advance(2)
            (now,) = [c for c in await client.circuits() if c.circuit_id == wanted.circuit_id]
            assert now.relay is relay

    async def test_a_priority_is_set_and_read_back(self, backend: Any, clock: ManualClock) -> None:
        client = backend(clock)[0]
        wanted = next(c for c in await client.circuits() if c.controllable)
        answered = await client.set_priority(wanted.circuit_id, "must_have")
        assert answered is not None and answered.priority == "must_have"
        (now,) = [c for c in await client.circuits() if c.circuit_id == wanted.circuit_id]
        assert now.priority == "must_have"

    async def test_an_unknown_circuit_is_a_404(self, backend: Any, clock: ManualClock) -> None:
        with pytest.raises(StatusError) as caught:
            await backend(clock)[0].set_relay("0" * 32, Relay.OPEN)
        assert caught.value.status_code == 404

    async def test_registration_is_refused_while_locked_and_works_after_the_door(
        self, backend: Any, clock: ManualClock
    ) -> None:
        client, press_door, _ = backend(clock)
        with pytest.raises(AuthError, match="3 times"):
            await client.register("deck-1a2b")
        press_door()
        registration = await client.register("deck-1a2b", "A test")
        client.set_token(registration.token)
        assert await client.circuits()

    async def test_without_a_token_only_the_status_is_asked(self, backend: Any, clock: ManualClock) -> None:
        client = backend(clock)[0]
        client.set_token(None)
        assert await client.status()
        with pytest.raises(AuthError, match="no token"):
            await client.circuits()

    async def test_closing_and_going_on(self, backend: Any, clock: ManualClock) -> None:
        client = backend(clock)[0]
        async with client:
            await client.status()
        await client.aclose()
        clock.advance(5)
        assert await client.status()


SHOWN_ANYWAY = [
    "null-name=all",
    "null-power=all",
    "null-energy=all",
    "negative-zero=all",
    "nan=all",
    "unknown-enum=all",
    "shuffled-branches",
    "no-measure",
    "invalid-measure",
    "door-unknown",
    "empty-circuits",
    "main-relay-unknown",
    "hostile-names",
    "clock-jump=-900000000",
    "deprecation-headers",
    "connection-close",
]
REFUSED = {
    "truncated": CutShort,
    "cut-short": BadAnswer,
    "oversize": BadAnswer,
    "html-200": BadAnswer,
    "html-502": Busy,
    "close": Unreachable,
    "refuse": Unreachable,
    "circuits-500": ServerFailure,
    "sunset": StatusError,
    "revoke": AuthError,
    "reboot": Busy,
}


def broken_simulator(clock: ManualClock, fault: str) -> SpanClient:
    from wattdeck.core.asgi import SimulatedTransport
    from wattdeck.core.system import SimulatorOptions
    from wattdeck.systems.span.simulator import SpanSimulator

    panel = SpanSimulator(SimulatorOptions(seed=3), monotonic=clock.monotonic, sleep=clock.sleep)
    token = panel.issue_token()
    name, _, value = fault.partition("=")
    panel.set_fault(name, value or None)
    clients = HttpClients(mounts={ORIGIN: SimulatedTransport(panel.app)}, clock=clock)
    return SpanClient("panel.test", token=token, clients=clients, clock=clock)


@pytest.mark.parametrize("fault", SHOWN_ANYWAY)
async def test_what_the_panel_says_oddly_is_read_all_the_same(clock: ManualClock, fault: str) -> None:
    client = broken_simulator(clock, fault)
    await client.status()
    state = await client.panel()
    assert [branch.tab for branch in state.branches] == list(range(1, 33))
    circuits = await client.circuits()
    assert sorted(tab for circuit in circuits for tab in circuit.tabs) == list(range(1, 33))
    for each in circuits:
        assert each.name and each.name.isprintable() and len(each.name) <= 200
        assert each.power_w is None or str(each.power_w) not in ("nan", "-0.0")


@pytest.mark.parametrize("fault", REFUSED)
async def test_what_the_panel_does_wrong_has_its_own_error(clock: ManualClock, fault: str) -> None:
    with pytest.raises(SourceError) as caught:
        await broken_simulator(clock, fault).circuits()
    assert type(caught.value) is REFUSED[fault]


# Section 10: the bytes on the wire


async def test_every_call_sends_the_recorded_requests(panel: RecordedPanel, client: SpanClient) -> None:
    await client.register("rec", "Rec")
    await client.register("rec")
    await client.register("rec", passphrase="open sesame")
    await client.status()
    await client.circuits()
    await client.storage_percent()
    await client.set_relay(HALLWAY, Relay.OPEN)
    await client.set_priority(HALLWAY, "nice_to_have")
    assert [(f"{r.method} {r.url.raw_path.decode()}", r.content.decode()) for r in panel.requests] == [
        ("POST /api/v1/auth/register", '{"name":"rec","description":"Rec"}'),
        ("POST /api/v1/auth/register", '{"name":"rec","description":""}'),
        (
            "POST /api/v1/auth/register",
            '{"name":"rec","description":"","hopPassphrase":"open sesame"}',
        ),
        ("GET /api/v1/status", ""),
        ("GET /api/v1/circuits", ""),
        ("GET /api/v1/panel", ""),
        ("GET /api/v1/storage/soe", ""),
        (f"POST /api/v1/circuits/{HALLWAY}", '{"relayStateIn":{"relayState":"OPEN"}}'),
        (f"POST /api/v1/circuits/{HALLWAY}", '{"priorityIn":{"priority":"NICE_TO_HAVE"}}'),
    ]


async def test_the_token_goes_with_everything_but_registration(panel: RecordedPanel, client: SpanClient) -> None:
    await client.register("rec")
    await client.status()
    await client.panel()
    await client.set_relay(HALLWAY, Relay.CLOSED)
    assert [request.headers.get("authorization") for request in panel.requests] == [
        None,
        f"Bearer {TOKEN}",
        f"Bearer {TOKEN}",
        f"Bearer {TOKEN}",
    ]


async def test_ids_are_percent_encoded_slash_included(panel: RecordedPanel, client: SpanClient) -> None:
    with pytest.raises(StatusError):
        await client.set_relay("a/b c?ü%2F", Relay.OPEN)
    assert panel.sent() == ["POST /api/v1/circuits/a%2Fb%20c%3F%C3%BC%252F"]


async def test_the_circuit_comes_back_as_answered(client: SpanClient) -> None:
    answered = await client.set_relay(HALLWAY, Relay.OPEN)
    assert isinstance(answered, Circuit)
    assert (answered.circuit_id, answered.relay) == (HALLWAY, Relay.OPEN)


@pytest.mark.parametrize(
    ("host", "port", "use_ssl", "url"),
    [
        ("fd00::7", None, False, "http://[fd00::7]/api/v1/status"),
        ("[fd00::7]", 8080, False, "http://[fd00::7]:8080/api/v1/status"),
        ("10.0.0.7", None, True, "https://10.0.0.7/api/v1/status"),
        ("span-nt-2143-c1akc.local", None, False, "http://span-nt-2143-c1akc.local/api/v1/status"),
    ],
)
async def test_hosts_of_all_kinds(panel: RecordedPanel, host: str, port: int | None, use_ssl: bool, url: str) -> None:
    origin = url.removesuffix("/api/v1/status")
    clients = HttpClients(mounts={origin: httpx.MockTransport(panel)})
    await SpanClient(host, port=port, use_ssl=use_ssl, clients=clients).status()
    assert str(panel.requests[0].url) == url


# Section 3: what each status means


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (201, StatusError, "unexpected status 201"),
        (204, StatusError, "unexpected status 204"),
        (301, StatusError, "not followed"),
        (400, StatusError, "unexpected status 400"),
        (401, AuthError, "does not know our token"),
        (403, AuthError, "does not allow this"),
        (404, StatusError, "v1 interface was removed"),
        (412, AuthError, "asks for a token"),
        (422, ValidationRefused, "because 422"),
        (429, Busy, "too many requests"),
        (500, ServerFailure, "failed"),
        (501, ServerFailure, "failed"),
        (502, Busy, "restart"),
        (503, Busy, "not ready"),
        (504, Busy, "waited in vain"),
    ],
)
async def test_a_read_answered_with_this_status(
    panel: RecordedPanel, client: SpanClient, status: int, kind: type[SourceError], words: str
) -> None:
    panel.faults["/api/v1/panel"] = status
    with pytest.raises(SourceError, match=words) as caught:
        await client.panel()
    assert type(caught.value) is kind
    assert caught.value.status_code == status  # type: ignore[attr-defined]
    assert str(caught.value).startswith("panel.test (GET /api/v1/panel): ")
    assert len(panel.requests) == 1


@pytest.mark.parametrize("status", [401, 403, 412, 422])
async def test_a_refused_registration_says_the_door_procedure(
    panel: RecordedPanel, client: SpanClient, status: int
) -> None:
    panel.faults["/api/v1/auth/register"] = status
    with pytest.raises(AuthError, match=f"because {status}.*3 times.*15 minutes.*already registered") as caught:
        await client.register("deck")
    assert caught.value.status_code == status


@pytest.mark.parametrize(("status", "kind"), [(500, ServerFailure), (503, Busy), (404, StatusError)])
async def test_a_registration_that_fails_otherwise_is_not_repeated(
    panel: RecordedPanel, clock: ManualClock, status: int, kind: type[SourceError]
) -> None:
    client = connect(panel, clock, retries=3)
    panel.faults["/api/v1/auth/register"] = status
    with pytest.raises(SourceError) as caught:
        await client.register("deck")
    assert type(caught.value) is kind
    assert len(panel.requests) == 1


@pytest.mark.parametrize(
    "detail", ["press the door switch", [{"loc": ["body", "x"], "msg": "press the door switch", "type": "t"}]]
)
@pytest.mark.parametrize("registering", [True, False])
async def test_both_shapes_of_422_are_understood(
    panel: RecordedPanel, client: SpanClient, detail: Any, registering: bool
) -> None:
    refusal = httpx.Response(422, json={"detail": detail})
    panel.faults = {"/api/v1/auth/register": refusal, f"/api/v1/circuits/{HALLWAY}": refusal}
    kind: type[Exception] = AuthError if registering else ValidationRefused
    with pytest.raises(kind, match="press the door switch"):
        await (client.register("deck") if registering else client.set_relay(HALLWAY, Relay.OPEN))


async def test_a_registration_without_a_usable_token_is_a_bad_answer(panel: RecordedPanel, client: SpanClient) -> None:
    panel.faults["/api/v1/auth/register"] = httpx.Response(200, json={"accessToken": ""})
    with pytest.raises(BadAnswer, match="accessToken"):
        await client.register("deck")


async def test_a_newer_panels_registration_is_accepted(panel: RecordedPanel, client: SpanClient) -> None:
    panel.faults["/api/v1/auth/register"] = httpx.Response(200, content=body("register_v2"))
    assert (await client.register("deck")).token == "eyJ..."


async def test_a_registration_makes_token_and_passphrase_secrets(client: SpanClient) -> None:
    registration = await client.register("deck", passphrase="correct horse")
    assert redact(f"{registration.token} correct horse") == "*** ***"


async def test_registration_needs_a_name(panel: RecordedPanel, client: SpanClient) -> None:
    with pytest.raises(UsageError, match="name"):
        await client.register(" ")
    assert panel.requests == []


# Section 5: errors, retries, edge cases


async def test_the_panel_half_keeps_the_type_of_its_error(panel: RecordedPanel, client: SpanClient) -> None:
    for fault, kind in ((412, AuthError), (500, ServerFailure), (503, Busy), (httpx.ReadTimeout("x"), TimedOut)):
        panel.faults["/api/v1/panel"] = fault
        with pytest.raises(SourceError, match="GET /api/v1/panel") as caught:
            await client.circuits()
        assert type(caught.value) is kind


async def test_only_the_failing_half_is_repeated(panel: RecordedPanel, clock: ManualClock) -> None:
    panel.faults["/api/v1/panel"] = [502, 503]
    await connect(panel, clock, retries=2).circuits()
    assert panel.sent() == ["GET /api/v1/circuits"] + ["GET /api/v1/panel"] * 3


@pytest.mark.parametrize("fault", [502, 503, 504, httpx.ConnectError("x"), httpx.ReadTimeout("x")])
async def test_reads_are_repeated_as_configured(panel: RecordedPanel, clock: ManualClock, fault: Any) -> None:
    panel.faults["/api/v1/status"] = [fault] * 3
    client = connect(panel, clock, retries=3, retry_timeout_s=0.1, retry_backoff_multiplier=3.0)
    await client.status()
    assert len(panel.requests) == 4
    assert clock.elapsed_s == pytest.approx(0.1 + 0.3 + 0.9)


@pytest.mark.parametrize("status", [401, 404, 412, 422, 500, 501])
async def test_what_repeating_does_not_mend_is_not_repeated(
    panel: RecordedPanel, clock: ManualClock, status: int
) -> None:
    panel.faults["/api/v1/panel"] = status
    with pytest.raises(SourceError):
        await connect(panel, clock, retries=3).panel()
    assert len(panel.requests) == 1


async def test_by_default_nothing_is_repeated(panel: RecordedPanel, client: SpanClient) -> None:
    panel.faults["/api/v1/status"] = [503]
    with pytest.raises(Busy):
        await client.status()


async def test_settings_change_at_run_time(panel: RecordedPanel, client: SpanClient, clock: ManualClock) -> None:
    client.retries, client.retry_timeout_s, client.retry_backoff_multiplier = 1, 4.0, 1.0
    client.timeout_s = 7.0
    panel.faults["/api/v1/status"] = [503]
    await client.status()
    assert clock.elapsed_s == pytest.approx(4.0)
    assert panel.requests[-1].extensions["timeout"]["read"] == 7.0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout_s", 0),
        ("timeout_s", float("nan")),
        ("retries", -1),
        ("retry_timeout_s", -0.1),
        ("retry_timeout_s", float("inf")),
        ("retry_backoff_multiplier", 0.9),
        ("cache_window_s", -1),
    ],
)
def test_impossible_settings_are_refused_at_once(client: SpanClient, name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=name):
        setattr(client, name, value)
    with pytest.raises(ValueError, match=name):
        SpanClient("panel.test", **{name: value})


@pytest.mark.parametrize(
    "arguments",
    [
        {"host": "http://x"},
        {"host": "x", "port": 0},
        {"host": "x", "ca_file": Path("/x")},
        {"host": "x", "token": "a b"},
        {"host": "x", "token": "a\r\nX-Evil: 1"},
        {"host": "x", "token": "naïve"},
    ],
)
def test_impossible_arguments_are_refused_at_once(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"host|port|ca_file|token"):
        SpanClient(**arguments)


async def test_closed_without_an_answer_is_unreachable_and_may_be_repeated(
    panel: RecordedPanel, clock: ManualClock
) -> None:
    gone = httpx.RemoteProtocolError("Server disconnected without sending a response.")
    panel.faults["/api/v1/status"] = [gone]
    with pytest.raises(Unreachable, match="closed without an answer"):
        await connect(panel, clock).status()
    panel.faults["/api/v1/status"] = [gone]
    await connect(panel, clock, retries=1).status()


@pytest.mark.parametrize(
    "content", [b"<html><body>502</body></html>", b'{"circuits":{"a"', b"", b"[1,2]", b"null", b'{"circuits":3}']
)
async def test_a_200_that_is_not_what_was_promised(panel: RecordedPanel, clock: ManualClock, content: bytes) -> None:
    panel.faults["/api/v1/circuits"] = httpx.Response(200, content=content)
    with pytest.raises(BadAnswer, match=r"^panel\.test \(GET /api/v1/circuits\)"):
        await connect(panel, clock, retries=3).circuits()
    assert len(panel.requests) == 1


async def test_a_dead_kept_connection_is_replaced_silently_for_reads(
    panel: RecordedPanel, client: SpanClient, clock: ManualClock
) -> None:
    await client.status()
    panel.faults["/api/v1/panel"] = [httpx.RemoteProtocolError("Server disconnected without sending a response.")]
    await client.panel()
    assert panel.sent() == ["GET /api/v1/status", "GET /api/v1/panel", "GET /api/v1/panel"]
    assert clock.elapsed_s == 0


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (httpx.ReadTimeout("x"), TimedOut),
        (httpx.ReadError("x"), BadAnswer),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), BadAnswer),
        (httpx.ConnectTimeout("x"), Unreachable),
        (503, Busy),
        (500, ServerFailure),
    ],
)
async def test_writes_are_sent_once_whatever_happens(
    panel: RecordedPanel, clock: ManualClock, fault: Any, kind: type[SourceError]
) -> None:
    client = connect(panel, clock, retries=5)
    await client.status()
    panel.requests.clear()
    panel.faults[f"/api/v1/circuits/{HALLWAY}"] = fault
    writes: list[Callable[[], Awaitable[Any]]] = [
        lambda: client.set_relay(HALLWAY, Relay.OPEN),
        lambda: client.set_priority(HALLWAY, "must_have"),
    ]
    for write in writes:
        with pytest.raises(SourceError) as caught:
            await write()
        assert type(caught.value) is kind
    assert len(panel.requests) == 2


async def test_writes_wait_two_seconds_to_connect_and_five_for_the_answer(
    panel: RecordedPanel, client: SpanClient
) -> None:
    await client.set_relay(HALLWAY, Relay.OPEN)
    timeout = panel.requests[0].extensions["timeout"]
    assert (timeout["connect"], timeout["read"]) == (2.0, 5.0)


@pytest.mark.parametrize("content", [b"{}", b"null", b"<html>", b"", b'{"id":"other","relayState":"OPEN"}'])
async def test_a_write_whose_answer_cannot_be_read_is_not_an_error(
    panel: RecordedPanel, client: SpanClient, content: bytes
) -> None:
    panel.faults[f"/api/v1/circuits/{HALLWAY}"] = httpx.Response(200, content=content)
    assert await client.set_relay(HALLWAY, Relay.OPEN) is None


@pytest.mark.parametrize(
    ("circuit_id", "relay"),
    [
        ("unmapped_tab_7", Relay.OPEN),
        ("", Relay.OPEN),
        ("..", Relay.OPEN),
        ("x" * 300, Relay.OPEN),
        ("a\nb", Relay.OPEN),
        ("\ud800", Relay.OPEN),
        (HALLWAY, Relay.UNKNOWN),
    ],
)
async def test_senseless_writes_are_refused_before_anything_is_sent(
    panel: RecordedPanel, client: SpanClient, circuit_id: str, relay: Relay
) -> None:
    with pytest.raises(UsageError, match="nothing was sent"):
        await client.set_relay(circuit_id, relay)
    assert panel.requests == []


@pytest.mark.parametrize("priority", ["", "NOT_ESSENTIAL", "unknown", "high"])
async def test_unknown_priorities_are_refused_before_anything_is_sent(
    panel: RecordedPanel, client: SpanClient, priority: str
) -> None:
    with pytest.raises(UsageError, match="non_essential"):
        await client.set_priority(HALLWAY, priority)
    assert panel.requests == []


async def test_without_a_token_nothing_is_sent_and_the_error_is_always_an_auth_error(
    panel: RecordedPanel, clock: ManualClock
) -> None:
    client = connect(panel, clock, token=None)
    for call in (
        client.panel,
        client.circuits,
        client.storage_percent,
        lambda: client.set_relay(HALLWAY, Relay.OPEN),
        lambda: client.set_priority(HALLWAY, "must_have"),
    ):
        with pytest.raises(AuthError, match="no token"):
            await call()
    assert panel.requests == []


async def test_a_refused_token_costs_one_request_and_no_loop(panel: RecordedPanel, clock: ManualClock) -> None:
    panel.faults["/api/v1/circuits"] = 401
    with pytest.raises(AuthError):
        await connect(panel, clock, retries=3).circuits()
    assert len(panel.requests) == 1


async def test_no_error_holds_the_token(panel: RecordedPanel, client: SpanClient) -> None:
    echo = httpx.Response(400, json={"detail": f"bad header Authorization: Bearer {TOKEN}"})
    faults: list[Any] = [echo, httpx.Response(200, text=f"oops {TOKEN}"), httpx.ReadTimeout(TOKEN), 401]
    for fault in faults:
        panel.faults["/api/v1/panel"] = fault
        with pytest.raises(WattdeckError) as caught:
            await client.panel()
        assert TOKEN not in str(caught.value)
        assert TOKEN not in repr(caught.value)


# Section 6: the cache window


async def test_an_answer_is_given_again_within_its_window_only(
    panel: RecordedPanel, client: SpanClient, clock: ManualClock
) -> None:
    first = await client.status()
    clock.advance(1.0)
    assert await client.status() is first
    clock.advance(0.001)
    await client.status()
    assert len(panel.requests) == 2


async def test_a_window_of_zero_keeps_nothing(panel: RecordedPanel, clock: ManualClock) -> None:
    client = connect(panel, clock, cache_window_s=0.0)
    await client.status()
    await client.status()
    assert len(panel.requests) == 2


async def test_each_endpoint_has_its_own_window(panel: RecordedPanel, client: SpanClient, clock: ManualClock) -> None:
    await client.panel()
    clock.advance(0.6)
    await client.circuits()
    clock.advance(0.6)
    await client.circuits()
    assert panel.sent() == ["GET /api/v1/panel", "GET /api/v1/circuits", "GET /api/v1/panel"]


async def test_circuits_fill_the_panels_window_and_use_it(panel: RecordedPanel, client: SpanClient) -> None:
    await client.circuits()
    await client.panel()
    await client.circuits()
    assert panel.sent() == ["GET /api/v1/circuits", "GET /api/v1/panel"]


async def test_failures_are_not_kept_and_old_answers_not_served_instead(
    panel: RecordedPanel, client: SpanClient, clock: ManualClock
) -> None:
    await client.status()
    clock.advance(2)
    panel.faults["/api/v1/status"] = [503]
    with pytest.raises(Busy):
        await client.status()
    await client.status()
    assert len(panel.requests) == 3


@pytest.mark.parametrize("fault", [None, 500, httpx.ReadTimeout("x")])
async def test_a_write_makes_circuits_and_panel_forgotten_even_if_it_fails(
    panel: RecordedPanel, client: SpanClient, fault: Any
) -> None:
    await client.status()
    await client.circuits()
    panel.faults[f"/api/v1/circuits/{HALLWAY}"] = fault
    try:
        await client.set_relay(HALLWAY, Relay.OPEN)
    except SourceError:
        assert fault is not None
    panel.requests.clear()
    await client.circuits()
    await client.status()
    assert panel.sent() == ["GET /api/v1/circuits", "GET /api/v1/panel"]


async def test_another_token_makes_everything_forgotten_and_the_same_one_nothing(
    panel: RecordedPanel, client: SpanClient
) -> None:
    await client.status()
    client.set_token(TOKEN)
    await client.status()
    assert len(panel.requests) == 1
    client.set_token("another-token")
    await client.status()
    assert len(panel.requests) == 2


async def test_what_is_kept_cannot_be_changed(client: SpanClient) -> None:
    circuits = await client.circuits()
    with pytest.raises(FrozenInstanceError):
        circuits[0].power_w = 0.0  # type: ignore[misc]
    assert isinstance(circuits, tuple)


async def test_many_who_ask_at_once_cost_one_request_per_endpoint(panel: RecordedPanel, clock: ManualClock) -> None:
    client = connect(panel, clock, cache_window_s=0.0)
    panel.gate = anyio.Event()
    results: list[Any] = []

    async def ask() -> None:
        results.append(await client.circuits(unmapped=False))

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        panel.gate.set()
    assert panel.sent() == ["GET /api/v1/circuits"]
    assert all(result is results[0] for result in results)


async def test_many_who_ask_at_once_share_the_error(panel: RecordedPanel, client: SpanClient) -> None:
    panel.gate = anyio.Event()
    panel.faults["/api/v1/status"] = 503
    errors: list[str] = []

    async def ask() -> None:
        try:
            await client.status()
        except Busy as error:
            errors.append(str(error))

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        panel.gate.set()
    assert len(errors) == 3
    assert len(panel.requests) == 1


async def test_if_the_one_who_asked_gives_up_the_next_asks_for_itself(panel: RecordedPanel, client: SpanClient) -> None:
    panel.gate = anyio.Event()
    results: list[Any] = []

    async def ask() -> None:
        results.append(await client.status())

    async with anyio.create_task_group() as group:
        first = anyio.CancelScope()

        async def ask_and_give_up() -> None:
            with first:
                await client.status()

        group.start_soon(ask_and_give_up)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        first.cancel()
        await anyio.wait_all_tasks_blocked()
        panel.gate.set()
    assert len(results) == 1
    assert len(panel.requests) == 2


async def test_a_read_begun_before_a_write_is_neither_kept_nor_shared_after_it(
    panel: RecordedPanel, client: SpanClient
) -> None:
    results: list[tuple[Circuit, ...]] = []
    gate = panel.gate = anyio.Event()

    async def ask() -> None:
        results.append(await client.circuits(unmapped=False))

    async with anyio.create_task_group() as group:
        group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        panel.gate = None
        await client.set_relay(HALLWAY, Relay.OPEN)
        group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        gate.set()
    await ask()
    assert panel.sent().count("GET /api/v1/circuits") == 2


# Section 7.1: virtual circuits


async def test_virtual_circuits_follow_the_real_ones_and_may_be_left_out(
    panel: RecordedPanel, client: SpanClient
) -> None:
    circuits = await client.circuits()
    assert [circuit.circuit_id for circuit in circuits if circuit.virtual] == [
        "unmapped_tab_6",
        "unmapped_tab_7",
        "unmapped_tab_8",
    ]
    assert not any(circuit.virtual for circuit in circuits[:4])
    panel.requests.clear()
    assert len(await client.circuits(unmapped=False)) == 4
    assert panel.requests == []


async def test_solar_on_an_unmapped_space_is_negative_and_a_load_positive(client: SpanClient) -> None:
    power_w = {circuit.circuit_id: circuit.power_w for circuit in await client.circuits()}
    assert power_w["unmapped_tab_6"] == -1200.5
    assert power_w["unmapped_tab_7"] == 0.2


# Sections 2 and 8.4: use as a library


async def test_shared_connections_are_left_to_their_owner(panel: RecordedPanel, clock: ManualClock) -> None:
    closed = []

    class Watched(httpx.MockTransport):
        async def aclose(self) -> None:
            closed.append(True)

    clients = HttpClients(mounts={ORIGIN: Watched(panel)})
    async with SpanClient("panel.test", clients=clients) as client:
        await client.status()
    assert closed == []
    await clients.aclose()
    assert closed == [True]


async def test_a_client_of_its_own_names_what_is_wrong_with_the_address() -> None:
    async with SpanClient("127.0.0.1", port=9) as client:
        with pytest.raises(Unreachable, match="refused"):
            await client.status()
