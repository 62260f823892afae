"""The dialogs in which a migration is written down or changed. They send nothing: the answer is a draft."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from wattdeck.core.language import later, tr
from wattdeck.core.lines import Line, Span, clip
from wattdeck.systems.ccee.entry import FOOT_LINES, Entry
from wattdeck.systems.ccee.models import MigrationDraft, MigrationEdit
from wattdeck.systems.ccee.sheets import Sheet
from wattdeck.ui.dialogs import Words
from wattdeck.ui.form import FormLines

if TYPE_CHECKING:
    from wattdeck.ui.app import DeckApp

D = TypeVar("D", MigrationDraft, MigrationEdit)
OTHER_ROWS = 2 + 1 + FOOT_LINES + 1
"""Rows of the dialog that are not fields: its frame, title, foot, keys."""
KEYS = (
    ("Tab", later("next")), ("< >", later("choose")), ("Ctrl+U", later("clear")), ("Enter", later("go on")),
    ("Escape", later("leave, text kept")),
)  # fmt: skip
"""What keys do in a form."""


class _Form(ModalScreen[D | None]):
    """What both forms have in common."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="form.leave", tooltip="Go back; what was typed is kept"),
    ]
    HELP = FormLines.HELP

    def __init__(self, sheet: Sheet[D], values: dict[str, str] | None = None) -> None:
        """`values` is what was typed before; it is changed in place, so that the form can be opened again."""
        super().__init__()
        self._entry: Entry[D] = Entry(sheet, values)

    @property
    def values(self) -> dict[str, str]:
        """The texts as they stand."""
        return self._entry.values

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Words(id="title")
            yield FormLines(self._entry)
            yield Words(id="foot")
            yield Words(id="keys")

    def on_mount(self) -> None:
        self.query_one(FormLines).focus()
        self.call_after_refresh(self._show)

    def on_resize(self) -> None:
        if self.is_mounted:
            self.call_after_refresh(self._show)

    def on_form_lines_changed(self) -> None:
        self._show()

    def on_form_lines_finished(self) -> None:
        self.dismiss(self._entry.finish())

    def action_leave(self) -> None:
        """Go back without a draft."""
        self.query_one(FormLines).ended = True
        self.dismiss(None)

    def _show(self) -> None:
        """Fill in every part for the size there is."""
        if not self.is_mounted or not self.is_current:
            return
        size = self.app.size
        # The dialog takes at most 96 % of the screen, and its frame four cells of that.
        width = max(20, min(74, size.width * 96 // 100 - 4))
        room = max(1, min(self._entry.height(), size.height * 96 // 100 - OTHER_ROWS))
        app: DeckApp = self.app  # type: ignore[assignment]
        self.query_one("#title", Words).show_lines([clip(((self._entry.sheet.title, "heading"),), width)])
        form = self.query_one(FormLines)
        if form.styles.height is None or form.styles.height.value != room:
            form.styles.height = room
        form.paint(self._entry.lines(width, room, app.glyphs))
        self.query_one("#foot", Words).show_lines(self._entry.foot(width))
        self.query_one("#keys", Words).show_lines([clip(_keys_line(), width)])


def _keys_line() -> Line:
    spans: list[Span] = []
    for key, words in KEYS:
        spans += [(key, "key"), (f" {tr(words)}  ", "label")]
    return (*spans[:-1], (spans[-1][0].rstrip(), "label"))


class MigrationForm(_Form[MigrationDraft]):
    """Writes down a new migration. The answer is the draft, or None if the person left."""


class EditForm(_Form[MigrationEdit]):
    """Writes down other values for a migration. The answer is the edit, or None if the person left."""
