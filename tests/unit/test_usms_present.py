"""What the USMS screen and report say: sentences, marks and figures, from models alone."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wattdeck.core.asked import Answers
from wattdeck.core.errors import AuthError, Unreachable
from wattdeck.core.lines import Line, line_width, plain
from wattdeck.core.reading import Link, Reading
from wattdeck.core.units import ASCII, UNICODE
from wattdeck.systems.usms import costs, drawing, present
from wattdeck.systems.usms.drawing import TierStep
from wattdeck.systems.usms.models import (
    BRUNEI,
    AccountSnapshot,
    ConsumptionSnapshot,
    Kind,
    Meter,
    MonthCost,
    Period,
    Point,
    Projection,
    Series,
    TierCost,
    TopUp,
    TopUpPage,
)
from wattdeck.systems.usms.question import failure_words
from wattdeck.systems.usms.report import text_lines
from wattdeck.systems.usms.walk import Stretch, View

NOW = datetime(2026, 10, 14, 7, 0, tzinfo=UTC)
TODAY = date(2026, 10, 14)
METER = Meter(
    "12345678", Kind.ELECTRICITY, "ACTIVE", 1971.317, "kWh", 174.10, datetime(2026, 10, 14, 14, 30, tzinfo=BRUNEI)
)
WATER = Meter("2402007817", Kind.WATER, "ACTIVE", 228.625, "m3", 25.14, datetime(2026, 10, 12, tzinfo=BRUNEI), True)
PROJECTION = Projection(1484.0, 76.72, 48.5, datetime(2026, 11, 24, 6, 29, tzinfo=BRUNEI))
MONTH = MonthCost("12345678", date(2026, 10, 1), 735.0, 13, 16.80,
                  (TierCost(1, 0.01, 600.0, 6.0), TierCost(2, 0.08, 135.0, 10.80)), PROJECTION)  # fmt: skip
STEPS = (TierStep(2, 600.0, 0.08), TierStep(3, 2000.0, 0.10))
OCTOBER = Stretch(Period.DAY, date(2026, 10, 1))


ACCOUNT = AccountSnapshot("AWANG CONTOH", (METER, WATER))
CONSUMPTION = ConsumptionSnapshot((), MONTH, (MONTH,))


def account(
    meters: AccountSnapshot | None = ACCOUNT,
    link: Link = Link.LIVE,
    problem: str = "",
    consumption: ConsumptionSnapshot | None = CONSUMPTION,
) -> list[Reading[object]]:
    return [
        Reading("usms/contoh", "meters", meters, link, NOW, problem),
        Reading("usms/contoh", "consumption", consumption, link, NOW, problem),
    ]


def days(stretch: Stretch, *values: float | None) -> list[Point]:
    return [Point(edge, value) for edge, value in zip(stretch.edges, values, strict=False)]


def text(lines: list[Line]) -> str:
    return " ".join(plain(lines).split())


# Walking


@given(
    period=st.sampled_from(Period),
    today=st.dates(date(2001, 1, 1), date(2100, 1, 1)),
    steps=st.lists(st.sampled_from(["earlier", "later", "closer", "wider"]), max_size=40),
)
def test_walking_never_leaves_the_calendar_and_never_goes_beyond_today(
    period: Period, today: date, steps: list[str]
) -> None:
    view = View(period)
    for step in steps:
        match step:
            case "earlier":
                view = view.walk(-1, today)
            case "later":
                view = view.walk(1, today)
            case _:
                view = view.zoom(-1 if step == "closer" else 1)
        stretch = view.stretch(today)
        assert date(2000, 1, 1) <= stretch.first <= today
        assert len(stretch.names) == len(stretch.edges) - 1
        assert stretch.next.before == stretch and stretch.before.next == stretch


@given(period=st.sampled_from(Period), today=st.dates(date(2002, 1, 1), date(2100, 1, 1)))
def test_one_step_back_and_one_forth_is_today_again_and_follows_it(period: Period, today: date) -> None:
    view = View(period).walk(-1, today).walk(1, today)
    assert view == View(period)
    assert view.walk(1, today) == view


def test_stretches_have_the_bars_of_the_calendar() -> None:
    assert len(Stretch(Period.DAY, date(2028, 2, 1)).names) == 29
    assert len(Stretch(Period.DAY, date(2026, 2, 1)).names) == 28
    assert Stretch(Period.HOUR, TODAY).names[0] == "00" and len(Stretch(Period.HOUR, TODAY).names) == 24
    assert Stretch(Period.DAY, date(2026, 12, 1)).next == Stretch(Period.DAY, date(2027, 1, 1))
    assert Stretch(Period.MONTH, date(2026, 1, 1)).before.words == "2025"
    assert Stretch(Period.HOUR, TODAY).words == "Wednesday 14 October 2026"


def test_values_are_placed_by_their_time_in_whatever_zone() -> None:
    points = [Point(datetime(2026, 9, 30, 16, tzinfo=UTC), 7.0), Point(datetime(2026, 10, 2, 8, tzinfo=BRUNEI), 9.0)]
    values = OCTOBER.values(points)
    assert values[0] == 7.0 and values[1:] == (None,) * 30


def test_zoom_keeps_the_place() -> None:
    back = View().walk(-1, TODAY)
    assert back.zoom(-1).stretch(TODAY) == Stretch(Period.HOUR, date(2026, 9, 1))
    assert back.zoom(1).stretch(TODAY) == Stretch(Period.MONTH, date(2026, 1, 1))
    assert View().zoom(-1).zoom(-1).zoom(1).zoom(1).zoom(1) == View(Period.MONTH)


# What is said of a stretch


def test_mark_stands_where_the_month_goes_beyond_a_tier() -> None:
    chart = drawing.chart(OCTOBER, METER, days(OCTOBER, 300.0, 299.0, 2.0, 5.0), (), STEPS, NOW)
    assert chart.marks == {2} and chart.boundary is None
    assert "▲ 3 October: past 600 kWh, then B$0.08 a kWh." in chart.sentences


def test_exactly_the_tier_is_not_beyond_it() -> None:
    assert drawing.crossings((300.0, 300.0, 0.0, 0.001), STEPS) == {3: STEPS[0]}


def test_day_through_two_tiers_is_marked_once_with_the_higher() -> None:
    assert drawing.crossings((10.0, 3000.0), STEPS) == {1: STEPS[1]}


def test_missing_days_make_the_mark_a_latest_day() -> None:
    chart = drawing.chart(OCTOBER, METER, days(OCTOBER, 300.0, None, 400.0), (), STEPS, NOW)
    assert any("3 October at the latest: past 600 kWh" in words for words in chart.sentences)


def test_before_the_tier_it_says_how_far_it_is() -> None:
    chart = drawing.chart(OCTOBER, METER, days(OCTOBER, 100.0, 50.0), (), STEPS, NOW)
    assert "450.00 kWh to go to 600 kWh, where tier 2 begins." in chart.sentences


def test_whole_month_below_the_tier_says_so_only_if_every_day_is_known() -> None:
    september = Stretch(Period.DAY, date(2026, 9, 1))
    full = drawing.chart(september, METER, days(september, *[5.0] * 30), (), STEPS, NOW)
    holed = drawing.chart(september, METER, days(september, *[5.0] * 29), (), STEPS, NOW)
    assert "The month stayed below 600 kWh, where tier 2 begins." in full.sentences
    assert not any("stayed below" in words for words in holed.sentences)


@pytest.mark.parametrize(("high", "line"), [(500.0, 600.0), (900.0, 600.0), (2500.0, 2000.0), (100.0, None)])
def test_months_have_the_line_that_matters(high: float, line: float | None) -> None:
    year = Stretch(Period.MONTH, date(2026, 1, 1))
    chart = drawing.chart(year, METER, days(year, high), (), STEPS, NOW)
    assert chart.boundary == line and not chart.marks
    assert any("Tier" in words for words in chart.sentences)


def test_running_month_is_compared_over_the_same_days_only() -> None:
    september = OCTOBER.before
    now = days(OCTOBER, 11.0, 11.0, 11.0)
    then = days(september, *[10.0] * 30)
    [words, *_] = drawing.chart(OCTOBER, METER, now, then, STEPS, NOW).sentences
    assert words == "33.00 kWh so far; over the 3 days known in both 10 % more than September (30.00 kWh)."


def test_full_months_are_compared_as_a_whole() -> None:
    august, july = Stretch(Period.DAY, date(2026, 8, 1)), Stretch(Period.DAY, date(2026, 7, 1))
    [words, *_] = drawing.chart(
        august, METER, days(august, *[9.0] * 31), days(july, *[10.0] * 31), STEPS, NOW
    ).sentences
    assert words == "279.00 kWh in all, 10 % less than July (310.00 kWh)."


def test_day_that_still_runs_is_not_compared() -> None:
    values = [None] * 13 + [4.0]
    [words, *_] = drawing.chart(
        OCTOBER, METER, days(OCTOBER, *values), days(OCTOBER.before, *[10.0] * 30), (), NOW
    ).sentences
    assert words == "4.00 kWh so far."


@pytest.mark.parametrize(
    ("value", "before", "words"),
    [
        (10.0, 0.0, "against nothing in September"),
        (0.0, 0.0, "as little as in September"),
        (10.0, 10.0, "as much as September (10.00 kWh)"),
        (200.0, 10.0, "20 times as much as September (10.00 kWh)"),
    ],
)
def test_comparison_has_words_for_every_case(value: float, before: float, words: str) -> None:
    [sentence, *_] = drawing.chart(
        OCTOBER, METER, days(OCTOBER, value), days(OCTOBER.before, before), (), NOW
    ).sentences
    assert words in sentence


def test_holes_are_said_and_days_to_come_are_none() -> None:
    values: list[float | None] = [1.0] * 13
    values[2] = values[3] = None
    assert (
        drawing.gap_words(OCTOBER, OCTOBER.values(days(OCTOBER, *values)), NOW)
        == "No value for 3 October and 4 October."
    )
    assert drawing.gap_words(OCTOBER, OCTOBER.values(days(OCTOBER, *[1.0] * 10)), NOW) == ""
    values[5:9] = [None] * 4
    assert drawing.gap_words(OCTOBER, OCTOBER.values(days(OCTOBER, *values)), NOW) == "No value for 6 of 12 days."
    september = OCTOBER.before
    words = drawing.gap_words(september, september.values(days(september, *[1.0] * 29)), NOW)
    assert words == "No value for 30 September."


def test_tariff_steps_are_those_of_the_published_tariff() -> None:
    assert [(step.tier, step.at) for step in drawing.tier_steps(Kind.ELECTRICITY, TODAY)] == [
        (2, 600),
        (3, 2000),
        (4, 4000),
    ]
    assert [(step.tier, step.at) for step in drawing.tier_steps(Kind.WATER, TODAY)] == [(2, 54.54)]
    assert drawing.tier_steps(Kind.ELECTRICITY, date(1900, 1, 1)) == ()


# Costs and credit


def test_costs_say_month_tiers_projection_and_the_day_the_credit_ends() -> None:
    words = text(costs.cost_lines(METER, MONTH, NOW, 80))
    assert "October to yesterday 735.00 kWh B$16.80" in words
    assert "tier 1 600.00 kWh at B$0.01 B$6.00 tier 2 135.00 kWh at B$0.08 B$10.80" in words
    assert "October expected 1 484 kWh B$76.72 at 48.50 kWh a day" in words
    assert words.endswith("At this pace the credit lasts until 24 November.")


def test_compact_costs_lose_no_tier() -> None:
    full, compact = (costs.cost_lines(METER, MONTH, NOW, 80, compact=short) for short in (False, True))
    assert len(compact) == len(full) - 1
    assert "tier 1 600.00 kWh B$6.00 · tier 2 135.00 kWh B$10.80" in text(compact)


def test_sum_that_lacks_days_is_said_to_be_too_low() -> None:
    assert "11 of 13 days known: really more" in text(costs.cost_lines(METER, replace(MONTH, days_known=11), NOW, 80))
    assert "really more" not in text(costs.cost_lines(METER, MONTH, NOW, 80))


@pytest.mark.parametrize(
    ("meter", "projection", "words"),
    [
        (METER, PROJECTION, "At this pace the credit lasts until 24 November."),
        (METER, replace(PROJECTION, runs_out_at=NOW + timedelta(days=100)), "until 22 January 2027."),
        (METER, replace(PROJECTION, runs_out_at=NOW + timedelta(days=2, hours=1)), "until 16 October. Top up soon."),
        (METER, replace(PROJECTION, runs_out_at=NOW - timedelta(hours=1)), "used up about now: top up."),
        (METER, replace(PROJECTION, runs_out_at=NOW + timedelta(days=4000)), "for more than two years."),
        (METER, None, "not known yet: no complete day has been read."),
        (METER, replace(PROJECTION, runs_out_at=None, rate_per_day=0.0), "Nothing is used at present"),
        (
            replace(METER, remaining_unit=None),
            replace(PROJECTION, runs_out_at=None),
            "shows no remaining unit just now",
        ),
        (replace(METER, credit_bnd=-5.0), PROJECTION, "B$5.00 are owed: top up"),
        (replace(METER, credit_bnd=0.0), PROJECTION, "The credit is used up: top up"),
    ],
)
def test_run_out_is_a_sentence_in_every_case(meter: Meter, projection: Projection | None, words: str) -> None:
    assert words in costs.run_out(meter, projection, NOW)[0]


def test_little_credit_has_a_mark_beside_its_colour() -> None:
    soon = replace(PROJECTION, runs_out_at=NOW + timedelta(days=5))
    sooner = replace(PROJECTION, runs_out_at=NOW + timedelta(days=1))
    assert costs.left_span(METER, soon, NOW) == ("! 5 d", "severity-medium")
    assert costs.left_span(METER, sooner, NOW) == ("!! 1 d", "severity-high")
    assert costs.left_span(METER, PROJECTION, NOW)[0] == "40 d"
    assert costs.left_span(METER, None, NOW)[0] == "–"
    assert costs.left_span(replace(METER, credit_bnd=-1.0), None, NOW)[0] == "!! 0 d"


# Meters


def test_meter_rows_carry_kind_status_remaining_credit_days_and_age() -> None:
    rows = present.meter_rows(present.Account.of(account()), NOW)
    keys = [column.key for column in present.COLUMNS]
    first, second = (dict(zip(keys, (cell for cell, _ in row.cells), strict=True)) for row in rows)
    assert first == {"meter": "12345678", "kind": "electricity", "status": "active", "remaining": "1 971.3 kWh",
                     "credit": "174.10", "left": "40 d", "age": "30 min"}  # fmt: skip
    assert second["remaining"] == "228.6 m³ " and second["left"] == "–" and second["age"] == "2 d"
    assert [row.id for row in rows] == ["12345678", "2402007817"]


def test_what_is_not_known_is_a_dash_never_zero() -> None:
    bare = Meter("1", Kind.ELECTRICITY, "", None, "kWh", None, None)
    [row] = present.meter_rows(present.Account.of(account(AccountSnapshot("", (bare,)))), NOW)
    assert [cell for cell, _ in row.cells][2:] == ["–"] * 5


def test_names_of_strangers_are_made_harmless() -> None:
    evil = replace(METER, status="\x1b[31mON\u202e", address="a\nb", number="12\x0734")
    snapshot = AccountSnapshot("\x1b]0;x\x07", (evil,))
    lines = present.about_lines(evil, present.Account.of(account(snapshot)), None, None, 60)
    shown = plain(lines) + "".join(
        cell for cell, _ in present.meter_rows(present.Account.of(account(snapshot)), NOW)[0].cells
    )
    assert all(character.isprintable() or character == "\n" for character in shown)


@pytest.mark.parametrize(
    ("link", "words"),
    [(Link.WAITING, "Waiting for the portal's first answer."), (Link.REFUSED, "Press l."), (Link.DOWN, "keeps trying")],
)
def test_empty_table_says_why_and_what_to_do(link: Link, words: str) -> None:
    assert words in present.no_meters_words(present.Account.of(account(None, link, consumption=None)))
    assert "no meter" in present.no_meters_words(present.Account.of(account(AccountSnapshot("", ()))))


def test_trouble_names_state_reason_and_next_step() -> None:
    assert present.trouble(present.Account.of(account()), NOW, 80, UNICODE) == []
    refused = text(
        present.trouble(present.Account.of(account(link=Link.REFUSED, problem="no session")), NOW, 80, UNICODE)
    )
    assert "refused" in refused and "press l" in refused and "no session" in refused
    stale = text(present.trouble(present.Account.of(account(link=Link.STALE, problem="no route")), NOW, 80, UNICODE))
    assert "stale" in stale and stale.count("no route") == 1


@given(width=st.integers(8, 200), ascii_only=st.booleans())
def test_lines_keep_to_their_width(width: int, ascii_only: bool) -> None:
    marks = ASCII if ascii_only else UNICODE
    one = present.Account.of(account(link=Link.REFUSED, problem="the session has ended " * 6))
    lines = present.trouble(one, NOW, width, marks)[1:]
    lines += present.progress_lines((120, 730), max(40, width), marks)
    lines += costs.wrap_lines("a sentence that is longer than a narrow region may be", width, 3)
    assert all(line_width(line) <= max(40, width) for line in lines)


def test_progress_is_a_bar_with_words() -> None:
    words = text(present.progress_lines((146, 730), 60))
    assert "Reading history" in words and "20 %" in words and "146 of 730 days" in words
    assert present.progress_lines(None, 60) == [] and present.progress_lines((0, 0), 60) == []


def test_top_ups_and_debt() -> None:
    bought = TopUp(
        datetime(2026, 10, 1, 2, 5, tzinfo=UTC), "TX1", "12345678", 50.0, 10.0, 40.0, 2000.0, "Cash", "Kedai"
    )
    [row] = present.top_up_rows([bought])
    assert [cell for cell, _ in row.cells][:6] == ["2026-10-01 10:05", "50.00", "10.00", "40.00", "2 000.00", "Kedai"]
    twins = present.top_up_rows([bought, bought])
    assert twins[0].id != twins[1].id
    assert present.page_words(TopUpPage("Residential", 0.0, None)) == ["Customer: Residential.", "No debt."]
    owing = TopUpPage("", 1234.56, 720.16, "-", 20.0)
    assert present.page_words(owing) == ["Debt B$1 234.56, of which B$720.16 remain.", "Repaid: B$20.00 a month."]


# Answers


def test_answers_are_asked_again_only_when_they_may_have_changed() -> None:
    kept: Answers[str, int] = Answers(limit=2)
    later = NOW + timedelta(minutes=15)
    assert kept.due("a", NOW, settled=True)
    kept.put("a", 1, NOW)
    assert not kept.due("a", NOW, settled=False) and not kept.due("a", later, settled=True)
    assert kept.due("a", later, settled=False)
    kept.fail("a", "no route", NOW)
    assert kept.value("a") == 1 and kept.problem("a") == "no route"
    assert not kept.due("a", NOW, settled=True) and kept.due("a", later, settled=True)
    kept.forget_failures()
    assert kept.due("a", NOW, settled=True)
    for key in "bcd":
        kept.put(key, 2, NOW)
    assert kept.value("b") is None and kept.value("c") == kept.value("d") == 2


def test_failures_say_what_to_press() -> None:
    assert failure_words(AuthError("session gone"), "March 2026").endswith("Press l.")
    assert failure_words(Unreachable("no route to host."), "March 2026") == (
        "March 2026 could not be read: no route to host. r tries again."
    )


# Report and first frame


def test_report_has_units_ages_costs_and_the_sentence() -> None:
    series = Series("12345678", Period.DAY, (Point(datetime(2026, 10, 13, tzinfo=BRUNEI), 51.25),))
    lines = text_lines(account(consumption=ConsumptionSnapshot((series,), MONTH, ())), NOW)
    assert lines[0] == "usms/contoh  meters  ● live 0 s"
    report = "\n".join(lines)
    for words in (
        "electricity 12345678   active, remaining 1 971.317 kWh, credit B$174.10, heard of 30 min ago",
        "remaining 228.625 m³",
        "last day: 51.250 kWh (13 October, 15 h ago)",
        "October to yesterday 735.00 kWh B$16.80",
        "At this pace the credit lasts until 24 November.",
    ):
        assert words in report


def test_report_without_data_says_why() -> None:
    lines = text_lines(account(None, Link.DOWN, "no route to host", None), NOW)
    assert lines.count("  problem: no route to host") == 2
    assert "  no answer yet" in text_lines(account(None, Link.WAITING, "", None), NOW)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_first_frame_fits_and_shows_the_meters(width: int) -> None:
    lines = present.first_lines(account(), NOW, width, UNICODE)
    assert all(line_width(line) <= width for line in lines)
    assert "12345678" in plain(lines)
    assert "Waiting" in plain(present.first_lines([], NOW, width, UNICODE))


def test_neither_sentences_nor_report_load_the_screen_library() -> None:
    modules = ", ".join(f"wattdeck.systems.usms.{name}" for name in ("present", "costs", "walk", "report", "question"))
    code = (
        f"import sys, {modules}, wattdeck.ui.bars; loaded = {{name.split('.')[0] for name in sys.modules}}; "
        "sys.exit(bool(loaded & {'textual', 'plotext', 'bs4', 'pydantic'}))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
