"""The simulated panel on a broker: what it publishes every second, and what faults do to it and to the broker."""

from __future__ import annotations

from collections.abc import Callable

from wattdeck.core.errors import AuthError, Unreachable
from wattdeck.core.faultboard import Fault
from wattdeck.core.language import tr
from wattdeck.core.simulated import INSTANT_S
from wattdeck.systems.span.answers import shown_name
from wattdeck.systems.span.ebus.firmware import firmware_build
from wattdeck.systems.span.ebus.local import LocalBroker
from wattdeck.systems.span.faults import FaultBoard
from wattdeck.systems.span.house import House
from wattdeck.systems.span.simulated import flat, tree
from wattdeck.systems.span.simulated.bending import bend, foreigners
from wattdeck.systems.span.simulated.commands import Commands, MoveLater
from wattdeck.systems.span.simulated.identity import BrokerAddress
from wattdeck.systems.span.simulated.publisher import Publisher
from wattdeck.systems.span.simulated.spelling import Device, Json
from wattdeck.systems.span.simulated.view import view

FIRMWARES = {"flat": "spanos2/r202627/06", "tree": "spanos3/r202639/03"}
CLEAN_END_SINCE = 202633
"""From this build on a panel that goes says `disconnected`; before, the broker says `lost` for it."""
REPEATS_UNTIL = 202639
"""Before this build what is measured is sent every second, changed or not (span-v2.md 0.5)."""
SILENT = ("lost", "disconnected", "sleeping")


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
        self._settle = settle
        self._api = api
        self._next_api = ""
        """The model it comes back with; empty: it is there."""
        self._back_s = float("-inf")
        self._named_s = float("-inf")
        self._dropped_s = self._now_s()
        self._late: Fault | None = None
        self._commands = Commands(house, faults, broker, lambda: self.api, move_later)
        self._publisher = Publisher(broker, self._stamp, house.booted_s)
        self._others = Publisher(broker, self._stamp)
        self.address: BrokerAddress | None = None
        """Where the broker is on the network; None: in this process alone."""
        self.on_new_authority: Callable[[], None] = _nothing
        """Called when the panel takes another certificate authority: whoever runs its broker on a port makes one, shows
        it from the next connection on, and sets `address` anew."""
        broker.tick, broker.on_set = self.tick, self.take

    @property
    def api(self) -> str:
        """The model it speaks now: `flat` or `tree`."""
        self._come_back()
        return self._api

    @property
    def serial(self) -> str:
        """The panel's serial, as topics carry it."""
        return self._house.household.serial

    @property
    def away(self) -> bool:
        """It boots, and nothing of it is there."""
        self._come_back()
        return bool(self._next_api)

    @property
    def firmware(self) -> str:
        """The release it runs."""
        usual = FIRMWARES[self.api]
        release = str(self._faults.value("firmware") or "")
        if release.startswith("spanos"):
            return release
        head, _, tail = usual.split("/")
        return f"{head}/{release}/{tail}" if release else usual

    def schema(self) -> Json:
        """`GET /homie/schema`."""
        return tree.schema(self.firmware) if self.api == "tree" else flat.schema(self._house, self.firmware)

    def take(self, topic: str, payload: bytes) -> None:
        """A command from a client."""
        state = self._faults.value("device-state")
        if not self.away and not (isinstance(state, tuple) and state[0] in ("", "panel")):
            self._commands.take(topic, payload)

    def tick(self) -> None:
        """Bring the broker up to the present."""
        self._settle()
        if self.away:
            return
        self._drop_in_time()
        devices = self._devices()
        root = devices[-1]
        if root.state in SILENT and self._publisher.knows(root.device_id):
            self._publisher.say_state(root.device_id, root.state)
            return
        self._publisher.copies = self._number("copies", 1)
        self._publisher.shuffled = self._faults.standing("disorder") is not None
        self._publisher.bring(devices, repeat=self._repeat())
        self._others.bring(foreigners(devices) if self._faults.standing("foreign") else [])

    def restart(self, api: str, away_s: float, *, new_ca: bool = False) -> None:
        """Start anew with a model, after a time of absence or at once."""
        if api != self._api:
            self._faults.clear("firmware")
        self._next_api = api
        self._back_s = self._now_s() + away_s
        if away_s > 0:
            clean = firmware_build(FIRMWARES[self._api]) >= CLEAN_END_SINCE
            self._publisher.say_state(self.serial, "disconnected" if clean else "lost")
            self._broker.refusal = Unreachable(tr("the connection to the broker was lost"))
            self._broker.drop()
        if new_ca:
            self.on_new_authority()
        self._broker.soon(away_s)

    def calm(self) -> None:
        """Come back at once, if it is away."""
        self._back_s = float("-inf")
        self._come_back()

    def drop(self) -> None:
        """End every connection to the broker."""
        self._broker.drop()

    def set_password(self, password: str) -> None:
        """Let clients in with another password from now on."""
        self._broker.passwords[self.serial] = password

    def burst(self, times: int) -> None:
        """Publish everything many times at once."""
        if self.away:
            return
        devices = self._devices()
        for _ in range(times):
            self._publisher.bring(devices, repeat="all")

    def apply_standing(self) -> None:
        """Follow faults that were switched on or off."""
        self._broker.frozen = self._faults.standing("broker-frozen") is not None
        if not self._next_api:
            before, self._broker.refusal = self._broker.refusal, self._refusal()
            if self._broker.refusal is not None and before is None:
                self.drop()
        late = self._faults.standing("names-late")
        news = late is not self._late
        self._late = late
        if late is not None and news:
            self._named_s = self._now_s() + float(str(late.value))
            self._publisher.announce_anew()
        self._broker.soon(0.0)

    def _refusal(self) -> AuthError | None:
        refused = self._faults.standing("broker-refuse") is not None
        return AuthError(tr("{place} does not accept user and password", place=self.serial)) if refused else None

    def _come_back(self) -> None:
        """Be there again, with the other model, if the time has come."""
        if not self._next_api or self._now_s() < self._back_s - INSTANT_S:
            return
        self._api, self._next_api = self._next_api, ""
        self._broker.refusal = self._refusal()
        self._publisher.start_over(self.serial, leave=self._faults.standing("leftovers") is not None)

    def _devices(self) -> list[Device]:
        """Every device as it goes out now, children first, the root last."""
        house, faults = self._house, self._faults
        door = "OPEN" if faults.standing("door-open") else house.door
        facts = flat.Facts(self.firmware, door, self._commands.user_max_a)
        seen = view(house, lambda circuit: shown_name(house, faults, circuit))
        devices = flat.devices(house, seen, facts) if self.api == "flat" else tree.devices(house, seen, facts)
        named = self._faults.standing("names-late") is None or self._now_s() >= self._named_s
        devices = bend(devices, faults, named=named)
        self._commands.add_targets(devices)
        return devices

    def _repeat(self) -> str:
        asked = self._faults.value("equal")
        if asked is not None:
            return {"withheld": "nothing"}.get(str(asked), str(asked))
        return "measured" if firmware_build(self.firmware) < REPEATS_UNTIL else "nothing"

    def _drop_in_time(self) -> None:
        every = self._faults.value("drop-every")
        now_s = self._now_s()
        if not isinstance(every, float):
            self._dropped_s = now_s
        elif now_s - self._dropped_s >= every - INSTANT_S:
            self._dropped_s = now_s
            self.drop()

    def _number(self, name: str, usual: int) -> int:
        value = self._faults.value(name)
        return value if isinstance(value, int) else usual

    def _now_s(self) -> float:
        return self._house.clock.elapsed_s()

    def _stamp(self) -> int:
        """Unix milliseconds, for descriptions."""
        return 1000 * self._house.second + 123


def _nothing() -> None:
    return
