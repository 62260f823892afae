"""The simulated CCEE over HTTP, in process: tokens, endpoints, life cycle, and every fault by name."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

import anyio
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.asgi import SimulatedTransport
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.ccee import faults
from wattdeck.systems.ccee.bending import NEW_STATUS
from wattdeck.systems.ccee.bodies import edit, wanted
from wattdeck.systems.ccee.exchange import Call, Refusal
from wattdeck.systems.ccee.models import BRASILIA
from wattdeck.systems.ccee.numbering import is_cnpj
from wattdeck.systems.ccee.simulator import CceeSimulator

pytestmark = pytest.mark.anyio

START = datetime(2026, 11, 25, 14, 0, tzinfo=BRASILIA)
UNIT = "000000123400159"
WINDOW = {"mesReferenciaInicial": "2026-09", "mesReferenciaFinal": "2027-08", "codigoPerfilVarejista": "200100"}
MIGRATIONS, CONTRACTS, REQUESTS = "/v2/varejista/migracoes", "/v1/varejista/contratos", "/v1/solicitacoes"
TOKEN = "/sso/oauth/token"
SUSPENSION = "SUSPENSAO_FORNECIMENTO_RESILICAO"
BODY: dict[str, Any] = {
    "codigoUnidadeConsumidora": UNIT,
    "codigoAgenteConcessionaria": 100000,
    "tipoDocumento": "CNPJ",
    "numeroDocumento": "11222333000181",
    "codigoAgenteVarejista": 200000,
    "mesReferencia": "2027-06",
    "codigoPerfilVarejista": 200100,
    "emailUnidadeConsumidora": "uc@example.com",
    "subGrupoTarifarioUnidadeConsumidora": "A4",
    "formalizacaoDistribuidora": "SIM",
    "dataFormalizacao": "2026-11-02",
    "comentario": "Olá",
}
V2_ALONE = ("subGrupoTarifarioUnidadeConsumidora", "formalizacaoDistribuidora", "dataFormalizacao")
V1_BODY = {name: value for name, value in BODY.items() if name not in V2_ALONE} | {"dataDenuncia": "2026-11-01"}
EDIT = {
    "mesReferencia": "2027-07",
    "codigoPerfilVarejista": 200101,
    "tipoDocumento": "CPF",
    "emailUnidadeConsumidora": "n@example.com",
}


class Bench:
    """A simulator, a clock moved by hand, and a client without habits of its own."""

    def __init__(self, **faults_on: str | None) -> None:
        self.now_s = 1000.0
        self.slept_s: list[float] = []
        self.simulator = CceeSimulator(
            SimulatorOptions(start=START, faults={name.replace("_", "-"): v for name, v in faults_on.items()}),
            monotonic=lambda: self.now_s,
            sleep=self._sleep,
        )
        transport = SimulatedTransport(self.simulator.app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://ccee", timeout=30)
        self.http.headers.update({"codigoAgente": "200000", "codigoPerfil": "200100"})

    async def _sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)

    async def token(self, agent: int = 200000, form: dict[str, str] | None = None) -> httpx.Response:
        name = "VAREJISTA" if 200000 <= agent < 300000 else "CONCESSIONARIA"
        return await self.http.post(
            TOKEN, data={"client_id": f"{name}_{agent}", "client_secret": f"sim-secret-{agent}", **(form or {})}
        )

    async def become(self, agent: int, profile: int | None = None) -> None:
        """Send the token and the codes of an agent from now on."""
        token = (await self.token(agent)).json()["access_token"]
        codes = {"codigoAgente": str(agent), "codigoPerfil": str(profile or agent)}
        self.http.headers.update({"Authorization": f"Bearer {token}", **codes})

    async def listed(self, path: str = MIGRATIONS, **query: str) -> httpx.Response:
        return await self.http.get(path, params=WINDOW | query)

    async def rows(self, path: str = MIGRATIONS, key: str = "migracao", **query: str) -> list[dict[str, Any]]:
        """All rows, page by page."""
        found: list[dict[str, Any]] = []
        while True:
            answer = await self.listed(path, **query)
            if answer.status_code == 204:
                return found
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found += page[key]
            if page["indexProximaPagina"] is None:
                return found
            query["indexProximaPagina"] = page["indexProximaPagina"]

    async def create(self, version: str = "v2", **changes: Any) -> httpx.Response:
        body = (BODY if version == "v2" else V1_BODY) | changes
        body = {name: value for name, value in body.items() if value is not None}
        return await self.http.post(f"/{version}/varejista/migracoes", json=body)

    async def created(self, **changes: Any) -> str:
        answer = await self.create(**changes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["idMigracao"])

    async def status(self, migration_id: str) -> str:
        return str((await self.http.get(f"{MIGRATIONS}/{migration_id}")).json()["statusMigracao"])

    async def control(self, control: str, /, **body: Any) -> httpx.Response:
        return await self.http.post(f"/_sim/{control}", json=body)

    async def completed(self) -> str:
        """A migration that is free since this month."""
        migration_id = await self.created(mesReferencia="2026-11")
        self.simulator.approve(migration_id)
        return migration_id


@pytest.fixture
async def door() -> AsyncIterator[Bench]:
    made = Bench()
    async with made.http:
        yield made


@pytest.fixture
async def bench(door: Bench) -> Bench:
    await door.become(200000, 200100)
    return door


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code, and the field the message begins with."""
    body = answer.json()
    return answer.status_code, body["error"], body["message"].partition(":")[0]


# start


def test_making_one_takes_no_time() -> None:
    CceeSimulator(SimulatorOptions(start=START))
    took_s = []
    for _ in range(5):
        begun_s = perf_counter()
        CceeSimulator(SimulatorOptions(start=START))
        took_s.append(perf_counter() - begun_s)
    assert min(took_s) < 0.015


@pytest.mark.parametrize("start", [START.replace(year=1999), START.replace(year=2201)])
def test_a_start_out_of_range_is_refused(start: datetime) -> None:
    with pytest.raises(ValueError, match="2024 to 2200"):
        CceeSimulator(SimulatorOptions(start=start))


# tokens


async def test_a_token_needs_no_grant_type_and_lasts_300_seconds(door: Bench) -> None:
    for form in ({}, {"grant_type": "client_credentials"}):
        token = (await door.token(form=form)).json()
        assert token["expires_in"] == 300 and token["token_type"] == "Bearer" and token["access_token"]
    await door.become(200000, 200100)
    door.now_s += 299
    assert (await door.listed()).status_code == 200
    door.now_s += 2
    assert refusal(await door.listed())[:2] == (401, "ERR_TOKEN_INVALIDO")


async def test_pushing_the_clock_ends_tokens_too(bench: Bench) -> None:
    await bench.control("clock", advance_s=301)
    assert (await bench.listed()).status_code == 401


@pytest.mark.parametrize(
    "form", [{"client_secret": "wrong"}, {"client_id": "VAREJISTA_999"}, {"grant_type": "password"}, {"client_id": ""}]
)
async def test_who_is_not_known_gets_no_token(door: Bench, form: dict[str, str]) -> None:
    answer = await door.token(form=form)
    assert answer.status_code == 401 and answer.json()["error"] == "invalid_client"


async def test_a_token_is_good_for_its_agent_alone(bench: Bench) -> None:
    bench.http.headers["codigoAgente"] = "200001"
    assert refusal(await bench.listed())[:2] == (403, "ERR_CREDENCIAL_INVALIDA")


@pytest.mark.parametrize(("name", "value"), [("codigoPerfil", "200110"), ("codigoPerfil", "x"), ("codigoAgente", "")])
async def test_codes_in_headers_are_checked(bench: Bench, name: str, value: str) -> None:
    bench.http.headers[name] = value
    assert refusal(await bench.listed()) == (400, "ERR_VALIDACAO_CAMPOS", name)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic eDp5"])
async def test_without_a_token_that_is_known_it_is_401(bench: Bench, header: str) -> None:
    bench.http.headers["Authorization"] = header
    assert (await bench.listed()).status_code == 401


# lists


async def test_three_pages_hold_the_profile_once_on_every_version(bench: Bench) -> None:
    first = (await bench.listed()).json()
    assert len(first["migracao"]) == 50 and isinstance(first["indexProximaPagina"], str)
    rows = await bench.rows()
    assert 100 < len(rows) <= 150 and len({row["idMigracao"] for row in rows}) == len(rows)
    for version in ("v1", "v1.1"):
        others = await bench.rows(f"/{version}/varejista/migracoes")
        assert [row["idMigracao"] for row in others] == [row["idMigracao"] for row in rows]


async def test_versions_differ_in_their_fields(bench: Bench) -> None:
    keys = {
        v: set((await bench.listed(f"/{v}/varejista/migracoes")).json()["migracao"][0]) for v in ("v1", "v1.1", "v2")
    }
    assert keys["v1.1"] - keys["v1"] == {"indicadorProcessoSiga"}
    assert {"numeroProtocolo", "modalidadeMigracao", "formalizacaoDistribuidora"} <= keys["v2"] - keys["v1"]


async def test_list_and_detail_have_other_keys(bench: Bench) -> None:
    row = (await bench.listed()).json()["migracao"][0]
    detail = (await bench.http.get(f"{MIGRATIONS}/{row['idMigracao']}")).json()
    assert set(row) - set(detail) == {"mesReferencia", "codigoAgenteSupridora", "idCelebracaoCER"}
    assert set(detail) - set(row) == {"dataReferencia", "codigoSupridora", "tipoConectado"}
    assert detail["dataReferencia"] == row["mesReferencia"] and row["mesReferencia"].endswith("-01T00:00:00-03:00")


async def test_filters_by_unit_and_status_and_ignores_the_old_name(bench: Bench) -> None:
    rows = await bench.rows()
    one = next(row for row in rows if row["statusMigracao"] == "CONCLUIDA")
    unit = one["codigoUnidadeConsumidora"]
    found = await bench.rows(codigoUnidadeConsumidora=unit, statusMigracao="CONCLUIDA")
    assert [row["idMigracao"] for row in found] == [one["idMigracao"]]
    assert len(await bench.rows(codigoUC=unit)) == len(rows)
    assert {row["statusMigracao"] for row in await bench.rows(statusMigracao="CRIADA")} == {"CRIADA"}


async def test_months_are_filtered_inclusively_and_may_be_unpadded(bench: Bench) -> None:
    rows = await bench.rows(mesReferenciaInicial="2027-1", mesReferenciaFinal="2027-2")
    assert {row["mesReferencia"][:7] for row in rows} == {"2027-01", "2027-02"}


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"mesReferenciaFinal": "2027-09"}, "ERR_MES_REFERENCIA_INICIAL_DIFERENCA", "mesReferenciaInicial"),
        ({"mesReferenciaInicial": "2026-13"}, "ERR_VALIDACAO_CAMPOS", "mesReferenciaInicial"),
        ({"mesReferenciaInicial": ""}, "ERR_VALIDACAO_CAMPOS", "mesReferenciaInicial"),
        ({"mesReferenciaFinal": "2026-08"}, "ERR_VALIDACAO_CAMPOS", "mesReferenciaFinal"),
        ({"codigoPerfilVarejista": "200101"}, "ERR_VALIDACAO_CAMPOS", "codigoPerfilVarejista"),
        ({"statusMigracao": "criada"}, "ERR_VALIDACAO_CAMPOS", "statusMigracao"),
        ({"indexProximaPagina": "nonsense"}, "ERR_VALIDACAO_CAMPOS", "indexProximaPagina"),
    ],
)
async def test_a_wrong_parameter_is_named(bench: Bench, query: dict[str, str], code: str, field: str) -> None:
    assert refusal(await bench.listed(**query)) == (400, code, field)


async def test_an_empty_list_is_204_without_a_body(bench: Bench) -> None:
    answer = await bench.listed(mesReferenciaInicial="2040-01", mesReferenciaFinal="2040-02")
    assert answer.status_code == 204 and answer.content == b""


async def test_a_retailer_sees_its_own_and_a_utility_what_is_on_its_grid(bench: Bench) -> None:
    own = await bench.rows()
    assert {row["codigoAgenteVarejista"] for row in own} == {200000}
    await bench.become(200001, 200110)
    assert (await bench.http.get(f"{MIGRATIONS}/{own[0]['idMigracao']}")).status_code == 404
    utility = own[0]["codigoAgenteConcessionaria"]
    await bench.become(utility)
    seen = await bench.rows(codigoPerfilVarejista=str(utility))
    assert {row["codigoAgenteConcessionaria"] for row in seen} == {utility}
    assert own[0]["idMigracao"] in {row["idMigracao"] for row in seen}
    assert refusal(await bench.create())[:2] == (403, "ERR_ACESSO_NEGADO")


# writes


async def test_create_get_update_delete_through_all_versions(bench: Bench) -> None:
    made = await bench.create()
    assert made.status_code == 201 and made.json()["statusMigracao"] == "CRIADA"
    migration_id = made.json()["idMigracao"]
    for version in ("v1", "v1.1", "v2"):
        got = await bench.http.get(f"/{version}/varejista/migracoes/{migration_id}")
        assert got.json()["comentario"] == "Olá" and got.json()["dataReferencia"][:7] == "2027-06"
    changed = (await bench.http.put(f"{MIGRATIONS}/{migration_id}", json=EDIT)).json()
    assert (changed["dataReferencia"][:7], changed["codigoPerfilVarejista"]) == ("2027-07", 200101)
    assert (changed["tipoDocumento"], changed["numeroDocumento"]) == ("CPF", None)
    assert changed["subGrupoTarifarioUnidadeConsumidora"] == "A4", "nothing else changes"
    assert (await bench.http.delete(f"/v1/varejista/migracoes/{migration_id}")).status_code == 204
    assert await bench.status(migration_id) == "CANCELADA"
    again = await bench.http.delete(f"/v1/varejista/migracoes/{migration_id}")
    assert refusal(again) == (400, "ERR_SITUACAO_MIGRACAO", "statusMigracao")
    assert (await bench.http.put(f"{MIGRATIONS}/{migration_id}", json=EDIT)).status_code == 400


async def test_a_unit_has_one_active_migration(bench: Bench) -> None:
    first = await bench.created()
    await bench.become(200001, 200110)
    other: dict[str, Any] = {"codigoAgenteVarejista": 200001, "codigoPerfilVarejista": "200110"}
    assert refusal(await bench.create(**other))[:2] == (400, "ERR_MIGRACAO_DUPLICADA")
    bench.simulator.reject(first, "Débito")
    assert (await bench.create(**other)).status_code == 201


@pytest.mark.parametrize(
    ("version", "changes", "field"),
    [
        ("v2", {"codigoUnidadeConsumidora": "000000123400150"}, "codigoUnidadeConsumidora"),
        ("v2", {"codigoUnidadeConsumidora": 123400159}, "codigoUnidadeConsumidora"),
        ("v1.1", {"codigoUnidadeConsumidora": "0032765"}, "codigoUnidadeConsumidora"),
        ("v2", {"codigoAgenteConcessionaria": 123}, "codigoAgenteConcessionaria"),
        ("v2", {"codigoAgenteConcessionaria": "abc"}, "codigoAgenteConcessionaria"),
        ("v2", {"codigoAgenteConcessionaria": True}, "codigoAgenteConcessionaria"),
        ("v2", {"tipoDocumento": "RG"}, "tipoDocumento"),
        ("v2", {"numeroDocumento": None}, "numeroDocumento"),
        ("v2", {"numeroDocumento": "11222333000180"}, "numeroDocumento"),
        ("v2", {"numeroDocumento": 11222333000181}, "numeroDocumento"),
        ("v2", {"tipoDocumento": "CPF", "numeroDocumento": "52998224725"}, "numeroDocumento"),
        ("v2", {"codigoAgenteVarejista": 200001}, "codigoAgenteVarejista"),
        ("v2", {"codigoPerfilVarejista": 200110}, "codigoPerfilVarejista"),
        ("v2", {"mesReferencia": "2026-13"}, "mesReferencia"),
        ("v2", {"mesReferencia": "9999-12"}, "mesReferencia"),
        ("v2", {"emailUnidadeConsumidora": None}, "emailUnidadeConsumidora"),
        ("v2", {"emailUnidadeConsumidora": "nobody"}, "emailUnidadeConsumidora"),
        ("v2", {"subGrupoTarifarioUnidadeConsumidora": "a4"}, "subGrupoTarifarioUnidadeConsumidora"),
        ("v2", {"dataFormalizacao": None}, "dataFormalizacao"),
        ("v2", {"dataFormalizacao": "2026-02-30"}, "dataFormalizacao"),
        ("v2", {"modalidadeMigracao": "REGULAR"}, "modalidadeMigracao"),
        ("v2", {"formalizacaoDistribuidora": "NAO"}, "dataFormalizacao"),
        ("v2", {"formalizacaoDistribuidora": "NAO", "dataFormalizacao": None}, "modalidadeMigracao"),
        ("v2", {"comentario": "x" * 501}, "comentario"),
        ("v2", {"comentario": "a\x1bb"}, "comentario"),
        ("v1", {"dataDenuncia": None}, "dataDenuncia"),
        ("v1.1", {"dataDenuncia": "01/11/2026"}, "dataDenuncia"),
    ],
)
async def test_a_wrong_field_is_named(bench: Bench, version: str, changes: dict[str, Any], field: str) -> None:
    assert refusal(await bench.create(version, **changes)) == (400, "ERR_VALIDACAO_CAMPOS", field)


async def test_v1_takes_legacy_codes_and_every_version_alphanumeric_cnpj(bench: Bench) -> None:
    assert (await bench.create("v1", codigoUnidadeConsumidora="0032765")).status_code == 201
    assert (await bench.create(numeroDocumento="12ABC34501DE35")).status_code == 201


async def test_v2_without_formalisation_wants_a_modality(bench: Bench) -> None:
    changes: dict[str, Any] = {
        "formalizacaoDistribuidora": "NAO",
        "dataFormalizacao": None,
        "modalidadeMigracao": "ANTECIPADA",
    }
    made = await bench.create(**changes, tipoDocumento="CPF", numeroDocumento=None)
    assert made.json()["modalidadeMigracao"] == "ANTECIPADA" and made.json()["numeroDocumento"] is None


@pytest.mark.parametrize("body", [b"", b"[", b"[]", b"null", b'"x"', b"[" * 5000, b'{"mesReferencia":{}}'])
async def test_a_body_that_is_none_is_400(bench: Bench, body: bytes) -> None:
    answer = await bench.http.post(MIGRATIONS, content=body)
    assert refusal(answer)[:2] == (400, "ERR_VALIDACAO_CAMPOS")


@settings(max_examples=50)
@given(
    st.sampled_from(["v1", "v1.1", "v2"]),
    st.dictionaries(st.sampled_from([*BODY, "dataDenuncia"]), st.none() | st.integers() | st.text(max_size=12)),
)
def test_any_body_is_taken_or_refused_with_a_field_that_exists(version: str, changes: dict[str, Any]) -> None:
    call = Call(version, 200000, 200100, False, {}, (BODY if version == "v2" else V1_BODY) | changes)
    for reads in (wanted, edit):
        try:
            reads(call)
        except Refusal as refused:
            field = refused.message.partition(":")[0]
            assert field in {*BODY, "dataDenuncia", "modalidadeMigracao"}


async def test_unknown_paths_and_methods(bench: Bench) -> None:
    for path in (
        "/v3/varejista/migracoes",
        "/v2/varejista/contratos",
        "/v2x1/varejista/migracoes",
        f"{MIGRATIONS}/a/b",
    ):
        assert (await bench.http.get(path)).status_code == 404
    answer = await bench.http.request("PATCH", MIGRATIONS)
    assert answer.status_code == 405 and answer.headers["allow"] == "GET, POST"
    assert (await bench.http.get(TOKEN)).status_code == 405
    assert (await bench.http.post(MIGRATIONS, content=b"x" * 1_000_001)).status_code == 413


PATHS = (MIGRATIONS, f"{MIGRATIONS}/x", CONTRACTS, f"{CONTRACTS}/x/arquivo", "/v1/varejista/consumo/medicoes", REQUESTS)
NAMES = (*WINDOW, "indexProximaPagina", "codigoAgenteConcessionaria", "dataInicio", "dataFim", "dataSolicitacaoInicial")
WORDS = st.text(max_size=10) | st.sampled_from(["2026-11", "9999-12", "2024-08-01", "0001-01-01T00:00+23:00", "200100"])


@settings(max_examples=40)
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    st.sampled_from(PATHS),
    st.dictionaries(st.sampled_from(NAMES), WORDS, max_size=5),
    st.binary(max_size=20)
    | st.dictionaries(st.sampled_from([*BODY]), WORDS).map(lambda body: json.dumps(body).encode()),
)
def test_whatever_is_asked_gets_an_answer_without_500(
    method: str, path: str, query: dict[str, str], body: bytes
) -> None:
    async def check() -> None:
        bench = Bench()
        async with bench.http:
            await bench.become(200001, 200110)
            answer = await bench.http.request(method, path, params=query, content=body)
            assert answer.status_code < 500

    anyio.run(check)


# life cycle


async def test_the_utility_accepts_refuses_and_lapses_over_http_too(bench: Bench) -> None:
    ends = {"approve": "CONCLUIDA", "reject": "REPROVADA", "lapse": "CONCLUIDA"}
    units = (UNIT, "001347925802810", "000001000000471")
    for unit, (action, status) in zip(units, ends.items(), strict=True):
        migration_id = await bench.created(codigoUnidadeConsumidora=unit)
        answer = await bench.control("migration", id=migration_id, action=action, justification="Débito vencido")
        assert answer.status_code == 200 and await bench.status(migration_id) == status
        again = await bench.control("migration", id=migration_id, action=action)
        assert again.status_code == 422 and status in again.json()["detail"]
        if action == "reject":
            got = (await bench.http.get(f"{MIGRATIONS}/{migration_id}")).json()
            assert got["justificativa"] == "Débito vencido" and got["dataValidacao"] == "2026-11-25"
    assert (await bench.control("migration", id="x", action="approve")).status_code == 422
    assert (await bench.control("migration", action="approve")).status_code == 422


async def test_the_clock_brings_an_answer_within_the_deadline_and_three_days(bench: Bench) -> None:
    migration_id = await bench.created()
    bench.simulator.advance_clock(20 * 86400)
    await bench.become(200000, 200100)
    assert await bench.status(migration_id) in ("CONCLUIDA", "REPROVADA")
    assert "CRIADA" not in {row["statusMigracao"] for row in await bench.rows()}


async def test_a_lapse_after_the_month_expires(bench: Bench) -> None:
    migration_id = await bench.created(mesReferencia="2026-10")
    assert await bench.status(migration_id) == "CRIADA", "also of a month that is over"
    bench.simulator.lapse(migration_id)
    assert await bench.status(migration_id) == "EXPIRADA"


async def test_two_simulators_with_the_same_options_tell_the_same() -> None:
    bodies = []
    for _ in range(2):
        one = Bench()
        async with one.http:
            await one.become(200000, 200100)
            await one.created()
            bodies.append([(await one.listed(path)).content for path in (MIGRATIONS, CONTRACTS)])
    assert bodies[0] == bodies[1]


# contracts


async def test_contracts_are_listed_by_status_and_only_signed_ones_have_a_file(bench: Bench) -> None:
    done = await bench.rows(CONTRACTS, "contratos", statusContrato="CONCLUIDO")
    waiting = await bench.rows(CONTRACTS, "contratos", statusContrato="CRIADO")
    assert len(done) > 50 and waiting
    assert {each["situacaoAssinatura"] for each in done[0]["representantesLegais"]} == {"ASSINADO"}
    assert "PENDENTE" in {each["situacaoAssinatura"] for each in waiting[0]["representantesLegais"]}
    file = await bench.http.get(f"{CONTRACTS}/{done[0]['idContrato']}/arquivo")
    assert base64.b64decode(file.content, validate=True).startswith(b"%PDF")
    assert file.headers["content-type"] == "application/pdf" and ".pdf" in file.headers["content-disposition"]
    refused = await bench.http.get(f"{CONTRACTS}/{waiting[0]['idContrato']}/arquivo")
    assert refusal(refused)[:2] == (400, "ERR_CONTRATO_NAO_CONCLUIDO")
    by_utility = await bench.rows(CONTRACTS, "contratos", codigoAgenteConcessionaria="100000")
    assert len(by_utility) < len(done)


async def test_a_contract_is_created_and_signed_as_time_goes(bench: Bench) -> None:
    signer = {
        "nomeContato": "Ana",
        "nomeEmail": "ana@example.com",
        "numeroDocumento": "52998224725",
        "tipoContato": "UNIDADE_CONSUMIDORA",
        "tipoDocumento": "CPF",
    }
    body = {
        "codigoAgenteConcessionaria": 100000,
        "codigoUnidadeConsumidora": UNIT,
        "nomeUnidadeConsumidora": "Padaria Teste",
        "representantesLegais": [signer],
        "tipoDocumento": "CPF",
        "numeroDocumento": "52998224725",
    }
    made = await bench.http.post(CONTRACTS, json=body)
    assert made.status_code == 201 and made.json()["situacaoCcv"] == "CRIADO"
    path = f"{CONTRACTS}/{made.json()['idContrato']}"
    await bench.control("clock", advance_s=3 * 86400)
    await bench.become(200000, 200100)
    assert (await bench.http.get(path)).json()["situacaoCcv"] == "CONCLUIDO"
    for changes, field in (
        ({"numeroDocumento": "1"}, "numeroDocumento"),
        ({"cnpjFilialUnidadeConsumidora": "11222333000181"}, "cnpjFilialUnidadeConsumidora"),
        ({"representantesLegais": [signer | {"tipoContato": "X"}]}, "tipoContato"),
        ({"representantesLegais": "x"}, "representantesLegais"),
    ):
        assert refusal(await bench.http.post(CONTRACTS, json=body | changes))[2] == field
    await bench.become(200001, 200110)
    assert (await bench.http.get(path)).status_code == 404


# measurements


async def energy(bench: Bench, **changes: str) -> httpx.Response:
    query = {
        "codigoUnidadeConsumidora": UNIT,
        "codigoAgenteConcessionaria": "100000",
        "dataInicio": "2026-11-02T00:00:00-03:00",
        "dataFim": "2026-11-02T23:59:59-03:00",
    }
    return await bench.http.get("/v1/varejista/consumo/medicoes", params=query | changes)


async def test_measurements_are_those_of_completed_migrations(bench: Bench) -> None:
    migration_id = await bench.created(mesReferencia="2026-11")
    assert (await energy(bench)).status_code == 204
    bench.simulator.approve(migration_id)
    rows = (await energy(bench)).json()["medicoes"]
    assert len(rows) == 288 and all(row["consumo"] > 0 for row in rows)
    rejected = await energy(bench, situacaoMedicao="REJEITADA")
    assert rejected.status_code == 204 or len(rejected.json()["medicoes"]) <= 1
    month = (await energy(bench, dataInicio="2026-11-01T00:00:00-03:00", dataFim="2026-11-30T23:59:59-03:00")).json()
    assert len(month["medicoes"]) == 1000 and month["indexProximaPagina"]
    await bench.become(200001, 200110)
    assert (await energy(bench)).status_code == 204, "another retailer's unit"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"dataFim": "2026-12-01T00:00:00-03:00"}, "ERR_PERIODO_INVALIDO_MEDICOES"),
        ({"dataFim": "2026-11-01T00:00:00-03:00"}, "ERR_PERIODO_INVALIDO_MEDICOES"),
        (
            {"dataInicio": "2024-07-31T00:00:00-03:00", "dataFim": "2024-07-31T23:59:59-03:00"},
            "ERR_SISTEMA_MIGRACAO_IMPLATADO_MEDICOES",
        ),
        ({"dataInicio": "0001-01-01"}, "ERR_VALIDACAO_CAMPOS"),
        ({"dataInicio": "yesterday"}, "ERR_VALIDACAO_CAMPOS"),
        ({"situacaoMedicao": "BOA"}, "ERR_VALIDACAO_CAMPOS"),
    ],
)
async def test_a_wrong_period_has_its_own_code(bench: Bench, changes: dict[str, str], code: str) -> None:
    assert refusal(await energy(bench, **changes))[:2] == (400, code)


# change requests


def suspension(**changes: Any) -> dict[str, Any]:
    return {
        "codigoUnidadeConsumidora": UNIT,
        "codigoAgenteConcessionaria": 100000,
        "tipoSolicitacao": SUSPENSION,
        "dataNotificacao": "2026-11-20",
        **changes,
    }


async def ask(bench: Bench, path: str, body: dict[str, Any]) -> httpx.Response:
    return await bench.http.post(f"{REQUESTS}/{path}", json=body)


async def test_a_suspension_is_asked_answered_and_takes_effect(bench: Bench) -> None:
    migration_id = await bench.completed()
    asked = await ask(bench, "suspensao-fornecimento-varejista", suspension())
    assert asked.status_code == 201 and asked.json()["situacaoAlteracao"] == "CRIADA"
    assert asked.json()["idMigracaoAlterada"] == migration_id and asked.json()["mesReferencia"] is None
    request_id = asked.json()["idSolicitacaoAlteracao"]
    await bench.become(100000)
    yes = {"situacaoAlteracao": "CONCLUIDA", "tipoSolicitacao": SUSPENSION}
    answered = await ask(bench, request_id, yes)
    assert answered.json()["mesReferencia"] == "2026-12-01T00:00:00-03:00"
    assert refusal(await ask(bench, request_id, yes))[2] == "situacaoAlteracao"
    assert await bench.status(migration_id) == "CONCLUIDA"
    await bench.control("clock", advance_s=6 * 86400)
    await bench.become(100000)
    assert await bench.status(migration_id) == "ENCERRADA"


@pytest.mark.parametrize(("kind", "days"), [("RESILICAO", 90), ("RESOLUCAO", 15)], ids=["by notice", "for default"])
async def test_silence_approves_a_suspension(bench: Bench, kind: str, days: int) -> None:
    migration_id = await bench.completed()
    body = suspension(tipoSolicitacao=f"SUSPENSAO_FORNECIMENTO_{kind}", dataNotificacao="2026-11-25")
    assert (await ask(bench, "suspensao-fornecimento-varejista", body)).status_code == 201
    bench.simulator.advance_clock((days - 1) * 86400)
    state = bench.simulator.store.requests
    mine = next(each for each in state.values() if each.migration_id == migration_id)
    assert mine.status == "CRIADA"
    bench.simulator.advance_clock(86400)
    assert mine.status == "CONCLUIDA"
    bench.simulator.advance_clock(31 * 86400)
    await bench.become(200000, 200100)
    assert await bench.status(migration_id) == "ENCERRADA"


async def test_a_disconnection_needs_no_answer_and_hands_the_unit_to_the_new_retailer(bench: Bench) -> None:
    migration_id = await bench.completed()
    await bench.become(200001, 200110)
    body = {
        "codigoUnidadeConsumidora": UNIT,
        "codigoAgenteConcessionaria": 100000,
        "codigoAgenteVarejistaNovo": 200001,
        "codigoPerfilVarejistaNovo": 200110,
        "mesReferencia": "2026-12",
        "tipoSolicitacao": "ALTERACAO_ALFA_VAREJISTA_DESLIGAMENTO",
    }
    assert (await ask(bench, "representante", body)).status_code == 201
    await bench.control("clock", advance_s=6 * 86400)
    await bench.become(200001, 200110)
    own = await bench.rows(codigoPerfilVarejista="200110", codigoUnidadeConsumidora=UNIT)
    assert [row["statusMigracao"] for row in own] == ["CONCLUIDA"] and own[0]["mesReferencia"][:7] == "2026-12"
    await bench.become(200000, 200100)
    assert await bench.status(migration_id) == "ENCERRADA"


async def test_a_return_to_captive_is_the_utilitys_to_ask(bench: Bench) -> None:
    await bench.completed()
    body = {
        "codigoUnidadeConsumidora": UNIT,
        "mesReferencia": "2027-01",
        "idCelebracaoCER": "SIM",
        "tipoSolicitacao": "ALTERACAO_RETORNO_CATIVO_RESILICAO",
    }
    assert (await ask(bench, "retorno-cativo", body)).status_code == 403
    await bench.become(100000)
    assert (await ask(bench, "retorno-cativo", body)).json()["idCelebracaoCER"] == "SIM"
    own = {"codigoUnidadeConsumidora": UNIT, "dataNotificacao": "2026-11-25"}
    kind = "SUSPENSAO_FORNECIMENTO_RESOLUCAO_UC_CONCESSIONARIA"
    asked = await ask(bench, "suspensao-fornecimento-concessionaria", own | {"tipoSolicitacao": kind})
    assert asked.json()["codigoAgenteConcessionaria"] == 100000


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"codigoUnidadeConsumidora": "001347925802810"}, "ERR_MIGRACAO_CONCLUIDA_NAO_ENCONTRADA"),
        ({"codigoAgenteConcessionaria": 100001}, "ERR_MIGRACAO_CONCLUIDA_NAO_ENCONTRADA"),
        ({"tipoSolicitacao": "SUSPENSAO_FORNECIMENTO_DESLIGAMENTO"}, "ERR_TIPO_SOLICITACAO_INVALIDO"),
        ({"tipoSolicitacao": "ALTERACAO_RETORNO_CATIVO_RESILICAO"}, "ERR_TIPO_SOLICITACAO_INVALIDO"),
        ({"dataNotificacao": "20/11/2026"}, "ERR_VALIDACAO_CAMPOS"),
    ],
)
async def test_a_request_that_cannot_be_is_refused(bench: Bench, changes: dict[str, Any], code: str) -> None:
    await bench.completed()
    answer = await ask(bench, "suspensao-fornecimento-varejista", suspension(**changes))
    assert refusal(answer)[:2] == (400, code)


async def test_an_unknown_request_is_400_not_404(bench: Bench) -> None:
    body = {"situacaoAlteracao": "CONCLUIDA", "tipoSolicitacao": SUSPENSION}
    assert refusal(await ask(bench, "nonsense", body))[:2] == (400, "ERR_SOLICITACAO_NAO_EXISTE_BASE_DADOS")


async def test_requests_are_listed_by_date_or_by_month(bench: Bench) -> None:
    await bench.completed()
    await ask(bench, "suspensao-fornecimento-varejista", suspension())
    days = {"dataSolicitacaoInicial": "2025-11-26", "dataSolicitacaoFinal": "2026-11-25"}
    base = {"tipoSolicitacao": SUSPENSION, "codigoUnidadeConsumidora": UNIT}
    found = (await bench.http.get(REQUESTS, params=base | days)).json()["solicitacao"]
    assert [row["codigoUnidadeConsumidora"] for row in found] == [UNIT]
    months = {"mesReferenciaInicial": "2026-12", "mesReferenciaFinal": "2026-12"}
    assert (await bench.http.get(REQUESTS, params=base | months)).status_code == 204
    too_long = "ERR_MES_REFERENCIA_INICIAL_DIFERENCA"
    for query, code in (
        (base | days | {"dataSolicitacaoInicial": "2025-11-25"}, too_long),
        (base | months | {"mesReferenciaInicial": "2025-11"}, too_long),
        (base, "ERR_VALIDACAO_CAMPOS"),
        (days, "ERR_VALIDACAO_CAMPOS"),
    ):
        assert refusal(await bench.http.get(REQUESTS, params=query))[1] == code
    seeded = [each for each in bench.simulator.store.requests.values() if each.profile == 200100]
    assert len(seeded) > 1


# faults


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("nonsense", None, "html-200.*many"),
        ("slow", None, "SECONDS"),
        ("slow", "nan", "0 or more"),
        ("redirect", "300", "302, 301"),
        ("many", "x", "many=N"),
        ("page-size", "0", "1 to"),
        ("many*3", None, "no [*]N"),
        ("html-200", "3", "takes no value"),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(bench: Bench, name: str, value: str | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        bench.simulator.set_fault(name, value)
    assert (await bench.control("fault", name=name, value=value)).status_code == 422


def test_every_fault_has_a_line_of_meaning() -> None:
    assert len(faults.BOARD.table()) == len(faults.KINDS) == len({name for name, _ in faults.BOARD.table()})
    assert all(meaning for _, meaning in faults.BOARD.table())


async def test_answers_are_counted_and_faults_are_on_from_the_start() -> None:
    bench = Bench(html_503="*2", many="10")
    async with bench.http:
        await bench.become(200000, 200100)
        assert [(await bench.listed()).status_code for _ in range(3)] == [503, 503, 200]
        assert (await bench.http.get("/_sim/state")).json()["faults"] == ["many"]


@pytest.mark.parametrize(
    ("name", "status"), [("html-200", 200), ("html-403", 403), ("html-502", 502), ("html-503", 503)]
)
async def test_the_gateways_pages_are_html(bench: Bench, name: str, status: int) -> None:
    bench.simulator.set_fault(name)
    answer = await bench.listed()
    assert answer.status_code == status and answer.headers["content-type"].startswith("text/html")


async def test_rate_limits_with_and_without_a_time(bench: Bench) -> None:
    bench.simulator.set_fault("rate-limit", "7*1")
    assert (await bench.listed()).headers["retry-after"] == "7"
    bench.simulator.set_fault("rate-limit")
    answer = await bench.listed()
    assert answer.status_code == 429 and "retry-after" not in answer.headers


async def test_redirects_strike_writes_alone_and_do_nothing(bench: Bench) -> None:
    migration_id = await bench.created()
    bench.simulator.set_fault("redirect", "302")
    assert (await bench.listed()).status_code == 200
    answer = await bench.http.put(f"{MIGRATIONS}/{migration_id}", json=EDIT)
    assert answer.status_code == 302 and answer.headers["location"].startswith(f"{MIGRATIONS}/{migration_id}")
    bench.http.follow_redirects = True
    looks_done = await bench.http.put(f"{MIGRATIONS}/{migration_id}", json=EDIT)
    assert looks_done.status_code == 200 and looks_done.json()["dataReferencia"][:7] == "2027-06"
    bench.simulator.set_fault("redirect", "307")
    done = await bench.http.put(f"{MIGRATIONS}/{migration_id}", json=EDIT)
    assert done.json()["dataReferencia"][:7] == "2027-07"


async def test_slow_and_status_and_drop(bench: Bench) -> None:
    bench.simulator.set_fault("slow", "2*1")
    await bench.listed()
    assert bench.slept_s == [2.0]
    bench.simulator.set_fault("status", "422*1")
    assert (await bench.listed()).status_code == 422
    bench.simulator.set_fault("drop", "*1")
    with pytest.raises(httpx.RemoteProtocolError):
        await bench.listed()


async def test_error_bodies_may_hold_a_list_or_nothing(bench: Bench) -> None:
    bench.simulator.set_fault("error-list-message", "*1")
    assert isinstance((await bench.http.get(f"{MIGRATIONS}/x")).json()["message"], list)
    bench.simulator.set_fault("error-null-body", "*1")
    assert (await bench.http.get(f"{MIGRATIONS}/x")).json() is None


async def test_the_token_endpoint_fails_in_its_own_ways(bench: Bench) -> None:
    for name, status, kind in (
        ("token-down", 503, "text/html"),
        ("token-html", 200, "text/html"),
        ("token-401", 401, "application/json"),
    ):
        bench.simulator.set_fault(name, "*1")
        answer = await bench.token()
        assert answer.status_code == status and answer.headers["content-type"].startswith(kind)
    bench.simulator.set_fault("token-short")
    assert (await bench.token()).json()["expires_in"] == 20
    bench.simulator.set_fault("agent-mismatch")
    assert refusal(await bench.listed())[:2] == (403, "ERR_CREDENCIAL_INVALIDA")


async def test_expire_mid_is_401_on_one_page_and_the_token_is_dead(bench: Bench) -> None:
    bench.simulator.set_fault("expire-mid", "2")
    assert [(await bench.listed()).status_code for _ in range(3)] == [200, 401, 401]
    await bench.become(200000, 200100)
    assert (await bench.listed()).status_code == 200


async def test_cursors_go_wrong(bench: Bench) -> None:
    first = (await bench.listed()).json()
    bench.simulator.set_fault("cursor-number")
    number = (await bench.listed()).json()["indexProximaPagina"]
    assert number == 50
    bench.simulator.clear_faults()
    by_number = (await bench.listed(indexProximaPagina="50")).json()
    by_text = (await bench.listed(indexProximaPagina=first["indexProximaPagina"])).json()
    assert by_number == by_text
    bench.simulator.set_fault("cursor-loop")
    again = (await bench.listed(indexProximaPagina=first["indexProximaPagina"])).json()
    assert again["indexProximaPagina"] == first["indexProximaPagina"]
    bench.simulator.set_fault("cursor-loop", "second")
    assert (await bench.listed(mesReferenciaFinal="2026-09")).json()["indexProximaPagina"] is not None
    bench.simulator.clear_faults()
    bench.simulator.set_fault("cursor-empty")
    assert (await bench.listed(mesReferenciaFinal="2026-09")).json()["indexProximaPagina"] == ""
    assert (await bench.listed(indexProximaPagina="")).json()["migracao"] == first["migracao"]
    bench.simulator.clear_faults()
    bench.simulator.set_fault("cursor-missing")
    assert set((await bench.listed(mesReferenciaFinal="2026-09")).json()) == {"migracao"}


async def test_lists_come_in_wrong_shapes(bench: Bench) -> None:
    for name, holds in (
        ("wrong-key", lambda body: "migracao" not in body and body["itens"]),
        ("null-array", lambda body: body["migracao"] is None),
        ("bare-array", lambda body: isinstance(body, list)),
        ("duplicate-rows", lambda body: len(body["migracao"]) == 100),
        ("twin-unit", lambda body: len({row["idMigracao"] for row in body["migracao"]}) == 51),
        ("huge-page", lambda body: len(body["migracao"]) > 100 and body["indexProximaPagina"] is None),
        ("unknown-status", lambda body: body["migracao"][0]["statusMigracao"] == NEW_STATUS),
    ):
        bench.simulator.set_fault(name)
        assert holds((await bench.listed()).json()), name
        bench.simulator.clear_faults()
    bench.simulator.set_fault("truncated")
    with pytest.raises(json.JSONDecodeError):
        (await bench.listed()).json()


async def test_shifting_pages_repeat_rows_and_lose_none(bench: Bench) -> None:
    straight = [row["idMigracao"] for row in await bench.rows()]
    bench.simulator.set_fault("shifting-pages")
    shifted = [row["idMigracao"] for row in await bench.rows()]
    assert len(shifted) > len(straight) and list(dict.fromkeys(shifted)) == straight


async def test_objects_come_as_arrays_or_not_at_all(bench: Bench) -> None:
    path = f"{MIGRATIONS}/{(await bench.rows())[0]['idMigracao']}"
    bench.simulator.set_fault("array-get", "*1")
    assert isinstance((await bench.http.get(path)).json(), list)
    bench.simulator.set_fault("no-content-get", "*1")
    assert (await bench.http.get(path)).status_code == 204


async def row_with(bench: Bench, name: str, value: str | None = None) -> list[dict[str, Any]]:
    bench.simulator.set_fault(name, value)
    rows: list[dict[str, Any]] = (await bench.listed()).json()["migracao"]
    bench.simulator.clear_faults()
    return rows


async def test_rows_say_odd_things(bench: Bench) -> None:
    plain = (await bench.listed()).json()["migracao"]
    nulls = (await row_with(bench, "nulls"))[0]
    assert nulls["submercado"] is nulls["tipoDocumento"] is None and nulls["mesReferencia"]
    mixed = await row_with(bench, "mixed-dates")
    assert {row["mesReferencia"][:7] for row in mixed} == {row["mesReferencia"][:7] for row in plain}
    assert {len(row["dataSolicitacao"]) for row in mixed} | {len(row["mesReferencia"]) for row in mixed} > {10}
    texts = (await row_with(bench, "string-codes"))[0]
    assert texts["codigoPerfilVarejista"] == "200100"
    numbers = await row_with(bench, "string-codes", "number")
    assert any(isinstance(row["codigoUnidadeConsumidora"], int) for row in numbers)
    assert {row["codigoUnidadeConsumidora"] for row in await row_with(bench, "legacy-codes")} > {"0032765", "UC-TESTE"}
    lettered = [row["numeroDocumento"] for row in await row_with(bench, "alnum-cnpj") if row["numeroDocumento"]]
    assert all(is_cnpj(number) and number[8:12] == "01DE" for number in lettered)
    hostile = (await row_with(bench, "hostile-text"))[0]["comentario"]
    assert "\x1b" in hostile and "\u202e" in hostile and len(hostile) == 3000


@pytest.mark.parametrize("how", ["drop", "hang"])
async def test_a_lost_create_is_stored(bench: Bench, how: str) -> None:
    bench.simulator.set_fault("create-lost", f"{how}*1")
    bench.http.timeout = httpx.Timeout(0.05)
    with pytest.raises(httpx.RemoteProtocolError if how == "drop" else httpx.ReadTimeout):
        await bench.create()
    bench.http.timeout = httpx.Timeout(30)
    assert len(await bench.rows(codigoUnidadeConsumidora=UNIT)) == 1


async def test_a_create_answered_with_500_is_stored_and_a_refused_one_is_not(bench: Bench) -> None:
    bench.simulator.set_fault("create-500-after", "*1")
    assert (await bench.create(mesReferencia="x")).status_code == 400
    assert (await bench.create()).status_code == 500
    assert len(await bench.rows(codigoUnidadeConsumidora=UNIT)) == 1


async def test_contract_files_go_wrong(bench: Bench) -> None:
    done = await bench.rows(CONTRACTS, "contratos", statusContrato="CONCLUIDO")
    path = f"{CONTRACTS}/{done[0]['idContrato']}/arquivo"
    bench.simulator.set_fault("contract-raw-pdf", "*1")
    assert (await bench.http.get(path)).content.startswith(b"%PDF")
    bench.simulator.set_fault("contract-bad-base64", "*1")
    with pytest.raises(ValueError, match="base64"):
        base64.b64decode((await bench.http.get(path)).content, validate=True)
    bench.simulator.set_fault("contract-odd-name", "*1")
    assert "../" in (await bench.http.get(path)).headers["content-disposition"]
    bench.simulator.set_fault("contract-key", "*1")
    assert "contrato" in (await bench.listed(CONTRACTS)).json()


async def test_clients_of_052_get_what_they_need(bench: Bench) -> None:
    bench.simulator.set_fault("compat-052")
    empty = await bench.listed(mesReferenciaInicial="2040-01", mesReferenciaFinal="2040-02")
    assert empty.json() == {"migracao": [], "indexProximaPagina": None}
    assert all(row["dataDenuncia"] for row in await bench.rows("/v1/varejista/migracoes"))


async def test_a_hundred_thousand_are_paged_found_and_changed(bench: Bench) -> None:
    bench.simulator.set_fault("many", "100000")
    first = (await bench.listed()).json()
    assert len(first["migracao"]) == 50
    far = base64.b64encode(b'{"p":99990}').decode()
    end = (await bench.listed(indexProximaPagina=far)).json()
    assert len(end["migracao"]) == 10 and end["indexProximaPagina"] is None
    waiting = (await bench.listed(statusMigracao="CRIADA")).json()["migracao"][7]
    path = f"{MIGRATIONS}/{waiting['idMigracao']}"
    assert (await bench.http.put(path, json=EDIT | {"codigoPerfilVarejista": 200100})).status_code == 200
    assert (await bench.http.get(path)).json()["emailUnidadeConsumidora"] == "n@example.com"
    assert (await bench.http.delete(path.replace("v2", "v1"))).status_code == 204
    assert (await bench.http.get(path)).json()["statusMigracao"] == "CANCELADA"
    mine = await bench.created()
    assert (await bench.listed()).json()["migracao"][0]["idMigracao"] == mine
    assert sum(bench.simulator.store.counts().values()) < 1000, "none of the crowd is kept"
    await bench.become(200001, 200110)
    assert (await bench.http.get(path)).status_code == 404


async def test_pages_may_have_another_size(bench: Bench) -> None:
    bench.simulator.set_fault("page-size", "7")
    assert len((await bench.listed()).json()["migracao"]) == 7


async def test_a_deleted_migration_may_vanish(bench: Bench) -> None:
    bench.simulator.set_fault("delete-removes")
    migration_id = await bench.created()
    await bench.http.delete(f"/v1/varejista/migracoes/{migration_id}")
    assert (await bench.http.get(f"{MIGRATIONS}/{migration_id}")).status_code == 404
    assert await bench.created() != migration_id


def test_every_fault_is_named_in_a_test() -> None:
    here = Path(__file__)
    text = here.read_text(encoding="utf-8") + here.with_name("test_ccee_store.py").read_text(encoding="utf-8")
    names = {kind.name for kind in faults.KINDS}
    assert not {name for name in names if f'"{name}"' not in text and f"{name.replace('-', '_')}=" not in text}


# controls


async def test_every_answer_is_stamped_and_numbered(bench: Bench) -> None:
    for path in (MIGRATIONS, "/nowhere", "/", "/_sim/state"):
        assert (await bench.http.get(path)).headers["x-wattdeck-simulator"] == "ccee"
    numbers = [(await bench.listed()).headers["x-request-id"] for _ in range(2)]
    assert numbers[0] != numbers[1]


async def test_the_state_shows_no_token_and_no_secret(bench: Bench) -> None:
    await bench.listed()
    state = await bench.http.get("/_sim/state")
    assert state.json()["tokens"] == 1 and sum(state.json()["migrations"].values()) > 150
    assert (
        bench.http.headers["Authorization"].removeprefix("Bearer ") not in state.text and "sim-secret" not in state.text
    )


async def test_the_clock_is_turned_and_sped_up(bench: Bench) -> None:
    await bench.control("clock", speed=3600)
    bench.now_s += 24
    assert (await bench.http.get("/_sim/state")).json()["time"] == "2026-11-26T14:00:00-03:00"
    for body in ({"advance_s": -1}, {"speed": 1e9}, {"advance_s": "x"}, {"speed": None}):
        assert (await bench.control("clock", **body)).status_code == 422
    for _ in range(8):
        await bench.control("clock", advance_s=9e8)
    assert (await bench.http.get("/_sim/state")).json()["time"].startswith("2200-12-31")
