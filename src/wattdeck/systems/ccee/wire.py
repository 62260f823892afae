"""CCEE's JSON into models (ccee.md 2 to 5): odd values made harmless, unknown codes kept as they are.

Any field may be null, missing, of another type or too long; none of that fails. What has no id is no item: it is
skipped and counted in a list, an error where it is the whole answer. Ids stay exactly as they came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from wattdeck.core.answers import Answer, json_body
from wattdeck.core.errors import BadAnswer
from wattdeck.core.language import tr
from wattdeck.core.text import clean
from wattdeck.systems.ccee import fast
from wattdeck.systems.ccee.errors import bad_answer, masked
from wattdeck.systems.ccee.fast import ITEMS_MAX
from wattdeck.systems.ccee.models import ChangeRequest, Contract, Measurement, Migration, Representative
from wattdeck.systems.ccee.moments import day, instant, month
from wattdeck.systems.ccee.scalars import code, identifier, number, text, whole

T = TypeVar("T")

MIGRATIONS = ("migracao", "migracoes")
CONTRACTS = ("contratos", "contrato")
MEASUREMENTS = ("medicoes", "medicao")
CHANGE_REQUESTS = ("solicitacao", "solicitacoes")
"""Names of the lists, CCEE's own first."""
CURSOR = "indexProximaPagina"

REPRESENTATIVES_MAX = 50
CURSOR_CHARS_MAX = 4000


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """One page of a list."""

    items: tuple[T, ...]
    cursor: str
    """Where the next page begins; empty if there is none."""
    skipped: int
    """Entries that could not be read: no object, or without an id."""


def listed(answer: Answer, what: str, names: tuple[str, ...], parse: Callable[[dict[str, Any]], T | None]) -> Listed[T]:
    """One page of a list (ccee.md 2).

    204, an empty body, `{}`, null and a null list are an empty page. A cursor that is missing, null, empty, 0 or false
    ends the list: none of them can say where to go on. A list without its envelope is one page.

    Args:
        names: What the list may be called.

    Raises:
        AnswerError: it is no list, or more than can be meant.
    """
    if answer.status_code == 204 or not answer.body.strip():
        return Listed((), "", 0)
    body = _json(answer, what)
    entries, cursor = _envelope(body, answer, what, names)
    if len(entries) > ITEMS_MAX:
        words = tr(
            "one page holds {count} entries; more than {most} cannot be meant", count=len(entries), most=ITEMS_MAX
        )
        raise bad_answer(answer, f"{what}: {words}")
    found = [parse(entry) if isinstance(entry, dict) else None for entry in entries]
    items = tuple(item for item in found if item is not None)
    return Listed(items, cursor, len(found) - len(items))


def migrations(answer: Answer, what: str) -> Listed[Migration]:
    """One page of migrations, from its bytes; raises as `listed`."""
    if answer.status_code != 204 and (found := fast.migrations(answer.body)) is not None:
        return Listed(found[0], _cursor(found[1], answer, what), 0)
    return listed(answer, what, MIGRATIONS, migration)


def contracts(answer: Answer, what: str) -> Listed[Contract]:
    """One page of contracts; raises as `listed`."""
    return listed(answer, what, CONTRACTS, contract)


def measurements(answer: Answer, what: str) -> Listed[Measurement]:
    """One page of measurements; raises as `listed`."""
    return listed(answer, what, MEASUREMENTS, measurement)


def change_requests(answer: Answer, what: str) -> Listed[ChangeRequest]:
    """One page of change requests; raises as `listed`."""
    return listed(answer, what, CHANGE_REQUESTS, change_request)


def one(answer: Answer, what: str, parse: Callable[[dict[str, Any]], T | None]) -> T:
    """The one object of an answer, which may come in an array: its first then (ccee.md 3.3).

    Raises:
        AnswerError: there is none, or it has no id.
    """
    if not answer.body.strip():
        words = tr("the answer is empty ({status}) where the object was due; read it back to see how it stands",
                   status=answer.status_code)  # fmt: skip
        raise bad_answer(answer, f"{what}: {words}")
    body = _json(answer, what)
    entries = body[:ITEMS_MAX] if isinstance(body, list) else [body]
    for entry in entries:
        if isinstance(entry, dict) and (item := parse(entry)) is not None:
            return item
    words = tr("the answer holds no object with an id; is the URL right?")
    raise bad_answer(answer, f"{what}: {words}")


def migration(raw: dict[str, Any]) -> Migration | None:
    """One migration, from a list or alone: two fields have other names there (ccee.md 3.3)."""
    get = raw.get
    migration_id = identifier(get("idMigracao"))
    if not migration_id:
        return None
    return Migration(
        migration_id,
        text(get("codigoUnidadeConsumidora")),
        whole(get("codigoAgenteConcessionaria")),
        whole(get("codigoAgenteVarejista")),
        whole(get("codigoPerfilVarejista")),
        month(get("mesReferencia") or get("dataReferencia")),
        code(get("statusMigracao")),
        requested_at=instant(get("dataSolicitacao")),
        document_type=code(get("tipoDocumento")),
        document_number=text(get("numeroDocumento")),
        email=text(get("emailUnidadeConsumidora")),
        submarket=code(get("submercado")),
        dhc_value=number(get("valorDHC")),
        musd_value=number(get("valorMusd")),
        penalty_payment=code(get("pagamentoMulta")),
        justification=text(get("justificativa")),
        validated_at=instant(get("dataValidacao")),
        comment=text(get("comentario")),
        utility_consumer_unit_code=text(get("codigoAgenteConcessionariaUnidadeConsumidora")),
        denunciation_date=day(get("dataDenuncia")),
        siga_indicator=code(get("indicadorProcessoSiga")),
        protocol_number=text(get("numeroProtocolo")),
        intended_utility_month=code(get("mesPretendidoConcessionaria")),
        formalization_date=day(get("dataFormalizacao")),
        modality=code(get("modalidadeMigracao")),
        tariff_subgroup=code(get("subGrupoTarifarioUnidadeConsumidora")),
        utility_formalized=code(get("formalizacaoDistribuidora")),
        supplier_agent_code=whole(get("codigoAgenteSupridora", get("codigoSupridora"))),
        connected_type=code(get("tipoConectado")),
        cer_celebration_id=text(get("idCelebracaoCER")),
    )


def contract(raw: dict[str, Any]) -> Contract | None:
    """One contract (ccee.md 4.1)."""
    get = raw.get
    contract_id = identifier(get("idContrato"))
    if not contract_id:
        return None
    people = get("representantesLegais")
    people = people[:REPRESENTATIVES_MAX] if isinstance(people, list) else []
    return Contract(
        contract_id,
        text(get("codigoUnidadeConsumidora")),
        code(get("situacaoCcv")),
        text(get("nomeUnidadeConsumidora")),
        code(get("tipoDocumento")),
        text(get("numeroDocumento")),
        text(get("codigoAutenticidade")),
        text(get("enderecoUnidadeConsumidora")),
        text(get("telefoneUnidadeConsumidora")),
        text(get("cnpjFilialUnidadeConsumidora")),
        text(get("enderecoFilialUnidadeConsumidora")),
        tuple(_representative(each) for each in people if isinstance(each, dict)),
    )


def _representative(raw: dict[str, Any]) -> Representative:
    get = raw.get
    return Representative(
        text(get("nomeContato")),
        code(get("tipoContato")),
        code(get("situacaoAssinatura")),
        instant(get("dataAtualizacao")),
        whole(get("codigoContatoVarejista")),
    )


def measurement(raw: dict[str, Any]) -> Measurement | None:
    """One measurement (ccee.md 4.2)."""
    get = raw.get
    measurement_id = identifier(get("identificadorMedicaoConsumo"))
    if not measurement_id:
        return None
    return Measurement(
        measurement_id,
        code(get("codigoUnidadeConsumidora")),
        whole(get("codigoAgenteConcessionaria")),
        instant(get("dataReferenciaConsumo")),
        number(get("consumo")),
        code(get("tipoConsumo")),
        code(get("situacaoMedicao")),
        day(get("diaReferencia")),
        instant(get("dataAtualizacao")),
    )


def change_request(raw: dict[str, Any]) -> ChangeRequest | None:
    """One change request (ccee.md 4.3)."""
    get = raw.get
    change_request_id = identifier(get("idSolicitacaoAlteracao"))
    if not change_request_id:
        return None
    return ChangeRequest(
        change_request_id,
        text(get("codigoUnidadeConsumidora")),
        whole(get("codigoAgenteConcessionaria")),
        code(get("tipoSolicitacao")),
        code(get("situacaoAlteracao")),
        requested_at=instant(get("dataSolicitacao")),
        reference_month=month(get("mesReferencia")),
        migration_id=identifier(get("idMigracaoAlterada")),
        precedence_indicator=code(get("indicadorAntecedencia")),
        new_retailer_agent_code=whole(get("codigoAgenteVarejistaNovo")),
        new_retailer_profile_code=whole(get("codigoPerfilVarejistaNovo")),
        current_retailer_agent_code=whole(get("codigoAgenteVarejistaAtual")),
        current_retailer_profile_code=whole(get("codigoPerfilVarejistaAtual")),
        justification=text(get("descricaoJustificativa")),
        delay_date=code(get("dataAtraso")),
        notification_date=day(get("dataNotificacao")),
        cer_celebration_id=text(get("idCelebracaoCER")),
    )


def _json(answer: Answer, what: str) -> Any:
    try:
        return json_body(answer, what)
    except BadAnswer as error:
        raise bad_answer(answer, tr("{reason}; is the URL the API's?", reason=masked(str(error), 400))) from None


def _envelope(body: Any, answer: Answer, what: str, names: tuple[str, ...]) -> tuple[list[Any], str]:
    """The entries and the cursor."""
    if body is None:
        return [], ""
    if isinstance(body, list):
        return body, ""
    if not isinstance(body, dict):
        words = tr("the answer is no list of “{name}”", name=names[0])
        raise bad_answer(answer, f"{what}: {words}")
    cursor = _cursor(body.get(CURSOR), answer, what)
    name = next((name for name in names if body.get(name) is not None), None)
    if name is not None:
        entries = body[name]
        if isinstance(entries, dict):
            entries = [entries]
        if not isinstance(entries, list):
            words = tr("“{name}” is no list", name=name)
            raise bad_answer(answer, f"{what}: {words}")
        return entries, cursor
    strange = [key for key in body if key not in (*names, CURSOR)]
    if strange and not any(name in body for name in names):
        found = clean(", ".join(strange[:5]), 100)
        words = tr("the answer holds no list “{name}”, but {found}; was the API changed?", name=names[0], found=found)
        raise bad_answer(answer, f"{what}: {words}")
    return [], cursor


def _cursor(value: object, answer: Answer, what: str) -> str:
    if value is None or value is False or value == "" or value == 0:
        return ""
    if type(value) is int or type(value) is float:
        value = text(value)
    if not isinstance(value, str) or not value or len(value) > CURSOR_CHARS_MAX or not _encodable(value):
        words = tr("{name} holds nothing that can be asked for next; the list is cut short there", name=CURSOR)
        raise bad_answer(answer, f"{what}: {words}")
    return value


def _encodable(value: str) -> bool:
    """Whether UTF-8 can hold it: half a surrogate pair it cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
