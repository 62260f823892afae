"""An agent's migrations in plain text, for logs and mails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

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
            out.append(f"  problem: {reading.problem}")
        if isinstance(reading.snapshot, MigrationsSnapshot):
            out += _snapshot_lines(reading.snapshot, now.astimezone(BRASILIA).date())
        elif not reading.problem:
            out.append("  no answer yet")
    return out


def _snapshot_lines(snapshot: MigrationsSnapshot, today: date) -> Iterator[str]:
    months = f"{snapshot.first_month} to {snapshot.last_month}"
    cut = "" if snapshot.complete else ", not all of them"
    yield f"  {len(snapshot.migrations)} migrations, reference months {months}{cut}"
    by_status: Counter[str] = Counter()
    for each in snapshot.counts:
        by_status[each.status] += each.count
    for status, count in islice(by_status.items(), MOST_STATUSES):
        months_of = [each for each in snapshot.counts if each.status == status]
        shown = ", ".join(f"{each.reference_month or 'month not known'}: {each.count}" for each in months_of[:24])
        yield f"  {clean(status, 20):<10} {count:>6}   {shown}"
    if len(by_status) > MOST_STATUSES:
        yield f"  and {len(by_status) - MOST_STATUSES} more statuses"
    calendar = Calendar()
    waiting = sorted(
        (each for each in snapshot.migrations if each.deadline is not None), key=lambda each: each.deadline or today
    )
    for migration in waiting[:MOST_NAMED]:
        yield f"  answer {_due(deadline_words(migration.deadline, today, calendar))}: {_named(migration)}"
    if len(waiting) > MOST_NAMED:
        yield f"  and {len(waiting) - MOST_NAMED} more that wait for the utility"
    refused = [each for each in snapshot.migrations if each.status == Status.REJECTED]
    for migration in refused[:MOST_NAMED]:
        yield f"  refused: {_named(migration)}: {clean(migration.justification, 120) or 'no reason given'}"
    if len(refused) > MOST_NAMED:
        yield f"  and {len(refused) - MOST_NAMED} more that were refused"
    units = sorted(duplicates(snapshot.migrations))
    for unit in units[:MOST_NAMED]:
        yield f"  duplicate: {format_unit_code(clean(unit, 24))} has more than one active migration"
    if len(units) > MOST_NAMED:
        yield f"  and {len(units) - MOST_NAMED} more units with more than one"


def _due(words: str) -> str:
    """`2 business days` as the end of a sentence."""
    if words.startswith("overdue"):
        return words
    return f"due {words}" if words == "today" else f"due in {words}"


def _named(migration: Migration) -> str:
    return (
        f"{format_unit_code(clean(migration.consumer_unit_code, 24))} for {migration.reference_month}, "
        f"utility {migration.utility_agent_code}, profile {migration.retailer_profile_code}"
    )
