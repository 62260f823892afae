"""When a simulator begins: known before one is made, so that a start it does not take is refused at once."""

from __future__ import annotations

from datetime import datetime, tzinfo

from wattdeck.core.language import tr
from wattdeck.core.system import SimulatorOptions


def start_of(options: SimulatorOptions, zone: tzinfo, first_year: int, last_year: int) -> datetime:
    """The first moment, in the zone; now if none is named. One without offset is a wall clock there.

    Raises:
        ValueError: too long ago or too far ahead.
    """
    start = options.start or datetime.now(zone)
    start = start.astimezone(zone) if start.tzinfo else start.replace(tzinfo=zone)
    if not first_year <= start.year <= last_year:
        raise ValueError(
            tr(
                "start must be in the years {first_year} to {last_year}, not {year}",
                first_year=first_year,
                last_year=last_year,
                year=start.year,
            )
        )
    return start
