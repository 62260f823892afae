"""The ANEEL screen through its keys, on a simulated distributor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.geometry import Region

from aneel_seat import START, Bench, Seat, brasilia, seated, squeezed
from deck_app import LARGE, NORMAL, SMALL, settle
from wattdeck.core.lines import line_width, plain
from wattdeck.core.units import number
from wattdeck.systems.aneel import charts, present, tiles
from wattdeck.systems.aneel.models import Demand
from wattdeck.systems.aneel.outagetable import fold
from wattdeck.systems.aneel.pages import PAGES
from wattdeck.systems.aneel.slots import Slots
from wattdeck.systems.aneel.times import format_recovery
from wattdeck.ui.paint import Painted

pytestmark = pytest.mark.anyio

WITH_DEMANDS = {"demands": True}
UNKNOWN = {"week": False}
"""Of a bench: nothing of the week before is known, and nothing is asked for by itself."""


def hold(*kinds: str) -> Callable[[Bench], None]:
    def prepare(bench: Bench) -> None:
        bench.wires[0].held = set(kinds)

    return prepare


def cut(bench: Bench) -> None:
    bench.wires[0].cut = True


def out_of(seat: Seat) -> str:
    """How many are out, as the first line says."""
    return seat.totals.split(" out")[0].strip()


def percents(seat: Seat) -> list[float]:
    return [float(text.lstrip("<~")) for text in seat.column("percent")]


# Figures and table


async def test_first_look_says_how_much_is_out_where_it_is_worst_and_whether_it_grows(deck_home: Path) -> None:
    async with seated(deck_home, size=NORMAL) as seat:
        assert "aneel/roraima ● live" in seat.header
        state = seat.simulator.state()
        assert out_of(seat) == number(state["planned_out"] + state["unplanned_out"])
        for words in ("+23 807", "█", "18.9 % of 154 500 customers", "!!! critical", "10 municipalities · 21 sets",
                      "589 restored · 24 396 newly out, net", "customer-hours in 24 h (CHI estimate)",
                      "over 48 h (DISE proxy)", "1-3 h 14 267"):  # fmt: skip
            assert words in squeezed(seat.totals), words
        assert percents(seat) == sorted(percents(seat), reverse=True)
        assert seat.names[0] == "Amajari" and seat.names[3] == "Boa Vista"
        assert squeezed(seat.row) == "▸Amajari ███████ 42.5 !!! critical 850 +18 │".rstrip(" │")
        assert "[Map] Day Week Figures Demands" in seat.pane and "[AMA C 42.5]" in seat.pane
        assert "L alert 5 %" in seat.pane and "C critical 10 %" in seat.pane and "? not known" in seat.pane
        assert "Wed 14 Oct 14:30" in seat.slider and "● now ▶  10 min ago" in seat.slider
        assert "Source" not in seat.footer and "Earlier" in seat.footer
        assert seat.notice == "" and seat.notices == []


async def test_orders_walk_and_the_header_and_the_line_above_say_which(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        found = []
        for _ in range(4):
            mark = next(word for word in seat.titles.split() if word.endswith(("▲", "▼")))
            found.append((mark, squeezed(seat.looking).split(", ")[1], seat.names[0]))
            await seat.press("s")
        assert found == [
            ("%▼", "highest percent first", "Amajari"),
            ("Out▼", "most customers first", "Boa Vista"),
            ("Municipality▲", "by name", "Alto Alegre"),
            ("Change▼", "largest increase first", "Boa Vista"),
        ]
        await seat.press("s", "s")
        assert seat.names == sorted(seat.names, key=fold)
        await seat.press("s", "s", "s")
        await seat.go_to("Boa Vista")
        await seat.press("enter")
        outs = [int("".join(filter(str.isdigit, text))) for text in seat.column("out")]
        assert outs == sorted(outs, reverse=True) and "Out▼" in seat.titles


async def test_every_key_of_a_filter_narrows_the_table_and_escape_shows_all(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.press("slash")
        narrowed = []
        for key in "bon":
            await seat.press(key)
            narrowed.append(len(seat.names))
        assert narrowed == [2, 2, 1] and seat.names == ["Bonfim"]
        assert "bon" in seat.looking and "1 of 10 municipalities" in seat.looking
        await seat.press("ctrl+u")
        await seat.write("CANTA")
        assert seat.names == ["Cantá"], "accents and case do not matter"
        await seat.press("ctrl+u")
        await seat.write("nowhere [red]")
        assert seat.names == [] and "Escape shows all: none with an outage matches “nowhere [red]”" in seat.table.text
        await seat.press("escape")
        assert len(seat.names) == 10 and seat.prompt is None
        await seat.press("slash")
        await seat.write("alert")
        await seat.press("enter")
        assert set(seat.column("severity")) == {"!!  alert"} and seat.app.focused is seat.places
        await seat.press("down", "s")
        assert len(seat.names) == 2, "a filter stays while one works with its rows"
        await seat.press("escape")
        assert len(seat.names) == 10


async def test_sets_of_a_municipality_are_below_enter_and_escape_comes_back_to_its_row(deck_home: Path) -> None:
    async with seated(deck_home, size=(80, 18)) as seat:
        await seat.go_to("Rorainópolis")
        await seat.press("enter")
        assert "Sets (conjuntos) of Rorainópolis" in seat.looking and "esc goes back" in seat.looking
        assert all(name.startswith("set ") for name in seat.names) and seat.row == seat.table.text.splitlines()[1]
        await seat.press("escape")
        assert "Rorainópolis" in seat.row and len(seat.names) == 10
        await seat.go_to("Boa Vista")
        await seat.press("enter")
        assert len(seat.names) == 12 and seat.names[0] in seat.row, "the sets begin with the worst one"
        await seat.press("G", "s")
        await seat.next_slot()
        await seat.press("escape")
        assert "Boa Vista" in seat.row, "whatever came in between"


# The pane


async def test_brackets_turn_the_page_beside_the_table_and_the_cursor_says_of_whom(deck_home: Path) -> None:
    async with seated(deck_home, size=NORMAL, bench=WITH_DEMANDS) as seat:
        await seat.press("down")
        assert "[PAC C 33.1]" in seat.pane and "AMA C 42.5]" not in seat.pane
        seen = {}
        for page in PAGES:
            assert f"[{page}]" in seat.pane and "Pacaraima" in seat.row
            seen[page] = squeezed(seat.pane)
            await seat.press("right_square_bracket")
        assert "[Map]" in seat.pane
        assert "Pacaraima, 24 h: last 827 out" in seen["Day"] and "▲" in seen["Day"]
        assert "Pacaraima, 7 days: last 827 out" in seen["Week"] and "half hours not known" not in seen["Week"]
        assert "<1 h 6 057" in seen["Figures"] and "A proxy only" in seen["Figures"]
        for words in ("in progress", "By type (tipologia)", "qualidade do fornecimento: 1 508", "falta de energia",
                      "By channel (canal)", "telefônico by telephone 1 006"):  # fmt: skip
            assert words in seen["Demands"], words
        await seat.press("left_square_bracket")
        assert "[Demands]" in seat.pane and "J K scroll" in seat.pane
        await seat.press("J", "J", "J")
        assert "By level (nível)" in seat.pane and "more" not in seat.pane.splitlines()[-1]
        await seat.press("d")
        assert seat.pane == "" and "Planned" in seat.titles
        await seat.press("escape")
        assert "[Demands]" in seat.pane


async def test_pages_stand_in_the_place_of_the_table_where_there_is_little_room(deck_home: Path) -> None:
    async with seated(deck_home, size=SMALL) as seat:
        assert seat.pane == "" and "For" in seat.titles
        await seat.press("right_square_bracket")
        assert "[Map]" in seat.pane and "[AMA C 42.5]" in seat.pane and "esc table" in seat.pane
        await seat.press("right_square_bracket", "down")
        assert "[Day]" in seat.pane and "Pacaraima, 24 h: last 827" in seat.pane, "the cursor walks behind the pane"
        assert seat.text.count("Amajari") == 0
        await seat.press("escape")
        assert seat.pane == "" and "Pacaraima" in seat.row
        await seat.press("right_square_bracket")
        assert "[Day]" in seat.pane, "the page that was left"
        await seat.turn_to("Figures")
        for words in ("9 272 customer-hours interrupted", ">48 h 893", "199 of these planned"):
            assert words in squeezed(seat.pane), "what the lines above have no room for"


async def test_day_and_week_are_both_there_in_a_high_window(deck_home: Path) -> None:
    async with seated(deck_home, size=LARGE) as seat:
        await seat.turn_to("Week")
        text = squeezed(seat.pane)
        assert text.index("Amajari, 7 days:") < text.index("Amajari, 24 h:")
        assert "Served" in seat.titles and "Since" in seat.titles
        assert seat.totals.count("▁") > 40, "the trend takes the room there is"


# Time


async def test_the_week_is_walked_by_half_hours_and_days_without_asking_for_what_is_kept(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        now = (seat.totals, seat.names)
        await seat.press("<", "<")
        assert "Wed 14 Oct 13:30" in seat.slider and "1 h 10 min ago" in seat.slider
        assert seat.looking.startswith(" 14 Oct 13:30") and seat.names[0] == "Pacaraima"
        assert out_of(seat) == "4 116" and "+1 824" in seat.totals and "live" in seat.header
        knob = seat.slider.index("●")
        await seat.press("left_curly_bracket")
        assert "Tue 13 Oct 13:30" in seat.slider and "1 d 1 h ago" in seat.slider
        assert seat.slider.index("●") < knob
        await seat.turn_to("Day")
        assert "▲" in seat.pane
        await seat.press("greater_than_sign", "full_stop")
        assert "Tue 13 Oct 14:30" in seat.slider
        await seat.press(*["left_curly_bracket"] * 9)
        assert "Wed 7 Oct 15:00" in seat.slider, "a distributor keeps seven days"
        await seat.press("right_curly_bracket", "n")
        assert (seat.totals, seat.names) == now and "● now ▶" in seat.slider
        await seat.press("comma", "greater_than_sign")
        assert "● now ▶" in seat.slider, "the newest one is followed again"
        await seat.next_slot()
        assert "Wed 14 Oct 15:00" in seat.slider and (seat.totals, seat.names) != now
        assert seat.wire.asked("past") == []


async def test_half_hour_that_is_not_kept_is_asked_for_when_the_walk_rests_on_it(deck_home: Path) -> None:
    async with seated(deck_home, prepare=hold("past"), bench=UNKNOWN) as seat:
        assert "half hour before not known" in seat.totals
        await seat.press("<", "<", "<")
        assert "asking …" in seat.slider and "Asking the distributor what was out then." in seat.looking
        assert seat.names == [] and seat.totals == "" and "? ?" in squeezed(seat.pane), "unknown is never zero"
        assert seat.wire.asked("past") == []
        await seat.wait(0.5)
        assert seat.wire.asked("past") == ["past 14/10/2026 13:00"], "only that one"
        await seat.press("n")
        assert "asking" not in seat.slider and out_of(seat) == "29 195"
        seat.wire.release()
        await settle(seat.app)
        await seat.press("<", "<", "<")
        assert out_of(seat) == "2 292" and "13:00" in seat.looking
        assert seat.wire.asked("past 14/10/2026") == ["past 14/10/2026 13:00"] * 2, "for the proof; then kept"
        await seat.press("<")
        await seat.wait(0.5)
        assert "12:30" in seat.looking and "asking" not in seat.slider
        await seat.press(">")
        assert "half hour before not known" in seat.totals
        seat.clock.advance(1)
        await seat.refresh()
        assert "+882" in seat.totals, "what has become known since is told"


async def test_half_hour_that_cannot_be_read_says_why_and_is_asked_for_again_after_a_refresh(deck_home: Path) -> None:
    async with seated(deck_home, size=SMALL, bench=UNKNOWN) as seat:
        seat.bench.fault("short-history")
        await seat.press("left_curly_bracket", "<")
        await seat.wait(0.5)
        assert "That half hour could not be read" in seat.looking
        assert "Período fora da janela de recuperação" in squeezed(seat.looking)
        assert "13 Oct 14:00 is not known. < > walk on, n goes back to now." in seat.table.text
        for _ in range(3):
            await seat.wait(1)
        assert len(seat.wire.asked("past 13/10/2026")) == 1, "a failure is not asked for again by itself"
        seat.well()
        await seat.refresh()
        await seat.wait(0.5)
        assert seat.names and "13 Oct 14:00" in seat.looking and "could not" not in seat.text
        seat.wire.cut = True
        await seat.press("<")
        await seat.fail()
        assert "no connection could be made" in squeezed(seat.looking)
        await seat.press("escape")
        assert "● now ▶" in seat.slider


async def test_missed_half_hours_are_read_by_themselves_and_the_screen_tells_more_and_more(deck_home: Path) -> None:
    bench = {"week": False, "backfill": True}
    async with seated(deck_home, prepare=hold("past"), size=NORMAL, bench=bench) as seat:
        assert "half hour before not known" in seat.totals and "CHI of the last 24 h not known yet" in seat.totals
        seat.wire.release()
        await seat.wait(0.5)
        assert "+23 807" in seat.totals and "customer-hours in 24 h (CHI estimate, " in seat.totals
        for _ in range(40):
            if not seat.source.past.counted().missing:
                break
            seat.clock.advance(0.3)
            await settle(seat.app)
        await seat.tick()
        assert "9 272 customer-hours in 24 h (CHI estimate) ·" in seat.totals
        asked = seat.wire.asked("past")
        assert len(set(asked)) == 335 and len(asked) == 336, "the first again, for the proof"
        assert asked[0] == f"past {format_recovery(brasilia(14, 14))}", "the newest first"
        await seat.wait(1)
        assert len(seat.wire.asked("past")) == 336


# One demand


def of(seat: Seat, hours: int) -> Demand:
    """A demand that was opened so many hours ago or earlier."""
    moment = START - timedelta(hours=hours)
    demands = (seat.simulator.cases.find(each, seat.simulator.now()) for each in seat.simulator.protocols())
    return next(each for each in demands if each and each.opened_at and each.opened_at <= moment)


async def test_demand_is_looked_up_masked_and_gone_after_escape(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        demand = of(seat, 2)
        secrets = (demand.document_number, demand.consumer_unit, demand.holder_name)
        await seat.press("f")
        assert seat.prompt is not None and "protocol" in seat.prompt.placeholder
        await seat.write(demand.protocol)
        assert len(seat.names) == 10, "a protocol is no filter"
        await seat.press("enter")
        for words in (f"Demand {demand.protocol}", "em andamento (in progress)", "not yet", "Boa Vista",
                      f"***.{demand.document_number[3:6]}.{demand.document_number[6:9]}-**", "m shows it"):  # fmt: skip
            assert words in seat.pane, words
        assert not any(secret in seat.text for secret in secrets)
        await seat.press("m")
        assert all(secret in squeezed(seat.pane) for secret in secrets) and "m masks it again" in seat.pane
        await seat.press("m")
        assert not any(secret in seat.text for secret in secrets)
        await seat.press("m", "escape")
        assert "[Map]" in seat.pane and demand.protocol not in seat.text
        await seat.look_up(demand.protocol)
        assert "***" in seat.pane and not any(secret in seat.text for secret in secrets), "masked again each time"
        await seat.press("c")
        assert demand.protocol not in seat.text
        assert seat.notices == []
        assert seat.wire.asked("demand").count("demand") == 2


async def test_saved_screen_holds_no_personal_data_that_was_shown_whole(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        demand = of(seat, 2)
        secrets = (demand.document_number, demand.consumer_unit, demand.holder_name)
        await seat.look_up(demand.protocol)
        await seat.press("m")
        assert all(secret in squeezed(seat.pane) for secret in secrets)
        await seat.press("e")
        saved = {path.suffix: path.read_text(encoding="utf-8") for path in Path.cwd().iterdir()}
        assert sorted(saved) == [".csv", ".json", ".svg", ".txt"]
        assert demand.protocol in saved[".svg"], "the demand is on it"
        assert not any(secret in text for secret in secrets for text in saved.values())


async def test_demand_that_cannot_be_shown_says_why(deck_home: Path) -> None:
    night = {"start": START + timedelta(hours=8), "week": False}
    async with seated(deck_home, size=SMALL, bench=night) as seat:
        for protocol, fault, words in (
            ("RR20991234567", "", "The distributor knows no demand RR20991234567. Protocols match exactly"),
            ("RR 2026/1", "", "a protocol is 1 to 30 letters and digits; nothing was sent."),
            ("RR20260171860", "closed-hours", "Serviço disponível somente no horário de atendimento"),
            ("RR20260171860", "denied-html@demand", "the address we come from may not ask"),
            ("RR20260171860", "demand-null", "demanda holds nothing where the answer says success"),
        ):
            seat.well()
            if fault:
                seat.bench.fault(fault)
            await seat.look_up(protocol)
            assert words in squeezed(seat.pane) and "esc back" in seat.pane
            await seat.press("escape")
            assert seat.pane == "" and seat.names and seat.notices == []


async def test_demand_that_comes_after_one_has_gone_is_not_shown(deck_home: Path) -> None:
    async with seated(deck_home, prepare=hold("demand"), bench=UNKNOWN) as seat:
        protocol = of(seat, 2).protocol
        await seat.look_up(protocol)
        assert f"Asking for {protocol}." in seat.pane
        await seat.press("escape")
        seat.wire.release()
        await settle(seat.app)
        assert seat.wire.asked("demand") and protocol not in seat.text
        await seat.press("f")
        await seat.write("RR2026")
        await seat.press("escape", "slash", "b", "o", "n")
        assert seat.names == ["Bonfim"] and "Asking" not in seat.text, "what was typed elsewhere is forgotten"


# Findings


async def test_faults_of_the_answers_appear_with_rule_and_words_and_go_again(deck_home: Path) -> None:
    async with seated(deck_home, size=NORMAL) as seat:
        await seat.press("c")
        assert "no findings" in seat.looking and "No finding: what was looked at keeps the rules." in seat.table.text
        for fault in ("bad-check-digit", "zero-denominator", "long-email", "odd-set"):
            seat.bench.fault(fault)
        await seat.refresh()
        rules = seat.column("rule")
        assert {"I10", "I15", "E05", "I07"} <= set(rules)
        levels = [text.split()[1] for text in seat.column("level")]
        assert levels == sorted(levels, key=("error", "warning", "info").index) and "errors" in seat.looking
        await seat.go_to("I10")
        text = squeezed(seat.pane)
        for words in ("I10 ✕ error · rows of outages", "Where outages: ", "ideMunicipio", "Found ", "Expected "):
            assert words in text, words
        assert squeezed(seat.row).startswith("▸✕ error I10 ")
        seat.well()
        await seat.refresh()
        assert "I10" not in seat.column("rule")
        await seat.press("c")
        assert seat.app.focused is seat.places and "Amajari" in seat.row


async def test_finding_of_an_answer_that_could_not_be_read_is_shown_in_full_in_80_by_24(deck_home: Path) -> None:
    async with seated(deck_home, "null-payload", size=SMALL, bench=UNKNOWN) as seat:
        assert "down" in seat.header and "interrupcaoFornecimento" in squeezed(seat.notice)
        assert "Nothing is out" not in seat.text and seat.totals == ""
        await seat.press("c")
        await seat.go_to("E09")
        assert "null" in seat.row and "error" in seat.row
        await seat.press("enter")
        assert "E09 ✕ error · envelope" in seat.pane and "esc table" in seat.pane
        await seat.press("down")
        await seat.press("escape")
        assert seat.pane == "" and "E09" in seat.column("rule")
        await seat.press("escape")
        assert seat.table is seat.places


# Links


async def test_server_that_cannot_answer_is_never_zero_and_old_figures_are_old(deck_home: Path) -> None:
    async with seated(deck_home, size=SMALL, bench=WITH_DEMANDS) as seat:
        before = (seat.totals, seat.names)
        seat.bench.fault("unavailable")
        await seat.next_slot()
        assert "stale 30 min" in seat.header
        said = squeezed(seat.notice)
        assert "The distributor reports that it cannot answer: Serviço temporariamente indisponível." in said
        assert "This does not mean zero out." in said and "Next try in 30 s" in said
        assert (seat.totals, seat.names) == before and "14 Oct 14:30" in seat.looking and "40 min ago" in seat.slider
        await seat.turn_to("Demands")
        assert "it cannot answer" in squeezed(seat.pane) and "in progress" in seat.pane
        seat.well()
        await seat.wait(31)
        assert "live" in seat.header and seat.notice == "" and "14 Oct 15:00" in seat.looking


async def test_server_that_has_never_answered_shows_no_number(deck_home: Path) -> None:
    async with seated(deck_home, "unavailable", bench=UNKNOWN) as seat:
        assert "The distributor reports that it cannot answer" in squeezed(seat.notice) and seat.totals == ""
        assert "No data: it cannot answer just now. wattdeck keeps asking." in seat.table.text
        assert "0 out" not in seat.text and "Nothing is out" not in seat.text and " N  " not in seat.pane
        await seat.press("<", "f", "escape", "c", "c", "s", "enter", "m", "n")
        assert "No half hour is known yet, so there is none to walk to." in seat.notices
        for page in ("Day", "Week", "Figures", "Demands"):
            await seat.turn_to(page)
            assert len(squeezed(seat.pane)) > 50, page


async def test_refused_says_what_to_look_at_and_a_refresh_tries_again(deck_home: Path) -> None:
    async with seated(deck_home, "denied-html", size=SMALL, bench=UNKNOWN) as seat:
        for reason in ("the address we come from may not ask", "API Key ausente"):
            assert "refused" in seat.header and reason in squeezed(seat.notice)
            assert "r tries again" in squeezed(seat.notice)
            assert "No data: it refuses the key or this address. r tries again." in seat.table.text
            seat.well()
            seat.bench.fault("key-in-query")
            await seat.refresh()
        seat.well()
        await seat.refresh()
        assert "live" in seat.header and seat.names and seat.notice == ""


async def test_waiting_then_down_then_stale_each_have_a_sentence(deck_home: Path) -> None:
    async with seated(deck_home, prepare=hold("outages"), size=SMALL) as seat:
        assert "waiting" in seat.header and "asking aneel/roraima for the first time" in seat.notice
        assert "Waiting for the first answer; it may take up to 45 s." in seat.table.text
        seat.bench.fault("drop*1")
        seat.wire.release()
        await settle(seat.app)
        await seat.fail()
        assert "down" in seat.header and "closed without an answer" in squeezed(seat.notice)
        assert "No data: it does not answer. wattdeck keeps trying." in seat.table.text
        assert "next try in" in squeezed(seat.notice)
        seat.wire.cut = False
        await seat.wait(30)
        assert "live" in seat.header and len(seat.names) == 10
        seat.wire.cut = True
        await seat.next_slot()
        await seat.fail()
        assert "stale 30 min" in seat.header and "no connection" in squeezed(seat.notice) and len(seat.names) == 10


async def test_demands_that_are_not_served_at_night_are_said_so_and_alarm_nobody_about_outages(
    deck_home: Path,
) -> None:
    saturday = {"start": brasilia(17, 14, 40), "week": False, "demands": True}
    async with seated(deck_home, "closed-hours", bench=saturday) as seat:
        assert "aneel/roraima ● live" in seat.header and seat.notice == "" and seat.names
        await seat.turn_to("Demands")
        assert "Serviço disponível somente no horário de atendimento" in squeezed(seat.pane)
        assert "working days, 6 to 24 h" in squeezed(seat.pane)


async def test_nothing_out_is_calm_and_a_measured_zero(deck_home: Path) -> None:
    async with seated(deck_home, "dropout", bench={"scenario": "calm"}) as seat:
        assert out_of(seat) == "0" and "820 restored" in seat.totals and "nothing is out" in seat.looking
        assert set(seat.column("severity")) == {"·   normal"} and "N  0.0" in seat.pane and "?  " not in seat.pane
        assert seat.notice == ""
    async with seated(deck_home, "dropout", bench={"scenario": "calm", **UNKNOWN}) as seat:
        assert "Nothing is out: the distributor reported no outage." in seat.table.text and "live" in seat.header
        await seat.press("enter", "d", "d", "J", "c", "c", "s")
        assert "by name" in seat.looking or "most customers first" in seat.looking


# Sizes and colours


def too_long(seat: Seat) -> list[str]:
    """Lines that are longer than the region they are in, and so would lose their ends."""
    regions = [each for each in seat.app.screen_stack[0].query(Painted) if each.display and each.size]
    return [plain([line]) for each in regions for line in each.lines if line_width(line) > each.size.width]


@pytest.mark.parametrize("size", [(60, 18), (200, 60)])
async def test_no_line_loses_its_end_at_any_size(deck_home: Path, size: tuple[int, int]) -> None:
    async with seated(deck_home, "bad-check-digit", size=size, bench=WITH_DEMANDS) as seat:
        assert "Amajari" in seat.row and "critical" in seat.row and "791" in seat.row and out_of(seat)
        for page in PAGES:
            await seat.turn_to(page)
            assert not too_long(seat), page
        for keys in (("escape", "enter"), ("escape", "<"), ("n", "c"), ("enter",)):
            await seat.press(*keys)
            assert not too_long(seat), keys
        await seat.press("escape", "escape")
        seat.bench.fault("unbounded-message")
        await seat.refresh()
        said = squeezed(seat.notice)
        for words in ("cannot answer: Serviço temporariamente", "does not mean zero out.", "Next try in 30 s."):
            assert words in said, words
        assert not too_long(seat) and "Amajari" in seat.text


async def test_severity_is_read_by_word_and_glyph_without_colour(
    deck_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with seated(deck_home, size=SMALL, ascii=True) as seat:
        assert [text.split() for text in seat.column("severity")][:1] == [["!!!", "critical"]]
        assert {text.split()[-1] for text in seat.column("severity")} == {"critical", "alert", "attention", "normal"}
        assert seat.row.startswith(">") and seat.titles.isascii()
        await seat.press("right_square_bracket")
        assert "[AMA C 42.5]" in seat.pane and "CAN L  7.8" in seat.pane and "ROR A  1.0" in seat.pane
        await seat.turn_to("Day")
        for text in (seat.totals, seat.pane, seat.slider, seat.footer):
            assert text.isascii(), text
        for strip in seat.strips:
            assert not any(part.style and (part.style.color or part.style.bgcolor) for part in strip), strip.text


# What a tick costs


async def test_tick_without_change_draws_nothing_and_makes_nothing_anew(
    deck_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def counted(kind: Any, name: str) -> None:
        real = getattr(kind, name)

        def wrapper(*arguments: Any, **options: Any) -> Any:
            made.append(name)
            return real(*arguments, **options)

        monkeypatch.setattr(kind, name, wrapper)

    async with seated(deck_home, size=NORMAL, bench=WITH_DEMANDS) as seat:
        await seat.turn_to("Day")
        for kind, name in ((tiles, "draw"), (charts, "day"), (charts, "week"), (present, "rows"), (Slots, "series")):
            counted(kind, name)
        drawn: list[tuple[str, Region]] = []
        refresh = Painted.refresh

        def noted(self: Painted, *regions: Region, **options: Any) -> Painted:
            drawn.extend((str(self.id), region) for region in regions)
            return refresh(self, *regions, **options)

        monkeypatch.setattr(Painted, "refresh", noted)
        for _ in range(3):
            await seat.tick()
        assert made == [] and drawn == []
        await seat.turn_to("Map")
        assert "draw" not in made, "it is as it was"
        made.clear()
        drawn.clear()
        for _ in range(5):
            await seat.wait(1)
        assert made == [] and {widget for widget, _ in drawn} <= {"None"}, "the header's age and clock alone"
        await seat.press("down")
        assert made == ["draw"]
        await seat.turn_to("Demands")
        made.clear()
        await seat.next_slot()
        assert made.count("rows") == 1 and made.count("series") == 1


async def test_burst_of_keys_ends_where_they_lead(deck_home: Path) -> None:
    async with seated(deck_home, prepare=hold("past"), size=SMALL) as seat:
        await seat.burst(*["<"] * 20, *[">"] * 5, *["down"] * 3, "s", "s", "s", "s", *["right_square_bracket"] * 6)
        assert "Wed 14 Oct 07:00" in seat.slider and "[Map]" in seat.pane
        await seat.burst("escape", "n", "slash")
        await seat.burst(*"vista", "enter")
        await seat.burst("enter")
        await seat.burst("down")
        assert "Sets (conjuntos) of Boa Vista" in seat.looking and "set 16103" in seat.row
        await seat.burst("f")
        await seat.burst(*"RR1", "escape", "c", "c", "d", "d", "escape", "escape")
        assert seat.prompt is None and len(seat.names) == 10 and "Boa Vista" in seat.row
    async with seated(deck_home, prepare=hold("past"), bench=UNKNOWN) as seat:
        await seat.burst(*["<"] * 15, *[">"] * 10)
        await seat.wait(0.5)
        assert len(seat.wire.asked("past")) == 1


# Several distributors


async def test_other_distributor_shows_nothing_of_the_first(deck_home: Path) -> None:
    bench = {"names": ("roraima", "outra"), "week": False}
    async with seated(deck_home, prepare=hold("demand"), size=NORMAL, bench=bench) as seat:
        assert "tab Source" in seat.footer
        demand = of(seat, 2)
        await seat.press("down", "down", "<")
        await seat.wait(0.5)
        assert "14:00" in seat.slider and seat.names
        await seat.look_up(demand.protocol)
        assert demand.protocol in seat.pane
        first = out_of(seat)
        await seat.press("tab")
        await seat.wait(1)
        assert "aneel/outra" in seat.header and "14:30" in seat.slider and "● now ▶" in seat.slider
        assert demand.protocol not in seat.text and out_of(seat) != first and seat.names[0] in seat.row
        seat.wire.release()
        await settle(seat.app)
        await seat.tick()
        assert demand.protocol not in seat.text, "an answer that comes late stays where it belongs"
        await seat.press("enter", "slash", "x", "enter", "tab")
        assert "aneel/roraima" in seat.header and "Sets" not in seat.looking and len(seat.names) == 10
        assert "14:30" in seat.slider
