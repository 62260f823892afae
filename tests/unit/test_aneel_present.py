"""What people read of a distributor: trouble, figures, tables, demands, findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.lines import Line, line_width, plain
from wattdeck.core.reading import Link, Reading
from wattdeck.core.units import ASCII, UNICODE
from wattdeck.systems.aneel import demandwords, findingwords, present
from wattdeck.systems.aneel.aggregate import snapshot
from wattdeck.systems.aneel.models import (
    BRASILIA,
    SLOT,
    Demand,
    DemandCount,
    DemandsSnapshot,
    Finding,
    Level,
    OutagesSnapshot,
    Row,
)
from wattdeck.systems.aneel.present import Order
from wattdeck.systems.aneel.universe import Universe

AT = datetime(2026, 10, 13, 14, tzinfo=BRASILIA)
NOW = AT + timedelta(minutes=4)
BOA_VISTA, CARACARAI, CANTA = 1400100, 1400209, 1400175
NAMES = {BOA_VISTA: "Boa Vista", CARACARAI: "Caracaraí", CANTA: "Cantá"}
STORM = (
    Row(16101, BOA_VISTA, 48_210, 120, 749),
    Row(16102, CARACARAI, 3000, 0, 305),
    Row(16103, CARACARAI, 2000, 0, 0),
    Row(16103, CANTA, 2500, 0, 30),
)


def seen(rows: Sequence[Row] = STORM, before: Sequence[Row] | None = None, **seeds: int) -> OutagesSnapshot:
    universe = Universe({BOA_VISTA: 120_000, CARACARAI: 5000, CANTA: 2500} if not seeds else {})
    universe.learn(rows, AT)
    since = {(16102, CARACARAI): AT - timedelta(hours=3), (16101, BOA_VISTA): AT - timedelta(hours=30)}
    return snapshot(rows, slot=AT, email="", universe=universe, names=lambda code: NAMES.get(code, str(code)),
                    before=before, since=since, chi_customer_h=4321.0, at_least=[(16101, BOA_VISTA)],
                    chi_missing_h=2.5)  # fmt: skip


def live(made: OutagesSnapshot | None, **changes: object) -> Reading[OutagesSnapshot]:
    reading = Reading("aneel/roraima", "outages", made, Link.LIVE, NOW)
    return replace(reading, **changes)  # type: ignore[arg-type]


def text_of(lines: Sequence[Line]) -> str:
    return " ".join(plain(lines).split())


# Figures


def test_the_figures_say_what_a_control_room_asks() -> None:
    before = [Row(16102, CARACARAI, 3000, 0, 400), Row(16101, BOA_VISTA, 48_210, 0, 800)]
    series = [(AT - SLOT, 1200), (AT, 1204)]
    text = text_of(present.total_lines(seen(before=before), series, 130))
    for words in (
        "1 204 out +4",
        "0.9 % of 127 500 customers · normal",
        "10 % planned",
        "3 municipalities · 3 sets",
        "95 restored · 99 newly out",
        "4 321 customer-hours in 24 h (CHI estimate, 2.5 h not known)",
        "869 out for over 24 h · 0 over 48 h (DISE proxy)",
        "3-6 h 305",
        "24-48 h 869",
        "not known 30",
    ):
        assert words in text


def test_a_change_nobody_knows_is_not_said_to_be_zero() -> None:
    text = text_of(present.total_lines(seen(), (), 120))
    assert "half hour before not known" in text
    assert "restored" not in text


# Tables


def cells(made: OutagesSnapshot, code: int, order: Order = Order.PERCENT) -> dict[str, str]:
    row = next(
        row for row in present.rows(present.ordered(made.municipalities, order), made.slot) if row.id == str(code)
    )
    return {column.key: text for column, (text, _) in zip(present.COLUMNS, row.cells, strict=True)}


def test_a_row_of_a_municipality_has_everything_in_words() -> None:
    made = seen(before=[Row(16102, CARACARAI, 3000, 0, 400)])
    found = cells(made, CARACARAI)
    assert {key: found[key] for key in ("name", "percent", "severity", "out", "change", "lasting", "sets")} == {
        "name": "Caracaraí", "percent": "6.1", "severity": "!!  alert", "out": "305", "change": "−95",
        "lasting": "3 h", "sets": "1",
    }  # fmt: skip
    assert (found["planned"], found["unplanned"], found["customers"], found["since"]) == ("0", "305", "5 000", "11:00")
    assert found["bar"]
    assert cells(made, BOA_VISTA)["change"] == "+869"
    assert cells(made, BOA_VISTA)["lasting"] == "≥ 30 h"
    assert cells(made, BOA_VISTA)["since"] == "12 Oct 08:00"


def test_guesses_unknown_numbers_and_jumps_are_marked() -> None:
    made = seen([Row(1, CARACARAI, None, 0, 310)], none=1)
    found = cells(made, CARACARAI)
    assert (found["customers"], found["percent"], found["severity"]) == ("~310", "~100.0", "?   unknown")
    assert found["change"] == "–"
    assert "~ of the most ever seen out" in text_of([present.table_line(made, 1, Order.PERCENT, "", 120)])


def test_a_share_too_small_for_its_column_is_not_said_to_be_zero() -> None:
    assert cells(seen([Row(1, BOA_VISTA, 500, 0, 3)]), BOA_VISTA)["percent"] == "<0.1"


@pytest.mark.parametrize(
    ("order", "codes"),
    [
        (Order.PERCENT, [CARACARAI, CANTA, BOA_VISTA]),
        (Order.OUT, [BOA_VISTA, CARACARAI, CANTA]),
        (Order.NAME, [BOA_VISTA, CANTA, CARACARAI]),
        (Order.CHANGE, [BOA_VISTA, CANTA, CARACARAI]),
    ],
)
def test_every_order_marks_its_column(order: Order, codes: list[int]) -> None:
    made = seen(before=[Row(16102, CARACARAI, 3000, 0, 400)])
    assert [place.code for place in present.ordered(made.municipalities, order)] == codes
    marked = [column.key for column in present.columns(order) if column.title.endswith(("▲", "▼"))]
    assert marked == [order.value]


def test_orders_go_round() -> None:
    order = Order.PERCENT
    for _ in Order:
        order = order.next_order
    assert order is Order.PERCENT


@pytest.mark.parametrize(
    ("words", "codes"),
    [("", {BOA_VISTA, CARACARAI, CANTA}), ("CARACARAI", {CARACARAI}), ("alert", {CARACARAI}), ("1400175", {CANTA}),
     ("ca a", {CARACARAI, CANTA}), ("nowhere", set())],
)  # fmt: skip
def test_a_filter_finds_words_whatever_their_case_and_accents(words: str, codes: set[int]) -> None:
    assert {place.code for place in present.filtered(seen().municipalities, words)} == codes


def test_the_sets_of_a_municipality_are_rows_of_their_own_also_one_reported_twice() -> None:
    made = seen([*STORM, STORM[1]])
    rows = present.set_rows(made, CARACARAI)
    assert [row.id for row in rows] == ["16102", "16102:2", "16103"]
    assert all(len(row.cells) == len(present.SET_COLUMNS) for row in rows)
    found = {column.key: text for column, (text, _) in zip(present.SET_COLUMNS, rows[0].cells, strict=True)}
    assert (found["name"], found["percent"], found["customers"], found["since"]) == (
        "set 16102",
        "10.2",
        "3 000",
        "11:00",
    )


# States of the screen


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (None, "Waiting"),
        (live(None, link=Link.WAITING), "Waiting"),
        (live(None, link=Link.REFUSED), "refuses the key"),
        (live(None, link=Link.DOWN), "does not answer"),
        (live(None, link=Link.STALE), "last look failed"),
        (live(seen(())), "Nothing is out: the distributor reported no outage at 13 Oct 14:00."),
    ],
)
def test_an_empty_table_says_why_it_is_empty(reading: Reading[OutagesSnapshot] | None, words: str) -> None:
    readings = [] if reading is None else [reading]
    assert words in text_of(present.first_lines(readings, NOW, 100))


def test_a_server_that_cannot_answer_is_never_shown_as_zero() -> None:
    problem = "Outages: the server has no data to give (status 2): “Serviço indisponível.”; that does not mean …"
    reading = live(None, link=Link.STALE, problem=problem, failures=1, next_poll_at=NOW + timedelta(seconds=30))
    text = text_of(present.first_lines([reading], NOW, 100))
    assert "The distributor reports that it cannot answer: Serviço indisponível." in text
    assert "Next try in 30 s" in text
    assert "Nothing is out" not in text
    assert "0 out" not in text


def test_what_was_last_known_stays_under_the_trouble() -> None:
    reading = live(seen(), link=Link.STALE, problem="connection refused", taken_at=NOW - timedelta(minutes=40))
    text = text_of(present.first_lines([reading], NOW, 120))
    assert "stale 40 min connection refused" in text
    assert "1 204 out" in text


def test_hostile_names_do_no_harm() -> None:
    made = seen()
    wild = tuple(replace(place, name="\x1b[2J\u202eX\n" * 50) for place in made.municipalities)
    text = plain(present.first_lines([live(replace(made, municipalities=wild))], NOW, 100))
    assert "\x1b" not in text
    assert "\u202e" not in text


@settings(max_examples=30, deadline=None)
@given(st.integers(20, 200), st.booleans(), st.integers(0, 2**31 - 1))
def test_no_line_is_wider_than_the_screen(width: int, plain_marks: bool, out: int) -> None:
    marks = ASCII if plain_marks else UNICODE
    made = seen([*STORM, Row(1, CANTA, 2**31 - 1, out, out)], before=STORM)
    series = [(AT - back * SLOT, back * 7 if back % 5 else None) for back in range(60, -1, -1)]
    lines = [
        *present.first_lines([live(made)], NOW, width, marks),
        *present.total_lines(made, series, width, marks),
    ]
    assert max(map(line_width, lines)) <= width


# Demands

COUNTS = (
    DemandCount(1, 12, "1020901", 41, 96, 4, 38, 13),
    DemandCount(1, 2, "1020901", 9, 10, 0, 1, 0),
    DemandCount(2, 99, "777", 1, 1, 0, 0, 0),
)
DEMAND = Demand("RR001", "000000000812345", "12345678909", "Maria Aparecida Souza", 2, "1020901", 0, 2,
                NOW - timedelta(hours=30), None, CARACARAI, 0)  # fmt: skip


def test_demands_are_counted_by_type_channel_and_level() -> None:
    lines = demandwords.demands_lines(DemandsSnapshot(COUNTS, 51, 107, 56), 100)
    text = text_of(lines)
    for words in (
        "51 in progress · 107 opened today · 56 closed today",
        "qualidade do fornecimento: falta de energia outage 50 106 56",
        "WhatsApp messaging app 41 96 55",
        "code 99 not in the code list 1 1 0",
        "2º nível (Ouvidoria) ombudsman 1 1 0",
    ):
        assert words in text
    assert all(line_width(line) <= 100 for line in lines)


def test_only_the_first_are_listed_and_the_others_summed() -> None:
    text = text_of(demandwords.tally_lines("By channel", demandwords.by_channel(COUNTS), 90, 1))
    assert "WhatsApp" in text
    assert "and 2 more, 10 in progress" in text
    assert "telefônico" not in text


def test_a_day_without_demands_is_said() -> None:
    assert "no demand today" in text_of(demandwords.demands_lines(DemandsSnapshot((), 0, 0, 0), 80))


def test_every_type_has_a_plain_explanation() -> None:
    from wattdeck.systems.aneel.codes import CHANNELS, TYPOLOGIES

    assert [code for code in TYPOLOGIES if not demandwords.type_plain(code)] == []
    assert demandwords.CHANNELS_PLAIN.keys() == CHANNELS.keys()


def test_personal_data_is_masked_unless_it_is_asked_for() -> None:
    masked = text_of(demandwords.demand_lines(DEMAND, NOW, 80, municipality=lambda code: NAMES[code]))
    assert not any(secret in masked for secret in ("12345678909", "Souza", "000000000812345"))
    assert "***.456.789-**" in masked
    assert "em andamento (in progress)" in masked
    assert "1 d 6 h ago" in masked
    assert "Caracaraí" in masked
    shown = text_of(demandwords.demand_lines(DEMAND, NOW, 80, masked=False))
    assert all(secret in shown for secret in ("12345678909", "Maria Aparecida Souza", "000000000812345"))


def test_a_demand_open_for_more_than_a_day_deserves_a_look() -> None:
    def meaning(demand: Demand) -> str:
        return next(line[1][1] for line in demandwords.demand_lines(demand, NOW, 80) if "Status" in line[0][0])

    assert meaning(DEMAND) == "severity-medium"
    assert meaning(replace(DEMAND, opened_at=NOW - timedelta(hours=23))) == "normal"
    assert meaning(replace(DEMAND, status=1)) == "normal"


def test_what_a_demand_does_not_tell_is_a_dash() -> None:
    blank = Demand("1", "", "", "", None, "", None, None, None, None, None, None)
    text = plain(demandwords.demand_lines(blank, NOW, 80))
    assert text.count("–") >= 9


# Findings

FINDINGS = (
    Finding("T11", Level.WARNING, "the answer", "7 s", "5 s", "It took 7 s."),
    Finding("I10", Level.ERROR, "interrupcaoFornecimento[3].ideMunicipio", "1400471", "1400472", "Wrong check digit."),
    Finding("I10", Level.ERROR, "interrupcaoFornecimento[3].ideMunicipio", "1400471", "1400472", "Wrong check digit."),
    Finding("T13", Level.INFO, "/health", "\x1b[31m200", "404", "Hide it."),
)


def test_findings_come_worst_first_with_level_as_word_and_glyph() -> None:
    rows = findingwords.rows(FINDINGS)
    assert [row.cells[0][0] for row in rows] == ["✕ error", "✕ error", "! warning", "· info"]
    assert len({row.id for row in rows}) == 4
    assert "\x1b" not in rows[3].cells[3][0]
    assert text_of([findingwords.counts_line(FINDINGS, 80)]) == "2 errors · 1 warning · 1 note"
    assert text_of([findingwords.counts_line((), 80)]) == "no findings"


def test_a_finding_is_found_by_its_row_and_told_in_full() -> None:
    row_id = findingwords.rows(FINDINGS)[2].id
    finding = findingwords.finding_of(FINDINGS, row_id)
    assert finding is FINDINGS[0]
    text = text_of(findingwords.finding_lines(finding, 40))
    assert text == "T11 ! warning · transport It took 7 s. Where the answer Found 7 s Expected 5 s"
    assert findingwords.finding_of(FINDINGS, "nothing") is None
