"""From the rows of one answer to what a control room reads: percentages, severities, changes, ages (aneel.md 7.2).

Only good answers come here: in one with status 1 a missing key means that nothing is out there any more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import fsum

from wattdeck.systems.aneel.models import (
    SLOT,
    DurationBand,
    Finding,
    OutageRow,
    OutagesSnapshot,
    PlaceOutage,
    Row,
    Severity,
    Totals,
)
from wattdeck.systems.aneel.universe import Pair, Universe

SEVERITIES = ((10.0, Severity.CRITICAL), (5.0, Severity.ALERT), (1.0, Severity.ATTENTION))
"""From so many percent on (aneel.md C28: half-open)."""
LEAST_PERCENT = SEVERITIES[-1][0]
BANDS_H = (
    ("ATE_1H", 1.0),
    ("DE_1_A_3H", 3.0),
    ("DE_3_A_6H", 6.0),
    ("DE_6_A_12H", 12.0),
    ("DE_12_A_24H", 24.0),
    ("DE_24_A_48H", 48.0),
    ("MAIS_48H", float("inf")),
)
"""Code of a duration band and the hours it ends before (aneel.md 3.5)."""
_BAND_ENDS_H = [end_h for _, end_h in BANDS_H]
CHI_SPAN = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Chi:
    """Customer-hours interrupted over a span of time, as far as it is known."""

    customer_h: float | None
    """None if nothing of the span is known."""
    known_h: float
    missing_h: float
    """Hours that are not known and count nothing."""


@dataclass(slots=True)
class _Sums:
    """What the rows of one place add up to."""

    planned: int = 0
    unplanned: int = 0
    change: int = 0
    rows: int = 0
    """With anyone out."""
    since: datetime | None = None
    at_least: bool = False
    reconfigured: bool = False

    def take(self, row: OutageRow) -> None:
        self.planned += row.planned_out
        self.unplanned += row.unplanned_out
        if not row.out:
            return
        self.rows += 1
        if row.out_since is not None and (self.since is None or row.out_since < self.since):
            self.since, self.at_least = row.out_since, row.since_at_least


@dataclass(slots=True)
class _Places:
    """What all rows add up to."""

    municipalities: defaultdict[int, _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    sets: defaultdict[int, _Sums] = field(default_factory=lambda: defaultdict(_Sums))
    back: int = 0
    """Customers out before and not now."""
    new: int = 0
    """Customers out now and not before."""


def severity_of(percent: float | None) -> Severity:
    """How bad a share of customers out is."""
    if percent is None:
        return Severity.UNKNOWN
    # Asked for thousands of rows, of which most are here.
    if percent < LEAST_PERCENT:
        return Severity.NORMAL
    return next(severity for least, severity in SEVERITIES if percent >= least)


def percent_of(out: int, customers: int | None) -> float | None:
    """Customers out in percent, at most 100; None without customers."""
    if not customers:
        return None
    return 100.0 * out / customers if out < customers else 100.0


def chi(outs: Mapping[datetime, int], end: datetime) -> Chi:
    """Customer-hours in the 24 h before `end`: what a slot reported holds until the next half hour.

    Args:
        outs: slot -> customers out, for the slots that are known.
    """
    start = end - CHI_SPAN
    parts, known = [], []
    for slot, out in outs.items():
        hours = (min(slot + SLOT, end) - max(slot, start)) / timedelta(hours=1)
        if hours > 0:
            parts.append(out * hours)
            known.append(hours)
    known_h = fsum(known)
    return Chi(fsum(parts) if known else None, known_h, max(0.0, CHI_SPAN / timedelta(hours=1) - known_h))


def snapshot(
    rows: Sequence[Row],
    *,
    slot: datetime | None,
    email: str,
    universe: Universe,
    names: Callable[[int], str],
    before: Sequence[Row] | None,
    since: Mapping[Pair, datetime],
    chi_customer_h: float | None,
    findings: Sequence[Finding] = (),
    at_least: Collection[Pair] = (),
    chi_missing_h: float = 0.0,
) -> OutagesSnapshot:
    """What is out, from the rows of a good answer.

    Args:
        universe: has learned from these rows already.
        names: IBGE code -> name of the municipality, or words for a code that is none.
        before: The rows of the slot before; None if they are not known.
        since: Since when each set in each municipality has been out (`Slots.since`).
        at_least: Those of them that may have been out for longer (`Slots.at_least`).
    """
    outs_before = None if before is None else _outs(before)
    codes = {row.municipality_code for row in (*rows, *(before or ()))}
    name = {code: names(code) for code in codes}
    made = _rows(rows, universe, name, outs_before, since, at_least)
    sums = _summed(made, _changes(rows, outs_before), universe.reconfigured(slot) if slot is not None else ())
    known_before = outs_before is not None
    places = [_place(code, name[code], each, universe.customers_of(code), known_before)
              for code, each in sums.municipalities.items()]  # fmt: skip
    groups = [_place(code, str(code), each, universe.customers_of_set(code), known_before)
              for code, each in sums.sets.items()]  # fmt: skip
    ages = _ages(made, slot)
    planned, unplanned = sum(row.planned_out for row in rows), sum(row.unplanned_out for row in rows)
    customers, vague = universe.total, universe.total_estimated
    percent = percent_of(planned + unplanned, customers)
    totals = Totals(
        customers,
        planned,
        unplanned,
        planned + unplanned,
        percent,
        Severity.UNKNOWN if vague else severity_of(percent),
        sum(place.out > 0 for place in places),
        sum(place.out > 0 for place in groups),
        sums.new - sums.back if known_before else None,
        sums.back if known_before else None,
        sums.new if known_before else None,
        chi_customer_h,
        sum(out for hours, out in ages if hours > 24),
        sum(out for hours, out in ages if hours > 48),
        vague,
        chi_missing_h,
    )
    return OutagesSnapshot(
        slot, email, made, worst_first(places), worst_first(groups), totals, bands(ages), tuple(findings)
    )


def _summed(made: Iterable[OutageRow], changes: Mapping[Pair, int], reconfigured: Iterable[Pair]) -> _Places:
    """Rows, changes and reconfigurations added up by municipality and by set."""
    sums = _Places()
    municipalities, sets = sums.municipalities, sums.sets
    for row in made:
        municipalities[row.municipality_code].take(row)
        sets[row.set_code].take(row)
    for pair, change in changes.items():
        if change < 0:
            sums.back -= change
        else:
            sums.new += change
        sets[pair[0]].change += change
        municipalities[pair[1]].change += change
    for pair in reconfigured:
        if pair[1] in municipalities:
            municipalities[pair[1]].reconfigured = True
        if pair[0] in sets:
            sets[pair[0]].reconfigured = True
    return sums


def worst_first(places: Iterable[PlaceOutage]) -> tuple[PlaceOutage, ...]:
    """By percent; those of which it is not really known after the others, by customers out."""
    return tuple(sorted(places, key=_badness))


def _badness(place: PlaceOutage) -> tuple[bool, bool, float, int, str, int]:
    vague = place.estimated or place.percent_out is None
    percent = 0.0 if vague or place.percent_out is None else place.percent_out
    return not place.out, vague, -percent, -place.out, place.name, place.code


def bands(ages: Iterable[tuple[float, int]]) -> tuple[DurationBand, ...]:
    """Customers out by how long they have been, all seven bands, from pairs of hours and customers."""
    sums = [0] * len(BANDS_H)
    for hours, out in ages:
        sums[bisect_right(_BAND_ENDS_H, hours)] += out
    return tuple(DurationBand(band, out) for (band, _), out in zip(BANDS_H, sums, strict=True))


def _ages(rows: Iterable[OutageRow], slot: datetime | None) -> list[tuple[float, int]]:
    """Hours out and customers of every row whose age is known, rows of one age together.

    Of what was out already when looking began, nothing is known at first; later it is out for that long at least.
    """
    if slot is None:
        return []
    outs: dict[datetime, int] = {}
    for row in rows:
        if row.out_since is not None and row.out and not (row.since_at_least and row.out_since >= slot):
            outs[row.out_since] = outs.get(row.out_since, 0) + row.out
    return [(max(0.0, (slot - since) / timedelta(hours=1)), out) for since, out in outs.items()]


def _rows(
    rows: Sequence[Row],
    universe: Universe,
    names: Mapping[int, str],
    before: Mapping[Pair, int] | None,
    since: Mapping[Pair, datetime],
    at_least: Collection[Pair],
) -> tuple[OutageRow, ...]:
    made = []
    for row in rows:
        pair = set_code, municipality = row.set_code, row.municipality_code
        customers = row.customers_served or universe.customers_of_pair(set_code, municipality)
        out = row.planned_out + row.unplanned_out
        percent = percent_of(out, customers)
        made.append(
            OutageRow(
                set_code,
                municipality,
                names[municipality],
                customers,
                row.planned_out,
                row.unplanned_out,
                out,
                percent,
                severity_of(percent),
                since.get(pair) if out else None,
                None if before is None else out - before.get(pair, 0),
                pair in at_least,
            )
        )
    return tuple(made)


def _place(code: int, name: str, sums: _Sums, customers: tuple[int | None, bool], known_before: bool) -> PlaceOutage:
    served, estimated = customers
    out = sums.planned + sums.unplanned
    percent = percent_of(out, served)
    return PlaceOutage(
        code,
        name,
        served,
        estimated,
        sums.planned,
        sums.unplanned,
        out,
        percent,
        # The most ever seen out says nothing about how bad it is: the first outage would always be all of it.
        Severity.UNKNOWN if estimated else severity_of(percent),
        sums.rows,
        sums.since,
        sums.change if known_before else None,
        sums.at_least,
        sums.reconfigured,
    )


def _outs(rows: Iterable[Row]) -> dict[Pair, int]:
    """Customers out by set and municipality; what came twice counts twice, as it was reported."""
    outs: dict[Pair, int] = {}
    for row in rows:
        pair = row.set_code, row.municipality_code
        outs[pair] = outs.get(pair, 0) + row.planned_out + row.unplanned_out
    return outs


def _changes(rows: Sequence[Row], before: Mapping[Pair, int] | None) -> dict[Pair, int]:
    """What is not as it was, by set and municipality; nothing if nothing is known of before."""
    if before is None:
        return {}
    changes = _outs(rows)
    for pair, out in before.items():
        changes[pair] = changes.get(pair, 0) - out
    return {pair: change for pair, change in changes.items() if change}
