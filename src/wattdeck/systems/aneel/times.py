"""Moments as the wire writes them, and the half hours by which everything is asked and kept (aneel.md 2.3, 2.4).

The wire's times are Brasília's, to the minute, without a zone. Roraima's own clock is an hour behind that.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from wattdeck.core.language import later, tr
from wattdeck.core.text import clean
from wattdeck.systems.aneel.models import BRASILIA, SLOT

JITTER_S_MAX = 120.0
"""So that many who ask every half hour do not ask in step."""
FIRST_YEAR, LAST_YEAR = 1900, 2199
"""No case is older and none will be opened later; what lies between can be added to without care."""

_FORM = re.compile(r"(0[1-9]|[12][0-9]|3[01])/(0[1-9]|1[0-2])/([0-9]{4}) ([01][0-9]|2[0-3]):([0-5][0-9])")


def format_recovery(moment: datetime) -> str:
    """`dd/mm/yyyy hh:mm` in Brasília's time; seconds are cut off.

    Raises:
        ValueError: the moment has no zone.
    """
    local = _brasilia(moment)
    # strftime does not pad years on every platform.
    return f"{local.day:02}/{local.month:02}/{local.year:04} {local.hour:02}:{local.minute:02}"


def parse_recovery(text: str) -> datetime:
    """A moment the wire wrote, in Brasília's time. Days and hours must be padded, and the date must exist.

    Raises:
        ValueError: with a sentence that says what is wrong.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        message = later("“{text}” is not written as dd/mm/yyyy hh:mm, such as 09/01/2026 07:00")
        raise ValueError(tr(message, text=clean(text, 40)))
    day, month, year, hour, minute = map(int, match.groups())
    try:
        if not FIRST_YEAR <= year <= LAST_YEAR:
            raise ValueError
        return datetime(year, month, day, hour, minute, tzinfo=BRASILIA)
    except ValueError:
        raise ValueError(tr("“{text}” is written as it should be, but there is no such date", text=text)) from None


def slot_of(moment: datetime) -> datetime:
    """The half hour at or before a moment, Brasília.

    Raises:
        ValueError: the moment has no zone.
    """
    local = _brasilia(moment)
    return local.replace(minute=local.minute // 30 * 30, second=0, microsecond=0)


def slots(first: datetime, last: datetime) -> list[datetime]:
    """The half hours from `first` to `last`, both included where they are half hours; ascending."""
    start = slot_of(first)
    if start < first:
        start += SLOT
    return [start + number * SLOT for number in range((last - start) // SLOT + 1)]


def next_poll(now: datetime, jitter_s: float) -> datetime:
    """When to ask next: the first half hour after `now`, and a little later.

    Args:
        jitter_s: How much later, 0 to 120 s; the same one all the time keeps polls apart by half an hour.

    Raises:
        ValueError: `now` has no zone, or the jitter is not within its bounds.
    """
    if not 0 <= jitter_s <= JITTER_S_MAX:
        raise ValueError(f"jitter_s is {jitter_s:g}; expected 0 to {JITTER_S_MAX:g}")
    return slot_of(now) + SLOT + timedelta(seconds=jitter_s)


def _brasilia(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("the moment has no time zone, so nobody knows when it is")
    return moment.astimezone(BRASILIA)
