"""The table of migrations, its figures and notices, from models alone."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.lines import Line, arrange, line_width, plain
from wattdeck.core.reading import Link, Reading
from wattdeck.core.units import ASCII, SPACE, UNICODE, number
from wattdeck.systems.ccee import filters, present, summary
from wattdeck.systems.ccee.filters import SORTS, Filter, Folds, Sort, ordered
from wattdeck.systems.ccee.models import BRASILIA, Migration, MigrationsSnapshot, Status, StatusCount, counted
from wattdeck.systems.ccee.rules import Calendar

TODAY = date(2026, 10, 20)
"""A Tuesday."""
NOW = datetime(2026, 10, 20, 14, tzinfo=UTC)
CALENDAR = Calendar()
OPEN = Migration(
    "m-1", "000000123400159", 100000, 200000, 200100, "2026-11", "CRIADA",
    datetime(2026, 10, 13, 9, tzinfo=BRASILIA), "CNPJ", "11222333000181", date(2026, 10, 20),
    email="padaria@example.com", submarket="SE", musd_value=320.5,
)  # fmt: skip
DONE = replace(OPEN, migration_id="m-2", status="CONCLUIDA", deadline=None)
REFUSED = replace(OPEN, migration_id="m-3", status="REPROVADA", deadline=None, justification="Mês não confere")
KEYS = [column.key for column in present.COLUMNS]


def cells(migration: Migration, **options: Any) -> dict[str, str]:
    row = present.Rows(TODAY, CALENDAR, **options).row(migration)
    return {key: text for key, (text, _) in zip(KEYS, row.cells, strict=True)}


def meanings(migration: Migration, **options: Any) -> dict[str, str]:
    row = present.Rows(TODAY, CALENDAR, **options).row(migration)
    return {key: meaning for key, (_, meaning) in zip(KEYS, row.cells, strict=True)}


def due(*days: int, count: int = 1) -> list[Migration]:
    return [replace(OPEN, deadline=TODAY + timedelta(days=day)) for day in days for _ in range(count)]


def reading(
    *migrations: Migration, link: Link = Link.LIVE, problem: str = "", complete: bool = True, polls: int = 1
) -> list[Reading[Any]]:
    snapshot = MigrationsSnapshot("2026-08", "2027-07", migrations, counted(migrations), complete)
    return [Reading("ccee/varejo", "migrations", snapshot, link, NOW, problem, good_polls=polls)]


def text(lines: list[Line]) -> str:
    return " ".join(plain(lines).split())


# Rows


def test_row_says_everything_in_words() -> None:
    assert cells(OPEN) == {
        "status": "◌ CRIADA", "unit": "0.000.001.234.001-59", "month": "Nov 2026", "deadline": "today",
        "utility": "100000", "profile": "200100", "age": "5", "requested": "2026-10-13", "submarket": "SE",
        "musd": "320.5", "document": "**.***.***/0001-81", "email": "p***@example.com", "justification": "",
    }  # fmt: skip


def test_numbers_and_addresses_are_shown_when_asked() -> None:
    shown = cells(OPEN, masked=False)
    assert shown["document"] == "11.222.333/0001-81" and shown["email"] == "padaria@example.com"


def test_what_is_not_known_is_a_dash() -> None:
    bare = cells(Migration("m-9", "", None, None, None, "", ""))
    assert {bare[key] for key in ("unit", "month", "utility", "profile", "requested", "musd", "document")} == {"–"}
    assert bare["deadline"] == "" and bare["age"] == ""


@pytest.mark.parametrize(
    ("deadline", "words", "meaning"),
    [
        (TODAY, "today", "severity-medium"),
        (TODAY + timedelta(days=1), "1 business day", "normal"),
        (TODAY + timedelta(days=6), "4 business days", "normal"),
        (TODAY - timedelta(days=1), "overdue 1 day", "severity-high"),
        (date(1800, 1, 1), "overdue, 1800-01-01", "severity-high"),
    ],
)
def test_deadline_says_how_long_and_how_much_it_matters(deadline: date, words: str, meaning: str) -> None:
    late = replace(OPEN, deadline=deadline)
    assert cells(late)["deadline"] == words and meanings(late)["deadline"] == meaning


def test_request_from_another_century_costs_no_look_at_its_holidays() -> None:
    ancient = replace(OPEN, requested_at=datetime(1, 1, 2, tzinfo=UTC))
    assert cells(ancient)["age"] == "–"


@pytest.mark.parametrize("marks", [UNICODE, ASCII])
def test_states_differ_by_word_and_glyph(marks: Any) -> None:
    words = [present.status_span(status, marks)[0] for status in (*map(str, Status), "SUSPENSA")]
    assert len(set(words)) == len(words)
    column = next(column for column in present.COLUMNS if column.key == "status")
    assert all(len(word) <= column.width for word in words)
    assert present.status_span("SUSPENSA", marks) == ("? SUSPENSA", "severity-low")


def test_alert_stands_before_the_state_and_leaves_its_word() -> None:
    assert cells(DONE, alerted={"m-2"})["status"] == "! CONCLUIDA"
    assert meanings(DONE, alerted={"m-2"})["status"] == "severity-medium"


@given(st.text(max_size=60))
@settings(max_examples=40)
def test_text_of_the_wire_is_shown_harmlessly(hostile: str) -> None:
    row = present.row(
        replace(OPEN, consumer_unit_code=hostile, status=hostile, justification=hostile, email=hostile,
                document_number=hostile, submarket=hostile, document_type=hostile), TODAY)  # fmt: skip
    assert all(cell.isprintable() for cell, _ in row.cells)


def test_same_migration_is_the_same_row_and_a_changed_one_is_not() -> None:
    rows = present.Rows(TODAY, CALENDAR)
    assert rows.row(OPEN) is rows.row(OPEN)
    assert rows.row(replace(OPEN, status="CANCELADA")).cells[0][0] == "○ CANCELADA"


def test_rows_of_a_long_list_are_made_when_looked_at() -> None:
    made: list[str] = []

    class Counting(present.Rows):
        def row(self, migration: Migration) -> Any:
            made.append(migration.migration_id)
            return super().row(migration)

    many = [replace(OPEN, migration_id=f"m-{index}") for index in range(1000)]
    rows = Counting(TODAY, CALENDAR).of(many)
    assert len(rows) == 1000 and rows.ids[-1] == "m-999" and not made
    assert rows[5].id == "m-5" and [row.id for row in rows[998:1000]] == ["m-998", "m-999"]
    assert made == ["m-5", "m-998", "m-999"]


def test_columns_give_way_from_the_right() -> None:
    shown = [[column.key for _, column, _, _ in arrange(present.COLUMNS, width)] for width in (40, 80, 120, 240)]
    assert all(each == KEYS[: len(each)] for each in shown)
    assert shown[1][:5] == ["status", "unit", "deadline", "month", "utility"] and shown[3] == KEYS


@pytest.mark.parametrize("by", SORTS)
def test_order_is_marked_in_its_column(by: str) -> None:
    up, down = present.columns(Sort(by)), present.columns(Sort(by, True))
    assert [column.title[-1] for column in up].count("▲") == 1
    assert [column.title[-1] for column in down].count("▼") == 1


def test_what_is_searched_is_made_once_for_ten_thousand_migrations(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Migration] = []
    searchable = filters._searchable

    def counted_too(migration: Migration) -> tuple[str, str]:
        made.append(migration)
        return searchable(migration)

    monkeypatch.setattr(filters, "_searchable", counted_too)
    many = [
        replace(OPEN, migration_id=f"m-{index}", consumer_unit_code=f"{index * 7919:015d}", comment="Padaria São João",
                deadline=TODAY + timedelta(days=index % 30))
        for index in range(10_000)
    ]  # fmt: skip
    folds, chosen = Folds(), Filter(text="são 79")
    first = ordered(many, chosen, Sort(), folds=folds)
    assert first and ordered(many, chosen, Sort(), folds=folds) == first
    assert len(made) == len(many)
    assert _best_cpu_s(lambda: ordered(many, chosen, Sort(), folds=folds)) < 0.2
    rows = present.Rows(TODAY, CALENDAR)
    assert _best_cpu_s(lambda: [rows.row(each) for each in many[:2000]]) / 2000 < 150e-6


def _best_cpu_s(work: Any) -> float:
    """The least of three times: others on the machine can only add to it."""
    took_s = []
    for _ in range(3):
        start_s = time.process_time()
        work()
        took_s.append(time.process_time() - start_s)
    return min(took_s)


# Figures


def test_counts_are_one_line_of_any_width_and_no_number_is_cut() -> None:
    counts = [StatusCount(status.value, "2026-11", 1000 + 7 * place) for place, status in enumerate(Status)]
    counts.append(StatusCount("[SUSPENSA]", "2026-11", 3))
    whole = plain([summary.counts_line(counts, 200)])
    assert "6 108 migrations" in whole and "CRIADA 1 000" in whole and "others 3" in whole and "█" in whole
    for width in range(20, 200):
        line = summary.counts_line(counts, width)
        assert line_width(line) <= width
        shown = re.findall(f"[0-9]+(?:{SPACE}[0-9]+)*", plain([line]))
        assert set(shown) <= {number(each.count) for each in counts} | {number(6108)}
        assert len(shown) == 8 or "…" in plain([line])


def test_no_migrations_is_said() -> None:
    assert plain([summary.counts_line((), 80)]) == " no migrations"
    assert text(summary.counts_table_lines((), 80)) == "No migrations."
    assert text([summary.deadlines_line((), TODAY, CALENDAR, 80)]) == "No answer is awaited."


def test_states_and_months_cross_in_a_table_with_sums() -> None:
    counts = counted([OPEN, OPEN, DONE, replace(DONE, reference_month=""), replace(DONE, reference_month="2026-10")])
    assert plain(summary.counts_table_lines(counts, 60)).split("\n") == [
        " Month          CRIADA   CONCLUIDA       total",
        " Oct 2026                        1           1",
        " Nov 2026            2           1           3",
        " no month                        1           1",
        " total               2           3           5",
    ]


def test_deadlines_are_counted_in_words_most_pressing_first() -> None:
    several = [*due(-3), *due(0, count=3), *due(1, count=2), *due(9), DONE]
    assert text([summary.deadlines_line(several, TODAY, CALENDAR, 100)]) == (
        "1 answer overdue · 3 due today · 2 due tomorrow · 1 due later"
    )
    assert text([summary.deadlines_line(due(0), TODAY, CALENDAR, 100)]) == "1 answer due today"


def test_before_a_weekend_the_next_business_day_has_a_name() -> None:
    friday = date(2026, 10, 23)
    assert summary.next_business_day(friday, CALENDAR) == summary.next_business_day(friday, None) == date(2026, 10, 26)
    monday = replace(OPEN, deadline=date(2026, 10, 26))
    assert text([summary.deadlines_line([monday], friday, CALENDAR, 80)]) == "1 answer due on Monday"


def test_ages_fall_into_buckets() -> None:
    def asked(days: int) -> Migration:
        return replace(OPEN, requested_at=datetime(2026, 10, 20, tzinfo=BRASILIA) - timedelta(days=days))

    lines = summary.age_lines([asked(0), asked(1), asked(7), asked(30), asked(300_000), DONE,
                               replace(OPEN, requested_at=None)], TODAY, CALENDAR, 80)  # fmt: skip
    assert [line.split()[:2] for line in plain(lines[1:]).split("\n")] == [
        ["0-2", "2"], ["3-5", "1"], [">5", "2"], ["not", "known"]]  # fmt: skip


def test_refusals_have_a_rate_and_their_commonest_reasons() -> None:
    same = replace(REFUSED, justification="MES  NAO CONFERE")
    other = replace(REFUSED, justification="Código da UC errado")
    assert text(summary.refusal_lines([REFUSED, other, same, DONE, OPEN], 80)) == (
        "Refused 3 of 4 answers, 75 % 2 Mês não confere 1 Código da UC errado"
    )
    assert "no answer yet" in text(summary.refusal_lines([OPEN], 80))


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=8))
@settings(max_examples=40)
def test_demand_is_summed_over_completed_migrations_alone(values: list[float]) -> None:
    done = [replace(DONE, musd_value=value) for value in values]
    others = [OPEN, replace(DONE, musd_value=None), replace(DONE, musd_value=float("nan"))]
    sums, unknown = summary.demand_sums([*done, *others])
    assert sums == {("2026-11", "SE"): pytest.approx(sum(values))} and unknown == 2


def test_demand_has_months_down_and_submarkets_across() -> None:
    lines = summary.demand_lines([DONE, replace(DONE, submarket="NE", musd_value=80.0), REFUSED], 80)
    assert plain(lines).split("\n")[1:] == [
        " Month              NE          SE         all",
        " Nov 2026         80.0       320.5       400.5",
    ]


def test_utilities_are_ranked_with_what_is_open() -> None:
    lines = summary.utility_lines([OPEN, DONE, replace(DONE, utility_agent_code=None)], 60)
    assert text(lines[:2]).startswith("Utilities 100000 2") and "1 open" in text(lines[:2])
    assert "not known" in text(lines[2:])


@pytest.mark.parametrize("width", [40, 80, 200])
def test_summary_page_fits_its_width(width: int) -> None:
    several = [OPEN, DONE, REFUSED, replace(DONE, submarket="x" * 50, justification="y" * 300)]
    lines = summary.summary_lines(several, counted(several), TODAY, CALENDAR, width)
    assert len(lines) >= 20 and all(line_width(line) <= width for line in lines)


# Notices and the first frame


def test_all_well_has_no_notice() -> None:
    assert present.trouble(reading(OPEN), NOW, 80) == []


def test_trouble_says_what_and_what_to_do() -> None:
    stale = present.trouble(reading(OPEN, link=Link.STALE, problem="no route to host"), NOW, 80)
    assert "stale" in text(stale) and "no route to host" in text(stale)
    refused = present.trouble(reading(link=Link.REFUSED, problem="401"), NOW, 80)
    assert "look at client_id, client_secret and agent_code" in text(refused)
    cut = present.trouble(reading(OPEN, complete=False), NOW, 80)
    assert "max_migrations" in text(cut)


@pytest.mark.parametrize(
    ("readings", "words"),
    [
        ([], "Waiting for CCEE's first answer."),
        ([Reading("ccee/varejo", "migrations", None, Link.REFUSED)], "does not accept the credentials"),
        ([Reading("ccee/varejo", "migrations", None, Link.DOWN)], "wattdeck keeps trying"),
        (reading(), "No migration from Aug 2026 to Jul 2027."),
        (reading(complete=False), "Waiting for the first page."),
    ],
)
def test_empty_table_says_why(readings: list[Reading[Any]], words: str) -> None:
    assert words in present.no_rows_words(present.list_reading(readings), Filter())
    assert words in text(present.first_lines(readings, NOW, 80, UNICODE))


def test_filter_that_finds_nothing_says_so() -> None:
    found = present.list_reading(reading(OPEN, DONE))
    assert present.no_rows_words(found, Filter(text="x")) == "None of 2 migrations is so. Escape shows all."


def test_line_above_the_table_says_filter_count_and_order() -> None:
    chosen = Filter(statuses=frozenset({"CRIADA"}), text="padaria")
    words = plain([present.filter_line(chosen, Sort(), 3, 41, 100, view="mine")])
    assert words.startswith(' mine · CRIADA · "padaria"') and words.endswith("3 of 41, by deadline, the next first")
    assert plain([present.filter_line(Filter(), Sort(), 41, 41, 80)]).startswith(" all migrations")


def test_progress_has_a_bar_and_words() -> None:
    line = present.progress_line(0.5, "reading page 4", 80)
    assert plain([line]).split() == ["██████████", "50", "%", "reading", "page", "4"]
    assert line_width(present.progress_line(7.0, "", 80)) <= 80


def test_first_frame_shows_the_list_without_holidays_or_textual() -> None:
    lines = present.first_lines(reading(*due(0), *due(-5), DONE), NOW, 80, ASCII)
    assert all(line_width(line) <= 80 for line in lines)
    assert "overdue, 2026-10-15" in plain(lines) and "today" in plain(lines)
    code = (
        "import sys; from wattdeck.systems.ccee import present, details, curve, views, fields, sheets, entry; "
        "print([name for name in ('textual', 'holidays', 'httpx', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_meanings_are_those_of_the_themes() -> None:
    from wattdeck.ui.theme import _BASIC

    several = [OPEN, DONE, REFUSED, *due(-1, 0, 3), *(replace(DONE, status=str(status)) for status in Status)]
    lines = summary.summary_lines(several, counted(several), TODAY, CALENDAR, 100)
    lines += [summary.counts_line(counted(several), 100), present.progress_line(0.4, "x", 80)]
    lines += present.trouble(reading(link=Link.REFUSED, problem="401"), NOW, 80)
    used = {meaning for line in lines for _, meaning in line}
    used |= {meaning for each in several for _, meaning in present.row(each, TODAY, CALENDAR).cells}
    assert used <= set(_BASIC)
