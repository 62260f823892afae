"""A SPAN panel that is not there: the v1 wire of span.md over a made-up house, with switches for what fails.

Runs in process through `wattdeck.core.asgi.SimulatedTransport` or on a port through `wattdeck.core.serve`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import anyio
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from wattdeck.core.asgi import AsgiApp
from wattdeck.core.errors import UsageError
from wattdeck.core.language import tr
from wattdeck.core.simcontrols import controls
from wattdeck.core.simulated import INSTANT_S, SimulatedClock
from wattdeck.core.system import Beside, SimulatorOptions
from wattdeck.systems.span.answers import Answers, Json
from wattdeck.systems.span.disturbance import Disturbance
from wattdeck.systems.span.endpoints import Endpoints, Refusal, refusal_response
from wattdeck.systems.span.faults import BOARD, V2_KINDS, Fault, FaultBoard
from wattdeck.systems.span.house import House
from wattdeck.systems.span.household import HOUSEHOLDS
from wattdeck.systems.span.loads import salt_of
from wattdeck.systems.span.registry import PRESSES_TO_UNLOCK, Registry

if TYPE_CHECKING:
    from wattdeck.systems.span.ebus.local import LocalBroker
    from wattdeck.systems.span.simulated.panel import EbusPanel

APIS = ("v1", "flat", "tree")
SERIAL = re.compile(r"[a-z0-9][a-z0-9-]{1,30}[a-z0-9]")
V1_ENERGY_PERIOD_S = 600.0


@dataclass(frozen=True, slots=True)
class Movement:
    """A relay that is going to move."""

    at_s: float
    circuit_id: str
    opened: bool
    by: str


class SpanSimulator:
    """One simulated panel.

    Args:
        options: Seed, speed, start, faults, protocol. A start without offset is the wall clock of a house on UTC.
        household: `home` (solar, battery), `shop` (neither), `barn` (everything v2 knows), or one of the sizes.
        circuit_energy_period_s: How often circuit counters are published; 0 = always; None: 600 in v1, always in v2.
        monotonic: Seconds that never jump.
        sleep: Waits some seconds.

    Raises:
        ValueError: no such household or fault, or a value a fault does not take.
    """

    def __init__(
        self,
        options: SimulatorOptions,
        *,
        household: str = "home",
        circuit_energy_period_s: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        if household not in HOUSEHOLDS:
            raise ValueError(f"no household is called {household!r}; known are {', '.join(HOUSEHOLDS)}")
        if options.serial and not SERIAL.fullmatch(options.serial):
            raise ValueError(f"{options.serial!r} cannot be a panel's serial: 3 to 32 small letters, digits and dashes")
        api = options.api or APIS[0]
        if api not in APIS:
            raise ValueError(f"a SPAN panel does not speak {api!r}; known are {', '.join(APIS)}")
        if circuit_energy_period_s is None:
            circuit_energy_period_s = V1_ENERGY_PERIOD_S if api == "v1" else 0.0
        start = options.start or datetime.now(UTC).astimezone()
        start = start if start.tzinfo else start.replace(tzinfo=UTC)
        clock = SimulatedClock(start.timestamp(), options.speed, monotonic)
        lived_in = HOUSEHOLDS[household]
        self.house = House(
            replace(lived_in, serial=options.serial) if options.serial else lived_in,
            clock,
            seed=options.seed,
            utc_offset_s=(start.utcoffset() or timedelta()).total_seconds(),
            circuit_energy_period_s=circuit_energy_period_s,
        )
        self.faults = FaultBoard(options.seed)
        self.registry = Registry(salt_of(options.seed, self.house.household.serial), clock.elapsed_s)
        self._answers = Answers(self.house, self.faults)
        self._main_relay_forced = False
        self._movements: list[Movement] = []
        self.broker: LocalBroker | None = None
        """Where the panel publishes; None: it speaks v1 alone."""
        self.panel: EbusPanel | None = None
        """Its application on the broker."""
        routes_v2 = [] if api == "v1" else self._speak_v2(api)
        endpoints = Endpoints(self.house, self._answers, self.registry, self.faults, self._settle, self._move_later)
        panel = Starlette(
            routes=[*endpoints.routes(), *routes_v2, *controls(self, {"door": self._use_door})],
            exception_handlers={Refusal: refusal_response, HTTPException: refusal_response},
        )
        self._disturbance = Disturbance(panel, self.faults, clock.elapsed_s, sleep)
        for name, value in options.faults.items():
            self.set_fault(name, value)

    @property
    def app(self) -> AsgiApp:
        """The ASGI application."""
        return self._disturbance

    def beside(self, host: str, ports: Mapping[str, int]) -> AbstractAsyncContextManager[Beside]:
        """A panel of v2 has a broker on the wire; one of v1 has nothing.

        Raises:
            UsageError: what that needs is not installed, or a port is taken or of no use.
        """
        if self.panel is None or self.broker is None:
            if ports:
                raise UsageError(tr("a panel of v1 has no broker; choose a port for one with --api flat or tree"))
            return nullcontext(Beside())
        from wattdeck.systems.span.simulated.wire import on_the_wire

        return on_the_wire(self.panel, self.broker, host, ports)

    def issue_token(self, name: str = "wattdeck demo") -> str:
        """Register a client without the door procedure, and return its token."""
        return self.registry.issue(name, "embedded", self._answers.wall_s).token

    def press_door(self) -> None:
        """Press the door switch once."""
        self.registry.press_door()

    def set_fault(self, name: str, value: str | None = None) -> None:
        """Switch a fault on, or off with the value `off`.

        Raises:
            ValueError: no such fault, none of this protocol, or a value it does not take; the message says what is.
        """
        if value != "off":
            asked = BOARD.parse(name, value)
            if self.panel is None and asked.kind in V2_KINDS:
                raise ValueError(
                    f"{asked.kind.name} is a fault of v2; this panel speaks v1 (--api flat and tree have it)"
                )
            self._moves(asked)
            self._loads_w(asked)
        fault = self.faults.set(name, value)
        if fault is not None and fault.kind.strikes == "once":
            self._happen(fault)
        self._apply_standing()

    def clear_faults(self, name: str | None = None) -> None:
        """Switch off one fault, or all.

        Raises:
            ValueError: no fault of that name exists.
        """
        self.faults.clear(name)
        if name in (None, "refuse", "reboot"):
            self._disturbance.calm()
            if self.panel is not None:
                self.panel.calm()
        self._apply_standing()

    def _happen(self, fault: Fault) -> None:
        """What a fault that strikes once does."""
        if fault.kind.name == "revoke":
            self.registry.revoke_all()
        elif fault.kind.name == "counter-reset":
            self.house.lose_energy(float(str(fault.value)))
        elif fault.kind.name == "reboot":
            self.house.reboot()
            self.registry.lock()
            self._disturbance.boot(float(str(fault.value)))
            if self.panel is not None:
                self.panel.restart(self.panel.api, float(str(fault.value)))
        elif self.panel is not None:
            self._happen_v2(self.panel, fault)

    def _happen_v2(self, panel: EbusPanel, fault: Fault) -> None:
        """What a fault that strikes once does to a panel on its broker."""
        if fault.kind.name in ("upgrade", "downgrade") and isinstance(fault.value, tuple):
            away_s, new_ca = fault.value
            panel.restart("tree" if fault.kind.name == "upgrade" else "flat", away_s, new_ca=new_ca)
            if away_s > 0:
                self._disturbance.boot(away_s)
        elif fault.kind.name == "new-ca":
            panel.on_new_authority()
        elif fault.kind.name == "drop":
            panel.drop()
        elif fault.kind.name == "burst":
            panel.burst(int(str(fault.value)))

    def _apply_standing(self) -> None:
        """Bring the house in line with the faults of the house that are on."""
        grid_up = self.faults.standing("grid-down") is None
        if grid_up != self.house.grid_up:
            self.house.set_grid(up=grid_up)
        opened = self.faults.standing("main-relay-open") is not None
        if opened != self._main_relay_forced:
            self._main_relay_forced = opened
            self.house.set_main_relay(opened=opened)
        charge = self.faults.value("charge")
        self.house.hold_charge(charge if isinstance(charge, float) else None)
        moved, loaded = self.faults.standing("moved-tabs"), self.faults.standing("load")
        self.house.rewire({} if moved is None else self._moves(moved))
        self.house.force_loads({} if loaded is None else self._loads_w(loaded))
        if self.panel is not None:
            self.panel.apply_standing()

    def _loads_w(self, fault: Fault) -> dict[str, float]:
        """What a `load` fault lets a circuit draw, W, by its id; nothing for other faults.

        Raises:
            ValueError: no such circuit.
        """
        if fault.kind.name != "load" or not isinstance(fault.value, tuple):
            return {}
        named, watts = fault.value
        circuits = self.house.circuits.values()
        found = [each for each in circuits if not named or named in (each.circuit_id, each.name)]
        if not found:
            raise ValueError(
                f"no circuit has the id or name {named!r}; there are {', '.join(c.name for c in circuits)}"
            )
        return {found[0].circuit_id: watts}

    def _moves(self, fault: Fault) -> dict[str, tuple[int, ...]]:
        """The new spaces a `moved-tabs` fault asks for; nothing for other faults.

        Raises:
            ValueError: no such circuit, or the spaces are not free.
        """
        if fault.kind.name != "moved-tabs" or not isinstance(fault.value, tuple):
            return {}
        circuit_id, tabs = fault.value
        circuits = self.house.circuits
        circuit_id = circuit_id or next(iter(circuits))
        if circuit_id not in circuits:
            raise ValueError(f"no circuit has the id {circuit_id!r}")
        taken = {tab for key, other in circuits.items() if key != circuit_id for tab in other.load.tabs}
        taken |= set(self.house.household.solar_tabs)
        own = circuits[circuit_id].load.tabs
        first, last = self.house.household.first_space, self.house.household.spaces
        free = [tab for tab in range(first, last + 1) if tab not in taken and tab not in own]
        tabs = tabs or tuple(free[: len(own)])
        if not tabs or taken & set(tabs):
            raise ValueError(f"not all of the spaces {', '.join(map(str, tabs))} are free; free are {free}")
        return {circuit_id: tabs}

    def _speak_v2(self, api: str) -> list[Route]:
        """Publish on a broker as well. Returns the routes of v2's REST interface."""
        from wattdeck.systems.span.ebus.local import LocalBroker
        from wattdeck.systems.span.simulated.endpoints import EndpointsV2
        from wattdeck.systems.span.simulated.identity import BROKER_PASSWORD
        from wattdeck.systems.span.simulated.panel import EbusPanel

        self.broker = LocalBroker()
        self.broker.passwords[self.house.household.serial] = BROKER_PASSWORD
        panel = EbusPanel(self.house, self.faults, self.broker, api, self._settle, self._move_later)
        self._answers.firmware = lambda: panel.firmware
        hardware = self.house.household.equipment.hardware
        endpoints = EndpointsV2(panel, self.registry, self.faults, self._settle, lambda: self._answers.wall_s, hardware)
        self.panel = panel
        return endpoints.routes()

    def _move_later(self, delay_s: float, circuit_id: str, opened: bool, by: str = "USER") -> None:
        self._movements.append(Movement(self.house.clock.elapsed_s() + delay_s, circuit_id, opened, by))

    def _settle(self) -> None:
        """Bring the house up to the present, delayed relay movements included."""
        now_s = self.house.clock.elapsed_s()
        due = [movement for movement in self._movements if movement.at_s <= now_s + INSTANT_S]
        for movement in due:
            self._movements.remove(movement)
            self.house.switch(movement.circuit_id, opened=movement.opened, by=movement.by)
        self.house.advance()

    def speed(self) -> float:
        """Simulated seconds per second."""
        return self.house.clock.speed

    def turn_clock(self, advance_s: float, speed: float) -> None:
        """Push the time forward, and run at another speed from now on."""
        self._settle()
        self.house.clock.set_speed(speed)
        self.house.clock.advance(advance_s)
        self._settle()

    def _use_door(self, body: Json) -> None:
        moved = body.get("open")
        if moved is not None:
            self.house.door = "OPEN" if moved else "CLOSED"
        for _ in range(min(10, int(body.get("presses", PRESSES_TO_UNLOCK if moved is None else 0)))):
            self.press_door()

    def state(self) -> Json:
        """What the simulator is up to; no token is in it."""
        self._settle()
        house = self.house
        return {
            "simulator": "span",
            "serial": house.household.serial,
            "time": datetime.fromtimestamp(house.second, UTC).isoformat(),
            "speed": house.clock.speed,
            "faults": list(self.faults),
            "clients": len(self.registry.clients),
            "unlocked": self.registry.unlocked,
            "door": house.door,
            "grid_up": house.grid_up,
            "soe_percent": house.soe_percent,
        } | self._state_v2()

    def _state_v2(self) -> Json:
        """What there is to say of a panel that publishes."""
        if self.panel is None or self.broker is None:
            return {"api": "v1"}
        return {
            "api": self.panel.api,
            "firmware": self.panel.firmware,
            "away": self.panel.away,
            "topics": len(self.broker.retained),
        }
