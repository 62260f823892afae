"""A page in front of the screens: header, something to read, footer. Escape goes back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.screen import ModalScreen
from textual.widget import Widget

from wattdeck.core.language import later, tr
from wattdeck.ui.behind import Behind
from wattdeck.ui.frame import Footer, Header, footer_line, header_line

if TYPE_CHECKING:
    from wattdeck.ui.app import DeckApp


class Page(Behind, ModalScreen[None]):
    """Hides the screen behind it, which is not painted meanwhile."""

    KEYS: ClassVar[Sequence[tuple[str, str]]] = (("esc", later("Back")),)
    """What the footer offers."""

    def __init__(self) -> None:
        super().__init__(classes="-plain")

    def compose(self) -> ComposeResult:
        yield Header()
        yield from self.body()
        yield Footer()

    def body(self) -> Iterable[Widget]:
        """What there is to read."""
        return ()

    @property
    def deck_app(self) -> DeckApp:
        """The app, by its real type."""
        return cast("DeckApp", self.app)

    def paint(self, now: datetime) -> None:
        """Header and footer: who is in control is visible here too."""
        header, footer = self.query_one(Header), self.query_one(Footer)
        state = self.deck_app.header_state("")
        header.paint([header_line(state, now, header.size.width, self.deck_app.glyphs)])
        footer.paint([footer_line([(key, tr(words)) for key, words in self.KEYS], footer.size.width)])

    def on_painted_resized(self) -> None:
        self.paint(self.deck_app.clock.now())
