"""The words for parts of a panel and their positions, in the language in use. Values are never replaced by them."""

from __future__ import annotations

from collections.abc import Sequence, Set

from wattdeck.core.language import later, tr, tr_as
from wattdeck.core.units import UNICODE, Glyphs
from wattdeck.systems.span.models import Circuit, DataModel, Door, Relay

PRIORITY_WORDS = {
    "must_have": later("must have"),
    "nice_to_have": later("nice to have"),
    "non_essential": later("non-essential"),
    "unknown": later("unknown"),
}
"""Load priority -> how it is said, translated where it is drawn: `priority_words`."""

PRIORITY_EFFECTS = {
    "must_have": later("Never shed: it stays on for as long as the battery lasts."),
    "nice_to_have": later("Shed when the grid is away and the battery is below its threshold."),
    "non_essential": later("Shed at once when the grid is away."),
}
"""Load priority -> what the panel does with it, translated where it is said."""
REQUESTER_WORDS = {
    "user": later("a person"),
    "load_shed": later("load shedding"),
    "pcs": later("the power control system"),
    "configuration": later("commissioning"),
    "fault": later("a fault"),
}
"""Who holds a relay, in the panel's words -> how it is said: `requester_words`."""


def space(tabs: Sequence[int], marks: Glyphs = UNICODE) -> str:
    """Breaker spaces as on the panel's label: `2·4`."""
    return marks.dot.join(map(str, tabs)) or "?"


def name_words(circuit: Circuit) -> str:
    """What a circuit is called on a screen. As data, the name we give a space of no circuit stays English."""
    if circuit.virtual:
        return tr("Unmapped Tab {number}", number=space(circuit.tabs)) if circuit.name else tr("no circuit")
    return circuit.name


def feeds_words(circuit: Circuit) -> str:
    """What hangs on a circuit, in a few letters; empty for a load like any other."""
    match circuit.feeds:
        case "pv":
            return tr_as("feeds", "PV")
        case "evse":
            return tr_as("feeds", "EV")
        case "bess":
            return tr_as("feeds", "BAT")
        case _:
            return circuit.feeds[:3].upper()


def holder_words(circuit: Circuit) -> str:
    """Who holds the relay, in a word that fits a table; empty where nobody but a person does (span-v2.md 6.4)."""
    match circuit.requester:
        case "load_shed":
            return tr_as("relay", "shed")
        case "pcs":
            return tr_as("relay", "PCS")
        case "fault":
            return tr_as("relay", "fault")
        case _:
            return ""


def held_words(circuit: Circuit) -> str:
    """Who but a person holds the relay: `held by load shedding`; empty if nobody does."""
    who = "" if circuit.requester == "user" else requester_words(circuit.requester)
    return tr("held by {who}", who=who) if who else ""


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


def requester_words(requester: str) -> str:
    """Who moved a relay last or holds it; empty if nobody, or not known; the panel's own word if it is a new one."""
    if requester in ("", "none", "unknown"):
        return ""
    words = REQUESTER_WORDS.get(requester)
    return requester if words is None else tr(words)


def protocol_words(data_model: DataModel) -> str:
    """A protocol as screens and records name it: `v1`, `v2 flat`, `v2 tree`."""
    return data_model.value if data_model is DataModel.V1 else f"v2 {data_model.value}"


def why_not_controllable(circuit: Circuit) -> str:
    """Why this circuit cannot be switched from here; empty if it can."""
    if circuit.virtual:
        return tr("This space belongs to no circuit of the panel, so there is no relay to switch.")
    if circuit.meter_only:
        return tr("This is a meter alone: it has no relay to switch.")
    if not circuit.controllable:
        if circuit.requester == "configuration":
            return tr(
                "Locked by the panel's set-up (always on, or fixed when it was commissioned): users cannot switch it."
            )
        return tr("Always on: the panel does not let users switch this circuit.")
    if circuit.requester == "fault" and circuit.relay is Relay.OPEN:
        return tr("A fault holds this relay open: it cannot be closed from here. See to the fault at the panel.")
    return _why_not_live(circuit)


def why_not_prioritised(circuit: Circuit) -> str:
    """Why this circuit's load priority cannot be set from here; empty if it can, or if only trying tells."""
    if circuit.priority_settable is None or circuit.virtual:
        return why_not_controllable(circuit)
    if circuit.priority_settable:
        return _why_not_live(circuit)
    if circuit.meter_only:
        return tr("This is a meter alone: it has no load priority.")
    if circuit.never_backup:
        return tr("Never backed up: its priority was fixed when the panel was commissioned.")
    return tr("The panel does not let users set the priority of this circuit.")


def _why_not_live(circuit: Circuit) -> str:
    """A panel that is live may have a part that is not: what is known of it is old."""
    return "" if circuit.live else tr("The panel says that this circuit does not report just now. Wait until it does.")


def space_words(circuit: Circuit, tandem: Set[int] = frozenset(), marks: Glyphs = UNICODE) -> str:
    """Breaker spaces, half of one where two circuits share it, and what hangs on them: `6·8 PV`, `44½`."""
    if circuit.meter_only and not circuit.tabs:
        return feeds_words(circuit) or "–"
    half = "½" if marks is UNICODE else "/2"
    shared = half if tandem and not tandem.isdisjoint(circuit.tabs) else ""
    return f"{space(circuit.tabs, marks)}{shared} {feeds_words(circuit)}".rstrip()
