"""A distributor's outages in plain text, for logs and mails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from wattdeck.core.lines import plain
from wattdeck.core.link import link_span
from wattdeck.core.reading import Reading
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, number
from wattdeck.systems.aneel import demandwords
from wattdeck.systems.aneel.findingwords import worst_first
from wattdeck.systems.aneel.models import (
    BackfillSnapshot,
    DemandsSnapshot,
    Finding,
    OutageRow,
    OutagesSnapshot,
    PlaceOutage,
)
from wattdeck.systems.aneel.outagetable import change_span, customers_words, percent_words
from wattdeck.systems.aneel.totallines import total_lines

WIDTH = 100
MOST_PLACES, MOST_FINDINGS = 40, 20
"""Named one by one; the JSON has them all."""


def text_lines(readings: Sequence[Reading[Any]], now: datetime) -> list[str]:
    """The distributor in a log or a mail: every number with its meaning, every section with its age."""
    out: list[str] = []
    for reading in readings:
        snapshot = reading.snapshot
        if isinstance(snapshot, BackfillSnapshot):
            out.append(f"{reading.source}  half hours known: {snapshot.known}, missing: {snapshot.missing}")
            if reading.problem:
                out.append(f"  problem: {reading.problem}")
            continue
        out.append(f"{reading.source}  {reading.feed}  {link_span(reading, now, UNICODE)[0]}")
        if reading.problem:
            out.append(f"  problem: {reading.problem}")
        if isinstance(snapshot, OutagesSnapshot):
            out += _outages(snapshot)
        elif isinstance(snapshot, DemandsSnapshot):
            out += [f"  {line}" for line in plain(demandwords.demands_lines(snapshot, WIDTH)).splitlines() if line]
            out += _findings(snapshot.findings)
        elif not reading.problem:
            out.append("  no answer yet")
    return out


def total_words(snapshot: OutagesSnapshot) -> list[str]:
    """The figures of the whole distributor, a sentence or two a line."""
    lines = plain(total_lines(snapshot, (), WIDTH)).splitlines()
    return [line.strip() for line in lines if line.strip()]


def _outages(snapshot: OutagesSnapshot) -> Iterator[str]:
    yield from (f"  {words}" for words in total_words(snapshot))
    if snapshot.unreadable_rows:
        yield f"  rows of the answer that cannot be read: {snapshot.unreadable_rows}; the figures are too low"
    for place in snapshot.municipalities[:MOST_PLACES]:
        yield f"  {place_line(place)}"
    left = len(snapshot.municipalities) - MOST_PLACES
    if left > 0:
        yield f"  and {left} more municipalities"
    yield from _findings(snapshot.findings)


def place_line(place: PlaceOutage) -> str:
    """One municipality on one line."""
    share = percent_words(place.percent_out, estimated=place.estimated)
    change = change_span(place.change_out)[0]
    return (
        f"{clean(place.name, 40):<28} {share:>8} %  {place.severity.value:<9} {number(place.out):>9} out of "
        f"{customers_words(place.customers_served, estimated=place.estimated)}, planned {number(place.planned_out)}, "
        f"change {change}"
    )


def row_line(row: OutageRow) -> str:
    """One row, a set within a municipality, on one line."""
    return (
        f"{row.set_code:>6}  {clean(row.municipality, 40):<28} {percent_words(row.percent_out):>8} %  "
        f"{row.severity.value:<9} {number(row.out):>9} out of {customers_words(row.customers_served)}, planned "
        f"{number(row.planned_out)}, change {change_span(row.change_out)[0]}"
    )


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in worst_first(findings)[:MOST_FINDINGS]:
        yield f"  {finding.level.value} {finding.rule} at {clean(finding.where, 80)}: {clean(finding.message, 200)}"
    if len(findings) > MOST_FINDINGS:
        yield f"  and {len(findings) - MOST_FINDINGS} more findings"
