"""What gets loaded, each in a process of its own: the engine without a screen, short commands without anything dear."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

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


def loaded_by(code: str) -> set[str]:
    """The top-level packages a piece of code loads."""
    return {name.partition(".")[0] for name in modules_loaded_by(code)}


def modules_loaded_by(code: str) -> set[str]:
    """The modules a piece of code loads, by their full names."""
    report = "\nimport sys\nprint('\\n@' + ' '.join(name for name, module in sys.modules.items() if module))"
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, check=False, env=environment, timeout=50
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rpartition("@")[2].split())


def command(*arguments: str) -> str:
    """Code that runs a command line the way the installed script does."""
    return f"import sys\nsys.argv = ['wattdeck', *{list(arguments)!r}]\nfrom wattdeck.__main__ import main\nmain()"


@pytest.fixture(autouse=True)
def _at_home(deck_home: Path) -> None:
    """Nothing here reads or writes the real home."""


@pytest.mark.parametrize(
    "modules",
    [
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
    ],
)
def test_nothing_below_the_screens_loads_textual(modules: str) -> None:
    assert "textual" not in loaded_by(f"import {modules}")


def test_models_and_present_load_nothing_dear() -> None:
    code = "import wattdeck.systems.span.models, wattdeck.systems.span.present, wattdeck.core.lines, wattdeck.core.link"
    assert loaded_by(code).isdisjoint({*DEAR, "rich"})


@pytest.mark.parametrize("form", ["json", "csv", "text"])
def test_a_snapshot_as_data_loads_no_textual(form: str) -> None:
    loaded = loaded_by(command("snapshot", "--demo", "--format", form))
    assert loaded.isdisjoint({"textual", "plotext", "bs4", "uvicorn"})


def test_a_tariff_is_reckoned_without_anything_dear() -> None:
    loaded = loaded_by(command("usms", "tariff", "electricity", "735"))
    assert loaded.isdisjoint({*DEAR, "rich", "asyncio"} - {"click"})


def test_a_command_of_a_system_loads_no_textual() -> None:
    assert "textual" not in loaded_by(command("span", "circuits", "--demo", "--source", "home"))


def test_the_version_is_printed_without_anything_dear() -> None:
    assert loaded_by(command("--version")).isdisjoint(DEAR)


@pytest.mark.parametrize("option", ["--help", "-h"])
def test_the_help_is_printed_without_anything_dear(option: str) -> None:
    assert loaded_by(command(option)).isdisjoint(DEAR)


@pytest.mark.parametrize("settings", [None, '[ui]\ntheme = "nord"\n'])
def test_the_help_is_printed_without_the_ways_to_files_and_languages(settings: str | None) -> None:
    if settings is not None:
        folder = Path(os.environ["XDG_CONFIG_HOME"]) / "wattdeck"
        folder.mkdir(parents=True)
        (folder / "config.toml").write_text(settings, encoding="utf-8")
    ways = {"pathlib", "re", "platformdirs", "gettext", "tomllib", "contextlib"}
    assert loaded_by(command("--help")) & ways <= loaded_by("")


def test_the_real_help_loads_neither_network_nor_screen() -> None:
    loaded = loaded_by("from wattdeck.cli import run\nrun(['--help'])")
    assert "click" in loaded and loaded.isdisjoint({"textual", "httpx", "pydantic"})


def test_a_demo_shows_its_first_panel_without_the_others_and_what_follows_them() -> None:
    loaded = modules_loaded_by(
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
    assert loaded.isdisjoint({"wattdeck.systems.span.simulated.panel", "wattdeck.systems.span.ebus.local"})
    # httpx would bring its own command line along: a tenth of the way to the first numbers.
    assert loaded.isdisjoint({"textual", "rich.console", "pygments", "click", "holidays", "bs4", "sqlalchemy"})


def test_naming_the_systems_costs_nothing() -> None:
    assert loaded_by("from wattdeck.discovery import discover\ndiscover()").isdisjoint(DEAR)


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
    done = subprocess.run(
        [sys.executable, "-c", command("--help")], capture_output=True, text=True, check=True, timeout=50
    )
    assert done.stdout.split()[0] == first
