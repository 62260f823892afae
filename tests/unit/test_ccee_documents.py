"""CPF, CNPJ and consumer unit codes: the published examples, what one wrong digit does, and what a mask shows."""

from __future__ import annotations

import string
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.systems.ccee.documents import (
    bare_document,
    complete_cnpj,
    complete_cpf,
    complete_unit_code,
    format_cnpj,
    format_cpf,
    format_document,
    format_unit_code,
    mask_document,
    mask_email,
    valid_cnpj,
    valid_cpf,
    valid_email,
    valid_unit_code,
)

DIGITS = string.digits
CNPJ_CHARACTERS = DIGITS + string.ascii_uppercase
UNSEEN: dict[str, frozenset[tuple[int, int]]] = {
    "cpf": frozenset({(1, 1), (6, 2), (6, 9)}),
    "cnpj": frozenset({(1, 2), (1, 9), (5, 5), (5, 6), (9, 2), (9, 9)}),
    "unit": frozenset({(1, 1), (6, 2), (6, 9), (11, 1)}),
}
"""Places and differences of digits that both check digits can miss."""
RULES: dict[str, tuple[int, Callable[[str], str], Callable[[str], bool]]] = {
    "cpf": (9, complete_cpf, valid_cpf),
    "cnpj": (12, complete_cnpj, valid_cnpj),
    "unit": (13, complete_unit_code, valid_unit_code),
}


@pytest.mark.parametrize(
    ("base", "code"),
    [
        ("0000010000004", "000001000000471"),
        ("0013479258028", "001347925802810"),
        ("0000001234001", "000000123400159"),
        ("0000000000001", "000000000000130"),
        ("1234567890123", "123456789012320"),
    ],
)
def test_every_published_or_computed_unit_code_is_reckoned_as_the_sheet_says(base: str, code: str) -> None:
    assert complete_unit_code(base) == code and valid_unit_code(code)


def test_the_illustrative_sample_that_does_not_verify_is_refused() -> None:
    assert not valid_unit_code("101.059-21".rjust(15, "0"))
    assert complete_unit_code("0000000101059")[-2:] == "06"


def test_the_examples_of_cpf_and_cnpj_verify() -> None:
    assert complete_cpf("529982247") == "52998224725" and valid_cpf("529.982.247-25")
    assert complete_cnpj("112223330001") == "11222333000181" and valid_cnpj("11.222.333/0001-81")


def test_the_official_alphanumeric_cnpj_verifies_in_either_case_and_with_its_punctuation() -> None:
    assert complete_cnpj("12ABC34501DE") == "12ABC34501DE35"
    assert valid_cnpj("12.ABC.345/01DE-35") and valid_cnpj("12abc34501de35")
    assert bare_document("12.abc.345/01de-35") == "12ABC34501DE35"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12ABC34501DE34",
        "12ABC34501DE53",
        "12ABC34501DEA5",
        "12ABC34501D35",
        "00000000000000",
        "11222333000182",
        "1122233300018",
        "112223330001811",
        "１１222333000181",  # full width
        "11222333000١81",  # Arabic
        "11222333000181\n",
        "11222333\t000181",
        "11222333000181\u200b",
        "12ABC345\u043e1DE35",  # Cyrillic
        "12ßBC34501DE35",
        "11_222_333_0001_81",
        "11,222,333/0001-81",
    ],
)
def test_a_wrong_cnpj_is_refused(text: str) -> None:
    assert not valid_cnpj(text)


@pytest.mark.parametrize("text", ["ı" * 3, "ſ", "ß", "ﬁ"])
def test_upper_case_makes_no_foreign_letter_an_ascii_one(text: str) -> None:
    assert bare_document(text) == text


@pytest.mark.parametrize("digit", DIGITS)
def test_a_number_of_equal_digits_is_no_number(digit: str) -> None:
    assert not valid_cpf(digit * 11) and not valid_cnpj(digit * 14) and not valid_unit_code(digit * 15)


@pytest.mark.parametrize(
    "text", ["5299822472", "529982247256", "52998224724", "5299822472A", "５2998224725", " \t52998224725"]
)
def test_a_wrong_cpf_is_refused(text: str) -> None:
    assert not valid_cpf(text)


@pytest.mark.parametrize("text", ["0032765", "UC-TESTE", "00000123400159", "0000001234001590", "000000123400158"])
def test_an_old_or_wrong_unit_code_is_told_from_a_new_one(text: str) -> None:
    assert not valid_unit_code(text) and format_unit_code(text) in {text, "0.000.001.234.001-58"}


@pytest.mark.parametrize("rule", RULES)
@settings(max_examples=20)
@given(data=st.data())
def test_what_is_completed_is_valid_and_one_changed_digit_is_found_where_modulo_11_can_see_it(
    rule: str, data: st.DataObject
) -> None:
    length, complete, valid = RULES[rule]
    base = data.draw(st.text(DIGITS, min_size=length, max_size=length).filter(lambda text: len(set(text)) > 1))
    code = complete(base)
    assert valid(code)
    for place, was in enumerate(code):
        for digit in DIGITS:
            if digit != was and valid(code[:place] + digit + code[place + 1 :]):
                assert code.endswith("00") or (rule != "cnpj" and place == 0 and code[-2] == "0")
                assert (place + 1, abs(int(digit) - int(was))) in UNSEEN[rule]


def test_the_changes_that_modulo_11_cannot_see_exist() -> None:
    assert valid_cpf("37521783700") and valid_cpf("37521983700")
    assert valid_cnpj("61233950454500") and valid_cnpj("61233950254500")
    assert valid_unit_code("157326818694900") and valid_unit_code("157326818684900")
    assert complete_cnpj("6" * 12)[-2:] == complete_cnpj("A" * 12)[-2:] == complete_cnpj("L" * 12)[-2:]


@settings(max_examples=40)
@given(st.text(CNPJ_CHARACTERS, min_size=12, max_size=12).filter(lambda text: text != "0" * 12))
def test_an_alphanumeric_cnpj_is_valid_as_completed_and_as_written(base: str) -> None:
    code = complete_cnpj(base)
    assert valid_cnpj(code) and valid_cnpj(format_cnpj(code).lower()) and bare_document(format_cnpj(code)) == code
    assert not any(valid_cnpj(code[:13] + digit) for digit in DIGITS if digit != code[13])


@pytest.mark.parametrize("base", ["", "123", "12ABC34501de", "1122233300 1", "１" * 12])
def test_a_base_of_another_shape_cannot_be_completed(base: str) -> None:
    with pytest.raises(ValueError, match="expected 12 digits"):
        complete_cnpj(base)


def test_numbers_are_written_with_their_punctuation_and_other_text_stays() -> None:
    assert format_cpf("52998224725") == format_document("52998224725") == "529.982.247-25"
    assert format_cnpj("12abc34501de35") == format_document("12ABC34501DE35") == "12.ABC.345/01DE-35"
    assert format_unit_code("001347925802810") == "0.013.479.258.028-10"
    assert format_cpf("1") == format_cnpj("1") == format_document("1") == format_unit_code("1") == "1"


def test_masks_show_the_end_of_a_number() -> None:
    assert mask_document("11222333000181") == mask_document("11.222.333/0001-81") == "**.***.***/0001-81"
    assert mask_document("12ABC34501DE35") == "**.***.***/01DE-35"
    assert mask_document("52998224725") == mask_document("529.982.247-25") == "***.***.***-25"
    assert mask_document("123456") == "****56"
    assert mask_document("") == "" and mask_document("12") == "**"


@settings(max_examples=50)
@given(st.text(max_size=40))
def test_a_mask_of_anything_shows_six_characters_at_most_and_is_the_same_when_masked_again(text: str) -> None:
    masked = mask_document(text)
    assert mask_document(masked) == masked and masked.isprintable()
    assert sum(character not in "*./-" for character in masked) <= 6


def test_an_e_mail_shows_its_first_letter_and_its_domain() -> None:
    assert mask_email("uc@example.com") == mask_email("u@example.com") == "u***@example.com"
    assert mask_email("") == "" and mask_email("nobody") == mask_email("@x") == mask_email("x@") == "***"
    assert mask_email("a\x1b[31m@b.br\x07") == "a***@b.br"


@settings(max_examples=50)
@given(st.text(max_size=60))
def test_no_mask_of_an_e_mail_shows_what_stands_before_the_at_sign(text: str) -> None:
    masked = mask_email(text)
    assert masked.isprintable() and mask_email(masked) == masked
    assert masked in ("", "***") or masked[1:].startswith("***@")


@pytest.mark.parametrize("text", ["uc@example.com", "a.b+c@sub.example.com.br", "joão@exemplo.com.br"])
def test_an_address_of_the_usual_shape_is_accepted(text: str) -> None:
    assert valid_email(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "uc",
        "uc@",
        "@example.com",
        "uc@localhost",
        "a b@example.com",
        "a@b@example.com",
        "a@.com",
        "a@b..com",
        "a@b.com\n",
        "a\x00@b.com",
        "x" * 250 + "@b.com",
    ],
)
def test_text_that_is_no_address_is_refused(text: str) -> None:
    assert not valid_email(text)
