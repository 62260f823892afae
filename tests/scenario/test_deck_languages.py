"""Overview, events, help, settings and their questions in Portuguese and Malay at 80x24: said, and whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from test_events_screen import yes
from textual.screen import Screen

from deck_app import SMALL, Stage, on_stage
from messages import translations
from wattdeck.core import language
from wattdeck.core.lines import cell_width
from wattdeck.discovery import discover
from wattdeck.systems.span import SYSTEM
from wattdeck.ui.app import DeckApp
from wattdeck.ui.events import EventsScreen
from wattdeck.ui.help import AREAS, bindings_of, screen_widgets
from wattdeck.ui.overview import OverviewScreen

pytestmark = pytest.mark.anyio

Seen = dict[str, list[str]]
DOES, WHERE, ID = 54, 12, 24
"""Cells of the help page's columns, the first two at 80."""
DATA = "wattdeck home shop span spanos config toml refrigerator end painters nobody"
"""Names, a key, and what was typed."""
JOURNAL = "abortion-by-cancel interlocking"
"""Codes of the journal are the same in every language."""


async def walk(code: str, folder: Path) -> Seen:
    """What a person sees at each step: a command given up, a panel lost, and what is done about it."""
    language.use(code)
    seen: Seen = {}
    async with on_stage(folder, households=("home", "shop"), size=SMALL) as deck:
        seen["names"] = deck.names
        await command(deck, seen)
        deck.bench.panels["shop"].wire.cut = True
        await deck.wait(25)
        await deck.press("0")
        await look(deck, seen, "overview")
        await deck.press("?")
        await look(deck, seen, "help of the overview")
        await deck.press("escape", "2")
        await look(deck, seen, "events")
        await alarm(deck, seen)
        await deck.press("?")
        await look(deck, seen, "help of the events")
        await deck.press("escape", "O")
        await look(deck, seen, "settings")
        await deck.press("enter")
        await look(deck, seen, "form")
    return seen


async def command(deck: Stage, seen: Seen) -> None:
    """Arm, select, cancel."""
    await deck.go_to("Refrigerator")
    await deck.press("space")
    await look(deck, seen, "arm")
    await yes(deck)
    await look(deck, seen, "relay")
    await deck.press("escape")


async def alarm(deck: Stage, seen: Seen) -> None:
    """Everything that can be asked about an alarm, and the command below it."""
    await deck.press("A")
    await look(deck, seen, "acknowledge")
    await deck.press("escape", "z")
    await look(deck, seen, "shelve")
    await deck.press("enter")
    await look(deck, seen, "why")
    await deck.write("painters")
    await deck.press("enter")
    await look(deck, seen, "shelved")
    await deck.press("z", "a")
    await look(deck, seen, "acknowledged")
    await deck.press("/")
    await deck.write("nobody")
    await deck.press("enter")
    await look(deck, seen, "nothing")
    await deck.press("escape", "f", "f", "g")
    await look(deck, seen, "commands")
    await deck.press("f")


async def look(deck: Stage, seen: Seen, step: str) -> None:
    await deck.tick()
    deck.app._notifications.clear()
    seen[step] = deck.lines


def words_of(texts: Sequence[str]) -> set[str]:
    """The words, without places to fill in and paths."""
    bare = (re.sub(r"\{[^}]*\}|(?<= )/\S+", "", text).lower() for text in texts)
    return {word for text in bare for word in re.findall(r"[^\W\d_]{3,}", text)}


def known_words(code: str) -> set[str]:
    said = [text if isinstance(text, str) else " ".join(text) for text in translations(code).values()]
    return words_of([*said, DATA, JOURNAL, SYSTEM.title, *SYSTEM.config_model().model_fields])


@pytest.fixture(scope="module")
def english() -> Seen:
    """Filled by the first test that needs it."""
    return {}


@pytest.mark.parametrize("code", ["pt_BR", "ms"])
async def test_everything_is_said_in_the_language_and_whole(code: str, english: Seen, deck_home: Path) -> None:
    if not english:
        english.update(await walk("en", deck_home / "en"))
    seen = await walk(code, deck_home / code)
    known = known_words(code) | words_of(seen.pop("names"))
    left = {
        (step, line): found
        for step, lines in seen.items()
        for line in lines
        if (found := words_of([line]) & words_of(english[step]) - known)
    }
    assert not left, "\n".join(map(str, left.items()))
    for step, lines in seen.items():
        plain, where = english[step], "\n".join((step, *lines))
        assert "".join(lines).count("…") <= "".join(plain).count("…"), where
        assert all(cell_width(line) <= SMALL[0] for line in lines), where
        # The footer has as many keys, and the last word of it is whole.
        assert len(re.findall(r"  +\S+ ", lines[-1])) == len(re.findall(r"  +\S+ ", plain[-1])), where


@pytest.mark.parametrize("code", ["pt_BR", "ms"])
def test_what_a_key_does_is_whole_on_the_help_page_where_it_is_in_english(code: str) -> None:
    systems = [screen for system in discover().values() if (screen := system.screen()) is not None]
    screens: list[type[Screen[Any]]] = [OverviewScreen, EventsScreen, *systems]
    bindings = bindings_of(DeckApp, *screens, *(widget for screen in screens for widget in screen_widgets(screen)))
    assert len(bindings) > 60
    known = translations(code)
    assert [each.id for each in bindings if (None, each.tooltip) not in known] == []
    assert max(cell_width(str(each.id)) for each in bindings) <= ID, "it is written into the settings"
    language.use(code)
    wide = [
        each.tooltip for each in bindings if cell_width(language.tr(each.tooltip)) > DOES >= cell_width(each.tooltip)
    ]
    assert wide == []
    assert [area for area in AREAS.values() if cell_width(language.tr(area)) > WHERE] == []
