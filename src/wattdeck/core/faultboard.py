"""The fault switches of a simulator: what they are called, what they take, and when they strike.

Written `NAME` or `NAME=VALUE`; those of answers take modifiers behind either part: `*N` strikes the next N answers,
and where a simulator has endpoints `@ENDPOINT` strikes that one only, `%P` with probability P. The value `off` clears.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

MOST_COUNT = 1_000_000
_COUNTED = re.compile(r"^(?P<rest>.*?)(?P<modifiers>(?:\*\d{1,6})?)$", re.DOTALL)
_MODIFIED = re.compile(r"^(?P<rest>.*?)(?P<modifiers>(?:@[a-z]+|\*\d{1,6}|%\d*\.?\d+)*)$", re.DOTALL)


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
    """`answer`: answers, one by one, modifiers allowed. `standing`: while on. `once`: when set, for good."""


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


class Catalogue:
    """The faults one simulator knows.

    Args:
        kinds: In the order help pages show them.
        endpoints: What `@ENDPOINT` may name; without any, faults take `*N` alone.
    """

    def __init__(self, kinds: Sequence[Kind], endpoints: Sequence[str] = ()) -> None:
        self.kinds = tuple(kinds)
        self.endpoints = tuple(endpoints)
        self._by_name = {kind.name: kind for kind in self.kinds}
        self._form = _MODIFIED if endpoints else _COUNTED

    def kind(self, name: str) -> Kind:
        """The fault of that name.

        Raises:
            ValueError: there is none; the message says what is known.
        """
        if name not in self._by_name:
            raise ValueError(f"no fault is called {name!r}; known are {', '.join(sorted(self._by_name))}")
        return self._by_name[name]

    def split(self, text: str) -> tuple[str, str]:
        """A name or value, and the modifiers behind it."""
        match = self._form.match(text)
        return (match["rest"], match["modifiers"]) if match else (text, "")

    def parse(self, name: str, value: str | None = None) -> Fault:
        """Read a fault as people write it.

        Raises:
            ValueError: no such fault or endpoint, or a value it does not take; the message says what is known.
        """
        name, name_modifiers = self.split(name)
        text, value_modifiers = self.split(value or "")
        kind = self.kind(name)
        if text and not kind.syntax:
            raise ValueError(f"{name} takes no value")
        if kind.syntax and not (text or kind.default):
            raise ValueError(f"{name} needs a value: {name}={kind.syntax}")
        modifiers = name_modifiers + value_modifiers
        if modifiers and kind.strikes != "answer":
            raise ValueError(f"{name} takes no {'@, * or %' if self.endpoints else '*N'}")
        try:
            parsed = kind.parse(text or kind.default)
        except ValueError as error:
            raise ValueError(f"{name}={text} does not fit {name}={kind.syntax}: {error}") from None
        fault = Fault(kind, parsed)
        for modifier in re.findall(r"[@*%][^@*%]+", modifiers):
            self._modify(fault, modifier[0], modifier[1:])
        return fault

    def _modify(self, fault: Fault, sign: str, text: str) -> None:
        if sign == "*":
            fault.answers_left = int(text)
        elif sign == "%":
            fault.probability = share(text)
        elif text in self.endpoints:
            fault.endpoint = text
        else:
            raise ValueError(f"no endpoint is called {text!r}; known are {', '.join(self.endpoints)}")

    def table(self) -> list[tuple[str, str]]:
        """Every fault as `NAME[=VALUE]` and what it does, for help pages."""
        rows = []
        for kind in self.kinds:
            value = f"={kind.syntax}" if kind.syntax else ""
            if kind.default:
                value = f"[{value}]"
            rows.append((kind.name + value, kind.meaning))
        return rows


class FaultBoard:
    """The faults that are on, one per name and endpoint.

    Args:
        catalogue: What can be on.
        seed: Same seed, same luck with `%P`.
    """

    def __init__(self, catalogue: Catalogue, seed: int = 1) -> None:
        self.catalogue = catalogue
        self._luck = random.Random(seed)  # noqa: S311
        self._faults: dict[tuple[str, str | None], Fault] = {}

    def __contains__(self, name: object) -> bool:
        """Whether a fault is on everywhere. Uses nothing up."""
        return (name, None) in self._faults

    def __iter__(self) -> Iterator[str]:
        """What is on, as `NAME` or `NAME@ENDPOINT`."""
        return iter([name if endpoint is None else f"{name}@{endpoint}" for name, endpoint in self._faults])

    def set(self, name: str, value: str | None = None) -> Fault | None:
        """Switch a fault on, or off with the value `off`. Returns what is on now.

        Raises:
            ValueError: see `Catalogue.parse`.
        """
        if value == "off":
            self.clear(name)
            return None
        fault = self.catalogue.parse(name, value)
        if fault.answers_left == 0:
            return None
        if fault.kind.strikes != "once":
            self._faults[fault.kind.name, fault.endpoint] = fault
        return fault

    def clear(self, name: str | None = None) -> None:
        """Switch off one fault (`NAME` everywhere, or `NAME@ENDPOINT`), or all.

        Raises:
            ValueError: no fault of that name exists.
        """
        if name is None:
            self._faults.clear()
            return
        bare, modifiers = self.catalogue.split(name)
        self.catalogue.kind(bare)
        for key in [key for key in self._faults if key[0] == bare and modifiers in ("", f"@{key[1]}")]:
            del self._faults[key]

    def standing(self, name: str) -> Fault | None:
        """A fault that is on everywhere, or None. Uses nothing up."""
        return self._faults.get((name, None))

    def value(self, name: str) -> object:
        """The value of a fault that is on everywhere, else None. Uses nothing up."""
        fault = self._faults.get((name, None))
        return None if fault is None else fault.value

    def strike(self, name: str, endpoint: str = "") -> Fault | None:
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

    def strikes(self, names: Iterable[str], endpoint: str = "") -> dict[str, Fault]:
        """Those of several faults that change this answer."""
        if not self._faults:
            return {}
        found = ((name, self.strike(name, endpoint)) for name in names)
        return {name: fault for name, fault in found if fault is not None}

    def count_down(self, name: str) -> bool:
        """Whether a fault whose value is a number of times is on; takes one off, and the fault with the last."""
        fault = self._faults.get((name, None))
        if fault is None or not isinstance(fault.value, int):
            return False
        fault.value -= 1
        if fault.value <= 0:
            del self._faults[name, None]
        return fault.value >= 0


# what values look like


def seconds(text: str) -> float:
    """A number of seconds: finite, not negative."""
    value = float(text)
    if not 0 <= value < 1e9:
        raise ValueError("must be 0 or more")
    return value


def share(text: str) -> float:
    """A part of one."""
    value = seconds(text)
    if value > 1:
        raise ValueError("must be between 0 and 1")
    return value


def count(text: str) -> int:
    """A number of times."""
    value = int(text)
    if not 0 <= value < MOST_COUNT:
        raise ValueError(f"must be from 0 to {MOST_COUNT - 1}")
    return value


def status(text: str) -> int:
    """An HTTP status that can end a request."""
    value = int(text)
    if not 200 <= value <= 599:
        raise ValueError("must be between 200 and 599")
    return value


def one_of(*words: str) -> Callable[[str], str]:
    """One of several words."""

    def check(text: str) -> str:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return text

    return check


def choice(name: str, meaning: str, *words: str, strikes: str = "answer") -> Kind:
    """A fault that takes one of several words, the first when none is given."""
    return Kind(name, meaning, "|".join(words), words[0], one_of(*words), strikes)
