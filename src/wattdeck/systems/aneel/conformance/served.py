"""Whether the numbers served can be true, as far as one answer tells: I16 (aneel.md 7.2, 8, conflict C07)."""

from __future__ import annotations

from collections.abc import Iterable

from wattdeck.core.language import later
from wattdeck.systems.aneel.conformance.tally import Tally
from wattdeck.systems.aneel.wording import said

ARRAY = "interrupcaoFornecimento"
REPEATED_MIN = 3
"""In so many municipalities of a set the same number is no coincidence."""
SMALL = 50
"""Small numbers do coincide."""
LARGER_TIMES = 3
"""A place that has so many times more customers than its state's capital: only what is out is told of, so that the
capital itself may be there with one small set."""
LARGER_MIN = 5000
KNOWN_TIMES = 3
"""Served against what is known of the municipality."""


def check(tally: Tally, rows: Iterable[tuple[int, int, int, int, int]]) -> None:
    """Look at the numbers served over all rows of an answer."""
    by_place: dict[int, int] = {}
    by_number: dict[tuple[int, int], int] = {}
    for set_code, municipality, served, _, _ in rows:
        by_place[municipality] = by_place.get(municipality, 0) + served
        if served >= SMALL:
            by_number[set_code, served] = by_number.get((set_code, served), 0) + 1
    for (set_code, served), times in by_number.items():
        if times >= REPEATED_MIN:
            says = later("The same number served in several municipalities: it is probably the set's as a whole.")
            found = said(later("{served} in {count} municipalities"), served=served, count=times)
            tally.add("I16", said(later("set {code}"), code=set_code), found, says)
    capitals(tally, by_place)
    _known(tally, by_place)


def capitals(tally: Tally, by_place: dict[int, int]) -> None:
    """A place with many more customers than its state's capital: probably their codes were swapped."""
    if not tally.context.capital_is_largest:
        return
    from wattdeck.systems.aneel.places import CAPITALS, state_of

    largest: dict[str, int] = {}
    for municipality in by_place:
        state = state_of(municipality)
        if state is not None and (state not in largest or by_place[municipality] > by_place[largest[state]]):
            largest[state] = municipality
    for state, municipality in largest.items():
        capital, served = CAPITALS[state], by_place[municipality]
        of_capital = by_place.get(capital)
        if municipality == capital or of_capital is None or state in ("ES", "SC"):
            continue
        if served >= max(LARGER_MIN, LARGER_TIMES * of_capital) and served > 1.5 * _customers(tally, municipality):
            words = later("{served} served, and {count} in the capital {capital}")
            says = later("More customers than in the state's capital: check whether the two codes are swapped.")
            found = said(words, served=served, count=of_capital, capital=capital)
            tally.add("I16", f"{municipality}", found, says)


def _customers(tally: Tally, municipality: int) -> int:
    return tally.context.customers.get(municipality, 0)


def _known(tally: Tally, by_place: dict[int, int]) -> None:
    """Many more served than are known to live there."""
    if tally.has("I16"):
        return
    for municipality, served in by_place.items():
        known = _customers(tally, municipality)
        if known and served > KNOWN_TIMES * known and served >= LARGER_MIN:
            says = later(
                "Many more are served than the municipality has: check for swapped codes or a number of the whole set."
            )
            found = said(later("{served} served, and {count} known"), served=served, count=known)
            tally.add("I16", f"{municipality}", found, says)
