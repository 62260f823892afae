"""The sources of a recording: they hold what was read then, and nobody is asked for more."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wattdeck.core.clock import Clock
from wattdeck.core.errors import SourceError
from wattdeck.core.feed import Feed
from wattdeck.core.language import tr
from wattdeck.core.reading import SourceId
from wattdeck.core.system import Context, Source, System

if TYPE_CHECKING:
    from wattdeck.core.config import SourceConfig
    from wattdeck.core.recorded import Recording

log = logging.getLogger(__name__)


class RecordedSource:
    """A source that holds recorded readings and knows nothing else."""

    operable = None

    def __init__(self, source: SourceId, feeds: Sequence[str], clock: Clock) -> None:
        self.id = source
        self.feeds: Sequence[Feed[Any]] = [Feed(source, name, nobody, interval_s=1.0, clock=clock) for name in feeds]

    async def aclose(self) -> None:
        """There is nothing open."""


async def nobody() -> Any:
    """What a recorded feed asks.

    Raises:
        SourceError: always; the words say why.
    """
    raise SourceError(not_asked_words())


def not_asked_words() -> str:
    """Why a replay can tell no more than was recorded, as part of a sentence."""
    return tr("this is a recording: it holds what was read then, and nobody is asked for more")


@dataclass
class Opened:
    """The sources of a recording, as far as their systems are installed."""

    sources: dict[SourceId, Source] = field(default_factory=dict)
    systems: dict[str, System] = field(default_factory=dict)
    configs: dict[SourceId, SourceConfig] = field(default_factory=dict)
    """Settings as recorded, of the sources that have some."""
    warnings: list[str] = field(default_factory=list)
    """What is left out, in words."""


def open_recorded(recording: Recording, systems: Mapping[str, System], context: Context) -> Opened:
    """Open every source of a recording that an installed system knows."""
    settings = {key: value for header in recording.headers for key, value in header.settings.items()}
    feeds: dict[SourceId, list[str]] = {}
    for source, name in recording.feeds:
        feeds.setdefault(source, []).append(name)
    found = Opened()
    for source, names in feeds.items():
        system = systems.get(source.partition("/")[0])
        if system is None:
            found.warnings.append(tr("{source} is left out: no such system is installed", source=source))
            continue
        known = [name for name in names if name in system.snapshot_types()]
        if len(known) < len(names):
            left = ", ".join(sorted(set(names) - set(known)))
            found.warnings.append(tr("{source}: this wattdeck does not know {feeds}", source=source, feeds=left))
        found.systems[system.name] = system
        found.sources[source] = _open(found, system, source, known, settings.get(source, {}), context)
    return found


def _open(
    found: Opened, system: System, source: SourceId, feeds: Sequence[str], settings: Mapping[str, Any], context: Context
) -> Source:
    opened = None
    try:
        config = system.config_model().replayed(source.partition("/")[2], settings)
        opened = system.replayed(config, context)
        found.configs[source] = config
    except ValueError as error:
        # A system that did not think of replays is shown all the same; what it asks for is simply not known.
        log.info("%s: no settings for a replay: %s", source, error)
    if opened is not None and {feed.name for feed in opened.feeds} >= set(feeds):
        return opened
    return RecordedSource(source, feeds, context.clock)
