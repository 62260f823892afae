"""USMS prepaid smart meters in Brunei: how much is left, how fast it goes, what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
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
    from wattdeck.systems.usms.config import UsmsConfig
    from wattdeck.systems.usms.simulator import UsmsSimulator


class UsmsSystem(System):
    """Accounts of the residential portal."""

    name = "usms"
    title = "USMS"
    summary = "USMS prepaid meters in Brunei: consumption, credit, costs"

    def config_model(self) -> type[SourceConfig]:
        from wattdeck.systems.usms.config import UsmsConfig

        return UsmsConfig

    def open(self, config: SourceConfig, context: Context) -> Source:
        from wattdeck.systems.usms.source import UsmsSource

        return UsmsSource(cast("UsmsConfig", config), context)

    def replayed(self, config: SourceConfig, context: Context) -> Source:
        from wattdeck.systems.usms.recorded import RecordedUsms

        return RecordedUsms(cast("UsmsConfig", config), context)

    def text_lines(self, readings: Sequence[Reading[Any]], now: datetime) -> Iterable[str]:
        from wattdeck.systems.usms.report import text_lines

        return text_lines(readings, now)

    def first_lines(self, readings: Sequence[Reading[Any]], now: datetime, width: int, marks: Glyphs) -> Sequence[Line]:
        from wattdeck.systems.usms.present import first_lines

        return first_lines(readings, now, width, marks)

    def screen(self) -> type[Screen[Any]] | None:
        from wattdeck.systems.usms.screen import UsmsScreen

        return UsmsScreen

    def cli(self) -> click.Command | None:
        from wattdeck.systems.usms.shell import group

        return group

    def simulator(self, options: SimulatorOptions) -> UsmsSimulator:
        from wattdeck.systems.usms.simulator import UsmsSimulator

        return UsmsSimulator(options)

    def demo(self, options: SimulatorOptions, poll_s: float | None) -> Demo:
        from wattdeck.core.lateapp import LateApp
        from wattdeck.core.secrets import SecretRef
        from wattdeck.systems.usms.beginning import PASSWORD, USERNAME, start_of
        from wattdeck.systems.usms.config import UsmsConfig

        del poll_s  # The portal's figures move hourly, simulated or not.
        start_of(options)  # The simulator is made later, when nobody could be told any more.
        origin = "http://127.0.0.3"
        password = SecretRef(plain=PASSWORD)
        source = UsmsConfig(name="contoh", username=USERNAME, password=password, url=origin, history=False)
        # Portal and deck have to agree on what day it is, so the portal's time does not run ahead of the deck's.
        steady = replace(options, speed=1.0)
        return Demo([source], {origin: LateApp(lambda: self.simulator(steady).app)})

    def trend_values(self, feed: str, snapshot: Any) -> Mapping[str, float | None]:
        if feed != "meters":
            return {}
        return {meter.number: meter.credit_bnd for meter in snapshot.meters}

    def matters(self, readings: Sequence[Reading[Any]], now: datetime) -> Matters:
        from wattdeck.systems.usms.matters import matters

        return matters(readings, now)

    def alarm_rules(self) -> Sequence[AlarmRule]:
        from wattdeck.systems.usms.alarms import RULES

        return RULES

    def watch(self, config: SourceConfig) -> Watch:
        from wattdeck.systems.usms.alarms import UsmsWatch

        return UsmsWatch(cast("UsmsConfig", config).alarms)

    def way_in(self, config: SourceConfig) -> str:
        from wattdeck.core.language import tr

        return tr("Run `wattdeck usms login --source {name}`: it asks for the captcha.", name=config.name)

    def snapshot_types(self) -> Mapping[str, type[Any]]:
        from wattdeck.systems.usms.models import AccountSnapshot, BackfillSnapshot, ConsumptionSnapshot

        return {"meters": AccountSnapshot, "consumption": ConsumptionSnapshot, "backfill": BackfillSnapshot}


SYSTEM = UsmsSystem()
