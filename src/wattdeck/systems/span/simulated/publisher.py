"""Brings a broker to what devices should say, in the order a panel does it, and says only what has changed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from wattdeck.systems.span.ebus.homie import PREFIX
from wattdeck.systems.span.ebus.local import LocalBroker
from wattdeck.systems.span.simulated.spelling import Device

MEASURED = frozenset(
    {"active-power", "imported-energy", "exported-energy", "current", "l1-current", "l2-current", "l1-voltage"}
    | {"l2-voltage", "current-a", "current-b", "voltage-a", "voltage-b", "pv", "battery", "grid", "site"}
)
"""What older firmware sends every second, changed or not."""


@dataclass(slots=True)
class _Known:
    """What the broker has of a device."""

    described: str
    values: dict[str, str] = field(default_factory=dict)
    state: str = ""


class Publisher:
    """What was published so far.

    Args:
        broker: Where to.
        stamp: A description's version: Unix milliseconds.
        seed: Same seed, same disorder.
    """

    def __init__(self, broker: LocalBroker, stamp: Callable[[], int], seed: int = 1) -> None:
        self._broker = broker
        self._stamp = stamp
        self._luck = random.Random(seed)  # noqa: S311
        self._known: dict[str, _Known] = {}
        self._outgoing: list[tuple[str, str]] = []
        self.copies = 1
        """How often each message is sent."""
        self.shuffled = False
        """The messages of a tick go out in any order."""

    @property
    def known(self) -> Collection[str]:
        """Devices on the broker."""
        return self._known.keys()

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
        """Publish a state by itself: that of a device whose application is not there to say more."""
        known = self._known.get(device_id)
        if known is None or known.state != state:
            self._say(device_id, "$state", state)
        if known is not None:
            known.state = state
        self._flush()

    def say(self, topic: str, payload: str) -> None:
        """Publish anything else."""
        self._outgoing.append((topic, payload))
        self._flush()

    def forget(self) -> None:
        """Announce everything anew at the next occasion; what is on the broker stays there until then."""
        for known in self._known.values():
            known.described = known.state = ""

    def abandon(self) -> None:
        """Leave everything on the broker as it is, for ever."""
        self._known.clear()

    def _bring(self, device: Device, repeat: str) -> None:
        known = self._known.get(device.device_id)
        described = json.dumps(device.description, separators=(",", ":")) if device.described else "none"
        anew = known is None or known.described != described
        if known is None:
            known = self._known[device.device_id] = _Known("")
        if anew:
            self._announce(device, described)
            known.described, known.state = described, "init"
        for place in [place for place in known.values if place not in device.values]:
            self._say(device.device_id, place, "")
        for place, text in device.values.items():
            if anew or known.values.get(place) != text or _repeated(place, repeat):
                self._say(device.device_id, place, text)
        known.values = dict(device.values)
        if known.state != device.state:
            self._say(device.device_id, "$state", device.state)
            known.state = device.state

    def _announce(self, device: Device, described: str) -> None:
        self._say(device.device_id, "$state", "init")
        if device.described:
            head, _, rest = described.partition(",")
            self._say(device.device_id, "$description", f'{head},"version":{self._stamp()},{rest}')
        elif f"{PREFIX}/{device.device_id}/$description" in self._broker.retained:
            self._say(device.device_id, "$description", "")

    def _say(self, device_id: str, place: str, text: str) -> None:
        self._outgoing.append((f"{PREFIX}/{device_id}/{place}", text))

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        if self.shuffled:
            self._luck.shuffle(outgoing)
        for topic, payload in outgoing:
            for _ in range(self.copies):
                self._broker.publish(topic, payload)


def _repeated(place: str, repeat: str) -> bool:
    return repeat == "all" or (repeat == "measured" and place.rpartition("/")[2] in MEASURED)
