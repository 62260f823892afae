"""One circuit of a v2 panel, from its part to our model (span-v2.md 5.3, 6.4, 7.2, 10)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

from wattdeck.systems.span.ebus import homie
from wattdeck.systems.span.ebus.parts import DEVICE, Part
from wattdeck.systems.span.models import V2_PRIORITIES, Circuit, DataModel, Relay

SPACE_MAX = 512
WIRE_PRIORITIES = {ours: theirs.upper() for theirs, ours in V2_PRIORITIES.items()}
REQUESTERS = {
    "backup": "load_shed",
    "pcs_fail_safe": "pcs",
    "inverter": "pcs",
    "always_on": "configuration",
    "never_backup": "configuration",
}
"""The flat model's words -> those of the tree (span-v2.md 6.4)."""
FED_KINDS = ("pv", "evse", "bess")
RELAYS = {"open": Relay.OPEN, "closed": Relay.CLOSED}
_SEPARATORS = re.compile(r"[\s,;\[\]\"']+")


def build(part: Part, model: DataModel, feeds: str, wall: Callable[[float], datetime]) -> Circuit:
    """The circuit as reported so far.

    Args:
        feeds: What hangs on it where another part says so (flat).
        wall: Monotonic seconds -> time of day.
    """
    flat = model is DataModel.FLAT
    tabs = flat_tabs(part) if flat else listed_tabs(part.text("spaces"))
    meter_only = is_meter_only(part)
    power_w = part.number("power")
    touched_s = part.touched_s
    requester = part.word("requester")
    relay, target = RELAYS.get(part.word("relay"), Relay.UNKNOWN), RELAYS.get(homie.word(part.target("relay")))
    return Circuit(
        circuit_id=part.id,
        name=_name(part, tabs, meter_only),
        tabs=tabs,
        # Into the bus on the wire, out to the load here; added to 0.0 so that none is -0.0.
        power_w=None if power_w is None else 0.0 - power_w,
        energy_consumed_wh=part.number("exported"),
        energy_produced_wh=part.number("imported"),
        relay=relay,
        priority=priority_of(part.word("priority")),
        controllable=relay_settable(part, model),
        relay_target=None if target is relay else target,
        sheddable=part.boolean("sheddable"),
        never_backup=part.boolean("never_backup"),
        current_a=part.number("current"),
        rating_a=part.number("rating"),
        requester=REQUESTERS.get(requester, requester),
        priority_settable=priority_settable(part, model),
        feeds=feeds if flat else fed_kind(part),
        shared_with=_shared(part),
        meter_only=meter_only,
        live=part.live,
        reported_at=None if touched_s is None else wall(touched_s),
    )


def priority_of(word: str) -> str:
    """A priority in our words; the panel's own if it is another one, `unknown` for none."""
    return V2_PRIORITIES.get(word, word or "unknown")


def relay_settable(part: Part, model: DataModel) -> bool:
    """Whether the relay may be commanded (span-v2.md 7.2): if anything says no, it may not."""
    settable = part.settable("relay")
    if model is DataModel.FLAT:
        return part.boolean("always_on") is not True and settable is not False
    return settable is True and part.boolean("controllable") is not False


def priority_settable(part: Part, model: DataModel) -> bool:
    """Whether a priority may be commanded."""
    settable = part.settable("priority")
    if model is DataModel.FLAT:
        fixed = part.boolean("always_on") is True or part.boolean("never_backup") is True
        return not fixed and settable is not False
    return settable is True


def is_meter_only(part: Part) -> bool:
    """A circuit device with nothing but a meter: a remote current transformer (span-v2.md 6.4)."""
    description = part.device.description
    return not part.node and description is not None and set(description.nodes) == {"meter"}


def fed_kind(part: Part) -> str:
    """What hangs on a circuit of the tree; only a value in the link counts, not that the link is declared."""
    if not part.text("feeds"):
        return ""
    kind = part.word("feeds_type").removeprefix(DEVICE)
    return kind if kind in FED_KINDS else ""


def flat_tabs(part: Part) -> tuple[int, ...]:
    """Spaces of a flat circuit: `space`, and two further where `dipole` says so."""
    first = part.integer("space")
    if first is None or not 1 <= first <= SPACE_MAX:
        return ()
    return (first, first + 2) if part.boolean("dipole") else (first,)


def listed_tabs(text: str) -> tuple[int, ...]:
    """Spaces of a circuit of the tree: `2,4`."""
    found = {
        int(each) for each in _SEPARATORS.split(text)[:16] if each.isascii() and each.isdecimal() and len(each) <= 4
    }
    return tuple(sorted(tab for tab in found if 1 <= tab <= SPACE_MAX))


def wall_clock(now: datetime, now_s: float) -> Callable[[float], datetime]:
    """Turns monotonic seconds into times of day."""
    return lambda then_s: now - timedelta(seconds=now_s - then_s)


def _name(part: Part, tabs: tuple[int, ...], meter_only: bool) -> str:
    said = part.text("name")
    if said:
        return said
    description = part.device.description
    if not part.node and description is not None and description.name not in ("", part.id):
        return description.name
    if meter_only:
        return f"Remote meter {part.id[:8]}"
    return f"Circuit {'·'.join(map(str, tabs)) or part.id[:8]}"


def _shared(part: Part) -> tuple[str, ...]:
    """Circuits behind the same meter or relay."""
    return tuple(sorted({*part.ids("meter_shared"), *part.ids("relay_shared")} - {part.id}))
