"""Text cut and padded by terminal cells, whatever the text."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from wattdeck.core.lines import (
    TEXT,
    LazyRows,
    Line,
    Row,
    cell_width,
    clip,
    cut,
    fit,
    justify,
    line_width,
    plain,
    right,
    wrap,
)
from wattdeck.core.text import clean

WIDE = "寝室の照明"
FAMILY = "👨\N{ZERO WIDTH JOINER}👩\N{ZERO WIDTH JOINER}👧"
TRICKY = st.sampled_from(["", "Kitchen", WIDE, FAMILY, "é", "👍🏽", "🇧🇷", "❤️", "ا" * 5, "a" * 300, " 　 ", "½ m³", "‼️"])
ANY_TEXT = st.lists(st.text(max_size=12) | TRICKY, max_size=4).map("".join)
SHOWN = ANY_TEXT.map(clean)
"""What reaches the screen: text over the wire is cleaned before it gets there."""
LINES = st.lists(st.tuples(SHOWN, st.sampled_from(["normal", "muted"])), max_size=4).map(tuple)


@given(SHOWN, st.integers(0, 60))
def test_fit_gives_exactly_as_many_cells_as_asked_for(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width


@given(ANY_TEXT.filter(str.isprintable), st.integers(0, 60))
def test_fit_is_exact_for_all_that_can_be_printed(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width


@given(SHOWN, st.integers(-2, 60))
def test_cut_never_exceeds_and_leaves_what_fits_alone(text: str, width: int) -> None:
    short = cut(text, width)
    assert cell_len(short) <= max(0, width)
    if cell_len(text) <= width:
        assert short == text
    elif width > 0:
        assert short.endswith("…")


@given(SHOWN, st.integers(0, 60))
def test_right_is_exact_and_never_cuts_a_number_to_a_wrong_one(text: str, width: int) -> None:
    shown = right(text, width)
    assert cell_len(shown) == width
    assert shown.endswith(text) or shown == "#" * width


@given(LINES, st.integers(-2, 80))
def test_clip_never_exceeds_and_keeps_the_meanings(line: Line, width: int) -> None:
    clipped = clip(line, width)
    assert sum(cell_len(text) for text, _ in clipped) <= max(0, width)
    assert [token for _, token in clipped] == [token for _, token in line][: len(clipped)]
    if line_width(line) <= width:
        assert plain([clipped]) == plain([line])


@given(LINES, LINES, st.integers(0, 120))
def test_justify_never_exceeds_and_the_right_end_stays(left: Line, right_side: Line, width: int) -> None:
    line = justify(left, right_side, width)
    assert line_width(line) <= width
    if line_width(right_side) < width:
        assert line_width(line) == width
        assert "".join(text for text, _ in line).endswith("".join(text for text, _ in right_side))


def test_the_ellipsis_says_that_something_was_lost() -> None:
    assert (fit("Kitchen Lights", 8), fit("Oven", 8)) == ("Kitchen…", "Oven    ")
    assert (cut("Kitchen", 7), cut("Kitchen", 1), cut("Kitchen", 0)) == ("Kitchen", "…", "")


def test_a_wide_character_is_not_cut_in_half() -> None:
    assert cell_width(WIDE) == 10
    assert fit(WIDE, 6) == "寝室… " and fit(WIDE, 5) == "寝室…"


def test_a_number_without_room_shows_as_hashes() -> None:
    assert (right("1 846", 4), right("1 846", 6)) == ("####", " 1 846")


@example("\u0898", 8)
@given(SHOWN, st.integers(8, 60))
def test_wrapped_sentences_fit_and_lose_no_word(text: str, width: int) -> None:
    rows = wrap(text, width, "muted")
    assert rows
    assert all(line_width(row) <= width for row in rows)
    assert "".join(plain(rows).split()) == "".join(text.split())


def test_a_sentence_breaks_at_spaces() -> None:
    assert wrap("the panel does not let users switch", 12) == [
        (("the panel", TEXT),),
        (("does not let", TEXT),),
        (("users switch", TEXT),),
    ]
    assert wrap("", 12) == [()]


@pytest.mark.parametrize("width", [-5, 0, 3])
def test_a_narrow_pane_still_gets_words(width: int) -> None:
    assert plain(wrap("no relay here", width)) == "no relay\nhere"


def test_plain_text_ends_no_line_in_blanks() -> None:
    assert plain([(("a", "x"), ("  ", "y")), (), (("b", "z"),)]) == "a\n\nb"


def test_a_number_is_not_torn_at_its_thousands() -> None:
    assert wrap("at most 12\N{NO-BREAK SPACE}259.59 kWh — then", 14)[0] == (("at most", TEXT),)


def test_lazy_rows_behave_like_the_list_they_stand_for() -> None:
    rows = [Row(str(number), ((str(number), TEXT),)) for number in range(5)]
    lazy = LazyRows([row.id for row in rows], rows.__getitem__)
    assert list(lazy) == rows and len(lazy) == 5 and lazy[-1] == rows[-1] and list(lazy[1:4:2]) == rows[1:4:2]
    with pytest.raises(IndexError):
        lazy[5]
