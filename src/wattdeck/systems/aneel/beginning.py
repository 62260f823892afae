"""When a simulated distributor begins, by Brasília's clock."""

from __future__ import annotations

from datetime import datetime

from wattdeck.core import simstart
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.aneel.models import BRASILIA

FIRST_YEAR, LAST_YEAR = 2024, 2199


def start_of(options: SimulatorOptions) -> datetime:
    """The first moment, in Brasília.

    Raises:
        ValueError: too long ago or too far ahead.
    """
    return simstart.start_of(options, BRASILIA, FIRST_YEAR, LAST_YEAR)
