"""Pictures of the overview as text: two panels, trouble among twenty sources, a hundred."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_pictures import SIZES, check

from deck_app import on_stage
from fleet import fleet

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("size", SIZES)
async def test_two_panels(size: str, deck_home: Path) -> None:
    async with on_stage(deck_home, screen=None, size=SIZES[size], households=("home", "shop"), polls=90) as deck:
        deck.bench.panels["shop"].wire.cut = True
        await deck.wait(100)
        await deck.redraw()
        check(f"overview-panels-{size}", deck.lines)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [20, 100])
async def test_many(count: int, size: str, deck_home: Path) -> None:
    names = [f"{('attic', 'shed')[at % 2]}/room-{at:03}" for at in range(count)]
    async with fleet(deck_home, names, size=SIZES[size], polls=2) as (deck, weather):
        weather.temperature_c["shed/room-013"] = 40
        weather.lost |= {"attic/room-004", "shed/room-017"}
        await deck.wait(15)
        await deck.redraw()
        check(f"overview-{count}-{size}", deck.lines)
