"""What an alarm is (ISA-18.2, control.md 24 to 28): rules a system declares, and what it finds of them now.

A system says what it sees; delays, acknowledgement, shelving and memory are `alarms.py`'s business.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from wattdeck.core.reading import Reading


class Priority(StrEnum):
    """How soon a person has to act. Few alarms are high: about 80 in 100 should be low, 5 high."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class AlarmRule:
    """One kind of alarm of a system. Texts are marked with `language.later` and translated where they are shown."""

    name: str
    """`system.what`, for instance `span.over-limit`: in settings, exports and the shell. Never changes."""
    priority: Priority
    title: str
    """What is wrong, in a few words."""
    consequence: str
    """What happens if nobody acts: one sentence."""
    action: str
    """What to do: one sentence."""
    on_delay_s: float = 0.0
    """How long the condition must last before the alarm comes, s. A source's settings may say otherwise."""
    off_delay_s: float = 0.0
    """How long it must be gone before the alarm clears, s."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What a watch finds of one rule on one object now."""

    rule: str
    """Name of the rule."""
    object_id: str = ""
    """The circuit, meter, migration or municipality; empty for the source itself."""
    name: str = ""
    """What people call the object, cleaned; empty for the source itself."""
    active: bool | None = False
    """True: the condition holds. None: not known now, and what was the case stays."""
    holds: bool = False
    """Not active, and not back beyond the dead band either: an alarm that is on stays on."""
    words: str = ""
    """What is the case, with numbers and units, in the language in use: one line."""
    on_delay_s: float | None = None
    """Instead of the rule's delay, where settings say so."""


def above(value: float | None, limit: float, dead_band: float) -> tuple[bool | None, bool]:
    """`(active, holds)` of a value that must not exceed a limit; it has to fall by the dead band to be well again."""
    if value is None:
        return None, False
    return value > limit, limit >= value > limit - dead_band


def below(value: float | None, limit: float, dead_band: float) -> tuple[bool | None, bool]:
    """`(active, holds)` of a value that must not fall under a limit."""
    active, holds = above(None if value is None else -value, -limit, dead_band)
    return active, holds


class Watch(Protocol):
    """Looks at one source's readings for what its system's rules are about. May remember what it saw before.

    An object that is no longer among the conditions is taken as well again.
    """

    def look(self, readings: Sequence[Reading[Any]], now: datetime) -> Sequence[Condition]:
        """Every condition that can be judged now, whether or not it holds. Quick: called at each reading."""
        ...
