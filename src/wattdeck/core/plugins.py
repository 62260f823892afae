"""Whether there are plug-ins at all: a question cheap enough for every start."""

from __future__ import annotations

import os
import sys

ENTRY_POINT_GROUP = "wattdeck.systems"
_OWN = "wattdeck-"
"""How our own metadata begins; a version number follows."""


def plugins_installed() -> bool:
    """Whether any installed package but this one declares a system.

    A look at the files alone: asking the packaging library costs more than the rest of a short command.
    """
    header = f"[{ENTRY_POINT_GROUP}]".encode()
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")  # noqa: PTH208  pathlib costs more than the rest of this module
        except OSError:
            continue
        for name in names:
            ours = name.startswith(_OWN) and name[len(_OWN) :][:1].isdigit()
            if ours or not name.endswith((".dist-info", ".egg-info")):
                continue
            if header in _bytes(f"{folder or '.'}/{name}/entry_points.txt"):
                return True
    return False


def _bytes(path: str) -> bytes:
    """What is in a file; nothing if it cannot be read."""
    try:
        with open(path, "rb") as stream:  # noqa: PTH123  pathlib costs more than the rest of this module
            return stream.read()
    except OSError:
        return b""
