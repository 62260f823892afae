"""The ANEEL screen in Portuguese and in Malay at 80x24: nothing cut that English has whole, no English left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from aneel_seat import Seat, seated
from aneel_tongues import TONGUES, english_left
from deck_app import SMALL
from wattdeck.core import language
from wattdeck.core.lines import cell_width
from wattdeck.systems.aneel.pages import PAGES

pytestmark = pytest.mark.anyio
FAULTS = ("bad-check-digit", "over-served", "message-on-success")


@dataclass(frozen=True)
class Frame:
    """One look at the screen."""

    text: str
    titles: str
    pane: str
    footer: str
    rest: str
    """The lines above and below the table."""


def frame(seat: Seat) -> Frame:
    rest = "\n".join((seat.notice, seat.totals, seat.looking, seat.slider))
    titles = seat.table.text.splitlines()[0] if seat.table.text else ""
    text = "\n".join(line for line in seat.lines if line.strip() != seat.header.strip())
    return Frame(text, titles, seat.pane, seat.footer, rest)


async def looked_at(folder: Path, code: str) -> Mapping[str, Frame]:
    """Everything the keys show, by name."""
    language.use(code)
    found = {}
    async with seated(folder / code, *FAULTS, size=SMALL, bench={"demands": True}) as seat:
        await seat.refresh()
        for name, keys in {
            "table": "",
            **dict.fromkeys(PAGES, "]"),
            "sets": ("escape", "enter"),
            "findings": ("escape", "c"),
            "finding": ("enter",),
            "earlier": ("escape", "c", "<"),
        }.items():
            await seat.press(*({"]": "right_square_bracket", "<": "less_than_sign"}.get(key, key) for key in keys))
            found[name] = frame(seat)
        await seat.press("n")
        await seat.look_up(seat.simulator.protocols()[0])
        found["demand"] = frame(seat)
        await seat.press("escape")
        seat.bench.fault("unavailable@outages")
        await seat.refresh()
        await seat.fail()
        found["no data"] = frame(seat)
        seat.bench.fault("unavailable")
        await seat.look_up("NAOEXISTE0")
        found["no demand"] = frame(seat)
    return found


@pytest.fixture(scope="module")
def english() -> dict[str, Frame]:
    """What was seen in English; seen once."""
    return {}


@pytest.mark.parametrize("tongue", TONGUES)
async def test_the_whole_screen_speaks_the_language_and_fits(
    tongue: str, deck_home: Path, english: dict[str, Frame]
) -> None:
    if not english:
        english.update(await looked_at(deck_home, "en"))
    for name, here in (await looked_at(deck_home, tongue)).items():
        there = english[name]
        assert not english_left(here.text, tongue), (name, here.text)
        assert all(cell_width(line) <= SMALL[0] for line in here.text.splitlines()), name
        for part in ("titles", "footer", "rest"):
            assert getattr(here, part).count("…") == getattr(there, part).count("…"), (name, getattr(here, part))
        assert "##" not in here.text, name
        assert len(here.footer.split("  ")) == len(there.footer.split("  ")), (name, here.footer)
        # A trend, a letter's percent or a tab that gives way for longer words is lost, too.
        assert here.rest.count("█") >= there.rest.count("█"), (name, here.rest)
        assert here.rest.count("·") >= there.rest.count("·"), (name, here.rest)
        assert here.pane.count("[") == there.pane.count("[") and here.pane.count(" %") >= there.pane.count(" %"), name
        assert len(here.pane.split("\n", 1)[0].split()) == len(there.pane.split("\n", 1)[0].split()), (name, here.pane)
