"""Figures of a list of migrations as lines: counts, deadlines, ages, refusals, demand, utilities."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from wattdeck.core.dates import weekday_words
from wattdeck.core.language import plural, tr, tr_as
from wattdeck.core.lines import MUTED, TEXT, Line, Span, clip, cut, fit, line_width, right
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, Glyphs, bar, number, percent
from wattdeck.systems.ccee.filters import fold, month_words, status_key
from wattdeck.systems.ccee.models import Migration, Status, StatusCount
from wattdeck.systems.ccee.rules import AGE_BUCKETS, age_bucket, brasilia_date

if TYPE_CHECKING:
    from wattdeck.systems.ccee.rules import Calendar

OTHERS = "others"
"""Stands for states that are not known."""
WORRIES = {Status.REJECTED.value: "severity-medium", Status.EXPIRED.value: "severity-medium", OTHERS: "severity-low"}
KNOWN = tuple(status.value for status in Status)
MOST_MONTHS = 240
"""Rows of months in a table; more than that are said to be left out."""
FAR_YEARS = 5
"""A day further away than this is a slip of the pen: no holidays are looked up for it."""
TOP = 5
"""So many of the commonest are named."""
ANSWERED = frozenset({Status.COMPLETED.value, Status.REJECTED.value, Status.CLOSED.value})
"""The utility, or CCEE in its place, has decided."""


# Counts


def by_status(counts: Iterable[StatusCount]) -> dict[str, int]:
    """How many have each state: the known ones in their order, then all others together."""
    sums: Counter[str] = Counter()
    for each in counts:
        sums[each.status if each.status in KNOWN else OTHERS] += each.count
    return {status: sums[status] for status in (*KNOWN, OTHERS) if sums[status]}


def counts_line(counts: Sequence[StatusCount], width: int, marks: Glyphs = UNICODE) -> Line:
    """Counts by state as one line: with bars where there is room, closer where there is less, at last with short names.

    A number is never cut; what does not fit at all is left out and said to be.
    """
    sums = by_status(counts)
    total = sum(sums.values())
    if not total:
        return ((f" {tr('no migrations')}", MUTED),)
    words = plural("{count} migrations", "{count} migrations", total, count=number(total))
    head: Span = (f" {words}  ", "heading")
    plain = _counted(sums, 0, total, marks)
    spare = width - line_width((head, *plain)) - len(sums)
    if spare >= 2 * len(sums):
        return (head, *_counted(sums, min(spare, 40), total, marks))
    if line_width((head, *plain[:-1])) <= width:
        return (head, *plain[:-1])
    close: list[Span] = [(f" {number(total)}", "heading")]
    for status, count in sums.items():
        close += [(f"  {_shown(status)} ", WORRIES.get(status, "label")), (number(count), "heading")]
    for gap in ("  ", " "):
        line = [(text.replace("  ", gap), meaning) for text, meaning in close]
        if line_width(tuple(line)) <= width:
            return tuple(line)
    brief = {status[:4].lower() if status != OTHERS else _shown(OTHERS): count for status, count in sums.items()}
    line = [(f" {number(total)} ", "heading")]
    for index, (name, count) in enumerate(brief.items()):
        meaning = WORRIES.get(list(sums)[index], "label")
        piece: list[Span] = [(f" {name} ", meaning), (number(count), "heading")]
        if line_width((*line, *piece)) > width - (2 if index < len(brief) - 1 else 0):
            line.append((" …", MUTED))
            break
        line += piece
    return clip(tuple(line), width)


def _shown(status: str) -> str:
    """A state as it is called, which is CCEE's own code; or the word for all that are not known."""
    return tr_as("states", "others") if status == OTHERS else status


def _counted(sums: dict[str, int], cells: int, total: int, marks: Glyphs) -> list[Span]:
    spans: list[Span] = []
    for status, count in sums.items():
        meaning = WORRIES.get(status, "label")
        spans += [(f"{_shown(status)} ", meaning), (number(count), "heading")]
        if cells:
            room = max(1, cells * count // total)
            spans.append((" " + bar(count / total * cells / room, room, marks), "bar-load"))
        spans.append(("  ", TEXT))
    return spans


def counts_table_lines(counts: Sequence[StatusCount], width: int) -> list[Line]:
    """Months down, states across, sums at both ends."""
    sums = by_status(counts)
    if not sums:
        return [((f" {tr('No migrations.')}", MUTED),)]
    cells: Counter[tuple[str, str]] = Counter()
    for each in counts:
        cells[each.reference_month, each.status if each.status in KNOWN else OTHERS] += each.count
    months = sorted({month for month, _ in cells}, key=lambda month: (not month, month))
    heads = [*map(_shown, sums), tr("total")]
    # Alike where there is room; as wide as each head needs where there is less.
    even = max(6, min(11, (width - 10) // len(heads) - 1))
    needed = [max(6, len(head)) for head in heads]
    wide = needed if even < 11 and 10 + sum(needed) + len(heads) <= width else [even] * len(heads)
    titles = ((" " + right(_cut(head, cells), cells), "label") for head, cells in zip(heads, wide, strict=True))
    lines: list[Line] = [((fit(f" {tr('Month')}", 10), "label"), *titles)]
    for month in months[:MOST_MONTHS]:
        found = [cells[month, status] for status in sums]
        name = month_words(month) if month else tr("no month")
        lines.append((*_figures(name, [*found, sum(found)], wide),))
    if len(months) > MOST_MONTHS:
        lines.append(((f" {tr('... and {count} more months', count=number(len(months) - MOST_MONTHS))}", MUTED),))
    lines.append((*_figures(tr("total"), [*sums.values(), sum(sums.values())], wide, "heading"),))
    return [clip(line, width) for line in lines]


def _cut(head: str, wide: int) -> str:
    return head if len(head) <= wide else head[:wide]


def _figures(name: str, figures: Sequence[int], wide: Sequence[int], meaning: str = TEXT) -> list[Span]:
    spans: list[Span] = [(fit(f" {name}", 10), meaning if meaning != TEXT else "label")]
    for figure, cells in zip(figures, wide, strict=True):
        spans.append((" " + right(number(figure) if figure else "", cells), meaning))
    return spans


# Deadlines


def deadline_counts(migrations: Iterable[Migration], today: date, tomorrow: date) -> tuple[int, int, int, int]:
    """Answers that are overdue, due today, due on the next business day, and later."""
    overdue = due = soon = later = 0
    for each in migrations:
        deadline = each.deadline
        if deadline is None or not each.editable:
            continue
        if deadline < today:
            overdue += 1
        elif deadline == today:
            due += 1
        elif deadline <= tomorrow:
            soon += 1
        else:
            later += 1
    return overdue, due, soon, later


def next_business_day(today: date, calendar: Calendar | None) -> date:
    """The business day after a day; without a calendar the day after, or Monday."""
    if calendar is not None:
        return calendar.add_business_days(today, 1)
    return date.fromordinal(today.toordinal() + (3 if today.weekday() == 4 else 2 if today.weekday() == 5 else 1))


def deadline_parts(migrations: Iterable[Migration], today: date, calendar: Calendar | None) -> list[Span]:
    """What is due when, most pressing first, each with how much it matters."""
    tomorrow = next_business_day(today, calendar)
    overdue, due, soon, later = deadline_counts(migrations, today, tomorrow)
    parts: list[Span] = []
    if overdue:
        words = plural("{count} answer overdue", "{count} answers overdue", overdue, count=number(overdue))
        parts.append((words, "severity-high"))
    if due:
        parts.append((_due_words(due, first=not parts), "severity-medium"))
    if soon:
        day = None if (tomorrow - today).days == 1 else tomorrow
        parts.append((_soon_words(soon, day, first=not parts), TEXT))
    if later:
        count = number(later)
        words = (
            tr("{count} due later", count=count)
            if parts
            else plural("{count} answer due later", "{count} answers due later", later, count=count)
        )
        parts.append((words, "label"))
    return parts


def _due_words(due: int, *, first: bool) -> str:
    """Only the first part of the line has room to say that answers are meant."""
    if first:
        return plural("{count} answer due today", "{count} answers due today", due, count=number(due))
    return tr("{count} due today", count=number(due))


def _soon_words(soon: int, day: date | None, *, first: bool) -> str:
    """What is due on the next business day; None is tomorrow."""
    count = number(soon)
    if day is None:
        if first:
            return plural("{count} answer due tomorrow", "{count} answers due tomorrow", soon, count=count)
        return tr("{count} due tomorrow", count=count)
    weekday = weekday_words(day)
    if first:
        return plural("{count} answer due on {weekday}", "{count} answers due on {weekday}", soon,
                      count=count, weekday=weekday)  # fmt: skip
    return tr("{count} due on {weekday}", count=count, weekday=weekday)


def deadlines_line(
    migrations: Iterable[Migration], today: date, calendar: Calendar | None, width: int, marks: Glyphs = UNICODE
) -> Line:
    """`1 answer overdue · 3 due today · 2 due tomorrow`."""
    parts = deadline_parts(migrations, today, calendar)
    if not parts:
        return ((f" {tr('No answer is awaited.')}", MUTED),)
    spans: list[Span] = [(" ", TEXT)]
    for index, part in enumerate(parts):
        if index:
            spans.append((f" {marks.dot} ", MUTED))
        spans.append(part)
    return clip(tuple(spans), width)


# The summary page


def summary_lines(
    migrations: Sequence[Migration],
    counts: Sequence[StatusCount],
    today: date,
    calendar: Calendar,
    width: int,
    marks: Glyphs = UNICODE,
) -> list[Line]:
    """Everything there is to say of a list."""
    lines: list[Line] = [*counts_table_lines(counts, width), ()]
    lines += [deadlines_line(migrations, today, calendar, width, marks), ()]
    lines += [*age_lines(migrations, today, calendar, width, marks), ()]
    lines += [*refusal_lines(migrations, width), ()]
    lines += [*demand_lines(migrations, width), ()]
    lines += utility_lines(migrations, width, marks)
    return [clip(line, width) for line in lines]


def age_lines(
    migrations: Iterable[Migration], today: date, calendar: Calendar, width: int, marks: Glyphs = UNICODE
) -> list[Line]:
    """How long those that wait have waited, in business days."""
    days: Counter[date | None] = Counter(
        None if each.requested_at is None else brasilia_date(each.requested_at) for each in migrations if each.editable
    )
    buckets: Counter[str] = Counter()
    for day, count in days.items():
        if day is not None:
            far = abs(day.year - today.year) > FAR_YEARS
            age = (today - day).days if far else calendar.business_days_between(day, today)
            buckets[age_bucket(age)] += count
    lines: list[Line] = [((f" {tr('Waiting for the utility, business days since the request')}", "heading"),)]
    most = max(buckets.values(), default=1)
    lines += [_barred(name, buckets[name], buckets[name] / most, width, marks) for name in AGE_BUCKETS]
    if days[None]:
        lines.append(_barred(tr("not known"), days[None], 0.0, width, marks))
    return lines


def refusal_lines(migrations: Iterable[Migration], width: int) -> list[Line]:
    """How many answers were a no, and the commonest reasons. Reasons count as one that differ in case, accents or
    spaces alone."""
    answered = refused = 0
    reasons: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for each in migrations:
        answered += each.status in ANSWERED
        if each.status == Status.REJECTED:
            refused += 1
            key = " ".join(fold(clean(each.justification, 200)).split())
            reasons[key] += 1
            shown.setdefault(key, clean(each.justification, 200) or tr("no reason given"))
    if not answered:
        return [((f" {tr('Refused')} ", "heading"), (tr("no answer yet"), MUTED))]
    words = tr("{count} of {all} answers, {share}", count=number(refused), all=number(answered),
               share=percent(refused / answered))  # fmt: skip
    lines: list[Line] = [((f" {tr('Refused')} ", "heading"), (words, TEXT))]
    for key, count in reasons.most_common(TOP):
        lines.append(((f" {number(count):>5}  ", "label"), (cut(shown[key], max(8, width - 8)), TEXT)))
    if len(reasons) > TOP:
        more = number(len(reasons) - TOP)
        lines.append(((f"        {tr('and {count} other reasons', count=more)}", MUTED),))
    return lines


def demand_sums(migrations: Iterable[Migration]) -> tuple[dict[tuple[str, str], float], int]:
    """Contracted demand of completed migrations by month and submarket, kW; and how many have no value."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    unknown = 0
    for each in migrations:
        if each.status != Status.COMPLETED:
            continue
        if each.musd_value is None or not math.isfinite(each.musd_value):
            unknown += 1
        else:
            values[each.reference_month, status_key(each.submarket) or "?"].append(each.musd_value)
    return {key: math.fsum(found) for key, found in values.items()}, unknown


def demand_lines(migrations: Iterable[Migration], width: int) -> list[Line]:
    """Contracted demand of completed migrations: months down, submarkets across."""
    sums, unknown = demand_sums(migrations)
    lines: list[Line] = [((f" {tr('MUSD of completed migrations, kW')}", "heading"),)]
    if sums:
        markets = sorted({market for _, market in sums})[:8]
        heads = [*(market[:10] for market in markets), tr_as("sum", "all")]
        lines.append(((fit(f" {tr('Month')}", 10), "label"), *((" " + right(head, 11), "label") for head in heads)))
        months = sorted({month for month, _ in sums}, key=lambda month: (not month, month))
        for month in months[:MOST_MONTHS]:
            whole = math.fsum(value for (at, _), value in sums.items() if at == month)
            found = [sums.get((month, market)) for market in markets]
            spans: list[Span] = [(fit(f" {month_words(month) if month else tr('no month')}", 10), "label")]
            spans += [(" " + right("" if value is None else number(value, 1), 11), TEXT) for value in found]
            lines.append((*spans, (" " + right(number(whole, 1), 11), "heading")))
    if unknown or not sums:
        words = tr("{count} without a value", count=number(unknown)) if unknown else tr("none yet")
        lines.append(((f" {words}", MUTED),))
    return [clip(line, width) for line in lines]


def utility_lines(migrations: Iterable[Migration], width: int, marks: Glyphs = UNICODE) -> list[Line]:
    """Migrations by utility, most first, and how many of them wait."""
    totals: Counter[int | None] = Counter()
    waiting: Counter[int | None] = Counter()
    for each in migrations:
        totals[each.utility_agent_code] += 1
        waiting[each.utility_agent_code] += each.editable
    lines: list[Line] = [((f" {tr('Utilities')}", "heading"),)]
    most = max(totals.values(), default=1)
    for code, count in totals.most_common(2 * TOP):
        name = tr("not known") if code is None else str(code)
        line = _barred(name, count, count / most, width, marks)
        opened = plural("{count} open", "{count} open", waiting[code], count=number(waiting[code]))
        lines.append((*line, (f"  {opened}" if waiting[code] else "", "label")))
    if len(totals) > 2 * TOP:
        more = number(len(totals) - 2 * TOP)
        lines.append(((f" {tr('and {count} other utilities', count=more)}", MUTED),))
    return [clip(line, width) for line in lines]


def _barred(name: str, count: int, share: float, width: int, marks: Glyphs) -> Line:
    room = max(4, min(30, width - 34))
    return ((fit(f" {name}", 14), "label"), (right(number(count), 7), TEXT), ("  ", TEXT),
            (fit(bar(share, room, marks), room), "bar-load"))  # fmt: skip
