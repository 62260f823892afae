"""A panel's side of commands: what is known of a circuit, and the two things that can be asked of it.

Nothing else a panel can be asked has a place here: not its main relay, its dominant source or asserted islanding, which
shed the whole house, nor a new passphrase, which locks every other client out (span-v2.md 2.4, 7.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wattdeck.core.errors import Unreachable, UsageError
from wattdeck.core.language import later, tr, tr_as
from wattdeck.core.operable import Facts, Sibling, Wording
from wattdeck.core.reading import Link, Reading
from wattdeck.systems.span.models import (
    PRIORITIES,
    V2_PRIORITIES,
    Circuit,
    DataModel,
    PanelSnapshot,
    Relay,
    current_a,
    siblings,
)
from wattdeck.systems.span.spaces import tandem_spaces
from wattdeck.systems.span.words import (
    PRIORITY_EFFECTS,
    name_words,
    priority_words,
    protocol_words,
    requester_words,
    space_words,
    why_not_controllable,
    why_not_prioritised,
)

if TYPE_CHECKING:
    from wattdeck.systems.span.source import SpanSource

RELAY = "relay"
PRIORITY = "priority"
MAIN_RELAY_ID = "main"
"""Never commandable; known here so that asking for it is refused with a reason."""
REPORTS_WITHIN_S = 10.0
"""v2: a panel that is well says something every second; three times this without a word, and it is not commanded."""
REPORT_S = 5.0
"""v2: a command whose value is not reported in this time is not confirmed (span-v2.md 7.3)."""
V2_WORDING = Wording(
    silence=later("A panel says nothing when it does not follow: it may not allow it, or something else holds it.")
)
"""v2: there are no answers, good or bad, only reported values."""


class Commands(Protocol):
    """The connection over which a panel takes commands at present, v1 or v2. Each call sends once or not at all.

    Raises:
        UsageError: the panel does not let this be set now; nothing was sent.
        Unreachable: not connected, or the panel is not ready; nothing was sent.
        AuthError, StatusError: the panel refused.
        TimedOut, BadAnswer: the outcome is unknown.
    """

    async def set_relay(self, circuit_id: str, relay: Relay) -> object:
        """Ask for a relay position."""
        ...

    async def set_priority(self, circuit_id: str, priority: str) -> object:
        """Ask for a load priority, one of `PRIORITIES`."""
        ...


def priority_named(text: str) -> str:
    """The load priority a person means: our word or the maker's, in any case, with `-`, `_` or space.

    Raises:
        UsageError: it is none; `unknown` least of all.
    """
    word = text.strip().lower().replace("-", "_").replace(" ", "_")
    wanted = V2_PRIORITIES.get(word, word)
    if wanted not in PRIORITIES:
        sentence = tr(
            "{value} is no priority; there are: must-have, nice-to-have, non-essential "
            "(as the maker says: never, soc-threshold, off-grid)",
            value=repr(text),
        )
        raise UsageError(sentence)
    return wanted


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
        if kind not in self.kinds():
            raise UsageError(tr("a panel knows no command {kind}", kind=repr(kind)))
        if wanted not in self.wanted_values(kind) or object_id == MAIN_RELAY_ID:
            raise UsageError(tr("{wanted} cannot be asked for; nothing was sent", wanted=repr(wanted)))
        commands: Commands = self._source.commands
        snapshot, by_v2 = self._source.feed.reading.snapshot, self._source.ebus is not None
        if snapshot is None or by_v2 is (snapshot.data_model is DataModel.V1):
            # What was looked at came over another connection than the one there is now.
            raise Unreachable(tr("the panel is being spoken to in another protocol now"))
        if kind == RELAY:
            await commands.set_relay(object_id, Relay(wanted))
        else:
            await commands.set_priority(object_id, wanted)

    async def read_back(self, kind: str, object_id: str) -> Facts | None:
        reading = await self._source.feed.poll_fresh()
        snapshot = reading.snapshot
        circuit = None if snapshot is None else snapshot.circuit(object_id)
        if snapshot is not None and snapshot.data_model is not DataModel.V1:
            # What a broker kept from before is no answer of the panel.
            if reading.link is not Link.LIVE:
                raise Unreachable(reading.problem or tr("the panel is not connected"))
            if circuit is not None and not circuit.live:
                raise Unreachable(tr("this circuit does not report just now"))
        return self._facts(reading, kind, object_id)

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
        relay, v2 = kind == RELAY, snapshot.data_model is not DataModel.V1
        return Facts(
            source=self._source.id,
            identity=_identity(snapshot),
            object_id=object_id,
            name=circuit.name,
            place=tr("space {numbers}", numbers=space_words(circuit, tandem_spaces(snapshot))),
            state=_state(circuit, kind),
            power_w=circuit.power_w,
            priority=priority_words(circuit.priority),
            controllable=_controllable(circuit, kind),
            why_not=why_not_controllable(circuit) if relay else why_not_prioritised(circuit),
            link=reading.link,
            taken_at=reading.taken_at,
            good_polls=reading.good_polls,
            interval_s=max(reading.interval_s, REPORTS_WITHIN_S) if v2 else reading.interval_s,
            demo=self._demo,
            grid_up=_grid_up(snapshot),
            total_power_w=snapshot.house_load_w,
            last_load_w=self._loads_w.get(object_id),
            current_a=current_a(circuit),
            wording=V2_WORDING if v2 else Wording(),
            protocol=protocol_words(snapshot.data_model),
            feedback_s=REPORT_S if v2 else None,
            requester=requester_words(circuit.requester) if relay else "",
            target=circuit.relay_target.value if relay and circuit.relay_target is not None else "",
            moves_with=_moves_with(snapshot, circuit) if relay else (),
            heard_at=reading.heard_at,
            value_words={} if relay else {value: priority_words(value) for value in PRIORITIES},
            effects={} if relay else {value: tr(words) for value, words in PRIORITY_EFFECTS.items()},
        )

    def _main(self, reading: Reading[PanelSnapshot], snapshot: PanelSnapshot) -> Facts:
        return Facts(
            source=self._source.id,
            identity=_identity(snapshot),
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
            protocol=protocol_words(snapshot.data_model),
        )

    def _remember_load(self, circuit: Circuit) -> None:
        if circuit.relay is Relay.CLOSED and circuit.power_w is not None and circuit.power_w > 0:
            self._loads_w[circuit.circuit_id] = circuit.power_w


def _identity(snapshot: PanelSnapshot) -> str:
    return f"{snapshot.serial} {snapshot.firmware}"


def _state(circuit: Circuit, kind: str) -> str:
    """What is known of it now; of a part that does not report, nothing is."""
    if not circuit.live:
        return "unknown"
    return circuit.relay.value if kind == RELAY else circuit.priority


def _controllable(circuit: Circuit, kind: str) -> bool:
    if kind == PRIORITY and circuit.priority_settable is not None:
        return circuit.priority_settable
    return circuit.controllable and not circuit.virtual and not circuit.meter_only


def _moves_with(snapshot: PanelSnapshot, circuit: Circuit) -> tuple[Sibling, ...]:
    """The other circuits behind the same relay; one that the panel does not list goes by its id."""
    found = []
    for circuit_id in siblings(circuit, snapshot.circuits):
        other = snapshot.circuit(circuit_id)
        found.append(Sibling(circuit_id, circuit_id if other is None else name_words(other)))
    return tuple(found)


def _grid_up(snapshot: PanelSnapshot) -> bool | None:
    if snapshot.data_model is not DataModel.V1:
        off_grid = snapshot.off_grid
        return None if off_grid is None else not off_grid
    state = snapshot.grid_state.upper()
    if "DOWN" in state:
        return False
    return True if "UP" in state else None
