"""The configuration as a file that is being changed: read, altered a table at a time, checked, written back.

Nothing here looks a secret up. What is written is what was meant: the new text is parsed again and compared.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattdeck.core.errors import ConfigError
from wattdeck.core.language import tr
from wattdeck.core.paths import read_bounded
from wattdeck.core.secrets import store_private
from wattdeck.core.settings import CONFIG_BYTES_MAX, problems_in, write_config
from wattdeck.core.toml_edit import UnusualTextError, comments, edited, same

if TYPE_CHECKING:
    from wattdeck.core.clock import Clock
    from wattdeck.core.config_check import Problem
    from wattdeck.core.system import System


class ChangedMeanwhile(ConfigError):
    """Somebody else wrote the file since it was read. Nothing was written."""


@dataclass(frozen=True, slots=True)
class Change:
    """What the file is going to be."""

    text: str
    problems: tuple[Problem, ...] = ()
    """Why it may not be written."""
    comments_lost: int = 0
    """Comments of the file that are not in the new text."""


class SettingsFile:
    """One configuration file. Every change makes a `Change`; `write` puts one in place."""

    def __init__(self, path: Path, systems: Mapping[str, System], *, fixed: str | None = None) -> None:
        """Args:
        path: The file; it need not exist.
        fixed: A text that is shown in its place and cannot be changed (the demo's).

        Raises:
            ConfigError: it cannot be read, or is not TOML.
        """
        self.path = path
        self.systems = systems
        self.fixed = fixed is not None
        self._bytes = fixed.encode() if fixed is not None else _read(path)
        self.text = _decoded(path, self._bytes)
        self.data = _parsed(path, self.text)

    @property
    def exists(self) -> bool:
        """There was such a file when it was read."""
        return self._bytes is not None

    def table(self, name: str) -> dict[str, Any]:
        """A table there is one of, such as `[ui]`, as it is written; a copy."""
        found = self.data.get(name)
        return deepcopy(found) if isinstance(found, dict) else {}

    def sources(self, system: str) -> list[dict[str, Any]]:
        """The tables of one system as they are written; copies."""
        found = self.data.get(system)
        return [deepcopy(item) for item in found if isinstance(item, dict)] if isinstance(found, list) else []

    def with_source(self, system: str, index: int | None, table: Mapping[str, Any]) -> Change:
        """Another table in place of the system's `index`th; None: one more."""
        tables: list[Mapping[str, Any]] = list(self.sources(system))
        if index is None:
            tables.append(table)
        else:
            tables[index] = table
        return self._change({**deepcopy(self.data), system: tables})

    def without_source(self, system: str, index: int) -> Change:
        """One source less."""
        tables = self.sources(system)
        del tables[index]
        data = deepcopy(self.data)
        if tables:
            data[system] = tables
        else:
            del data[system]
        return self._change(data)

    def with_table(self, name: str, table: Mapping[str, Any]) -> Change:
        """Another table of which there is one."""
        data = {**deepcopy(self.data), name: table}
        if not table and name not in self.data:
            del data[name]
        return self._change(data)

    def write(self, change: Change, clock: Clock) -> Path | None:
        """Put a change in place and read the file again. Returns the copy of the old file, if one was needed.

        Raises:
            ChangedMeanwhile: the file is not what was read; nothing was written.
            ConfigError: it cannot be written, or the change has problems; what was there is untouched.
        """
        if change.problems:
            raise ConfigError(*(f"{each.title}{each.words}" for each in change.problems))
        if self.fixed:
            raise ConfigError(tr("These settings cannot be changed."))
        if _read(self.path) != self._bytes:
            raise ChangedMeanwhile(
                tr("{path} was changed by somebody else meanwhile; nothing was written.", path=self.path)
            )
        copy = None
        if change.comments_lost and self._bytes is not None:
            copy = self.path.with_name(f"{self.path.name}.bak-{clock.now():%Y%m%d-%H%M%S}")
            store_private(copy, self.text)
        write_config(self.path, change.text)
        self._bytes = change.text.encode()
        self.text = change.text
        self.data = _parsed(self.path, change.text)
        return copy

    def _change(self, data: Mapping[str, Any]) -> Change:
        text = self._text_of(data)
        if len(text.encode()) > CONFIG_BYTES_MAX:
            raise ConfigError(tr("With this the file would be larger than {limit} bytes.", limit=CONFIG_BYTES_MAX))
        return Change(text, tuple(problems_in(text, self.path, self.systems)), _lost(self.text, text))

    def _text_of(self, data: Mapping[str, Any]) -> str:
        """The old text with the new values in it; written anew if the old one is too unusual for that."""
        try:
            return edited(self.text, self.data, data)
        except UnusualTextError:
            import tomli_w

            text = tomli_w.dumps(data)
            if not same(tomllib.loads(text), dict(data)):
                raise ConfigError(tr("These settings cannot be written as TOML.")) from None
            return text


def _read(path: Path) -> bytes | None:
    try:
        content, _ = read_bounded(path, CONFIG_BYTES_MAX)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            tr("{path}: cannot be read: {reason}", path=path, reason=error.strerror or str(error))
        ) from None
    if len(content) > CONFIG_BYTES_MAX:
        raise ConfigError(
            tr("{path}: larger than {limit} bytes; is it the right file?", path=path, limit=CONFIG_BYTES_MAX)
        )
    return content


def _decoded(path: Path, content: bytes | None) -> str:
    try:
        return (content or b"").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(tr("{path}: not UTF-8; save the file in that encoding", path=path)) from None


def _parsed(path: Path, text: str) -> dict[str, Any]:
    from wattdeck.core.config_check import Checker

    return Checker(text, path).document()


def _lost(old: str, new: str) -> int:
    """How many comments of a text are not in another."""
    try:
        return sum((Counter(comments(old)) - Counter(comments(new))).values())
    except UnusualTextError:
        return old.count("#")
