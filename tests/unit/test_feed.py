"""The feed: three outcomes, old data kept and labelled, back-off, and coming back by itself. Time is moved by hand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from random import Random

import anyio
import anyio.lowlevel
import pytest

from fakes import START, ManualClock
from wattdeck.core.errors import AuthError, BadAnswer, Busy, Unreachable, WattdeckError
from wattdeck.core.feed import BACK_OFF_CAP_S, DOWN_AFTER_S, Feed
from wattdeck.core.reading import Link, Reading

pytestmark = pytest.mark.anyio

Step = int | Exception


class Script:
    """Answers one step after the other, the last for ever, and counts how many were asked for at once."""

    def __init__(self, *steps: Step) -> None:
        self.steps: list[Step] = list(steps)
        self.asked = 0
        self.at_once = 0
        self.most_at_once = 0
        self.during: Callable[[], Awaitable[object]] | None = None

    async def __call__(self) -> int:
        self.asked += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.during is not None:
                await self.during()
            step = self.steps.pop(0) if len(self.steps) > 1 else self.steps[0]
            if isinstance(step, Exception):
                raise step
            return step
        finally:
            self.at_once -= 1


def make(
    script: Script, clock: ManualClock | None = None, *, interval_s: float = 1.0, hidden_interval_s: float | None = None
) -> Feed[int]:
    return Feed(
        "span/home",
        "panel",
        script,
        interval_s=interval_s,
        hidden_interval_s=hidden_interval_s,
        clock=clock or ManualClock(),
        random=Random(1),
    )


async def run_until(
    feed: Feed[int], done: Callable[[Sequence[Reading[int]]], bool], *, phase_s: float = 0.0
) -> list[Reading[int]]:
    """Let the feed run until what it published satisfies `done`."""
    published: list[Reading[int]] = []
    with anyio.CancelScope() as scope:

        def publish(reading: Reading[int]) -> None:
            published.append(reading)
            if done(published):
                scope.cancel()

        await feed.run(publish, phase_s=phase_s)
    return published


async def run_for(feed: Feed[int], polls: int, *, phase_s: float = 0.0) -> list[Reading[int]]:
    return await run_until(feed, lambda published: len(published) >= polls, phase_s=phase_s)


# outcomes


async def test_data_makes_a_live_reading_with_its_time() -> None:
    feed = make(Script(7))
    assert (feed.reading.link, feed.reading.snapshot) == (Link.WAITING, None)
    reading = await feed.poll()
    assert reading == Reading("span/home", "panel", 7, Link.LIVE, START, good_polls=1, interval_s=1.0)


async def test_no_data_is_live_too() -> None:
    feed: Feed[tuple[int, ...]] = Feed("aneel/rio", "outages", _empty, interval_s=1.0, clock=ManualClock())
    reading = await feed.poll()
    assert (reading.link, reading.snapshot, reading.problem) == (Link.LIVE, (), "")


async def _empty() -> tuple[int, ...]:
    await anyio.lowlevel.checkpoint()
    return ()


async def test_a_failure_keeps_the_snapshot_and_its_time_and_says_why() -> None:
    clock = ManualClock()
    feed = make(Script(7, Unreachable("no route to host")), clock)
    await feed.poll()
    clock.advance(3)
    reading = await feed.poll()
    assert (reading.snapshot, reading.taken_at, reading.link) == (7, START, Link.STALE)
    assert (reading.problem, reading.failures, reading.good_polls) == ("no route to host", 1, 0)
    assert reading.age_s(clock.now()) == 3.0


async def test_a_failure_without_any_data_is_down_and_not_stale() -> None:
    reading = await make(Script(Unreachable("no route to host"))).poll()
    assert (reading.link, reading.snapshot, reading.taken_at) == (Link.DOWN, None, None)


@pytest.mark.parametrize(("interval_s", "limit_s"), [(1.0, DOWN_AFTER_S), (15.0, 150.0)])
async def test_stale_becomes_down_when_the_snapshot_says_nothing_about_now(interval_s: float, limit_s: float) -> None:
    clock = ManualClock()
    feed = make(Script(7, Busy("502", 502)), clock, interval_s=interval_s)
    await feed.poll()
    clock.advance(limit_s)
    assert (await feed.poll()).link is Link.STALE
    clock.advance(1)
    reading = await feed.poll()
    assert (reading.link, reading.snapshot) == (Link.DOWN, 7)


async def test_an_internal_error_is_a_failure_with_words_and_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("ERROR", logger="wattdeck.core.feed"):
        reading = await make(Script(KeyError("secret-circuit"))).poll()
    assert reading.link is Link.DOWN
    assert reading.problem == "internal error (KeyError); the log has the details"
    assert "secret-circuit" in caplog.text


async def test_a_failure_without_words_still_has_some() -> None:
    assert (await make(Script(BadAnswer(""))).poll()).problem == "no reason given"


async def test_good_polls_count_up_and_start_again_after_a_failure() -> None:
    feed = make(Script(1, 2, Busy("502", 502), Busy("502", 502), 3, 4))
    polls = [await feed.poll() for _ in range(6)]
    assert [reading.good_polls for reading in polls] == [1, 2, 0, 0, 1, 2]
    assert [reading.failures for reading in polls] == [0, 0, 1, 2, 0, 0]


# restored


async def test_a_restored_reading_stays_marked_until_the_first_good_poll() -> None:
    clock = ManualClock()
    feed = make(Script(Unreachable("gone"), 8), clock)
    old = Reading("span/home", "panel", 7, Link.LIVE, START - timedelta(seconds=5), good_polls=9)
    feed.restore(old)
    assert (feed.reading.snapshot, feed.reading.link, feed.reading.restored) == (7, Link.WAITING, True)
    failed = await feed.poll()
    assert (failed.snapshot, failed.link, failed.restored) == (7, Link.DOWN, True), "of another run, so never stale"
    good = await feed.poll()
    assert (good.snapshot, good.link, good.restored, good.good_polls) == (8, Link.LIVE, False, 1)


async def test_what_was_read_in_this_run_is_not_replaced_by_an_older_one() -> None:
    feed = make(Script(8))
    await feed.poll()
    feed.restore(Reading("span/home", "panel", 7, taken_at=START))
    assert feed.reading.snapshot == 8


# what is too old to be shown


def fading(script: Script, clock: ManualClock, fade_after_s: float = 900.0) -> Feed[int]:
    """A feed whose numbers become 0 with age."""
    return Feed("span/home", "panel", script, interval_s=1.0, clock=clock, fade=lambda _: 0, fade_after_s=fade_after_s)


async def test_what_nobody_confirmed_for_long_fades_with_a_failure_and_is_whole_again_with_a_success() -> None:
    clock = ManualClock()
    feed = fading(Script(7, Unreachable("gone"), Unreachable("gone"), Unreachable("gone"), 8), clock)
    await feed.poll()
    clock.advance(1000)
    assert feed.reading.snapshot == 7, "nobody asked: live"
    feed = fading(Script(7, Unreachable("gone"), Unreachable("gone"), Unreachable("gone"), 8), clock)
    await feed.poll()
    shown = []
    for later_s in (899, 1, 1, 1):
        clock.advance(later_s)
        shown.append((await feed.poll()).snapshot)
    assert shown == [7, 0, 0, 8]


async def test_it_fades_in_time_though_nothing_is_asked_any_more() -> None:
    clock = ManualClock()
    feed = fading(Script(7, AuthError("who are you")), clock)
    published = await run_until(feed, lambda published: published[-1].snapshot == 0)
    assert [(reading.link, reading.snapshot) for reading in published] == [
        (Link.LIVE, 7), (Link.REFUSED, 7), (Link.REFUSED, 0)
    ]  # fmt: skip
    assert published[-1].age_s(clock.now()) == 900 and published[-1].problem == "who are you"


async def test_it_fades_between_two_polls_that_are_far_apart() -> None:
    clock = ManualClock()
    script = Script(7, Unreachable("gone"))
    feed: Feed[int] = Feed(
        "span/home", "panel", script, interval_s=7200.0, clock=clock, fade=lambda _: 0, fade_after_s=7230.0
    )
    published = await run_until(feed, lambda published: published[-1].snapshot == 0)
    assert [(reading.snapshot, reading.failures) for reading in published] == [(7, 0), (7, 1), (0, 1)]


# cadence


async def test_good_polls_keep_to_the_grid_and_tell_when_the_next_one_is() -> None:
    clock = ManualClock()
    script = Script(1)
    script.during = lambda: clock.sleep(0.25)
    published = await run_for(make(script, clock), 4, phase_s=0.5)
    due = [reading.next_poll_at for reading in published]
    assert due == [START + timedelta(seconds=0.5 + number) for number in (1, 2, 3, 4)]


async def test_a_poll_slower_than_the_interval_skips_ticks_and_stays_on_the_grid() -> None:
    clock = ManualClock()
    script = Script(1)
    script.during = lambda: clock.sleep(2.5)
    published = await run_for(make(script, clock), 3)
    assert [reading.next_poll_at for reading in published] == [START + timedelta(seconds=s) for s in (3, 6, 9)]
    assert script.most_at_once == 1


async def test_failures_back_off_with_jitter_up_to_a_cap() -> None:
    clock = ManualClock()
    waits: list[float] = []
    feed = make(Script(Unreachable("gone")), clock)
    with anyio.CancelScope() as scope:

        def publish(reading: Reading[int]) -> None:
            assert reading.next_poll_at is not None
            waits.append((reading.next_poll_at - clock.now()).total_seconds())
            if len(waits) == 200:
                scope.cancel()

        await feed.run(publish)
    for number, wait_s in enumerate(waits):
        middle_s = min(2.0**number, BACK_OFF_CAP_S)
        assert 0.8 * middle_s <= wait_s <= 1.2 * middle_s
    assert len(set(waits[10:])) > 50, "the jitter is there at the cap too"


async def test_a_slow_feed_that_failed_tries_again_within_a_minute_and_backs_off_to_its_own_cadence() -> None:
    clock = ManualClock()
    waits: list[float] = []
    feed = make(Script(Unreachable("gone")), clock, interval_s=900.0)
    with anyio.CancelScope() as scope:

        def publish(reading: Reading[int]) -> None:
            assert reading.next_poll_at is not None
            waits.append((reading.next_poll_at - clock.now()).total_seconds())
            if len(waits) == 8:
                scope.cancel()

        await feed.run(publish)
    for wait_s, middle_s in zip(waits, (60, 120, 240, 480, 900, 900, 900, 900), strict=True):
        assert 0.8 * middle_s <= wait_s <= 1.2 * middle_s


async def test_a_source_that_is_busy_for_an_hour_comes_back_by_itself() -> None:
    clock = ManualClock()
    script = Script(1)
    feed = make(script, clock)
    links: list[Link] = []

    async def outage() -> None:
        await anyio.lowlevel.checkpoint()
        seconds = clock.elapsed_s
        script.steps = [Busy("the proxy answers 502", 502)] if 10 <= seconds < 3610 else [2]

    script.during = outage
    published = await run_until(feed, lambda got: clock.elapsed_s > 3700)
    links = [reading.link for reading in published]
    order = [link for link, before in zip(links, [None, *links], strict=False) if link is not before]
    assert order == [Link.LIVE, Link.STALE, Link.DOWN, Link.LIVE]
    failed = [reading for reading in published if reading.link is not Link.LIVE]
    assert all(reading.snapshot == 2 and reading.problem == "the proxy answers 502" for reading in failed)
    assert 60 <= len(failed) <= 100, "backed off, and never for longer than about a minute"
    back = next(reading for reading in published[20:] if reading.link is Link.LIVE)
    assert back.taken_at is not None
    assert (back.taken_at - START).total_seconds() < 3610 + 1.2 * BACK_OFF_CAP_S
    assert published[-1].problem == "" and published[-1].good_polls > 10


async def test_an_error_of_our_own_never_ends_the_feed() -> None:
    published = await run_for(make(Script(ZeroDivisionError(), TypeError("x"), 5)), 3)
    assert [reading.link for reading in published] == [Link.DOWN, Link.DOWN, Link.LIVE]


async def test_hidden_feeds_use_the_slower_cadence_and_catch_up_when_shown() -> None:
    clock = ManualClock()
    script = Script(1)
    feed = make(script, clock, interval_s=1.0, hidden_interval_s=10.0)
    feed.show(False)
    assert feed.interval_s == 10.0
    published = await run_for(feed, 3)
    assert [reading.next_poll_at for reading in published] == [START + timedelta(seconds=s) for s in (10, 20, 30)]
    assert published[-1].interval_s == 10.0
    feed.show(True)
    assert feed.interval_s == 1.0


async def test_a_feed_that_is_shown_again_polls_at_once() -> None:
    script = Script(1)
    feed = make(script, hidden_interval_s=10.0)
    feed.pause(True)
    async with anyio.create_task_group() as group:
        group.start_soon(feed.run, lambda reading: None)
        await anyio.wait_all_tasks_blocked()
        feed.pause(False)
        feed.show(False)
        script.during = anyio.sleep_forever
        feed.show(True)
        await anyio.wait_all_tasks_blocked()
        assert script.asked == 1
        group.cancel_scope.cancel()


# one at a time


class Gate:
    """A fetch that waits until it is let go."""

    def __init__(self) -> None:
        self.open = anyio.Event()

    async def __call__(self) -> None:
        await self.open.wait()


async def test_a_poll_in_flight_is_joined_and_not_repeated() -> None:
    script, gate = Script(1, 2), Gate()
    script.during = gate
    feed = make(script)
    got: list[int | None] = []

    async def ask() -> None:
        got.append((await feed.poll()).snapshot)

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        gate.open.set()
    assert (got, script.asked, script.most_at_once) == ([1, 1, 1], 1, 1)


async def test_a_fresh_poll_waits_for_the_one_in_flight_and_asks_again() -> None:
    script, gate = Script(1, 2, 3), Gate()
    script.during = gate
    feed = make(script)
    got: dict[str, int | None] = {}

    async def ask(name: str, poll: Callable[[], Awaitable[Reading[int]]]) -> None:
        got[name] = (await poll()).snapshot

    async with anyio.create_task_group() as group:
        group.start_soon(ask, "first", feed.poll)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(ask, "fresh", feed.poll_fresh)
        await anyio.wait_all_tasks_blocked()
        gate.open.set()
    assert (got, script.most_at_once) == ({"first": 1, "fresh": 2}, 1)


async def test_a_fresh_poll_is_published_to_all_who_follow_the_feed() -> None:
    feed = make(Script(1, 2))
    published: list[int | None] = []
    async with anyio.create_task_group() as group:
        feed.pause(True)
        group.start_soon(feed.run, lambda reading: published.append(reading.snapshot))
        await anyio.wait_all_tasks_blocked()
        await feed.poll_fresh()
        group.cancel_scope.cancel()
    assert published == [1]


async def test_those_who_joined_a_cancelled_poll_are_let_go_with_the_old_reading() -> None:
    script, gate = Script(1), Gate()
    script.during = gate
    feed = make(script)
    scope = anyio.CancelScope()
    got: list[Link] = []

    async def first() -> None:
        with scope:
            await feed.poll()

    async def second() -> None:
        got.append((await feed.poll()).link)

    async with anyio.create_task_group() as group:
        group.start_soon(first)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(second)
        await anyio.wait_all_tasks_blocked()
        scope.cancel()
    assert got == [Link.WAITING]
    gate.open.set()
    assert (await feed.poll()).snapshot == 1


# refused, woken, paused


class Running:
    """A feed running in the background; every pause in which it does nothing is noticed."""

    def __init__(self, feed: Feed[int]) -> None:
        self.feed = feed
        self.published: list[Reading[int]] = []

    async def settle(self) -> None:
        await anyio.wait_all_tasks_blocked()


async def test_refused_credentials_stop_polling_until_somebody_wakes_it() -> None:
    script = Script(AuthError("the panel does not know our token", 401), AuthError("still not", 401), 5)
    feed = make(script)
    run = Running(feed)
    async with anyio.create_task_group() as group:
        group.start_soon(feed.run, run.published.append)
        await run.settle()
        assert [reading.link for reading in run.published] == [Link.REFUSED]
        assert run.published[0].next_poll_at is None and run.published[0].problem == "the panel does not know our token"
        feed.wake()
        await run.settle()
        assert [reading.problem for reading in run.published] == ["the panel does not know our token", "still not"]
        script.during = anyio.sleep_forever
        feed.wake()
        await run.settle()
        assert script.asked == 3
        group.cancel_scope.cancel()


async def test_a_wake_during_a_poll_asks_again_as_soon_as_it_is_over() -> None:
    script, gate = Script(AuthError("no", 401), 5), Gate()
    script.during = gate
    feed = make(script)
    published: list[Reading[int]] = []
    async with anyio.create_task_group() as group:

        def publish(reading: Reading[int]) -> None:
            published.append(reading)
            if len(published) == 2:
                group.cancel_scope.cancel()

        group.start_soon(feed.run, publish)
        await anyio.wait_all_tasks_blocked()
        feed.wake()
        gate.open.set()
    assert [reading.link for reading in published] == [Link.REFUSED, Link.LIVE]


async def test_a_paused_feed_asks_nothing_and_goes_on_at_once() -> None:
    clock = ManualClock()
    script = Script(1)
    feed = make(script, clock)
    feed.pause(True)
    run = Running(feed)
    async with anyio.create_task_group() as group:
        group.start_soon(feed.run, run.published.append)
        await run.settle()
        clock.advance(100)
        feed.wake()
        await run.settle()
        assert script.asked == 0
        script.during = anyio.sleep_forever
        feed.pause(False)
        await run.settle()
        assert script.asked == 1
        group.cancel_scope.cancel()


async def test_a_pause_between_two_polls_holds_the_next_one() -> None:
    clock = ManualClock()
    script = Script(1)
    feed = make(script, clock)
    published: list[Reading[int]] = []

    def publish(reading: Reading[int]) -> None:
        published.append(reading)
        feed.pause(True)

    async with anyio.create_task_group() as group:
        group.start_soon(feed.run, publish)
        await anyio.wait_all_tasks_blocked()
        assert script.asked == 1
        feed.pause(False)
        await anyio.wait_all_tasks_blocked()
        assert script.asked == 2
        group.cancel_scope.cancel()


@pytest.mark.parametrize("error", [WattdeckError("x"), OSError("x"), ValueError("x")])
async def test_no_error_of_a_fetch_reaches_the_caller(error: Exception) -> None:
    assert (await make(Script(error)).poll()).link is Link.DOWN


async def test_an_age_is_never_negative_although_clocks_are_set_back() -> None:
    clock = ManualClock()
    reading = await make(Script(1), clock).poll()
    clock.advance(-3600)
    assert reading.age_s(clock.now()) == 0.0


# what arrives piece by piece


async def test_what_has_come_so_far_is_shown_and_is_not_yet_live() -> None:
    seen: list[Reading[int]] = []

    async def fetch() -> int:
        feed.show_arriving(1)
        seen.append(feed.reading)
        feed.show_arriving(2)
        return 3

    feed: Feed[int] = Feed("ccee/a", "list", fetch, interval_s=60.0, clock=ManualClock())
    published = await run_until(feed, lambda found: len(found) == 3)
    assert [(each.snapshot, each.link) for each in published] == [
        (1, Link.WAITING),
        (2, Link.WAITING),
        (3, Link.LIVE),
    ]
    assert seen[0].taken_at is None and published[-1].good_polls == 1


async def test_what_had_come_before_a_failure_stays_and_is_labelled() -> None:
    async def fetch() -> int:
        feed.show_arriving(7)
        raise Unreachable("no route to host")

    feed: Feed[int] = Feed("ccee/a", "list", fetch, interval_s=60.0, clock=ManualClock())
    reading = await feed.poll()
    assert (reading.snapshot, reading.link, reading.problem) == (7, Link.DOWN, "no route to host")


# by the clock on the wall


async def test_a_feed_with_a_schedule_asks_when_that_says_whatever_its_cadence() -> None:
    clock = ManualClock()
    asked: list[tuple[datetime, int]] = []

    def schedule(now: datetime, failures: int) -> datetime:
        asked.append((now, failures))
        return now + timedelta(seconds=30 if failures else 900)

    script = Script(1, Unreachable("no route to host"), 2)
    feed: Feed[int] = Feed("aneel/a", "outages", script, interval_s=7.0, clock=clock, schedule=schedule)
    published = await run_for(feed, 3)
    assert [failures for _, failures in asked] == [0, 1, 0]
    assert [each.next_poll_at for each in published] == [
        START + timedelta(seconds=900),
        START + timedelta(seconds=930),
        START + timedelta(seconds=1830),
    ]


async def test_a_feed_that_was_asked_as_often_while_hidden_is_not_asked_again_for_being_shown() -> None:
    script = Script(1)
    feed = make(script, interval_s=300.0)
    await run_for(feed, 1)
    asked = script.asked
    feed.show(False)
    feed.show(True)
    await run_for(feed, 1, phase_s=300.0)
    assert script.asked == asked + 1
