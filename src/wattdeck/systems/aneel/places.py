"""Brazil's states and municipalities by IBGE code (aneel.md 8).

The list of the 5,571 municipalities is read with the first question for a name, not before.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType

from wattdeck.core.language import tr

STATES = MappingProxyType(
    {
        11: "RO", 12: "AC", 13: "AM", 14: "RR", 15: "PA", 16: "AP", 17: "TO",
        21: "MA", 22: "PI", 23: "CE", 24: "RN", 25: "PB", 26: "PE", 27: "AL", 28: "SE", 29: "BA",
        31: "MG", 32: "ES", 33: "RJ", 35: "SP",
        41: "PR", 42: "SC", 43: "RS",
        50: "MS", 51: "MT", 52: "GO", 53: "DF",
    }
)  # fmt: skip
"""First two digits of a municipality's code -> state."""

CODES_WITH_A_WRONG_DIGIT = frozenset({2201919, 2201988, 2202251, 2611533, 3117836, 3152131, 4305871, 5203939, 5203962})
"""Official all the same."""

CAPITALS = MappingProxyType(
    {
        "RO": 1100205, "AC": 1200401, "AM": 1302603, "RR": 1400100, "PA": 1501402, "AP": 1600303, "TO": 1721000,
        "MA": 2111300, "PI": 2211001, "CE": 2304400, "RN": 2408102, "PB": 2507507, "PE": 2611606, "AL": 2704302,
        "SE": 2800308, "BA": 2927408, "MG": 3106200, "ES": 3205309, "RJ": 3304557, "SP": 3550308, "PR": 4106902,
        "SC": 4205407, "RS": 4314902, "MS": 5002704, "MT": 5103403, "GO": 5208707, "DF": 5300108,
    }
)  # fmt: skip
"""State -> municipality."""

_RORAIMA = {
    1400100: (120_000, 2.824, -60.675),
    1400050: (3_000, 2.989, -61.307),
    1400027: (2_000, 3.646, -61.369),
    1400159: (3_000, 3.362, -59.833),
    1400175: (2_500, 2.610, -60.606),
    1400209: (5_000, 1.828, -61.130),
    1400233: (1_500, 0.884, -59.696),
    1400282: (1_500, 2.183, -61.042),
    1400308: (3_000, 2.440, -60.910),
    1400407: (2_000, 3.885, -59.620),
    1400456: (2_500, 4.480, -61.148),
    1400472: (4_000, 0.940, -60.439),
    1400506: (1_500, 0.952, -59.913),
    1400605: (1_500, 1.010, -60.042),
    1400704: (1_500, 4.603, -60.182),
}

RORAIMA_CUSTOMERS = MappingProxyType({code: customers for code, (customers, _, _) in _RORAIMA.items()})
"""Municipality -> consumer units, the distributor's rough planning figures."""

_POSITIONS: Mapping[str, Mapping[int, tuple[float, float]]] = {
    "RR": MappingProxyType({code: (latitude, longitude) for code, (_, latitude, longitude) in _RORAIMA.items()})
}


def check_digit_ok(code: int) -> bool:
    """Whether a code has seven digits of which the last is right, or is one of the nine official exceptions.

    That no municipality has it is another question: `municipality_name`.
    """
    if not 1_000_000 <= code <= 9_999_999:
        return False
    return code % 10 == check_digit(code // 10) or code in CODES_WITH_A_WRONG_DIGIT


def check_digit(six: int) -> int:
    """The last digit of the code that begins with these six digits."""
    total, weight = 0, 2
    for _ in range(6):
        six, digit = divmod(six, 10)
        product = digit * weight
        total += product // 10 + product % 10
        weight = 3 - weight
    return -total % 10


def state_of(code: int) -> str | None:
    """The state a code of seven digits begins with, `RR`; None if there is no such state."""
    return STATES.get(code // 100_000) if 1_000_000 <= code <= 9_999_999 else None


def municipality_name(code: int) -> str | None:
    """Its name; None if no municipality has the code."""
    return all_municipalities().get(code)


def municipality_words(code: int) -> str:
    """A municipality's name, or its code where IBGE has none of that code."""
    return municipality_name(code) or tr("code {code}", code=code)


def municipalities_of(state: str) -> Mapping[int, str]:
    """Code -> name of a state's municipalities, by code; empty if there is no such state."""
    return _by_state().get(state, MappingProxyType({}))


def capital_of(state: str) -> int:
    """The capital's code.

    Raises:
        ValueError: there is no such state.
    """
    try:
        return CAPITALS[state]
    except KeyError:
        raise ValueError(f"{state[:10]!r} is none of Brazil's states; expected one such as RR") from None


def positions(state: str) -> Mapping[int, tuple[float, float]]:
    """Municipality -> latitude and longitude, degrees; empty where they are not known (all but Roraima)."""
    return _POSITIONS.get(state, MappingProxyType({}))


@lru_cache(maxsize=1)
def all_municipalities() -> Mapping[int, str]:
    """Code -> name of all 5,571, by code."""
    text = files(__package__).joinpath("municipalities.txt").read_text(encoding="utf-8")
    pairs = (line.split(" ", 1) for line in text.splitlines())
    return MappingProxyType({int(code): name for code, name in pairs})


@lru_cache(maxsize=1)
def _by_state() -> Mapping[str, Mapping[int, str]]:
    found: dict[str, dict[int, str]] = {state: {} for state in STATES.values()}
    for code, name in all_municipalities().items():
        found[STATES[code // 100_000]][code] = name
    return {state: MappingProxyType(names) for state, names in found.items()}
