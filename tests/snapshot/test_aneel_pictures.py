"""Pictures of the ANEEL screen, as those of the SPAN screen: `WATTDECK_UPDATE_PICTURES=1` writes them anew.

One person walks through the screen at each size, so that an app is not started for every picture.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from test_pictures import SIZES, check, check_sizes, style_picture

from aneel_seat import Bench, Seat, seated

pytestmark = pytest.mark.anyio

THEMES = ("wattdeck-dark", "wattdeck-light", "wattdeck-ansi", "no-colour")
FAULTS = ("bad-check-digit", "over-served", "message-on-success")
"""For findings about what is out and about demands."""


@pytest.mark.parametrize("size", SIZES)
async def test_walk(size: str, deck_home: Path) -> None:
    def shot(name: str) -> None:
        check(f"aneel-{name}-{size}", seat.lines)

    async with seated(deck_home, size=SIZES[size], bench={"demands": True}) as seat:
        shot("live")
        if size == "200x60":
            await seat.press("down")
            await seat.turn_to("Day")
            shot("day")
            return
        await look_closely(seat, shot, small=size == "80x24")
        seat.bench.fault("unavailable")
        await seat.refresh()
        shot("status-2")


async def look_closely(seat: Seat, shot: Callable[[str], None], *, small: bool) -> None:
    """What is only worth a picture where there is little room."""
    for page in ("Map", "Day", "Week", "Figures", "Demands"):
        await seat.turn_to(page)
        if small or page != "Map":
            shot(page.lower())
    await seat.press("escape")
    await seat.go_to("Boa Vista")
    await seat.press("enter")
    shot("sets")
    await seat.press("escape", *["<"] * 5)
    shot("past")
    await seat.press("n")
    await seat.look_up(seat.simulator.protocols()[2])
    shot("demand")
    await seat.press("escape")
    for fault in FAULTS:
        seat.bench.fault(fault)
    await seat.refresh()
    await seat.press("c")
    shot("findings")
    if small:
        await seat.press("enter")
        shot("finding")
        await seat.press("escape")
    await seat.press("c")
    seat.well()


async def test_refused(deck_home: Path) -> None:
    async with seated(deck_home, "denied-html", size=SIZES["80x24"], bench={"week": False}) as seat:
        await check_sizes(seat, "aneel-refused", ("80x24", "120x36"))


async def test_down_and_back_at_an_hour_that_is_not_kept(deck_home: Path) -> None:
    def cut(bench: Bench) -> None:
        bench.wires[0].cut = True

    async with seated(deck_home, size=SIZES["80x24"], prepare=cut, bench={"week": False}) as seat:
        await seat.fail()
        check("aneel-down-80x24", seat.lines)
        seat.wire.cut = False
        await seat.refresh()
        seat.wire.cut = True
        await seat.press("<", "<")
        await seat.fail()
        check("aneel-past-unknown-80x24", seat.lines)


async def test_empty(deck_home: Path) -> None:
    async with seated(deck_home, "dropout", size=SIZES["80x24"], bench={"scenario": "calm"}) as seat:
        await check_sizes(seat, "aneel-empty", ("80x24", "120x36"))


async def test_waiting(deck_home: Path) -> None:
    def hold(bench: Bench) -> None:
        bench.wires[0].held = {"outages"}

    async with seated(deck_home, size=SIZES["80x24"], prepare=hold, bench={"week": False}) as seat:
        check("aneel-waiting-80x24", seat.lines)


@pytest.mark.parametrize("theme", THEMES)
async def test_styles(theme: str, deck_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if theme == "no-colour":
        monkeypatch.setenv("NO_COLOR", "1")
    async with seated(deck_home, size=SIZES["120x36"], theme=None if theme == "no-colour" else theme) as seat:
        check(f"aneel-styles-{theme}", style_picture(seat))
