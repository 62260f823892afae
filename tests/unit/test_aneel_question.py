"""What a person asks a distributor beside its feeds, and how the table is looked at: without an app."""

from __future__ import annotations

import logging
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from test_aneel_present import AT, BOA_VISTA, CARACARAI, NOW, seen, text_of

from fakes import ManualClock
from wattdeck.core.errors import SourceError
from wattdeck.core.lines import plain
from wattdeck.systems.aneel.models import SLOT, OutagesSnapshot
from wattdeck.systems.aneel.question import REST_S, HalfHour, LookUp
from wattdeck.systems.aneel.tableview import TableView

pytestmark = pytest.mark.anyio

NEWEST = seen()
BEFORE = AT - SLOT


class Distributor:
    """Knows one half hour, or fails; and no demand."""

    id = "aneel/roraima"

    def __init__(self) -> None:
        self.outages_feed = SimpleNamespace(reading=SimpleNamespace(taken_at=NOW))
        self.slots: dict[datetime, object] = {}
        self.failure: Exception | None = None
        self.asked = 0

    async def at(self, moment: datetime) -> OutagesSnapshot:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return seen(before=())

    async def demand(self, protocol: str) -> None:
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def distributor() -> Any:
    return Distributor()


async def test_a_half_hour_is_asked_for_once_and_only_after_a_rest(distributor: Any) -> None:
    half_hour, clock = HalfHour(), ManualClock()
    assert half_hour.begin(distributor) is None and half_hour.snapshot(distributor.id, NEWEST) is NEWEST
    half_hour.walk(-1, AT)
    assert half_hour.slot == BEFORE and half_hour.snapshot(distributor.id, NEWEST) is None
    question = half_hour.begin(distributor)
    assert question is not None and half_hour.busy(distributor.id)
    assert half_hour.begin(distributor) is None, "it is being asked already"
    await half_hour.answer(question, distributor, clock)
    assert (distributor.asked, clock.elapsed_s) == (1, REST_S)
    assert not half_hour.busy(distributor.id) and half_hour.snapshot(distributor.id, NEWEST) is not None
    assert half_hour.snapshot("aneel/other", NEWEST) is None, "one distributor's answer is no other one's"
    assert half_hour.begin(distributor) is None, "its changes are known, so that nothing can be added"


async def test_a_half_hour_that_failed_says_why_and_is_asked_again_beside_newer_readings(distributor: Any) -> None:
    half_hour = HalfHour()
    half_hour.walk(-1, AT)
    distributor.slots[BEFORE] = object()
    distributor.failure = SourceError("no route to host")
    question = half_hour.begin(distributor)
    assert question is not None
    await half_hour.answer(question, distributor, ManualClock())
    assert half_hour.words(distributor.id) == "That half hour could not be read: no route to host."
    assert half_hour.begin(distributor) is None
    distributor.outages_feed.reading.taken_at = NOW + SLOT
    assert half_hour.begin(distributor) is not None


async def test_a_demand_that_comes_late_is_not_shown_for_another_one(distributor: Any) -> None:
    look_up = LookUp()
    first, second = look_up.begin("1"), look_up.begin("2")
    await look_up.answer(first, distributor)
    assert look_up.found is second and "Asking for 2." in text_of(look_up.lines(NOW, 60))
    await look_up.answer(second, distributor)
    assert (look_up.found.protocol, look_up.found.problem) == ("2", "")
    assert "2" in text_of(look_up.lines(NOW, 60)) and "Asking" not in text_of(look_up.lines(NOW, 60))


async def test_a_fault_in_a_demand_is_said_and_in_the_log(distributor: Any, caplog: pytest.LogCaptureFixture) -> None:
    look_up = LookUp()
    distributor.failure = KeyError("unexpected")
    with caplog.at_level(logging.ERROR):
        await look_up.answer(look_up.begin("1"), distributor)
    assert "internal error" in text_of(look_up.lines(NOW, 60)) and "could not be read" in caplog.text


def test_the_rows_of_a_view_are_made_once_for_what_is_looked_at() -> None:
    view = TableView()
    rows = view.rows(NEWEST)
    assert view.rows(NEWEST) is rows
    view.filter = "cara"
    assert [row.id for row in view.rows(NEWEST)] == [str(CARACARAI)]
    view.filter, view.municipality = "", BOA_VISTA
    assert [row.id for row in view.rows(NEWEST)] == ["16101"]
    assert plain([view.heading(NEWEST, 80)]).startswith(" Sets (conjuntos) of Boa Vista")
    place = view.place(NEWEST, "16101")
    assert place is not None and place.code == BOA_VISTA
    view.leave()
    assert view.rows(NEWEST) == rows and view.rows(None) == ()
