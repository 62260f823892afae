"""Commands as they are asked for on the SPAN screen: of which circuit, what is under way, what is locked out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from wattdeck.core.language import tr
from wattdeck.core.reading import Reading
from wattdeck.systems.span.circuits import Pending
from wattdeck.systems.span.models import Circuit, PanelSnapshot, Relay
from wattdeck.systems.span.regions import Regions
from wattdeck.systems.span.widgets import CircuitTable
from wattdeck.systems.span.words import PRIORITY_WORDS, priority_words

if TYPE_CHECKING:
    from wattdeck.core.command import Lockout


class Asking(Regions):
    """Hands what the circuit table is asked for to the desk, which asks back and sends."""

    def panel_reading(self) -> Reading[PanelSnapshot] | None:
        """The newest reading of the panel on show."""
        return cast("Reading[PanelSnapshot] | None", next(iter(self.readings()), None))

    def pending_commands(self) -> Mapping[str, Pending]:
        """Commands on their way to the panel on show, by circuit."""
        desk = self.deck_app.desk
        if desk is None:
            return {}
        return {
            object_id: Pending(item.kind, item.wanted, desk.words_for(item))
            for object_id, item in desk.control.pending(self.source).items()
        }

    def lockouts(self) -> Mapping[str, Lockout]:
        """Circuits of the panel on show that are locked out."""
        desk = self.deck_app.desk
        return {} if desk is None else desk.control.lockouts(self.source)

    def _asked(self, circuit_id: str) -> Circuit | None:
        """The circuit a command is asked for; an empty space is told that it has none."""
        reading = self.panel_reading()
        snapshot = reading.snapshot if reading is not None else None
        circuit = snapshot.circuit(circuit_id) if snapshot is not None else None
        if circuit is None and snapshot is not None:
            self.notify(tr("This space belongs to no circuit of the panel, so there is no relay to switch."))
        return circuit

    def on_circuit_table_relay_requested(self, message: CircuitTable.RelayRequested) -> None:
        """Ask for the position the circuit is not in. An unknown position is asked to open: the safe one."""
        circuit = self._asked(message.circuit_id)
        desk = self.deck_app.desk
        if circuit is not None and desk is not None:
            wanted = Relay.CLOSED if circuit.relay is Relay.OPEN else Relay.OPEN
            desk.command(self.source, "relay", circuit.circuit_id, wanted.value)

    def on_circuit_table_priority_requested(self, message: CircuitTable.PriorityRequested) -> None:
        circuit = self._asked(message.circuit_id)
        desk = self.deck_app.desk
        if circuit is not None and desk is not None:
            desk.command_with_choice(
                self.source,
                "priority",
                circuit.circuit_id,
                tr("Priority of {circuit}", circuit=circuit.name),
                [(value, priority_words(value)) for value in PRIORITY_WORDS if value != "unknown"],
                circuit.priority,
            )
