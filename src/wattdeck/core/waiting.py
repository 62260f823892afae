"""Commands whose result has not been read back yet (control.md rule 18)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from wattdeck.core.clock import Clock
from wattdeck.core.command import Pending, State
from wattdeck.core.execution import Execution
from wattdeck.core.operable import Facts
from wattdeck.core.reading import Link, SourceId

SHOWN = (State.SELECTED, State.SENT, State.ACKED, State.UNKNOWN)
"""States in which the wanted position stands beside the measured one."""
LATE_S = 20.0
"""Where only reports acknowledge: how long after its end a command may still be followed. Another value that is
reported meanwhile may be from before."""


class Waiting:
    """The running command of each source, and the ended ones nobody knows the result of."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.running: dict[SourceId, Execution] = {}
        self._unknown: dict[tuple[SourceId, str, str], tuple[Execution, float]] = {}

    def begin(self, execution: Execution) -> None:
        """A command starts; it takes the place of one with an unknown result."""
        request = execution.selection.request
        self.running[request.source] = execution
        self._unknown.pop((request.source, request.object_id, request.kind), None)

    def leave_unknown(self, execution: Execution) -> None:
        """A command ended without anyone knowing how."""
        request = execution.selection.request
        ended_at = self._clock.monotonic()
        self._unknown[(request.source, request.object_id, request.kind)] = (execution, ended_at)

    def pending(self, source: SourceId) -> Mapping[str, Pending]:
        """Object id -> what to show beside its measured state."""
        executions = [run for key, (run, _) in self._unknown.items() if key[0] == source]
        if source in self.running:
            executions.append(self.running[source])
        found: dict[str, Pending] = {}
        for run in executions:
            request = run.selection.request
            if run.state in SHOWN:
                entry = Pending(run.selection.id, request.kind, request.wanted, run.state, run.since)
                found[request.object_id] = entry
        return MappingProxyType(found)

    def unknown_of(self, source: SourceId) -> Iterator[Execution]:
        """The commands of a source whose result is not known."""
        return iter([run for key, (run, _) in self._unknown.items() if key[0] == source])

    def settled_by(self, execution: Execution, facts: Facts | None) -> bool:
        """Whether these facts, read after the command ended, tell its result; then it is no longer unknown."""
        if facts is None or facts.link is not Link.LIVE or facts.taken_at is None or facts.state == "unknown":
            return False
        request = execution.selection.request
        key = (request.source, request.object_id, request.kind)
        known, ended_at = self._unknown.get(key, (None, 0.0))
        age_s = (self._clock.now() - facts.taken_at).total_seconds()
        now_s = self._clock.monotonic()
        if known is not execution or now_s - age_s <= ended_at:
            return False
        if facts.feedback_s is not None and facts.state != request.wanted and now_s - ended_at < LATE_S:
            return False
        del self._unknown[key]
        return True
