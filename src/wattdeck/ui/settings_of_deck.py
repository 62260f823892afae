"""The settings screen over a deck that runs: shows what runs, and says when what was saved counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from anyio import to_thread
from textual.binding import Binding

from wattdeck.core.errors import ConfigError
from wattdeck.core.language import tr
from wattdeck.core.lines import Span
from wattdeck.core.link import link_span
from wattdeck.core.paths import config_path
from wattdeck.core.settings import dump_settings
from wattdeck.core.settings_file import SettingsFile
from wattdeck.ui.dialogs import AskDialog
from wattdeck.ui.settings import SettingsScreen
from wattdeck.ui.settings_form import UI, SettingsPlace

if TYPE_CHECKING:
    from wattdeck.core.deck import Deck
    from wattdeck.ui.app import AppOptions, DeckApp


async def change_settings(
    app: DeckApp,
    deck: Deck,
    options: AppOptions,
    bindings: Sequence[Binding],
    use_keys: Callable[[Mapping[str, str]], None],
) -> bool:
    """Show the settings until the person goes back. Whether the session should start again to take them into use."""
    try:
        place = await to_thread.run_sync(_place, deck, options)
    except ConfigError as error:
        app.say(str(error), trouble=True)
        return False

    def link_of(source: str) -> Span:
        return _link(app, source)

    await app.push_screen_wait(SettingsScreen(place, bindings, link_of=link_of, use_keys=use_keys))
    return bool(place.saved) and await _may_start_again(app, place)


async def _may_start_again(app: DeckApp, place: SettingsPlace) -> bool:
    """No session is ended while a command is on its way, and none that has control without a word."""
    if not any(place.file.sources(system) for system in place.systems):
        app.say(tr("No source is left. What runs goes on until you quit."), trouble=True)
        return False
    if app.desk is not None and app.desk.busy:
        app.say(tr("A command is on its way: what was saved counts from the next start."), trouble=True)
        return False
    if app.armed:
        words = [tr("The sources are closed and opened again, and control ends.")]
        dialog = AskDialog(tr("Take the new settings into use?"), words, yes=tr("Use them now"))
        if not await app.push_screen_wait(dialog):
            app.say(tr("What was saved counts from the next start."))
            return False
    return True


def _place(deck: Deck, options: AppOptions) -> SettingsPlace:
    """The configuration, or what runs in its place and cannot be changed."""
    if options.settings_path is not None:
        file = SettingsFile(options.settings_path, options.systems)
        return SettingsPlace(file, options.systems, user_themes=options.user_themes)
    tables: dict[str, object] = {UI: deck.ui}
    for system in options.systems.values():
        mine = [config for each, config in deck.pairs if each.name == system.name]
        if mine:
            tables[system.name] = mine
    file = SettingsFile(config_path(), options.systems, fixed=dump_settings(tables))
    why = tr("This is the demo with sources of its own: nothing can be changed. `wattdeck` is for yours.")
    if not options.demo:
        why = tr("What is shown here does not come from a configuration: nothing can be changed.")
    return SettingsPlace(file, options.systems, why_fixed=why, user_themes=options.user_themes)


def _link(app: DeckApp, source: str) -> Span:
    """How a source of the running session stands."""
    readings = app.readings(source)
    if not readings:
        return tr("not running yet"), "severity-low"
    return link_span(readings[0], app.clock.now(), app.glyphs)
