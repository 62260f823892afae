"""Fewer colour codes, the same picture."""

from __future__ import annotations

import pyte
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.ui.sgr import Compactor

COLUMNS, ROWS = 24, 6

_number = st.integers(0, 255)
_basic = st.integers(0, 7)


def _colours(offset: int) -> st.SearchStrategy[str]:
    """No colour, or one of 8, of 16, of 256, of all; background codes are foreground codes and ten."""
    return st.one_of(
        st.just(""),
        _basic.map(lambda number: str(30 + offset + number)),
        _basic.map(lambda number: str(90 + offset + number)),
        _number.map(lambda number: f"{38 + offset};5;{number}"),
        st.tuples(_number, _number, _number).map(lambda rgb: f"{38 + offset};2;{rgb[0]};{rgb[1]};{rgb[2]}"),
        st.just(str(39 + offset)),
    )


_attributes = st.lists(st.sampled_from("13479"), unique=True, max_size=3).map(";".join)
_style = st.tuples(_attributes, _colours(0), _colours(10)).map(lambda parts: ";".join(part for part in parts if part))
_text = st.text(st.sampled_from("ab 0▌●漢"), max_size=12)
_run = st.tuples(_style, _text).map(lambda run: f"\x1b[{run[0]}m{run[1]}\x1b[0m" if run[0] else run[1])
_move = st.tuples(st.integers(1, ROWS), st.integers(1, COLUMNS)).map(lambda at: f"\x1b[{at[0]};{at[1]}H")
_erase = st.sampled_from(["\x1b[K", "\x1b[2J", "\x1b[3X", "\r\n"])
_frame = st.lists(st.one_of(_run, _run, _move, _erase), max_size=20).map("".join)


def _picture(writes: list[str]) -> list[list[pyte.screens.Char]]:
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.Stream(screen)
    for data in writes:
        stream.feed(data)
    return [[screen.buffer[y][x] for x in range(COLUMNS)] for y in range(ROWS)]


@given(st.lists(_frame, max_size=4))
@settings(max_examples=300, deadline=None)
def test_every_cell_looks_the_same_and_no_write_gets_longer(frames: list[str]) -> None:
    compactor = Compactor()
    compact = [compactor.compact(frame) for frame in frames]
    assert _picture(compact) == _picture(frames)
    assert all(len(after) <= len(before) for before, after in zip(frames, compact, strict=True))


def test_text_without_codes_is_not_touched() -> None:
    assert Compactor().compact("12 W ● closed") == "12 W ● closed"
    assert Compactor().compact("\x1b[?1049h\x1b[?25l") == "\x1b[?1049h\x1b[?25l"


def test_a_style_that_goes_on_is_named_once() -> None:
    twice = "\x1b[38;2;1;2;3;48;2;4;5;6ma\x1b[0m\x1b[38;2;1;2;3;48;2;4;5;6mb\x1b[0m"
    assert Compactor().compact(twice) == "\x1b[38;2;1;2;3;48;2;4;5;6mab\x1b[m"


def test_only_the_colour_that_changes_is_named() -> None:
    data = "\x1b[1;31;44ma\x1b[0m\x1b[1;32;44mb\x1b[0m\x1b[1;44mc\x1b[0m"
    assert Compactor().compact(data) == "\x1b[1;31;44ma\x1b[32mb\x1b[39mc\x1b[m"


def test_the_next_write_starts_plain() -> None:
    compactor = Compactor()
    assert compactor.compact("\x1b[31ma\x1b[0m") + compactor.compact("b") == "\x1b[31ma\x1b[mb"
