"""What may stand in the configuration: a model for each table, and which values its keys take."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

# Looking for plug-ins of the validation library costs as much as loading it, and there are none for us.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationInfo,
)

from wattdeck.core.language import tr
from wattdeck.core.paths import resolve_path
from wattdeck.core.secrets import SecretRef

NAME_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
RESERVED_KEYS = frozenset(
    {"escape", "enter", "tab", "shift+tab", "ctrl+c", "ctrl+q", "ctrl+s", "ctrl+z"}
    | {f"f{number}" for number in range(1, 25)}
)
"""Keys nothing may be put on: they leave, confirm or move, or SSH clients and multiplexers eat them."""


def _auto_or_bool(raw: object) -> bool | Literal["auto"]:
    if isinstance(raw, bool):
        return raw
    if raw == "auto":
        return "auto"
    raise ValueError(tr('expected true, false or "auto"'))


def _beside_config(raw: object, info: ValidationInfo) -> object:
    """Let TOML text stand for a path, relative to the configuration's directory."""
    return resolve_path(raw, (info.context or {}).get("base")) if isinstance(raw, str) else raw


def _history_place(raw: object, info: ValidationInfo) -> bool | str | Path:
    """true, false, a database's URL as it is, or a path relative to the configuration's directory."""
    if isinstance(raw, (bool, Path)):
        return raw
    if isinstance(raw, str) and re.match(r"[a-z][a-z0-9+]*://", raw):
        return raw
    if isinstance(raw, str) and raw:
        return resolve_path(raw, (info.context or {}).get("base"))
    raise ValueError(tr('expected true, false, a path, or a URL such as "postgresql://host/name"'))


HistoryPlace = Annotated[bool | str | Path, PlainValidator(_history_place)]
"""Where values are kept over time, for `core.history.place_of`: true is the usual file, false nowhere on the disk."""


def _binding_keys(keys: dict[str, str]) -> dict[str, str]:
    """Refuse at load what would make a screen unusable later."""
    taken: dict[tuple[str, str], str] = {}
    for binding, key in keys.items():
        if not re.fullmatch(r"[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+", binding):
            words = tr('"{binding}" is not a binding; write "area.verb", as the help page lists them', binding=binding)
            raise ValueError(words)
        if not re.fullmatch(r"[a-z0-9_+]{1,40}|[A-Z]", key):
            raise ValueError(tr('"{binding}" takes one key, such as "x", "X", "ctrl+g" or "slash"', binding=binding))
        if key in RESERVED_KEYS:
            words = tr(
                '"{binding}" cannot be on {key}: reserved, or it does not reach wattdeck', binding=binding, key=key
            )
            raise ValueError(words)
        other = taken.setdefault((binding.split(".")[0], key), binding)
        if other != binding:
            raise ValueError(tr('"{other}" and "{binding}" are both on {key}', other=other, binding=binding, key=key))
    return keys


AutoBool = Annotated[bool | Literal["auto"], PlainValidator(_auto_or_bool)]
"""Yes, no, or as wattdeck finds best."""
ConfigFile = Annotated[Path, BeforeValidator(_beside_config)]
"""A file named in the configuration: `~` is expanded, relative means beside the configuration."""
Text = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[tuple[Text, ...], Field(strict=False, max_length=200)]


class _Table(BaseModel):
    """One table of the file: no unknown keys, no silent conversions, no change after load."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        defer_build=True,
    )

    @classmethod
    def defaults(cls) -> Self:
        """The table where it is not written. Defaults need no check: this way none has to be built for them."""
        return cls.model_construct()


class Lockout(_Table):
    """One circuit nobody may switch from wattdeck until the entry is taken out."""

    circuit: Text
    """The circuit's id, as `wattdeck span circuits` lists it. An id, because names change."""
    reason: Text
    """Why, in words; shown beside the padlock and in every refusal."""
    owner: Text
    """Who placed it and has to be asked."""
    since: date
    """The day it was placed."""


class CommandSafety(_Table):
    """What stands between a key press and any command of one source."""

    select_timeout_s: float = Field(default=10.0, ge=5, le=30)
    """How long a selection waits for its confirmation, s. Ten is the usual default of control equipment."""
    max_operations_per_hour: int = Field(default=6, ge=1, le=120)
    """Most commands to one circuit, or one record, in an hour; a relay that switches more often wears out."""


class SafetyConfig(CommandSafety):
    """What stands between a key press and a relay."""

    motor_rest_s: float = Field(default=180.0, ge=0, le=3600)
    """How long a motor stays open before it may be closed, s. Compressors need that to lose pressure."""
    motors: Names = ()
    """Circuits with a motor or compressor, by id or name: `motor_rest_s` holds for them."""
    feeds_this_session: Names = ()
    """Circuits, by id or name, on the network path from you to the panel. Opening one asks for its name."""
    open_above_a: float | None = Field(default=20.0, ge=0, le=1000)
    """Opening a circuit that carries more than this asks for its name, A (estimated from power).
    1000 turns it off."""
    close_threshold_w: float | None = Field(default=None, gt=0, le=1_000_000)
    """Closing asks for the name if panel total and last known load exceed this, W. Not set: not checked."""
    type_name_patterns: Names = ("router", "alarm", "medical", "pump", "freezer", "fire")
    """A circuit whose name holds one of these words, in any case, asks for its name to be typed."""
    grid_off_override: bool = False
    """Without the grid, a shed circuit may be closed if a reason is given. Off: refused."""
    lockouts: Annotated[tuple[Lockout, ...], Field(strict=False, max_length=200)] = ()
    """Circuits that are locked, each with who and why."""


class AlarmSettings(_Table):
    """The alarms of one source."""

    off: Names = ()
    """Rules that are out of service for this source, by name, as `wattdeck alarms rules` lists them."""


def _web_address(secret: SecretRef) -> SecretRef:
    """Refuse what can be no address. It is not repeated: addresses of hooks hold secrets."""
    if secret.plain is not None and not re.fullmatch(r"https?://[^\s/?#@]+([/?][!-~]*)?", secret.plain):
        raise ValueError(tr("expected an address such as https://example.org/hook, or where it is kept"))
    return secret


def _a_program(command: tuple[str, ...]) -> tuple[str, ...]:
    if command and not command[0].strip():
        raise ValueError(tr("expected a program and its arguments, each in quotes"))
    return command


class AlarmsConfig(_Table):
    """Alarms of all sources: who is told of them, and how."""

    enabled: bool = True
    """Look for alarms at all."""
    notice: Literal["off", "bell", "osc9"] = "off"
    """How the live app calls for attention: the terminal's bell, or a desktop notice of terminals that know OSC 9."""
    least_priority: Literal["high", "medium", "low"] = "low"
    """Bell, notices, command and webhook leave out alarms below this priority."""
    cool_down_s: float = Field(default=900.0, ge=0, le=86_400)
    """An alarm that comes back so soon after it was announced is counted, not announced again, s."""
    hook_on: Annotated[
        tuple[Literal["raised", "cleared", "acknowledged"], ...], Field(strict=False, max_length=3)
    ] = ("raised",)  # fmt: skip
    """What command and webhook are told of."""
    command: Annotated[
        tuple[Annotated[str, Field(max_length=1000)], ...],
        Field(strict=False, max_length=50),
        AfterValidator(_a_program),
    ] = ()
    """Program to run, with its arguments; no shell. It gets the alarm as JSON on its standard input."""
    webhook: Annotated[SecretRef | None, AfterValidator(lambda ref: ref and _web_address(ref))] = None
    """Address to send the alarm to, as JSON by POST. A secret, because such addresses often hold one."""
    webhook_authorization: SecretRef | None = None
    """What to send in the header `Authorization`."""
    hook_timeout_s: float = Field(default=10.0, ge=0.1, le=60)
    """How long a command or webhook may take, s."""
    hooks_per_minute: int = Field(default=30, ge=1, le=600)
    """Most commands and webhooks in a minute; more wait, and where too many wait they are left out and said to be."""


class SourceConfig(_Table):
    """What every source has, whatever its system."""

    name: str = Field(pattern=NAME_PATTERN)
    """Second half of the source's id: `home` in `span/home`. Letters, digits, `-_.`: it is a file name."""
    control: bool = False
    """Commands may be sent. Off: the source is read-only, because watching must never switch anything."""
    poll_s: float = Field(default=60.0, ge=1, le=86_400)
    """Time between two polls, s."""
    safety: CommandSafety = Field(default_factory=CommandSafety.defaults)
    """The rules commands have to pass."""
    alarms: AlarmSettings = Field(default_factory=AlarmSettings.defaults)
    """When to raise an alarm."""

    RECORDED: ClassVar[Sequence[str]] = ("alarms",)
    """Settings that a replay needs: written into recordings, so nothing secret."""
    IN_REPLAY: ClassVar[Mapping[str, Any]] = {}
    """What stands, in a replay, where settings are required that no recording holds."""

    def for_recording(self) -> dict[str, Any]:
        """What a recording holds of the settings."""
        return self.model_dump(mode="json", include=set(self.RECORDED), exclude_defaults=True)

    @classmethod
    def replayed(cls, name: str, recorded: Mapping[str, Any]) -> Self:
        """Settings for a replay, from what `for_recording` told.

        Raises:
            ValueError: they do not fit; for instance another version recorded them.
        """
        import json

        known = {key: recorded[key] for key in cls.RECORDED if key in recorded}
        # As JSON: it has neither tuples nor dates, and the models are strict.
        return cls.model_validate_json(json.dumps({**cls.IN_REPLAY, **known, "name": name}))

    def warnings(self) -> tuple[str, ...]:
        """Sentences about settings that work but are seldom meant."""
        return ()

    @property
    def endpoint(self) -> str:
        """Where the source is on the network, `scheme://host:port`; empty if that is nowhere."""
        return ""

    def for_test(self) -> Self:
        """The same for one look that is to leave no trace: nothing is stored."""
        return self


class UiConfig(_Table):
    """The live app."""

    theme: Text = "wattdeck-dark"
    """Name of a theme, shipped or your own."""
    language: Literal["auto", "en", "pt_BR", "ms"] = "auto"
    """Language of the screens and of the shell's words. `auto`: by LANG and the like. Data formats never change."""
    read_only: bool = False
    """Refuse every command of every source, like `--read-only`."""
    low_bandwidth: AutoBool = "auto"
    """Paint every 5 s, in 16 colours, without trends. `auto`: while the terminal cannot keep up."""
    mouse: AutoBool = "auto"
    """Take mouse events. `auto`: not over SSH, where they get in the way of copying text."""
    ascii: bool = False
    """Draw with ASCII only, for terminals and fonts without line and block characters."""
    paint_s: float = Field(default=1.0, ge=1, le=60)
    """Time between two paints of live values, s. Nothing is drawn faster than once a second."""
    keys: Annotated[dict[Text, Text], AfterValidator(_binding_keys)] = {}
    """Binding id -> key, for keys of your own."""


SINGLE_TABLES: Mapping[str, type[BaseModel]] = {"ui": UiConfig, "alarms": AlarmsConfig}
"""Tables of which there is one, beside the systems' own."""


def secrets_of(config: BaseModel) -> dict[str, SecretRef]:
    """The secrets of one table by key."""
    found = {key: getattr(config, key) for key in type(config).model_fields}
    return {key: value for key, value in found.items() if isinstance(value, SecretRef)}
