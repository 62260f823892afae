"""All panels at once: a row each."""

from __future__ import annotations

from datetime import datetime

from wattdeck.core.lines import MUTED, TEXT, Column, Span
from wattdeck.core.link import link_span
from wattdeck.core.reading import Reading
from wattdeck.core.trend import Trend
from wattdeck.core.units import Glyphs, number, spark
from wattdeck.systems.span.circuits import SPARK_CELLS, SPARK_STEP_S
from wattdeck.systems.span.models import PanelSnapshot, Relay
from wattdeck.systems.span.parts import battery_percent
from wattdeck.systems.span.words import protocol_words


def panel_cells(reading: Reading[PanelSnapshot], trend: Trend, now: datetime, marks: Glyphs) -> tuple[Span, ...]:
    """One panel as a row among all panels."""
    snapshot = reading.snapshot
    cells: list[Span] = [(reading.source, TEXT), link_span(reading, now, marks)]
    if snapshot is None:
        return (*cells, ("–", MUTED), ("–", MUTED), ("–", MUTED), ("–", MUTED), ("–", MUTED), ("", MUTED), ("", MUTED))
    values = trend.recent("grid", SPARK_CELLS, SPARK_STEP_S, now.timestamp() - SPARK_STEP_S)
    opened = sum(circuit.relay is Relay.OPEN for circuit in snapshot.circuits)
    charge = battery_percent(snapshot)
    battery = "–" if charge is None else f"{number(charge)} %"
    return (
        *cells,
        (number(snapshot.grid_power_w, plus=True), TEXT),
        (number(snapshot.house_load_w), TEXT),
        (number(snapshot.solar_w if snapshot.solar_w is not None else snapshot.generation_w), TEXT),
        (battery, TEXT),
        (str(opened) if opened else "–", "relay-open" if opened else MUTED),
        (protocol_words(snapshot.data_model), "label"),
        (spark(values, marks), MUTED),
    )


PANEL_COLUMNS = (
    Column("source", "Panel", 16, flex=True, keep=9),
    Column("link", "Link", 16, keep=8),
    Column("grid", "Grid W", 9, right=True, keep=7),
    Column("house", "House W", 9, right=True, keep=6),
    Column("solar", "Gen W", 8, right=True, keep=5),
    Column("battery", "Battery", 8, right=True, keep=4),
    Column("open", "Opened", 7, right=True, keep=3),
    Column("model", "Speaks", 7, keep=2),
    Column("trend", "Grid 4 min", 10, keep=1),
)
