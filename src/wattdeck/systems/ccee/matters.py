"""What matters of one agent in the fewest words: answers overdue and due, what waits, what was refused lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from wattdeck.core.language import manner, plural, tr, tr_as
from wattdeck.core.matters import Figure, Matters
from wattdeck.core.reading import Reading
from wattdeck.core.units import number
from wattdeck.systems.ccee.models import BRASILIA, MigrationsSnapshot, Status, duplicates
from wattdeck.systems.ccee.rules import brasilia_date

FEED = "migrations"
RECENT_DAYS = 7
"""A refusal is news for so long, the utility's day counted."""
MOST_KEPT = 64
"""Sources whose figures are remembered."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The numbers that matter of a list on a day."""

    overdue: int
    """Answers that should have come before this day."""
    due: int
    """Answers that are due on this day."""
    next_due: date | None
    """When the next answer after this day is due; None if none is."""
    waiting: int
    """Migrations that wait for their utility."""
    refused: int
    """Migrations refused in the last `RECENT_DAYS`."""
    twice: int
    """Units with more than one active migration."""


def tally(snapshot: MigrationsSnapshot, today: date) -> Tally:
    """Count what matters; `today` is a day in Brasília."""
    overdue = due = waiting = refused = 0
    next_due: date | None = None
    oldest, waits, rejected = today - timedelta(days=RECENT_DAYS - 1), Status.CREATED.value, Status.REJECTED.value
    for each in snapshot.migrations:
        if each.status == waits:
            waiting += 1
            deadline = each.deadline
            if deadline is None:
                continue
            if deadline < today:
                overdue += 1
            elif deadline == today:
                due += 1
            elif next_due is None or deadline < next_due:
                next_due = deadline
        elif each.status == rejected and each.validated_at is not None:
            refused += oldest <= brasilia_date(each.validated_at) <= today
    return Tally(overdue, due, next_due, waiting, refused, len(duplicates(snapshot.migrations)))


_kept: dict[str, tuple[MigrationsSnapshot, date, Tally]] = {}
"""Source -> its last tally, and of what: the overview asks at every paint, and lists are long."""


def matters(readings: Sequence[Reading[Any]], now: datetime) -> Matters:
    """An agent's figures; none while its first list is still arriving, because half a list would look like all."""
    reading = next((each for each in readings if each.feed == FEED), None)
    snapshot = None if reading is None else reading.snapshot
    if reading is None or not isinstance(snapshot, MigrationsSnapshot) or reading.taken_at is None:
        return Matters()
    today = now.astimezone(BRASILIA).date()
    kept = _kept.get(reading.source)
    if kept is None or kept[0] is not snapshot or kept[1] != today:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        kept = _kept[reading.source] = snapshot, today, tally(snapshot, today)
    return Matters(_figures(kept[2]), "open")


def _figures(found: Tally) -> list[Figure]:
    """Most pressing first; the first one alone says that it is about answers, as the line has no room for more."""
    figures: list[Figure] = []
    if found.overdue:
        words = plural("{count} answer overdue", "{count} answers overdue", found.overdue, count=number(found.overdue))
        figures.append(Figure(tr("Answers overdue"), number(found.overdue), words, "severity-high"))
    if found.due:
        count = number(found.due)
        words = (
            tr("{count} due today", count=count)
            if figures
            else plural("{count} answer due today", "{count} answers due today", found.due, count=count)
        )
        figures.append(Figure(tr("Answers due today"), count, words, "severity-medium"))
    if not figures and found.next_due is not None:
        day = found.next_due.strftime(manner().day)
        figures.append(Figure(tr("Next answer due"), day, tr("next answer {day}", day=day)))
    waiting = number(found.waiting)
    words = (
        plural("{count} open", "{count} open", found.waiting, count=waiting) if found.waiting else tr("nothing open")
    )
    figures.append(Figure(tr_as("migrations", "Open"), waiting, words))
    if found.twice:
        count = number(found.twice)
        words = plural("{count} unit twice", "{count} units twice", found.twice, count=count)
        figures.append(Figure(tr("Units asked for twice"), count, words, "severity-medium"))
    if found.refused:
        count = number(found.refused)
        words = plural("{count} refused", "{count} refused", found.refused, count=count)
        figures.append(Figure(tr("Refused in 7 days"), count, words, "label"))
    return figures
