"""What is said of one migration and its unit: fields, past, contracts, requests, energy."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wattdeck.core.lines import Line, line_width, plain
from wattdeck.systems.ccee import curve, details
from wattdeck.systems.ccee.models import (
    BRASILIA,
    ChangeRequest,
    Contract,
    Measurement,
    Migration,
    Representative,
    RequestType,
)
from wattdeck.systems.ccee.recorded import RecordedCcee
from wattdeck.systems.ccee.rules import Alert, Calendar
from wattdeck.systems.ccee.source import CceeSource
from wattdeck.systems.ccee.traces import Change

TODAY = date(2026, 10, 20)
CALENDAR = Calendar()
AT = datetime(2026, 10, 12, 12, 0, tzinfo=UTC)
OPEN = Migration(
    "8c0f4b1e-6c1d-4a58-9a57-1f3a3a0d0001", "000000123400159", 100000, 200000, 200100, "2026-11", "CRIADA",
    datetime(2026, 10, 13, 9, 5, tzinfo=BRASILIA), "CNPJ", "11222333000181", date(2026, 10, 20),
    email="padaria@example.com", musd_value=320.0, tariff_subgroup="A4", denunciation_date=date(2026, 3, 2),
)  # fmt: skip


def text(lines: list[Line]) -> str:
    return " ".join(plain(lines).split())


def value(lines: list[Line], label: str) -> str:
    return next(line[17:] for line in plain(lines).split("\n") if line.startswith(f"{label:<17}"))


# Fields


def test_every_field_has_its_name_its_wire_name_and_its_value() -> None:
    lines = details.details(OPEN, TODAY, CALENDAR, 56)
    assert plain(lines).startswith("0.000.001.234.001-59\ncodigoUnidadeConsumidora")
    assert value(lines, "Month").split() == ["Nov", "2026", "mesReferencia"]
    assert value(lines, "Answer due") == "2026-10-20, today"
    assert value(lines, "MUSD").startswith("320.00 kW") and "valorMusd" in value(lines, "MUSD")
    assert value(lines, "Requested").startswith("2026-10-13 09:05")
    assert value(lines, "Notice given").startswith("2026-03-02")
    assert value(lines, "Submarket").startswith("–")
    assert "codigoAgenteConcessionariaUnidadeConsumidora" in plain(lines)


def test_narrow_pane_has_the_wire_names_below() -> None:
    assert "Month            Nov 2026\n mesReferencia\n" in plain(details.details(OPEN, TODAY, CALENDAR, 38))
    assert "mesReferencia" not in plain(details.details(OPEN, TODAY, CALENDAR, 38, wire_names=False))


def test_no_field_of_the_model_is_forgotten() -> None:
    assert {fact.key for fact in details.FACTS} | {"consumer_unit_code"} == {each.name for each in fields(Migration)}


def test_numbers_and_addresses_are_masked_unless_asked() -> None:
    masked = plain(details.details(OPEN, TODAY, CALENDAR, 48))
    assert "**.***.***/0001-81" in masked and "p***@example.com" in masked and "m shows them" in masked
    shown = plain(details.details(OPEN, TODAY, CALENDAR, 48, masked=False))
    assert "11.222.333/0001-81" in shown and "padaria@example.com" in shown and "masked" not in shown


@pytest.mark.parametrize("width", [24, 38, 48, 60, 100])
@pytest.mark.parametrize("wire_names", [True, False])
def test_pane_keeps_within_its_width(width: int, wire_names: bool) -> None:
    long = replace(OPEN, justification="O mês pretendido não confere com a carta. " * 20, status="X" * 60,
                   email="x" * 200)  # fmt: skip
    lines = details.details(long, TODAY, None, width, masked=False, wire_names=wire_names)
    assert all(line_width(line) <= width for line in lines)
    told = [line for line in plain(lines).split("\n") if "confere" in line or "pretendido" in line]
    assert 1 < len(told) < details.MOST_VALUE_LINES


def test_alerts_come_first_with_their_severity() -> None:
    lines = details.details(OPEN, TODAY, CALENDAR, 48, alerts=(Alert("x", "high", "The answer is \x1blate."),))
    assert (("! The answer is late.", "severity-high"),) in lines[:4]


@given(st.text(max_size=80))
@settings(max_examples=30)
def test_hostile_text_is_harmless_everywhere(hostile: str) -> None:
    bad = replace(OPEN, consumer_unit_code=hostile, status=hostile, comment=hostile, submarket=hostile, email=hostile,
                  document_number=hostile, reference_month=hostile, migration_id=hostile)  # fmt: skip
    contract = Contract(
        hostile, hostile, hostile, hostile, representatives=(Representative(hostile, hostile, hostile),)
    )
    request = ChangeRequest(hostile, hostile, None, hostile, hostile, justification=hostile)
    change = Change("m", AT, "changed", hostile, hostile, hostile)
    lines = [
        *details.details(bad, TODAY, CALENDAR, 40, masked=False),
        *details.history_lines([change], 40),
        *details.contract_lines([contract], 40, masked=False),
        *details.request_lines([request], 40),
    ]
    assert all(piece.isprintable() for line in lines for piece, _ in line)
    assert all(line_width(line) <= 40 for line in lines)


# Past, contracts, requests


def test_past_is_told_newest_first() -> None:
    changes = [
        Change("m", AT, "seen", "status", "", "CRIADA"),
        Change("m", AT + timedelta(hours=2), "changed", "reference_month", "2026-11", "2026-12"),
        Change("m", AT + timedelta(days=1), "changed", "status", "CRIADA", "CONCLUIDA"),
        Change("m", AT + timedelta(days=2), "gone", "status", "CONCLUIDA", ""),
    ]
    assert plain(details.history_lines(changes, 48)).split("\n") == [
        "2026-10-14 09:00  no longer listed", "  was CONCLUIDA",
        "2026-10-13 09:00  Status", "  CRIADA → CONCLUIDA",
        "2026-10-12 11:00  Month", "  Nov 2026 → Dec 2026",
        "2026-10-12 09:00  first seen", "  CRIADA",
    ]  # fmt: skip
    assert "Nothing is known" in text(details.history_lines([], 48))
    assert text(details.history_lines([], 48, nothing="Because.")) == "Because."


def test_long_past_says_how_much_is_left_out() -> None:
    changes = [Change("m", AT, "changed", "comment", str(index), str(index + 1)) for index in range(60)]
    assert text(details.history_lines(changes, 48)).endswith("and 10 older changes")


def test_contracts_say_who_has_signed_and_hide_what_is_personal() -> None:
    contract = Contract(
        "c-1", "000000123400159", "CONCLUIDO", "Padaria Teste", "CNPJ", "11222333000181", "AB12", "Rua A, 1",
        "(11) 98765-4321", representatives=(
            Representative("Ana", "UNIDADE_CONSUMIDORA", "ASSINADO", AT), Representative("Rui", "VAREJISTA")),
    )  # fmt: skip
    masked = text(details.contract_lines([contract], 60))
    assert "CONCLUIDO Padaria Teste" in masked and "Ana (consumer): ASSINADO, 2026-10-12 09:00" in masked
    assert "Rui (retailer): –" in masked and "98765" not in masked and "Rua A" not in masked
    assert "11222333" not in masked
    assert "(11) 98765-4321" in text(details.contract_lines([contract], 60, masked=False))
    assert "No contract of this unit" in text(details.contract_lines([], 60))
    assert "Not read yet" in text(details.contract_lines(None, 60))


def test_requests_are_told_in_words_and_in_the_wires_own() -> None:
    request = ChangeRequest("r-1", "000000123400159", 100000, "ALTERACAO_ALFA_VAREJISTA_RESILICAO", "CRIADA",
                            datetime(2026, 7, 27, tzinfo=BRASILIA), "2026-08", new_retailer_agent_code=200001,
                            new_retailer_profile_code=200110)  # fmt: skip
    words = text(details.request_lines([request], 60))
    assert "◌ CRIADA" in words and "another retailer, by notice" in words and request.request_type in words
    assert "Aug 2026" in words and "200001, profile 200110" in words
    assert set(details.REQUEST_WORDS) == set(RequestType)
    assert "BRAND_NEW" in text(details.request_lines([replace(request, request_type="BRAND_NEW")], 60))
    assert "No change request in the last year" in text(details.request_lines([], 60))


# Energy


def measured(start: datetime, count: int, kwh: float = 0.5, minutes: int = 5) -> list[Measurement]:
    return [
        Measurement(f"x-{start:%d%H}-{index}", "u", 1, start + timedelta(minutes=minutes * (index + 1)), kwh, "MEDIDO",
                    "CONSISTIDA")
        for index in range(count)
    ]  # fmt: skip


MIDNIGHT = datetime(2026, 9, 1, tzinfo=BRASILIA)


def test_five_minutes_make_hours_and_midnight_belongs_to_the_day_that_ends() -> None:
    found = curve.hours_of(measured(MIDNIGHT, 288), date(2026, 9, 1))
    assert found.values == (6.0,) * 24 and found.names[0] == "0" and found.unit == "kWh"
    assert found.sentences == ("144.0 kWh in 24 hours.",)
    assert curve.days_known(measured(MIDNIGHT, 288)) == (date(2026, 9, 1),)


def test_days_of_a_month_and_its_gaps() -> None:
    found = curve.days_of([*measured(MIDNIGHT, 288), *measured(MIDNIGHT + timedelta(days=2), 200)], "2026-09")
    assert len(found.values) == 30 and found.values[:3] == (144.0, None, None)
    assert "1 day left out: not all values are there." in found.sentences
    assert curve.months_of(measured(MIDNIGHT, 288)) == ("2026-09",)


def test_rejected_values_are_left_out_and_counted() -> None:
    values = measured(MIDNIGHT, 12)
    values[3] = replace(values[3], status="REJEITADA", consumption_kwh=999.0)
    found = curve.hours_of(values, date(2026, 9, 1))
    assert found.values[0] == 5.5 and found.rejected == 1
    assert "1 rejected value left out." in found.sentences
    several = [replace(each, status="REJEITADA") if index < 4 else each for index, each in enumerate(values)]
    assert curve.hours_of(several, date(2026, 9, 1)).values[0] is None


def test_value_that_came_twice_counts_once_and_the_newest_wins() -> None:
    values = measured(MIDNIGHT, 12)
    newer = replace(values[0], measurement_id="again", consumption_kwh=1.5, updated_at=AT, kind="AJUSTADO")
    for order in ([newer, *values], [*values, newer]):
        found = curve.hours_of(order, date(2026, 9, 1))
        assert found.values[0] == 7.0 and found.estimated == 1
        assert "1 value came twice; the newest counts." in found.sentences


def test_quarter_hours_are_understood() -> None:
    assert curve.hours_of(measured(MIDNIGHT, 96, 2.0, 15), date(2026, 9, 1)).values == (8.0,) * 24


def test_unreadable_values_are_said() -> None:
    values = [*measured(MIDNIGHT, 12), Measurement("n", "u", 1, None, 1.0), Measurement("n2", "u", 1, MIDNIGHT, 1.0),
              replace(measured(MIDNIGHT, 1)[0], consumption_kwh=math.nan)]  # fmt: skip
    found = curve.hours_of(values, date(2026, 9, 1))
    assert found.values[0] == 6.0 and "2 values could not be read." in found.sentences


@given(st.lists(st.floats(0, 1e6), min_size=12, max_size=12))
@settings(max_examples=40)
def test_hour_is_the_exact_sum_of_its_values(values: list[float]) -> None:
    found = [replace(each, consumption_kwh=value) for each, value in zip(measured(MIDNIGHT, 12), values, strict=True)]
    assert curve.hours_of(reversed(found), date(2026, 9, 1)).values[0] == math.fsum(values)


def test_no_measurements_are_a_sentence() -> None:
    empty = curve.days_of([], "2026-02")
    assert empty.values == (None,) * 28 and empty.known == [] and empty.sentences == ()
    assert curve.no_measurements_words("000000123400159").startswith("CCEE has no measurements of 0.000.001.234.001-59")
    assert curve.no_measurements_words("u", asking=True) == "Reading the energy of u ..."
    assert curve.no_measurements_words("u", problem="timeout").endswith("could not be read: timeout. r tries again.")


def test_a_replay_says_why_it_has_no_history() -> None:
    agent = object.__new__(RecordedCcee)
    assert text(details.history_lines([], 60, nothing=agent.why_no_history)).startswith("No history here: this is a ")
    assert object.__new__(CceeSource).why_no_history == ""
