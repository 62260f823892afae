"""Alarms that are on and the newest records of the command journal."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from anyio import to_thread
from textual.binding import Binding, BindingType
from textual.widget import Widget

from wattdeck.core.alarm_view import PRIORITY_MARKS, PRIORITY_MEANINGS, AlarmState
from wattdeck.core.lines import Column, Line, Row
from wattdeck.core.text import clean
from wattdeck.ui.page import Page
from wattdeck.ui.paint import Painted
from wattdeck.ui.table import DeckTable

if TYPE_CHECKING:
    from wattdeck.core.chain import Record

NEWEST = 500
"""Records shown; the whole journal is `wattdeck journal`."""


class LogScreen(Page):
    """What was commanded, by whom, and how it ended."""

    KEYS: ClassVar[Sequence[tuple[str, str]]] = (("esc", "Back"), ("c", "Acknowledge"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,L", "dismiss", "Back", id="dialog.back", tooltip="Go back"),
        Binding("c", "clear_alarms", "Acknowledge", id="log.clear",
                tooltip="Acknowledge every alarm"),
    ]  # fmt: skip
    HELP = "The newest records of the command journal, newest first. `wattdeck journal` prints all of it."

    def body(self) -> Iterable[Widget]:
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

    def on_mount(self) -> None:
        self.show_now()
        self.query_one("#journal").focus()
        self.run_worker(self._show_journal(), exit_on_error=True)

    def show_now(self) -> None:
        """The alarms that are on."""
        app = self.deck_app
        lines: list[Line] = [((" Alarms", "heading"),)]
        for alarm in app.open_alarms:
            mark, meaning = PRIORITY_MARKS[alarm.rule.priority], PRIORITY_MEANINGS[alarm.rule.priority]
            known = alarm.state is AlarmState.ACKNOWLEDGED
            lines.append(((f"  {mark} {alarm.source}: {alarm.words}", "muted" if known else meaning),))
        if len(lines) == 1:
            lines.append((("  none", "muted"),))
        words = self.query_one("#words", Painted)
        words.styles.height = min(len(lines), max(2, app.size.height // 3))
        words.paint(lines)

    async def _show_journal(self) -> None:
        """The newest records, read beside the screen: the journal may be long."""
        deck = self.deck_app.deck
        if deck is not None:
            records = await to_thread.run_sync(lambda: list(deque(deck.journal.records(), NEWEST)))
            self.query_one("#journal", DeckTable).show([_row(record) for record in reversed(records)])

    def action_clear_alarms(self) -> None:
        """Acknowledge every alarm."""
        app = self.deck_app
        if app.deck is not None:
            app.deck.alarms.acknowledge()
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
