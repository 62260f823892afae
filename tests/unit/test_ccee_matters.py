"""The few numbers of an agent that matter, as a line of the overview and as figures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from wattdeck.core import language
from wattdeck.core.reading import Link, Reading
from wattdeck.systems.ccee import SYSTEM
from wattdeck.systems.ccee import matters as module
from wattdeck.systems.ccee.models import BRASILIA, Migration, MigrationsSnapshot, counted

TODAY = date(2026, 10, 20)
NOW = datetime(2026, 10, 20, 14, tzinfo=UTC)
OPEN = Migration("m", "000000123400159", 100000, 200000, 200100, "2026-11", "CRIADA")
DONE = replace(OPEN, status="CONCLUIDA")


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    yield
    language.use("en")


def due(*days: int) -> list[Migration]:
    return [replace(OPEN, deadline=TODAY + timedelta(days=day)) for day in days]


def refused(days_ago: int) -> Migration:
    at = datetime(2026, 10, 20, tzinfo=BRASILIA) - timedelta(days=days_ago)
    return replace(OPEN, status="REPROVADA", validated_at=at)


def reading(*migrations: Migration, taken_at: datetime | None = NOW, **state: Any) -> list[Reading[Any]]:
    rows = tuple(
        replace(each, migration_id=f"m-{number}", consumer_unit_code=each.consumer_unit_code + str(number))
        if each.consumer_unit_code == OPEN.consumer_unit_code
        else replace(each, migration_id=f"m-{number}")
        for number, each in enumerate(migrations)
    )
    snapshot = MigrationsSnapshot("2026-08", "2027-07", rows, counted(rows))
    return [Reading("ccee/varejo", "migrations", snapshot, state.pop("link", Link.LIVE), taken_at, **state)]


def line(readings: list[Reading[Any]], now: datetime = NOW) -> str:
    return " · ".join(figure.short or figure.value for figure in SYSTEM.matters(readings, now).figures)


@pytest.mark.parametrize(
    ("migrations", "words"),
    [
        ([*due(0, 0, 0), *due(5)], "3 answers due today · 4 open"),
        ([*due(0)], "1 answer due today · 1 open"),
        ([*due(-1, 0, 0)], "1 answer overdue · 2 due today · 3 open"),
        ([*due(-4, -1)], "2 answers overdue · 2 open"),
        ([*due(6, 2)], "next answer 10-22 · 2 open"),
        ([OPEN], "1 open"),
        ([DONE], "nothing open"),
        ([], "nothing open"),
        ([DONE, refused(0), refused(6), refused(7), refused(-1)], "nothing open · 2 refused"),
        ([replace(OPEN, consumer_unit_code="7"), replace(DONE, consumer_unit_code="7")], "1 open · 1 unit twice"),
    ],
)
def test_the_line_says_what_presses_first(migrations: list[Migration], words: str) -> None:
    assert line(reading(*migrations)) == words


def test_only_what_presses_looks_like_it() -> None:
    figures = SYSTEM.matters(reading(*due(-1, 0, 3), DONE), NOW).figures
    assert [(each.label, each.value, each.meaning) for each in figures] == [
        ("Answers overdue", "1", "severity-high"),
        ("Answers due today", "1", "severity-medium"),
        ("Open", "3", "normal"),
    ]


def test_half_a_list_says_nothing_and_an_old_one_what_it_said() -> None:
    assert not SYSTEM.matters(reading(*due(0), taken_at=None, link=Link.WAITING), NOW).figures
    assert not SYSTEM.matters([], NOW).figures
    assert line(reading(*due(0), link=Link.STALE)) == "1 answer due today · 1 open"


def test_the_sparkline_is_one_of_the_trend_values() -> None:
    found = reading(*due(0))
    assert SYSTEM.matters(found, NOW).trend_key in SYSTEM.trend_values("migrations", found[0].snapshot)


def test_a_list_is_counted_once_a_day_and_in_brasilia(monkeypatch: pytest.MonkeyPatch) -> None:
    days: list[date] = []
    count = module.tally

    def noted(snapshot: MigrationsSnapshot, today: date) -> module.Tally:
        days.append(today)
        return count(snapshot, today)

    monkeypatch.setattr(module, "tally", noted)
    found = reading(*due(0))
    late = datetime(2026, 10, 21, 2, 59, tzinfo=UTC)
    assert line(found) == line(found, late) == "1 answer due today · 1 open" and days == [TODAY]
    assert line(found, late + timedelta(minutes=1)) == "1 answer overdue · 1 open" and len(days) == 2
