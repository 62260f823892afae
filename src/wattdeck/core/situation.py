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
    def names(self) -> Sequence[str]:
        """The names of all that the command moves, the object's own first."""
        return (self.name, *(shown_name(sibling) for sibling in self.facts.moves_with))

    @property
    def object_ids(self) -> frozenset[str]:
        """The ids of all that the command moves."""
        return frozenset((self.facts.object_id, *(sibling.object_id for sibling in self.facts.moves_with)))

    @property
    def opens(self) -> bool:
        return self.request.kind == RELAY and self.request.wanted == OPEN

    @property
    def closes(self) -> bool:
        return self.request.kind == RELAY and self.request.wanted == CLOSED

    def is_among(self, named: Collection[str]) -> bool:
        """Whether a setting that takes ids or names means this object, or one that moves with it; in any case."""
        names = {name.casefold() for name in self.names}
        return not self.object_ids.isdisjoint(named) or any(entry.casefold() in names for entry in named)

    def since_s(self, moment: datetime) -> float:
        """Seconds since a moment; 0 for one that a corrected clock puts in the future."""
        return max(0.0, (self.now - moment).total_seconds())
