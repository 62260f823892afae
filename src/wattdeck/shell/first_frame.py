"""The first frames, by hand: what is known is on the screen before the app's library has been loaded."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.header import HeaderState, header_line
from wattdeck.core.lines import Line, clip
from wattdeck.core.reading import Reading, SourceId
from wattdeck.core.system import System
from wattdeck.core.units import glyphs

BOLD, REVERSE, PLAIN = "\x1b[1m", "\x1b[7m", "\x1b[m"
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J", "\x1b[?25h\x1b[?1049l"
"""Into the terminal's alternate screen, emptied, without a cursor; and back."""
_WEIGHT = {"heading": BOLD, "relay-open": BOLD, "link-down": REVERSE, "link-refused": REVERSE, "mode-demo": BOLD}
"""Weight only: the theme is not known yet, and a terminal without colours is served as well."""


@dataclass
class FirstFrame:
    """Draws a system's lines until the app takes the screen over.

    Nothing here waits, and a terminal that cannot be written to is the app's business.
    """

    systems: Mapping[str, System]
    demo: bool = False
    ascii_only: bool | None = None
    system: str | None = None
    """The one to draw; None: the first there is."""
    clock: Clock = SYSTEM_CLOCK

    @property
    def _name(self) -> str:
        return self.system or next(iter(self.systems))

    def source_of(self, sources: Iterable[SourceId]) -> SourceId:
        """The one of them that is drawn; empty if none is."""
        return next((source for source in sources if source.partition("/")[0] == self._name), "")

    def show(self, readings: Sequence[Reading[Any]]) -> None:
        """Draw the first source's values: what is last known, marked as kept, or what has just come in."""
        size = shutil.get_terminal_size()
        name = self._name
        source = self.source_of([reading.source for reading in readings])
        mine = [reading for reading in readings if reading.source == source]
        now, marks = self.clock.now(), glyphs(self.ascii_only)
        state = HeaderState(
            systems=[("1", self.systems[name].title, True)],
            source=source,
            reading=mine[0] if mine else None,
            demo=self.demo,
        )
        lines = [header_line(state, now, size.columns, marks)]
        lines += self.systems[name].first_lines(mine, now, size.columns, marks)
        _write(ENTER + "".join(
            f"\x1b[{row};1H{_styled(clip(line, size.columns))}" for row, line in enumerate(lines[: size.lines - 1], 1)
        ))  # fmt: skip

    def leave(self) -> None:
        """Give the screen back: the app will not come."""
        _write(LEAVE)


def _write(text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(sys.__stderr__.fileno(), text.encode())  # type: ignore[union-attr]


def _styled(line: Line) -> str:
    return "".join(f"{_WEIGHT[token]}{text}{PLAIN}" if token in _WEIGHT else text for text, token in line)
