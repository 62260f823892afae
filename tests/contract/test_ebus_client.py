"""The eBus client before a scripted panel: when a picture is live, and what happens else (span-v2.md 9, 11)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ebus_examples import CHARGER, HEAT_PUMP, OFFICE, ROUTER, SERIAL, SOLAR, flat_topics, tree_topics
from ebus_seat import PASSWORD, ROOT, TREE_FIRMWARE, Seat
from wattdeck.core.errors import (
    AuthError,
    BadAnswer,
    Busy,
    SourceError,
    Stale,
    StatusError,
    TimedOut,
    Unreachable,
    UsageError,
)
from wattdeck.core.feed import Feed
from wattdeck.core.reading import Link, Reading
from wattdeck.systems.span.ebus.stream import CertificateRefused
from wattdeck.systems.span.models import DataModel, PanelSnapshot, Relay

pytestmark = pytest.mark.anyio

FLAT, TREE = DataModel.FLAT, DataModel.TREE
BOTH = pytest.mark.parametrize("model", [FLAT, TREE])


@pytest.fixture
def seat(model: DataModel) -> Seat:
    return Seat(model=model)


async def picture(seat: Seat) -> PanelSnapshot:
    return await seat.run(seat.client.snapshot())


def power_topic(model: DataModel, circuit_id: str) -> str:
    return f"{ROOT}/{circuit_id}/active-power" if model is FLAT else f"ebus/5/{circuit_id}/meter/active-power"


def relay_topic(model: DataModel, circuit_id: str) -> str:
    return f"{ROOT}/{circuit_id}/relay" if model is FLAT else f"ebus/5/{circuit_id}/switch/relay"


# The first picture (9.2)


@BOTH
async def test_the_first_picture_comes_without_a_wait_when_all_is_there(seat: Seat, model: DataModel) -> None:
    panel = await seat.run(seat.client.snapshot(), limit_s=0.5)
    assert (panel.data_model, panel.serial, len(panel.circuits)) == (model, SERIAL, 6)
    await seat.client.aclose()


@BOTH
async def test_names_that_come_late_are_waited_for(seat: Seat, model: DataModel) -> None:
    name = f"{ROOT}/{OFFICE}/name" if model is FLAT else f"ebus/5/{OFFICE}/info/name"
    payload = seat.broker.retained.pop(name)
    first = asyncio.ensure_future(seat.client.snapshot())
    await seat.pass_time(4)
    assert not first.done()
    seat.broker.publish(name, payload)
    await seat.pass_time(0.25)
    circuit = first.result().circuit(OFFICE)
    assert circuit is not None and circuit.name == "Office Outlets"
    await seat.client.aclose()


@BOTH
async def test_the_first_picture_has_the_panels_own_figures_though_they_come_last(seat: Seat, model: DataModel) -> None:
    late = {topic: payload for topic, payload in seat.broker.retained.items() if "/power-flows/" in topic}
    for topic in late:
        del seat.broker.retained[topic]
    first = asyncio.ensure_future(seat.client.snapshot())
    await seat.pass_time(0.25)
    assert not first.done()
    for topic, payload in late.items():
        seat.broker.publish(topic, payload)
    await seat.pass_time(0.25)
    assert first.result().house_load_w == 2046.1
    await seat.client.aclose()


@BOTH
async def test_figures_a_panel_does_not_report_hold_nothing_back_for_long(seat: Seat) -> None:
    for topic in [topic for topic in seat.broker.retained if "/power-flows/" in topic]:
        del seat.broker.retained[topic]
    panel = await seat.run(seat.client.snapshot(), limit_s=1)
    assert panel.house_load_w is None and panel.grid_power_w in (None, -348.4)
    await seat.client.aclose()


@pytest.mark.parametrize("model", [FLAT])
async def test_names_that_never_come_do_not_hold_the_panel_back_for_ever(seat: Seat) -> None:
    del seat.broker.retained[f"{ROOT}/{OFFICE}/name"]
    circuit = (await seat.run(seat.client.snapshot(), limit_s=12)).circuit(OFFICE)
    assert circuit is not None and circuit.name == "Circuit 3"
    assert seat.clock.elapsed_s >= 10
    await seat.client.aclose()


@pytest.mark.parametrize("model", [TREE])
async def test_a_child_that_never_comes_does_not_hold_the_panel_back_for_ever(seat: Seat) -> None:
    gone = [topic for topic in seat.broker.retained if topic.startswith(f"ebus/5/{OFFICE}/")]
    for topic in gone:
        del seat.broker.retained[topic]
    panel = await seat.run(seat.client.snapshot(), limit_s=7)
    assert 5 <= seat.clock.elapsed_s < 10
    assert panel.circuit(OFFICE) is None and len(panel.circuits) == 5
    await seat.client.aclose()


@BOTH
async def test_a_broker_without_a_panel_says_so_after_half_a_minute(seat: Seat) -> None:
    seat.broker.retained.clear()
    with pytest.raises(TimedOut, match="the panel's application is silent"):
        await picture(seat)
    assert 30 <= seat.clock.elapsed_s < 40
    await seat.client.aclose()


@BOTH
async def test_values_before_their_descriptions_count(seat: Seat, model: DataModel) -> None:
    topics = flat_topics() if model is FLAT else tree_topics()
    seat.broker.retained = dict(sorted(topics.items(), key=lambda item: "$" in item[0]))
    panel = await picture(seat)
    assert panel.circuit(HEAT_PUMP) is not None and panel.grid_power_w == -348.4
    await seat.client.aclose()


@pytest.mark.parametrize("model", [TREE])
async def test_each_device_is_subscribed_to_once(seat: Seat) -> None:
    filters: list[str] = []
    make = seat.client._connector

    def noting(endpoint):  # type: ignore[no-untyped-def]
        stream = make(endpoint)
        subscribe = stream.subscribe

        async def noted(wanted):  # type: ignore[no-untyped-def]
            filters.extend(wanted)
            await subscribe(wanted)

        stream.subscribe = noted  # type: ignore[method-assign]
        return stream

    seat.client._connector = noting
    await picture(seat)
    seat.describe(name="Renamed")
    await seat.settle()
    assert len(filters) == len(set(filters)) == 13
    await seat.client.aclose()


@pytest.mark.parametrize("model", [TREE])
async def test_children_in_a_circle_end(seat: Seat) -> None:
    seat.describe(OFFICE, children=[SERIAL, HEAT_PUMP, OFFICE])
    seat.describe(HEAT_PUMP, children=[OFFICE])
    panel = await picture(seat)
    assert len(panel.circuits) == 6
    await seat.client.aclose()


@BOTH
async def test_unknown_types_are_left_out(seat: Seat, model: DataModel) -> None:
    described = json.loads(seat.broker.retained[f"{ROOT}/$description"])
    described["nodes"]["laser"] = {"type": "energy.ebus.device.laser", "properties": {}}
    described["nodes"]["broken"] = 7
    seat.broker.retained[f"{ROOT}/$description"] = json.dumps(described).encode()
    if model is TREE:
        seat.describe(OFFICE, type="energy.ebus.device.laser")
    panel = await picture(seat)
    assert len(panel.circuits) == (6 if model is FLAT else 5)
    await seat.client.aclose()


# What is live (9.4)


@BOTH
async def test_silence_of_a_circuit_is_no_staleness_and_of_the_panel_is_quiet(seat: Seat, model: DataModel) -> None:
    await picture(seat)
    for _ in range(8):
        await seat.pass_time(20)
        seat.broker.publish(power_topic(model, OFFICE), "-1.0")
        await seat.settle()
        await picture(seat)
    await seat.pass_time(91)
    with pytest.raises(Stale, match="quiet"):
        await picture(seat)
    before = seat.urgent
    seat.broker.publish(power_topic(model, OFFICE), "-1.0")
    await seat.pass_time(0.25)
    assert seat.urgent > before, "what speaks again is shown at once"
    await picture(seat)
    await seat.client.aclose()


@BOTH
@pytest.mark.parametrize("state", ["lost", "disconnected", "sleeping", "nonsense"])
async def test_a_root_that_is_away_is_away_at_once_and_back_at_once(seat: Seat, state: str) -> None:
    await picture(seat)
    before = seat.urgent
    seat.broker.publish(f"{ROOT}/$state", state)
    await seat.pass_time(0.25)
    assert seat.urgent > before
    with pytest.raises(SourceError):
        await picture(seat)
    # A description that was retained stays valid: readiness alone is enough.
    seat.broker.publish(f"{ROOT}/$state", "ready")
    await seat.settle()
    assert (await picture(seat)).grid_power_w == -348.4
    await seat.client.aclose()


@BOTH
async def test_init_is_updating(seat: Seat) -> None:
    await picture(seat)
    seat.broker.publish(f"{ROOT}/$state", "init")
    await seat.settle()
    with pytest.raises(Stale, match="updating"):
        await picture(seat)
    await seat.client.aclose()


@BOTH
async def test_a_dead_application_behind_a_live_broker_is_never_shown_as_live(seat: Seat) -> None:
    seat.broker.retained[f"{ROOT}/$state"] = b"lost"
    with pytest.raises(Unreachable, match="lost"):
        await seat.run(seat.client.snapshot(), limit_s=1)
    await seat.client.aclose()


@pytest.mark.parametrize("model", [TREE])
async def test_a_child_that_is_not_ready_is_not_live_and_the_rest_is(seat: Seat) -> None:
    await picture(seat)
    seat.broker.publish(f"ebus/5/{OFFICE}/$state", "lost")
    await seat.settle()
    panel = await picture(seat)
    assert {circuit.circuit_id for circuit in panel.circuits if not circuit.live} == {OFFICE}
    await seat.client.aclose()


@pytest.mark.parametrize("model", [TREE])
async def test_a_child_that_is_taken_out_is_gone_and_one_put_in_is_there(seat: Seat) -> None:
    await picture(seat)
    children = json.loads(seat.broker.retained[f"{ROOT}/$description"])["children"]
    seat.describe(children=[child for child in children if child != OFFICE])
    seat.broker.publish(f"ebus/5/{OFFICE}/$state", "")
    await seat.settle()
    assert (await picture(seat)).circuit(OFFICE) is None
    seat.broker.publish(f"ebus/5/{OFFICE}/$state", "ready")
    seat.describe(children=children)
    await seat.settle()
    circuit = (await picture(seat)).circuit(OFFICE)
    assert circuit is not None and circuit.power_w == 117.8
    await seat.client.aclose()


@pytest.mark.parametrize("model", [FLAT])
async def test_a_node_that_is_taken_out_takes_its_values_with_it(seat: Seat) -> None:
    await picture(seat)
    nodes = json.loads(seat.broker.retained[f"{ROOT}/$description"])["nodes"]
    seat.describe(nodes={node: each for node, each in nodes.items() if node != OFFICE})
    seat.describe(nodes=nodes)
    await seat.settle()
    circuit = (await picture(seat)).circuit(OFFICE)
    assert circuit is not None and circuit.power_w is None
    await seat.client.aclose()


@BOTH
async def test_an_emptied_value_is_unknown(seat: Seat, model: DataModel) -> None:
    await picture(seat)
    seat.broker.publish(power_topic(model, OFFICE), "")
    await seat.settle()
    circuit = (await picture(seat)).circuit(OFFICE)
    assert circuit is not None and circuit.power_w is None
    await seat.client.aclose()


@BOTH
@pytest.mark.parametrize("payload", [b"", b"{", b"[]", b"null", b'{"nodes": 3}', b"x" * 1_200_000, b"[" * 90_000])
async def test_a_broken_description_does_not_end_a_session(seat: Seat, payload: bytes) -> None:
    await picture(seat)
    seat.broker.publish(f"{ROOT}/$description", payload)
    await seat.settle()
    known = (flat_topics() if seat.rest.model is FLAT else tree_topics())[f"{ROOT}/$description"]
    seat.broker.publish(f"{ROOT}/$description", known)
    await seat.pass_time(12)
    assert len((await picture(seat)).circuits) == 6
    await seat.client.aclose()


@BOTH
async def test_urgent_changes_are_told_and_powers_are_not(seat: Seat, model: DataModel) -> None:
    await picture(seat)
    await seat.pass_time(1)
    before = seat.urgent
    seat.broker.publish(power_topic(model, OFFICE), "-5.0")
    await seat.settle()
    assert seat.urgent == before
    seat.broker.publish(relay_topic(model, OFFICE), "OPEN")
    await seat.settle()
    assert seat.urgent == before + 1
    for _ in range(50):
        seat.broker.publish(relay_topic(model, OFFICE), "CLOSED")
        seat.broker.publish(relay_topic(model, OFFICE), "OPEN")
    await seat.pass_time(1)
    assert before + 2 <= seat.urgent <= before + 4, (
        "a relay that chatters is not shown more often than a person can see"
    )
    await seat.client.aclose()


# The connection (3)


@BOTH
async def test_a_lost_connection_comes_back_and_values_that_did_not_are_unknown(seat: Seat, model: DataModel) -> None:
    await picture(seat)
    del seat.broker.retained[power_topic(model, OFFICE)]
    seat.broker.drop()
    await seat.settle()
    with pytest.raises(Unreachable, match="lost"):
        await seat.run(seat.client.snapshot(), limit_s=0.25)
    await seat.pass_time(13)
    circuit = (await picture(seat)).circuit(OFFICE)
    assert circuit is not None and circuit.power_w is None
    await seat.client.aclose()


@BOTH
async def test_back_off_grows_to_a_minute_and_never_ends(seat: Seat) -> None:
    seat.broker.refusal = Unreachable("no route")
    attempts: list[float] = []
    admit = seat.broker.admit

    def noted(*args):  # type: ignore[no-untyped-def]
        attempts.append(seat.clock.elapsed_s)
        admit(*args)

    seat.broker.admit = noted  # type: ignore[method-assign]
    seat.client.start()
    await seat.pass_time(600)
    waits = [later - sooner for sooner, later in pairwise(attempts)]
    assert waits[0] <= 1.5 and waits[1] <= 3 and max(waits) <= 72.5 and min(waits[6:]) >= 48
    seat.broker.refusal = None
    await seat.pass_time(75)
    await picture(seat)
    await seat.client.aclose()


@BOTH
async def test_a_wrong_password_stops_after_two_tries_a_minute_apart(seat: Seat) -> None:
    seat.broker.passwords = {SERIAL: "another"}
    with pytest.raises(Unreachable, match=r"user and password; .* `wattdeck span register --again`"):
        await seat.run(seat.client.snapshot(), limit_s=1)
    await seat.pass_time(59)
    assert seat.client._task is not None and not seat.client._task.done()
    await seat.pass_time(2)
    assert seat.client._task.done()
    # Whoever asks next is told, whether or not somebody waited for it; a person's wish after that begins anew.
    with pytest.raises(AuthError):
        await picture(seat)
    assert seat.client._task.done()
    seat.broker.passwords = {SERIAL: PASSWORD}
    await picture(seat)
    await seat.client.aclose()


@BOTH
async def test_after_two_refusals_the_error_is_the_refusal(seat: Seat) -> None:
    seat.broker.passwords = {SERIAL: "another"}
    seat.client.start()
    await seat.pass_time(61)
    trouble = seat.client._trouble()
    assert isinstance(trouble, AuthError)
    await seat.client.aclose()


@BOTH
async def test_a_certificate_that_does_not_pass_is_tried_again_while_the_authority_is_the_same(seat: Seat) -> None:
    seat.broker.refusal = CertificateRefused("not ours")
    seat.client.start()
    await seat.pass_time(200)
    assert isinstance(seat.client._trouble(), CertificateRefused)
    seat.broker.refusal = None
    await seat.pass_time(75)
    await picture(seat)
    await seat.client.aclose()


@BOTH
async def test_another_authority_stops_and_asks(seat: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    from wattdeck.systems.span.ebus import tls

    async def ca() -> str:
        return "PEM"

    monkeypatch.setattr(tls, "fingerprint", lambda pem: "cc:dd")
    seat.rest.ca = ca  # type: ignore[method-assign]
    seat.broker.refusal = CertificateRefused("not ours")
    with pytest.raises(AuthError, match=r"span trust` shows both.*cc:dd, trusted: aa:bb"):
        await seat.run(seat.client.snapshot(), limit_s=1)
    await seat.pass_time(300)
    assert seat.client._task is not None and seat.client._task.done()
    await seat.client.aclose()


@BOTH
async def test_another_panel_at_the_address_is_not_shown(seat: Seat) -> None:
    seat.rest.serial = "nt-0000-other"
    with pytest.raises(BadAnswer, match="another panel"):
        await seat.run(seat.client.snapshot(), limit_s=1)
    await seat.client.aclose()


@BOTH
async def test_a_serial_in_capitals_is_the_same(seat: Seat) -> None:
    seat.rest.serial = SERIAL.upper()
    await picture(seat)
    await seat.client.aclose()


@BOTH
async def test_a_booting_panel_is_waited_for_half_a_minute_at_most(seat: Seat) -> None:
    seat.rest.status_error = Busy("starting", 502)
    with pytest.raises(Busy):
        await seat.run(seat.client.snapshot(), limit_s=1)
    await seat.pass_time(300)
    seat.rest.status_error = None
    await seat.pass_time(37)
    await picture(seat)
    await seat.client.aclose()


@BOTH
@pytest.mark.parametrize("error", [Unreachable("refused"), TimedOut("silent")])
async def test_without_rest_the_topics_say_which_model_it_is(seat: Seat, error: SourceError, model: DataModel) -> None:
    seat.rest.status_error = error
    panel = await picture(seat)
    assert (panel.data_model, len(panel.circuits)) == (model, 6)
    await seat.client.aclose()


@BOTH
async def test_a_panel_without_v2_says_so(seat: Seat) -> None:
    seat.rest.status_error = StatusError("no such thing", 404)
    with pytest.raises(StatusError):
        await seat.run(seat.client.snapshot(), limit_s=1)
    await seat.client.aclose()


@BOTH
async def test_the_schema_is_asked_once_per_firmware(seat: Seat) -> None:
    for _ in range(3):
        await picture(seat)
        seat.broker.drop()
        await seat.pass_time(5)
    assert seat.rest.schemas == 1
    seat.rest.firmware = "spanos9/r209901/01"
    seat.broker.drop()
    await seat.pass_time(5)
    assert (await picture(seat), seat.rest.schemas)[1] == 2
    await seat.client.aclose()


# From flat to tree while connected (11)


@pytest.mark.parametrize("model", [FLAT])
async def test_an_upgrade_with_a_drop(seat: Seat) -> None:
    before = await picture(seat)
    seat.rest.status_error = Busy("starting", 502)
    seat.broker.retained.clear()
    seat.broker.drop()
    await seat.pass_time(60)
    with pytest.raises(Busy):
        await picture(seat)
    seat.rest.status_error = None
    seat.speak(TREE)
    await seat.pass_time(40)
    after = await picture(seat)
    assert (before.data_model, after.data_model, after.firmware) == (FLAT, TREE, TREE_FIRMWARE)
    assert [circuit.circuit_id for circuit in before.circuits] == [circuit.circuit_id for circuit in after.circuits]
    await seat.client.aclose()


@pytest.mark.parametrize("model", [FLAT])
@pytest.mark.parametrize("leftovers", [False, True])
async def test_an_upgrade_without_a_drop_never_shows_invented_circuits(seat: Seat, leftovers: bool) -> None:
    await picture(seat)
    old = dict(seat.broker.retained)
    seat.broker.publish(f"{ROOT}/$state", "init")
    seat.speak(TREE)
    tree = dict(seat.broker.retained)
    seat.broker.retained = {**old, **tree} if leftovers else tree
    for topic, payload in tree.items():
        seat.broker.publish(topic, payload)
        if topic.startswith(ROOT):
            await seat.settle()
            try:
                shown = await seat.run(seat.client.snapshot(), limit_s=5)
            except SourceError:
                continue
            assert all(circuit.power_w is not None for circuit in shown.circuits)
    panel = await picture(seat)
    assert panel.data_model is TREE and len(panel.circuits) == 6
    assert {circuit.power_w for circuit in panel.circuits} == {41.8, 1846.0, 117.8, 30.5, -2394.5, 0.0}
    await seat.client.aclose()


@pytest.mark.parametrize("model", [FLAT])
async def test_a_schema_that_cannot_be_read_is_waited_for_and_never_taken_for_flat(seat: Seat) -> None:
    await picture(seat)
    seat.broker.drop()
    seat.speak(TREE)
    seat.rest.schema_error = BadAnswer("data model 2.0")
    await seat.pass_time(100)
    with pytest.raises(BadAnswer):
        await seat.run(seat.client.snapshot(), limit_s=1)
    seat.rest.schema_error = None
    await seat.pass_time(75)
    assert (await picture(seat)).data_model is TREE
    await seat.client.aclose()


@pytest.mark.parametrize("model", [TREE])
async def test_an_unknown_major_on_the_topics_is_an_error(seat: Seat) -> None:
    seat.broker.retained[f"{ROOT}/info/data-model-version"] = b"2.0"
    with pytest.raises(BadAnswer, match=r"data model 2\.0"):
        await seat.run(seat.client.snapshot(), limit_s=1)
    await seat.client.aclose()


@pytest.mark.parametrize("model", [TREE])
async def test_a_panel_that_cannot_make_up_its_mind_does_not_spin(seat: Seat) -> None:
    # REST says flat, the topics say tree, for ever.
    seat.rest.model = FLAT
    seat.client.start()
    await seat.pass_time(120)
    assert seat.rest.schemas < 20
    await seat.client.aclose()


# Commands (7)


@BOTH
async def test_a_relay_is_set_once_by_its_own_topic(seat: Seat, model: DataModel) -> None:
    await picture(seat)
    await seat.run(seat.client.set_relay(HEAT_PUMP, Relay.OPEN))
    assert seat.sets == [(relay_topic(model, HEAT_PUMP) + "/set", b"OPEN")]
    await seat.client.aclose()


@BOTH
@pytest.mark.parametrize(
    ("word", "sent"), [("must_have", b"NEVER"), ("nice_to_have", b"SOC_THRESHOLD"), ("non_essential", b"OFF_GRID")]
)
async def test_a_priority_is_set_in_the_panels_words(seat: Seat, model: DataModel, word: str, sent: bytes) -> None:
    await picture(seat)
    await seat.run(seat.client.set_priority(HEAT_PUMP, word))
    topic = f"{ROOT}/{HEAT_PUMP}/shed-priority" if model is FLAT else f"ebus/5/{HEAT_PUMP}/load-shed/priority"
    assert seat.sets == [(topic + "/set", sent)]
    await seat.client.aclose()


@BOTH
async def test_what_the_panel_does_not_offer_is_never_sent(seat: Seat, model: DataModel) -> None:
    await picture(seat)
    for circuit_id in (ROUTER, "unmapped_tab_31", SERIAL, "core", "../x", *([SOLAR] if model is TREE else [])):
        with pytest.raises(UsageError):
            await seat.run(seat.client.set_relay(circuit_id, Relay.OPEN))
        with pytest.raises(UsageError):
            await seat.run(seat.client.set_priority(circuit_id, "must_have"))
    with pytest.raises(UsageError):
        await seat.run(seat.client.set_relay(HEAT_PUMP, Relay.UNKNOWN))
    with pytest.raises(UsageError):
        await seat.run(seat.client.set_priority(HEAT_PUMP, "unknown"))
    assert seat.sets == []
    await seat.client.aclose()


@BOTH
async def test_what_was_settable_may_be_taken_back(seat: Seat, model: DataModel) -> None:
    await picture(seat)
    device, node = (SERIAL, HEAT_PUMP) if model is FLAT else (HEAT_PUMP, "switch")
    nodes = json.loads(seat.broker.retained[f"ebus/5/{device}/$description"])["nodes"]
    del nodes[node]["properties"]["relay"]["settable"]
    seat.describe(device, nodes=nodes)
    await seat.settle()
    with pytest.raises(UsageError):
        await seat.run(seat.client.set_relay(HEAT_PUMP, Relay.OPEN))
    circuit = (await picture(seat)).circuit(HEAT_PUMP)
    assert circuit is not None and not circuit.controllable
    await seat.client.aclose()


@BOTH
@pytest.mark.parametrize("state", ["init", "lost", "disconnected"])
async def test_nothing_is_sent_or_kept_for_later_while_the_panel_is_not_ready(seat: Seat, state: str) -> None:
    await picture(seat)
    seat.broker.publish(f"{ROOT}/$state", state)
    await seat.settle()
    with pytest.raises(Unreachable, match=r"not connected to a panel that is ready$"):
        await seat.run(seat.client.set_relay(CHARGER, Relay.OPEN))
    seat.broker.publish(f"{ROOT}/$state", "ready")
    await seat.pass_time(5)
    seat.broker.drop()
    await seat.settle()
    with pytest.raises(Unreachable, match=r"not connected to a panel that is ready$"):
        await seat.run(seat.client.set_relay(CHARGER, Relay.OPEN))
    await seat.pass_time(20)
    assert seat.sets == []
    await seat.client.aclose()


@BOTH
async def test_a_target_shows_while_it_lasts(seat: Seat, model: DataModel) -> None:
    await picture(seat)
    topic = relay_topic(model, HEAT_PUMP)
    seat.broker.publish(f"{topic}/$target", "OPEN")
    await seat.settle()
    pending = (await picture(seat)).circuit(HEAT_PUMP)
    assert pending is not None and (pending.relay, pending.relay_target) == (Relay.CLOSED, Relay.OPEN)
    seat.broker.publish(topic, "OPEN")
    await seat.settle()
    moved = (await picture(seat)).circuit(HEAT_PUMP)
    assert moved is not None and (moved.relay, moved.relay_target) == (Relay.OPEN, None)
    await seat.client.aclose()


# Hostile brokers, and races


ODD = [b"", b"(null)", b"NaN", b"ready", b"lost", b"2.0", b"1.0", b"{}", b'{"nodes": {}}', b"x" * 17_000]


class Loop:
    """A panel's client below a feed, as the hub has it."""

    def __init__(self, seat: Seat) -> None:
        self.feed = Feed("span/home", "panel", seat.client.snapshot, interval_s=1.0, clock=seat.clock, random=Random(1))
        seat.client._telling.on_urgent = self.feed.wake
        self.readings: list[tuple[float, Reading[PanelSnapshot]]] = []
        self._seat = seat

    async def __aenter__(self) -> Loop:
        self._task = asyncio.ensure_future(self.feed.run(self._note))
        await self._seat.pass_time(1)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await self._seat.client.aclose()

    def _note(self, reading: Reading[PanelSnapshot]) -> None:
        self.readings.append((self._seat.clock.elapsed_s, reading))

    @property
    def link(self) -> Link:
        return self.feed.reading.link


@BOTH
async def test_a_feed_stops_asking_after_two_refusals(seat: Seat) -> None:
    seat.broker.passwords = {SERIAL: "another"}
    connects = counted(seat.broker, "admit")
    async with Loop(seat) as loop:
        await seat.pass_time(400)
        assert loop.link is Link.REFUSED and connects() == 2
        seat.broker.passwords = {SERIAL: PASSWORD}
        loop.feed.wake()
        await seat.pass_time(1)
        assert live(loop) and connects() == 3


@BOTH
async def test_a_password_that_is_changed_later_stops_the_feed_as_well(seat: Seat) -> None:
    async with Loop(seat) as loop:
        assert live(loop)
        seat.broker.passwords = {SERIAL: "another"}
        connects = counted(seat.broker, "admit")
        seat.broker.drop()
        await seat.pass_time(400)
        assert loop.link is Link.REFUSED and connects() == 2


@BOTH
@pytest.mark.parametrize("later", [False, True])
async def test_a_feed_stops_asking_when_the_authority_changed(
    seat: Seat, monkeypatch: pytest.MonkeyPatch, later: bool
) -> None:
    from wattdeck.systems.span.ebus import tls

    async def ca() -> str:
        return "PEM"

    monkeypatch.setattr(tls, "fingerprint", lambda pem: "cc:dd")
    seat.rest.ca = ca  # type: ignore[method-assign]
    if not later:
        seat.broker.refusal = CertificateRefused("not ours")
    connects = counted(seat.broker, "admit")
    async with Loop(seat) as loop:
        assert live(loop) is later
        seat.broker.refusal = CertificateRefused("not ours")
        seat.broker.drop()
        await seat.pass_time(200)
        assert loop.link is Link.REFUSED and connects() == 1 + later


@BOTH
async def test_giving_up_waiting_for_the_end_of_a_session_is_not_swallowed(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    await picture(seat)
    held = asyncio.Event()

    async def slow(self: object) -> None:
        await held.wait()

    monkeypatch.setattr("wattdeck.systems.span.ebus.local.LocalStream.aclose", slow)
    closing = asyncio.ensure_future(seat.client.aclose())
    await seat.settle()
    closing.cancel()
    await seat.settle()
    assert closing.cancelled()
    held.set()
    await seat.client.aclose()


@pytest.mark.parametrize("model", [FLAT])
async def test_what_was_shown_of_the_old_model_is_not_live_while_the_new_one_settles(seat: Seat) -> None:
    async with Loop(seat) as loop:
        assert live(loop)
        # The signal comes without a drop, and then the panel takes its time.
        seat.rest.model, seat.rest.firmware = TREE, TREE_FIRMWARE
        seat.broker.publish(f"{ROOT}/info/data-model-version", "1.0")
        await seat.pass_time(3)
        assert loop.link is Link.STALE
        await seat.pass_time(60)
        assert not live(loop) and loop.feed.reading.snapshot is not None
        seat.speak(TREE)
        seat.broker.drop()
        await seat.pass_time(75)
        assert live(loop) and loop.feed.reading.snapshot.data_model is TREE


@pytest.mark.parametrize("model", [FLAT])
async def test_without_rest_a_panel_that_does_not_say_its_model_is_not_taken_for_flat(seat: Seat) -> None:
    seat.rest.status_error = Unreachable("refused")
    seat.broker.retained = {f"{ROOT}/$state": b"ready", f"{ROOT}/$description": b'{"nodes": {}}'}
    with pytest.raises(TimedOut, match="silent"):
        await picture(seat)
    await seat.client.aclose()


@pytest.mark.parametrize("model", [FLAT])
async def test_leftovers_of_flat_beside_the_first_word_of_the_tree_are_no_panel_without_circuits(seat: Seat) -> None:
    seat.rest.status_error = Unreachable("refused")
    seat.broker.retained = {f"{ROOT}/info/data-model-version": b"1.0", **flat_topics()}
    async with Loop(seat) as loop:
        await seat.pass_time(50)
        assert loop.feed.reading.snapshot is None


async def reporting(seat: Seat, seconds: int, place: str, payload: str = "-1.0") -> None:
    """The panel says this each second."""
    for second in range(seconds):
        seat.broker.publish(f"{ROOT}/{place}", f"{payload}{second}")
        await seat.pass_time(1)


@pytest.mark.parametrize("model", [FLAT])
async def test_a_version_left_behind_by_a_downgrade_holds_a_panel_back_for_half_a_minute(seat: Seat) -> None:
    seat.broker.retained[f"{ROOT}/info/data-model-version"] = b"1.0"
    async with Loop(seat) as loop:
        await reporting(seat, 15, f"{HEAT_PUMP}/active-power")
        assert not live(loop)
        await reporting(seat, 15, f"{HEAT_PUMP}/active-power")
        panel = loop.feed.reading.snapshot
        assert live(loop) and panel is not None and panel.data_model is FLAT and len(panel.circuits) == 6
        assert seat.rest.schemas == 2
        # Said while we listen it is the tree's, and what was shown is not live any more.
        seat.broker.publish(f"{ROOT}/info/data-model-version", "1.0")
        await seat.pass_time(3)
        assert not live(loop)
        seat.speak(TREE)
        seat.broker.drop()
        await seat.pass_time(60)
        panel = loop.feed.reading.snapshot
        assert live(loop) and panel is not None and panel.data_model is TREE


@pytest.mark.parametrize("model", [FLAT])
@pytest.mark.parametrize("said", ["", "power-flows/site", "schema"])
async def test_what_a_broker_kept_of_flat_is_no_proof_that_the_panel_is(seat: Seat, said: str) -> None:
    seat.broker.retained[f"{ROOT}/info/data-model-version"] = b"1.0"
    if said == "schema":
        seat.rest.schema_error = Unreachable("refused")
    async with Loop(seat) as loop:
        await reporting(seat, 100, {"": "nowhere/at-all", "schema": f"{HEAT_PUMP}/active-power"}.get(said, said))
        assert loop.feed.reading.snapshot is None


@pytest.mark.parametrize("model", [FLAT])
@pytest.mark.parametrize("state", ["init", "lost"])
async def test_a_panel_that_restarts_meanwhile_proves_it_anew(seat: Seat, state: str) -> None:
    seat.broker.retained[f"{ROOT}/info/data-model-version"] = b"1.0"
    async with Loop(seat) as loop:
        await reporting(seat, 15, f"{HEAT_PUMP}/active-power")
        seat.broker.publish(f"{ROOT}/$state", state)
        await seat.settle()
        seat.broker.publish(f"{ROOT}/$state", "ready")
        await reporting(seat, 15, f"{HEAT_PUMP}/active-power")
        assert not live(loop)
        await reporting(seat, 10, f"{HEAT_PUMP}/active-power")
        assert live(loop)


@pytest.mark.parametrize("model", [TREE])
async def test_a_panel_that_changes_its_model_after_each_picture_does_not_spin(seat: Seat) -> None:
    flat, tree = flat_topics(), tree_topics()
    async with Loop(seat) as loop:
        for step in range(240):
            await seat.pass_time(0.25)
            if live(loop):
                model = FLAT if step % 2 else TREE
                seat.speak(model)
                for topic, payload in (flat if model is FLAT else tree).items():
                    seat.broker.publish(topic, payload)
    assert seat.rest.schemas < 15


@pytest.mark.parametrize("model", [TREE])
async def test_a_version_that_comes_and_goes_and_one_that_is_unknown(seat: Seat) -> None:
    await picture(seat)
    topic = f"{ROOT}/info/data-model-version"
    seat.broker.publish(topic, "")
    await seat.settle()
    assert (await picture(seat)).data_model is TREE
    seat.broker.publish(topic, "2.0")
    await seat.settle()
    with pytest.raises(BadAnswer, match=r"data model 2\.0"):
        await seat.run(seat.client.snapshot(), limit_s=1)
    await seat.pass_time(300)
    assert seat.rest.schemas < 20
    seat.broker.publish(topic, "1.1")
    await seat.pass_time(75)
    assert (await picture(seat)).data_model is TREE
    await seat.client.aclose()


@BOTH
async def test_a_flood_leaves_others_their_turn(seat: Seat, model: DataModel, monkeypatch: pytest.MonkeyPatch) -> None:
    from wattdeck.systems.span.ebus import telling

    await picture(seat)
    # No turn is short enough: then everyone else has one after two messages.
    monkeypatch.setattr(telling, "TURN_S", 0.0)
    store = seat.client._session.view.store  # type: ignore[union-attr]
    taken = counted(store, "apply")
    for number in range(1000):
        seat.broker.publish(power_topic(model, OFFICE), f"-{number}.0")
    at_turns = []
    for _ in range(1000):
        at_turns.append(taken())
        await asyncio.sleep(0)
    assert at_turns[-1] == 1000
    assert max(later - sooner for sooner, later in pairwise(at_turns)) <= 2
    await seat.client.aclose()


@BOTH
async def test_state_that_flaps_is_shown_ten_times_a_second_at_most(seat: Seat) -> None:
    async with Loop(seat) as loop:
        before = len(loop.readings)
        for _ in range(20):
            for _ in range(50):
                seat.broker.publish(f"{ROOT}/$state", "init")
                seat.broker.publish(f"{ROOT}/$state", "ready")
            await seat.pass_time(0.25)
        assert len(loop.readings) - before <= 5 * 10 + 5
        await seat.pass_time(12)
        assert live(loop)


@pytest.mark.parametrize("model", [TREE])
async def test_foreign_devices_and_another_panel_on_the_broker_change_nothing(seat: Seat) -> None:
    alone = await picture(seat)
    for topic, payload in {**flat_topics(), **tree_topics()}.items():
        seat.broker.publish(topic.replace(SERIAL, "nt-0000-other"), payload)
    seat.broker.publish("ebus/5/laser/$state", "ready")
    await seat.settle()
    assert (await picture(seat)).circuits == alone.circuits
    await seat.client.aclose()


@BOTH
async def test_whoever_waits_is_told_when_the_session_is_ended(seat: Seat) -> None:
    seat.broker.retained.clear()
    before = asyncio.all_tasks()
    waiting = [asyncio.ensure_future(seat.client.snapshot()) for _ in range(3)]
    await seat.pass_time(2)
    await seat.client.aclose()
    await seat.pass_time(0.25)
    for each in waiting:
        with pytest.raises(Unreachable, match="ended"):
            each.result()
    assert asyncio.all_tasks() == before


@BOTH
async def test_ended_and_begun_again_at_any_moment(seat: Seat, model: DataModel) -> None:
    before = asyncio.all_tasks()
    for steps in range(25):
        begun = asyncio.ensure_future(seat.client.snapshot())
        for _ in range(steps):
            await asyncio.sleep(0)
        closing = [asyncio.ensure_future(seat.client.aclose()) for _ in range(2)]
        again = asyncio.ensure_future(seat.client.snapshot())
        await asyncio.gather(*closing, return_exceptions=True)
        await seat.pass_time(0.5)
        await asyncio.gather(begun, again, return_exceptions=True)
        assert len((await picture(seat)).circuits) == 6
        await seat.client.aclose()
        assert len(seat.broker._streams) == 0, "no connection is left behind"
    await seat.settle()
    assert asyncio.all_tasks() == before


@BOTH
async def test_pictures_asked_for_at_once_and_given_up_leave_the_session_alone(seat: Seat) -> None:
    asked = [asyncio.ensure_future(seat.client.snapshot()) for _ in range(20)]
    for each in asked[::2]:
        each.cancel()
    await seat.pass_time(1)
    assert all(len(each.result().circuits) == 6 for each in asked[1::2])
    session = seat.client._task
    late = asyncio.ensure_future(seat.client.snapshot())
    late.cancel()
    await seat.settle()
    assert seat.client._task is session and len((await picture(seat)).circuits) == 6
    await seat.client.aclose()


@BOTH
@pytest.mark.parametrize("hangs", ["status", "connect", "subscribe"])
async def test_whatever_hangs_is_given_up(seat: Seat, monkeypatch: pytest.MonkeyPatch, hangs: str) -> None:
    from wattdeck.systems.span.ebus import session

    async def for_ever(*_: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(session, "ASK_WITHIN_S", 0.0)
    monkeypatch.setattr(session, "CONNECT_WITHIN_S", 0.0)
    with monkeypatch.context() as patch:
        if hangs == "status":
            patch.setattr(seat.rest, "status", for_ever)
        else:
            patch.setattr("wattdeck.systems.span.ebus.local.LocalStream." + hangs, for_ever)
        with pytest.raises(TimedOut):
            await seat.run(seat.client.snapshot(), limit_s=1)
    monkeypatch.setattr(session, "ASK_WITHIN_S", 5.0)
    monkeypatch.setattr(session, "CONNECT_WITHIN_S", 5.0)
    await seat.pass_time(3)
    assert len((await picture(seat)).circuits) == 6
    await seat.client.aclose()


@BOTH
async def test_a_wall_clock_that_jumps_changes_nothing_but_stamps(
    seat: Seat, model: DataModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await picture(seat)
    now = seat.clock.now
    for days in (-400, 400):
        monkeypatch.setattr(seat.clock, "now", lambda days=days: now() + timedelta(days=days))
        seat.broker.publish(power_topic(model, OFFICE), "-117.8")
        await seat.pass_time(12)
        after = await picture(seat)
        bare = [[replace(each, reported_at=None) for each in panel.circuits] for panel in (before, after)]
        assert bare[0] == bare[1]
    await seat.client.aclose()


@BOTH
async def test_nothing_secret_and_no_serial_is_logged(seat: Seat, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", logger="wattdeck")
    async with Loop(seat):
        for error in (Unreachable("refused"), Busy("starting", 502), None):
            seat.rest.status_error = error
            seat.broker.drop()
            await seat.pass_time(3)
        seat.rest.serial = "nt-9999-other"
        seat.broker.drop()
        await seat.pass_time(5)
        seat.rest.serial = SERIAL
        seat.broker.publish(f"{ROOT}/$state", "lost")
        await seat.pass_time(70)
        assert caplog.records
        for record in caplog.records:
            words = record.getMessage()
            assert not any(each in words for each in (SERIAL, "nt-9999-other", PASSWORD)), words
    assert len(caplog.records) < 100


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.sampled_from(sorted({**flat_topics(), **tree_topics()})), st.sampled_from(ODD)),
        st.tuples(st.just("state"), st.sampled_from(["ready", "ready", "init", "lost", "disconnected", ""])),
        st.tuples(st.sampled_from(["flat", "tree", "drop", "refuse", "allow", "boot", "wait", "close"])),
    ),
    max_size=25,
)


@given(STEPS)
@settings(max_examples=15, phases=[Phase.generate])
def test_whatever_happens_only_a_panel_that_says_it_is_ready_is_shown(steps: list[tuple[object, ...]]) -> None:
    async def happen() -> None:
        seat = Seat()
        for step in steps:
            take(seat, str(step[0]), *step[1:])
            await seat.settle()
            if step[0] == "wait":
                await seat.pass_time(2)
            if step[0] == "close":
                await seat.client.aclose()
            asked = asyncio.ensure_future(seat.client.snapshot())
            await seat.settle()
            if asked.done() and asked.exception() is None:
                assert seat.broker.retained[f"{ROOT}/$state"] == b"ready"
                assert seat.broker._streams and asked.result().serial == SERIAL
            elif asked.done():
                assert isinstance(asked.exception(), SourceError), repr(asked.exception())
            asked.cancel()
        # And when all is well again it comes back by itself, or when it is asked for.
        take(seat, "allow")
        seat.speak(TREE)
        seat.broker.drop()
        await seat.pass_time(80)
        with suppress(AuthError):
            await picture(seat)
        assert len((await picture(seat)).circuits) == 6
        await seat.client.aclose()

    asyncio.run(happen())


def take(seat: Seat, what: str, *more: object) -> None:
    """One step of what may happen to a panel."""
    match what, *more:
        case "say", str(topic), bytes(payload):
            seat.broker.publish(topic, payload)
        case "state", str(state):
            seat.broker.publish(f"{ROOT}/$state", state)
        case ("flat" | "tree" as model,):
            seat.speak(DataModel(model))
            for topic, payload in list(seat.broker.retained.items()):
                seat.broker.publish(topic, payload)
        case ("drop",):
            seat.broker.drop()
        case ("refuse",):
            seat.broker.refusal = AuthError("no")
            seat.broker.drop()
        case ("allow",):
            seat.broker.refusal = seat.rest.status_error = None
        case ("boot",):
            seat.rest.status_error = Busy("starting", 502)
            seat.broker.drop()


def live(loop: Loop) -> bool:
    return loop.link is Link.LIVE


def counted(owner: object, name: str) -> Callable[[], int]:
    """How often something is called from now on."""
    calls = 0
    done = getattr(owner, name)

    def noted(*args: object) -> object:
        nonlocal calls
        calls += 1
        return done(*args)

    setattr(owner, name, noted)
    return lambda: calls


@BOTH
async def test_it_tells_when_the_panel_was_last_heard_of(seat: Seat, model: DataModel) -> None:
    assert seat.client.heard_at() is None
    await picture(seat)
    await seat.pass_time(7)
    heard_at = seat.client.heard_at()
    assert heard_at is not None and (seat.clock.now() - heard_at).total_seconds() >= 7
    seat.broker.publish(power_topic(model, OFFICE), "-3.0")
    await seat.settle()
    assert seat.client.heard_at() == seat.clock.now()
    await seat.client.aclose()


@BOTH
async def test_the_next_try_is_told_and_a_person_need_not_wait_for_it(seat: Seat) -> None:
    seat.broker.refusal = Unreachable("no route")
    seat.client.start()
    await seat.pass_time(200)
    due_at = seat.client.next_try_at()
    assert due_at is not None and due_at > seat.clock.now()
    seat.broker.refusal = None
    seat.client.hurry()
    await seat.pass_time(0.5)
    assert (await seat.run(seat.client.snapshot(), limit_s=1)).grid_power_w == -348.4
    assert seat.client.next_try_at() is None
    await seat.client.aclose()
