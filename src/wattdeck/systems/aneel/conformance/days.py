"""Demand counts over the day in Brasília: D06 never falling, D08 more than one level and channel (aneel.md 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance.demands import OF_THE_DAY, Good
from wattdeck.systems.aneel.conformance.tally import Tally
from wattdeck.systems.aneel.models import BRASILIA
from wattdeck.systems.aneel.wording import said

MORNING_ENDS_H = 7
"""Until then yesterday's figures cannot have been reached again."""
STALE = timedelta(minutes=5)
"""Our clock and the server's differ, and so may the day for so long."""
RESTART_MIN = 20
"""A smaller figure may well be reached again at night."""
FULL_DAY_H = 8
FULL_DAY_DEMANDS_MIN = 30

Key = tuple[int, int, str]


class Days:
    """Answers about demands, oldest first."""

    def __init__(self) -> None:
        self.looked: set[str] = set()
        self.start_anew()

    def start_anew(self) -> None:
        """Forget what depends on the order of answers."""
        self._day: date | None = None
        self._began: datetime | None = None
        self._told = False
        self._counts: dict[Key, tuple[int, ...]] = {}
        self._levels: set[int] = set()
        self._channels: set[int] = set()

    def add(self, tally: Tally, at: datetime, rows: Sequence[Good]) -> None:
        """Take a good answer, newer than those before."""
        local = at.astimezone(BRASILIA)
        counts = {(level, channel, kind): numbers[1:] for level, channel, kind, numbers in rows}
        if local.date() == self._day:
            self._falls(tally, counts)
        else:
            if local - local.replace(hour=0, minute=0, second=0, microsecond=0) < STALE and self._day is not None:
                return
            self._restart(tally, local, counts)
            self._day, self._began, self._told = local.date(), local, False
            self._levels.clear()
            self._channels.clear()
        self._counts = counts
        self._levels.update(key[0] for key in counts)
        self._channels.update(key[1] for key in counts)
        self._mapping(tally, local)

    def _falls(self, tally: Tally, counts: dict[Key, tuple[int, ...]]) -> None:
        self.looked.add("D06")
        nothing = (0,) * len(OF_THE_DAY)
        for key, before in self._counts.items():
            now = counts.get(key, nothing)
            if now == before:
                continue
            for name, was, count in zip(OF_THE_DAY, before, now, strict=True):
                if count < was:
                    after = count if key in counts else later("no row")
                    tally.add("D06", _where(name, key), said(later("{before}, then {after}"), before=was, after=after))
                    break

    def _restart(self, tally: Tally, local: datetime, counts: dict[Key, tuple[int, ...]]) -> None:
        """The first answer of a day that still has yesterday's figures."""
        if self._day is None or local.date() - self._day != timedelta(days=1) or local.hour >= MORNING_ENDS_H:
            return
        for key, before in self._counts.items():
            now = counts.get(key)
            if now is not None and now[0] >= before[0] >= RESTART_MIN:
                says = later("The count of the day did not start anew at midnight in Brasília.")
                found = said(later("{count} at {time}"), count=now[0], time=f"{local:%H:%M}")
                tally.add("D06", _where(OF_THE_DAY[0], key), found, says)

    def _mapping(self, tally: Tally, local: datetime) -> None:
        if self._told or self._began is None or local - self._began < timedelta(hours=FULL_DAY_H):
            return
        if sum(numbers[0] for numbers in self._counts.values()) < FULL_DAY_DEMANDS_MIN:
            return
        self.looked.add("D08")
        where = said(later("answers of {day}"), day=f"{local:%d/%m/%Y}")
        for words, seen in ((later("only level {code}"), self._levels), (later("only channel {code}"), self._channels)):
            if len(seen) == 1:
                self._told = True
                tally.add("D08", where, said(words, code=min(seen)))


def _where(name: str, key: Key) -> str:
    words = later("{name} of level {level}, channel {channel}, type {typology}")
    return said(words, name=name, level=key[0], channel=key[1], typology=key[2])
