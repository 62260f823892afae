"""A panel's v2 REST side: status, schema, authority, registration, and what its refusals mean (span-v2.md 2)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from fakes import ManualClock
from span_panel import (
    BROKER_PASSWORD,
    FIRMWARE,
    PASSPHRASE,
    SERIAL,
    V1_STATUS,
    ScriptedPanel,
    authority,
    flat_schema,
    pem,
    registration,
    tree_schema,
)
from wattdeck.core.answers import Answer
from wattdeck.core.errors import (
    AuthError,
    BadAnswer,
    Busy,
    ServerFailure,
    SourceError,
    StatusError,
    TimedOut,
    Unreachable,
)
from wattdeck.core.http import HttpClients
from wattdeck.systems.span.ebus import answers
from wattdeck.systems.span.ebus.answers import Refusal, RegistrationRefused, parse_ca, refusal
from wattdeck.systems.span.ebus.bootstrap import Bootstrap, UnknownDataModel
from wattdeck.systems.span.ebus.detect import Api, detect
from wattdeck.systems.span.ebus.firmware import firmware_build
from wattdeck.systems.span.ebus.stream import CertificateRefused
from wattdeck.systems.span.models import DataModel

pytestmark = pytest.mark.anyio
CA_PEM = pem(authority())
OTHER_CA_PEM = pem(authority("other"))


@pytest.fixture
def panel() -> ScriptedPanel:
    return ScriptedPanel(CA_PEM)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def bootstrap(panel: ScriptedPanel, clock: ManualClock) -> AsyncIterator[Bootstrap]:
    transport = httpx.MockTransport(panel.handle)
    mounts = {"http://192.0.2.7": transport, "https://192.0.2.7": transport}
    clients = HttpClients(mounts=mounts, only_mounted=True, clock=clock)
    made = Bootstrap("192.0.2.7", clients=clients, clock=clock)
    yield made
    await made.aclose()
    await clients.aclose()


def busy(status: int) -> httpx.Response:
    return httpx.Response(status, text="Bad Gateway")


def cut(text: str) -> httpx.Response:
    """A 200 whose JSON ends early."""
    return httpx.Response(200, text=text[: len(text) // 2])


# Detection


@pytest.mark.parametrize(
    ("answer", "api"),
    [
        (None, Api.V2),
        (httpx.Response(404, json={"detail": "Not Found"}), Api.V1),
        (httpx.Response(500), Api.V1),
        (httpx.Response(401), Api.V1),
        (httpx.Response(301, headers={"Location": "/"}), Api.V1),
        (busy(502), Api.BOOTING),
        (busy(503), Api.BOOTING),
        (busy(504), Api.BOOTING),
        (busy(429), Api.BOOTING),
        (cut(json.dumps({"serialNumber": SERIAL})), Api.BOOTING),
        (httpx.Response(200, text=""), Api.BOOTING),
        (httpx.ConnectError("refused"), Api.UNKNOWN),
        (httpx.ConnectTimeout("silence"), Api.UNKNOWN),
        (httpx.ReadTimeout("silence"), Api.UNKNOWN),
        (httpx.RemoteProtocolError("Server disconnected without sending a response."), Api.UNKNOWN),
        (httpx.Response(200, text="<html>a router</html>"), Api.UNKNOWN),
        (httpx.Response(200, json={"firmwareVersion": FIRMWARE}), Api.UNKNOWN),
        (httpx.Response(200, json={"serialNumber": "../../etc/passwd"}), Api.UNKNOWN),
        (httpx.Response(200, json=["serialNumber"]), Api.UNKNOWN),
    ],
)
async def test_what_an_answer_to_the_status_says_about_the_api(
    panel: ScriptedPanel, bootstrap: Bootstrap, answer: httpx.Response | Exception | None, api: Api
) -> None:
    panel.scripts["status"] = [] if answer is None else [answer]
    panel.scripts["/api/v1/status"] = [httpx.Response(200, json=V1_STATUS)]
    found = await detect(bootstrap)
    assert found.api is api and found.reason
    assert (found.status is None) == (api is not Api.V2)
    assert ("GET /api/v1/status" in panel.calls) == (api is Api.V1)


@pytest.mark.parametrize(
    ("answer", "api"),
    [
        (httpx.Response(404), Api.UNKNOWN),
        (httpx.Response(200, text="<html>a router</html>"), Api.UNKNOWN),
        (httpx.Response(200, json={"software": {}, "system": {}, "network": {}}), Api.UNKNOWN),
        (httpx.Response(401), Api.UNKNOWN),
        (httpx.ReadTimeout("silence"), Api.UNKNOWN),
        (busy(502), Api.BOOTING),
        (httpx.Response(200, text=json.dumps(V1_STATUS)[:40]), Api.BOOTING),
    ],
)
async def test_what_only_has_no_v2_is_not_taken_for_v1(
    panel: ScriptedPanel, bootstrap: Bootstrap, answer: httpx.Response | Exception, api: Api
) -> None:
    panel.scripts |= {"status": [httpx.Response(404)], "/api/v1/status": [answer]}
    found = await detect(bootstrap)
    assert found.api is api and found.reason and found.error is not None


class Torn(httpx.AsyncByteStream):
    """A body that ends before it was announced to."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"serial'
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


async def test_a_body_cut_off_by_the_network_is_a_panel_that_starts(panel: ScriptedPanel, bootstrap: Bootstrap) -> None:
    panel.scripts["status"] = [httpx.Response(200, stream=Torn())]
    assert (await detect(bootstrap)).api is Api.BOOTING


async def test_a_closed_port_stays_unknown() -> None:
    async with HttpClientsOf() as clients:
        found = await detect(Bootstrap("127.0.0.1", port=1, clients=clients))
    assert found.api is Api.UNKNOWN and "refused" in found.reason


async def test_https_that_is_not_there_names_its_port_and_the_setting() -> None:
    async with HttpClientsOf() as clients:
        bootstrap = Bootstrap("127.0.0.1", https_port=1, clients=clients)
        with pytest.raises(Unreachable, match=r"refused.*HTTPS on port 1; `https_port` sets another"):
            await bootstrap.vouched(SERIAL, ca_pem=CA_PEM)
        await bootstrap.aclose()


class HttpClientsOf(HttpClients):
    """Closed at the end of a block."""

    async def __aenter__(self) -> HttpClients:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


@pytest.mark.parametrize("proven", [None, True, False])
async def test_the_status_is_read_as_it_is(panel: ScriptedPanel, bootstrap: Bootstrap, proven: bool | None) -> None:
    panel.proven = proven
    status = await bootstrap.status()
    assert (status.serial, status.firmware, status.proximity_proven) == (SERIAL, FIRMWARE, proven)


@pytest.mark.parametrize(
    ("version", "build"),
    [
        ("spanos2/r202627/06", 202627),
        ("spanos3/r202639/01", 202639),
        ("r202603", 202603),
        ("spanos2/r20262/06", 999_999),
        ("", 999_999),
        ("spanos2", 999_999),
    ],
)
def test_a_firmware_version_as_a_number(version: str, build: int) -> None:
    assert firmware_build(version) == build


# Schema


async def test_a_schema_without_a_model_version_is_flat(bootstrap: Bootstrap) -> None:
    schema = await bootstrap.schema()
    assert (schema.model, schema.version, schema.spaces, schema.firmware) == (DataModel.FLAT, "", 32, FIRMWARE)


async def test_a_schema_with_model_version_1_is_a_tree(panel: ScriptedPanel, bootstrap: Bootstrap) -> None:
    panel.scripts["homie/schema"] = [httpx.Response(200, json=tree_schema(version)) for version in ("1.0", "1.7.2")]
    assert ((await bootstrap.schema()).model, (await bootstrap.schema()).version) == (DataModel.TREE, "1.7.2")


@pytest.mark.parametrize("version", ["2.0", "0.9", "10.1", "", "one", None, True, [], {"major": 1}])
async def test_an_unknown_or_unreadable_model_is_never_flat(
    panel: ScriptedPanel, bootstrap: Bootstrap, version: object
) -> None:
    panel.scripts["homie/schema"] = [httpx.Response(200, json=tree_schema(version))]
    with pytest.raises(UnknownDataModel, match="update wattdeck"):
        await bootstrap.schema()


async def test_a_tree_whose_version_is_missing_is_never_flat(panel: ScriptedPanel, bootstrap: Bootstrap) -> None:
    schema = tree_schema()
    del schema["dataModelVersion"]
    panel.scripts["homie/schema"] = [httpx.Response(200, json=schema)]
    with pytest.raises(UnknownDataModel):
        await bootstrap.schema()


@pytest.mark.parametrize("body", [{}, {"types": {}}, {"types": []}, []])
async def test_an_empty_schema_is_no_schema(panel: ScriptedPanel, bootstrap: Bootstrap, body: object) -> None:
    panel.scripts["homie/schema"] = [httpx.Response(200, json=body)]
    with pytest.raises(BadAnswer):
        await bootstrap.schema()


async def test_a_schema_while_booting(panel: ScriptedPanel, bootstrap: Bootstrap) -> None:
    panel.scripts["homie/schema"] = [busy(502), cut(json.dumps(flat_schema()))]
    for _ in range(2):
        with pytest.raises(Busy, match="starting"):
            await bootstrap.schema()


# Authority


async def test_the_authority_comes_as_one_clean_certificate(panel: ScriptedPanel, bootstrap: Bootstrap) -> None:
    panel.ca_pem = f"a comment\x1b[31m\r\n{CA_PEM}\nBag Attributes"
    assert (await bootstrap.ca()).split() == CA_PEM.split()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html></html>",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        CA_PEM + OTHER_CA_PEM,
        CA_PEM.replace("CERTIFICATE", "PRIVATE KEY"),
        CA_PEM[: len(CA_PEM) // 2],
    ],
    ids=["nothing", "a page", "no certificate", "two", "a key", "half"],
)
async def test_what_is_not_exactly_one_certificate_is_refused(
    panel: ScriptedPanel, bootstrap: Bootstrap, text: str
) -> None:
    panel.ca_pem = text
    with pytest.raises(BadAnswer, match="one certificate"):
        await bootstrap.ca()


async def test_too_many_questions_for_the_authority_wait_as_told(
    panel: ScriptedPanel, bootstrap: Bootstrap, clock: ManualClock
) -> None:
    limited = httpx.Response(429, headers={"Retry-After": "17"}, json={"error": "slow down"})
    panel.scripts["certificate/ca"] = [limited, httpx.Response(429, json={"error": "slow down"})]
    assert (await bootstrap.ca()).split() == CA_PEM.split()
    assert clock.elapsed_s == 17 + 12


async def test_the_authority_is_not_asked_for_without_end(
    panel: ScriptedPanel, bootstrap: Bootstrap, clock: ManualClock
) -> None:
    panel.scripts["certificate/ca"] = [httpx.Response(429, headers={"Retry-After": "99999"})] * 9
    with pytest.raises(Busy):
        await bootstrap.ca()
    assert panel.calls == ["GET certificate/ca"] * 3 and clock.elapsed_s == 120


@pytest.mark.parametrize(("status", "kind"), [(403, AuthError), (404, StatusError), (413, StatusError), (502, Busy)])
async def test_an_authority_that_is_not_given(
    panel: ScriptedPanel, bootstrap: Bootstrap, status: int, kind: type[Exception]
) -> None:
    panel.scripts["certificate/ca"] = [httpx.Response(status, json={"error": "no"})]
    with pytest.raises(kind):
        await bootstrap.ca()


# Registering


async def test_a_passphrase_registers_over_https_alone(panel: ScriptedPanel, bootstrap: Bootstrap) -> None:
    found = await bootstrap.register("wattdeck-1", passphrase=PASSPHRASE, ca_pem=CA_PEM)
    assert (found.token, found.broker_password, found.passphrase) == ("token-passphrase", BROKER_PASSWORD, PASSPHRASE)
    assert (found.serial, found.broker_user, found.mqtts_port, found.wss_port) == (SERIAL, SERIAL, 8883, 9002)
    assert [scheme for scheme, *_ in panel.requests] == ["https"]
    assert not [secret for secret in ("token-passphrase", BROKER_PASSWORD, PASSPHRASE) if secret in repr(found)]


async def test_the_door_registers_without_a_passphrase(panel: ScriptedPanel, bootstrap: Bootstrap) -> None:
    panel.proven = True
    assert (await bootstrap.register("wattdeck-1", ca_pem=CA_PEM)).token == "token-door"
    assert panel.requests[0][2] == {"name": "wattdeck-1", "description": "wattdeck"}
    with pytest.raises(RegistrationRefused, match="uses it up") as caught:
        await bootstrap.register("wattdeck-2", ca_pem=CA_PEM)
    assert caught.value.refusal is Refusal.NO_DOOR_PROOF


async def test_passwords_may_be_null_or_missing(panel: ScriptedPanel, bootstrap: Bootstrap) -> None:
    bare = {"accessToken": "token-x", "serialNumber": SERIAL, "ebusBrokerMqttsPort": "8883", "iatMs": "now"}
    panel.scripts["auth/register"] = [
        httpx.Response(200, json=registration(null_passwords=True)),
        httpx.Response(200, json=bare),
    ]
    for _ in range(2):
        found = await bootstrap.register("wattdeck-1", passphrase=PASSPHRASE, ca_pem=CA_PEM)
        assert (found.broker_password, found.passphrase, found.broker_user) == (None, None, SERIAL)
        assert (found.mqtts_port, found.ws_port, found.wss_port) == (8883, 9001, 9002)


@pytest.mark.parametrize(
    ("answer", "reason", "words"),
    [
        (httpx.Response(422, json={"detail": "Invalid passphrase"}), Refusal.WRONG_PROOF, "does not accept"),
        (httpx.Response(401, json={"detail": "?"}), Refusal.WRONG_PROOF, "does not accept"),
        (httpx.Response(422, json={"detail": "Name already exists"}), Refusal.NAME_TAKEN, "another name"),
        (
            httpx.Response(422, json={"detail": "Dashboard password is not available"}),
            Refusal.NO_DASHBOARD,
            "no dashboard password",
        ),
        (httpx.Response(400), Refusal.OTHER, "did not understand"),
    ],
)
async def test_a_refused_registration_says_why(
    panel: ScriptedPanel, bootstrap: Bootstrap, answer: httpx.Response, reason: Refusal, words: str
) -> None:
    panel.scripts["auth/register"] = [answer]
    with pytest.raises(RegistrationRefused, match=words) as caught:
        await bootstrap.register("wattdeck-1", passphrase="wrong-one", ca_pem=CA_PEM)
    assert caught.value.refusal is reason


async def test_a_panel_without_its_serial_number_yet_is_busy(panel: ScriptedPanel, bootstrap: Bootstrap) -> None:
    detail = {"detail": "Serial number is not available yet"}
    panel.scripts["auth/register"] = [httpx.Response(503, headers={"Retry-After": "5"}, json=detail)]
    with pytest.raises(Busy) as caught:
        await bootstrap.register("wattdeck-1", passphrase=PASSPHRASE, ca_pem=CA_PEM)
    assert caught.value.retry_after_s == 5


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (httpx.Response(500), ServerFailure),
        (httpx.ReadTimeout("silence"), TimedOut),
        (httpx.ReadError("reset"), BadAnswer),
        (cut(json.dumps(registration())), BadAnswer),
        (httpx.Response(200, json={"accessToken": 7}), BadAnswer),
        (httpx.Response(200, json={"accessToken": "two words", "serialNumber": SERIAL}), BadAnswer),
    ],
)
async def test_a_registration_is_sent_once_whatever_happens(
    panel: ScriptedPanel, bootstrap: Bootstrap, answer: httpx.Response | Exception, kind: type[Exception]
) -> None:
    panel.scripts["auth/register"] = [answer]
    with pytest.raises(kind):
        await bootstrap.register("wattdeck-1", passphrase=PASSPHRASE, ca_pem=CA_PEM)
    assert panel.calls == ["POST auth/register"]


@given(
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=0x24F), min_size=3, max_size=40),
    status=st.sampled_from([400, 401, 403, 404, 418, 422, 429, 500, 502, 503]),
    shape=st.sampled_from(["text", "list", "raw", "repr", "html"]),
)
async def test_no_answer_brings_the_passphrase_back_to_a_person(secret: str, status: int, shape: str) -> None:
    detail: object = {
        "text": f"bad {secret}",
        "list": [{"loc": ["body", secret], "msg": f"{secret} is wrong", "input": {"hopPassphrase": secret}}],
        "raw": secret,
        "repr": repr({"hopPassphrase": secret}),
        "html": f"<html>{secret}",
    }[shape]
    answer = Answer(status, json.dumps({"detail": detail, "error": detail}).encode(), {})
    told = str(refusal(answer, "PANEL", "NAME", with_passphrase=True))
    plain = str(refusal(Answer(status, b"", {}), "PANEL", "NAME", with_passphrase=True))
    assert told == plain


async def test_no_secret_reaches_a_log_or_an_error(
    panel: ScriptedPanel, bootstrap: Bootstrap, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    panel.scripts["auth/register"] = []
    echo = {"detail": [{"loc": ["hopPassphrase"], "msg": "no", "input": "sesame open"}]}
    panel.scripts["auth/register"] += [httpx.Response(status, json=echo) for status in (422, 500, 503, 200)]
    panel.scripts["auth/register"].append(httpx.Response(200, text="sesame open"))
    for _ in range(5):
        with pytest.raises(SourceError) as caught:
            await bootstrap.register("wattdeck-1", passphrase="sesame open", ca_pem=CA_PEM)
        told = "".join(str(each) for each in (caught.value, caught.value.__cause__))
        assert "sesame" not in told
    await bootstrap.register("wattdeck-2", passphrase=PASSPHRASE, ca_pem=CA_PEM)
    assert not [word for word in ("sesame", PASSPHRASE, BROKER_PASSWORD, "token-pass") if word in caplog.text]


KEYS = st.sampled_from([*registration(), "serialNumber", "dataModelVersion", "types", "deviceClasses", "clients"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=6),
    max_leaves=20,
)


@given(raw=JSON | st.fixed_dictionaries({**dict.fromkeys(registration(), JSON), "serialNumber": st.just(SERIAL)}))
def test_whatever_the_json_a_call_ends_in_a_model_or_an_error_of_ours(raw: object) -> None:
    answer = Answer(200, json.dumps(raw).encode(), {})
    for parse in (answers.parse_status, answers.parse_schema, answers.parse_clients):
        with contextlib.suppress(SourceError):
            parse(raw, "PANEL")
    for read in (answers.parse_registration, answers.parse_ca):
        with contextlib.suppress(SourceError):
            read(answer, "PANEL")


# Clients


async def test_a_full_token_lists_and_drops_clients(panel: ScriptedPanel, bootstrap: Bootstrap) -> None:
    panel.registered = {"wattdeck-1": "door", "house": "passphrase"}
    assert await bootstrap.clients("token-passphrase", ca_pem=CA_PEM) == ("wattdeck-1", "house")
    await bootstrap.drop_client("wattdeck-1", "token-passphrase", ca_pem=CA_PEM)
    assert set(panel.registered) == {"house"}
    assert {scheme for scheme, *_ in panel.requests} == {"https"}


async def test_a_reduced_token_is_told_apart(bootstrap: Bootstrap) -> None:
    with pytest.raises(AuthError) as caught:
        await bootstrap.clients("token-door", ca_pem=CA_PEM)
    assert caught.value.status_code == 403


async def test_two_certificates_are_never_taken_for_one() -> None:
    with pytest.raises(BadAnswer):
        parse_ca(Answer(200, (CA_PEM + CA_PEM).encode(), {}), "PANEL")


# Over real TLS


@pytest.fixture
async def tls_panel(panel: ScriptedPanel) -> AsyncIterator[Callable[..., Awaitable[Bootstrap]]]:
    """Starts the scripted panel's HTTPS on loopback, with a certificate of the given authority for the given names."""
    async with AsyncExitStack() as stack:

        async def start(ca: trustme.CA, *names: str) -> Bootstrap:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            ca.issue_cert(*names).configure_cert(context)
            server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
            await stack.enter_async_context(server)
            clients = HttpClients()
            stack.push_async_callback(clients.aclose)
            port = server.sockets[0].getsockname()[1]
            bootstrap = Bootstrap("127.0.0.1", port=port, https_port=port, clients=clients)
            stack.push_async_callback(bootstrap.aclose)
            return bootstrap

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            method, path, _ = head.split(" ", 2)
            length = re.search(r"(?i)content-length: (\d+)", head)
            body = await reader.readexactly(int(length[1])) if length else b""
            found = panel.handle(httpx.Request(method, f"https://127.0.0.1{path}", content=body))
            heading = f"HTTP/1.1 {found.status_code} x\r\nConnection: close\r\nContent-Length: {len(found.content)}"
            writer.write(heading.encode() + b"\r\n\r\n" + found.content)
            await writer.drain()
            writer.close()

        yield start


TlsPanel = Callable[..., Awaitable[Bootstrap]]


@pytest.mark.parametrize("names", [("127.0.0.1",), (f"span-{SERIAL}.local",)])
async def test_the_pinned_authority_vouches_by_address_or_by_name(
    panel: ScriptedPanel, tls_panel: TlsPanel, names: tuple[str, ...]
) -> None:
    ca = authority()
    bootstrap = await tls_panel(ca, *names)
    accepted = (f"span-{SERIAL}.local",)
    assert (await bootstrap.vouched(SERIAL, ca_pem=pem(ca), names=accepted)).serial == SERIAL
    assert (await bootstrap.register("x", passphrase=PASSPHRASE, ca_pem=pem(ca), names=accepted)).serial == SERIAL


@pytest.mark.parametrize("own", [True, False])
async def test_another_authority_or_another_host_gets_nothing(
    panel: ScriptedPanel, tls_panel: TlsPanel, own: bool
) -> None:
    ca = authority()
    bootstrap = await tls_panel(ca, "198.51.100.1" if own else "127.0.0.1")
    with pytest.raises(CertificateRefused, match="nothing was sent"):
        await bootstrap.register("x", passphrase=PASSPHRASE, ca_pem=pem(ca if own else authority("other")))
    assert not panel.requests
