"""When an agent's migrations need a person: answers due or overdue, refusals, units asked for twice.

A retailer may have thousands of migrations, so that an alarm for each would be a flood. Answers are one alarm for
each day they are due: it is one round of calls, and no answer joins a day after the fact, so that an acknowledged
alarm hides nothing new. Refusals and units asked for twice need work one by one and may join at any time: they are
alarms of their own up to `MOST_SINGLE`, and one more for all the others.

A refusal is active while it is younger than `refused_days` and its unit has no active migration: creating it again
ends the alarm, and so does time, for whoever decides to let it be. One without a date counts from the day this watch
first saw it, and not at all if it was there when the watch began.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from wattdeck.core import language
from wattdeck.core.alarm import AlarmRule, Condition, Priority
from wattdeck.core.dates import date_text
from wattdeck.core.language import later, plural, tr
from wattdeck.core.reading import Link, Reading
from wattdeck.core.text import clean
from wattdeck.core.units import UNKNOWN, number
from wattdeck.systems.ccee.bizdays import Calendar
from wattdeck.systems.ccee.documents import format_unit_code
from wattdeck.systems.ccee.errors import masked
from wattdeck.systems.ccee.models import Migration, MigrationsSnapshot, Status, duplicates
from wattdeck.systems.ccee.rules import brasilia_date

if TYPE_CHECKING:
    from wattdeck.systems.ccee.config import CceeConfig

FEED = "migrations"
MOST_DAYS = 5
"""Days with overdue answers that are an alarm each; older ones are one together."""
MOST_SINGLE = 10
"""Refusals, and units asked for twice, that are an alarm each; the others are one together."""
NAMED = 3
"""Units named in the words of an alarm about several."""
OTHERS = "others"
"""Object of the alarm about all that have none of their own. No day, id or unit is called so."""
BLINK_S = 600.0
"""A row may be missing from one list, because rows move between pages while they are read: two lists, s."""

OVERDUE, DUE, REFUSED, TWICE = "ccee.answer-overdue", "ccee.answer-due", "ccee.refused", "ccee.duplicate"
RULES = (
    AlarmRule(
        OVERDUE, Priority.HIGH, later("Utility's answer overdue"),
        later("CCEE may complete the migration by itself, with data of its own choosing, or it misses its month."),
        later("Ask the utility for its answer now; if it will not come in time, move the migration to a later month."),
        off_delay_s=BLINK_S,
    ),
    AlarmRule(
        DUE, Priority.MEDIUM, later("Utility's answer due"),
        later("Without an answer in time the migration is overdue and its month is at risk."),
        later("Remind the utility today."),
        off_delay_s=BLINK_S,
    ),
    AlarmRule(
        REFUSED, Priority.MEDIUM, later("Migration refused"),
        later("The consumer unit stays in the regulated market until it is asked for again."),
        later("Read the justification, correct what it names and create the migration again."),
        off_delay_s=BLINK_S,
    ),
    AlarmRule(
        TWICE, Priority.MEDIUM, later("Consumer unit asked for twice"),
        later("CCEE allows one active migration of a unit: one of them will fail, perhaps the right one."),
        later("Compare them, and cancel the wrong one while it still waits for the utility."),
        off_delay_s=BLINK_S,
    ),
)  # fmt: skip


class CceeWatch:
    """Looks at one agent's list. While the list is old or not whole, what was the case is said to be unknown."""

    def __init__(self, config: CceeConfig) -> None:
        self._settings = config.alarms
        self._calendar = Calendar(config.extra_holidays)
        self._first_seen: dict[str, date | None] = {}
        """Refused migrations -> the day they were first seen so; None for those that were there at the beginning."""
        self._begun = False
        self._looked_at: tuple[object, date, str] | None = None
        self._found: tuple[Condition, ...] = ()

    def look(self, readings: Sequence[Reading[Any]], now: datetime) -> Sequence[Condition]:
        """Every alarm there is; unknown for those there were, while the list is old or still arriving."""
        reading = next((each for each in readings if each.feed == FEED), None)
        snapshot = None if reading is None else reading.snapshot
        if reading is None or reading.link is not Link.LIVE or not isinstance(snapshot, MigrationsSnapshot):
            return tuple(replace(each, active=None) for each in self._found)
        today = brasilia_date(now)
        asked = self._looked_at
        if asked is None or asked[0] is not snapshot or asked[1:] != (today, language.current()):
            self._found = tuple(self._conditions(snapshot.migrations, today))
            self._looked_at = snapshot, today, language.current()
        return self._found

    def _conditions(self, migrations: Sequence[Migration], today: date) -> Iterator[Condition]:
        yield from self._answers(migrations, today)
        yield from self._refusals(migrations, today)
        yield from _twice(migrations)

    def _answers(self, migrations: Sequence[Migration], today: date) -> Iterator[Condition]:
        """One alarm a day: overdue ones the newest first, then those that are due soon."""
        days: defaultdict[date, list[Migration]] = defaultdict(list)
        ahead = self._settings.due_business_days
        limit = self._calendar.add_business_days(today, ahead) if ahead else today
        for each in migrations:
            if each.status == _WAITING and each.deadline is not None and each.deadline <= limit:
                days[each.deadline].append(each)
        late = sorted((day for day in days if day < today), reverse=True)
        for day in late[:MOST_DAYS]:
            yield _due(OVERDUE, day, days[day], _late_words(len(days[day]), day))
        older = [each for day in late[MOST_DAYS:] for each in days[day]]
        if older:
            words = _late_words(len(older), late[-1])
            yield Condition(OVERDUE, OTHERS, tr("older answers"), True, words=words + _named(older))
        for day in sorted(day for day in days if day >= today):
            yield _due(DUE, day, days[day], _soon_words(len(days[day]), day, today))

    def _refusals(self, migrations: Sequence[Migration], today: date) -> Iterator[Condition]:
        """The newest refusals of units that nobody has asked for again."""
        refused = [each for each in migrations if each.status == _REFUSED]
        begun, self._begun = self._begun, True
        seen = self._first_seen
        first = today if begun else None
        self._first_seen = {each.migration_id: seen.get(each.migration_id, first) for each in refused}
        if not refused:
            return
        oldest = today - timedelta(days=self._settings.refused_days - 1)
        days = ((self._refused_on(each, today), each) for each in refused)
        fresh = [(day, each) for day, each in days if day is not None and day >= oldest]
        units = {each.consumer_unit_code for _, each in fresh}
        again = {each.consumer_unit_code for each in migrations if each.consumer_unit_code in units and each.active}
        fresh = [(day, each) for day, each in fresh if each.consumer_unit_code not in again]
        fresh.sort(key=lambda pair: (pair[0].toordinal(), pair[1].migration_id), reverse=True)
        for day, each in fresh[:MOST_SINGLE]:
            yield Condition(REFUSED, clean(each.migration_id, 80), _unit(each), True, words=_refusal_words(each, day))
        rest = [each for _, each in fresh[MOST_SINGLE:]]
        if rest:
            count = number(len(rest))
            words = plural("{count} more refused migration", "{count} more refused migrations", len(rest), count=count)
            yield Condition(REFUSED, OTHERS, tr("other refusals"), True, words=words + _named(rest))

    def _refused_on(self, migration: Migration, today: date) -> date | None:
        """The day of the utility's answer; where it says none, or one that has not come, the day it was first seen."""
        said = None if migration.validated_at is None else brasilia_date(migration.validated_at)
        return said if said is not None and said <= today else self._first_seen[migration.migration_id]


_WAITING, _REFUSED = Status.CREATED.value, Status.REJECTED.value


def _twice(migrations: Sequence[Migration]) -> Iterator[Condition]:
    units = duplicates(migrations)
    if not units:
        return
    of_unit: defaultdict[str, list[Migration]] = defaultdict(list)
    for each in migrations:
        if each.active and each.consumer_unit_code in units:
            of_unit[each.consumer_unit_code].append(each)
    groups = [of_unit[unit] for unit in sorted(of_unit)]
    for group in groups[:MOST_SINGLE]:
        each_words = ", ".join(f"{each.reference_month or UNKNOWN} {clean(each.status, 20)}" for each in group[:NAMED])
        count = number(len(group))
        words = plural("{count} active migration: {which}", "{count} active migrations: {which}", len(group),
                       count=count, which=each_words + (" …" if len(group) > NAMED else ""))  # fmt: skip
        yield Condition(TWICE, clean(group[0].consumer_unit_code, 80), _unit(group[0]), True, words=words)
    rest = [group[0] for group in groups[MOST_SINGLE:]]
    if rest:
        count = number(len(rest))
        words = plural(
            "{count} more unit asked for twice", "{count} more units asked for twice", len(rest), count=count
        )
        yield Condition(TWICE, OTHERS, tr("other units"), True, words=words + _named(rest))


def _due(rule: str, day: date, migrations: Sequence[Migration], words: str) -> Condition:
    name = tr("answers of {day}", day=date_text(day))
    return Condition(rule, day.isoformat(), name, True, words=words + _named(migrations))


def _late_words(count: int, day: date) -> str:
    return plural("{count} answer was due on {day}", "{count} answers were due on {day}", count,
                  count=number(count), day=date_text(day))  # fmt: skip


def _soon_words(count: int, day: date, today: date) -> str:
    if day == today:
        return plural("{count} answer is due today", "{count} answers are due today", count, count=number(count))
    return plural("{count} answer is due on {day}", "{count} answers are due on {day}", count,
                  count=number(count), day=date_text(day))  # fmt: skip


def _refusal_words(migration: Migration, day: date) -> str:
    why = masked(migration.justification, 160) or tr("no reason given")
    utility = UNKNOWN if migration.utility_agent_code is None else str(migration.utility_agent_code)
    return tr("utility {utility} refused it on {day}: {why}", utility=utility, day=date_text(day), why=why)


def _named(migrations: Sequence[Migration]) -> str:
    """`: UC 0.013.479.258.028-10, ... and 5 more`."""
    names = ", ".join(_unit(each) for each in migrations[:NAMED])
    more = len(migrations) - NAMED
    return f": {names}" + (f" {tr('and {count} more', count=number(more))}" if more > 0 else "")


def _unit(migration: Migration) -> str:
    """Older codes of some utilities say themselves what they are."""
    code = format_unit_code(clean(migration.consumer_unit_code, 40)) or UNKNOWN
    return code if code.upper().startswith("UC") else f"UC {code}"
