"""The overview by its keys: what a person sees of one source, of two dozen and of a hundred."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deck_app import LARGE, NORMAL, SMALL, Stage, make_app, make_bench, on_stage, press, settle
from fleet import fleet
from wattdeck.core.deck import Deck
from wattdeck.core.looked import Looked
from wattdeck.ui.board import TileBoard

pytestmark = pytest.mark.anyio
TWO = ("thermo/attic", "thermo/shed")
HUNDRED = [f"{('attic', 'shed')[at % 2]}/room-{at:03}" for at in range(100)]


def board(deck: Stage) -> TileBoard:
    return deck.app.screen_stack[0].query_one(TileBoard)


def order(deck: Stage) -> list[str]:
    """Ids as listed."""
    return [entry.id for entry in board(deck).entries]


def header(deck: Stage) -> str:
    return deck.lines[0]


async def test_the_deck_starts_on_the_overview_and_keys_lead_to_a_source_and_back(deck_home: Path) -> None:
    async with on_stage(deck_home, screen=None, households=("home", "shop")) as deck:
        assert "[0 Overview] 1 SPAN" in header(deck)
        assert "span/home" in deck.text and " W" in deck.text and "2 sources: 2 live" in deck.text
        await deck.press("right", "enter")
        assert deck.app.current_mode == "span" and "span/shop" in header(deck) and "[1 SPAN]" in header(deck)
        await deck.press("0")
        assert "[0 Overview]" in header(deck) and board(deck).cursor_id == "span/shop", "the cursor is where it was"
        await deck.press("1")
        assert deck.app.current_mode == "span"


async def test_trouble_rises_to_the_top_and_the_cursor_stays_on_its_source(deck_home: Path) -> None:
    names = [f"thermo/room-{at}" for at in range(6)]
    async with fleet(deck_home, names, size=SMALL) as (deck, weather):
        await deck.press("down", "down")
        weather.temperature_c["thermo/room-4"] = 31.5
        await deck.wait(3)
        assert order(deck) == ["thermo/room-4", *(name for name in names if name != "thermo/room-4")]
        assert board(deck).cursor_id == "thermo/room-2"
        assert deck.lines[2].split()[:2] == ["!!", "thermo/room-4"]
        await deck.press("g")
        assert "31.5 °C, above 30 °C" in deck.text, "the words of the alarm under the cursor"
        await deck.press("s")
        assert order(deck) == names and board(deck).cursor_id == "thermo/room-4"


async def test_the_mark_of_an_alarm_blinks_until_it_is_acknowledged(deck_home: Path) -> None:
    async with fleet(deck_home, TWO, size=SMALL) as (deck, weather):
        weather.temperature_c["thermo/shed"] = 35

        async def meanings() -> set[str]:
            found = set()
            for _ in range(4):
                await deck.wait(1)
                found |= {meaning for line in board(deck).lines for text, meaning in line if text.startswith("!!")}
            return found

        await deck.wait(2)
        assert await meanings() == {"alarm-medium", "alarm-medium-new"}
        assert deck.app.deck is not None
        deck.app.deck.alarms.acknowledge()
        assert await meanings() == {"alarm-medium"}


async def test_nothing_blinks_on_a_slow_line(deck_home: Path) -> None:
    async with fleet(deck_home, TWO, size=SMALL, low_bandwidth=True) as (deck, weather):
        weather.temperature_c["thermo/shed"] = 35
        for _ in range(4):
            await deck.wait(1)
            marks = [meaning for line in board(deck).lines for text, meaning in line if text.startswith("!!")]
        assert marks == ["alarm-medium-new"], "reversed and still"
        assert "▁" not in deck.text


async def test_what_came_since_is_below_the_tiles_with_how_it_stands(deck_home: Path) -> None:
    Looked(deck_home / "looked").touch(datetime(2026, 11, 20, 8, 10, tzinfo=UTC))
    async with fleet(deck_home, TWO, size=SMALL) as (deck, weather):
        assert "Since you last looked (" in deck.text and "No alarm came." in deck.text
        weather.temperature_c["thermo/shed"] = 35
        await deck.wait(3)
        line = next(line for line in deck.lines if "above 30" in line and line.endswith("unacknowledged"))
        assert "!!  thermo/shed" in line
        weather.temperature_c["thermo/shed"] = 20
        await deck.wait(3)
        assert any("above 30" in line and line.endswith("returned") for line in deck.lines)


async def test_a_lost_source_says_why_and_what_happens_next(deck_home: Path) -> None:
    async with fleet(deck_home, TWO) as (deck, weather):
        weather.lost.add("thermo/shed")
        await deck.wait(75)
        assert order(deck)[0] == "thermo/shed"
        assert "the thermometer does not answer" in deck.text and "next try in" in deck.text
        assert "1 down, 1 live" in deck.text


async def test_a_hundred_sources_are_folded_opened_filtered_and_found(deck_home: Path) -> None:
    async with fleet(deck_home, HUNDRED, size=SMALL, polls=2) as (deck, weather):
        assert order(deck) == ["attic/*", "shed/*"]
        weather.temperature_c["shed/room-013"] = 40
        await deck.wait(12)
        assert order(deck) == ["shed/room-013", "attic/*", "shed/*"]
        assert "50 live" in deck.text and "49 live" in deck.text
        await deck.press("down", "down", "enter")
        assert len(order(deck)) == 3 + 49 - 0 and board(deck).cursor_id in order(deck)
        await deck.press("G")
        assert "shed/room-099" in deck.text
        await deck.press("escape")
        assert len(order(deck)) == 3
        await deck.press("/")
        await deck.write("room-04")
        assert order(deck) == [f"{('attic', 'shed')[at % 2]}/room-{at:03}" for at in range(40, 50)]
        await deck.press("enter")
        assert "filter: room-04 (escape clears)" in deck.text
        await deck.press("enter")
        assert deck.app.current_mode == "attic"
        await deck.press("0", "escape")
        assert order(deck) == ["shed/room-013", "attic/*", "shed/*"]


async def test_a_filter_that_fits_nothing_says_so(deck_home: Path) -> None:
    async with fleet(deck_home, TWO, size=SMALL) as (deck, _):
        await deck.press("/")
        await deck.write("zzz")
        assert "No source says these words" in deck.text
        await deck.press("escape", "escape")
        assert order(deck) == list(TWO)


async def test_few_sources_are_read_at_full_cadence_and_of_many_the_one_under_the_cursor(deck_home: Path) -> None:
    async with fleet(deck_home, TWO) as (deck, weather):
        before = weather.rooms["thermo/shed"].polls
        await deck.wait(10)
        assert weather.rooms["thermo/shed"].polls >= before + 9
    names = [f"thermo/room-{at:02}" for at in range(12)]
    async with fleet(deck_home, names) as (deck, weather):
        await deck.press("down")
        polls = {name: room.polls for name, room in weather.rooms.items()}
        await deck.wait(10)
        polled = {name: room.polls - polls[name] for name, room in weather.rooms.items()}
        assert polled[board(deck).cursor_id] >= 9
        assert sorted(polled.values())[-2] <= 2
        await deck.press("enter")
        opened = weather.rooms[deck.app.screen_stack[0].source]  # type: ignore[attr-defined]
        before_one = opened.polls
        await deck.wait(5)
        assert opened.polls >= before_one + 4


async def test_an_equal_picture_draws_nothing_and_a_hidden_one_neither(deck_home: Path) -> None:
    async with fleet(deck_home, TWO, size=SMALL) as (deck, weather):
        drawn: list[object] = []
        tiles = board(deck)

        def refresh(*regions: object, **_: object) -> TileBoard:
            drawn.append(regions)
            return tiles

        tiles.refresh = refresh  # type: ignore[method-assign]
        deck.app.paint()
        assert drawn == []
        await deck.press("1")
        drawn.clear()
        weather.temperature_c["thermo/shed"] = 25
        await deck.wait(3)
        assert drawn == []


@pytest.mark.parametrize("size", [SMALL, NORMAL, LARGE, (60, 18), (30, 8), (1, 1)])
async def test_any_size_does_no_harm(size: tuple[int, int], deck_home: Path) -> None:
    async with fleet(deck_home, HUNDRED[:20], polls=1) as (deck, _):
        await deck.resize(*size)
        await deck.press("v", "G", "left", "up", "pageup", "g", "v")
        await deck.resize(*NORMAL)
        assert "attic/room-000" in deck.text


async def test_the_grid_is_walked_in_two_directions(deck_home: Path) -> None:
    names = [f"thermo/room-{at}" for at in range(7)]
    async with fleet(deck_home, names, size=NORMAL) as (deck, _):
        assert board(deck).shape.grid and board(deck).shape.across == 3
        seen = []
        for key in ("right", "down", "left", "down", "up", "k", "l", "h"):
            await deck.press(key)
            seen.append(board(deck).cursor_id[-1])
        assert seen == ["1", "4", "3", "6", "3", "0", "1", "0"]
        await deck.press("v")
        assert not board(deck).shape.grid
        await deck.press("down")
        assert board(deck).cursor_id == "thermo/room-1"


async def test_ascii_and_no_colour_say_the_same(deck_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with fleet(deck_home, TWO, size=SMALL, ascii=True) as (deck, weather):
        weather.lost.add("thermo/attic")
        weather.temperature_c["thermo/shed"] = 35
        await deck.wait(3)
        assert {letter for letter in deck.text if not letter.isascii()} <= {"\N{DEGREE SIGN}", "…"}
        assert "!! " in deck.text and "stale" in deck.text
        for strip in deck.strips:
            assert not any(part.style and (part.style.color or part.style.bgcolor) for part in strip), strip.text


@pytest.mark.parametrize(("key", "mode"), [("1", "span"), ("2", "events"), ("L", "events")])
async def test_a_key_pressed_before_the_engine_is_up_is_kept(deck_home: Path, key: str, mode: str) -> None:
    bench = make_bench(deck_home)
    app = make_app(bench, screen=None)
    engine, go = app._engine, asyncio.Event()

    @asynccontextmanager
    async def late() -> AsyncIterator[Deck]:
        await go.wait()
        async with engine as deck:
            yield deck

    app._engine = late()
    async with app.run_test(size=SMALL) as pilot:
        await settle(app)
        await press(pilot, key)
        assert app.deck is None and app.current_mode == "overview"
        go.set()
        await settle(app)
        assert app.current_mode == mode
