"""`wattdeck config`, as the shell sees it: data on stdout, words on stderr, exit codes as promised."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from wattdeck.shell.config import config_group, example_text
from wattdeck.shell.context import AppContext
from wattdeck.systems.span import SYSTEM as SPAN


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the configuration of a fresh user is."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for name in ("WATTDECK_CONFIG", "SPAN_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "config" / "wattdeck" / "config.toml"


def run(*arguments: str, config: Path | None = None) -> Result:
    app = AppContext(config_path=config, find_systems=lambda: {SPAN.name: SPAN})
    return CliRunner().invoke(config_group, arguments, obj=app)


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


def test_path_prints_where_the_configuration_is(place: Path) -> None:
    assert (run("path").stdout, run("path").exit_code) == (f"{place}\n", 0)
    assert run("path", config=Path("mine.toml")).stdout == "mine.toml\n"


def test_init_writes_the_example_privately_and_says_where(place: Path) -> None:
    result = run("init")
    assert (result.exit_code, result.stdout) == (0, f"{place}\n")
    assert "wattdeck config check" in result.stderr
    assert place.read_text() == example_text()
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700


def test_init_replaces_nothing_unless_forced(place: Path) -> None:
    write(place, "# mine")
    result = run("init")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{place}: there is a configuration already; --force replaces it" in result.stderr
    assert place.read_text() == "# mine"
    assert run("init", "--force").exit_code == 0
    assert place.read_text() == example_text()


def test_init_says_why_it_cannot_write(place: Path, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("")
    result = run("init")
    assert result.exit_code == 2
    assert "cannot make this directory" in result.stderr


def test_check_prints_ok_and_the_sources(place: Path) -> None:
    run("init")
    result = run("check")
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"ok: {place}: span/home\n", "")


def test_check_reports_a_secret_reference_to_nothing(place: Path) -> None:
    run("init")
    place.write_text(place.read_text().replace("# token = { env", "token = { env"))
    result = run("check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "span/home: `token`: environment variable SPAN_TOKEN is not set" in result.stderr
    assert run("check", "--no-secrets").exit_code == 0


def test_check_prints_every_problem(place: Path) -> None:
    write(place, '[[span]]\nname = "home"\nhots = "x"\nport = "y"\n')
    result = run("check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        f'wattdeck: {place}: line 1: [[span]] "home": the key "host" is missing',
        f'wattdeck: {place}: line 3: [[span]] "home": unknown key "hots"; did you mean "host"?',
        f'wattdeck: {place}: line 4: [[span]] "home": "port": expected a whole number, not text',
    ]


def test_check_without_a_configuration_says_how_to_get_one(place: Path) -> None:
    result = run("check")
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"{place}: there is no configuration; `wattdeck config init` writes one" in result.stderr


def test_show_prints_every_setting_and_masks_plain_secrets(place: Path) -> None:
    write(place, '[[span]]\nname = "home"\nhost = "h"\ntoken = "hush-hush"\n', 0o644)
    result = run("show")
    assert result.exit_code == 0
    shown = tomllib.loads(result.stdout)
    assert shown["span"][0]["token"] == "***"
    assert shown["span"][0]["retries"] == 3
    assert shown["ui"]["theme"] == "wattdeck-dark"
    assert "hush-hush" not in result.output
    assert "warning: span/home: " in result.stderr and "chmod 600" in result.stderr


def test_show_prints_references_and_what_the_options_change(place: Path) -> None:
    write(place, '[[span]]\nname = "home"\nhost = "h"\ntoken = { keyring = "wattdeck/home" }\n')
    app = AppContext(read_only=True, theme="light", find_systems=lambda: {SPAN.name: SPAN})
    shown = tomllib.loads(CliRunner().invoke(config_group, ["show"], obj=app).stdout)
    assert shown["span"][0]["token"] == {"keyring": "wattdeck/home"}
    assert (shown["ui"]["read_only"], shown["ui"]["theme"]) == (True, "light")


def test_show_without_a_configuration_prints_the_defaults(place: Path) -> None:
    result = run("show")
    assert result.exit_code == 0
    assert "these are the defaults" in result.stderr
    assert list(tomllib.loads(result.stdout)) == ["ui", "alarms"]


def test_show_lets_no_control_character_through(place: Path) -> None:
    write(place, '[ui]\ntheme = "\\u001b[31m\\u202e\\u009b"\n')
    result = run("show")
    assert not {"\x1b", "\u202e", "\x9b"} & set(result.stdout)
    assert tomllib.loads(result.stdout)["ui"]["theme"] == "\x1b[31m\u202e\x9b"
