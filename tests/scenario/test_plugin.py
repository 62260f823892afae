"""A fifth system in a separately installed package shows up everywhere, with no edit here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

import forked
from wattdeck.core.plugins import plugins_installed

PACKAGE = Path(__file__).parents[1] / "fixtures" / "plugin"
CONFIG = """
[[thermo]]
name = "attic"
room = "attic"

[[thermo]]
name = "shed"
room = "shed"
broken = true
"""


def install(target: Path, *, module: str | None = None) -> None:
    """Lay the package out as an installer would: its module, and metadata made from its pyproject."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    target.mkdir(parents=True, exist_ok=True)
    source = PACKAGE / "wattdeck_thermo.py"
    if module is None:
        shutil.copy(source, target)
    else:
        (target / source.name).write_text(module)
    info = target / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = project["entry-points"]
    (info / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
            for group, entries in groups.items()
        )
    )


class Installed:
    """wattdeck with the plug-in beside it, each command in a process of its own."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "site"
        self.config = home / "config.toml"
        self.config.write_text(CONFIG)
        self.config.chmod(0o600)

    def run(self, *arguments: str, code: int = 0) -> str:
        done = self.complete(*arguments)
        assert done.returncode == code, done.stderr
        return done.stdout

    def complete(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        more = {"PYTHONPATH": str(self.folder), "WATTDECK_CONFIG": str(self.config)}
        return forked.run(*arguments, env=os.environ | more)


@pytest.fixture
def deck(deck_home: Path, tmp_path: Path) -> Installed:
    installed = Installed(tmp_path)
    install(installed.folder)
    return installed


def test_its_section_is_in_the_snapshot_and_as_the_schema_says(deck: Installed) -> None:
    document = json.loads(deck.run("snapshot", "--format", "json", code=1))
    attic, shed = document["sources"]
    assert (attic["source"], attic["system"], attic["link"]) == ("thermo/attic", "thermo", "live")
    assert attic["feeds"]["air"]["data"] == {"room": "attic", "temperature_c": 21.5}
    assert (shed["link"], shed["problem"]) == ("down", "the thermometer in the shed does not answer")
    schema = json.loads(deck.run("snapshot", "--json-schema"))
    assert {"Air", "PanelSnapshot"} <= set(schema["$defs"])
    jsonschema.validate(document, schema)


def test_its_lines_are_in_the_text_and_its_demo_is_in_the_demo(deck: Installed) -> None:
    assert "thermo/attic  live 0 s  attic: 21.5 °C" in deck.run("snapshot", "thermo/attic")
    assert "thermo/cellar" in deck.run("snapshot", "--demo", "thermo")


def test_its_table_is_checked_like_any_other(deck: Installed) -> None:
    assert deck.run("config", "check") == f"ok: {deck.config}: thermo/attic, thermo/shed\n"
    deck.config.write_text('[[thermo]]\nname = "attic"\nrom = "attic"\n')
    done = deck.complete("config", "check")
    assert done.returncode == 2 and 'unknown key "rom"; did you mean "room"?' in done.stderr


def test_its_commands_are_in_the_help_and_run(deck: Installed) -> None:
    assert "thermo    Thermometers: how warm it is" in deck.run("--help")
    assert deck.run("thermo", "rooms") == "attic\nshed\n"


def test_its_screen_is_drawn_and_has_a_key(deck: Installed) -> None:
    svg = deck.run("snapshot", "--demo", "--format", "svg", "--screen", "thermo", "--size", "140x24")
    words = "".join(ElementTree.fromstring(svg).itertext()).replace("\N{NO-BREAK SPACE}", " ")
    assert "cellar 21.5 C" in words
    assert " 1 SPAN " in words and "[5 THERMO]" in words, "all are in the list of screens"


def test_a_system_without_a_simulator_says_so(deck: Installed) -> None:
    done = deck.complete("simulate", "thermo")
    assert done.returncode == 2 and "thermo has no simulator" in done.stderr


@pytest.mark.parametrize(
    ("module", "words"),
    [
        ("raise RuntimeError('broken at import')\n", "broken at import"),
        ("SYSTEM = 7\n", "is a int, not a wattdeck System"),
        ("", "SYSTEM"),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_a_warning_and_the_rest_runs(
    deck_home: Path, tmp_path: Path, module: str, words: str
) -> None:
    deck = Installed(tmp_path)
    install(deck.folder, module=module)
    done = deck.complete("snapshot", "--demo", "--format", "json")
    assert done.returncode == 0 and len(json.loads(done.stdout)["sources"]) == 7
    assert "plug-in thermo cannot be used" in done.stderr and words in done.stderr


def test_plug_ins_are_noticed_by_their_metadata_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), str(tmp_path / "nowhere"), ""])
    monkeypatch.chdir(tmp_path)
    assert not plugins_installed()
    own = tmp_path / "site" / "wattdeck-0.1.0.dist-info"
    own.mkdir(parents=True)
    (own / "entry_points.txt").write_text("[wattdeck.systems]\nspan = wattdeck.systems.span:SYSTEM\n")
    (tmp_path / "site" / "other-1.dist-info").mkdir()
    assert not plugins_installed()
    old_style = tmp_path / "site" / "wattdeck-thermo.egg-info"
    old_style.mkdir()
    (old_style / "entry_points.txt").write_text("[wattdeck.systems]\nthermo = wattdeck_thermo:SYSTEM\n")
    assert plugins_installed()
