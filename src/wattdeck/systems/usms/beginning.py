"""What is known of a simulated portal before it is made: when it begins, by Brunei's clock, and who may log in."""

from __future__ import annotations

from datetime import datetime

from wattdeck.core import simstart
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.usms.models import BRUNEI

FIRST_YEAR, LAST_YEAR = 2015, 2200
"""Before, no tariff is known for the two years that lie behind the start; simulated time ends with the last."""
USERNAME = "01234567"
PASSWORD = "demo-password"  # noqa: S105


def start_of(options: SimulatorOptions) -> datetime:
    """The first moment, in Brunei.

    Raises:
        ValueError: too long ago or too far ahead.
    """
    return simstart.start_of(options, BRUNEI, FIRST_YEAR, LAST_YEAR)
