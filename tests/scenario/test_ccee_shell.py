"""`wattdeck ccee ...` as a person or a cron job uses it: data on stdout, words on stderr, the promised exit codes."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from anyio.abc import TaskStatus
from anyio.from_thread import start_blocking_portal
from test_shell import Shell, closed_port, config, shell, unsafe, write  # noqa: F401  fixtures by their names

from forked import Forked
from wattdeck.core.http import RetryPolicy
from wattdeck.core.serve import serve
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.ccee.models import ContractDraft, RepresentativeDraft
from wattdeck.systems.ccee.records import MigrationRecord
from wattdeck.systems.ccee.simulator import CceeSimulator, secret_of

AGENT, PROFILE = 200000, 200100
SECRET = secret_of(AGENT)
UNIT = "000000123400159"
MIGRATIONS = "/v2/varejista/migracoes"
DEMO = ("--demo", "--source", "varejo-b")
CREATE = (
    "ccee", "migrations", "create", "--unit", UNIT, "--utility", "100000", "--document", "11222333000181",
    "--month", "2027-06", "--email", "ana@padaria.example", "--subgroup", "A4", "--formalized-on", "2026-03-02",
)  # fmt: skip
CONTRACT = ContractDraft(
    100000, UNIT, "CNPJ", "11222333000181",
    (RepresentativeDraft("Ana Souza", "ana@padaria.example", "52998224725"),), consumer_unit_name="Padaria Teste",
)  # fmt: skip


class Port:
    """A loopback port behind which a test puts the simulator it wants."""

    def __init__(self) -> None:
        self.url = ""
        self.market: Market | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert self.market is not None
        await self.market(scope, receive, send)


class Market:
    """A simulated CCEE, and a configuration that points at it."""

    def __init__(self, url: str, path: Path, faults: dict[str, str | None]) -> None:
        self.simulator = CceeSimulator(SimulatorOptions(seed=1, faults=faults))
        self.url, self.path = url, path
        self.requests: list[tuple[str, str]] = []
        self.before: Callable[[str, str, int], object] = lambda *_: None
        """Called with method, path, and how often that was asked for."""
        self.configure()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            request = (scope["method"], scope["path"])
            self.requests.append(request)
            self.before(*request, self.requests.count(request))
        await self.simulator.app(scope, receive, send)

    def configure(
        self, *, secret: str = SECRET, url: str = "", more: str = "control = true", name: str = "varejo", ui: str = ""
    ) -> None:
        write(
            self.path,
            f'{ui}\n[[ccee]]\nname = "{name}"\nagent_code = {AGENT}\nprofiles = [{PROFILE}]\n'
            f'client_id = "VAREJISTA_{AGENT}"\nclient_secret = "{secret}"\nurl = "{url or self.url}"\n'
            f"timeout_s = 5\n{more}\n",
        )

    def one(self, status: str, fits: Callable[[MigrationRecord], bool] = lambda _: True) -> MigrationRecord:
        return next(
            each
            for each in self.simulator.store.seen_by(AGENT)
            if (each.status, each.profile, each.document_type) == (status, PROFILE, "CNPJ") and fits(each)
        )

    @property
    def writes(self) -> list[str]:
        return [method for method, path in self.requests if method != "GET" and not path.startswith("/sso")]


@pytest.fixture(scope="module")
def port() -> Iterator[Port]:
    made = Port()

    async def serving(*, task_status: TaskStatus[str]) -> None:
        await serve(made, "127.0.0.1", 0, task_status.started)

    with start_blocking_portal() as portal:
        future, made.url = portal.start_task(serving)
        yield made
        future.cancel()


@pytest.fixture
def market(port: Port, config: Path, monkeypatch: pytest.MonkeyPatch) -> Market:  # noqa: F811
    monkeypatch.setattr("wattdeck.systems.ccee.requests.RETRY", RetryPolicy(retries=0, retry_timeout_s=0.0))
    port.market = Market(port.url, config, {})
    return port.market


# reading


def test_a_list_is_printed_for_people_scripts_and_spreadsheets(shell: Shell, market: Market) -> None:  # noqa: F811
    lines = shell("ccee", "migrations", "list")
    assert (lines.code, lines.err) == (0, "")
    head, *rows = lines.out.splitlines()
    assert head.startswith("Status") and len(rows) > 100
    assert any("business day" in row and row.startswith("CRIADA") for row in rows)
    records = shell("ccee", "migrations", "list", "--format", "json").document
    assert all(record["migration_id"] in row for record, row in zip(records, rows, strict=True))
    assert {each["retailer_profile_code"] for each in records} == {PROFILE}
    assert records[0]["reference_month"][4] == "-" and records[0]["requested_at"].endswith("-03:00")
    table = list(csv.DictReader(io.StringIO(shell("ccee", "migrations", "list", "--format", "csv").out)))
    assert [each["migration_id"] for each in table] == [each["migration_id"] for each in records]
    assert set(table[0]) == set(records[0])


def test_a_list_is_filtered_by_status_unit_and_month(shell: Shell, market: Market) -> None:  # noqa: F811
    chosen = market.one("CONCLUIDA", lambda each: len(each.unit) == 15)
    unit = chosen.unit
    written = f"{unit[0]}.{unit[1:4]}.{unit[4:7]}.{unit[7:10]}.{unit[10:13]}-{unit[13:]}"
    for code in (unit, written):
        found = shell("ccee", "migrations", "list", "--unit", code, "--from", "2024-01", "--format", "json")
        assert chosen.id in [each["migration_id"] for each in found.document]
        assert {each["consumer_unit_code"] for each in found.document} == {unit}
    waits = shell("ccee", "migrations", "list", "--status", "criada", "--format", "json").document
    assert waits and {each["status"] for each in waits} == {"CRIADA"} and all(each["deadline"] for each in waits)
    month = shell(
        "ccee", "migrations", "list", "--from", chosen.month, "--to", chosen.month, "--format", "json"
    ).document
    assert {each["reference_month"] for each in month} == {chosen.month}


def test_an_older_units_code_keeps_its_hyphen(shell: Shell, market: Market) -> None:  # noqa: F811
    chosen = market.one("CONCLUIDA")
    chosen.unit = "UC-123456"
    found = shell("ccee", "migrations", "list", "--unit", "UC-123456", "--format", "json", "--from", "2024-01")
    assert [each["migration_id"] for each in found.document] == [chosen.id]


def test_an_empty_list_is_an_answer(shell: Shell, market: Market) -> None:  # noqa: F811
    for arguments in (("migrations", "list"), ("contracts", "list"), ("measurements", "--utility", "100000")):
        unit = (UNIT,) if arguments[0] == "measurements" else ("--unit", UNIT)
        result = shell("ccee", *arguments, *unit, "--format", "json")
        assert (result.code, result.document, result.err) == (0, [], "")


def test_documents_and_addresses_are_masked_for_people_unless_asked_for(shell: Shell, market: Market) -> None:  # noqa: F811
    chosen = market.one("CRIADA")
    number = chosen.document_number or ""
    formatted = f"{number[8:12]}-{number[12:]}"
    shown = shell("ccee", "migrations", "show", chosen.id)
    assert shown.code == 0 and chosen.email not in shown.out and number not in shown.out
    assert f"**.***.***/{formatted}" in shown.out and "@" in shown.out and "deadline" in shown.out
    whole = shell("ccee", "migrations", "show", chosen.id, "--show-documents")
    assert chosen.email in whole.out and number in whole.out
    listed = shell("ccee", "migrations", "list", "--unit", chosen.unit).out
    assert number not in listed and formatted in listed
    assert number in shell("ccee", "migrations", "list", "--unit", chosen.unit, "--show-documents").out
    assert shell("ccee", "migrations", "show", chosen.id, "--format", "json").document[0]["email"] == chosen.email


def test_several_agents_need_a_name(shell: Shell) -> None:  # noqa: F811
    result = shell("ccee", "migrations", "list", "--demo")
    assert result.code == 2 and "Name one with --source: ccee/varejo-a, ccee/varejo-b" in result.err and not result.out
    result = shell("ccee", "migrations", "list", "--demo", "--source", "ccee/varejo-b", "--format", "json")
    assert result.code == 0 and {each["retailer_profile_code"] for each in result.document} == {200101}
    wrong = shell("ccee", "requests", "list", "--demo", "--source", "attic")
    assert wrong.code == 2 and "there is no agent 'attic'" in wrong.err


# what goes with it


def test_contracts_are_listed_shown_and_saved(shell: Shell, market: Market) -> None:  # noqa: F811
    contracts = shell("ccee", "contracts", "list", "--status", "CONCLUIDO", "--format", "json").document
    chosen = next(each for each in contracts if each["document_type"] == "CNPJ")
    shown = shell("ccee", "contracts", "show", chosen["contract_id"])
    assert shown.code == 0 and "ASSINADO" in shown.out and chosen["document_number"] not in shown.out
    assert (
        chosen["document_number"] in shell("ccee", "contracts", "show", chosen["contract_id"], "--show-documents").out
    )
    table = shell("ccee", "contracts", "list", "--unit", chosen["consumer_unit_code"], "--format", "csv")
    assert table.code == 0 and len(table.out.splitlines()) == 2

    saved = shell("ccee", "contracts", "file", chosen["contract_id"])
    path = Path(saved.out.strip())
    assert saved.code == 0 and path.parent == Path() and path.read_bytes().startswith(b"%PDF")
    path.write_text("mine")
    again = shell("ccee", "contracts", "file", chosen["contract_id"])
    assert again.code == 2 and "--force" in again.err and path.read_text() == "mine"
    assert shell("ccee", "contracts", "file", chosen["contract_id"], "--force").code == 0
    assert path.read_bytes().startswith(b"%PDF")
    nowhere = shell("ccee", "contracts", "file", chosen["contract_id"], "--output", "no/where.pdf")
    assert nowhere.code == 2 and "cannot be written" in nowhere.err


def test_one_end_of_the_months_is_enough(shell: Shell, market: Market) -> None:  # noqa: F811
    for what in ("migrations", "contracts"):
        for month in (("--from", "2031-05"), ("--to", "2001-05")):
            result = shell("ccee", what, "list", *month, "--format", "json")
            assert (result.code, result.document) == (0, []), result.err


def test_a_hostile_file_name_stays_in_the_folder(shell: Shell, market: Market, tmp_path: Path) -> None:  # noqa: F811
    contract = shell("ccee", "contracts", "list", "--status", "CONCLUIDO", "--format", "json").document[0][
        "contract_id"
    ]
    market.simulator.set_fault("contract-odd-name")
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    saved = shell("ccee", "contracts", "file", contract)
    (new,) = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert saved.code == 0 and new.parent == Path.cwd() and not new.name.startswith(".")


@pytest.mark.parametrize("fault", ["contract-bad-base64", "html-200"])
def test_a_file_that_is_no_contract_is_not_saved(shell: Shell, market: Market, fault: str) -> None:  # noqa: F811
    contract = shell("ccee", "contracts", "list", "--status", "CONCLUIDO", "--format", "json").document[0][
        "contract_id"
    ]
    market.simulator.set_fault(fault)
    saved = shell("ccee", "contracts", "file", contract, "--output", "x.pdf")
    assert saved.code == 3 and not saved.out and saved.err and not Path("x.pdf").exists()


def test_a_contract_that_is_not_signed_has_no_file_and_an_unknown_one_nothing(shell: Shell, market: Market) -> None:  # noqa: F811
    for name in ("nope", "../.."):
        result = shell("ccee", "contracts", "show", name)
        assert result.code == 2 and f"there is no contract {name!r} in profile" in result.err
    result = shell("ccee", "contracts", "show", "..")
    assert result.code == 2 and "only dots" in result.err


def test_energy_is_printed_interval_by_interval(shell: Shell, market: Market) -> None:  # noqa: F811
    today = market.simulator.now().date()
    chosen = market.one("CONCLUIDA", lambda each: each.month < f"{today:%Y-%m}" and len(each.unit) == 15)
    span = ("--from", f"{chosen.month}-03", "--to", f"{chosen.month}-03")
    asked = ("ccee", "measurements", chosen.unit, "--utility", str(chosen.utility), *span)
    rows = shell(*asked, "--format", "json").document
    assert len(rows) > 250 and {each["consumer_unit_code"] for each in rows} == {chosen.unit}
    assert all(each["consumption_kwh"] is None or each["consumption_kwh"] >= 0 for each in rows)
    text = shell(*asked)
    assert text.code == 0 and len(text.out.splitlines()) == len(rows) and " kWh  " in text.out
    assert len(list(csv.DictReader(io.StringIO(shell(*asked, "--format", "csv").out)))) == len(rows)


def test_a_change_request_is_made_listed_and_answered(shell: Shell, market: Market) -> None:  # noqa: F811
    today = market.simulator.now().date()
    chosen = market.one("CONCLUIDA", lambda each: each.month < f"{today:%Y-%m}" and len(each.unit) == 15)
    kind = "suspensao_fornecimento_resolucao"
    made = shell(
        "ccee", "requests", "create", kind, "--unit", chosen.unit, "--utility", str(chosen.utility),
        "--notified-on", str(today), "--yes",
    )  # fmt: skip
    assert (made.code, made.out) == (0, "") and "confirmed" in made.err
    listed = ("ccee", "requests", "list", "--unit", chosen.unit, "--type", kind)
    (request,) = shell(*listed, "--format", "json").document
    assert request["status"] == "CRIADA"
    assert request["change_request_id"] in shell(*listed).out
    code = request["change_request_id"]
    answered = shell("ccee", "requests", "answer", code, "refuse", "--justification", "Débito quitado", "--yes")
    assert answered.code == 0 and "REPROVADA" in answered.err
    assert "Débito quitado" in shell("ccee", "requests", "list", "--unit", chosen.unit).out
    again = shell("ccee", "requests", "answer", code, "approve", "--yes")
    assert again.code == 4 and "REPROVADA already" in again.err
    unknown = shell("ccee", "requests", "answer", "nope", "approve", "--yes", "--type", kind)
    assert unknown.code == 2 and "no change request 'nope'" in unknown.err
    assert len(market.writes) == 2


# commands


def test_a_migration_is_created_changed_and_cancelled(shell: Shell, market: Market) -> None:  # noqa: F811
    created = shell(*CREATE, "--yes", "--reason", "signed on Monday")
    assert (created.code, created.out) == (0, "") and "confirmed" in created.err, created.err
    (found,) = shell("ccee", "migrations", "list", "--unit", UNIT, "--to", "2027-12", "--format", "json").document
    assert (found["status"], found["reference_month"], found["email"]) == ("CRIADA", "2027-06", "ana@padaria.example")
    code = found["migration_id"]
    changed = shell("ccee", "migrations", "update", code, "--month", "2027-7", "--yes")
    assert changed.code == 0, changed.err
    (row,) = shell("ccee", "migrations", "show", code, "--format", "json").document
    assert (row["reference_month"], row["email"]) == ("2027-07", "ana@padaria.example"), "what is not named stays"
    same = shell("ccee", "migrations", "update", code, "--month", "2027-07", "--yes")
    assert same.code == 4 and "nothing to do" in same.err
    gone = shell("ccee", "migrations", "delete", code, "--yes")
    assert gone.code == 0 and "withdrawn" in gone.err
    again = shell("ccee", "migrations", "delete", code, "--yes")
    assert again.code == 4 and market.writes == ["POST", "PUT", "DELETE"]
    journal = shell("journal", "--format", "json").out
    assert "signed on Monday" in journal and "ana@padaria.example" not in journal and "11222333000181" not in journal
    assert shell("journal", "--verify").code == 0
    for each in (created, changed, gone):
        assert "ana@padaria.example" not in each.err and "11222333000181" not in each.err


def test_a_company_number_with_letters_is_taken(shell: Shell, market: Market) -> None:  # noqa: F811
    arguments = [each if each != "11222333000181" else "12.abc.345/01DE-35" for each in CREATE]
    result = shell(*arguments, "--yes")
    assert result.code == 0, result.err
    assert market.simulator.store.of_unit(UNIT)[0].document_number == "12ABC34501DE35"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"--document": "12ABC34501DE36"}, "check digits"),
        ({"--document": "11222333000180"}, "check digits"),
        ({"--document": ""}, "CNPJ is missing"),
        ({"--document-type": "CPF"}, "without its number"),
        ({"--unit": "123"}, "15 digits are needed"),
        ({"--unit": "000000123400158"}, "check digits"),
        ({"--month": "2027-13"}, "there is no month 13"),
        ({"--month": "soon"}, "is not a month"),
        ({"--email": "ana"}, "is no address"),
        ({"--email": "ana@padaria.example\x1b[2J"}, "escape character"),
        ({"--comment": "a\nb"}, "a line break"),
        ({"--comment": "\u202egpj.exe"}, "U+202E"),
        ({"--comment": "x" * 501}, "500"),
        ({"--subgroup": "A9"}, "A9"),
        ({"--formalized-on": "2026-02-30"}, "2026-02-30"),
        ({"--notice": "2026-01-05"}, "v2 has no date of notice"),
        ({"--modality": "REGULAR"}, "no modality"),
        ({"--utility": "0"}, "not a number from 1"),
        ({"--profile": "200999"}, "which profile"),
    ],
)
def test_a_draft_that_cannot_be_right_is_wrong_usage_and_nothing_is_sent(
    shell: Shell,  # noqa: F811
    market: Market,
    changes: dict[str, str],
    words: str,
) -> None:
    options = dict(zip(CREATE[3::2], CREATE[4::2], strict=True)) | changes
    result = shell(*CREATE[:3], *(each for pair in options.items() for each in pair), "--yes")
    assert (result.code, result.out) == (2, "") and words in result.err, result.err
    assert market.writes == [] and unsafe(result.err) == []


def test_every_problem_of_a_draft_is_named_at_once(shell: Shell, market: Market) -> None:  # noqa: F811
    options = dict(zip(CREATE[3::2], CREATE[4::2], strict=True)) | {"--email": "ana", "--unit": "123"}
    result = shell(*CREATE[:3], *(each for pair in options.items() for each in pair))
    assert result.code == 2 and "is no address" in result.err and "15 digits" in result.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("migrations", "list", "--from", "2026-13"), "there is no month 13"),
        (("migrations", "list", "--from", "2027-05", "--to", "2027-01"), "--from 2027-05 is after --to 2027-01"),
        (("contracts", "list", "--from", "2027-05", "--to", "2027-01"), "2027-05"),
        (("measurements", UNIT, "--utility", "1", "--from", "2026-05-02", "--to", "2026-05-01"), "is after"),
        (("requests", "list", "--from", "2026-05-02", "--to", "2026-05-01"), "is after"),
        (("requests", "list", "--to", "0001-01-01"), "0001-01-01 is not between"),
        (("measurements", UNIT, "--utility", "1", "--to", "0001-01-02"), "0001-01-02 is not between"),
        (("measurements", UNIT, "--utility", "1", "--from", "9999-12-31"), "9999-12-31 is not between"),
        (("measurements", UNIT), "--utility"),
        (("migrations", "show"), "Missing argument"),
        (("migrations", "show", "nope"), "there is no migration 'nope' in profile 200100"),
        (("migrations", "delete", "nope", "--yes"), "there is no migration 'nope'"),
        (("migrations", "update", "nope", "--yes", "--email", "a@b.example"), "there is no migration 'nope'"),
        (("requests", "create", "SUSPENSAO_FORNECIMENTO_DESLIGAMENTO", "--unit", UNIT, "--yes"), "made by CCEE alone"),
        (("requests", "create", "LATER", "--unit", UNIT), "LATER"),
        (("requests", "create", "suspensao_fornecimento_resilicao", "--unit", UNIT, "--yes"), "is missing"),
        (("contracts", "create", "nothing.json"), "nothing.json cannot be read"),
        (("migrations", "list", "--format", "yaml"), "yaml"),
        (("migrations", "list", "--profile", "x"), "x"),
    ],
)
def test_wrong_usage_is_exit_code_2_with_words(
    shell: Shell,  # noqa: F811
    market: Market,
    arguments: tuple[str, ...],
    words: str,
) -> None:
    result = shell("ccee", *arguments)
    assert (result.code, result.out) == (2, "") and words in result.err, result.err
    assert "Traceback" not in result.err and market.writes == []


def test_another_agents_profile_is_refused_in_ccees_words(shell: Shell, market: Market) -> None:  # noqa: F811
    result = shell("ccee", "migrations", "list", "--profile", "200999", "--format", "json")
    assert (result.code, result.out) == (3, "") and "perfil nao pertence ao agente" in result.err


@pytest.mark.parametrize(
    ("options", "more", "words"),
    [
        ((), "control = true", "There is no terminal to confirm on"),
        (("--yes",), "", "Set control = true"),
        (("--yes",), "control = false", "Set control = true"),
    ],
)
def test_a_refused_command_is_exit_code_4_and_nothing_is_sent(
    shell: Shell,  # noqa: F811
    market: Market,
    options: tuple[str, ...],
    more: str,
    words: str,
) -> None:
    market.configure(more=more)
    chosen = market.one("CRIADA")
    for arguments in (CREATE, ("ccee", "migrations", "delete", chosen.id)):
        result = shell(*arguments, *options)
        assert (result.code, result.out) == (4, "") and words in result.err, result.err
    assert market.writes == []


def test_read_only_refuses_every_command(shell: Shell, market: Market) -> None:  # noqa: F811
    chosen = market.one("CRIADA")
    for arguments in (CREATE, ("ccee", "migrations", "update", chosen.id, "--email", "a@b.example")):
        result = shell("--read-only", *arguments, "--yes")
        assert result.code == 4 and "read-only" in result.err
    assert market.writes == []
    assert shell("--read-only", *CREATE, "--yes", *DEMO).code == 4
    assert shell("--read-only", "ccee", "migrations", "show", chosen.id).code == 0


def test_what_is_settled_and_what_is_there_twice_is_refused(shell: Shell, market: Market) -> None:  # noqa: F811
    done = market.one("CONCLUIDA", lambda each: each.unit.startswith("0004") and len(each.unit) == 15)
    deleted = shell("ccee", "migrations", "delete", done.id, "--yes")
    assert deleted.code == 4 and "is CONCLUIDA; only one that is CRIADA" in deleted.err
    arguments = [each if each != UNIT else done.unit for each in CREATE]
    arguments[arguments.index("2027-06")] = done.month
    created = shell(*arguments, "--yes")
    assert created.code == 4 and "CCEE allows one" in created.err
    assert market.writes == []


@pytest.mark.parametrize(
    ("fault", "value", "words"),
    [("drop", None, "could not be read back"), ("redirect", "307", "never followed"), ("status", "400", "Nothing was")],
)
def test_a_command_that_is_not_confirmed_is_exit_code_5(
    shell: Shell,  # noqa: F811
    market: Market,
    fault: str,
    value: str | None,
    words: str,
) -> None:
    chosen = market.one("CRIADA")
    market.before = lambda method, *_: market.simulator.set_fault(fault, value) if method == "DELETE" else None
    result = shell("ccee", "migrations", "delete", chosen.id, "--yes")
    assert (result.code, result.out) == (5, "") and words in result.err, result.err
    assert market.writes == ["DELETE"]


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_a_signal_after_the_sending_leaves_an_outcome_in_the_journal(
    shell: Shell,  # noqa: F811
    market: Market,
    number: signal.Signals,
) -> None:
    chosen = market.one("CRIADA")
    sent = threading.Event()

    def before(method: str, *_: object) -> None:
        """From the command on every answer takes a second; what is read before it need not."""
        if method == "DELETE":
            market.simulator.set_fault("slow", "1")
            sent.set()

    market.before = before
    arguments = ("ccee", "migrations", "delete", chosen.id, "--yes")
    with Forked(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert sent.wait(30)
        process.send_signal(number)
        out, words = process.communicate(timeout=30)
    assert (process.returncode, out) == (128 + number, "")
    assert "It is not sent again" in words and "Traceback" not in words
    ends = [
        record for record in shell("journal", "--format", "json").out.splitlines() if '"outcome": "unknown"' in record
    ]
    assert len(ends) == 1 and market.writes == ["DELETE"]


def test_the_demo_is_commanded_without_a_configuration(shell: Shell) -> None:  # noqa: F811
    result = shell(*CREATE, "--yes", *DEMO)
    assert result.code == 0 and "confirmed" in result.err, result.err


# contracts from a file


def test_a_contract_is_created_from_a_file_and_from_standard_input(
    shell: Shell,  # noqa: F811
    market: Market,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = json.dumps(asdict(CONTRACT))
    Path("draft.json").write_text(text)
    made = shell("ccee", "contracts", "create", "draft.json", "--yes")
    assert (made.code, made.out) == (0, "") and "confirmed" in made.err, made.err
    (found,) = shell("ccee", "contracts", "list", "--unit", UNIT, "--format", "json").document
    assert found["consumer_unit_name"] == "Padaria Teste"
    assert [each["name"] for each in found["representatives"]] == ["Ana Souza"]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xef\xbb\xbf" + text.encode())))
    assert shell("ccee", "contracts", "create", "-", "--yes").code == 0
    assert market.writes == ["POST", "POST"]
    assert "52998224725" not in shell("journal", "--format", "json").out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", ("the contract is not JSON",)),
        ("[" * 100_001, ("is larger than",)),
        ("[" * 90_000, ("the contract is not JSON",)),
        ("[]", ("must be a JSON object",)),
        ("NaN", ("must be a JSON object",)),
        ('{"representatives": 1}', ("must be a list of objects",)),
        ("{}", ("utility_agent_code is missing", "document_number is missing")),
        (json.dumps({**asdict(CONTRACT), "color": 1}), ("no field is called 'color'",)),
        (
            json.dumps({**asdict(CONTRACT), "utility_agent_code": "100000"}),
            ("utility_agent_code must be a whole number",),
        ),
        (json.dumps({**asdict(CONTRACT), "phone": None}), ("phone must be text",)),
        (json.dumps({**asdict(CONTRACT), "representatives": []}), ("Nobody signs",)),
        (json.dumps({**asdict(CONTRACT), "representatives": [{"name": "A"}]}), ("a representative: email is missing",)),
        (json.dumps({**asdict(CONTRACT), "document_number": "1"}), ("are needed",)),
        (json.dumps({**asdict(CONTRACT), "\x1b[2J": 1}), ("no field is called",)),
    ],
)
def test_a_contract_that_cannot_be_right_is_named_field_by_field(
    shell: Shell,  # noqa: F811
    market: Market,
    text: str,
    words: tuple[str, ...],
) -> None:
    Path("draft.json").write_text(text)
    result = shell("ccee", "contracts", "create", "draft.json", "--yes")
    assert (result.code, result.out) == (2, "") and all(each in result.err for each in words), result.err
    assert market.writes == []
    assert unsafe(result.err) == []


# when it does not answer


def test_a_server_nobody_can_reach_is_exit_code_3_with_a_sentence(shell: Shell, market: Market) -> None:  # noqa: F811
    market.configure(url=f"http://127.0.0.1:{closed_port()}")
    for arguments in (("migrations", "list"), ("migrations", "show", "x"), ("contracts", "file", "x")):
        result = shell("ccee", *arguments)
        assert result.code == 3 and "127.0.0.1" in result.err and "Traceback" not in result.err, result.err
        assert result.out.count("\n") <= 1, "a heading at most"
    created = shell(*CREATE, "--yes")
    assert created.code == 3 and "127.0.0.1" in created.err
    snapshot = shell("snapshot", "--format", "json")
    assert snapshot.code == 3 and snapshot.document["sources"][0]["link"] == "down"


def test_wrong_credentials_are_said_in_words_without_them(shell: Shell, market: Market) -> None:  # noqa: F811
    market.configure(secret="not-the-secret")
    result = shell("ccee", "migrations", "list", "--format", "json")
    assert (result.code, result.out) == (3, "") and "client_secret" in result.err
    assert "not-the-secret" not in result.err
    assert market.requests == [("POST", "/sso/oauth/token")]


@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_a_list_that_breaks_off_is_printed_as_far_as_it_came(shell: Shell, market: Market, form: str) -> None:  # noqa: F811
    def fail(method: str, path: str, times: int) -> None:
        if path == MIGRATIONS and times == 2:
            market.simulator.set_fault("status", "418")

    market.before = fail
    result = shell("ccee", "migrations", "list", "--format", form)
    assert result.code == 1 and "418" in result.err and "not whole" in result.err
    rows = result.document if form == "json" else result.out.splitlines()[1:]
    assert len(rows) == 50


@pytest.mark.parametrize(
    "arguments",
    [
        ("ccee", "migrations", "list"),
        ("ccee", "contracts", "list"),
        ("ccee", "requests", "list"),
        ("ccee", "migrations", "show"),
        ("ccee", "migrations", "delete", "--yes"),
        ("snapshot",),
        ("snapshot", "--format", "csv"),
        ("doctor",),
    ],
)
def test_hostile_text_reaches_no_terminal(shell: Shell, market: Market, arguments: tuple[str, ...]) -> None:  # noqa: F811
    market.configure(more="control = true\nmonths_back = 0\nmonths_ahead = 0")
    market.simulator.set_fault("hostile-text")
    market.simulator.set_fault("unknown-status")
    chosen = market.one("REPROVADA")
    result = shell(*arguments, *((chosen.id,) if arguments[1:2] == ("migrations",) and "list" not in arguments else ()))
    assert result.out or result.err
    assert unsafe(result.out) == unsafe(result.err) == [] and "Traceback" not in result.err


# the whole deck


def test_the_snapshot_of_the_demo_is_as_its_schema_promises(shell: Shell) -> None:  # noqa: F811
    schema = shell("snapshot", "--json-schema").document
    made = shell("snapshot", "ccee/varejo-b", "--demo", "--format", "json")
    assert made.code == 0 and not made.err
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(made.document)
    data = made.document["sources"][0]["feeds"]["migrations"]["data"]
    assert {
        "migration_id", "consumer_unit_code", "utility_agent_code", "retailer_agent_code", "retailer_profile_code",
        "reference_month", "requested_at", "status", "document_type", "document_number", "deadline",
    } <= set(data["migrations"][0])  # fmt: skip
    assert sum(each["count"] for each in data["counts"]) == len(data["migrations"]) > 10 and data["complete"]
    table = shell("snapshot", "ccee/varejo-b", "--demo", "--format", "csv").out
    ids = {row["value"] for row in csv.DictReader(io.StringIO(table)) if row["field"] == "migration_id"}
    items = {row["item"] for row in csv.DictReader(io.StringIO(table)) if row["field"] == "email"}
    known = {each["migration_id"] for each in data["migrations"]}
    assert known == ids == items, "every migration can be told from the others"
    text = shell("snapshot", "ccee", "--demo", "--format", "text").out
    assert "ccee/varejo-a" in text and "migrations, reference months" in text and "CRIADA" in text


def test_no_secret_is_shown_or_logged(shell: Shell, market: Market, tmp_path: Path) -> None:  # noqa: F811
    log = tmp_path / "deck.log"
    logged = ("--log-file", str(log), "--log-level", "debug")
    shown = ""
    for arguments in (("doctor",), ("config", "show"), ("config", "check"), (*logged, *CREATE, "--yes")):
        result = shell(*arguments)
        assert result.code == 0, result.err
        shown += result.out + result.err
    text = log.read_text()
    assert "ccee/varejo" in shown and f"POST {MIGRATIONS}" in text
    tokens = list(market.simulator.registry._tokens)
    assert tokens
    for each in (SECRET, *tokens, "ana@padaria.example", "11222333000181"):
        assert each not in shown and each not in text


def test_the_doctor_says_how_the_agent_is(shell: Shell, market: Market) -> None:  # noqa: F811
    well = shell("doctor")
    assert "source      ccee/varejo migrations: ok live" in well.out
    market.configure(secret="not-the-secret")
    ill = shell("doctor")
    assert ill.code == 1 and "PROBLEM refused" in ill.out and "not-the-secret" not in ill.out


def test_a_secret_that_points_to_nothing_is_named(
    shell: Shell,  # noqa: F811
    market: Market,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_SUCH_SECRET", raising=False)
    text = market.path.read_text().replace(f'client_secret = "{SECRET}"', 'client_secret = { env = "NO_SUCH_SECRET" }')
    write(market.path, text)
    result = shell("ccee", "migrations", "list")
    assert result.code == 2 and "NO_SUCH_SECRET" in result.err and "Traceback" not in result.err
