"""Who hears what happens to alarms: who subscribed at once, the hooks when it is settled whose event it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from wattdeck.core.alarm_events import AlarmEvent
from wattdeck.core.alarm_view import Alarm, AlarmChanged
from wattdeck.core.subscribers import Subscribers

if TYPE_CHECKING:
    from wattdeck.core.alarm_hooks import AlarmHooks

Subscriber = Callable[[AlarmChanged], None]


class Telling:
    """The listeners of one session's alarms."""

    def __init__(self, hooks: AlarmHooks | None = None) -> None:
        self._hooks = hooks
        self._subscribers = Subscribers[AlarmChanged]("alarms")
        self._unsettled: dict[AlarmEvent, Alarm] = {}

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Hear of every change; returns how to stop. Called on the event loop and must not block."""
        return self._subscribers.add(callback)

    def tell(self, change: AlarmChanged) -> None:
        """Tell everyone who subscribed."""
        self._subscribers.tell(change)

    def keep(self, event: AlarmEvent, alarm: Alarm) -> None:
        """An event of this session for the hooks, with the alarm as it is now: later it may be forgotten already."""
        if self._hooks is not None:
            self._unsettled[event] = alarm

    def settled(self, ours: Sequence[AlarmEvent], dropped: Sequence[AlarmEvent]) -> None:
        """These are for the hooks, each once; of those that were dropped another session tells."""
        for event in ours:
            alarm = self._unsettled.pop(event, None)
            if alarm is not None and self._hooks is not None:
                self._hooks.offer(event, alarm)
        for event in dropped:
            self._unsettled.pop(event, None)

    async def run_hooks(self) -> None:
        """Let the hooks do their work, for ever."""
        if self._hooks is not None:
            await self._hooks.run()

    async def finish_hooks(self) -> None:
        """Let the hooks tell of what they were given so far."""
        if self._hooks is not None:
            await self._hooks.finish()
