"""What people read of a list of migrations: the table, and what is wrong. Knows no widget.

The figures above the table and of the summary page are in `summary`, everything of one migration is in `details`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from wattdeck.core.dates import date_text
from wattdeck.core.language import plural, tr, tr_as
from wattdeck.core.lines import MUTED, TEXT, Column, LazyRows, Line, Row, Span, arrange, cells_line, titles, wrap
from wattdeck.core.link import link_lines
from wattdeck.core.reading import Link, Reading
from wattdeck.core.text import clean
from wattdeck.core.units import UNICODE, UNKNOWN, Glyphs, bar, number
from wattdeck.systems.ccee.documents import format_document, format_unit_code, mask_document, mask_email
from wattdeck.systems.ccee.filters import Filter, Sort, month_words, ordered
from wattdeck.systems.ccee.models import BRASILIA, Migration, MigrationsSnapshot, Status
from wattdeck.systems.ccee.rules import brasilia_date, deadline_words
from wattdeck.systems.ccee.summary import FAR_YEARS, counts_line, deadlines_line

if TYPE_CHECKING:
    from wattdeck.systems.ccee.rules import Calendar

__all__ = ["COLUMNS", "Rows", "columns", "first_lines", "ordered", "row", "trouble"]

FEED = "migrations"
COLUMNS = (
    Column("status", "Status", 13, keep=12),
    Column("unit", "Consumer unit", 20, keep=13),
    Column("deadline", "Answer due", 19, keep=11),
    Column("month", "Month", 8, keep=10),
    Column("utility", "Utility", 8, right=True, keep=9),
    Column("profile", "Profile", 8, right=True, keep=8),
    Column("age", "Age bd", 7, right=True, keep=7),
    Column("requested", "Requested", 10, keep=6),
    Column("submarket", "Sub", 4, keep=5),
    Column("musd", "MUSD kW", 9, right=True, keep=4),
    Column("document", "Document", 18, keep=3),
    Column("email", "E-mail", 22, keep=2),
    Column("justification", "Justification", 20, flex=True, keep=1),
)
"""Of the table of migrations. `Age bd`: business days since the request, of those that wait for an answer."""
SORTED_COLUMNS = {
    "deadline": "deadline",
    "month": "month",
    "status": "status",
    "unit": "unit",
    "requested": "requested",
    "utility": "utility",
}
"""Order -> column that carries its mark."""
STATUS_MEANINGS = {
    Status.CREATED.value: "normal",
    Status.COMPLETED.value: "label",
    Status.REJECTED.value: "severity-medium",
    Status.CLOSED.value: MUTED,
    Status.CANCELLED.value: MUTED,
    Status.EXPIRED.value: "severity-medium",
}
"""Quiet when all is well. A state nobody has seen yet is worth a look."""


def columns(sort: Sort, marks: Glyphs = UNICODE) -> tuple[Column, ...]:
    """The table's columns, the sorted one marked. Two have more room than the same words in a form, or less."""
    from dataclasses import replace

    mark = marks.down_sort if sort.descending else marks.up
    key = SORTED_COLUMNS[sort.by]
    own = {"unit": tr_as("column", "Consumer unit"), "utility": tr_as("column", "Utility")}
    shown = (replace(each, title=own.get(each.key) or tr(each.title)) for each in COLUMNS)
    return tuple(replace(each, title=each.title + mark) if each.key == key else each for each in shown)


def status_span(status: str, marks: Glyphs = UNICODE) -> Span:
    """A state as glyph and word."""
    glyph = {
        Status.CREATED.value: marks.pending,
        Status.COMPLETED.value: marks.closed,
        Status.CLOSED.value: marks.open,
        Status.CANCELLED.value: marks.open,
        Status.REJECTED.value: marks.down,
        Status.EXPIRED.value: marks.down,
    }.get(status, "?")
    return f"{glyph} {clean(status, 20) or UNKNOWN}", STATUS_MEANINGS.get(status, "severity-low")


class Rows:
    """Makes the rows of a table, each when it is asked for.

    What depends on the day, the marks and whether numbers are masked is fixed here; a new day or wish is a new object.
    A migration that is the same object gets the same row again, so that a table finds at once what has not changed.
    """

    def __init__(
        self,
        today: date,
        calendar: Calendar | None = None,
        *,
        alerted: Collection[str] = (),
        masked: bool = True,
        marks: Glyphs = UNICODE,
    ) -> None:
        """`today` in Brasília. Without a calendar the deadline is a date, and there is no age. `alerted`: ids of
        migrations with an alert, which are marked."""
        self._today = today
        self._calendar = calendar
        self._alerted = alerted
        self._masked = masked
        self._marks = marks
        self._deadlines: dict[date | None, Span] = {None: ("", MUTED)}
        self._ages: dict[date, str] = {}
        self._statuses: dict[str, Span] = {}
        self._months: dict[str, str] = {}
        self._made: dict[str, tuple[Migration, Row]] = {}

    def row(self, migration: Migration) -> Row:
        """The row of one migration."""
        made = self._made.get(migration.migration_id)
        if made is not None and made[0] is migration:
            return made[1]
        row = Row(migration.migration_id, self._cells(migration))
        self._made[migration.migration_id] = migration, row
        return row

    def of(self, migrations: Sequence[Migration]) -> LazyRows:
        """The rows of migrations in their order, each made when it is looked at."""
        return LazyRows([each.migration_id for each in migrations], lambda index: self.row(migrations[index]))

    def deadline(self, deadline: date | None) -> Span:
        """A deadline in words, with how much it matters."""
        span = self._deadlines.get(deadline)
        if span is None and deadline is not None:
            span = self._deadlines[deadline] = deadline_span(deadline, self._today, self._calendar)
        return span or ("", MUTED)

    def age(self, migration: Migration) -> str:
        """Business days since the request, while the utility has not answered."""
        at = migration.requested_at
        if at is None or self._calendar is None or not migration.editable:
            return ""
        day = brasilia_date(at)
        words = self._ages.get(day)
        if words is None:
            far = abs(day.year - self._today.year) > FAR_YEARS
            age = None if far else self._calendar.business_days_between(day, self._today)
            words = self._ages[day] = number(age)
        return words

    def _cells(self, migration: Migration) -> tuple[Span, ...]:
        status = self._statuses.get(migration.status)
        if status is None:
            status = self._statuses[migration.status] = status_span(migration.status, self._marks)
        if migration.migration_id in self._alerted:
            # The word still says the state.
            status = f"! {status[0].partition(' ')[2]}", "severity-medium"
        month = self._months.get(migration.reference_month)
        if month is None:
            month = self._months[migration.reference_month] = month_words(migration.reference_month) or UNKNOWN
        at = migration.requested_at
        return (
            status,
            (unit_words(migration), TEXT),
            self.deadline(migration.deadline),
            (month, TEXT),
            (code_words(migration.utility_agent_code), "label"),
            (code_words(migration.retailer_profile_code), "label"),
            (self.age(migration), "label"),
            (UNKNOWN if at is None else date_text(brasilia_date(at)), "label"),
            (clean(migration.submarket, 20) or UNKNOWN, "label"),
            (musd_words(migration.musd_value), TEXT),
            (document_words(migration, masked=self._masked), MUTED),
            (email_words(migration.email, masked=self._masked), MUTED),
            (clean(migration.justification, 120), "label"),
        )


def row(
    migration: Migration,
    today: date,
    calendar: Calendar | None = None,
    *,
    masked: bool = True,
    marks: Glyphs = UNICODE,
) -> Row:
    """One row by itself."""
    return Rows(today, calendar, masked=masked, marks=marks).row(migration)


def deadline_span(deadline: date, today: date, calendar: Calendar | None) -> Span:
    """`2 business days`, `today`, `overdue 1 day`, and how much it matters; a date where no calendar is at hand."""
    meaning = "severity-high" if deadline < today else "severity-medium" if deadline == today else TEXT
    if calendar is not None and abs(deadline.year - today.year) <= FAR_YEARS:
        return deadline_words(deadline, today, calendar), meaning
    if deadline == today:
        return tr("today"), meaning
    day = date_text(deadline)
    return (tr("overdue, {day}", day=day) if deadline < today else tr("by {day}", day=day)), meaning


def unit_words(migration: Migration) -> str:
    """The unit's code as it is printed on bills."""
    return format_unit_code(clean(migration.consumer_unit_code, 40)) or UNKNOWN


def code_words(code: int | None) -> str:
    """An agent's or a profile's code, without spaces between its digits."""
    return UNKNOWN if code is None else str(code)


def musd_words(value: float | None) -> str:
    """Contracted demand, kW."""
    return number(value, 1)


def document_words(migration: Migration, *, masked: bool) -> str:
    """Kind and number, or what there is of them."""
    text = clean(migration.document_number, 40)
    if not text:
        return clean(migration.document_type, 10) or UNKNOWN
    return mask_document(text) if masked else format_document(text)


def email_words(email: str, *, masked: bool) -> str:
    """An address, or its first letter and domain."""
    text = clean(email, 120)
    return (mask_email(text) if masked else text) or UNKNOWN


# The list as a whole


def list_reading(readings: Sequence[Reading[Any]]) -> Reading[MigrationsSnapshot] | None:
    """The reading of the list among those of a source."""
    return next((reading for reading in readings if reading.feed == FEED), None)


def brasilia_day(now: datetime) -> date:
    """The day by which deadlines are reckoned."""
    return now.astimezone(BRASILIA).date()


def trouble(readings: Sequence[Reading[Any]], now: datetime, width: int, marks: Glyphs = UNICODE) -> list[Line]:
    """What is wrong and what to do about it; nothing while all is well."""
    reading = list_reading(readings)
    if reading is None:
        return []
    lines: list[Line] = []
    if reading.problem or (reading.link is not Link.LIVE and reading.snapshot is None):
        # What to do stands at the end of a refusal's reason, and must not be cut off.
        refused = reading.link is Link.REFUSED
        lines = link_lines(reading, now, width, marks, most=4 if refused else 2)
        if refused and not any(name in reading.problem for name in ("client_id", "agent_code")):
            advice = tr("CCEE does not accept these credentials: look at client_id, client_secret and agent_code.")
            lines += [((" ", TEXT), *line) for line in wrap(advice, width - 1)]
    snapshot = reading.snapshot
    if snapshot is not None and not snapshot.complete and reading.link is Link.LIVE and reading.good_polls:
        kept = number(len(snapshot.migrations))
        words = tr("There is more than the {count} rows kept; max_migrations sets how many.", count=kept)
        lines += [((" ", TEXT), *line) for line in wrap(words, width - 1, "link-stale")]
    if snapshot is not None and snapshot.unreadable:
        words = plural("{count} entry of the list cannot be read, and are missing here.",
                       "{count} entries of the list cannot be read, and are missing here.", snapshot.unreadable,
                       count=number(snapshot.unreadable))  # fmt: skip
        lines += [((" ", TEXT), *line) for line in wrap(words, width - 1, "link-stale")]
    return lines[:4]


def no_rows_words(reading: Reading[MigrationsSnapshot] | None, chosen: Filter) -> str:
    """What an empty table says: why it is empty, and what to do."""
    if reading is None or reading.snapshot is None:
        link = reading.link if reading is not None else Link.WAITING
        return {
            Link.REFUSED: tr("No data: CCEE does not accept the credentials. r tries again."),
            Link.DOWN: tr("No data: CCEE does not answer. wattdeck keeps trying."),
            Link.STALE: tr("No data: the last look failed. wattdeck keeps trying."),
        }.get(link) or tr("Waiting for CCEE's first answer.")
    snapshot = reading.snapshot
    if snapshot.migrations and not chosen.empty:
        return tr("None of {count} migrations is so. Escape shows all.", count=number(len(snapshot.migrations)))
    if not snapshot.complete:
        return tr("Waiting for the first page.")
    return tr("No migration from {first} to {last}. n creates one.",
              first=month_words(snapshot.first_month), last=month_words(snapshot.last_month))  # fmt: skip


def filter_line(
    chosen: Filter, sort: Sort, shown: int, total: int, width: int, marks: Glyphs = UNICODE, view: str = ""
) -> Line:
    """What the table shows, in words: view, filter, how many of how many, order."""
    from wattdeck.core.lines import justify, line_width

    words = chosen.words(marks.dot)
    left: list[Span] = [(" ", TEXT)]
    if view:
        left += [(clean(view, 24), "heading"), (f" {marks.dot} " if words else "", MUTED)]
    left.append((words, "key") if words else ("" if view else tr("all migrations"), "label"))
    count = tr("{count} of {all}", count=number(shown), all=number(total)) if shown != total else number(total)
    right_side: Span = (f"  {count}, {sort.words} ", "label")
    if line_width((*left, right_side)) > width:
        # The order is marked in the table's header as well.
        right_side = f"  {count} ", "label"
    return justify(tuple(left), (right_side,), width)


def progress_line(share: float, words: str, width: int, marks: Glyphs = UNICODE) -> Line:
    """How far a list has come, with a bar."""
    room = max(4, min(24, width // 4))
    share = max(0.0, min(1.0, share))
    filled = bar(share, room, marks)
    return ((" ", TEXT), (f"{filled:<{room}}", "bar-load"), (f" {number(share * 100)} %  ", TEXT), (words, MUTED))


def first_lines(readings: Sequence[Reading[Any]], now: datetime, width: int, marks: Glyphs = UNICODE) -> list[Line]:
    """Trouble, counts and table as the screen will show them; deadlines are dates, because a calendar takes time."""
    reading, today, sort = list_reading(readings), brasilia_day(now), Sort()
    places = arrange(columns(sort, marks), width)
    lines = trouble(readings, now, width, marks)
    head: Line = ((titles(places), "label"),)
    if reading is None or reading.snapshot is None or not reading.snapshot.migrations:
        return [*lines, head, ((f"  {no_rows_words(reading, Filter())}", MUTED),)]
    migrations = ordered(reading.snapshot.migrations, Filter(), sort)
    made = Rows(today, marks=marks)
    lines += [counts_line(reading.snapshot.counts, width, marks), deadlines_line(migrations, today, None, width, marks)]
    lines += [filter_line(Filter(), sort, len(migrations), len(migrations), width, marks), head]
    lines += [((" ", TEXT), *cells_line(made.row(each).cells, places)) for each in migrations[:FIRST_ROWS]]
    return lines


FIRST_ROWS = 200
"""More than any terminal shows."""
