"""A distributor's outages and consumer demands, as ANEEL asks for them (RADAR) and as a control room reads them.

Customers are consumer units (*unidades consumidoras*, UCs). None is unknown; zero is a reported zero: an answer with
status 2, or none at all, never means that nothing is out. Times are aware; slots are half hours of Brasília (UTC-3).
Source: aneel.md 2-7.

Glossary: *conjunto* ANEEL's grouping of UCs, here a set; *município* municipality by IBGE code; *programada* planned;
*demanda* a consumer's request or complaint, known by its *protocolo*; *tipologia* its class; *CHI* customer-hours
interrupted; *DISE* duration of one interruption in an emergency, for one customer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import StrEnum

BRASILIA = timezone(timedelta(hours=-3), "-03")
"""America/Sao_Paulo has had no daylight saving since 2019."""
SLOT = timedelta(minutes=30)
"""ANEEL asks every half hour (aneel.md 2.4)."""
KEPT = timedelta(days=7)
"""How far back a distributor has to answer (aneel.md 2.3)."""


class Severity(StrEnum):
    """How bad an outage is, by the share of customers that are out (aneel.md 7.2)."""

    NORMAL = "normal"
    ATTENTION = "attention"
    ALERT = "alert"
    CRITICAL = "critical"
    UNKNOWN = "unknown"
    """The number of customers served is not known."""


class Level(StrEnum):
    """How much a finding of the conformance check matters."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule that an answer, a server or a series of answers does not keep (aneel.md 9)."""

    rule: str
    """`I10`."""
    level: Level
    where: str
    """`interrupcaoFornecimento[3].ideMunicipio`, or what was probed."""
    found: str
    """What was there, safe to show, personal data masked."""
    expected: str
    message: str
    """A sentence: what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it came: what is out in one set within one municipality (aneel.md 3.2)."""

    set_code: int
    municipality_code: int
    customers_served: int | None
    """UCs of the set in the municipality; None if it was not reported or cannot be true."""
    planned_out: int
    """Customers out, not events."""
    unplanned_out: int

    @property
    def out(self) -> int:
        """Customers out, planned or not."""
        return self.planned_out + self.unplanned_out


@dataclass(frozen=True, slots=True)
class OutageRow:
    """One row with what follows from it."""

    set_code: int
    municipality_code: int
    municipality: str
    """Name; the code in words if it is none of IBGE's."""
    customers_served: int | None
    planned_out: int
    unplanned_out: int
    out: int
    percent_out: float | None
    """Not above 100; None without customers served."""
    severity: Severity
    out_since: datetime | None = None
    """Since when customers have been out here without a break, as far as was seen: a lower bound of the age."""
    change_out: int | None = None
    """Against the slot before; None without one."""
    since_at_least: bool = False
    """What was before `out_since` is not known: it may have been out for longer."""


@dataclass(frozen=True, slots=True)
class PlaceOutage:
    """A municipality, or a set, with all its rows together."""

    code: int
    name: str
    customers_served: int | None
    """From all that is known of it, not from this answer's rows alone: what is not out is not reported."""
    estimated: bool
    """`customers_served` is the most that was ever seen out, for want of better."""
    planned_out: int
    unplanned_out: int
    out: int
    percent_out: float | None
    severity: Severity
    rows: int = 0
    """Sets of the municipality with an outage; municipalities of the set."""
    out_since: datetime | None = None
    """The earliest of its rows."""
    change_out: int | None = None
    since_at_least: bool = False
    reconfigured: bool = False
    """Customers served of one of its rows have just changed by more than three times: percentages may mislead."""


@dataclass(frozen=True, slots=True)
class DurationBand:
    """Customers out by how long (aneel.md 3.5)."""

    band: str
    """`ATE_1H` ... `MAIS_48H`."""
    out: int


@dataclass(frozen=True, slots=True)
class Totals:
    """The whole distributor."""

    customers_served: int | None
    planned_out: int
    unplanned_out: int
    out: int
    percent_out: float | None
    severity: Severity
    municipalities_affected: int
    """Municipalities with anyone out."""
    sets_affected: int
    change_out: int | None = None
    restored: int | None = None
    """Customers back since the slot before, net by row; None without one."""
    newly_out: int | None = None
    chi_customer_h: float | None = None
    """Customer-hours interrupted in the last 24 h, as far as slots are known: an estimate."""
    over_24h_out: int = 0
    """Proxy for DISE: customers in rows out for more than 24 h without a break. DISE itself is not on this wire."""
    over_48h_out: int = 0
    estimated: bool = False
    """`customers_served` is not the whole: some of it is guessed, or only what was ever seen out is known."""
    chi_missing_h: float = 0.0
    """Hours of the last 24 whose outages are not known and count nothing in `chi_customer_h`."""


@dataclass(frozen=True, slots=True)
class OutagesSnapshot:
    """What is out at a moment."""

    slot: datetime | None
    """The half hour it is for."""
    email: str
    """Where ANEEL writes when the server is unavailable."""
    rows: tuple[OutageRow, ...]
    municipalities: tuple[PlaceOutage, ...]
    """Worst first, by percent."""
    sets: tuple[PlaceOutage, ...]
    totals: Totals
    bands: tuple[DurationBand, ...]
    findings: tuple[Finding, ...] = ()
    """Of the conformance check, worst first."""
    unreadable_rows: int = 0
    """Rows of the answer that could not be read: the figures are too low by them, and no change is reckoned."""


@dataclass(frozen=True, slots=True)
class BackfillSnapshot:
    """How many half hours of the last seven days are known."""

    known: int
    missing: int


@dataclass(frozen=True, slots=True)
class DemandCount:
    """Demands of one level, channel and type (aneel.md 3.3)."""

    level: int
    """1 first level, 2 ombudsman."""
    channel: int
    """1 to 12, `codes.CHANNELS`."""
    typology: str
    """One of the 117 leaves, `codes.TYPOLOGIES`."""
    ongoing: int
    """In progress now."""
    opened_today: int
    unfounded_today: int
    """Closed today as *improcedente*."""
    founded_today: int
    """Closed today as *procedente*."""
    no_verdict_today: int
    """Closed today without a verdict."""


@dataclass(frozen=True, slots=True)
class DemandsSnapshot:
    """What consumers asked and complained about today."""

    demands: tuple[DemandCount, ...]
    ongoing: int
    opened_today: int
    closed_today: int
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Demand:
    """One consumer's demand (aneel.md 3.4). Holds personal data: masked wherever it is shown, stored nowhere."""

    protocol: str
    consumer_unit: str = field(repr=False)
    document_number: str = field(repr=False)
    holder_name: str = field(repr=False)
    channel: int | None
    typology: str
    status: int | None
    """0 in progress, 1 closed, 2 other."""
    verdict: int | None
    """0 unfounded, 1 founded, 2 being treated, 3 other."""
    opened_at: datetime | None
    closed_at: datetime | None
    municipality_code: int | None
    level: int | None
    """0 first level, 1 ombudsman, 2 other."""
