"""`wattdeck aneel ...` as a person, a cron job or a build server uses it: data on stdout, words on stderr."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from anyio.abc import TaskStatus
from anyio.from_thread import start_blocking_portal
from test_shell import Result, Shell, closed_port, config, shell, unsafe, write  # noqa: F401  fixtures by their names

from wattdeck.core.serve import serve
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.aneel.conformance import RULES
from wattdeck.systems.aneel.exchange import PATHS
from wattdeck.systems.aneel.faults import FAULT_RULES
from wattdeck.systems.aneel.models import BRASILIA
from wattdeck.systems.aneel.simulator import KEY, AneelSimulator
from wattdeck.systems.aneel.times import format_recovery

FIXTURES = Path(__file__).parent.parent / "fixtures" / "aneel"
OUTAGES, DEMANDS, DEMAND = (f"/{path}" for path in PATHS.values())
ROW = (
    '{"ideConjuntoUnidadeConsumidora":16101,"ideMunicipio":1400100,"qtdUCsAtendidas":48210,'
    '"qtdOcorrenciaProgramada":120,"qtdOcorrenciaNaoProgramada":35}'
)
BROKEN = (
    '{"idcStatusRequisicao":1,"emailIndisponibilidade":"plantao.radar@distribuidora.example","mensagem":"",'
    f'"interrupcaoFornecimento":[{ROW.replace("1400100", "1400101")}]}}'
)
"""A wrong check digit."""


class Port:
    """A loopback port behind which a test puts the simulator it wants."""

    def __init__(self) -> None:
        self.url = ""
        self.distributor: Distributor | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert self.distributor is not None
        await self.distributor(scope, receive, send)


class Distributor:
    """A simulated distributor, and a configuration that points at it."""

    def __init__(self, url: str, path: Path) -> None:
        self.simulator = AneelSimulator(SimulatorOptions(seed=1, faults={"no-limit": None}))
        self.url, self.path = url, path
        self.requests: list[tuple[str, str]] = []
        self.configure()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            self.requests.append((scope["method"], scope["path"]))
        await self.simulator.app(scope, receive, send)

    def configure(self, *, key: str = KEY, url: str = "", more: str = "", name: str = "roraima") -> None:
        write(
            self.path,
            f'[[aneel]]\nname = "{name}"\nurl = "{url or self.url}"\nkey = "{key}"\nstate = "RR"\n'
            f"requests_per_minute = 6000\ntimeout_s = 5\n{more}\n",
        )

    def fault(self, name: str, value: str | None = None) -> None:
        self.simulator.set_fault(name, value)

    @property
    def protocol(self) -> str:
        return self.simulator.protocols()[0]

    def case(self, protocol: str) -> dict[str, str]:
        """What must not be shown of a demand."""
        found = self.simulator.cases.find(protocol, self.simulator.now())
        assert found is not None
        return {
            "consumer_unit": found.consumer_unit,
            "document_number": found.document_number,
            "holder_name": found.holder_name,
        }


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
def distributor(port: Port, config: Path) -> Distributor:  # noqa: F811
    port.distributor = Distributor(port.url, config)
    return port.distributor


def brasilia(**ago: float) -> datetime:
    return datetime.now(BRASILIA) - timedelta(**ago)


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def piped(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(body)))


def findings(result: Result) -> dict[str, str]:
    """Rule -> level."""
    return {each["rule"]: each["level"] for each in result.document["findings"]}


# outages


def test_outages_are_printed_for_people_scripts_and_spreadsheets(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    places = shell("aneel", "outages", "--format", "json")
    assert places.code == 0, places.err
    percents = [each["percent_out"] for each in places.document]
    assert len(percents) > 3 and percents == sorted(percents, reverse=True), "worst first"
    assert {each["severity"] for each in places.document} <= {"normal", "attention", "alert", "critical"}
    lines = shell("aneel", "outages")
    head, *rest = lines.out.splitlines()
    assert lines.code == 0 and " out" in head and " customers · " in head
    assert [line.split("  ")[0] for line in rest[-len(percents) :]] == [each["name"] for each in places.document]
    assert all(" % " in line and "planned" in line for line in rest[-len(percents) :])
    rows = table(shell("aneel", "outages", "--format", "csv").out)
    assert [each["name"] for each in rows] == [each["name"] for each in places.document]
    assert all(int(each["out"]) == int(each["planned_out"]) + int(each["unplanned_out"]) for each in rows)


def test_sets_are_printed_row_by_row(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    rows = shell("aneel", "outages", "--sets", "--format", "json").document
    lines = shell("aneel", "outages", "--sets").out.splitlines()
    assert len(rows) > 5 and {"set_code", "municipality_code", "percent_out"} <= set(rows[0])
    assert [int(line.split()[0]) for line in lines[-len(rows) :]] == [each["set_code"] for each in rows]


def test_nothing_out_is_an_answer(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    distributor.fault("dropout")
    assert shell("aneel", "outages").out.startswith("0 out")
    assert shell("aneel", "outages", "--format", "json").document == []
    assert shell("aneel", "outages", "--format", "csv").out == ""


def test_a_past_half_hour_is_printed_as_it_was(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    moment = brasilia(days=3)
    rows = shell("aneel", "outages", "--at", format_recovery(moment), "--sets", "--format", "json")
    assert rows.code == 0, rows.err
    slot = moment.replace(minute=moment.minute // 30 * 30, second=0, microsecond=0)
    truth = distributor.simulator.history.rows(slot.timestamp())
    assert sum(each["out"] for each in rows.document) == sum(row.planned_out + row.unplanned_out for row in truth)


@pytest.mark.parametrize("text", ["20/11/2026", "2026-11-20T14:00", "31/02/2026 10:00", "9/1/2026 7:00", "now", ""])
def test_a_moment_that_is_none_is_wrong_usage(shell: Shell, distributor: Distributor, text: str) -> None:  # noqa: F811
    result = shell("aneel", "outages", "--at", text)
    assert (result.code, result.out) == (2, "") and "wattdeck: “" in result.err
    assert distributor.requests == []


def test_the_future_is_wrong_usage_and_the_distant_past_not_to_be_had(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    ahead = shell("aneel", "outages", "--at", format_recovery(brasilia(days=-1)))
    assert (ahead.code, ahead.out) == (2, "") and "still to come" in ahead.err and distributor.requests == []
    gone = shell("aneel", "outages", "--at", format_recovery(brasilia(days=8)), "--format", "json")
    assert (gone.code, gone.out) == (3, "") and "fora da janela" in gone.err
    assert "does not mean that nothing is out" in gone.err


def test_a_server_without_a_past_prints_no_present_in_its_place(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    distributor.fault("ignored-history")
    result = shell("aneel", "outages", "--at", format_recovery(brasilia(days=3)))
    assert (result.code, result.out) == (3, "") and "as if it ignored dthRecuperacao" in result.err


def test_half_hours_are_known_to_the_next_command(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    moment = format_recovery(brasilia(days=2))
    first = shell("aneel", "outages", "--at", moment)
    asked = len(distributor.requests)
    distributor.fault("drop")
    again = shell("aneel", "outages", "--at", moment)
    assert (again.code, again.out) == (0, first.out) and len(distributor.requests) == asked


# demands


def test_demands_are_printed(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    lines = shell("aneel", "demands")
    assert lines.code == 0 and "in progress" in lines.out.splitlines()[0] and "By channel (canal)" in lines.out
    rows = shell("aneel", "demands", "--format", "json").document
    assert len(rows) > 20 and {"level", "channel", "typology", "ongoing", "opened_today"} <= set(rows[0])
    assert len(table(shell("aneel", "demands", "--format", "csv").out)) == len(rows)


@pytest.mark.parametrize("form", ["text", "json", "csv"])
def test_personal_data_is_masked_in_every_format_unless_asked_for(
    shell: Shell,  # noqa: F811
    distributor: Distributor,
    form: str,
) -> None:
    protocol = distributor.protocol
    personal = distributor.case(protocol)
    masked = shell("aneel", "demand", protocol, "--format", form)
    assert masked.code == 0 and protocol in masked.out
    digits = personal["document_number"]
    for value in (*personal.values(), digits[:9], personal["consumer_unit"][:-3]):
        assert value not in masked.out + masked.err
    assert "***" in masked.out and (form != "text" or "--show-personal-data" in masked.err)
    assert " m " not in masked.out, "there is no key to press here"
    whole = shell("aneel", "demand", protocol, "--format", form, "--show-personal-data")
    assert whole.code == 0 and all(value in whole.out for value in personal.values()) and whole.err.count("\n") <= 1


def test_an_unknown_demand_is_exit_code_1_and_one_that_cannot_be_2(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    unknown = shell("aneel", "demand", "NAOEXISTE", "--format", "json")
    assert (unknown.code, unknown.out) == (1, "") and "knows no demand NAOEXISTE" in unknown.err
    for protocol in ("../x", "a b", "x" * 31, "\x1b[2J"):
        wrong = shell("aneel", "demand", protocol)
        assert (wrong.code, wrong.out) == (2, "") and "1 to 30 letters and digits" in wrong.err
        assert unsafe(wrong.err) == []
    assert distributor.requests == [("GET", DEMAND)]


@pytest.mark.parametrize(("fault", "code"), [("zero-rows", 0), ("echo-wrong", 3)])
def test_a_demand_is_neither_logged_nor_kept(
    shell: Shell,  # noqa: F811
    distributor: Distributor,
    tmp_path: Path,
    fault: str,
    code: int,
) -> None:
    protocol, log = distributor.protocol, tmp_path / "deck.log"
    distributor.fault(fault)
    logged = ("--log-file", str(log), "--log-level", "debug")
    assert shell(*logged, "aneel", "demand", protocol, "--show-personal-data").code == code
    secrets = [KEY, protocol, *distributor.case(protocol).values()]
    text = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path != distributor.path)
    assert DEMAND.encode() in text
    assert not [each for each in secrets if each.encode() in text]


# the demo


@pytest.mark.parametrize(
    "arguments",
    [
        ("outages",),
        ("outages", "--sets", "--format", "csv"),
        ("outages", "--at", format_recovery(brasilia(days=1)), "--format", "json"),
        ("demands",),
        ("demand", AneelSimulator(SimulatorOptions()).protocols()[9]),
        ("check", "--answers-only"),
        ("check", "--format", "json"),
    ],
)
def test_the_demo_needs_no_configuration(shell: Shell, arguments: tuple[str, ...], tmp_path: Path) -> None:  # noqa: F811
    result = shell("aneel", *arguments, "--demo")
    assert result.code == 0 and result.out, result.err
    assert not list(tmp_path.rglob("*.slots"))


# a server is checked


def test_a_server_that_keeps_the_rules_ends_with_0(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    text = shell("aneel", "check", "--protocol", distributor.protocol)
    assert (text.code, text.err.count("Traceback")) == (0, 0), text.out
    assert text.out.startswith(f"{distributor.url}: 1 hint; ") and "Kept: T02, T03" in text.out
    assert KEY not in text.out and not [
        each for each in distributor.case(distributor.protocol).values() if each in text.out
    ]
    asked = distributor.requests[:]
    assert {method for method, _ in asked} == {"GET", "POST"} and len(asked) < 40
    document = shell("aneel", "check", "--format", "json")
    assert findings(document) == {"E02": "info"} and document.document["counts"]["error"] == 0
    assert len(document.document["passed"]) > 55


@pytest.mark.parametrize("form", ["text", "json", "junit"])
def test_a_server_that_breaks_a_rule_of_level_error_ends_with_1(
    shell: Shell,  # noqa: F811
    distributor: Distributor,
    form: str,
) -> None:
    distributor.fault("bad-check-digit")
    result = shell("aneel", "check", "--answers-only", "--format", form)
    assert result.code == 1 and "I10" in result.out and "Traceback" not in result.err


def test_a_warning_is_no_failure(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    distributor.fault("odd-set")
    result = shell("aneel", "check", "--answers-only", "--format", "json")
    assert result.code == 0 and findings(result) == {"E02": "info", "I07": "warning"}


def test_answers_alone_ask_nothing_out_of_the_ordinary(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    protocol = distributor.protocol
    shell("aneel", "check", "--answers-only")
    assert distributor.requests == [("GET", OUTAGES), ("GET", DEMANDS)]
    distributor.requests.clear()
    distributor.fault("long-name")
    result = shell("aneel", "check", "--answers-only", "--protocol", protocol, "--format", "json")
    assert distributor.requests == [("GET", OUTAGES), ("GET", DEMANDS), ("GET", DEMAND)]
    assert result.code == 1 and findings(result)["P05"] == "error"
    assert not [each for each in distributor.case(protocol).values() if each in result.out]


def test_the_profile_says_how_much_a_rule_matters(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    distributor.fault("bad-check-digit")
    distributor.fault("odd-set")

    def check(*profile: str) -> Result:
        given = [word for each in profile for word in ("--profile", each)]
        return shell("aneel", "check", "--answers-only", "--format", "json", *given)

    off = check("I10=off", "e02=off", "I11=off")
    assert off.code == 0 and findings(off) == {"I07": "warning"}
    assert {"rule": "I10", "why": "switched off in the profile"} in off.document["not_checked"]
    Path("strict.toml").write_text('[profile]\nI10 = "warning"\nI07 = "error"\n')
    strict = check("strict.toml", "E02=off", "I11=off")
    assert strict.code == 1 and findings(strict) == {"I10": "warning", "I07": "error"}
    Path("plain.toml").write_text('I10 = "info"\nI11 = "info"\n')
    assert findings(check("./plain.toml"))["I10"] == "info"
    assert check("plain.toml", "I10=error").code == 1, "the last counts"
    distributor.configure(more='profile = { I10 = "off", I11 = "off", I07 = "info" }')
    assert findings(check()) == {"E02": "info", "I07": "info"}
    assert findings(check("I07=error"))["I07"] == "error", "the command line goes before the configuration"


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ("Z99=off", "there is no rule 'Z99'"),
        ("E11=loud", "expected one of error, warning, info, off"),
        ("E11=", "expected one of error"),
        ("nowhere.toml", "nowhere.toml cannot be read"),
        ("E11", "E11 cannot be read"),
        ("list.toml", "expected lines like E11"),
        ("broken.toml", "is no TOML of lines like E11"),
        ("binary.toml", "is no TOML of lines like E11"),
        (".", "cannot be read"),
    ],
)
def test_a_profile_that_is_none_is_wrong_usage_and_nothing_is_asked(
    shell: Shell,  # noqa: F811
    distributor: Distributor,
    profile: str,
    words: str,
) -> None:
    Path("list.toml").write_text("E11 = 1\n")
    Path("broken.toml").write_text("E11 = off\n")
    Path("binary.toml").write_bytes(bytes(range(256)))
    result = shell("aneel", "check", "--profile", profile)
    assert (result.code, result.out) == (2, "") and words in result.err, result.err
    assert distributor.requests == [] and unsafe(result.err) == []


@pytest.mark.parametrize("options", [(), ("--answers-only",)])
def test_a_refused_key_is_no_clean_bill_of_health(
    shell: Shell,  # noqa: F811
    distributor: Distributor,
    options: tuple[str, ...],
) -> None:
    distributor.configure(key="not-the-key")
    result = shell("aneel", "check", *options)
    assert result.code == 3 and "the server answered 401" in result.err
    assert "not-the-key" not in result.out + result.err
    distributor.fault("text-401")
    assert shell("aneel", "check", *options).code == 3


def test_a_server_that_does_not_answer_is_exit_code_3(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    distributor.configure(url=f"http://127.0.0.1:{closed_port()}")
    for arguments in (("check",), ("check", "--answers-only"), ("outages",), ("demands",), ("demand", "RR1")):
        result = shell("aneel", *arguments)
        assert (result.code, result.out) == (3, "") and "127.0.0.1" in result.err and "Traceback" not in result.err
    made = shell("snapshot", "--format", "json")
    assert made.code == 3 and made.document["sources"][0]["link"] == "down"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("unavailable", "status 2"),
        ("denied-html", "may not ask"),
        ("truncated", "cut short"),
        ("redirect", "elsewhere"),
    ],
)
def test_no_answer_is_words_and_never_zero(shell: Shell, distributor: Distributor, fault: str, words: str) -> None:  # noqa: F811
    distributor.fault(fault)
    for form in ("text", "json", "csv"):
        result = shell("aneel", "outages", "--format", form)
        assert (result.code, result.out) == (3, "") and words in result.err


# a saved answer is checked


@pytest.mark.parametrize("name", ["outages", "outages_empty", "demands", "demand", "demand_unknown", "error"])
def test_a_good_saved_answer_ends_with_0(shell: Shell, monkeypatch: pytest.MonkeyPatch, name: str) -> None:  # noqa: F811
    path = FIXTURES / f"{name}.json"
    result = shell("aneel", "check", str(path), "--state", "rr")
    assert (result.code, result.err) == (0, ""), result.out
    route = "demands" if name == "demands" else "demand" if name.startswith("demand") else "outages"
    assert result.out.startswith(f"{path} ({route}): "), "found out by its keys"
    given = shell("aneel", "check", str(path), "--route", route, "--format", "json")
    assert given.code == 0 and set(findings(given)) <= {"E02"}
    piped(monkeypatch, path.read_bytes())
    assert shell("aneel", "check", "-").out.startswith(f"standard input ({route}): ")


@pytest.mark.parametrize(
    ("name", "body", "rule"),
    [
        ("broken", BROKEN, "I10"),
        ("dialect A", (FIXTURES / "dialect_a.json").read_text(), "I19"),
        ("dialect B", (FIXTURES / "dialect_b.json").read_text(), "I19"),
        ("cut short", BROKEN[: len(BROKEN) // 2], "T04"),
        ("empty", "", "T04"),
        ("a list", "[]", "T04"),
        ("an empty object", "{}", "E02"),
        ("nested", "[" * 100_000, "T04"),
        ("binary", "\x00\x1b]0;title\x07\x9b2J" * 50, "T04"),
        ("a page", "<!doctype html><h1>403 Forbidden</h1>", "T04"),
        ("a long number", '{"idcStatusRequisicao":' + "9" * 5000 + "}", "E04"),
        ("half a pair", '{"idcStatusRequisicao":1,"mensagem":"\\ud800","interrupcaoFornecimento":[]}', "E06"),
    ],
)
def test_a_broken_saved_answer_ends_with_1_whatever_it_holds(
    shell: Shell,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    body: str,
    rule: str,
) -> None:
    raw = body.encode("utf-8", "surrogatepass")
    Path("answer.json").write_bytes(raw)
    for form in ("text", "json", "junit"):
        result = shell("aneel", "check", "answer.json", "--format", form)
        assert (result.code, result.err) == (1, "") and rule in result.out, name
        assert unsafe(result.out) == []
        result.out.encode()
    assert ET.fromstring(result.out).get("failures") != "0"
    piped(monkeypatch, raw)
    assert shell("aneel", "check", "-", "--format", "text").code == 1


def test_the_route_given_goes_before_the_one_guessed(shell: Shell) -> None:  # noqa: F811
    wrong = shell("aneel", "check", str(FIXTURES / "demands.json"), "--route", "outages", "--format", "json")
    assert wrong.code == 1 and "outages" in wrong.document["target"]


def test_a_state_is_held_against_a_saved_answer(shell: Shell) -> None:  # noqa: F811
    path = str(FIXTURES / "outages.json")
    other = shell("aneel", "check", path, "--state", "SP", "--format", "json")
    assert other.code == 1 and "I11" in findings(other)
    none = shell("aneel", "check", path, "--state", "XX")
    assert (none.code, none.out) == (2, "") and "'XX' is no state" in none.err
    assert shell("aneel", "check", path, "--profile", "I11=off", "--state", "SP").code == 0


@pytest.mark.parametrize(
    ("name", "words"),
    [("nowhere.json", "No such file"), (".", "directory"), ("large.json", "larger than 5 MB")],
)
def test_a_file_that_cannot_be_an_answer_is_wrong_usage(shell: Shell, name: str, words: str) -> None:  # noqa: F811
    if name == "large.json":
        with Path(name).open("wb") as stream:
            stream.truncate(6_000_000)
    result = shell("aneel", "check", name)
    assert (result.code, result.out) == (2, "") and words in result.err


def test_personal_data_in_a_saved_answer_is_not_repeated(shell: Shell) -> None:  # noqa: F811
    answer = json.loads((FIXTURES / "demand.json").read_text())
    case = answer["demanda"]
    case |= {"numCPFCNPJ": "529.982.247-25", "nomeTitularUC": "Maria Aparecida da Silva " * 3, "numUC": "7" * 31}
    Path("demand.json").write_text(json.dumps(answer))
    for form in ("text", "json", "junit"):
        result = shell("aneel", "check", "demand.json", "--format", form)
        assert result.code == 1 and "P04" in result.out and "P05" in result.out
        for secret in ("529.982", "52998224725", "Aparecida", "7" * 31, case["numProtocolo"]):
            assert secret not in result.out


# what build servers read


def suite_of(text: str) -> ET.Element:
    """The only suite, after what parsers rely on."""
    root = ET.fromstring(text)
    assert root.tag == "testsuites" and [each.tag for each in root] == ["testsuite"]
    suite = root[0]
    cases = suite.findall("testcase")
    assert int(suite.get("tests", "")) == len(cases) == len(RULES)
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.get(name, "")) == len(suite.findall(f"testcase/{tag}")) == int(root.get(name, ""))
    assert len({(each.get("classname"), each.get("name")) for each in cases}) == len(cases)
    for case in cases:
        assert case.get("classname") and case.get("name") and float(case.get("time", "")) >= 0
        assert len(case.findall("failure")) + len(case.findall("skipped")) <= 1
    datetime.fromisoformat(suite.get("timestamp", ""))
    return suite


def test_build_servers_can_read_the_report(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    good = shell("aneel", "check", "--format", "junit")
    assert good.code == 0 and good.out.startswith('<?xml version="1.0" encoding="utf-8"?>\n')
    assert suite_of(good.out).get("failures") == "0"
    for name in ("negative", "odd-set"):
        distributor.fault(name)
    bad = shell("aneel", "check", "--format", "junit", "--answers-only")
    suite = suite_of(bad.out)
    failed = {str(case.get("name"))[:3]: case.find("failure") for case in suite.findall("testcase[failure]")}
    assert bad.code == 1 and failed.keys() >= {"I04"}
    failure = failed["I04"]
    assert failure is not None and failure.get("type") == "I04" and failure.get("message")
    assert "interrupcaoFornecimento[0]" in (failure.text or "")
    told = [str(case.get("name"))[:3] for case in suite.findall("testcase[system-out]")]
    assert "I07" in told and "I07" not in failed, "warnings are told and do not fail"


def test_the_rules_are_listed(shell: Shell) -> None:  # noqa: F811
    lines = shell("aneel", "rules").out.splitlines()
    records = shell("aneel", "rules", "--format", "json").document
    assert len(lines) == len(records) == 76 and len({each["rule"] for each in records}) == 76
    assert [line[:3] for line in lines] == [each["rule"] for each in records] == list(RULES)
    assert {each["level"] for each in records} == {"error", "warning", "info"}
    assert all(each["title"] and each["expected"] for each in records)


# the whole deck


def test_the_snapshot_of_the_demo_is_as_its_schema_promises(shell: Shell) -> None:  # noqa: F811
    schema = shell("snapshot", "--json-schema").document
    made = shell("snapshot", "aneel", "--demo", "--format", "json")
    assert (made.code, made.err) == (0, "")
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(made.document)
    feeds = made.document["sources"][0]["feeds"]
    assert set(feeds) == {"outages", "demands", "backfill"}
    data = feeds["outages"]["data"]
    assert {
        "set_code", "municipality_code", "municipality", "customers_served", "planned_out", "unplanned_out", "out",
        "percent_out", "severity",
    } <= set(data["rows"][0])  # fmt: skip
    assert data["totals"]["out"] == sum(each["out"] for each in data["municipalities"]) > 0 and data["findings"] == []
    assert feeds["backfill"]["data"]["known"] == 1
    lines = table(shell("snapshot", "aneel", "--demo", "--format", "csv").out)
    items = {each["item"] for each in lines if each["field"] == "municipality_code"}
    assert len(items) > 5 and {each["unit"] for each in lines if each["field"] == "unplanned_out"} == {"customers"}
    text = shell("snapshot", "aneel", "--demo", "--format", "text").out
    assert "aneel/roraima  outages" in text and "aneel/roraima  demands" in text and "half hours known: 1" in text


def test_a_snapshot_says_what_failed_and_keeps_the_rest(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    distributor.fault("unavailable@demands")
    made = shell("snapshot", "--format", "json")
    feeds = made.document["sources"][0]["feeds"]
    assert made.code == 1 and feeds["outages"]["link"] == "live" and feeds["demands"]["link"] == "down"
    assert feeds["demands"]["data"] is None and "status 2" in feeds["demands"]["problem"]


def test_no_key_is_shown_or_logged(shell: Shell, distributor: Distributor, tmp_path: Path) -> None:  # noqa: F811
    distributor.configure(key="k3y-0815-of-roraima")
    log = tmp_path / "deck.log"
    logged = ("--log-file", str(log), "--log-level", "debug")
    shown = ""
    for arguments in (
        ("doctor",), ("config", "show"), ("config", "check"), ("aneel", "outages"), ("snapshot",),
        (*logged, "aneel", "check"),
    ):  # fmt: skip
        result = shell(*arguments)
        shown += result.out + result.err
    assert "aneel/roraima" in shown and "the key is not accepted" in shown and OUTAGES in log.read_text()
    assert "k3y-0815" not in shown + log.read_text()


def test_the_doctor_says_how_the_distributor_is(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    assert "source      aneel/roraima outages: ok live" in shell("doctor").out
    distributor.fault("denied-html")
    ill = shell("doctor")
    assert ill.code == 1 and "PROBLEM refused" in ill.out


def test_several_distributors_need_a_name(shell: Shell, distributor: Distributor) -> None:  # noqa: F811
    one = distributor.path.read_text()
    write(distributor.path, one + one.replace('"roraima"', '"other"'))
    result = shell("aneel", "outages")
    assert result.code == 2 and "Name one with --source: aneel/roraima, aneel/other" in result.err
    assert shell("aneel", "outages", "--source", "other").code == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('state = "XX"', "state"),
        ("municipalities = [1]", "municipalities"),
        ('profile = { E11 = "loud" }', "profile"),
        ('profile = { Z99 = "off" }', "Z99"),
        ("customers = { boavista = 3 }", "no IBGE code"),
        ("poll_s = 0", "poll_s"),
    ],
)
def test_settings_that_cannot_be_are_named(shell: Shell, distributor: Distributor, line: str, words: str) -> None:  # noqa: F811
    text = distributor.path.read_text().replace('state = "RR"\n', "") if line.startswith("state") else None
    distributor.configure(more=line)
    if text is not None:
        write(distributor.path, f"{text}\n{line}\n")
    result = shell("config", "check")
    assert result.code == 2 and words in result.err + result.out and "Traceback" not in result.err


def test_a_simulators_faults_are_those_of_the_table(shell: Shell) -> None:  # noqa: F811
    result = shell("simulate", "aneel", "--fault", "nonsense")
    assert result.code == 2 and all(name in result.err for name in list(FAULT_RULES)[:3])
