"""Turns of the event loop, as many as there is something to do in."""

from __future__ import annotations

import asyncio

from anyio import to_thread


async def take_turns(most: int) -> None:
    """Let every task do what it can without time passing, in so many turns at most."""
    loop = asyncio.get_running_loop()
    for _ in range(most):
        await asyncio.sleep(0)
        if loop._ready or to_thread.current_default_thread_limiter().borrowed_tokens:  # type: ignore[attr-defined]
            continue
        timers = loop._scheduled  # type: ignore[attr-defined]
        if not timers or timers[0].when() > loop.time():
            return
