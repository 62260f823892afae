"""Turns of the event loop, as many as there is something to do in."""

from __future__ import annotations

import asyncio
import math

from anyio import to_thread

from wattdeck.systems.span.ebus import telling

# What a panel says in one breath is taken in as one, however slow this machine is at the moment.
telling.TURN_S = math.inf

MOST_TURNS = 20_000
"""Turns after which tasks that are still busy never come to rest."""
THREAD_LIMIT_S = 30.0
"""So long a thread may have to wait for a processor and a disk, real time."""
_LOOK_S = 0.001


async def come_to_rest() -> None:
    """Let every task and thread do what it can without time passing, until all wait for the clock or the test."""
    loop = asyncio.get_running_loop()
    waited_s = 0.0
    for _ in range(MOST_TURNS):
        await asyncio.sleep(0)
        if loop._ready:  # type: ignore[attr-defined]
            continue
        if to_thread.current_default_thread_limiter().borrowed_tokens:
            assert waited_s < THREAD_LIMIT_S, "a thread does not end"
            waited_s += _LOOK_S
            await asyncio.sleep(_LOOK_S)
            continue
        timers = loop._scheduled  # type: ignore[attr-defined]
        if not timers or timers[0].when() > loop.time():
            return
    raise AssertionError("the tasks do not come to rest")
