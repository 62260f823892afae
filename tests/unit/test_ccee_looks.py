"""What the table keeps between two looks is never seen: every look shows what a first one would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.systems.ccee.filters import SORTS, Filter, Sort
from wattdeck.systems.ccee.models import BRASILIA, Migration, MigrationsSnapshot, counted
from wattdeck.systems.ccee.rules import Calendar, Rules
from wattdeck.systems.ccee.tableview import Basis, TableView

TODAY = date(2026, 10, 20)
CALENDAR = Calendar(())
BASIS = Basis(TODAY, Rules(), CALENDAR)
MANY = tuple(
    Migration(
        f"id-{number}", f"{number % 7:015d}", 100000 + number % 3 if number % 5 else None, 200000, 200100,
        f"2026-{number % 4 + 9:02d}" if number % 6 else "",
        ("CRIADA", "CONCLUIDA", "REPROVADA", "NOVA_SITUACAO")[number % 4],
        datetime(2026, 10, 1 + number % 20, tzinfo=BRASILIA) if number % 3 else None,
        deadline=date(2026, 10, 19 + number % 4) if number % 4 == 0 else None,
        comment=f"Padaria São {number}",
    )
    for number in range(14)
)  # fmt: skip

filters = st.sampled_from([Filter(), Filter(text="sao 1"), Filter(statuses=frozenset({"CRIADA"})),
                           Filter(only_alerts=True), Filter(first_month="2026-10")])  # fmt: skip
sorts = st.builds(Sort, st.sampled_from(SORTS), st.booleans())
lists = st.lists(st.sampled_from(MANY), unique_by=lambda each: each.migration_id).map(tuple)
bases = st.sampled_from([
    BASIS, replace(BASIS, newly_rejected=frozenset({"id-2"})), replace(BASIS, today=date(2026, 10, 23))
])  # fmt: skip


def snapshot(migrations: Sequence[Migration]) -> MigrationsSnapshot:
    return MigrationsSnapshot("2026-09", "2027-06", tuple(migrations), counted(migrations))


@settings(max_examples=50)
@given(st.lists(st.tuples(lists | st.none(), filters | st.none(), sorts | st.none(), bases | st.none()), max_size=8))
def test_a_look_shows_what_a_first_look_would(
    steps: list[tuple[tuple[Migration, ...] | None, Filter | None, Sort | None, Basis | None]],
) -> None:
    view, shown, basis = TableView(), snapshot(()), BASIS
    for migrations, chosen, sort, another in steps:
        shown = shown if migrations is None else snapshot(migrations)
        view.filter, view.sort = chosen or view.filter, sort or view.sort
        basis = another or basis
        fresh = TableView()
        fresh.filter, fresh.sort = view.filter, view.sort
        assert list(view.look(shown, basis)) == list(fresh.look(shown, basis))


def test_typing_a_filter_makes_the_same_rows_again() -> None:
    view, shown = TableView(), snapshot(MANY)
    before = {each.id: each for each in view.look(shown, BASIS)}
    view.filter = Filter(text="sao 1")
    after = list(view.look(shown, BASIS))
    assert 0 < len(after) < len(before)
    assert all(before[each.id] is each for each in after)
