"""What every screen of the deck shares: the frame, and one way to be painted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.widget import Widget

from wattdeck.core.header import HeaderState
from wattdeck.core.lines import Line
from wattdeck.core.reading import SourceId
from wattdeck.core.units import UNICODE, Glyphs
from wattdeck.ui.behind import Behind
from wattdeck.ui.frame import Footer, Header, footer_line, header_line, shown_bindings
from wattdeck.ui.paint import Painted

if TYPE_CHECKING:
    from wattdeck.ui.app import DeckApp


class DeckScreen(Behind):
    """One screen with a number. Holds no data: `paint` takes it from the app's newest readings and hands it down.

    Subclasses yield their widgets in `body` and fill them in `paint_body`.
    """

    AUTO_FOCUS: ClassVar[str | None] = "DeckTable"

    _paint_due = False
    _about_to_paint = False

    def compose(self) -> ComposeResult:
        yield Header()
        yield from self.body()
        yield Footer()

    def body(self) -> Iterable[Widget]:
        """The widgets between header and footer."""
        return ()

    def paint_body(self, now: datetime) -> None:
        """Hand the newest data to the widgets."""

    @property
    def deck_app(self) -> DeckApp:
        """The app, by its real type."""
        from wattdeck.ui.app import DeckApp

        app = self.app
        if not isinstance(app, DeckApp):
            raise TypeError("a screen of the deck belongs into the deck's app")
        return app

    @property
    def marks(self) -> Glyphs:
        return self.deck_app.glyphs

    @property
    def looked_at(self) -> Sequence[SourceId]:
        """The sources a person is looking at, which are polled at full cadence."""
        return ()

    def paint(self, now: datetime | None = None) -> None:
        """Show the newest data. Cheap when nothing changed; called once a tick and after a key."""
        if self._about_to_paint or not self.is_mounted or not self.size or self.deck_app.ending:
            return
        if not self.query(Header):
            # A screen that is being taken down has lost its frame already.
            return
        now = now or self.deck_app.clock.now()
        # Who asks for a paint meanwhile gets this one.
        self._about_to_paint = True
        try:
            self.before_paint()
        finally:
            self._about_to_paint = False
        self.paint_frame(now)
        self.paint_body(now)

    def before_paint(self) -> None:
        """Put right what the newest readings made wrong."""

    def header_state(self) -> HeaderState:
        """What the header says."""
        return self.deck_app.header_state("", clock=True)

    def paint_frame(self, now: datetime) -> None:
        """Header and footer."""
        header = self.query_one(Header)
        header.paint([header_line(self.header_state(), now, header.size.width, self.marks)])
        footer = self.query_one(Footer)
        footer.paint([footer_line(self.footer_bindings(), footer.size.width)])

    @staticmethod
    def _set_display(widget: Widget, shown: bool) -> None:
        if widget.display is not shown:
            widget.display = shown

    @staticmethod
    def _set_height(widget: Widget, rows: int) -> None:
        if widget.styles.height is None or widget.styles.height.value != rows:
            widget.styles.height = rows

    def _set_lines(self, widget: Painted, lines: Sequence[Line]) -> None:
        """Paint a region as high as its lines are many; none hides it."""
        self._set_display(widget, bool(lines))
        if lines:
            self._set_height(widget, len(lines))
            widget.paint(lines)

    def hide_personal_data(self) -> None:
        """Mask what was asked to be shown whole; called before the screen is saved as a file."""

    def footer_bindings(self) -> list[tuple[str, str]]:
        """Keys and words for the footer."""
        return shown_bindings(self, ascii_only=self.marks is not UNICODE)

    def on_painted_resized(self) -> None:
        """Paint once for all the widgets that changed their size together."""
        if not self._paint_due:
            self._paint_due = True
            self.call_later(self._paint_resized)

    def _paint_resized(self) -> None:
        self._paint_due = False
        self.paint()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        del event
        self.deck_app.show_sources(self.looked_at)
        self.paint()
