"""Alarms after ISA-18.2 (control.md 24 to 28): which are on, who has seen them, which are shelved, and until when.

One session's engine. What its detector finds it turns into events, which it shares with the other sessions of the host
through one file. What it knows is in memory: a disk that cannot be written stops no alarm from being shown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from wattdeck.core.alarm import AlarmRule, Condition, Priority
from wattdeck.core.alarm_detector import Detector
from wattdeck.core.alarm_events import AlarmEvent, Book, Memory, What
from wattdeck.core.alarm_memory import EVENTS_KEPT, AlarmMemory
from wattdeck.core.alarm_telling import Subscriber, Telling
from wattdeck.core.alarm_view import Alarm, AlarmChanged, AlarmState, in_order, view
from wattdeck.core.alarm_watch import COMMAND_UNCONFIRMED, SourceWatch, alarm_id
from wattdeck.core.clock import Clock
from wattdeck.core.errors import UsageError
from wattdeck.core.language import tr
from wattdeck.core.reading import Reading, SourceId
from wattdeck.core.text import clean

if TYPE_CHECKING:
    from wattdeck.core.alarm_hooks import AlarmHooks
    from wattdeck.core.command import ControlChanged
    from wattdeck.core.config import AlarmsConfig
    from wattdeck.core.sources import Pairs

__all__ = ["Alarm", "AlarmChanged", "AlarmEvent", "AlarmState", "Alarms", "What"]

log = logging.getLogger(__name__)

SHELVE_DEFAULT = timedelta(minutes=30)
SHELVE_MOST = timedelta(days=7)
FLOOD_WINDOW = timedelta(minutes=10)
ALARMS_MOST = 1000
"""Of one source. A source with more has one thing wrong, not a thousand."""
CLOSE_S = 1.0


class Alarms:
    """The alarms of one session. Entered as an async context manager it keeps its file; `run` keeps time."""

    def __init__(
        self,
        pairs: Pairs,
        path: Path,
        clock: Clock,
        settings: AlarmsConfig,
        *,
        who: str = "",
        session: str = "",
        scope: str = "",
        hooks: AlarmHooks | None = None,
    ) -> None:
        """Args:
        path: The file of events.
        who: Who acknowledges and shelves from here.
        scope: The configuration in use: what was raised under it and has no source in it any more is cleared.
        """
        self.settings = settings
        self.who = who
        self.session = session
        self.watches = True
        """Conditions become alarms here. Else only commands do: what one look sees is for sessions that stay."""
        self.forgets = False
        """What was remembered is of another world: at the start all of it is normal."""
        self._clock = clock
        self._scope = scope
        self._path = path
        self._cool_down = timedelta(seconds=settings.cool_down_s)
        self._pairs = tuple(pairs) if settings.enabled else ()
        self._telling = Telling(hooks)
        self._tasks: TaskGroup | None = None
        self._full: set[SourceId] = set()
        self._begin()

    def _begin(self) -> None:
        """Nothing is known yet."""
        self._memory = self._new_memory()
        self._detector = Detector(self._pairs, self._memory, self, self._clock.now())
        self._words: dict[str, str] = {}
        self._views: tuple[Sequence[Alarm], Sequence[Alarm]] | None = None

    def _new_memory(self) -> AlarmMemory:
        return AlarmMemory(self._path, self._clock, self.session, self._cool_down, self)

    # Life

    async def __aenter__(self) -> Self:
        if self.settings.enabled:
            await to_thread.run_sync(self.load)
        self._tasks = await anyio.create_task_group().__aenter__()
        if self.settings.enabled:
            self._tasks.start_soon(self._memory.keep)
        if self.watches:
            self._tasks.start_soon(self._telling.run_hooks)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._tasks is not None
        with anyio.move_on_after(CLOSE_S, shield=True):
            await self._memory.sync()
        if not self.watches:
            with anyio.CancelScope(shield=True):
                await self.run_hooks()
        self._tasks.cancel_scope.cancel()
        # The error goes on by itself: passed through the task group it would arrive wrapped.
        await self._tasks.__aexit__(None, None, None)

    def load(self) -> None:
        """Take up what is remembered. Blocks."""
        self._memory.save(loading=True)
        now = self._clock.now()
        for memory in self._memory.all():
            if reason := _outlived(memory, self._detector.watches, self._scope, self.forgets):
                self._happen(self._event(memory, What.CLEARED, now, reason=reason))

    def save(self) -> None:
        """Write what happened and read what others wrote, at once. Blocks; the event loop does it by itself."""
        self._memory.save()

    @property
    def remembers(self) -> bool:
        """What happens here is written down and told. Else it is only shown, as in a picture."""
        return self._memory.remembers

    @remembers.setter
    def remembers(self, wanted: bool) -> None:
        self._memory.remembers = wanted

    @property
    def trouble(self) -> str:
        """Why alarms are not remembered or were remembered badly, in words; empty when all is well."""
        return self._memory.trouble

    async def run_hooks(self) -> None:
        """Tell of what happened so far, and come back: for a session that does not run on."""
        await self._telling.finish_hooks()

    async def run(self) -> None:
        """Keep time for ever."""
        while True:
            await self._clock.sleep(1.0)
            self.tick(self._clock.now())

    # What is the case

    def look(self, source: SourceId, readings: Sequence[Reading[Any]], now: datetime) -> None:
        """Take note of a source's newest readings. Quick; called for each."""
        if self._detector.look(source, readings, now) and self.watches:
            self._detector.weigh(source, now)

    def tick(self, now: datetime) -> None:
        """Once a second: what has waited long enough happens, and what others did is looked for."""
        if self.watches:
            self._detector.tick(now)
        for memory in self._memory.all():
            if memory.shelved_until is None:
                continue
            if memory.shelved_until <= now:
                self._happen(self._event(memory, What.UNSHELVED, now, reason=tr("the time is over")))
            elif memory.shelved_until > now + SHELVE_MOST:
                # The clock was set back, or the file altered: nobody may shelve for so long.
                self._happen(self._event(memory, What.UNSHELVED, now, reason=tr("its end is more than a week away")))
        self._memory.tick(now)

    def on_control(self, change: ControlChanged, name: str = "") -> None:
        """A command moved on: one that did not end as it should is an alarm until somebody has acknowledged it."""
        watch, rule = self._detector.watches.get(change.source), COMMAND_UNCONFIRMED
        if not change.alarm or watch is None or rule.name in watch.off:
            return
        now = self._clock.now()
        words = clean(change.sentence, 300)
        found = Condition(rule.name, clean(change.object_id, 160), clean(name, 120), active=True, words=words)
        alarm = alarm_id(change.source, rule.name, found.object_id)
        self._words.pop(alarm, None)
        before = self._memory.get(alarm)
        if before is not None and before.active:
            self._happen(self._event(before, What.RETURNED, now))
        self._raise(change.source, found, rule, now, again=False)

    def _raise(
        self, source: SourceId, found: Condition, rule: AlarmRule, now: datetime, *, again: bool | None = None
    ) -> None:
        alarm = alarm_id(source, rule.name, found.object_id)
        others = [memory for memory in self._memory.of(source) if memory.alarm != alarm]
        before = self._memory.get(alarm)
        if before is None and len(others) >= ALARMS_MOST:
            if source not in self._full:
                log.error("%s: more than %d alarms; no more are shown", source, ALARMS_MOST)
            self._full.add(source)
            return
        if again is None:
            again = before is not None and before.rang_within(self._cool_down, now)
        first = not any(memory.active and memory.shelved_until is None for memory in others)
        self._words.pop(alarm, None)
        self._happen(self._raised(source, found, rule, now, again=again, first=first))

    def _raised(
        self, source: SourceId, found: Condition, rule: AlarmRule, now: datetime, *, again: bool = False,
        first: bool = False,
    ) -> AlarmEvent:  # fmt: skip
        return AlarmEvent(
            now, What.RAISED, alarm_id(source, rule.name, found.object_id), source, rule.name, rule.priority,
            found.object_id, found.name, found.words,
            again=again, first=first, scope=self._scope, session=self.session,
        )  # fmt: skip

    # What the detector finds

    def came(self, source: SourceId, found: Condition, rule: AlarmRule, now: datetime) -> None:
        """A condition has lasted: it is an alarm."""
        self._raise(source, found, rule, now)

    def went(self, memory: Memory, now: datetime) -> None:
        """An alarm's condition is gone."""
        self._happen(self._event(memory, What.CLEARED if memory.acknowledged else What.RETURNED, now))

    def reworded(self, alarm: str, words: str) -> None:
        """An alarm that is on is put like this now."""
        if self._words.get(alarm) != words:
            self._words[alarm] = words
            self._views = None

    # What a person does

    def acknowledge(self, ids: Sequence[str] | None = None, who: str = "") -> list[str]:
        """Somebody has seen them: these, or all that are open. Returns the ids of those that were not yet."""
        now = self._clock.now()
        done = []
        wanted = [alarm.id for alarm in self.open] if ids is None else ids
        for alarm in wanted:
            memory = self._memory.get(alarm)
            if memory is None or memory.acknowledged:
                continue
            self._happen(self._event(memory, What.ACKNOWLEDGED, now, who=who or self.who))
            if memory.rule == COMMAND_UNCONFIRMED.name:
                self._happen(self._event(memory, What.CLEARED, now))
            done.append(alarm)
        return done

    def shelve(self, alarm: str, until: datetime | None, reason: str, who: str = "") -> None:
        """Take an alarm off the list until a time; None: for half an hour.

        Raises:
            UsageError: there is no such alarm, no reason is given, or the end is not within a week.
        """
        now = self._clock.now()
        memory = self._memory.get(alarm)
        until = now + SHELVE_DEFAULT if until is None else until
        if memory is None:
            raise UsageError(tr("there is no alarm {alarm}", alarm=clean(alarm)))
        if not clean(reason).strip():
            raise UsageError(tr("say why the alarm is shelved: whoever looks for it will ask"))
        if not now < until <= now + SHELVE_MOST:
            raise UsageError(tr("an alarm is shelved for a week at most, and its end lies ahead"))
        event = self._event(memory, What.SHELVED, now, who=who or self.who, reason=clean(reason), until=until)
        self._happen(event)

    def unshelve(self, alarm: str, who: str = "") -> bool:
        """Put a shelved alarm back on the list. False: it is not shelved."""
        memory = self._memory.get(alarm)
        if memory is None or memory.shelved_until is None:
            return False
        self._happen(self._event(memory, What.UNSHELVED, self._clock.now(), who=who or self.who))
        return True

    # What is known

    @property
    def open(self) -> Sequence[Alarm]:
        """Every alarm that is not normal and not shelved, worst first."""
        return self._both()[0]

    @property
    def shelved(self) -> Sequence[Alarm]:
        """Every shelved alarm, whether or not its condition holds."""
        return self._both()[1]

    def of(self, source: SourceId) -> list[Alarm]:
        """The open alarms of a source, worst first."""
        return [alarm for alarm in self.open if alarm.source == source]

    @property
    def unacknowledged(self) -> int:
        """How many open alarms nobody has acknowledged."""
        return sum(alarm.state is not AlarmState.ACKNOWLEDGED for alarm in self.open)

    @property
    def worst(self) -> Priority | None:
        """The highest priority among open alarms that nobody has acknowledged, or None."""
        waiting = {alarm.rule.priority for alarm in self.open if alarm.state is not AlarmState.ACKNOWLEDGED}
        return next((each for each in Priority if each in waiting), None)

    @property
    def flood(self) -> int:
        """How many alarms were announced in the last ten minutes. More than ten are more than a person can handle."""
        start = self._clock.now() - FLOOD_WINDOW
        return sum(event.what is What.RAISED and not event.again for event in self.events(start))

    def rules(self, source: SourceId | None = None) -> Sequence[AlarmRule]:
        """The rules of one source, or of all: the generic ones first."""
        return self._detector.rules(source)

    def events(self, since: datetime | None = None, newest: int = EVENTS_KEPT) -> list[AlarmEvent]:
        """What happened to alarms of this session's sources since a time, oldest first; at most the `newest`."""
        known = [
            event
            for event in self._memory.events()
            if event.source in self._detector.watches and (since is None or event.at >= since)
        ]
        return known[-newest:]

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Hear of every change; returns how to stop. Called on the event loop and must not block."""
        return self._telling.subscribe(callback)

    def at_once(self) -> list[Alarm]:
        """What is the case at the sources that were looked at, as if no alarm had a delay. Remembers nothing."""
        now = self._clock.now()
        book, rules = Book(), {}
        for source, found, rule in self._detector.active():
            event = self._raised(source, found, rule, now)
            book.apply(event)
            rules[event.alarm] = rule
        return in_order([view(memory, rules[alarm], memory.words) for alarm, memory in book.alarms.items()])

    @property
    def unsaved(self) -> bool:
        """Something happened that is not written down yet."""
        return self._memory.unsaved

    def find(self, alarm: str) -> Alarm | None:
        """An open or shelved alarm by its id."""
        return next((each for group in self._both() for each in group if each.id == alarm), None)

    def _both(self) -> tuple[Sequence[Alarm], Sequence[Alarm]]:
        if self._views is None:
            known = [memory for memory in self._memory.all() if memory.source in self._detector.watches]
            alarms = [self._view(memory) for memory in known if not memory.normal or memory.shelved_until]
            opened = [alarm for alarm in alarms if alarm.shelved_until is None]
            self._views = in_order(opened), in_order([alarm for alarm in alarms if alarm.shelved_until is not None])
        return self._views

    def _view(self, memory: Memory) -> Alarm:
        return view(memory, self._detector.rule_of(memory), self._words.get(memory.alarm, memory.words))

    # Events

    def _event(
        self,
        memory: Memory,
        what: What,
        now: datetime,
        *,
        who: str = "",
        reason: str = "",
        until: datetime | None = None,
    ) -> AlarmEvent:
        words = self._words.get(memory.alarm, memory.words)
        return AlarmEvent(
            now, what, memory.alarm, memory.source, memory.rule, memory.priority, memory.object_id, memory.name, words,
            who=clean(who, 120), reason=reason, until=until, scope=self._scope, session=self.session,
        )  # fmt: skip

    def _happen(self, event: AlarmEvent) -> None:
        """Something happened here."""
        if not self._memory.happen(event):
            return
        memory = self._changed(event)
        if memory.shelved_until is None and not event.again:
            self._telling.keep(event, self._view(memory))

    def _changed(self, event: AlarmEvent) -> Memory:
        """Tell everyone of an event that changed what is known."""
        self._views = None
        memory = self._memory.get(event.alarm)
        assert memory is not None, "an event that changes something is remembered"
        if memory.normal:
            self._words.pop(event.alarm, None)
        waiting = memory.active and not memory.acknowledged and memory.shelved_until is None
        rings = waiting and (event.what is What.UNSHELVED or (event.what is What.RAISED and not event.again))
        self._telling.tell(AlarmChanged(event, self._view(memory), rings))
        return memory

    # What the memory tells its owner

    def heard(self, event: AlarmEvent) -> None:
        """Another session did this, and it was news."""
        if event.source in self._detector.watches:
            if event.what in (What.RAISED, What.RETURNED, What.CLEARED):
                self._detector.hold(event.alarm, self._clock.now())
            self._changed(event)

    def settled(self, ours: Sequence[AlarmEvent], dropped: Sequence[AlarmEvent]) -> None:
        """These of ours are for the hooks, each once; of those that were dropped another session tells."""
        self._views = None
        self._telling.settled(ours, dropped)

    def troubled(self, words: str) -> None:
        """The file cannot be used, or not all of it."""
        self._telling.tell(AlarmChanged(None, None, rings=False, trouble=words))


def _outlived(memory: Memory, watches: dict[SourceId, SourceWatch], scope: str, forget: bool) -> str:
    """Why a remembered alarm says nothing any more; empty if it does."""
    if memory.normal or memory.scope != scope:
        return ""
    watch = watches.get(memory.source)
    if watch is None:
        return tr("the source is no longer configured")
    if memory.rule in watch.off:
        return tr("the rule is out of service")
    return tr("the simulation began anew") if forget else ""
