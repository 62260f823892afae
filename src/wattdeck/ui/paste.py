"""What a terminal pastes, before anything reads keys out of it."""

from __future__ import annotations

BEGIN, END = "\x1b[200~", "\x1b[201~"
PASTE_CHARACTERS_MAX = 20_000
"""More than any field takes; the rest of a longer paste is dropped."""
_KEPT_CONTROLS = "\t\n\r"


class PasteGuard:
    """Takes control characters out of pasted text, and cuts it.

    An escape inside a paste would end it for the reader of keys, and what follows would be pressed instead of pasted.
    Text may come in any pieces; a marker that is cut in two is held back until its rest has come.
    """

    def __init__(self) -> None:
        self._inside = False
        self._taken = 0
        self._held = ""
        self._given = 0
        """Characters at the beginning of what is held that were handed on already: an escape is a key and waits for
        nothing, and may still begin a marker."""

    def pass_on(self, text: str) -> str:
        """What the reader of keys may see of a piece of input."""
        text, given, self._held, self._given = self._held + text, self._given, "", 0
        out: list[str] = []
        while text:
            marker = END if self._inside else BEGIN
            before, found, after = text.partition(marker)
            if not found:
                keep = _begun(before, marker)
                before, self._held = (before[:-keep], before[-keep:]) if keep else (before, "")
                if self._held == "\x1b" and not self._inside:
                    before, self._given = before + self._held, 1
            out.append(self._cleaned(before) if self._inside else before)
            if not found:
                break
            out.append(marker)
            self._inside, self._taken = not self._inside, 0
            text = after
        whole = "".join(out)
        if given and not whole:
            self._given = given
        return whole[given:]

    def flush(self) -> str:
        """What was held back, because nothing followed it: it was no marker."""
        held, self._held, self._given = self._held[self._given :], "", 0
        return self._cleaned(held) if self._inside else held

    def _cleaned(self, text: str) -> str:
        room = PASTE_CHARACTERS_MAX - self._taken
        kept = "".join(each for each in text if each.isprintable() or each in _KEPT_CONTROLS)[: max(0, room)]
        self._taken += len(kept)
        return kept


def _begun(text: str, marker: str) -> int:
    """How many characters at the end of a text may be the beginning of a marker."""
    return next((size for size in range(min(len(marker) - 1, len(text)), 0, -1) if text.endswith(marker[:size])), 0)
