"""What a registration at a panel left us with: one private file per panel (span-v2.md 2.8)."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from wattdeck.core.errors import BadAnswer, ConfigError
from wattdeck.core.language import tr
from wattdeck.core.paths import credentials_dir, private_dir, read_bounded
from wattdeck.core.redact import register_secret
from wattdeck.core.secrets import store_private
from wattdeck.systems.span.ebus import tls
from wattdeck.systems.span.ebus.answers import is_serial
from wattdeck.systems.span.ebus.stream import Endpoint

SCHEMA = "wattdeck.span-credentials/1"
FILE_BYTES_MAX = 65_536


class Privilege(StrEnum):
    """What our token may do. The panel never says; it follows from how we came by it (span-v2.md 2.4)."""

    FULL = "full"
    """Registered with the passphrase."""
    REDUCED = "reduced"
    """Registered at the door: no list of clients, no rotation."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Everything needed to come back to one panel. Secrets never show in a `repr`."""

    serial: str
    address: str
    """As the user typed it."""
    client_name: str
    token: str = field(repr=False)
    issued_at_ms: int
    privilege: Privilege
    broker_user: str
    """The serial, exactly as topics carry it."""
    broker_password: str = field(repr=False)
    broker_host: str
    """The name the panel gives its broker; the typed address wins over it."""
    hostname: str
    mqtts_port: int
    ws_port: int
    wss_port: int
    ca_pem: str = field(repr=False)
    ca_sha256: str
    """Fingerprint of the pinned authority: lower-case hex pairs with colons."""
    passphrase: str | None = field(default=None, repr=False)
    """Only if the user agreed to keep it."""
    firmware: str = ""
    """As last seen."""
    data_model: str = ""
    """`flat`, `tree`, or empty: as last seen."""

    def endpoint(self, host: str, port: int | None = None, *, websocket: bool = False) -> Endpoint:
        """Where the broker is and how to get in.

        Args:
            host: As configured: what the panel advertises may not be found from here.
            port: None: as the panel said.
        """
        said = self.wss_port if websocket else self.mqtts_port
        names = tuple(name for name in (self.hostname, self.broker_host) if name)
        return Endpoint(host, port or said, self.broker_user, self.broker_password, self.ca_pem, names, websocket)


def token_words(privilege: Privilege) -> str:
    """What kind of token it is."""
    match privilege:
        case Privilege.FULL:
            return tr("a full token")
        case Privilege.REDUCED:
            return tr("a reduced token")
        case _:
            return tr("a token of unknown kind")


def same_keys(one: Credentials, other: Credentials) -> bool:
    """Whether two registrations let in alike; what was last seen of the panel does not count."""
    return replace(one, firmware="", data_model="") == replace(other, firmware="", data_model="")


def path_of(state_dir: Path, serial: str) -> Path:
    """Where the credentials of a panel are kept.

    Raises:
        ConfigError: that cannot be a serial number.
    """
    if not is_serial(serial):
        raise ConfigError(tr("{serial} cannot be the serial number of a panel", serial=repr(serial[:80])))
    return _folder(state_dir) / f"{serial.lower()}.json"


def typed(host: str, port: int) -> str:
    """An address as a person types it: the port only if it is not the usual one."""
    if port in (80, 443):
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def save(state_dir: Path, credentials: Credentials) -> Path:
    """Keep them, in place of what was kept for this panel; returns where.

    Raises:
        ConfigError: they could not be written; what was there before is untouched.
    """
    _register(credentials)
    path = path_of(state_dir, credentials.serial)
    store_private(path, json.dumps({"schema": SCHEMA, **asdict(credentials)}, indent=1) + "\n")
    return path


def prepare(state_dir: Path) -> None:
    """Make sure that there is a place to keep them, before a registration is spent.

    Raises:
        ConfigError: nothing can be written there.
    """
    folder = private_dir(_folder(state_dir))
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ConfigError(
            tr("{target} cannot be written: {reason}", target=folder, reason=error.strerror or error)
        ) from None


def load(state_dir: Path, serial: str) -> Credentials | None:
    """What is kept for a panel; None: nothing.

    Raises:
        ConfigError: the file cannot be used; it says which and what to do.
    """
    try:
        return _read(path_of(state_dir, serial))
    except FileNotFoundError:
        return None


def find(state_dir: Path, address: str) -> Credentials | None:
    """What was last kept for a panel at this address, as `typed` makes it; None: nothing.

    An address without a port also finds a panel there that has another one.

    Raises:
        ConfigError: nothing was found among the files that can be used, and there are others, or none can be looked at.
    """
    found: list[tuple[bool, int, Credentials]] = []
    damaged: ConfigError | None = None
    for path in _files(state_dir):
        try:
            credentials = _read(path)
            kept_ns = path.stat().st_mtime_ns
        except ConfigError as error:
            damaged = error
            continue
        except OSError:  # gone meanwhile
            continue
        exact = credentials.address.casefold() == address.casefold()
        if exact or _host_of(credentials.address).casefold() == address.casefold():
            found.append((exact, kept_ns, credentials))
    if found:
        return max(found, key=lambda each: each[:2])[2]
    if damaged is not None:
        raise damaged
    return None


def forget(state_dir: Path, serial: str) -> None:
    """Remove what is kept for a panel; nothing kept is no error."""
    try:
        path_of(state_dir, serial).unlink(missing_ok=True)
    except OSError as error:
        raise _unusable(path_of(state_dir, serial), error.strerror or str(error)) from None


def _folder(state_dir: Path) -> Path:
    return credentials_dir(state_dir, "span")


def _files(state_dir: Path) -> list[Path]:
    """Every file of credentials, in the order of their names; raises ConfigError if that cannot be told."""
    folder = _folder(state_dir)
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".json")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unusable(folder, error.strerror or str(error)) from None


def _host_of(address: str) -> str:
    """An address without its port."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def _read(path: Path) -> Credentials:
    """What a file holds; raises FileNotFoundError if there is none, ConfigError if it cannot be used."""
    try:
        data, _ = read_bounded(path, FILE_BYTES_MAX)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from None
    try:
        raw = json.loads(data) if len(data) <= FILE_BYTES_MAX else None
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict) or not isinstance(raw.get("schema"), str):
        raise _unusable(path, tr("it is damaged"))
    if raw["schema"] != SCHEMA:
        sentence = tr(
            "{path}: these credentials were written by another version of wattdeck; use that version, or move the file "
            "away and register again with `wattdeck span register`",
            path=path,
        )
        raise ConfigError(sentence)
    try:
        credentials = Credentials(**dict(_values(raw)))
        whole = tls.fingerprint(credentials.ca_pem) == credentials.ca_sha256
        whole = whole and credentials.serial.lower() == path.stem and is_serial(credentials.serial)
    except (TypeError, ValueError, BadAnswer):
        whole = False
    if not whole:
        raise _unusable(path, tr("it is damaged"))
    _register(credentials)
    return credentials


def _values(raw: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The fields of `Credentials`; raises TypeError or ValueError for what is of another kind."""
    for each in fields(Credentials):
        if each.name not in raw:
            continue  # the constructor misses what it needs
        value = raw[each.name]
        if each.name == "privilege":
            value = Privilege(value)
        elif each.type == "int":
            if type(value) is not int or (each.name.endswith("_port") and not 0 < value < 65_536):
                raise ValueError(each.name)
        elif not isinstance(value, str) and not (value is None and each.name == "passphrase"):
            raise TypeError(each.name)
        yield each.name, value


def _register(credentials: Credentials) -> None:
    for secret in (credentials.token, credentials.broker_password, credentials.passphrase):
        register_secret(secret)


def _unusable(path: Path, reason: str) -> ConfigError:
    return ConfigError(
        tr(
            "{path}: the credentials kept there cannot be used ({reason}); put the right file back, or move it away "
            "and register again with `wattdeck span register`",
            path=path, reason=reason,
        )
    )  # fmt: skip
