"""What is installed, configured and reachable, for somebody on the phone: in order, in sentences. Prints no secret."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import anyio
import click
from anyio import to_thread

from wattdeck.core.errors import ConfigError, WattdeckError
from wattdeck.core.finding import Finding, Verdict, problems_among
from wattdeck.core.language import tr
from wattdeck.core.paths import state_dir
from wattdeck.core.redact import redact
from wattdeck.core.text import clean
from wattdeck.shell import machine
from wattdeck.shell.context import AppContext

if TYPE_CHECKING:
    from wattdeck.core.settings import Settings

EXIT_WELL, EXIT_ILL, EXIT_CONFIG = 0, 1, 2
AT_ONCE = 16
"""Sources looked at side by side."""
SLACK_S = 15.0
"""Name, port and certificate come before the time a source has to answer."""

Tell = Callable[[Finding], None]


class Examination:
    """One round of the doctor. Each finding is told as it comes."""

    def __init__(self, app: AppContext, timeout_s: float, tell: Tell) -> None:
        self._app = app
        self._timeout_s = timeout_s
        self._tell = tell
        self.found: list[Finding] = []

    async def run(self) -> int:
        """Look at everything there is. Returns 0: all is well, 1: something is not, 2: the configuration is no use."""
        systems = machine.systems(self._app.systems, self._app.find_problems())
        for finding in (*machine.program(), *machine.terminal(), *machine.words(), *systems):
            self._add(finding)
        settings = self._configuration()
        if settings is not None:
            await self._sources(settings)
        for finding in await to_thread.run_sync(_kept):
            self._add(finding)
        if settings is None:
            return EXIT_CONFIG
        return EXIT_ILL if problems_among(self.found) else EXIT_WELL

    def _add(self, finding: Finding) -> None:
        self.found.append(finding)
        self._tell(finding)

    def _configuration(self) -> Settings | None:
        """The settings; None if they cannot be used."""
        try:
            settings = self._app.settings
        except ConfigError as error:
            advice = tr("Mend these lines; `wattdeck config check` looks again.")
            for number, problem in enumerate(error.problems, 1):
                words = clean(redact(problem), 500)
                self._add(Finding("config", Verdict.PROBLEM, words, advice=advice * (number == len(error.problems))))
            return None
        if not settings.exists:
            words = tr("there is none at {path}", path=settings.path)
            advice = tr("Start `wattdeck` and add a source, or `wattdeck config init` writes an example.")
            self._add(Finding("config", Verdict.PROBLEM, words, advice=advice))
            return None
        self._add(Finding("config", Verdict.OK, str(settings.path)))
        for warning in settings.warnings:
            self._add(Finding("config", Verdict.NOTE, clean(redact(warning), 500)))
        return settings

    async def _sources(self, settings: Settings) -> None:
        from wattdeck.core.probe import Probe
        from wattdeck.core.sources import sources_of

        pairs = sources_of(settings, self._app.systems)
        if not pairs:
            advice = tr("Press O in `wattdeck`, or add a table like [[span]] to the configuration.")
            self._add(Finding("sources", Verdict.PROBLEM, tr("none is configured"), advice=advice))
            return
        try:
            place = state_dir()
        except ConfigError:
            # What is wrong with it is said further down.
            return
        results: list[list[Finding]] = [[] for _ in pairs]
        limit = anyio.CapacityLimiter(AT_ONCE)

        async def look(index: int) -> None:
            system, config = pairs[index]
            async with limit:
                probe = Probe(system, config, state_dir=place, timeout_s=self._timeout_s)
                try:
                    with anyio.fail_after(self._timeout_s + SLACK_S):
                        results[index] = await probe.run()
                except (WattdeckError, TimeoutError) as error:
                    words = clean(redact(str(error)), 500) or tr("no answer in time")
                    results[index] = [Finding("source", Verdict.PROBLEM, words, f"{system.name}/{config.name}")]

        async with anyio.create_task_group() as group:
            for index in range(len(pairs)):
                group.start_soon(look, index)
        for finding in (each for result in results for each in result):
            self._add(finding)


def examine(app: AppContext, timeout_s: float, form: str) -> int:
    """Print what is installed and how each source stands; 0 if all is well."""

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


def _kept() -> list[Finding]:
    """What is on the disk: the state directory, room, the journal."""
    try:
        place = state_dir()
    except ConfigError as error:
        return [Finding("state", Verdict.PROBLEM, str(error), advice=tr("Make that directory writable for you."))]
    return [*machine.disk(place), *_journal()]


def _journal() -> Iterator[Finding]:
    from wattdeck.core.clock import SYSTEM_CLOCK
    from wattdeck.core.journal import Journal
    from wattdeck.core.paths import journal_path

    path = journal_path(state_dir())
    if not path.exists():
        yield Finding("journal", Verdict.OK, tr("none yet; the first command makes {path}", path=path))
        return
    try:
        problems = Journal(path, SYSTEM_CLOCK).verify()
    except (OSError, WattdeckError) as error:
        yield Finding("journal", Verdict.PROBLEM, f"{path}: {clean(str(error), 300)}")
        return
    if problems:
        words = tr("{path}: {problem} ({count} in all)", path=path, problem=problems[0].words, count=len(problems))
        advice = tr("Keep a copy of the file; `wattdeck journal --verify` lists every place.")
        yield Finding("journal", Verdict.PROBLEM, words, advice=advice)
    else:
        yield Finding("journal", Verdict.OK, tr("{path}: the chain is whole", path=path))
