"""The words for parts of a panel and their positions, in the language in use. Values are never replaced by them."""

from __future__ import annotations

from collections.abc import Sequence

from wattdeck.core.language import later, tr, tr_as
from wattdeck.core.units import UNICODE, Glyphs
from wattdeck.systems.span.models import Circuit, Door, Relay

PRIORITY_WORDS = {
    "must_have": later("must have"),
    "nice_to_have": later("nice to have"),
    "non_essential": later("non-essential"),
    "unknown": later("unknown"),
}
"""Load priority -> how it is said, translated where it is drawn: `priority_words`."""


def space(tabs: Sequence[int], marks: Glyphs = UNICODE) -> str:
    """Breaker spaces as on the panel's label: `2·4`."""
    return marks.dot.join(map(str, tabs)) or "?"


def name_words(circuit: Circuit) -> str:
    """What a circuit is called on a screen. As data, the name we give a space of no circuit stays English."""
    return tr("Unmapped Tab {number}", number=space(circuit.tabs)) if circuit.virtual else circuit.name


def place_words(tabs: Sequence[int], marks: Glyphs = UNICODE) -> str:
    """Where a circuit is: `space 2·4`."""
    return tr("space {numbers}", numbers=space(tabs, marks))


def priority_words(priority: str) -> str:
    """A load priority in words; the panel's own word if it is not one of ours."""
    words = PRIORITY_WORDS.get(priority or "unknown")
    return priority if words is None else tr(words)


def relay_words(position: str) -> str:
    """A relay's position in words."""
    match position:
        case Relay.OPEN:
            return tr_as("relay", "open")
        case Relay.CLOSED:
            return tr_as("relay", "closed")
        case _:
            return tr_as("relay", "unknown")


def door_words(door: Door) -> str:
    """The door's position in words."""
    match door:
        case Door.OPEN:
            return tr_as("door", "open")
        case Door.CLOSED:
            return tr_as("door", "closed")
        case _:
            return tr_as("door", "unknown")


def why_not_controllable(circuit: Circuit) -> str:
    """Why this circuit can never be switched from here; empty if it can."""
    if circuit.virtual:
        return tr("This space belongs to no circuit of the panel, so there is no relay to switch.")
    if not circuit.controllable:
        return tr("Always on: the panel does not let users switch this circuit.")
    return ""
