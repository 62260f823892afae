"""`wattdeck span ...`: one panel from the shell."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import anyio
import click

from wattdeck.core.errors import SourceError, UsageError
from wattdeck.core.language import tr
from wattdeck.shell.context import AppContext
from wattdeck.shell.ranges import FiniteRange
from wattdeck.shell.source import common, formatted, one_source
from wattdeck.systems.span.models import Circuit, PanelSnapshot

if TYPE_CHECKING:
    from wattdeck.core.hub import Hub
    from wattdeck.systems.span.source import SpanSource


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
@click.option("--passphrase", is_flag=True, help="Ask for the panel's passphrase instead of the door.")
@click.option(
    "--passphrase-file", metavar="FILE", help="Read the passphrase from a file, or from stdin (-). Never an argument."
)
@click.option("--door", is_flag=True, help="Prove it at the panel's door.")
@click.option("--name", default=None, help="Name of the registration on the panel (else made up).")
@click.option("--wait", type=FiniteRange(0, 3600), default=900.0, help="Seconds to wait for the door.")
@click.option(
    "--fingerprint", "--yes-fingerprint", metavar="FP", help="v2: trust an authority with this SHA-256 alone."
)
@click.option("--again", is_flag=True, help="v2: register although this machine is registered.")
@click.option("--full/--no-full", default=None, help="v2: after the door, register once more for a full token.")
@click.option("--keep-passphrase/--forget-passphrase", default=None, help="v2: whether to store the passphrase.")
@click.pass_obj
def register(app: AppContext, /, source: str | None, **options: Any) -> None:
    """Get let in to the panel, by passphrase or at its door, and store what comes back."""
    from wattdeck.systems.span.registering import register_panel

    click.get_current_context().exit(anyio.run(partial(register_panel, app, source, **options)))


@group.command()
@click.option("--source", metavar="NAME", help="Which panel, where more than one is configured.")
@click.option("--fingerprint", metavar="FP", help="Trust an authority with this SHA-256 alone, without asking.")
@click.pass_obj
def trust(app: AppContext, source: str | None, fingerprint: str | None) -> None:
    """See whether a v2 panel has a new certificate authority, and trust that one from now on."""
    from wattdeck.systems.span.registering import trust_panel

    click.get_current_context().exit(anyio.run(trust_panel, app, source, fingerprint))


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

    async with open_hub(app, use_demo, system="span") as hub:
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
