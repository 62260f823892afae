"""Days: where they begin, and how the language in use writes them."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from wattdeck.core.language import later, manner, tr

MONTHS = (
    later("January"), later("February"), later("March"), later("April"), later("May"), later("June"), later("July"),
    later("August"), later("September"), later("October"), later("November"), later("December"),
)  # fmt: skip
WEEKDAYS = (
    later("Monday"), later("Tuesday"), later("Wednesday"), later("Thursday"), later("Friday"), later("Saturday"),
    later("Sunday"),
)  # fmt: skip


def date_text(day: date) -> str:
    """A date in figures: `2026-12-14`, in Portuguese and Malay `14/12/2026`."""
    return day.strftime(manner().date)


def moment_text(moment: datetime, *, seconds: bool = False, year: bool = True) -> str:
    """Date and time of day in the moment's own zone: `2026-12-14 09:12`, `12-14 09:12:30`."""
    day = moment.strftime(manner().date if year else manner().day)
    return f"{day} {moment:{'%H:%M:%S' if seconds else '%H:%M'}}"


def day_words(day: date, *, year: bool = False) -> str:
    """A date in words: `14 December`, with its year if it would not go without saying."""
    if year:
        return tr("{day} {month} {year}", day=day.day, month=tr(MONTHS[day.month - 1]), year=day.year)
    return tr("{day} {month}", day=day.day, month=tr(MONTHS[day.month - 1]))


def month_words(day: date) -> str:
    """The month a day is in: `December 2026`."""
    return tr("{month} {year}", month=tr(MONTHS[day.month - 1]), year=day.year)


def weekday_words(day: date) -> str:
    """The day of the week: `Monday`."""
    return tr(WEEKDAYS[day.weekday()])


def local_midnight(now: datetime) -> datetime:
    """Start of the local day `now` is in, aware; right on days with 23 or 25 hours too."""
    local = now.astimezone()
    naive = datetime(local.year, local.month, local.day)  # noqa: DTZ001  astimezone reads it as local
    return naive.astimezone()


def next_local_midnight(now: datetime) -> datetime:
    """Start of the next local day."""
    return local_midnight(local_midnight(now) + timedelta(hours=30))
