"""Fewer bytes for the same picture: colour codes are sent only where the colour changes."""

from __future__ import annotations

import re

_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_MOVES = re.compile(r"(?:\x1b\[[0-9;]*[HG])+")
"""Cursor moves alone: they look the same in any style."""

State = tuple[str, str, str]
"""Attributes, foreground and background codes, each as a parameter string."""
_PLAIN: State = ("", "", "")


def _parse(codes: str) -> State:
    """Split one SGR parameter list into attributes, foreground and background."""
    if codes in ("", "0"):
        return _PLAIN
    attributes: list[str] = []
    foreground = background = ""
    parts = codes.split(";")
    index = 0
    while index < len(parts):
        part = parts[index]
        if part in ("38", "48"):
            length = 5 if index + 1 < len(parts) and parts[index + 1] == "2" else 3
            value = ";".join(parts[index : index + length])
            index += length
        else:
            value = part
            index += 1
        number = int(part or 0)
        if number == 0:
            attributes, foreground, background = [], "", ""
        elif part == "38" or 30 <= number <= 39 or 90 <= number <= 97:
            foreground = "" if number == 39 else value
        elif part == "48" or 40 <= number <= 49 or 100 <= number <= 107:
            background = "" if number == 49 else value
        else:
            attributes.append(value)
    return ";".join(attributes), foreground, background


class Compactor:
    """Rewrites terminal output so that each run of text is preceded by the shortest change of style that gives it.

    Expects what Textual writes: every styled run opens with its full style and closes with a reset. Each call
    starts and ends in the plain state, so calls do not depend on each other.
    """

    def __init__(self) -> None:
        self._parsed: dict[str, State] = {}

    def compact(self, data: str) -> str:
        """The same picture in fewer bytes."""
        if "\x1b[" not in data:
            return data
        pieces = _SGR.split(data)
        out = [pieces[0]]
        now = wanted = _PLAIN
        parsed = self._parsed
        for index in range(1, len(pieces), 2):
            codes = pieces[index]
            state = parsed.get(codes)
            if state is None:
                state = _parse(codes)
                if len(parsed) < 4096:
                    parsed[codes] = state
            wanted = state
            text = pieces[index + 1]
            if text:
                if wanted == _PLAIN and _MOVES.fullmatch(text):
                    out.append(text)
                    continue
                if wanted != now:
                    out.append(_change(now, wanted))
                    now = wanted
                out.append(text)
        if now != _PLAIN:
            out.append("\x1b[m")
        return "".join(out)


def _change(now: State, wanted: State) -> str:
    if wanted == _PLAIN:
        return "\x1b[m"
    if now[0] != wanted[0]:
        reset = "0;" if now != _PLAIN else ""
        return f"\x1b[{reset}{';'.join(part for part in wanted if part)}m"
    codes = []
    if now[1] != wanted[1]:
        codes.append(wanted[1] or "39")
    if now[2] != wanted[2]:
        codes.append(wanted[2] or "49")
    return f"\x1b[{';'.join(codes)}m"
