"""The forms as data: which fields are asked for, what typed texts mean, how typing goes."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.lines import line_width, plain
from wattdeck.core.units import ASCII
from wattdeck.systems.ccee import fields
from wattdeck.systems.ccee.documents import complete_cnpj, complete_unit_code, format_cnpj, format_unit_code
from wattdeck.systems.ccee.entry import FOOT_LINES, GO, Entry
from wattdeck.systems.ccee.models import API_VERSIONS, Migration, MigrationDraft, MigrationEdit
from wattdeck.systems.ccee.rules import Calendar, Rules
from wattdeck.systems.ccee.sheets import WHOLE, CreateSheet, EditSheet

TODAY = date(2026, 10, 20)
CALENDAR = Calendar()
UNIT, CNPJ = "000000123400159", "11222333000181"
V2 = {
    "consumer_unit_code": UNIT, "utility_agent_code": "100000", "document_type": "CNPJ", "document_number": CNPJ,
    "reference_month": "2027-01", "retailer_profile_code": "200100", "email": "uc@example.com",
    "tariff_subgroup": "A4", "utility_formalized": "SIM", "formalization_date": "2026-10-01",
}  # fmt: skip
V1 = {key: V2[key] for key in list(V2)[:7]} | {"denunciation_date": "2026-03-02"}
OPEN = Migration("id-1", UNIT, 100000, 200000, 200100, "2027-01", "CRIADA", document_type="CNPJ",
                 document_number=CNPJ, email="uc@example.com")  # fmt: skip


def sheet(version: str = "v2", rules: Rules | None = None, **options: object) -> CreateSheet:
    return CreateSheet(version, 200000, (200100, 200101), TODAY, rules or Rules(), CALENDAR, **options)  # type: ignore[arg-type]


def keys(of: CreateSheet | EditSheet, values: dict[str, str]) -> list[str]:
    return [each.key for each in of.shown(values)]


# What is asked for


def test_v2_asks_for_the_day_or_the_modality_never_both() -> None:
    assert "formalization_date" in keys(sheet(), V2) and "modality" not in keys(sheet(), V2)
    no = V2 | {"utility_formalized": "NAO"}
    assert "modality" in keys(sheet(), no) and "formalization_date" not in keys(sheet(), no)
    neither = keys(sheet(), V2 | {"utility_formalized": ""})
    assert "modality" not in neither and "formalization_date" not in neither


def test_number_of_a_person_is_never_asked_for_nor_sent() -> None:
    person = V2 | {"document_type": "CPF"}
    assert "document_number" not in keys(sheet(), person)
    draft = sheet().read(person).draft
    assert draft is not None and draft.document_type == "CPF" and draft.document_number == ""


@pytest.mark.parametrize("version", ["v1", "v1.1"])
def test_older_rules_ask_for_the_notice(version: str) -> None:
    draft = sheet(version).read(V1).draft
    assert draft is not None and draft.denunciation_date == date(2026, 3, 2) and draft.tariff_subgroup == ""


def test_first_values_are_the_next_month_and_the_first_profile() -> None:
    assert sheet().first_values() == {
        "document_type": "CNPJ", "reference_month": "2026-11", "retailer_profile_code": "200100"}  # fmt: skip
    assert sheet(rules=Rules(cut_off_day=15)).first_values()["reference_month"] == "2026-12"


@pytest.mark.parametrize("version", API_VERSIONS)
def test_every_field_is_one_of_the_draft_and_has_its_words(version: str) -> None:
    for each in sheet(version).fields:
        assert each.key in MigrationDraft.__slots__
        assert each.help.endswith(".") and len(each.label) <= 16
        assert bool(each.choices) == (each.kind is fields.Kind.CHOICE)


# What typed texts mean


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("consumer_unit_code", "0.000.001.234.001-59", UNIT),
        ("consumer_unit_code", " 000000123400159 ", UNIT),
        ("document_number", "11.222.333/0001-81", CNPJ),
        ("document_number", "12.abc.345/01de-35", "12ABC34501DE35"),
        ("utility_agent_code", "100.000", 100000),
        ("reference_month", "1/2027", "2027-01"),
        ("reference_month", "2027-1", "2027-01"),
        ("reference_month", "2027/01", "2027-01"),
        ("formalization_date", "02/03/2026", date(2026, 3, 2)),
        ("formalization_date", "2026-3-2", date(2026, 3, 2)),
        ("comment", "por\x1b favor\n", "por favor"),
        ("email", "uc@example.com\r\n", "uc@example.com"),
    ],
)
def test_pasted_forms_are_understood(key: str, text: str, value: object) -> None:
    read = sheet().read(V2 | {key: text})
    assert read.problems == {} and getattr(read.draft, key) == value


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("consumer_unit_code", "", "Consumer unit is missing."),
        ("consumer_unit_code", "123", "15 digits"),
        ("utility_agent_code", "12a", "digits alone"),
        ("utility_agent_code", "1" * 9, "at most 8"),
        ("utility_agent_code", "٣٤", "digits alone"),
        ("document_number", "11.222.333/0001-82", "check digits"),
        ("reference_month", "2026-13", "there is no month 13"),
        ("formalization_date", "31/02/2026", "no day 31"),
        ("formalization_date", "soon", "is not a date"),
        ("email", "nobody", "no address"),
        ("tariff_subgroup", "A1", "Tariff subgroup is missing."),
        ("utility_formalized", "", "Formalised is missing."),
        ("retailer_profile_code", "999", "Profile is missing."),
    ],
)
def test_what_is_wrong_is_said_of_its_field(key: str, text: str, words: str) -> None:
    read = sheet().read(V2 | {key: text})
    assert read.draft is None and list(read.problems) == [key]
    assert words in read.problems[key] and read.problems[key].endswith(".")


@given(st.text("0123456789", min_size=13, max_size=13), st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=12,
                                                                max_size=12))  # fmt: skip
@settings(max_examples=40)
def test_right_numbers_pass_however_they_are_written(unit: str, company: str) -> None:
    code, number = complete_unit_code(unit), complete_cnpj(company)
    read = sheet().read(
        V2 | {"consumer_unit_code": format_unit_code(code), "document_number": format_cnpj(number).lower()}
    )
    if len(set(code)) > 1 and len(set(number)) > 1:
        assert read.draft is not None
        assert (read.draft.consumer_unit_code, read.draft.document_number) == (code, number)


@given(st.dictionaries(st.sampled_from(sorted({*V2, *V1, "modality", "comment"})), st.text(max_size=40)))
@settings(max_examples=40)
def test_whatever_is_typed_is_a_draft_or_has_sentences(values: dict[str, str]) -> None:
    for version in API_VERSIONS:
        read = sheet(version).read(V2 | V1 | values)
        assert (read.draft is None) == bool(read.problems)
        assert all(sentence.isprintable() and sentence.endswith((".", "…")) for sentence in read.problems.values())


def test_advice_is_given_only_of_what_can_be_sent() -> None:
    busy = sheet(active_units={UNIT: "CRIADA, 2026-12"})
    assert "has an active migration already (CRIADA, 2026-12); CCEE allows one." in busy.advice(V2)[0]
    assert busy.advice(V2 | {"email": "x"}) == ()
    assert any("2026-10" in said for said in sheet().advice(V2 | {"reference_month": "2026-10"}))
    assert any("notice" in said for said in sheet("v1").advice(V1 | {"denunciation_date": "2026-10-01"}))
    assert sheet().advice(V2) == ()


# Changing


def test_change_begins_with_what_stands_there_and_must_differ() -> None:
    edit = EditSheet(OPEN, (200100, 200101))
    values = edit.first_values()
    assert edit.read(values).problems == {WHOLE: "Nothing is different from what stands there now."}
    changed = edit.read(values | {"reference_month": "02/2027", "document_number": "11.222.333/0001-81"})
    assert changed.draft == MigrationEdit("2027-02", 200100, "CNPJ", CNPJ, "uc@example.com")
    person = edit.read(values | {"document_type": "CPF"}).draft
    assert person is not None and person.document_number == ""


def test_profile_that_is_not_configured_can_be_kept() -> None:
    edit = EditSheet(OPEN, (200101,))
    assert next(each for each in edit.fields if each.key == "retailer_profile_code").choices == ("200101", "200100")


# Typing


def entry(values: dict[str, str] | None = None) -> Entry[MigrationDraft]:
    return Entry(sheet(), values)


def at(form: Entry[MigrationDraft], key: str) -> Entry[MigrationDraft]:
    for _ in range(20):
        if form.focus == key:
            return form
        form.move(1)
    raise AssertionError(f"no line {key}")


def test_choice_is_typed_letter_by_letter() -> None:
    form = at(entry(), "tariff_subgroup")
    for typed, chosen in (("a", "A2"), ("4", "A4"), ("a", "AS"), ("z", "AS"), ("B", "B1"), ("3", "B3")):
        form.insert(typed)
        assert form.values["tariff_subgroup"] == chosen
    form.insert(" ")
    assert form.values["tariff_subgroup"] == "B4"
    form.turn(1)
    assert form.values["tariff_subgroup"] == "A2"
    form.insert("a3a")
    assert form.values["tariff_subgroup"] == "A3a"


def test_focus_stays_within_the_form() -> None:
    form = entry()
    form.move(-1)
    assert form.focus == "consumer_unit_code"
    form.move(99)
    assert form.focus == GO
    form.insert("x")
    form.delete(-1)
    form.turn(1)
    form.clear()
    assert form.finish() is None and form.focus == "consumer_unit_code"


def test_full_field_takes_no_more_and_loses_nothing() -> None:
    form = at(entry(), "reference_month")
    form.clear()
    form.insert("2027-01")
    form.edge(-1)
    form.insert("x" * 50)
    assert form.values["reference_month"] == "xxx2027-01" and form.caret == 3


@given(st.lists(st.tuples(st.sampled_from(["move", "turn", "edge", "delete", "insert", "clear"]),
                          st.sampled_from([-1, 1]), st.text(max_size=6)), max_size=40))  # fmt: skip
@settings(max_examples=40)
def test_any_keys_leave_a_form_that_can_be_shown(steps: list[tuple[str, int, str]]) -> None:
    form = entry()
    for what, step, text in steps:
        match what:
            case "insert":
                form.insert(text)
            case "clear":
                form.clear()
            case _:
                getattr(form, what)(step)
        of = form.field
        assert of is None or 0 <= form.caret <= len(form.text(of)) <= of.most
    for width, height in ((30, 3), (72, 40)):
        lines = [*form.lines(width, height, ASCII), *form.foot(width)]
        assert all(line_width(line) <= width for line in lines)
        assert sum(line.startswith(">") for line in plain(lines).split("\n")) == 1
        assert all(piece.isprintable() for line in lines for piece, _ in line)
    assert len(form.foot(30)) == FOOT_LINES
    assert all(value.isprintable() for value in form.values.values())


def test_what_was_typed_is_kept_where_the_caller_keeps_it() -> None:
    values: dict[str, str] = {"consumer_unit_code": "77"}
    form = entry(values)
    form.insert("8")
    assert values["consumer_unit_code"] == "778" and values["document_type"] == "CNPJ"
    form.clear()
    assert entry(values).values["consumer_unit_code"] == ""


def test_a_month_that_was_given_is_replaced_by_what_is_typed() -> None:
    entry = Entry(sheet())
    month = next(each for each in entry.sheet.fields if each.key == "reference_month")
    while entry.focus != "reference_month":
        entry.move(1)
    assert entry.text(month) == entry.sheet.first_values()["reference_month"]
    for character in "2027-03":
        entry.insert(character)
    assert entry.text(month) == "2027-03"
    entry.insert("1")
    assert entry.text(month) == "2027-031", "what a person has typed is theirs"


def test_a_month_that_was_given_can_be_corrected_at_its_end() -> None:
    entry = Entry(sheet())
    while entry.focus != "reference_month":
        entry.move(1)
    given = entry.values["reference_month"]
    entry.delete(-1)
    entry.insert("9")
    assert entry.values["reference_month"] == given[:-1] + "9"
