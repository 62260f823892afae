"""Pictures of the USMS screen, as those of the SPAN screen: `WATTDECK_UPDATE_PICTURES=1` writes them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from test_pictures import check, check_sizes, style_picture

from deck_app import SMALL
from usms_seat import FakeAccount, Seat, seated
from wattdeck.core.errors import AuthError, Unreachable
from wattdeck.systems.usms.models import AccountSnapshot

pytestmark = pytest.mark.anyio

THEMES = ("wattdeck-dark", "wattdeck-light", "wattdeck-ansi", "no-colour")


def refuse(account: FakeAccount) -> None:
    account.account = account.consumption = AuthError("the portal wants a login; run `wattdeck usms login`")


def cut(account: FakeAccount) -> None:
    account.account = account.consumption = Unreachable("portal.test: no route to host")


def empty(account: FakeAccount) -> None:
    account.account = AccountSnapshot("AWANG CONTOH", ())


def as_it_is(account: FakeAccount) -> None:
    del account


STATES: dict[str, tuple[Callable[[FakeAccount], None], tuple[str, ...]]] = {
    "live": (as_it_is, ()),
    "hours": (as_it_is, ("left_square_bracket", "left")),
    "year": (as_it_is, ("right_square_bracket",)),
    "water": (as_it_is, ("down",)),
    "topups": (as_it_is, ("T",)),
    "refused": (refuse, ()),
    "down": (cut, ()),
    "empty": (empty, ()),
}


@pytest.mark.parametrize("state", [*STATES, "stale"])
async def test_picture(state: str, deck_home: Path) -> None:
    prepare, keys = STATES.get(state, (as_it_is, ()))
    async with seated(deck_home, prepare, size=SMALL) as seat:
        await seat.press(*keys)
        if state == "stale":
            cut(seat.account)
            await seat.wait(900)
        await settled(seat)
        await check_sizes(seat, f"usms-{state}")


@pytest.mark.parametrize("theme", THEMES)
async def test_styles(theme: str, deck_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if theme == "no-colour":
        monkeypatch.setenv("NO_COLOR", "1")
    async with seated(deck_home, theme=None if theme == "no-colour" else theme) as seat:
        await settled(seat)
        check(f"usms-styles-{theme}", style_picture(seat))


async def settled(seat: Seat) -> None:
    """Let every answer come and be drawn."""
    for _ in range(3):
        await seat.wait(1)
