"""Imports httpx without its command line, which would load rich, pygments and click: 40 % of the time."""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType
from typing import cast

_CLI = "httpx._main"
_ABSENT = cast(ModuleType, None)
"""In `sys.modules`, None makes an import fail at once, as if the module were not installed."""


def prepare_httpx() -> None:
    """Make `import httpx` cheap; call it before that statement. Does nothing if httpx is loaded already.

    httpx runs without its command line by design: it is the optional extra `httpx[cli]`, whose import may
    fail. `httpx._main` itself can still be imported by others afterwards.
    """
    if "httpx" in sys.modules:
        return
    sys.modules[_CLI] = _ABSENT
    try:
        import httpx  # noqa: F401  loaded here for its effect on sys.modules
    finally:
        sys.modules.pop(_CLI, None)
    _remember_absent("sniffio")


def _remember_absent(name: str) -> None:
    """Let repeated tries to import a module that is not installed fail at once.

    httpcore tries sniffio several times per request; each failure searches the whole path (0.1 ms and more).
    """
    if name not in sys.modules and importlib.util.find_spec(name) is None:
        sys.modules[name] = _ABSENT
