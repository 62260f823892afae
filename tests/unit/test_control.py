"""Safe control, rule by rule (control.md 1 to 17): arming, selecting, interlocks. Nothing sleeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from control_desk import CLOSE_KITCHEN, HOME, KITCHEN, OPEN_KITCHEN, Desk, desk_in
from fakes import START, ManualClock
from wattdeck.core.command import (
    ControlChanged,
    Level,
    Lockout,
    Policy,
    State,
    names_it,
)
from wattdeck.core.errors import (
    Cause,
    CommandRefused,
    TimedOut,
    Unreachable,
    ValidationRefused,
)
from wattdeck.core.locks import Locks
from wattdeck.core.operable import Facts
from wattdeck.core.reading import Link

pytestmark = pytest.mark.anyio


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
