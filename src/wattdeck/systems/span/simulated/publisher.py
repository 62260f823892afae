"""Brings a broker to what devices should say, in the order a panel does it, and says only what has changed."""

from __future__ import annotations

import json
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from wattdeck.systems.span.ebus.homie import PREFIX
from wattdeck.systems.span.ebus.local import LocalBroker
from wattdeck.systems.span.simulated.spelling import Device, Json

MEASURED = frozenset(
    {"active-power", "imported-energy", "exported-energy", "current", "l1-current", "l2-current", "l1-voltage"}
    | {"l2-voltage", "current-a", "current-b", "voltage-a", "voltage-b", "pv", "battery", "grid", "site"}
)
"""What older firmware sends every second, changed or not."""


_SPEAKING = ("ready", "init")
"""A device in any other state says nothing."""


@dataclass(slots=True)
class _Known:
    """What the broker has of a device."""

    described: Json | None
    """Its description, without version; None: none, or one that is to be sent again."""
    values: dict[str, str] = field(default_factory=dict)
    state: str = ""


class Publisher:
    """What was published so far.

    Args:
        broker: Where to.
        stamp: Unix milliseconds: a description's version, unless that one was given already.
        seed: Same seed, same disorder.
    """

    def __init__(self, broker: LocalBroker, stamp: Callable[[], int], seed: int = 1) -> None:
        self._broker = broker
        self._stamp = stamp
        self._luck = random.Random(seed)  # noqa: S311
        self._version = 0
        self._known: dict[str, _Known] = {}
        self._outgoing: list[tuple[str, str]] = []
        self.copies = 1
        """How often each message is sent."""
        self.shuffled = False
        """The messages of a tick go out in any order."""

    def knows(self, device_id: str) -> bool:
        """Whether a device is on the broker."""
        return device_id in self._known

    def bring(self, devices: Sequence[Device], *, repeat: str = "nothing") -> None:
        """Publish the way from what was said to what should be said: children first, the root last.

        Args:
            devices: In that order.
            repeat: What is sent although it is equal: `nothing`, what is `measured`, or `all`.
        """
        for device in devices:
            self._bring(device, repeat)
        for gone in self._known.keys() - {device.device_id for device in devices}:
            self.withdraw(gone)
        self._flush()

    def withdraw(self, device_id: str) -> None:
        """Take a device off the broker: its state first, then the rest."""
        known = self._known.pop(device_id)
        self._say(device_id, "$state", "")
        self._say(device_id, "$description", "")
        for place in known.values:
            self._say(device_id, place, "")

    def say_state(self, device_id: str, state: str) -> None:
        """Publish a state by itself: that of an application which is not there to say more."""
        known = self._known.get(device_id)
        if known is not None:
            self._say_state(device_id, known, state)
            self._flush()

    def announce_anew(self) -> None:
        """Go through `init` and the descriptions again at the next occasion."""
        for known in self._known.values():
            known.described, known.state = None, ""

    def start_over(self, root: str, *, leave: bool) -> None:
        """Make way for another model: the root goes to `init`, and what was said is taken back, or left for ever."""
        known = self._known.pop(root, None)
        self._say(root, "$state", "init")
        if not leave:
            for device_id in list(self._known):
                self.withdraw(device_id)
            for place in known.values if known is not None else ():
                self._say(root, place, "")
        self._known.clear()
        self._flush()

    def _bring(self, device: Device, repeat: str) -> None:
        known = self._known.get(device.device_id)
        if device.state not in _SPEAKING and known is not None:
            self._say_state(device.device_id, known, device.state)
            return
        described = device.description if device.described else {}
        anew = known is None or known.described != described
        if known is None:
            known = self._known[device.device_id] = _Known(None)
        if anew:
            self._announce(device)
            known.described, known.state = described, "init"
        for place in [place for place in known.values if place not in device.values]:
            self._say(device.device_id, place, "")
        for place, text in device.values.items():
            if anew or known.values.get(place) != text or _repeated(place, repeat):
                self._say(device.device_id, place, text)
        known.values = dict(device.values)
        self._say_state(device.device_id, known, device.state)

    def _say_state(self, device_id: str, known: _Known, state: str) -> None:
        if known.state != state:
            self._say(device_id, "$state", state)
            known.state = state

    def _announce(self, device: Device) -> None:
        self._say(device.device_id, "$state", "init")
        if device.described:
            self._version = max(self._version + 1, self._stamp())
            described = {"homie": "5.0", "version": self._version} | device.description
            self._say(device.device_id, "$description", json.dumps(described, separators=(",", ":")))
        elif f"{PREFIX}/{device.device_id}/$description" in self._broker.retained:
            self._say(device.device_id, "$description", "")

    def _say(self, device_id: str, place: str, text: str) -> None:
        self._outgoing.append((f"{PREFIX}/{device_id}/{place}", text))

    def _mixed(self, messages: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
        """In any order, but for those of one topic: between them a broker keeps it."""
        payloads: dict[str, deque[str]] = {}
        for topic, payload in messages:
            payloads.setdefault(topic, deque()).append(payload)
        topics = [topic for topic, _ in messages]
        self._luck.shuffle(topics)
        return [(topic, payloads[topic].popleft()) for topic in topics]

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        if self.shuffled:
            outgoing = self._mixed(outgoing)
        for topic, payload in outgoing:
            for _ in range(self.copies):
                self._broker.publish(topic, payload)


def _repeated(place: str, repeat: str) -> bool:
    return repeat == "all" or (repeat == "measured" and place.rpartition("/")[2] in MEASURED)
