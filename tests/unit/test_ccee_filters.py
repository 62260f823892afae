"""Which migrations a filter lets through, what it says of itself, and what a typed line means."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.systems.ccee.filters import SORTS, Filter, Folds, Sort, month_words, ordered, status_key
from wattdeck.systems.ccee.models import BRASILIA, Migration, Status
from wattdeck.systems.ccee.query import parse

TODAY = date(2026, 10, 20)
BAKERY = Migration(
    "m-1", "000000123400159", 100000, 200000, 200100, "2026-11", "CRIADA",
    datetime(2026, 10, 12, 9, tzinfo=BRASILIA), "CNPJ", "12ABC34501DE35", date(2026, 10, 20),
    email="Padaria@Example.com", comment="Padaria São João", justification="", protocol_number="P-77",
    utility_consumer_unit_code="901",
)  # fmt: skip
REFUSED = replace(
    BAKERY, migration_id="m-2", consumer_unit_code="0032765", utility_agent_code=100001, retailer_profile_code=200101,
    reference_month="2027-02", status="REPROVADA", deadline=None, justification="Mês não confere", comment="",
    email="", document_number="",
)  # fmt: skip
STRANGE = Migration("m-3", "UC-TESTE", None, None, None, "", "Em análise")
ALL = (BAKERY, REFUSED, STRANGE)


def found(line: str, **options: object) -> list[str]:
    read = parse(line, TODAY, known=("Em análise",))
    assert not read.problems
    return [each.migration_id for each in ALL if read.filter.matches(each, alerted={"m-2"})]


@pytest.mark.parametrize(
    ("line", "ids"),
    [
        ("", ["m-1", "m-2", "m-3"]),
        ("status:criada", ["m-1"]),
        ("status:REPR,cria", ["m-1", "m-2"]),
        ("status:refused", ["m-2"]),
        ("status:c", ["m-1"]),
        ("status:em_an", ["m-3"]),
        ("situação:criada", ["m-1"]),
        ("month:2026-11", ["m-1"]),
        ("month:11/2026", ["m-1"]),
        ("month:2026-11..", ["m-1", "m-2"]),
        ("month:..2026-12", ["m-1"]),
        ("month:2027", ["m-2"]),
        ("month:next", ["m-1"]),
        ("utility:100001", ["m-2"]),
        ("profile:200100", ["m-1"]),
        ("alert:yes", ["m-2"]),
        ("alert:no", ["m-1", "m-2", "m-3"]),
        ("padaria", ["m-1"]),
        ("SAO joao", ["m-1"]),
        ("são jõao", ["m-1"]),
        ("mes nao", ["m-2"]),
        ("example.COM", ["m-1"]),
        ("0.000.001.234.001-59", ["m-1"]),
        ("1.234.001-59", ["m-1"]),
        ("123400159", ["m-1"]),
        ("12.abc.345/01de-35", ["m-1"]),
        ("p-77", ["m-1", "m-2"]),
        ("901", ["m-1", "m-2"]),
        ("100001", ["m-2"]),
        ("padaria status:reprovada", []),
        ('"são joão"', ["m-1"]),
    ],
)
def test_line_finds(line: str, ids: list[str]) -> None:
    assert found(line) == ids


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("status:foo", "status:foo is no status known here; known are CRIADA, CONCLUIDA"),
        ("month:2026-13", "month:2026-13 is no month; write 2026-10"),
        ("month:2027-02..2026-10", "ends before it begins"),
        ("utility:abc", "utility:abc is no code; write digits alone"),
        ("profile:999999999999", "profile:999999999999 is no code"),
        ("alert:maybe", "alert:maybe is neither yes nor no."),
        ("cor:azul", "cor: is no filter; there are status, month, utility, profile and alert."),
    ],
)
def test_what_cannot_be_read_is_said_and_left_out(line: str, words: str) -> None:
    read = parse(f"padaria {line} utility:100000", TODAY)
    assert read.filter == Filter(text="padaria", utility=100000)
    assert len(read.problems) == 1 and words in read.problems[0] and read.problems[0].endswith(".")


@pytest.mark.parametrize("line", ["status:", "month:", "month:..", "utility:", "profile:", "alert:", "month:2026-11.."])
def test_half_typed_line_is_no_problem(line: str) -> None:
    assert parse(line, TODAY).problems == ()


def test_state_in_capitals_that_nobody_knows_is_filtered_by_all_the_same() -> None:
    read = parse("status:SUSPENSA")
    assert read.filter.statuses == {"SUSPENSA"} and len(read.problems) == 1


MONTHS = st.one_of(st.just(""), st.dates(date(2000, 1, 1), date(2100, 1, 1)).map(lambda day: f"{day:%Y-%m}"))
WORDS = st.text(st.characters(exclude_characters='"', exclude_categories=["C", "Z"]), min_size=1, max_size=8)
FILTERS = st.builds(
    lambda months, statuses, utility, profile, words, alerts: Filter(
        months[0], months[1], statuses, utility, profile, " ".join(words), alerts
    ),
    st.tuples(MONTHS, MONTHS).map(lambda pair: tuple(sorted(pair)) if all(pair) else pair),
    st.frozensets(st.sampled_from([*(status.value for status in Status), "EM_ANALISE"]), max_size=4),
    st.none() | st.integers(0, 99_999_999),
    st.none() | st.integers(0, 99_999_999),
    st.lists(WORDS, max_size=3),
    st.booleans(),
)


@settings(max_examples=200)
@given(FILTERS)
def test_line_of_a_filter_means_that_filter(chosen: Filter) -> None:
    read = parse(chosen.to_text(), known=("EM_ANALISE",))
    assert read.filter == chosen and read.problems == ()


@settings(max_examples=100)
@given(st.text(max_size=500))
def test_any_line_can_be_read(line: str) -> None:
    read = parse(line, TODAY)
    assert parse(read.filter.to_text(), TODAY, known=read.filter.statuses).filter.to_text() == read.filter.to_text()
    assert all(problem.isprintable() for problem in read.problems)
    assert read.filter.words().isprintable()


def test_filter_says_in_words_what_it_shows() -> None:
    read = parse('month:2026-10..2027-03 status:criada,reprovada utility:100000 profile:200100 "padaria" alert:yes')
    assert read.filter.words() == (
        'Oct 2026 to Mar 2027 · CRIADA, REPROVADA · utility 100000 · profile 200100 · "padaria" · with alerts'
    )
    assert Filter().words() == "" and Filter().empty
    assert Filter(first_month="2026-10").words() == "from Oct 2026"
    assert Filter(last_month="2026-10").words() == "until Oct 2026"
    assert Filter("2026-10", "2026-10").words() == "Oct 2026"


def test_month_that_is_none_is_shown_as_it_is() -> None:
    assert month_words("2026-10") == "Oct 2026"
    assert month_words("2026-13") == "2026-13" and month_words("\x1b[2J") == "[2J"


def test_states_are_compared_without_case_accents_and_punctuation() -> None:
    assert status_key("em análise ") == "EM_ANALISE" and status_key("\x1b!") == ""


def test_deadline_comes_first_then_month_then_unit() -> None:
    later = replace(BAKERY, migration_id="m-4", deadline=date(2026, 10, 22))
    assert [each.migration_id for each in ordered((REFUSED, STRANGE, later, BAKERY), Filter(), Sort())] == [
        "m-1", "m-4", "m-2", "m-3"]  # fmt: skip


@pytest.mark.parametrize("by", SORTS)
def test_what_has_no_value_comes_last_either_way(by: str) -> None:
    rows = [STRANGE, REFUSED, BAKERY]
    up, down = ordered(rows, Filter(), Sort(by)), ordered(rows, Filter(), Sort(by, descending=True))
    if by in ("status", "unit"):
        assert up == down[::-1]
    else:
        assert up[-1] is STRANGE and down[-1] is STRANGE
        known = 1 if by == "deadline" else 2
        assert up[:known] == down[:known][::-1]


def test_key_walks_through_every_order_and_says_which() -> None:
    sort, seen = Sort(), []
    for _ in SORTS:
        seen.append(sort.by)
        sort = sort.next_sort
    assert tuple(seen) == SORTS and sort == Sort()
    assert sort.words == "by deadline, the next first" and sort.turned.words == "by deadline, the last first"
    assert all(Sort.of(each.to_text()) == each for by in SORTS for each in (Sort(by), Sort(by, True)))
    assert Sort.of("nonsense") == Sort()


def test_texts_are_folded_once_for_each_record() -> None:
    folds = Folds()
    first = folds.of(BAKERY)
    assert folds.of(BAKERY)[0] is first[0]
    changed = replace(BAKERY, comment="açougue")
    assert "acougue" in folds.of(changed)[0]
    assert [each.comment for each in ordered((changed,), Filter(text="AÇOU"), Sort(), folds=folds)] == ["açougue"]
