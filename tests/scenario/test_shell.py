"""The command line as a person or a cron job uses it: data on stdout, words on stderr, the promised exit codes."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import unicodedata
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from anyio.abc import TaskStatus
from anyio.from_thread import start_blocking_portal

from forked import Forked
from wattdeck.cli import run as run_command_line
from wattdeck.core.command import Limits
from wattdeck.core.serve import serve
from wattdeck.core.system import SimulatorOptions
from wattdeck.systems.span.simulator import SpanSimulator

LIGHTS = "Kitchen Lights"


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


Shell = Callable[..., Result]


@pytest.fixture
def shell(deck_home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    """Runs a command line in this process, without a terminal."""
    quick = Limits(poll_s=0.01, fast_s=0.2, slow_poll_s=0.02, feedback_s=0.3, failed_write_s=0.1)
    monkeypatch.setattr("wattdeck.core.control.Limits", lambda: quick)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    log = logging.getLogger("wattdeck")
    before = (log.handlers[:], log.level, log.propagate)

    def run(*arguments: str) -> Result:
        code = run_command_line([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    yield run
    for handler in set(log.handlers) - set(before[0]):
        if isinstance(handler, logging.StreamHandler) and isinstance(getattr(handler.stream, "name", ""), int):
            handler.stream.close()
    log.handlers[:], log.propagate = before[0], before[2]
    log.setLevel(before[1])


class Panel:
    """A simulated panel on a loopback port, and a configuration that points at it."""

    def __init__(self, simulator: SpanSimulator, url: str, config: Path) -> None:
        self.simulator = simulator
        self.url = url
        self.config = config
        self.port = int(url.rpartition(":")[2])
        self.token = simulator.issue_token()
        self.configure()

    def configure(self, *, token: str | None = "", more: str = "control = true", ui: str = "") -> None:
        """Write the configuration; `token` None leaves the key out."""
        secret = "" if token is None else f'token = "{token or self.token}"\n'
        write(
            self.config,
            f'{ui}\n[[span]]\nname = "home"\nhost = "127.0.0.1"\nport = {self.port}\n'
            f"poll_s = 5\ntimeout_s = 5\nretries = 0\n{secret}{more}\n",
        )

    def press_door(self) -> None:
        request = urllib.request.Request(f"{self.url}/_sim/door", data=b"{}", method="POST")
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert answer.status == 200

    def relay(self, name: str) -> str:
        circuit = next(circuit for circuit in self.simulator.house.circuits.values() if circuit.name == name)
        return "open" if circuit.opened else "closed"


def write(path: Path, text: str, mode: int = 0o600) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)


@pytest.fixture
def config(deck_home: Path, tmp_path: Path) -> Path:
    return tmp_path / "config" / "wattdeck" / "config.toml"


@pytest.fixture
def panel(config: Path) -> Iterator[Panel]:
    simulator = SpanSimulator(SimulatorOptions(seed=1))
    simulator.clear_faults()

    async def serving(*, task_status: TaskStatus[str]) -> None:
        await serve(simulator.app, "127.0.0.1", 0, task_status.started)

    with start_blocking_portal() as portal:
        future, url = portal.start_task(serving)
        yield Panel(simulator, url, config)
        future.cancel()


# snapshot


def test_the_demo_prints_one_document_with_every_source_live(shell: Shell) -> None:
    result = shell("snapshot", "--demo", "--format", "json")
    assert (result.code, result.err) == (0, "")
    assert (result.document["schema"], result.document["demo"]) == ("wattdeck.snapshot/1", True)
    assert [(source["source"], source["link"]) for source in result.document["sources"]] == [
        ("span/home", "live"),
        ("span/shop", "live"),
        ("span/barn", "live"),
        ("usms/contoh", "live"),
        ("ccee/varejo-a", "live"),
        ("ccee/varejo-b", "live"),
        ("aneel/roraima", "live"),
    ]
    data = result.document["sources"][0]["feeds"]["panel"]["data"]
    assert data["serial"] == "nt-2143-demo1" and len(data["circuits"]) > 18


def test_text_is_the_default_and_csv_is_long(shell: Shell) -> None:
    text = shell("snapshot", "--demo")
    assert text.code == 0 and text.out.startswith("wattdeck demo  ") and "span/shop  ● live" in text.out
    rows = list(csv.DictReader(io.StringIO(shell("snapshot", "--demo", "--format", "csv").out)))
    assert {"taken_at", "source", "feed", "item", "field", "value", "unit"} == set(rows[0])
    assert any((row["field"], row["unit"]) == ("grid_power_w", "W") for row in rows)


def test_sources_are_chosen_by_name_or_by_system(shell: Shell) -> None:
    def names(*arguments: str) -> list[str]:
        result = shell("snapshot", "--demo", "--format", "json", *arguments)
        return [source["source"] for source in result.document["sources"]]

    assert names("span/shop") == ["span/shop"]
    assert names("span") == names("span/home", "span", "span/shop") == ["span/home", "span/shop", "span/barn"]
    wrong = shell("snapshot", "--demo", "span/attic")
    assert (wrong.code, wrong.out) == (2, "")
    assert "there is no source 'span/attic'; there are: span/home, span/shop, span/barn" in wrong.err


def test_the_same_seed_and_start_give_the_same_day(shell: Shell) -> None:
    def watts(seed: str) -> list[float]:
        result = shell("snapshot", "--demo", "--format", "json", "--seed", seed, "--start", "2026-07-01T19:00:00Z")
        return [each["power_w"] for each in result.document["sources"][1]["feeds"]["panel"]["data"]["circuits"]]

    assert watts("1")[5] == pytest.approx(watts("1")[5], rel=0.2)
    assert watts("1") != watts("2")


@pytest.mark.parametrize(("form", "lines"), [("json", 3), ("csv", None), ("text", None)])
def test_watching_streams_one_document_after_the_other(shell: Shell, form: str, lines: int | None) -> None:
    result = shell("snapshot", "--demo", "span/shop", "--format", form, "--watch", "0.1", "--count", "3")
    assert result.code == 0
    if form == "json":
        documents = [json.loads(line) for line in result.out.splitlines()]
        assert len(documents) == lines
        moments = [document["sources"][0]["feeds"]["panel"]["taken_at"] for document in documents]
        assert moments == sorted(set(moments)), "each one is a new reading"
    elif form == "csv":
        assert result.out.count("taken_at,source") == 1 and result.out.count(",link,live,") == 3
    else:
        assert result.out.count("wattdeck demo  ") == 3


def test_output_goes_to_a_file_and_every_document_of_a_watch_is_in_it(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    path.write_text("old")
    arguments = ("snapshot", "--demo", "span/shop", "--format", "json", "--output", str(path))
    result = shell(*arguments, "--watch", "0.1", "--count", "2")
    assert (result.code, result.out) == (0, "") and len(path.read_text().splitlines()) == 2
    failed = shell("snapshot", "--demo", "--output", str(tmp_path / "no" / "where"))
    assert failed.code == 2 and "cannot be written (No such file or directory)" in failed.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("--count", "3"),
        ("--format", "yaml"),
        ("--format", "svg", "--watch", "1"),
        ("--format", "svg", "span/home"),
        ("--format", "svg", "--size", "huge"),
        ("--format", "svg", "--size", "0x10"),
        ("--format", "svg", "--screen", "gas"),
        ("--watch", "0"),
        ("--start", "yesterday"),
        ("--start", "1971-06-01T00:00Z"),
        ("--start", "2200-06-01T00:00Z"),
        ("--nonsense",),
    ],
)
def test_wrong_usage_is_exit_code_2_with_words_and_nothing_on_stdout(shell: Shell, arguments: tuple[str, ...]) -> None:
    result = shell("snapshot", "--demo", *arguments)
    assert (result.code, result.out) == (2, "") and result.err
    assert "Traceback" not in result.err


def test_the_schema_is_printed_without_any_source(shell: Shell) -> None:
    result = shell("snapshot", "--json-schema")
    assert result.code == 0 and result.document["title"] == "wattdeck.snapshot/1"


def test_the_screen_is_drawn_without_a_terminal(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "deck.svg"
    assert shell("snapshot", "--demo", "--format", "svg", "--size", "100x30", "--output", str(path)).code == 0
    svg = ElementTree.parse(path).getroot()
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    words = "".join(svg.itertext()).replace("\N{NO-BREAK SPACE}", " ")
    assert "What matters" in words and "DEMO" in words.upper() and "span/home" in words, "the overview"


def test_the_screen_is_drawn_as_a_page(shell: Shell, panel: Panel) -> None:
    result = shell("snapshot", "--format", "html", "--screen", "span", "--size", "80x24")
    assert result.code == 0 and result.out.startswith("<!doctype html>")
    svg = result.out[result.out.index("<svg") : result.out.index("</svg>") + 6]
    assert "home" in "".join(ElementTree.fromstring(svg).itertext())


# exit codes of reading


def test_a_configured_panel_is_read_over_its_port(shell: Shell, panel: Panel) -> None:
    result = shell("snapshot", "--format", "json")
    assert (result.code, result.err) == (0, "") and result.document["demo"] is False
    assert result.document["sources"][0]["feeds"]["panel"]["data"]["serial"] == "nt-2143-demo1"


def test_some_of_it_failed_is_exit_code_1_and_the_rest_is_printed(shell: Shell, panel: Panel) -> None:
    second = f'[[span]]\nname = "gone"\nhost = "127.0.0.1"\nport = {closed_port()}\nretries = 0\ntoken = "x"\n'
    panel.configure(more=f"control = true\n{second}")
    result = shell("snapshot", "--format", "json")
    assert result.code == 1
    assert [source["link"] for source in result.document["sources"]] == ["live", "down"]
    gone = result.document["sources"][1]
    assert "refused" in gone["problem"] and gone["feeds"]["panel"]["data"] is None
    text = shell("snapshot")
    assert text.code == 1 and "span/gone  ✕ down" in text.out and "refused" in text.out
    assert shell("snapshot", "span/home").code == 0
    assert shell("snapshot", "span/gone").code == 3


@pytest.mark.parametrize(
    ("fault", "value", "words"),
    [
        ("html-502", None, "502"),
        ("truncated", None, "cut short"),
        ("cut-short", None, "cut short"),
        ("oversize", None, "5 MB"),
    ],
)
def test_nothing_could_be_read_is_exit_code_3_with_the_reason(
    shell: Shell, panel: Panel, fault: str, value: str | None, words: str
) -> None:
    panel.simulator.set_fault(fault, value)
    result = shell("snapshot", "--format", "json")
    assert result.code == 3
    assert result.document["sources"][0]["link"] == "down" and words in result.document["sources"][0]["problem"]


def test_a_panel_that_hangs_is_given_up_at_the_time_out(shell: Shell, panel: Panel) -> None:
    panel.simulator.set_fault("hang")
    result = shell("snapshot", "--timeout", "0.2")
    assert result.code == 3 and "no answer yet" in result.out


def test_a_wrong_token_is_said_in_words(shell: Shell, panel: Panel) -> None:
    panel.configure(token="wrong-token")
    result = shell("snapshot")
    assert result.code == 3 and "refused" in result.out and "register again" in result.out
    assert "wrong-token" not in result.out + result.err


def closed_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_a_host_without_a_name_is_said_in_words(shell: Shell, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    write(config, '[[span]]\nname = "home"\nhost = "panel.example"\nretries = 0\ntoken = "x"\n')
    result = shell("snapshot")
    assert result.code == 3 and "panel.example" in result.out and "Traceback" not in result.err


# configuration


def test_no_configuration_says_how_to_get_one(shell: Shell, config: Path) -> None:
    for arguments in (("snapshot",), ("span", "status"), ("snapshot", "--format", "svg"), ("doctor",)):
        result = shell(*arguments)
        assert result.code == 2 and "wattdeck config init" in result.err + result.out
    result = shell("--config", "nowhere.toml", "snapshot")
    assert result.code == 2 and "nowhere.toml: there is no such file" in result.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[span]\n", "config.toml: line 1"),
        ('[[span]]\nname = "home"\nhost = "h"\nhots = "x"\n', 'unknown key "hots"; did you mean "host"?'),
        ('[[span]]\nname = "a"\nhost = "h"\n[[span]]\nname = "a"\nhost = "i"\n', '"a"'),
        ("[ui]\n", "there is no source in it"),
        ("[[gas]]\nname = 'x'\n", "gas"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_exit_code_2_and_named(
    shell: Shell, config: Path, text: str, words: str
) -> None:
    write(config, text)
    for arguments in (("snapshot",), ("span", "circuits"), ("span", "relay", "x", "open", "--yes")):
        result = shell(*arguments)
        assert (result.code, result.out) == (2, "")
        assert words in result.err and str(config) in result.err


def test_a_secret_that_points_to_nothing_is_named(shell: Shell, panel: Panel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_TOKEN", raising=False)
    panel.configure(token=None, more='token = { env = "NO_SUCH_TOKEN" }')
    result = shell("snapshot")
    assert result.code == 3 and "NO_SUCH_TOKEN" in result.out


def test_a_plain_secret_others_can_read_is_a_warning_on_stderr_only(shell: Shell, panel: Panel) -> None:
    panel.config.chmod(0o644)
    result = shell("snapshot", "--format", "json")
    assert result.code == 0 and "warning: span/home" in result.err and "chmod 600" in result.err
    assert panel.token not in result.err and result.document


# one system


def test_status_prints_the_figures_and_circuits_the_circuits(shell: Shell, panel: Panel) -> None:
    status = shell("span", "status")
    assert status.code == 0 and "Grid " in status.out and "main relay closed" in status.out
    assert LIGHTS not in status.out
    circuits = shell("span", "circuits")
    assert circuits.code == 0 and LIGHTS in circuits.out and "relay closed, nice to have" in circuits.out
    data = shell("span", "status", "--format", "json").document["sources"][0]["feeds"]["panel"]["data"]
    assert "circuits" not in data and data["main_relay"] == "closed"
    assert LIGHTS in shell("span", "circuits", "--format", "csv").out


def test_several_panels_need_a_name(shell: Shell) -> None:
    result = shell("span", "status", "--demo")
    assert result.code == 2 and "which panel? Name one with --source: span/home, span/shop, span/barn" in result.err
    assert shell("span", "status", "--demo", "--source", "shop").code == 0
    assert shell("span", "status", "--demo", "--source", "span/shop").code == 0
    wrong = shell("span", "status", "--demo", "--source", "attic")
    assert wrong.code == 2 and "there is no panel 'attic'" in wrong.err


# commands


def test_a_relay_is_opened_read_back_and_written_down(shell: Shell, panel: Panel) -> None:
    result = shell("span", "relay", LIGHTS.lower(), "open", "--yes", "--reason", "lamp change")
    assert (result.code, result.out) == (0, "") and "confirmed" in result.err
    assert panel.relay(LIGHTS) == "open"
    listed = shell("journal")
    assert listed.code == 0 and LIGHTS in listed.out and "closed -> open" in listed.out
    records = [json.loads(line) for line in shell("journal", "--format", "json").out.splitlines()]
    assert {"select", "operate"} & {record["event"] for record in records}
    assert panel.token not in listed.out + json.dumps(records)
    assert shell("journal", "--since", "2099-01-01T00:00:00Z").out == ""


def test_a_priority_is_set_and_read_back(shell: Shell, panel: Panel) -> None:
    assert shell("span", "priority", "1", "must-have", "--yes").code == 0
    assert "must have" in next(line for line in shell("span", "circuits").out.splitlines() if LIGHTS in line)
    wrong = shell("span", "priority", "1", "whenever", "--yes")
    assert wrong.code == 2 and "there are: must-have, nice-to-have, non-essential" in wrong.err


@pytest.mark.parametrize(
    ("more", "options", "circuit", "words"),
    [
        ("", ("--yes",), LIGHTS, "Set control = true"),
        ("control = true", (), LIGHTS, "There is no terminal to confirm on"),
        ("control = true", ("--yes",), "Router and Alarm", "Always on"),
        ("control = true", ("--yes",), "23", "no relay to switch"),
        ("control = true", ("--yes",), "32", "no relay to switch"),
    ],
)
def test_a_refused_command_is_exit_code_4_and_nothing_is_sent(
    shell: Shell, panel: Panel, more: str, options: tuple[str, ...], circuit: str, words: str
) -> None:
    panel.configure(more=more)
    result = shell("span", "relay", circuit, "open", *options)
    assert result.code == 4 and result.out == "" and words in result.err
    assert panel.relay(LIGHTS) == panel.relay("Router and Alarm") == "closed"
    assert "refuse" in (written := shell("journal").out) or "no terminal to confirm on" in written


@pytest.mark.parametrize(
    ("tongue", "refused", "confirmed"), [("pt_BR", "recusado (", "confirmado: "), ("ms", "ditolak (", "disahkan: ")]
)
def test_how_a_command_ended_is_said_in_the_language(
    shell: Shell, panel: Panel, monkeypatch: pytest.MonkeyPatch, tongue: str, refused: str, confirmed: str
) -> None:
    monkeypatch.setenv("LANG", f"{tongue}.UTF-8")
    panel.configure(more="control = true")
    assert shell("span", "relay", LIGHTS, "open").err.startswith(f"wattdeck: {refused}")
    done = shell("span", "relay", LIGHTS, "open", "--yes")
    assert done.code == 0 and f"wattdeck: {confirmed}" in done.err


@pytest.mark.parametrize("how", ["option", "configuration"])
def test_a_read_only_deck_refuses_every_command(shell: Shell, panel: Panel, how: str) -> None:
    if how == "configuration":
        panel.configure(ui="[ui]\nread_only = true")
    options = ["--read-only"] if how == "option" else []
    result = shell(*options, "span", "relay", LIGHTS, "open", "--yes")
    assert result.code == 4 and "read-only" in result.err and panel.relay(LIGHTS) == "closed"


class Keyboard(io.StringIO):
    """A terminal on which something was typed."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("pattern", "typed", "code", "words"),
    [
        ("", "yes\n", 0, "Do it? Type yes"),
        ("", "no\n", 4, "Not confirmed; nothing was sent."),
        ("", "\n", 4, "Not confirmed; nothing was sent."),
        ("", "", 4, "Not confirmed; nothing was sent."),
        ("kitchen", "Kitchen Lights\n", 0, "Type 'Kitchen Lights' to go on"),
        ("kitchen", "yes\n", 4, "refused"),
        ("kitchen", "\n", 4, "Not confirmed; nothing was sent."),
    ],
)
def test_a_person_at_a_terminal_is_asked(
    shell: Shell, panel: Panel, monkeypatch: pytest.MonkeyPatch, pattern: str, typed: str, code: int, words: str
) -> None:
    more = f'safety = {{ type_name_patterns = ["{pattern}"] }}' if pattern else ""
    panel.configure(more=f"control = true\n{more}")
    monkeypatch.setattr(sys, "stdin", Keyboard(typed))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    result = shell("span", "relay", LIGHTS, "open")
    assert result.code == code and words in result.err and LIGHTS in result.err
    assert panel.relay(LIGHTS) == ("open" if code == 0 else "closed")


def test_a_position_that_is_reached_needs_no_command(shell: Shell, panel: Panel) -> None:
    result = shell("span", "relay", LIGHTS, "closed", "--yes")
    assert result.code == 4 and "position-reached" in result.err


@pytest.mark.parametrize("circuit", ["Outlets", "Nothing of the kind"])
def test_a_circuit_that_is_not_one_is_wrong_usage(shell: Shell, panel: Panel, circuit: str) -> None:
    result = shell("span", "relay", circuit, "open", "--yes")
    assert result.code == 2 and ("fits more than one circuit" in result.err or "there is no circuit" in result.err)


@pytest.mark.parametrize(
    ("fault", "value"), [("relay-lag", "600"), ("relay-refuse", "500"), ("close", "after@circuit")]
)
def test_a_command_that_cannot_be_confirmed_is_exit_code_5(shell: Shell, panel: Panel, fault: str, value: str) -> None:
    panel.simulator.set_fault(fault, value)
    result = shell("span", "relay", LIGHTS, "open", "--yes")
    assert result.code == (0 if fault == "close" else 5), result.err
    if fault == "close":
        assert panel.relay(LIGHTS) == "open", "the answer was lost, and what was read back counts"
    else:
        assert panel.relay(LIGHTS) == "closed" and "confirmed:" not in result.err


def test_a_panel_that_cannot_be_read_takes_no_command(shell: Shell, panel: Panel) -> None:
    panel.simulator.set_fault("html-502")
    result = shell("span", "relay", LIGHTS, "open", "--yes")
    assert result.code == 3 and "502" in result.err


def test_the_demo_is_commanded_without_a_configuration(shell: Shell) -> None:
    for source, circuit in (("shop", "Oven"), ("barn", "Sauna")):
        result = shell("span", "relay", "--demo", "--source", source, circuit, "open", "--yes")
        assert result.code == 0 and f"{circuit} is open, as read back from span/{source}." in result.err
    records = [json.loads(line) for line in shell("journal", "--demo", "--format", "json").out.splitlines()]
    assert [record["protocol"] for record in records if record["event"] == "send"] == ["v2 flat", "v2 tree"]
    result = shell("span", "relay", "--demo", "--source", "home", "Router and Alarm", "open", "--yes")
    assert result.code == 4 and "Always on" in result.err


def test_a_relay_that_moves_another_circuit_too_says_so_without_being_asked(shell: Shell) -> None:
    result = shell("span", "relay", "--demo", "--source", "barn", "Stable Lights", "open", "--yes")
    assert result.code == 0 and "moves these together: Stable Lights, Stable Fans." in result.err


@pytest.mark.parametrize(
    ("source", "circuit", "code", "words"),
    [
        ("shop", "Till and Router", 4, "Locked by the panel's set-up"),
        ("barn", "Commissioned PV System", 4, "Locked by the panel's set-up"),
        ("barn", "remote meter", 4, "no relay to switch"),
        ("barn", "main", 4, "never switched from here"),
        ("barn", "14", 2, "'14' fits more than one circuit: Egg Fridge ("),
    ],
)
def test_what_a_v2_panel_does_not_switch_is_refused(
    shell: Shell, source: str, circuit: str, code: int, words: str
) -> None:
    result = shell("span", "relay", "--demo", "--source", source, circuit, "open", "--yes")
    assert result.code == code and words in result.err


def test_priorities_of_v2_panels_are_set_in_either_words(shell: Shell) -> None:
    for source, circuit, word, kept in (("shop", "Oven", "NEVER", "must have"), ("barn", "Feed Mill", "soc-threshold",
                                                                                "nice to have")):  # fmt: skip
        result = shell("span", "priority", "--demo", "--source", source, circuit, word, "--yes")
        assert result.code == 0 and f"{circuit} is {kept}, as read back" in result.err
    result = shell("span", "priority", "--demo", "--source", "barn", "Sauna", "never", "--yes")
    assert result.code == 4 and "set the priority" in result.err


# register


def test_registering_stores_a_private_token_that_works(shell: Shell, panel: Panel, tmp_path: Path) -> None:
    panel.configure(token=None)
    assert "register first" in shell("snapshot").out
    panel.press_door()
    result = shell("span", "register")
    assert (result.code, result.out) == (0, "")
    path = tmp_path / "state" / "wattdeck" / "tokens" / "span" / "home"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().strip() not in result.err and str(path) in result.err
    assert shell("snapshot").code == 0


def test_a_panel_that_is_locked_says_how_to_unlock_it(shell: Shell, panel: Panel, tmp_path: Path) -> None:
    panel.configure(token=None)
    result = shell("span", "register", "--wait", "0")
    assert result.code == 3
    assert "press the switch at the top of the door frame 3 times" in result.err
    assert "not seen in time" in result.err
    assert not (tmp_path / "state" / "wattdeck" / "tokens").exists()


def test_a_name_the_panel_knows_already_is_refused_in_words(shell: Shell, panel: Panel) -> None:
    panel.configure(token=None)
    panel.press_door()
    assert shell("span", "register", "--name", "mine").code == 0
    result = shell("span", "register", "--name", "mine")
    assert result.code == 3 and "already registered" in result.err


def test_a_configured_token_wins_and_registering_says_so(shell: Shell, panel: Panel) -> None:
    panel.press_door()
    result = shell("span", "register")
    assert result.code == 0 and "take it out" in result.err


# journal, doctor, simulate


def test_the_journal_is_verified_and_a_changed_line_is_found(shell: Shell, panel: Panel, tmp_path: Path) -> None:
    assert shell("journal").out == ""
    shell("span", "relay", LIGHTS, "open", "--yes")
    whole = shell("journal", "--verify")
    assert whole.code == 0 and whole.out.startswith("ok: ")
    path = tmp_path / "state" / "wattdeck" / "journal.jsonl"
    path.write_text(path.read_text().replace(LIGHTS, "Garden Lights", 1))
    broken = shell("journal", "--verify")
    assert broken.code == 1 and broken.out.startswith("line ")
    assert shell("doctor").code == 1 and "journal     PROBLEM" in shell("doctor").out


def test_the_doctor_says_what_is_well_and_prints_no_secret(shell: Shell, panel: Panel) -> None:
    well = shell("doctor")
    assert well.code == 0 and "source      span/home panel: ok live" in well.out
    assert "textual 8" in well.out and panel.token not in well.out + well.err
    panel.configure(token="wrong-token")
    ill = shell("doctor")
    assert ill.code == 1 and "PROBLEM refused" in ill.out and "register again" in ill.out
    assert "wrong-token" not in ill.out + ill.err


def test_the_doctor_names_a_broken_configuration(shell: Shell, config: Path) -> None:
    write(config, "[[span]\n")
    result = shell("doctor")
    assert result.code == 2 and "config      PROBLEM" in result.out and "line 1" in result.out


def test_the_doctor_gives_up_on_a_panel_that_hangs(shell: Shell, panel: Panel) -> None:
    panel.simulator.set_fault("hang")
    result = shell("doctor", "--timeout", "0.2")
    assert result.code == 1 and "no answer in time" in result.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("span", "--fault", "earthquake"), "hostile-names"),
        (("span", "--fault", "latency=soon"), "latency=soon does not fit latency=SECONDS"),
        (("gas",), "there is no system 'gas'; there are: span"),
        (("span", "--start", "yesterday"), "is no time"),
        (("span", "--host", "192.0.2.1"), "192.0.2.1 is not an address of this machine"),
    ],
)
def test_a_simulator_that_cannot_start_says_why(shell: Shell, arguments: tuple[str, ...], words: str) -> None:
    result = shell("simulate", *arguments)
    assert (result.code, result.out) == (2, "") and words in result.err


def test_a_simulator_prints_one_line_serves_and_ends_when_interrupted(deck_home: Path) -> None:
    arguments = ("simulate", "span", "--fault", "door-unknown")
    with Forked(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            match = re.fullmatch(r"wattdeck: span simulator on (http://127\.0\.0\.1:\d+)\n", line)
            assert match is not None, line
            with urllib.request.urlopen(f"{match[1]}/api/v1/status", timeout=10) as answer:
                assert json.loads(answer.read())["system"]["doorState"] == "UNKNOWN"
        finally:
            process.send_signal(signal.SIGINT)
            rest, words = process.communicate(timeout=20)
    assert rest == "" and "this is a simulator, not a real device" in words and "Traceback" not in words
    assert process.returncode in (0, 130)


# what must never happen


def unsafe(text: str) -> list[str]:
    """Characters a terminal might act on."""
    return [
        f"{ord(character):04x}"
        for character in text
        if character != "\n" and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("snapshot",),
        ("snapshot", "--format", "json"),
        ("snapshot", "--format", "csv"),
        ("span", "circuits"),
        ("span", "relay", "no such circuit", "open"),
        ("span", "relay", "1", "open", "--yes"),
        ("journal",),
        ("doctor",),
    ],
)
def test_hostile_names_reach_no_terminal(shell: Shell, panel: Panel, arguments: tuple[str, ...]) -> None:
    panel.simulator.set_fault("hostile-names")
    if arguments == ("journal",):
        shell("span", "relay", "1", "open", "--yes")
    result = shell(*arguments)
    assert unsafe(result.out) == unsafe(result.err) == []
    assert result.out or result.err
    if arguments == ("snapshot",):
        assert "[bold" in result.out or "[red" in result.out, "markup is shown as it is"


def test_a_hostile_answer_reaches_no_terminal(shell: Shell, panel: Panel) -> None:
    panel.simulator.set_fault("html-200")
    result = shell("snapshot")
    assert result.code == 3 and unsafe(result.out + result.err) == []


def test_a_reader_that_goes_away_ends_the_stream_quietly(deck_home: Path) -> None:
    arguments = ("snapshot", "--demo", "--format", "json", "--watch", "0.1")
    with Forked(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        json.loads(process.stdout.readline())
        process.stdout.close()
        words = process.stderr.read()
        process.wait(timeout=20)
    assert words == "" and process.returncode == 141


def test_a_terminal_without_these_characters_gets_others_and_no_error(deck_home: Path) -> None:
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0"}
    code = """
from wattdeck.cli import run
for form in ("text", "json", "csv"):
    print("@", run(["snapshot", "--demo", "--format", form]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, check=True)
    assert done.stderr == b"" and done.stdout.isascii()
    *printed, rest = done.stdout.split(b"@ 0\n")
    assert len(printed) == 3 and all(b"span/home" in each for each in printed) and not rest


def test_an_interrupted_watch_is_exit_code_130(deck_home: Path) -> None:
    arguments = ("snapshot", "--demo", "--format", "json", "--watch", "3600")
    with Forked(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, words = process.communicate(timeout=20)
    assert process.returncode == 130 and "Traceback" not in words


def test_an_error_of_our_own_is_said_in_one_line(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("wattdeck.shell.snapshot.anyio.run", broken)
    log = tmp_path / "deck.log"
    result = shell("--log-file", str(log), "snapshot", "--demo")
    assert result.code == 70
    assert result.err.splitlines() == [
        "wattdeck: internal error (RuntimeError: boom). Please report it; --log-file keeps the details."
    ]
    assert "RuntimeError: boom" in log.read_text() and stat.S_IMODE(log.stat().st_mode) == 0o600


def test_a_log_that_cannot_be_written_is_wrong_usage(shell: Shell, tmp_path: Path) -> None:
    result = shell("--log-file", str(tmp_path / "no" / "where"), "snapshot", "--demo")
    assert result.code == 2 and "cannot log there" in result.err


def test_the_live_app_without_a_terminal_says_what_to_do(shell: Shell, panel: Panel) -> None:
    for arguments in ((), ("demo",)):
        result = shell(*arguments)
        assert (result.code, result.out) == (2, "") and "needs a terminal" in result.err


def test_an_unknown_command_is_wrong_usage(shell: Shell) -> None:
    result = shell("gas")
    assert result.code == 2 and "No such command 'gas'" in result.err
