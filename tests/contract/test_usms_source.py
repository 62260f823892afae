"""An account as the hub sees it, against the simulator in process: feeds, history, and what is asked for again."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from usms_bench import START, Bench
from wattdeck.core.errors import SourceError
from wattdeck.core.export import to_csv, to_text
from wattdeck.core.history import HistoryError
from wattdeck.core.reading import Link
from wattdeck.core.snapshot import document, exit_code
from wattdeck.systems.usms.backfill import Backfill
from wattdeck.systems.usms.models import AccountSnapshot, Kind, Meter, Period

pytestmark = pytest.mark.anyio


@pytest.fixture
async def bench(tmp_path: Path) -> Any:
    bench = Bench(tmp_path)
    yield bench
    await bench.hub.aclose()


def electricity(account: AccountSnapshot) -> Meter:
    return next(meter for meter in account.meters if meter.kind is Kind.ELECTRICITY)


async def test_meters_and_consumption_come_live(bench: Bench) -> None:
    account, consumption = await bench.poll()
    meter = electricity(account)
    hours = consumption.points(meter.number, Period.HOUR)
    days = consumption.points(meter.number, Period.DAY)
    assert [point.start.day for point in days] == list(range(1, 14))
    assert hours[0].start.isoformat() == "2026-10-13T00:00:00+08:00"
    month = consumption.month
    assert month is not None and month.meter == meter.number and month.days_known == 13
    assert month.consumption == pytest.approx(sum(point.value or 0 for point in days), abs=0.002)
    assert month.cost_bnd == pytest.approx(sum(tier.cost_bnd for tier in month.tiers))
    assert month.projection is not None and month.projection.total > (month.consumption or 0)
    assert {one.meter for one in consumption.months} == {one.number for one in account.meters}


async def test_the_document_is_as_the_interface_promises(bench: Bench) -> None:
    await bench.poll()
    made = document(bench.hub, ["usms/contoh"], bench.clock.now())
    feeds = made["sources"][0]["feeds"]
    assert set(feeds) == {"meters", "consumption"}
    meter = feeds["meters"]["data"]["meters"][0]
    assert {"number", "kind", "status", "remaining_unit", "unit", "credit_bnd", "updated_at"} <= set(meter)
    data = feeds["consumption"]["data"]
    assert {"meter", "period", "points", "unit"} == set(data["series"][0])
    assert {"start", "value"} == set(data["series"][0]["points"][0])
    assert {"consumption", "cost_bnd", "tiers", "projection"} <= set(data["month"])
    assert exit_code(bench.hub, ["usms/contoh"]) == 0
    assert "usms/contoh,meters" in to_csv(made) and "B$" in to_text(bench.hub, ["usms/contoh"], bench.clock.now())


async def test_what_is_fresh_is_not_asked_for_again(bench: Bench) -> None:
    await bench.poll()
    before = bench.requests
    await bench.poll(60)
    assert bench.requests - before == 1, "Home alone"
    before = bench.requests
    await bench.poll(16 * 60)
    assert bench.requests > before + 1


async def test_after_a_top_up_how_long_the_credit_lasts_is_reckoned_at_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.simulator.set_fault("low-credit")
    _, before = await bench.poll()
    woken: list[str] = []
    monkeypatch.setattr(bench.source.consumption_feed, "wake", lambda: woken.append("consumption"))
    await bench.source.meters_feed.poll()
    assert woken == [], "nothing has changed"
    bench.simulator.clear_faults()
    await bench.source.meters_feed.poll()
    assert woken == ["consumption"]
    asked = bench.requests
    reading = await bench.source.consumption_feed.poll()
    assert bench.requests == asked, "the days are known"
    then, now = (found.month and found.month.projection for found in (before, reading.snapshot) if found)
    assert then and now and then.runs_out_at and now.runs_out_at and now.runs_out_at > then.runs_out_at


async def test_what_is_settled_is_never_asked_for_again_also_after_a_restart(bench: Bench) -> None:
    account, _ = await bench.poll()
    meter = electricity(account)
    old = date(2026, 6, 3)
    first = await bench.source.points(meter, Period.HOUR, old)
    assert len(first) == 24 and all(point.value is not None for point in first)
    await bench.restart()
    bench.clock.advance(86_400)
    before = bench.requests
    assert await bench.source.points(meter, Period.HOUR, old) == first
    assert bench.requests == before


async def test_a_year_is_the_sum_of_its_months(bench: Bench) -> None:
    account, _ = await bench.poll()
    meter = electricity(account)
    months = await bench.source.points(meter, Period.MONTH, date(2026, 10, 1))
    assert [point.start.month for point in months] == list(range(1, 11))
    days = await bench.source.points(meter, Period.DAY, date(2026, 5, 9))
    assert months[4].value == pytest.approx(sum(point.value or 0 for point in days), abs=0.002)


async def test_a_gap_is_unknown_and_filled_in_when_the_portal_has_it(bench: Bench) -> None:
    account, _ = await bench.poll()
    meter = electricity(account)
    day = date(2026, 10, 12)
    bench.simulator.set_fault("gaps", None)
    torn = await bench.source.points(meter, Period.HOUR, day)
    assert len(torn) == 24 and any(point.value is None for point in torn)
    bench.simulator.clear_faults()
    bench.clock.advance(16 * 60)
    whole = await bench.source.points(meter, Period.HOUR, day)
    assert all(point.value is not None for point in whole)


@pytest.mark.parametrize("fault", ["truncated", "empty-history"])
async def test_a_bad_page_leaves_no_mark_in_the_history(bench: Bench, fault: str) -> None:
    account, _ = await bench.poll()
    meter = electricity(account)
    bench.simulator.set_fault(fault, None)
    with contextlib.suppress(SourceError):
        assert await bench.source.points(meter, Period.DAY, date(2026, 6, 3)) == ()
    bench.simulator.clear_faults()
    points = await bench.source.points(meter, Period.DAY, date(2026, 6, 3))
    assert len(points) == 30 and all(point.value is not None for point in points)


async def test_half_a_page_is_no_page(bench: Bench) -> None:
    await bench.poll()
    bench.simulator.set_fault("truncated", None)
    reading = await bench.source.meters_feed.poll()
    assert reading.link is Link.STALE and "cut short" in reading.problem


async def test_a_month_that_lacks_many_days_has_no_sum(bench: Bench) -> None:
    account, _ = await bench.poll()
    bench.simulator.set_fault("gaps", None)
    months = await bench.source.points(electricity(account), Period.MONTH, date(2026, 10, 1))
    assert months[0].value is None


async def test_a_history_that_cannot_be_written_is_no_reason_to_show_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    account, _ = await bench.poll()

    def full(*_: object) -> int:
        raise HistoryError("the disk is full")

    monkeypatch.setattr("wattdeck.core.history_sqlite.SqliteHistory.write", full)
    points = await bench.source.points(electricity(account), Period.HOUR, date(2026, 6, 3))
    assert len(points) == 24


async def test_days_to_come_have_no_points_and_are_not_asked_for(bench: Bench) -> None:
    account, _ = await bench.poll()
    before = bench.requests
    assert await bench.source.points(electricity(account), Period.HOUR, date(2026, 10, 20)) == ()
    assert bench.requests == before


async def test_on_the_first_of_a_month_the_month_before_tells_the_pace(bench: Bench) -> None:
    later_s = (datetime(2026, 10, 31, 18, 0, tzinfo=UTC) - START).total_seconds()
    _, consumption = await bench.poll(later_s)
    month = consumption.month
    assert month is not None and month.start == date(2026, 11, 1)
    assert month.consumption is None and month.days_known == 0
    assert month.projection is not None and month.projection.rate_per_day > 0


async def test_a_backfill_reaches_the_earliest_day_and_goes_on_where_it_was_stopped(bench: Bench) -> None:
    account, _ = await bench.poll()
    meters = [meter for meter in account.meters if meter.kind is Kind.WATER]
    backfill = Backfill(bench.source.archive, lambda: bench.source.client.today)
    for _ in range(100):
        state = await backfill.step(meters)
        if state.meters[0].finished:
            break
    (meter,) = state.meters
    assert meter.finished and meter.days_read == meter.days_in_all and meter.days_read > 300
    before = bench.requests
    again = Backfill(bench.source.archive, lambda: bench.source.client.today)
    for _ in range(10):
        state = await again.step(meters)
    assert state.meters == (meter,)
    assert bench.requests - before < 30, "only what is not settled, and months before the first, are asked for again"


async def test_a_backfill_of_hours_asks_for_one_report_at_a_time_and_says_how_far_it_is(tmp_path: Path) -> None:
    bench = Bench(tmp_path, backfill=True)
    await bench.poll()
    feed = bench.source.backfill_feed
    assert feed is not None
    await feed.poll()
    for days in (2, 3, 4):
        before = bench.requests
        reading = await feed.poll()
        assert bench.requests - before <= 4
        assert bench.source.progress is not None
        done, in_all = bench.source.progress
        assert days <= done < in_all and in_all > 300
    assert reading.snapshot is not None and reading.snapshot.meters[0].reached is not None
    await bench.hub.aclose()


async def test_a_lost_session_without_a_person_is_refused_with_the_command_to_run(bench: Bench) -> None:
    await bench.poll()
    bench.source.client.solver = None
    bench.simulator.set_fault("session-stolen", None)
    bench.clock.advance(16 * 60)
    reading = await bench.source.meters_feed.poll()
    assert reading.link is Link.REFUSED and "wattdeck usms login" in reading.problem
    assert reading.snapshot is not None, "what was known stays"


async def test_a_portal_that_is_down_leaves_the_last_figures_and_comes_back(bench: Bench) -> None:
    await bench.poll()
    bench.simulator.set_fault("status-503", None)
    bench.clock.advance(30)
    reading = await bench.source.meters_feed.poll()
    assert reading.link is Link.STALE and "503" in reading.problem and reading.snapshot is not None
    bench.simulator.clear_faults()
    await bench.poll(30)


async def test_a_meter_that_is_added_or_removed_is_followed(bench: Bench) -> None:
    account, _ = await bench.poll()
    bench.simulator.set_fault("meter-added", None)
    more, _ = await bench.poll(16 * 60)
    assert len(more.meters) == len(account.meters) + 1
    bench.simulator.clear_faults()
    bench.simulator.set_fault("meter-removed", None)
    fewer, consumption = await bench.poll(16 * 60)
    assert len(fewer.meters) < len(more.meters)
    assert {one.meter for one in consumption.months} == {meter.number for meter in fewer.meters}


async def test_without_history_nothing_is_left_on_the_disk(tmp_path: Path) -> None:
    bench = Bench(tmp_path, history=False)
    await bench.poll()
    await bench.hub.aclose()
    kept = [path for path in tmp_path.rglob("*.sqlite3*")]  # noqa: ASYNC240, C416
    assert not kept
