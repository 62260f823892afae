"""Energies of a v2 panel over time, in both its models: dips, losses, the step from v1, and a panel that is away."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from test_span_switch import Bench

from wattdeck.core.reading import Link
from wattdeck.systems.span.models import DataModel, PanelSnapshot

pytestmark = pytest.mark.anyio

MODELS = ("flat", "tree")


@pytest.fixture
async def bench(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    """A bench whose hub is polled by hand, so that hours pass in no time."""
    made = Bench(tmp_path, request.param)
    async with made.hub:
        yield made


async def look(bench: Bench, later_s: float = 2.0) -> PanelSnapshot:
    """The panel some time later."""
    bench.clock.advance(later_s)
    await bench.pass_time(0.5)
    await bench.hub.once()
    return bench.panel


def energies(panel: PanelSnapshot) -> dict[str, float | None]:
    """Every counter that is shown, and what is counted from it."""
    found = {"main consumed": panel.main_consumed_wh, "main produced": panel.main_produced_wh}
    for circuit in panel.circuits:
        found[f"{circuit.name} consumed"] = circuit.energy_consumed_wh
        found[f"{circuit.name} produced"] = circuit.energy_produced_wh
    return found


def rises(before: PanelSnapshot, after: PanelSnapshot) -> bool:
    earlier, later = energies(before), energies(after)
    assert earlier.keys() == later.keys() and any(value is not None for value in earlier.values())
    return all((later[key] or 0.0) >= (value or 0.0) - 0.01 for key, value in earlier.items())


@pytest.mark.parametrize("bench", MODELS, indirect=True)
async def test_a_dip_shows_no_fall_and_leaves_no_offset(bench: Bench) -> None:
    await look(bench)
    before = await look(bench, 3600)
    assert any((circuit.energy_today_wh or 0.0) > 1 for circuit in before.circuits)
    bench.simulator.set_fault("counter-dip", "0.2")
    dipped = await look(bench)
    assert dipped.main_offset_wh > 1000 and rises(before, dipped)
    bench.simulator.clear_faults("counter-dip")
    after = await look(bench)
    assert after.main_offset_wh == 0 and rises(before, after)


@pytest.mark.parametrize("bench", MODELS, indirect=True)
async def test_counters_lost_for_good_are_counted_on(bench: Bench) -> None:
    await look(bench)
    before = await look(bench, 3600)
    bench.simulator.set_fault("counter-reset", "1")
    passed = [before, *[await look(bench, 900) for _ in range(5)]]
    assert all(rises(one, other) for one, other in itertools.pairwise(passed))
    assert passed[-1].main_offset_wh > 1000
    for one, other in zip(before.circuits, passed[-1].circuits, strict=True):
        assert one.energy_today_wh is not None and other.energy_today_wh is not None
        assert abs(other.energy_today_wh - one.energy_today_wh) < 15_000, "what was used since, and no whole lifetime"
        assert other.energy_month_wh == other.energy_today_wh


@pytest.mark.parametrize("bench", MODELS, indirect=True)
async def test_a_panel_that_is_away_keeps_its_energies_for_a_while(bench: Bench) -> None:
    good = await look(bench)
    bench.simulator.set_fault("device-state", "lost")
    bench.clock.advance(2)
    await bench.pass_time(0.5)
    await bench.hub.once()
    reading = bench.reading
    assert reading.link is not Link.LIVE and reading.snapshot is not None
    assert energies(reading.snapshot) == energies(good)
    bench.clock.advance(901)
    await bench.hub.once()
    faded = bench.reading.snapshot
    assert bench.reading.link is not Link.LIVE and faded is not None
    assert set(energies(faded).values()) == {None}
    assert {circuit.energy_month_wh for circuit in faded.circuits} == {None}


@pytest.mark.parametrize("bench", ["flat"], indirect=True)
async def test_an_upgrade_costs_no_energy(bench: Bench) -> None:
    await look(bench)
    before = await look(bench, 3600)
    bench.simulator.set_fault("upgrade", "0")
    for _ in range(10):
        bench.clock.advance(5)
        await bench.pass_time(0.5)
        await bench.hub.once()
    after = bench.panel
    assert after.data_model is DataModel.TREE and after.today_since == before.today_since
    today = {circuit.circuit_id: circuit.energy_today_wh for circuit in before.circuits}
    for circuit in after.circuits:
        known = today[circuit.circuit_id]
        assert known is not None and circuit.energy_today_wh == pytest.approx(known, abs=200)
