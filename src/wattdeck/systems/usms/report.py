"""An account in plain text, for logs and mails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from wattdeck.core.dates import day_words
from wattdeck.core.language import tr
from wattdeck.core.lines import plain
from wattdeck.core.link import link_span
from wattdeck.core.reading import Reading
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, age, number
from wattdeck.systems.usms.costs import cost_lines, money
from wattdeck.systems.usms.models import ConsumptionSnapshot, Meter, Period
from wattdeck.systems.usms.present import Account, heard_today, heard_words, status_words
from wattdeck.systems.usms.walk import kind_words, unit_words

WIDTH = 100
"""Sentences are broken at this."""


def text_lines(readings: Sequence[Reading[Any]], now: datetime) -> list[str]:
    """The account in a log or a mail: every number with its unit, every section with its age."""
    account = Account.of(readings)
    out: list[str] = []
    for reading in readings:
        out.append(f"{reading.source}  {reading.feed}  {link_span(reading, now, UNICODE)[0]}")
        if reading.problem:
            out.append(tr("  problem: {words}", words=reading.problem))
        if reading.snapshot is None:
            out += [] if reading.problem else [tr("  no answer yet")]
        elif reading is account.meters:
            out += _meter_lines(account, now)
        elif reading is account.consumption:
            out += _consumption_lines(account, now)
    return out


def _meter_lines(account: Account, now: datetime) -> Iterator[str]:
    snapshot = account.snapshot
    if snapshot is None or not snapshot.meters:
        yield tr("  no meter")
        return
    if snapshot.account_name:
        yield tr("  account {name}", name=clean(snapshot.account_name, 80))
    for meter in snapshot.meters:
        unit = unit_words(meter.unit)
        left = tr("not shown") if meter.remaining_unit is None else f"{number(meter.remaining_unit, 3)} {unit}"
        words = tr("{status}, remaining {left}, credit {credit}, {heard}", left=left, credit=money(meter.credit_bnd),
                   status=status_words(meter) or tr("status not shown"), heard=_heard(meter, now))  # fmt: skip
        yield f"  {kind_words(meter.kind):<11} {clean(meter.number, 20):<10} {words}"


def _heard(meter: Meter, now: datetime) -> str:
    if meter.updated_at is None:
        return tr("age not shown")
    if heard_today(meter, now):
        return tr("heard of today")
    return tr("heard of {age} ago", age=heard_words(meter, now))


def _consumption_lines(account: Account, now: datetime) -> Iterator[str]:
    snapshot = account.consumption.snapshot if account.consumption else None
    meters = account.snapshot.meters if account.snapshot else ()
    for meter in meters:
        month = account.month(meter.number)
        if snapshot is not None:
            yield from _last_lines(meter, snapshot, now)
        if month is not None:
            name = f"{kind_words(meter.kind)} {clean(meter.number, 20)}"
            yield tr("  {meter}, month of {month}", meter=name, month=f"{month.start:%Y-%m}")
            for line in plain(cost_lines(meter, month, now, WIDTH)).splitlines():
                yield f"   {' '.join(line.split())}"


def _last_lines(meter: Meter, snapshot: ConsumptionSnapshot, now: datetime) -> Iterator[str]:
    unit = unit_words(meter.unit)
    for period in (Period.HOUR, Period.DAY):
        known = [point for point in snapshot.points(meter.number, period) if point.value is not None]
        if known:
            last = known[-1]
            day = day_words(last.start.date())
            start = f"{day} {last.start:%H:%M}" if period is Period.HOUR else day
            ended = last.start + (timedelta(hours=1) if period is Period.HOUR else timedelta(days=1))
            values = {
                "meter": f"{kind_words(meter.kind)} {clean(meter.number, 20)}",
                "amount": f"{number(last.value, 3)} {unit}",
                "start": start,
                "age": age(max(0.0, (now - ended).total_seconds())),
            }
            if period is Period.HOUR:
                yield tr("  {meter}, last hour: {amount} ({start}, {age} ago)", **values)
            else:
                yield tr("  {meter}, last day: {amount} ({start}, {age} ago)", **values)
