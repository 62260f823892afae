"""What was out at any moment of the simulated Roraima, and what its distributor still remembers of it.

Snapshots are of the half hours; a question for another minute gets the one before it (aneel.md 13).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace

from wattdeck.systems.aneel import events
from wattdeck.systems.aneel.events import DAY_S, Outage
from wattdeck.systems.aneel.models import KEPT, SLOT, Row
from wattdeck.systems.aneel.scenarios import AHEAD_S, Spell, fronts

SLOT_S = SLOT.total_seconds()
KEPT_S = KEPT.total_seconds()
MOST_SPELLS = 50
MOST_SLOTS = 400


class History:
    """All interruptions by time.

    Args:
        seed: Same seed and start, same interruptions.
        start_s: Unix seconds; a scenario with a front has it over the middle of the state then.
        scenario: The weather at the start and before.
    """

    def __init__(self, seed: int, start_s: float, scenario: str) -> None:
        self._seed = seed
        self._spells = [Spell(scenario, (start_s - AHEAD_S) // 60 * 60)]
        self._slots: OrderedDict[float, tuple[Row, ...]] = OrderedDict()

    @property
    def scenario(self) -> str:
        """The weather that is on."""
        return self._spells[-1].scenario

    def change(self, scenario: str, now_s: float) -> None:
        """Another weather from now on: its front reaches the north now. The past stays, and so do repairs."""
        now_s = now_s // 60 * 60 + 60
        self._spells[-1] = replace(self._spells[-1], until_s=now_s)
        self._spells = [*self._spells, Spell(scenario, now_s, now_s)][-MOST_SPELLS:]

    def outages(self, first_s: float, last_s: float) -> Iterator[Outage]:
        """Interruptions that may be open, or begin, within a time; some others as well."""
        for day in range(events.day_of(first_s - events.LONGEST_S), events.day_of(last_s) + 1):
            yield from events.quiet_day(self._seed, day)
        for spell in self._spells:
            for number, reaches_s in fronts(spell, first_s - events.LONGEST_S - DAY_S, last_s):
                for outage in events.front(self._seed, spell.scenario, number, reaches_s):
                    if spell.from_s <= outage.start_s < spell.until_s:
                        yield outage

    def rows(self, at_s: float) -> tuple[Row, ...]:
        """What is out at a moment."""
        return events.rows(self.outages(at_s, at_s), at_s)

    def open_faults(self, at_s: float) -> int:
        """Interruptions that are open at a moment."""
        return sum(outage.out(at_s) > 0 for outage in self.outages(at_s, at_s))

    def recalled(self, asked_s: float, now_s: float) -> tuple[Row, ...] | None:
        """The newest snapshot at or before a minute; None for the future and for what is no longer kept."""
        slot_s = asked_s // SLOT_S * SLOT_S
        if asked_s > now_s or slot_s < (now_s - KEPT_S) // SLOT_S * SLOT_S:
            return None
        if slot_s not in self._slots:
            self._slots[slot_s] = self.rows(slot_s)
            while len(self._slots) > MOST_SLOTS:
                self._slots.popitem(last=False)
        return self._slots[slot_s]

    def hit(self, first_s: float, last_s: float) -> float:
        """Customers who lost their supply without a warning after `first_s` and until `last_s`."""
        return float(
            sum(
                outage.customers
                for outage in self.outages(first_s, last_s)
                if not outage.planned and first_s < outage.start_s <= last_s
            )
        )
