"""What the command palette offers: names read `area: Verb object`, and only what works now is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from textual.app import App, SystemCommand
from textual.screen import Screen

from wattdeck.core.language import tr
from wattdeck.core.reading import SourceId

PALETTE_ID = "deck.palette"


def action_commands(app: App[Any], screen: Screen[Any]) -> Iterator[SystemCommand]:
    """The documented actions that the screen in front would take."""
    for active in screen.active_bindings.values():
        binding = active.binding
        if active.enabled and binding.id not in (None, PALETTE_ID) and binding.tooltip and binding.action:
            area = str(binding.id).partition(".")[0]
            run = partial(app.run_action, binding.action, active.node)
            yield SystemCommand(f"{area}: {tr(binding.tooltip)}", tr(binding.description), run)


def source_commands(sources: Iterable[SourceId], show: Callable[[SourceId], None]) -> Iterator[SystemCommand]:
    """One entry for each source."""
    for source in sources:
        yield SystemCommand(tr("deck: Show {source}", source=source), tr("Source"), partial(show, source))
