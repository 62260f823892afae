"""A panel in plain text, for logs and mails."""

from __future__ import annotations

from datetime import datetime

from wattdeck.core.language import tr
from wattdeck.core.link import link_span
from wattdeck.core.reading import Reading
from wattdeck.core.units import UNICODE, energy, power
from wattdeck.systems.span.models import PanelSnapshot
from wattdeck.systems.span.present import TableView, figures, visible
from wattdeck.systems.span.words import door_words, name_words, priority_words, relay_words, space


def text_lines(reading: Reading[PanelSnapshot], now: datetime) -> list[str]:
    """The panel in a log or a mail: every number with its unit, the section with its age."""
    return [*status_lines(reading, now), *(circuit_lines(reading.snapshot) if reading.snapshot is not None else ())]


def status_lines(reading: Reading[PanelSnapshot], now: datetime) -> list[str]:
    """The panel's own figures."""
    head = f"{reading.source}  {''.join(link_span(reading, now, UNICODE)[0])}"
    snapshot = reading.snapshot
    if snapshot is None:
        return [head, f"  {reading.problem or tr('no answer yet')}"]
    out = [head]
    if reading.problem:
        out.append("  " + tr("problem: {problem}", problem=reading.problem))
    names = {"serial": snapshot.serial, "firmware": snapshot.firmware, "model": snapshot.model}
    out.append("  " + tr("panel {serial}, firmware {firmware}, model {model}", **names))
    values = [f"{figure.label} {figure.value} {figure.note}".rstrip() for figure in figures(snapshot)]
    relay, door = relay_words(snapshot.main_relay), door_words(snapshot.door)
    values += [tr("main relay {position}", position=relay), tr("door {position}", position=door)]
    out.append("  " + ", ".join(values))
    consumed, produced = energy(snapshot.main_consumed_wh), energy(snapshot.main_produced_wh)
    meter = tr("Main meter: consumed {consumed} kWh, produced {produced} kWh", consumed=consumed, produced=produced)
    out.append(f"  {meter}")
    return out


def circuit_lines(snapshot: PanelSnapshot) -> list[str]:
    """A line for each circuit and each unmapped space."""
    out = []
    for circuit in visible(snapshot, TableView(unmapped=True)):
        relay = tr("no relay") if circuit.virtual else tr("relay {position}", position=relay_words(circuit.relay))
        today = tr("today {energy} kWh", energy=f"{energy(circuit.energy_today_wh):>7}")
        place = tr("space {numbers}", numbers=f"{space(circuit.tabs):<6}")
        out.append(
            f"  {name_words(circuit):<26.60} {place} {power(circuit.power_w):>10}  {today}  {relay}"
            + ("" if circuit.virtual else f", {priority_words(circuit.priority)}")
        )
    return out
