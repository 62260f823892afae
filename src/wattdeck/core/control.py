"""The one way to change anything outside: select, confirm, send once, read back, journal (control.md).

No screen, key, palette entry, shell command or plug-in reaches an `Operable` but through here. `why_not` answers
without I/O; `select` binds a command to what was shown; `operate` checks everything again and runs the command
to its end in a task of its own, whatever becomes of the screen that asked.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import anyio
from anyio import to_thread
from anyio.abc import TaskGroup

from wattdeck.core.clock import Clock
from wattdeck.core.command import (
    ControlChanged,
    Level,
    Limits,
    Lockout,
    Outcome,
    Pending,
    Policy,
    Refusal,
    Request,
    Selection,
    State,
    name_to_type,
    names_it,
    shown_name,
    value_words,
)
from wattdeck.core.errors import Cause, CommandRefused
from wattdeck.core.execution import Execution, Hooks, journal_fields
from wattdeck.core.gate import Gate
from wattdeck.core.interlocks import replayed
from wattdeck.core.journal import Journal, JournalUnreadable, JournalUnwritable
from wattdeck.core.language import tr
from wattdeck.core.locks import LockedByOther, Locks, LockUnavailable
from wattdeck.core.notices import Notices, Subscriber
from wattdeck.core.operable import Operable
from wattdeck.core.operations import Operations
from wattdeck.core.reading import SourceId
from wattdeck.core.selecting import describe
from wattdeck.core.text import clean
from wattdeck.core.waiting import Waiting

EXECUTION_LOCK_S = 60.0
"""How long a running command keeps its source, should the process hang."""
_LOG = logging.getLogger(__name__)


class Control:
    """All commands of one session. Use as an async context manager; leaving it writes what is still open."""

    def __init__(
        self,
        operables: Mapping[SourceId, Operable],
        policies: Mapping[SourceId, Policy],
        journal: Journal,
        locks: Locks,
        clock: Clock,
        *,
        read_only: bool = False,
        demo: bool = False,
        replay: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self.read_only = read_only
        self.demo = demo
        self.replay = replay
        self._journal = journal
        self._locks = locks
        self._clock = clock
        self._limits = limits or Limits()
        self._operations = Operations(journal)
        self._gate = Gate(operables, policies, self._operations, clock, read_only=read_only, demo=demo, replay=replay)
        self._notices = Notices(journal, clock)
        self._waiting = Waiting(clock)
        self._lock_files = anyio.Lock()
        self._tasks: TaskGroup | None = None
        self._selecting = False
        self._closing = False
        self._selection: Selection | None = None
        self._armed_at: float | None = None
        self._in_control: Request | None = None

    async def __aenter__(self) -> Self:
        self._tasks = await anyio.create_task_group().__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._tasks is not None
        await self.shutdown()
        self._tasks.cancel_scope.cancel()
        # The error goes on by itself: passed through the task group it would arrive wrapped.
        await self._tasks.__aexit__(None, None, None)

    @property
    def armed(self) -> bool:
        """A person has allowed commands in this session, and it is not too long ago (rule 1)."""
        armed_at = self._armed_at
        return armed_at is not None and self._clock.monotonic() - armed_at < self._limits.arm_s

    async def arm(self) -> None:
        """A person allows commands in this session; ends by itself without one for 15 minutes.

        Raises:
            CommandRefused: the deck is read-only, or the journal cannot be written.
        """
        if self.replay:
            raise _refused(replayed())
        if self.read_only:
            raise CommandRefused(Cause.BLOCKED_BY_MODE, tr("The deck runs read-only. Start it without --read-only."))
        try:
            await self._journal.write("arm")
        except JournalUnwritable as error:
            raise CommandRefused(Cause.BLOCKED_BY_MODE, str(error)) from error
        self._armed_at = self._clock.monotonic()
        self._notices.tell(ControlChanged("armed", tr("Control is armed for this session.")))

    async def disarm(self, reason: str) -> None:
        """End arming: time, loss of the link, suspend, or a person's wish. A running command goes on."""
        if self._armed_at is None:
            return
        self._armed_at = None
        words = tr("Control is disarmed: {reason}.", reason=clean(reason))
        self._notices.tell(ControlChanged("disarmed", words))
        await self._notices.note("disarm", reason=reason)
        if self._selection is not None and self._selection.request.origin == "app":
            await self._drop(self._selection, Cause.BLOCKED_BY_MODE, words)

    async def tick(self) -> None:
        """Call once a second: ends what has run out. Nothing is allowed longer if this is not called."""
        if self._armed_at is not None and not self.armed:
            await self.disarm(tr("{minutes} minutes without a command", minutes=f"{self._limits.arm_s / 60:.0f}"))
        if self._selection is not None and self._expired(self._selection):
            await self._drop(self._selection, Cause.TIME_LIMIT_OVER, _expired_words(self._selection))

    async def on_reading(self, source: SourceId) -> str | None:
        """Call for each new reading of a source: settles, drops and disarms. Returns why a selection was dropped."""
        await self._settle(source)
        dropped = None
        if self._selection is not None and self._selection.request.source == source:
            dropped = await self.revalidate(self._selection)
        request = self._in_control
        if request is not None and request.source == source and self._gate.link_is_lost(request):
            await self.disarm(tr("the link to {source} was lost", source=source))
        return dropped

    @property
    def selection(self) -> Selection | None:
        """What this session has selected."""
        return self._selection

    def describe(self, selection: Selection) -> tuple[str, ...]:
        """The selection's words with power and age as they are now (rule 4)."""
        facts = self._gate.newest(selection.request) or selection.facts
        return describe(selection.request, facts, selection.reasons, self._clock.now())

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Hear of every change; returns how to stop. Called on the event loop and must not block."""
        return self._notices.subscribe(callback)

    def pending(self, source: SourceId) -> Mapping[str, Pending]:
        """Object id -> command not yet read back, or ended without anyone knowing how."""
        return self._waiting.pending(source)

    def lockouts(self, source: SourceId) -> Mapping[str, Lockout]:
        """Object id -> lockout in force, for the padlock beside it (rule 13)."""
        return self._gate.policy(source).lockouts

    def read_only_words(self, source: SourceId) -> str:
        """Why nothing of this source may be commanded in this session; empty if something may."""
        refusal = self._gate.mode(source)
        return "" if refusal is None else refusal.sentence

    def why_not(self, request: Request) -> Refusal | None:
        """Why this command may not be sent now, or None. No I/O; arming and other sessions come at select."""
        if request.source in self._waiting.running:
            sentence = tr("A command of {source} is still running. Wait until it has ended.", source=request.source)
            return Refusal(Cause.COMMAND_ALREADY_IN_EXECUTION, sentence)
        return self._gate.refusal(request)

    async def select(self, request: Request) -> Selection:
        """Bind a command to the object and to what is shown of it now (rules 4 to 9).

        Raises:
            CommandRefused: with the cause and what to do; it is in the journal.
        """
        try:
            if self._selecting:
                sentence = tr("Another selection is being made. Try again in a moment.")
                raise CommandRefused(Cause.ONE_OF_N_CONTROL, sentence)
            self._selecting = True
            try:
                return await self._select(request)
            finally:
                self._selecting = False
        except CommandRefused as error:
            await self._notices.refused(request, self._gate.newest(request), error)
            raise

    async def _select(self, request: Request) -> Selection:
        """Check, take the lock, bind; the lock is given back if any of it fails."""
        if self._closing:
            raise _refused(_ending())
        if request.origin != "shell" and not self.armed:
            raise CommandRefused(Cause.BLOCKED_BY_MODE, tr("Control is not armed in this session. Arm it first."))
        await self.tick()
        if self._selection is not None:
            sentence = tr(
                "{name} is selected already. Cancel it, then select again.", name=shown_name(self._selection.facts)
            )
            raise CommandRefused(Cause.ONE_OF_N_CONTROL, sentence)
        await self._refresh_operations()
        self._require(self.why_not(request))
        timeout_s = self._gate.policy(request.source).select_timeout_s
        await self._lock(request, shown_name(self._gate.facts(request)), timeout_s)
        try:
            return await self._bind(request, timeout_s)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._unlock(request.source)
            raise

    async def _bind(self, request: Request, timeout_s: float) -> Selection:
        """Make the selection of what is known now, and write it down."""
        self._require(self.why_not(request))
        facts = self._gate.facts(request)
        level, reasons = self._gate.level(request, facts)
        selection = Selection(
            id=secrets.token_hex(6),
            request=request,
            facts=facts,
            level=level,
            reasons=reasons,
            type_this=name_to_type(facts),
            expires_at=self._clock.monotonic() + timeout_s,
            lines=describe(request, facts, reasons, self._clock.now()),
        )
        fields = journal_fields(selection.id, request, facts, self._clock)
        try:
            await self._journal.write("select", **fields, level=level.name.lower(), level_reasons=" ".join(reasons))
        except JournalUnwritable as error:
            raise CommandRefused(Cause.BLOCKED_BY_INTERLOCKING, str(error)) from error
        if self._closing:
            raise _refused(_ending())
        self._selection = selection
        self._touch(request)
        self._notices.tell_of(selection, "selected", State.SELECTED, tr("{name} is selected.", name=shown_name(facts)))
        return selection

    async def cancel(self, selection: Selection, reason: str) -> None:
        """A person, or the screen for them, gives the selection up (rule 8). Does nothing once it is operated."""
        await self._drop(selection, Cause.ABORTION_BY_CANCEL, reason)

    async def revalidate(self, selection: Selection) -> str | None:
        """Compare the selection with the newest facts; if they differ, drop it and return why (rule 5)."""
        if self._selection is not selection or (refusal := self._gate.changed(selection)) is None:
            return None
        await self._drop(selection, refusal.cause, refusal.sentence)
        return refusal.sentence

    async def operate(self, selection: Selection, typed_name: str | None = None, *, yes: bool = False) -> Outcome:
        """Send the selected command once and read it back; goes on to its end even if the caller is cancelled.

        Args:
            selection: what `select` returned.
            typed_name: what the person typed, at the raised level.
            yes: the shell's `--yes`, which stands for any confirmation; other origins cannot use it.

        Raises:
            CommandRefused: nothing was sent; it is in the journal. After a wrong name the selection still stands.
        """
        if (refusal := self._operate_refusal(selection)) is not None:
            await self._drop(selection, refusal.cause, refusal.sentence)
        else:
            refusal = _confirmation_refusal(selection, typed_name, yes)
        if refusal is not None:
            error = _refused(refusal)
            await self._notices.refused(selection.request, selection.facts, error, selection.id)
            raise error
        execution = self._start(selection, "--yes" if yes else selection.level.name.lower())
        await execution.done.wait()
        if execution.refused is not None:
            raise execution.refused
        assert execution.outcome is not None
        return execution.outcome

    def _operate_refusal(self, selection: Selection) -> Refusal | None:
        """What stops a confirmed selection before anything else is looked at."""
        request, name = selection.request, shown_name(selection.facts)
        if self._closing:
            return _ending()
        if request.source in self._waiting.running:
            sentence = tr("A command of {source} is still running. Wait until it has ended.", source=request.source)
            return Refusal(Cause.COMMAND_ALREADY_IN_EXECUTION, sentence)
        if self._selection is not selection:
            return Refusal(Cause.OBJECT_NOT_SELECTED, tr("{name} is no longer selected. Select it again.", name=name))
        if self._expired(selection):
            return Refusal(Cause.TIME_LIMIT_OVER, _expired_words(selection))
        if request.origin != "shell" and not self.armed:
            return Refusal(Cause.BLOCKED_BY_MODE, tr("Control is not armed. Arm it, then select again."))
        return None

    def _start(self, selection: Selection, confirmation: str) -> Execution:
        """Take the selection, without a pause in which another could, and run it in a task of its own."""
        assert self._tasks is not None, "Control must be entered with `async with` before it operates"
        request = selection.request

        async def prepare() -> None:
            await self._lock(request, shown_name(selection.facts), EXECUTION_LOCK_S)
            await self._refresh_operations()

        hooks = Hooks(
            prepare=prepare,
            check=lambda facts: self._gate.recheck(selection, facts),
            moved=lambda state, sentence: self._moved(execution, state, sentence),
        )
        operable = self._gate.operables[request.source]
        execution = Execution(selection, operable, self._journal, self._clock, self._limits, hooks, confirmation)
        self._selection = None
        self._waiting.begin(execution)
        self._touch(request)
        self._tasks.start_soon(self._run, execution)
        return execution

    async def _run(self, execution: Execution) -> None:
        """One command to its end; the source is free again before anyone hears that it ended."""
        source = execution.selection.request.source
        try:
            await execution.run()
        finally:
            with anyio.CancelScope(shield=True):
                await self._unlock(source)
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

    async def _settle(self, source: SourceId) -> None:
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

    async def shutdown(self, limit_s: float = 2.0) -> None:
        """Rule 22: give up the selection, and write the outcome of every sent command, in at most `limit_s`."""
        self._closing = True
        with anyio.move_on_after(limit_s, shield=True):
            running = list(self._waiting.running.values())
            for execution in running:
                execution.scope.cancel()
            if self._selection is not None:
                await self._drop(self._selection, Cause.ABORTION_BY_CANCEL, tr("The session ended."))
            for execution in running:
                await execution.done.wait()

    def _require(self, refusal: Refusal | None) -> None:
        if refusal is not None:
            raise _refused(refusal)

    def _expired(self, selection: Selection) -> bool:
        return self._clock.monotonic() >= selection.expires_at

    def _touch(self, request: Request) -> None:
        """A command is made: arming lasts from now, as long as the link to its source."""
        self._in_control = request
        if self._armed_at is not None:
            self._armed_at = self._clock.monotonic()

    async def _refresh_operations(self) -> None:
        try:
            await to_thread.run_sync(self._operations.refresh)
        except JournalUnreadable as error:
            raise CommandRefused(Cause.BLOCKED_BY_INTERLOCKING, str(error)) from error

    async def _lock(self, request: Request, name: str, limit_s: float) -> None:
        try:
            async with self._lock_files:
                await to_thread.run_sync(self._locks.acquire, request.source, request.object_id, name, limit_s)
        except LockedByOther as error:
            raise CommandRefused(Cause.LOCKED_BY_OTHER_CLIENT, str(error)) from error
        except LockUnavailable as error:
            raise CommandRefused(Cause.BLOCKED_BY_INTERLOCKING, str(error)) from error

    async def _unlock(self, source: SourceId) -> None:
        try:
            # In order, so that an older release never undoes a newer selection.
            async with self._lock_files:
                await to_thread.run_sync(self._locks.release, source)
        except LockUnavailable as error:
            _LOG.warning("%s", error)

    async def _drop(self, selection: Selection, cause: Cause, sentence: str) -> None:
        """End a selection that was not operated, and write why."""
        if self._selection is not selection:
            return
        self._selection = None
        self._notices.tell_of(selection, "dropped", State.IDLE, sentence)
        with anyio.CancelScope(shield=True):
            await self._unlock(selection.request.source)
            await self._notices.note_of(selection, selection.facts, "cancel", cause=cause.value, sentence=sentence)


def _ending() -> Refusal:
    return Refusal(Cause.BLOCKED_BY_MODE, tr("The session is ending; nothing is sent any more."))


def _refused(refusal: Refusal) -> CommandRefused:
    return CommandRefused(refusal.cause, refusal.sentence)


def _confirmation_refusal(selection: Selection, typed_name: str | None, yes: bool) -> Refusal | None:
    """Rules 1, 7, 13, 15 and 16: is this the confirmation that is asked for?"""
    if yes and selection.request.origin == "shell":
        return None
    if selection.level is Level.TYPE_NAME and not names_it(typed_name or "", selection.facts):
        sentence = tr(
            "What was typed is not the name. Type {name} to confirm, or cancel.", name=repr(selection.type_this)
        )
        return Refusal(Cause.BLOCKED_BY_INTERLOCKING, sentence)
    return None


def _expired_words(selection: Selection) -> str:
    return tr("The selection of {name} has run out. Select it again.", name=shown_name(selection.facts))
