"""What control needs to know of a thing that can be commanded, and how it reaches it.

A system implements `Operable` for each of its sources; `control` is its only caller. Nothing here sends by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, Protocol

from wattdeck.core.language import later
from wattdeck.core.reading import Link, SourceId

MIN_GOOD_POLLS = 2
"""Good polls in a row before equipment that is measured again and again is trusted (control.md rule 10)."""


@dataclass(frozen=True, slots=True)
class Wording:
    """How control speaks of one kind of command; as it stands, of a relay or a setting of a panel.

    Marked with `language.later`, and translated where it is said.
    """

    question: str = ""
    """Title of the dialog; empty: made of what is wanted and the name."""
    yes: str = ""
    """What the key says that sends it; empty: made of what is wanted."""
    unchanged: str = later("Nothing was switched")
    """After a definite no."""
    advice: str = later("Check the access rights and whether this firmware allows it")
    """What to do about a definite no."""
    unsupported: str = later("the change is not supported by this firmware")
    """Why the other side failed and nothing changed."""
    unknown: str = later("Nobody knows its position")
    """When nothing could be read back."""
    look: str = later("look at the panel")
    """Where a person finds out what is."""
    came_back: str = later("Something else switches it or it does not hold")
    """Why what was reached did not stay."""
    not_offered: str = later("It can be made user-controllable only in the maker's installer tool")
    """What to do where commands are not allowed."""
    silence: str = ""
    """What it may mean that a command was taken and nothing came of it, where no answer ever says so."""


class Sibling(NamedTuple):
    """Another object that the same command moves."""

    object_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known of one commandable object at one moment."""

    source: SourceId
    identity: str
    """Who the equipment is, e.g. serial and firmware. A change between select and operate ends the selection."""
    object_id: str
    name: str
    place: str
    """Where it is, in the words of the trade: `space 2·4`."""
    state: str
    """Measured position or value: `open`, `closed`, `unknown`, `must_have` ..."""
    power_w: float | None
    """Measured power, positive = consumption."""
    priority: str
    controllable: bool
    why_not: str
    """A sentence when this object can never take this command (always-on, unmapped space, main relay); else empty."""
    link: Link
    taken_at: datetime | None
    """When the facts were read, UTC."""
    good_polls: int
    """Good polls in a row since the link came up."""
    interval_s: float
    """Cadence of the feed the facts come from."""
    demo: bool = False
    """The other side is an embedded simulator."""
    grid_up: bool | None = None
    """The grid feeds the panel; None if not known."""
    total_power_w: float | None = None
    """What the whole panel draws now, W."""
    last_load_w: float | None = None
    """What this circuit drew when it was last closed, W."""
    current_a: float | None = None
    """Measured or estimated current, A; None = not known, then 120 V is assumed."""
    lines: tuple[str, ...] = ()
    """What a person reads of the object and of what is about to be sent, where power and position say nothing."""
    wording: Wording = Wording()
    good_polls_needed: int = MIN_GOOD_POLLS
    """1 where one answer is the whole truth and is read again just before sending."""
    protocol: str = ""
    """How the equipment is spoken to, e.g. `v2 tree`. A change between select and operate ends the selection."""
    feedback_s: float | None = None
    """Where only a report of the wanted value acknowledges a command: how long to wait for it, s. None: there are
    answers, and the time is control's own."""
    requester: str = ""
    """Who moved it last or holds it where it is, in words; empty: nobody, or not known."""
    target: str = ""
    """What somebody has asked for and is not reported yet; empty: nothing, or not known."""
    moves_with: tuple[Sibling, ...] = ()
    """What the command moves as well: circuits behind the same relay."""
    heard_at: datetime | None = None
    """When the equipment last said anything, UTC, where it reports by itself; None: at `taken_at`."""
    value_words: Mapping[str, str] = field(default_factory=dict, hash=False)
    """How values are said, in the language in use; those not in it are shown as they are."""
    effects: Mapping[str, str] = field(default_factory=dict, hash=False)
    """What a value means once it is set, a sentence for each; values without one need none."""


class Operable(Protocol):
    """One source's side of a command."""

    def kinds(self) -> tuple[str, ...]:
        """The commands this source knows: `relay`, `priority` ..."""
        ...

    def wanted_values(self, kind: str) -> tuple[str, ...]:
        """The values a command of that kind may ask for."""
        ...

    def facts(self, kind: str, object_id: str) -> Facts | None:
        """The newest facts from readings already taken; None if there is no such object. No I/O."""
        ...

    async def send(self, kind: str, object_id: str, wanted: str) -> None:
        """Ask once, with no repetition of any kind.

        Returns when the other side acknowledged, which is not yet a confirmation.

        Raises:
            AuthError, ValidationRefused, StatusError: the other side refused; nothing was switched.
            Unreachable: no connection was made; nothing was sent.
            TimedOut, BadAnswer: the outcome is unknown.
        """
        ...

    async def read_back(self, kind: str, object_id: str) -> Facts | None:
        """Read the object afresh (reads may be repeated by the caller).

        Raises:
            SourceError: it could not be read.
        """
        ...
