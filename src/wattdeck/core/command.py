"""The words of control: what is asked, what is allowed, how it ends. Data only; `control` does the work."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum, StrEnum
from typing import Literal

from wattdeck.core.errors import Cause
from wattdeck.core.language import tr, tr_as
from wattdeck.core.operable import Facts, Sibling
from wattdeck.core.reading import SourceId
from wattdeck.core.text import clean

What = Literal["armed", "disarmed", "selected", "dropped", "refused", "sent", "acked", "ended", "settled"]
RELAY = "relay"
"""The kind of command that opens or closes a circuit."""
OPEN = "open"
CLOSED = "closed"
CONFIRM_PATTERNS = ("router", "alarm", "medical", "pump", "freezer", "fire")
"""Circuit names that raise the confirmation level (control.md rule 13)."""


class State(StrEnum):
    """How far a command has come (control.md rule 18)."""

    IDLE = "idle"
    SELECTED = "selected"
    SENT = "sent"
    ACKED = "acked"
    """The other side answered; nothing is confirmed yet."""
    CONFIRMED = "confirmed"
    """The wanted position was read back."""
    REFUSED = "refused"
    """Stopped here; nothing was sent."""
    FAILED = "failed"
    """Known not to have happened, or to have been undone."""
    UNKNOWN = "unknown"
    """Sent, and nobody can tell what came of it."""


def outcome_word(state: State) -> str:
    """How a command ended, in the language in use; a state it passes through stays as it is."""
    match state:
        case State.CONFIRMED:
            return tr_as("outcome", "confirmed")
        case State.REFUSED:
            return tr_as("outcome", "refused")
        case State.FAILED:
            return tr_as("outcome", "failed")
        case State.UNKNOWN:
            return tr_as("outcome", "unknown")
        case _:
            return str(state)


class Level(IntEnum):
    """How a person confirms."""

    CONFIRM = 1
    """The operate key."""
    TYPE_NAME = 2
    """The circuit's name, typed."""


@dataclass(frozen=True, slots=True)
class Lockout:
    """A circuit nobody may switch until the entry is taken out of the configuration (control.md rule 13)."""

    reason: str
    owner: str
    since: date | None = None

    @property
    def words(self) -> str:
        """Who locked it, since when and why."""
        when = tr(" since {since}", since=self.since) if self.since is not None else ""
        return clean(tr("Locked out by {owner}{when}: {reason}", owner=self.owner, when=when, reason=self.reason))


@dataclass(frozen=True, slots=True)
class Policy:
    """What one source allows."""

    control: bool = False
    select_timeout_s: float = 10.0
    """How long a selection stands, 5 to 30 s."""
    lockouts: Mapping[str, Lockout] = field(default_factory=dict)
    """Object id -> lockout."""
    motors: frozenset[str] = frozenset()
    """Ids or names of motors and compressors, which must rest before they are closed again."""
    motor_rest_s: float = 180.0
    max_operations_per_hour: int = 6
    feeds_this_session: frozenset[str] = frozenset()
    """Ids or names of circuits that feed the network path to this session."""
    open_above_a: float | None = None
    """Opening a circuit that carries more than this needs its name typed; None = off."""
    close_threshold_w: float | None = None
    """Closing is at the raised level if the panel would then draw more than this; None = off."""
    always_confirm_patterns: tuple[str, ...] = CONFIRM_PATTERNS
    grid_off_override: bool = False
    """Closing without the grid is allowed if the request gives a reason."""

    def __post_init__(self) -> None:
        if not 5.0 <= self.select_timeout_s <= 30.0:
            raise ValueError("select_timeout_s must be between 5 and 30 seconds")
        if self.max_operations_per_hour < 1:
            raise ValueError("max_operations_per_hour must be at least 1; use a lockout to forbid all")


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits of a command (control.md rules 1, 19, 20, 22)."""

    arm_s: float = 900.0
    """Arming ends after so long without a command."""
    read_s: float = 7.0
    """One read: connect 2 s and answer 5 s."""
    send_s: float = 8.0
    poll_s: float = 0.5
    fast_s: float = 10.0
    """How long to poll fast, and how long power may take to fall after an OPEN."""
    slow_poll_s: float = 1.0
    """Cadence between the end of fast polls and the end of the feedback time."""
    feedback_s: float = 15.0
    failed_write_s: float = 3.0
    """How long to read back after the other side answered a write of a value with a server error."""
    steady_reads: int = 2
    """Reads in a row that must agree before a position counts, so that a bouncing relay shows."""
    off_below_w: float = 10.0
    """An open circuit draws less than this."""
    last_look_s: float = 1.2
    """The last read when the session is ending."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a person wants: an absolute target, never a toggle (control.md rules 4 and 6)."""

    source: SourceId
    kind: str
    object_id: str
    wanted: str
    origin: Literal["app", "shell"] = "app"
    reason: str = ""
    """Why, where an override asks for a reason."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command may not be sent now."""

    cause: Cause
    sentence: str


@dataclass(frozen=True, slots=True)
class Selection:
    """One selected object: what was shown to the person, bound to its id and to its state at that moment."""

    id: str
    request: Request
    facts: Facts
    level: Level
    reasons: tuple[str, ...]
    """Why the level is raised, a sentence each."""
    type_this: str
    """What the person types at the raised level."""
    expires_at: float
    """On the monotonic clock."""
    lines: tuple[str, ...]
    """What the dialog says, safe to show as plain text."""

    def remaining_s(self, monotonic: float) -> float:
        """Seconds until the selection runs out; never negative."""
        return max(0.0, self.expires_at - monotonic)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    state: State
    cause: Cause
    sentence: str
    facts: Facts | None = None
    """What was read last; None if nothing could be read."""
    alarm: str = ""
    """What a person must see to although the command ended, or empty."""
    sent: bool = True
    """False: nothing left this side."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A command whose result has not been read back, to show beside the measured state (control.md rule 18)."""

    selection_id: str
    kind: str
    wanted: str
    state: State
    since: float
    """On the monotonic clock."""


@dataclass(frozen=True, slots=True)
class ControlChanged:
    """Something to repaint: a command moved on, or control was armed or disarmed."""

    what: What
    sentence: str
    source: SourceId = ""
    object_id: str = ""
    state: State = State.IDLE
    alarm: bool = False
    """A person has to do something."""


def state_words(kind: str, value: str, chars: int = 40) -> str:
    """A position or value for a person; values other than a relay's positions are shown as they are."""
    match (kind == RELAY, value):
        case (True, "open"):
            return tr_as("relay", "open")
        case (True, "closed"):
            return tr_as("relay", "closed")
        case (True, "unknown"):
            return tr_as("relay", "unknown")
        case _:
            return clean(value, chars)


def value_words(facts: Facts, kind: str, value: str, chars: int = 40) -> str:
    """A position or value of this object for a person."""
    return clean(facts.value_words.get(value, ""), chars) or state_words(kind, value, chars)


def shown_name(facts: Facts | Sibling) -> str:
    """The name as the screens show it, spaces evened out; the object id if nothing of the name can be shown."""
    return _even(clean(facts.name)) or clean(facts.object_id)


def name_to_type(facts: Facts) -> str:
    """What the raised level asks for: the shown name without the pictures a keyboard lacks."""
    return _typable(shown_name(facts)) or clean(facts.object_id)


def names_it(typed: str, facts: Facts) -> bool:
    """Whether the typed text is the circuit's name, with or without its pictures. Case counts."""
    text = _even(clean(typed))
    return text != "" and text in (shown_name(facts), name_to_type(facts))


def _even(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def _typable(text: str) -> str:
    """Text without emoji and their variation selectors."""
    kept = (c for c in text if c.isascii() or not (unicodedata.category(c) == "So" or "\ufe00" <= c <= "\ufe0f"))
    return _even("".join(kept))
