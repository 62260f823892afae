"""What faults make of the simulated distributor's answers: envelopes, rows, counts and cases that break a rule."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from wattdeck.core.faultboard import Fault, FaultBoard
from wattdeck.systems.aneel.codes import CHANNELS, LEVELS_OF_SERVICE, TYPOLOGIES
from wattdeck.systems.aneel.exchange import PAYLOADS, Route
from wattdeck.systems.aneel.territory import ALTO_ALEGRE, CAPITAL, CARACARAI, PLACES

Json = dict[str, Any]
Rows = list[Json]
Bend = Callable[[Rows, int], Rows]
"""Rows and how many answers the fault has changed before -> rows."""

SET, PLACE, SERVED = "ideConjuntoUnidadeConsumidora", "ideMunicipio", "qtdUCsAtendidas"
PLANNED, UNPLANNED = "qtdOcorrenciaProgramada", "qtdOcorrenciaNaoProgramada"
OTHER_EMAIL = "suporte.ti@distribuidora.example"
LONG_EMAIL = "centro.de.operacao.e.atendimento@distribuidora-regional.example"
_OF_THE_DAY = ("qtdRegistradaNoDia", "qtdImprocedenteNoDia", "qtdProcedenteNoDia", "qtdSemProcedenciaNoDia")


def _first(**changes: object) -> Bend:
    return lambda rows, _: [rows[0] | changes, *rows[1:]]


def _every(change: Callable[[Json], Json]) -> Bend:
    return lambda rows, _: [change(row) for row in rows]


def _renamed(old: str, new: str) -> Callable[[Json], Json]:
    return lambda item: {new if key == old else key: value for key, value in item.items()}


def _first_by(change: Callable[[Json], Json]) -> Bend:
    return lambda rows, _: [rows[0] | change(rows[0]), *rows[1:]]


def _wrong_digit(row: Json) -> Json:
    code = row[PLACE]
    return {PLACE: code - code % 10 + (code + 1) % 10}


def _swapped(row: Json) -> Json:
    other = {CAPITAL: ALTO_ALEGRE, ALTO_ALEGRE: CAPITAL}
    return row | {PLACE: other.get(row[PLACE], row[PLACE])}


def _repeated(rows: Rows, _: int) -> Rows:
    """A set's customers in each of its municipalities; the first row's set gets a second one if it has but one."""
    first = rows[0]
    taken = {row[PLACE] for row in rows if row[SET] == first[SET]}
    extra = [] if len(taken) > 1 else [first | {PLACE: ALTO_ALEGRE if CAPITAL in taken else CAPITAL}]
    whole: dict[int, int] = {}
    for row in [*rows, *extra]:
        whole[row[SET]] = whole.get(row[SET], 0) + row[SERVED]
    return [row | {SERVED: whole[row[SET]]} for row in [*rows, *extra]]


def _feeder_lost(rows: Rows, _: int) -> Rows:
    """A third of each set's customers in Caracaraí out; elsewhere nothing changes."""
    lost = [
        {SET: place.set_code, PLACE: CARACARAI, SERVED: place.customers, PLANNED: 0, UNPLANNED: place.customers // 3}
        for place in PLACES
        if place.municipality_code == CARACARAI
    ]
    others = [row for row in rows if row[PLACE] != CARACARAI]
    return sorted([*others, *lost], key=lambda row: (row[PLACE], row[SET]))


def _jumping(rows: Rows, before: int) -> Rows:
    return [row | {SERVED: row[SERVED] * 3} for row in rows] if before % 2 else rows


OF_ROWS: dict[str, Bend] = {
    "feeder-lost": _feeder_lost,
    "extra-field": _every(lambda row: row | {"nomeMunicipio": "Boa Vista"}),
    "string-municipality": _every(lambda row: row | {PLACE: str(row[PLACE])}),
    "decimal-counts": _every(lambda row: row | {UNPLANNED: float(row[UNPLANNED])}),
    "negative": _first(**{UNPLANNED: -5}),
    "huge-count": _first(**{SERVED: 3_000_000_000}),
    "set-zero": _first(**{SET: 0}),
    "odd-set": _first(**{SET: 99_999_999}),
    "short-municipality": _first(**{PLACE: 140010}),
    "no-such-state": _first(**{PLACE: 1800102}),
    "bad-check-digit": _first_by(_wrong_digit),
    "other-state": _first(**{PLACE: 1302603}),
    "pseudo-municipality": _first(**{PLACE: 1459999}),
    "duplicate-row": lambda rows, _: [*rows, rows[0]],
    "over-served": _first_by(lambda row: {UNPLANNED: row[SERVED] + 10}),
    "double-counted": _first_by(lambda row: {PLANNED: row[SERVED] * 7 // 10, UNPLANNED: row[SERVED] * 4 // 5}),
    "zero-denominator": _every(lambda row: row | {SERVED: 0}),
    "swapped-capital": _every(_swapped),
    "repeated-denominators": _repeated,
    "denominators-jump": _jumping,
    "zero-rows": _first(**{PLANNED: 0, UNPLANNED: 0}),
    "all-planned": _every(lambda row: row | {PLANNED: row[PLANNED] + row[UNPLANNED], UNPLANNED: 0}),
    "ucs-spelling": _every(_renamed(SERVED, "qtdUcsAtendidas")),
    "dropout": lambda _, __: [],
}
"""In the order in which they are applied: the last ones change names others need."""


def _fallen(rows: Rows, before: int) -> Rows:
    if before % 2 == 0:
        return rows
    return [row | {name: row[name] // 2 for name in _OF_THE_DAY} for row in rows]


def _full(rows: Rows, _: int) -> Rows:
    keys = [(level, channel, leaf) for level in LEVELS_OF_SERVICE for channel in CHANNELS for leaf in TYPOLOGIES]
    names = list(rows[0])
    return [dict(zip(names, (*key, 1, 2, 0, 1, 0), strict=True)) for key in keys]


def _one_channel(rows: Rows, _: int) -> Rows:
    return [row for row in rows if (row["idcNivelAtendimento"], row["idcCanalAtendimento"]) == (1, 2)]


OF_COUNTS: dict[str, Bend] = {
    "full-demands": _full,
    "one-channel": _one_channel,
    "counters-fall": _fallen,
    "unknown-channel": _first(idcCanalAtendimento=13),
    "group-typology": _first(idcTipologia="10201"),
    "duplicate-demand": lambda rows, _: [*rows, rows[0]],
    "negative-demand": _first(qtdAndamentoNoMomento=-1),
    "zero-demands": _first(**dict.fromkeys((*_OF_THE_DAY, "qtdAndamentoNoMomento"), 0)),
    "number-typology": _every(lambda row: row | {"idcTipologia": int(row["idcTipologia"])}),
}

OF_CASES: dict[str, Callable[[Json], Json]] = {
    "echo-wrong": lambda case: case | {"numProtocolo": "RR20200000001"},
    "long-unit": lambda case: case | {"numUC": case["numUC"].zfill(30)},
    "short-document": lambda case: case | {"numCPFCNPJ": case["numCPFCNPJ"][:9]},
    "masked-document": lambda case: case | {"numCPFCNPJ": f"***.{case['numCPFCNPJ'][3:6]}.***-**"},
    "long-name": lambda case: case | {"nomeTitularUC": "Titular Exemplo ".ljust(51, "x")},
    "wild-codes": lambda case: case | {"idcStatus": 3, "idcCanalAtendimento": str(case["idcCanalAtendimento"])},
    "bad-date": lambda case: case | {"dthAbertura": "2026-01-15 07:05"},
    "open-with-date": lambda case: case | {"idcStatus": 0, "idcProcedencia": 2, "dthEncerramento": case["dthAbertura"]},
    "closed-without-date": lambda case: case | {"idcStatus": 1, "idcProcedencia": 1, "dthEncerramento": None},
    "early-verdict": lambda case: case | {"idcStatus": 0, "idcProcedencia": 1, "dthEncerramento": None},
    "holder-key": _renamed("nomeTitularUC", "nomTitular"),
}


def answer(route: Route, content: Json, faults: FaultBoard) -> Json:
    """A whole answer with what is wrong with it."""
    key = PAYLOADS[route]
    payload = content[key]
    if payload and route == "demand":
        payload = _case(payload, faults)
    elif payload:
        payload = _rows(payload, OF_ROWS if route == "outages" else OF_COUNTS, route, faults)
    return _enveloped(route, content | {key: payload}, faults)


def _rows(rows: Rows, bends: dict[str, Bend], route: Route, faults: FaultBoard) -> Rows:
    for name, bend in bends.items():
        if rows and (fault := faults.strike(name, route)) is not None:
            rows = bend(rows, _struck(fault) - 1)
    return rows


def _struck(fault: Fault) -> int:
    return sum(fault.struck.values())


def _case(case: Json, faults: FaultBoard) -> Json:
    for name, change in OF_CASES.items():
        if faults.strike(name, "demand"):
            case = change(case)
    return case


def _enveloped(route: Route, content: Json, faults: FaultBoard) -> Json:
    content = _other_shape(route, content, faults)
    succeeded = content["idcStatusRequisicao"] == 1
    changes: Json = {}
    if "emailIndisponibilidade" in content:
        if faults.strike("long-email", route):
            changes["emailIndisponibilidade"] = LONG_EMAIL
        if faults.strike("bad-email", route):
            changes["emailIndisponibilidade"] = "plantao@distribuidora"
    if succeeded and faults.strike("message-on-success", route):
        changes["mensagem"] = "Sucesso"
    if faults.strike("status-string", route):
        changes["idcStatusRequisicao"] = str(content["idcStatusRequisicao"])
    if faults.strike("extra-key", route):
        changes["timestamp"] = "2026-01-15T07:05:00-03:00"
    if PAYLOADS[route] in content and faults.strike("null-payload", route):
        changes[PAYLOADS[route]] = None
    content = content | changes
    if "emailIndisponibilidade" in content:
        if faults.strike("no-email", route):
            del content["emailIndisponibilidade"]
        elif faults.strike("key-case", route):
            content = _renamed("emailIndisponibilidade", "EmailIndisponibilidade")(content)
    if faults.strike("snake-case", route):
        content = _snake(content)
    return content


def _other_shape(route: Route, content: Json, faults: FaultBoard) -> Json:
    key = PAYLOADS[route]
    rows = content.get(key)
    if route == "outages" and faults.strike("dialect-a", route):
        content = {
            ("quantitativoInterrupcoesAtivas" if name == key else name): value for name, value in content.items()
        }
        content["quantitativoInterrupcoesAtivas"] = _by_kind(rows or [])
    elif route == "outages" and faults.strike("dialect-b", route):
        words = "Sucesso" if content["idcStatusRequisicao"] == 1 else "Erro"
        content = {"idcStatusRequisicao": content["idcStatusRequisicao"], "desStatusRequisicao": words} | {
            ("listaInterrupcoes" if name == key else name): value for name, value in content.items()
        }
    elif route == "demand" and faults.strike("demand-null", route):
        content = content | {key: None}
    elif route == "demand" and rows and faults.strike("demand-flat", route):
        content = {name: value for name, value in content.items() if name != key} | rows
    return content


def _by_kind(rows: Rows) -> Rows:
    """Dialect A: by municipality and kind, without sets or customers served (aneel.md 6, C01)."""
    found: dict[tuple[Any, int], Json] = {}
    for row in rows:
        for kind, name in ((1, PLANNED), (2, UNPLANNED)):
            if row.get(name):
                empty = {"qtdInterrupcoes": 0, "qtdUcsInterrompidas": 0, "qtdEquipesDeslocamento": 1}
                one = found.setdefault((row[PLACE], kind), {PLACE: row[PLACE], "idcTipoInterrupcao": kind} | empty)
                one["qtdInterrupcoes"] += 1
                one["qtdUcsInterrompidas"] += row[name]
    return [one | {"dthUltRecuperacao": "15/01/2026 07:05"} for one in found.values()]


def _snake(value: Any) -> Any:
    if isinstance(value, dict):
        return {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower(): _snake(item) for key, item in value.items()}
    return [_snake(item) for item in value] if isinstance(value, list) else value
