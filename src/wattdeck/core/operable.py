"""What control needs to know of a thing that can be commanded, and how it reaches it.

A system implements `Operable` for each of its sources; `control` is its only caller. Nothing here sends by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wattdeck.core.reading import Link, SourceId


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one commandable object at one moment."""

    source: SourceId
    identity: str
    """Who the equipment is, e.g. serial and firmware. A change between select and operate ends the selection."""
    object_id: str
    name: str
    place: str
    """Where it is, in the words of the trade: `space 2·4`."""
    state: str
    """Measured position or value: `open`, `closed`, `unknown`, `must_have` ..."""
    power_w: float | None
    """Measured power, positive = consumption."""
    priority: str
    controllable: bool
    why_not: str
    """A sentence when this object can never take this command (always-on, unmapped space, main relay); else empty."""
    link: Link
    taken_at: datetime | None
    """When the facts were read, UTC."""
    good_polls: int
    """Good polls in a row since the link came up."""
    interval_s: float
    """Cadence of the feed the facts come from."""
    demo: bool = False
    """The other side is an embedded simulator."""
    grid_up: bool | None = None
    """The grid feeds the panel; None if not known."""
    total_power_w: float | None = None
    """What the whole panel draws now, W."""
    last_load_w: float | None = None
    """What this circuit drew when it was last closed, W."""
    current_a: float | None = None
    """Measured or estimated current, A; None = not known, then 120 V is assumed."""


class Operable(Protocol):
    """One source's side of a command."""

    def kinds(self) -> tuple[str, ...]:
        """The commands this source knows: `relay`, `priority` ..."""
        ...

    def wanted_values(self, kind: str) -> tuple[str, ...]:
        """The values a command of that kind may ask for."""
        ...

    def facts(self, kind: str, object_id: str) -> Facts | None:
        """The newest facts from readings already taken; None if there is no such object. No I/O."""
        ...

    async def send(self, kind: str, object_id: str, wanted: str) -> None:
        """Ask once, with no repetition of any kind.

        Returns when the other side acknowledged, which is not yet a confirmation.

        Raises:
            AuthError, ValidationRefused, StatusError: the other side refused; nothing was switched.
            Unreachable: no connection was made; nothing was sent.
            TimedOut, BadAnswer: the outcome is unknown.
        """
        ...

    async def read_back(self, kind: str, object_id: str) -> Facts | None:
        """Read the object afresh (reads may be repeated by the caller).

        Raises:
            SourceError: it could not be read.
        """
        ...
