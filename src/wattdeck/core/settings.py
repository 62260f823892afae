"""Settings: one TOML file, checked whole. A mistake is named with its place, and all mistakes at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from wattdeck.core.config import AlarmsConfig, SourceConfig, UiConfig, secrets_of
from wattdeck.core.errors import ConfigError
from wattdeck.core.language import tr
from wattdeck.core.paths import default_config, named_config, others_can_read, read_bounded
from wattdeck.core.secrets import SecretRef, store_private

if TYPE_CHECKING:
    from wattdeck.core.config_check import Checker, Problem
    from wattdeck.core.system import System

CONFIG_BYTES_MAX = 262_144
"""Thousands of sources fit; a larger file is the wrong file."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that was configured."""

    path: Path
    """The file that was read, or would have been."""
    exists: bool = True
    """There is such a file."""
    ui: UiConfig = field(default_factory=UiConfig)
    alarms: AlarmsConfig = field(default_factory=AlarmsConfig)
    sources: Mapping[str, tuple[SourceConfig, ...]] = field(default_factory=dict)
    """System name -> its sources in the file's order; every installed system has an entry."""
    warnings: tuple[str, ...] = ()
    """What works but should not stay so, in words; shown at every start."""

    @property
    def by_id(self) -> dict[str, SourceConfig]:
        """Source id (`span/home`) -> source."""
        pairs = ((system, source) for system, group in self.sources.items() for source in group)
        return {f"{system}/{source.name}": source for system, source in pairs}


def load_settings(path: Path | None, systems: Mapping[str, System]) -> Settings:
    """Read the configuration, without looking up a secret.

    Args:
        path: The file named on the command line; None: `WATTDECK_CONFIG`, else the default place, where it is
            no error that there is none.
        systems: The installed systems by name; each brings the model of its table.

    Raises:
        ConfigError: every problem there is, one sentence each, with file, place, key and what was expected.
    """
    named = named_config(path)
    file = named or default_config()
    content = _read(file)
    if content is None:
        if named is not None:
            raise ConfigError(tr("{file}: there is no such file; `wattdeck config init` writes one", file=file))
        return Settings(file, exists=False, sources=dict.fromkeys(systems, ()))
    text, exposed = content
    return parse_settings(text, file, systems, exposed=exposed)


def parse_settings(text: str, path: Path, systems: Mapping[str, System], *, exposed: bool = False) -> Settings:
    """Check the text of a configuration.

    Args:
        text: TOML.
        path: Where it came from: for messages, and to find files that are named relative to it.
        systems: The installed systems by name.
        exposed: Other users can read the file.

    Raises:
        ConfigError: as `load_settings`.
    """
    settings, checker = _checked(text, path, systems)
    if settings is None:
        raise ConfigError(*checker.problems)
    return replace(settings, warnings=tuple(_warnings(settings, systems, exposed)))


def problems_in(text: str, path: Path, systems: Mapping[str, System]) -> list[Problem]:
    """What `parse_settings` would refuse the text for, each problem with its place.

    Raises:
        ConfigError: it is not TOML.
    """
    return _checked(text, path, systems)[1].found


def problems_of(model: type[BaseModel], table: Mapping[str, object], path: Path) -> list[Problem]:
    """What is wrong with one table of the file at `path`; places start inside the table."""
    from wattdeck.core.config_check import Checker

    checker = Checker("", path)
    checker.model((), "", table, model)
    return checker.found


def source_of(model: type[SourceConfig], table: Mapping[str, object], path: Path) -> SourceConfig:
    """One table of the file at `path` as a source.

    Raises:
        ConfigError: it is none; every problem there is.
    """
    found = problems_of(model, table, path)
    if found:
        raise ConfigError(*(each.words for each in found))
    return model.model_validate(table, context={"base": path.absolute().parent})


def _checked(text: str, path: Path, systems: Mapping[str, System]) -> tuple[Settings | None, Checker]:
    from wattdeck.core.config_check import Checker

    checker = Checker(text, path)
    data = checker.document()
    checker.tables(data, ("ui", "alarms"), systems, UiConfig.model_fields)
    ui = checker.table("ui", data.get("ui"), UiConfig)
    alarms = checker.table("alarms", data.get("alarms"), AlarmsConfig)
    # What could be said of a system that the file does not name takes time to load.
    sources = {
        name: checker.sources(name, data[name], system.config_model()) if name in data else ()
        for name, system in systems.items()
    }
    if checker.found or ui is None or alarms is None:
        return None, checker
    return Settings(path, ui=ui, alarms=alarms, sources=sources), checker


def _read(path: Path) -> tuple[str, bool] | None:
    """The file's text and whether others can read it; None if there is no such file."""
    try:
        data, info = read_bounded(path, CONFIG_BYTES_MAX)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        if path.is_dir():
            raise ConfigError(tr("{path}: this is a directory; name the file in it", path=path)) from None
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(tr("{path}: cannot be read: {reason}", path=path, reason=reason)) from None
    if len(data) > CONFIG_BYTES_MAX:
        raise ConfigError(
            tr("{path}: larger than {limit} bytes; is it the right file?", path=path, limit=CONFIG_BYTES_MAX)
        )
    try:
        return data.decode("utf-8-sig"), others_can_read(info)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            tr("{path}: line {line}: not UTF-8; save the file in that encoding", path=path, line=line)
        ) from None


def _warnings(settings: Settings, systems: Mapping[str, System], exposed: bool) -> Iterator[str]:
    for source_id, source in settings.by_id.items():
        yield from (f"{source_id}: {warning}" for warning in source.warnings())
        yield from _secret_warnings(source_id, source, settings.path, exposed)
    yield from _secret_warnings("[alarms]", settings.alarms, settings.path, exposed)
    if any(source.alarms.off for source in settings.by_id.values()):
        from wattdeck.core.alarm_watch import unknown_rules

        yield from unknown_rules(systems, settings.by_id)


def _secret_warnings(place: str, table: BaseModel, path: Path, exposed: bool) -> Iterator[str]:
    for key, secret in secrets_of(table).items():
        if secret.plain is not None and exposed:
            yield tr(
                "{place}: {file} holds the secret `{key}` in plain text and can be read by other users; chmod 600 it, "
                "or refer to the secret with env, file or keyring",
                place=place,
                file=path,
                key=key,
            )
        elif warning := secret.exposure():
            yield f"{place}: `{key}`: {warning}"


def dump_settings(data: Mapping[str, object], *, plain_secrets: bool = False) -> str:
    """Settings as TOML. Takes tables, lists of them and settings models.

    Args:
        data: Top-level tables by name.
        plain_secrets: Write secrets that stand in the configuration itself; otherwise they become `***`.
    """
    import tomli_w

    return tomli_w.dumps({key: _plain(value, plain_secrets) for key, value in data.items()})


def write_config(path: Path, text: str) -> None:
    """Write a configuration, whole or not at all, readable by its owner only.

    Raises:
        ConfigError: it could not be written; what was there before is untouched.
    """
    store_private(path, text)


def _plain(value: object, plain_secrets: bool) -> Any:
    """A value in TOML's own types. None is left out: TOML has no word for it."""
    if isinstance(value, SecretRef):
        return value.plain if plain_secrets and value.plain is not None else value.shown()
    if isinstance(value, BaseModel):
        value = {key: getattr(value, key) for key in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(key): _plain(item, plain_secrets) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(item, plain_secrets) for item in value]
    return str(value) if isinstance(value, Path) else value
