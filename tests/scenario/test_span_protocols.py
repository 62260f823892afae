"""Panels of three protocols on one screen, through its keys; and a panel that changes its protocol under the cursor."""

from __future__ import annotations

from pathlib import Path

import pytest

from deck_app import LARGE, NORMAL, SMALL, make_bench, running
from span_panels import HOSTILE, SUN, flat_panel, puppet, tree_panel, v1_panel
from wattdeck.core.lines import cell_width
from wattdeck.systems.span.models import DataModel
from wattdeck.ui.paint import Painted

pytestmark = pytest.mark.anyio


async def test_the_panel_itself_is_one_key_away_and_the_circuit_comes_back(deck_home: Path) -> None:
    bench = make_bench(deck_home)
    puppet(bench, tree_panel())
    async with running(bench, size=NORMAL) as deck:
        await deck.go_to("Heat Pump")
        assert "Heat Pump" in deck.detail
        await deck.press("I")
        assert "Panel nt-2143-c1akc" in deck.detail and "v2, data model 1.0 (tree)" in deck.detail
        assert deck.cursor_name == "Heat Pump" and "▸Heat Pump" in deck.text
        await deck.press("down")
        assert "Panel nt-2143-c1akc" in deck.detail, "the cursor moves, the panel stays"
        await deck.press("I")
        assert "Office Outlets" in deck.detail
        await deck.press("I", "escape")
        assert "Office Outlets" in deck.detail
        await deck.press("I", "d")
        assert "Office Outlets" in deck.detail, "d asks for the circuit"


async def test_facts_that_do_not_fit_are_walked_through_and_no_further(deck_home: Path) -> None:
    bench = make_bench(deck_home)
    puppet(bench, tree_panel())
    async with running(bench, size=SMALL) as deck:
        await deck.press("I")
        assert "More: J and K scroll." in deck.detail and "Without the grid" not in deck.detail
        assert "Heat Pump" not in deck.text, "no room beside it"
        await deck.press(*"JJJJJJJJJJ")
        assert "certainty     high" in deck.detail and "More" not in deck.detail
        await deck.press(*"KKKKKKKKKK")
        assert deck.detail.splitlines()[0].endswith("Panel nt-2143-c1akc")
        await deck.press("escape")
        assert "▸Hallway Lights" in deck.text and deck.table.has_focus
        await deck.press("v", "I")
        assert "Panel nt-2143-c1akc" in deck.text, "the plot gives way"
        await deck.press("I", "d", "J")
        assert "Hallway Lights" in deck.detail
        await deck.press("escape", "a", "I")
        assert "Panel nt-2143-c1akc" in deck.text, "from all panels to this one"


@pytest.mark.parametrize("size", [SMALL, NORMAL, LARGE])
async def test_every_panel_fits_the_screen(deck_home: Path, size: tuple[int, int]) -> None:
    bench = make_bench(deck_home)
    panel = puppet(bench, v1_panel())
    async with running(bench, size=size) as deck:
        for snapshot in (panel.snapshot, flat_panel(), tree_panel()):
            panel.snapshot = snapshot
            await deck.wait(1)
            for keys in (("u",), ("I",), ("J",), ("I", "G", "d"), ("escape",)):
                await deck.press(*keys)
                assert all(cell_width(strip.text) == size[0] for strip in deck.strips)
        assert HOSTILE in deck.names
        assert deck.app.is_running and all("panel firmware" in words for words in deck.notices)


async def test_an_empty_space_has_no_relay_to_ask_for(deck_home: Path) -> None:
    bench = make_bench(deck_home)
    puppet(bench, tree_panel())
    async with running(bench, size=NORMAL) as deck:
        await deck.press("u", "G", "up")
        assert deck.cells("no circuit")["power"] == "–" and deck.cursor_name == "no circuit"
        assert "no relay to switch" in deck.detail
        for key in ("space", "P"):
            await deck.press(key)
            assert deck.dialog == ""
        assert len([words for words in deck.notices if "belongs to no circuit" in words]) == 2


async def test_a_panel_becomes_another_while_one_looks_on(deck_home: Path) -> None:
    """v1, then flat, then a tree: the cursor and what the power did stay; the inverter gets its name."""
    bench = make_bench(deck_home)
    panel = puppet(bench, v1_panel())
    async with running(bench, size=NORMAL, polls=70) as deck:
        await deck.press("u")
        await deck.go_to("Unmapped Tab 6")
        trend = deck.screen.trend()
        panel.problem = "updating: the panel is starting anew"
        await deck.wait(3)
        assert "stale" in deck.header and panel.problem in deck.summary
        assert deck.cursor_name == "Unmapped Tab 6" and deck.cells("Heat Pump")["power"] == "1 846"
        panel.problem, panel.snapshot = "", flat_panel()
        await deck.wait(70)
        assert deck.cursor_name == "Commissioned PV System" == deck.cells("Commissioned PV System")["name"]
        assert "Unmapped Tab 6" not in deck.names and "live" in deck.header
        past = trend.columns(SUN, 0.0, bench.clock.now().timestamp() + 1, 1)[0]
        assert past is not None and past[0] == pytest.approx(-2394.5) == pytest.approx(past[1])
        first = trend.columns(SUN, 0.0, bench.clock.now().timestamp() - 75, 1)[0]
        assert first is not None and first[0] == pytest.approx(-2394.5), "from before it had a name"
        panel.snapshot = tree_panel()
        await deck.wait(3)
        assert deck.cursor_name == "Commissioned PV System" and "Barn Feed" in deck.names
        assert deck.notices == [
            "span/home: panel firmware r202627, v2, first data model (flat)",
            "span/home: panel firmware r202639, v2, data model 1.0 (tree)",
        ], "told once each"
        await deck.press("I")
        assert "data model 1.0" in deck.detail and "spanos3/r202639/03" in deck.detail


async def test_a_picture_that_did_not_change_draws_nothing(deck_home: Path) -> None:
    bench = make_bench(deck_home)
    panel = puppet(bench, tree_panel())
    async with running(bench, size=NORMAL) as deck:
        await deck.press("I")
        drawn: list[str] = []
        for widget in deck.screen.query(Painted):
            if widget.id in ("circuits", "summary", "detail"):
                _watch(widget, drawn)
        panel.snapshot = tree_panel()
        await deck.wait(2)
        assert drawn == [], "the same snapshot made anew"
        panel.snapshot = tree_panel(house_load_w=2146.1)
        await deck.wait(1)
        assert "summary" in drawn


def _watch(widget: Painted, drawn: list[str]) -> None:
    refresh = widget.refresh

    def noted(*regions: object, **options: bool) -> Painted:
        drawn.append(str(widget.id))
        return refresh(*regions, **options)  # type: ignore[arg-type]

    widget.refresh = noted  # type: ignore[method-assign]


async def test_the_summary_of_all_panels_says_what_each_speaks(deck_home: Path) -> None:
    bench = make_bench(deck_home, households=("home", "shop"))
    puppet(bench, tree_panel())
    puppet(bench, flat_panel(data_model=DataModel.FLAT), "shop")
    async with running(bench, size=NORMAL, polls=12) as deck:
        await deck.press("a")
        await deck.tick()
        rows = {line.split()[0].lstrip("▸"): line for line in deck.panels.splitlines()[1:3]}
        assert "v2 tree" in rows["span/home"] and "v2 flat" in rows["span/shop"]
        assert "81 %" in rows["span/home"]
