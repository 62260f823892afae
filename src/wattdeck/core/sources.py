"""Which sources there are: from the configuration, or the demo's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from wattdeck.core.errors import UsageError
from wattdeck.core.language import tr
from wattdeck.core.system import SimulatorOptions, System

if TYPE_CHECKING:
    from wattdeck.core.config import SourceConfig
    from wattdeck.core.settings import Settings

Pairs = Sequence[tuple[System, "SourceConfig"]]


def sources_of(settings: Settings, systems: Mapping[str, System]) -> list[tuple[System, SourceConfig]]:
    """Every configured source with its system, in the file's order."""
    return [(systems[name], config) for name, group in settings.sources.items() for config in group]


def demo_sources(
    systems: Mapping[str, System], simulation: SimulatorOptions, poll_s: float | None
) -> tuple[list[tuple[System, SourceConfig]], dict[str, Any]]:
    """Every system's embedded simulators: the sources that point at them, and origin -> ASGI application.

    Raises:
        UsageError: a simulator does not take these options.
    """
    pairs: list[tuple[System, SourceConfig]] = []
    apps: dict[str, Any] = {}
    for system in systems.values():
        try:
            demo = system.demo(simulation, poll_s)
        except ValueError as error:
            raise UsageError(tr("the demo cannot start like that: {error}", error=error)) from None
        if demo is not None:
            taken = apps.keys() & demo.apps.keys()
            if taken:
                raise UsageError(tr("two systems' demos claim {origin}", origin=", ".join(sorted(taken))))
            pairs += [(system, config) for config in demo.sources]
            apps.update(demo.apps)
    return pairs, apps
