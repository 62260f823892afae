"""An agent's migrations in a log or a mail: short whatever there is, and never silent about what is not known."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.reading import Link, Reading
from wattdeck.systems.ccee.models import Migration, MigrationsSnapshot, counted
from wattdeck.systems.ccee.report import MOST_NAMED, MOST_STATUSES, text_lines

NOW = datetime(2026, 11, 26, 1, 30, tzinfo=UTC)
"""22:30 on 25 November in Brasília."""
TODAY = date(2026, 11, 25)
ONE = Migration(
    migration_id="m-1", consumer_unit_code="000000123400159", utility_agent_code=100000, retailer_agent_code=200000,
    retailer_profile_code=200100, reference_month="2027-06", status="CONCLUIDA", document_type="CNPJ",
    document_number="11222333000181", email="ana@padaria.example",
)  # fmt: skip


def reading(*migrations: Migration, complete: bool = True, **changes: Any) -> Reading[MigrationsSnapshot]:
    snapshot = MigrationsSnapshot("2026-09", "2027-08", migrations, counted(migrations), complete)
    made = Reading("ccee/varejo", "migrations", snapshot, Link.LIVE, NOW - timedelta(seconds=5), interval_s=300.0)
    return replace(made, **changes)


def lines(*readings: Reading[Any]) -> Sequence[str]:
    return list(text_lines(readings, NOW))


def several(count: int, **changes: Any) -> list[Migration]:
    return [replace(ONE, migration_id=f"m-{n}", consumer_unit_code=f"{n:015d}", **changes) for n in range(count)]


def test_a_list_without_rows_is_an_answer() -> None:
    head, *rest = lines(reading())
    assert head.startswith("ccee/varejo  migrations  ") and "live" in head
    assert rest == ["  0 migrations, reference months 2026-09 to 2027-08"]


def test_what_has_not_answered_says_so() -> None:
    head, words = lines(Reading("ccee/varejo", "migrations"))
    assert "waiting" in head and words == "  no answer yet"


def test_what_is_refused_or_down_says_why_and_keeps_what_was_known() -> None:
    head, problem = lines(Reading("ccee/varejo", "migrations", link=Link.REFUSED, problem="check client_secret"))
    assert "refused" in head and problem == "  problem: check client_secret"
    stale = reading(ONE, link=Link.STALE, problem="no route", taken_at=NOW - timedelta(minutes=7))
    head, problem, count, *_ = lines(stale)
    assert "stale" in head and "7 min" in head and problem == "  problem: no route"
    assert count.startswith("  1 migrations")


def test_a_list_that_was_cut_says_so() -> None:
    assert "not all of them" in lines(reading(ONE, complete=False))[1]
    assert "not all of them" not in lines(reading(ONE))[1]


def test_counts_are_by_status_and_month() -> None:
    other = replace(ONE, migration_id="m-2", reference_month="2027-07")
    unknown = replace(ONE, migration_id="m-3", reference_month="", status="CANCELADA")
    text = lines(reading(ONE, other, unknown))
    assert "  CONCLUIDA       2   2027-06: 1, 2027-07: 1" in text
    assert "  CANCELADA       1   month not known: 1" in text


def test_what_is_due_comes_in_its_order_by_brasilias_day() -> None:
    waits = several(3, status="CRIADA")
    deadlines = (date(2026, 11, 27), date(2026, 11, 24), TODAY)
    text = lines(reading(*(replace(each, deadline=due) for each, due in zip(waits, deadlines, strict=True))))
    due = [each.partition(":")[0] for each in text if each.startswith("  answer")]
    assert due == ["  answer overdue 1 day", "  answer due today", "  answer due in 2 business days"]
    assert any("utility 100000, profile 200100" in each for each in text)


def test_what_was_refused_says_why() -> None:
    told = replace(ONE, status="REPROVADA", justification="Débito\x1b[2J\nvencido")
    silent = replace(ONE, migration_id="m-2", status="REPROVADA")
    text = lines(reading(told, silent))
    assert any(each.startswith("  refused: 0.000.001.234.001-59 for 2027-06") for each in text)
    assert any(each.endswith(": Débito[2J vencido") for each in text)
    assert any(each.endswith(": no reason given") for each in text)


def test_a_unit_with_two_active_migrations_is_named() -> None:
    twin = replace(ONE, migration_id="m-2", status="CRIADA")
    assert "  duplicate: 0.000.001.234.001-59 has more than one active migration" in lines(reading(ONE, twin))
    ended = replace(twin, status="CANCELADA")
    assert not [each for each in lines(reading(ONE, ended)) if "duplicate" in each]


def test_nothing_personal_is_in_it() -> None:
    text = "\n".join(lines(reading(ONE, replace(ONE, status="REPROVADA", migration_id="m-2"))))
    assert "11222333000181" not in text and "ana@" not in text


def test_a_huge_list_stays_short() -> None:
    waits = several(3000, status="CRIADA", deadline=TODAY)
    refused = several(3000, status="REPROVADA")
    twins = [replace(each, migration_id=f"t-{each.migration_id}") for each in waits]
    odd = [replace(ONE, migration_id=f"o-{n}", status=f"S{n}", reference_month=f"{2000 + n}-01") for n in range(300)]
    text = lines(reading(*waits, *refused, *twins, *odd))
    assert len(text) < 3 * (MOST_NAMED + 1) + MOST_STATUSES + 5 and max(map(len, text)) < 500
    assert f"  and {6000 - MOST_NAMED} more that wait for the utility" in text
    assert f"  and {3000 - MOST_NAMED} more that were refused" in text
    assert f"  and {3000 - MOST_NAMED} more units with more than one" in text
    assert f"  and {302 - MOST_STATUSES} more statuses" in text


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30), st.text(max_size=200)), max_size=5))
def test_whatever_a_row_says_each_line_is_one_line_a_terminal_can_show(rows: list[tuple[str, str, str]]) -> None:
    migrations = [
        replace(
            ONE, migration_id=f"m-{n}", consumer_unit_code=unit, status=status, justification=why,
            deadline=TODAY if n % 2 else None,
        )
        for n, (unit, status, why) in enumerate(rows)
    ]  # fmt: skip
    refused = [replace(each, migration_id=f"r-{each.migration_id}", status="REPROVADA") for each in migrations]
    for line in lines(reading(*migrations, *refused)):
        assert all(unicodedata.category(each) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for each in line)
