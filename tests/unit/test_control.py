"""Safe control, rule by rule (control.md). A scripted operable and a clock moved by hand; nothing sleeps."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from fakes import START, ManualClock
from wattdeck.core.command import (
    ControlChanged,
    Level,
    Limits,
    Lockout,
    Outcome,
    Policy,
    Request,
    Selection,
    State,
    names_it,
)
from wattdeck.core.control import Control
from wattdeck.core.errors import (
    AuthError,
    BadAnswer,
    Busy,
    Cause,
    CommandRefused,
    ServerFailure,
    StatusError,
    TimedOut,
    Unreachable,
    UsageError,
    ValidationRefused,
)
from wattdeck.core.feedback import Feedback, Reply, send_once
from wattdeck.core.journal import Journal
from wattdeck.core.locks import Locks
from wattdeck.core.operable import Facts, Wording
from wattdeck.core.reading import Link
from wattdeck.core.selecting import describe

pytestmark = pytest.mark.anyio

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


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_in(tmp_path) as desk:
        yield desk


# --- arming ---


async def test_rule_01_a_read_only_deck_refuses(tmp_path: Path) -> None:
    async with desk_in(tmp_path, armed=False, read_only=True) as desk:
        refusal = desk.control.why_not(OPEN_KITCHEN)
        assert refusal is not None
        assert refusal.cause is Cause.BLOCKED_BY_MODE
        assert "--read-only" in refusal.sentence
        with pytest.raises(CommandRefused, match="read-only"):
            await desk.control.arm()
        shell = replace(OPEN_KITCHEN, origin="shell")
        assert (await desk.refused(shell)).cause is Cause.BLOCKED_BY_MODE


async def test_rule_01_a_source_without_control_is_read_only(tmp_path: Path) -> None:
    async with desk_in(tmp_path, Policy()) as desk:
        error = await desk.refused()
        assert error.cause is Cause.BLOCKED_BY_MODE
        assert "control = true" in str(error)


async def test_rule_01_the_app_must_arm_and_the_shell_need_not(tmp_path: Path) -> None:
    async with desk_in(tmp_path, armed=False) as desk:
        assert "not armed" in str(await desk.refused())
        selection = await desk.control.select(replace(OPEN_KITCHEN, origin="shell"))
        outcome = await desk.control.operate(selection, yes=True)
        assert outcome.state is State.CONFIRMED
        assert [r.fields["confirmation"] for r in desk.journal.records() if r.event == "send"] == ["--yes"]


async def test_rule_01_arming_ends_after_fifteen_minutes_without_a_command(desk: Desk) -> None:
    desk.clock.advance(600)
    desk.new_reading()
    await desk.command()
    seen = []
    for step_s in (880, 20):
        desk.clock.advance(step_s)
        seen.append(desk.control.armed)
    assert seen == [True, False]
    await desk.control.tick()
    assert desk.last()["event"] == "disarm"
    assert desk.last()["reason"] == "15 minutes without a command"


async def test_rule_01_arming_ends_when_the_link_of_the_source_in_control_is_lost(desk: Desk) -> None:
    await desk.command()
    desk.new_reading(link=Link.STALE)
    await desk.control.on_reading("span/other")
    assert desk.control.armed
    await desk.control.on_reading(HOME)
    assert not desk.control.armed


async def test_rule_01_suspend_disarms_and_drops_the_selection(desk: Desk) -> None:
    selection = await desk.control.select(OPEN_KITCHEN)
    await desk.control.disarm("suspended")
    with pytest.raises(CommandRefused):
        await desk.control.operate(selection)
    assert desk.panel.sent == []
    assert desk.events()[:4] == ["arm", "select", "disarm", "cancel"]


async def test_rule_02_screens_hear_of_arming_and_disarming(desk: Desk) -> None:
    await desk.control.disarm("asked")
    assert [change.what for change in desk.changes] == ["armed", "disarmed"]
    assert "disarmed: asked" in desk.changes[-1].sentence


async def test_rule_02_a_broken_subscriber_does_not_stop_a_command(desk: Desk) -> None:
    def broken(change: ControlChanged) -> None:
        raise RuntimeError("no screen")

    stop = desk.control.subscribe(broken)
    assert (await desk.command()).state is State.CONFIRMED
    stop()
    stop()


async def test_rule_03_the_demo_commands_simulators_only(tmp_path: Path) -> None:
    async with desk_in(tmp_path, demo=True) as desk:
        assert "real host" in str(await desk.refused())
        desk.new_reading(demo=True)
        assert (await desk.command()).state is State.CONFIRMED


async def test_rule_03_outside_the_demo_a_simulator_is_refused(desk: Desk) -> None:
    desk.new_reading(demo=True)
    error = await desk.refused()
    assert error.cause is Cause.BLOCKED_BY_MODE
    assert "wattdeck demo" in str(error)


# --- select ---


async def test_rule_04_the_selection_shows_what_will_be_switched_and_binds_to_the_id(desk: Desk) -> None:
    desk.clock.advance(2)
    selection = await desk.control.select(OPEN_KITCHEN)
    text = "\n".join(selection.lines)
    for part in (
        HOME,
        "nt-2143-c1akc",
        "Kitchen",
        "space 2·4",
        "closed",
        "812 W",
        "read 2 s ago",
        "must_have",
        "OPEN",
    ):
        assert part in text
    assert "not an isolation" in text
    assert selection.request.object_id == "c1"
    assert desk.control.selection is selection


async def test_rule_04_hostile_names_are_harmless_in_every_line(desk: Desk) -> None:
    desk.new_reading(name="\x1b[2J\u202eK\ud800", place="\x07", priority="\x9b", identity="\n")
    selection = await desk.control.select(OPEN_KITCHEN)
    assert all(line.isprintable() for line in selection.lines)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"state": "open"}, "the present state changed from 'closed' to 'open'"),
        ({"name": "Garage"}, "the name changed"),
        ({"controllable": False}, "user control changed from allowed to not allowed"),
        ({"identity": "other"}, "the equipment's identity changed"),
        ({"link": Link.DOWN}, "The link to span/home was lost"),
        ({"object_id": "gone"}, "no longer there"),
    ],
)
async def test_rule_05_a_change_drops_the_selection_with_the_reason(
    desk: Desk, change: dict[str, Any], reason: str
) -> None:
    selection = await desk.control.select(OPEN_KITCHEN)
    desk.new_reading(power_w=700.0, priority="nice_to_have")
    assert await desk.control.revalidate(selection) is None
    desk.new_reading(**change)
    words = await desk.control.on_reading(HOME)
    assert words is not None
    assert reason in words
    assert desk.control.selection is None
    assert "cancel" in desk.events()
    assert await desk.control.revalidate(selection) is None
    with pytest.raises(CommandRefused):
        await desk.control.operate(selection)


async def test_rule_05_another_deck_that_was_faster_makes_this_one_ask_again(desk: Desk) -> None:
    selection = await desk.control.select(OPEN_KITCHEN)

    async def other_truth() -> Facts:
        return replace(KITCHEN, state="open", power_w=0.0)

    desk.panel.during_read = other_truth
    with pytest.raises(CommandRefused, match="present state changed") as caught:
        await desk.control.operate(selection)
    assert caught.value.cause is Cause.OBJECT_NOT_SELECTED
    assert desk.panel.sent == []


async def test_rule_06_only_absolute_targets_that_are_not_reached(desk: Desk) -> None:
    assert (await desk.refused(replace(OPEN_KITCHEN, wanted="toggle"))).cause is Cause.INVALID_POSITION
    assert (await desk.refused(CLOSE_KITCHEN)).cause is Cause.POSITION_REACHED
    desk.new_reading(state="unknown")
    assert (await desk.refused()).cause is Cause.INVALID_POSITION


async def test_rule_06_what_somebody_else_is_moving_is_not_called_done(desk: Desk) -> None:
    desk.new_reading(target="open")
    refused = await desk.refused(CLOSE_KITCHEN)
    assert refused.cause is Cause.COMMAND_ALREADY_IN_EXECUTION
    assert "still is closed, but somebody has asked for open" in str(refused) and desk.panel.sent == []
    desk.new_reading(target="closed")
    assert (await desk.refused(CLOSE_KITCHEN)).cause is Cause.POSITION_REACHED


async def test_rule_06_unknown_sources_kinds_and_objects_are_refused(desk: Desk) -> None:
    assert (await desk.refused(replace(OPEN_KITCHEN, source="span/none"))).cause is Cause.NO_ACCESS_AUTHORITY
    assert (await desk.refused(replace(OPEN_KITCHEN, kind="main"))).cause is Cause.NO_ACCESS_AUTHORITY
    assert (await desk.refused(replace(OPEN_KITCHEN, object_id="c9"))).cause is Cause.BLOCKED_BY_INTERLOCKING


async def test_rule_07_a_repeated_operate_sends_once(desk: Desk) -> None:
    selection = await desk.control.select(OPEN_KITCHEN)
    refusals: list[CommandRefused] = []

    async def operate() -> None:
        try:
            await desk.control.operate(selection)
        except CommandRefused as error:
            refusals.append(error)

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(operate)
    assert desk.panel.sent == [("relay", "c1", "open")]
    assert len(refusals) == 4
    assert {error.cause for error in refusals} <= {
        Cause.COMMAND_ALREADY_IN_EXECUTION,
        Cause.OBJECT_NOT_SELECTED,
    }


async def test_rule_07_at_the_raised_level_the_name_is_typed(desk: Desk) -> None:
    desk.new_reading(name="Freezer\u200b  room ❄️")
    selection = await desk.control.select(OPEN_KITCHEN)
    assert selection.level is Level.TYPE_NAME
    assert selection.type_this == "Freezer room"
    for wrong in (None, "", "freezer room", "c1", "\n"):
        with pytest.raises(CommandRefused, match="Type 'Freezer room'"):
            await desk.control.operate(selection, wrong)
    with pytest.raises(CommandRefused, match="Type 'Freezer room'"):
        await desk.control.operate(selection, yes=True)
    assert desk.panel.sent == []
    assert (await desk.control.operate(selection, " Freezer  room ")).state is State.CONFIRMED


@pytest.mark.parametrize(
    ("name", "typed", "same"),
    [
        ("Freezer ❄️", "Freezer ❄️", True),
        ("Cozinha é", "Cozinha e\u0301", True),
        ("\x1b[1mPump", "[1mPump", True),
        ("\u202e\u200b", "c1", True),
        ("\u202e\u200b", "", False),
        ("Pump 1", "Pump 2", False),
    ],
)
async def test_rule_07_names_are_compared_as_they_are_shown(name: str, typed: str, same: bool) -> None:
    assert names_it(typed, replace(KITCHEN, name=name)) is same


async def test_rule_08_a_selection_expires(desk: Desk) -> None:
    selection = await desk.control.select(OPEN_KITCHEN)
    assert selection.remaining_s(desk.clock.monotonic()) == 10
    desk.clock.advance(10)
    assert selection.remaining_s(desk.clock.monotonic()) == 0
    with pytest.raises(CommandRefused) as caught:
        await desk.control.operate(selection)
    assert caught.value.cause is Cause.TIME_LIMIT_OVER
    assert desk.panel.sent == []
    assert desk.control.selection is None


async def test_rule_08_the_tick_drops_what_has_expired_and_cancel_gives_it_up(desk: Desk) -> None:
    await desk.control.select(OPEN_KITCHEN)
    desk.clock.advance(11)
    await desk.control.tick()
    assert desk.control.selection is None
    assert desk.last()["cause"] == Cause.TIME_LIMIT_OVER
    desk.new_reading()
    selection = await desk.control.select(OPEN_KITCHEN)
    await desk.control.cancel(selection, "Escape was pressed.")
    await desk.control.cancel(selection, "Escape was pressed.")
    assert desk.last()["sentence"] == "Escape was pressed."
    assert desk.locks.other(HOME) is None
    with pytest.raises(CommandRefused) as caught:
        await desk.control.operate(selection)
    assert caught.value.cause is Cause.OBJECT_NOT_SELECTED


async def test_rule_08_the_time_is_adjustable_from_5_to_30_s() -> None:
    assert Policy(select_timeout_s=30).select_timeout_s == 30
    for wrong in (4.9, 30.1, float("nan")):
        with pytest.raises(ValueError, match="between 5 and 30"):
            Policy(select_timeout_s=wrong)
    with pytest.raises(ValueError, match="at least 1"):
        Policy(max_operations_per_hour=0)


async def test_rule_09_one_selected_object_per_session(desk: Desk) -> None:
    await desk.control.select(OPEN_KITCHEN)
    error = await desk.refused()
    assert error.cause is Cause.ONE_OF_N_CONTROL
    assert "Kitchen is selected already" in str(error)


async def test_rule_09_one_command_in_flight_per_panel(desk: Desk) -> None:
    causes: list[Cause] = []

    async def meanwhile() -> None:
        with pytest.raises(CommandRefused) as caught:
            await desk.control.select(CLOSE_KITCHEN)
        causes.append(caught.value.cause)

    desk.panel.during_send = meanwhile
    await desk.command()
    assert causes == [Cause.COMMAND_ALREADY_IN_EXECUTION]
    assert desk.control.why_not(CLOSE_KITCHEN) is None


# --- interlocks ---


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"link": Link.STALE}, "is stale"),
        ({"link": Link.DOWN}, "is down"),
        ({"link": Link.REFUSED}, "is refused"),
        ({"good_polls": 1}, "1 of 2 polls"),
        ({"taken_at": None}, "never read"),
        ({"taken_at": START - timedelta(seconds=5.1)}, "5 s old"),
        ({"taken_at": START - timedelta(seconds=46), "interval_s": 15.0}, "46 s old, more than 45 s"),
        ({"taken_at": START + timedelta(seconds=60)}, "clock"),
    ],
)
async def test_rule_10_only_fresh_facts_of_a_live_link(desk: Desk, change: dict[str, Any], words: str) -> None:
    desk.panel.shown = replace(desk.panel.shown, **change)
    error = await desk.refused()
    assert error.cause is Cause.BLOCKED_BY_INTERLOCKING
    assert words in str(error)


async def test_rule_10_the_age_limit_follows_the_interval(desk: Desk) -> None:
    desk.panel.shown = replace(KITCHEN, taken_at=START - timedelta(seconds=44), interval_s=15.0)
    assert desk.control.why_not(OPEN_KITCHEN) is None


async def test_rule_10_is_evaluated_again_at_operate_time(desk: Desk) -> None:
    selection = await desk.control.select(OPEN_KITCHEN)
    desk.panel.shown = replace(desk.panel.shown, good_polls=1)
    with pytest.raises(CommandRefused, match="1 of 2 polls"):
        await desk.control.operate(selection)
    assert desk.panel.sent == []
    assert "send" not in desk.events()


@pytest.mark.parametrize("failure", [Unreachable("no route to host"), TimedOut("slow"), RuntimeError("defect")])
async def test_rule_10_what_cannot_be_read_just_before_is_not_sent(desk: Desk, failure: Exception) -> None:
    selection = await desk.control.select(OPEN_KITCHEN)
    desk.panel.read_failure = failure
    with pytest.raises(CommandRefused) as caught:
        await desk.control.operate(selection)
    assert caught.value.cause is Cause.ABORTION_BY_COMMUNICATION_LOSS
    assert desk.panel.sent == []


async def test_rule_11_another_identity_at_operate_time_is_refused(desk: Desk) -> None:
    selection = await desk.control.select(OPEN_KITCHEN)
    desk.panel.shown = replace(desk.panel.shown, identity="nt-2143-c1akc, firmware spanos2/r202400/01")
    with pytest.raises(CommandRefused, match="identity changed"):
        await desk.control.operate(selection)
    assert desk.panel.sent == []


async def test_rule_11_other_equipment_does_not_count_as_read_back(desk: Desk) -> None:
    desk.panel.after = [replace(KITCHEN, identity="another", state="open", power_w=0.0)]
    outcome = await desk.command()
    assert outcome.state is State.UNKNOWN
    assert "other equipment answered" in outcome.sentence


async def test_rule_12_never_the_main_relay_nor_what_users_may_not_control(desk: Desk) -> None:
    desk.new_reading(why_not="The main relay is never offered.")
    error = await desk.refused()
    assert (error.cause, str(error)) == (Cause.BLOCKED_BY_INTERLOCKING, "The main relay is never offered.")
    desk.new_reading(why_not="", controllable=False)
    assert (await desk.refused()).cause is Cause.NO_ACCESS_AUTHORITY


async def test_rule_13_a_lockout_says_why_whose_and_since_when(desk: Desk) -> None:
    desk.policy(lockouts={"c1": Lockout("Wiring work", "Ana", date(2026, 11, 1))})
    error = await desk.refused()
    assert error.cause is Cause.BLOCKED_BY_INTERLOCKING
    assert "locked out by Ana since 2026-11-01: Wiring work" in str(error)


@pytest.mark.parametrize(
    ("name", "raised"),
    [
        ("Router", True),
        ("garage_FREEZERS", True),
        ("ＡＬＡＲＭ panel", True),
        ("Well pump 2", True),
        ("Campfire", False),
        ("Kitchen", False),
    ],
)
async def test_rule_13_names_somebody_depends_on_are_typed(desk: Desk, name: str, raised: bool) -> None:
    desk.new_reading(name=name)
    selection = await desk.control.select(OPEN_KITCHEN)
    assert (selection.level is Level.TYPE_NAME) is raised
    assert any("somebody may depend on it" in line for line in selection.lines) is raised


async def test_rule_14_a_motor_rests_before_it_is_closed_again(desk: Desk) -> None:
    desk.policy(motors=frozenset({"c1"}))
    await desk.command()
    confirmed_at = desk.clock.elapsed_s
    desk.clock.advance(60)
    desk.new_reading()
    with pytest.raises(CommandRefused, match=r"closed in 2 min 00 s"):
        await desk.command(CLOSE_KITCHEN)
    desk.clock.advance(confirmed_at + 180 - desk.clock.elapsed_s)
    desk.new_reading()
    assert (await desk.command(CLOSE_KITCHEN)).state is State.CONFIRMED


async def test_rule_14_the_rest_survives_a_restart(tmp_path: Path) -> None:
    clock, policy = ManualClock(), Policy(control=True, motors=frozenset({"c1"}))
    async with desk_in(tmp_path, policy, clock=clock) as desk:
        await desk.command()
    async with desk_in(tmp_path, policy, clock=clock) as desk:
        desk.new_reading(state="open")
        assert "is a motor" in str(await desk.refused(CLOSE_KITCHEN))


async def test_rule_14_a_refused_open_does_not_make_a_motor_rest(desk: Desk) -> None:
    desk.policy(motors=frozenset({"c1"}))
    desk.panel.answer, desk.panel.obeys = ValidationRefused("no", 422), False
    assert (await desk.command()).state is State.FAILED
    desk.panel.sent.clear()
    desk.new_reading(state="open")
    assert (await desk.control.select(CLOSE_KITCHEN)).request is CLOSE_KITCHEN


async def test_rule_14_at_most_n_operations_an_hour_also_after_a_restart(tmp_path: Path) -> None:
    clock, policy = ManualClock(), Policy(control=True, max_operations_per_hour=2)
    async with desk_in(tmp_path, policy, clock=clock) as desk:
        await desk.command()
        clock.advance(600)
        desk.new_reading()
        await desk.command(CLOSE_KITCHEN)
    async with desk_in(tmp_path, policy, clock=clock) as desk:
        desk.new_reading()
        error = await desk.refused()
        assert "2 times in the last hour" in str(error)
        assert "possible in 49 min" in str(error)
        clock.advance(3000)
        desk.new_reading()
        await desk.control.arm()
        assert (await desk.command()).state is State.CONFIRMED


async def test_rule_14_a_journal_that_was_moved_away_is_read_anew(desk: Desk) -> None:
    desk.policy(max_operations_per_hour=1)
    await desk.command()
    desk.journal.path.rename(desk.journal.path.with_suffix(".old"))
    desk.new_reading()
    assert (await desk.command(CLOSE_KITCHEN)).state is State.CONFIRMED


async def test_rule_15_what_feeds_this_session_is_typed(desk: Desk) -> None:
    desk.policy(feeds_this_session=frozenset({"c1"}))
    selection = await desk.control.select(OPEN_KITCHEN)
    assert selection.level is Level.TYPE_NAME
    assert "cut you off" in selection.reasons[0]


@pytest.mark.parametrize(
    ("facts", "raised"),
    [
        ({"power_w": 2400.0}, True),
        ({"power_w": -2400.0}, True),
        ({"power_w": 600.0}, False),
        ({"power_w": 3000.0, "current_a": 12.5}, False),
        ({"power_w": None}, True),
    ],
)
async def test_rule_16_opening_a_large_load_is_typed(desk: Desk, facts: dict[str, Any], raised: bool) -> None:
    desk.policy(open_above_a=15.0)
    desk.new_reading(**facts)
    assert ((await desk.control.select(OPEN_KITCHEN)).level is Level.TYPE_NAME) is raised


@pytest.mark.parametrize(
    ("total_w", "load_w", "raised"), [(9000.0, 2000.0, True), (3000.0, 2000.0, False), (None, 1.0, True)]
)
async def test_rule_16_closing_into_an_overload_is_typed(
    desk: Desk, total_w: float | None, load_w: float, raised: bool
) -> None:
    desk.policy(close_threshold_w=10_000.0)
    desk.new_reading(state="open", total_power_w=total_w, last_load_w=load_w)
    assert ((await desk.control.select(CLOSE_KITCHEN)).level is Level.TYPE_NAME) is raised


async def test_rule_16_without_the_grid_closing_needs_an_override_and_a_reason(desk: Desk) -> None:
    desk.new_reading(state="open", grid_up=False)
    assert "battery" in str(await desk.refused(CLOSE_KITCHEN))
    desk.policy(grid_off_override=True)
    assert "Give a reason" in str(await desk.refused(CLOSE_KITCHEN))
    selection = await desk.control.select(replace(CLOSE_KITCHEN, reason="Fridge for medicine"))
    assert selection.level is Level.TYPE_NAME
    assert desk.last()["reason"] == "Fridge for medicine"


async def test_rule_16_a_level_that_rose_since_select_asks_again(desk: Desk) -> None:
    desk.policy(open_above_a=15.0)
    selection = await desk.control.select(OPEN_KITCHEN)
    desk.new_reading(power_w=3000.0)
    with pytest.raises(CommandRefused, match="More confirmation is needed"):
        await desk.control.operate(selection)
    assert desk.panel.sent == []


async def test_rule_17_a_second_session_is_told_who_selected(tmp_path: Path, desk: Desk) -> None:
    await desk.control.select(OPEN_KITCHEN)
    async with desk_in(tmp_path, clock=desk.clock) as second:
        error = await second.refused()
        assert error.cause is Cause.LOCKED_BY_OTHER_CLIENT
        assert "Kitchen of span/home is selected by" in str(error)


async def test_rule_17_a_selection_taken_over_after_its_time_cannot_be_operated(tmp_path: Path, desk: Desk) -> None:
    selection = await desk.control.select(OPEN_KITCHEN)
    other = Locks(tmp_path / "run", ManualClock(START + timedelta(hours=1)), {"session": "x", "user": "bo"})
    other.acquire(HOME, "c1", "Kitchen", 60)
    with pytest.raises(CommandRefused) as caught:
        await desk.control.operate(selection)
    assert caught.value.cause is Cause.LOCKED_BY_OTHER_CLIENT
    assert desk.panel.sent == []


async def test_rule_17_the_lock_is_given_back_at_the_end_and_after_a_refusal(tmp_path: Path, desk: Desk) -> None:
    other = Locks(tmp_path / "run", desk.clock, {"session": "x", "user": "bo"})
    await desk.command()
    assert other.other(HOME) is None
    desk.new_reading(why_not="No.")
    with pytest.raises(CommandRefused):
        await desk.control.select(CLOSE_KITCHEN)
    assert other.other(HOME) is None


async def test_rule_17_giving_up_and_selecting_again_at_once_keeps_the_lock(tmp_path: Path, desk: Desk) -> None:
    other = Locks(tmp_path / "run", desk.clock, {"session": "x", "user": "bo"})
    selection = await desk.control.select(OPEN_KITCHEN)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(desk.control.cancel, selection, "Escape was pressed.")
        tasks.start_soon(desk.control.select, OPEN_KITCHEN)
    assert desk.control.selection is not None
    assert other.other(HOME) is not None


async def test_rule_17_a_selection_whose_screen_went_away_leaves_no_lock(tmp_path: Path, desk: Desk) -> None:
    other = Locks(tmp_path / "run", desk.clock, {"session": "x", "user": "bo"})
    write = desk.journal.write
    with anyio.CancelScope() as screen:

        async def cancel_then_write(event: str, **fields: Any) -> Any:
            screen.cancel()
            await anyio.lowlevel.checkpoint()
            return await write(event, **fields)

        desk.journal.write = cancel_then_write  # type: ignore[method-assign]
        await desk.control.select(OPEN_KITCHEN)
    assert screen.cancelled_caught
    assert desk.control.selection is None
    assert other.other(HOME) is None


async def test_rule_17_without_a_usable_lock_file_nothing_is_selected(tmp_path: Path, desk: Desk) -> None:
    (tmp_path / "run").write_text("in the way")
    assert "Check the runtime directory" in str(await desk.refused())


# --- execution ---


async def test_rule_18_a_command_goes_through_its_states_and_pending_shows_it(desk: Desk) -> None:
    seen: list[tuple[str, State, str]] = []

    def watch(change: ControlChanged) -> None:
        pending = desk.control.pending(HOME).get("c1")
        seen.append((change.what, change.state, pending.wanted if pending else ""))

    desk.control.subscribe(watch)
    outcome = await desk.command()
    assert outcome.state is State.CONFIRMED
    assert [(what, state) for what, state, _ in seen] == [
        ("selected", State.SELECTED),
        ("sent", State.SENT),
        ("acked", State.ACKED),
        ("ended", State.CONFIRMED),
    ]
    assert seen[1][2] == "open"
    assert dict(desk.control.pending(HOME)) == {}
    assert desk.events() == ["arm", "select", "send", "ack", "confirm"]


async def test_rule_19_an_answer_is_not_a_confirmation(desk: Desk) -> None:
    desk.panel.obeys = False
    outcome = await desk.command()
    assert outcome.state is State.UNKNOWN
    assert outcome.cause is Cause.TIME_LIMIT_OVER
    assert outcome.alarm
    assert desk.clock.elapsed_s >= 15
    assert len(desk.panel.sent) == 1


async def test_rule_19_reads_fast_for_ten_seconds(desk: Desk) -> None:
    desk.panel.after = [*[KITCHEN] * 18, replace(KITCHEN, state="open", power_w=0.0)]
    outcome = await desk.command()
    assert outcome.state is State.CONFIRMED
    assert 8.5 <= desk.clock.elapsed_s <= 10.5


async def test_rule_19_an_open_circuit_that_still_draws_power_is_an_alarm(desk: Desk) -> None:
    desk.panel.after = [replace(KITCHEN, state="open", power_w=640.0)]
    outcome = await desk.command()
    assert outcome.state is State.CONFIRMED
    assert "opened by report, power still flows (640 W)" in outcome.alarm
    assert 9.5 <= desk.clock.elapsed_s <= 11
    assert desk.last()["alarm"] == outcome.alarm
    assert desk.changes[-1].alarm


async def test_rule_19_power_may_take_a_while_to_fall(desk: Desk) -> None:
    drawing = replace(KITCHEN, state="open", power_w=640.0)
    desk.panel.after = [drawing, drawing, drawing, drawing, replace(drawing, power_w=-3.0)]
    outcome = await desk.command()
    assert (outcome.state, outcome.alarm) == (State.CONFIRMED, "")


async def test_rule_19_an_unknown_power_is_said_to_be_unknown(desk: Desk) -> None:
    desk.panel.after = [replace(KITCHEN, state="open", power_w=None)]
    assert "power is not known" in (await desk.command()).alarm


async def test_rule_19_closing_and_priorities_need_no_power(desk: Desk) -> None:
    outcome = await desk.command(Request(HOME, "priority", "c1", "non_essential"))
    assert (outcome.state, outcome.alarm) == (State.CONFIRMED, "")
    assert desk.panel.sent == [("priority", "c1", "non_essential")]


async def test_rule_20_after_a_time_out_what_is_read_decides(desk: Desk) -> None:
    desk.panel.answer = TimedOut("no answer within 5 s")
    assert (await desk.command()).state is State.CONFIRMED
    assert len(desk.panel.sent) == 1


@pytest.mark.parametrize(
    "answer", [TimedOut("x"), BadAnswer("x"), Busy("x", 503), StatusError("x", 408), RuntimeError("defect")]
)
async def test_rule_20_a_time_out_is_unknown_never_failed_and_never_resent(desk: Desk, answer: Exception) -> None:
    desk.panel.answer, desk.panel.obeys = answer, False
    outcome = await desk.command()
    assert outcome.state is State.UNKNOWN
    assert len(desk.panel.sent) == 1
    assert desk.events()[-1] == "time-out"


async def test_rule_20_nothing_to_read_is_unknown(desk: Desk) -> None:
    desk.panel.after = [Unreachable("no route to host")]
    outcome = await desk.command()
    assert outcome.state is State.UNKNOWN
    assert outcome.cause is Cause.ABORTION_BY_COMMUNICATION_LOSS
    assert "no route to host" in outcome.sentence
    assert len(desk.panel.sent) == 1


async def test_rule_20_a_hanging_send_is_bounded(tmp_path: Path) -> None:
    async with desk_in(tmp_path, limits=Limits(send_s=0.02)) as desk:
        desk.panel.during_send = anyio.sleep_forever
        outcome = await desk.command()
        assert outcome.state is State.UNKNOWN
        assert len(desk.panel.sent) == 1


async def test_rule_20_reads_may_be_repeated(desk: Desk) -> None:
    opened = replace(KITCHEN, state="open", power_w=0.0)
    desk.panel.after = [TimedOut("x"), None, RuntimeError("defect"), opened]
    assert (await desk.command()).state is State.CONFIRMED


async def test_rule_20_unknown_stays_beside_the_row_until_a_later_reading_settles_it(desk: Desk) -> None:
    desk.panel.obeys = False
    await desk.command()
    await desk.control.on_reading(HOME)
    assert desk.control.pending(HOME)["c1"].state is State.UNKNOWN
    desk.clock.advance(1)
    desk.new_reading(state="open")
    await desk.control.on_reading(HOME)
    assert dict(desk.control.pending(HOME)) == {}
    assert desk.last()["event"] == "settle"
    assert "Kitchen now reads open; open was asked." in desk.last()["sentence"]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (AuthError("the token is not accepted", 401), Cause.NO_ACCESS_AUTHORITY),
        (ValidationRefused("bad value", 422), Cause.INVALID_POSITION),
        (StatusError("not found", 404), Cause.NO_ACCESS_AUTHORITY),
        (Unreachable("connection refused"), Cause.ABORTION_BY_COMMUNICATION_LOSS),
    ],
)
async def test_rule_21_a_definite_no_means_nothing_was_switched(desk: Desk, answer: Exception, cause: Cause) -> None:
    desk.panel.answer, desk.panel.obeys = answer, False
    outcome = await desk.command()
    assert (outcome.state, outcome.cause) == (State.FAILED, cause)
    assert "Nothing was s" in outcome.sentence
    assert desk.events()[-1] == "fail"


async def test_rule_21_a_fault_with_the_old_value_standing_is_not_supported(desk: Desk) -> None:
    desk.panel.answer, desk.panel.obeys = ServerFailure("500 Internal Server Error", 500), False
    outcome = await desk.command(Request(HOME, "priority", "c1", "non_essential"))
    assert outcome.state is State.FAILED
    assert "not supported by this firmware" in outcome.sentence
    assert desk.clock.elapsed_s < 5


async def test_rule_21_a_fault_after_the_act_is_confirmed_by_reading(desk: Desk) -> None:
    desk.panel.answer = ServerFailure("500", 500)
    assert (await desk.command()).state is State.CONFIRMED


async def test_rule_21_a_relay_that_bounces_back_is_told(desk: Desk) -> None:
    opened = replace(KITCHEN, state="open", power_w=0.0)
    desk.panel.after = [opened, KITCHEN]
    outcome = await desk.command()
    assert (outcome.state, outcome.cause) == (State.FAILED, Cause.SWITCH_RETURNED)
    assert outcome.alarm


async def test_rule_21_one_stale_read_is_no_bounce(desk: Desk) -> None:
    opened = replace(KITCHEN, state="open", power_w=0.0)
    desk.panel.after = [opened, KITCHEN, opened, opened]
    assert (await desk.command()).state is State.CONFIRMED


async def test_rule_21_another_final_position_is_told(desk: Desk) -> None:
    desk.panel.after = [replace(KITCHEN, state="tripped")]
    outcome = await desk.command()
    assert (outcome.state, outcome.cause) == (State.FAILED, Cause.NOT_EXPECTED_FINAL_POSITION)
    assert "tripped" in outcome.sentence


async def test_rule_21_every_refusal_is_a_sentence_with_a_cause_in_the_journal(desk: Desk) -> None:
    error = await desk.refused(CLOSE_KITCHEN)
    assert str(error).endswith(".")
    assert desk.last()["event"] == "refuse"
    assert desk.last()["cause"] == "position-reached"
    assert desk.last()["sentence"] == str(error)
    assert desk.changes[-1].what == "refused"


async def test_rule_22_a_command_goes_on_when_the_screen_that_asked_is_gone(desk: Desk) -> None:
    selection = await desk.control.select(OPEN_KITCHEN)
    async with anyio.create_task_group() as screen:

        async def close_the_screen() -> None:
            screen.cancel_scope.cancel()

        desk.panel.during_send = close_the_screen
        screen.start_soon(desk.control.operate, selection)
    while desk.control.pending(HOME):
        await anyio.lowlevel.checkpoint()
    assert desk.events()[-2:] == ["ack", "confirm"]


async def ended_while_sending(desk: Desk, obeys: bool) -> Outcome:
    """The session ends while the panel has not answered yet."""
    outcomes: list[Outcome] = []
    sending = anyio.Event()

    async def hang() -> None:
        if obeys:
            desk.panel.shown = replace(desk.panel.shown, state="open", power_w=0.0)
        sending.set()
        await anyio.sleep_forever()

    async def operate(selection: Selection) -> None:
        outcomes.append(await desk.control.operate(selection))

    desk.panel.during_send = hang
    selection = await desk.control.select(OPEN_KITCHEN)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(operate, selection)
        await sending.wait()
        await desk.control.shutdown()
    return outcomes[0]


async def test_rule_22_the_end_of_the_session_writes_what_was_read(desk: Desk) -> None:
    assert (await ended_while_sending(desk, obeys=True)).state is State.CONFIRMED
    assert desk.events()[-1] == "confirm"


async def test_rule_22_the_end_of_the_session_writes_unknown_otherwise(desk: Desk) -> None:
    assert (await ended_while_sending(desk, obeys=False)).state is State.UNKNOWN
    assert desk.events()[-1] == "time-out"
    assert len(desk.panel.sent) == 1
    assert "ending" in str(await _refusal(desk))


async def _refusal(desk: Desk) -> CommandRefused:
    with pytest.raises(CommandRefused) as caught:
        await desk.control.select(OPEN_KITCHEN)
    return caught.value


async def test_rule_22_a_panel_that_hangs_does_not_hold_the_end_up(tmp_path: Path) -> None:
    async with desk_in(tmp_path, limits=Limits(last_look_s=0.02)) as desk:
        selection = await desk.control.select(OPEN_KITCHEN)
        sending = anyio.Event()

        async def hang() -> Facts | None:
            if not desk.panel.sent:
                return KITCHEN
            sending.set()
            await anyio.sleep(60)
            return None

        desk.panel.during_read = hang
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(desk.control.operate, selection)
            await sending.wait()
            await desk.control.shutdown()
        assert desk.events()[-1] == "time-out"


async def test_rule_22_ending_before_sending_sends_nothing(desk: Desk) -> None:
    selection = await desk.control.select(OPEN_KITCHEN)
    reading = anyio.Event()

    async def hang() -> Facts | None:
        reading.set()
        await anyio.sleep(60)
        return None

    desk.panel.during_read = hang
    refusals: list[str] = []

    async def operate() -> None:
        try:
            await desk.control.operate(selection)
        except CommandRefused as error:
            refusals.append(str(error))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(operate)
        await reading.wait()
        await desk.control.shutdown()
    assert desk.panel.sent == []
    assert "Nothing was sent" in refusals[0]
    assert desk.events()[-1] == "refuse"


async def test_rule_22_cancelling_the_whole_session_still_writes_the_outcome(tmp_path: Path) -> None:
    with anyio.CancelScope() as session:
        async with desk_in(tmp_path) as desk:

            async def hang() -> None:
                session.cancel()
                await anyio.sleep_forever()

            desk.panel.during_send = hang
            await desk.command()
    assert session.cancelled_caught
    assert desk.events()[-1] == "time-out"


async def test_rule_22_an_error_in_the_session_arrives_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(CommandRefused, match="already closed"):
        async with desk_in(tmp_path) as desk:
            await desk.command(CLOSE_KITCHEN)


SESSION = """
import signal, sys
from pathlib import Path
import anyio
import anyio.lowlevel
sys.path[:0] = sys.argv[2:]
from test_control import desk_in, OPEN_KITCHEN

async def main():
    async with desk_in(Path(sys.argv[1])) as desk, anyio.create_task_group() as tasks:
        async def hang():
            print("sending", flush=True)
            await anyio.sleep_forever()
        desk.panel.during_send = hang
        selection = await desk.control.select(OPEN_KITCHEN)
        tasks.start_soon(desk.control.operate, selection)
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGHUP) as signals:
            async for _ in signals:
                await desk.control.shutdown()
                tasks.cancel_scope.cancel()
                return
anyio.run(main)
"""


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_rule_22_a_signal_during_a_command_leaves_its_outcome_in_the_journal(tmp_path: Path, name: str) -> None:
    here = Path(__file__).parent
    program = [sys.executable, "-c", SESSION, str(tmp_path), str(here), str(here.parent)]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as session:
        assert session.stdout is not None
        assert session.stdout.readline() == b"sending\n"
        session.send_signal(getattr(signal, name))
        session.wait(10)
    journal = Journal(tmp_path / "journal.jsonl", ManualClock())
    assert [record.event for record in journal.records()][-2:] == ["send", "time-out"]
    assert journal.verify() == []


# --- audit ---


async def test_rule_23_the_intention_is_on_the_disk_before_anything_is_sent(desk: Desk) -> None:
    events: list[list[str]] = []

    async def look() -> None:
        events.append(desk.events())

    desk.panel.during_send = look
    await desk.command()
    assert events == [["arm", "select", "send"]]


async def test_rule_23_every_record_tells_what_which_from_and_to(desk: Desk) -> None:
    await desk.command()
    send = next(record for record in desk.journal.records() if record.event == "send")
    assert send.fields["identity"] == KITCHEN.identity
    assert (send.fields["object_id"], send.fields["name"]) == ("c1", "Kitchen")
    assert (send.fields["from_state"], send.fields["to_state"]) == ("closed", "open")
    assert (send.fields["power_w"], send.fields["age_s"]) == (812.0, 0.0)
    assert desk.last()["outcome"] == "confirmed"
    assert desk.last()["cause"] == "none"
    assert desk.journal.verify() == []


def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("wattdeck.core.journal.os.write", refuse)


async def test_rule_23_a_full_disk_refuses_the_command_and_nothing_is_sent(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    selection = await desk.control.select(OPEN_KITCHEN)
    full_disk(monkeypatch)
    with pytest.raises(CommandRefused, match="Free some space"):
        await desk.control.operate(selection)
    assert desk.panel.sent == []
    with pytest.raises(CommandRefused, match="Free some space"):
        await desk.control.select(OPEN_KITCHEN)
    monkeypatch.undo()
    assert (await desk.command()).state is State.CONFIRMED


async def test_rule_23_an_outcome_that_cannot_be_written_stands_and_is_an_alarm(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fill() -> None:
        full_disk(monkeypatch)

    desk.panel.during_send = fill
    outcome = await desk.command()
    assert outcome.state is State.CONFIRMED
    assert "not in the journal" in outcome.alarm


async def test_rule_23_arming_needs_a_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk_in(tmp_path, armed=False) as desk:
        full_disk(monkeypatch)
        with pytest.raises(CommandRefused, match="Free some space"):
            await desk.control.arm()
        assert not desk.control.armed


# commands that change records


RECORD = replace(
    KITCHEN,
    object_id="m1",
    name="UC 1",
    state="2026-10",
    power_w=None,
    good_polls=1,
    good_polls_needed=1,
    interval_s=300.0,
    lines=("Unit: UC 1", "After: 2026-11\x1b[2J"),
    wording=Wording(
        question="Change UC 1?", unchanged="Nothing was changed", advice="Correct it", look="read the list again"
    ),
)


def test_a_record_is_described_in_its_own_words_made_harmless() -> None:
    lines = describe(Request(HOME, "edit", "m1", "2026-11"), RECORD, ("Because.",), START)
    assert lines[1:] == ("Unit: UC 1", "After: 2026-11[2J", "Because.")
    assert not any("W" in line.split() for line in lines)


def test_what_a_command_changes_is_said_once_before_it_is_changed() -> None:
    lines = describe(Request(HOME, "priority", "c1", "non_essential"), replace(KITCHEN, state="must_have"), (), START)
    assert sum("must have" in line or "must_have" in line for line in lines) == 2, lines
    assert any("must_have" in line for line in describe(OPEN_KITCHEN, KITCHEN, (), START))


async def test_a_record_needs_one_good_answer_where_equipment_needs_two(desk: Desk) -> None:
    desk.new_reading(good_polls=1)
    assert desk.control.why_not(OPEN_KITCHEN) is not None
    desk.new_reading(good_polls=1, good_polls_needed=1)
    assert desk.control.why_not(OPEN_KITCHEN) is None


async def test_what_this_side_finds_wrong_was_never_sent() -> None:
    clock = ManualClock()
    panel = ScriptedPanel(clock, RECORD)
    panel.answer = UsageError("the month is 2026-13; a year has twelve")
    answer = await send_once(panel, Request(HOME, "edit", "m1", "2026-11"), Limits())
    assert (answer.reply, answer.words) == (Reply.REFUSED, "the month is 2026-13; a year has twelve")
    outcome = Feedback(panel, Request(HOME, "edit", "m1", "2026-11"), panel.shown, clock, Limits()).not_switched(answer)
    assert "Nothing was changed" in outcome.sentence and "Correct it." in outcome.sentence
