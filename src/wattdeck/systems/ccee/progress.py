"""How far a list that arrives page by page has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from wattdeck.core.language import tr

if TYPE_CHECKING:
    from wattdeck.systems.ccee.client import Page


class Progress:
    """How far a list has come."""

    def __init__(self, profiles: int, expected: int) -> None:
        self.expected = expected
        """How many rows there were last time; 0 = not known."""
        self.rows = 0
        self.pages = 0
        self._profiles = profiles
        self._profiles_done = 0
        self._windows_done = 0.0

    def page(self, page: Page[Any], rows: int) -> None:
        """A page has come."""
        self.pages += 1
        self.rows = rows
        # How many pages follow is not known: each one halves what may be left of its window.
        inside = 1.0 if page.last else (page.page + 1) / (page.page + 2)
        self._windows_done = (page.window + inside) / page.windows

    def profile_done(self) -> None:
        """All pages of one profile have come."""
        self._profiles_done += 1
        self._windows_done = 0.0

    @property
    def share(self) -> float:
        """From 0 to 1: by the rows of last time where they are known, else by months and profiles that are through."""
        if self.expected:
            return min(1.0, self.rows / self.expected)
        return min(1.0, (self._profiles_done + self._windows_done) / self._profiles)

    @property
    def words(self) -> str:
        """For people: `reading page 4, 150 of about 420 rows`."""
        if self.expected:
            return tr("reading page {page}, {count} of about {all} rows", page=self.pages + 1, count=self.rows,
                      all=self.expected)  # fmt: skip
        return tr("reading page {page}, {count} rows", page=self.pages + 1, count=self.rows)
