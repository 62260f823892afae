"""The screens of the deck by name and number: its own, and between them one for each system."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wattdeck.core.errors import UsageError
from wattdeck.core.language import later, tr
from wattdeck.core.system import System

OVERVIEW = "overview"
EVENTS = "events"
OWN = {OVERVIEW: later("Overview"), EVENTS: later("Events")}
"""Name -> title of the deck's own screens."""


def screen_names(used: Iterable[str], systems: Mapping[str, System]) -> list[tuple[int, str]]:
    """Number and name of each screen: the overview is 0, then the systems in use that bring a screen, then events."""
    return list(enumerate([OVERVIEW, *(name for name in used if brings_screen(systems[name])), EVENTS]))


def brings_screen(system: System) -> bool:
    """Whether the system has a screen; loads none."""
    return type(system).screen is not System.screen


def title_of(name: str, systems: Mapping[str, System]) -> str:
    """What people call a screen; translated where it is drawn."""
    return OWN.get(name) or systems[name].title


def check_screen(name: str | None, systems: Mapping[str, System]) -> None:
    """Refuse the name of a screen that there is not.

    Raises:
        UsageError: says which there are.
    """
    names = [OVERVIEW, *systems, EVENTS]
    if name is not None and name not in names:
        raise UsageError(tr("there is no screen {screen!r}; there are: {known}", screen=name, known=", ".join(names)))
