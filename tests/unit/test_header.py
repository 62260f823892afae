"""The header says where one is, however little room there is."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from wattdeck.core.header import HeaderState, header_line
from wattdeck.core.lines import plain
from wattdeck.core.reading import Link, Reading
from wattdeck.core.units import UNICODE

NOW = datetime(2026, 11, 20, 14, 4, 31, tzinfo=UTC)
TITLES = ("Overview", "SPAN", "USMS", "CCEE", "ANEEL", "THERMO", "Events")


def line(width: int, current: int, **state: object) -> str:
    """The header as text."""
    systems = [(str(number), title, number == current) for number, title in enumerate(TITLES)]
    given: dict[str, object] = {"systems": systems, "source": "thermo/attic", "alarms": 10, "demo": True, **state}
    return plain([header_line(HeaderState(**given), NOW, width, UNICODE)])  # type: ignore[arg-type]


def test_with_room_every_screen_has_its_title() -> None:
    shown = line(160, 5)
    assert " 0 Overview " in shown and "[5 THERMO]" in shown and " 6 Events " in shown


def test_with_less_room_the_screen_in_front_keeps_its_title_and_the_others_their_keys() -> None:
    shown = line(110, 5)
    assert "[5 THERMO]" in shown and " 1 " in shown and " 6 " in shown and "6 Events" not in shown


@pytest.mark.parametrize("current", range(len(TITLES)))
@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_the_screen_in_front_is_named_at_every_width(width: int, current: int) -> None:
    shown = line(width, current, read_only=True)
    assert f"[{current}" in shown and "10 alarms" in shown


@pytest.mark.parametrize("width", range(80, 140))
def test_the_two_sides_never_touch(width: int) -> None:
    reading: Reading[object] = Reading("usms/contoh", "meters", None, Link.LIVE, NOW)
    shown = line(width, 2, source="usms/contoh", reading=reading)
    assert "10 alarms" in shown and re.search(r"[^ ]10 alarms", shown) is None
