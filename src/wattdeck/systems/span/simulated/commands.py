"""What the simulated panel does with what clients publish: little, and never an answer (span-v2.md 7)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from wattdeck.systems.span.ebus.homie import PREFIX
from wattdeck.systems.span.ebus.local import LocalBroker
from wattdeck.systems.span.faults import FaultBoard
from wattdeck.systems.span.house import House
from wattdeck.systems.span.simulated.bending import MESSAGES
from wattdeck.systems.span.simulated.spelling import Device
from wattdeck.systems.span.simulated.view import LEG_V, PRIORITIES, circuit_named, sibling_owner

RELAY_LAG_S = 0.4
"""How long a relay takes from the command to the report."""
LEAST_CHARGE_A = 6
V1_PRIORITIES = {theirs: ours for ours, theirs in PRIORITIES.items()}
_INTEGER = re.compile(r"[+-]?[0-9]{1,9}")
_ACTIONS = {
    "flat": {"relay": "relay", "shed-priority": "priority", "user-max-charge-current": "current"},
    "tree": {
        "switch/relay": "relay",
        "load-shed/priority": "priority",
        "config/user-max-charge-current": "current",
    },
}

MoveLater = Callable[[float, str, bool, str], None]


class Commands:
    """Takes commands for one panel.

    Nobody asserts islanding or a power source here: a panel takes that only while it has lost its battery, and this one
    never does.

    Args:
        house: What they change.
        faults: What goes wrong with them.
        broker: Asked to tick when a change is to be reported.
        api: Which model's topics count: `flat` or `tree`.
        move_later: Takes a delay, s, a circuit, whether its relay opens, and who asked.
    """

    def __init__(
        self, house: House, faults: FaultBoard, broker: LocalBroker, api: Callable[[], str], move_later: MoveLater
    ) -> None:
        self._house = house
        self._faults = faults
        self._broker = broker
        self._api = api
        self._move_later = move_later
        self._targets: dict[tuple[str, str], str] = {}
        """Device and place -> what was asked for last."""
        self.user_max_a: int | None = None
        """The ceiling a person has set for the charger, A."""

    def take(self, topic: str, payload: bytes) -> None:
        """Do what is asked, if it is allowed and understood."""
        device, _, place = topic.removeprefix(f"{PREFIX}/").removesuffix("/set").partition("/")
        word = payload.decode("utf-8", "replace")
        circuit_id, action = device, _ACTIONS[self._api()].get(place)
        if self._api() == "flat" and device == self._house.household.serial:
            circuit_id, _, prop = place.partition("/")
            action = _ACTIONS["flat"].get(prop)
        if action is None or self._faults.strike("swallow-sets", MESSAGES) is not None:
            return
        does = {"relay": self._switch, "priority": self._set_priority, "current": self._limit_charger}
        if does[action](circuit_id, word) and self._faults.standing("target"):
            self._targets[device, place] = word
            self._broker.soon(0.0)

    def add_targets(self, devices: Sequence[Device]) -> None:
        """Add what was asked for to the devices that still have such a property."""
        if not self._faults.standing("target"):
            self._targets.clear()
        for device in devices:
            for (device_id, place), word in self._targets.items():
                if device_id == device.device_id and place in device.values:
                    device.values = {f"{place}/$target": word, **device.values}

    def _switch(self, circuit_id: str, word: str) -> bool:
        circuit = self._house.circuits.get(sibling_owner(self._house, circuit_id))
        if circuit is None or not circuit.controllable or word not in ("OPEN", "CLOSED"):
            return False
        lag = self._faults.strike("relay-lag", "circuit")
        lag_s = RELAY_LAG_S if lag is None else float(str(lag.value))
        self._move(lag_s, circuit.circuit_id, word == "OPEN", "USER")
        back = self._faults.strike("relay-bounce", "circuit")
        if back is not None:
            self._move(lag_s + float(str(back.value)), circuit.circuit_id, circuit.is_open, "USER")
        if word == "CLOSED":
            reopened = self._faults.strike("pcs-reopen", MESSAGES)
            if reopened is not None:
                self._move(lag_s + float(str(reopened.value)), circuit.circuit_id, True, "PCS")
        return True

    def _move(self, delay_s: float, circuit_id: str, opened: bool, by: str) -> None:
        self._move_later(delay_s, circuit_id, opened, by)
        self._broker.soon(delay_s)

    def _set_priority(self, circuit_id: str, word: str) -> bool:
        circuit = self._house.circuits.get(sibling_owner(self._house, circuit_id))
        if circuit is None or not circuit.controllable or circuit.never_backup or word not in V1_PRIORITIES:
            return False
        self._house.set_priority(circuit.circuit_id, V1_PRIORITIES[word])
        self._broker.soon(0.0)
        return True

    def _limit_charger(self, _: str, word: str) -> bool:
        charger = self._house.household.equipment.charger
        if charger is None or not _INTEGER.fullmatch(word):
            return False
        self.user_max_a = max(LEAST_CHARGE_A, min(charger.most_a, int(word)))
        circuit = circuit_named(self._house, charger.circuit)
        if circuit is not None:
            self._house.limit(circuit.circuit_id, self.user_max_a * LEG_V * len(circuit.tabs))
        self._broker.soon(0.0)
        return True
