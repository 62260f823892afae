"""How many customers there are: what percentages are of.

An answer tells the customers of a set in a municipality only while something is out there, so that the sum over one
answer is not the customer base (aneel.md 7.1). What was told is therefore kept here. Holds no file; the slots that
are kept can fill it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from wattdeck.systems.aneel.models import Row

JUMP = 3.0
"""More than so many times as many or as few customers is no growth but another grouping (aneel.md 8)."""
JUMP_SHOWN = timedelta(days=1)
"""How long a jump is worth telling."""
PAIRS_MAX = 40_000
"""Sets in municipalities that are known at most; Brazil has about half as many. The longest unseen give way."""

Pair = tuple[int, int]
"""Set and municipality."""


@dataclass(frozen=True, slots=True)
class Jump:
    """The customers of one set in one municipality are suddenly many more or many fewer."""

    set_code: int
    municipality_code: int
    before: int
    after: int
    slot: datetime


@dataclass(slots=True)
class _Known:
    slot: datetime
    served: int | None
    served_at: datetime
    most_out: int


class Universe:
    """Customers by set and municipality, as last told."""

    def __init__(self, seeds: Mapping[int, int] | Mapping[str, int] | None = None) -> None:
        """`seeds`: IBGE code of a municipality -> its customers, where somebody knows (`AneelConfig.customers`)."""
        self._seeds = {int(code): count for code, count in (seeds or {}).items() if count > 0}
        self._pairs: dict[Pair, _Known] = {}
        self._municipalities: dict[int, dict[int, _Known]] = {}
        self._sets: dict[int, dict[int, _Known]] = {}
        self._jumps: dict[Pair, Jump] = {}
        self._customers: dict[int, tuple[int | None, bool]] = {}
        """What was reckoned since the last answer."""

    def learn(self, rows: Iterable[Row], slot: datetime) -> tuple[Jump, ...]:
        """Take what the answer for a slot tells. An older slot than the one known changes no denominator.

        Returns:
            The jumps: the new number is kept all the same, because sets are regrouped.
        """
        jumps = []
        self._customers.clear()
        for row in rows:
            pair = row.set_code, row.municipality_code
            served = row.customers_served or None
            known = self._pairs.get(pair)
            if known is None:
                self._add(pair, _Known(slot, served, slot, row.out))
                continue
            known.slot = max(known.slot, slot)
            known.most_out = max(known.most_out, row.out)
            if served is None or (known.served is not None and slot < known.served_at):
                continue
            before, known.served, known.served_at = known.served, served, slot
            if before is not None and not before / JUMP <= served <= before * JUMP:
                jump = self._jumps[pair] = Jump(*pair, before, served, slot)
                jumps.append(jump)
        if len(self._pairs) > PAIRS_MAX:
            self._forget()
        return tuple(jumps)

    def customers_of(self, municipality: int) -> tuple[int | None, bool]:
        """Customers of a municipality, and whether that is an estimate from the most ever seen out.

        A seed holds until the sets seen so far have more: before that, some set may never have been out.
        """
        found = self._customers.get(municipality)
        if found is None:
            known, guessed = _sum(self._municipalities.get(municipality))
            seed = self._seeds.get(municipality, 0)
            enough = seed >= known + guessed
            found = (seed or None, False) if enough else (known + guessed, bool(guessed))
            if municipality in self._municipalities:
                self._customers[municipality] = found
        return found

    def customers_of_set(self, set_code: int) -> tuple[int | None, bool]:
        """Customers of a set in all its municipalities, and whether that is an estimate."""
        known, guessed = _sum(self._sets.get(set_code))
        return known + guessed or None, bool(guessed)

    def customers_of_pair(self, set_code: int, municipality: int) -> int | None:
        """What was last told of a set in a municipality; None if nothing was."""
        known = self._pairs.get((set_code, municipality))
        return None if known is None else known.served

    @property
    def total(self) -> int | None:
        """Customers of all municipalities there is anything known of."""
        return sum(self.customers_of(code)[0] or 0 for code in self._codes()) or None

    @property
    def total_estimated(self) -> bool:
        """Part of the total is guessed, or it holds only what was ever out, because nothing was seeded."""
        return not self._seeds or any(self.customers_of(code)[1] for code in self._codes())

    @property
    def jumps(self) -> tuple[Jump, ...]:
        """The last jump of every pair that had one, the newest first."""
        return tuple(sorted(self._jumps.values(), key=lambda jump: jump.slot, reverse=True))

    def reconfigured(self, at: datetime) -> frozenset[Pair]:
        """Pairs whose customers jumped within the day before a moment."""
        return frozenset(pair for pair, jump in self._jumps.items() if at - JUMP_SHOWN < jump.slot <= at)

    def _codes(self) -> set[int]:
        return self._municipalities.keys() | self._seeds.keys()

    def _add(self, pair: Pair, known: _Known) -> None:
        self._pairs[pair] = known
        self._sets.setdefault(pair[0], {})[pair[1]] = known
        self._municipalities.setdefault(pair[1], {})[pair[0]] = known

    def _forget(self) -> None:
        """Make room for a tenth more."""
        oldest = sorted(self._pairs, key=lambda pair: self._pairs[pair].slot)
        for pair in oldest[: len(oldest) - PAIRS_MAX * 9 // 10]:
            del self._pairs[pair]
            self._jumps.pop(pair, None)
            _remove(self._sets, *pair)
            _remove(self._municipalities, pair[1], pair[0])


def _remove(index: dict[int, dict[int, _Known]], code: int, other: int) -> None:
    del index[code][other]
    if not index[code]:
        del index[code]


def _sum(pairs: Mapping[int, _Known] | None) -> tuple[int, int]:
    """Customers that were told, and customers guessed where nothing was."""
    known = guessed = 0
    for each in (pairs or {}).values():
        if each.served is None:
            guessed += each.most_out
        else:
            known += each.served
    return known, guessed
