"""A distributor's outages in plain text, for logs and mails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from wattdeck.core.language import later, tr
from wattdeck.core.lines import fit, plain
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
from wattdeck.systems.aneel.outagetable import change_span, customers_words, percent_words, severity_word
from wattdeck.systems.aneel.totallines import total_lines
from wattdeck.systems.aneel.wording import drawn, level_word

WIDTH = 100
SEVERITY_CELLS = 9
MOST_PLACES, MOST_FINDINGS = 40, 20
"""Named one by one; the JSON has them all."""


def text_lines(readings: Sequence[Reading[Any]], now: datetime) -> list[str]:
    """The distributor in a log or a mail: every number with its meaning, every section with its age."""
    out: list[str] = []
    for reading in readings:
        snapshot = reading.snapshot
        if isinstance(snapshot, BackfillSnapshot):
            counts = tr("half hours known: {known}, missing: {missing}", known=snapshot.known, missing=snapshot.missing)
            out.append(f"{reading.source}  {counts}")
            if reading.problem:
                out.append(tr("  problem: {problem}", problem=reading.problem))
            continue
        out.append(f"{reading.source}  {reading.feed}  {link_span(reading, now, UNICODE)[0]}")
        if reading.problem:
            out.append(tr("  problem: {problem}", problem=reading.problem))
        if isinstance(snapshot, OutagesSnapshot):
            out += _outages(snapshot)
        elif isinstance(snapshot, DemandsSnapshot):
            out += [f"  {line}" for line in plain(demandwords.demands_lines(snapshot, WIDTH)).splitlines() if line]
            out += _findings(snapshot.findings)
        elif not reading.problem:
            out.append(tr("  no answer yet"))
    return out


def total_words(snapshot: OutagesSnapshot) -> list[str]:
    """The figures of the whole distributor, a sentence or two a line."""
    lines = plain(total_lines(snapshot, (), WIDTH)).splitlines()
    return [line.strip() for line in lines if line.strip()]


def _outages(snapshot: OutagesSnapshot) -> Iterator[str]:
    yield from (f"  {words}" for words in total_words(snapshot))
    if snapshot.unreadable_rows:
        words = later("  rows of the answer that cannot be read: {count}; the figures are too low")
        yield tr(words, count=number(snapshot.unreadable_rows))
    for place in snapshot.municipalities[:MOST_PLACES]:
        yield f"  {place_line(place)}"
    left = len(snapshot.municipalities) - MOST_PLACES
    if left > 0:
        yield tr("  and {count} more municipalities", count=number(left))
    yield from _findings(snapshot.findings)


def place_line(place: PlaceOutage) -> str:
    """One municipality on one line."""
    share = percent_words(place.percent_out, estimated=place.estimated)
    change = change_span(place.change_out)[0]
    served = customers_words(place.customers_served, estimated=place.estimated)
    words = _counts(place.out, served, place.planned_out, change)
    return f"{clean(place.name, 40):<28} {share:>8} %  {_severity(place)} {words}"


def row_line(row: OutageRow) -> str:
    """One row, a set within a municipality, on one line."""
    change = change_span(row.change_out)[0]
    words = _counts(row.out, customers_words(row.customers_served), row.planned_out, change)
    share = percent_words(row.percent_out)
    return f"{row.set_code:>6}  {clean(row.municipality, 40):<28} {share:>8} %  {_severity(row)} {words}"


def _severity(place: PlaceOutage | OutageRow) -> str:
    return fit(severity_word(place.severity), SEVERITY_CELLS)


def _counts(out: int, served: str, planned: int, change: str) -> str:
    return tr(
        "{count} out of {served}, planned {planned}, change {change}",
        count=f"{number(out):>9}",
        served=served,
        planned=number(planned),
        change=change,
    )


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    for finding in worst_first(findings)[:MOST_FINDINGS]:
        where, message = clean(drawn(finding.where), 80), clean(drawn(finding.message), 200)
        names = {"level": level_word(finding.level), "rule": finding.rule}
        yield tr("  {level} {rule} at {where}: {message}", where=where, message=message, **names)
    if len(findings) > MOST_FINDINGS:
        yield tr("  and {count} more findings", count=number(len(findings) - MOST_FINDINGS))
