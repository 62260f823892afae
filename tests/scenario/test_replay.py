"""Recording from the app, and the app on a recording: all moves, nothing can be commanded or is written."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest

from deck_app import NORMAL, SMALL, START, Bench, HandClock, Stage, make_bench, on_stage, settle
from wattdeck.core.command import Request
from wattdeck.core.config import UiConfig
from wattdeck.core.deck import Deck, made_running
from wattdeck.core.errors import Cause, CommandRefused
from wattdeck.core.reading import Link, Reading
from wattdeck.core.recorder import RecordingFile, open_new
from wattdeck.core.recording import Header, NoRecording, microseconds
from wattdeck.core.replay import ReplayHub, open_replay
from wattdeck.core.system import System
from wattdeck.discovery import discover
from wattdeck.systems.span import SYSTEM
from wattdeck.systems.span.models import PanelSnapshot
from wattdeck.ui.app import AppOptions, DeckApp

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("deck_home")]

FAULT_AT, FAULT_ENDS, LENGTH = 60, 90, 240


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four minutes of a panel that fails for half a minute of them. Tests only read it."""
    return anyio.run(_record_panel, tmp_path_factory.mktemp("recording"))


async def _record_panel(folder: Path) -> Path:
    bench = make_bench(folder / "bench")
    hub = bench.deck(UiConfig()).hub
    path = folder / "panel.jsonl.gz"
    file = RecordingFile(open_new(path), Header((("span/home", "panel"),), hub.recorded_settings))
    file.begin(bench.clock.now())
    panel = bench.panels["home"]
    async with hub:
        for second in range(LENGTH):
            if second == FAULT_AT:
                panel.fault("circuits-500")
            elif second == FAULT_ENDS:
                panel.simulator.clear_faults()
            await hub.once()
            file.add(bench.clock.now(), hub.readings("span/home")[0])
            bench.clock.advance(1.0)
    file.end()
    return path


@asynccontextmanager
async def replaying(
    path: Path,
    *,
    size: tuple[int, int] = NORMAL,
    systems: dict[str, System] | None = None,
    playing: bool = False,
    **options: Any,
) -> AsyncIterator[tuple[Stage, ReplayHub]]:
    """The app on a recording, standing at its beginning."""
    clock = HandClock(START + timedelta(days=40))
    known = systems or {"span": SYSTEM}
    hub = open_replay(path, known, base=clock)
    hub.replay_clock.play(playing)
    app = DeckApp(
        made_running(lambda: Deck.replayed(hub, UiConfig(), warnings=())),
        AppOptions(known, clock=hub.clock, picture=True, ascii=False, **{"screen": "span", **options}),
    )
    app._schedule_tick = lambda: None  # type: ignore[method-assign]
    async with app.run_test(size=size) as pilot:
        stage = Stage(Bench(path.parent, clock), app, pilot)
        await settle(app)
        await stage.tick()
        yield stage, hub


def shown_s(hub: ReplayHub) -> float:
    """Seconds of the recording that have passed."""
    return (hub.clock.now() - START).total_seconds()


def newest(stage: Stage) -> Reading[Any]:
    return stage.app.readings("span/home")[0]


def lies_there(path: Path) -> bool:
    """Whether there is anything of that name."""
    return path.exists()


def gunzipped(path: Path) -> bytes:
    """What gzip tools make of a file that has ended well."""
    return gzip.decompress(path.read_bytes())


# Moving


async def test_it_stands_at_the_beginning_and_says_what_it_is(recording: Path) -> None:
    async with replaying(recording, size=SMALL) as (stage, hub):
        assert stage.header.startswith(" REPLAY ")
        assert " paused 11-20 11:30:00" in stage.header
        assert "span/home ● live" in stage.header
        await stage.wait(5)
        assert shown_s(hub) == 0 and "11:30:00" in stage.header


async def test_p_plays_and_stands(recording: Path) -> None:
    async with replaying(recording) as (stage, hub):
        await stage.press("p")
        await stage.wait(10)
        assert shown_s(hub) == 10
        assert " 1x " in stage.header and "2026-11-20 11:30:10" in stage.header
        assert newest(stage).taken_at == START + timedelta(seconds=10)
        await stage.press("p")
        await stage.wait(10)
        assert shown_s(hub) == 10 and " paused " in stage.header


async def test_it_plays_faster_and_slower(recording: Path) -> None:
    async with replaying(recording) as (stage, hub):
        await stage.press("F", "F", "F", "p")
        assert " 10x " in stage.header
        await stage.wait(5)
        assert shown_s(hub) == 50
        await stage.press("W")
        await stage.wait(2)
        assert " 5x " in stage.header and shown_s(hub) == 60


async def test_it_ends_where_the_recording_ends_and_plays_again(recording: Path) -> None:
    async with replaying(recording) as (stage, hub):
        await stage.press(")")
        assert shown_s(hub) == LENGTH - 1 and "at its end" in stage.header
        await stage.press("p")
        assert shown_s(hub) == 0 and " 1x " in stage.header
        await stage.wait(2)
        assert shown_s(hub) == 2


async def test_steps_go_through_single_readings_both_ways(recording: Path) -> None:
    async with replaying(recording, playing=True) as (stage, hub):
        await stage.wait(2)
        before = newest(stage)
        await stage.press("N", "N", "N")
        assert (shown_s(hub), hub.playing) == (5, False)
        assert newest(stage).good_polls == before.good_polls + 3
        await stage.press("B", "B", "B")
        assert shown_s(hub) == 2 and newest(stage) == before
        await stage.press("B", "B", "B", "B")
        assert shown_s(hub) == 0, "there is nothing before the beginning"


async def test_the_fault_is_seen_when_its_time_comes_and_is_gone_before_it(recording: Path) -> None:
    async with replaying(recording, playing=True) as (stage, hub):
        await stage.press("o")
        await stage.wait(2)
        assert shown_s(hub) == 62
        assert newest(stage).link is Link.STALE and "stale" in stage.header
        assert "500" in newest(stage).problem and "500" in stage.text
        assert "1 alarm" in stage.header and [alarm.rule.name for alarm in stage.app.open_alarms] == ["link.lost"]
        await stage.press("i")
        assert newest(stage).link is Link.LIVE and shown_s(hub) == 2
        assert list(stage.app.open_alarms) == [], "what is lost later is not lost yet"
        await stage.press("C", "C", "B", "B")
        assert shown_s(hub) == FAULT_ENDS - 2
        assert [alarm.rule.name for alarm in stage.app.open_alarms] == ["link.lost"], "it waited before this"


async def test_keys_find_where_the_link_changed(recording: Path) -> None:
    async with replaying(recording) as (stage, hub):
        await stage.press("C")
        assert (shown_s(hub), newest(stage).link) == (FAULT_AT, Link.STALE)
        await stage.press("C")
        assert (shown_s(hub), newest(stage).link) == (FAULT_ENDS, Link.LIVE)
        await stage.press("C")
        assert shown_s(hub) == FAULT_ENDS and "No link changed after this." in stage.notices
        await stage.press("X")
        assert shown_s(hub) == FAULT_AT


async def test_a_time_is_typed(recording: Path) -> None:
    async with replaying(recording) as (stage, hub):
        await stage.press("@")
        assert "2026-11-20 11:33:59" in stage.dialog
        await stage.write("11:32")
        await stage.press("enter")
        assert shown_s(hub) == 120
        await stage.press("@")
        await stage.write("-30s")
        await stage.press("enter")
        assert shown_s(hub) == 90
        await stage.press("@")
        await stage.write("12:00")
        await stage.press("enter")
        assert shown_s(hub) == 90 and "outside of the recording" in stage.notices[-1]
        await stage.press("@", "escape")
        assert shown_s(hub) == 90


async def test_trends_after_going_back_are_those_of_the_way_there(recording: Path) -> None:
    async with replaying(recording, playing=True) as (stage, hub):
        await stage.wait(100)
        at_s = hub.clock.now().timestamp()
        played = hub.trends["span/home"].columns("grid", at_s - 100, at_s, 100)
        assert None in played[FAULT_AT + 2 : FAULT_ENDS - 2] and None not in played[5 : FAULT_AT - 5]
        await stage.press("p", "o", "o", "i", "i")
        hub.go(microseconds(START + timedelta(seconds=100)))
        await settle(stage.app)
        assert hub.trends["span/home"].columns("grid", at_s - 100, at_s, 100) == played


async def test_only_a_part_is_shown(recording: Path) -> None:
    hub = open_replay(recording, {"span": SYSTEM}, base=HandClock())
    first_us = hub.replay_clock.first_us
    hub.between(first_us + 50_000_000, first_us + 70_000_000)
    assert shown_s(hub) == 50
    hub.replay_clock.set(first_us + 10**9)
    assert shown_s(hub) == 70
    await hub.aclose()


def test_no_key_of_a_replay_means_something_else_elsewhere() -> None:
    from wattdeck.ui.help import bindings_of, screen_widgets

    screens = [screen for system in discover().values() if (screen := system.screen()) is not None]
    every = bindings_of(DeckApp, *screens, *(widget for screen in screens for widget in screen_widgets(screen)))
    mine = {key for each in every if str(each.id).startswith("replay.") for key in each.key.split(",")}
    others = {key for each in every if not str(each.id).startswith("replay.") for key in each.key.split(",")}
    assert len(mine) == 11 and mine.isdisjoint(others)


# Nothing can be commanded, nothing is written


async def test_a_relay_is_refused_with_words_and_nothing_is_written(recording: Path, deck_home: Path) -> None:
    async with replaying(recording) as (stage, hub):
        await stage.press("space")
        assert "nothing can be commanded" in stage.notices[-1]
        assert stage.dialog == ""
        await stage.press("P")
        assert not stage.app.armed and stage.dialog == ""
        folder = hub.state_dir
        assert folder.is_dir() and not folder.is_relative_to(deck_home)
    for _ in range(50):
        await asyncio.sleep(0)
    assert not lies_there(folder)
    assert [name for _, _, names in os.walk(deck_home) for name in names] == []


async def test_no_way_leads_round_the_refusal(recording: Path) -> None:
    hub = open_replay(recording, {"span": SYSTEM}, base=HandClock())
    deck = Deck.replayed(hub, UiConfig())
    async with deck:
        await hub.once()
        panel = hub.readings("span/home")[0].snapshot
        assert isinstance(panel, PanelSnapshot)
        circuit = panel.circuits[0]
        for origin in ("app", "shell"):
            request = Request("span/home", "relay", circuit.circuit_id, "open", origin=origin)
            refusal = deck.control.why_not(request)
            assert refusal is not None and refusal.cause is Cause.BLOCKED_BY_MODE
            with pytest.raises(CommandRefused) as caught:
                await deck.control.select(request)
            assert caught.value.cause is Cause.BLOCKED_BY_MODE
        with pytest.raises(CommandRefused, match="replay"):
            await deck.control.arm()
        assert "replay" in deck.control.read_only_words("span/home")
        with pytest.raises(NoRecording, match="replay"):
            await deck.start_recording(Path("again.jsonl.gz"))
    assert not lies_there(Path("again.jsonl.gz"))


# Every system


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A moment of the whole demo."""
    return anyio.run(_record_demo, tmp_path_factory.mktemp("demo"))


async def _record_demo(folder: Path) -> Path:
    from wattdeck.core.hub import Hub
    from wattdeck.core.sources import demo_sources
    from wattdeck.core.system import SimulatorOptions

    clock = HandClock()
    pairs, apps = demo_sources(discover(), SimulatorOptions(start=START), 1.0)
    hub = Hub(pairs, state_dir=folder / "demo", clock=clock, demo_apps=apps)
    path = folder / "demo.jsonl.gz"
    feeds = tuple((feed.source, feed.name) for feed in hub.feeds)
    file = RecordingFile(open_new(path), Header(feeds, hub.recorded_settings, demo=True))
    file.begin(clock.now())
    async with hub:
        for _ in range(2):
            await hub.once()
            for feed in hub.feeds:
                file.add(clock.now(), feed.reading)
            clock.advance(1800)
    file.end()
    return path


async def test_screens_that_ask_for_more_say_that_it_is_a_recording(
    everything: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr("wattdeck.core.transport.open_transport", lambda *_, **__: asked.append(1))
    async with replaying(everything, systems=dict(discover())) as (stage, hub):
        stage.bench.clock.advance(1.0)
        await stage.press(")", ")", ")")
        assert hub.at_end
        words = {
            2: ("Electricity", ["left", "T", "d"]),
            3: ("Consumer unit", ["d", "]", "]", "]", "b"]),
            4: ("Municipality", ["less_than_sign", "c", "c", "]", "]", "n"]),
        }
        for number, (words_there, keys) in words.items():
            await stage.press(str(number))
            await stage.tick()
            assert words_there in stage.text, number
            assert stage.header.startswith(" REPLAY ")
            for key in keys:
                await stage.press(key)
                await stage.wait(1)
            await stage.press("escape", "escape", "escape")
            assert stage.app.is_running
        await stage.press("3", "n")
        await stage.wait(1)
        assert any("replay" in said for said in stage.notices)
        assert asked == [], "somebody was asked"


async def test_a_source_of_a_system_that_is_not_there_is_left_out_and_said(everything: Path) -> None:
    async with replaying(everything) as (stage, hub):
        assert sorted(hub.sources) == ["span/barn", "span/home", "span/shop"]
        assert any("usms/contoh" in said and "no such system" in said for said in stage.notices)


async def test_data_of_another_version_is_said_and_the_rest_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    header = Header((("span/home", "panel"), ("span/home", "weather"))).line(START)
    line = (
        '{"at":"2026-11-20T11:30:00.000000Z","of":0,"i":0,"link":"live","taken":"2026-11-20T11:30:00Z","good":2,'
        '"every":1.0,"data":{"serial":7}}\n'
    )
    path.write_bytes(gzip.compress(b'{"mark":10}\n' + header + line.encode(), mtime=0))
    async with replaying(path) as (stage, _):
        assert "data this one does not know" in newest(stage).problem
        assert newest(stage).snapshot is None and newest(stage).link is Link.DOWN
        assert any("weather" in said for said in stage.notices)


# Recording from the app


async def test_a_key_records_and_the_header_shows_it(tmp_path: Path) -> None:
    async with on_stage(tmp_path, size=SMALL) as stage:
        await stage.press("R")
        await stage.tick()
        assert " REC " in stage.header
        await stage.wait(4)
        await stage.press("R")
        await stage.tick()
        assert " REC " not in stage.header
        path = Path(f"wattdeck-{START + timedelta(seconds=3):%Y%m%d-%H%M%S}.jsonl.gz")
        assert "readable by you alone" in stage.notices[0] and path.name in stage.notices[-1]
    lines = [json.loads(line) for line in gunzipped(path).splitlines()]
    assert len([line for line in lines if "of" in line]) >= 4
    async with replaying(path, systems={"span": SYSTEM}) as (again, _):
        assert getattr(newest(again).snapshot, "serial", "") == "nt-2143-demo1"


async def test_a_recording_that_stops_by_itself_is_said_and_the_app_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_stage(tmp_path) as stage:
        await stage.press("R")

        def full(*_: object) -> int:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("wattdeck.core.recorder.os.write", full)
        assert stage.app.deck is not None and stage.app.deck.recorder is not None
        thread = stage.app.deck.recorder._thread
        await stage.wait(1)
        thread.join(10)
        await stage.tick()
        assert "No space left on device" in stage.notices[-1]
        assert " REC " not in stage.header and not stage.app.is_recording
        await stage.wait(1)
        assert "live" in stage.header


async def test_the_end_of_a_session_ends_the_file_well(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl.gz"
    async with make_bench(tmp_path).deck(UiConfig()) as deck:
        await deck.start_recording(path)
        for _ in range(3):
            await deck.hub.once()
    assert gunzipped(path).count(b'"of":0') == 3


async def test_a_hostile_recording_steers_no_terminal_and_stops_nothing(recording: Path, tmp_path: Path) -> None:
    evil = "\x1b[31m\u202e\ud800"
    out = [b'{"mark":10}']
    for line in gunzipped(recording).splitlines()[:20]:
        document = json.loads(line)
        if "mark" in document:
            continue
        for circuit in (document.get("data") or {}).get("circuits", ()):
            circuit["name"] += evil
        out.append(json.dumps(document, separators=(",", ":")).encode())
    deep = b'{"a":' * 900 + b"1" + b"}" * 900
    out.append(b'{"at":"2026-11-20T11:31:00.000000Z","of":0,"i":18,"link":"live","change":' + deep + b"}")
    path = tmp_path / "evil.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(out) + b"\n", mtime=0))
    async with replaying(path) as (stage, hub):
        snapshot = newest(stage).snapshot
        assert isinstance(snapshot, PanelSnapshot)
        names = [circuit.name for circuit in snapshot.circuits]
        assert names and all(name.isprintable() for name in names) and any("[31m" in name for name in names)
        hub.go(hub.replay_clock.last_us)
        await stage.wait(1)
        assert newest(stage).link is Link.DOWN and stage.app.is_running
