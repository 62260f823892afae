"""How a connection that aiomqtt holds begins and ends, where aiomqtt itself loses sight of it."""

from __future__ import annotations

import asyncio
import contextlib
import errno
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import anyio

from wattdeck.systems.span.ebus.tls import PanelContext

if TYPE_CHECKING:
    import aiomqtt

REASON_WITHIN_S = 1.0
"""How long a reason is waited for once a connection has ended."""

_ENDING: set[asyncio.Future[None]] = set()
"""Kept until they are done: the loop itself forgets tasks that nobody holds."""


async def no_more(client: aiomqtt.Client) -> None:
    """Nothing comes out of this: messages go another way, and its end is the connection's."""
    with contextlib.suppress(Exception):
        async for _ in client.messages:
            pass


def take_note(client: aiomqtt.Client) -> None:
    """Take the error with which a connection will end, or asyncio complains that nobody did."""
    future = getattr(client, "_disconnected", None)
    if isinstance(future, asyncio.Future):
        future.add_done_callback(lambda done: done.cancelled() or done.exception())


async def entered(entering: asyncio.Future[Any], ended: asyncio.Event) -> None:
    """Wait until connected. A broker that hangs up before it has answered goes unnoticed in aiomqtt."""
    ending = asyncio.ensure_future(ended.wait())
    try:
        await asyncio.wait((entering, ending), return_when=asyncio.FIRST_COMPLETED)
        # Why it ended, if aiomqtt knows.
        done, _ = await asyncio.wait((entering,), timeout=REASON_WITHIN_S)
    finally:
        ending.cancel()
    if not done:
        raise ConnectionResetError(errno.ECONNRESET, "closed before it answered")
    entering.result()


def from_any_thread(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """Call something in the loop, whichever thread this is."""
    with contextlib.suppress(RuntimeError):  # the loop has ended
        loop.call_soon_threadsafe(call)


async def give_up(entering: asyncio.Future[Any], wrapping: PanelContext) -> None:
    """Stop connecting. A thread may still be at it: it ends by itself, and what it opened is closed then."""

    def ended(done: asyncio.Future[Any]) -> None:
        if not done.cancelled():
            done.exception()
            _ENDING.add(task := asyncio.ensure_future(end(wrapping)))
            task.add_done_callback(_ENDING.discard)

    wrapping.abandon()
    if not entering.done():
        entering.add_done_callback(ended)
        return
    with anyio.CancelScope(shield=True):
        await end(wrapping)


async def end(wrapping: PanelContext) -> None:
    """Break what is still connected, let paho see it, and close it."""
    wrapping.abandon()
    for _ in range(3):
        await asyncio.sleep(0)
    wrapping.close(_out_of_loop(asyncio.get_running_loop()))


def _out_of_loop(loop: asyncio.AbstractEventLoop) -> Callable[[int], object]:
    """What makes the loop forget a socket by its number; aiomqtt may have asked it to watch one that had ended."""

    def forget(number: int) -> None:
        loop.remove_reader(number)
        loop.remove_writer(number)

    return forget
