"""What wattdeck's table is compared with: Textual's DataTable, 32 rows of 8 columns, all cells updated once a second.

Only the table: no data source, no plot, nothing else on screen.
"""

from __future__ import annotations

import sys

from textual.app import App, ComposeResult
from textual.widgets import DataTable

COLUMNS = 8


class BareTable(App[None]):
    """A DataTable and a timer."""

    BINDINGS = [("q", "quit", "Quit")]  # noqa: RUF012  as small as people write it

    def __init__(self, rows: int) -> None:
        super().__init__()
        self._row_count = rows
        self._tick = 0

    def compose(self) -> ComposeResult:
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        for column in range(COLUMNS):
            table.add_column(f"column {column}", key=str(column), width=12)
        for row in range(self._row_count):
            table.add_row(*self._cells(row), key=str(row))
        self.set_interval(1.0, self._update)

    def _cells(self, row: int) -> list[str]:
        values = (f"{(row * 37 + self._tick * 13 * column) % 9000:,} W" for column in range(1, COLUMNS))
        return [f"row {row:04}", *values]

    def _update(self) -> None:
        self._tick += 1
        table = self.query_one(DataTable)
        for row in range(self._row_count):
            for column, cell in enumerate(self._cells(row)[1:], 1):
                table.update_cell(str(row), str(column), cell)


if __name__ == "__main__":
    BareTable(int(sys.argv[1]) if len(sys.argv) > 1 else 32).run()
