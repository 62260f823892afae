"""A distributor in a replay: the half hours of the recording, and nobody who could be asked for others."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from wattdeck.core.errors import SourceError
from wattdeck.core.language import tr
from wattdeck.core.reading import Reading
from wattdeck.core.recordedsource import not_asked_words
from wattdeck.systems.aneel.models import Demand, DemandsSnapshot, OutagesSnapshot, Row
from wattdeck.systems.aneel.source import AneelSource
from wattdeck.systems.aneel.times import slot_of


class RecordedAneel(AneelSource):
    """Knows of the past what its recorded readings told so far."""

    def take_recorded(self, reading: Reading[Any]) -> None:
        """Learn from a reading of the recording."""
        snapshot = reading.snapshot
        if isinstance(snapshot, OutagesSnapshot):
            self.findings = {**self.findings, "outages": snapshot.findings}
            if snapshot.slot is None:
                return
            rows = [
                Row(row.set_code, row.municipality_code, row.customers_served, row.planned_out, row.unplanned_out)
                for row in snapshot.rows
            ]
            self.slots.forget_after(snapshot.slot)
            self.universe.learn(rows, snapshot.slot)
            if not snapshot.unreadable_rows:
                self.slots.put(snapshot.slot, rows)
        elif isinstance(snapshot, DemandsSnapshot):
            self.findings = {**self.findings, "demands": snapshot.findings}

    async def at(self, moment: datetime) -> OutagesSnapshot:
        """What was out in a half hour, if it was recorded.

        Raises:
            SourceError: it was not.
        """
        slot = slot_of(moment)
        rows = self.slots.get(slot)
        if rows is None:
            raise SourceError(tr("that half hour was not recorded; {reason}", reason=not_asked_words()))
        return self._reckoned(slot, rows, "", ())

    async def demand(self, protocol: str) -> Demand | None:
        """Raises:
        SourceError: always; single demands are in no recording.
        """
        del protocol
        raise SourceError(not_asked_words())
