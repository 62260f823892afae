"""Partial repaints in as few bytes as it takes."""

from __future__ import annotations

from itertools import pairwise

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from fakes import ManualClock
from wattdeck.ui.update import BRIDGE_CELLS, KNOWN_S, ExactUpdate, Shown, merge

Span = tuple[int, int, int]
spans = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 40), st.integers(1, 10)).map(lambda s: (s[0], s[1], s[1] + s[2])),
    max_size=12,
)


def covered(found: list[Span]) -> set[tuple[int, int]]:
    return {(y, x) for y, x1, x2 in found for x in range(x1, x2)}


@given(spans)
def test_every_changed_cell_is_covered_once(found: list[Span]) -> None:
    merged = merge(found)
    assert covered(found) <= covered(merged)
    assert len(covered(merged)) == sum(x2 - x1 for _, x1, x2 in merged)


@given(spans)
def test_stretches_come_in_reading_order_and_are_worth_their_jumps(found: list[Span]) -> None:
    merged = merge(found)
    assert merged == sorted(merged)
    for (y, _, end), (next_y, start, _) in pairwise(merged):
        assert y != next_y or start - end > BRIDGE_CELLS


@given(spans)
def test_what_is_printed_over_beyond_the_changes_is_only_short_gaps(found: list[Span]) -> None:
    extra = covered(merge(found)) - covered(found)
    for y, x in extra:
        run = [x]
        while (y, run[0] - 1) in extra:
            run.insert(0, run[0] - 1)
        while (y, run[-1] + 1) in extra:
            run.append(run[-1] + 1)
        assert len(run) <= BRIDGE_CELLS


def test_merging_twice_changes_nothing() -> None:
    once = merge([(0, 0, 2), (0, 5, 8), (1, 0, 1), (0, 20, 21)])
    assert once == [(0, 0, 8), (0, 20, 21), (1, 0, 1)] == merge(once)


# What the terminal shows already

WIDTH, HEIGHT = 12, 3
STYLES = (None, Style(color="red"), Style(bold=True))
CONSOLE = Console(color_system="truecolor")
Picture = list[Strip]

lines = st.lists(st.tuples(st.sampled_from("ab 日"), st.sampled_from(STYLES)), min_size=WIDTH, max_size=WIDTH).map(
    lambda cells: Strip([Segment(text, style) for text, style in cells]).crop(0, WIDTH)
)
pictures = st.lists(lines, min_size=HEIGHT, max_size=HEIGHT)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def whole(picture: Picture) -> LayoutUpdate:
    return LayoutUpdate([[strip] for strip in picture], Region(0, 0, WIDTH, HEIGHT))


def part(picture: Picture, found: list[Span]) -> ChopsUpdate:
    return ChopsUpdate([{0: strip} for strip in picture], found, [[WIDTH]] * HEIGHT)


def sent(update: ChopsUpdate | LayoutUpdate, shown: Shown) -> str:
    return ExactUpdate(update, shown).render_segments(CONSOLE)


def cells(output: str, screen: pyte.Screen) -> list[list[pyte.screens.Char]]:
    """What a terminal shows after it."""
    pyte.Stream(screen).feed(output)
    return [[screen.buffer[y][x] for x in range(WIDTH)] for y in range(HEIGHT)]


def plain(text: str) -> Picture:
    return [Strip([Segment(text.ljust(WIDTH))]) for _ in range(HEIGHT)]


@given(st.lists(st.tuples(pictures, st.lists(st.integers(0, WIDTH - 1), min_size=HEIGHT, max_size=HEIGHT)), max_size=5))
def test_the_terminal_shows_the_last_picture_whatever_was_sent_before(steps: list[tuple[Picture, list[int]]]) -> None:
    shown, terminal = Shown(ManualClock().monotonic), pyte.Screen(WIDTH, HEIGHT)
    cells(sent(whole(plain("")), shown), terminal)
    for picture, lefts in steps:
        # The right part of each line, then all of it.
        cells(sent(part(picture, [(y, left, WIDTH) for y, left in enumerate(lefts)]), shown), terminal)
        found = cells(sent(whole(picture), shown), terminal)
        assert found == cells(sent(whole(picture), Shown(ManualClock().monotonic)), pyte.Screen(WIDTH, HEIGHT))


@given(pictures)
def test_the_same_picture_again_is_not_sent(picture: Picture) -> None:
    shown = Shown(ManualClock().monotonic)
    assert sent(whole(picture), shown)
    assert sent(whole(picture), shown) == "" == sent(part(picture, [(0, 2, 7), (2, 0, WIDTH)]), shown)


def test_a_line_that_changed_is_sent_alone(clock: ManualClock) -> None:
    shown = Shown(clock.monotonic)
    sent(whole(plain("a")), shown)
    changed = [*plain("a")[:2], plain("b")[0]]
    assert sent(whole(changed), shown) == f"\x1b[3;1H{'b':<{WIDTH}}"


def test_what_was_sent_long_ago_or_is_to_be_forgotten_is_sent_again(clock: ManualClock) -> None:
    shown = Shown(clock.monotonic)
    first = sent(whole(plain("a")), shown)
    clock.advance(KNOWN_S)
    assert sent(whole(plain("a")), shown) == first
    shown.forget()
    assert sent(whole(plain("a")), shown) == first


def test_what_was_drawn_over_is_sent_again(clock: ManualClock) -> None:
    shown = Shown(clock.monotonic)
    sent(whole(plain("a")), shown)
    assert sent(part(plain("b"), [(1, 0, 2)]), shown)
    assert sent(whole(plain("a")), shown) == f"\x1b[2;1H{'a':<{WIDTH}}"
