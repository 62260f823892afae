"""Signals that come before the app has handlers of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from types import FrameType, TracebackType
from typing import Any, TypeVar

_T = TypeVar("_T")

NUMBERS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM) if os.name == "posix" else (signal.SIGINT,)


class Signals:
    """End what is going on at a hang-up, an interrupt or a termination; used in the main thread, around a session.

    A handler that raises is right for code of ours that waits for nothing, and wrong in the middle of the event loop:
    what it interrupts there is left half-made or never woken. So the session is cancelled once there is one, and in
    between a signal is only noted.
    """

    def __init__(self) -> None:
        self.ended: list[int] = []
        """The numbers of the signals that came."""
        self._end: Callable[[], None] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Signals:
        self._before = {number: signal.signal(number, self._came) for number in NUMBERS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def run(self, session: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """Run a session in an event loop of its own.

        Raises:
            CancelledError: a signal ended it.
        """
        self._end = _nothing
        return asyncio.run(self._run(session))

    async def _run(self, session: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self._end = lambda: _quietly(loop, task.cancel)
        if self.ended:
            raise asyncio.CancelledError
        return await session()

    def _came(self, number: int, _: FrameType | None) -> None:
        self.ended.append(number)
        if self._end is None:
            raise SystemExit(128 + number)
        self._end()


def _nothing() -> None:
    """The session asks for what came meanwhile as soon as it begins."""


def _quietly(loop: asyncio.AbstractEventLoop, end: Callable[[], object]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(end)
