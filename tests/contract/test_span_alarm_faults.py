"""Each alarm rule of a panel, made to fire by a fault of the simulator, through the real client."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from fakes import START, ManualClock
from wattdeck.core.alarm import AlarmRule, Condition
from wattdeck.core.alarms import Alarm, Alarms, AlarmState
from wattdeck.core.config import AlarmsConfig
from wattdeck.core.hub import Hub
from wattdeck.core.reading import Link
from wattdeck.core.secrets import SecretRef
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span import SYSTEM as SPAN
from wattdeck.systems.span.alarms import BATTERY_LOW, DOOR_OPEN, METER_FALLS, OFF_GRID, OVER_LIMIT, RULES, SPIKE
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.rest import STATUS_EVERY
from wattdeck.systems.span.simulator import SpanSimulator

pytestmark = pytest.mark.anyio

Active = Mapping[tuple[str, str], str]
"""Rule and name of the object -> words."""


class Bench:
    """One simulated panel with its watch, and a clock for all that is moved by hand."""

    def __init__(self, state_dir: Path) -> None:
        self.clock = ManualClock()
        self.simulator = SpanSimulator(
            SimulatorOptions(start=START.replace(hour=12)), monotonic=self.clock.monotonic, sleep=self.clock.sleep
        )
        token = SecretRef(plain=self.simulator.issue_token())
        self.config = SpanConfig(name="home", host="127.0.0.1", token=token, retries=0, poll_s=1.0, battery=True)
        apps = {"http://127.0.0.1": self.simulator.app}
        self.hub = Hub([(SPAN, self.config)], state_dir=state_dir, clock=self.clock, demo_apps=apps)
        self.watch = SPAN.watch(self.config)
        self.alarms = Alarms(
            [(SPAN, self.config)], state_dir / "alarms.jsonl", self.clock, AlarmsConfig(),
            who="ana", session="one", scope="/etc/wattdeck.toml",
        )  # fmt: skip

    async def look(self) -> list[Condition]:
        """What the watch finds once the panel has been read whole, its status too."""
        for _ in range(STATUS_EVERY):
            self.clock.advance(1)
            await self.hub.once()
        return list(self.watch.look([self.hub.sources["span/home"].feeds[0].reading], self.clock.now()))

    async def judged(self, rule: AlarmRule, later_s: float = 0.0) -> Alarm | None:
        """The engine's alarm of that rule once the panel was read whole and then some time passed."""
        await self.look()
        self.alarms.look("span/home", [self.hub.sources["span/home"].feeds[0].reading], self.clock.now())
        self.clock.advance(later_s)
        self.alarms.tick(self.clock.now())
        return next((alarm for alarm in self.alarms.open if alarm.rule is rule), None)

    async def active(self) -> Active:
        return {(each.rule, each.name): each.words for each in await self.look() if each.active}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


CASES: Mapping[str, tuple[str, str | None, str, str]] = {
    OVER_LIMIT: ("load", "Heat Pump:10000", "Heat Pump", "10 000 W, limit 9 600 W, 83 % of 50 A (assumed rating)"),
    SPIKE: ("load", "Kitchen Lights:2500", "Kitchen Lights", "2 500 W, limit 2 400 W, 104 % of 20 A (assumed rating)"),
    BATTERY_LOW: ("charge", "12", "", "charge 12 %, limit 20 %"),
    DOOR_OPEN: ("door-open", None, "", "the door stands open"),
    METER_FALLS: ("counter-dip", "0.5", "", " kWh consumed, was "),
    OFF_GRID: ("grid-down", None, "", "the grid is away, battery at "),
}


@pytest.mark.parametrize("rule", [rule.name for rule in RULES])
async def test_a_fault_makes_the_rule_fire_and_its_end_clears_it(bench: Bench, rule: str) -> None:
    fault, value, name, words = CASES[rule]
    assert await bench.active() == {}
    bench.simulator.set_fault(fault, value)
    found = await bench.active()
    assert words in found[rule, name]
    assert set(found) <= {(rule, name), (OVER_LIMIT, name)}, "one cause, one alarm; a spike is above the limit as well"
    bench.simulator.clear_faults(fault)
    assert await bench.active() == {}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
async def test_the_alarm_comes_after_its_delay_is_acknowledged_and_clears_after_its_other(
    bench: Bench, rule: AlarmRule
) -> None:
    fault, value, name, words = CASES[rule.name]
    assert await bench.judged(rule) is None
    bench.simulator.set_fault(fault, value)
    if rule.on_delay_s:
        assert await bench.judged(rule, rule.on_delay_s - 1) is None
    alarm = await bench.judged(rule, 1)
    assert alarm is not None and (alarm.name, alarm.state) == (name, AlarmState.UNACKNOWLEDGED)
    assert words in alarm.words
    assert bench.alarms.acknowledge([alarm.id]) == [alarm.id]
    still = await bench.judged(rule)
    assert still is not None and still.state is AlarmState.ACKNOWLEDGED
    bench.simulator.clear_faults(fault)
    if rule.off_delay_s:
        assert await bench.judged(rule, rule.off_delay_s - 1) is not None
    assert await bench.judged(rule, 1) is None


async def test_an_opened_main_relay_is_off_grid_too(bench: Bench) -> None:
    bench.simulator.set_fault("main-relay-open")
    assert "the main relay is open" in (await bench.active())[OFF_GRID, ""]
    bench.simulator.clear_faults()
    assert await bench.active() == {}


async def test_a_reset_counter_is_accepted_after_an_hour(bench: Bench) -> None:
    await bench.active()
    bench.simulator.set_fault("counter-reset", "0.5")
    assert METER_FALLS in {rule for rule, _ in await bench.active()}
    bench.clock.advance(3600)
    assert METER_FALLS not in {rule for rule, _ in await bench.active()}


@pytest.mark.parametrize("fault", ["html-502", "main-relay-unknown", "revoke"])
async def test_while_the_panel_cannot_be_read_everything_is_unknown(bench: Bench, fault: str) -> None:
    bench.simulator.set_fault("door-open")
    before = await bench.look()
    bench.simulator.set_fault(fault)
    after = await bench.look()
    assert [(each.rule, each.object_id) for each in after] == [(each.rule, each.object_id) for each in before]
    assert {each.active for each in after} == {None}
    assert bench.hub.sources["span/home"].feeds[0].reading.link is not Link.LIVE


async def test_numbers_the_panel_does_not_say_are_unknown_and_raise_nothing(bench: Bench) -> None:
    bench.simulator.set_fault("null-power", "all")
    bench.simulator.set_fault("null-energy", "all")
    bench.simulator.set_fault("door-unknown")
    found = {each.rule: each.active for each in await bench.look()}
    assert found == {
        OFF_GRID: False, OVER_LIMIT: None, SPIKE: None, BATTERY_LOW: False, DOOR_OPEN: None, METER_FALLS: None,
    }  # fmt: skip
