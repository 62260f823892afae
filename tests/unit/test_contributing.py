"""What CONTRIBUTING shows of a fifth system is the plug-in that the tests install, to the letter."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "tests" / "fixtures" / "plugin"


def blocks(after: str) -> list[str]:
    """The code shown after a marker, up to the next marker or the end of the section."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    part = text.split(f"<!-- plugin: {after} -->")[1].split("<!-- plugin:")[0]
    return re.findall(r"^```(?:python|toml)\n(.*?)^```$", part, re.DOTALL | re.MULTILINE)


def lines(text: str) -> list[str]:
    """The lines that say something: blocks are set apart by words where the module has blank lines."""
    return [line for line in text.splitlines() if line.strip()]


def test_the_packaging_shown_is_the_one_installed() -> None:
    assert "".join(blocks("pyproject.toml")) == (PLUGIN / "pyproject.toml").read_text(encoding="utf-8")


def test_the_module_shown_is_the_one_installed_and_nothing_is_left_out() -> None:
    shown = "\n".join(blocks("wattdeck_thermo.py"))
    assert lines(shown) == lines((PLUGIN / "wattdeck_thermo.py").read_text(encoding="utf-8"))


def test_files_the_tour_names_are_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for name in set(re.findall(r"`((?:core|ui|tests|src)/[\w./]+\w)`", text)):
        assert any((ROOT / base / name).exists() for base in (".", "src/wattdeck")), name
