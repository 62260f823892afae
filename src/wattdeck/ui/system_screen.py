"""What every system's screen shares: the chosen source, beside what every screen does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.reactive import reactive

from wattdeck.core.header import HeaderState
from wattdeck.core.reading import Reading, SourceId
from wattdeck.core.trend import Trend
from wattdeck.ui.deck_screen import DeckScreen


class SystemScreen(DeckScreen):
    """One system's screen. Subclasses give `SYSTEM` too."""

    SYSTEM: ClassVar[str] = ""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "source(1)", "Source", id="deck.next_source", tooltip="Show the next source of this system"),
        Binding(
            "shift+tab", "source(-1)", "Previous", id="deck.previous_source", show=False,
            tooltip="Show the previous source of this system",
        ),
    ]  # fmt: skip

    source: reactive[SourceId] = reactive("", init=False, repaint=False)
    """The source on show."""

    @property
    def sources(self) -> Sequence[SourceId]:
        """Ids of this system's sources, in the order of the configuration."""
        return self.deck_app.sources_of(self.SYSTEM)

    @property
    def looked_at(self) -> Sequence[SourceId]:
        return [self.source]

    def readings(self) -> Sequence[Reading[Any]]:
        """The newest readings of the source on show."""
        return self.deck_app.readings(self.source)

    def trend(self, source: SourceId | None = None) -> Trend:
        """The short memory of a source; empty if there is none yet."""
        return self.deck_app.trend(source or self.source)

    def before_paint(self) -> None:
        """A source there is."""
        if self.source not in self.sources:
            self.source = next(iter(self.sources), "")

    def header_state(self) -> HeaderState:
        return self.deck_app.header_state(self.source)

    def watch_source(self) -> None:
        self.deck_app.show_sources(self.looked_at)
        self.paint()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer other sources only where there are some."""
        return len(self.sources) > 1 if action == "source" else super().check_action(action, parameters)

    def action_source(self, step: int) -> None:
        """Show the next or previous source."""
        sources = list(self.sources)
        if len(sources) > 1 and self.source in sources:
            self.source = sources[(sources.index(self.source) + step) % len(sources)]
