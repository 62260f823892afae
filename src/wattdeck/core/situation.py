"""A request with all that the rules of control look at."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from wattdeck.core.command import CLOSED, OPEN, RELAY, Policy, Request, shown_name
from wattdeck.core.operable import Facts


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything the rules look at."""

    request: Request
    facts: Facts
    policy: Policy
    wanted_values: Sequence[str]
    now: datetime
    read_only: bool
    """The whole deck runs read-only."""
    demo: bool
    """The deck runs on embedded simulators."""
    operations: Sequence[datetime]
    """When commands were sent to this object in the last hour, oldest first."""
    last_open: datetime | None
    """When this circuit was last opened by a command."""

    @property
    def name(self) -> str:
        return shown_name(self.facts)

    @property
    def opens(self) -> bool:
        return self.request.kind == RELAY and self.request.wanted == OPEN

    @property
    def closes(self) -> bool:
        return self.request.kind == RELAY and self.request.wanted == CLOSED

    def is_among(self, named: Collection[str]) -> bool:
        """Whether a setting that takes ids or names means this object; names in any case."""
        name = self.name.casefold()
        return self.facts.object_id in named or any(name == entry.casefold() for entry in named)

    def since_s(self, moment: datetime) -> float:
        """Seconds since a moment; 0 for one that a corrected clock puts in the future."""
        return max(0.0, (self.now - moment).total_seconds())
