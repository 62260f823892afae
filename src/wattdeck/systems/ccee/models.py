"""One retailer's migrations at CCEE, as wattdeck sees them.

The wire's Portuguese codes (`CRIADA`, `SIM`, `A4`) stay as they are: they are the terms of the trade, and a code
nobody has seen yet must survive. Fields are English; ccee.md 3-4 has both names. Times are aware; a plain date on
the wire is midnight in Brasília (UTC-3 all year). None is unknown; an empty text is what the wire left empty.

Glossary: *varejista* retailer, *concessionária* or *distribuidora* utility, *agente* a company at CCEE, *perfil* one
of its profiles, *UC* (unidade consumidora) consumer unit, *denúncia* the notice that ends the regulated contract, *CCV*
retail contract, *MUSD* contracted network demand, *DHC* (not spelt out by any source), *solicitação* change request.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum

BRASILIA = timezone(timedelta(hours=-3), "-03")
"""America/Sao_Paulo has had no daylight saving since 2019."""
CPF, CNPJ = "CPF", "CNPJ"
DOCUMENT_TYPES = (CPF, CNPJ)
YES, NO = "SIM", "NAO"
TARIFF_SUBGROUPS = ("A2", "A3", "A3a", "A4", "AS", "B1", "B2", "B3", "B4")
"""Tariff classes a v2 migration may name (ccee.md 6.3)."""
MODALITIES = ("REGULAR", "ANTECIPADA")
"""Normal notice, or leaving earlier for a payment (ccee.md 6.4)."""
API_VERSIONS = ("v1", "v1.1", "v2")


class Status(StrEnum):
    """The migration states that are known (ccee.md 6.1). Models hold text, because others may come."""

    CREATED = "CRIADA"
    COMPLETED = "CONCLUIDA"
    REJECTED = "REPROVADA"
    CLOSED = "ENCERRADA"
    CANCELLED = "CANCELADA"
    EXPIRED = "EXPIRADA"


ACTIVE = frozenset({Status.CREATED.value, Status.COMPLETED.value})
"""A consumer unit has at most one migration in these states (ccee.md 8)."""


class RequestStatus(StrEnum):
    """The change-request states that are known (ccee.md 6.6)."""

    CREATED = "CRIADA"
    COMPLETED = "CONCLUIDA"
    REJECTED = "REPROVADA"
    CANCELLED = "CANCELADA"
    EXPIRED = "EXPIRADA"


class RequestType(StrEnum):
    """The kinds of change request (ccee.md 6.5)."""

    CAPTIVE_TERMINATION = "ALTERACAO_RETORNO_CATIVO_RESILICAO"
    CAPTIVE_RESOLUTION = "ALTERACAO_RETORNO_CATIVO_RESOLUCAO"
    CAPTIVE_DISCONNECTION = "ALTERACAO_RETORNO_CATIVO_DESLIGAMENTO"
    RETAILER_TERMINATION = "ALTERACAO_ALFA_VAREJISTA_RESILICAO"
    RETAILER_RESOLUTION = "ALTERACAO_ALFA_VAREJISTA_RESOLUCAO"
    RETAILER_DISCONNECTION = "ALTERACAO_ALFA_VAREJISTA_DESLIGAMENTO"
    SUSPENSION_TERMINATION = "SUSPENSAO_FORNECIMENTO_RESILICAO"
    SUSPENSION_RESOLUTION = "SUSPENSAO_FORNECIMENTO_RESOLUCAO"
    SUSPENSION_DISCONNECTION = "SUSPENSAO_FORNECIMENTO_DESLIGAMENTO"
    """Made by CCEE alone; asking for it is refused."""
    SUSPENSION_BY_UTILITY = "SUSPENSAO_FORNECIMENTO_RESOLUCAO_UC_CONCESSIONARIA"


@dataclass(frozen=True, slots=True)
class Migration:
    """One consumer unit's way from the regulated to the free market (ccee.md 3.3)."""

    migration_id: str
    consumer_unit_code: str
    """15 digits; older ones are shorter or hold letters."""
    utility_agent_code: int | None
    retailer_agent_code: int | None
    retailer_profile_code: int | None
    reference_month: str
    """First month in the free market, `YYYY-MM`; empty if the wire's value could not be read."""
    status: str
    """A code of `Status`, or one nobody has seen yet."""
    requested_at: datetime | None = None
    document_type: str = ""
    """`CPF` (person) or `CNPJ` (company)."""
    document_number: str = ""
    """Never present for a CPF (privacy)."""
    deadline: date | None = None
    """Last day for the utility's answer, reckoned by us (`rules`); None unless the status is CRIADA."""
    email: str = ""
    submarket: str = ""
    """`S`, `SE`, `NE`, `N`, or other text."""
    dhc_value: float | None = None
    """`valorDHC`; no source says what it counts."""
    musd_value: float | None = None
    """Contracted network demand. The wire names no unit; kW is assumed (ccee.md 3.3)."""
    penalty_payment: str = ""
    justification: str = ""
    """Chiefly why the utility refused."""
    validated_at: datetime | None = None
    """When the utility answered."""
    comment: str = ""
    utility_consumer_unit_code: str = ""
    """The utility's own code of the unit."""
    denunciation_date: date | None = None
    """v1 and v1.1: the consumer's notice."""
    siga_indicator: str = ""
    protocol_number: str = ""
    """v2: the utility's protocol."""
    intended_utility_month: str = ""
    """v2, the wire's text."""
    formalization_date: date | None = None
    modality: str = ""
    tariff_subgroup: str = ""
    utility_formalized: str = ""
    """v2: `SIM` or `NAO`."""
    supplier_agent_code: int | None = None
    connected_type: str = ""
    cer_celebration_id: str = ""

    @property
    def active(self) -> bool:
        """It keeps another migration of its unit from being created."""
        return self.status in ACTIVE

    @property
    def editable(self) -> bool:
        """It waits for the utility, so that it may be changed and cancelled (ccee.md 8)."""
        return self.status == Status.CREATED


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many migrations have one status in one month."""

    status: str
    reference_month: str
    count: int


@dataclass(frozen=True, slots=True)
class MigrationsSnapshot:
    """The migrations of one source in its window of months."""

    first_month: str
    """`YYYY-MM`, inclusive."""
    last_month: str
    """`YYYY-MM`, inclusive."""
    migrations: tuple[Migration, ...]
    """No id twice, in the order they arrived."""
    counts: tuple[StatusCount, ...]
    complete: bool = True
    """All pages have arrived, and nothing was left out because it was too much."""
    unreadable: int = 0
    """Entries of the list that could not be read, and are missing here."""

    def migration(self, migration_id: str) -> Migration | None:
        """The migration of that id, or None."""
        return next((each for each in self.migrations if each.migration_id == migration_id), None)


def counted(migrations: Iterable[Migration]) -> tuple[StatusCount, ...]:
    """Migrations by status and month, both in their order."""
    counts = Counter((each.status, each.reference_month) for each in migrations)
    order = {status.value: place for place, status in enumerate(Status)}
    keys = sorted(counts, key=lambda key: (order.get(key[0], len(order)), key[0], key[1]))
    return tuple(StatusCount(status, month, counts[status, month]) for status, month in keys)


@dataclass(frozen=True, slots=True)
class MigrationDraft:
    """A migration to be created (ccee.md 3.4 for v2, 3.5 for v1 and v1.1)."""

    consumer_unit_code: str
    utility_agent_code: int
    document_type: str
    retailer_agent_code: int
    reference_month: str
    """`YYYY-MM`."""
    retailer_profile_code: int
    email: str
    document_number: str = ""
    """14 characters for a CNPJ; empty for a CPF, whose number is never sent."""
    tariff_subgroup: str = ""
    utility_formalized: str = ""
    formalization_date: date | None = None
    modality: str = ""
    comment: str = ""
    denunciation_date: date | None = None
    """v1 and v1.1 alone."""


@dataclass(frozen=True, slots=True)
class MigrationEdit:
    """The five fields of a migration that can be replaced (ccee.md 3.6)."""

    reference_month: str
    retailer_profile_code: int
    document_type: str
    document_number: str
    """Empty for a CPF."""
    email: str

    @classmethod
    def of(cls, migration: Migration) -> MigrationEdit:
        """What stands there now."""
        return cls(
            migration.reference_month,
            migration.retailer_profile_code or 0,
            migration.document_type,
            migration.document_number,
            migration.email,
        )


@dataclass(frozen=True, slots=True)
class Representative:
    """Who signs a contract (ccee.md 4.1)."""

    name: str
    contact_type: str = ""
    """`UNIDADE_CONSUMIDORA` or `VAREJISTA`."""
    signature_status: str = ""
    updated_at: datetime | None = None
    contact_code: int | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """One retail contract (CCV) of a consumer unit (ccee.md 4.1)."""

    contract_id: str
    consumer_unit_code: str = ""
    status: str = ""
    """`situacaoCcv`: `CONCLUIDO` is the only known value."""
    consumer_unit_name: str = ""
    document_type: str = ""
    document_number: str = ""
    authenticity_code: str = ""
    address: str = ""
    phone: str = ""
    branch_document_number: str = ""
    branch_address: str = ""
    representatives: tuple[Representative, ...] = ()


@dataclass(frozen=True, slots=True)
class RepresentativeDraft:
    """A signatory of a contract to be created."""

    name: str
    email: str
    document_number: str
    contact_type: str = "UNIDADE_CONSUMIDORA"
    document_type: str = CPF


@dataclass(frozen=True, slots=True)
class ContractDraft:
    """A retail contract to be created. Unlike a migration's, a CPF number is sent (ccee.md 4.1)."""

    utility_agent_code: int
    consumer_unit_code: str
    document_type: str
    document_number: str
    representatives: tuple[RepresentativeDraft, ...] = ()
    address: str = ""
    consumer_unit_name: str = ""
    phone: str = ""
    branch_document_number: str = ""
    """CNPJ alone."""
    branch_address: str = ""
    """CNPJ alone."""


@dataclass(frozen=True, slots=True)
class ContractFile:
    """A contract's PDF."""

    name: str
    """Safe as a file name: no path, nothing hidden."""
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Measurement:
    """Energy of one interval of a consumer unit (ccee.md 4.2)."""

    measurement_id: str
    consumer_unit_code: str
    utility_agent_code: int | None
    at: datetime | None
    """The wire's stamp; in the one source known, the end of a 5-minute interval."""
    consumption_kwh: float | None
    kind: str = ""
    """`MEDIDO`, `ESTIMADO` or `AJUSTADO`."""
    status: str = ""
    """`CONSISTIDA` or `REJEITADA`."""
    reference_day: date | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """A change asked for after a migration was completed (ccee.md 4.3)."""

    change_request_id: str
    consumer_unit_code: str
    utility_agent_code: int | None
    request_type: str
    """A code of `RequestType`, or one nobody has seen yet."""
    status: str
    requested_at: datetime | None = None
    reference_month: str = ""
    migration_id: str = ""
    precedence_indicator: str = ""
    new_retailer_agent_code: int | None = None
    new_retailer_profile_code: int | None = None
    current_retailer_agent_code: int | None = None
    current_retailer_profile_code: int | None = None
    justification: str = ""
    delay_date: str = ""
    notification_date: date | None = None
    cer_celebration_id: str = ""


@dataclass(frozen=True, slots=True)
class ChangeRequestDraft:
    """A change request to be made; which fields are needed depends on the kind (ccee.md 4.3)."""

    request_type: str
    consumer_unit_code: str
    utility_agent_code: int | None = None
    reference_month: str = ""
    notification_date: date | None = None
    cer_celebration: str = ""
    """`SIM` or `NAO`, for a return to the regulated market."""
    new_retailer_agent_code: int | None = None
    new_retailer_profile_code: int | None = None


def duplicates(migrations: Sequence[Migration]) -> frozenset[str]:
    """Consumer units that have more than one active migration, which CCEE does not allow."""
    units = [each.consumer_unit_code for each in migrations if each.status in ACTIVE and each.consumer_unit_code]
    if len(set(units)) == len(units):  # nearly always, and found sooner than by counting
        return frozenset()
    return frozenset(unit for unit, count in Counter(units).items() if count > 1)
