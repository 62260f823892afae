"""One house seen through the three clients: the same panel where span-v2.md 10 says so, through the real sources."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from deck_app import HandClock
from fakes import START
from turns import come_to_rest
from wattdeck.core.hub import Hub
from wattdeck.core.reading import Link, Reading
from wattdeck.core.secrets import SecretRef
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span import SYSTEM
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.demo import stand_in
from wattdeck.systems.span.models import Circuit, DataModel, PanelSnapshot, Relay
from wattdeck.systems.span.simulator import SpanSimulator

pytestmark = pytest.mark.anyio

APIS = ("v1", "flat", "tree")
ROUNDED_W = 0.051
"""v2 tells powers to one decimal; a circuit of two spaces is rounded once."""


class ThreePanels:
    """The same house three times, each behind another protocol, in one hub on one clock."""

    def __init__(self, folder: Path, household: str, start: datetime) -> None:
        self.clock = HandClock(start)
        self.simulators = {api: self._simulator(api, household, start) for api in APIS}
        apps: dict[str, Any] = {}
        pairs = []
        for index, (api, simulator) in enumerate(self.simulators.items()):
            host = f"127.0.1.{index + 1}"
            token = SecretRef(plain=simulator.issue_token()) if api == "v1" else None
            config = SpanConfig(name=api, host=host, token=token, poll_s=1.0, battery=True, solar_tabs=(30, 32))
            pairs.append((SYSTEM, config))
            apps[f"http://{host}"] = simulator.app
            if simulator.broker is not None:
                apps[f"mqtts://{host}:8883"] = stand_in(simulator, host)
        self.hub = Hub(pairs, state_dir=folder, clock=self.clock, demo_apps=apps)

    def _simulator(self, api: str, household: str, start: datetime) -> SpanSimulator:
        simulator = SpanSimulator(
            SimulatorOptions(start=start, api=api),
            household=household,
            circuit_energy_period_s=0.0,
            monotonic=self.clock.monotonic,
            sleep=self.clock.sleep,
        )
        simulator.clear_faults()
        if simulator.broker is not None:
            simulator.broker.clock = self.clock
        return simulator

    def stop_house_time(self) -> None:
        """Let all three stay in this second, however long anybody takes to ask."""
        for simulator in self.simulators.values():
            simulator.turn_clock(0.0, 0.0)

    async def ask(self) -> dict[str, Reading[PanelSnapshot]]:
        """Every panel's next reading, none of them with time in between."""
        await self.drive(lambda: self.hub.once(timeout_s=1000))
        return {api: self.hub.readings(f"span/{api}")[0] for api in APIS}

    async def drive(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do something, letting time pass as it needs it."""
        task = asyncio.ensure_future(work())
        for _ in range(4000):
            await come_to_rest()
            if task.done():
                break
            self.clock.advance(0.05)
        task.result()


def panels(readings: dict[str, Reading[PanelSnapshot]]) -> dict[str, PanelSnapshot]:
    """The pictures; each is live."""
    found = {}
    for api, reading in readings.items():
        assert reading.link is Link.LIVE and reading.snapshot is not None, reading.problem
        found[api] = reading.snapshot
    return found


def real(panel: PanelSnapshot) -> dict[str, Circuit]:
    """Circuits that are in every protocol: not raw spaces, nor the inverter, which is a circuit in v2 alone."""
    return {each.circuit_id: each for each in panel.circuits if not each.virtual and each.feeds != "pv"}


@pytest.mark.parametrize("household", ["home", "shop"])
@pytest.mark.parametrize("hour", [3, 12, 19])
async def test_the_same_house_is_the_same_panel(tmp_path: Path, household: str, hour: int) -> None:
    bench = ThreePanels(tmp_path, household, START.replace(hour=hour, minute=0, second=0))
    async with bench.hub:
        first = panels(await bench.ask())
        bench.stop_house_time()
        await bench.drive(lambda: bench.clock.sleep(3))
        seen = panels(await bench.ask())
    one, flat, tree = (seen[api] for api in APIS)
    assert [panel.data_model for panel in seen.values()] == [DataModel.V1, DataModel.FLAT, DataModel.TREE]
    assert first["v1"].serial == one.serial == flat.serial == tree.serial
    for other in (flat, tree):
        assert real(one).keys() == real(other).keys()
        for circuit_id, ours in real(one).items():
            theirs = real(other)[circuit_id]
            assert (theirs.name, theirs.tabs, theirs.relay) == (ours.name, ours.tabs, ours.relay)
            assert theirs.priority == ours.priority
            assert theirs.controllable == ours.controllable
            assert theirs.power_w == pytest.approx(ours.power_w, abs=ROUNDED_W)
            assert theirs.energy_consumed_wh == pytest.approx(ours.energy_consumed_wh, abs=0.11)
            assert theirs.energy_produced_wh == pytest.approx(ours.energy_produced_wh, abs=0.11)
        assert other.main_relay == one.main_relay
        # A tree without an islanding switch does not say whether the grid is there.
        unsaid = household == "shop" and other is tree
        assert other.off_grid == (None if unsaid else one.off_grid)
        assert other.feed_power_w == pytest.approx(one.feed_power_w, abs=30)
        assert other.main_consumed_wh == pytest.approx(one.main_consumed_wh, rel=1e-4)
        assert (other.battery_percent is None) == (household == "shop")
        if household == "home":
            assert other.battery_percent == one.battery_percent
            assert other.solar_w == pytest.approx(max(one.solar_w or 0.0, 0.0), abs=3)
    shared = ("grid_power_w", "feed_power_w", "house_load_w", "solar_w", "battery_power_w", "leg_current_a")
    assert [getattr(flat, name) for name in shared] == [getattr(tree, name) for name in shared]
    alike = {"priority_settable", "controllable", "sheddable", "never_backup", "reported_at", "energy_today_wh"}
    for ours, theirs in zip(flat.circuits, tree.circuits, strict=True):
        assert replace(ours, **{name: getattr(theirs, name) for name in alike}) == theirs


async def test_a_relay_and_a_priority_move_through_all_three(tmp_path: Path) -> None:
    bench = ThreePanels(tmp_path, "home", START.replace(hour=12))
    async with bench.hub:
        seen = panels(await bench.ask())
        pump = next(each.circuit_id for each in seen["v1"].circuits if each.name == "Heat Pump")
        for api in APIS:
            commands = bench.hub.sources[f"span/{api}"].commands  # type: ignore[attr-defined]

            async def order(commands: Any = commands) -> None:
                await commands.set_relay(pump, Relay.OPEN)
                await commands.set_priority(pump, "must_have")

            await bench.drive(order)
        await bench.drive(lambda: bench.clock.sleep(3))
        for api, panel in panels(await bench.ask()).items():
            circuit = panel.circuit(pump)
            assert circuit is not None, api
            assert (circuit.relay, circuit.power_w, circuit.priority) == (Relay.OPEN, 0.0, "must_have"), api
