"""The CCEE screen through its keys, on a simulated CCEE and, where that cannot be so, on a scripted one."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from ccee_seat import CNPJ, OTHER_PROFILE, PROFILE, TYPED, UNIT, Bench, Script, at_bench, energy, seated
from deck_app import NORMAL, SMALL, settle
from wattdeck.core.config import UiConfig
from wattdeck.core.errors import Unreachable
from wattdeck.core.lines import cell_width
from wattdeck.core.units import number
from wattdeck.systems.ccee import present
from wattdeck.systems.ccee.models import BRASILIA, Migration
from wattdeck.systems.ccee.widgets import SummaryPage

pytestmark = pytest.mark.anyio

ASKED_AT = datetime(2026, 10, 13, 9, 0, tzinfo=BRASILIA)


def migration(number: int, status: str = "CRIADA", **fields: Any) -> Migration:
    """One of a scripted list."""
    given = {"requested_at": ASKED_AT, "document_type": "CNPJ", "document_number": CNPJ, "email": "uc@example.com"}
    unit = f"{number:015d}"
    return Migration(f"id-{number}", unit, 100000, 200000, PROFILE, "2027-01", status, **{**given, **fields})


def hold_after_first_page(bench: Bench) -> None:
    bench.wire.pages_before_hold = 1


def cut(bench: Bench) -> None:
    bench.wire.cut = True


def squeezed(text: str) -> str:
    return " ".join(text.split())


# While the list arrives


async def test_rows_can_be_used_while_a_bar_says_how_far_the_list_is(deck_home: Path) -> None:
    async with seated(deck_home, prepare=hold_after_first_page) as seat:
        assert len(seat.ids) == 50 and "waiting" in seat.header
        assert "reading page 2, 50 rows" in seat.counts and "50 %" in seat.counts and "█" in seat.counts
        assert "answer" not in seat.counts, "half a list says nothing of what waits"
        await seat.press("down", "down", "d")
        assert seat.cursor == 2 and seat.pane == ""
        await seat.filter("status:reprovada")
        assert set(seat.column("status")) == {"✕ REPROVADA"} and "6 of 50" in squeezed(seat.looking)
        await seat.press("escape")
        seat.wire.release()
        await settle(seat.app)
        await seat.tick()
        assert len(seat.ids) == 131 and "live" in seat.header
        assert "reading" not in seat.counts and "6 answers overdue" in seat.counts


@pytest.mark.parametrize("walked", [False, True])
async def test_cursor_stays_on_the_first_row_until_a_person_moves_it(deck_home: Path, walked: bool) -> None:
    async with seated(deck_home, prepare=hold_after_first_page) as seat:
        await seat.press(*["down"] * 3 * walked)
        chosen, line = seat.table.cursor_id, seat.table.text.splitlines().index(seat.row)
        seat.wire.release()
        await settle(seat.app)
        await seat.tick()
        if walked:
            assert seat.table.cursor_id == chosen and seat.cursor > 3
            assert seat.table.text.splitlines().index(seat.row) == line, "it stays where the eye is"
        else:
            assert seat.cursor == 0 and seat.table.cursor_id != chosen


async def test_cursor_keeps_its_row_through_refresh_sort_and_filter(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.press(*["down"] * 5)
        chosen, places = seat.table.cursor_id, set()
        for keys in (("s",), ("S",), ("s", "s"), ("r",)):
            await seat.press(*keys)
            await seat.tick()
            assert seat.table.cursor_id == chosen
            places.add(seat.cursor)
        assert len(places) > 2
        await seat.filter("status:criada month:2027")
        assert seat.table.cursor_id == chosen and len(seat.ids) < 24
        await seat.press("escape")
        assert seat.table.cursor_id == chosen and len(seat.ids) == 131


async def test_other_source_begins_at_its_first_row(deck_home: Path) -> None:
    profiles = {"profiles": ((PROFILE,), (OTHER_PROFILE,))}
    async with seated(deck_home, bench=profiles) as seat:
        await seat.press(*["down"] * 5, "tab")
        await seat.wait(1)
        assert "ccee/varejo-b" in seat.header and set(seat.column("profile")) == {str(OTHER_PROFILE)}
        assert seat.cursor == 0
        await seat.press("tab")
        assert set(seat.column("profile")) == {str(PROFILE)}


# Filter, order, views


async def test_every_key_of_a_filter_narrows_the_table_and_is_said_in_words(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        assert "all migrations" in seat.looking and "131, by deadline, the next first" in seat.looking
        await seat.press("slash")
        await seat.write("status:rep")
        assert set(seat.column("status")) == {"✕ REPROVADA"}
        assert "REPROVADA" in seat.looking and "13 of 131" in seat.looking
        await seat.write(" month:2027-04..2027-05 utility:400000 profile:200100")
        assert "Apr 2027 to May 2027 · REPROVADA · utility 400000 · profile 200100" in seat.looking
        assert "of 131" in seat.looking, "a filter that is long stays in sight"
        assert set(seat.column("month")) <= {"Apr 2027", "May 2027"} and set(seat.column("utility")) == {"400000"}
        await seat.press("enter")
        assert "13 answers" not in seat.counts and "131 migrations" in seat.counts
        await seat.press("down", "up")
        await seat.press("escape")
        assert len(seat.ids) == 131 and "all migrations" in seat.looking


async def test_mistaken_word_is_named_while_it_is_typed_and_the_rest_still_filters(deck_home: Path) -> None:
    async with seated(deck_home, size=SMALL) as seat:
        await seat.press("slash")
        await seat.write("status:xyz month:2026-10")
        assert "status:xyz is no status known here; known are CRIADA, CONCLUIDA, REPROVADA" in squeezed(seat.looking)
        assert "EXPIRADA." in squeezed(seat.looking)
        assert set(seat.column("month")) == {"Oct 2026"}
        await seat.press("ctrl+u")
        await seat.write("month:2026-13")
        assert "month:2026-13 is no month; write 2026-10, or 2026-10..2027-03." in squeezed(seat.looking)
        await seat.press("escape")
        assert "all migrations" in seat.looking and len(seat.ids) == 131


async def test_filter_that_lets_nothing_through_says_how_to_see_all(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.filter("nobody-is-called-so")
        assert "None of 131 migrations is so. Escape shows all." in seat.table.text
        assert '"nobody-is-called-so"' in seat.looking and "Nothing selected." in seat.pane
        await seat.press("E")
        assert seat.notices == ["No migration is selected."]
        await seat.press("escape")
        assert seat.row


async def test_orders_walk_and_turn_and_the_header_says_which(deck_home: Path) -> None:
    async with seated(deck_home, size=(200, 18)) as seat:
        marked = []
        for _ in range(6):
            marked.append(next(word for word in seat.titles.split() if word.endswith("▲")))
            await seat.press("s")
        assert marked == ["due▲", "Month▲", "Status▲", "unit▲", "Requested▲", "Utility▲"]
        assert "Answer due▲" in seat.titles
        await seat.press("s")
        months = [row.reference_month for row in seat.screen_view.shown]
        assert months == sorted(months)
        await seat.press("S")
        assert "Month▼" in seat.titles and "by month, the latest first" in seat.looking
        assert [row.reference_month for row in seat.screen_view.shown] == sorted(months, reverse=True)


async def test_views_are_chosen_saved_and_removed_and_outlive_the_session(deck_home: Path) -> None:
    bench = Bench(deck_home)
    async with at_bench(bench, demo=False) as seat:
        await seat.press("v")
        assert "status:criada" in seat.dialog and "all migrations" in seat.dialog
        await seat.press("down", "down", "enter")
        assert set(seat.column("status")) == {"✕ REPROVADA"} and squeezed(seat.looking).startswith("refused ·")
        assert "the newest first" in seat.looking
        await seat.filter("status:criada month:2027")
        assert "refused" not in seat.looking
        await seat.press("s", "V")
        await seat.write("next year")
        await seat.press("enter")
        assert seat.notices[-1] == 'The view "next year" was saved.'
        await seat.press("V")
        await seat.write("due")
        await seat.press("enter")
        assert '"due" is built in; choose another name.' in seat.notices[-1]
    async with at_bench(bench, demo=False) as seat:
        assert "all migrations" in seat.looking
        await seat.press("v", "G", "enter")
        assert squeezed(seat.looking).startswith("next year · Jan 2027 to Dec 2027 · CRIADA")
        assert "by utility" in seat.looking
        await seat.press("escape", "V")
        await seat.write("next year")
        await seat.press("enter")
        assert seat.notices[-1] == 'The view "next year" was removed.'
        await seat.press("v")
        assert "next year" not in seat.dialog


async def test_views_of_the_demo_are_not_written_to_the_disk(deck_home: Path) -> None:
    async with seated(deck_home, size=SMALL) as seat:
        await seat.press("V")
        await seat.write("mine")
        await seat.press("enter")
        assert "saved" in seat.notices[-1]
        await seat.press("v")
        assert "mine" in seat.dialog
        assert not [name for _, _, names in os.walk(deck_home) for name in names if "views" in name]


# The pane


async def test_brackets_walk_through_the_pages_of_the_pane(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        fronts = []
        for _ in range(5):
            fronts.append(seat.pane.splitlines()[0].partition("[")[2].partition("]")[0])
            assert "0.004.003.982.028-90" in seat.pane, "which migration it is about is on every page"
            await seat.press("right_square_bracket")
        assert fronts == ["Fields", "History", "Contracts", "Energy", "Requests"] and "[Fields]" in seat.pane
        await seat.press("left_square_bracket")
        assert "[Requests]" in seat.pane


async def test_pane_scrolls_to_its_last_line_and_back(deck_home: Path) -> None:
    async with seated(deck_home, size=NORMAL) as seat:
        assert "Protocol" in seat.pane and "CER" not in seat.pane and "J K scroll" in seat.pane and "more" in seat.pane
        await seat.press(*["J"] * 9)
        assert "Numbers and addresses are masked; m shows them." in squeezed(seat.pane)
        assert "more" not in seat.pane and "! The utility" not in seat.pane
        await seat.press(*["K"] * 9)
        assert "! The utility's answer was due on 2026-10-09" in squeezed(seat.pane)
        await seat.press("J", "down")
        assert "Status" in seat.pane, "another migration is shown from its top"


async def test_history_begins_when_it_was_first_seen_and_grows_with_what_changes(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.press("down", "right_square_bracket")
        assert "2026-10-14 10:00  first seen" in seat.pane
        seat.simulator.reject(seat.table.cursor_id, "Unidade não elegível")
        await seat.refresh()
        assert "CRIADA → REPROVADA" in seat.pane and "Unidade não elegível" in squeezed(seat.pane)
        await seat.filter("alert:yes status:reprovada")
        assert "! REPROVADA" in seat.row, "a refusal found in this session wants attention"
        await seat.press("left_square_bracket")
        assert "! The utility has refused it: Unidade" in squeezed(seat.pane)


async def test_only_the_row_on_which_the_cursor_rests_is_asked_about_and_once(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.press("right_square_bracket", "right_square_bracket")
        await seat.press(*["down"] * 5)
        assert seat.wire.asked("contratos") == []
        for _ in range(4):
            await seat.wait(0.1)
        assert len(seat.wire.asked("contratos")) == 1, "a screen that is painted often still lets the cursor rest"
        await seat.press("up")
        await seat.rest()
        await seat.press("down")
        await seat.rest()
        units = [request.partition("codigoUnidadeConsumidora=")[2][:15] for request in seat.wire.asked("contratos")]
        assert len(units) == len(set(units)) == 2
        await seat.refresh()
        await seat.rest()
        assert len(seat.wire.asked("contratos")) == 3, "a newer list asks again, about this row alone"


async def test_page_that_is_passed_is_not_asked_for(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        await seat.press(*["right_square_bracket"] * 5)
        await seat.rest()
        await seat.press("right_square_bracket", "right_square_bracket", "d")
        await seat.rest()
        assert len(seat.wire.requests) == 3, "the three pages of the list"


async def test_contracts_energy_and_requests_of_a_unit_are_shown(deck_home: Path) -> None:
    async with seated(deck_home, script=Script(measurements=energy()), size=NORMAL) as seat:
        await seat.filter("status:conc month:2026-08")
        await seat.press("right_square_bracket", "right_square_bracket")
        await seat.rest()
        assert "CONCLUIDO" in seat.pane and "(consumer): ASSINADO" in squeezed(seat.pane)
        await seat.press("right_square_bracket")
        await seat.rest()
        assert "Energy in Oct 2026" in seat.pane and "Energy on 13 Oct 2026" in seat.pane
        assert seat.pane.count("█") > 60 and "kWh in 13 days." in seat.pane
        await seat.press("right_square_bracket")
        await seat.rest()
        assert "No change request in the last year." in seat.pane


async def test_second_chart_is_below_the_first_where_both_do_not_fit(deck_home: Path) -> None:
    async with seated(deck_home, script=Script(measurements=energy()), size=SMALL) as seat:
        await seat.press("enter", *["right_square_bracket"] * 3)
        await seat.rest()
        assert "Energy in Oct 2026" in seat.pane and "Energy on 13 Oct" not in seat.pane
        await seat.press(*["J"] * 4)
        assert "Energy on 13 Oct 2026" in seat.pane and "kWh in 24 hours." in seat.pane


async def test_what_cannot_be_read_says_why_and_a_refresh_asks_again(
    deck_home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    script = Script(contracts=Unreachable("no route to host"), requests=KeyError("unexpected"))
    async with seated(deck_home, script=script) as seat:
        await seat.press("right_square_bracket", "right_square_bracket")
        await seat.rest()
        assert "Contracts could not be read: no route to host. r tries again." in squeezed(seat.pane)
        script.contracts = ()
        await seat.wait(1)
        assert "could not be read" in seat.pane, "a failure is not asked for again by itself"
        await seat.refresh()
        await seat.rest()
        assert "could not be read" not in seat.pane and "No contract of this unit." in seat.pane
        await seat.press("right_square_bracket", "right_square_bracket")
        await seat.rest()
        assert "Requests: internal error (KeyError); the log has the details." in squeezed(seat.pane)
        for _ in range(3):
            await seat.rest()
        assert len(caplog.records) == 1, "asked once"


async def test_numbers_and_addresses_are_masked_until_asked(deck_home: Path) -> None:
    script = Script(answer=[migration(1)])
    async with seated(deck_home, script=script, size=(200, 40)) as seat:
        await seat.press("d")
        assert "**.***.***/0001-81" in seat.text and "u***@example.com" in seat.text
        assert "11.222.333/0001-81" not in seat.text
        await seat.press("m")
        assert "11.222.333/0001-81" in seat.text and "uc@example.com" in seat.text
        await seat.press("d")
        assert "11.222.333/0001-81" in seat.pane
        await seat.press("m")
        assert "11.222.333/0001-81" not in seat.text and "uc@example.com" not in seat.text


async def test_summary_is_a_page_of_its_own(deck_home: Path) -> None:
    async with seated(deck_home, size=SMALL) as seat:
        await seat.press("b")
        assert isinstance(seat.app.screen, SummaryPage)
        assert "Summary of ccee/varejo-a" in seat.text and " REPROVADA ENCERRADA " in seat.text
        seen = seat.text
        for _ in range(4):
            await seat.press(*["J"] * 10)
            seen += seat.text
        for words in ("Waiting for the utility, business days", "Refused 13 of 97 answers, 13 %", "MUSD of completed",
                      "Utilities", "6 answers overdue"):  # fmt: skip
            assert words in seen, words
        await seat.press("escape")
        assert seat.app.focused is seat.table
        await seat.press("b", "b")
        assert seat.app.focused is seat.table


# Sizes


async def test_nothing_is_out_of_reach_in_80_by_24_without_colour(
    deck_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with seated(deck_home, size=SMALL, ascii=True) as seat:
        assert "overdue 2 days" in seat.row and "! CRIADA" in seat.row and seat.row.startswith(">")
        assert "131 CRIADA 24 CONCLUIDA 83 REPROVADA 13 ENCERRADA 1 CANCELADA 8 EXPIRADA 2" in seat.counts
        assert seat.table.text.isascii() and seat.counts.isascii() and "Answer due" in seat.titles
        await seat.filter("status:criada")
        await seat.press("enter")
        assert "[Fields]" in seat.pane and "0.004.003.982.028-90" in seat.pane and "esc table" in seat.pane
        await seat.press("down")
        assert "0.004.004.010.029-78" in seat.pane, "the cursor walks behind the pane"
        await seat.press(*["right_square_bracket"] * 4)
        await seat.rest()
        assert "[Requests]" in seat.pane and "No change request" in seat.pane
        await seat.press("escape")
        assert seat.pane == "" and "CRIADA" in seat.looking and len(seat.ids) == 24, "the pane goes before the filter"
        await seat.press("escape")
        assert "all migrations" in seat.looking
        for strip in seat.strips:
            assert not any(part.style and (part.style.color or part.style.bgcolor) for part in strip), strip.text


async def test_screen_fits_the_smallest_terminal(deck_home: Path) -> None:
    async with seated(deck_home, size=(60, 18)) as seat:
        for keys in ((), ("enter",), ("escape", "b"), ("b", "n"), ("escape", "v"), ("escape", "slash")):
            await seat.press(*keys)
            assert all(cell_width(line) <= 60 for line in seat.lines)
        await seat.press("escape")
        assert "overdue 2 days" in seat.row and "CRIADA" in seat.row and "0.004.003.982.028-90" in seat.row


async def test_pane_follows_the_width_unless_a_person_has_chosen(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        assert "[Fields]" in seat.text
        await seat.resize(100, 30)
        assert "[Fields]" not in seat.text and "overdue 2 days" in seat.row
        await seat.resize(120, 36)
        assert "[Fields]" in seat.text
        await seat.press("d")
        await seat.resize(130, 36)
        assert "[Fields]" not in seat.text and "Requested" in seat.titles
        await seat.press("escape")
        assert "[Fields]" in seat.text


# Links


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("token-401", "check client_id, client_secret and the URL"), ("agent-mismatch", "check agent_code and client_id")],
)
async def test_refused_says_what_to_look_at(deck_home: Path, fault: str, reason: str) -> None:
    async with seated(deck_home, fault, size=SMALL) as seat:
        assert "refused" in seat.header
        assert reason in squeezed(seat.notice) and "r tries again" in squeezed(seat.notice)
        assert "No data: CCEE does not accept the credentials. r tries again." in seat.table.text
        seat.simulator.clear_faults()
        await seat.refresh()
        assert "live" in seat.header and len(seat.ids) == 131 and not seat.notice


async def test_down_from_the_start_is_a_state_with_words(deck_home: Path) -> None:
    async with seated(deck_home, prepare=cut) as seat:
        assert "asking ccee/varejo-a for the first time" in seat.notice and "reading page 1" in seat.counts
        assert "Waiting for CCEE's first answer." in seat.table.text
        for _ in range(4):
            await seat.wait(5)
        assert "down" in seat.header and "next try in" in squeezed(seat.notice)
        assert "No data: CCEE does not answer. wattdeck keeps trying." in seat.table.text
        await seat.press("b")
        assert "No list has been read yet" in seat.notices[-1]
        await seat.press("n", "escape", "]", "x")
        assert "No migration is selected." in seat.notices[-1]


async def test_stale_keeps_the_list_and_says_why(deck_home: Path) -> None:
    async with seated(deck_home) as seat:
        seat.wire.cut = True
        await seat.wait(300)
        for _ in range(4):
            await seat.wait(5)
        assert "stale 5 min" in seat.header and "no connection could be made" in seat.notice
        assert len(seat.ids) == 131 and "next try in" in squeezed(seat.notice)
        await seat.press("down", "right_square_bracket", "right_square_bracket")
        await seat.rest()
        for _ in range(4):
            await seat.wait(5)
        assert "Contracts could not be read" in squeezed(seat.pane)


async def test_empty_list_says_which_months_were_asked_and_what_to_do(deck_home: Path) -> None:
    async with seated(deck_home, script=Script(answer=())) as seat:
        assert "No migration from Aug 2026 to Jul 2027. n creates one." in seat.table.text
        await seat.press("n")
        assert "New migration of retailer 200000" in seat.dialog


async def test_list_that_was_cut_short_says_so(deck_home: Path) -> None:
    async with seated(deck_home, bench={"max_migrations": 100}) as seat:
        assert "There is more than the 100 rows kept; max_migrations sets how many." in seat.notice
        assert len(seat.ids) == 100


async def test_text_of_the_wire_is_never_markup_and_an_unknown_state_is_shown(deck_home: Path) -> None:
    async with seated(deck_home, "hostile-text", "unknown-status", "nulls") as seat:
        await seat.press("G", "m", "right_square_bracket", "left_square_bracket")
        assert "\x1b" not in seat.text and "\u202e" not in seat.text
        assert "others" in seat.counts
        await seat.filter("status:criada,em_an")
        assert seat.looking.startswith(" CRIADA, EM_ANALISE") and len(set(seat.column("status"))) == 3
        await seat.press("b")
        assert "\x1b" not in seat.text


# Many


async def test_ten_thousand_rows_cost_a_page_of_them(deck_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    cells = present.Rows._cells

    def counted(self: present.Rows, each: Migration) -> Any:
        made.append(each.migration_id)
        return cells(self, each)

    monkeypatch.setattr(present.Rows, "_cells", counted)
    monkeypatch.setattr("wattdeck.systems.ccee.chronicle.Chronicle.note", lambda *arguments: ())
    statuses = ("CONCLUIDA", "CRIADA", "REPROVADA")
    many = [migration(number, statuses[number % 3]) for number in range(10_000)]
    async with seated(deck_home, script=Script(answer=many)) as seat:
        assert len(seat.table.rows) == 10_000 and number(10_000) in seat.counts
        assert len(made) <= 2 * NORMAL[1]
        made.clear()
        await seat.press("G")
        assert len(made) <= NORMAL[1]
        made.clear()
        await seat.press("up", "up", "pageup", "m", "m")
        assert len(made) <= 6 * NORMAL[1]
        rows = seat.table.rows
        made.clear()
        for _ in range(3):
            await seat.wait(1)
        assert seat.table.rows is rows and made == []
        script_row = replace(many[0], status="CRIADA")
        seat.script.answer = [script_row, *many[1:]]
        await seat.refresh()
        assert seat.table.rows is not rows and len(made) <= NORMAL[1]


async def test_long_list_that_is_read_again_shows_how_far_it_is(deck_home: Path) -> None:
    async with seated(deck_home, "page-size=10") as seat:
        seat.wire.pages_before_hold = 8
        await seat.refresh()
        assert "reading page 9, 80 of about 131 rows" in seat.counts and "131 migrations" in seat.counts
        seat.wire.release()
        await settle(seat.app)
        await seat.tick()
        assert "6 answers overdue" in seat.counts


# Changes


async def test_migration_is_created_changed_and_cancelled_and_each_is_read_back(deck_home: Path) -> None:
    async with seated(deck_home, size=SMALL) as seat:
        await seat.press("n")
        await seat.fill(UNIT, "100000", "", CNPJ, "", "", "uc@example.com", "A4", "n", "r", "por favor")
        await seat.press("enter")
        assert "Take control?" in seat.dialog and not seat.wire.asked("POST")
        await seat.wait(0.5)
        await seat.press("y")
        for words in ("Create a migration of UC 0.000.001.234.001-59?",
                      "Month: 2026-11, retailer 200000, profile 200100", "Comment: por favor",
                      "CNPJ **.***.***/0001-81, e-mail u***@example.com", "Now: no active migration"):  # fmt: skip
            assert words in seat.dialog, words
        assert not seat.wire.asked("POST")
        await seat.confirm()
        assert len(seat.wire.asked("POST /v2/varejista/migracoes")) == 1
        assert seat.notices == [
            "UC 0.000.001.234.001-59 is created for 2026-11, profile 200100, as read back from ccee/varejo-a."
        ]
        assert "132 CRIADA 25" in seat.counts
        await seat.filter("0.000.001.234.001-59")
        chosen = seat.table.cursor_id
        assert "CRIADA" in seat.row and "5 business days" in seat.row and "Nov 2026" in seat.row
        await seat.press("n")
        assert UNIT not in seat.dialog, "what was sent is not offered again"
        await seat.press("escape", "E", "ctrl+u")
        await seat.fill("2027-02", *[""] * 5)
        await seat.press("enter")
        assert "Change the migration of UC 0.000.001.234.001-59?" in seat.dialog
        await seat.confirm()
        assert len(seat.wire.asked(f"PUT /v2/varejista/migracoes/{chosen}")) == 1
        assert seat.table.cursor_id == chosen and "Feb 2027" in seat.row
        await seat.press("x")
        assert "Cancel the migration of" in seat.dialog and "There is no way back" in squeezed(seat.dialog)
        await seat.confirm()
        assert seat.wire.asked(f"DELETE /v1/varejista/migracoes/{chosen}")
        assert "CANCELADA" in seat.row and "is withdrawn" in seat.notices[-1]
        await seat.press("enter", "J", *["J"] * 8)
        assert "Last command" in seat.pane and "is withdrawn" in squeezed(seat.pane)


async def test_command_without_an_answer_is_said_to_be_under_way(deck_home: Path) -> None:
    async with seated(deck_home, size=SMALL) as seat:
        seat.wire.hold_writes = True
        await seat.press("n")
        await seat.fill(UNIT, "100000", "", *_rest_of_form())
        await seat.press("enter")
        await seat.confirm()
        wanted = "◌ UC 0.000.001.234.001-59 → created for 2026-11, profile 200100: sent, no answer yet"
        assert wanted in squeezed(seat.notice) and "131" in seat.counts
        await seat.press("down", "b", "b")
        seat.wire.release()
        await seat.confirm()
        assert seat.notice == "" and "132" in seat.counts and "is created for 2026-11" in seat.notices[-1]


async def test_duplicate_is_refused_with_what_stands_in_its_way(deck_home: Path) -> None:
    async with seated(deck_home, size=SMALL) as seat:
        unit = seat.screen_view.shown[0].consumer_unit_code
        await seat.press("n")
        await seat.fill(unit, "100000", "", *_rest_of_form())
        assert "has an active migration already (CRIADA, 2026-11)" in squeezed(seat.dialog)
        await seat.press("enter")
        await seat.confirm()
        assert "has an active migration already (CRIADA, 2026-11, profile 200100): CCEE allows one" in seat.notices[-1]
        assert not seat.wire.asked("POST")
        other = next(
            each for each in seat.simulator.store._migrations.values()
            if each.profile == OTHER_PROFILE and each.status == "CRIADA"
        )  # fmt: skip
        await seat.press("n")
        assert unit in seat.dialog, "a refused draft can be corrected"
        await seat.press("ctrl+u")
        await seat.fill(other.unit, *[""] * 10)
        await seat.press("enter")
        await seat.confirm()
        assert len(seat.wire.asked("POST")) == 1, "a duplicate that CCEE alone knows of is refused by it"
        assert "Nothing was changed" in seat.notices[-1] and "131" in seat.counts


async def test_migration_that_is_answered_cannot_be_changed_and_no_form_opens(deck_home: Path) -> None:
    async with seated(deck_home, size=SMALL) as seat:
        await seat.filter("status:conc")
        for key, what in (("E", "changed"), ("x", "cancelled")):
            await seat.press(key)
            words = f"The migration is CONCLUIDA; only one that is CRIADA (waiting for the utility) can be {what}."
            assert seat.dialog == "" and words in seat.notices[-1]


@pytest.mark.parametrize(
    ("options", "words"),
    [({"read_only": True, "ui": UiConfig(read_only=True)}, "read-only"), ({"bench": {"control": False}}, "control")],
)
async def test_read_only_is_said_before_any_form_is_filled(
    deck_home: Path, options: dict[str, Any], words: str
) -> None:
    async with seated(deck_home, size=SMALL, **options) as seat:
        for key in "nEx":
            await seat.press(key)
            assert seat.dialog == "" and words in seat.notices[-1]


async def test_keys_of_one_burst_land_in_their_order(deck_home: Path) -> None:
    async with seated(deck_home, size=SMALL) as seat:
        await seat.press("n")
        unit = [*UNIT, "tab", *"100000", "tab", "right", "left", "down", *CNPJ, "tab", "tab", "tab"]
        email = [*"ucx", "backspace", "home", *"the-", "end", *"@example.com", "tab"]
        terms = [*"A4", "enter", "n", "tab", "right", "right", "left", "tab", *"oi", "space", *"tudo", "tab"]
        await seat.burst(*unit, *email, *terms, "enter", "n", "9")
        assert "Take control?" in seat.dialog
        await seat.wait(0.5)
        await seat.press("y")
        for words in ("UC 0.000.001.234.001-59, utility 100000", "**.***.***/0001-81, e-mail t***@example.com",
                      "Tariff: A4, not formalised, REGULAR", "Comment: oi tudo"):  # fmt: skip
            assert words in seat.dialog, words


async def test_form_that_was_left_offers_its_text_again_and_a_burst_harms_nothing(deck_home: Path) -> None:
    async with seated(deck_home, size=SMALL) as seat:
        await seat.press("n")
        await seat.burst(*"123", "escape", *"456", "tab", "enter")
        assert seat.dialog == ""
        await seat.press("n")
        assert " 123 " in squeezed(seat.dialog) and "456" not in seat.dialog
        await seat.burst(*["down"] * 15, "enter", "end", *"45")
        assert " 12345 " in squeezed(seat.dialog), "Enter with a mistake leads to it before the next key is looked at"
        await seat.burst("ctrl+c", "ctrl+s", "f5", *"67")
        assert " 1234567 " in squeezed(seat.dialog)


async def test_keys_of_the_form_can_be_others(deck_home: Path) -> None:
    async with seated(deck_home, size=SMALL, ui=UiConfig(keys={"form.next": "ctrl+n"})) as seat:
        await seat.press("n")
        await seat.burst(*UNIT, "ctrl+n", *"100000")
        assert f"Consumer unit {UNIT} " in squeezed(seat.dialog) and "Utility 100000" in squeezed(seat.dialog)


def _rest_of_form() -> tuple[str, ...]:
    return (TYPED["document_number"], "", "", TYPED["email"], "A4", "n", "r", "")
