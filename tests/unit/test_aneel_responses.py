"""From a distributor's figures to the exact answer: names, order, types, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.systems.aneel import codes, places
from wattdeck.systems.aneel.errors import NoData
from wattdeck.systems.aneel.models import BRASILIA, Demand, DemandCount, Row
from wattdeck.systems.aneel.responses import (
    TECHNICAL,
    UNAVAILABLE,
    demand_response,
    demands_response,
    error_response,
    outages_response,
)
from wattdeck.systems.aneel.wire import PATHS, PAYLOADS, Exchange, Route, read_demand, read_demands, read_outages

FIXTURES = Path(__file__).parent.parent / "fixtures" / "aneel"
EMAIL = "plantao.radar@distribuidora.example"
ROWS = (Row(16101, 1400100, 48210, 120, 35), Row(16103, 1400209, 5120, 0, 310))
COUNT = DemandCount(1, 12, "1020901", 41, 96, 4, 38, 13)
DEMAND = Demand(
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


def sent(response: dict[str, Any], route: Route) -> Exchange:
    """The response as it would arrive."""
    body = json.dumps(response, ensure_ascii=False, allow_nan=False).encode()
    return Exchange(route, 200, {}, body, 0.1, datetime(2026, 1, 15, tzinfo=UTC))


def text(response: dict[str, Any]) -> str:
    return json.dumps(response, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize(
    ("name", "response"),
    [
        ("outages", outages_response(ROWS, EMAIL)),
        ("outages_empty", outages_response((), EMAIL)),
        ("demands", demands_response((COUNT,))),
        ("demand", demand_response(DEMAND)),
        ("demand_unknown", demand_response(None)),
        ("error", error_response("outages", UNAVAILABLE, EMAIL)),
    ],
)
def test_responses_are_the_sheets_examples_to_the_letter(name: str, response: dict[str, Any]) -> None:
    assert text(response) == (FIXTURES / f"{name}.json").read_text("utf-8").strip()


@pytest.mark.parametrize("route", list(PATHS))
def test_an_error_has_an_empty_payload_and_is_read_as_no_data(route: Route) -> None:
    response = error_response(route, UNAVAILABLE, EMAIL)
    assert list(response) == ["idcStatusRequisicao", "emailIndisponibilidade", "mensagem", PAYLOADS[route]]
    assert response[PAYLOADS[route]] == ({} if route == "demand" else [])
    with pytest.raises(NoData, match="Tente novamente"):
        read_outages(sent(response, route))


def test_the_address_may_stand_in_every_answer_and_must_in_that_of_outages() -> None:
    assert list(demands_response((), EMAIL))[1] == "emailIndisponibilidade"
    assert "emailIndisponibilidade" not in error_response("demand", UNAVAILABLE)
    with pytest.raises(ValueError, match="emailIndisponibilidade"):
        outages_response((), "")
    with pytest.raises(ValueError, match="emailIndisponibilidade"):
        error_response("outages", UNAVAILABLE)


@pytest.mark.parametrize(
    "email",
    [
        "centro.de.operacao.e.atendimento@distribuidora-regional.example",
        "a@b",
        "a b@c.example",
        "a@b@c.example",
        "a@b.example,c@d.example",
        "a@.example",
        "@b.example",
        "a@b.example\n",
    ],
)
def test_an_address_that_would_not_conform_is_refused(email: str) -> None:
    with pytest.raises(ValueError, match="one address of at most 50 characters"):
        outages_response((), email)


def test_an_address_of_exactly_50_characters_is_good() -> None:
    email = "a" * 38 + "@bb.example"
    assert outages_response((), "a" + email)["emailIndisponibilidade"] == "a" + email
    with pytest.raises(ValueError, match="50"):
        outages_response((), "aa" + email)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"planned_out": -5}, "qtdOcorrenciaProgramada is -5"),
        ({"unplanned_out": 2**31}, "qtdOcorrenciaNaoProgramada"),
        ({"unplanned_out": True}, "qtdOcorrenciaNaoProgramada is True"),
        ({"planned_out": 1.0}, "qtdOcorrenciaProgramada"),
        ({"planned_out": "1"}, "qtdOcorrenciaProgramada"),
        ({"customers_served": None}, "qtdUCsAtendidas"),
        ({"customers_served": 100}, "more customers are out"),
        ({"customers_served": 0}, "more customers are out"),
        ({"set_code": 0}, "ideConjuntoUnidadeConsumidora"),
        ({"municipality_code": 1400471}, "ideMunicipio"),
        ({"municipality_code": 140010}, "ideMunicipio"),
        ({"municipality_code": 1800102}, "ideMunicipio"),
        ({"municipality_code": "1400100"}, "ideMunicipio"),
    ],
)
def test_a_row_that_would_not_conform_is_refused(change: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named) as caught:
        outages_response((ROWS[1], replace(ROWS[0], **change)), EMAIL)
    assert "interrupcaoFornecimento[1]" in str(caught.value)


def test_two_rows_with_one_key_are_refused() -> None:
    with pytest.raises(ValueError, match="there already"):
        outages_response((*ROWS, ROWS[0]), EMAIL)
    with pytest.raises(ValueError, match="there already"):
        demands_response((COUNT, COUNT))


@pytest.mark.parametrize(
    "change",
    [
        {"level": 0},
        {"level": True},
        {"channel": 13},
        {"channel": "2"},
        {"typology": "10201"},
        {"typology": 1020901},
        {"ongoing": -1},
        {"no_verdict_today": 3.0},
    ],
)
def test_a_count_that_would_not_conform_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"demandasDiversas\[0\]\.(idc|qtd)"):
        demands_response((replace(COUNT, **change),))


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": ""},
        {"protocol": "1" * 31},
        {"protocol": "a-b"},
        {"consumer_unit": ""},
        {"consumer_unit": "1" * 16},
        {"document_number": "000.000.001-91"},
        {"document_number": "1" * 12},
        {"holder_name": ""},
        {"holder_name": "x" * 51},
        {"channel": 0},
        {"channel": None},
        {"typology": "20101"},
        {"status": 3},
        {"status": False},
        {"verdict": 4},
        {"opened_at": None},
        {"closed_at": None},
        {"status": 0},
        {"closed_at": datetime(2025, 1, 1, tzinfo=UTC)},
        {"municipality_code": None},
        {"level": 3},
    ],
)
def test_a_demand_that_would_not_conform_is_refused_without_telling_whose_it_is(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="demanda") as caught:
        demand_response(replace(DEMAND, **change))
    assert not any(secret in str(caught.value) for secret in ("00000000191", "Fict", "812345", "RR002026"))


@pytest.mark.parametrize(
    "message",
    [
        "Falha: ORA-12541: TNS:no listener",
        "Falha em host=10.0.0.8",
        "Traceback (most recent call last)",
        "NullReference!",
        "Unable to connect to database instance!",
        "SELECT nome FROM clientes",
        'File "app.py", line 3',
        "at Servico.Consultar(String id)",
        "erro em 10.0.0.8",
        "erro em /opt/radar/app.py",
        "erro em C:\\radar",
        "user=radar",
        " ",
        "",
        "a\nb",
        "x" * 501,
    ],
)
def test_a_technical_or_shapeless_message_is_refused(message: str) -> None:
    with pytest.raises(ValueError, match="mensagem"):
        error_response("outages", message, EMAIL)


@pytest.mark.parametrize(
    "message", [UNAVAILABLE, "API Key inválida ou ausente", "Limite: 10 requisições por minuto.", "Aberto 24/7 e/ou 8h"]
)
def test_a_sentence_for_people_is_not_taken_for_technical(message: str) -> None:
    assert not TECHNICAL.search(message)
    assert error_response("demands", message)["mensagem"] == message


# Round trips

MUNICIPALITIES = st.sampled_from(sorted(places.municipalities_of("RR")))
COUNTS = st.integers(0, 2**31 - 1)


@st.composite
def outage_rows(draw: st.DrawFn) -> Row:
    served = draw(COUNTS)
    out = st.integers(0, served)
    return Row(draw(st.integers(1, 99_999)), draw(MUNICIPALITIES), served, draw(out), draw(out))


@settings(max_examples=50)
@given(st.lists(outage_rows(), max_size=5, unique_by=lambda row: (row.set_code, row.municipality_code)))
def test_outages_come_back_as_they_were_sent(rows: list[Row]) -> None:
    found = read_outages(sent(outages_response(rows, EMAIL), "outages"))
    assert list(found.rows) == rows and found.email == EMAIL and found.skipped == 0


DEMAND_COUNTS = st.builds(
    DemandCount,
    st.sampled_from(list(codes.LEVELS_OF_SERVICE)),
    st.sampled_from(list(codes.CHANNELS)),
    st.sampled_from(list(codes.TYPOLOGIES)),
    *[COUNTS] * 5,
)


@settings(max_examples=50)
@given(st.lists(DEMAND_COUNTS, max_size=5, unique_by=lambda count: (count.level, count.channel, count.typology)))
def test_demands_come_back_as_they_were_sent(counts: list[DemandCount]) -> None:
    assert list(read_demands(sent(demands_response(counts), "demands"))) == counts


@settings(max_examples=50)
@given(
    st.from_regex(r"[0-9A-Za-z]{1,30}", fullmatch=True),
    st.integers(0, 2),
    st.integers(0, 100_000),
    st.sampled_from(list(codes.TYPOLOGIES)),
)
def test_a_demand_comes_back_as_it_was_sent(protocol: str, status: int, minutes: int, typology: str) -> None:
    opened_at = datetime(2025, 12, 1, tzinfo=BRASILIA) + timedelta(minutes=minutes)
    closed_at = opened_at + timedelta(minutes=minutes) if status == 1 else None
    demand = replace(
        DEMAND, protocol=protocol, status=status, typology=typology, opened_at=opened_at, closed_at=closed_at
    )
    assert read_demand(sent(demand_response(demand), "demand")) == demand
