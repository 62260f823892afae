"""A panel's side of commands: what is known of a circuit, and the two things that can be asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wattdeck.core.errors import UsageError
from wattdeck.core.language import tr, tr_as
from wattdeck.core.operable import Facts
from wattdeck.core.reading import Reading
from wattdeck.systems.span.models import PRIORITIES, Circuit, PanelSnapshot, Relay, current_a
from wattdeck.systems.span.words import place_words, priority_words, why_not_controllable

if TYPE_CHECKING:
    from wattdeck.systems.span.source import SpanSource

RELAY = "relay"
PRIORITY = "priority"
MAIN_RELAY_ID = "main"
"""Never commandable; known here so that asking for it is refused with a reason."""


class SpanOperable:
    """How control reaches one panel."""

    def __init__(self, source: SpanSource, *, demo: bool) -> None:
        self._source = source
        self._demo = demo
        self._loads_w: dict[str, float] = {}

    def kinds(self) -> tuple[str, ...]:
        return (RELAY, PRIORITY)

    def wanted_values(self, kind: str) -> tuple[str, ...]:
        return (Relay.OPEN.value, Relay.CLOSED.value) if kind == RELAY else PRIORITIES

    def facts(self, kind: str, object_id: str) -> Facts | None:
        return self._facts(self._source.feed.reading, kind, object_id)

    async def send(self, kind: str, object_id: str, wanted: str) -> None:
        client = self._source.client
        if kind == RELAY:
            await client.set_relay(object_id, Relay(wanted))
        elif kind == PRIORITY:
            await client.set_priority(object_id, wanted)
        else:
            raise UsageError(tr("a panel knows no command {kind}", kind=repr(kind)))

    async def read_back(self, kind: str, object_id: str) -> Facts | None:
        return self._facts(await self._source.feed.poll_fresh(), kind, object_id)

    def _facts(self, reading: Reading[PanelSnapshot], kind: str, object_id: str) -> Facts | None:
        snapshot = reading.snapshot
        if snapshot is None:
            return None
        if object_id == MAIN_RELAY_ID:
            return self._main(reading, snapshot)
        circuit = snapshot.circuit(object_id)
        if circuit is None:
            return None
        self._remember_load(circuit)
        return Facts(
            source=self._source.id,
            identity=f"{snapshot.serial} {snapshot.firmware}",
            object_id=object_id,
            name=circuit.name,
            place=place_words(circuit.tabs),
            state=circuit.relay.value if kind == RELAY else circuit.priority,
            power_w=circuit.power_w,
            priority=priority_words(circuit.priority),
            controllable=circuit.controllable and not circuit.virtual,
            why_not=why_not_controllable(circuit),
            link=reading.link,
            taken_at=reading.taken_at,
            good_polls=reading.good_polls,
            interval_s=reading.interval_s,
            demo=self._demo,
            grid_up=_grid_up(snapshot),
            total_power_w=snapshot.house_load_w,
            last_load_w=self._loads_w.get(object_id),
            current_a=current_a(circuit),
        )

    def _main(self, reading: Reading[PanelSnapshot], snapshot: PanelSnapshot) -> Facts:
        return Facts(
            source=self._source.id,
            identity=f"{snapshot.serial} {snapshot.firmware}",
            object_id=MAIN_RELAY_ID,
            name=tr("Main relay"),
            place=tr_as("place", "main"),
            state=snapshot.main_relay.value,
            power_w=snapshot.grid_power_w,
            priority="",
            controllable=False,
            why_not=tr("The main relay cuts the whole house from the grid; it is never switched from here."),
            link=reading.link,
            taken_at=reading.taken_at,
            good_polls=reading.good_polls,
            interval_s=reading.interval_s,
            demo=self._demo,
        )

    def _remember_load(self, circuit: Circuit) -> None:
        if circuit.relay is Relay.CLOSED and circuit.power_w is not None and circuit.power_w > 0:
            self._loads_w[circuit.circuit_id] = circuit.power_w


def _grid_up(snapshot: PanelSnapshot) -> bool | None:
    state = snapshot.grid_state.upper()
    if "DOWN" in state:
        return False
    return True if "UP" in state else None
