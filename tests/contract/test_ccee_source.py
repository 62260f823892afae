"""An agent as the hub sees it, against the simulator in process: how the list arrives, what stays when it does not."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import anyio
import pytest

from fakes import ManualClock
from wattdeck.core.asgi import SimulatedTransport
from wattdeck.core.errors import SourceError
from wattdeck.core.export import to_csv, to_json, to_text
from wattdeck.core.http import HttpClients
from wattdeck.core.hub import Hub
from wattdeck.core.reading import Link, Reading
from wattdeck.core.secrets import SecretRef
from wattdeck.core.snapshot import document
from wattdeck.core.system import Context, SimulatorOptions
from wattdeck.systems.ccee import SYSTEM
from wattdeck.systems.ccee.config import CceeConfig
from wattdeck.systems.ccee.models import Migration, MigrationsSnapshot, RequestType
from wattdeck.systems.ccee.simulator import CceeSimulator, secret_of
from wattdeck.systems.ccee.source import CceeSource

pytestmark = pytest.mark.anyio

ORIGIN = "http://127.0.0.4"
START = datetime(2026, 11, 25, 17, 0, tzinfo=UTC)
"""14:00 on a Wednesday in Brasília."""
AGENT, PROFILES = 200000, (200100, 200101)
LIST, TOKEN = "/v2/varejista/migracoes", "/sso/oauth/token"
PAGE_S = 0.3
"""How long a page takes."""
Snapshots = Reading[MigrationsSnapshot]


class Line:
    """The way to the simulator: tells what went over it, and lets a test step in before a page."""

    def __init__(self, simulator: CceeSimulator, clock: ManualClock) -> None:
        self._app, self._clock = simulator.app, clock
        self.requests: list[tuple[str, str, bytes]] = []
        self.before_page: Callable[[int], object] = lambda _: None
        """Called with the number of each page of a list of migrations, from 1."""
        self.empty_profiles: frozenset[int] = frozenset()
        """They have no migrations."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.requests.append((scope["method"], scope["path"], scope["query_string"]))
        if (scope["method"], scope["path"]) == ("GET", LIST):
            self._clock.advance(PAGE_S)
            self.before_page(self.count(LIST))
            if any(f"codigoPerfilVarejista={each}".encode() in scope["query_string"] for each in self.empty_profiles):
                await send({"type": "http.response.start", "status": 204, "headers": []})
                await send({"type": "http.response.body", "body": b""})
                return
        await self._app(scope, receive, send)

    def count(self, path: str) -> int:
        return sum(found == path for _, found, _ in self.requests)


class Bench:
    """One simulated CCEE, an agent of it, and a clock for both that is moved by hand."""

    def __init__(self, folder: Path, faults: dict[str, str | None] | None = None, **settings: Any) -> None:
        self.clock = ManualClock(START)
        self.simulator = CceeSimulator(
            SimulatorOptions(start=START, faults=faults or {}), monotonic=self.clock.monotonic, sleep=self.clock.sleep
        )
        self.line = Line(self.simulator, self.clock)
        most = settings.pop("most", None)
        self.config = CceeConfig(
            **{
                "name": "varejo",
                "agent_code": AGENT,
                "profiles": PROFILES[:1],
                "client_id": f"VAREJISTA_{AGENT}",
                "client_secret": SecretRef(plain=secret_of(AGENT)),
                "url": ORIGIN,
                **settings,
            }
        )
        if most is not None:
            # Fewer than a configuration may ask for, to keep the lists short.
            self.config = self.config.model_copy(update={"max_migrations": most})
        self.folder = folder
        self.open()

    def open(self) -> None:
        """Start the deck, or start it again."""
        self.http = HttpClients(mounts={ORIGIN: SimulatedTransport(self.line)}, only_mounted=True, clock=self.clock)
        self.source = CceeSource(self.config, Context(self.http, self.folder, self.clock))

    async def aclose(self) -> None:
        await self.source.aclose()
        await self.http.aclose()

    async def poll(self, later_s: float = 0.0) -> Snapshots:
        self.clock.advance(later_s)
        return await self.source.feed.poll()

    async def live(self, later_s: float = 0.0) -> MigrationsSnapshot:
        reading = await self.poll(later_s)
        assert reading.link is Link.LIVE, reading.problem
        assert reading.snapshot is not None
        return reading.snapshot

    async def published(self) -> list[Snapshots]:
        """Run the feed until its first poll is over; everything that was handed on."""
        seen: list[Snapshots] = []
        with anyio.CancelScope() as scope:

            def publish(reading: Snapshots) -> None:
                seen.append(reading)
                if reading.link is not Link.WAITING:
                    scope.cancel()

            await self.source.feed.run(publish)
        return seen

    def fault(self, name: str, value: str | None = None) -> None:
        self.simulator.set_fault(name, value)

    def cure(self) -> None:
        self.simulator.clear_faults()


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


def sizes_seen(bench: Bench) -> list[int]:
    """How many rows are shown when each page from now on is asked for; it grows."""
    sizes: list[int] = []
    bench.line.before_page = lambda _: sizes.append(len(ids(bench.source.feed.reading.snapshot)))
    return sizes


def fail_from(bench: Bench, page: int, fault: str, value: str | None = None) -> None:
    """Switch a fault on when a page is asked for."""
    bench.line.before_page = lambda number: bench.fault(fault, value) if number == page else None


def ids(snapshot: MigrationsSnapshot | None) -> list[str]:
    assert snapshot is not None
    return [each.migration_id for each in snapshot.migrations]


def waiting(snapshot: MigrationsSnapshot) -> Migration:
    return next(each for each in snapshot.migrations if each.editable)


# how the list arrives


async def test_the_first_list_is_shown_page_by_page_and_waits_until_it_is_whole(bench: Bench) -> None:
    *arriving, whole = await bench.published()
    assert [len(ids(each.snapshot)) for each in arriving] == [50, 100, len(ids(whole.snapshot))]
    assert {each.link for each in arriving} == {Link.WAITING}
    assert not any(each.snapshot.complete for each in arriving if each.snapshot is not None)
    assert {each.taken_at for each in arriving} == {None}, "nothing is dated before it is whole"
    assert whole.link is Link.LIVE and whole.snapshot is not None and whole.snapshot.complete
    assert ids(whole.snapshot)[:50] == ids(arriving[0].snapshot)


async def test_a_later_list_replaces_the_one_before_when_it_is_whole_and_not_earlier(bench: Bench) -> None:
    before = await bench.live()
    seen = sizes_seen(bench)
    await bench.live(300)
    assert seen == [len(before.migrations)] * 3


async def test_progress_tells_pages_and_rows_and_then_is_over(bench: Bench) -> None:
    words: list[str] = []
    shares: list[float] = []

    def look(_: int) -> None:
        assert bench.source.progress is not None
        words.append(bench.source.progress.words)
        shares.append(bench.source.progress.share)

    bench.line.before_page = look
    snapshot = await bench.live()
    assert words == ["reading page 1, 0 rows", "reading page 2, 50 rows", "reading page 3, 100 rows"]
    assert shares == sorted(shares) and shares[0] >= 0 and shares[-1] < 1
    assert bench.source.progress is None
    words.clear()
    await bench.live(300)
    assert words[-1] == f"reading page 3, 100 of about {len(snapshot.migrations)} rows"


async def test_two_profiles_make_one_list(tmp_path: Path) -> None:
    async with on_bench(tmp_path, profiles=PROFILES) as bench:
        *arriving, last = await bench.published()
        assert last.snapshot is not None and last.snapshot.complete
        assert {each.retailer_profile_code for each in last.snapshot.migrations} == set(PROFILES)
        assert len(set(ids(last.snapshot))) == len(ids(last.snapshot))
        assert sum(each.count for each in last.snapshot.counts) == len(ids(last.snapshot))
        assert len(ids(arriving[-2].snapshot)) < len(ids(arriving[-1].snapshot))


async def test_the_window_is_months_around_brasilias_month(tmp_path: Path) -> None:
    async with on_bench(tmp_path, months_back=1, months_ahead=14) as bench:
        # 22:00 on the last day of November in Brasília is December in UTC.
        bench.clock.advance((datetime(2026, 12, 1, 1, 0, tzinfo=UTC) - START).total_seconds())
        assert bench.source.window == ("2026-10", "2028-01") and bench.source.today == date(2026, 11, 30)
        snapshot = await bench.live()
        assert (snapshot.first_month, snapshot.last_month) == ("2026-10", "2028-01")
        queries = [query.decode() for _, path, query in bench.line.requests if path == LIST]
        spans = {(each.split("&")[0][-7:], each.split("&")[1][-7:]) for each in queries}
        assert spans == {("2026-10", "2027-09"), ("2027-10", "2028-01")}, "twelve months at a time"


# too much


async def test_what_is_more_than_is_kept_is_left_out_and_said(tmp_path: Path) -> None:
    async with on_bench(tmp_path, most=70) as bench:
        snapshot = await bench.live()
        assert len(snapshot.migrations) == 70 and not snapshot.complete
        assert "not all of them" in "\n".join(SYSTEM.text_lines([bench.source.feed.reading], bench.clock.now()))
        again = await bench.live(300)
        assert ids(again) == ids(snapshot) and not again.complete


async def test_a_list_that_is_always_cut_does_not_shrink_while_it_is_read_again(tmp_path: Path) -> None:
    async with on_bench(tmp_path, most=120) as bench:
        await bench.live()
        seen = sizes_seen(bench)
        await bench.live(300)
        assert seen == [120, 120, 120]


async def test_a_list_that_was_cut_stays_cut_though_the_next_profile_is_empty(tmp_path: Path) -> None:
    async with on_bench(tmp_path, profiles=PROFILES, most=70) as bench:
        bench.line.empty_profiles = frozenset({PROFILES[1]})
        assert not (await bench.live()).complete


async def test_a_list_that_is_just_as_long_as_allowed_is_whole(tmp_path: Path) -> None:
    async with on_bench(tmp_path, most=150, faults={"many": "150"}) as bench:
        snapshot = await bench.live()
        assert len(snapshot.migrations) == 150 and snapshot.complete


async def test_a_hundred_thousand_migrations_are_bounded(tmp_path: Path) -> None:
    faults: dict[str, str | None] = {"many": "100000", "page-size": "400"}
    async with on_bench(tmp_path, most=1000, faults=faults) as bench:
        snapshot = await bench.live()
        assert len(snapshot.migrations) == 1000 and not snapshot.complete
        assert bench.line.count(LIST) == 3, "what would be left out is not asked for"


# what stays the same


async def test_what_did_not_change_stays_the_same_object(bench: Bench) -> None:
    before = await bench.live()
    chosen = waiting(before)
    bench.simulator.reject(chosen.migration_id, "Débito")
    after = await bench.live(300)
    old = {each.migration_id: each for each in before.migrations}
    changed = [each for each in after.migrations if each is not old[each.migration_id]]
    assert [each.migration_id for each in changed] == [chosen.migration_id]
    assert changed[0].status == "REPROVADA" and changed[0].justification == "Débito"


async def test_deadlines_are_reckoned_in_business_days_for_what_waits_alone(tmp_path: Path) -> None:
    async with on_bench(tmp_path, extra_holidays=(date(2026, 11, 26),), answer_business_days=3) as bench:
        snapshot = await bench.live()
        waits = [each for each in snapshot.migrations if each.status == "CRIADA"]
        assert waits and all(each.deadline is not None for each in waits)
        assert all(each.deadline is None for each in snapshot.migrations if each.status != "CRIADA")
        today = next(each for each in waits if each.requested_at and each.requested_at.date() == date(2026, 11, 25))
        assert today.deadline == date(2026, 12, 1), "Friday, Monday and Tuesday: the Thursday is a holiday"


# what goes wrong


async def test_a_first_list_that_breaks_off_keeps_what_came_and_goes_on_from_there(bench: Bench) -> None:
    fail_from(bench, 3, "status", "418")
    reading = await bench.poll()
    assert reading.link is Link.DOWN and "418" in reading.problem
    assert len(ids(reading.snapshot)) == 100 and reading.snapshot is not None and not reading.snapshot.complete
    assert reading.taken_at is None
    bench.cure()
    sizes = sizes_seen(bench)
    whole = await bench.live(60)
    assert sizes == [100, 100, 100], "what was there does not vanish while it is read again"
    assert whole.complete and len(whole.migrations) > 100


async def test_pages_that_come_faster_than_they_are_shown_are_not_lost_by_a_failure(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wattdeck.systems.ccee.source.ARRIVING_S", 3600.0)

    fail_from(bench, 3, "status", "418")
    assert len(ids((await bench.poll()).snapshot)) == 100


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (("status", "500"), "500"),
        (("html-200", None), "JSON"),
        (("wrong-key", None), "migracao"),
        (("truncated", None), "cut short"),
        (("rate-limit", "3600"), "too many requests"),
        (("html-403", None), "in front of the API"),
        (("drop", None), "127.0.0.4"),
    ],
)
async def test_a_later_list_that_fails_leaves_the_old_one_with_the_reason(
    bench: Bench, fault: tuple[str, str | None], words: str
) -> None:
    before = await bench.live()
    fail_from(bench, 5, *fault)
    reading = await bench.poll(300)
    assert reading.link is Link.STALE and words in reading.problem, reading.problem
    assert reading.snapshot is before
    bench.cure()
    bench.line.before_page = lambda _: None
    assert ids(await bench.live(60)) == ids(before)


async def test_wrong_credentials_are_refused_and_not_tried_again(tmp_path: Path) -> None:
    async with on_bench(tmp_path, client_secret=SecretRef(plain="not-the-secret")) as bench:
        seen: list[Snapshots] = []
        answered = anyio.Event()

        def publish(reading: Snapshots) -> None:
            seen.append(reading)
            answered.set()

        async with anyio.create_task_group() as group:
            group.start_soon(bench.source.feed.run, publish)
            with anyio.fail_after(5):
                await answered.wait()
            bench.clock.advance(7 * 86_400)
            for _ in range(50):
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        assert [each.link for each in seen] == [Link.REFUSED]
        assert "client_secret" in seen[0].problem and "not-the-secret" not in seen[0].problem
        assert bench.line.requests == [("POST", TOKEN, b"")]


async def test_another_agents_credentials_are_refused_in_words(tmp_path: Path) -> None:
    async with on_bench(tmp_path, faults={"agent-mismatch": None}) as bench:
        reading = await bench.poll()
        assert reading.link is Link.REFUSED and "another agent" in reading.problem


async def test_a_token_that_ends_on_page_40_costs_no_row_and_repeats_none(tmp_path: Path) -> None:
    faults: dict[str, str | None] = {"many": "205", "page-size": "5", "expire-mid": "40"}
    async with on_bench(tmp_path, faults=faults) as bench:
        snapshot = await bench.live()
        assert len(snapshot.migrations) == 205 == len(set(ids(snapshot)))
        assert bench.line.count(TOKEN) == 2 and bench.line.count(LIST) == 42


@pytest.mark.parametrize("which", ["own", "second"])
async def test_a_cursor_that_comes_again_for_ever_ends_in_words(bench: Bench, which: str) -> None:
    bench.fault("cursor-loop", which)
    reading = await bench.poll()
    assert reading.link is Link.DOWN and "again" in reading.problem
    assert bench.line.count(LIST) < 5 and len(ids(reading.snapshot)) == len(set(ids(reading.snapshot))) > 0


async def test_rows_that_move_between_pages_come_once(bench: Bench) -> None:
    straight = await bench.live()
    bench.fault("shifting-pages")
    assert ids(await bench.live(300)) == ids(straight)


async def test_a_status_nobody_knows_breaks_nothing(bench: Bench) -> None:
    bench.fault("unknown-status", None)
    snapshot = await bench.live()
    assert snapshot.complete and {"EM_ANALISE"} < {each.status for each in snapshot.counts}


async def test_hostile_text_loses_what_a_terminal_would_act_on_and_keeps_its_words(tmp_path: Path) -> None:
    clock = ManualClock(START)
    faults: dict[str, str | None] = {"hostile-text": None}
    simulator = CceeSimulator(SimulatorOptions(start=START, faults=faults), monotonic=clock.monotonic)
    config = CceeConfig(
        name="varejo", agent_code=AGENT, profiles=PROFILES[:1], client_id=f"VAREJISTA_{AGENT}", url=ORIGIN,
        client_secret=SecretRef(plain=secret_of(AGENT)),
    )  # fmt: skip
    hub = Hub([(SYSTEM, config)], state_dir=tmp_path, clock=clock, demo_apps={ORIGIN: simulator.app})
    async with hub:
        await hub.once()
        (reading,) = hub.readings("ccee/varejo")
        assert reading.link is Link.LIVE, reading.problem
        assert reading.snapshot is not None
        refused = next(each for each in reading.snapshot.migrations if each.status == "REPROVADA")
        assert refused.justification.startswith("[bold red]") and len(refused.justification) <= 3000
        shown = to_text(hub, ["ccee/varejo"], clock.now())
        made = document(hub, ["ccee/varejo"], clock.now())
        for text in (shown, to_json(made), to_csv(made)):
            assert "[bold red]" in text, "markup is shown, not meant"
            assert not set(text) & {"\x1b", "\x07", "\u202e", "\u202c", "\u200b", "\r"}


# since it was first seen


async def test_what_the_utility_does_between_two_lists_is_noted(bench: Bench) -> None:
    snapshot = await bench.live()
    first, second = [each for each in snapshot.migrations if each.editable][:2]
    assert [each.kind for each in bench.source.history(first.migration_id)] == ["seen"]
    bench.simulator.approve(first.migration_id)
    bench.simulator.reject(second.migration_id, "Débito vencido")
    assert bench.source.newly_rejected == frozenset(), "nobody has heard of it yet"
    await bench.live(300)
    changes = {each.field: (each.old, each.new) for each in bench.source.history(first.migration_id)[1:]}
    assert changes["status"] == ("CRIADA", "CONCLUIDA")
    assert changes["musd_value"][0] == "" and float(changes["musd_value"][1]) > 0
    assert bench.source.newly_rejected == {second.migration_id}
    assert ("justification", "Débito vencido") in {
        (each.field, each.new) for each in bench.source.history(second.migration_id)
    }


async def test_the_history_outlives_the_deck(bench: Bench) -> None:
    chosen = waiting(await bench.live())
    await bench.aclose()
    bench.simulator.reject(chosen.migration_id)
    bench.clock.advance(3600)
    bench.open()
    await bench.live()
    assert [(each.kind, each.field) for each in bench.source.history(chosen.migration_id)][:2] == [
        ("seen", "status"),
        ("changed", "status"),
    ]
    assert bench.source.newly_rejected == {chosen.migration_id}, "refused while wattdeck was off"


async def test_a_history_that_cannot_be_written_is_no_reason_to_show_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "ccee").write_text("in the way")
    async with on_bench(tmp_path) as bench:
        assert (await bench.live()).complete
    assert "ccee/varejo" in caplog.text and "cannot be written" in caplog.text


async def test_nothing_personal_is_written_whole(tmp_path: Path) -> None:
    async with on_bench(tmp_path, profiles=PROFILES) as bench:
        snapshot = await bench.live()
        bench.simulator.approve(waiting(snapshot).migration_id)
        await bench.live(300)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]  # noqa: ASYNC240
    assert files
    written = b"\n".join(path.read_bytes() for path in files).decode()
    personal = {each.email for each in snapshot.migrations} | {each.document_number for each in snapshot.migrations}
    assert len(personal) > 100
    assert not [each for each in personal - {""} if each in written]
    assert waiting(snapshot).migration_id in written
    assert all(path.stat().st_mode & 0o077 == 0 for path in files), "nobody else reads it"


async def test_the_demo_writes_no_history(tmp_path: Path) -> None:
    simulation = SYSTEM.demo(SimulatorOptions(start=START), None)
    clock = ManualClock(START)
    pairs = [(SYSTEM, each) for each in simulation.sources]
    async with Hub(pairs, state_dir=tmp_path, clock=clock, demo_apps=simulation.apps) as hub:
        await hub.once()
        assert {hub.readings(source)[0].link for source in hub.sources} == {Link.LIVE}
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]  # noqa: ASYNC240


async def test_secrets_are_in_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with on_bench(tmp_path, faults={"expire-mid": "2"}) as bench:
        snapshot = await bench.live()
        bench.fault("status", "500")
        await bench.poll(300)
        bench.cure()
        chosen = waiting(snapshot)
        await bench.source.contracts(chosen)
        await bench.source.change_requests(chosen)
        tokens = list(bench.simulator.registry._tokens)
    secret = "another-secret-that-is-wrong"
    async with on_bench(tmp_path, client_secret=SecretRef(plain=secret)) as bench:
        assert (await bench.poll()).link is Link.REFUSED
    assert LIST in caplog.text and "client id and secret are not accepted" in caplog.text
    assert tokens
    for each in (secret, secret_of(AGENT), *tokens, chosen.email, chosen.document_number or "-none-"):
        assert each not in caplog.text


# records read by themselves


async def test_a_record_that_was_read_is_shown_at_once(bench: Bench) -> None:
    chosen = waiting(await bench.live())
    published: list[Snapshots] = []
    bench.source.feed._publish = published.append
    bench.simulator.approve(chosen.migration_id)
    bench.source.take(await bench.source.client.migration(chosen.migration_id, PROFILES[0]))
    (reading,) = published
    assert reading.snapshot is not None and reading.snapshot.complete and reading.link is Link.LIVE
    shown = reading.snapshot.migration(chosen.migration_id)
    assert shown is not None and shown.status == "CONCLUIDA" and shown.deadline is None
    bench.source.take(await bench.source.client.migration(chosen.migration_id, PROFILES[0]))
    assert len(published) == 1, "nothing new is nothing to repaint"


async def test_what_only_the_list_says_of_a_record_stays(bench: Bench) -> None:
    snapshot = await bench.live()
    done = next(each for each in snapshot.migrations if each.supplier_agent_code is not None)
    read = await bench.source.client.migration(done.migration_id, PROFILES[0])
    bench.source.take(replace(read, supplier_agent_code=None, comment="novo"))
    after = bench.source.feed.reading.snapshot
    assert after is not None
    shown = after.migration(done.migration_id)
    assert shown is not None and shown.comment == "novo"
    assert shown.supplier_agent_code == done.supplier_agent_code


async def test_a_record_outside_the_list_is_not_put_into_it(bench: Bench) -> None:
    snapshot = await bench.live()
    for strange in (
        replace(snapshot.migrations[0], migration_id="new-1", reference_month="2031-01"),
        replace(snapshot.migrations[0], migration_id="new-2", retailer_profile_code=200101),
    ):
        bench.source.take(strange)
    assert bench.source.feed.reading.snapshot is snapshot


async def test_a_record_that_was_moved_out_of_the_list_leaves_it_at_once(bench: Bench) -> None:
    chosen = waiting(await bench.live())
    bench.source.take(replace(chosen, reference_month="2031-01"))
    assert chosen.migration_id not in ids(bench.source.feed.reading.snapshot)


async def test_what_is_read_while_a_list_arrives_is_not_undone_by_it(bench: Bench) -> None:
    snapshot = await bench.live()
    edited, vanished = [each for each in snapshot.migrations if each.editable][:2]
    new = replace(edited, migration_id="new-1", consumer_unit_code="000000123400159")

    def meanwhile(page: int) -> None:
        if page == 6:
            bench.source.take(replace(edited, email="new@example.com"))
            bench.source.take(new)
            bench.source.drop(vanished.migration_id)

    bench.line.before_page = meanwhile
    after = await bench.live(300)
    shown = after.migration(edited.migration_id)
    assert shown is not None and shown.email == "new@example.com"
    assert after.migration("new-1") == bench.source.dated(new)
    assert after.migration(vanished.migration_id) is None
    assert bench.source.history(vanished.migration_id)[-1].kind == "gone"
    later = await bench.live(300)
    assert later.migration("new-1") is None, "the next list has the last word"
    assert later.migration(vanished.migration_id) is not None


# what goes with a migration


async def test_contracts_energy_and_requests_of_a_unit(bench: Bench) -> None:
    snapshot = await bench.live()
    in_force = [
        each for each in snapshot.migrations if each.status == "CONCLUIDA" and each.reference_month <= "2026-10"
    ]
    chosen = in_force[0]
    (contract,) = await bench.source.contracts(chosen)
    assert contract.consumer_unit_code == chosen.consumer_unit_code and contract.representatives
    energy = await bench.source.measurements(chosen, date(2026, 10, 30), date(2026, 11, 1))
    days = {each.at.date() for each in energy if each.at is not None}
    assert {date(2026, 10, 30), date(2026, 10, 31), date(2026, 11, 1)} <= days, "over the end of a month"
    assert {each.consumer_unit_code for each in energy} == {chosen.consumer_unit_code}
    asked = next(
        unit
        for unit in in_force
        if any(each.unit == unit.consumer_unit_code for each in bench.simulator.store.requests.values())
    )
    requests = await bench.source.change_requests(asked)
    assert {each.consumer_unit_code for each in requests} == {asked.consumer_unit_code}


async def test_change_requests_of_every_kind_are_asked_for(bench: Bench) -> None:
    chosen = waiting(await bench.live())
    await bench.source.change_requests(chosen)
    asked = [query.decode() for _, path, query in bench.line.requests if path == "/v1/solicitacoes"]
    assert sorted(each.split("&")[0].partition("=")[2] for each in asked) == sorted(RequestType)


async def test_what_goes_with_a_migration_fails_as_one_error(bench: Bench) -> None:
    chosen = waiting(await bench.live())
    bench.fault("status", "500")
    for ask in (bench.source.contracts, bench.source.measurements, bench.source.change_requests):
        with pytest.raises(SourceError, match="500"):
            await ask(chosen)
