"""What a firmware's name tells (span-v2.md 1)."""

from __future__ import annotations

import re

NEWEST = 999_999
_BUILD = re.compile(r"(?:^|/)(r([0-9]{6}))(?:[^0-9]|$)")


def firmware_build(name: str) -> int:
    """The number to compare releases by: 202627 of `spanos2/r202627/06`; one that cannot be read counts as newest."""
    found = _BUILD.search(name)
    return NEWEST if found is None else int(found.group(2))


def release(name: str) -> str:
    """The release as people say it: `r202627`; the whole name if it is another kind of name."""
    found = _BUILD.search(name)
    return name if found is None else found.group(1)
