"""Moments on the wire and half hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattdeck.systems.aneel.models import BRASILIA, SLOT
from wattdeck.systems.aneel.times import format_recovery, next_poll, parse_recovery, slot_of, slots

MOMENTS = st.datetimes(
    datetime(1901, 1, 1),  # noqa: DTZ001  hypothesis adds the zone
    datetime(2198, 12, 31),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, BRASILIA, timezone(timedelta(hours=-4)), timezone(timedelta(hours=5, minutes=45))]),
)


def test_a_moment_is_written_in_brasilias_time() -> None:
    assert format_recovery(datetime(2025, 12, 10, 17, 30, 59, tzinfo=UTC)) == "10/12/2025 14:30"
    assert format_recovery(datetime(2025, 12, 10, 13, 30, tzinfo=timezone(timedelta(hours=-4)))) == "10/12/2025 14:30"
    assert format_recovery(datetime(2026, 1, 1, 2, 5, tzinfo=UTC)) == "31/12/2025 23:05"


def test_a_moment_is_read_in_brasilias_time() -> None:
    assert parse_recovery("10/12/2025 14:30") == datetime(2025, 12, 10, 17, 30, tzinfo=UTC)
    assert parse_recovery("29/02/2028 00:00").utcoffset() == timedelta(hours=-3)


@pytest.mark.parametrize(
    "text",
    [
        "9/1/2026 7:00", "2025-12-10T14:30", "10/12/2025", "10/12/2025 24:00", "10/12/2025 14:60", "10/13/2025 14:30",
        "32/12/2025 14:30", "10/12/2025 14:30:00", "10/12/2025 14:30\n", " 10/12/2025 14:30", "10/12/25 14:30", "",
        "１0/12/2025 14:30", "10/12/2025  14:30", "\x1b[2J", "1" * 10_000,
    ],
)  # fmt: skip
def test_another_form_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="not written as dd/mm/yyyy hh:mm") as caught:
        parse_recovery(text)
    assert len(str(caught.value)) < 150 and str(caught.value).isprintable()


@pytest.mark.parametrize("text", ["31/02/2026 10:00", "29/02/2026 10:00", "30/02/2026 10:00", "01/01/0000 10:00"])
def test_a_date_that_does_not_exist_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="no such date"):
        parse_recovery(text)


@given(MOMENTS)
def test_times_round_trip_to_the_minute(moment: datetime) -> None:
    again = parse_recovery(format_recovery(moment))
    assert again == moment.replace(second=0, microsecond=0)
    assert format_recovery(again) == format_recovery(moment)


@given(st.text(max_size=30))
def test_any_text_is_a_moment_or_a_value_error(text: str) -> None:
    try:
        moment = parse_recovery(text)
    except ValueError:
        return
    assert format_recovery(moment) == text


@given(MOMENTS)
def test_a_slot_is_the_half_hour_at_or_before(moment: datetime) -> None:
    slot = slot_of(moment)
    assert timedelta(0) <= moment - slot < SLOT
    assert slot.minute in (0, 30) and slot.second == slot.microsecond == 0
    assert slot.utcoffset() == timedelta(hours=-3)
    assert slot_of(slot) == slot


@given(MOMENTS, st.integers(-100, 20_000))
def test_slots_are_all_half_hours_from_first_to_last(first: datetime, minutes: int) -> None:
    last = first + timedelta(minutes=minutes)
    found = slots(first, last)
    assert all(first <= slot <= last and slot == slot_of(slot) for slot in found)
    assert all(later - earlier == SLOT for earlier, later in pairwise(found))
    if found:
        assert found[0] - SLOT < first and found[-1] + SLOT > last
    else:
        assert minutes < 30


@given(MOMENTS, st.floats(0, 120))
def test_the_next_poll_is_a_little_after_the_next_half_hour(now: datetime, jitter_s: float) -> None:
    due = next_poll(now, jitter_s)
    assert timedelta(0) < due - now <= SLOT + timedelta(seconds=120)
    assert timedelta(0) <= due - slot_of(due) <= timedelta(seconds=120)
    # Asked again when it is due, it names the following half hour: never two polls for one.
    assert next_poll(due, jitter_s) - due == SLOT


@pytest.mark.parametrize("jitter_s", [-1, 121, float("nan")])
def test_a_jitter_out_of_bounds_is_refused(jitter_s: float) -> None:
    with pytest.raises(ValueError, match="jitter_s"):
        next_poll(datetime(2026, 1, 1, tzinfo=UTC), jitter_s)


def test_a_moment_without_a_zone_is_refused() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001
    for ask in (format_recovery, slot_of):
        with pytest.raises(ValueError, match="no time zone"):
            ask(naive)
