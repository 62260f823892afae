"""Moving a relay from the screen, rule by rule (control.md), with keys alone."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from textual import events
from textual.worker import WorkerState

from deck_app import LIGHTS, SMALL, Bench, Panel, Stage, confirm, make_bench, on_stage, running, said, select
from wattdeck.core.journal import who
from wattdeck.core.locks import Locks
from wattdeck.ui.events import EventsScreen

pytestmark = pytest.mark.anyio


def panel(deck: Stage) -> Panel:
    return deck.bench.panels["home"]


def sent(deck: Stage) -> int:
    """Commands that reached the panel."""
    return panel(deck).wire.count("POST")


# Arming


async def test_rule_01_arming_is_asked_once_for_the_session(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.press("space")
        assert "Take control?" in deck.dialog and "simulators alone" in deck.dialog
        await confirm(deck)
        assert f"Open {LIGHTS}?" in deck.dialog
        await deck.press("escape", "down", "down", "space")
        assert "Open Living Room Outlets?" in deck.dialog


async def test_rule_01_without_arming_nothing_is_selected(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.press("space", "enter")
        assert deck.dialog == "" and "CONTROL" not in deck.header and sent(deck) == 0


async def test_rule_01_arming_ends_after_15_minutes_without_a_command(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        await deck.press("escape")
        assert "CONTROL" in deck.header
        deck.bench.clock.advance(901)
        await deck.wait(1)
        assert "CONTROL" not in deck.header


async def test_rule_01_arming_ends_with_a_key_and_with_the_link(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        await deck.press("escape", "D")
        await deck.tick()
        assert "CONTROL" not in deck.header
        await select(deck)
        await deck.press("escape")
        assert "CONTROL" in deck.header
        panel(deck).wire.cut = True
        await deck.wait(2)
        assert "CONTROL" not in deck.header


async def test_rule_01_read_only_deck_refuses_in_words_without_a_dialog(deck_home: Path) -> None:
    async with on_stage(deck_home, read_only=True) as deck:
        await deck.press("space")
        assert deck.dialog == "" and said(deck, "runs read-only")
        await deck.press("P")
        assert deck.dialog == "" and sent(deck) == 0


async def test_what_is_said_covers_no_row_that_could_be_switched_and_nothing_that_is_typed(deck_home: Path) -> None:
    async with on_stage(deck_home, size=SMALL, read_only=True, toasts=True) as deck:
        before = deck.text.splitlines()
        await deck.press("space")
        after = deck.text.splitlines()
        assert "runs read-only" in after[-2] + after[-1] and "Not mapped" in before[-2]
        assert after[4:-2] == before[4:-2] and any("Relay" in line for line in after[4:-2])
        await deck.press("slash", "k")
        typing = deck.text.splitlines()
        assert typing[-1].strip() == "k" and any("runs read-only" in line for line in typing[-3:-1])
        await deck.press("escape")
        assert "runs read-only" in "".join(deck.text.splitlines()[-2:])
        await deck.press("?")
        *_, said_here, footer = deck.text.splitlines()
        assert "esc Back" in footer and said_here.startswith("▌")


async def test_rule_01_source_without_control_refuses_and_says_how_to_allow_it(deck_home: Path) -> None:
    async with on_stage(deck_home, control=False) as deck:
        await deck.press("space")
        assert deck.dialog == "" and said(deck, "Set control = true")


async def test_rule_02_armed_state_stands_in_the_header_in_words(deck_home: Path) -> None:
    for size in (SMALL, (120, 36)):
        async with on_stage(deck_home, size=size) as deck:
            assert "CONTROL" not in deck.header
            await select(deck)
            assert " CONTROL " in deck.header
            await deck.press("escape")
            assert " CONTROL " in deck.text.splitlines()[0]
            await deck.press("D")


# Select before operate


async def test_rule_04_dialog_says_what_where_how_much_and_what_will_happen(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        for words in (
            f"Open {LIGHTS}?",
            "span/home (nt-2143-demo1",
            "space 1",
            "Now: closed, ",
            " W, read ",
            "Priority: ",
            f"OPEN {LIGHTS}",
            "not an isolation",
            "10 s left",
        ):
            assert words in deck.dialog, words
        assert sent(deck) == 0


async def test_rule_04_selection_belongs_to_the_circuit_and_not_to_the_row(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.press("s")
        await select(deck, "Refrigerator")
        panel(deck).circuit(LIGHTS).name = "Attic"
        await deck.wait(3)
        assert "Open Refrigerator?" in deck.dialog
        await confirm(deck)
        await deck.wait(2)
        assert deck.cells("Refrigerator")["relay"] == "○ open" and panel(deck).circuit("Refrigerator").is_open


@pytest.mark.parametrize(
    ("what", "words"),
    [("name", "the name changed"), ("relay", "the present state changed"), ("control", "user control changed")],
)
async def test_rule_05_what_changes_under_the_dialog_drops_the_selection(
    deck_home: Path, what: str, words: str
) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        circuit = panel(deck).circuit(LIGHTS)
        if what == "name":
            panel(deck).fault(f"renamed={circuit.circuit_id}:Attic Lights")
        elif what == "relay":
            panel(deck).simulator.house.switch(circuit.circuit_id, opened=True)
        else:
            circuit.controllable = False
        await deck.wait(2)
        assert deck.dialog == "" and said(deck, words)
        await deck.press("y")
        assert sent(deck) == 0


async def test_rule_05_circuit_that_is_gone_drops_the_selection(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        del panel(deck).simulator.house.circuits[deck.table.cursor_id]
        await deck.wait(2)
        assert deck.dialog == "" and said(deck, "no longer there")


async def test_rule_05_polls_go_on_during_the_dialog(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        before = panel(deck).wire.count("GET")
        await deck.wait(3)
        assert panel(deck).wire.count("GET") > before and "7 s left" in deck.dialog


async def test_rule_06_the_command_is_the_position_that_was_shown_as_wanted(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        await confirm(deck)
        await deck.wait(2)
        await select(deck)
        assert f"Close {LIGHTS}?" in deck.dialog and "may start at once" in deck.dialog
        await confirm(deck)
        await deck.wait(2)
        assert deck.cells(LIGHTS)["relay"] == "● closed" and sent(deck) == 2


async def test_rule_07_cancel_has_the_focus_so_enter_cancels(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        assert "[ Cancel ]" in deck.dialog
        await deck.blink()
        await deck.press("enter")
        assert deck.dialog == "" and sent(deck) == 0
        assert said(deck, "Nothing was sent") is False


async def test_rule_07_the_opening_key_never_confirms(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        for _ in range(5):
            await deck.blink()
            await deck.press("space")
        assert f"Open {LIGHTS}?" in deck.dialog and sent(deck) == 0


async def test_rule_07_yes_within_300_ms_is_ignored(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        await deck.blink(0.25)
        await deck.press("y")
        assert f"Open {LIGHTS}?" in deck.dialog and sent(deck) == 0
        await deck.blink(0.25)
        await deck.press("y")
        assert deck.dialog == "" and sent(deck) == 1


async def test_rule_07_a_held_key_is_ignored(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        for _ in range(40):
            await deck.blink(0.03)
            await deck.press("y")
        assert f"Open {LIGHTS}?" in deck.dialog and sent(deck) == 0


async def test_rule_07_yes_right_after_another_key_is_ignored(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        await deck.blink(1)
        await deck.press("x", "y")
        assert f"Open {LIGHTS}?" in deck.dialog and sent(deck) == 0


async def test_rule_07_pasted_text_is_ignored(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        await deck.blink()
        await deck.send(events.Paste("y\ny"))
        assert f"Open {LIGHTS}?" in deck.dialog and sent(deck) == 0


async def test_rule_07_a_pasted_name_is_no_typed_name(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck, "Heat Pump")
        await deck.blink()
        await deck.send(events.Paste("Heat Pump"))
        await deck.blink()
        await deck.press("enter")
        assert "Open Heat Pump?" in deck.dialog and sent(deck) == 0


async def test_rule_08_countdown_runs_out(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        await deck.wait(4)
        assert "6 s left" in deck.dialog
        await deck.wait(7)
        assert deck.dialog == "" and (said(deck, "run out") or said(deck, "expired"))
        assert sent(deck) == 0


async def test_rule_08_time_of_the_selection_is_adjustable(deck_home: Path) -> None:
    async with on_stage(deck_home, safety={"select_timeout_s": 30}) as deck:
        await select(deck)
        assert "30 s left" in deck.dialog


async def test_rule_08_escape_cancels(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        await deck.press("escape")
        assert deck.dialog == "" and sent(deck) == 0
        assert deck.app.deck is not None and deck.app.deck.control.selection is None


async def test_rule_08_loss_of_focus_cancels(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        await deck.send(events.AppBlur())
        assert deck.dialog == "" and said(deck, "lost the focus") and sent(deck) == 0


async def test_rule_08_terminal_too_small_cancels_and_refuses(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        await deck.resize(39, 12)
        assert deck.dialog == "" and said(deck, "too small") and sent(deck) == 0
        await deck.press("space")
        assert deck.dialog == "" and said(deck, "Make it larger")


async def test_rule_08_lost_link_cancels(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        panel(deck).wire.cut = True
        await deck.wait(2)
        assert deck.dialog == "" and sent(deck) == 0 and said(deck, "Nothing was sent")


async def test_rule_09_one_command_at_a_time(deck_home: Path) -> None:
    async with on_stage(deck_home, faults=("relay-lag=5",)) as deck:
        await select(deck)
        await confirm(deck)
        await deck.wait(1)
        await deck.press("down", "down", "space")
        assert deck.dialog == "" and said(deck, "still running") and sent(deck) == 1


# Preconditions


async def test_rule_10_stale_data_refuses(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        panel(deck).wire.cut = True
        await deck.wait(2)
        await deck.press("space")
        assert deck.dialog == "" and said(deck, "is stale. Wait until it is live again.")


async def test_rule_12_always_on_is_refused_in_words_without_a_dialog(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.go_to("Router and Alarm")
        await deck.press("space")
        assert deck.dialog == "" and said(deck, "Always on") and sent(deck) == 0


async def test_rule_12_unmapped_space_is_refused_in_words_without_a_dialog(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.press("u", "G")
        await deck.press("space")
        assert deck.dialog == "" and said(deck, "belongs to no circuit")
        await deck.press("P")
        assert deck.dialog == "" and sent(deck) == 0


@pytest.mark.parametrize("name", ["Alarm Siren", "Guest Router"])
async def test_rule_13_critical_name_must_be_typed(deck_home: Path, name: str) -> None:
    bench = make_bench(deck_home)
    bench.panels["home"].circuit("Hallway Lights").name = name
    async with running(bench) as deck:
        await select(deck, name)
        assert f"Type {name} and press Enter" in deck.dialog and "somebody may depend on it" in deck.dialog
        await deck.blink()
        await deck.press("y")
        assert f"Open {name}?" in deck.dialog
        await deck.press("backspace")
        await deck.write(name)
        await deck.press("enter")
        await deck.wait(2)
        assert deck.dialog == "" and deck.cells(name)["relay"] == "○ open"


async def test_rule_13_wrong_name_asks_again(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck, "Heat Pump")
        await deck.blink()
        await deck.write("Heat pump")
        await deck.press("enter")
        assert said(deck, "What was typed is not the name") and sent(deck) == 0
        assert "Open Heat Pump?" in deck.dialog
        await deck.blink()
        await deck.write("Heat Pump")
        await deck.press("enter")
        await deck.wait(2)
        assert deck.cells("Heat Pump")["relay"] == "○ open"


async def test_rule_13_locked_out_circuit_says_who_and_why(deck_home: Path) -> None:
    circuit_id = make_bench(deck_home).panels["home"].circuit(LIGHTS).circuit_id
    lockout = {"circuit": circuit_id, "reason": "rewiring", "owner": "Ana", "since": date(2026, 11, 1)}
    async with on_stage(deck_home, safety={"lockouts": [lockout]}) as deck:
        await deck.press("space")
        assert deck.dialog == "" and said(deck, "locked out by Ana") and said(deck, "rewiring")


# Two decks


async def test_rule_17_second_deck_is_told_who_has_selected(deck_home: Path) -> None:
    bench = make_bench(deck_home)
    async with running(bench) as first, running(bench) as second:
        await select(first)
        await select(second)
        assert second.dialog == "" and said(second, "selected by") and said(second, LIGHTS)
        await first.press("escape")
        await select(second)
        assert f"Open {LIGHTS}?" in second.dialog


async def test_second_deck_sees_the_change(deck_home: Path) -> None:
    bench = make_bench(deck_home)
    async with running(bench) as first, running(bench) as second:
        await select(first)
        await confirm(first)
        await first.wait(3)
        await second.tick()
        assert first.cells(LIGHTS)["relay"] == second.cells(LIGHTS)["relay"] == "○ open"
        await select(second)
        assert f"Close {LIGHTS}?" in second.dialog


async def test_rule_05_stale_confirmation_of_a_second_deck_elsewhere_is_refused(deck_home: Path) -> None:
    here = make_bench(deck_home / "here")
    there = Bench(deck_home / "there", here.clock, here.panels)
    async with running(here) as first, running(there) as second:
        await select(first)
        await select(second)
        assert f"Open {LIGHTS}?" in second.dialog
        await confirm(first)
        await second.press("y")
        assert sent(first) == 1 and said(second, "the present state changed from 'closed' to 'open'")
        await first.wait(2)
        await second.tick()
        assert second.dialog == "" and second.cells(LIGHTS)["relay"] == "○ open"


async def test_rule_05_dialog_of_a_second_deck_elsewhere_is_dropped_with_the_reason(deck_home: Path) -> None:
    here = make_bench(deck_home / "here")
    there = Bench(deck_home / "there", here.clock, here.panels)
    async with running(here) as first, running(there) as second:
        await select(second)
        await select(first)
        await confirm(first)
        await first.wait(2)
        assert second.dialog == "" and said(second, "the present state changed")


# Execution and feedback


async def test_rule_18_confirmed_relay_shows_open_and_says_so(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        await confirm(deck)
        await deck.wait(2)
        assert deck.cells(LIGHTS)["relay"] == "○ open" and deck.cells(LIGHTS)["power"] == "0"
        assert said(deck, f"{LIGHTS} is open, as read back from span/home.")
        assert "no alarms" in deck.header and "is open" in deck.detail
        assert panel(deck).circuit(LIGHTS).is_open and sent(deck) == 1


async def test_rule_18_wanted_stands_beside_actual_until_read_back(deck_home: Path) -> None:
    async with on_stage(deck_home, faults=("relay-lag=5",)) as deck:
        await select(deck)
        await confirm(deck)
        for _ in range(4):
            await deck.wait(1)
            assert deck.cells(LIGHTS)["relay"] == "● → open"
            assert "answered, not yet confirmed" in deck.detail
        await deck.wait(3)
        assert deck.cells(LIGHTS)["relay"] == "○ open" and sent(deck) == 1


async def test_rule_18_refused_by_the_panel_says_failed(deck_home: Path) -> None:
    async with on_stage(deck_home, faults=("relay-refuse=403",)) as deck:
        await select(deck)
        await confirm(deck)
        await deck.wait(1)
        assert said(deck, "refused the command") and deck.cells(LIGHTS)["relay"] == "● closed"
        assert sent(deck) == 1


async def test_rule_18_server_error_is_read_back_and_never_sent_again(deck_home: Path) -> None:
    async with on_stage(deck_home, faults=("relay-refuse",)) as deck:
        await select(deck)
        await confirm(deck)
        await deck.wait(5)
        assert deck.cells(LIGHTS)["relay"] == "● → open"
        await deck.wait(12)
        assert deck.cells(LIGHTS)["relay"] == "● closed" and sent(deck) == 1
        assert said(deck, "still is closed")


async def test_rule_19_never_confirmed_is_an_alarm_in_header_and_log(deck_home: Path) -> None:
    async with on_stage(deck_home, faults=("relay-lag=60",)) as deck:
        await select(deck)
        await confirm(deck)
        await deck.wait(20)
        assert "1 alarm" in deck.header and sent(deck) == 1
        assert deck.cells(LIGHTS)["relay"] == "● closed"
        await deck.press("L")
        assert isinstance(deck.app.screen, EventsScreen)
        assert f"The command to {LIGHTS} was sent" in deck.text and "time-out" in deck.text
        await deck.press("A")
        await deck.blink()
        await deck.press("y", "escape")
        assert "no alarms" in deck.header


async def test_rule_19_later_reading_settles_what_was_unknown(deck_home: Path) -> None:
    async with on_stage(deck_home, faults=("relay-lag=30",)) as deck:
        await select(deck)
        await confirm(deck)
        await deck.wait(20)
        assert said(deck, f"{LIGHTS} now reads closed; open was asked.")
        await deck.wait(20)
        assert deck.cells(LIGHTS)["relay"] == "○ open" and sent(deck) == 1


async def test_rule_19_relay_that_comes_back_is_an_alarm(deck_home: Path) -> None:
    async with on_stage(deck_home, faults=("relay-bounce=0.4",)) as deck:
        await select(deck)
        await confirm(deck)
        await deck.wait(20)
        assert "1 alarm" in deck.header and said(deck, "came back to closed")


async def test_rule_22_quitting_while_a_command_is_pending_asks(deck_home: Path) -> None:
    async with on_stage(deck_home, faults=("relay-lag=8",)) as deck:
        await select(deck)
        await confirm(deck)
        await deck.wait(1)
        await deck.press("q")
        assert "Leave now?" in deck.dialog and "unknown" in deck.dialog
        await deck.press("enter")
        assert deck.dialog == "" and deck.app.is_running
        await deck.press("q")
        await confirm(deck)
        assert deck.app.return_code == 0


async def test_rule_22_the_end_gives_up_what_was_selected_and_writes_it(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await select(deck)
        assert deck.app.deck is not None
        session = deck.app.deck
        (engine,) = (worker for worker in deck.app.workers if worker.name == "engine")
    assert engine.state is WorkerState.CANCELLED, engine.error
    assert Locks(deck_home / "locks", deck.bench.clock, who("another")).other("span/home") is None
    assert [record.event for record in session.journal.records()][-1] == "cancel"


# Priority


async def set_priority(deck: Stage, steps: int) -> None:
    await deck.press("P")
    assert f"Priority of {LIGHTS}" in deck.dialog
    await deck.press(*["down"] * steps, "enter")
    if "Take control?" in deck.dialog:
        await confirm(deck)


async def test_priority_that_the_panel_does_not_take_keeps_the_old_value(deck_home: Path) -> None:
    async with on_stage(deck_home, size=(200, 60)) as deck:
        assert deck.cells(LIGHTS)["priority"] == "nice to have"
        await set_priority(deck, 2)
        assert f"Set to non_essential {LIGHTS}?" in deck.dialog or "non" in deck.dialog
        await confirm(deck)
        await deck.wait(1)
        assert deck.cells(LIGHTS)["priority"] == "nice to have → non-essential"
        await deck.wait(5)
        assert said(deck, "not supported by this firmware") and sent(deck) == 1
        assert deck.cells(LIGHTS)["priority"] == "nice to have"


async def test_priority_that_the_panel_takes_is_set(deck_home: Path) -> None:
    async with on_stage(deck_home, size=(200, 60), faults=("priority-500=off",)) as deck:
        await set_priority(deck, 2)
        await confirm(deck)
        await deck.wait(2)
        assert deck.cells(LIGHTS)["priority"] == "non-essential" and sent(deck) == 1


async def test_priority_in_force_is_marked_and_picking_it_does_nothing(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.press("P")
        assert "(now)" in deck.text
        await deck.press("escape")
        assert deck.dialog == "" and sent(deck) == 0
        await set_priority(deck, 1)
        assert deck.dialog == "" and sent(deck) == 0


async def test_relay_dialog_fits_a_small_screen(deck_home: Path) -> None:
    async with on_stage(deck_home, size=(60, 18)) as deck:
        await select(deck)
        assert "Open Kitchen Lights?" in deck.text and "s left" in deck.text and "Cancel" in deck.text
