"""Safe control, rule by rule (control.md 18 to 23): sending once, reading back, the audit. Nothing sleeps."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from control_desk import CLOSE_KITCHEN, HOME, KITCHEN, OPEN_KITCHEN, Desk, ScriptedPanel, desk_in
from fakes import START, ManualClock
from wattdeck.core.command import (
    ControlChanged,
    Limits,
    Outcome,
    Request,
    Selection,
    State,
)
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
from wattdeck.core.operable import Facts, Wording
from wattdeck.core.selecting import describe

pytestmark = pytest.mark.anyio


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_in(tmp_path) as desk:
        yield desk


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
from control_desk import desk_in, OPEN_KITCHEN

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
