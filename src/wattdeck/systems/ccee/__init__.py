"""CCEE retail migrations in Brazil: what waits, what was refused, what is due, and how to change it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from wattdeck.core.reading import Reading
from wattdeck.core.system import Context, Demo, SimulatorOptions, Source, System

if TYPE_CHECKING:
    import click
    from textual.screen import Screen

    from wattdeck.core.alarm import AlarmRule, Watch
    from wattdeck.core.config import SourceConfig
    from wattdeck.core.lines import Line
    from wattdeck.core.matters import Matters
    from wattdeck.core.units import Glyphs
    from wattdeck.systems.ccee.config import CceeConfig
    from wattdeck.systems.ccee.simulator import CceeSimulator

DEMO_AGENT = 200000
DEMO_PROFILES = {"varejo-a": 200100, "varejo-b": 200101}
"""Two profiles of one simulated retailer, each a source."""


class CceeSystem(System):
    """Agents at CCEE with the migrations of their profiles."""

    name = "ccee"
    title = "CCEE"
    summary = "CCEE retail migrations in Brazil: list, create, change, cancel"

    def config_model(self) -> type[SourceConfig]:
        from wattdeck.systems.ccee.config import CceeConfig

        return CceeConfig

    def open(self, config: SourceConfig, context: Context) -> Source:
        from wattdeck.systems.ccee.source import CceeSource

        return CceeSource(cast("CceeConfig", config), context)

    def replayed(self, config: SourceConfig, context: Context) -> Source:
        from wattdeck.systems.ccee.recorded import RecordedCcee

        return RecordedCcee(cast("CceeConfig", config), context)

    def text_lines(self, readings: Sequence[Reading[Any]], now: datetime) -> Iterable[str]:
        from wattdeck.systems.ccee.report import text_lines

        return text_lines(readings, now)

    def first_lines(self, readings: Sequence[Reading[Any]], now: datetime, width: int, marks: Glyphs) -> Sequence[Line]:
        from wattdeck.systems.ccee.present import first_lines

        return first_lines(readings, now, width, marks)

    def screen(self) -> type[Screen[Any]] | None:
        from wattdeck.systems.ccee.screen import CceeScreen

        return CceeScreen

    def cli(self) -> click.Command | None:
        from wattdeck.systems.ccee.shell import group

        return group

    def simulator(self, options: SimulatorOptions) -> CceeSimulator:
        from wattdeck.systems.ccee.simulator import CceeSimulator

        return CceeSimulator(options)

    def demo(self, options: SimulatorOptions, poll_s: float | None) -> Demo:
        from dataclasses import replace

        from wattdeck.core.lateapp import LateApp
        from wattdeck.core.secrets import SecretRef
        from wattdeck.systems.ccee.beginning import start_of
        from wattdeck.systems.ccee.config import CceeConfig
        from wattdeck.systems.ccee.registry import secret_of

        del poll_s  # Migrations move by the day, simulated or not.
        start_of(options)  # The simulator is made later, when nobody could be told any more.
        origin = "http://127.0.0.4"
        secret = SecretRef(plain=secret_of(DEMO_AGENT))
        sources = [
            CceeConfig(
                name=name,
                agent_code=DEMO_AGENT,
                profiles=(profile,),
                client_id=f"VAREJISTA_{DEMO_AGENT}",
                client_secret=secret,
                url=origin,
                control=True,
            )
            for name, profile in DEMO_PROFILES.items()
        ]
        # Deadlines are reckoned by the deck's clock, so the simulator's does not run ahead of it.
        steady = replace(options, speed=1.0)
        return Demo(sources, {origin: LateApp(lambda: self.simulator(steady).app)})

    def trend_values(self, feed: str, snapshot: Any) -> Mapping[str, float | None]:
        if feed != "migrations" or not snapshot.complete:
            return {}
        open_count = sum(each.count for each in snapshot.counts if each.status == "CRIADA")
        return {"open": float(open_count), "all": float(len(snapshot.migrations))}

    def matters(self, readings: Sequence[Reading[Any]], now: datetime) -> Matters:
        from wattdeck.systems.ccee.matters import matters

        return matters(readings, now)

    def alarm_rules(self) -> Sequence[AlarmRule]:
        from wattdeck.systems.ccee.alarms import RULES

        return RULES

    def watch(self, config: SourceConfig) -> Watch:
        from wattdeck.systems.ccee.alarms import CceeWatch

        return CceeWatch(cast("CceeConfig", config))

    def way_in(self, config: SourceConfig) -> str:
        from wattdeck.core.language import tr

        del config
        return tr("Check `client_id` and `client_secret`, and that `url` is the environment they are for.")

    def snapshot_types(self) -> Mapping[str, type[Any]]:
        from wattdeck.systems.ccee.models import MigrationsSnapshot

        return {"migrations": MigrationsSnapshot}


SYSTEM = CceeSystem()
