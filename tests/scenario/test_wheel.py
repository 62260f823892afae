"""What is built can be installed and used: with themes, catalogues, the example, manuals, and nothing of the tree."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKED = (
    "wattdeck/themes/wattdeck-dark.toml",
    "wattdeck/config.example.toml",
    "wattdeck/ui/base.tcss",
    "wattdeck/systems/span/screen.tcss",
    "wattdeck/systems/usms/tariffs.toml",
    "wattdeck/locale/pt_BR/LC_MESSAGES/wattdeck.mo",
    "wattdeck/locale/ms/LC_MESSAGES/wattdeck.mo",
)
"""What has to be in the wheel besides modules."""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    out = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)],
        capture_output=True, text=True, check=False, timeout=55,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel; packages it needs are lent by the one the tests run in."""
    place = tmp_path_factory.mktemp("clean")
    venv.create(place, with_pip=False)
    site = Path(sysconfig.get_path("purelib", vars={"base": str(place), "platbase": str(place)}))
    (wheel,) = built.glob("*.whl")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(place / "bin" / "python"), "install", "--quiet", "--no-deps",
         "--no-index", "--no-compile", str(wheel)],
        capture_output=True, text=True, check=False, timeout=55,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (site / "wattdeck" / "cli.py").exists()
    return place


def run(place: Path, home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """The installed command, away from the source tree."""
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": sysconfig.get_path("purelib"),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        **more,
    }
    return subprocess.run(
        [place / "bin" / "wattdeck", *arguments],
        env=environment, cwd=home, capture_output=True, text=True, check=False, timeout=50,
    )  # fmt: skip


def test_the_installed_demo_prints_a_snapshot(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "snapshot", "--demo", "--format", "json", "--start", "2026-11-20T17:00:00Z")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert {source["system"] for source in document["sources"]} == {"span", "usms", "ccee", "aneel"}
    assert all(source["link"] == "live" for source in document["sources"])


def test_the_installed_deck_is_the_wheel_and_speaks_its_languages(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "--help", LANG="pt_BR.UTF-8")
    assert "Uso: wattdeck" in done.stdout and "Comandos:" in done.stdout
    started = run(installed, tmp_path, "config", "init")
    assert started.returncode == 0, started.stderr
    assert (tmp_path / ".config" / "wattdeck" / "config.toml").read_text() == (ROOT / "config.example.toml").read_text()


def test_manuals_and_completions_are_where_they_are_looked_for(installed: Path) -> None:
    manual = (installed / "share" / "man" / "man1" / "wattdeck.1").read_text()
    for words in ("snapshot", "span", "--read-only", "EXIT STATUS", "WATTDECK_CONFIG"):
        assert words in manual.replace("\\-", "-"), words
    assert (installed / "share" / "man" / "man1" / "wattdeck-span-relay.1").exists()
    bash = installed / "share" / "bash-completion" / "completions" / "wattdeck"
    assert "_WATTDECK_COMPLETE=bash_complete" in bash.read_text()
    assert (installed / "share" / "zsh" / "site-functions" / "_wattdeck").exists()
    assert (installed / "share" / "fish" / "vendor_completions.d" / "wattdeck.fish").exists()


def test_what_is_packed(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert set(PACKED) <= names
    assert not [name for name in names if name.endswith(".po") or name.startswith("tests")]
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        inner = {name.partition("/")[2] for name in archive.getnames()}
    assert {"themes/wattdeck-dark.toml", "config.example.toml", "src/wattdeck/ui/base.tcss", "README.md"} <= inner
    assert "src/wattdeck/locale/ms/core.po" in inner
