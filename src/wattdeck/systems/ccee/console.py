"""What the shell commands of CCEE share: options, finding the agent and the migration, and one way to command."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from wattdeck.core.errors import SourceError, UsageError
from wattdeck.core.language import tr
from wattdeck.shell.context import AppContext
from wattdeck.shell.output import Output
from wattdeck.shell.source import one_source
from wattdeck.shell.words import EXIT_PROBLEM, say
from wattdeck.systems.ccee.checks import FIRST_YEAR, LAST_YEAR
from wattdeck.systems.ccee.documents import bare_document, valid_unit_code
from wattdeck.systems.ccee.months import parse_month

if TYPE_CHECKING:
    from wattdeck.systems.ccee.intentions import Intention
    from wattdeck.systems.ccee.models import Migration
    from wattdeck.systems.ccee.source import CceeSource

T = TypeVar("T")


class _Day(click.DateTime):
    """A day near enough to this century that others can be reckoned from it."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        found: datetime = super().convert(value, param, ctx)
        if not FIRST_YEAR <= found.year <= LAST_YEAR:
            words = tr("{day} is not between {first} and {last}", day=found.date(), first=FIRST_YEAR, last=LAST_YEAR)
            self.fail(words, param, ctx)
        return found


DAY = _Day(["%Y-%m-%d"])
yes_option = click.option("--yes", is_flag=True, help="Do not ask; every other rule still holds.")
unmasked = click.option("--show-documents", is_flag=True, help="Print documents and e-mail addresses whole.")
profiled = click.option("--profile", type=int, help="Profile code, where the source has more than one.")


def month(text: str) -> str:
    """A month as an option takes it.

    Raises:
        click.BadParameter: it is none; says what was expected.
    """
    try:
        return parse_month(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def months_of(source: CceeSource, first: str | None, last: str | None) -> tuple[str, str]:
    """The months to list: an end that was not named is the source's, or the other end where that lies beyond it.

    Raises:
        UsageError: they end before they start.
    """
    window = source.window
    months = first or min(window[0], last or window[0]), last or max(window[1], first or window[1])
    if months[0] > months[1]:
        raise UsageError(tr("--from {first} is after --to {last}", first=months[0], last=months[1]))
    return months


def unit_code(text: str) -> str:
    """A consumer unit's code as CCEE has it: 15 digits without their punctuation, an older one letter by letter."""
    return bare_document(text) if valid_unit_code(text) else text.strip()


reason_option = click.option("--reason", default="", help="Why; kept in the journal.")


async def find_migration(source: CceeSource, migration_id: str, profile: int | None) -> Migration:
    """The migration of that id, in the named profile or in any of the source's.

    Raises:
        UsageError: there is none.
        SourceError: it could not be read.
    """
    found = await in_any_profile(
        source,
        profile,
        tr("migration {id}", id=repr(migration_id)),
        lambda each: source.client.migration(migration_id, each),
    )
    return source.dated(found)


async def in_any_profile(source: CceeSource, profile: int | None, what: str, read: Callable[[int], Awaitable[T]]) -> T:
    """What is read of the named profile, or of the first of the source's that knows it.

    Raises:
        UsageError: none knows it.
        SourceError: it could not be read.
    """
    from wattdeck.systems.ccee.errors import NotFoundError

    profiles = source.config.profiles if profile is None else (profile,)
    for each in profiles:
        try:
            return await read(each)
        except NotFoundError:
            continue
    known = ", ".join(map(str, profiles))
    raise UsageError(tr("there is no {what} in profile {profiles}", what=what, profiles=known))


def one_profile(source: CceeSource, profile: int | None) -> int:
    """The profile that was meant.

    Raises:
        UsageError: the source has several and none was named, or not this one.
    """
    known = source.config.profiles
    if profile is None and len(known) == 1:
        return known[0]
    if profile is None or profile not in known:
        named = ", ".join(map(str, known))
        raise UsageError(tr("which profile? Name one with --profile: {profiles}", profiles=named))
    return profile


def refuse(sentences: Sequence[str]) -> None:
    """Raise UsageError with all that is wrong, if anything is."""
    if sentences:
        raise UsageError("\n".join(sentences))


async def printed(form: str, fill: Callable[[Output], Awaitable[None]]) -> int:
    """Print a list as it comes; 1 if it broke off behind its first rows, which are printed all the same.

    Raises:
        SourceError: nothing of it could be read.
    """
    output = Output(form)
    try:
        with output:
            await fill(output)
    except SourceError as error:
        if not output.rows:
            raise
        say(tr("{reason}. The list is not whole.", reason=error))
        return EXIT_PROBLEM
    if output.skipped:
        say(tr("{count} of the list's entries cannot be read, and are not among these", count=output.skipped))
        return EXIT_PROBLEM
    return 0


async def on_agent(
    app: AppContext, name: str | None, use_demo: bool, work: Callable[[CceeSource], Awaitable[int]]
) -> int:
    """Open the sources and do something with the agent that was meant."""
    from wattdeck.shell.headless import open_hub

    async with open_hub(app, use_demo, system="ccee") as hub:
        return await work(cast("CceeSource", one_source(hub, "ccee", name, tr("CCEE agent"))))


async def command(
    app: AppContext,
    name: str | None,
    use_demo: bool,
    stage: Callable[[CceeSource], Awaitable[Intention]],
    yes: bool,
    reason: str,
) -> int:
    """One command through control: stage it, read what is there, ask, send once, read back."""
    from wattdeck.shell.command import command_from_shell
    from wattdeck.shell.headless import open_deck

    async with open_deck(app, use_demo) as deck:
        source = cast("CceeSource", one_source(deck.hub, "ccee", name, tr("CCEE agent")))
        intention = source.operable.stage(await stage(source))
        await source.operable.read_back(intention.kind, intention.object_id)
        return await command_from_shell(
            deck, source.id, intention.kind, intention.object_id, intention.wanted, yes=yes, reason=reason
        )


def profiles_of(agent: CceeSource, profile: int | None) -> tuple[int, ...]:
    """The named profile, or all of the source's."""
    return agent.config.profiles if profile is None else (profile,)


def day_of(moment: datetime | None) -> date | None:
    """The day an option named, if it was given."""
    return None if moment is None else moment.date()
