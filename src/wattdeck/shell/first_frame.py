"""The first frames, by hand: what is known is on the screen before the app's library has been loaded."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wattdeck.core.ascii import ascii_cells
from wattdeck.core.clock import SYSTEM_CLOCK, Clock
from wattdeck.core.header import HeaderState, header_line
from wattdeck.core.language import tr
from wattdeck.core.lines import CURSOR, Line, clip
from wattdeck.core.reading import Reading, SourceId
from wattdeck.core.screens import OVERVIEW, screen_names, title_of
from wattdeck.core.system import System
from wattdeck.core.units import ASCII, Glyphs, glyphs

BOLD, REVERSE, PLAIN = "\x1b[1m", "\x1b[7m", "\x1b[m"
ENTER, LEAVE = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J", "\x1b[?25h\x1b[?1049l"
"""Into the terminal's alternate screen, emptied, without a cursor; and back."""
_WEIGHT = {"heading": BOLD, "relay-open": BOLD, "link-down": REVERSE, "link-refused": REVERSE, "mode-demo": BOLD}
"""Weight only: the theme is not known yet, and a terminal without colours is served as well."""


@dataclass
class FirstFrame:
    """Draws the overview's lines, or a system's, until the app takes the screen over.

    Nothing here waits, and a terminal that cannot be written to is the app's business.
    """

    systems: Mapping[str, System]
    demo: bool = False
    ascii_only: bool | None = None
    screen: str = OVERVIEW
    """The one to draw: the overview, or a system's."""
    clock: Clock = SYSTEM_CLOCK
    replay: str = ""
    """How a replay runs, in words; empty: this is none."""

    def source_of(self, sources: Iterable[SourceId]) -> SourceId:
        """The first of them that is drawn; empty if none is."""
        wanted = self.systems if self.screen not in self.systems else (self.screen,)
        return next((source for source in sources if source.partition("/")[0] in wanted), "")

    def show(self, readings: Sequence[Reading[Any]]) -> None:
        """Draw what is last known, marked as kept, or what has just come in."""
        size = shutil.get_terminal_size()
        marks = glyphs(self.ascii_only)
        draw = self._system_lines if self.screen in self.systems else self._overview_lines
        lines = draw(readings, (size.columns, size.lines), marks)
        text = "".join(
            f"\x1b[{row};1H{_styled(clip(line, size.columns))}" for row, line in enumerate(lines[: size.lines - 1], 1)
        )
        _write(ENTER + (ascii_cells(text) if marks is ASCII else text))

    def _system_lines(self, readings: Sequence[Reading[Any]], size: tuple[int, int], marks: Glyphs) -> list[Line]:
        source = self.source_of([reading.source for reading in readings])
        mine = [reading for reading in readings if reading.source == source]
        system, now = self.systems[self.screen], self.clock.now()
        state = HeaderState(self._screens(readings), source, mine[0] if mine else None, demo=self.demo)
        lines = system.first_lines(mine, now, size[0], marks)
        return [header_line(state, now, size[0], marks), *lines]

    def _overview_lines(self, readings: Sequence[Reading[Any]], size: tuple[int, int], marks: Glyphs) -> list[Line]:
        now = self.clock.now()
        state = HeaderState(self._screens(readings), demo=self.demo, replay=self.replay)
        head = header_line(state, now, size[0], marks)
        if self.screen != OVERVIEW:
            return [head]
        from wattdeck.core.overview import FOLD_OVER, SPANS_S, entries, ordered
        from wattdeck.core.overview_lines import Look, board_height, body_lines, shape_of, span_name, wish
        from wattdeck.core.tiles import TileMaker

        known: dict[SourceId, list[Reading[Any]]] = {}
        for reading in readings:
            known.setdefault(reading.source, []).append(reading)
        maker = TileMaker(self.systems)
        tiles = ordered([maker.make(source, mine, now) for source, mine in known.items()])
        listed = entries(tiles)
        if not listed:
            return [head, ((f" {tr('Starting.')}", "muted"),)]
        grid = wish(listed, None)
        height = board_height(min(len(tiles), max(len(listed), FOLD_OVER)), size, grid)
        look = Look(now, marks, span_name(SPANS_S[0]), cursor_id=listed[0].id)
        return [head, *body_lines(listed, shape_of(len(listed), size[0], height, screen=size, grid=grid), look)]

    def _screens(self, readings: Sequence[Reading[Any]]) -> list[tuple[str, str, bool]]:
        """(key, title, current) of each screen, as far as sources are known."""
        used = {reading.source.partition("/")[0] for reading in readings} | {self.screen}
        names = screen_names([name for name in self.systems if name in used], self.systems)
        return [(str(number), title_of(name, self.systems), name == self.screen) for number, name in names]

    def leave(self) -> None:
        """Give the screen back: the app will not come."""
        _write(LEAVE)


def _write(text: str) -> None:
    with contextlib.suppress(OSError):
        os.write(sys.__stderr__.fileno(), text.encode())  # type: ignore[union-attr]


def _styled(line: Line) -> str:
    weights = [(text, _WEIGHT.get(token.removeprefix(CURSOR))) for text, token in line]
    return "".join(f"{weight}{text}{PLAIN}" if weight else text for text, weight in weights)
