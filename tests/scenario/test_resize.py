"""What is in front of the screens reads as if it had been opened in a terminal of the size it has become."""

from __future__ import annotations

from pathlib import Path

import pytest

from deck_app import LARGE, NORMAL, SMALL, Stage, on_stage, select
from wattdeck.ui import chart

pytestmark = pytest.mark.anyio
IN_FRONT = {"help": ("?",), "priority": ("P",), "settings": ("O",), "events": ("L",)}


@pytest.fixture(autouse=True)
def _plots_are_ready() -> None:
    """A plot that comes later is no difference in size."""
    chart.load()


async def _open(deck: Stage, what: str) -> None:
    if what == "control":
        await deck.go_to("Kitchen Lights")
        await deck.press("space")
    elif what == "relay":
        await select(deck)
    else:
        await deck.press(*IN_FRONT[what])


@pytest.mark.parametrize("what", ["control", "relay", *IN_FRONT])
async def test_it_reads_as_if_opened_at_this_size(what: str, deck_home: Path) -> None:
    async with on_stage(deck_home, size=NORMAL) as deck:
        behind = deck.app.screen
        for size in (SMALL, LARGE):
            await deck.resize(*NORMAL)
            await _open(deck, what)
            assert deck.app.screen is not behind, "nothing came to the front"
            await deck.resize(*size)
            resized = deck.lines
            await deck.press("escape")
            await _open(deck, what)
            assert resized == deck.lines
            await deck.press("escape")
