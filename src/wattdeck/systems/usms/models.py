"""One USMS account as wattdeck sees it: prepaid electricity and water meters in Brunei.

Electricity is counted in kWh, water in m³ (written `m3`), money in Brunei dollars (`_bnd`). Every hour, day and month
is one of Asia/Brunei (UTC+8, no daylight saving), named by its start. None is unknown; zero is a measured zero.
Source: usms.md 2-6.

Glossary: *kampong* village, *mukim* subdistrict, *top-up* purchase of credit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum

BRUNEI = timezone(timedelta(hours=8), "+08")
"""Asia/Brunei has had one offset since 1933."""


class Kind(StrEnum):
    """What a meter counts."""

    ELECTRICITY = "electricity"
    WATER = "water"

    @property
    def unit(self) -> str:
        """`kWh` or `m3`."""
        return "kWh" if self is Kind.ELECTRICITY else "m3"


class Period(StrEnum):
    """How long one point of a series lasts."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Meter:
    """One prepaid meter, from its card on the Home page (usms.md 2.3)."""

    number: str
    """Digits: 8 for electricity, 10 for water in the samples."""
    kind: Kind
    status: str
    """The portal's word, `ACTIVE` when in use; empty if not shown."""
    remaining_unit: float | None
    """What the credit still buys at the rate of the tier the month has reached, in `unit`, as the portal shows it."""
    unit: str
    """`kWh` or `m3`."""
    credit_bnd: float | None
    """Negative = owed."""
    updated_at: datetime | None
    """When the portal last heard of the meter. Midnight where it shows a bare date."""
    updated_date_only: bool = False
    """The portal showed the day alone."""
    address: str = ""
    kampong: str = ""
    mukim: str = ""
    district: str = ""
    postcode: str = ""

    @property
    def active(self) -> bool:
        """The portal says the meter is in use."""
        return self.status == "ACTIVE"


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """Feed `meters`: the account and all its meters, in the portal's order."""

    account_name: str
    """Empty if the portal did not show it."""
    meters: tuple[Meter, ...]

    def meter(self, number: str) -> Meter | None:
        """The meter of that number, or None."""
        return next((meter for meter in self.meters if meter.number == number), None)


@dataclass(frozen=True, slots=True)
class Point:
    """Consumption of one period."""

    start: datetime
    """Start of the period, +08:00."""
    value: float | None
    """Consumption in the meter's unit; None: the portal has no value for it (yet)."""


@dataclass(frozen=True, slots=True)
class Series:
    """Consumption of one meter, period by period, ascending."""

    meter: str
    period: Period
    points: tuple[Point, ...]
    unit: str = "kWh"
    """`kWh` or `m3`."""


@dataclass(frozen=True, slots=True)
class TierCost:
    """What one tier of the tariff takes."""

    tier: int
    """From 1."""
    rate_bnd: float
    """BND per unit."""
    quantity: float
    cost_bnd: float


@dataclass(frozen=True, slots=True)
class Projection:
    """Where the month is going, by the rule of usms.md 6 (half trailing week, half month so far)."""

    total: float
    """Expected consumption of the whole month, in the meter's unit."""
    cost_bnd: float
    rate_per_day: float
    """Expected consumption of a coming day."""
    runs_out_at: datetime | None
    """When the credit is used up at this pace; None if it is not used, or not known."""


@dataclass(frozen=True, slots=True)
class MonthCost:
    """One month of one meter, so far."""

    meter: str
    start: date
    """First day of the month."""
    consumption: float | None
    """Sum of the days known, in the meter's unit; None if none is."""
    days_known: int
    """Days that the sum covers; fewer than have passed means that the sum is too low."""
    cost_bnd: float | None
    tiers: tuple[TierCost, ...]
    projection: Projection | None
    unit: str = "kWh"
    """`kWh` or `m3`."""


@dataclass(frozen=True, slots=True)
class ConsumptionSnapshot:
    """Feed `consumption`: the last hours and days of each meter, and what the month costs."""

    series: tuple[Series, ...]
    month: MonthCost | None
    """Of the first electricity meter, or of the first meter if there is none."""
    months: tuple[MonthCost, ...] = ()
    """Of every meter, `month` among them."""

    def points(self, meter: str, period: Period) -> Sequence[Point]:
        """The points of one meter's series; empty if there is none."""
        return next((one.points for one in self.series if one.meter == meter and one.period is period), ())


@dataclass(frozen=True, slots=True)
class TopUpPage:
    """What the Top Up page says of a meter (usms.md 2.6). Labels, not element ids, say what is what."""

    customer_type: str
    total_debt_bnd: float | None
    """The portal's "Total Debt Owing"."""
    debt_remaining_bnd: float | None
    """The portal's "Debt Balance Remaining"."""
    repayment_period: str = ""
    monthly_debt_bnd: float | None = None
    debt_clearance: str = ""
    """The portal's word for how debt is cleared, such as `DEBT_ADJUSTED`."""
    remaining_unit: float | None = None
    credit_bnd: float | None = None

    @property
    def has_debt(self) -> bool:
        """Anything is owed."""
        return bool((self.total_debt_bnd or 0) > 0 or (self.debt_remaining_bnd or 0) > 0)


@dataclass(frozen=True, slots=True)
class TopUp:
    """One purchase of credit, from TransactionHistory (usms.md 2.7)."""

    at: datetime | None
    transaction: str
    meter: str
    amount_bnd: float | None
    """What was paid."""
    cleared_debt_bnd: float | None
    recharge_bnd: float | None
    """What became credit."""
    units: float | None
    mode: str = ""
    site: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """Rows of a consumption report, mapped by their labels (usms.md 4)."""

    points: tuple[Point, ...]
    """Ascending. A row without a number has value None; a row that is missing is missing."""
    total: float | None = None
    """The footer's sum, if it shows one."""
    message: str = field(default="", compare=False)
    """What the page said beside it; rows win over words (usms.md 4)."""


@dataclass(frozen=True, slots=True)
class MeterBackfill:
    """How far the values of one meter have been read back."""

    meter: str
    days_read: int
    days_in_all: int | None
    """From the earliest month with values to today; None until that month is found."""
    reached: date | None
    """The earliest day read."""
    finished: bool


@dataclass(frozen=True, slots=True)
class BackfillSnapshot:
    """Feed `backfill`, where the configuration asks for one."""

    meters: tuple[MeterBackfill, ...]

    @property
    def progress(self) -> tuple[int, int] | None:
        """Days read and days in all; None when finished or not known yet."""
        if not self.meters or all(one.finished for one in self.meters):
            return None
        known = [one for one in self.meters if one.days_in_all is not None]
        return (sum(one.days_read for one in known), sum(one.days_in_all or 0 for one in known)) if known else None
