"""`wattdeck snapshot`: every source read once, as data or as a picture. Textual is loaded for a picture alone."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from wattdeck.core import language
from wattdeck.core.errors import ConfigError, UsageError
from wattdeck.core.language import tr
from wattdeck.core.reading import SourceId
from wattdeck.core.screens import check_screen
from wattdeck.shell.context import AppContext
from wattdeck.shell.headless import choose, open_hub

if TYPE_CHECKING:
    from wattdeck.core.deck import Deck
    from wattdeck.core.hub import Hub

DRAWN = ("svg", "html")


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
