"""Painting only what differs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wattdeck.core.lines import Line, cell_width, line_width
from wattdeck.ui.paint import changed_span, single_width

WIDE = "界"
texts = st.text(alphabet="ab 1─█" + WIDE, min_size=1, max_size=6)
lines = st.lists(st.tuples(texts, st.sampled_from(["normal", "muted", "heading"])), max_size=5).map(tuple)


def cells(line: Line) -> list[tuple[str, str]]:
    """What stands in each cell; the second half of a wide character is empty."""
    out: list[tuple[str, str]] = []
    for text, token in line:
        for character in text:
            out.append((character, token))
            out += [("", token)] * (cell_width(character) - 1)
    return out


@given(lines, lines)
def test_changed_cells_put_on_the_old_picture_give_the_new_one(old: Line, new: Line) -> None:
    before, after = cells(old), cells(new)
    width = max(len(before), len(after))
    blank = (" ", "normal")
    before += [blank] * (width - len(before))
    after += [blank] * (width - len(after))
    span = changed_span(old, new)
    if span is not None:
        start, end = span
        assert 0 <= start < end <= max(1, width)
        before[start:end] = after[start:end]
    assert before == after


@given(lines)
def test_equal_lines_change_nothing(line: Line) -> None:
    assert changed_span(line, tuple(line)) is None


@given(lines, lines)
def test_no_wide_character_is_cut_in_two(old: Line, new: Line) -> None:
    span = changed_span(old, new)
    if span is not None and line_width(old) == line_width(new):
        for picture in (cells(old), cells(new)):
            for edge in span:
                assert edge >= len(picture) or picture[edge][0] != ""


def test_one_digit_is_one_cell() -> None:
    assert changed_span((("live 1 s", "link-live"),), (("live 2 s", "link-live"),)) == (5, 6)


def test_another_meaning_of_the_same_text_is_drawn_again() -> None:
    assert changed_span((("a", "normal"), ("bc", "normal")), (("a", "normal"), ("bc", "muted"))) == (1, 3)


def test_single_width() -> None:
    assert single_width("abc █") and not single_width(WIDE)
