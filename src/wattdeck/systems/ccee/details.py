"""Everything known of one migration and its unit, for the pane beside the table: names left, values right.

Each field has our English name and, in the muted line below or at the right where there is room, the wire's own.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from wattdeck.core.dates import date_text, moment_text
from wattdeck.core.language import later, tr
from wattdeck.core.lines import MUTED, TEXT, Line, Span, cell_width, cut, fit, wrap
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, UNKNOWN, Glyphs, number
from wattdeck.systems.ccee.documents import format_document, mask_document, mask_email
from wattdeck.systems.ccee.filters import month_words
from wattdeck.systems.ccee.models import BRASILIA, ChangeRequest, Contract, Migration, RequestType
from wattdeck.systems.ccee.present import (
    deadline_span,
    status_span,
    unit_words,
)

if TYPE_CHECKING:
    from wattdeck.systems.ccee.rules import Alert, Calendar
    from wattdeck.systems.ccee.traces import Change

LABEL_CELLS = 17
LEAST_CELLS = 24
WIDE_CELLS = 52
"""From this width on the wire's names stand at the right."""
MOST_VALUE_LINES = 12
"""A long text is cut after so many lines; the shell shows all of it."""
MOST_LISTED = 50
"""Contracts, requests and changes shown of each."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One field of a migration as people and as the wire call it."""

    key: str
    label: str
    wire: str
    """Empty if the wire does not know it."""


FACTS = (
    Fact("status", later("Status"), "statusMigracao"),
    Fact("reference_month", later("Month"), "mesReferencia"),
    Fact("deadline", later("Answer due"), ""),
    Fact("utility_agent_code", later("Utility"), "codigoAgenteConcessionaria"),
    Fact("retailer_profile_code", later("Profile"), "codigoPerfilVarejista"),
    Fact("retailer_agent_code", later("Retailer"), "codigoAgenteVarejista"),
    Fact("requested_at", later("Requested"), "dataSolicitacao"),
    Fact("validated_at", later("Answered"), "dataValidacao"),
    Fact("justification", later("Justification"), "justificativa"),
    Fact("comment", later("Comment"), "comentario"),
    Fact("document_type", later("Document kind"), "tipoDocumento"),
    Fact("document_number", later("Document"), "numeroDocumento"),
    Fact("email", later("E-mail"), "emailUnidadeConsumidora"),
    Fact("submarket", later("Submarket"), "submercado"),
    Fact("musd_value", later("MUSD"), "valorMusd"),
    Fact("dhc_value", later("DHC"), "valorDHC"),
    Fact("penalty_payment", later("Penalty paid"), "pagamentoMulta"),
    Fact("tariff_subgroup", later("Tariff subgroup"), "subGrupoTarifarioUnidadeConsumidora"),
    Fact("utility_formalized", later("Formalised"), "formalizacaoDistribuidora"),
    Fact("formalization_date", later("Formalised on"), "dataFormalizacao"),
    Fact("modality", later("Modality"), "modalidadeMigracao"),
    Fact("protocol_number", later("Protocol"), "numeroProtocolo"),
    Fact("intended_utility_month", later("Utility's month"), "mesPretendidoConcessionaria"),
    Fact("denunciation_date", later("Notice given"), "dataDenuncia"),
    Fact("utility_consumer_unit_code", later("Utility's code"), "codigoAgenteConcessionariaUnidadeConsumidora"),
    Fact("supplier_agent_code", later("Supplier"), "codigoAgenteSupridora"),
    Fact("connected_type", later("Connection"), "tipoConectado"),
    Fact("siga_indicator", later("SIGA process"), "indicadorProcessoSiga"),
    Fact("cer_celebration_id", later("CER"), "idCelebracaoCER"),
    Fact("migration_id", later("Id"), "idMigracao"),
)  # fmt: skip
"""What matters first. The unit's code stands above them all."""
MOMENT_FIELDS = frozenset({"requested_at", "validated_at", "formalization_date", "denunciation_date", "deadline"})
MONTH_FIELDS = frozenset({"reference_month", "intended_utility_month"})
UNITS = {"musd_value": " kW"}
LABELS = {fact.key: fact.label for fact in FACTS} | {"consumer_unit_code": later("Consumer unit")}
"""Model field -> what people call it."""


def details(
    migration: Migration,
    today: date,
    calendar: Calendar | None,
    width: int,
    *,
    alerts: Sequence[Alert] = (),
    masked: bool = True,
    wire_names: bool = True,
    marks: Glyphs = UNICODE,
) -> list[Line]:
    """Alerts, then every field of a migration; a value that is not known is a dash."""
    width = max(LEAST_CELLS, width)
    lines: list[Line] = [((cut(unit_words(migration), width), "heading"),)]
    if wire_names:
        lines.append((("codigoUnidadeConsumidora", MUTED),))
    for alert in alerts:
        lines += [*wrap(f"! {clean(alert.sentence, 300)}", width, f"severity-{alert.severity}")]
    for fact in FACTS:
        value, meaning = value_words(fact.key, getattr(migration, fact.key), masked=masked) or UNKNOWN, TEXT
        if fact.key == "status":
            value, meaning = status_span(migration.status, marks)
        elif fact.key == "deadline" and migration.deadline is not None:
            words, meaning = deadline_span(migration.deadline, today, calendar)
            value = f"{value}, {words}" if calendar is not None else words
        lines += _fact_lines(tr(fact.label), value, meaning, fact.wire if wire_names else "", width)
    if masked and (migration.document_number or migration.email):
        lines += wrap(tr("Numbers and addresses are masked; m shows them."), width, MUTED)
    return lines


def history_lines(changes: Sequence[Change], width: int, marks: Glyphs = UNICODE, *, nothing: str = "") -> list[Line]:
    """What has happened to a migration since it was first seen, the newest first. The chronicle has masked it.

    `nothing` says why there is nothing, where that is known.
    """
    width = max(LEAST_CELLS, width)
    if not changes:
        return wrap(nothing or tr("Nothing is known of the past."), width, MUTED)
    lines: list[Line] = []
    for change in list(reversed(changes))[:MOST_LISTED]:
        field = clean(change.field, 40)
        old, new = (_past(field, text) for text in (change.old, change.new))
        if change.kind == "changed":
            what, words = tr(LABELS[field]) if field in LABELS else field, f"{old} {marks.arrow} {new}"
        elif change.kind == "seen":
            what, words = tr("first seen"), new
        else:
            what, words = tr("no longer listed"), tr("was {state}", state=old)
        lines.append(((stamp(change.at), "label"), (cut(f"  {what}", max(8, width - 16)), TEXT)))
        lines += _bounded(_indented(words, width))
    if len(changes) > MOST_LISTED:
        lines.append(((tr("and {count} older changes", count=number(len(changes) - MOST_LISTED)), MUTED),))
    return lines


def contract_lines(contracts: Sequence[Contract] | None, width: int, *, masked: bool = True) -> list[Line]:
    """The retail contracts of a unit, each with who has signed; None: not read yet."""
    if contracts is None:
        return [((tr("Not read yet."), MUTED),)]
    if not contracts:
        return [((tr("No contract of this unit."), MUTED),)]
    lines: list[Line] = []
    width = max(LEAST_CELLS, width)
    for contract in contracts[:MOST_LISTED]:
        name = clean(contract.consumer_unit_name, 80) or clean(contract.contract_id, 40)
        lines.append(((fit(clean(contract.status, 20) or UNKNOWN, 12), "label"), (cut(name, width - 12), TEXT)))
        number_words = _document(contract.document_number, masked)
        for label, value in (
            (tr("Document"), f"{clean(contract.document_type, 10)} {number_words}".strip()),
            (tr("Branch"), _document(contract.branch_document_number, masked)),
            (tr("Address"), "" if masked else clean(contract.address, 120)),
            (tr("Telephone"), "" if masked else clean(contract.phone, 30)),
            (tr("Authenticity"), clean(contract.authenticity_code, 60)),
            (tr("Id"), clean(contract.contract_id, 60)),
        ):
            if value:
                lines += _fact_lines(f"  {label}", value, TEXT, "", width)
        for each in contract.representatives[:MOST_LISTED]:
            kinds = {"UNIDADE_CONSUMIDORA": tr("consumer"), "VAREJISTA": tr("retailer")}
            who = kinds.get(each.contact_type, each.contact_type)
            signed = clean(each.signature_status, 20) or UNKNOWN
            when = f", {stamp(each.updated_at)}" if each.updated_at is not None else ""
            words = f"{clean(each.name, 60) or UNKNOWN} ({clean(who, 24) or UNKNOWN}): {signed}{when}"
            lines += [(("  ", TEXT), *line) for line in wrap(words, width - 2)]
    if len(contracts) > MOST_LISTED:
        lines.append(((tr("and {count} more contracts", count=number(len(contracts) - MOST_LISTED)), MUTED),))
    return lines


REQUEST_WORDS = {
    RequestType.CAPTIVE_TERMINATION: later("return to the regulated market, by notice"),
    RequestType.CAPTIVE_RESOLUTION: later("return to the regulated market, for default"),
    RequestType.CAPTIVE_DISCONNECTION: later("return to the regulated market, the retailer leaves CCEE"),
    RequestType.RETAILER_TERMINATION: later("another retailer, by notice"),
    RequestType.RETAILER_RESOLUTION: later("another retailer, for default"),
    RequestType.RETAILER_DISCONNECTION: later("another retailer, the old one leaves CCEE"),
    RequestType.SUSPENSION_TERMINATION: later("supply is suspended, by notice"),
    RequestType.SUSPENSION_RESOLUTION: later("supply is suspended, for default"),
    RequestType.SUSPENSION_DISCONNECTION: later("supply is suspended, the retailer leaves CCEE"),
    RequestType.SUSPENSION_BY_UTILITY: later("supply is suspended, asked for by the utility"),
}
"""What each kind of change request asks for (ccee.md 6.5)."""


def request_lines(requests: Sequence[ChangeRequest] | None, width: int, marks: Glyphs = UNICODE) -> list[Line]:
    """The change requests of a unit; None: not read yet."""
    if requests is None:
        return [((tr("Not read yet."), MUTED),)]
    if not requests:
        return [((tr("No change request in the last year."), MUTED),)]
    lines: list[Line] = []
    width = max(LEAST_CELLS, width)
    for each in requests[:MOST_LISTED]:
        glyph, meaning = status_span(each.status, marks)
        lines.append(((fit(glyph, 14), meaning), (moment_words(each.requested_at) or UNKNOWN, "label")))
        words = {kind.value: said for kind, said in REQUEST_WORDS.items()}.get(each.request_type)
        lines += _indented(tr(words) if words else clean(each.request_type, 80) or UNKNOWN, width)
        lines += _indented(clean(each.request_type, 80), width, MUTED) if words else []
        lines += [
            line for label, value in _request_facts(each) for line in _fact_lines(f"  {label}", value, TEXT, "", width)
        ]
    if len(requests) > MOST_LISTED:
        lines.append(((tr("and {count} more requests", count=number(len(requests) - MOST_LISTED)), MUTED),))
    return lines


def _request_facts(each: ChangeRequest) -> list[tuple[str, str]]:
    """What is known of a request beside its kind."""
    new = _agent(each.new_retailer_agent_code, each.new_retailer_profile_code)
    found = [
        (tr("Month"), month_words(clean(each.reference_month, 20))),
        (tr("Notified"), moment_words(each.notification_date)),
        (tr("New retailer"), new),
        (tr("Now with"), _agent(each.current_retailer_agent_code, each.current_retailer_profile_code)),
        (tr("Precedence"), clean(each.precedence_indicator, 40)),
        (tr("Delay"), clean(each.delay_date, 40)),
        (tr("Justification"), clean(each.justification, 300)),
        ("CER", clean(each.cer_celebration_id, 60)),
        (tr("Id"), clean(each.change_request_id, 60)),
    ]
    return [(label, value) for label, value in found if value]


def _agent(agent: int | None, profile: int | None) -> str:
    if agent is None:
        return "" if profile is None else tr("profile {code}", code=profile)
    return str(agent) if profile is None else tr("{agent}, profile {profile}", agent=agent, profile=profile)


def moment_words(value: datetime | date | None) -> str:
    """A day, with the time of day if it says one; of its own offset, as the wire wrote it."""
    if value is None:
        return ""
    if isinstance(value, datetime) and (value.hour or value.minute or value.second):
        return moment_text(value)
    return date_text(value)


def stamp(moment: datetime) -> str:
    """A moment by Brasília's clock, to the minute."""
    local = moment if moment.tzinfo is None else moment.astimezone(BRASILIA)
    return moment_text(local)


def _document(text: str, masked: bool) -> str:
    text = clean(text, 40)
    return (mask_document(text) if masked else format_document(text)) if text else ""


def value_words(field: str, value: object, *, masked: bool) -> str:
    """One field's value in words, masked where the field is; empty if it is not known."""
    if value is None or value == "":
        return ""
    if isinstance(value, float):
        return number(value, 2) + UNITS.get(field, "")
    if isinstance(value, (date, datetime)):
        return moment_words(value)
    text = clean(str(value), 600)
    match field:
        case "email":
            return mask_email(text) if masked else text
        case "document_number":
            return _document(text, masked)
        case _:
            return month_words(text) if field in MONTH_FIELDS else text


def _past(field: str, text: str) -> str:
    text = clean(text, 300)
    if field in MOMENT_FIELDS:
        with contextlib.suppress(ValueError):
            text = moment_words(datetime.fromisoformat(text))
    return (month_words(text) if field in MONTH_FIELDS else text) or UNKNOWN


def _fact_lines(label: str, value: str, meaning: str, wire: str, width: int) -> list[Line]:
    """Name and value side by side; the wire's name at the end of the line, or below where there is no room."""
    cells = min(LABEL_CELLS, width // 2)
    first, *rest = _bounded(wrap(value, width - cells, meaning))
    head: Span = (fit(label, cells), "label")
    if not wire:
        return [(head, *first), *(((" " * cells, TEXT), *more) for more in rest)]
    used = cells + sum(cell_width(text) for text, _ in first)
    if width >= WIDE_CELLS and not rest and used + 2 + len(wire) <= width:
        return [(head, *first, (" " * (width - used - len(wire)), TEXT), (wire, MUTED))]
    below: Line = ((f" {cut(wire, width - 1)}", MUTED),)
    return [(head, *first), *(((" " * cells, TEXT), *more) for more in rest), below]


def _bounded(lines: list[Line]) -> list[Line]:
    """At most `MOST_VALUE_LINES`, with a sign if more was there."""
    return lines if len(lines) <= MOST_VALUE_LINES else [*lines[: MOST_VALUE_LINES - 1], (("…", MUTED),)]


def _indented(text: str, width: int, meaning: str = TEXT) -> list[Line]:
    return [(("  ", TEXT), *line) for line in wrap(text, width - 2, meaning)] if text else []
