"""Half hours that were missed, asked for later: slowly, the newest first (aneel.md 2.3, 11).

A server that ignores `dthRecuperacao` would have its present taken for the past. So two moments are asked for before
anything is believed, and the first of them twice: a server that has the same to tell of both, or not the same of one,
has no past.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import NoReturn

from wattdeck.core.clock import Clock
from wattdeck.core.language import later, tr
from wattdeck.systems.aneel.errors import NoData, NotConformant
from wattdeck.systems.aneel.exchange import Exchange
from wattdeck.systems.aneel.models import KEPT, SLOT, BackfillSnapshot, Row
from wattdeck.systems.aneel.slots import Slots
from wattdeck.systems.aneel.times import slot_of
from wattdeck.systems.aneel.universe import Universe
from wattdeck.systems.aneel.wire import read_outages

log = logging.getLogger(__name__)

AGAIN_S = 6 * 3600.0
"""After so long a half hour is asked for again that was not to be had, and a server without a past is tried again."""
NO_PAST = later(
    "half hour of {moment}: the server answers half hours of the last seven days as if it ignored dthRecuperacao; what "
    "was out then is not known"
)

Rows = tuple[Row, ...]


class NoPast(NotConformant):
    """The server tells the same of different moments."""

    def __init__(self, slot: datetime) -> None:
        super().__init__(tr(NO_PAST, moment=f"{slot:%d/%m/%Y %H:%M}"))


class Backfill:
    """The last seven days of one distributor: which half hours are not known, and the way to know them.

    Args:
        outages: Asks the distributor for a half hour.
    """

    def __init__(
        self, slots: Slots, universe: Universe, outages: Callable[[datetime], Awaitable[Exchange]], clock: Clock
    ) -> None:
        self._slots, self._universe, self._outages, self._clock = slots, universe, outages, clock
        self._not_before_s: dict[datetime, float] = {}
        """Half hours the distributor did not have -> when to ask for them again."""
        self._has_past = False
        self._unproven: set[datetime] = set()
        """Half hours in which nothing was out, told before it was known whether the server has a past."""
        self._tried_again_s = float("-inf")

    @property
    def has_no_past(self) -> bool:
        """Whether the server was found to tell the same of different moments, not long ago."""
        return self._clock.monotonic() < self._tried_again_s

    @property
    def span(self) -> tuple[datetime, datetime]:
        """The first half hour that has to be answered, and the last that is over."""
        now = slot_of(self._clock.now())
        return now - KEPT + SLOT, now - SLOT

    @property
    def missing(self) -> list[datetime]:
        """Half hours that are not known, oldest first."""
        return self._slots.missing(*self.span)

    def counted(self) -> BackfillSnapshot:
        """How many are known, the present one included, and how many are not."""
        first, last = self.span
        known = sum(first <= slot <= last + SLOT for slot in self._slots.known())
        return BackfillSnapshot(known, len(self.missing))

    async def fill(self, most: int) -> int:
        """Ask for some half hours that are not known, the newest first.

        Returns:
            How many are known now that were not.

        Raises:
            SourceError: there was no answer.
        """
        if self.has_no_past:
            return 0
        now_s, before = self._clock.monotonic(), self.missing
        self._not_before_s = {slot: at_s for slot, at_s in self._not_before_s.items() if at_s > now_s}
        unknown = [each for each in before if each not in self._not_before_s and each not in self._unproven]
        for slot in reversed(unknown[-most:]):
            try:
                await self.ask(slot)
            except NoData:
                self._not_before_s[slot] = now_s + AGAIN_S
            except NoPast:
                break
        return len(before) - len(self.missing)

    async def ask(self, slot: datetime) -> Rows:
        """What was out in a half hour, as the distributor tells it now; kept if it is one of the last seven days.

        Raises:
            SourceError: there is no answer, none about that half hour, or the same about every half hour.
        """
        if self.has_no_past:
            raise NoPast(slot)
        here = await self._told(slot)
        if not self._has_past and here == ():
            # A server that ignores the moment says so too while nothing is out now.
            self._unproven.add(slot)
            return ()
        if not self._has_past:
            await self._prove(slot, here)
        self._keep(slot, here)
        if isinstance(here, NoData):
            raise here
        return here

    async def _prove(self, slot: datetime, here: Rows | NoData) -> None:
        """Ask for another moment: a server that has the same to tell of both has no past."""
        first, last = self.span
        other = first if slot != first else last
        there = await self._told(other)
        if not isinstance(here, NoData) and not isinstance(there, NoData):
            self._compare(slot, here, there)
            again = await self._told(slot)
            if not isinstance(again, NoData) and frozenset(again) != frozenset(here):
                # Its present has moved between the questions, and was taken for the past.
                self._refuse(slot)
        self._has_past = not (isinstance(here, NoData) and isinstance(there, NoData))
        self._keep(other, there)
        if self._has_past:
            for quiet in self._unproven:
                self._keep(quiet, ())
            self._unproven.clear()

    async def _told(self, slot: datetime) -> Rows | NoData:
        try:
            answer = read_outages(await self._outages(slot))
        except NoData as error:
            return error
        if answer.unreadable:
            message = later("half hour of {moment}: {count} rows of it cannot be read")
            return NoData(tr(message, moment=f"{slot:%d/%m/%Y %H:%M}", count=answer.unreadable))
        return answer.rows

    def _compare(self, slot: datetime, here: Rows, there: Rows) -> None:
        """Refuse what is the same of both moments."""
        if frozenset(here) == frozenset(there):
            self._refuse(slot)

    def _refuse(self, slot: datetime) -> NoReturn:
        """The server has no past, as far as can be seen; it is tried again later."""
        self._tried_again_s = self._clock.monotonic() + AGAIN_S
        self._unproven.clear()
        log.warning("%s", error := NoPast(slot))
        raise error

    def _keep(self, slot: datetime, rows: Rows | NoData) -> None:
        first, last = self.span
        # What was seen at the time counts for more than what is told of it later.
        if not isinstance(rows, NoData) and first <= slot <= last + SLOT and self._slots.get(slot) is None:
            self._universe.learn(rows, slot)
            self._slots.put(slot, rows)
