"""Pasted text reaches the reader of keys as text, whatever is in it and however it arrives."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from wattdeck.ui.paste import BEGIN, END, PASTE_CHARACTERS_MAX, PasteGuard


def passed(*pieces: str) -> str:
    guard = PasteGuard()
    return "".join(guard.pass_on(piece) for piece in pieces) + guard.flush()


def test_an_escape_inside_a_paste_is_dropped_and_the_paste_goes_on() -> None:
    assert passed(f"a{BEGIN}one\x1b[31mtwo\x1by\x07{END}b") == f"a{BEGIN}one[31mtwoy{END}b"


def test_keys_outside_a_paste_pass_untouched_and_at_once() -> None:
    guard = PasteGuard()
    assert guard.pass_on("\x1b") == "\x1b"
    assert guard.pass_on("\x1b[A\x1bx\x03") == "\x1b[A\x1bx\x03"


def test_a_paste_is_cut_and_what_follows_is_read_again() -> None:
    out = passed(BEGIN, "x" * 3 * PASTE_CHARACTERS_MAX, END, "q")
    assert out == BEGIN + "x" * PASTE_CHARACTERS_MAX + END + "q"


def test_the_beginning_of_a_marker_that_never_comes_is_handed_on() -> None:
    guard = PasteGuard()
    assert guard.pass_on("\x1b[2") == "" and guard.flush() == "\x1b[2"


@given(st.lists(st.sampled_from(["a", "é", "\x1b", "[31m", "\n", BEGIN, END, "\x1b[20", "0~", "1~"]), max_size=12))
def test_pieces_make_no_difference(parts: list[str]) -> None:
    text = "".join(parts)
    whole, single = passed(text), passed(*text)
    assert whole == single
    inside = whole.split(BEGIN)[1:]
    assert all("\x1b" not in part.split(END)[0] for part in inside)
