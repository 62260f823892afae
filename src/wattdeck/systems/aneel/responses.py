"""From what a distributor knows to exactly what it has to answer (aneel.md 3), names and order included.

The mapper refuses what would not conform, so that whoever serves by it cannot send it. Names are written out: four of
them (`qtdUCsAtendidas`, `numUC`, `numCPFCNPJ`, `nomeTitularUC`) are not what automatic camelCase makes.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from datetime import datetime
from typing import Any

from wattdeck.systems.aneel import codes, places
from wattdeck.systems.aneel.envelope import COUNT_MAX
from wattdeck.systems.aneel.exchange import PAYLOADS, Route
from wattdeck.systems.aneel.models import Demand, DemandCount, Row
from wattdeck.systems.aneel.times import format_recovery

EMAIL_CHARS_MAX = 50
MESSAGE_CHARS_MAX = 500
DEMANDS_MAX = 2808
UNIT_CHARS_MAX = 15
NAME_CHARS_MAX = 50
UNAVAILABLE = "Serviço temporariamente indisponível. Tente novamente."
"""Says enough about any fault of the server's own; its cause is for the server's log."""

TECHNICAL = re.compile(
    r"traceback|exception|nullreference|ORA-\d{5}|TNS:|SQLSTATE|select\s.+\sfrom\s|File \".+\", line \d+"
    r"|\bat \S+\(.*\)|\b\d{1,3}(?:\.\d{1,3}){3}\b|host[:=]|user=|password|database instance"
    r"|(?:^|[\s\"'(])(?:/[\w.-]+){2,}|\b[a-z]:\\",
    re.IGNORECASE | re.DOTALL,
)
"""Text that tells strangers about the server's inside (rule E07)."""

_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>.]+(?:\.[^@\s,;<>.]+)+")


def outages_response(rows: Iterable[Row], email: str) -> dict[str, Any]:
    """What is out, as the answer to `quantitativointerrupcoesativas`.

    Raises:
        ValueError: something in it would not conform; the sentence says what and where.
    """
    payload: dict[tuple[int, int], dict[str, Any]] = {}
    for position, row in enumerate(rows):
        where = f"{PAYLOADS['outages']}[{position}]"
        key = (row.set_code, row.municipality_code)
        if key in payload:
            raise ValueError(f"{where}: set {key[0]} and municipality {key[1]} are there already; one row for each")
        payload[key] = _outage(row, where)
    return _envelope("outages", 1, email, "", list(payload.values()))


def _outage(row: Row, where: str) -> dict[str, Any]:
    served = row.customers_served
    _whole(row.set_code, 1, COUNT_MAX, f"{where}.ideConjuntoUnidadeConsumidora")
    _municipality(row.municipality_code, where)
    _whole(served, 0, COUNT_MAX, f"{where}.qtdUCsAtendidas")
    _whole(row.planned_out, 0, COUNT_MAX, f"{where}.qtdOcorrenciaProgramada")
    _whole(row.unplanned_out, 0, COUNT_MAX, f"{where}.qtdOcorrenciaNaoProgramada")
    if served is None or max(row.planned_out, row.unplanned_out) > served:
        raise ValueError(f"{where}: more customers are out than the {served} that are served; expected at most those")
    return {
        "ideConjuntoUnidadeConsumidora": row.set_code,
        "ideMunicipio": row.municipality_code,
        "qtdUCsAtendidas": served,
        "qtdOcorrenciaProgramada": row.planned_out,
        "qtdOcorrenciaNaoProgramada": row.unplanned_out,
    }


def demands_response(demands: Iterable[DemandCount], email: str = "") -> dict[str, Any]:
    """Today's demands, as the answer to `quantitativodemandasdiversas`.

    Args:
        email: Left out of the answer if empty: sources disagree on whether it belongs there.

    Raises:
        ValueError: something in it would not conform.
    """
    payload: dict[tuple[int, int, str], dict[str, Any]] = {}
    for position, count in enumerate(demands):
        where = f"{PAYLOADS['demands']}[{position}]"
        key = (count.level, count.channel, count.typology)
        if key in payload:
            raise ValueError(f"{where}: level, channel and type {key} are there already; one row for each")
        payload[key] = _demand_count(count, where)
    if len(payload) > DEMANDS_MAX:
        raise ValueError(f"{PAYLOADS['demands']}: {len(payload)} rows; there are {DEMANDS_MAX} combinations at most")
    return _envelope("demands", 1, email, "", list(payload.values()))


def _demand_count(count: DemandCount, where: str) -> dict[str, Any]:
    _code(count.level, codes.LEVELS_OF_SERVICE, f"{where}.idcNivelAtendimento")
    _code(count.channel, codes.CHANNELS, f"{where}.idcCanalAtendimento")
    _code(count.typology, codes.TYPOLOGIES, f"{where}.idcTipologia")
    row = {
        "idcNivelAtendimento": count.level,
        "idcCanalAtendimento": count.channel,
        "idcTipologia": count.typology,
    }
    counts = {
        "qtdAndamentoNoMomento": count.ongoing,
        "qtdRegistradaNoDia": count.opened_today,
        "qtdImprocedenteNoDia": count.unfounded_today,
        "qtdProcedenteNoDia": count.founded_today,
        "qtdSemProcedenciaNoDia": count.no_verdict_today,
    }
    for name, number in counts.items():
        _whole(number, 0, COUNT_MAX, f"{where}.{name}")
    return {**row, **counts}


def demand_response(demand: Demand | None, email: str = "") -> dict[str, Any]:
    """One demand, or none of that protocol, as the answer to `dadosdemanda`.

    Raises:
        ValueError: something in it would not conform; no personal data are repeated.
    """
    return _envelope("demand", 1, email, "", {} if demand is None else _demand(demand))


def _demand(demand: Demand) -> dict[str, Any]:
    if not re.fullmatch(r"[0-9A-Za-z]{1,30}", demand.protocol):
        raise ValueError("demanda.numProtocolo is not 1 to 30 letters and digits")
    _text(demand.consumer_unit, UNIT_CHARS_MAX, "demanda.numUC")
    if not re.fullmatch(r"[0-9]{11}|[0-9A-Z]{12}[0-9]{2}", demand.document_number):
        raise ValueError("demanda.numCPFCNPJ is not 11 or 14 characters without punctuation")
    _text(demand.holder_name, NAME_CHARS_MAX, "demanda.nomeTitularUC")
    _code(demand.channel, codes.CHANNELS, "demanda.idcCanalAtendimento")
    _code(demand.typology, codes.TYPOLOGIES, "demanda.idcTipologia")
    _code(demand.status, codes.DEMAND_STATUS, "demanda.idcStatus")
    _code(demand.verdict, codes.VERDICTS, "demanda.idcProcedencia")
    _municipality(demand.municipality_code, "demanda")
    _code(demand.level, codes.LEVELS_OF_TREATMENT, "demanda.idcNivelTratamento")
    opened_at, closed_at = _dates(demand)
    return {
        "numProtocolo": demand.protocol,
        "numUC": demand.consumer_unit,
        "numCPFCNPJ": demand.document_number,
        "nomeTitularUC": demand.holder_name,
        "idcCanalAtendimento": demand.channel,
        "idcTipologia": demand.typology,
        "idcStatus": demand.status,
        "idcProcedencia": demand.verdict,
        "dthAbertura": format_recovery(opened_at),
        "dthEncerramento": None if closed_at is None else format_recovery(closed_at),
        "ideMunicipio": demand.municipality_code,
        "idcNivelTratamento": demand.level,
    }


def _dates(demand: Demand) -> tuple[datetime, datetime | None]:
    if demand.opened_at is None:
        raise ValueError("demanda.dthAbertura is missing; expected when the demand was opened")
    if demand.closed_at is not None and demand.closed_at < demand.opened_at:
        raise ValueError("demanda.dthEncerramento is before dthAbertura")
    if demand.status in (0, 1) and (demand.closed_at is not None) != (demand.status == 1):
        raise ValueError("demanda.dthEncerramento is set where idcStatus is 1 (encerrada), null where it is 0")
    return demand.opened_at, demand.closed_at


def error_response(route: Route, message: str, email: str = "") -> dict[str, Any]:
    """An answer of status 2, with an empty payload.

    Args:
        message: Short Portuguese for people; nothing technical.
        email: Required for outages.

    Raises:
        ValueError: the message or the address would not conform.
    """
    if not message.strip() or len(message) > MESSAGE_CHARS_MAX or not message.isprintable():
        raise ValueError(f"mensagem is not one line of 1 to {MESSAGE_CHARS_MAX} characters")
    if TECHNICAL.search(message):
        raise ValueError("mensagem tells of the server's inside; expected a sentence for people, the rest in the log")
    return _envelope(route, 2, email, message, {} if route == "demand" else [])


def _envelope(
    route: Route, status: int, email: str, message: str, payload: Sequence[Any] | dict[str, Any]
) -> dict[str, Any]:
    if (email or route == "outages") and not (len(email) <= EMAIL_CHARS_MAX and _EMAIL.fullmatch(email)):
        raise ValueError(f"emailIndisponibilidade is not one address of at most {EMAIL_CHARS_MAX} characters")
    address = {"emailIndisponibilidade": email} if email else {}
    return {"idcStatusRequisicao": status, **address, "mensagem": message, PAYLOADS[route]: payload}


def _whole(value: object, least: int, most: int, where: str) -> None:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{where} is {_short(value)}; expected a whole number from {least} to {most}")


def _code(value: object, known: Container[object], where: str) -> None:
    # By type as well: True would pass for 1.
    if type(value) not in (int, str) or value not in known:
        raise ValueError(f"{where} is {_short(value)}, which is none of ANEEL's codes")


def _municipality(code: object, where: str) -> None:
    if type(code) is not int or places.state_of(code) is None or not places.check_digit_ok(code):
        raise ValueError(f"{where}.ideMunicipio is {_short(code)}; expected an IBGE code of seven digits, 1400100")


def _text(value: str, most: int, where: str) -> None:
    if not 1 <= len(value) <= most:
        raise ValueError(f"{where} is {len(value)} characters long; expected 1 to {most}")


def _short(value: object) -> str:
    return ascii(value)[:20] if isinstance(value, int | float | str | None) else "no plain value"
