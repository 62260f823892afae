"""Alarms that are on and the newest records of the command journal."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from wattdeck.core.lines import Column, Line, Row
from wattdeck.core.text import clean
from wattdeck.ui.frame import Footer, Header, footer_line, header_line
from wattdeck.ui.paint import Painted
from wattdeck.ui.table import DeckTable

if TYPE_CHECKING:
    from wattdeck.core.chain import Record
    from wattdeck.ui.app import DeckApp

NEWEST = 500
"""Records shown; the whole journal is `wattdeck journal`."""


class LogScreen(ModalScreen[None]):
    """What was commanded, by whom, and how it ended."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,L", "dismiss", "Back", id="dialog.back", tooltip="Go back"),
        Binding("c", "clear_alarms", "Clear alarms", id="log.clear",
                tooltip="Take note of alarms of commands that did not end as they should"),
    ]  # fmt: skip
    HELP = "The newest records of the command journal, newest first. `wattdeck journal` prints all of it."

    def __init__(self) -> None:
        super().__init__(classes="-plain")

    def compose(self) -> ComposeResult:
        yield Header()
        yield Painted(id="words")
        columns = (
            Column("time", "Time", 14, keep=5),
            Column("event", "Event", 9, keep=6),
            Column("source", "Source", 14, keep=3),
            Column("object", "Object", 16, keep=4),
            Column("what", "What", 20, flex=True, keep=7),
            Column("who", "Who", 12, keep=1),
        )
        yield DeckTable(columns, empty="No command was ever given from here.", id="journal")
        yield Footer()

    def on_mount(self) -> None:
        self.show_now()
        self.query_one("#journal").focus()
        footer = self.query_one(Footer)
        footer.paint([footer_line([("esc", "Back"), ("c", "Clear alarms")], self.app.size.width)])

    def paint(self, now: datetime) -> None:
        """The header: who is in control is visible here too."""
        app: DeckApp = self.app  # type: ignore[assignment]
        header = self.query_one(Header)
        header.paint([header_line(app.header_state(""), now, header.size.width, app.glyphs)])

    def on_painted_resized(self) -> None:
        app: DeckApp = self.app  # type: ignore[assignment]
        self.paint(app.clock.now())

    def show_now(self) -> None:
        """Read the journal's tail and the alarms."""
        app: DeckApp = self.app  # type: ignore[assignment]
        lines: list[Line] = [((" Alarms", "heading"),)]
        for source in app.lost_sources:
            problem = next((reading.problem for reading in app.readings(source)), "")
            lines.append(((f"  !! {source} is lost: {problem}", "severity-high"),))
        lines += [((f"  !! {sentence}", "severity-high"),) for sentence in app.command_alarms]
        if len(lines) == 1:
            lines.append((("  none", "muted"),))
        words = self.query_one("#words", Painted)
        words.styles.height = min(len(lines), max(2, app.size.height // 3))
        words.paint(lines)
        records = deque(app.deck.journal.records(), NEWEST) if app.deck is not None else []
        self.query_one("#journal", DeckTable).show([_row(record) for record in reversed(records)])

    def action_clear_alarms(self) -> None:
        """Take the alarms of ended commands off the list."""
        app: DeckApp = self.app  # type: ignore[assignment]
        app.command_alarms.clear()
        self.show_now()
        app.paint()


def _row(record: Record) -> Row:
    fields = record.fields

    def text(*names: str) -> str:
        return next((clean(str(fields[name]), 200) for name in names if fields.get(name)), "")

    moves = f"{text('from_state')} → {text('to_state')}" if text("to_state") else ""
    said = text("sentence", "reason", "outcome", "cause")
    return Row(
        str(record.line),
        (
            (f"{record.at.astimezone():%m-%d %H:%M:%S}", "label"),
            (clean(record.event, 20), "heading"),
            (text("source"), "normal"),
            (text("name", "object_id"), "normal"),
            (": ".join(filter(None, (moves, said))), "normal"),
            (text("user"), "label"),
        ),
    )
