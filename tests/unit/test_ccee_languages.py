"""CCEE's words in Portuguese and Malay: nothing English is left in any sentence, and titles and labels fit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from messages import translations
from wattdeck.core import language
from wattdeck.core.answers import Answer
from wattdeck.core.language import tr
from wattdeck.core.lines import cell_width, line_width, plain
from wattdeck.core.reading import Link, Reading
from wattdeck.systems.ccee import SYSTEM, aside, curve, details, drafts, fields, form, present, report, summary, tables
from wattdeck.systems.ccee.agreements import ContractCreation, RequestAnswer, RequestCreation
from wattdeck.systems.ccee.alarms import CceeWatch
from wattdeck.systems.ccee.config import CceeConfig
from wattdeck.systems.ccee.entry import LABEL_CELLS, Entry
from wattdeck.systems.ccee.errors import ADVICE, status_error
from wattdeck.systems.ccee.filters import SORTS, Filter, Sort, month_words
from wattdeck.systems.ccee.intentions import Cancellation, Change, Creation, state_words
from wattdeck.systems.ccee.models import (
    BRASILIA,
    ChangeRequest,
    ChangeRequestDraft,
    Contract,
    ContractDraft,
    Measurement,
    Migration,
    MigrationDraft,
    MigrationEdit,
    MigrationsSnapshot,
    Representative,
    RepresentativeDraft,
    RequestStatus,
    RequestType,
    Status,
    counted,
)
from wattdeck.systems.ccee.progress import Progress
from wattdeck.systems.ccee.query import parse
from wattdeck.systems.ccee.rules import Calendar, Rules, alerts
from wattdeck.systems.ccee.sheets import CreateSheet, EditSheet
from wattdeck.systems.ccee.traces import Change as Trace
from wattdeck.systems.ccee.views import BUILT_IN

TODAY = date(2026, 10, 20)
NOW = datetime(2026, 10, 20, 14, tzinfo=UTC)
AT = datetime(2026, 10, 13, 9, tzinfo=BRASILIA)
CALENDAR, RULES = Calendar(), Rules(cut_off_day=10)
OPEN = Migration("m-0", "7", 100000, 200000, 200100, "2026-11", "CRIADA", AT, "CNPJ", "11222333000181", TODAY)
DAYS = (-9, -8, -7, -6, -5, -4, -1, -1, -1, -1, 0, 1, 1, 9)
WAITS = replace(OPEN, denunciation_date=TODAY, utility_formalized="NAO", modality="REGULAR")
REFUSED = replace(OPEN, status="REPROVADA", validated_at=NOW, deadline=None)
DONE = replace(OPEN, status="CONCLUIDA", reference_month="", deadline=None)
ROWS = (
    *(replace(WAITS, migration_id=f"d-{n}", consumer_unit_code=f"{n}", deadline=TODAY + timedelta(days=day),
              reference_month=f"2026-{9 + n % 4:02}") for n, day in enumerate(DAYS)),
    *(replace(REFUSED, migration_id=f"r-{n}", consumer_unit_code=f"{90 + n}") for n in range(12)),
    *(replace(DONE, migration_id=f"t-{n}", consumer_unit_code=f"{50 + n // 2}") for n in range(24)),
    replace(OPEN, migration_id="n", status="NOVA", utility_agent_code=None, requested_at=None),
)  # fmt: skip
SNAPSHOT = MigrationsSnapshot("2026-08", "2027-07", ROWS, counted(ROWS), complete=False, unreadable=2)
READING: Reading[Any] = Reading("ccee/varejo", "migrations", SNAPSHOT, Link.LIVE, NOW, good_polls=1)
DRAFT = MigrationDraft("000000123400159", 100000, "CPF", 200000, "2026-10", 200100, "uc@example.com",
                       tariff_subgroup="A4", utility_formalized="NAO", modality="REGULAR", comment="x")  # fmt: skip
CONTRACT = ContractDraft(100000, "7", "CNPJ", "11222333000181", (RepresentativeDraft("Ana", "a@example.com", "1"),))
REQUEST = ChangeRequest("c", "7", 100000, RequestType.SUSPENSION_RESOLUTION.value, "CONCLUIDA", AT, "2026-11",
                        new_retailer_agent_code=1, new_retailer_profile_code=2, current_retailer_profile_code=3,
                        precedence_indicator="1", delay_date="2", notification_date=TODAY)  # fmt: skip
WIRE = "xyz foo nova alert:x None codigoUnidadeConsumidora"
"""What is the same in every language: names, settings, what was typed and what commands take."""


@pytest.fixture(autouse=True)
def english_again() -> Iterator[None]:
    yield
    language.use("en")


@pytest.fixture(params=["pt_BR", "ms"])
def tongue(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def of_the_list() -> Iterator[str]:
    """What the screen and the reports say of a list, whatever its state."""
    yield plain(summary.summary_lines(ROWS, SNAPSHOT.counts, TODAY, CALENDAR, 80))
    yield plain(summary.summary_lines((), (), TODAY, CALENDAR, 80))
    yield plain([summary.counts_line(SNAPSHOT.counts, 200), summary.counts_line((), 80)])
    yield from (plain([summary.deadlines_line([row], TODAY, CALENDAR, 80)]) for row in ROWS)
    yield plain([summary.deadlines_line(ROWS, date(2026, 10, 23), CALENDAR, 80)])
    yield from report.text_lines([READING], NOW)[1:]
    yield plain(present.trouble([READING], NOW, 80))
    for link in Link:
        empty = replace(READING, snapshot=None, link=link)
        yield present.no_rows_words(empty, Filter())
    for chosen in (Filter(), Filter(text="x")):
        yield present.no_rows_words(READING, chosen)
    for snapshot in (replace(SNAPSHOT, migrations=()), replace(SNAPSHOT, migrations=(), complete=True)):
        yield present.no_rows_words(replace(READING, snapshot=snapshot), Filter())
    for chosen in (Filter(), Filter("2026-10", "2026-11", frozenset(), 1, 2, "x", only_alerts=True),
                   Filter("2026-10"), Filter(last_month="2026-10")):  # fmt: skip
        yield plain([present.filter_line(chosen, Sort(), 3, 41, 120)])
    yield from (Sort(by, down).words for by in SORTS for down in (True, False))
    for line in ("foo:1", "status:xyz", "month:x", "month:2026-10..2026-09", "utility:x", "alert:x"):
        yield from parse(line, TODAY).problems
    progress = Progress(1, 0)
    yield progress.words
    progress.expected = 9
    yield progress.words


def of_one() -> Iterator[str]:
    """What the pane says of a migration, its contracts, its energy and its requests."""
    for row in ROWS:
        found = alerts(row, TODAY, RULES, CALENDAR, {"50"}, {"r-1"})
        yield plain(details.details(row, TODAY, CALENDAR, 60, alerts=found))
        yield present.deadline_span(row.deadline or TODAY, TODAY, CALENDAR)[0]
        yield present.deadline_span(row.deadline or TODAY, TODAY, None)[0]
    kinds = [("seen", "status"), ("gone", "status"), *(("changed", fact.key) for fact in details.FACTS)]
    traces = [Trace("m", NOW, kind, field, "1", "2") for kind, field in kinds]  # type: ignore[arg-type]
    yield plain(details.history_lines(traces, 60)) + plain(details.history_lines(traces * 9, 60)[-1:])
    yield plain(details.history_lines((), 60))
    signer = Representative("Ana", "VAREJISTA", "")
    contract = Contract(
        "k",
        "7",
        "",
        "",
        "CNPJ",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        (signer, replace(signer, contact_type="UNIDADE_CONSUMIDORA")),
    )
    for contracts in (None, (), (contract,), (contract,) * 60):
        yield plain(details.contract_lines(contracts, 60, masked=False))
    for requests in (
        None,
        (),
        tuple(replace(REQUEST, request_type=kind.value) for kind in RequestType),
        (REQUEST,) * 60,
    ):
        yield plain(details.request_lines(requests, 60))
    values = [Measurement(f"{n}", "7", 1, AT + timedelta(minutes=5 * n), 1.0, "ESTIMADO", status)
              for n, status in enumerate(["REJEITADA", *["CONSISTIDA"] * 30])]  # fmt: skip
    for bars in (curve.hours_of([*values, *values], TODAY - timedelta(days=7)), curve.days_of(values, "2026-10")):
        yield " ".join((bars.label, *bars.sentences))
    yield curve.no_measurements_words("7") + curve.no_measurements_words("7", asking=True)
    yield from (aside.failure_words(ValueError("x"), page) for page in aside.PAGES)
    yield tables.head() + "".join(tables.migration_lines(OPEN, traces[:1], TODAY, CALENDAR, masked=True))[-60:]


def of_commands() -> Iterator[str]:
    """What forms, questions and refusals say."""
    sheets: list[Any] = [CreateSheet(each, 200000, (200100,), TODAY, RULES, CALENDAR) for each in ("v1", "v2")]
    for sheet in (*sheets, EditSheet(OPEN, (200100,))):
        yield sheet.title
        entry: Entry[Any] = Entry(
            sheet, {"consumer_unit_code": "1", "utility_agent_code": "x", "formalization_date": "x"}
        )
        for _ in range(14):
            yield plain([*entry.lines(72, 20), *entry.foot(72)])
            entry.move(1)
    yield plain([form._keys_line()])
    early = replace(DRAFT, denunciation_date=TODAY, formalization_date=TODAY + timedelta(days=2))
    for month in ("2026-09", "2026-10", "2026-11", "2026-12"):
        rules = replace(RULES, cut_off_day=None, answer_business_days=60) if month == "2026-12" else RULES
        yield from drafts.migration_advice(replace(early, reference_month=month), TODAY, rules, CALENDAR)
    odd = replace(DRAFT, consumer_unit_code="1\t", document_number="1", retailer_agent_code=0, modality="x",
                  email="x", comment="y" * 600, reference_month="2026-13")  # fmt: skip
    for draft in (
        odd,
        DRAFT,
        replace(odd, utility_formalized="SIM"),
        replace(odd, email="", document_type="x", modality=""),
    ):
        for version in ("v1", "v2"):
            yield from (problem.sentence for problem in drafts.migration_problems(draft, version))
    for number in ("", "1", "x" * 14, "1" * 14, "11222333000182", "é"):
        yield from (
            each.sentence for each in drafts.contract_problems(replace(CONTRACT, document_number=number, phone="1"))
        )
    for kind in ("x", *(kind.value for kind in RequestType)):
        wanted = ChangeRequestDraft(kind, "7", None, "2026-10", TODAY, "x", 1, 2)
        yield from (problem.sentence for problem in drafts.request_problems(wanted))
    edit = MigrationEdit.of(replace(OPEN, email="uc@example.com"))
    asked: list[Any] = [Creation(DRAFT), Creation(replace(DRAFT, formalization_date=TODAY, denunciation_date=TODAY)),
                        Change(OPEN, edit), Cancellation(OPEN), ContractCreation(CONTRACT, 1, ("2026-10", "2026-11")),
                        RequestCreation(ChangeRequestDraft("x", "7", 1, "2026-10", TODAY, "SIM", 1, 2), 1, TODAY),
                        RequestAnswer(REQUEST, RequestStatus.COMPLETED, "x", 1),
                        RequestAnswer(REQUEST, RequestStatus.REJECTED, "x", 1)]  # fmt: skip
    for each in asked:
        yield " ".join(str(getattr(each.wording, name)) for name in ("question", "yes", "unchanged", "advice", "look"))
        yield from each.lines("absent")
        yield state_words(each.wanted)
    yield Change(replace(OPEN, status="CONCLUIDA"), edit)._seen(replace(OPEN, status="CONCLUIDA")).why_not
    yield RequestAnswer(REQUEST, RequestStatus.REJECTED, "x", 1)._seen(REQUEST).why_not
    yield Creation(DRAFT)._seen([OPEN]).why_not
    for status, body in (*((code, b"") for code in (302, 401, 403, 404, 400, 405, 429, 500, 503)),
                         *((400, f'{{"error":"{code}"}}'.encode()) for code in ADVICE)):  # fmt: skip
        yield str(status_error(Answer(status, body, {}), "CCEE"))


def of_alarms() -> Iterator[str]:
    config = CceeConfig.model_validate(
        {"name": "x", "agent_code": 1, "profiles": [1], "client_id": "x", "client_secret": "x"}
    )
    found = CceeWatch(config).look([READING], NOW)
    assert {each.rule for each in found} == {rule.name for rule in SYSTEM.alarm_rules()}
    yield from (f"{each.name} {each.words}" for each in found)
    yield from (f"{tr(rule.title)} {tr(rule.consequence)} {tr(rule.action)}" for rule in SYSTEM.alarm_rules())
    for rows in (ROWS, ROWS[10:], ROWS[13:14], ()):
        snapshot = replace(SNAPSHOT, migrations=rows)
        for figure in SYSTEM.matters([replace(READING, source=f"{len(rows)}", snapshot=snapshot)], NOW).figures:
            yield f"{figure.label} {figure.short}"
    yield " ".join(view.title for view in BUILT_IN)


def said(code: str) -> list[str]:
    language.use(code)
    return [text for made in (of_the_list, of_one, of_commands, of_alarms) for text in made()]


def words_of(text: str) -> set[str]:
    """Its words; places of messages and the fingerprints of masked values are none."""
    return set(re.findall(r"[^\W\d_]{3,}", re.sub(r"\{\w*\}|\([0-9a-f]{6}\)", "", text).lower()))


def test_no_english_word_is_left(tongue: str) -> None:
    theirs = [text if isinstance(text, str) else " ".join(text) for text in translations(tongue).values()]
    wire = [fact.wire for fact in details.FACTS] + [*ADVICE, *Status, *RequestType, WIRE]
    known = set().union(*map(words_of, [*theirs, *wire]))
    english, found = said("en"), said(tongue)
    assert len(english) == len(found) > 300
    left = {word: text for before, text in zip(english, found, strict=True)
            for word in (words_of(text) & words_of(before)) - known}  # fmt: skip

    assert left == {}


def test_titles_and_labels_fit_where_they_stand(tongue: str) -> None:
    language.use(tongue)
    for by in SORTS:
        for column in present.columns(Sort(by)):
            assert cell_width(tr(column.title)) <= column.width, column.title
    for each in vars(fields).values():
        if isinstance(each, fields.Field):
            assert cell_width(tr(each.label)) <= LABEL_CELLS, each.label
    for fact in details.FACTS:
        assert cell_width(tr(fact.label)) < details.LABEL_CELLS, fact.label
    for days in (-12, -1, 0, 1, 2, 20):
        words, _ = present.deadline_span(TODAY + timedelta(days=days), TODAY, CALENDAR)
        assert cell_width(words) <= next(each.width for each in present.COLUMNS if each.key == "deadline"), words
    assert all(cell_width(month_words(f"2026-{month:02}")) <= 8 for month in range(1, 13))
    snapshot = replace(
        SNAPSHOT, migrations=tuple(replace(WAITS, deadline=TODAY, migration_id=f"{n}") for n in range(41))
    )
    for now in (NOW, NOW + timedelta(days=1)):
        first, second = SYSTEM.matters([replace(READING, snapshot=snapshot)], now).figures[:2]
        assert cell_width(f"{first.short} · {second.short}") <= 32, "what the overview has room for at 80x24"
    assert line_width(form._keys_line()) <= 72, "what a dialog holds at 80x24"
    assert all(
        "…" not in line for line in [plain(summary.summary_lines(ROWS[:9], SNAPSHOT.counts, TODAY, CALENDAR, 80))]
    )


def test_what_is_compared_and_journalled_stays_english(tongue: str) -> None:
    language.use(tongue)
    assert Creation(DRAFT).wanted == "created for 2026-10, profile 200100"
    assert state_words(Creation(DRAFT).wanted) != Creation(DRAFT).wanted
    assert state_words("CRIADA") == "CRIADA"
