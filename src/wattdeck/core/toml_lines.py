"""Which line of a TOML text a key stands on. For messages: finds the common forms, else the table."""

from __future__ import annotations

import re

Place = tuple[int | str, ...]
"""Keys and list positions from the top: `("span", 0, "host")`."""

_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_DOTTED})\s*\]\]?\s*(?:#.*)?$")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=(.*)$")
_QUOTES = re.compile(r'"""|' + "'''")


class TomlLines:
    """The places of one text."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Place, int] = {}
        self._counts: dict[Place, int] = {}
        self._scan(text)

    def find(self, place: Place) -> int | None:
        """The line of a place, or of the innermost table or key around it; None if none was found."""
        while place:
            if place in self._lines:
                return self._lines[place]
            place = place[:-1]
        return None

    def _scan(self, text: str) -> None:
        table: Place = ()
        closing = ""
        for number, line in enumerate(text.split("\n"), 1):
            if closing:
                if closing in line:
                    closing = ""
                continue
            if header := _HEADER.match(line):
                table = self._enter(header[2], header[1] == "[[")
                self._lines.setdefault(table, number)
                if header[1] == "[[":
                    self._lines.setdefault(table[:-1], number)
            elif key := _KEY.match(line):
                self._lines.setdefault((*table, *parts(key[1])), number)
                quotes = _QUOTES.findall(key[2])
                closing = quotes[0] if len(quotes) == 1 else ""

    def _enter(self, dotted: str, is_list: bool) -> Place:
        """The place a header opens: lists it passes through mean their newest entry."""
        place: Place = ()
        keys = parts(dotted)
        for depth, part in enumerate(keys):
            place = (*place, part)
            if is_list and depth == len(keys) - 1:
                self._counts[place] = self._counts.get(place, -1) + 1
            if place in self._counts:
                place = (*place, self._counts[place])
        return place


def dotted_key(line: str) -> str | None:
    """The key a line gives a value to, dots, quotes and all."""
    found = _KEY.match(line)
    return found[1] if found else None


def parts(dotted: str) -> list[str]:
    """The keys of a dotted one."""
    return [part.strip("\"'") for part in re.findall(_PART, dotted)]
