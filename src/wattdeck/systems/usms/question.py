"""What the screen asked an account for, and what came back: at most one question is open, and none blocks a key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from wattdeck.core.errors import AuthError
from wattdeck.core.language import tr
from wattdeck.core.text import clean
from wattdeck.systems.usms.models import Period, TopUp, TopUpPage


@dataclass(frozen=True, slots=True)
class Question:
    """One stretch of one meter."""

    source: str
    meter: str
    period: Period
    first: date


@dataclass(slots=True, eq=False)
class Run:
    """What is being asked for the sake of one question: the stretch itself, and the one before it to compare with."""

    question: Question
    open: list[Question]
    """Not answered yet, in their order."""


@dataclass(frozen=True, slots=True)
class TopUps:
    """What the portal says of a meter's purchases, as far as it could be read."""

    page: TopUpPage | None = None
    rows: tuple[TopUp, ...] | None = None
    """None: not read yet."""
    problem: str = ""


def failure_words(error: Exception, what: str) -> str:
    """Why something could not be read, and what to do."""
    if isinstance(error, AuthError):
        return tr("{what} could not be read: the portal wants a login. Press l.", what=what)
    reason = clean(str(error), 200) or tr("no reason given")
    stop = "" if reason.endswith((".", "?", "…")) else "."
    return tr("{what} could not be read: {reason} r tries again.", what=what, reason=f"{reason}{stop}")
