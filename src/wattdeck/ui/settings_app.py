"""The settings screen alone, for a first configuration: nothing runs beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.errors import ConfigError
from wattdeck.core.header import HeaderState
from wattdeck.core.settings_file import SettingsFile
from wattdeck.core.system import System
from wattdeck.core.units import Glyphs, glyphs
from wattdeck.ui.settings import SettingsScreen
from wattdeck.ui.settings_form import SettingsPlace
from wattdeck.ui.settings_probe import Look, look_at
from wattdeck.ui.themed import ThemedApp


class SettingsApp(ThemedApp):
    """Ends when the person goes back."""

    TITLE = "wattdeck"
    CSS_PATH = "base.tcss"
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        path: Path,
        systems: Mapping[str, System],
        *,
        theme: str | None = None,
        clock: Clock = SYSTEM_CLOCK,
        picture: bool = False,
        look: Look = look_at,
    ) -> None:
        """`look` tries a source."""
        super().__init__(
            clock, low_bandwidth=False, theme=theme, configured_theme=None, user_themes=path.parent / "themes",
            picture=picture,
        )  # fmt: skip
        self._path = path
        self._systems = systems
        self._look = look
        self.glyphs: Glyphs = glyphs(None)
        self.desk = None
        self.deck = None

    def on_mount(self) -> None:
        from wattdeck.ui.app import DeckApp
        from wattdeck.ui.help import bindings_of, screen_widgets

        self._catch_signals()
        try:
            file = SettingsFile(self._path, self._systems)
        except ConfigError as error:
            self.leave(2, str(error))
            return
        place = SettingsPlace(file, self._systems, user_themes=self._path.parent / "themes", look=self._look)
        screens = [system.screen() for system in self._systems.values()]
        classes = [kind for screen in screens if screen is not None for kind in (screen, *screen_widgets(screen))]
        screen = SettingsScreen(place, bindings_of(DeckApp, *classes), first=not file.exists)
        self.push_screen(screen, lambda _: self.leave(0, ""))

    def header_state(self, source: str) -> HeaderState:
        """What the header says: that this is wattdeck."""
        del source
        return HeaderState(clock=False)
