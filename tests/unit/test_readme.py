"""The README keeps what it promises: keys from the bindings, the test command where CI looks for it."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from wattdeck.systems.aneel.screen import AneelScreen
from wattdeck.systems.aneel.widgets import FindingTable, PlaceTable
from wattdeck.systems.ccee.screen import CceeScreen
from wattdeck.systems.ccee.widgets import MigrationTable
from wattdeck.systems.span.screen import SpanScreen
from wattdeck.systems.span.widgets import CircuitTable
from wattdeck.systems.usms.screen import UsmsScreen
from wattdeck.systems.usms.widgets import MeterTable
from wattdeck.ui.app import DeckApp
from wattdeck.ui.board import TileBoard
from wattdeck.ui.events import EventsScreen
from wattdeck.ui.form import FormLines
from wattdeck.ui.help import bindings_of, key_table
from wattdeck.ui.overview import OverviewScreen
from wattdeck.ui.settings import SettingsScreen
from wattdeck.ui.settings_keys import KeysScreen

PICTURES = ("docs/overview.svg", "docs/span.svg", "docs/usms.svg", "docs/ccee.svg", "docs/aneel.svg")
ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def test_the_key_table_is_the_one_the_bindings_make() -> None:
    ours = (OverviewScreen, TileBoard, EventsScreen,
            SpanScreen, CircuitTable, UsmsScreen, MeterTable, CceeScreen, MigrationTable, FormLines,
            AneelScreen, PlaceTable, FindingTable, SettingsScreen, KeysScreen)  # fmt: skip
    table = key_table(bindings_of(DeckApp, *ours))
    assert table in README.read_text(encoding="utf-8"), f"put this into README.md under Keys:\n{table}"


def test_the_test_command_stands_between_its_markers() -> None:
    text = README.read_text(encoding="utf-8")
    command = text.split("<!-- test-command -->")[1].split("<!-- end -->")[0]
    assert "pytest" in command
    assert "'.[test]'" in command


def test_files_the_readme_points_at_are_there() -> None:
    for name in (
        "config.example.toml",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "benchmarks/README.md",
        *PICTURES,
    ):
        assert f"]({name})" in README.read_text(encoding="utf-8")
        assert (README.parent / name).is_file(), name


def test_no_key_is_one_that_terminals_keep_for_themselves() -> None:
    eaten = {"ctrl+q", "ctrl+s", "ctrl+z", *(f"f{number}" for number in range(1, 25))}
    modules = [import_module(f"wattdeck.ui.{path.stem}") for path in sorted((ROOT / "src/wattdeck/ui").glob("*.py"))]
    kinds = {kind for module in modules for kind in vars(module).values() if isinstance(kind, type)}
    keys = {key for binding in bindings_of(*kinds) for key in binding.key.split(",")}
    assert len(keys) > 40 and not keys & eaten
