"""The fault switches of the USMS simulator: what they are called and what they take.

Written `NAME` or `NAME=VALUE`. Faults of answers take `*N` behind either part: the next N answers only. The value
`off` clears. Where each comes from: usms.md 2-5 and 10.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1e6:
        raise ValueError("must be from 0 to 999999")
    return value


def _count(text: str) -> int:
    value = int(text)
    if not 0 <= value < 1_000_000:
        raise ValueError("must be from 0 to 999999")
    return value


def _after(text: str) -> int:
    return _count(text.removeprefix("after:"))


def _one_of(*words: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return check


@dataclass(frozen=True, slots=True)
class Kind:
    """One fault that can be switched on."""

    name: str
    meaning: str
    syntax: str = ""
    """Shape of the value; empty = takes none."""
    default: str = ""
    """Value used when none is given; empty with a syntax = one must be given."""
    parse: Callable[[str], object] = str
    of_answers: bool = False
    """Strikes answers one by one, so that it takes `*N`."""


def _answer(name: str, meaning: str, syntax: str = "", default: str = "", parse: Callable[[str], object] = str) -> Kind:
    return Kind(name, meaning, syntax, default, parse, of_answers=True)


def _choice(name: str, meaning: str, *words: str) -> Kind:
    return Kind(name, meaning, "|".join(words), words[0], _one_of(*words))


KINDS: tuple[Kind, ...] = (
    # the portal as a whole
    _answer("slow", "answer late", "SECONDS", parse=_seconds),
    _answer("maintenance", "a maintenance page with status 200 instead of every page"),
    _answer("status-503", "503 instead of every page"),
    _answer("login-503", "503 on the login pages only"),
    _answer("truncated", "well-framed answer that holds half of the page"),
    _answer("huge", "a 6 MB page"),
    _answer(
        "latin1",
        "pages in Latin-1: nothing says so, or the header does",
        "silent|header",
        "silent",
        _one_of("silent", "header"),
    ),
    # logging in
    Kind("captcha-off", "no captcha, as before October 2026"),
    Kind("captcha-missing", "login pages without the image"),
    Kind("captcha-wrong", "the first N captcha answers are rejected, right or wrong", "N", "1", _count),
    Kind("session-stolen", "another login ends the session now, or N pages later", "[after:]N", "after:0", _after),
    Kind("expire-sentence", "an expired session shows the sentence where the page was asked, with no redirect"),
    Kind("expire-url", "an expired session is redirected to a page without the sentence"),
    Kind("expire-inline", "an expired session shows the login form, status 200, no redirect"),
    Kind("strict-viewstate", "only the newest __VIEWSTATE of the session is accepted: 500"),
    # meter cards
    _choice("layout", "numbers of the card's cells: old = before October 2026, date and time", "old", "new"),
    _answer("no-cards", "Home without a card"),
    Kind("dashes", "unit and credit `-`, as while the portal is updating"),
    _choice("negative-credit", "5 dollars owed, the sign in three places", "inside", "before", "brackets"),
    _choice("odd-dates", "Last Updated in forms nobody promised", "empty", "bare", "dash", "twelve-hour", "iso"),
    Kind("water-no-date", "the water card shows no Last Updated, as on a new meter"),
    Kind("meter-added", "a second electricity meter on the account"),
    Kind("meter-removed", "the water meter is gone"),
    Kind("markup", "names with markup, escapes, bidi marks and 200 characters"),
    # reports
    Kind("gaps", "hours and days are missing inside the grids"),
    Kind("late", "nothing came in yet of today and yesterday"),
    Kind("empty-history", "every report is empty"),
    Kind("comma-values", "values with commas for thousands: 0,006.514"),
    Kind("dash-values", "the newest value of a grid is `-`"),
    Kind("stray-error", "the words `consumption history not found.` over a full grid"),
)
BY_NAME = {kind.name: kind for kind in KINDS}
_COUNTED = re.compile(r"^(?P<rest>.*?)(?:\*(?P<count>\d{1,6}))?$", re.DOTALL)


@dataclass(slots=True)
class Fault:
    """A fault that is on."""

    kind: Kind
    value: object
    answers_left: int | None = None
    """None = until cleared."""


def parse(name: str, value: str | None = None) -> Fault:
    """Read a fault as people write it.

    Raises:
        ValueError: no such fault, or a value it does not take; the message says what is known.
    """
    name, name_count = _split(name)
    text, value_count = _split(value or "")
    count = value_count or name_count
    kind = _kind(name)
    if text and not kind.syntax:
        raise ValueError(f"{name} takes no value")
    if kind.syntax and not (text or kind.default):
        raise ValueError(f"{name} needs a value: {name}={kind.syntax}")
    if count and not kind.of_answers:
        raise ValueError(f"{name} takes no *N")
    try:
        parsed = kind.parse(text or kind.default)
    except ValueError as error:
        raise ValueError(f"{name}={text} does not fit {name}={kind.syntax}: {error}") from None
    return Fault(kind, parsed, int(count) if count else None)


def _kind(name: str) -> Kind:
    if name not in BY_NAME:
        raise ValueError(f"no fault is called {name!r}; known are {', '.join(sorted(BY_NAME))}")
    return BY_NAME[name]


def _split(text: str) -> tuple[str, str]:
    match = _COUNTED.match(text)
    return (match["rest"], match["count"] or "") if match else (text, "")


class FaultBoard:
    """The faults that are on, one per name."""

    def __init__(self) -> None:
        self._faults: dict[str, Fault] = {}

    def __contains__(self, name: object) -> bool:
        """Whether a fault is on. Uses nothing up."""
        return name in self._faults

    def __iter__(self) -> Iterator[str]:
        """Names of what is on."""
        return iter(self._faults)

    def set(self, name: str, value: str | None = None) -> None:
        """Switch a fault on, or off with the value `off`.

        Raises:
            ValueError: see `parse`.
        """
        if value == "off":
            self.clear(name)
            return
        fault = parse(name, value)
        if fault.answers_left != 0:
            self._faults[fault.kind.name] = fault

    def clear(self, name: str | None = None) -> None:
        """Switch off one fault, or all.

        Raises:
            ValueError: no fault of that name exists.
        """
        if name is None:
            self._faults.clear()
        else:
            self._faults.pop(_kind(name).name, None)

    def value(self, name: str) -> object:
        """The value of a fault that is on, else None. Uses nothing up."""
        fault = self._faults.get(name)
        return None if fault is None else fault.value

    def strike(self, name: str) -> Fault | None:
        """The fault if it changes this answer, else None. Counts the answer."""
        fault = self._faults.get(name)
        if fault is not None and fault.answers_left is not None:
            fault.answers_left -= 1
            if fault.answers_left <= 0:
                del self._faults[name]
        return fault

    def count_down(self, name: str) -> bool:
        """Whether a fault whose value is a number of times is on; takes one off, and the fault with the last."""
        fault = self._faults.get(name)
        if fault is None or not isinstance(fault.value, int):
            return False
        fault.value -= 1
        if fault.value <= 0:
            del self._faults[name]
        return fault.value >= 0


def table() -> list[tuple[str, str]]:
    """Every fault as `NAME[=VALUE]` and what it does, for help pages."""
    rows = []
    for kind in KINDS:
        value = f"={kind.syntax}" if kind.syntax else ""
        if kind.default:
            value = f"[{value}]"
        rows.append((kind.name + value, kind.meaning))
    return rows
