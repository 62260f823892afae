"""Times that a person types to move through a recording."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from wattdeck.core.errors import UsageError
from wattdeck.core.language import manner, tr
from wattdeck.core.recording import microseconds
from wattdeck.core.replayclock import moment

_CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_SPAN = re.compile(r"([+-])?(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m(?:in)?)?(?:(\d{1,8}(?:\.\d+)?)s?)?")


def read_place(text: str, first_us: int, last_us: int, now_us: int | None = None) -> int:
    """A place in a recording, microseconds since 1970.

    Args:
        text: a time in ISO 8601 (local without an offset), a time of day `14:05`, or a duration from the beginning
            such as `90s`, `15m`, `1h30m`; with `+` or `-` from where one is.
        now_us: where one is; None: nowhere yet.

    Raises:
        UsageError: it is none of these, or outside of the recording.
    """
    said = text.strip().replace(" ", "T") if re.match(r"\s*\d{4}-", text) else text.strip()
    found = _from_span(said, first_us, now_us)
    if found is None:
        found = _from_clock(said, first_us, last_us, first_us if now_us is None else now_us)
    if found is None:
        found = _from_iso(said)
    if found is None:
        raise UsageError(
            tr("{text} is no place in a recording; write a time like 2026-11-20T17:00 or 17:00, or a duration from "
               "the beginning like 90s, 15m or 1h30m", text=repr(text[:40]))
        )  # fmt: skip
    if not first_us <= found <= last_us:
        raise UsageError(
            tr("{text} is outside of the recording, which goes from {first} to {last}",
               text=repr(text[:40]), first=time_words(first_us), last=time_words(last_us))
        )  # fmt: skip
    return found


def time_words(at_us: int) -> str:
    """A date and time by the local clock."""
    return moment(at_us).astimezone().strftime(f"{manner().date} %H:%M:%S")


def _from_span(text: str, first_us: int, now_us: int | None) -> int | None:
    match = _SPAN.fullmatch(text)
    if match is None or not any(match.groups()[1:]) or (match[1] and now_us is None):
        return None
    days, hours, minutes, seconds = (float(each or 0) for each in match.groups()[1:])
    span_us = round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1e6)
    if match[1] is None or now_us is None:
        return first_us + span_us
    return now_us - span_us if match[1] == "-" else now_us + span_us


def _from_clock(text: str, first_us: int, last_us: int, near_us: int) -> int | None:
    """A time of day: on the day one is at, else on the first of the recording's days that has it."""
    match = _CLOCK.fullmatch(text)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59 or int(match[3] or 0) > 59:
        return None
    days = [moment(near_us).astimezone()]
    day = moment(first_us).astimezone()
    while microseconds(day) <= last_us + 86_400_000_000 and len(days) < 4000:
        days.append(day)
        day += timedelta(days=1)
    places = [
        microseconds(each.replace(hour=int(match[1]), minute=int(match[2]), second=int(match[3] or 0), microsecond=0))
        for each in days
    ]
    return next((each for each in places if first_us <= each <= last_us), places[0])


def _from_iso(text: str) -> int | None:
    try:
        return microseconds(datetime.fromisoformat(text).astimezone())
    except (ValueError, OverflowError, OSError):
        return None
