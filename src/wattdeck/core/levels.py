"""The rules that raise the confirmation level to typing the circuit's name (control.md). Pure: no I/O, no state."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from wattdeck.core.command import Level
from wattdeck.core.language import tr
from wattdeck.core.situation import Situation
from wattdeck.core.text import clean
from wattdeck.core.units import in_manner

ASSUMED_V = 120.0
"""Voltage for estimating a current nobody measures; too low rather than too high, so that the estimate is high."""


def required_level(situation: Situation) -> tuple[Level, tuple[str, ...]]:
    """The confirmation level, and a sentence for each rule that raises it."""
    reasons = tuple(reason for rule in RAISING if (reason := rule(situation)))
    return (Level.TYPE_NAME if reasons else Level.CONFIRM), reasons


def critical_name(situation: Situation) -> str | None:
    """Rule 13: names such as router, alarm or freezer raise the level."""
    for shown in situation.names:
        name = unicodedata.normalize("NFKC", shown).casefold()
        for pattern in situation.policy.always_confirm_patterns:
            # A word may go on after the pattern (freezers), but not begin before it (campfire).
            if pattern and re.search(rf"(?<![^\W\d_]){re.escape(pattern.casefold())}", name):
                return tr("The name of {name} says {pattern}: somebody may depend on it.", name=shown, pattern=pattern)
    return None


def feeds_this_session(situation: Situation) -> str | None:
    """Rule 15: opening what feeds the network path to this session may cut it off."""
    if situation.opens and situation.is_among(situation.policy.feeds_this_session):
        return tr("{name} feeds the network path to this session: opening it may cut you off.", name=situation.name)
    return None


def opens_under_load(situation: Situation) -> str | None:
    """Rule 16: opening above a current raises the level; so does a load nobody knows."""
    limit_a = situation.policy.open_above_a
    if not situation.opens or limit_a is None:
        return None
    current_a, power_w = situation.facts.current_a, situation.facts.power_w
    if current_a is None and power_w is not None:
        current_a = power_w / ASSUMED_V
    if current_a is None:
        return tr("The load of {name} is not known.", name=situation.name)
    if abs(current_a) > limit_a:
        return tr(
            "{name} carries about {amps} A, more than {limit} A.",
            name=situation.name,
            amps=in_manner(f"{abs(current_a):.1f}"),
            limit=in_manner(f"{limit_a:g}"),
        )
    return None


def closes_into_overload(situation: Situation) -> str | None:
    """Rule 16: closing raises the level if the panel would then draw more than its threshold."""
    limit_w = situation.policy.close_threshold_w
    if not situation.closes or limit_w is None:
        return None
    total_w, load_w = situation.facts.total_power_w, situation.facts.last_load_w
    if total_w is None or load_w is None:
        return tr("What the panel would draw with {name} closed is not known.", name=situation.name)
    if total_w + load_w > limit_w:
        return tr(
            "With {name} closed the panel would draw {total} W, more than {limit} W.",
            name=situation.name,
            total=f"{total_w + load_w:.0f}",
            limit=in_manner(f"{limit_w:g}"),
        )
    return None


def closes_without_grid(situation: Situation) -> str | None:
    """Rule 16: an override of the grid-off rule is at the raised level."""
    if situation.closes and situation.facts.grid_up is False:
        return tr("The grid is off; the reason given is: {reason}.", reason=clean(situation.request.reason))
    return None


RAISING: tuple[Callable[[Situation], str | None], ...] = (
    critical_name,
    feeds_this_session,
    opens_under_load,
    closes_into_overload,
    closes_without_grid,
)
