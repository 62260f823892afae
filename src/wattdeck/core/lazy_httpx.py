"""Imports httpx and what is below it without the parts that a start does not need: half of the time."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import cast

_ABSENT = cast(ModuleType, None)
"""In `sys.modules`, None makes an import fail at once, as if the module were not installed."""


def prepare_httpx() -> None:
    """Make `import httpx` cheap; call it before that statement. Does nothing if httpx is loaded already.

    httpx runs without its command line by design: it is the optional extra `httpx[cli]`, whose import may
    fail. `httpx._main` itself can still be imported by others afterwards.
    """
    if _load_without("httpx", "httpx._main"):
        _remember_absent("sniffio")


def prepare_httpcore() -> None:
    """The same for httpcore and HTTP/2: call it before the first connection.

    HTTP/2 is its optional extra, and looked for again where a connection settles on it.
    """
    _load_without("httpcore", "h2")


def _load_without(name: str, extra: str) -> bool:
    """Load a package as if an optional part of it were not installed; False if it is loaded already."""
    if name in sys.modules:
        return False
    hidden = extra not in sys.modules
    if hidden:
        sys.modules[extra] = _ABSENT
    try:
        importlib.import_module(name)
    finally:
        if hidden:
            del sys.modules[extra]
    return True


def _remember_absent(name: str) -> None:
    """Let repeated tries to import a module that is not installed fail at once.

    httpcore tries sniffio several times per request; each failure searches the whole path (0.1 ms and more).
    """
    if name not in sys.modules and importlib.util.find_spec(name) is None:
        sys.modules[name] = _ABSENT
