"""Municipalities and states by IBGE code."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattdeck.systems.aneel import places
from wattdeck.systems.aneel.config import STATES

NAMES = {
    "RO": "Porto Velho", "AC": "Rio Branco", "AM": "Manaus", "RR": "Boa Vista", "PA": "Belém", "AP": "Macapá",
    "TO": "Palmas", "MA": "São Luís", "PI": "Teresina", "CE": "Fortaleza", "RN": "Natal", "PB": "João Pessoa",
    "PE": "Recife", "AL": "Maceió", "SE": "Aracaju", "BA": "Salvador", "MG": "Belo Horizonte", "ES": "Vitória",
    "RJ": "Rio de Janeiro", "SP": "São Paulo", "PR": "Curitiba", "SC": "Florianópolis", "RS": "Porto Alegre",
    "MS": "Campo Grande", "MT": "Cuiabá", "GO": "Goiânia", "DF": "Brasília",
}  # fmt: skip


def test_all_5571_official_codes_pass_and_exactly_nine_of_them_as_exceptions() -> None:
    official = places.all_municipalities()
    assert len(official) == 5571
    assert all(places.check_digit_ok(code) for code in official)
    assert {code for code in official if code % 10 != places.check_digit(code // 10)} == places.CODES_WITH_A_WRONG_DIGIT
    assert len(places.CODES_WITH_A_WRONG_DIGIT) == 9


@pytest.mark.parametrize("code", [1400471, 1400101, 2201918, 0, -1400100, 140010, 14001000, 9_999_999_999])
def test_a_wrong_digit_and_a_wrong_length_are_refused(code: int) -> None:
    assert not places.check_digit_ok(code)


@pytest.mark.parametrize(("six", "digit"), [(140047, 2), (140015, 9), (140010, 0), (140005, 0)])
def test_the_digit_is_reckoned_as_in_the_worked_examples(six: int, digit: int) -> None:
    assert places.check_digit(six) == digit


@given(st.integers(100_000, 999_999), st.integers(0, 9))
def test_of_ten_codes_with_the_same_beginning_exactly_one_passes_or_it_is_an_exception(six: int, last: int) -> None:
    code = six * 10 + last
    assert places.check_digit_ok(code) == (last == places.check_digit(six) or code in places.CODES_WITH_A_WRONG_DIGIT)


def test_every_state_has_its_capital_and_its_municipalities() -> None:
    assert set(places.STATES.values()) == set(STATES) == set(NAMES)
    for state, name in NAMES.items():
        capital = places.capital_of(state)
        assert places.municipality_name(capital) == name
        assert places.state_of(capital) == state
        assert capital in places.municipalities_of(state)
    assert sum(len(places.municipalities_of(state)) for state in NAMES) == 5571


def test_what_is_no_state_is_said_to_be_none() -> None:
    assert places.state_of(1800102) is None
    assert places.state_of(140010) is None
    assert places.municipality_name(1400101) is None
    assert places.municipalities_of("XX") == {}
    assert places.positions("SP") == {}
    with pytest.raises(ValueError, match="none of Brazil's states"):
        places.capital_of("XX")


def test_roraima_has_fifteen_municipalities_with_places_and_customers() -> None:
    codes = set(places.municipalities_of("RR"))
    assert len(codes) == 15
    assert codes == set(places.positions("RR")) == set(places.RORAIMA_CUSTOMERS)
    assert places.municipality_name(1400100) == "Boa Vista"
    assert places.municipality_name(1400050) == "Alto Alegre"
    assert max(places.RORAIMA_CUSTOMERS, key=places.RORAIMA_CUSTOMERS.__getitem__) == places.capital_of("RR")
    assert all(0 < latitude < 6 and -65 < longitude < -58 for latitude, longitude in places.positions("RR").values())


def test_the_list_is_not_read_before_somebody_asks_for_a_name() -> None:
    asking = (
        "from wattdeck.systems.aneel import places;"
        "places.state_of(1400100), places.check_digit_ok(1400100), places.capital_of('RR'), places.positions('RR');"
        "print(places.all_municipalities.cache_info().misses)"
    )
    done = subprocess.run([sys.executable, "-c", asking], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
