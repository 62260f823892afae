"""Each alarm of a meter, made to fire by a fault of the simulated portal and seen through client, feeds and watch."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from usms_bench import Bench
from wattdeck.core.alarm import Condition, Watch
from wattdeck.core.alarms import Alarms, AlarmState, What
from wattdeck.core.config import AlarmsConfig
from wattdeck.core.reading import Link
from wattdeck.systems.usms import SYSTEM

pytestmark = pytest.mark.anyio

HOUSE, WATER = "12345678", "2402007817"
LATER_S = 16 * 60.0
FAULTS = {
    "usms.credit-out": ("negative-credit", None, "B$5.00 are owed"),
    "usms.credit-low": ("low-credit", None, "B$0.50 left, enough for"),
    "usms.not-active": ("not-active", "SUSPENDED", "suspended"),
    "usms.no-update": ("silent", "72", "2 d ago, on 11 October"),
    "usms.unusual-day": ("unusual-day", "3", "13 October: "),
}
"""Rule -> a fault that makes it fire, its value, and what is said then."""


class Desk:
    """A watch over one account."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.watch: Watch = SYSTEM.watch(bench.config)

    def conditions(self) -> dict[tuple[str, str], Condition]:
        readings = [feed.reading for feed in self.bench.source.feeds]
        found = self.watch.look(readings, self.bench.clock.now())
        named = {(one.rule, one.object_id): one for one in found}
        assert len(named) == len(found), "one condition for each rule and meter"
        return named

    def active(self) -> set[tuple[str, str]]:
        return {key for key, one in self.conditions().items() if one.active}

    async def poll(self, *faults: tuple[str, str | None]) -> None:
        self.bench.simulator.clear_faults()
        for name, value in faults:
            self.bench.simulator.set_fault(name, value)
        await self.bench.poll(LATER_S)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    bench = Bench(tmp_path)
    yield Desk(bench)
    await bench.hub.aclose()


def test_every_rule_has_a_fault_that_makes_it_fire() -> None:
    assert list(FAULTS) == [rule.name for rule in SYSTEM.alarm_rules()]


@pytest.mark.parametrize("rule", FAULTS)
async def test_a_fault_raises_its_alarm_and_its_end_clears_it(desk: Desk, rule: str) -> None:
    fault, value, words = FAULTS[rule]
    await desk.poll()
    assert desk.active() == set()
    await desk.poll((fault, value))
    found = desk.conditions()
    assert found[rule, HOUSE].active is True and words in found[rule, HOUSE].words
    assert found[rule, HOUSE].name == "electricity 12345678"
    beside = {"usms.credit-out": {"usms.credit-low"}}.get(rule, set())
    assert {name for name, meter in desk.active() if meter == HOUSE} == {rule, *beside}
    await desk.poll()
    assert desk.active() == set() and not any(one.holds for one in desk.conditions().values())


async def test_a_day_of_next_to_nothing_is_as_unusual(desk: Desk) -> None:
    await desk.poll(("unusual-day", "0.1"))
    assert desk.active() == {("usms.unusual-day", HOUSE)}


async def test_silence_of_the_portal_is_told_of_every_meter(desk: Desk) -> None:
    await desk.poll(("silent", "72"))
    assert desk.active() == {("usms.no-update", HOUSE), ("usms.no-update", WATER)}


@pytest.mark.parametrize(
    ("fault", "value", "unknown"),
    [
        ("dashes", None, {"usms.credit-out", "usms.credit-low"}),
        ("odd-dates", "empty", {"usms.no-update"}),
        ("empty-history", None, {"usms.credit-low", "usms.unusual-day"}),
    ],
)
async def test_what_the_portal_does_not_show_is_unknown(
    desk: Desk, fault: str, value: str | None, unknown: set[str]
) -> None:
    await desk.poll((fault, value))
    assert {rule for (rule, meter), one in desk.conditions().items() if one.active is None} == unknown


async def test_a_portal_that_is_silent_for_good_says_nothing_about_now(desk: Desk) -> None:
    await desk.poll(("low-credit", None))
    desk.bench.simulator.set_fault("status-503")
    desk.bench.clock.advance(5 * 3600)
    await desk.bench.source.meters_feed.poll()
    desk.bench.clock.advance(5 * 3600)
    reading = await desk.bench.source.meters_feed.poll()
    assert reading.link is Link.DOWN
    assert {one.active for one in desk.conditions().values()} == {None}


async def test_the_days_of_last_month_are_remembered_where_the_feed_no_longer_shows_them(desk: Desk) -> None:
    """On the 8th the feed holds a week, which is too little to say what is usual."""
    await desk.poll()
    desk.bench.clock.advance(24 * 86_400.0)
    await desk.poll()
    assert desk.bench.clock.now().day == 7 and ("usms.unusual-day", HOUSE) not in desk.active()
    fresh = SYSTEM.watch(desk.bench.config)
    desk.bench.clock.advance(86_400.0)
    await desk.poll(("unusual-day", "3"))
    readings = [feed.reading for feed in desk.bench.source.feeds]
    alone = fresh.look(readings, desk.bench.clock.now())
    assert {one.active for one in alone if one.rule == "usms.unusual-day"} == {None}
    assert ("usms.unusual-day", HOUSE) in desk.active()


async def test_a_meter_that_is_gone_has_no_conditions(desk: Desk) -> None:
    await desk.poll(("meter-removed", None))
    assert {meter for _, meter in desk.conditions()} == {HOUSE}


async def test_nothing_is_said_before_the_first_answer(desk: Desk) -> None:
    assert desk.conditions() == {}


async def test_the_limits_are_those_of_the_settings(tmp_path: Path) -> None:
    alarms = {"credit_days": 365.0, "no_update_h": 500.0, "unusual_percent": 400.0}
    bench = Bench(tmp_path, alarms=SYSTEM.config_model().model_fields["alarms"].annotation(**alarms))  # type: ignore[misc]
    desk = Desk(bench)
    await desk.poll(("silent", "72"), ("unusual-day", "3"))
    assert {rule for rule, _ in desk.active()} == {"usms.credit-low"}
    await bench.hub.aclose()


class Session(Desk):
    """An account under the alarm engine."""

    def __init__(self, bench: Bench, path: Path) -> None:
        super().__init__(bench)
        self.alarms = Alarms([(SYSTEM, bench.config)], path, bench.clock, AlarmsConfig(), who="ana", session="one")

    async def poll(self, *faults: tuple[str, str | None]) -> None:
        await super().poll(*faults)
        now = self.bench.clock.now()
        self.alarms.look("usms/contoh", [feed.reading for feed in self.bench.source.feeds], now)
        self.alarms.tick(now)

    @property
    def states(self) -> dict[tuple[str, str], AlarmState]:
        return {(alarm.rule.name, alarm.object_id): alarm.state for alarm in self.alarms.open}


@pytest.fixture
async def session(tmp_path: Path) -> AsyncIterator[Session]:
    bench = Bench(tmp_path)
    yield Session(bench, tmp_path / "alarms.jsonl")
    await bench.hub.aclose()


@pytest.mark.parametrize("rule", FAULTS)
async def test_an_alarm_is_raised_acknowledged_and_cleared(session: Session, rule: str) -> None:
    fault, value, words = FAULTS[rule]
    await session.poll()
    assert session.states == {}
    await session.poll((fault, value))
    assert session.states[rule, HOUSE] is AlarmState.UNACKNOWLEDGED
    alarm = next(alarm for alarm in session.alarms.open if (alarm.rule.name, alarm.object_id) == (rule, HOUSE))
    assert words in alarm.words and alarm.name == "electricity 12345678"
    assert session.alarms.acknowledge([alarm.id]) == [alarm.id]
    await session.poll((fault, value))
    assert session.states[rule, HOUSE] is AlarmState.ACKNOWLEDGED, "what is still so is no news"
    await session.poll()
    assert (rule, HOUSE) not in session.states
    happened = [event.what for event in session.alarms.events() if (event.rule, event.object_id) == (rule, HOUSE)]
    assert happened == [What.RAISED, What.ACKNOWLEDGED, What.CLEARED]


async def test_what_is_no_longer_shown_leaves_an_alarm_as_it_is(session: Session) -> None:
    await session.poll(("low-credit", None))
    assert session.states == {("usms.credit-low", HOUSE): AlarmState.UNACKNOWLEDGED}
    await session.poll(("dashes", None))
    assert session.states == {("usms.credit-low", HOUSE): AlarmState.UNACKNOWLEDGED}


async def test_an_alarm_that_ends_unseen_waits_to_be_seen(session: Session) -> None:
    await session.poll(("unusual-day", "0.1"))
    await session.poll()
    assert session.states == {("usms.unusual-day", HOUSE): AlarmState.RETURNED}
