"""What a feed yields: the newest snapshot and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar

S = TypeVar("S")

SourceId = str
"""`system/name`, for instance `span/home`."""


class Link(StrEnum):
    """How a feed stands with its source."""

    WAITING = "waiting"
    """Nothing asked or answered yet."""
    LIVE = "live"
    """The last poll succeeded."""
    STALE = "stale"
    """The last poll failed; the snapshot is the last good one."""
    DOWN = "down"
    """No answer for so long, or never, that the snapshot (if any) says nothing about now."""
    REFUSED = "refused"
    """The source does not accept our credentials; polling waits for new ones."""


@dataclass(frozen=True, slots=True)
class Reading(Generic[S]):
    """The newest snapshot of one feed and how far it can be trusted."""

    source: SourceId
    feed: str
    snapshot: S | None = None
    link: Link = Link.WAITING
    taken_at: datetime | None = None
    """UTC time of the last good fetch."""
    problem: str = ""
    """Last error, in words a technician can act on; empty when live."""
    good_polls: int = 0
    """Good polls in a row since the link last came up."""
    failures: int = 0
    """Failed polls in a row."""
    next_poll_at: datetime | None = None
    """When the next attempt is due, UTC."""
    interval_s: float = 0.0
    """Cadence in force."""
    restored: bool = False
    """The snapshot was kept from an earlier run and has not been confirmed since."""
    heard_at: datetime | None = None
    """When the source last said anything, UTC, where it reports by itself; None: at `taken_at`."""

    def age_s(self, now: datetime) -> float | None:
        """Seconds since the source was last heard of, as of the last good fetch; None if there was none."""
        heard_at = self.heard_at or self.taken_at
        return None if heard_at is None else max(0.0, (now - heard_at).total_seconds())


WORST_FIRST = (Link.REFUSED, Link.DOWN, Link.STALE, Link.WAITING, Link.LIVE)


def worst(readings: list[Reading[Any]]) -> Link:
    """The worst link of several: a source is as good as its worst feed."""
    links = {reading.link for reading in readings}
    return next((link for link in WORST_FIRST if link in links), Link.WAITING)
