"""A distributor in a log or a mail: short whatever there is, and never silent about what is not known."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.reading import Link, Reading
from wattdeck.systems.aneel.aggregate import snapshot as aggregated
from wattdeck.systems.aneel.models import (
    BRASILIA,
    SLOT,
    BackfillSnapshot,
    DemandCount,
    DemandsSnapshot,
    Finding,
    Level,
    OutagesSnapshot,
    Row,
)
from wattdeck.systems.aneel.report import MOST_FINDINGS, MOST_PLACES, place_line, row_line, text_lines, total_words
from wattdeck.systems.aneel.universe import Universe

NOW = datetime(2026, 11, 20, 14, 10, tzinfo=BRASILIA)
SLOT_NOW = NOW.replace(minute=0)
BOA_VISTA = Row(16101, 1400100, 48210, 120, 35)
ALTO_ALEGRE = Row(16114, 1400050, 2000, 0, 900)


def snapshot(*rows: Row, before: tuple[Row, ...] | None = None, findings: tuple[Finding, ...] = ()) -> OutagesSnapshot:
    universe = Universe({1400100: 120_000, 1400050: 3000})
    universe.learn(rows, SLOT_NOW)
    return aggregated(
        rows,
        slot=SLOT_NOW,
        email="plantao.radar@distribuidora.example",
        universe=universe,
        names=name_of,
        before=before,
        since={(row.set_code, row.municipality_code): SLOT_NOW - 3 * SLOT for row in rows},
        chi_customer_h=None if before is None else 512.5,
        chi_missing_h=24.0 if before is None else 1.5,
        findings=findings,
    )


def name_of(code: int) -> str:
    return {1400100: "Boa Vista", 1400050: "Alto Alegre"}.get(code, f"code {code}")


def reading(made: OutagesSnapshot | None, **changes: Any) -> Reading[Any]:
    first = Reading("aneel/roraima", "outages", made, Link.LIVE, NOW - timedelta(seconds=5), interval_s=1800.0)
    return replace(first, **changes)


def lines(*readings: Reading[Any]) -> list[str]:
    return text_lines(readings, NOW)


def finding(number: int, level: Level = Level.ERROR, **changes: Any) -> Finding:
    made = Finding(
        "I10", level, f"interrupcaoFornecimento[{number}].ideMunicipio", "1400101", "1400100", "Wrong digit."
    )
    return replace(made, **changes)


def test_nothing_out_is_a_zero_in_words() -> None:
    head, first, *rest = lines(reading(snapshot(before=(BOA_VISTA,))))
    assert head.startswith("aneel/roraima  outages  ") and "live" in head
    assert first.startswith("  0 out") and "of 123 000 customers" in first
    assert any("155 restored" in line for line in rest)


def test_what_has_not_answered_says_so() -> None:
    head, words = lines(Reading("aneel/roraima", "outages"))
    assert "waiting" in head and words == "  no answer yet"


def test_a_refusal_and_status_2_are_problems_and_never_a_zero() -> None:
    for link, problem in ((Link.REFUSED, "the key is not accepted"), (Link.DOWN, "no data to give (status 2)")):
        head, words = lines(reading(None, link=link, problem=problem, taken_at=None))
        assert link.value in head and words == f"  problem: {problem}"


def test_what_is_stale_has_its_age_its_reason_and_its_figures() -> None:
    old = reading(snapshot(BOA_VISTA), link=Link.STALE, problem="status 2", taken_at=NOW - timedelta(minutes=42))
    head, problem, first, *_ = lines(old)
    assert "stale" in head and "42 min" in head and problem == "  problem: status 2" and "155 out" in first


def test_places_come_worst_first_with_their_figures() -> None:
    text = lines(reading(snapshot(BOA_VISTA, ALTO_ALEGRE, before=(BOA_VISTA,))))
    worst, other = [line for line in text if "planned" in line and " % " in line][-2:]
    assert " ".join(worst.split()) == "Alto Alegre 30.0 % critical 900 out of 3 000, planned 0, change +900"
    assert other.strip().startswith("Boa Vista")
    whole = "\n".join(text)
    assert "1 055 out" in whole and "2 municipalities" in whole and "CHI estimate, 1.5 h not known" in whole


def test_half_hours_are_counted() -> None:
    counted = Reading("aneel/roraima", "backfill", BackfillSnapshot(300, 36), Link.LIVE, NOW)
    assert lines(counted) == ["aneel/roraima  half hours known: 300, missing: 36"]


def test_half_hours_that_cannot_be_filled_in_say_why() -> None:
    for known in (None, BackfillSnapshot(300, 36)):
        broken = Reading("aneel/roraima", "backfill", known, Link.STALE, NOW, problem="no route")
        assert any("no route" in line for line in lines(broken))


def test_hundreds_of_municipalities_are_cut_and_counted() -> None:
    rows = [Row(10_000 + n, 3_100_000 + n, 1000, 0, 1 + n % 900) for n in range(853)]
    text = lines(reading(snapshot(*rows)))
    assert f"  and {853 - MOST_PLACES} more municipalities" in text
    assert len(text) < MOST_PLACES + 12 and all(len(line) < 140 for line in text)
    exactly = lines(reading(snapshot(*rows[:MOST_PLACES])))
    assert not any("more municipalities" in line for line in exactly)


def test_findings_come_worst_first_and_are_cut() -> None:
    many = (finding(0, Level.INFO, rule="I17"), *(finding(n) for n in range(30)))
    text = lines(reading(snapshot(BOA_VISTA, findings=many)))
    told = [line for line in text if " I10 at " in line or " I17 at " in line]
    assert len(told) == MOST_FINDINGS and told[0].startswith("  error I10 at interrupcaoFornecimento[0].ideMunicipio: ")
    assert text[-1] == f"  and {31 - MOST_FINDINGS} more findings"
    few = lines(reading(snapshot(BOA_VISTA, findings=many[:2])))
    assert [line.split()[:2] for line in few[-2:]] == [["error", "I10"], ["info", "I17"]]


def test_demands_are_told_with_what_is_wrong_with_them() -> None:
    count = DemandCount(1, 12, "1020901", 41, 96, 4, 38, 13)
    day = DemandsSnapshot((count,), 41, 96, 55, (finding(1, rule="D06", where="qtdRegistradaNoDia"),))
    text = lines(Reading("aneel/roraima", "demands", day, Link.LIVE, NOW))
    assert text[0].startswith("aneel/roraima  demands  ") and "41 in progress" in text[1] and "96 opened" in text[1]
    assert any("falta de energia" in line for line in text) and text[-1].startswith("  error D06 at ")
    empty = lines(Reading("aneel/roraima", "demands", DemandsSnapshot((), 0, 0, 0), Link.LIVE, NOW))
    assert "no demand today" in empty[-1]


def test_customers_that_are_not_known_are_not_zero() -> None:
    made = snapshot(Row(16101, 1302603, None, 0, 12))
    (place,), (row,) = made.municipalities, made.rows
    assert "12 out of" in place_line(place) and " 0.0 %" not in place_line(place) + row_line(row)
    assert "unknown" in row_line(row) and "100" not in row_line(row)
    assert "customers served not known" not in total_words(made)[0], "some of them are known"


@given(st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=40, deadline=None)
def test_no_strangers_text_reaches_a_terminal_raw(name: str, message: str) -> None:
    made = snapshot(BOA_VISTA, findings=(finding(0, where=name, message=message, found=message),))
    places = tuple(replace(each, name=name) for each in made.municipalities)
    text = lines(reading(replace(made, municipalities=places, email=name)))
    for line in [*text, row_line(replace(made.rows[0], municipality=name))]:
        assert not [each for each in line if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
