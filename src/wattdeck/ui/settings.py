"""The settings in the app: sources added, changed, tried and removed, the app's own table, the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from anyio import to_thread
from textual import work
from textual.binding import Binding, BindingType
from textual.widget import Widget

from wattdeck.core.errors import ConfigError
from wattdeck.core.language import later, tr
from wattdeck.core.lines import Column, Line, Row, Span, fit, wrap
from wattdeck.core.settings import source_of
from wattdeck.core.settings_file import SettingsFile
from wattdeck.core.text import clean
from wattdeck.ui.dialogs import AskDialog, ChoiceDialog
from wattdeck.ui.page import Page
from wattdeck.ui.paint import Painted
from wattdeck.ui.settings_form import UI, SettingsForm, SettingsPlace, Table, saved_words
from wattdeck.ui.settings_keys import KeysScreen
from wattdeck.ui.settings_probe import ProbeDialog
from wattdeck.ui.table import DeckTable

KEYS_ROW = "keys"
SINGLES = {UI: later("theme, language, how it is drawn"), "alarms": later("who is told of alarms, and how")}
"""Tables of which there is one, and what is in them."""
WORDS_LINES = 4
WHERE = ("host", "url", "client_id", "username")
"""Keys that say which source it is, the first there is."""

LinkOf = Callable[[str], Span]


class SettingsScreen(Page):
    """What is configured. `closed` is called with whether anything was written."""

    HELP = later(
        "**a** adds a source, **Enter** changes what the cursor is on, **c** tries whether a source can be reached and "
        "lets us in, **x** removes it. Nothing is written before everything is right."
    )
    KEYS: ClassVar[Sequence[tuple[str, str]]] = (
        ("a", later("Add")), ("enter", later("Change")), ("c", later("Try")), ("x", later("Remove")),
        ("esc", later("Back")),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,O", "leave", "Back", id="settings.back",
                tooltip="Go back; what was saved is taken into use"),
        Binding("a", "add", "Add", id="settings.add", tooltip="Add a source"),
        Binding("c", "try_source", "Try", id="settings.try",
                tooltip="Try whether the source can be reached and lets us in"),
        Binding("x", "remove", "Remove", id="settings.remove", tooltip="Remove the source from the configuration"),
    ]  # fmt: skip

    def __init__(
        self,
        place: SettingsPlace,
        bindings: Sequence[Binding],
        *,
        link_of: LinkOf | None = None,
        use_keys: Callable[[Mapping[str, str]], None] | None = None,
        first: bool = False,
    ) -> None:
        """Args:
        bindings: Every binding there is, for keys of one's own.
        link_of: How a source that runs stands; None: nothing runs.
        use_keys: Takes a new key map into use at once.
        first: Begin with adding a source.
        """
        super().__init__()
        self.place = place
        self._bindings_known = bindings
        self._link_of = link_of
        self._use_keys = use_keys
        self._first = first

    def body(self) -> Iterable[Widget]:
        yield Painted(id="words")
        columns = (Column("what", "What", 24, keep=3), Column("where", "Where", 24, flex=True, keep=2),
                   Column("state", "State", 18, keep=1))  # fmt: skip
        yield DeckTable(columns, id="settings")

    def on_mount(self) -> None:
        self.query_one("#words", Painted).styles.height = WORDS_LINES
        self.query_one("#settings").focus()
        self.call_after_refresh(self.show_now)
        if self._first:
            self.call_after_refresh(self.action_add)

    def paint(self, now: datetime) -> None:
        super().paint(now)
        self.show_now()

    def show_now(self) -> None:
        """What is configured, and what was done last."""
        if not self.is_mounted or not self.query(DeckTable):
            return
        width = max(20, self.size.width - 2)
        file, place = self.place.file, self.place
        lines: list[Line] = [((tr("Settings"), "heading"), (f"  {file.path}", "muted"))]
        if place.why_fixed:
            lines += wrap(place.why_fixed, width, "severity-medium")
        elif place.saved:
            lines += wrap(place.saved[-1], width, "link-live")
            lines += wrap(tr("It is taken into use when you go back."), width, "label") if self._link_of else []
        elif not file.exists:
            lines += wrap(tr("There is no such file yet; saving makes it."), width, "label")
        lines = lines[:WORDS_LINES]
        self.query_one("#words", Painted).paint([((" ", "normal"), *line) for line in lines])
        self.query_one("#settings", DeckTable).show(self._rows())

    def _rows(self) -> list[Row]:
        rows = []
        for system, source, index in self._sources():
            name = f"{system}/{clean(str(source.get('name', index + 1)), 64)}"
            where = next((clean(str(source[key]), 120) for key in WHERE if source.get(key)), "")
            state: Span = ("", "muted") if self._link_of is None else self._link_of(name)
            rows.append(Row(f"{system} {index}", ((name, "normal"), (where, "label"), state)))
        own = len(self.place.file.table(UI).get("keys") or ())
        for name, about in SINGLES.items():
            rows.append(Row(name, ((f"[{name}]", "normal"), (tr(about), "label"), ("", "muted"))))
        words = tr("{count} of your own", count=own)
        rows.append(Row(KEYS_ROW, ((tr("Keys"), "normal"), (words, "label"), ("", "muted"))))
        return rows

    def _sources(self) -> list[tuple[str, dict[str, Any], int]]:
        file = self.place.file
        return [
            (system, source, index)
            for system in self.place.systems
            for index, source in enumerate(file.sources(system))
        ]

    def _chosen(self) -> Table | None:
        """The source under the cursor."""
        system, _, index = self.query_one("#settings", DeckTable).cursor_id.partition(" ")
        return Table(system, int(index)) if index else None

    def _may_change(self) -> bool:
        if self.place.why_fixed:
            self.deck_app.say(self.place.why_fixed, trouble=True)
        return not self.place.why_fixed

    # Actions

    def on_deck_table_opened(self, message: DeckTable.Opened) -> None:
        if message.row_id == KEYS_ROW:
            self.app.push_screen(KeysScreen(self.place, self._bindings_known, self._use_keys), self._back)
        else:
            self._open(Table(message.row_id) if message.row_id in SINGLES else self._chosen())

    def _open(self, table: Table | None) -> None:
        if table is None:
            return
        before = len(self._sources_of(table.system))

        def back(_: object) -> None:
            self._back()
            if len(self._sources_of(table.system)) > before:
                self.query_one("#settings", DeckTable).cursor_id = f"{table.system} {before}"

        self.app.push_screen(SettingsForm(self.place, table), back)

    def _sources_of(self, system: str) -> list[int]:
        """Their places among those of their system."""
        return [index for each, _, index in self._sources() if each == system]

    def _back(self, _: object = None) -> None:
        self.paint(self.deck_app.clock.now())

    @work(exclusive=True, group="add")
    async def action_add(self) -> None:
        """Add a source: its system first."""
        if not self._may_change():
            return
        # What comes before the colon says what it is; the rest would not fit everywhere.
        choices = [
            (name, f"{fit(tr(system.title), 7)} {tr(system.summary).partition(':')[0]}")
            for name, system in self.place.systems.items()
        ]
        system = await self.app.push_screen_wait(ChoiceDialog(tr("What kind of source?"), choices, ""))
        if system is not None:
            self._open(Table(system))

    def action_try_source(self) -> None:
        """Try the source under the cursor."""
        table = self._chosen()
        if table is None or table.index is None or not self._may_change():
            return
        system = self.place.systems[table.system]
        try:
            written = self.place.file.sources(table.system)[table.index]
            config = source_of(system.config_model(), written, self.place.file.path)
        except ConfigError as error:
            self.deck_app.say(str(error), trouble=True)
            return
        self.app.push_screen(ProbeDialog(system, config, self.place.look), self._back)

    @work(exclusive=True, group="remove")
    async def action_remove(self) -> None:
        """Take the source under the cursor out of the configuration; asks first."""
        table = self._chosen()
        if table is None or table.index is None or not self._may_change():
            return
        file = self.place.file
        name = f"{table.system}/{clean(str(file.sources(table.system)[table.index].get('name')), 64)}"
        change = file.without_source(table.system, table.index)
        words = [tr("Its table is taken out of {path}.", path=file.path)]
        if change.comments_lost:
            words.append(tr("{count} comments go with it; a copy of the file is kept.", count=change.comments_lost))
        words.append(tr("What is stored for it stays on the disk: token, session, history, journal."))
        dialog = AskDialog(tr("Remove {source}?", source=name), words, yes=tr("Remove it"))
        if not await self.app.push_screen_wait(dialog):
            return
        try:
            copy = await to_thread.run_sync(file.write, change, self.deck_app.clock)
        except ConfigError as error:
            self.deck_app.say(str(error), trouble=True)
            self._read_again()
            return
        self.place.saved.append(f"{tr('{source} is removed.', source=name)} {saved_words(file.path, copy)}")
        self._back()

    def _read_again(self) -> None:
        """Show the file as it is now."""
        try:
            self.place.file = SettingsFile(self.place.file.path, self.place.systems)
        except ConfigError as error:
            self.deck_app.say(str(error), trouble=True)
        self._back()

    def action_leave(self) -> None:
        """Go back."""
        self.dismiss(None)
