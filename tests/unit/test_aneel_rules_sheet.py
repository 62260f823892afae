"""The list of rules itself, how findings are bounded and ordered, and what hostile bytes can do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aneel_checks import (
    EMAIL,
    GONE,
    NOW,
    RORAIMA,
    count,
    demand,
    demands,
    envelope,
    exchange,
    looked_up,
    outages,
    row,
    rules,
)
from wattdeck.systems.aneel.conformance import RULES, Context, Need, check_answer, check_bytes, examine, guess_route
from wattdeck.systems.aneel.conformance.documents import digits_right
from wattdeck.systems.aneel.conformance.raw import read
from wattdeck.systems.aneel.exchange import Route
from wattdeck.systems.aneel.models import Level

FAMILIES = {"T": 15, "E": 12, "I": 19, "H": 7, "X": 3, "D": 8, "P": 12}
WARNINGS = {
    "T08",
    "T10",
    "T11",
    "T12",
    "T14",
    "E08",
    "E11",
    "I07",
    "I14",
    "I16",
    "I18",
    "H05",
    "H06",
    "H07",
    "X01",
    "X02",
}
WARNINGS |= {"D06", "D08", "P09"}
HINTS = {"T13", "T15", "I17", "X03", "D07"}


def test_there_are_exactly_the_76_rules_of_the_sheet_in_its_order() -> None:
    wanted = [f"{family}{number:02}" for family, size in FAMILIES.items() for number in range(1, size + 1)]

    assert list(RULES) == wanted
    assert len(wanted) == 76


def test_every_rule_has_the_sheets_level_and_says_what_it_looks_at() -> None:
    for rule in RULES.values():
        wanted = Level.WARNING if rule.id in WARNINGS else Level.INFO if rule.id in HINTS else Level.ERROR
        assert rule.level is wanted, rule.id
        assert rule.title and rule.looks_at and rule.expected and rule.family and rule.routes
        assert rule.says.endswith(".") and "!" not in rule.text


def test_a_profile_changes_levels_and_switches_rules_off() -> None:
    bad = exchange(outages(row(ideMunicipio=1400471), row(qtdOcorrenciaProgramada=0, qtdOcorrenciaNaoProgramada=0)))
    softer = Context.of(state="RR", profile={"I10": "warning", "I17": "off"})

    (finding,) = check_answer(bad, softer)

    assert (finding.rule, finding.level) == ("I10", Level.WARNING)
    assert rules(bad) == {"I10", "I17"}
    assert "I17" in examine(bad, softer).looked


@pytest.mark.parametrize(("profile", "words"), [({"Z99": "off"}, "Z99"), ({"I10": "fatal"}, "fatal")])
def test_a_profile_with_a_rule_or_level_that_there_is_not_is_refused(profile: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Context.of(profile=profile)


@pytest.mark.parametrize(
    ("flag", "email", "found"),
    [
        ("allowed", EMAIL, set()),
        ("allowed", GONE, {("E02", Level.INFO)}),
        ("required", GONE, {("E02", Level.ERROR)}),
        ("required", EMAIL, set()),
        ("forbidden", EMAIL, {("E01", Level.ERROR)}),
        ("forbidden", GONE, set()),
    ],
)
def test_the_address_in_answers_about_demands_is_as_the_profile_wants(flag: Any, email: Any, found: set[Any]) -> None:
    context = Context.of(state="RR", email_in_demands=flag)
    answer = exchange(demands(count(), emailIndisponibilidade=email), "demands")

    assert {(finding.rule, finding.level) for finding in check_answer(answer, context)} == found


def test_known_sets_and_concessions_are_taken_from_the_context() -> None:
    answer = exchange(outages(row(ideConjuntoUnidadeConsumidora=7), row(ideMunicipio=1302603, qtdUCsAtendidas=90_000)))

    assert rules(answer) == {"I07", "I11"}
    assert rules(answer, Context.of(known_sets=[7])) == set()
    assert rules(answer, Context.of(known_sets=[7], municipalities=[1400100])) == {"I11"}


def test_the_nine_codes_with_a_wrong_digit_are_right() -> None:
    assert rules(exchange(outages(row(ideMunicipio=2201919))), Context.of()) == set()
    assert rules(exchange(outages(row(ideMunicipio=2201918))), Context.of()) == {"I10"}


def test_at_most_twenty_findings_of_a_rule_and_one_that_counts_the_rest() -> None:
    rows = [row(ideConjuntoUnidadeConsumidora=1000 + number, ideMunicipio=1400471) for number in range(50)]

    findings = check_answer(exchange(outages(*rows)), RORAIMA)

    assert [finding.rule for finding in findings] == ["I10"] * 21
    assert findings[-1].found == "and 30 more"
    assert findings[3].where == "interrupcaoFornecimento[3].ideMunicipio"


def test_findings_come_worst_first() -> None:
    body = outages(row(qtdOcorrenciaProgramada=0, qtdOcorrenciaNaoProgramada=0), row(ideMunicipio=1400471))
    late = exchange(body, elapsed_s=7)

    assert [finding.rule for finding in check_answer(late, RORAIMA)] == ["I10", "T11", "I17"]


def test_personal_data_is_nowhere_in_findings() -> None:
    bad = demand(
        numCPFCNPJ="529.982.247-25",
        nomeTitularUC="Fulana de Tal " * 5,
        numProtocolo="PROTOCOLO-SECRETO-123456789",
        numUC="8" * 40,
        idcTipologia="52998224725",
    )
    body = looked_up(
        bad, mensagem="Cliente 52998224725 fulana@casa.example host=10.0.0.8", emailIndisponibilidade="fulana@casa"
    )

    shown = repr(check_answer(exchange(body, "demand"), RORAIMA))

    for secret in ("529.982", "52998224725", "Fulana", "SECRETO", "88888888", "fulana@"):
        assert secret not in shown


def test_control_characters_of_strangers_do_not_reach_the_findings() -> None:
    body = envelope(mensagem="\x1b[31mErro\x07 de host=x", **{"\x1b]0;evil\x07": 1})

    for finding in check_answer(exchange(body), RORAIMA):
        assert (finding.where + finding.found + finding.message).isprintable()


def test_a_saved_answer_is_checked_without_what_only_a_live_one_has() -> None:
    body = json.dumps(envelope()).encode()

    assert check_bytes("outages", body, RORAIMA, at=NOW) == ()
    assert examine(exchange(envelope()), RORAIMA).looked >= {"T02", "T11", "T12"}
    assert {finding.rule for finding in check_bytes("outages", body[:99], RORAIMA, at=NOW)} == {"T04"}


@pytest.mark.parametrize(
    ("body", "route"),
    [
        (envelope(), "outages"),
        ({"listaInterrupcoes": []}, "outages"),
        (demands(count()), "demands"),
        (looked_up(demand()), "demand"),
        ({"detail": looked_up({})}, "demand"),
        ({"quantitativoDemandasDiversas": []}, "demands"),
        (demand(), "demand"),
        ({"a": 1}, None),
        ([], None),
    ],
)
def test_a_saved_answer_tells_by_its_payload_what_it_is(body: Any, route: Route | None) -> None:
    assert guess_route(json.dumps(body).encode()) == route


def test_a_key_that_comes_twice_is_named_wherever_it_is() -> None:
    assert read(b'{"a":{"b":1,"b":2}}').twice == ["b"]
    assert read(b'{"a":1}').twice == []


def test_check_digits_of_documents() -> None:
    for right in ("00000000191", "52998224725", "02341470000144", "12ABC34501DE35"):
        assert digits_right(right)
    for wrong in ("00000000192", "11111111111", "02341470000145", "12ABC34501DE36"):
        assert not digits_right(wrong)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)
RIGHT: dict[Route, dict[str, Any]] = {
    "outages": outages(row()),
    "demands": demands(count()),
    "demand": looked_up(demand()),
}


@settings(max_examples=50)
@given(st.data(), st.sampled_from(sorted(RIGHT)))
def test_any_value_in_any_place_is_judged_and_never_raises(data: st.DataObject, route: Route) -> None:
    right = json.loads(json.dumps(RIGHT[route]))
    inner = next(value for value in right.values() if isinstance(value, list | dict))
    place = data.draw(st.sampled_from([right, inner[0] if isinstance(inner, list) else inner]))
    place[data.draw(st.sampled_from(sorted(place)) | st.text(max_size=8))] = data.draw(json_values)

    for finding in check_bytes(route, json.dumps(right).encode(), RORAIMA, at=NOW):
        assert finding.rule in RULES
        assert len(finding.found) <= 120 and finding.found.isprintable()


@settings(max_examples=40)
@given(st.binary(max_size=60), st.sampled_from([200, 301, 400, 401, 404, 429, 500, 502]))
def test_any_bytes_with_any_status_are_judged_and_never_raise(body: bytes, code: int) -> None:
    for finding in check_answer(exchange(body, code=code), RORAIMA):
        assert finding.rule in RULES


def test_rules_know_what_they_need() -> None:
    assert {rule.id for rule in RULES.values() if rule.need is Need.SERIES} >= {
        "E11",
        "X01",
        "X02",
        "X03",
        "H07",
        "D06",
        "D08",
        "I18",
    }
    assert {rule.id for rule in RULES.values() if rule.need is Need.SERVER} >= {
        "T05",
        "T06",
        "T13",
        "T15",
        "P12",
        "H05",
    }


def test_personal_data_that_is_no_text_is_not_shown_either() -> None:
    bad = demand(numProtocolo=20260000431, numUC=812345, numCPFCNPJ=52998224725, nomeTitularUC=5299822)

    findings = check_answer(exchange(looked_up(bad), "demand"), RORAIMA)

    assert {finding.rule for finding in findings} == {"P02", "P03", "P04", "P05"}
    for secret in ("20260000431", "812345", "52998224725", "5299822"):
        assert secret not in repr(findings)


def test_an_object_with_nothing_in_it_is_shown_as_that() -> None:
    (finding,) = check_answer(exchange({}), RORAIMA)

    assert (finding.rule, finding.found) == ("E02", "{}")
