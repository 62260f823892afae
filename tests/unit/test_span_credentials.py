"""What a registration left: one private file per panel, whole or an error that says what to do (span-v2.md 2.8)."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from span_panel import SERIAL, authority, pem
from wattdeck.core.errors import ConfigError
from wattdeck.core.redact import redact
from wattdeck.systems.span.ebus import credentials as kept
from wattdeck.systems.span.ebus import tls
from wattdeck.systems.span.ebus.credentials import Credentials, Privilege

CA_PEM = pem(authority())
MINE = Credentials(
    serial=SERIAL,
    address="192.0.2.7",
    client_name="wattdeck-1a2b3c4d",
    token="tok-7c1de0",
    issued_at_ms=1774000000000,
    privilege=Privilege.FULL,
    broker_user=SERIAL,
    broker_password="brk-55aa01",
    broker_host="span.local",
    hostname="span.local",
    mqtts_port=8883,
    ws_port=9001,
    wss_port=9002,
    ca_pem=CA_PEM,
    ca_sha256=tls.fingerprint(CA_PEM),
    passphrase="phr-90bf22",
    firmware="spanos2/r202627/06",
    data_model="flat",
)


def other(serial: str, address: str = "192.0.2.7") -> Credentials:
    return replace(MINE, serial=serial, address=address)


def test_what_is_kept_comes_back_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = kept.save(tmp_path, MINE)
    assert kept.load(tmp_path, SERIAL) == MINE == kept.load(tmp_path, SERIAL.upper())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]


def test_no_secret_shows_in_a_repr_or_survives_redaction(tmp_path: Path) -> None:
    secrets = ("tok-7c1de0", "brk-55aa01", "phr-90bf22")
    kept.save(tmp_path, MINE)
    assert not [secret for secret in secrets if secret in repr(MINE) or secret in redact(f"it was {secret}!")]


def test_a_panel_nobody_registered_at_has_none(tmp_path: Path) -> None:
    assert kept.load(tmp_path, SERIAL) is None and kept.find(tmp_path, "192.0.2.7") is None
    kept.forget(tmp_path, SERIAL)


def test_forgetting_takes_one_panel_only(tmp_path: Path) -> None:
    kept.save(tmp_path, MINE)
    kept.save(tmp_path, other("nt-2"))
    kept.forget(tmp_path, SERIAL)
    assert kept.load(tmp_path, SERIAL) is None and kept.load(tmp_path, "nt-2") is not None


def test_the_newest_of_an_address_is_found(tmp_path: Path) -> None:
    for age, serial in enumerate(("nt-new", "nt-old")):
        os.utime(kept.save(tmp_path, other(serial, "Panel.lan")), ns=(0, 10**18 - age))
    kept.save(tmp_path, other("nt-else", "192.0.2.9"))
    found = kept.find(tmp_path, "panel.LAN")
    assert found is not None and found.serial == "nt-new"


def test_two_panels_on_one_machine_are_told_apart_by_port(tmp_path: Path) -> None:
    kept.save(tmp_path, other("nt-a", kept.typed("127.0.0.1", 8081)))
    kept.save(tmp_path, other("nt-b", kept.typed("127.0.0.1", 8082)))
    found = [kept.find(tmp_path, address) for address in ("127.0.0.1:8081", "127.0.0.1:8082", "127.0.0.1:8083")]
    assert [each and each.serial for each in found] == ["nt-a", "nt-b", None]
    assert kept.find(tmp_path, "127.0.0.1") is not None


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [("panel", 80, "panel"), ("panel", 443, "panel"), ("panel", 81, "panel:81"), ("fe80::1", 81, "[fe80::1]:81")],
)
def test_an_address_as_it_is_typed(tmp_path: Path, host: str, port: int, address: str) -> None:
    assert kept.typed(host, port) == address
    kept.save(tmp_path, other("nt-a", address))
    assert kept.find(tmp_path, host) is not None


def damaged(**changes: Any) -> str:
    return json.dumps({"schema": kept.SCHEMA, **asdict(MINE), **changes})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        "\x00" * 10,
        "[" * 50_000,
        " " * 70_000 + "{}",
        json.dumps({"schema": kept.SCHEMA}),
        damaged(serial="nt-another"),
        damaged(serial="../../x"),
        damaged(token=None),
        damaged(mqtts_port="8883"),
        damaged(mqtts_port=0),
        damaged(mqtts_port=True),
        damaged(privilege="root"),
        damaged(passphrase=7),
        damaged(ca_pem="none"),
        damaged(ca_pem=pem(authority("other"))),
        damaged(ca_sha256="00:11"),
    ],
    ids=range(19),
)
def test_a_damaged_file_is_named_and_a_way_out_is_told(tmp_path: Path, text: str) -> None:
    path = kept.save(tmp_path, MINE)
    path.write_text(text)
    asks: tuple[Callable[[], object], ...] = (
        lambda: kept.load(tmp_path, SERIAL),
        lambda: kept.find(tmp_path, "192.0.2.7"),
    )
    for ask in asks:
        with pytest.raises(ConfigError, match="wattdeck span register") as caught:
            ask()
        told = str(caught.value)
        assert str(path) in told and "damaged" in told and "brk-55aa01" not in told


def test_a_file_of_another_version_is_not_guessed_at(tmp_path: Path) -> None:
    path = kept.save(tmp_path, MINE)
    path.write_text(damaged(schema="wattdeck.span-credentials/2"))
    with pytest.raises(ConfigError, match="another version of wattdeck"):
        kept.load(tmp_path, SERIAL)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = kept.save(tmp_path, MINE)
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigError, match=str(path)):
        kept.load(tmp_path, SERIAL)


def test_a_folder_that_cannot_be_looked_into_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    folder = kept.path_of(tmp_path, SERIAL).parent
    folder.parent.mkdir(parents=True)
    folder.write_text("in the way")
    asks: tuple[Callable[[], object], ...] = (
        lambda: kept.load(tmp_path, SERIAL),
        lambda: kept.find(tmp_path, "192.0.2.7"),
    )
    for ask in asks:
        with pytest.raises(ConfigError, match=str(folder)):
            ask()


def test_credentials_nobody_may_read_are_an_error_with_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> object:
        raise PermissionError(13, "Permission denied")

    kept.save(tmp_path, MINE)
    monkeypatch.setattr(Path, "stat", forbidden)
    monkeypatch.setattr(os, "open", forbidden)
    with pytest.raises(ConfigError, match="Permission denied"):
        kept.load(tmp_path, SERIAL)


def test_a_damaged_file_of_another_panel_hides_nothing(tmp_path: Path) -> None:
    kept.save(tmp_path, other("nt-2")).write_text("{")
    kept.save(tmp_path, MINE)
    found = kept.find(tmp_path, "192.0.2.7")
    assert found is not None and found.serial == SERIAL


def test_unknown_keys_of_the_file_are_left_alone(tmp_path: Path) -> None:
    path = kept.save(tmp_path, MINE)
    path.write_text(damaged(colour="blue"))
    assert kept.load(tmp_path, SERIAL) == MINE


@pytest.mark.parametrize("serial", ["", "..", "a/b", "a\x00b", "x" * 65, "-a"])
def test_what_cannot_be_a_serial_number_becomes_no_file_name(tmp_path: Path, serial: str) -> None:
    with pytest.raises(ConfigError):
        kept.load(tmp_path, serial)
    with pytest.raises(ConfigError):
        kept.save(tmp_path, other(serial))


def test_an_endpoint_goes_to_the_configured_host_and_the_ports_that_were_told() -> None:
    plain, secured = MINE.endpoint("panel.lan"), MINE.endpoint("panel.lan", websocket=True)
    assert (plain.host, plain.port, secured.port, secured.websocket) == ("panel.lan", 8883, 9002, True)
    assert plain.names == ("span.local", "span.local") and MINE.endpoint("panel.lan", 1234).port == 1234
