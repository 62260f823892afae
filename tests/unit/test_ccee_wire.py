"""CCEE's JSON: what is odd becomes unknown or stays text, never an exception; the fast way agrees with the slow one."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.answers import Answer
from wattdeck.systems.ccee import fast, pdf, wire
from wattdeck.systems.ccee.errors import AnswerError
from wattdeck.systems.ccee.models import BRASILIA, ContractFile, Migration
from wattdeck.systems.ccee.moments import day, instant, month
from wattdeck.systems.ccee.scalars import code, identifier, number, text, whole

FIXTURES = Path(__file__).parent.parent / "fixtures" / "ccee"
MIDNIGHT = datetime(2026, 10, 1, tzinfo=BRASILIA)


def loaded(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text())


def answer(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Answer:
    return Answer(status, body if isinstance(body, bytes) else json.dumps(body).encode(), headers or {})


def item(**changes: Any) -> dict[str, Any]:
    return {**loaded("migrations")["migracao"][0], **changes}


def read(**changes: Any) -> Migration:
    found = wire.migration(item(**changes))
    assert found is not None
    return found


# Dates and months


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-10-01", MIDNIGHT),
        ("2026-10-01T00:00", MIDNIGHT),
        ("2026-10-01 00:00:00", MIDNIGHT),
        ("2026-10-01T00:00:00-03:00", MIDNIGHT),
        ("2026-10-01T00:00:00.000-0300", MIDNIGHT),
        ("2026-10-01T00:00:00-03", MIDNIGHT),
        ("2026-10-01T03:00:00Z", MIDNIGHT),
        ("2026-10-01T00:00:00.1234567-03:00", MIDNIGHT.replace(microsecond=123456)),
        ("01/10/2026", MIDNIGHT),
        ("2026/10/01", MIDNIGHT),
        ("2026-10", None),
        ("10/2026", None),
        ("2026-02-30", None),
        ("2026-10-01T25:00:00Z", None),
        ("2026-10-01T00:00:00+99:00", None),
        ("2026-10-01T00:00:00+03:75", None),
        ("20261001", None),
        ("0000-01-01", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("31/12/9999", None),
        ("amanhã", None),
        ("", None),
        (20261001, None),
        (None, None),
        ({"a": 1}, None),
    ],
)
def test_an_instant_is_read_in_every_form_or_unknown(value: object, expected: datetime | None) -> None:
    assert instant(value) == expected


@pytest.mark.parametrize("stamp", ["2026-10-01T00:00:00Z", "2026-10-01T00:00:00-03:00", "2026-10-01T23:59:59+14:00"])
def test_month_and_day_are_those_of_the_texts_own_offset(stamp: str) -> None:
    assert month(stamp) == "2026-10"
    assert day(stamp) == date(2026, 10, 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-10", "2026-10"),
        ("2026-1", "2026-01"),
        ("10/2026", "2026-10"),
        ("01/10/2026", "2026-10"),
        ("2026-13", ""),
        ("13/2026", ""),
        ("0000-01", ""),
        ("0001-01", ""),
        ("9999-12", ""),
        ("outubro", ""),
        (None, ""),
        (202610, ""),
    ],
)
def test_a_month_is_read_from_month_texts_too(value: object, expected: str) -> None:
    assert month(value) == expected


@settings(max_examples=50)
@given(
    st.datetimes(datetime.fromisoformat("1900-01-02"), datetime.fromisoformat("2190-01-01")),
    st.sampled_from([UTC, BRASILIA, timezone(timedelta(hours=5, minutes=30)), timezone(-timedelta(hours=11))]),
)
def test_every_iso_stamp_comes_out_as_it_went_in(at: datetime, zone: timezone) -> None:
    at = at.replace(tzinfo=zone)
    assert instant(at.isoformat()) == at
    assert day(at.isoformat()) == at.date()
    assert month(at.isoformat()) == f"{at.year}-{at.month:02d}"


# Texts, codes, numbers


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (100000, 100000),
        ("0100000", 100000),
        (100000.0, 100000),
        ("abc", None),
        ("", None),
        ("١٢", None),
        (True, None),
        (1.5, None),
        (10**40, None),
        ("9" * 400, None),
        (None, None),
        ([1], None),
    ],
)
def test_a_code_may_be_number_or_text(value: object, expected: int | None) -> None:
    assert whole(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.5, 1.5),
        (0, 0.0),
        ("1.5", 1.5),
        ("-2e3", -2000.0),
        ("1,5", None),
        ("", None),
        ("1_000", None),
        ("inf", None),
        (float("nan"), None),
        (1e300, None),
        (True, None),
        (None, None),
    ],
)
def test_a_measure_may_be_number_or_text(value: object, expected: float | None) -> None:
    assert number(value) == expected


def test_an_id_stays_exactly_as_it_came() -> None:
    assert identifier(" a/b?c ") == " a/b?c "
    assert identifier(12) == "12"
    for bad in ("", "  ", None, True, 1.5, "x" * 201, "a\x1b[2J", "\ud800", ["a"]):
        assert identifier(bad) == ""


def test_text_is_made_harmless_and_bounded() -> None:
    assert text("Olá\x1b[2J\n mundo\u202e") == "Olá[2J  mundo"
    assert len(text("x" * 5000)) == 1000
    assert code("y" * 5000) == "y" * 99 + "…"
    assert text(7) == "7"
    assert text({"a": 1}) == text(True) == text(None) == ""


# Migrations


def test_the_examples_of_the_sheet_are_read() -> None:
    page = wire.migrations(answer(loaded("migrations")), "x")
    assert page.cursor == "eyJwIjoyfQ=="
    assert page.skipped == 0
    created = page.items[0]
    assert created.migration_id == "8c0f4b1e-6c1d-4a58-9a57-1f3a3a0d0001"
    assert (created.consumer_unit_code, created.reference_month, created.status) == (
        "000000123400159",
        "2026-10",
        "CRIADA",
    )
    assert created.requested_at == datetime(2026, 3, 2, tzinfo=BRASILIA)
    assert created.formalization_date == date(2026, 3, 2)
    assert (created.document_number, created.utility_formalized, created.modality) == ("11222333000181", "SIM", "")
    assert created.dhc_value is None

    accepted = wire.one(answer(loaded("migration")), "x", wire.migration)
    assert (accepted.status, accepted.reference_month, accepted.submarket) == ("CONCLUIDA", "2026-10", "SE")
    assert (accepted.musd_value, accepted.dhc_value) == (320.0, 1250.5)
    assert (accepted.protocol_number, accepted.intended_utility_month) == ("P-1", "2026-10")
    assert accepted.utility_consumer_unit_code == "901"

    contract = wire.contracts(answer(loaded("contracts")), "x").items[0]
    assert (contract.status, contract.authenticity_code) == ("CONCLUIDO", "AB12")
    assert contract.representatives[0].signature_status == "ASSINADO"

    measured = wire.measurements(answer(loaded("measurements")), "x").items[0]
    assert measured.consumption_kwh == 1.5
    assert measured.at == datetime(2026, 2, 28, 0, 5, tzinfo=BRASILIA)
    assert measured.reference_day == date(2026, 2, 28)

    asked = wire.one(answer(loaded("change_request")), "x", wire.change_request)
    assert (asked.status, asked.current_retailer_profile_code) == ("CRIADA", 200100)
    assert asked.notification_date == date(2026, 4, 23)
    assert asked.reference_month == ""


def test_an_unknown_status_is_kept_as_it_is() -> None:
    assert read(statusMigracao="SUSPENSA").status == "SUSPENSA"
    assert read(statusMigracao="criada").status == "criada"
    assert read(statusMigracao=7).status == "7"


def test_null_everywhere_but_in_the_id_is_a_migration() -> None:
    raw = dict.fromkeys(item(), None)
    found = wire.migration({**raw, "idMigracao": "m1"})
    assert found is not None
    assert (found.status, found.reference_month, found.utility_agent_code, found.musd_value) == ("", "", None, None)
    assert wire.migration(raw) is None


def test_codes_and_numbers_come_as_text_too() -> None:
    found = read(codigoAgenteConcessionaria="0100000", codigoPerfilVarejista="200100", valorMusd="320.5", idMigracao=5)
    assert (found.utility_agent_code, found.retailer_profile_code) == (100000, 200100)
    assert found.musd_value == 320.5
    assert found.migration_id == "5"


def test_forms_of_dates_mix_in_one_object_and_can_be_compared() -> None:
    found = read(dataSolicitacao="2026-03-02", dataValidacao="2026-03-06T10:00:00Z")
    assert found.requested_at is not None
    assert found.validated_at is not None
    assert found.requested_at < found.validated_at


def test_what_is_shared_by_many_items_is_one_object() -> None:
    for parsed in (wire.migrations, lambda each, what: wire.listed(each, what, wire.MIGRATIONS, wire.migration)):
        first, second = parsed(answer({"migracao": [item(), item(idMigracao="other")]}), "x").items
        assert first.status is second.status
        assert first.reference_month is second.reference_month
        assert first.tariff_subgroup is second.tariff_subgroup


# Lists


@pytest.mark.parametrize(
    "empty",
    [
        answer(b"", 204),
        answer(b""),
        answer(b"  \n"),
        answer({}),
        answer(b"null"),
        answer({"migracao": []}),
        answer({"migracao": None, "indexProximaPagina": None}),
        answer({"indexProximaPagina": None}),
        answer([]),
    ],
)
def test_an_empty_page_comes_in_many_forms(empty: Answer) -> None:
    page = wire.migrations(empty, "x")
    assert (page.items, page.cursor, page.skipped) == ((), "", 0)


@pytest.mark.parametrize("end", [None, "", 0, False, 0.0])
def test_a_cursor_that_cannot_be_one_ends_the_list(end: object) -> None:
    assert wire.migrations(answer({"migracao": [item()], "indexProximaPagina": end}), "x").cursor == ""
    assert wire.migrations(answer({"migracao": [item()]}), "x").cursor == ""


def test_a_numeric_cursor_goes_on() -> None:
    assert wire.migrations(answer({"migracao": [item()], "indexProximaPagina": 2}), "x").cursor == "2"


@pytest.mark.parametrize("cursor", [True, ["a"], {"p": 2}, "x" * 4001, "\ud800"])
def test_a_cursor_nobody_can_ask_for_is_an_error(cursor: object) -> None:
    with pytest.raises(AnswerError, match="indexProximaPagina"):
        wire.migrations(answer({"migracao": [], "indexProximaPagina": cursor}), "x")


def test_what_has_no_id_is_skipped_and_counted() -> None:
    body = {"migracao": [item(), None, "text", [item()], {"idMigracao": None}, item(idMigracao="second")]}
    page = wire.migrations(answer(body), "x")
    assert [each.migration_id for each in page.items] == [item()["idMigracao"], "second"]
    assert page.skipped == 4


def test_another_name_of_the_list_is_understood_or_named() -> None:
    assert len(wire.contracts(answer({"contrato": loaded("contracts")["contratos"]}), "x").items) == 1
    assert len(wire.migrations(answer([item()]), "x").items) == 1
    assert len(wire.migrations(answer({"migracao": item()}), "x").items) == 1
    with pytest.raises(AnswerError, match="no list “migracao”, but pedidos"):
        wire.migrations(answer({"pedidos": [item()]}), "x")
    with pytest.raises(AnswerError, match="is no list"):
        wire.migrations(answer({"migracao": 3}), "x")
    with pytest.raises(AnswerError, match="is no list"):
        wire.migrations(answer(3), "x")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<html><body>Bad gateway 529.982.247-25</body></html>", "web page"),
        (b'{"migracao":[', "cut short"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"n":' + b"9" * 5000 + b"}", "impossible number"),
    ],
)
def test_what_is_no_json_is_an_error_in_words(body: bytes, words: str) -> None:
    with pytest.raises(AnswerError, match=words) as refused:
        wire.migrations(answer(body, headers={"x-request-id": "r-1"}), "host (GET /x)")
    assert refused.value.status_code == 200
    assert refused.value.request_id == "r-1"
    assert refused.value.excerpt
    assert "529" not in f"{refused.value}{refused.value.excerpt}"


def test_more_entries_than_can_be_meant_are_refused() -> None:
    with pytest.raises(AnswerError, match="cannot be meant"):
        wire.listed(answer(b"[" + b"0," * 60_000 + b"0]"), "x", wire.MIGRATIONS, wire.migration)


# One object


def test_an_object_may_come_in_an_array() -> None:
    raw = loaded("migration")
    assert wire.one(answer([raw]), "x", wire.migration) == wire.one(answer(raw), "x", wire.migration)


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"null", b"3", b"<html></html>", b'{"idMigracao":null}'])
def test_an_answer_without_the_object_is_an_error(body: bytes) -> None:
    with pytest.raises(AnswerError):
        wire.one(answer(body, 204 if not body else 200), "x", wire.migration)


# The fast way and the slow one

odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**17), 10**17),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from(["CRIADA", "2026-10-01", "2026-10-01T00:00:00Z", "1.5", "0100000", "x" * 1001, "10/2026", ""]),
    st.lists(st.integers(), max_size=2),
)


@settings(max_examples=150)
@given(
    st.dictionaries(
        st.sampled_from([*item(), "dataReferencia", "codigoSupridora", "tipoConectado", "indicadorProcessoSiga"]),
        odd,
        max_size=4,
    ),
    st.sets(st.sampled_from(sorted(item())), max_size=2),
    st.booleans(),
)
def test_fast_and_slow_way_read_the_same(changes: dict[str, Any], missing: set[str], ascii_only: bool) -> None:
    raw = {name: value for name, value in item(**changes).items() if name not in missing}
    body = json.dumps({"migracao": [item(idMigracao="first"), raw]}, ensure_ascii=ascii_only)
    page = answer(body.encode("utf-8", "surrogatepass"))
    assert repr(wire.migrations(page, "x")) == repr(wire.listed(page, "x", wire.MIGRATIONS, wire.migration))


def test_ordinary_pages_go_the_fast_way() -> None:
    ordinary = item(comentario="Olá, migração", submercado=None, valorMusd=7, numeroDocumento=None)
    body = json.dumps({"migracao": [ordinary], "indexProximaPagina": None}, ensure_ascii=False).encode()
    assert fast.migrations(body) is not None
    assert fast.migrations(body.replace(b"200100", b'"200100"')) is None
    twice = body.replace(b'"statusMigracao": "CRIADA"', b'"statusMigracao": "A", "statusMigracao": "B"')
    slow = wire.listed(answer(twice), "x", wire.MIGRATIONS, wire.migration)
    assert wire.migrations(answer(twice), "x") == slow
    assert slow.items[0].status == "B"


@settings(max_examples=50)
@given(st.recursive(odd, lambda inner: st.dictionaries(st.sampled_from([*item(), "migracao"]), inner), max_leaves=6))
def test_whatever_comes_is_items_or_an_answer_error(body: Any) -> None:
    items: tuple[Migration, ...] = ()
    with contextlib.suppress(AnswerError):
        items = wire.migrations(answer(body), "x").items
    for each in items:
        assert "".join(str(value) for value in dataclasses.astuple(each)).isprintable()


# Contract files

PDF = b"%PDF-1.7\n" + bytes(range(256))


def pdf_of(body: bytes, disposition: str = "", kind: str = "") -> ContractFile:
    headers = {"content-disposition": disposition, "content-type": kind}
    return pdf.contract_file(answer(body, headers=headers), "host (GET /x)", "C-1")


def test_a_contract_comes_as_base64_or_as_it_is() -> None:
    encoded = base64.b64encode(PDF)
    lines = b"\r\n".join(encoded[at : at + 76] for at in range(0, len(encoded), 76)) + b"\n"
    for body in (PDF, encoded, lines, json.dumps(encoded.decode()).encode()):
        found = pdf_of(body, 'attachment; filename="x.pdf"', "application/pdf; charset=binary")
        assert (found.content, found.name, found.media_type) == (PDF, "x.pdf", "application/pdf")
    assert pdf_of(PDF).media_type == "application/octet-stream"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (base64.b64encode(PDF)[:-1], "neither a PDF nor whole base64"),
        (b"<html>no</html>", "neither a PDF nor whole base64"),
        (base64.b64encode(b"MZ not a document"), "is no PDF"),
        (b'"unfinished', "neither a PDF nor whole base64"),
    ],
)
def test_what_is_no_contract_is_refused(body: bytes, words: str) -> None:
    with pytest.raises(AnswerError, match=words):
        pdf_of(body)


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="x.pdf"; size=3', "x.pdf"),
        ("attachment; filename=x.pdf; size=3", "x.pdf"),
        ("attachment; filename*=UTF-8''contrato%20n%C2%BA%201.pdf; filename=\"old.pdf\"", "contrato nº 1.pdf"),
        ("attachment; filename=\"old.pdf\"; filename*=iso-8859-1'pt'S%E3o.pdf", "São.pdf"),
        ('attachment; filename="../../etc/passwd"', "passwd"),
        ("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        ('attachment; filename="C:\\\\temp\\\\a.pdf"', "a.pdf"),
        ('attachment; filename=".bashrc"', "bashrc"),
        ('attachment; filename="a\\"b.pdf"', "a_b.pdf"),
        ('attachment; filename="nul.pdf"', "_nul.pdf"),
        ('attachment; filename="a\x1b[2J\x07.pdf"', "a[2J.pdf"),
        ('attachment; filename="' + "n" * 400 + '.pdf"', "n" * 116 + ".pdf"),
        ('attachment; filename=""', "C-1.pdf"),
        ('attachment; filename=".."', "C-1.pdf"),
        ("attachment", "C-1.pdf"),
        ("", "C-1.pdf"),
    ],
)
def test_a_file_name_is_never_a_path(disposition: str, name: str) -> None:
    assert pdf_of(PDF, disposition).name == name


@settings(max_examples=50)
@given(st.text(max_size=60), st.sampled_from(['filename="{}"', "filename={}", "filename*=UTF-8''{}"]))
def test_whatever_the_header_says_the_name_is_safe(said: str, form: str) -> None:
    name = pdf_of(PDF, f"attachment; {form.format(said)}").name
    assert 0 < len(name) <= 121
    assert name.isprintable()
    assert not set(name) & set('/\\<>:"|?*')
    assert not name.startswith(".")
