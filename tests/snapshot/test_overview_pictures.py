"""Pictures of the overview as text: two panels, trouble among twenty sources, a hundred."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_pictures import check_sizes

from deck_app import SMALL, on_stage
from fleet import fleet

pytestmark = pytest.mark.anyio


async def test_two_panels(deck_home: Path) -> None:
    async with on_stage(deck_home, screen=None, size=SMALL, households=("home", "shop"), polls=90) as deck:
        deck.bench.panels["shop"].wire.cut = True
        await deck.wait(100)
        await check_sizes(deck, "overview-panels")


@pytest.mark.parametrize("count", [20, 100])
async def test_many(count: int, deck_home: Path) -> None:
    names = [f"{('attic', 'shed')[at % 2]}/room-{at:03}" for at in range(count)]
    async with fleet(deck_home, names, size=SMALL, polls=2) as (deck, weather):
        weather.temperature_c["shed/room-013"] = 40
        weather.lost |= {"attic/room-004", "shed/room-017"}
        await deck.wait(15)
        await check_sizes(deck, f"overview-{count}")
