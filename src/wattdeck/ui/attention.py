"""Calling for the attention of whoever is near the terminal: its bell, or a desktop notice. Only where asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from wattdeck.core.alarm import Priority
from wattdeck.core.alarm_view import Alarm
from wattdeck.core.clock import Clock
from wattdeck.core.language import tr
from wattdeck.core.text import clean

REST_S = 5.0
"""Shortest time between two calls: a flood of alarms rings once."""
NOTICE_LENGTH = 120
BELL = "\a"


class Attention:
    """How new alarms are made known in one session. `write` sends to the terminal what is no part of the picture."""

    def __init__(
        self, notice: Literal["off", "bell", "osc9"], least: str, clock: Clock, write: Callable[[str], None]
    ) -> None:
        self._notice = notice
        self._least = list(Priority).index(Priority(least))
        self._clock = clock
        self._write = write
        self._called_s: float | None = None

    def call(self, alarm: Alarm) -> bool:
        """Call for attention to a new alarm, unless it is too low or the last call is too short a time ago."""
        now_s = self._clock.monotonic()
        rests = self._called_s is not None and now_s - self._called_s < REST_S
        if self._notice == "off" or rests or list(Priority).index(alarm.rule.priority) > self._least:
            return False
        self._called_s = now_s
        self._write(BELL if self._notice == "bell" else notice(alarm))
        return True


def notice(alarm: Alarm) -> str:
    """The alarm as OSC 9. The text begins with a word of ours: some terminals take numbers there as orders."""
    words = clean(f"wattdeck: {alarm.source}: {tr(alarm.rule.title)}: {alarm.words}", NOTICE_LENGTH)
    return f"\x1b]9;{words.replace(';', ',')}{BELL}"
