"""`wattdeck record`: the sources' readings into a file, without a screen."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from wattdeck.core.errors import UsageError
from wattdeck.core.language import tr
from wattdeck.core.reading import worst
from wattdeck.shell.context import AppContext
from wattdeck.shell.headless import choose, open_hub
from wattdeck.shell.words import EXIT_NOTHING, EXIT_PROBLEM, say

if TYPE_CHECKING:
    from wattdeck.core.hub import Hub
    from wattdeck.core.recorder import Recorder

LOOK_S = 0.5
"""How often it is looked whether recording goes on, s."""
SAY_S = 60.0
"""How often a terminal is told how it goes, s."""


def record(
    app: AppContext,
    path: Path,
    sources: Sequence[str],
    *,
    use_demo: bool,
    duration_s: float | None,
    force: bool,
    append: bool,
    simulation: tuple[int, str | None],
    poll_s: float | None,
) -> int:
    """Record until told to stop; 0 if all is in the file, 1 if some of it is not, 3 if nothing could be read."""
    if force and append:
        raise UsageError(tr("--force replaces a recording and --append continues it: give one of them"))
    hub = open_hub(app, use_demo, simulation, poll_s)
    return anyio.run(_record, hub, path, sources, duration_s, force, append)


async def _record(
    hub: Hub, path: Path, names: Sequence[str], duration_s: float | None, force: bool, append: bool
) -> int:
    from wattdeck.core.recorder import start_recorder

    async with hub:
        chosen = choose(list(hub.sources), names)
        for source in [each for each in hub.sources if each not in chosen]:
            await hub.sources.pop(source).aclose()
        recorder = await start_recorder(hub, path, force=force, append=append)
        try:
            say(tr("recording {sources} into {path}; Ctrl-C ends it", sources=", ".join(chosen), path=path))
            say(tr("the file holds all that is read, documents, names and addresses whole; only you can read it"))
            async with _told_to_stop() as stop, anyio.create_task_group() as group:
                group.start_soon(hub.run)
                with anyio.move_on_after(duration_s):
                    await _watch(hub, recorder, stop)
                group.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(recorder.stop)
    say(recorder.problem or recorder.words())
    if recorder.problem or recorder.missed:
        return EXIT_PROBLEM
    return 0 if any(feed.reading.snapshot is not None for feed in hub.feeds) else EXIT_NOTHING


@asynccontextmanager
async def _told_to_stop() -> AsyncIterator[anyio.Event]:
    """Set when a person or the system wants an end."""
    wanted = anyio.Event()
    numbers = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if os.name == "posix" else [])]

    async def wait() -> None:
        with anyio.open_signal_receiver(*numbers) as signals:
            async for _ in signals:
                wanted.set()

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        yield wanted
        group.cancel_scope.cancel()


async def _watch(hub: Hub, recorder: Recorder, stop: anyio.Event) -> None:
    """Return when recording is to end, or has ended by itself."""
    said_s = hub.clock.monotonic()
    while not stop.is_set() and not recorder.problem:
        with anyio.move_on_after(LOOK_S):
            await stop.wait()
        if sys.stderr.isatty() and hub.clock.monotonic() - said_s >= SAY_S:
            said_s = hub.clock.monotonic()
            links = ", ".join(f"{source} {worst(hub.readings(source))}" for source in hub.sources)
            say(tr("{readings} readings, {megabytes} MB; {links}", readings=recorder.readings,
                   megabytes=f"{recorder.size / 1e6:.1f}", links=links))  # fmt: skip
