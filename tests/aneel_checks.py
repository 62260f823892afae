"""Answers for tests of the conformance check: right ones, to be made wrong in one respect each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from wattdeck.systems.aneel.conformance import Context, check_answer
from wattdeck.systems.aneel.exchange import PATHS, Exchange, Route

EMAIL = "plantao.radar@distribuidora.example"
BASE = "https://api.distribuidora.example/radar"
NOW = datetime(2026, 4, 15, 17, 0, tzinfo=UTC)
"""A Wednesday, 14:00 in Brasília."""
RORAIMA = Context.of(state="RR")
GONE: Any = object()
"""Leave this key out."""


def row(**other: Any) -> dict[str, Any]:
    """A row about outages."""
    return with_(
        {
            "ideConjuntoUnidadeConsumidora": 16101,
            "ideMunicipio": 1400100,
            "qtdUCsAtendidas": 48210,
            "qtdOcorrenciaProgramada": 120,
            "qtdOcorrenciaNaoProgramada": 35,
        },
        other,
    )


def count(**other: Any) -> dict[str, Any]:
    """A row about demands."""
    return with_(
        {
            "idcNivelAtendimento": 1,
            "idcCanalAtendimento": 12,
            "idcTipologia": "1020901",
            "qtdAndamentoNoMomento": 41,
            "qtdRegistradaNoDia": 96,
            "qtdImprocedenteNoDia": 4,
            "qtdProcedenteNoDia": 38,
            "qtdSemProcedenciaNoDia": 13,
        },
        other,
    )


def demand(**other: Any) -> dict[str, Any]:
    """One demand of nobody real."""
    return with_(
        {
            "numProtocolo": "RR0020260000431",
            "numUC": "000000000812345",
            "numCPFCNPJ": "00000000191",
            "nomeTitularUC": "Titular Fictício",
            "idcCanalAtendimento": 2,
            "idcTipologia": "1020901",
            "idcStatus": 1,
            "idcProcedencia": 1,
            "dthAbertura": "14/01/2026 18:32",
            "dthEncerramento": "15/01/2026 07:05",
            "ideMunicipio": 1400472,
            "idcNivelTratamento": 0,
        },
        other,
    )


def with_(right: dict[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Some values replaced, or left out."""
    return {name: value for name, value in (right | dict(other)).items() if value is not GONE}


def envelope(**other: Any) -> dict[str, Any]:
    """A right answer about outages, two rows."""
    rows = [row(), row(ideConjuntoUnidadeConsumidora=16103, ideMunicipio=1400209, qtdUCsAtendidas=5120)]
    right = {"idcStatusRequisicao": 1, "emailIndisponibilidade": EMAIL, "mensagem": "", "interrupcaoFornecimento": rows}
    return with_(right, other)


def failure(**other: Any) -> dict[str, Any]:
    """A right answer with status 2."""
    said = "Serviço temporariamente indisponível. Tente novamente."
    return with_(envelope(idcStatusRequisicao=2, mensagem=said, interrupcaoFornecimento=[]), other)


def outages(*rows: Any) -> dict[str, Any]:
    """An answer with these rows."""
    return envelope(interrupcaoFornecimento=list(rows))


def demands(*rows: Any, **other: Any) -> dict[str, Any]:
    """An answer with these counts."""
    return with_(envelope(interrupcaoFornecimento=GONE, demandasDiversas=list(rows)), other)


def looked_up(found: Any, **other: Any) -> dict[str, Any]:
    """An answer about one demand."""
    return with_(envelope(interrupcaoFornecimento=GONE, demanda=found), other)


def exchange(
    body: Any,
    route: Route = "outages",
    *,
    code: int = 200,
    headers: Mapping[str, str] | None = None,
    asked: Mapping[str, str] | None = None,
    elapsed_s: float = 0.8,
    at: datetime = NOW,
    url: str = BASE,
) -> Exchange:
    """An answer as it comes from a live server; anything but bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    fields = {"content-type": "application/json"} if headers is None else headers
    if asked is None:
        asked = {"numProtocolo": "RR0020260000431"} if route == "demand" else {}
    return Exchange(route, code, fields, raw, elapsed_s, at, asked, f"{url}/{PATHS[route]}")


def rules(answer: Exchange, context: Context = RORAIMA) -> set[str]:
    """Which rules an answer does not keep."""
    return {finding.rule for finding in check_answer(answer, context)}
