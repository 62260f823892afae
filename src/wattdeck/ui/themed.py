"""An app that wears the deck's themes."""

from __future__ import annotations

from pathlib import Path

from wattdeck.core.clock import Clock
from wattdeck.core.language import tr
from wattdeck.ui.terminal import TerminalApp
from wattdeck.ui.theme import (
    DEFAULT_THEME,
    LIGHT_ON_THE_LINE,
    Palette,
    all_themes,
    find_theme,
    meaning_defaults,
    theme_folders,
)


class ThemedApp(TerminalApp):
    """Chooses a theme for the terminal there is, and turns meanings into styles."""

    def __init__(
        self,
        clock: Clock,
        *,
        low_bandwidth: bool,
        theme: str | None,
        configured_theme: str | None,
        user_themes: Path | None,
        picture: bool,
    ) -> None:
        """`theme` is a wish that wins; `configured_theme` gives way to a terminal with few colours."""
        super().__init__(clock, low_bandwidth=low_bandwidth)
        self._wished_theme = theme
        self._user_themes = user_themes
        self._picture = picture
        self._palette: Palette | None = None
        self._parsed_variables: dict[str, str] = {}
        self._start_theme(configured_theme)

    @property
    def palette(self) -> Palette:
        """Styles by meaning under the theme in force."""
        if self._palette is None:
            self._palette = Palette(self.theme_variables, self.current_theme.background or "#121416")
        return self._palette

    def say(self, sentence: str, *, trouble: bool = False) -> None:
        """Tell the person something, literally: no part of it is read as markup."""
        self.notify(sentence, severity="warning" if trouble else "information", timeout=8, markup=False)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return meaning_defaults(self.current_theme)

    def _start_theme(self, configured_theme: str | None) -> None:
        name = self._wished_theme
        if name is None:
            few = self._few_colours or self.low_bandwidth
            name = LIGHT_ON_THE_LINE if few else configured_theme or DEFAULT_THEME
        if not self._use_theme(name):
            self._use_theme(DEFAULT_THEME)

    def take_theme_of_settings(self, name: str) -> None:
        """Wear the configured theme, unless another was wished for or the terminal or the line cannot take it."""
        if self._wished_theme is not None:
            return
        if self.low_bandwidth:
            self._use_theme(LIGHT_ON_THE_LINE)
        elif not self._few_colours:
            self._use_theme(name)

    @property
    def _few_colours(self) -> bool:
        """The terminal has sixteen colours or fewer. Without a terminal, a picture has them all."""
        return not self._picture and self.console.color_system in ("standard", None)

    def wear(self, name: str) -> None:
        """Show another theme now; nothing is kept of it."""
        self._use_theme(name)

    def _use_theme(self, name: str) -> bool:
        if name not in self.available_themes:
            try:
                theme = find_theme(name, theme_folders(self._user_themes))
            except ValueError as error:
                self.call_later(self.say, tr("{reason}. The default theme is used.", reason=error), trouble=True)
                return False
            if theme is None:
                self.call_later(
                    self.say, tr("There is no theme {name!r}. The default theme is used.", name=name), trouble=True
                )
                return False
            self.register_theme(theme)
        self.theme = name
        return True

    def _watch_theme(self, theme_name: str) -> None:
        self._palette = None
        super()._watch_theme(theme_name)

    def refresh_css(self, animate: bool = True) -> None:
        """Parse the stylesheets again only if a colour changed: at the start Textual asks three times for the same."""
        variables = self.get_css_variables()
        if variables != self._parsed_variables:
            self._parsed_variables = variables
            super().refresh_css(animate)

    def action_next_theme(self) -> None:
        """Walk through the shipped themes and the user's own."""
        themes, problems = all_themes(theme_folders(self._user_themes))
        for problem in problems:
            self.say(problem, trouble=True)
        for theme in themes:
            self.register_theme(theme)
        names = [theme.name for theme in themes]
        at = names.index(self.theme) if self.theme in names else -1
        self.theme = names[(at + 1) % len(names)]
        self.say(tr("Theme {name}", name=self.theme))
