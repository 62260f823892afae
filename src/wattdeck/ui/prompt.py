"""One line at the bottom to type into."""

from __future__ import annotations

from typing import Any

from textual import events
from textual.screen import Screen
from textual.widgets import Input


class Typed(Input):
    """A line that takes keys only: pasted text is never a decision (control.md 7)."""

    def _on_paste(self, event: events.Paste) -> None:
        event.stop()
        event.prevent_default()


class Prompt(Input):
    """A line of input that goes away on escape, and takes what was typed with it."""

    def key_escape(self) -> None:
        self.value = ""
        close_prompt(self.screen)


def open_prompt(screen: Screen[Any], placeholder: str, value: str = "", *, most: int = 60) -> None:
    """Show the prompt above the footer and put the cursor into it."""
    screen.add_class("-typing")
    found = screen.query("#prompt")
    if not found:
        screen.mount(Prompt(value, placeholder=placeholder, id="prompt", classes="-shown", max_length=most))
        screen.call_after_refresh(lambda: screen.query_one("#prompt").focus())
        return
    prompt = found.first(Prompt)
    prompt.placeholder, prompt.max_length = placeholder, most
    prompt.value = value
    prompt.add_class("-shown")
    prompt.focus()


def close_prompt(screen: Screen[Any]) -> None:
    """Hide the prompt and give the focus back to what is on the screen."""
    screen.remove_class("-typing")
    for prompt in screen.query("#prompt"):
        prompt.remove_class("-shown")
    screen.focus_next(screen.AUTO_FOCUS or "DeckTable")
