"""The fault switches of the SPAN simulator: what they are called, what they take, and when they strike.

Written `NAME` or `NAME=VALUE`; most take modifiers behind either part: `@ENDPOINT` strikes that endpoint
only, `*N` the next N answers, `%P` with probability P. The value `off` clears. Requirements: span.md 8.2.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

ENDPOINTS = ("status", "panel", "circuits", "circuit", "soe", "register", "other")


def number(text: str) -> float:
    """A number of seconds or a share: finite, not negative."""
    value = float(text)
    if not 0 <= value < 1e9:
        raise ValueError("must be 0 or more")
    return value


def _share(text: str) -> float:
    value = number(text)
    if value > 1:
        raise ValueError("must be between 0 and 1")
    return value


def _status(text: str) -> int:
    value = int(text)
    if not 200 <= value <= 599:
        raise ValueError("must be between 200 and 599")
    return value


def _jump(text: str) -> float:
    return number(text.removeprefix("-")) * (-1 if text.startswith("-") else 1)


def _one_of(*words: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return check


def _dip(text: str) -> tuple[float, int | None]:
    share, _, answers = text.partition(":")
    return _share(share), int(answers) if answers else None


def _tabs(text: str) -> tuple[str, tuple[int, ...]]:
    circuit, _, tabs = text.rpartition(":")
    spaces = tuple(int(tab) for tab in tabs.split(",")) if tabs else ()
    if any(not 1 <= tab <= 32 for tab in spaces) or len(spaces) != len(set(spaces)):
        raise ValueError("spaces are numbers from 1 to 32")
    return circuit, spaces


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
    strikes: str = "answer"
    """`answer`: answers, one by one, modifiers allowed. `house`: while on. `once`: when set, for good."""


def _before_or_after(name: str, meaning: str) -> Kind:
    words = ("before", "after")
    return Kind(name, f"{meaning}; after = do what was asked first", "|".join(words), words[0], _one_of(*words))


def _first_or_all(name: str, meaning: str) -> Kind:
    words = ("first", "all")
    return Kind(name, meaning, "|".join(words), words[0], _one_of(*words))


KINDS: tuple[Kind, ...] = (
    # the connection
    Kind("latency", "answer late", "SECONDS", parse=number),
    _before_or_after("hang", "never answer"),
    Kind("refuse", "close the port and every connection for a time", "SECONDS", "10", number),
    _before_or_after("close", "close the connection instead of answering"),
    Kind("connection-close", "answer with Connection: close, so that no connection is reused"),
    Kind("cut-short", "close the connection in the middle of the body"),
    Kind("drip", "send the body a byte at a time, this far apart", "SECONDS", "1", number),
    # the answer as a whole
    Kind("truncated", "well-framed body that holds half of the JSON"),
    Kind("oversize", "a 6 MB body (valid JSON)"),
    Kind("html-200", "a web page with status 200 where JSON is due"),
    Kind("html-502", "the 502 page of the proxy in front of the panel"),
    Kind("status", "answer this status and nothing else", "CODE", parse=_status),
    Kind("circuits-500", "500 on GET /circuits"),
    Kind("sunset", "404 on all of v1, as announced for its end"),
    Kind("deprecation-headers", "the Deprecation, Sunset and Link headers of newer firmware"),
    # who may do what
    Kind("revoke", "forget every client and token: 401", strikes="once"),
    Kind("locked-status", "status of a registration while locked, instead of 422", "CODE", "401", _status),
    Kind("always-on-status", "status of a relay write to an always-on circuit, not 403", "CODE", "422", _status),
    Kind("string-422", "validation errors as one string, as newer firmware words them"),
    Kind("priority-500", "500 on every priority write, as most panels do; on from the start"),
    Kind("relay-refuse", "refuse relay writes with this status", "CODE", "500", _status),
    Kind("relay-lag", "relays move this long after the answer", "SECONDS", "5", number),
    Kind("relay-bounce", "relays move, and go back after this long", "SECONDS", "2", number),
    # what the JSON says
    Kind("empty-circuits", "no circuits at all"),
    Kind("main-relay-unknown", "panel answers without data: main relay UNKNOWN, every number 0"),
    Kind("door-unknown", "door UNKNOWN"),
    _first_or_all("null-name", "name null"),
    _first_or_all("null-power", "power null; all = the grid's too"),
    _first_or_all("null-energy", "counters null; all = the main meter's too"),
    _first_or_all("negative-zero", "power -0.0"),
    _first_or_all("nan", "power NaN"),
    _first_or_all("unknown-enum", "relay state and priority no version documents"),
    Kind("shuffled-branches", "branches in another order than their ids"),
    Kind("no-measure", "branches without the three measure fields, as very old firmware"),
    Kind("invalid-measure", "isMeasureValid false on every branch"),
    Kind("feedthrough-zero", "feedthrough energies 0 instead of the computed residual"),
    Kind("counter-dip", "counters lower by a share, for K answers an endpoint", "SHARE[:K]", "0.1", _dip),
    Kind("hostile-names", "names with markup, escapes, bidi marks, emoji, 200 characters", strikes="house"),
    Kind("renamed", "another name; without an id the first circuit", "[ID:]NAME", "Renamed", strikes="house"),
    Kind(
        "moved-tabs",
        "a circuit on other spaces; without an id the first, without spaces on free ones",
        "[ID:]TAB[,TAB]",
        ":",
        _tabs,
        strikes="house",
    ),
    # the house
    Kind("grid-down", "the grid is away: the panel sheds, the battery carries", strikes="house"),
    Kind("clock-jump", "the panel's time is off by this much", "[-]SECONDS", "3600", _jump, strikes="house"),
    Kind("counter-reset", "counters lose a share for good", "SHARE", "1", _share, strikes="once"),
    Kind("reboot", "uptime 0, door unknown, locked, 502 for a time", "SECONDS", "20", number, strikes="once"),
)
BY_NAME = {kind.name: kind for kind in KINDS}
ON_AT_START = ("priority-500",)

_MODIFIERS = re.compile(r"^(?P<rest>.*?)(?P<modifiers>(?:@[a-z]+|\*\d+|%\d*\.?\d+)*)$", re.DOTALL)


@dataclass(slots=True)
class Fault:
    """A fault that is on."""

    kind: Kind
    value: object
    endpoint: str | None = None
    """None = everywhere it can strike."""
    answers_left: int | None = None
    """None = until cleared."""
    probability: float = 1.0
    struck: Counter[str] = field(default_factory=Counter)
    """Answers it changed so far, by endpoint."""


def parse(name: str, value: str | None) -> Fault:
    """Read a fault as people write it.

    Raises:
        ValueError: no such fault or endpoint, or a value it does not take; the message says what is known.
    """
    name, name_modifiers = _split(name)
    text, value_modifiers = _split(value or "")
    kind = BY_NAME.get(name)
    if kind is None:
        raise ValueError(f"no fault is called {name!r}; known are {', '.join(sorted(BY_NAME))}")
    if text and not kind.syntax:
        raise ValueError(f"{name} takes no value")
    if kind.syntax and not (text or kind.default):
        raise ValueError(f"{name} needs a value: {name}={kind.syntax}")
    try:
        parsed = kind.parse(text or kind.default)
    except ValueError as error:
        raise ValueError(f"{name}={text} does not fit {name}={kind.syntax}: {error}") from None
    fault = Fault(kind, parsed)
    modifiers = name_modifiers + value_modifiers
    if modifiers and kind.strikes != "answer":
        raise ValueError(f"{name} takes no @, * or %")
    for modifier in re.findall(r"[@*%][^@*%]+", modifiers):
        _modify(fault, modifier[0], modifier[1:])
    return fault


def _split(text: str) -> tuple[str, str]:
    match = _MODIFIERS.match(text)
    return (match["rest"], match["modifiers"]) if match else (text, "")


def _modify(fault: Fault, sign: str, text: str) -> None:
    if sign == "*":
        fault.answers_left = int(text)
    elif sign == "%":
        fault.probability = _share(text)
    elif text in ENDPOINTS:
        fault.endpoint = text
    else:
        raise ValueError(f"no endpoint is called {text!r}; known are {', '.join(ENDPOINTS)}")


class FaultBoard:
    """The faults that are on. One per name and endpoint.

    Args:
        seed: Same seed, same luck for `%P`.
    """

    def __init__(self, seed: int = 1) -> None:
        self._luck = random.Random(seed)  # noqa: S311
        self._faults: dict[tuple[str, str | None], Fault] = {}
        for name in ON_AT_START:
            self.set(name, None)

    def set(self, name: str, value: str | None = None) -> Fault | None:
        """Switch a fault on, or off with the value `off`. Returns what is on now.

        Raises:
            ValueError: see `parse`.
        """
        if value == "off":
            self.clear(name)
            return None
        fault = parse(name, value)
        if fault.kind.strikes != "once":
            self._faults[fault.kind.name, fault.endpoint] = fault
        return fault

    def clear(self, name: str | None = None) -> None:
        """Switch off one fault (`NAME` everywhere, or `NAME@ENDPOINT`), or all: a panel without a fault.

        Raises:
            ValueError: no fault of that name exists.
        """
        if name is None:
            self._faults.clear()
            return
        bare, modifiers = _split(name)
        if bare not in BY_NAME:
            raise ValueError(f"no fault is called {bare!r}; known are {', '.join(sorted(BY_NAME))}")
        for key in [key for key in self._faults if key[0] == bare and modifiers in ("", f"@{key[1]}")]:
            del self._faults[key]

    def names(self) -> list[str]:
        """What is on, as `NAME` or `NAME@ENDPOINT`."""
        return [name if endpoint is None else f"{name}@{endpoint}" for name, endpoint in self._faults]

    def standing(self, name: str) -> Fault | None:
        """A fault of the house that is on, or None. Uses nothing up."""
        return self._faults.get((name, None))

    def strike(self, name: str, endpoint: str) -> Fault | None:
        """The fault if it changes this answer, else None. Counts the answer."""
        if not self._faults:
            return None
        key = (name, endpoint) if (name, endpoint) in self._faults else (name, None)
        fault = self._faults.get(key)
        if fault is None or (fault.probability < 1 and self._luck.random() >= fault.probability):
            return None
        if fault.answers_left is not None:
            fault.answers_left -= 1
            if fault.answers_left <= 0:
                del self._faults[key]
        fault.struck[endpoint] += 1
        return fault

    def strikes(self, names: Iterable[str], endpoint: str) -> dict[str, Fault]:
        """Those of several faults that change this answer."""
        found = ((name, self.strike(name, endpoint)) for name in names)
        return {name: fault for name, fault in found if fault is not None}


def table() -> list[tuple[str, str]]:
    """Every fault as `NAME[=VALUE]` and what it does, for help pages."""
    rows = []
    for kind in KINDS:
        value = f"={kind.syntax}" if kind.syntax else ""
        if kind.default:
            value = f"[{value}]"
        rows.append((kind.name + value, kind.meaning))
    return rows
