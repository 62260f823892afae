"""An agent's migrations in plain text, for logs and mails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

from wattdeck.core.language import plural, tr
from wattdeck.core.link import link_span
from wattdeck.core.reading import Reading
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE
from wattdeck.systems.ccee.documents import format_unit_code
from wattdeck.systems.ccee.models import BRASILIA, Migration, MigrationsSnapshot, Status, duplicates
from wattdeck.systems.ccee.rules import Calendar, deadline_words

MOST_NAMED = 20
"""Migrations listed one by one; the JSON has them all."""
MOST_STATUSES = 12
"""CCEE has six; what sends more of them need not fill a log."""


def text_lines(readings: Sequence[Reading[Any]], now: datetime) -> list[str]:
    """The agent in a log or a mail: counts, what is due, what was refused; every number with its meaning."""
    out: list[str] = []
    for reading in readings:
        out.append(f"{reading.source}  {reading.feed}  {link_span(reading, now, UNICODE)[0]}")
        if reading.problem:
            out.append(f"  {tr('problem: {reason}', reason=reading.problem)}")
        if isinstance(reading.snapshot, MigrationsSnapshot):
            out += _snapshot_lines(reading.snapshot, now.astimezone(BRASILIA).date())
        elif not reading.problem:
            out.append(f"  {tr('no answer yet')}")
    return out


def _snapshot_lines(snapshot: MigrationsSnapshot, today: date) -> Iterator[str]:
    words = plural("{count} migrations, reference months {first} to {last}",
                   "{count} migrations, reference months {first} to {last}", len(snapshot.migrations),
                   first=snapshot.first_month, last=snapshot.last_month)  # fmt: skip
    yield f"  {words}" + ("" if snapshot.complete else f", {tr('not all of them')}")
    by_status: Counter[str] = Counter()
    for each in snapshot.counts:
        by_status[each.status] += each.count
    for status, count in islice(by_status.items(), MOST_STATUSES):
        months_of = [each for each in snapshot.counts if each.status == status]
        shown = ", ".join(f"{each.reference_month or tr('month not known')}: {each.count}" for each in months_of[:24])
        yield f"  {clean(status, 20):<10} {count:>6}   {shown}"
    if len(by_status) > MOST_STATUSES:
        yield f"  {tr('and {count} more statuses', count=len(by_status) - MOST_STATUSES)}"
    calendar = Calendar()
    waiting = sorted(
        (each for each in snapshot.migrations if each.deadline is not None), key=lambda each: each.deadline or today
    )
    for migration in waiting[:MOST_NAMED]:
        yield f"  {_due(migration.deadline or today, today, calendar)}: {_named(migration)}"
    if len(waiting) > MOST_NAMED:
        yield f"  {tr('and {count} more that wait for the utility', count=len(waiting) - MOST_NAMED)}"
    refused = [each for each in snapshot.migrations if each.status == Status.REJECTED]
    for migration in refused[:MOST_NAMED]:
        why = clean(migration.justification, 120) or tr("no reason given")
        yield f"  {tr('refused: {which}: {why}', which=_named(migration), why=why)}"
    if len(refused) > MOST_NAMED:
        yield f"  {tr('and {count} more that were refused', count=len(refused) - MOST_NAMED)}"
    units = sorted(duplicates(snapshot.migrations))
    for unit in units[:MOST_NAMED]:
        shown = format_unit_code(clean(unit, 24))
        yield f"  {tr('duplicate: {unit} has more than one active migration', unit=shown)}"
    if len(units) > MOST_NAMED:
        yield f"  {tr('and {count} more units with more than one', count=len(units) - MOST_NAMED)}"


def _due(deadline: date, today: date, calendar: Calendar) -> str:
    """`answer due in 2 business days`."""
    words = deadline_words(deadline, today, calendar)
    if deadline < today:
        return tr("answer {overdue}", overdue=words)
    return tr("answer due today") if deadline == today else tr("answer due in {days}", days=words)


def _named(migration: Migration) -> str:
    return tr("{unit} for {month}, utility {utility}, profile {profile}",
              unit=format_unit_code(clean(migration.consumer_unit_code, 24)), month=migration.reference_month,
              utility=migration.utility_agent_code, profile=migration.retailer_profile_code)  # fmt: skip
