"""Which migrations are shown, and in what order. How a person types it is in `query`."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import Any

from wattdeck.core import language
from wattdeck.core.language import later, tr, tr_as
from wattdeck.core.text import clean
from wattdeck.systems.ccee.models import Migration, Status

NOBODY: frozenset[str] = frozenset()

_CODE = re.compile(r"[0-9a-z./-]*[0-9][0-9a-z./-]*")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_WITHOUT_MONTH = "~"
"""Sorts after every month."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a migration must be to be shown. Empty values let everything through."""

    first_month: str = ""
    """`YYYY-MM`, inclusive."""
    last_month: str = ""
    statuses: frozenset[str] = frozenset()
    """Keys as `status_key` makes them; one of them must be the migration's."""
    utility: int | None = None
    profile: int | None = None
    text: str = ""
    """Words, all of which must occur, in any order."""
    only_alerts: bool = False

    @property
    def empty(self) -> bool:
        """Lets every migration through."""
        return self == Filter()

    def matches(self, migration: Migration, alerted: Collection[str] = NOBODY) -> bool:
        """Whether a migration is shown. `alerted` are the ids of those that have an alert."""
        return self.test(alerted)(migration)

    def test(self, alerted: Collection[str] = NOBODY, folds: Folds | None = None) -> Callable[[Migration], bool]:
        """`matches` for many migrations; the cheap questions are asked first."""
        terms = [(word, _bare(word) if _CODE.fullmatch(word) else "") for word in fold(self.text).split()]
        kept = folds if folds is not None else Folds()
        first, last = self.first_month, self.last_month or _WITHOUT_MONTH
        bounded = bool(first or self.last_month)

        def test(migration: Migration) -> bool:
            if self.statuses and status_key(migration.status) not in self.statuses:
                return False
            if bounded and not (migration.reference_month and first <= migration.reference_month <= last):
                return False
            if self.utility is not None and migration.utility_agent_code != self.utility:
                return False
            if self.profile is not None and migration.retailer_profile_code != self.profile:
                return False
            if self.only_alerts and migration.migration_id not in alerted:
                return False
            if not terms:
                return True
            texts, codes = kept.of(migration)
            for word, code in terms:  # noqa: SIM110  a generator for each migration costs more than the search
                if word not in texts and not (code and code in codes):
                    return False
            return True

        return test

    def words(self, dot: str = "·") -> str:
        """`Oct 2026 to Mar 2027 · CRIADA, REPROVADA · utility 100000 · "padaria"`; empty if nothing is filtered."""
        parts = [self._months_words()] if self.first_month or self.last_month else []
        if self.statuses:
            parts.append(", ".join(clean(key, 20) for key in in_order(self.statuses)))
        if self.utility is not None:
            parts.append(tr("utility {code}", code=self.utility))
        if self.profile is not None:
            parts.append(tr("profile {code}", code=self.profile))
        if self.text:
            parts.append(f'"{clean(self.text, 60)}"')
        if self.only_alerts:
            parts.append(tr("with alerts"))
        return f" {dot} ".join(parts)

    def to_text(self) -> str:
        """The line that means this filter: `query.parse` reads it back."""
        parts: list[str] = []
        if self.statuses:
            parts.append(f"status:{','.join(in_order(self.statuses))}")
        if self.first_month or self.last_month:
            same = self.first_month == self.last_month
            parts.append(f"month:{self.first_month if same else f'{self.first_month}..{self.last_month}'}")
        if self.utility is not None:
            parts.append(f"utility:{self.utility}")
        if self.profile is not None:
            parts.append(f"profile:{self.profile}")
        if self.only_alerts:
            parts.append("alert:yes")
        parts += [f'"{word}"' if ":" in word else word for word in self.text.split()]
        return " ".join(parts)

    def _months_words(self) -> str:
        if self.first_month == self.last_month:
            return month_words(self.first_month)
        if not self.first_month:
            return tr("until {month}", month=month_words(self.last_month))
        if not self.last_month:
            return tr("from {month}", month=month_words(self.first_month))
        return tr("{first} to {last}", first=month_words(self.first_month), last=month_words(self.last_month))


class Folds:
    """The searchable texts of migrations, made once for each record."""

    def __init__(self, most: int = 200_000) -> None:
        self._most = most
        self._kept: dict[str, tuple[Migration, str, str]] = {}

    def of(self, migration: Migration) -> tuple[str, str]:
        """Texts without case and accents, and codes without separators."""
        kept = self._kept.get(migration.migration_id)
        if kept is not None and kept[0] is migration:
            return kept[1], kept[2]
        if len(self._kept) >= self._most:
            self._kept.clear()
        texts, codes = _searchable(migration)
        self._kept[migration.migration_id] = migration, texts, codes
        return texts, codes


def fold(text: str) -> str:
    """Text as it is compared: without case and accents."""
    if text.isascii():
        return text.lower()
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))


_KEYED: dict[str, str] = {}
"""States seen so far with their keys: there are few."""


def status_key(status: str) -> str:
    """A state as it is compared and typed: capital letters, digits and `_` alone."""
    key = _KEYED.get(status)
    if key is None:
        key = "_".join(re.findall("[A-Z0-9]+", fold(status[:200]).upper()))[:40].strip("_")
        if len(_KEYED) < 100:
            _KEYED[status] = key
    return key


def month_words(month: str) -> str:
    """`2026-10` as `Oct 2026`; other text as it is."""
    year, _, number = month.partition("-")
    known = len(number) == 2 and number.isascii() and number.isdigit() and 1 <= int(number) <= 12
    return f"{short_month(int(number))} {year}" if known else clean(month, 20)


def short_month(number: int) -> str:
    """The name of a month from 1 to 12, cut as people cut it: `Oct`."""
    return _short_months(language.current())[number - 1]


@lru_cache
def _short_months(code: str) -> tuple[str, ...]:
    """The names in the language in use, which `code` is of: long lists ask for them again and again."""
    del code
    return (
        tr_as("month", "Jan"), tr_as("month", "Feb"), tr_as("month", "Mar"), tr_as("month", "Apr"),
        tr_as("month", "May"), tr_as("month", "Jun"), tr_as("month", "Jul"), tr_as("month", "Aug"),
        tr_as("month", "Sep"), tr_as("month", "Oct"), tr_as("month", "Nov"), tr_as("month", "Dec"),
    )  # fmt: skip


def _searchable(migration: Migration) -> tuple[str, str]:
    unit, document, protocol = migration.consumer_unit_code, migration.document_number, migration.protocol_number
    utility = migration.utility_agent_code
    texts = fold(
        f"{unit}\n{document}\n{protocol}\n{migration.email}\n{migration.comment}\n{migration.justification}\n"
        f"{migration.utility_consumer_unit_code}\n{'' if utility is None else utility}"
    )
    return texts, _bare(f"{unit}\n{document}\n{protocol}")


def _bare(code: str) -> str:
    """A code as it is compared: without separators and case."""
    return code.replace(".", "").replace("/", "").replace("-", "").replace(" ", "").lower()


def in_order(statuses: Collection[str]) -> list[str]:
    """States in the order of their life, those nobody knows last."""
    order = {status.value: place for place, status in enumerate(Status)}
    return sorted(statuses, key=lambda key: (order.get(key, len(order)), key))


SORTS = ("deadline", "month", "status", "unit", "requested", "utility")
"""Orders of the table, as a key walks through them."""
SORT_WORDS = {
    "deadline": (later("by deadline, the next first"), later("by deadline, the last first")),
    "month": (later("by month, the earliest first"), later("by month, the latest first")),
    "status": (later("by status, open ones first"), later("by status, open ones last")),
    "unit": (later("by consumer unit, ascending"), later("by consumer unit, descending")),
    "requested": (later("by day of request, the oldest first"), later("by day of request, the newest first")),
    "utility": (later("by utility, ascending"), later("by utility, descending")),
}
"""How each order reads, and the other way round."""
_ORDER = {status.value: place for place, status in enumerate(Status)}


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of migrations. What has no value comes last either way."""

    by: str = SORTS[0]
    descending: bool = False

    @classmethod
    def of(cls, text: str) -> Sort:
        """The order a text such as `-month` means; the usual one if it means none."""
        name = text.removeprefix("-")
        return cls(name, text.startswith("-")) if name in SORTS else cls()

    def to_text(self) -> str:
        """`month`, or `-month` the other way round."""
        return f"-{self.by}" if self.descending else self.by

    @property
    def next_sort(self) -> Sort:
        """The next order; at the end the first again."""
        return Sort(SORTS[(SORTS.index(self.by) + 1) % len(SORTS)])

    @property
    def turned(self) -> Sort:
        """The same the other way round."""
        return Sort(self.by, not self.descending)

    @property
    def words(self) -> str:
        """`by deadline, the next first`."""
        return tr(SORT_WORDS[self.by][self.descending])

    def sorted(self, rows: Iterable[Migration]) -> list[Migration]:
        """Rows in this order; equal ones stay as they stand, or are turned with the rest."""
        value = _VALUES[self.by]
        known: list[Migration] = []
        unknown: list[Migration] = []
        for each in rows:
            (unknown if value(each) is None else known).append(each)
        known.sort(key=value)
        if self.descending:
            known.reverse()
        return known + unknown


def by_month(migrations: Iterable[Migration]) -> list[Migration]:
    """By month, and by unit within it: how rows stand that an order finds equal."""
    rows = sorted(migrations, key=_unit)
    rows.sort(key=_month)
    return rows


_unit = attrgetter("consumer_unit_code")


def _month(migration: Migration) -> str:
    return migration.reference_month or _WITHOUT_MONTH


_VALUES: dict[str, Callable[[Migration], Any]] = {
    "deadline": attrgetter("deadline"),
    "month": lambda migration: migration.reference_month or None,
    "status": lambda migration: _ORDER.get(migration.status, len(_ORDER)),
    "unit": lambda migration: migration.consumer_unit_code or None,
    "requested": attrgetter("requested_at"),
    "utility": attrgetter("utility_agent_code"),
}
"""What each order compares; None is unknown."""


def ordered(
    migrations: Sequence[Migration],
    chosen: Filter,
    sort: Sort,
    alerted: Collection[str] = NOBODY,
    folds: Folds | None = None,
) -> list[Migration]:
    """The migrations a filter lets through, in order."""
    found = migrations if chosen.empty else filter(chosen.test(alerted, folds), migrations)
    return sort.sorted(by_month(found))
