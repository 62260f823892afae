"""The commands that need no terminal: snapshot, simulate, journal, doctor. None of them loads Textual for data."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import click

from wattdeck.core import language
from wattdeck.core.errors import ConfigError, UsageError
from wattdeck.core.language import tr
from wattdeck.core.paths import state_dir
from wattdeck.core.reading import SourceId
from wattdeck.core.screens import check_screen
from wattdeck.core.text import clean
from wattdeck.shell.context import AppContext

if TYPE_CHECKING:
    from wattdeck.core.chain import Record
    from wattdeck.core.deck import Deck
    from wattdeck.core.finding import Finding
    from wattdeck.core.hub import Hub
    from wattdeck.core.settings import Settings
    from wattdeck.core.sources import Pairs
    from wattdeck.core.system import Simulator, SimulatorOptions

DRAWN = ("svg", "html")
SAID = ("outcome", "cause", "sentence", "reason")
"""Fields of a journal record that say how it ended."""


def take_snapshot(
    app: AppContext,
    *,
    sources: Sequence[str],
    use_demo: bool,
    form: str,
    output: Path | None,
    screen: str | None,
    size: str,
    timeout: float,
    watch: float | None,
    count: int | None,
    json_schema: bool,
    seed: int,
    start: str | None,
) -> int:
    """Print the snapshot document, a stream of them, its schema, or a picture; return the exit code."""
    if json_schema:
        language.use("en")
        from wattdeck.core.export import to_json
        from wattdeck.core.snapshot import json_schema as schema

        _put(to_json(schema(app.systems)) + "\n", output)
        return 0
    if form in DRAWN:
        if watch is not None or sources:
            raise UsageError(tr("--format {form} draws one screen; it takes no sources and no --watch", form=form))
        return _draw(app, use_demo, form, output, screen, _size(size), timeout, (seed, start))
    if count is not None and watch is None:
        raise UsageError(tr("--count goes with --watch"))
    return anyio.run(_snapshots, app, sources, use_demo, form, output, timeout, watch, count, (seed, start))


async def _snapshots(
    app: AppContext,
    names: Sequence[str],
    use_demo: bool,
    form: str,
    output: Path | None,
    timeout_s: float,
    watch_s: float | None,
    count: int | None,
    simulation: tuple[int, str | None],
) -> int:
    from wattdeck.core import snapshot

    worst = 0
    async with open_hub(app, use_demo, simulation) as hub:
        sources = choose(list(hub.sources), names)
        made = 0
        due_s = hub.clock.monotonic()
        while True:
            await hub.once(sources, timeout_s=timeout_s)
            made += 1
            _put(_document(hub, sources, form, first=made == 1, stream=watch_s is not None), output, append=made > 1)
            code = snapshot.exit_code(hub, sources)
            worst = code if watch_s is None else max(worst, code)
            if watch_s is None or made == count:
                return worst
            due_s = max(due_s + watch_s, hub.clock.monotonic())
            await hub.clock.sleep(due_s - hub.clock.monotonic())


def _document(hub: Hub, sources: Sequence[SourceId], form: str, *, first: bool, stream: bool) -> str:
    from wattdeck.core import export, snapshot

    now = hub.clock.now()
    if form == "text":
        return export.to_text(hub, sources, now)
    document = snapshot.document(hub, sources, now)
    if form == "csv":
        return export.to_csv(document, header=first)
    return export.to_json(document, one_line=stream) + "\n"


def open_hub(
    app: AppContext, use_demo: bool, simulation: tuple[int, str | None] = (1, None), poll_s: float | None = None
) -> Hub:
    """A hub on the configuration or on the demo.

    Raises:
        ConfigError: there is no configuration, or it cannot be used, or it has no source.
    """
    from wattdeck.core.hub import Hub
    from wattdeck.core.sources import demo_sources

    if use_demo:
        from wattdeck.core.clock import clock_from
        from wattdeck.shell.words import simulator_options

        options = simulator_options(simulation[0], 1.0, simulation[1])
        pairs, apps = demo_sources(app.systems, options, poll_s)
        clock = clock_from(options.start)
        return Hub(pairs, state_dir=state_dir() / "demo", clock=clock, demo_apps=apps, keep_last=False)
    return Hub(configured(app)[1], state_dir=state_dir(), keep_last=False)


def configured(app: AppContext) -> tuple[Settings, Pairs]:
    """The settings, with their warnings said, and the sources in them.

    Raises:
        ConfigError: there is no configuration, or it cannot be used, or it has no source.
    """
    from wattdeck.core.sources import sources_of
    from wattdeck.shell.words import say

    settings = app.settings
    if not settings.exists:
        raise ConfigError(
            tr("there is no configuration at {path}; `wattdeck config init` writes one", path=settings.path)
        )
    for warning in settings.warnings:
        say(tr("warning: {words}", words=warning))
    pairs = sources_of(settings, app.systems)
    if not pairs:
        raise ConfigError(tr("{path}: there is no source in it; add a table like [[span]]", path=settings.path))
    return settings, pairs


def open_deck(app: AppContext, use_demo: bool) -> Deck:
    """A session for one shell command.

    Raises:
        ConfigError: there is no configuration, or it cannot be used, or it has no source.
    """
    from wattdeck.core.deck import Deck
    from wattdeck.core.system import SimulatorOptions

    if use_demo:
        deck = Deck.demo(app.systems, SimulatorOptions(), None, read_only=app.read_only)
    else:
        deck = Deck.from_settings(app.settings, app.systems, keep_last=False)
    deck.alarms.watches = False
    return deck


def choose(known: Sequence[SourceId], names: Sequence[str]) -> list[SourceId]:
    """The sources that were named: `span/home`, or `span` for all of a system; all if none was.

    Raises:
        UsageError: a name fits nothing; says what there is.
    """
    if not names:
        return list(known)
    chosen: list[SourceId] = []
    for name in names:
        found = [source for source in known if name in (source, source.partition("/")[0])]
        if not found:
            raise UsageError(tr("there is no source {name!r}; there are: {known}", name=name, known=", ".join(known)))
        chosen += [source for source in found if source not in chosen]
    return chosen


def _put(text: str, output: Path | None, *, append: bool = False) -> None:
    if output is None:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        with output.open("a" if append else "w", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise UsageError(tr("{path}: cannot be written ({reason})", path=output, reason=error.strerror)) from error


def _size(text: str) -> tuple[int, int]:
    columns, _, rows = text.lower().partition("x")
    if not (columns.isdigit() and rows.isdigit() and 1 <= int(columns) <= 500 and 1 <= int(rows) <= 200):
        raise UsageError(tr("{text!r} is no size; write it like 120x36, at most 500x200", text=text))
    return int(columns), int(rows)


def _draw(
    app: AppContext,
    use_demo: bool,
    form: str,
    output: Path | None,
    screen: str | None,
    size: tuple[int, int],
    timeout_s: float,
    simulation: tuple[int, str | None],
) -> int:
    from wattdeck.core.clock import clock_from
    from wattdeck.core.deck import Deck
    from wattdeck.shell.words import simulator_options
    from wattdeck.ui.app import AppOptions
    from wattdeck.ui.picture import draw, page

    check_screen(screen, app.systems)

    simulated = simulator_options(simulation[0], 1.0, simulation[1])

    def make() -> Deck:
        if use_demo:
            deck = Deck.demo(app.systems, simulated, None, read_only=True)
        else:
            deck = Deck.from_settings(app.settings, app.systems, keep_last=False)
        deck.alarms.remembers = False
        return deck

    if not use_demo and not app.settings.exists:
        raise ConfigError(
            tr("there is no configuration at {path}; `wattdeck config init` writes one", path=app.settings.path)
        )
    options = AppOptions(
        app.systems,
        demo=use_demo,
        read_only=True,
        theme=app.theme,
        screen=screen,
        picture=True,
        clock=clock_from(simulated.start if use_demo else None),
    )
    svg, code = anyio.run(draw, make, options, size, timeout_s)
    _put(page(svg, "wattdeck") if form == "html" else svg + "\n", output)
    return code


def run_simulator(
    app: AppContext,
    name: str,
    host: str,
    port: int,
    options: SimulatorOptions,
    https_port: int = 0,
    ports: Mapping[str, int] | None = None,
) -> int:
    """Serve a simulator, and what belongs beside it, until interrupted."""
    simulator = _simulator(app, name, options)
    from wattdeck.core.serve import serve
    from wattdeck.core.system import Accompanied, Beside

    if not isinstance(simulator, Accompanied):
        if ports:
            raise UsageError(tr("this simulator has no use for a port for {name}", name=", ".join(ports)))
        beside: AbstractAsyncContextManager[Beside] = nullcontext(Beside())
    else:
        beside = simulator.beside(host, ports or {})

    async def run() -> None:
        async with beside as more:

            def ready(url: str, *others: str) -> None:
                click.echo(f"wattdeck: {name} simulator on {url}")
                sys.stdout.flush()
                for words in (*(tr("HTTPS on {url}", url=other) for other in others), *more.words):
                    click.echo(f"wattdeck: {words}", err=True)
                click.echo("wattdeck: " + tr("this is a simulator, not a real device. Ctrl-C ends it."), err=True)

            https = None if more.tls is None else (more.tls, https_port)
            await serve(simulator.app, host, port, ready, https=https)

    if host not in ("127.0.0.1", "::1", "localhost"):
        click.echo("wattdeck: " + tr("warning: {host} can be reached from other machines", host=host), err=True)
    anyio.run(run)
    return 0


def _simulator(app: AppContext, name: str, options: SimulatorOptions) -> Simulator:
    system = app.systems.get(name)
    if system is None:
        raise UsageError(tr("there is no system {name!r}; there are: {known}", name=name, known=", ".join(app.systems)))
    if options.api and options.api not in system.simulator_apis:
        raise UsageError(
            tr(
                "the simulator of {name} does not speak {api!r}; it speaks: {known}",
                name=name,
                api=options.api,
                known=", ".join(system.simulator_apis) or tr("one protocol, which needs no --api"),
            )
        )
    try:
        simulator = system.simulator(options)
    except ValueError as error:
        raise UsageError(str(error)) from error
    if simulator is None:
        raise UsageError(tr("{name} has no simulator", name=name))
    return simulator


def show_journal(since: datetime | None, form: str, verify: bool, use_demo: bool) -> int:
    """Print the journal's records, or what is wrong with its chain (exit code 1)."""
    from wattdeck.core.clock import SYSTEM_CLOCK
    from wattdeck.core.journal import Journal
    from wattdeck.core.paths import journal_path

    folder = state_dir() / "demo" if use_demo else state_dir()
    journal = Journal(journal_path(folder), SYSTEM_CLOCK)
    if verify:
        problems = journal.verify()
        for problem in problems:
            click.echo(tr("line {line}: {words}", line=problem.line, words=problem.words))
        if not any(problem.serious for problem in problems):
            click.echo(tr("ok: {path}: the chain is whole", path=journal.path))
            return 0
        return 1
    for record in journal.records(since):
        click.echo(journal_line(record) if form == "text" else json.dumps(dict(record.fields), ensure_ascii=True))
    return 0


def journal_line(record: Record) -> str:
    """One record as a line: when, what, on what, how it ended, who."""
    fields = record.fields
    moves = f" {fields.get('from_state')} -> {fields.get('to_state')}" if fields.get("to_state") else ""
    words = " ".join(str(fields[name]) for name in SAID if fields.get(name) not in (None, "", "none"))
    if record.event == "send":
        words = tr("about to be sent") + f"  {words}".rstrip()
    elif fields.get("sent") is False:
        words = f"{tr('not sent')}: {words}"
    what = fields.get("name") or fields.get("object_id") or ""
    who = f"{fields.get('user')}@{fields.get('host')}"
    local = record.at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return clean(f"{local}  {record.event:<9} {fields.get('source', ''):<14} {what}{moves}  {words}  ({who})", 500)


def examine(app: AppContext, timeout_s: float, form: str) -> int:
    """Print what is installed and how each source stands; 0 if all is well."""
    from wattdeck.shell.doctor import Examination

    def say(finding: Finding) -> None:
        for line in finding.lines() if form == "text" else ():
            click.echo(line)

    examination = Examination(app, timeout_s, say)
    code = anyio.run(examination.run)
    if form == "json":
        found = [finding.as_data() for finding in examination.found]
        document = {"schema": "wattdeck.doctor/1", "exit_code": code, "findings": found}
        click.echo(json.dumps(document, ensure_ascii=True, indent=2))
    return code
