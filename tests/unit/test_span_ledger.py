"""Energy of today and this month by our own baselines: long and short days, restarts, dips, spoilt files, two APIs."""

from __future__ import annotations

import itertools
import json
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.history import IN_MEMORY, HistoryError, Value, open_history
from wattdeck.systems.span import books
from wattdeck.systems.span.ledger import Ledger, without_energies
from wattdeck.systems.span.models import Branch, Circuit, DataModel, Door, PanelSnapshot, Relay

pytestmark = pytest.mark.anyio

EVENING = datetime(2026, 11, 20, 22, 58, tzinfo=UTC)
"""Two minutes to midnight in Berlin."""
MIDNIGHT = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def circuit(tabs: tuple[int, ...] = (2, 4), consumed: float = 1000.0, produced: float = 0.0, **more: Any) -> Circuit:
    fields = {"circuit_id": "c1", "name": "Heat Pump", "controllable": True, **more}
    return Circuit(
        tabs=tabs, power_w=100.0, energy_consumed_wh=consumed, energy_produced_wh=produced, relay=Relay.CLOSED,
        priority="must_have", **fields,
    )  # fmt: skip


def panel(*circuits: Circuit, model: DataModel = DataModel.V1, **more: Any) -> PanelSnapshot:
    fields = {"serial": "nt-1", "main_consumed_wh": 5000.0, "main_produced_wh": 200.0, **more}
    return PanelSnapshot(
        firmware="r1", model="x", door=Door.CLOSED, main_relay=Relay.CLOSED, grid_power_w=0.0, feedthrough_power_w=0.0,
        house_load_w=0.0, generation_w=0.0, battery_percent=None, circuits=circuits, data_model=model, **fields,
    )  # fmt: skip


def meters(*consumed_wh: float | None, produced_wh: float = 0.0) -> list[Branch]:
    return [Branch(2 * n + 2, 50.0, value, produced_wh, Relay.CLOSED) for n, value in enumerate(consumed_wh)]


class Day:
    """A ledger of one panel with one circuit on two spaces."""

    def __init__(self, folder: Path, where: Path | str = IN_MEMORY) -> None:
        self.path = folder / "ledger" / "span.home.json"
        self.older = folder / "today" / "span.home.json"
        self.where = where
        self.ledger = self._open()

    def _open(self) -> Ledger:
        return Ledger("span/home", self.path, self.where, older=self.older)

    async def restart(self, *, killed: bool = False) -> None:
        if not killed:
            await self.ledger.aclose()
        self.ledger = self._open()

    async def see(self, now: datetime, snapshot: PanelSnapshot, branches: Sequence[Branch] = ()) -> Circuit:
        self.panel = await self.ledger.apply(snapshot, now, branches)
        self.since = self.panel.today_since
        return self.panel.circuits[0]

    async def at(self, now: datetime, *consumed_wh: float | None, of: Circuit | None = None) -> float | None:
        self.found = await self.see(now, panel(of or circuit()), meters(*consumed_wh))
        return self.found.energy_today_wh

    async def v2(self, now: datetime, consumed_wh: float, **more: Any) -> Circuit:
        made = circuit(consumed=consumed_wh, **more)
        return await self.see(now, panel(made, model=DataModel.FLAT))


@pytest.fixture
def day(tmp_path: Path) -> Day:
    return Day(tmp_path)


async def test_the_count_starts_at_zero_with_the_first_reading_and_says_since_when(day: Day) -> None:
    assert await day.at(EVENING, 500.0, 700.0) == 0
    assert day.since == day.panel.month_since == EVENING
    assert await day.at(EVENING + timedelta(seconds=60), 510.0, 705.0) == 15.0
    assert day.found.energy_month_wh == 15.0


async def test_a_deck_that_watches_over_midnight_starts_the_new_day_at_midnight(day: Day) -> None:
    await day.at(MIDNIGHT - 5 * SECOND, 500.0, 700.0)
    assert await day.at(MIDNIGHT + SECOND, 501.0, 700.0) == 0
    assert day.since == MIDNIGHT and day.found.energy_month_wh == 1.0
    assert await day.at(MIDNIGHT + timedelta(hours=1), 601.0, 700.0) == 100.0
    assert day.found.energy_month_wh == 101.0 and day.panel.month_since == MIDNIGHT - 5 * SECOND


async def test_a_deck_that_slept_over_midnight_says_when_it_woke(day: Day) -> None:
    await day.at(EVENING, 500.0, 700.0)
    morning = MIDNIGHT + timedelta(hours=7)
    assert await day.at(morning, 900.0, 700.0) == 0 and day.since == morning
    assert day.found.energy_month_wh == 400.0, "the month goes on: its counter was known"


async def test_a_month_begins_at_its_first_midnight(day: Day) -> None:
    first = datetime(2026, 11, 30, 23, tzinfo=UTC)
    await day.at(first - SECOND, 500.0, 0.0)
    assert await day.at(first, 510.0, 0.0) == 0
    assert day.found.energy_month_wh == 0 and day.since == day.panel.month_since == first


@pytest.mark.parametrize(
    ("midnight", "hours"),
    [(datetime(2026, 3, 28, 23, tzinfo=UTC), 23), (datetime(2026, 10, 24, 22, tzinfo=UTC), 25)],
)
async def test_the_day_the_clocks_change_is_as_long_as_it_is(day: Day, midnight: datetime, hours: int) -> None:
    await day.at(midnight - SECOND, 0.0, 0.0)
    assert await day.at(midnight, 0.0, 0.0) == 0
    end = midnight + timedelta(hours=hours)
    assert await day.at(end - SECOND, 1000.0, 0.0) == 1000.0 and day.since == midnight
    assert await day.at(end, 1001.0, 0.0) == 0 and day.since == end
    assert day.found.energy_month_wh == 1001.0


async def test_a_restart_goes_on_with_the_day_and_not_with_one_gone_by(day: Day) -> None:
    await day.at(EVENING, 500.0, 700.0)
    await day.restart()
    assert await day.at(EVENING + 30 * SECOND, 520.0, 700.0) == 20.0 and day.since == EVENING
    await day.restart(killed=True)
    later = MIDNIGHT + 30 * SECOND
    assert await day.at(later, 540.0, 700.0) == 0 and day.since == later, "nobody watched at midnight"
    assert day.found.energy_month_wh == 40.0 and day.panel.month_since == EVENING


async def test_a_counter_that_fell_while_the_deck_was_off_is_counted_on(day: Day) -> None:
    await day.at(EVENING, 500.0, 700.0)
    await day.at(EVENING + 10 * SECOND, 560.0, 700.0)
    await day.restart()
    assert await day.at(EVENING + 60 * SECOND, 3.0, 1.0) == 60.0
    assert await day.at(EVENING + 75 * SECOND, 5.0, 1.0) == 62.0
    assert await day.at(EVENING + 90 * SECOND, 562.0, 700.0) == 62.0, "it was a dip: taken back"


async def test_a_clock_that_was_a_year_ahead_starts_the_day_anew(day: Day) -> None:
    await day.at(EVENING + timedelta(days=365), 500.0, 700.0)
    assert await day.at(EVENING, 510.0, 700.0) == 0 and day.since == EVENING
    assert await day.at(EVENING + 60 * SECOND, 515.0, 700.0) == 5.0


async def test_a_producer_runs_below_its_baseline(day: Day) -> None:
    solar = circuit(consumed=10.0, produced=900.0)
    await day.see(EVENING, panel(solar), meters(5.0, 5.0, produced_wh=450.0))
    found = await day.see(EVENING + SECOND, panel(solar), meters(5.0, 5.0, produced_wh=500.0))
    assert (found.energy_today_wh, found.energy_month_wh) == (-100.0, -100.0)


@pytest.mark.parametrize("values", [(500.0,), (500.0, None), ()])
async def test_a_meter_that_is_missing_or_unknown_gives_no_number(day: Day, values: tuple[float | None, ...]) -> None:
    assert await day.at(EVENING, *values) is None and day.panel.feedthrough_net_wh is None
    assert day.found.energy_consumed_wh == 1000.0, "its own counter is there"


async def test_a_circuit_without_spaces_has_no_meter_in_v1_and_its_own_in_v2(day: Day) -> None:
    assert await day.at(EVENING, 500.0, of=circuit(())) is None
    await day.v2(EVENING + SECOND, 500.0, tabs=(), meter_only=True)
    assert (await day.v2(EVENING + 2 * SECOND, 501.0, tabs=(), meter_only=True)).energy_today_wh == 1.0


async def test_a_circuit_on_other_spaces_is_counted_anew(day: Day) -> None:
    await day.at(EVENING, 500.0, 90_000.0)
    assert await day.at(EVENING + SECOND, 500.0, 90_000.0, of=circuit((4,))) == 0


async def test_another_panel_under_the_same_name_is_counted_anew(day: Day) -> None:
    await day.v2(EVENING, 90_000.0)
    other = panel(circuit(consumed=95_000.0), model=DataModel.FLAT, serial="nt-2")
    found = await day.see(EVENING + SECOND, other)
    assert (found.energy_consumed_wh, found.energy_today_wh, found.energy_month_wh) == (95_000.0, 0, 0)
    assert day.since == day.panel.month_since == EVENING + SECOND and day.panel.main_offset_wh == 0


SPOILT = [
    "",
    "{",
    "[]",
    "null",
    "\x00",
    '{"version": 2}',
    '{"version": 1, "serial": "nt-1", "model": "v9"}',
    "[" * 100_000,
    "9" * 2_000_000,
]


@pytest.mark.parametrize("content", SPOILT)
async def test_a_spoilt_file_means_a_new_start(day: Day, content: str) -> None:
    for path in (day.path, day.older):
        path.parent.mkdir()
        path.write_text(content)
    assert await day.at(EVENING, 500.0, 700.0) == 0 and day.since == EVENING


@pytest.mark.parametrize("at", ["counters", "baselines", "seen"])
async def test_a_file_with_one_wrong_value_is_not_believed_at_all(day: Day, at: str) -> None:
    await day.at(EVENING, 500.0, 700.0)
    await day.ledger.aclose()
    data = json.loads(day.path.read_text())
    data["accounts"]["c1@2,4"][at] = "x"
    day.path.write_text(json.dumps(data))
    await day.restart(killed=True)
    assert await day.at(EVENING + SECOND, 600.0, 700.0) == 0 and day.since == EVENING + SECOND


async def test_a_disk_that_takes_nothing_costs_only_the_next_restart(day: Day) -> None:
    day.path.parent.write_text("a file is in the way")
    await day.at(EVENING, 500.0, 700.0)
    assert await day.at(EVENING + SECOND, 501.0, 700.0) == 1.0
    await day.ledger.aclose()


async def test_the_file_of_an_earlier_version_is_carried_over_once(day: Day) -> None:
    day.older.parent.mkdir()
    noon = datetime(2026, 11, 20, 11, tzinfo=UTC)
    day.older.write_text(json.dumps({"since": noon.isoformat(), "baselines": {"c1@2,4": 1000.0, "gone@7": 1.0}}))
    assert await day.at(EVENING, 500.0, 700.0) == 200.0 and day.since == noon
    assert not day.older.exists() and day.path.stat().st_mode & 0o077 == 0
    await day.restart()
    assert await day.at(EVENING + SECOND, 501.0, 700.0) == 201.0 and day.since == noon


@pytest.mark.parametrize(("since", "value"), [(EVENING - timedelta(days=2), 1000.0), (EVENING - SECOND, 9e9)])
async def test_what_an_earlier_version_kept_of_another_day_or_wrongly_is_left(
    day: Day, since: datetime, value: float
) -> None:
    day.older.parent.mkdir()
    day.older.write_text(json.dumps({"since": since.isoformat(), "baselines": {"c1@2,4": value}}))
    assert await day.at(EVENING, 500.0, 700.0) == 0


# the step from v1 to v2


def inverter(day_wh: float) -> list[Branch]:
    return [Branch(tab, -100.0, 1.0, day_wh, Relay.CLOSED) for tab in (30, 32)]


def unmapped(tab: int, produced: float) -> Circuit:
    return circuit((tab,), 1.0, produced, circuit_id=f"unmapped_tab_{tab}", virtual=True)


async def test_the_inverter_on_two_unmapped_spaces_goes_on_as_one_circuit(day: Day) -> None:
    for produced_wh, later in ((5000.0, 0), (5100.0, 10)):
        v1 = panel(circuit(), unmapped(30, produced_wh), unmapped(32, produced_wh))
        await day.see(EVENING + later * SECOND, v1, [*meters(400.0, 600.0), *inverter(produced_wh)])
    solar = circuit((30, 32), 2.0, 10_260.0, circuit_id="pv", feeds="pv")
    await day.restart()
    v2 = panel(circuit(consumed=1005.0), solar, model=DataModel.TREE)
    heat_pump = await day.see(EVENING + 30 * SECOND, v2)
    assert (heat_pump.energy_today_wh, heat_pump.energy_month_wh) == (5.0, 5.0)
    assert day.panel.circuits[1].energy_today_wh == day.panel.circuits[1].energy_month_wh == -260.0
    assert day.since == EVENING


async def test_only_the_very_spaces_are_gone_on_with(day: Day) -> None:
    v1 = panel(unmapped(30, 5000.0), unmapped(32, 5000.0))
    await day.see(EVENING, v1, inverter(5000.0))
    pair = [circuit((30,), 50.0, circuit_id=each) for each in ("a", "b")]
    other = circuit((31, 32), 70.0, circuit_id="c")
    await day.see(EVENING + SECOND, panel(*pair, other, model=DataModel.TREE))
    assert [each.energy_today_wh for each in day.panel.circuits] == [0, 0, 0]


# v2


async def test_a_circuit_that_did_not_change_keeps_its_object(day: Day) -> None:
    same, now = circuit(), EVENING
    first = await day.see(now, panel(same, model=DataModel.FLAT))
    assert await day.see(now + SECOND, panel(same, model=DataModel.FLAT)) is first
    other = await day.see(now + 2 * SECOND, panel(replace(same, power_w=7.0), model=DataModel.FLAT))
    assert (other.power_w, other.energy_today_wh) == (7.0, 0)
    at_midnight = await day.see(
        MIDNIGHT + SECOND, panel(replace(same, energy_consumed_wh=1100.0), model=DataModel.FLAT)
    )
    assert at_midnight.energy_today_wh == 0 and at_midnight.energy_month_wh == 100.0


async def test_all_counters_at_one_do_not_fall_and_the_main_one_says_by_how_much(day: Day) -> None:
    await day.see(EVENING, panel(circuit(), model=DataModel.FLAT))
    low = panel(circuit(consumed=10.0), model=DataModel.FLAT, main_consumed_wh=50.0, main_produced_wh=2.0)
    found = await day.see(EVENING + SECOND, low)
    assert (found.energy_consumed_wh, found.energy_today_wh) == (1000.0, 0)
    assert (day.panel.main_consumed_wh, day.panel.main_produced_wh) == (5000.0, 200.0)
    assert day.panel.main_offset_wh == 4950.0


async def test_what_the_sub_panel_got_counts_a_shared_meter_once_and_a_remote_one_not(day: Day) -> None:
    left = circuit((44,), 1000.0, circuit_id="a", shared_with=("b",))
    right = circuit((44,), 1000.0, circuit_id="b", shared_with=("a",))
    remote = circuit((), 90_000.0, circuit_id="r", meter_only=True)
    solar = circuit((30, 32), 0.0, 400.0, circuit_id="pv")
    await day.see(EVENING, panel(left, right, remote, solar, model=DataModel.TREE))
    assert day.panel.feedthrough_net_wh == 5000 - 200 - 1000 + 400
    alone = replace(panel(left, model=DataModel.TREE), feedthrough_power_w=None)
    await day.see(EVENING + SECOND, alone)
    assert day.panel.feedthrough_net_wh is None, "no lugs, no sub-panel"


async def test_a_snapshot_without_energies_is_the_same_but_for_them(day: Day) -> None:
    await day.v2(EVENING, 1000.0)
    faded = without_energies(day.panel)
    assert faded.circuits[0].energy_month_wh is faded.main_produced_wh is None
    assert faded.circuits[0].power_w == 100.0 and without_energies(faded) == faded


# the history


def days_of(path: Path, key: str = "c1@2,4") -> list[Value]:
    history = open_history(path)
    try:
        return history.read(f"span/home/{key}/net", "day", 0, 10**10)
    finally:
        history.close()


async def test_the_history_has_one_value_a_day_and_says_when_it_was_read(tmp_path: Path) -> None:
    day = Day(tmp_path, tmp_path / "h.sqlite3")
    await day.v2(EVENING, 1000.0)
    for later_s in (60, 119, 121, 7200):
        await day.v2(EVENING + later_s * SECOND, 1000.0 + later_s)
    await day.ledger.aclose()
    start_s = int(MIDNIGHT.timestamp())
    assert days_of(tmp_path / "h.sqlite3") == [
        Value(start_s - 86_400, 1000.0, int(EVENING.timestamp())),
        Value(start_s, 1121.0, start_s),
    ]


async def test_a_lost_file_costs_nothing_that_the_history_knows(tmp_path: Path) -> None:
    day = Day(tmp_path, tmp_path / "h.sqlite3")
    await day.v2(EVENING, 1000.0)
    await day.v2(MIDNIGHT + SECOND, 1100.0)
    await day.ledger.aclose()
    day.path.unlink()
    await day.restart(killed=True)
    found = await day.v2(MIDNIGHT + timedelta(hours=3), 1150.0)
    assert day.since == MIDNIGHT + SECOND, "read once more, it cannot be told that it was watched"
    assert (found.energy_today_wh, found.energy_month_wh) == (50.0, 150.0)
    assert day.panel.month_since == EVENING
    await day.ledger.aclose()


@pytest.mark.parametrize("counter_wh", [900.0, 5e6])
async def test_a_history_that_cannot_be_of_this_counter_is_not_counted_from(tmp_path: Path, counter_wh: float) -> None:
    day = Day(tmp_path, tmp_path / "h.sqlite3")
    await day.v2(EVENING, 1000.0)
    await day.ledger.aclose()
    day.path.unlink()
    await day.restart(killed=True)
    found = await day.v2(EVENING + 60 * SECOND, counter_wh)
    assert (found.energy_today_wh, found.energy_month_wh) == (0, 0) and day.since == EVENING + 60 * SECOND
    await day.ledger.aclose()


async def test_a_database_that_is_none_is_said_once_and_everything_else_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "h.sqlite3").write_text("no database")
    day = Day(tmp_path, tmp_path / "h.sqlite3")
    await day.v2(EVENING, 1000.0)
    await day.v2(MIDNIGHT + SECOND, 1100.0)
    found = await day.v2(MIDNIGHT + timedelta(hours=3), 1150.0)
    assert (found.energy_today_wh, found.energy_month_wh) == (50.0, 150.0)
    assert len(caplog.records) == 1 and "counted without the history" in caplog.text
    await day.ledger.aclose()


async def test_a_read_only_database_is_written_when_it_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "h.sqlite3"
    broken = True

    def refuse(where: Path | str) -> Any:
        if broken:
            raise HistoryError("the folder is read-only")
        return open_history(where)

    monkeypatch.setattr(books, "open_history", refuse)
    day = Day(tmp_path, place)
    await day.v2(EVENING, 1000.0)
    broken = False
    await day.v2(EVENING + 60 * SECOND, 1010.0)
    assert not place.exists(), "not with every reading"
    await day.v2(MIDNIGHT - SECOND + timedelta(minutes=15), 1020.0)
    await day.ledger.aclose()
    assert [one.value for one in days_of(place)] == [1020.0]


async def test_a_locked_database_holds_no_reading_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wattdeck.systems.span.ledger.BOOKS_PATIENCE_S", 0.2)
    place = tmp_path / "h.sqlite3"
    open_history(place).close()
    other = sqlite3.connect(place, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    day = Day(tmp_path, place)
    with anyio.fail_after(8):
        found = await day.v2(EVENING, 1000.0)
    assert found.energy_today_wh == 0
    other.execute("ROLLBACK")
    other.close()
    await day.v2(EVENING + timedelta(seconds=60), 1001.0)
    await day.ledger.aclose()


def test_a_long_name_still_makes_a_series() -> None:
    made = books.Books("span/" + "x" * 64, IN_MEMORY)
    names = {made.series(f"{'a' * 32}@30,32"), made.series(f"{'a' * 32}@30,34")}
    assert len(names) == 2 and all(len(name) <= 80 for name in names)
    assert books.Books("span/home", IN_MEMORY).series("c1@2,4") == "span/home/c1@2,4/net"


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 1200), st.sampled_from(["", "", "dip", "restart"])), min_size=10, max_size=24))
def test_the_days_add_up_to_the_month(steps: list[tuple[int, str]]) -> None:
    """A counter read every three hours over the days of October's long one; it dips, and the deck is started again."""
    days_wh = [50_000.0]
    """The counter when each day began."""

    async def counted(day: Day) -> None:
        now, raw_wh = datetime(2026, 10, 23, 20, 30, tzinfo=UTC), days_wh[0]
        await day.v2(now, raw_wh)
        since = day.since
        for step_wh, what in steps:
            if what == "restart":
                await day.restart()
            seen = [(now + 600 * SECOND, raw_wh * 0.9)] if what == "dip" else []
            now, raw_wh = now + timedelta(hours=3), raw_wh + step_wh
            for moment, told_wh in (*seen, (now, raw_wh)):
                found = await day.v2(moment, told_wh)
                if since != day.since:
                    days_wh.append(found.energy_consumed_wh or 0.0)
                since = day.since
            assert found.energy_consumed_wh == raw_wh, "exact again after every dip"
            whole_wh = sum(end - begin for begin, end in itertools.pairwise(days_wh))
            assert found.energy_month_wh == whole_wh + (found.energy_today_wh or 0.0) == raw_wh - days_wh[0]

    with tempfile.TemporaryDirectory() as folder:
        anyio.run(counted, Day(Path(folder)))


@pytest.mark.anyio
async def test_a_history_that_is_still_being_opened_is_closed_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    began, go, closed = anyio.Event(), threading.Event(), threading.Event()

    class Slow:
        def close(self) -> None:
            closed.set()

    def open_slowly(where: Path | str) -> Slow:
        anyio.from_thread.run_sync(began.set)
        assert go.wait(10)
        return Slow()

    monkeypatch.setattr(books, "open_history", open_slowly)
    made = books.Books("span/home", tmp_path / "history.sqlite3")
    async with anyio.create_task_group() as group:
        group.start_soon(made.exchange, [], datetime(2026, 11, 21, tzinfo=UTC), 0.0)
        await began.wait()
        group.cancel_scope.cancel()
    go.set()
    await made.aclose()
    assert closed.is_set()
