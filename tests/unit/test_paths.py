"""Where files go, and that they are ours alone."""

from __future__ import annotations

import stat
import warnings
from pathlib import Path

import pytest

from wattdeck.core.errors import ConfigError
from wattdeck.core.paths import config_path, named_config, private_dir, runtime_dir, state_dir, token_path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user with directories of their own and nothing configured."""
    for name in ("CONFIG_HOME", "STATE_HOME", "RUNTIME_DIR"):
        monkeypatch.setenv(f"XDG_{name}", str(tmp_path / name.lower()))
    monkeypatch.delenv("WATTDECK_CONFIG", raising=False)
    return tmp_path


def test_the_option_wins_over_the_variable_and_that_over_the_default(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert config_path() == home / "config_home" / "wattdeck" / "config.toml"
    assert named_config() is None
    monkeypatch.setenv("WATTDECK_CONFIG", "/etc/wattdeck.toml")
    assert config_path() == named_config() == Path("/etc/wattdeck.toml")
    assert config_path(Path("mine.toml")) == Path("mine.toml")
    monkeypatch.setenv("WATTDECK_CONFIG", "")
    assert named_config() is None


def test_state_and_runtime_directories_are_made_private(home: Path) -> None:
    for path in (state_dir(), runtime_dir()):
        assert path.is_relative_to(home)
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert token_path(state_dir(), "span", "home") == state_dir() / "tokens" / "span" / "home"


def test_a_state_directory_that_cannot_be_looked_into_is_a_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = state_dir()
    monkeypatch.setattr("os.access", lambda path, mode: path != place)
    with pytest.raises(ConfigError, match="cannot look into this directory: Permission denied"):
        state_dir()


def test_an_existing_directory_keeps_its_mode(home: Path) -> None:
    shared = home / "shared"
    shared.mkdir(mode=0o755)
    private_dir(shared / "mine")
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755


def test_a_file_in_the_way_is_a_sentence(home: Path) -> None:
    (home / "taken").write_text("")
    with pytest.raises(ConfigError, match="a file is in the way"):
        private_dir(home / "taken")
    with pytest.raises(ConfigError, match="cannot make this directory"):
        private_dir(home / "taken" / "below")


def test_a_runtime_directory_others_can_write_to_or_lead_elsewhere_is_refused(home: Path) -> None:
    runtime_dir().chmod(0o777)
    with pytest.raises(ConfigError, match="another user can change this directory"):
        runtime_dir()
    (home / "elsewhere").mkdir(mode=0o700)
    (home / "runtime_dir" / "wattdeck").rmdir()
    (home / "runtime_dir" / "wattdeck").symlink_to(home / "elsewhere")
    with pytest.raises(ConfigError, match="another user can change this directory"):
        runtime_dir()


def test_a_session_without_a_runtime_directory_is_not_bothered_with_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import platformdirs

    def falling_back(*_: object, **__: object) -> Path:
        warnings.warn("XDG_RUNTIME_DIR is not set, falling back", stacklevel=1)
        return tmp_path / "fallback"

    monkeypatch.setattr(platformdirs, "user_runtime_path", falling_back)
    assert runtime_dir() == tmp_path / "fallback"
