"""Where wattdeck keeps its files: configuration, state, and what lives only while it runs."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from wattdeck.core.errors import ConfigError
from wattdeck.core.language import tr

APP = "wattdeck"
CONFIG_VARIABLE = "WATTDECK_CONFIG"
CONFIG_FILE = "config.toml"


def named_config(explicit: Path | None = None) -> Path | None:
    """The configuration the user named: the argument, else `WATTDECK_CONFIG`; None if neither did."""
    if explicit is not None:
        return explicit
    named = os.environ.get(CONFIG_VARIABLE)
    return Path(named) if named else None


def config_path(explicit: Path | None = None) -> Path:
    """The configuration file to use, whether or not it exists."""
    return named_config(explicit) or default_config()


def default_config() -> Path:
    """The place of the configuration when nobody named one."""
    import platformdirs

    return platformdirs.user_config_path(APP, appauthor=False) / CONFIG_FILE


def state_dir() -> Path:
    """Where tokens, the journal and the last readings are kept. Made private if it is not there yet.

    Raises:
        ConfigError: it cannot be made, or looked into.
    """
    import platformdirs

    path = private_dir(platformdirs.user_state_path(APP, appauthor=False))
    if not os.access(path, os.R_OK | os.X_OK):
        reason = os.strerror(errno.EACCES)
        raise ConfigError(tr("{path}: cannot look into this directory: {reason}", path=path, reason=reason))
    return path


def journal_path(state_dir: Path) -> Path:
    """The record of every command."""
    return state_dir / "journal.jsonl"


def alarms_path(state_dir: Path) -> Path:
    """What happened to alarms, and what is remembered of them."""
    return state_dir / "alarms.jsonl"


def token_path(state_dir: Path, system: str, name: str) -> Path:
    """Where the token of one registered source is kept. Both parts are names that were validated at load."""
    return state_dir / "tokens" / system / name


def credentials_dir(state_dir: Path, system: str) -> Path:
    """Where a system keeps what registrations left, if that is more than a token. The name was validated at load."""
    return state_dir / "credentials" / system


def runtime_dir() -> Path:
    """Where lock files live while sessions run. Refused if anybody else could have put it there."""
    import warnings

    import platformdirs

    with warnings.catch_warnings():
        # Without XDG_RUNTIME_DIR the library warns of its fallback; whose folder that is is checked here.
        warnings.simplefilter("ignore")
        place = platformdirs.user_runtime_path(APP, appauthor=False)
    path = private_dir(place)
    _require_ours(path)
    return path


def private_dir(path: Path) -> Path:
    """Make a directory and its missing parents, 0700 each; what exists keeps its mode."""
    try:
        for part in (*reversed(path.parents), path):
            if not part.exists():
                part.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            tr("{path}: cannot make this directory: {reason}", path=path, reason=error.strerror or error)
        ) from None
    if not path.is_dir():
        raise ConfigError(tr("{path}: a directory is needed here, but a file is in the way", path=path))
    return path


def resolve_path(text: str, base: Path | None) -> Path:
    """A path from the configuration: `~` is the home directory, relative means beside the file.

    Raises:
        ValueError: it can be no path.
    """
    if not text or "\0" in text:
        raise ValueError(tr("expected the path of a file"))
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise ValueError(tr("~ stands for a home directory that is not known here")) from None
    return base / path if base is not None else path


def read_bounded(path: Path, limit_bytes: int) -> tuple[bytes, os.stat_result]:
    """Read a file a person named: never waits, never reads more than `limit_bytes` + 1.

    Raises:
        OSError: it cannot be read, or is a directory, a pipe or the like.
    """
    # Without O_NONBLOCK opening a named pipe would wait for ever.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode) and str(path) != os.devnull:
            raise OSError(errno.EINVAL, tr("not a regular file"))
        with os.fdopen(handle, "rb", closefd=False) as file:
            return file.read(limit_bytes + 1), info
    finally:
        os.close(handle)


def others_can_read(info: os.stat_result) -> bool:
    """Whether other users can read a file.

    A group counts only on our own files: `root:wattdeck 0640` is how an administrator gives us one to read.
    """
    if os.name != "posix":
        return False
    bits = stat.S_IROTH
    if info.st_uid == os.geteuid():
        bits |= stat.S_IRGRP
    return bool(info.st_mode & bits)


def _require_ours(path: Path) -> None:
    """A directory under /tmp may have been laid out by somebody else: a link, or one they can write to."""
    if os.name != "posix":
        return
    me = os.geteuid()
    leaf, parent = path.lstat(), path.parent.lstat()
    if not stat.S_ISDIR(leaf.st_mode) or leaf.st_uid != me or leaf.st_mode & 0o022 or parent.st_uid not in (0, me):
        raise ConfigError(
            tr("{path}: another user can change this directory; remove it or set XDG_RUNTIME_DIR", path=path)
        )
