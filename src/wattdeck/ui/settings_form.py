"""One table of settings on a page of its own: typed into, tried, checked, saved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from anyio import to_thread
from pydantic import BaseModel
from textual import work
from textual.binding import Binding, BindingType
from textual.widget import Widget

from wattdeck.core.config import SINGLE_TABLES, SourceConfig
from wattdeck.core.config_check import Problem
from wattdeck.core.errors import ConfigError
from wattdeck.core.language import later, tr
from wattdeck.core.lines import Line, clip, wrap
from wattdeck.core.redact import redact, register_secret
from wattdeck.core.settings import problems_of, source_of
from wattdeck.core.settings_fields import SettingField, fields_of
from wattdeck.core.settings_file import Change, ChangedMeanwhile, SettingsFile
from wattdeck.core.text import clean
from wattdeck.ui.dialogs import AskDialog
from wattdeck.ui.form import FormLines
from wattdeck.ui.page import Page
from wattdeck.ui.paint import Painted
from wattdeck.ui.settings_entry import FOOT_LINES, SettingsEntry, chosen_from
from wattdeck.ui.settings_probe import Look, ProbeDialog, look_at
from wattdeck.ui.settings_texts import SAVE, TEST
from wattdeck.ui.theme import DEFAULT_THEME, all_themes, theme_folders

if TYPE_CHECKING:
    from wattdeck.core.system import System

UI = "ui"
TITLES = {UI: later("The live app: [ui]"), "alarms": later("Alarms of all sources: [alarms]")}


@dataclass
class SettingsPlace:
    """What the settings screens work on and with."""

    file: SettingsFile
    systems: Mapping[str, System]
    why_fixed: str = ""
    """Why nothing can be changed, in words; empty if it can."""
    user_themes: Path | None = None
    look: Look = look_at
    """Tries a source."""
    saved: list[str] = field(default_factory=list)
    """What was written since the screen was opened, newest last."""


@dataclass(frozen=True)
class Table:
    """Which table a form is about."""

    system: str
    """Name of the system, or of a table of which there is one."""
    index: int | None = None
    """Of a source: which one; None for a new one."""

    @property
    def single(self) -> bool:
        """There is one such table: it is no source."""
        return self.system in SINGLE_TABLES


class SettingsForm(Page):
    """Types into one table. `saved` says whether it was written."""

    HELP = FormLines.HELP
    KEYS: ClassVar[Sequence[tuple[str, str]]] = (
        ("tab", later("Next")), ("< >", later("Choose")), ("ctrl+u", later("Unset")), ("ctrl+o", later("Save")),
        ("esc", later("Leave")),
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="form.leave", tooltip="Go back; what was typed is kept"),
        Binding("ctrl+o", "save", "Save", id="form.save", tooltip="Check and save, wherever the cursor is"),
    ]

    def __init__(self, place: SettingsPlace, table: Table) -> None:
        super().__init__()
        self._place = place
        self._table = table
        self._trouble = ""
        self.entry = SettingsEntry(
            self._fields(), self._written(), self._check,
            ends=(SAVE,) if table.single else (TEST, SAVE), fixed=bool(place.why_fixed),
        )  # fmt: skip
        self._old_theme = ""

    # What it is about

    def _fields(self) -> list[SettingField]:
        fields = fields_of(self._model)
        if self._table.system != UI:
            return fields
        themes, _ = all_themes(theme_folders(self._place.user_themes))
        names = [theme.name for theme in themes]
        return [chosen_from(each, names) if each.key == "theme" else each for each in fields if each.key != "keys"]

    @property
    def _model(self) -> type[BaseModel]:
        return SINGLE_TABLES[self._table.system] if self._table.single else self._source_model

    @property
    def _source_model(self) -> type[SourceConfig]:
        return self._place.systems[self._table.system].config_model()

    def _written(self) -> dict[str, Any]:
        file, table = self._place.file, self._table
        if table.single:
            return file.table(table.system)
        return {} if table.index is None else file.sources(table.system)[table.index]

    def _check(self, table: Mapping[str, Any]) -> Sequence[Problem]:
        return problems_of(self._model, table, self._place.file.path)

    @property
    def _title(self) -> str:
        if self._table.single:
            return tr(TITLES[self._table.system])
        name = self.entry.table_before.get("name")
        title = self._place.systems[self._table.system].title
        if self._table.index is None:
            return tr("A new source: {system}", system=title)
        return f"{self._table.system}/{clean(str(name), 64)}"

    # Life

    def body(self) -> Iterable[Widget]:
        yield Painted(id="title")
        yield FormLines(self.entry)
        yield Painted(id="foot")

    def on_mount(self) -> None:
        self._old_theme = self.app.theme
        self.query_one("#title", Painted).styles.height = 1
        self.query_one("#foot", Painted).styles.height = FOOT_LINES + 1
        self.query_one(FormLines).styles.height = "1fr"
        self.query_one(FormLines).focus()
        self.call_after_refresh(self.show_now)

    def on_painted_resized(self) -> None:
        super().on_painted_resized()
        self.show_now()

    def show_now(self) -> None:
        """Fill in every part for the size there is."""
        if not self.is_mounted or not self.query(FormLines):
            return
        form, foot = self.query_one(FormLines), self.query_one("#foot", Painted)
        width = max(20, self.size.width - 2)
        marks = self.deck_app.glyphs
        why = f"  {self._place.why_fixed}" if self._place.why_fixed else ""
        self.query_one("#title", Painted).paint(
            [clip(((f" {self._title}", "heading"), (why, "severity-low")), self.size.width)]
        )
        form.paint([((" ", "normal"), *line) for line in self.entry.lines(width, form.size.height, marks)])
        lines: list[Line] = wrap(clean(self._trouble, 600), width, "severity-medium") if self._trouble else []
        lines = (lines + self.entry.foot(width))[:FOOT_LINES]
        rule: Line = ((marks.rule * self.size.width, "rule"),)
        foot.paint([rule, *(((" ", "normal"), *line) for line in lines)])

    def on_form_lines_changed(self) -> None:
        self._trouble = ""
        self._show_theme()
        self.show_now()

    def action_save(self) -> None:
        """Save as on the last line."""
        form = self.query_one(FormLines)
        if not form.ended:
            self.entry.go_to_end()
            form.action_go()

    def on_form_lines_finished(self) -> None:
        for secret in self.entry.typed_secrets():
            register_secret(secret)
        if self.entry.wanted == TEST:
            self._try()
        else:
            self._save()

    def _show_theme(self) -> None:
        """The theme that is being chosen, at once."""
        if self._table.system == UI and not self._place.why_fixed:
            self.deck_app.wear(self.entry.text("theme") or DEFAULT_THEME)

    def _go_on(self, trouble: str = "") -> None:
        """Let the person type again."""
        self._trouble = redact(trouble)
        if self.is_mounted:
            self.query_one(FormLines).ended = False
            self.show_now()

    # Leave, try, save

    @work(exclusive=True, group="leave")
    async def action_leave(self) -> None:
        """Go back; asks if something was typed."""
        if self.entry.changed:
            words = [tr("What was typed here is not saved.")]
            dialog = AskDialog(tr("Leave without saving?"), words, yes=tr("Leave"))
            if not await self.app.push_screen_wait(dialog):
                return
        if self.app.theme != self._old_theme:
            self.deck_app.wear(self._old_theme)
        self.dismiss(None)

    def _try(self) -> None:
        system = self._place.systems[self._table.system]
        try:
            config = source_of(self._source_model, self.entry.table, self._place.file.path)
        except ConfigError as error:
            self._go_on(str(error))
            return
        self.app.push_screen(ProbeDialog(system, config, self._place.look), lambda _: self._go_on())

    @work(exclusive=True, group="save")
    async def _save(self) -> None:
        """Check the whole file as it would be, ask what has to be asked, write."""
        file = self._place.file
        try:
            change = self._change()
        except ConfigError as error:
            self._go_on(str(error))
            return
        if change.problems:
            self._refuse(change.problems)
            return
        if change.comments_lost and not await self.app.push_screen_wait(comments_question(change)):
            self._go_on()
            return
        try:
            copy = await to_thread.run_sync(file.write, change, self.deck_app.clock)
        except ChangedMeanwhile as error:
            await self._read_again(error)
            return
        except ConfigError as error:
            self._go_on(str(error))
            return
        self._place.saved.append(saved_words(file.path, copy))
        self.dismiss(None)

    def _change(self) -> Change:
        file, table = self._place.file, self._table
        if table.single:
            return file.with_table(table.system, self.entry.table)
        return file.with_source(table.system, table.index, self.entry.table)

    def _refuse(self, problems: Sequence[Problem]) -> None:
        """Show problems at their lines; those of other tables in words."""
        file, table = self._place.file, self._table
        index = len(file.sources(table.system)) if table.index is None else table.index
        here = (table.system,) if table.single else (table.system, index)
        mine, others = [], []
        for each in problems:
            if each.place[: len(here)] == here:
                mine.append(Problem(each.place[len(here) :], 0, "", each.words))
            else:
                others.append(f"{each.title}{each.words}")
        self.entry.refuse(mine)
        self._go_on(" ".join(others))

    async def _read_again(self, error: ChangedMeanwhile) -> None:
        """The file is another: take the new one, keep what was typed, and let the person save again."""
        words = [str(error), tr("Read it again? What was typed here stays, and can be saved after that.")]
        dialog = AskDialog(tr("The file has changed"), words, yes=tr("Read it again"))
        if not await self.app.push_screen_wait(dialog):
            self._go_on(str(error))
            return
        try:
            fresh = SettingsFile(self._place.file.path, self._place.systems)
        except ConfigError as broken:
            self._go_on(str(broken))
            return
        name = self.entry.table_before.get("name")
        if self._table.index is not None:
            names = [each.get("name") for each in fresh.sources(self._table.system)]
            self._table = Table(self._table.system, names.index(name) if name in names else None)
        self._place.file = fresh
        self.entry.start_from(self._written())
        self._go_on(tr("The file was read again. Nothing is written yet."))


def comments_question(change: Change) -> AskDialog:
    """Asks before comments of the file go."""
    words = [
        tr("{count} comments of the file cannot be kept with this change.", count=change.comments_lost),
        tr("A copy of the file as it is now is kept beside it."),
    ]
    return AskDialog(tr("Write without these comments?"), words, yes=tr("Write it"))


def saved_words(path: Path, copy: Path | None) -> str:
    """What was done, in words."""
    if copy is None:
        return tr("Saved in {path}.", path=path)
    return tr("Saved in {path}; the file as it was is {copy}.", path=path, copy=copy.name)
