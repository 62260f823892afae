"""Reports of the conformance check: for people, for programs, for build servers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aneel_checks import NOW, RORAIMA, envelope, exchange, outages, row
from fakes import ManualClock
from wattdeck.core.errors import TimedOut
from wattdeck.systems.aneel.conformance import RULES, Context, NotChecked, Passed, examine, examine_bytes
from wattdeck.systems.aneel.conformance.junit import junit, xml_text
from wattdeck.systems.aneel.conformance.model import Outcome
from wattdeck.systems.aneel.conformance.report import (
    SCHEMA,
    Report,
    as_json,
    assemble,
    exit_code,
    of_examination,
    summary,
    text,
)
from wattdeck.systems.aneel.exchange import Exchange
from wattdeck.systems.aneel.models import Finding, Level
from wattdeck.systems.aneel.shell import _check_server

BAD = outages(row(ideMunicipio=1400471), row(qtdOcorrenciaProgramada=0, qtdOcorrenciaNaoProgramada=0))


def report(body: object = BAD, context: Context = RORAIMA) -> Report:
    return of_examination(examine(exchange(body), context), context, target="answer.json", checked_at=NOW)


def finding(level: Level = Level.ERROR, where: str = "x", found: str = "y") -> Finding:
    return Finding("I10", level, where, found, "z", "Wrong.")


def names(found: Report) -> set[str]:
    return {one.rule for one in found.findings}


def test_every_rule_is_found_kept_or_open_and_only_one_of_these() -> None:
    found = report()
    parts = [names(found), {one.rule for one in found.passed}, {one.rule for one in found.not_checked}]

    assert sum(map(len, parts)) == len(RULES) == len(set().union(*parts))
    assert parts[0] == {"I10", "I17"}


def test_people_read_the_worst_first_with_what_was_found_and_expected() -> None:
    words = text(report())

    assert words.startswith("answer.json: 1 error, 1 hint; ")
    assert words.index("I10") < words.index("I17")
    assert "error    I10  interrupcaoFornecimento[0].ideMunicipio" in words
    assert "found     1400471" in words
    assert "expected  the right check digit" in words
    assert "Take the code from IBGE's list." in words


def test_people_read_what_was_not_checked_and_why() -> None:
    words = text(report())

    assert "Not checked:" in words
    assert "D01, D02" in words and "it is about another of the three answers" in words
    assert "it takes answers over hours or days" in words
    assert "it takes a live server" in words


def test_nothing_found_is_said_too() -> None:
    assert summary(report(envelope())).startswith("nothing to object to; ")


def test_a_rule_that_is_off_is_open_and_says_so() -> None:
    context = Context.of(state="RR", profile={"I10": "off"})

    found = report(context=context)

    assert "I10" not in names(found)
    assert NotChecked("I10", "switched off in the profile") in found.not_checked


def test_a_rule_that_was_kept_once_and_broken_once_is_broken() -> None:
    found = assemble([Passed("I10", "once"), finding(), finding()], Context(), target="x", checked_at=NOW)

    assert len(found.findings) == 1
    assert found.passed == ()


def test_a_reason_given_is_told_and_a_pass_wins_over_it() -> None:
    outcomes: list[Outcome] = [
        NotChecked("T01", "no way in"),
        NotChecked("T02", "no way in"),
        Passed("T02", "HTTP 200"),
    ]

    found = assemble(outcomes, Context(), target="x", checked_at=NOW)

    assert NotChecked("T01", "no way in") in found.not_checked
    assert [one.rule for one in found.passed] == ["T02"]


@pytest.mark.parametrize(
    ("levels", "code"),
    [([], 0), ([Level.INFO, Level.WARNING], 0), ([Level.WARNING, Level.ERROR], 1)],
)
def test_only_errors_make_the_exit_code(levels: list[Level], code: int) -> None:
    assert exit_code([finding(level) for level in levels]) == code


def test_programs_read_one_schema() -> None:
    found = json.loads(json.dumps(as_json(report())))

    assert found["schema"] == SCHEMA == "wattdeck.aneel-check/1"
    assert found["checked_at"] == "2026-04-15T17:00:00Z"
    assert found["target"] == "answer.json"
    assert found["counts"] == {"error": 1, "warning": 0, "info": 1}
    assert found["findings"][0]["rule"] == "I10"
    assert set(found["findings"][0]) == {"rule", "title", "level", "where", "found", "expected", "message"}
    assert "T03" in found["passed"]
    assert {"rule", "why"} == set(found["not_checked"][0])


def test_build_servers_read_one_case_for_each_rule() -> None:
    found = report()
    suite = ET.fromstring(junit(found)).find("testsuite")

    assert suite is not None
    cases = {case.attrib["name"].split()[0]: case for case in suite.findall("testcase")}
    assert list(cases) == list(RULES)
    assert suite.attrib["tests"] == "76"
    assert suite.attrib["failures"] == "1" == str(len(suite.findall("testcase/failure")))
    assert suite.attrib["skipped"] == str(len(found.not_checked)) == str(len(suite.findall("testcase/skipped")))
    failure, output = cases["I10"].find("failure"), cases["I17"].find("system-out")
    assert failure is not None and failure.attrib["message"].startswith("interrupcaoFornecimento[0].ideMunicipio: ")
    assert "found 1400471; expected the right check digit" in str(failure.text)
    assert output is not None and str(output.text).startswith("info: ")
    assert cases["I17"].find("failure") is None
    assert list(cases["T03"]) == []


def test_what_xml_cannot_hold_does_not_break_the_file() -> None:
    odd = finding(where="a\x00\x1b[31m\ud800", found="<&>\"'\ufffe")
    found = assemble([odd], Context(), target="x\x07 <y>", checked_at=datetime(2026, 1, 1, tzinfo=UTC))

    parsed = ET.fromstring(junit(found))

    assert parsed.findall("testsuite/testcase/failure")
    assert junit(found).encode()


@settings(max_examples=50)
@given(st.text(max_size=20))
def test_any_text_becomes_xml(words: str) -> None:
    assert (
        ET.fromstring(f"<a>{xml_text(words).replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;')}</a>").tag
        == "a"
    )


def test_a_saved_answer_without_rows_leaves_the_rules_about_rows_open() -> None:
    seen = examine_bytes("outages", json.dumps(outages()).encode(), RORAIMA, at=NOW)

    found = of_examination(seen, RORAIMA, target="-", checked_at=NOW)

    assert found.findings == ()
    assert {"E01", "T04"} <= {one.rule for one in found.passed}
    assert NotChecked("I10", "the answer holds nothing that it looks at") in found.not_checked


def asked_for_answers(outages_asked: Callable[[], Exchange], demands_asked: Callable[[], Exchange]) -> Any:
    """A distributor that answers, or raises, when it is asked."""

    async def first() -> Exchange:
        return outages_asked()

    async def second() -> Exchange:
        return demands_asked()

    client = SimpleNamespace(outages=first, demands=second, origin="https://api.distribuidora.example", base_path="")
    config = SimpleNamespace(state="RR", municipalities=(), profile={})
    return SimpleNamespace(client=client, config=config, customers={}, clock=ManualClock(NOW))


ANSWERS_ALONE: Mapping[str, Any] = {"answers_only": True, "protocol": None, "rate": False}


@pytest.mark.anyio
async def test_what_one_answer_shows_is_not_lost_when_the_next_one_does_not_come() -> None:
    def gone() -> Exchange:
        raise TimedOut("no complete answer in time")

    found, silent = await _check_server(asked_for_answers(lambda: exchange(BAD), gone), {}, ANSWERS_ALONE)

    assert (names(found), silent) == ({"I10", "I17"}, "")
    assert {one.why for one in found.not_checked if one.rule == "D01"} == {"no complete answer in time"}
    with pytest.raises(TimedOut):
        await _check_server(asked_for_answers(gone, gone), {}, ANSWERS_ALONE)


@pytest.mark.anyio
async def test_a_server_that_only_redirects_has_told_nothing() -> None:
    def elsewhere() -> Exchange:
        return exchange(b"", code=307)

    found, silent = await _check_server(asked_for_answers(elsewhere, elsewhere), {}, ANSWERS_ALONE)

    assert names(found) == {"T12"}
    assert silent == "the server answered 307"
