"""A hub with many panels and no screen, for whoever watches this process from outside.

    python benchmarks/many_panels.py PANELS.json all|one

PANELS.json is what `simulators.py` printed. Prints `ready` when every panel has answered; at a line on stdin it
prints one line of JSON: polls made, and how late they began, since then.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread

from wattdeck.core.feed import Feed
from wattdeck.core.hub import Hub
from wattdeck.core.reading import Link
from wattdeck.core.secrets import SecretRef
from wattdeck.systems.span import SYSTEM
from wattdeck.systems.span.config import SpanConfig

LATE_S: list[float] = []


def note_lateness(feed: Feed[Any]) -> None:
    """Note how long after its due time each poll begins."""
    until_due = feed._until_due

    async def noted() -> None:
        await until_due()
        LATE_S.append(time.monotonic() - feed._due_s)

    feed._until_due = noted  # type: ignore[method-assign]


async def main(panels: list[dict[str, Any]], shown: str) -> None:
    """Poll until told to stop."""
    sources = [
        (
            SYSTEM,
            SpanConfig(
                name=f"panel-{index:03}",
                host="127.0.0.1",
                port=panel["port"],
                token=SecretRef(plain=panel["token"]),
                poll_s=1.0,
            ),
        )
        for index, panel in enumerate(panels)
    ]
    with tempfile.TemporaryDirectory() as folder:
        async with Hub(sources, state_dir=Path(folder), keep_last=False) as hub, anyio.create_task_group() as group:
            group.start_soon(hub.run)
            with anyio.fail_after(60):
                while any(feed.reading.link is not Link.LIVE for feed in hub.feeds):  # noqa: ASYNC110
                    await anyio.sleep(0.1)
            if shown == "one":
                hub.show([next(iter(hub.sources))])
            for feed in hub.feeds:
                note_lateness(feed)
            await anyio.sleep(2.0)
            LATE_S.clear()
            print("ready", flush=True)
            await to_thread.run_sync(sys.stdin.readline)
            failed = sum(feed.reading.link is not Link.LIVE for feed in hub.feeds)
            print(json.dumps({"late_ms": [round(late_s * 1e3, 2) for late_s in LATE_S], "failed": failed}), flush=True)
            group.cancel_scope.cancel()


if __name__ == "__main__":
    anyio.run(main, json.loads(Path(sys.argv[1]).read_text()), sys.argv[2])
