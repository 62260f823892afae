"""One command from the shell, through the same control as a command from the screen."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import anyio
import click
from anyio import to_thread

from wattdeck.core.command import ControlChanged, Level, Outcome, Request, Selection, State, outcome_word
from wattdeck.core.errors import Cause, CommandRefused
from wattdeck.core.language import later, tr
from wattdeck.core.selecting import moved_together
from wattdeck.core.text import clean

if TYPE_CHECKING:
    from wattdeck.core.deck import Deck

EXIT_OK, EXIT_REFUSED, EXIT_UNCONFIRMED = 0, 4, 5


async def command_from_shell(
    deck: Deck, source: str, kind: str, object_id: str, wanted: str, *, yes: bool, reason: str = ""
) -> int:
    """Select, ask (or take `--yes` for it), operate, say how it ended.

    A hang-up, a termination or Ctrl-C after the yes ends it in order: what is known of it is written and said first
    (control.md 22).

    Returns:
        0 confirmed, 4 refused and nothing sent, 5 sent and not confirmed; 128 and a signal's number if one ended it.
    """
    control = deck.control
    request = Request(source, kind, object_id, wanted, origin="shell", reason=reason)
    try:
        selection = await control.select(request)
        typed = None
        if not yes:
            if not (sys.stdin.isatty() and sys.stderr.isatty()):
                await control.cancel(selection, later("no terminal to confirm on"))
                words = tr("There is no terminal to confirm on. Give --yes to command without asking.")
                raise CommandRefused(Cause.NO_ACCESS_AUTHORITY, words)
            typed = await _ask(selection)
            if typed is None:
                await control.cancel(selection, later("not confirmed in the shell"))
                raise CommandRefused(Cause.ABORTION_BY_CANCEL, tr("Not confirmed; nothing was sent."))
        elif together := moved_together(selection.facts):
            click.echo(f"wattdeck: {together}", err=True)
        with anyio.CancelScope() as scope, _ended_by_signals(scope) as ended:
            try:
                return _report(await control.operate(selection, typed, yes=yes))
            except anyio.get_cancelled_exc_class():
                await _end(deck)
                raise
    except CommandRefused as error:
        words = tr("refused ({cause}): {reason}", cause=error.cause, reason=clean(str(error), 500))
        click.echo(f"wattdeck: {words}", err=True)
        return EXIT_REFUSED
    return 128 + ended[0]


@contextlib.contextmanager
def _ended_by_signals(scope: anyio.CancelScope) -> Iterator[list[int]]:
    """Cancel the scope on a hang-up or a termination, unless it is ignored as under `nohup`; gives their numbers."""
    ended: list[int] = []

    def end(number: int) -> None:
        ended.append(number)
        scope.cancel()

    loop, taken = asyncio.get_running_loop(), []
    for number in (signal.SIGHUP, signal.SIGTERM):
        if signal.getsignal(number) is not signal.SIG_IGN:
            # Only the main thread of a process can take them.
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, end, number)
                taken.append(number)
    try:
        yield ended
    finally:
        for number in taken:
            loop.remove_signal_handler(number)


async def _end(deck: Deck) -> None:
    """Write what is known of a command that is being left, and say it."""
    from wattdeck.shell.words import say

    told: list[ControlChanged] = []
    stop = deck.control.subscribe(told.append)
    with anyio.CancelScope(shield=True):
        await deck.control.shutdown()
    stop()
    for change in told:
        if change.what in ("ended", "refused"):
            say(f"{outcome_word(change.state)}: {change.sentence}")


def _report(outcome: Outcome) -> int:
    said = f"{outcome_word(outcome.state)}: {clean(outcome.sentence, 500)}"
    # An outcome that is an alarm itself is told once.
    same = outcome.alarm == outcome.sentence
    click.echo(f"wattdeck: {tr('ALARM')}: {said}" if same else f"wattdeck: {said}", err=True)
    if outcome.alarm and not same:
        click.echo(f"wattdeck: {tr('ALARM')}: {clean(outcome.alarm, 500)}", err=True)
    if outcome.state is State.REFUSED or not outcome.sent:
        return EXIT_REFUSED
    return EXIT_OK if outcome.state is State.CONFIRMED and not outcome.alarm else EXIT_UNCONFIRMED


async def _ask(selection: Selection) -> str | None:
    """What the person typed, or None for no."""
    for line in selection.lines:
        click.echo(line, err=True)
    if selection.level is Level.TYPE_NAME:
        prompt = tr("Type {this!r} to go on, or Enter to cancel", this=selection.type_this)
        return await to_thread.run_sync(_prompt, prompt, abandon_on_cancel=True) or None
    answer = await to_thread.run_sync(_prompt, tr("Do it? Type yes"), abandon_on_cancel=True)
    return "yes" if answer.strip().lower() in ("y", "yes") else None


def _prompt(words: str) -> str:
    try:
        return str(click.prompt(words, default="", show_default=False, err=True))
    except click.Abort:
        return ""
