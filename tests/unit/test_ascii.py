"""Text in ASCII, cell for cell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattdeck.core.ascii import ascii_cells
from wattdeck.core.lines import cell_width
from wattdeck.core.text import clean


@given(st.text(max_size=40))
def test_what_is_shown_becomes_ascii_of_the_same_width(text: str) -> None:
    shown = clean(text)
    told = ascii_cells(shown)
    assert told.isascii() and told.isprintable() and cell_width(told) == cell_width(shown)
    assert ascii_cells(told) == told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("São Paulo, Migrações", "Sao Paulo, Migracoes"),
        ("−1 234 W … 20 °C ½", "-1 234 W . 20 oC /"),
        ("╭──┬╮│┃▏█▁▄", "+--++|||#_="),
        ("⠀⠁⠿", " .:"),
        ("日本 é\u0301", "???? e"),
        ("\x1b[1;31mã\x1b[0m", "\x1b[1;31ma\x1b[0m"),
        ("Ω", "?"),
    ],
)
def test_characters_become_what_is_like_them(text: str, expected: str) -> None:
    assert ascii_cells(text) == expected
