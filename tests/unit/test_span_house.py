"""The energy engine behind the simulated SPAN panel, without HTTP."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.simulated import SimulatedClock
from wattdeck.systems.span.answers import Answers, Json
from wattdeck.systems.span.faults import FaultBoard
from wattdeck.systems.span.house import House
from wattdeck.systems.span.household import HOME, HOUSEHOLDS, SHOP, Household
from wattdeck.systems.span.models import voltage_v
from wattdeck.systems.span.power_flow import CircuitState

MIDNIGHT_S = 1_752_364_800.0
EVENING_S = MIDNIGHT_S + 19 * 3600
NOON_S = MIDNIGHT_S + 12 * 3600


class Watch:
    """A monotonic clock moved by hand."""

    def __init__(self) -> None:
        self.now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


def make_house(
    household: Household = HOME,
    *,
    start_s: float = EVENING_S,
    seed: int = 1,
    speed: float = 1.0,
    watch: Watch | None = None,
    period_s: float = 600.0,
) -> House:
    clock = SimulatedClock(start_s, speed, watch or Watch())
    return House(household, clock, seed=seed, circuit_energy_period_s=period_s)


def pass_time(house: House, seconds: float) -> None:
    house.clock.advance(seconds)
    house.advance()


def named(house: House, name: str) -> CircuitState:
    return next(circuit for circuit in house.circuits.values() if circuit.name == name)


def read_panel(house: House) -> Json:
    house.advance()
    return Answers(house, FaultBoard()).panel()


def assert_balanced(panel: Json) -> None:
    """The three identities of span.md 4.2, in plain floats and in the order anyone would write them."""
    branches = panel["branches"]
    main, feedthrough = panel["mainMeterEnergy"], panel["feedthroughEnergy"]
    power_w = sum(branch["instantPowerW"] for branch in branches)
    assert panel["feedthroughPowerW"] == panel["instantGridPowerW"] + power_w
    imported_wh = sum(branch["importedActiveEnergyWh"] for branch in branches)
    exported_wh = sum(branch["exportedActiveEnergyWh"] for branch in branches)
    assert feedthrough["consumedEnergyWh"] == main["consumedEnergyWh"] - imported_wh
    assert feedthrough["producedEnergyWh"] == exported_wh - main["producedEnergyWh"]


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    start_s=st.integers(0, 4_000_000_000),
    step_s=st.sampled_from([0.0, 0.3, 1.0, 7.7, 61.0]),
    household=st.sampled_from(sorted(HOUSEHOLDS)),
    grid_up=st.booleans(),
)
def test_the_balance_identities_hold_to_the_last_digit_on_100_reads(
    seed: int, start_s: float, step_s: float, household: str, grid_up: bool
) -> None:
    house = make_house(HOUSEHOLDS[household], seed=seed, start_s=start_s)
    house.set_grid(up=grid_up)
    for _ in range(100):
        house.clock.advance(step_s)
        assert_balanced(read_panel(house))


@given(seed=st.integers(0, 2**32), steps=st.lists(st.integers(0, 4000), max_size=6))
@settings(max_examples=15, deadline=None)
def test_the_same_seed_and_the_same_reads_give_the_same_panel(seed: int, steps: list[int]) -> None:
    one, other = make_house(seed=seed), make_house(seed=seed)
    for step_s in steps:
        pass_time(one, step_s)
        pass_time(other, step_s)
    assert read_panel(one) == read_panel(other)


def test_another_seed_is_another_house() -> None:
    assert read_panel(make_house(seed=1)) != read_panel(make_house(seed=2))


def test_power_depends_on_the_time_and_not_on_how_often_it_was_read() -> None:
    often, once = make_house(start_s=NOON_S), make_house(start_s=NOON_S)
    for _ in range(60):
        pass_time(often, 1)
    pass_time(once, 60)
    assert [*often.flow.spaces] == [*once.flow.spaces]


def test_loads_are_negative_and_solar_is_positive_on_the_wire() -> None:
    house = make_house(start_s=NOON_S)
    assert house.power_w(named(house, "Router and Alarm")) < -30
    assert all(house.flow.spaces[tab - 1] > 0 for tab in HOME.solar_tabs)


def test_the_shop_has_no_sun_and_answers_a_plausible_charge_all_the_same() -> None:
    house = make_house(SHOP, start_s=NOON_S)
    assert house.soe_percent == 95
    assert all(house.power_w(circuit) <= 0 for circuit in house.circuits.values())
    assert house.flow.feedthrough > 0


@pytest.mark.parametrize("household", HOUSEHOLDS.values(), ids=HOUSEHOLDS)
def test_every_circuit_sits_on_spaces_of_its_own_and_every_pair_spans_both_legs(household: Household) -> None:
    tabs = [tab for load in household.loads for tab in load.tabs] + [*household.solar_tabs]
    assert len(tabs) == len(set(tabs))
    assert all(voltage_v(load.tabs) == 120 * len(load.tabs) for load in household.loads)


def test_readings_move_every_second() -> None:
    house = make_house()
    grids = []
    for _ in range(20):
        pass_time(house, 1)
        grids.append(house.flow.grid)
    assert len(set(grids)) > 15


def test_an_open_circuit_reports_exactly_zero_while_its_branch_shows_noise_and_counts_nothing() -> None:
    house = make_house()
    circuit = named(house, "Living Room Outlets")
    house.switch(circuit.circuit_id, opened=True)
    before = read_panel(house)["branches"][2]
    seen = set()
    for _ in range(50):
        pass_time(house, 1)
        seen.add(house.flow.spaces[2] / 64)
        assert house.power_w(circuit) == 0.0
    after = read_panel(house)["branches"][2]
    assert len(seen) > 5 and max(map(abs, seen)) <= 2
    assert after["relayState"] == "OPEN"
    assert after["exportedActiveEnergyWh"] == before["exportedActiveEnergyWh"]
    assert after["importedActiveEnergyWh"] == before["importedActiveEnergyWh"]


def test_both_branches_of_a_two_space_circuit_open_and_share_its_power_to_about_one_percent() -> None:
    house = make_house()
    circuit = named(house, "EV Charger")
    pass_time(house, 3 * 3600)
    left, right = (house.flow.spaces[tab - 1] for tab in circuit.tabs)
    assert left < -64_000 and abs(left / right - 1) < 0.03
    house.switch(circuit.circuit_id, opened=True)
    branches = read_panel(house)["branches"]
    assert [branches[tab - 1]["relayState"] for tab in circuit.tabs] == ["OPEN", "OPEN"]


def test_branch_energy_is_the_integral_of_branch_power() -> None:
    house = make_house()
    before_wh = house.meters[4].out_of_panel_wh
    used_wh = 0.0
    for _ in range(600):
        used_wh -= house.flow.spaces[4] / 64 / 3600
        pass_time(house, 1)
    assert house.meters[4].out_of_panel_wh - before_wh == pytest.approx(used_wh)
    assert used_wh > 5


def test_circuit_energies_move_on_their_own_slow_clock() -> None:
    house = make_house()
    circuit = named(house, "Router and Alarm")
    pass_time(house, 600 - (house.second - house.energy_at_s))
    published_at_s, published_wh = house.energy_at_s, circuit.consumed_wh
    assert published_at_s == house.second
    pass_time(house, 599)
    assert (house.energy_at_s, circuit.consumed_wh) == (published_at_s, published_wh)
    pass_time(house, 1)
    assert house.energy_at_s == published_at_s + 600
    assert circuit.consumed_wh == read_panel(house)["branches"][4]["exportedActiveEnergyWh"] > published_wh


def test_a_period_of_zero_publishes_circuit_energies_at_every_read() -> None:
    house = make_house(period_s=0)
    for _ in range(3):
        pass_time(house, 60)
        exported_wh = read_panel(house)["branches"][4]["exportedActiveEnergyWh"]
        assert named(house, "Router and Alarm").consumed_wh == exported_wh


def test_without_the_grid_the_house_sheds_by_priority_and_the_battery_carries_the_rest() -> None:
    house = make_house()
    house.set_charge(80)
    house.set_grid(up=False)
    shed = {circuit.name for circuit in house.circuits.values() if circuit.shed}
    assert "EV Charger" in shed and "Heat Pump" in shed
    assert not shed & {"Range", "Refrigerator", "Router and Alarm", "Battery"}
    assert house.flow.grid == 0 and house.flow.battery > 0
    panel = read_panel(house)
    assert panel["dsmGridState"] == "DSM_GRID_DOWN"
    assert panel["dsmState"] == "DSM_OFF_GRID"
    assert panel["currentRunConfig"] == "PANEL_BACKUP"
    assert panel["mainRelayState"] == "CLOSED"
    house.set_grid(up=True)
    assert not any(circuit.shed for circuit in house.circuits.values())


def test_nice_to_have_loads_are_shed_below_the_low_threshold_and_return_above_the_high_one() -> None:
    house = make_house()
    lights = named(house, "Kitchen Lights")
    house.set_grid(up=False)
    for percent, shed in ((40, False), (29, True), (45, True), (51, False)):
        house.set_charge(percent)
        assert lights.shed is shed, percent


def test_a_circuit_closed_by_hand_during_an_outage_stays_closed() -> None:
    house = make_house(start_s=MIDNIGHT_S + 3 * 3600)
    house.set_grid(up=False)
    circuit = named(house, "Garden Lights")
    assert circuit.is_open
    house.switch(circuit.circuit_id, opened=False)
    pass_time(house, 60)
    assert not circuit.is_open


def test_without_grid_and_battery_everything_is_dark() -> None:
    house = make_house(SHOP)
    house.set_grid(up=False)
    panel = read_panel(house)
    assert {branch["instantPowerW"] for branch in panel["branches"]} == {0.0}
    assert panel["currentRunConfig"] == "PANEL_OFF_GRID"


def test_an_empty_battery_at_night_leaves_the_house_dark() -> None:
    house = make_house(start_s=MIDNIGHT_S)
    house.set_grid(up=False)
    house.set_charge(0)
    assert set(house.flow.spaces) == {0}


def test_off_grid_with_a_full_battery_the_sun_is_held_back_to_what_is_used() -> None:
    house = make_house(start_s=NOON_S)
    house.set_grid(up=False)
    house.set_charge(100)
    assert house.flow.grid == 0 and house.flow.battery == 0
    assert sum(house.flow.spaces) == 0


def test_a_battery_charges_from_surplus_sun_and_stays_within_its_capacity() -> None:
    house = make_house(start_s=MIDNIGHT_S)
    seen = []
    for _ in range(48):
        pass_time(house, 1800)
        seen.append(house.soe_percent)
    assert min(seen) >= 0 and max(seen) <= 100 and max(seen) - min(seen) > 20


def test_an_open_main_relay_islands_the_house() -> None:
    house = make_house()
    house.set_main_relay(opened=True)
    panel = read_panel(house)
    assert panel["mainRelayState"] == "OPEN" and panel["instantGridPowerW"] == 0.0
    assert panel["dsmGridState"] == "DSM_GRID_UP"


def test_counters_never_fall_over_three_days() -> None:
    house = make_house()
    last = [0.0] * 64
    for _ in range(72):
        pass_time(house, 3600)
        now = [wh for meter in house.meters for wh in (meter.into_panel_wh, meter.out_of_panel_wh)]
        assert all(new >= old for new, old in zip(now, last, strict=True))
        last = now


def test_72_hours_in_one_read_take_a_bounded_number_of_steps() -> None:
    house = make_house()
    began_s = process_time()
    pass_time(house, 72 * 3600)
    assert process_time() - began_s < 5, "0.2 s is usual"
    assert_balanced(read_panel(house))
    assert house.second - house.energy_at_s <= 600


def test_speed_turns_one_second_into_many_and_changing_it_does_not_jump() -> None:
    watch = Watch()
    house = make_house(speed=60, watch=watch)
    watch.now_s += 10
    house.advance()
    assert house.second == EVENING_S + 600
    house.clock.set_speed(1)
    watch.now_s += 10
    house.advance()
    assert house.second == EVENING_S + 610
    assert house.clock.elapsed_s() == 20


def test_a_reboot_restarts_the_uptime_and_forgets_the_door() -> None:
    house = make_house()
    house.reboot()
    pass_time(house, 7)
    assert house.second - house.booted_s == 7 and house.door == "UNKNOWN"
