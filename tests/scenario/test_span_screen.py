"""The live screen through its keys: what a person meets, does, and sees then."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from deck_app import LARGE, NORMAL, SMALL, Stage, make_bench, on_stage, running
from wattdeck.core.lines import cell_width
from wattdeck.systems.span import household
from wattdeck.systems.span.household import Household
from wattdeck.systems.span.loads import ALWAYS_ON, Load
from wattdeck.ui.events import EventsScreen
from wattdeck.ui.help import HelpScreen
from wattdeck.ui.table import DeckTable

pytestmark = pytest.mark.anyio


# Live, stale, down, refused, waiting


async def test_live_data_appears_with_units_age_and_state(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        assert "span/home" in deck.header and "live 0 s" in deck.header
        assert "DEMO" in deck.header and "no alarms" in deck.header
        for words in ("Grid", "House", "Solar", "Battery", "Main closed", "Door closed"):
            assert words in deck.summary
        row = deck.cells("Heat Pump")
        assert row["space"] == "2·4" and row["relay"] == "● closed"
        assert row["power"].replace("\N{NO-BREAK SPACE}", "").replace(" ", "").isdigit()
        assert deck.cells("Router and Alarm")["relay"] == "● always"
        assert deck.text.splitlines()[0].endswith("11:30:03 UTC")


async def test_values_move_with_the_seconds_and_the_age_starts_anew(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        before = deck.summary
        await deck.wait(5)
        assert deck.summary != before
        assert "live 0 s" in deck.header and "11:30:08" in deck.header


async def test_failed_poll_keeps_the_table_and_says_stale_why_and_what_comes_next(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        names, power = deck.names, deck.cells("Refrigerator")["power"]
        deck.bench.panels["home"].wire.cut = True
        await deck.wait(3)
        assert "stale 3 s" in deck.header and "1 alarm" in deck.header
        assert deck.names == names and deck.cells("Refrigerator")["power"] == power
        assert "stale" in deck.summary and "next try in" in deck.summary
        assert "connect" in deck.summary.lower()
        assert "live" not in deck.header


async def test_old_data_becomes_down_and_stays_labelled(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        deck.bench.panels["home"].wire.cut = True
        await deck.wait(140, step_s=5)
        assert "down 2 min" in deck.header
        assert "Heat Pump" in deck.names


async def test_it_recovers_by_itself(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        wire = deck.bench.panels["home"].wire
        wire.cut = True
        await deck.wait(20)
        assert "stale" in deck.header
        wire.cut = False
        await deck.wait(60)
        assert "live" in deck.header and "1 alarm" in deck.header, "it is over, and nobody has taken note"
        assert "next try" not in deck.summary
        await deck.press("L", "a", "escape")
        assert "no alarms" in deck.header


async def test_refresh_does_not_wait_for_the_back_off(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        wire = deck.bench.panels["home"].wire
        wire.cut = True
        await deck.wait(20)
        wire.cut = False
        await deck.press("r")
        await deck.tick()
        assert "live 0 s" in deck.header


async def test_wrong_token_says_refused_and_what_to_do(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        deck.bench.panels["home"].fault("revoke")
        await deck.wait(5)
        assert "refused" in deck.header
        assert "polling has stopped until there are new credentials" in deck.summary
        asked = deck.bench.panels["home"].wire.count("GET")
        await deck.wait(30)
        assert deck.bench.panels["home"].wire.count("GET") == asked


async def test_waiting_says_what_it_waits_for(deck_home: Path) -> None:
    bench = make_bench(deck_home)
    bench.panels["home"].wire.held = True
    async with running(bench, polls=1) as deck:
        assert "waiting" in deck.header
        assert "asking span/home for the first time" in deck.summary
        assert "Waiting for the panel's first answer." in deck.table.text


async def test_panel_without_data_is_no_panel_without_circuits(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        deck.bench.panels["home"].fault("empty-circuits")
        await deck.wait(2)
        assert "stale" in deck.header and "without data" in deck.summary
        assert "Heat Pump" in deck.names


# Cursor, sort, filter


async def test_cursor_stays_on_its_circuit_when_the_order_changes(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.go_to("Refrigerator")
        for key in ("s", "s", "s", "S", "S", "s", "u", "u"):
            await deck.press(key)
            assert deck.cursor_name == "Refrigerator"
        await deck.press("s")
        await deck.wait(5)
        assert deck.cursor_name == "Refrigerator"
        assert "▸Refrigerator" in deck.text


async def test_sort_walks_through_space_power_name_and_today(deck_home: Path) -> None:
    async with on_stage(deck_home, size=LARGE) as deck:
        by_space = deck.names
        assert by_space[0] == "Kitchen Lights" and "Space▲" in deck.table.text
        await deck.press("s")
        powers = [float(_plain(deck.cells(name)["power"])) for name in deck.names]
        assert powers == sorted(powers, reverse=True) and "Power W▼" in deck.table.text
        await deck.press("S")
        powers = [float(_plain(deck.cells(name)["power"])) for name in deck.names]
        assert powers == sorted(powers) and "Power W▲" in deck.table.text
        await deck.press("s")
        assert deck.names == sorted(by_space, key=str.casefold) and "Circuit▲" in deck.table.text
        await deck.press("s")
        assert "Today kWh▼" in deck.table.text
        await deck.press("s")
        assert deck.names == by_space


def _plain(number: str) -> str:
    return "".join(number.replace("−", "-").split())


async def test_filter_narrows_and_escape_clears(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        everything = deck.names
        await deck.press("/")
        await deck.write("lig")
        assert deck.names == ["Kitchen Lights", "Hallway Lights", "Garden Lights"]
        await deck.press("enter")
        assert "Filter: lig (escape clears)" in deck.table.text
        await deck.press("down")
        assert deck.cursor_name == "Hallway Lights"
        await deck.press("escape")
        assert deck.names == everything and "Filter" not in deck.table.text
        assert deck.cursor_name == "Hallway Lights"


async def test_filter_without_a_match_says_so(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.press("/")
        await deck.write("zzz q")
        assert "No circuit has 'zzz q'. Escape shows all." in deck.table.text
        await deck.press("escape")
        assert len(deck.names) == 18 and deck.table.has_focus


async def test_filter_finds_states_and_spaces_and_takes_keys_for_letters(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.press("/")
        await deck.write("always")
        assert deck.names == ["Router and Alarm", "Battery"]
        assert deck.app.is_running and not deck.app.paused


async def test_unmapped_spaces_come_on_request(deck_home: Path) -> None:
    async with on_stage(deck_home, size=LARGE) as deck:
        assert "u shows them" in deck.table.text
        mapped = len(deck.names)
        await deck.press("u")
        assert len(deck.names) > mapped and "u hides them" in deck.table.text
        await deck.press("u")
        assert len(deck.names) == mapped


async def test_circuit_renamed_under_the_cursor_keeps_the_cursor(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.go_to("Refrigerator")
        circuit = deck.bench.panels["home"].circuit("Refrigerator")
        deck.bench.panels["home"].fault(f"renamed={circuit.circuit_id}:Icebox")
        await deck.wait(2)
        assert deck.cursor_name == "Icebox" and deck.table.cursor_id == circuit.circuit_id
        assert deck.detail.splitlines()[0].endswith("Icebox")


async def test_circuit_gone_under_the_cursor_leaves_the_cursor_at_its_place(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.go_to("Refrigerator")
        at = deck.names.index("Refrigerator")
        house = deck.bench.panels["home"].simulator.house
        del house.circuits[deck.table.cursor_id]
        await deck.wait(2)
        assert "Refrigerator" not in deck.names
        assert deck.names[at] == deck.cursor_name == "Bedroom Outlets"


async def test_last_circuit_gone_under_the_cursor(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.press("G")
        assert deck.cursor_name == "Battery"
        del deck.bench.panels["home"].simulator.house.circuits[deck.table.cursor_id]
        await deck.wait(2)
        assert deck.cursor_name == "Pool Pump"


# Regions


async def test_detail_and_plot_fold_at_80x24_and_come_back_by_keys(deck_home: Path) -> None:
    async with on_stage(deck_home, size=SMALL) as deck:
        assert "Heat Pump" in deck.text and "consumed" not in deck.text
        assert "15 min" not in deck.text
        await deck.press("down", "enter")
        assert "consumed" in deck.text and "Heat Pump" in deck.detail
        await deck.press("escape")
        assert "consumed" not in deck.text and "▸Heat Pump" in deck.text
        await deck.press("d")
        assert "consumed" in deck.text
        await deck.press("d", "v")
        await deck.tick()
        assert "grid, 15 min" in deck.text
        await deck.press("escape")
        assert "▸Heat Pump" in deck.text
        await deck.press("down")
        assert deck.cursor_name == "Living Room Outlets"


async def test_large_screen_shows_everything_at_once(deck_home: Path) -> None:
    async with on_stage(deck_home, size=LARGE) as deck:
        for words in ("Priority", "Age", "4 min", "consumed", "grid, 15 min", "must have"):
            assert words in deck.text
        await deck.press("d", "v")
        assert "consumed" not in deck.text and "grid, 15 min" not in deck.text
        await deck.press("escape")
        assert "consumed" in deck.text and "grid, 15 min" in deck.text


async def test_all_panels_in_a_summary_and_enter_opens_one(deck_home: Path) -> None:
    async with on_stage(deck_home, households=("home", "shop")) as deck:
        await deck.press("a")
        await deck.tick()
        assert "span/home" in deck.panels and "span/shop" in deck.panels
        assert deck.panels.count("live") == 2
        await deck.press("down", "enter")
        await deck.wait(1)
        assert "span/shop" in deck.header and "Walk-in Cooler" in deck.names
        assert deck.table.has_focus and deck.table.display


async def test_the_detail_pane_never_takes_the_place_of_the_summary(deck_home: Path) -> None:
    async with on_stage(deck_home, size=SMALL, households=("home", "shop")) as deck:
        await deck.press("d", "a")
        await deck.tick()
        assert "span/home" in deck.panels and deck.app.screen.query_one("#panels").display
        await deck.press("d")
        await deck.tick()
        assert "consumed" in deck.text and not deck.app.screen.query_one("#panels").display


async def test_the_summary_reads_every_panel_at_full_cadence_and_one_panel_only_itself(deck_home: Path) -> None:
    async with on_stage(deck_home, households=("home", "shop")) as deck:
        assert deck.app.deck is not None
        feeds = {feed.source: feed for feed in deck.app.deck.hub.feeds}
        assert feeds["span/shop"].interval_s > feeds["span/home"].interval_s
        await deck.press("a")
        assert feeds["span/shop"].interval_s == feeds["span/home"].interval_s
        await deck.press("enter")
        assert feeds["span/shop"].interval_s > feeds["span/home"].interval_s


async def test_escape_leaves_the_summary(deck_home: Path) -> None:
    async with on_stage(deck_home, households=("home", "shop")) as deck:
        await deck.press("a", "escape")
        await deck.tick()
        assert "▸Kitchen Lights" in deck.text and deck.table.has_focus


async def test_lost_panel_stands_out_in_the_summary(deck_home: Path) -> None:
    async with on_stage(deck_home, households=("home", "shop")) as deck:
        deck.bench.panels["shop"].wire.cut = True
        await deck.wait(12)
        await deck.press("a")
        await deck.tick()
        assert "stale" in next(line for line in deck.panels.splitlines() if "span/shop" in line)
        assert "1 alarm" in deck.header


async def test_tab_switches_the_panel_and_back(deck_home: Path) -> None:
    async with on_stage(deck_home, households=("home", "shop")) as deck:
        await deck.press("tab")
        await deck.wait(1)
        assert "span/shop" in deck.header and "Oven" in deck.names and "Heat Pump" not in deck.names
        await deck.press("shift+tab")
        await deck.wait(1)
        assert "span/home" in deck.header and "Heat Pump" in deck.names


async def test_the_panel_nobody_looks_at_is_polled_slowly(deck_home: Path) -> None:
    async with on_stage(deck_home, households=("home", "shop")) as deck:
        shown, hidden = deck.bench.panels["home"].wire, deck.bench.panels["shop"].wire
        before = shown.count("GET"), hidden.count("GET")
        await deck.wait(20)
        assert hidden.count("GET") - before[1] <= 3 * 4
        assert shown.count("GET") - before[0] >= 20 * 3


async def test_zoom_changes_the_window_of_the_plot(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        assert "grid, 15 min" in deck.plot
        await deck.press("+")
        assert "grid, 5 min" in deck.plot
        await deck.press("+", "+", "+")
        assert "grid, 1 min" in deck.plot
        await deck.press(*"-----")
        assert "grid, 60 min" in deck.plot


async def test_walking_back_in_time_says_so_and_escape_returns(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.press("+", "+")
        await deck.wait(200, step_s=10)
        await deck.press("<", "<")
        assert "1 min back" in deck.plot
        await deck.press(">")
        await deck.press("<")
        assert "1 min back" in deck.plot
        await deck.press("escape")
        assert "back" not in deck.plot


# Pause, refresh, theme, export, help, palette, log


async def test_pause_stops_polls_and_says_so(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        wire = deck.bench.panels["home"].wire
        await deck.press("p")
        assert "PAUSED" in deck.header
        asked = wire.count("GET")
        await deck.wait(10)
        assert wire.count("GET") == asked
        await deck.press("p")
        await deck.wait(1)
        assert wire.count("GET") > asked and "PAUSED" not in deck.header and "live" in deck.header


async def test_refresh_reads_the_panel_now(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        wire = deck.bench.panels["home"].wire
        asked = wire.count("GET")
        await deck.press("r")
        assert wire.count("GET") > asked


async def test_theme_walks_through_all_five(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        seen = [deck.app.theme]
        for _ in range(5):
            await deck.press("t")
            seen.append(deck.app.theme)
            assert f"Theme {deck.app.theme}" in deck.notices
            assert "▸Kitchen Lights" in deck.text
        assert len(set(seen)) == 5 and seen[0] == seen[5]


async def test_broken_user_theme_is_a_notice_and_is_left_out(deck_home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "themes"
    folder.mkdir()
    (folder / "mine.toml").write_text('name = "mine"\nprimary = "no colour"\n', encoding="utf-8")
    (folder / "torn.toml").write_text("name = ", encoding="utf-8")
    async with on_stage(deck_home, user_themes=folder) as deck:
        await deck.press("t")
        assert any("theme left out" in words and "mine.toml" in words for words in deck.notices)
        assert any("torn.toml" in words for words in deck.notices)
        assert deck.app.theme.startswith("wattdeck-")


async def test_theme_that_does_not_exist_is_a_notice(deck_home: Path) -> None:
    async with on_stage(deck_home, theme="nowhere") as deck:
        assert deck.app.theme == "wattdeck-dark"
        assert any("'nowhere'" in words for words in deck.notices)


async def test_export_saves_data_text_and_picture_where_the_deck_was_started(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.press("e")
        saved = {path.suffix: path for path in Path.cwd().iterdir()}
        assert sorted(saved) == [".csv", ".json", ".svg", ".txt"]
        assert {path.stat().st_mode & 0o777 for path in saved.values()} == {0o600}
        document = json.loads(saved[".json"].read_text(encoding="utf-8"))
        assert "span/home" in json.dumps(document)
        assert "Heat Pump" in saved[".txt"].read_text(encoding="utf-8")
        assert "Heat Pump" in saved[".csv"].read_text(encoding="utf-8")
        assert saved[".svg"].read_text(encoding="utf-8").startswith("<svg")
        assert any("Saved in" in words for words in deck.notices)


async def test_export_that_cannot_be_written_says_why(deck_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with on_stage(deck_home) as deck:
        monkeypatch.setattr(Path, "cwd", lambda: deck_home / "not there")
        await deck.press("e")
        assert any("Nothing was saved: No such file or directory" in words for words in deck.notices)
        assert deck.app.is_running


async def test_help_lists_every_key_of_the_screen(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        expected = {
            active.binding.id: active.binding.tooltip
            for active in deck.screen.active_bindings.values()
            if active.binding.id and active.binding.tooltip
        }
        await deck.press("?")
        assert isinstance(deck.app.screen, HelpScreen)
        rows = {row.id: row.cells[1][0] for row in deck.app.screen.query_one("#keys", DeckTable).rows}
        assert rows == expected
        assert {"span.relay", "span.priority", "span.filter", "deck.quit", "deck.pause", "table.down"} <= set(rows)
        assert "space" in deck.text and "Open or close the circuit's relay" in deck.text
        await deck.press("escape")
        assert "Kitchen Lights" in deck.text and deck.table.has_focus


async def test_every_key_has_an_id_a_word_and_a_sentence(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        for active in deck.screen.active_bindings.values():
            binding = active.binding
            if active.node is deck.app or active.node is deck.screen or active.node is deck.table:
                if not binding.id:
                    assert not binding.show or binding.system, binding
                    continue
                assert binding.description and len(binding.description.split()) <= 2
                assert binding.tooltip and len(binding.tooltip.split()) >= 2


async def test_footer_has_at_most_seven_keys(deck_home: Path) -> None:
    for size in (SMALL, NORMAL, LARGE):
        async with on_stage(deck_home, size=size) as deck:
            assert "space Relay" in deck.footer
            assert cell_width(deck.footer) <= size[0]
            assert len(deck.screen.footer_bindings()[:7]) <= 7


async def test_palette_finds_and_runs_an_action(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.press(":")
        await deck.write("Stop polling")
        await deck.pilot.pause(0.2)
        await deck.press("enter")
        await deck.pilot.pause(0.1)
        await deck.press("enter")
        assert deck.app.paused and "PAUSED" in deck.header


async def test_log_shows_the_journal_and_the_alarms(deck_home: Path) -> None:
    async with on_stage(deck_home, households=("home", "shop")) as deck:
        await deck.press("L")
        assert isinstance(deck.app.screen, EventsScreen)
        assert "Nothing happened that fits." in deck.text and "Nothing selected" in deck.text
        await deck.press("escape", "space")
        await deck.blink()
        await deck.press("y")
        await deck.press("escape")
        deck.bench.panels["shop"].wire.cut = True
        await deck.wait(25)
        await deck.press("L")
        assert "span/shop is lost" in deck.text
        for word in ("arm", "select", "cancel", "Kitchen Lights"):
            assert word in deck.text
        await deck.press("L")
        assert "Heat Pump" in deck.text


async def test_read_only_shows_in_the_header(deck_home: Path) -> None:
    for size in (SMALL, NORMAL):
        async with on_stage(deck_home, size=size, read_only=True) as deck:
            assert "READ-ONLY" in deck.header and "CONTROL" not in deck.header


async def test_low_bandwidth_leaves_trends_out_and_paints_every_five_seconds(deck_home: Path) -> None:
    async with on_stage(deck_home, size=LARGE, low_bandwidth=True) as deck:
        assert "4 min" not in deck.table.text and "trend" not in deck.table.shown_columns
        assert deck.app.frame_s == 5.0
        assert deck.app.theme == "wattdeck-ansi"


async def test_ascii_draws_nothing_beyond_ascii_in_the_table(deck_home: Path) -> None:
    async with on_stage(deck_home, size=SMALL, ascii=True) as deck:
        assert "[=] closed" in deck.text and ">Kitchen Lights" in deck.text


async def test_ctrl_l_draws_everything_again(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        before = deck.text
        await deck.press("ctrl+l")
        assert deck.text == before


async def test_q_leaves_at_once_when_nothing_is_pending(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.press("q")
        assert not deck.app.is_running and deck.app.return_code == 0


# Hostile names, sizes, many rows


@pytest.mark.parametrize("size", [SMALL, NORMAL, LARGE])
async def test_hostile_names_are_shown_literally_and_cut_to_width(deck_home: Path, size: tuple[int, int]) -> None:
    async with on_stage(deck_home, size=size, faults=("hostile-names",)) as deck:
        _assert_harmless(deck)
        assert "[bold red]" in deck.text
        assert len(_relay_columns(deck)) == 1
        for _ in deck.names:
            await deck.press("down")
            _assert_harmless(deck)
        await deck.press("d")
        _assert_harmless(deck)


def _assert_harmless(deck: Stage) -> None:
    """Every line is as wide as the terminal and holds nothing a terminal would obey."""
    for strip in deck.strips:
        assert cell_width(strip.text) == deck.app.size.width, strip.text
        kinds = {unicodedata.category(character) for character in strip.text}
        assert not kinds & {"Cc", "Cf", "Cs", "Zl", "Zp"}, [hex(ord(c)) for c in strip.text if not c.isprintable()]


def _relay_columns(deck: Stage) -> set[int]:
    """The cells at which the relay's words start."""
    found = set()
    for line in deck.table.text.splitlines():
        for words in ("● closed", "● always"):
            if words in line:
                found.add(cell_width(line[: line.index(words)]))
    return found


async def test_hostile_names_in_dialog_notices_and_log(deck_home: Path) -> None:
    async with on_stage(deck_home, faults=("hostile-names",)) as deck:
        await deck.press("space")
        await deck.blink()
        await deck.press("y")
        assert "Open [bold red]Kitchen[/]" in deck.dialog
        _assert_harmless(deck)
        await deck.press("escape", "down", "space")
        _assert_harmless(deck)
        await deck.press("escape", "L")
        _assert_harmless(deck)
        assert "[bold red]Kitc" in deck.text


@pytest.mark.parametrize("size", [(1, 1), (20, 5), (300, 100)])
async def test_any_size_and_back(deck_home: Path, size: tuple[int, int]) -> None:
    async with on_stage(deck_home) as deck:
        before = deck.names
        await deck.resize(*size)
        await deck.wait(2)
        for key in ("down", "s", "s", "s", "s", "u", "u", "v", "v", "d", "d", "a", "a", "?", "escape", "L", "escape"):
            await deck.press(key)
        await deck.resize(*NORMAL)
        await deck.press("escape", "escape")
        assert deck.names == before
        assert "▸Heat Pump" in deck.text and "live" in deck.header and "Relay" in deck.footer
        assert {len(strip.text) for strip in deck.strips} == {120}


@pytest.fixture
def _full_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    loads = [Load(f"Circuit {tab:02}", (tab,), ALWAYS_ON) for tab in range(1, 33)]
    monkeypatch.setitem(household.HOUSEHOLDS, "full", Household("nt-2000-full", loads))


@pytest.mark.usefixtures("_full_panel")
async def test_32_circuits_scroll_and_the_refresh_does_not(deck_home: Path) -> None:
    async with on_stage(deck_home, size=SMALL, households=("full",)) as deck:
        assert len(deck.names) == 32 and "Circuit 32" not in deck.text
        await deck.press("G")
        assert "▸Circuit 32" in deck.text and "Circuit 01" not in deck.text
        top = deck.lines[4]
        await deck.wait(5)
        assert "▸Circuit 32" in deck.text and deck.lines[4][:12] == top[:12]
        await deck.press("pageup")
        assert deck.cursor_name < "Circuit 20"
        await deck.press("g")
        assert "▸Circuit 01" in deck.text
        await deck.press("pagedown")
        assert "▸" + deck.cursor_name in deck.text and deck.cursor_name > "Circuit 10"


async def test_keys_for_people_who_use_vi(deck_home: Path) -> None:
    async with on_stage(deck_home) as deck:
        await deck.press("j", "j", "k")
        assert deck.cursor_name == "Heat Pump"
        await deck.press("G")
        assert deck.cursor_name == "Battery"


async def test_what_was_drawn_once_is_not_remembered_for_ever(deck_home: Path) -> None:
    """Memory of a deck that is open all day: stretches of cells that changed are forgotten when they are drawn."""
    async with on_stage(deck_home) as deck:
        for _ in range(4):
            await deck.wait(5)
            assert all(len(widget._dirty_regions) < 8 for widget in deck.screen.query("*"))
