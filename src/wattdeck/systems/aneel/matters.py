"""What matters of a distributor, in the fewest words: how much is out, where it is worst, what its answers do wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from wattdeck.core.language import plural, tr, tr_as
from wattdeck.core.matters import Figure, Matters
from wattdeck.core.reading import Reading
from wattdeck.core.text import clean
from wattdeck.core.units import number
from wattdeck.systems.aneel.models import Level, OutagesSnapshot, PlaceOutage, Severity, Totals
from wattdeck.systems.aneel.outagetable import moment_words, percent_words

TREND_KEY = "out"
"""Customers out, as `trend_values` offers them."""
OLD = timedelta(hours=1)
"""A half hour that began longer ago is not the present one any more."""
NAME_CELLS = 40
MEANINGS = {
    Severity.ATTENTION: "severity-low",
    Severity.ALERT: "severity-medium",
    Severity.CRITICAL: "severity-high",
}
"""Severity -> the theme's name for it; others are nothing to look at."""


def matters(readings: Sequence[Reading[Any]], now: datetime) -> Matters:
    """Customers out, their share, the worst municipality, errors of the check, and of when that is if it is old."""
    snapshot = next((reading.snapshot for reading in readings if reading.feed == "outages"), None)
    figures = () if snapshot is None else tuple(_figures(snapshot, now))
    errors = tuple(_errors(readings))
    return Matters((*figures, *errors), TREND_KEY)


def worst(snapshot: OutagesSnapshot) -> PlaceOutage | None:
    """The municipality with the highest share of its customers out, where that is known; else the one with most."""
    found = [place for place in snapshot.municipalities if place.out]
    known = [place for place in found if place.percent_out is not None and not place.estimated]
    if known:
        return max(known, key=lambda place: (place.percent_out or 0.0, place.out))
    return max(found, key=lambda place: place.out, default=None)


def _figures(snapshot: OutagesSnapshot, now: datetime) -> Iterator[Figure]:
    totals, slot = snapshot.totals, snapshot.slot
    if not totals.out:
        yield Figure(tr("customers out"), "0", tr("nothing out"))
    else:
        yield from _out(totals)
    place = worst(snapshot)
    if place is not None:
        yield _place(place)
    if slot is not None and now - slot > OLD:
        moment = moment_words(slot, now)
        yield Figure(tr("half hour"), moment, tr("at {moment}", moment=moment), "link-stale")


def _out(totals: Totals) -> Iterator[Figure]:
    out = number(totals.out)
    meaning = MEANINGS.get(totals.severity, "normal")
    yield Figure(tr("customers out"), out, tr_as("overview", "{count} out", count=out), meaning)
    if totals.percent_out is not None:
        yield Figure(tr("of all"), f"{percent_words(totals.percent_out, estimated=totals.estimated)} %")


def _place(place: PlaceOutage) -> Figure:
    name = clean(place.name, NAME_CELLS)
    known = place.percent_out is not None and not place.estimated
    value = f"{percent_words(place.percent_out)} %" if known else number(place.out)
    return Figure(name, value, f"{name} {value}", MEANINGS.get(place.severity, "normal"))


def _errors(readings: Sequence[Reading[Any]]) -> Iterator[Figure]:
    """Errors of the conformance check in the newest answers; without any there is nothing to say."""
    found = [each for reading in readings if reading.snapshot is not None
             for each in getattr(reading.snapshot, "findings", ()) if each.level is Level.ERROR]  # fmt: skip
    if found:
        words = plural("{count} error", "{count} errors", len(found), count=number(len(found)))
        yield Figure(tr("conformance"), words, meaning="severity-low")
