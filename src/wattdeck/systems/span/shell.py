"""`wattdeck span ...`: one panel from the shell."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

import anyio
import click

from wattdeck.core.errors import AuthError, SourceError, UsageError
from wattdeck.core.language import tr
from wattdeck.core.text import clean
from wattdeck.shell.context import AppContext
from wattdeck.shell.ranges import FiniteRange
from wattdeck.shell.source import common, formatted, one_source
from wattdeck.shell.words import say
from wattdeck.systems.span.models import Circuit, PanelSnapshot

if TYPE_CHECKING:
    from wattdeck.core.hub import Hub
    from wattdeck.systems.span.config import SpanConfig
    from wattdeck.systems.span.source import SpanSource

DOOR_POLL_S = 2.0
DOOR_WAIT_S = 900.0
"""The door procedure opens registration for about this long (span.md 3)."""


@click.group()
def group() -> None:
    """SPAN smart panels: circuits, relays, priorities."""


@group.command()
@common
@formatted
@click.pass_obj
def status(app: AppContext, source: str | None, use_demo: bool, form: str) -> None:
    """Print the panel's own figures."""
    click.get_current_context().exit(anyio.run(_print, app, source, use_demo, form, False))


@group.command()
@common
@formatted
@click.pass_obj
def circuits(app: AppContext, source: str | None, use_demo: bool, form: str) -> None:
    """Print the circuits with power, energy, relay and priority."""
    click.get_current_context().exit(anyio.run(_print, app, source, use_demo, form, True))


@group.command()
@click.argument("circuit")
@click.argument("position", type=click.Choice(["open", "closed"]))
@click.option("--yes", is_flag=True, help="Do not ask; every other rule still holds.")
@click.option("--reason", default="", help="Why; kept in the journal.")
@common
@click.pass_obj
def relay(
    app: AppContext, circuit: str, position: str, yes: bool, reason: str, source: str | None, use_demo: bool
) -> None:
    """Open or close the relay of CIRCUIT (name, id or space)."""
    ask = partial(_command, app, source, use_demo, "relay", circuit, position, yes, reason)
    click.get_current_context().exit(anyio.run(ask))


@group.command()
@click.argument("circuit")
@click.argument("value", metavar="must-have|nice-to-have|non-essential|never|soc-threshold|off-grid")
@click.option("--yes", is_flag=True, help="Do not ask; every other rule still holds.")
@click.option("--reason", default="", help="Why; kept in the journal.")
@common
@click.pass_obj
def priority(
    app: AppContext, circuit: str, value: str, yes: bool, reason: str, source: str | None, use_demo: bool
) -> None:
    """Set the load priority of CIRCUIT (name, id or space): must-have is never shed (the maker's v2 word: never),
    nice-to-have below the battery's threshold (soc-threshold), non-essential as soon as the grid is away (off-grid).
    """
    from wattdeck.systems.span.commands import priority_named

    wanted = priority_named(value)
    ask = partial(_command, app, source, use_demo, "priority", circuit, wanted, yes, reason)
    click.get_current_context().exit(anyio.run(ask))


@group.command()
@click.option("--source", metavar="NAME", help="Which panel, where more than one is configured.")
@click.option("--passphrase", is_flag=True, help="Ask for the panel's passphrase instead of the door (newer firmware).")
@click.option("--name", default=None, help="Name of the registration on the panel (else made up).")
@click.option("--wait", type=FiniteRange(0, 3600), default=DOOR_WAIT_S, help="Seconds to wait for the door.")
@click.pass_obj
def register(app: AppContext, source: str | None, passphrase: bool, name: str | None, wait: float) -> None:
    """Get a token from the panel: walks through the door procedure and stores what comes back."""
    secret = click.prompt(tr("Passphrase"), hide_input=True, err=True) if passphrase else None
    click.get_current_context().exit(anyio.run(_register, app, source, secret, name, wait))


def one_panel(hub: Hub, name: str | None) -> SpanSource:
    """The panel that was meant; raises as `one_source`."""
    return cast("SpanSource", one_source(hub, "span", name, "SPAN panel"))


def find_circuit(snapshot: PanelSnapshot, text: str) -> Circuit:
    """The one circuit a person means by an id, a name in any case, or a space number.

    Raises:
        UsageError: none fits, or more than one does; lists what there is.
    """
    wanted = text.casefold()
    tests: Sequence[Callable[[Circuit], bool]] = (
        lambda circuit: circuit.circuit_id == text,
        lambda circuit: circuit.name.casefold() == wanted,
        lambda circuit: text.isdigit() and int(text) in circuit.tabs,
        lambda circuit: wanted in circuit.name.casefold(),
    )
    for test in tests:
        found = [circuit for circuit in snapshot.circuits if test(circuit)]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(f"{circuit.name} ({circuit.circuit_id})" for circuit in found)
            raise UsageError(tr("{text} fits more than one circuit: {names}", text=repr(text), names=names))
    names = ", ".join(circuit.name for circuit in snapshot.circuits if not circuit.virtual)
    raise UsageError(tr("there is no circuit {text}; there are: {names}", text=repr(text), names=names))


def commanded(snapshot: PanelSnapshot, text: str) -> str:
    """The id of what a person wants to command. The main relay can be named, so that control says why not."""
    from wattdeck.systems.span.commands import MAIN_RELAY_ID

    if text.casefold().replace(" ", "-") in (MAIN_RELAY_ID, "main-relay") and not _named(snapshot, text):
        return MAIN_RELAY_ID
    return find_circuit(snapshot, text).circuit_id


def _named(snapshot: PanelSnapshot, text: str) -> bool:
    return any(circuit.name.casefold() == text.casefold() for circuit in snapshot.circuits)


async def _print(app: AppContext, name: str | None, use_demo: bool, form: str, with_circuits: bool) -> int:
    from wattdeck.core import export, snapshot
    from wattdeck.shell.headless import open_hub
    from wattdeck.systems.span.report import status_lines

    async with open_hub(app, use_demo) as hub:
        source = one_panel(hub, name)
        await hub.once([source.id])
        now = hub.clock.now()
        if form == "text":
            lines = status_lines(source.feed.reading, now)
            sys.stdout.write(export.to_text(hub, [source.id], now) if with_circuits else "\n".join(lines) + "\n")
        else:
            document = snapshot.document(hub, [source.id], now)
            if not with_circuits:
                for each in document["sources"]:
                    (each["feeds"]["panel"]["data"] or {}).pop("circuits", None)
            sys.stdout.write(export.to_csv(document) if form == "csv" else export.to_json(document) + "\n")
        return snapshot.exit_code(hub, [source.id])


async def _command(
    app: AppContext,
    name: str | None,
    use_demo: bool,
    kind: str,
    circuit: str,
    wanted: str,
    yes: bool,
    reason: str,
) -> int:
    from wattdeck.shell.command import command_from_shell
    from wattdeck.shell.headless import open_deck

    async with open_deck(app, use_demo) as deck:
        source = one_panel(deck.hub, name)
        reading = await source.feed.poll()
        if reading.snapshot is None:
            raise SourceError(f"{source.id}: {reading.problem}")
        found = commanded(reading.snapshot, circuit)
        await source.feed.poll_fresh()
        return await command_from_shell(deck, source.id, kind, found, wanted, yes=yes, reason=reason)


async def _register(
    app: AppContext, name: str | None, secret: str | None, client_name: str | None, wait_s: float
) -> int:
    from wattdeck.core.hub import Hub
    from wattdeck.core.paths import state_dir, token_path
    from wattdeck.core.secrets import store_private
    from wattdeck.core.sources import sources_of

    pairs = [pair for pair in sources_of(app.settings, app.systems) if pair[0].name == "span"]
    async with Hub(pairs, state_dir=state_dir(), keep_last=False) as hub:
        source = one_panel(hub, name)
        if secret is None:
            await _wait_for_door(hub, source, wait_s)
        own_name = client_name or _unique_name()
        registration = await source.client.register(own_name, "wattdeck", secret)
        config: SpanConfig = source.config
        path = token_path(state_dir(), "span", config.name)
        store_private(path, registration.token + "\n")
        say(tr("registered as {name}; the token is in {path}", name=own_name, path=path))
        source.client.set_token(registration.token)
        panel = await source.client.panel()
        say(tr("the panel answers: {count} spaces. All set.", count=len(panel.branches)))
        if config.token is not None:
            words = tr(
                "{source} has a `token` in the configuration, which is used instead; take it out", source=source.id
            )
            say(words)
    return 0


async def _wait_for_door(hub: Hub, source: SpanSource, wait_s: float) -> None:
    """Say what to do and watch the panel until it has been done.

    Raises:
        AuthError: it was not done in time.
    """
    from wattdeck.systems.span.client import DOOR_PROCEDURE

    deadline_s = hub.clock.monotonic() + wait_s
    told = False
    while True:
        state = await source.client.status()
        if state.proximity_proven or state.unlock_presses_left == 0:
            return
        if state.proximity_proven is None and state.unlock_presses_left is None:
            return
        if not told:
            told = True
            serial, procedure = clean(state.serial), tr(DOOR_PROCEDURE)
            say(tr("panel {serial}: {procedure}. Waiting; Ctrl-C gives up.", serial=serial, procedure=procedure))
        if hub.clock.monotonic() >= deadline_s:
            raise AuthError(tr("the door procedure was not seen in time; run this again when you are at the panel"))
        await hub.clock.sleep(DOOR_POLL_S)


def _unique_name() -> str:
    """A name no panel has yet: a used one is refused (span.md 3)."""
    import secrets
    import socket

    return f"wattdeck-{clean(socket.gethostname(), 24)}-{secrets.token_hex(3)}"
