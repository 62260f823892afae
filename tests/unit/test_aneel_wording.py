"""Findings are English for programs, whatever the language, and in the language in use for people."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from test_aneel_faults import ANSWERED, Server, wrong
from test_aneel_present import NOW as TIME
from test_aneel_present import live, seen

from aneel_tongues import TONGUES, english_left
from wattdeck.core import language
from wattdeck.core.codec import encode
from wattdeck.core.language import later, tr
from wattdeck.core.lines import cell_width, plain
from wattdeck.systems.aneel import SYSTEM, findingwords, present
from wattdeck.systems.aneel.conformance import RULES, Context
from wattdeck.systems.aneel.conformance.examination import examine
from wattdeck.systems.aneel.conformance.junit import junit
from wattdeck.systems.aneel.conformance.report import Report, as_json, of_examination, text
from wattdeck.systems.aneel.errors import NoData
from wattdeck.systems.aneel.faults import FAULT_RULES
from wattdeck.systems.aneel.models import Finding, Level, Severity
from wattdeck.systems.aneel.wire import read_outages
from wattdeck.systems.aneel.wording import drawn, said

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)


async def findings_of_faults() -> set[Finding]:
    """What single answers show of every fault there is."""
    server, found = Server(), set[Finding]()
    for name in ANSWERED:
        server.simulator.set_fault(name)
        found |= wrong(await server.answers(FAULT_RULES[name][0][0]))
        server.simulator.clear_faults(name)
    return found


def test_words_with_values_are_english_until_they_are_drawn() -> None:
    language.use("pt_BR")
    inner = said(later("{count} characters"), count=3)
    words = said(later("status {status} with {what}"), status=2, what=inner)
    assert words == "status 2 with 3 characters" and json.loads(json.dumps(encode(words))) == words
    assert drawn(words) == "status 2 com 3 caracteres"
    assert drawn("") == "" and drawn("{}") == "{}" and drawn("{x} of a stranger") == "{x} of a stranger"


async def test_a_finding_is_the_same_in_data_and_has_no_english_left_for_people() -> None:
    before = await findings_of_faults()
    language.use("ms")
    found = await findings_of_faults()
    assert found == before and len({each.rule for each in found}) > 40
    for tongue in TONGUES:
        language.use(tongue)
        for each in findingwords.worst_first(found):
            shown = plain(findingwords.finding_lines(each, 400))
            assert not english_left(shown, tongue), each


@pytest.mark.parametrize("tongue", TONGUES)
async def test_a_report_for_programs_never_changes_with_the_language(tongue: str) -> None:
    async def report() -> Report:
        server = Server({"over-served": None, "other-state": None, "long-email": None})
        context = Context.of(state="RR", profile={"I17": "off"})
        seen = examine(await server.client.outages(), context)
        return of_examination(seen, context, target="http://127.0.0.5", checked_at=NOW)

    english = await report()
    data, cases, words = as_json(english), junit(english), text(english)
    language.use(tongue)
    made = await report()
    assert as_json(made) == data and junit(made) == cases
    assert text(made) != words and not english_left(text(made), tongue)
    # Columns stand below each other as they do in English.
    assert [line.index(each.rule) for line in text(made).splitlines() for each in made.findings
            if re.match(rf"\w+ +{each.rule} ", line)] == [9] * 3  # fmt: skip


@pytest.mark.parametrize("tongue", TONGUES)
def test_every_rule_and_level_is_said_in_every_language(tongue: str) -> None:
    language.use(tongue)
    for rule in RULES.values():
        for words in (rule.title, rule.expected, rule.says):
            # Names of fields and numbers are what they are.
            if re.search(r"\b(?:the|is|are|with|of|and|a|or|not|no)\b", words):
                assert drawn(words) != words, words
    assert all(findingwords.level_span(level)[0].split()[-1] != level.value for level in Level)


@pytest.mark.parametrize("tongue", ["en", *TONGUES])
@pytest.mark.parametrize("fault", ["unavailable", "blank-message"])
async def test_a_server_that_cannot_answer_is_recognised_in_every_language(tongue: str, fault: str) -> None:
    language.use(tongue)
    server = Server({fault: None})
    with pytest.raises(NoData) as refused:
        read_outages(await server.client.outages())
    words = present.cannot_answer_words(str(refused.value))
    assert words and ("Tente novamente" in words) is (fault == "unavailable")
    assert tongue == "en" or not english_left(f"{refused.value} {words}", tongue)


async def test_what_a_server_says_is_not_taken_for_a_message_of_ours() -> None:
    language.use("pt_BR")
    (found,) = [
        each for each in wrong([await Server({"message-on-success": None}).client.outages()]) if each.rule == "E06"
    ]
    assert drawn(found.found) == 'status 1 com "Sucesso"'


@pytest.mark.parametrize("tongue", TONGUES)
def test_every_title_and_word_of_a_column_fits_it(tongue: str) -> None:
    language.use(tongue)
    for order in present.Order:
        for column in (*present.columns(order), *present.set_columns(order)):
            assert cell_width(column.title) <= column.width, column
            assert not english_left(column.title, tongue), column
    for column in findingwords.COLUMNS:
        assert cell_width(tr(column.title)) <= column.width
    width = next(column.width for column in present.COLUMNS if column.key == "severity")
    assert all(cell_width(present.severity_span(severity)[0]) <= width for severity in Severity)
    assert all(cell_width(findingwords.level_span(level)[0]) <= findingwords.COLUMNS[0].width for level in Level)


@pytest.mark.parametrize("tongue", TONGUES)
def test_the_line_of_the_overview_is_no_longer_than_in_english(tongue: str) -> None:
    def line() -> str:
        figures = SYSTEM.matters([live(seen())], TIME).figures
        return " · ".join(figure.short or figure.value for figure in figures)

    english = line()
    language.use(tongue)
    assert line() != english and cell_width(line()) <= cell_width(english)
