"""Energy since local midnight by our own baseline: days of 23 and 25 hours, restarts, dips, and spoilt files."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wattdeck.systems.span.models import Branch, Circuit, Relay
from wattdeck.systems.span.today import EnergyToday

EVENING = datetime(2026, 11, 20, 22, 58, tzinfo=UTC)
"""Two minutes to midnight in Berlin."""
MIDNIGHT = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def circuit(tabs: tuple[int, ...] = (2, 4), *, produced_wh: float = 0.0, virtual: bool = False) -> Circuit:
    return Circuit("c1", "Heat Pump", tabs, 100.0, 1000.0, produced_wh, Relay.CLOSED, "must_have", True, virtual)


def meters(*consumed_wh: float | None, produced_wh: float = 0.0) -> list[Branch]:
    return [Branch(2 * n + 2, 50.0, value, produced_wh, Relay.CLOSED) for n, value in enumerate(consumed_wh)]


class Day:
    """A baseline keeper with one circuit on two spaces."""

    def __init__(self, path: Path) -> None:
        self.path = path / "today" / "span.home.json"
        self.keeper = EnergyToday(self.path)

    def restart(self) -> None:
        self.keeper = EnergyToday(self.path)

    def at(self, now: datetime, *consumed_wh: float | None, of: Circuit | None = None) -> float | None:
        self.found, self.since = self.keeper.apply([of or circuit()], meters(*consumed_wh), now)
        return self.found[0].energy_today_wh


@pytest.fixture
def day(tmp_path: Path) -> Day:
    return Day(tmp_path)


def test_the_count_starts_at_zero_with_the_first_reading_and_says_since_when(day: Day) -> None:
    assert day.at(EVENING, 500.0, 700.0) == 0
    assert day.since == EVENING
    assert day.at(EVENING + timedelta(seconds=60), 510.0, 705.0) == 15.0


def test_a_deck_that_watches_over_midnight_starts_the_new_day_at_midnight(day: Day) -> None:
    day.at(MIDNIGHT - timedelta(seconds=5), 500.0, 700.0)
    assert day.at(MIDNIGHT + timedelta(seconds=1), 501.0, 700.0) == 0
    assert day.since == MIDNIGHT
    assert day.at(MIDNIGHT + timedelta(hours=1), 601.0, 700.0) == 100.0


def test_a_deck_that_slept_over_midnight_says_when_it_woke(day: Day) -> None:
    day.at(EVENING, 500.0, 700.0)
    morning = MIDNIGHT + timedelta(hours=7)
    assert day.at(morning, 900.0, 700.0) == 0 and day.since == morning


@pytest.mark.parametrize(
    ("midnight", "hours"),
    [(datetime(2026, 3, 28, 23, tzinfo=UTC), 23), (datetime(2026, 10, 24, 22, tzinfo=UTC), 25)],
)
def test_the_day_the_clocks_change_is_as_long_as_it_is(day: Day, midnight: datetime, hours: int) -> None:
    day.at(midnight - timedelta(seconds=1), 0.0, 0.0)
    assert day.at(midnight, 0.0, 0.0) == 0
    end = midnight + timedelta(hours=hours)
    assert day.at(end - timedelta(seconds=1), 1000.0, 0.0) == 1000.0 and day.since == midnight
    assert day.at(end, 1001.0, 0.0) == 0 and day.since == end


def test_a_restart_goes_on_with_the_day_and_not_with_one_gone_by(day: Day) -> None:
    day.at(EVENING, 500.0, 700.0)
    day.restart()
    assert day.at(EVENING + timedelta(seconds=30), 520.0, 700.0) == 20.0 and day.since == EVENING
    day.restart()
    later = MIDNIGHT + timedelta(seconds=30)
    assert day.at(later, 540.0, 700.0) == 0 and day.since == later, "nobody watched at midnight"


def test_a_counter_that_dips_gives_no_number_until_it_is_back(day: Day) -> None:
    day.at(EVENING, 500.0, 700.0)
    assert day.at(EVENING + timedelta(seconds=1), 400.0, 700.0) is None
    assert day.at(EVENING + timedelta(seconds=2), 510.0, 700.0) == 10.0


def test_a_counter_that_lost_everything_gives_no_number_for_the_rest_of_the_day(day: Day) -> None:
    day.at(EVENING, 500.0, 700.0)
    assert day.at(EVENING + timedelta(seconds=60), 3.0, 1.0) is None
    day.at(MIDNIGHT - timedelta(seconds=1), 3.0, 1.0)
    assert day.at(MIDNIGHT, 3.0, 1.0) == 0


def test_a_producer_may_run_below_its_baseline(day: Day) -> None:
    solar = circuit(produced_wh=900.0)
    day.at(EVENING, 500.0, 700.0, of=solar)
    assert day.at(EVENING + timedelta(seconds=1), 400.0, 700.0, of=solar) == -100.0
    virtual = circuit((2,), virtual=True)
    day.at(EVENING, 500.0, of=virtual)
    assert day.at(EVENING + timedelta(seconds=1), 450.0, of=virtual) == -50.0


@pytest.mark.parametrize("values", [(500.0,), (500.0, None), ()])
def test_a_meter_that_is_missing_or_unknown_gives_no_number(day: Day, values: tuple[float | None, ...]) -> None:
    assert day.at(EVENING, *values) is None


def test_a_circuit_without_spaces_has_no_meter(day: Day) -> None:
    assert day.at(EVENING, 500.0, of=circuit(())) is None


def test_a_circuit_on_other_spaces_is_counted_anew(day: Day) -> None:
    day.at(EVENING, 500.0, 90_000.0)
    assert day.at(EVENING + timedelta(seconds=1), 500.0, 90_000.0, of=circuit((4,))) == 0


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        '{"since": 7, "baselines": {}}',
        '{"since": "2026-11-20T22:00:00", "baselines": {}}',
        '{"since": "2026-11-20T22:00:00+00:00", "baselines": {"c1": "x"}}',
        '{"since": "2026-11-20T22:00:00+00:00"}',
        "\x00",
    ],
)
def test_a_spoilt_file_means_a_new_start(day: Day, content: str) -> None:
    day.path.parent.mkdir()
    day.path.write_text(content)
    assert day.at(EVENING, 500.0, 700.0) == 0 and day.since == EVENING


def test_a_disk_that_takes_nothing_costs_only_the_next_restart(day: Day) -> None:
    day.path.parent.write_text("a file is in the way")
    day.at(EVENING, 500.0, 700.0)
    assert day.at(EVENING + timedelta(seconds=1), 501.0, 700.0) == 1.0
