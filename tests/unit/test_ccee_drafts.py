"""What is refused before it is sent: each with the field's name and a sentence that says what was expected."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.systems.ccee.drafts import (
    Problem,
    contract_problems,
    edit_problems,
    migration_advice,
    migration_problems,
    normal,
    parse_date,
    range_problems,
    request_problems,
)
from wattdeck.systems.ccee.models import (
    ChangeRequestDraft,
    ContractDraft,
    MigrationDraft,
    MigrationEdit,
    RepresentativeDraft,
    RequestType,
)
from wattdeck.systems.ccee.rules import Calendar, Rules

UNIT, CNPJ_NUMBER, CPF_NUMBER = "000000123400159", "11222333000181", "52998224725"
YES = MigrationDraft(
    UNIT, 100000, "CNPJ", 200000, "2026-10", 200100, "uc@example.com", CNPJ_NUMBER,
    tariff_subgroup="A4", utility_formalized="SIM", formalization_date=date(2026, 3, 2), comment="Olá",
)  # fmt: skip
NO = replace(
    YES, document_type="CPF", document_number="", utility_formalized="NAO", formalization_date=None, modality="REGULAR"
)
V1 = MigrationDraft(
    UNIT, 100000, "CNPJ", 200000, "2026-10", 200100, "uc@example.com", CNPJ_NUMBER, denunciation_date=date(2026, 3, 1)
)
EDIT = MigrationEdit("2026-11", 200101, "CNPJ", CNPJ_NUMBER, "n@example.com")
SIGNATORY = RepresentativeDraft("Ana", "ana@example.com", CPF_NUMBER)
CONTRACT = ContractDraft(
    100000,
    UNIT,
    "CNPJ",
    CNPJ_NUMBER,
    (SIGNATORY,),
    "Rua A, 1",
    "Padaria Teste",
    "(11) 98765-4321",
    CNPJ_NUMBER,
    "Rua B",
)
CALENDAR = Calendar()


def of_migration(draft: MigrationDraft, version: str = "v2", **values: Any) -> dict[str, str]:
    return told(migration_problems(replace(draft, **values), version))


def told(problems: tuple[Problem, ...]) -> dict[str, str]:
    found = {problem.field: problem.sentence for problem in problems}
    assert len(found) == len(problems), "a field is named twice"
    return found


@pytest.mark.parametrize(("draft", "version"), [(YES, "v2"), (NO, "v2"), (V1, "v1"), (V1, "v1.1")])
def test_the_drafts_of_the_sheet_have_no_problem(draft: MigrationDraft, version: str) -> None:
    assert migration_problems(draft, version) == ()


def test_an_edit_a_contract_and_the_requests_of_the_sheet_have_no_problem() -> None:
    assert edit_problems(EDIT) == edit_problems(replace(EDIT, document_type="CPF", document_number="")) == ()
    assert contract_problems(CONTRACT) == ()
    for draft in REQUESTS.values():
        assert request_problems(draft) == ()


@pytest.mark.parametrize(
    ("month", "words"),
    [
        ("2026-13", "there is no month 13"),
        ("2026-00", "there is no month 00"),
        ("2026-10-01", "is not a month"),
        ("10/2026", "is not a month"),
        ("", "missing: write it like 2026-10"),
        ("２０２６-10", "is not a month"),
        ("1026-10", "not between 2000 and 2100"),
        ("2026-10\x1b[2J", "is not a month"),
    ],
)
def test_a_month_that_is_none_is_refused(month: str, words: str) -> None:
    found = of_migration(YES, reference_month=month)
    assert list(found) == ["reference_month"] and words in found["reference_month"]
    assert "\x1b" not in found["reference_month"]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("", "The CNPJ is missing: 14 characters."),
        ("11222333000182", "The CNPJ **.***.***/0001-82 has wrong check digits; compare it with the document."),
        ("12ABC34501DE34", "has wrong check digits"),
        (CPF_NUMBER, "The CNPJ ***.***.***-25 has 11 characters; 14 are needed."),
        ("12ABC34501DEAB", "its last two characters are check digits"),
        ("00000000000000", "repeats one digit"),
        ("１1222333000181", "holds characters that no CNPJ has"),
        ("11222333\x00000181", "holds characters that no CNPJ has"),
    ],
)
def test_a_wrong_cnpj_is_refused_without_being_repeated(number: str, words: str) -> None:
    for found in (
        of_migration(YES, document_number=number),
        told(edit_problems(replace(EDIT, document_number=number))),
    ):
        assert list(found) == ["document_number"] and words in found["document_number"]
        assert not number or number[:9] not in found["document_number"]


def test_punctuation_case_and_a_month_without_its_zero_are_no_problem_and_normal_takes_them_away() -> None:
    typed = replace(
        YES, document_number="12.abc.345/01de-35", consumer_unit_code="0.000.001.234.001-59", reference_month="2026-9"
    )
    assert migration_problems(typed, "v2") == ()
    sent = normal(typed)
    assert (sent.document_number, sent.consumer_unit_code, sent.reference_month) == ("12ABC34501DE35", UNIT, "2026-09")
    assert normal(sent) == sent
    assert normal(replace(EDIT, email=" n@example.com ")) == EDIT
    assert normal(replace(CONTRACT, branch_document_number="11.222.333/0001-81")) == CONTRACT
    assert normal(replace(V1, consumer_unit_code="UC-TESTE.1")).consumer_unit_code == "UC-TESTE.1"


def test_a_cpf_number_is_kept_out_of_migrations_and_needed_in_contracts() -> None:
    words = "A migration for a CPF is sent without its number: leave it empty."
    assert of_migration(NO, document_number=CPF_NUMBER) == {"document_number": words}
    assert told(edit_problems(MigrationEdit("2026-11", 1, "CPF", CPF_NUMBER, "n@example.com"))) == {
        "document_number": words
    }
    person = replace(
        CONTRACT, document_type="CPF", document_number=CPF_NUMBER, branch_document_number="", branch_address=""
    )
    assert contract_problems(person) == ()
    assert told(contract_problems(replace(person, document_number=""))) == {
        "document_number": "The CPF is missing: 11 digits."
    }
    wrong = told(contract_problems(replace(person, document_number="52998224726")))
    assert wrong == {"document_number": "The CPF ***.***.***-26 has wrong check digits; compare it with the document."}


@pytest.mark.parametrize("kind", ["", "cnpj", "RG"])
def test_another_kind_of_document_is_refused_once(kind: str) -> None:
    found = of_migration(YES, document_type=kind)
    assert list(found) == ["document_type"] and "CNPJ or CPF" in found["document_type"]


@pytest.mark.parametrize("unit", ["0032765", "UC-TESTE", "000000123400158"])
def test_the_new_unit_code_is_demanded_by_v1_1_and_v2_alone(unit: str) -> None:
    assert of_migration(V1, "v1", consumer_unit_code=unit) == {}
    for draft, version in ((V1, "v1.1"), (YES, "v2")):
        assert list(of_migration(draft, version, consumer_unit_code=unit)) == ["consumer_unit_code"]


def test_a_unit_code_says_whether_its_length_or_its_check_digits_are_wrong() -> None:
    assert "has 7 characters; 15 digits" in of_migration(YES, consumer_unit_code="0032765")["consumer_unit_code"]
    assert "wrong check digits" in of_migration(YES, consumer_unit_code="000000123400158")["consumer_unit_code"]
    assert "missing" in of_migration(V1, "v1", consumer_unit_code=" ")["consumer_unit_code"]


@pytest.mark.parametrize(
    ("draft", "values", "field", "words"),
    [
        (YES, {"formalization_date": None}, "formalization_date", "missing"),
        (YES, {"modality": "REGULAR"}, "modality", "leave it empty"),
        (NO, {"modality": ""}, "modality", "REGULAR or ANTECIPADA"),
        (NO, {"modality": "regular"}, "modality", "REGULAR or ANTECIPADA"),
        (NO, {"formalization_date": date(2026, 3, 2)}, "formalization_date", "leave it empty"),
        (YES, {"utility_formalized": ""}, "utility_formalized", "missing: SIM or NAO"),
        (YES, {"utility_formalized": "NÃO"}, "utility_formalized", "is not SIM or NAO"),
        (YES, {"tariff_subgroup": "a4"}, "tariff_subgroup", "one of A2, A3"),
        (YES, {"tariff_subgroup": "A1"}, "tariff_subgroup", "one of A2, A3"),
        (YES, {"denunciation_date": date(2026, 3, 1)}, "denunciation_date", "v2 has no date of notice"),
        (YES, {"formalization_date": datetime(2026, 3, 2, tzinfo=UTC)}, "formalization_date", "is not a plain date"),
        (YES, {"formalization_date": "02/03/2026"}, "formalization_date", "is not a plain date"),
        (YES, {"formalization_date": date(26, 3, 2)}, "formalization_date", "not between 2000 and 2100"),
    ],
)
def test_v2_depends_on_whether_the_utility_formalised_it(
    draft: MigrationDraft, values: dict[str, Any], field: str, words: str
) -> None:
    found = of_migration(draft, **values)
    assert list(found) == [field] and words in found[field]


@pytest.mark.parametrize("version", ["v1", "v1.1"])
def test_v1_needs_the_notice_and_refuses_what_only_v2_has(version: str) -> None:
    assert list(of_migration(V1, version, denunciation_date=None)) == ["denunciation_date"]
    found = of_migration(NO, version, document_type="CNPJ", document_number=CNPJ_NUMBER)
    assert list(found) == ["denunciation_date", "tariff_subgroup", "utility_formalized", "modality"]
    assert found["modality"] == f"{version} has no modality: leave it empty."


def test_another_version_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="v3"):
        migration_problems(YES, "v3")


@pytest.mark.parametrize("field", ["utility_agent_code", "retailer_agent_code", "retailer_profile_code"])
@pytest.mark.parametrize("code", [0, -1, 100_000_000, True, "100000x", None, 1.5])
def test_a_code_is_a_positive_number(field: str, code: Any) -> None:
    values = {field: code}
    assert list(of_migration(YES, **values)) == [field]


@pytest.mark.parametrize(
    "email", ["", "uc", "uc@localhost", "u c@example.com", "uc@example.com\n", "a" * 300 + "@b.com"]
)
def test_an_e_mail_that_is_none_is_refused_without_being_repeated(email: str) -> None:
    found = of_migration(YES, email=email)
    assert list(found) == ["email"] and (len(email) < 4 or email not in found["email"])


@pytest.mark.parametrize(
    ("character", "words"),
    [
        ("\n", "a line break (U+000A)"),
        ("\x1b", "an escape character (U+001B)"),
        ("\u202e", "(U+202E)"),
        ("\x00", "(U+0000)"),
    ],
)
def test_control_characters_are_refused_in_every_text(character: str, words: str) -> None:
    dirty = f"ab{character}c"
    for found in (
        of_migration(YES, comment=dirty),
        of_migration(V1, "v1", consumer_unit_code=dirty),
        told(contract_problems(replace(CONTRACT, address=dirty))),
        told(contract_problems(replace(CONTRACT, consumer_unit_name=dirty))),
        told(contract_problems(replace(CONTRACT, branch_address=dirty))),
        told(contract_problems(replace(CONTRACT, representatives=(replace(SIGNATORY, name=dirty),)))),
    ):
        (sentence,) = found.values()
        assert words in sentence and "at place 3" in sentence and character not in sentence


def test_a_comment_of_500_characters_is_taken_and_one_more_is_not() -> None:
    assert of_migration(YES, comment="ã" * 500) == {}
    assert of_migration(YES, comment="ã" * 501) == {"comment": "The comment has 501 characters; at most 500 are taken."}


def test_all_problems_are_told_at_once_in_the_order_of_the_fields() -> None:
    empty = MigrationDraft("", 0, "", 0, "", 0, "")
    assert list(of_migration(empty)) == [
        "consumer_unit_code", "utility_agent_code", "document_type", "retailer_agent_code", "reference_month",
        "retailer_profile_code", "email", "tariff_subgroup", "utility_formalized",
    ]  # fmt: skip


@settings(max_examples=50)
@given(st.text(max_size=30), st.sampled_from(["consumer_unit_code", "document_number", "reference_month", "email"]))
def test_any_text_in_any_field_gives_printable_sentences(value: str, field: str) -> None:
    values: dict[str, Any] = {field: value, "comment": value}
    for draft, version in ((YES, "v2"), (V1, "v1")):
        for name, sentence in of_migration(draft, version, **values).items():
            assert (
                name in (field, "comment") and sentence.isprintable() and sentence.endswith(".") and len(sentence) < 250
            )


@pytest.mark.parametrize("phone", ["(11) 98765-4321", "+55 11 98765-4321", "1132654321", "0800.123.4567"])
def test_a_telephone_number_is_taken_however_it_is_grouped(phone: str) -> None:
    assert contract_problems(replace(CONTRACT, phone=phone)) == ()


@pytest.mark.parametrize("phone", ["12345", "call me", "(11) 98765-4321\n", "1" * 16, "１１98765-4321"])
def test_what_is_no_telephone_number_is_refused(phone: str) -> None:
    assert list(told(contract_problems(replace(CONTRACT, phone=phone)))) == ["phone"]


def test_a_person_has_no_branch() -> None:
    found = told(contract_problems(replace(CONTRACT, document_type="CPF", document_number=CPF_NUMBER)))
    assert list(found) == ["branch_document_number", "branch_address"]
    assert list(told(contract_problems(replace(CONTRACT, branch_document_number="11222333000182")))) == [
        "branch_document_number"
    ]


def test_a_contract_needs_a_signatory_and_says_which_one_is_wrong() -> None:
    assert list(told(contract_problems(replace(CONTRACT, representatives=())))) == ["representatives"]
    wrong = replace(SIGNATORY, name=" ", email="ana", document_number=CNPJ_NUMBER, contact_type="AMIGO")
    found = told(contract_problems(replace(CONTRACT, representatives=(SIGNATORY, wrong))))
    assert found == {
        "representatives[1].name": "Signatory 2: the name is missing.",
        "representatives[1].email": "Signatory 2: the e-mail *** is no address; write it like name@example.com.",
        "representatives[1].contact_type": (
            'Signatory 2: the kind of contact "AMIGO" is not UNIDADE_CONSUMIDORA or VAREJISTA.'
        ),
        "representatives[1].document_number": (
            "Signatory 2: the CPF **.***.***/0001-81 has 14 characters; 11 are needed."
        ),
    }


DAY = date(2026, 3, 1)
REQUESTS = {
    **{
        kind: ChangeRequestDraft(kind, UNIT, reference_month="2026-10", cer_celebration="SIM")
        for kind in RequestType
        if kind.startswith("ALTERACAO_RETORNO_CATIVO")
    },
    **{
        kind: ChangeRequestDraft(
            kind, UNIT, 100000, "2026-10", new_retailer_agent_code=200001, new_retailer_profile_code=200110
        )
        for kind in RequestType
        if kind.startswith("ALTERACAO_ALFA")
    },
    **{
        kind: ChangeRequestDraft(kind, UNIT, 100000, notification_date=DAY)
        for kind in RequestType
        if kind.startswith("SUSPENSAO") and not kind.endswith("DESLIGAMENTO")
    },
}


def test_every_kind_of_request_but_ccees_own_can_be_made() -> None:
    assert set(RequestType) - set(REQUESTS) == {RequestType.SUSPENSION_DISCONNECTION}
    (problem,) = request_problems(
        ChangeRequestDraft("SUSPENSAO_FORNECIMENTO_DESLIGAMENTO", UNIT, 1, notification_date=DAY)
    )
    assert problem.field == "request_type" and "made by CCEE alone" in problem.sentence
    assert list(told(request_problems(ChangeRequestDraft("OUTRA", UNIT)))) == ["request_type"]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (RequestType.CAPTIVE_RESOLUTION, ["reference_month", "cer_celebration"]),
        (
            RequestType.RETAILER_TERMINATION,
            ["utility_agent_code", "reference_month", "new_retailer_agent_code", "new_retailer_profile_code"],
        ),
        (RequestType.SUSPENSION_RESOLUTION, ["utility_agent_code", "notification_date"]),
        (RequestType.SUSPENSION_BY_UTILITY, ["notification_date"]),
    ],
)
def test_a_request_says_which_fields_its_kind_needs(kind: RequestType, fields: list[str]) -> None:
    assert list(told(request_problems(ChangeRequestDraft(kind, UNIT)))) == fields


def test_a_request_refuses_the_fields_of_another_kind() -> None:
    full = ChangeRequestDraft(
        RequestType.SUSPENSION_TERMINATION, UNIT, 100000, "2026-10", DAY, "SIM", 200001, 200110
    )  # fmt: skip
    assert list(told(request_problems(full))) == [
        "reference_month", "cer_celebration", "new_retailer_agent_code", "new_retailer_profile_code"
    ]  # fmt: skip


def test_a_range_that_ends_before_it_starts_is_refused() -> None:
    assert range_problems("2026-01", "2026-1") == ()
    assert list(told(range_problems("2026-02", "2026-01"))) == ["last_month"]
    assert list(told(range_problems("2026-13", "x"))) == ["first_month", "last_month"]


@pytest.mark.parametrize(("text", "day"), [("2026-03-02", date(2026, 3, 2)), (" 2026-3-2 ", date(2026, 3, 2))])
def test_a_date_is_read_as_year_month_day(text: str, day: date) -> None:
    assert parse_date(text) == day


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("02/03/2026", "is not a date"),
        ("2026-02-30", "no day 30"),
        ("2026-13-01", "no month 13"),
        ("0000-01-01", "no day"),
        ("20260302", "is not a date"),
        ("2026-03-02\n", "is not a date"),
        ("٢٠٢٦-03-02", "is not a date"),
    ],
)
def test_a_date_of_another_form_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_date(text)


@pytest.mark.parametrize(
    ("draft", "today", "cut_off_day", "words"),
    [
        (YES, date(2026, 8, 3), None, []),
        (YES, date(2026, 10, 1), None, ["Month 2026-10 has begun already; 2026-11 is the next possible one."]),
        (YES, date(2026, 12, 30), None, ["Month 2026-10 is over; 2027-01 is the next possible one."]),
        (YES, date(2026, 9, 10), 10, []),
        (
            YES,
            date(2026, 9, 11),
            10,
            ["Day 10, the cut-off for 2026-10, has passed; 2026-11 is the next possible one."],
        ),
        (
            YES,
            date(2026, 9, 24),
            None,
            ["The utility has until 2026-10-01 to answer; month 2026-10 will have begun by then."],
        ),
        (YES, date(2026, 9, 23), None, []),
        (YES, date(2026, 3, 1), None, ["The formalisation date 2026-03-02 is in the future."]),
        (V1, date(2026, 3, 2), None, []),
        (
            replace(V1, reference_month="2026-08"),
            date(2026, 3, 2),
            None,
            [
                "The notice (denúncia) of 2026-03-01 runs 180 days, so 2026-09 is the first month it allows; 2026-08 "
                "may be refused for it."
            ],
        ),
        (replace(YES, reference_month="2026-13"), date(2026, 8, 3), None, []),
        (replace(V1, denunciation_date=date(9999, 12, 31)), date(2026, 8, 3), None, []),
    ],
)  # fmt: skip
def test_what_is_unwise_is_said_and_stops_nothing(
    draft: MigrationDraft, today: date, cut_off_day: int | None, words: list[str]
) -> None:
    assert list(migration_advice(draft, today, Rules(cut_off_day=cut_off_day), CALENDAR)) == words
