"""The words of a selection: what a person reads before saying yes (control.md rule 4)."""

from __future__ import annotations

from datetime import datetime

from wattdeck.core.command import CLOSED, OPEN, RELAY, Request, shown_name, value_words
from wattdeck.core.language import tr
from wattdeck.core.operable import Facts
from wattdeck.core.text import clean

MOST_LINES, LINE_CHARS = 40, 300
"""Of a system's own description of a command."""


def describe(request: Request, facts: Facts, reasons: tuple[str, ...], now: datetime) -> tuple[str, ...]:
    """Lines for the dialog, safe as plain text: equipment, circuit, state, power, age, priority, what will happen."""
    name = shown_name(facts)
    source = tr("Source: {source} ({identity})", source=request.source, identity=clean(facts.identity, 80))
    if facts.lines:
        return (source, *(clean(line, LINE_CHARS) for line in facts.lines[:MOST_LINES]), *reasons)
    lines = [
        source,
        tr("Circuit: {name}", name=name) + (f" ({clean(facts.place, 60)})" if facts.place else ""),
        tr(
            "Now: {state}, {power}, {age}",
            state=value_words(facts, request.kind, facts.state),
            power=_power(facts.power_w),
            age=_age(facts, now),
        ),
    ]
    if facts.target and facts.target != facts.state:
        asked = value_words(facts, request.kind, facts.target)
        lines.append(tr("Asked for by somebody and not reported yet: {state}", state=asked))
    if facts.requester:
        lines.append(tr("Moved last or held by: {who}", who=clean(facts.requester, 80)))
    if facts.priority and request.kind == RELAY:
        lines.append(tr("Priority: {priority}", priority=clean(facts.priority, 40)))
    lines.append(_effect(request, facts, name))
    if together := moved_together(facts):
        lines.append(together)
    if effect := facts.effects.get(request.wanted):
        lines.append(clean(effect, LINE_CHARS))
    if request.kind == RELAY and request.wanted == OPEN:
        lines.append(tr("An open relay is not an isolation for electrical work."))
    lines.extend(reasons)
    return tuple(lines)


def moved_together(facts: Facts) -> str:
    """What the command moves besides what it is asked for, in words; empty: nothing."""
    if not facts.moves_with:
        return ""
    names = ", ".join([shown_name(facts), *map(shown_name, facts.moves_with)])
    return clean(tr("One relay moves these together: {names}.", names=names), LINE_CHARS)


def _effect(request: Request, facts: Facts, name: str) -> str:
    now, wanted = (value_words(facts, request.kind, value) for value in (facts.state, request.wanted))
    match (request.kind, request.wanted):
        case (str(kind), str(target)) if kind == RELAY and target == OPEN:
            return tr("OPEN {name}: what it feeds loses power.", name=name)
        case (str(kind), str(target)) if kind == RELAY and target == CLOSED:
            return tr("CLOSE {name}: what it feeds gets power and may start at once.", name=name)
        case _:
            return tr(
                "Set the {kind} of {name} from {now} to {wanted}.",
                kind=tr(clean(request.kind, 40)),
                name=name,
                now=now,
                wanted=wanted,
            )


def _power(power_w: float | None) -> str:
    return tr("power not known") if power_w is None else f"{power_w:.0f} W"


def _age(facts: Facts, now: datetime) -> str:
    heard_at = facts.heard_at or facts.taken_at
    if heard_at is None:
        return tr("never read")
    age_s = max(0.0, (now - heard_at).total_seconds())
    return tr("read {seconds} s ago", seconds=f"{age_s:.0f}")
