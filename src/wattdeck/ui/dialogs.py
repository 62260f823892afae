"""Questions to the person: plain ones, a choice, and the one before a relay moves."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.geometry import Size
from textual.screen import ModalScreen

from wattdeck.core.command import Level, shown_name, value_words
from wattdeck.core.language import later, tr, tr_as
from wattdeck.core.lines import Column, Line, Row, wrap
from wattdeck.core.text import clean
from wattdeck.ui.paint import Painted
from wattdeck.ui.table import DeckTable

if TYPE_CHECKING:
    from textual.widgets import Input

    from wattdeck.core.command import Selection
    from wattdeck.ui.app import DeckApp

MIN_WIDTH, MIN_HEIGHT = 60, 18
"""Below this no command can be confirmed: what it says could not be read."""
OPEN_GUARD_S = 0.3
"""Keys this soon after a dialog opened were not meant for it (control.md 7)."""
REPEAT_GUARD_S = 0.15
"""A key this soon after another one is a held key or pasted text, not a decision (control.md 7)."""


def can_be_read(size: Size) -> bool:
    """Whether a question about a command can be read on a screen of this size."""
    return size.width >= MIN_WIDTH and size.height >= MIN_HEIGHT


def room_in(columns: int) -> int:
    """Cells for words in a dialog on a screen so wide: its share of the screen without its frame."""
    return max(20, min(74, columns * 96 // 100 - 4))


class Words(Painted):
    """Lines of a dialog, as high as they are many."""

    DEFAULT_CSS = "Words { height: auto; }"

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show the lines and take the room they need."""
        if self.styles.height is None or self.styles.height.value != len(lines):
            self.styles.height = len(lines)
        self.paint(lines)


class Guarded(ModalScreen[str | None]):
    """A dialog whose yes is a key of its own that neither haste nor paste can press."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n,q", "no", "Cancel", id="dialog.cancel", tooltip="Do nothing and go back"),
        Binding("enter", "no", "Cancel", id="dialog.default", show=False, tooltip="Cancel, which has the focus"),
        Binding("y", "yes", "Yes", id="dialog.yes", tooltip="Do what the dialog says"),
    ]

    _opened_s = 0.0
    _last_key_s = float("-inf")

    def on_screen_resume(self) -> None:
        self._opened_s = self._clock_s()

    def on_key(self, event: events.Key) -> None:
        """Note when any other key came: what follows at once is a burst."""
        if event.key != "y":
            self._last_key_s = self._clock_s()

    def _clock_s(self) -> float:
        app: DeckApp = self.app  # type: ignore[assignment]
        return app.clock.monotonic()

    def on_paste(self, event: events.Paste) -> None:
        """Pasted text is never an answer."""
        event.stop()

    def key_is_meant(self) -> bool:
        """Whether the key just pressed counts as a decision."""
        now_s = self._clock_s()
        meant = now_s - self._opened_s >= OPEN_GUARD_S and now_s - self._last_key_s >= REPEAT_GUARD_S
        self._last_key_s = now_s
        return meant

    def action_no(self) -> None:
        """Go back without doing anything."""
        self.dismiss(None)

    def action_yes(self) -> None:
        """Do it, if the key was meant."""
        if self.key_is_meant():
            self.dismiss("yes")


def _answers(yes: str) -> Line:
    """Cancel, which has the focus, and the key that says yes."""
    return ((f"[ {tr('Cancel')} ]", "mode-read-only"), ("     ", "normal"), ("y", "key"), (f"  {yes}", "label"))


class AskDialog(Guarded):
    """A plain question; the answer is `yes` or None."""

    def __init__(self, title: str, words: Sequence[str], *, yes: str) -> None:
        super().__init__()
        self._title = title
        self._words = words
        self._yes = yes

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Words(id="words")

    def on_resize(self) -> None:
        self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        words = self.query_one("#words", Words)
        width = room_in(self.app.size.width)
        lines: list[Line] = [((self._title, "heading"),), ()]
        for sentence in self._words:
            lines += wrap(sentence, width)
        lines += [(), _answers(self._yes)]
        words.show_lines(lines)


class ChoiceDialog(ModalScreen[str | None]):
    """Pick one of a few values; the one in force is marked. None = nothing picked."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Cancel", id="dialog.cancel", tooltip="Do nothing and go back"),
    ]

    def __init__(self, title: str, choices: Sequence[tuple[str, str]], current: str) -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._current = current

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Words(id="words")
            yield DeckTable((Column("value", "", 30, flex=True),), id="choices")

    def on_mount(self) -> None:
        table = self.query_one("#choices", DeckTable)
        table.styles.height = len(self._choices) + 1
        table.show(
            [
                Row(value, ((words + (f"   ({tr('now')})" if value == self._current else ""), "normal"),))
                for value, words in self._choices
            ]
        )
        table.focus()
        self.query_one("#words", Words).show_lines([((self._title, "heading"),)])

    def on_deck_table_opened(self, message: DeckTable.Opened) -> None:
        self.dismiss(message.row_id)


class OperateDialog(Guarded):
    """The second step of select-before-operate: says what was selected and what will happen, and counts down.

    The answer is the text that confirms: `yes`, or the circuit's name where the rules ask for it. None = cancelled;
    `reason` then says why.
    """

    BY_OPERATOR: ClassVar[str] = later("cancelled by the operator")

    def __init__(self, selection: Selection, describe: Callable[[Selection], Sequence[str]]) -> None:
        super().__init__()
        self._selection = selection
        self._describe = describe
        self._type_name = selection.level is Level.TYPE_NAME
        request = selection.request
        name, value = shown_name(selection.facts), value_words(selection.facts, request.kind, request.wanted)
        verb = {"open": tr_as("command", "Open"), "closed": tr_as("command", "Close")}.get(request.wanted)
        question = tr("Set {name} to {value}?", name=name, value=value)
        if verb is not None:
            question = tr("{verb} {name}?", verb=verb, name=name)
        verb = verb or tr("Set to {value}", value=value)
        words = selection.facts.wording
        self._title = clean(words.question) or question
        self._yes = clean(words.yes) or (tr("{verb} the relay", verb=verb) if request.kind == "relay" else verb)
        self.reason = self.BY_OPERATOR

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Words(id="words")
            if self._type_name:
                from wattdeck.ui.prompt import Typed

                yield Typed(placeholder=tr("type the name, then Enter"), id="name", max_length=200)

    def on_mount(self) -> None:
        self.set_interval(1.0, self.show_now)
        # Only the app hears of it when the terminal loses the focus.
        self.watch(self.app, "app_focus", self._focus_changed, init=False)

    def show_now(self) -> None:
        """Fill in the words with the time that is left; an expired selection closes the dialog."""
        left_s = self._selection.remaining_s(self._clock_s())
        if left_s <= 0:
            self.close_for(tr("the selection expired"))
            return
        # A float's last digit must not make a second of it.
        seconds = math.ceil(round(left_s, 3))
        width = room_in(self.app.size.width)
        lines: list[Line] = [((self._title, "heading"),), ()]
        for sentence in self._describe(self._selection):
            lines += wrap(sentence, width)
        lines.append(())
        if self._type_name:
            words = tr(
                "{seconds} s left. Type {this} and press Enter; Escape cancels.",
                seconds=seconds,
                this=self._selection.type_this,
            )
            lines += wrap(words, width, "severity-medium")
        else:
            lines.append((*_answers(self._yes), ("     " + tr("{seconds} s left", seconds=seconds), "muted")))
        self.query_one("#words", Words).show_lines(lines)

    def close_for(self, reason: str) -> None:
        """Cancel from outside: the selection is no longer what was shown."""
        self.reason = reason
        if self.is_current:
            self.dismiss(None)

    def action_yes(self) -> None:
        if not self._type_name:
            super().action_yes()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """The typed name is the yes; control compares it."""
        event.stop()
        if self._clock_s() - self._opened_s >= OPEN_GUARD_S:
            self.dismiss(event.value)

    def _focus_changed(self, focused: bool) -> None:
        if not focused:
            self.close_for(tr("the terminal lost the focus"))

    def on_resize(self) -> None:
        if not can_be_read(self.app.size):
            self.close_for(tr("the terminal became too small to read the question"))
        else:
            self.call_after_refresh(self.show_now)
