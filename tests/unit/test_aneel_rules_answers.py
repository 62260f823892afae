"""Each rule that one answer can break: its example that keeps it, and one that breaks it and no other rule."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from aneel_checks import (
    EMAIL,
    GONE,
    NOW,
    RORAIMA,
    count,
    demand,
    demands,
    envelope,
    exchange,
    failure,
    looked_up,
    outages,
    row,
    rules,
)
from wattdeck.systems.aneel.conformance import Context, check_answer
from wattdeck.systems.aneel.exchange import Exchange
from wattdeck.systems.aneel.models import Level

HTML = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
JSON = {"content-type": "application/json"}
TEXT_HTML, PLAIN = {"content-type": "text/html"}, {"content-type": "text/plain"}
CHARSET = "application/json; charset="
AFTER_42 = JSON | {"retry-after": "42"}
TWICE_IN_A_ROW = json.dumps(outages(row())).encode().replace(b'"ideMunicipio"', b'"ideMunicipio": 1, "ideMunicipio"')
UNEXPECTED = {"detail": [{"type": "extra"}]}
NOT_FOUND = looked_up({}, idcStatusRequisicao=2, mensagem="Protocolo não encontrado")
NO_PROTOCOL = looked_up({}, idcStatusRequisicao=2, mensagem="Informe o protocolo")
OPEN = demand(idcStatus=0, idcProcedencia=2, dthEncerramento=None)
TWICE = b'{"idcStatusRequisicao":1,"mensagem":"","mensagem":"x","interrupcaoFornecimento":[]}'
LONG_EMAIL = "centro.de.operacao.e.atendimento@distribuidora-regional.example"


def judge(rule: str, good: Exchange, bad: Exchange, level: Level | None = None, context: Context = RORAIMA) -> None:
    """The good one does not break the rule; the bad one breaks this rule alone, at this level."""
    assert rule not in rules(good, context)
    findings = check_answer(bad, context)
    assert {finding.rule for finding in findings} == {rule}, findings
    assert level is None or {finding.level for finding in findings} == {level}
    for finding in findings:
        assert finding.found and finding.expected and finding.message and finding.where


OK = exchange(envelope())

TRANSPORT = [
    ("T01", OK, exchange(envelope(), url="http://api.distribuidora.example/radar"), Level.ERROR),
    ("T01", exchange(envelope(), url="http://127.0.0.1:8700"), exchange(envelope(), url="http://10.0.0.8"), None),
    ("T02", OK, exchange({"detail": "Not Found"}, code=404), Level.ERROR),
    ("T03", OK, exchange(HTML, headers=TEXT_HTML), Level.ERROR),
    ("T03", OK, exchange(HTML, code=502, headers=TEXT_HTML), Level.ERROR),
    ("T03", OK, exchange(HTML, code=403, headers=TEXT_HTML), Level.ERROR),
    ("T03", OK, exchange(envelope(), headers=TEXT_HTML), None),
    ("T03", OK, exchange(envelope(), headers={"content-type": CHARSET + "iso-8859-1"}), None),
    (
        "T03",
        exchange(envelope(), headers={"content-type": CHARSET + "UTF-8"}),
        exchange(envelope(), headers={"x": "y"}),
        None,
    ),
    ("T03", exchange(failure()), exchange(json.dumps(failure(), ensure_ascii=False).encode("latin-1")), None),
    ("T03", OK, exchange(b"\xef\xbb\xbf" + json.dumps(envelope()).encode()), None),
    ("T03", OK, exchange(json.dumps(envelope()).encode("utf-16-le")), None),
    ("T04", OK, exchange(TWICE), Level.ERROR),
    ("T04", OK, exchange([]), None),
    ("T04", OK, exchange(HTML), None),
    ("T04", OK, exchange(b""), None),
    ("T04", OK, exchange(json.dumps(envelope()).encode()[:150]), None),
    ("T04", OK, exchange(json.dumps(envelope()).encode() + b"{}"), None),
    ("T04", OK, exchange(json.dumps(outages(row(qtdUCsAtendidas=float("nan")))).encode()), None),
    ("T04", OK, exchange(json.dumps(outages(row(qtdUCsAtendidas=float("-inf")))).encode()), None),
    ("T04", OK, exchange(b"[" * 100_000), None),
    ("T04", OK, exchange(b'{"idcStatusRequisicao":1,"x":' + b"9" * 5000 + b"}"), None),
    (
        "T04",
        OK,
        exchange(TWICE_IN_A_ROW),
        None,
    ),
    ("T08", exchange(failure(), code=401), exchange({"detail": failure()}, code=401), Level.WARNING),
    (
        "T08",
        exchange(failure(), code=403),
        exchange(b"Invalid API key", code=401, headers=PLAIN),
        None,
    ),
    ("T04", OK, exchange(json.dumps(failure()).encode()[:99], code=401), None),
    ("T08", OK, exchange({"error": "forbidden", "message": "IP"}, code=403), None),
    ("T09", exchange(failure()), exchange(failure(), code=500), Level.ERROR),
    ("T09", OK, exchange({"detail": "Internal Server Error"}, code=500), None),
    ("T09", OK, exchange(b"Internal Server Error", code=500, headers={"content-type": "application/json"}), None),
    ("T09", OK, exchange(failure(), code=400), Level.WARNING),
    (
        "T10",
        exchange(failure(), code=429, headers=AFTER_42),
        exchange(failure(), code=429),
        Level.WARNING,
    ),
    ("T10", OK, exchange(failure(), code=429, headers=JSON | {"retry-after": "0"}), None),
    ("T10", OK, exchange(b"slow down", code=429, headers={"retry-after": "42"}), None),
    ("T11", OK, exchange(envelope(), elapsed_s=7), Level.WARNING),
    ("T11", exchange(envelope(), elapsed_s=5), exchange(envelope(), elapsed_s=31), Level.ERROR),
    ("T12", OK, exchange(b"", code=301, headers={"location": "/radar/"}), Level.WARNING),
    ("T12", OK, exchange(b"", code=307, headers={}), Level.WARNING),
    (
        "T14",
        exchange(envelope(), asked={"foo": "1"}),
        exchange(UNEXPECTED, code=422, asked={"foo": "1"}),
        Level.WARNING,
    ),
]

ENVELOPE = [
    ("E01", OK, envelope(desStatusRequisicao="sucesso"), Level.ERROR),
    ("E01", OK, envelope(timestamp="2026-04-15T14:00:00"), None),
    ("E01", OK, {"detail": envelope()}, None),
    ("E02", exchange(failure()), failure(mensagem=GONE), Level.ERROR),
    ("E02", OK, envelope(mensagem=GONE), Level.WARNING),
    ("E02", OK, envelope(emailIndisponibilidade=GONE), Level.ERROR),
    ("E02", OK, envelope(idcStatusRequisicao=GONE), Level.ERROR),
    ("E02", OK, {"ok": True}, Level.ERROR),
    ("E02", OK, {}, None),
    ("E03", OK, envelope(emailIndisponibilidade=GONE, EmailIndisponibilidade=EMAIL), Level.ERROR),
    ("E03", OK, envelope(emailIndisponibilidade=GONE, e_mail=EMAIL), None),
    ("E03", OK, envelope(interrupcaoFornecimento=GONE, interrupcao_fornecimento=[row()]), None),
    *(("E04", OK, envelope(idcStatusRequisicao=status), Level.ERROR) for status in ("1", 1.0)),
    *(("E04", OK, envelope(idcStatusRequisicao=status), Level.ERROR) for status in (True, 0, 3, None)),
    *(("E05", OK, envelope(emailIndisponibilidade=email), Level.ERROR) for email in (LONG_EMAIL, "", "a@b")),
    *(
        ("E05", OK, envelope(emailIndisponibilidade=email), None)
        for email in ("a@b.example; c@d.example", "a b@c.example", "a@@c.example", "a@c..example", None, 5)
    ),
    ("E06", OK, envelope(mensagem="Sucesso"), Level.ERROR),
    ("E06", exchange(failure()), failure(mensagem=" "), Level.ERROR),
    ("E06", OK, envelope(mensagem=None), None),
    ("E07", exchange(failure()), failure(mensagem="Erro: ORA-12541: TNS:no listener host=10.0.0.8"), Level.ERROR),
    *(
        ("E07", OK, failure(mensagem=text), None)
        for text in (
            "Unable to connect to database instance!",
            "NullReference!",
            "Traceback (most recent call last)",
            "select nome from clientes where 1=1",
            'File "/app/x.py", line 3',
            "at Radar.Api.Get(Int32 id)",
            "erro em /var/lib/radar/dados.db",
            r"erro em C:\radar\dados.mdb",
            "SQLSTATE 08001",
            "user=radar",
            "sem resposta de 10.20.30.40",
        )
    ),
    ("E08", exchange(failure()), failure(mensagem="Erro na consulta. " * 40), Level.WARNING),
    ("E08", OK, failure(mensagem="Erro.\nTente novamente."), None),
    ("E09", exchange(outages()), envelope(interrupcaoFornecimento=None), Level.ERROR),
    ("E09", OK, envelope(interrupcaoFornecimento={}), None),
    ("E09", OK, envelope(interrupcaoFornecimento=GONE), None),
    ("E09", exchange(failure()), failure(interrupcaoFornecimento=None), None),
    ("E10", exchange(failure()), failure(interrupcaoFornecimento=[row()]), Level.ERROR),
    ("E12", OK, outages(row(ideMunicipio=GONE, ide_municipio=1400100)), Level.ERROR),
    ("E12", OK, outages(row(ideMunicipio=GONE, IdeMunicipio=1400100)), None),
]

ROWS = [
    ("I01", [row()], [row(nomeMunicipio="Boa Vista")], Level.ERROR),
    ("I01", [row()], [row(qtdUCsAtendidas=GONE)], None),
    ("I01", [row()], [row(), "linha"], None),
    ("I01", [row()], [row(idemunicipio=1400100, ideMunicipio=GONE)], None),
    ("I02", [row()], [row(qtdUCsAtendidas=GONE, qtdUcsAtendidas=48210)], Level.ERROR),
    *(("I03", [row()], [row(ideMunicipio=code)], Level.ERROR) for code in ("1400100", 12.0, None, True)),
    ("I04", [row(qtdOcorrenciaProgramada=0)], [row(qtdOcorrenciaProgramada=-5)], Level.ERROR),
    ("I05", [row()], [row(qtdUCsAtendidas=3_000_000_000)], Level.ERROR),
    ("I06", [row()], [row(ideConjuntoUnidadeConsumidora=0)], Level.ERROR),
    ("I07", [row()], [row(ideConjuntoUnidadeConsumidora=1)], Level.WARNING),
    ("I07", [row()], [row(ideConjuntoUnidadeConsumidora=99_999_999)], None),
    ("I08", [row()], [row(ideMunicipio=140010)], Level.ERROR),
    ("I09", [row(ideMunicipio=1400209)], [row(ideMunicipio=1800102)], Level.ERROR),
    ("I10", [row(ideMunicipio=1400472)], [row(ideMunicipio=1400471)], Level.ERROR),
    ("I11", [row(ideMunicipio=1400209)], [row(ideMunicipio=1302603)], Level.ERROR),
    ("I12", [row(), row(ideMunicipio=1400175, qtdUCsAtendidas=900)], [row(), row()], Level.ERROR),
    ("I13", [row()], [row(qtdUCsAtendidas=300, qtdOcorrenciaNaoProgramada=310)], Level.ERROR),
    (
        "I14",
        [row(qtdUCsAtendidas=20, qtdOcorrenciaProgramada=4, qtdOcorrenciaNaoProgramada=8)],
        [row(qtdUCsAtendidas=10, qtdOcorrenciaProgramada=8, qtdOcorrenciaNaoProgramada=7)],
        Level.WARNING,
    ),
    ("I15", [row(qtdUCsAtendidas=5120)], [row(qtdUCsAtendidas=0)], Level.ERROR),
    (
        "I16",
        [row(qtdUCsAtendidas=120_000), row(ideMunicipio=1400050, qtdUCsAtendidas=3000)],
        [row(qtdUCsAtendidas=3000), row(ideMunicipio=1400050, qtdUCsAtendidas=120_000)],
        Level.WARNING,
    ),
    ("I16", [row()], [row(), row(ideMunicipio=1400209), row(ideMunicipio=1400175)], Level.WARNING),
    ("I16", [row()], [row(ideMunicipio=1400050, qtdUCsAtendidas=120_000)], Level.WARNING),
    (
        "I17",
        [row(qtdOcorrenciaProgramada=0, qtdOcorrenciaNaoProgramada=310)],
        [row(qtdOcorrenciaProgramada=0, qtdOcorrenciaNaoProgramada=0)],
        Level.INFO,
    ),
]

DIALECT_A = {
    "idcStatusRequisicao": 1,
    "quantitativoInterrupcoesAtivas": [{"ideMunicipio": 1400100, "idcTipoInterrupcao": 1, "qtdUcsInterrompidas": 4}],
}
DIALECT_B = {
    "idcStatusRequisicao": 1,
    "desStatusRequisicao": "ok",
    "emailIndisponibilidade": EMAIL,
    "mensagem": "",
    "listaInterrupcoes": [],
}

BAD_COUNTS = (-1, 3.0, None, 2**31)
COUNTS = [
    ("D01", [count()], [count(idcTipologia=1020901)], Level.ERROR),
    ("D01", [count()], [count(qtdAndamentoNoMomento=GONE, qtdAndamento=41)], None),
    ("D02", [count()], [count(idcNivelAtendimento=0)], Level.ERROR),
    ("D02", [count()], [count(idcCanalAtendimento=13)], None),
    ("D02", [count()], [count(idcCanalAtendimento="2")], None),
    *(("D03", [count(idcTipologia=leaf)], [count(idcTipologia="10201")], Level.ERROR) for leaf in ("105", "10199")),
    *(("D03", [count()], [count(idcTipologia=code)], None) for code in ("0101001", "20101", "")),
    ("D04", [count(idcCanalAtendimento=2), count(idcCanalAtendimento=3)], [count(), count()], Level.ERROR),
    *(
        ("D05", [count(qtdProcedenteNoDia=0)], [count(qtdProcedenteNoDia=bad)], Level.ERROR)
        for bad in (-1, 3.0, None, 2**31)
    ),
    ("D07", [count()], [count(**dict.fromkeys(list(count())[3:], 0))], Level.INFO),
]

ONE: list[tuple[str, Any, Any, Level | None]] = [
    ("P01", {}, None, Level.ERROR),
    ("P01", demand(), [], None),
    ("P01", demand(), demand(numUC=GONE), None),
    ("P01", demand(), demand(bairro="Centro"), None),
    ("P02", demand(), demand(numProtocolo="RR0020260000432"), Level.ERROR),
    ("P02", demand(), demand(numProtocolo="1" * 31), None),
    ("P03", demand(numUC="1" * 15), demand(numUC="1" * 30), Level.WARNING),
    ("P03", demand(), demand(numUC="1" * 31), Level.ERROR),
    ("P03", demand(), demand(numUC=""), Level.ERROR),
    ("P04", demand(), demand(numCPFCNPJ="000.000.001-91"), Level.ERROR),
    ("P04", demand(), demand(numCPFCNPJ="***.456.789-**"), Level.ERROR),
    ("P04", demand(numCPFCNPJ="12ABC34501DE35"), demand(numCPFCNPJ="00000000192"), Level.WARNING),
    ("P04", demand(numCPFCNPJ="02341470000144"), demand(numCPFCNPJ="12ABC34501DE36"), Level.WARNING),
    ("P05", demand(), demand(nomeTitularUC="N" * 51), Level.ERROR),
    ("P05", demand(), demand(nomeTitularUC=GONE, nomTitular="Titular"), None),
    ("P05", demand(), demand(nomeTitularUC=GONE, nomTitularUC="Titular"), None),
    ("P06", demand(), demand(idcStatus=3), Level.ERROR),
    ("P06", demand(), demand(idcCanalAtendimento="2"), None),
    ("P06", demand(), demand(idcTipologia="10201"), None),
    ("P06", demand(), demand(idcNivelTratamento=3), None),
    ("P06", demand(), demand(idcProcedencia=4), None),
    ("P07", demand(dthAbertura="15/01/2026 07:05"), demand(dthAbertura="2026-01-15 07:05"), Level.ERROR),
    ("P07", demand(), demand(dthEncerramento="30/02/2026 10:00"), None),
    ("P07", demand(), demand(dthEncerramento="14/01/2026 18:31"), None),
    ("P07", demand(dthEncerramento="15/04/2026 14:04"), demand(dthEncerramento="15/04/2026 14:06"), None),
    ("P08", demand(), demand(dthEncerramento=None), Level.ERROR),
    ("P08", OPEN, demand(idcStatus=0, idcProcedencia=2), None),
    (
        "P09",
        demand(idcStatus=0, idcProcedencia=2, dthEncerramento=None),
        OPEN | {"idcProcedencia": 1},
        Level.WARNING,
    ),
    ("P09", demand(), demand(idcProcedencia=2), None),
    ("P10", {}, dict.fromkeys(demand()), None),
    ("I03", demand(), demand(ideMunicipio="1400472"), None),
    ("I10", demand(), demand(ideMunicipio=1400471), None),
]


@pytest.mark.parametrize(("rule", "good", "bad", "level"), TRANSPORT)
def test_transport(rule: str, good: Exchange, bad: Exchange, level: Level | None) -> None:
    judge(rule, good, bad, level)


@pytest.mark.parametrize(("rule", "good", "bad", "level"), ENVELOPE)
def test_envelope(rule: str, good: Exchange, bad: Any, level: Level | None) -> None:
    judge(rule, good, exchange(bad), level)


@pytest.mark.parametrize(("rule", "good", "bad", "level"), ROWS)
def test_rows_of_outages(rule: str, good: list[Any], bad: list[Any], level: Level | None) -> None:
    judge(rule, exchange(outages(*good)), exchange(outages(*bad)), level)


@pytest.mark.parametrize("body", [DIALECT_A, DIALECT_B])
def test_older_formats_are_recognised_and_nothing_else_is_said_of_them(body: Any) -> None:
    judge("I19", exchange(envelope()), exchange(body), Level.ERROR)


@pytest.mark.parametrize(("rule", "good", "bad", "level"), COUNTS)
def test_counts_of_demands(rule: str, good: list[Any], bad: list[Any], level: Level | None) -> None:
    judge(rule, exchange(demands(*good), "demands"), exchange(demands(*bad), "demands"), level)


@pytest.mark.parametrize(("rule", "good", "bad", "level"), ONE)
def test_one_demand(rule: str, good: Any, bad: Any, level: Level | None) -> None:
    judge(rule, exchange(looked_up(good), "demand"), exchange(looked_up(bad), "demand"), level)


def test_a_demand_whose_fields_lie_at_the_top_is_told_so_once() -> None:
    flat = envelope(interrupcaoFornecimento=GONE) | demand()

    assert rules(exchange(flat, "demand")) == {"P01"}


def test_there_are_no_more_rows_than_levels_channels_and_types() -> None:
    from wattdeck.systems.aneel.codes import TYPOLOGIES

    rows = [
        count(idcNivelAtendimento=level, idcCanalAtendimento=channel, idcTipologia=kind)
        for level in (1, 2)
        for channel in range(1, 13)
        for kind in TYPOLOGIES
    ]
    assert rules(exchange(demands(*rows), "demands")) == set()
    assert rules(exchange(demands(*rows, rows[0]), "demands")) == {"D04"}


HISTORY = [
    ("H02", "2025-12-10T14:30", failure(), envelope(), 200, Level.ERROR),
    ("H02", "31/02/2026 10:00", failure(), envelope(), 200, Level.ERROR),
    ("H02", "9/1/2026 7:00", failure(), failure(), 400, Level.WARNING),
    ("H02", "9/1/2026 7:00", failure(), {"detail": [{"loc": ["query"]}]}, 422, Level.ERROR),
    ("H03", "16/04/2026 14:00", failure(), envelope(), 200, Level.ERROR),
    ("H03", "01/01/2010 12:00", failure(), envelope(), 200, Level.ERROR),
    ("H04", "13/04/2026 14:00", envelope(), failure(), 200, Level.ERROR),
    ("H04", "08/04/2026 15:00", envelope(), failure(), 200, Level.ERROR),
]


@pytest.mark.parametrize(("rule", "moment", "good", "bad", "code", "level"), HISTORY)
def test_moments_asked_for(rule: str, moment: str, good: Any, bad: Any, code: int, level: Level) -> None:
    asked = {"dthRecuperacao": moment}

    judge(rule, exchange(good, asked=asked), exchange(bad, asked=asked, code=code), level)


def test_what_is_older_than_a_week_may_be_refused() -> None:
    assert rules(exchange(failure(), asked={"dthRecuperacao": "01/04/2026 14:00"})) == set()


def test_a_clock_of_ours_that_is_wrong_by_an_hour_accuses_nobody_of_the_future() -> None:
    ours = NOW - timedelta(hours=1)
    headers = JSON | {"date": "Wed, 15 Apr 2026 17:00:00 GMT"}
    found = looked_up(demand(dthEncerramento="15/04/2026 13:58"))

    assert rules(exchange(found, "demand", at=ours, headers=headers)) == set()
    assert rules(exchange(found, "demand", at=ours)) == {"P07"}


ASKED = [
    ("P11", {}, 200, NO_PROTOCOL, looked_up(demand()), 200),
    ("P11", {"numProtocolo": " "}, 200, looked_up({}, idcStatusRequisicao=2, mensagem="Informe"), looked_up({}), 200),
    ("P11", {}, 200, looked_up({}, idcStatusRequisicao=2, mensagem="Informe"), {"detail": [{"type": "missing"}]}, 422),
    (
        "P10",
        {"numProtocolo": "9"},
        200,
        looked_up({}),
        looked_up({}, idcStatusRequisicao=2, mensagem="Protocolo não encontrado"),
        200,
    ),
    ("P10", {"numProtocolo": "9"}, 200, looked_up({}), looked_up({}), 404),
]


@pytest.mark.parametrize(("rule", "asked", "good_code", "good", "bad", "code"), ASKED)
def test_protocols_asked_for(rule: str, asked: dict[str, str], good_code: int, good: Any, bad: Any, code: int) -> None:
    judge(rule, exchange(good, "demand", asked=asked, code=good_code), exchange(bad, "demand", asked=asked, code=code))


def test_a_missing_protocol_refused_with_400_is_only_odd() -> None:
    body = looked_up({}, idcStatusRequisicao=2, mensagem="Informe o protocolo")

    (finding,) = check_answer(exchange(body, "demand", asked={}, code=400), RORAIMA)

    assert (finding.rule, finding.level) == ("P11", Level.WARNING)


def test_the_base_address_of_a_loopback_is_exempt_from_tls_by_every_name() -> None:
    for host in ("localhost:8700", "127.0.0.1", "[::1]:8700", "radar.localhost"):
        assert rules(exchange(envelope(), url=f"http://{host}")) == set()
