"""The first frame, by hand: what was last known is on the screen before the app's library has been loaded."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from wattdeck.core.clock import SYSTEM_CLOCK
from wattdeck.core.header import HeaderState, header_line
from wattdeck.core.lines import Line, clip
from wattdeck.core.reading import Reading
from wattdeck.core.system import System
from wattdeck.core.units import glyphs

BOLD, REVERSE, PLAIN = "\x1b[1m", "\x1b[7m", "\x1b[m"
_WEIGHT = {"heading": BOLD, "relay-open": BOLD, "link-down": REVERSE, "link-refused": REVERSE, "mode-demo": BOLD}
"""Weight only: the theme is not known yet, and a terminal without colours is served as well."""


def show(
    systems: Mapping[str, System], readings: Sequence[Reading[Any]], *, demo: bool, ascii_only: bool | None
) -> None:
    """Draw the first system's last known values, marked as kept, in the terminal's alternate screen.

    The app takes the screen over when it is up. Nothing here waits, and a terminal that cannot be written to is the
    app's business.
    """
    size = shutil.get_terminal_size()
    name, system = next(iter(systems.items()))
    mine = [reading for reading in readings if reading.source.partition("/")[0] == name]
    now, marks = SYSTEM_CLOCK.now(), glyphs(ascii_only)
    state = HeaderState(
        systems=[("1", system.title, True)],
        source=mine[0].source if mine else "",
        reading=mine[0] if mine else None,
        demo=demo,
    )
    lines = [header_line(state, now, size.columns, marks)]
    lines += system.first_lines(mine[:1], now, size.columns, marks)
    text = "".join(
        f"\x1b[{row};1H{_styled(clip(line, size.columns))}" for row, line in enumerate(lines[: size.lines - 1], 1)
    )
    try:
        os.write(sys.__stderr__.fileno(), f"\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J{text}".encode())  # type: ignore[union-attr]
    except OSError:
        return


def _styled(line: Line) -> str:
    return "".join(f"{_WEIGHT[token]}{text}{PLAIN}" if token in _WEIGHT else text for text, token in line)
