"""Widgets of the SPAN screen that are more than the shared ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from wattdeck.core.language import later, tr
from wattdeck.core.lines import Line
from wattdeck.core.units import Glyphs
from wattdeck.systems.span.circuits import TableView, columns
from wattdeck.ui.paint import Painted
from wattdeck.ui.table import DeckTable


class CircuitTable(DeckTable):
    """Circuits of one panel. Asks for changes; never makes them."""

    HELP = later(
        "The circuits of one panel. **space** asks to open or close the relay under the cursor, **P** to change its "
        "priority. A row with an arrow waits for the panel: the left word is what is, the right one what was asked. "
        "Power is positive when a circuit consumes and negative when it feeds in. Behind the spaces stands what hangs "
        "on them: PV, EV or BAT (a battery); ½ is a space that two circuits share. An open relay that shedding, the "
        "power control (PCS) or a fault holds says so."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "ask_relay", "Relay", id="span.relay", tooltip="Open or close the circuit's relay"),
        Binding("P", "ask_priority", "Priority", id="span.priority", tooltip="Change the circuit's load priority"),
    ]

    @dataclass
    class RelayRequested(Message):
        """The user wants the other relay position of a circuit."""

        circuit_id: str

    @dataclass
    class PriorityRequested(Message):
        """The user wants another priority for a circuit."""

        circuit_id: str

    def __init__(self, view: TableView, marks: Glyphs) -> None:
        super().__init__(columns(view, marks), empty=tr("No circuits yet."), id="circuits")

    def action_ask_relay(self) -> None:
        """Ask for the other relay position of the row under the cursor."""
        if self.cursor_id:
            self.post_message(self.RelayRequested(self.cursor_id))

    def action_ask_priority(self) -> None:
        """Ask for another priority for the row under the cursor."""
        if self.cursor_id:
            self.post_message(self.PriorityRequested(self.cursor_id))


class Ruled(Painted):
    """Lines with a thin rule at the left: a side region. More than there is room for can be walked through."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._subject = ""
        self._top = 0

    def turn(self, step: int) -> None:
        """Show lines further down or up; the next picture keeps to what there is."""
        self._top = max(0, self._top + step)

    def paint_ruled(self, lines: list[Line], glyph: str, subject: str = "") -> None:
        """Show the lines behind the rule, down to the bottom of the region. Another subject starts at its top."""
        if subject != self._subject:
            self._subject, self._top = subject, 0
        height = self.size.height
        self._top = max(0, min(self._top, len(lines) - height))
        shown = lines[self._top : self._top + height]
        if len(lines) > self._top + height > 0:
            shown[-1] = ((tr("More: J and K scroll."), "muted"),)
        rule = (f"{glyph} ", "rule")
        self.paint([(rule, *line) for line in [*shown, *([()] * (height - len(shown)))]])


class Summary(Painted):
    """The panel's own figures, closed by a rule."""
