"""Whatever happens in whatever order, on however many sessions, the alarms keep to a few rules."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from test_alarms import HOUSE, House

from wattdeck.core.alarms import Alarm, Alarms, AlarmState
from wattdeck.core.reading import Link

ROOMS = ("attic", "cellar")
temperature = st.sampled_from([20.0, 29.0, 35.0, None])
step = st.one_of(
    st.tuples(st.just("reads"), st.fixed_dictionaries({}, optional=dict.fromkeys(ROOMS, temperature))),
    st.tuples(st.just("lost"), st.sampled_from([Link.STALE, Link.DOWN, Link.REFUSED, Link.WAITING])),
    st.tuples(st.just("waits"), st.sampled_from([1, 30, 60, 1000])),
    st.tuples(st.just("acknowledges"), st.none()),
    st.tuples(st.just("shelves"), st.sampled_from([1, 100, 5000])),
    st.tuples(st.just("unshelves"), st.none()),
    st.tuples(st.just("saves"), st.none()),
)
steps = st.lists(st.tuples(st.integers(0, 1), step), max_size=30)


def do(house: House, what: str, how: Any) -> None:
    """One step of one session."""
    alarms = house.alarms
    match what:
        case "reads":
            house.reads(**how)
        case "lost":
            house.reads(how)
        case "waits":
            house.waits(how)
        case "acknowledges":
            alarms.acknowledge()
        case "shelves":
            for alarm in list(alarms.open):
                alarms.shelve(alarm.id, house.clock.now() + timedelta(seconds=how), "why")
        case "unshelves":
            for alarm in list(alarms.shelved):
                alarms.unshelve(alarm.id)
        case "saves":
            alarms.save()


def keeps_the_rules(alarms: Alarms) -> None:
    shown = [*alarms.open, *alarms.shelved]
    assert len({alarm.id for alarm in shown}) == len(shown), "one line for each"
    assert all(alarm.source == HOUSE and alarm.count >= 1 and alarm.changed_at >= alarm.since for alarm in shown)
    assert all(alarm.state is not AlarmState.NORMAL and alarm.shelved_until is None for alarm in alarms.open)
    assert all(alarm.shelved_until is not None and alarm.shelved_reason for alarm in alarms.shelved)
    order = [alarm.state for alarm in alarms.open]
    assert order == sorted(order, key=list(AlarmState).index)
    assert alarms.unacknowledged == sum(alarm.state is not AlarmState.ACKNOWLEDGED for alarm in alarms.open)
    assert (alarms.worst is None) == (alarms.unacknowledged == 0)


def plain(alarms: Alarms) -> list[tuple[Any, ...]]:
    """What is remembered of the alarms, without words that only live in one session."""

    def key(alarm: Alarm) -> tuple[Any, ...]:
        return alarm.id, alarm.state, alarm.since, alarm.acknowledged_by, alarm.shelved_until, alarm.count

    return [key(alarm) for alarm in (*alarms.open, *alarms.shelved)]


@settings(max_examples=60)
@given(steps)
def test_any_sequence_keeps_the_rules_and_all_sessions_agree(sequence: list[tuple[int, tuple[str, Any]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first = House(Path(folder) / "alarms.jsonl")
        sessions = (first, first.other())
        for index, (what, how) in sequence:
            do(sessions[index], what, how)
            keeps_the_rules(sessions[index].alarms)
        for _ in range(2):
            for session in sessions:
                session.alarms.save()
        for session in sessions:
            session.alarms.tick(first.clock.now())
            session.alarms.save()
        restarted = first.other(session="three")
        restarted.alarms.tick(first.clock.now())
        for session in sessions:
            session.alarms.save()
        assert plain(restarted.alarms) == plain(sessions[1].alarms) == plain(first.alarms)
