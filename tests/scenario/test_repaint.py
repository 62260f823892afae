"""How much is drawn anew: what changed, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual._compositor import ChopsUpdate

from deck_app import Stage, on_stage

pytestmark = pytest.mark.anyio


def watched(deck: Stage, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Cells of each repaint from now on."""
    found: list[int] = []

    def display(screen: Any, update: Any) -> None:
        if isinstance(update, ChopsUpdate):
            found.append(sum(x2 - x1 for _, x1, x2 in update.spans))
        elif update is not None:
            found.append(screen.size.area)

    monkeypatch.setattr(deck.app, "_display", display)
    return found


async def test_a_second_that_changes_nothing_but_figures_is_a_small_repaint_also_under_a_dialog(
    deck_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_stage(deck_home) as deck:
        await deck.press("space")
        assert "Take control?" in deck.dialog
        await deck.redraw()  # behind the dialog too: that must not make all that follows whole
        await deck.wait(3)
        repaints = watched(deck, monkeypatch)
        await deck.wait(5)
        assert "Take control?" in deck.dialog
        assert repaints and max(repaints) < deck.app.size.area / 2


async def test_what_changes_under_a_dialog_is_drawn_in_the_same_second(
    deck_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_stage(deck_home) as deck:
        await deck.press("space")
        assert "Take control?" in deck.dialog
        repaints = watched(deck, monkeypatch)
        for _ in range(4):
            repaints.clear()
            await deck.wait(1)
            assert repaints, "this second was not drawn"
            assert deck.bench.clock.now().strftime("%H:%M:%S") in deck.lines[0]
