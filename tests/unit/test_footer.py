"""The footer: few keys, and always the one that explains the others."""

from __future__ import annotations

from wattdeck.core.lines import line_width
from wattdeck.ui.frame import footer_line

KEYS = [("space", "Relay"), ("P", "Priority"), ("tab", "Source"), ("/", "Filter"), ("s", "Sort"), ("a", "Panels")]
HELP = ("?", "Help")


def words(bindings: list[tuple[str, str]], width: int) -> str:
    line = footer_line(bindings, width)
    assert line_width(line) <= width
    return "".join(text for text, _ in line)


def test_help_stays_when_there_are_more_than_seven_keys() -> None:
    shown = words([*KEYS, ("r", "Refresh"), ("N", "Step"), HELP], 200)
    assert shown == " space Relay  P Priority  tab Source  / Filter  s Sort  a Panels  ? Help "


def test_help_stays_where_it_is_tight() -> None:
    assert words([*KEYS, HELP], 40) == " space Relay  P Priority  ? Help "


def test_all_fit_in_their_order() -> None:
    assert words([*KEYS, HELP], 80).split()[::2] == ["space", "P", "tab", "/", "s", "a", "?"]
    assert "?" not in words(KEYS, 80)
