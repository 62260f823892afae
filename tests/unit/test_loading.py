"""What gets loaded, each in a process of its own: the engine without a screen, short commands without anything dear."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

import forked
import wattdeck
from wattdeck.cli import run

DEAR = (
    "textual",
    "httpx",
    "aiomqtt",
    "cryptography",
    "pydantic",
    "click",
    "starlette",
    "uvicorn",
    "sqlalchemy",
    "bs4",
    "plotext",
)
HELP = Path(wattdeck.__file__).with_name("help.txt")
WRITE_HELP = "python tests/unit/test_loading.py"


def loaded_by(*pieces: str) -> list[set[str]]:
    """The top-level packages that are loaded after each of some pieces of code, run one after the other."""
    return [{name.partition(".")[0] for name in loaded} for loaded in modules_loaded_by(*pieces)]


def modules_loaded_by(*pieces: str) -> list[set[str]]:
    """The modules that are loaded after each of some pieces of code, by their full names."""
    report = "\nimport sys\nprint('\\n@' + ' '.join(name for name, module in sys.modules.items() if module))\n"
    code = "".join(piece + report for piece in pieces)
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment, timeout=50
    )
    assert done.returncode == 0, done.stderr
    found = [set(line[1:].split()) for line in done.stdout.splitlines() if line.startswith("@")]
    assert len(found) == len(pieces)
    return found


def command(*arguments: str) -> str:
    """Code that runs a command line the way the installed script does."""
    return f"import sys\nsys.argv = ['wattdeck', *{list(arguments)!r}]\nfrom wattdeck.__main__ import main\nmain()"


@pytest.fixture(autouse=True)
def _at_home(deck_home: Path) -> None:
    """Nothing here reads or writes the real home."""


BELOW_THE_SCREENS = (
    "wattdeck.core.hub, wattdeck.core.deck, wattdeck.core.control, wattdeck.core.snapshot, wattdeck.core.export",
    "wattdeck.core.http, wattdeck.core.transport, wattdeck.core.config, wattdeck.core.lastknown",
    "wattdeck.core.serve, wattdeck.core.trend, wattdeck.core.codec",
    "wattdeck.systems.span.models, wattdeck.systems.span.client, wattdeck.systems.span.present",
    "wattdeck.systems.span.simulator, wattdeck.systems.span.commands, wattdeck.systems.span.source",
    "wattdeck.systems.span.ebus.client, wattdeck.systems.span.ebus.mqtt, wattdeck.systems.span.ebus.bootstrap",
    "wattdeck.systems.usms.models, wattdeck.systems.usms.client, wattdeck.systems.usms.pages",
    "wattdeck.systems.usms.present, wattdeck.systems.usms.report, wattdeck.systems.usms.source",
    "wattdeck.systems.usms.simulator, wattdeck.systems.usms.shell, wattdeck.core.history",
    "wattdeck.systems.ccee.models, wattdeck.systems.ccee.client, wattdeck.systems.ccee.present",
    "wattdeck.systems.ccee.source, wattdeck.systems.ccee.commands, wattdeck.systems.ccee.agreements",
    "wattdeck.systems.ccee.simulator, wattdeck.systems.ccee.shell, wattdeck.systems.ccee.report",
    "wattdeck.systems.aneel.models, wattdeck.systems.aneel.client, wattdeck.systems.aneel.present",
    "wattdeck.systems.aneel.source, wattdeck.systems.aneel.conformance, wattdeck.systems.aneel.tiles",
    "wattdeck.systems.aneel.simulator, wattdeck.systems.aneel.shell, wattdeck.systems.aneel.report",
    "wattdeck.systems.span.shell, wattdeck.cli, wattdeck.shell.headless, wattdeck.shell.doctor",
    "wattdeck.shell.snapshot, wattdeck.shell.simulate, wattdeck.shell.journal",
)


def test_nothing_below_the_screens_loads_textual() -> None:
    tables = loaded_by(*(f"import {modules}" for modules in BELOW_THE_SCREENS))
    assert [modules for modules, table in zip(BELOW_THE_SCREENS, tables, strict=True) if "textual" in table] == []


def test_models_and_present_load_nothing_dear() -> None:
    code = "import wattdeck.systems.span.models, wattdeck.systems.span.present, wattdeck.core.lines, wattdeck.core.link"
    assert loaded_by(code)[0].isdisjoint({*DEAR, "rich"})


def test_neither_a_snapshot_as_data_nor_a_command_of_a_system_loads_textual() -> None:
    snapshots = [command("snapshot", "--demo", "--format", form) for form in ("json", "csv", "text")]
    *after, last = loaded_by(*snapshots, command("span", "circuits", "--demo", "--source", "home"))
    assert all(loaded.isdisjoint({"textual", "plotext", "bs4", "uvicorn"}) for loaded in after)
    assert "textual" not in last


def test_a_command_of_a_system_loads_the_sources_of_no_other() -> None:
    order = ("usms", "aneel", "span")
    lines = (("usms", "meters"), ("aneel", "outages"), ("span", "circuits", "--source", "home"))
    after = modules_loaded_by(*(command(*line, "--demo") for line in lines))
    opened = [{name for name in (*order, "ccee") if f"wattdeck.systems.{name}.source" in loaded} for loaded in after]
    assert opened == [{"usms"}, {"usms", "aneel"}, {*order}]


def test_a_snapshot_of_one_panel_loads_what_that_panel_needs() -> None:
    Path("one.toml").write_text('[[span]]\nname = "home"\nhost = "127.0.0.1"\nport = 9\n', encoding="utf-8")
    (loaded,) = modules_loaded_by(command("--config", "one.toml", "snapshot", "--format", "json"))
    assert "wattdeck.systems.span.client" in loaded
    assert loaded.isdisjoint(f"wattdeck.systems.{name}.config" for name in ("usms", "ccee", "aneel"))
    # Nobody has registered for v2, nothing is drawn, and HTTP/2 has not been settled on.
    assert loaded.isdisjoint({"wattdeck.systems.span.ebus.credentials", "wattdeck.systems.span.matters", "h2"})
    assert loaded.isdisjoint({"wattdeck.core.lines", "wattdeck.core.units", "rich", "wattdeck.core.toml_lines"})


def test_a_tariff_is_reckoned_without_anything_dear() -> None:
    (loaded,) = loaded_by(command("usms", "tariff", "electricity", "735"))
    assert loaded.isdisjoint({*DEAR, "rich", "asyncio"} - {"click"})


def test_the_version_and_the_help_are_printed_without_anything_dear() -> None:
    for loaded in loaded_by(command("--version"), command("--help"), command("-h")):
        assert loaded.isdisjoint(DEAR)


@pytest.mark.parametrize("settings", [None, '[ui]\ntheme = "nord"\n'])
def test_the_help_is_printed_without_the_ways_to_files_and_languages(settings: str | None) -> None:
    if settings is not None:
        folder = Path(os.environ["XDG_CONFIG_HOME"]) / "wattdeck"
        folder.mkdir(parents=True)
        (folder / "config.toml").write_text(settings, encoding="utf-8")
    ways = {"pathlib", "re", "platformdirs", "gettext", "tomllib", "contextlib"}
    before, after = loaded_by("", command("--help"))
    assert after & ways <= before


def test_the_real_help_loads_neither_network_nor_screen() -> None:
    (loaded,) = loaded_by("from wattdeck.cli import run\nrun(['--help'])")
    assert "click" in loaded and loaded.isdisjoint({"textual", "httpx", "pydantic"})


def test_a_demo_shows_its_first_panel_without_the_others_and_what_follows_them() -> None:
    (loaded,) = modules_loaded_by(
        "from wattdeck.core.deck import Deck\n"
        "from wattdeck.core.system import SimulatorOptions\n"
        "from wattdeck.discovery import discover\n"
        "from wattdeck.shell.first_frame import FirstFrame\n"
        "systems = discover()\n"
        "hub = Deck.demo(systems, SimulatorOptions(), 1.0, read_only=False).hub\n"
        "frame = FirstFrame(systems, demo=True)\n"
        "frame.show([reading for source in hub.sources for reading in hub.readings(source)])\n"
        "assert frame.source_of(hub.sources) == 'span/home'"
    )
    systems = {f"wattdeck.systems.{system}" for system in ("span", "usms", "ccee", "aneel")}
    assert "wattdeck.systems.span.simulator" in loaded
    assert loaded.isdisjoint({f"{each}.{name}" for each in systems for name in ("alarms", "matters", "present")})
    assert loaded.isdisjoint(f"{each}.simulator" for each in systems - {"wattdeck.systems.span"})
    rest_of_span = {f"wattdeck.systems.span.{name}" for name in ("simulated.panel", "ebus.local", "circuits")}
    assert loaded.isdisjoint(rest_of_span)
    # httpx would bring its own command line along: a tenth of the way to the first numbers.
    assert loaded.isdisjoint({"textual", "rich.console", "pygments", "click", "holidays", "bs4", "sqlalchemy"})


def test_naming_the_systems_costs_nothing() -> None:
    assert loaded_by("from wattdeck.discovery import discover\ndiscover()")[0].isdisjoint(DEAR)


def real_help() -> str:
    """The help page as the command-line library makes it for the width in COLUMNS."""
    page = io.StringIO()
    with contextlib.redirect_stdout(page):
        run(["--help"])
    return page.getvalue()


def test_the_kept_help_page_is_the_real_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert HELP.read_text(encoding="utf-8") == real_help(), f"out of date: run `{WRITE_HELP}`"


def test_the_kept_help_page_is_what_the_command_prints() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wattdeck", "--help"],
        capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "80"},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == (HELP.read_text(encoding="utf-8"), "")


def test_a_narrow_terminal_gets_a_help_page_of_its_own() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wattdeck", "--help"],
        capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "50"},
    )  # fmt: skip
    assert max(map(len, done.stdout.splitlines())) <= 50 and "snapshot" in done.stdout


if __name__ == "__main__":
    os.environ["COLUMNS"] = "80"
    HELP.write_text(real_help(), encoding="utf-8")


@pytest.mark.parametrize(
    ("environment", "first"),
    [
        ({"LANG": "en_GB.UTF-8"}, "Usage:"),
        ({"LANG": "de_DE.UTF-8"}, "Usage:"),
        ({"LANG": "pt_BR.UTF-8"}, "Uso:"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "ms"}, "Guna:"),
        ({"LANG": "C.UTF-8", "WATTDECK_CONFIG": "speaks.toml"}, "Guna:"),
    ],
)
def test_help_is_in_the_language_asked_for(
    environment: dict[str, str], first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("speaks.toml").write_text('[ui]\nlanguage = "ms"\n', encoding="utf-8")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    done = forked.run("--help")
    assert done.stdout.split()[0] == first
