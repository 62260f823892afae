"""A panel in Portuguese and Malay: no English word left where people read, and nothing cut for being longer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fakes import START
from messages import translations
from span_panels import flat_panel, tree_panel, v1_panel
from wattdeck.core import interlocks, language, levels
from wattdeck.core.alarm import Condition
from wattdeck.core.command import Policy, Request
from wattdeck.core.language import tr
from wattdeck.core.lines import arrange, cell_width, line_width, plain, titles
from wattdeck.core.link import link_lines
from wattdeck.core.operable import Facts, Sibling
from wattdeck.core.reading import Link, Reading
from wattdeck.core.selecting import describe
from wattdeck.core.situation import Situation
from wattdeck.core.trend import Trend
from wattdeck.core.units import UNICODE
from wattdeck.systems.span import SYSTEM, circuits, fleet, parts, present, report, spaces
from wattdeck.systems.span.circuits import SORTS, Pending, TableView
from wattdeck.systems.span.config import SpanAlarms, SpanConfig
from wattdeck.systems.span.detail import detail
from wattdeck.systems.span.models import (
    PRIORITIES,
    Circuit,
    DataModel,
    Door,
    Inverter,
    PanelSnapshot,
    PowerControl,
    Relay,
    ShedForecast,
)
from wattdeck.systems.span.partwords import flow_words
from wattdeck.systems.span.words import (
    PRIORITY_EFFECTS,
    REQUESTER_WORDS,
    protocol_words,
    requester_words,
    space_words,
    why_not_controllable,
    why_not_prioritised,
)

NOW = START + timedelta(seconds=2)
CIRCUITS = (
    Circuit("c1", "Xx", (13, 15), 9_700.0, 5000.0, 0.0, Relay.CLOSED, "nice_to_have", True, energy_at=START,
            power_at=START, energy_today_wh=1500.0),
    Circuit("c2", "Yy", (5,), -30.0, 10.0, 0.0, Relay.CLOSED, "must_have", False),
    Circuit("c3", "Zz", (2, 4), None, None, None, Relay.UNKNOWN, "unknown", True),
    Circuit("c4", "Ww", (6,), 0.0, None, None, Relay.OPEN, "non_essential", True),
    Circuit("unmapped_tab_30", "Unmapped Tab 30", (30,), -500.0, 0.0, 0.0, Relay.UNKNOWN, "unknown", False, True),
)  # fmt: skip
PANEL = PanelSnapshot(
    serial="nt-1",
    firmware="x",
    model="00200",
    door=Door.OPEN,
    main_relay=Relay.CLOSED,
    grid_power_w=2412.0,
    feedthrough_power_w=10.0,
    house_load_w=3861.0,
    generation_w=1449.0,
    battery_percent=12,
    main_consumed_wh=12_000.0,
    main_produced_wh=1_000.0,
    circuits=CIRCUITS,
    grid_state="DSM_GRID_DOWN",
    solar_w=1449.0,
    today_since=START,
)
READING = Reading("nt/x", "panel", PANEL, Link.LIVE, START, good_polls=3, interval_s=1.0)


def nameless(panel: PanelSnapshot) -> PanelSnapshot:
    """A panel without names of its own: what is left to read is ours."""
    circuits = tuple(replace(each, name=each.name and "Xx", requester="") for each in panel.circuits)
    held = [
        replace(circuits[0], circuit_id=word, requester=word, relay=Relay.OPEN, reported_at=START)
        for word in ("load_shed", "pcs", "fault", "configuration")
    ]
    devices: dict[str, Any] = {
        "batteries": tuple(replace(each, vendor="", model="", link=link) for each in panel.batteries
                           for link in ("ok", "degraded", "lost")),
        "inverters": tuple(replace(each, vendor="", model="") for each in panel.inverters),
        "chargers": tuple(replace(each, vendor="", model="", status=status, lock=lock) for each in panel.chargers
                          for status, lock in (("available", "locked"), ("preparing", "unlocked"), ("charging", ""),
                                               ("unavailable", ""))),
    }  # fmt: skip
    return replace(panel, circuits=(*circuits, *held), serial="nt", model="", **devices)


PANELS = {make.__name__: nameless(make()) for make in (v1_panel, flat_panel, tree_panel)}
ODD = (
    *PANELS.values(),
    replace(PANELS["tree_panel"], islanded=True, dominant_source="battery", main_offset_wh=100.0),
    replace(PANELS["tree_panel"], islanded=True, dominant_source="pv", battery_power_w=0.0),
    replace(PANELS["tree_panel"], islanded=True, dominant_source="generator", battery_power_w=-900.0),
    *(replace(PANELS["tree_panel"], pcs=replace(PANELS["tree_panel"].pcs or PowerControl(), constraint=word))
      for word in ("off_grid", "requested", "operator")),
    *(replace(PANELS["tree_panel"], forecast=ShedForecast(90, 5, word)) for word in ("low", "medium")),
    replace(PANELS["tree_panel"], batteries=(replace(PANELS["tree_panel"].batteries[0], live=False),),
            inverters=(Inverter("i", position="upstream"),)),
)  # fmt: skip


@pytest.fixture(params=["pt_BR", "ms"])
def tongue(request: pytest.FixtureRequest) -> Iterator[str]:
    language.use(request.param)
    yield request.param
    language.use("en")


def english(code: str) -> set[str]:
    """Words of our English messages that the translation of no message has."""
    said = {key[1]: value for key, value in translations(code).items() if isinstance(key[1], str)}
    theirs = {word for text in said.values() for word in _words(text if isinstance(text, str) else " ".join(text))}
    return {word for text, other in said.items() if text != other for word in _words(text)} - theirs


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W\d_]{2,}", re.sub(r"\{\w*\}", "", text).lower())


def everything() -> Sequence[str]:
    """Every text of a panel, whatever its state."""
    texts = []
    for snapshot in (PANEL, replace(PANEL, main_relay=Relay.OPEN, door=Door.UNKNOWN), None):
        for link in (Link.LIVE, Link.DOWN, Link.REFUSED):
            reading = replace(READING, snapshot=snapshot, link=link)
            texts += report.text_lines(reading, NOW)
            texts.append(plain(link_lines(replace(reading, failures=2, next_poll_at=NOW), NOW, 200)))
            found = SYSTEM.matters([reading], NOW).figures
            texts += [f"{figure.label} {figure.value} {figure.short}" for figure in found]
            texts.append(present.no_circuits_words(reading, TableView()))
    texts.append(present.no_circuits_words(READING, TableView(filter="qq")))
    texts.append(plain(present.summary(READING, Trend(), NOW, 120, UNICODE)))
    texts.append(titles(arrange(circuits.columns(TableView()), 200)) + titles(arrange(fleet.PANEL_COLUMNS, 200)))
    for pending in (None, Pending("relay", "open", ""), Pending("priority", "must_have", "")):
        waiting = {} if pending is None else {circuit.circuit_id: pending for circuit in CIRCUITS}
        rows = circuits.rows(READING, Trend(), waiting, TableView(unmapped=True), NOW)
        texts += [text for row in rows for text, _ in row.cells]
    for circuit in CIRCUITS:
        texts.append(plain(detail(replace(READING, restored=True), circuit, None, (), "", NOW, 60)))
    texts += [spaces.unmapped_line(PANEL, shown) for shown in (True, False)]
    return [*texts, *more()]


def more() -> Sequence[str]:
    """What only some panels have to say."""
    texts = [present.changed_words("nt/x", PANELS["v1_panel"], PANELS["flat_panel"])]
    for panel in ODD:
        reading = replace(READING, snapshot=panel)
        texts += report.text_lines(reading, NOW)
        texts += [plain(present.summary(reading, Trend(), NOW, width, UNICODE)) for width in (80, 300)]
        texts.append(plain(parts.section_lines(parts.sections(panel), 100)))
        rows = circuits.rows(reading, Trend(), {}, TableView(unmapped=True), NOW)
        texts += [text for row in rows for text, _ in row.cells]
        texts += [plain(detail(reading, circuit, None, (), "", NOW, 60)) for circuit in panel.circuits]
        texts += [spaces.unmapped_line(panel, shown) for shown in (True, False)]
        found = SYSTEM.matters([reading], NOW).figures
        texts += [f"{figure.label} {figure.value} {figure.short}" for figure in found]
    return texts


def questions() -> Sequence[str]:
    """What a person reads before saying yes to a command, and why one is refused."""
    facts = Facts("nt/x", "nt-1", "c1", "Xx", "", "closed", 9_700.0, "", True, "", Link.LIVE, START, 3, 1.0,
                  grid_up=False, current_a=40.4)  # fmt: skip
    texts: list[str] = []
    policy = Policy(control=True, open_above_a=20.5, close_threshold_w=1.0, feeds_this_session=frozenset({"Xx"}))
    for wanted in ("open", "closed", "ajar"):
        together = replace(facts, target="open", requester=requester_words("pcs"), moves_with=(Sibling("c2", "Yy"),))
        for now in (facts, together, replace(facts, state="unknown"), replace(facts, link=Link.STALE)):
            request = Request("nt/x", "relay", "c1", wanted)
            situation = Situation(request, now, policy, ("open", "closed"), NOW, False, False, (), None)
            refusals = [rule(situation) for rule in interlocks.REFUSING]
            _, reasons = levels.required_level(situation)
            texts += [each.sentence for each in refusals if each is not None]
            texts += describe(request, now, reasons, NOW) if wanted != "ajar" else ()
    for value, words in PRIORITY_EFFECTS.items():
        texts += describe(Request("nt/x", "priority", "c1", value), replace(facts, effects={value: tr(words)}), (), NOW)
    locked = replace(CIRCUITS[0], controllable=False, priority_settable=False)
    for circuit in (
        locked, replace(locked, requester="configuration"), replace(locked, never_backup=True),
        replace(CIRCUITS[3], requester="fault"), replace(CIRCUITS[0], live=False), replace(locked, meter_only=True),
    ):  # fmt: skip
        texts += [why_not_controllable(circuit), why_not_prioritised(circuit)]
    texts += [requester_words(requester) for requester in REQUESTER_WORDS]
    dropped = interlocks.changed(facts, replace(facts, state="open"))
    assert dropped is not None
    return [re.sub(r"'[^']*'|--[\w-]+|\w+_\w+|control = true|`[^`]*`", "", text) for text in [*texts, dropped.sentence]]


def conditions() -> Sequence[Condition]:
    """Every alarm a panel can have."""
    config = SpanConfig(name="x", host="x", battery=True, main_rating_a=5.0, alarms=SpanAlarms(breaker_a={"c1": 20.0}))
    watch = SYSTEM.watch(config)
    watch.look([READING], NOW)
    fallen = replace(PANEL, main_consumed_wh=10.0, main_relay=Relay.OPEN)
    return [*watch.look([replace(READING, snapshot=fallen)], NOW), *SYSTEM.watch(config).look([READING], NOW)]


def test_no_english_word_is_left_in_a_panel(tongue: str) -> None:
    left = english(tongue)
    assert len(left) > 100, "there are words to look for"
    assert {word: text for text in everything() for word in _words(text) if word in left} == {}


def test_no_english_word_is_left_in_a_command(tongue: str) -> None:
    left = english(tongue) - {"open", "closed"}
    texts = questions()
    assert len(texts) > 30
    assert {word: text for text in texts for word in _words(text) if word in left} == {}


def test_no_english_word_is_left_in_an_alarm(tongue: str) -> None:
    left = english(tongue)
    found = [condition for condition in conditions() if condition.active]
    texts = [f"{condition.name} {condition.words}" for condition in found]
    texts += [
        language.tr(text) for rule in SYSTEM.alarm_rules() for text in (rule.title, rule.consequence, rule.action)
    ]
    assert {condition.rule for condition in found} == {rule.name for rule in SYSTEM.alarm_rules()}
    assert {word: text for text in texts for word in _words(text) if word in left} == {}


def test_titles_and_words_of_the_table_fit_their_columns(tongue: str) -> None:
    for view in [TableView(sort=sort, descending=True) for sort in SORTS]:
        for column in circuits.columns(view):
            assert cell_width(language.tr(column.title) if column.title else "") <= column.width, column.title
    for column in fleet.PANEL_COLUMNS:
        assert cell_width(language.tr(column.title)) <= column.width, column.title
    columns = {column.key: column.width for column in circuits.columns(TableView())}
    relays = [replace(CIRCUITS[0], relay=relay, controllable=free) for relay in Relay for free in (True, False)]
    holders = [replace(CIRCUITS[3], requester=word) for word in ("load_shed", "pcs", "fault")]
    for circuit in [*relays, *holders, replace(CIRCUITS[0], live=False)]:
        for pending in (None, Pending("relay", "open", ""), Pending("relay", "closed", "")):
            words, _ = circuits.locked_span(circuits.relay_span(circuit, pending), pending is None, UNICODE)
            assert cell_width(words) <= columns["relay"] or circuit.relay is Relay.UNKNOWN, words
    for priority in PRIORITIES:
        words, _ = circuits.priority_span(replace(CIRCUITS[0], priority=priority), None)
        assert cell_width(words) <= columns["priority"], words
    wide = {column.key: column.width for column in circuits.columns(TableView(fed=True))}
    for kind in ("pv", "evse", "bess"):
        assert cell_width(space_words(replace(CIRCUITS[0], feeds=kind))) <= wide["space"], kind
    for model in DataModel:
        assert cell_width(protocol_words(model)) <= next(c.width for c in fleet.PANEL_COLUMNS if c.key == "model")


@pytest.mark.parametrize("panel", ODD)
def test_the_facts_of_a_panel_fit_the_pane_and_its_summary_the_screen(tongue: str, panel: PanelSnapshot) -> None:
    for width in (38, 78):
        assert max(line_width(line) for line in parts.section_lines(parts.sections(panel), width)) <= width
    labels = [label for section in parts.sections(panel) for label, _ in section.facts]
    assert max(map(cell_width, labels)) < 38 // 2, "no label is cut"
    for width in (80, 120):
        lines = present.summary(replace(READING, snapshot=panel), Trend(), NOW, width, UNICODE)
        assert max(line_width(line) for line in lines) <= width
        flow = flow_words(panel.battery_power_w)
        assert flow in plain(lines), "what the battery does is said"


def test_the_figures_fit_80_columns_and_the_summary_120(tongue: str) -> None:
    usual = replace(READING, snapshot=replace(PANEL, feedthrough_power_w=0.0))
    assert max(line_width(line) for line in present.summary(usual, Trend(), NOW, 80, UNICODE)) <= 80
    assert max(line_width(line) for line in present.summary(usual, Trend(), NOW, 120, UNICODE)) <= 120
    found = SYSTEM.matters([replace(usual, snapshot=replace(PANEL, door=Door.CLOSED, grid_state=""))], NOW).figures
    assert len(" · ".join(figure.short or figure.value for figure in found[:3])) <= 34
