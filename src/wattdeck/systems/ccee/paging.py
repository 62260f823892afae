"""Walking a list: window after window, page after page, each item once, never for ever (ccee.md 2)."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from wattdeck.core.answers import Answer
from wattdeck.core.language import later, tr
from wattdeck.systems.ccee.errors import bad_answer
from wattdeck.systems.ccee.requests import Query
from wattdeck.systems.ccee.wire import CURSOR, Listed

T = TypeVar("T")

PAGES_MAX = 20_000
"""Of one window."""
STALE_PAGES_MAX = 50
"""Pages in a row that bring nothing new before a list is given up: a filter may leave some empty, not that many."""
IDS_KEPT = 20_000
"""Newest ids that are remembered at least: what moves while a list is read comes again on a page nearby."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, without what earlier ones held."""

    items: tuple[T, ...]
    window: int
    """Which window of the range, from 0."""
    windows: int
    page: int
    """Which page of its window, from 0."""
    last: bool
    """Nothing follows."""
    skipped: int = 0
    """Entries that could not be read."""


class Recent:
    """Ids seen lately, in a memory that does not grow: one generation fills while the one before still counts."""

    def __init__(self, kept: int = IDS_KEPT) -> None:
        self._kept = kept
        self._filling: set[str] = set()
        self._before: set[str] = set()

    def sift(self, items: tuple[T, ...], item_id: Callable[[T], str]) -> tuple[T, ...]:
        """The items that were not there, each once; they are from now on."""
        if len(self._filling) >= self._kept:
            self._before, self._filling = self._filling, set()
        ids = [*map(item_id, items)]
        fresh = set(ids) - self._filling - self._before
        self._filling |= fresh
        if len(fresh) == len(ids):
            return items
        first = {each: item for each, item in zip(reversed(ids), reversed(items), strict=True) if each in fresh}
        return tuple(reversed(first.values()))


async def pages(
    windows: Sequence[Query],
    read: Callable[[Query], Awaitable[tuple[Answer, Listed[T]]]],
    what: str,
    item_id: Callable[[T], str],
) -> AsyncGenerator[Page[T], None]:
    """Every page of every window, in order; each is asked for when the one before has been taken.

    Args:
        windows: The query of each window.
        read: Gets one page.
        what: Names the request in errors.

    Raises:
        AnswerError: the server goes round in circles: a cursor comes again, or many pages bring nothing new.
        CceeError: what `read` raises.
    """
    recent = Recent()
    for window, query in enumerate(windows):
        cursor, seen, stale = "", {""}, 0
        for number in range(PAGES_MAX):
            answer, found = await read([*query, (CURSOR, cursor)] if cursor else query)
            cursor = found.cursor
            items = recent.sift(found.items, item_id)
            last = not cursor and window == len(windows) - 1
            yield Page(items, window, len(windows), number, last, found.skipped)
            if not cursor:
                break
            stale = 0 if items else stale + 1
            if cursor in seen:
                words = tr("the server gave the same {name} again after {count} pages", name=CURSOR, count=number + 1)
                raise bad_answer(answer, f"{what}: {words}{tr(_END)}")
            if stale >= STALE_PAGES_MAX:
                words = tr("{count} pages in a row brought nothing new", count=stale)
                raise bad_answer(answer, f"{what}: {words}{tr(_END)}")
            seen.add(cursor)
        else:
            words = tr("there are more than {count} pages", count=PAGES_MAX)
            raise bad_answer(answer, f"{what}: {words}{tr(_END)}")


_END = later("; it would never end, so the list is cut short there. Ask for a shorter range, and tell CCEE if it stays")
