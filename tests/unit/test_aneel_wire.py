"""Reading a distributor's answers: what is tolerated, what is refused, and that no number is invented."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.errors import AuthError, BadAnswer, Busy, ServerFailure, SourceError, StatusError
from wattdeck.systems.aneel.errors import (
    AneelError,
    AuthRefused,
    NoData,
    NotConformant,
    RateLimited,
    ServerFailed,
    Unavailable,
    UnexpectedStatus,
)
from wattdeck.systems.aneel.models import BRASILIA, Demand, DemandCount, Row
from wattdeck.systems.aneel.personal import mask_document, mask_name, mask_text, mask_unit
from wattdeck.systems.aneel.wire import ROWS_MAX, Exchange, OutageAnswer, Route, read_demand, read_demands, read_outages

FIXTURES = Path(__file__).parent.parent / "fixtures" / "aneel"
AT = datetime(2026, 1, 15, 15, 0, tzinfo=UTC)
HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
READERS: dict[Route, Callable[[Exchange], Any]] = {
    "outages": read_outages,
    "demands": read_demands,
    "demand": read_demand,
}


def came(body: Any, route: Route = "outages", status: int = 200, **more: Any) -> Exchange:
    """An exchange with this body: bytes as they are, text the name of a recorded one, else sent as JSON."""
    if isinstance(body, str):
        body = (FIXTURES / f"{body}.json").read_bytes()
    elif not isinstance(body, bytes):
        body = json.dumps(body, ensure_ascii=False).encode()
    url = "https://api.distribuidora.example/radar/x?numProtocolo=12345"
    return Exchange(route, status, more.pop("headers", {}), body, 0.2, AT, more.pop("asked", {}), more.pop("url", url))


def row(**changes: Any) -> dict[str, Any]:
    """A good row with changes; a value of None leaves the key out."""
    good: dict[str, Any] = {
        "ideConjuntoUnidadeConsumidora": 16101,
        "ideMunicipio": 1400100,
        "qtdUCsAtendidas": 48210,
        "qtdOcorrenciaProgramada": 120,
        "qtdOcorrenciaNaoProgramada": 35,
    }
    return {key: value for key, value in (good | changes).items() if value is not None}


def answer(*rows: Any, **changes: Any) -> dict[str, Any]:
    envelope = {"idcStatusRequisicao": 1, "emailIndisponibilidade": "a@b.example", "mensagem": ""}
    return {**envelope, "interrupcaoFornecimento": list(rows), **changes}


def refused(body: Any, kind: type[AneelError] = NotConformant, route: Route = "outages", **more: Any) -> str:
    """Read it, and give the sentence of the error that this must raise."""
    with pytest.raises(kind) as caught:
        READERS[route](came(body, route, **more))
    assert type(caught.value) is kind
    return str(caught.value)


# The sheet's examples


def test_outages_are_read() -> None:
    found = read_outages(came("outages"))
    assert found.rows == (Row(16101, 1400100, 48210, 120, 35), Row(16103, 1400209, 5120, 0, 310))
    assert (found.email, found.skipped) == ("plantao.radar@distribuidora.example", 0)


def test_an_empty_list_says_that_nothing_is_out() -> None:
    assert read_outages(came("outages_empty")).rows == ()


def test_demands_are_read() -> None:
    assert read_demands(came("demands", "demands")) == (DemandCount(1, 12, "1020901", 41, 96, 4, 38, 13),)


def test_a_demand_is_read() -> None:
    assert read_demand(came("demand", "demand", asked={"numProtocolo": "RR0020260000431"})) == Demand(
        "RR0020260000431",
        "000000000812345",
        "00000000191",
        "Titular Fictício",
        2,
        "1020901",
        1,
        1,
        datetime(2026, 1, 14, 18, 32, tzinfo=BRASILIA),
        datetime(2026, 1, 15, 7, 5, tzinfo=BRASILIA),
        1400472,
        0,
    )


def test_an_unknown_protocol_is_none_and_no_error() -> None:
    assert read_demand(came("demand_unknown", "demand")) is None


# Envelope first, then the code


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500, 503])
def test_an_envelope_of_status_1_counts_whatever_the_code(status: int) -> None:
    assert len(read_outages(came("outages", status=status)).rows) == 2


@pytest.mark.parametrize("status", [200, 400, 404, 500, 503])
def test_status_2_is_no_data_and_never_zero_outages(status: int) -> None:
    sentence = refused("error", NoData, status=status)
    assert "Serviço temporariamente indisponível" in sentence
    assert "does not mean that nothing is out" in sentence


def test_rows_beside_status_2_are_not_believed() -> None:
    refused(answer(row(), idcStatusRequisicao=2, mensagem="Erro"), NoData)


@pytest.mark.parametrize("route", ["outages", "demands", "demand"])
def test_status_2_is_no_data_on_every_route_whatever_its_payload(route: Route) -> None:
    payloads: list[Any] = [None, [], {}]
    for payload in payloads:
        body = {"idcStatusRequisicao": 2, "mensagem": "", "demanda": payload, "demandasDiversas": payload}
        assert "does not say why" in refused(body, NoData, route)


def test_the_servers_words_are_cut_and_cleaned_and_tell_nobodys_number() -> None:
    nasty = (
        "\x1b[2J\nCPF 123.456.789-09, 12345678909, CNPJ 02341470000144, a.b@c.example password=hunter2 " + "x" * 5000
    )
    with pytest.raises(NoData) as caught:
        read_outages(came(answer(idcStatusRequisicao=2, mensagem=nasty)))
    sentence = str(caught.value)
    assert sentence.isprintable() and len(sentence) < 500
    for secret in ("123.456.789-09", "12345678909", "02341470000144", "a.b@c", "hunter2"):
        assert secret not in sentence + caught.value.said


@pytest.mark.parametrize("status", [200, 401])
def test_the_detail_wrapper_is_taken_off(status: int) -> None:
    sentence = refused("detail_401", AuthRefused, status=status)
    assert "API Key inválida ou ausente" in sentence
    assert len(read_outages(came({"detail": answer(row())})).rows) == 1


@pytest.mark.parametrize(
    ("status", "message", "kind", "of_core"),
    [
        (401, "Nao", AuthRefused, AuthError),
        (403, "Nao", AuthRefused, AuthError),
        (200, "Header x-api-key e obrigatorio", AuthRefused, AuthError),
        (200, "API Key inválida", AuthRefused, AuthError),
        (200, "IP de origem não autorizado", AuthRefused, AuthError),
        (200, "Acesso nao autorizado para este IP", AuthRefused, AuthError),
        (429, "Nao", RateLimited, Busy),
        (200, "Rate limit excedido. Limite: 10 requisicoes por minuto.", RateLimited, Busy),
        (200, "Período fora da janela de recuperação", NoData, SourceError),
        (200, "Erro ao consultar banco de dados: chave primária", NoData, SourceError),
    ],
)
def test_refusals_are_known_by_code_or_by_well_known_words(
    status: int, message: str, kind: type[AneelError], of_core: type[SourceError]
) -> None:
    assert issubclass(kind, of_core)
    refused(answer(idcStatusRequisicao=2, mensagem=message), kind, status=status)


@pytest.mark.parametrize(
    ("status", "body", "kind", "of_core", "word"),
    [
        (401, b"Invalid API key", AuthRefused, AuthError, "Invalid API key"),
        (403, HTML, AuthRefused, AuthError, "address"),
        (403, b'{"error":"Forbidden","message":"IP"}', AuthRefused, AuthError, "IP"),
        (429, b"", RateLimited, Busy, "too many"),
        (502, HTML, Unavailable, Busy, "in front"),
        (503, b"", Unavailable, Busy, "503"),
        (500, b"Internal Server Error", ServerFailed, ServerFailure, "Internal Server Error"),
        (404, b'{"detail":"Not Found"}', UnexpectedStatus, StatusError, "no such route"),
        (405, b'{"detail":"Method Not Allowed"}', UnexpectedStatus, StatusError, "Method Not Allowed"),
        (422, b'{"detail":[{"loc":["query"]}]}', UnexpectedStatus, StatusError, "422"),
        (307, b"", UnexpectedStatus, StatusError, "not followed"),
        (200, HTML, NotConformant, BadAnswer, "web page"),
        (200, b"", NotConformant, BadAnswer, "empty"),
        (200, b"[]", NotConformant, BadAnswer, "no envelope"),
        (200, b"{}", NotConformant, BadAnswer, "no envelope"),
        (200, b"null", NotConformant, BadAnswer, "no envelope"),
        (200, b'{"detail":{"a":1}}', NotConformant, BadAnswer, "no envelope"),
        (200, b'{"idcStatusRequisicao":1,"mens', NotConformant, BadAnswer, "cut short"),
        (200, b'{"idcStatusRequisicao":1,,"mensagem":""}', NotConformant, BadAnswer, "broken JSON"),
        (200, b"[" * 100_000, NotConformant, BadAnswer, "nested"),
        (200, b'{"idcStatusRequisicao":' + b"1" * 5000 + b"}", NotConformant, BadAnswer, "JSON"),
        (200, b" " * 5_000_001, NotConformant, BadAnswer, "larger than 5 MB"),
    ],
)
def test_without_an_envelope_the_code_decides(
    status: int, body: bytes, kind: type[AneelError], of_core: type[SourceError], word: str
) -> None:
    assert issubclass(kind, of_core)
    sentence = refused(body, kind, status=status)
    assert word in sentence
    assert sentence.startswith("api.distribuidora.example (GET /radar/x)") and "12345" not in sentence


@pytest.mark.parametrize("status", ["3", 0, 3, True, None, "ok", 1.5, [], {}, -1])
def test_another_status_number_means_nothing(status: Any) -> None:
    assert "neither 1 (success) nor 2 (error)" in refused(answer(row(), idcStatusRequisicao=status))


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"retry-after": "42"}, 42.0),
        ({"retry-after": "Thu, 15 Jan 2026 15:01:00 GMT"}, 60.0),
        ({"retry-after": "999999999"}, 86_400.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "1.5"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_both_forms(headers: dict[str, str], wait_s: float | None) -> None:
    with pytest.raises(RateLimited) as caught:
        read_outages(came(b"", status=429, headers=headers))
    assert caught.value.retry_after_s == wait_s
    assert caught.value.status_code == 429


# Bytes


def test_latin_1_and_a_byte_order_mark_are_tolerated() -> None:
    text = json.dumps(answer(row(), mensagem="não"), ensure_ascii=False)
    for body in (text.encode("latin-1"), text.encode("utf-8-sig"), b"\xef\xbb\xbf" + text.encode("latin-1")):
        assert len(read_outages(came(body)).rows) == 1


def test_of_duplicate_keys_the_last_counts_and_nan_is_nothing() -> None:
    body = b'{"idcStatusRequisicao":2,"idcStatusRequisicao":1,"x":NaN,"interrupcaoFornecimento":[]}'
    assert read_outages(came(body)).rows == ()


# Rows of outages


def test_text_whole_floats_other_capitals_and_unknown_fields_are_tolerated() -> None:
    rows = [
        row(ideMunicipio="1400100", qtdUCsAtendidas="48210", nomeMunicipio="Boa Vista"),
        row(ideConjuntoUnidadeConsumidora=2.0),
        {
            "IdeConjuntoUnidadeConsumidora": 3,
            "ide_municipio": 1400100,
            "qtdUcsAtendidas": 9,
            "qtd_ocorrencia_programada": 1,
            "QtdOcorrenciaNaoProgramada": 2,
        },
    ]
    found = read_outages(came(answer(*rows)))
    assert found.rows == (
        Row(16101, 1400100, 48210, 120, 35),
        Row(2, 1400100, 48210, 120, 35),
        Row(3, 1400100, 9, 1, 2),
    )
    assert found.skipped == 0


@pytest.mark.parametrize(
    "bad",
    [
        row(qtdOcorrenciaProgramada=-5),
        row(qtdOcorrenciaNaoProgramada=3_000_000_000),
        row(qtdOcorrenciaProgramada=True),
        row(qtdOcorrenciaProgramada=1.5),
        row(qtdOcorrenciaProgramada="many"),
        row(qtdOcorrenciaProgramada=None),
        row(qtdOcorrenciaNaoProgramada=[3]),
        row(ideConjuntoUnidadeConsumidora=0),
        row(ideConjuntoUnidadeConsumidora=None),
        row(ideMunicipio="Boa Vista"),
        row(ideMunicipio=14001000),
        row(ideMunicipio=0),
        "a row",
        None,
        [],
    ],
)
def test_a_row_that_cannot_be_read_is_left_out_and_counted(bad: Any) -> None:
    found = read_outages(came(answer(row(ideConjuntoUnidadeConsumidora=7), bad)))
    assert [each.set_code for each in found.rows] == [7]
    assert found.skipped == 1


def test_rows_of_which_none_can_be_read_do_not_say_that_nothing_is_out() -> None:
    assert "none of the 2 rows" in refused(answer(row(ideMunicipio="x"), {}))


@pytest.mark.parametrize("served", [0, None, -1, "n/d", 3_000_000_000, 1.5])
def test_customers_served_that_cannot_be_true_are_unknown(served: Any) -> None:
    (found,) = read_outages(came(answer(row(qtdUCsAtendidas=served)))).rows
    assert found.customers_served is None and found.out == 155


def test_nobody_served_and_nobody_out_is_a_measured_zero() -> None:
    quiet = row(qtdUCsAtendidas=0, qtdOcorrenciaProgramada=0, qtdOcorrenciaNaoProgramada=0)
    assert read_outages(came(answer(quiet))).rows == (Row(16101, 1400100, 0, 0, 0),)


def test_a_municipality_of_another_state_or_with_a_wrong_digit_is_still_out() -> None:
    found = read_outages(came(answer(row(ideMunicipio=1302603), row(ideMunicipio=1400471))))
    assert [each.municipality_code for each in found.rows] == [1302603, 1400471]


def test_of_two_rows_with_one_key_the_last_counts_and_they_are_not_added_up() -> None:
    found = read_outages(came(answer(row(), row(ideMunicipio=1400175), row(qtdOcorrenciaProgramada=7))))
    assert found.rows == (Row(16101, 1400100, 48210, 7, 35), Row(16101, 1400175, 48210, 120, 35))
    assert found.skipped == 1


@pytest.mark.parametrize("payload", [None, {}, "[]", 0, False])
def test_a_payload_that_is_no_list_does_not_say_that_nothing_is_out(payload: Any) -> None:
    assert "interrupcaoFornecimento holds" in refused(answer(interrupcaoFornecimento=payload))


def test_success_without_a_payload_does_not_say_that_nothing_is_out() -> None:
    assert "interrupcaoFornecimento holds nothing" in refused({"idcStatusRequisicao": 1, "mensagem": ""})


def test_more_rows_than_anybody_has_are_refused() -> None:
    assert f"{ROWS_MAX + 1} rows" in refused(answer(*[0] * (ROWS_MAX + 1)))


def test_dialect_a_is_recognised_and_cannot_be_read() -> None:
    assert "dialect A" in refused("dialect_a")


def test_dialect_b_is_read() -> None:
    assert read_outages(came("dialect_b")).rows == (Row(16101, 1400100, 48210, 120, 35),)


@pytest.mark.parametrize(
    ("email", "shown"), [(None, ""), (7, "7"), ([], ""), ("\x1b[1mx", "[1mx"), ("y" * 999, "y" * 99)]
)
def test_the_address_is_whatever_text_there_is(email: Any, shown: str) -> None:
    assert read_outages(came(answer(emailIndisponibilidade=email))).email.rstrip("…") == shown


# Demands


def count(**changes: Any) -> dict[str, Any]:
    return {**json.loads((FIXTURES / "demands.json").read_bytes())["demandasDiversas"][0], **changes}


def test_demands_that_cannot_be_read_are_left_out_and_the_last_of_equals_counts() -> None:
    rows = [
        count(idcTipologia=1020901),
        count(qtdAndamentoNoMomento=1),
        count(idcTipologia="outra"),
        count(idcNivelAtendimento=2, qtdProcedenteNoDia=-1),
        count(idcCanalAtendimento=None),
        7,
    ]
    body = {"idcStatusRequisicao": 1, "mensagem": "", "demandasDiversas": rows}
    assert read_demands(came(body, "demands")) == (DemandCount(1, 12, "1020901", 1, 96, 4, 38, 13),)
    body["demandasDiversas"] = rows[2:]
    assert "none of the 4 rows" in refused(body, route="demands")


def test_all_2808_combinations_are_read() -> None:
    from wattdeck.systems.aneel.codes import TYPOLOGIES

    rows = [
        count(idcNivelAtendimento=level, idcCanalAtendimento=channel, idcTipologia=code)
        for level in (1, 2)
        for channel in range(1, 13)
        for code in TYPOLOGIES
    ]
    body = {"idcStatusRequisicao": 1, "mensagem": "", "demandasDiversas": rows}
    assert len(read_demands(came(body, "demands"))) == 2808


def test_the_older_draft_of_the_demands_is_recognised_and_not_guessed_at() -> None:
    body = {"idcStatusRequisicao": 1, "mensagem": "", "quantitativoDemandasDiversas": [{"qtdAndamento": 3}]}
    assert "older draft" in refused(body, route="demands")


# One demand


def one(**changes: Any) -> dict[str, Any]:
    recorded = json.loads((FIXTURES / "demand.json").read_bytes())
    demand = {key: value for key, value in (recorded["demanda"] | changes).items() if value != "absent"}
    return {**recorded, "demanda": demand}


@pytest.mark.parametrize("name", ["nomeTitularUC", "nomTitularUC", "nomTitular"])
def test_the_holders_name_is_read_by_all_three_keys(name: str) -> None:
    body = one(nomeTitularUC="absent")
    body["demanda"][name] = "Fulana de Tal"
    found = read_demand(came(body, "demand"))
    assert found is not None and found.holder_name == "Fulana de Tal"


def test_what_a_demand_does_not_say_is_unknown() -> None:
    found = read_demand(came({**one(), "demanda": {"numProtocolo": "12"}}, "demand"))
    assert found == Demand("12", "", "", "", None, "", None, None, None, None, None, None)


def test_dates_that_are_none_are_unknown() -> None:
    found = read_demand(came(one(dthAbertura="2026-01-15 07:05", dthEncerramento="30/02/2026 10:00"), "demand"))
    assert found is not None and found.opened_at is None and found.closed_at is None


@pytest.mark.parametrize("payload", [None, [], "", 3])
def test_a_demand_that_is_no_object_is_refused(payload: Any) -> None:
    assert "demanda holds" in refused({**one(), "demanda": payload}, route="demand")


def test_an_object_of_nulls_is_neither_a_demand_nor_none() -> None:
    assert "no numProtocolo" in refused({**one(), "demanda": dict.fromkeys(one()["demanda"])}, route="demand")


def test_another_consumers_demand_is_not_shown() -> None:
    sentence = refused("demand", route="demand", asked={"numProtocolo": "RR00202600004310"})
    assert "another demand" in sentence
    assert not any(secret in sentence for secret in ("RR002026", "00000000191", "Titular"))


def test_fields_beside_the_envelopes_are_recognised_as_an_older_draft() -> None:
    body = {"idcStatusRequisicao": 1, "mensagem": "", **one()["demanda"]}
    assert "older draft" in refused(body, route="demand")


def test_neither_an_exchange_nor_a_demand_tells_personal_data_when_printed() -> None:
    exchange = came("demand", "demand", asked={"numProtocolo": "RR0020260000431"})
    for text in (repr(exchange), repr(read_demand(exchange))):
        assert not any(secret in text for secret in ("00000000191", "Titular", "812345"))


# Whatever comes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
NUMBERS = st.sampled_from([1, 2, "1", 0, -1, 1.0, True, None, 1400100, 16101, 2**31, "x", 1e300])
ROWS = st.dictionaries(
    st.sampled_from([*row(), *count(), *one()["demanda"], "IDEMUNICIPIO", "x"]), NUMBERS | JSON, max_size=9
)
PAYLOADS = st.lists(ROWS | JSON, max_size=4) | ROWS | JSON
ENVELOPES = st.fixed_dictionaries(
    {"idcStatusRequisicao": st.sampled_from([1, 1, 1, 2]) | NUMBERS},
    optional={
        "mensagem": st.text(max_size=20) | JSON,
        "emailIndisponibilidade": st.text(max_size=20) | JSON,
        "interrupcaoFornecimento": PAYLOADS,
        "demandasDiversas": PAYLOADS,
        "demanda": PAYLOADS,
        "listaInterrupcoes": PAYLOADS,
        "quantitativoInterrupcoesAtivas": PAYLOADS,
    },
)
STATUSES = st.sampled_from([200, 200, 204, 301, 400, 401, 403, 404, 429, 500, 502, 503, 100, 999])


def read_or_refused(body: bytes, status: int, headers: dict[str, str]) -> None:
    for route, read in READERS.items():
        try:
            found = read(came(body, route, status=status, headers=headers))
        except AneelError as error:
            found, sentence = None, str(error)
            assert sentence.isprintable() and len(sentence) < 700
        if isinstance(found, OutageAnswer):
            assert all(each.out >= 0 and each.set_code >= 1 for each in found.rows) and found.skipped >= 0


@settings(max_examples=50)
@given(ENVELOPES | st.fixed_dictionaries({"detail": ENVELOPES}) | JSON, STATUSES, st.text(max_size=20))
def test_hostile_json_is_read_or_refused_in_words(body: Any, status: int, retry_after: str) -> None:
    read_or_refused(json.dumps(body).encode(), status, {"retry-after": retry_after})


@settings(max_examples=50)
@given(st.binary(max_size=60), STATUSES)
def test_hostile_bytes_are_read_or_refused_in_words(body: bytes, status: int) -> None:
    read_or_refused(body, status, {})


@given(st.text(max_size=60))
def test_any_url_is_named_safely(url: str) -> None:
    sentence = refused(b"", url=url)
    assert sentence.isprintable() and len(sentence) < 700


# Masks


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("12345678909", "***.456.789-**"),
        ("123.456.789-09", "***.456.789-**"),
        ("***.456.789-**", "***.456.789-**"),
        ("02341470000144", "**.341.470/****-**"),
        ("12ABC34501DE35", "**.ABC.345/****-**"),
        ("1234567890", "***"),
        ("", ""),
    ],
)
def test_a_document_keeps_its_middle_only(number: str, masked: str) -> None:
    assert mask_document(number) == masked


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("Maria Aparecida da Silva", "Maria A. S."),
        ("  JOSÉ  dos Santos e Souza ", "JOSÉ S. S."),
        ("Titular", "Titular"),
        ("", ""),
        ("A B C D F G H I J", "A B. C. D. F. G."),
    ],
)
def test_a_name_keeps_its_first_word_and_initials(name: str, masked: str) -> None:
    assert mask_name(name) == masked


@pytest.mark.parametrize(("unit", "masked"), [("000000000812345", "***345"), ("12345", "***"), ("", "")])
def test_a_unit_keeps_its_end_only(unit: str, masked: str) -> None:
    assert mask_unit(unit) == masked


@given(st.text(max_size=60))
def test_masking_twice_changes_nothing_and_is_fit_for_a_terminal(text: str) -> None:
    for mask in (mask_document, mask_name, mask_unit):
        once = mask(text)
        assert mask(once) == once and once.isprintable()
    assert mask_text(text, 40).isprintable() and len(mask_text(text, 40)) <= 40


@given(st.from_regex(r"[0-9]{11}", fullmatch=True))
def test_no_whole_document_survives_a_mask(number: str) -> None:
    assert number not in mask_document(number)
    assert number not in mask_text(f"erro no CPF {number}.", 200)
