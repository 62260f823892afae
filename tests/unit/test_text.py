"""Names from the wire cannot steer the terminal."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattdeck.core.text import clean

ANY_TEXT = st.text(st.characters(codec=None, categories=None), max_size=400)
HOSTILE = st.text(st.sampled_from("\x1b\x07\x9b\u202e\u2066\u200f\u061c\u200b\ufeff\n\t\r\ud800[]ab é漢"), max_size=400)


@given(ANY_TEXT | HOSTILE, st.integers(min_value=1, max_value=250))
def test_nothing_that_steers_a_terminal_is_left(text: str, limit: int) -> None:
    cleaned = clean(text, limit)
    assert len(cleaned) <= limit
    assert not {unicodedata.category(character) for character in cleaned} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert cleaned.isprintable()
    cleaned.encode()


@given(ANY_TEXT | HOSTILE)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=200))
def test_ordinary_text_is_untouched(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("\x9b2Jx", "2Jx"),
        ("a\u202eb\u2066c\u200e\u200f\u061cd", "abcd"),
        ("a\u200bb\u200dc\ufeff", "abc"),
        ("one\r\ntwo\tthree\u2028four\u00a0five", "one  two three four five"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("[bold]not markup[/]", "[bold]not markup[/]"),
        ("Küche ❄ 漢", "Küche ❄ 漢"),
    ],
)
def test_known_tricks(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_long_names_are_cut_and_say_so() -> None:
    assert clean("x" * 201) == "x" * 199 + "…"
    assert clean("x" * 200) == "x" * 200
    assert len(clean("\x00" * 10_000_000 + "x")) <= 200


def test_a_limit_below_one_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        clean("x", 0)
