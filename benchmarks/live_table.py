"""wattdeck's live table alone, any number of rows, every value of every row changed once a second."""

from __future__ import annotations

import sys
from pathlib import Path

from textual import events
from textual.app import ComposeResult
from textual.screen import Screen

import wattdeck.ui.app
from wattdeck.core.deck import Deck
from wattdeck.core.lines import Column, Row
from wattdeck.ui.app import AppOptions, DeckApp
from wattdeck.ui.table import DeckTable

COLUMNS = 8


def no_engine() -> Deck:
    """There are no sources behind this table."""
    raise AssertionError("the table runs without an engine")


class TableScreen(Screen[None]):
    """The table and nothing else."""

    def compose(self) -> ComposeResult:
        titles = [Column("name", "Name", 12, keep=9)]
        titles += [Column(str(index), f"column {index}", 12, right=True, keep=9) for index in range(1, COLUMNS)]
        yield DeckTable(titles)


class LiveTable(DeckApp):
    """The deck's app, its driver and its theme, with that one screen."""

    CSS_PATH = Path(wattdeck.ui.app.__file__).with_name("base.tcss")

    def __init__(self, rows: int) -> None:
        super().__init__(no_engine, AppOptions(systems={}))
        self._row_count = rows
        self._count = 0

    def on_mount(self, event: events.Mount) -> None:  # type: ignore[override]
        event.prevent_default()  # The deck's own start would open the engine.
        self.push_screen(TableScreen())
        self.set_interval(1.0, self._update)
        self.call_after_refresh(self._update)

    def _update(self) -> None:
        self._count += 1
        table = self.screen.query_one(DeckTable)
        table.show([Row(str(row), self._cells(row)) for row in range(self._row_count)])

    def _cells(self, row: int) -> tuple[tuple[str, str], ...]:
        values = ((f"{(row * 37 + self._count * 13 * at) % 9000:,} W", "normal") for at in range(1, COLUMNS))
        return ((f"row {row:04}", "normal"), *values)


if __name__ == "__main__":
    LiveTable(int(sys.argv[1]) if len(sys.argv) > 1 else 1000).run(mouse=False)
