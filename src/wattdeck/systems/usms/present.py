"""What people read of an account: rows, lines and sentences, with meanings instead of colours. Knows no widget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wattdeck.core.dates import date_text, moment_text
from wattdeck.core.language import tr, tr_as
from wattdeck.core.lines import MUTED, TEXT, Column, Line, Row, Span, arrange, cells_line, titles, wrap
from wattdeck.core.link import link_lines, link_span
from wattdeck.core.reading import Link, Reading
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, UNKNOWN, Glyphs, age, bar, number
from wattdeck.systems.usms.costs import left_span, money, wrap_lines
from wattdeck.systems.usms.models import (
    BRUNEI,
    AccountSnapshot,
    ConsumptionSnapshot,
    Kind,
    Meter,
    MonthCost,
    Period,
    Point,
    TopUp,
    TopUpPage,
)
from wattdeck.systems.usms.walk import Stretch, kind_words, meter_words, unit_words

COLUMNS = (
    Column("meter", "Meter", 10, flex=True, keep=10),
    Column("kind", "Kind", 11, keep=5),
    Column("status", "Status", 8, keep=4),
    Column("remaining", "Remaining", 14, right=True, keep=9),
    Column("credit", "Credit B$", 9, right=True, keep=8),
    Column("left", "Lasts", 6, right=True, keep=7),
    Column("age", "Age", 6, right=True, keep=3),
)
"""Of the meter table; `Lasts` is how long the credit lasts, `Age` how long ago the portal heard of the meter."""
TOP_UP_COLUMNS = (
    Column("at", "Bought", 16, keep=10),
    Column("amount", "Paid B$", 9, right=True, keep=9),
    Column("debt", "Debt B$", 9, right=True, keep=5),
    Column("credit", "Credit B$", 9, right=True, keep=6),
    Column("units", "Units", 10, right=True, keep=7),
    Column("site", "Where", 14, flex=True, keep=4),
    Column("mode", "How", 12, keep=3),
    Column("transaction", "Transaction", 16, keep=2),
)


@dataclass(frozen=True, slots=True)
class Account:
    """The two feeds of an account, by name."""

    meters: Reading[AccountSnapshot] | None
    consumption: Reading[ConsumptionSnapshot] | None

    @classmethod
    def of(cls, readings: Sequence[Reading[Any]]) -> Account:
        """The readings of one source, whichever are there."""
        found = {reading.feed: reading for reading in readings}
        return cls(found.get("meters"), found.get("consumption"))

    @property
    def snapshot(self) -> AccountSnapshot | None:
        return None if self.meters is None else self.meters.snapshot

    @property
    def refused(self) -> bool:
        """The portal wants a login."""
        return any(one is not None and one.link is Link.REFUSED for one in (self.meters, self.consumption))

    @property
    def awaits_consumption(self) -> bool:
        """The feed of consumption has not answered yet, neither well nor badly."""
        return self.consumption is not None and self.consumption.link is Link.WAITING and not self.consumption.restored

    def meter(self, meter: str) -> Meter | None:
        """The meter of that number, or the first."""
        snapshot = self.snapshot
        if snapshot is None:
            return None
        return snapshot.meter(meter) or next(iter(snapshot.meters), None)

    def month(self, meter: str) -> MonthCost | None:
        """What the month of a meter costs; None if not known."""
        snapshot = None if self.consumption is None else self.consumption.snapshot
        if snapshot is None:
            return None
        several = (*snapshot.months, *([snapshot.month] if snapshot.month is not None else ()))
        return next((month for month in several if month.meter == meter), None)

    def kept(self, meter: str, stretch: Stretch) -> tuple[Point, ...]:
        """What the feed already holds of a stretch."""
        snapshot = None if self.consumption is None else self.consumption.snapshot
        if snapshot is None or stretch.period is Period.MONTH:
            return ()
        start, end = stretch.edges[0], stretch.edges[-1]
        return tuple(point for point in snapshot.points(meter, stretch.period) if start <= point.start < end)


# Meters


def meter_rows(account: Account, now: datetime, marks: Glyphs = UNICODE) -> list[Row]:
    """The meter table, in the portal's order."""
    snapshot = account.snapshot
    return [] if snapshot is None else [_meter_row(meter, account, now, marks) for meter in snapshot.meters]


def _meter_row(meter: Meter, account: Account, now: datetime, marks: Glyphs) -> Row:
    month = account.month(meter.number)
    credit = meter.credit_bnd
    cells: tuple[Span, ...] = (
        (clean(meter.number, 20), TEXT),
        (kind_words(meter.kind), "label"),
        (status_words(meter) or UNKNOWN, TEXT if meter.active else "severity-medium"),
        (remaining_words(meter, marks), TEXT),
        (number(credit, 2), "severity-high" if credit is not None and credit < 0 else TEXT),
        left_span(meter, month.projection if month else None, now),
        (heard_words(meter, now), MUTED),
    )
    return Row(meter.number, cells)


def status_words(meter: Meter, limit: int = 20) -> str:
    """The portal's word for how a meter is, in the language in use if it is the usual one; empty if not shown."""
    return tr_as("meter", "active") if meter.active else clean(meter.status, limit).lower()


def remaining_words(meter: Meter, marks: Glyphs = UNICODE) -> str:
    """`1 971.3 kWh`, units padded so that the points stand below each other."""
    if meter.remaining_unit is None:
        return UNKNOWN
    return f"{number(meter.remaining_unit, 1)} {unit_words(meter.unit, marks):<3}"


def heard_words(meter: Meter, now: datetime) -> str:
    """How long ago the portal heard of the meter; of a bare date no more than the day."""
    if meter.updated_at is None:
        return UNKNOWN
    if meter.updated_date_only:
        return tr_as("heard of", "today") if heard_today(meter, now) else tr("{days} d", days=_days_ago(meter, now))
    return age(max(0.0, (now - meter.updated_at).total_seconds()) // 60 * 60)


def heard_today(meter: Meter, now: datetime) -> bool:
    """The portal shows a bare date, and it is today's."""
    return meter.updated_date_only and _days_ago(meter, now) <= 0


def _days_ago(meter: Meter, now: datetime) -> int:
    heard = meter.updated_at or now
    return (now.astimezone(BRUNEI).date() - heard.astimezone(BRUNEI).date()).days


def no_meters_words(account: Account) -> str:
    """What an empty table says: why it is empty, and what to do."""
    if account.snapshot is not None:
        return tr("The portal shows no meter for this account. If there should be one, ask USMS; r looks again.")
    link = account.meters.link if account.meters is not None else Link.WAITING
    return {
        Link.REFUSED: tr("No data: the portal wants a login. Press l."),
        Link.DOWN: tr("No data: the portal does not answer. wattdeck keeps trying."),
        Link.STALE: tr("No data: the last look failed. wattdeck keeps trying."),
    }.get(link, tr("Waiting for the portal's first answer."))


def trouble(account: Account, now: datetime, width: int, marks: Glyphs) -> list[Line]:
    """What is wrong and what to do about it; nothing while all is well."""
    readings: list[Reading[Any]] = [one for one in (account.meters, account.consumption) if one is not None]
    ill = [one for one in readings if one.problem] or [
        one for one in readings[:1] if one.link is not Link.LIVE and one.snapshot is None
    ]
    if not ill:
        return []
    if any(one.link is Link.REFUSED for one in ill):
        refused = next(one for one in ill if one.link is Link.REFUSED)
        wanted = tr("The portal wants a login: press l.")
        words: Line = ((f" {link_span(refused, now, marks)[0]}", "link-refused"), (f"  {wanted}", TEXT))
        reason = f" {refused.problem}"
        return [words, *wrap_lines(reason, width, 2, MUTED)]
    lines: list[Line] = []
    for one in {reading.problem: reading for reading in reversed(ill)}.values():
        lines += link_lines(one, now, width, marks, most=2)
    return lines[:3]


def about_lines(
    meter: Meter | None,
    account: Account,
    page: TopUpPage | None,
    progress: tuple[int, int] | None,
    width: int,
    marks: Glyphs = UNICODE,
) -> list[Line]:
    """Everything known of one meter beside its consumption."""
    if meter is None:
        return progress_lines(progress, width, marks)
    lines: list[Line] = [((meter_words(meter), "heading"),)]
    snapshot = account.snapshot

    def fact(label: str, value: str, meaning: str = TEXT) -> None:
        if value:
            first, *rest = wrap(value, width - 11, meaning)
            lines.append(((f"{label:<11}", "label"), *first))
            lines.extend(((" " * 11, TEXT), *more) for more in rest[:2])

    fact(tr("account"), clean(snapshot.account_name, 80) if snapshot else "")
    fact(tr("address"), ", ".join(filter(None, (clean(meter.address), clean(meter.kampong)))))
    fact("", ", ".join(filter(None, (clean(meter.mukim), clean(meter.district), clean(meter.postcode)))))
    fact(tr("status"), status_words(meter, 40) or UNKNOWN, TEXT if meter.active else "severity-medium")
    fact(tr("remaining"), tr("not shown by the portal just now") if meter.remaining_unit is None else
         f"{number(meter.remaining_unit, 3)} {unit_words(meter.unit, marks)}")  # fmt: skip
    fact(tr("credit"), money(meter.credit_bnd), "severity-high" if (meter.credit_bnd or 0) < 0 else TEXT)
    fact(tr("heard of"), _moment(meter.updated_at, meter.updated_date_only))
    lines += [((words, "label"),) for words in page_words(page)]
    more = progress_lines(progress, width, marks)
    return [*lines, (), *more] if more else lines


def progress_lines(progress: tuple[int, int] | None, width: int, marks: Glyphs = UNICODE) -> list[Line]:
    """How far reading the past has come, with a bar."""
    if progress is None or progress[1] <= 0:
        return []
    room = max(4, min(20, width - 24))
    share = _share(progress)
    filled = bar(share, room, marks)
    title = tr("Reading history")
    line: Line = ((f"{title} ", "label"), (f"{filled:<{room}}", "bar-load"), (f" {number(share * 100)} %", TEXT))
    return [line, ((tr("{done} of {in_all} days", done=number(progress[0]), in_all=number(progress[1])), MUTED),)]


def progress_words(progress: tuple[int, int] | None) -> str:
    """The same in one line of words; empty while nothing is read."""
    if progress is None or progress[1] <= 0:
        return ""
    share = number(_share(progress) * 100)
    return tr("Reading history: {done} of {in_all} days, {percent} %.", done=number(progress[0]),
              in_all=number(progress[1]), percent=share)  # fmt: skip


def _share(progress: tuple[int, int]) -> float:
    return max(0.0, min(1.0, progress[0] / progress[1]))


# Top-ups


def top_up_rows(top_ups: Sequence[TopUp]) -> list[Row]:
    """Purchases, newest first."""
    rows = []
    for index, top_up in enumerate(top_ups):
        cells: tuple[Span, ...] = (
            (_moment(top_up.at, False), TEXT),
            (number(top_up.amount_bnd, 2), "heading"),
            (number(top_up.cleared_debt_bnd, 2), TEXT if top_up.cleared_debt_bnd else MUTED),
            (number(top_up.recharge_bnd, 2), TEXT),
            (number(top_up.units, 2), TEXT),
            (clean(top_up.site, 60), TEXT),
            (clean(top_up.mode, 40), "label"),
            (clean(top_up.transaction, 40), MUTED),
        )
        rows.append(Row(f"{index}:{top_up.transaction}", cells))
    return rows


def page_words(page: TopUpPage | None) -> list[str]:
    """Customer and debt, in sentences."""
    if page is None:
        return []
    words = [tr("Customer: {kind}.", kind=clean(page.customer_type, 40))] if page.customer_type else []
    if not page.has_debt:
        return [*words, tr("No debt.")]
    words.append(tr("Debt {total}, of which {rest} remain.", total=money(page.total_debt_bnd),
                    rest=money(page.debt_remaining_bnd)))  # fmt: skip
    time = clean(page.repayment_period, 40).strip(" -")
    monthly = tr("{amount} a month", amount=money(page.monthly_debt_bnd)) if page.monthly_debt_bnd else ""
    if time or monthly:
        words.append(tr("Repaid: {how}.", how=", ".join(filter(None, (monthly, time)))))
    return words


def _moment(at: datetime | None, date_only: bool) -> str:
    """`2026-10-13 17:30`, by Brunei's clock."""
    if at is None:
        return UNKNOWN
    local = at.astimezone(BRUNEI)
    return date_text(local.date()) if date_only else moment_text(local)


def chart_words(meter: Meter, stretch: Stretch, failed: str, asking: bool, refused: bool, now: datetime) -> str:
    """What stands in place of a chart without values: why there is none, and what to do."""
    if meter.kind is Kind.WATER and stretch.period is Period.HOUR:
        return tr("Water has no hours: the portal counts it once a day. ] shows its days.")
    when = stretch.words
    if asking:
        return tr("Reading {when} ...", when=when)
    if failed:
        return failed
    if refused:
        return tr("No values of {when} are kept, and the portal wants a login: press l.", when=when)
    if stretch.running(now):
        return tr("There are no values for {when} yet. Left shows what came before.", when=when)
    return tr("The portal has no values for {when}. Left shows what came before, right what came after.", when=when)


def first_lines(readings: Sequence[Reading[Any]], now: datetime, width: int, marks: Glyphs) -> list[Line]:
    """Trouble and meters as the screen will show them."""
    account = Account.of(readings)
    places = arrange(COLUMNS, width)
    lines = [*trouble(account, now, width, marks), ((titles(places), "label"),)]
    rows = meter_rows(account, now, marks)
    if not rows:
        return [*lines, ((f"  {no_meters_words(account)}", MUTED),)]
    lines += [((" ", TEXT), *cells_line(row.cells, places)) for row in rows]
    return lines
