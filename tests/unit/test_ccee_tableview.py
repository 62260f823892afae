"""What the table shows of a list: filter and order against a plain reckoning, alerts, and what is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.units import ASCII
from wattdeck.systems.ccee.filters import SORTS, Filter, Sort
from wattdeck.systems.ccee.models import BRASILIA, Migration, MigrationsSnapshot, Status, counted
from wattdeck.systems.ccee.rules import Calendar, Rules
from wattdeck.systems.ccee.tableview import Basis, TableView
from wattdeck.systems.ccee.views import View

TODAY = date(2026, 10, 14)
BASIS = Basis(TODAY, Rules(), Calendar())
STATUSES = (*(status.value for status in Status), "SUSPENSA")


def migration(number: int, status: str = "CRIADA", **fields: object) -> Migration:
    return replace(Migration(f"id-{number}", f"{number:015d}", 100000, 200000, 200100, "2027-01", status), **fields)  # type: ignore[arg-type]


def snapshot(*migrations: Migration) -> MigrationsSnapshot:
    return MigrationsSnapshot("2026-08", "2027-07", migrations, counted(migrations))


def shown(view: TableView) -> list[str]:
    return [each.migration_id for each in view.shown]


DAYS = st.dates(date(2026, 9, 25), date(2026, 11, 5))
LISTS = st.lists(
    st.builds(
        lambda unit, status, month, deadline, asked, utility: migration(
            unit,
            status,
            reference_month=month,
            utility_agent_code=utility,
            deadline=deadline if status == "CRIADA" else None,
            requested_at=None if asked is None else datetime(asked.year, asked.month, asked.day, tzinfo=BRASILIA),
        ),
        st.integers(0, 9),
        st.sampled_from(STATUSES),
        st.sampled_from(["2026-09", "2026-10", "2027-01", ""]),
        st.none() | DAYS,
        st.none() | DAYS,
        st.sampled_from([None, 100000, 400000]),
    ),
    max_size=12,
).map(lambda found: [replace(each, migration_id=f"m{index}") for index, each in enumerate(found)])
FILTERS = st.builds(
    Filter,
    st.sampled_from(["", "2026-10"]),
    st.sampled_from(["", "2026-12"]),
    st.frozensets(st.sampled_from(STATUSES), max_size=2),
    st.sampled_from([None, 100000]),
    st.none(),
    st.sampled_from(["", "3", "000000000000003"]),
    st.booleans(),
)


def wanted(each: Migration, chosen: Filter, alerted: bool) -> bool:
    """What a person would say of one migration."""
    month = each.reference_month
    return all((
        not (chosen.first_month or chosen.last_month) or bool(month),
        not chosen.first_month or month >= chosen.first_month,
        not chosen.last_month or month <= chosen.last_month,
        not chosen.statuses or each.status in chosen.statuses,
        chosen.utility is None or each.utility_agent_code == chosen.utility,
        all(word in each.consumer_unit_code for word in chosen.text.split()),
        not chosen.only_alerts or alerted,
    ))  # fmt: skip


def value(each: Migration, by: str) -> object:
    """What an order compares; None comes last."""
    order = [*Status]
    return {
        "deadline": each.deadline,
        "month": each.reference_month or None,
        "status": order.index(Status(each.status)) if each.status in order else len(order),
        "unit": each.consumer_unit_code or None,
        "requested": each.requested_at,
        "utility": each.utility_agent_code,
    }[by]


@given(LISTS, FILTERS, st.sampled_from(SORTS), st.booleans())
@settings(max_examples=50, deadline=None)
def test_filter_and_order_agree_with_a_plain_reckoning(
    migrations: list[Migration], chosen: Filter, by: str, descending: bool
) -> None:
    view = TableView()
    view.filter, view.sort = chosen, Sort(by, descending)
    rows = view.look(snapshot(*migrations), BASIS)
    assert [row.id for row in rows] == shown(view)
    alerted = {each.migration_id for each in migrations if each.active and view.alerts(each, BASIS)}
    assert set(shown(view)) == {
        each.migration_id for each in migrations if wanted(each, chosen, each.migration_id in alerted)
    }
    values = [value(each, by) for each in view.shown]
    known = [each for each in values if each is not None]
    assert known == sorted(known, reverse=descending)  # type: ignore[type-var]
    assert values[: len(known)] == known, "what has no value comes last either way"
    for row in rows:
        assert row.cells[0][0].startswith("!") is (row.id in alerted)


@given(LISTS, st.frozensets(st.integers(0, 11), max_size=3))
@settings(max_examples=40, deadline=None)
def test_only_what_is_active_or_newly_refused_is_marked(migrations: list[Migration], fresh: frozenset[int]) -> None:
    ids = frozenset(f"m{index}" for index in fresh)
    view = TableView()
    view.filter = Filter(only_alerts=True)
    view.look(snapshot(*migrations), replace(BASIS, newly_rejected=ids))
    for each in view.shown:
        assert each.active or (each.status == "REPROVADA" and each.migration_id in ids)
    refused = {each.migration_id for each in migrations if each.status == "REPROVADA"} & ids
    assert refused <= set(shown(view))


def test_nothing_new_is_the_same_rows_and_each_change_makes_others() -> None:
    view, first = TableView(), snapshot(migration(1), migration(2, "REPROVADA"))
    rows = view.look(first, BASIS)
    assert view.look(first, replace(BASIS)) is rows, "an equal basis is no change"
    seen = {id(rows): rows}
    for change in (
        lambda: view.take_query("status:criada", TODAY),
        view.next_sort,
        view.turn,
        lambda: setattr(view, "masked", False),
    ):
        change()
        rows = view.look(first, BASIS)
        assert id(rows) not in seen
        seen[id(rows)] = rows
    assert view.look(first, BASIS, ASCII) is not rows
    assert view.look(snapshot(*first.migrations), BASIS, ASCII) is not view.look(first, BASIS, ASCII)


def test_record_that_did_not_change_keeps_its_row_in_a_newer_list() -> None:
    view, one, two = TableView(), migration(1), migration(2)
    before = {row.id: row for row in view.look(snapshot(one, two), BASIS)}
    after = {row.id: row for row in view.look(snapshot(one, replace(two, reference_month="2027-02")), BASIS)}
    assert after["id-1"] is before["id-1"] and after["id-2"] is not before["id-2"]


def test_second_active_migration_of_a_unit_marks_the_first_one_too() -> None:
    view, one = TableView(), migration(1)
    assert view.look(snapshot(one), BASIS)[0].cells[0][0].startswith("◌")
    twin = replace(one, migration_id="id-2", status="CONCLUIDA")
    rows = view.look(snapshot(one, twin), BASIS)
    assert {row.id for row in rows if row.cells[0][0].startswith("!")} == {"id-1", "id-2"}
    assert any("active" in alert.sentence for alert in view.alerts(one, BASIS))


def test_another_day_changes_what_is_due() -> None:
    view, list_ = TableView(), snapshot(migration(1, deadline=TODAY + timedelta(days=5)))
    assert "business days" in view.look(list_, BASIS)[0].cells[2][0]
    later = replace(BASIS, today=TODAY + timedelta(days=5))
    assert view.look(list_, later)[0].cells[2] == ("today", "severity-medium")


def test_migration_is_found_by_its_row_whether_shown_or_not() -> None:
    view = TableView()
    assert view.migration("id-1") is None
    view.take_query("status:reprovada", TODAY)
    view.look(snapshot(migration(1)), BASIS)
    assert shown(view) == [] and view.migration("id-1") == migration(1)
    view.look(None, BASIS)
    assert view.migration("id-1") is None


def test_view_is_named_until_something_of_it_is_changed() -> None:
    view = TableView()
    view.take_view(View("mine", "status:criada", "-month", masked=False), TODAY)
    assert (view.view, view.sort, view.masked) == ("mine", Sort("month", True), False)
    for change in (view.next_sort, view.turn, lambda: view.take_query("", TODAY)):
        view.take_view(View("mine", "status:criada", "-month"), TODAY)
        change()
        assert view.view == "" and view.masked is False


@pytest.mark.parametrize(
    ("typed", "problem", "statuses"),
    [("status:criada mont:1", "mont: is no filter", {"CRIADA"}), ("status:suspensa", "", {"SUSPENSA"})],
)
def test_typed_words_filter_by_the_half_that_can_be_read(typed: str, problem: str, statuses: set[str]) -> None:
    view = TableView()
    said = view.take_query(typed, TODAY, ["SUSPENSA"])
    assert said.startswith(problem) and bool(said) is bool(problem)
    assert view.filter.statuses == statuses
