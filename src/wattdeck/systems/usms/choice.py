"""Which meter and which days a person means."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from wattdeck.core.errors import SourceError, UsageError
from wattdeck.core.language import tr
from wattdeck.systems.usms.models import AccountSnapshot, Meter, Period

DAYS_MAX = 400
"""Most days one call reads, so that a slip of the year does not keep the portal busy for hours."""


def find_meter(account: AccountSnapshot, text: str) -> Meter:
    """The one meter a person means by its number, its last digits, or its kind.

    Raises:
        UsageError: none fits, or more than one does; lists what there is.
        SourceError: the account has no meter.
    """
    if not account.meters:
        raise SourceError(tr("the account shows no meter"))
    for fits in (
        lambda meter: meter.number == text,
        lambda meter: str(meter.kind) == text.lower(),
        lambda meter: len(text) >= 3 and meter.number.endswith(text),
    ):
        found = [meter for meter in account.meters if fits(meter)]
        if len(found) == 1:
            return found[0]
        if found:
            break
    known = ", ".join(f"{meter.number} ({meter.kind})" for meter in account.meters)
    if found:
        raise UsageError(tr("{text!r} is more than one meter; there are: {known}", text=text, known=known))
    raise UsageError(tr("{text!r} is no meter; there are: {known}", text=text, known=known))


def span_of(days: tuple[date | None, date | None], period: Period, today: date) -> tuple[date, date]:
    """The days a person asked for, filled up: today by the hour, this month by the day.

    Raises:
        UsageError: they are in the future, the wrong way round, or too many.
    """
    last = days[1] or today
    first = days[0] or (last if period is Period.HOUR else last.replace(day=1))
    if first > last:
        raise UsageError(tr("--from {first} is after --to {last}", first=first, last=last))
    if last > today:
        raise UsageError(tr("--to {last} is in the future; in Brunei it is {today}", last=last, today=today))
    if (last - first).days >= DAYS_MAX:
        raise UsageError(tr("from {first} to {last} are more than {count} days; ask for less at a time", first=first,
                            last=last, count=DAYS_MAX))  # fmt: skip
    return first, last


def starts(first: date, last: date, period: Period) -> Sequence[date]:
    """What to ask for: each day, or a day of each month."""
    if period is Period.HOUR:
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]
    out, at = [], first.replace(day=1)
    while at <= last:
        out.append(at)
        at = (at + timedelta(days=31)).replace(day=1)
    return out
