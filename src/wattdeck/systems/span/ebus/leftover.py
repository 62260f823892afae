"""A data-model version that nobody deleted when the panel went back to flat (span-v2.md 11)."""

from __future__ import annotations

PROVEN_S = 20.0
"""So long the panel has to go on reporting what flat alone reports."""


class Leftover:
    """Finds out whether a kept version is a leftover, where the schema, read anew for its sake, says flat.

    A version that is said while we listen is the tree's own. One kept from before stays in doubt until the panel,
    ready and described as flat, reports over some time what only flat reports; what was kept proves nothing.
    """

    def __init__(self) -> None:
        self.proven = False
        self._since_s: float | None = None

    def reported(self, now_s: float) -> bool:
        """The panel has just said something that only flat says; True: that proves it now."""
        if self._since_s is None:
            self._since_s = now_s
        was, self.proven = self.proven, self.proven or now_s - self._since_s >= PROVEN_S
        return self.proven and not was

    def begin_anew(self) -> None:
        """The panel is not ready, or not described as flat any more."""
        self.proven, self._since_s = False, None
