"""What a distributor's server answered, into models: tolerant, and never inventing a number (aneel.md 3 and 6).

Numbers may be text (`"1400100"`) or 3.0; unknown fields are passed over. A row whose codes or counts cannot be read is
left out and counted: a wrong zero would look like a restoration. Of two rows with one key the last counts, as of two
equal JSON keys: adding them up would count customers twice where a server repeats a row by a joined table.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wattdeck.core.language import later, tr, tr_as
from wattdeck.core.text import clean
from wattdeck.systems.aneel.envelope import Envelope, field, has, open_envelope, whole
from wattdeck.systems.aneel.errors import NotConformant
from wattdeck.systems.aneel.exchange import PATHS, PAYLOADS, Exchange, Route
from wattdeck.systems.aneel.models import Demand, DemandCount, Row
from wattdeck.systems.aneel.times import parse_recovery

__all__ = [
    "PATHS",
    "PAYLOADS",
    "Exchange",
    "OutageAnswer",
    "Route",
    "read_demand",
    "read_demands",
    "read_outages",
]

log = logging.getLogger(__name__)

ROWS_MAX = 20_000
"""ANEEL's largest distributors send some hundreds; demands are 2,808 at most."""
CODE_MAX = 9_999_999
EMAIL_CHARS_MAX = 100
DIALECT_A = "quantitativoInterrupcoesAtivas"
DIALECT_B = "listaInterrupcoes"
OLD_DEMANDS = "quantitativoDemandasDiversas"
HOLDER_NAMES = ("nomeTitularUC", "nomTitularUC", "nomTitular")


@dataclass(frozen=True, slots=True)
class OutageAnswer:
    """What a distributor says is out."""

    rows: tuple[Row, ...]
    """One for each set and municipality, in the order of the answer. Empty: it says that nothing is out."""
    email: str
    """Where ANEEL writes when the server is unavailable; empty if it is not said."""
    skipped: int
    """Rows that were left out: unreadable, or followed by another with the same key."""
    unreadable: int = 0
    """Those of them that could not be read: customers are out there, and the total is too low by them."""


def read_outages(exchange: Exchange) -> OutageAnswer:
    """The answer to `quantitativointerrupcoesativas` (aneel.md 3.2).

    Raises:
        NoData: the server says that it has no data. Never the same as no rows.
        AuthRefused, RateLimited, Unavailable, ServerFailed, UnexpectedStatus: see `open_envelope`.
        NotConformant: the answer cannot be read, or none of its rows can.
    """
    envelope = open_envelope(exchange)
    name = PAYLOADS["outages"]
    if not has(envelope.fields, name):
        if has(envelope.fields, DIALECT_A):
            message = later(
                "{what}: the answer is of the older dialect A ({found}), which names no set (conjunto) and counts "
                "otherwise; expected {name}, as in ANEEL's annex V4"
            )
            raise NotConformant(tr(message, what=envelope.what, found=DIALECT_A, name=name))
        if has(envelope.fields, DIALECT_B):
            name = DIALECT_B
    rows: dict[tuple[int, int], Row] = {}
    count = unreadable = 0
    for raw in _rows(envelope, name):
        count += 1
        if (row := _row(raw)) is not None:
            rows[row.set_code, row.municipality_code] = row
        else:
            unreadable += 1
    _any_read(envelope.what, name, count, len(rows))
    return OutageAnswer(tuple(rows.values()), _email(envelope), count - len(rows), unreadable)


def _row(raw: Mapping[str, Any]) -> Row | None:
    # One after the other: what lacks the first is not searched for the rest.
    if not (set_code := whole(field(raw, "ideConjuntoUnidadeConsumidora"))):
        return None
    municipality_code = whole(field(raw, "ideMunicipio"))
    if not municipality_code or municipality_code > CODE_MAX:
        return None
    planned_out = whole(field(raw, "qtdOcorrenciaProgramada"))
    unplanned_out = whole(field(raw, "qtdOcorrenciaNaoProgramada"))
    if planned_out is None or unplanned_out is None:
        return None
    served = whole(field(raw, "qtdUCsAtendidas"))
    if served == 0 and planned_out + unplanned_out:
        served = None
    return Row(set_code, municipality_code, served, planned_out, unplanned_out)


def read_demands(exchange: Exchange) -> tuple[DemandCount, ...]:
    """The answer to `quantitativodemandasdiversas` (aneel.md 3.3), one for each level, channel and type.

    Raises:
        NoData, AuthRefused, RateLimited, Unavailable, ServerFailed, UnexpectedStatus: see `open_envelope`.
        NotConformant: the answer cannot be read, or none of its rows can.
    """
    envelope = open_envelope(exchange)
    name = PAYLOADS["demands"]
    if not has(envelope.fields, name) and has(envelope.fields, OLD_DEMANDS):
        message = later(
            "{what}: the answer is of an older draft ({found}), whose channels and counts mean other things; expected "
            "{name}, as in ANEEL's annex V4"
        )
        raise NotConformant(tr(message, what=envelope.what, found=OLD_DEMANDS, name=name))
    counts: dict[tuple[int, int, str], DemandCount] = {}
    rows = 0
    for raw in _rows(envelope, name):
        rows += 1
        if (count := _demand_count(raw)) is not None:
            counts[count.level, count.channel, count.typology] = count
    _any_read(envelope.what, name, rows, len(counts))
    if rows > len(counts):
        log.info("%s: %d of %d rows were left out as unreadable or repeated", envelope.what, rows - len(counts), rows)
    return tuple(counts.values())


_COUNTS = (
    "qtdAndamentoNoMomento",
    "qtdRegistradaNoDia",
    "qtdImprocedenteNoDia",
    "qtdProcedenteNoDia",
    "qtdSemProcedenciaNoDia",
)


def _demand_count(raw: Mapping[str, Any]) -> DemandCount | None:
    level = whole(field(raw, "idcNivelAtendimento"))
    channel = whole(field(raw, "idcCanalAtendimento"))
    typology = _typology(field(raw, "idcTipologia"))
    counts = [number for name in _COUNTS if (number := whole(field(raw, name))) is not None]
    if level is None or channel is None or not typology or len(counts) != len(_COUNTS):
        return None
    return DemandCount(level, channel, typology, *counts)


def read_demand(exchange: Exchange) -> Demand | None:
    """The answer to `dadosdemanda` (aneel.md 3.4); None if the distributor knows no demand of that protocol.

    Raises:
        NoData, AuthRefused, RateLimited, Unavailable, ServerFailed, UnexpectedStatus: see `open_envelope`.
        NotConformant: the answer cannot be read, or it is about another demand than was asked for.
    """
    envelope = open_envelope(exchange)
    name = PAYLOADS["demand"]
    if not has(envelope.fields, name) and has(envelope.fields, "numProtocolo"):
        message = later(
            "{what}: the demand's fields stand beside the envelope's, as in an older draft whose codes mean other "
            "things; expected them in an object {name}"
        )
        raise NotConformant(tr(message, what=envelope.what, name=name))
    raw = envelope.get(name)
    if not isinstance(raw, dict):
        raise _wrong_shape(envelope.what, name, tr("an object, {} where there is no such demand"), raw)
    if not raw:
        return None
    protocol = _text(field(raw, "numProtocolo"), 30)
    if not protocol:
        message = later("{what}: {name} has no numProtocolo, so nobody knows whose demand it is")
        raise NotConformant(tr(message, what=envelope.what, name=name))
    if (asked := exchange.asked.get("numProtocolo", protocol)) != protocol:
        message = later(
            "{what}: {name} is another demand than the one of {count} characters that was asked for; it is not shown"
        )
        raise NotConformant(tr(message, what=envelope.what, name=name, count=len(asked)))
    return Demand(
        protocol=protocol,
        consumer_unit=_text(field(raw, "numUC"), 30),
        document_number=_text(field(raw, "numCPFCNPJ"), 20),
        holder_name=next((text for key in HOLDER_NAMES if (text := _text(field(raw, key), 60))), ""),
        channel=whole(field(raw, "idcCanalAtendimento")),
        typology=_typology(field(raw, "idcTipologia")),
        status=whole(field(raw, "idcStatus")),
        verdict=whole(field(raw, "idcProcedencia")),
        opened_at=_moment(field(raw, "dthAbertura")),
        closed_at=_moment(field(raw, "dthEncerramento")),
        municipality_code=whole(field(raw, "ideMunicipio")),
        level=whole(field(raw, "idcNivelTratamento")),
    )


def _rows(envelope: Envelope, name: str) -> Iterator[Mapping[str, Any]]:
    """The payload's rows; one that is no object counts as an empty one."""
    payload = envelope.get(name)
    if not isinstance(payload, list):
        raise _wrong_shape(envelope.what, name, tr("a list, [] where there is nothing to tell"), payload)
    if len(payload) > ROWS_MAX:
        message = later("{what}: {name} holds {count} rows; at most {most} are believed")
        raise NotConformant(tr(message, what=envelope.what, name=name, count=len(payload), most=ROWS_MAX))
    for raw in payload:
        yield raw if isinstance(raw, dict) else {}


def _any_read(what: str, name: str, count: int, read: int) -> None:
    """Refuse an answer that has rows of which none can be read: it does not say that nothing is out."""
    if count and not read:
        message = later("{what}: none of the {count} rows of {name} can be read; run the check on this answer")
        raise NotConformant(tr(message, what=what, name=name, count=count))


def _wrong_shape(what: str, name: str, wanted: str, value: Any) -> NotConformant:
    names = {
        list: tr("a list"),
        dict: tr("an object"),
        str: tr_as("kind of value", "text"),
        type(None): tr("nothing"),
        bool: tr("true or false"),
    }
    found = names.get(type(value)) or tr("a number")
    message = later("{what}: {name} holds {found} where the answer says success; expected {wanted}")
    return NotConformant(tr(message, what=what, name=name, found=found, wanted=wanted))


def _email(envelope: Envelope) -> str:
    return _text(envelope.get("emailIndisponibilidade"), EMAIL_CHARS_MAX)


def _text(value: Any, limit: int) -> str:
    if type(value) is int and 0 <= value < 10**15:
        return str(value)
    return clean(value, limit).strip() if isinstance(value, str) else ""


def _typology(value: Any) -> str:
    text = _text(value, 10)
    return text if text.isascii() and text.isdigit() else ""


def _moment(value: Any) -> datetime | None:
    try:
        return parse_recovery(value) if isinstance(value, str) else None
    except ValueError:
        return None
