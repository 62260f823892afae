"""The settings screen on a configuration that is not there yet."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from wattdeck.shell.context import AppContext


def add_first_source(app: AppContext, path: Path) -> bool:
    """Let the person write a first configuration. Whether there is one now."""
    from wattdeck.ui.settings_app import SettingsApp

    deck = SettingsApp(path, app.systems, theme=app.theme)
    mouse = not (os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"))
    asyncio.run(deck.run_async(mouse=mouse))
    return path.exists()
