"""What is sent: bodies with CCEE's names, in the order of the sheet (ccee.md 3 and 4).

What is not known is left out, never null. Bodies are made of drafts as `drafts.normal` writes them.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from wattdeck.core.errors import UsageError
from wattdeck.core.language import tr
from wattdeck.core.text import clean
from wattdeck.systems.ccee.models import (
    CPF,
    ChangeRequestDraft,
    ContractDraft,
    MigrationDraft,
    MigrationEdit,
    RequestStatus,
    RequestType,
)

Body = dict[str, Any]

CHANGE_REQUESTS = "/v1/solicitacoes"
ANSWERS = (RequestStatus.COMPLETED.value, RequestStatus.REJECTED.value)
"""What a change request may be answered with."""


def migration_body(draft: MigrationDraft, api_version: str) -> Body:
    """A migration to create: v2's fields, or those of v1 and v1.1 (ccee.md 3.4, 3.5)."""
    newest = api_version == "v2"
    return _given(
        codigoUnidadeConsumidora=draft.consumer_unit_code,
        codigoAgenteConcessionaria=draft.utility_agent_code,
        tipoDocumento=draft.document_type,
        numeroDocumento="" if draft.document_type == CPF else draft.document_number,
        codigoAgenteVarejista=draft.retailer_agent_code,
        mesReferencia=draft.reference_month,
        dataDenuncia=None if newest else draft.denunciation_date,
        codigoPerfilVarejista=draft.retailer_profile_code,
        emailUnidadeConsumidora=draft.email,
        subGrupoTarifarioUnidadeConsumidora=draft.tariff_subgroup if newest else "",
        formalizacaoDistribuidora=draft.utility_formalized if newest else "",
        dataFormalizacao=draft.formalization_date if newest else None,
        modalidadeMigracao=draft.modality if newest else "",
        comentario=draft.comment,
    )


def edit_body(edit: MigrationEdit) -> Body:
    """The five fields of a migration that are replaced (ccee.md 3.6)."""
    return _given(
        mesReferencia=edit.reference_month,
        codigoPerfilVarejista=edit.retailer_profile_code,
        tipoDocumento=edit.document_type,
        numeroDocumento="" if edit.document_type == CPF else edit.document_number,
        emailUnidadeConsumidora=edit.email,
    )


def contract_body(draft: ContractDraft) -> Body:
    """A contract to create (ccee.md 4.1)."""
    people = [
        _given(
            nomeContato=each.name,
            nomeEmail=each.email,
            numeroDocumento=each.document_number,
            tipoContato=each.contact_type,
            tipoDocumento=each.document_type,
        )
        for each in draft.representatives
    ]
    return _given(
        codigoAgenteConcessionaria=draft.utility_agent_code,
        codigoUnidadeConsumidora=draft.consumer_unit_code,
        enderecoUnidadeConsumidora=draft.address,
        nomeUnidadeConsumidora=draft.consumer_unit_name,
        representantesLegais=people or None,
        tipoDocumento=draft.document_type,
        numeroDocumento=draft.document_number,
        telefoneUnidadeConsumidora=draft.phone,
        cnpjFilialUnidadeConsumidora=draft.branch_document_number,
        enderecoFilialUnidadeConsumidora=draft.branch_address,
    )


def change_request(draft: ChangeRequestDraft, agent_code: int) -> tuple[str, Body]:
    """Where a change request goes, and its body (ccee.md 4.3).

    Raises:
        UsageError: nobody but CCEE makes one of that kind.
    """
    unit, kind = draft.consumer_unit_code, draft.request_type
    match kind.split("_"):
        case ["ALTERACAO", "RETORNO", "CATIVO", _]:
            return f"{CHANGE_REQUESTS}/retorno-cativo", _given(
                codigoUnidadeConsumidora=unit,
                mesReferencia=draft.reference_month,
                idCelebracaoCER=draft.cer_celebration,
                tipoSolicitacao=kind,
            )
        case ["ALTERACAO", "ALFA", "VAREJISTA", _]:
            return f"{CHANGE_REQUESTS}/representante", _given(
                codigoUnidadeConsumidora=unit,
                codigoAgenteConcessionaria=draft.utility_agent_code,
                codigoAgenteVarejistaNovo=draft.new_retailer_agent_code,
                codigoPerfilVarejistaNovo=draft.new_retailer_profile_code,
                mesReferencia=draft.reference_month,
                tipoSolicitacao=kind,
            )
        case ["SUSPENSAO", "FORNECIMENTO", "RESILICAO" | "RESOLUCAO"]:
            return f"{CHANGE_REQUESTS}/suspensao-fornecimento-varejista", _given(
                codigoUnidadeConsumidora=unit,
                codigoAgenteConcessionaria=draft.utility_agent_code,
                tipoSolicitacao=kind,
                dataNotificacao=draft.notification_date,
            )
        case _ if kind == RequestType.SUSPENSION_BY_UTILITY:
            return f"{CHANGE_REQUESTS}/suspensao-fornecimento-concessionaria", _given(
                codigoUnidadeConsumidora=unit,
                tipoSolicitacao=kind,
                dataNotificacao=draft.notification_date,
                codigoAgenteConcessionaria=agent_code if draft.utility_agent_code is None else draft.utility_agent_code,
            )
    words = tr("a change request of the kind “{kind}” cannot be made; nothing was sent", kind=clean(kind, 80))
    raise UsageError(words)


def answer_body(status: str, request_type: str, justification: str) -> Body:
    """A counterparty's yes or no to a change request.

    Raises:
        UsageError: it is neither.
    """
    if status not in ANSWERS:
        words = tr("a change request is answered with {known}, not “{given}”", known=tr(" or ").join(ANSWERS),
                   given=clean(status, 40))  # fmt: skip
        raise UsageError(words)
    return _given(situacaoAlteracao=status, tipoSolicitacao=request_type, descricaoJustificativa=justification)


def _given(**fields: Any) -> Body:
    """The fields that hold something; days and instants as ISO text."""
    return {
        name: value.isoformat() if isinstance(value, date) else value
        for name, value in fields.items()
        if value is not None and value != ""
    }
