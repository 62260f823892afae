"""What the simulated CCEE keeps, as JSON objects of the wire (ccee.md 3.3, 4.1, 4.3)."""

from __future__ import annotations

from datetime import date, datetime

from wattdeck.systems.ccee.exchange import Row
from wattdeck.systems.ccee.records import ContractRecord, MigrationRecord, RequestRecord


def day(value: date | None) -> str | None:
    """A plain date."""
    return None if value is None else value.isoformat()


def month(value: str | None) -> str | None:
    """A month, as the first of it at midnight in Brasília."""
    return None if value is None else f"{value}-01T00:00:00-03:00"


def migration(record: MigrationRecord, version: str, *, detail: bool) -> Row:
    """A migration. The reference month and the supplier have other keys in a list than alone."""
    row: Row = {
        "idMigracao": record.id,
        "codigoUnidadeConsumidora": record.unit,
        "codigoAgenteConcessionariaUnidadeConsumidora": record.utility_unit,
        "codigoAgenteConcessionaria": record.utility,
        "tipoDocumento": record.document_type,
        "numeroDocumento": record.document_number,
        "codigoAgenteVarejista": record.retailer,
        "codigoPerfilVarejista": record.profile,
        "dataSolicitacao": day(record.requested_on),
        "statusMigracao": record.status,
        "submercado": record.submarket,
        "valorDHC": record.dhc,
        "valorMusd": record.musd,
        "pagamentoMulta": record.penalty,
        "justificativa": record.justification,
        "dataValidacao": day(record.validated_on),
        "emailUnidadeConsumidora": record.email,
        "comentario": record.comment,
    }
    if detail:
        row |= {"dataReferencia": month(record.month), "dataDenuncia": day(record.denounced_on)}
        row |= {"tipoConectado": record.connected, "codigoSupridora": record.supplier}
    else:
        row |= {"codigoAgenteSupridora": record.supplier, "mesReferencia": month(record.month)}
        row |= {"dataDenuncia": day(record.denounced_on), "idCelebracaoCER": record.cer}
    if version == "v1.1":
        row["indicadorProcessoSiga"] = record.siga
    if version == "v2":
        row |= {
            "numeroProtocolo": record.protocol,
            "mesPretendidoConcessionaria": record.intended_month,
            "dataFormalizacao": day(record.formalized_on),
            "modalidadeMigracao": record.modality,
            "subGrupoTarifarioUnidadeConsumidora": record.subgroup,
            "formalizacaoDistribuidora": record.formalized,
        }
    return row


def contract(record: ContractRecord, now: datetime) -> Row:
    """A contract, with the signatures there are by now."""
    representatives = []
    for each in record.signatures:
        signed = each.at <= now
        changed_at = each.at if signed else record.created_at
        representatives.append(
            {
                "nomeContato": each.name,
                "tipoContato": each.kind,
                "codigoContatoVarejista": each.contact,
                "situacaoAssinatura": "ASSINADO" if signed else "PENDENTE",
                "dataAtualizacao": None if changed_at is None else changed_at.isoformat(timespec="seconds"),
                "codigoContrato": record.id,
            }
        )
    return {
        "idContrato": record.id,
        "codigoUnidadeConsumidora": record.unit,
        "nomeUnidadeConsumidora": record.name,
        "enderecoUnidadeConsumidora": record.address,
        "telefoneUnidadeConsumidora": record.phone,
        "tipoDocumento": record.document_type,
        "numeroDocumento": record.document_number,
        "codigoAutenticidade": record.authenticity,
        "cnpjFilialUnidadeConsumidora": record.branch_number,
        "enderecoFilialUnidadeConsumidora": record.branch_address,
        "situacaoCcv": record.status(now),
        "representantesLegais": representatives,
    }


def change_request(record: RequestRecord, *, created: bool = False) -> Row:
    """A change request. The reply to its creation names no month, as CCEE's does not."""
    return {
        "idSolicitacaoAlteracao": record.id,
        "codigoUnidadeConsumidora": record.unit,
        "codigoAgenteConcessionaria": record.utility,
        "tipoSolicitacao": record.kind,
        "situacaoAlteracao": record.status,
        "dataSolicitacao": day(record.requested_on),
        "mesReferencia": None if created else month(record.month),
        "idMigracaoAlterada": record.migration_id,
        "indicadorAntecedencia": None,
        "codigoAgenteVarejistaNovo": record.new_retailer,
        "codigoPerfilVarejistaNovo": record.new_profile,
        "codigoAgenteVarejistaAtual": record.retailer,
        "codigoPerfilVarejistaAtual": record.profile,
        "descricaoJustificativa": record.justification,
        "dataAtraso": None,
        "dataNotificacao": day(record.notified_on),
        "idCelebracaoCER": record.cer,
    }
