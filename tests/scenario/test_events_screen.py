"""The events by their keys: one timeline of alarms and commands, filtered, acknowledged, shelved, saved."""

from __future__ import annotations

import csv
import json
import os
from pathlib import Path

import pytest

from deck_app import NORMAL, SMALL, Stage, on_stage
from fleet import LIMIT_C, Weather, fleet
from wattdeck.ui.table import DeckTable

pytestmark = pytest.mark.anyio
TWO = ("thermo/attic", "thermo/shed")


def table(deck: Stage) -> DeckTable:
    return deck.app.screen_stack[0].query_one(DeckTable)


def rows(deck: Stage) -> list[list[str]]:
    """Mark, event, source and words of each row."""
    return [[row.cells[at][0] for at in (1, 2, 3, 5)] for row in table(deck).rows]


async def too_warm(deck: Stage, weather: Weather, *names: str) -> None:
    """One after the other; nobody looks at the sources, which are read every ten seconds."""
    for name in names:
        weather.temperature_c[name] = LIMIT_C + 5
        await deck.wait(11)


async def yes(deck: Stage) -> None:
    await deck.blink()
    await deck.press("y")


async def test_the_number_after_the_last_system_and_l_lead_there_and_escape_back(deck_home: Path) -> None:
    async with fleet(deck_home, TWO) as (deck, weather):
        assert "1 THERMO  2 Events" in deck.lines[0]
        await deck.press("1", "2")
        assert "[2 Events]" in deck.lines[0] and "Nothing happened that fits." in deck.text
        await too_warm(deck, weather, "thermo/shed")
        assert rows(deck) == [["!!", "raised", "thermo/shed", "35 °C, above 30 °C"]]
        await deck.press("escape")
        assert deck.app.current_mode == "thermo"
        await deck.press("L", "L")
        assert deck.app.current_mode == "thermo"


@pytest.mark.parametrize("size", [SMALL, NORMAL])
async def test_the_alarm_under_the_cursor_says_what_it_means_and_is_acknowledged(
    size: tuple[int, int], deck_home: Path
) -> None:
    async with fleet(deck_home, TWO, size=size, screen="events") as (deck, weather):
        await too_warm(deck, weather, "thermo/shed")
        for words in ("What is kept there spoils.", "Open a window.", "Room too warm", "unacknowledged since"):
            assert words in deck.text, words
        await deck.press("a")
        assert [row[1] for row in rows(deck)] == ["acknowledged", "raised"]
        assert "acknowledged since" in deck.text and "acknowledged by" in deck.text
        await deck.press("a")
        assert any("nothing to acknowledge" in notice for notice in deck.notices)


async def test_all_that_is_shown_is_acknowledged_after_a_question_and_the_rest_is_not(deck_home: Path) -> None:
    async with fleet(deck_home, TWO, screen="events") as (deck, weather):
        await too_warm(deck, weather, *TWO)
        assert deck.app.deck is not None
        await deck.press("/")
        await deck.write("shed")
        await deck.press("enter")
        assert "filter: shed (escape clears)" in deck.text and len(rows(deck)) == 1
        await deck.press("A")
        assert "1 alarm is acknowledged." in deck.dialog
        await deck.press("escape")
        assert deck.app.deck.alarms.unacknowledged == 2, "cancelled"
        await deck.press("A")
        await yes(deck)
        assert [alarm.source for alarm in deck.app.deck.alarms.open if alarm.state == "unacknowledged"] == [
            "thermo/attic"
        ]


async def test_an_alarm_is_shelved_for_a_time_and_a_reason_and_put_back(deck_home: Path) -> None:
    async with fleet(deck_home, TWO, screen="events") as (deck, weather):
        await too_warm(deck, weather, "thermo/shed")
        assert deck.app.deck is not None
        alarms = deck.app.deck.alarms
        await deck.press("z")
        assert "30 minutes" in deck.text
        await deck.press("enter")
        await deck.press("enter")
        assert any("say why" in notice for notice in deck.notices) and not alarms.shelved
        await deck.press("z", "enter")
        await deck.write("painters")
        await deck.press("enter")
        (shelved,) = alarms.shelved
        assert shelved.shelved_reason == "painters" and not alarms.open
        assert shelved.shelved_until is not None
        assert (shelved.shelved_until - deck.app.now()).total_seconds() == 1800
        assert "shelved until" in deck.text and "painters" in deck.text
        await deck.press("z")
        assert not alarms.shelved and len(alarms.open) == 1


async def test_commands_stand_among_alarms_and_kinds_can_be_chosen(deck_home: Path) -> None:
    async with on_stage(deck_home, households=("home", "shop")) as deck:
        await deck.go_to("Refrigerator")
        await deck.press("space")
        await yes(deck)
        await deck.press("escape")
        deck.bench.panels["shop"].wire.cut = True
        await deck.wait(25)
        await deck.press("2")
        events = [row[1] for row in rows(deck)]
        assert events[0] == "raised" and {"arm", "select", "cancel"} <= set(events)
        await deck.press("f")
        assert {row[1] for row in rows(deck)} == {"raised"} and "alarms alone" in deck.text
        await deck.press("f")
        assert "raised" not in [row[1] for row in rows(deck)] and "commands alone" in deck.text
        await deck.press("escape", "/")
        await deck.write("refrig select")
        assert [row[1] for row in rows(deck)] == ["select"]


async def test_what_is_shown_is_saved_for_its_owner_alone(
    deck_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with fleet(deck_home, TWO, screen="events") as (deck, weather):
        await too_warm(deck, weather, *TWO)
        await deck.press("/")
        await deck.write("shed")
        await deck.press("enter", "e")
        assert any("Saved in" in notice for notice in deck.notices)
    saved = {name.suffix: name for name in map(tmp_path.joinpath, os.listdir(tmp_path)) if "events" in name.name}
    assert set(saved) == {".json", ".csv", ".txt"}
    assert {path.stat().st_mode & 0o777 for path in saved.values()} == {0o600}
    (entry,) = json.loads(saved[".json"].read_text())
    assert (entry["kind"], entry["what"], entry["priority"], entry["source"]) == (
        "alarm", "raised", "medium", "thermo/shed",
    )  # fmt: skip
    (line,) = csv.DictReader(saved[".csv"].read_text().splitlines())
    assert line["words"] == "35 °C, above 30 °C"
    assert "thermo/shed" in saved[".txt"].read_text()


async def test_a_mark_blinks_there_too_and_the_cursor_stays_on_its_event(deck_home: Path) -> None:
    async with fleet(deck_home, TWO, screen="events") as (deck, weather):
        await too_warm(deck, weather, "thermo/shed")
        cursor = table(deck).cursor_id
        await too_warm(deck, weather, "thermo/attic")
        assert table(deck).cursor_id == cursor and len(rows(deck)) == 2
        seen = set()
        for _ in range(2):
            await deck.wait(1)
            seen.add(table(deck).rows[0].cells[1][1])
        assert seen == {"alarm-medium", "alarm-medium-new"}
