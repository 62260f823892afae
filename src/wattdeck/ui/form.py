"""The lines of a form: keys and pasted text go to whoever keeps the texts."""

from __future__ import annotations

from typing import ClassVar, Protocol

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from wattdeck.core.language import later
from wattdeck.ui.paint import Painted

LONGEST_PASTE = 4000


class Typing(Protocol):
    """A form while somebody types into it. Keys arrive as calls."""

    @property
    def at_end(self) -> bool:
        """The focus is on the last line, which is no field."""
        ...

    def move(self, step: int) -> None: ...
    def turn(self, step: int) -> None: ...
    def edge(self, end: int) -> None: ...
    def insert(self, text: str) -> None: ...
    def delete(self, step: int) -> None: ...
    def clear(self) -> None: ...
    def point_at(self, y: int) -> None: ...

    def finish(self) -> object | None:
        """What the form says; None while anything is wrong."""
        ...


class FormLines(Painted, can_focus=True):
    """The fields of a form, one a line. Takes keys and pasted text, and says that something has changed."""

    HELP = later(
        "Type into the line with the focus. **Tab** and **Shift+Tab** or the arrows move, **left right space** choose. "
        "**Enter** on the last line checks everything and goes on; nothing is done before that."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,tab", "move(1)", "Next", id="form.next", tooltip="Move to the next line"),
        Binding("up,shift+tab", "move(-1)", "Previous", id="form.previous", show=False,
                tooltip="Move to the line before"),
        Binding("pagedown", "move(10)", "Ahead", id="form.ten_down", show=False, tooltip="Move ten lines down"),
        Binding("pageup", "move(-10)", "Back", id="form.ten_up", show=False, tooltip="Move ten lines up"),
        Binding("enter", "go", "Go", id="form.go",
                tooltip="Move to the next line, or on the last one check the form and go on"),
        Binding("left", "turn(-1)", "Left", id="form.left", show=False,
                tooltip="Move to the left in a text, or take the choice before"),
        Binding("right", "turn(1)", "Right", id="form.right", show=False,
                tooltip="Move to the right in a text, or take the next choice"),
        Binding("home,ctrl+a", "edge(-1)", "Start", id="form.start", show=False,
                tooltip="Move to the start of the text"),
        Binding("end,ctrl+e", "edge(1)", "End", id="form.end", show=False, tooltip="Move to the end of the text"),
        Binding("backspace", "delete(-1)", "Erase", id="form.erase", show=False,
                tooltip="Take away the character before the caret"),
        Binding("delete", "delete(1)", "Delete", id="form.delete", show=False,
                tooltip="Take away the character under the caret"),
        Binding("ctrl+u", "clear", "Clear", id="form.clear", show=False, tooltip="Empty the line"),
    ]  # fmt: skip

    class Changed(Message):
        """A text, the caret or the focus is another."""

    class Finished(Message):
        """Enter was pressed on the last line, and everything is right."""

    def __init__(self, entry: Typing) -> None:
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
        if not self._entry.at_end:
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
