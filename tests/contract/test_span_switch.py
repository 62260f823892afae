"""A source that changes its protocol while it runs: nothing is invented, nothing known is lost (span-v2.md 11)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deck_app import HandClock
from ebus_examples import SERIAL
from ebus_seat import Seat, credentials
from fakes import START
from span_panel import authority, pem
from turns import come_to_rest
from wattdeck.core.clock import SYSTEM_CLOCK
from wattdeck.core.errors import AuthError, SourceError, StatusError, Unreachable
from wattdeck.core.hub import Hub
from wattdeck.core.paths import token_path
from wattdeck.core.reading import Link, Reading
from wattdeck.core.secrets import SecretRef, store_private
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span import SYSTEM
from wattdeck.systems.span.config import SpanConfig
from wattdeck.systems.span.demo import stand_in
from wattdeck.systems.span.ebus.credentials import save
from wattdeck.systems.span.ebus.stream import CertificateRefused, Endpoint, MessageStream
from wattdeck.systems.span.ebus.tls import fingerprint
from wattdeck.systems.span.models import DataModel, PanelSnapshot
from wattdeck.systems.span.rest import RestPanel
from wattdeck.systems.span.simulator import SpanSimulator
from wattdeck.systems.span.source import SpanSource

pytestmark = pytest.mark.anyio

HOST = "127.0.0.1"
CA_PEM = pem(authority())
ORIGIN = f"mqtts://{HOST}:8883"


class Bench:
    """One panel, a hub that polls it for ever, and all that was published."""

    def __init__(self, folder: Path, api: str = "flat", *, registered: bool = True, household: str = "home") -> None:
        self.clock = HandClock(START.replace(hour=12))
        options = SimulatorOptions(start=START.replace(hour=12), api=api)
        self.simulator = SpanSimulator(
            options, household=household, monotonic=self.clock.monotonic, sleep=self.clock.sleep
        )
        self.simulator.clear_faults()
        assert self.simulator.broker is not None
        self.simulator.broker.clock = self.clock
        self.apps: dict[str, Any] = {f"http://{HOST}": self.simulator.app}
        if registered:
            self.apps[ORIGIN] = stand_in(self.simulator, HOST)
        self.config = SpanConfig(
            name="home", host=HOST, token=SecretRef(plain=self.simulator.issue_token()), poll_s=1.0, retries=0
        )
        self.hub = Hub([(SYSTEM, self.config)], state_dir=folder, clock=self.clock, demo_apps=self.apps)
        self.readings: list[Reading[PanelSnapshot]] = []
        self.hub.subscribe(self.readings.append)

    @property
    def reading(self) -> Reading[PanelSnapshot]:
        return self.hub.feeds[0].reading

    def link(self) -> Link:
        """How the feed stands with the panel now."""
        return self.reading.link

    def model(self) -> DataModel:
        """The protocol of the live picture."""
        return self.panel.data_model

    @property
    def panel(self) -> PanelSnapshot:
        assert self.reading.link is Link.LIVE and self.reading.snapshot is not None, self.reading.problem
        return self.reading.snapshot

    async def pass_time(self, seconds: float) -> None:
        """Let time pass, everyone doing what is due."""
        for _ in range(round(seconds / 0.25)):
            self.clock.advance(0.25)
            await come_to_rest()

    def register(self) -> None:
        """What `wattdeck span register` in another window does."""
        self.hub.sources["span/home"]._context.stand_ins[ORIGIN] = stand_in(self.simulator, HOST)  # type: ignore[attr-defined]


@pytest.fixture
async def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    """A bench whose hub runs."""
    made = Bench(tmp_path, **getattr(request, "param", {}))
    async with made.hub:
        running = asyncio.ensure_future(made.hub.run())
        await made.pass_time(3)
        yield made
        running.cancel()


def ids(panel: PanelSnapshot) -> set[str]:
    return {circuit.circuit_id for circuit in panel.circuits if not circuit.virtual}


@pytest.mark.parametrize("how", ["30", "0"])
async def test_an_upgrade_while_connected_keeps_circuits_and_invents_none(bench: Bench, how: str) -> None:
    before = bench.panel
    assert before.data_model is DataModel.FLAT
    since = len(bench.readings)
    bench.simulator.set_fault("upgrade", how)
    await bench.pass_time(90)
    after = bench.panel
    assert (after.data_model, after.firmware) == (DataModel.TREE, "spanos3/r202639/03")
    assert ids(after) == ids(before)
    passed = bench.readings[since:]
    if how != "0":
        assert {reading.link for reading in passed} > {Link.LIVE}, "it was away, and said so"
    for reading in passed:
        shown = reading.snapshot
        assert shown is not None, "what was known stays on show"
        assert ids(shown) == ids(before)
        if reading.link is Link.LIVE:
            assert all(circuit.power_w is not None for circuit in shown.circuits)
            assert shown.firmware and shown.grid_power_w is not None
    # The trend of a circuit goes through the change without a break in its key.
    trend = bench.hub.trends["span/home"]
    for circuit_id in ids(after):
        assert (
            len(
                [
                    value
                    for value in trend.recent(circuit_id, 60, 3.0, bench.clock.now().timestamp())
                    if value is not None
                ]
            )
            > 3
        )


async def test_an_upgrade_that_leaves_topics_behind_and_names_circuits_late_ends_as_a_tree(bench: Bench) -> None:
    before, since = bench.panel, len(bench.readings)
    bench.simulator.set_fault("leftovers")
    bench.simulator.set_fault("names-late", "8")
    bench.simulator.set_fault("upgrade", "0")
    await bench.pass_time(20)
    after = bench.panel
    assert after.data_model is DataModel.TREE
    assert {circuit.name for circuit in after.circuits} == {circuit.name for circuit in before.circuits}
    for reading in bench.readings[since:]:
        assert reading.snapshot is not None and ids(reading.snapshot) == ids(before)
        assert reading.link is not Link.LIVE or all(circuit.name for circuit in reading.snapshot.circuits)


@pytest.mark.parametrize("bench", [{"api": "tree"}], indirect=True)
async def test_the_way_back_is_found_as_well(bench: Bench) -> None:
    assert bench.model() is DataModel.TREE
    bench.simulator.set_fault("downgrade", "20")
    await bench.pass_time(90)
    assert bench.model() is DataModel.FLAT


@pytest.mark.parametrize("bench", [{"registered": False}], indirect=True)
async def test_v1_goes_over_to_v2_once_somebody_registered(bench: Bench) -> None:
    before = bench.panel
    assert before.data_model is DataModel.V1
    bench.register()
    await bench.pass_time(30)
    after = bench.panel
    assert after.data_model is DataModel.FLAT
    assert ids(before) <= ids(after), "the inverter on two spaces without a circuit is a circuit now"
    assert all(reading.link is Link.LIVE for reading in bench.readings), "no moment without data"


@pytest.mark.parametrize("bench", [{"registered": False}], indirect=True)
async def test_v1_that_is_gone_asks_for_a_registration_and_goes_on_after_it(bench: Bench) -> None:
    before = bench.panel
    bench.simulator.set_fault("sunset")
    await bench.pass_time(30)
    assert bench.link() is Link.REFUSED
    assert "speaks v1 no more" in bench.reading.problem and "it speaks v2" in bench.reading.problem
    assert bench.reading.snapshot is not None and ids(bench.reading.snapshot) == ids(before)
    bench.register()
    bench.hub.refresh()
    await bench.pass_time(5)
    assert bench.model() is DataModel.FLAT


async def test_a_panel_that_does_not_say_it_is_ready_is_not_live(bench: Bench) -> None:
    for state, words in (("init", "updating"), ("lost", "lost"), ("disconnected", "disconnected")):
        bench.simulator.set_fault("device-state", state)
        await bench.pass_time(2)
        assert bench.link() is Link.STALE, state
        assert words in bench.reading.problem
        assert bench.reading.snapshot is not None
        bench.simulator.clear_faults("device-state")
        await bench.pass_time(2.5)
        assert bench.link() is Link.LIVE, bench.reading.problem


async def test_updating_is_stale_and_never_down_however_long(bench: Bench) -> None:
    bench.simulator.set_fault("device-state", "init")
    await bench.pass_time(90)
    assert bench.link() is Link.STALE
    bench.simulator.set_fault("device-state", "lost")
    await bench.pass_time(120)
    assert bench.link() is Link.DOWN


async def test_a_broker_that_drops_everyone_now_and_then_is_lived_with(bench: Bench) -> None:
    bench.simulator.set_fault("drop-every", "20")
    await bench.pass_time(100)
    live = sum(reading.link is Link.LIVE for reading in bench.readings)
    assert live > 60 and any(reading.link is not Link.LIVE for reading in bench.readings)
    bench.simulator.clear_faults()
    await bench.pass_time(10)
    assert bench.panel.grid_power_w is not None


async def test_a_hundred_messages_a_second_are_one_picture_a_second(bench: Bench) -> None:
    broker = bench.simulator.broker
    assert broker is not None
    topics = [topic for topic in broker.retained if topic.endswith("/active-power")]
    since = len(bench.readings)
    for step in range(40):
        for number in range(25):
            broker.publish(topics[number % len(topics)], f"-{step}.{number}")
        await bench.pass_time(0.25)
    assert 8 <= len(bench.readings) - since <= 12


async def test_a_frozen_broker_ages_what_is_shown(bench: Bench) -> None:
    bench.simulator.set_fault("broker-frozen")
    await bench.pass_time(8)
    assert bench.link() is Link.LIVE, "nothing has told us yet that it hangs"
    age_s = bench.reading.age_s(bench.clock.now())
    assert age_s is not None and age_s >= 7


async def test_refreshing_does_not_wait_for_the_back_off(bench: Bench) -> None:
    broker = bench.simulator.broker
    assert broker is not None
    broker.refusal = Unreachable("no route")
    broker.drop()
    await bench.pass_time(150)
    wait = bench.reading.next_poll_at
    assert bench.link() is Link.DOWN and wait is not None and wait > bench.clock.now()
    broker.refusal = None
    bench.hub.refresh()
    await bench.pass_time(2)
    assert bench.link() is Link.LIVE


@pytest.mark.parametrize(
    ("api", "refused"),
    [("auto", AuthError("no token")), ("auto", StatusError("v1 is gone", 404)), ("v2", AuthError("never asked"))],
)
async def test_a_panel_that_moved_to_another_address_is_known_by_its_serial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: Any, refused: SourceError
) -> None:
    seat = Seat(model=DataModel.TREE)
    save(tmp_path, credentials(address="192.0.2.7", ca_pem=CA_PEM, ca_sha256=fingerprint(CA_PEM)))
    config = SpanConfig(name="home", host="192.0.2.8", api=api)
    monkeypatch.setattr(SpanSource, "_bootstrap", lambda self: seat.rest)
    monkeypatch.setattr(SpanSource, "_connector", lambda self: seat.broker.connector)

    async def by_v1(self: RestPanel) -> PanelSnapshot:
        raise refused

    monkeypatch.setattr(RestPanel, "fetch", by_v1)
    # By the real clock: files are written in threads, and nothing has to be waited for.
    seat.broker.clock = SYSTEM_CLOCK
    async with Hub([(SYSTEM, config)], state_dir=tmp_path, keep_last=False) as hub:
        await hub.once()
        reading = hub.readings("span/home")[0]
        assert reading.link is Link.LIVE, reading.problem
        assert reading.snapshot is not None and reading.snapshot.serial == SERIAL


async def test_a_stranger_at_the_address_is_asked_to_be_registered_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seat = Seat()
    config = SpanConfig(name="home", host="192.0.2.8", api="v2")
    monkeypatch.setattr(SpanSource, "_bootstrap", lambda self: seat.rest)
    async with Hub([(SYSTEM, config)], state_dir=tmp_path, clock=seat.clock, keep_last=False) as hub:
        await seat.run(hub.once())
        reading = hub.readings("span/home")[0]
        assert reading.link is Link.REFUSED and "not registered for v2" in reading.problem


# Another window registers, or trusts


def link_of(hub: Hub) -> Link:
    """How its one feed stands now."""
    return hub.feeds[0].reading.link


@pytest.mark.parametrize("told", [True, False])
async def test_an_authority_that_is_trusted_in_another_window_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    seat = Seat(model=DataModel.TREE)
    mine = credentials(address="192.0.2.8", ca_pem=CA_PEM, ca_sha256=fingerprint(CA_PEM))
    save(tmp_path, mine)
    new_pem = pem(authority("after the update"))
    tries: list[str] = []

    def connector(endpoint: Endpoint) -> MessageStream:
        tries.append(endpoint.ca_pem)
        seat.broker.refusal = None if endpoint.ca_pem == new_pem else CertificateRefused("not the pinned one")
        return seat.broker.connector(endpoint)

    async def ca() -> str:
        return new_pem

    async def seen(self: SpanSource, serial: str) -> None:
        """Nothing is written in threads, which know no test's time."""

    if told:
        seat.rest.ca = ca  # type: ignore[method-assign]
    monkeypatch.setattr(SpanSource, "_bootstrap", lambda self: seat.rest)
    monkeypatch.setattr(SpanSource, "_connector", lambda self: connector)
    monkeypatch.setattr(SpanSource, "_keep_seen", seen)
    config = SpanConfig(name="home", host="192.0.2.8", history=False)
    async with Hub([(SYSTEM, config)], state_dir=tmp_path, clock=seat.clock, keep_last=False) as hub:
        running = asyncio.ensure_future(hub.run())
        await seat.pass_time(90)
        assert link_of(hub) is (Link.REFUSED if told else Link.DOWN)
        before = len(tries)
        # What another deck has seen of the panel is no reason to try again.
        save(tmp_path, replace(mine, firmware="spanos3/r202645/01", data_model="tree"))
        await seat.pass_time(30)
        assert not told or len(tries) == before
        save(tmp_path, replace(mine, ca_pem=new_pem, ca_sha256=fingerprint(new_pem)))
        await seat.pass_time(6 if told else 75)
        assert link_of(hub) is Link.LIVE
        running.cancel()


async def test_a_token_that_is_stored_in_another_window_is_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, tries = HandClock(), []

    async def read(self: RestPanel) -> PanelSnapshot:
        self._take_token()
        tries.append(self._tried)
        raise Unreachable("let in") if self._tried == "the-new-one" else AuthError("register first")

    async def no_status(self: SpanSource) -> None:
        """There is no v2."""

    monkeypatch.setattr(RestPanel, "_read", read)
    monkeypatch.setattr(SpanSource, "_status", no_status)
    config = SpanConfig(name="home", host="192.0.2.8", history=False)
    async with Hub([(SYSTEM, config)], state_dir=tmp_path, clock=clock, keep_last=False) as hub:
        running = asyncio.ensure_future(hub.run())
        for token in (None, "wrong", "the-new-one"):
            if token is not None:
                store_private(token_path(tmp_path, "span", "home"), token)
            for _ in range(120):
                clock.advance(0.25)
                await come_to_rest()
            wanted = Link.DOWN if token == "the-new-one" else Link.REFUSED
            assert hub.feeds[0].reading.link is wanted, hub.feeds[0].reading.problem
        assert tries[:3] == [None, "wrong", "the-new-one"]
        running.cancel()
