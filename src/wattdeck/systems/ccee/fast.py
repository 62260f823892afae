"""Ordinary pages of migrations from bytes to models in one pass of pydantic's compiled parser: twice as fast.

What is in the least odd (a code as text, a control character, a field missing that is always there) is declined with
None and left to the tolerant functions of `wire`, which alone say what things mean; tests hold the two together.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from wattdeck.systems.ccee.models import Migration
from wattdeck.systems.ccee.moments import CHARS_MAX, day, instant, month
from wattdeck.systems.ccee.scalars import CODE_CHARS_MAX, ID_CHARS_MAX, TEXT_CHARS_MAX, WHOLE_MAX

if TYPE_CHECKING:
    from pydantic_core import SchemaValidator
    from pydantic_core.core_schema import CoreSchema, DataclassField

ITEMS_MAX = 50_000
"""Per page."""


class _Parser(NamedTuple):
    page: SchemaValidator
    declined: type[Exception]


def migrations(body: bytes) -> tuple[tuple[Migration, ...], Any] | None:
    """The migrations of an ordinary page and its cursor as sent; None if it is not one."""
    # Without escapes and line ends a whole page can be seen to hold nothing that must be cleaned.
    if b"\\" in body or b"\x7f" in body or not (body.isascii() or _printable(body)):
        return None
    parser = _parser()
    try:
        raw: dict[str, Any] = parser.page.validate_json(body)
    except parser.declined:
        return None
    return tuple(raw["migracao"]), raw.get("indexProximaPagina")


def _printable(body: bytes) -> bool:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return False
    # Where all that is not ASCII are letters from À to ÿ, two bytes with the same first one, counting is quicker than
    # looking at each character.
    only_letters = len(body) - len(text) == body.count(b"\xc3")
    return only_letters or text.isprintable()


@lru_cache(maxsize=4096)
def _code(value: str | None) -> str:
    """One object for all items that share the text."""
    return value or ""


@lru_cache(maxsize=1)
def _parser() -> _Parser:
    from pydantic_core import SchemaValidator, ValidationError
    from pydantic_core import core_schema as s

    after = s.no_info_after_validator_function
    plain = s.str_schema(strict=True, max_length=TEXT_CHARS_MAX)
    nothing = after({None: ""}.__getitem__, s.none_schema())
    text = s.with_default_schema(s.union_schema([plain, nothing], mode="left_to_right"), default="")
    short = s.nullable_schema(s.str_schema(strict=True, max_length=CODE_CHARS_MAX))
    code = s.with_default_schema(after(_code, short), default="")
    whole = s.with_default_schema(
        s.nullable_schema(s.int_schema(strict=True, ge=-WHOLE_MAX, le=WHOLE_MAX)), default=None
    )
    finite = s.float_schema(strict=True, allow_inf_nan=False, ge=-WHOLE_MAX, le=WHOLE_MAX)
    number = s.with_default_schema(s.nullable_schema(finite), default=None)
    stamp = s.nullable_schema(s.str_schema(strict=True, max_length=CHARS_MAX))
    at = s.with_default_schema(after(lru_cache(maxsize=4096)(instant), stamp), default=None)
    on = s.with_default_schema(after(lru_cache(maxsize=4096)(day), stamp), default=None)
    in_month = after(lru_cache(maxsize=1024)(month), s.str_schema(strict=True, min_length=1, max_length=CHARS_MAX))
    migration = _dataclass(
        migration_id=("idMigracao", s.str_schema(strict=True, max_length=ID_CHARS_MAX, pattern="[!-~]")),
        consumer_unit_code=("codigoUnidadeConsumidora", text),
        utility_agent_code=("codigoAgenteConcessionaria", whole),
        retailer_agent_code=("codigoAgenteVarejista", whole),
        retailer_profile_code=("codigoPerfilVarejista", whole),
        reference_month=("mesReferencia", in_month),
        status=("statusMigracao", code),
        requested_at=("dataSolicitacao", at),
        document_type=("tipoDocumento", code),
        document_number=("numeroDocumento", text),
        deadline=("\0", s.with_default_schema(s.none_schema(), default=None)),
        email=("emailUnidadeConsumidora", text),
        submarket=("submercado", code),
        dhc_value=("valorDHC", number),
        musd_value=("valorMusd", number),
        penalty_payment=("pagamentoMulta", code),
        justification=("justificativa", text),
        validated_at=("dataValidacao", at),
        comment=("comentario", text),
        utility_consumer_unit_code=("codigoAgenteConcessionariaUnidadeConsumidora", text),
        denunciation_date=("dataDenuncia", on),
        siga_indicator=("indicadorProcessoSiga", code),
        protocol_number=("numeroProtocolo", text),
        intended_utility_month=("mesPretendidoConcessionaria", code),
        formalization_date=("dataFormalizacao", on),
        modality=("modalidadeMigracao", code),
        tariff_subgroup=("subGrupoTarifarioUnidadeConsumidora", code),
        utility_formalized=("formalizacaoDistribuidora", code),
        supplier_agent_code=([["codigoAgenteSupridora"], ["codigoSupridora"]], whole),
        connected_type=("tipoConectado", code),
        cer_celebration_id=("idCelebracaoCER", text),
    )
    page = {
        "migracao": s.typed_dict_field(s.list_schema(migration, max_length=ITEMS_MAX)),
        "indexProximaPagina": s.typed_dict_field(s.any_schema(), required=False),
    }
    # Most values come once: keeping them to be found again would cost more than it spares.
    config = s.CoreConfig(cache_strings="keys")
    return _Parser(SchemaValidator(s.typed_dict_schema(page), config), ValidationError)


def _dataclass(**fields: tuple[str | list[list[str | int]], CoreSchema]) -> CoreSchema:
    """A migration made from an object: attribute = (name on the wire, or names of which the first there counts)."""
    from pydantic_core import core_schema as s

    arguments: list[DataclassField] = [
        s.dataclass_field(name, schema, validation_alias=alias, kw_only=False)
        for name, (alias, schema) in fields.items()
    ]
    return s.dataclass_schema(Migration, s.dataclass_args_schema("Migration", arguments), [*fields], slots=True)
