"""Commands that nothing acknowledges but the reported value, and relays that move several circuits at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from control_desk import CLOSE_KITCHEN, HOME, KITCHEN, OPEN_KITCHEN, Desk, desk_in
from wattdeck.core.command import Level, Lockout, Request, State
from wattdeck.core.errors import AuthError, Cause, CommandRefused, TimedOut, Unreachable, UsageError
from wattdeck.core.operable import Facts, Sibling, Wording
from wattdeck.core.timeline import of_command
from wattdeck.shell.journal import journal_line

pytestmark = pytest.mark.anyio

WINDOW_S = 5.0
REPORTED = replace(
    KITCHEN,
    protocol="v2 tree",
    feedback_s=WINDOW_S,
    requester="a person",
    wording=Wording(silence="It gives no reason."),
)
OPENED = replace(REPORTED, state="open", power_w=0.0)
FREEZER = Sibling("c2", "Freezer")
TOGETHER = replace(REPORTED, moves_with=(FREEZER, Sibling("c3", "Hall")))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_in(tmp_path) as desk:
        desk.panel.shown = REPORTED
        yield desk


def script(desk: Desk, *steps: tuple[float, Facts | Exception]) -> None:
    """From so many seconds after the sending on, the panel reads like this."""

    async def read() -> Facts | None:
        if not desk.panel.sent:
            return replace(desk.panel.shown, taken_at=desk.clock.now())
        began.append(desk.clock.elapsed_s)
        passed_s = desk.clock.elapsed_s - began[0]
        step = [each for at_s, each in steps if at_s <= passed_s][-1]
        if isinstance(step, Exception):
            raise step
        return replace(step, taken_at=desk.clock.now())

    began: list[float] = []
    desk.panel.obeys = False
    desk.panel.during_read = read


async def test_a_panel_that_does_not_follow_leaves_the_outcome_unknown_after_the_window(desk: Desk) -> None:
    script(desk, (0, REPORTED))
    before_s = desk.clock.elapsed_s
    outcome = await desk.command()
    assert (outcome.state, outcome.cause) == (State.UNKNOWN, Cause.TIME_LIMIT_OVER)
    assert WINDOW_S <= desk.clock.elapsed_s - before_s < WINDOW_S + 1
    assert "It gives no reason." in outcome.alarm and "held by: a person" in outcome.alarm
    assert "not sent again" in outcome.sentence
    assert desk.panel.sent == [("relay", "c1", "open")]
    assert desk.events()[-1] == "time-out"


async def test_without_a_window_the_time_is_controls_own(desk: Desk) -> None:
    desk.panel.shown = KITCHEN
    script(desk, (0, KITCHEN))
    before_s = desk.clock.elapsed_s
    assert (await desk.command()).state is State.UNKNOWN
    assert desk.clock.elapsed_s - before_s >= 15.0


async def test_power_may_fall_after_the_window_where_the_position_was_reported_in_it(desk: Desk) -> None:
    script(desk, (0, REPORTED), (4.8, replace(OPENED, power_w=800.0)), (9.0, OPENED))
    outcome = await desk.command()
    assert outcome.state is State.CONFIRMED and outcome.alarm == ""


async def test_power_that_goes_on_flowing_is_an_alarm_ten_seconds_after_the_report(desk: Desk) -> None:
    script(desk, (0, REPORTED), (0.4, replace(OPENED, power_w=800.0)))
    before_s = desk.clock.elapsed_s
    outcome = await desk.command()
    assert outcome.state is State.CONFIRMED and "power still flows (800 W)" in outcome.alarm
    assert 10.0 <= desk.clock.elapsed_s - before_s < 12.0


async def test_what_closes_and_is_opened_again_says_who_holds_it(desk: Desk) -> None:
    desk.panel.shown = OPENED
    held = replace(OPENED, requester="the power control system")
    script(desk, (0, OPENED), (0.4, replace(REPORTED, power_w=800.0)), (0.9, held))
    outcome = await desk.command(CLOSE_KITCHEN)
    assert (outcome.state, outcome.cause) == (State.FAILED, Cause.SWITCH_RETURNED)
    assert outcome.facts is not None and outcome.facts.state == "open"
    assert "held by: the power control system" in outcome.alarm


async def test_another_value_than_before_and_than_wanted_is_no_definite_no(desk: Desk) -> None:
    desk.panel.shown = replace(REPORTED, priority="must_have")
    script(desk, (0, replace(REPORTED, state="nice_to_have", priority="nice_to_have")))
    # What was shown is read back once before the sending, in the words of priority.
    first = replace(REPORTED, state="must_have", priority="must_have")
    during = desk.panel.during_read

    async def read() -> Facts | None:
        assert during is not None
        return await during() if desk.panel.sent else replace(first, taken_at=desk.clock.now())

    desk.panel.during_read = read
    outcome = await desk.command(Request(HOME, "priority", "c1", "non_essential"))
    assert (outcome.state, outcome.cause) == (State.UNKNOWN, Cause.NOT_EXPECTED_FINAL_POSITION)


async def test_a_lost_connection_is_waited_for_and_what_comes_then_counts(desk: Desk) -> None:
    script(desk, (0, Unreachable("the connection was lost")), (7.0, OPENED))
    outcome = await desk.command()
    assert outcome.state is State.CONFIRMED
    assert len(desk.panel.sent) == 1


async def test_a_connection_that_stays_lost_is_unknown_and_nothing_is_sent_again(desk: Desk) -> None:
    script(desk, (0, Unreachable("the connection was lost")))
    outcome = await desk.command()
    assert (outcome.state, outcome.cause) == (State.UNKNOWN, Cause.ABORTION_BY_COMMUNICATION_LOSS)
    assert outcome.alarm and len(desk.panel.sent) == 1


async def test_a_broker_that_did_not_confirm_is_settled_by_the_report(desk: Desk) -> None:
    desk.panel.answer = TimedOut("the broker did not confirm the message")
    script(desk, (0, REPORTED), (2.0, OPENED))
    assert (await desk.command()).state is State.CONFIRMED
    assert "ack" not in desk.events()


async def test_what_was_not_sent_is_not_read_back(desk: Desk) -> None:
    desk.panel.answer = Unreachable("the panel is not ready")
    script(desk, (0, OPENED))
    outcome = await desk.command()
    assert outcome.state is State.FAILED and "Nothing was sent" in outcome.sentence and not outcome.sent


@pytest.mark.parametrize(
    ("answer", "sent", "line", "word"),
    [
        (Unreachable("the panel is not ready"), False, "not sent: failed", "not sent"),
        (UsageError("the panel does not let this be set"), False, "not sent: failed", "not sent"),
        (AuthError("the panel forbids it"), True, "  failed", "fail"),
    ],
)
async def test_the_journal_says_whether_what_was_announced_was_sent(
    desk: Desk, answer: Exception, sent: bool, line: str, word: str
) -> None:
    desk.panel.answer = answer
    await desk.command()
    *_, announced, ended = desk.journal.records()
    # The announcement is on the disk before anything is sent, and claims no more than that.
    assert (announced.event, ended.event) == ("send", "fail") and ended.fields["sent"] is sent
    assert "about to be sent" in journal_line(announced) and line in journal_line(ended)
    assert (of_command(ended).word, of_command(ended).what) == (word, "fail")


async def test_what_this_side_finds_wrong_at_the_last_moment_was_not_sent(desk: Desk) -> None:
    desk.panel.answer = UsageError("the panel does not let this be set; nothing was sent")
    script(desk, (0, OPENED))
    outcome = await desk.command()
    assert (outcome.state, outcome.sent) == (State.FAILED, False)
    await desk.control.select(OPEN_KITCHEN)


# What is selected, and what drops it


async def test_another_protocol_under_the_dialog_drops_the_selection(desk: Desk) -> None:
    desk.panel.shown = replace(REPORTED, protocol="v2 flat")
    selection = await desk.control.select(OPEN_KITCHEN)
    desk.new_reading(protocol="v2 tree")
    with pytest.raises(CommandRefused, match="the protocol changed from 'v2 flat' to 'v2 tree'"):
        await desk.control.operate(selection)
    assert desk.panel.sent == []


async def test_the_dialog_says_who_holds_it_what_is_asked_for_and_what_moves_with_it(desk: Desk) -> None:
    desk.panel.shown = replace(TOGETHER, target="open")
    lines = (await desk.control.select(OPEN_KITCHEN)).lines
    assert "Moved last or held by: a person" in lines
    assert "Asked for by somebody and not reported yet: open" in lines
    assert "One relay moves these together: Kitchen, Freezer, Hall." in lines


async def test_the_dialog_says_what_a_value_means(desk: Desk) -> None:
    desk.panel.shown = replace(REPORTED, effects={"non_essential": "Shed at once."})
    lines = (await desk.control.select(Request(HOME, "priority", "c1", "non_essential"))).lines
    assert lines[-1] == "Shed at once."


async def test_the_record_holds_the_protocol_and_all_that_moves(desk: Desk) -> None:
    desk.panel.shown = replace(TOGETHER, moves_with=(Sibling("c3", "Hall"),))
    await desk.command()
    sent = next(dict(record.fields) for record in desk.journal.records() if record.event == "send")
    assert (sent["protocol"], sent["requester"]) == ("v2 tree", "a person")
    assert sent["moves_with"] == "Hall (c3)" and sent["identity"] == REPORTED.identity


# One relay, several circuits


async def test_a_critical_name_behind_the_same_relay_is_typed(desk: Desk) -> None:
    desk.panel.shown = TOGETHER
    selection = await desk.control.select(OPEN_KITCHEN)
    assert selection.level is Level.TYPE_NAME and "The name of Freezer" in selection.reasons[0]


async def test_a_lockout_behind_the_same_relay_refuses(desk: Desk) -> None:
    desk.panel.shown = TOGETHER
    desk.policy(lockouts={"c2": Lockout("rewiring", "bo", date(2026, 11, 1))})
    assert "Freezer is locked out by bo" in str(await desk.refused())


@pytest.mark.parametrize("named", ["c3", "hall"])
async def test_what_feeds_this_session_behind_the_same_relay_is_typed(desk: Desk, named: str) -> None:
    desk.panel.shown = replace(TOGETHER, moves_with=(Sibling("c3", "Hall"),))
    desk.policy(feeds_this_session=frozenset({named}))
    assert (await desk.control.select(OPEN_KITCHEN)).level is Level.TYPE_NAME


async def test_operations_of_all_behind_one_relay_count_together(desk: Desk) -> None:
    desk.policy(max_operations_per_hour=1)
    await desk.command()
    other: dict[str, Any] = {"object_id": "c2", "name": "Hall", "state": "closed"}
    desk.new_reading(**other, moves_with=(Sibling("c1", "Kitchen"),))
    desk.panel.sent.clear()
    assert "operated 1 times" in str(await desk.refused(Request(HOME, "relay", "c2", "open")))


async def test_a_circuit_that_joins_the_relay_under_the_dialog_drops_the_selection(desk: Desk) -> None:
    selection = await desk.control.select(OPEN_KITCHEN)
    desk.new_reading(moves_with=(FREEZER,))
    with pytest.raises(CommandRefused, match="what moves with it changed from nothing to 'Freezer'"):
        await desk.control.operate(selection)
    assert desk.panel.sent == []
