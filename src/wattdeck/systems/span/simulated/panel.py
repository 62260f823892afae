"""The simulated panel on a broker: what it publishes every second, and what it does with commands."""

from __future__ import annotations

import re
from collections.abc import Callable

from wattdeck.systems.span.answers import shown_name
from wattdeck.systems.span.ebus.homie import PREFIX
from wattdeck.systems.span.ebus.local import LocalBroker
from wattdeck.systems.span.faults import FaultBoard
from wattdeck.systems.span.house import House
from wattdeck.systems.span.simulated import flat, tree
from wattdeck.systems.span.simulated.publisher import Publisher
from wattdeck.systems.span.simulated.spelling import Device
from wattdeck.systems.span.simulated.view import LEG_V, PRIORITIES, circuit_named, sibling_owner, view

FIRMWARES = {"flat": "spanos2/r202627/06", "tree": "spanos3/r202639/03"}
RELAY_LAG_S = 0.4
"""How long a relay takes from the command to the report."""
LEAST_CHARGE_A = 6
V1_PRIORITIES = {theirs: ours for ours, theirs in PRIORITIES.items()}

_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")

MoveLater = Callable[[float, str, bool, str], None]


class EbusPanel:
    """One panel's application, seen from the broker.

    Args:
        house: What is true.
        faults: What goes wrong.
        broker: Where everything is published; its `tick` and `on_set` are taken over.
        api: `flat` or `tree`.
        settle: Brings the house up to the present.
        move_later: Takes a delay, s, a circuit, whether its relay opens, and who asked.
    """

    def __init__(
        self,
        house: House,
        faults: FaultBoard,
        broker: LocalBroker,
        api: str,
        settle: Callable[[], None],
        move_later: MoveLater,
    ) -> None:
        self._house = house
        self._faults = faults
        self._broker = broker
        self.api = api
        self._settle = settle
        self._move_later = move_later
        self._user_max_a: int | None = None
        self._publisher = Publisher(broker, lambda: 1000 * house.second + 123)
        broker.tick, broker.on_set = self.tick, self.take

    @property
    def serial(self) -> str:
        """The panel's serial, as topics carry it."""
        return self._house.household.serial

    @property
    def firmware(self) -> str:
        """The release it runs."""
        return FIRMWARES[self.api]

    def tick(self) -> None:
        """Bring the broker up to the present."""
        self._settle()
        self._publisher.bring(self.devices())

    def devices(self) -> list[Device]:
        """Every device as it should be now, children first, the root last."""
        house, faults = self._house, self._faults
        door = "OPEN" if faults.standing("door-open") else house.door
        facts = flat.Facts(self.firmware, door, self._user_max_a)
        seen = view(house, lambda circuit: shown_name(house, faults, circuit))
        return flat.devices(house, seen, facts) if self.api == "flat" else tree.devices(house, seen, facts)

    def take(self, topic: str, payload: bytes) -> None:
        """A command. What is not allowed or not understood is ignored without a word (span-v2.md 7)."""
        parts = topic.removeprefix(f"{PREFIX}/").removesuffix("/set").split("/")
        if len(parts) != 3:
            return
        device, node, prop = parts
        word = payload.decode("utf-8", "replace")
        if prop == "relay":
            self._switch(node if self.api == "flat" else device, word)
        elif prop in ("shed-priority", "priority"):
            self._set_priority(node if self.api == "flat" else device, word)
        elif prop == "user-max-charge-current":
            self._limit_charger(word)

    def _switch(self, circuit_id: str, word: str) -> None:
        circuit = self._house.circuits.get(sibling_owner(self._house, circuit_id))
        if circuit is None or not circuit.controllable or word not in ("OPEN", "CLOSED"):
            return
        self._move_later(RELAY_LAG_S, circuit.circuit_id, word == "OPEN", "USER")
        self._broker.soon(RELAY_LAG_S)

    def _set_priority(self, circuit_id: str, word: str) -> None:
        circuit = self._house.circuits.get(circuit_id)
        if circuit is None or not circuit.controllable or circuit.never_backup or word not in V1_PRIORITIES:
            return
        self._house.set_priority(circuit_id, V1_PRIORITIES[word])
        self._broker.soon(0.0)

    def _limit_charger(self, word: str) -> None:
        charger = self._house.household.equipment.charger
        if charger is None or not _INTEGER.fullmatch(word):
            return
        self._user_max_a = max(LEAST_CHARGE_A, min(charger.most_a, int(word)))
        circuit = circuit_named(self._house, charger.circuit)
        if circuit is not None:
            self._house.limit(circuit.circuit_id, self._user_max_a * LEG_V * len(circuit.tabs))
        self._broker.soon(0.0)
