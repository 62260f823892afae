"""What consumption costs, and what money buys, by the tariff of the day (usms.md 6).

The rates are data, in `tariffs.toml`. All arithmetic is in Decimal, so a cent is a cent; what is shown is rounded
half to even. That is what the portal's public client does with floats, and the table of the sheet asks for it: $6.01
buys 600.125 kWh, shown as 600.12. Where a half cent has no exact float, such as 0.045, that client may differ by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any

from wattdeck.core.language import tr, tr_as
from wattdeck.core.text import clean
from wattdeck.systems.usms.models import BRUNEI, Kind, TierCost
from wattdeck.systems.usms.walk import kind_words

Number = Decimal | int | float | str
"""Read by what it says in decimal: the float 0.1 is a tenth."""

LIMIT = Decimal(1_000_000_000)
"""Units or BND above this are a mistake, and no month of one meter."""

_ZERO = Decimal(0)
_CENT = Decimal("0.01")
_THOUSANDTH = Decimal("0.001")
_FINEST = Decimal("1e-12")
"""Inputs are rounded to this, so that no sum or product of them is ever inexact."""


@dataclass(frozen=True, slots=True)
class Tier:
    """Units above `lower`, up to and including `upper`, at one rate. Parts of a unit are priced pro rata."""

    lower: Decimal
    """Units of the month before this tier: 600 for the one published as "601-2000"."""
    upper: Decimal | None
    """None: the last tier has no end."""
    rate_bnd: Decimal
    """BND per unit."""

    def part(self, quantity: Decimal) -> Decimal:
        """How much of a month's `quantity` falls into this tier."""
        top = quantity if self.upper is None else min(quantity, self.upper)
        return max(_ZERO, top - self.lower)


@dataclass(frozen=True, slots=True)
class Tariff:
    """A progressive price per calendar month, without fixed or minimum charge.

    Every method takes quantities in `kind.unit` (kWh or m3) and money in BND, and raises ValueError, with a sentence,
    for what is not a number, below zero, or above `LIMIT`.
    """

    name: str
    kind: Kind
    valid_from: date
    """First day of these rates."""
    tiers: tuple[Tier, ...]

    def cost(self, quantity: Number, after: Number = 0) -> Decimal:
        """Price in BND, to the cent, of `quantity` units when `after` have been used this month."""
        start = _number(after, tr("consumption so far"))
        return _rounded(self._exact(start + _number(quantity, tr("consumption"))) - self._exact(start), _CENT)

    def cost_between(self, a: Number, b: Number) -> Decimal:
        """Price in BND of going from `a` to `b` units in a month; not rounded, so that slices add up."""
        return self._exact(_number(b, tr("consumption"))) - self._exact(_number(a, tr("consumption")))

    def units(self, cost_bnd: Number, after: Number = 0) -> Decimal:
        """What `cost_bnd` buys when `after` units have been used this month, across tiers, to two places."""
        left_bnd, at = _number(cost_bnd, tr("cost")), _number(after, tr("consumption so far"))
        bought = _ZERO
        for tier in self.tiers:
            if tier.upper is not None:
                room = max(_ZERO, tier.upper - at)
                if left_bnd > room * tier.rate_bnd:
                    bought, left_bnd, at = bought + room, left_bnd - room * tier.rate_bnd, at + room
                    continue
            bought += left_bnd / tier.rate_bnd
            break
        return _rounded(bought, _CENT)

    def breakdown(self, quantity: Number, after: Number = 0) -> tuple[TierCost, ...]:
        """What each tier takes of `quantity` units when `after` have been used this month.

        Tiers that take nothing are left out; nothing at all is nothing in the tier reached. Costs are in whole cents
        and add up to `cost(quantity, after)`: the cent that rounding moves stays where the running sum crosses it.
        """
        start = _number(after, tr("consumption so far"))
        end = start + _number(quantity, tr("consumption"))
        costs: list[TierCost] = []
        before_bnd = running_bnd = _ZERO
        for index, tier in enumerate(self.tiers, 1):
            part = tier.part(end) - tier.part(start)
            reached = start == end and not costs and (tier.upper is None or start <= tier.upper)
            if not part and not reached:
                continue
            running_bnd += part * tier.rate_bnd
            until_bnd = _rounded(running_bnd, _CENT)
            costs.append(TierCost(index, float(tier.rate_bnd), float(part), float(until_bnd - before_bnd)))
            before_bnd = until_bnd
        return tuple(costs)

    def rate_at(self, quantity: Number) -> Decimal:
        """BND per unit in the tier that a month of `quantity` has reached; at a tier's very end still that tier's."""
        reached = _number(quantity, tr("consumption"))
        return next(tier.rate_bnd for tier in self.tiers if tier.upper is None or reached <= tier.upper)

    def portal_units(self, credit_bnd: Number, month_to_date: Number) -> Decimal:
        """The portal's "Remaining Unit" for a credit: all at the rate the month has reached, to three places.

        More than `units` buys once the credit reaches into a dearer tier. A credit below zero gives units below zero.
        """
        credit_bnd = _number(credit_bnd, tr("credit"), least=-LIMIT)
        return _rounded(credit_bnd / self.rate_at(month_to_date), _THOUSANDTH)

    def _exact(self, quantity: Decimal) -> Decimal:
        cost_bnd = _ZERO
        for tier in self.tiers:
            if quantity <= tier.lower:
                break
            cost_bnd += tier.part(quantity) * tier.rate_bnd
        return cost_bnd


@dataclass(frozen=True, slots=True)
class Entry:
    """One dated tariff of the book, for one household or one kVA."""

    customer: str
    """`residential` or `commercial`."""
    per: str
    """What the bounds are multiplied by: `household`, `kVA`, or nothing."""
    tariff: Tariff

    def times(self, count: Decimal) -> Tariff:
        """The tariff for `count` households or kVA."""
        if not self.per:
            return self.tariff
        tiers = tuple(
            Tier(tier.lower * count, None if tier.upper is None else tier.upper * count, tier.rate_bnd)
            for tier in self.tariff.tiers
        )
        what = "households" if self.per == "household" else self.per
        return replace(self.tariff, name=f"{self.tariff.name}, {count:f} {what}", tiers=tiers)


@dataclass(frozen=True, slots=True)
class TariffBook:
    """Tariffs of all kinds, customers and times."""

    entries: tuple[Entry, ...]

    @classmethod
    def read(cls, text: str) -> TariffBook:
        """The tariffs of a TOML text laid out like `tariffs.toml`.

        Raises:
            ValueError: it cannot be read, or an entry makes no sense; the message names the entry.
        """
        import tomllib

        tables = tomllib.loads(text, parse_float=Decimal).get("tariff", [])
        return cls(tuple(_entry(index, table) for index, table in enumerate(tables, 1)))

    def find(self, kind: Kind, customer: str, on: date | None = None) -> Entry:
        """The entry in force on a day, today in Brunei if None.

        Raises:
            ValueError: none is known for that day.
        """
        day = brunei_day(on)
        known = [entry for entry in self.entries if entry.customer == customer and entry.tariff.kind is Kind(kind)]
        in_force = [entry for entry in known if entry.tariff.valid_from <= day]
        if not in_force:
            values = {"tariff": _tariff_words(kind, customer), "day": day}
            if not known:
                raise ValueError(tr("no {tariff} tariff is known: nothing can be priced on {day}", **values))
            first = min(entry.tariff.valid_from for entry in known)
            words = tr("no {tariff} tariff is known before {first}: nothing can be priced on {day}", first=first,
                       **values)  # fmt: skip
            raise ValueError(words)
        return max(in_force, key=lambda entry: entry.tariff.valid_from)


def tariff_for(kind: Kind, on: date | None = None, households: int = 1) -> Tariff:
    """The residential tariff in force on a day, today in Brunei if None.

    `households` is the number of units that share one water meter in a multi-unit building.

    Raises:
        ValueError: no rate is known for that day, or `households` is no count or means nothing to this kind of meter.
    """
    entry = shipped().find(kind, "residential", on)
    count = _number(households, tr("number of households"))
    if count == 1:
        return entry.tariff
    if not count or count != int(count):
        shown = _shown(households)
        raise ValueError(tr("number of households {value} is no count: give a whole number from 1 up", value=shown))
    if entry.per != "household":
        words = tr("the {tariff} tariff is the same for any number of households: leave the number out",
                   tariff=kind_words(kind))  # fmt: skip
        raise ValueError(words)
    return entry.times(count)


def commercial(kva: Number, on: date | None = None) -> Tariff:
    """Electricity Tariff B for a subscribed demand in kVA; not for heavy industry.

    Raises:
        ValueError: no rate is known for that day, or `kva` is not a number above zero.
    """
    demand_kva = _number(kva, tr("subscribed kVA"))
    if not demand_kva:
        raise ValueError(tr("subscribed kVA is zero: give the demand in the contract, above zero"))
    return shipped().find(Kind.ELECTRICITY, "commercial", on).times(demand_kva)


@cache
def shipped() -> TariffBook:
    """The tariffs that come with wattdeck, read once."""
    return TariffBook.read(Path(__file__).with_name("tariffs.toml").read_text(encoding="utf-8"))


def brunei_day(on: date | None = None) -> date:
    """The Brunei day of a day or an aware time; today if None."""
    if on is None:
        return datetime.now(BRUNEI).date()
    if isinstance(on, datetime):
        if on.tzinfo is None:
            raise ValueError(f"{on.isoformat()} has no time zone: give an aware time, such as UTC")
        return on.astimezone(BRUNEI).date()
    return on


def _tariff_words(kind: Kind, customer: str) -> str:
    """Whose tariff for what."""
    if kind is Kind.WATER:
        return tr_as("tariff", "residential water")
    if customer == "commercial":
        return tr_as("tariff", "commercial electricity")
    return tr_as("tariff", "residential electricity")


def _entry(index: int, table: Mapping[str, Any]) -> Entry:
    """One `[[tariff]]` table, checked."""
    name, kind, customer = table.get("name", f"number {index}"), table.get("kind"), table.get("customer")
    where = f"tariff {_shown(name)}"
    valid_from, per = table.get("valid_from"), table.get("per", "")
    if kind not in tuple(Kind) or customer not in ("residential", "commercial"):
        raise ValueError(f"{where}: expected kind electricity or water, and customer residential or commercial")
    if not isinstance(valid_from, date) or isinstance(valid_from, datetime):
        raise ValueError(f"{where}: expected valid_from to be a day such as 2012-01-01")
    if per not in ("", "household", "kVA"):
        raise ValueError(f"{where}: expected per to be household or kVA, or to be left out")
    return Entry(customer, per, Tariff(str(name), Kind(kind), valid_from, _tiers(table.get("tiers"), where)))


def _tiers(rows: Sequence[Mapping[str, Any]] | None, where: str) -> tuple[Tier, ...]:
    """The tiers of one table: bounds rise, the last has none, no rate is zero."""
    if not rows:
        raise ValueError(f"{where}: expected tiers, at least one")
    tiers, lower = [], _ZERO
    for number, row in enumerate(rows, 1):
        last = number == len(rows)
        rate_bnd = _number(row.get("rate_bnd", ""), f"{where}, tier {number}: rate_bnd")
        upper = _number(row["up_to"], f"{where}, tier {number}: up_to") if "up_to" in row else None
        if (upper is None) != last or (upper is not None and upper <= lower):
            raise ValueError(f"{where}, tier {number}: expected up_to above the one before in all tiers but the last")
        if not rate_bnd:
            raise ValueError(f"{where}, tier {number}: expected a rate_bnd above zero")
        tiers.append(Tier(lower, upper, rate_bnd))
        lower = lower if upper is None else upper
    return tuple(tiers)


def _number(value: Number, what: str, least: Decimal = _ZERO) -> Decimal:
    """A finite number from `least` to `LIMIT`."""
    try:
        number = Decimal(str(value).strip() if isinstance(value, float | str) else value)
    except (InvalidOperation, TypeError):
        words = tr("{what} {value} is not a number: write digits and at most one point, as 1387.5", what=what,
                   value=_shown(value))  # fmt: skip
        raise ValueError(words) from None
    if not (number.is_finite() and least <= number <= LIMIT):
        shown = {"what": what, "value": _shown(value), "least": f"{least:f}", "most": f"{LIMIT:f}"}
        if not number.is_finite():
            raise ValueError(tr("{what} {value} is not a finite number: give one from {least} to {most}", **shown))
        if number < least:
            raise ValueError(tr("{what} {value} is too low: give a number from {least} to {most}", **shown))
        raise ValueError(tr("{what} {value} is too high: give a number from {least} to {most}", **shown))
    if not number:
        return _ZERO
    rounded = _rounded(number, _FINEST)
    return number if number == rounded else rounded


def _rounded(value: Decimal, step: Decimal) -> Decimal:
    return value.quantize(step, rounding=ROUND_HALF_EVEN)


def _shown(value: object) -> str:
    """Somebody's input, harmless and short enough for a message."""
    try:
        return repr(clean(str(value), 40))
    except ValueError:
        return tr("with thousands of digits")
