"""Who is told of something as soon as it happens."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
log = logging.getLogger(__name__)


class Subscribers(Generic[T]):
    """Callbacks on the event loop, which must not block; `about` says in the log what it is that they are told of."""

    def __init__(self, about: str) -> None:
        self._about = about
        self._callbacks: list[Callable[[T], None]] = []

    def add(self, callback: Callable[[T], None]) -> Callable[[], None]:
        """Tell this one too; returns how to stop."""
        self._callbacks.append(callback)

        def stop() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return stop

    def tell(self, news: T) -> None:
        """Tell everyone; a defect of one keeps it neither from the others nor from who tells."""
        for callback in list(self._callbacks):
            try:
                callback(news)
            except Exception:
                log.exception("a subscriber to %s failed", self._about)
