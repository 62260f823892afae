"""Fixtures every test may use."""

from __future__ import annotations

import gc
import gettext
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import ahead
from wattdeck.core import language, redact

if TYPE_CHECKING:
    from broker import PanelBroker

# Bytecode is kept even where it usually is not: many tests start Python, and each would compile the deck anew.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# While tests are collected next to nothing is garbage.
gc.disable()


def _choose_profile() -> None:
    """What CI says of a commit is the same each time; new examples are looked for at the desk."""
    from hypothesis import settings

    # A machine that does other work as well is slow at times, which is no one's mistake.
    settings.register_profile("desk", deadline=None)
    settings.register_profile("ci", derandomize=True, deadline=None)
    settings.load_profile("ci" if os.environ.get("CI") else "desk")


_choose_profile()


def pytest_collection_finish() -> None:
    """Thousands of tests live until the end: what looks for garbage need not look at them again and again.

    Nor need it look so often: an app makes hundreds of thousands of objects, and most of them go without its help.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    gc.enable()


def pytest_configure(config: pytest.Config) -> None:
    """Compile the catalogues if a translation is newer, and what else all need: once, before the workers start."""
    if hasattr(config, "workerinput"):
        return
    ahead.make(config, getattr(config.option, "numprocesses", None) or 0)
    compiled = {path.parent: path for path in language.FOLDER.glob("*/LC_MESSAGES/*.mo")}
    for source in language.FOLDER.glob("*/*.po"):
        made = compiled.get(source.parent / "LC_MESSAGES")
        if made is None or made.stat().st_mtime < source.stat().st_mtime:
            sys.path.insert(0, str(Path(__file__).parents[1]))
            from hatch_build import compile_catalogues

            compile_catalogues(language.FOLDER)
            return


def pytest_xdist_auto_num_workers() -> int:
    """One worker more than processors: at any time some test waits for a terminal, a broker or a disk."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return processors + 1


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """Whatever language a test chose, the next one starts with English."""
    language.use("en")
    yield
    language.use("en")
    gettext.textdomain("messages")


@pytest.fixture(autouse=True)
def _own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test takes for a secret is an ordinary word in the next."""
    monkeypatch.setattr(redact, "_secrets", set(redact._secrets))


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as the deck does."""
    return "asyncio"


@pytest.fixture
def deck_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own for an app: folders, time zone, locale and terminal that are the same everywhere."""
    for name in ("NO_COLOR", "SSH_CONNECTION", "SSH_TTY", "WATTDECK_CONFIG", "LC_ALL", "LC_CTYPE", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    for name in ("CONFIG", "STATE", "DATA", "CACHE", "RUNTIME"):
        suffix = "DIR" if name == "RUNTIME" else "HOME"
        monkeypatch.setenv(f"XDG_{name}_{suffix}", str(tmp_path / name.lower()))
    for name, value in {
        "LANG": "C.UTF-8",
        "LANGUAGE": "",
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "TZ": "UTC",
    }.items():
        monkeypatch.setenv(name, value)
    time.tzset()
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    yield tmp_path / "state"
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(scope="session")
def _worker_broker() -> Iterator[PanelBroker]:
    from broker import start_broker

    started = start_broker()
    yield started
    started.mosquitto.close()


@pytest.fixture
def panel_broker(_worker_broker: PanelBroker) -> Iterator[PanelBroker]:
    """A real broker with TLS, shared by the tests of a worker; whatever one did to it, it runs for the next."""
    yield _worker_broker
    _worker_broker.mosquitto.thaw()
    _worker_broker.mosquitto.start()
