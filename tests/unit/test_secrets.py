"""Secret references: resolved when used, never shown."""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from pydantic import BaseModel

from wattdeck.core.errors import ConfigError
from wattdeck.core.redact import redact
from wattdeck.core.secrets import SECRET_BYTES_MAX, SecretRef, store_private

SECRET = "eyJ-a-very-secret-token"


class Holder(BaseModel):
    token: SecretRef | None = None


def keyring_of(get_password: Callable[[str, str], str | None]) -> SimpleNamespace:
    return SimpleNamespace(get_password=get_password)


def test_a_variable_is_looked_up_at_use_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPAN_TOKEN", raising=False)
    ref = SecretRef.parse({"env": "SPAN_TOKEN"})
    with pytest.raises(ConfigError, match="environment variable SPAN_TOKEN is not set"):
        ref.reveal()
    monkeypatch.setenv("SPAN_TOKEN", "")
    with pytest.raises(ConfigError, match="environment variable SPAN_TOKEN is empty"):
        ref.reveal()
    monkeypatch.setenv("SPAN_TOKEN", SECRET)
    assert ref.reveal() == SECRET


@pytest.mark.parametrize(
    ("content", "secret"),
    [(b"tok\n", "tok"), (b"tok\r\n", "tok"), (b"tok", "tok"), ("påss wörd ".encode(), "påss wörd ")],
)
def test_a_file_gives_its_text_without_the_last_line_end(tmp_path: Path, content: bytes, secret: str) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    assert SecretRef(file=str(path)).reveal() == secret


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"secret\n\n", "line break"),
        (b"\xff\xfesecret", "is not UTF-8"),
        (b"secret" * SECRET_BYTES_MAX, "is larger than"),
    ],
)
def test_a_file_that_holds_no_usable_secret_is_named_and_not_shown(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=problem) as caught:
        SecretRef(file=str(path)).reveal()
    assert str(path) in str(caught.value)
    assert "secret\\n" not in str(caught.value) and "secretsecret" not in str(caught.value)


def test_a_file_that_is_missing_or_no_file_is_named(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, problem in (
        (tmp_path / "gone", "No such file"),
        (tmp_path, "not a regular file"),
        (pipe, "not a regular file"),
    ):
        with pytest.raises(ConfigError, match=problem) as caught:
            SecretRef(file=str(path)).reveal()
        assert str(path) in str(caught.value)


def test_a_relative_file_is_beside_the_configuration_and_tilde_is_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert SecretRef.parse({"file": "token"}, tmp_path).file == str(tmp_path / "token")
    assert SecretRef.parse({"file": "~/token"}, tmp_path).file == str(tmp_path / "home" / "token")
    assert SecretRef.parse({"file": "/run/token"}, tmp_path).file == "/run/token"


def test_a_file_others_can_read_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(SECRET)
    ref = SecretRef(file=str(path))
    path.chmod(0o600)
    assert ref.exposure() == ""
    for mode in (0o604, 0o640):
        path.chmod(mode)
        assert ref.exposure() == f"secret file {path} can be read by other users; chmod 600 it"
    assert SecretRef(file=str(tmp_path / "gone")).exposure() == ""
    assert SecretRef(env="X").exposure() == ""


def test_a_keyring_entry_is_asked_for_by_service_and_user(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {("https://ccee.example/api", "ana"): SECRET, ("blank", "ana"): ""}
    monkeypatch.setitem(sys.modules, "keyring", keyring_of(lambda service, user: entries.get((service, user))))
    assert SecretRef.parse({"keyring": "https://ccee.example/api/ana"}).reveal() == SECRET
    with pytest.raises(ConfigError, match="keyring entry wattdeck/bob does not exist"):
        SecretRef(keyring="wattdeck/bob").reveal()
    with pytest.raises(ConfigError, match="keyring entry blank/ana is empty"):
        SecretRef(keyring="blank/ana").reveal()


def test_a_keyring_that_fails_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(service: str, user: str) -> str | None:
        raise RuntimeError(f"no backend, {SECRET}")

    monkeypatch.setitem(sys.modules, "keyring", keyring_of(fail))
    with pytest.raises(ConfigError, match="the keyring failed with RuntimeError") as caught:
        SecretRef(keyring="wattdeck/ana").reveal()
    assert SECRET not in str(caught.value)


def test_without_the_keyring_package_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(ConfigError, match=r"pip install 'wattdeck\[keyring\]'"):
        SecretRef(keyring="wattdeck/ana").reveal()


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "x" * (SECRET_BYTES_MAX + 1),
        12345,
        ["secret-value"],
        {},
        {"env": "A", "file": "b"},
        {"variable": "secret-value"},
        {"env": 5},
        {"env": "$secret-value"},
        {"env": ""},
        {"file": ""},
        {"file": "secret-value\0"},
        {"keyring": "secret-value"},
        {"keyring": "/secret-value"},
        {"keyring": "secret-value/"},
    ],
)
def test_what_is_no_reference_is_refused_without_repeating_it(raw: object) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        SecretRef.parse(raw)
    assert "secret-value" not in str(caught.value)
    assert "12345" not in str(caught.value)


def test_exactly_one_form_can_be_given() -> None:
    for forms in ({}, {"env": "A", "plain": "b"}):
        with pytest.raises(ValueError, match="expected one of"):
            SecretRef(**forms)


def test_the_secret_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    ref = SecretRef(plain=SECRET)
    holder = Holder(token=ref)
    logging.getLogger("test").warning("%s %r %s", ref, ref, holder)
    seen = f"{ref} {ref!r} {holder} {holder!r} {holder.model_dump()} {holder.model_dump_json()} {caplog.text}"
    assert SECRET not in seen
    assert json.loads(holder.model_dump_json()) == {"token": "***"}
    assert ref.reveal() == SECRET


def test_a_reference_shows_where_the_secret_is() -> None:
    for raw, words in (
        ({"env": "SPAN_TOKEN"}, "environment variable SPAN_TOKEN"),
        ({"file": "/run/token"}, "secret file /run/token"),
        ({"keyring": "wattdeck/ana"}, "keyring entry wattdeck/ana"),
    ):
        ref = SecretRef.parse(raw)
        assert str(ref) == words
        assert ref.shown() == raw
        assert SecretRef.parse(ref.shown()) == ref


def test_a_revealed_secret_is_removed_from_later_text() -> None:
    SecretRef(plain="kept-from-the-log").reveal()
    assert "kept-from-the-log" not in redact("sent kept-from-the-log to the panel")


def test_a_stored_file_is_private_and_so_are_the_directories_made_for_it(tmp_path: Path) -> None:
    path = tmp_path / "state" / "tokens" / "home"
    store_private(path, SECRET)
    assert path.read_text() == SECRET
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.parent.parent.stat().st_mode) == 0o700


def test_storing_replaces_an_exposed_file_by_a_private_one(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old")
    path.chmod(0o644)
    store_private(path, SECRET)
    assert path.read_text() == SECRET
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_link_is_kept_and_its_target_replaced(tmp_path: Path) -> None:
    target, link = tmp_path / "dotfiles" / "token", tmp_path / "token"
    target.parent.mkdir()
    target.write_text("old")
    link.symlink_to(target)
    store_private(link, SECRET)
    assert link.is_symlink() and target.read_text() == SECRET


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "token"
    path.write_text("old")

    def no_space(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(ConfigError, match="cannot be written: No space left on device") as caught:
        store_private(path, SECRET)
    assert SECRET not in str(caught.value)
    assert [entry.name for entry in tmp_path.iterdir()] == ["token"]
    assert path.read_text() == "old"
