"""What a screen asked a source for beside its feeds, and what came back."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

KEPT_ANSWERS = 64
"""Answers kept: what a person walks to and fro between."""


class Answers(Generic[K, V]):
    """Answers by question, the oldest forgotten; each with the age of the readings it was asked beside."""

    def __init__(self, limit: int = KEPT_ANSWERS) -> None:
        self._limit = limit
        self._kept: OrderedDict[K, tuple[V | None, str, datetime | None]] = OrderedDict()

    def put(self, key: K, value: V, beside: datetime | None) -> None:
        """Keep an answer."""
        self._store(key, value, "", beside)

    def fail(self, key: K, problem: str, beside: datetime | None) -> None:
        """Keep why there is no new answer; an older one stays."""
        self._store(key, self.value(key), problem, beside)

    def value(self, key: K) -> V | None:
        """The last good answer."""
        entry = self._kept.get(key)
        return None if entry is None else entry[0]

    def problem(self, key: K) -> str:
        """Why the last try gave none; empty if it did."""
        entry = self._kept.get(key)
        return "" if entry is None else entry[1]

    def due(self, key: K, beside: datetime | None, settled: bool) -> bool:
        """Whether to ask: never asked, or the readings are newer and the answer failed or may have grown."""
        entry = self._kept.get(key)
        if entry is None:
            return True
        return entry[2] != beside and (bool(entry[1]) or not settled)

    def forget_failures(self) -> None:
        """Ask again for whatever failed: there may be a new session."""
        for key in [key for key, entry in self._kept.items() if entry[1]]:
            del self._kept[key]

    def _store(self, key: K, value: V | None, problem: str, beside: datetime | None) -> None:
        self._kept[key] = (value, problem, beside)
        self._kept.move_to_end(key)
        while len(self._kept) > self._limit:
            self._kept.popitem(last=False)
