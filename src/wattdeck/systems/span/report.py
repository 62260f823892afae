"""A panel in plain text, for logs and mails."""

from __future__ import annotations

from datetime import datetime

from wattdeck.core.language import tr
from wattdeck.core.lines import cell_width
from wattdeck.core.link import link_span, link_word
from wattdeck.core.reading import Link, Reading
from wattdeck.core.units import UNICODE, energy, number, power, since
from wattdeck.systems.span.circuits import TableView, visible
from wattdeck.systems.span.models import Circuit, DataModel, PanelSnapshot
from wattdeck.systems.span.parts import sections
from wattdeck.systems.span.partwords import model_words
from wattdeck.systems.span.present import figures
from wattdeck.systems.span.spaces import free_words, tandem_spaces
from wattdeck.systems.span.words import (
    door_words,
    held_words,
    name_words,
    priority_words,
    relay_words,
    space_words,
)


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
    panel = tr("panel {serial}, firmware {firmware}, model {model}", **names)
    out.append(f"  {panel}, {model_words(snapshot)}")
    values = [f"{figure.label} {figure.value} {figure.note}".rstrip() for figure in figures(snapshot)]
    relay, door = relay_words(snapshot.main_relay), door_words(snapshot.door)
    values += [tr("main relay {position}", position=relay), tr("door {position}", position=door)]
    out.append("  " + ", ".join(values))
    consumed, produced = energy(snapshot.main_consumed_wh), energy(snapshot.main_produced_wh)
    meter = tr("Main meter: consumed {consumed} kWh, produced {produced} kWh", consumed=consumed, produced=produced)
    out.append(f"  {meter}")
    if snapshot.today_since is not None:
        began = {"today": since(snapshot.today_since, now), "month": since(snapshot.month_since, now)}
        out.append("  " + tr("Counted since: today {today}, month {month}", **began))
    if snapshot.data_model is DataModel.V1:
        return out
    for section in sections(snapshot)[1:]:
        facts = ", ".join(f"{label} {value}" for label, value in section.facts)
        out.append(f"  {section.title}: {facts}")
    return out


def circuit_lines(snapshot: PanelSnapshot) -> list[str]:
    """A line for each circuit and each space with a meter of its own; spaces without are counted."""
    tandem = tandem_spaces(snapshot)
    metered = [
        circuit for circuit in visible(snapshot, TableView(unmapped=True)) if circuit.name or not circuit.virtual
    ]
    cells = max((cell_width(space_words(circuit, tandem)) for circuit in metered), default=6)
    out = [_circuit_line(circuit, tandem, max(6, cells)) for circuit in metered]
    free = free_words(snapshot) if snapshot.data_model is not DataModel.V1 else ""
    return [*out, f"  {free}"] if free else out


def _circuit_line(circuit: Circuit, tandem: frozenset[int], cells: int) -> str:
    relay = tr("relay {position}", position=relay_words(circuit.relay))
    if circuit.virtual or circuit.meter_only:
        relay = tr("no relay")
    elif holder := held_words(circuit):
        relay = f"{relay}, {holder}"
    today = tr("today {energy} kWh", energy=f"{energy(circuit.energy_today_wh):>7}")
    if circuit.energy_month_wh is not None:
        today += "  " + tr("month {energy} kWh", energy=f"{energy(circuit.energy_month_wh):>7}")
    place = tr("space {numbers}", numbers=f"{space_words(circuit, tandem):<{cells}}")
    amps = "" if circuit.current_a is None else f" {number(circuit.current_a, 1):>6} A"
    words = [relay]
    if not (circuit.virtual or circuit.meter_only):
        words.append(priority_words(circuit.priority))
    if not circuit.live:
        words.append(link_word(Link.STALE))
    return f"  {name_words(circuit):<26.60} {place} {power(circuit.power_w):>10}{amps}  {today}  {', '.join(words)}"
