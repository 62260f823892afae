"""What a client may write: bodies of creates, updates and change requests, checked field by field (ccee.md 3.4-4.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from wattdeck.systems.ccee.exchange import Call, wrong
from wattdeck.systems.ccee.listing import YEARS, day_of
from wattdeck.systems.ccee.models import DOCUMENT_TYPES, MODALITIES, TARIFF_SUBGROUPS
from wattdeck.systems.ccee.months import parse_month
from wattdeck.systems.ccee.numbering import is_cnpj, is_cpf, is_unit_code
from wattdeck.systems.ccee.registry import UTILITIES, profiles_of

MOST_CHARS = 500
YES_NO = ("SIM", "NAO")
UNIT, UTILITY, DOCUMENT = "codigoUnidadeConsumidora", "codigoAgenteConcessionaria", "numeroDocumento"
_FORMALIZED_ON, _MODALITY = "dataFormalizacao", "modalidadeMigracao"


class Fields:
    """The fields of a JSON body. Every reading of one raises Refusal with its name when it is not as it must be.

    Raises:
        Refusal: the body is no JSON object.
    """

    def __init__(self, body: Any) -> None:
        if not isinstance(body, dict):
            raise wrong("corpo", "objeto JSON esperado")
        self._body: Mapping[str, Any] = body

    def given(self, name: str) -> bool:
        """Whether there is anything in a field."""
        return self._body.get(name) not in (None, "")

    def text(self, name: str, *, optional: bool = False, most: int = MOST_CHARS) -> str:
        """A text; empty if it may be absent and is."""
        value = self._body.get(name)
        if value is None or (value == "" and not optional):
            if optional:
                return ""
            raise wrong(name, "campo obrigatorio")
        if not isinstance(value, str) or not value.isprintable():
            raise wrong(name, "texto esperado")
        if len(value) > most:
            raise wrong(name, f"maximo de {most} caracteres")
        return value

    def code(self, name: str) -> int:
        """A code, as a number or in digits."""
        value = self._body.get(name)
        if value in (None, ""):
            raise wrong(name, "campo obrigatorio")
        if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,9}", str(value)):
            raise wrong(name, "codigo invalido")
        return int(value)

    def word(self, name: str, words: tuple[str, ...]) -> str:
        """One of several codes."""
        value = self.text(name)
        if value not in words:
            raise wrong(name, f"valor invalido, esperado um de {', '.join(words)}")
        return value

    def month(self, name: str) -> str:
        """A month, its digits filled up."""
        try:
            month = parse_month(self.text(name))
        except ValueError:
            raise wrong(name, "formato invalido") from None
        if not YEARS[0] < int(month[:4]) < YEARS[1]:
            raise wrong(name, "ano invalido")
        return month

    def day(self, name: str) -> date:
        """A date."""
        return day_of(name, self.text(name))

    def objects(self, name: str) -> list[Fields]:
        """An array of objects; none if it is absent."""
        value = self._body.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > 20:
            raise wrong(name, "lista de ate 20 objetos esperada")
        return [Fields(each) for each in value]

    def document(self, *, of_contract: bool = False) -> tuple[str, str | None]:
        """Type and number. A migration takes no CPF number (privacy), a contract needs it."""
        kind = self.word("tipoDocumento", DOCUMENT_TYPES)
        if kind == "CPF" and not of_contract:
            if self.given(DOCUMENT):
                raise wrong(DOCUMENT, "nao deve ser informado para CPF")
            return kind, None
        number = self.text(DOCUMENT)
        if not (is_cpf(number) if kind == "CPF" else is_cnpj(number)):
            raise wrong(DOCUMENT, f"{kind} invalido")
        return kind, number

    def utility(self) -> int:
        """The code of a utility there is."""
        code = self.code(UTILITY)
        if code not in UTILITIES:
            raise wrong(UTILITY, "concessionaria nao encontrada")
        return code

    def own(self, agent_field: str, profile_field: str, call: Call) -> int:
        """The caller's profile; its agent code must be there too."""
        if self.code(agent_field) != call.agent:
            raise wrong(agent_field, "difere do agente autenticado")
        return self.own_profile(profile_field, call)

    def own_profile(self, name: str, call: Call) -> int:
        """A profile of the caller."""
        profile = self.code(name)
        if profile not in profiles_of(call.agent):
            raise wrong(name, "perfil nao pertence ao agente")
        return profile


@dataclass(frozen=True, slots=True)
class Wanted:
    """A migration to be created."""

    unit: str
    utility: int
    document_type: str
    document_number: str | None
    month: str
    profile: int
    email: str
    comment: str | None
    denounced_on: date | None = None
    subgroup: str | None = None
    formalized: str | None = None
    formalized_on: date | None = None
    modality: str | None = None


def wanted(call: Call) -> Wanted:
    """The body of a create.

    Raises:
        Refusal: a field is not as it must be; the message begins with its name.
    """
    body = Fields(call.body)
    unit = body.text(UNIT, most=30)
    if call.version != "v1" and not is_unit_code(unit):
        raise wrong(UNIT, "15 digitos com digitos verificadores esperados")
    utility = body.utility()
    kind, number = body.document()
    profile = body.own("codigoAgenteVarejista", "codigoPerfilVarejista", call)
    month = body.month("mesReferencia")
    denounced_on = None if call.version == "v2" else body.day("dataDenuncia")
    email = _email(body)
    comment = body.text("comentario", optional=True) or None
    if call.version != "v2":
        return Wanted(unit, utility, kind, number, month, profile, email, comment, denounced_on)
    subgroup = body.word("subGrupoTarifarioUnidadeConsumidora", TARIFF_SUBGROUPS)
    formalized = body.word("formalizacaoDistribuidora", YES_NO)
    needs, forbids = (_FORMALIZED_ON, _MODALITY) if formalized == "SIM" else (_MODALITY, _FORMALIZED_ON)
    if body.given(forbids):
        raise wrong(forbids, f"nao deve ser informado com formalizacaoDistribuidora {formalized}")
    formalized_on = body.day(needs) if needs == _FORMALIZED_ON else None
    modality = body.word(needs, MODALITIES) if needs == _MODALITY else None
    return Wanted(
        unit, utility, kind, number, month, profile, email, comment, None, subgroup, formalized, formalized_on, modality
    )


@dataclass(frozen=True, slots=True)
class Edit:
    """The five fields of a migration that can be replaced."""

    month: str
    profile: int
    document_type: str
    document_number: str | None
    email: str


def edit(call: Call) -> Edit:
    """The body of an update.

    Raises:
        Refusal: a field is not as it must be; the message begins with its name.
    """
    body = Fields(call.body)
    month, profile = body.month("mesReferencia"), body.own_profile("codigoPerfilVarejista", call)
    return Edit(month, profile, *body.document(), _email(body))


def _email(body: Fields) -> str:
    name = "emailUnidadeConsumidora"
    text = body.text(name, most=254)
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", text):
        raise wrong(name, "e-mail invalido")
    return text
