"""What may be asked of a circuit over each protocol, and why not. A source with a feed and a connection of paper."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from fakes import START
from wattdeck.core.errors import Unreachable, UsageError
from wattdeck.core.reading import Link, Reading
from wattdeck.systems.span.commands import MAIN_RELAY_ID, PRIORITY, RELAY, SpanOperable, priority_named
from wattdeck.systems.span.models import PRIORITIES, Circuit, DataModel, Door, PanelSnapshot, Relay
from wattdeck.systems.span.shell import commanded, find_circuit

pytestmark = pytest.mark.anyio

OVEN = Circuit("c1", "Oven", (2, 4), 1846.0, 1.0, 0.0, Relay.CLOSED, "non_essential", True, priority_settable=True,
               current_a=7.7, requester="none")  # fmt: skip
V1_OVEN = replace(OVEN, priority_settable=None, current_a=None, requester="")
PANEL = PanelSnapshot(
    serial="nt-1", firmware="spanos3/r202639/03", model="MAIN_32", door=Door.CLOSED, main_relay=Relay.CLOSED,
    grid_power_w=100.0, feedthrough_power_w=None, house_load_w=2000.0, generation_w=None, battery_percent=None,
    main_consumed_wh=None, main_produced_wh=None, circuits=(OVEN,), data_model=DataModel.TREE,
)  # fmt: skip


class PaperSource:
    """As much of a source as commands look at."""

    id = "span/home"

    def __init__(self, *circuits: Circuit, **changes: Any) -> None:
        snapshot = replace(PANEL, circuits=circuits or (OVEN,), **changes)
        self.reading = Reading(self.id, "panel", snapshot, Link.LIVE, START, good_polls=3, interval_s=1.0)
        self.sent: list[tuple[str, object]] = []
        self.speaks_v2 = snapshot.data_model is not DataModel.V1

    @property
    def feed(self) -> PaperSource:
        return self

    @property
    def commands(self) -> PaperSource:
        return self

    @property
    def ebus(self) -> PaperSource | None:
        return self if self.speaks_v2 else None

    async def poll_fresh(self) -> Reading[PanelSnapshot]:
        return self.reading

    async def set_relay(self, circuit_id: str, relay: Relay) -> None:
        self.sent.append((circuit_id, relay))

    async def set_priority(self, circuit_id: str, priority: str) -> None:
        self.sent.append((circuit_id, priority))

    @property
    def operable(self) -> SpanOperable:
        return SpanOperable(cast("Any", self), demo=True)


def why_not(circuit: Circuit, kind: str = RELAY) -> str:
    facts = PaperSource(circuit).operable.facts(kind, circuit.circuit_id)
    assert facts is not None
    return facts.why_not


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"controllable": False}, "Always on"),
        ({"controllable": False, "requester": "configuration"}, "Locked by the panel's set-up"),
        ({"relay": Relay.OPEN, "requester": "fault"}, "A fault holds this relay open"),
        ({"relay": Relay.CLOSED, "requester": "fault"}, ""),
        ({"meter_only": True, "tabs": ()}, "a meter alone"),
        ({"live": False}, "does not report just now"),
        ({"virtual": True}, "belongs to no circuit"),
    ],
)
def test_a_relay_is_offered_only_where_it_can_be_moved(changes: dict[str, Any], words: str) -> None:
    said = why_not(replace(OVEN, **changes))
    assert words in said and bool(words) == bool(said)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"controllable": False}, ""),
        ({"priority_settable": False}, "does not let users set the priority"),
        ({"priority_settable": False, "never_backup": True}, "Never backed up"),
        ({"priority_settable": False, "meter_only": True}, "a meter alone"),
        ({"live": False}, "does not report just now"),
        ({"requester": "fault", "relay": Relay.OPEN}, ""),
        ({"virtual": True, "priority_settable": False}, "belongs to no circuit"),
        ({"priority_settable": None, "controllable": False}, "Always on"),
        ({"priority_settable": None}, ""),
    ],
)
def test_a_priority_is_offered_by_what_the_panel_says_of_the_priority(changes: dict[str, Any], words: str) -> None:
    circuit = replace(OVEN, **changes)
    said = why_not(circuit, PRIORITY)
    assert words in said and bool(words) == bool(said)
    facts = PaperSource(circuit).operable.facts(PRIORITY, "c1")
    assert facts is not None and (facts.controllable or said)


def test_v1_facts_are_what_they_were() -> None:
    facts = PaperSource(V1_OVEN, data_model=DataModel.V1, grid_state="DSM_GRID_UP").operable.facts(RELAY, "c1")
    assert facts is not None
    assert (facts.protocol, facts.feedback_s, facts.requester, facts.moves_with) == ("v1", None, "", ())
    assert facts.wording.silence == "" and facts.grid_up is True
    assert facts.current_a == pytest.approx(1846.0 / 240)


def test_v2_facts_carry_the_window_the_protocol_and_measured_current() -> None:
    facts = PaperSource(replace(OVEN, requester="load_shed", relay_target=Relay.OPEN)).operable.facts(RELAY, "c1")
    assert facts is not None
    assert (facts.feedback_s, facts.protocol, facts.current_a) == (5.0, "v2 tree", 7.7)
    assert (facts.requester, facts.target) == ("load shedding", "open")
    assert "says nothing" in facts.wording.silence
    flat = PaperSource(OVEN, data_model=DataModel.FLAT).operable.facts(RELAY, "c1")
    assert flat is not None and flat.protocol == "v2 flat"


@pytest.mark.parametrize(
    ("islanded", "main_relay", "up"),
    [(True, Relay.CLOSED, False), (False, Relay.CLOSED, True), (None, Relay.CLOSED, None), (False, Relay.OPEN, False)],
)
def test_v2_knows_the_grid_by_what_the_panel_says_of_islanding(
    islanded: bool | None, main_relay: Relay, up: bool | None
) -> None:
    facts = PaperSource(islanded=islanded, main_relay=main_relay).operable.facts(RELAY, "c1")
    assert facts is not None and facts.grid_up is up


def test_one_relay_that_moves_several_circuits_names_them_all() -> None:
    shared = replace(OVEN, shared_with=("c1", "c2", "c9"))
    operable = PaperSource(shared, replace(OVEN, circuit_id="c2", name="Freezer")).operable
    facts, priority = operable.facts(RELAY, "c1"), operable.facts(PRIORITY, "c1")
    assert facts is not None and facts.moves_with == (("c2", "Freezer"), ("c9", "c9"))
    assert priority is not None and priority.moves_with == ()


def test_a_priority_says_what_each_value_means() -> None:
    facts = PaperSource().operable.facts(PRIORITY, "c1")
    assert facts is not None and set(facts.effects) == set(PRIORITIES)
    assert "below its threshold" in facts.effects["nice_to_have"]


async def test_what_does_not_report_is_neither_known_nor_read_back() -> None:
    operable = PaperSource(replace(OVEN, live=False)).operable
    facts = operable.facts(RELAY, "c1")
    assert facts is not None and facts.state == "unknown"
    with pytest.raises(Unreachable, match="does not report"):
        await operable.read_back(RELAY, "c1")


async def test_a_kept_picture_of_a_lost_panel_is_no_answer() -> None:
    source = PaperSource()
    source.reading = replace(source.reading, link=Link.STALE, problem="the panel is restarting")
    with pytest.raises(Unreachable, match="the panel is restarting"):
        await source.operable.read_back(RELAY, "c1")


async def test_commands_go_to_the_connection_of_now() -> None:
    source = PaperSource()
    operable = source.operable
    await operable.send(RELAY, "c1", "open")
    await operable.send(PRIORITY, "c1", "must_have")
    assert source.sent == [("c1", Relay.OPEN), ("c1", "must_have")]


@pytest.mark.parametrize("data_model", [DataModel.V1, DataModel.FLAT])
async def test_nothing_goes_over_another_protocol_than_what_was_looked_at(data_model: DataModel) -> None:
    source = PaperSource(data_model=data_model)
    source.speaks_v2 = not source.speaks_v2
    with pytest.raises(Unreachable, match="another protocol"):
        await source.operable.send(RELAY, "c1", "open")
    assert source.sent == []


@pytest.mark.parametrize(
    ("kind", "object_id", "wanted"),
    [
        (RELAY, "c1", "unknown"),
        (RELAY, "c1", "must_have"),
        (RELAY, "c1", "OPEN"),
        (PRIORITY, "c1", "unknown"),
        (PRIORITY, "c1", "open"),
        (RELAY, MAIN_RELAY_ID, "open"),
        (PRIORITY, MAIN_RELAY_ID, "must_have"),
        ("islanding", "panel", "off_grid"),
        ("dominant-source", "core", "battery"),
        ("passphrase", "panel", "new"),
    ],
)
async def test_what_must_never_be_sent_is_not(kind: str, object_id: str, wanted: str) -> None:
    source = PaperSource()
    with pytest.raises(UsageError):
        await source.operable.send(kind, object_id, wanted)
    assert source.sent == []


def test_a_panel_takes_two_kinds_of_command_and_no_other() -> None:
    operable = PaperSource().operable
    assert operable.kinds() == (RELAY, PRIORITY)
    assert "unknown" not in (*operable.wanted_values(RELAY), *operable.wanted_values(PRIORITY))
    main = operable.facts(RELAY, MAIN_RELAY_ID)
    assert main is not None and "never switched from here" in main.why_not


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("must-have", "must_have"),
        ("Nice_To_Have", "nice_to_have"),
        ("NEVER", "must_have"),
        ("soc-threshold", "nice_to_have"),
        ("SOC_THRESHOLD", "nice_to_have"),
        ("Off-Grid", "non_essential"),
        ("off grid", "non_essential"),
    ],
)
def test_priorities_have_our_words_and_the_makers(text: str, priority: str) -> None:
    assert priority_named(text) == priority


@pytest.mark.parametrize("text", ["unknown", "UNKNOWN", "", "always", "-"])
def test_other_words_are_no_priority(text: str) -> None:
    with pytest.raises(UsageError, match="soc-threshold"):
        priority_named(text)


def test_two_circuits_in_one_space_are_both_listed() -> None:
    tandem = replace(OVEN, tabs=(44,)), replace(OVEN, circuit_id="c2", name="Shed", tabs=(44,))
    panel = replace(PANEL, circuits=tandem)
    with pytest.raises(UsageError, match=r"Oven \(c1\), Shed \(c2\)"):
        find_circuit(panel, "44")
    assert find_circuit(panel, "shed").circuit_id == "c2"


def test_the_main_relay_can_be_named_so_that_it_is_refused() -> None:
    assert commanded(PANEL, "main") == commanded(PANEL, "Main Relay") == MAIN_RELAY_ID
    own = replace(PANEL, circuits=(replace(OVEN, name="Main"),))
    assert commanded(own, "main") == "c1"
