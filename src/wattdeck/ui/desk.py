"""Where commands start in the app: asks the person, drives control, and tells what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from wattdeck.core.command import ControlChanged, Level, Outcome, Pending, Request, Selection, State
from wattdeck.core.control import Control
from wattdeck.core.errors import CommandRefused
from wattdeck.core.language import later, tr
from wattdeck.core.reading import SourceId
from wattdeck.core.units import clock_time
from wattdeck.ui.dialogs import AskDialog, ChoiceDialog, OperateDialog, can_be_read

if TYPE_CHECKING:
    from wattdeck.ui.app import DeckApp

PENDING_WORDS = {
    State.SELECTED: later("selected"),
    State.SENT: later("sent, no answer yet"),
    State.ACKED: later("answered, not yet confirmed"),
    State.UNKNOWN: later("not confirmed: look at the equipment"),
}


class Desk:
    """The operator's side of commands in one session.

    The dialogs are only a way to ask: every rule is kept by control, and a command that was sent goes on to its end
    whether or not anything can be painted.
    """

    def __init__(self, app: DeckApp, control: Control) -> None:
        self._app = app
        self.control = control
        self._dialog: OperateDialog | None = None
        self._last: dict[tuple[SourceId, str], tuple[datetime, str]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        control.subscribe(self._changed)

    @property
    def busy(self) -> bool:
        """A command was sent and has not ended."""
        sources = self._app.deck.hub.sources if self._app.deck is not None else ()
        return any(
            item.state in (State.SENT, State.ACKED)
            for source in sources
            for item in self.control.pending(source).values()
        )

    def words_for(self, pending: Pending) -> str:
        """How far a command has come, in words."""
        return tr(PENDING_WORDS.get(pending.state, str(pending.state)))

    def last_command(self, source: SourceId, object_id: str) -> str:
        """What happened last to an object in this session; empty if nothing did."""
        found = self._last.get((source, object_id))
        return "" if found is None else f"{clock_time(found[0])} {found[1]}"

    def command(self, source: SourceId, kind: str, object_id: str, wanted: str) -> None:
        """Start a command: refuse it with a reason, or ask, send and report."""
        request = Request(source, kind, object_id, wanted)
        self._app.run_worker(self._command(request), name="command", group="command", exit_on_error=True)

    def command_with_choice(
        self, source: SourceId, kind: str, object_id: str, title: str, choices: Sequence[tuple[str, str]], current: str
    ) -> None:
        """Start a command whose value is picked from a list."""

        async def choose() -> None:
            probe = Request(source, kind, object_id, next(value for value, _ in choices if value != current))
            refusal = self.control.why_not(probe)
            if refusal is not None:
                self._app.say(refusal.sentence, trouble=True)
                return
            value = await self._app.push_screen_wait(ChoiceDialog(title, choices, current))
            if value is not None and value != current:
                await self._command(Request(source, kind, object_id, value))

        self._app.run_worker(choose(), name="choice", group="command", exit_on_error=True)

    def disarm(self, reason: str) -> None:
        """Give up control, if it was taken."""
        if self.control.armed:
            self._spawn(self.control.disarm(reason))

    def reading_arrived(self, source: SourceId) -> None:
        """Let control compare what is selected with what is now."""
        if self.control.armed or self.control.selection is not None or self.control.pending(source):
            self._spawn(self.control.on_reading(source))

    def tick(self) -> None:
        """Once a second: what has run out ends."""
        if self.control.armed or self.control.selection is not None:
            self._spawn(self.control.tick())

    async def _command(self, request: Request) -> None:
        refusal = self.control.why_not(request)
        if refusal is not None:
            self._app.say(refusal.sentence, trouble=True)
            return
        if not self._readable():
            self._app.say(tr("The terminal is too small to read the question. Make it larger."), trouble=True)
            return
        try:
            if not self.control.armed and not await self._arm():
                return
            selection = await self.control.select(request)
            outcome = await self._operate(selection)
        except CommandRefused as error:
            self._app.say(str(error), trouble=True)
            return
        if outcome is not None:
            good = outcome.state is State.CONFIRMED and not outcome.alarm
            self._app.say(outcome.alarm or outcome.sentence, trouble=not good)

    async def _arm(self) -> bool:
        words = [
            tr("Commands from this session take effect outside: equipment is switched, records are changed.")
            if not self._app.demo else tr("Commands from this session reach the demo's simulators alone."),
            tr("Control ends after 15 minutes without a command, when the link is lost, or with D."),
        ]  # fmt: skip
        answer = await self._app.push_screen_wait(AskDialog(tr("Take control?"), words, yes=tr("Take control")))
        if answer is None:
            return False
        await self.control.arm()
        return True

    async def _operate(self, selection: Selection) -> Outcome | None:
        """The second step: ask until it is confirmed or given up. A wrong name may be typed again."""
        while True:
            self._dialog = dialog = OperateDialog(selection, self.control.describe)
            answer = await self._app.push_screen_wait(dialog)
            self._dialog = None
            if answer is None:
                if self.control.selection is selection:
                    await self.control.cancel(selection, dialog.reason)
                if dialog.reason != OperateDialog.BY_OPERATOR:
                    self._app.say(tr("Nothing was sent: {reason}", reason=dialog.reason), trouble=True)
                return None
            typed = answer if selection.level is Level.TYPE_NAME else None
            try:
                return await self.control.operate(selection, typed)
            except CommandRefused as error:
                if self.control.selection is not selection:
                    raise
                self._app.say(str(error), trouble=True)

    def _readable(self) -> bool:
        return can_be_read(self._app.size)

    def _changed(self, change: ControlChanged) -> None:
        if change.object_id:
            self._last[change.source, change.object_id] = (self._app.clock.now(), change.sentence)
        if change.what == "dropped" and self._dialog is not None:
            self._dialog.close_for(change.sentence)
        if change.what == "settled":
            self._app.say(change.sentence)
        self._app.call_later(self._app.paint)

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        done: Callable[[asyncio.Task[Any]], None] = self._tasks.discard
        task.add_done_callback(done)
