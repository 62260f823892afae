"""Demands for the eye: the day by channel, type and level, and one demand looked up. Knows no widget.

Terms are Portuguese, as on the wire and in the regulation; what they mean stands beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattdeck.core.language import current, later, tr, tr_as
from wattdeck.core.lines import MUTED, TEXT, Line, Span, cell_width, clip, cut, fit, line_width, right, wrap
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, UNKNOWN, Glyphs, bar, number
from wattdeck.systems.aneel import codes
from wattdeck.systems.aneel.charts import ago_words
from wattdeck.systems.aneel.models import Demand, DemandCount, DemandsSnapshot
from wattdeck.systems.aneel.outagetable import moment_words
from wattdeck.systems.aneel.personal import mask_document, mask_name, mask_unit

TERMS = "pt_BR"
"""The language of the terms."""
TOP = 10
FIGURE_CELLS, BAR_CELLS = 9, 16
NARROW, NARROW_FIGURE_CELLS = 64, 8
"""Below this width figures stand closer together."""
LABEL_CELLS = 14
LONG_OPEN = timedelta(hours=24)
"""A demand open for longer deserves a look (aneel.md 7.2)."""
CHANNELS_PLAIN = {
    1: later("in person"),
    2: later("by telephone"),
    3: later("website"),
    4: later("federal consumer portal"),
    5: later("mobile app"),
    6: later("e-mail"),
    7: later("text message"),
    8: later("social media"),
    9: later("other"),
    10: later("automatic chat"),
    11: later("chat with a person"),
    12: later("messaging app"),
}
LEVELS_PLAIN = {1: later("call centre, agencies, online"), 2: later("ombudsman")}
TREATMENT_PLAIN = {0: later("call centre, agencies, online"), 1: later("ombudsman"), 2: later("other")}
STATUS_PLAIN = {0: later("in progress"), 1: later("closed"), 2: later("other, such as cancelled")}
VERDICTS_PLAIN = {
    0: later("unfounded"),
    1: later("founded"),
    2: later("being treated"),
    3: later("other, or does not apply"),
}
TYPES_PLAIN = {
    "101": later("asks for information"),
    "10201": later("connection"),
    "10202": later("registration and contracts"),
    "10203": later("metering"),
    "10204": later("reading and billing"),
    "10205": later("charges"),
    "10206": later("payment and disconnection"),
    "10207": later("irregular consumption"),
    "10208": later("customer service"),
    "1020901": later("outage"),
    "1020902": later("frequent interruptions"),
    "1020903": later("planned interruption"),
    "1020904": later("voltage"),
    "10209": later("quality of supply"),
    "10210": later("electrical damage"),
    "10211": later("other damage"),
    "10212": later("network"),
    "10213": later("distributed generation"),
    "10214": later("deadlines"),
    "10215": later("wiring inside the house"),
    "10216": later("street lighting"),
    "10217": later("another complaint"),
    "103": later("asks for a service"),
    "104": later("reports wrongdoing"),
    "105": later("praise"),
    "106": later("suggestion"),
    "107": later("cancels a service"),
    "108": later("ends the contract"),
}
"""Beginning of a type's code -> what it is about; the longest that fits counts."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Demands of one kind together."""

    name: str
    plain: str
    ongoing: int
    opened: int
    closed: int


def _explained(words: str) -> str:
    """What a term means, in the language in use; nothing where that is the terms' own."""
    return tr(words) if words and current() != TERMS else ""


def type_plain(code: str) -> str:
    """What a type is about, in plain words; empty if it is not known, or goes without saying."""
    return next((_explained(TYPES_PLAIN[code[:size]]) for size in (7, 5, 3) if code[:size] in TYPES_PLAIN), "")


def closed_today(count: DemandCount) -> int:
    """Demands closed today, whatever the verdict."""
    return count.unfounded_today + count.founded_today + count.no_verdict_today


def by_channel(counts: Iterable[DemandCount]) -> list[Tally]:
    """By channel, most in progress first."""
    return _tallies(counts, lambda count: _coded(codes.CHANNELS.get(count.channel), CHANNELS_PLAIN, count.channel))


def by_type(counts: Iterable[DemandCount]) -> list[Tally]:
    """By type (*tipologia*), most in progress first."""
    return _tallies(counts, lambda count: (codes.typology_words(count.typology), type_plain(count.typology)))


def by_level(counts: Iterable[DemandCount]) -> list[Tally]:
    """By level of service, most in progress first."""
    return _tallies(counts, lambda count: _coded(codes.LEVELS_OF_SERVICE.get(count.level), LEVELS_PLAIN, count.level))


def _coded(term: str | None, plain: dict[int, str], code: int) -> tuple[str, str]:
    if term is None:
        return tr("code {code}", code=code), tr("not in the code list")
    return term, _explained(plain.get(code, ""))


def _tallies(counts: Iterable[DemandCount], name_of: Callable[[DemandCount], tuple[str, str]]) -> list[Tally]:
    sums: dict[tuple[str, str], list[int]] = {}
    for count in counts:
        sum_ = sums.setdefault(name_of(count), [0, 0, 0])
        for at, value in enumerate((count.ongoing, count.opened_today, closed_today(count))):
            sum_[at] += value
    tallies = [Tally(*name, *values) for name, values in sums.items()]
    return sorted(tallies, key=lambda tally: (-tally.ongoing, -tally.opened, tally.name))


def demands_lines(snapshot: DemandsSnapshot, width: int, top: int = TOP, marks: Glyphs = UNICODE) -> list[Line]:
    """The day: totals, then by type, channel and level, at most `top` of each."""
    lines = [totals_line(snapshot, width, marks)]
    if not snapshot.demands:
        return [*lines, ((tr(" The distributor reported no demand today."), MUTED),)]
    for title, tallies in (
        (tr("By type (tipologia)"), by_type(snapshot.demands)),
        (tr("By channel (canal)"), by_channel(snapshot.demands)),
        (tr("By level (nível)"), by_level(snapshot.demands)),
    ):
        lines += [(), *tally_lines(title, tallies, width, top, marks)]
    return lines


def totals_line(snapshot: DemandsSnapshot, width: int, marks: Glyphs = UNICODE) -> Line:
    """`41 in progress · 96 opened today · 55 closed today`, or shorter."""
    line: Line = ()
    ongoing, begun, closed = (number(each) for each in (snapshot.ongoing, snapshot.opened_today, snapshot.closed_today))
    going, today = tr("{count} in progress", count=ongoing), tr("{count} opened today", count=begun)
    brief = tr("{count} opened", count=begun)
    dot: Span = (f" {marks.dot} ", MUTED)
    ended: Span = (tr("{count} closed today", count=closed), TEXT)
    for first, second in ((going, today), (going, brief), (tr("{count} ongoing", count=ongoing), brief)):
        line = ((f" {first}", "heading"), dot, (second, TEXT), dot, ended)
        if line_width(line) <= width:
            break
    return clip(line, width)


def tally_lines(title: str, tallies: list[Tally], width: int, top: int = TOP, marks: Glyphs = UNICODE) -> list[Line]:
    """A title and each of the first, bars by what is in progress. A long name takes a second line."""
    room = BAR_CELLS if width >= 80 else 0
    cells = FIGURE_CELLS if width >= NARROW else NARROW_FIGURE_CELLS
    name_cells = max(12, width - 3 * cells - (room + 1 if room else 0) - 1)
    heads = "".join(
        right(head, cells)
        for head in (tr_as("demands", "ongoing"), tr_as("demands", "opened"), tr_as("demands", "closed"))
    )
    lines: list[Line] = [((fit(f" {title}", name_cells), "heading"), (heads, "label"))]
    most = max((tally.ongoing for tally in tallies), default=0) or 1
    for tally in tallies[:top]:
        figures = right(number(tally.ongoing), cells)
        rest = "".join(right(number(each), cells) for each in (tally.opened, tally.closed))
        first, *more = _name_lines(tally, name_cells)
        spans: list[Span] = [*first, (figures, TEXT), (rest, "label")]
        if room:
            spans += [(" ", TEXT), (fit(bar(tally.ongoing / most, room, marks), room), "bar-load")]
        lines += [tuple(spans), *more]
    if len(tallies) > top:
        others = tallies[top:]
        ongoing = number(sum(each.ongoing for each in others))
        words = tr(" and {count} more, {ongoing} in progress", count=number(len(others)), ongoing=ongoing)
        lines.append(((words, MUTED),))
    return [clip(line, width) for line in lines]


def _name_lines(tally: Tally, cells: int) -> list[Line]:
    """The name, over two lines if it is long, and where there is room what it means. The first fills its cells."""
    name = clean(tally.name, 80)
    plain = f"  {tally.plain}" if tally.plain and tally.plain != name else ""
    first, *more = ["".join(text for text, _ in line) for line in wrap(name, cells - 2)]
    if not more:
        plain = plain if cell_width(first + plain) <= cells - 2 else ""
        return [((f" {first}", TEXT), (fit(plain, cells - 1 - cell_width(first)), MUTED))]
    second = cut(" ".join(more), cells - 4)
    plain = plain if cell_width(second + plain) <= cells - 4 else ""
    return [((fit(f" {first}", cells), TEXT),), ((f"   {second}", TEXT), (plain, MUTED))]


# One demand


def demand_lines(
    demand: Demand,
    now: datetime,
    width: int,
    *,
    masked: bool = True,
    municipality: Callable[[int], str] = str,
) -> list[Line]:
    """Everything of one demand. Personal data is masked unless asked for otherwise.

    Args:
        municipality: IBGE code -> name.
    """
    lines: list[Line] = [((tr(" Demand {protocol}", protocol=clean(demand.protocol, 40)), "heading"),)]

    def fact(label: str, value: str, meaning: str = TEXT) -> None:
        first, *rest = wrap(value or UNKNOWN, width - LABEL_CELLS - 1, meaning)
        lines.append(((f" {fit(label, LABEL_CELLS)}", "label"), *first))
        lines.extend(((" " * (LABEL_CELLS + 1), TEXT), *line) for line in rest[:4])

    opened = demand.opened_at
    long_open = demand.status == 0 and opened is not None and now - opened > LONG_OPEN
    fact(tr_as("demand", "Status"), _term(demand.status, codes.DEMAND_STATUS.get, STATUS_PLAIN),
         "severity-medium" if long_open else TEXT)  # fmt: skip
    since = f", {ago_words(opened, now)}" if opened is not None and demand.closed_at is None else ""
    fact(tr_as("demand", "Opened"), moment_words(opened) + since if opened is not None else "")
    fact(tr_as("demand", "Closed"), moment_words(demand.closed_at) or (tr("not yet") if demand.status == 0 else ""))
    fact(tr_as("demand", "Verdict"), _term(demand.verdict, codes.VERDICTS.get, VERDICTS_PLAIN))
    plain = type_plain(demand.typology)
    words = f"{clean(demand.typology, 10)} {codes.typology_words(demand.typology)}"
    fact(tr_as("demand", "Type"), f"{words} ({plain})" if plain else words)
    fact(tr_as("demand", "Channel"), _term(demand.channel, codes.CHANNELS.get, CHANNELS_PLAIN))
    fact(tr_as("demand", "Level"), _term(demand.level, codes.LEVELS_OF_TREATMENT.get, TREATMENT_PLAIN))
    place = demand.municipality_code
    fact(tr_as("demand", "Municipality"), "" if place is None else clean(municipality(place), 80))
    unit, name, number_ = demand.consumer_unit, demand.holder_name, demand.document_number
    fact(tr_as("demand", "Unit (UC)"), mask_unit(unit) if masked else clean(unit, 40))
    fact(tr_as("demand", "Holder"), mask_name(name) if masked else clean(name, 60))
    fact("CPF/CNPJ", mask_document(number_) if masked else clean(number_, 20))
    hint = tr("Personal data is masked; m shows it.") if masked else tr("Personal data; m masks it again.")
    lines += [(), *(((" ", TEXT), *line) for line in wrap(hint, width - 1, MUTED))]
    return [clip(line, width) for line in lines]


def no_demand_words(protocol: str) -> str:
    """What is said of a protocol the distributor knows nothing of."""
    return tr(
        "The distributor knows no demand {protocol}. Protocols match exactly, leading zeros included; closed ones are "
        "kept for six months.",
        protocol=clean(protocol, 40),
    )


def _term(code: int | None, term_of: Callable[[int], str | None], plain: dict[int, str]) -> str:
    if code is None:
        return ""
    term = term_of(code)
    if term is None:
        return tr("code {code}, not in the list", code=code)
    words = _explained(plain.get(code, ""))
    return f"{term} ({words})" if words else term
