"""What alarms came since somebody last looked, and how each stands now: newest first, one line each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from wattdeck.core.alarm import Priority
from wattdeck.core.alarm_events import AlarmEvent, What
from wattdeck.core.alarm_view import PRIORITY_MARKS, Alarm, AlarmState, event_word, state_word
from wattdeck.core.language import tr
from wattdeck.core.lines import MUTED, TEXT, Line, cell_width, fit, justify
from wattdeck.core.units import since

SOURCE_CELLS = 17


@dataclass(frozen=True, slots=True)
class News:
    """One alarm that came."""

    at: datetime
    source: str
    priority: Priority
    words: str
    state: str
    """How it stands now, in the language in use."""
    on: bool
    """It is still open."""
    fresh: bool
    """Nobody has acknowledged it."""


def news_of(events: Sequence[AlarmEvent], opened: Iterable[Alarm], shelved: Iterable[Alarm], most: int) -> list[News]:
    """The newest alarms that were raised, each alarm once; what only chattered is left out.

    Args:
        events: Oldest first.
        opened: The alarms that are open.
        shelved: Those that are shelved.
        most: So many at most.
    """
    known = {alarm.id: alarm for alarm in opened}
    put_off = {alarm.id for alarm in shelved}
    found: dict[str, News] = {}
    for event in reversed(events):
        if event.what is not What.RAISED or event.again or event.alarm in found:
            continue
        if len(found) == most:
            break
        alarm = known.get(event.alarm)
        word = event_word(What.SHELVED if event.alarm in put_off else What.CLEARED)
        found[event.alarm] = News(
            event.at,
            event.source,
            event.priority,
            alarm.words if alarm is not None else event.words,
            state_word(alarm.state) if alarm is not None else word,
            alarm is not None,
            alarm is not None and alarm.state is not AlarmState.ACKNOWLEDGED,
        )
    return list(found.values())


def news_title(looked: datetime | None, now: datetime) -> str:
    """Since when there is news."""
    if looked is None:
        return tr("Newest alarms")
    return tr("Since you last looked ({time})", time=since(looked, now))


def news_lines(news: Sequence[News], now: datetime, width: int, *, blink: bool = True) -> list[Line]:
    """A line for each: when, how bad, where, what, and how it stands."""
    if not news:
        return [((f" {tr('No alarm came.')}", MUTED),)]
    times = [since(each.at, now) for each in news]
    room = max(map(cell_width, times))
    return [_line(each, f" {fit(time, room)}", width, blink=blink) for each, time in zip(news, times, strict=True)]


def _line(news: News, time: str, width: int, *, blink: bool) -> Line:
    meaning = f"alarm-{news.priority}" if news.on else MUTED
    mark = f"{meaning}-new" if news.fresh and blink else meaning
    left: Line = (
        (f"{time}  ", MUTED),
        (PRIORITY_MARKS[news.priority], mark),
        (" " * (4 - len(PRIORITY_MARKS[news.priority])), TEXT),
        (f"{fit(news.source, SOURCE_CELLS)} ", TEXT if news.on else MUTED),
        (news.words, TEXT if news.on else MUTED),
    )
    return justify(left, ((f" {news.state} ", TEXT if news.fresh else MUTED),), width)
