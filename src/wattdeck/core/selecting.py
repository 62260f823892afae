"""The words of a selection: what a person reads before saying yes (control.md rule 4)."""

from __future__ import annotations

from datetime import datetime

from wattdeck.core.command import CLOSED, OPEN, RELAY, Request, shown_name
from wattdeck.core.operable import Facts
from wattdeck.core.text import clean

MOST_LINES, LINE_CHARS = 40, 300
"""Of a system's own description of a command."""


def describe(request: Request, facts: Facts, reasons: tuple[str, ...], now: datetime) -> tuple[str, ...]:
    """Lines for the dialog, safe as plain text: equipment, circuit, state, power, age, priority, what will happen."""
    name = shown_name(facts)
    source = f"Source: {request.source} ({clean(facts.identity, 80)})"
    if facts.lines:
        return (source, *(clean(line, LINE_CHARS) for line in facts.lines[:MOST_LINES]), *reasons)
    lines = [
        source,
        f"Circuit: {name}" + (f" ({clean(facts.place, 60)})" if facts.place else ""),
        f"Now: {clean(facts.state, 40)}, {_power(facts.power_w)}, {_age(facts, now)}",
    ]
    if facts.priority:
        lines.append(f"Priority: {clean(facts.priority, 40)}")
    lines.append(_effect(request, facts, name))
    if request.kind == RELAY and request.wanted == OPEN:
        lines.append("An open relay is not an isolation for electrical work.")
    lines.extend(reasons)
    return tuple(lines)


def _effect(request: Request, facts: Facts, name: str) -> str:
    now, wanted = clean(facts.state, 40), clean(request.wanted, 40)
    match (request.kind, request.wanted):
        case (str(kind), str(target)) if kind == RELAY and target == OPEN:
            return f"OPEN {name}: what it feeds loses power."
        case (str(kind), str(target)) if kind == RELAY and target == CLOSED:
            return f"CLOSE {name}: what it feeds gets power and may start at once."
        case _:
            return f"Set the {clean(request.kind, 40)} of {name} from {now} to {wanted}."


def _power(power_w: float | None) -> str:
    return "power not known" if power_w is None else f"{power_w:.0f} W"


def _age(facts: Facts, now: datetime) -> str:
    if facts.taken_at is None:
        return "never read"
    return f"read {max(0.0, (now - facts.taken_at).total_seconds()):.0f} s ago"
