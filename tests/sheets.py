"""The style sheets of apps, parsed once for all the apps of a run: they are the same for each."""

from __future__ import annotations

from typing import Any

from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

_parse = Stylesheet._parse_rules
_known: dict[tuple[object, ...], list[RuleSet]] = {}


def _parse_once(sheet: Stylesheet, css: str, *where: Any, **how: Any) -> list[RuleSet]:
    """The rules of a sheet under the colours it is parsed with."""
    key = (css, where, frozenset(how.items()), frozenset(sheet._variables.items()))
    if key not in _known:
        _known[key] = _parse(sheet, css, *where, **how)
    return list(_known[key])


def share() -> None:
    """From now on no sheet is parsed twice with the same colours."""
    Stylesheet._parse_rules = _parse_once  # type: ignore[method-assign,assignment]
