"""Credit on a simulated meter: top-ups minus the cost of what was used, month by month, worked out when asked for.

Nobody lets the credit run out: on a day that would end below a threshold, somebody goes and tops up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import lru_cache

from wattdeck.systems.usms.household import Home, draws
from wattdeck.systems.usms.models import BRUNEI, Kind
from wattdeck.systems.usms.tariff import tariff_for

THOUSANDTH, CENT, ZERO = Decimal("0.001"), Decimal("0.01"), Decimal(0)
_OUTLETS = (
    ("CASH", "DES GADONG", "COUNTER"),
    ("CARD", "PROGRESIF MALL KIULAP", "KIOSK"),
    ("DEBIT", "BIBD MOBILE", "ONLINE"),
    ("DEBIT", "BAIDURI B.DIGITAL", "ONLINE"),
)


@dataclass(frozen=True, slots=True)
class Habit:
    """How credit on one kind of meter is kept."""

    threshold_bnd: Decimal
    """More than the dearest day costs."""
    amounts_bnd: tuple[int, ...]
    opening_debt_bnd: Decimal
    """Owed when the meter came; a quarter of each top-up goes towards it."""


HABITS = {
    Kind.ELECTRICITY: Habit(Decimal(9), (20, 30, 50, 50), ZERO),
    Kind.WATER: Habit(Decimal(2), (5, 10, 10, 20), Decimal(24)),
}


@dataclass(frozen=True, slots=True)
class Purchase:
    """One top-up."""

    at: datetime
    transaction: str
    amount_bnd: Decimal
    cleared_bnd: Decimal
    """What went towards the debt."""
    units: Decimal
    """What the rest bought at the rate of the tier the month had reached."""
    mode: str
    site: str
    source: str

    @property
    def recharge_bnd(self) -> Decimal:
        """What became credit."""
        return self.amount_bnd - self.cleared_bnd


@dataclass(frozen=True, slots=True)
class Account:
    """A meter's money at a moment."""

    credit_bnd: Decimal
    """To the last digit; the portal shows whole cents, cut off."""
    remaining_units: Decimal
    used_this_month: Decimal
    known_until: datetime
    """Use is counted until then, top-ups until the moment itself."""
    debt_bnd: Decimal
    opening_debt_bnd: Decimal


@dataclass(frozen=True, slots=True)
class _Month:
    """Where a month starts from, and what is bought in it."""

    opening_bnd: Decimal
    opening_debt_bnd: Decimal
    closing_bnd: Decimal
    closing_debt_bnd: Decimal
    purchases: tuple[Purchase, ...]


class Ledger:
    """The money of one meter."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._habit = HABITS[home.kind]
        self._months: dict[date, _Month] = {}
        self._newest = home.commissioned.replace(day=1)

    def at(self, now: datetime) -> Account:
        """What the portal knows at a moment, not before the meter was commissioned."""
        home, known = self._home, self._home.known_until(now)
        first = known.date().replace(day=1)
        month, tariff = self._month(first), tariff_for(self._home.kind, first)
        used = _units(home.used(first, known))
        bought = self.purchases(first, now.astimezone(BRUNEI).date(), now)
        credit_bnd = month.opening_bnd + sum((one.recharge_bnd for one in bought), ZERO)
        credit_bnd -= tariff.cost_between(ZERO, used)
        cleared_bnd = sum((one.cleared_bnd for one in bought), ZERO)
        return Account(
            credit_bnd,
            (credit_bnd / tariff.rate_at(used)).quantize(THOUSANDTH, ROUND_DOWN),
            used,
            known,
            month.opening_debt_bnd - cleared_bnd,
            self._habit.opening_debt_bnd,
        )

    def purchases(self, first: date, last: date, now: datetime) -> list[Purchase]:
        """Top-ups from `first` to `last`, none later than `now`, the newest first."""
        last = min(last, now.astimezone(BRUNEI).date())
        first = max(first, self._home.commissioned)
        found: list[Purchase] = []
        month = first.replace(day=1)
        while month <= last:
            found += [one for one in self._month(month).purchases if first <= one.at.date() <= last and one.at <= now]
            month = next_month(month)
        return found[::-1]

    def _month(self, first: date) -> _Month:
        while first not in self._months:
            before = self._months.get(self._newest)
            if before is not None:
                self._newest = next_month(self._newest)
            opening = (ZERO, self._habit.opening_debt_bnd)
            if before is not None:
                opening = (before.closing_bnd, before.closing_debt_bnd)
            self._months[self._newest] = _lived_through(self._home, self._newest, *opening)
        return self._months[first]


@lru_cache(256)
def _lived_through(home: Home, first: date, opening_bnd: Decimal, opening_debt_bnd: Decimal) -> _Month:
    """Go through a month day by day and top up when the credit runs low.

    Every portal of the same seed has the same months: two years of them are lived through once.
    """
    tariff, habit = tariff_for(home.kind, first), HABITS[home.kind]
    purchases: list[Purchase] = []
    credit_bnd, debt_bnd, used, cost_bnd = opening_bnd, opening_debt_bnd, ZERO, ZERO
    day, end = max(first, home.commissioned), next_month(first)
    while day < end:
        until = used + _units(home.day(day))
        cost_until_bnd = tariff.cost_between(ZERO, until)
        credit_bnd -= cost_until_bnd - cost_bnd
        while credit_bnd < habit.threshold_bnd:
            bought = _buy(home, day, len(purchases), debt_bnd, tariff.rate_at(used))
            purchases.append(bought)
            credit_bnd += bought.recharge_bnd
            debt_bnd -= bought.cleared_bnd
        used, cost_bnd, day = until, cost_until_bnd, day + timedelta(days=1)
    return _Month(opening_bnd, opening_debt_bnd, credit_bnd, debt_bnd, tuple(purchases))


def _buy(home: Home, day: date, index: int, debt_bnd: Decimal, rate_bnd: Decimal) -> Purchase:
    habit = HABITS[home.kind]
    bits = draws(home.salt, "top-up", day, index)
    amount_bnd = Decimal(habit.amounts_bnd[bits[0] % len(habit.amounts_bnd)])
    cleared_bnd = min(debt_bnd, (amount_bnd / 4).quantize(CENT))
    at = datetime.combine(day, time(), BRUNEI)
    if day != home.commissioned:
        at += timedelta(hours=8 + bits[1] % 5, minutes=10 * index + bits[2] % 10, seconds=bits[3] % 60)
    else:
        at += timedelta(minutes=index)
    mode, site, source = _OUTLETS[bits[4] % len(_OUTLETS)]
    units = ((amount_bnd - cleared_bnd) / rate_bnd).quantize(THOUSANDTH, ROUND_DOWN)
    transaction = f"{day:%y%m%d}{int.from_bytes(bits[5:8], 'big') % 1_000_000:06d}"
    return Purchase(at, transaction, amount_bnd, cleared_bnd, units, mode, site, source)


def next_month(first: date) -> date:
    """The first day of the month after."""
    return (first.replace(day=1) + timedelta(days=32)).replace(day=1)


def _units(thousandths: int) -> Decimal:
    return Decimal(thousandths).scaleb(-3)
