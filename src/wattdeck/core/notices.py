"""Telling the screens and the journal what control does."""

from __future__ import annotations

import logging
from collections.abc import Callable

from wattdeck.core.chain import Field
from wattdeck.core.clock import Clock
from wattdeck.core.command import ControlChanged, Request, Selection, State, What
from wattdeck.core.errors import CommandRefused
from wattdeck.core.execution import journal_fields
from wattdeck.core.journal import Journal, JournalUnwritable
from wattdeck.core.operable import Facts
from wattdeck.core.subscribers import Subscribers

Subscriber = Callable[[ControlChanged], None]
_LOG = logging.getLogger(__name__)


class Notices:
    """Subscribers and the journal, for what sends nothing by itself."""

    def __init__(self, journal: Journal, clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._subscribers = Subscribers[ControlChanged]("control")

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Call back on every change, until the returned function is called."""
        return self._subscribers.add(callback)

    def tell(self, change: ControlChanged) -> None:
        """Call every subscriber; a screen's defect must not stop a command."""
        self._subscribers.tell(change)

    def tell_of(self, selection: Selection, what: What, state: State, sentence: str, *, alarm: bool = False) -> None:
        """Tell of something that happened to a selected object."""
        request = selection.request
        self.tell(ControlChanged(what, sentence, request.source, request.object_id, state, alarm))

    async def note(self, event: str, **fields: Field) -> None:
        """Journal what happened; nothing is sent because of it, so a full disk is only logged."""
        try:
            await self._journal.write(event, **fields)
        except JournalUnwritable as error:
            _LOG.error("%s", error)

    async def note_of(self, selection: Selection, facts: Facts, event: str, **fields: Field) -> None:
        """Journal what happened to a selected object."""
        await self.note(event, **journal_fields(selection.id, selection.request, facts, self._clock), **fields)

    async def refused(self, request: Request, facts: Facts | None, error: CommandRefused, command: str = "") -> None:
        """Tell and journal that a command was stopped before anything was sent."""
        self.tell(ControlChanged("refused", str(error), request.source, request.object_id, State.REFUSED))
        await self.note(
            "refuse",
            **journal_fields(command, request, facts, self._clock),
            outcome=State.REFUSED.value,
            cause=error.cause.value,
            sentence=str(error),
        )
