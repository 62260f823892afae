"""Commands over v2, from control to the broker and back, in both data models (span-v2.md 7; control.md)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ebus_control import FLAT, HOME, TREE, Panel, Rig
from ebus_examples import CHARGER, HALLWAY, HEAT_PUMP, OFFICE, ROUTER, SERIAL
from wattdeck.core.command import Request, State
from wattdeck.core.errors import Cause, CommandRefused, Unreachable
from wattdeck.core.reading import Link
from wattdeck.systems.span.ebus.local import LocalStream
from wattdeck.systems.span.ebus.session import PROOF
from wattdeck.systems.span.models import DataModel, Relay

pytestmark = pytest.mark.anyio
BOTH = pytest.mark.parametrize("model", [FLAT, TREE])


@pytest.fixture
def rig(deck_home: Path, model: DataModel) -> Rig:
    return Rig(deck_home, model)


def opened_by_person(panel: Panel) -> None:
    """The relay is open from the start."""
    for name, payload in (("relay", "OPEN"), ("requester", "USER"), ("power", "0.0")):
        panel.broker.retained[panel.topic(name)] = payload.encode()


# What becomes of a command


@BOTH
async def test_a_relay_is_opened_and_confirmed_by_its_report(rig: Rig) -> None:
    async with rig.session() as deck:
        before_s = rig.clock.elapsed_s
        outcome = await rig.run(deck.command("open"))
        assert (outcome.state, outcome.alarm) == (State.CONFIRMED, "")
        assert rig.panel.heard == [(f"{rig.panel.topic('relay')}/set", "OPEN")]
        assert rig.clock.elapsed_s - before_s < 3
        assert (deck.circuit.relay, deck.circuit.requester) == (Relay.OPEN, "user")
        (sent,) = deck.records("send")
        assert sent["protocol"] == f"v2 {rig.panel.model.value}" and SERIAL in sent["identity"]
        assert [len(deck.records(event)) for event in ("ack", "confirm", "time-out")] == [1, 1, 0]
        assert (await rig.run(deck.command("closed"))).state is State.CONFIRMED
        assert rig.panel.heard[1:] == [(f"{rig.panel.topic('relay')}/set", "CLOSED")]


@BOTH
async def test_a_panel_that_says_nothing_leaves_it_unknown_after_five_seconds(rig: Rig) -> None:
    rig.panel.answers = rig.panel.ignore
    async with rig.session() as deck:
        before_s = rig.clock.elapsed_s
        outcome = await rig.run(deck.command("open"))
        assert (outcome.state, outcome.cause) == (State.UNKNOWN, Cause.TIME_LIMIT_OVER)
        assert 5 <= rig.clock.elapsed_s - before_s < 6.5
        assert "says nothing when it does not follow" in outcome.alarm
        await rig.wait(30)
        assert len(rig.panel.heard) == 1 and deck.circuit.relay is Relay.CLOSED
        assert deck.deck.control.pending(HOME) == {}


@BOTH
@pytest.mark.parametrize("moves", [True, False])
async def test_a_target_is_shown_as_pending_and_never_as_the_state(rig: Rig, moves: bool) -> None:
    def answer(topic: str, payload: str) -> None:
        rig.panel.broker.publish(f"{rig.panel.topic('relay')}/$target", payload)
        if moves:
            rig.panel.later(2.0, lambda: rig.panel.say(relay=payload, power="0.0"))

    rig.panel.answers = answer
    async with rig.session() as deck, rig.session("elsewhere") as other:
        selection = await rig.run(deck.select("open"))
        rig.panel.later(1.5, lambda: seen.extend((deck.facts(), other.facts())))
        seen: list[Any] = []
        outcome = await rig.run(deck.deck.control.operate(selection))
        assert [(facts.state, facts.target) for facts in seen] == [("closed", "open")] * 2
        assert outcome.state is (State.CONFIRMED if moves else State.UNKNOWN)
        if not moves:
            lines = (await rig.run(other.select("open"))).lines
            assert "Asked for by somebody and not reported yet: open" in lines


@BOTH
async def test_a_relay_that_power_control_opens_again_is_shown_as_it_is(rig: Rig) -> None:
    def answer(topic: str, payload: str) -> None:
        rig.panel.obey(topic, payload)
        rig.panel.later(0.9, lambda: rig.panel.say(relay="OPEN", requester="PCS", power="0.0"))

    opened_by_person(rig.panel)
    rig.panel.answers = answer
    async with rig.session() as deck:
        outcome = await rig.run(deck.command("closed"))
        assert (outcome.state, outcome.cause) == (State.FAILED, Cause.SWITCH_RETURNED)
        assert "the power control system" in outcome.alarm
        assert deck.circuit.relay is Relay.OPEN and len(rig.panel.heard) == 1


@BOTH
async def test_power_that_flows_through_an_open_relay_is_an_alarm_after_ten_seconds(rig: Rig) -> None:
    rig.panel.answers = lambda topic, payload: rig.panel.later(0.4, lambda: rig.panel.say(relay=payload))
    async with rig.session() as deck:
        before_s = rig.clock.elapsed_s
        outcome = await rig.run(deck.command("open"))
        assert outcome.state is State.CONFIRMED and "power still flows (1846 W)" in outcome.alarm
        assert 10 <= rig.clock.elapsed_s - before_s < 13


@BOTH
async def test_a_priority_is_set_in_the_makers_words_and_confirmed(rig: Rig) -> None:
    async with rig.session() as deck:
        selection = await rig.run(deck.select("must_have", "priority"))
        assert any("Never shed" in line for line in selection.lines)
        outcome = await rig.run(deck.deck.control.operate(selection))
        assert outcome.state is State.CONFIRMED
        assert rig.panel.heard == [(f"{rig.panel.topic('priority')}/set", "NEVER")]
        assert deck.circuit.priority == "must_have"


@BOTH
async def test_a_priority_the_panel_does_not_take_is_unknown_and_not_failed(rig: Rig) -> None:
    rig.panel.answers = rig.panel.ignore
    async with rig.session() as deck:
        outcome = await rig.run(deck.command("nice_to_have", "priority"))
        assert outcome.state is State.UNKNOWN and outcome.alarm and len(rig.panel.heard) == 1


# What is never sent


@BOTH
async def test_a_position_that_is_reached_needs_no_command(rig: Rig) -> None:
    async with rig.session() as deck:
        with pytest.raises(CommandRefused) as refused:
            await rig.run(deck.command("closed"))
        assert refused.value.cause is Cause.POSITION_REACHED
        selection = await rig.run(deck.select("open"))
        rig.panel.say(relay="OPEN", requester="USER", power="0.0")
        with pytest.raises(CommandRefused):
            await rig.run(deck.deck.control.operate(selection))
        assert rig.panel.heard == []


@BOTH
@pytest.mark.parametrize("state", ["init", "disconnected", "lost"])
async def test_a_panel_that_is_not_ready_is_not_commanded_then_nor_later(rig: Rig, state: str) -> None:
    async with rig.session() as deck:
        selection = await rig.run(deck.select("open"))
        rig.panel.state(state)
        await rig.wait(1)
        assert deck.dropped and deck.deck.control.selection is None
        with pytest.raises(CommandRefused):
            await rig.run(deck.deck.control.operate(selection))
        with pytest.raises(CommandRefused) as refused:
            await rig.run(deck.command("open"))
        assert refused.value.cause is Cause.BLOCKED_BY_INTERLOCKING
        rig.panel.state("ready")
        await rig.wait(30)
        assert rig.panel.heard == []
        assert (await rig.run(deck.command("open"))).state is State.CONFIRMED


@BOTH
async def test_a_panel_that_goes_just_before_the_sending_is_not_commanded(rig: Rig) -> None:
    async with rig.session() as deck:
        operable = deck.deck.hub.sources[HOME].operable
        assert operable is not None
        selection = await rig.run(deck.select("open"))
        send = operable.send

        async def too_late(kind: str, object_id: str, wanted: str) -> None:
            rig.panel.state("disconnected")
            for _ in range(50):  # what the panel says comes first
                await asyncio.sleep(0)
            await send(kind, object_id, wanted)

        operable.send = too_late  # type: ignore[method-assign]
        outcome = await rig.run(deck.deck.control.operate(selection))
        assert (outcome.state, outcome.cause) == (State.FAILED, Cause.ABORTION_BY_COMMUNICATION_LOSS)
        assert outcome.sentence.lower().count("nothing was sent") == 1
        rig.panel.state("ready")
        await rig.wait(30)
        assert rig.panel.heard == []


def flat_only(panel: Panel) -> None:
    panel.broker.publish(f"ebus/5/{SERIAL}/{HEAT_PUMP}/always-on", "true")


def tree_only(panel: Panel) -> None:
    panel.broker.publish(f"ebus/5/{HEAT_PUMP}/switch/relay-controllable", "false")


@pytest.mark.parametrize(
    ("model", "take_back"),
    [(FLAT, Panel.lock), (TREE, Panel.lock), (FLAT, flat_only), (TREE, tree_only)],
)
async def test_a_right_that_is_taken_back_drops_the_selection(rig: Rig, take_back: Callable[[Panel], None]) -> None:
    async with rig.session() as deck:
        await rig.run(deck.select("open"))
        take_back(rig.panel)
        await rig.wait(1.2)  # no reason to hurry: the next picture tells it
        (why,) = deck.dropped
        assert "user control changed from allowed to not allowed" in why
        with pytest.raises(CommandRefused):
            await rig.run(deck.select("open"))
        assert rig.panel.heard == []


@BOTH
async def test_locked_circuits_the_main_relay_and_other_wishes_are_refused_in_words(rig: Rig) -> None:
    wishes = [
        ("relay", ROUTER, "open", "set-up"),
        ("priority", ROUTER, "non_essential", "set the priority"),
        ("relay", "main", "open", "never switched from here"),
        ("relay", HEAT_PUMP, "unknown", "cannot be asked for"),
        ("priority", HEAT_PUMP, "unknown", "cannot be asked for"),
        ("islanding", SERIAL, "off_grid", "knows no command 'islanding'"),
        ("dominant-source", SERIAL, "battery", "knows no command 'dominant-source'"),
        ("passphrase", SERIAL, "new", "knows no command 'passphrase'"),
    ]
    async with rig.session() as deck:
        for kind, object_id, wanted, words in wishes:
            with pytest.raises(CommandRefused, match=words):
                await rig.run(deck.command(wanted, kind, object_id))
        assert rig.panel.heard == []


# The connection


@BOTH
async def test_a_connection_lost_before_the_report_is_read_back_on_the_next_one(rig: Rig) -> None:
    def answer(topic: str, payload: str) -> None:
        rig.panel.broker.drop()
        rig.panel.later(0.4, lambda: rig.panel.say(relay=payload, requester="USER", power="0.0"))

    rig.panel.answers = answer
    async with rig.session() as deck:
        outcome = await rig.run(deck.command("open"))
        assert outcome.state is State.CONFIRMED and deck.circuit.relay is Relay.OPEN
        await rig.wait(30)
        assert len(rig.panel.heard) == 1


@BOTH
async def test_a_connection_that_stays_lost_is_unknown_and_nothing_is_sent_again(rig: Rig) -> None:
    def answer(topic: str, payload: str) -> None:
        rig.panel.broker.refusal = Unreachable("refused")
        rig.panel.broker.drop()

    rig.panel.answers = answer
    async with rig.session() as deck:
        outcome = await rig.run(deck.command("open"))
        assert (outcome.state, outcome.cause) == (State.UNKNOWN, Cause.ABORTION_BY_COMMUNICATION_LOSS)
        assert outcome.alarm and deck.deck.hub.readings(HOME)[0].link is not Link.LIVE
        rig.panel.broker.refusal = None
        await rig.wait(70)
        assert deck.deck.hub.readings(HOME)[0].link is Link.LIVE
        assert len(rig.panel.heard) == 1
        assert [record["outcome"] for record in deck.records("time-out")] == ["unknown"]
        assert deck.records("settle"), "the next reading tells what became of it"


@BOTH
async def test_a_broker_that_hangs_is_given_no_command(rig: Rig) -> None:
    async with rig.session() as deck:
        selection = await rig.run(deck.select("open"))
        rig.panel.broker.frozen = True
        outcome = await rig.run(deck.deck.control.operate(selection))
        assert (outcome.state, outcome.sent) == (State.FAILED, False)
        assert "does not answer" in outcome.sentence
        rig.panel.broker.frozen = False
        await rig.wait(30)
        assert rig.panel.heard == []


@BOTH
async def test_a_broker_that_does_not_let_us_ask_whether_it_answers_has_answered(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscribe = LocalStream.subscribe

    async def refuse(stream: LocalStream, filters: Sequence[str]) -> None:
        if any(each.endswith(PROOF) for each in filters):
            raise Unreachable("the panel's broker does not let this client read its topics")
        await subscribe(stream, filters)

    monkeypatch.setattr(LocalStream, "subscribe", refuse)
    async with rig.session() as deck:
        assert (await rig.run(deck.command("open"))).state is State.CONFIRMED
        assert len(rig.panel.heard) == 1


@BOTH
async def test_a_broker_that_hangs_with_a_command_is_unknown_and_settled_by_what_comes_later(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = LocalStream.publish

    async def freeze_and_publish(stream: LocalStream, topic: str, payload: str) -> None:
        rig.panel.broker.frozen = True
        await publish(stream, topic, payload)

    monkeypatch.setattr(LocalStream, "publish", freeze_and_publish)
    async with rig.session() as deck:
        selection = await rig.run(deck.select("open"))
        outcome = await rig.run(deck.deck.control.operate(selection))
        assert outcome.state is State.UNKNOWN and deck.records("ack") == []
        rig.panel.broker.frozen = False
        await rig.wait(5)
        assert rig.panel.heard == []


@pytest.mark.parametrize("model", [TREE])
async def test_a_circuit_that_stops_reporting_is_neither_selected_nor_confirmed(rig: Rig) -> None:
    def answer(topic: str, payload: str) -> None:
        rig.panel.say(relay=payload)
        rig.panel.state("lost", HEAT_PUMP)

    rig.panel.answers = answer
    async with rig.session() as deck:
        outcome = await rig.run(deck.command("open"))
        assert outcome.state is State.UNKNOWN and "does not report" in outcome.sentence
        with pytest.raises(CommandRefused, match="does not report just now"):
            await rig.run(deck.command("closed"))
        assert len(rig.panel.heard) == 1


# From flat to tree


@pytest.mark.parametrize("model", [FLAT])
async def test_an_upgrade_under_the_dialog_drops_the_selection_and_the_tree_takes_commands(rig: Rig) -> None:
    async with rig.session() as deck:
        await rig.run(deck.select("open"))
        rig.panel.speak(TREE)
        for topic, payload in list(rig.panel.broker.retained.items()):
            rig.panel.broker.publish(topic, payload)
        await rig.wait(8)
        assert deck.dropped and rig.panel.heard == []
        outcome = await rig.run(deck.command("open"))
        assert outcome.state is State.CONFIRMED
        assert rig.panel.heard == [(f"ebus/5/{HEAT_PUMP}/switch/relay/set", "OPEN")]
        assert deck.records("send")[-1]["protocol"] == "v2 tree"


@pytest.mark.parametrize("model", [FLAT])
async def test_an_upgrade_in_the_middle_of_a_command_is_unknown_for_other_firmware_answers(rig: Rig) -> None:
    def answer(topic: str, payload: str) -> None:
        rig.panel.speak(TREE)
        rig.panel.say(relay=payload, power="0.0")
        rig.panel.broker.drop()

    rig.panel.answers = answer
    async with rig.session() as deck:
        outcome = await rig.run(deck.command("open"))
        assert outcome.state is State.UNKNOWN and "other equipment answered" in outcome.sentence
        assert len(rig.panel.heard) == 1


# One relay, several circuits; several decks, one relay


@pytest.mark.parametrize("model", [TREE])
@pytest.mark.parametrize("sides", [(HALLWAY, OFFICE), (HALLWAY,), (OFFICE,)])
async def test_one_relay_for_two_circuits_names_both_whichever_says_so(rig: Rig, sides: tuple[str, ...]) -> None:
    def change(known: Any) -> None:
        known["nodes"]["switch"]["properties"]["shared-with-device-ids"] = {"datatype": "string"}

    for one in sides:
        other = OFFICE if one == HALLWAY else HALLWAY
        rig.panel.describe(one, change)
        rig.panel.broker.retained[f"ebus/5/{one}/switch/shared-with-device-ids"] = other.encode()
    async with rig.session() as deck:
        selection = await rig.run(deck.select("open", object_id=OFFICE))
        assert "One relay moves these together: Office Outlets, Hallway Lights." in selection.lines
        (record,) = deck.records("select")
        assert HALLWAY in record["moves_with"]


@BOTH
async def test_two_decks_of_one_host_do_not_select_at_once(rig: Rig) -> None:
    async with rig.session() as first, rig.session() as second:
        await rig.run(first.select("open"))
        with pytest.raises(CommandRefused) as refused:
            await rig.run(second.select("open", object_id=CHARGER))
        assert refused.value.cause is Cause.LOCKED_BY_OTHER_CLIENT
        assert rig.panel.heard == []


@BOTH
async def test_decks_of_two_hosts_see_each_others_change_and_drop_their_selection(rig: Rig) -> None:
    async with rig.session("one") as first, rig.session("two") as second:
        await rig.run(second.select("open"))
        assert (await rig.run(first.command("open"))).state is State.CONFIRMED
        (why,) = second.dropped
        assert "the present state changed from 'closed' to 'open'" in why
        assert second.circuit.relay is Relay.OPEN and len(rig.panel.heard) == 1
        with pytest.raises(CommandRefused):
            await rig.run(second.command("open"))


@BOTH
async def test_two_hosts_that_say_yes_at_once_send_one_each_and_both_say_what_is(rig: Rig) -> None:
    async with rig.session("one") as first, rig.session("two") as second:
        selections = [await rig.run(deck.select("open")) for deck in (first, second)]

        async def both() -> list[State]:
            from anyio import create_task_group

            found: list[State] = []

            async def one(number: int) -> None:
                control = (first, second)[number].deck.control
                found.append((await control.operate(selections[number])).state)

            async with create_task_group() as group:
                group.start_soon(one, 0)
                group.start_soon(one, 1)
            return found

        assert await rig.run(both()) == [State.CONFIRMED, State.CONFIRMED]
        assert [payload for _, payload in rig.panel.heard] == ["OPEN", "OPEN"]


@BOTH
async def test_the_request_is_bound_to_the_circuit_whatever_it_is_called(rig: Rig) -> None:
    async with rig.session() as deck:
        request = Request(HOME, "relay", HEAT_PUMP, "open")
        assert deck.deck.control.why_not(request) is None
        place = f"{SERIAL}/{HEAT_PUMP}/name" if rig.panel.model is FLAT else f"{HEAT_PUMP}/info/name"
        await rig.run(deck.select("open"))
        rig.panel.broker.publish(f"ebus/5/{place}", json.dumps("Attic").strip('"'))
        await rig.wait(2)
        assert "the name changed" in deck.dropped[0] and rig.panel.heard == []
