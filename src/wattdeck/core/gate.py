"""What control knows of a request: its equipment, its policy, and what the interlocks say. No I/O."""

from __future__ import annotations

from collections.abc import Mapping

from wattdeck.core import interlocks, levels
from wattdeck.core.clock import Clock
from wattdeck.core.command import Level, Policy, Refusal, Request, Selection
from wattdeck.core.errors import Cause, CommandRefused
from wattdeck.core.language import tr, tr_as
from wattdeck.core.operable import Facts, Operable
from wattdeck.core.operations import Operations
from wattdeck.core.reading import Link, SourceId
from wattdeck.core.situation import Situation
from wattdeck.core.text import clean


class Gate:
    """Puts a request together with its facts and asks every interlock."""

    def __init__(
        self,
        operables: Mapping[SourceId, Operable],
        policies: Mapping[SourceId, Policy],
        operations: Operations,
        clock: Clock,
        *,
        read_only: bool,
        demo: bool,
        replay: bool = False,
    ) -> None:
        self.operables = operables
        self._policies = policies
        self._operations = operations
        self._clock = clock
        self._read_only = read_only
        self._demo = demo
        self._replay = replay

    def policy(self, source: SourceId) -> Policy:
        """The source's policy; one that was given none is read-only."""
        return self._policies.get(source) or Policy()

    def mode(self, source: SourceId) -> Refusal | None:
        """Why nothing of a source may be commanded at all, or None."""
        if self._replay:
            return interlocks.replayed()
        return interlocks.mode_of(source, self.policy(source), read_only=self._read_only)

    def newest(self, request: Request) -> Facts | None:
        """The newest facts, or None if there is no such source, command or object."""
        operable = self.operables.get(request.source)
        if operable is None or request.kind not in operable.kinds():
            return None
        return operable.facts(request.kind, request.object_id)

    def facts(self, request: Request) -> Facts:
        """The newest facts of what is asked for.

        Raises:
            CommandRefused: there is no such source, command or object.
        """
        facts = self.newest(request)
        if facts is None:
            refusal = self._missing(request)
            raise CommandRefused(refusal.cause, refusal.sentence)
        return facts

    def refusal(self, request: Request) -> Refusal | None:
        """The first interlock that stops this request now."""
        if self._replay:
            return interlocks.replayed()
        facts = self.newest(request)
        if facts is None:
            return self._missing(request)
        return interlocks.first_refusal(self._situation(request, facts))

    def level(self, request: Request, facts: Facts) -> tuple[Level, tuple[str, ...]]:
        """The confirmation level and why it is raised."""
        return levels.required_level(self._situation(request, facts))

    def recheck(self, selection: Selection, facts: Facts) -> Refusal | None:
        """Every interlock again, on facts read a moment ago (rules 5, 10 to 16)."""
        if self._replay:
            return interlocks.replayed()
        if (refusal := interlocks.changed(selection.facts, facts)) is not None:
            return refusal
        situation = self._situation(selection.request, facts)
        if (refusal := interlocks.first_refusal(situation)) is not None:
            return refusal
        level, reasons = levels.required_level(situation)
        if level > selection.level:
            sentence = tr(
                "More confirmation is needed than when it was selected. {reasons} Select it again.",
                reasons=" ".join(reasons),
            )
            return Refusal(Cause.BLOCKED_BY_INTERLOCKING, sentence)
        return None

    def changed(self, selection: Selection) -> Refusal | None:
        """What has changed since the selection was shown."""
        return interlocks.changed(selection.facts, self.newest(selection.request))

    def link_is_lost(self, request: Request) -> bool:
        """The link to what was commanded last is there no more."""
        facts = self.newest(request)
        return facts is not None and facts.link is not Link.LIVE

    def _missing(self, request: Request) -> Refusal:
        """Why there are no facts for a request."""
        operable = self.operables.get(request.source)
        kind, object_id = clean(request.kind, 40), clean(request.object_id, 60)
        if operable is None:
            sentence = tr("{source} takes no commands. Choose another source.", source=request.source)
            return Refusal(Cause.NO_ACCESS_AUTHORITY, sentence)
        if request.kind not in operable.kinds():
            known = ", ".join(operable.kinds()) or tr_as("command", "none")
            sentence = tr(
                "{source} knows no command {kind}. It knows: {known}.",
                source=request.source,
                kind=repr(kind),
                known=known,
            )
            return Refusal(Cause.NO_ACCESS_AUTHORITY, sentence)
        sentence = tr(
            "{source} shows no {object_id} now. Look at the list and select again.",
            source=request.source,
            object_id=repr(object_id),
        )
        return Refusal(Cause.BLOCKED_BY_INTERLOCKING, sentence)

    def _situation(self, request: Request, facts: Facts) -> Situation:
        moved = [request.object_id, *(sibling.object_id for sibling in facts.moves_with)]
        opened = [self._operations.last_open(request.source, each) for each in moved]
        return Situation(
            request=request,
            facts=facts,
            policy=self.policy(request.source),
            wanted_values=self.operables[request.source].wanted_values(request.kind),
            now=self._clock.now(),
            read_only=self._read_only,
            demo=self._demo,
            operations=sorted(moment for each in moved for moment in self._operations.sent(request.source, each)),
            last_open=max(filter(None, opened), default=None),
        )
