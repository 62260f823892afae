"""What the simulated CCEE keeps of a migration, a contract and a change request.

Dates are those of Brasília, months `YYYY-MM`; None is what the wire shows as null.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(slots=True)
class MigrationRecord:
    """One migration, whoever looks at it (ccee.md 3.3)."""

    id: str
    unit: str
    utility: int
    document_type: str
    document_number: str | None
    retailer: int
    profile: int
    month: str
    requested_on: date
    email: str
    version: str = "v2"
    """The rules it was created by."""
    status: str = "CRIADA"
    seeded: bool = False
    """It was there at the start."""
    utility_unit: str = ""
    submarket: str | None = None
    dhc: float | None = None
    musd: float | None = None
    penalty: str | None = None
    justification: str | None = None
    validated_on: date | None = None
    comment: str | None = None
    supplier: int | None = None
    denounced_on: date | None = None
    siga: str | None = None
    protocol: str | None = None
    intended_month: str | None = None
    formalized_on: date | None = None
    modality: str | None = None
    subgroup: str | None = None
    formalized: str | None = None
    connected: str | None = None
    cer: str | None = None

    @property
    def active(self) -> bool:
        """No other migration of its unit can be created."""
        return self.status in ("CRIADA", "CONCLUIDA")


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signs a contract, and when."""

    name: str
    kind: str
    """`UNIDADE_CONSUMIDORA` or `VAREJISTA`."""
    at: datetime
    contact: int | None = None


@dataclass(slots=True)
class ContractRecord:
    """One retail contract (ccee.md 4.1)."""

    id: str
    retailer: int
    profile: int
    utility: int
    unit: str
    month: str
    """The month it is listed under: its migration's."""
    document_type: str
    document_number: str
    name: str | None = None
    address: str | None = None
    phone: str | None = None
    branch_number: str | None = None
    branch_address: str | None = None
    authenticity: str = ""
    created_at: datetime | None = None
    signatures: tuple[Signature, ...] = ()
    cancelled: bool = False

    def status(self, now: datetime) -> str:
        """`CRIADO` until all have signed, then `CONCLUIDO`."""
        if self.cancelled:
            return "CANCELADO"
        return "CONCLUIDO" if all(each.at <= now for each in self.signatures) else "CRIADO"


@dataclass(slots=True)
class RequestRecord:
    """One change request (ccee.md 4.3)."""

    id: str
    unit: str
    utility: int
    kind: str
    requested_on: date
    migration_id: str
    retailer: int
    profile: int
    status: str = "CRIADA"
    month: str | None = None
    new_retailer: int | None = None
    new_profile: int | None = None
    justification: str | None = None
    notified_on: date | None = None
    cer: str | None = None
    parties: frozenset[int] = field(default_factory=frozenset)
    """Agents that see it."""
