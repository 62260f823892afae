"""A panel in plain text, for logs and mails."""

from __future__ import annotations

from datetime import datetime

from wattdeck.core.link import link_span
from wattdeck.core.reading import Reading
from wattdeck.core.units import UNICODE, energy, power
from wattdeck.systems.span.models import PanelSnapshot
from wattdeck.systems.span.present import TableView, figures, priority_words, space, visible


def text_lines(reading: Reading[PanelSnapshot], now: datetime) -> list[str]:
    """The panel in a log or a mail: every number with its unit, the section with its age."""
    return [*status_lines(reading, now), *(circuit_lines(reading.snapshot) if reading.snapshot is not None else ())]


def status_lines(reading: Reading[PanelSnapshot], now: datetime) -> list[str]:
    """The panel's own figures."""
    head = f"{reading.source}  {''.join(link_span(reading, now, UNICODE)[0])}"
    snapshot = reading.snapshot
    if snapshot is None:
        return [head, f"  {reading.problem or 'no answer yet'}"]
    out = [head]
    if reading.problem:
        out.append(f"  problem: {reading.problem}")
    out.append(f"  panel {snapshot.serial}, firmware {snapshot.firmware}, model {snapshot.model}")
    values = [f"{figure.label} {figure.value} {figure.note}".rstrip() for figure in figures(snapshot)]
    out.append("  " + ", ".join([*values, f"main relay {snapshot.main_relay}", f"door {snapshot.door}"]))
    consumed, produced = energy(snapshot.main_consumed_wh), energy(snapshot.main_produced_wh)
    out.append(f"  Main meter: consumed {consumed} kWh, produced {produced} kWh")
    return out


def circuit_lines(snapshot: PanelSnapshot) -> list[str]:
    """A line for each circuit and each unmapped space."""
    out = []
    for circuit in visible(snapshot, TableView(unmapped=True)):
        relay = "no relay" if circuit.virtual else f"relay {circuit.relay}"
        out.append(
            f"  {circuit.name:<26.60} space {space(circuit.tabs):<6} {power(circuit.power_w):>10}  "
            f"today {energy(circuit.energy_today_wh):>7} kWh  {relay}"
            + ("" if circuit.virtual else f", {priority_words(circuit.priority)}")
        )
    return out
