"""ANEEL outage data in Brazil: what is out, where it is worst, and whether the server keeps the rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from wattdeck.core.reading import Reading
from wattdeck.core.system import Context, Demo, SimulatorOptions, Source, System

if TYPE_CHECKING:
    import click
    from textual.screen import Screen

    from wattdeck.core.alarm import AlarmRule
    from wattdeck.core.config import SourceConfig
    from wattdeck.core.lines import Line
    from wattdeck.core.matters import Matters
    from wattdeck.core.units import Glyphs
    from wattdeck.systems.aneel.alarms import AneelWatch
    from wattdeck.systems.aneel.config import AneelConfig
    from wattdeck.systems.aneel.simulator import AneelSimulator


KEY = "demo-key"
"""What the simulator takes in `x-api-key`."""


class AneelSystem(System):
    """Distributors' RADAR servers."""

    name = "aneel"
    title = "ANEEL"
    summary = "ANEEL outage data in Brazil: outages, demands, conformance check"

    def config_model(self) -> type[SourceConfig]:
        from wattdeck.systems.aneel.config import AneelConfig

        return AneelConfig

    def open(self, config: SourceConfig, context: Context) -> Source:
        from wattdeck.systems.aneel.source import AneelSource

        return AneelSource(cast("AneelConfig", config), context)

    def replayed(self, config: SourceConfig, context: Context) -> Source:
        from wattdeck.systems.aneel.recorded import RecordedAneel

        return RecordedAneel(cast("AneelConfig", config), context)

    def text_lines(self, readings: Sequence[Reading[Any]], now: datetime) -> Iterable[str]:
        from wattdeck.systems.aneel.report import text_lines

        return text_lines(readings, now)

    def first_lines(self, readings: Sequence[Reading[Any]], now: datetime, width: int, marks: Glyphs) -> Sequence[Line]:
        from wattdeck.systems.aneel.present import first_lines

        return first_lines(readings, now, width, marks)

    def screen(self) -> type[Screen[Any]] | None:
        from wattdeck.systems.aneel.screen import AneelScreen

        return AneelScreen

    def cli(self) -> click.Command | None:
        from wattdeck.systems.aneel.shell import group

        return group

    def simulator(self, options: SimulatorOptions) -> AneelSimulator:
        from wattdeck.systems.aneel.simulator import AneelSimulator

        return AneelSimulator(options)

    def demo(self, options: SimulatorOptions, poll_s: float | None) -> Demo:
        from dataclasses import replace

        from wattdeck.core.lateapp import LateApp
        from wattdeck.core.secrets import SecretRef
        from wattdeck.systems.aneel.beginning import start_of
        from wattdeck.systems.aneel.config import AneelConfig
        from wattdeck.systems.aneel.places import RORAIMA_CUSTOMERS

        start_of(options)
        del poll_s  # A storm moves by the half hour; the demo looks twice a minute.
        origin = "http://127.0.0.5"
        source = AneelConfig(
            name="roraima",
            url=origin,
            key=SecretRef(plain=KEY),
            state="RR",
            customers={str(code): count for code, count in RORAIMA_CUSTOMERS.items()},
            agent_code=370,
            poll_s=30.0,
            requests_per_minute=6000,
        )
        # Deck and server have to agree on the half hour, so the server's time does not run ahead of the deck's.
        steady = replace(options, speed=1.0, faults={"no-limit": None, **options.faults})
        return Demo([source], {origin: LateApp(lambda: self.simulator(steady).app)})

    def trend_values(self, feed: str, snapshot: Any) -> Mapping[str, float | None]:
        if feed != "outages":
            return {}
        return {"out": float(snapshot.totals.out)}

    def matters(self, readings: Sequence[Reading[Any]], now: datetime) -> Matters:
        from wattdeck.systems.aneel.matters import matters

        return matters(readings, now)

    def alarm_rules(self) -> Sequence[AlarmRule]:
        from wattdeck.systems.aneel.alarms import RULES

        return RULES

    def watch(self, config: SourceConfig) -> AneelWatch:
        from wattdeck.systems.aneel.alarms import AneelWatch

        return AneelWatch(cast("AneelConfig", config))

    def way_in(self, config: SourceConfig) -> str:
        from wattdeck.core.language import tr

        del config
        return tr("Check `key`; the distributor gives it out.")

    def snapshot_types(self) -> Mapping[str, type[Any]]:
        from wattdeck.systems.aneel.models import BackfillSnapshot, DemandsSnapshot, OutagesSnapshot

        return {"outages": OutagesSnapshot, "demands": DemandsSnapshot, "backfill": BackfillSnapshot}


SYSTEM = AneelSystem()
