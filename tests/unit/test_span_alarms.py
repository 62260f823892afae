"""What is worth an alarm on a panel: limits, dead bands, and what is not known, without a panel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from fakes import START
from wattdeck.core.alarm import Condition, Priority
from wattdeck.core.reading import Link, Reading
from wattdeck.systems.span import SYSTEM
from wattdeck.systems.span.alarms import (
    BATTERY_LOW,
    DOOR_OPEN,
    METER_FALLS,
    OFF_GRID,
    OVER_LIMIT,
    RESET_AFTER_S,
    RULES,
    SPIKE,
    SpanWatch,
)
from wattdeck.systems.span.config import SpanAlarms, SpanConfig
from wattdeck.systems.span.models import Battery, Circuit, DataModel, Door, PanelSnapshot, Relay

LAMP = Circuit("c1", "Lamp", (1,), 100.0, 0.0, 0.0, Relay.CLOSED, "must_have", True)
OVEN = Circuit("c2", "Oven", (13, 15), 0.0, 0.0, 0.0, Relay.CLOSED, "must_have", True)
ODD = Circuit("c3", "Odd", (1, 2, 3), 90_000.0, 0.0, 0.0, Relay.CLOSED, "must_have", True)
SOLAR = replace(LAMP, circuit_id="unmapped_tab_30", name="Unmapped", tabs=(30,), power_w=-2600.0, virtual=True)
PANEL = PanelSnapshot(
    serial="nt-1",
    firmware="x",
    model="00200",
    door=Door.CLOSED,
    main_relay=Relay.CLOSED,
    grid_power_w=1500.0,
    feedthrough_power_w=0.0,
    house_load_w=4000.0,
    generation_w=500.0,
    battery_percent=60,
    main_consumed_wh=12_000.0,
    main_produced_wh=1_000.0,
    circuits=(LAMP, OVEN, ODD, SOLAR),
    grid_state="DSM_GRID_UP",
    dsm_state="DSM_ON_GRID",
)


def watching(battery: bool = True, main_rating_a: float | None = None, **alarms: Any) -> SpanWatch:
    config = SpanConfig(
        name="home", host="panel", battery=battery, main_rating_a=main_rating_a, alarms=SpanAlarms(**alarms)
    )
    return SYSTEM.watch(config)


def look(
    watch: SpanWatch, panel: PanelSnapshot = PANEL, link: Link = Link.LIVE, now: datetime = START
) -> Mapping[tuple[str, str], Condition]:
    found = watch.look([Reading("span/home", "panel", panel, link, now)], now)
    assert {condition.rule for condition in found} <= {rule.name for rule in RULES}
    return {(condition.rule, condition.object_id): condition for condition in found}


def drawing(power_w: float | None, circuit: Circuit = LAMP) -> PanelSnapshot:
    return replace(PANEL, circuits=(replace(circuit, power_w=power_w),))


def test_a_panel_that_is_well_has_nothing_active_and_no_words() -> None:
    found = look(watching())
    assert {condition.active for condition in found.values()} == {False}
    assert {condition.words for condition in found.values()} == {""}
    assert {key[1] for key in found} == {"", "c1", "c2"}, "neither spaces of no circuit nor unknown voltages"


@pytest.mark.parametrize(
    ("power_w", "limit", "spike"),
    [
        # 20 A at 120 V are 2,400 W: limit 1,920 W, dead bands of 120 W.
        (1800.0, (False, False), (False, False)),
        (1801.0, (False, True), (False, False)),
        (1920.0, (False, True), (False, False)),
        (1921.0, (True, False), (False, False)),
        (-1921.0, (True, False), (False, False)),
        (2281.0, (True, False), (False, True)),
        (2400.0, (True, False), (False, True)),
        (2401.0, (True, False), (True, False)),
        (None, (None, False), (None, False)),
    ],
)
def test_a_load_is_judged_by_its_breaker_with_a_dead_band(
    power_w: float | None, limit: tuple[bool | None, bool], spike: tuple[bool | None, bool]
) -> None:
    found = look(watching(), drawing(power_w))
    over, above = found[OVER_LIMIT, "c1"], found[SPIKE, "c1"]
    assert (over.active, over.holds) == limit and (above.active, above.holds) == spike
    assert over.name == "Lamp" and over.on_delay_s == 900


def test_the_words_say_power_limit_and_share_and_that_a_rating_is_assumed() -> None:
    assert look(watching(), drawing(1990.0))[OVER_LIMIT, "c1"].words == (
        "1 990 W, limit 1 920 W, 83 % of 20 A (assumed rating)"
    )
    said = look(watching(breaker_a={"lamp": 15.0}), drawing(1990.0))
    assert said[OVER_LIMIT, "c1"].words == "1 990 W, limit 1 440 W, 111 % of 15 A"
    assert said[SPIKE, "c1"].words == "1 990 W, limit 1 800 W, 111 % of 15 A"


@pytest.mark.parametrize(
    ("settings", "power_w", "rules"),
    [
        ({"breaker_a": {"c1": 40.0}}, 3000.0, set()),
        ({"breaker_a": {"LAMP": 10.0}}, 1000.0, {OVER_LIMIT}),
        ({"limits_w": {"c1": 50.0}}, 51.0, {OVER_LIMIT}),
        ({"limits_w": {"c1": 5000.0}}, 2300.0, set()),
        ({"limits_w": {"c1": 5000.0}}, 2500.0, {SPIKE}),
        ({"one_space_breaker_a": 0.0}, 90_000.0, set()),
        ({"one_space_breaker_a": 0.0, "limits_w": {"lamp": 50.0}}, 60.0, {OVER_LIMIT}),
        ({"over_limit_percent": 50.0, "spike_percent": 60.0}, 1500.0, {OVER_LIMIT, SPIKE}),
    ],
)
def test_settings_say_what_the_panel_does_not(settings: dict[str, Any], power_w: float, rules: set[str]) -> None:
    found = look(watching(**settings), drawing(power_w))
    assert {rule for (rule, _), condition in found.items() if condition.active} == rules


def test_a_limit_in_watts_has_its_dead_band_in_percent_of_itself() -> None:
    watch = watching(limits_w={"c1": 1000.0})
    assert look(watch, drawing(951.0))[OVER_LIMIT, "c1"].holds
    assert not look(watch, drawing(950.0))[OVER_LIMIT, "c1"].holds


def test_two_spaces_are_240_volts_and_the_main_breaker_is_watched_where_its_rating_is_known() -> None:
    assert look(watching(), drawing(9601.0, OVEN))[OVER_LIMIT, "c2"].active
    assert not look(watching(), drawing(9599.0, OVEN))[OVER_LIMIT, "c2"].active
    main = look(watching(main_rating_a=100.0), replace(PANEL, grid_power_w=-20_000.0))[OVER_LIMIT, "main"]
    assert (main.active, main.name, main.words) == (
        True, "Main breaker", "20 000 W, limit 19 200 W, 83 % of 100 A",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("charge", "active", "holds"), [(25, False, False), (24, False, True), (20, False, True), (19, True, False)]
)
def test_a_low_battery_is_well_again_five_percent_higher(charge: int, active: bool, holds: bool) -> None:
    condition = look(watching(), replace(PANEL, battery_percent=charge))[BATTERY_LOW, ""]
    assert (condition.active, condition.holds) == (active, holds)
    assert not active or condition.words == "charge 19 %, limit 20 %"


def test_a_battery_is_judged_only_where_there_is_one_and_its_charge_is_known() -> None:
    assert look(watching(), replace(PANEL, battery_percent=None))[BATTERY_LOW, ""].active is None
    assert (BATTERY_LOW, "") not in look(watching(battery=False))
    assert (BATTERY_LOW, "") not in look(watching(battery_low_percent=0.0), replace(PANEL, battery_percent=0))


def test_a_battery_that_a_v2_panel_tells_of_is_judged_without_a_setting() -> None:
    watch = watching(battery=False)
    told = replace(PANEL, data_model=DataModel.TREE, batteries=(Battery("b1"),), battery_percent=7)
    assert look(watch, told)[BATTERY_LOW, ""].active is True
    gone = replace(told, batteries=(), battery_percent=None)
    assert look(watch, gone)[BATTERY_LOW, ""].active is None, "not heard of, it is not well again"


@pytest.mark.parametrize(
    ("fields", "active", "words"),
    [
        ({}, False, ""),
        ({"grid_state": "DSM_GRID_DOWN"}, True, "the grid is away, battery at 60 %"),
        ({"main_relay": Relay.OPEN}, True, "the main relay is open, battery at 60 %"),
        ({"grid_state": "", "dsm_state": "", "main_relay": Relay.UNKNOWN}, None, ""),
        ({"grid_state": "DSM_UNHEARD_OF", "dsm_state": "DSM_OFF_GRID", "battery_percent": None}, True,
         "the grid is away"),
    ],
)  # fmt: skip
def test_off_grid_says_why(fields: dict[str, Any], active: bool | None, words: str) -> None:
    condition = look(watching(), replace(PANEL, **fields))[OFF_GRID, ""]
    assert (condition.active, condition.words) == (active, words)


@pytest.mark.parametrize(("door", "active"), [(Door.OPEN, True), (Door.CLOSED, False), (Door.UNKNOWN, None)])
def test_an_open_door_counts_after_its_time_and_an_unknown_one_is_unknown(door: Door, active: bool | None) -> None:
    condition = look(watching(door_open_s=30.0), replace(PANEL, door=door))[DOOR_OPEN, ""]
    assert (condition.active, condition.on_delay_s) == (active, 30.0)


def metered(watch: SpanWatch, consumed_wh: float | None, later_s: float = 0.0, serial: str = "nt-1") -> Condition:
    panel = replace(PANEL, main_consumed_wh=consumed_wh, serial=serial)
    return look(watch, panel, now=START + timedelta(seconds=later_s))[METER_FALLS, ""]


def test_a_falling_meter_is_stated_with_both_numbers_until_it_is_back() -> None:
    watch = watching()
    assert [metered(watch, wh).active for wh in (5000.0, 9000.0, 8999.5)] == [False, False, False]
    fallen = metered(watch, 4000.0)
    assert (fallen.active, fallen.words) == (True, "4.00 kWh consumed, was 9.00 kWh")
    assert metered(watch, None).active is None
    assert metered(watch, 8000.0).words == "8.00 kWh consumed, was 9.00 kWh"
    assert metered(watch, 9000.0).active is False


def test_a_meter_that_stays_lower_was_reset_and_counts_from_there() -> None:
    watch = watching()
    metered(watch, 9000.0)
    assert metered(watch, 10.0, 1).active
    assert metered(watch, 20.0, RESET_AFTER_S).active
    assert metered(watch, 30.0, RESET_AFTER_S + 1).active is False
    assert metered(watch, 20.0, RESET_AFTER_S + 2).words == "0.02 kWh consumed, was 0.03 kWh"


def test_another_panel_has_another_meter() -> None:
    watch = watching()
    metered(watch, 9000.0)
    assert metered(watch, 10.0, serial="nt-2").active is False


@pytest.mark.parametrize("link", [Link.STALE, Link.DOWN, Link.REFUSED, Link.WAITING])
def test_an_old_snapshot_says_nothing_about_now(link: Link) -> None:
    panel = replace(drawing(9999.0), door=Door.OPEN, battery_percent=1, main_relay=Relay.OPEN)
    live, old = look(watching(), panel), look(watching(), panel, link)
    assert set(old) == set(live) and {condition.active for condition in old.values()} == {None}
    assert not any(condition.holds or condition.words for condition in old.values())


def test_without_any_answer_nothing_is_judged() -> None:
    assert watching().look([], START) == watching().look([Reading("span/home", "panel")], START) == ()


def test_the_rules_are_few_seldom_urgent_and_say_what_to_do() -> None:
    assert SYSTEM.alarm_rules() is RULES and len({rule.name for rule in RULES}) == len(RULES)
    assert [rule.priority for rule in RULES].count(Priority.HIGH) == 1
    assert sum(rule.priority is Priority.LOW for rule in RULES) > len(RULES) / 2
    assert all(rule.name.startswith("span.") and rule.title and rule.consequence and rule.action for rule in RULES)


def test_the_rules_wait_as_long_as_the_settings_do_by_default() -> None:
    settings = SpanAlarms()
    delays_s = {rule.name: rule.on_delay_s for rule in RULES}
    assert (delays_s[OVER_LIMIT], delays_s[DOOR_OPEN], delays_s[OFF_GRID]) == (
        settings.over_limit_s, settings.door_open_s, settings.grid_lost_s,
    )  # fmt: skip


# what a v2 panel measures and reports


def measured(current_a: float | None, rating_a: float | None = 20.0, **more: Any) -> Circuit:
    return replace(LAMP, power_w=0.0, current_a=current_a, rating_a=rating_a, **more)


def of(*circuits: Circuit, **panel: Any) -> PanelSnapshot:
    return replace(PANEL, circuits=circuits, **panel)


def active(watch: SpanWatch, panel: PanelSnapshot) -> set[tuple[str, str]]:
    return {key for key, condition in look(watch, panel).items() if condition.active}


def test_a_measured_current_is_judged_by_the_rating_the_panel_reports() -> None:
    assert active(watching(), of(measured(16.0))) == set()
    found = look(watching(), of(measured(16.5)))
    assert found[OVER_LIMIT, "c1"].words == "16.5 A, limit 16.0 A, 82 % of 20 A"
    assert not found[SPIKE, "c1"].active
    assert active(watching(), of(measured(20.5))) == {(OVER_LIMIT, "c1"), (SPIKE, "c1")}


@pytest.mark.parametrize(
    ("circuit", "settings", "rules"),
    [
        (measured(18.0), {"breaker_a": {"lamp": 30.0}}, set()),
        (measured(18.0, None), {"one_space_breaker_a": 15.0}, {OVER_LIMIT, SPIKE}),
        (measured(18.0, 0.0), {"one_space_breaker_a": 50.0}, set()),
        (measured(18.0, 15.0, tabs=(1, 2, 3)), {}, {OVER_LIMIT, SPIKE}),
        (measured(18.0, 15.0, live=False), {}, set()),
        (replace(LAMP, power_w=1700.0, rating_a=15.0), {}, {OVER_LIMIT}),
        (replace(measured(21.0), power_w=40.0), {"limits_w": {"c1": 50.0}}, {SPIKE}),
    ],
)
def test_settings_win_over_the_panel_and_the_panel_over_what_is_usual(
    circuit: Circuit, settings: dict[str, Any], rules: set[str]
) -> None:
    assert {rule for rule, _ in active(watching(**settings), of(circuit))} == rules


def test_a_current_that_is_no_longer_told_is_unknown_and_clears_nothing() -> None:
    found = look(watching(), of(measured(None, 15.0, tabs=(1, 2, 3))))
    assert {found[rule, "c1"].active for rule in (OVER_LIMIT, SPIKE)} == {None}


def test_circuits_behind_one_meter_are_one_load_on_both_breakers() -> None:
    left = measured(33.0, circuit_id="a", name="Left", shared_with=("b",))
    right = measured(33.0, circuit_id="b", name="Right", shared_with=("a",))
    found = look(watching(), of(left, right))
    assert {key for key in found if key[0] == SPIKE} == {(SPIKE, "a")}
    over = found[OVER_LIMIT, "a"]
    assert (over.name, over.words) == ("Left + Right", "33.0 A, limit 32.0 A, 82 % of 40 A")
    unsure = replace(right, rating_a=None)
    assert active(watching(one_space_breaker_a=0.0), of(left, unsure)) == set()


@pytest.mark.parametrize(
    ("settings_a", "panel_a", "legs_a", "expected"),
    [
        (None, 200.0, (165.0, 10.0), {(OVER_LIMIT, "main-l1")}),
        (None, 200.0, (10.0, 201.0), {(OVER_LIMIT, "main-l2"), (SPIKE, "main-l2")}),
        (250.0, 200.0, (165.0, 190.0), set()),
        (100.0, 200.0, (81.0, 79.0), {(OVER_LIMIT, "main-l1")}),
        (None, None, (900.0, 900.0), set()),
        (None, 200.0, (None, None), {(OVER_LIMIT, "main")}),
    ],
)
def test_each_leg_of_the_mains_is_judged_where_its_current_is_measured(
    settings_a: float | None,
    panel_a: float | None,
    legs_a: tuple[float | None, float | None],
    expected: set[tuple[str, str]],
) -> None:
    panel = of(main_rating_a=panel_a, leg_current_a=legs_a, feed_power_w=45_000.0)
    assert active(watching(main_rating_a=settings_a), panel) == expected


def test_a_leg_is_named_and_does_not_become_well_while_it_is_not_told() -> None:
    watch, high = watching(), of(main_rating_a=200.0, leg_current_a=(190.0, 20.0))
    found = look(watch, high)[OVER_LIMIT, "main-l1"]
    assert (found.name, found.words) == ("Main breaker L1", "190.0 A, limit 160.0 A, 95 % of 200 A")
    assert look(watch, of(main_rating_a=200.0))[OVER_LIMIT, "main-l1"].active is None


def test_the_main_breaker_carries_what_comes_through_its_lugs_not_what_the_street_gives() -> None:
    panel = of(main_rating_a=100.0, feed_power_w=23_000.0, grid_power_w=1000.0)
    assert active(watching(), panel) == {(OVER_LIMIT, "main")}


def test_the_meter_falls_although_what_is_shown_does_not() -> None:
    watch = watching()
    look(watch, of(main_consumed_wh=12_000.0))
    fallen = look(watch, of(main_consumed_wh=12_000.0, main_offset_wh=9000.0))[METER_FALLS, ""]
    assert fallen.active and fallen.words == "3.00 kWh consumed, was 12.00 kWh"
    jumped = watching()
    look(jumped, of(main_consumed_wh=12_000.0))
    look(jumped, of(main_consumed_wh=12_000.0, main_offset_wh=-2.5e12))
    assert not look(jumped, of(main_consumed_wh=12_001.0))[METER_FALLS, ""].active, "it never counted to there"
