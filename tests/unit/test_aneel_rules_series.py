"""Each rule that takes several answers: its example that keeps it, and one that breaks it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest

from aneel_checks import NOW, RORAIMA, count, demands, envelope, exchange, failure, outages, row
from wattdeck.systems.aneel.conformance import Context, Series
from wattdeck.systems.aneel.conformance import past as past_module
from wattdeck.systems.aneel.conformance import polls as polls_module
from wattdeck.systems.aneel.exchange import Exchange, Route
from wattdeck.systems.aneel.models import Finding, Level
from wattdeck.systems.aneel.times import format_recovery

HALF_HOUR = timedelta(minutes=30)
MORNING = NOW - timedelta(hours=8)
"""06:00 in Brasília."""


def told(answers: Iterable[Exchange], context: Context = RORAIMA) -> list[Finding]:
    series = Series(context)
    return [finding for answer in answers for finding in series.add(answer)]


def names(answers: Iterable[Exchange]) -> set[str]:
    return {finding.rule for finding in told(answers)}


def out(customers: int, **other: Any) -> dict[str, Any]:
    """An answer with so many customers out; none: no rows."""
    if not customers:
        return outages()
    return outages(row(qtdOcorrenciaNaoProgramada=customers, qtdOcorrenciaProgramada=0, **other))


def polls(*customers: int, start: datetime = NOW, step: timedelta = HALF_HOUR) -> list[Exchange]:
    return [exchange(out(number), at=start + index * step) for index, number in enumerate(customers)]


def day(counts: Iterable[tuple[datetime, list[dict[str, Any]]]]) -> list[Exchange]:
    return [exchange(demands(*rows), "demands", at=at) for at, rows in counts]


def past(moment: datetime, body: Any, at: datetime = NOW) -> Exchange:
    return exchange(body, asked={"dthRecuperacao": format_recovery(moment)}, at=at)


def test_e11_the_same_address_everywhere() -> None:
    other = exchange(failure(emailIndisponibilidade="outro@distribuidora.example"), code=401)

    assert names([exchange(envelope())] * 3) == set()
    (finding,) = told([exchange(envelope()), other])
    assert finding.rule == "E11"
    assert "outro" not in finding.found and "plantao" not in finding.found


def test_e11_is_told_of_once_when_the_address_changes_for_good() -> None:
    new = exchange(envelope(emailIndisponibilidade="novo@distribuidora.example"))

    assert len(told([exchange(envelope()), new, new, new])) == 1


def test_e11_looks_into_a_wrapped_refusal_as_well() -> None:
    other = exchange({"detail": failure(emailIndisponibilidade="outro@distribuidora.example")}, code=401)

    assert names([exchange(envelope()), other]) == {"E11"}


def test_x01_content_has_to_move_while_anybody_is_out() -> None:
    assert names(polls(310, 311, 312, 310, 290)) == set()
    assert names(polls(310, 310, 310, 310)) == set()
    assert names(polls(310, 310, 310, 310, 310)) == {"X01"}
    assert names(polls(0, 0, 0, 0, 0, 0)) == set()


def test_x01_takes_time_and_not_only_answers() -> None:
    assert names(polls(*[310] * 8, step=timedelta(seconds=60))) == set()
    quick = Context.of(state="RR", frozen_after_s=5)
    assert {finding.rule for finding in told(polls(*[310] * 4, step=timedelta(seconds=2)), quick)} == {"X01"}


def test_x01_is_not_fooled_by_one_jump_of_the_clock() -> None:
    late = [exchange(out(310), at=NOW + timedelta(hours=offset)) for offset in (0, 5)]

    assert names(late) == set()


def test_x02_a_sudden_zero_wants_a_second_answer() -> None:
    assert names(polls(12400, 7300, 0)) == set()
    assert names(polls(900, 0)) == set()
    (finding,) = told(polls(12400, 0))
    assert (finding.rule, finding.found) == ("X02", "12400, then 0")
    assert names(polls(12400, 0, 0)[1:]) == set()


@pytest.mark.parametrize(("failures", "found"), [(1, set()), (4, {"X03"})])
def test_x03_availability_of_thirty_days(failures: int, found: set[str]) -> None:
    good = polls(*[310 + number % 7 for number in range(299)])
    bad = [exchange(failure(), at=good[-1].at + number * HALF_HOUR) for number in range(1, failures + 1)]

    assert names([*good, *bad]) == found


def test_x03_counts_silence_and_forgets_after_thirty_days() -> None:
    series = Series(RORAIMA)
    for number in range(300):
        series.failed(NOW + number * timedelta(minutes=1))
    assert {finding.rule for finding in series.failed(NOW + timedelta(days=1))} == {"X03"}
    later = [exchange(out(300 + number % 9), at=NOW + timedelta(days=40) + number * HALF_HOUR) for number in range(250)]
    assert [finding for answer in later for finding in series.add(answer)] == []


def test_t10_a_429_below_ten_requests_a_minute() -> None:
    refused = {"content-type": "application/json", "retry-after": "42"}
    ten = [exchange(envelope(), at=NOW + timedelta(seconds=number)) for number in range(10)]

    def limit(at: datetime) -> Exchange:
        return exchange(failure(), code=429, headers=refused, at=at)

    assert names([*ten, limit(NOW + timedelta(seconds=10))]) == set()
    assert names([*ten[:2], limit(NOW + timedelta(seconds=3))]) == {"T10"}
    assert names([*ten, limit(NOW + timedelta(seconds=75))]) == {"T10"}


def test_i16_numbers_served_do_not_jump() -> None:
    def answer(served: int, hours: int) -> Exchange:
        return exchange(outages(row(qtdUCsAtendidas=served)), at=NOW + timedelta(hours=hours))

    assert names([answer(48210, 0), answer(48300, 1), answer(57000, 2)]) == set()
    (finding,) = told([answer(48210, 0), answer(144630, 1)])
    assert (finding.rule, finding.found) == ("I16", "48210, then 144630")


def test_i18_the_planned_share_over_a_day() -> None:
    def morning(planned: int, unplanned: int) -> list[Exchange]:
        answers = []
        for number in range(14):
            rows = [
                row(
                    ideConjuntoUnidadeConsumidora=16100 + set_code,
                    qtdOcorrenciaProgramada=planned,
                    qtdOcorrenciaNaoProgramada=unplanned + (number if unplanned else 0),
                    qtdUCsAtendidas=9000,
                )
                for set_code in range(3)
            ]
            rows[0]["qtdOcorrenciaProgramada" if planned else "qtdOcorrenciaNaoProgramada"] += number
            answers.append(exchange(outages(*rows), at=MORNING + number * HALF_HOUR))
        return answers

    assert names(morning(5, 95)) == set()
    (finding,) = told(morning(95, 0))
    assert finding.rule == "I18"


LEVELS = {"idcNivelAtendimento": 2, "idcCanalAtendimento": 2, "qtdRegistradaNoDia": 3}


def test_d06_counts_of_the_day_only_grow() -> None:
    def at(hour: int, opened: int) -> tuple[datetime, list[dict[str, Any]]]:
        return MORNING + timedelta(hours=hour), [count(qtdRegistradaNoDia=opened), count(**LEVELS)]

    assert names(day([at(1, 96), at(2, 101)])) == set()
    (finding,) = told(day([at(1, 96), at(9, 90)]))
    assert (finding.rule, finding.found) == ("D06", "96, then 90")
    assert names(day([at(1, 96), (MORNING + timedelta(hours=2), [count(**LEVELS)])])) == {"D06"}


def test_d06_counts_start_anew_at_midnight_in_brasilia() -> None:
    midnight = NOW + timedelta(hours=10)

    def around(before: int, after: int, minutes: int) -> list[Exchange]:
        return day(
            [
                (midnight - HALF_HOUR, [count(qtdRegistradaNoDia=before)]),
                (midnight + timedelta(minutes=minutes), [count(qtdRegistradaNoDia=after)]),
            ]
        )

    assert names(around(101, 2, 10)) == set()
    assert names(around(101, 101, 10)) == {"D06"}
    assert names(around(101, 101, 2)) == set()


def test_d08_more_than_one_level_and_channel_in_a_full_day() -> None:
    def hours(*rows: dict[str, Any]) -> list[Exchange]:
        return day([(MORNING + timedelta(hours=number), list(rows)) for number in range(12)])

    assert names(hours(count(), count(**LEVELS))) == set()
    found = told(hours(count(idcCanalAtendimento=2)))
    assert {(finding.rule, finding.found) for finding in found} == {("D08", "only level 1"), ("D08", "only channel 2")}
    assert names(hours(count(qtdRegistradaNoDia=4))) == set()


def test_h07_the_past_stays_as_it_was() -> None:
    moment = NOW - timedelta(days=1)

    assert names([past(moment, out(310)), past(moment, out(310))]) == set()
    assert names([past(moment, out(310)), past(moment, out(311))]) == {"H07"}


def test_h01_the_past_is_not_the_present() -> None:
    now = exchange(out(310))
    days = [NOW - timedelta(days=number) for number in (1, 2, 3)]

    assert names([now, *(past(moment, out(200 + number)) for number, moment in enumerate(days))]) == set()
    assert names([now, *(past(moment, out(310)) for moment in days)]) == {"H01"}
    assert names([exchange(out(0)), *(past(moment, out(0)) for moment in days)]) == set()


def test_h05_an_hour_off_is_seen_against_what_was_live() -> None:
    live = polls(300, 310, 320, 330, 340, 350)
    later = NOW + timedelta(hours=6)
    asked = NOW + timedelta(hours=1)

    assert names([*live, past(asked, out(320), later)]) == set()
    assert names([*live, past(asked, out(340), later)]) == {"H05"}
    assert names([*live, past(asked, out(300), later)]) == {"H05"}


def test_answers_out_of_order_break_no_rule_of_order() -> None:
    answers = polls(12400, 7300, 0)

    assert names([answers[0], answers[2], answers[1]]) <= {"X02"}
    assert names([answers[1], answers[2], answers[0], answers[1]]) == {"X02"}
    shuffled = day([(MORNING + timedelta(hours=2), [count()]), (MORNING, [count(qtdRegistradaNoDia=4)])])
    assert names(shuffled) == set()


def test_a_clock_that_was_set_back_is_believed_after_a_few_answers() -> None:
    back = NOW - timedelta(days=2)
    answers = [*polls(310, 311), *polls(*[312] * 9, start=back)]

    assert names(answers) == {"X01"}


def test_what_is_kept_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polls_module, "KEYS_MAX", 500)
    monkeypatch.setattr(past_module, "KEPT_MAX", 40)
    series = Series(RORAIMA)
    for number in range(90):
        moment = NOW - timedelta(days=1) - number * timedelta(minutes=1)
        series.add(past(moment, out(1 + number)))
    assert len(series._past._told) <= 40
    rows = [row(ideConjuntoUnidadeConsumidora=code) for code in range(1000, 1700)]
    series.add(exchange(outages(*rows), at=NOW + HALF_HOUR))
    assert len(series._polls._served) <= 500


def test_the_series_says_which_sets_it_has_seen_and_which_rules_it_could_look_at() -> None:
    series = Series(RORAIMA)
    assert series.looked == set()
    for answer in polls(310, 311, 312):
        series.add(answer)
    assert series.known_sets == {16101}
    assert {"X01", "X02"} <= series.looked


@pytest.mark.parametrize("route", ["outages", "demands", "demand"])
def test_nothing_that_comes_stops_the_series(route: Route) -> None:
    series = Series(RORAIMA)
    bodies: list[Any] = [b"", b"\xff", b"[]", {"detail": {"detail": {}}}, failure(), {"idcStatusRequisicao": []}]
    for body in bodies:
        for code in (200, 302, 401, 404, 429, 500):
            findings = series.add(exchange(body, route, code=code))
            assert all(finding.level in Level for finding in findings)
