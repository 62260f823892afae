"""One command from its confirmation to its outcome, independent of any screen (control.md rules 18-23)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import anyio

from wattdeck.core.chain import Field
from wattdeck.core.clock import Clock
from wattdeck.core.command import Limits, Outcome, Refusal, Request, Selection, State, shown_name
from wattdeck.core.errors import Cause, CommandRefused
from wattdeck.core.feedback import Feedback, Reply, error_words, send_once
from wattdeck.core.journal import Journal, JournalUnwritable
from wattdeck.core.language import tr
from wattdeck.core.operable import Facts, Operable

EVENTS = {State.CONFIRMED: "confirm", State.FAILED: "fail", State.UNKNOWN: "time-out"}
"""Outcome -> journal event."""
SIBLINGS_CHARS = 1000
"""Of a record, for what moves with an object."""
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Hooks:
    """What an execution asks of control."""

    prepare: Callable[[], Awaitable[None]]
    """Take the lock and read the journal's news; raises CommandRefused."""
    check: Callable[[Facts], Refusal | None]
    """All interlocks, on fresh facts."""
    moved: Callable[[State, str], None]
    """The command is now in this state."""


class Execution:
    """Runs one command to its end: then `outcome` or `refused` is there. Whoever runs it sets `done` after it."""

    def __init__(
        self,
        selection: Selection,
        operable: Operable,
        journal: Journal,
        clock: Clock,
        limits: Limits,
        hooks: Hooks,
        confirmation: str,
    ) -> None:
        self.selection = selection
        self.state = State.SELECTED
        self.since = clock.monotonic()
        self.outcome: Outcome | None = None
        self.refused: CommandRefused | None = None
        self.done = anyio.Event()
        self.scope = anyio.CancelScope()
        self._operable = operable
        self._journal = journal
        self._clock = clock
        self._limits = limits
        self._hooks = hooks
        self._confirmation = confirmation
        self._before = selection.facts
        self._feedback = Feedback(operable, selection.request, selection.facts, clock, limits)

    async def run(self) -> None:
        """Execute; when cancelled, write what is known before ending."""
        try:
            with self.scope:
                await self._guarded()
        finally:
            with anyio.CancelScope(shield=True):
                if self.outcome is None and self.refused is None:
                    await self._end_now()

    async def _guarded(self) -> None:
        """Turn refusals and unexpected errors into an end that is written down."""
        try:
            await self._execute()
        except CommandRefused as error:
            await self._refuse(error)
        except Exception:
            # A defect of a plug-in must neither hide a sent command nor take the deck down.
            _LOG.exception("a command stopped unexpectedly")

    async def _execute(self) -> None:
        await self._hooks.prepare()
        fresh = await self._fresh_facts()
        if (refusal := self._hooks.check(fresh)) is not None:
            raise CommandRefused(refusal.cause, refusal.sentence)
        self._before = fresh
        self._feedback = Feedback(self._operable, self.selection.request, fresh, self._clock, self._limits)
        await self._write_intention()
        self._move(State.SENT, tr("Sent to {name}; waiting for the answer.", name=shown_name(fresh)))
        answer = await send_once(self._operable, self.selection.request, self._limits)
        if answer.reply in (Reply.REFUSED, Reply.NOT_SENT):
            await self._end(self._feedback.not_switched(answer))
            return
        if answer.reply is Reply.ACKED:
            self._move(State.ACKED, tr("Acknowledged; reading {name} back.", name=shown_name(fresh)))
            await self._note("ack")
        await self._end(await self._feedback.watch(answer))

    async def _fresh_facts(self) -> Facts:
        """Read the object once more, so that what is confirmed is what is switched."""
        request = self.selection.request
        try:
            with anyio.fail_after(self._limits.read_s):
                fresh = await self._operable.read_back(request.kind, request.object_id)
        except Exception as error:
            raise CommandRefused(
                Cause.ABORTION_BY_COMMUNICATION_LOSS,
                tr(
                    "{source} could not be read just before sending ({reason}). Nothing was sent. Wait until "
                    "the link is live and select again.",
                    source=request.source,
                    reason=error_words(error),
                ),
            ) from error
        shown = self._operable.facts(request.kind, request.object_id)
        if shown is None or fresh is None:
            raise CommandRefused(
                Cause.OBJECT_NOT_SELECTED,
                tr(
                    "{name} is no longer there. Nothing was sent; look at the list.",
                    name=shown_name(self.selection.facts),
                ),
            )
        # Link and polls are the feed's to know; the rest is what was just read.
        return replace(
            fresh,
            link=shown.link,
            good_polls=shown.good_polls,
            interval_s=shown.interval_s,
            taken_at=fresh.taken_at or shown.taken_at,
        )

    async def _write_intention(self) -> None:
        """Rule 23: on the disk before anything is sent, or not at all."""
        try:
            await self._journal.write("send", **self._fields(self._before), confirmation=self._confirmation)
        except JournalUnwritable as error:
            raise CommandRefused(Cause.BLOCKED_BY_INTERLOCKING, str(error)) from error

    async def _end(self, outcome: Outcome) -> None:
        """Write the outcome down and make it known; it stands even if it cannot be written."""
        with anyio.CancelScope(shield=True):
            if self.outcome is None:
                self.outcome = outcome
                problem = await self._note(
                    EVENTS[outcome.state],
                    outcome=outcome.state.value,
                    cause=outcome.cause.value,
                    sentence=outcome.sentence,
                    alarm=outcome.alarm,
                    sent=outcome.sent,
                )
                if problem:
                    alarm = tr(
                        "{alarm} The outcome is not in the journal. {problem}", alarm=outcome.alarm, problem=problem
                    ).strip()
                    self.outcome = replace(outcome, alarm=alarm)
        self._move(outcome.state, outcome.sentence)

    async def _refuse(self, error: CommandRefused) -> None:
        with anyio.CancelScope(shield=True):
            self.refused = error
            await self._note("refuse", outcome=State.REFUSED.value, cause=error.cause.value, sentence=str(error))
        self._move(State.REFUSED, str(error))

    async def _end_now(self) -> None:
        """Rule 22: the session ends; what is known of a sent command is written first."""
        if self.state in (State.SENT, State.ACKED):
            await self._end(await self._feedback.last_look())
        else:
            sentence = tr("The session ended before the command was sent. Nothing was sent; select again if wanted.")
            await self._refuse(CommandRefused(Cause.ABORTION_BY_CANCEL, sentence))

    async def _note(self, event: str, **more: Field) -> str:
        """Journal something that happened; returns the problem if that failed."""
        try:
            await self._journal.write(event, **self._fields(self._before), **more)
        except JournalUnwritable as error:
            _LOG.error("%s", error)
            return str(error)
        return ""

    def _fields(self, facts: Facts) -> dict[str, Field]:
        return journal_fields(self.selection.id, self.selection.request, facts, self._clock)

    def _move(self, state: State, sentence: str) -> None:
        self.state = state
        self._hooks.moved(state, sentence)


def journal_fields(command: str, request: Request, facts: Facts | None, clock: Clock) -> dict[str, Field]:
    """What every record of a command holds (rule 23)."""
    fields: dict[str, Field] = {
        "command": command,
        "source": request.source,
        "kind": request.kind,
        "object_id": request.object_id,
        "to_state": request.wanted,
        "origin": request.origin,
        "reason": request.reason,
    }
    if facts is not None:
        age_s = None if facts.taken_at is None else round((clock.now() - facts.taken_at).total_seconds(), 1)
        fields |= {
            "identity": facts.identity,
            "name": facts.name,
            "place": facts.place,
            "from_state": facts.state,
            "power_w": facts.power_w,
            "age_s": age_s,
        }
        siblings = ", ".join(f"{sibling.name} ({sibling.object_id})" for sibling in facts.moves_with)
        said = {"protocol": facts.protocol, "requester": facts.requester, "moves_with": siblings[:SIBLINGS_CHARS]}
        fields |= {name: value for name, value in said.items() if value}
    return fields
