"""Settings over a deck that runs, the first start, and a source that is added for real."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deck_app import SMALL, confirm, make_bench, running, select
from pty_deck import CountedSimulator, PtyDeck, counted_simulator, directories
from wattdeck.ui.settings import SettingsScreen

TWO = '[[span]]\nname = "home"\nhost = "127.0.0.1"\n[[span]]\nname = "barn"\nhost = "barn.local"\n'


def configuration(folder: Path, text: str = TWO) -> Path:
    path = folder / "config.toml"
    path.write_text(text)
    path.chmod(0o600)
    return path


@pytest.mark.anyio
async def test_the_demo_shows_its_settings_and_changes_none(deck_home: Path) -> None:
    async with running(make_bench(deck_home), size=SMALL) as stage:
        await stage.press("O")
        assert "This is the demo" in stage.text and "span/home" in stage.text and "live" in stage.text
        await stage.press("a", "x", "c")
        assert isinstance(stage.app.screen, SettingsScreen)
        await stage.press("enter", "x")
        assert "nothing can be changed" in stage.lines[1] and "homex" not in stage.text
        await stage.press("escape", "escape")
        assert stage.app.is_running and "Circuit" in stage.text


@pytest.mark.anyio
async def test_what_was_saved_is_taken_into_use_by_starting_again(deck_home: Path) -> None:
    path = configuration(deck_home.parent)
    async with running(make_bench(deck_home), size=SMALL, settings_path=path, demo=False) as stage:
        await stage.press("O")
        assert "not running yet" in next(line for line in stage.lines if "span/barn" in line)
        await stage.press("x")
        stage.bench.clock.advance(1)
        await stage.press("y")
        assert "span/home is removed" in stage.text and "taken into use when you go back" in stage.text
        await stage.press("escape")
        assert stage.app.starts_again and stage.app.last_screen == "span" and not stage.app.is_running
    assert [source["name"] for source in tomllib.loads(path.read_text())["span"]] == ["barn"]


@pytest.mark.anyio
async def test_nothing_starts_again_without_a_change_or_without_a_source(deck_home: Path) -> None:
    path = configuration(deck_home.parent, TWO.partition('[[span]]\nname = "barn"')[0])
    async with running(make_bench(deck_home), size=SMALL, settings_path=path, demo=False) as stage:
        await stage.press("O", "escape")
        assert "Circuit" in stage.text
        await stage.press("O", "x")
        stage.bench.clock.advance(1)
        await stage.press("y", "escape")
        assert stage.app.is_running and "No source is left" in stage.notices[-1]


@pytest.mark.anyio
async def test_a_command_on_its_way_is_never_cut_off(deck_home: Path) -> None:
    path = configuration(deck_home.parent)
    async with running(make_bench(deck_home, faults=("relay-lag=30",)), settings_path=path, demo=False) as stage:
        await select(stage)
        await confirm(stage)
        await stage.wait(1)
        assert stage.app.desk is not None and stage.app.desk.busy
        await stage.press("O", "x")
        await stage.blink(1)
        await stage.press("y", "escape")
        assert stage.app.is_running and "counts from the next start" in stage.notices[-1]


@pytest.mark.anyio
async def test_who_has_control_is_asked_first(deck_home: Path) -> None:
    path = configuration(deck_home.parent)
    async with running(make_bench(deck_home), settings_path=path, demo=False) as stage:
        await select(stage)
        await stage.press("escape")
        assert stage.app.armed
        await stage.press("O", "x")
        stage.bench.clock.advance(1)
        await stage.press("y", "escape")
        assert "control ends" in stage.dialog
        await stage.press("escape")
        assert stage.app.is_running and "counts from the next start" in stage.notices[-1]


@pytest.mark.anyio
async def test_a_file_that_is_broken_by_now_is_a_sentence(deck_home: Path) -> None:
    path = configuration(deck_home.parent, "[[span]\n")
    async with running(make_bench(deck_home), settings_path=path, demo=False) as stage:
        await stage.press("O")
        assert not isinstance(stage.app.screen, SettingsScreen) and "line 1" in stage.notices[-1]


# In a terminal

on_linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="talks to a pty")


@pytest.fixture
def simulator(tmp_path: Path) -> Iterator[CountedSimulator]:
    with counted_simulator(tmp_path) as simulator:
        (Path(directories(tmp_path)["XDG_CONFIG_HOME"]) / "wattdeck" / "config.toml").unlink()
        yield simulator


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    decks: list[PtyDeck] = []

    def start(*arguments: str, **options: Any) -> PtyDeck:
        decks.append(PtyDeck(tmp_path, *arguments, **options))
        return decks[-1]

    yield start
    for deck in decks:
        deck.close()


@on_linux
def test_the_first_start_leads_to_a_source_that_is_tried_saved_and_live(
    simulator: CountedSimulator, start: Any, tmp_path: Path
) -> None:
    port = simulator.url.rpartition(":")[2]
    deck = start(size=SMALL, env={"NO_COLOR": "1"})
    deck.wait_for("Press 1, 2, 3 or q")
    assert "1  Try the demo" in deck.text and "2  Add a source" in deck.text and "3  Show an example" in deck.text
    deck.type("2")
    deck.wait_for("What kind of source?")
    deck.type("\r")
    deck.wait_for("A new source: SPAN")
    deck.type("home\t127.0.0.1")
    deck.type("\t" * 4 + "1")
    deck.wait_for(lambda: "port                       1" in deck.text)
    deck.type("\x1b[6~" * 6 + "\x1b[A\r")
    deck.wait_for("Trying span/home")
    deck.wait_for("PROBLEM  port: 127.0.0.1:1: the connection was refused")
    deck.type("\x1b")
    deck.wait_for(lambda: "Trying" not in deck.text)
    deck.type("\x1b[5~" * 6 + "\t" * 5 + "\x15" + port)
    deck.wait_for(lambda: f" {port}" in deck.text)
    deck.type("\x1b[6~" * 6 + "\x1b[A\r")
    deck.wait_for("Run `wattdeck span register --source home`")
    deck.type("\x1b")
    deck.wait_for(lambda: "Trying" not in deck.text)
    deck.type("\x1b[5~" * 6 + "\t\t" + " " * 2)
    deck.wait_for("a file of its own")
    deck.type("\ttoken")
    deck.type("\x1b[6~" * 6 + "\x1b[A\r")
    deck.wait_for("It answers and lets us in.")
    deck.type("\x1b")
    deck.wait_for(lambda: "Trying" not in deck.text)
    deck.type("\x1b[B\r")
    deck.wait_for("Saved in")
    deck.type("\x1b")
    deck.wait_live()
    path = tmp_path / "config" / "wattdeck" / "config.toml"
    assert tomllib.loads(path.read_text())["span"] == [
        {"name": "home", "host": "127.0.0.1", "token": {"file": "token"}, "port": int(port)}
    ]
    # A change from inside starts the session again, in the same terminal.
    deck.type("O")
    deck.wait_for("Settings")
    deck.type("\r")
    deck.wait_for("poll_s")
    deck.type("2")
    deck.type("\x1b[6~" * 6 + "\r")
    deck.wait_for("taken into use when you go back")
    deck.type("\x1b")
    deck.wait_for(lambda: "span/home2" in deck.text and "live" in deck.text and deck.screen.display[-1].strip())
    deck.type("q")
    assert deck.wait_end()[0] == 0


@on_linux
def test_the_first_start_shows_the_example_and_the_demo_or_lets_one_leave(start: Any) -> None:
    deck = start(size=SMALL, env={"PAGER": "cat"})
    deck.wait_for("Press 1, 2, 3 or q")
    deck.type("3")
    deck.wait_for("`wattdeck config init` puts this example at")
    deck.wait_for("Press 1, 2, 3 or q")
    deck.type("q")
    assert deck.wait_end()[0] == 2
    other = start(size=SMALL)
    other.wait_for("Press 1, 2, 3 or q")
    other.type("1")
    other.wait_live()
    assert "DEMO" in other.text
    other.type("q")
    assert other.wait_end()[0] == 0
    third = start(size=SMALL)
    third.wait_for("Press 1, 2, 3 or q")
    third.type("\x03")
    assert third.wait_end()[0] == 130
