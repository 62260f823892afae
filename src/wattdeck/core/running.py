"""Commands on their way: each run to its end in a task of its own, whatever becomes of who asked (rules 9, 18, 22)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import anyio
from anyio.abc import TaskGroup

from wattdeck.core.clock import Clock
from wattdeck.core.command import Limits, Pending, Refusal, Selection, State, shown_name, value_words
from wattdeck.core.devicelock import DeviceLock
from wattdeck.core.errors import Cause
from wattdeck.core.execution import Execution, Hooks
from wattdeck.core.gate import Gate
from wattdeck.core.journal import Journal
from wattdeck.core.language import tr
from wattdeck.core.notices import Notices
from wattdeck.core.operations import Operations
from wattdeck.core.reading import SourceId
from wattdeck.core.waiting import Waiting

EXECUTION_LOCK_S = 60.0
"""How long a running command keeps its source, should the process hang."""


class Running:
    """The commands of one session from their confirmation on. Use as an async context manager."""

    def __init__(
        self,
        gate: Gate,
        operations: Operations,
        lock: DeviceLock,
        journal: Journal,
        notices: Notices,
        clock: Clock,
        limits: Limits,
    ) -> None:
        self._gate = gate
        self._operations = operations
        self._lock = lock
        self._journal = journal
        self._notices = notices
        self._clock = clock
        self._limits = limits
        self._waiting = Waiting(clock)
        self._tasks: TaskGroup | None = None

    async def __aenter__(self) -> Self:
        self._tasks = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._tasks is not None
        self._tasks.cancel_scope.cancel()
        # The error goes on by itself: passed through the task group it would arrive wrapped.
        await self._tasks.__aexit__(None, None, None)

    def refusal(self, source: SourceId) -> Refusal | None:
        """Why no command of this source may begin: one is running. Else None."""
        if source not in self._waiting.running:
            return None
        sentence = tr("A command of {source} is still running. Wait until it has ended.", source=source)
        return Refusal(Cause.COMMAND_ALREADY_IN_EXECUTION, sentence)

    def pending(self, source: SourceId) -> Mapping[str, Pending]:
        """Object id -> command not yet read back, or ended without anyone knowing how."""
        return self._waiting.pending(source)

    def start(self, selection: Selection, confirmation: str) -> Execution:
        """Run a confirmed selection in a task of its own; from now on its source is taken, without a pause."""
        assert self._tasks is not None, "Control must be entered with `async with` before it operates"
        request = selection.request

        async def prepare() -> None:
            await self._lock.take(request, shown_name(selection.facts), EXECUTION_LOCK_S)
            await self._operations.catch_up()

        hooks = Hooks(
            prepare=prepare,
            check=lambda facts: self._gate.recheck(selection, facts),
            moved=lambda state, sentence: self._moved(execution, state, sentence),
        )
        operable = self._gate.operables[request.source]
        execution = Execution(selection, operable, self._journal, self._clock, self._limits, hooks, confirmation)
        self._waiting.begin(execution)
        self._tasks.start_soon(self._run, execution)
        return execution

    async def _run(self, execution: Execution) -> None:
        """One command to its end; the source is free again before anyone hears that it ended."""
        source = execution.selection.request.source
        try:
            await execution.run()
        finally:
            with anyio.CancelScope(shield=True):
                await self._lock.give_back(source)
            self._waiting.running.pop(source, None)
            execution.done.set()

    def _moved(self, execution: Execution, state: State, sentence: str) -> None:
        """A command has changed state: keep what nobody knows, and tell the screens."""
        selection, outcome = execution.selection, execution.outcome
        match state:
            case State.SENT:
                self._notices.tell_of(selection, "sent", state, sentence)
            case State.ACKED:
                self._notices.tell_of(selection, "acked", state, sentence)
            case State.REFUSED:
                self._notices.tell_of(selection, "refused", state, sentence)
            case _:
                if state is State.UNKNOWN:
                    self._waiting.leave_unknown(execution)
                alarm = outcome.alarm if outcome is not None else ""
                self._notices.tell_of(selection, "ended", state, alarm or sentence, alarm=bool(alarm))

    async def settle(self, source: SourceId) -> None:
        """A later reading tells what became of a command that ended without anyone knowing."""
        for execution in self._waiting.unknown_of(source):
            selection = execution.selection
            facts = self._gate.newest(selection.request)
            if facts is None or not self._waiting.settled_by(execution, facts):
                continue
            kind = selection.request.kind
            now, wanted = (value_words(facts, kind, value) for value in (facts.state, selection.request.wanted))
            sentence = tr("{name} now reads {now}; {wanted} was asked.", name=shown_name(facts), now=now, wanted=wanted)
            self._notices.tell_of(selection, "settled", execution.state, sentence)
            await self._notices.note_of(selection, facts, "settle", sentence=sentence)

    def stop(self) -> list[Execution]:
        """End every running command: what is known of it is written before it is done. Returns them."""
        running = list(self._waiting.running.values())
        for execution in running:
            execution.scope.cancel()
        return running
