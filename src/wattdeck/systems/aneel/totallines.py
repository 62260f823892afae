"""The whole distributor in a few lines: how much is out, where it goes, for how long. Knows no widget."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from wattdeck.core.language import later, plural, tr, tr_as
from wattdeck.core.lines import MUTED, TEXT, Line, Span, clip, fit, line_width, wrap
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, Glyphs, bar, number, percent, spark
from wattdeck.systems.aneel.models import DurationBand, OutagesSnapshot, Totals
from wattdeck.systems.aneel.outagetable import change_span, customers_words, percent_words, severity_span

TREND_CELLS = (48, 24, 8, 0)
"""Half hours in the trend, by the room there is: a day, half a day, fewer."""
BAND_WORDS = {
    "ATE_1H": "<1 h",
    "DE_1_A_3H": "1-3 h",
    "DE_3_A_6H": "3-6 h",
    "DE_6_A_12H": "6-12 h",
    "DE_12_A_24H": "12-24 h",
    "DE_24_A_48H": "24-48 h",
    "MAIS_48H": ">48 h",
}
BAND_MEANINGS = {"DE_24_A_48H": "severity-medium", "MAIS_48H": "severity-medium"}
FACT_CELLS = 13
"""Room for what a figure is called."""
DISE_WORDS = later(
    "Over 24 h and 48 h: customers in sets with an outage for so long without a break. "
    "A proxy only: DISE is reckoned for each customer by the distributor and is not in these answers."
)


def total_lines(
    snapshot: OutagesSnapshot,
    series: Sequence[tuple[datetime, int | None]],
    width: int,
    marks: Glyphs = UNICODE,
) -> list[Line]:
    """Four lines: customers out with their trend, where, customer-hours, durations; cut where there is no room.

    Args:
        series: Customers out by half hour, oldest first (`Slots.series`); may be empty.
    """
    totals = snapshot.totals
    lines = [out_line(totals, series, width, marks), spread_line(totals, width, marks)]
    lines.append(hours_line(totals, width, marks))
    if totals.out:
        lines.append(bands_line(snapshot.bands, totals.out, width, marks))
    return lines


def out_line(
    totals: Totals, series: Sequence[tuple[datetime, int | None]], width: int, marks: Glyphs = UNICODE
) -> Line:
    """`1 204 out −86 ▁▂▅▇▆▃ 0.8 % of 149 500 customers · normal`; without room the trend goes first."""
    share = percent_words(totals.percent_out, estimated=totals.estimated)
    words, meaning = severity_span(totals.severity, marks)
    trend = spark([None if out is None else float(out) for _, out in series[-TREND_CELLS[0] :]], marks)
    change, change_meaning = change_span(totals.change_out)
    head: list[Span] = [(tr(" {count} out", count=number(totals.out)), "heading")]
    if totals.change_out is not None:
        head.append((f"  {change}", change_meaning))
    served = customers_words(totals.customers_served, estimated=totals.estimated)
    tail: list[Span] = [
        (f"  {share} %" if totals.percent_out is not None else "", "heading"),
        (
            tr(" of {served} customers", served=served)
            if totals.customers_served
            else tr("  customers served not known"),
            "label",
        ),
        (f" {marks.dot} ", MUTED),
        (" ".join(words.strip(marks.dot).split()), meaning),
    ]
    for cells in TREND_CELLS:
        shown = trend[-cells:].lstrip() if cells else ""
        line = (*head, *([(f"  {shown}", "series-1")] if shown else []), *tail)
        if line_width(line) <= width:
            return line
    return clip((*head, *tail), width)


def spread_line(totals: Totals, width: int, marks: Glyphs = UNICODE) -> Line:
    """`10 % planned · 3 municipalities · 8 sets · 120 restored · 34 newly out, net`; without room some of it goes."""
    planned: list[Span] = []
    places: list[Span] = []
    sets: list[Span] = []
    if totals.out:
        share = totals.planned_out / totals.out
        planned = [(tr("{share} planned", share="<1 %" if 0 < share < 0.005 else percent(share)), TEXT)]
        affected = totals.municipalities_affected
        places = [(plural("{count} municipality", "{count} municipalities", affected, count=number(affected)), TEXT)]
        affected = totals.sets_affected
        sets = [(plural("{count} set", "{count} sets", affected, count=number(affected)), TEXT)]
    moved: list[Span] = []
    brief = moved
    if totals.restored is None:
        moved.append((tr("half hour before not known"), MUTED))
    else:
        newly, meaning = totals.newly_out or 0, "severity-low" if totals.newly_out else "label"
        restored = (tr("{count} restored", count=number(totals.restored)), TEXT if totals.restored else "label")
        moved += [restored, (tr("{count} newly out, net", count=number(newly)), meaning)]
        brief = [restored, (tr("{count} newly out", count=number(newly)), meaning)]
    for parts in ([*planned, *places, *sets, *moved], [*planned, *places, *sets, *brief], [*places, *brief], brief):
        line = _dotted(parts, 10 * width, marks)
        if line_width(line) <= width:
            return line
    return clip(line, width)


def hours_line(totals: Totals, width: int, marks: Glyphs = UNICODE) -> Line:
    """`12 345 customer-hours in 24 h (CHI estimate) · 12 out for over 24 h · 3 over 48 h (DISE proxy)`, or shorter."""
    brief = _dotted(_hours_parts(totals, brief=True), width, marks)
    whole = _dotted(_hours_parts(totals, brief=False), 10 * width, marks)
    return whole if line_width(whole) <= width else brief


def _hours_parts(totals: Totals, *, brief: bool) -> list[Span]:
    some = totals.chi_missing_h >= 0.05
    missing = tr("{hours} h not known", hours=number(totals.chi_missing_h, 1)) if some else ""
    hours = number(totals.chi_customer_h)
    if totals.chi_customer_h is None:
        parts: list[Span] = [(tr("CHI of the last 24 h not known yet"), MUTED)]
    elif brief:
        parts = [(", ".join(filter(None, (tr("CHI 24 h {hours}", hours=hours), missing))), "label")]
    else:
        words = ", ".join(filter(None, (tr("CHI estimate"), missing)))
        parts = [(tr("{hours} customer-hours in 24 h ({words})", hours=hours, words=words), "label")]
    if totals.over_24h_out:
        day, days = number(totals.over_24h_out), number(totals.over_48h_out)
        over = tr("{count} over 24 h", count=day) if brief else tr("{count} out for over 24 h", count=day)
        parts.append((over, "severity-medium"))
        parts.append((tr("{count} over 48 h (DISE proxy)", count=days), "severity-medium"))
    return parts


def bands_line(bands: Sequence[DurationBand], out: int, width: int, marks: Glyphs = UNICODE) -> Line:
    """Customers out by how long, each band with its bar; without room the bars go, then empty bands."""
    known = [(BAND_WORDS.get(each.band, clean(each.band, 12)), each.out, BAND_MEANINGS.get(each.band, "bar-load"))
             for each in bands]  # fmt: skip
    unknown = out - sum(count for _, count, _ in known)
    if unknown > 0:
        known.append((tr_as("outages", "not known"), unknown, MUTED))
    filled = [each for each in known if each[1]]
    for shown, cells in ((known, 20), (filled, 20), (filled, 8), (filled, 0)):
        spans: list[Span] = [(tr(" out for "), "label")]
        for words, count, meaning in shown:
            spans.append((f" {words} ", "label"))
            spans.append((number(count), TEXT if count else MUTED))
            room = round(cells * count / out) if out else 0
            if count and cells:
                spans.append((" " + bar(1.0, max(1, room), marks), meaning))
            spans.append((" ", TEXT))
        if line_width(tuple(spans[:-1])) <= width:
            return tuple(spans[:-1])
    return clip(tuple(spans), width)


def figure_lines(snapshot: OutagesSnapshot, width: int, marks: Glyphs = UNICODE) -> list[Line]:
    """The figures one below the other, with what they stand for."""
    totals = snapshot.totals
    lines: list[Line] = []

    def fact(label: str, value: str, meaning: str = TEXT) -> None:
        first, *more = wrap(value, width - FACT_CELLS - 1, meaning)
        lines.append(((f" {fit(label, FACT_CELLS)}", "label"), *first))
        lines.extend(((" " * (FACT_CELLS + 1), TEXT), *line) for line in more)

    planned = number(totals.planned_out)
    fact(tr("Out"), tr("{count}, {planned} of these planned", count=number(totals.out), planned=planned), "heading")
    if totals.restored is not None and totals.newly_out is not None:
        moved = {"restored": number(totals.restored), "newly": number(totals.newly_out)}
        fact(tr("Since before"), tr("{restored} restored, {newly} newly out, net by set", **moved))
    if totals.chi_customer_h is None:
        fact(tr("CHI, 24 h"), tr("not known yet"), MUTED)
    else:
        words = tr("{hours} customer-hours interrupted, an estimate", hours=number(totals.chi_customer_h))
        if totals.chi_missing_h >= 0.05:
            words = tr("{words}; {hours} h are not known", words=words, hours=number(totals.chi_missing_h, 1))
        fact(tr("CHI, 24 h"), words)
    lines += [(), ((tr(" Customers by how long they have been out"), "heading"),)]
    shown = [(BAND_WORDS.get(each.band, clean(each.band, 12)), each.out, BAND_MEANINGS.get(each.band, "bar-load"))
             for each in snapshot.bands]  # fmt: skip
    unknown = totals.out - sum(count for _, count, _ in shown)
    shown += [(tr_as("outages", "not known"), unknown, MUTED)] if unknown > 0 else []
    for words, count, meaning in shown:
        name: Span = (f" {fit(words, FACT_CELLS)}", "label")
        share = bar(count / totals.out if totals.out else 0.0, max(1, width - FACT_CELLS - 12), marks)
        lines.append((name, (f"{number(count):>9}  ", TEXT if count else MUTED), (share, meaning)))
    lines += [(), *(((" ", TEXT), *line) for line in wrap(tr(DISE_WORDS), width - 2, MUTED))]
    return [clip(line, width) for line in lines]


def _dotted(parts: Sequence[Span], width: int, marks: Glyphs) -> Line:
    spans: list[Span] = [(" ", TEXT)]
    for index, part in enumerate(parts):
        if index:
            spans.append((f" {marks.dot} ", MUTED))
        spans.append(part)
    return clip(tuple(spans), width)
