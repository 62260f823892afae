"""Any number of sources that answer as they are told, for tests of what is shown of many."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, cast

from textual.screen import Screen

from deck_app import NORMAL, HandClock, Stage, settle
from wattdeck.core.alarm import AlarmRule, Condition, Priority, Watch, above
from wattdeck.core.config import SourceConfig, UiConfig
from wattdeck.core.deck import Deck, made_running, make_deck
from wattdeck.core.errors import SourceError
from wattdeck.core.feed import Feed
from wattdeck.core.hub import Hub
from wattdeck.core.matters import Figure, Matters
from wattdeck.core.reading import Reading
from wattdeck.core.system import Context, Source, System
from wattdeck.ui.app import AppOptions, DeckApp
from wattdeck.ui.system_screen import SystemScreen

TOO_WARM = AlarmRule(
    "thermo.too-warm", Priority.MEDIUM, "Room too warm", "What is kept there spoils.", "Open a window."
)
LIMIT_C = 30.0


@dataclass
class Room:
    """One source."""

    id: str
    feeds: Sequence[Feed[Any]] = ()
    operable: None = None
    polls: int = 0

    async def aclose(self) -> None:
        """Nothing is open."""


@dataclass
class Weather:
    """What the sources answer."""

    temperature_c: dict[str, float] = field(default_factory=dict)
    """By source; the others are 20 °C."""
    lost: set[str] = field(default_factory=set)
    rooms: dict[str, Room] = field(default_factory=dict)


class ThermoWatch:
    """Says when it is too warm."""

    def look(self, readings: Sequence[Reading[Any]], now: datetime) -> Sequence[Condition]:
        del now
        snapshot = readings[0].snapshot
        active, holds = above(None if snapshot is None else snapshot["c"], LIMIT_C, 1.0)
        words = "" if snapshot is None else f"{snapshot['c']:g} °C, above {LIMIT_C:g} °C"
        return [Condition(TOO_WARM.name, active=active, holds=holds, words=words)]


class Thermo(System):
    """Thermometers in rooms."""

    title = "THERMO"
    summary = "how warm it is"

    def __init__(self, name: str, weather: Weather) -> None:
        self.name = name  # type: ignore[misc]
        self.weather = weather

    def config_model(self) -> type[SourceConfig]:
        return SourceConfig

    def open(self, config: SourceConfig, context: Context) -> Source:
        room = Room(f"{self.name}/{config.name}")

        async def fetch() -> dict[str, float]:
            room.polls += 1
            if room.id in self.weather.lost:
                raise SourceError("the thermometer does not answer")
            return {"c": self.weather.temperature_c.get(room.id, 20.0)}

        room.feeds = [
            Feed(room.id, "air", fetch, interval_s=1.0, hidden_interval_s=10.0, clock=context.clock, random=Random(1))
        ]
        self.weather.rooms[room.id] = room
        return cast("Source", room)

    def text_lines(self, readings: Sequence[Reading[Any]], now: datetime) -> Iterable[str]:
        del now
        return [reading.source for reading in readings]

    def screen(self) -> type[Screen[Any]]:
        system = self.name

        class ThermoScreen(SystemScreen):
            SYSTEM = system

        return ThermoScreen

    def trend_values(self, feed: str, snapshot: Any) -> Mapping[str, float | None]:
        del feed
        return {"c": snapshot["c"]}

    def matters(self, readings: Sequence[Reading[Any]], now: datetime) -> Matters:
        del now
        snapshot = readings[0].snapshot
        return Matters((Figure("Air", f"{snapshot['c']:g} °C"),) if snapshot is not None else (), "c")

    def alarm_rules(self) -> Sequence[AlarmRule]:
        return [TOO_WARM]

    def watch(self, config: SourceConfig) -> Watch:
        del config
        return ThermoWatch()


@asynccontextmanager
async def fleet(
    folder: Path, names: Sequence[str], *, size: tuple[int, int] = NORMAL, polls: int = 3, **options: Any
) -> AsyncIterator[tuple[Stage, Weather]]:
    """The app on these sources (`system/name`), after so many seconds of polls."""
    clock, weather = HandClock(), Weather()
    systems = {name: Thermo(name, weather) for name in dict.fromkeys(each.partition("/")[0] for each in names)}

    def deck() -> Deck:
        pairs: list[tuple[System, SourceConfig]] = [
            (systems[each.partition("/")[0]], SourceConfig(name=each.partition("/")[2])) for each in names
        ]
        hub = Hub(pairs, state_dir=folder, clock=clock, keep_last=False)
        return make_deck(hub, pairs, options.pop("ui", UiConfig()), folder, clock=clock)

    given: dict[str, Any] = {"picture": True, "ascii": False, "clock": clock} | options
    app = DeckApp(made_running(deck), AppOptions(systems, **given))
    app._schedule_tick = lambda: None  # type: ignore[method-assign]
    async with app.run_test(size=size) as pilot:
        stage = Stage(cast("Any", _Bench(clock)), app, pilot)
        await settle(app)
        await stage.tick()
        await stage.wait(polls)
        yield stage, weather


@dataclass
class _Bench:
    """As much of a bench as a stage needs."""

    clock: HandClock
