"""A distributor as the hub sees it, against the simulator in process: what is live, missed, or not known."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from fakes import ManualClock
from wattdeck.core.asgi import SimulatedTransport
from wattdeck.core.errors import SourceError, UsageError
from wattdeck.core.export import to_text
from wattdeck.core.feed import Feed
from wattdeck.core.http import HttpClients
from wattdeck.core.hub import Hub
from wattdeck.core.reading import Link, Reading
from wattdeck.core.secrets import SecretRef
from wattdeck.core.snapshot import exit_code
from wattdeck.core.system import Context, SimulatorOptions
from wattdeck.systems.aneel import SYSTEM
from wattdeck.systems.aneel.config import AneelConfig
from wattdeck.systems.aneel.errors import NoData, NotConformant, RateLimited
from wattdeck.systems.aneel.exchange import PATHS
from wattdeck.systems.aneel.models import BRASILIA, KEPT, SLOT, BackfillSnapshot, Level, OutagesSnapshot, Severity
from wattdeck.systems.aneel.simulator import EMAIL, KEY, AneelSimulator
from wattdeck.systems.aneel.source import BACKFILL_S, AneelSource

pytestmark = pytest.mark.anyio

ORIGIN = "http://127.0.0.5"
START = datetime(2026, 11, 20, 14, 10, tzinfo=BRASILIA)
"""A Friday."""
NOW = START.replace(minute=0)
"""The half hour it is in."""
OUTAGES, DEMANDS, DEMAND = (f"/{path}" for path in PATHS.values())
WEEK = int(KEPT / SLOT)
HALF_HOUR_S = SLOT.total_seconds()
Outages = Reading[OutagesSnapshot]


class Line:
    """The way to the simulator: tells what went over it, and when."""

    def __init__(self, simulator: AneelSimulator, clock: ManualClock) -> None:
        self._app, self._clock = simulator.app, clock
        self.requests: list[tuple[float, str, str]] = []
        """Second, path, query."""
        self.before: Callable[[str], object] = lambda _: None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.requests.append((self._clock.elapsed_s, scope["path"], scope["query_string"].decode()))
        self.before(scope["path"])
        await self._app(scope, receive, send)

    @property
    def asked_for(self) -> list[str]:
        """Half hours that were asked for, `20/11/2026 13:30`, in their order."""
        marker = "dthRecuperacao="
        return [query.removeprefix(marker).replace("%20", " ") for _, _, query in self.requests if marker in query]

    def most_in_a_minute(self) -> int:
        times = [at for at, _, _ in self.requests]
        return max(sum(at <= other < at + 60 for other in times) for at in times)


class Bench:
    """One simulated distributor, the source of it, and a clock for both that is moved by hand."""

    def __init__(self, folder: Path, faults: dict[str, str | None] | None = None, **settings: Any) -> None:
        self.clock = ManualClock(START)
        self.simulator = AneelSimulator(
            SimulatorOptions(start=START, faults=faults or {}), monotonic=self.clock.monotonic, sleep=self.clock.sleep
        )
        self.line = Line(self.simulator, self.clock)
        self.skew = timedelta()
        values = {"name": "roraima", "url": ORIGIN, "key": SecretRef(plain=KEY), "agent_code": 370, **settings}
        self.config = AneelConfig.model_validate(values)
        self.folder = folder
        self.open()

    def open(self) -> None:
        """Start the deck, or start it again."""
        self.http = HttpClients(mounts={ORIGIN: SimulatedTransport(self.line)}, only_mounted=True, clock=self.clock)
        self.source = AneelSource(self.config, Context(self.http, self.folder, _Skewed(self)))

    async def aclose(self) -> None:
        await self.source.aclose()
        await self.http.aclose()

    async def poll(self, later_s: float = 0.0) -> Outages:
        self.clock.advance(later_s)
        return await self.source.outages_feed.poll()

    async def live(self, later_s: float = 0.0) -> OutagesSnapshot:
        reading = await self.poll(later_s)
        assert reading.link is Link.LIVE, reading.problem
        assert reading.snapshot is not None
        return reading.snapshot

    async def filled(self, times: int) -> BackfillSnapshot:
        """Let the back-fill look so often, at its cadence."""
        for _ in range(times):
            self.clock.advance(BACKFILL_S)
            reading = await self.source.backfill_feed.poll()
            assert reading.link is Link.LIVE, reading.problem
        assert reading.snapshot is not None
        return reading.snapshot

    def fault(self, name: str, value: str | None = None) -> None:
        self.simulator.set_fault(name, value)

    def cure(self) -> None:
        self.simulator.clear_faults()

    def now(self) -> datetime:
        """The half hour it is, by the right clock."""
        moment = self.clock.now().astimezone(BRASILIA)
        return moment.replace(minute=moment.minute // 30 * 30, second=0, microsecond=0)

    def out(self, moment: datetime) -> int:
        """Customers that are out at a moment."""
        rows = self.simulator.history.rows(moment.timestamp())
        return sum(row.planned_out + row.unplanned_out for row in rows)


class _Skewed:
    """The clock of the deck's host, which may be wrong."""

    def __init__(self, bench: Bench) -> None:
        self._bench, self.monotonic, self.sleep = bench, bench.clock.monotonic, bench.clock.sleep

    def now(self) -> datetime:
        return self._bench.clock.now() + self._bench.skew


@asynccontextmanager
async def on_bench(folder: Path, faults: dict[str, str | None] | None = None, **settings: Any) -> AsyncIterator[Bench]:
    bench = Bench(folder, faults, **settings)
    try:
        yield bench
    finally:
        await bench.aclose()


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with on_bench(tmp_path) as made:
        yield made


def rules(bench: Bench, route: str = "outages") -> set[str]:
    return {finding.rule for finding in bench.source.findings.get(route, ())}


async def watch(bench: Bench, half_hours: int) -> None:
    """See so many more half hours go by."""
    for _ in range(half_hours):
        await bench.live(HALF_HOUR_S)


# what is out


async def test_what_is_out_now_is_as_the_distributor_has_it(bench: Bench) -> None:
    snapshot = await bench.live()
    truth = bench.simulator.history.rows(START.timestamp())
    assert snapshot.slot == NOW and snapshot.email == EMAIL and snapshot.findings == ()
    assert {(each.set_code, each.municipality_code): each.out for each in snapshot.rows} == {
        (row.set_code, row.municipality_code): row.planned_out + row.unplanned_out for row in truth
    }
    assert snapshot.totals.out == bench.out(START) > 1000
    assert snapshot.totals.out == sum(each.out for each in snapshot.municipalities)
    names = {each.code: each.name for each in snapshot.municipalities}
    assert names[1400100] == "Boa Vista" and len(names) > 8
    assert snapshot.totals.change_out is snapshot.totals.restored is None, "nothing is known of the half hour before"
    assert all(each.since_at_least for each in snapshot.rows if each.out)


async def test_the_key_is_in_the_header_and_nowhere_else(bench: Bench, tmp_path: Path) -> None:
    await bench.live()
    assert bench.line.requests == [(0.0, OUTAGES, "")]
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())  # noqa: ASYNC240
    assert written and KEY.encode() not in written and EMAIL.encode() not in written


async def test_demands_are_counted(bench: Bench) -> None:
    reading = await bench.source.demands_feed.poll()
    assert reading.link is Link.LIVE and reading.snapshot is not None, reading.problem
    day = reading.snapshot
    assert len(day.demands) > 20 and day.opened_today > day.closed_today > 0
    assert day.ongoing == sum(each.ongoing for each in day.demands)
    assert {each.level for each in day.findings} == {Level.INFO}


async def test_all_2808_demands_there_can_be_are_read(bench: Bench) -> None:
    bench.fault("full-demands")
    reading = await bench.source.demands_feed.poll()
    assert reading.snapshot is not None and len(reading.snapshot.demands) == 2808
    assert (reading.snapshot.ongoing, reading.snapshot.opened_today, reading.snapshot.closed_today) == (
        2808, 5616, 2808,
    )  # fmt: skip


async def test_a_distributor_that_serves_no_demands_is_not_asked_for_them(tmp_path: Path) -> None:
    async with on_bench(tmp_path, demands=False, backfill=False) as bench:
        assert [each.name for each in bench.source.feeds] == ["outages"]


async def test_polls_keep_to_the_half_hours_and_two_early_repetitions_follow_a_failure(bench: Bench) -> None:
    next_poll = bench.source._next_poll
    regular = next_poll(START, 0)
    assert NOW + SLOT <= regular <= NOW + SLOT + timedelta(seconds=120)
    assert [(next_poll(START, failures) - START).total_seconds() for failures in (1, 2)] == [30, 120]
    assert next_poll(START, 3) == regular
    late = NOW + SLOT - timedelta(seconds=5)
    assert next_poll(late, 2) == min(late + timedelta(seconds=120), next_poll(late, 0))


# from half hour to half hour


async def test_what_has_changed_and_since_when_is_known_after_some_half_hours(bench: Bench) -> None:
    before = await bench.live()
    for _ in range(6):
        later = await bench.live(HALF_HOUR_S)
        was, now = before.totals, later.totals
        assert now.change_out == now.out - was.out == (now.newly_out or 0) - (now.restored or 0)
        assert now.chi_customer_h is not None and now.chi_customer_h > 0
        before = later
    assert later.slot == NOW + 6 * SLOT
    since = {each.out_since for each in later.rows if each.out}
    assert None not in since and min(each for each in since if each) == NOW
    fresh = [each for each in later.rows if each.out and each.out_since != NOW]
    assert fresh and not any(each.since_at_least for each in fresh), "those were seen to begin"
    assert later.totals.chi_missing_h == pytest.approx(24 - 3)


async def test_everything_restored_is_a_zero_and_a_failure_is_none(bench: Bench) -> None:
    before = (await bench.live()).totals.out
    bench.fault("unavailable")
    failed = await bench.poll(HALF_HOUR_S)
    assert failed.link is Link.STALE and failed.snapshot is not None
    assert failed.snapshot.totals.out == before and failed.snapshot.slot == NOW
    assert bench.source.slots.get(NOW + SLOT) is None, "not known is not zero"
    bench.cure()
    bench.fault("dropout")
    empty = await bench.live(HALF_HOUR_S)
    assert empty.totals.out == 0 and empty.rows == () and empty.slot == NOW + 2 * SLOT
    assert empty.totals.change_out is None, "the half hour before is not known"
    again = await bench.live(HALF_HOUR_S)
    assert again.totals.change_out == 0 and rules(bench) == set()


async def test_a_sudden_zero_is_shown_and_found_suspicious(bench: Bench) -> None:
    out = (await bench.live()).totals.out
    bench.fault("dropout", "*1")
    snapshot = await bench.live(HALF_HOUR_S)
    assert (snapshot.totals.out, snapshot.totals.restored) == (0, out)
    assert [each.rule for each in snapshot.findings] == ["X02"]
    assert (await bench.live(HALF_HOUR_S)).totals.out > 1000 and rules(bench) == set()


async def test_frozen_figures_are_found_while_they_are_shown(bench: Bench) -> None:
    await bench.live()
    bench.fault("frozen")
    await watch(bench, 3)
    assert rules(bench) == set()
    await watch(bench, 1)
    assert rules(bench) == {"X01"}


async def test_two_answers_in_one_half_hour_count_once(bench: Bench) -> None:
    await bench.live()
    await bench.live(600)
    assert bench.source.slots.known() == [NOW]


# what goes wrong


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (("unavailable", None), "no data to give (status 2): “Serviço temporariamente indisponível"),
        (("technical-message", None), "ORA-12541"),
        (("denied-html", None), "may not ask"),
        (("html-502", None), "what stands in front of the server"),
        (("redirect", None), "points elsewhere (307)"),
        (("pascal-paths", None), "no such route (404)"),
        (("drop", None), "closed without an answer"),
        (("hang", None), "a firewall that lets only ANEEL in looks just like this"),
        (("truncated", None), "cut short"),
        (("no-envelope", None), "no envelope"),
        (("null-payload", None), "holds nothing where the answer says success"),
        (("dialect-a", None), "older dialect A"),
        (("huge", None), "larger than 5 MB"),
        (("busy", "42"), "it wants to be left alone for 42 s"),
    ],
)
async def test_what_fails_at_the_start_is_down_and_later_stale_with_the_reason(
    tmp_path: Path, fault: tuple[str, str | None], words: str
) -> None:
    # Only who is silent needs to be waited for.
    async with on_bench(tmp_path, timeout_s=0.2 if fault[0] == "hang" else 30) as bench:
        bench.fault(*fault)
        reading = await bench.poll()
        refused = fault[0] == "denied-html"
        assert reading.link is (Link.REFUSED if refused else Link.DOWN) and reading.snapshot is None
        assert words in reading.problem, reading.problem
        assert "10.0.0.8" not in reading.problem or fault[0] == "technical-message"
        bench.cure()
        before = await bench.live(61)
        bench.fault(*fault)
        reading = await bench.poll(HALF_HOUR_S)
        assert reading.link is (Link.REFUSED if refused else Link.STALE) and reading.snapshot is before
        assert words in reading.problem
        bench.cure()
        await bench.live(61)


async def test_a_redirect_is_not_followed(bench: Bench) -> None:
    bench.fault("redirect")
    await bench.poll()
    assert [path for _, path, _ in bench.line.requests] == [OUTAGES]


async def run_for(bench: Bench, seconds: float, *feeds: Feed[Any]) -> list[Reading[Any]]:
    """Let feeds run until so much time has gone by; what they handed over."""
    seen: list[Reading[Any]] = []
    end_s = bench.clock.elapsed_s + seconds
    async with anyio.create_task_group() as group:
        for feed in feeds:
            group.start_soon(feed.run, seen.append)
        while bench.clock.elapsed_s < end_s:
            await anyio.lowlevel.checkpoint()
            if all(feed.reading.link is Link.REFUSED for feed in feeds):
                bench.clock.advance(60)
        group.cancel_scope.cancel()
    return seen


async def test_a_wrong_key_is_refused_and_not_tried_again(tmp_path: Path) -> None:
    async with on_bench(tmp_path, key=SecretRef(plain="not-the-key")) as bench:
        seen = await run_for(bench, 86_400, bench.source.outages_feed, bench.source.demands_feed)
        assert {path for _, path, _ in bench.line.requests} == {OUTAGES, DEMANDS} and len(bench.line.requests) == 2
        assert {each.link for each in seen} == {Link.REFUSED} and len(seen) == 2
        assert "the key is not accepted" in seen[0].problem
        assert "not-the-key" not in "".join(each.problem for each in seen)


async def test_after_a_429_the_server_is_left_alone_as_long_as_it_wants(bench: Bench) -> None:
    bench.fault("busy", "42")
    assert "42 s" in (await bench.poll()).problem
    bench.cure()
    await bench.live(30)
    assert [at for at, _, _ in bench.line.requests] == [0, 42], "12 s more were waited for"


async def test_after_a_429_that_does_not_say_how_long_it_is_a_minute(bench: Bench) -> None:
    bench.fault("no-retry-after")
    for _ in range(2):
        await bench.live()
    reading = await bench.poll()
    assert reading.link is Link.STALE and "ask less often" in reading.problem and rules(bench) == {"T10"}
    bench.cure()
    await bench.live()
    assert [at for at, _, _ in bench.line.requests] == [0, 0, 0, 60]


async def test_a_long_silence_is_kept_and_nobody_waits_for_its_end(bench: Bench) -> None:
    bench.fault("busy", "3600")
    await bench.poll()
    bench.cure()
    reading = await bench.poll(HALF_HOUR_S)
    assert len(bench.line.requests) == 1 and "another 1800 s; nothing was sent" in reading.problem
    with pytest.raises(RateLimited):
        await bench.source.demand("RR1")
    await bench.live(HALF_HOUR_S)


async def test_findings_of_an_answer_that_cannot_be_read_are_there_all_the_same(bench: Bench) -> None:
    bench.fault("ucs-spelling")
    bench.fault("null-payload")
    assert (await bench.poll()).link is Link.DOWN
    assert "E09" in rules(bench)
    bench.cure()
    await bench.live()
    assert rules(bench) == set(), "the next good answer ends them"


async def test_a_defect_of_the_check_does_not_stop_the_data(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bench.fault("zero-rows")
    await bench.live()
    assert rules(bench) == {"I17"}

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("wattdeck.systems.aneel.conformance.examine", broken)
    snapshot = await bench.live(HALF_HOUR_S)
    assert snapshot.totals.out > 1000 and snapshot.findings == ()
    assert rules(bench) == set(), "findings of an older answer are not passed off as this one's"
    assert "not the distributor's" in caplog.text


async def test_a_large_answer_is_read_and_one_over_5_mb_is_not(bench: Bench) -> None:
    rows = ",".join(
        f'{{"ideConjuntoUnidadeConsumidora":{10_000 + n // 15},"ideMunicipio":{1400100 + n % 15},'
        '"qtdUCsAtendidas":900,"qtdOcorrenciaProgramada":0,"qtdOcorrenciaNaoProgramada":1}'
        for n in range(19_000)
    )
    body = (
        f'{{"idcStatusRequisicao":1,"emailIndisponibilidade":"{EMAIL}","mensagem":"","interrupcaoFornecimento":[{rows}]}}'
    ).encode()
    sizes = iter((4_999_999, 5_000_001))

    async def app(_: Any, __: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body.ljust(next(sizes))})

    bench.line._app = app
    snapshot = await bench.live()
    assert snapshot.totals.out == 19_000 and len(snapshot.rows) == 19_000
    assert len(snapshot.findings) < 200, "at most twenty of a rule"
    reading = await bench.poll(HALF_HOUR_S)
    assert reading.link is Link.STALE and "larger than 5 MB" in reading.problem


# figures that cannot be


async def test_a_municipality_of_another_state_is_shown_and_found(bench: Bench) -> None:
    bench.fault("other-state")
    snapshot = await bench.live()
    assert "Manaus" in {each.name for each in snapshot.municipalities} and rules(bench) == {"I11"}
    bench.fault("pseudo-municipality")
    assert "code 1459999" in {each.name for each in (await bench.live()).municipalities}


async def test_numbers_of_customers_that_jump_are_marked(bench: Bench) -> None:
    await bench.live()
    bench.fault("denominators-jump")
    await bench.live(HALF_HOUR_S)
    snapshot = await bench.live(HALF_HOUR_S)
    assert rules(bench) == {"I16"}
    assert all(0 <= (each.percent_out or 0) <= 100 for each in snapshot.municipalities)


async def test_nobody_served_means_no_percentage_and_no_alarm(tmp_path: Path) -> None:
    async with on_bench(tmp_path, state="AM") as bench:
        bench.fault("zero-denominator")
        snapshot = await bench.live()
        assert {each.percent_out for each in snapshot.rows} == {None}
        assert {each.severity for each in snapshot.rows} == {Severity.UNKNOWN}
        assert snapshot.totals.out > 1000 and "I15" in rules(bench)


async def test_rows_that_cannot_be_read_make_a_half_hour_too_low_and_not_kept(bench: Bench) -> None:
    await bench.live()
    bench.clock.advance(1800)
    bench.fault("set-zero")
    snapshot = await bench.live()
    assert snapshot.unreadable_rows == 1
    totals = snapshot.totals
    assert (totals.change_out, totals.restored) == (None, None), "what cannot be read has not come back"
    assert snapshot.slot is not None and bench.source.slots.get(snapshot.slot) is None, "it is to be asked for again"


# half hours that were missed


async def test_what_was_missed_is_asked_for_later_the_newest_first(bench: Bench) -> None:
    await bench.live()
    first = await bench.filled(1)
    assert (first.known, first.missing) == (1, WEEK - 1) and bench.line.asked_for == [], "the first look only counts"
    after = await bench.filled(4)
    # The oldest is asked for, and the first again: to see that the server knows one moment from another.
    assert bench.line.asked_for == [
        "20/11/2026 13:30", "13/11/2026 14:30", "20/11/2026 13:30", "20/11/2026 13:00", "20/11/2026 12:30",
        "20/11/2026 12:00",
    ]  # fmt: skip
    assert (after.known, after.missing) == (6, WEEK - 6)
    for back in (1, 2, 3, 4, WEEK - 1):
        rows = bench.source.slots.get(NOW - back * SLOT)
        assert rows is not None and sum(row.out for row in rows) == bench.out(NOW - back * SLOT)
    shown = bench.source.outages_feed.reading.snapshot
    assert shown is not None and shown.slot == NOW and shown.totals.change_out is not None, "reckoned again with it"
    assert shown.totals.chi_missing_h == pytest.approx(22)


async def test_what_was_missed_is_asked_for_once_within_the_pace_until_all_is_known(bench: Bench) -> None:
    await bench.live()
    for back in range(61, WEEK - 1):
        bench.source.slots.put(NOW - back * SLOT, ())
    seen = await run_for(bench, 900, bench.source.backfill_feed)
    assert seen[0].snapshot == BackfillSnapshot(WEEK - 61, 61)
    assert seen[-1].snapshot == BackfillSnapshot(WEEK, 0)
    assert bench.line.most_in_a_minute() <= 7, "five a minute, one more at the start, and a poll"
    asked = bench.line.asked_for
    assert len(set(asked)) == 61 and len(asked) == 62, "one of them twice, for the proof"
    assert {each.problem for each in seen} == {""}


async def test_half_hours_the_distributor_does_not_have_do_not_hold_up_the_others(bench: Bench) -> None:
    bench.fault("missing-slots")
    await bench.live()
    counted = await bench.filled(12)
    asked = bench.line.asked_for
    assert len(asked) == len(set(asked)) == 12
    assert (counted.known, counted.missing) == (1 + 8, WEEK - 9), "a third is not to be had"
    assert bench.source.backfill_feed.reading.problem == ""


async def test_what_was_seen_at_the_time_is_not_replaced_by_what_is_told_of_it_later(bench: Bench) -> None:
    oldest = NOW - (WEEK - 1) * SLOT
    bench.source.slots.put(oldest, ())
    await bench.live()
    await bench.filled(2)
    assert "13/11/2026 14:30" in bench.line.asked_for and bench.source.slots.get(oldest) == ()
    assert bench.out(oldest) > 0


async def test_nothing_is_filled_in_while_the_distributor_does_not_answer(bench: Bench) -> None:
    await bench.live()
    await bench.filled(1)
    bench.fault("unavailable")
    await bench.poll(60)
    await bench.filled(5)
    assert bench.line.asked_for == []
    bench.cure()
    await bench.live(60)
    await bench.filled(1)
    assert bench.line.asked_for[0] == "20/11/2026 13:30"


async def test_a_server_that_ignores_the_moment_fills_nothing_with_its_present(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.fault("ignored-history")
    await bench.live()
    counted = await bench.filled(10)
    assert (counted.known, counted.missing) == (1, WEEK - 1)
    assert len(bench.line.asked_for) == 2 and "as if it ignored dthRecuperacao" in caplog.text
    assert rules(bench, "past") == {"H01"}
    with pytest.raises(NotConformant, match="as if it ignored dthRecuperacao"):
        await bench.source.at(NOW - 8 * SLOT)
    assert bench.source.slots.known() == [NOW]
    bench.cure()
    await bench.live(6 * 3600)
    assert (await bench.filled(2)).known > 3, "it is tried again some hours later"
    assert rules(bench, "past") == set()


async def test_a_failure_while_filling_is_told_and_backed_off(bench: Bench) -> None:
    await bench.live()
    await bench.filled(1)
    bench.fault("drop")
    reading = await bench.source.backfill_feed.poll()
    assert reading.link is Link.STALE and "closed without an answer" in reading.problem
    bench.cure()
    assert (await bench.filled(1)).known == 3


async def test_a_distributor_that_cannot_be_reached_leaves_nothing_live(tmp_path: Path) -> None:
    config = AneelConfig(name="roraima", url=ORIGIN, key=SecretRef(plain=KEY))
    clock = ManualClock(START)
    simulator = AneelSimulator(SimulatorOptions(start=START, faults={"drop": None}), monotonic=clock.monotonic)
    async with Hub([(SYSTEM, config)], state_dir=tmp_path, clock=clock, demo_apps={ORIGIN: simulator.app}) as hub:
        await hub.once()
        assert {each.link for each in hub.readings("aneel/roraima")} == {Link.DOWN}
        assert exit_code(hub, ["aneel/roraima"]) == 3
        assert "closed without an answer" in to_text(hub, ["aneel/roraima"], clock.now())


# one half hour


async def test_a_half_hour_that_is_kept_is_not_asked_for(bench: Bench) -> None:
    before = await bench.live()
    await watch(bench, 2)
    asked = len(bench.line.requests)
    past = await bench.source.at(NOW)
    assert len(bench.line.requests) == asked
    assert past.totals.out == before.totals.out and past.slot == NOW
    assert (await bench.source.at(NOW + SLOT)).totals.change_out is not None
    assert (await bench.source.at(NOW + SLOT + timedelta(minutes=17))).slot == NOW + SLOT, "any minute of it"


async def test_a_half_hour_that_is_not_kept_is_asked_for_and_kept(bench: Bench) -> None:
    moment = NOW - timedelta(days=2, minutes=10)
    past = await bench.source.at(moment)
    assert past.slot == moment - timedelta(minutes=20) and past.totals.out == bench.out(past.slot)
    assert "18/11/2026 13:30" in bench.line.asked_for
    asked = len(bench.line.requests)
    assert (await bench.source.at(moment)).totals == past.totals and len(bench.line.requests) == asked


async def test_the_future_is_not_asked_for(bench: Bench) -> None:
    with pytest.raises(UsageError, match="21/11/2026 14:00 in Brasília is still to come"):
        await bench.source.at(NOW + timedelta(days=1))
    assert bench.line.requests == []


async def test_what_is_older_than_seven_days_is_the_distributors_to_refuse_and_is_not_kept(bench: Bench) -> None:
    await bench.live()
    with pytest.raises(NoData, match="fora da janela"):
        await bench.source.at(NOW - timedelta(days=8))
    bench.fault("endless-history")
    assert (await bench.source.at(NOW - timedelta(days=8))).totals.out > 0
    assert min(bench.source.slots.known()) >= NOW - KEPT


async def test_a_half_hour_that_cannot_be_read_is_an_error_in_words(bench: Bench) -> None:
    bench.fault("drop")
    with pytest.raises(SourceError, match="closed without an answer"):
        await bench.source.at(NOW - SLOT)


# from session to session


async def test_half_hours_outlive_the_deck(bench: Bench) -> None:
    await bench.live()
    await watch(bench, 3)
    known = bench.source.slots.known()
    await bench.aclose()
    bench.clock.advance(3 * HALF_HOUR_S)
    bench.open()
    snapshot = await bench.live()
    assert bench.source.slots.known() == [*known, bench.now()]
    assert snapshot.totals.change_out is None, "two half hours were missed"
    assert min(each.out_since for each in snapshot.rows if each.out_since) == NOW, "and do not end what goes on"
    await bench.filled(1)
    assert (await bench.filled(2)).known == 4 + 3 + 1
    assert bench.line.asked_for[0] == "20/11/2026 16:30" and "20/11/2026 15:00" not in bench.line.asked_for
    assert (shown := bench.source.outages_feed.reading.snapshot) and shown.totals.change_out is not None


async def test_what_was_kept_is_there_before_the_distributor_answers(bench: Bench) -> None:
    before = await bench.live()
    await bench.aclose()
    bench.fault("drop")
    bench.open()
    assert (await bench.source.at(NOW)).totals.out == before.totals.out


async def test_the_file_of_half_hours_is_private_and_holds_no_personal_data(bench: Bench, tmp_path: Path) -> None:
    await bench.live()
    await bench.source.demands_feed.poll()
    await bench.source.demand(bench.simulator.protocols()[0])
    await bench.aclose()
    (path,) = [path for path in tmp_path.rglob("*") if path.is_file()]  # noqa: ASYNC240
    assert path.name == "roraima.slots" and path.stat().st_mode & 0o077 == 0
    assert set(path.read_text()) <= set("sp0123456789 ,.-\n"), "figures and codes"


async def test_half_hours_that_cannot_be_written_are_no_reason_to_show_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "aneel").write_text("in the way")
    async with on_bench(tmp_path) as bench:
        assert (await bench.live()).totals.out > 0
    assert "aneel/roraima" in caplog.text and "cannot be written" in caplog.text


async def test_the_demo_keeps_no_half_hours(tmp_path: Path) -> None:
    simulation = SYSTEM.demo(SimulatorOptions(start=START), None)
    clock = ManualClock(START)
    pairs = [(SYSTEM, each) for each in simulation.sources]
    async with Hub(pairs, state_dir=tmp_path, clock=clock, demo_apps=simulation.apps, keep_last=False) as hub:
        await hub.once()
        assert {each.link for each in hub.readings("aneel/roraima")} == {Link.LIVE}
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]  # noqa: ASYNC240


# clocks


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_host_whose_clock_is_an_hour_wrong_still_shows_what_is_out(bench: Bench, hours: int) -> None:
    bench.skew = timedelta(hours=hours)
    snapshot = await bench.live()
    assert snapshot.totals.out == bench.out(START) and snapshot.slot == NOW + bench.skew
    await bench.filled(6)
    known = bench.source.slots.known()
    assert max(known) == NOW + bench.skew
    for slot in known[:-1]:
        rows = bench.source.slots.get(slot)
        assert rows is not None and sum(row.out for row in rows) == bench.out(slot), "the past is asked for by name"


async def test_half_hours_a_wrong_clock_has_put_into_the_future_are_dropped(bench: Bench) -> None:
    bench.skew = timedelta(days=3)
    await bench.live()
    bench.skew = timedelta()
    snapshot = await bench.live(HALF_HOUR_S)
    assert snapshot.slot == NOW + SLOT and bench.source.slots.known() == [NOW + SLOT]
    assert snapshot.totals.chi_missing_h == pytest.approx(24)


async def test_a_server_whose_clock_is_an_hour_behind_is_live(bench: Bench) -> None:
    bench.fault("hour-wrong")
    assert (await bench.live()).slot == NOW
    counted = await bench.filled(6)
    assert counted.known >= 4, "the last hour is the future there and is refused"


# one demand


async def test_a_demand_is_read_and_an_unknown_one_is_none(bench: Bench) -> None:
    protocol = bench.simulator.protocols()[0]
    found = await bench.source.demand(protocol)
    assert found is not None and found.protocol == protocol and found.holder_name
    assert await bench.source.demand("NAOEXISTE") is None
    with pytest.raises(UsageError, match="1 to 30 letters and digits"):
        await bench.source.demand("../../etc")
    assert len(bench.line.requests) == 2


async def test_nothing_of_a_demand_is_written_or_logged(
    bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await bench.live()
    secrets = [KEY]
    for protocol in bench.simulator.protocols()[:5]:
        found = await bench.source.demand(protocol)
        assert found is not None
        secrets += [protocol, found.holder_name, found.document_number, found.consumer_unit]
        assert found.holder_name not in repr(found) and found.document_number not in repr(found)
    for fault in ("echo-wrong", "demand-flat", "technical-message", "drop", "denied-html"):
        bench.fault(fault)
        with pytest.raises(SourceError) as raised:
            await bench.source.demand(protocol)
        assert not [each for each in secrets if each in str(raised.value)]
        bench.cure()
    await bench.aclose()
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())  # noqa: ASYNC240
    assert DEMAND in caplog.text and written
    for each in secrets:
        assert each not in caplog.text and each.encode() not in written
