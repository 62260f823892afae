"""The person at the terminal, if there is one: what is asked of them, and what they answer."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator

import click

from wattdeck.core.errors import Cause, CommandRefused, UsageError
from wattdeck.core.language import tr


class Person:
    """Questions go to stderr. Each waits for its answer and lets nothing else run; Ctrl-C ends the command."""

    @property
    def there(self) -> bool:
        """Whether anybody can be asked."""
        return sys.stdin.isatty() and sys.stderr.isatty()

    def agrees(self, question: str) -> bool:
        """Whether the answer is yes, typed in full or as `y`; Enter is no."""
        return self.text(tr("{question} Type yes", question=question)).strip().lower() in ("y", "yes")

    def text(self, question: str) -> str:
        """A line; Enter gives an empty one."""
        with _interruptible():
            return str(click.prompt(question, default="", show_default=False, err=True))

    def secret(self, question: str) -> str:
        """A line that is not echoed; Enter gives an empty one."""
        with _interruptible():
            return str(click.prompt(question, default="", show_default=False, hide_input=True, err=True))

    def must_agree(self, question: str, option: str) -> None:
        """Go on only with a yes.

        Raises:
            UsageError: there is nobody to ask; names the option that says it without.
            CommandRefused: the answer was no.
        """
        if not self.there:
            words = {"question": question, "option": option}
            raise UsageError(tr("{question} There is no terminal to ask on; give {option}", **words))
        if not self.agrees(question):
            raise CommandRefused(Cause.ABORTION_BY_CANCEL, tr("Not agreed; nothing was sent and nothing was stored."))

    def may_agree(self, question: str, said: bool | None) -> bool:
        """What an option said; else what the person says; else no."""
        if said is not None:
            return said
        return self.there and self.agrees(question)


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """While a person types, Ctrl-C means it: the event loop would only take note of the first one.

    Raises:
        KeyboardInterrupt: it was pressed, or the input ended.
    """
    before = None
    with contextlib.suppress(ValueError):  # only the main thread takes signals
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except click.Abort:
        raise KeyboardInterrupt from None
    finally:
        if before is not None:
            signal.signal(signal.SIGINT, before)
