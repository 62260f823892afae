"""SPAN smart panels: live circuit power and relays."""

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
    from wattdeck.core.finding import Finding
    from wattdeck.core.lines import Line
    from wattdeck.core.matters import Matters
    from wattdeck.core.units import Glyphs
    from wattdeck.systems.span.alarms import SpanWatch
    from wattdeck.systems.span.config import SpanConfig
    from wattdeck.systems.span.models import PanelSnapshot
    from wattdeck.systems.span.simulator import SpanSimulator


class SpanSystem(System):
    """SPAN panels, by v1 (REST) and by v2 (MQTT) in both its data models."""

    name = "span"
    title = "SPAN"
    summary = "SPAN smart panels: circuits, relays, priorities"
    simulator_apis = ("v1", "flat", "tree")
    simulator_takes_serial = True

    def config_model(self) -> type[SourceConfig]:
        from wattdeck.systems.span.config import SpanConfig

        return SpanConfig

    def open(self, config: SourceConfig, context: Context) -> Source:
        from wattdeck.systems.span.source import SpanSource

        return SpanSource(cast("SpanConfig", config), context)

    def text_lines(self, readings: Sequence[Reading[Any]], now: datetime) -> Iterable[str]:
        from wattdeck.systems.span.report import text_lines

        return [line for reading in readings for line in text_lines(reading, now)]

    def first_lines(self, readings: Sequence[Reading[Any]], now: datetime, width: int, marks: Glyphs) -> Sequence[Line]:
        from wattdeck.systems.span.present import first_lines

        reading = readings[0] if readings else Reading("the panel", "panel")
        return first_lines(reading, now, width, marks)

    def screen(self) -> type[Screen[Any]] | None:
        from wattdeck.systems.span.screen import SpanScreen

        return SpanScreen

    def cli(self) -> click.Command | None:
        from wattdeck.systems.span.shell import group

        return group

    def simulator(self, options: SimulatorOptions) -> SpanSimulator:
        from wattdeck.systems.span.simulator import SpanSimulator

        return SpanSimulator(options)

    def demo(self, options: SimulatorOptions, poll_s: float | None) -> Demo:
        from wattdeck.systems.span.demo import demo

        return demo(options, poll_s)

    def trend_values(self, feed: str, snapshot: Any) -> Mapping[str, float | None]:
        del feed
        panel = cast("PanelSnapshot", snapshot)
        values: dict[str, float | None] = {
            "grid": panel.grid_power_w,
            "house": panel.house_load_w,
            "generation": panel.generation_w,
            "solar": panel.solar_w,
            "battery": panel.battery_power_w,
        }
        for circuit in panel.circuits:
            values[circuit.circuit_id] = circuit.power_w
        return values

    def earlier_trends(self, snapshot: Any, key: str) -> Sequence[str]:
        from wattdeck.systems.span.spaces import earlier_ids

        return earlier_ids(cast("PanelSnapshot", snapshot), key)

    def matters(self, readings: Sequence[Reading[Any]], now: datetime) -> Matters:
        from wattdeck.systems.span.matters import matters

        return matters(readings[0]) if readings else super().matters(readings, now)

    def alarm_rules(self) -> Sequence[AlarmRule]:
        from wattdeck.systems.span.alarms import RULES

        return RULES

    def watch(self, config: SourceConfig) -> SpanWatch:
        from wattdeck.systems.span.alarms import SpanWatch

        return SpanWatch(cast("SpanConfig", config))

    def way_in(self, config: SourceConfig) -> str:
        from wattdeck.core.language import tr

        name = config.name
        return tr(
            "Run `wattdeck span register --source {name}`, with the panel's passphrase or at its door; it stores what "
            "lets us in.",
            name=name,
        )

    async def findings(self, config: SourceConfig, context: Context) -> Sequence[Finding]:
        from wattdeck.systems.span.ebus.findings import findings

        return await findings(cast("SpanConfig", config), context, self.way_in(config))

    def snapshot_types(self) -> Mapping[str, type[Any]]:
        from wattdeck.systems.span.models import PanelSnapshot

        return {"panel": PanelSnapshot}


SYSTEM = SpanSystem()
