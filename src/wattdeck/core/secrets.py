"""References to secrets. Resolved when used, never shown: not in errors, not in logs, not by repr."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wattdeck.core.errors import ConfigError
from wattdeck.core.language import later, tr
from wattdeck.core.paths import others_can_read, private_dir, read_bounded, resolve_path
from wattdeck.core.redact import MASK, register_secret

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema
    from pydantic_core.core_schema import ValidationInfo

SECRET_BYTES_MAX = 16_384
"""No token or password is longer; a larger file is the wrong file."""
FORMS = later('{ env = "NAME" }, { file = "PATH" }, { keyring = "SERVICE/USER" } or text in quotes')

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SecretRef:
    """Where a secret is kept, or the secret itself if it stands in the configuration. Exactly one."""

    env: str | None = None
    """Name of an environment variable."""
    file: str | None = None
    """Path of a file that holds nothing else; one line end at its end is not part of the secret."""
    keyring: str | None = None
    """`SERVICE/USER` in the desktop's keyring."""
    plain: str | None = field(default=None, repr=False)
    """The secret."""

    def __post_init__(self) -> None:
        if sum(value is not None for value in (self.env, self.file, self.keyring, self.plain)) != 1:
            raise ValueError(tr("expected one of {forms}", forms=FORMS))

    @classmethod
    def parse(cls, raw: object, base: Path | None = None) -> SecretRef:
        """Read one of the four forms. No error repeats what was written: it may be the secret.

        Args:
            raw: Text or a table of one key, as TOML gives it.
            base: The directory that a relative `file` is relative to.

        Raises:
            ValueError: it is none of the forms.
        """
        if isinstance(raw, SecretRef):
            return raw
        if isinstance(raw, str):
            if not raw or len(raw.encode()) > SECRET_BYTES_MAX:
                raise ValueError(tr("the secret is too long") if raw else tr("the secret is empty"))
            return cls(plain=raw)
        if isinstance(raw, Mapping) and len(raw) == 1:
            kind, target = next(iter(raw.items()))
            if kind in ("env", "file", "keyring") and isinstance(target, str):
                return cls(**{kind: _target(kind, target, base)})
        raise ValueError(tr("expected {forms}", forms=FORMS))

    def reveal(self) -> str:
        """The secret, looked up now and from now on removed from logs. May block for a moment on a keyring.

        Raises:
            ConfigError: there is nothing behind the reference, or nothing usable.
        """
        if self.env is not None:
            value = _from_variable(self.env)
        elif self.file is not None:
            value = _from_file(Path(self.file))
        elif self.keyring is not None:
            value = _from_keyring(self.keyring)
        else:
            value = self.plain or ""
        if _CONTROL.search(value):
            raise ConfigError(tr("{place}: the secret holds a line break or another control character", place=self))
        register_secret(value)
        return value

    def exposure(self) -> str:
        """A sentence if the file behind the reference can be read by other users; else empty."""
        if self.file is None:
            return ""
        try:
            exposed = others_can_read(Path(self.file).stat())
        except OSError:
            return ""
        return tr("{secret} can be read by other users; chmod 600 it", secret=self) if exposed else ""

    def shown(self) -> dict[str, str] | str:
        """The form the configuration writes it in, with a plain secret masked."""
        found = {"env": self.env, "file": self.file, "keyring": self.keyring}
        return {kind: target for kind, target in found.items() if target is not None} or MASK

    def __str__(self) -> str:
        if self.env is not None:
            return tr("environment variable {env}", env=self.env)
        if self.file is not None:
            return tr("secret file {file}", file=self.file)
        return (
            tr("keyring entry {keyring}", keyring=self.keyring)
            if self.keyring is not None
            else tr("secret in the configuration")
        )

    def __repr__(self) -> str:
        return f"SecretRef({self.shown()})"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        del source, handler

        def validate(raw: object, info: ValidationInfo) -> SecretRef:
            return cls.parse(raw, (info.context or {}).get("base"))

        return core_schema.with_info_plain_validator_function(
            validate,
            serialization=core_schema.plain_serializer_function_ser_schema(cls.shown),
        )


def _target(kind: str, target: str, base: Path | None) -> str:
    """Check what a reference points at, as far as that can be done without looking it up."""
    if kind == "file":
        return str(resolve_path(target, base))
    if kind == "env":
        if not _VARIABLE.fullmatch(target):
            raise ValueError(tr("env takes the name of an environment variable, without $"))
        return target
    service, _, user = target.rpartition("/")
    if not service or not user or _CONTROL.search(target):
        raise ValueError(tr("keyring takes SERVICE/USER"))
    return target


def _from_variable(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise ConfigError(tr("environment variable {name} is not set", name=name))
    if not value:
        raise ConfigError(tr("environment variable {name} is empty", name=name))
    return value


def _from_file(path: Path) -> str:
    try:
        data, _ = read_bounded(path, SECRET_BYTES_MAX)
    except OSError as error:
        raise ConfigError(
            tr("secret file {path} cannot be read: {reason}", path=path, reason=error.strerror or error)
        ) from None
    if len(data) > SECRET_BYTES_MAX:
        raise ConfigError(
            tr("secret file {path} is larger than {most} bytes; wrong file?", path=path, most=SECRET_BYTES_MAX)
        )
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ConfigError(tr("secret file {path} is not UTF-8 text", path=path)) from None
    value = text.removesuffix("\n").removesuffix("\r")
    if not value:
        raise ConfigError(tr("secret file {path} is empty", path=path))
    return value


def _from_keyring(entry: str) -> str:
    service, _, user = entry.rpartition("/")
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        raise ConfigError(
            tr("keyring entry {entry} needs the extra `keyring`: pip install 'wattdeck[keyring]'", entry=entry)
        ) from None
    try:
        value: str | None = keyring.get_password(service, user)
    except Exception as error:  # backends raise what their platform raises
        raise ConfigError(
            tr("keyring entry {entry}: the keyring failed with {error}", entry=entry, error=type(error).__name__)
        ) from None
    if not value:
        empty = tr("keyring entry {entry} is empty", entry=entry)
        raise ConfigError(empty if value == "" else tr("keyring entry {entry} does not exist", entry=entry))
    return value


def store_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all.

    Raises:
        ConfigError: it could not be written; what was there before is untouched.
    """
    target = Path(os.path.realpath(path))
    private_dir(target.parent)
    temporary: str | None = None
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
        temporary = None
    except OSError as error:
        raise ConfigError(
            tr("{target} cannot be written: {reason}", target=target, reason=error.strerror or error)
        ) from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
