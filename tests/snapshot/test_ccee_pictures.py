"""Pictures of the CCEE screen, as those of the SPAN screen: `WATTDECK_UPDATE_PICTURES=1` writes them anew.

One person walks through the screen at each size, so that an app is not started for every picture.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from test_pictures import SIZES, check, style_picture

from ccee_seat import CNPJ, UNIT, Bench, Script, Seat, energy, seated
from wattdeck.systems.ccee.models import BRASILIA, ChangeRequest

pytestmark = pytest.mark.anyio

THEMES = ("wattdeck-dark", "wattdeck-light", "wattdeck-ansi", "no-colour")
REQUESTS = (
    ChangeRequest("cr-2", UNIT, 100000, "ALTERACAO_ALFA_VAREJISTA_RESILICAO", "CRIADA",
                  datetime(2026, 10, 13, 11, 20, tzinfo=BRASILIA), "2027-01", new_retailer_agent_code=200005,
                  new_retailer_profile_code=200500, notification_date=date(2026, 10, 12)),
    ChangeRequest("cr-1", UNIT, 100000, "ALTERACAO_RETORNO_CATIVO_RESILICAO", "REPROVADA",
                  datetime(2026, 3, 2, 9, 0, tzinfo=BRASILIA), "2026-06", justification="Contrato vigente até 2027"),
)  # fmt: skip


@pytest.mark.parametrize("size", SIZES)
async def test_walk(size: str, deck_home: Path) -> None:
    def shot(name: str) -> None:
        check(f"ccee-{name}-{size}", seat.lines)

    script = Script(measurements=energy(), requests=REQUESTS)
    async with seated(deck_home, script=script, size=SIZES[size]) as seat:
        shot("live")
        if size != "200x60":
            await look_closely(seat, shot_of=shot, small=size == "80x24")
        await seat.filter("status:conc month:2026-08")
        await seat.press(*["enter"] * (size == "80x24"))
        await turn_to(seat, "Energy")
        shot("energy")
        await seat.press("escape", "escape", "b")
        shot("summary")
        if size != "200x60":
            await seat.press("escape")
            seat.wire.cut = True
            await seat.wait(300)
            for _ in range(4):
                await seat.wait(5)
            shot("stale")


async def look_closely(seat: Seat, shot_of: Callable[[str], None], *, small: bool) -> None:
    """What is only worth a picture where there is little room."""
    await seat.press("down")
    seat.simulator.reject(seat.table.cursor_id, "Unidade consumidora com débito vencido junto à distribuidora")
    await seat.refresh()
    await seat.press("slash")
    await seat.write("status:reprovada alert:yes mont:2026")
    shot_of("filtering")
    await seat.press(*["backspace"] * 9, "enter", *["enter"] * small)
    if small:
        shot_of("fields")
    await turn_to(seat, "History")
    shot_of("history")
    await seat.filter("status:conc month:2026-08")
    await turn_to(seat, "Contracts")
    shot_of("contracts")
    if not small:
        await turn_to(seat, "Requests")
        shot_of("requests")
    await seat.press(*["escape"] * 3, "v")
    shot_of("views")
    await seat.press("escape", "n")
    await seat.fill(UNIT, "100000", "", CNPJ, "", "", "uc at example", "A4", "n")
    shot_of("form")
    await seat.press(*["up"] * 3, "ctrl+u")
    await seat.fill("uc@example.com", "", "", "r", "por favor até março")
    await seat.press("enter")
    await seat.wait(0.5)
    await seat.press("y")
    shot_of("dialog")
    await seat.press("escape")


async def turn_to(seat: Seat, page: str) -> None:
    """Walk through the pane's pages to one, and let its answers come."""
    for _ in range(5):
        if f"[{page}]" in seat.pane:
            break
        await seat.press("right_square_bracket")
    await seat.rest()


@pytest.mark.parametrize("size", ["80x24", "120x36"])
async def test_arriving(size: str, deck_home: Path) -> None:
    def hold(bench: Bench) -> None:
        bench.wire.pages_before_hold = 0

    async with seated(deck_home, size=SIZES[size], prepare=hold) as seat:
        if size == "80x24":
            check(f"ccee-waiting-{size}", seat.lines)
        for _ in range(2):
            seat.wire.release(1)
            await seat.wait(1)
        check(f"ccee-arriving-{size}", seat.lines)


@pytest.mark.parametrize("size", ["80x24", "120x36"])
async def test_refused(size: str, deck_home: Path) -> None:
    async with seated(deck_home, "agent-mismatch", size=SIZES[size]) as seat:
        check(f"ccee-refused-{size}", seat.lines)


async def test_down(deck_home: Path) -> None:
    def cut(bench: Bench) -> None:
        bench.wire.cut = True

    async with seated(deck_home, size=SIZES["80x24"], prepare=cut) as seat:
        for _ in range(4):
            await seat.wait(5)
        check("ccee-down-80x24", seat.lines)


async def test_empty(deck_home: Path) -> None:
    async with seated(deck_home, script=Script(answer=()), size=SIZES["80x24"]) as seat:
        check("ccee-empty-80x24", seat.lines)


@pytest.mark.parametrize("theme", THEMES)
async def test_styles(theme: str, deck_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if theme == "no-colour":
        monkeypatch.setenv("NO_COLOR", "1")
    async with seated(deck_home, size=SIZES["120x36"], theme=None if theme == "no-colour" else theme) as seat:
        check(f"ccee-styles-{theme}", style_picture(seat))
