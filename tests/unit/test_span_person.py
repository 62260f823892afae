"""Questions to the person at a terminal: what counts as a yes, and Ctrl-C while they type."""

from __future__ import annotations

import signal

import click
import pytest

from wattdeck.core.errors import CommandRefused, UsageError
from wattdeck.systems.span.person import Person


def answering(monkeypatch: pytest.MonkeyPatch, answer: str | None) -> list[object]:
    """Puts somebody at the terminal who types this; None presses Ctrl-C. Returns who takes Ctrl-C meanwhile."""
    handlers: list[object] = []

    def prompt(*_: object, **__: object) -> str:
        handlers.append(signal.getsignal(signal.SIGINT))
        if answer is None:
            raise click.Abort
        return answer

    monkeypatch.setattr(click, "prompt", prompt)
    monkeypatch.setattr(Person, "there", True)
    return handlers


@pytest.mark.parametrize(
    ("answer", "agreed"), [("yes", True), ("Y", True), (" yes ", True), ("", False), ("ye", False)]
)
def test_only_yes_is_a_yes(monkeypatch: pytest.MonkeyPatch, answer: str, agreed: bool) -> None:
    answering(monkeypatch, answer)
    assert Person().agrees("Sure?") is agreed
    if not agreed:
        with pytest.raises(CommandRefused):
            Person().must_agree("Sure?", "--sure")


def test_an_option_is_not_asked_about_and_silence_is_no(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answering(monkeypatch, "yes")
    assert Person().may_agree("Sure?", True) and not Person().may_agree("Sure?", False) and not asked
    monkeypatch.setattr(Person, "there", False)
    assert not Person().may_agree("Sure?", None)
    with pytest.raises(UsageError, match=r"Sure.*--sure"):
        Person().must_agree("Sure?", "--sure")
    assert not asked


@pytest.mark.parametrize("hidden", [True, False])
def test_ctrl_c_while_typing_ends_the_command_and_is_given_back(monkeypatch: pytest.MonkeyPatch, hidden: bool) -> None:
    before = signal.getsignal(signal.SIGINT)
    handlers = answering(monkeypatch, None)
    with pytest.raises(KeyboardInterrupt):
        (Person().secret if hidden else Person().text)("Passphrase")
    assert handlers == [signal.default_int_handler] and signal.getsignal(signal.SIGINT) is before
