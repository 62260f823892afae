"""The dialogs in which a migration is written down or changed. They send nothing: the answer is a draft."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.screen import ModalScreen

from wattdeck.core.lines import Line, clip
from wattdeck.systems.ccee.entry import FOOT_LINES, GO, Entry
from wattdeck.systems.ccee.models import MigrationDraft, MigrationEdit
from wattdeck.systems.ccee.sheets import Sheet
from wattdeck.ui.dialogs import Words
from wattdeck.ui.paint import Painted

if TYPE_CHECKING:
    from wattdeck.ui.app import DeckApp

D = TypeVar("D", MigrationDraft, MigrationEdit)
OTHER_ROWS = 2 + 1 + FOOT_LINES + 1
"""Rows of the dialog that are not fields: its frame, title, foot, keys."""
LONGEST_PASTE = 4000
KEYS: Line = (
    ("Tab", "key"), (" next  ", "label"), ("< >", "key"), (" choose  ", "label"), ("Ctrl+U", "key"),
    (" clear  ", "label"), ("Enter", "key"), (" go on  ", "label"), ("Escape", "key"), (" leave, text kept", "label"),
)  # fmt: skip


class FormLines(Painted, can_focus=True):
    """The fields of a form, one a line. Takes keys and pasted text, and says that something has changed."""

    HELP = (
        "Type into the line with the focus. **Tab** and **Shift+Tab** or the arrows move, **left right space** choose. "
        "**Enter** on the last line checks everything and goes on; nothing is sent before you were asked."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,tab", "move(1)", "Next", id="ccee_form.next", tooltip="Move to the next line"),
        Binding("up,shift+tab", "move(-1)", "Previous", id="ccee_form.previous", show=False,
                tooltip="Move to the line before"),
        Binding("enter", "go", "Go", id="ccee_form.go",
                tooltip="Move to the next line, or on the last one check the form and go on"),
        Binding("left", "turn(-1)", "Left", id="ccee_form.left", show=False,
                tooltip="Move to the left in a text, or take the choice before"),
        Binding("right", "turn(1)", "Right", id="ccee_form.right", show=False,
                tooltip="Move to the right in a text, or take the next choice"),
        Binding("home,ctrl+a", "edge(-1)", "Start", id="ccee_form.start", show=False,
                tooltip="Move to the start of the text"),
        Binding("end,ctrl+e", "edge(1)", "End", id="ccee_form.end", show=False, tooltip="Move to the end of the text"),
        Binding("backspace", "delete(-1)", "Erase", id="ccee_form.erase", show=False,
                tooltip="Take away the character before the caret"),
        Binding("delete", "delete(1)", "Delete", id="ccee_form.delete", show=False,
                tooltip="Take away the character under the caret"),
        Binding("ctrl+u", "clear", "Clear", id="ccee_form.clear", show=False, tooltip="Empty the line"),
    ]  # fmt: skip

    class Changed(Message):
        """A text, the caret or the focus is another."""

    class Finished(Message):
        """Enter was pressed on the last line, and everything is right."""

    def __init__(self, entry: Entry[MigrationDraft] | Entry[MigrationEdit]) -> None:
        super().__init__(id="form")
        self._entry = entry
        self.ended = False
        """The form is being left: keys that were typed after that mean nothing."""

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whatever can be printed is typed, not looked up among the bindings of what lies below."""
        del key
        return character is not None and character.isprintable()

    async def on_key(self, event: events.Key) -> None:
        """Do what the key means, whatever it is, before the next one is looked at.

        A binding's own way through the widgets above takes longer than a character's: in a burst from a slow line the
        characters after a tab would still land before it.
        """
        if self.ended:
            event.stop()
        elif event.is_printable and event.character is not None:
            event.stop()
            self._entry.insert(event.character)
            self.post_message(self.Changed())
        elif (found := self.screen.active_bindings.get(event.key)) is not None:
            event.stop()
            await self.app.run_action(found.binding.action, found.node)

    def on_paste(self, event: events.Paste) -> None:
        """Take pasted text: a form is no decision, the question after it is."""
        event.stop()
        self._entry.insert(event.text[:LONGEST_PASTE])
        self.post_message(self.Changed())

    def on_click(self, event: events.Click) -> None:
        """Give the focus to the line under the mouse."""
        self._entry.point_at(event.y)
        self.post_message(self.Changed())

    def action_move(self, step: int) -> None:
        """Move to another line."""
        self._entry.move(step)
        self.post_message(self.Changed())

    def action_go(self) -> None:
        """Move to the next line, or finish on the last one."""
        if self._entry.focus != GO:
            self.action_move(1)
        elif self._entry.finish() is None:
            self.post_message(self.Changed())
        else:
            self.ended = True
            self.post_message(self.Finished())

    def action_turn(self, step: int) -> None:
        """Move in a text, or take another choice."""
        self._entry.turn(step)
        self.post_message(self.Changed())

    def action_edge(self, end: int) -> None:
        """Move to the start or the end of a text."""
        self._entry.edge(end)
        self.post_message(self.Changed())

    def action_delete(self, step: int) -> None:
        """Take a character away."""
        self._entry.delete(step)
        self.post_message(self.Changed())

    def action_clear(self) -> None:
        """Empty the line."""
        self._entry.clear()
        self.post_message(self.Changed())


class _Form(ModalScreen[D | None]):
    """What both forms have in common."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Leave", id="ccee_form.leave", tooltip="Go back; what was typed is kept"),
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
        self.query_one("#keys", Words).show_lines([clip(KEYS, width)])


class MigrationForm(_Form[MigrationDraft]):
    """Writes down a new migration. The answer is the draft, or None if the person left."""


class EditForm(_Form[MigrationEdit]):
    """Writes down other values for a migration. The answer is the edit, or None if the person left."""
