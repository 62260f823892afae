"""The history: every store keeps the same, and what is asked for again is what is missing or may still change."""

from __future__ import annotations

import itertools
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.errors import ConfigError
from wattdeck.core.history import History, HistoryError, Value, due, gaps, history_path, open_history

HOUR_S = 3600
DAY_S = 86_400
FRESH_S = 15 * 60
SETTLED_S = 3 * DAY_S
NOW_S = 1_763_730_000
METER = "usms/contoh/12345678"
ENDLESS_S = 10**12
STORES = ("history.sqlite3", "history.csv", "sqlite://", "memory://")


def hours(*values: float | None, first_s: int = 0, checked_s: int = 100) -> list[Value]:
    """One value an hour from `first_s` on."""
    return [Value(first_s + number * HOUR_S, value, checked_s) for number, value in enumerate(values)]


def opened(name: str, folder: Path) -> History:
    return open_history(name if "://" in name else folder / name)


@pytest.fixture(params=STORES)
def history(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[History]:
    store = opened(request.param, tmp_path)
    yield store
    store.close()


def test_what_was_written_is_read_back_in_order(history: History) -> None:
    rows = hours(1.5, None, 0.0, 0.1 + 0.2)
    assert history.write(METER, "hour", rows[::-1]) == 4
    assert history.read(METER, "hour", 0, ENDLESS_S) == rows


def test_the_end_is_not_part_of_what_is_read(history: History) -> None:
    history.write(METER, "hour", hours(1, 2, 3))
    assert [one.value for one in history.read(METER, "hour", HOUR_S, 2 * HOUR_S)] == [2]


def test_an_unchanged_value_only_gets_its_check_renewed(history: History) -> None:
    history.write(METER, "hour", hours(1, None, checked_s=100))
    assert history.write(METER, "hour", hours(1, None, checked_s=200)) == 0
    assert history.read(METER, "hour", 0, ENDLESS_S) == hours(1, None, checked_s=200)


def test_new_and_changed_values_are_counted(history: History) -> None:
    history.write(METER, "hour", hours(1, 2, None))
    assert history.write(METER, "hour", hours(1, 2.5, 3, 4)) == 3


def test_a_source_that_shows_nothing_does_not_undo_what_it_showed(history: History) -> None:
    history.write(METER, "hour", hours(1.5, checked_s=100))
    assert history.write(METER, "hour", hours(None, checked_s=200)) == 0
    assert history.read(METER, "hour", 0, ENDLESS_S) == hours(1.5, checked_s=200)


def test_of_two_values_with_one_start_the_later_in_line_counts(history: History) -> None:
    assert history.write(METER, "hour", [Value(0, 1.0, 5), Value(0, 2.0, 5), Value(0, None, 6)]) == 1
    assert history.read(METER, "hour", 0, ENDLESS_S) == [Value(0, 2.0, 6)]


def test_series_and_periods_are_kept_apart(history: History) -> None:
    history.write(METER, "hour", hours(1))
    history.write(METER, "day", hours(24))
    history.write("usms/Contoh/12345678", "hour", hours(2))
    history.write("aneel/são paulo/a.b%2f", "day", hours(3))
    assert history.series() == [
        ("aneel/são paulo/a.b%2f", "day"),
        ("usms/Contoh/12345678", "hour"),
        (METER, "day"),
        (METER, "hour"),
    ]
    assert [history.read(*one, 0, 1)[0].value for one in history.series()] == [3, 2, 24, 1]


def test_the_span_is_the_earliest_and_the_latest_start(history: History) -> None:
    history.write(METER, "hour", hours(1, 2, None))
    assert history.span(METER, "hour") == (0, 2 * HOUR_S)


def test_a_series_nobody_wrote_is_empty(history: History) -> None:
    assert history.read(METER, "hour", 0, ENDLESS_S) == [] and history.span(METER, "hour") is None
    assert history.write(METER, "hour", []) == 0 and history.series() == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_number_is_refused_and_nothing_of_the_batch_kept(history: History, value: float) -> None:
    with pytest.raises(HistoryError, match=r"usms/contoh/12345678, hour: the value at 3600 is no finite number"):
        history.write(METER, "hour", hours(1, value))
    assert history.read(METER, "hour", 0, ENDLESS_S) == []


def test_milliseconds_are_not_taken_for_seconds(history: History) -> None:
    with pytest.raises(HistoryError, match="no Unix seconds"):
        history.write(METER, "hour", [Value(NOW_S * 1000, 1, NOW_S)])


@pytest.mark.parametrize(
    ("series", "period"),
    [("", "hour"), ("a\0b", "hour"), ("a\nb", "hour"), ("é" * 41, "hour"), ("a", "../day"), ("a", "")],
)
def test_what_can_be_no_name_is_refused(history: History, series: str, period: str) -> None:
    with pytest.raises(HistoryError, match="no name of a series"):
        history.read(series, period, 0, 1)
    with pytest.raises(HistoryError, match="no name of a series"):
        history.span(series, period)
    with pytest.raises(HistoryError, match="no name of a series"):
        history.write(series, period, hours(1))


@pytest.mark.parametrize("name", STORES[:2])
def test_it_is_there_when_opened_again(name: str, tmp_path: Path) -> None:
    first = opened(name, tmp_path)
    first.write(METER, "hour", hours(1, None))
    first.close()
    second = opened(name, tmp_path)
    assert second.read(METER, "hour", 0, ENDLESS_S) == hours(1, None)
    second.close()


@pytest.mark.parametrize("name", STORES[:2])
def test_only_the_owner_can_read_it(name: str, tmp_path: Path) -> None:
    store = opened(name, tmp_path / "state")
    store.write(METER, "hour", hours(1))
    for path in [tmp_path / "state", *(tmp_path / "state").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    store.close()


@pytest.mark.parametrize("name", STORES)
def test_it_can_be_used_from_any_thread_and_from_many_at_once(name: str, tmp_path: Path) -> None:
    store = opened(name, tmp_path)
    problems: list[Exception] = []

    def work(number: int) -> None:
        try:
            for start in range(10):
                store.write(METER, "hour", [Value(start * HOUR_S, number, number)])
                store.write(f"usms/contoh/{number}", "hour", [Value(start * HOUR_S, start, 0)])
                assert store.read(f"usms/contoh/{number}", "hour", 0, ENDLESS_S)[-1].value == start
        except Exception as error:
            problems.append(error)

    in_threads(work, 4)
    assert problems == []
    assert len(store.read(METER, "hour", 0, ENDLESS_S)) == 10 and len(store.series()) == 5
    store.close()


def in_threads(work: Callable[[int], None], count: int) -> None:
    """Run the work so many times at once, each with its number."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


VALUES = st.builds(
    Value,
    st.integers(-10, 40).map(lambda number: number * HOUR_S),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.integers(0, 10**11),
)
WRITES = st.lists(
    st.tuples(
        st.sampled_from([METER, "b/c/1", "b/C/1"]), st.sampled_from(["hour", "day"]), st.lists(VALUES, max_size=12)
    ),
    max_size=5,
)


@settings(max_examples=40, deadline=None)
@given(WRITES, st.integers(-10, 40), st.integers(0, 50))
def test_all_stores_keep_the_same(writes: list[tuple[str, str, list[Value]]], first: int, length: int) -> None:
    start_s, end_s = first * HOUR_S, (first + length) * HOUR_S
    with tempfile.TemporaryDirectory() as folder:
        seen = []
        for name in STORES:
            store = opened(name, Path(folder))
            counts = [store.write(*write) for write in writes]
            keys = [key for key in store.series() if store.span(*key)]
            seen.append((counts, [(key, store.span(*key), store.read(*key, start_s, end_s)) for key in keys]))
            store.close()
        assert seen[0] == seen[1] == seen[2]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(VALUES, max_size=20), max_size=6))
def test_the_last_measured_value_of_each_start_is_what_is_read(writes: list[list[Value]]) -> None:
    store = open_history("sqlite://")
    for values in writes:
        store.write(METER, "hour", values)
    expected: dict[int, float | None] = {}
    for one in itertools.chain(*writes):
        expected[one.start_s] = expected.get(one.start_s) if one.value is None else one.value
    read = store.read(METER, "hour", -ENDLESS_S, ENDLESS_S)
    assert {one.start_s: one.value for one in read} == expected
    assert [one.start_s for one in read] == sorted(expected)
    store.close()


def test_gaps_are_the_periods_without_a_measured_value() -> None:
    assert gaps(hours(1, None, 0.0), 0, 4 * HOUR_S, HOUR_S) == [HOUR_S, 3 * HOUR_S]
    assert gaps([], 0, 0, HOUR_S) == []


AT = st.integers(NOW_S - 10 * DAY_S, NOW_S + DAY_S)
KEPT = st.lists(st.builds(Value, AT, st.none() | st.floats(0, 10), AT), max_size=20, unique_by=lambda one: one.start_s)


@given(KEPT, st.lists(AT, max_size=20))
def test_due_is_part_of_what_is_wanted_in_its_order(values: list[Value], wanted: list[int]) -> None:
    asked = due(values, wanted, NOW_S, FRESH_S, SETTLED_S)
    assert asked == [start for start in wanted if start in set(asked)]


@given(KEPT, st.lists(AT, max_size=20))
def test_what_was_never_asked_for_is_due_unless_it_lies_ahead(values: list[Value], wanted: list[int]) -> None:
    asked = set(due(values, wanted, NOW_S, FRESH_S, SETTLED_S))
    known = {one.start_s for one in values}
    assert {start for start in wanted if start not in known and start <= NOW_S} <= asked
    assert all(start <= NOW_S for start in asked)


@given(KEPT)
def test_what_has_settled_with_a_value_is_never_due(values: list[Value]) -> None:
    settled = [one.start_s for one in values if one.value is not None and one.start_s <= NOW_S - SETTLED_S]
    assert due(values, settled, NOW_S, FRESH_S, SETTLED_S) == []


@given(KEPT)
def test_once_all_was_asked_nothing_is_due_until_it_is_no_longer_fresh(values: list[Value]) -> None:
    wanted = [one.start_s for one in values]
    asked = [Value(one.start_s, one.value, NOW_S) for one in values]
    assert due(asked, wanted, NOW_S + FRESH_S - 1, FRESH_S, SETTLED_S) == []


@given(KEPT)
def test_what_was_asked_in_vain_is_asked_again_once_in_a_while(values: list[Value]) -> None:
    """A page may have been short: a gap does not stay one for ever, and costs little meanwhile."""
    later_s = NOW_S + 10 * DAY_S
    wanted = [one.start_s for one in values]
    asked = [Value(one.start_s, one.value, later_s) for one in values]
    assert due(asked, wanted, later_s + SETTLED_S - 1, FRESH_S, SETTLED_S) == []
    unknown = [one.start_s for one in values if one.value is None]
    assert due(asked, wanted, later_s + SETTLED_S, FRESH_S, SETTLED_S) == unknown


@pytest.mark.parametrize(
    ("age_s", "value", "checked_ago_s", "expected"),
    [
        (HOUR_S, 1.0, FRESH_S, True),
        (HOUR_S, 1.0, FRESH_S - 1, False),
        (SETTLED_S - 1, 1.0, DAY_S, True),
        (SETTLED_S, 1.0, DAY_S, False),
        (SETTLED_S, None, DAY_S, True),
        (10 * DAY_S, None, 8 * DAY_S, True),
        (10 * DAY_S, None, 3 * DAY_S, True),
        (10 * DAY_S, None, 2 * DAY_S, False),
        (HOUR_S, 1.0, -DAY_S, True),
        (10 * DAY_S, None, -DAY_S, True),
        (10 * DAY_S, 1.0, -DAY_S, False),
    ],
)
def test_when_a_period_is_due(age_s: int, value: float | None, checked_ago_s: int, expected: bool) -> None:
    start_s = NOW_S - age_s
    kept = [Value(start_s, value, NOW_S - checked_ago_s)]
    assert due(kept, [start_s], NOW_S, FRESH_S, SETTLED_S) == ([start_s] if expected else [])


def test_what_is_opened_goes_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    kinds: dict[Path | str, str] = {
        tmp_path / "folder": "CsvHistory",
        str(tmp_path / "new.csv"): "CsvHistory",
        history_path(tmp_path): "SqliteHistory",
        f"sqlite:///{tmp_path}/other.db": "SqliteHistory",
        "sqlite://": "MemoryHistory",
    }
    for where, kind in kinds.items():
        store = open_history(where)
        assert type(store).__name__ == kind
        store.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql+nosuchdriver://u:hidden@db/x", "no database that SQLAlchemy knows"),
        ("nosuch://u:hidden@db/x?password=hidden", "no database that SQLAlchemy knows"),
        ("mysql+mysqldb://u:hidden@db/x", "the Python package MySQLdb is needed"),
        ("sqlite:///file:x?uri=true", "expected the plain path of a file"),
        ("postgresql+asyncpg://u:hidden@db/x?password=hidden", "works only asynchronously"),
        ("://", "cannot be read"),
        ("a://b:hidden", "cannot be read"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        open_history(url)
    assert "hidden" not in str(caught.value)


def test_the_database_library_is_loaded_only_when_a_database_is_opened(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom wattdeck.core.history import due, gaps, open_history\n"
        "import wattdeck.systems.usms.importing\n"
        f"open_history({str(tmp_path / 'x.csv')!r})\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=50)
    assert {"sqlalchemy", "textual", "httpx", "bs4", "pydantic"}.isdisjoint(done.stdout.split())
