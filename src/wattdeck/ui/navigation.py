"""Which screens there are, by number and name, and the way from one to another. The app holds them as its modes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from wattdeck.core.reading import SourceId
from wattdeck.core.screens import EVENTS, OVERVIEW, OWN, screen_names, title_of
from wattdeck.core.system import System

if TYPE_CHECKING:
    from wattdeck.ui.app import DeckApp


class Navigation:
    """The screens of one app. Each is made when first shown."""

    def __init__(self, app: DeckApp, systems: Mapping[str, System], start: str | None) -> None:
        """Args:
        start: Where to begin; None: at the overview.
        """
        self._app = app
        self._systems = systems
        self._start = start
        self._made: set[str] = set()
        self._before_events = OVERVIEW

    def numbered(self) -> dict[int, str]:
        """Number -> name of each screen there is."""
        return dict(screen_names(self._systems_in_use(), self._systems))

    def titled(self) -> list[tuple[str, str, bool]]:
        """(key, title, current) of each screen there is."""
        current = self._app.current_mode
        return [
            (str(number), title_of(name, self._systems), name == current) for number, name in self.numbered().items()
        ]

    def kinds(self) -> Iterator[type[Screen[Any]]]:
        """The class of every screen there could be."""
        found = (self._kind_of(name) for name in (*OWN, *self._systems))
        return (kind for kind in found if kind is not None)

    def show(self, name: str) -> None:
        """Show a screen by its name: `overview`, `events`, or a system's."""
        if name not in self._made:
            kind = self._kind_of(name)
            if kind is None:
                return
            self._app.add_mode(name, kind)
            self._made.add(name)
        if name != self._app.current_mode:
            self._app.switch_mode(name)

    def begin(self) -> None:
        """Show the screen to start on."""
        self.show(self._start or OVERVIEW)

    def take_up(self) -> None:
        """The engine is up. The wanted screen may be of a system without a source: the overview says what there is."""
        if self._app.current_mode not in self.numbered().values():
            self.show(OVERVIEW)
        self._app.show_sources(getattr(self._app.screen_stack[0], "looked_at", ()))

    def go(self, number: int) -> None:
        """Show a screen by its number; the events remember where one was."""
        name = self.numbered().get(number)
        if name == EVENTS:
            self.show_events()
        elif name is not None:
            self.show(name)

    @property
    def at_events(self) -> bool:
        return self._app.current_mode == EVENTS

    def show_events(self) -> None:
        """Show what happened."""
        if not self.at_events:
            self._before_events = self._app.current_mode
            self.show(EVENTS)

    def leave_events(self) -> None:
        """Go back to where one was before the events."""
        self.show(self._before_events)

    def open_source(self, source: SourceId) -> None:
        """Show a source on its system's screen."""
        system = source.partition("/")[0]
        self.show(system)
        screen = self._app.screen_stack[0]
        if self._app.current_mode == system and hasattr(screen, "source"):
            screen.source = source

    def _systems_in_use(self) -> list[str]:
        """Systems with a source, and until the engine is up the one to start on; nothing empty is offered."""
        wanted = self._start if self._app.deck is None else None
        return [name for name in self._systems if name == wanted or self._app.sources_of(name)]

    def _kind_of(self, name: str) -> type[Screen[Any]] | None:
        if name == OVERVIEW:
            from wattdeck.ui.overview import OverviewScreen

            return OverviewScreen
        if name == EVENTS:
            from wattdeck.ui.events import EventsScreen

            return EventsScreen
        system = self._systems.get(name)
        return system.screen() if system is not None else None
