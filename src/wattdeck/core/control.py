"""The one way to change anything outside: select, confirm, send once, read back, journal (control.md).

No screen, key, palette entry, shell command or plug-in reaches an `Operable` but through here. `why_not` answers
without I/O; `select` binds a command to what was shown; `operate` checks everything again and runs the command
to its end in a task of its own, whatever becomes of the screen that asked.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import anyio

from wattdeck.core.arming import Arming
from wattdeck.core.clock import Clock
from wattdeck.core.command import (
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
)
from wattdeck.core.devicelock import DeviceLock
from wattdeck.core.errors import Cause, CommandRefused
from wattdeck.core.execution import journal_fields
from wattdeck.core.gate import Gate
from wattdeck.core.interlocks import replayed
from wattdeck.core.journal import Journal, JournalUnwritable
from wattdeck.core.language import tr
from wattdeck.core.locks import Locks
from wattdeck.core.notices import Notices, Subscriber
from wattdeck.core.operable import Operable
from wattdeck.core.operations import Operations
from wattdeck.core.reading import SourceId
from wattdeck.core.running import Running
from wattdeck.core.selecting import describe


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
        self._clock = clock
        self._limits = limits or Limits()
        self._operations = Operations(journal)
        self._gate = Gate(operables, policies, self._operations, clock, read_only=read_only, demo=demo, replay=replay)
        self._notices = Notices(journal, clock)
        self._arming = Arming(journal, self._notices, clock, self._limits.arm_s)
        self._lock = DeviceLock(locks)
        self._running = Running(
            self._gate, self._operations, self._lock, journal, self._notices, clock, self._limits
        )  # fmt: skip
        self._selecting = False
        self._closing = False
        self._selection: Selection | None = None

    async def __aenter__(self) -> Self:
        await self._running.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.shutdown()
        await self._running.__aexit__(kind, error, trace)

    @property
    def armed(self) -> bool:
        """A person has allowed commands in this session, and it is not too long ago (rule 1)."""
        return self._arming.armed

    async def arm(self) -> None:
        """A person allows commands in this session; ends by itself without one for 15 minutes.

        Raises:
            CommandRefused: the deck is read-only, or the journal cannot be written.
        """
        if self.replay:
            raise _refused(replayed())
        if self.read_only:
            raise CommandRefused(Cause.BLOCKED_BY_MODE, tr("The deck runs read-only. Start it without --read-only."))
        await self._arming.begin()

    async def disarm(self, reason: str) -> None:
        """End arming: time, loss of the link, suspend, or a person's wish. A running command goes on."""
        words = await self._arming.end(reason)
        if words and self._selection is not None and self._selection.request.origin == "app":
            await self._drop(self._selection, Cause.BLOCKED_BY_MODE, words)

    async def tick(self) -> None:
        """Call once a second: ends what has run out. Nothing is allowed longer if this is not called."""
        if self._arming.run_out:
            await self.disarm(tr("{minutes} minutes without a command", minutes=f"{self._limits.arm_s / 60:.0f}"))
        if self._selection is not None and self._expired(self._selection):
            await self._drop(self._selection, Cause.TIME_LIMIT_OVER, _expired_words(self._selection))

    async def on_reading(self, source: SourceId) -> str | None:
        """Call for each new reading of a source: settles, drops and disarms. Returns why a selection was dropped."""
        await self._running.settle(source)
        dropped = None
        if self._selection is not None and self._selection.request.source == source:
            dropped = await self.revalidate(self._selection)
        request = self._arming.in_control
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
        return self._running.pending(source)

    def lockouts(self, source: SourceId) -> Mapping[str, Lockout]:
        """Object id -> lockout in force, for the padlock beside it (rule 13)."""
        return self._gate.policy(source).lockouts

    def read_only_words(self, source: SourceId) -> str:
        """Why nothing of this source may be commanded in this session; empty if something may."""
        refusal = self._gate.mode(source)
        return "" if refusal is None else refusal.sentence

    def why_not(self, request: Request) -> Refusal | None:
        """Why this command may not be sent now, or None. No I/O; arming and other sessions come at select."""
        return self._running.refusal(request.source) or self._gate.refusal(request)

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
        await self._operations.catch_up()
        self._require(self.why_not(request))
        timeout_s = self._gate.policy(request.source).select_timeout_s
        await self._lock.take(request, shown_name(self._gate.facts(request)), timeout_s)
        try:
            return await self._bind(request, timeout_s)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._lock.give_back(request.source)
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
        self._arming.touch(request)
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
        # Taken and started without a pause in which another could be.
        self._selection = None
        self._arming.touch(selection.request)
        execution = self._running.start(selection, "--yes" if yes else selection.level.name.lower())
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
        if (refusal := self._running.refusal(request.source)) is not None:
            return refusal
        if self._selection is not selection:
            return Refusal(Cause.OBJECT_NOT_SELECTED, tr("{name} is no longer selected. Select it again.", name=name))
        if self._expired(selection):
            return Refusal(Cause.TIME_LIMIT_OVER, _expired_words(selection))
        if request.origin != "shell" and not self.armed:
            return Refusal(Cause.BLOCKED_BY_MODE, tr("Control is not armed. Arm it, then select again."))
        return None

    async def shutdown(self, limit_s: float = 2.0) -> None:
        """Rule 22: give up the selection, and write the outcome of every sent command, in at most `limit_s`."""
        self._closing = True
        with anyio.move_on_after(limit_s, shield=True):
            running = self._running.stop()
            if self._selection is not None:
                await self._drop(self._selection, Cause.ABORTION_BY_CANCEL, tr("The session ended."))
            for execution in running:
                await execution.done.wait()

    def _require(self, refusal: Refusal | None) -> None:
        if refusal is not None:
            raise _refused(refusal)

    def _expired(self, selection: Selection) -> bool:
        return self._clock.monotonic() >= selection.expires_at

    async def _drop(self, selection: Selection, cause: Cause, sentence: str) -> None:
        """End a selection that was not operated, and write why."""
        if self._selection is not selection:
            return
        self._selection = None
        self._notices.tell_of(selection, "dropped", State.IDLE, sentence)
        with anyio.CancelScope(shield=True):
            await self._lock.give_back(selection.request.source)
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
