"""The simulated CCEE's store: what is there at the start, and what time does to it."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.systems.ccee import lifecycle, metering, numbering, paper
from wattdeck.systems.ccee.crowd import Crowd, place_of
from wattdeck.systems.ccee.exchange import Call, Refusal
from wattdeck.systems.ccee.faults import BOARD, FaultBoard
from wattdeck.systems.ccee.listing import page
from wattdeck.systems.ccee.models import BRASILIA, Status
from wattdeck.systems.ccee.months import add_months, first_day, month_of
from wattdeck.systems.ccee.records import MigrationRecord
from wattdeck.systems.ccee.registry import RETAILERS, UTILITIES, client_id_of, profiles_of
from wattdeck.systems.ccee.seeds import stock
from wattdeck.systems.ccee.store import Store

START = datetime(2026, 11, 25, 14, 0, tzinfo=BRASILIA)
"""A Wednesday; the Friday before was a holiday."""
TODAY = START.date()


def record(**changes: object) -> MigrationRecord:
    made = MigrationRecord("m", "u", 100000, "CNPJ", "1", 200000, 200100, "2027-05", TODAY, "e@x.example")
    for name, value in changes.items():
        setattr(made, name, value)
    return made


# identities and numbers


def test_there_are_thirty_retailers_and_thirty_utilities_of_the_sheets_shape() -> None:
    assert len(RETAILERS) == len(UTILITIES) == 30
    assert [profiles_of(agent) for agent in (200000, 200003, 200030, 200049, 400019)] == [
        (200100, 200101),
        (200130, 200131),
        (200300, 200301),
        (200490, 200491),
        (400019,),
    ]
    assert client_id_of(400019) == "CONCESSIONARIA_400019" and profiles_of(1) == ()


@pytest.mark.parametrize(
    ("base", "code"),
    [
        ("0000010000004", "000001000000471"),
        ("0013479258028", "001347925802810"),
        ("0000001234001", "000000123400159"),
        ("0000000000001", "000000000000130"),
        ("1234567890123", "123456789012320"),
    ],
)
def test_unit_codes_close_as_in_the_sheet(base: str, code: str) -> None:
    assert numbering.unit_code(base) == code and numbering.is_unit_code(code)


def test_documents_close_as_in_the_sheet() -> None:
    assert numbering.cpf("529982247") == "52998224725"
    assert numbering.cnpj("112223330001") == "11222333000181"
    assert numbering.cnpj("12ABC34501DE") == "12ABC34501DE35"
    assert not numbering.is_cpf("11111111111") and not numbering.is_cnpj("11222333000180")


@settings(max_examples=50)
@given(st.text("0123456789", min_size=13, max_size=13), st.integers(0, 14), st.integers(1, 9))
def test_one_wrong_digit_of_a_unit_code_is_mostly_found(base: str, place: int, change: int) -> None:
    code = numbering.unit_code(base)
    wrong = code[:place] + str((int(code[place]) + change) % 10) + code[place + 1 :]
    assert numbering.is_unit_code(code) and (
        not numbering.is_unit_code(wrong) or numbering.unit_code(wrong[:13]) == wrong
    )


# business days


@pytest.mark.parametrize(
    ("day", "is_one"),
    [
        (date(2026, 11, 20), False),
        (date(2026, 11, 21), False),
        (date(2026, 4, 3), False),
        (date(2027, 3, 26), False),
        (date(2026, 4, 6), True),
        (date(2026, 11, 23), True),
    ],
)
def test_weekends_and_national_holidays_are_no_business_days(day: date, is_one: bool) -> None:
    assert lifecycle.is_business_day(day) is is_one


@settings(max_examples=50)
@given(st.dates(date(2024, 1, 1), date(2100, 1, 1)), st.integers(1, 30))
def test_business_days_forward_and_back_meet(day: date, count: int) -> None:
    there = lifecycle.add_business_days(day, count)
    back = lifecycle.add_business_days(there, -count)
    assert lifecycle.is_business_day(there) and there > day
    assert lifecycle.add_business_days(back, count) == there


# what is there at the start


def test_the_first_profile_fills_three_pages_and_the_second_a_couple_of_dozen_rows() -> None:
    rows = stock(1, START, 200000).migrations
    counts = Counter(row.profile for row in rows)
    first, last = add_months(month_of(START), -2), add_months(month_of(START), 9)
    in_window = [row for row in rows if row.profile == 200100 and first <= row.month <= last]
    assert 100 < len(in_window) <= 150 and 20 <= counts[200101] <= 30


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(
    "start", [START, datetime(2026, 11, 21, tzinfo=BRASILIA), datetime(2027, 1, 1, tzinfo=BRASILIA)]
)
def test_every_seeded_row_makes_sense(seed: int, start: datetime) -> None:
    today = start.date()
    for retailer in (200000, 200005, 200049):
        rows = stock(seed, start, retailer).migrations
        assert len({row.id for row in rows}) == len(rows)
        active = Counter(row.unit for row in rows if row.active)
        assert max(active.values()) == 1, "a unit has one active migration"
        for row in rows:
            assert row.status in list(Status) and row.requested_on <= today
            assert (row.document_number is None) == (row.document_type == "CPF")
            assert row.document_number is None or numbering.is_cnpj(row.document_number)
            assert row.version == "v1" or numbering.is_unit_code(row.unit)
            assert (row.denounced_on is None) == (row.version == "v2")
            assert row.denounced_on is None or row.denounced_on <= row.requested_on
            assert (row.status == "REPROVADA") == (row.justification is not None)
            if row.version == "v2":
                assert (row.formalized == "SIM") == (row.formalized_on is not None) == (row.modality is None)
            if row.status in ("EXPIRADA", "ENCERRADA"):
                assert row.month < month_of(today)


def test_some_wait_with_their_answer_due_today_in_two_business_days_and_overdue() -> None:
    rows = [row for row in stock(1, START, 200000).migrations if row.status == "CRIADA" and row.profile == 200100]
    due = {lifecycle.deadline(row.requested_on) for row in rows}
    assert {TODAY, lifecycle.add_business_days(TODAY, 2), lifecycle.add_business_days(TODAY, -1)} <= due


def test_the_stock_varies() -> None:
    rows = stock(1, START, 200000).migrations
    assert {row.status for row in rows} == set(Status)
    assert {row.version for row in rows} == {"v1", "v1.1", "v2"}
    assert any(len(row.unit) < 15 for row in rows) and any(row.document_type == "CPF" for row in rows)
    assert len({row.justification for row in rows}) > 3 and len({row.utility for row in rows}) > 5


def test_the_same_seed_and_start_give_the_same_stock_and_another_seed_another() -> None:
    assert stock(1, START, 200000) == stock(1, START, 200000)
    assert stock(1, START, 200000) != stock(2, START, 200000)


def test_no_two_retailers_share_a_unit() -> None:
    store = make_store()
    store.make(UTILITIES[0])
    holders: dict[str, set[int]] = {}
    for agent in RETAILERS:
        for row in store.seen_by(agent):
            if len(row.unit) == 15:
                holders.setdefault(row.unit, set()).add(agent)
    assert len(holders) > 200 and all(len(agents) == 1 for agents in holders.values())


# life cycle


class Clock:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time


def make_store(clock: Clock | None = None, faults: FaultBoard | None = None) -> Store:
    return Store(1, START, clock or Clock(), faults or FaultBoard(BOARD))


def test_acceptance_fills_what_the_utility_knows() -> None:
    row = record(subgroup="A4", formalized="SIM")
    lifecycle.carry_out(row, "approve", TODAY, 1)
    assert row.status == "CONCLUIDA" and row.validated_on == TODAY and row.submarket in ("S", "SE", "NE", "N")
    assert None not in (row.musd, row.dhc, row.penalty, row.supplier, row.protocol, row.intended_month)
    assert row.utility_unit


def test_silence_completes_until_the_month_is_over_and_then_expires() -> None:
    completed, expired = record(month="2026-11"), record(month="2026-10")
    lifecycle.carry_out(completed, "lapse", TODAY, 1)
    lifecycle.carry_out(expired, "lapse", TODAY, 1)
    assert (completed.status, completed.musd) == ("CONCLUIDA", None) and completed.submarket
    assert expired.status == "EXPIRADA" and expired.submarket is None


def test_only_one_that_waits_is_answered() -> None:
    row = record(status="CANCELADA")
    with pytest.raises(ValueError, match="CANCELADA"):
        lifecycle.carry_out(row, "approve", TODAY, 1)
    with pytest.raises(ValueError, match="approve, reject and lapse"):
        lifecycle.carry_out(row, "bless", TODAY, 1)


def test_nobody_waits_for_ever_and_the_past_does_not_depend_on_who_looked_when() -> None:
    early, late = Clock(), Clock()
    one, other = make_store(early), make_store(late)
    one.make(200000)
    for store, clock in ((one, early), (other, late)):
        clock.time = START + timedelta(days=40)
        store.settle()
    ends = [{row.id: row.status for row in store.seen_by(200000)} for store in (one, other)]
    assert ends[0] == ends[1] and "CRIADA" not in ends[0].values()


def test_silent_utilities_leave_everything_to_ccee() -> None:
    faults, clock = FaultBoard(BOARD), Clock()
    faults.set("silent-utility")
    store = make_store(clock, faults)
    waiting = [row for row in store.seen_by(200000) if row.status == "CRIADA"]
    clock.time = START + timedelta(days=40)
    store.settle()
    assert {row.comment for row in waiting if row.status == "CONCLUIDA"} == {lifecycle.COMPULSORY}
    assert not any(row.status in ("CRIADA", "REPROVADA") for row in waiting)


# crowds


def crowd(count: int = 100_000) -> Crowd:
    return Crowd(1, TODAY, count, 200000, 200100, {})


def test_a_crowd_has_each_member_once_whatever_the_window() -> None:
    everyone = crowd(1000)
    first = add_months(month_of(TODAY), -2)
    halves = [(first, add_months(first, 3)), (add_months(first, 4), add_months(first, 11))]
    seen = [row.id for low, high in halves for row in everyone.window(low, high, "", "")[0:1000]]
    assert len(seen) == len(set(seen)) == 1000
    by_status = sum(len(everyone.window(first, add_months(first, 11), "", status)) for status in Status)
    assert by_status == 1000


def test_a_crowd_member_is_found_by_its_id_and_by_its_unit() -> None:
    everyone = crowd()
    first = add_months(month_of(TODAY), -2)
    window = everyone.window(first, add_months(first, 11), "", "CRIADA")
    row = window[len(window) - 1]
    assert row.status == "CRIADA" and place_of(row.id) is not None
    assert list(everyone.window(row.month, row.month, row.unit, "")) == [row]
    assert len(everyone.window(row.month, row.month, row.unit, "EXPIRADA")) == 0
    assert place_of("8c0f4b1e-6c1d-4a58-9a57-1f3a3a0d0001") is None


@settings(max_examples=30)
@given(st.integers(0, 2000), st.integers(1, 120))
def test_pages_cover_a_list_once(count: int, size: int) -> None:
    faults = FaultBoard(BOARD)
    seen: list[int] = []
    query: dict[str, str] = {}
    while True:
        got = page(range(count), "x", query, faults, lambda n: {"n": n}, size)
        seen += [row["n"] for row in got.rows]
        if got.cursor is None:
            break
        query["indexProximaPagina"] = str(got.cursor)
    assert seen == list(range(count))


@given(st.text(max_size=40))
def test_any_cursor_gives_a_page_or_a_refusal(cursor: str) -> None:
    refused = ""
    try:
        rows = page(range(9), "x", {"indexProximaPagina": cursor}, FaultBoard(BOARD), lambda n: {"n": n}).rows
    except Refusal as refusal:
        rows, refused = [], refusal.message
    assert len(rows) <= 9 and (not refused or refused == "indexProximaPagina: indice invalido")


# energy


def free(**changes: object) -> MigrationRecord:
    return record(unit="000000123400159", month="2026-10", status="CONCLUIDA", musd=100.0, **changes)


def series(start: str, end: str) -> metering.Series:
    moments = [datetime.fromisoformat(text).replace(tzinfo=BRASILIA) for text in (start, end)]
    return metering.Series(free(), 1, moments[0], moments[1], first_day("2026-10"), START)


def test_a_day_has_288_values_stamped_at_their_end() -> None:
    rows = series("2026-10-31T00:00:00", "2026-10-31T23:59:59")[0:1000]
    assert len(rows) == 288 and {row["diaReferencia"] for row in rows} == {"2026-10-31"}
    assert rows[0]["dataReferenciaConsumo"] == "2026-10-31T00:05:00-03:00"
    assert rows[-1]["dataReferenciaConsumo"] == "2026-11-01T00:00:00-03:00"


def test_nothing_is_there_before_the_month_of_freedom_nor_after_yesterday() -> None:
    assert len(series("2026-09-01T00:00:00", "2026-09-30T23:59:59")) == 0
    assert len(series("2026-11-24T00:00:00", "2026-11-30T23:59:59")) == 288
    assert len(series("2026-11-25T00:00:00", "2026-11-30T23:59:59")) == 0


def test_a_business_uses_more_by_day_than_by_night_and_on_sunday() -> None:
    def kwh(day: str, first: int, last: int) -> float:
        rows = series(f"{day}T00:00:00", f"{day}T23:59:59")[first * 12 : last * 12]
        return math.fsum(row["consumo"] for row in rows)

    assert kwh("2026-10-06", 9, 12) > 3 * kwh("2026-10-06", 1, 4)
    assert kwh("2026-10-04", 0, 24) < 0.6 * kwh("2026-10-06", 0, 24)
    assert 500 < kwh("2026-10-06", 0, 24) < 1600, "about 50 kW on average at 100 kW of demand"


@settings(max_examples=25)
@given(st.integers(0, 8000), st.integers(0, 400))
def test_a_slice_of_a_series_is_what_the_whole_says(start: int, length: int) -> None:
    whole = series("2026-10-01T00:00:00", "2026-10-31T23:59:59")
    part = whole[start : start + length]
    assert len(part) == max(0, min(length, len(whole) - start))
    if part:
        assert part[0] == whole[start] and part[-1] == whole[start + len(part) - 1]


def test_a_contract_on_paper_is_a_pdf_whose_table_points_at_its_objects() -> None:
    store = make_store()
    contract = next(iter(store.contracts(200000).values()))
    content = paper.pdf(contract, START)
    assert content.startswith(b"%PDF-1.4") and content.rstrip().endswith(b"%%EOF")
    start = int(content.rsplit(b"startxref\n", 1)[1].split()[0])
    assert content[start : start + 4] == b"xref"
    for number, line in enumerate(content[start:].split(b"\n")[3:8], 1):
        assert content[int(line[:10]) :].startswith(b"%d 0 obj" % number)


def test_a_window_of_another_profile_is_another_list() -> None:
    store = make_store()

    def ids(profile: int) -> set[str]:
        call = Call("v2", 200000, profile, False, {})
        window = store.window(call, "2026-01", "2027-12", "", "")
        return {row.id for row in window[0 : len(window)]}

    assert ids(200100) and ids(200101) and not ids(200100) & ids(200101)
