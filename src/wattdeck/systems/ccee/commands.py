"""A CCEE agent's side of commands: which intentions stand, and how control gives one."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from wattdeck.core.errors import UsageError
from wattdeck.core.language import tr
from wattdeck.core.operable import Facts
from wattdeck.core.reading import Link
from wattdeck.systems.ccee.intentions import WITHDRAWN, Intention, Seen

if TYPE_CHECKING:
    from wattdeck.systems.ccee.source import CceeSource

KINDS = ("create", "edit", "cancel", "contract", "request", "answer")
MOST_INTENTIONS = 32
"""Kept for a later look; more than a session asks at a time."""


class CceeOperable:
    """How control reaches one agent.

    What is wanted is staged first, as an `Intention`; control then names it by kind, object and wanted state. The
    newest of the list and of what was read for the command alone is what is known.
    """

    def __init__(self, source: CceeSource, *, demo: bool) -> None:
        self._source = source
        self._demo = demo
        self._staged: dict[tuple[str, str], Intention] = {}
        self._read: dict[tuple[str, str], tuple[Seen | None, datetime]] = {}

    def stage(self, intention: Intention) -> Intention:
        """Make an intention known; it takes the place of one of the same kind for the same object."""
        key = (intention.kind, intention.object_id)
        self._staged.pop(key, None)
        self._read.pop(key, None)
        self._staged[key] = intention
        while len(self._staged) > MOST_INTENTIONS:
            oldest = next(iter(self._staged))
            del self._staged[oldest]
            self._read.pop(oldest, None)
        return intention

    def kinds(self) -> tuple[str, ...]:
        return KINDS

    def wanted_values(self, kind: str) -> tuple[str, ...]:
        return tuple(intention.wanted for (each, _), intention in self._staged.items() if each == kind)

    def facts(self, kind: str, object_id: str) -> Facts | None:
        intention = self._staged.get((kind, object_id))
        if intention is None:
            return None
        reading = self._source.feed.reading
        seen: Seen | None = None
        taken_at, link = reading.taken_at, reading.link
        if reading.snapshot is not None:
            seen = intention.seen_in(reading.snapshot)
        read = self._read.get((kind, object_id))
        if read is not None and (seen is None or taken_at is None or read[1] > taken_at):
            seen, taken_at = read
            link = Link.LIVE if reading.link is Link.WAITING else reading.link
        return None if seen is None else self._facts(intention, seen, link, taken_at)

    async def send(self, kind: str, object_id: str, wanted: str) -> None:
        intention = self._staged.get((kind, object_id))
        if intention is None or intention.wanted != wanted:
            raise UsageError(tr("nothing is prepared for the command {kind}", kind=repr(kind)))
        intention.sent = True
        await intention.send(self._source.client)

    async def read_back(self, kind: str, object_id: str) -> Facts | None:
        intention = self._staged.get((kind, object_id))
        if intention is None:
            return None
        seen = await intention.read(self._source.client)
        now = self._source.clock.now()
        self._read[kind, object_id] = (seen, now)
        if seen is None:
            return None
        if seen.migration is not None:
            self._source.take(seen.migration)
        elif seen.state == WITHDRAWN:
            self._source.drop(object_id)
        return self._facts(intention, seen, self._source.feed.reading.link, now)

    def _facts(self, intention: Intention, seen: Seen, link: Link, taken_at: datetime | None) -> Facts:
        return Facts(
            source=self._source.id,
            identity=self._source.identity,
            object_id=intention.object_id,
            name=intention.name,
            place="",
            state=seen.state,
            power_w=None,
            priority="",
            controllable=True,
            why_not=seen.why_not,
            link=link,
            taken_at=taken_at,
            good_polls=1,
            interval_s=self._source.feed.interval_s,
            demo=self._demo,
            lines=intention.lines(seen.state),
            wording=intention.wording,
            good_polls_needed=1,
        )
