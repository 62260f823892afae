"""Which systems there are: the built-in ones, and plug-ins by entry point."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from wattdeck.core.plugins import ENTRY_POINT_GROUP, plugins_installed
from wattdeck.core.system import System


def discover() -> dict[str, System]:
    """All installed systems by name: built in first, then plug-ins.

    A plug-in that cannot be loaded is left out and reported as a warning; it never takes the deck down.
    """
    from wattdeck.systems.aneel import SYSTEM as ANEEL
    from wattdeck.systems.ccee import SYSTEM as CCEE
    from wattdeck.systems.span import SYSTEM as SPAN
    from wattdeck.systems.usms import SYSTEM as USMS

    found: dict[str, System] = {system.name: system for system in (SPAN, USMS, CCEE, ANEEL)}
    for name, system in _plugins():
        if isinstance(system, System):
            found.setdefault(system.name, system)
        else:
            logging.getLogger(__name__).warning("plug-in %s cannot be used: %s", name, system)
    return found


def plugin_problems() -> list[str]:
    """A sentence for each plug-in that cannot be loaded."""
    return [f"plug-in {name}: {found}" for name, found in _plugins() if not isinstance(found, System)]


def _plugins() -> Iterable[tuple[str, System | str]]:
    """Entry point -> the system it brings, or why it cannot be used."""
    if not plugins_installed():
        return
    from importlib.metadata import entry_points

    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.value.startswith("wattdeck.systems."):
            continue
        try:
            system = point.load()
        except Exception as error:
            yield point.name, f"{type(error).__name__}: {error}"
            continue
        if isinstance(system, System):
            yield point.name, system
        else:
            yield point.name, f"{point.value} is a {type(system).__name__}, not a wattdeck System"
