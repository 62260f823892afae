"""The hub: opens sources, tells listeners, remembers, and lets one fault stop nobody else."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from fakes import START, ManualClock
from wattdeck.core import lastknown
from wattdeck.core.config import SourceConfig
from wattdeck.core.errors import AuthError, Unreachable
from wattdeck.core.feed import Feed
from wattdeck.core.hub import Hub
from wattdeck.core.reading import Link, Reading
from wattdeck.core.snapshot import document, exit_code
from wattdeck.core.system import Context, Source, System

pytestmark = pytest.mark.anyio


@dataclass(frozen=True, slots=True)
class Warmth:
    """What the made-up thermometer reads."""

    temperature_c: float | None


Fetch = Callable[[], Awaitable[Warmth]]


class Thermometer:
    """One source with as many feeds as it has fetches."""

    operable = None

    def __init__(self, config: SourceConfig, context: Context, fetches: Mapping[str, Fetch]) -> None:
        self.id = f"thermo/{config.name}"
        self.closed = False
        self.feeds: Sequence[Feed[Any]] = [
            Feed(self.id, name, fetch, interval_s=config.poll_s, hidden_interval_s=60.0, clock=context.clock)
            for name, fetch in fetches.items()
        ]

    async def aclose(self) -> None:
        self.closed = True
        raise OSError("closing failed")


class ThermoSystem(System):
    """Thermometers by name, each with scripted fetches."""

    name = "thermo"
    title = "Thermometers"
    summary = "Made up"

    def __init__(self, houses: Mapping[str, Mapping[str, Fetch]]) -> None:
        self.houses = houses
        self.trend_fault: Exception | None = None

    def config_model(self) -> type[SourceConfig]:
        return SourceConfig

    def open(self, config: SourceConfig, context: Context) -> Source:
        return Thermometer(config, context, self.houses[config.name])

    def text_lines(self, readings: Sequence[Reading[Any]], now: datetime) -> Iterable[str]:
        return []

    def trend_values(self, feed: str, snapshot: Any) -> Mapping[str, float | None]:
        if self.trend_fault is not None:
            raise self.trend_fault
        return {"temperature": snapshot.temperature_c}

    def snapshot_types(self) -> Mapping[str, type[Any]]:
        return {"air": Warmth, "water": Warmth}


def reads(value: float | Exception) -> Fetch:
    async def fetch() -> Warmth:
        await anyio.lowlevel.checkpoint()
        if isinstance(value, Exception):
            raise value
        return Warmth(value)

    return fetch


def make(
    state_dir: Path, houses: Mapping[str, Mapping[str, Fetch]], clock: ManualClock | None = None, **options: Any
) -> tuple[Hub, ThermoSystem]:
    system = ThermoSystem(houses)
    pairs = [(system, SourceConfig(name=name, poll_s=5.0)) for name in houses]
    return Hub(pairs, state_dir=state_dir, clock=clock or ManualClock(), **options), system


async def run_until(hub: Hub, done: Callable[[], bool]) -> None:
    """Run the hub until a listener sees what it waits for."""
    async with anyio.create_task_group() as group:

        def listener(_: Reading[Any]) -> None:
            if done():
                group.cancel_scope.cancel()

        hub.subscribe(listener)
        group.start_soon(hub.run)


async def test_once_asks_each_feed_a_single_time_and_tells_of_each_outcome(tmp_path: Path) -> None:
    hub, _ = make(tmp_path, {"a": {"air": reads(20.0), "water": reads(Unreachable("gone"))}, "b": {"air": reads(9.0)}})
    heard: list[tuple[str, str, Link]] = []
    hub.subscribe(lambda reading: heard.append((reading.source, reading.feed, reading.link)))
    async with hub:
        await hub.once()
    assert sorted(heard) == [
        ("thermo/a", "air", Link.LIVE),
        ("thermo/a", "water", Link.DOWN),
        ("thermo/b", "air", Link.LIVE),
    ]
    assert exit_code(hub, ["thermo/a", "thermo/b"]) == 1
    assert exit_code(hub, ["thermo/b"]) == 0
    found = document(hub, ["thermo/a"], START)["sources"][0]
    assert (found["system"], found["link"], found["problem"]) == ("thermo", "down", "gone")
    assert found["feeds"]["air"]["data"] == {"temperature_c": 20.0}


async def test_once_asks_the_named_sources_only(tmp_path: Path) -> None:
    hub, _ = make(tmp_path, {"a": {"air": reads(20.0)}, "b": {"air": reads(9.0)}})
    async with hub:
        await hub.once(["thermo/b"])
        assert [hub.readings(source)[0].link for source in hub.sources] == [Link.WAITING, Link.LIVE]


async def test_once_gives_up_at_the_deadline_and_what_there_is_stays(tmp_path: Path) -> None:
    async def never() -> Warmth:
        await anyio.sleep_forever()
        raise AssertionError

    hub, _ = make(tmp_path, {"a": {"air": reads(20.0), "water": never}})
    async with hub:
        await hub.once(timeout_s=0.2)
    assert [reading.link for reading in hub.readings("thermo/a")] == [Link.LIVE, Link.WAITING]
    assert exit_code(hub, ["thermo/a"]) == 1


async def test_nothing_live_is_exit_code_3(tmp_path: Path) -> None:
    hub, _ = make(tmp_path, {"a": {"air": reads(AuthError("no"))}})
    async with hub:
        await hub.once()
    assert exit_code(hub, ["thermo/a"]) == 3
    assert exit_code(hub, []) == 3


async def test_a_listener_that_fails_is_logged_and_stops_nobody_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hub, _ = make(tmp_path, {"a": {"air": reads(20.0)}})
    heard: list[Link] = []

    def broken(_: Reading[Any]) -> None:
        raise RuntimeError("listener")

    hub.subscribe(broken)
    hub.subscribe(lambda reading: heard.append(reading.link))
    async with hub:
        await hub.once()
    assert heard == [Link.LIVE] and "a listener failed on thermo/a air" in caplog.text


@pytest.mark.parametrize("fault", [KeyError("nothing"), TypeError("not a number")])
async def test_a_system_that_cannot_name_its_trends_does_not_stop_the_polling(
    tmp_path: Path, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    hub, system = make(tmp_path, {"a": {"air": reads(20.0)}})
    system.trend_fault = fault
    heard: list[Link] = []
    hub.subscribe(lambda reading: heard.append(reading.link))
    async with hub:
        await hub.once()
    assert heard == [Link.LIVE] and "thermo/a" in caplog.text


async def test_running_polls_for_ever_and_spreads_the_starts(tmp_path: Path) -> None:
    clock = ManualClock()
    hub, _ = make(tmp_path, {"a": {"air": reads(20.0)}, "b": {"air": reads(Unreachable("gone"))}}, clock)
    heard: list[Reading[Any]] = []
    hub.subscribe(heard.append)
    async with hub:
        await run_until(hub, lambda: len(heard) >= 8)
    assert {reading.source for reading in heard} == {"thermo/a", "thermo/b"}


async def test_trends_hold_values_and_a_hole_where_a_poll_failed(tmp_path: Path) -> None:
    clock = ManualClock()
    answers: list[float | Exception] = [20.0, Unreachable("gone"), 22.0]

    async def fetch() -> Warmth:
        return await reads(answers.pop(0))()

    hub, _ = make(tmp_path, {"a": {"air": fetch}}, clock)
    async with hub:
        for _ in range(3):
            await hub.once()
            clock.advance(10)
    trend = hub.trends["thermo/a"]
    start_s = START.timestamp()
    assert trend.columns("temperature", start_s, start_s + 30, 3) == [(20.0, 20.0), None, (22.0, 22.0)]


async def test_refresh_pause_and_show_reach_the_feeds_they_name(tmp_path: Path) -> None:
    hub, _ = make(tmp_path, {"a": {"air": reads(20.0)}, "b": {"air": reads(9.0)}})
    first, second = hub.feeds
    hub.pause(True, "thermo/a")
    assert (first.paused, second.paused) == (True, False)
    hub.pause(False)
    assert not first.paused
    hub.show(["thermo/b"])
    assert (first.interval_s, second.interval_s) == (60.0, 5.0)
    hub.refresh("thermo/a")
    await hub.aclose()


async def test_closing_closes_every_source_even_if_one_fails(tmp_path: Path) -> None:
    hub, _ = make(tmp_path, {"a": {"air": reads(1.0)}, "b": {"air": reads(2.0)}})
    await hub.aclose()
    sources = list(hub.sources.values())
    assert all(isinstance(source, Thermometer) and source.closed for source in sources)


async def test_what_was_last_known_comes_back_in_the_next_run_marked_as_kept(tmp_path: Path) -> None:
    hub, _ = make(tmp_path, {"a": {"air": reads(20.5)}})
    async with hub:
        await hub.once()
    again, _ = make(tmp_path, {"a": {"air": reads(21.5)}})
    kept = again.readings("thermo/a")[0]
    assert (kept.snapshot, kept.link, kept.restored, kept.taken_at) == (Warmth(20.5), Link.WAITING, True, START)
    assert exit_code(again, ["thermo/a"]) == 3, "kept is not live"
    async with again:
        await again.once()
    assert again.readings("thermo/a")[0].restored is False


async def test_a_source_that_never_answered_again_does_not_overwrite_what_is_kept(tmp_path: Path) -> None:
    hub, _ = make(tmp_path, {"a": {"air": reads(20.5)}})
    async with hub:
        await hub.once()
    before = (tmp_path / "last" / "thermo.a.air.json").read_bytes()
    again, _ = make(tmp_path, {"a": {"air": reads(Unreachable("gone"))}})
    async with again:
        await again.once()
    assert (tmp_path / "last" / "thermo.a.air.json").read_bytes() == before


@pytest.mark.parametrize("options", [{"keep_last": False}, {"demo_apps": {}}])
async def test_the_demo_and_the_shell_keep_nothing(tmp_path: Path, options: dict[str, Any]) -> None:
    hub, _ = make(tmp_path, {"a": {"air": reads(20.5)}}, **options)
    async with hub:
        await hub.once()
    assert not (tmp_path / "last").exists()


async def test_readings_are_kept_once_a_minute_while_running(tmp_path: Path) -> None:
    clock = ManualClock()
    hub, _ = make(tmp_path, {"a": {"air": reads(20.5)}}, clock)
    path = tmp_path / "last" / "thermo.a.air.json"
    await hub.once()
    first = json.loads(path.read_text())["taken_at"]
    clock.advance(30)
    await hub.once()
    assert json.loads(path.read_text())["taken_at"] == first
    clock.advance(31)
    await hub.once()
    assert json.loads(path.read_text())["taken_at"] != first
    await hub.aclose()


async def test_a_disk_that_takes_nothing_stops_no_reading(tmp_path: Path) -> None:
    (tmp_path / "last").write_text("a file is in the way")
    hub, _ = make(tmp_path, {"a": {"air": reads(20.5)}})
    async with hub:
        await hub.once()
    assert hub.readings("thermo/a")[0].link is Link.LIVE
    assert lastknown.load(tmp_path, "thermo/a", "air", Warmth) is None
