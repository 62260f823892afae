"""A control with everything around it: a scripted panel, and a clock moved by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from fakes import START, ManualClock
from wattdeck.core.command import (
    ControlChanged,
    Outcome,
    Policy,
    Request,
)
from wattdeck.core.control import Control
from wattdeck.core.errors import (
    CommandRefused,
)
from wattdeck.core.journal import Journal
from wattdeck.core.locks import Locks
from wattdeck.core.operable import Facts
from wattdeck.core.reading import Link

HOME = "span/home"
KITCHEN = Facts(
    source=HOME,
    identity="nt-2143-c1akc, firmware spanos2/r202342/04",
    object_id="c1",
    name="Kitchen",
    place="space 2·4",
    state="closed",
    power_w=812.0,
    priority="must_have",
    controllable=True,
    why_not="",
    link=Link.LIVE,
    taken_at=START,
    good_polls=5,
    interval_s=1.0,
)
OPEN_KITCHEN = Request(HOME, "relay", "c1", "open")
CLOSE_KITCHEN = Request(HOME, "relay", "c1", "closed")
Step = Facts | Exception | None


class ScriptedPanel:
    """A panel with one relay that does as it is told, unless the script says otherwise."""

    def __init__(self, clock: ManualClock, facts: Facts = KITCHEN) -> None:
        self.clock = clock
        self.shown = facts
        self.sent: list[tuple[str, str, str]] = []
        self.answer: Exception | None = None
        self.obeys = True
        self.after: list[Step] = []
        """What reads after the sending return, the last for ever; empty = the truth."""
        self.during_send: Callable[[], Awaitable[object]] | None = None
        self.during_read: Callable[[], Awaitable[Facts | None]] | None = None
        self.read_failure: Exception | None = None
        self.reads = 0

    def kinds(self) -> tuple[str, ...]:
        return ("relay", "priority")

    def wanted_values(self, kind: str) -> tuple[str, ...]:
        return ("open", "closed") if kind == "relay" else ("must_have", "nice_to_have", "non_essential")

    def facts(self, kind: str, object_id: str) -> Facts | None:
        if object_id != self.shown.object_id:
            return None
        return replace(self.shown, state=self.shown.priority) if kind == "priority" else self.shown

    async def send(self, kind: str, object_id: str, wanted: str) -> None:
        self.sent.append((kind, object_id, wanted))
        if self.during_send is not None:
            await self.during_send()
        if self.obeys:
            changes: dict[str, Any] = (
                {"priority": wanted}
                if kind == "priority"
                else {"state": wanted, "power_w": 0.0 if wanted == "open" else 800.0}
            )
            self.shown = replace(self.shown, **changes)
        if self.answer is not None:
            raise self.answer

    async def read_back(self, kind: str, object_id: str) -> Facts | None:
        self.reads += 1
        await anyio.lowlevel.checkpoint()
        if self.read_failure is not None:
            raise self.read_failure
        if self.during_read is not None:
            return await self.during_read()
        if self.sent and self.after:
            step = self.after.pop(0) if len(self.after) > 1 else self.after[0]
            if isinstance(step, Exception):
                raise step
            return step
        now = self.facts(kind, object_id)
        return None if now is None else replace(now, taken_at=self.clock.now())


class Desk:
    """A control with everything around it."""

    def __init__(self, directory: Path, clock: ManualClock, policy: Policy | None = None, **options: Any) -> None:
        self.clock = clock
        self.panel = ScriptedPanel(clock)
        self.journal = Journal(directory / "journal.jsonl", clock)
        self.locks = Locks(directory / "run", clock, self.journal.who)
        self.policies = {HOME: policy or Policy(control=True)}
        self.changes: list[ControlChanged] = []
        self.control = Control({HOME: self.panel}, self.policies, self.journal, self.locks, clock, **options)
        self.control.subscribe(self.changes.append)

    def new_reading(self, **changes: Any) -> None:
        self.panel.shown = replace(self.panel.shown, taken_at=self.clock.now(), **changes)

    def policy(self, **changes: Any) -> None:
        self.policies[HOME] = replace(self.policies[HOME], **changes)

    def events(self) -> list[str]:
        return [record.event for record in self.journal.records()]

    def last(self) -> dict[str, Any]:
        return dict(list(self.journal.records())[-1].fields)

    async def command(self, request: Request = OPEN_KITCHEN, typed: str | None = None) -> Outcome:
        return await self.control.operate(await self.control.select(request), typed)

    async def refused(self, request: Request = OPEN_KITCHEN) -> CommandRefused:
        with pytest.raises(CommandRefused) as caught:
            await self.control.select(request)
        assert self.panel.sent == []
        return caught.value


@asynccontextmanager
async def desk_in(
    directory: Path, policy: Policy | None = None, armed: bool = True, **options: Any
) -> AsyncIterator[Desk]:
    desk = Desk(directory, options.pop("clock", None) or ManualClock(), policy, **options)
    async with desk.control:
        if armed:
            await desk.control.arm()
        yield desk
