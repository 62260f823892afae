"""The CCEE client against recorded answers and against the simulator: what it sends, reads, repeats and refuses."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any

import anyio
import httpx
import pytest

from ccee_other import ORIGIN, SECRET, Other, connect, example, page
from fakes import ManualClock
from wattdeck.core.asgi import SimulatedTransport
from wattdeck.core.errors import (
    AuthError,
    BadAnswer,
    Busy,
    ServerFailure,
    SourceError,
    StatusError,
    TimedOut,
    Unreachable,
    UsageError,
    ValidationRefused,
)
from wattdeck.core.http import HttpClients
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.ccee.client import CceeClient
from wattdeck.systems.ccee.errors import (
    AnswerError,
    AuthenticationError,
    CceeError,
    NotFoundError,
    RateLimitError,
    RefusedError,
    ServerError,
    TimedOutError,
    UnavailableError,
    UnreachableError,
    ValidationError,
)
from wattdeck.systems.ccee.models import (
    BRASILIA,
    ChangeRequestDraft,
    ContractDraft,
    MigrationDraft,
    MigrationEdit,
    RepresentativeDraft,
)
from wattdeck.systems.ccee.simulator import CceeSimulator, client_id_of, secret_of

pytestmark = pytest.mark.anyio

UNIT, PROFILE = "000000123400159", 200100
SIM = MigrationDraft(
    consumer_unit_code=UNIT,
    utility_agent_code=100000,
    document_type="CNPJ",
    retailer_agent_code=200000,
    reference_month="2026-10",
    retailer_profile_code=PROFILE,
    email="uc@example.com",
    document_number="11222333000181",
    tariff_subgroup="A4",
    utility_formalized="SIM",
    formalization_date=date(2026, 3, 2),
    comment="Olá",
)
NAO = MigrationDraft(
    UNIT, 100000, "CPF", 200000, "2026-10", PROFILE, "uc@example.com",
    tariff_subgroup="A4", utility_formalized="NAO", modality="REGULAR",
)  # fmt: skip
V1 = MigrationDraft(
    UNIT, 100000, "CNPJ", 200000, "2026-10", PROFILE, "uc@example.com",
    document_number="11222333000181", denunciation_date=date(2026, 3, 1),
)  # fmt: skip
EDIT = MigrationEdit("2026-11", 200101, "CNPJ", "11222333000181", "n@example.com")
CONTRACT = ContractDraft(
    100000,
    UNIT,
    "CNPJ",
    "11222333000181",
    (RepresentativeDraft("Ana", "ana@example.com", "52998224725"),),
    address="Rua A, 1",
    consumer_unit_name="Padaria Teste",
    phone="(11) 98765-4321",
    branch_document_number="11222333000181",
    branch_address="Rua B",
)
TERMINATION = "SUSPENSAO_FORNECIMENTO_RESILICAO"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def other() -> Other:
    return Other([page("m1")])


@pytest.fixture
def client(other: Other, clock: ManualClock) -> CceeClient:
    return connect(other, clock)


async def ids(client: CceeClient, first: str = "2026-01", last: str = "2026-12") -> list[str]:
    return [each.migration_id async for each in client.list_migrations(first, last, PROFILE)]


def body(request: httpx.Request) -> str:
    return request.content.decode()


# The contract: recorded answers and simulator alike


def recorded(clock: ManualClock) -> CceeClient:
    """A tiny CCEE of canned answers."""
    stored: dict[str, dict[str, Any]] = {}

    def play(request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        if request.method == "POST":
            if stored:
                return httpx.Response(400, json={"error": "ERR_MIGRACAO_DUPLICADA", "message": "já existe"})
            stored["m-1"] = {**example("migration"), **json.loads(request.content), "idMigracao": "m-1"}
            stored["m-1"] |= {"dataReferencia": "2026-10-01T00:00:00-03:00", "statusMigracao": "CRIADA"}
            return httpx.Response(201, json=stored["m-1"])
        if name == "migracoes":
            asked = request.url.params.get("codigoUnidadeConsumidora")
            rows = [each for each in stored.values() if asked in (None, each["codigoUnidadeConsumidora"])]
            return httpx.Response(200, json={"migracao": rows}) if rows else httpx.Response(204)
        if name not in stored:
            return httpx.Response(404, json={"error": "ERR_X", "message": "?"})
        if request.method == "PUT":
            stored[name] |= json.loads(request.content)
        if request.method == "DELETE":
            stored[name]["statusMigracao"] = "CANCELADA"
            return httpx.Response(204)
        return httpx.Response(200, json=[stored[name]])

    return connect(Other([play]), clock)


def simulated(clock: ManualClock) -> CceeClient:
    return simulation(clock)[0]


def simulation(clock: ManualClock) -> tuple[CceeClient, CceeSimulator]:
    """A client of the simulator, whose utilities never answer."""
    options = SimulatorOptions(seed=3, start=datetime(2026, 3, 10, 9, tzinfo=BRASILIA), faults={"silent-utility": None})
    simulator = CceeSimulator(options, monotonic=clock.monotonic, sleep=clock.sleep)
    clients = HttpClients(mounts={ORIGIN: SimulatedTransport(simulator.app)}, clock=clock, only_mounted=True)
    client = CceeClient(
        client_id_of(200000), lambda: secret_of(200000), agent_code=200000, url=ORIGIN, clients=clients, clock=clock
    )
    return client, simulator


BACKENDS = [recorded, simulated]


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_migration_is_created_listed_read_changed_and_cancelled(
    backend: Callable[[ManualClock], CceeClient], clock: ManualClock
) -> None:
    client = backend(clock)
    created = await client.create_migration(SIM)
    assert (created.consumer_unit_code, created.reference_month, created.status) == (UNIT, "2026-10", "CRIADA")
    listed = [each async for each in client.list_migrations("2026-10", "2026-10", PROFILE, consumer_unit_code=UNIT)]
    assert [each.migration_id for each in listed] == [created.migration_id]
    assert (await client.migration(created.migration_id, PROFILE)).migration_id == created.migration_id
    with pytest.raises(ValidationError) as refused:
        await client.create_migration(SIM)
    assert (refused.value.status_code, bool(refused.value.code)) == (400, True)
    changed = await client.update_migration(
        created.migration_id, MigrationEdit("2026-10", PROFILE, "CNPJ", "11222333000181", "n@example.com"), PROFILE
    )
    assert changed.email == "n@example.com"
    await client.cancel_migration(created.migration_id, PROFILE)
    assert (await client.migration(created.migration_id, PROFILE)).status == "CANCELADA"


@pytest.mark.parametrize("backend", BACKENDS)
async def test_what_is_not_there_is_not_found_and_an_empty_list_is_empty(
    backend: Callable[[ManualClock], CceeClient], clock: ManualClock
) -> None:
    client = backend(clock)
    with pytest.raises(NotFoundError):
        await client.migration("8c0f4b1e-6c1d-4a58-9a57-1f3a3a0dffff", PROFILE)
    found = client.list_migrations("2026-10", "2027-12", PROFILE, consumer_unit_code="000000000000130")
    assert [each async for each in found] == []


# What is sent (ccee.md 13)


async def test_the_sequence_of_the_sheet_is_sent_byte_for_byte(other: Other, client: CceeClient) -> None:
    migration, contracts = example("migration"), example("contracts")
    empty = httpx.Response(204)
    other.plays = [
        example("migrations"), page("second"), empty,
        migration, migration, migration, migration, empty,
        {**contracts, "indexProximaPagina": "2"}, contracts, contracts["contratos"][0], contracts["contratos"][0],
        b"JVBERi0xLjc=",
        {**example("measurements"), "indexProximaPagina": "c"}, empty, empty,
        example("change_request"), empty, empty,
    ]  # fmt: skip
    filters: dict[str, Any] = {"consumer_unit_code": UNIT, "status": "CRIADA"}
    assert len([each async for each in client.list_migrations("2026-01", "2027-03", PROFILE, **filters)]) == 2
    await client.migration("ID1", PROFILE)
    await client.create_migration(SIM)
    await client.create_migration(NAO)
    await client.update_migration("ID1", EDIT, PROFILE)
    await client.cancel_migration("ID1", PROFILE)
    listed = client.list_contracts("2026-01", "2026-02", PROFILE, utility_agent_code=100000, status="CONCLUIDO")
    assert len([each async for each in listed]) == 1
    await client.contract("C1", PROFILE)
    await client.create_contract(CONTRACT, PROFILE)
    assert (await client.contract_file("C1", PROFILE)).content == b"%PDF-1.7"
    start, end = datetime(2026, 2, 27, tzinfo=BRASILIA), datetime(2026, 3, 1, 23, 59, 59, tzinfo=BRASILIA)
    measured = client.list_measurements(UNIT, 100000, start, end, PROFILE, status="CONSISTIDA")
    assert len([each async for each in measured]) == 1
    await client.answer_change_request("{id}", PROFILE, "REPROVADA", TERMINATION, "no")
    dates = (date(2025, 1, 31), date(2026, 3, 5))
    asked = client.list_change_requests(PROFILE, TERMINATION, status="CRIADA", dates=dates)
    assert [each async for each in asked] == []

    migrations = "GET /v2/varejista/migracoes?mesReferenciaInicial="
    filtered = f"&codigoPerfilVarejista=200100&codigoUnidadeConsumidora={UNIT}&statusMigracao=CRIADA"
    contracts_2 = (
        "GET /v1/varejista/contratos?mesReferenciaInicial=2026-01&mesReferenciaFinal=2026-02"
        "&codigoPerfilVarejista=200100&codigoAgenteConcessionaria=100000&statusContrato=CONCLUIDO"
    )
    february = (
        f"GET /v1/varejista/consumo/medicoes?codigoUnidadeConsumidora={UNIT}&codigoAgenteConcessionaria=100000"
        "&dataInicio=2026-02-27T00%3A00%3A00-03%3A00&dataFim=2026-02-28T23%3A59%3A59-03%3A00&situacaoMedicao=CONSISTIDA"
    )
    march = february.replace("02-27T", "03-01T").replace("02-28T", "03-01T")
    requests = f"GET /v1/solicitacoes?tipoSolicitacao={TERMINATION}&situacaoAlteracao=CRIADA&dataSolicitacaoInicial="
    assert other.sent() == [
        f"{migrations}2026-01&mesReferenciaFinal=2026-12{filtered}",
        f"{migrations}2026-01&mesReferenciaFinal=2026-12{filtered}&indexProximaPagina=eyJwIjoyfQ%3D%3D",
        f"{migrations}2027-01&mesReferenciaFinal=2027-03{filtered}",
        "GET /v2/varejista/migracoes/ID1",
        "POST /v2/varejista/migracoes",
        "POST /v2/varejista/migracoes",
        "PUT /v2/varejista/migracoes/ID1",
        "DELETE /v1/varejista/migracoes/ID1",
        contracts_2,
        f"{contracts_2}&indexProximaPagina=2",
        "GET /v1/varejista/contratos/C1",
        "POST /v1/varejista/contratos",
        "GET /v1/varejista/contratos/C1/arquivo",
        february,
        f"{february}&indexProximaPagina=c",
        march,
        "POST /v1/solicitacoes/%7Bid%7D",
        f"{requests}2025-01-31&dataSolicitacaoFinal=2026-01-30",
        f"{requests}2026-01-31&dataSolicitacaoFinal=2026-03-05",
    ]
    bodies = [body(request) for request in other.requests if request.content]
    assert bodies == [
        (example_text("create_v2_sim")),
        (example_text("create_v2_nao")),
        '{"mesReferencia":"2026-11","codigoPerfilVarejista":200101,"tipoDocumento":"CNPJ",'
        '"numeroDocumento":"11222333000181","emailUnidadeConsumidora":"n@example.com"}',
        '{"codigoAgenteConcessionaria":100000,"codigoUnidadeConsumidora":"000000123400159",'
        '"enderecoUnidadeConsumidora":"Rua A, 1","nomeUnidadeConsumidora":"Padaria Teste",'
        '"representantesLegais":[{"nomeContato":"Ana","nomeEmail":"ana@example.com","numeroDocumento":"52998224725",'
        '"tipoContato":"UNIDADE_CONSUMIDORA","tipoDocumento":"CPF"}],"tipoDocumento":"CNPJ",'
        '"numeroDocumento":"11222333000181","telefoneUnidadeConsumidora":"(11) 98765-4321",'
        '"cnpjFilialUnidadeConsumidora":"11222333000181","enderecoFilialUnidadeConsumidora":"Rua B"}',
        '{"situacaoAlteracao":"REPROVADA","tipoSolicitacao":"SUSPENSAO_FORNECIMENTO_RESILICAO",'
        '"descricaoJustificativa":"no"}',
    ]
    for request in other.requests:
        sent = dict(request.headers.raw)
        assert sent[b"codigoAgente"] == b"200000"
        assert sent[b"codigoPerfil"] == b"200100"
        assert sent[b"Accept"] == b"application/json"
        assert sent[b"Authorization"] == b"Bearer sim-token-1"
        assert (b"Content-Type" in sent) == bool(request.content)
        assert sent[b"User-Agent"].startswith(b"wattdeck/")
    (asked_for,) = other.token_requests
    assert (asked_for.method, asked_for.url.raw_path) == ("POST", b"/sso/oauth/token")
    assert body(asked_for) == "client_id=CID&client_secret=sesame%2Fopen%2Bnow"
    assert asked_for.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in asked_for.headers


def example_text(name: str) -> str:
    return json.dumps(example(name), ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize(
    ("kind", "fields", "path", "sent"),
    [
        (
            "ALTERACAO_RETORNO_CATIVO_RESILICAO",
            {"reference_month": "2026-9", "cer_celebration": "SIM"},
            "retorno-cativo",
            f'{{"codigoUnidadeConsumidora":"{UNIT}","mesReferencia":"2026-09","idCelebracaoCER":"SIM","tipoSolicitacao":"ALTERACAO_RETORNO_CATIVO_RESILICAO"}}',
        ),
        (
            "ALTERACAO_ALFA_VAREJISTA_RESOLUCAO",
            {
                "utility_agent_code": 100000,
                "reference_month": "2026-09",
                "new_retailer_agent_code": 200001,
                "new_retailer_profile_code": 200110,
            },
            "representante",
            f'{{"codigoUnidadeConsumidora":"{UNIT}","codigoAgenteConcessionaria":100000,"codigoAgenteVarejistaNovo":200001,"codigoPerfilVarejistaNovo":200110,"mesReferencia":"2026-09","tipoSolicitacao":"ALTERACAO_ALFA_VAREJISTA_RESOLUCAO"}}',
        ),
        (
            TERMINATION,
            {"utility_agent_code": 100000, "notification_date": date(2026, 4, 23)},
            "suspensao-fornecimento-varejista",
            f'{{"codigoUnidadeConsumidora":"{UNIT}","codigoAgenteConcessionaria":100000,"tipoSolicitacao":"{TERMINATION}","dataNotificacao":"2026-04-23"}}',
        ),
        (
            "SUSPENSAO_FORNECIMENTO_RESOLUCAO_UC_CONCESSIONARIA",
            {"utility_agent_code": 100000, "notification_date": date(2026, 3, 1)},
            "suspensao-fornecimento-concessionaria",
            f'{{"codigoUnidadeConsumidora":"{UNIT}","tipoSolicitacao":"SUSPENSAO_FORNECIMENTO_RESOLUCAO_UC_CONCESSIONARIA","dataNotificacao":"2026-03-01","codigoAgenteConcessionaria":100000}}',
        ),
    ],
)
async def test_each_kind_of_change_request_has_its_place_and_body(
    other: Other, client: CceeClient, kind: str, fields: dict[str, Any], path: str, sent: str
) -> None:
    other.plays = [example("change_request")]
    assert (await client.create_change_request(ChangeRequestDraft(kind, UNIT, **fields), PROFILE)).status == "CRIADA"
    assert other.sent() == [f"POST /v1/solicitacoes/{path}"]
    assert body(other.requests[0]) == sent


@pytest.mark.parametrize(("version", "changes"), [("v1", "v1"), ("v1.1", "v1"), ("v2", "v2")])
async def test_each_version_has_its_paths(other: Other, clock: ManualClock, version: str, changes: str) -> None:
    client = connect(other, clock, api_version=version)
    other.plays = [page("m1"), *[example("migration")] * 3, 204]
    assert await ids(client) == ["m1"]
    await client.migration("m1", PROFILE)
    await client.create_migration(SIM if version == "v2" else V1)
    await client.update_migration("m1", EDIT, PROFILE)
    await client.cancel_migration("m1", PROFILE)
    paths = [line.partition("/varejista")[0] for line in other.sent()]
    assert paths == [f"GET /{version}", f"GET /{version}", f"POST /{version}", f"PUT /{changes}", "DELETE /v1"]
    if version != "v2":
        assert body(other.requests[2]) == (
            '{"codigoUnidadeConsumidora":"000000123400159","codigoAgenteConcessionaria":100000,"tipoDocumento":"CNPJ",'
            '"numeroDocumento":"11222333000181","codigoAgenteVarejista":200000,"mesReferencia":"2026-10",'
            '"dataDenuncia":"2026-03-01","codigoPerfilVarejista":200100,"emailUnidadeConsumidora":"uc@example.com"}'
        )


async def test_ids_and_the_path_in_front_are_kept_whole(other: Other, clock: ManualClock) -> None:
    clients = HttpClients(mounts={ORIGIN: httpx.MockTransport(other)}, clock=clock)
    client = connect(other, clock, url=f"{ORIGIN}/gw/", clients=clients)
    other.plays = [example("migration")]
    await client.migration("a/b?c#ç", PROFILE)
    assert other.token_requests[0].url.path == "/gw/sso/oauth/token"
    assert other.sent() == ["GET /gw/v2/varejista/migracoes/a%2Fb%3Fc%23%C3%A7"]
    for bad in ("", ".", "..", "a\x1b", "x" * 300):
        with pytest.raises(UsageError, match="cannot be an id"):
            await client.migration(bad, PROFILE)
    assert len(other.requests) == 1


# Nothing sent


async def test_what_cannot_be_right_is_not_sent(other: Other, client: CceeClient) -> None:
    import dataclasses

    bad = dataclasses.replace(
        SIM, document_number="11222333000182", reference_month="2026-13", utility_formalized="NAO"
    )
    with pytest.raises(UsageError) as refused:
        await client.create_migration(bad)
    assert len(str(refused.value).splitlines()) >= 4
    assert "11222333000182" not in str(refused.value)
    with pytest.raises(UsageError):
        await client.update_migration("m1", dataclasses.replace(EDIT, email="a@b\x07c"), PROFILE)
    with pytest.raises(UsageError):
        await client.create_contract(dataclasses.replace(CONTRACT, representatives=()), PROFILE)
    with pytest.raises(UsageError):
        await client.create_change_request(
            ChangeRequestDraft("SUSPENSAO_FORNECIMENTO_DESLIGAMENTO", UNIT, 100000), PROFILE
        )
    with pytest.raises(UsageError, match="CONCLUIDA or REPROVADA"):
        await client.answer_change_request("r1", PROFILE, "TALVEZ", TERMINATION)
    with pytest.raises(UsageError, match="there is no month 13"):
        client.list_migrations("2026-13", "2027-01", PROFILE)
    with pytest.raises(UsageError, match="before it starts"):
        client.list_contracts("2027-01", "2026-01", PROFILE)
    with pytest.raises(UsageError, match="before it starts"):
        client.list_measurements(
            UNIT, 1, datetime(2026, 2, 1, tzinfo=BRASILIA), datetime(2026, 1, 1, tzinfo=BRASILIA), PROFILE
        )
    for both in ({}, {"months": ("2026-01", "2026-02"), "dates": (date.min, date.max)}):
        with pytest.raises(UsageError, match="give one of the two"):
            client.list_change_requests(PROFILE, TERMINATION, **both)  # type: ignore[arg-type]
    assert (other.requests, other.token_requests) == ([], [])


@pytest.mark.parametrize("url", ["ftp://x", "http://u:p@x", "http://x?a=1", "http://x/#f", "http://x/a b", "x"])
def test_a_url_that_is_none_is_refused(url: str, other: Other, clock: ManualClock) -> None:
    with pytest.raises(ValueError, match=r"http|URL"):
        connect(other, clock, url=url)


# The token (ccee.md 1)


async def test_ten_calls_at_once_share_one_token(other: Other, client: CceeClient) -> None:
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(ids, client)
    assert len(other.token_requests) == 1
    assert len(other.requests) == 10


async def test_a_token_is_renewed_30_seconds_before_it_ends(
    other: Other, client: CceeClient, clock: ManualClock
) -> None:
    await ids(client)
    clock.advance(269.5)
    await ids(client)
    assert len(other.token_requests) == 1
    clock.advance(1)
    await ids(client)
    assert other.used() == ["sim-token-1", "sim-token-1", "sim-token-2"]


@pytest.mark.parametrize("lifetime_s", [20, "30", 0, -5])
async def test_a_short_token_serves_the_call_it_was_fetched_for(
    other: Other, client: CceeClient, lifetime_s: object
) -> None:
    other.lifetime_s = lifetime_s
    assert await ids(client) == ["m1"]
    assert await ids(client) == ["m1"]
    assert other.used() == ["sim-token-1", "sim-token-2"]


async def test_401_gets_one_new_token_and_no_sleep(other: Other, client: CceeClient, clock: ManualClock) -> None:
    other.plays = [401, page("m1")]
    assert await ids(client) == ["m1"]
    assert other.used() == ["sim-token-1", "sim-token-2"]
    assert clock.elapsed_s == 0


async def test_a_write_refused_for_its_token_is_sent_with_a_new_one(other: Other, client: CceeClient) -> None:
    other.plays = [401, example("migration")]
    await client.send_migration(SIM)
    assert other.used() == ["sim-token-1", "sim-token-2"]


async def test_a_second_401_is_the_end(other: Other, client: CceeClient, clock: ManualClock) -> None:
    other.plays = [httpx.Response(401, json={"error": "invalid_token"}, headers={"X-Correlation-ID": "q-7"})]
    with pytest.raises(AuthenticationError, match="401, invalid_token") as refused:
        await ids(client)
    assert (len(other.requests), len(other.token_requests), clock.elapsed_s) == (2, 2, 0)
    assert (refused.value.status_code, refused.value.request_id) == (401, "q-7")


async def test_another_agents_token_is_tried_anew_once_and_explained(other: Other, client: CceeClient) -> None:
    other.plays = [httpx.Response(403, json={"error": "ERR_CREDENCIAL_INVALIDA", "message": ["agente"]})]
    with pytest.raises(AuthenticationError, match="agent_code and client_id") as refused:
        await ids(client)
    assert len(other.requests) == 2
    assert refused.value.code == "ERR_CREDENCIAL_INVALIDA"


async def test_ten_calls_refused_at_once_share_the_new_token(other: Other, client: CceeClient) -> None:
    await ids(client)
    other.plays = [lambda request: 401 if request.headers["authorization"].endswith("-1") else page("m1")]
    async with anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(ids, client)
    assert len(other.token_requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_a_wrong_secret_is_not_tried_again(other: Other, client: CceeClient, status: int) -> None:
    other.tokens = [httpx.Response(status, json={"error": "invalid_client"}) for _ in range(3)]
    failed: list[AuthenticationError] = []

    async def call() -> None:
        with pytest.raises(AuthenticationError, match=r"invalid_client.*client_secret") as refused:
            await ids(client)
        failed.append(refused.value)

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(call)
    assert len(other.token_requests) == 1
    assert len(failed) == 10
    assert len({id(error) for error in failed}) == 10
    assert other.requests == []
    with pytest.raises(AuthError):
        await client.send_migration(SIM)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (httpx.ConnectError("refused"), UnreachableError, "no connection"),
        (httpx.ReadTimeout("slow"), TimedOutError, "no complete answer in time"),
        (503, UnavailableError, "not available now"),
        (500, ServerError, "server failed"),
        (b"<html>welcome</html>", AnswerError, "web page"),
        ({"expires_in": 300}, AnswerError, "access_token"),
        ({"access_token": "a b", "expires_in": 300}, AnswerError, "access_token"),
        ({"access_token": "abcd"}, AnswerError, "expires_in"),
        ({"access_token": "abcd", "expires_in": "soon"}, AnswerError, "expires_in"),
        ({"access_token": "abcd", "expires_in": 300, "token_type": "mac"}, AnswerError, "token_type"),
        ([], AnswerError, "access_token"),
        (httpx.Response(403, content=b"<html>waf</html>"), RefusedError, "in front of the API"),
        (httpx.Response(302, headers={"Location": "http://evil.test"}), RefusedError, "never followed"),
        (404, NotFoundError, "404"),
    ],
)
async def test_a_token_endpoint_in_trouble_is_explained(
    other: Other, client: CceeClient, answer: Any, kind: type[CceeError], words: str
) -> None:
    other.tokens = [answer] * 8
    with pytest.raises(kind, match=words) as failed:
        await ids(client)
    assert failed.value.excerpt == "" or "abcd" not in failed.value.excerpt
    other.tokens = [answer] * 8
    # Whatever it is: nothing of the write was sent, and the kind of its error says so.
    with pytest.raises(UnreachableError, match=words):
        await client.create_migration(SIM)
    assert other.requests == []


async def test_the_kind_of_token_is_taken_in_any_case_and_extras_are_ignored(other: Other, client: CceeClient) -> None:
    other.tokens = [{"access_token": "abcd", "expires_in": 300, "token_type": "bearer", "scope": None, "id_token": 1}]
    assert await ids(client) == ["m1"]
    assert other.used() == ["abcd"]


async def test_a_changed_secret_is_used_with_the_next_token(other: Other, clock: ManualClock) -> None:
    secrets = iter(["first", "second"])
    client = connect(other, clock, secret=lambda: next(secrets))
    await ids(client)
    clock.advance(1000)
    await ids(client)
    assert [body(request).rpartition("=")[2] for request in other.token_requests] == ["first", "second"]


async def test_secret_and_token_are_in_no_log_and_no_error(
    other: Other, client: CceeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    other.plays = [
        page("m1"),
        httpx.Response(400, json={"error": "E", "message": f"token sim-token-1 of {SECRET}, CPF 529.982.247-25"}),
    ]
    await ids(client)
    with pytest.raises(ValidationError) as refused:
        await client.migration("m1", PROFILE)
    told = f"{caplog.text}{refused.value}{refused.value.excerpt}{refused.value!r}"
    assert "sim-token-1" not in told
    assert SECRET not in told
    assert "529" not in told


# Lists (ccee.md 2)


async def test_a_401_on_page_40_repeats_that_page_once(other: Other, client: CceeClient) -> None:
    pages = [page(f"m{n}", cursor=f"c{n + 1}" if n < 49 else None) for n in range(50)]
    other.plays = [*pages[:40], 401, *pages[40:]]
    assert await ids(client) == [f"m{n}" for n in range(50)]
    assert other.sent()[40] == other.sent()[41]
    assert other.sent()[41].endswith("indexProximaPagina=c40")
    assert other.used() == ["sim-token-1"] * 41 + ["sim-token-2"] * 10


async def test_pages_say_where_they_stand(other: Other, client: CceeClient) -> None:
    other.plays = [page("a", "b", cursor="2"), page("c"), 204, page("d")]
    found = [each async for each in client.migration_pages("2026-01", "2028-02", PROFILE)]
    assert [(each.window, each.windows, each.page, each.last, len(each.items)) for each in found] == [
        (0, 3, 0, False, 2),
        (0, 3, 1, False, 1),
        (1, 3, 0, False, 0),
        (2, 3, 0, True, 1),
    ]


async def test_a_page_is_there_before_the_next_is_asked_for(other: Other, client: CceeClient) -> None:
    other.plays = [page("a", cursor="2"), page("b")]
    found = client.list_migrations("2026-01", "2026-12", PROFILE)
    assert (await anext(found)).migration_id == "a"
    assert len(other.requests) == 1
    await found.aclose()
    assert len(other.requests) == 1


async def test_what_shifts_between_pages_and_windows_comes_once(other: Other, client: CceeClient) -> None:
    other.plays = [page("a", "b", "b", cursor="2"), page("b", "c"), page("c", "d")]
    assert await ids(client, "2026-01", "2027-12") == ["a", "b", "c", "d"]


async def test_a_cursor_that_comes_again_ends_in_an_error(other: Other, client: CceeClient) -> None:
    other.plays = [page("a", cursor="2"), page("b", cursor="3"), page("c", cursor="2")]
    found = client.list_migrations("2026-01", "2026-12", PROFILE)
    assert [(await anext(found)).migration_id for _ in range(3)] == ["a", "b", "c"]
    with pytest.raises(AnswerError, match="same indexProximaPagina again after 3 pages") as stopped:
        await anext(found)
    assert stopped.value.status_code == 200


async def test_pages_that_bring_nothing_new_for_ever_end_in_an_error(other: Other, client: CceeClient) -> None:
    other.plays = [lambda request: page("a", cursor=len(other.requests))]
    with pytest.raises(AnswerError, match="50 pages in a row brought nothing new"):
        await ids(client)
    assert len(other.requests) == 51


async def test_an_error_on_a_later_page_comes_after_what_was_read(other: Other, client: CceeClient) -> None:
    other.plays = [page("a", cursor="2"), 500]
    found = client.list_migrations("2026-01", "2026-12", PROFILE)
    assert (await anext(found)).migration_id == "a"
    with pytest.raises(ServerError):
        await anext(found)


async def test_100_000_migrations_pass_in_a_memory_that_does_not_grow() -> None:
    from wattdeck.systems.ccee.paging import Recent

    recent = Recent(1000)
    for start in range(0, 100_000, 50):
        items = tuple(str(n) for n in range(start, start + 50))
        assert recent.sift(items, str) == items
        assert recent.sift(items[25:], str) == ()
    assert len(recent._filling) + len(recent._before) <= 2050
    assert recent.sift(("99000", "new", "new"), str) == ("new",)


# Again, or not (ccee.md 7)


@pytest.mark.parametrize("trouble", [429, 502, 503, 504, httpx.ConnectError("no"), httpx.ReadTimeout("slow")])
async def test_reads_are_repeated_with_growing_patience(
    other: Other, client: CceeClient, clock: ManualClock, trouble: Any
) -> None:
    other.plays = [trouble, trouble, trouble, page("m1")]
    assert await ids(client) == ["m1"]
    assert 3.5 * 0.8 <= clock.elapsed_s <= 3.5 * 1.2
    other.plays = [trouble]
    with pytest.raises(CceeError):
        await ids(client)
    assert len(other.requests) == 8


async def test_retry_after_is_waited_for_unless_it_is_too_long(
    other: Other, client: CceeClient, clock: ManualClock
) -> None:
    other.plays = [httpx.Response(429, headers={"Retry-After": "17"}), page("m1")]
    assert await ids(client) == ["m1"]
    assert clock.elapsed_s == pytest.approx(17)
    other.plays = [httpx.Response(429, headers={"Retry-After": "3600"})]
    with pytest.raises(RateLimitError, match="ask less often") as refused:
        await ids(client)
    assert refused.value.retry_after_s == 3600
    assert len(other.requests) == 3
    assert clock.elapsed_s == pytest.approx(17)


@pytest.mark.parametrize("trouble", [429, 500, 502, 503, 504, httpx.ReadTimeout("slow"), httpx.ReadError("cut")])
async def test_writes_are_sent_once(other: Other, client: CceeClient, clock: ManualClock, trouble: Any) -> None:
    other.plays = [trouble]
    writes: list[Callable[[], Awaitable[object]]] = [
        lambda: client.send_migration(SIM),
        lambda: client.update_migration("m1", EDIT, PROFILE),
        lambda: client.cancel_migration("m1", PROFILE),
        lambda: client.create_contract(CONTRACT, PROFILE),
        lambda: client.answer_change_request("r1", PROFILE, "CONCLUIDA", TERMINATION),
    ]
    for write in writes:
        with pytest.raises(CceeError):
            await write()
    assert len(other.requests) == len(writes)
    assert clock.elapsed_s == 0


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_never_followed(other: Other, client: CceeClient, status: int) -> None:
    other.plays = [httpx.Response(status, headers={"Location": "http://evil.test/"})]
    with pytest.raises(RefusedError, match="never followed"):
        await client.update_migration("m1", EDIT, PROFILE)
    with pytest.raises(RefusedError, match="never followed"):
        await client.migration("m1", PROFILE)
    assert len(other.requests) == 2


async def test_no_more_than_eight_requests_are_under_way(other: Other, client: CceeClient) -> None:
    other.gate = anyio.Event()
    async with anyio.create_task_group() as group:
        for _ in range(30):
            group.start_soon(ids, client)
        for _ in range(40):
            await anyio.lowlevel.checkpoint()
        assert len(other.requests) == 8
        other.gate.set()
    assert len(other.requests) == 30
    assert other.most_under_way == 8


# A create whose answer was lost (ccee.md 11.10)

LOST = [
    httpx.ReadTimeout("slow"),
    httpx.ReadError("cut"),
    httpx.Response(500),
    httpx.Response(504),
    httpx.Response(204),
    httpx.Response(200, content=b"<html>ok</html>"),
    httpx.Response(408),
]


@pytest.mark.parametrize("lost", LOST)
async def test_a_create_whose_answer_was_lost_is_found_by_listing_its_unit(
    other: Other, client: CceeClient, lost: Any
) -> None:
    other.plays = [lost, page("old", statusMigracao="CANCELADA"), page("new", statusMigracao="CRIADA")]
    assert (await client.create_migration(SIM)).migration_id == "new"
    assert [line.partition("?")[0] for line in other.sent()] == [
        "POST /v2/varejista/migracoes",
        "GET /v2/varejista/migracoes",
        "GET /v2/varejista/migracoes",
    ]
    assert other.sent()[1].endswith(
        f"mesReferenciaInicial=2026-10&mesReferenciaFinal=2026-10&codigoPerfilVarejista=200100"
        f"&codigoUnidadeConsumidora={UNIT}"
    )


async def test_a_create_that_left_no_trace_keeps_its_error(other: Other, client: CceeClient) -> None:
    strange = page("other", codigoUnidadeConsumidora="000000000000130")
    other.plays = [httpx.ReadTimeout("slow"), strange, 204]
    with pytest.raises(TimedOutError, match="the unit was listed since and has no such migration"):
        await client.create_migration(SIM)
    assert [request.method for request in other.requests] == ["POST", "GET", "GET"]


async def test_a_create_nobody_can_look_after_is_unknown(other: Other, client: CceeClient) -> None:
    other.plays = [httpx.Response(500, headers={"X-Request-Id": "r-9"}), 500]
    with pytest.raises(ServerError, match="nobody knows whether it was created") as unknown:
        await client.create_migration(SIM)
    assert (unknown.value.status_code, unknown.value.request_id) == (500, "r-9")


@pytest.mark.parametrize("refusal", [400, 403, 404, 409, 422, 429, 302, httpx.ConnectError("no")])
async def test_a_create_that_was_refused_is_not_looked_for(other: Other, client: CceeClient, refusal: Any) -> None:
    other.plays = [refusal]
    with pytest.raises(CceeError):
        await client.create_migration(SIM)
    assert len(other.requests) == 1


# Errors (ccee.md 7)


@pytest.mark.parametrize(
    ("status", "content", "kind", "core", "code"),
    [
        (400, example("error"), ValidationError, ValidationRefused, "ERR_VALIDACAO_CAMPOS"),
        (400, {"error": "ERR_SOLICITACAO_NAO_EXISTE_BASE_DADOS"}, NotFoundError, StatusError, None),
        (400, {"error": "E", "message": ["um", "dois"]}, ValidationError, StatusError, "E"),
        (400, [], ValidationError, StatusError, ""),
        (400, None, ValidationError, StatusError, ""),
        (403, {"error": None}, AuthenticationError, AuthError, ""),
        (403, "<html>", RefusedError, StatusError, ""),
        (404, {"error": "ERR_X"}, NotFoundError, StatusError, "ERR_X"),
        (405, "", RefusedError, StatusError, ""),
        (409, {"error": "ERR_Y"}, ValidationError, ValidationRefused, "ERR_Y"),
        (422, {"error": "ERR_Y"}, ValidationError, ValidationRefused, "ERR_Y"),
        (429, {"error": "ERR_Z"}, RateLimitError, Busy, "ERR_Z"),
        (500, "<html>", ServerError, ServerFailure, ""),
        (502, "<html>", UnavailableError, Busy, ""),
        (503, "", UnavailableError, ServerError, ""),
        (304, "", RefusedError, StatusError, ""),
        (418, "", RefusedError, StatusError, ""),
    ],
)
async def test_every_status_has_its_error_with_all_that_is_known(
    other: Other,
    client: CceeClient,
    status: int,
    content: Any,
    kind: type[CceeError],
    core: type[SourceError],
    code: Any,
) -> None:
    sent = content.encode() if isinstance(content, str) else json.dumps(content).encode()
    other.plays = [httpx.Response(status, content=sent, headers={"x-request-id": "r-1"})]
    with pytest.raises(kind) as failed:
        await client.cancel_migration("m1", PROFILE)
    error = failed.value
    assert type(error) is kind
    assert isinstance(error, core)
    assert (error.status_code, error.request_id) == (status, "r-1")
    assert code is None or error.code == code
    assert bool(error.excerpt) == bool(sent)
    assert str(status) in str(error)
    assert str(error).isprintable()


async def test_excerpts_are_bounded_and_masked(other: Other, client: CceeClient) -> None:
    said = "CNPJ 11.222.333/0001-81 12ABC34501DE35, CPF 52998224725, ana@example.com, UC 000000123400159\x1b[2J"
    other.plays = [httpx.Response(400, json={"error": "E" * 5000, "message": said + "x" * 5000})]
    with pytest.raises(ValidationError) as failed:
        await client.cancel_migration("m1", PROFILE)
    told = f"{failed.value}{failed.value.excerpt}{failed.value.code}"
    for private in ("11.222", "12ABC", "52998224725", "ana@example"):
        assert private not in told
    assert "000000123400159" in str(failed.value)
    assert len(told) < 1500
    assert told.isprintable()


@pytest.mark.parametrize(
    ("trouble", "kind", "core"),
    [
        (httpx.ConnectError("no"), UnreachableError, Unreachable),
        (httpx.ReadTimeout("slow"), TimedOutError, TimedOut),
        (httpx.ReadError("cut"), AnswerError, BadAnswer),
        (b"<html>", AnswerError, BadAnswer),
        (204, AnswerError, BadAnswer),
    ],
)
async def test_faults_on_the_way_are_the_cores_errors_too(
    other: Other, client: CceeClient, trouble: Any, kind: type[CceeError], core: type[SourceError]
) -> None:
    other.plays = [trouble]
    with pytest.raises(kind) as failed:
        await client.update_migration("m1", EDIT, PROFILE)
    assert isinstance(failed.value, core)
    assert failed.value.status_code == {bytes: 200, int: 204}.get(type(trouble))


async def test_a_status_nobody_knows_does_not_break_the_list(other: Other, client: CceeClient) -> None:
    other.plays = [page("a", "b", statusMigracao="NOVA")]
    found = [each async for each in client.list_migrations("2026-01", "2026-12", PROFILE)]
    assert [(each.migration_id, each.status) for each in found] == [("a", "NOVA"), ("b", "NOVA")]


# The simulator's faults (ccee.md 11)

READABLE = {
    "cursor-number": None, "cursor-empty": None, "cursor-missing": None, "null-array": None, "bare-array": None,
    "duplicate-rows": None, "twin-unit": None,
    "shifting-pages": None, "huge-page": None, "nulls": None, "mixed-dates": None,
    "string-codes": "text", "unknown-status": None, "legacy-codes": None, "alnum-cnpj": None, "hostile-text": None,
    "compat-052": None, "token-short": "20", "expire-mid": "2", "array-get": None, "page-size": "3",
}  # fmt: skip
FAILING: dict[str, tuple[str | None, type[CceeError]]] = {
    "html-200": (None, AnswerError),
    "html-403": (None, RefusedError),
    "html-502": (None, UnavailableError),
    "html-503": (None, UnavailableError),
    "rate-limit": ("2", RateLimitError),
    "truncated": (None, AnswerError),
    "cursor-loop": ("own", AnswerError),
    "wrong-key": (None, AnswerError),
    "drop": (None, UnreachableError),
    "token-down": (None, UnavailableError),
    "token-html": (None, AnswerError),
    "token-401": (None, AuthenticationError),
    "agent-mismatch": (None, AuthenticationError),
}


def simulated_with(clock: ManualClock, name: str, value: str | None) -> CceeClient:
    client, simulator = simulation(clock)
    simulator.set_fault(name, value)
    return client


@pytest.mark.parametrize(("name", "value"), READABLE.items())
async def test_what_is_odd_is_read_all_the_same(name: str, value: str | None, clock: ManualClock) -> None:
    found = [each async for each in simulated_with(clock, name, value).list_migrations("2026-01", "2026-12", PROFILE)]
    assert (len(found) > 3) == (name != "null-array")
    assert len({each.migration_id for each in found}) == len(found)
    for each in found:
        assert "".join(str(value) for value in (each.email, each.comment, each.justification)).isprintable()
        assert each.reference_month.startswith("2026-")


@pytest.mark.parametrize(("name", "how"), FAILING.items())
async def test_what_cannot_be_read_is_an_error_with_its_facts(
    name: str, how: tuple[str | None, type[CceeError]], clock: ManualClock
) -> None:
    value, kind = how
    client = simulated_with(clock, name, value)
    with pytest.raises(kind) as failed:
        await ids(client)
    assert (failed.value.status_code is None) == (name == "drop")


@pytest.mark.parametrize(("name", "value"), [("create-lost", "drop"), ("create-500-after", None)])
async def test_a_create_the_simulator_kept_is_found(name: str, value: str | None, clock: ManualClock) -> None:
    client = simulated_with(clock, name, value)
    assert (await client.create_migration(SIM)).consumer_unit_code == UNIT
