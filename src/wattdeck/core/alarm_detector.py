"""What one session sees of its sources over time, and when that makes an alarm or ends one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from wattdeck.core.alarm import AlarmRule, Condition
from wattdeck.core.alarm_events import Memory
from wattdeck.core.alarm_watch import COMMAND_UNCONFIRMED, GENERIC_RULES, Judge, Seen, SourceWatch, alarm_id
from wattdeck.core.reading import Reading, SourceId

if TYPE_CHECKING:
    from wattdeck.core.alarm_memory import AlarmMemory
    from wattdeck.core.sources import Pairs

HOLD_OFF = timedelta(minutes=5)
"""How long what another session saw stands against what this one saw before."""


class Board(Protocol):
    """Who puts on the list what the detector finds, and takes it off again."""

    def came(self, source: SourceId, found: Condition, rule: AlarmRule, now: datetime) -> None:
        """The condition has lasted: it is an alarm."""
        ...

    def went(self, memory: Memory, now: datetime) -> None:
        """The alarm's condition is gone for good."""
        ...

    def reworded(self, alarm: str, words: str) -> None:
        """The alarm is still on; this is how it is put now."""
        ...


class Detector:
    """Looks at readings and keeps delays. It remembers no alarm: what is on, it asks the memory."""

    def __init__(self, pairs: Pairs, memory: AlarmMemory, board: Board, began: datetime) -> None:
        self.watches = {
            f"{system.name}/{config.name}": SourceWatch(f"{system.name}/{config.name}", system, config, began)
            for system, config in pairs
        }
        self._memory = memory
        self._board = board
        self._judges = {source: Judge() for source in self.watches}
        self._seen: dict[SourceId, Seen] = {}
        self._arrived: dict[SourceId, dict[str, tuple[Reading[Any], datetime]]] = {}
        self._held: dict[str, datetime] = {}

    def look(self, source: SourceId, readings: Sequence[Reading[Any]], now: datetime) -> bool:
        """Take note of a source's newest readings. False: nothing is watched there."""
        watch = self.watches.get(source)
        if watch is None:
            return False
        arrived = self._arrived.setdefault(source, {})
        for reading in readings:
            before = arrived.get(reading.feed)
            if before is None or before[0] is not reading:
                arrived[reading.feed] = (reading, now)
        self._seen[source] = watch.look(readings, now)
        return True

    def tick(self, now: datetime) -> None:
        """Weigh again what waits for its delay."""
        for source in self._seen:
            if self._judges[source].timers:
                self.weigh(source, now)

    def hold(self, alarm: str, now: datetime) -> None:
        """Another session knew better just now: it stands until every feed has been read since."""
        self._held[alarm] = now

    def weigh(self, source: SourceId, now: datetime) -> None:
        """Let each condition become an alarm, or end one, when its delay is over."""
        seen, watch, judge = self._seen[source], self.watches[source], self._judges[source]
        judged: set[str] = set()
        for found in seen.conditions:
            alarm = alarm_id(source, found.rule, found.object_id)
            judged.add(alarm)
            self._judge(source, alarm, found, watch.rule(found.rule), now)
        if not seen.whole:
            judge.freeze([alarm for alarm in judge.timers if alarm not in judged], now)
            return
        for alarm in [alarm for alarm in judge.timers if alarm not in judged and not self._memory.is_on(alarm)]:
            del judge.timers[alarm]
        gone = [memory for memory in self._memory.of(source) if memory.active and memory.alarm not in judged]
        for memory in gone:
            if memory.rule != COMMAND_UNCONFIRMED.name:
                found = Condition(memory.rule, memory.object_id)
                self._judge(source, memory.alarm, found, self.rule_of(memory), now)

    def _judge(self, source: SourceId, alarm: str, found: Condition, rule: AlarmRule, now: datetime) -> None:
        if self._is_held(source, alarm, now):
            return
        on = self._memory.is_on(alarm)
        verdict = self._judges[source].verdict(alarm, found, rule, on, now)
        if verdict:
            self._board.came(source, found, rule, now)
        elif verdict is False:
            memory = self._memory.get(alarm)
            assert memory is not None, "only what is on can return"
            self._board.went(memory, now)
        elif on and found.active and found.words:
            self._board.reworded(alarm, found.words)

    def _is_held(self, source: SourceId, alarm: str, now: datetime) -> bool:
        """Another session knew better a moment ago, and this one has not read every feed since."""
        since = self._held.get(alarm)
        if since is None:
            return False
        # A time to come is none: the clock was set back.
        held = timedelta(0) <= now - since < HOLD_OFF and any(
            at <= since for _, at in self._arrived.get(source, {}).values()
        )
        if not held:
            del self._held[alarm]
        return held

    def active(self) -> Iterator[tuple[SourceId, Condition, AlarmRule]]:
        """Every condition that was the case when its source was last looked at, whatever its delay."""
        for source, seen in self._seen.items():
            for found in seen.conditions:
                if found.active:
                    yield source, found, self.watches[source].rule(found.rule)

    def rules(self, source: SourceId | None = None) -> Sequence[AlarmRule]:
        """The rules of one source, or of all: the generic ones first."""
        watches = self.watches.values() if source is None else [self.watches[source]]
        found = {rule.name: rule for watch in watches for rule in watch.rules.values()}
        return list(found.values()) or list(GENERIC_RULES)

    def rule_of(self, memory: Memory) -> AlarmRule:
        """The rule of a remembered alarm, or what stands for a rule that no installed system has any more."""
        watch = self.watches.get(memory.source)
        rule = watch.rules.get(memory.rule) if watch is not None else None
        return rule or AlarmRule(memory.rule, memory.priority, memory.rule, "", "")
