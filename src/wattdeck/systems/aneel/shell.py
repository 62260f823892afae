"""`wattdeck aneel ...`: one distributor from the shell, and the conformance check for its server's CI."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import anyio
import click

from wattdeck.core.errors import SourceError, UsageError
from wattdeck.core.language import later, tr
from wattdeck.core.lines import fit
from wattdeck.shell.context import AppContext
from wattdeck.shell.output import Output
from wattdeck.shell.source import common, formatted, one_source
from wattdeck.shell.speech import form_option
from wattdeck.shell.words import EXIT_NOTHING, say
from wattdeck.systems.aneel.errors import NoData
from wattdeck.systems.aneel.wording import drawn, level_word, said

if TYPE_CHECKING:
    from wattdeck.systems.aneel.conformance import Context as Expectations
    from wattdeck.systems.aneel.conformance.report import Report
    from wattdeck.systems.aneel.exchange import Exchange
    from wattdeck.systems.aneel.models import OutagesSnapshot
    from wattdeck.systems.aneel.source import AneelSource

LEVEL_CELLS = 7
ROUTES = ("outages", "demands", "demand")
LEVELS = ("error", "warning", "info", "off")
ANSWER_BYTES_MAX = 5_000_000
"""As the client's: a larger answer is refused there too."""


@click.group()
def group() -> None:
    """ANEEL outage data in Brazil: outages, demands, and the conformance check."""


@group.command()
@click.option("--at", "moment", metavar='"dd/mm/yyyy hh:mm"', help="A moment of the last seven days, Brasília time.")
@click.option("--sets", is_flag=True, help="List every row (set and municipality) instead of municipalities.")
@common
@formatted
@click.pass_obj
def outages(app: AppContext, moment: str | None, sets: bool, source: str | None, use_demo: bool, form: str) -> None:
    """Print who is out, municipality by municipality, worst first."""
    at = _moment(moment)

    async def work(distributor: AneelSource) -> int:
        snapshot = await (distributor.fetch_outages() if at is None else distributor.at(at))
        _print_outages(snapshot, form, sets=sets)
        return 0

    click.get_current_context().exit(anyio.run(_on_distributor, app, source, use_demo, work))


@group.command()
@common
@formatted
@click.pass_obj
def demands(app: AppContext, source: str | None, use_demo: bool, form: str) -> None:
    """Print today's demands by channel and type."""

    async def work(distributor: AneelSource) -> int:
        from wattdeck.core.codec import encode
        from wattdeck.core.lines import plain
        from wattdeck.systems.aneel import demandwords

        snapshot = await distributor.fetch_demands()
        with Output(form) as output:
            lines = plain(demandwords.demands_lines(snapshot, 100, top=30)).splitlines()
            output.add([encode(each) for each in snapshot.demands], lines)
        return 0

    click.get_current_context().exit(anyio.run(_on_distributor, app, source, use_demo, work))


@group.command()
@click.argument("protocol")
@click.option("--show-personal-data", "whole", is_flag=True, help="Print name, document and unit whole.")
@common
@formatted
@click.pass_obj
def demand(app: AppContext, protocol: str, whole: bool, source: str | None, use_demo: bool, form: str) -> None:
    """Look one demand up by its PROTOCOL. Personal data is masked unless asked for, in every format."""

    async def work(distributor: AneelSource) -> int:
        from dataclasses import replace

        from wattdeck.core.codec import encode
        from wattdeck.core.lines import plain
        from wattdeck.systems.aneel import demandwords, personal
        from wattdeck.systems.aneel.places import municipality_words

        found = await distributor.demand(protocol)
        if found is None:
            click.echo(f"wattdeck: {demandwords.no_demand_words(protocol)}", err=True)
            return 1
        if not whole:
            found = replace(
                found,
                consumer_unit=personal.mask_unit(found.consumer_unit),
                document_number=personal.mask_document(found.document_number),
                holder_name=personal.mask_name(found.holder_name),
            )
        now = distributor.clock.now()
        lines = demandwords.demand_lines(found, now, 100, masked=False, municipality=municipality_words)
        with Output(form) as output:
            # After a blank line comes a word about a key of the screen.
            output.add([encode(found)], plain(lines[: lines.index(())]).splitlines())
        if form == "text" and not whole:
            say(tr("personal data is masked; --show-personal-data prints it whole"))
        return 0

    click.get_current_context().exit(anyio.run(_on_distributor, app, source, use_demo, work))


@group.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, allow_dash=True))
@click.option("--route", type=click.Choice(ROUTES), help="Which answer FILE is (else found out by its keys).")
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="RULE=LEVEL|PATH",
    help="How much a rule matters (error, warning, info, off), or a TOML file of such lines. Repeatable.",
)
@click.option("--state", help="Two letters: municipalities must be of this state (FILE alone; else as configured).")
@click.option("--protocol", help="A demand that exists: without one no demand is looked up.")
@click.option("--rate", is_flag=True, help="Also find out the rate limit: takes over a minute.")
@click.option("--answers-only", is_flag=True, help="Look at the answers alone (demand with --protocol); probe nothing.")
@common
@form_option("text", "json", "junit")
@click.pass_obj
def check(
    app: AppContext, /, file: Path | None, source: str | None, use_demo: bool, form: str, **asked: Any
) -> None:  # fmt: skip
    """Check a distributor's server, or a saved answer (FILE, or `-` for standard input), against ANEEL's format.

    A server is asked some thirty questions, ten a minute: two to four minutes. --answers-only takes seconds.

    Ends with 1 if a rule of level error is broken, so that it can stand in CI; with 3 if the server tells nothing.
    """
    from wattdeck.systems.aneel.conformance.report import exit_code

    profile = read_profile(asked["profiles"])
    if file is not None:
        report = _check_file(file, asked["route"], asked["state"], profile)
        _print_report(report, form)
        click.get_current_context().exit(exit_code(report.findings))

    async def work(distributor: AneelSource) -> int:
        report, silent = await _check_server(distributor, profile, asked)
        _print_report(report, form)
        broken = exit_code(report.findings)
        if silent and not broken:
            say(tr("there was next to nothing to look at: {reason}", reason=drawn(silent)))
            return EXIT_NOTHING
        return broken

    click.get_current_context().exit(anyio.run(_on_distributor, app, source, use_demo, work))


@group.command()
@form_option("text", "json")
def rules(form: str) -> None:
    """List the rules of the conformance check."""
    from wattdeck.systems.aneel.conformance import RULES

    with Output(form) as output:
        for rule in RULES.values():
            output.add(
                [{"rule": rule.id, "level": rule.level.value, "title": rule.title, "expected": rule.expected}],
                [f"{rule.id}  {fit(level_word(rule.level), LEVEL_CELLS)}  {tr(rule.title)}"],
            )


def read_profile(given: tuple[str, ...]) -> dict[str, str]:
    """Rule -> level, from `RULE=LEVEL` and from TOML files of such lines.

    Raises:
        UsageError: neither; or no such level.
    """
    found: dict[str, str] = {}
    for each in given:
        rule, sign, level = each.partition("=")
        if sign and "/" not in rule and not rule.endswith(".toml"):
            found[rule.strip().upper()] = level.strip().lower()
        else:
            found |= _profile_file(Path(each))
    for rule, level in found.items():
        if level not in LEVELS:
            message = later("profile: {rule}={level}; expected one of {levels}")
            raise UsageError(tr(message, rule=rule, level=repr(level), levels=", ".join(LEVELS)))
    return found


def _profile_file(path: Path) -> dict[str, str]:
    import tomllib

    from wattdeck.core.paths import read_bounded

    try:
        data = tomllib.loads(read_bounded(path, 100_000)[0].decode())
    except OSError as error:
        raise UsageError(tr("{path} cannot be read: {reason}", path=path, reason=error.strerror or error)) from None
    except ValueError as error:
        message = later('{path} is no TOML of lines like E11 = "off": {reason}')
        raise UsageError(tr(message, path=path, reason=error)) from None
    rules = data.get("profile", data)
    if not isinstance(rules, dict) or not all(isinstance(level, str) for level in rules.values()):
        raise UsageError(tr('{path}: expected lines like E11 = "off"', path=path))
    return {str(rule).upper(): level.lower() for rule, level in rules.items()}


def _check_file(file: Path, route: str | None, state: str | None, profile: Mapping[str, str]) -> Report:
    from wattdeck.core.clock import SYSTEM_CLOCK
    from wattdeck.systems.aneel.conformance import examine_bytes, guess_route
    from wattdeck.systems.aneel.conformance.report import of_examination

    body = _read(file)
    context = _expected(state=state and state.upper(), profile=profile)
    chosen = route or guess_route(body) or "outages"
    now = SYSTEM_CLOCK.now()
    seen = examine_bytes(cast("Any", chosen), body, context, at=now)
    name = tr("standard input") if str(file) == "-" else str(file)
    return of_examination(seen, context, target=f"{name} ({chosen})", checked_at=now)


async def _check_server(
    distributor: AneelSource, profile: Mapping[str, str], asked: Mapping[str, Any]
) -> tuple[Report, str]:
    """The report, and why the server tells nothing: a refused key is no clean bill of health."""
    from wattdeck.systems.aneel.conformance import RULES, NotChecked, Passed, examine
    from wattdeck.systems.aneel.conformance.probes import Options, probe, target
    from wattdeck.systems.aneel.conformance.report import assemble

    config = distributor.config
    context = _expected(
        state=config.state,
        municipalities=config.municipalities,
        customers=distributor.customers,
        profile={**config.profile, **profile},
        protocol=asked["protocol"],
    )
    outcomes: list[Any] = []
    nothing = ""
    if asked["answers_only"]:
        for family, ask in _askings(distributor, asked["protocol"]).items():
            try:
                seen = examine(await ask(), context)
            except SourceError as error:
                # What the answers before this one have shown is not lost with it.
                if not outcomes:
                    raise
                outcomes += [NotChecked(rule, str(error)) for rule in RULES if rule.startswith(family)]
                continue
            outcomes += [*seen.findings, *(Passed(rule, "kept in this answer") for rule in seen.passed)]
            if family == "I":
                nothing = _tells_nothing(seen.exchange)
            if (code := seen.exchange.status_code) in (401, 403, 429) or 300 <= code < 400:
                outcomes.append(NotChecked("T04", said(later("the server answered {code}"), code=code)))
    else:
        options = Options(rate=asked["rate"], key=config.key.reveal)
        async for outcome in probe(distributor.client, context, options, clock=distributor.clock):
            outcomes.append(outcome)
        nothing = _tells_nothing(await distributor.client.outages())
    silent = next((each.why for each in outcomes if isinstance(each, NotChecked) and each.rule == "T04"), "")
    silent = silent or nothing
    now = distributor.clock.now()
    return assemble(outcomes, context, target=target(distributor.client), checked_at=now), silent


def _tells_nothing(exchange: Exchange) -> str:
    """Why an answer does not say what is out; empty if it does. Status 2 to everything keeps every rule there is."""
    from wattdeck.systems.aneel.wire import read_outages

    try:
        read_outages(exchange)
    except NoData as error:
        return str(error)
    except SourceError:
        # The findings and what was not checked say it better.
        return ""
    return ""


def _askings(distributor: AneelSource, protocol: str | None) -> dict[str, Callable[[], Awaitable[Exchange]]]:
    """What to ask for, by the first letter of the rules about it."""
    client = distributor.client
    askings: dict[str, Callable[[], Awaitable[Exchange]]] = {"I": client.outages, "D": client.demands}
    return {**askings, "P": lambda: client.demand(protocol)} if protocol else askings


def _expected(**known: Any) -> Expectations:
    from wattdeck.systems.aneel.conformance import Context
    from wattdeck.systems.aneel.places import STATES

    state = known.get("state")
    if state is not None and state not in STATES.values():
        raise UsageError(tr("{state} is no state; give two letters such as RR", state=repr(state)))
    try:
        return Context.of(**known)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _print_report(report: Report, form: str) -> None:
    from wattdeck.systems.aneel.conformance.junit import junit
    from wattdeck.systems.aneel.conformance.report import as_json, text

    match form:
        case "json":
            sys.stdout.write(json.dumps(as_json(report), ensure_ascii=False, indent=2) + "\n")
        case "junit":
            sys.stdout.write(junit(report))
        case _:
            sys.stdout.write(text(report))


def _print_outages(snapshot: OutagesSnapshot, form: str, *, sets: bool) -> None:
    from wattdeck.core.codec import encode
    from wattdeck.systems.aneel.report import place_line, row_line, total_words

    places = snapshot.rows if sets else snapshot.municipalities
    with Output(form) as output:
        if form == "text":
            output.add([], total_words(snapshot))
        for each in places:
            line = row_line(each) if sets else place_line(each)  # type: ignore[arg-type]
            output.add([encode(each)], [line])


def _moment(text: str | None) -> datetime | None:
    from wattdeck.systems.aneel.times import parse_recovery

    if text is None:
        return None
    try:
        return parse_recovery(text)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _read(file: Path) -> bytes:
    try:
        if str(file) == "-":
            body = sys.stdin.buffer.read(ANSWER_BYTES_MAX + 1)
        else:
            with file.open("rb") as stream:
                body = stream.read(ANSWER_BYTES_MAX + 1)
    except OSError as error:
        raise UsageError(tr("{path} cannot be read: {reason}", path=file, reason=error.strerror or error)) from None
    if len(body) > ANSWER_BYTES_MAX:
        message = later("{path} is larger than {size} MB; no answer of this kind is")
        raise UsageError(tr(message, path=file, size=f"{ANSWER_BYTES_MAX / 1e6:g}"))
    return body


async def _on_distributor(
    app: AppContext, name: str | None, use_demo: bool, work: Callable[[AneelSource], Awaitable[int]]
) -> int:
    """Open the sources and do something with the distributor that was meant."""
    from wattdeck.shell.headless import open_hub

    async with open_hub(app, use_demo, system="aneel") as hub:
        return await work(cast("AneelSource", one_source(hub, "aneel", name, tr("ANEEL distributor"))))
