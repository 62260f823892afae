"""Partial repaints in as few bytes as it takes."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from wattdeck.ui.update import BRIDGE_CELLS, merge

Span = tuple[int, int, int]
spans = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 40), st.integers(1, 10)).map(lambda s: (s[0], s[1], s[1] + s[2])),
    max_size=12,
)


def covered(found: list[Span]) -> set[tuple[int, int]]:
    return {(y, x) for y, x1, x2 in found for x in range(x1, x2)}


@given(spans)
def test_every_changed_cell_is_covered_once(found: list[Span]) -> None:
    merged = merge(found)
    assert covered(found) <= covered(merged)
    assert len(covered(merged)) == sum(x2 - x1 for _, x1, x2 in merged)


@given(spans)
def test_stretches_come_in_reading_order_and_are_worth_their_jumps(found: list[Span]) -> None:
    merged = merge(found)
    assert merged == sorted(merged)
    for (y, _, end), (next_y, start, _) in pairwise(merged):
        assert y != next_y or start - end > BRIDGE_CELLS


@given(spans)
def test_what_is_printed_over_beyond_the_changes_is_only_short_gaps(found: list[Span]) -> None:
    extra = covered(merge(found)) - covered(found)
    for y, x in extra:
        run = [x]
        while (y, run[0] - 1) in extra:
            run.insert(0, run[0] - 1)
        while (y, run[-1] + 1) in extra:
            run.append(run[-1] + 1)
        assert len(run) <= BRIDGE_CELLS


def test_merging_twice_changes_nothing() -> None:
    once = merge([(0, 0, 2), (0, 5, 8), (1, 0, 1), (0, 20, 21)])
    assert once == [(0, 0, 8), (0, 20, 21), (1, 0, 1)] == merge(once)
