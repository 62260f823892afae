"""One screen for v1 and both models of v2: what people read of a panel that says more, or says it otherwise."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import fields as dataclass_fields
from dataclasses import is_dataclass, replace
from datetime import timedelta
from typing import Any

import jsonschema
import pytest

from deck_app import START
from span_panels import (
    BACKUP,
    CAR,
    FAULTY,
    HARM,
    HEAT,
    HOSTILE,
    OFFICE,
    REMOTE,
    ROUTER,
    SILENT,
    SUN,
    TWIN_A,
    TWIN_B,
    flat_panel,
    tree_panel,
    v1_panel,
)
from wattdeck.core import codec, export
from wattdeck.core.lines import cell_width, line_width, plain
from wattdeck.core.reading import Link, Reading
from wattdeck.core.snapshot import json_schema
from wattdeck.core.trend import Trend
from wattdeck.core.units import ASCII, UNICODE
from wattdeck.systems.span import SYSTEM, circuits, fleet, models, parts, partwords, present, report, spaces, words
from wattdeck.systems.span.circuits import TableView
from wattdeck.systems.span.detail import detail
from wattdeck.systems.span.models import Battery, Charger, DataModel, PanelSnapshot, PowerControl, Relay, counted_once

NOW = START + timedelta(seconds=2)
PANELS = {"v1": v1_panel(), "flat": flat_panel(), "tree": tree_panel()}


def read(panel: PanelSnapshot, **fields: Any) -> Reading[PanelSnapshot]:
    return Reading("span/home", "panel", panel, **{"link": Link.LIVE, "taken_at": START, "good_polls": 3, **fields})


def row(circuit_id: str, panel: PanelSnapshot | None = None) -> dict[str, str]:
    panel = panel or PANELS["tree"]
    view = circuits.view_of(TableView(unmapped=True), panel)
    found = {row.id: row for row in circuits.rows(read(panel), Trend(), {}, view, NOW)}
    keys = [column.key for column in circuits.columns(view)]
    return {key: text for key, (text, _) in zip(keys, found[circuit_id].cells, strict=True)}


def told(circuit_id: str, panel: PanelSnapshot | None = None) -> str:
    panel = panel or PANELS["tree"]
    circuit = panel.circuit(circuit_id)
    assert circuit is not None
    return " ".join(plain(detail(read(panel), circuit, None, (), "", NOW, 200)).split())


def facts(panel: PanelSnapshot) -> dict[str, dict[str, str]]:
    return {section.title: dict(section.facts) for section in parts.sections(panel)}


# The circuit table


@pytest.mark.parametrize("name", PANELS)
def test_the_same_circuit_reads_the_same_whatever_the_protocol(name: str) -> None:
    seen = row(HEAT, PANELS[name])
    assert (seen["name"], seen["space"], seen["power"]) == ("Heat Pump", "2·4", "1 846")
    assert (seen["share"], seen["relay"], seen["priority"]) == ("90 %", "● closed", "non-essential")


def test_what_hangs_on_a_circuit_stands_behind_its_spaces() -> None:
    assert row(SUN)["space"] == "6·8 PV" and row(CAR)["space"] == "13·15 EV"
    assert row(SUN, flat_panel(circuits=tuple(
        replace(each, feeds="bess") for each in PANELS["flat"].circuits)))["space"] == "6·8 BAT"  # fmt: skip
    widths = [
        {column.key: column.width for column in circuits.columns(circuits.view_of(TableView(), PANELS[name]))}["space"]
        for name in ("v1", "tree")
    ]
    assert widths == [7, 9], "a panel that does not say it keeps its narrow column"


def test_two_circuits_in_one_space_have_half_of_it_each() -> None:
    assert row(TWIN_A)["space"] == row(TWIN_B)["space"] == "17½"
    assert words.space_words(PANELS["tree"].circuits[6], {17}, ASCII) == "17/2"
    assert "Shares space 17 with Attic Fan (tandem)." in told(TWIN_A)
    assert "½" not in row(HEAT)["space"]


def test_who_holds_an_open_relay_is_said() -> None:
    assert [row(each)["relay"] for each in (TWIN_B, HARM, FAULTY)] == ["○ shed", "○ PCS", "○ fault"]
    assert "○ shed held by load shedding" in told(TWIN_B) and "held by the power control system" in told(HARM)
    panel = PANELS["tree"]
    fault = panel.circuit(FAULTY)
    assert fault is not None and circuits.relay_span(fault, None)[1] == "severity-high"
    assert "A fault holds this relay open" in told(FAULTY)
    assert "held by commissioning" in told(ROUTER, flat_panel(circuits=(
        replace(panel.circuits[3], requester="configuration"),)))  # fmt: skip
    for nobody in ("", "none", "user", "unknown"):
        assert words.held_words(replace(fault, requester=nobody)) == ""
    assert words.held_words(replace(fault, requester="moon_phase")) == "held by moon_phase"


def test_a_position_asked_for_by_anyone_stands_beside_the_position() -> None:
    assert row(BACKUP)["relay"] == "● → open"
    freezer = PANELS["tree"].circuit(BACKUP)
    assert freezer is not None
    assert circuits.relay_span(replace(freezer, relay_target=Relay.CLOSED), None)[0] == "● closed", "it is there"


def test_a_silent_part_is_grey_and_says_so_and_keeps_what_was_last_known() -> None:
    panel = PANELS["tree"]
    rows = circuits.rows(read(panel), Trend(), {}, TableView(), NOW)
    cells = next(each for each in rows if each.id == SILENT).cells
    assert {meaning for _, meaning in cells} == {"muted", "link-stale", "label"}
    assert row(SILENT)["relay"] == "◐ stale" and row(SILENT)["power"] == "730"
    assert "last closed" in told(SILENT) and "last report 2 h ago" in told(SILENT)


def test_a_remote_meter_has_power_and_neither_relay_nor_space() -> None:
    seen = row(REMOTE)
    assert (seen["power"], seen["space"], seen["relay"], seen["priority"]) == ("310", "–", "–", "")
    assert "remote meter" in told(REMOTE) and "This is a meter alone" in told(REMOTE)


def test_circuits_that_move_together_are_named() -> None:
    # One side alone says so: both are warned of it, and nobody's load is left out of the sums.
    assert f"May move together with Office Outlets, {HOSTILE.split()[0]}" in told(BACKUP)
    assert "May move together with Freezer: only one side says so" in told(OFFICE)
    every = PANELS["tree"].circuits
    assert len(tuple(counted_once(every))) == len(every)
    group = {BACKUP: (OFFICE, HARM), OFFICE: (BACKUP, HARM), HARM: (OFFICE, BACKUP)}
    agreed = tuple(replace(each, shared_with=group.get(each.circuit_id, ())) for each in every)
    text = told(BACKUP, tree_panel(circuits=agreed))
    assert f"Moves together with Office Outlets, {HOSTILE.split()[0]}" in text and "May move" not in text
    assert {each.circuit_id for each in every} - {each.circuit_id for each in counted_once(agreed)} == {BACKUP, HARM}
    lone = tree_panel(circuits=tuple(each for each in every if each.circuit_id == BACKUP))
    assert "May move together with ?:" in told(BACKUP, lone), "who they are is not known, that they are there is"


@pytest.mark.parametrize(
    ("text", "found"), [("shed", {TWIN_B}), ("stale", {SILENT}), ("PV", {SUN}), ("17", {TWIN_A, TWIN_B})]
)
def test_a_filter_finds_what_v2_knows(text: str, found: set[str]) -> None:
    view = TableView(filter=text)
    assert {circuit.circuit_id for circuit in circuits.visible(PANELS["tree"], view)} == found


# A circuit in detail


def test_a_measured_current_has_no_about_mark_and_its_share_of_the_breaker() -> None:
    assert "1 846 W 7.7 A 26 % of 30 A" in told(HEAT) and "≈" not in told(HEAT)
    assert "1 846 W ≈ 7.7 A ●" in told(HEAT, PANELS["v1"])


def test_silence_is_a_last_report_and_not_an_age() -> None:
    assert "last report 12 min ago" in told(HEAT) and "measured" not in told(HEAT)
    assert "measured 2 s ago" in told(HEAT, PANELS["v1"])
    ahead = replace(PANELS["tree"].circuits[1], reported_at=NOW + timedelta(seconds=9))
    assert "last report 0 s ago" in told(HEAT, tree_panel(circuits=(ahead,)))


def test_energy_of_the_month_is_there_when_it_is_known() -> None:
    assert "month 31.40 kWh since 2026-11-01" in told(HEAT) and "month" not in told(HEAT, PANELS["v1"])


def test_a_priority_the_panel_fixes_says_so() -> None:
    assert "priority must have, fixed" in told(ROUTER) and "fixed" not in told(OFFICE)
    assert "fixed" not in told(ROUTER, PANELS["v1"]), "v1 does not say; only trying tells"


# Spaces


def test_spaces_without_a_circuit_are_counted_and_shown_without_watts() -> None:
    panel = PANELS["tree"]
    assert spaces.unmapped_line(panel, shown=False) == "16 spaces without a circuit (u shows them)"
    assert spaces.unmapped_line(panel, shown=True) == "16 spaces without a circuit (u hides them)"
    empty = spaces.empty_spaces(panel)[-1]
    assert (
        plain(detail(read(panel), empty, None, (), "", NOW, 200)).splitlines()[2].startswith("This space belongs to no")
    )
    seen = row("unmapped_tab_32")
    assert (seen["name"], seen["space"], seen["power"], seen["share"], seen["today"], seen["relay"]) == (
        "no circuit", "32", "–", "–", "–", "–"
    )  # fmt: skip
    shown = circuits.visible(panel, TableView(unmapped=True))
    assert sum(circuit.virtual for circuit in shown) == 16
    assert not any(circuit.virtual for circuit in circuits.visible(panel, TableView()))


@pytest.mark.parametrize(
    ("model", "count", "tabs", "first"),
    [
        ("MAIN_32", 32, (31,), 1),
        ("MAIN_16", 16, (9, 11), 9),
        ("MAIN_40", 40, (43, 45), 9),
        ("MAIN_40", 40, (1, 40), 1),
        ("MLO_48", 48, (2, 48), 1),
        ("UNKNOWN", 24, (9, 20), None),
        ("UNKNOWN", 24, (), None),
        ("UNKNOWN", 24, (1, 99), None),
    ],
)
def test_the_first_space_may_be_nine_and_is_not_guessed(
    model: str, count: int, tabs: tuple[int, ...], first: int | None
) -> None:
    one = replace(PANELS["tree"].circuits[0], tabs=tabs)
    panel = tree_panel(model=model, spaces=count, circuits=(one,))
    assert spaces.first_space(panel) == first
    found = spaces.empty_spaces(panel)
    assert [circuit.tabs[0] for circuit in found[:1]] == ([] if first is None else [first + (first in tabs)])
    if first is None:
        assert "u shows them" not in spaces.unmapped_line(panel, shown=False)


@pytest.mark.parametrize("count", [None, 0, -5, 10**9])
def test_a_number_of_spaces_that_is_none_invents_no_rows(count: int | None) -> None:
    panel = tree_panel(spaces=count, model="MAIN_32")
    assert spaces.empty_spaces(panel) == ()
    assert spaces.unmapped_line(tree_panel(spaces=None), shown=False) == ""


def test_an_inverter_on_two_spaces_keeps_its_past_when_it_gets_a_name() -> None:
    trend = Trend()
    old, new = PANELS["v1"], PANELS["tree"]
    for second in range(3):
        trend.add(float(second), SYSTEM.trend_values("panel", old))
    trend.add(10.0, SYSTEM.trend_values("panel", new), lambda key: SYSTEM.earlier_trends(new, key))
    assert trend.recent(SUN, 3, 5.0, 10.0) == [-2394.5, None, -2394.5]
    assert trend.recent(HEAT, 3, 5.0, 10.0) == [1846.0, None, 1846.0], "a circuit that kept its id"
    assert trend.recent(TWIN_A, 3, 5.0, 10.0) == [None, None, 12.0], "there was nothing it could have been"
    assert spaces.heir(new, "unmapped_tab_6") == spaces.heir(new, "unmapped_tab_8") == SUN
    assert spaces.heir(old, "unmapped_tab_6") == spaces.heir(new, "unmapped_tab_7") == spaces.heir(new, HEAT) == ""


# The panel's figures


@pytest.mark.parametrize(
    ("power_w", "value"),
    [(1200.0, "discharging 1 200 W"), (-800.0, "charging 800 W"), (0.0, "idle"), (-3.0, "idle"), (None, "")],
)
def test_a_battery_says_how_full_it_is_and_what_it_does(power_w: float | None, value: str) -> None:
    figure = present.figures(tree_panel(battery_power_w=power_w))[3]
    assert (figure.label, figure.value, figure.note) == ("Battery", "81 %", value)


def test_batteries_weigh_by_their_size_and_the_unknown_is_not_guessed() -> None:
    small = replace(PANELS["tree"].batteries[0], soc_percent=21.0, capacity_kwh=13.5)
    large = replace(small, soc_percent=51.0, capacity_kwh=27.0)
    assert parts.battery_percent(tree_panel(batteries=(small, large))) == 41.0
    assert parts.battery_percent(tree_panel(batteries=(small, replace(large, capacity_kwh=None)))) == 36.0
    assert parts.battery_percent(tree_panel(batteries=(small, replace(large, soc_percent=None)))) is None
    assert parts.battery_percent(tree_panel(batteries=())) is None
    assert [figure.label for figure in present.figures(tree_panel(batteries=(), battery_power_w=None))][-1] != "Battery"


@pytest.mark.parametrize("width", [80, 120, 200])
@pytest.mark.parametrize("name", PANELS)
def test_the_summary_fits_and_keeps_what_the_battery_does(name: str, width: int) -> None:
    lines = present.summary(read(PANELS[name]), Trend(), NOW, width, UNICODE)
    assert max(line_width(line) for line in lines) <= width
    shown = plain(lines)
    assert "Battery 81 %" in shown and "Main closed" in shown
    assert name != "tree" or ("81 % discharging" in shown and "PCS SHEDS" in shown)


def test_large_numbers_give_up_notes_and_then_figures_but_never_the_grid() -> None:
    huge = tree_panel(grid_power_w=-1_222_412.0, house_load_w=9_999_861.0, solar_w=8_888_449.0)
    for width in (40, 60, 80):
        line = present.figure_spans(huge, Trend(), NOW, width, UNICODE)
        assert "Grid −1 222 412 W" in plain([line])
        assert line_width(line) <= max(width, 45)


def test_an_islanded_house_says_what_carries_it() -> None:
    shown = plain([present.state_spans(tree_panel(islanded=True, dominant_source="battery"))])
    assert "OFF GRID on battery" in shown
    assert "OFF GRID" not in plain([present.state_spans(tree_panel(islanded=None))])


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        (Link.LIVE, "panel firmware r202639, data model 1.0"),
        (Link.STALE, "quiet: nothing from the panel for 2 min"),
        (Link.STALE, "updating: the panel is starting anew"),
    ],
)
def test_what_the_link_has_to_say_stands_under_the_figures_and_the_rows_stay(link: Link, problem: str) -> None:
    reading = read(PANELS["tree"], link=link, problem=problem)
    for width in (80, 120):
        assert problem in plain(present.summary(reading, Trend(), NOW, width, UNICODE))
    assert len(circuits.rows(reading, Trend(), {}, TableView(), NOW)) == len(PANELS["tree"].circuits)


def test_another_firmware_or_protocol_is_told_and_nothing_else() -> None:
    old, new = PANELS["flat"], PANELS["tree"]
    assert present.changed_words("span/x", old, new) == "span/x: panel firmware r202639, v2, data model 1.0 (tree)"
    assert present.changed_words("span/x", old, replace(old, door=new.door, circuits=())) == ""
    assert present.changed_words("span/x", old, replace(new, serial="another")) == "", "another panel is not this one"
    assert "panel firmware odd, v2" in present.changed_words("span/x", old, replace(old, firmware="odd"))


# The panel itself


def test_the_panel_tells_its_facts() -> None:
    panel = facts(PANELS["tree"])
    assert list(panel) == [
        "Panel nt-2143-c1akc", "Service entrance", "Battery  Tesla Powerwall 2 AC", "Charger  SPAN",
        "Inverter  Enphase Energy IQ7PLUS-72-x-US", "Power control (PCS)", "Without the grid",
    ]  # fmt: skip
    assert panel["Panel nt-2143-c1akc"] == {
        "model": "MAIN_32, hardware 1.2", "firmware": "spanos3/r202639/03", "protocol": "v2, data model 1.0 (tree)",
        "spaces": "32, 16 spaces without a circuit", "door": "unknown",
        "links": "Ethernet yes, Wi-Fi no, cloud yes",
    }  # fmt: skip
    assert panel["Service entrance"] == {
        "main relay": "closed", "rating": "200 A, 2 % in use", "L1": "121.8 V, 2.0 A", "L2": "122.1 V, 3.1 A",
        "supply": "on the grid", "grid": "−348 W export", "panel feed": "+852 W import", "sub-panel": "10 W",
        "consumed": "1 510.00 kWh", "produced": "820.50 kWh",
    }  # fmt: skip
    assert panel["Battery  Tesla Powerwall 2 AC"] == {
        "serial": "tg12", "charge": "81 %, 10.9 of 13.5 kWh", "power": "1 200 W discharging", "link": "ok"
    }  # fmt: skip
    assert panel["Charger  SPAN"] == {
        "serial": "dt-01", "state": "charging", "offered": "24.0 A", "ceiling": "32 of 48 A", "plug": "unlocked",
        "circuit": "EV Charger", "power": "0 W",
    }  # fmt: skip
    assert panel["Inverter  Enphase Energy IQ7PLUS-72-x-US"] == {
        "rated": "4 640 W", "circuit": "Commissioned PV System", "power": "−2 394 W"
    }  # fmt: skip
    assert panel["Power control (PCS)"] == {"enabled": "yes", "shedding": "yes", "limit": "160 A, set by: feed"}
    assert panel["Without the grid"] == {"battery lasts": "72 h 0 min", "sheds in": "50 h 37 min", "certainty": "high"}


@pytest.mark.parametrize(("feed_w", "shown"), [(-348.4, False), (-310.0, False), (-250.0, True), (None, False)])
def test_a_feed_that_differs_by_the_moment_alone_does_not_come_and_go(feed_w: float | None, shown: bool) -> None:
    panel = facts(replace(PANELS["tree"], grid_power_w=-348.4, feed_power_w=feed_w))
    assert ("panel feed" in panel["Service entrance"]) is shown


def test_what_a_panel_does_not_report_is_left_out_and_never_zero() -> None:
    panel = facts(PANELS["v1"])
    assert list(panel) == ["Panel nt-2143-c1akc", "Service entrance"]
    assert set(panel["Service entrance"]) == {"main relay", "grid", "sub-panel", "consumed", "produced"}
    assert panel["Panel nt-2143-c1akc"]["protocol"] == "v1 (REST)"
    bare = Charger("x")
    assert facts(tree_panel(chargers=(bare,)))["Charger"] == {"state": "–"}
    assert "Power control (PCS)" not in facts(tree_panel(pcs=PowerControl()))
    dark = facts(tree_panel(leg_current_a=(None, None), main_offset_wh=1500.0))["Service entrance"]
    assert dark["rating"] == "200 A" and dark["L1"] == "121.8 V" and dark["added"].startswith("1.50 kWh")


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("available", "available"),
        ("preparing", "plugged in"),
        ("charging", "charging"),
        ("unavailable", "unavailable"),
        ("levitating", "levitating"),
    ],
)
def test_a_charger_says_what_it_does(status: str, said: str) -> None:
    assert facts(tree_panel(chargers=(Charger("x", status=status),)))["Charger"]["state"] == said


def test_a_part_that_is_not_heard_from_says_so() -> None:
    lost = replace(PANELS["tree"].batteries[0], live=False)
    assert "not heard from" in facts(tree_panel(batteries=(lost,)))["Battery  Tesla Powerwall 2 AC"]["link"]


def test_sun_before_the_panel_has_no_circuit() -> None:
    before = replace(PANELS["tree"].inverters[0], circuit_id="", position="upstream")
    found = facts(tree_panel(inverters=(before,)))["Inverter  Enphase Energy IQ7PLUS-72-x-US"]
    assert found["circuit"] == "none: it feeds in before the panel"


@pytest.mark.parametrize("width", [38, 60, 78])
def test_the_facts_fit_their_pane_whatever_the_panel_calls_itself(width: int) -> None:
    hostile = "宽" * 500 + "[/]" + "x" * 500
    panel = tree_panel(
        serial=hostile,
        firmware=hostile,
        dominant_source=hostile,
        batteries=(Battery(hostile, hostile, hostile, hostile, 1e300, -1.0, 1e-9, hostile),),
        chargers=(Charger(hostile, status=hostile, lock=hostile, offered_a=1e18),),
    )
    for each in (panel, PANELS["tree"]):
        for line in parts.section_lines(parts.sections(each), width):
            assert line_width(line) <= width


# Overview, fleet, text


def test_the_overview_puts_first_what_should_not_stay_so() -> None:
    lost = replace(PANELS["tree"].batteries[0], link="lost")
    found = SYSTEM.matters([read(tree_panel(batteries=(lost,)))], NOW).figures
    assert [(figure.short, figure.meaning) for figure in found[:3]] == [
        ("1 circuit opened on a fault", "severity-high"),
        ("PCS sheds", "severity-medium"),
        ("battery out of reach", "severity-medium"),
    ]
    calm = SYSTEM.matters([read(PANELS["flat"])], NOW).figures
    assert [figure.label for figure in calm] == ["Grid", "House", "Battery", "Solar"]


def test_panels_of_three_protocols_are_rows_of_one_table() -> None:
    shown = {
        name: [text for text, _ in fleet.panel_cells(read(panel), Trend(), NOW, UNICODE)]
        for name, panel in PANELS.items()
    }
    assert {name: cells[2:6] for name, cells in shown.items()} == {
        name: ["−348", "2 046", "2 394", "81 %"] for name in PANELS
    }
    assert [cells[7] for cells in shown.values()] == ["v1", "v2 flat", "v2 tree"]
    assert all(len(cells) == len(fleet.PANEL_COLUMNS) for cells in shown.values())


def test_the_text_of_a_panel_says_all_of_it() -> None:
    text = "\n".join(report.text_lines(read(PANELS["tree"]), NOW))
    for part in (
        "v2, data model 1.0 (tree)", "Battery 81 % discharging 1 200 W", "Charger  SPAN: serial dt-01, state charging",
        "Power control (PCS): enabled yes, shedding yes, limit 160 A, set by: feed", "L1 121.8 V, 2.0 A",
        "16 spaces without a circuit",
    ):  # fmt: skip
        assert part in text
    by_name = {line.strip().split("  ")[0]: line for line in text.splitlines()}
    assert "relay open, held by load shedding, non-essential" in by_name["Attic Fan"]
    assert "730 W    3.0 A" in by_name["Well Pump"] and by_name["Well Pump"].endswith("stale")
    assert "no relay" in by_name["Barn Feed"] and "no circuit" not in text
    assert "relay closed, held by commissioning, must have" in by_name["Router and Alarm"]


@pytest.mark.parametrize("model", DataModel)
def test_every_protocol_has_a_name_that_fits(model: DataModel) -> None:
    width = next(column.width for column in fleet.PANEL_COLUMNS if column.key == "model")
    assert (
        partwords.model_words(replace(PANELS["tree"], data_model=model))
        and cell_width(words.protocol_words(model)) <= width
    )


# Data


@pytest.mark.parametrize("name", PANELS)
def test_a_panel_is_as_the_schema_says_and_can_be_read_back(name: str) -> None:
    schema = json_schema({"span": SYSTEM})
    data = json.loads(json.dumps(codec.encode(PANELS[name]), allow_nan=False))
    jsonschema.Draft202012Validator({"$ref": "#/$defs/PanelSnapshot", "$defs": schema["$defs"]}).validate(data)
    assert codec.decode(PanelSnapshot, data) == PANELS[name]


def test_nested_parts_are_rows_of_the_csv_and_what_is_not_known_is_no_number() -> None:
    panel = tree_panel(leg_voltage_v=(None, 122.1), leg_current_a=(None, None), forecast=None)
    feed = {"link": "live", "taken_at": None, "age_s": 0.0, "problem": "", "data": codec.encode(panel)}
    text = export.to_csv({"sources": [{"source": "span/home", "feeds": {"panel": feed}}]})
    found = {(row["item"], row["field"]): (row["value"], row["unit"]) for row in csv.DictReader(io.StringIO(text))}
    assert found["", "leg_voltage_v"] == ("? 122.1", "V") and found["", "leg_current_a"] == ("", "A")
    assert found["bess", "capacity_kwh"] == ("13.5", "kWh") and found["bess", "live"] == ("true", "")
    assert found["dt", "offered_a"] == ("24.0", "A") and found["pcs", "active"] == ("true", "")
    assert found[BACKUP, "shared_with"] == (f"{OFFICE} {HARM}", "") and found[SUN, "tabs"] == ("6 8", "")
    assert found["", "islanded"] == ("false", "") and found["", "forecast"] == ("", "")
    assert found[HARM, "name"][0] == HOSTILE and found[HEAT, "rating_a"] == ("30.0", "A")
    lasting = codec.encode(tree_panel())
    assert [row for row in export._flat(lasting) if row[1] == "total_min"] == [("forecast", "total_min", 4320, "min")]


def test_no_model_has_room_for_where_people_live_or_how_their_network_is_called() -> None:
    fields = {field.name for kind in vars(models).values() if is_dataclass(kind) for field in dataclass_fields(kind)}
    assert {"serial", "leg_voltage_v", "offered_a"} <= fields
    assert not [name for name in fields for word in ("postal", "ssid", "address", "latitude", "locality", "region",
                                                     "time_zone", "password", "token") if word in name]  # fmt: skip
