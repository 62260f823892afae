"""The live table alone, in an app that has nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from textual.app import App, ComposeResult

from deck_app import resize
from wattdeck.core.lines import Column, LazyRows, Row, cell_width
from wattdeck.core.units import UNICODE, Glyphs
from wattdeck.systems.span.circuits import TableView, columns
from wattdeck.ui.table import DeckTable
from wattdeck.ui.theme import Palette, meaning_defaults, read_theme, theme_folders

pytestmark = pytest.mark.anyio
COLUMNS = (
    Column("name", "Name", 10, flex=True, keep=3),
    Column("power", "Power", 6, right=True, keep=2),
    Column("note", "Note", 8, keep=1),
)


class Bare(App[None]):
    """A table and nothing else."""

    def __init__(self, shown: Sequence[Column] = COLUMNS) -> None:
        super().__init__()
        theme = read_theme(next(iter(sorted(theme_folders()[0].glob("*.toml")))))
        self.palette = Palette({**meaning_defaults(theme), **theme.variables}, theme.background or "#000000")
        self.glyphs: Glyphs = UNICODE
        self.shown = shown

    def compose(self) -> ComposeResult:
        yield DeckTable(self.shown, id="table")

    @property
    def table(self) -> DeckTable:
        return self.query_one(DeckTable)


def rows(*names: str) -> list[Row]:
    return [Row(name, ((name, "normal"), (str(10 * at), "normal"), ("ok", "muted"))) for at, name in enumerate(names)]


async def test_columns_give_way_in_their_order_and_never_all() -> None:
    app = Bare()
    async with app.run_test(size=(40, 10)) as pilot:
        seen = []
        for width in (40, 28, 20, 5, 1):
            await resize(pilot, width, 10)
            seen.append(app.table.shown_columns)
        assert seen[0] == ["name", "power", "note"]
        assert seen[2] == ["name", "power"] and seen[3] == ["name"] and seen[4] == ["name"]


async def test_circuit_columns_drop_from_age_to_name() -> None:
    app = Bare(columns(TableView()))
    async with app.run_test(size=(200, 10)) as pilot:
        gone: list[str] = []
        everything = list(app.table.shown_columns)
        for width in (115, 105, 95, 80, 72, 60, 50, 45, 38, 30, 20):
            await resize(pilot, width, 10)
            gone += [key for key in everything if key not in app.table.shown_columns and key not in gone]
        assert gone == ["age", "trend", "priority", "bar", "share", "today", "space", "relay", "power"]


async def test_every_line_is_as_wide_as_the_table_whatever_stands_in_it() -> None:
    app = Bare()
    async with app.run_test(size=(33, 8)) as pilot:
        table = app.table
        table.show([Row("a", (("界" * 30, "normal"), ("1 234 567", "normal"), ("é" * 20, "normal")))])
        await pilot.pause()
        assert {cell_width(table.render_line(y).text) for y in range(8)} == {33}
        assert "######" in table.text


async def test_cursor_keeps_its_row_and_takes_the_place_of_one_that_is_gone() -> None:
    app = Bare()
    async with app.run_test(size=(40, 10)) as pilot:
        table = app.table
        table.show(rows("a", "b", "c", "d"))
        table.focus()
        await pilot.press("down", "down")
        assert table.cursor_id == "c"
        table.show(rows("d", "c", "b", "a"))
        assert table.cursor_id == "c"
        table.show(rows("d", "b", "a"))
        assert table.cursor_id == "b"
        table.show([])
        assert table.cursor_id == ""
        await pilot.press("down", "up", "enter", "pagedown", "G")
        table.show(rows("z"))
        assert table.cursor_id == "z"


async def test_only_changed_rows_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Bare()
    async with app.run_test(size=(40, 10)) as pilot:
        table = app.table
        table.show(rows("a", "b", "c"))
        await pilot.pause()
        drawn: list[object] = []
        monkeypatch.setattr(table, "refresh", lambda *regions, **_: drawn.extend(regions))
        table.show(rows("a", "b", "c"))
        assert drawn == []
        changed = rows("a", "b", "c")
        changed[1] = Row("b", (("b", "normal"), ("99", "normal"), ("ok", "muted")))
        table.show(changed)
        assert len(drawn) == 1 and getattr(drawn[0], "y", None) == 2 and getattr(drawn[0], "width", 0) == 6


async def test_a_thousand_rows() -> None:
    app = Bare()
    async with app.run_test(size=(60, 20)) as pilot:
        table = app.table
        names = [f"row {number:04}" for number in range(1000)]
        table.show(rows(*names))
        table.focus()
        await pilot.press("G")
        assert table.cursor_id == "row 0999" and "row 0999" in table.text and "row 0980" not in table.text
        await pilot.press("pageup")
        assert table.cursor_id == "row 0981"
        table.show(rows(*reversed(names)))
        assert table.cursor_id == "row 0981"
        await pilot.press("g")
        assert table.cursor_id == "row 0999" and len(table.rows) == 1000


async def test_empty_table_says_so() -> None:
    app = Bare()
    async with app.run_test(size=(40, 5)):
        assert "Nothing here." in app.table.text


async def test_of_ten_thousand_rows_only_those_in_view_are_made() -> None:
    made: list[int] = []

    def make(index: int) -> Row:
        made.append(index)
        return Row(f"r{index}", ((f"row {index}", "normal"), ("1", "normal"), ("ok", "muted")))

    app = Bare()
    async with app.run_test(size=(40, 10)) as pilot:
        app.table.show(LazyRows([f"r{index}" for index in range(10_000)], make))
        await pilot.pause()
        assert "row 0" in app.table.text and len(set(made)) < 30
        app.table.focus()
        await pilot.press("G")
        await pilot.pause()
        assert app.table.cursor_id == "r9999" and "row 9999" in app.table.text
        assert len(set(made)) < 60


async def test_the_cursor_stays_on_its_lazy_row_when_the_order_changes() -> None:
    def lazy(ids: list[str]) -> LazyRows:
        return LazyRows(ids, lambda index: Row(ids[index], ((ids[index], "normal"), ("", "normal"), ("", "muted"))))

    app = Bare()
    async with app.run_test(size=(40, 10)) as pilot:
        app.table.show(lazy(["a", "b", "c"]))
        app.table.focus()
        await pilot.press("down")
        app.table.show(lazy(["b", "c", "a"]))
        await pilot.pause()
        assert app.table.cursor_id == "b"
        app.table.show(lazy([]))
        await pilot.pause()
        assert app.table.cursor_id == "" and "Nothing here." in app.table.text
