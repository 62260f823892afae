"""ANEEL's code lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattdeck.systems.aneel import codes


def test_there_are_exactly_117_types_of_three_five_or_seven_digits() -> None:
    assert len(codes.TYPOLOGIES) == 117
    assert {len(code) for code in codes.TYPOLOGIES} == {3, 5, 7}
    assert all(code.isdigit() for code in codes.TYPOLOGIES)
    assert list(codes.TYPOLOGIES) == sorted(codes.TYPOLOGIES)


@pytest.mark.parametrize(
    ("prefix", "count"),
    [
        ("101", 23), ("10201", 6), ("10202", 5), ("10203", 4), ("10204", 15), ("10205", 6), ("10206", 7), ("10207", 6),
        ("10208", 6), ("10209", 5), ("10210", 6), ("10212", 7), ("10213", 5), ("104", 6), ("102", 83),
        ("103", 1), ("105", 1), ("106", 1), ("107", 1), ("108", 1),
    ],
)  # fmt: skip
def test_each_group_has_the_leaves_of_the_tree(prefix: str, count: int) -> None:
    assert sum(code.startswith(prefix) for code in codes.TYPOLOGIES) == count


def test_a_group_is_no_leaf_and_no_leaf_has_another_below_it() -> None:
    assert not set(codes.TYPOLOGIES) & set(codes.TYPOLOGY_GROUPS)
    for code in codes.TYPOLOGIES:
        assert not any(other != code and other.startswith(code) for other in codes.TYPOLOGIES)
        assert len(code) == 3 or codes.group_of(code) in codes.TYPOLOGY_GROUPS


@pytest.mark.parametrize("code", ["102", "101", "104", "10201", "10209", "0101001", "20101", "1020998", "", "1020900"])
def test_groups_and_invented_codes_are_none_of_the_types(code: str) -> None:
    assert code not in codes.TYPOLOGIES


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("1020901", "qualidade do fornecimento: falta de energia"),
        ("1020499", "leitura e faturamento: outros"),
        ("10101", "informação: ligação"),
        ("10122", "informação: caminho do entendimento"),
        ("10217", "reclamação: outros"),
        ("10405", "denúncia: furto de cabos"),
        ("105", "elogio"),
        ("10201", "ligação (group 10201)"),
        ("20101", "unknown type 20101"),
        ("\x1b[31m7", "unknown type [31m7"),
    ],
)
def test_a_type_is_named_with_its_group(code: str, words: str) -> None:
    assert codes.typology_words(code) == words


@given(st.text(max_size=30))
def test_words_of_any_code_are_fit_for_a_terminal(code: str) -> None:
    words = codes.typology_words(code)
    assert words.isprintable() and 0 < len(words) < 60


def test_channels_and_levels_are_those_of_annex_v4() -> None:
    assert list(codes.CHANNELS) == list(range(1, 13))
    assert (codes.CHANNELS[5], codes.CHANNELS[12]) == ("aplicativo", "WhatsApp")
    assert list(codes.LEVELS_OF_SERVICE) == [1, 2]
    assert list(codes.LEVELS_OF_TREATMENT) == list(codes.DEMAND_STATUS) == [0, 1, 2]
    assert list(codes.VERDICTS) == [0, 1, 2, 3]
