"""What the table shows of a list: filter, order, alerts and masks, reckoned again only when one of them changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from wattdeck.core.lines import LazyRows, Row
from wattdeck.core.units import UNICODE, Glyphs
from wattdeck.systems.ccee.filters import Filter, Folds, Sort, by_month
from wattdeck.systems.ccee.models import Migration, MigrationsSnapshot, Status, duplicates
from wattdeck.systems.ccee.present import Rows
from wattdeck.systems.ccee.query import parse
from wattdeck.systems.ccee.rules import Alert, Calendar, Rules, alerts
from wattdeck.systems.ccee.views import View

_WAITING = Status.CREATED.value


@dataclass(frozen=True, slots=True)
class Basis:
    """What alerts and deadlines are reckoned by."""

    today: date
    rules: Rules
    calendar: Calendar
    newly_rejected: frozenset[str] = frozenset()
    """Ids of migrations found refused in this session."""


class TableView:
    """How the list is looked at, and what is seen of it."""

    def __init__(self) -> None:
        self.filter = Filter()
        self.sort = Sort()
        self.view = ""
        """Name of the saved view in force; empty once something of it was changed."""
        self.masked = True
        self.shown: Sequence[Migration] = ()
        """The migrations the filter lets through, in their order."""
        self.rows = LazyRows((), _nothing)
        self._snapshot: MigrationsSnapshot | None = None
        self._made_for: tuple[object, ...] = ()
        self._rows: Rows | None = None
        self._folds = Folds()
        self._by_month: Sequence[Migration] = ()
        self._sorted: Sequence[Migration] = ()
        """The whole list in its order."""
        self._sorted_by: Sort | None = None
        self._alerted: frozenset[str] = frozenset()
        self._alerts: dict[str, tuple[Migration, bool, tuple[Alert, ...]]] = {}
        self._alerts_of: Basis | None = None
        self._duplicates: frozenset[str] = frozenset()
        self._index: tuple[object, dict[str, Migration]] = (None, {})

    def look(self, snapshot: MigrationsSnapshot | None, basis: Basis, marks: Glyphs = UNICODE) -> LazyRows:
        """The rows to show. The same object as long as nothing has changed."""
        wanted = (self.filter, self.sort, self.masked, basis, marks)
        if wanted == self._made_for and self._snapshot is snapshot:
            return self.rows
        old, self._made_for = self._made_for, wanted
        another = self._snapshot is not snapshot or not old
        self._snapshot = snapshot
        migrations = () if snapshot is None else snapshot.migrations
        # Typing a filter changes neither alerts nor order: of ten thousand rows each costs more than the filter does.
        alerted = self._weigh(migrations, basis) if another or basis != self._alerts_of else self._alerted
        if self._rows is None or old[2:] != wanted[2:] or alerted != self._alerted:
            self._rows = Rows(basis.today, basis.calendar, alerted=alerted, masked=self.masked, marks=marks)
        self._alerted = alerted
        if another:
            self._by_month = by_month(migrations)
        if another or self._sorted_by != self.sort:
            self._sorted, self._sorted_by = self.sort.sorted(self._by_month), self.sort
        chosen = self.filter
        self.shown = shown = (
            self._sorted if chosen.empty else [*filter(chosen.test(alerted, self._folds), self._sorted)]
        )
        make = self._rows.row
        self.rows = LazyRows([each.migration_id for each in shown], lambda index: make(shown[index]))
        return self.rows

    def alerts(self, migration: Migration, basis: Basis) -> tuple[Alert, ...]:
        """What deserves attention about one migration."""
        duplicate = migration.consumer_unit_code in self._duplicates
        kept = self._alerts.get(migration.migration_id)
        if kept is not None and kept[0] is migration and kept[1] is duplicate and self._alerts_of == basis:
            return kept[2]
        found = alerts(migration, basis.today, basis.rules, basis.calendar, self._duplicates, basis.newly_rejected)
        self._alerts[migration.migration_id] = migration, duplicate, found
        return found

    def _weigh(self, migrations: Sequence[Migration], basis: Basis) -> frozenset[str]:
        """Ids of the migrations that have an alert."""
        if self._alerts_of != basis:
            self._alerts.clear()
            self._alerts_of = basis
        self._duplicates = twice = duplicates(migrations)
        fresh = basis.newly_rejected
        # Most migrations are done with: only what waits, stands beside another or was just refused can need attention.
        worth = [
            each
            for each in migrations
            if each.status == _WAITING or each.consumer_unit_code in twice or each.migration_id in fresh
        ]
        return frozenset(each.migration_id for each in worth if self.alerts(each, basis))

    def migration(self, migration_id: str) -> Migration | None:
        """The migration of a row."""
        if self._index[0] is not self._snapshot:
            rows = () if self._snapshot is None else self._snapshot.migrations
            self._index = self._snapshot, {each.migration_id: each for each in rows}
        return self._index[1].get(migration_id)

    # What a person changes

    def ready_to_search(self) -> None:
        """Make the searchable texts while nothing has been typed yet, so that no first letter waits for them."""
        for each in self._by_month:
            self._folds.of(each)

    def take_query(self, text: str, today: date, known: Sequence[str] = ()) -> str:
        """Filter by what was typed; what cannot be understood is left out. Returns the problem, or nothing."""
        parsed = parse(text, today, known)
        self.filter = parsed.filter
        self.view = ""
        return " ".join(parsed.problems)

    def take_view(self, view: View, today: date) -> None:
        """Look as a saved view says."""
        self.filter = parse(view.filter_text, today).filter
        self.sort = Sort.of(view.sort_text)
        self.view = view.name
        if view.masked is not None:
            self.masked = view.masked

    def next_sort(self) -> None:
        """The next order."""
        self.sort, self.view = self.sort.next_sort, ""

    def turn(self) -> None:
        """The same order the other way round."""
        self.sort, self.view = self.sort.turned, ""


def _nothing(index: int) -> Row:
    raise IndexError(index)
