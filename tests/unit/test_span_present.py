"""What people read of a panel: rows, figures and sentences, without a widget."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import START
from wattdeck.core import language
from wattdeck.core.lines import cell_width, line_width, plain
from wattdeck.core.reading import Link, Reading
from wattdeck.core.trend import Trend
from wattdeck.core.units import ASCII, UNICODE
from wattdeck.systems.span import SYSTEM, circuits, fleet, present, report, spaces, words
from wattdeck.systems.span.circuits import Pending, TableView
from wattdeck.systems.span.detail import detail
from wattdeck.systems.span.models import Circuit, Door, PanelSnapshot, Relay


def circuit(circuit_id: str, name: str, tabs: tuple[int, ...], power_w: float | None, **fields: Any) -> Circuit:
    made = Circuit(circuit_id, name, tabs, power_w, 5000.0, 0.0, Relay.CLOSED, "nice_to_have", True)
    return replace(made, **{"power_at": START, "energy_today_wh": 1500.0, **fields})


OVEN = circuit("c1", "Oven", (13, 15), 2000.0)
ALARM = circuit("c2", "alarm", (5,), 0.2, controllable=False, priority="must_have")
PUMP = circuit("c3", "Pump", (2, 4), None, relay=Relay.UNKNOWN, priority="eco_mode", energy_today_wh=None)
SOLAR = circuit("unmapped_tab_30", "Unmapped Tab 30", (30,), -500.0, virtual=True, relay=Relay.UNKNOWN)
PANEL = PanelSnapshot(
    serial="nt-1",
    firmware="spanos2/r202342/04",
    model="00200",
    door=Door.CLOSED,
    main_relay=Relay.CLOSED,
    grid_power_w=1500.0,
    feedthrough_power_w=0.0,
    house_load_w=4000.0,
    generation_w=500.0,
    battery_percent=None,
    main_consumed_wh=12_000.0,
    main_produced_wh=1_000.0,
    circuits=(OVEN, ALARM, PUMP, SOLAR),
    grid_state="DSM_GRID_UP",
)
READING = Reading("span/home", "panel", PANEL, Link.LIVE, START, good_polls=3, interval_s=1.0)
NOW = START + timedelta(seconds=2)


def cells(view: TableView | None = None, pending: dict[str, Pending] | None = None) -> dict[str, list[str]]:
    view = view or TableView()
    found = circuits.rows(READING, Trend(), pending or {}, view, NOW)
    assert all(len(row.cells) == len(circuits.columns(view)) for row in found)
    return {row.id: [text for text, _ in row.cells] for row in found}


def order(**view: object) -> list[str]:
    return [row[0] for row in cells(TableView(**view)).values()]  # type: ignore[arg-type]


def test_a_row_says_name_space_power_share_energy_relay_priority_and_age() -> None:
    assert cells()["c1"] == [
        "Oven", "13·15", "2 000", "██████████", "50 %", " " * 8, "1.50", "● closed", "nice to have", "<5 s",
    ]  # fmt: skip


def test_what_is_not_known_is_a_dash_and_never_a_zero() -> None:
    row = cells()["c3"]
    assert (row[2], row[3], row[4], row[6], row[7], row[8]) == ("–", "", "–", "–", "◌ unknown", "eco_mode")


def test_a_producer_has_a_minus_and_no_share() -> None:
    row = cells(TableView(unmapped=True))["unmapped_tab_30"]
    assert (row[2], row[4], row[7], row[8]) == ("−500", "gen", "–", "")


def test_an_always_on_circuit_says_so() -> None:
    assert cells()["c2"][7] == "● always"


def test_unmapped_spaces_are_shown_on_request_only() -> None:
    assert list(cells()) == ["c2", "c1", "c3"] or "unmapped_tab_30" not in cells()
    assert "unmapped_tab_30" in cells(TableView(unmapped=True))
    assert spaces.unmapped_line(PANEL, shown=False) == "Not mapped: 1 space, −500 W (u shows them)"
    assert "u hides them" in spaces.unmapped_line(PANEL, shown=True)
    assert spaces.unmapped_line(replace(PANEL, circuits=(OVEN,)), shown=False) == ""


def test_rows_sort_by_space_power_name_and_energy_and_the_unknown_stay_last() -> None:
    assert order(sort="space") == ["Pump", "alarm", "Oven"]
    assert order(sort="power") == ["alarm", "Oven", "Pump"]
    assert order(sort="power", descending=True) == ["Oven", "alarm", "Pump"]
    assert order(sort="name") == ["alarm", "Oven", "Pump"]
    assert order(sort="today", descending=True)[-1] == "Pump"


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("oven", ["Oven"]),
        ("13", ["Oven"]),
        ("ALWAYS", ["alarm"]),
        ("must alarm", ["alarm"]),
        ("unknown", ["Pump"]),
        ("nothing like it", []),
        ("  ", ["Pump", "alarm", "Oven"]),
        ("[bold]", []),
    ],
)
def test_a_filter_takes_words_of_name_space_relay_and_priority(words: str, found: list[str]) -> None:
    assert order(filter=words) == found


def test_the_sorted_column_is_marked() -> None:
    titles = [column.title for column in circuits.columns(TableView(sort="power", descending=True))]
    assert "Power W▼" in titles and "Circuit" in titles
    assert "trend" not in [column.key for column in circuits.columns(TableView(sparks=False))]


def test_a_wish_stands_beside_the_position_and_never_in_its_place() -> None:
    row = cells(pending={"c1": Pending("relay", "open", "sent")})["c1"]
    assert row[7] == "● → open"
    row = cells(pending={"c1": Pending("priority", "must_have", "sent")})["c1"]
    assert (row[7], row[8]) == ("● closed", "nice to have → must have")
    assert circuits.relay_span(replace(OVEN, relay=Relay.OPEN), None) == ("○ open", "relay-open")
    assert circuits.relay_span(PUMP, Pending("relay", "open", "sent"))[0] == "? → open"


def test_a_dash_and_ascii_stand_in_where_the_terminal_has_no_glyphs() -> None:
    assert circuits.relay_span(OVEN, None, ASCII)[0].isascii() and words.space((2, 4), ASCII) == "2.4"


def test_rows_need_a_snapshot() -> None:
    assert circuits.rows(Reading("span/home", "panel"), Trend(), {}, TableView(), NOW) == []


@pytest.mark.parametrize(
    ("age_s", "words"), [(None, "–"), (0.0, "<5 s"), (5.0, "5 s"), (19.0, "10 s"), (89.0, "80 s"), (95.0, "1 min")]
)
def test_ages_in_the_table_move_in_steps(age_s: float | None, words: str) -> None:
    assert circuits.coarse_age(age_s) == words


def test_a_circuit_that_lags_behind_its_neighbours_is_older_than_the_reading() -> None:
    late = replace(OVEN, power_at=START - timedelta(seconds=30))
    panel = replace(PANEL, circuits=(late, ALARM))
    newest = circuits.newest_power_at(panel)
    assert circuits.measured_age_s(late, READING, newest, NOW) == 32.0
    assert circuits.measured_age_s(ALARM, READING, newest, NOW) == 2.0
    assert circuits.measured_age_s(SOLAR, READING, newest, NOW) == 2.0


def test_figures_say_direction_in_a_word() -> None:
    def notes(grid_w: float | None) -> tuple[str, str]:
        figure = present.figures(replace(PANEL, grid_power_w=grid_w))[0]
        return figure.value, figure.note

    assert notes(1500.0) == ("+1 500 W", "import")
    assert notes(-20.0) == ("−20 W", "export")
    assert notes(0.2) == ("0 W", "")
    assert notes(None) == ("–", "")


def test_figures_show_only_what_there_is() -> None:
    assert [figure.label for figure in present.figures(PANEL)] == ["Grid", "House", "Generation"]
    full = replace(PANEL, solar_w=400.0, battery_percent=80, feedthrough_power_w=50.0)
    assert [figure.label for figure in present.figures(full)] == ["Grid", "House", "Solar", "Battery", "Sub-panel"]
    assert [figure.label for figure in present.figures(replace(PANEL, generation_w=0.0))] == ["Grid", "House"]


def test_what_is_out_of_the_ordinary_carries_weight() -> None:
    odd = replace(PANEL, main_relay=Relay.OPEN, door=Door.OPEN, grid_state="DSM_GRID_DOWN")
    spans = present.state_spans(odd)
    assert ("open", "severity-high") in spans and ("open", "severity-medium") in spans
    assert spans[-1] == ("  OFF GRID", "severity-high")
    assert plain([present.state_spans(PANEL)]) == "Main closed · Door closed"


@pytest.mark.parametrize("width", [80, 200])
def test_the_summary_says_what_is_wrong(width: int) -> None:
    good = plain(present.summary(READING, Trend(), NOW, width, UNICODE))
    assert "Grid +1 500 W import" in good and "Door closed" in good
    bad = replace(READING, link=Link.STALE, problem="no route to host", failures=1)
    assert "stale 2 s  no route to host" in plain(present.summary(bad, Trend(), NOW, width, UNICODE))
    never: Reading[PanelSnapshot] = Reading("span/home", "panel")
    assert "asking span/home for the first time" in plain(present.summary(never, Trend(), NOW, width, UNICODE))


def test_the_detail_says_all_that_is_known_of_a_circuit() -> None:
    shown = plain(detail(READING, OVEN, None, (), "", NOW, 40))
    for part in ("Oven", "space 13·15 · 240 V · L1+L2", "2 000 W  ≈ 8.3 A", "● closed", "nice to have", "1.50 kWh"):
        assert part in shown
    assert "last command  none" in shown
    kept = replace(READING, restored=True)
    assert "kept from an earlier run" in plain(detail(kept, OVEN, None, (), "", NOW, 40))
    shown = plain(detail(READING, OVEN, None, ("locked out by Ana",), "opened 12:00", NOW, 40))
    assert "opened 12:00" in shown and "locked out by Ana" in shown


def test_the_detail_says_why_a_circuit_cannot_be_switched() -> None:
    assert "Always on" in plain(detail(READING, ALARM, None, (), "", NOW, 60))
    assert "there is no relay to switch" in plain(detail(READING, SOLAR, None, (), "", NOW, 80))
    assert words.why_not_controllable(OVEN) == ""


def test_the_text_export_carries_units_and_age() -> None:
    lines = report.text_lines(READING, NOW)
    assert lines[0] == "span/home  ● live 2 s"
    assert "Grid +1 500 W import, House 4 000 W" in lines[2] and "door closed" in lines[2]
    oven = next(line for line in lines if "Oven" in line)
    assert "2 000 W" in oven and "1.50 kWh" in oven and "relay closed, nice to have" in oven
    assert "no relay" in next(line for line in lines if "Unmapped" in line)


def test_the_text_export_labels_what_is_old_and_what_never_came() -> None:
    stale = report.text_lines(replace(READING, link=Link.STALE, problem="no route to host"), NOW)
    assert stale[0].endswith("stale 2 s") and stale[1] == "  problem: no route to host"
    down: Reading[PanelSnapshot] = Reading("span/home", "panel", link=Link.DOWN, problem="no route to host")
    assert report.text_lines(down, NOW) == ["span/home  ✕ down", "  no route to host"]
    assert report.text_lines(Reading("span/home", "panel"), NOW)[1] == "  no answer yet"


@pytest.mark.parametrize("code", list(language.LANGUAGES))
@pytest.mark.parametrize("link", [Link.WAITING, Link.DOWN, Link.REFUSED])
@pytest.mark.parametrize("problem", ["no token", "run `wattdeck span trust`"])
def test_why_a_table_is_empty_fits_a_narrow_terminal(code: str, link: Link, problem: str) -> None:
    never: Reading[PanelSnapshot] = Reading("span/home", "panel", link=link, problem=problem)
    language.use(code)
    assert cell_width(present.no_circuits_words(never, TableView())) <= 76


def test_a_locked_out_circuit_has_a_padlock_behind_its_position() -> None:
    assert cells(TableView(locked=frozenset({"c1"})))["c1"][7] == f"● closed {UNICODE.lock}"


def test_an_empty_table_says_why_it_is_empty() -> None:
    never: Reading[PanelSnapshot] = Reading("span/home", "panel")
    assert present.no_circuits_words(never, TableView()) == "Waiting for the panel's first answer."
    assert "wattdeck span register" in present.no_circuits_words(replace(never, link=Link.REFUSED), TableView())
    assert "keeps trying" in present.no_circuits_words(replace(never, link=Link.DOWN), TableView())
    trusts_another = replace(never, link=Link.REFUSED, problem="another authority; `wattdeck span trust` asks")
    assert "register" not in present.no_circuits_words(trusts_another, TableView())
    assert present.no_circuits_words(READING, TableView(filter="x")) == "No circuit has 'x'. Escape shows all."
    assert present.no_circuits_words(READING, TableView()) == "The panel has no circuits."


@pytest.mark.parametrize("width", [80, 120])
def test_the_first_frame_shows_summary_and_circuits_of_what_was_last_known(width: int) -> None:
    lines = present.first_lines(replace(READING, restored=True), NOW, width, UNICODE)
    shown = plain(lines)
    assert "Grid +1 500 W import" in shown and "Circuit" in shown and "2 000" in shown
    assert all(line_width(line) <= width for line in lines[2:])


def test_a_panel_is_one_row_among_all_panels() -> None:
    opened = replace(PANEL, circuits=(replace(OVEN, relay=Relay.OPEN), ALARM), battery_percent=55)
    shown = [text for text, _ in fleet.panel_cells(replace(READING, snapshot=opened), Trend(), NOW, UNICODE)]
    assert shown[:7] == ["span/home", "● live 2 s", "+1 500", "4 000", "500", "55 %", "1"]
    never = fleet.panel_cells(Reading("span/home", "panel"), Trend(), NOW, UNICODE)
    assert len(never) == len(shown) == len(fleet.PANEL_COLUMNS)
    assert [text for text, _ in never][2:7] == ["–"] * 5


@given(
    st.lists(
        st.builds(
            circuit,
            st.uuids().map(str),
            st.text(max_size=30),
            st.lists(st.integers(1, 32), max_size=2).map(tuple),
            st.none() | st.floats(-2e4, 2e4),
        ),
        max_size=8,
    ),
    st.sampled_from(circuits.SORTS),
    st.booleans(),
    st.none() | st.floats(0, 5e4),
)
def test_no_panel_is_too_odd_to_be_shown(
    given_circuits: list[Circuit], sort: str, descending: bool, load_w: float | None
) -> None:
    reading = replace(READING, snapshot=replace(PANEL, circuits=tuple(given_circuits), house_load_w=load_w))
    view = TableView(sort=sort, descending=descending, unmapped=True)
    found = circuits.rows(reading, Trend(), {}, view, NOW)
    assert sorted(row.id for row in found) == sorted(each.circuit_id for each in given_circuits)
    assert report.text_lines(reading, NOW)


def test_first_frame_without_an_earlier_run_says_what_it_waits_for() -> None:
    lines = SYSTEM.first_lines([], START, 80, UNICODE)
    text = plain(lines)
    assert "waiting" in text and "Circuit" in text and "Waiting for the panel's first answer." in text
