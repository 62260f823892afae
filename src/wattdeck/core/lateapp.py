"""A simulator made when it is first asked something: what a demo shows first does not wait for the others."""

from __future__ import annotations

from collections.abc import Callable

import anyio
from anyio import to_thread

from wattdeck.core.asgi import AsgiApp, Message, Receive, Send


class LateApp:
    """An ASGI app made in a thread with its first request, so that its modules load while the screen goes on."""

    def __init__(self, make: Callable[[], AsgiApp]) -> None:
        """`make` is called once; what it raises is raised to who asked, and to those who ask later."""
        self._make = make
        self._app: AsgiApp | None = None
        self._lock = anyio.Lock()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        async with self._lock:
            if self._app is None:
                self._app = await to_thread.run_sync(self._make)
        await self._app(scope, receive, send)
