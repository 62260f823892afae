"""One circuit in detail: everything known of it, in lines for the side region. Knows no widget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from wattdeck.core.dates import date_text
from wattdeck.core.language import tr, tr_as
from wattdeck.core.lines import MUTED, TEXT, Line, Span, cell_width, fit, wrap
from wattdeck.core.reading import Reading
from wattdeck.core.units import UNICODE, Glyphs, age, energy, number, percent, power, since
from wattdeck.systems.span.circuits import Pending, measured_age_s, newest_power_at, relay_span
from wattdeck.systems.span.models import Circuit, PanelSnapshot, current_a, leg, metered_with, siblings, voltage_v
from wattdeck.systems.span.spaces import tandem_spaces
from wattdeck.systems.span.words import (
    feeds_words,
    held_words,
    name_words,
    place_words,
    priority_words,
    relay_words,
    space,
    why_not_controllable,
)


def detail(
    reading: Reading[PanelSnapshot],
    circuit: Circuit,
    pending: Pending | None,
    notes: Sequence[str],
    last_command: str,
    now: datetime,
    width: int,
    marks: Glyphs = UNICODE,
) -> list[Line]:
    """Everything known of one circuit. `notes` are sentences from outside the panel, such as a lockout's."""
    head: list[Line] = [((name_words(circuit), "heading"),), ((_place(circuit, marks), "label"),)]
    if circuit.virtual and not circuit.name:
        return [*head, *wrap(why_not_controllable(circuit), width, MUTED)]
    lines: list[Line] = [
        *head,
        ((power(circuit.power_w), TEXT if circuit.live else MUTED), *_current(circuit, marks)),
        _position(circuit, pending, marks),
    ]
    facts = _facts(reading, circuit, now)
    width_of_labels = max(10, *(cell_width(label) + 1 for label, _ in facts))
    lines += [((fit(label, width_of_labels), "label"), (value, TEXT)) for label, value in facts]
    if reading.restored:
        lines.append(((tr("kept from an earlier run"), "link-stale"),))
    for note in filter(None, (why_not_controllable(circuit), *_notes(reading, circuit), *notes)):
        lines += wrap(note, width, MUTED)
    if last_command:
        return [*lines, ((tr("last command"), "label"),), *wrap(last_command, width)]
    return [*lines, ((f"{tr('last command')}  ", "label"), (tr_as("command", "none"), MUTED))]


def _place(circuit: Circuit, marks: Glyphs) -> str:
    """Where the circuit is: spaces, nominal voltage, legs, and what hangs on it."""
    parts = [place_words(circuit.tabs, marks)]
    if circuit.meter_only:
        parts = [tr("remote meter")]
    else:
        legs = "+".join(dict.fromkeys(leg(tab) for tab in circuit.tabs))
        parts += [f"{voltage_v(circuit.tabs) or '?'} V", legs or "?"]
    return " · ".join([*parts, *filter(None, [feeds_words(circuit)])])


def _current(circuit: Circuit, marks: Glyphs) -> Iterator[Span]:
    """The current, marked where it is an estimate, and how much of the breaker's rating it is."""
    amps = current_a(circuit)
    if amps is None:
        return
    measured = circuit.current_a is not None
    yield ("  " if measured else f"  {marks.about} ") + f"{number(amps, 1)} A", TEXT if measured else MUTED
    if circuit.rating_a:
        share = percent(amps / circuit.rating_a)
        yield "  " + tr("{percent} of {rating} A", percent=share, rating=number(circuit.rating_a)), MUTED


def _position(circuit: Circuit, pending: Pending | None, marks: Glyphs) -> Line:
    """The relay: where it is, who holds it, what is asked of it."""
    if pending is not None:
        return relay_span(circuit, pending, marks), (f"  {pending.words}", "relay-pending")
    holder = held_words(circuit)
    if not circuit.live and not (circuit.virtual or circuit.meter_only):
        holder = tr("last {position}", position=relay_words(circuit.relay))
    return relay_span(circuit, pending, marks), (f"  {holder}" if holder else "", MUTED)


def _facts(reading: Reading[PanelSnapshot], circuit: Circuit, now: datetime) -> list[tuple[str, str]]:
    """What is known of a circuit besides its power and position: label and value."""
    snapshot = reading.snapshot
    today_since = None if snapshot is None else snapshot.today_since
    month_since = None if snapshot is None else snapshot.month_since
    facts = [
        (tr("priority"), "–" if circuit.virtual or circuit.meter_only else _priority(circuit)),
        (tr("today"), _counted(circuit.energy_today_wh, since(today_since, now) if today_since else "")),
    ]
    if circuit.energy_month_wh is not None:
        start = date_text(month_since.astimezone().date()) if month_since else ""
        facts.append((tr("month"), _counted(circuit.energy_month_wh, start)))
    facts += [
        (tr("consumed"), f"{energy(circuit.energy_consumed_wh)} kWh"),
        (tr("produced"), f"{energy(circuit.energy_produced_wh)} kWh"),
    ]
    newest = newest_power_at(snapshot) if snapshot is not None else None
    if circuit.energy_at is not None and newest is not None and not circuit.virtual:
        behind_s = max(0.0, (newest - circuit.energy_at).total_seconds())
        facts.append((tr("counters"), tr("{age} behind", age=age(behind_s))))
    if circuit.reported_at is not None:
        silent_s = max(0.0, (now - circuit.reported_at).total_seconds())
        return [*facts, (tr("last report"), tr("{age} ago", age=age(silent_s)))]
    measured = tr("{age} ago", age=age(measured_age_s(circuit, reading, newest, now)))
    return [*facts, (tr("measured"), measured)]


def _priority(circuit: Circuit) -> str:
    words = priority_words(circuit.priority)
    return tr("{priority}, fixed", priority=words) if circuit.priority_settable is False else words


def _counted(energy_wh: float | None, start: str) -> str:
    """Energy since a moment: `1.50 kWh since 00:00`."""
    words = f"{energy(energy_wh)} kWh"
    return tr("{energy} since {time}", energy=words, time=start) if start else words


def _notes(reading: Reading[PanelSnapshot], circuit: Circuit) -> Iterator[str]:
    """Sentences about what the circuit is bound up with."""
    if reading.snapshot is None or circuit.virtual:
        return
    circuits = reading.snapshot.circuits
    agreed = metered_with(circuit, circuits)
    if agreed:
        names = ", ".join(map(name_words, agreed))
        yield tr("Moves together with {names}: one relay or meter for all, counted once.", names=names)
    one_sided = set(siblings(circuit, circuits)).difference(other.circuit_id for other in agreed)
    if one_sided:
        names = ", ".join(name_words(other) for other in circuits if other.circuit_id in one_sided) or "?"
        yield tr("May move together with {names}: only one side says so, counted each by itself.", names=names)
    shared = tandem_spaces(reading.snapshot).intersection(circuit.tabs)
    if shared:
        names = ", ".join(
            name_words(other)
            for other in reading.snapshot.circuits
            if other.circuit_id != circuit.circuit_id and not other.virtual and shared.intersection(other.tabs)
        )
        yield tr("Shares space {numbers} with {names} (tandem).", numbers=space(sorted(shared)), names=names)
